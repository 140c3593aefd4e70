/* SPDX-License-Identifier: MIT */
/*
 * <reeve/watch.h>, hooks: from super's callbacks to the host's. Those in the
 * middle of a decision are counted, so that the door keeps out what would
 * change the tree under it; ready and exited are told by a watch of our own.
 */
#include "config.h"

#include <string.h>

#include "base/error.h"
#include "face/face_tree.h"
#include "wire/json.h"

_Static_assert((int)REEVE_VERDICT_DEFAULT == (int)RV_VERDICT_NONE &&
		   (int)REEVE_VERDICT_RESTART == (int)RV_VERDICT_RESTART &&
		   (int)REEVE_VERDICT_REST == (int)RV_VERDICT_REST &&
		   (int)REEVE_VERDICT_ESCALATE == (int)RV_VERDICT_ESCALATE,
    "verdicts have one number inside and outside");

/* -------- in the middle of a decision -------- */

static void
enter(struct reeve *reeve)
{
	reeve->hooks++;
}

static void
leave(struct reeve *reeve)
{
	reeve->hooks--;
	rv_face_told(reeve);
}

/* The same of what tells the end of a life. */
static void
enter_end(struct reeve *reeve, struct rv_face_ending *ending, const char *path,
    uint64_t life)
{
	*ending = (struct rv_face_ending){
		.path = path,
		.slot = rv_super_last_slot(reeve->super, life),
	};
	reeve->ending = ending;
	enter(reeve);
}

static void
leave_end(struct reeve *reeve)
{
	reeve->ending = NULL;
	leave(reeve);
}

static enum reeve_verdict
proposed(int proposal)
{
	switch (proposal) {
	case RV_PROPOSAL_RESTART:
		return REEVE_VERDICT_RESTART;
	case RV_PROPOSAL_REST:
	case RV_PROPOSAL_FATAL:
		return REEVE_VERDICT_REST;
	case RV_PROPOSAL_ESCALATE:
		return REEVE_VERDICT_ESCALATE;
	default:
		return REEVE_VERDICT_DEFAULT;
	}
}

static enum rv_verdict
on_decide(struct rv_super_sink *sink, struct rv_unit *unit,
    const struct rv_ending *ending, int proposal)
{
	struct reeve *reeve = sink->ctx;
	enum reeve_verdict verdict = REEVE_VERDICT_DEFAULT;
	enum reeve_verdict expected = proposed(proposal);
	const struct rv_end *end = &ending->end;
	struct rv_face_ending place;
	struct reeve_end told = {
		.size = sizeof(told),
		.path = unit->path,
		.life = ending->life,
		.pid = ending->pid,
		.reason = rv_reason_text(ending->reason),
		.unknown = end->unknown,
		.exit_code = end->unknown || end->signaled || ending->pid == 0
				 ? -1
				 : end->number,
		.signo = !end->unknown && end->signaled ? end->number : 0,
		.core_dumped = end->core_dumped,
	};

	if (reeve->doomed) {
		return RV_VERDICT_NONE;
	}
	enter_end(reeve, &place, unit->path, ending->life);
	rv_face_tell_exceptions(reeve, ending->life);
	if (!reeve->doomed) {
		verdict = reeve->given.decide(reeve->ctx, &told, expected);
	}
	leave_end(reeve);
	/* Agreeing is leaving it to the rules, which know of delays, too. */
	if (verdict == expected || (unsigned)verdict > REEVE_VERDICT_ESCALATE) {
		return RV_VERDICT_NONE;
	}
	return (enum rv_verdict)verdict;
}

static void
on_group_down(struct rv_super_sink *sink, struct rv_unit *unit)
{
	struct reeve *reeve = sink->ctx;

	if (!reeve->doomed) {
		enter(reeve);
		reeve->given.group_down(reeve->ctx, unit->path);
		leave(reeve);
	}
}

static void
on_slot_free(struct rv_super_sink *sink, struct rv_unit *unit, uint64_t life)
{
	struct reeve *reeve = sink->ctx;
	struct rv_face_ending place;

	if (!reeve->doomed) {
		enter_end(reeve, &place, unit->path, life);
		reeve->given.slot_free(reeve->ctx, unit->path, life);
		leave_end(reeve);
	}
}

static void
on_before_fork(struct rv_super_sink *sink, struct rv_unit *unit)
{
	struct reeve *reeve = sink->ctx;

	if (!reeve->doomed) {
		enter(reeve);
		reeve->given.before_fork(reeve->ctx, unit->path);
		leave(reeve);
	}
}

static void
on_after_fork(struct rv_super_sink *sink, struct rv_unit *unit, pid_t pid)
{
	struct reeve *reeve = sink->ctx;

	if (!reeve->doomed) {
		enter(reeve);
		reeve->given.after_fork_parent(reeve->ctx, unit->path, pid);
		leave(reeve);
	}
}

/* In the child, to which nothing of the runtime belongs. */
static void
on_in_fork(struct rv_super_sink *sink, struct rv_unit *unit)
{
	struct reeve *reeve = sink->ctx;

	reeve->given.after_fork_child(reeve->ctx, unit->path);
}

/* -------- at the end of the turn -------- */

static void
tell_ready(struct reeve *reeve, const struct reeve_event *event)
{
	struct reeve_unit_info info = { .size = sizeof(info) };

	/* One that stands aside is told when it has taken over. */
	if (reeve->given.ready != NULL && !reeve->aside &&
	    reeve_unit_find(reeve, event->path, &info, NULL) == REEVE_OK) {
		reeve->given.ready(reeve->ctx, &info);
	}
}

static int
number(const struct rv_json *detail, const char *key, int otherwise)
{
	const struct rv_json *value = rv_json_get(detail, key);

	return value != NULL ? (int)rv_json_int(value) : otherwise;
}

static void
tell_exited(struct reeve *reeve, const struct reeve_event *event)
{
	struct reeve_end end = {
		.size = sizeof(end),
		.path = event->path,
		.life = event->life,
	};
	struct rv_json *detail = NULL;

	if (reeve->given.exited == NULL ||
	    rv_json_parse(&detail, event->detail, strlen(event->detail),
		NULL) != REEVE_OK) {
		return;
	}
	end.pid = number(detail, "pid", 0);
	end.exit_code = number(detail, "exit_code", -1);
	end.signo = number(detail, "signal", 0);
	end.core_dumped = rv_json_bool(rv_json_get(detail, "core_dumped"));
	end.reason = rv_json_str(rv_json_get(detail, "reason"));
	if (end.reason == NULL) {
		end.reason = "";
	}
	end.unknown = strcmp(end.reason, "unknown") == 0 ||
		      strcmp(end.reason, "lost") == 0;
	reeve->given.exited(reeve->ctx, &end);
	rv_json_free(detail);
}

static void
on_event(void *ctx, const struct reeve_event *event)
{
	if (strcmp(event->kind, "worker.ready") == 0 ||
	    strcmp(event->kind, "worker.replaced") == 0) {
		tell_ready(ctx, event);
	} else if (strcmp(event->kind, "worker.exited") == 0) {
		tell_exited(ctx, event);
	}
}

static enum reeve_status
watch_ends(struct reeve *reeve, struct reeve_error *err)
{
	struct reeve_watch_options options = {
		.size = sizeof(options),
		.kinds = "worker.[re]*", /* ready, exited, and a few */
		.event = on_event,
		.ctx = reeve,
	};

	return reeve_watch(reeve, &options, &reeve->ends, err);
}

enum reeve_status
rv_face_hooks_take(struct reeve *reeve, const struct reeve_hooks *hooks,
    struct reeve_error *err)
{
	return hooks == NULL
		   ? REEVE_OK
		   : rv_face_options(&reeve->given, sizeof(reeve->given), hooks,
			 RV_FACE_THROUGH(struct reeve_hooks, exited),
			 "reeve_hooks", err);
}

enum reeve_status
rv_face_hooks_init(struct reeve *reeve, struct reeve_error *err)
{
	const struct reeve_hooks *given = &reeve->given;

	reeve->sink.decide = given->decide != NULL ? on_decide : NULL;
	reeve->sink.group_down =
	    given->group_down != NULL ? on_group_down : NULL;
	reeve->sink.slot_free = given->slot_free != NULL ? on_slot_free : NULL;
	reeve->sink.before_fork =
	    given->before_fork != NULL ? on_before_fork : NULL;
	reeve->sink.after_fork =
	    given->after_fork_parent != NULL ? on_after_fork : NULL;
	reeve->sink.in_fork =
	    given->after_fork_child != NULL ? on_in_fork : NULL;
	return given->ready != NULL || given->exited != NULL
		   ? watch_ends(reeve, err)
		   : REEVE_OK;
}
