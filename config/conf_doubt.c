/* SPDX-License-Identifier: MIT */
/*
 * What is allowed but hardly meant, told as warnings: windows that can never
 * fill, log files that several streams write. Reads specs, changes nothing;
 * called by load.c once the tree stands.
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "config/conf_priv.h"

#define SERIES_MAX 32 /* by then a usual backoff has come to its maximum */

/* -------- windows -------- */

/*
 * How many stamps of this child fit into the period when it dies at once each
 * time, but after each `series` of deaths stays up for reset_after, so that its
 * backoff begins anew. A stamp is a death after being ready: between two lie a
 * delay and, where ready is "started", startsecs.
 */
static uint64_t
stamps_in_series(
    const struct rv_policy *p, rv_time period, uint64_t enough, unsigned series)
{
	const struct rv_backoff *b = &p->backoff;
	bool waits = p->kind == RV_WORKER && p->ready == RV_READY_STARTED;
	double up = waits ? (double)p->startsecs : 0;
	double delay = (double)b->initial, next = (double)b->min, t = 0;
	unsigned row = 0;
	uint64_t n = 0;

	for (; n < enough && t <= (double)period; n++) {
		if (++row > series) {
			row = 1;
			t += (double)b->reset_after;
			delay = (double)b->initial;
			next = (double)b->min;
		}
		t += up + delay;
		delay = RV_MIN(next, (double)b->max);
		next = delay * (double)b->factor_milli / 1000;
	}
	return n;
}

/* At the fastest: better no warning than a wrong one. */
static uint64_t
stamps_within(const struct rv_policy *p, rv_time period, uint64_t enough)
{
	uint64_t most = 0;

	if (p->restart == RV_TEMPORARY) {
		return 0;
	}
	for (unsigned i = 1; i <= SERIES_MAX && most < enough; i++) {
		uint64_t n = stamps_in_series(
		    p, period, enough, i < SERIES_MAX ? i : UINT_MAX);

		most = RV_MAX(most, n);
	}
	return most;
}

static void
check_window(struct rv_loader *l, const struct rv_spec *super)
{
	const struct rv_policy *p = super->policy;
	const struct rv_cnode *node = rv_conf_node_of(super);
	const struct rv_cnode *at = rv_cnode_get(node, "intensity");
	uint64_t n = 0;

	if (p->kind != RV_SUPERVISOR || p->intensity == RV_UNLIMITED ||
	    super->first_child == NULL) {
		return;
	}
	for (const struct rv_spec *c = super->first_child;
	     c != NULL && n <= p->intensity; c = c->next) {
		n += stamps_within(
		    c->policy, p->period, (uint64_t)p->intensity + 1);
	}
	if (n <= p->intensity) {
		rv_conf_warn(l, at != NULL ? at : node,
		    "this window can never fill: with the startsecs and the "
		    "backoff of its children no more than %llu restarts fit "
		    "into the period",
		    (unsigned long long)n);
	}
}

/* -------- log files -------- */

struct stream {
	const char *file;
	const struct rv_spec *spec;
	const char *name;
};

static int
by_file(const void *a, const void *b)
{
	const struct stream *x = a, *y = b;
	int order = strcmp(x->file, y->file);

	if (order != 0) {
		return order;
	}
	if (x->spec != y->spec) {
		return x->spec->index < y->spec->index ? -1 : 1;
	}
	return -strcmp(x->name, y->name); /* stdout first */
}

static void
add_stream(struct stream *list, size_t *n, const struct rv_spec *spec,
    const struct rv_out *out, const char *name)
{
	/* Of devices nothing is rotated: they may well be shared. */
	if (out->kind == RV_OUT_FILE && out->path != NULL &&
	    strncmp(out->path, "/dev/", 5) != 0) {
		list[(*n)++] = (struct stream){ out->path, spec, name };
	}
}

static bool
check_files(struct rv_loader *l)
{
	const struct rv_conf *conf = &l->block->conf;
	struct stream *list =
	    rv_arena_get(&l->scratch, 2 * (size_t)conf->n_specs, sizeof(*list));
	size_t n = 0;

	if (list == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < conf->n_specs; i++) {
		const struct rv_spec *spec = conf->specs[i];

		if (spec->program != NULL) {
			add_stream(
			    list, &n, spec, &spec->program->out, "stdout");
			add_stream(
			    list, &n, spec, &spec->program->err, "stderr");
		}
	}
	qsort(list, n, sizeof(*list), by_file);
	for (size_t i = 1; i < n; i++) {
		const struct stream *s = &list[i], *first = s - 1;

		/* Of a file the second only: one warning is enough. */
		if (strcmp(s->file, first->file) != 0 ||
		    (i > 1 && strcmp(s->file, list[i - 2].file) == 0)) {
			continue;
		}
		rv_conf_warn(l, rv_conf_node_of(s->spec),
		    "the %s of %.100s and the %s of %.100s go to the same "
		    "file, %.150s",
		    s->name, s->spec->path, first->name, first->spec->path,
		    s->file);
	}
	return true;
}

bool
rv_conf_doubt(struct rv_loader *l)
{
	const struct rv_conf *conf = &l->block->conf;

	for (uint32_t i = 0; i < conf->n_specs; i++) {
		check_window(l, conf->specs[i]);
	}
	return check_files(l);
}
