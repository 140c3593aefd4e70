/* SPDX-License-Identifier: MIT */
/*
 * What became of a command on one unit, as far as its state tells: done,
 * failed (and why, for a person), or not decided yet. Looks at units; keeps
 * and changes nothing.
 */
#include "config.h"

#include <string.h>

#include "base/text.h"
#include "ctl/ctl_priv.h"

struct judged {
	struct rv_super *super;
	struct rv_unit *unit;
	uint64_t life_before;
	char *why; /* RV_CTL_WHY bytes */
};

static enum rv_outcome
failed(const struct judged *j, const char *why)
{
	rv_copy(j->why, RV_CTL_WHY, why);
	return RV_FAILED;
}

bool
rv_ctl_at_rest(const struct rv_unit *unit)
{
	return unit->state == RV_STATE_STOPPED ||
	       unit->state == RV_STATE_EXITED || unit->state == RV_STATE_FATAL;
}

static bool
is_expected(const struct rv_unit *unit, const struct rv_unit_info *info)
{
	const struct rv_end *end = &info->last_end;
	unsigned code = (unsigned)end->number;

	if (unit->policy->kind == RV_SUPERVISOR) {
		return true;
	}
	return info->has_last && info->last_stage == 0 && !end->unknown &&
	       !end->signaled && code < 256 &&
	       (unit->policy->exitcodes[code / 8] >> (code % 8) & 1) != 0;
}

/* It ran and is over: well for what should run once, badly otherwise. */
static enum rv_outcome
judge_exited(const struct judged *j)
{
	struct rv_unit_info info;

	if (j->unit->policy->kind == RV_WORKER &&
	    j->unit->life == j->life_before) {
		return failed(j, "was not started");
	}
	rv_super_info(j->super, j->unit, &info);
	if (is_expected(j->unit, &info)) {
		return RV_DONE;
	}
	rv_ctl_say_end(&info, j->why, RV_CTL_WHY);
	return RV_FAILED;
}

static enum rv_outcome
judge_fatal(const struct judged *j)
{
	struct rv_unit_info info;
	char end[96];

	if (j->unit->policy->kind == RV_SUPERVISOR) {
		return failed(j, "gave up");
	}
	rv_super_info(j->super, j->unit, &info);
	rv_ctl_say_end(&info, end, sizeof(end));
	rv_format(j->why, RV_CTL_WHY, "start retries are used up: %s", end);
	return RV_FAILED;
}

/* A unit that is down and not wanted was not started, or not for long. */
static enum rv_outcome
judge_down(const struct judged *j)
{
	const struct rv_unit *above = j->unit->parent;

	if (j->unit->wanted) {
		return RV_PENDING;
	}
	if (j->unit->held) {
		return failed(j, "was stopped by another request");
	}
	for (; above != NULL; above = above->parent) {
		if (rv_ctl_at_rest(above) ||
		    above->state == RV_STATE_STOPPING) {
			rv_format(j->why, RV_CTL_WHY,
			    "its supervisor %.96s is %s", above->path,
			    rv_state_name(above->state));
			return RV_FAILED;
		}
	}
	return failed(j, "was stopped");
}

/* Waiting is fine as long as what it waits for can come. */
static enum rv_outcome
judge_waiting(const struct judged *j)
{
	const struct rv_unit *other = j->unit->waiting_for;

	if (other == NULL || !rv_ctl_at_rest(other) || other->wanted) {
		return RV_PENDING;
	}
	rv_format(j->why, RV_CTL_WHY, "waits for %.96s, which is %s%s",
	    other->path, rv_state_name(other->state),
	    other->held ? " (held)" : "");
	return RV_FAILED;
}

/* A supervisor is never ready above one that has failed for good. */
static enum rv_outcome
judge_below(const struct judged *j)
{
	struct rv_unit *unit = j->unit;

	while ((unit = rv_super_next(j->super, unit)) != NULL) {
		const struct rv_unit *above = unit->parent;

		while (above != NULL && above != j->unit) {
			above = above->parent;
		}
		if (above == NULL) {
			break;
		}
		if (unit->state == RV_STATE_FATAL) {
			rv_format(
			    j->why, RV_CTL_WHY, "%.128s is FATAL", unit->path);
			return RV_FAILED;
		}
	}
	return RV_PENDING;
}

static enum rv_outcome
judge_start(const struct judged *j)
{
	switch (j->unit->state) {
	case RV_STATE_RUNNING:
		return j->unit->ready ? RV_DONE : judge_below(j);
	case RV_STATE_STARTING:
		return judge_below(j);
	case RV_STATE_EXITED:
		return judge_exited(j);
	case RV_STATE_FATAL:
		return judge_fatal(j);
	case RV_STATE_STOPPED:
		return judge_down(j);
	case RV_STATE_WAITING:
		return judge_waiting(j);
	default:
		return RV_PENDING;
	}
}

static enum rv_outcome
judge_stop(const struct judged *j)
{
	if (j->unit->wanted && !j->unit->held) {
		return failed(j, "was started by another request");
	}
	return rv_ctl_at_rest(j->unit) ? RV_DONE : RV_PENDING;
}

/* It runs, and the life that it had: it may still be its turn. */
static enum rv_outcome
judge_old(const struct judged *j)
{
	const struct rv_unit *above = j->unit->parent;
	struct rv_unit_info info;
	char end[96];

	rv_super_info(j->super, j->unit, &info);
	if (info.replacing || !info.spec->overlap.on || above == NULL ||
	    above->policy->strategy != RV_ONE_FOR_ONE) {
		return RV_PENDING;
	}
	if (!rv_super_rolled_back(j->super, j->unit, &info)) {
		return failed(j, "another reload took it back, the old one "
				 "stays");
	}
	rv_ctl_say_end(&info, end, sizeof(end));
	rv_format(j->why, RV_CTL_WHY,
	    "rolled back, the old one stays: the new one %s", end);
	return RV_FAILED;
}

/* The life it had does not count; a supervisor has none, but goes down. */
static enum rv_outcome
judge_restart(const struct judged *j)
{
	return j->unit->policy->kind == RV_WORKER &&
		       j->unit->state == RV_STATE_RUNNING &&
		       j->unit->life == j->life_before
		   ? judge_old(j)
		   : judge_start(j);
}

enum rv_outcome
rv_ctl_judge(struct rv_super *super, struct rv_unit *unit, enum rv_verb verb,
    uint64_t life_before, char why[static RV_CTL_WHY])
{
	static enum rv_outcome (*const judges[])(const struct judged *) = {
		[RV_VERB_START] = judge_start,
		[RV_VERB_STOP] = judge_stop,
		[RV_VERB_RESTART] = judge_restart,
	};
	const struct judged j = { super, unit, life_before, why };

	if (unit->retiring && verb != RV_VERB_STOP) {
		return failed(&j, "is being removed by a reload");
	}
	return judges[verb](&j);
}
