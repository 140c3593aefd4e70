/* SPDX-License-Identifier: MIT */
/*
 * Pools of a config, for the files attach*.c alone, which use the installed
 * headers of pools and of the runtime like any host. An item is one call of a
 * pool's function: in a pool, or pending until there is one, or done. An ask is
 * a request that waits for items. attach.c has the pools, attach_item.c items,
 * attach_ask.c requests, attach_json.c what they look like.
 */
#ifndef RV_ATTACH_PRIV_H
#define RV_ATTACH_PRIV_H

#include <sys/types.h>

#include <reeve/attach.h>
#include <reeve/client.h>
#include <reeve/control.h>
#include <reeve/pool_unit.h>
#include <reeve/watch.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/jsonw.h"
#include "base/list.h"

#define RV_POOLS_MAGIC 0x52764174u
#define RV_ASK_ITEMS   4096 /* of one request */
/* Of one answer; what does not fit is said in few bytes each. */
#define RV_ASK_RESULTS \
	((size_t)REEVE_CONTROL_ANSWER_MAX - (size_t)RV_ASK_ITEMS * 64)

struct rv_attached {
	struct rv_list link; /* in pools->all */
	struct reeve_pools *pools;
	char *path, *function;
	struct reeve_pool *pool; /* NULL: there is none at present */
	uint64_t digest;         /* of the options that it was made with */
	uint32_t min, max;
	uint64_t max_waiting; /* 0: any */
	bool draining;        /* it is to end, and make room for the next */
	bool seen, removed;   /* in the config; not any more */
	struct rv_list pending;
	uint64_t n_open; /* items that are not done */
	char why[256];   /* there is none */
};

struct rv_ask;

struct rv_item {
	struct rv_hash_node by_id; /* first */
	struct rv_list link;       /* in pending, kept, or nowhere */
	struct rv_attached *at;    /* NULL: done */
	struct reeve_pools *pools;
	struct reeve_future *future; /* NULL: none (any more) */
	struct rv_ask *ask;          /* who waits for it; NULL: nobody */
	uint64_t id;
	bool done, unwanted, json;
	struct reeve_task_result result;
	size_t length;
	char data[];
};

struct rv_ask {
	struct rv_list link; /* in pools->asks */
	struct reeve_pools *pools;
	uint64_t request;
	bool fetches; /* items that were there: they outlive the ask */
	size_t n, n_left;
	struct rv_item *items[];
};

struct reeve_pools {
	uint32_t magic;
	pid_t pid;
	struct reeve *reeve; /* NULL: it was destroyed */
	struct reeve_watch *watch;
	int epoll, event;
	void (*notice)(void *ctx, const char *text);
	void *ctx;
	struct rv_list all; /* struct rv_attached */
	bool dirty;         /* they may have to be others */
	bool busy;          /* in dispatch */
	struct rv_list asks;
	struct rv_hash items; /* by id */
	uint64_t last_id;
	struct rv_list kept; /* done, for whoever fetches them; oldest first */
	uint64_t n_kept, kept_bytes, max_kept, max_kept_bytes, dropped;
};

/* -------- attach.c -------- */

struct rv_attached *rv_attached_find(struct reeve_pools *, const char *path);
/* Have dispatch called. */
void rv_pools_ring(struct reeve_pools *);

/* -------- attach_item.c -------- */

/* data is copied. NULL without memory. */
struct rv_item *rv_item_make(
    struct rv_attached *, const void *data, size_t length, bool json);
/* Into the pool, or until there is one. */
enum reeve_status rv_item_start(struct rv_item *, struct reeve_error *);
/* All that wait for a pool of this one. */
void rv_items_go(struct rv_attached *);
void rv_items_fail(struct rv_attached *, const char *why);
/* Nobody wants it (any more): cancelled, freed now or when it has ended. */
void rv_item_drop(struct rv_item *, bool kill);
/* It ends cancelled, for who waits for it. */
void rv_item_cancel(struct rv_item *);
/* Nobody waits for it, and somebody may come. */
void rv_item_keep(struct rv_item *);
void rv_item_unkeep(struct rv_item *);
void rv_item_free(struct rv_item *);
struct rv_item *rv_item_find(struct reeve_pools *, uint64_t id);

/* -------- attach_ask.c -------- */

enum reeve_status rv_asks_serve(
    struct reeve_pools *, struct reeve_error *) RV_MUST_CHECK;
void rv_asks_end(struct reeve_pools *);
/* One of its items is done. */
void rv_ask_item_done(struct rv_ask *);

/* -------- attach_json.c -------- */

/* What an item is called with. */
struct rv_payload {
	const char *data; /* rv_free `owned` */
	size_t length;
	bool json;
	char *owned;
};
struct rv_params; /* of a request, parsed */
enum reeve_status rv_params_parse(struct rv_params **, const char *text,
    const char *const *known, struct reeve_error *) RV_MUST_CHECK;
void rv_params_free(struct rv_params *);
/* NULL: none, or no string. */
const char *rv_params_string(const struct rv_params *, const char *key);
/* `otherwise` where there is none. */
enum reeve_status rv_params_bool(const struct rv_params *, const char *key,
    bool otherwise, bool *, struct reeve_error *) RV_MUST_CHECK;
/* How many there are in this array. */
enum reeve_status rv_params_count(const struct rv_params *, const char *key,
    size_t *n, struct reeve_error *) RV_MUST_CHECK;
enum reeve_status rv_params_id(const struct rv_params *, size_t i, uint64_t *id,
    struct reeve_error *) RV_MUST_CHECK;
enum reeve_status rv_params_item(const struct rv_params *, size_t i,
    struct rv_payload *, struct reeve_error *) RV_MUST_CHECK;
/* Of an item that is done. */
void rv_item_write(struct rv_jsonw *, const struct rv_item *);

#endif
