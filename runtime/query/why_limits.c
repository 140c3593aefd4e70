/* SPDX-License-Identifier: MIT */
/*
 * Whether a limit had a hand in it: the unit's limits are looked up in the
 * config that its run began with, and compared with what the life had used.
 */
#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "base/text.h"
#include "query/why.h"

static const struct rv_json *
child_of(const struct rv_json *node, const char *name)
{
	const struct rv_json *children = rv_json_get(node, "children");
	const struct rv_json *child = rv_json_get(children, name);
	char plain[256];
	char *dot;

	if (child == NULL) {
		/* An instance is written without its number. */
		rv_copy(plain, sizeof(plain), name);
		dot = strrchr(plain, '.');
		if (dot != NULL) {
			*dot = '\0';
			child = rv_json_get(children, plain);
		}
	}
	return child;
}

/* The nearest: the worker's own, or those of the defaults closest to it. */
static const struct rv_json *
limits_of(const struct rv_json *config, const char *path)
{
	const struct rv_json *node = config, *limits = NULL, *found;
	char name[256];

	while (node != NULL) {
		size_t len = strcspn(path, "/");

		found = rv_json_get(rv_json_get(node, "defaults"), "limits");
		limits = found != NULL ? found : limits;
		found = rv_json_get(node, "limits");
		limits = found != NULL ? found : limits;
		if (len == 0) {
			break;
		}
		rv_format(name, sizeof(name), "%.*s", (int)len, path);
		node = child_of(node, name);
		path += len + (path[len] == '/');
	}
	return limits;
}

static void
add_value(struct rv_buf *out, const struct rv_json *value)
{
	if (rv_json_str(value) != NULL) {
		rv_buf_adds(out, rv_json_str(value));
	} else if (rv_json_type(value) == RV_JSON_INT) {
		rv_buf_addf(out, "%" PRId64, rv_json_int(value));
	} else if (rv_json_type(value) == RV_JSON_OBJECT) {
		add_value(out, rv_json_get(value, "soft"));
		rv_buf_addc(out, '/');
		add_value(out, rv_json_get(value, "hard"));
	}
}

static void
list(struct rv_story *s, const struct rv_json *limits)
{
	struct rv_buf out;

	rv_buf_init(&out, 1024);
	for (const char *key = rv_json_key(limits, NULL); key != NULL;
	     key = rv_json_key(limits, key)) {
		rv_buf_addf(&out, "%s%s ", out.len > 0 ? ", " : "", key);
		add_value(&out, rv_json_get(limits, key));
	}
	s->limits = rv_story_keep(s, rv_buf_str(&out));
	rv_buf_finish(&out);
}

/* The soft one, in bytes or seconds; 0: none that could be near. */
static uint64_t
soft(const struct rv_json *limits, const char *key)
{
	const struct rv_json *value = rv_json_get(limits, key);
	uint64_t n = 0;

	if (value != NULL && rv_json_type(value) == RV_JSON_OBJECT) {
		value = rv_json_get(value, "soft");
	}
	if (rv_json_str(value) != NULL) {
		return rv_parse_size(rv_json_str(value), &n) ? n : 0;
	}
	return rv_json_int(value) > 0 ? (uint64_t)rv_json_int(value) : 0;
}

static bool
is_near(int64_t used, uint64_t limit)
{
	return used > 0 && limit > 0 && (uint64_t)used >= limit / 10 * 9;
}

static void
hint(struct rv_story *s, const struct rv_json *limits)
{
	static const char *const of_memory[] = { "as", "rss", "data" };
	char text[160] = "";
	int64_t used;

	if (s->signal == SIGXCPU) {
		rv_copy(text, sizeof(text),
		    "its limit of processor time (cpu) was used up");
	} else if (s->signal == SIGXFSZ) {
		rv_copy(text, sizeof(text),
		    "a file grew to the limit of files' sizes (fsize)");
	}
	used = RV_MAX(s->utime_us, 0) + RV_MAX(s->stime_us, 0);
	if (text[0] == '\0' && is_near(used / 1000000, soft(limits, "cpu"))) {
		rv_copy(text, sizeof(text),
		    "its processor time was near the limit (cpu)");
	}
	for (size_t i = 0; text[0] == '\0' && i < RV_ARRAY_LEN(of_memory);
	     i++) {
		if (s->max_rss_kib > 0 && s->max_rss_kib < INT64_MAX / 1024 &&
		    is_near(
			s->max_rss_kib * 1024, soft(limits, of_memory[i]))) {
			rv_format(text, sizeof(text),
			    "its memory was near the limit (%s)", of_memory[i]);
		}
	}
	if (s->limit_hint == NULL) {
		s->limit_hint = rv_story_keep(s, text);
	}
}

enum reeve_status
rv_story_limits(struct rv_why *why, struct rv_story *s)
{
	struct rv_json *config = NULL;
	const struct rv_json *limits = NULL;
	struct rv_ask ask;

	rv_ask(&ask, why, "SELECT config FROM main.runs WHERE id = ?1");
	rv_query_bind_text(ask.stmt, 1, s->run);
	if (rv_ask_row(&ask, 0)) {
		config = ask.detail;
		limits = limits_of(config, s->path != NULL ? s->path : "");
	}
	if (ask.status == REEVE_OK) {
		if (rv_json_count(limits) > 0) {
			list(s, limits);
		}
		hint(s, limits);
	}
	return rv_ask_end(&ask);
}
