/* SPDX-License-Identifier: MIT */
/*
 * Listeners and who connects to them: addresses, files of the living and the
 * dead, users, timeouts. What is the same on unix and TCP runs on both.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/listener.h>
#include <reeve/wait.h>

#include "unit/conn_rig.h"
#include "unit/crew_rig.h"

#define LONG REEVE_S(60)

static struct reeve_error err;
static char path[100], address[120];

/* An address of this case's; each kind in turn. */
static const char *
address_of(bool tcp)
{
	(void)snprintf(path, sizeof(path), "%s/s", rv_test_dir());
	(void)snprintf(address, sizeof(address), "unix:%s", path);
	return tcp ? "tcp:127.0.0.1:0" : address;
}

/* -------- what clients of their own do -------- */

/* Of unix:@name, too. */
static struct reeve_conn *
connect_there(const char *at)
{
	struct reeve_connect_options options = { .size = sizeof(options),
		.flags = REEVE_ADDRESS_ABSTRACT };
	struct reeve_conn *conn = NULL;

	CREW_EXPECT(
	    reeve_conn_connect(&conn, at, &options, LONG, NULL) == REEVE_OK);
	return conn;
}

static void
await_text(struct reeve_conn *conn, const char *text)
{
	struct reeve_parcel parcel = { 0 };
	size_t n = strlen(text);

	CREW_EXPECT(reeve_conn_recv(conn, &parcel, 9, LONG) == REEVE_OK);
	CREW_EXPECT(parcel.length == n &&
		    (n == 0 || memcmp(parcel.data, text, n) == 0));
	reeve_parcel_free(&parcel);
}

static int
visit(void *ctx)
{
	struct reeve_conn *conn = connect_there(ctx);

	CREW_EXPECT(reeve_conn_send(conn, "hello", 5, LONG) == REEVE_OK);
	await_text(conn, "hi");
	await_text(conn, "");
	reeve_conn_free(conn);
	return 0;
}

static int
send_and_leave(void *ctx)
{
	struct reeve_conn *conn = connect_there(ctx);

	CREW_EXPECT(reeve_conn_send(conn, "gone", 4, LONG) == REEVE_OK);
	reeve_conn_free(conn);
	return 0;
}

static int
listen_there_too(void *ctx)
{
	struct reeve_listener *second = NULL;
	struct reeve_error said;

	CREW_EXPECT(
	    reeve_conn_listen(&second, ctx, NULL, &said) == REEVE_EBUSY);
	CREW_EXPECT(strstr(said.text, "listens there") != NULL);
	return 0;
}

struct storm {
	char address[sizeof(address)];
	pid_t test;
};

static int
go_on(void *ctx)
{
	struct reeve_conn *conn = connect_there(((struct storm *)ctx)->address);

	await_text(conn, "go");
	CREW_EXPECT(reeve_conn_send(conn, "on", 2, LONG) == REEVE_OK);
	reeve_conn_free(conn);
	return 0;
}

/* Signals for the test, until killed. */
static int
send_signals(void *ctx)
{
	const struct storm *storm = ctx;

	while (kill(storm->test, SIGUSR1) == 0) {
	}
	return 0;
}

/* A text that members are told. */
static char *
share_text(const char *text)
{
	char *shared = crew_share(sizeof(address));

	(void)snprintf(shared, sizeof(address), "%s", text);
	return shared;
}

/* -------- tests -------- */

CREW_SCENARIO(scenario_140_who_connects_is_accepted_and_heard)
{
	struct reeve_listen_options named = { .size = sizeof(named),
		.flags = REEVE_ADDRESS_ABSTRACT };
	char at[64];

	(void)snprintf(at, sizeof(at), "unix:@reeve-test-%d", getpid());
	for (unsigned kind = 0; kind < 3; kind++) {
		struct reeve_listener *l = conn_listen_at(
		    kind == 2 ? at : address_of(kind == 1), &named);
		char *shared = share_text(reeve_listener_address(l));
		pid_t client = crew_start(visit, shared), pid;
		struct reeve_conn *b = conn_accept_one(l);
		uid_t uid;
		gid_t gid;

		conn_expect(b, "hello");
		CU_ASSERT_EQUAL(reeve_conn_send(b, "hi", 2, LONG), REEVE_OK);
		CU_ASSERT_EQUAL(reeve_conn_send(b, "", 0, LONG), REEVE_OK);
		CU_ASSERT_EQUAL(reeve_conn_peer(b, &pid, &uid, &gid),
		    kind == 1 ? REEVE_EINVALID : REEVE_OK);
		CU_ASSERT(kind == 1 || pid == client);
		CU_ASSERT_EQUAL(crew_end(client), 0);
		reeve_conn_free(b);
		reeve_listener_free(l);
		crew_unshare(shared, sizeof(address));
	}
}

CREW_SCENARIO(scenario_140_a_client_that_sent_and_left_is_still_read)
{
	for (unsigned tcp = 0; tcp < 2; tcp++) {
		struct reeve_listener *l =
		    conn_listen_at(address_of(tcp), NULL);
		char *shared = share_text(reeve_listener_address(l));
		struct reeve_parcel parcel = { 0 };
		struct reeve_conn *b;

		CU_ASSERT_EQUAL(
		    crew_end(crew_start(send_and_leave, shared)), 0);
		b = conn_accept_one(l);
		conn_expect(b, "gone");
		CU_ASSERT_EQUAL(
		    reeve_conn_recv(b, &parcel, 9, LONG), REEVE_EEND);
		reeve_conn_free(b);
		reeve_listener_free(l);
		crew_unshare(shared, sizeof(address));
	}
}

/* No process but this one takes part. */
RV_TEST(scenario_140_accepting_ends_at_its_timeout_and_at_the_close)
{
	for (unsigned tcp = 0; tcp < 2; tcp++) {
		struct reeve_listener *l =
		    conn_listen_at(address_of(tcp), NULL);
		struct reeve_conn *conn = NULL;
		struct stat st;

		CU_ASSERT_EQUAL(
		    reeve_conn_accept(&conn, l, 0, &err), REEVE_ETIMEDOUT);
		CU_ASSERT_EQUAL(reeve_conn_accept(&conn, l, REEVE_MS(3), &err),
		    REEVE_ETIMEDOUT);
		reeve_listener_close(l);
		CU_ASSERT_EQUAL(
		    reeve_conn_accept(&conn, l, LONG, &err), REEVE_ECLOSED);
		reeve_listener_close(l);
		CU_ASSERT_EQUAL(reeve_listener_fd(l), -1);
		CU_ASSERT_EQUAL(lstat(path, &st), -1);
		CU_ASSERT_PTR_NULL(conn);
		reeve_listener_free(l);
	}
	reeve_listener_free(NULL);
	reeve_listener_close(NULL);
}

CREW_SCENARIO(scenario_140_an_address_in_use_is_said)
{
	for (unsigned tcp = 0; tcp < 2; tcp++) {
		struct reeve_listener *l =
		    conn_listen_at(address_of(tcp), NULL);
		char *shared = share_text(reeve_listener_address(l));
		struct reeve_conn *a, *b;

		CU_ASSERT_EQUAL(
		    crew_end(crew_start(listen_there_too, shared)), 0);
		crew_unshare(shared, sizeof(address));
		if (!tcp) {
			/* it has had a visit of the one who looked */
			struct reeve_parcel parcel = { 0 };

			b = conn_accept_one(l);
			CU_ASSERT_EQUAL(
			    reeve_conn_recv(b, &parcel, 1, LONG), REEVE_EEND);
			reeve_conn_free(b);
		}
		a = conn_connect_to(l);
		b = conn_accept_one(l);
		reeve_conn_free(a);
		reeve_conn_free(b);
		reeve_listener_free(l);
	}
}

RV_TEST(the_file_of_a_dead_listener_is_replaced_and_ours_is_removed)
{
	const char *at = address_of(false);
	struct reeve_listener *l = NULL;
	struct reeve_conn *a, *b;
	struct stat st;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (reeve_conn_listen(&l, at, NULL, &err) != REEVE_OK) {
			_exit(1);
		}
		(void)raise(SIGKILL);
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_TRUE(WIFSIGNALED(status));
	CU_ASSERT_EQUAL(lstat(path, &st), 0);
	CU_ASSERT_EQUAL(
	    reeve_conn_connect(&a, at, NULL, LONG, &err), REEVE_ENOENT);
	l = conn_listen_at(at, NULL);
	CU_ASSERT_EQUAL(lstat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	a = conn_connect_to(l);
	b = conn_accept_one(l);
	reeve_conn_free(a);
	reeve_conn_free(b);
	/* not by a child that goes */
	pid = fork();
	if (pid == 0) {
		reeve_listener_free(l);
		_exit(0);
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(lstat(path, &st), 0);
	reeve_listener_free(l);
	CU_ASSERT_EQUAL(lstat(path, &st), -1);
	/* nor when it is another's by now */
	l = conn_listen_at(at, NULL);
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
	reeve_listener_free(l);
	CU_ASSERT_EQUAL(lstat(path, &st), 0);
	/* and what is no socket is left alone */
	CU_ASSERT_EQUAL(reeve_conn_listen(&l, at, NULL, &err), REEVE_EEXIST);
	CU_ASSERT_EQUAL(lstat(path, &st), 0);
	CU_ASSERT_TRUE(S_ISREG(st.st_mode));
}

RV_TEST(of_many_who_replace_the_dead_one_wins)
{
	enum { N = 8 };
	const char *at = address_of(false);
	struct reeve_listener *l = NULL;
	pid_t pids[N];
	int go[2], done[2], status, winners = 0;
	char c;

	CU_ASSERT_EQUAL_FATAL(pipe(go), 0);
	CU_ASSERT_EQUAL_FATAL(pipe(done), 0);
	pids[0] = fork();
	if (pids[0] == 0) {
		if (reeve_conn_listen(&l, at, NULL, &err) == REEVE_OK) {
			(void)raise(SIGKILL);
		}
		_exit(1);
	}
	CU_ASSERT_EQUAL(waitpid(pids[0], &status, 0), pids[0]);
	CU_ASSERT_TRUE(WIFSIGNALED(status));
	for (unsigned i = 0; i < N; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct reeve_conn *conn;
			enum reeve_status got;

			(void)close(go[1]);
			(void)read(go[0], &c, 1); /* until it is closed */
			got = reeve_conn_listen(&l, at, NULL, &err);
			(void)write(done[1], "d", 1);
			if (got != REEVE_OK) {
				_exit(got == REEVE_EBUSY ? 0 : 2);
			}
			/* the winner stays till the parent comes */
			do {
				struct reeve_parcel parcel = { 0 };

				conn = NULL;
				got = reeve_conn_accept(&conn, l, LONG, &err);
				if (got == REEVE_OK) {
					got = reeve_conn_recv(
					    conn, &parcel, 9, LONG);
				}
				reeve_parcel_free(&parcel);
				reeve_conn_free(conn);
			} while (got == REEVE_EEND);
			reeve_listener_free(l);
			_exit(got == REEVE_OK ? 1 : 2);
		}
	}
	(void)close(go[0]);
	(void)close(go[1]);
	for (unsigned i = 0; i < N; i++) {
		CU_ASSERT_EQUAL(read(done[0], &c, 1), 1);
	}
	{
		struct reeve_conn *conn = NULL;

		CU_ASSERT_EQUAL_FATAL(
		    reeve_conn_connect(&conn, at, NULL, LONG, &err), REEVE_OK);
		CU_ASSERT_EQUAL(
		    reeve_conn_send(conn, "end", 3, LONG), REEVE_OK);
		reeve_conn_free(conn);
	}
	for (unsigned i = 0; i < N; i++) {
		CU_ASSERT_EQUAL(waitpid(pids[i], &status, 0), pids[i]);
		CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		winners += WEXITSTATUS(status);
	}
	CU_ASSERT_EQUAL(winners, 1);
	(void)close(done[0]);
	(void)close(done[1]);
}

RV_TEST(a_free_port_is_told_and_a_name_without_a_file_must_be_asked_for)
{
	struct reeve_listen_options named = { .size = sizeof(named),
		.flags = REEVE_ADDRESS_ABSTRACT };
	struct reeve_connect_options also = { .size = sizeof(also),
		.flags = REEVE_ADDRESS_ABSTRACT };
	struct reeve_listener *l = NULL, *second = NULL;
	struct reeve_conn *a = NULL, *b;
	char name[64];

	l = conn_listen_at("tcp:localhost:0", NULL);
	CU_ASSERT_PTR_NULL(strstr(reeve_listener_address(l), ":0"));
	reeve_listener_free(l);
	(void)snprintf(name, sizeof(name), "unix:@reeve-test-%d", getpid());
	CU_ASSERT_EQUAL(
	    reeve_conn_listen(&l, name, NULL, &err), REEVE_EINVALID);
	l = conn_listen_at(name, &named);
	CU_ASSERT_EQUAL(
	    reeve_conn_listen(&second, name, &named, &err), REEVE_EBUSY);
	CU_ASSERT_EQUAL(
	    reeve_conn_connect(&a, name, NULL, LONG, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_conn_connect(&a, name, &also, LONG, &err), REEVE_OK);
	b = conn_accept_one(l);
	reeve_conn_free(a);
	reeve_conn_free(b);
	reeve_listener_free(l);
}

/* Whether this machine has an IPv6 address, that of itself. */
static bool
has_ipv6(void)
{
	struct reeve_listener *l = NULL;
	bool has = reeve_conn_listen(&l, "tcp:[::1]:0", NULL, &err) == REEVE_OK;

	reeve_listener_free(l);
	return has;
}

RV_TEST(all_addresses_are_those_of_ipv4_and_of_ipv6)
{
	struct reeve_listener *l = conn_listen_at("tcp::0", NULL);
	const char *port = strrchr(reeve_listener_address(l), ':');
	static const char *const hosts[] = { "127.0.0.1", "[::1]" };
	struct reeve_conn *a = NULL, *b;
	char there[64];

	for (unsigned i = 0; i < (has_ipv6() ? 2 : 1); i++) {
		(void)snprintf(
		    there, sizeof(there), "tcp:%s%s", hosts[i], port);
		CU_ASSERT_EQUAL_FATAL(
		    reeve_conn_connect(&a, there, NULL, LONG, &err), REEVE_OK);
		b = conn_accept_one(l);
		reeve_conn_free(a);
		reeve_conn_free(b);
	}
	reeve_listener_free(l);
}

RV_TEST(a_user_who_is_not_allowed_is_refused_and_the_next_is_not)
{
	static const uid_t them = 4711;
	struct reeve_listen_options some = {
		.size = sizeof(some), .users = &them, .n_users = 1
	};
	struct reeve_listen_options closed = { .size = sizeof(closed),
		.mode = 0666 };
	struct reeve_listener *l;
	struct reeve_conn *a, *b = NULL;
	int status;

	if (geteuid() != 0) {
		return; /* who is not root has no second user to try with */
	}
	for (unsigned allowed = 0; allowed < 2; allowed++) {
		pid_t pid;

		l = conn_listen_at(
		    address_of(false), allowed ? &some : &closed);
		CU_ASSERT_EQUAL(chmod(rv_test_dir(), 0755), 0);
		pid = fork();
		if (pid == 0) {
			struct reeve_parcel parcel = { 0 };

			if (setresuid(them, them, them) != 0 ||
			    reeve_conn_connect(&a, address, NULL, LONG, &err) !=
				REEVE_OK) {
				_exit(9);
			}
			_exit(reeve_conn_recv(a, &parcel, 9, LONG) == REEVE_OK);
		}
		CU_ASSERT_EQUAL(reeve_conn_accept(&b, l, LONG, &err),
		    allowed ? REEVE_OK : REEVE_EAUTH);
		if (allowed) {
			CU_ASSERT_EQUAL(
			    reeve_conn_send(b, "in", 2, LONG), REEVE_OK);
			reeve_conn_free(b);
		} else {
			CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "user 4711"));
			CU_ASSERT_EQUAL(reeve_listener_refused(l), 1);
			a = conn_connect_to(l);
			b = conn_accept_one(l);
			reeve_conn_free(a);
			reeve_conn_free(b);
		}
		CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
		CU_ASSERT_EQUAL(WEXITSTATUS(status), allowed);
		reeve_listener_free(l);
	}
}

RV_TEST(a_listener_that_another_user_has_is_refused)
{
	struct reeve_listener *l = NULL;
	struct reeve_connect_options any = { .size = sizeof(any),
		.flags = REEVE_ADDRESS_ANY_USER };
	struct reeve_listen_options open = { .size = sizeof(open),
		.flags = REEVE_ADDRESS_ANY_USER };
	struct reeve_conn *conn = NULL;
	int ready[2], over[2];
	char c;
	pid_t pid;

	if (geteuid() != 0) {
		return;
	}
	(void)address_of(false);
	CU_ASSERT_EQUAL(chmod(rv_test_dir(), 0777), 0);
	CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
	CU_ASSERT_EQUAL_FATAL(pipe(over), 0);
	pid = fork();
	if (pid == 0) {
		(void)close(over[1]);
		if (setresuid(4711, 4711, 4711) != 0 ||
		    reeve_conn_listen(&l, address, &open, &err) != REEVE_OK) {
			_exit(1);
		}
		(void)write(ready[1], "r", 1);
		(void)read(over[0], &c, 1);
		reeve_listener_free(l);
		_exit(0);
	}
	(void)close(ready[1]);
	CU_ASSERT_EQUAL(read(ready[0], &c, 1), 1);
	CU_ASSERT_EQUAL(
	    reeve_conn_connect(&conn, address, NULL, LONG, &err), REEVE_EAUTH);
	CU_ASSERT_EQUAL(
	    reeve_conn_connect(&conn, address, &any, LONG, &err), REEVE_OK);
	reeve_conn_free(conn);
	(void)close(over[0]);
	(void)close(over[1]);
	(void)close(ready[0]);
	CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
}

RV_TEST(a_full_backlog_is_waited_for_no_longer_than_asked)
{
	struct reeve_listen_options one = { .size = sizeof(one), .backlog = 1 };
	struct reeve_listener *l = conn_listen_at(address_of(false), &one);
	struct reeve_conn *conns[8] = { NULL }, *conn = NULL;
	unsigned n = 0;
	enum reeve_status status = REEVE_OK;

	while (n < 8 && status == REEVE_OK) {
		status = reeve_conn_connect(
		    &conns[n], address, NULL, REEVE_MS(5), &err);
		n += status == REEVE_OK;
	}
	CU_ASSERT_EQUAL(status, REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(
	    reeve_conn_connect(&conn, address, NULL, 0, &err), REEVE_ETIMEDOUT);
	while (n > 0) {
		reeve_conn_free(conn_accept_one(l));
		reeve_conn_free(conns[--n]);
	}
	reeve_conn_free(conn_connect_to(l));
	reeve_listener_free(l);
}

static void
on_signal(int signo)
{
	(void)signo;
}

/* As are a start, a join and a connect. */
CREW_SCENARIO(scenario_145_signals_neither_shorten_nor_break_an_accept_or_wait)
{
	struct sigaction action = { .sa_handler = on_signal }, before;
	struct storm *shared = crew_share(sizeof(*shared));
	pid_t stormy, pid;

	CU_ASSERT_EQUAL(sigaction(SIGUSR1, &action, &before), 0);
	shared->test = getpid();
	stormy = crew_start(send_signals, shared);
	for (unsigned tcp = 0; tcp < 2; tcp++) {
		struct reeve_listener *l =
		    conn_listen_at(address_of(tcp), NULL);
		struct reeve_wait_item item;
		struct reeve_conn *a, *b = NULL;

		CU_ASSERT_EQUAL(reeve_conn_accept(&b, l, REEVE_MS(20), &err),
		    REEVE_ETIMEDOUT);
		(void)snprintf(shared->address, sizeof(shared->address), "%s",
		    reeve_listener_address(l));
		pid = crew_start(go_on, shared);
		b = conn_accept_one(l);
		item = reeve_wait_for_conn(b, REEVE_WAIT_READ);
		CU_ASSERT_EQUAL(
		    reeve_wait(&item, 1, NULL, REEVE_MS(20)), REEVE_ETIMEDOUT);
		CU_ASSERT_EQUAL(reeve_conn_send(b, "go", 2, LONG), REEVE_OK);
		CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, LONG), REEVE_OK);
		conn_expect(b, "on");
		a = conn_connect_to(l); /* under the storm, too */
		reeve_conn_free(a);
		CU_ASSERT_EQUAL(crew_end(pid), 0);
		reeve_conn_free(b);
		reeve_listener_free(l);
	}
	crew_kill(stormy);
	CU_ASSERT_EQUAL(sigaction(SIGUSR1, &before, NULL), 0);
	crew_unshare(shared, sizeof(*shared));
}

RV_TEST(a_listener_goes_into_a_wait)
{
	for (unsigned tcp = 0; tcp < 2; tcp++) {
		struct reeve_listener *l =
		    conn_listen_at(address_of(tcp), NULL);
		struct reeve_wait_item item =
		    reeve_wait_for_fd(reeve_listener_fd(l), REEVE_WAIT_READ);
		struct reeve_conn *a, *b = NULL;

		CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, 0), REEVE_ETIMEDOUT);
		a = conn_connect_to(l);
		CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, LONG), REEVE_OK);
		CU_ASSERT_EQUAL(reeve_conn_accept(&b, l, 0, &err), REEVE_OK);
		reeve_conn_free(a);
		reeve_conn_free(b);
		reeve_listener_free(l);
	}
}

RV_SUITE(listener, RV_CASE(all_addresses_are_those_of_ipv4_and_of_ipv6),
    RV_CASE(scenario_140_who_connects_is_accepted_and_heard),
    RV_CASE(scenario_140_a_client_that_sent_and_left_is_still_read),
    RV_CASE(scenario_140_accepting_ends_at_its_timeout_and_at_the_close),
    RV_CASE(scenario_140_an_address_in_use_is_said),
    RV_CASE(the_file_of_a_dead_listener_is_replaced_and_ours_is_removed),
    RV_CASE(of_many_who_replace_the_dead_one_wins),
    RV_CASE(a_free_port_is_told_and_a_name_without_a_file_must_be_asked_for),
    RV_CASE(a_user_who_is_not_allowed_is_refused_and_the_next_is_not),
    RV_CASE(a_listener_that_another_user_has_is_refused),
    RV_CASE(a_full_backlog_is_waited_for_no_longer_than_asked),
    RV_CASE(scenario_145_signals_neither_shorten_nor_break_an_accept_or_wait),
    RV_CASE(a_listener_goes_into_a_wait))
