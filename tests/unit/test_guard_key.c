/* SPDX-License-Identifier: MIT */
/*
 * Guards of a key: the same one, another one, none; and clients that are
 * silent, slow, noisy or many, of whom nobody else takes notice.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <reeve/wait.h>

#include "base/fault.h"
#include "unit/crew_rig.h"
#include "unit/guard_rig.h"

static struct reeve_error err;
static const char key[] = "0123456789abcdef0123456789abcdef";

/* What a member knows who wants to talk. */
struct secret {
	char address[160], key[40], protocol[8];
	bool has_protocol;
};

static int
knock(void *ctx)
{
	const struct secret *secret = ctx;
	struct reeve_key_options how = { .size = sizeof(how),
		.key = secret->key,
		.key_length = strlen(secret->key),
		.protocol = secret->has_protocol ? secret->protocol : NULL };
	struct reeve_connect_options options = { .size = sizeof(options) };
	struct reeve_conn *conn = NULL;
	struct reeve_parcel parcel = { 0 };
	enum reeve_status status;

	CREW_EXPECT(reeve_guard_of_key(&options.guard, &how, NULL) == REEVE_OK);
	status = reeve_conn_connect(
	    &conn, secret->address, &options, RIG_LONG, NULL);
	reeve_guard_free(options.guard);
	if (status != REEVE_OK) {
		CREW_EXPECT(conn == NULL);
		return -(int)status;
	}
	CREW_EXPECT(reeve_conn_recv(conn, &parcel, 9, RIG_LONG) == REEVE_OK);
	CREW_EXPECT(reeve_conn_send(conn, parcel.data, parcel.length,
			RIG_LONG) == REEVE_OK);
	reeve_parcel_free(&parcel);
	reeve_conn_free(conn);
	return 0;
}

static pid_t
start_client(struct secret *secret, const char *its_key, const char *protocol)
{
	(void)snprintf(secret->key, sizeof(secret->key), "%s", its_key);
	secret->has_protocol = protocol != NULL;
	(void)snprintf(secret->protocol, sizeof(secret->protocol), "%s",
	    protocol != NULL ? protocol : "");
	return crew_start(knock, secret);
}

/* It is let in, and answers. */
static void
let_in(struct reeve_listener *l, struct secret *secret)
{
	pid_t pid = start_client(secret, key, "test");
	struct reeve_parcel parcel = { 0 };
	struct reeve_conn *conn = NULL;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_conn_accept(&conn, l, RIG_LONG, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_conn_send(conn, "hello", 5, RIG_LONG), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_conn_recv(conn, &parcel, 5, RIG_LONG), REEVE_OK);
	CU_ASSERT_EQUAL(parcel.length, 5);
	CU_ASSERT_EQUAL(crew_end(pid), 0);
	reeve_parcel_free(&parcel);
	reeve_conn_free(conn);
}

CREW_SCENARIO(scenario_143_who_has_the_key_may_talk)
{
	struct secret *secret = crew_share(sizeof(*secret));
	struct reeve_guard *guard = rig_key(key, "test");

	for (unsigned tcp = 0; tcp < 2; tcp++) {
		struct reeve_listener *l = rig_listen(tcp, NULL, guard);

		(void)snprintf(secret->address, sizeof(secret->address), "%s",
		    reeve_listener_address(l));
		let_in(l, secret);
		CU_ASSERT_EQUAL(reeve_listener_refused(l), 0);
		reeve_listener_free(l);
	}
	reeve_guard_free(guard);
	reeve_guard_free(NULL);
	crew_unshare(secret, sizeof(*secret));
}

CREW_SCENARIO(scenario_143_another_key_or_protocol_is_refused_and_we_go_on)
{
	static const char *const others[][2] = { { "another", "test" },
		{ key, "tes" }, { key, "test2" }, { key, NULL },
		{ "0123456789abcdef0123456789abcde", "test" } };
	struct secret *secret = crew_share(sizeof(*secret));
	struct reeve_guard *guard = rig_key(key, "test");

	for (unsigned tcp = 0; tcp < 2; tcp++) {
		struct reeve_listener *l = rig_listen(tcp, NULL, guard);
		struct reeve_conn *conn = NULL;

		(void)snprintf(secret->address, sizeof(secret->address), "%s",
		    reeve_listener_address(l));
		for (unsigned i = 0; i < 5; i++) {
			pid_t pid =
			    start_client(secret, others[i][0], others[i][1]);

			CU_ASSERT_EQUAL(
			    reeve_conn_accept(&conn, l, RIG_LONG, &err),
			    REEVE_EAUTH);
			CU_ASSERT_EQUAL(err.status, REEVE_EAUTH);
			CU_ASSERT_EQUAL(crew_end(pid), -REEVE_EAUTH);
			CU_ASSERT_EQUAL(reeve_listener_refused(l), i + 1);
		}
		let_in(l, secret);
		reeve_listener_free(l);
	}
	reeve_guard_free(guard);
	crew_unshare(secret, sizeof(*secret));
}

RV_TEST(scenario_140_an_empty_key_is_none)
{
	struct reeve_key_options options = {
		.size = sizeof(options), .key = key, .key_length = 0
	};
	struct reeve_guard *guard = NULL;
	char protocol[300];

	CU_ASSERT_EQUAL(
	    reeve_guard_of_key(&guard, &options, &err), REEVE_EINVALID);
	options.key = NULL;
	options.key_length = 5;
	CU_ASSERT_EQUAL(
	    reeve_guard_of_key(&guard, &options, &err), REEVE_EINVALID);
	options.key = key;
	options.key_length = 1025;
	CU_ASSERT_EQUAL(
	    reeve_guard_of_key(&guard, &options, &err), REEVE_EINVALID);
	options.key_length = 5;
	memset(protocol, 'p', sizeof(protocol) - 1);
	protocol[sizeof(protocol) - 1] = '\0';
	options.protocol = protocol;
	CU_ASSERT_EQUAL(
	    reeve_guard_of_key(&guard, &options, &err), REEVE_EINVALID);
	options.protocol = NULL;
	options.size = 0;
	CU_ASSERT_EQUAL(
	    reeve_guard_of_key(&guard, &options, &err), REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "sizeof"));
	options.size = sizeof(options);
	CU_ASSERT_EQUAL(
	    reeve_guard_of_key(NULL, &options, &err), REEVE_EINVALID);
	CU_ASSERT_TRUE(rv_fault_set("alloc=ENOMEM"));
	CU_ASSERT_EQUAL(
	    reeve_guard_of_key(&guard, &options, &err), REEVE_ENOMEM);
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	CU_ASSERT_PTR_NULL(guard);
}

RV_TEST(the_silent_the_slow_and_the_noisy_keep_nobody_waiting)
{
	enum { SILENT = 100 };
	struct reeve_guard *guard = rig_key(key, "test");

	for (unsigned tcp = 0; tcp < 2; tcp++) {
		struct reeve_listen_options many = {
			.size = sizeof(many), .backlog = 200, .greetings = 50
		};
		struct reeve_listener *l = rig_listen(tcp, &many, guard);
		const char *address = reeve_listener_address(l);
		struct reeve_conn *conn = NULL;
		struct rig_client client;
		int strangers[SILENT];
		static char noise[64];

		for (unsigned i = 0; i < SILENT; i++) {
			strangers[i] = rig_stranger(address);
			if (i % 3 == 1) { /* a part of an answer */
				CU_ASSERT_EQUAL(
				    send(strangers[i], "x", 1, 0), 1);
			}
			if (i % 10 == 2) { /* and hung up */
				(void)close(strangers[i]);
				strangers[i] = -1;
			}
		}
		rig_connect(&client, address, guard);
		CU_ASSERT_EQUAL(
		    reeve_conn_accept(&conn, l, RIG_LONG, &err), REEVE_OK);
		CU_ASSERT_EQUAL(rig_join(&client), REEVE_OK);
		rig_talk(client.conn, conn);
		/* an answer that is none is a refusal, and the next is not */
		{
			int fd = rig_stranger(address);

			CU_ASSERT_EQUAL(
			    send(fd, noise, sizeof(noise), 0), sizeof(noise));
			CU_ASSERT_EQUAL(
			    reeve_conn_accept(&conn, l, RIG_LONG, &err),
			    REEVE_EAUTH);
			(void)close(fd);
		}
		rig_connect(&client, address, guard);
		CU_ASSERT_EQUAL(
		    reeve_conn_accept(&conn, l, RIG_LONG, &err), REEVE_OK);
		CU_ASSERT_EQUAL(rig_join(&client), REEVE_OK);
		rig_talk(client.conn, conn);
		for (unsigned i = 0; i < SILENT; i++) {
			if (strangers[i] >= 0) {
				(void)close(strangers[i]);
			}
		}
		reeve_listener_free(l);
	}
	reeve_guard_free(guard);
}

RV_TEST(who_says_nothing_is_dropped_when_his_time_is_over)
{
	struct reeve_guard *guard = rig_key(key, "test");
	struct reeve_listen_options quick = { .size = sizeof(quick),
		.greeting_timeout = REEVE_MS(20) };
	struct reeve_listener *l = rig_listen(false, &quick, guard);
	struct reeve_conn *conn = NULL;
	int fd = rig_stranger(reeve_listener_address(l));
	char first[36];

	while (reeve_listener_refused(l) == 0) {
		CU_ASSERT_EQUAL(reeve_conn_accept(&conn, l, REEVE_MS(10), &err),
		    REEVE_ETIMEDOUT);
	}
	CU_ASSERT_EQUAL(recv(fd, first, sizeof(first), 0), sizeof(first));
	CU_ASSERT_EQUAL(recv(fd, first, sizeof(first), 0), 0);
	(void)close(fd);
	reeve_listener_free(l);
	reeve_guard_free(guard);
}

RV_TEST(a_client_of_a_listener_that_is_silent_or_of_another_kind_gives_up)
{
	struct reeve_guard *guard = rig_key(key, "test");
	struct reeve_connect_options options = { .size = sizeof(options),
		.guard = guard };
	struct reeve_listener *l = rig_listen(false, NULL, NULL);
	struct reeve_conn *conn = NULL, *other = NULL;
	struct rig_client client;

	/* who listens does not ask for a key: nothing comes */
	CU_ASSERT_EQUAL(reeve_conn_connect(&conn, reeve_listener_address(l),
			    &options, REEVE_MS(20), &err),
	    REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_conn_accept(&other, l, RIG_LONG, &err), REEVE_OK);
	reeve_conn_free(other);
	/* or something else */
	rig_connect(&client, reeve_listener_address(l), guard);
	CU_ASSERT_EQUAL(reeve_conn_accept(&other, l, RIG_LONG, &err), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_conn_send(other, "something", 9, RIG_LONG), REEVE_OK);
	CU_ASSERT_EQUAL(rig_join(&client), REEVE_EPROTO);
	reeve_conn_free(other);
	/* or an end */
	rig_connect(&client, reeve_listener_address(l), guard);
	CU_ASSERT_EQUAL(reeve_conn_accept(&other, l, RIG_LONG, &err), REEVE_OK);
	reeve_conn_free(other);
	CU_ASSERT_EQUAL(rig_join(&client), REEVE_EBROKEN);
	CU_ASSERT_PTR_NULL(conn);
	reeve_listener_free(l);
	reeve_guard_free(guard);
}

RV_TEST(our_own_answer_sent_back_to_us_proves_nothing)
{
	struct reeve_guard *guard = rig_key(key, "test");
	struct reeve_listener *l = rig_listen(true, NULL, guard);
	struct reeve_conn *conn = NULL;
	int one = rig_stranger(reeve_listener_address(l));
	int two = rig_stranger(reeve_listener_address(l));
	unsigned char first[36], answer[64] = { 0 }, verdict[33];

	/* to the second, the nonce of the first as one's own, and no MAC */
	CU_ASSERT_EQUAL(
	    reeve_conn_accept(&conn, l, REEVE_MS(1), &err), REEVE_ETIMEDOUT);
	while (recv(one, first, 36, MSG_PEEK | MSG_DONTWAIT) != 36 ||
	       recv(two, verdict, 33, MSG_PEEK | MSG_DONTWAIT) != 33) {
		CU_ASSERT_EQUAL(reeve_conn_accept(&conn, l, REEVE_MS(1), &err),
		    REEVE_ETIMEDOUT);
	}
	CU_ASSERT_EQUAL(recv(one, first, 36, 0), 36);
	memcpy(answer, first + 4, 32);
	CU_ASSERT_EQUAL(send(two, answer, 64, 0), 64);
	CU_ASSERT_EQUAL(
	    reeve_conn_accept(&conn, l, RIG_LONG, &err), REEVE_EAUTH);
	CU_ASSERT_EQUAL(recv(two, first, 36, MSG_WAITALL), 36);
	CU_ASSERT_EQUAL(recv(two, verdict, 33, MSG_WAITALL), 33);
	CU_ASSERT_EQUAL(verdict[0], 'n');
	for (unsigned i = 1; i < 33; i++) {
		CU_ASSERT_EQUAL(verdict[i], 0);
	}
	(void)close(one);
	(void)close(two);
	reeve_listener_free(l);
	reeve_guard_free(guard);
}

RV_TEST(greetings_go_on_in_an_event_loop)
{
	struct reeve_guard *guard = rig_key(key, "test");
	struct reeve_listener *l = rig_listen(true, NULL, guard);
	struct reeve_wait_item item =
	    reeve_wait_for_fd(reeve_listener_fd(l), REEVE_WAIT_READ);
	struct rig_client client;
	struct reeve_conn *conn = NULL;
	enum reeve_status status;

	rig_connect(&client, reeve_listener_address(l), guard);
	do {
		CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, RIG_LONG), REEVE_OK);
		status = reeve_conn_accept(&conn, l, 0, &err);
	} while (status == REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(status, REEVE_OK);
	CU_ASSERT_EQUAL(rig_join(&client), REEVE_OK);
	rig_talk(client.conn, conn);
	reeve_listener_free(l);
	reeve_guard_free(guard);
}

RV_SUITE(guard_key, RV_CASE(scenario_143_who_has_the_key_may_talk),
    RV_CASE(scenario_143_another_key_or_protocol_is_refused_and_we_go_on),
    RV_CASE(scenario_140_an_empty_key_is_none),
    RV_CASE(the_silent_the_slow_and_the_noisy_keep_nobody_waiting),
    RV_CASE(who_says_nothing_is_dropped_when_his_time_is_over),
    RV_CASE(a_client_of_a_listener_that_is_silent_or_of_another_kind_gives_up),
    RV_CASE(our_own_answer_sent_back_to_us_proves_nothing),
    RV_CASE(greetings_go_on_in_an_event_loop))
