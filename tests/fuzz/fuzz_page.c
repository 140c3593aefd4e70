/* SPDX-License-Identifier: MIT */
/*
 * The page of a life as a hostile worker writes it: an input is a series of
 * patches {u16 offset, u8 length, bytes} to a page that is honest. What is
 * read of it keeps every promise of wire/page_read.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "wire/page_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static _Alignas(64) unsigned char page[RV_PAGE_BYTES];

static void
make_page(void)
{
	static const char maps[] = "1000-2000 0 /bin/x\n";
	struct rv_page_head head = { RV_PAGE_MAGIC, RV_PAGE_VERSION, 7,
		RV_PAGE_BEATS_FIRST };
	struct rv_page_trouble *t = (void *)(page + RV_PAGE_TROUBLE_AT);

	memset(page, 0, sizeof(page));
	memcpy(page, &head, sizeof(head));
	t->state = RV_TROUBLE_DONE;
	t->kind = RV_TROUBLE_CRASHED;
	t->n_threads = 1;
	t->threads[0].n_frames = 1;
	t->threads[0].frames[0] = 0x1010;
	t->n_maps = sizeof(maps) - 1;
	memcpy(t->maps, maps, sizeof(maps) - 1);
}

static void
patch(const uint8_t *data, size_t size)
{
	while (size >= 3) {
		size_t at = (size_t)data[0] << 8 | data[1];
		size_t len = RV_MIN((size_t)data[2], size - 3);

		len = RV_MIN(len, sizeof(page) - at);
		memcpy(page + at, data + 3, len);
		data += 3 + len;
		size -= 3 + len;
	}
}

static void
expect(bool good)
{
	if (!good) {
		abort();
	}
}

static void
expect_text(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	expect(len < size && rv_utf8_valid(text, len) == len);
}

static void
look_at_trouble(const struct rv_page_trouble *t)
{
	const char *path;
	size_t len;
	uint64_t offset;

	expect(t->n_threads <= RV_PAGE_THREADS && t->n_maps <= RV_PAGE_MAPS &&
	       t->n_registers <= RV_PAGE_REGISTERS && t->kind >= 1 &&
	       t->kind <= 5);
	expect_text(t->type, sizeof(t->type));
	expect_text(t->message, sizeof(t->message));
	expect_text(t->data, sizeof(t->data));
	expect_text(t->cause_type, sizeof(t->cause_type));
	expect_text(t->cause_message, sizeof(t->cause_message));
	for (uint32_t i = 0; i < t->n_threads; i++) {
		const struct rv_page_thread *thread = &t->threads[i];

		expect(thread->n_frames <= RV_PAGE_FRAMES);
		expect_text(thread->name, sizeof(thread->name));
		for (uint32_t j = 0; j < thread->n_frames; j++) {
			if (rv_page_resolve(
				t, thread->frames[j], &path, &len, &offset)) {
				expect(len > 0 && path >= t->maps &&
				       path + len < t->maps + t->n_maps &&
				       memchr(path, '\n', len) == NULL);
			}
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rv_page_trouble t;
	char reason[RV_PAGE_REASON_BYTES];
	int32_t pid;
	uint32_t beats_at;

	make_page();
	patch(data, size);
	if (rv_page_check(page, &pid, &beats_at)) {
		expect(pid > 0 && beats_at >= RV_PAGE_BEATS_FIRST &&
		       beats_at < RV_PAGE_BEATS_END);
		(void)rv_page_beats(page, beats_at);
	}
	rv_page_reason(page, reason);
	expect_text(reason, sizeof(reason));
	if (rv_page_trouble(page, &t)) {
		look_at_trouble(&t);
	}
	return 0;
}
