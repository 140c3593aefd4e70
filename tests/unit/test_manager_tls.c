/* SPDX-License-Identifier: MIT */
/*
 * Managers with certificates, over TCP: who is let in and who is not, with a
 * key behind the certificates or without, many at once, and who says nothing.
 */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <reeve/net.h>

#include "lib/harness.h"
#include "unit/guard_rig.h"
#include "unit/identities.h"
#include "unit/served_rig.h"

static const char key[] = "0123456789abcdef0123456789abcdef";

static struct reeve_guard *
tls_of(const struct identity *id, const struct identity *authority, bool asks,
    struct reeve_guard *then)
{
	struct reeve_tls_options options = { .size = sizeof(options),
		.authority_file = authority->certificate_file,
		.asks_clients = asks,
		.then = then };
	struct reeve_guard *guard = NULL;

	if (id != NULL) {
		options.certificate_file = id->certificate_file;
		options.key_file = id->key_file;
	}
	CU_ASSERT_EQUAL_FATAL(
	    reeve_guard_of_tls(&guard, &options, &served_err), REEVE_OK);
	return guard;
}

static void
begin(struct served *s, struct reeve_guard *guard)
{
	struct reeve_manager_listen listen;
	struct reeve_manager_options options = served_options(s, &listen);

	listen.address = "tcp:127.0.0.1:0";
	listen.guard = guard;
	served_begin_alone(s, &options);
}

static enum reeve_status
try(const char *address, struct reeve_guard *guard, int64_t timeout,
    struct reeve_manager **m)
{
	struct reeve_manager_connect_options how = { .size = sizeof(how),
		.guard = guard };

	return reeve_manager_connect(m, address, &how, timeout, &served_err);
}

/* A dict of the client's own: what it sets it gets. */
static bool
works(struct reeve_manager *m)
{
	struct reeve_proxy *dict = NULL;
	struct reeve_result result = { 0 };
	bool good = reeve_proxy_create(
			&dict, m, "dict", NULL, 0, RIG_LONG, NULL) == REEVE_OK;

	for (int64_t i = 0; i < 50 && good; i++) {
		good = reeve_dict_set(dict, reeve_text("k"), reeve_int(i),
			   RIG_LONG, NULL) == REEVE_OK &&
		       reeve_dict_get(dict, reeve_text("k"), &result, RIG_LONG,
			   NULL) == REEVE_OK &&
		       result.n == 1 && result.values[0].is.integer == i;
	}
	reeve_result_free(&result);
	reeve_proxy_free(dict);
	return good;
}

/* The server with this, the client with that: what connecting comes to. */
static void
meet(struct reeve_guard *theirs_to_free, struct reeve_guard *ours_to_free,
    enum reeve_status wanted)
{
	struct served s = { 0 };
	struct reeve_manager *m = NULL;
	enum reeve_status status;

	begin(&s, theirs_to_free);
	status = try(s.address, ours_to_free, RIG_LONG, &m);
	if (status != wanted) {
		printf("# %d: %s\n", status, served_err.text);
	}
	CU_ASSERT_EQUAL(status, wanted);
	if (m != NULL) {
		CU_ASSERT_TRUE(works(m));
	}
	reeve_manager_free(m);
	CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
	reeve_guard_free(theirs_to_free);
	reeve_guard_free(ours_to_free);
}

RV_TEST(certificates_of_one_authority_meet)
{
	struct reeve_guard *its_key = rig_key(key, "reeve-manager");
	struct reeve_guard *other_key = rig_key("another", "reeve-manager");

	make_all();
	meet(tls_of(&server, &ours, false, NULL),
	    tls_of(NULL, &ours, false, NULL), REEVE_OK);
	meet(tls_of(&server, &ours, true, NULL),
	    tls_of(&client, &ours, false, NULL), REEVE_OK);
	meet(tls_of(&server, &ours, true, its_key),
	    tls_of(&client, &ours, false, its_key), REEVE_OK);
	meet(tls_of(&server, &ours, false, its_key),
	    tls_of(NULL, &ours, false, other_key), REEVE_EAUTH);
	reeve_guard_free(its_key);
	reeve_guard_free(other_key);
	forget_all();
}

RV_TEST(who_is_not_who_he_should_be_is_refused)
{
	make_all();
	/* servers: of another authority, too old */
	meet(tls_of(&stranger, &ours, false, NULL),
	    tls_of(NULL, &ours, false, NULL), REEVE_EAUTH);
	meet(tls_of(&stale, &ours, false, NULL),
	    tls_of(NULL, &ours, false, NULL), REEVE_EAUTH);
	meet(tls_of(&server, &ours, false, NULL),
	    tls_of(NULL, &foreign, false, NULL), REEVE_EAUTH);
	/* clients: without one, of another authority, too old */
	meet(tls_of(&server, &ours, true, NULL),
	    tls_of(NULL, &ours, false, NULL), REEVE_EAUTH);
	meet(tls_of(&server, &ours, true, NULL),
	    tls_of(&stranger, &ours, false, NULL), REEVE_EAUTH);
	meet(tls_of(&server, &ours, true, NULL),
	    tls_of(&stale, &ours, false, NULL), REEVE_EAUTH);
	forget_all();
}

RV_TEST(plain_ones_and_silent_ones_hold_nobody_up)
{
	struct reeve_guard *guard, *its;
	struct reeve_manager *m = NULL;
	struct served s = { 0 };
	int silent[20];

	make_all();
	guard = tls_of(&server, &ours, false, NULL);
	its = tls_of(NULL, &ours, false, NULL);
	begin(&s, guard);
	for (unsigned i = 0; i < 20; i++) {
		silent[i] = rig_stranger(s.address);
	}
	/* without TLS there is no greeting of a manager to be had */
	CU_ASSERT_NOT_EQUAL(try(s.address, NULL, REEVE_MS(100), &m), REEVE_OK);
	CU_ASSERT_PTR_NULL(m);
	CU_ASSERT_EQUAL(try(s.address, its, RIG_LONG, &m), REEVE_OK);
	CU_ASSERT_TRUE(works(m));
	reeve_manager_free(m);
	for (unsigned i = 0; i < 20; i++) {
		(void)close(silent[i]);
	}
	CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
	/* with TLS, and the server has none */
	m = NULL;
	begin(&s, NULL);
	CU_ASSERT_NOT_EQUAL(try(s.address, its, REEVE_MS(300), &m), REEVE_OK);
	CU_ASSERT_PTR_NULL(m);
	CU_ASSERT_EQUAL(try(s.address, NULL, RIG_LONG, &m), REEVE_OK);
	CU_ASSERT_TRUE(works(m));
	reeve_manager_free(m);
	CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
	reeve_guard_free(guard);
	reeve_guard_free(its);
	forget_all();
}

struct one {
	pthread_t thread;
	const char *address;
	struct reeve_guard *guard;
	bool good;
};

static void *
use_it(void *ctx)
{
	struct one *one = ctx;
	struct reeve_manager_connect_options how = { .size = sizeof(how),
		.guard = one->guard };
	struct reeve_manager *m = NULL;

	one->good = reeve_manager_connect(
			&m, one->address, &how, RIG_LONG, NULL) == REEVE_OK &&
		    works(m);
	reeve_manager_free(m);
	return NULL;
}

RV_TEST(many_clients_with_certificates_and_a_key_work_at_once)
{
	struct reeve_guard *its_key = rig_key(key, "reeve-manager");
	struct reeve_guard *guard, *its;
	struct served s = { 0 };
	struct one ones[8];

	make_all();
	guard = tls_of(&server, &ours, true, its_key);
	its = tls_of(&client, &ours, false, its_key);
	begin(&s, guard);
	for (unsigned i = 0; i < 8; i++) {
		ones[i] = (struct one){ .address = s.address, .guard = its };
		CU_ASSERT_EQUAL_FATAL(
		    pthread_create(&ones[i].thread, NULL, use_it, &ones[i]), 0);
	}
	for (unsigned i = 0; i < 8; i++) {
		(void)pthread_join(ones[i].thread, NULL);
		CU_ASSERT_TRUE(ones[i].good);
	}
	CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
	reeve_guard_free(guard);
	reeve_guard_free(its);
	reeve_guard_free(its_key);
	forget_all();
}

RV_TEST(large_values_go_through_certificates_both_ways)
{
	size_t length = (size_t)3 << 20;
	char *much = calloc(length, 1);
	struct reeve_datum value;
	struct reeve_guard *guard, *its;
	struct reeve_result result = { 0 };
	struct reeve_proxy *p = NULL;
	struct served s = { 0 };

	CU_ASSERT_PTR_NOT_NULL_FATAL(much);
	memset(much, 'x', length);
	value = reeve_bytes(much, length);
	make_all();
	guard = tls_of(&server, &ours, false, NULL);
	its = tls_of(NULL, &ours, false, NULL);
	begin(&s, guard);
	CU_ASSERT_EQUAL_FATAL(try(s.address, its, RIG_LONG, &s.m), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(reeve_proxy_create(&p, s.m, "value", &value, 1,
				  RIG_LONG, &served_err),
	    REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(reeve_proxy_do(p, REEVE_VALUE_GET, NULL, 0,
				  &result, RIG_LONG, &served_err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(result.values[0].length, length);
	CU_ASSERT_EQUAL(memcmp(result.values[0].data, much, length), 0);
	reeve_result_free(&result);
	free(much);
	reeve_proxy_free(p);
	CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
	reeve_guard_free(guard);
	reeve_guard_free(its);
	forget_all();
}

RV_SUITE(manager_tls, RV_CASE(certificates_of_one_authority_meet),
    RV_CASE(who_is_not_who_he_should_be_is_refused),
    RV_CASE(plain_ones_and_silent_ones_hold_nobody_up),
    RV_CASE(many_clients_with_certificates_and_a_key_work_at_once),
    RV_CASE(large_values_go_through_certificates_both_ways))
