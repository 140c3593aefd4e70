/* SPDX-License-Identifier: MIT */
/*
 * The wrapper on jansson. Keeps nothing; never calls what is global to the
 * process there (allocators, seeds), since the host may use it as well.
 */
#include "config.h"

#include "wire/json.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "base/fault.h"

static const json_t *
seen(const struct rv_json *v)
{
	return (const json_t *)(const void *)v;
}

static const struct rv_json *
shown(const json_t *v)
{
	return (const struct rv_json *)(const void *)v;
}

/* jansson's iterators want what they only read as if they wrote it. */
static json_t *
unconst(const struct rv_json *v)
{
	return (json_t *)(uintptr_t)v;
}

/* The byte behind the string whose opening quote is at s. */
static const char *
skip_string(const char *s, const char *end)
{
	for (s++; s < end && *s != '"'; s++) {
		s += *s == '\\' && s + 1 < end;
	}
	return s < end ? s + 1 : end;
}

/* Brackets and strings alone, so wrong text is counted as well as it can be. */
static bool
too_deep(const char *text, size_t len)
{
	const char *s = text, *end = text + len;
	unsigned depth = 0;

	while (s < end) {
		if (*s == '"') {
			s = skip_string(s, end);
			continue;
		}
		if (*s == '{' || *s == '[') {
			if (++depth > RV_JSON_DEPTH) {
				return true;
			}
		} else if ((*s == '}' || *s == ']') && depth != 0) {
			depth--;
		}
		s++;
	}
	return false;
}

enum reeve_status
rv_json_parse(
    struct rv_json **out, const char *text, size_t len, struct reeve_error *err)
{
	json_error_t why;
	json_t *root;

	if (RV_FAULT(alloc) != 0) {
		return rv_error_sys(err, ENOMEM, "cannot parse JSON");
	}
	if (too_deep(text, len)) {
		return rv_error(err, REEVE_EPROTO,
		    "JSON is nested more than %d levels deep", RV_JSON_DEPTH);
	}
	root = json_loadb(
	    text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (root == NULL && json_error_code(&why) == json_error_out_of_memory) {
		return rv_error_sys(err, ENOMEM, "cannot parse JSON");
	}
	if (root == NULL) {
		return rv_error(err, REEVE_EPROTO, "not JSON, at byte %d: %s",
		    why.position, why.text);
	}
	*out = (struct rv_json *)(void *)root;
	return REEVE_OK;
}

void
rv_json_free(struct rv_json *v)
{
	json_decref(unconst(v));
}

enum rv_json_type
rv_json_type(const struct rv_json *v)
{
	static const enum rv_json_type types[] = {
		[JSON_OBJECT] = RV_JSON_OBJECT,
		[JSON_ARRAY] = RV_JSON_ARRAY,
		[JSON_STRING] = RV_JSON_STRING,
		[JSON_INTEGER] = RV_JSON_INT,
		[JSON_REAL] = RV_JSON_REAL,
		[JSON_TRUE] = RV_JSON_BOOL,
		[JSON_FALSE] = RV_JSON_BOOL,
		[JSON_NULL] = RV_JSON_NULL,
	};

	return v != NULL ? types[json_typeof(seen(v))] : RV_JSON_NULL;
}

const struct rv_json *
rv_json_get(const struct rv_json *v, const char *key)
{
	return shown(json_object_get(seen(v), key));
}

size_t
rv_json_count(const struct rv_json *v)
{
	return json_is_array(seen(v)) ? json_array_size(seen(v))
				      : json_object_size(seen(v));
}

const struct rv_json *
rv_json_at(const struct rv_json *v, size_t i)
{
	return shown(json_array_get(seen(v), i));
}

const char *
rv_json_key(const struct rv_json *v, const char *key)
{
	json_t *object = unconst(v);
	void *at = key == NULL ? json_object_iter(object)
			       : json_object_iter_next(
				     object, json_object_iter_at(object, key));

	return json_object_iter_key(at);
}

const char *
rv_json_str(const struct rv_json *v)
{
	return json_string_value(seen(v));
}

int64_t
rv_json_int(const struct rv_json *v)
{
	return json_integer_value(seen(v));
}

bool
rv_json_bool(const struct rv_json *v)
{
	return json_is_true(seen(v));
}

void
rv_json_write_scalar(const struct rv_json *v, struct rv_jsonw *w)
{
	switch (rv_json_type(v)) {
	case RV_JSON_BOOL:
		rv_jsonw_bool(w, rv_json_bool(v));
		break;
	case RV_JSON_INT:
		rv_jsonw_int(w, rv_json_int(v));
		break;
	case RV_JSON_REAL:
		rv_jsonw_double(w, json_real_value(seen(v)));
		break;
	case RV_JSON_STRING:
		rv_jsonw_str(w, rv_json_str(v));
		break;
	default:
		rv_jsonw_null(w);
	}
}

static const char *
skip_space(const char *s, const char *end)
{
	while (
	    s < end && (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\r')) {
		s++;
	}
	return s;
}

/* The byte behind the value at s. */
static const char *
skip_value(const char *s, const char *end)
{
	unsigned depth = 0;

	do {
		if (s < end && *s == '"') {
			s = skip_string(s, end);
			continue;
		}
		if (s < end && (*s == '{' || *s == '[')) {
			depth++;
		} else if (s < end && (*s == '}' || *s == ']')) {
			depth--;
		} else if (depth == 0) {
			while (s < end && strchr(",}] \t\r\n", *s) == NULL) {
				s++;
			}
			return s;
		}
		s += s < end;
	} while (depth != 0 && s < end);
	return s;
}

bool
rv_json_slice(const char *text, size_t len, const char *key, const char **value,
    size_t *value_len)
{
	const char *end = text + len, *s = skip_space(text, end);
	size_t key_len = strlen(key);

	if (s == end || *s != '{') {
		return false;
	}
	for (s = skip_space(s + 1, end); s < end && *s == '"';
	     s = skip_space(s + 1, end)) {
		const char *name = s + 1, *from;
		size_t name_len;

		s = skip_string(s, end);
		name_len = (size_t)(s - name) - 1;
		s = skip_space(s, end); /* the colon */
		from = skip_space(s + (s < end), end);
		s = skip_value(from, end);
		if (name_len == key_len && memcmp(name, key, key_len) == 0) {
			*value = from;
			*value_len = (size_t)(s - from);
			return true;
		}
		s = skip_space(s, end); /* a comma, or the end */
		if (s == end || *s != ',') {
			return false;
		}
	}
	return false;
}
