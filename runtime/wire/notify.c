/* SPDX-License-Identifier: MIT */
/*
 * Reading what workers say of themselves: see notify.h. Called by the
 * launcher for each datagram. Pure; must take any bytes.
 */
#include "config.h"

#include "wire/notify.h"

#include <string.h>

#include "base/text.h"

#define VALUE_MAX 32 /* no number is longer */

struct variable {
	const char *name;
	uint32_t flag;
	bool (*take)(struct rv_notify_message *, const char *value, size_t len);
};

static bool
is_one(struct rv_notify_message *m, const char *value, size_t len)
{
	(void)m;
	return len == 1 && value[0] == '1';
}

static bool
number(const char *value, size_t len, int64_t min, int64_t max, int64_t *out)
{
	char text[VALUE_MAX];

	if (len == 0 || len >= sizeof(text)) {
		return false;
	}
	memcpy(text, value, len);
	text[len] = '\0';
	return rv_parse_int(text, min, max, out);
}

static bool
take_status(struct rv_notify_message *m, const char *value, size_t len)
{
	len = rv_utf8_valid(value, RV_MIN(len, RV_NOTIFY_STATUS_MAX));
	memcpy(m->status, value, len);
	m->status[len] = '\0';
	m->notify.status = m->status;
	return true;
}

static bool
take_usec(const char *value, size_t len, uint64_t *out)
{
	int64_t n;

	/* Far from where the sum with a clock could overflow. */
	if (!number(value, len, 0, RV_DAY / RV_US * 10000, &n)) {
		return false;
	}
	*out = (uint64_t)n;
	return true;
}

static bool
take_watchdog_usec(struct rv_notify_message *m, const char *value, size_t len)
{
	return take_usec(value, len, &m->notify.watchdog_usec) &&
	       m->notify.watchdog_usec > 0;
}

static bool
take_extend(struct rv_notify_message *m, const char *value, size_t len)
{
	return take_usec(value, len, &m->notify.extend_usec);
}

static bool
take_i32(const char *value, size_t len, int64_t min, int32_t *out)
{
	int64_t n;

	if (!number(value, len, min, INT32_MAX, &n)) {
		return false;
	}
	*out = (int32_t)n;
	return true;
}

static bool
take_mainpid(struct rv_notify_message *m, const char *value, size_t len)
{
	return take_i32(value, len, 2, &m->notify.mainpid);
}

static bool
take_errno(struct rv_notify_message *m, const char *value, size_t len)
{
	return take_i32(value, len, 0, &m->notify.sys_errno);
}

static bool
take_exit_status(struct rv_notify_message *m, const char *value, size_t len)
{
	return take_i32(value, len, INT32_MIN, &m->notify.exit_status);
}

/* WATCHDOG has two values that mean different things. */
static bool
take_watchdog(struct rv_notify_message *m, const char *value, size_t len)
{
	if (len == strlen("trigger") && memcmp(value, "trigger", len) == 0) {
		m->notify.flags |= RV_NOTIFY_TRIGGER;
		return true;
	}
	if (is_one(m, value, len)) {
		m->notify.flags |= RV_NOTIFY_WATCHDOG;
		return true;
	}
	return false;
}

static bool
take_page(struct rv_notify_message *m, const char *value, size_t len)
{
	m->page = is_one(m, value, len);
	return m->page;
}

static const struct variable variables[] = {
	{ "READY", RV_NOTIFY_READY, is_one },
	{ "STOPPING", RV_NOTIFY_STOPPING, is_one },
	{ "RELOADING", RV_NOTIFY_RELOADING, is_one },
	{ "WATCHDOG", 0, take_watchdog },
	{ "WATCHDOG_USEC", RV_NOTIFY_WATCHDOG_USEC, take_watchdog_usec },
	{ "EXTEND_TIMEOUT_USEC", RV_NOTIFY_EXTEND, take_extend },
	{ "MAINPID", RV_NOTIFY_MAINPID, take_mainpid },
	{ "ERRNO", RV_NOTIFY_ERRNO, take_errno },
	{ "STATUS", RV_NOTIFY_STATUS, take_status },
	{ "EXIT_STATUS", RV_NOTIFY_EXIT_STATUS, take_exit_status },
	{ "REEVE_PAGE", 0, take_page },
	{ "REEVE_TROUBLE", RV_NOTIFY_TROUBLE, is_one },
};

static const struct variable *
find(const char *name, size_t len)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(variables); i++) {
		if (strlen(variables[i].name) == len &&
		    memcmp(variables[i].name, name, len) == 0) {
			return &variables[i];
		}
	}
	return NULL;
}

static void
take_line(struct rv_notify_message *m, const char *line, size_t len)
{
	const char *equals = memchr(line, '=', len);
	const struct variable *variable;
	struct rv_notify before = m->notify;

	if (equals == NULL) {
		return;
	}
	variable = find(line, (size_t)(equals - line));
	if (variable == NULL ||
	    (variable->flag != 0 && (m->notify.flags & variable->flag) != 0)) {
		return;
	}
	len -= (size_t)(equals + 1 - line);
	if (variable->take(m, equals + 1, len)) {
		m->notify.flags |= variable->flag;
	} else {
		m->notify = before;
		m->bad = "a variable has a value that cannot be";
	}
}

/* Up to the newline, or to the end where there is none. */
static size_t
line_length(const char *data, size_t len)
{
	const char *eol = memchr(data, '\n', len);

	return eol != NULL ? (size_t)(eol - data) : len;
}

static bool
has_barrier(const char *data, size_t len)
{
	static const char text[] = "BARRIER=1";
	const size_t n = sizeof(text) - 1;

	for (size_t at = 0, line; at < len; at += line + 1) {
		line = line_length(data + at, len - at);
		if (line == n && memcmp(data + at, text, n) == 0) {
			return true;
		}
	}
	return false;
}

void
rv_notify_parse(
    const char *data, size_t len, unsigned n_fds, struct rv_notify_message *m)
{
	m->notify = (struct rv_notify){ 0 };
	m->barrier = m->page = false;
	m->bad = NULL;
	m->status[0] = '\0';
	if (len > RV_NOTIFY_MESSAGE_MAX) {
		m->bad = "a message is longer than 4096 bytes";
		return;
	}
	/* Some senders count the end of their string in. */
	if (len > 0 && data[len - 1] == '\0') {
		len--;
	}
	if (len > 0 && memchr(data, '\0', len) != NULL) {
		m->bad = "a message has a NUL inside";
		return;
	}
	if (has_barrier(data, len)) {
		m->barrier = n_fds == 1 && len - (data[len - 1] == '\n') ==
					       strlen("BARRIER=1");
		m->bad = m->barrier ? NULL
				    : "a barrier must come alone, with"
				      " one descriptor";
		return;
	}
	for (size_t at = 0, line; at < len; at += line + 1) {
		line = line_length(data + at, len - at);
		take_line(m, data + at, line);
	}
	if (m->page && n_fds != 1) {
		m->page = false;
		m->bad = "a page must come with one descriptor";
	}
}
