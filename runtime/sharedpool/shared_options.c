/* SPDX-License-Identifier: MIT */
/*
 * Options that clients give: JSON objects, read by a table of keys, one for
 * pools and one for tasks and maps. All of it is doubted: kinds, ranges, names.
 * Called by the methods; touches nothing but what it fills in.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/text.h"
#include "sharedpool/shared_priv.h"

enum kind {
	IS_COUNT,   /* uint32_t, 0 to `most` */
	IS_RETRIES, /* likewise; 0 says none */
	IS_SMALL,   /* uint8_t, 0 to `most` */
	IS_SIZE,    /* uint64_t: 5, "5MiB" */
	IS_TIME,    /* int64_t, ns: 5, "5s" */
	IS_TIME_MS, /* int64_t, ms */
	IS_FLAG,
	IS_FUNCTION, /* const char * */
	IS_ARGS,     /* const void *, and its length is init_args_length */
	IS_METHOD,
};

struct key {
	const char *name;
	enum kind kind;
	size_t at;
	uint32_t most;
	bool maps_only;
};

#define POOL(name, kind, most)                                                \
	{                                                                     \
#name, kind, offsetof(struct reeve_pool_options, name), most, \
		    0                                                         \
	}
static const struct key pool_keys[] = {
	POOL(min, IS_COUNT, UINT32_MAX),
	POOL(max, IS_COUNT, UINT32_MAX),
	POOL(grow_after, IS_TIME, 0),
	POOL(idle_timeout, IS_TIME, 0),
	POOL(initializer, IS_FUNCTION, 0),
	POOL(init_args, IS_ARGS, 0),
	POOL(max_tasks, IS_COUNT, UINT32_MAX),
	POOL(max_memory, IS_SIZE, 0),
	POOL(max_waiting, IS_SIZE, 0),
	POOL(soft_limit, IS_TIME, 0),
	POOL(hard_limit, IS_TIME, 0),
	POOL(retries, IS_COUNT, UINT32_MAX),
	POOL(backoff, IS_TIME, 0),
	POOL(deaths_only, IS_FLAG, 0),
	POOL(intensity, IS_COUNT, UINT32_MAX),
	{ "period", IS_TIME_MS, offsetof(struct reeve_pool_options, period_ms),
	    0, 0 },
	{ "start_method", IS_METHOD,
	    offsetof(struct reeve_pool_options, method), 0, 0 },
	{ 0 },
};

#define MAP(name, kind, most, maps_only)                                       \
	{                                                                      \
#name, kind, offsetof(struct reeve_map, name), most, maps_only \
	}
static const struct key map_keys[] = {
	MAP(priority, IS_SMALL, 7, false),
	MAP(soft_limit, IS_TIME, 0, false),
	MAP(hard_limit, IS_TIME, 0, false),
	MAP(retries, IS_RETRIES, UINT32_MAX, false),
	MAP(backoff, IS_TIME, 0, false),
	MAP(chunk, IS_COUNT, UINT32_MAX, true),
	MAP(fail_fast, IS_FLAG, 0, true),
	{ 0 },
};

/* A number as a word, or a string; what neither is has none. */
static const char *
word_of(const json_t *value, char room[static 32])
{
	if (json_is_integer(value)) {
		(void)snprintf(
		    room, 32, "%lld", (long long)json_integer_value(value));
		return room;
	}
	if (json_is_real(value)) {
		(void)snprintf(room, 32, "%.9f", json_real_value(value));
		return room;
	}
	return json_is_string(value) ? json_string_value(value) : "";
}

static bool
store_number(const struct key *key, const json_t *value, void *at)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0 || n > (json_int_t)key->most) {
		return false;
	}
	if (key->kind == IS_SMALL) {
		*(uint8_t *)at = (uint8_t)n;
	} else if (key->kind == IS_RETRIES && n == 0) {
		*(uint32_t *)at = REEVE_NO_RETRIES;
	} else {
		*(uint32_t *)at = (uint32_t)n;
	}
	return true;
}

static bool
store_time(const struct key *key, const json_t *value, void *at)
{
	char room[32];
	rv_time time;

	if (!rv_parse_duration(word_of(value, room), &time) || time < 0) {
		return false;
	}
	*(int64_t *)at = key->kind == IS_TIME_MS ? time / RV_MS : time;
	return true;
}

static bool
store_method(const json_t *value, void *at)
{
	static const struct {
		const char *name;
		enum reeve_method method;
	} methods[] = { { "spawn", REEVE_METHOD_SPAWN },
		{ "forkserver", REEVE_METHOD_FORKSERVER } };
	const char *name = json_string_value(value);

	for (size_t i = 0; name != NULL && i < RV_ARRAY_LEN(methods); i++) {
		if (strcmp(methods[i].name, name) == 0) {
			*(enum reeve_method *)at = methods[i].method;
			return true;
		}
	}
	return false;
}

/* What has a slash or a colon in it would be a module's. */
static bool
is_function(const char *name)
{
	return name != NULL && name[0] != '\0' && strpbrk(name, "/:") == NULL;
}

static bool
store(const struct key *key, const json_t *value, void *into)
{
	void *at = (char *)into + key->at;
	char room[32];

	switch (key->kind) {
	case IS_COUNT:
	case IS_RETRIES:
	case IS_SMALL:
		return store_number(key, value, at);
	case IS_SIZE:
		return rv_parse_size(word_of(value, room), at);
	case IS_TIME:
	case IS_TIME_MS:
		return store_time(key, value, at);
	case IS_FLAG:
		*(bool *)at = json_is_true(value);
		return json_is_boolean(value);
	case IS_FUNCTION:
		*(const char **)at = json_string_value(value);
		return is_function(*(const char **)at);
	case IS_ARGS:
		*(const void **)at = json_string_value(value);
		((struct reeve_pool_options *)into)->init_args_length =
		    json_string_length(value);
		return json_is_string(value);
	case IS_METHOD:
		return store_method(value, at);
	}
	return false;
}

static enum reeve_status
bad(struct reeve_request *r, const char *name, const char *why)
{
	return reeve_request_fail(
	    r, REEVE_EINVALID, "arguments", "option \"%.60s\" %s", name, why);
}

static enum reeve_status
take(struct reeve_request *r, const struct key *keys, const char *name,
    const json_t *value, bool maps_too, void *into)
{
	const struct key *key = keys;

	while (key->name != NULL && strcmp(key->name, name) != 0) {
		key++;
	}
	if (key->name == NULL) {
		return bad(r, name, "is none of these");
	}
	if (key->maps_only && !maps_too) {
		return bad(r, name, "is for maps alone");
	}
	return store(key, value, into)
		   ? REEVE_OK
		   : bad(r, name, "cannot be of this value");
}

/* *memory: what was read, of which texts are borrowed. */
static enum reeve_status
read_options(struct reeve_request *r, const struct reeve_datum *datum,
    const struct key *keys, bool maps_too, void *into, void **memory)
{
	enum reeve_status status = REEVE_OK;
	const char *name;
	json_t *value, *root;

	*memory = NULL;
	if (datum->type == REEVE_DATUM_NULL) {
		return REEVE_OK;
	}
	root =
	    datum->type == REEVE_DATUM_JSON || datum->type == REEVE_DATUM_TEXT
		? json_loadb(
		      datum->data, datum->length, JSON_REJECT_DUPLICATES, NULL)
		: NULL;
	if (!json_is_object(root)) {
		json_decref(root);
		return reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "options are to be a JSON object, or null");
	}
	json_object_foreach(root, name, value)
	{
		status = take(r, keys, name, value, maps_too, into);
		if (status != REEVE_OK) {
			json_decref(root);
			return status;
		}
	}
	*memory = root;
	return REEVE_OK;
}

void
rv_options_free(void *memory)
{
	json_decref(memory);
}

enum reeve_status
rv_options_of_pool(struct reeve_request *r, const struct reeve_datum *datum,
    struct reeve_pool_options *options, void **memory)
{
	memset(options, 0, sizeof(*options));
	options->size = sizeof(*options);
	/* the manager can neither wait for room nor for a disk */
	options->full = REEVE_POOL_REFUSE;
	return read_options(r, datum, pool_keys, false, options, memory);
}

static enum reeve_status
options_of_work(struct reeve_request *r, const struct reeve_datum *datum,
    bool maps_too, struct reeve_map *map)
{
	enum reeve_status status;
	void *memory;

	memset(map, 0, sizeof(*map));
	map->size = sizeof(*map);
	status = read_options(r, datum, map_keys, maps_too, map, &memory);
	rv_options_free(memory);
	return status;
}

enum reeve_status
rv_options_of_map(struct reeve_request *r, const struct reeve_datum *datum,
    struct reeve_map *map)
{
	return options_of_work(r, datum, true, map);
}

enum reeve_status
rv_options_of_task(struct reeve_request *r, const struct reeve_datum *datum,
    struct reeve_task *task)
{
	struct reeve_map map;
	enum reeve_status status = options_of_work(r, datum, false, &map);

	memset(task, 0, sizeof(*task));
	task->size = sizeof(*task);
	task->priority = map.priority;
	task->soft_limit = map.soft_limit;
	task->hard_limit = map.hard_limit;
	task->retries = map.retries;
	task->backoff = map.backoff;
	return status;
}

enum reeve_status
rv_options_function(struct reeve_request *r, const struct reeve_datum *name)
{
	if (name->type != REEVE_DATUM_TEXT || name->length == 0 ||
	    strlen(name->data) != name->length) {
		return reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "a function is named by a text");
	}
	return is_function(name->data)
		   ? REEVE_OK
		   : reeve_request_fail(r, REEVE_EPERM, "hidden",
			 "%.60s is of a module: clients may name only what the "
			 "manager's program has registered",
			 (const char *)name->data);
}
