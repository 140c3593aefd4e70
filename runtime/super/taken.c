/* SPDX-License-Identifier: MIT */
/*
 * Waiting for addresses that a run which was killed has not let go yet: see
 * taken.h. Every attempt is one turn of the loop; never blocks.
 */
#include "config.h"

#include "super/taken.h"

#include <errno.h>

#include "base/error.h"
#include "super/super_priv.h"

#define TRY_FOR   (10 * RV_SEC)
#define TRY_EVERY (50 * RV_MS)

/*
 * As a reload does: what is open, the host's too, is taken over. Who is in the
 * way is looked for where that will be said.
 */
static enum reeve_status
try_again(struct rv_super *super, bool is_last, struct reeve_error *err)
{
	struct rv_listeners fresh = { 0 };
	enum reeve_status status =
	    rv_listeners_open(&fresh, &super->listeners, super->conf, err);

	if (status == REEVE_OK) {
		rv_listeners_swap(&super->listeners, &fresh, super->start);
		rv_listeners_part(&fresh, &super->listeners, super->start);
	} else if (is_last || !super->taken.said) {
		rv_listeners_tell_holder(&fresh, err);
	}
	return status;
}

static void
go_on(struct rv_super *super)
{
	super->taken.until = 0;
	rv_super_notice(super, RV_NOTICE_INFO,
	    "the addresses to listen on are free now; starting");
	if (super->taken.boot_is_due) {
		rv_super_boot(super);
	}
}

static void
say(struct rv_super *super, const struct reeve_error *err)
{
	if (!super->taken.said) {
		super->taken.said = true;
		rv_super_notice(super, RV_NOTICE_WARNING,
		    "%s; the run before (pid %d) was killed, and its workers "
		    "may still hold it: trying for %d s",
		    err->text, (int)super->ended_badly,
		    (int)(TRY_FOR / RV_SEC));
	}
}

static void
on_tick(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct rv_super *super = tick->ctx;
	struct reeve_error err;
	bool is_last;

	(void)late;
	RV_MAGIC_CHECK(super, RV_SUPER_MAGIC);
	if (super->urgency > 0 || super->start == NULL) {
		return;
	}
	is_last = now >= super->taken.until;
	if (try_again(super, is_last, &err) == REEVE_OK) {
		go_on(super);
	} else if (err.sys_errno == EADDRINUSE && !is_last) {
		say(super, &err);
		rv_tick_arm(super->loop, tick, rv_time_add(now, TRY_EVERY));
	} else {
		rv_super_notice(
		    super, RV_NOTICE_TROUBLE, "%s; giving up", err.text);
		super->gave_up = true;
		rv_super_shutdown(super, 1, NULL);
	}
}

void
rv_taken_init(struct rv_super *super)
{
	super->taken.tick = (struct rv_tick){ .cb = on_tick, .ctx = super };
}

enum reeve_status
rv_taken_open(struct rv_super *super, struct reeve_error *err)
{
	struct reeve_error local = { 0 };
	enum reeve_status status =
	    rv_listeners_open(&super->listeners, NULL, super->conf, &local);
	rv_time now = rv_loop_now(super->loop);

	if (status == REEVE_OK) {
		return REEVE_OK;
	}
	if (local.sys_errno == EADDRINUSE && super->ended_badly != 0) {
		super->taken.until = rv_time_add(now, TRY_FOR);
		/* At once: then there is somebody to be told. */
		rv_tick_arm(super->loop, &super->taken.tick, now);
		return REEVE_OK;
	}
	rv_listeners_tell_holder(&super->listeners, &local);
	if (err != NULL) {
		*err = local;
	}
	return status;
}

bool
rv_taken_holds_up(struct rv_super *super)
{
	super->taken.boot_is_due = true;
	return super->taken.until != 0;
}
