/* SPDX-License-Identifier: MIT */
/*
 * start, stop and restart: do it, and answer when each unit that was named has
 * come to its end of it; and the same of all that a reload has begun. A wait is
 * one allocation, and that of a command is made before anything is done, so
 * that none is obeyed whose answer could not be given. Units find the waits
 * that concern them by a table.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/ctl_priv.h"

struct item {
	struct rv_hash_node by_unit; /* while pending */
	struct rv_ctl_wait *wait;
	struct rv_unit *unit; /* NULL once it is gone */
	const char *path;     /* ours: it outlives the unit */
	enum rv_verb verb;
	uint64_t life_before;
	enum rv_outcome verdict;
	enum rv_state state;
	char why[RV_CTL_WHY];
};

struct rv_ctl_wait {
	struct rv_list link; /* in client->waits */
	struct rv_ctl_client *client;
	uint64_t event;           /* id of its control.request */
	struct rv_ctl_plan *plan; /* of a reload, else NULL */
	char *id;                 /* JSON; NULL: nobody wants an answer */
	size_t n, n_pending;
	bool acting; /* not all units have been told yet: do not judge */
	struct item items[];
};

static uint64_t
key_of(const struct rv_unit *unit)
{
	return (uint64_t)(uintptr_t)unit;
}

static void
destroy(struct rv_ctl *ctl, struct rv_ctl_wait *wait)
{
	for (size_t i = 0; i < wait->n; i++) {
		if (wait->items[i].verdict == RV_PENDING &&
		    wait->items[i].unit != NULL && wait->n_pending != 0) {
			rv_hash_remove(&ctl->items, &wait->items[i].by_unit);
		}
	}
	rv_list_remove(&wait->link);
	if (wait->plan != NULL) {
		rv_ctl_plan_finish(wait->plan);
		rv_free(wait->plan);
	}
	rv_free(wait->id);
	rv_free(wait);
}

/* One block: the wait, its items, and behind them the paths. */
static struct rv_ctl_wait *
create(const struct rv_ctl_request *request, const struct rv_units *list,
    enum rv_verb verb)
{
	size_t size = sizeof(struct rv_ctl_wait);
	struct rv_ctl_wait *wait;
	char *path;

	for (size_t i = 0; i < list->n; i++) {
		size += sizeof(struct item) + strlen(list->units[i]->path) + 1;
	}
	wait = rv_alloc(1, size);
	if (wait == NULL) {
		return NULL;
	}
	rv_list_init(&wait->link);
	wait->client = request->client;
	wait->event = request->event;
	wait->n = list->n;
	if (request->id != NULL) {
		wait->id = rv_strdup(request->id);
		if (wait->id == NULL) {
			rv_free(wait);
			return NULL;
		}
	}
	path = (char *)&wait->items[list->n];
	for (size_t i = 0; i < list->n; i++) {
		struct rv_unit *unit = list->units[i];
		size_t len = strlen(unit->path) + 1;

		memcpy(path, unit->path, len);
		wait->items[i] = (struct item){
			.wait = wait,
			.unit = unit,
			.path = path,
			.verb = verb,
			.life_before = unit->life,
		};
		path += len;
	}
	return wait;
}

static void
decide(struct rv_ctl *ctl, struct item *item, enum rv_outcome verdict)
{
	if (item->unit != NULL) {
		item->state = item->unit->state;
	}
	item->verdict = verdict;
	rv_hash_remove(&ctl->items, &item->by_unit);
	if (--item->wait->n_pending == 0) {
		rv_ctl_client_soon(item->wait->client);
	}
}

static void
look_at(struct rv_ctl *ctl, struct item *item)
{
	enum rv_outcome verdict = rv_ctl_judge(
	    ctl->super, item->unit, item->verb, item->life_before, item->why);

	if (verdict != RV_PENDING) {
		decide(ctl, item, verdict);
	}
}

static void
lose(struct rv_ctl *ctl, struct item *item)
{
	bool stopped = item->verb == RV_VERB_STOP;

	if (!stopped) {
		rv_copy(item->why, sizeof(item->why), "removed by a reload");
	}
	decide(ctl, item, stopped ? RV_DONE : RV_FAILED);
	item->state = RV_STATE_STOPPED;
	item->unit = NULL;
}

static void
look_at_unit(struct rv_ctl *ctl, const struct rv_unit *unit, bool gone)
{
	struct rv_hash_node *node, *next;

	/* Several may wait for one unit: those stand in one bucket. */
	for (node = rv_hash_find(&ctl->items, key_of(unit)); node != NULL;
	     node = next) {
		struct item *item = RV_CONTAINER(node, struct item, by_unit);

		next = node->next;
		if (node->key != key_of(unit)) {
			continue;
		}
		if (gone) {
			lose(ctl, item);
		} else if (!item->wait->acting) {
			look_at(ctl, item);
		}
	}
}

void
rv_ctl_waits_changed(struct rv_ctl *ctl, struct rv_unit *unit, bool gone)
{
	const struct rv_unit *above = unit->parent;

	if (ctl->items.n == 0) {
		return;
	}
	look_at_unit(ctl, unit, gone);
	/* One that failed keeps those above it from ever getting ready. */
	if (!gone && unit->state == RV_STATE_FATAL) {
		for (; above != NULL && ctl->items.n != 0;
		     above = above->parent) {
			look_at_unit(ctl, above, false);
		}
	}
}

void
rv_ctl_waits_finished(struct rv_ctl *ctl)
{
	RV_LIST_EACH (client, &ctl->clients, struct rv_ctl_client, link) {
		RV_LIST_EACH (wait, &client->waits, struct rv_ctl_wait, link) {
			for (size_t i = 0; i < wait->n; i++) {
				struct item *item = &wait->items[i];

				if (item->verdict != RV_PENDING) {
					continue;
				}
				look_at(ctl, item);
				if (item->verdict == RV_PENDING) {
					rv_copy(item->why, sizeof(item->why),
					    "the runtime has ended");
					decide(ctl, item, RV_FAILED);
				}
			}
		}
	}
}

static void
write_results(struct rv_jsonw *w, const struct rv_ctl_wait *wait)
{
	rv_jsonw_object(w);
	rv_ctl_write_event(w, wait->event);
	if (wait->plan != NULL) {
		rv_ctl_plan_write(w, wait->plan);
	}
	rv_jsonw_key(w, "results");
	rv_jsonw_array(w);
	for (size_t i = 0; i < wait->n; i++) {
		const struct item *item = &wait->items[i];
		enum rv_state state = item->unit != NULL && wait->n_pending != 0
					  ? item->unit->state
					  : item->state;

		rv_jsonw_object(w);
		rv_jsonw_key(w, "path");
		rv_jsonw_str(w, item->path);
		rv_jsonw_key(w, "state");
		rv_jsonw_str(w, rv_state_name(state));
		rv_jsonw_key(w, "ok");
		rv_jsonw_bool(w, item->verdict != RV_FAILED);
		rv_jsonw_key(w, "why");
		rv_jsonw_str(w, item->why[0] != '\0' ? item->why : NULL);
		rv_jsonw_object_end(w);
	}
	rv_jsonw_array_end(w);
	rv_jsonw_object_end(w);
}

void
rv_ctl_waits_deliver(struct rv_ctl_client *client)
{
	struct rv_ctl *ctl = client->ctl;
	struct rv_jsonw w;

	RV_LIST_EACH_SAFE (wait, &client->waits, struct rv_ctl_wait, link) {
		if (wait->n_pending != 0 || client->dead ||
		    rv_ctl_client_full(client)) {
			continue;
		}
		rv_buf_reset(&ctl->result);
		rv_jsonw_init(&w, &ctl->result);
		write_results(&w, wait);
		rv_ctl_reply(client, wait->id, &ctl->result);
		destroy(ctl, wait);
		client->n_later--;
	}
}

void
rv_ctl_waits_drop(struct rv_ctl_client *client)
{
	RV_LIST_EACH_SAFE (wait, &client->waits, struct rv_ctl_wait, link) {
		destroy(client->ctl, wait);
	}
}

static void
await(struct rv_ctl *ctl, struct rv_ctl_wait *wait)
{
	for (size_t i = 0; i < wait->n; i++) {
		rv_hash_insert(&ctl->items, &wait->items[i].by_unit,
		    key_of(wait->items[i].unit));
	}
	wait->n_pending = wait->n;
}

static void
look_at_all(struct rv_ctl *ctl, struct rv_ctl_wait *wait)
{
	for (size_t i = 0; i < wait->n; i++) {
		if (wait->items[i].verdict == RV_PENDING) {
			look_at(ctl, &wait->items[i]);
		}
	}
}

/* Each is told; then each is looked at, when all have been told. */
static void
act(struct rv_ctl *ctl, struct rv_ctl_wait *wait)
{
	await(ctl, wait);
	wait->acting = true;
	for (size_t i = 0; i < wait->n; i++) {
		struct item *item = &wait->items[i];

		/* It may have been removed on account of one before it. */
		if (item->unit != NULL) {
			rv_super_do(ctl->super, item->unit, item->verb);
		}
	}
	wait->acting = false;
	look_at_all(ctl, wait);
}

/* The answer is given later; there is one. */
static void
keep(struct rv_ctl_request *request, struct rv_ctl_wait *wait)
{
	request->later = true;
	rv_list_insert(&request->client->waits, &wait->link);
	request->client->n_later++;
}

enum reeve_status
rv_ctl_may_wait(const struct rv_ctl_request *request, struct reeve_error *err)
{
	if (request->client->n_later >= RV_CTL_LATER) {
		return rv_error(err, REEVE_EBUSY,
		    "%d requests of this client wait already", RV_CTL_LATER);
	}
	return request->ctl->finished
		   ? rv_error(err, REEVE_ECLOSED, "the runtime has ended")
		   : REEVE_OK;
}

enum reeve_status
rv_ctl_wait_start(struct rv_ctl_request *request, const struct rv_units *list,
    enum rv_verb verb, bool no_wait, struct rv_jsonw *w,
    struct reeve_error *err)
{
	struct rv_ctl *ctl = request->ctl;
	struct rv_ctl_wait *wait;
	enum reeve_status status = rv_ctl_may_wait(request, err);

	if (status != REEVE_OK) {
		return status;
	}
	wait = create(request, list, verb);
	if (wait == NULL ||
	    !rv_hash_reserve(&ctl->items, ctl->items.n + list->n)) {
		if (wait != NULL) {
			destroy(ctl, wait);
		}
		return rv_error_sys(err, ENOMEM, "cannot wait for a result");
	}
	act(ctl, wait);
	if (no_wait || request->id == NULL) {
		write_results(w, wait);
		destroy(ctl, wait);
		return REEVE_OK;
	}
	keep(request, wait);
	return REEVE_OK;
}

/* What a reload leaves at rest is what it came to. */
static bool
is_left_alone(const struct item *item)
{
	return item->verb != RV_VERB_STOP && !item->unit->wanted &&
	       rv_ctl_at_rest(item->unit);
}

bool
rv_ctl_wait_reload(struct rv_ctl_request *request, const struct rv_units *list,
    uint64_t newest, struct rv_ctl_plan *plan)
{
	struct rv_ctl *ctl = request->ctl;
	struct rv_ctl_wait *wait = NULL;
	struct rv_ctl_plan *copy = rv_alloc(1, sizeof(*copy));

	if (copy != NULL &&
	    rv_hash_reserve(&ctl->items, ctl->items.n + list->n)) {
		wait = create(request, list, RV_VERB_RESTART);
	}
	if (wait == NULL) {
		rv_free(copy);
		return false;
	}
	*copy = *plan;
	*plan = (struct rv_ctl_plan){ 0 };
	wait->plan = copy;
	keep(request, wait);
	await(ctl, wait);
	for (size_t i = 0; i < wait->n; i++) {
		struct item *item = &wait->items[i];

		if (item->unit->retiring) {
			item->verb = RV_VERB_STOP;
		} else if (item->life_before > newest) {
			item->life_before = 0; /* it has its new life already */
		}
		if (is_left_alone(item)) {
			decide(ctl, item, RV_DONE);
		}
	}
	look_at_all(ctl, wait);
	return true;
}
