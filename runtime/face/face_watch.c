/* SPDX-License-Identifier: MIT */
/*
 * <reeve/watch.h>, watching: what a host wants to hear of is noted when it
 * happens, in one block a note, and told at the end of the turn, when the host
 * may ask for anything. Bounded; what does not fit is counted and said.
 */
#include "config.h"

#include <reeve/watch.h>

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "child/page.h"
#include "face/face_exception.h"
#include "face/face_priv.h"

#define DEFAULT_BYTES ((size_t)1024 * 1024)

struct reeve_watch {
	struct rv_list link;
	struct reeve *reeve;
	char *units, *kinds; /* NULL: all */
	struct reeve_watch_options options;
	struct rv_list notes;
	size_t bytes; /* of all notes */
	uint64_t dropped;
	bool ended; /* while notes are told: freed after that */
};

/* One event or exception, in one block with its strings. */
struct note {
	struct rv_list link;
	size_t bytes;
	struct rv_face_exception *exception; /* NULL: an event */
	struct reeve_event event;
	uint64_t life;
	struct rv_face_ending ending; /* without a path: none */
	bool aside;
	char text[];
};

static void
free_note(struct reeve_watch *watch, struct note *note)
{
	rv_list_remove(&note->link);
	watch->bytes -= note->bytes;
	rv_face_exception_free(note->exception);
	rv_free(note);
}

static void
free_watch(struct reeve_watch *watch)
{
	while (!rv_list_empty(&watch->notes)) {
		free_note(
		    watch, RV_LIST_FIRST(&watch->notes, struct note, link));
	}
	rv_list_remove(&watch->link);
	rv_free(watch->units);
	rv_free(watch->kinds);
	rv_free(watch);
}

/* -------- telling -------- */

static void
tell_dropped(struct reeve_watch *watch)
{
	uint64_t n = watch->dropped;

	watch->dropped = 0;
	if (n != 0 && watch->options.dropped != NULL) {
		watch->options.dropped(watch->options.ctx, n);
		rv_face_told(watch->reeve);
	}
}

static void
tell_note(struct reeve_watch *watch, struct note *note)
{
	struct reeve *reeve = watch->reeve;
	const struct rv_face_ending *outer = reeve->ending;
	void *ctx = watch->options.ctx;

	reeve->ending = note->ending.path != NULL ? &note->ending : outer;
	reeve->aside = note->aside;
	if (note->exception != NULL) {
		rv_face_exception_tell(
		    note->exception, watch->options.exception, ctx);
	} else {
		watch->options.event(ctx, &note->event);
	}
	reeve->ending = outer;
	rv_face_told(reeve);
}

/* What is there now: what the host causes meanwhile has another turn. */
static void
tell_watch(struct reeve_watch *watch)
{
	struct rv_list now;

	rv_list_insert(&watch->notes, &now);
	rv_list_remove(&watch->notes);
	while (!rv_list_empty(&now)) {
		struct note *note = RV_LIST_FIRST(&now, struct note, link);

		if (!watch->ended && !watch->reeve->doomed) {
			tell_note(watch, note);
		}
		free_note(watch, note);
	}
	if (!watch->ended && !watch->reeve->doomed) {
		tell_dropped(watch);
	}
}

static void
free_ended(struct reeve *reeve)
{
	reeve->delivering = false;
	RV_LIST_EACH_SAFE (watch, &reeve->watches, struct reeve_watch, link) {
		if (watch->ended) {
			free_watch(watch);
		}
	}
}

/* What is ended meanwhile is freed with the others. */
enum reeve_status
rv_face_tell_gone(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	(void)arg;
	(void)err;
	reeve->delivering = true;
	RV_LIST_EACH (watch, &reeve->watches, struct reeve_watch, link) {
		if (!watch->ended && watch->options.gone != NULL) {
			watch->ended = true;
			watch->options.gone(watch->options.ctx);
		}
	}
	return REEVE_OK;
}

static void
deliver(struct rv_defer *defer)
{
	struct reeve *reeve = defer->ctx;

	reeve->delivering = true;
	RV_LIST_EACH_SAFE (watch, &reeve->watches, struct reeve_watch, link) {
		tell_watch(watch);
	}
	free_ended(reeve);
}

static void
tell_exceptions(struct reeve_watch *watch, uint64_t life)
{
	RV_LIST_EACH_SAFE (note, &watch->notes, struct note, link) {
		if (note->exception == NULL || note->life != life) {
			continue;
		}
		if (!watch->ended && !watch->reeve->doomed) {
			tell_note(watch, note);
		}
		free_note(watch, note);
	}
}

/* Notes that come while they are told go to the end of their lists. */
void
rv_face_tell_exceptions(struct reeve *reeve, uint64_t life)
{
	if (reeve->delivering) {
		return;
	}
	reeve->delivering = true;
	RV_LIST_EACH_SAFE (watch, &reeve->watches, struct reeve_watch, link) {
		tell_exceptions(watch, life);
	}
	free_ended(reeve);
}

/* -------- noting -------- */

static bool
wants(const struct reeve_watch *watch, const char *path, const char *kind)
{
	return !watch->ended &&
	       (watch->units == NULL || rv_glob(watch->units, path)) &&
	       (kind == NULL || watch->kinds == NULL ||
		   rv_glob(watch->kinds, kind));
}

/* NULL: no room, and it is counted. */
static struct note *
add_note(struct reeve_watch *watch, size_t text, size_t more)
{
	size_t size = sizeof(struct note) + text, bytes = size + more;
	struct note *note = NULL;

	if (bytes <= watch->options.max_bytes - watch->bytes) {
		note = rv_alloc(1, size);
	}
	rv_loop_defer(watch->reeve->loop, &watch->reeve->deliver);
	if (note == NULL) {
		watch->dropped++;
		return NULL;
	}
	note->bytes = bytes;
	watch->bytes += bytes;
	rv_list_insert(&watch->notes, &note->link);
	return note;
}

/* What stands aside has the path of another: told, and not to be mixed up. */
static bool
is_aside(struct reeve *reeve, const struct rv_record *record)
{
	struct rv_unit *unit = rv_super_find(reeve->super, record->path);
	struct rv_unit_info info;

	if (unit == NULL) {
		return false;
	}
	rv_super_info(reeve->super, unit, &info);
	return info.life != record->life;
}

/* Behind the strings there is room for a slot where there is one. */
static void
note_end(struct note *note, const char *path, char *room, const void *slot)
{
	note->ending.path = path;
	if (slot != NULL) {
		memcpy(room, slot, RV_PAGE_SLOT_BYTES);
		note->ending.slot = room;
	}
}

static void
note_event(struct reeve_watch *watch, const struct rv_record *record,
    const char *kind, const struct rv_buf *detail)
{
	bool is_end = record->kind == RV_KIND_WORKER_EXITED;
	const void *slot =
	    rv_super_last_slot(watch->reeve->super, is_end ? record->life : 0);
	size_t len = record->path_len + detail->len + 2;
	struct note *note =
	    add_note(watch, len + (slot != NULL ? RV_PAGE_SLOT_BYTES : 0), 0);
	char *path, *text;

	if (note == NULL) {
		return;
	}
	note->aside = record->kind == RV_KIND_WORKER_READY &&
		      is_aside(watch->reeve, record);
	path = note->text;
	if (is_end) {
		note_end(note, path, note->text + len, slot);
	}
	memcpy(path, record->path, record->path_len);
	text = path + record->path_len + 1;
	memcpy(text, rv_buf_str(detail), detail->len);
	note->event = (struct reeve_event){
		.id = record->id,
		.life = record->life,
		.at_us = record->at_us,
		.run = rv_super_run_id(watch->reeve->super),
		.path = path,
		.kind = kind,
		.detail = text,
	};
}

void
rv_face_on_event(struct rv_super_sink *sink, const struct rv_record *record)
{
	struct reeve *reeve = sink->ctx;
	const char *kind = rv_kind_name(record->kind);
	struct rv_buf detail;

	/* The text is made once, and only if somebody wants it. */
	rv_buf_init(&detail, RV_RECORD_MAX);
	RV_LIST_EACH (watch, &reeve->watches, struct reeve_watch, link) {
		/* The path is one that super gave: NUL-terminated. */
		if (watch->options.event == NULL ||
		    !wants(watch, record->path, kind)) {
			continue;
		}
		if (detail.len == 0) {
			rv_record_detail(record, &detail);
		}
		note_event(watch, record, kind, &detail);
	}
	rv_buf_finish(&detail);
}

void
rv_face_on_exception(struct rv_super_sink *sink, struct rv_unit *unit,
    uint64_t life, const struct rv_page_trouble *trouble)
{
	struct reeve *reeve = sink->ctx;
	unsigned char bytes[RV_PAGE_SLOT_BYTES];
	const void *slot = rv_super_last_slot(reeve->super, life);
	size_t path_len = strlen(unit->path) + 1;
	struct rv_unit_info info;

	rv_super_info(reeve->super, unit, &info);
	/* It may be dead when that is told. */
	if (slot == NULL && rv_super_slot(reeve->super, unit, bytes)) {
		slot = bytes;
	}
	RV_LIST_EACH (watch, &reeve->watches, struct reeve_watch, link) {
		struct note *note;

		if (watch->options.exception == NULL ||
		    !wants(watch, unit->path, NULL)) {
			continue;
		}
		note = add_note(watch,
		    slot != NULL ? path_len + RV_PAGE_SLOT_BYTES : 0,
		    rv_face_exception_size(unit->path));
		if (note == NULL) {
			continue;
		}
		note->life = life;
		if (slot != NULL) {
			memcpy(note->text, unit->path, path_len);
			note_end(note, note->text, note->text + path_len, slot);
		}
		note->exception =
		    rv_face_exception_make(unit->path, life, info.pid, trouble);
		if (note->exception == NULL) {
			free_note(watch, note);
			watch->dropped++;
		}
	}
}

/* -------- watches -------- */

void
rv_face_watches_init(struct reeve *reeve)
{
	rv_list_init(&reeve->watches);
	reeve->deliver.cb = deliver;
	reeve->deliver.ctx = reeve;
}

void
rv_face_watches_finish(struct reeve *reeve)
{
	rv_defer_cancel(&reeve->deliver);
	while (!rv_list_empty(&reeve->watches)) {
		free_watch(
		    RV_LIST_FIRST(&reeve->watches, struct reeve_watch, link));
	}
}

struct watch_args {
	const struct reeve_watch_options *options;
	struct reeve_watch **out;
};

static bool
copy_glob(char **to, const char *glob)
{
	*to = glob != NULL ? rv_strdup(glob) : NULL;
	return glob == NULL || *to != NULL;
}

static enum reeve_status
watch(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	const struct watch_args *args = arg;
	struct reeve_watch_options options = { 0 };
	enum reeve_status status;
	struct reeve_watch *watch;

	status = rv_face_options(&options, sizeof(options), args->options,
	    RV_FACE_THROUGH(struct reeve_watch_options, dropped),
	    "reeve_watch_options", err);
	if (status != REEVE_OK) {
		return status;
	}
	if (options.event == NULL && options.exception == NULL &&
	    options.gone == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot watch: neither event nor exception nor gone is "
		    "wanted");
	}
	watch = rv_alloc(1, sizeof(*watch));
	if (watch == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot watch");
	}
	rv_list_init(&watch->link);
	rv_list_init(&watch->notes);
	watch->reeve = reeve;
	watch->options = options;
	if (options.max_bytes == 0) {
		watch->options.max_bytes = DEFAULT_BYTES;
	}
	if (!copy_glob(&watch->units, options.units) ||
	    !copy_glob(&watch->kinds, options.kinds)) {
		free_watch(watch);
		return rv_error_sys(err, ENOMEM, "cannot watch");
	}
	/* The hooks' own is told last: an end after its exceptions. */
	rv_list_insert(
	    reeve->ends != NULL ? &reeve->ends->link : &reeve->watches,
	    &watch->link);
	if (args->out != NULL) {
		*args->out = watch;
	}
	return REEVE_OK;
}

enum reeve_status
reeve_watch(struct reeve *reeve, const struct reeve_watch_options *options,
    struct reeve_watch **out, struct reeve_error *err)
{
	struct watch_args args = { .options = options, .out = out };

	return rv_face_call(reeve, "watch", RV_FACE_LOOK, watch, &args, err);
}

static enum reeve_status
unwatch(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	if (arg == NULL) {
		return REEVE_OK;
	}
	RV_LIST_EACH (watch, &reeve->watches, struct reeve_watch, link) {
		if (watch != arg || watch->ended) {
			continue;
		}
		watch->ended = true;
		if (!reeve->delivering) {
			free_watch(watch);
		}
		return REEVE_OK;
	}
	return rv_error(err, REEVE_ENOENT,
	    "cannot end a watch: it is none of this runtime's");
}

enum reeve_status
reeve_unwatch(
    struct reeve *reeve, struct reeve_watch *watch, struct reeve_error *err)
{
	return rv_face_call(
	    reeve, "end a watch", RV_FACE_LATE, unwatch, watch, err);
}
