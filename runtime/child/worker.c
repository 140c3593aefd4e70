/* SPDX-License-Identifier: MIT */
/*
 * What a worker says of itself and what it was handed: readiness, a line of
 * status, its slot, the reason of its end, its listeners.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <reeve/child.h>

#include "child/agent.h"

#define STATUS_MAX       1024
#define FIRST_LISTENER   3
#define LISTENERS_MAX    1024
#define NAME_OF_NO_NAMES "unknown"

static unsigned char nobodys_slot[RV_PAGE_SLOT_BYTES];

enum reeve_status
reeve_ready(void)
{
	static const char text[] = "READY=1";

	rv_agent_use();
	return rv_agent_send(text, sizeof(text) - 1, -1);
}

/* One line: what stands behind a newline would be another variable. */
static void
make_one_line(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n' || *text == '\r') {
			*text = ' ';
		}
	}
}

enum reeve_status
reeve_status(const char *fmt, ...)
{
	static const char name[] = "STATUS=";
	char text[sizeof(name) + STATUS_MAX];
	va_list args;

	if (fmt == NULL) {
		return REEVE_EINVALID;
	}
	memcpy(text, name, sizeof(name));
	va_start(args, fmt);
	vsnprintf(text + sizeof(name) - 1, STATUS_MAX + 1, fmt, args);
	va_end(args);
	make_one_line(text);
	rv_agent_use();
	return rv_agent_send(text, strlen(text), -1);
}

void
reeve_exit_reason(const char *fmt, ...)
{
	char text[RV_PAGE_REASON_BYTES];
	unsigned char *page;
	va_list args;

	rv_agent_use();
	page = rv_agent_page();
	if (fmt == NULL || page == NULL) {
		return;
	}
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	make_one_line(text);
	memcpy(page + RV_PAGE_REASON_AT, text, strlen(text) + 1);
}

void *
reeve_slot(size_t *size)
{
	unsigned char *page;

	rv_agent_use();
	page = rv_agent_page();
	if (size != NULL) {
		*size = RV_PAGE_SLOT_BYTES;
	}
	return page != NULL ? page + RV_PAGE_SLOT_AT : nobodys_slot;
}

/*
 * By hand, as all that a worker does before its function: each part of libc
 * that is used is mapped in this process alone, which its end takes back.
 */
static long
number(const char *name)
{
	const char *text = secure_getenv(name);
	long n = 0;

	if (text == NULL || *text == '\0') {
		return -1;
	}
	for (; *text >= '0' && *text <= '9' && n <= INT_MAX; text++) {
		n = n * 10 + (*text - '0');
	}
	return *text == '\0' ? n : -1;
}

/* How many there are for this very process. */
static int
count_listeners(void)
{
	long n = number("LISTEN_FDS");

	if (n < 0 || n > LISTENERS_MAX || number("LISTEN_PID") != getpid()) {
		return 0;
	}
	return (int)n;
}

static bool
names_it(const char *names, size_t len, const char *name)
{
	return len == strlen(name) && memcmp(names, name, len) == 0;
}

static int
find_listener(const char *name, int n)
{
	const char *names = secure_getenv("LISTEN_FDNAMES");
	int found = -1;

	if (names == NULL) {
		return n > 0 && strcmp(name, NAME_OF_NO_NAMES) == 0
			   ? FIRST_LISTENER
			   : -1;
	}
	for (int i = 0; i < n && found == -1; i++) {
		size_t len = 0;

		while (names[len] != '\0' && names[len] != ':') {
			len++;
		}
		if (names_it(names, len, name)) {
			found = FIRST_LISTENER + i;
		}
		names += len;
		if (*names == '\0') {
			break;
		}
		names++;
	}
	return found;
}

int
reeve_listener(const char *name)
{
	int n, fd;

	if (name == NULL || name[0] == '\0') {
		errno = EINVAL;
		return -1;
	}
	rv_agent_use();
	n = count_listeners();
	for (int i = FIRST_LISTENER; i < FIRST_LISTENER + n; i++) {
		fcntl(i, F_SETFD, FD_CLOEXEC);
	}
	fd = find_listener(name, n);
	if (fd == -1) {
		errno = ENOENT;
	} else if (fcntl(fd, F_GETFD) == -1) {
		fd = -1; /* it was closed: EBADF */
	}
	return fd;
}
