/* SPDX-License-Identifier: MIT */
/* Records on their way into the database, whoever dies in between. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/harness.h"
#include "sys/sys.h"
#include "unit/clerk_rig.h"

static struct crig rig;

/* The ring of this run is still there. */
static bool
has_ring(const char *run_id)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/ring-%s", rig.run, run_id);
	return access(path, F_OK) == 0;
}

RV_TEST(what_is_recorded_stands_in_the_database)
{
	crig_init(&rig);
	crig_open(&rig, NULL);
	CU_ASSERT_EQUAL(rig.next_event, 1);
	CU_ASSERT_EQUAL(rig.next_life, 1);
	CU_ASSERT_EQUAL(rig.n_strays, 0);
	CU_ASSERT_EQUAL(rig.rings_drained, 0);
	CU_ASSERT_EQUAL(crig_note(&rig, "web/a"), 1);
	CU_ASSERT_EQUAL(crig_note(&rig, "web/b"), 2);
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events"), 2);
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT path FROM events WHERE id = 2"), "web/b");
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT kind FROM events WHERE id = 1"),
	    "signal.received");
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT detail FROM events WHERE id = 1"),
	    "{\"signal\":1}");
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT run_id FROM events WHERE id = 1"),
	    rig.run_id);
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT life_id FROM events WHERE id = 1"), -1);
	CU_ASSERT(crig_number(&rig, "SELECT at FROM events WHERE id = 1") >
		  INT64_C(1500000000000000));
	CU_ASSERT_EQUAL(crig_end(&rig), 0);
	crig_finish(&rig);
}

RV_TEST(a_run_has_a_row_and_an_end)
{
	char run_id[33];

	crig_init(&rig);
	crig_open(&rig, NULL);
	crig_note(&rig, "/");
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT ended_at FROM runs"), -1);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT pid FROM runs"), getpid());
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT hostname || version || config_digest ||"
			    " config FROM runs"),
	    "host0.10123456789abcdef{\"children\":{}}");
	snprintf(run_id, sizeof(run_id), "%s", rig.run_id);
	CU_ASSERT(has_ring(run_id));
	crig_stopped(&rig);
	CU_ASSERT_EQUAL(crig_end(&rig), 0);
	CU_ASSERT(!has_ring(run_id));
	CU_ASSERT(crig_number(&rig, "SELECT ended_at FROM runs") > 0);
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT end_reason FROM runs"), "asked");
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events"), 2);
	crig_finish(&rig);
}

RV_TEST(a_life_has_one_row_from_its_start_to_its_end)
{
	struct rv_fields fields = { 0 };

	crig_init(&rig);
	crig_open(&rig, NULL);
	crig_started(&rig, 7, "web", getpid());
	crig_sync(&rig);
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT pid FROM lives WHERE id = 7"), getpid());
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT start_method || path FROM lives"),
	    "spawnweb");
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT ready_at FROM lives"), -1);
	crig_record(&rig, RV_KIND_WORKER_READY, "web", 7, NULL);
	crig_exited(&rig, 7, "web", 3);
	crig_sync(&rig);
	CU_ASSERT(crig_number(&rig, "SELECT ready_at >= started_at AND ended_at"
				    " >= ready_at FROM lives") == 1);
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT exit_code * 1000000 + utime_us + stime_us"
			      " + max_rss_kib FROM lives"),
	    3006000);
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT end_reason FROM lives"), "exited");
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT signal FROM lives"), -1);
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT COUNT(*) FROM events WHERE life_id = 7"),
	    3);
	/* A signal, with a core. */
	crig_started(&rig, 8, "web", getpid());
	rv_fields_str(&fields, RV_KEY_REASON, "signaled");
	rv_fields_int(&fields, RV_KEY_SIGNAL, SIGSEGV);
	rv_fields_bool(&fields, RV_KEY_CORE, true);
	crig_record(&rig, RV_KIND_WORKER_EXITED, "web", 8, &fields);
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT signal * 10 + core_dumped"
					  " FROM lives WHERE id = 8"),
	    SIGSEGV * 10 + 1);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM lives"), 2);
	crig_finish(&rig);
}

RV_TEST(a_start_that_made_no_process_has_no_life)
{
	struct rv_fields fields = { 0 };

	crig_init(&rig);
	crig_open(&rig, NULL);
	rv_fields_str(&fields, RV_KEY_REASON, "start failed");
	rv_fields_str(&fields, RV_KEY_ERRNO, "ENOENT");
	crig_record(&rig, RV_KIND_WORKER_EXITED, "web", 5, &fields);
	/* This one was there, though nobody knows of its beginning. */
	crig_exited(&rig, 6, "web", 0);
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM lives"), 1);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT pid FROM lives"), 77);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events"), 2);
	crig_end(&rig);
	/* Its number is used all the same. */
	crig_open(&rig, NULL);
	CU_ASSERT_EQUAL(rig.next_life, 7);
	crig_finish(&rig);
}

RV_TEST(exceptions_have_a_table)
{
	struct rv_fields fields = { 0 };

	crig_init(&rig);
	crig_open(&rig, NULL);
	crig_started(&rig, 1, "web", getpid());
	rv_fields_str(&fields, RV_KEY_KIND, "ValueError");
	rv_fields_str(&fields, RV_KEY_MESSAGE, "not a \"number\"\xff");
	crig_record(&rig, RV_KIND_WORKER_EXCEPTION, "web", 1, &fields);
	crig_sync(&rig);
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig,
		"SELECT e.type || x.kind FROM exceptions e"
		" JOIN events x ON x.id = e.id WHERE e.life_id = 1"),
	    "ValueErrorworker.exception");
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT json_valid(data) FROM exceptions"), 1);
	crig_finish(&rig);
}

RV_TEST(a_supervisor_that_vanishes_is_recorded)
{
	char run_id[33];

	crig_init(&rig);
	crig_open(&rig, NULL);
	snprintf(run_id, sizeof(run_id), "%s", rig.run_id);
	crig_started(&rig, 1, "a", getpid());
	crig_started(&rig, 2, "b", getpid());
	crig_exited(&rig, 1, "a", 0);
	CU_ASSERT_EQUAL(crig_await(crig_vanish(&rig)), 0);
	CU_ASSERT(!has_ring(run_id));
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT kind FROM events WHERE id = 4"),
	    "runtime.lost");
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT json_extract(detail,"
					  " '$.lives') FROM events WHERE id=4"),
	    1);
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT end_reason FROM runs"), "lost");
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT end_reason FROM lives WHERE id = 2"),
	    "lost");
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT end_reason FROM lives WHERE id = 1"),
	    "exited");
	crig_open(&rig, NULL);
	CU_ASSERT_EQUAL(rig.next_event, 5);
	CU_ASSERT_EQUAL(rig.next_life, 3);
	crig_finish(&rig);
}

/*
 * A run whose supervisor and clerk are both dead: a child writes the ring and
 * dies. first_id 0: it was never told.
 */
static void
leave_ring(
    const char *name, uint64_t first_id, unsigned n, size_t size, bool stopped)
{
	pid_t pid = fork();
	int wstatus;

	if (pid == 0) {
		char boot_id[40];
		struct rv_journal_options options = { .dir = rig.run,
			.run_id = name,
			.size = size,
			.max_units = 4,
			.version = "0",
			.config_digest = "",
			.config_text = "",
			.hostname = "h",
			.boot_id = boot_id,
			.started_at_us = rv_sys_wall_us() };

		rv_sys_boot_id(boot_id);
		if (rv_journal_create(&rig.journal, &options, NULL) !=
		    REEVE_OK) {
			_exit(1);
		}
		if (first_id != 0) {
			rv_journal_set_first_id(rig.journal, first_id);
		}
		for (unsigned i = 0; i < n; i++) {
			crig_exited(&rig, 100 + i, name, 1);
		}
		if (stopped) {
			crig_stopped(&rig);
		}
		_exit(0);
	}
	CU_ASSERT_FATAL(pid > 0 && waitpid(pid, &wstatus, 0) == pid);
	CU_ASSERT_EQUAL(wstatus, 0);
}

/* The supervisor need not wait for it longer than a few seconds. */
static bool
are_drained(struct crig *r)
{
	(void)r;
	return !has_ring("aaaa") && !has_ring("bbbb") && !has_ring("cccc");
}

RV_TEST(rings_of_dead_runs_are_drained_first)
{
	crig_init(&rig);
	leave_ring("aaaa", 1, 2500, 1 << 20, false);
	leave_ring("bbbb", 2502, 10, 1 << 20, true);
	leave_ring("cccc", 0, 5, 1 << 20, false);
	crig_open(&rig, NULL);
	/* 2500 and runtime.lost; 10 and runtime.stopped; 5 and runtime.lost */
	CU_ASSERT_EQUAL(rig.next_event, 2501 + 11 + 6 + 1);
	CU_ASSERT_EQUAL(rig.next_life, 2600);
	CU_ASSERT(crig_wait(&rig, are_drained));
	CU_ASSERT_EQUAL(rig.rings_drained, 2);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events"), 2518);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT MAX(id) FROM events"), 2518);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT id FROM events WHERE kind ="
					  " 'runtime.lost' AND run_id='aaaa'"),
	    2501);
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT end_reason FROM runs WHERE id = 'bbbb'"),
	    "asked");
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT MIN(id) FROM events WHERE"
					  " run_id = 'cccc'"),
	    2513);
	crig_finish(&rig);
}

RV_TEST(deaths_that_were_folded_are_told)
{
	crig_init(&rig);
	/* More deaths than a small ring takes. */
	leave_ring("aaaa", 1, 1000, 16384, false);
	crig_open(&rig, NULL);
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT COUNT(*) FROM events WHERE kind ="
			      " 'clerk.dropped' AND path = 'aaaa'"),
	    1);
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT (SELECT json_extract(detail, '$.count')"
			      " FROM events WHERE kind = 'clerk.dropped') +"
			      " (SELECT COUNT(*) FROM events WHERE kind ="
			      " 'worker.exited')"),
	    1000);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT MAX(id) - COUNT(*) FROM"
					  " events"),
	    0);
	crig_finish(&rig);
}

RV_TEST(a_file_that_is_no_ring_is_put_aside)
{
	char path[200], aside[200];
	int fd;

	crig_init(&rig);
	snprintf(path, sizeof(path), "%s/ring-feed", rig.run);
	snprintf(aside, sizeof(aside), "%s/damaged-ring-feed", rig.run);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CU_ASSERT(ftruncate(fd, 100000) == 0);
	close(fd);
	crig_open(&rig, NULL);
	CU_ASSERT_EQUAL(rig.next_event, 1);
	CU_ASSERT(access(path, F_OK) == -1);
	CU_ASSERT(access(aside, F_OK) == 0);
	crig_sync(&rig); /* what it said beside being ready has come, too */
	CU_ASSERT_EQUAL(rig.n_disk_bad, 1);
	crig_finish(&rig);
}

RV_TEST(a_run_whose_machine_went_down_is_lost)
{
	crig_init(&rig);
	crig_open(&rig, NULL);
	crig_note(&rig, "/");
	crig_sync(&rig);
	crig_number(&rig, "INSERT INTO runs(id, started_at, pid) VALUES('old',"
			  " 5, 9)");
	crig_number(&rig, "INSERT INTO lives(id, run_id, path, pid, started_at)"
			  " VALUES(40, 'old', 'x', 3, 6)");
	crig_stopped(&rig);
	CU_ASSERT_EQUAL(crig_end(&rig), 0);
	crig_open(&rig, NULL);
	CU_ASSERT_EQUAL(rig.rings_drained, 1);
	CU_ASSERT_EQUAL(rig.next_event, 4);
	CU_ASSERT_EQUAL(rig.next_life, 41);
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT r.end_reason || l.end_reason || e.kind"
			    " FROM runs r, lives l, events e WHERE r.id = 'old'"
			    " AND l.run_id = 'old' AND e.run_id = 'old'"),
	    "lostlostruntime.lost");
	crig_finish(&rig);
}

RV_TEST(processes_that_outlived_their_run_are_told)
{
	pid_t child = fork();
	int wstatus;

	if (child == 0) {
		for (;;) {
			pause();
		}
	}
	crig_init(&rig);
	crig_open(&rig, NULL);
	crig_started(&rig, 1, "a", child);
	crig_started(&rig, 2, "b", 1);
	crig_started(&rig, 3, "c", child);
	crig_exited(&rig, 3, "c", 0);
	crig_number(&rig, "SELECT 1");
	CU_ASSERT_EQUAL(crig_await(crig_vanish(&rig)), 0);
	/* Life 2 has another start time than pid 1. */
	crig_number(&rig, "UPDATE events SET detail = '{\"start_ticks\":3}'"
			  " WHERE life_id = 2");
	crig_open(&rig, NULL);
	CU_ASSERT_EQUAL_FATAL(rig.n_strays, 1);
	CU_ASSERT_EQUAL(rig.strays[0].life, 1);
	CU_ASSERT_EQUAL(rig.strays[0].pid, child);
	CU_ASSERT_EQUAL(rig.strays[0].start_ticks, rv_sys_start_ticks(child));
	kill(child, SIGKILL);
	waitpid(child, &wstatus, 0);
	crig_stopped(&rig);
	crig_end(&rig);
	crig_open(&rig, NULL);
	CU_ASSERT_EQUAL(rig.n_strays, 0);
	crig_finish(&rig);
}

RV_TEST(views_answer)
{
	crig_init(&rig);
	crig_open(&rig, NULL);
	for (uint64_t i = 1; i <= 4; i++) {
		crig_started(&rig, i, "web", getpid());
		crig_record(&rig, RV_KIND_WORKER_READY, "web", i, NULL);
		if (i < 4) {
			crig_exited(&rig, i, "web", 1);
		}
	}
	crig_started(&rig, 9, "calm", getpid());
	crig_exited(&rig, 9, "calm", 0);
	crig_sync(&rig);
	crig_number(&rig, "UPDATE lives SET restarts_before = 1 WHERE id > 1");
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM crashes"), 3);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM flapping WHERE"
					  " path = 'web' AND bursts = 1 AND"
					  " crashes = 3"),
	    1);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM flapping"), 1);
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT COUNT(*) FROM downtime WHERE up_at >="
			      " down_at AND down_us >= 0"),
	    3);
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT SUM(restarts) FROM restarts_per_hour"
			      " WHERE path = 'web'"),
	    3);
	CU_ASSERT_EQUAL(crig_number(&rig, "PRAGMA user_version"), 1);
	crig_finish(&rig);
}

static bool
is_back(struct crig *r)
{
	return r->n_lost > 0 && r->n_ready > r->n_lost;
}

RV_TEST(a_new_clerk_goes_on_where_the_last_one_was)
{
	crig_init(&rig);
	crig_open(&rig, NULL);
	for (unsigned i = 0; i < 50; i++) {
		crig_note(&rig, "a");
	}
	crig_sync(&rig);
	kill(rv_clerk_pid(rig.link), SIGKILL);
	for (unsigned i = 0; i < 50; i++) {
		crig_note(&rig, "a");
	}
	CU_ASSERT(crig_wait(&rig, is_back));
	CU_ASSERT_EQUAL(rig.n_lost, 1);
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events"), 100);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT MAX(id) FROM events"), 100);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM runs"), 1);
	CU_ASSERT(rig.n_want >= 2);
	crig_finish(&rig);
}

RV_TEST(a_clerk_that_was_killed_before_it_began_is_replaced)
{
	crig_init(&rig);
	crig_start(&rig, NULL);
	kill(rv_clerk_pid(rig.link), SIGKILL);
	CU_ASSERT(crig_wait(&rig, crig_is_ready));
	crig_note(&rig, "a");
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events"), 1);
	crig_finish(&rig);
}

RV_TEST(a_second_clerk_waits_for_the_first)
{
	char lock[160];
	pid_t child;
	int fds[2], wstatus;
	char byte;

	crig_init(&rig);
	snprintf(lock, sizeof(lock), "%s/clerk.lock", rig.run);
	CU_ASSERT_FATAL(pipe(fds) == 0);
	child = fork();
	if (child == 0) {
		int fd = open(lock, O_CREAT | O_RDWR, 0600);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (flock(fd, LOCK_EX) != 0 || write(fds[1], "x", 1) != 1) {
			_exit(1);
		}
		for (;;) {
			pause();
		}
	}
	CU_ASSERT(read(fds[0], &byte, 1) == 1);
	close(fds[0]);
	close(fds[1]);
	/* Numbers come all the same, and in time. */
	crig_open(&rig, NULL);
	CU_ASSERT_EQUAL(crig_note(&rig, "a"), 1);
	crig_turn(&rig);
	kill(child, SIGKILL);
	waitpid(child, &wstatus, 0);
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events"), 1);
	crig_finish(&rig);
}

RV_SUITE(clerk, RV_CASE(what_is_recorded_stands_in_the_database),
    RV_CASE(a_run_has_a_row_and_an_end),
    RV_CASE(a_life_has_one_row_from_its_start_to_its_end),
    RV_CASE(a_start_that_made_no_process_has_no_life),
    RV_CASE(exceptions_have_a_table),
    RV_CASE(a_supervisor_that_vanishes_is_recorded),
    RV_CASE(rings_of_dead_runs_are_drained_first),
    RV_CASE(deaths_that_were_folded_are_told),
    RV_CASE(a_file_that_is_no_ring_is_put_aside),
    RV_CASE(a_run_whose_machine_went_down_is_lost),
    RV_CASE(processes_that_outlived_their_run_are_told), RV_CASE(views_answer),
    RV_CASE(a_new_clerk_goes_on_where_the_last_one_was),
    RV_CASE(a_clerk_that_was_killed_before_it_began_is_replaced),
    RV_CASE(a_second_clerk_waits_for_the_first))
