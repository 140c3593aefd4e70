/* SPDX-License-Identifier: MIT */
/*
 * Reading the page of a worker: an honest one, and one of which every field
 * was made to lie.
 */
#include "config.h"

#include <string.h>

#include "base/text.h"
#include "lib/harness.h"
#include "wire/page_read.h"

static _Alignas(4096) unsigned char page[RV_PAGE_BYTES];
static struct rv_page_trouble out;

static struct rv_page_head *
head(void)
{
	return (struct rv_page_head *)(void *)page;
}

static struct rv_page_trouble *
trouble(void)
{
	return (struct rv_page_trouble *)(void *)(page + RV_PAGE_TROUBLE_AT);
}

static void
make_honest(void)
{
	static const char maps[] =
	    "55d000001000-55d000002000 1000 /usr/bin/app\n"
	    "7f0000000000-7f0000010000 26000 /usr/lib/libc so.6\n"
	    "7ffd00000000-7ffd00002000 0 [vdso]\n";
	struct rv_page_trouble *t = trouble();

	memset(page, 0, sizeof(page));
	*head() = (struct rv_page_head){ RV_PAGE_MAGIC, RV_PAGE_VERSION, 77,
		RV_PAGE_BEATS_FIRST };
	t->state = RV_TROUBLE_DONE;
	t->number = 1;
	t->kind = RV_TROUBLE_RAISED;
	t->sys_errno = 2;
	rv_copy(t->type, sizeof(t->type), "db.Timeout");
	rv_copy(t->message, sizeof(t->message), "no answer\nfrom db");
	rv_copy(t->data, sizeof(t->data), "{\"a\":1}");
	t->n_registers = 2;
	t->registers[0] = 7;
	t->n_maps = sizeof(maps) - 1;
	memcpy(t->maps, maps, sizeof(maps) - 1);
	t->n_threads = 1;
	t->threads[0].tid = 77;
	t->threads[0].n_frames = 2;
	t->threads[0].exact = 1;
	rv_copy(t->threads[0].name, sizeof(t->threads[0].name), "app");
	t->threads[0].frames[0] = 0x55d000001234;
	t->threads[0].frames[1] = 0x7f0000000010;
}

RV_TEST(an_honest_page_is_read_as_it_is)
{
	int32_t pid = 0;
	uint32_t beats_at = 0;
	char reason[RV_PAGE_REASON_BYTES];
	unsigned char slot[RV_PAGE_SLOT_BYTES];

	make_honest();
	page[RV_PAGE_SLOT_AT + 5] = 42;
	rv_copy((char *)page + RV_PAGE_REASON_AT, 256, "tired");
	page[RV_PAGE_BEATS_FIRST] = 9;
	CU_ASSERT_FATAL(rv_page_check(page, &pid, &beats_at));
	CU_ASSERT_EQUAL(pid, 77);
	CU_ASSERT_EQUAL(rv_page_beats(page, beats_at), 9);
	rv_page_slot(page, slot);
	CU_ASSERT_EQUAL(slot[5], 42);
	rv_page_reason(page, reason);
	CU_ASSERT_STRING_EQUAL(reason, "tired");
	CU_ASSERT_FATAL(rv_page_trouble(page, &out));
	CU_ASSERT_EQUAL(memcmp(&out, trouble(), sizeof(out)), 0);
}

RV_TEST(a_page_without_trouble_says_so)
{
	make_honest();
	trouble()->state = RV_TROUBLE_NONE;
	CU_ASSERT_FALSE(rv_page_trouble(page, &out));
	trouble()->state = RV_TROUBLE_WRITING;
	CU_ASSERT_TRUE(rv_page_trouble(page, &out));
	trouble()->state = 3;
	CU_ASSERT_FALSE(rv_page_trouble(page, &out));
	trouble()->state = RV_TROUBLE_DONE;
	trouble()->kind = 0;
	CU_ASSERT_FALSE(rv_page_trouble(page, &out));
	trouble()->kind = 6;
	CU_ASSERT_FALSE(rv_page_trouble(page, &out));
}

RV_TEST(a_forged_head_is_no_page)
{
	static const uint32_t bad[] = { 0, 1, 63, 65, 2048, 2112, 4096, 65536,
		0xffffffc0, 0x80000040 };
	int32_t pid = -5;
	uint32_t at = 5;

	make_honest();
	for (size_t i = 0; i < RV_ARRAY_LEN(bad); i++) {
		head()->beats_at = bad[i];
		CU_ASSERT_FALSE(rv_page_check(page, &pid, &at));
	}
	make_honest();
	head()->magic++;
	CU_ASSERT_FALSE(rv_page_check(page, &pid, &at));
	make_honest();
	head()->version++;
	CU_ASSERT_FALSE(rv_page_check(page, &pid, &at));
	make_honest();
	head()->pid = 0;
	CU_ASSERT_FALSE(rv_page_check(page, &pid, &at));
	head()->pid = -1;
	CU_ASSERT_FALSE(rv_page_check(page, &pid, &at));
	CU_ASSERT_EQUAL(pid, -5);
	CU_ASSERT_EQUAL(at, 5);
	for (uint32_t i = RV_PAGE_BEATS_FIRST; i < RV_PAGE_BEATS_END; i += 64) {
		make_honest();
		head()->beats_at = i;
		CU_ASSERT_TRUE(rv_page_check(page, &pid, &at));
		CU_ASSERT_EQUAL(at, i);
	}
}

static bool
is_text(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	return len < size && rv_utf8_valid(text, len) == len &&
	       memchr(text, 27, len) == NULL;
}

/* What rv_page_trouble promises. */
static bool
is_sane(const struct rv_page_trouble *t)
{
	bool good = t->n_threads <= RV_PAGE_THREADS &&
		    t->n_registers <= RV_PAGE_REGISTERS &&
		    t->n_maps <= RV_PAGE_MAPS && t->sys_errno >= 0 &&
		    t->kind >= 1 && t->kind <= 5 &&
		    is_text(t->type, sizeof(t->type)) &&
		    is_text(t->message, sizeof(t->message)) &&
		    is_text(t->data, sizeof(t->data)) &&
		    is_text(t->cause_type, sizeof(t->cause_type)) &&
		    is_text(t->cause_message, sizeof(t->cause_message)) &&
		    rv_utf8_valid(t->maps, t->n_maps) == t->n_maps;

	for (uint32_t i = 0; good && i < RV_PAGE_THREADS; i++) {
		const struct rv_page_thread *thread = &t->threads[i];

		good = thread->n_frames <= RV_PAGE_FRAMES &&
		       thread->exact <= 1 &&
		       is_text(thread->name, sizeof(thread->name)) &&
		       (i < t->n_threads || thread->n_frames == 0);
	}
	return good;
}

RV_TEST(whatever_a_field_says_the_copy_is_sane)
{
	static const unsigned char fills[] = { 0x00, 0x01, 0x7f, 0x80, 0xc3,
		0xff, '\n', 27 };
	const char *path;
	size_t len;
	uint64_t offset;

	for (size_t f = 0; f < sizeof(fills); f++) {
		for (size_t i = 0; i < sizeof(out); i += 4) {
			make_honest();
			memset(page + RV_PAGE_TROUBLE_AT + i, fills[f], 4);
			if (rv_page_trouble(page, &out) && !is_sane(&out)) {
				CU_FAIL("it is not sane");
				return;
			}
			rv_page_resolve(
			    &out, 0x7f0000000010, &path, &len, &offset);
		}
		make_honest();
		memset(
		    page + RV_PAGE_TROUBLE_AT + 12, fills[f], sizeof(out) - 12);
		CU_ASSERT_TRUE(rv_page_trouble(page, &out) && is_sane(&out));
		memset(page + RV_PAGE_REASON_AT, fills[f], 256);
		{
			char reason[RV_PAGE_REASON_BYTES];

			rv_page_reason(page, reason);
			CU_ASSERT_TRUE(is_text(reason, sizeof(reason)));
		}
	}
}

RV_TEST(texts_are_mended_not_lost)
{
	make_honest();
	memcpy(trouble()->message,
	    "a\xff"
	    "b\x1b[1m\xc3\xa4\xc3",
	    11);
	rv_page_trouble(page, &out);
	CU_ASSERT_STRING_EQUAL(out.message, "a?b [1m\xc3\xa4?");
	/* Full to the end: the cut is between characters. */
	for (size_t i = 0; i < sizeof(trouble()->type); i += 2) {
		memcpy(trouble()->type + i, "\xc3\xa4", 2);
	}
	rv_page_trouble(page, &out);
	CU_ASSERT_EQUAL(strlen(out.type), sizeof(out.type) - 2);
	/* What stands behind the end is gone. */
	memcpy(trouble()->data, "1\0secret", 8);
	rv_page_trouble(page, &out);
	CU_ASSERT_EQUAL(out.data[2], '\0');
}

RV_TEST(addresses_are_found_in_their_files)
{
	static const struct {
		uint64_t address;
		const char *path;
		uint64_t offset;
	} cases[] = {
		{ 0x55d000001000, "/usr/bin/app", 0x1000 },
		{ 0x55d000001fff, "/usr/bin/app", 0x1fff },
		{ 0x55d000002000, NULL, 0 },
		{ 0x55d000000fff, NULL, 0 },
		{ 0x7f0000000010, "/usr/lib/libc so.6", 0x26010 },
		{ 0x7ffd00000001, "[vdso]", 1 },
		{ 0, NULL, 0 },
		{ UINT64_MAX, NULL, 0 },
	};

	make_honest();
	CU_ASSERT_FATAL(rv_page_trouble(page, &out));
	for (size_t i = 0; i < RV_ARRAY_LEN(cases); i++) {
		const char *path = NULL;
		size_t len = 0;
		uint64_t offset = 1;
		bool found = rv_page_resolve(
		    &out, cases[i].address, &path, &len, &offset);

		CU_ASSERT_EQUAL(found, cases[i].path != NULL);
		if (found && cases[i].path != NULL) {
			CU_ASSERT_EQUAL(offset, cases[i].offset);
			CU_ASSERT_EQUAL(len, strlen(cases[i].path));
			CU_ASSERT_EQUAL(memcmp(path, cases[i].path, len), 0);
		}
	}
}

RV_TEST(lines_of_maps_that_are_wrong_are_passed_over)
{
	static const char *const bad[] = { "", "\n", "-", "1-2", "1-2 3",
		"0-f 0 \n", "0-f 0 /x", "0-g 0 /x\n", "0 f 0 /x\n",
		"0-ffffffffffffffff0 0 /x\n", " 0-f 0 /x\n", "0-f0 /x\n",
		"0-f\n0 /x\n", "8-f 0 /x\n", "0-7 0 /x\n" };
	const char *path;
	size_t len;
	uint64_t offset;

	make_honest();
	rv_page_trouble(page, &out);
	for (size_t i = 0; i < RV_ARRAY_LEN(bad); i++) {
		out.n_maps = (uint32_t)strlen(bad[i]);
		memcpy(out.maps, bad[i], out.n_maps);
		CU_ASSERT_FALSE(rv_page_resolve(&out, 7, &path, &len, &offset));
		memcpy(out.maps + out.n_maps, "\n0-f 0 /good\n", 13);
		out.n_maps += 13;
		CU_ASSERT_TRUE(rv_page_resolve(&out, 7, &path, &len, &offset));
	}
}

RV_SUITE(page, RV_CASE(an_honest_page_is_read_as_it_is),
    RV_CASE(a_page_without_trouble_says_so), RV_CASE(a_forged_head_is_no_page),
    RV_CASE(whatever_a_field_says_the_copy_is_sane),
    RV_CASE(texts_are_mended_not_lost),
    RV_CASE(addresses_are_found_in_their_files),
    RV_CASE(lines_of_maps_that_are_wrong_are_passed_over))
