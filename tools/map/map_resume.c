/* SPDX-License-Identifier: MIT */
/*
 * What the event log knows of earlier runs of this job: read record by record,
 * oldest first, into one small entry a command. See map_log.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <reeve/query.h>

#include "tools/map/map_log.h"

struct reading {
	struct map_past *past;
	const char *last_kind; /* of the job itself */
};

static struct map_past_item *
item_at(struct map_past *past, uint64_t number)
{
	if (number > past->cap) {
		size_t cap = past->cap != 0 ? past->cap : 1024;

		while (cap < number) {
			cap *= 2;
		}
		past->items =
		    map_grow(past->items, cap, sizeof(past->items[0]));
		memset(past->items + past->cap, 0,
		    (cap - past->cap) * sizeof(past->items[0]));
		past->cap = cap;
	}
	if (number > past->n) {
		past->n = number;
	}
	return &past->items[number - 1];
}

static void
begin_run(struct map_past *past, const json_t *detail)
{
	const char *text = json_string_value(json_object_get(detail, "text"));

	if (json_integer_value(json_object_get(detail, "attempt")) <= 1) {
		/* Begun anew: what was before does not count. */
		past->runs = 0;
		past->cut = false;
		if (past->cap > 0) {
			memset(
			    past->items, 0, past->cap * sizeof(past->items[0]));
		}
		past->n = past->n_texts = 0;
	}
	past->runs++;
	past->key =
	    (uint64_t)json_integer_value(json_object_get(detail, "key"));
	free(past->command);
	past->command = text != NULL ? map_copy(text, strlen(text)) : NULL;
}

static void
take_job(struct map_past *past, const struct reeve_event *event)
{
	json_t *detail;

	past->unfinished = strcmp(event->kind, "task.ended") != 0;
	if (strcmp(event->kind, "task.started") != 0) {
		return;
	}
	detail = json_loads(event->detail, 0, NULL);
	begin_run(past, detail);
	json_decref(detail);
}

/* Kept apart: its number may be another item's in a later run by text. */
static void
add_text(struct map_past *past, uint64_t key)
{
	if (past->n_texts == past->cap_texts) {
		past->cap_texts =
		    past->cap_texts != 0 ? 2 * past->cap_texts : 1024;
		past->texts = map_grow(
		    past->texts, past->cap_texts, sizeof(past->texts[0]));
	}
	past->texts[past->n_texts++] = key;
}

static void
take_item(
    struct map_past *past, uint64_t number, const struct reeve_event *event)
{
	static const struct {
		const char *kind;
		enum map_past_state state;
	} kinds[] = {
		{ "task.started", MAP_PAST_STARTED },
		{ "task.ended", MAP_PAST_ENDED },
		{ "task.failed", MAP_PAST_FAILED },
		{ "task.cancelled", MAP_PAST_GIVEN_UP },
	};
	struct map_past_item *item = item_at(past, number);

	/* Its job's beginning is not in the log any more. */
	past->cut = past->cut || past->runs == 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(event->kind, kinds[i].kind) == 0) {
			item->state = kinds[i].state;
		}
	}
	if (item->state == MAP_PAST_ENDED) {
		add_text(past, item->key);
	}
	if (item->state == MAP_PAST_STARTED) {
		json_t *detail = json_loads(event->detail, 0, NULL);

		item->key = (uint64_t)json_integer_value(
				json_object_get(detail, "key")) &
			    MAP_KEY_MASK;
		json_decref(detail);
	}
}

static bool
on_event(void *ctx, const struct reeve_event *event)
{
	struct map_past *past = ctx;
	char *end;
	unsigned long long number;

	if (strcmp(event->path, "map") == 0) {
		take_job(past, event);
		return true;
	}
	if (strncmp(event->path, "map/", 4) != 0) {
		return true;
	}
	number = strtoull(event->path + 4, &end, 10);
	if (*end == '\0' && number > 0 && number < (1ull << 40)) {
		take_item(past, number, event);
	}
	return true;
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
count(struct map_past *past)
{
	for (size_t i = 0; i < past->n; i++) {
		const struct map_past_item *item = &past->items[i];

		past->ended += item->state == MAP_PAST_ENDED;
		past->failed += item->state == MAP_PAST_FAILED;
		past->open += item->state == MAP_PAST_STARTED;
	}
	if (past->n_texts > 0) {
		qsort(past->texts, past->n_texts, sizeof(past->texts[0]),
		    by_value);
	}
}

int
map_log_past(struct map_log *log, struct map_past *past, bool all)
{
	struct reeve_log_options options = { .size = sizeof(options),
		.state_dir = log->state_dir,
		.runtime_dir =
		    log->runtime_dir[0] != '\0' ? log->runtime_dir : NULL };
	struct reeve_event_filter filter = { .size = sizeof(filter),
		.kind_glob = "task.*",
		.path_glob = all ? NULL : "map",
		.limit = all ? 0 : 1 };
	struct reeve_log *events = NULL;
	struct reeve_error err;
	enum reeve_status status;

	*past = (struct map_past){ 0 };
	status = reeve_log_open(&events, &options, &err);
	if (status == REEVE_OK) {
		status =
		    reeve_log_events(events, &filter, on_event, past, &err);
	}
	reeve_log_close(events);
	if (status != REEVE_OK) {
		map_say("%s", err.text);
		return MAP_COULD_NOT;
	}
	count(past);
	return 0;
}

void
map_past_finish(struct map_past *past)
{
	free(past->items);
	free(past->texts);
	free(past->command);
	*past = (struct map_past){ 0 };
}

enum map_past_state
map_past_of(const struct map_past *past, uint64_t number, uint64_t key,
    bool by_text, bool *changed)
{
	const struct map_past_item *item;

	*changed = false;
	if (by_text) {
		return past->n_texts > 0 &&
			       bsearch(&key, past->texts, past->n_texts,
				   sizeof(key), by_value) != NULL
			   ? MAP_PAST_ENDED
			   : MAP_PAST_NONE;
	}
	if (number > past->n) {
		return MAP_PAST_NONE;
	}
	item = &past->items[number - 1];
	*changed = item->state != MAP_PAST_NONE && item->key != key;
	return (enum map_past_state)item->state;
}
