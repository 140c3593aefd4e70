/* SPDX-License-Identifier: MIT */
/*
 * reeve-events(7) tells of the tables, kinds and keys that there are. Its
 * middle part is made from the tables of the source; when it is not current
 * this leaves a page that is, in the build tree.
 */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "lib/harness.h"
#include "lib/manual.h"

#define PAGE "runtime/clerk/reeve-events.7"

static struct rv_buf page;

/* Words of a manual: hyphens of names are minus signs there. */
static void
name(const char *text)
{
	for (; *text != '\0'; text++) {
		rv_buf_adds(&page, *text == '-' ? "\\-" : "");
		if (*text != '-') {
			rv_buf_addc(&page, *text);
		}
	}
}

static void
sentence(const char *text)
{
	if (*text == '.' || *text == '\'') {
		rv_buf_adds(&page, "\\&");
	}
	for (; *text != '\0'; text++) {
		rv_buf_adds(&page, *text == '\\' ? "\\e" : "");
		if (*text != '\\') {
			rv_buf_addc(&page, *text);
		}
	}
	rv_buf_addc(&page, '\n');
}

static void
item(const char *what, const char *type, const char *doc)
{
	const char *quote = strchr(what, ' ') != NULL ? "\"" : "";

	/* Unquoted, its words would be set without the blanks between. */
	rv_buf_addf(&page, ".TP\n.BR %s", quote);
	name(what);
	rv_buf_adds(&page, quote);
	if (type != NULL) {
		rv_buf_adds(&page, " \" (");
		for (; isalpha((unsigned char)*type); type++) {
			rv_buf_addc(&page, (char)tolower(*type));
		}
		rv_buf_adds(&page, ")\"");
	}
	rv_buf_addc(&page, '\n');
	sentence(doc);
}

static void
subsection(const char *what, const char *doc)
{
	rv_buf_addf(&page, ".SS %s\n", what);
	sentence(doc);
}

static void
make_tables(void)
{
	rv_buf_adds(&page, ".SH TABLES\n");
#define TABLE(what, doc)       subsection(#what, doc);
#define COLUMN(what, sql, doc) item(#what, sql, doc);
#define INDEX(what, sql, doc)
#define VIEW(what, doc, sql)
#define VIEW_COLUMN(what, doc)
#include "clerk/tables.def"
#undef TABLE
#undef COLUMN
#undef VIEW
#undef VIEW_COLUMN
	rv_buf_adds(&page, ".SH VIEWS\n");
#define TABLE(what, doc)
#define COLUMN(what, sql, doc)
#define VIEW(what, doc, sql)   subsection(#what, doc);
#define VIEW_COLUMN(what, doc) item(#what, NULL, doc);
#include "clerk/tables.def"
#undef TABLE
#undef COLUMN
#undef INDEX
#undef VIEW
#undef VIEW_COLUMN
	rv_buf_adds(&page, ".SH INDEXES\nThese are fast to ask for.\n");
#define TABLE(what, doc)
#define COLUMN(what, sql, doc)
#define INDEX(what, sql, doc) item(sql, NULL, doc);
#define VIEW(what, doc, sql)
#define VIEW_COLUMN(what, doc)
#include "clerk/tables.def"
}

static void
make_words(void)
{
	rv_buf_adds(&page, ".SH KINDS OF EVENTS\n");
#define X(symbol, number, text, keep, doc) item(text, NULL, doc);
#include "core/event.def"
#undef X
	rv_buf_adds(&page, ".SH END REASONS\n");
#define X(symbol, number, text, doc)   \
	if (number != 0) {             \
		item(text, NULL, doc); \
	}
#include "core/reason.def"
#undef X
	rv_buf_adds(&page, ".SH KEYS OF DETAILS\n");
#define X(symbol, number, text, doc) item(text, NULL, doc);
#include "core/field.def"
#undef X
}

RV_TEST(the_manual_page_tells_what_there_is)
{
	rv_buf_init(&page, 1 << 20);
	make_tables();
	make_words();
	CU_ASSERT_FATAL(!page.failed);
	rv_manual_check(PAGE, "tables", rv_buf_str(&page));
	rv_buf_finish(&page);
}

RV_SUITE(clerk_manual, RV_CASE(the_manual_page_tells_what_there_is))
