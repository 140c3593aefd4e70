/* SPDX-License-Identifier: MIT */
/* Databases that are locked, damaged or gone, disks that are full or stuck. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/harness.h"
#include "sys/sys.h"
#include "unit/clerk_rig.h"
#include "wire/ring.h"

static struct crig rig;

static void
init(void)
{
	crig_init(&rig);
	rig.connects = true;
}

static void
note_some(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		crig_note(&rig, "a");
	}
}

/* A run with n events that ended in order. */
static void
run_before(unsigned n)
{
	crig_open(&rig, NULL);
	note_some(n - 1);
	crig_stopped(&rig);
	CU_ASSERT_EQUAL(crig_end(&rig), 0);
}

static bool
disk_is_bad(struct crig *r)
{
	return r->n_disk_bad > 0;
}

static bool
disk_is_good(struct crig *r)
{
	return r->n_disk_ok > 0 && r->n_disk_ok == r->n_disk_bad;
}

static bool
is_connected(struct crig *r)
{
	return r->out != -1;
}

static bool
is_done(struct crig *r)
{
	return r->n_done > 0;
}

static void
write_file(const char *path, const char *text, size_t len, bool anew)
{
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_CLOEXEC | (anew ? O_TRUNC : 0), 0600);

	CU_ASSERT_EQUAL(write(fd, text, len), (ssize_t)len);
	close(fd);
}

/* Is there a file beside the database that begins so? */
static bool
is_aside(void)
{
	char command[200], path[160];
	const char *at;

	/* Its name is in what was said. */
	at = strstr(rig.disk, "events.db.damaged-");
	if (at == NULL) {
		return false;
	}
	snprintf(command, sizeof(command), "%.*s", (int)strcspn(at, " ,;"), at);
	snprintf(path, sizeof(path), "%s", crig_file(&rig, command));
	return access(path, F_OK) == 0;
}

RV_TEST(a_damaged_database_is_put_aside_and_numbers_go_on)
{
	static const char junk[] = "this is no database, and never was one";

	init();
	run_before(10);
	write_file(crig_file(&rig, "events.db"), junk, sizeof(junk), false);
	crig_open(&rig, NULL);
	CU_ASSERT(crig_wait(&rig, disk_is_good));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.disk, "damaged"));
	CU_ASSERT(is_aside());
	CU_ASSERT_EQUAL(rig.next_event, 11);
	CU_ASSERT_EQUAL(crig_note(&rig, "a"), 11);
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT MIN(id) FROM events"), 11);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM runs"), 1);
	crig_finish(&rig);
}

RV_TEST(without_the_numbers_file_ids_still_only_grow)
{
	char path[160];

	init();
	run_before(10);
	write_file(crig_file(&rig, "events.db"), "junk", 4, true);
	snprintf(path, sizeof(path), "%s/next-ids", rig.run);
	CU_ASSERT_EQUAL(unlink(path), 0);
	crig_open(&rig, NULL);
	CU_ASSERT(rig.next_event > 11);
	CU_ASSERT(rig.next_event < (UINT64_C(1) << 53));
	note_some(3);
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events"), 3);
	crig_finish(&rig);
}

RV_TEST(a_database_that_is_damaged_meanwhile_costs_the_live_run_nothing_new)
{
	char junk[4096];

	init();
	crig_open(&rig, NULL);
	crig_started(&rig, 1, "a", getpid());
	note_some(5);
	crig_sync(&rig);
	kill(rv_clerk_pid(rig.link), SIGKILL);
	memset(junk, 'j', sizeof(junk));
	write_file(crig_file(&rig, "events.db"), junk, sizeof(junk), true);
	write_file(crig_file(&rig, "events.db-wal"), junk, sizeof(junk), true);
	note_some(5);
	crig_exited(&rig, 1, "a", 2);
	CU_ASSERT(crig_wait(&rig, disk_is_good));
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events WHERE id"
					  " BETWEEN 7 AND 12"),
	    6);
	/* The life began in the other file, and ends in this one. */
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT exit_code FROM lives WHERE id = 1"), 2);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM runs"), 1);
	crig_finish(&rig);
}

RV_TEST(a_database_that_was_taken_away_is_made_again)
{
	init();
	crig_open(&rig, NULL);
	note_some(3);
	crig_sync(&rig);
	unlink(crig_file(&rig, "events.db"));
	unlink(crig_file(&rig, "events.db-wal"));
	unlink(crig_file(&rig, "events.db-shm"));
	while (rig.n_disk_bad == 0) {
		note_some(1);
		crig_turn(&rig);
	}
	CU_ASSERT(crig_wait(&rig, disk_is_good));
	note_some(1);
	crig_sync(&rig);
	CU_ASSERT(crig_number(&rig, "SELECT COUNT(*) FROM events") > 0);
	crig_finish(&rig);
}

RV_TEST(a_file_of_somebody_else_is_left_in_peace)
{
	sqlite3 *db;

	init();
	CU_ASSERT_EQUAL(
	    sqlite3_open(crig_file(&rig, "events.db"), &db), SQLITE_OK);
	sqlite3_exec(db, "CREATE TABLE precious(x)", NULL, NULL, NULL);
	sqlite3_close(db);
	crig_open(&rig, NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.disk, "something else"));
	CU_ASSERT(is_aside());
	crig_finish(&rig);
}

static sqlite3 *
lock_database(void)
{
	sqlite3 *db = NULL;

	CU_ASSERT_EQUAL(
	    sqlite3_open(crig_file(&rig, "events.db"), &db), SQLITE_OK);
	CU_ASSERT_EQUAL(
	    sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	return db;
}

RV_TEST(a_locked_database_is_waited_for)
{
	sqlite3 *lock;

	init();
	crig_open(&rig, NULL);
	note_some(1);
	crig_sync(&rig);
	lock = lock_database();
	note_some(500);
	CU_ASSERT(crig_wait(&rig, disk_is_bad));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.disk, "locked"));
	note_some(500);
	sqlite3_close(lock);
	CU_ASSERT(crig_wait(&rig, disk_is_good));
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events"), 1001);
	crig_finish(&rig);
}

RV_TEST(a_short_lock_is_not_worth_a_word)
{
	sqlite3 *lock;

	init();
	crig_open(&rig, NULL);
	lock = lock_database();
	note_some(10);
	for (unsigned i = 0; i < 10; i++) {
		crig_turn(&rig);
	}
	sqlite3_close(lock);
	crig_sync(&rig);
	CU_ASSERT_EQUAL(rig.n_disk_bad, 0);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events"), 10);
	crig_finish(&rig);
}

RV_TEST(numbers_come_though_the_database_is_locked)
{
	sqlite3 *lock;
	rv_time begun;

	crig_init(&rig);
	crig_open(&rig, NULL);
	note_some(10);
	crig_started(&rig, 5, "a", getpid());
	CU_ASSERT_EQUAL(crig_await(crig_vanish(&rig)), 0);
	/* A run whose ring is still there: two events, and its loss. */
	crig_open(&rig, NULL);
	note_some(1);
	crig_sync(&rig);
	lock = lock_database();
	note_some(1);
	kill(crig_vanish(&rig), SIGKILL);
	while (waitpid(-1, NULL, 0) > 0) {
	}
	begun = rv_sys_now();
	crig_open(&rig, NULL);
	CU_ASSERT(rv_sys_now() - begun < rv_test_slow() * 8 * RV_SEC);
	/* The run is open in the database, too: one number more is left. */
	CU_ASSERT_EQUAL(rig.next_event, 12 + 2 + 1 + 1 + 1);
	CU_ASSERT_EQUAL(rig.next_life, 6);
	CU_ASSERT_EQUAL(crig_note(&rig, "new"), 17);
	sqlite3_close(lock);
	crig_sync(&rig);
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT id FROM events WHERE path = 'new'"), 17);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events"), 16);
	crig_finish(&rig);
}

RV_TEST(a_commit_that_fails_is_made_up_for)
{
	static const char *const faults[] = { "sqlite@3=ENOSPC",
		"sqlite@4=ENOSPC", "sqlite@4=EIO", "sqlite@5=EBUSY",
		"sqlite@4=EUCLEAN" };

	for (size_t i = 0; i < RV_ARRAY_LEN(faults); i++) {
		char name[16];

		snprintf(name, sizeof(name), "%zu", i);
		crig_init_in(&rig, name);
		crig_open(&rig, faults[i]);
		for (unsigned k = 0; k < 10; k++) {
			note_some(10);
			crig_turn(&rig);
		}
		crig_sync(&rig);
		if (strstr(faults[i], "EUCLEAN") == NULL) {
			CU_ASSERT_EQUAL(
			    crig_number(&rig, "SELECT COUNT(*) FROM events"),
			    100);
		}
		CU_ASSERT_EQUAL(
		    crig_number(&rig, "SELECT MAX(id) FROM events"), 100);
		CU_ASSERT_EQUAL(rig.n_lost, 0);
		crig_finish(&rig);
	}
}

static char *
flood(size_t size)
{
	char *data = malloc(size);

	for (size_t i = 0; i < size; i++) {
		data[i] = i % 100 == 99 ? '\n' : 'f';
	}
	return data;
}

/* Write it all while the clerk goes on, whatever it does with it. */
static void
pump(int fd, const char *data, size_t len)
{
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		struct pollfd p = { .fd = fd, .events = POLLOUT };

		if (n > 0) {
			data += n;
			len -= (size_t)n;
		} else {
			poll(&p, 1, 10);
		}
		crig_turn(&rig);
	}
}

static uint64_t expected;

static bool
all_is_accounted_for(struct crig *r)
{
	struct stat st = { 0 };

	stat(crig_file(r, "logs/o"), &st);
	return (uint64_t)st.st_size + r->dropped == expected;
}

static void
open_with_log(const char *faults, int w[2])
{
	crig_open(&rig, faults);
	CU_ASSERT(crig_wait(&rig, is_connected));
	crig_pipe(&rig, 1, "w", crig_file(&rig, "logs/o"), NULL, 0, 0, w);
}

RV_TEST(a_launcher_reaches_the_clerk_without_a_free_descriptor)
{
	struct rlimit was, none;
	int fds[2], w[2];

	crig_init(&rig);
	crig_open(&rig, NULL);
	CU_ASSERT_FATAL(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
	CU_ASSERT_FATAL(getrlimit(RLIMIT_NOFILE, &was) == 0);
	none = was;
	none.rlim_cur = 3;
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &none), 0);
	rv_clerk_give_launcher(rig.link, fds[1]);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &was), 0);
	CU_ASSERT_EQUAL(rig.n_trouble, 0);
	rig.out = fds[0];
	crig_pipe(&rig, 1, "w", crig_file(&rig, "logs/o"), NULL, 0, 0, w);
	CU_ASSERT(crig_write(w[0], "words\n"));
	close(w[0]);
	crig_ended(&rig, 1);
	CU_ASSERT(crig_wait(&rig, is_done));
	crig_sync(&rig);
	CU_ASSERT(crig_contains(crig_file(&rig, "logs/o"), "words\n"));
	crig_finish(&rig);
}

RV_TEST(a_log_that_fails_for_a_moment_loses_nothing)
{
	int w[2];

	init();
	open_with_log("write@2=ENOSPC", w);
	CU_ASSERT(crig_write(w[0], "one\n"));
	crig_sync(&rig);
	CU_ASSERT(crig_write(w[0], "two\n"));
	CU_ASSERT(crig_wait(&rig, disk_is_bad));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.disk, "No space"));
	CU_ASSERT(crig_wait(&rig, disk_is_good));
	crig_sync(&rig);
	CU_ASSERT(crig_contains(crig_file(&rig, "logs/o"), "one\ntwo\n"));
	CU_ASSERT_EQUAL(rig.dropped, 0);
	close(w[0]);
	crig_finish(&rig);
}

RV_TEST(what_a_full_disk_does_not_take_is_counted)
{
	enum { SIZE = 12 * 1024 * 1024 };
	char *data = flood(SIZE);
	int w[2];

	init();
	rig.conf.output_stall = 200 * RV_MS;
	open_with_log("write@3+=ENOSPC", w);
	pump(w[0], data, SIZE);
	free(data);
	close(w[0]);
	crig_exited(&rig, 1, "w", 0);
	expected = SIZE;
	CU_ASSERT(crig_wait(&rig, all_is_accounted_for));
	CU_ASSERT(rig.dropped > 0);
	crig_finish(&rig);
}

/* The bytes that events tell of as dropped. */
static uint64_t
dropped_in_log(void)
{
	return (uint64_t)crig_number(&rig,
	    "SELECT COALESCE(SUM(json_extract(detail, '$.bytes')), 0) FROM "
	    "events WHERE kind = 'clerk.dropped' AND path LIKE 'w%%'");
}

/* Lives that wrote 11 bytes each into logs that cannot be written. */
static void
write_in_vain(unsigned n)
{
	for (unsigned i = 1; i <= n; i++) {
		char path[16], name[16];
		int w[2];

		snprintf(path, sizeof(path), "w%u", i);
		snprintf(name, sizeof(name), "logs/%u", i);
		crig_pipe(&rig, i, path, crig_file(&rig, name), NULL, 0, 0, w);
		crig_started(&rig, i, path, getpid());
		CU_ASSERT(crig_write(w[0], "some words\n"));
		close(w[0]);
	}
}

RV_TEST(what_is_dropped_at_the_end_is_in_the_log)
{
	init();
	rig.conf.output_stall = 100 * RV_MS;
	crig_open(&rig, "write=ENOSPC");
	CU_ASSERT(crig_wait(&rig, is_connected));
	write_in_vain(3);
	CU_ASSERT(crig_wait(&rig, disk_is_bad));
	crig_stopped(&rig);
	CU_ASSERT_EQUAL(crig_end(&rig), 0);
	CU_ASSERT_EQUAL(dropped_in_log() + rig.dropped, 33);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events e JOIN "
					  "lives l ON l.id = e.life_id AND "
					  "l.path = e.path WHERE e.kind = "
					  "'clerk.dropped'"),
	    3);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT MAX(id) - COUNT(*) FROM "
					  "events"),
	    0);
	crig_finish(&rig);
}

RV_TEST(more_drops_than_there_is_room_for_are_added_up)
{
	enum { N = 200 };

	init();
	rig.conf.output_stall = 0;
	crig_open(&rig, "write=ENOSPC,sqlite@3=ENOSPC");
	CU_ASSERT(crig_wait(&rig, is_connected));
	write_in_vain(N);
	crig_stopped(&rig);
	CU_ASSERT_EQUAL(crig_end(&rig), 0);
	CU_ASSERT_EQUAL(dropped_in_log() + rig.dropped +
			    (uint64_t)crig_number(&rig,
				"SELECT json_extract(detail, '$.bytes') FROM "
				"events WHERE kind = 'clerk.dropped' AND path "
				"= '*'"),
	    N * 11);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT MAX(id) - COUNT(*) FROM "
					  "events"),
	    0);
	crig_finish(&rig);
}

/*
 * The disk stands still: whoever opens a file with a lease on it waits until
 * that is given back.
 */
RV_TEST(a_disk_that_stands_still_stops_nobody)
{
	enum { SIZE = 12 * 1024 * 1024 };
	char *data = flood(SIZE);
	int w[2], lease;

	signal(SIGIO, SIG_IGN);
	init();
	run_before(2);
	rig.conf.output_stall = 300 * RV_MS;
	lease = open(crig_file(&rig, "events.db"), O_RDWR | O_CLOEXEC);
	CU_ASSERT_FATAL(fcntl(lease, F_SETLEASE, F_WRLCK) == 0);
	crig_start(&rig, NULL);
	CU_ASSERT(crig_wait(&rig, is_connected));
	crig_pipe(&rig, 1, "w", crig_file(&rig, "logs/o"), NULL, 0, 0, w);
	pump(w[0], data, SIZE);
	free(data);
	CU_ASSERT_EQUAL(rig.n_ready, 0);
	fcntl(lease, F_SETLEASE, F_UNLCK);
	close(lease);
	CU_ASSERT(crig_wait(&rig, crig_is_ready));
	close(w[0]);
	crig_exited(&rig, 1, "w", 0);
	expected = SIZE;
	CU_ASSERT(crig_wait(&rig, all_is_accounted_for));
	CU_ASSERT(rig.dropped > 0);
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events"), 3);
	crig_finish(&rig);
	signal(SIGIO, SIG_DFL);
}

RV_TEST(a_stopped_clerk_catches_up)
{
	int w[2];
	pid_t pid;

	init();
	open_with_log(NULL, w);
	pid = rv_clerk_pid(rig.link);
	kill(pid, SIGSTOP);
	note_some(2000);
	CU_ASSERT(crig_write(w[0], "meanwhile\n"));
	for (unsigned i = 0; i < 20; i++) {
		crig_turn(&rig);
	}
	kill(pid, SIGCONT);
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events"), 2000);
	CU_ASSERT(crig_contains(crig_file(&rig, "logs/o"), "meanwhile\n"));
	close(w[0]);
	crig_finish(&rig);
}

RV_TEST(a_ring_that_is_damaged_is_said_and_ends_well)
{
	struct rv_ring_header *ring;
	struct stat st;
	pid_t pid;

	init();
	crig_open(&rig, NULL);
	note_some(1);
	crig_sync(&rig);
	pid = rv_clerk_pid(rig.link);
	kill(pid, SIGSTOP);
	fstat(rv_journal_ring_fd(rig.journal), &st);
	ring = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
	    MAP_SHARED, rv_journal_ring_fd(rig.journal), 0);
	CU_ASSERT_FATAL(ring != MAP_FAILED);
	note_some(2);
	/* The last byte of the last record. */
	((char *)ring)[ring->data_offset + ring->head - 8] ^= 1;
	munmap(ring, (size_t)st.st_size);
	kill(pid, SIGCONT);
	CU_ASSERT(crig_wait(&rig, disk_is_bad));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.disk, "damaged"));
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events"), 2);
	CU_ASSERT_EQUAL(crig_end(&rig), 0);
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT end_reason FROM runs"), "stopped");
	crig_finish(&rig);
}

RV_TEST(what_is_old_is_let_go)
{
	init();
	crig_open(&rig, NULL);
	note_some(2000);
	crig_started(&rig, 1, "a", getpid());
	crig_exited(&rig, 1, "a", 0);
	crig_stopped(&rig);
	crig_sync(&rig);
	crig_number(&rig, "UPDATE events SET at = at - 86400000000 * 60");
	crig_number(&rig, "UPDATE lives SET ended_at = ended_at - 86400000000 *"
			  " 60");
	crig_number(&rig, "UPDATE runs SET ended_at = ended_at - 86400000000 *"
			  " 60");
	crig_end(&rig);
	crig_open(&rig, NULL);
	crig_note(&rig, "a");
	crig_sync(&rig);
	while (crig_number(&rig, "SELECT COUNT(*) FROM events") != 1) {
		crig_turn(&rig);
	}
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT MIN(id) FROM events"), 2004);
	crig_finish(&rig);
}

RV_TEST(a_log_that_is_too_large_shrinks)
{
	int64_t before;

	init();
	rig.conf.max_size = 300 * 1024;
	crig_open(&rig, NULL);
	for (unsigned i = 0; i < 40; i++) {
		note_some(300);
		crig_sync(&rig);
	}
	before = crig_number(&rig, "SELECT COUNT(*) FROM events");
	while (crig_number(&rig, "SELECT COUNT(*) FROM events") > 6000) {
		crig_note(&rig, "a");
		crig_turn(&rig);
	}
	CU_ASSERT(before > 0);
	CU_ASSERT(crig_number(&rig, "SELECT MIN(id) FROM events") > 1);
	crig_finish(&rig);
}

/* One small run with all that a clerk does. */
static void
scenario(const char *name, const char *faults)
{
	int w[2];

	crig_init_in(&rig, name);
	rig.connects = true;
	crig_open(&rig, faults);
	CU_ASSERT_FATAL(crig_wait(&rig, is_connected));
	crig_pipe(&rig, 1, "w", crig_file(&rig, "logs/o"), NULL, 0, 0, w);
	crig_started(&rig, 1, "w", getpid());
	CU_ASSERT(crig_write(w[0], "some words\n"));
	close(w[0]);
	crig_exited(&rig, 1, "w", 0);
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events"), 2);
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT exit_code FROM lives WHERE id = 1"), 0);
	crig_stopped(&rig);
	crig_end(&rig);
	crig_finish(&rig);
}

RV_TEST(the_nth_failure_of_anything_costs_no_event)
{
	static const struct {
		const char *point, *error;
		unsigned n;
	} points[] = { { "alloc", "ENOMEM", 24 }, { "open", "EMFILE", 8 },
		{ "write", "ENOSPC", 2 }, { "sqlite", "ENOSPC", 6 },
		{ "sqlite", "EBUSY", 6 }, { "eventfd", "EMFILE", 2 },
		{ "epoll_create1", "EMFILE", 2 }, { "mmap", "ENOMEM", 1 },
		{ "timerfd_create", "EMFILE", 1 }, { "send", "ENOBUFS", 8 },
		{ "recv", "ENOBUFS", 6 }, { "read", "EAGAIN", 4 },
		{ "rename", "EACCES", 1 } };

	for (size_t i = 0; i < RV_ARRAY_LEN(points); i++) {
		for (unsigned n = 1; n <= points[i].n; n++) {
			char faults[64], name[64];

			snprintf(faults, sizeof(faults), "%s@%u=%s",
			    points[i].point, n, points[i].error);
			snprintf(name, sizeof(name), "%zu-%u", i, n);
			scenario(name, faults);
			if (CU_get_number_of_failures() > 0) {
				printf("# with %s\n", faults);
				return;
			}
		}
	}
}

RV_SUITE(clerk_trouble,
    RV_CASE(a_damaged_database_is_put_aside_and_numbers_go_on),
    RV_CASE(without_the_numbers_file_ids_still_only_grow),
    RV_CASE(
	a_database_that_is_damaged_meanwhile_costs_the_live_run_nothing_new),
    RV_CASE(a_database_that_was_taken_away_is_made_again),
    RV_CASE(a_file_of_somebody_else_is_left_in_peace),
    RV_CASE(a_locked_database_is_waited_for),
    RV_CASE(a_short_lock_is_not_worth_a_word),
    RV_CASE(numbers_come_though_the_database_is_locked),
    RV_CASE(a_commit_that_fails_is_made_up_for),
    RV_CASE(a_launcher_reaches_the_clerk_without_a_free_descriptor),
    RV_CASE(a_log_that_fails_for_a_moment_loses_nothing),
    RV_CASE(what_a_full_disk_does_not_take_is_counted),
    RV_CASE(what_is_dropped_at_the_end_is_in_the_log),
    RV_CASE(more_drops_than_there_is_room_for_are_added_up),
    RV_CASE(a_disk_that_stands_still_stops_nobody),
    RV_CASE(a_ring_that_is_damaged_is_said_and_ends_well),
    RV_CASE(a_stopped_clerk_catches_up), RV_CASE(what_is_old_is_let_go),
    RV_CASE(a_log_that_is_too_large_shrinks),
    RV_CASE(the_nth_failure_of_anything_costs_no_event))
