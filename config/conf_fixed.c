/* SPDX-License-Identifier: MIT */
/*
 * What only a new start of the runtime can change: compares two confs in every
 * key that the table marks so, and says of each that differs that it cannot.
 * Called at a reload; holds nothing.
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "config/conf_priv.h"

enum form { TEXT, DURATION, SIZE32, SIZE64 };

static const struct fixed {
	enum rv_ckey key;
	enum form form;
	size_t at; /* in struct rv_conf */
} fixed[] = {
#define AT(member) offsetof(struct rv_conf, member)
	{ RV_CKEY_NAME, TEXT, AT(name) },
	{ RV_CKEY_STATE_DIR, TEXT, AT(state_dir) },
	{ RV_CKEY_JOURNAL_RETAIN, DURATION, AT(journal.retain) },
	{ RV_CKEY_JOURNAL_MAX_SIZE, SIZE64, AT(journal.max_size) },
	{ RV_CKEY_JOURNAL_OUTPUT_TAIL, SIZE32, AT(journal.output_tail) },
	{ RV_CKEY_JOURNAL_RING, SIZE32, AT(journal.ring) },
	{ RV_CKEY_JOURNAL_OUTPUT_STALL, DURATION, AT(journal.output_stall) },
#undef AT
};

/* "4MiB", where that is exact. */
static void
format_size(char *dst, size_t size, uint64_t n)
{
	static const char *const units[] = { "", "KiB", "MiB", "GiB" };
	size_t i = 0;

	while (n > 0 && n % 1024 == 0 && i + 1 < RV_ARRAY_LEN(units)) {
		n /= 1024;
		i++;
	}
	rv_format(dst, size, "%" PRIu64 "%s", n, units[i]);
}

/* As one would write it in a file. */
static void
format(
    char *dst, size_t size, const struct rv_conf *conf, const struct fixed *f)
{
	const void *at = (const char *)conf + f->at;

	switch (f->form) {
	case TEXT:
		rv_copy(dst, size, *(const char *const *)at);
		break;
	case DURATION:
		rv_format_duration(dst, size, *(const rv_time *)at);
		break;
	case SIZE32:
		format_size(dst, size, *(const uint32_t *)at);
		break;
	case SIZE64:
		format_size(dst, size, *(const uint64_t *)at);
		break;
	}
}

static bool
differs(const struct rv_conf *was, const struct rv_conf *is,
    const struct fixed *f, char *before, size_t size)
{
	char after[64];

	format(before, size, was, f);
	if (f->form == TEXT) {
		const char *const *a =
		    (const void *)((const char *)was + f->at);
		const char *const *b = (const void *)((const char *)is + f->at);

		return strcmp(*a, *b) != 0;
	}
	format(after, sizeof(after), is, f);
	return strcmp(before, after) != 0;
}

static void
refuse(const struct rv_conf *is, enum rv_ckey key, const char *before,
    rv_finding_cb *cb, void *ctx)
{
	const struct rv_conf_block *block =
	    (const struct rv_conf_block *)(const void *)is;
	const struct rv_schema_row *row = &rv_schema[key];
	const char *in =
	    row->where >= RV_CIN ? rv_schema[row->where - RV_CIN].name : "";
	struct reeve_error err;

	rv_error(&err, REEVE_ECONFIG,
	    "%s%s%s: cannot change while the runtime runs (it is \"%s\"); stop "
	    "it and start it again",
	    in, in[0] != '\0' ? "." : "", row->name, before);
	rv_conf_place(&err, block->places[key].line > 0 ? is->file : NULL,
	    block->places[key].line, block->places[key].column);
	cb(ctx, RV_FINDING_ERROR, &err);
}

void
rv_conf_check_fixed(const struct rv_conf *was, const struct rv_conf *is,
    rv_finding_cb *cb, void *ctx)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(fixed); i++) {
		char before[256];

		if (differs(was, is, &fixed[i], before, sizeof(before))) {
			refuse(is, fixed[i].key, before, cb, ctx);
		}
	}
	/* The same state directory, but another user's: by environment. */
	if (strcmp(was->state_dir, is->state_dir) == 0 &&
	    strcmp(was->runtime_dir, is->runtime_dir) != 0) {
		refuse(is, RV_CKEY_STATE_DIR, was->runtime_dir, cb, ctx);
	}
}
