/* SPDX-License-Identifier: MIT */
/*
 * Values of the simple types: from a node to C, within the range that the table
 * gives. Each says what it expected and what was found. What a value may be
 * beyond its type is in conf_special.c.
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "config/conf_priv.h"

static const char *
found(const struct rv_cnode *node)
{
	switch (json_typeof(node->value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_NULL:
		return "null";
	default:
		return "a boolean";
	}
}

bool
rv_cval_bool(struct rv_loader *l, const struct rv_cnode *node, bool *out)
{
	if (!json_is_boolean(node->value)) {
		rv_conf_error(
		    l, node, "must be true or false, not %s", found(node));
		return false;
	}
	*out = json_is_true(node->value);
	return true;
}

bool
rv_cval_string(
    struct rv_loader *l, const struct rv_cnode *node, const char **out)
{
	if (!json_is_string(node->value)) {
		rv_conf_error(l, node, "must be a string, not %s", found(node));
		return false;
	}
	if (json_string_length(node->value) !=
	    strlen(json_string_value(node->value))) {
		rv_conf_error(l, node, "must not contain a NUL");
		return false;
	}
	*out = json_string_value(node->value);
	return true;
}

bool
rv_cval_int(struct rv_loader *l, const struct rv_schema_row *row,
    const struct rv_cnode *node, int64_t *out)
{
	int64_t value;

	if (!json_is_integer(node->value)) {
		rv_conf_error(
		    l, node, "must be a whole number, not %s", found(node));
		return false;
	}
	value = json_integer_value(node->value);
	if (value < row->min || value > row->max) {
		rv_conf_error(l, node,
		    "%" PRId64 " is out of range: from %" PRId64 " to %" PRId64,
		    value, row->min, row->max);
		return false;
	}
	*out = value;
	return true;
}

bool
rv_cval_ratio(struct rv_loader *l, const struct rv_schema_row *row,
    const struct rv_cnode *node, uint32_t *milli)
{
	double value;

	if (!json_is_number(node->value)) {
		rv_conf_error(l, node, "must be a number, not %s", found(node));
		return false;
	}
	value = json_number_value(node->value);
	if (!(value >= (double)row->min && value <= (double)row->max)) {
		rv_conf_error(l, node,
		    "%g is out of range: from %" PRId64 " to %" PRId64, value,
		    row->min, row->max);
		return false;
	}
	/* None is negative. */
	*milli = (uint32_t)(value * 1000 + 0.5);
	return true;
}

static bool
parse_duration(const struct rv_cnode *node, rv_time *out)
{
	double seconds;

	if (json_is_string(node->value)) {
		return rv_parse_duration(json_string_value(node->value), out);
	}
	if (!json_is_number(node->value)) {
		return false;
	}
	seconds = json_number_value(node->value);
	if (!(seconds >= 0 && seconds <= 1e9)) {
		return false;
	}
	*out = (rv_time)(seconds * (double)RV_SEC + 0.5);
	return true;
}

bool
rv_cval_duration(struct rv_loader *l, const struct rv_schema_row *row,
    const struct rv_cnode *node, rv_time *out)
{
	const char *text = json_string_value(node->value);
	char least[32], most[32] = "";
	rv_time value;

	if (row->type == RV_CT_NEVER && text != NULL &&
	    strcmp(text, "never") == 0) {
		*out = RV_FOREVER;
		return true;
	}
	if (!parse_duration(node, &value)) {
		rv_conf_error(l, node,
		    "must be a duration: seconds, or \"250ms\" \"5s\" \"2m\" "
		    "\"1h\" \"30d\"%s",
		    row->type == RV_CT_NEVER ? ", or \"never\"" : "");
		return false;
	}
	if (value < row->min * RV_MS ||
	    (row->max != 0 && value > row->max * RV_MS)) {
		rv_format_duration(least, sizeof(least), row->min * RV_MS);
		rv_format_duration(most, sizeof(most), row->max * RV_MS);
		rv_conf_error(l, node, "is out of range: at least %s%s%s",
		    least, row->max != 0 ? ", at most " : "",
		    row->max != 0 ? most : "");
		return false;
	}
	*out = value;
	return true;
}

static bool
parse_size(const struct rv_cnode *node, uint64_t *out)
{
	if (json_is_string(node->value)) {
		return rv_parse_size(json_string_value(node->value), out);
	}
	if (!json_is_integer(node->value) ||
	    json_integer_value(node->value) < 0) {
		return false;
	}
	*out = (uint64_t)json_integer_value(node->value);
	return true;
}

bool
rv_cval_size(struct rv_loader *l, const struct rv_schema_row *row,
    const struct rv_cnode *node, uint64_t *out)
{
	uint64_t value;

	if (!parse_size(node, &value)) {
		rv_conf_error(l, node,
		    "must be a size: bytes, or \"64MiB\" (1024) \"1GB\" "
		    "(1000)");
		return false;
	}
	if (value < (uint64_t)row->min ||
	    (row->max != 0 && value > (uint64_t)row->max)) {
		rv_conf_error(l, node,
		    "%" PRIu64 " bytes are out of range: at least %" PRId64
		    "%s",
		    value, row->min, row->max != 0 ? ", and less" : "");
		return false;
	}
	*out = value;
	return true;
}

/* "a, b or c", of those that are built. */
static void
list_choices(const char *choices, char *dst, size_t size)
{
	size_t n = 0;

	dst[0] = '\0';
	while (*choices != '\0') {
		size_t len = strcspn(choices, "|");

		if (*choices != '!') {
			n += rv_format(dst + n, size - n, "%s\"%.*s\"",
			    n > 0 ? ", " : "", (int)len, choices);
		}
		choices += len + (choices[len] == '|');
	}
}

bool
rv_cval_enum(struct rv_loader *l, const struct rv_schema_row *row,
    const struct rv_cnode *node, unsigned *out)
{
	const char *text = json_string_value(node->value);
	const char *at = row->choices;
	char all[256];

	for (unsigned i = 0; text != NULL && *at != '\0'; i++) {
		size_t len = strcspn(at, "|");
		bool later = *at == '!';

		if (strlen(text) == len - later &&
		    strncmp(text, at + later, len - later) == 0) {
			if (later) {
				rv_conf_error(
				    l, node, "\"%s\" is not built yet", text);
				return false;
			}
			*out = i;
			return true;
		}
		at += len + (at[len] == '|');
	}
	list_choices(row->choices, all, sizeof(all));
	if (text != NULL) {
		rv_conf_error(l, node, "\"%.100s\" is none of %s", text, all);
	} else {
		rv_conf_error(
		    l, node, "must be one of %s, not %s", all, found(node));
	}
	return false;
}
