/* SPDX-License-Identifier: MIT */
/*
 * Requests of pools over the control socket: pool.submit, pool.result,
 * pool.cancel and pool.stats. A request is taken whole or refused whole. One
 * that waits ends with its client: what had not begun is cancelled then, and
 * what ends is dropped.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "pool/attach_priv.h"

/* One in hand, until it is answered. */
struct hand {
	struct reeve_pools *pools;
	const struct reeve_control_request *request;
	struct rv_params *params;
};

typedef enum reeve_status ask_fn(struct hand *, struct reeve_error *);

/* -------- answers -------- */

static void
answer(struct reeve_pools *pools, uint64_t request, struct rv_buf *text)
{
	struct reeve_error err;
	enum reeve_status status;

	if (text->failed) {
		status = rv_error_sys(&err, ENOMEM, "cannot make an answer");
	} else {
		status = reeve_control_reply(
		    pools->reeve, request, rv_buf_str(text), &err);
	}
	if (status != REEVE_OK && status != REEVE_ENOENT) {
		(void)reeve_control_fail(
		    pools->reeve, request, status, err.text, NULL);
	}
}

/* It does not fit: where it is to be had, or that it is not. */
static void
write_elsewhere(struct rv_jsonw *w, struct rv_item *item, size_t bytes)
{
	bool never = bytes > RV_ASK_RESULTS;

	rv_jsonw_object(w);
	if (never) {
		rv_jsonw_key(w, "ok");
		rv_jsonw_bool(w, false);
		rv_jsonw_key(w, "outcome");
		rv_jsonw_str(w, "too_big");
	} else {
		rv_jsonw_key(w, "id");
		rv_jsonw_uint(w, item->id);
	}
	rv_jsonw_key(w, "bytes");
	rv_jsonw_uint(w, bytes);
	rv_jsonw_object_end(w);
	if (never) {
		rv_item_free(item);
	} else {
		rv_item_keep(item);
	}
}

static void
write_one(struct rv_jsonw *w, struct rv_item *item, size_t *room)
{
	struct rv_buf text;
	struct rv_jsonw one;

	if (item->result.length > RV_ASK_RESULTS) {
		write_elsewhere(w, item, item->result.length);
		return;
	}
	/* A byte becomes six at most. */
	rv_buf_init(&text, 8 * RV_ASK_RESULTS);
	rv_jsonw_init(&one, &text);
	rv_item_write(&one, item);
	w->out->failed |= text.failed;
	if (text.len > *room) {
		write_elsewhere(w, item, text.len);
	} else {
		*room -= text.len;
		rv_jsonw_raw(w, rv_buf_str(&text));
		rv_item_free(item);
	}
	rv_buf_finish(&text);
}

static void
finish(struct rv_ask *ask)
{
	struct reeve_pools *pools = ask->pools;
	size_t room = RV_ASK_RESULTS;
	struct rv_buf text;
	struct rv_jsonw w;

	rv_buf_init(&text, REEVE_CONTROL_ANSWER_MAX);
	rv_jsonw_init(&w, &text);
	rv_jsonw_object(&w);
	rv_jsonw_key(&w, "results");
	rv_jsonw_array(&w);
	for (size_t i = 0; i < ask->n; i++) {
		ask->items[i]->ask = NULL;
		write_one(&w, ask->items[i], &room);
	}
	rv_jsonw_array_end(&w);
	rv_jsonw_object_end(&w);
	answer(pools, ask->request, &text);
	rv_buf_finish(&text);
	rv_list_remove(&ask->link);
	rv_free(ask);
}

void
rv_ask_item_done(struct rv_ask *ask)
{
	if (--ask->n_left == 0) {
		finish(ask);
	}
}

static struct rv_ask *
make_ask(struct hand *hand, size_t n, struct reeve_error *err)
{
	struct rv_ask *ask =
	    rv_alloc(1, sizeof(*ask) + n * sizeof(ask->items[0]));

	if (ask == NULL) {
		rv_error_sys(err, ENOMEM, "cannot take a request");
		return NULL;
	}
	ask->pools = hand->pools;
	ask->request = hand->request->id;
	rv_list_init(&ask->link);
	return ask;
}

/* As it were not made: what it had is dropped, or goes back. */
static void
undo(struct rv_ask *ask)
{
	for (size_t i = 0; i < ask->n; i++) {
		if (ask->fetches) {
			rv_item_keep(ask->items[i]);
		} else {
			rv_item_drop(ask->items[i], false);
		}
	}
	rv_list_remove(&ask->link);
	rv_free(ask);
}

/* -------- pool.submit -------- */

static enum reeve_status
check_room(const struct rv_attached *at, size_t n, struct reeve_error *err)
{
	if (at->removed) {
		return rv_error(err, REEVE_ECLOSED,
		    "the pool %s is no longer in the config", at->path);
	}
	if (at->why[0] != '\0') {
		return rv_error(err, REEVE_EBROKEN, "%s", at->why);
	}
	if (at->max_waiting != 0 && at->n_open + n > at->max_waiting) {
		return rv_error(err, REEVE_EFULL,
		    "the pool %s has %llu items, and %zu more are over its "
		    "max_waiting of %llu",
		    at->path, (unsigned long long)at->n_open, n,
		    (unsigned long long)at->max_waiting);
	}
	return REEVE_OK;
}

static enum reeve_status
add_item(struct hand *hand, struct rv_attached *at, struct rv_ask *ask,
    size_t i, struct reeve_error *err)
{
	struct rv_payload payload;
	enum reeve_status status =
	    rv_params_item(hand->params, i, &payload, err);
	struct rv_item *item;

	if (status != REEVE_OK) {
		return status;
	}
	item = rv_item_make(at, payload.data, payload.length, payload.json);
	rv_free(payload.owned);
	if (item == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot take an item");
	}
	item->ask = ask;
	ask->items[ask->n++] = item;
	return REEVE_OK;
}

/* All or none: those that were started are taken back. */
static enum reeve_status
start_all(struct rv_ask *ask, struct reeve_error *err)
{
	enum reeve_status status = REEVE_OK;

	for (size_t i = 0; i < ask->n && status == REEVE_OK; i++) {
		status = rv_item_start(ask->items[i], err);
	}
	return status;
}

static void
answer_ids(struct hand *hand, struct rv_ask *ask)
{
	struct rv_buf text;
	struct rv_jsonw w;

	rv_buf_init(&text, REEVE_CONTROL_ANSWER_MAX);
	rv_jsonw_init(&w, &text);
	rv_jsonw_object(&w);
	rv_jsonw_key(&w, "ids");
	rv_jsonw_array(&w);
	for (size_t i = 0; i < ask->n; i++) {
		rv_jsonw_uint(&w, ask->items[i]->id);
		rv_item_keep(ask->items[i]);
	}
	rv_jsonw_array_end(&w);
	rv_jsonw_object_end(&w);
	answer(hand->pools, hand->request->id, &text);
	rv_buf_finish(&text);
	rv_free(ask);
}

/* With those that there are, as far as there is room. */
static enum reeve_status
no_pool(
    const struct reeve_pools *pools, const char *path, struct reeve_error *err)
{
	char text[300];
	struct rv_buf buf;
	const char *before = "";

	rv_buf_init_in(&buf, text, sizeof(text));
	RV_LIST_EACH (at, &pools->all, struct rv_attached, link) {
		rv_buf_addf(&buf, "%s%s", before, at->path);
		before = ", ";
	}
	return rv_error(err, REEVE_ENOENT,
	    "there is no pool \"%.100s\"; the config has %s", path,
	    before[0] != '\0' ? rv_buf_str(&buf) : "none");
}

static enum reeve_status
find_pool(struct hand *hand, struct rv_attached **at, struct reeve_error *err)
{
	const char *path = rv_params_string(hand->params, "pool");

	if (path == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "pool.submit needs the parameter \"pool\", a path");
	}
	*at = rv_attached_find(hand->pools, path);
	return *at != NULL ? REEVE_OK : no_pool(hand->pools, path, err);
}

static enum reeve_status
on_submit(struct hand *hand, struct reeve_error *err)
{
	struct rv_attached *at = NULL;
	struct rv_ask *ask = NULL;
	enum reeve_status status;
	bool wait = true;
	size_t n = 0;

	if ((status = find_pool(hand, &at, err)) != REEVE_OK ||
	    (status = rv_params_count(hand->params, "items", &n, err)) !=
		REEVE_OK ||
	    (status = rv_params_bool(hand->params, "wait", true, &wait, err)) !=
		REEVE_OK ||
	    (status = check_room(at, n, err)) != REEVE_OK) {
		return status;
	}
	ask = make_ask(hand, n, err);
	if (ask == NULL) {
		return REEVE_ENOMEM;
	}
	for (size_t i = 0; i < n && status == REEVE_OK; i++) {
		status = add_item(hand, at, ask, i, err);
	}
	if (status == REEVE_OK) {
		status = start_all(ask, err);
	}
	rv_pools_ring(hand->pools);
	if (status != REEVE_OK) {
		undo(ask);
	} else if (!wait) {
		answer_ids(hand, ask);
	} else {
		ask->n_left = n;
		rv_list_insert(&hand->pools->asks, &ask->link);
		if (n == 0) {
			finish(ask);
		}
	}
	return status;
}

/* -------- pool.result, pool.cancel -------- */

static enum reeve_status
find_item(
    struct hand *hand, size_t i, struct rv_item **item, struct reeve_error *err)
{
	uint64_t id;
	enum reeve_status status = rv_params_id(hand->params, i, &id, err);

	if (status != REEVE_OK) {
		return status;
	}
	*item = rv_item_find(hand->pools, id);
	if (*item == NULL || (*item)->unwanted) {
		return rv_error(err, REEVE_ENOENT,
		    "there is no item %llu: it was fetched or cancelled, or "
		    "was the oldest of too many that nobody fetched",
		    (unsigned long long)id);
	}
	return (*item)->ask == NULL ? REEVE_OK
				    : rv_error(err, REEVE_EBUSY,
					  "item %llu is waited for already",
					  (unsigned long long)id);
}

static enum reeve_status
on_result(struct hand *hand, struct reeve_error *err)
{
	struct rv_ask *ask = NULL;
	enum reeve_status status;
	size_t n = 0;

	status = rv_params_count(hand->params, "ids", &n, err);
	if (status != REEVE_OK) {
		return status;
	}
	ask = make_ask(hand, n, err);
	if (ask == NULL) {
		return REEVE_ENOMEM;
	}
	ask->fetches = true;
	for (size_t i = 0; i < n && status == REEVE_OK; i++) {
		struct rv_item *item = NULL;

		status = find_item(hand, i, &item, err);
		if (status == REEVE_OK) {
			rv_item_unkeep(item);
			item->ask = ask;
			ask->n_left += !item->done;
			ask->items[ask->n++] = item;
		}
	}
	if (status != REEVE_OK) {
		undo(ask);
		return status;
	}
	rv_list_insert(&hand->pools->asks, &ask->link);
	if (ask->n_left == 0) {
		finish(ask);
	}
	return REEVE_OK;
}

static enum reeve_status
on_cancel(struct hand *hand, struct reeve_error *err)
{
	struct rv_buf text;
	struct rv_jsonw w;
	enum reeve_status status;
	uint64_t id = 0;
	size_t n = 0, done = 0;

	status = rv_params_count(hand->params, "ids", &n, err);
	for (size_t i = 0; i < n && status == REEVE_OK; i++) {
		status = rv_params_id(hand->params, i, &id, err);
	}
	if (status != REEVE_OK) {
		return status;
	}
	for (size_t i = 0; i < n; i++) {
		struct rv_item *item = NULL;

		if (rv_params_id(hand->params, i, &id, err) == REEVE_OK) {
			item = rv_item_find(hand->pools, id);
		}
		if (item == NULL || item->unwanted) {
			continue;
		}
		done += !item->done;
		if (item->ask != NULL) {
			rv_item_cancel(item);
		} else {
			rv_item_drop(item, true);
		}
	}
	rv_pools_ring(hand->pools);
	rv_buf_init(&text, 256);
	rv_jsonw_init(&w, &text);
	rv_jsonw_object(&w);
	rv_jsonw_key(&w, "cancelled");
	rv_jsonw_uint(&w, done);
	rv_jsonw_object_end(&w);
	answer(hand->pools, hand->request->id, &text);
	rv_buf_finish(&text);
	return REEVE_OK;
}

/* -------- pool.stats -------- */

static void
put(struct rv_jsonw *w, const char *key, uint64_t number)
{
	rv_jsonw_key(w, key);
	rv_jsonw_uint(w, number);
}

static const char *
state_of(const struct rv_attached *at, const struct reeve_pool_stats *stats)
{
	return at->draining                        ? "draining"
	       : at->pool == NULL || stats->broken ? "broken"
						   : "open";
}

static void
write_stats(struct rv_jsonw *w, const struct rv_attached *at)
{
	struct reeve_pool_stats stats = { .size = sizeof(stats) };
	struct reeve_error err;

	if (at->pool != NULL &&
	    reeve_pool_stats(at->pool, &stats, &err) != REEVE_OK) {
		return;
	}
	rv_jsonw_object(w);
	rv_jsonw_key(w, "pool");
	rv_jsonw_str(w, at->path);
	rv_jsonw_key(w, "state");
	rv_jsonw_str(w, state_of(at, &stats));
	rv_jsonw_key(w, "function");
	rv_jsonw_str(w, at->function);
	put(w, "min", stats.min);
	put(w, "max", stats.max);
	put(w, "workers", stats.workers);
	put(w, "idle", stats.idle);
	put(w, "items", at->n_open);
	put(w, "max_waiting", at->max_waiting);
	put(w, "waiting", stats.waiting);
	put(w, "running", stats.running);
	put(w, "resting", stats.resting);
	put(w, "submitted", stats.submitted);
	put(w, "good", stats.good);
	put(w, "failed", stats.failed);
	put(w, "cancelled", stats.cancelled);
	put(w, "retried", stats.retried);
	put(w, "deaths", stats.deaths);
	put(w, "mean_us", (uint64_t)RV_MAX(stats.mean_task, 0) / 1000);
	if (at->why[0] != '\0') {
		rv_jsonw_key(w, "why");
		rv_jsonw_str(w, at->why);
	}
	rv_jsonw_object_end(w);
}

static enum reeve_status
on_stats(struct hand *hand, struct reeve_error *err)
{
	const struct reeve_pools *pools = hand->pools;
	struct rv_buf text;
	struct rv_jsonw w;

	(void)err;
	rv_buf_init(&text, REEVE_CONTROL_ANSWER_MAX);
	rv_jsonw_init(&w, &text);
	rv_jsonw_object(&w);
	rv_jsonw_key(&w, "pools");
	rv_jsonw_array(&w);
	RV_LIST_EACH (at, &pools->all, struct rv_attached, link) {
		write_stats(&w, at);
	}
	rv_jsonw_array_end(&w);
	put(&w, "kept", pools->n_kept);
	put(&w, "kept_bytes", pools->kept_bytes);
	put(&w, "dropped", pools->dropped);
	rv_jsonw_object_end(&w);
	answer(hand->pools, hand->request->id, &text);
	rv_buf_finish(&text);
	return REEVE_OK;
}

/* -------- the methods -------- */

static const char *const submit_keys[] = { "pool", "items", "wait", NULL };
static const char *const ids_keys[] = { "ids", NULL };
static const char *const no_keys[] = { NULL };

static const struct method {
	const char *name, *params, *doc;
	const char *const *keys;
	ask_fn *fn;
} methods[] = {
	{ "pool.submit", "pool items [wait]",
	    "have a pool of the config run its function on items, each "
	    "{\"json\": VALUE}, {\"text\": ...} or {\"base64\": ...}: "
	    "answers results in their order, or with wait false at once ids",
	    submit_keys, on_submit },
	{ "pool.result", "ids",
	    "wait for items and fetch their results, each once", ids_keys,
	    on_result },
	{ "pool.cancel", "ids",
	    "cancel items, those that run by killing their worker, and forget "
	    "results",
	    ids_keys, on_cancel },
	{ "pool.stats", "", "the pools of the config, and how they are",
	    no_keys, on_stats },
};

static void
on_asked(void *ctx, const struct reeve_control_request *request)
{
	struct hand hand = { .pools = ctx, .request = request };
	struct reeve_error err = { 0 };
	enum reeve_status status;
	size_t i = 0;

	while (strcmp(methods[i].name, request->method) != 0) {
		i++;
	}
	status = rv_params_parse(
	    &hand.params, request->params, methods[i].keys, &err);
	if (status == REEVE_OK) {
		status = methods[i].fn(&hand, &err);
	}
	rv_params_free(hand.params);
	if (status != REEVE_OK) {
		(void)reeve_control_fail(
		    hand.pools->reeve, request->id, status, err.text, NULL);
	}
}

static void
on_gone(void *ctx, uint64_t request)
{
	struct reeve_pools *pools = ctx;

	RV_LIST_EACH_SAFE (ask, &pools->asks, struct rv_ask, link) {
		if (ask->request == request) {
			undo(ask);
			rv_pools_ring(pools);
			return;
		}
	}
}

enum reeve_status
rv_asks_serve(struct reeve_pools *pools, struct reeve_error *err)
{
	enum reeve_status status = REEVE_OK;

	for (size_t i = 0; i < RV_ARRAY_LEN(methods) && status == REEVE_OK;
	     i++) {
		const struct reeve_control_options options = {
			.size = sizeof(options),
			.params = methods[i].params,
			.doc = methods[i].doc,
			.gone = on_gone,
		};

		status = reeve_control_add(pools->reeve, methods[i].name,
		    &options, on_asked, pools, err);
		if (status != REEVE_OK) {
			while (i-- > 0) {
				reeve_control_remove(
				    pools->reeve, methods[i].name, NULL);
			}
			break;
		}
	}
	return status;
}

void
rv_asks_end(struct reeve_pools *pools)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(methods); i++) {
		reeve_control_remove(pools->reeve, methods[i].name, NULL);
	}
	while (!rv_list_empty(&pools->asks)) {
		undo(RV_LIST_FIRST(&pools->asks, struct rv_ask, link));
	}
}
