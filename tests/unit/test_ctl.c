/* SPDX-License-Identifier: MIT */
/* The control socket: what is said to it, what it answers, who waits. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "lib/harness.h"
#include "unit/ctl_rig.h"

static struct ctl_rig rig;
static struct peer peer;

static void
begin(void)
{
	rig_open(&rig);
	peer_open(&peer, &rig);
}

static void
end(void)
{
	peer_close(&peer);
	rig_close(&rig);
}

static const struct {
	const char *sent;
	int code;
	const char *words;
} bad[] = {
	{ "garbage", -32700, "" },
	{ "{", -32700, "" },
	{ "\"text\"", -32600, "" },
	{ "[]", -32600, "" },
	{ "[{\"jsonrpc\":\"2.0\",\"method\":\"ping\",\"id\":1}]", -32600, "" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1}", -32600, "" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", -32600, "" },
	{ "{}", -32600, "" },
	{ "{\"jsonrpc\":\"2.0\",\"method\":1,\"params\":\"bar\"}", -32600, "" },
	{ "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", -32600, "" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nope\"}", -32601,
	    "nope" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"start\"}", -32602,
	    "names" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"start\",\"params\":[]}",
	    -32602, "" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"start\",\"params\":{"
	  "\"names\":\"web\"}}",
	    -32602, "names" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{"
	  "\"wat\":1}}",
	    -32602, "wat" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"reload\",\"params\":{"
	  "\"dry_run\":1}}",
	    -32602, "dry_run" },
};

RV_TEST(what_is_no_request_is_refused_with_the_standard_codes)
{
	begin();
	for (size_t i = 0; i < RV_ARRAY_LEN(bad); i++) {
		const struct rv_json *answer;

		peer_send(&peer, bad[i].sent);
		peer_send(&peer, "\n");
		answer = peer_hear(&peer);
		CU_ASSERT_PTR_NOT_NULL_FATAL(answer);
		CU_ASSERT_EQUAL(int_at(answer, "error.code"), bad[i].code);
		CU_ASSERT_PTR_NOT_NULL(
		    strstr(str_at(answer, "error.message"), bad[i].words));
		if (int_at(answer, "error.code") != bad[i].code) {
			printf("# %s: %lld\n", bad[i].sent,
			    (long long)int_at(answer, "error.code"));
		}
	}
	end();
}

RV_TEST(a_message_may_come_in_any_pieces)
{
	static const char text[] =
	    "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"ping\"}\n";

	begin();
	for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
		peer_write(&peer, text, cut);
		rig_turns(&rig);
		peer_write(&peer, text + cut, sizeof(text) - 1 - cut);
		CU_ASSERT_STRING_EQUAL(str_at(peer_hear(&peer), "id"), "x");
	}
	/* and many in one */
	for (int i = 0; i < 3; i++) {
		peer_write(&peer, text, sizeof(text) - 1);
	}
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_STRING_EQUAL(str_at(peer_hear(&peer), "id"), "x");
	}
	end();
}

RV_TEST(a_line_without_end_is_refused_and_its_client_let_go)
{
	char block[65536];

	begin();
	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 17 && !peer_is_closed(&peer); i++) {
		peer_write(&peer, block, sizeof(block));
		rig_turns(&rig);
	}
	CU_ASSERT_EQUAL(int_at(peer_hear(&peer), "error.code"), -32600);
	end();
}

RV_TEST(a_notification_is_obeyed_and_not_answered)
{
	begin();
	fake_state(rig.super, "cache", RV_STATE_RUNNING, true);
	peer_send(&peer,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"stop\",\"params\":{\"names\":["
	    "\"cache\"]}}\n");
	CU_ASSERT(peer_hears_nothing(&peer));
	CU_ASSERT_EQUAL(rig.super->n_done, 1);
	end();
}

RV_TEST(the_socket_is_the_owners_alone)
{
	struct stat st;

	begin();
	CU_ASSERT_EQUAL(stat(rig.path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	end();
	CU_ASSERT_EQUAL(stat(rig.path, &st), -1);
}

RV_TEST(status_tells_of_every_unit_in_tree_order)
{
	const struct rv_json *answer;

	begin();
	fake_state(rig.super, "cache", RV_STATE_RUNNING, true);
	answer = peer_ask(&peer, "status", NULL);
	CU_ASSERT_STRING_EQUAL(str_at(answer, "result.0.path"), "/");
	CU_ASSERT_STRING_EQUAL(str_at(answer, "result.0.kind"), "supervisor");
	CU_ASSERT_STRING_EQUAL(str_at(answer, "result.1.path"), "cache");
	CU_ASSERT_STRING_EQUAL(str_at(answer, "result.1.kind"), "worker");
	CU_ASSERT_STRING_EQUAL(str_at(answer, "result.1.state"), "RUNNING");
	answer = peer_ask(&peer, "status", "{\"names\":[\"web/app.*\"]}");
	CU_ASSERT_STRING_EQUAL(str_at(answer, "result.0.path"), "web/app.0");
	CU_ASSERT_STRING_EQUAL(str_at(answer, "result.1.path"), "web/app.1");
	CU_ASSERT_PTR_NULL(at(answer, "result.2"));
	end();
}

RV_TEST(status_shows_the_slot_of_a_worker_as_it_can_be_read)
{
	struct fake_unit *cache;
	const struct rv_json *answer, *slot;

	begin();
	cache = fake_unit(rig.super, "cache");
	answer = peer_ask(&peer, "status", "{\"names\":[\"cache\"]}");
	CU_ASSERT_PTR_NULL(at(answer, "result.0.slot"));
	CU_ASSERT_PTR_NULL(at(answer, "result.0.slot_base16"));
	cache->has_slot = true;
	answer = peer_ask(&peer, "status", "{\"names\":[\"cache\"]}");
	CU_ASSERT_STRING_EQUAL(str_at(answer, "result.0.slot"), "");
	CU_ASSERT_STRING_EQUAL(str_at(answer, "result.0.slot_base16"), "");
	memcpy(cache->slot, "busy\n\"3", 7);
	answer = peer_ask(&peer, "status", "{\"names\":[\"cache\"]}");
	CU_ASSERT_STRING_EQUAL(str_at(answer, "result.0.slot"), "busy\n\"3");
	CU_ASSERT_STRING_EQUAL(
	    str_at(answer, "result.0.slot_base16"), "627573790a2233");
	memcpy(cache->slot, "\0\1\xff", 4);
	cache->slot[4] = cache->slot[5] = cache->slot[6] = '\0';
	answer = peer_ask(&peer, "status", "{\"names\":[\"cache\"]}");
	slot = at(answer, "result.0.slot");
	CU_ASSERT_PTR_NOT_NULL_FATAL(slot);
	CU_ASSERT_EQUAL(rv_json_type(slot), RV_JSON_NULL);
	CU_ASSERT_STRING_EQUAL(
	    str_at(answer, "result.0.slot_base16"), "0001ff");
	end();
}

RV_TEST(a_name_that_is_none_is_refused_with_the_nearest)
{
	const struct rv_json *answer;

	begin();
	answer = peer_ask(&peer, "stop", "{\"names\":[\"cahce\"]}");
	CU_ASSERT_STRING_EQUAL(str_at(answer, "error.data.status"), "ENOENT");
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(str_at(answer, "error.message"), "cache"));
	CU_ASSERT_EQUAL(rig.super->n_done, 0);
	end();
}

RV_TEST(the_name_of_a_supervisor_means_all_that_is_below_it)
{
	const struct rv_json *answer;

	begin();
	answer = peer_ask(&peer, "status", "{\"names\":[\"web/app\"]}");
	CU_ASSERT_STRING_EQUAL(str_at(answer, "result.0.path"), "web/app");
	CU_ASSERT_STRING_EQUAL(str_at(answer, "result.1.path"), "web/app.0");
	CU_ASSERT_STRING_EQUAL(str_at(answer, "result.2.path"), "web/app.1");
	CU_ASSERT_PTR_NULL(at(answer, "result.3"));
	end();
}

RV_TEST(the_last_word_of_a_path_is_what_was_meant)
{
	const struct rv_json *answer;

	begin();
	answer = peer_ask(&peer, "stop", "{\"names\":[\"app\"]}");
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(str_at(answer, "error.message"), "\"web/app\""));
	answer = peer_ask(&peer, "stop", "{\"names\":[\"xyz\"]}");
	CU_ASSERT_PTR_NULL(
	    strstr(str_at(answer, "error.message"), "did you mean"));
	end();
}

RV_TEST(one_wrong_name_of_several_says_that_nothing_was_done)
{
	const struct rv_json *answer;

	begin();
	answer = peer_ask(&peer, "stop", "{\"names\":[\"web\",\"nope\"]}");
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(str_at(answer, "error.message"), "nothing was done"));
	CU_ASSERT_EQUAL(rig.super->n_done, 0);
	end();
}

RV_TEST(a_signal_tells_which_processes_got_it)
{
	const struct rv_json *answer;

	begin();
	fake_up(rig.super, "web/app.0");
	fake_up(rig.super, "web/app.1");
	answer = peer_ask(
	    &peer, "signal", "{\"names\":[\"web\"],\"signal\":\"HUP\"}");
	CU_ASSERT_STRING_EQUAL(
	    str_at(answer, "result.results.0.path"), "web/app.0");
	CU_ASSERT_STRING_EQUAL(
	    str_at(answer, "result.results.0.signal_name"), "SIGHUP");
	CU_ASSERT(rv_json_int(at(answer, "result.results.0.pid")) > 0);
	CU_ASSERT_STRING_EQUAL(
	    str_at(answer, "result.results.1.path"), "web/app.1");
	CU_ASSERT_PTR_NULL(at(answer, "result.results.2"));
	end();
}

RV_TEST(a_signal_that_is_none_is_named)
{
	const struct rv_json *answer;

	begin();
	answer = peer_ask(
	    &peer, "signal", "{\"names\":[\"cache\"],\"signal\":\"FOO\"}");
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(str_at(answer, "error.message"), "\"FOO\" is no signal"));
	answer = peer_ask(
	    &peer, "signal", "{\"names\":[\"HUP\"],\"signal\":\"cache\"}");
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(str_at(answer, "error.message"), "signal comes first"));
	end();
}

RV_TEST(start_is_answered_when_the_unit_is_ready)
{
	const struct rv_json *answer;

	begin();
	peer_request(&peer, "start", "{\"names\":[\"cache\"]}");
	CU_ASSERT(peer_hears_nothing(&peer));
	CU_ASSERT_EQUAL(rig.super->n_done, 1);
	fake_up(rig.super, "cache");
	answer = peer_hear(&peer);
	CU_ASSERT_STRING_EQUAL(
	    str_at(answer, "result.results.0.path"), "cache");
	CU_ASSERT_STRING_EQUAL(
	    str_at(answer, "result.results.0.state"), "RUNNING");
	end();
}

RV_TEST(start_is_answered_when_the_unit_has_failed)
{
	const struct rv_json *answer;

	begin();
	peer_request(&peer, "start", "{\"names\":[\"cache\"]}");
	rig_turns(&rig);
	fake_state(rig.super, "cache", RV_STATE_FATAL, false);
	answer = peer_hear(&peer);
	CU_ASSERT_STRING_EQUAL(
	    str_at(answer, "result.results.0.state"), "FATAL");
	CU_ASSERT_EQUAL(rv_json_bool(at(answer, "result.results.0.ok")), false);
	end();
}

RV_TEST(without_waiting_the_answer_comes_at_once)
{
	begin();
	CU_ASSERT_PTR_NOT_NULL(
	    at(peer_ask(
		   &peer, "start", "{\"names\":[\"cache\"],\"no_wait\":true}"),
		"result.results.0"));
	end();
}

RV_TEST(a_unit_that_goes_away_ends_the_wait)
{
	begin();
	peer_request(&peer, "start", "{\"names\":[\"cache\"]}");
	rig_turns(&rig);
	fake_gone(rig.super, "cache");
	CU_ASSERT_PTR_NOT_NULL(at(peer_hear(&peer), "result.results.0"));
	end();
}

RV_TEST(a_change_is_recorded_before_it_is_done)
{
	begin();
	rig.super->instant = true;
	peer_ask(&peer, "restart", "{\"names\":[\"cache\"]}");
	CU_ASSERT_EQUAL(rig.super->n_asked, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.super->asked, "restart"));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.super->asked, "cache"));
	CU_ASSERT_EQUAL(rig.super->asked_uid, (int64_t)getuid());
	/* what only looks is not */
	peer_ask(&peer, "status", NULL);
	peer_ask(&peer, "info", NULL);
	CU_ASSERT_EQUAL(rig.super->n_asked, 1);
	end();
}

RV_TEST(events_come_from_the_id_that_was_asked_for)
{
	const struct rv_json *event;

	begin();
	fake_record(rig.super, 5);
	CU_ASSERT_PTR_NOT_NULL(at(
	    peer_ask(&peer, "events.subscribe", "{\"from\":103}"), "result"));
	for (int64_t id = 103; id < (int64_t)rig.super->next; id++) {
		event = peer_hear(&peer);
		CU_ASSERT_STRING_EQUAL(str_at(event, "method"), "event");
		CU_ASSERT_EQUAL(int_at(event, "params.id"), id);
	}
	CU_ASSERT(peer_hears_nothing(&peer));
	fake_record(rig.super, 1);
	event = peer_hear(&peer);
	CU_ASSERT_EQUAL(
	    int_at(event, "params.id"), (int64_t)rig.super->next - 1);
	peer_ask(&peer, "events.unsubscribe", NULL);
	fake_record(rig.super, 1);
	CU_ASSERT(peer_hears_nothing(&peer));
	end();
}

RV_TEST(an_id_below_the_oldest_is_too_old)
{
	const struct rv_json *answer;

	begin();
	fake_record(rig.super, 10);
	rig.super->oldest = 106;
	answer = peer_ask(&peer, "events.subscribe", "{\"from\":102}");
	CU_ASSERT_STRING_EQUAL(str_at(answer, "error.data.status"), "ETOOOLD");
	CU_ASSERT_EQUAL(int_at(answer, "error.data.oldest"), 106);
	end();
}

RV_TEST(a_reload_that_is_refused_tells_every_finding)
{
	const struct rv_json *answer;

	begin();
	rig.super->bad_config = true;
	answer = peer_ask(&peer, "reload", NULL);
	CU_ASSERT_STRING_EQUAL(str_at(answer, "error.data.status"), "ECONFIG");
	CU_ASSERT_PTR_NOT_NULL(at(answer, "error.data.findings.0"));
	end();
}

/* Those that stay down are not waited for, those that go are. */
RV_TEST(a_reload_is_answered_when_all_that_it_began_is_over)
{
	const struct rv_json *answer;

	begin();
	fake_up(rig.super, "cache");
	rig.super->changes = "[\"cache\",\"web/front\"]";
	answer = peer_ask(&peer, "reload", NULL);
	CU_ASSERT_STRING_EQUAL(str_at(answer, "result.changed.0"), "cache");
	CU_ASSERT_PTR_NULL(at(answer, "result.results"));
	fake_unit(rig.super, "odd")->unit.retiring = true;
	fake_state(rig.super, "odd", RV_STATE_STOPPING, false);
	fake_state(rig.super, "cache", RV_STATE_STOPPING, false);
	peer_request(&peer, "reload", "{\"wait\":true}");
	CU_ASSERT(peer_hears_nothing(&peer));
	fake_up(rig.super, "cache");
	CU_ASSERT(peer_hears_nothing(&peer));
	fake_gone(rig.super, "odd");
	answer = peer_hear(&peer);
	CU_ASSERT_STRING_EQUAL(str_at(answer, "result.added.0"), "web/new");
	CU_ASSERT_STRING_EQUAL(str_at(answer, "result.results.0.path"), "odd");
	CU_ASSERT(rv_json_bool(at(answer, "result.results.0.ok")));
	CU_ASSERT_STRING_EQUAL(
	    str_at(answer, "result.results.1.path"), "cache");
	CU_ASSERT(rv_json_bool(at(answer, "result.results.1.ok")));
	CU_ASSERT_STRING_EQUAL(
	    str_at(answer, "result.results.2.state"), "STOPPED");
	CU_ASSERT(rv_json_bool(at(answer, "result.results.2.ok")));
	end();
}

RV_TEST(a_worker_that_was_rolled_back_failed_its_restart)
{
	struct fake_unit *cache;
	const struct rv_json *answer;

	begin();
	fake_up(rig.super, "cache");
	cache = fake_unit(rig.super, "cache");
	cache->rolled_back = cache->has_last = true;
	cache->last_end.number = 3;
	rig.super->changes = "[\"cache\"]";
	answer = peer_ask(&peer, "reload", "{\"wait\":true}");
	CU_ASSERT_STRING_EQUAL(
	    str_at(answer, "result.results.0.state"), "RUNNING");
	CU_ASSERT(!rv_json_bool(at(answer, "result.results.0.ok")));
	CU_ASSERT_PTR_NOT_NULL(strstr(
	    str_at(answer, "result.results.0.why"), "exited with code 3"));
	end();
}

/* A client may go without an answer then, the runtime with nothing. */
RV_TEST(a_reload_survives_each_lack_of_memory)
{
	uint64_t n = 0, calls;
	char plan[32];

	do {
		n++;
		begin();
		fake_up(rig.super, "cache");
		rig.super->changes = "[\"cache\"]";
		snprintf(plan, sizeof(plan), "alloc@%d=ENOMEM", (int)n);
		CU_ASSERT_TRUE(rv_fault_set(plan));
		peer_send(&peer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
				 "\"reload\",\"params\":{\"wait\":true}}\n");
		rig_turns(&rig);
		calls = rv_fault_calls(RV_FAULT_alloc);
		rv_fault_set(NULL);
		end();
	} while (calls >= n);
	CU_ASSERT(n > 3);
}

RV_TEST(sync_is_answered_when_all_is_on_the_disk)
{
	begin();
	rig.super->hold_sync = true;
	peer_request(&peer, "sync", NULL);
	CU_ASSERT(peer_hears_nothing(&peer));
	fake_synced(rig.super, true);
	CU_ASSERT_PTR_NOT_NULL(at(peer_hear(&peer), "result"));
	end();
}

RV_TEST(a_client_that_leaves_while_it_waits_is_forgotten)
{
	struct peer other;

	begin();
	peer_open(&other, &rig);
	peer_request(&other, "start", "{\"names\":[\"cache\"]}");
	rig_turns(&rig);
	peer_close(&other);
	rig_turns(&rig);
	fake_up(rig.super, "cache");
	rig_turns(&rig);
	CU_ASSERT_PTR_NOT_NULL(at(peer_ask(&peer, "ping", NULL), "result"));
	end();
}

RV_TEST(one_that_does_not_read_holds_nothing_up)
{
	struct peer deaf;

	begin();
	peer_open(&deaf, &rig);
	for (int i = 0; i < 2000; i++) {
		peer_request(&deaf, "help", NULL);
		if (i % 50 == 0) {
			rig_turns(&rig);
			CU_ASSERT_PTR_NOT_NULL_FATAL(
			    at(peer_ask(&peer, "ping", NULL), "result"));
		}
		if (i > 200) {
			break; /* its own socket is full by now */
		}
	}
	peer_close(&deaf);
	end();
}

RV_SUITE(ctl, RV_CASE(what_is_no_request_is_refused_with_the_standard_codes),
    RV_CASE(a_message_may_come_in_any_pieces),
    RV_CASE(a_line_without_end_is_refused_and_its_client_let_go),
    RV_CASE(a_notification_is_obeyed_and_not_answered),
    RV_CASE(the_socket_is_the_owners_alone),
    RV_CASE(status_tells_of_every_unit_in_tree_order),
    RV_CASE(status_shows_the_slot_of_a_worker_as_it_can_be_read),
    RV_CASE(a_name_that_is_none_is_refused_with_the_nearest),
    RV_CASE(the_name_of_a_supervisor_means_all_that_is_below_it),
    RV_CASE(the_last_word_of_a_path_is_what_was_meant),
    RV_CASE(one_wrong_name_of_several_says_that_nothing_was_done),
    RV_CASE(a_signal_tells_which_processes_got_it),
    RV_CASE(a_signal_that_is_none_is_named),
    RV_CASE(start_is_answered_when_the_unit_is_ready),
    RV_CASE(start_is_answered_when_the_unit_has_failed),
    RV_CASE(without_waiting_the_answer_comes_at_once),
    RV_CASE(a_unit_that_goes_away_ends_the_wait),
    RV_CASE(a_change_is_recorded_before_it_is_done),
    RV_CASE(events_come_from_the_id_that_was_asked_for),
    RV_CASE(an_id_below_the_oldest_is_too_old),
    RV_CASE(a_reload_that_is_refused_tells_every_finding),
    RV_CASE(a_reload_is_answered_when_all_that_it_began_is_over),
    RV_CASE(a_worker_that_was_rolled_back_failed_its_restart),
    RV_CASE(a_reload_survives_each_lack_of_memory),
    RV_CASE(sync_is_answered_when_all_is_on_the_disk),
    RV_CASE(a_client_that_leaves_while_it_waits_is_forgotten),
    RV_CASE(one_that_does_not_read_holds_nothing_up))
