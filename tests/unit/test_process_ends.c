/* SPDX-License-Identifier: MIT */
/*
 * What may happen around processes: many threads wait, signals interrupt,
 * daemonic ones have children; and what they say while they are at it.
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
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "unit/process_rig.h"

#define LINES 200

/* -------- what processes do -------- */

static int
give_back(const struct reeve_call *call)
{
	return (int)strtol(call->args, NULL, 10);
}
REEVE_FUNCTION("e.give_back", give_back);

static int
stay(const struct reeve_call *call)
{
	(void)call;
	for (;;) {
		pause();
	}
	return 0;
}
REEVE_FUNCTION("e.stay", stay);

static int
be_there(const struct reeve_call *call)
{
	dprintf(process_given("out"), "%d %d\n", (int)getpid(), (int)getppid());
	return stay(call);
}
REEVE_FUNCTION("e.be_there", be_there);

/* A process that has processes; its context is as that of its creator. */
static int
nest(const struct reeve_call *call)
{
	struct reeve_self self = { .size = sizeof(self) };
	struct reeve_context *context;
	struct reeve_process_options options = { .size = sizeof(options),
		.function = "e.give_back",
		.bytes = "7",
		.n_bytes = 1 };
	struct reeve_process *p;

	(void)call;
	process_keep_faults();
	if (reeve_self(&self) != REEVE_OK || !self.daemon ||
	    reeve_context_new(&context, NULL, NULL) != REEVE_OK ||
	    (int)reeve_context_method(context) != self.method ||
	    reeve_process_new(&p, context, &options, NULL) != REEVE_OK ||
	    reeve_process_start(p, NULL) != REEVE_OK ||
	    reeve_process_join(p, REEVE_FOREVER, NULL) != REEVE_OK ||
	    reeve_process_exitcode(p) != 7 ||
	    reeve_process_free(p, false, NULL) != REEVE_OK) {
		return 1;
	}
	reeve_context_free(context);
	return 0;
}
REEVE_FUNCTION("e.nest", nest);

/* One that stays, below one that stays. */
static int
nest_and_stay(const struct reeve_call *call)
{
	struct reeve_context *context;
	struct reeve_give give = { .name = "out" };
	struct reeve_process_options options = { .size = sizeof(options),
		.function = "e.be_there",
		.gives = &give,
		.n_gives = 1 };
	struct reeve_process *p;

	process_keep_faults();
	if (reeve_given("out", &give.handle) != REEVE_OK ||
	    reeve_context_new(&context, NULL, NULL) != REEVE_OK ||
	    reeve_process_new(&p, context, &options, NULL) != REEVE_OK ||
	    reeve_process_start(p, NULL) != REEVE_OK) {
		return 1;
	}
	return stay(call);
}
REEVE_FUNCTION("e.nest_and_stay", nest_and_stay);

static int
say_much(const struct reeve_call *call)
{
	char filling[900];

	memset(filling, 'x', sizeof(filling) - 1);
	filling[sizeof(filling) - 1] = '\0';
	reeve_say_task("filling");
	for (int i = 0; i < LINES; i++) {
		reeve_say(REEVE_SAY_INFO, "%d %s %s", i, filling,
		    (const char *)call->args);
	}
	reeve_say(REEVE_SAY_DEBUG, "not for anybody");
	kill(getpid(), SIGKILL);
	return 0;
}
REEVE_FUNCTION("e.say_much", say_much);

static int
say_little(const struct reeve_call *call)
{
	(void)call;
	reeve_say(REEVE_SAY_DEBUG, "not for anybody");
	reeve_say(REEVE_SAY_WARNING, "%s", "one line");
	return 0;
}
REEVE_FUNCTION("e.say_little", say_little);

static int
tell_length(const struct reeve_call *call)
{
	const char *text = call->args;

	return call->args_len != 100000 || text[0] != 'y' ||
	       strlen(text) != call->args_len;
}
REEVE_FUNCTION("e.tell_length", tell_length);

/* -------- tests -------- */

static struct reeve_process *
start_daemon(struct reeve_context *context, const char *function,
    struct process_pipe *pipe)
{
	struct reeve_process_options options = { .size = sizeof(options),
		.function = function,
		.daemon = true,
		.gives = pipe != NULL ? &pipe->give : NULL,
		.n_gives = pipe != NULL };
	struct reeve_process *p = NULL;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_process_new(&p, context, &options, NULL), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(reeve_process_start(p, NULL), REEVE_OK);
	CU_ASSERT_TRUE(reeve_process_daemon(p));
	if (pipe != NULL) {
		process_pipe_shut(pipe);
	}
	return p;
}

SCENARIO(daemonic_processes_may_have_children, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);

	process_finish(start_daemon(context, "e.nest", NULL), 0);
	reeve_context_free(context);
}

SCENARIO(grandchildren_end_with_the_tree, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);
	struct process_pipe pipe;
	struct reeve_process *p;
	int grandchild = 0;

	process_pipe_open(&pipe, "out");
	p = start_daemon(context, "e.nest_and_stay", &pipe);
	CU_ASSERT_EQUAL_FATAL(
	    sscanf(process_read_line(&pipe), "%d", &grandchild), 1);
	CU_ASSERT_FALSE(process_is_gone(grandchild));
	CU_ASSERT_EQUAL(reeve_process_kill(p, NULL), REEVE_OK);
	process_finish(p, -SIGKILL);
	CU_ASSERT_TRUE(process_await_gone(grandchild, 30000));
	process_pipe_close(&pipe);
	reeve_context_free(context);
}

SCENARIO(the_end_of_a_context_ends_daemons_and_waits_for_the_others, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);
	struct reeve_process *d = start_daemon(context, "e.stay", NULL);
	struct reeve_process *p = process_started(context, "e.stay", "");
	struct reeve_process *q = process_started(context, "e.give_back", "0");
	struct reeve_error err;

	CU_ASSERT_EQUAL(
	    reeve_context_end(context, REEVE_MS(1), &err), REEVE_ETIMEDOUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, " runs, and "));
	CU_ASSERT_TRUE(reeve_process_alive(p));
	CU_ASSERT_EQUAL(reeve_process_stop(p, REEVE_S(30), NULL), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_context_end(context, REEVE_FOREVER, NULL), REEVE_OK);
	process_join(d);
	process_finish(p, -SIGTERM);
	process_finish(q, 0);
	CU_ASSERT_EQUAL(reeve_process_free(d, false, NULL), REEVE_OK);
	reeve_context_free(context);
}

SCENARIO(who_is_let_go_of_is_ended_with_the_context, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);
	struct process_pipe pipe;
	struct reeve_process *p;
	int pid = 0;

	process_pipe_open(&pipe, "out");
	p = process_with_pipe(context, "e.be_there", "", &pipe);
	CU_ASSERT_EQUAL(sscanf(process_read_line(&pipe), "%d", &pid), 1);
	CU_ASSERT_EQUAL(reeve_process_free(p, true, NULL), REEVE_OK);
	reeve_context_free(context);
	CU_ASSERT_TRUE(process_is_gone(pid));
	process_pipe_close(&pipe);
}

/* By fork a process is the program's own child; the launcher never is. */
SCENARIO(scenario_157_helpers_are_nobodys_children, BY_ALL)
{
	const char *always = getenv("REEVE_FAULTS_ALWAYS");
	struct reeve_context *context = process_context(method, NULL);

	process_finish(process_started(context, "e.give_back", "0"), 0);
	CU_ASSERT_EQUAL(reeve_context_active(context, NULL, 0), 0);
	/* Where no child can share our memory the launcher is one: sys.h. */
	if (always == NULL || strstr(always, "clone_vm") == NULL) {
		CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG | __WALL), -1);
		CU_ASSERT_EQUAL(errno, ECHILD);
	}
	reeve_context_free(context);
}

/* -------- threads -------- */

struct joiners {
	struct reeve_process *processes[4];
	unsigned joined;
};

static void *
join_all(void *arg)
{
	struct joiners *joiners = arg;

	for (int i = 0; i < 4; i++) {
		if (reeve_process_join(joiners->processes[i], REEVE_FOREVER,
			NULL) == REEVE_OK &&
		    reeve_process_exitcode(joiners->processes[i]) == i) {
			__atomic_add_fetch(
			    &joiners->joined, 1, __ATOMIC_SEQ_CST);
		}
	}
	return NULL;
}

/* Not by fork, which is refused where other threads are: that is said. */
SCENARIO(many_threads_join_the_same_processes, BY_SPAWN | BY_FORKSERVER)
{
	static const char *const codes[] = { "0", "1", "2", "3" };
	struct reeve_context *context = process_context(method, NULL);
	struct reeve_context *forking =
	    process_context(REEVE_METHOD_FORK, NULL);
	struct reeve_process *p = process_of(forking, "e.stay", "");
	struct joiners joiners = { .joined = 0 };
	struct reeve_error err;
	pthread_t threads[8];

	for (int i = 0; i < 4; i++) {
		joiners.processes[i] =
		    process_started(context, "e.give_back", codes[i]);
	}
	for (int i = 0; i < 8; i++) {
		pthread_create(&threads[i], NULL, join_all, &joiners);
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
	}
	CU_ASSERT_EQUAL(joiners.joined, 32);
	for (int i = 0; i < 4; i++) {
		process_finish(joiners.processes[i], i);
	}
	joiners.processes[0] = process_started(context, "e.stay", "");
	joiners.processes[1] = joiners.processes[2] = joiners.processes[3] =
	    joiners.processes[0];
	pthread_create(&threads[0], NULL, join_all, &joiners);
	CU_ASSERT_EQUAL(reeve_process_start(p, &err), REEVE_ESYS);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "threads"));
	CU_ASSERT_EQUAL(
	    reeve_process_kill(joiners.processes[0], NULL), REEVE_OK);
	pthread_join(threads[0], NULL);
	process_finish(joiners.processes[0], -SIGKILL);
	CU_ASSERT_EQUAL(reeve_process_free(p, false, NULL), REEVE_OK);
	reeve_context_free(forking);
	reeve_context_free(context);
}

/* -------- interruptions -------- */

static void
on_alarm(int signo)
{
	(void)signo;
}

SCENARIO(scenario_145_signals_do_not_shorten_a_join, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);
	struct sigaction action = { .sa_handler = on_alarm }, before;
	struct itimerval often = { { 0, 500 }, { 0, 500 } }, off = { 0 };
	struct process_pipe out;
	struct reeve_process *p;

	process_pipe_open(&out, "out");
	p = process_with_pipe(context, "e.be_there", "", &out);
	process_read_line(&out);
	sigaction(SIGALRM, &action, &before);
	setitimer(ITIMER_REAL, &often, NULL);
	CU_ASSERT_EQUAL(
	    reeve_process_join(p, REEVE_MS(20), NULL), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_process_kill(p, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_process_join(p, REEVE_FOREVER, NULL), REEVE_OK);
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &before, NULL);
	process_finish(p, -SIGKILL);
	process_pipe_close(&out);
	reeve_context_free(context);
}

/* -------- what has no handle -------- */

static enum reeve_status
no_handle(void *object, struct reeve_handle *handle, struct reeve_error *err)
{
	(void)object;
	(void)handle;
	memset(err, 0, sizeof(*err));
	err->status = REEVE_ECLOSED;
	memcpy(err->text, "it is gone", sizeof("it is gone"));
	return REEVE_ECLOSED;
}

SCENARIO(an_object_without_a_handle_is_named, BY_FORKSERVER)
{
	struct reeve_context *context = process_context(method, NULL);
	int gone = 0;
	struct reeve_give give = { .name = "a", .object = &gone };
	struct reeve_process_options options = { .size = sizeof(options),
		.function = "e.give_back",
		.gives = &give,
		.n_gives = 1 };
	struct reeve_process *p;
	struct reeve_error err;

	CU_ASSERT_EQUAL(
	    reeve_process_new(&p, context, &options, &err), REEVE_EINVALID);
	give.handle_of = no_handle;
	CU_ASSERT_EQUAL_FATAL(
	    reeve_process_new(&p, context, &options, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_process_start(p, &err), REEVE_ECLOSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "giving a"));
	CU_ASSERT_EQUAL(reeve_process_free(p, false, &err), REEVE_OK);
	reeve_context_free(context);
}

/* -------- the program's own loop, and what processes say -------- */

struct heard {
	unsigned lines[4], wrong, ended;
};

static void
on_said(void *ctx, const struct reeve_said *said)
{
	struct heard *heard = ctx;
	size_t who = (size_t)(said->name[strlen(said->name) - 1] - '1');
	unsigned number = 0;
	char last[16] = "", first[8];

	snprintf(first, sizeof(first), "%zu", who);
	if (who >= 4 || said->pid != reeve_process_pid(said->process) ||
	    said->level != REEVE_SAY_INFO ||
	    strcmp(said->task, "filling") != 0 || said->at_us <= 0 ||
	    sscanf(said->text, "%u %*s %15s", &number, last) != 2 ||
	    strcmp(last, "end") != 0 || number != heard->lines[who]) {
		heard->wrong++;
		return;
	}
	heard->lines[who]++;
}

static void
on_ended(void *ctx, struct reeve_process *p)
{
	struct heard *heard = ctx;

	heard->ended++;
	/* All is said before; and nothing may wait in here. */
	if (reeve_process_exitcode(p) != -SIGKILL ||
	    reeve_process_join(p, REEVE_FOREVER, NULL) != REEVE_EBUSY) {
		heard->wrong++;
	}
}

SCENARIO(what_is_said_comes_whole_and_before_the_end, BY_ALL)
{
	struct heard heard = { 0 };
	struct reeve_context_options options = {
		.said = on_said, .ended = on_ended, .ctx = &heard
	};
	struct reeve_context *context = process_context(method, &options);
	struct reeve_process *p[4];
	struct pollfd own = { .fd = reeve_context_fd(context),
		.events = POLLIN };

	for (int i = 0; i < 4; i++) {
		p[i] = process_started(context, "e.say_much", "end");
	}
	while (heard.ended < 4) {
		poll(&own, 1, -1);
		CU_ASSERT_EQUAL_FATAL(
		    reeve_context_dispatch(context, NULL), REEVE_OK);
	}
	for (int i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(heard.lines[i], LINES);
		process_finish(p[i], -SIGKILL);
	}
	CU_ASSERT_EQUAL(heard.wrong, 0);
	reeve_context_free(context);
}

static void
free_it(void *ctx, struct reeve_process *p)
{
	*(enum reeve_status *)ctx = reeve_process_free(p, false, NULL);
}

SCENARIO(what_is_being_joined_cannot_be_freed_meanwhile, BY_FORKSERVER)
{
	enum reeve_status freed = REEVE_OK;
	struct reeve_context_options options = { .ended = free_it,
		.ctx = &freed };
	struct reeve_context *context = process_context(method, &options);
	struct reeve_process *p = process_started(context, "e.stay", "");

	CU_ASSERT_EQUAL(reeve_process_kill(p, NULL), REEVE_OK);
	process_finish(p, -SIGKILL);
	CU_ASSERT_EQUAL(freed, REEVE_EBUSY);
	reeve_context_free(context);
}

SCENARIO(where_nobody_listens_lines_go_to_standard_error, BY_ALL)
{
	int saved = dup(2), ends[2];
	struct process_pipe pipe = { .write_end = -1 };
	struct reeve_context *context;

	CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
	dup2(ends[1], 2);
	close(ends[1]);
	context = process_context(method, NULL);
	process_finish(process_started(context, "e.say_little", ""), 0);
	dup2(saved, 2);
	close(saved);
	pipe.read_end = ends[0];
	CU_ASSERT_STRING_EQUAL(
	    process_read_line(&pipe), "[WARNING/e.say_little-1] one line");
	reeve_context_free(context);
	process_pipe_close(&pipe);
}

/* -------- much of it -------- */

SCENARIO(arguments_may_be_long_but_not_endless, BY_ALL)
{
	static char text[300001];
	struct reeve_context *context = process_context(method, NULL);
	struct reeve_process *p;
	struct reeve_error err;

	memset(text, 'y', sizeof(text) - 1);
	p = process_of(context, "e.tell_length", text);
	CU_ASSERT_EQUAL(reeve_process_start(p, &err), REEVE_ETOOBIG);
	CU_ASSERT_EQUAL(reeve_process_free(p, false, NULL), REEVE_OK);
	text[100000] = '\0';
	/* The second one may have been forked ahead. */
	process_finish(process_started(context, "e.tell_length", text), 0);
	process_finish(process_started(context, "e.tell_length", text), 0);
	reeve_context_free(context);
}

SCENARIO(a_hundred_live_at_once, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);
	struct reeve_process *p[100], *listed[100];

	for (int i = 0; i < 100; i++) {
		p[i] = process_started(context, "e.stay", "");
	}
	CU_ASSERT_EQUAL(reeve_context_active(context, listed, 100), 100);
	CU_ASSERT_EQUAL(memcmp(p, listed, sizeof(p)), 0);
	for (int i = 0; i < 100; i++) {
		CU_ASSERT_EQUAL(reeve_process_kill(p[i], NULL), REEVE_OK);
	}
	for (int i = 99; i >= 0; i--) {
		process_finish(p[i], -SIGKILL);
	}
	reeve_context_free(context);
}

/* -------- failures -------- */

/* True when there was one to fail. */
static bool
fails_at(const char *point, unsigned n)
{
	char plan[64];

	snprintf(plan, sizeof(plan), "%s@%u=ENOMEM", point, n);
	return rv_fault_set(plan);
}

/* A whole life, as far as it goes; REEVE_OK: nothing failed. */
static enum reeve_status
live(enum reeve_method method, struct reeve_error *err)
{
	struct reeve_context_options options = { .size = sizeof(options),
		.method = method,
		.libexec_dir = rv_test_builddir() };
	struct reeve_give give = reeve_fd_give("out", 1);
	struct reeve_process_options what = { .size = sizeof(what),
		.function = "e.give_back",
		.bytes = "0",
		.n_bytes = 1,
		.gives = &give,
		.n_gives = 1 };
	struct reeve_context *context = NULL;
	struct reeve_process *p = NULL;
	enum reeve_status status = reeve_context_new(&context, &options, err);

	if (status == REEVE_OK) {
		status = reeve_process_new(&p, context, &what, err);
	}
	if (status == REEVE_OK) {
		status = reeve_process_start(p, err);
	}
	if (status == REEVE_OK) {
		status = reeve_process_join(p, REEVE_FOREVER, err);
	}
	CU_ASSERT_EQUAL(reeve_process_free(p, false, NULL), REEVE_OK);
	reeve_context_free(context);
	return status;
}

static void
fail_each(enum reeve_method method, const char *point)
{
	struct reeve_error err = { 0 };
	enum reeve_status status = REEVE_EFAILED;
	unsigned n = 1;

	for (; n < 100 && status != REEVE_OK; n++) {
		CU_ASSERT_TRUE_FATAL(fails_at(point, n));
		memset(&err, 0, sizeof(err));
		status = live(method, &err);
		CU_ASSERT(status == REEVE_OK || err.text[0] != '\0');
	}
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	CU_ASSERT_EQUAL(status, REEVE_OK);
	CU_ASSERT(n > 2);
}

SCENARIO(whatever_fails_on_the_way_is_said_and_leaves_nothing, BY_SPAWN)
{
	fail_each(method, "alloc");
	fail_each(method, "socketpair");
	fail_each(method, "epoll_create1");
}

RV_SUITE(process_ends,

    RV_CASE(daemonic_processes_may_have_children),
    RV_CASE(grandchildren_end_with_the_tree),
    RV_CASE(the_end_of_a_context_ends_daemons_and_waits_for_the_others),
    RV_CASE(who_is_let_go_of_is_ended_with_the_context),
    RV_CASE(scenario_157_helpers_are_nobodys_children),
    RV_CASE(many_threads_join_the_same_processes),
    RV_CASE(an_object_without_a_handle_is_named),
    RV_CASE(scenario_145_signals_do_not_shorten_a_join),

    RV_CASE(what_is_said_comes_whole_and_before_the_end),
    RV_CASE(what_is_being_joined_cannot_be_freed_meanwhile),
    RV_CASE(where_nobody_listens_lines_go_to_standard_error),
    RV_CASE(arguments_may_be_long_but_not_endless),
    RV_CASE(a_hundred_live_at_once),
    RV_CASE(whatever_fails_on_the_way_is_said_and_leaves_nothing))
