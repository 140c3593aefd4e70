/* SPDX-License-Identifier: MIT */
/* How a life ended, in words, and whether that was a crash. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "query/why.h"

bool
rv_is_crash(const struct rv_json *detail)
{
	static const char *const bad[] = { "signaled", "exception",
		"unresponsive", "oom", "limit", "start failed",
		"start timeout" };
	const char *reason = rv_json_str(rv_json_get(detail, "reason"));

	if (reason == NULL) {
		return false;
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(bad); i++) {
		if (strcmp(reason, bad[i]) == 0) {
			return true;
		}
	}
	return strcmp(reason, "exited") == 0 &&
	       rv_json_int(rv_json_get(detail, "exit_code")) != 0;
}

static const char *
because(const char *reason)
{
	static const char *const plain[] = { "exited", "signaled", "none",
		"unknown", "start failed", "asked", "lost" };

	for (size_t i = 0; i < RV_ARRAY_LEN(plain); i++) {
		if (reason == NULL || strcmp(reason, plain[i]) == 0) {
			return NULL;
		}
	}
	return reason;
}

void
rv_say_how(char *dst, size_t size, const char *reason, int64_t exit_code,
    int64_t signo, bool core, const char *stage, const char *error,
    const char *message)
{
	const char *more = because(reason);
	char name[24];
	size_t n;

	if (stage != NULL) {
		n = rv_format(dst, size, "could not start: %s%s%s%s",
		    message != NULL ? message : stage,
		    error == NULL     ? ""
		    : message != NULL ? " ("
				      : ": ",
		    error != NULL ? error : "",
		    error != NULL && message != NULL ? ")" : "");
	} else if (signo > 0) {
		n = rv_format(dst, size, "was killed by %s%s",
		    rv_signal_name((int)RV_MIN(signo, 1000), name),
		    core ? " (core dumped)" : "");
	} else if (exit_code >= 0) {
		n = rv_format(
		    dst, size, "exited with code %" PRId64, exit_code);
	} else if (reason != NULL && strcmp(reason, "lost") == 0) {
		n = rv_format(dst, size,
		    "was lost: the supervisor died, nobody saw its end");
	} else {
		n = rv_format(dst, size, "ended, its status is not known");
	}
	if (more != NULL) {
		rv_format(dst + n, size - n, ", %s", more);
	}
}

void
rv_say_how_detail(char *dst, size_t size, const struct rv_json *detail)
{
	const struct rv_json *code = rv_json_get(detail, "exit_code");

	rv_say_how(dst, size, rv_json_str(rv_json_get(detail, "reason")),
	    code != NULL ? rv_json_int(code) : -1,
	    rv_json_int(rv_json_get(detail, "signal")),
	    rv_json_bool(rv_json_get(detail, "core_dumped")),
	    rv_json_str(rv_json_get(detail, "stage")),
	    rv_json_str(rv_json_get(detail, "errno")),
	    rv_json_str(rv_json_get(detail, "message")));
}
