/* SPDX-License-Identifier: MIT */
/*
 * What is made ahead: see ahead.h. First when a forked worker has begun, as the
 * next one is forked ahead, too; then a moment after some was taken, by
 * whatever life. What cannot be made now is no failure: whoever needs it tries
 * again, and says so.
 */
#include "config.h"

#include "launcher/ahead.h"

#include <stdio.h>
#include <unistd.h>

#include "launcher/launcher.h"
#include "launcher/listen.h"
#include "sys/sys.h"

#define LATER RV_MS /* when what is being started has begun, as a rule */

/* Of a life of the runtime's own user; false: it would have no file. */
static bool
name_of(const struct rv_launcher *l, uint64_t life,
    char name[static RV_LISTEN_NAME_MAX])
{
	const struct rv_launch_keep keep = { 0 };

	rv_listen_name(l, life, &keep, name);
	return name[0] != '@';
}

static void
drop_notify(struct rv_launcher *l)
{
	char name[RV_LISTEN_NAME_MAX];

	if (l->ahead.notify != -1) {
		name_of(l, l->ahead.life, name);
		unlink(name);
		close(l->ahead.notify);
		l->ahead.notify = -1;
	}
}

/* Lives are counted by the supervisor, whoever they are of. */
static void
make_notify(struct rv_launcher *l)
{
	char name[RV_LISTEN_NAME_MAX];

	if (l->ahead.notify == -1 && name_of(l, l->last_life + 1, name)) {
		l->ahead.notify = rv_listen_bind_name(name, NULL);
		l->ahead.life = l->last_life + 1;
	}
}

void
rv_ahead_make(struct rv_launcher *l)
{
	struct rv_ahead *a = &l->ahead;

	if (l->ending) {
		return;
	}
	make_notify(l);
	while (a->n_pipes < RV_AHEAD_PIPES &&
	       rv_sys_pipe2(a->pipes[a->n_pipes], 0) == 0) {
		a->n_pipes++;
	}
}

static void
on_tick(struct rv_tick *tick, rv_time now, rv_time late)
{
	(void)now;
	(void)late;
	rv_ahead_make(RV_CONTAINER(tick, struct rv_launcher, ahead.tick));
}

static void
make_later(struct rv_launcher *l)
{
	if (l->ahead.tick.heap_index != 0) {
		return; /* not put off by each of many starts */
	}
	l->ahead.tick.cb = on_tick;
	rv_tick_arm(
	    l->loop, &l->ahead.tick, rv_time_add(rv_loop_now(l->loop), LATER));
}

int
rv_ahead_notify(struct rv_launcher *l, uint64_t life, const char *name)
{
	char old[RV_LISTEN_NAME_MAX];
	int fd = l->ahead.notify;

	if (fd != -1 && l->ahead.life != life) {
		/* Cheaper than another, if it is to be. */
		name_of(l, l->ahead.life, old);
		if (rename(old, name) == -1) {
			drop_notify(l);
			return -1;
		}
	}
	if (fd != -1) {
		l->ahead.notify = -1;
		make_later(l);
	}
	return fd;
}

static bool
take_pipe(struct rv_ahead *a, int fds[static 2])
{
	if (a->n_pipes == 0) {
		return false;
	}
	a->n_pipes--;
	fds[0] = a->pipes[a->n_pipes][0];
	fds[1] = a->pipes[a->n_pipes][1];
	return true;
}

bool
rv_ahead_pipe(struct rv_launcher *l, int fds[static 2])
{
	if (!take_pipe(&l->ahead, fds)) {
		return false;
	}
	make_later(l);
	return true;
}

void
rv_ahead_drop(struct rv_launcher *l)
{
	int fds[2];

	rv_tick_disarm(&l->ahead.tick);
	drop_notify(l);
	while (take_pipe(&l->ahead, fds)) {
		close(fds[0]);
		close(fds[1]);
	}
}
