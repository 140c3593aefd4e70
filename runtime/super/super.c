/* SPDX-License-Identifier: MIT */
/*
 * A runtime from its beginning to its end: takes its place, makes journal,
 * core, launcher and clerk in this order, and takes them down in the other.
 * What happens in between is facts.c and helpers.c (what comes in) and act.c
 * (what goes out).
 */
#include "config.h"

#include "super/super.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/room.h"
#include "base/text.h"
#include "super/super_priv.h"
#include "sys/sys.h"

/* A clerk that has not told by now which ids are free will not soon. */
#define BOOT_WITHIN (30 * RV_SEC)
/* One that is killed while it writes the last of a run is replaced. */
#define LAST_CLERKS_MAX 4
/* Timers besides those of units: the boot, the launcher's, the clerk's ... */
#define SPARE_TICKS 16

static void
tell_recorded(struct rv_super *super)
{
	uint64_t next = rv_journal_next(super->journal);

	if (!super->ids_known || next <= super->told_id) {
		return;
	}
	super->told_id = next;
	RV_LIST_EACH_SAFE (sink, &super->sinks, struct rv_super_sink, link) {
		if (sink->recorded != NULL) {
			sink->recorded(sink, next);
		}
	}
}

static void
tell_finished(struct rv_super *super)
{
	struct rv_fields fields = { 0 };

	super->finished_told = true;
	rv_fields_str(&fields, RV_KEY_REASON,
	    super->gave_up ? "gave up" : super->stop_why);
	rv_fields_int(&fields, RV_KEY_EXIT_CODE, super->gave_up ? 1 : 0);
	rv_super_record(super, RV_KIND_RUNTIME_STOPPED, NULL, 0, &fields);
	tell_recorded(super);
	RV_LIST_EACH_SAFE (sink, &super->sinks, struct rv_super_sink, link) {
		if (sink->finished != NULL) {
			sink->finished(sink, super->gave_up);
		}
	}
}

static void
on_end_of_turn(struct rv_defer *defer)
{
	struct rv_super *super = defer->ctx;

	RV_MAGIC_CHECK(super, RV_SUPER_MAGIC);
	rv_super_launch_queued(super);
	tell_recorded(super);
	if (super->finished && !super->finished_told) {
		tell_finished(super);
	}
	rv_journal_wake(super->journal);
}

static void
on_boot_tick(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct rv_super *super = tick->ctx;

	(void)now;
	(void)late;
	if (super->booted) {
		return;
	}
	rv_super_notice(super, RV_NOTICE_TROUBLE,
	    "the clerk has not opened the event log; starting without it, "
	    "events are kept in memory until it does");
	if (!super->ids_known) {
		/* Above any number that an earlier run can have used. */
		super->life_base = (uint64_t)rv_sys_wall_us();
	}
	rv_super_boot(super);
}

enum reeve_status
rv_super_make_room(
    struct rv_super *super, size_t units, struct reeve_error *err)
{
	if (!rv_hash_reserve(&super->lives, units) ||
	    !rv_pages_make_room(super, units) ||
	    rv_loop_reserve(super->loop, units * RV_TIMERS + SPARE_TICKS) !=
		REEVE_OK ||
	    (super->start != NULL &&
		rv_start_reserve(super->start, units) != REEVE_OK)) {
		return rv_error(err, REEVE_ENOMEM,
		    "cannot make room for %zu units: out of memory", units);
	}
	return REEVE_OK;
}

bool
rv_super_has_room(struct rv_super *super)
{
	size_t need = rv_core_units(super->core) + 1;

	return need <= super->max_units &&
	       rv_super_make_room(super, need, NULL) == REEVE_OK;
}

static enum reeve_status
make_journal(struct rv_super *super, struct reeve_error *err)
{
	char hostname[128] = "", boot_id[40];
	struct rv_journal_options options = {
		.dir = super->conf->runtime_dir,
		.run_id = super->run_id,
		.size = super->conf->journal.ring,
		.max_units = (unsigned)super->max_units,
		.version = PACKAGE_VERSION,
		.config_digest = super->conf->digest,
		.config_text = super->conf->text,
		.hostname = hostname,
		.boot_id = boot_id,
		.started_at_us = rv_sys_wall_us(),
	};
	enum reeve_status status;

	if (gethostname(hostname, sizeof(hostname) - 1) != 0) {
		hostname[0] = '\0';
	}
	rv_sys_boot_id(boot_id);
	super->started_at_us = options.started_at_us;
	status = rv_journal_create(&super->journal, &options, err);
	if (status == REEVE_OK) {
		rv_journal_hide(super->journal);
	}
	return status;
}

/* The core and its units; also what they need of others, by number. */
static enum reeve_status
make_tree(struct rv_super *super, struct reeve_error *err)
{
	const struct rv_conf *conf = super->conf;
	enum reeve_status status;

	super->nodes = rv_alloc(conf->n_specs, sizeof(super->nodes[0]));
	super->core = rv_room_create(rv_core_size(super->max_units));
	if (super->nodes == NULL || super->core == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot make the tree");
	}
	super->n_nodes = conf->n_specs;
	status = rv_super_make_room(super, conf->n_specs, err);
	if (status != REEVE_OK) {
		return status;
	}
	if (!rv_node_build(super, super->conf, conf->root, NULL, NULL)) {
		return rv_error_sys(err, ENOMEM, "cannot make the tree");
	}
	for (uint32_t i = 0; i < conf->n_specs; i++) {
		rv_node_link_deps(super, conf->specs[i]);
	}
	return REEVE_OK;
}

/* Where it was looked for, and what can be done. */
static enum reeve_status
say_where(const struct rv_super *super, enum reeve_status status,
    struct reeve_error *err)
{
	struct reeve_error was;

	if (status == REEVE_OK || err == NULL ||
	    (err->sys_errno != ENOENT && err->sys_errno != EACCES)) {
		return status;
	}
	was = *err;
	rv_error(err, was.status,
	    "%s; the runtime's own programs are looked for in %s: where they "
	    "are elsewhere, say so by libexec_dir (reeve: by REEVE_LIBEXEC)",
	    was.text, super->libexec_dir);
	err->sys_errno = was.sys_errno;
	return status;
}

static enum reeve_status
open_launcher(struct rv_super *super, struct reeve_error *err)
{
	char program[512], crash_library[512];
	struct rv_start_options options = {
		.program = program,
		.crash_library = crash_library,
		.runtime_dir = super->public_dir,
		.run_id = super->run_id,
		.last_run = super->last_run,
		.loop = super->loop,
		.ops = &rv_super_start_ops,
		.ctx = super,
	};
	enum reeve_status status;

	rv_format(
	    program, sizeof(program), "%s/reeve-launcher", super->libexec_dir);
	rv_format(crash_library, sizeof(crash_library), "%s/libreeve-crash.so",
	    super->libexec_dir);
	status =
	    say_where(super, rv_start_open(&super->start, &options, err), err);
	if (status == REEVE_OK &&
	    rv_start_reserve(super->start, super->n_nodes) != REEVE_OK) {
		status = rv_error_sys(err, ENOMEM, "cannot start the launcher");
	}
	if (status == REEVE_OK) {
		rv_listeners_give(&super->listeners, super->start);
	}
	return status;
}

static enum reeve_status
open_clerk(struct rv_super *super, struct reeve_error *err)
{
	char program[512];
	struct rv_clerk_options options = {
		.program = program,
		.state_dir = super->conf->state_dir,
		.runtime_dir = super->conf->runtime_dir,
		.conf = &super->journal_conf,
		.journal = super->journal,
		.loop = super->loop,
		.ops = &rv_super_clerk_ops,
		.ctx = super,
	};

	rv_format(
	    program, sizeof(program), "%s/reeve-clerk", super->libexec_dir);
	return say_where(
	    super, rv_clerk_open(&super->clerk, &options, err), err);
}

static void
record_started(struct rv_super *super)
{
	struct rv_fields fields = { 0 };
	char boot_id[40];

	rv_sys_boot_id(boot_id);
	rv_fields_int(&fields, RV_KEY_PID, getpid());
	rv_fields_str(&fields, RV_KEY_VERSION, PACKAGE_VERSION);
	rv_fields_str(&fields, RV_KEY_CONFIG, super->conf->file);
	rv_fields_str(&fields, RV_KEY_BOOT_ID, boot_id);
	rv_super_record(super, RV_KIND_RUNTIME_STARTED, NULL, 0, &fields);
	fields = (struct rv_fields){ 0 };
	rv_fields_str(&fields, RV_KEY_CONFIG, super->conf->file);
	rv_fields_str(&fields, RV_KEY_DIGEST, super->conf->digest);
	rv_fields_int(&fields, RV_KEY_COUNT, super->conf->n_specs);
	rv_super_record(super, RV_KIND_CONFIG_LOADED, NULL, 0, &fields);
}

static struct rv_super *
make(const struct rv_super_options *options)
{
	struct rv_super *super = rv_alloc(1, sizeof(*super));

	if (super == NULL) {
		return NULL;
	}
	super->magic = RV_SUPER_MAGIC;
	super->loop = options->loop;
	super->conf = rv_conf_ref(options->conf);
	super->journal_conf = options->conf->journal;
	super->source = options->source;
	super->settled = options->settled;
	super->settled_ctx = options->ctx;
	super->lock_fd = -1;
	super->stop_why = "asked";
	super->max_units = rv_super_units_for(options->conf->n_specs);
	rv_list_init(&super->launches);
	rv_list_init(&super->unsent);
	rv_list_init(&super->sinks);
	rv_list_init(&super->syncs);
	super->end_of_turn.cb = on_end_of_turn;
	super->end_of_turn.ctx = super;
	super->boot_tick.cb = on_boot_tick;
	super->boot_tick.ctx = super;
	rv_taken_init(super);
	rv_pages_init(super);
	rv_overlaps_init(super);
	rv_sys_random_hex(super->run_id);
	super->random = rv_fnv_str(RV_FNV_INIT, super->run_id) | 1;
	super->libexec_dir = rv_strdup(options->libexec_dir);
	if (super->libexec_dir == NULL || !rv_exceptions_init(super)) {
		rv_exceptions_finish(super);
		rv_free(super->libexec_dir);
		rv_conf_unref(super->conf);
		rv_free(super);
		return NULL;
	}
	return super;
}

enum reeve_status
rv_super_create(struct rv_super **out, const struct rv_super_options *options,
    struct reeve_error *err)
{
	struct rv_super *super = make(options);
	enum reeve_status status;

	if (super == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot create the runtime");
	}
	if ((status = rv_place_take(super, err)) != REEVE_OK ||
	    (status = make_journal(super, err)) != REEVE_OK ||
	    (status = make_tree(super, err)) != REEVE_OK ||
	    (status = rv_taken_open(super, err)) != REEVE_OK ||
	    (status = open_launcher(super, err)) != REEVE_OK ||
	    (status = open_clerk(super, err)) != REEVE_OK) {
		rv_journal_remove(super->journal);
		rv_super_destroy(super);
		return status;
	}
	rv_tick_arm(super->loop, &super->boot_tick,
	    rv_time_add(rv_loop_now(super->loop), BOOT_WITHIN));
	record_started(super);
	*out = super;
	return REEVE_OK;
}

int
rv_super_last_words(struct rv_super *super)
{
	int pidfd = -1;

	RV_MAGIC_CHECK(super, RV_SUPER_MAGIC);
	rv_start_close(super->start);
	super->start = NULL;
	if (super->clerk == NULL && super->last_clerks > 0 &&
	    super->last_clerks < LAST_CLERKS_MAX &&
	    !rv_journal_is_gone(super->journal) &&
	    open_clerk(super, NULL) != REEVE_OK) {
		return -1; /* the ring stays for the next run's clerk */
	}
	if (super->clerk != NULL) {
		super->last_clerks++;
		rv_journal_wake(super->journal);
		rv_clerk_close(super->clerk, &pidfd);
		super->clerk = NULL;
	}
	return pidfd;
}

/* Nodes of units that still hang in the tree, retired ones as well. */
static void
free_tree(struct rv_super *super)
{
	struct rv_unit *unit = rv_super_next_any(super, NULL), *next;
	struct rv_list gone;

	rv_list_init(&gone);
	for (; unit != NULL; unit = next) {
		next = rv_super_next_any(super, unit);
		rv_list_remove(&rv_node_of(unit)->launch_link);
		rv_list_insert(&gone, &rv_node_of(unit)->launch_link);
	}
	while (!rv_list_empty(&gone)) {
		rv_node_destroy(
		    RV_LIST_FIRST(&gone, struct rv_node, launch_link));
	}
	rv_free(super->nodes);
	rv_room_destroy(super->core, rv_core_size(super->max_units));
}

void
rv_super_destroy(struct rv_super *super)
{
	if (super == NULL) {
		return;
	}
	RV_MAGIC_CHECK(super, RV_SUPER_MAGIC);
	rv_start_close(super->start);
	super->start = NULL;
	rv_clerk_close(super->clerk, NULL);
	super->clerk = NULL;
	rv_super_syncs_fail(super);
	rv_defer_cancel(&super->end_of_turn);
	rv_tick_disarm(&super->boot_tick);
	rv_tick_disarm(&super->taken.tick);
	free_tree(super);
	rv_overlaps_finish(super);
	rv_pages_finish(super);
	rv_exceptions_finish(super);
	rv_listeners_close(&super->listeners);
	rv_hash_finish(&super->lives);
	rv_journal_close(super->journal);
	rv_place_leave(super);
	rv_conf_unref(super->conf);
	rv_conf_unref(super->sealed);
	rv_free(super->libexec_dir);
	super->magic = 0;
	rv_free(super);
}

enum reeve_status
rv_super_listen_fd(
    struct rv_super *super, const char *name, int fd, struct reeve_error *err)
{
	return rv_listeners_hand(
	    &super->listeners, name, fd, super->start, err);
}

const char *const *
rv_super_handed(const struct rv_super *super)
{
	return super->listeners.handed;
}

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
