/* SPDX-License-Identifier: MIT */
/*
 * Guards of certificates: made here, of two authorities; who is believed, who
 * is not, ends that are orderly and ends that are not, and a key behind them.
 */
#include "config.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <reeve/wait.h>

#include "base/fault.h"
#include "lib/harness.h"
#include "unit/guard_rig.h"
#include "unit/identities.h"

static struct reeve_error err;

static struct reeve_guard *
guard_of(const struct identity *id, const struct identity *authority, bool asks,
    const char *name, struct reeve_guard *then)
{
	struct reeve_tls_options options = { .size = sizeof(options),
		.asks_clients = asks,
		.peer_name = name,
		.then = then };
	struct reeve_guard *guard = NULL;

	if (id != NULL) {
		options.certificate_file = id->certificate_file;
		options.key_file = id->key_file;
	}
	if (authority != NULL) {
		options.authority_file = authority->certificate_file;
	}
	CU_ASSERT_EQUAL_FATAL(
	    reeve_guard_of_tls(&guard, &options, &err), REEVE_OK);
	return guard;
}

/* One meeting; both guards are freed. */
static void
meet(struct reeve_guard *listening, struct reeve_guard *connecting,
    enum reeve_status listener, enum reeve_status connector)
{
	struct reeve_listener *l = rig_listen(true, NULL, listening);
	struct reeve_conn *conn = NULL;
	struct rig_client c;

	rig_connect(&c, reeve_listener_address(l), connecting);
	CU_ASSERT_EQUAL(reeve_conn_accept(&conn, l, RIG_LONG, &err), listener);
	CU_ASSERT_EQUAL(rig_join(&c), connector);
	if (conn != NULL && c.conn != NULL) {
		rig_talk(conn, c.conn);
	}
	reeve_listener_free(l);
	reeve_guard_free(listening);
	reeve_guard_free(connecting);
}

RV_TEST(certificates_of_one_authority_meet)
{
	make_all();
	meet(guard_of(&server, &ours, false, NULL, NULL),
	    guard_of(NULL, &ours, false, NULL, NULL), REEVE_OK, REEVE_OK);
	meet(guard_of(&server, &ours, true, NULL, NULL),
	    guard_of(&client, &ours, false, NULL, NULL), REEVE_OK, REEVE_OK);
	meet(guard_of(&server, &ours, false, NULL, NULL),
	    guard_of(NULL, &ours, false, "localhost", NULL), REEVE_OK,
	    REEVE_OK);
	forget_all();
}

RV_TEST(who_is_not_who_he_should_be_is_refused_on_both_sides)
{
	make_all();
	/* listeners: of another authority, of another name, too old */
	meet(guard_of(&stranger, &ours, false, NULL, NULL),
	    guard_of(NULL, &ours, false, NULL, NULL), REEVE_EAUTH, REEVE_EAUTH);
	meet(guard_of(&client, &ours, false, NULL, NULL),
	    guard_of(NULL, &ours, false, NULL, NULL), REEVE_EAUTH, REEVE_EAUTH);
	meet(guard_of(&server, &ours, false, NULL, NULL),
	    guard_of(NULL, &ours, false, "shop.example", NULL), REEVE_EAUTH,
	    REEVE_EAUTH);
	meet(guard_of(&stale, &ours, false, NULL, NULL),
	    guard_of(NULL, &ours, false, NULL, NULL), REEVE_EAUTH, REEVE_EAUTH);
	/* nor does the system believe in ours */
	meet(guard_of(&server, &ours, false, NULL, NULL),
	    guard_of(NULL, NULL, false, NULL, NULL), REEVE_EAUTH, REEVE_EAUTH);
	/* clients: without one, of another authority */
	meet(guard_of(&server, &ours, true, NULL, NULL),
	    guard_of(NULL, &ours, false, NULL, NULL), REEVE_EAUTH, REEVE_EAUTH);
	meet(guard_of(&server, &ours, true, NULL, NULL),
	    guard_of(&stranger, &ours, false, NULL, NULL), REEVE_EAUTH,
	    REEVE_EAUTH);
	forget_all();
}

RV_TEST(a_key_behind_the_certificates_is_asked_for_too)
{
	struct reeve_guard *key = rig_key("0123456789abcdef", "shop");
	struct reeve_guard *other = rig_key("another", "shop");
	struct reeve_tls_options options = { .size = sizeof(options) };
	struct reeve_guard *tls, *guard = NULL;

	make_all();
	meet(guard_of(&server, &ours, false, NULL, key),
	    guard_of(NULL, &ours, false, NULL, key), REEVE_OK, REEVE_OK);
	meet(guard_of(&server, &ours, false, NULL, key),
	    guard_of(NULL, &ours, false, NULL, other), REEVE_EAUTH,
	    REEVE_EAUTH);
	tls = guard_of(&server, &ours, false, NULL, key);
	options.then = tls;
	CU_ASSERT_EQUAL(
	    reeve_guard_of_tls(&guard, &options, &err), REEVE_EINVALID);
	reeve_guard_free(tls);
	reeve_guard_free(key);
	reeve_guard_free(other);
	forget_all();
}

/* Two ends that have met. */
static void
connect_two(struct reeve_conn **a, struct reeve_conn **b)
{
	struct reeve_guard *listening =
	    guard_of(&server, &ours, false, NULL, NULL);
	struct reeve_guard *connecting =
	    guard_of(NULL, &ours, false, NULL, NULL);
	struct reeve_listener *l = rig_listen(true, NULL, listening);
	struct rig_client c;

	*b = NULL;
	rig_connect(&c, reeve_listener_address(l), connecting);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_conn_accept(b, l, RIG_LONG, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(rig_join(&c), REEVE_OK);
	*a = c.conn;
	reeve_listener_free(l);
	reeve_guard_free(listening);
	reeve_guard_free(connecting);
}

#define LARGE ((size_t)3 << 20)

static void *
send_large(void *conn)
{
	char *data = malloc(LARGE);
	enum reeve_status status;

	for (size_t i = 0; i < LARGE; i++) {
		data[i] = (char)(i * 7 + (i >> 9));
	}
	status = reeve_conn_send(conn, data, LARGE, RIG_LONG);
	if (status == REEVE_OK) {
		status = reeve_conn_flush(conn, RIG_LONG);
	}
	free(data);
	return status == REEVE_OK ? conn : NULL;
}

RV_TEST(large_messages_go_both_ways_at_once)
{
	struct reeve_conn *ends[2];
	struct reeve_parcel in = { 0 };
	pthread_t threads[2];

	make_all();
	connect_two(&ends[0], &ends[1]);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(
		    pthread_create(&threads[i], NULL, send_large, ends[i]), 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		const char *data;
		bool good = true;

		CU_ASSERT_EQUAL_FATAL(
		    reeve_conn_recv(ends[i], &in, LARGE, RIG_LONG), REEVE_OK);
		data = in.data;
		for (size_t k = 0; k < LARGE; k++) {
			good &= data[k] == (char)(k * 7 + (k >> 9));
		}
		CU_ASSERT_TRUE(good && in.length == LARGE);
	}
	for (unsigned i = 0; i < 2; i++) {
		void *result = NULL;

		CU_ASSERT_EQUAL(pthread_join(threads[i], &result), 0);
		CU_ASSERT_PTR_NOT_NULL(result);
	}
	rig_talk(ends[0], ends[1]);
	reeve_parcel_free(&in);
	forget_all();
}

RV_TEST(what_a_timeout_cuts_goes_on_encrypted_too)
{
	struct reeve_conn *a, *b;
	struct reeve_parcel in = { 0 };
	struct reeve_wait_item items[2];
	char *data = calloc(1, LARGE);
	unsigned sent = 0;
	enum reeve_status status;

	make_all();
	connect_two(&a, &b);
	while ((status = reeve_conn_send(a, data, LARGE, 0)) == REEVE_OK) {
		sent++;
	}
	CU_ASSERT_EQUAL(status, REEVE_ETIMEDOUT);
	CU_ASSERT_TRUE(reeve_conn_unsent(a) > 0);
	items[0] = reeve_wait_for_conn(a, REEVE_WAIT_READ); /* sends on */
	items[1] = reeve_wait_for_conn(b, REEVE_WAIT_READ);
	while (sent > 0) {
		CU_ASSERT_EQUAL_FATAL(
		    reeve_wait(items, 2, NULL, RIG_LONG), REEVE_OK);
		status = reeve_conn_recv(b, &in, LARGE, 0);
		CU_ASSERT_TRUE_FATAL(
		    status == REEVE_OK || status == REEVE_ETIMEDOUT);
		if (status == REEVE_OK) {
			CU_ASSERT_EQUAL(in.length, LARGE);
			sent--;
		}
	}
	CU_ASSERT_EQUAL(reeve_conn_unsent(a), 0);
	CU_ASSERT_EQUAL(reeve_wait(items, 2, NULL, 0), REEVE_ETIMEDOUT);
	reeve_parcel_free(&in);
	rig_talk(a, b);
	free(data);
	forget_all();
}

RV_TEST(an_end_that_nobody_announced_is_no_end)
{
	struct reeve_conn *a, *b;
	struct reeve_parcel in = { 0 };
	struct reeve_handle handle;

	make_all();
	connect_two(&a, &b);
	CU_ASSERT_EQUAL(reeve_conn_handle(a, &handle, &err), REEVE_EINVALID);
	/* the wire is cut, by whomever */
	CU_ASSERT_EQUAL(shutdown(reeve_conn_fd(a), SHUT_RDWR), 0);
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &in, 1, RIG_LONG), REEVE_EBROKEN);
	reeve_conn_free(a);
	reeve_conn_free(b);
	/* and what is thrown in is noticed */
	connect_two(&a, &b);
	CU_ASSERT_EQUAL(
	    send(reeve_conn_fd(a), "noise, not a record", 19, 0), 19);
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &in, 1, RIG_LONG), REEVE_EBROKEN);
	reeve_conn_free(a);
	reeve_conn_free(b);
	forget_all();
}

RV_TEST(strangers_and_the_silent_keep_nobody_waiting)
{
	struct reeve_guard *listening, *connecting;
	struct reeve_listener *l;
	struct reeve_conn *conn = NULL;
	struct rig_client c;
	int fds[30];

	make_all();
	listening = guard_of(&server, &ours, false, NULL, NULL);
	connecting = guard_of(NULL, &ours, false, NULL, NULL);
	l = rig_listen(true, NULL, listening);
	for (unsigned i = 0; i < 30; i++) {
		fds[i] = rig_stranger(reeve_listener_address(l));
		if (i % 3 == 0) {
			CU_ASSERT_EQUAL(
			    send(fds[i], "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
		}
	}
	rig_connect(&c, reeve_listener_address(l), connecting);
	CU_ASSERT_EQUAL(reeve_conn_accept(&conn, l, RIG_LONG, &err), REEVE_OK);
	CU_ASSERT_EQUAL(rig_join(&c), REEVE_OK);
	rig_talk(c.conn, conn);
	CU_ASSERT_EQUAL(reeve_listener_refused(l), 10);
	for (unsigned i = 0; i < 30; i++) {
		(void)close(fds[i]);
	}
	reeve_listener_free(l);
	reeve_guard_free(listening);
	reeve_guard_free(connecting);
	forget_all();
}

/* Keys that no certificate of ours can be used with. */
static const char *
write_key(const char *name, EVP_PKEY *key_to_write, const EVP_CIPHER *cipher)
{
	static char file_name[160];
	unsigned char password[] = "secret";
	FILE *file;

	(void)snprintf(
	    file_name, sizeof(file_name), "%s/%s", rv_test_dir(), name);
	file = fopen(file_name, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL(PEM_write_PrivateKey(file, key_to_write, cipher,
			    cipher != NULL ? password : NULL,
			    cipher != NULL ? 6 : 0, NULL, NULL),
	    1);
	(void)fclose(file);
	return file_name;
}

static const char *
rsa_key_file(void)
{
	EVP_PKEY *rsa = EVP_RSA_gen(2048);
	const char *name = write_key("rsa.key", rsa, NULL);

	EVP_PKEY_free(rsa);
	return name;
}

static const char *
locked_key_file(const struct identity *id)
{
	return write_key("locked.key", id->key, EVP_aes_128_cbc());
}

RV_TEST(files_that_are_of_no_use_are_said)
{
	struct reeve_tls_options options = { .size = sizeof(options) };
	struct reeve_guard *guard = NULL;
	char long_name[257] = "";

	make_all();
	options.certificate_file = "/nowhere";
	CU_ASSERT_EQUAL(
	    reeve_guard_of_tls(&guard, &options, &err), REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "key_file"));
	options.key_file = "/nowhere";
	CU_ASSERT_EQUAL(
	    reeve_guard_of_tls(&guard, &options, &err), REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/nowhere"));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "No such file"));
	options.certificate_file = server.certificate_file;
	CU_ASSERT_EQUAL(
	    reeve_guard_of_tls(&guard, &options, &err), REEVE_EINVALID);
	options.key_file = client.key_file; /* of another */
	CU_ASSERT_EQUAL(
	    reeve_guard_of_tls(&guard, &options, &err), REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, options.key_file));
	options.key_file = rsa_key_file(); /* not even of its kind */
	CU_ASSERT_EQUAL(
	    reeve_guard_of_tls(&guard, &options, &err), REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, options.key_file));
	options.key_file = locked_key_file(&server); /* nobody is asked */
	CU_ASSERT_EQUAL(
	    reeve_guard_of_tls(&guard, &options, &err), REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, options.key_file));
	options.key_file = server.key_file;
	options.peer_name = "";
	CU_ASSERT_EQUAL(
	    reeve_guard_of_tls(&guard, &options, &err), REEVE_EINVALID);
	memset(long_name, 'n', sizeof(long_name) - 1);
	options.peer_name = long_name;
	CU_ASSERT_EQUAL(
	    reeve_guard_of_tls(&guard, &options, &err), REEVE_EINVALID);
	options.peer_name = NULL;
	options.size = 4;
	CU_ASSERT_EQUAL(
	    reeve_guard_of_tls(&guard, &options, &err), REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "sizeof"));
	options.size = sizeof(options);
	options.authority_file = server.key_file;
	CU_ASSERT_EQUAL(
	    reeve_guard_of_tls(&guard, &options, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(
	    reeve_guard_of_tls(NULL, &options, &err), REEVE_EINVALID);
	options.authority_file = ours.certificate_file;
	options.peer_name = "a name";
	for (unsigned n = 1; n <= 2; n++) {
		char plan[32];

		(void)snprintf(plan, sizeof(plan), "alloc@%u=ENOMEM", n);
		CU_ASSERT_TRUE(rv_fault_set(plan));
		CU_ASSERT_EQUAL(
		    reeve_guard_of_tls(&guard, &options, &err), REEVE_ENOMEM);
	}
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	CU_ASSERT_PTR_NULL(guard);
	forget_all();
}

/* It is said before anybody has come, or was called. */
RV_TEST(a_guard_that_can_never_greet_there_is_refused_at_once)
{
	struct reeve_listen_options listening = { .size = sizeof(listening) };
	struct reeve_connect_options connecting = { .size =
							sizeof(connecting) };
	struct reeve_listener *l = NULL;
	struct reeve_conn *conn = NULL;
	struct reeve_guard *server_guard, *client_guard;

	make_all();
	server_guard = guard_of(&server, &ours, false, NULL, NULL);
	client_guard = guard_of(NULL, &ours, false, NULL, NULL);
	/* not for one machine */
	listening.guard = connecting.guard = server_guard;
	CU_ASSERT_EQUAL(
	    reeve_conn_listen(&l, rig_address(false), &listening, &err),
	    REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "TCP"));
	CU_ASSERT_EQUAL(reeve_conn_connect(&conn, rig_address(false),
			    &connecting, RIG_LONG, &err),
	    REEVE_EINVALID);
	/* a listener without a certificate */
	listening.guard = connecting.guard = client_guard;
	CU_ASSERT_EQUAL(
	    reeve_conn_listen(&l, "tcp:127.0.0.1:0", &listening, &err),
	    REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "certificate_file"));
	/* a host of no name */
	CU_ASSERT_EQUAL(
	    reeve_conn_connect(&conn, "tcp::1", &connecting, 0, &err),
	    REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "peer_name"));
	CU_ASSERT_PTR_NULL(l);
	CU_ASSERT_PTR_NULL(conn);
	reeve_guard_free(server_guard);
	reeve_guard_free(client_guard);
	forget_all();
}

RV_SUITE(guard_tls, RV_CASE(certificates_of_one_authority_meet),
    RV_CASE(who_is_not_who_he_should_be_is_refused_on_both_sides),
    RV_CASE(a_key_behind_the_certificates_is_asked_for_too),
    RV_CASE(large_messages_go_both_ways_at_once),
    RV_CASE(what_a_timeout_cuts_goes_on_encrypted_too),
    RV_CASE(an_end_that_nobody_announced_is_no_end),
    RV_CASE(strangers_and_the_silent_keep_nobody_waiting),
    RV_CASE(files_that_are_of_no_use_are_said),
    RV_CASE(a_guard_that_can_never_greet_there_is_refused_at_once))
