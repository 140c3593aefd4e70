/* SPDX-License-Identifier: MIT */
/*
 * Names of signals and of error numbers, both ways, from tables of our own:
 * libc's differ between versions and its case folding depends on the locale.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/text.h"

struct signal_name {
	int signo;
	const char *name;
};

static const struct signal_name signals[] = {
#define X(name) { SIG##name, #name },
#include "base/signal.def"
#undef X
	/* Older spellings are read, never written. */
	{ SIGABRT, "IOT" },
	{ SIGCHLD, "CLD" },
	{ SIGIO, "POLL" },
};

static char
upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* True when text begins with the (upper case) word, in any case. */
static bool
begins(const char *text, const char *word)
{
	for (; *word != '\0'; word++, text++) {
		if (upper(*text) != *word) {
			return false;
		}
	}
	return true;
}

/* "RTMIN" "RTMIN+3" "RTMAX" "RTMAX-2", or 0. */
static int
realtime_number(const char *name)
{
	const int room = SIGRTMAX - SIGRTMIN;
	bool from_top = begins(name, "RTMAX");
	int64_t n = 0;

	if (!from_top && !begins(name, "RTMIN")) {
		return 0;
	}
	if (name[5] != '\0' &&
	    (name[5] != (from_top ? '-' : '+') || name[6] == '-' ||
		!rv_parse_int(name + 6, 0, room, &n))) {
		return 0;
	}
	return from_top ? SIGRTMAX - (int)n : SIGRTMIN + (int)n;
}

int
rv_signal_number(const char *name)
{
	const char *bare = begins(name, "SIG") ? name + 3 : name;
	int64_t n;

	if (rv_parse_int(name, 1, 64, &n)) {
		return (int)n;
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(signals); i++) {
		if (strlen(signals[i].name) == strlen(bare) &&
		    begins(bare, signals[i].name)) {
			return signals[i].signo;
		}
	}
	return realtime_number(bare);
}

const char *
rv_signal_name(int signo, char buf[static 24])
{
	for (size_t i = 0; i < RV_ARRAY_LEN(signals); i++) {
		if (signals[i].signo == signo) {
			rv_format(buf, 24, "SIG%s", signals[i].name);
			return buf;
		}
	}
	if (signo >= SIGRTMIN && signo <= SIGRTMAX) {
		rv_format(buf, 24, "SIGRTMIN+%d", signo - SIGRTMIN);
	} else {
		rv_format(buf, 24, "signal %d", signo);
	}
	return buf;
}

const char *
rv_errno_name(int sys_errno)
{
	static const struct {
		int number;
		const char *name;
	} errnos[] = {
#define X(name) { name, #name },
#include "base/errno.def"
#undef X
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(errnos); i++) {
		if (errnos[i].number == sys_errno) {
			return errnos[i].name;
		}
	}
	return "E?";
}
