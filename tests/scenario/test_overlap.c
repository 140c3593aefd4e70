/* SPDX-License-Identifier: MIT */
/*
 * Sockets that outlive their servers, and generations that overlap: a client
 * connects all the time while servers are killed, replaced, rolled back. Each
 * of its connections must be taken, and on a reload each must be answered.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lib/harness.h"
#include "lib/live.h"

static int port;

/* A port of this machine that is free at the moment. */
static void
choose_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CU_ASSERT_FATAL(bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
	CU_ASSERT_FATAL(getsockname(fd, (struct sockaddr *)&in, &len) == 0);
	close(fd);
	port = ntohs(in.sin_port);
}

/* -1: refused. */
static int
call(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&in, sizeof(in)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The version of who answered; "" for no answer. Static. */
static const char *
hear(int fd)
{
	static char answer[64];
	ssize_t n;

	if (send(fd, "x", 1, MSG_NOSIGNAL) == -1) {
		return "";
	}
	n = recv(fd, answer, sizeof(answer) - 1, 0);
	answer[n > 0 ? n : 0] = '\0';
	return answer;
}

static const char *
ask(void)
{
	int fd = call();
	const char *answer = fd != -1 ? hear(fd) : "refused";

	close(fd);
	return answer;
}

/* Of several calls each: one answer may be the new one's by chance. */
static bool
is_heard(void *version)
{
	unsigned n = 0;

	while (n < 8 && strcmp(ask(), version) == 0) {
		n++;
	}
	return n == 8;
}

/*
 * The old one may take up some more until it hears of its stop, between two
 * that the new one takes, too.
 */
static void
expect_version(const char *version)
{
	char copy[8];

	snprintf(copy, sizeof(copy), "%s", version);
	CU_ASSERT(rv_test_wait(is_heard, copy, -1, 5000));
}

/* Somebody who connects all the time. */
struct caller {
	pid_t pid;
	int tells;
};

struct tally {
	unsigned answered, refused, unanswered;
};

static volatile sig_atomic_t over;

static void
on_usr1(int signo)
{
	(void)signo;
	over = 1;
}

static void
call_all_the_time(int tell)
{
	struct sigaction action = { .sa_handler = on_usr1,
		.sa_flags = SA_RESTART };
	struct tally tally = { 0 };

	sigaction(SIGUSR1, &action, NULL);
	while (!over) {
		const char *answer = ask();

		tally.refused += strcmp(answer, "refused") == 0;
		tally.unanswered += answer[0] == '\0';
		tally.answered += answer[0] == 'v';
	}
	_exit(write(tell, &tally, sizeof(tally)) != sizeof(tally));
}

static struct caller
start_calling(void)
{
	struct caller caller;
	int fds[2];

	CU_ASSERT_FATAL(pipe(fds) == 0);
	fflush(stdout);
	caller.pid = fork();
	if (caller.pid == 0) {
		call_all_the_time(fds[1]);
	}
	close(fds[1]);
	caller.tells = fds[0];
	return caller;
}

static struct tally
stop_calling(const struct caller *caller)
{
	struct tally tally = { .refused = 99 };

	kill(caller->pid, SIGUSR1);
	CU_ASSERT_EQUAL(
	    read(caller->tells, &tally, sizeof(tally)), (ssize_t)sizeof(tally));
	CU_ASSERT_EQUAL(waitpid(caller->pid, NULL, 0), caller->pid);
	close(caller->tells);
	printf("# %u answered, %u refused, %u unanswered\n", tally.answered,
	    tally.refused, tally.unanswered);
	return tally;
}

static void
configure(struct live *live, const char *words, const char *more)
{
	char members[1000];

	snprintf(members, sizeof(members),
	    "\"listen\": { \"http\": \"tcp://127.0.0.1:%d\" },"
	    "\"children\": { \"web\": { \"command\": "
	    "[\"%%(fixtures)s/server\", %s], \"ready\": \"notify\","
	    "\"startretries\": 1, \"listen\": [\"http\"] %s } }",
	    port, words, more);
	live_config(live, members);
}

static void
open_with(struct live *live, const char *words, const char *more)
{
	choose_port();
	live_open(live);
	configure(live, words, more);
	CU_ASSERT_FATAL(live_run(live));
	CU_ASSERT(live_saw(live, "worker.ready", "web"));
}

static void
reload(struct live *live)
{
	json_decref(live_call(live, "reload", "{}"));
}

/* `reeve ARGS` ends with this code and says this. */
static void
expect_reeve(struct live *live, const char *args, int code, const char *words)
{
	char *out = NULL;

	CU_ASSERT_EQUAL(live_reeve(live, &out, args), code);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, words));
	if (strstr(out, words) == NULL) {
		printf("# %s: %s\n", args, out);
	}
	rv_free(out);
}

static void
close_in_order(struct live *live)
{
	live_end(live);
	CU_ASSERT_STRING_EQUAL(ask(), "refused");
}

static size_t
count_draining(struct live *live)
{
	json_t *unit = live_status(live, "web");
	size_t n = json_array_size(json_object_get(unit, "draining"));

	json_decref(unit);
	return n;
}

RV_TEST(no_connection_is_refused_while_servers_are_killed)
{
	struct live live;
	struct caller caller;
	struct tally tally;

	open_with(&live, "\"v1\"", "");
	caller = start_calling();
	for (int i = 0; i < 5; i++) {
		kill(live_pid(&live, "web"), SIGKILL);
		CU_ASSERT(live_saw(&live, "worker.exited", "web"));
		CU_ASSERT(live_saw(&live, "worker.ready", "web"));
	}
	kill((pid_t)live_info(&live, "launcher_pid"), SIGKILL);
	CU_ASSERT(live_saw(&live, "launcher.lost", NULL));
	kill(live_pid(&live, "web"), SIGKILL);
	CU_ASSERT(live_saw(&live, "worker.ready", "web"));
	tally = stop_calling(&caller);
	CU_ASSERT_EQUAL(tally.refused, 0);
	/* Only what one had taken up when it was killed. */
	CU_ASSERT(tally.unanswered <= 6);
	CU_ASSERT(tally.answered > 0);
	close_in_order(&live);
}

RV_TEST(a_connection_made_while_nobody_serves_is_served_by_the_next)
{
	struct live live;
	int fd;

	open_with(&live, "\"v1\"", "");
	json_decref(live_call(&live, "stop", "{\"names\": [\"web\"]}"));
	fd = call();
	CU_ASSERT_FATAL(fd != -1);
	json_decref(live_call(&live, "start", "{\"names\": [\"web\"]}"));
	CU_ASSERT_STRING_EQUAL(hear(fd), "v1");
	close(fd);
	close_in_order(&live);
}

/* Who is said to have wanted the last stop. */
static const char *
stopped_by(struct live *live)
{
	return live_text(live,
	    "SELECT json_extract(detail, '$.why') FROM events WHERE kind ="
	    " 'worker.stopped' ORDER BY id DESC LIMIT 1");
}

RV_TEST(a_reload_under_load_fails_no_request)
{
	struct live live;
	struct caller caller;
	struct tally tally;
	pid_t before;

	open_with(&live, "\"v1\"", ", \"overlap\": {}");
	caller = start_calling();
	for (int i = 2; i < 6; i++) {
		char words[24], version[16];

		snprintf(version, sizeof(version), "v%d", i);
		snprintf(words, sizeof(words), "\"%s\"", version);
		before = live_pid(&live, "web");
		configure(&live, words, ", \"overlap\": {}");
		reload(&live);
		CU_ASSERT(live_saw(&live, "worker.replacing", "web"));
		CU_ASSERT(live_saw(&live, "worker.replaced", "web"));
		CU_ASSERT(live_saw(&live, "worker.stopped", "web"));
		CU_ASSERT_STRING_EQUAL(ask(), version);
		CU_ASSERT_NOT_EQUAL(live_pid(&live, "web"), before);
		CU_ASSERT_EQUAL(kill(before, 0), -1);
	}
	before = live_pid(&live, "web");
	CU_ASSERT_STRING_EQUAL(stopped_by(&live), "reload");
	json_decref(live_call(&live, "restart", "{\"names\": [\"web\"]}"));
	CU_ASSERT_NOT_EQUAL(live_pid(&live, "web"), before);
	CU_ASSERT(live_saw(&live, "worker.stopped", "web"));
	CU_ASSERT_STRING_EQUAL(stopped_by(&live), "operator");
	tally = stop_calling(&caller);
	CU_ASSERT_EQUAL(tally.refused, 0);
	CU_ASSERT_EQUAL(tally.unanswered, 0);
	CU_ASSERT(tally.answered > 0);
	close_in_order(&live);
}

RV_TEST(a_new_one_that_cannot_start_leaves_the_old_one)
{
	struct live live;
	pid_t before;

	open_with(&live, "\"v1\"", ", \"overlap\": {}");
	before = live_pid(&live, "web");
	configure(&live, "\"v2\", \"fails\"", ", \"overlap\": {}");
	reload(&live);
	CU_ASSERT(live_saw(&live, "worker.rolled_back", "web"));
	CU_ASSERT_EQUAL(live_pid(&live, "web"), before);
	CU_ASSERT_STRING_EQUAL(ask(), "v1");
	CU_ASSERT(live_is(&live, "web", "RUNNING"));
	/* A crash of it starts what is known to work. */
	kill(before, SIGKILL);
	CU_ASSERT(live_saw(&live, "worker.ready", "web"));
	CU_ASSERT_STRING_EQUAL(ask(), "v1");
	configure(&live, "\"v3\"", ", \"overlap\": {}");
	reload(&live);
	CU_ASSERT(live_saw(&live, "worker.replaced", "web"));
	expect_version("v3");
	close_in_order(&live);
}

RV_TEST(of_old_ones_that_linger_the_oldest_is_killed)
{
	static const char more[] =
	    ", \"overlap\": { \"max\": 1 }, \"stopwaitsecs\": \"never\"";
	struct live live;
	pid_t first, second;

	open_with(&live, "\"v1\", \"lingers\"", more);
	first = live_pid(&live, "web");
	configure(&live, "\"v2\", \"lingers\"", more);
	reload(&live);
	CU_ASSERT(live_saw(&live, "worker.replaced", "web"));
	CU_ASSERT_EQUAL(count_draining(&live), 1);
	CU_ASSERT_EQUAL(kill(first, 0), 0);
	second = live_pid(&live, "web");
	configure(&live, "\"v3\"", more);
	reload(&live);
	CU_ASSERT(live_saw(&live, "worker.cut_short", "web"));
	CU_ASSERT(live_saw(&live, "worker.stopped", "web"));
	CU_ASSERT_EQUAL(kill(first, 0), -1);
	CU_ASSERT_EQUAL(kill(second, 0), 0);
	expect_version("v3");
	/* Time is a bound, too. */
	configure(
	    &live, "\"v3\"", ", \"overlap\": { \"max\": 1, \"age\": \"1s\" }");
	reload(&live);
	CU_ASSERT(live_saw(&live, "worker.cut_short", "web"));
	CU_ASSERT(live_saw(&live, "worker.stopped", "web"));
	CU_ASSERT_EQUAL(kill(second, 0), -1);
	CU_ASSERT_EQUAL(count_draining(&live), 0);
	close_in_order(&live);
}

RV_TEST(the_command_waits_for_a_takeover_and_tells_what_came_of_it)
{
	static const char soft[] = ", \"overlap\": {}";
	static const char hard[] =
	    ", \"overlap\": {}, \"stopwaitsecs\": \"never\"";
	struct live live;
	pid_t before;
	char line[64];

	open_with(&live, "\"v1\"", soft);
	before = live_pid(&live, "web");
	configure(&live, "\"v2\", \"fails\"", soft);
	expect_reeve(&live, "reload", 1, "web: RUNNING: rolled back");
	expect_reeve(&live, "reload", 1, "exited with code 3");
	CU_ASSERT_EQUAL(live_pid(&live, "web"), before);
	expect_reeve(&live, "--json reload", 1, "\"ok\":false");
	expect_reeve(&live, "reload --no-wait", 0, "restarted web");
	configure(&live, "\"v3\", \"lingers\"", hard);
	expect_reeve(&live, "reload", 0, "restarted web");
	expect_version("v3");
	before = live_pid(&live, "web");
	expect_reeve(&live, "restart web", 0, "web: RUNNING");
	CU_ASSERT_NOT_EQUAL(live_pid(&live, "web"), before);
	expect_reeve(&live, "status", 0, "web (old)");
	expect_reeve(&live, "status", 0, "draining ");
	snprintf(line, sizeof(line), "\"draining\":[{\"life\":");
	expect_reeve(&live, "--json status web", 0, line);
	snprintf(line, sizeof(line), "\"pid\":%d,\"age_ms\":", (int)before);
	expect_reeve(&live, "--json status web", 0, line);
	before = live_pid(&live, "web");
	configure(&live, "\"v4\"", soft);
	expect_reeve(&live, "reload", 0, "restarted web");
	kill(before, SIGKILL);
	close_in_order(&live);
}

RV_TEST(an_old_one_that_takes_too_much_memory_is_killed)
{
	static const char more[] = ", \"overlap\": { \"memory\": \"96MiB\" }, "
				   "\"stopwaitsecs\": \"never\"";
	struct live live;
	pid_t old;
	json_t *event;

	open_with(&live, "\"v1\", \"swells\"", more);
	old = live_pid(&live, "web");
	configure(&live, "\"v2\"", more);
	reload(&live);
	CU_ASSERT(live_saw(&live, "worker.replaced", "web"));
	CU_ASSERT_EQUAL(count_draining(&live), 1);
	CU_ASSERT_EQUAL(kill(old, SIGUSR1), 0);
	event = live_event(&live, "worker.cut_short", "web", 30000);
	CU_ASSERT_PTR_NOT_NULL_FATAL(event);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(
				   json_object_get(event, "detail"), "reason")),
	    "memory");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(
			    json_object_get(event, "detail"), "pid")),
	    old);
	json_decref(event);
	CU_ASSERT(live_said(&live, "is killed: over overlap.memory"));
	CU_ASSERT(live_saw(&live, "worker.stopped", "web"));
	CU_ASSERT_EQUAL(kill(old, 0), -1);
	CU_ASSERT_STRING_EQUAL(ask(), "v2");
	close_in_order(&live);
}

RV_TEST(what_happens_in_the_middle_of_a_takeover_is_right)
{
	static const char soft[] = ", \"overlap\": {}";
	struct live live;
	pid_t before;
	json_t *event;

	open_with(&live, "\"v1\"", soft);
	before = live_pid(&live, "web");
	configure(&live, "\"v2\", \"slow\"", soft);
	reload(&live);
	CU_ASSERT(live_saw(&live, "worker.status", "web"));
	/* The old one crashes, and comes back as it was. */
	kill(before, SIGKILL);
	CU_ASSERT(live_saw(&live, "worker.exited", "web"));
	CU_ASSERT(live_saw(&live, "worker.ready", "web"));
	CU_ASSERT_STRING_EQUAL(ask(), "v1");
	/* A second reload goes on with another. */
	configure(&live, "\"v3\", \"slow\"", soft);
	reload(&live);
	CU_ASSERT(live_saw(&live, "worker.replacing", "web"));
	event = live_event(&live, "worker.started", "web", 10000);
	CU_ASSERT_PTR_NOT_NULL_FATAL(event);
	CU_ASSERT(live_saw(&live, "worker.status", "web"));
	kill((pid_t)json_integer_value(
		 json_object_get(json_object_get(event, "detail"), "pid")),
	    SIGUSR1);
	json_decref(event);
	CU_ASSERT(live_saw(&live, "worker.replaced", "web"));
	expect_version("v3");
	/* One that crashes right after it is started again as any other. */
	kill(live_pid(&live, "web"), SIGKILL);
	CU_ASSERT(live_saw(&live, "worker.starting", "web"));
	CU_ASSERT(live_saw(&live, "worker.status", "web"));
	kill(live_pid(&live, "web"), SIGUSR1);
	CU_ASSERT(live_saw(&live, "worker.ready", "web"));
	/* A stop, and then a shutdown, while the next one starts. */
	configure(&live, "\"v4\"", soft);
	reload(&live);
	json_decref(live_call(&live, "stop", "{\"names\": [\"web\"]}"));
	CU_ASSERT(live_is(&live, "web", "STOPPED"));
	json_decref(live_call(&live, "start", "{\"names\": [\"web\"]}"));
	CU_ASSERT_STRING_EQUAL(ask(), "v4");
	configure(&live, "\"v5\", \"slow\"", soft);
	reload(&live);
	close_in_order(&live);
}

RV_TEST(an_address_that_cannot_be_had_is_said_and_nothing_is_left)
{
	struct live live;
	char text[200];
	int fd;

	choose_port();
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_FATAL(
	    bind(fd,
		(struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET,
		    .sin_port = htons((uint16_t)port),
		    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
		sizeof(struct sockaddr_in)) == 0 &&
	    listen(fd, 1) == 0);
	live_open(&live);
	configure(&live, "\"v1\"", "");
	CU_ASSERT(!live_run(&live));
	CU_ASSERT(WIFEXITED(live.status) && WEXITSTATUS(live.status) == 3);
	snprintf(text, sizeof(text),
	    "cannot listen on tcp://127.0.0.1:%d for http", port);
	CU_ASSERT(live_said(&live, text));
	close(fd);
	live_close(&live);
}

RV_SUITE(overlap, RV_CASE(no_connection_is_refused_while_servers_are_killed),
    RV_CASE(a_connection_made_while_nobody_serves_is_served_by_the_next),
    RV_CASE(a_reload_under_load_fails_no_request),
    RV_CASE(a_new_one_that_cannot_start_leaves_the_old_one),
    RV_CASE(of_old_ones_that_linger_the_oldest_is_killed),
    RV_CASE(the_command_waits_for_a_takeover_and_tells_what_came_of_it),
    RV_CASE(an_old_one_that_takes_too_much_memory_is_killed),
    RV_CASE(what_happens_in_the_middle_of_a_takeover_is_right),
    RV_CASE(an_address_that_cannot_be_had_is_said_and_nothing_is_left))
