/* SPDX-License-Identifier: MIT */
/*
 * Records: takes what the core says happened, adds what only the edges know
 * (pids, usage, stages), and writes it into the journal. No system call.
 */
#include "config.h"

#include <string.h>

#include "base/text.h"
#include "super/super_priv.h"
#include "sys/sys.h"
#include "wire/launch.h"

/* One whose spec is of a conf before this has another number by now. */
static uint32_t
index_of(const struct rv_super *super, const struct rv_node *node)
{
	const struct rv_spec *spec = node->spec;

	if (node->conf != super->conf) {
		spec = rv_conf_find(super->conf, node->unit->path);
	}
	return spec != NULL ? spec->index : UINT32_MAX;
}

uint64_t
rv_super_record(struct rv_super *super, enum rv_kind_of_event kind,
    struct rv_node *node, uint64_t life, const struct rv_fields *fields)
{
	return rv_super_record_path(super, kind,
	    node != NULL ? node->unit->path : "/",
	    node != NULL ? index_of(super, node) : UINT32_MAX, life, fields);
}

static void
tell(struct rv_super *super, const struct rv_record *record)
{
	RV_LIST_EACH_SAFE (sink, &super->sinks, struct rv_super_sink, link) {
		if (sink->event != NULL) {
			sink->event(sink, record);
		}
	}
}

uint64_t
rv_super_record_path(struct rv_super *super, enum rv_kind_of_event kind,
    const char *path, uint32_t index, uint64_t life,
    const struct rv_fields *fields)
{
	static const struct rv_fields none;
	struct rv_record record = {
		.kind = kind,
		.life = life,
		.path = path,
		.path_len = __builtin_strlen(path),
		.fields = fields != NULL ? fields : &none,
	};
	uint64_t id;

	id = rv_journal_record(super->journal, &record, index);
	rv_loop_defer(super->loop, &super->end_of_turn);
	tell(super, &record);
	rv_super_notice_event(super, kind, path, record.fields);
	return id;
}

bool
rv_super_record_task(struct rv_super *super, enum rv_kind_of_event kind,
    const char *path, const struct rv_fields *fields)
{
	struct rv_record record = {
		.kind = kind,
		.path = path,
		.path_len = __builtin_strlen(path),
		.fields = fields,
	};

	if (!rv_journal_try(super->journal, &record)) {
		return false;
	}
	rv_loop_defer(super->loop, &super->end_of_turn);
	tell(super, &record);
	return true;
}

static const char *const methods[] = { [RV_METHOD_SPAWN] = "spawn",
	[RV_METHOD_FORK] = "fork",
	[RV_METHOD_FORKSERVER] = "forkserver" };

static void
add_started(struct rv_node *node, struct rv_fields *fields)
{
	rv_fields_int(fields, RV_KEY_PID, node->pid);
	rv_fields_int(fields, RV_KEY_START_TICKS, (int64_t)node->start_ticks);
	rv_fields_str(
	    fields, RV_KEY_METHOD, methods[node->spec->program->method]);
	rv_fields_int(fields, RV_KEY_RESTARTS, node->unit->restarts);
}

static void
add_usage(struct rv_fields *fields, enum rv_key key, int64_t value)
{
	if (value >= 0) {
		rv_fields_int(fields, key, value);
	}
}

/* "executing its program /usr/bin/web: No such file or directory" */
static void
say_failure(const struct rv_node *node, char *text, size_t size)
{
	const struct rv_death *death = &node->death;
	const struct rv_program *program = node->spec->program;
	const char *start = rv_exceptions_start(node);
	const char *object = "";

	if (death->stage == RV_STAGE_EXEC) {
		object = program->argv[0];
	} else if (death->stage == RV_STAGE_DIRECTORY) {
		object = program->directory;
	}
	/* What the worker itself says of it is nearer to the cause. */
	rv_format(text, size, "%s%s%s: %s", rv_stage_text(death->stage),
	    object[0] != '\0' ? " " : "", object,
	    start[0] != '\0' ? start : strerror(death->sys_errno));
}

static void
add_exited(struct rv_node *node, struct rv_fields *fields, char *text,
    size_t text_size)
{
	const struct rv_program *program = node->spec->program;
	const struct rv_death *death = &node->death;

	if (program->function != NULL) {
		rv_fields_str(fields, RV_KEY_FUNCTION, program->function);
		rv_fields_str(fields, RV_KEY_METHOD, methods[program->method]);
	}
	if (node->last_pid != 0) {
		rv_fields_int(fields, RV_KEY_PID, node->last_pid);
	}
	if (death->stage != 0) {
		rv_fields_str(
		    fields, RV_KEY_STAGE, rv_stage_text(death->stage));
		say_failure(node, text, text_size);
		rv_fields_str(fields, RV_KEY_MESSAGE, text);
	}
	if (death->sys_errno != 0) {
		rv_fields_str(
		    fields, RV_KEY_ERRNO, rv_errno_name(death->sys_errno));
	}
	if (rv_exceptions_reason(node)[0] != '\0') {
		rv_fields_str(fields, RV_KEY_TEXT, rv_exceptions_reason(node));
	}
	add_usage(fields, RV_KEY_UTIME_US, death->utime_us);
	add_usage(fields, RV_KEY_STIME_US, death->stime_us);
	add_usage(fields, RV_KEY_MAX_RSS_KIB, death->max_rss_kib);
}

static void
record_leftover(struct rv_super *super, struct rv_node *node, uint64_t life)
{
	struct rv_fields fields = { 0 };

	rv_fields_int(&fields, RV_KEY_COUNT, node->death.leftover);
	rv_fields_str(&fields, RV_KEY_RESULT,
	    node->death.survivors ? "survivors" : "killed");
	rv_super_record(super, RV_KIND_WORKER_LEFTOVER, node, life, &fields);
}

void
rv_super_record_action(struct rv_super *super, const struct rv_action *action)
{
	struct rv_node *node = rv_node_of(action->unit);
	uint64_t life = action->life != 0 ? super->life_base + action->life : 0;
	struct rv_fields fields = action->fields;
	char text[512];

	if (action->kind == RV_KIND_WORKER_STARTED) {
		add_started(node, &fields);
	} else if (action->kind == RV_KIND_WORKER_EXITED) {
		add_exited(node, &fields, text, sizeof(text));
	}
	rv_super_record(super, action->kind, node, life, &fields);
	if (action->kind == RV_KIND_WORKER_UNRESPONSIVE) {
		super->pages.silent = true;
	}
	if (action->kind == RV_KIND_WORKER_EXITED &&
	    (node->death.leftover != 0 || node->death.survivors)) {
		record_leftover(super, node, life);
	}
}
