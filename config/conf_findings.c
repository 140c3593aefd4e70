/* SPDX-License-Identifier: MIT */
/*
 * What was found wrong in a config: kept with its place, told at the end in the
 * order of the file, then of the declared units. Bounded: of a file full of
 * mistakes the first hundreds are kept, the others counted. Everything that
 * finds something calls this.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "config/conf_priv.h"

#define FINDINGS_MAX 500
#define WARNINGS_MAX 100 /* so that they leave room for errors */

bool
rv_conf_findings_init(struct rv_loader *l)
{
	l->findings =
	    rv_arena_get(&l->scratch, FINDINGS_MAX, sizeof(l->findings[0]));
	return l->findings != NULL;
}

static bool
is_full(const struct rv_loader *l, enum rv_finding_level level)
{
	return l->n_findings == FINDINGS_MAX ||
	       (level == RV_FINDING_WARNING && l->n_warnings == WARNINGS_MAX);
}

bool
rv_conf_is_full(const struct rv_loader *l)
{
	return is_full(l, RV_FINDING_ERROR);
}

/* Names come from the file: what they do to a terminal stays there. */
static void
defuse(char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == '\x7f') {
			*text = '?';
		}
	}
}

static void
add(struct rv_loader *l, enum rv_finding_level level, int line, int column,
    const struct rv_cnode *at, const char *text)
{
	unsigned declared = at != NULL ? at->declared : 0;
	char path[320], whole[sizeof(((struct reeve_error *)0)->text)];
	struct rv_finding *f;

	rv_cnode_path(at, path, sizeof(path));
	rv_format(whole, sizeof(whole), "%s%s%s", path,
	    path[0] != '\0' ? ": " : "", text);
	defuse(whole);
	for (unsigned i = 0; i < l->n_findings; i++) {
		f = &l->findings[i];
		if (f->declared == declared && f->line == line &&
		    f->column == column && strcmp(f->text, whole) == 0) {
			return;
		}
	}
	if (level == RV_FINDING_ERROR) {
		l->n_errors++;
	} else {
		l->n_warnings++;
	}
	f = &l->findings[l->n_findings];
	*f = (struct rv_finding){
		.level = level,
		.declared = declared,
		.line = line,
		.column = column,
		.order = l->n_findings++,
		.text = rv_arena_strdup(&l->scratch, whole),
	};
}

void
rv_conf_flaw(void *ctx, int line, int column, const struct rv_cnode *in,
    const char *text)
{
	struct rv_loader *l = ctx;

	if (is_full(l, RV_FINDING_ERROR)) {
		l->n_errors++;
		l->n_unsaid++;
		return;
	}
	add(l, RV_FINDING_ERROR, line, column, in, text);
}

static void
say(struct rv_loader *l, enum rv_finding_level level,
    const struct rv_cnode *node, const char *fmt, va_list args)
{
	char text[512];

	if (is_full(l, level)) {
		l->n_errors += level == RV_FINDING_ERROR;
		l->n_unsaid++;
		return;
	}
	vsnprintf(text, sizeof(text), fmt, args);
	add(l, level, node != NULL ? node->line : 1,
	    node != NULL ? node->column : 1, node, text);
}

void
rv_conf_error(
    struct rv_loader *l, const struct rv_cnode *node, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(l, RV_FINDING_ERROR, node, fmt, args);
	va_end(args);
}

void
rv_conf_warn(
    struct rv_loader *l, const struct rv_cnode *node, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(l, RV_FINDING_WARNING, node, fmt, args);
	va_end(args);
}

static int
in_file_order(const void *a, const void *b)
{
	const struct rv_finding *x = a, *y = b;

	if (x->declared != y->declared) {
		return x->declared < y->declared ? -1 : 1;
	}
	if (x->line != y->line) {
		return x->line < y->line ? -1 : 1;
	}
	if (x->column != y->column) {
		return x->column < y->column ? -1 : 1;
	}
	return x->order < y->order ? -1 : x->order > y->order;
}

void
rv_conf_place(struct reeve_error *err, const char *file, int line, int column)
{
	rv_copy(err->where, sizeof(err->where),
	    file != NULL ? file : "declared in C");
	err->line = file != NULL ? line : 0;
	err->column = file != NULL ? column : 0;
}

static void
tell(const struct rv_loader *l, const struct rv_finding *f, const char *text,
    rv_finding_cb *cb, void *ctx)
{
	struct reeve_error err = { 0 };

	rv_error(&err, REEVE_ECONFIG, "%s", text);
	rv_conf_place(
	    &err, f->declared != 0 ? NULL : l->file, f->line, f->column);
	cb(ctx, f->level, &err);
}

void
rv_conf_report(struct rv_loader *l, rv_finding_cb *cb, void *ctx)
{
	char text[80];

	if (cb == NULL || l->n_findings == 0) {
		return;
	}
	qsort(
	    l->findings, l->n_findings, sizeof(l->findings[0]), in_file_order);
	for (unsigned i = 0; i < l->n_findings; i++) {
		tell(l, &l->findings[i], l->findings[i].text, cb, ctx);
	}
	if (l->n_unsaid > 0) {
		rv_format(text, sizeof(text),
		    "and more that is not shown here: mend these first");
		tell(l, &l->findings[l->n_findings - 1], text, cb, ctx);
	}
}
