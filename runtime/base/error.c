/* SPDX-License-Identifier: MIT */
/* Filling struct reeve_error; errno survives all of it. */
#include "config.h"

#include "base/error.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void
put(struct reeve_error *err, enum reeve_status status, int sys_errno,
    const char *fmt, va_list args)
{
	size_t len;
	char reason[128];

	memset(err, 0, sizeof(*err));
	err->status = status;
	err->sys_errno = sys_errno;
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	if (sys_errno != 0) {
		len = strlen(err->text);
		snprintf(err->text + len, sizeof(err->text) - len, ": %s",
		    strerror_r(sys_errno, reason, sizeof(reason)));
	}
}

enum reeve_status
rv_error(
    struct reeve_error *err, enum reeve_status status, const char *fmt, ...)
{
	int saved = errno;
	va_list args;

	if (err != NULL) {
		va_start(args, fmt);
		put(err, status, 0, fmt, args);
		va_end(args);
	}
	errno = saved;
	return status;
}

enum reeve_status
rv_error_sys(struct reeve_error *err, int sys_errno, const char *fmt, ...)
{
	int saved = errno;
	enum reeve_status status =
	    sys_errno == ENOMEM ? REEVE_ENOMEM : REEVE_ESYS;
	va_list args;

	if (err != NULL) {
		va_start(args, fmt);
		put(err, status, sys_errno, fmt, args);
		va_end(args);
	}
	errno = saved;
	return status;
}

enum reeve_status
rv_error_wrap(struct reeve_error *err, const char *fmt, ...)
{
	int saved = errno;
	char inner[sizeof(err->text)];
	size_t len;
	va_list args;

	if (err == NULL) {
		return REEVE_EINVALID;
	}
	memcpy(inner, err->text, sizeof(inner));
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", inner);
	errno = saved;
	return err->status;
}

enum reeve_status
rv_error_size(struct reeve_error *err, const char *type, size_t size)
{
	return rv_error(err, REEVE_EINVALID,
	    "%s has size %zu: set .size to sizeof(struct %s)", type, size,
	    type);
}

enum reeve_status
rv_error_unless_ours(struct reeve_error *err, const char *what,
    const char *noun, const void *object, bool is_one, pid_t pid)
{
	if (object == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot %s: the %s is NULL", what, noun);
	}
	if (!is_one) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot %s: what was given is no %s (any more)", what,
		    noun);
	}
	if (pid != getpid()) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot %s: the %s is process %d's, and this is %d, "
		    "which was forked from it",
		    what, noun, (int)pid, (int)getpid());
	}
	return REEVE_OK;
}

enum reeve_status
rv_error_handle(struct reeve_error *err, const char *wanted,
    const struct reeve_handle *handle)
{
	static const char *const kinds[] = {
		[REEVE_SHARE_NONE] = "empty: closed, or never filled in",
		[REEVE_SHARE_DESCRIPTOR] = "a plain descriptor's",
		[REEVE_SHARE_CONNECTION] = "a connection's",
		[REEVE_SHARE_MEMORY] = "a block of memory's",
		[REEVE_SHARE_QUEUE] = "a queue's",
		[REEVE_SHARE_BELL] = "a bell's",
		[REEVE_SHARE_READER] = "a receiving connection's",
		[REEVE_SHARE_WRITER] = "a sending connection's",
		[REEVE_SHARE_PLAIN] = "a plain connection's",
		[REEVE_SHARE_PLAIN_READER] = "a plain receiving connection's",
		[REEVE_SHARE_PLAIN_WRITER] = "a plain sending connection's",
	};
	unsigned kind = handle != NULL ? (unsigned)handle->kind : UINT_MAX;
	const char *what = handle == NULL ? "NULL"
			   : kind < sizeof(kinds) / sizeof(kinds[0])
			       ? kinds[kind]
			       : "of no known kind";

	return rv_error(err, REEVE_EINVALID, "cannot open %s: the handle is %s",
	    wanted, what);
}
