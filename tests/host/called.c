/* SPDX-License-Identifier: MIT */
/* See called.h: what tests of hosts with functions have in common. */
#include "config.h"

#include "host/called.h"

#include <string.h>

#include "lib/harness.h"

#define KINDS 64

struct reeve_error err;
struct heard_exception heard;

static struct {
	char kind[48], detail[1024];
	unsigned n;
} kinds[KINDS];

static unsigned
kind_index(const char *kind)
{
	unsigned i = 0;

	while (i < KINDS - 1 && kinds[i].kind[0] != '\0' &&
	       strcmp(kinds[i].kind, kind) != 0) {
		i++;
	}
	snprintf(kinds[i].kind, sizeof(kinds[i].kind), "%s", kind);
	return i;
}

static void
on_event(void *ctx, const struct reeve_event *event)
{
	unsigned i = kind_index(event->kind);

	(void)ctx;
	kinds[i].n++;
	snprintf(kinds[i].detail, sizeof(kinds[i].detail), "%s", event->detail);
}

static void
on_exception(void *ctx, const struct reeve_exception *e)
{
	(void)ctx;
	heard.n++;
#define KEEP(name) snprintf(heard.name, sizeof(heard.name), "%s", e->name)
	KEEP(path);
	KEEP(source);
	KEEP(type);
	KEEP(message);
	KEEP(data);
	KEEP(cause_type);
	KEEP(cause_message);
	KEEP(backtrace);
#undef KEEP
	heard.sys_errno = e->sys_errno;
	heard.signo = e->signo;
	heard.address = e->address;
	heard.life = e->life;
	heard.pid = e->pid;
}

void
hear(struct guest *guest)
{
	struct reeve_watch_options options = {
		.size = sizeof(options),
		.event = on_event,
		.exception = on_exception,
	};

	struct reeve_watch *watch = NULL;

	/* The one of before; addresses of runtimes come again. */
	OK(reeve_unwatch(guest->reeve, guest->ctx, &err));
	memset(kinds, 0, sizeof(kinds));
	memset(&heard, 0, sizeof(heard));
	OK(reeve_watch(guest->reeve, &options, &watch, &err));
	guest->ctx = watch;
}

unsigned
heard_events(const char *kind)
{
	return kinds[kind_index(kind)].n;
}

const char *
heard_detail(const char *kind)
{
	return kinds[kind_index(kind)].detail;
}

/* -------- waiting -------- */

static struct {
	const char *text, *path;
	unsigned n;
	enum reeve_unit_state state;
	pid_t pid;
} wanted;

static bool
has_events(struct guest *guest)
{
	(void)guest;
	return heard_events(wanted.text) >= wanted.n;
}

bool
await_events(struct guest *guest, const char *kind, unsigned n)
{
	wanted.text = kind;
	wanted.n = n;
	return guest_until(guest, has_events);
}

static bool
has_exceptions(struct guest *guest)
{
	(void)guest;
	return heard.n >= wanted.n;
}

bool
await_exceptions(struct guest *guest, unsigned n)
{
	wanted.n = n;
	return guest_until(guest, has_exceptions);
}

struct reeve_unit_info
unit_at(struct guest *guest, const char *path)
{
	struct reeve_unit_info info = { .size = sizeof(info) };

	if (reeve_unit_find(guest->reeve, path, &info, &err) != REEVE_OK) {
		info.path = NULL;
	}
	return info;
}

static bool
has_state(struct guest *guest)
{
	struct reeve_unit_info info = unit_at(guest, wanted.path);

	return info.path != NULL && info.state == wanted.state &&
	       (wanted.pid == 0 || info.pid != wanted.pid);
}

bool
await(struct guest *guest, const char *path, enum reeve_unit_state state)
{
	wanted.path = path;
	wanted.state = state;
	wanted.pid = 0;
	return guest_until(guest, has_state);
}

bool
await_other(struct guest *guest, const char *path, pid_t pid)
{
	wanted.path = path;
	wanted.state = REEVE_RUNNING;
	wanted.pid = pid;
	return guest_until(guest, has_state);
}

static bool
has_slot(struct guest *guest)
{
	char slot[256] = "";

	return reeve_unit_slot(guest->reeve, wanted.path, slot,
		   sizeof(slot) - 1, NULL, NULL) == REEVE_OK &&
	       strncmp(slot, wanted.text, strlen(wanted.text)) == 0;
}

bool
await_slot(struct guest *guest, const char *path, const char *text)
{
	wanted.path = path;
	wanted.text = text;
	return guest_until(guest, has_slot);
}

void
add_function(struct guest *guest, const char *path, const char *function,
    enum reeve_method method, const char *args, const char *more)
{
	struct reeve_worker_options options = {
		.size = sizeof(options),
		.function = function,
		.method = method,
		.args = args,
		.ready_notify = true,
		.options = more,
	};

	OK(reeve_add_worker(guest->reeve, path, &options, &err));
}
