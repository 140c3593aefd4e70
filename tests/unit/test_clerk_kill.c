/* SPDX-License-Identifier: MIT */
/*
 * Exactly once: clerks, and supervisors with them, are killed at random
 * instants while events are recorded; in the end every event that was given a
 * number is in the database once, and no other is.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/harness.h"
#include "sys/sys.h"
#include "unit/clerk_rig.h"

#define KILLS 220

static struct crig rig;
static uint64_t seed = 88172645463325252u;

static unsigned
random_below(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

static bool
nothing_is_missing(uint64_t last)
{
	return crig_number(&rig, "SELECT COUNT(*) FROM events WHERE id <= %llu",
		   (unsigned long long)last) == (int64_t)last &&
	       crig_number(&rig, "SELECT MIN(id) FROM events") == 1;
}

/* Until then: record, and let the loop turn. */
static uint64_t
record_until(rv_time until)
{
	static uint64_t life = 1;
	uint64_t last = 0, id;

	do {
		crig_started(&rig, life, "w", getpid());
		id = crig_note(&rig, "w");
		crig_exited(&rig, life, "w", 1);
		life++;
		last = id != 0 ? id + 1 : last;
		crig_turn(&rig);
	} while (rv_sys_now() < until);
	return last;
}

RV_TEST(a_clerk_may_be_killed_at_any_instant)
{
	uint64_t last = 0;

	crig_init(&rig);
	crig_open(&rig, NULL);
	while (rig.n_lost < KILLS) {
		uint64_t id =
		    record_until(rv_sys_now() + random_below(12000) * RV_US);
		pid_t pid = rv_clerk_pid(rig.link);

		last = id > last ? id : last;
		if (pid > 0) {
			kill(pid, SIGKILL);
		}
	}
	crig_sync(&rig);
	CU_ASSERT_EQUAL(rv_journal_next(rig.journal), last + 1);
	CU_ASSERT(nothing_is_missing(last));
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT MAX(id) FROM events"), (int64_t)last);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM lives"),
	    crig_number(&rig, "SELECT COUNT(DISTINCT life_id) FROM events"));
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM lives WHERE"
					  " ended_at IS NULL"),
	    0);
	crig_stopped(&rig);
	crig_end(&rig);
	CU_ASSERT(nothing_is_missing(last + 1));
	crig_finish(&rig);
}

/* A whole supervisor, which tells each number that it has given. */
static void
supervise(int out)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	crig_open(&rig, NULL);
	dprintf(out, "clerk %d\n", (int)rv_clerk_pid(rig.link));
	for (;;) {
		uint64_t id = crig_note(&rig, "w");

		if (id != 0) {
			dprintf(out, "%llu\n", (unsigned long long)id);
		}
		crig_turn(&rig);
	}
}

static char said[1 << 20];

/* For so long, at most; with `number` at first until one is said. */
static void
listen_for(int fd, int ms, bool number)
{
	rv_time until = rv_sys_now() + ms * RV_MS;
	size_t len = 0;

	while ((number || rv_sys_now() < until) && len < sizeof(said) - 1) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n = 0;

		if (poll(&p, 1, 1) == 1) {
			n = read(fd, said + len, sizeof(said) - 1 - len);
			if (n <= 0) {
				break;
			}
			len += (size_t)n;
		}
		if (number && n > 0 && memchr(said, '\n', len) != NULL) {
			number = false;
			until = rv_sys_now() + ms * RV_MS;
		}
	}
	said[len] = '\0';
}

static void
kill_clerk(void)
{
	const char *at = strstr(said, "clerk ");
	pid_t pid = at != NULL ? (pid_t)strtol(at + 6, NULL, 10) : 0;

	if (pid > 0) {
		kill(pid, SIGKILL);
		/* Ours, as the subreaper. */
		crig_await(pid);
	}
}

static uint64_t
last_said(void)
{
	char *newline = strrchr(said, '\n'), *line;

	if (newline == NULL) {
		return 0;
	}
	*newline = '\0';
	line = strrchr(said, '\n');
	return line != NULL ? strtoull(line + 1, NULL, 10) : 0;
}

RV_TEST(supervisor_and_clerk_may_be_killed_together)
{
	uint64_t top = 0;
	unsigned runs = rv_test_slow() > 10 ? 10 : 40;
	int wstatus;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	crig_init(&rig);
	for (unsigned i = 0; i < runs; i++) {
		int fds[2];
		pid_t pid;
		uint64_t last;

		CU_ASSERT_FATAL(pipe2(fds, O_CLOEXEC) == 0);
		pid = fork();
		if (pid == 0) {
			supervise(fds[1]);
		}
		close(fds[1]);
		/* Some before they have begun, most while they record. */
		listen_for(
		    fds[0], (int)random_below(60) * rv_test_slow(), i % 4 != 0);
		kill(pid, SIGKILL);
		if (i % 2 == 0) {
			kill_clerk();
		}
		waitpid(pid, &wstatus, 0);
		last = last_said();
		top = last > top ? last : top;
		close(fds[0]);
	}
	/* Clerks that were left alone end by themselves. */
	while (waitpid(-1, &wstatus, 0) > 0) {
	}
	crig_open(&rig, NULL);
	CU_ASSERT(rig.next_event > top);
	CU_ASSERT(top > 0);
	CU_ASSERT(nothing_is_missing(rig.next_event - 1));
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM runs WHERE"
					  " end_reason = 'lost'"),
	    crig_number(&rig, "SELECT COUNT(*) FROM events WHERE kind ="
			      " 'runtime.lost'"));
	crig_stopped(&rig);
	CU_ASSERT_EQUAL(crig_end(&rig), 0);
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	crig_finish(&rig);
}

static bool
is_connected(struct crig *r)
{
	return r->out != -1;
}

RV_TEST(a_clerk_killed_at_its_end_tells_of_drops_once_or_not_at_all)
{
	enum { ROUNDS = 40, WORDS = 11 };
	int64_t once = 0;

	crig_init(&rig);
	rig.connects = true;
	rig.conf.output_stall = 0;
	for (unsigned i = 1; i <= ROUNDS; i++) {
		rv_time until;
		int w[2];
		pid_t pid;

		crig_open(&rig, "write=ENOSPC");
		CU_ASSERT_FATAL(crig_wait(&rig, is_connected));
		crig_pipe(
		    &rig, i, "w", crig_file(&rig, "logs/o"), NULL, 0, 0, w);
		crig_started(&rig, i, "w", getpid());
		CU_ASSERT(crig_write(w[0], "some words\n"));
		close(w[0]);
		crig_stopped(&rig);
		pid = crig_end_soon(&rig);
		until = rv_sys_now() + random_below(5000) * RV_US;
		while (rv_sys_now() < until) {
		}
		kill(pid, SIGKILL);
		crig_await(pid);
	}
	crig_open(&rig, NULL);
	/* Behind this in the log is what all those runs have left. */
	crig_note(&rig, "/");
	crig_sync(&rig);
	CU_ASSERT(nothing_is_missing(rig.next_event - 1));
	once = crig_number(&rig, "SELECT COUNT(*) FROM events WHERE kind = "
				 "'clerk.dropped' AND path = 'w' AND "
				 "json_extract(detail, '$.bytes') = 11");
	printf("# of %d runs %d told\n", ROUNDS, (int)once);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(DISTINCT life_id) FROM "
					  "events WHERE kind = "
					  "'clerk.dropped'"),
	    once);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM runs WHERE "
					  "end_reason <> 'asked'"),
	    0);
	crig_finish(&rig);
}

RV_SUITE(clerk_kill, RV_CASE(a_clerk_may_be_killed_at_any_instant),
    RV_CASE(supervisor_and_clerk_may_be_killed_together),
    RV_CASE(a_clerk_killed_at_its_end_tells_of_drops_once_or_not_at_all))
