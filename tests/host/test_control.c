/* SPDX-License-Identifier: MIT */
/*
 * A host that serves methods of its own on its control socket: clients of the
 * library in the same thread ask, and the runtime's loop answers.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "host/guest.h"
#include "lib/harness.h"

static struct guest guest;
static uint64_t kept;
static unsigned asked, gone;

static void
on_asked(void *ctx, const struct reeve_control_request *request)
{
	struct guest *g = ctx;

	asked++;
	kept = request->id;
	if (strcmp(request->params, "{\"now\":true}") == 0) {
		CU_ASSERT_EQUAL(
		    reeve_control_reply(g->reeve, kept, "{\"n\":1}", NULL),
		    REEVE_OK);
	} else if (strcmp(request->params, "{\"end\":true}") == 0) {
		reeve_destroy(g->reeve);
	}
}

static void
on_gone(void *ctx, uint64_t request)
{
	(void)ctx;
	CU_ASSERT_EQUAL(request, kept);
	gone++;
}

static struct reeve_client *
open_client(void)
{
	struct reeve_client_options options = { .size = sizeof(options),
		.state_dir = guest.state };
	struct reeve_client *client = NULL;
	struct reeve_error err;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_client_open(&client, &options, &err), REEVE_OK);
	return client;
}

static void
begin(const char *name)
{
	struct reeve_control_options options = {
		.size = sizeof(options),
		.gone = on_gone,
	};

	guest = (struct guest){ 0 };
	asked = gone = 0;
	guest_open(&guest, name, "\"w\": " GUEST_WAITER);
	CU_ASSERT_EQUAL_FATAL(reeve_control_add(guest.reeve, "shop.count",
				  &options, on_asked, &guest, NULL),
	    REEVE_OK);
	CU_ASSERT(guest_until(&guest, guest_is_settled));
}

static struct reeve_client *hearer;
static struct reeve_message heard;
static bool there;

static bool
has_heard(struct guest *g)
{
	(void)g;
	there =
	    there || reeve_client_next(hearer, &heard, NULL) != REEVE_EAGAIN;
	return there;
}

static void
hear(struct reeve_client *client)
{
	hearer = client;
	there = false;
	CU_ASSERT(guest_until(&guest, has_heard));
}

static void
ask(struct reeve_client *client, const char *params)
{
	uint64_t id;

	CU_ASSERT_EQUAL(
	    reeve_client_send(client, "shop.count", params, &id, NULL),
	    REEVE_OK);
}

static bool
was_asked(struct guest *g)
{
	(void)g;
	return asked == 1;
}

static bool
was_told(struct guest *g)
{
	(void)g;
	return gone == 1;
}

RV_TEST(a_method_of_the_hosts_own_is_answered_now_and_later)
{
	struct reeve_client *client;

	begin("control-now");
	client = open_client();
	ask(client, "{\"now\":true}");
	hear(client);
	CU_ASSERT_EQUAL(heard.status, REEVE_OK);
	CU_ASSERT_STRING_EQUAL(heard.json, "{\"n\":1}");
	asked = 0;
	ask(client, NULL);
	CU_ASSERT(guest_until(&guest, was_asked));
	CU_ASSERT_EQUAL(reeve_control_fail(guest.reeve, kept, REEVE_EFULL,
			    "the shop is full", NULL),
	    REEVE_OK);
	hear(client);
	CU_ASSERT_EQUAL(heard.status, REEVE_EFULL);
	CU_ASSERT_STRING_EQUAL(heard.text, "the shop is full");
	reeve_client_close(client);
	guest_close(&guest);
}

RV_TEST(the_host_hears_when_nobody_waits_any_more)
{
	struct reeve_client *client;

	begin("control-gone");
	client = open_client();
	ask(client, NULL);
	CU_ASSERT(guest_until(&guest, was_asked));
	reeve_client_close(client);
	CU_ASSERT(guest_until(&guest, was_told));
	CU_ASSERT_EQUAL(
	    reeve_control_reply(guest.reeve, kept, "1", NULL), REEVE_ENOENT);
	/* By the end of the tree, too. */
	client = open_client();
	asked = gone = 0;
	ask(client, NULL);
	CU_ASSERT(guest_until(&guest, was_asked));
	reeve_shutdown(guest.reeve, "test");
	CU_ASSERT(guest_until(&guest, guest_is_finished));
	CU_ASSERT_EQUAL(gone, 1);
	hear(client);
	CU_ASSERT_EQUAL(heard.status, REEVE_ECLOSED);
	reeve_client_close(client);
	guest_close(&guest);
}

RV_TEST(a_runtime_is_destroyed_from_a_method_of_its_own)
{
	struct reeve_client *client, *other;

	begin("control-end");
	client = open_client();
	other = open_client();
	ask(other, NULL);
	CU_ASSERT(guest_until(&guest, was_asked));
	ask(client, "{\"end\":true}");
	for (int i = 0; i < 1000 && asked == 1; i++) {
		CU_ASSERT_EQUAL(reeve_dispatch(guest.reeve, NULL), REEVE_OK);
	}
	CU_ASSERT_EQUAL(asked, 2);
	CU_ASSERT_EQUAL(gone, 0);
	guest.reeve = NULL;
	reeve_client_close(client);
	reeve_client_close(other);
	guest_clean(&guest);
	while (waitpid(-1, NULL, 0) > 0) {
	}
}

RV_SUITE(control, RV_CASE(a_method_of_the_hosts_own_is_answered_now_and_later),
    RV_CASE(the_host_hears_when_nobody_waits_any_more),
    RV_CASE(a_runtime_is_destroyed_from_a_method_of_its_own))
