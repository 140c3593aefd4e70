/* SPDX-License-Identifier: MIT */
/* Filling struct reeve_error; errno survives all of it. */
#include "config.h"

#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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
