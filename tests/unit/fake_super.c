/* SPDX-License-Identifier: MIT */
/*
 * The runtime without processes. Used by the tests of ctl; does nothing that
 * its test did not ask for, and never more than a real one would.
 */
#include "config.h"

#include "unit/fake_super.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "child/page.h"

static struct {
	const char *path, *above;
	bool supervisor;
} const tree[] = {
	{ "/", NULL, true },
	{ "cache", "/", false },
	{ "web", "/", true },
	{ "web/app", "web", true },
	{ "web/app.0", "web/app", false },
	{ "web/app.1", "web/app", false },
	{ "web/front", "web", false },
	{ "odd", "/", false },
};
#define UNITS RV_ARRAY_LEN(tree)

static struct fake_unit units[UNITS];

struct fake_unit *
fake_unit(struct rv_super *super, const char *path)
{
	(void)super;
	for (size_t i = 0; i < UNITS; i++) {
		if (strcmp(tree[i].path, path) == 0) {
			return &units[i];
		}
	}
	return NULL;
}

void
fake_super_reset(struct rv_super *super)
{
	memset(units, 0, sizeof(units));
	for (size_t i = 0; i < UNITS; i++) {
		struct fake_unit *fake = &units[i];

		fake->path = fake->unit.path = tree[i].path;
		fake->policy.kind =
		    tree[i].supervisor ? RV_SUPERVISOR : RV_WORKER;
		fake->policy.exitcodes[0] = 1;
		fake->unit.policy = &fake->policy;
		fake->spec.overlap.on = true;
		rv_list_init(&fake->unit.children);
		rv_list_init(&fake->unit.siblings);
		if (tree[i].above != NULL) {
			fake->unit.parent =
			    &fake_unit(super, tree[i].above)->unit;
			rv_list_insert(
			    &fake->unit.parent->children, &fake->unit.siblings);
		}
	}
	/* Supervisors are up, and workers as the test wants them. */
	for (size_t i = 0; i < UNITS; i++) {
		if (tree[i].supervisor) {
			units[i].unit.state = RV_STATE_RUNNING;
			units[i].unit.wanted = units[i].unit.ready = true;
		}
	}
	super->instant = super->no_clerk = super->hold_sync = false;
	super->bad_config = super->dry = false;
	super->changes = NULL;
	super->n_asked = super->n_done = super->n_signals = 0;
	super->n_reloads = super->n_shutdowns = 0;
	super->asked[0] = '\0';
	super->oldest = super->next = 100;
	super->text_len = 20;
	super->last_signal = super->urgency = 0;
}

struct rv_super *
fake_super_create(struct rv_loop *loop, const char *runtime_dir)
{
	struct rv_super *super = calloc(1, sizeof(*super));

	RV_ASSERT(super != NULL);
	super->loop = loop;
	super->conf.name = "shop";
	super->conf.file = "/etc/reeve/shop.json";
	super->conf.state_dir = "/var/lib/reeve/shop";
	super->conf.runtime_dir = runtime_dir;
	rv_list_init(&super->sinks);
	super->text = malloc(RV_RECORD_MAX);
	RV_ASSERT(super->text != NULL);
	memset(super->text, 'x', RV_RECORD_MAX);
	fake_super_reset(super);
	return super;
}

void
fake_super_destroy(struct rv_super *super)
{
	fake_synced(super, false);
	free(super->text);
	free(super);
}

static void
tell_changed(struct rv_super *super, struct rv_unit *unit)
{
	RV_LIST_EACH_SAFE (sink, &super->sinks, struct rv_super_sink, link) {
		sink->changed(sink, unit);
	}
}

void
fake_state(
    struct rv_super *super, const char *path, enum rv_state state, bool ready)
{
	struct rv_unit *unit = &fake_unit(super, path)->unit;

	unit->state = state;
	unit->ready = ready;
	if (state == RV_STATE_EXITED || state == RV_STATE_FATAL) {
		unit->wanted = false;
	}
	tell_changed(super, unit);
}

void
fake_up(struct rv_super *super, const char *path)
{
	struct fake_unit *fake = fake_unit(super, path);

	fake->unit.life++;
	fake->unit.wanted = true;
	fake->pid = 4000 + (pid_t)fake->unit.life;
	fake_state(super, path, RV_STATE_STARTING, false);
	fake_state(super, path, RV_STATE_RUNNING, true);
}

void
fake_down(struct rv_super *super, const char *path)
{
	fake_unit(super, path)->pid = 0;
	fake_state(super, path, RV_STATE_STOPPED, false);
}

void
fake_gone(struct rv_super *super, const char *path)
{
	struct fake_unit *fake = fake_unit(super, path);

	RV_LIST_EACH_SAFE (sink, &super->sinks, struct rv_super_sink, link) {
		sink->gone(sink, &fake->unit);
	}
	fake->absent = true;
	rv_list_remove(&fake->unit.siblings);
	memset(&fake->unit, 0xa5, sizeof(fake->unit));
}

void
fake_record(struct rv_super *super, unsigned n)
{
	super->next += n;
	if (super->next - super->oldest > FAKE_EVENTS) {
		super->oldest = super->next - FAKE_EVENTS;
	}
	RV_LIST_EACH_SAFE (sink, &super->sinks, struct rv_super_sink, link) {
		sink->recorded(sink, super->next);
	}
}

void
fake_synced(struct rv_super *super, bool ok)
{
	size_t n = super->n_syncs;

	super->n_syncs = 0;
	for (size_t i = 0; i < n; i++) {
		super->synced(super->synced_ctx[i], ok);
	}
}

void
fake_finish(struct rv_super *super)
{
	RV_LIST_EACH_SAFE (sink, &super->sinks, struct rv_super_sink, link) {
		sink->finished(sink, false);
	}
}

/* ---- super.h ---------------------------------------------------------- */

void
rv_super_listen(struct rv_super *super, struct rv_super_sink *sink)
{
	rv_list_insert(&super->sinks, &sink->link);
}

void
rv_super_unlisten(struct rv_super_sink *sink)
{
	rv_list_remove(&sink->link);
}

struct rv_conf *
rv_super_conf(struct rv_super *super)
{
	return &super->conf;
}

struct rv_loop *
rv_super_loop(struct rv_super *super)
{
	return super->loop;
}

struct rv_journal *
rv_super_journal(struct rv_super *super)
{
	return (struct rv_journal *)(void *)super;
}

const char *
rv_super_run_id(const struct rv_super *super)
{
	(void)super;
	return "00112233445566778899aabbccddeeff";
}

int64_t
rv_super_started_at_us(const struct rv_super *super)
{
	(void)super;
	return INT64_C(1700000000000000);
}

pid_t
rv_super_launcher_pid(const struct rv_super *super)
{
	(void)super;
	return 4711;
}

pid_t
rv_super_clerk_pid(const struct rv_super *super)
{
	return super->no_clerk ? 0 : 4712;
}

struct rv_unit *
rv_super_next(struct rv_super *super, struct rv_unit *unit)
{
	size_t i = 0;

	(void)super;
	if (unit != NULL) {
		i = (size_t)(RV_CONTAINER(unit, struct fake_unit, unit) -
			     units) +
		    1;
	}
	while (i < UNITS && units[i].absent) {
		i++;
	}
	return i < UNITS ? &units[i].unit : NULL;
}

struct rv_unit *
rv_super_find(struct rv_super *super, const char *path)
{
	struct fake_unit *fake = fake_unit(super, path);

	return fake != NULL && !fake->absent ? &fake->unit : NULL;
}

void
rv_super_info(
    struct rv_super *super, struct rv_unit *unit, struct rv_unit_info *info)
{
	struct fake_unit *fake = RV_CONTAINER(unit, struct fake_unit, unit);

	(void)super;
	*info = (struct rv_unit_info){
		.unit = unit,
		.spec = &fake->spec,
		.pid = fake->pid,
		.start_ticks = fake->pid != 0 ? 99 : 0,
		.status_text = fake->pid != 0 ? "fine \"so\" far" : "",
		.has_last = fake->has_last,
		.last_at_us = INT64_C(1700000001000000),
		.last_end = fake->last_end,
		.last_reason = fake->last_end.signaled ? RV_REASON_SIGNALED
						       : RV_REASON_EXITED,
		.last_stage = fake->last_stage,
		.last_errno = fake->last_stage != 0 ? 2 : 0,
		.backoff_ms = -1,
		.uptime_ms = fake->pid != 0 ? 1234 : 0,
		.beat_age_ms = fake->pid != 0 ? 5 : -1,
	};
}

/* None has an old generation. */
bool
rv_super_draining(struct rv_super *super, const struct rv_unit *unit,
    unsigned n, struct rv_draining *out)
{
	(void)super;
	(void)unit;
	(void)n;
	(void)out;
	return false;
}

bool
rv_super_rolled_back(
    struct rv_super *super, struct rv_unit *unit, struct rv_unit_info *info)
{
	rv_super_info(super, unit, info);
	return RV_CONTAINER(unit, struct fake_unit, unit)->rolled_back;
}

bool
rv_super_slot(struct rv_super *super, struct rv_unit *unit, void *dst)
{
	struct fake_unit *fake = RV_CONTAINER(unit, struct fake_unit, unit);

	(void)super;
	memset(dst, 0, RV_PAGE_SLOT_BYTES);
	memcpy(dst, fake->slot, sizeof(fake->slot));
	return fake->has_slot;
}

void
rv_super_notice(struct rv_super *super, int level, const char *fmt, ...)
{
	(void)super;
	(void)level;
	(void)fmt; /* nobody listens */
}

uint64_t
rv_super_asked(struct rv_super *super, const struct rv_asker *asker)
{
	super->n_asked++;
	super->asked_uid = asker->uid;
	rv_format(super->asked, sizeof(super->asked), "%s %s", asker->method,
	    asker->names != NULL ? asker->names : "-");
	return super->next;
}

static void
obey(struct rv_super *super, struct rv_unit *unit, enum rv_verb verb)
{
	switch (verb) {
	case RV_VERB_START:
		if (!unit->ready) {
			fake_up(super, unit->path);
		}
		break;
	case RV_VERB_STOP:
		fake_down(super, unit->path);
		break;
	case RV_VERB_RESTART:
		fake_down(super, unit->path);
		fake_up(super, unit->path);
		break;
	}
}

void
rv_super_do(struct rv_super *super, struct rv_unit *unit, enum rv_verb verb)
{
	bool was = unit->ready;

	super->n_done++;
	unit->held = verb == RV_VERB_STOP;
	unit->wanted = verb != RV_VERB_STOP;
	if (super->instant) {
		obey(super, unit, verb);
	} else if (verb == RV_VERB_START) {
		if (!was) {
			unit->life++;
			fake_state(super, unit->path, RV_STATE_STARTING, false);
		}
	} else if (was || verb == RV_VERB_RESTART) {
		fake_state(super, unit->path, RV_STATE_STOPPING, false);
	}
}

enum reeve_status
rv_super_signal(struct rv_super *super, struct rv_unit *unit, int signo,
    struct reeve_error *err)
{
	super->n_signals++;
	super->last_signal = signo;
	if (!unit->ready) {
		return rv_error(err, REEVE_EFAILED,
		    "cannot signal %s: it does not run", unit->path);
	}
	return REEVE_OK;
}

void
rv_reload_plan_finish(struct rv_reload_plan *plan)
{
	rv_buf_finish(&plan->added);
	rv_buf_finish(&plan->removed);
	rv_buf_finish(&plan->changed);
	rv_buf_finish(&plan->updated);
	rv_buf_finish(&plan->resting);
}

enum reeve_status
rv_super_reload(struct rv_super *super, bool dry, struct rv_reload_plan *plan,
    rv_finding_cb *cb, void *ctx, struct reeve_error *err)
{
	struct reeve_error finding = { .line = 3, .column = 9 };

	super->n_reloads++;
	super->dry = dry;
	rv_copy(finding.where, sizeof(finding.where), "shop.json");
	rv_copy(finding.text, sizeof(finding.text),
	    super->bad_config ? "web.comand: unknown key" : "odd, but fine");
	cb(ctx, super->bad_config ? RV_FINDING_ERROR : RV_FINDING_WARNING,
	    &finding);
	if (super->bad_config) {
		return rv_error(err, REEVE_ECONFIG, "the config is refused");
	}
	plan->has_file = true;
	rv_buf_init(&plan->added, 1024);
	rv_buf_init(&plan->removed, 1024);
	rv_buf_init(&plan->changed, 1024);
	rv_buf_init(&plan->updated, 1024);
	rv_buf_init(&plan->resting, 1024);
	rv_buf_adds(&plan->added, "[\"web/new\"]");
	rv_buf_adds(&plan->removed, "[]");
	rv_buf_adds(
	    &plan->changed, super->changes != NULL ? super->changes : "[]");
	plan->n_added = 1;
	plan->n_changed = super->changes != NULL;
	if (plan->added.failed || plan->removed.failed) {
		rv_reload_plan_finish(plan);
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	return REEVE_OK;
}

void
rv_super_shutdown(struct rv_super *super, int urgency, const char *why)
{
	(void)why;
	super->n_shutdowns++;
	super->urgency = urgency;
}

enum reeve_status
rv_super_sync(struct rv_super *super, rv_super_synced_cb *done, void *ctx)
{
	if (super->no_clerk) {
		return REEVE_ECLOSED;
	}
	super->synced = done;
	if (!super->hold_sync ||
	    super->n_syncs == RV_ARRAY_LEN(super->synced_ctx)) {
		done(ctx, true);
		return REEVE_OK;
	}
	super->synced_ctx[super->n_syncs++] = ctx;
	return REEVE_OK;
}

/* ---- journal.h -------------------------------------------------------- */

uint64_t
rv_journal_oldest(const struct rv_journal *journal)
{
	return ((const struct rv_super *)(const void *)journal)->oldest;
}

uint64_t
rv_journal_next(const struct rv_journal *journal)
{
	return ((const struct rv_super *)(const void *)journal)->next;
}

uint64_t
rv_journal_committed(const struct rv_journal *journal)
{
	return rv_journal_oldest(journal);
}

enum reeve_status
rv_journal_read(struct rv_journal *journal, uint64_t id,
    struct rv_record *record, struct rv_fields *fields)
{
	struct rv_super *super = (struct rv_super *)(void *)journal;
	size_t len = RV_MIN(super->text_len, (size_t)RV_RECORD_MAX);

	if (id < super->oldest) {
		return REEVE_ETOOOLD;
	}
	if (id >= super->next) {
		return REEVE_EAGAIN;
	}
	*fields = (struct rv_fields){
		.n = 1,
		.f = { { .key = RV_KEY_TEXT,
		    .type = RV_FIELD_STR,
		    .len = (uint32_t)len,
		    .v = { .str = super->text } } },
	};
	*record = (struct rv_record){
		.id = id,
		.life = id % 2,
		.at_us = (int64_t)id * 1000,
		.kind = id % 3 == 0 ? RV_KIND_WORKER_EXITED
				    : RV_KIND_WORKER_STARTED,
		.path = "web/app.0--",
		.path_len = 9,
		.fields = fields,
	};
	return REEVE_OK;
}
