/* SPDX-License-Identifier: MIT */
/*
 * What listening, accepting and connecting refuse, and what they say when
 * something has run out.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <reeve/listener.h>

#include "base/fault.h"
#include "lib/harness.h"
#include "unit/conn_rig.h"

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

RV_TEST(what_is_no_address_is_refused)
{
	static const char *const bad[] = {
		"", "x", "unix:", "tcp:", "tcp:x", "tcp:x:", "tcp:x:y",
		"tcp:127.0.0.1:123456", "tcp:127.0.0.1:65536", "tcp:[::1]",
		"unix:@", "http://x",
		"unix:/"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	};
	struct reeve_listen_options any = { .size = sizeof(any),
		.flags = REEVE_ADDRESS_ABSTRACT };
	struct reeve_listener *l = NULL;
	struct reeve_conn *conn = NULL;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT_EQUAL(
		    reeve_conn_listen(&l, bad[i], &any, &err), REEVE_EINVALID);
		CU_ASSERT_EQUAL(
		    reeve_conn_connect(&conn, bad[i], NULL, LONG, &err),
		    REEVE_EINVALID);
	}
	CU_ASSERT_EQUAL(
	    reeve_conn_listen(&l, NULL, NULL, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(
	    reeve_conn_listen(&l, "unix:/nowhere/at/all", NULL, &err),
	    REEVE_ESYS);
	CU_ASSERT_EQUAL(
	    reeve_conn_connect(&conn, "unix:/nowhere/at/all", NULL, LONG, &err),
	    REEVE_ENOENT);
	CU_ASSERT_PTR_NULL(l);
	CU_ASSERT_PTR_NULL(conn);
}

/* Else what they say, a guard perhaps, would silently count for nothing. */
RV_TEST(options_whose_size_is_not_set_are_refused)
{
	struct reeve_listen_options listening = { .backlog = 5 };
	struct reeve_connect_options connecting = { .n_users = 0 };
	struct reeve_listener *l = NULL;
	struct reeve_conn *conn = NULL;

	CU_ASSERT_EQUAL(
	    reeve_conn_listen(&l, "tcp:127.0.0.1:0", &listening, &err),
	    REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(err.text, "sizeof(struct reeve_listen_options)"));
	CU_ASSERT_EQUAL(
	    reeve_conn_connect(&conn, "tcp:127.0.0.1:1", &connecting, 0, &err),
	    REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(err.text, "sizeof(struct reeve_connect_options)"));
	CU_ASSERT_PTR_NULL(l);
	CU_ASSERT_PTR_NULL(conn);
}

RV_TEST(options_that_mean_nothing_are_refused)
{
	struct reeve_listen_options listening[] = {
		{ .size = sizeof(listening[0]), .flags = 4 },
		{ .size = sizeof(listening[0]), .n_users = 1 },
		{ .size = sizeof(listening[0]), .mode = 01000 },
	};
	struct reeve_connect_options connecting[] = {
		{ .size = sizeof(connecting[0]), .flags = 4 },
		{ .size = sizeof(connecting[0]), .n_users = 1 },
	};
	static const char *const texts[] = { "0x4", "n_users is 1", "01000" };
	struct reeve_listener *l = NULL;
	struct reeve_conn *conn = NULL;

	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(reeve_conn_listen(
				    &l, address_of(false), &listening[i], &err),
		    REEVE_EINVALID);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, texts[i]));
	}
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(reeve_conn_connect(&conn, address_of(false),
				    &connecting[i], LONG, &err),
		    REEVE_EINVALID);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, texts[i]));
	}
	CU_ASSERT_PTR_NULL(l);
	CU_ASSERT_PTR_NULL(conn);
}

RV_TEST(what_runs_out_is_said_and_the_client_waits)
{
	struct reeve_listener *l = NULL;
	struct reeve_conn *a, *b = NULL;
	static const char *const plans[] = { "alloc@1=ENOMEM", "alloc@2=ENOMEM",
		"alloc@3=ENOMEM", "socket=EMFILE", "epoll_create1=EMFILE" };
	struct stat st;

	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		CU_ASSERT_TRUE(rv_fault_set(plans[i]));
		CU_ASSERT_NOT_EQUAL(
		    reeve_conn_listen(&l, address_of(false), NULL, &err),
		    REEVE_OK);
		CU_ASSERT_TRUE(rv_fault_set(NULL));
		CU_ASSERT_EQUAL(lstat(path, &st), -1);
	}
	CU_ASSERT_PTR_NULL(l);
	l = conn_listen_at(address_of(false), NULL);
	a = conn_connect_to(l);
	CU_ASSERT_TRUE(rv_fault_set("accept=EMFILE"));
	CU_ASSERT_EQUAL(reeve_conn_accept(&b, l, LONG, &err), REEVE_ESYS);
	CU_ASSERT_EQUAL(err.sys_errno, EMFILE);
	CU_ASSERT_TRUE(rv_fault_set("accept@1=ECONNABORTED"));
	b = conn_accept_one(l);
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	reeve_conn_free(a);
	reeve_conn_free(b);
	reeve_listener_free(l);
}

RV_TEST(a_client_for_whom_there_is_no_memory_is_sent_away)
{
	for (unsigned tcp = 0; tcp < 2; tcp++) {
		struct reeve_listener *l =
		    conn_listen_at(address_of(tcp), NULL);
		struct reeve_parcel in = { 0 };
		struct reeve_conn *a = conn_connect_to(l), *b = NULL;

		CU_ASSERT_TRUE(rv_fault_set("alloc=ENOMEM"));
		CU_ASSERT_EQUAL(
		    reeve_conn_accept(&b, l, LONG, &err), REEVE_ENOMEM);
		CU_ASSERT_TRUE(rv_fault_set(NULL));
		CU_ASSERT_PTR_NULL(b);
		CU_ASSERT_EQUAL(reeve_conn_recv(a, &in, 1, LONG), REEVE_EEND);
		reeve_conn_free(a);
		/* the next one is not */
		a = conn_connect_to(l);
		b = conn_accept_one(l);
		conn_finish(a, b);
		reeve_listener_free(l);
	}
}

RV_TEST(who_connects_hears_what_has_run_out)
{
	static const struct {
		const char *plan;
		enum reeve_status status;
	} plans[] = {
		{ "socket=EMFILE", REEVE_ESYS },
		{ "socket=ENOMEM", REEVE_ENOMEM },
		{ "alloc=ENOMEM", REEVE_ENOMEM },
	};

	for (unsigned i = 0; i < 6; i++) {
		struct reeve_listener *l =
		    conn_listen_at(address_of(i % 2 == 1), NULL);
		struct reeve_conn *a = NULL;

		CU_ASSERT_TRUE(rv_fault_set(plans[i / 2].plan));
		CU_ASSERT_EQUAL(
		    reeve_conn_connect(
			&a, reeve_listener_address(l), NULL, LONG, &err),
		    plans[i / 2].status);
		CU_ASSERT_TRUE(rv_fault_set(NULL));
		CU_ASSERT_PTR_NULL(a);
		reeve_listener_free(l);
	}
}

RV_TEST(an_address_that_is_not_of_this_machine_is_said)
{
	struct reeve_listener *l = NULL;

	CU_ASSERT_EQUAL(
	    reeve_conn_listen(&l, "tcp:192.0.2.1:0", NULL, &err), REEVE_ESYS);
	CU_ASSERT_EQUAL(err.sys_errno, EADDRNOTAVAIL);
	CU_ASSERT_PTR_NULL(l);
}

static void *
accept_in_a_thread(void *ctx)
{
	return conn_accept_one(ctx);
}

/* The one who waits has the listener; when it is he who gets the client. */
RV_TEST(a_second_thread_accepts_in_its_turn_or_not_in_time)
{
	struct reeve_listener *l = conn_listen_at(address_of(false), NULL);
	struct reeve_conn *a, *b = NULL;
	enum reeve_status status;
	pthread_t thread;
	void *accepted;

	CU_ASSERT_EQUAL_FATAL(
	    pthread_create(&thread, NULL, accept_in_a_thread, l), 0);
	do {
		status = reeve_conn_accept(&b, l, REEVE_MS(1), &err);
		CU_ASSERT_EQUAL_FATAL(status, REEVE_ETIMEDOUT);
	} while (strstr(err.text, "another thread") == NULL);
	a = conn_connect_to(l);
	CU_ASSERT_EQUAL(pthread_join(thread, &accepted), 0);
	conn_finish(a, accepted);
	reeve_listener_free(l);
}

RV_SUITE(listener_errors, RV_CASE(what_is_no_address_is_refused),
    RV_CASE(options_whose_size_is_not_set_are_refused),
    RV_CASE(options_that_mean_nothing_are_refused),
    RV_CASE(what_runs_out_is_said_and_the_client_waits),
    RV_CASE(a_client_for_whom_there_is_no_memory_is_sent_away),
    RV_CASE(who_connects_hears_what_has_run_out),
    RV_CASE(an_address_that_is_not_of_this_machine_is_said),
    RV_CASE(a_second_thread_accepts_in_its_turn_or_not_in_time))
