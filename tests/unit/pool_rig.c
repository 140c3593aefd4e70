/* SPDX-License-Identifier: MIT */
/* Words for tests of pools: see pool_rig.h. */
#include "config.h"

#include "unit/pool_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <reeve/child.h>

#include "sys/sys.h"

enum reeve_method pool_method;

/* With sanitizers too, what crashes dies of its signal, and what cannot be had
 * is NULL. */
REEVE_PUBLIC const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "handle_segv=0:handle_sigbus=0:handle_abort=0:"
	       "allocator_may_return_null=1:quarantine_size_mb=16";
}
REEVE_PUBLIC const char *__tsan_default_options(void);
const char *
__tsan_default_options(void)
{
	return "handle_segv=0:allocator_may_return_null=1";
}

#define RAW __attribute__((noinline, no_sanitize("address", "undefined")))

/* -------- functions -------- */

static int
echo(const struct reeve_call *call)
{
	return reeve_return(call, call->args, call->args_len);
}
REEVE_FUNCTION("test.echo", echo);

static int
nothing(const struct reeve_call *call)
{
	(void)call;
	return 0;
}
REEVE_FUNCTION("test.nothing", nothing);

static int
square(const struct reeve_call *call)
{
	uint64_t x;

	if (call->args_len != sizeof(x)) {
		return reeve_fail(
		    call, "test.Size", "%zu bytes", (size_t)call->args_len);
	}
	memcpy(&x, call->args, sizeof(x));
	x *= x;
	return reeve_return(call, &x, sizeof(x));
}
REEVE_FUNCTION("test.square", square);

static int
fail(const struct reeve_call *call)
{
	return reeve_fail(
	    call, "test.Failed", "as asked: %s", (const char *)call->args);
}
REEVE_FUNCTION("test.fail", fail);

static int
number(const struct reeve_call *call)
{
	return (int)strtol(call->args, NULL, 10);
}
REEVE_FUNCTION("test.number", number);

static int
die(const struct reeve_call *call)
{
	(void)raise((int)strtol(call->args, NULL, 10));
	return 0;
}
REEVE_FUNCTION("test.die", die);

static int RAW
crash(const struct reeve_call *call)
{
	volatile int *volatile at = NULL;

	(void)call;
	*at = 1;
	return 0;
}
REEVE_FUNCTION("test.crash", crash);

static int (*volatile again)(const struct reeve_call *);

static int RAW
overflow(const struct reeve_call *call)
{
	volatile char room[65536];

	room[0] = (char)call->args_len;
	room[65535] = 1;
	again = overflow;
	return again(call) + room[0];
}
REEVE_FUNCTION("test.overflow", overflow);

static int
exit_now(const struct reeve_call *call)
{
	exit((int)strtol(call->args, NULL, 10));
}
REEVE_FUNCTION("test.exit", exit_now);

static int
exit_fast(const struct reeve_call *call)
{
	_exit((int)strtol(call->args, NULL, 10));
}
REEVE_FUNCTION("test._exit", exit_fast);

static int
throw_it(const struct reeve_call *call)
{
	reeve_raise("test.Thrown", "with %s", (const char *)call->args);
}
REEVE_FUNCTION("test.raise", throw_it);

/* A task that takes its time; nothing waits for it but its pool. */
static void
nap_ms(long ms)
{
	rv_time until = rv_sys_now() + ms * RV_MS;
	rv_time left;

	while ((left = until - rv_sys_now()) > 0) {
		(void)poll(NULL, 0, (int)(left / RV_MS) + 1);
	}
}

static int
nap(const struct reeve_call *call)
{
	nap_ms(strtol(call->args, NULL, 10));
	return reeve_return(call, call->args, call->args_len);
}
REEVE_FUNCTION("test.nap", nap);

/* Waits at a gate of pool_gate; without the name of one not at all. */
static int
hold(const struct reeve_call *call)
{
	int fd;

	if (call->args_len > 0) {
		do {
			fd = open(call->args, O_RDONLY | O_CLOEXEC);
		} while (fd == -1 && errno == EINTR);
		if (fd == -1) {
			return reeve_fail(call, "test.NoGate", "%s",
			    (const char *)call->args);
		}
		(void)close(fd);
	}
	return reeve_return(call, call->args, call->args_len);
}
REEVE_FUNCTION("test.hold", hold);

const char *
pool_gate(void)
{
	static char path[96];
	static unsigned n;

	(void)snprintf(path, sizeof(path), "%s/gate-%u", rv_test_dir(), ++n);
	CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
	return path;
}

void
pool_gate_open(const char *gate)
{
	int fd = open(gate, O_WRONLY | O_CLOEXEC);

	CU_ASSERT_FATAL(fd != -1);
	(void)close(fd);
}

/* Ends at a soft limit, which may come before it waits. */
static int
patient(const struct reeve_call *call)
{
	for (int i = 0; i < 30; i++) {
		if (reeve_task_is_overdue(call) || poll(NULL, 0, 1000) != 0) {
			return reeve_fail(call, "test.Interrupted", "in time");
		}
	}
	return 0;
}
REEVE_FUNCTION("test.patient", patient);

static int
hang(const struct reeve_call *call)
{
	sigset_t all;

	(void)call;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	while (pause() != 0) {
	}
	return 0;
}
REEVE_FUNCTION("test.hang", hang);

static int
close_all(const struct reeve_call *call)
{
	for (int fd = 3; fd < 4096; fd++) {
		(void)close(fd);
	}
	return reeve_return(call, "closed", 6);
}
REEVE_FUNCTION("test.close_all", close_all);

/* Children that outlive the task, some of which end at once. */
static int
fork_some(const struct reeve_call *call)
{
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			nap_ms(i % 2 == 0 ? 0 : 60000);
			_exit(0);
		}
	}
	return reeve_return(call, "forked", 6);
}
REEVE_FUNCTION("test.fork", fork_some);

/* So many bytes of result. */
static int
bytes(const struct reeve_call *call)
{
	size_t n = strtoull(call->args, NULL, 10);
	void *at;

	if (reeve_return_room(call, n, &at) != REEVE_OK) {
		return reeve_fail(call, "test.NoRoom", "for %zu bytes", n);
	}
	memset(at, 'x', n);
	return 0;
}
REEVE_FUNCTION("test.bytes", bytes);

/* Into whatever is mapped shared and writable, but its stack of signals. */
static int
scribble(const struct reeve_call *call)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], mode[8];
	unsigned long from, to;

	(void)call;
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) == 3 &&
		    strcmp(mode, "rw-s") == 0 &&
		    strstr(line, "reeve-lane") != NULL) {
			memset((void *)from, 0xa5, to - from);
		}
	}
	return 0;
}
REEVE_FUNCTION("test.scribble", scribble);

/* Good at its n-th try. */
static int
third_time(const struct reeve_call *call)
{
	return reeve_task_attempt(call) >= 3
		   ? reeve_return(call, "good", 4)
		   : reeve_fail(call, "test.NotYet", "try %u",
			 reeve_task_attempt(call));
}
REEVE_FUNCTION("test.third_time", third_time);

static int
die_twice(const struct reeve_call *call)
{
	if (reeve_task_attempt(call) < 3) {
		(void)raise(SIGKILL);
	}
	return reeve_return(call, "good", 4);
}
REEVE_FUNCTION("test.die_twice", die_twice);

static int
my_pid(const struct reeve_call *call)
{
	pid_t pid = getpid();

	return reeve_return(call, &pid, sizeof(pid));
}
REEVE_FUNCTION("test.pid", my_pid);

static int the_state;

static int
init_state(const struct reeve_call *call)
{
	the_state = (int)strtol(call->args, NULL, 10);
	return 0;
}
REEVE_FUNCTION("test.init", init_state);

static int
state(const struct reeve_call *call)
{
	return reeve_return(call, &the_state, sizeof(the_state));
}
REEVE_FUNCTION("test.state", state);

static int
init_bad(const struct reeve_call *call)
{
	reeve_raise("test.NoDatabase", "at %s", (const char *)call->args);
}
REEVE_FUNCTION("test.init_bad", init_bad);

/* Appends its argument's first byte to the file that is named behind it. */
static int
note(const struct reeve_call *call)
{
	const char *args = call->args;
	int fd =
	    open(args + 1, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1 || write(fd, args, 1) != 1) {
		return reeve_fail(call, "test.Note", "cannot write");
	}
	(void)close(fd);
	return 0;
}
REEVE_FUNCTION("test.note", note);

/* A pool within: the result is the sum of squares below n, or how deep it
 * got. */
static int
within(const struct reeve_call *call)
{
	struct reeve_pool_options options = { .size = sizeof(options),
		.min = 1,
		.max = 1,
		.libexec_dir = getenv("REEVE_LIBEXEC") };
	struct reeve_task_result result = { .size = sizeof(result) };
	struct reeve_pool *pool = NULL;
	struct reeve_error err;
	int depth = (int)strtol(call->args, NULL, 10);
	char text[16];
	int status;

	if (depth == 0) {
		return reeve_return(call, "0", 1);
	}
	if (reeve_pool_new(&pool, &options, &err) != REEVE_OK) {
		return reeve_fail(call, "test.NoPool", "%s", err.text);
	}
	(void)snprintf(text, sizeof(text), "%d", depth - 1);
	if (reeve_pool_apply(pool, "test.within", text, strlen(text), &result,
		REEVE_S(60)) != REEVE_OK ||
	    result.outcome != REEVE_OUTCOME_GOOD) {
		status = reeve_fail(call, "test.Within", "%d: %s", depth,
		    result.message != NULL ? result.message : "no result");
	} else {
		(void)snprintf(text, sizeof(text), "%d", depth);
		status = reeve_return(call, text, strlen(text));
	}
	reeve_task_result_free(&result);
	reeve_pool_free(pool);
	return status;
}
REEVE_FUNCTION("test.within", within);

/* As the first statement of main would be; constructors run in order. */
__attribute__((constructor)) static void
guard(void)
{
	reeve_main(NULL, NULL);
}

/* -------- pools -------- */

struct reeve_pool *
pool_make(uint32_t workers, const struct reeve_pool_options *given)
{
	struct reeve_pool_options options = { .method = pool_method };
	struct reeve_pool *pool = NULL;
	struct reeve_error err;

	if (given != NULL) {
		options = *given;
	}
	options.size = sizeof(options);
	options.libexec_dir = getenv("REEVE_LIBEXEC");
	if (options.method == REEVE_METHOD_DEFAULT) {
		options.method = pool_method;
	}
	if (workers > 0) {
		options.min = options.max = workers;
	}
	if (reeve_pool_new(&pool, &options, &err) != REEVE_OK) {
		(void)fprintf(stderr, "# %s\n", err.text);
		CU_FAIL_FATAL("refused");
	}
	return pool;
}

struct reeve_future *
pool_submit(struct reeve_pool *pool, const char *function, const char *text)
{
	struct reeve_task task = { .size = sizeof(task),
		.function = function,
		.data = text,
		.length = strlen(text) };
	struct reeve_future *future = NULL;
	struct reeve_error err;

	if (reeve_pool_submit(pool, &task, &future, &err) != REEVE_OK) {
		(void)fprintf(stderr, "# %s\n", err.text);
		CU_FAIL_FATAL("refused");
	}
	return future;
}

struct reeve_task_result
pool_result(struct reeve_future *future, int seconds)
{
	struct reeve_task_result result = { .size = sizeof(result) };
	enum reeve_status status = reeve_future_get(
	    future, &result, REEVE_S(seconds * rv_test_slow()));

	if (status != REEVE_OK) {
		(void)fprintf(
		    stderr, "# no result: %s\n", reeve_status_text(status));
		CU_FAIL("no result");
		result.type = result.message = result.backtrace =
		    result.worker = "";
	}
	reeve_future_free(future);
	return result;
}

void
pool_runs(struct reeve_future *future)
{
	for (int i = 0; i < 6000; i++) {
		if (reeve_future_state(future) != REEVE_FUTURE_WAITING) {
			break;
		}
		(void)!reeve_future_wait(future, REEVE_MS(5));
	}
	CU_ASSERT_EQUAL_FATAL(reeve_future_state(future), REEVE_FUTURE_RUNNING);
}

struct reeve_task_result
pool_apply(struct reeve_pool *pool, const char *function, const char *text)
{
	return pool_result(pool_submit(pool, function, text), 30);
}

void
pool_each(void (*scenario)(enum reeve_method))
{
	static const enum reeve_method all[] = { REEVE_METHOD_SPAWN,
		REEVE_METHOD_FORK, REEVE_METHOD_FORKSERVER };
	static const char *const names[] = { "spawn", "fork", "forkserver" };

	for (unsigned i = 0; i < 3; i++) {
		unsigned before = CU_get_number_of_failures();

		pool_method = all[i];
		scenario(all[i]);
		pool_method = REEVE_METHOD_DEFAULT;
		if (CU_get_number_of_failures() != before) {
			(void)fprintf(stderr, "# by %s\n", names[i]);
		}
	}
}
