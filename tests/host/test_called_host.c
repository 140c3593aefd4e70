/* SPDX-License-Identifier: MIT */
/*
 * A host whose workers are functions of its own program, declared in C: under
 * each start method, with arguments, listeners, slots, exceptions and
 * hooks. The guard comes before main, which is the harness's.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/called.h"
#include "lib/harness.h"

static const enum reeve_method methods[] = { REEVE_METHOD_SPAWN,
	REEVE_METHOD_FORK, REEVE_METHOD_FORKSERVER };
static const char *const method_names[] = { "default", "spawn", "fork",
	"forkserver" };

/* This program is the worker's, too: what crashes there shall crash. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "handle_segv=0";
}

/* -------- what workers do -------- */

static int host_state, child_state;

static void
wait_for_stop(void)
{
	struct pollfd p = { .fd = reeve_stopping_fd(), .events = POLLIN };

	while (!reeve_stopping()) {
		poll(&p, 1, 1000);
	}
}

/* Writes to its slot what it was called with. */
static int
echo(const struct reeve_call *call)
{
	size_t size;
	char *slot = reeve_slot(&size);
	int n = snprintf(slot, size, "%s %s %s %zu %d %d ", call->function,
	    call->path, call->args_are_json ? "json" : "bytes", call->args_len,
	    host_state, child_state);

	memcpy(slot + n, call->args, call->args_len + 1);
	reeve_ready();
	wait_for_stop();
	return 0;
}
REEVE_FUNCTION("h.echo", echo);

static int
serve(const struct reeve_call *call)
{
	int fd = reeve_listener("door");
	char text[32];

	(void)call;
	reeve_ready();
	while (!reeve_stopping()) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int client;

		/* One that waits in accept is given a client, killed or not. */
		if (poll(&p, 1, -1) != 1) {
			continue;
		}
		client = accept4(fd, NULL, NULL, SOCK_NONBLOCK);

		if (client != -1) {
			int n = snprintf(text, sizeof(text), "%d", getpid());

			(void)!write(client, text, (size_t)n);
			close(client);
		}
	}
	return 0;
}
REEVE_FUNCTION("h.serve", serve);

static int __attribute__((noreturn)) throw(const struct reeve_call *call)
{
	struct reeve_raise_options options = { .size = sizeof(options),
		.sys_errno = ECONNREFUSED,
		.data = "{\"host\":\"db1\"}",
		.cause_type = "net.Refused",
		.cause_message = "port 5432" };

	(void)call;
	reeve_ready();
	reeve_raise_with(&options, "db.Lost", "no answer in %d s", 5);
}
REEVE_FUNCTION("h.throw", throw);

static int
report(const struct reeve_call *call)
{
	(void)call;
	reeve_ready();
	if (reeve_report(NULL, "db.Slow", "%d ms", 900) != REEVE_OK) {
		return 3;
	}
	wait_for_stop();
	return 0;
}
REEVE_FUNCTION("h.report", report);

static int
crash(const struct reeve_call *call)
{
	volatile int *volatile nowhere = (volatile int *)0x10;

	(void)call;
	reeve_ready();
	return *nowhere;
}
REEVE_FUNCTION("h.crash", crash);

static int
leave(const struct reeve_call *call)
{
	reeve_ready();
	reeve_exit_reason("leaving with %s", (const char *)call->args);
	return (int)strtol(call->args, NULL, 10);
}
REEVE_FUNCTION("h.leave", leave);

__attribute__((constructor)) static void
guard(void)
{
	reeve_main(NULL, NULL);
}

/* -------- functions, arguments, slots -------- */

RV_TEST(functions_declared_in_c_run_by_each_method)
{
	struct guest guest = { 0 };
	char expected[200];

	host_state = 7;
	guest_open(&guest, "methods", NULL);
	hear(&guest);
	for (unsigned i = 0; i < 3; i++) {
		add_function(&guest, method_names[methods[i]], "h.echo",
		    methods[i], "{\"n\": [1, 2]}", NULL);
	}
	OK(reeve_commit(guest.reeve, &err));
	for (unsigned i = 0; i < 3; i++) {
		const char *path = method_names[methods[i]];

		CU_ASSERT(await(&guest, path, REEVE_RUNNING));
		snprintf(expected, sizeof(expected),
		    "h.echo %s json 11 %d 0 {\"n\":[1,2]}", path,
		    methods[i] == REEVE_METHOD_FORK ? 7 : 0);
		if (!await_slot(&guest, path, expected)) {
			char slot[100] = "";

			(void)!reeve_unit_slot(
			    guest.reeve, path, slot, 99, NULL, NULL);
			printf("# %s: \"%s\"\n", expected, slot);
			CU_FAIL("it was called otherwise");
		}
	}
	/* They die like workers, and come again like workers. */
	for (unsigned i = 0; i < 3; i++) {
		const char *path = method_names[methods[i]];
		pid_t pid = unit_at(&guest, path).pid;

		kill(pid, SIGKILL);
		CU_ASSERT(await_other(&guest, path, pid));
	}
	CU_ASSERT_EQUAL(heard_events("worker.exited"), 3);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(heard_detail("worker.exited"), "\"signal\":9"));
	guest_close(&guest);
	host_state = 0;
}

RV_TEST(bytes_arrive_as_they_were_given)
{
	static const char bytes[] = "a\0b\xff\n";
	struct guest guest = { 0 };
	char slot[1024];
	size_t got;

	guest_open(&guest, "bytes", NULL);
	for (unsigned i = 0; i < 3; i++) {
		const char *path = method_names[methods[i]];
		struct reeve_worker_options options = {
			.size = sizeof(options),
			.function = "h.echo",
			.method = methods[i],
			.bytes = bytes,
			.n_bytes = sizeof(bytes) - 1,
			.ready_notify = true,
		};
		int n;

		OK(reeve_add_worker(guest.reeve, path, &options, &err));
		OK(reeve_commit(guest.reeve, &err));
		CU_ASSERT(await(&guest, path, REEVE_RUNNING));
		n = snprintf(
		    slot, sizeof(slot), "h.echo %s bytes 5 0 0 ", path);
		CU_ASSERT(await_slot(&guest, path, slot));
		OK(reeve_unit_slot(
		    guest.reeve, path, slot, sizeof(slot), &got, &err));
		CU_ASSERT_EQUAL(got, 1024);
		CU_ASSERT_EQUAL(memcmp(slot + n, bytes, sizeof(bytes)), 0);
		/* No more than there is room for. */
		memset(slot, 'x', 8);
		OK(reeve_unit_slot(guest.reeve, path, slot, 3, &got, &err));
		CU_ASSERT_EQUAL(got, 3);
		CU_ASSERT_EQUAL(memcmp(slot, "h.exxxxx", 8), 0);
	}
	OK(reeve_stop(guest.reeve, "spawn", &err));
	CU_ASSERT(await(&guest, "spawn", REEVE_STOPPED));
	CU_ASSERT_EQUAL(
	    reeve_unit_slot(guest.reeve, "spawn", slot, 8, &got, &err),
	    REEVE_EAGAIN);
	guest_close(&guest);
}

/* -------- listeners -------- */

static struct sockaddr_in door;

static int
open_door(void)
{
	socklen_t len = sizeof(door);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	door = (struct sockaddr_in){ .sin_family = AF_INET };
	door.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CU_ASSERT_EQUAL_FATAL(
	    bind(fd, (struct sockaddr *)&door, sizeof(door)), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, 16), 0);
	getsockname(fd, (struct sockaddr *)&door, &len);
	return fd;
}

/* A connection that the kernel took at once; -1: refused. */
static int
knock(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&door, sizeof(door)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static int knocked;

static bool
has_answer(struct guest *guest)
{
	struct pollfd p = { .fd = knocked, .events = POLLIN };

	(void)guest;
	return poll(&p, 1, 0) == 1;
}

/* Who answered; 0: nobody. Closes it. */
static pid_t
answer(struct guest *guest, int fd)
{
	char text[32] = "";

	knocked = fd;
	if (!guest_until(guest, has_answer) || read(fd, text, 31) <= 0) {
		text[0] = '\0';
	}
	close(fd);
	return (pid_t)strtol(text, NULL, 10);
}

static bool
server_is_gone(struct guest *guest)
{
	return unit_at(guest, "serve").path == NULL;
}

RV_TEST(a_client_of_a_killed_worker_is_served_by_the_next)
{
	static const char *const names[] = { "door", NULL };
	struct guest guest = { 0 };
	int fd;

	guest_open(&guest, "door", NULL);
	fd = open_door();
	OK(reeve_listen(guest.reeve, "door", fd, &err));
	/* It is the runtime's now. */
	close(fd);
	for (unsigned i = 0; i < 3; i++) {
		struct reeve_worker_options options = {
			.size = sizeof(options),
			.function = "h.serve",
			.method = methods[i],
			.listen = names,
			.ready_notify = true,
		};
		pid_t pid;

		OK(reeve_add_worker(guest.reeve, "serve", &options, &err));
		OK(reeve_commit(guest.reeve, &err));
		CU_ASSERT_FATAL(await(&guest, "serve", REEVE_RUNNING));
		pid = unit_at(&guest, "serve").pid;
		CU_ASSERT_EQUAL(answer(&guest, knock()), pid);
		/* The runtime does not hear of it before it is polled. */
		CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
		fd = knock();
		CU_ASSERT_NOT_EQUAL_FATAL(fd, -1);
		CU_ASSERT(await_other(&guest, "serve", pid));
		pid = answer(&guest, fd);
		CU_ASSERT(pid > 0);
		CU_ASSERT_EQUAL(unit_at(&guest, "serve").pid, pid);
		OK(reeve_remove(guest.reeve, "serve", &err));
		OK(reeve_commit(guest.reeve, &err));
		CU_ASSERT(guest_until(&guest, server_is_gone));
	}
	guest_close(&guest);
}

/* -------- exceptions -------- */

static void
run_once(struct guest *guest, const char *function, enum reeve_method method,
    const char *args)
{
	struct reeve_worker_options options = {
		.size = sizeof(options),
		.function = function,
		.args = args,
		.method = method,
		.ready_notify = true,
		.restart = REEVE_RESTART_NEVER,
	};

	OK(reeve_add_worker(guest->reeve, "once", &options, &err));
	OK(reeve_commit(guest->reeve, &err));
}

static bool
once_is_gone(struct guest *guest)
{
	return unit_at(guest, "once").path == NULL;
}

static void
no_more(struct guest *guest)
{
	OK(reeve_remove(guest->reeve, "once", &err));
	OK(reeve_commit(guest->reeve, &err));
	CU_ASSERT(guest_until(guest, once_is_gone));
}

RV_TEST(an_exception_reaches_the_callback_with_all_that_was_said)
{
	struct guest guest = { 0 };

	guest_open(&guest, "raised", NULL);
	for (unsigned i = 0; i < 3; i++) {
		hear(&guest);
		run_once(&guest, "h.throw", methods[i], NULL);
		CU_ASSERT_FATAL(await_exceptions(&guest, 1));
		CU_ASSERT_STRING_EQUAL(heard.path, "once");
		CU_ASSERT_STRING_EQUAL(heard.source, "raised");
		CU_ASSERT_STRING_EQUAL(heard.type, "db.Lost");
		CU_ASSERT_STRING_EQUAL(heard.message, "no answer in 5 s");
		CU_ASSERT_EQUAL(heard.sys_errno, ECONNREFUSED);
		CU_ASSERT_STRING_EQUAL(heard.data, "{\"host\":\"db1\"}");
		CU_ASSERT_STRING_EQUAL(heard.cause_type, "net.Refused");
		CU_ASSERT_STRING_EQUAL(heard.cause_message, "port 5432");
		CU_ASSERT_EQUAL(heard.signo, 0);
		CU_ASSERT(heard.life > 0);
		CU_ASSERT(heard.pid > 0);
		CU_ASSERT_PTR_NOT_NULL(
		    strstr(heard.backtrace, "test_called_host+0x"));
		CU_ASSERT(await(&guest, "once", REEVE_EXITED));
		CU_ASSERT_STRING_EQUAL(
		    unit_at(&guest, "once").last_reason, "exception");
		CU_ASSERT_EQUAL(unit_at(&guest, "once").last_exit_code, 1);
		CU_ASSERT_EQUAL(heard.n, 1);
		no_more(&guest);
	}
	guest_close(&guest);
}

RV_TEST(a_report_reaches_the_callback_and_the_worker_goes_on)
{
	struct guest guest = { 0 };

	guest_open(&guest, "reported", NULL);
	for (unsigned i = 0; i < 3; i++) {
		hear(&guest);
		run_once(&guest, "h.report", methods[i], NULL);
		CU_ASSERT_FATAL(await_exceptions(&guest, 1));
		CU_ASSERT_STRING_EQUAL(heard.source, "reported");
		CU_ASSERT_STRING_EQUAL(heard.type, "db.Slow");
		CU_ASSERT_STRING_EQUAL(heard.message, "900 ms");
		CU_ASSERT_EQUAL(heard.pid, unit_at(&guest, "once").pid);
		CU_ASSERT_STRING_EQUAL(heard.data, "");
		CU_ASSERT_STRING_EQUAL(heard.cause_type, "");
		CU_ASSERT_EQUAL(unit_at(&guest, "once").state, REEVE_RUNNING);
		no_more(&guest);
		/* It is not told again at the end. */
		CU_ASSERT_EQUAL(heard.n, 1);
	}
	guest_close(&guest);
}

RV_TEST(a_crash_reaches_the_callback_with_its_place)
{
	struct guest guest = { 0 };

	guest_open(&guest, "crashed", NULL);
	for (unsigned i = 0; i < 3; i++) {
		hear(&guest);
		run_once(&guest, "h.crash", methods[i], NULL);
		CU_ASSERT_FATAL(await_exceptions(&guest, 1));
		CU_ASSERT_STRING_EQUAL(heard.source, "crash");
		CU_ASSERT_STRING_EQUAL(heard.type, "SIGSEGV");
		CU_ASSERT_PTR_NOT_NULL(
		    strstr(heard.message, "address not mapped"));
		CU_ASSERT_EQUAL(heard.signo, SIGSEGV);
		CU_ASSERT_EQUAL(heard.address, 0x10);
		CU_ASSERT(heard.pid > 0);
		CU_ASSERT_PTR_NOT_NULL(
		    strstr(heard.backtrace, "test_called_host+0x"));
		CU_ASSERT(await(&guest, "once", REEVE_EXITED));
		CU_ASSERT_EQUAL(unit_at(&guest, "once").last_signo, SIGSEGV);
		no_more(&guest);
	}
	guest_close(&guest);
}

/* -------- hooks -------- */

static struct {
	struct guest *guest;
	unsigned before, parent, child, freed, decided, down, ready, exited;
	pid_t forked, end_pid;
	char path[64], reason[32], order[256];
	uint64_t freed_life, end_life;
	enum reeve_status slot;
	int exit_code;
	enum reeve_verdict proposed, verdict;
} told;

static void
note(const char *what)
{
	size_t len = strlen(told.order);

	snprintf(told.order + len, sizeof(told.order) - len, "%s ", what);
}

static void
on_before_fork(void *ctx, const char *path)
{
	(void)ctx;
	told.before++;
	snprintf(told.path, sizeof(told.path), "%s", path);
	host_state = 41;
}

static void
on_parent(void *ctx, const char *path, pid_t pid)
{
	(void)ctx;
	told.parent++;
	told.forked = pid;
	CU_ASSERT_STRING_EQUAL(path, told.path);
}

static void
on_child(void *ctx, const char *path)
{
	(void)ctx;
	(void)path;
	/* Nothing of the runtime may be used here, and it says so. */
	if (reeve_start(told.guest->reeve, path, NULL) == REEVE_EINVALID &&
	    reeve_post(told.guest->reeve, NULL, NULL) == REEVE_EINVALID) {
		child_state = host_state + 1;
	}
}

static enum reeve_verdict
on_decide(void *ctx, const struct reeve_end *end, enum reeve_verdict proposed)
{
	(void)ctx;
	told.decided++;
	told.proposed = proposed;
	told.exit_code = end->exit_code;
	return told.verdict;
}

static void
on_slot_free(void *ctx, const char *path, uint64_t life)
{
	char slot[16];

	(void)ctx;
	told.freed++;
	told.freed_life = life;
	told.slot = reeve_unit_slot(
	    told.guest->reeve, path, slot, sizeof(slot), NULL, NULL);
	note("free");
}

static void
on_ready(void *ctx, const struct reeve_unit_info *info)
{
	(void)ctx;
	told.ready += info->ready && info->pid > 0;
	note("ready");
}

static void
on_exited(void *ctx, const struct reeve_end *end)
{
	(void)ctx;
	told.exited++;
	told.end_life = end->life;
	told.end_pid = end->pid;
	told.exit_code = end->exit_code;
	snprintf(told.reason, sizeof(told.reason), "%s", end->reason);
	note("exited");
}

static void
on_group_down(void *ctx, const char *path)
{
	char slot[16];

	(void)ctx;
	told.down++;
	note("down");
	CU_ASSERT_STRING_EQUAL(path, "g");
	CU_ASSERT_EQUAL(unit_at(told.guest, "g/a").pid, 0);
	CU_ASSERT_EQUAL(unit_at(told.guest, "g/b").pid, 0);
	CU_ASSERT_EQUAL(reeve_unit_slot(told.guest->reeve, "g/a", slot,
			    sizeof(slot), NULL, NULL),
	    REEVE_EAGAIN);
	CU_ASSERT_EQUAL(told.freed, 2);
}

static const struct reeve_hooks fork_hooks = { .size = sizeof(fork_hooks),
	.before_fork = on_before_fork,
	.after_fork_parent = on_parent,
	.after_fork_child = on_child };
static const struct reeve_hooks end_hooks = { .size = sizeof(end_hooks),
	.decide = on_decide,
	.slot_free = on_slot_free,
	.ready = on_ready,
	.exited = on_exited };
static const struct reeve_hooks group_hooks = { .size = sizeof(group_hooks),
	.group_down = on_group_down,
	.slot_free = on_slot_free };

RV_TEST(a_fork_is_told_on_both_sides)
{
	struct guest guest = { .hooks = &fork_hooks };

	memset(&told, 0, sizeof(told));
	told.guest = &guest;
	guest_open(&guest, "forks", NULL);
	add_function(&guest, "f", "h.echo", REEVE_METHOD_FORK, "1", NULL);
	add_function(&guest, "s", "h.echo", REEVE_METHOD_SPAWN, "1", NULL);
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT(await(&guest, "f", REEVE_RUNNING));
	CU_ASSERT(await(&guest, "s", REEVE_RUNNING));
	CU_ASSERT_EQUAL(told.before, 1);
	CU_ASSERT_EQUAL(told.parent, 1);
	CU_ASSERT_STRING_EQUAL(told.path, "f");
	CU_ASSERT_EQUAL(told.forked, unit_at(&guest, "f").pid);
	CU_ASSERT(await_slot(&guest, "f", "h.echo f json 1 41 42 1"));
	CU_ASSERT(await_slot(&guest, "s", "h.echo s json 1 0 0 1"));
	CU_ASSERT_EQUAL(child_state, 0);
	guest_close(&guest);
	host_state = 0;
}

RV_TEST(an_end_is_told_and_its_slot_is_free_before)
{
	struct guest guest = { .hooks = &end_hooks };

	guest_open(&guest, "ends", NULL);
	for (unsigned i = 0; i < 3; i++) {
		memset(&told, 0, sizeof(told));
		told.guest = &guest;
		hear(&guest);
		told.verdict = REEVE_VERDICT_DEFAULT;
		run_once(&guest, "h.leave", methods[i], "9");
		CU_ASSERT(await(&guest, "once", REEVE_EXITED));
		CU_ASSERT_EQUAL(told.exited, 1);
		CU_ASSERT_EQUAL(told.freed, 1);
		CU_ASSERT_EQUAL(told.slot, REEVE_OK);
		CU_ASSERT_EQUAL(told.exit_code, 9);
		CU_ASSERT_STRING_EQUAL(told.reason, "exited");
		CU_ASSERT(told.end_pid > 0);
		CU_ASSERT(told.end_life > 0);
		CU_ASSERT_EQUAL(told.freed_life, told.end_life);
		CU_ASSERT_PTR_NOT_NULL(
		    strstr(heard_detail("worker.exited"), "leaving with 9"));
		CU_ASSERT(strstr(told.order, "free ") <
			  strstr(told.order, "exited "));
		no_more(&guest);
	}
	guest_close(&guest);
}

RV_TEST(a_decision_is_vetoed_forced_and_escalated)
{
	struct guest guest = { .hooks = &end_hooks };
	struct reeve_supervisor_options group = { .size = sizeof(group),
		.restart = REEVE_RESTART_NEVER };
	pid_t pid;

	memset(&told, 0, sizeof(told));
	told.guest = &guest;
	guest_open(&guest, "verdicts", NULL);
	OK(reeve_add_supervisor(guest.reeve, "g", &group, &err));
	add_function(&guest, "g/a", "h.echo", REEVE_METHOD_FORK, "1", NULL);
	add_function(&guest, "g/b", "h.echo", REEVE_METHOD_FORK, "1",
	    "{\"autorestart\": \"temporary\"}");
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT(await(&guest, "g", REEVE_RUNNING));
	CU_ASSERT(await(&guest, "g/a", REEVE_RUNNING));
	CU_ASSERT(await(&guest, "g/b", REEVE_RUNNING));
	/* Forced: one that would stay down. */
	pid = unit_at(&guest, "g/b").pid;
	told.verdict = REEVE_VERDICT_RESTART;
	kill(pid, SIGKILL);
	CU_ASSERT(await_other(&guest, "g/b", pid));
	CU_ASSERT_NOT_EQUAL(told.proposed, REEVE_VERDICT_RESTART);
	/* Vetoed: one that would come again. */
	told.verdict = REEVE_VERDICT_REST;
	kill(unit_at(&guest, "g/a").pid, SIGKILL);
	CU_ASSERT(await(&guest, "g/a", REEVE_EXITED));
	CU_ASSERT_EQUAL(told.proposed, REEVE_VERDICT_RESTART);
	CU_ASSERT_EQUAL(unit_at(&guest, "g").state, REEVE_RUNNING);
	/* Escalated: all goes down with it. */
	told.verdict = REEVE_VERDICT_ESCALATE;
	kill(unit_at(&guest, "g/b").pid, SIGKILL);
	CU_ASSERT(await(&guest, "g", REEVE_FATAL));
	CU_ASSERT_EQUAL(told.decided, 3);
	guest_close(&guest);
}

RV_TEST(a_group_is_down_and_its_slots_free_before_any_of_it_starts)
{
	struct guest guest = { .hooks = &group_hooks };
	struct reeve_supervisor_options group = { .size = sizeof(group),
		.strategy = REEVE_ONE_FOR_ALL };

	memset(&told, 0, sizeof(told));
	told.guest = &guest;
	guest_open(&guest, "group", NULL);
	OK(reeve_add_supervisor(guest.reeve, "g", &group, &err));
	add_function(&guest, "g/a", "h.echo", REEVE_METHOD_FORK, "1", NULL);
	add_function(
	    &guest, "g/b", "h.echo", REEVE_METHOD_FORKSERVER, "1", NULL);
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT(await_slot(&guest, "g/a", "h.echo"));
	CU_ASSERT(await_slot(&guest, "g/b", "h.echo"));
	hear(&guest);
	kill(unit_at(&guest, "g/b").pid, SIGKILL);
	CU_ASSERT(await_events(&guest, "worker.ready", 2));
	CU_ASSERT_EQUAL(told.down, 1);
	CU_ASSERT_STRING_EQUAL(told.order, "free free down ");
	CU_ASSERT(await_slot(&guest, "g/a", "h.echo"));
	guest_close(&guest);
}

RV_SUITE(called_host, RV_CASE(functions_declared_in_c_run_by_each_method),
    RV_CASE(bytes_arrive_as_they_were_given),
    RV_CASE(a_client_of_a_killed_worker_is_served_by_the_next),
    RV_CASE(an_exception_reaches_the_callback_with_all_that_was_said),
    RV_CASE(a_report_reaches_the_callback_and_the_worker_goes_on),
    RV_CASE(a_crash_reaches_the_callback_with_its_place),
    RV_CASE(a_fork_is_told_on_both_sides),
    RV_CASE(an_end_is_told_and_its_slot_is_free_before),
    RV_CASE(a_decision_is_vetoed_forced_and_escalated),
    RV_CASE(a_group_is_down_and_its_slots_free_before_any_of_it_starts))
