/* SPDX-License-Identifier: MIT */
/*
 * What people ask of a running runtime, each turned into events for the core:
 * start, stop, restart, signal, shut down; also who asked, and the promise
 * that all up to now is on the disk.
 */
#include "config.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/error.h"
#include "super/super_priv.h"

uint64_t
rv_super_asked(struct rv_super *super, const struct rv_asker *asker)
{
	struct rv_fields fields = { 0 };

	rv_fields_str(&fields, RV_KEY_METHOD, asker->method);
	if (asker->names != NULL) {
		rv_fields_json(&fields, RV_KEY_NAMES, asker->names);
	}
	if (asker->uid >= 0) {
		rv_fields_int(&fields, RV_KEY_UID, asker->uid);
		rv_fields_int(&fields, RV_KEY_PID, asker->pid);
	}
	if (asker->reason != NULL) {
		rv_fields_str(&fields, RV_KEY_REASON, asker->reason);
	}
	return rv_super_record(
	    super, RV_KIND_CONTROL_REQUEST, NULL, 0, &fields);
}

static void
post(struct rv_super *super, struct rv_unit *unit, enum rv_event_type type)
{
	struct rv_event event = { .type = type, .unit = unit };

	rv_super_post(super, &event);
}

/* A name may stand for several of which each has the next beside it. */
static bool
restart_softly(struct rv_super *super, struct rv_unit *unit)
{
	bool any = false;

	if (!rv_node_of(unit)->spec->instances) {
		return rv_overlap_restart(super, unit);
	}
	RV_LIST_EACH (child, &unit->children, struct rv_unit, siblings) {
		const struct rv_node *node = rv_node_of(child);

		any = any ||
		      (node->aside == NULL && rv_overlap_may(node, node->spec));
	}
	if (!any) {
		return false;
	}
	RV_LIST_EACH_SAFE (child, &unit->children, struct rv_unit, siblings) {
		if (rv_node_of(child)->aside == NULL &&
		    !rv_overlap_restart(super, child)) {
			post(super, child, RV_EV_RESTART);
		}
	}
	return true;
}

void
rv_super_launch(struct rv_super *super)
{
	/* In the midst of things it is for whoever began them. */
	if (!super->acting) {
		rv_super_launch_queued(super);
	}
}

void
rv_super_do(struct rv_super *super, struct rv_unit *unit, enum rv_verb verb)
{
	static const enum rv_event_type types[] = {
		[RV_VERB_START] = RV_EV_START,
		[RV_VERB_STOP] = RV_EV_STOP,
		[RV_VERB_RESTART] = RV_EV_RESTART,
	};

	if (super->finished) {
		return;
	}
	if (verb == RV_VERB_RESTART && restart_softly(super, unit)) {
		return;
	}
	post(super, unit, types[verb]);
	if (verb == RV_VERB_START && rv_node_of(unit)->spec->instances) {
		/* The name stands for all of them: none stays held. */
		RV_LIST_EACH_SAFE (
		    child, &unit->children, struct rv_unit, siblings) {
			if (rv_node_of(child)->aside == NULL) {
				post(super, child, RV_EV_START);
			}
		}
	}
}

static bool
signal_one(struct rv_super *super, struct rv_unit *unit, int signo)
{
	struct rv_node *node = rv_node_of(unit);

	if (node->life == 0 || node->pid == 0) {
		return false;
	}
	rv_start_signal(super->start, node->life, signo, false, false);
	return true;
}

bool
rv_super_is_within(const struct rv_unit *top, const struct rv_unit *unit)
{
	while (unit != NULL && unit != top) {
		unit = unit->parent;
	}
	return unit == top;
}

enum reeve_status
rv_super_signal(struct rv_super *super, struct rv_unit *top, int signo,
    struct reeve_error *err)
{
	bool any = false;

	for (struct rv_unit *unit = top;
	     unit != NULL && rv_super_is_within(top, unit);
	     unit = rv_super_next(super, unit)) {
		any = signal_one(super, unit, signo) || any;
	}
	if (!any) {
		return rv_error(err, REEVE_EFAILED,
		    "cannot signal %s: no process of it is running (%s)",
		    top->path, rv_state_name(top->state));
	}
	return REEVE_OK;
}

void
rv_super_note_signal(struct rv_super *super, int signo)
{
	struct rv_fields fields = { 0 };

	rv_fields_int(&fields, RV_KEY_SIGNAL, signo);
	rv_super_record(super, RV_KIND_SIGNAL_RECEIVED, NULL, 0, &fields);
}

bool
rv_super_reaped(struct rv_super *super, pid_t pid, int wstatus)
{
	return (super->start != NULL &&
		   rv_start_reaped(super->start, pid, wstatus)) ||
	       (super->clerk != NULL &&
		   rv_clerk_reaped(super->clerk, pid, wstatus));
}

void
rv_super_shutdown(struct rv_super *super, int urgency, const char *why)
{
	static const enum rv_event_type types[] = { RV_EV_SHUTDOWN,
		RV_EV_HASTEN, RV_EV_KILL_ALL };
	struct rv_unit *root = rv_super_next(super, NULL);

	if (super->finished) {
		return;
	}
	if (super->urgency == 0 && why != NULL) {
		super->stop_why = why;
	}
	urgency = RV_MIN(urgency, (int)RV_ARRAY_LEN(types));
	super->booted = true; /* no boot may follow */
	for (; super->urgency < urgency; super->urgency++) {
		post(super, root, types[super->urgency]);
	}
}

int
rv_super_urgency(const struct rv_super *super)
{
	return super->urgency;
}

static void
begin_sync(struct rv_super *super, struct rv_sync *sync)
{
	sync->token = ++super->next_sync;
	rv_list_insert(&super->syncs, &sync->link);
	rv_journal_wake(super->journal);
	rv_clerk_sync(super->clerk, sync->token);
}

enum reeve_status
rv_super_sync(struct rv_super *super, rv_super_synced_cb *done, void *ctx)
{
	struct rv_sync *sync;

	if (super->clerk == NULL) {
		return REEVE_ECLOSED;
	}
	sync = rv_alloc(1, sizeof(*sync));
	if (sync == NULL) {
		return REEVE_ENOMEM;
	}
	sync->done = done;
	sync->ctx = ctx;
	begin_sync(super, sync);
	return REEVE_OK;
}

static void
on_room(void *ctx, bool ok)
{
	struct rv_super *super = ctx;

	(void)ok;
	super->room.done = NULL;
	super->room_free(super->room_ctx);
}

void
rv_super_room(struct rv_super *super, void (*room)(void *ctx), void *ctx)
{
	super->room_free = room;
	super->room_ctx = ctx;
	if (super->clerk == NULL || super->room.done != NULL) {
		return;
	}
	super->room.embedded = true;
	super->room.done = on_room;
	super->room.ctx = super;
	begin_sync(super, &super->room);
}

static void
end_sync(struct rv_sync *sync, bool ok)
{
	bool embedded = sync->embedded;

	rv_list_remove(&sync->link);
	sync->done(sync->ctx, ok);
	if (!embedded) {
		rv_free(sync);
	}
}

void
rv_super_synced(struct rv_super *super, uint64_t token)
{
	while (!rv_list_empty(&super->syncs)) {
		struct rv_sync *sync =
		    RV_LIST_FIRST(&super->syncs, struct rv_sync, link);

		if (sync->token > token) {
			return;
		}
		end_sync(sync, true);
	}
}

void
rv_super_syncs_again(struct rv_super *super)
{
	RV_LIST_EACH (sync, &super->syncs, struct rv_sync, link) {
		rv_clerk_sync(super->clerk, sync->token);
	}
}

void
rv_super_syncs_fail(struct rv_super *super)
{
	while (!rv_list_empty(&super->syncs)) {
		end_sync(
		    RV_LIST_FIRST(&super->syncs, struct rv_sync, link), false);
	}
}
