/* SPDX-License-Identifier: MIT */
/* Methods of a host's own on the control socket: who is answered, when. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/text.h"
#include "lib/harness.h"
#include "unit/ctl_rig.h"

static struct ctl_rig rig;
static struct peer peer;

static struct {
	uint64_t ids[64];
	size_t n;
	uint64_t gone[64];
	size_t n_gone;
	char method[64], params[64];
	bool notification;
	const char *answer; /* given at once; NULL: later */
	bool remove;        /* the method, from inside of it */
} host;

static void
on_asked(const struct rv_ctl_hosted *hosted,
    const struct reeve_control_request *request)
{
	CU_ASSERT_EQUAL(request->size, sizeof(*request));
	CU_ASSERT_EQUAL(request->uid, geteuid());
	CU_ASSERT_EQUAL(request->pid, getpid());
	host.ids[host.n++ % RV_ARRAY_LEN(host.ids)] = request->id;
	rv_copy(host.method, sizeof(host.method), request->method);
	rv_copy(host.params, sizeof(host.params), request->params);
	host.notification = request->notification;
	if (host.remove) {
		CU_ASSERT_EQUAL(
		    rv_ctl_unhost(rig.ctl, hosted->name, NULL), REEVE_OK);
	} else if (host.answer != NULL) {
		CU_ASSERT_EQUAL(
		    rv_ctl_answer(rig.ctl, request->id, host.answer, NULL),
		    REEVE_OK);
	}
}

static void
on_gone(const struct rv_ctl_hosted *hosted, uint64_t request)
{
	(void)hosted;
	host.gone[host.n_gone++ % RV_ARRAY_LEN(host.gone)] = request;
}

static enum reeve_status
add(const char *name, bool changes, struct reeve_error *err)
{
	const struct rv_ctl_hosted hosted = {
		.name = name,
		.params = "what [how]",
		.doc = "does it",
		.changes = changes,
		.asked = on_asked,
		.gone = on_gone,
	};

	return rv_ctl_host(rig.ctl, &hosted, err);
}

static void
begin(void)
{
	memset(&host, 0, sizeof(host));
	rig_open(&rig);
	CU_ASSERT_EQUAL_FATAL(add("shop.count", false, NULL), REEVE_OK);
	peer_open(&peer, &rig);
}

static void
end(void)
{
	peer_close(&peer);
	rig_close(&rig);
}

RV_TEST(a_method_of_the_hosts_is_answered_at_once)
{
	const struct rv_json *said;

	begin();
	host.answer = "{\"n\":\r\n[1,\n2]}";
	said = peer_ask(&peer, "shop.count", "{\"what\" : [\"a b\"]}");
	CU_ASSERT_EQUAL(int_at(said, "result.n.1"), 2);
	CU_ASSERT_STRING_EQUAL(host.method, "shop.count");
	CU_ASSERT_STRING_EQUAL(host.params, "{\"what\" : [\"a b\"]}");
	CU_ASSERT(!host.notification);
	said = peer_ask(&peer, "shop.count", NULL);
	CU_ASSERT_EQUAL(int_at(said, "result.n.0"), 1);
	CU_ASSERT_STRING_EQUAL(host.params, "{}");
	CU_ASSERT_EQUAL(host.n_gone, 0);
	CU_ASSERT_EQUAL(rig.super->n_asked, 0);
	end();
}

RV_TEST(an_answer_may_come_later_and_in_any_order)
{
	const struct rv_json *said;
	struct reeve_error err;

	begin();
	peer_send(&peer, "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":"
			 "\"shop.count\"}\n{\"jsonrpc\":\"2.0\",\"id\":\"b\","
			 "\"method\":\"shop.count\"}\n");
	rig_turns(&rig);
	CU_ASSERT_EQUAL_FATAL(host.n, 2);
	CU_ASSERT(peer_hears_nothing(&peer));
	CU_ASSERT_EQUAL(
	    rv_ctl_answer(rig.ctl, host.ids[1], "2", NULL), REEVE_OK);
	said = peer_hear(&peer);
	CU_ASSERT_STRING_EQUAL(str_at(said, "id"), "b");
	CU_ASSERT_EQUAL(int_at(said, "result"), 2);
	CU_ASSERT_EQUAL(
	    rv_ctl_fail(rig.ctl, host.ids[0], REEVE_EFULL, "no room", NULL),
	    REEVE_OK);
	said = peer_hear(&peer);
	CU_ASSERT_STRING_EQUAL(str_at(said, "id"), "a");
	CU_ASSERT_STRING_EQUAL(str_at(said, "error.message"), "no room");
	CU_ASSERT_STRING_EQUAL(str_at(said, "error.data.status"), "EFULL");
	/* Each has its answer, once. */
	CU_ASSERT_EQUAL(
	    rv_ctl_answer(rig.ctl, host.ids[0], "1", &err), REEVE_ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no request 1 waits"));
	CU_ASSERT_EQUAL(
	    rv_ctl_fail(rig.ctl, 99, REEVE_EFULL, NULL, &err), REEVE_ENOENT);
	CU_ASSERT_EQUAL(host.n_gone, 0);
	end();
}

RV_TEST(an_answer_that_cannot_be_one_leaves_the_request_waiting)
{
	char *big = malloc(REEVE_CONTROL_ANSWER_MAX + 2);
	const struct rv_json *said;
	struct reeve_error err;

	begin();
	peer_request(&peer, "shop.count", NULL);
	rig_turns(&rig);
	CU_ASSERT_EQUAL_FATAL(host.n, 1);
	CU_ASSERT_EQUAL(
	    rv_ctl_answer(rig.ctl, host.ids[0], NULL, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(
	    rv_ctl_answer(rig.ctl, host.ids[0], "1}", &err), REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no JSON"));
	memset(big, '1', REEVE_CONTROL_ANSWER_MAX + 1);
	big[0] = big[REEVE_CONTROL_ANSWER_MAX] = '"';
	big[REEVE_CONTROL_ANSWER_MAX + 1] = '\0';
	CU_ASSERT_EQUAL(
	    rv_ctl_answer(rig.ctl, host.ids[0], big, &err), REEVE_ETOOBIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "at most 1046528"));
	big[REEVE_CONTROL_ANSWER_MAX - 1] = '"';
	big[REEVE_CONTROL_ANSWER_MAX] = '\0';
	CU_ASSERT_EQUAL(
	    rv_ctl_answer(rig.ctl, host.ids[0], big, &err), REEVE_OK);
	said = peer_hear(&peer);
	CU_ASSERT_EQUAL(
	    strlen(str_at(said, "result")), REEVE_CONTROL_ANSWER_MAX - 2);
	free(big);
	end();
}

/* It reads nothing, and has 16 answers coming of nearly 1 MiB each. */
RV_TEST(large_answers_wait_until_there_is_room_for_them)
{
	size_t len = REEVE_CONTROL_ANSWER_MAX;
	char *big = malloc(len + 1);
	const struct rv_json *said;

	begin();
	memset(big, 'x', len);
	big[0] = big[len - 1] = '"';
	big[len] = '\0';
	for (int i = 0; i < RV_CTL_LATER; i++) {
		peer_request(&peer, "shop.count", NULL);
	}
	rig_turns(&rig);
	CU_ASSERT_EQUAL_FATAL(host.n, RV_CTL_LATER);
	for (int i = 0; i < RV_CTL_LATER; i++) {
		CU_ASSERT_EQUAL(
		    rv_ctl_answer(rig.ctl, host.ids[i], big, NULL), REEVE_OK);
	}
	rig_turns(&rig);
	CU_ASSERT_EQUAL(rig.ctl->n_clients, 1);
	for (int i = 0; i < RV_CTL_LATER; i++) {
		said = peer_hear(&peer);
		CU_ASSERT_EQUAL(strlen(str_at(said, "result")), len - 2);
	}
	free(big);
	end();
}

RV_TEST(a_client_has_few_requests_that_wait)
{
	const struct rv_json *said;

	begin();
	for (int i = 0; i <= RV_CTL_LATER; i++) {
		peer_request(&peer, "shop.count", NULL);
	}
	said = peer_hear(&peer);
	CU_ASSERT_STRING_EQUAL(str_at(said, "error.data.status"), "EBUSY");
	CU_ASSERT_EQUAL(host.n, RV_CTL_LATER);
	/* Answered at once they are any number, in one piece too. */
	for (int i = 0; i < RV_CTL_LATER; i++) {
		CU_ASSERT_EQUAL(
		    rv_ctl_answer(rig.ctl, host.ids[i], "0", NULL), REEVE_OK);
		CU_ASSERT_EQUAL(int_at(peer_hear(&peer), "result"), 0);
	}
	host.answer = "7";
	for (int i = 0; i < 3 * RV_CTL_LATER; i++) {
		peer_request(&peer, "shop.count", NULL);
	}
	for (int i = 0; i < 3 * RV_CTL_LATER; i++) {
		CU_ASSERT_EQUAL(int_at(peer_hear(&peer), "result"), 7);
	}
	end();
}

RV_TEST(the_host_is_told_of_clients_that_leave)
{
	struct reeve_error err;

	begin();
	peer_request(&peer, "shop.count", NULL);
	peer_request(&peer, "shop.count", NULL);
	rig_turns(&rig);
	CU_ASSERT_EQUAL_FATAL(host.n, 2);
	CU_ASSERT_EQUAL(
	    rv_ctl_answer(rig.ctl, host.ids[0], "1", &err), REEVE_OK);
	peer_close(&peer);
	rig_turns(&rig);
	CU_ASSERT_EQUAL(host.n_gone, 1);
	CU_ASSERT_EQUAL(host.gone[0], host.ids[1]);
	CU_ASSERT_EQUAL(
	    rv_ctl_answer(rig.ctl, host.ids[1], "1", &err), REEVE_ENOENT);
	CU_ASSERT_EQUAL(rig.ctl->calls.n, 0);
	rig_close(&rig);
}

RV_TEST(a_notification_is_done_and_not_answered)
{
	begin();
	host.answer = "1";
	peer_send(&peer, "{\"jsonrpc\":\"2.0\",\"method\":\"shop.count\"}\n");
	rig_turns(&rig);
	CU_ASSERT_EQUAL(host.n, 1);
	CU_ASSERT(host.notification);
	CU_ASSERT(peer_hears_nothing(&peer));
	end();
}

RV_TEST(names_that_cannot_be_are_refused)
{
	static const char *const wrong[] = { "", "count", "rpc.count", "a b.c",
		"a.\"",
		"x.0123456789012345678901234567890123456789012345678901"
		"2345678901234567890" };
	struct reeve_error err;
	char name[32];

	begin();
	for (size_t i = 0; i < RV_ARRAY_LEN(wrong); i++) {
		CU_ASSERT_EQUAL(add(wrong[i], false, &err), REEVE_EINVALID);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "is no name"));
	}
	CU_ASSERT_EQUAL(add(NULL, false, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(add("events.subscribe", false, &err), REEVE_EEXIST);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "every runtime"));
	CU_ASSERT_EQUAL(add("shop.count", false, &err), REEVE_EEXIST);
	CU_ASSERT_EQUAL(
	    rv_ctl_unhost(rig.ctl, "shop.none", &err), REEVE_ENOENT);
	for (int i = 1; i < RV_CTL_HOSTED; i++) {
		snprintf(name, sizeof(name), "x.%d", i);
		CU_ASSERT_EQUAL(add(name, false, &err), REEVE_OK);
	}
	CU_ASSERT_EQUAL(add("x.more", false, &err), REEVE_EFULL);
	end();
}

RV_TEST(help_and_a_wrong_name_tell_of_it)
{
	const struct rv_json *said, *list;
	size_t n;

	begin();
	said = peer_ask(&peer, "shop.cuont", NULL);
	CU_ASSERT_EQUAL(int_at(said, "error.code"), RV_RPC_METHOD);
	CU_ASSERT_PTR_NOT_NULL(strstr(
	    str_at(said, "error.message"), "did you mean \"shop.count\"?"));
	list = at(peer_ask(&peer, "help", NULL), "result.methods");
	n = rv_json_count(list);
	CU_ASSERT_FATAL(n > 1);
	said = rv_json_at(list, n - 1);
	CU_ASSERT_STRING_EQUAL(str_at(said, "name"), "shop.count");
	CU_ASSERT_STRING_EQUAL(str_at(said, "doc"), "does it");
	CU_ASSERT_STRING_EQUAL(str_at(said, "usage"), "what [how]");
	end();
}

RV_TEST(parameters_are_an_object)
{
	const struct rv_json *said;

	begin();
	said = peer_ask(&peer, "shop.count", "[1]");
	CU_ASSERT_EQUAL(int_at(said, "error.code"), RV_RPC_PARAMS);
	peer_send(&peer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
			 "\"shop.count\",\"par\\u0061ms\":{}}\n");
	said = peer_hear(&peer);
	CU_ASSERT_EQUAL(int_at(said, "error.code"), RV_RPC_PARAMS);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(str_at(said, "error.message"), "without escapes"));
	CU_ASSERT_EQUAL(host.n, 0);
	end();
}

RV_TEST(one_that_changes_something_is_recorded_first)
{
	begin();
	CU_ASSERT_EQUAL(add("shop.sell", true, NULL), REEVE_OK);
	host.answer = "1";
	CU_ASSERT_EQUAL(
	    int_at(peer_ask(&peer, "shop.sell", NULL), "result"), 1);
	CU_ASSERT_EQUAL(rig.super->n_asked, 1);
	CU_ASSERT_STRING_EQUAL(rig.super->asked, "shop.sell -");
	end();
}

RV_TEST(removing_a_method_refuses_what_waits)
{
	const struct rv_json *said;

	begin();
	peer_request(&peer, "shop.count", NULL);
	rig_turns(&rig);
	CU_ASSERT_EQUAL(rv_ctl_unhost(rig.ctl, "shop.count", NULL), REEVE_OK);
	CU_ASSERT_EQUAL(host.n_gone, 1);
	said = peer_hear(&peer);
	CU_ASSERT_STRING_EQUAL(str_at(said, "error.data.status"), "ECLOSED");
	said = peer_ask(&peer, "shop.count", NULL);
	CU_ASSERT_EQUAL(int_at(said, "error.code"), RV_RPC_METHOD);
	/* From inside of itself, with one that waits. */
	CU_ASSERT_EQUAL(add("shop.count", false, NULL), REEVE_OK);
	host.remove = true;
	said = peer_ask(&peer, "shop.count", NULL);
	CU_ASSERT_STRING_EQUAL(str_at(said, "error.data.status"), "ECLOSED");
	CU_ASSERT_EQUAL(host.n_gone, 2);
	end();
}

RV_TEST(the_end_of_the_tree_ends_what_waits)
{
	const struct rv_json *said;

	begin();
	peer_request(&peer, "shop.count", NULL);
	rig_turns(&rig);
	fake_finish(rig.super);
	said = peer_hear(&peer);
	CU_ASSERT_STRING_EQUAL(str_at(said, "error.data.status"), "ECLOSED");
	CU_ASSERT_EQUAL(host.n_gone, 1);
	said = peer_ask(&peer, "shop.count", NULL);
	CU_ASSERT_STRING_EQUAL(
	    str_at(said, "error.message"), "the runtime has ended");
	end();
}

RV_TEST(closing_the_socket_tells_of_what_waits)
{
	begin();
	peer_request(&peer, "shop.count", NULL);
	rig_turns(&rig);
	rv_ctl_close(rig.ctl);
	rig.ctl = NULL;
	CU_ASSERT_EQUAL(host.n_gone, 1);
	CU_ASSERT_STRING_EQUAL(
	    str_at(peer_hear(&peer), "error.data.status"), "ECLOSED");
	end();
}

/* A client may go without an answer then; no request stays for ever. */
RV_TEST(each_lack_of_memory_is_survived)
{
	enum reeve_status status;
	uint64_t n = 0, calls;
	char plan[32];

	do {
		n++;
		begin();
		snprintf(plan, sizeof(plan), "alloc@%d=ENOMEM", (int)n);
		CU_ASSERT_TRUE(rv_fault_set(plan));
		if (add("shop.other", false, NULL) == REEVE_OK) {
			peer_send(&peer, "{\"jsonrpc\":\"2.0\",\"id\":1,"
					 "\"method\":\"shop.other\"}\n");
			rig_turns(&rig);
			status =
			    rv_ctl_answer(rig.ctl, host.ids[0], "[1]", NULL);
			if (status != REEVE_OK && status != REEVE_ENOENT) {
				CU_ASSERT_EQUAL(
				    rv_ctl_fail(rig.ctl, host.ids[0], status,
					NULL, NULL),
				    REEVE_OK);
			}
			rig_turns(&rig);
		}
		calls = rv_fault_calls(RV_FAULT_alloc);
		rv_fault_set(NULL);
		CU_ASSERT_EQUAL(rig.ctl->calls.n, 0);
		end();
	} while (calls >= n);
	CU_ASSERT(n > 5);
}

RV_SUITE(ctl_host, RV_CASE(a_method_of_the_hosts_is_answered_at_once),
    RV_CASE(an_answer_may_come_later_and_in_any_order),
    RV_CASE(an_answer_that_cannot_be_one_leaves_the_request_waiting),
    RV_CASE(large_answers_wait_until_there_is_room_for_them),
    RV_CASE(a_client_has_few_requests_that_wait),
    RV_CASE(the_host_is_told_of_clients_that_leave),
    RV_CASE(a_notification_is_done_and_not_answered),
    RV_CASE(names_that_cannot_be_are_refused),
    RV_CASE(help_and_a_wrong_name_tell_of_it),
    RV_CASE(parameters_are_an_object),
    RV_CASE(one_that_changes_something_is_recorded_first),
    RV_CASE(removing_a_method_refuses_what_waits),
    RV_CASE(the_end_of_the_tree_ends_what_waits),
    RV_CASE(closing_the_socket_tells_of_what_waits),
    RV_CASE(each_lack_of_memory_is_survived))
