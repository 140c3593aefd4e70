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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "sys/sys.h"
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

/* -------- tests -------- */

SCENARIO(arguments_come_as_they_were_given, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);
	struct process_pipe pipe;
	struct reeve_process *p;

	process_pipe_open(&pipe, "out");
	p = process_with_pipe(context, "p.echo", "[1, \"two\", [3]]", &pipe);
	CU_ASSERT_STRING_EQUAL(
	    process_read_all(&pipe), "p.echo p.echo-1 15 [1, \"two\", [3]]");
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

SCENARIO(a_process_knows_itself_and_its_parent, BY_ALL)
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
	process_finish(p, 0);
	process_pipe_close(&pipe);
	reeve_context_free(context);
}

SCENARIO(signals_end_it_and_the_exit_code_says_which, BY_ALL)
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

RV_SUITE(process, RV_CASE(arguments_come_as_they_were_given),
    RV_CASE(what_a_function_returns_is_the_exit_code),
    RV_CASE(a_process_knows_itself_and_its_parent),
    RV_CASE(signals_end_it_and_the_exit_code_says_which))
