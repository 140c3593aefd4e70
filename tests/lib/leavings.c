/* SPDX-License-Identifier: MIT */
/*
 * What runtimes leave on tmpfs for the next one of their state directory: when
 * a test's folder goes, no next one will come, and it goes too. Called by the
 * frame for each folder that it removes; looks at nothing else there.
 */
#include <ftw.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/leavings.h"

/* Of its state directory, by FNV-1a with the NUL: how a place is named. */
static uint64_t
key_of(const char *state_dir)
{
	uint64_t key = UINT64_C(0xcbf29ce484222325);

	for (const char *p = state_dir;; p++) {
		key = (key ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
		if (*p == '\0') {
			return key;
		}
	}
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

static void
remove_places(const char *base, const char *rest, uint64_t key)
{
	static const char *const ends[] = { "", ".pub" };
	char path[512];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(path, sizeof(path), "%s%s/%016" PRIx64 "%s", base,
		    rest, key, ends[i]);
		if (access(path, F_OK) == 0) {
			nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
		}
	}
}

void
rv_leavings_remove(const char *state_dir)
{
	const char *mine = getenv("XDG_RUNTIME_DIR");
	uint64_t key = key_of(state_dir);
	char user[32];

	if (geteuid() == 0) {
		remove_places("/run", "/reeve", key);
		return;
	}
	snprintf(user, sizeof(user), "/tmp/reeve-%d", (int)geteuid());
	remove_places(user, "", key);
	if (mine != NULL && mine[0] == '/') {
		remove_places(mine, "/reeve", key);
	}
}
