/* SPDX-License-Identifier: MIT */
/* The ring: what is written is read, once, whole, whoever dies when. */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "journal/journal.h"
#include "lib/harness.h"
#include "sys/sys.h"
#include "wire/ring.h"

#define SMALL (64 * 1024)

struct rig {
	struct rv_journal *journal;
	struct rv_ring ring; /* as a reader sees it */
	void *map;
	size_t size;
};

static void
rig_map(struct rig *rig, int fd)
{
	struct stat st;
	struct reeve_error err;

	CU_ASSERT_EQUAL_FATAL(fstat(fd, &st), 0);
	rig->size = (size_t)st.st_size;
	rig->map = rv_sys_mmap_shared(fd, rig->size, true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(rig->map);
	CU_ASSERT_EQUAL_FATAL(
	    rv_ring_attach(&rig->ring, rig->map, rig->size, &err), REEVE_OK);
}

static enum reeve_status
try_open(struct rig *rig, size_t size, const char *run)
{
	struct rv_journal_options options = {
		.dir = rv_test_dir(),
		.run_id = run,
		.size = size,
		.max_units = 4,
		.version = "1.2.3",
		.config_digest = "0123456789abcdef",
		.config_text = "{\"name\":\"x\"}",
		.hostname = "here",
		.boot_id = "boot",
		.started_at_us = 77,
	};
	struct reeve_error err;

	return rv_journal_create(&rig->journal, &options, &err);
}

static void
rig_open(struct rig *rig, size_t size)
{
	*rig = (struct rig){ 0 };
	CU_ASSERT_EQUAL_FATAL(try_open(rig, size, "run"), REEVE_OK);
	rig_map(rig, rv_journal_ring_fd(rig->journal));
	rv_journal_set_first_id(rig->journal, 100);
}

static void
rig_close(struct rig *rig)
{
	char path[256];

	munmap(rig->map, rig->size);
	rv_journal_close(rig->journal);
	snprintf(path, sizeof(path), "%s/ring-run", rv_test_dir());
	unlink(path);
}

/* A record with a text of `len` bytes, numbered. */
static uint64_t
say(struct rv_journal *journal, enum rv_kind_of_event kind, int64_t number,
    size_t len, uint32_t unit)
{
	static char text[RV_RECORD_MAX];
	struct rv_fields fields = { 0 };
	struct rv_record record = {
		.kind = kind,
		.life = 7,
		.path = "web/app",
		.path_len = 7,
		.fields = &fields,
	};

	rv_fields_int(&fields, RV_KEY_COUNT, number);
	if (len > 0) {
		memset(text, 'a' + (int)(number % 26), len);
		text[len] = '\0';
		rv_fields_str(&fields, RV_KEY_TEXT, text);
	}
	return rv_journal_record(journal, &record, unit);
}

/* -1: it tells of drops. */
static int64_t
number_of(const void *payload, size_t len)
{
	struct rv_record record;
	struct rv_fields fields;

	CU_ASSERT_EQUAL_FATAL(
	    rv_record_decode(&record, &fields, payload, len), REEVE_OK);
	if (record.kind == RV_KIND_CLERK_DROPPED) {
		return -1;
	}
	CU_ASSERT_EQUAL(record.life, 7);
	return fields.f[0].v.i;
}

/* As the clerk: read all there is and free it; how many. */
static unsigned
drain(struct rig *rig)
{
	struct rv_ring_cursor at;
	const void *payload;
	size_t len;
	unsigned n = 0;
	int got;

	CU_ASSERT(rv_ring_begin(&rig->ring, &at));
	while ((got = rv_ring_next(&rig->ring, &at, &payload, &len)) == 1) {
		n++;
	}
	CU_ASSERT_EQUAL(got, 0);
	rv_ring_release(&rig->ring, &at);
	return n;
}

RV_TEST(the_header_tells_of_the_run)
{
	struct rig rig;

	rig_open(&rig, SMALL);
	CU_ASSERT_EQUAL(rig.ring.header->pid, getpid());
	CU_ASSERT_STRING_EQUAL(rig.ring.header->run_id, "run");
	CU_ASSERT_STRING_EQUAL(rig.ring.header->hostname, "here");
	CU_ASSERT_STRING_EQUAL(rig.ring.header->reeve, "1.2.3");
	CU_ASSERT_EQUAL(rig.ring.header->started_at_us, 77);
	CU_ASSERT_EQUAL(rig.ring.config_len, 12);
	CU_ASSERT_EQUAL(memcmp(rig.ring.config, "{\"name\":\"x\"}", 12), 0);
	CU_ASSERT_EQUAL(rv_ring_first_id(&rig.ring), 100);
	rig_close(&rig);
}

RV_TEST(a_ring_of_the_same_run_is_not_overwritten)
{
	struct rig rig, other = { 0 };

	rig_open(&rig, SMALL);
	CU_ASSERT_NOT_EQUAL(try_open(&other, SMALL, "run"), REEVE_OK);
	rig_close(&rig);
}

RV_TEST(a_record_comes_back_as_it_was)
{
	struct rig rig;
	struct rv_fields fields = { 0 }, back;
	struct rv_record record = { .kind = RV_KIND_WORKER_EXITED,
		.life = 42,
		.path = "a/b",
		.path_len = 3,
		.fields = &fields };
	struct rv_buf detail;

	rv_fields_int(&fields, RV_KEY_PID, -5);
	rv_fields_bool(&fields, RV_KEY_CORE, true);
	rv_fields_str(&fields, RV_KEY_TEXT, "say \"x\"\n");
	rv_fields_json(&fields, RV_KEY_NAMES, "[1,2]");
	rig_open(&rig, SMALL);
	CU_ASSERT_EQUAL(
	    rv_journal_record(rig.journal, &record, UINT32_MAX), 100);
	CU_ASSERT_EQUAL_FATAL(
	    rv_journal_read(rig.journal, 100, &record, &back), REEVE_OK);
	CU_ASSERT_EQUAL(record.life, 42);
	CU_ASSERT_EQUAL(record.id, 100);
	CU_ASSERT_EQUAL(record.path_len, 3);
	CU_ASSERT_EQUAL(memcmp(record.path, "a/b", 3), 0);
	CU_ASSERT_EQUAL(record.kind, RV_KIND_WORKER_EXITED);
	rv_buf_init(&detail, 1000);
	rv_record_detail(&record, &detail);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&detail),
	    "{\"pid\":-5,\"core_dumped\":true,\"text\":\"say \\\"x\\\"\\n\","
	    "\"names\":[1,2]}");
	rv_buf_finish(&detail);
	rig_close(&rig);
}

RV_TEST(a_cut_or_changed_record_is_refused)
{
	struct rv_fields fields = { 0 }, back;
	struct rv_record record = {
		.path = "p", .path_len = 1, .fields = &fields
	};
	char bytes[256], copy[256];
	size_t len;

	rv_fields_int(&fields, RV_KEY_PID, 1);
	rv_fields_str(&fields, RV_KEY_TEXT, "text");
	len = rv_record_size(&record);
	rv_record_encode(&record, bytes);
	for (size_t i = 0; i < len; i++) {
		memcpy(copy, bytes, i);
		CU_ASSERT_EQUAL(
		    rv_record_decode(&record, &back, copy, i), REEVE_EDAMAGED);
	}
	record.fields = &fields;
	CU_ASSERT_EQUAL(rv_record_decode(&record, &back, bytes, len), REEVE_OK);
}

RV_TEST(laps_of_every_size_come_out_in_order)
{
	for (size_t size = 0; size < 200; size += 7) {
		struct rig rig;
		struct rv_ring_cursor at;
		const void *payload;
		size_t len;

		rig_open(&rig, SMALL);
		CU_ASSERT(rv_ring_begin(&rig.ring, &at));
		for (int64_t i = 1; i <= 1500; i++) {
			size_t text = (size + (size_t)i * 13) % 3000;

			CU_ASSERT_EQUAL_FATAL(
			    say(rig.journal, RV_KIND_WORKER_READY, i, text, 0),
			    99 + (uint64_t)i);
			CU_ASSERT_EQUAL_FATAL(
			    rv_ring_next(&rig.ring, &at, &payload, &len), 1);
			CU_ASSERT_EQUAL_FATAL(number_of(payload, len), i);
			rv_ring_release(&rig.ring, &at);
		}
		CU_ASSERT_EQUAL(
		    rv_ring_next(&rig.ring, &at, &payload, &len), 0);
		rig_close(&rig);
	}
}

RV_TEST(the_writer_keeps_little_of_the_ring_in_its_memory)
{
	const size_t size = (size_t)1024 * 1024;
	struct rv_ring_header *header;
	struct rig rig;

	rig_open(&rig, size);
	header = rig.ring.header;
	/* Not at once where much is written, but by what comes later. */
	for (int64_t i = 1; header->head < 3 * size ||
			    rv_test_rss_kib("rw-s", "/ring-run") >= 128;
	     i++) {
		CU_ASSERT_FATAL(
		    say(rig.journal, RV_KIND_WORKER_READY, i, 2000, 0) != 0);
		__atomic_store_n(&header->tail, header->head, __ATOMIC_RELEASE);
	}
	rig_close(&rig);
}

RV_TEST(chatter_gives_way_first_and_deaths_last)
{
	static const struct {
		enum rv_kind_of_event kind;
		double at_least; /* of the ring is used when it is refused */
	} cases[] = {
		{ RV_KIND_WORKER_STATUS, 0.70 },
		{ RV_KIND_WORKER_READY, 0.83 },
		{ RV_KIND_WORKER_EXITED, 0.97 },
	};
	struct rig rig;
	uint64_t used = 0;

	rig_open(&rig, SMALL);
	for (size_t i = 0; i < RV_ARRAY_LEN(cases); i++) {
		for (int n = 0; say(rig.journal, cases[i].kind, n, 50, 1) != 0;
		     n++) {
		}
		used = rig.ring.header->head - rig.ring.header->tail;
		CU_ASSERT((double)used / SMALL > cases[i].at_least);
	}
	CU_ASSERT(used < SMALL);
	rig_close(&rig);
}

static unsigned
count_kind(struct rig *rig, unsigned kind, int64_t *count)
{
	struct rv_record record;
	struct rv_fields fields;
	unsigned n = 0;
	uint64_t id = rv_journal_oldest(rig->journal);

	for (; rv_journal_read(rig->journal, id, &record, &fields) == REEVE_OK;
	     id = record.id + 1) {
		if (record.kind == kind) {
			n++;
			*count = fields.f[0].v.i;
		}
	}
	return n;
}

RV_TEST(what_was_dropped_is_recorded_when_there_is_room)
{
	struct rig rig;
	struct rv_ring_drop folded;
	int64_t count = 0;

	rig_open(&rig, SMALL);
	while (say(rig.journal, RV_KIND_WORKER_EXITED, 0, 50, 1) != 0) {
	}
	for (int i = 0; i < 9; i++) {
		CU_ASSERT_EQUAL(
		    say(rig.journal, RV_KIND_WORKER_EXITED, 0, 50, 1), 0);
	}
	CU_ASSERT(rv_ring_drop(&rig.ring, RV_RING_KINDS + 1, &folded));
	CU_ASSERT_EQUAL(folded.count, 10);
	CU_ASSERT_STRING_EQUAL(folded.path, "web/app");
	CU_ASSERT(folded.first_us <= folded.last_us);
	drain(&rig);
	CU_ASSERT_NOT_EQUAL(say(rig.journal, RV_KIND_WORKER_READY, 0, 0, 1), 0);
	CU_ASSERT_EQUAL(count_kind(&rig, RV_KIND_CLERK_DROPPED, &count), 1);
	CU_ASSERT_EQUAL(count, 10);
	CU_ASSERT(rv_ring_drop(&rig.ring, RV_RING_KINDS + 1, &folded));
	CU_ASSERT_EQUAL(folded.count, 0);
	rig_close(&rig);
}

RV_TEST(ids_have_no_gap_where_records_were_dropped)
{
	struct rig rig;
	uint64_t last = 0, id;

	rig_open(&rig, SMALL);
	while ((id = say(rig.journal, RV_KIND_WORKER_STATUS, 0, 50, 1)) != 0) {
		last = id;
	}
	CU_ASSERT_EQUAL(
	    say(rig.journal, RV_KIND_WORKER_EXITED, 0, 0, 1), last + 1);
	rig_close(&rig);
}

RV_TEST(a_tail_that_cannot_be_is_not_believed)
{
	static const uint64_t tails[] = { UINT64_MAX, 1, 1u << 30 };

	for (size_t i = 0; i < RV_ARRAY_LEN(tails); i++) {
		struct rig rig;

		rig_open(&rig, SMALL);
		while (say(rig.journal, RV_KIND_WORKER_EXITED, 0, 50, 1)) {
		}
		rig.ring.header->tail = tails[i];
		CU_ASSERT_EQUAL(
		    say(rig.journal, RV_KIND_WORKER_EXITED, 0, 50, 1), 0);
		rig_close(&rig);
	}
}

RV_TEST(history_can_be_read_until_it_is_overwritten)
{
	struct rig rig;
	struct rv_record record;
	struct rv_fields fields;
	uint64_t oldest;

	rig_open(&rig, SMALL);
	for (int64_t i = 0; i < 20000; i++) {
		CU_ASSERT_NOT_EQUAL_FATAL(say(rig.journal, RV_KIND_WORKER_READY,
					      i, (size_t)i * 31 % 90, 0),
		    0);
		if (i % 50 == 49) {
			drain(&rig);
		}
	}
	oldest = rv_journal_oldest(rig.journal);
	CU_ASSERT(oldest > 100);
	CU_ASSERT_EQUAL(
	    rv_journal_read(rig.journal, oldest - 1, &record, &fields),
	    REEVE_ETOOOLD);
	CU_ASSERT_EQUAL(rv_journal_next(rig.journal), 20100);
	for (uint64_t id = 20099; id >= oldest; id--) {
		CU_ASSERT_EQUAL_FATAL(
		    rv_journal_read(rig.journal, id, &record, &fields),
		    REEVE_OK);
		CU_ASSERT_EQUAL_FATAL(fields.f[0].v.i, (int64_t)id - 100);
	}
	CU_ASSERT(20100 - oldest > 300);
	CU_ASSERT_EQUAL(rv_journal_read(rig.journal, 20100, &record, &fields),
	    REEVE_EAGAIN);
	CU_ASSERT_EQUAL(rv_journal_committed(rig.journal), 20100);
	rig_close(&rig);
}

RV_TEST(a_sleeping_clerk_is_woken_once_a_turn)
{
	struct rig rig;
	struct rv_ring_cursor at;
	struct pollfd p = { .events = POLLIN };
	uint64_t n = 0;

	rig_open(&rig, SMALL);
	p.fd = rv_journal_wake_fd(rig.journal);
	say(rig.journal, RV_KIND_WORKER_READY, 1, 0, 0);
	rv_journal_wake(rig.journal);
	CU_ASSERT_EQUAL(poll(&p, 1, 0), 0); /* it did not sleep */
	drain(&rig);
	CU_ASSERT(rv_ring_begin(&rig.ring, &at));
	CU_ASSERT(rv_ring_sleep(&rig.ring, &at));
	rv_journal_wake(rig.journal);
	CU_ASSERT_EQUAL(poll(&p, 1, 0), 0); /* nothing is new */
	say(rig.journal, RV_KIND_WORKER_READY, 2, 0, 0);
	say(rig.journal, RV_KIND_WORKER_READY, 3, 0, 0);
	rv_journal_wake(rig.journal);
	rv_journal_wake(rig.journal);
	CU_ASSERT_EQUAL(read(p.fd, &n, sizeof(n)), (ssize_t)sizeof(n));
	CU_ASSERT_EQUAL(n, 1);
	/* and does not fall asleep over what is there */
	CU_ASSERT_FALSE(rv_ring_sleep(&rig.ring, &at));
	rig_close(&rig);
}

/* The writer of the tests below: writes until it is killed. */
static void
write_for_ever(size_t size)
{
	struct rig rig;

	rig_open(&rig, size);
	for (int64_t i = 1;; i++) {
		while (say(rig.journal, RV_KIND_WORKER_EXITED, i,
			   (size_t)i * 37 % 600, 0) == 0) {
		}
	}
}

static int
wait_for_ring(const char *path)
{
	int fd;

	for (;;) {
		struct stat st;

		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > SMALL) {
			uint64_t magic = 0;

			if (pread(fd, &magic, sizeof(magic), 0) ==
				(ssize_t)sizeof(magic) &&
			    magic == RV_RING_MAGIC) {
				return fd;
			}
		}
		if (fd >= 0) {
			close(fd);
		}
	}
}

RV_TEST(a_writer_killed_at_any_instant_leaves_a_whole_prefix)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/ring-run", rv_test_dir());
	for (unsigned round = 0; round < 300; round++) {
		struct rig rig = { 0 };
		struct rv_ring_cursor at;
		const void *payload;
		size_t len;
		int64_t expected = 1, wanted = 1 + round * 61 % 1500;
		pid_t pid = fork();
		int fd, got, status;

		if (pid == 0) {
			write_for_ever(SMALL);
		}
		fd = wait_for_ring(path);
		rig_map(&rig, fd);
		close(fd);
		CU_ASSERT(rv_ring_begin(&rig.ring, &at));
		for (bool killed = false;;) {
			got = rv_ring_next(&rig.ring, &at, &payload, &len);
			if (got != 1 && killed) {
				break;
			}
			if (got == 1) {
				int64_t number = number_of(payload, len);

				if (number != -1) {
					CU_ASSERT_EQUAL_FATAL(number, expected);
					expected++;
				}
				rv_ring_release(&rig.ring, &at);
			}
			if (!killed && expected >= wanted) {
				kill(pid, SIGKILL);
				waitpid(pid, &status, 0);
				killed = true;
			}
		}
		CU_ASSERT_EQUAL(got, 0);
		CU_ASSERT(expected >= wanted);
		munmap(rig.map, rig.size);
		unlink(path);
	}
}

RV_TEST(damaged_headers_are_refused)
{
	struct rig rig;
	struct rv_ring ring;
	struct rv_ring_header *h, good;
	struct reeve_error err;

	rig_open(&rig, SMALL);
	h = rig.ring.header;
	good = *h;
	for (size_t size = 0; size < sizeof(good); size += 8) {
		CU_ASSERT_NOT_EQUAL(
		    rv_ring_attach(&ring, h, size, &err), REEVE_OK);
	}
#define REFUSED(change)                                                \
	change;                                                        \
	CU_ASSERT_EQUAL(                                               \
	    rv_ring_attach(&ring, h, rig.size, &err), REEVE_EDAMAGED); \
	*h = good
	REFUSED(h->magic++);
	REFUSED(h->version++);
	REFUSED(h->capacity = UINT64_MAX & ~7ull);
	REFUSED(h->capacity += 8);
	REFUSED(h->capacity = 64);
	REFUSED(h->data_offset = 8);
	REFUSED(h->data_offset++);
	REFUSED(h->data_offset = UINT32_MAX & ~7u);
	REFUSED(h->n_folds = UINT32_MAX);
	REFUSED(h->folds_offset = UINT64_MAX & ~7ull);
	REFUSED(h->config_offset = UINT64_MAX);
	REFUSED(h->config_len = UINT64_MAX);
	REFUSED(memset(h->hostname, 'x', sizeof(h->hostname)));
#undef REFUSED
	CU_ASSERT_EQUAL(rv_ring_attach(&ring, h, rig.size, &err), REEVE_OK);
	rig_close(&rig);
}

RV_TEST(a_flipped_byte_ends_the_chain)
{
	struct rig rig;
	struct rv_ring_cursor at;
	const void *payload;
	size_t len;

	rig_open(&rig, SMALL);
	say(rig.journal, RV_KIND_WORKER_READY, 1, 20, 0);
	say(rig.journal, RV_KIND_WORKER_READY, 2, 20, 0);
	rig.ring.data[40] ^= 1;
	CU_ASSERT(rv_ring_begin(&rig.ring, &at));
	CU_ASSERT_EQUAL(rv_ring_next(&rig.ring, &at, &payload, &len), -1);
	rig.ring.data[40] ^= 1;
	CU_ASSERT_EQUAL(rv_ring_next(&rig.ring, &at, &payload, &len), 1);
	rig_close(&rig);
}

RV_TEST(every_failing_call_is_survived)
{
	static const char *const points[] = { "alloc", "open", "mmap",
		"fallocate", "eventfd" };

	for (size_t i = 0; i < RV_ARRAY_LEN(points); i++) {
		for (unsigned n = 1; n < 4; n++) {
			struct rig rig = { 0 };
			char plan[64], run[64];

			snprintf(
			    plan, sizeof(plan), "%s@%u=ENOSPC", points[i], n);
			snprintf(run, sizeof(run), "%zu-%u", i, n);
			CU_ASSERT_TRUE_FATAL(rv_fault_set(plan));
			if (try_open(&rig, SMALL, run) == REEVE_OK) {
				rv_journal_close(rig.journal);
			}
			rv_fault_set(NULL);
		}
	}
}

RV_SUITE(journal, RV_CASE(the_header_tells_of_the_run),
    RV_CASE(a_ring_of_the_same_run_is_not_overwritten),
    RV_CASE(a_record_comes_back_as_it_was),
    RV_CASE(a_cut_or_changed_record_is_refused),
    RV_CASE(laps_of_every_size_come_out_in_order),
    RV_CASE(the_writer_keeps_little_of_the_ring_in_its_memory),
    RV_CASE(chatter_gives_way_first_and_deaths_last),
    RV_CASE(what_was_dropped_is_recorded_when_there_is_room),
    RV_CASE(ids_have_no_gap_where_records_were_dropped),
    RV_CASE(a_tail_that_cannot_be_is_not_believed),
    RV_CASE(history_can_be_read_until_it_is_overwritten),
    RV_CASE(a_sleeping_clerk_is_woken_once_a_turn),
    RV_CASE(a_writer_killed_at_any_instant_leaves_a_whole_prefix),
    RV_CASE(damaged_headers_are_refused),
    RV_CASE(a_flipped_byte_ends_the_chain),
    RV_CASE(every_failing_call_is_survived))
