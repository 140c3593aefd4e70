/* SPDX-License-Identifier: MIT */
/*
 * The table as data, lookups in it, the JSON Schema and the manual's section
 * that come from it.
 */
#include "config.h"

#include "config/schema.h"

#include <stdio.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/text.h"
#include "config/load.h"

/* What stands in the column `where`. */
#define RV_CAT_ROOT      RV_CROOT
#define RV_CAT_SUPER     RV_CSUPER
#define RV_CAT_WORKER    RV_CWORKER
#define RV_CAT_CHILD     RV_CCHILD
#define RV_CAT_JOURNAL   (RV_CIN + RV_CKEY_JOURNAL)
#define RV_CAT_BACKOFF   (RV_CIN + RV_CKEY_BACKOFF)
#define RV_CAT_HEARTBEAT (RV_CIN + RV_CKEY_HEARTBEAT)
#define RV_CAT_OVERLAP   (RV_CIN + RV_CKEY_OVERLAP)
#define RV_CAT_POOL      (RV_CIN + RV_CKEY_POOL)
#define RV_CAT_LISTEN    (RV_CIN + RV_CKEY_LISTEN)

enum { BUILT_NOW = 1, BUILT_LATER = 0 };

const struct rv_schema_row rv_schema[RV_CKEYS] = {
#define X(                                                                  \
    id, name, where, type, def, min, max, choices, when, built, since, doc) \
	{ RV_CKEY_##id, name, RV_CAT_##where, RV_CT_##type, def, min, max,  \
		choices, RV_CWHEN_##when, BUILT_##built, since, doc },
#include "config/schema.def"
#undef X
};

bool
rv_schema_is_at(const struct rv_schema_row *row, unsigned where)
{
	if (row->where >= RV_CIN || where >= RV_CIN) {
		return row->where == where;
	}
	return (row->where & where) != 0;
}

const struct rv_schema_row *
rv_schema_find(unsigned where, const char *name)
{
	for (size_t i = 0; i < RV_CKEYS; i++) {
		if (rv_schema_is_at(&rv_schema[i], where) &&
		    strcmp(rv_schema[i].name, name) == 0) {
			return &rv_schema[i];
		}
	}
	return NULL;
}

const char *
rv_schema_nearest(unsigned where, const char *name)
{
	const char *nearest = NULL;
	unsigned best = strlen(name) < 4 ? 2 : 3;

	for (size_t i = 0; i < RV_CKEYS; i++) {
		unsigned d;

		if (!rv_schema_is_at(&rv_schema[i], where)) {
			continue;
		}
		d = rv_distance(rv_schema[i].name, name);
		if (d < best) {
			best = d;
			nearest = rv_schema[i].name;
		}
	}
	return nearest;
}

/* -------- JSON Schema -------- */

#define DURATION_PATTERN "^[0-9]+([.][0-9]+)?(ms|s|m|h|d)?$"
#define SIZE_PATTERN     "^[0-9]+([.][0-9]+)?(B|KiB|MiB|GiB|TiB|kB|KB|MB|GB|TB)?$"

#define LIMIT_VALUE                                                     \
	"{\"type\":[\"integer\",\"string\"],\"minimum\":0,\"pattern\":" \
	"\"" SIZE_PATTERN "|^unlimited$\"}"

static const char limit_schema[] =
    "{\"anyOf\":[" LIMIT_VALUE ",{\"type\":\"object\",\"minProperties\":1,"
    "\"additionalProperties\":false,\"properties\":{\"soft\":" LIMIT_VALUE
    ",\"hard\":" LIMIT_VALUE "}}]}";

#define LISTENERS                                                         \
	"\"type\":\"object\",\"propertyNames\":{"                         \
	"\"pattern\":\"^[A-Za-z0-9_.@+-]+$\"},\"additionalProperties\":{" \
	"\"$ref\":\"#/$defs/listener\"}"

/* Schemas of types that are always the same, as JSON without braces. */
static const char *const shapes[RV_CTYPES] = {
	[RV_CT_ANY] = "",
	[RV_CT_NAME] = "\"type\":\"string\",\"pattern\":"
		       "\"^[A-Za-z0-9_.@+-]+$\"",
	[RV_CT_PATH] = "\"type\":\"string\",\"minLength\":1",
	[RV_CT_BOOL] = "\"type\":\"boolean\"",
	[RV_CT_INT] = "\"type\":\"integer\"",
	[RV_CT_RATIO] = "\"type\":\"number\"",
	[RV_CT_DURATION] =
	    "\"type\":[\"number\",\"string\"],\"pattern\":\"" DURATION_PATTERN
	    "\"",
	[RV_CT_NEVER] =
	    "\"type\":[\"number\",\"string\"],\"pattern\":\"" DURATION_PATTERN
	    "|^never$\"",
	[RV_CT_SIZE] =
	    "\"type\":[\"integer\",\"string\"],\"pattern\":\"" SIZE_PATTERN
	    "\"",
	[RV_CT_ENUM] = "",
	[RV_CT_OBJECT] = "",
	[RV_CT_CHILDREN] = "\"type\":\"object\",\"propertyNames\":{\"pattern\":"
			   "\"^[A-Za-z0-9_.@+-]+$\"},"
			   "\"additionalProperties\":{\"$ref\":\"#/$defs/"
			   "child\"}",
	[RV_CT_DEFAULTS] = "\"$ref\":\"#/$defs/defaults\"",
	[RV_CT_INTENSITY] = "\"anyOf\":[{\"type\":\"integer\",\"minimum\":0,"
			    "\"maximum\":1000000},"
			    "{\"const\":\"unlimited\"}]",
	[RV_CT_NAMES] = "\"type\":\"array\",\"items\":{\"type\":\"string\"}",
	[RV_CT_RESTART] = "\"enum\":[true,false,\"permanent\",\"unexpected\","
			  "\"transient\",\"temporary\"]",
	[RV_CT_COMMAND] = "\"anyOf\":[{\"type\":\"string\",\"minLength\":1},"
			  "{\"type\":\"array\",\"minItems\":1,\"items\":"
			  "{\"type\":\"string\"}}]",
	[RV_CT_USER] = "\"type\":[\"string\",\"integer\"]",
	[RV_CT_GROUP] = "\"type\":[\"string\",\"integer\"]",
	[RV_CT_UMASK] = "\"type\":\"string\",\"pattern\":\"^[0-7]{1,4}$\"",
	[RV_CT_ENVIRONMENT] = "\"type\":\"object\",\"additionalProperties\":"
			      "{\"type\":\"string\"}",
	[RV_CT_LIMITS] = "\"type\":\"object\",\"propertyNames\":{\"enum\":["
#define X(name, suffix) "\"" name "\","
#include "config/rlimit.def"
#undef X
			 "null]},\"additionalProperties\":{"
			 "\"$ref\":\"#/$defs/limit\"}",
	[RV_CT_READY] = "\"anyOf\":[{\"enum\":[\"started\",\"notify\"]},"
			"{\"type\":\"object\",\"required\":[\"fd\"],"
			"\"additionalProperties\":false,\"properties\":{"
			"\"fd\":{\"type\":\"integer\",\"minimum\":3,"
			"\"maximum\":1023}}}]",
	[RV_CT_EXITCODES] = "\"anyOf\":[{\"type\":\"integer\",\"minimum\":0,"
			    "\"maximum\":255},{\"type\":"
			    "\"array\",\"items\":{\"type\":\"integer\","
			    "\"minimum\":0,\"maximum\":255}}]",
	[RV_CT_STOPSIGNAL] = "\"anyOf\":[{\"type\":\"string\"},{\"type\":"
			     "\"array\",\"minItems\":1,\"maxItems\":8}]",
	[RV_CT_LOGFILE] = "\"type\":\"string\",\"minLength\":1",
	[RV_CT_FUNCTION] = "\"type\":\"string\",\"minLength\":1",
	[RV_CT_BASE64] = "\"type\":\"string\",\"contentEncoding\":"
			 "\"base64\"",
	[RV_CT_PRELOAD] = "\"type\":\"array\",\"items\":{\"type\":\"string\","
			  "\"minLength\":1}",
	[RV_CT_SIGNALS] =
	    "\"type\":\"object\",\"additionalProperties\":{\"anyOf\":["
	    "{\"enum\":[\"ignore\",\"shutdown\",\"reload\",\"forward\"]},"
	    "{\"type\":\"object\",\"required\":[\"forward\"],"
	    "\"additionalProperties\":false,\"properties\":{\"forward\":{"
	    "\"anyOf\":[{\"type\":\"string\",\"minLength\":1},{\"type\":"
	    "\"array\",\"minItems\":1,\"items\":{\"type\":\"string\","
	    "\"minLength\":1}}]},\"as\":{\"type\":\"string\"}}}]}",
	[RV_CT_LISTENERS] = LISTENERS,
	[RV_CT_ADDRESS] = "\"type\":\"string\",\"pattern\":"
			  "\"^(tcp|udp|unix)://\"",
	[RV_CT_LISTEN] = "\"anyOf\":[{\"type\":\"array\",\"maxItems\":64,"
			 "\"uniqueItems\":true,\"items\":{\"type\":"
			 "\"string\"}},{\"maxProperties\":64," LISTENERS "}]",
};

static void
add_choices(struct rv_jsonw *w, const char *choices)
{
	rv_jsonw_key(w, "enum");
	rv_jsonw_array(w);
	while (*choices != '\0') {
		size_t len = strcspn(choices, "|");

		if (*choices != '!') {
			rv_jsonw_strn(w, choices, len);
		}
		choices += len + (choices[len] == '|');
	}
	rv_jsonw_array_end(w);
}

static bool
is_time(const struct rv_schema_row *row)
{
	return row->type == RV_CT_DURATION || row->type == RV_CT_NEVER;
}

static bool
has_most(const struct rv_schema_row *row)
{
	return row->type == RV_CT_INT || row->type == RV_CT_RATIO ||
	       ((is_time(row) || row->type == RV_CT_SIZE) && row->max != 0);
}

static bool
has_least(const struct rv_schema_row *row)
{
	return row->type == RV_CT_INT || row->type == RV_CT_RATIO ||
	       is_time(row) || row->type == RV_CT_SIZE;
}

/* Of values that are numbers; durations are seconds there. */
static void
add_bound(struct rv_jsonw *w, const char *key, const struct rv_schema_row *row,
    int64_t bound)
{
	rv_jsonw_key(w, key);
	if (is_time(row)) {
		rv_jsonw_double(w, (double)bound / 1000);
	} else {
		rv_jsonw_int(w, bound);
	}
}

static void
add_bounds(struct rv_jsonw *w, const struct rv_schema_row *row)
{
	if (has_least(row)) {
		add_bound(w, "minimum", row, row->min);
	}
	if (has_most(row)) {
		add_bound(w, "maximum", row, row->max);
	}
}

static void add_object(struct rv_jsonw *, unsigned where);

static void
add_row(struct rv_jsonw *w, const struct rv_schema_row *row)
{
	rv_jsonw_key(w, row->name);
	rv_jsonw_object(w);
	rv_jsonw_key(w, "description");
	rv_jsonw_str(w, row->doc);
	if (strcmp(row->otherwise, "null") != 0) {
		rv_jsonw_key(w, "default");
		rv_jsonw_raw(w, row->otherwise);
	}
	if (row->type == RV_CT_ENUM) {
		add_choices(w, row->choices);
	} else if (row->type == RV_CT_OBJECT) {
		add_object(w, (unsigned)RV_CIN + row->key);
		if (row->key == RV_CKEY_HEARTBEAT) {
			rv_jsonw_key(w, "required");
			rv_jsonw_raw(w, "[\"interval\"]");
		} else if (row->key == RV_CKEY_POOL) {
			rv_jsonw_key(w, "required");
			rv_jsonw_raw(w, "[\"function\"]");
		}
	} else if (shapes[row->type][0] != '\0') {
		/* The raw members go in where a key and its value would. */
		rv_buf_addc(w->out, ',');
		rv_buf_adds(w->out, shapes[row->type]);
	}
	add_bounds(w, row);
	rv_jsonw_object_end(w);
}

static void
add_object(struct rv_jsonw *w, unsigned where)
{
	rv_jsonw_key(w, "type");
	rv_jsonw_str(w, "object");
	rv_jsonw_key(w, "additionalProperties");
	rv_jsonw_bool(w, false);
	rv_jsonw_key(w, "properties");
	rv_jsonw_object(w);
	for (size_t i = 0; i < RV_CKEYS; i++) {
		if (rv_schema[i].built &&
		    rv_schema_is_at(&rv_schema[i], where)) {
			add_row(w, &rv_schema[i]);
		}
	}
	rv_jsonw_object_end(w);
}

/* The value of `key`, which says what must be there, as JSON. */
static void
add_def(struct rv_jsonw *w, const char *name, unsigned where, const char *key,
    const char *value)
{
	rv_jsonw_key(w, name);
	rv_jsonw_object(w);
	add_object(w, where);
	if (key != NULL) {
		rv_jsonw_key(w, key);
		rv_jsonw_raw(w, value);
	}
	rv_jsonw_object_end(w);
}

char *
rv_conf_schema(void)
{
	struct rv_buf out;
	struct rv_jsonw w;

	rv_buf_init(&out, 1024 * 1024);
	rv_jsonw_init(&w, &out);
	rv_jsonw_object(&w);
	rv_jsonw_key(&w, "$schema");
	rv_jsonw_str(&w, "https://json-schema.org/draft/2020-12/schema");
	rv_jsonw_key(&w, "title");
	rv_jsonw_str(&w, "reeve.conf");
	add_object(&w, RV_CROOT | RV_CSUPER);
	rv_jsonw_key(&w, "required");
	rv_jsonw_raw(&w, "[\"children\"]");
	rv_jsonw_key(&w, "$defs");
	rv_jsonw_object(&w);
	rv_jsonw_key(&w, "child");
	rv_jsonw_raw(&w, "{\"oneOf\":[{\"$ref\":\"#/$defs/supervisor\"},"
			 "{\"$ref\":\"#/$defs/worker\"}]}");
	add_def(&w, "supervisor", RV_CSUPER | RV_CCHILD, "required",
	    "[\"children\"]");
	add_def(&w, "worker", RV_CWORKER | RV_CCHILD, "oneOf",
	    "[{\"required\":[\"command\"]},{\"required\":[\"function\"]},"
	    "{\"required\":[\"pool\"]}]");
	add_def(&w, "defaults", RV_CWORKER | RV_CCHILD, NULL, NULL);
	rv_jsonw_key(&w, "listener");
	rv_jsonw_raw(&w, "{\"anyOf\":[{\"type\":\"string\",\"pattern\":"
			 "\"^(tcp|udp|unix)://\"},{\"$ref\":"
			 "\"#/$defs/socket\"}]}");
	add_def(&w, "socket", (unsigned)RV_CIN + RV_CKEY_LISTEN, "required",
	    "[\"address\"]");
	rv_jsonw_key(&w, "limit");
	rv_jsonw_raw(&w, limit_schema);
	rv_jsonw_object_end(&w);
	rv_jsonw_object_end(&w);
	rv_buf_addc(&out, '\n');
	return rv_buf_steal(&out);
}

/* -------- the manual -------- */

static const char *
place_name(const struct rv_schema_row *row)
{
	switch (row->where) {
	case RV_CROOT:
		return "root";
	case RV_CSUPER:
		return "root, supervisors";
	case RV_CWORKER:
		return "workers";
	case RV_CCHILD:
		return "any child";
	case RV_CIN + RV_CKEY_LISTEN:
		return "listen.NAME";
	default:
		return rv_schema[row->where - RV_CIN].name;
	}
}

static const char *
when_name(enum rv_cwhen when)
{
	static const char *const names[] = {
		[RV_CWHEN_LIVE] = "applied by a reload",
		[RV_CWHEN_UNIT] = "a reload restarts the worker",
		[RV_CWHEN_REEVE] = "needs a new start of reeve",
	};

	return names[when];
}

/* Text of a table for mdoc: a backslash is one. */
static void
add_text(struct rv_buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\') {
			rv_buf_adds(out, "\\e");
		} else {
			rv_buf_addc(out, *text);
		}
	}
}

struct unit {
	int64_t size;
	const char *name;
};

static const struct unit plain[] = { { 1, "" } };
static const struct unit times[] = { { 86400000, "d" }, { 3600000, "h" },
	{ 60000, "m" }, { 1000, "s" }, { 1, "ms" } };
static const struct unit sizes[] = { { 1 << 30, "GiB" }, { 1 << 20, "MiB" },
	{ 1 << 10, "KiB" }, { 1, "" } };

/* As one writes it in a config, in the largest unit that is exact. */
static void
add_amount(struct rv_buf *out, const struct rv_schema_row *row, int64_t amount)
{
	const struct unit *unit = plain;

	if (amount != 0 && is_time(row)) {
		unit = times;
	} else if (amount != 0 && row->type == RV_CT_SIZE) {
		unit = sizes;
	}
	while (amount % unit->size != 0) {
		unit++;
	}
	rv_buf_addf(
	    out, "%lld%s", (long long)(amount / unit->size), unit->name);
}

static void
add_range(struct rv_buf *out, const struct rv_schema_row *row)
{
	if (has_least(row) && (row->min != 0 || has_most(row))) {
		rv_buf_adds(out, "; at least ");
		add_amount(out, row, row->min);
	}
	if (has_most(row)) {
		rv_buf_adds(out, "; at most ");
		add_amount(out, row, row->max);
	}
}

void
rv_schema_manual(struct rv_buf *out)
{
	rv_buf_adds(out, ".Bl -tag -width indent\n");
	for (size_t i = 0; i < RV_CKEYS; i++) {
		const struct rv_schema_row *row = &rv_schema[i];

		rv_buf_addf(out, ".It Cm %s%s%s\n",
		    row->where >= RV_CIN ? place_name(row) : "",
		    row->where >= RV_CIN ? "." : "", row->name);
		add_text(out, row->doc);
		rv_buf_adds(out, ".\n");
		if (!row->built) {
			rv_buf_adds(out, "Not built yet.\n");
			continue;
		}
		if (row->choices[0] != '\0') {
			rv_buf_addf(out, "One of %s%s.\n", row->choices,
			    strchr(row->choices, '!') != NULL
				? "; ! marks what is not built yet"
				: "");
		}
		if (row->type == RV_CT_LIMITS) {
			rv_buf_adds(out, "There are"
#define X(name, suffix) " " name
#include "config/rlimit.def"
#undef X
					 ".\n");
		}
		rv_buf_addf(
		    out, "(Of %s; default %s", place_name(row), row->otherwise);
		add_range(out, row);
		rv_buf_addf(out, "; %s; since %s.)\n", when_name(row->when),
		    row->since);
	}
	rv_buf_adds(out, ".El\n");
}
