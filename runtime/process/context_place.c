/* SPDX-License-Identifier: MIT */
/*
 * The directory of a context: private, on memory, for the sockets on which its
 * processes are heard. The launcher removes it at its end, so that it goes
 * too when this process is killed; what is left after one of both at a time
 * is removed here.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "process/process_priv.h"

static bool
make_in(const char *dir, char path[static RV_PLACE_MAX])
{
	if (dir == NULL || dir[0] != '/' ||
	    rv_format(path, RV_PLACE_MAX, "%s/reeve-context-XXXXXX", dir) >=
		RV_PLACE_MAX - 1) {
		return false;
	}
	return mkdtemp(path) != NULL; /* 0700, and nobody else's */
}

enum reeve_status
rv_place_make(char path[static RV_PLACE_MAX], struct reeve_error *err)
{
	const char *dirs[] = { geteuid() == 0 ? "/run" : NULL,
		secure_getenv("XDG_RUNTIME_DIR"), "/dev/shm", "/tmp" };

	for (size_t i = 0; i < RV_ARRAY_LEN(dirs); i++) {
		if (make_in(dirs[i], path)) {
			return REEVE_OK;
		}
	}
	path[0] = '\0';
	return rv_error_sys(
	    err, errno, "cannot make a directory in %s", dirs[3]);
}

void
rv_place_remove(const char *path)
{
	char notify[RV_PLACE_MAX + 16];

	if (path[0] != '\0') {
		rv_format(notify, sizeof(notify), "%s/notify", path);
		rmdir(notify);
		rmdir(path);
	}
}
