/* SPDX-License-Identifier: MIT */
/*
 * Homes of pools' own runtimes: see home.h. What a runtime has on tmpfs is
 * found by the link to its control socket, which it has from its beginning.
 */
#include "config.h"

#include "pool/home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "sys/sys.h"

#define PUBLIC ".pub" /* a second directory of a runtime's place */

void
rv_home_init(struct rv_home *home)
{
	rv_nest_init(&home->nest);
	home->place[0] = '\0';
}

/* The place of the runtime in that nest; "": none is known. */
static void
find_place(const char *nest, char *place, size_t size)
{
	static const char link[] = "/control.sock";
	char path[sizeof(((struct rv_nest *)0)->path) + sizeof(link)];
	ssize_t n;

	rv_format(path, sizeof(path), "%s%s", nest, link);
	n = readlink(path, place, size - 1);
	place[n > 0 ? n : 0] = '\0';
	n -= (ssize_t)sizeof(link) - 1;
	if (n <= 0 || place[0] != '/' || strcmp(place + n, link) != 0) {
		n = 0;
	}
	place[n] = '\0';
}

static void
remove_place(const char *place)
{
	char public[PATH_MAX];

	if (place[0] != '\0' && rv_format(public, sizeof(public), "%s" PUBLIC,
				    place) < sizeof(public)) {
		rv_nest_remove_dir(public);
		rv_nest_remove_dir(place);
	}
}

/* -------- those of the dead -------- */

/* No such file: it is not locked, either. */
static bool
is_locked(const char *place, const char *name)
{
	char path[PATH_MAX];
	bool locked;
	int fd;

	rv_format(path, sizeof(path), "%s/%s", place, name);
	fd = rv_sys_open(path, O_RDWR | O_NOFOLLOW, 0);
	locked = fd != -1 && flock(fd, LOCK_EX | LOCK_NB) != 0;
	if (fd != -1) {
		(void)close(fd);
	}
	return locked;
}

/* Neither its runtime nor the clerk of that lives: who has killed a host may
 * have left them to end by themselves. */
static bool
clear(const char *path)
{
	char place[PATH_MAX];

	find_place(path, place, sizeof(place));
	if (place[0] != '\0' &&
	    (is_locked(place, "lock") || is_locked(place, "clerk.lock"))) {
		return false;
	}
	remove_place(place);
	return true;
}

/* -------- one's own -------- */

enum reeve_status
rv_home_make(struct rv_home *home, struct reeve_error *err)
{
	static const struct rv_nest_kind kind = { "reeve-pool-", clear };
	const char *bases[] = { geteuid() == 0 ? "/run" : NULL,
		secure_getenv("XDG_RUNTIME_DIR"), "/dev/shm", "/tmp" };

	for (size_t i = 0; i < RV_ARRAY_LEN(bases); i++) {
		if (bases[i] != NULL && bases[i][0] == '/' &&
		    rv_nest_make(&home->nest, &kind, bases[i])) {
			return REEVE_OK;
		}
	}
	return rv_error_sys(
	    err, errno, "cannot make a directory in %s", bases[3]);
}

void
rv_home_settle(struct rv_home *home)
{
	find_place(home->nest.path, home->place, sizeof(home->place));
}

void
rv_home_remove(struct rv_home *home)
{
	remove_place(home->place);
	home->place[0] = '\0';
	rv_nest_remove(&home->nest);
}
