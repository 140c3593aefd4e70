/* SPDX-License-Identifier: MIT */
/*
 * Trees of the rig from a line of text: rig.h tells the language. Used by
 * tests that script events; random trees come from rig_chaos.c.
 */
#include "config.h"

#include "lib/rig.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void
rig_default_policy(struct rv_policy *policy, enum rv_unit_kind kind)
{
	*policy = (struct rv_policy){
		.kind = kind,
		.restart = RV_PERMANENT,
		.autostart = true,
		.backoff = { 0, 100 * RV_MS, 30 * RV_SEC, 2000, 0,
		    30 * RV_SEC },
		.startsecs = RV_SEC,
		.start_timeout = 60 * RV_SEC,
		.startretries = 3,
		.ready = RV_READY_TOLD,
		.exitcodes = { 1 },
		.stop = { { SIGTERM, 10 * RV_SEC } },
		.n_stop = 1,
		.hb_misses = 3,
		.strategy = RV_ONE_FOR_ONE,
		.intensity = RV_UNLIMITED,
		.period = 10 * RV_SEC,
	};
}

static rv_time
parse_ms(const char **at)
{
	char *end;
	double ms;

	if (strncmp(*at, "never", 5) == 0) {
		*at += 5;
		return RV_FOREVER;
	}
	ms = strtod(*at, &end);
	*at = end;
	return (rv_time)(ms * (double)RV_MS);
}

static void
parse_list(const char *at, rv_time *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		values[i] = parse_ms(&at);
		at += *at == ':';
	}
}

static void
parse_stop(const char *at, struct rv_policy *policy)
{
	for (policy->n_stop = 0; *at != '\0'; policy->n_stop++) {
		struct rv_stop_step *step = &policy->stop[policy->n_stop];

		step->signo = (int)strtol(at, (char **)(uintptr_t)&at, 10);
		at += *at == ':';
		step->wait = parse_ms(&at);
		at += *at == '+';
	}
}

static bool
valued(struct rig_node *node, const char *key, const char *value)
{
	struct rv_policy *p = &node->policy;
	rv_time t[4] = { 0 };

	parse_list(value, t, 4);
	if (strcmp(key, "secs") == 0) {
		p->ready = RV_READY_STARTED;
		p->startsecs = t[0];
	} else if (strcmp(key, "timeout") == 0) {
		p->start_timeout = t[0];
	} else if (strcmp(key, "retries") == 0) {
		p->startretries = (uint32_t)(t[0] / RV_MS);
	} else if (strcmp(key, "jitter") == 0) {
		p->backoff.jitter_milli = (uint32_t)(t[0] / RV_MS);
	} else if (strcmp(key, "b") == 0) {
		p->backoff.initial = t[0];
		p->backoff.min = t[1];
		p->backoff.max = t[2];
		p->backoff.reset_after = t[3];
	} else if (strcmp(key, "hb") == 0) {
		p->hb_interval = t[0];
		p->hb_misses = (uint32_t)(t[1] / RV_MS);
	} else if (strcmp(key, "stop") == 0) {
		parse_stop(value, p);
	} else if (strcmp(key, "on") == 0 && node->n_on < RIG_DEPS) {
		snprintf(
		    node->on[node->n_on++], sizeof(node->on[0]), "%s", value);
	} else {
		return false;
	}
	return true;
}

static bool
plain(struct rv_policy *p, const char *word)
{
	unsigned intensity;
	double period;

#define WORD(text, assign)             \
	if (strcmp(word, text) == 0) { \
		assign;                \
		return true;           \
	}
	WORD("P", p->restart = RV_PERMANENT)
	WORD("T", p->restart = RV_TRANSIENT)
	WORD("t", p->restart = RV_TEMPORARY)
	WORD("1fo", p->strategy = RV_ONE_FOR_ONE)
	WORD("1fa", p->strategy = RV_ONE_FOR_ALL)
	WORD("r1o", p->strategy = RV_REST_FOR_ONE)
	WORD("unlimited", p->intensity = RV_UNLIMITED)
	WORD("off", p->autostart = false)
	WORD("auto", p->autostart = true)
	WORD("sig", p->significant = true)
	WORD("aside", p->aside = true)
	WORD("any", p->auto_shutdown = RV_SHUTDOWN_ANY)
	WORD("all", p->auto_shutdown = RV_SHUTDOWN_ALL)
	WORD("esc", p->on_fatal = RV_FATAL_ESCALATE)
	WORD("stay", p->on_fatal = RV_FATAL_STAY)
	WORD("noexit", memset(p->exitcodes, 0, sizeof(p->exitcodes)))
	WORD("group", p->stop_group = true)
	WORD("hbabort", p->hb_action = RV_HB_ABORT)
	WORD("hbreport", p->hb_action = RV_HB_REPORT)
#undef WORD
	if (sscanf(word, "%u/%lf", &intensity, &period) == 2) {
		p->intensity = intensity;
		p->period = (rv_time)(period * (double)RV_SEC);
		return true;
	}
	return false;
}

bool
rig_option(struct rig_node *node, const char *option)
{
	char key[16];
	const char *equals = strchr(option, '=');

	if (equals == NULL) {
		return plain(&node->policy, option);
	}
	snprintf(key, sizeof(key), "%.*s", (int)(equals - option), option);
	return valued(node, key, equals + 1);
}

static bool
options(struct rig_node *node, const char *text, size_t len)
{
	char copy[256], *save = NULL;

	snprintf(copy, sizeof(copy), "%.*s", (int)len, text);
	for (char *one = strtok_r(copy, ", ", &save); one != NULL;
	     one = strtok_r(NULL, ", ", &save)) {
		if (!rig_option(node, one)) {
			fprintf(stderr, "# rig: what is %s?\n", one);
			return false;
		}
	}
	return true;
}

static void
make_unit(struct rig_node *node)
{
	node->unit = rv_alloc(1, rv_unit_size(&node->policy, RIG_DEPS));
	RV_ASSERT(node->unit != NULL);
	rv_unit_init(node->unit, node->name, &node->policy, RIG_DEPS, node);
}

/* One unit, without its children: "name(options)". Moves *at behind it. */
static struct rig_node *
parse_unit(struct rig *rig, const char **at)
{
	struct rv_policy policy;
	struct rig_node *node;
	char name[24];
	size_t len = strcspn(*at, " (){}");

	snprintf(name, sizeof(name), "%.*s", (int)len, *at);
	*at += len;
	rig_default_policy(&policy, RV_WORKER);
	node = rig_node_new(rig, name, &policy);
	if (**at == '(') {
		len = strcspn(*at, ")");
		if (!options(node, *at + 1, len - 1)) {
			return NULL;
		}
		*at += len + 1;
	}
	if (**at == '{') {
		node->policy.kind = RV_SUPERVISOR;
	}
	make_unit(node);
	return node;
}

static void
link_deps(struct rig *rig, size_t first)
{
	for (size_t i = first; i < rig->n; i++) {
		struct rig_node *node = &rig->nodes[i];

		for (unsigned k = 0; k < node->n_on; k++) {
			rv_core_depend(
			    rig->core, node->unit, rig_unit(rig, node->on[k]));
		}
	}
}

static struct rv_unit *
last_child(struct rv_unit *parent)
{
	return rv_list_empty(&parent->children)
		   ? NULL
		   : RV_CONTAINER(
			 parent->children.prev, struct rv_unit, siblings);
}

struct rig *
rig_open(const char *at)
{
	struct rig *rig = rig_new(RIG_UNITS);
	struct rv_unit *parent = NULL;

	while (*at != '\0') {
		struct rig_node *node;

		if (*at == ' ') {
			at++;
		} else if (*at == '{') {
			parent = rig->nodes[rig->n - 1].unit;
			at++;
		} else if (*at == '}') {
			parent = parent->parent;
			at++;
		} else if ((node = parse_unit(rig, &at)) == NULL) {
			rig_close(rig);
			return NULL;
		} else if (parent == NULL) {
			rv_core_init(rig->core, RIG_UNITS, node->unit, 1);
		} else {
			rv_core_add(
			    rig->core, node->unit, parent, last_child(parent));
		}
	}
	link_deps(rig, 0);
	rig_mutate(rig);
	return rig;
}

struct rig *
rig_open_up(const char *tree)
{
	struct rig *rig = rig_open(tree);

	RV_ASSERT(rig != NULL);
	rig_boot(rig);
	rig_settle_up(rig);
	rig_forget(rig);
	return rig;
}

struct rv_unit *
rig_add(
    struct rig *rig, const char *text, const char *parent, const char *after)
{
	size_t first = rig->n;
	struct rig_node *node = parse_unit(rig, &text);

	RV_ASSERT(node != NULL);
	rv_core_add(rig->core, node->unit, rig_unit(rig, parent),
	    after != NULL ? rig_unit(rig, after) : NULL);
	link_deps(rig, first);
	rig_post_unit(
	    rig, node->unit, (struct rv_event){ .type = RV_EV_ADDED });
	return node->unit;
}

void
rig_replace(struct rig *rig, const char *name, const char *text, bool restart)
{
	struct rig_node *node = rig_find(rig, name);
	const struct rv_policy *was = node->unit->policy;
	struct rv_policy *now =
	    was == &node->policy ? &node->other : &node->policy;
	struct rig_node *draft = rig_node_new(rig, "", was);

	RV_ASSERT(options(draft, text, strlen(text)));
	*now = draft->policy;
	rig->n--;
	if (!rv_unit_fits(node->unit, now, RIG_DEPS)) {
		void *room = rv_alloc(1, rv_unit_room(now, RIG_DEPS));

		RV_ASSERT(room != NULL);
		rv_unit_give_room(node->unit, now, RIG_DEPS, room);
		rv_free(node->room);
		node->room = room;
	}
	rig_post_unit(rig, node->unit,
	    (struct rv_event){
		.type = RV_EV_REPLACE,
		.policy = now,
		.restart = restart,
	    });
}
