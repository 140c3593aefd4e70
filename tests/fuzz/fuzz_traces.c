/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target over the traces of interpreters: whatever a worker writes, what
 * is found lies within it, and is found again in the same text.
 */
#include "config.h"

#include <string.h>

#include "clerk/traces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *text;
static size_t text_len;

static void
check_slice(struct rv_slice slice)
{
	if (slice.s == NULL) {
		RV_ASSERT(slice.len == 0);
	} else if (slice.s < text || slice.s > text + text_len) {
		/* A word of ours, for what the language leaves out. */
		RV_ASSERT(slice.len == strlen(slice.s));
	} else {
		RV_ASSERT(slice.len <= (size_t)(text + text_len - slice.s));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rv_trace trace, again;

	text = (const char *)data;
	text_len = size;
	if (!rv_trace_find(text, size, &trace)) {
		return 0;
	}
	RV_ASSERT(trace.language != NULL);
	RV_ASSERT(trace.begin <= trace.end && trace.end <= size);
	RV_ASSERT(trace.type.s != NULL || trace.message.s != NULL || trace.cut);
	check_slice(trace.type);
	check_slice(trace.message);
	check_slice(trace.thread);
	check_slice(trace.cause_type);
	check_slice(trace.cause_message);
	RV_ASSERT(rv_trace_find(text, size, &again));
	RV_ASSERT(again.begin == trace.begin && again.end == trace.end);
	return 0;
}
