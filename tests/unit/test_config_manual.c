/* SPDX-License-Identifier: MIT */
/*
 * reeve.conf(5) tells of the keys that there are: its middle part is made from
 * schema.def. When it is not current this leaves a page that is, in the build
 * tree. The JSON Schema comes from the same table.
 */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "config/load.h"
#include "config/schema.h"
#include "lib/harness.h"
#include "lib/manual.h"

#define PAGE "config/reeve.conf.5"

RV_TEST(the_manual_tells_of_the_keys_that_there_are)
{
	struct rv_buf made;

	rv_buf_init(&made, 1 << 20);
	rv_schema_manual(&made);
	CU_ASSERT_FATAL(!made.failed);
	rv_manual_check(PAGE, "schema.def", rv_buf_str(&made));
	rv_buf_finish(&made);
}

/* Every built key is in the object that describes its place. */
static void
check_properties(const json_t *object, unsigned where)
{
	const json_t *properties = json_object_get(object, "properties");
	size_t n = 0;

	for (size_t i = 0; i < RV_CKEYS; i++) {
		const struct rv_schema_row *row = &rv_schema[i];
		const json_t *property = json_object_get(properties, row->name);

		if (!rv_schema_is_at(row, where)) {
			continue;
		}
		CU_ASSERT_EQUAL(property != NULL, row->built);
		n += row->built;
		if (row->built) {
			CU_ASSERT_STRING_EQUAL(
			    json_string_value(
				json_object_get(property, "description")),
			    row->doc);
		}
		if (row->built && row->type == RV_CT_OBJECT) {
			check_properties(property, (unsigned)RV_CIN + row->key);
		}
	}
	CU_ASSERT_EQUAL(json_object_size(properties), n);
	CU_ASSERT(
	    json_is_false(json_object_get(object, "additionalProperties")));
}

/* -------- the header of trees -------- */

/* "REEVE_UNLIMITED" is unlimited; what is said in words is its own. */
static bool
is_default(const struct rv_schema_row *row, const char *value)
{
	const char *is = row->otherwise;
	size_t len = strlen(is);

	if (strcmp(is, "null") == 0) {
		return true;
	}
	if (strcmp(is, "[]") == 0) {
		return strcmp(value, "none") == 0;
	}
	if (is[0] == '"') {
		is++;
		len -= 2;
	}
	if (strncmp(value, "REEVE_", 6) == 0) {
		value += 6;
	}
	return strlen(value) == len && strncasecmp(value, is, len) == 0;
}

/* "key: default", or "key" alone, as it stands in tree.h. */
static void
check_said(char *said)
{
	char *colon = strchr(said, ':');
	const char *value = "";
	bool known = false, right = false;

	if (colon != NULL) {
		*colon = '\0';
		value = colon + 1 + strspn(colon + 1, " \t\n*");
	}
	for (size_t i = 0; i < RV_CKEYS; i++) {
		if (strcmp(rv_schema[i].name, said) == 0) {
			known = true;
			right = right || colon == NULL ||
				is_default(&rv_schema[i], value);
		}
	}
	if (!known || !right) {
		printf("# tree.h: [%s: %s]\n", said, value);
	}
	CU_ASSERT(known && right);
}

RV_TEST(the_header_of_trees_tells_the_defaults_that_there_are)
{
	static char text[65536];
	char path[512], *at = text, *save = NULL;
	unsigned n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/runtime/include/reeve/tree.h",
	    rv_test_srcdir());
	file = fopen(path, "re");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	while ((at = strchr(at, '[')) != NULL) {
		char *close = strchr(at, ']');

		CU_ASSERT_PTR_NOT_NULL_FATAL(close);
		*close = '\0';
		for (char *one = strtok_r(at + 1, ";", &save); one != NULL;
		     one = strtok_r(NULL, ";", &save)) {
			check_said(one + strspn(one, " \t\n*"));
			n++;
		}
		at = close + 1;
	}
	CU_ASSERT(n >= 24);
}

RV_TEST(the_json_schema_has_every_key_at_its_place)
{
	char *text = rv_conf_schema();
	json_error_t error;
	json_t *schema, *defs;

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	schema = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (schema == NULL) {
		printf("# %d:%d: %s\n", error.line, error.column, error.text);
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(schema);
	defs = json_object_get(schema, "$defs");
	check_properties(schema, RV_CROOT | RV_CSUPER);
	check_properties(
	    json_object_get(defs, "supervisor"), RV_CSUPER | RV_CCHILD);
	check_properties(
	    json_object_get(defs, "worker"), RV_CWORKER | RV_CCHILD);
	check_properties(
	    json_object_get(defs, "socket"), (unsigned)RV_CIN + RV_CKEY_LISTEN);
	CU_ASSERT_PTR_NOT_NULL(json_object_get(defs, "listener"));
	json_decref(schema);
	rv_free(text);
}

RV_SUITE(config_manual, RV_CASE(the_manual_tells_of_the_keys_that_there_are),
    RV_CASE(the_header_of_trees_tells_the_defaults_that_there_are),
    RV_CASE(the_json_schema_has_every_key_at_its_place))
