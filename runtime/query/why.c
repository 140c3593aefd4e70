/* SPDX-License-Identifier: MIT */
/*
 * reeve_log_why: which ends are meant, and the round of gathering and telling
 * for each of them. Owns the stories' memory.
 */
#include "config.h"

#include "query/why.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "sys/sys.h"

#define OUT_MAX ((size_t)64 * 1024 * 1024)

const char *
rv_story_keep(struct rv_story *story, const char *text)
{
	struct rv_story_text *kept;
	size_t len;

	if (text == NULL || text[0] == '\0') {
		return NULL;
	}
	len = strlen(text);
	kept = rv_alloc(1, sizeof(*kept) + len + 1);
	if (kept == NULL) {
		story->failed = true;
		return NULL;
	}
	memcpy(kept->text, text, len + 1);
	kept->next = story->texts;
	story->texts = kept;
	return kept->text;
}

struct rv_story_unit *
rv_story_add(struct rv_story *story, struct rv_story_units *list)
{
	if (list->n == list->cap) {
		size_t cap = list->cap != 0 ? 2 * list->cap : 8;
		struct rv_story_unit *units = rv_realloc(
		    list->units, list->cap, cap, sizeof(*list->units));

		if (units == NULL) {
			story->failed = true;
			return NULL;
		}
		list->units = units;
		list->cap = cap;
	}
	return &list->units[list->n++];
}

static void
finish(struct rv_story *story)
{
	while (story->texts != NULL) {
		struct rv_story_text *kept = story->texts;

		story->texts = kept->next;
		rv_free(kept);
	}
	rv_free(story->group_units.units);
	rv_free(story->gave_up.units);
	rv_free(story->others.units);
}

static void
tell(struct rv_why *why, const struct rv_story *story)
{
	if (why->json) {
		rv_story_json(story, &why->w);
	} else {
		if (why->n > 0) {
			rv_buf_addc(&why->out, '\n');
		}
		rv_story_text(story, &why->out);
	}
	why->n++;
}

enum reeve_status
rv_story_finish(
    struct rv_why *why, struct rv_story *story, enum reeve_status status)
{
	if (status == REEVE_OK && story->failed) {
		status = rv_error_sys(why->err, ENOMEM, "cannot tell why");
	}
	finish(story);
	return status;
}

static enum reeve_status
tell_one(struct rv_why *why, struct rv_story *story, enum reeve_status status)
{
	if (status == REEVE_OK && !story->failed) {
		tell(why, story);
	}
	return rv_story_finish(why, story, status);
}

/*
 * Ends: of lives as they were recorded, or, where nobody was left to record
 * one, as the clerk noted afterwards.
 */
static const char ends[] =
    "SELECT id, life_id, at, run_id, path, kind, detail FROM seen"
    " WHERE path IN (SELECT path FROM temp.meant) AND kind IN"
    " ('worker.exited', 'supervisor.gave_up', 'runtime.stopped',"
    " 'runtime.lost', 'launcher.lost', 'clerk.lost')"
    " UNION ALL SELECT 0, l.id, l.ended_at, l.run_id, l.path, 'lost',"
    " '{\"reason\":\"' || l.end_reason || '\"}' FROM main.lives l"
    " WHERE l.path IN (SELECT path FROM temp.meant)"
    " AND l.ended_at IS NOT NULL AND l.end_reason IN ('lost', 'unknown')"
    " AND NOT EXISTS (SELECT 1 FROM seen e WHERE e.life_id = l.id"
    " AND e.kind = 'worker.exited')"
    " ORDER BY 3 DESC, 1 DESC LIMIT ?1";

static enum reeve_status
tell_ends(struct rv_why *why, unsigned last)
{
	struct rv_ask ask;

	rv_ask(&ask, why, ends);
	sqlite3_bind_int64(ask.stmt, 1, last);
	while (rv_ask_row(&ask, 6)) {
		struct rv_story story;

		rv_story_begin(&story, ask.stmt);
		story.now = rv_sys_wall_us();
		ask.status =
		    tell_one(why, &story, rv_story_gather(why, &story));
	}
	return rv_ask_end(&ask);
}

/* Units that have a beginning and no end. */
static enum reeve_status
tell_present(struct rv_why *why)
{
	struct rv_ask ask;

	rv_ask(
	    &ask, why, "SELECT path FROM temp.meant ORDER BY path LIMIT 100");
	while (rv_ask_row(&ask, -1)) {
		struct rv_story story = { .kind = RV_STORY_NONE,
			.now = rv_sys_wall_us() };

		story.path = rv_story_keep(&story, rv_query_text(ask.stmt, 0));
		ask.status =
		    tell_one(why, &story, rv_story_present(why, &story));
	}
	return rv_ask_end(&ask);
}

static enum reeve_status
tell_all(struct rv_why *why, unsigned last)
{
	enum reeve_status status = rv_why_names(why);

	if (status == REEVE_OK) {
		status = tell_ends(why, last);
	}
	if (status == REEVE_OK && why->n == 0) {
		status = rv_story_tasks(why, last);
	}
	if (status == REEVE_OK && why->n == 0) {
		status = tell_present(why);
	}
	return status;
}

enum reeve_status
reeve_log_why(struct reeve_log *log, const char *name, unsigned last, bool json,
    char **text, struct reeve_error *err)
{
	struct rv_why why = {
		.log = log, .err = err, .name = name, .json = json
	};
	enum reeve_status status;
	char *out;

	if (rv_query_lacks("tell why", "the log", log, err) ||
	    rv_query_lacks("tell why", "the name", name, err) ||
	    rv_query_lacks("tell why", "the place for it", text, err)) {
		return REEVE_EINVALID;
	}
	if (name[0] == '\0') {
		return rv_error(
		    err, REEVE_EINVALID, "cannot tell why: the name is empty");
	}
	rv_buf_init(&why.out, OUT_MAX);
	rv_jsonw_init(&why.w, &why.out);
	if (json) {
		rv_jsonw_array(&why.w);
	}
	status = rv_query_look_begin(log, err);
	if (status == REEVE_OK) {
		status = tell_all(&why, last != 0 ? last : 1);
		rv_query_look_end(log);
	}
	if (json) {
		rv_jsonw_array_end(&why.w);
	}
	out = rv_buf_steal(&why.out);
	if (status == REEVE_OK && out == NULL) {
		status = rv_error_sys(err, ENOMEM, "cannot tell why");
	}
	if (status == REEVE_OK) {
		*text = out;
	} else {
		rv_free(out);
	}
	rv_buf_finish(&why.out);
	return status;
}
