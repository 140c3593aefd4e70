/* SPDX-License-Identifier: MIT */
/*
 * The rig: fake clock, fake processes, and the list of what the core wanted
 * done. Used by the unit tests, the random driver and the fuzzer of the core;
 * must never decide anything itself.
 */
#include "config.h"

#include "lib/rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct rig *
rig_new(size_t max_units)
{
	struct rig *rig = rv_alloc(1, sizeof(*rig));

	RV_ASSERT(rig != NULL);
	rig->nodes = rv_alloc(max_units, sizeof(*rig->nodes));
	rig->core = rv_alloc(1, rv_core_size(max_units));
	rig->deeds = rv_alloc(5, RIG_TEXT);
	RV_ASSERT(rig->nodes && rig->core && rig->deeds);
	rig->said = rig->deeds + RIG_TEXT;
	rig->shown = rig->said + RIG_TEXT;
	rig->timers = rig->shown + RIG_TEXT;
	rig->path = rig->timers + RIG_TEXT;
	rig->now = RV_SEC;
	return rig;
}

static void
free_node(struct rig_node *node)
{
	rv_free(node->unit);
	rv_free(node->room);
	rv_free(node->pushes);
	node->unit = NULL;
	node->room = NULL;
	node->pushes = NULL;
}

void
rig_close(struct rig *rig)
{
	if (rig == NULL) {
		return;
	}
	for (size_t i = 0; i < rig->n; i++) {
		free_node(&rig->nodes[i]);
	}
	rv_free(rig->nodes);
	rv_free(rig->core);
	rv_free(rig->deeds);
	rv_free(rig->rows);
	rv_free(rig);
}

struct rig_node *
rig_node_new(struct rig *rig, const char *name, const struct rv_policy *policy)
{
	struct rig_node *node = &rig->nodes[rig->n++];

	*node = (struct rig_node){ .policy = *policy };
	snprintf(node->name, sizeof(node->name), "%s", name);
	for (unsigned i = 0; i < RV_TIMERS; i++) {
		node->due[i] = RV_FOREVER;
	}
	return node;
}

struct rig_node *
rig_node_of(const struct rv_unit *unit)
{
	return unit->owner;
}

struct rig_node *
rig_find(struct rig *rig, const char *name)
{
	for (size_t i = 0; i < rig->n; i++) {
		if (strcmp(rig->nodes[i].name, name) == 0 &&
		    rig->nodes[i].unit != NULL) {
			return &rig->nodes[i];
		}
	}
	fprintf(stderr, "# rig: no unit %s\n", name);
	abort();
}

struct rv_unit *
rig_unit(struct rig *rig, const char *name)
{
	return rig_find(rig, name)->unit;
}

/* ---- what the core wants done ----------------------------------------- */

static void
note(char *text, const char *separator, const char *words)
{
	size_t len = strlen(text);

	snprintf(
	    text + len, RIG_TEXT - len, "%s%s", len ? separator : "", words);
}

static const char *
signal_name(int signo)
{
	static char text[16];

	switch (signo) {
	case SIGTERM:
		return "TERM";
	case SIGQUIT:
		return "QUIT";
	case SIGABRT:
		return "ABRT";
	case SIGINT:
		return "INT";
	default:
		snprintf(text, sizeof(text), "signal%d", signo);
		return text;
	}
}

static void
note_record(struct rig *rig, const struct rv_action *action)
{
	char line[512];
	int len = snprintf(line, sizeof(line), "%s %s",
	    rv_kind_name(action->kind), rig_node_of(action->unit)->name);

	for (unsigned i = 0; i < action->fields.n; i++) {
		const struct rv_field *f = &action->fields.f[i];
		size_t room = sizeof(line) - (size_t)len;

		len += f->type == RV_FIELD_STR
			   ? snprintf(line + len, room, " %s=%s",
				 rv_key_name(f->key), f->v.str)
			   : snprintf(line + len, room, " %s=%lld",
				 rv_key_name(f->key), (long long)f->v.i);
	}
	note(rig->said, "\n", line);
}

static void
note_action(struct rig *rig, const struct rv_action *action)
{
	static const char *const timers[] = { "state", "beat" };
	const struct rig_node *node = rig_node_of(action->unit);
	char text[128];

	switch (action->type) {
	case RV_ACT_LAUNCH:
		snprintf(text, sizeof(text), "launch %s", node->name);
		break;
	case RV_ACT_SIGNAL:
		snprintf(text, sizeof(text), "%s%s %s",
		    signal_name(action->signo), action->group ? "*" : "",
		    node->name);
		break;
	case RV_ACT_KILL:
		snprintf(text, sizeof(text), "KILL %s", node->name);
		break;
	case RV_ACT_CANCEL:
		snprintf(text, sizeof(text), "cancel %s", node->name);
		break;
	case RV_ACT_PROBE:
		snprintf(text, sizeof(text), "probe %s", node->name);
		break;
	case RV_ACT_GONE:
		snprintf(text, sizeof(text), "gone %s", node->name);
		break;
	case RV_ACT_FINISHED:
		snprintf(text, sizeof(text), "finished%s",
		    action->gave_up ? " gave up" : "");
		break;
	case RV_ACT_ARM:
		snprintf(text, sizeof(text), "arm %s %s %lld", node->name,
		    timers[action->timer],
		    (long long)((action->at - rig->now) / RV_MS));
		note(rig->timers, "\n", text);
		return;
	case RV_ACT_DISARM:
		snprintf(text, sizeof(text), "disarm %s %s", node->name,
		    timers[action->timer]);
		note(rig->timers, "\n", text);
		return;
	case RV_ACT_STATE:
		snprintf(text, sizeof(text), "%s %s%s%s%s", node->name,
		    rv_state_name(action->unit->state),
		    action->unit->ready ? " ready" : "",
		    action->unit->wanted ? " wanted" : "",
		    action->unit->held ? " held" : "");
		note(rig->shown, "\n", text);
		return;
	case RV_ACT_GROUP_DOWN:
		snprintf(text, sizeof(text), "group.down %s", node->name);
		note(rig->said, "\n", text);
		return;
	default:
		note_record(rig, action);
		return;
	}
	note(rig->deeds, ", ", text);
}

static bool
is_one_of(const char *text, const char *a, const char *b)
{
	return strcmp(text, a) == 0 || strcmp(text, b) == 0;
}

/* What was proposed before the post is what was decided in it. */
static void
check_decision(const struct rig *rig, const struct rv_action *action)
{
	static const char *const decisions[][2] = {
		[RV_PROPOSAL_NONE] = { "none", "restart" },
		[RV_PROPOSAL_RESTART] = { "restart", "restart" },
		[RV_PROPOSAL_REST] = { "stay", "shutdown" },
		[RV_PROPOSAL_ESCALATE] = { "escalate", "escalate" },
		[RV_PROPOSAL_FATAL] = { "fatal", "escalate" },
	};

	for (unsigned i = 0; i < action->fields.n; i++) {
		if (action->fields.f[i].key == RV_KEY_DECISION) {
			RV_ASSERT(is_one_of(action->fields.f[i].v.str,
			    decisions[rig->proposed][0],
			    decisions[rig->proposed][1]));
		}
	}
}

/* The fake world: what an action changes in it, and what must not happen. */
static void
execute(struct rig *rig, const struct rv_action *action)
{
	struct rig_node *node = rig_node_of(action->unit);

	switch (action->type) {
	case RV_ACT_LAUNCH:
		RV_ASSERT(!node->life_open && action->life > node->life);
		node->life_open = true;
		node->exists = false;
		node->life = action->life;
		node->launches++;
		break;
	case RV_ACT_SIGNAL:
	case RV_ACT_KILL:
		RV_ASSERT(node->exists && action->life == node->life);
		node->last_signal =
		    action->type == RV_ACT_KILL ? SIGKILL : action->signo;
		node->kills += action->type == RV_ACT_KILL;
		node->signals += action->type == RV_ACT_SIGNAL;
		break;
	case RV_ACT_ARM:
		RV_ASSERT(action->at != RV_FOREVER);
		node->due[action->timer] = action->at;
		break;
	case RV_ACT_DISARM:
		RV_ASSERT(node->due[action->timer] != RV_FOREVER);
		node->due[action->timer] = RV_FOREVER;
		break;
	case RV_ACT_CANCEL:
		RV_ASSERT(node->life_open && !node->exists &&
			  action->life == node->life);
		break;
	case RV_ACT_PROBE:
		RV_ASSERT(node->exists);
		break;
	case RV_ACT_GONE:
		RV_ASSERT(!node->life_open);
		free_node(node);
		break;
	case RV_ACT_RECORD:
		if (rig->judging && action->kind == RV_KIND_WORKER_EXITED) {
			check_decision(rig, action);
		}
		break;
	case RV_ACT_FINISHED:
		RV_ASSERT(!rig->finished);
		rig->finished = true;
		rig->gave_up = action->gave_up;
		break;
	default:
		break;
	}
}

static void
drain(struct rig *rig)
{
	struct rv_action action;

	rig->actions = 0;
	while (rv_core_action(rig->core, &action)) {
		rig->actions++;
		if (!rig->quiet) {
			note_action(rig, &action);
		}
		if (rig->watch != NULL) {
			rig->watch(rig, &action);
		}
		execute(rig, &action);
	}
}

bool
rig_swap(struct rig *rig, struct rv_unit *a, struct rv_unit *b)
{
	struct rig_node *na = rig_node_of(a), *nb = rig_node_of(b);
	struct rig_node hold = *na;

	if (!rv_core_swap(rig->core, a, b)) {
		return false;
	}
	na->life = nb->life;
	na->last_signal = nb->last_signal;
	nb->life = hold.life;
	nb->last_signal = hold.last_signal;
	rig->posts++;
	drain(rig);
	return true;
}

/* ---- events ------------------------------------------------------------ */

static void
before_end(struct rig *rig, struct rv_event *event)
{
	if (event->verdict == RV_VERDICT_NONE) {
		event->verdict = rig->verdict;
	}
	rig->judging = true;
	rig->proposed = rv_core_proposal(rig->core, event);
}

void
rig_post_unit(struct rig *rig, struct rv_unit *unit, struct rv_event event)
{
	struct rig_node *node = rig_node_of(unit);

	event.unit = unit;
	event.now = event.now != 0 ? event.now : rig->now;
	event.jitter = event.jitter != 0 ? event.jitter : rig->jitter;
	event.life = event.life != 0 ? event.life : node->life;
	rig->judging = false;
	if (event.type == RV_EV_DIED || event.type == RV_EV_LAUNCH_FAILED) {
		before_end(rig, &event);
	}
	if (event.life == node->life && node->life_open) {
		if (event.type == RV_EV_LAUNCHED) {
			node->exists = true;
		}
		if (event.type == RV_EV_DIED ||
		    event.type == RV_EV_LAUNCH_FAILED ||
		    event.type == RV_EV_LAUNCH_LOST) {
			node->life_open = node->exists = false;
			node->last_signal = 0;
		}
	}
	rig->killing = rig->killing || event.type == RV_EV_KILL_ALL;
	rig->posts++;
	rv_core_post(rig->core, &event);
	drain(rig);
}

void
rig_post(struct rig *rig, const char *name, struct rv_event event)
{
	rig_post_unit(rig, rig_unit(rig, name), event);
}

void
rig_do(struct rig *rig, const char *name, enum rv_event_type type)
{
	rig_post(rig, name, (struct rv_event){ .type = type });
}

void
rig_boot(struct rig *rig)
{
	rig_post_unit(
	    rig, rig->core->root, (struct rv_event){ .type = RV_EV_BOOT });
}

void
rig_exists(struct rig *rig, const char *name)
{
	rig_do(rig, name, RV_EV_LAUNCHED);
}

void
rig_ready(struct rig *rig, const char *name)
{
	rig_do(rig, name, RV_EV_READY);
}

void
rig_up(struct rig *rig, const char *name)
{
	rig_exists(rig, name);
	rig_ready(rig, name);
}

void
rig_exit(struct rig *rig, const char *name, int code)
{
	rig_post(rig, name,
	    (struct rv_event){
		.type = RV_EV_DIED,
		.end = { .number = code },
	    });
}

void
rig_signaled(struct rig *rig, const char *name, int signo)
{
	rig_post(rig, name,
	    (struct rv_event){
		.type = RV_EV_DIED,
		.end = { .signaled = true, .number = signo },
	    });
}

void
rig_fails(struct rig *rig, const char *name, int sys_errno)
{
	rig_post(rig, name,
	    (struct rv_event){
		.type = RV_EV_LAUNCH_FAILED,
		.stage = 1,
		.sys_errno = sys_errno,
	    });
}

void
rig_settle_up(struct rig *rig)
{
	for (bool more = true; more;) {
		more = false;
		for (size_t i = 0; i < rig->n; i++) {
			struct rig_node *node = &rig->nodes[i];

			if (node->unit == NULL || !node->life_open) {
				continue;
			}
			if (!node->exists) {
				rig_do(rig, node->name, RV_EV_LAUNCHED);
				more = true;
			}
			if (node->unit->state == RV_STATE_STARTING &&
			    node->unit->policy->ready == RV_READY_TOLD) {
				rig_do(rig, node->name, RV_EV_READY);
				more = true;
			}
		}
	}
}

void
rig_settle_down(struct rig *rig)
{
	for (bool more = true; more;) {
		more = false;
		for (size_t i = 0; i < rig->n; i++) {
			struct rig_node *node = &rig->nodes[i];

			if (node->unit != NULL && node->exists &&
			    node->last_signal != 0) {
				rig_signaled(
				    rig, node->name, node->last_signal);
				more = true;
			}
		}
	}
}

/* The timer that is due first, up to `until`. */
static struct rig_node *
next_timer(struct rig *rig, rv_time until, enum rv_timer *timer)
{
	struct rig_node *first = NULL;

	for (size_t i = 0; i < rig->n; i++) {
		struct rig_node *node = &rig->nodes[i];

		for (unsigned t = 0; t < RV_TIMERS; t++) {
			if (node->unit != NULL && node->due[t] <= until) {
				until = node->due[t];
				first = node;
				*timer = (enum rv_timer)t;
			}
		}
	}
	return first;
}

void
rig_pass(struct rig *rig, rv_time span)
{
	rv_time until = rv_time_add(rig->now, span);
	struct rig_node *node;
	enum rv_timer timer;

	while ((node = next_timer(rig, until, &timer)) != NULL) {
		rig->now = RV_MAX(rig->now, node->due[timer]);
		node->due[timer] = RV_FOREVER;
		rig_post_unit(rig, node->unit,
		    (struct rv_event){
			.type = RV_EV_TIMER,
			.timer = timer,
			.late = rig->late,
		    });
	}
	rig->now = until;
}

/* ---- what a test asks --------------------------------------------------- */

bool
rig_did(struct rig *rig, const char *deeds)
{
	bool same = strcmp(rig->deeds, deeds) == 0;

	if (!same) {
		fprintf(stderr, "# expected: %s\n# but did : %s\n", deeds,
		    rig->deeds);
	}
	rig->deeds[0] = '\0';
	return same;
}

static bool
has_words(const char *line, size_t len, const char *words)
{
	char copy[512], text[512], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", words);
	snprintf(text, sizeof(text), " %.*s ", (int)len, line);
	for (char *word = strtok_r(copy, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save)) {
		char spaced[512];

		snprintf(spaced, sizeof(spaced), " %.500s ", word);
		if (strstr(text, spaced) == NULL) {
			return false;
		}
	}
	return true;
}

static unsigned
count_lines(const char *text, const char *words)
{
	unsigned n = 0;

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		n += has_words(text, len, words);
		text += len + (text[len] == '\n');
	}
	return n;
}

static bool
found(const char *text, const char *words)
{
	if (count_lines(text, words) > 0) {
		return true;
	}
	fprintf(stderr, "# not found: %s\n# in:\n%s\n", words, text);
	return false;
}

unsigned
rig_count(struct rig *rig, const char *words)
{
	return count_lines(rig->said, words);
}

bool
rig_said(struct rig *rig, const char *words)
{
	return found(rig->said, words);
}

bool
rig_showed(struct rig *rig, const char *words)
{
	return found(rig->shown, words);
}

bool
rig_armed(struct rig *rig, const char *words)
{
	return found(rig->timers, words);
}

void
rig_forget(struct rig *rig)
{
	rig->deeds[0] = '\0';
	rig->said[0] = '\0';
	rig->shown[0] = '\0';
	rig->timers[0] = '\0';
	rig->path[0] = '\0';
}

bool
rig_is(struct rig *rig, const char *states)
{
	char copy[512], *save = NULL;
	bool good = true;

	snprintf(copy, sizeof(copy), "%s", states);
	for (char *one = strtok_r(copy, ",", &save); one != NULL;
	     one = strtok_r(NULL, ",", &save)) {
		char name[64], state[64], waits[64] = "";
		const struct rv_unit *unit;

		if (sscanf(one, " %63s %63s for %63s", name, state, waits) <
		    2) {
			return false;
		}
		unit = rig_unit(rig, name);
		if (strcmp(rv_state_name(unit->state), state) != 0) {
			fprintf(stderr, "# %s is %s, not %s\n", name,
			    rv_state_name(unit->state), state);
			good = false;
		}
		if (waits[0] != '\0' &&
		    unit->waiting_for != rig_unit(rig, waits)) {
			fprintf(
			    stderr, "# %s does not wait for %s\n", name, waits);
			good = false;
		}
	}
	return good;
}
