/* SPDX-License-Identifier: MIT */
/*
 * The executor: posts events to the core and carries out its actions, one
 * small function each. Decides nothing. Launches are queued and sent at the end
 * of a turn, within a budget of time, so that no turn takes long.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "child/stage.h"
#include "super/super_priv.h"
#include "sys/sys.h"

/* No turn may launch for longer than this; the rest follows in the next. */
#define LAUNCH_BUDGET (3 * RV_MS)

/* xorshift64*: jitter needs no more. */
static uint32_t
next_jitter(struct rv_super *super)
{
	uint64_t x = super->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	super->random = x;
	return (uint32_t)((x * UINT64_C(0x2545f4914f6cdd1d)) >> 48);
}

static void
act_launch(struct rv_super *super, const struct rv_action *action)
{
	struct rv_node *node = rv_node_of(action->unit);

	node->life = super->life_base + action->life;
	rv_hash_insert(&super->lives, &node->by_life, node->life);
	rv_list_insert(&super->launches, &node->launch_link);
}

static void
expect_end(struct rv_super *super, struct rv_node *node)
{
	if (!node->expecting_end && node->life != 0) {
		node->expecting_end = true;
		rv_start_expect_end(super->start, node->life);
	}
}

/* The sync behind it tells that this launcher, not the next, sent it. */
void
rv_super_send_stop(struct rv_super *super, struct rv_node *node)
{
	int signo = node->unsaid;
	bool cont = signo != SIGABRT && signo != SIGKILL && signo != SIGSTOP &&
		    signo != SIGCONT;

	rv_start_signal(
	    super->start, node->life, signo, node->unsaid_to_group, cont);
	rv_start_sync(super->start, node->life | (uint64_t)signo << 56);
}

static void
act_signal(struct rv_super *super, const struct rv_action *action)
{
	struct rv_node *node = rv_node_of(action->unit);

	expect_end(super, node);
	if (node->life != 0) {
		node->unsaid = (uint8_t)action->signo;
		node->unsaid_to_group = action->group;
		rv_super_send_stop(super, node);
	}
}

static void
act_kill(struct rv_super *super, const struct rv_action *action)
{
	struct rv_node *node = rv_node_of(action->unit);

	expect_end(super, node);
	node->unsaid = 0; /* the core repeats a KILL, if need be */
	if (node->life != 0) {
		rv_start_kill(
		    super->start, node->life, node->unit->policy->kill_mode);
	}
}

/* What waits to be sent has no answer to wait for: it is ended after this. */
static void
act_cancel(struct rv_super *super, const struct rv_action *action)
{
	struct rv_node *node = rv_node_of(action->unit);

	if (!rv_list_empty(&node->launch_link)) {
		rv_list_remove(&node->launch_link);
		rv_list_insert(&super->unsent, &node->launch_link);
		rv_loop_defer(super->loop, &super->end_of_turn);
	} else if (node->in_flight) {
		rv_start_cancel(super->start, node->life);
	}
}

static void
act_arm(struct rv_super *super, const struct rv_action *action)
{
	struct rv_node *node = rv_node_of(action->unit);

	if (action->timer == RV_TIMER_STATE) {
		node->backoff_until = action->at;
	}
	rv_tick_arm(super->loop, &node->ticks[action->timer], action->at);
}

static void
act_disarm(struct rv_super *super, const struct rv_action *action)
{
	(void)super;
	rv_tick_disarm(&rv_node_of(action->unit)->ticks[action->timer]);
}

static void
act_probe(struct rv_super *super, const struct rv_action *action)
{
	struct rv_node *node = rv_node_of(action->unit);

	node->probing = true;
	rv_start_sync(super->start, node->life);
}

static void
act_record(struct rv_super *super, const struct rv_action *action)
{
	rv_super_record_action(super, action);
}

static void
act_state(struct rv_super *super, const struct rv_action *action)
{
	struct rv_node *node = rv_node_of(action->unit);

	rv_overlap_changed(node);
	if (node->aside != NULL) {
		return;
	}
	RV_LIST_EACH_SAFE (sink, &super->sinks, struct rv_super_sink, link) {
		if (sink->changed != NULL) {
			sink->changed(sink, action->unit);
		}
	}
}

static void
act_gone(struct rv_super *super, const struct rv_action *action)
{
	struct rv_node *node = rv_node_of(action->unit);

	RV_LIST_EACH_SAFE (sink, &super->sinks, struct rv_super_sink, link) {
		if (sink->gone != NULL && node->aside == NULL) {
			sink->gone(sink, action->unit);
		}
	}
	rv_super_node_gone(super, node);
}

static void
act_group_down(struct rv_super *super, const struct rv_action *action)
{
	RV_LIST_EACH_SAFE (sink, &super->sinks, struct rv_super_sink, link) {
		if (sink->group_down != NULL) {
			sink->group_down(sink, action->unit);
		}
	}
}

static void
act_finished(struct rv_super *super, const struct rv_action *action)
{
	super->finished = true;
	super->gave_up |= action->gave_up;
	rv_loop_defer(super->loop, &super->end_of_turn);
}

typedef void act_fn(struct rv_super *, const struct rv_action *);

static act_fn *const acts[] = {
	[RV_ACT_LAUNCH] = act_launch,
	[RV_ACT_SIGNAL] = act_signal,
	[RV_ACT_KILL] = act_kill,
	[RV_ACT_ARM] = act_arm,
	[RV_ACT_DISARM] = act_disarm,
	[RV_ACT_CANCEL] = act_cancel,
	[RV_ACT_PROBE] = act_probe,
	[RV_ACT_RECORD] = act_record,
	[RV_ACT_STATE] = act_state,
	[RV_ACT_GONE] = act_gone,
	[RV_ACT_FINISHED] = act_finished,
	[RV_ACT_GROUP_DOWN] = act_group_down,
};

static void
give_back(struct rv_super *super)
{
	size_t len;
	void *unused = rv_core_unused(super->core, &len);

	if (unused != NULL) {
		rv_sys_give_back(unused, len);
	}
}

void
rv_super_act(struct rv_super *super)
{
	struct rv_action action;

	if (super->acting) {
		return; /* the outer call goes on with what was added */
	}
	super->acting = true;
	while (rv_core_action(super->core, &action)) {
		acts[action.type](super, &action);
	}
	super->acting = false;
	give_back(super);
	if (!rv_list_empty(&super->launches)) {
		rv_loop_defer(super->loop, &super->end_of_turn);
	}
	if (super->booted && !super->settled_told &&
	    rv_core_unsettled(super->core) == 0) {
		super->settled_told = true;
		if (super->settled != NULL) {
			super->settled(super->settled_ctx);
		}
	}
}

void
rv_super_post(struct rv_super *super, struct rv_event *event)
{
	if (event->now == 0) {
		event->now = rv_loop_now(super->loop);
	}
	event->jitter = next_jitter(super);
	rv_core_post(super->core, event);
	rv_super_act(super);
}

/* The first that says anything is heard. */
static enum rv_verdict
ask(struct rv_super *super, const struct rv_event *event,
    enum rv_proposal proposal)
{
	const struct rv_node *node = rv_node_of(event->unit);
	enum rv_verdict verdict = RV_VERDICT_NONE;
	struct rv_ending ending = {
		.life = super->life_base + event->life,
		.pid = node->last_pid,
		.reason = rv_core_reason(event->unit, event),
		.end = event->end,
	};

	if (node->aside != NULL) {
		return verdict;
	}
	RV_LIST_EACH_SAFE (sink, &super->sinks, struct rv_super_sink, link) {
		if (sink->decide != NULL && verdict == RV_VERDICT_NONE) {
			verdict = sink->decide(
			    sink, event->unit, &ending, (int)proposal);
		}
	}
	return verdict;
}

void
rv_super_post_end(struct rv_super *super, struct rv_event *event)
{
	enum rv_proposal proposal;

	event->now = rv_loop_now(super->loop);
	proposal = rv_core_proposal(super->core, event);
	if (proposal != RV_PROPOSAL_NONE) {
		event->verdict = ask(super, event, proposal);
	}
	rv_super_post(super, event);
}

/* A launch that could not even be asked for counts as one that failed. */
static void
launch_refused(
    struct rv_super *super, struct rv_node *node, const struct reeve_error *err)
{
	struct rv_event event = {
		.type = RV_EV_LAUNCH_FAILED,
		.unit = node->unit,
		.life = node->life - super->life_base,
		.sys_errno = err->sys_errno,
	};

	rv_hash_remove(&super->lives, &node->by_life);
	node->life = 0;
	node->last_pid = 0;
	rv_super_notice(super, RV_NOTICE_TROUBLE, "%s", err->text);
	rv_super_post_end(super, &event);
}

/* Launches that were taken back before they were sent. */
static void
end_unsent(struct rv_super *super)
{
	while (!rv_list_empty(&super->unsent)) {
		struct rv_node *node =
		    RV_LIST_FIRST(&super->unsent, struct rv_node, launch_link);

		rv_list_remove(&node->launch_link);
		rv_super_start_ops.launch_failed(
		    super, node->life, RV_STAGE_CANCELED, ECANCELED);
	}
}

void
rv_super_launch_queued(struct rv_super *super)
{
	rv_time begun = 0;
	struct reeve_error err;

	end_unsent(super);
	while (!rv_list_empty(&super->launches) && !super->launch_blocked) {
		struct rv_node *node = RV_LIST_FIRST(
		    &super->launches, struct rv_node, launch_link);
		enum reeve_status status;

		if (begun == 0) {
			begun = rv_sys_now();
		} else if (rv_sys_now() - begun > LAUNCH_BUDGET) {
			rv_loop_defer(super->loop, &super->end_of_turn);
			return;
		}
		status =
		    rv_start_launch(super->start, node->life, node->spec, &err);
		if (status == REEVE_EAGAIN) {
			super->launch_blocked = true;
			return;
		}
		rv_list_remove(&node->launch_link);
		node->expecting_end = node->probing = false;
		node->unsaid = 0;
		if (status == REEVE_OK) {
			node->in_flight = true;
		} else {
			launch_refused(super, node, &err);
		}
	}
}
