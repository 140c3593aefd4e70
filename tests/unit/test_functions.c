/* SPDX-License-Identifier: MIT */
/*
 * Functions as workers under each start method, on the real launcher. This
 * test is the host: its own program is what workers run, so the guard comes
 * before its main.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

#include "lib/harness.h"
#include "sys/sys.h"
#include "unit/launcher_rig.h"
#include "wire/launch.h"

/* -------- what workers do -------- */

static int host_state; /* set by the host before it starts workers */

static int
give_back(const struct reeve_call *call)
{
	return (int)strtol(call->args, NULL, 10);
}
REEVE_FUNCTION("t.give_back", give_back);

/* Whether this descriptor is one of epoll, timers or sockets. */
static void
print_fds(FILE *out)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		char target[256] = "";
		int fd = (int)strtol(e->d_name, NULL, 10);

		if (e->d_name[0] == '.' || fd == dirfd(dir) ||
		    fd == fileno(out) ||
		    readlinkat(dirfd(dir), e->d_name, target,
			sizeof(target) - 1) == -1) {
			continue;
		}
		fprintf(out, "fd%d %s\n", fd, target);
	}
	closedir(dir);
}

/* Writes to the file that it is given all that can be seen of itself. */
static int
tell(const struct reeve_call *call)
{
	FILE *out = fopen(call->args, "w");
	char name[17] = "";
	sigset_t mask;
	int fd = open("/proc/self/comm", O_RDONLY);

	if (out == NULL || fd == -1 || read(fd, name, 16) <= 0) {
		return 1;
	}
	close(fd);
	name[strcspn(name, "\n")] = '\0';
	sigprocmask(SIG_SETMASK, NULL, &mask);
	fprintf(out, "state %d\npid %d\nparent %d\nsession %d\n", host_state,
	    (int)getpid(), (int)getppid(), (int)getsid(0));
	fprintf(out, "function %s\npath %s\ncomm %s\nterm_blocked %d\n",
	    call->function, call->path, name, sigismember(&mask, SIGTERM));
	fprintf(out, "stopsignal %s\nextra %s\ncall %s\n",
	    getenv("REEVE_STOPSIGNAL") != NULL ? getenv("REEVE_STOPSIGNAL")
					       : "",
	    getenv("EXTRA") != NULL ? getenv("EXTRA") : "",
	    getenv("REEVE_CALL") != NULL ? getenv("REEVE_CALL") : "none");
	print_fds(out);
	fclose(out);
	return 0;
}
REEVE_FUNCTION("t.tell", tell);

static int
stay(const struct reeve_call *call)
{
	(void)call;
	reeve_ready();
	while (pause() == -1) {
		continue;
	}
	return 0;
}
REEVE_FUNCTION("t.stay", stay);

/* By itself, not by what a sanitizer makes of it. */
static int __attribute__((noinline, no_sanitize("address", "undefined")))
crash(const struct reeve_call *call)
{
	volatile int *volatile nowhere = NULL;

	(void)call;
	return *nowhere;
}
REEVE_FUNCTION("t.crash", crash);

static int __attribute__((noreturn)) raise_it(const struct reeve_call *call)
{
	reeve_raise("t.Bad", "no %s today", (const char *)call->args);
}
REEVE_FUNCTION("t.raise", raise_it);

static int
buffered(const struct reeve_call *call)
{
	(void)call;
	fputs("child\n", stdout);
	return 0;
}
REEVE_FUNCTION("t.buffered", buffered);

static int
warm_up(const struct reeve_call *call)
{
	(void)call;
	host_state = 99;
	return 0;
}
REEVE_FUNCTION("t.warm_up", warm_up);

static int
twice(const struct reeve_call *call)
{
	(void)call;
	return 0;
}
REEVE_FUNCTION("t.twice", twice);
static int
twice_too(const struct reeve_call *call)
{
	(void)call;
	return 0;
}
REEVE_FUNCTION("t.twice", twice_too);

/* As the first statement of main would be; constructors run in order. */
__attribute__((constructor)) static void
guard(void)
{
	reeve_main(NULL, NULL);
}

/* -------- the host -------- */

static const enum rv_method methods[] = { RV_METHOD_SPAWN, RV_METHOD_FORKSERVER,
	RV_METHOD_FORK };
static const char *const method_names[] = { "spawn", "fork", "forkserver" };

static void
function_spec(struct rig_spec *s, enum rv_method method, const char *function,
    const char *args)
{
	rig_spec(s, "shop: web/app", NULL);
	s->argv[0] = "shop: web/app";
	s->spec.path = "web/app";
	s->program.method = method;
	s->program.function = function;
	s->program.args = args;
	s->program.n_args = strlen(args);
}

static struct rig_life *
run(struct rig *rig, struct rig_spec *s)
{
	uint64_t life = rig_launch(rig, s);

	if (!rig_wait(rig, rig_died, life)) {
		printf("# %s: no end of it\n", method_names[s->program.method]);
		CU_FAIL_FATAL("it did not end");
	}
	return rig_of(rig, life);
}

static bool
has_ended(struct rig *rig, uint64_t life)
{
	return rig_died(rig, life) || rig_failed(rig, life);
}

RV_TEST(a_function_gets_its_arguments_and_its_result_is_the_exit_code)
{
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	for (unsigned i = 0; i < 3; i++) {
		struct rig_life *l;

		function_spec(&s, methods[i], "t.give_back", "42");
		l = run(&rig, &s);
		CU_ASSERT(l->launched && !l->death.end.unknown);
		CU_ASSERT_EQUAL(l->death.end.number, 42);
		CU_ASSERT_EQUAL(l->death.stage, 0);
		/* -1 where the kernel tells how it ended, and no more. */
		CU_ASSERT(
		    l->death.max_rss_kib > 0 || l->death.max_rss_kib == -1);
		CU_ASSERT(rig_is_gone(l->pid));
	}
	rig_close(&rig);
}

RV_TEST(what_a_function_inherits_depends_on_its_method)
{
	struct rig rig;
	struct rig_spec s;
	const char *file;

	host_state = 7;
	rig_open(&rig, NULL);
	file = rig_file(&rig, "told");
	for (unsigned i = 0; i < 3; i++) {
		bool forked = methods[i] == RV_METHOD_FORK;
		struct rig_life *l;
		char expected[64];

		function_spec(&s, methods[i], "t.tell", file);
		s.env[0] = "EXTRA=yes";
		s.policy.stop[0].signo = SIGQUIT;
		l = run(&rig, &s);
		CU_ASSERT_EQUAL(l->death.end.number, 0);
		CU_ASSERT_STRING_EQUAL(
		    rig_line(file, "state "), forked ? "7" : "0");
		snprintf(expected, sizeof(expected), "%d",
		    forked ? (int)getpid() : (int)rv_start_pid(rig.start));
		CU_ASSERT_STRING_EQUAL(rig_line(file, "parent "), expected);
		snprintf(expected, sizeof(expected), "%d", (int)l->pid);
		CU_ASSERT_STRING_EQUAL(rig_line(file, "pid "), expected);
		CU_ASSERT_STRING_EQUAL(rig_line(file, "session "), expected);
		CU_ASSERT_STRING_EQUAL(rig_line(file, "function "), "t.tell");
		CU_ASSERT_STRING_EQUAL(rig_line(file, "path "), "web/app");
		CU_ASSERT_STRING_EQUAL(rig_line(file, "comm "), "app");
		CU_ASSERT_STRING_EQUAL(rig_line(file, "term_blocked "), "0");
		CU_ASSERT_STRING_EQUAL(rig_line(file, "stopsignal "), "3");
		CU_ASSERT_STRING_EQUAL(rig_line(file, "extra "), "yes");
		CU_ASSERT_STRING_EQUAL(rig_line(file, "call "), "none");
		CU_ASSERT_STRING_EQUAL(rig_line(file, "fd0 "), "/dev/null");
	}
	rig_close(&rig);
}

/* Lines that begin so, of all whose number is not below 3. */
static unsigned
count_foreign(const char *path)
{
	char line[300];
	unsigned n = 0;
	FILE *file = fopen(path, "r");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		int fd;

		if (sscanf(line, "fd%d ", &fd) == 1 && fd > 2 &&
		    strstr(line, "reeve-page") == NULL &&
		    strstr(line, "socket:") == NULL) {
			printf("# left open: %s", line);
			n++;
		}
		if (strstr(line, "eventpoll") != NULL) {
			n++;
		}
	}
	fclose(file);
	return n;
}

RV_TEST(nothing_of_the_runtime_is_open_in_a_function)
{
	struct rig rig;
	struct rig_spec s;
	const char *file;

	rig_open(&rig, NULL);
	file = rig_file(&rig, "told");
	for (unsigned i = 0; i < 3; i++) {
		function_spec(&s, methods[i], "t.tell", file);
		run(&rig, &s);
		CU_ASSERT_EQUAL(count_foreign(file), 0);
	}
	rig_close(&rig);
}

RV_TEST(a_function_is_found_by_name_or_the_flaw_is_named)
{
	static const struct {
		const char *function;
		int stage, sys_errno;
		const char *words;
	} cases[] = {
		{ "t.nobody", RV_STAGE_FUNCTION, ENOENT,
		    "t.nobody is not registered" },
		{ "t.twice", RV_STAGE_FUNCTION, EEXIST, "registered twice" },
		{ "/nowhere/x.so:fn", RV_STAGE_MODULE, ENOENT,
		    "/nowhere/x.so" },
		{ "/dev/null:fn", RV_STAGE_MODULE, ENOEXEC, "/dev/null" },
	};
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	for (unsigned i = 0; i < 3; i++) {
		for (size_t c = 0; c < RV_ARRAY_LEN(cases); c++) {
			struct rig_life *l;

			function_spec(&s, methods[i], cases[c].function, "");
			l = run(&rig, &s);
			CU_ASSERT_EQUAL(l->death.end.number, 127);
			CU_ASSERT_PTR_NOT_NULL(l->trouble);
			if (l->trouble == NULL) {
				continue;
			}
			CU_ASSERT_EQUAL(l->trouble->stage, cases[c].stage);
			CU_ASSERT_EQUAL(
			    l->trouble->sys_errno, cases[c].sys_errno);
			if (strstr(l->trouble->message, cases[c].words) ==
			    NULL) {
				printf("# %s: %s\n", cases[c].function,
				    l->trouble->message);
				CU_FAIL("it says something else");
			}
		}
	}
	rig_close(&rig);
}

RV_TEST(crashes_and_exceptions_of_functions_are_told)
{
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	for (unsigned i = 0; i < 3; i++) {
		struct rig_life *l;

		function_spec(&s, methods[i], "t.crash", "");
		/* Where there is a sanitizer, the signal is not its own. */
		s.env[0] = "ASAN_OPTIONS=handle_segv=0";
		l = run(&rig, &s);
		CU_ASSERT(l->death.end.signaled);
		CU_ASSERT_EQUAL(l->death.end.number, SIGSEGV);
		CU_ASSERT_PTR_NOT_NULL_FATAL(l->trouble);
		CU_ASSERT_EQUAL(l->trouble->kind, RV_TROUBLE_CRASHED);
		function_spec(&s, methods[i], "t.raise", "bread");
		l = run(&rig, &s);
		CU_ASSERT(!l->death.end.signaled);
		CU_ASSERT_EQUAL(l->death.end.number, 1);
		CU_ASSERT_PTR_NOT_NULL_FATAL(l->trouble);
		CU_ASSERT_STRING_EQUAL(l->trouble->type, "t.Bad");
		CU_ASSERT_STRING_EQUAL(l->trouble->message, "no bread today");
	}
	rig_close(&rig);
}

RV_TEST(a_stop_reaches_functions_and_nothing_is_left)
{
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t life;

		function_spec(&s, methods[i], "t.stay", "");
		s.program.ready = RV_CHANNEL_NOTIFY;
		life = rig_launch(&rig, &s);
		CU_ASSERT_FATAL(rig_wait(&rig, rig_is_ready, life));
		rv_start_signal(rig.start, life, SIGTERM, false, true);
		CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
		CU_ASSERT(rig_of(&rig, life)->death.end.signaled);
		CU_ASSERT_EQUAL(rig_of(&rig, life)->death.end.number, SIGTERM);
		CU_ASSERT(rig_is_gone(rig_of(&rig, life)->pid));
	}
	rig_close(&rig);
}

RV_TEST(many_functions_start_at_once)
{
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	for (unsigned i = 0; i < 3; i++) {
		function_spec(&s, methods[i], "t.give_back", "3");
		for (unsigned n = 0; n < 50; n++) {
			rig_launch(&rig, &s);
		}
		CU_ASSERT_FATAL(rig_wait(&rig, rig_n_died, (i + 1) * 50));
	}
	for (uint64_t life = 1; life < rig.next; life++) {
		const struct rig_life *l = rig_of(&rig, life);

		if (l->death.end.unknown || l->death.end.number != 3) {
			printf("# life %d: unknown %d, signal %d, %d\n",
			    (int)life, l->death.end.unknown,
			    l->death.end.signaled, l->death.end.number);
			CU_FAIL("it ended otherwise");
		}
	}
	rig_close(&rig);
}

/*
 * There are more of them than lives that the launcher has room for at first. A
 * host that is busy for five seconds has not reaped in time those it forked.
 */
RV_TEST(many_may_wait_to_be_forked)
{
	struct rig rig;
	struct rig_spec s;

	for (unsigned i = 1; i < 3; i++) {
		rv_time began = rv_sys_now();
		bool late;

		rig_open(&rig, NULL);
		function_spec(&s, methods[i], "t.give_back", "3");
		for (unsigned n = 0; n < 150; n++) {
			rig_launch(&rig, &s);
		}
		CU_ASSERT_FATAL(rig_wait(&rig, rig_n_died, 150));
		late = methods[i] == RV_METHOD_FORK &&
		       rv_sys_now() - began > 5 * RV_SEC;
		if (rig.n_lost > 0) {
			printf("# launcher lost: %#x\n", rig.lost_status);
		}
		for (uint64_t life = 1; life < rig.next; life++) {
			const struct rig_life *l = rig_of(&rig, life);

			if (l->failed || l->death.end.number != 3) {
				printf("# life %d by %s: failed %d at %d: %d, "
				       "unknown %d, signal %d, %d\n",
				    (int)life, method_names[methods[i]],
				    l->failed, l->stage, l->sys_errno,
				    l->death.end.unknown, l->death.end.signaled,
				    l->death.end.number);
			}
			CU_ASSERT(l->death.end.number == 3 ||
				  (late && l->death.end.unknown));
		}
		rig_close(&rig);
	}
}

static void *
idle(void *ctx)
{
	(void)!read(*(int *)ctx, &(char){ 0 }, 1);
	return NULL;
}

RV_TEST(a_host_with_threads_is_not_forked)
{
	struct rig rig;
	struct rig_spec s;
	pthread_t thread;
	uint64_t life;
	int fds[2];

	rig_open(&rig, NULL);
	CU_ASSERT_FATAL(pipe2(fds, O_CLOEXEC) == 0);
	CU_ASSERT_FATAL(pthread_create(&thread, NULL, idle, &fds[0]) == 0);
	function_spec(&s, RV_METHOD_FORK, "t.give_back", "3");
	life = rig_launch(&rig, &s);
	CU_ASSERT_FATAL(rig_wait(&rig, has_ended, life));
	CU_ASSERT(rig_of(&rig, life)->failed);
	CU_ASSERT_EQUAL(rig_of(&rig, life)->stage, RV_STAGE_THREADS);
	/* The others do not mind. */
	function_spec(&s, RV_METHOD_FORKSERVER, "t.give_back", "4");
	CU_ASSERT_EQUAL(run(&rig, &s)->death.end.number, 4);
	CU_ASSERT_EQUAL(write(fds[1], "", 1), 1);
	pthread_join(thread, NULL);
	close(fds[0]);
	close(fds[1]);
	rig_close(&rig);
}

RV_TEST(a_fork_server_loads_once_what_all_its_workers_have)
{
	static const char *const preload[] = { "t.warm_up", NULL };
	struct rig rig;
	struct rig_spec s;
	const char *file;

	rig_open(&rig, NULL);
	file = rig_file(&rig, "told");
	for (unsigned i = 0; i < 2; i++) {
		function_spec(&s, RV_METHOD_FORKSERVER, "t.tell", file);
		s.program.preload = preload;
		run(&rig, &s);
		CU_ASSERT_STRING_EQUAL(rig_line(file, "state "), "99");
	}
	function_spec(&s, RV_METHOD_FORKSERVER, "t.tell", file);
	run(&rig, &s);
	CU_ASSERT_STRING_EQUAL(rig_line(file, "state "), "0");
	rig_close(&rig);
}

RV_TEST(what_cannot_be_preloaded_fails_the_start_in_words)
{
	static const char *const preload[] = { "/nowhere/module.so", NULL };
	struct rig rig;
	struct rig_spec s;
	uint64_t life;

	rig_open(&rig, NULL);
	function_spec(&s, RV_METHOD_FORKSERVER, "t.give_back", "1");
	s.program.preload = preload;
	life = rig_launch(&rig, &s);
	CU_ASSERT_FATAL(rig_wait(&rig, has_ended, life));
	CU_ASSERT(rig_of(&rig, life)->failed);
	CU_ASSERT_EQUAL(rig_of(&rig, life)->stage, RV_STAGE_PRELOAD);
	CU_ASSERT_EQUAL(rig_of(&rig, life)->sys_errno, ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.trouble, "/nowhere/module.so"));
	rig_close(&rig);
}

/* The launcher's child that is no life: its fork server. 0: none. */
static pid_t
fork_server(struct rig *rig)
{
	char path[64], text[4096];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
	    (int)rv_start_pid(rig->start), (int)rv_start_pid(rig->start));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd == -1 ? -1 : read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	for (char *at = text, *end; *at != '\0'; at = end) {
		pid_t pid = (pid_t)strtol(at, &end, 10);
		bool is_life = false;

		if (end == at) {
			break;
		}
		for (uint64_t i = 1; i < rig->next; i++) {
			is_life = is_life || rig_of(rig, i)->pid == pid;
		}
		if (pid > 0 && !is_life) {
			return pid;
		}
	}
	return 0;
}

static bool
is_answered(struct rig *rig, uint64_t life)
{
	return rig_launched(rig, life) || rig_failed(rig, life);
}

RV_TEST(a_fork_server_may_die_and_its_workers_go_on)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life, next;
	pid_t server;

	rig_open(&rig, NULL);
	function_spec(&s, RV_METHOD_FORKSERVER, "t.stay", "");
	s.program.ready = RV_CHANNEL_NOTIFY;
	life = rig_launch(&rig, &s);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_is_ready, life));
	server = fork_server(&rig);
	CU_ASSERT_FATAL(server > 0);
	kill(server, SIGKILL);
	next = rig_launch(&rig, &s);
	CU_ASSERT_FATAL(rig_wait(&rig, is_answered, next));
	if (rig_of(&rig, next)->failed) {
		CU_ASSERT_EQUAL(rig_of(&rig, next)->sys_errno, EAGAIN);
		next = rig_launch(&rig, &s);
	}
	CU_ASSERT(rig_wait(&rig, rig_is_ready, next));
	CU_ASSERT(!rig_died(&rig, life));
	CU_ASSERT_EQUAL(kill(rig_of(&rig, life)->pid, 0), 0);
	rig_close(&rig);
}

static bool
is_for_another_try(const struct rig_life *l)
{
	if (l->failed && l->sys_errno != EAGAIN) {
		printf(
		    "# failed at %d: %s\n", l->stage, strerror(l->sys_errno));
		CU_FAIL("it failed for good");
	}
	return l->failed;
}

/* Each start either becomes a life or fails as one to be tried again. */
RV_TEST(a_fork_server_killed_in_the_middle_of_starts_leaves_nobody_unknown)
{
	struct rig rig;
	struct rig_spec s;
	unsigned again = 0;

	rig_open(&rig, NULL);
	function_spec(&s, RV_METHOD_FORKSERVER, "t.give_back", "5");
	run(&rig, &s);
	for (unsigned i = 0; i < 30; i++) {
		uint64_t life;
		pid_t server;

		for (unsigned n = 0; n < 5; n++) {
			life = rig_launch(&rig, &s);
		}
		server = fork_server(&rig);
		if (server > 0) {
			kill(server, SIGKILL);
		}
		for (unsigned n = 0; n < 5; n++) {
			CU_ASSERT_FATAL(rig_wait(&rig, has_ended, life - n));
			again += is_for_another_try(rig_of(&rig, life - n));
		}
	}
	printf("# %u of 150 had to be tried again\n", again);
	rig_close(&rig);
	/* Those who never got the word to go on end by themselves. */
	while (waitpid(-1, NULL, 0) > 0) {
		continue;
	}
}

RV_TEST(a_host_that_reaps_everything_gets_no_hang_and_no_wrong_status)
{
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	for (unsigned i = 0; i < 20; i++) {
		rv_time until = rv_sys_now() + 60 * RV_SEC;
		uint64_t life;

		function_spec(&s, RV_METHOD_FORK, "t.give_back", "9");
		life = rig_launch(&rig, &s);
		while (!rig_died(&rig, life)) {
			int status;

			CU_ASSERT_FATAL(rv_sys_now() < until);

			/* As some hosts do: whoever it is. */
			while (waitpid(-1, &status, WNOHANG) > 0) {
				continue;
			}
			CU_ASSERT_FATAL(
			    rv_loop_dispatch(rig.loop,
				rv_sys_now() + 10 * RV_MS, NULL) == REEVE_OK);
		}
		CU_ASSERT(rig_of(&rig, life)->death.end.unknown ||
			  rig_of(&rig, life)->death.end.number == 9);
	}
	rig_close(&rig);
}

RV_TEST(a_host_that_ignores_sigchld_gets_no_hang_and_no_wrong_status)
{
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	signal(SIGCHLD, SIG_IGN);
	for (unsigned i = 0; i < 20; i++) {
		struct rig_life *l;

		function_spec(&s, RV_METHOD_FORK, "t.give_back", "9");
		l = run(&rig, &s);
		CU_ASSERT(l->death.end.unknown || l->death.end.number == 9);
		function_spec(&s, RV_METHOD_FORKSERVER, "t.give_back", "8");
		l = run(&rig, &s);
		CU_ASSERT(!l->death.end.unknown && l->death.end.number == 8);
	}
	signal(SIGCHLD, SIG_DFL);
	rig_close(&rig);
}

RV_TEST(what_waits_in_a_buffer_of_the_host_is_written_once)
{
	struct rig rig;
	struct rig_spec s;
	FILE *file;
	char text[64] = "";
	size_t n;

	rig_open(&rig, NULL);
	file = fopen(rig_file(&rig, "out"), "w+");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs("host\n", file);
	function_spec(&s, RV_METHOD_FORK, "t.give_back", "0");
	run(&rig, &s);
	fflush(file);
	rewind(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	CU_ASSERT_STRING_EQUAL(text, "host\n");
	fclose(file);
	rig_close(&rig);
}

RV_TEST(what_was_not_declared_is_refused_once_it_is_sealed)
{
	struct rig rig;
	struct rig_spec s, other;
	const struct rv_spec *declared[] = { &s.spec };
	uint64_t life;

	rig_open(&rig, NULL);
	function_spec(&s, RV_METHOD_SPAWN, "t.give_back", "6");
	CU_ASSERT(rv_start_seal(rig.start, declared, 1, NULL) == REEVE_OK);
	CU_ASSERT_EQUAL(run(&rig, &s)->death.end.number, 6);
	function_spec(&other, RV_METHOD_SPAWN, "t.give_back", "7");
	life = rig_launch(&rig, &other);
	CU_ASSERT_FATAL(rig_wait(&rig, has_ended, life));
	CU_ASSERT(rig_of(&rig, life)->failed);
	CU_ASSERT_EQUAL(rig_of(&rig, life)->stage, RV_STAGE_SEALED);
	CU_ASSERT_EQUAL(rig_of(&rig, life)->sys_errno, EPERM);
	rig_close(&rig);
}

RV_TEST(listening_sockets_are_handed_down_by_name)
{
	static const char *const names[] = { "b", "a", NULL };
	struct rig rig;
	struct rig_spec s;
	const char *file;

	rig_open(&rig, NULL);
	file = rig_file(&rig, "told");
	for (unsigned i = 0; i < 3; i++) {
		int a = open("/dev/zero", O_RDONLY | O_CLOEXEC);
		int b = open("/dev/full", O_RDONLY | O_CLOEXEC);

		rv_start_listener(rig.start, "a", a);
		rv_start_listener(rig.start, "b", b);
		close(a);
		close(b);
		function_spec(&s, methods[i], "t.tell", file);
		s.program.listen = names;
		CU_ASSERT_EQUAL(run(&rig, &s)->death.end.number, 0);
		CU_ASSERT_STRING_EQUAL(rig_line(file, "fd3 "), "/dev/full");
		CU_ASSERT_STRING_EQUAL(rig_line(file, "fd4 "), "/dev/zero");
	}
	rv_start_unlisten(rig.start, "a");
	rig_launch(&rig, &s);
	CU_ASSERT(rig_wait(&rig, rig_failed, rig.next - 1));
	CU_ASSERT_EQUAL(rig_of(&rig, rig.next - 1)->stage, RV_STAGE_LISTENER);
	rig_close(&rig);
}

RV_SUITE(functions,
    RV_CASE(a_function_gets_its_arguments_and_its_result_is_the_exit_code),
    RV_CASE(what_a_function_inherits_depends_on_its_method),
    RV_CASE(nothing_of_the_runtime_is_open_in_a_function),
    RV_CASE(a_function_is_found_by_name_or_the_flaw_is_named),
    RV_CASE(crashes_and_exceptions_of_functions_are_told),
    RV_CASE(a_stop_reaches_functions_and_nothing_is_left),
    RV_CASE(many_functions_start_at_once), RV_CASE(many_may_wait_to_be_forked),
    RV_CASE(a_host_with_threads_is_not_forked),
    RV_CASE(a_fork_server_loads_once_what_all_its_workers_have),
    RV_CASE(what_cannot_be_preloaded_fails_the_start_in_words),
    RV_CASE(a_fork_server_may_die_and_its_workers_go_on),
    RV_CASE(a_fork_server_killed_in_the_middle_of_starts_leaves_nobody_unknown),
    RV_CASE(a_host_that_reaps_everything_gets_no_hang_and_no_wrong_status),
    RV_CASE(a_host_that_ignores_sigchld_gets_no_hang_and_no_wrong_status),
    RV_CASE(what_waits_in_a_buffer_of_the_host_is_written_once),
    RV_CASE(what_was_not_declared_is_refused_once_it_is_sealed),
    RV_CASE(listening_sockets_are_handed_down_by_name))
