/* SPDX-License-Identifier: MIT */
/*
 * What requests and answers of pools look like: parameters from JSON, results
 * to JSON. Text goes as text, bytes as base64. Results come from workers, and
 * what one calls JSON is believed when it is.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "pool/attach_priv.h"

#define DEPTH_MAX 128 /* an answer must be read by everybody */

struct rv_params {
	json_t *root;
};

/* -------- parameters -------- */

static bool
is_known(const char *key, const char *const *known)
{
	for (size_t i = 0; known[i] != NULL; i++) {
		if (strcmp(key, known[i]) == 0) {
			return true;
		}
	}
	return false;
}

enum reeve_status
rv_params_parse(struct rv_params **out, const char *text,
    const char *const *known, struct reeve_error *err)
{
	struct rv_params *params = rv_alloc(1, sizeof(*params));
	const char *key;
	json_t *value;

	if (params == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot read a request");
	}
	params->root = json_loads(text, 0, NULL);
	if (params->root == NULL) {
		rv_params_free(params);
		return rv_error_sys(err, ENOMEM, "cannot read a request");
	}
	json_object_foreach(params->root, key, value)
	{
		if (!is_known(key, known)) {
			rv_error(err, REEVE_EINVALID,
			    "unknown parameter \"%.64s\"", key);
			rv_params_free(params);
			return REEVE_EINVALID;
		}
	}
	*out = params;
	return REEVE_OK;
}

void
rv_params_free(struct rv_params *params)
{
	if (params != NULL) {
		json_decref(params->root);
		rv_free(params);
	}
}

const char *
rv_params_string(const struct rv_params *params, const char *key)
{
	return json_string_value(json_object_get(params->root, key));
}

enum reeve_status
rv_params_bool(const struct rv_params *params, const char *key, bool otherwise,
    bool *out, struct reeve_error *err)
{
	const json_t *value = json_object_get(params->root, key);

	if (value != NULL && !json_is_boolean(value)) {
		return rv_error(err, REEVE_EINVALID,
		    "parameter \"%s\" must be true or false", key);
	}
	*out = value != NULL ? json_is_true(value) : otherwise;
	return REEVE_OK;
}

enum reeve_status
rv_params_count(const struct rv_params *params, const char *key, size_t *n,
    struct reeve_error *err)
{
	const json_t *value = json_object_get(params->root, key);

	if (!json_is_array(value)) {
		return rv_error(err, REEVE_EINVALID,
		    "parameter \"%s\" must be an array", key);
	}
	*n = json_array_size(value);
	if (*n > RV_ASK_ITEMS) {
		return rv_error(err, REEVE_ETOOBIG,
		    "\"%s\" has %zu elements: a request has at most %d", key,
		    *n, RV_ASK_ITEMS);
	}
	return REEVE_OK;
}

enum reeve_status
rv_params_id(const struct rv_params *params, size_t i, uint64_t *id,
    struct reeve_error *err)
{
	const json_t *value =
	    json_array_get(json_object_get(params->root, "ids"), i);

	if (!json_is_integer(value) || json_integer_value(value) <= 0) {
		return rv_error(
		    err, REEVE_EINVALID, "ids[%zu] is no id of an item", i);
	}
	*id = (uint64_t)json_integer_value(value);
	return REEVE_OK;
}

/* -------- base64 -------- */

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Strict: padded, no spaces. NULL: it is none, or no memory (*starved). */
static char *
decode(const char *text, size_t *length, bool *starved)
{
	size_t len = strlen(text), n = 0;
	char *bytes = rv_alloc(len / 4 * 3 + 1, 1);
	uint32_t bits = 0;
	unsigned pad = 0;

	*starved = bytes == NULL;
	for (size_t i = 0; bytes != NULL && i < len; i++) {
		const char *at =
		    text[i] != '=' ? strchr(digits, text[i]) : NULL;

		if (at == NULL && (text[i] != '=' || i + 2 < len)) {
			break;
		}
		if ((at != NULL && pad > 0) || len % 4 != 0) {
			break;
		}
		pad += at == NULL;
		bits = bits << 6 | (uint32_t)(at != NULL ? at - digits : 0);
		if (i % 4 == 3) {
			for (unsigned j = 0; j < 3 - pad; j++) {
				bytes[n++] = (char)(bits >> (16 - 8 * j));
			}
			if (i + 1 == len) {
				*length = n;
				return bytes;
			}
		}
	}
	if (bytes != NULL && len == 0) {
		*length = 0;
		return bytes;
	}
	rv_free(bytes);
	return NULL;
}

/* As the value of a key. */
static void
write_base64(struct rv_jsonw *w, const unsigned char *data, size_t length)
{
	char piece[4];
	struct rv_buf text;

	rv_buf_init(&text, 8 * RV_ASK_RESULTS);
	rv_buf_addc(&text, '"');
	for (size_t i = 0; i < length; i += 3) {
		size_t have = RV_MIN(length - i, (size_t)3);
		uint32_t bits = (uint32_t)data[i] << 16;

		bits |= have > 1 ? (uint32_t)data[i + 1] << 8 : 0;
		bits |= have > 2 ? data[i + 2] : 0;
		for (unsigned j = 0; j < 4; j++) {
			piece[j] =
			    j <= have ? digits[bits >> (18 - 6 * j) & 63] : '=';
		}
		rv_buf_add(&text, piece, sizeof(piece));
	}
	rv_buf_addc(&text, '"');
	w->out->failed |= text.failed;
	rv_jsonw_raw(w, rv_buf_str(&text));
	rv_buf_finish(&text);
}

/* -------- items -------- */

static int
add_text(const char *text, size_t len, void *ctx)
{
	rv_buf_add(ctx, text, len);
	return 0;
}

static enum reeve_status
take_json(
    const json_t *value, struct rv_payload *payload, struct reeve_error *err)
{
	struct rv_buf text;
	int failed;

	rv_buf_init(&text, 2 * (size_t)REEVE_CLIENT_LINE_MAX);
	failed = json_dump_callback(
	    value, add_text, &text, JSON_COMPACT | JSON_ENCODE_ANY);
	payload->length = text.len;
	payload->owned = failed == 0 ? rv_buf_steal(&text) : NULL;
	rv_buf_finish(&text);
	payload->data = payload->owned;
	payload->json = true;
	return payload->owned != NULL
		   ? REEVE_OK
		   : rv_error_sys(err, ENOMEM, "cannot take an item");
}

static enum reeve_status
take_base64(const char *text, size_t i, struct rv_payload *payload,
    struct reeve_error *err)
{
	bool starved;

	payload->owned = decode(text, &payload->length, &starved);
	payload->data = payload->owned;
	if (starved) {
		return rv_error_sys(err, ENOMEM, "cannot take an item");
	}
	return payload->owned != NULL
		   ? REEVE_OK
		   : rv_error(err, REEVE_EINVALID,
			 "items[%zu].base64 is no base64: A-Z a-z 0-9 + /, "
			 "padded with = to a multiple of four",
			 i);
}

enum reeve_status
rv_params_item(const struct rv_params *params, size_t i,
    struct rv_payload *payload, struct reeve_error *err)
{
	const json_t *item =
	    json_array_get(json_object_get(params->root, "items"), i);
	const json_t *json = json_object_get(item, "json");
	const json_t *text = json_object_get(item, "text");
	const json_t *bytes = json_object_get(item, "base64");

	*payload = (struct rv_payload){ .data = "" };
	if (json_object_size(item) == 1 && json != NULL) {
		return take_json(json, payload, err);
	}
	if (json_object_size(item) == 1 && json_is_string(text)) {
		payload->data = json_string_value(text);
		payload->length = json_string_length(text);
		return REEVE_OK;
	}
	if (json_object_size(item) == 1 && json_is_string(bytes)) {
		return take_base64(json_string_value(bytes), i, payload, err);
	}
	return rv_error(err, REEVE_EINVALID,
	    "items[%zu] must be {\"json\": VALUE}, {\"text\": \"...\"} or "
	    "{\"base64\": \"...\"}",
	    i);
}

/* -------- results -------- */

/* Brackets in strings count, too: what is so deep goes as text. */
static bool
is_deep(const char *text, size_t length)
{
	unsigned depth = 0;

	for (size_t i = 0; i < length && depth <= DEPTH_MAX; i++) {
		depth += text[i] == '[' || text[i] == '{';
		depth -= depth > 0 && (text[i] == ']' || text[i] == '}');
	}
	return depth > DEPTH_MAX;
}

static bool
is_json(const struct reeve_task_result *result)
{
	json_t *value;

	if (!result->json || is_deep(result->data, result->length)) {
		return false;
	}
	value = json_loadb(result->data, result->length,
	    JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	json_decref(value);
	return value != NULL;
}

static void
write_data(struct rv_jsonw *w, const struct reeve_task_result *result)
{
	const char *data = result->data != NULL ? result->data : "";

	if (is_json(result)) {
		rv_jsonw_key(w, "json");
		rv_jsonw_raw(w, data); /* there is a NUL behind */
	} else if (rv_utf8_valid(data, result->length) == result->length &&
		   memchr(data, '\0', result->length) == NULL) {
		rv_jsonw_key(w, "text");
		rv_jsonw_strn(w, data, result->length);
	} else {
		rv_jsonw_key(w, "base64");
		write_base64(w, (const unsigned char *)data, result->length);
	}
}

static const char *
outcome_name(enum reeve_outcome outcome)
{
	static const char *const names[] = {
		[REEVE_OUTCOME_NONE] = "none",
		[REEVE_OUTCOME_GOOD] = "good",
		[REEVE_OUTCOME_FAILED] = "failed",
		[REEVE_OUTCOME_DIED] = "died",
		[REEVE_OUTCOME_TIMED_OUT] = "timed_out",
		[REEVE_OUTCOME_CANCELLED] = "cancelled",
		[REEVE_OUTCOME_BROKEN] = "broken",
	};

	return (size_t)outcome < RV_ARRAY_LEN(names) ? names[outcome] : "none";
}

static void
put(struct rv_jsonw *w, const char *key, const char *text)
{
	if (text != NULL && text[0] != '\0') {
		rv_jsonw_key(w, key);
		rv_jsonw_str(w, text);
	}
}

static void
put_number(struct rv_jsonw *w, const char *key, int64_t number)
{
	rv_jsonw_key(w, key);
	rv_jsonw_int(w, number);
}

static void
write_failure(struct rv_jsonw *w, const struct reeve_task_result *result)
{
	put(w, "outcome", outcome_name(result->outcome));
	put(w, "type", result->type);
	put(w, "message", result->message);
	if (result->code != -1 && result->signo == 0) {
		put_number(w, "code", result->code);
	}
	if (result->signo != 0) {
		put_number(w, "signal", result->signo);
		rv_jsonw_key(w, "core_dumped");
		rv_jsonw_bool(w, result->core_dumped);
	}
	put(w, "worker", result->worker);
	if (result->pid > 0) {
		put_number(w, "pid", result->pid);
	}
	put_number(w, "attempts", result->attempts);
}

void
rv_item_write(struct rv_jsonw *w, const struct rv_item *item)
{
	const struct reeve_task_result *result = &item->result;
	bool good = result->outcome == REEVE_OUTCOME_GOOD;

	rv_jsonw_object(w);
	rv_jsonw_key(w, "ok");
	rv_jsonw_bool(w, good);
	if (good) {
		write_data(w, result);
	} else {
		write_failure(w, result);
	}
	if (result->took > 0) {
		put_number(w, "took_us", result->took / 1000);
	}
	rv_jsonw_object_end(w);
}
