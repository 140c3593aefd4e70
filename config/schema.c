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

enum { BUILT_NOW = 1, BUILT_LATER = 0 };

const struct rv_schema_row rv_schema[RV_CKEYS] = {
#define X(id, name, where, type, def, min, max, choices, when, built, doc) \
	{ RV_CKEY_##id, name, RV_CAT_##where, RV_CT_##type, def, min, max, \
		choices, RV_CWHEN_##when, BUILT_##built, doc },
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

#define DURATION_PATTERN "^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)?$"
#define SIZE_PATTERN     "^[0-9]+(KiB|MiB|GiB|TiB|kB|KB|MB|GB|TB)?$"

/* Schemas of types that are always the same, as JSON without braces. */
static const char *const shapes[RV_CTYPES] = {
	[RV_CT_ANY] = "",
	[RV_CT_NAME] = "\"type\":\"string\",\"pattern\":"
		       "\"^[A-Za-z0-9_.@+-]+$\"",
	[RV_CT_PATH] = "\"type\":\"string\",\"minLength\":1",
	[RV_CT_BOOL] = "\"type\":\"boolean\"",
	[RV_CT_INT] = "\"type\":\"integer\"",
	[RV_CT_RATIO] = "\"type\":\"number\"",
	[RV_CT_DURATION] = "\"type\":[\"number\",\"string\"],\"minimum\":0",
	[RV_CT_NEVER] = "\"type\":[\"number\",\"string\"],\"minimum\":0",
	[RV_CT_SIZE] = "\"type\":[\"integer\",\"string\"],\"minimum\":0",
	[RV_CT_ENUM] = "",
	[RV_CT_OBJECT] = "",
	[RV_CT_CHILDREN] = "\"type\":\"object\",\"propertyNames\":{\"pattern\":"
			   "\"^[A-Za-z0-9_.@+-]+$\"},"
			   "\"additionalProperties\":{\"$ref\":\"#/$defs/"
			   "child\"}",
	[RV_CT_DEFAULTS] = "\"$ref\":\"#/$defs/defaults\"",
	[RV_CT_INTENSITY] = "\"anyOf\":[{\"type\":\"integer\",\"minimum\":0},"
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
	[RV_CT_LIMITS] = "\"type\":\"object\"",
	[RV_CT_READY] = "\"anyOf\":[{\"enum\":[\"started\",\"notify\"]},"
			"{\"type\":\"object\"}]",
	[RV_CT_EXITCODES] = "\"anyOf\":[{\"type\":\"integer\"},{\"type\":"
			    "\"array\",\"items\":{\"type\":\"integer\","
			    "\"minimum\":0,\"maximum\":255}}]",
	[RV_CT_STOPSIGNAL] = "\"anyOf\":[{\"type\":\"string\"},{\"type\":"
			     "\"array\",\"minItems\":1,\"maxItems\":8}]",
	[RV_CT_LOGFILE] = "\"type\":\"string\",\"minLength\":1",
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
	} else if (shapes[row->type][0] != '\0') {
		/* The raw members go in where a key and its value would. */
		rv_buf_addc(w->out, ',');
		rv_buf_adds(w->out, shapes[row->type]);
	}
	if (row->type == RV_CT_INT || row->type == RV_CT_RATIO) {
		rv_jsonw_key(w, "minimum");
		rv_jsonw_int(w, row->min);
		rv_jsonw_key(w, "maximum");
		rv_jsonw_int(w, row->max);
	}
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

static void
add_def(
    struct rv_jsonw *w, const char *name, unsigned where, const char *required)
{
	rv_jsonw_key(w, name);
	rv_jsonw_object(w);
	add_object(w, where);
	if (required != NULL) {
		rv_jsonw_key(w, "required");
		rv_jsonw_array(w);
		rv_jsonw_str(w, required);
		rv_jsonw_array_end(w);
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
	add_def(&w, "supervisor", RV_CSUPER | RV_CCHILD, "children");
	add_def(&w, "worker", RV_CWORKER | RV_CCHILD, "command");
	add_def(&w, "defaults", RV_CWORKER | RV_CCHILD, NULL);
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
			rv_buf_adds(out, "Not built yet.\n.Pp\n");
			continue;
		}
		if (row->choices[0] != '\0') {
			rv_buf_addf(out,
			    "One of %s; ! marks what is not "
			    "built yet.\n",
			    row->choices);
		}
		rv_buf_addf(out, "(Of %s; default %s; %s.)\n.Pp\n",
		    place_name(row), row->otherwise, when_name(row->when));
	}
	rv_buf_adds(out, ".El\n");
}
