/* SPDX-License-Identifier: MIT */
/*
 * Processes under each start method: what they are told and given, how they
 * end, and what is known of it. This program is what they run.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/process_priv.h"
#include "unit/process_rig.h"

/* -------- what processes do -------- */

static int
give_back(const struct reeve_call *call)
{
	return (int)strtol(call->args, NULL, 10);
}
REEVE_FUNCTION("p.give_back", give_back);

static int
echo(const struct reeve_call *call)
{
	int fd = process_given("out");

	return dprintf(fd, "%s %s %zu %s", call->function, call->path,
		   call->args_len, (const char *)call->args) < 0;
}
REEVE_FUNCTION("p.echo", echo);

static int
stay(const struct reeve_call *call)
{
	(void)call;
	for (;;) {
		pause();
	}
	return 0;
}
REEVE_FUNCTION("p.stay", stay);

/* A line when it is there, and then it stays. */
static int
be_there(const struct reeve_call *call)
{
	dprintf(process_given("out"), "%d\n", (int)getpid());
	return stay(call);
}
REEVE_FUNCTION("p.be_there", be_there);

static int
who(const struct reeve_call *call)
{
	struct reeve_self self = { .size = sizeof(self) };

	(void)call;
	if (reeve_self(&self) != REEVE_OK || !reeve_parent_alive() ||
	    reeve_parent_wait(0) != REEVE_ETIMEDOUT) {
		return 1;
	}
	dprintf(process_given("out"), "%s %d %d %d %d %d", self.name,
	    self.pid == getpid(), (int)self.parent, self.method, self.daemon,
	    self.log_level);
	return 0;
}
REEVE_FUNCTION("p.who", who);

static int
end_as(const struct reeve_call *call)
{
	const char *how = call->args;

	fprintf(stdout, "%s", ""); /* a buffer is there */
	if (strcmp(how, "exit 3") == 0) {
		exit(3);
	} else if (strcmp(how, "raise") == 0) {
		reeve_raise("p.Bad", "no %s today", "bananas");
	} else if (strcmp(how, "abort") == 0) {
		kill(getpid(), SIGABRT);
	}
	return 259; /* 3, of which the low 8 bits count */
}
REEVE_FUNCTION("p.end_as", end_as);

/* Takes what it is given, and uses it. */
static int
use_given(const struct reeve_call *call)
{
	struct reeve_handle handle;
	int out = process_given("out"), in = process_given("in");
	char text[64];
	ssize_t n;

	(void)call;
	if (reeve_given("out", &handle) != REEVE_ENOENT ||
	    reeve_given("none", &handle) != REEVE_ENOENT ||
	    reeve_given(NULL, &handle) != REEVE_EINVALID ||
	    reeve_given_name(0) == NULL ||
	    strcmp(reeve_given_name(0), "rest") != 0 ||
	    reeve_given_name(1) != NULL ||
	    (fcntl(in, F_GETFD) & FD_CLOEXEC) == 0) {
		return 1;
	}
	n = read(in, text, sizeof(text));
	return n <= 0 || write(out, text, (size_t)n) != n;
}
REEVE_FUNCTION("p.use_given", use_given);

static unsigned
count_fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++) {
		n += fcntl(fd, F_GETFD) != -1;
	}
	return n;
}

/* What is open, then (when it may go on) the end. */
static int
tell_fds(const struct reeve_call *call)
{
	int out = process_given("out");
	int hidden = (int)strtol(call->args, NULL, 10);
	struct stat null, in;

	dprintf(out, "%u %d %d\n", count_fds(),
	    hidden > 0 && fcntl(hidden, F_GETFD) != -1,
	    fstat(0, &in) == 0 && stat("/dev/null", &null) == 0 &&
		in.st_rdev == null.st_rdev);
	return stay(call);
}
REEVE_FUNCTION("p.tell_fds", tell_fds);

static int
close_output(const struct reeve_call *call)
{
	(void)call;
	close(0);
	close(1);
	close(2);
	fputs("lost", stdout);
	return 0;
}
REEVE_FUNCTION("p.close_output", close_output);

static void
leave_a_line(void)
{
	struct reeve_handle handle;

	if (reeve_given("out", &handle) == REEVE_OK) {
		dprintf(handle.fds[0], "atexit");
	}
}

static int
register_atexit(const struct reeve_call *call)
{
	(void)call;
	return atexit(leave_a_line);
}
REEVE_FUNCTION("p.register_atexit", register_atexit);

static int
report(const struct reeve_call *call)
{
	(void)call;
	reeve_report(
	    &(struct reeve_raise_options){
		.size = sizeof(struct reeve_raise_options),
		.sys_errno = ENOENT },
	    "p.Odd", "%s", "went on all the same");
	return 0;
}
REEVE_FUNCTION("p.report", report);

/* By itself, not by what a sanitizer makes of it. */
static int __attribute__((noinline, no_sanitize("address", "undefined")))
crash(const struct reeve_call *call)
{
	volatile int *volatile nowhere = NULL;

	(void)call;
	return *nowhere;
}
REEVE_FUNCTION("p.crash", crash);

static int
tell_limits(const struct reeve_call *call)
{
	struct rlimit limit = { 0 };
	const char *extra = getenv("EXTRA");
	char cwd[256] = "";

	(void)call;
	getrlimit(RLIMIT_NOFILE, &limit);
	dprintf(process_given("out"), "%d %s %s", (int)limit.rlim_cur,
	    extra != NULL ? extra : "-", getcwd(cwd, sizeof(cwd)));
	return 0;
}
REEVE_FUNCTION("p.tell_limits", tell_limits);

struct counting {
	int n;
};

static int
begin_counting(const struct reeve_call *call, void **state)
{
	static struct counting counting;

	counting.n = (int)strtol(call->args, NULL, 10);
	*state = &counting;
	return counting.n == 0 ? 77 : 0;
}

static int
count_on(const struct reeve_call *call, void *state)
{
	(void)call;
	return ++((struct counting *)state)->n;
}

static void
end_counting(const struct reeve_call *call, void *state, int code)
{
	(void)call;
	dprintf(
	    process_given("out"), "%d %d", code, ((struct counting *)state)->n);
}

static const struct reeve_process_ops counting_ops = { begin_counting, count_on,
	end_counting };
REEVE_PROCESS("p.count", counting_ops);

/* -------- tests -------- */

SCENARIO(scenario_2_23_arguments_come_as_they_were_given_and_are_let_go, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);
	struct process_pipe pipe;
	struct reeve_process *p;

	process_pipe_open(&pipe, "out");
	p = process_with_pipe(context, "p.echo", "[1, \"two\", [3]]", &pipe);
	CU_ASSERT_STRING_EQUAL(
	    process_read_all(&pipe), "p.echo p.echo-1 15 [1, \"two\", [3]]");
	CU_ASSERT_PTR_NULL(p->args);
	process_finish(p, 0);
	process_pipe_close(&pipe);
	reeve_context_free(context);
}

SCENARIO(what_a_function_returns_is_the_exit_code, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);

	process_finish(process_started(context, "p.give_back", "0"), 0);
	process_finish(process_started(context, "p.give_back", "42"), 42);
	process_finish(process_started(context, "p.end_as", "259"), 3);
	process_finish(process_started(context, "p.end_as", "exit 3"), 3);
	process_finish(process_started(context, "p.end_as", "raise"), 1);
	process_finish(process_started(context, "p.end_as", "abort"), -SIGABRT);
	reeve_context_free(context);
}

SCENARIO(scenario_4_25_146_a_process_knows_itself_and_its_parent, BY_ALL)
{
	struct reeve_context_options options = { .log_level = 32 };
	struct reeve_context *context = process_context(method, &options);
	struct process_pipe pipe;
	struct reeve_process *p;
	char expected[128];

	process_pipe_open(&pipe, "out");
	p = process_with_pipe(context, "p.who", "", &pipe);
	snprintf(expected, sizeof(expected), "p.who-1 1 %d %d 0 32",
	    (int)getpid(), (int)method);
	CU_ASSERT_STRING_EQUAL(process_read_all(&pipe), expected);
	CU_ASSERT_EQUAL(reeve_context_method(context), method);
	process_finish(p, 0);
	process_pipe_close(&pipe);
	reeve_context_free(context);
}

SCENARIO(scenario_7_8_signals_end_it_and_the_exit_code_says_which, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);
	static const struct {
		enum reeve_status (*send)(
		    struct reeve_process *, struct reeve_error *);
		int exitcode;
	} ways[] = { { reeve_process_interrupt, -SIGINT },
		{ reeve_process_terminate, -SIGTERM },
		{ reeve_process_kill, -SIGKILL } };

	for (size_t i = 0; i < 3; i++) {
		struct process_pipe pipe;
		struct reeve_process *p;

		process_pipe_open(&pipe, "out");
		p = process_with_pipe(context, "p.be_there", "", &pipe);
		process_read_line(&pipe);
		CU_ASSERT_TRUE(reeve_process_alive(p));
		CU_ASSERT_EQUAL(reeve_process_exitcode(p), REEVE_NO_EXITCODE);
		CU_ASSERT_EQUAL(reeve_context_active(context, NULL, 0), 1);
		CU_ASSERT_EQUAL(
		    reeve_process_join(p, 0, NULL), REEVE_ETIMEDOUT);
		CU_ASSERT_EQUAL(
		    reeve_process_join(p, -1, NULL), REEVE_ETIMEDOUT);
		CU_ASSERT_EQUAL(ways[i].send(p, NULL), REEVE_OK);
		CU_ASSERT_EQUAL(
		    reeve_process_join(p, REEVE_FOREVER, NULL), REEVE_OK);
		CU_ASSERT_FALSE(reeve_process_alive(p));
		CU_ASSERT_EQUAL(reeve_context_active(context, NULL, 0), 0);
		CU_ASSERT_TRUE(process_is_gone(reeve_process_pid(p)));
		CU_ASSERT_EQUAL(ways[i].send(p, NULL), REEVE_OK);
		process_finish(p, ways[i].exitcode);
		process_pipe_close(&pipe);
	}
	reeve_context_free(context);
}

SCENARIO(what_is_given_is_there_under_its_name_and_nothing_else, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);
	struct process_pipe out, in, rest;
	struct reeve_give gives[3];
	struct reeve_process_options options = { .size = sizeof(options),
		.function = "p.use_given",
		.gives = gives,
		.n_gives = 3 };
	struct reeve_process *p;

	process_pipe_open(&out, "out");
	process_pipe_open(&in, "in");
	process_pipe_open(&rest, "rest");
	gives[0] = out.give;
	gives[1] = reeve_fd_give("in", in.read_end);
	gives[2] = rest.give;
	CU_ASSERT_EQUAL_FATAL(
	    reeve_process_new(&p, context, &options, NULL), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(reeve_process_start(p, NULL), REEVE_OK);
	process_pipe_shut(&out);
	process_pipe_shut(&rest);
	CU_ASSERT_EQUAL(write(in.write_end, "through", 7), 7);
	CU_ASSERT_STRING_EQUAL(process_read_all(&out), "through");
	/* It ended without having asked for this one, which ends, too. */
	CU_ASSERT_STRING_EQUAL(process_read_all(&rest), "");
	process_finish(p, 0);
	process_pipe_close(&out);
	process_pipe_close(&in);
	process_pipe_close(&rest);
	reeve_context_free(context);
}

SCENARIO(what_cannot_be_given_is_refused, BY_FORKSERVER)
{
	struct reeve_context *context = process_context(method, NULL);
	struct reeve_give gives[2] = { reeve_fd_give("a", 1),
		reeve_fd_give("a", 2) };
	struct reeve_process_options options = { .size = sizeof(options),
		.function = "p.use_given",
		.gives = gives,
		.n_gives = 2 };
	struct reeve_process *p;
	struct reeve_error err;

	CU_ASSERT_EQUAL(
	    reeve_process_new(&p, context, &options, &err), REEVE_EEXIST);
	options.n_gives = REEVE_GIVES_MAX + 1;
	CU_ASSERT_EQUAL(
	    reeve_process_new(&p, context, &options, &err), REEVE_ETOOBIG);
	options.n_gives = 1;
	options.gives = NULL;
	CU_ASSERT_EQUAL(
	    reeve_process_new(&p, context, &options, &err), REEVE_EINVALID);
	options.gives = gives;
	gives[0].handle = (struct reeve_handle){ 0 };
	CU_ASSERT_EQUAL(
	    reeve_process_new(&p, context, &options, &err), REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "empty handle"));
	gives[0].name = "";
	CU_ASSERT_EQUAL(
	    reeve_process_new(&p, context, &options, &err), REEVE_EINVALID);
	gives[0] = reeve_fd_give("a", 9999);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_process_new(&p, context, &options, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_process_start(p, &err), REEVE_ESYS);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(err.text, "descriptor 9999 of a is closed"));
	CU_ASSERT_FALSE(reeve_process_alive(p));
	CU_ASSERT_EQUAL(reeve_process_free(p, false, &err), REEVE_OK);
	reeve_context_free(context);
}

SCENARIO(scenario_13_14_22_five_processes_have_the_same_few_descriptors, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);
	struct reeve_process *p[5];
	struct process_pipe pipe[5];
	int hidden = fcntl(1, F_DUPFD, 60);
	char text[16], first[64] = "";

	snprintf(text, sizeof(text), "%d", hidden);
	for (int i = 0; i < 5; i++) {
		process_pipe_open(&pipe[i], "out");
		p[i] = process_with_pipe(context, "p.tell_fds", text, &pipe[i]);
	}
	for (int i = 0; i < 5; i++) {
		const char *line = process_read_line(&pipe[i]);

		if (i == 0) {
			snprintf(first, sizeof(first), "%s", line);
		}
		CU_ASSERT_STRING_EQUAL(line, first);
		/* Not even by fork; and standard input is nothing. */
		CU_ASSERT_PTR_NOT_NULL(strstr(line, " 0 1"));
	}
	CU_ASSERT_EQUAL(reeve_context_active(context, NULL, 0), 5);
	for (int i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(reeve_process_kill(p[i], NULL), REEVE_OK);
		process_finish(p[i], -SIGKILL);
		process_pipe_close(&pipe[i]);
	}
	close(hidden);
	reeve_context_free(context);
}

static bool
is_readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

SCENARIO(scenario_10_a_sentinel_tells_of_the_end_and_goes_on_to, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);
	struct process_pipe pipe;
	struct reeve_process *p = process_of(context, "p.stay", "");
	int fd = -1, late = -1;

	CU_ASSERT_EQUAL(reeve_process_sentinel(p, &fd, NULL), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_process_free(p, false, NULL), REEVE_OK);
	process_pipe_open(&pipe, "out");
	p = process_with_pipe(context, "p.be_there", "", &pipe);
	process_read_line(&pipe);
	CU_ASSERT_EQUAL_FATAL(reeve_process_sentinel(p, &fd, NULL), REEVE_OK);
	CU_ASSERT_FALSE(is_readable(fd, 0));
	CU_ASSERT_EQUAL(reeve_process_kill(p, NULL), REEVE_OK);
	CU_ASSERT_TRUE(is_readable(fd, 30000)); /* nobody dispatches */
	CU_ASSERT_EQUAL(reeve_process_join(p, REEVE_FOREVER, NULL), REEVE_OK);
	CU_ASSERT_TRUE(is_readable(fd, 0));
	process_finish(p, -SIGKILL);
	process_pipe_close(&pipe);
	/* Asked for after the end only. */
	p = process_started(context, "p.give_back", "0");
	CU_ASSERT_EQUAL(reeve_process_join(p, REEVE_FOREVER, NULL), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(reeve_process_sentinel(p, &late, NULL), REEVE_OK);
	CU_ASSERT_TRUE(is_readable(late, 0));
	process_finish(p, 0);
	reeve_context_free(context);
}

SCENARIO(scenario_11_20_misuse_is_an_error_in_words, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);
	struct reeve_process *p = process_of(context, "p.stay", "");
	struct reeve_process_status status = { .size = sizeof(status) };
	struct reeve_error err;
	pid_t pid;
	int wstatus = -1;

	CU_ASSERT_EQUAL(reeve_process_pid(p), 0);
	CU_ASSERT_EQUAL(reeve_process_join(p, 0, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_process_kill(p, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_process_exitcode(p), REEVE_NO_EXITCODE);
	CU_ASSERT_EQUAL_FATAL(reeve_process_start(p, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_process_start(p, &err), REEVE_EBUSY);
	CU_ASSERT_EQUAL(reeve_process_free(p, false, &err), REEVE_EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "it runs"));
	CU_ASSERT_EQUAL(reeve_process_signal(p, 0, &err), REEVE_EINVALID);
	pid = fork();
	if (pid == 0) {
		_exit(reeve_process_start(p, NULL) != REEVE_EINVALID ||
		      reeve_process_join(p, 0, NULL) != REEVE_EINVALID ||
		      reeve_context_dispatch(context, NULL) != REEVE_EINVALID);
	}
	CU_ASSERT_EQUAL(waitpid(pid, &wstatus, 0), pid);
	CU_ASSERT_EQUAL(wstatus, 0);
	CU_ASSERT_EQUAL(reeve_process_kill(p, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_process_join(p, REEVE_FOREVER, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_process_start(p, &err), REEVE_EBUSY);
	/* Its memory is the caller's, whatever becomes of the context. */
	reeve_context_free(context);
	CU_ASSERT_EQUAL(reeve_process_status(p, &status, &err), REEVE_OK);
	CU_ASSERT_EQUAL(status.kind, REEVE_PROCESS_SIGNALED);
	CU_ASSERT_EQUAL(reeve_process_join(p, 0, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_process_free(p, false, &err), REEVE_OK);
}

/* Whatever it is asked, and in words where there is a place for them. */
RV_TEST(scenario_1_nothing_is_no_process_and_this_one_is_main)
{
	struct reeve_process_status status = { .size = sizeof(status) };
	struct reeve_self self = { .size = 1 };
	struct reeve_handle handle;
	struct reeve_process *p = NULL;
	struct reeve_context_options bad = { .size = 1 };
	struct reeve_context *context = NULL;
	struct reeve_error err;
	int fd;

	CU_ASSERT_EQUAL(reeve_context_new(NULL, NULL, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(
	    reeve_context_new(&context, &bad, &err), REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "sizeof"));
	CU_ASSERT_EQUAL(reeve_context_end(NULL, 0, &err), REEVE_EINVALID);
	reeve_context_free(NULL);
	CU_ASSERT_EQUAL(reeve_context_method(NULL), REEVE_METHOD_DEFAULT);
	CU_ASSERT_EQUAL(reeve_context_fd(NULL), -1);
	CU_ASSERT_EQUAL(reeve_context_dispatch(NULL, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_context_active(NULL, &p, 1), 0);
	CU_ASSERT_EQUAL(
	    reeve_process_new(&p, NULL, NULL, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_process_start(NULL, &err), REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "NULL"));
	CU_ASSERT_EQUAL(reeve_process_free(NULL, false, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_process_join(NULL, 0, &err), REEVE_EINVALID);
	CU_ASSERT_FALSE(reeve_process_alive(NULL));
	CU_ASSERT_EQUAL(
	    reeve_process_status(NULL, &status, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_process_exitcode(NULL), REEVE_NO_EXITCODE);
	CU_ASSERT_EQUAL(
	    reeve_process_sentinel(NULL, &fd, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_process_interrupt(NULL, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_process_terminate(NULL, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_process_kill(NULL, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_process_signal(NULL, 1, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_process_stop(NULL, 0, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_process_pid(NULL), 0);
	CU_ASSERT_STRING_EQUAL(reeve_process_name(NULL), "");
	CU_ASSERT_FALSE(reeve_process_daemon(NULL));
	/* This process was started by nobody that gives. */
	CU_ASSERT_EQUAL(reeve_self(NULL), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_self(&self), REEVE_EINVALID);
	self.size = sizeof(self);
	CU_ASSERT_EQUAL(reeve_self(&self), REEVE_OK);
	CU_ASSERT_STRING_EQUAL(self.name, "main");
	CU_ASSERT_EQUAL(self.pid, getpid());
	CU_ASSERT_EQUAL(self.parent, 0);
	CU_ASSERT_FALSE(self.daemon);
	CU_ASSERT_EQUAL(reeve_parent_fd(), -1);
	CU_ASSERT_FALSE(reeve_parent_alive());
	CU_ASSERT_EQUAL(reeve_parent_wait(0), REEVE_ENORUNTIME);
	CU_ASSERT_EQUAL(reeve_given("x", &handle), REEVE_ENORUNTIME);
	CU_ASSERT_PTR_NULL(reeve_given_name(0));
	CU_ASSERT_EQUAL(reeve_say(1, NULL), REEVE_EINVALID);
}

SCENARIO(scenario_16_closed_standard_streams_harm_nobody, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);

	int status = -1;
	pid_t pid;

	process_finish(process_started(context, "p.close_output", ""), 0);
	reeve_context_free(context);
	/* nor those of the creator */
	pid = fork();
	if (pid == 0) {
		struct reeve_process *p;

		close(0);
		close(1);
		close(2);
		context = process_context(method, NULL);
		p = process_started(context, "p.give_back", "42");
		if (reeve_process_join(p, REEVE_FOREVER, NULL) == REEVE_OK) {
			status = reeve_process_exitcode(p);
		}
		(void)reeve_process_free(p, false, NULL);
		reeve_context_free(context);
		_exit(status);
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

/* In a fork the handlers of whoever was forked would run, too. */
SCENARIO(scenario_19_atexit_handlers_run_at_the_end, BY_SPAWN)
{
	struct reeve_context *context = process_context(method, NULL);
	struct process_pipe pipe;
	struct reeve_process *p;

	process_pipe_open(&pipe, "out");
	p = process_with_pipe(context, "p.register_atexit", "", &pipe);
	CU_ASSERT_STRING_EQUAL(process_read_all(&pipe), "atexit");
	process_finish(p, 0);
	process_pipe_close(&pipe);
	reeve_context_free(context);
}

static void
expect_exception(struct reeve_context *context, const char *function,
    const char *text, const char *source, const char *type, const char *message)
{
	struct reeve_process_status status = { .size = sizeof(status) };
	struct reeve_process *p = process_started(context, function, text);

	CU_ASSERT_EQUAL(reeve_process_join(p, REEVE_FOREVER, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_process_status(p, &status, NULL), REEVE_OK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(status.exception);
	CU_ASSERT_STRING_EQUAL(status.exception->source, source);
	CU_ASSERT_STRING_EQUAL(status.exception->type, type);
	CU_ASSERT_PTR_NOT_NULL(strstr(status.exception->message, message));
	CU_ASSERT_PTR_NOT_NULL(strstr(status.exception->backtrace, "#0 "));
	CU_ASSERT_EQUAL(reeve_process_free(p, false, NULL), REEVE_OK);
}

SCENARIO(scenario_17_what_it_raised_reported_or_crashed_of_is_known, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);

	expect_exception(context, "p.end_as", "raise", "raised", "p.Bad",
	    "no bananas today");
	expect_exception(context, "p.report", "", "reported", "p.Odd",
	    "went on all the same");
	expect_exception(
	    context, "p.crash", "", "crash", "SIGSEGV", "address not mapped");
	reeve_context_free(context);
}

SCENARIO(one_that_cannot_begin_says_why, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);
	struct reeve_process_status status = { .size = sizeof(status) };
	struct reeve_process *p =
	    process_started(context, "/no/such/module.so:f", "");

	process_join(p);
	CU_ASSERT_EQUAL(reeve_process_status(p, &status, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(status.kind, REEVE_PROCESS_FAILED);
	CU_ASSERT_PTR_NOT_NULL(strstr(status.why, "No such file"));
	process_finish(p, 127);
	reeve_context_free(context);
}

/* Not only in the process, of whose end nobody might ask. */
SCENARIO(what_is_known_to_come_to_nothing_is_refused, BY_ALL)
{
	static const char *const env[] = { "WORD", NULL };
	struct reeve_context *context = process_context(method, NULL);
	struct reeve_process_options options = { .size = sizeof(options),
		.function = "p.nothing" };
	struct reeve_process *p = NULL;
	struct reeve_error err;

	CU_ASSERT_EQUAL(
	    reeve_process_new(&p, context, &options, &err), REEVE_ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "p.nothing is not registered"));
	options.function = "p.count";
	options.env = env;
	CU_ASSERT_EQUAL(
	    reeve_process_new(&p, context, &options, &err), REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "WORD"));
	options.env = NULL;
	options.n_bytes = 1;
	CU_ASSERT_EQUAL(
	    reeve_process_new(&p, context, &options, &err), REEVE_EINVALID);
	options.n_bytes = 0;
	options.n_limits = 1;
	CU_ASSERT_EQUAL(
	    reeve_process_new(&p, context, &options, &err), REEVE_EINVALID);
	options.size = 0;
	CU_ASSERT_EQUAL(
	    reeve_process_new(&p, context, &options, &err), REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "sizeof"));
	CU_ASSERT_PTR_NULL(p);
	reeve_context_free(context);
}

SCENARIO(limits_environment_and_directory_are_its_own, BY_ALL)
{
	static const char *const env[] = { "EXTRA=more", NULL };
	static const struct reeve_process_limit limit = { RLIMIT_NOFILE, 99,
		99 };
	struct reeve_context *context = process_context(method, NULL);
	struct process_pipe pipe;
	struct reeve_process_options options = { .size = sizeof(options),
		.function = "p.tell_limits",
		.name = "a name",
		.env = env,
		.directory = "/",
		.limits = &limit,
		.n_limits = 1,
		.gives = &pipe.give,
		.n_gives = 1 };
	struct reeve_process *p = NULL;

	process_pipe_open(&pipe, "out");
	CU_ASSERT_EQUAL_FATAL(
	    reeve_process_new(&p, context, &options, NULL), REEVE_OK);
	CU_ASSERT_STRING_EQUAL(reeve_process_name(p), "a name");
	CU_ASSERT_EQUAL_FATAL(reeve_process_start(p, NULL), REEVE_OK);
	process_pipe_shut(&pipe);
	CU_ASSERT_STRING_EQUAL(process_read_all(&pipe), "99 more /");
	process_finish(p, 0);
	process_pipe_close(&pipe);
	reeve_context_free(context);
}

SCENARIO(parts_of_a_process_run_one_after_the_other, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);
	struct process_pipe pipe;
	struct reeve_process *p;

	process_pipe_open(&pipe, "out");
	p = process_with_pipe(context, "p.count", "6", &pipe);
	CU_ASSERT_STRING_EQUAL(process_read_all(&pipe), "7 7");
	process_finish(p, 7);
	process_pipe_close(&pipe);
	process_finish(process_started(context, "p.count", "0"), 77);
	reeve_context_free(context);
}

/* A command has no start method. */
RV_TEST(a_command_is_a_process_too)
{
	static const char *const argv[] = { "sh", "-c", "exit 5", NULL };
	static const char *const none[] = { "no-such-program", NULL };
	struct reeve_context *context =
	    process_context(REEVE_METHOD_SPAWN, NULL);
	struct reeve_process_options options = { .size = sizeof(options),
		.argv = argv };
	struct reeve_process_status status = { .size = sizeof(status) };
	struct reeve_process *p = NULL;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_process_new(&p, context, &options, NULL), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(reeve_process_start(p, NULL), REEVE_OK);
	process_finish(p, 5);
	options.argv = none;
	CU_ASSERT_EQUAL_FATAL(
	    reeve_process_new(&p, context, &options, NULL), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(reeve_process_start(p, NULL), REEVE_OK);
	process_join(p);
	CU_ASSERT_EQUAL(reeve_process_status(p, &status, NULL), REEVE_OK);
	CU_ASSERT_STRING_EQUAL(status.why,
	    "executing its program no-such-program: No such file or directory");
	process_finish(p, 127);
	reeve_context_free(context);
}

RV_SUITE(process,
    RV_CASE(scenario_2_23_arguments_come_as_they_were_given_and_are_let_go),
    RV_CASE(what_a_function_returns_is_the_exit_code),
    RV_CASE(scenario_4_25_146_a_process_knows_itself_and_its_parent),
    RV_CASE(scenario_7_8_signals_end_it_and_the_exit_code_says_which),
    RV_CASE(what_is_given_is_there_under_its_name_and_nothing_else),
    RV_CASE(what_cannot_be_given_is_refused),
    RV_CASE(scenario_13_14_22_five_processes_have_the_same_few_descriptors),
    RV_CASE(scenario_10_a_sentinel_tells_of_the_end_and_goes_on_to),
    RV_CASE(scenario_11_20_misuse_is_an_error_in_words),
    RV_CASE(scenario_1_nothing_is_no_process_and_this_one_is_main),
    RV_CASE(scenario_16_closed_standard_streams_harm_nobody),
    RV_CASE(scenario_19_atexit_handlers_run_at_the_end),
    RV_CASE(scenario_17_what_it_raised_reported_or_crashed_of_is_known),
    RV_CASE(one_that_cannot_begin_says_why),
    RV_CASE(what_is_known_to_come_to_nothing_is_refused),
    RV_CASE(limits_environment_and_directory_are_its_own),
    RV_CASE(parts_of_a_process_run_one_after_the_other),
    RV_CASE(a_command_is_a_process_too))
