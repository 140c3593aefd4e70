/* SPDX-License-Identifier: MIT */
/*
 * <reeve/record.h>: tasks of the host's own, checked and written into the ring
 * beside what the tree does. Nothing is kept here but whom to tell of room.
 */
#include "config.h"

#include <reeve/record.h>

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "face/face_priv.h"

_Static_assert((int)REEVE_TASK_STARTED == (int)RV_KIND_TASK_STARTED &&
		   (int)REEVE_TASK_ENDED == (int)RV_KIND_TASK_ENDED &&
		   (int)REEVE_TASK_FAILED == (int)RV_KIND_TASK_FAILED &&
		   (int)REEVE_TASK_CANCELLED == (int)RV_KIND_TASK_CANCELLED,
    "the kinds are those of event.def");

#define WHAT "record a task"

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c != '\0' && strchr("_.@+-", c));
}

/* Names divided by single slashes; the length of the first, or 0. */
static size_t
first_name(const char *path)
{
	size_t first = 0, len = 0, i = 0;

	for (; path[i] != '\0' && i <= REEVE_RECORD_PATH_MAX; i++) {
		if (path[i] != '/' && !is_name_char(path[i])) {
			return 0;
		}
		if (path[i] == '/' && len == 0) {
			return 0;
		}
		if (path[i] == '/' && first == 0) {
			first = i;
		}
		len = path[i] == '/' ? 0 : len + 1;
	}
	if (len == 0 || i > REEVE_RECORD_PATH_MAX) {
		return 0;
	}
	return first != 0 ? first : i;
}

static enum reeve_status
check_path(struct reeve *reeve, const char *path, struct reeve_error *err)
{
	char name[REEVE_RECORD_PATH_MAX + 1];
	size_t n = path != NULL ? first_name(path) : 0;

	if (n == 0) {
		return rv_error(err, REEVE_EINVALID,
		    "its path is %s%.64s: names of [A-Za-z0-9_.@+-], divided "
		    "by slashes, %d bytes at most",
		    path != NULL ? "" : "NULL", path != NULL ? path : "",
		    REEVE_RECORD_PATH_MAX);
	}
	memcpy(name, path, n);
	name[n] = '\0';
	if (rv_super_find(reeve->super, name) != NULL) {
		return rv_error(
		    err, REEVE_EEXIST, "its path begins with a unit: %s", name);
	}
	return REEVE_OK;
}

static enum reeve_status
check_text(
    const char *text, size_t most, const char *what, struct reeve_error *err)
{
	if (text != NULL && strnlen(text, most + 1) > most) {
		return rv_error(err, REEVE_ETOOBIG,
		    "its %s is longer than %zu bytes", what, most);
	}
	return REEVE_OK;
}

static enum reeve_status
check(struct reeve *reeve, const struct reeve_record *record,
    struct reeve_error *err)
{
	enum reeve_status status;

	if (reeve->finished) {
		return rv_error(err, REEVE_ECLOSED, "the tree has ended");
	}
	if (record->kind < REEVE_TASK_STARTED ||
	    record->kind > REEVE_TASK_CANCELLED) {
		return rv_error(err, REEVE_EINVALID,
		    "its kind %d is none of enum reeve_record_kind",
		    (int)record->kind);
	}
	status = check_path(reeve, record->path, err);
	if (status == REEVE_OK) {
		status = check_text(
		    record->text, REEVE_RECORD_TEXT_MAX, "text", err);
	}
	if (status == REEVE_OK) {
		status = check_text(
		    record->reason, REEVE_RECORD_TEXT_MAX, "reason", err);
	}
	if (status == REEVE_OK) {
		status = check_text(
		    record->output, REEVE_RECORD_OUTPUT_MAX, "output", err);
	}
	return status;
}

static void
add_int(struct rv_fields *fields, enum rv_key key, int64_t value)
{
	if (value != 0) {
		rv_fields_int(fields, key, value);
	}
}

static void
add_end(struct rv_fields *fields, const struct reeve_record *record)
{
	if (record->signal != 0) {
		rv_fields_int(fields, RV_KEY_SIGNAL, record->signal);
	} else if (record->sys_errno != 0) {
		rv_fields_str(
		    fields, RV_KEY_ERRNO, rv_errno_name(record->sys_errno));
	} else if (record->exit_code >= 0) {
		rv_fields_int(fields, RV_KEY_EXIT_CODE, record->exit_code);
	}
	if (record->core) {
		rv_fields_bool(fields, RV_KEY_CORE, true);
	}
	add_int(fields, RV_KEY_UTIME_US, record->user_us);
	add_int(fields, RV_KEY_STIME_US, record->system_us);
	add_int(fields, RV_KEY_MAX_RSS_KIB, record->max_rss_kib);
	rv_fields_int(fields, RV_KEY_TOOK_MS, record->took_ms);
	rv_fields_str(fields, RV_KEY_REASON, record->reason);
	rv_fields_str(fields, RV_KEY_OUTPUT, record->output);
}

static void
on_room(void *ctx)
{
	struct reeve *reeve = ctx;

	if (reeve->room != NULL && !reeve->doomed && !reeve->closing) {
		reeve->room(reeve->room_arg);
		rv_face_told(reeve);
	}
}

static enum reeve_status
record(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	const struct reeve_record *given = arg;
	struct rv_fields fields = { 0 };
	enum reeve_status status = check(reeve, given, err);

	if (status != REEVE_OK) {
		return status;
	}
	add_int(&fields, RV_KEY_ATTEMPT, given->attempt);
	add_int(&fields, RV_KEY_PID, given->pid);
	add_int(&fields, RV_KEY_KEY, given->key);
	rv_fields_str(&fields, RV_KEY_TEXT, given->text);
	if (given->kind != REEVE_TASK_STARTED) {
		add_end(&fields, given);
	}
	if (!rv_super_record_task(reeve->super,
		(enum rv_kind_of_event)given->kind, given->path, &fields)) {
		rv_super_room(reeve->super, on_room, reeve);
		return rv_error(err, REEVE_EFULL,
		    "the clerk is behind, and the ring full; dispatch until "
		    "there is room");
	}
	return REEVE_OK;
}

enum reeve_status
reeve_record(struct reeve *reeve, const struct reeve_record *given,
    struct reeve_error *err)
{
	struct reeve_record copy = { 0 };
	enum reeve_status status =
	    rv_face_check(reeve, WHAT, RV_FACE_LOOK, err);

	if (status == REEVE_OK) {
		status = rv_face_options(&copy, sizeof(copy), given,
		    RV_FACE_THROUGH(struct reeve_record, output),
		    "reeve_record", err);
		status = rv_face_said(status, WHAT, err);
	}
	return status == REEVE_OK
		   ? rv_face_call(reeve, WHAT, RV_FACE_LOOK, record, &copy, err)
		   : status;
}

struct room {
	reeve_room_fn *fn;
	void *arg;
};

static enum reeve_status
set_room(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	const struct room *room = arg;

	(void)err;
	reeve->room = room->fn;
	reeve->room_arg = room->arg;
	return REEVE_OK;
}

enum reeve_status
reeve_record_room(
    struct reeve *reeve, reeve_room_fn *fn, void *arg, struct reeve_error *err)
{
	struct room room = { .fn = fn, .arg = arg };

	return rv_face_call(
	    reeve, "wait for room", RV_FACE_LOOK, set_room, &room, err);
}
