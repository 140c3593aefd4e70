/* SPDX-License-Identifier: MIT */
/*
 * runtime/core/unit_fsm.md shows the table of a worker as a diagram and as a
 * matrix. It is made here from the table; when it is not current this leaves
 * one that is, in the build tree.
 */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "lib/harness.h"

#define PAGE "runtime/core/unit_fsm.md"

struct word {
	const char *name, *more, *doc;
};

static const struct word states[] = {
#define STATE(symbol, shown, doc) { #symbol, #shown, doc },
#include "core/unit_fsm.def"
};

static const struct word events[] = {
#define EVENT(symbol, doc) { #symbol, NULL, doc },
#include "core/unit_fsm.def"
};

static const struct word guards[] = {
#define GUARD(symbol, doc) { #symbol, NULL, doc },
#include "core/unit_fsm.def"
};

static const struct word deeds[] = {
#define DO(symbol, doc) { #symbol, NULL, doc },
#include "core/unit_fsm.def"
};

/* A row, or (without next) a reference to another cell, or NEVER. */
struct line {
	const char *state, *event, *guard, *next, *deeds;
	const char *as_state, *as_event;
};

static const struct line lines[] = {
#define CELL(s, e, g, n, ...)    { #s, #e, #g, #n, #__VA_ARGS__, NULL, NULL },
#define ELSE(s, e, i, g, n, ...) { #s, #e, #g, #n, #__VA_ARGS__, NULL, NULL },
#define SAME(s, e, as_s, as_e)   { #s, #e, NULL, NULL, NULL, #as_s, #as_e },
#define NEVER(s, e)              { #s, #e, NULL, NULL, NULL, NULL, NULL },
#include "core/unit_fsm.def"
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct rv_buf page;

static bool
is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static void
list(const char *title, const struct word *words, size_t n)
{
	rv_buf_addf(&page, "\n## %s\n\n", title);
	for (size_t i = 0; i < n; i++) {
		if (words[i].doc[0] == '\0') {
			continue;
		}
		rv_buf_addf(&page, "- `%s`%s%s%s: %s\n", words[i].name,
		    words[i].more != NULL ? " (shown as " : "",
		    words[i].more != NULL ? words[i].more : "",
		    words[i].more != NULL ? ")" : "", words[i].doc);
	}
}

/* An arrow for each pair of states, with the events that lead there. */
static void
arrow(const struct word *from, const struct word *to)
{
	bool any = false;

	for (size_t i = 0; i < COUNT(lines); i++) {
		const struct line *l = &lines[i];

		if (l->next == NULL || !is(l->state, from->name) ||
		    !is(l->next, to->name) || is(l->state, l->next)) {
			continue;
		}
		if (!any) {
			rv_buf_addf(
			    &page, "    %s --> %s : ", from->name, to->name);
		}
		rv_buf_addf(&page, "%s%s", any ? ", " : "", l->event);
		if (!is(l->guard, "always")) {
			rv_buf_addf(&page, " [%s]", l->guard);
		}
		any = true;
	}
	if (any) {
		rv_buf_addc(&page, '\n');
	}
}

static void
diagram(void)
{
	rv_buf_adds(&page, "\n## Diagram\n\n```mermaid\nstateDiagram-v2\n"
			   "    [*] --> DOWN\n");
	for (size_t i = 0; i < COUNT(states); i++) {
		for (size_t j = 0; j < COUNT(states); j++) {
			arrow(&states[i], &states[j]);
		}
	}
	rv_buf_adds(&page, "```\n");
}

static void
cell(const char *state, const char *event)
{
	bool any = false;

	for (size_t i = 0; i < COUNT(lines); i++) {
		const struct line *l = &lines[i];

		if (!is(l->state, state) || !is(l->event, event)) {
			continue;
		}
		if (l->as_state != NULL) {
			rv_buf_addf(
			    &page, "as %s, %s", l->as_state, l->as_event);
		} else if (l->next == NULL) {
			rv_buf_adds(&page, "–");
		} else {
			rv_buf_addf(&page, "%s%s", any ? ", " : "",
			    is(l->next, l->state) ? "stays" : l->next);
		}
		any = true;
	}
}

static void
matrix(void)
{
	rv_buf_adds(&page, "\n## Matrix\n\nWhere each event leads; – cannot "
			   "come.\n\n|");
	for (size_t i = 0; i < COUNT(states); i++) {
		rv_buf_addf(&page, " | %s", states[i].name);
	}
	rv_buf_adds(&page, " |\n|---");
	for (size_t i = 0; i < COUNT(states); i++) {
		rv_buf_adds(&page, "|---");
	}
	rv_buf_adds(&page, "|\n");
	for (size_t e = 0; e < COUNT(events); e++) {
		rv_buf_addf(&page, "| %s", events[e].name);
		for (size_t s = 0; s < COUNT(states); s++) {
			rv_buf_adds(&page, " | ");
			cell(states[s].name, events[e].name);
		}
		rv_buf_adds(&page, " |\n");
	}
}

static void
rows(void)
{
	rv_buf_adds(&page,
	    "\n## Rows\n\nThe first whose guard holds is taken.\n\n"
	    "| state | event | guard | next | actions |\n"
	    "|---|---|---|---|---|\n");
	for (size_t i = 0; i < COUNT(lines); i++) {
		const struct line *l = &lines[i];

		if (l->next != NULL) {
			rv_buf_addf(&page, "| %s | %s | %s | %s | %s |\n",
			    l->state, l->event, l->guard, l->next, l->deeds);
		}
	}
}

static void
make_page(void)
{
	rv_buf_init(&page, 1 << 20);
	rv_buf_adds(&page,
	    "# The life of a worker\n\nMade from `unit_fsm.def`; a test says "
	    "when it is not current.\n");
	diagram();
	matrix();
	list("States", states, COUNT(states));
	list("Events", events, COUNT(events));
	list("Guards", guards, COUNT(guards));
	list("Actions", deeds, COUNT(deeds));
	rows();
}

RV_TEST(diagram_and_matrix_are_those_of_the_table)
{
	char path[512], block[4096];
	struct rv_buf there;
	FILE *file;
	size_t n;

	make_page();
	rv_buf_init(&there, 1 << 20);
	snprintf(path, sizeof(path), "%s/%s", rv_test_srcdir(), PAGE);
	file = fopen(path, "r");
	while (file != NULL && (n = fread(block, 1, sizeof(block), file)) > 0) {
		rv_buf_add(&there, block, n);
	}
	if (file != NULL) {
		fclose(file);
	}
	if (!is(rv_buf_str(&there), rv_buf_str(&page))) {
		snprintf(path, sizeof(path), "%s/unit_fsm.md.new",
		    rv_test_builddir());
		file = fopen(path, "w");
		fputs(rv_buf_str(&page), file);
		fclose(file);
		printf("# not current: one that is was left in %s\n", path);
		CU_FAIL("the page is not current");
	}
	rv_buf_finish(&there);
	rv_buf_finish(&page);
}

RV_TEST(every_cell_is_there_once)
{
	for (size_t s = 0; s < COUNT(states); s++) {
		for (size_t e = 0; e < COUNT(events); e++) {
			unsigned always = 0;

			for (size_t i = 0; i < COUNT(lines); i++) {
				const struct line *l = &lines[i];

				always += is(l->state, states[s].name) &&
					  is(l->event, events[e].name) &&
					  (l->guard == NULL ||
					      is(l->guard, "always"));
			}
			CU_ASSERT_EQUAL(always, 1);
		}
	}
}

RV_SUITE(core_manual, RV_CASE(diagram_and_matrix_are_those_of_the_table),
    RV_CASE(every_cell_is_there_once))
