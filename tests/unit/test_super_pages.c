/* SPDX-License-Identifier: MIT */
/*
 * The pages of workers in the supervisor: which are taken, beats that are
 * stores, what a page tells at the end of a life, and that nothing of it can
 * hurt.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "child/stage.h"
#include "lib/harness.h"
#include "sys/sys.h"
#include "unit/super_rig.h"

#define WORKER(more) \
	"{ \"command\": \"/bin/true\", \"ready\": \"notify\"" more " }"
#define ONE(more) "\"children\": { \"web\": " WORKER(more) " }"

static void
open_up(struct super_rig *rig, const char *members)
{
	super_rig_open(rig, members);
	super_rig_up(rig, "web");
	CU_ASSERT(super_rig_is(rig, "web", RV_STATE_RUNNING));
	super_rig_forget(rig);
}

/* -------- taking -------- */

RV_TEST(a_page_is_mapped_and_its_slot_is_read)
{
	struct super_rig rig;
	unsigned char *page, slot[RV_PAGE_SLOT_BYTES];
	uint64_t life;
	unsigned fds;

	open_up(&rig, ONE(""));
	CU_ASSERT(!rv_super_slot(rig.super, super_rig_unit(&rig, "web"), slot));
	fds = rv_test_fds(getpid());
	page = super_rig_paged(&rig, "web");
	CU_ASSERT_EQUAL(rv_test_fds(getpid()), fds);
	memcpy(page + RV_PAGE_SLOT_AT, "busy", 5);
	CU_ASSERT(rv_super_slot(rig.super, super_rig_unit(&rig, "web"), slot));
	CU_ASSERT_STRING_EQUAL((char *)slot, "busy");
	life = super_rig_life(&rig, "web");
	CU_ASSERT_PTR_NULL(rv_super_last_slot(rig.super, life));
	super_rig_exit(&rig, "web", 1);
	CU_ASSERT(super_rig_said(&rig, "slot_free web \"busy\""));
	CU_ASSERT_PTR_NULL(rv_super_last_slot(rig.super, life));
	CU_ASSERT(!rv_super_slot(rig.super, super_rig_unit(&rig, "web"), slot));
	super_rig_page_free(page);
	super_rig_close(&rig);
}

static void
refuse(struct super_rig *rig, int fd, const char *why)
{
	unsigned fds = rv_test_fds(getpid());
	unsigned char slot[RV_PAGE_SLOT_BYTES];

	super_rig_forget(rig);
	rv_super_start_ops.paged(rig->super, super_rig_life(rig, "web"), fd);
	CU_ASSERT_EQUAL(rv_test_fds(getpid()), fds - 1);
	CU_ASSERT(super_rig_said(rig, why));
	CU_ASSERT(super_rig_said(rig, "protocol.violation web"));
	CU_ASSERT(!rv_super_slot(rig->super, super_rig_unit(rig, "web"), slot));
}

RV_TEST(what_is_no_page_of_ours_is_refused)
{
	struct super_rig rig;
	unsigned char *page;
	int fd;

	open_up(&rig, ONE(""));
	refuse(&rig, open("/dev/null", O_RDONLY | O_CLOEXEC), "another size");
	fd = memfd_create("small", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	refuse(&rig, fd, "another size");
	fd = memfd_create("open", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	CU_ASSERT_EQUAL(ftruncate(fd, RV_PAGE_BYTES), 0);
	refuse(&rig, fd, "not sealed");
	page = super_rig_page(&fd);
	memset(page, 0, sizeof(struct rv_page_head));
	refuse(&rig, fd, "none of ours");
	super_rig_page_free(page);
	super_rig_close(&rig);
}

RV_TEST(a_page_that_comes_again_is_the_one_that_is_known)
{
	struct super_rig rig;
	unsigned char *page, slot[RV_PAGE_SLOT_BYTES];
	unsigned fds;
	int fd, again;

	open_up(&rig, ONE(""));
	page = super_rig_page(&fd);
	again = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	page[RV_PAGE_SLOT_AT] = 1;
	fds = rv_test_fds(getpid());
	rv_super_start_ops.paged(rig.super, super_rig_life(&rig, "web"), fd);
	rv_super_start_ops.paged(rig.super, super_rig_life(&rig, "web"), again);
	CU_ASSERT_EQUAL(rv_test_fds(getpid()), fds - 2);
	CU_ASSERT(!super_rig_said(&rig, "protocol.violation"));
	CU_ASSERT(rv_super_slot(rig.super, super_rig_unit(&rig, "web"), slot));
	CU_ASSERT_EQUAL(slot[0], 1);
	super_rig_page_free(page);
	super_rig_close(&rig);
}

RV_TEST(the_last_page_of_a_life_counts)
{
	struct super_rig rig;
	unsigned char *page, *second, slot[RV_PAGE_SLOT_BYTES];

	open_up(&rig, ONE(""));
	page = super_rig_paged(&rig, "web");
	page[RV_PAGE_SLOT_AT] = 1;
	second = super_rig_paged(&rig, "web");
	second[RV_PAGE_SLOT_AT] = 2;
	CU_ASSERT(!super_rig_said(&rig, "protocol.violation"));
	CU_ASSERT(rv_super_slot(rig.super, super_rig_unit(&rig, "web"), slot));
	CU_ASSERT_EQUAL(slot[0], 2);
	/* One that is none changes nothing. */
	rv_super_start_ops.paged(rig.super, super_rig_life(&rig, "web"),
	    open("/dev/null", O_RDONLY | O_CLOEXEC));
	CU_ASSERT(super_rig_said(&rig, "protocol.violation web"));
	CU_ASSERT(rv_super_slot(rig.super, super_rig_unit(&rig, "web"), slot));
	CU_ASSERT_EQUAL(slot[0], 2);
	super_rig_page_free(page);
	super_rig_page_free(second);
	super_rig_close(&rig);
}

RV_TEST(a_page_of_no_life_is_closed)
{
	struct super_rig rig;
	unsigned char *page;
	unsigned fds;
	int fd;

	open_up(&rig, ONE(""));
	fds = rv_test_fds(getpid());
	page = super_rig_page(&fd);
	rv_super_start_ops.paged(rig.super, 4711, fd);
	CU_ASSERT_EQUAL(rv_test_fds(getpid()), fds);
	super_rig_page_free(page);
	super_rig_close(&rig);
}

/* -------- beating -------- */

#define BEATS(action)                                                    \
	ONE(", \"heartbeat\": { \"interval\": \"40ms\", \"misses\": 3, " \
	    "\"action\": \"" action "\" }")

/* Beats for so long; what is heard of it goes to the rig. */
static void
beat_for(struct super_rig *rig, unsigned char *page, int ms)
{
	rv_time until = rv_loop_now(rig->loop) + ms * RV_MS;
	struct reeve_error err;

	while (rv_loop_now(rig->loop) < until) {
		++*super_rig_beats(page);
		CU_ASSERT_EQUAL(rv_loop_dispatch(rig->loop,
				    rv_loop_now(rig->loop) + 10 * RV_MS, &err),
		    REEVE_OK);
	}
}

RV_TEST(who_beats_in_its_page_is_left_alone_until_it_stops)
{
	struct super_rig rig;
	unsigned char *page;
	struct rv_unit_info info;
	rv_time since = rv_sys_now();

	open_up(&rig, BEATS("restart"));
	page = super_rig_paged(&rig, "web");
	beat_for(&rig, page, 400);
	CU_ASSERT_EQUAL(super_rig_count(&rig, "unresponsive"), 0);
	CU_ASSERT(super_rig_is(&rig, "web", RV_STATE_RUNNING));
	rv_super_info(rig.super, super_rig_unit(&rig, "web"), &info);
	CU_ASSERT(info.beat_age_ms >= 0 &&
		  info.beat_age_ms < (rv_sys_now() - since) / RV_MS - 200);
	CU_ASSERT(super_rig_await(&rig, "worker.unresponsive web", 5000));
	CU_ASSERT(super_rig_said(&rig, "probe web"));
	CU_ASSERT(super_rig_said(&rig, "signal web 15"));
	super_rig_page_free(page);
	super_rig_close(&rig);
}

RV_TEST(who_was_only_reported_recovers_by_a_beat)
{
	struct super_rig rig;
	unsigned char *page;

	open_up(&rig, BEATS("report"));
	page = super_rig_paged(&rig, "web");
	CU_ASSERT(super_rig_await(&rig, "worker.unresponsive web", 5000));
	CU_ASSERT(super_rig_is(&rig, "web", RV_STATE_RUNNING));
	++*super_rig_beats(page);
	CU_ASSERT(super_rig_await(&rig, "worker.recovered web", 5000));
	CU_ASSERT(super_rig_await(&rig, "worker.unresponsive silent", 5000));
	super_rig_page_free(page);
	super_rig_close(&rig);
}

RV_TEST(nothing_wakes_up_where_nobody_must_beat)
{
	struct super_rig rig;
	unsigned char *page;

	open_up(&rig, ONE(""));
	rv_tick_disarm(&rig.super->boot_tick);
	page = super_rig_paged(&rig, "web");
	super_rig_turn(&rig);
	CU_ASSERT_EQUAL(rv_loop_deadline(rig.loop), RV_FOREVER);
	super_rig_page_free(page);
	super_rig_close(&rig);
}

#define EVERY(time) ", \"heartbeat\": { \"interval\": \"" time "\" }"
#define BOTH(web, b) \
	"\"children\": { \"web\": " WORKER(web) ", \"b\": " WORKER(b) " }"

RV_TEST(the_scan_ends_with_the_last_that_must_beat)
{
	struct super_rig rig;
	unsigned char *page, *other;

	super_rig_open(&rig, BOTH(EVERY("40ms"), EVERY("1h")));
	super_rig_up(&rig, "web");
	super_rig_up(&rig, "b");
	page = super_rig_paged(&rig, "web");
	other = super_rig_paged(&rig, "b");
	CU_ASSERT_EQUAL(rig.super->pages.n, 2);
	CU_ASSERT_EQUAL(rig.super->pages.period, 20 * RV_MS);
	super_rig_exit(&rig, "web", 1);
	CU_ASSERT_EQUAL(rig.super->pages.n, 1);
	super_rig_exit(&rig, "b", 1);
	CU_ASSERT_EQUAL(rig.super->pages.n, 0);
	CU_ASSERT_EQUAL(rig.super->pages.tick.heap_index, 0);
	super_rig_page_free(page);
	super_rig_page_free(other);
	super_rig_close(&rig);
}

RV_TEST(lives_are_exchanged_with_their_pages)
{
	struct super_rig rig;
	unsigned char *page, slot[RV_PAGE_SLOT_BYTES];
	struct rv_unit *web, *b;
	uint64_t life;

	super_rig_open(&rig, BOTH(EVERY("40ms"), ""));
	super_rig_up(&rig, "web");
	page = super_rig_paged(&rig, "web");
	page[RV_PAGE_SLOT_AT] = 7;
	web = super_rig_unit(&rig, "web");
	b = super_rig_unit(&rig, "b");
	CU_ASSERT(!rv_super_swap(rig.super, web, b));
	super_rig_up(&rig, "b");
	life = super_rig_life(&rig, "web");
	CU_ASSERT(rv_super_swap(rig.super, web, b));
	CU_ASSERT_EQUAL(super_rig_life(&rig, "b"), life);
	CU_ASSERT(rv_super_slot(rig.super, b, slot) && slot[0] == 7);
	CU_ASSERT(!rv_super_slot(rig.super, web, slot));
	CU_ASSERT_EQUAL(rig.super->pages.n, 0); /* b need not beat */
	CU_ASSERT(rv_super_swap(rig.super, web, b));
	CU_ASSERT_EQUAL(rig.super->pages.n, 1);
	super_rig_exit(&rig, "web", 3);
	CU_ASSERT(super_rig_said(&rig, "worker.exited web \"exit_code\":3"));
	super_rig_page_free(page);
	super_rig_close(&rig);
}

/* -------- exceptions -------- */

static struct rv_page_trouble *
trouble(unsigned char *page, enum rv_trouble_kind kind, const char *type,
    const char *message)
{
	struct rv_page_trouble *t = super_rig_trouble(page);

	t->kind = kind;
	t->number++;
	snprintf(t->type, sizeof(t->type), "%s", type);
	snprintf(t->message, sizeof(t->message), "%s", message);
	t->state = RV_TROUBLE_DONE;
	return t;
}

RV_TEST(only_of_a_page_that_must_beat_a_part_stays_in_memory)
{
	struct super_rig rig;
	unsigned char *page, *other, slot[RV_PAGE_SLOT_BYTES];

	super_rig_open(&rig, BOTH("", EVERY("1h")));
	super_rig_up(&rig, "web");
	super_rig_up(&rig, "b");
	super_rig_forget(&rig);
	page = super_rig_paged(&rig, "web");
	CU_ASSERT_EQUAL(rv_test_rss_kib("r--s", "memfd:page"), 0);
	CU_ASSERT(rv_super_slot(rig.super, super_rig_unit(&rig, "web"), slot));
	trouble(page, RV_TROUBLE_REPORTED, "a", "one");
	super_rig_notify(&rig, "web", RV_NOTIFY_TROUBLE);
	CU_ASSERT_EQUAL(super_rig_count(&rig, "worker.exception web"), 1);
	CU_ASSERT_EQUAL(rv_test_rss_kib("r--s", "memfd:page"), 0);
	other = super_rig_paged(&rig, "b");
	CU_ASSERT(rv_super_slot(rig.super, super_rig_unit(&rig, "b"), slot));
	trouble(other, RV_TROUBLE_REPORTED, "a", "one");
	super_rig_notify(&rig, "b", RV_NOTIFY_TROUBLE);
	CU_ASSERT(super_rig_said(&rig, "worker.exception b"));
	/* A look brings the first part back. */
	rv_pages_tell_beat(rv_node_of(super_rig_unit(&rig, "b")));
	CU_ASSERT_EQUAL(rv_test_rss_kib("r--s", "memfd:page"), 4);
	super_rig_page_free(page);
	super_rig_page_free(other);
	super_rig_close(&rig);
}

RV_TEST(a_raised_exception_is_the_reason_of_the_end)
{
	struct super_rig rig;
	unsigned char *page;
	struct rv_page_trouble *t;

	open_up(&rig, ONE(""));
	page = super_rig_paged(&rig, "web");
	t = trouble(page, RV_TROUBLE_RAISED, "db.Timeout", "no answer");
	t->sys_errno = ETIMEDOUT;
	snprintf(t->data, sizeof(t->data), "{\"host\":\"a\"}");
	snprintf(t->cause_type, sizeof(t->cause_type), "net.Error");
	snprintf(t->maps, sizeof(t->maps), "1000-2000 500 /lib/a.so\n");
	t->n_maps = (uint32_t)strlen(t->maps);
	t->n_threads = 1;
	t->threads[0] = (struct rv_page_thread){
		.tid = 9,
		.n_frames = 2,
		.exact = 1,
		.name = "main",
		.frames = { 0x1010, 0x9000 },
	};
	snprintf((char *)page + RV_PAGE_REASON_AT, RV_PAGE_REASON_BYTES,
	    "the database is gone");
	super_rig_exit(&rig, "web", 1);
	CU_ASSERT(super_rig_said(&rig, "exception web db.Timeout"));
	CU_ASSERT(super_rig_said(&rig,
	    "worker.exception web \"type\":\"db.Timeout\" "
	    "\"source\":\"raised\" \"errno\":\"ETIMEDOUT\" "
	    "\"data\":{\"host\":\"a\"} "
	    "\"caused_by\":{\"type\":\"net.Error\",\"message\":\"\"}"));
	CU_ASSERT(super_rig_said(&rig,
	    "\"frames\":[[0,1296],[-1,36864]] \"modules\":[\"/lib/a.so\"]"));
	CU_ASSERT(
	    super_rig_said(&rig, "worker.exited web \"reason\":\"exception\" "
				 "\"text\":\"the"));
	CU_ASSERT(strstr(rig.said, "worker.exception web") <
		  strstr(rig.said, "worker.exited web"));
	super_rig_page_free(page);
	super_rig_close(&rig);
}

RV_TEST(what_was_reported_is_told_once)
{
	struct super_rig rig;
	unsigned char *page;

	open_up(&rig, ONE(""));
	page = super_rig_paged(&rig, "web");
	trouble(page, RV_TROUBLE_REPORTED, "a", "first");
	super_rig_notify(&rig, "web", RV_NOTIFY_TROUBLE);
	super_rig_notify(&rig, "web", RV_NOTIFY_TROUBLE);
	CU_ASSERT_EQUAL(super_rig_count(&rig, "worker.exception web"), 1);
	trouble(page, RV_TROUBLE_REPORTED, "a", "second")->state =
	    RV_TROUBLE_WRITING;
	super_rig_notify(&rig, "web", RV_NOTIFY_TROUBLE);
	CU_ASSERT_EQUAL(super_rig_count(&rig, "worker.exception web"), 1);
	super_rig_exit(&rig, "web", 0); /* in the middle of it */
	CU_ASSERT_EQUAL(super_rig_count(&rig, "worker.exception web"), 2);
	CU_ASSERT(super_rig_said(&rig, "worker.exited \"reason\":\"exited\""));
	super_rig_page_free(page);
	super_rig_close(&rig);
}

/* All that were not told, if they were counted more than once, too. */
static unsigned long
count_dropped(const struct super_rig *rig)
{
	static const char line[] = "clerk.dropped web {\"count\":";
	unsigned long sum = 0;

	for (const char *at = rig->said; (at = strstr(at, line)) != NULL;) {
		at += strlen(line);
		sum += strtoul(at, NULL, 10);
	}
	return sum;
}

RV_TEST(a_flood_of_reports_is_bounded_and_counted)
{
	unsigned told;
	struct super_rig rig;
	unsigned char *page;

	open_up(&rig, ONE(""));
	page = super_rig_paged(&rig, "web");
	for (int i = 0; i < 1000; i++) {
		trouble(page, RV_TROUBLE_REPORTED, "a", "again");
		super_rig_notify(&rig, "web", RV_NOTIFY_TROUBLE);
	}
	super_rig_exit(&rig, "web", 0);
	told = super_rig_count(&rig, "worker.exception web \"source\"");
	CU_ASSERT(told < 40);
	CU_ASSERT(super_rig_said(
	    &rig, "clerk.dropped web \"kind\":\"worker.exception\""));
	/* The last one may be counted, and is told at the end all the same. */
	CU_ASSERT(told + count_dropped(&rig) >= 1000);
	CU_ASSERT(told + count_dropped(&rig) <= 1001);
	super_rig_page_free(page);
	super_rig_close(&rig);
}

RV_TEST(a_crash_says_what_the_kernel_said)
{
	struct super_rig rig;
	unsigned char *page;
	struct rv_page_trouble *t;

	open_up(&rig, ONE(""));
	page = super_rig_paged(&rig, "web");
	t = trouble(page, RV_TROUBLE_CRASHED, "forged", "");
	t->signo = SIGSEGV;
	t->code = SEGV_MAPERR;
	t->address = 0x10;
	t->n_registers = 1;
	t->registers[0] = 0xbeef;
	super_rig_signaled(&rig, "web", SIGSEGV);
	CU_ASSERT(super_rig_said(&rig,
	    "worker.exception web \"type\":\"SIGSEGV\" \"source\":\"crash\" "
	    "\"SIGSEGV (address not mapped) 0x10\" \"address\":\"0x10\" "
	    "\"signal\":11 \"0xbeef\""));
	CU_ASSERT(
	    super_rig_said(&rig, "worker.exited web \"reason\":\"signaled\""));
	super_rig_page_free(page);
	super_rig_close(&rig);
}

RV_TEST(a_backtrace_beyond_bounds_is_cut_and_says_so)
{
	struct super_rig rig;
	unsigned char *page;
	struct rv_page_trouble *t;
	size_t n = 0;

	open_up(&rig, ONE(""));
	page = super_rig_paged(&rig, "web");
	t = trouble(page, RV_TROUBLE_ABORTED, "", "");
	t->signo = SIGABRT;
	for (unsigned i = 0; n + 40 < sizeof(t->maps); i++) {
		n += (size_t)snprintf(t->maps + n, sizeof(t->maps) - n,
		    "%x000-%x000 0 /lib/%u\n", i, i + 1, i);
	}
	t->n_maps = (uint32_t)n;
	t->n_threads = RV_PAGE_THREADS;
	for (unsigned i = 0; i < RV_PAGE_THREADS * RV_PAGE_FRAMES; i++) {
		t->threads[i / RV_PAGE_FRAMES].n_frames = RV_PAGE_FRAMES;
		t->threads[i / RV_PAGE_FRAMES].frames[i % RV_PAGE_FRAMES] =
		    i * 0x1000 + 1;
	}
	super_rig_signaled(&rig, "web", SIGABRT);
	CU_ASSERT(super_rig_said(&rig,
	    "worker.exception \"abort\" \"cut\":true [0,1] [255,1] "
	    "[-1,1048577] \"/lib/255\""));
	CU_ASSERT_EQUAL(super_rig_count(&rig, "\"/lib/256\""), 0);
	super_rig_page_free(page);
	super_rig_close(&rig);
}

RV_TEST(a_function_that_is_not_found_is_a_failed_start)
{
	struct super_rig rig;
	unsigned char *page;
	struct rv_page_trouble *t;

	super_rig_open(&rig, ONE(", \"startretries\": 0"));
	rv_super_start_ops.launched(
	    rig.super, super_rig_life(&rig, "web"), 99, 1);
	page = super_rig_paged(&rig, "web");
	t = trouble(page, RV_TROUBLE_START, "", "no function \"app.x\" here");
	t->stage = RV_STAGE_FUNCTION;
	t->sys_errno = ENOENT;
	super_rig_exit(&rig, "web", 1);
	CU_ASSERT(super_rig_said(&rig,
	    "worker.exited web \"reason\":\"start finding its function: "
	    "\\\"app.x\\\" \"errno\":\"ENOENT\""));
	CU_ASSERT(super_rig_said(
	    &rig, "worker.exception web \"type\":\"reeve.Start\" \"start\""));
	CU_ASSERT(super_rig_is(&rig, "web", RV_STATE_FATAL));
	super_rig_page_free(page);
	super_rig_close(&rig);
}

RV_TEST(a_forged_page_hurts_nobody)
{
	struct super_rig rig;
	unsigned char *page;

	super_rig_open(&rig, ONE(", \"heartbeat\": { \"interval\": \"1h\" }"));
	for (unsigned seed = 1; seed < 60; seed++) {
		unsigned x = seed * 2654435761u;

		super_rig_up(&rig, "web");
		page = super_rig_paged(&rig, "web");
		for (size_t i = sizeof(struct rv_page_head); i < RV_PAGE_BYTES;
		     i++) {
			x = x * 1103515245u + 12345u;
			page[i] = (unsigned char)(x >> 16);
		}
		super_rig_trouble(page)->state = seed % 4;
		super_rig_trouble(page)->kind = seed % 7;
		super_rig_notify(&rig, "web", RV_NOTIFY_TROUBLE);
		super_rig_exit(&rig, "web", 1);
		rv_super_do(
		    rig.super, super_rig_unit(&rig, "web"), RV_VERB_START);
		super_rig_forget(&rig);
		super_rig_page_free(page);
	}
	super_rig_close(&rig);
}

RV_SUITE(super_pages, RV_CASE(a_page_is_mapped_and_its_slot_is_read),
    RV_CASE(what_is_no_page_of_ours_is_refused),
    RV_CASE(a_page_that_comes_again_is_the_one_that_is_known),
    RV_CASE(the_last_page_of_a_life_counts),
    RV_CASE(a_page_of_no_life_is_closed),
    RV_CASE(who_beats_in_its_page_is_left_alone_until_it_stops),
    RV_CASE(who_was_only_reported_recovers_by_a_beat),
    RV_CASE(nothing_wakes_up_where_nobody_must_beat),
    RV_CASE(the_scan_ends_with_the_last_that_must_beat),
    RV_CASE(lives_are_exchanged_with_their_pages),
    RV_CASE(only_of_a_page_that_must_beat_a_part_stays_in_memory),
    RV_CASE(a_raised_exception_is_the_reason_of_the_end),
    RV_CASE(what_was_reported_is_told_once),
    RV_CASE(a_flood_of_reports_is_bounded_and_counted),
    RV_CASE(a_crash_says_what_the_kernel_said),
    RV_CASE(a_backtrace_beyond_bounds_is_cut_and_says_so),
    RV_CASE(a_function_that_is_not_found_is_a_failed_start),
    RV_CASE(a_forged_page_hurts_nobody))
