/* SPDX-License-Identifier: MIT */
/*
 * Launches that are taken back, on the real launcher: each has one answer,
 * whatever its fork server does, and nothing is left of what came too late.
 * This test is the host: its own program is what workers run, so the guard
 * comes before its main.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/child.h>
#include <reeve/function.h>

#include "child/stage.h"
#include "lib/harness.h"
#include "sys/sys.h"
#include "unit/launcher_rig.h"

#define WAIT_MS 30000
#define ROUNDS  60

static int
give_back(const struct reeve_call *call)
{
	return (int)strtol(call->args, NULL, 10);
}
REEVE_FUNCTION("t.give_back", give_back);

/* That it ran at all is in a file. */
static int
leave_mark(const struct reeve_call *call)
{
	int fd = open(call->args, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd == -1;
}
REEVE_FUNCTION("t.leave_mark", leave_mark);

static int
stay(const struct reeve_call *call)
{
	(void)call;
	if (reeve_ready() != REEVE_OK) {
		return 1;
	}
	for (;;) {
		pause();
	}
}
REEVE_FUNCTION("t.stay", stay);

/* To be preloaded: its fork server is not ready before somebody says so. */
static int
stand_still(const struct reeve_call *call)
{
	(void)call;
	return raise(SIGSTOP);
}
REEVE_FUNCTION("t.stand_still", stand_still);

/*
 * What a fork server does in the forks of these numbers, once in a test each:
 * 'b': whoever forks is stopped before; 's': the fork server is stopped before
 * it can tell of it; 'h': the new process hangs in what is to be done in it.
 */
#define HALT_ENV "T_HALT" /* letters, first and last number, a path */
static char halt_how[8], halt_mark[160];
static int halt_first, halt_last;
static int *halt_at; /* shared with the one between */
static pid_t halt_server;
static bool halts;

/* In the one between; a vfork that is a fork has the server itself here. */
static void
before_fork(void)
{
	char path[200];

	if (getpid() == halt_server) {
		return;
	}
	++*halt_at;
	snprintf(path, sizeof(path), "%s.%d", halt_mark, *halt_at);
	halts = *halt_at >= halt_first && *halt_at <= halt_last &&
		mkdir(path, 0700) == 0;
	if (halts && strchr(halt_how, 'b') != NULL) {
		kill(getpid(), SIGSTOP);
	}
}

/* The parent of the one between is the fork server. */
static void
after_fork(void)
{
	if (halts && strchr(halt_how, 's') != NULL) {
		kill(getppid(), SIGSTOP);
	}
}

static void
in_fork(void)
{
	while (halts && strchr(halt_how, 'h') != NULL) {
		pause();
	}
}

static int
halt(const struct reeve_call *call)
{
	const char *text = getenv(HALT_ENV);

	(void)call;
	halt_server = getpid();
	halt_at = mmap(NULL, sizeof(*halt_at), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return text == NULL || halt_at == MAP_FAILED ||
	       sscanf(text, "%7s %d %d %159s", halt_how, &halt_first,
		   &halt_last, halt_mark) != 4 ||
	       pthread_atfork(before_fork, after_fork, in_fork) != 0;
}
REEVE_FUNCTION("t.halt", halt);

__attribute__((constructor)) static void
guard(void)
{
	reeve_main(NULL, NULL);
}

static bool
was_taken_back(struct rig *rig, uint64_t life)
{
	const struct rig_life *l = rig_of(rig, life);

	return l->failed && l->stage == RV_STAGE_CANCELED &&
	       l->sys_errno == ECANCELED;
}

/* What the launcher has as children: fork servers, and one of its spares. */
struct children {
	struct rig *rig;
	unsigned n;
	pid_t server, stopped; /* 0: none */
	pid_t between;         /* stopped child of the server; 0: none */
	bool spare;            /* is there, and waits */
	bool at_rest;          /* all of them do */
};

/* Its state, and its name; false: it is gone. */
static bool
read_stat(pid_t pid, char *state, bool *is_spare)
{
	char path[48], text[512] = "", *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (file == NULL) {
		return false;
	}
	if (fgets(text, sizeof(text), file) == NULL) {
		text[0] = '\0';
	}
	fclose(file);
	end = strrchr(text, ')');
	if (end == NULL) {
		return false;
	}
	*state = end[1] != '\0' ? end[2] : '\0';
	*is_spare = strstr(text, "((spare))") != NULL;
	return true;
}

static unsigned
list_children(int parent, pid_t pids[static 16])
{
	char path[64];
	unsigned n = 0;
	FILE *file;

	snprintf(
	    path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	file = fopen(path, "re");
	while (file != NULL && n < 16 && fscanf(file, "%d", &pids[n]) == 1) {
		n++;
	}
	if (file != NULL) {
		fclose(file);
	}
	return n;
}

/* Before the server itself is: without it that sleeps for a request only. */
static void
look_at_between(struct children *c, pid_t server)
{
	pid_t pids[16];
	unsigned n = list_children(server, pids);
	char state;
	bool is_spare;

	c->at_rest = c->at_rest && n == 0;
	if (n > 0 && read_stat(pids[0], &state, &is_spare) && state == 'T') {
		c->between = pids[0];
	}
}

static void
look_at(struct children *c, pid_t pid)
{
	bool is_spare;
	char state;

	look_at_between(c, pid);
	if (!read_stat(pid, &state, &is_spare)) {
		return;
	}
	c->n++;
	c->at_rest = c->at_rest && state == 'S';
	if (state == 'T') {
		c->stopped = pid;
	}
	if (is_spare) {
		c->spare = state == 'S';
	} else {
		c->server = pid;
	}
}

static void
look(struct children *c)
{
	pid_t pids[16];
	unsigned n = list_children((int)rv_start_pid(c->rig->start), pids);

	*c = (struct children){ .rig = c->rig, .at_rest = true };
	for (unsigned i = 0; i < n; i++) {
		look_at(c, pids[i]);
	}
}

/* One fork server, who it has forked ahead, and nobody else. */
static bool
has_only_server_and_spare(void *ctx)
{
	struct children *c = ctx;

	look(c);
	return c->n == 2 && c->spare && c->server != 0;
}

static bool
has_stopped_child(void *ctx)
{
	struct children *c = ctx;

	look(c);
	return c->stopped != 0;
}

static bool
is_gone(void *ctx)
{
	return rig_is_gone(*(const pid_t *)ctx);
}

static pid_t
await_rest(struct rig *rig)
{
	struct children c = { .rig = rig };

	CU_ASSERT_FATAL(
	    rv_test_wait(has_only_server_and_spare, &c, -1, WAIT_MS));
	return c.server;
}

/* Its fork server stands still from now on. */
static pid_t
stop_server(struct rig *rig)
{
	struct children c = { .rig = rig };
	pid_t server = await_rest(rig);

	kill(server, SIGSTOP);
	CU_ASSERT_FATAL(rv_test_wait(has_stopped_child, &c, -1, WAIT_MS));
	CU_ASSERT_EQUAL_FATAL(c.stopped, server);
	return server;
}

/* The first may be the one that was forked ahead, the second cannot be. */
static void
take_two_back(struct rig *rig, const char *mark)
{
	struct rig_spec s;
	uint64_t first, second;

	rig_function(&s, RV_METHOD_FORKSERVER, "t.give_back", "4");
	first = rig_launch(rig, &s);
	rig_function(&s, RV_METHOD_FORKSERVER, "t.leave_mark", mark);
	s.program.ready = RV_CHANNEL_NOTIFY;
	second = rig_launch(rig, &s);
	rv_start_cancel(rig->start, first);
	rv_start_cancel(rig->start, second);
	rv_start_cancel(rig->start, second);
	CU_ASSERT_FATAL(rig_wait(rig, rig_is_over, first));
	CU_ASSERT_FATAL(rig_wait(rig, rig_is_over, second));
	CU_ASSERT(rig_of(rig, first)->died || was_taken_back(rig, first));
	CU_ASSERT(was_taken_back(rig, second));
	rv_start_cancel(rig->start, second);
}

RV_TEST(a_launch_that_a_fork_server_does_not_answer_is_taken_back)
{
	struct rig rig;
	struct rig_spec s;
	const char *mark;
	unsigned failed;
	pid_t server;

	rig_open(&rig, NULL);
	mark = rig_file(&rig, "mark");
	rig_function(&s, RV_METHOD_FORKSERVER, "t.give_back", "5");
	CU_ASSERT_EQUAL(rig_run(&rig, &s)->death.end.number, 5);
	server = stop_server(&rig);
	take_two_back(&rig, mark);
	failed = rig.n_failed;
	/* What it forks now is not wanted, and nobody hears of it. */
	kill(server, SIGCONT);
	CU_ASSERT_EQUAL(rig_run(&rig, &s)->death.end.number, 5);
	CU_ASSERT_EQUAL(await_rest(&rig), server);
	rig_sync(&rig);
	CU_ASSERT_EQUAL(rig.n_failed, failed);
	CU_ASSERT_EQUAL(rig.n_launched + rig.n_failed, rig.next - 1);
	CU_ASSERT_EQUAL(access(mark, F_OK), -1);
	CU_ASSERT_EQUAL(rig.n_troubles, 0);
	rig_close(&rig);
}

RV_TEST(a_launch_whose_fork_server_is_not_ready_is_taken_back)
{
	static const char *const preload[] = { "t.stand_still", NULL };
	struct rig rig;
	struct children c = { .rig = &rig };
	struct rig_spec s;
	const char *mark;
	uint64_t life;

	rig_open(&rig, NULL);
	mark = rig_file(&rig, "mark");
	rig_function(&s, RV_METHOD_FORKSERVER, "t.leave_mark", mark);
	s.program.preload = preload;
	life = rig_launch(&rig, &s);
	CU_ASSERT_FATAL(rv_test_wait(has_stopped_child, &c, -1, WAIT_MS));
	CU_ASSERT(!rig_of(&rig, life)->failed);
	rv_start_cancel(rig.start, life);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_failed, life));
	CU_ASSERT(was_taken_back(&rig, life));
	kill(c.stopped, SIGCONT);
	rig_function(&s, RV_METHOD_FORKSERVER, "t.give_back", "5");
	s.program.preload = preload;
	CU_ASSERT_EQUAL(rig_run(&rig, &s)->death.end.number, 5);
	CU_ASSERT_EQUAL(await_rest(&rig), c.stopped);
	CU_ASSERT_EQUAL(access(mark, F_OK), -1);
	CU_ASSERT_EQUAL(rig.n_failed, 1);
	CU_ASSERT_EQUAL(rig.n_troubles, 0);
	rig_close(&rig);
}

/* Its end answers what it was asked for, but not what was taken back. */
RV_TEST(a_launch_that_was_taken_back_is_not_answered_by_the_end_of_its_server)
{
	struct rig rig;
	struct rig_spec s;
	unsigned failed;
	pid_t server;

	rig_open(&rig, NULL);
	rig_function(&s, RV_METHOD_FORKSERVER, "t.give_back", "5");
	rig_run(&rig, &s);
	server = stop_server(&rig);
	take_two_back(&rig, rig_file(&rig, "mark"));
	failed = rig.n_failed;
	kill(server, SIGKILL);
	CU_ASSERT_FATAL(rv_test_wait(is_gone, &server, -1, WAIT_MS));
	CU_ASSERT_EQUAL(rig_run(&rig, &s)->death.end.number, 5);
	CU_ASSERT_NOT_EQUAL(await_rest(&rig), server);
	rig_sync(&rig);
	CU_ASSERT_EQUAL(rig.n_failed, failed);
	CU_ASSERT_EQUAL(access(rig_file(&rig, "mark"), F_OK), -1);
	rig_close(&rig);
}

RV_TEST(a_launcher_ends_though_what_was_taken_back_is_unanswered)
{
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	rig_function(&s, RV_METHOD_FORKSERVER, "t.give_back", "5");
	rig_run(&rig, &s);
	stop_server(&rig);
	take_two_back(&rig, rig_file(&rig, "mark"));
	rig_close(&rig); /* nobody is left, or the harness says so */
}

/* Taken back at any moment: one answer, and it is the right one. */
RV_TEST(every_launch_has_one_answer_whenever_it_is_taken_back)
{
	static const enum rv_method methods[] = { RV_METHOD_SPAWN,
		RV_METHOD_FORK, RV_METHOD_FORKSERVER };

	for (size_t m = 0; m < RV_ARRAY_LEN(methods); m++) {
		struct rig rig;
		struct rig_spec s;

		rig_open(&rig, NULL);
		rig_function(&s, methods[m], "t.give_back", "7");
		for (unsigned i = 0; i < ROUNDS; i++) {
			uint64_t life = rig_launch(&rig, &s);
			uint64_t other = rig_launch(&rig, &s);

			for (unsigned turns = i % 4; turns > 0; turns--) {
				rig_turn(&rig);
			}
			rv_start_cancel(rig.start, other);
			CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
			CU_ASSERT_FATAL(rig_wait(&rig, rig_is_over, other));
			CU_ASSERT_EQUAL(
			    rig_of(&rig, life)->death.end.number, 7);
			CU_ASSERT(was_taken_back(&rig, other) ||
				  rig_of(&rig, other)->death.end.number == 7);
		}
		/* Only a fork server answers later than it is asked. */
		CU_ASSERT(
		    methods[m] == RV_METHOD_FORKSERVER || rig.n_failed == 0);
		CU_ASSERT_EQUAL(rig.n_launched + rig.n_failed, 2 * ROUNDS);
		if (methods[m] == RV_METHOD_FORKSERVER) {
			rig_run(&rig, &s);
			await_rest(&rig);
		}
		CU_ASSERT_EQUAL(rig.n_launched, rig.n_died);
		CU_ASSERT_EQUAL(rig.n_troubles, 0);
		rig_close(&rig);
	}
}

RV_TEST(what_is_a_life_already_is_not_touched)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life;

	rig_open(&rig, NULL);
	rig_function(&s, RV_METHOD_FORKSERVER, "t.stay", "");
	s.program.ready = RV_CHANNEL_NOTIFY;
	life = rig_launch(&rig, &s);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_is_ready, life));
	rv_start_cancel(rig.start, life);
	rv_start_cancel(rig.start, life + 1);
	rig_sync(&rig);
	CU_ASSERT(!rig_of(&rig, life)->failed && !rig_of(&rig, life)->died);
	rv_start_signal(rig.start, life, SIGTERM, false, false);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT_EQUAL(rig_of(&rig, life)->death.end.number, SIGTERM);
	rv_start_cancel(rig.start, life);
	rig_sync(&rig);
	CU_ASSERT_EQUAL(rig.n_failed, 0);
	CU_ASSERT_EQUAL(rig.n_troubles, 0);
	rig_close(&rig);
}

/* -------- fork servers that end, or stand still, in the middle of a fork */

static void
open_halting(
    struct rig *rig, struct rig_spec *s, const char *how, int first, int last)
{
	static const char *const preload[] = { "t.halt", NULL };
	static unsigned n;
	char text[220];

	snprintf(text, sizeof(text), "%s %d %d %s/halted%u", how, first, last,
	    rv_test_dir(), n++);
	setenv(HALT_ENV, text, 1);
	rig_open(rig, NULL);
	unsetenv(HALT_ENV);
	rig_function(s, RV_METHOD_FORKSERVER, "t.give_back", "5");
	s->program.preload = preload;
}

/* All that was asked of the fork server is done, and known. */
static bool
is_at_rest(void *ctx)
{
	struct children *c = ctx;

	return has_only_server_and_spare(c) && c->at_rest;
}

static void
await_spare(struct rig *rig)
{
	struct children c = { .rig = rig };

	CU_ASSERT_FATAL(rv_test_wait(is_at_rest, &c, -1, WAIT_MS));
	rig_sync(rig);
}

static pid_t before; /* the one between that was stopped before */

static bool
has_next_between(void *ctx)
{
	struct children *c = ctx;

	look(c);
	return c->between != 0 && c->between != before;
}

static pid_t
await_between(struct rig *rig)
{
	struct children c = { .rig = rig };

	CU_ASSERT_FATAL(rv_test_wait(has_next_between, &c, -1, WAIT_MS));
	before = c.between;
	return c.between;
}

static bool
has_spare(void *ctx)
{
	struct children *c = ctx;

	look(c);
	return c->spare;
}

/*
 * The start that is the last to begin finds one unanswered that was taken back
 * already, and never begins.
 */
RV_TEST(another_is_forked_ahead_when_the_last_answer_is_not_wanted)
{
	struct rig rig;
	struct children c = { .rig = &rig };
	struct rig_spec s;
	uint64_t life;
	pid_t between;

	before = 0;
	open_halting(&rig, &s, "b", 3, 4);
	rig_run(&rig, &s); /* fork 1, and 2 ahead */
	await_spare(&rig);
	rig_run(&rig, &s); /* takes that; 3 is to be the next */
	between = await_between(&rig);
	life = rig_launch(&rig, &s); /* fork 4 */
	rv_start_cancel(rig.start, life);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_failed, life));
	kill(between, SIGCONT);
	between = await_between(&rig);
	CU_ASSERT_FATAL(rv_test_wait(has_spare, &c, -1, WAIT_MS));
	rig_sync(&rig);
	/* Has but the one that was forked ahead. */
	CU_ASSERT_EQUAL(rig_run(&rig, &s)->death.end.number, 5);
	rig_sync(&rig);
	kill(between, SIGCONT);
	await_spare(&rig);
	CU_ASSERT_EQUAL(rig.n_failed, 1);
	CU_ASSERT_EQUAL(rig.n_troubles, 0);
	rig_close(&rig);
}

static bool
has_stopped_server(void *ctx)
{
	struct children *c = ctx;

	look(c);
	return c->stopped != 0 && c->n == 2;
}

static pid_t
await_stopped_server(struct rig *rig)
{
	struct children c = { .rig = rig };

	CU_ASSERT_FATAL(rv_test_wait(has_stopped_server, &c, -1, WAIT_MS));
	return c.stopped;
}

/* Of a first fork (asked for) and of a second (ahead): who hangs, who waits */
static const struct {
	const char *how;
	int fork;
	bool is_canceled;
} unanswered[] = { { "sh", 1, false }, { "s", 1, false }, { "sh", 1, true },
	{ "s", 1, true }, { "sh", 2, false }, { "s", 2, false },
	{ "b", 1, false }, { "b", 1, true }, { "b", 2, false } };

static void
halt_in_fork(struct rig *rig, unsigned i)
{
	struct rig_spec s;
	uint64_t life;

	before = 0;
	open_halting(
	    rig, &s, unanswered[i].how, unanswered[i].fork, unanswered[i].fork);
	life = rig_launch(rig, &s);
	if (unanswered[i].fork == 2) {
		CU_ASSERT_FATAL(rig_wait(rig, rig_died, life));
	}
	if (unanswered[i].how[0] == 'b') {
		await_between(rig);
	} else {
		await_stopped_server(rig);
	}
	if (unanswered[i].is_canceled) {
		rv_start_cancel(rig->start, life);
		CU_ASSERT_FATAL(rig_wait(rig, rig_failed, life));
	}
}

RV_TEST(a_launcher_ends_no_sooner_than_what_was_being_forked_for_it)
{
	for (unsigned i = 0; i < RV_ARRAY_LEN(unanswered); i++) {
		siginfo_t info;
		struct rig rig;

		halt_in_fork(&rig, i);
		rig_close(&rig);
		CU_ASSERT_EQUAL(
		    waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1);
		CU_ASSERT_EQUAL(errno, ECHILD);
	}
}

RV_TEST(what_was_being_forked_ends_with_its_fork_server)
{
	for (unsigned i = 0; i < RV_ARRAY_LEN(unanswered); i++) {
		struct rig rig;
		struct children c = { .rig = &rig };
		struct rig_spec s;

		halt_in_fork(&rig, i);
		look(&c);
		kill(c.stopped != 0 ? c.stopped : c.server, SIGKILL);
		rig_function(&s, RV_METHOD_FORKSERVER, "t.give_back", "5");
		CU_ASSERT_EQUAL(rig_run(&rig, &s)->death.end.number, 5);
		await_spare(&rig);
		rig_close(&rig);
	}
}

static bool
is_stopped(void *ctx)
{
	bool is_spare;
	char state = 0;

	return read_stat(*(const pid_t *)ctx, &state, &is_spare) &&
	       state == 'T';
}

/* The launcher has asked for it, and dies before it reads the answer. */
RV_TEST(what_a_host_forked_in_vain_is_not_left_with_it)
{
	struct rig rig;
	struct rig_spec s;
	struct pollfd asked = { .events = POLLIN };
	pid_t launcher, pids[16];

	rig_open(&rig, NULL);
	rig_sync(&rig);
	launcher = rv_start_pid(rig.start);
	rig_function(&s, RV_METHOD_FORK, "t.give_back", "5");
	rig_launch(&rig, &s);
	asked.fd = rv_loop_fd(rig.loop);
	CU_ASSERT_EQUAL_FATAL(poll(&asked, 1, WAIT_MS), 1);
	kill(launcher, SIGSTOP);
	CU_ASSERT_FATAL(rv_test_wait(is_stopped, &launcher, -1, WAIT_MS));
	rig_turn(&rig);
	CU_ASSERT_EQUAL(list_children(getpid(), pids), 2);
	kill(launcher, SIGKILL);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_n_back, 1));
	CU_ASSERT_EQUAL(list_children(getpid(), pids), 1);
	CU_ASSERT_EQUAL(pids[0], rv_start_pid(rig.start));
	rig_close(&rig);
}

RV_SUITE(cancel,
    RV_CASE(a_launch_that_a_fork_server_does_not_answer_is_taken_back),
    RV_CASE(a_launch_whose_fork_server_is_not_ready_is_taken_back),
    RV_CASE(
	a_launch_that_was_taken_back_is_not_answered_by_the_end_of_its_server),
    RV_CASE(a_launcher_ends_though_what_was_taken_back_is_unanswered),
    RV_CASE(every_launch_has_one_answer_whenever_it_is_taken_back),
    RV_CASE(what_is_a_life_already_is_not_touched),
    RV_CASE(another_is_forked_ahead_when_the_last_answer_is_not_wanted),
    RV_CASE(a_launcher_ends_no_sooner_than_what_was_being_forked_for_it),
    RV_CASE(what_was_being_forked_ends_with_its_fork_server),
    RV_CASE(what_a_host_forked_in_vain_is_not_left_with_it))
