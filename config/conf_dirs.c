/* SPDX-License-Identifier: MIT */
/*
 * Where runtimes keep their things: the state directory by name and user, the
 * runtime directory (on tmpfs) by the state directory.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"
#include "config/load.h"

static enum reeve_status
too_long(struct reeve_error *err, const char *what)
{
	return rv_error(
	    err, REEVE_ETOOBIG, "cannot use %s: the path is too long", what);
}

/* An environment variable that holds an absolute path, or NULL. */
static const char *
directory_in(const char *variable)
{
	const char *path = getenv(variable);

	return path != NULL && path[0] == '/' ? path : NULL;
}

enum reeve_status
rv_conf_runtime_dir_of(uid_t uid, const char *state_dir, char *dst, size_t size,
    struct reeve_error *err)
{
	uint64_t key = rv_fnv_str(RV_FNV_INIT, state_dir);
	const char *base = directory_in("XDG_RUNTIME_DIR");
	char text[512];
	size_t len;

	if (uid == 0) {
		len = rv_format(
		    text, sizeof(text), "/run/reeve/%016" PRIx64, key);
	} else if (base != NULL) {
		len = rv_format(
		    text, sizeof(text), "%s/reeve/%016" PRIx64, base, key);
	} else {
		len = rv_format(text, sizeof(text), "/tmp/reeve-%d/%016" PRIx64,
		    (int)uid, key);
	}
	/* Sockets are made in it, whose paths have 107 characters. */
	if (len + 1 > size || len > 80) {
		return too_long(err, text);
	}
	rv_copy(dst, size, text);
	return REEVE_OK;
}

enum reeve_status
rv_conf_runtime_dir(
    const char *state_dir, char *dst, size_t size, struct reeve_error *err)
{
	return rv_conf_runtime_dir_of(geteuid(), state_dir, dst, size, err);
}

enum reeve_status
rv_conf_dirs(const char *name, bool as_root, char *state_dir, size_t state_size,
    char *runtime_dir, size_t runtime_size, struct reeve_error *err)
{
	const char *base = directory_in("XDG_STATE_HOME");
	const char *home = directory_in("HOME");
	size_t len;

	if (as_root) {
		len =
		    rv_format(state_dir, state_size, "/var/lib/reeve/%s", name);
	} else if (base != NULL) {
		len =
		    rv_format(state_dir, state_size, "%s/reeve/%s", base, name);
	} else if (home != NULL) {
		len = rv_format(state_dir, state_size,
		    "%s/.local/state/reeve/%s", home, name);
	} else {
		return rv_error(err, REEVE_ECONFIG,
		    "cannot find a state directory: HOME is not set; give "
		    "state_dir in the config");
	}
	if (len + 1 >= state_size) {
		return too_long(err, state_dir);
	}
	if (as_root && geteuid() != 0) {
		/* Root's, seen by another. */
		rv_format(runtime_dir, runtime_size, "/run/reeve/%016" PRIx64,
		    rv_fnv_str(RV_FNV_INIT, state_dir));
		return REEVE_OK;
	}
	return rv_conf_runtime_dir(state_dir, runtime_dir, runtime_size, err);
}
