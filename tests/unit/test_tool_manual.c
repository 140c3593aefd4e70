/* SPDX-License-Identifier: MIT */
/*
 * reeve(1) tells of the verbs and options that there are. Its middle part is
 * made from the tables of the command; when it is not current this leaves a
 * page that is, in the build tree.
 */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "lib/harness.h"
#include "lib/manual.h"

#define PAGE "tools/reeve/reeve.1"

static struct rv_buf page;

static void
words(const char *text)
{
	if (*text == '.' || *text == '\'') {
		rv_buf_adds(&page, "\\&");
	}
	for (; *text != '\0'; text++) {
		if (*text == '-' || *text == '\\') {
			rv_buf_adds(&page, *text == '-' ? "\\-" : "\\e");
		} else {
			rv_buf_addc(&page, *text);
		}
	}
}

/* What follows upon a full stop begins a line, as manuals want it. */
static void
sentences(const char *text)
{
	char part[1024];

	while (*text != '\0') {
		const char *stop = strstr(text, ". ");
		size_t len =
		    stop != NULL ? (size_t)(stop - text) + 1 : strlen(text);

		snprintf(part, sizeof(part), "%.*s", (int)len, text);
		words(part);
		rv_buf_addc(&page, '\n');
		text += len + (stop != NULL);
	}
}

static void
option(const char *name, char letter, const char *arg, const char *doc)
{
	rv_buf_adds(&page, ".TP\n.BR ");
	if (letter != 0) {
		rv_buf_addf(&page, "\\-%c \", \" ", letter);
	}
	rv_buf_adds(&page, "\\-\\-");
	words(name);
	if (arg != NULL) {
		rv_buf_addf(&page, " \" \\fI%s\\fP\"", arg);
	}
	rv_buf_addc(&page, '\n');
	sentences(doc);
}

static bool
takes(const char *options, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = options; (at = strstr(at, name)) != NULL;
	     at += len) {
		if ((at == options || at[-1] == ' ') &&
		    (at[len] == ' ' || at[len] == '\0')) {
			return true;
		}
	}
	return false;
}

static void
verb(const char *name, const char *args, const char *options, const char *line,
    const char *more)
{
	rv_buf_addf(&page, ".TP\n.B %s", name);
#define ALL(id, what, letter, arg, doc)
#define X(id, what, letter, arg, doc)                                \
	if (takes(options, what)) {                                  \
		const char *of = arg;                                \
                                                                     \
		rv_buf_adds(&page, " \\fR[\\fP\\-\\-");              \
		words(what);                                         \
		rv_buf_addf(&page, "%s%s%s\\fR]\\fP",                \
		    of != NULL ? " \\fI" : "", of != NULL ? of : "", \
		    of != NULL ? "\\fP" : "");                       \
	}
#include "tools/reeve/options.def"
#undef ALL
#undef X
	if (args[0] != '\0') {
		rv_buf_adds(&page, " \\fI");
		words(args);
		rv_buf_adds(&page, "\\fP");
	}
	rv_buf_addc(&page, '\n');
	rv_buf_addc(&page, (char)toupper((unsigned char)line[0]));
	words(line + 1);
	rv_buf_adds(&page, ".\n");
	sentences(more);
}

static void
make(void)
{
	rv_buf_adds(&page, ".SH VERBS\n");
#define X(id, name, args, least, most, options, line, more) \
	verb(name, args, options, line, more);
#include "tools/reeve/verbs.def"
#undef X
	rv_buf_adds(&page, ".SH OPTIONS\nWith every verb:\n");
#define ALL(id, name, letter, arg, doc) option(name, letter, arg, doc);
#define X(id, name, letter, arg, doc)
#include "tools/reeve/options.def"
#undef ALL
#undef X
	rv_buf_adds(&page, ".PP\nWith those that show them above:\n");
#define ALL(id, name, letter, arg, doc)
#define X(id, name, letter, arg, doc) option(name, letter, arg, doc);
#include "tools/reeve/options.def"
#undef ALL
#undef X
}

RV_TEST(the_manual_page_tells_of_every_verb_and_option)
{
	rv_buf_init(&page, 1 << 20);
	make();
	CU_ASSERT_FATAL(!page.failed);
	rv_manual_check(PAGE, "tables", rv_buf_str(&page));
	rv_buf_finish(&page);
}

RV_SUITE(tool_manual, RV_CASE(the_manual_page_tells_of_every_verb_and_option))
