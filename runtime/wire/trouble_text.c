/* SPDX-License-Identifier: MIT */
/* The words for what a page says went wrong: see trouble_text.h. Pure. */
#include "config.h"

#include "wire/trouble_text.h"

#include <inttypes.h>
#include <signal.h>

#include "base/text.h"
#include "wire/page_read.h"

static const char *
crash_words(int signo, int code)
{
	static const struct {
		int signo, code;
		const char *text;
	} words[] = {
#define X(signo, code, text) { signo, code, text },
#include "wire/crash.def"
#undef X
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(words); i++) {
		if (words[i].signo == signo && words[i].code == code) {
			return words[i].text;
		}
	}
	return code <= 0 ? "sent by a process" : "for a reason unknown";
}

void
rv_trouble_say_crash(const struct rv_page_trouble *t, char *dst, size_t size)
{
	char name[24], at[32] = "";

	if (t->code > 0 && t->signo != SIGABRT) {
		rv_format(at, sizeof(at), " at 0x%" PRIx64, t->address);
	}
	rv_format(dst, size, "%s (%s)%s%s%s", rv_signal_name(t->signo, name),
	    crash_words(t->signo, t->code), at,
	    t->message[0] != '\0' ? ": " : "", t->message);
}

bool
rv_trouble_is_crash(const struct rv_page_trouble *t)
{
	return t->kind == RV_TROUBLE_CRASHED || t->kind == RV_TROUBLE_ABORTED;
}

const char *
rv_trouble_type(const struct rv_page_trouble *t, char name[24])
{
	if (rv_trouble_is_crash(t)) {
		return rv_signal_name(t->signo, name);
	}
	return t->kind == RV_TROUBLE_START ? "reeve.Start" : t->type;
}

const char *
rv_trouble_source(const struct rv_page_trouble *t)
{
	static const char *const sources[] = {
		[RV_TROUBLE_RAISED] = "raised",
		[RV_TROUBLE_REPORTED] = "reported",
		[RV_TROUBLE_CRASHED] = "crash",
		[RV_TROUBLE_ABORTED] = "abort",
		[RV_TROUBLE_START] = "start",
	};

	return t->kind < RV_ARRAY_LEN(sources) && sources[t->kind] != NULL
		   ? sources[t->kind]
		   : "raised";
}

static void
add_frame(struct rv_buf *text, const struct rv_page_trouble *trouble,
    unsigned i, uint64_t address)
{
	const char *path;
	uint64_t offset;
	size_t len;

	if (rv_page_resolve(trouble, address, &path, &len, &offset)) {
		rv_buf_addf(text, "#%u %.*s+0x%" PRIx64 "\n", i, (int)len, path,
		    offset);
	} else {
		rv_buf_addf(text, "#%u 0x%" PRIx64 "\n", i, address);
	}
}

void
rv_trouble_stacks(const struct rv_page_trouble *trouble, struct rv_buf *text)
{
	for (uint32_t t = 0; t < trouble->n_threads; t++) {
		const struct rv_page_thread *thread = &trouble->threads[t];

		rv_buf_addf(
		    text, "thread %d (%s)\n", (int)thread->tid, thread->name);
		for (uint32_t i = 0; i < thread->n_frames; i++) {
			add_frame(text, trouble, i, thread->frames[i]);
		}
	}
}
