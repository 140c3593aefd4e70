/* SPDX-License-Identifier: MIT */
/*
 * Tasks that do what they should not, each in a worker of a host that is to
 * see a result or the worker's end, and nothing else; and workers that are
 * killed at any moment.
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
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/task.h>

#include "lib/harness.h"
#include "sys/sys.h"
#include "unit/worker_rig.h"

static void
ask(struct worker_rig *rig, uint16_t number, const char *function, uint64_t id)
{
	worker_teach(rig, number, function);
	(void)worker_task(rig, number, id, "", 0);
}

/* The next frame is the result of this task; the text in it. */
static const char *
result_of(struct worker_rig *rig, uint64_t id)
{
	struct rv_frame head = { 0 };
	const void *payload = "";

	CU_ASSERT_TRUE_FATAL(worker_next(rig, &head, &payload));
	CU_ASSERT_EQUAL(head.kind, RV_FRAME_RESULT);
	CU_ASSERT_EQUAL(head.id, id);
	worker_done(rig);
	return payload;
}

static int
fine(const struct reeve_call *call)
{
	return reeve_return(call, "fine", 4);
}
REEVE_FUNCTION("test.fine", fine);

/* -------- ends -------- */

static int
end_by(const struct reeve_call *call)
{
	const char *how = call->args;

	if (strcmp(how, "exit") == 0) {
		exit(3);
	}
	if (strcmp(how, "_exit") == 0) {
		_exit(4);
	}
	if (strcmp(how, "thread") == 0) {
		pthread_exit(NULL);
	}
	if (strcmp(how, "abort") == 0) {
		abort();
	}
	if (strcmp(how, "segv") == 0) {
		/* A sanitizer would make it an exit. */
		(void)signal(SIGSEGV, SIG_DFL);
		(void)raise(SIGSEGV);
	}
	if (strcmp(how, "kill") == 0) {
		(void)raise(SIGKILL);
	}
	return 0;
}
REEVE_FUNCTION("test.end_by", end_by);

RV_TEST(a_task_that_ends_its_worker_has_begun_and_no_other_has)
{
	static const struct {
		const char *how;
		int code, signo;
	} ends[] = { { "exit", 3, 0 }, { "_exit", 4, 0 }, { "thread", 1, 0 },
		{ "abort", 0, SIGABRT }, { "segv", 0, SIGSEGV },
		{ "kill", 0, SIGKILL } };
	struct worker_rig rig;
	struct rv_frame head;
	const void *payload;

	for (size_t i = 0; i < RV_ARRAY_LEN(ends); i++) {
		const char *how = ends[i].how;
		uint64_t at, next;

		worker_start(&rig, NULL);
		ask(&rig, 1, "test.fine", 1);
		worker_teach(&rig, 2, "test.end_by");
		at = worker_task(&rig, 2, 2, how, (uint32_t)strlen(how));
		next = worker_task(&rig, 2, 3, "", 0);
		worker_await(&rig);
		CU_ASSERT_EQUAL(
		    WIFEXITED(rig.status) ? WEXITSTATUS(rig.status) : 0,
		    ends[i].code);
		CU_ASSERT_EQUAL(
		    WIFSIGNALED(rig.status) ? WTERMSIG(rig.status) : 0,
		    ends[i].signo);
		(void)result_of(&rig, 1);
		CU_ASSERT_FALSE(worker_next(&rig, &head, &payload));
		CU_ASSERT_FALSE(rv_lane_revoke(&rig.lane.tasks, at));
		CU_ASSERT_TRUE(rv_lane_revoke(&rig.lane.tasks, next));
		worker_drop(&rig);
	}
}

static int
stop_itself(const struct reeve_call *call)
{
	(void)raise(SIGSTOP);
	return fine(call);
}
REEVE_FUNCTION("test.stop_itself", stop_itself);

RV_TEST(a_task_that_is_stopped_runs_and_goes_on_or_is_killed)
{
	struct worker_rig rig;
	int status;

	worker_start(&rig, NULL);
	ask(&rig, 1, "test.stop_itself", 1);
	CU_ASSERT_EQUAL(waitpid(rig.pid, &status, WUNTRACED), rig.pid);
	CU_ASSERT_TRUE(WIFSTOPPED(status));
	(void)kill(rig.pid, SIGCONT);
	(void)result_of(&rig, 1);
	ask(&rig, 1, "test.stop_itself", 2);
	CU_ASSERT_EQUAL(waitpid(rig.pid, &status, WUNTRACED), rig.pid);
	worker_drop(&rig);
	CU_ASSERT_EQUAL(WTERMSIG(rig.status), SIGKILL);
}

/* -------- signals -------- */

static int
block_all(const struct reeve_call *call)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	return fine(call);
}
REEVE_FUNCTION("test.block_all", block_all);

RV_TEST(signals_that_a_task_blocked_come_to_an_idle_worker)
{
	struct worker_rig rig;

	worker_start(&rig, NULL);
	ask(&rig, 1, "test.block_all", 1);
	(void)result_of(&rig, 1);
	(void)kill(rig.pid, SIGTERM);
	worker_await(&rig);
	CU_ASSERT_EQUAL(rig.status, 0);
	worker_drop(&rig);
}

/* What it blocks in returns; early it is not overdue. */
static int
wait_for_limit(const struct reeve_call *call)
{
	bool early = reeve_task_is_overdue(call);
	int n = poll(NULL, 0, 20000), error = errno;

	while (!reeve_task_is_overdue(call)) {
	}
	return early || n != -1 || error != EINTR ? 1 : fine(call);
}
REEVE_FUNCTION("test.wait_for_limit", wait_for_limit);

struct begun {
	struct worker_rig *rig;
	uint64_t at;
};

static bool
sleeps(void *ctx)
{
	struct begun *b = ctx;
	pid_t ppid, pgrp, sid;
	char state = '?';
	uint64_t ticks;

	return rv_lane_has_begun(&b->rig->lane.tasks, b->at) &&
	       rv_sys_proc_stat(
		   b->rig->pid, &ppid, &pgrp, &sid, &state, &ticks) &&
	       state == 'S';
}

RV_TEST(the_soft_signal_interrupts_a_task_that_sees_its_limit)
{
	struct rv_frame head = { .kind = RV_FRAME_TASK,
		.function = 1,
		.id = 1,
		.code = 1,
		.took = 5 * RV_MS };
	struct worker_rig rig;
	struct begun b = { .rig = &rig };

	worker_start(&rig, NULL);
	worker_teach(&rig, 1, "test.wait_for_limit");
	(void)kill(rig.pid, SIGUSR1);
	b.at = worker_put(&rig, &head, "", 0);
	CU_ASSERT_TRUE(rv_test_wait(sleeps, &b, -1, 5000));
	(void)kill(rig.pid, SIGUSR1);
	CU_ASSERT_STRING_EQUAL(result_of(&rig, 1), "fine");
	ask(&rig, 2, "test.fine", 2);
	(void)result_of(&rig, 2);
	CU_ASSERT_TRUE(worker_finish(&rig));
}

/* -------- children -------- */

static int
await_child(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {
	}
	return status;
}

/* The child comes back from here, too; and before that, it tries to answer. */
static int
fork_and_return(const struct reeve_call *call)
{
	pid_t pid = fork();

	if (pid == 0) {
		return reeve_return(call, "forged", 6) == 0 ? 1 : 42;
	}
	return WEXITSTATUS(await_child(pid)) == 42 ? fine(call) : 2;
}
REEVE_FUNCTION("test.fork_and_return", fork_and_return);

RV_TEST(a_child_that_comes_back_from_a_function_ends_there)
{
	struct worker_rig rig;

	worker_start(&rig, NULL);
	for (uint64_t id = 1; id < 20; id++) {
		ask(&rig, 1, "test.fork_and_return", id);
		CU_ASSERT_STRING_EQUAL(result_of(&rig, id), "fine");
	}
	CU_ASSERT_TRUE(worker_finish(&rig));
}

/* The handler that a child inherits is of no use there: it ends by TERM. */
static int
fork_and_term(const struct reeve_call *call)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		for (;;) {
			(void)pause();
		}
	}
	(void)kill(pid, SIGTERM);
	status = await_child(pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM ? fine(call)
								  : 1;
}
REEVE_FUNCTION("test.fork_and_term", fork_and_term);

/* It outlives the task; the reading end says when it is gone. */
static int
fork_and_leave(const struct reeve_call *call)
{
	if (fork() == 0) {
		for (;;) {
			(void)pause();
		}
	}
	return fine(call);
}
REEVE_FUNCTION("test.fork_and_leave", fork_and_leave);

RV_TEST(a_child_of_a_task_ends_by_term_and_does_not_stop_its_worker)
{
	struct worker_rig rig;
	pid_t group;

	worker_start(&rig, NULL);
	ask(&rig, 1, "test.fork_and_term", 1);
	CU_ASSERT_STRING_EQUAL(result_of(&rig, 1), "fine");
	ask(&rig, 2, "test.fork_and_leave", 2);
	CU_ASSERT_STRING_EQUAL(result_of(&rig, 2), "fine");
	ask(&rig, 3, "test.fine", 3);
	CU_ASSERT_STRING_EQUAL(result_of(&rig, 3), "fine");
	group = rig.pid;
	CU_ASSERT_TRUE(worker_finish(&rig));
	/* As the launcher does with what its worker left. */
	CU_ASSERT_EQUAL(kill(-group, SIGKILL), 0);
}

/* -------- what is not its own -------- */

static int
close_all(const struct reeve_call *call)
{
	(void)rv_sys_close_range(0, ~0U);
	return fine(call);
}
REEVE_FUNCTION("test.close_all", close_all);

RV_TEST(a_task_that_closes_all_keeps_its_result_and_ends_its_worker)
{
	struct worker_rig rig;

	worker_start(&rig, NULL);
	ask(&rig, 1, "test.close_all", 1);
	CU_ASSERT_STRING_EQUAL(result_of(&rig, 1), "fine");
	worker_await(&rig);
	CU_ASSERT_EQUAL(rig.status, 0);
	worker_drop(&rig);
}

static int
go_elsewhere(const struct reeve_call *call)
{
	return chdir("/") == 0 ? fine(call) : 1;
}
REEVE_FUNCTION("test.go_elsewhere", go_elsewhere);

static int
where(const struct reeve_call *call)
{
	char path[4096];

	return getcwd(path, sizeof(path)) == NULL
		   ? 1
		   : reeve_return(call, path, strlen(path));
}
REEVE_FUNCTION("test.where", where);

RV_TEST(what_a_task_changes_of_its_process_stays)
{
	struct worker_rig rig;

	worker_start(&rig, NULL);
	ask(&rig, 1, "test.go_elsewhere", 1);
	(void)result_of(&rig, 1);
	ask(&rig, 2, "test.where", 2);
	CU_ASSERT_STRING_EQUAL(result_of(&rig, 2), "/");
	CU_ASSERT_TRUE(worker_finish(&rig));
}

/* Where the lane is, from the arguments in it. */
static bool
find_lane(const void *within, char **at, size_t *size)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	unsigned long from, to;
	bool found = false;

	while (
	    maps != NULL && !found && fgets(line, sizeof(line), maps) != NULL) {
		found = sscanf(line, "%lx-%lx", &from, &to) == 2 &&
			(uintptr_t)within >= from && (uintptr_t)within < to;
	}
	if (maps != NULL) {
		(void)fclose(maps);
	}
	*at = (char *)from; // NOLINT
	*size = to - from;
	return found;
}

/* By its arguments: all of it with one byte, or some words with others. */
static int
scribble(const struct reeve_call *call)
{
	unsigned seed = (unsigned)strtoul(call->args, NULL, 10);
	size_t size;
	char *at;

	if (!find_lane(call->args, &at, &size)) {
		return 1;
	}
	if (seed < 256) {
		memset(at, (int)seed, size);
	} else {
		for (int i = 0; i < 200; i++) {
			size_t to = (size_t)rand_r(&seed) % size;

			to = i % 2 == 0 ? to : to % 512;
			at[to] = (char)rand_r(&seed);
		}
	}
	return fine(call);
}
REEVE_FUNCTION("test.scribble", scribble);

/* Whatever comes is well formed, or nonsense, and then the end. */
static void
read_all(struct worker_rig *rig)
{
	struct rv_frame head;
	const void *payload;

	for (int i = 0; i < 100000; i++) {
		if (rv_lane_peek(&rig->lane.results, &head, &payload) !=
		    RV_LANE_OK) {
			break;
		}
		CU_ASSERT(head.length <= RV_LANE_FRAME_MAX);
		worker_done(rig);
	}
	(void)rv_lane_rest(&rig->lane.results, &head, &payload);
}

static bool
begun_or_gone(void *ctx)
{
	struct begun *b = ctx;

	return rv_lane_has_begun(&b->rig->lane.tasks, b->at) ||
	       rv_sys_is_ending(b->rig->pid);
}

RV_TEST(a_worker_that_scribbles_over_its_lane_harms_no_host)
{
	struct worker_rig rig;
	struct begun b = { .rig = &rig };
	char text[16];

	for (int i = 0; i < 80; i++) {
		int n = snprintf(
		    text, sizeof(text), "%d", i < 16 ? i * 17 : 1000 + i);

		worker_start(&rig, NULL);
		worker_teach(&rig, 1, "test.scribble");
		b.at = worker_task(&rig, 1, 1, text, (uint32_t)n);
		CU_ASSERT_TRUE(rv_test_wait(begun_or_gone, &b, -1, 5000));
		read_all(&rig);
		if (rv_lane_room(&rig.lane.tasks, 100) != NULL) {
			rv_lane_commit(&rig.lane.tasks);
		}
		read_all(&rig);
		worker_drop(&rig);
	}
}

/* -------- deaths -------- */

#define TASKS 200U

/* What really happened, where the lane cannot be wrong about it. */
static struct ledger {
	_Atomic uint32_t begun[TASKS], ended[TASKS];
} *ledger;

static int
enter_it(const struct reeve_call *call)
{
	uint32_t i;

	memcpy(&i, call->args, sizeof(i));
	ledger->begun[i]++;
	for (volatile int n = 0; n < 300; n++) {
	}
	ledger->ended[i]++;
	return reeve_return(call, &i, sizeof(i));
}
REEVE_FUNCTION("test.enter_it", enter_it);

struct account {
	uint32_t results, killed_at;
	uint64_t at[TASKS];
	bool answered[TASKS];
};

static bool
take_results(struct worker_rig *rig, struct account *a)
{
	struct rv_frame head;
	const void *payload;
	uint32_t i;

	while (
	    rv_lane_peek(&rig->lane.results, &head, &payload) == RV_LANE_OK) {
		memcpy(&i, payload, sizeof(i));
		if (head.kind != RV_FRAME_RESULT || head.length != 4 ||
		    head.id != i + 1U || i >= TASKS || a->answered[i]) {
			return false;
		}
		a->answered[i] = true;
		a->results++;
		worker_done(rig);
	}
	return !rig->lane.results.broken;
}

/* Each task has its result, or was not begun, or is the one to blame. */
static bool
balance(struct worker_rig *rig, struct account *a)
{
	uint32_t blamed = 0;
	bool fine = true;

	for (uint32_t i = 0; i < TASKS; i++) {
		uint32_t begun = ledger->begun[i], ended = ledger->ended[i];

		if (a->answered[i]) {
			fine = fine && begun == 1 && ended == 1;
		} else if (rv_lane_revoke(&rig->lane.tasks, a->at[i])) {
			fine = fine && begun == 0;
		} else {
			fine = fine && begun <= 1;
			blamed++;
		}
	}
	return fine && blamed <= 1;
}

static bool
kill_one(uint32_t after)
{
	static const struct ledger zero;
	struct account a = { .killed_at = after };
	struct worker_rig rig;
	bool fine = true;

	memcpy(ledger, &zero, sizeof(zero));
	worker_start(&rig, NULL);
	worker_teach(&rig, 1, "test.enter_it");
	for (uint32_t i = 0; i < TASKS; i++) {
		a.at[i] = worker_task(&rig, 1, i + 1, &i, sizeof(i));
	}
	while (fine && a.results < after) {
		fine = take_results(&rig, &a);
	}
	(void)kill(rig.pid, SIGKILL);
	worker_await(&rig);
	fine = fine && take_results(&rig, &a) && balance(&rig, &a);
	worker_drop(&rig);
	return fine;
}

RV_TEST(a_thousand_kills_lose_no_result_and_blame_one_at_most)
{
	unsigned seed = 11;

	ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CU_ASSERT_FATAL(ledger != MAP_FAILED);
	for (int i = 0; i < 1000 / rv_test_slow(); i++) {
		CU_ASSERT_TRUE(kill_one((uint32_t)rand_r(&seed) % TASKS));
	}
	(void)munmap(ledger, sizeof(*ledger));
}

RV_SUITE(pool_astray,
    RV_CASE(a_task_that_ends_its_worker_has_begun_and_no_other_has),
    RV_CASE(a_task_that_is_stopped_runs_and_goes_on_or_is_killed),
    RV_CASE(signals_that_a_task_blocked_come_to_an_idle_worker),
    RV_CASE(the_soft_signal_interrupts_a_task_that_sees_its_limit),
    RV_CASE(a_child_that_comes_back_from_a_function_ends_there),
    RV_CASE(a_child_of_a_task_ends_by_term_and_does_not_stop_its_worker),
    RV_CASE(a_task_that_closes_all_keeps_its_result_and_ends_its_worker),
    RV_CASE(what_a_task_changes_of_its_process_stays),
    RV_CASE(a_worker_that_scribbles_over_its_lane_harms_no_host),
    RV_CASE(a_thousand_kills_lose_no_result_and_blame_one_at_most))
