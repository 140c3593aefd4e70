/* SPDX-License-Identifier: MIT */
/*
 * What is to be run next: items from the input, put together to commands,
 * without those that an earlier run has ended. See map_job.h.
 */
#include "config.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "tools/map/map_job.h"

void
map_items_add(struct map_items *list, struct map_item *item)
{
	item->list = list;
	item->next = NULL;
	item->prev = list->last;
	if (list->last != NULL) {
		list->last->next = item;
	} else {
		list->first = item;
	}
	list->last = item;
}

void
map_items_add_by_time(struct map_items *list, struct map_item *item)
{
	struct map_item *before = list->last;

	while (before != NULL && before->at > item->at) {
		before = before->prev;
	}
	item->list = list;
	item->prev = before;
	item->next = before != NULL ? before->next : list->first;
	if (item->next != NULL) {
		item->next->prev = item;
	} else {
		list->last = item;
	}
	if (before != NULL) {
		before->next = item;
	} else {
		list->first = item;
	}
}

void
map_items_remove(struct map_item *item)
{
	struct map_items *list = item->list;

	if (list == NULL) {
		return;
	}
	if (item->prev != NULL) {
		item->prev->next = item->next;
	} else {
		list->first = item->next;
	}
	if (item->next != NULL) {
		item->next->prev = item->prev;
	} else {
		list->last = item->prev;
	}
	item->list = NULL;
	item->prev = item->next = NULL;
}

void
map_item_free(struct map_item *item)
{
	if (item == NULL) {
		return;
	}
	map_items_remove(item);
	if (item->output != NULL) {
		map_output_free(item->output);
	}
	map_call_finish(&item->call);
	free(item->text);
	free(item);
}

/* -------- reading -------- */

static void
add_item(struct map_item *item, const char *bytes, size_t len)
{
	item->text = map_grow(item->text, item->text_len + len + 1, 1);
	memcpy(item->text + item->text_len, bytes, len);
	item->text_len += len;
	item->text[item->text_len++] = '\0';
	item->n_items++;
}

/* A command's items together; those of the last may be fewer. */
static enum map_got
read_command(struct map_job *job, struct map_item **out)
{
	struct map_item *item = job->partial;

	if (item == NULL) {
		item = map_alloc(1, sizeof(*item));
		item->pidfd = -1;
		job->partial = item;
	}
	while (item->n_items < job->o->chunk) {
		const char *bytes = "";
		size_t len = 0;
		enum map_got got = map_input_next(&job->input, &bytes, &len);

		if (got == MAP_GOT_END && item->n_items > 0) {
			break;
		}
		if (got != MAP_GOT) {
			return got;
		}
		add_item(item, bytes, len);
	}
	item->number = ++job->numbers;
	item->key =
	    map_hash(MAP_HASH_INIT, item->text, item->text_len) & MAP_KEY_MASK;
	job->partial = NULL;
	*out = item;
	return MAP_GOT;
}

/* -------- what an earlier run has done -------- */

/* Is it to be run? */
static bool
is_due(struct map_job *job, enum map_past_state state)
{
	if (state == MAP_PAST_ENDED) {
		job->skipped++;
		return false;
	}
	if (state == MAP_PAST_FAILED && !job->o->resume_failed) {
		job->skipped_failed++;
		return false;
	}
	return true;
}

static bool
await_input(struct map_job *job)
{
	struct pollfd p[] = {
		{ .fd = job->input.fd, .events = POLLIN },
		{ .fd = job->signals, .events = POLLIN },
	};

	poll(p, 2, -1);
	return p[1].revents == 0;
}

static void
say_changed(const struct map_item *item)
{
	map_say("the input has changed: item %llu is \"%.60s\", and was "
		"another in the run that --resume shall go on with",
	    (unsigned long long)item->number, map_plain(item->text));
	map_say("--resume=by-text runs those whose text has not ended yet; "
		"without --resume all of it begins anew");
}

static void
say_short(const struct map_job *job)
{
	map_say("the input has changed: it ends after item %llu, and the run "
		"that --resume shall go on with had begun %zu",
	    (unsigned long long)job->numbers, job->past.n);
	map_say("--resume=by-text runs those whose text has not ended yet; "
		"without --resume all of it begins anew");
}

/* All that was begun before is compared before anything is run. */
static int
compare(struct map_job *job)
{
	while (job->numbers < job->past.n) {
		struct map_item *item;
		enum map_got got = read_command(job, &item);
		bool changed;

		if (got == MAP_GOT_NOT_YET) {
			if (!await_input(job)) {
				return 0; /* the loop sees the signal */
			}
			continue;
		}
		if (got == MAP_GOT_END) {
			say_short(job);
			return MAP_COULD_NOT;
		}
		if (got == MAP_GOT_ERROR) {
			return MAP_COULD_NOT;
		}
		if (is_due(job, map_past_of(&job->past, item->number, item->key,
				    false, &changed))) {
			map_items_add(&job->todo, item);
		}
		if (changed) {
			say_changed(item);
		}
		if (item->list == NULL) {
			map_item_free(item);
		}
		if (changed) {
			return MAP_COULD_NOT;
		}
	}
	return 0;
}

int
map_give_open(struct map_job *job)
{
	return job->o->resume == MAP_RESUME ? compare(job) : 0;
}

enum map_got
map_give_next(struct map_job *job, struct map_item **out)
{
	struct map_item *item = job->todo.first;
	enum map_got got;
	bool changed;

	if (item != NULL) {
		map_items_remove(item);
		*out = item;
		return MAP_GOT;
	}
	for (;;) {
		got = read_command(job, &item);
		if (got != MAP_GOT || job->o->resume != MAP_RESUME_BY_TEXT ||
		    is_due(job, map_past_of(&job->past, item->number, item->key,
				    true, &changed))) {
			*out = item;
			return got;
		}
		map_item_free(item);
	}
}
