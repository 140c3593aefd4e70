/* SPDX-License-Identifier: MIT */
/*
 * What an interpreter wrote about an uncaught exception, found at the end of
 * a worker's output. Pure, allocates nothing, trusts nothing (fuzzed): the
 * text is whatever the worker wrote. Called by rows.c when a life ended badly;
 * the languages are in traces.def.
 */
#ifndef RV_CLERK_TRACES_H
#define RV_CLERK_TRACES_H

#include "base/base.h"

/* A part of the text; s is NULL where there is none. */
struct rv_slice {
	const char *s;
	size_t len;
};

struct rv_trace {
	const char *language;
	struct rv_slice type, message;
	struct rv_slice thread; /* the one that died of it, if it is named */
	struct rv_slice cause_type, cause_message;
	size_t begin, end; /* where in the text all of it stands */
	bool cut;          /* its beginning is not in the text */
};

/* False: there is none near the end. */
bool rv_trace_find(const char *text, size_t len, struct rv_trace *);

#endif
