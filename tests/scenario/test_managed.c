/* SPDX-License-Identifier: MIT */
/*
 * A manager as a worker of the real `reeve run`: killed while eight clients use
 * it, it comes back with its snapshot, and they go on; the runtime tells why.
 */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <reeve/manager.h>

#include "base/alloc.h"
#include "lib/harness.h"
#include "lib/live.h"

#define LONG    REEVE_S(60)
#define CLIENTS 8
#define SUMS    100

static char address[200];

struct client {
	pthread_t thread;
	unsigned done, broken;
	const char *failed; /* at what, or NULL */
	struct reeve_error err;
};

static uint32_t under_way;

/* Adds, and connects again when the manager has gone. */
static void *
add_on(void *ctx)
{
	struct client *c = ctx;
	struct reeve_manager *m = NULL;
	struct reeve_proxy *dict = NULL;

	if (reeve_manager_connect(&m, address, NULL, LONG, &c->err) !=
		REEVE_OK ||
	    reeve_proxy_open(&dict, m, "sums", LONG, &c->err) != REEVE_OK) {
		c->failed = "connecting";
	}
	while (c->failed == NULL && (c->done < SUMS || c->broken == 0)) {
		enum reeve_status status = reeve_dict_add(
		    dict, reeve_text("n"), reeve_int(1), NULL, LONG, &c->err);

		if (status == REEVE_OK) {
			if (c->done++ == 0) {
				(void)__atomic_add_fetch(
				    &under_way, 1, __ATOMIC_RELAXED);
			}
		} else if (status == REEVE_EBROKEN) {
			c->broken++;
			if (reeve_manager_reconnect(m, LONG, &c->err) !=
			    REEVE_OK) {
				c->failed = "connecting again";
			}
		} else {
			c->failed = "adding";
		}
	}
	reeve_proxy_free(dict);
	reeve_manager_free(m);
	return NULL;
}

static void
publish_sums(void)
{
	struct reeve_manager *m = NULL;
	struct reeve_proxy *dict = NULL;
	struct reeve_error err;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_manager_connect(&m, address, NULL, LONG, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_proxy_create(&dict, m, "dict", NULL, 0, LONG, &err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_proxy_publish(dict, "sums", LONG, &err), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_manager_call(m, "snapshot", NULL, 0, NULL, LONG, &err),
	    REEVE_OK);
	reeve_proxy_free(dict);
	reeve_manager_free(m);
}

RV_TEST(eight_clients_go_on_when_their_manager_is_killed)
{
	struct client clients[CLIENTS] = { { 0 } };
	struct live live;
	char members[900], *out = NULL;

	under_way = 0;
	live_open(&live);
	(void)snprintf(address, sizeof(address), "unix:%s/m", live.dir);
	(void)snprintf(members, sizeof(members),
	    "\"children\": {\"state\": {\"function\": "
	    "\"%%(fixtures)s/../.libs/managed.so:shop_manager\", "
	    "\"ready\": \"notify\", \"autorestart\": true, "
	    "\"heartbeat\": {\"interval\": \"10s\"}, \"args\": "
	    "{\"address\": \"%s\", \"snapshot\": \"%s/snapshot\", "
	    "\"snapshot_every\": \"20ms\", \"snapshot_at_end\": true}}}",
	    address, live.dir);
	live_config(&live, members);
	CU_ASSERT_TRUE_FATAL(live_run(&live));
	CU_ASSERT_TRUE_FATAL(live_saw(&live, "worker.ready", "state"));
	publish_sums();
	for (unsigned i = 0; i < CLIENTS; i++) {
		CU_ASSERT_EQUAL_FATAL(pthread_create(&clients[i].thread, NULL,
					  add_on, &clients[i]),
		    0);
	}
	while (__atomic_load_n(&under_way, __ATOMIC_RELAXED) < CLIENTS) {
	}
	CU_ASSERT_EQUAL(kill(live_pid(&live, "state"), SIGKILL), 0);
	CU_ASSERT_TRUE(live_saw(&live, "worker.exited", "state"));
	CU_ASSERT_TRUE(live_saw(&live, "worker.ready", "state"));
	for (unsigned i = 0; i < CLIENTS; i++) {
		(void)pthread_join(clients[i].thread, NULL);
		if (clients[i].failed != NULL) {
			printf("# %s: %s\n", clients[i].failed,
			    clients[i].err.text);
		}
		CU_ASSERT_PTR_NULL(clients[i].failed);
	}
	CU_ASSERT_TRUE(live_is(&live, "state", "RUNNING"));
	CU_ASSERT_EQUAL(live_reeve(&live, &out, "why state"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "state was killed by SIGKILL"));
	rv_free(out);
	live_end(&live);
}

RV_SUITE(managed, RV_CASE(eight_clients_go_on_when_their_manager_is_killed))
