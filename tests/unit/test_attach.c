/* SPDX-License-Identifier: MIT */
/*
 * Pools of a config: clients of the control socket submit to them, through
 * workers that are killed, clients that leave, and reloads.
 */
#include "config.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reeve/attach.h>
#include <reeve/client.h>

#include "host/guest.h"
#include "lib/harness.h"
#include "unit/pool_rig.h"

#define CLIENTS 4
#define MANY    200

static struct guest guest;
static struct reeve_pools *pools;
static struct reeve_client *clients[CLIENTS];
static struct {
	bool there;
	enum reeve_status status;
	char *json; /* or of a refusal its text */
} heard[CLIENTS];
static char notice[512];
static _Atomic bool over;

static void
on_notice(void *ctx, const char *text)
{
	(void)ctx;
	snprintf(notice, sizeof(notice), "%s", text);
}

static void
turn(struct guest *g)
{
	struct pollfd fds[2] = {
		{ .fd = reeve_fd(g->reeve), .events = POLLIN },
		{ .fd = reeve_pools_fd(pools), .events = POLLIN },
	};

	poll(fds, 2, 20);
	CU_ASSERT_EQUAL(reeve_dispatch(g->reeve, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_pools_dispatch(pools, NULL), REEVE_OK);
}

static void
begin(const char *name, const char *children)
{
	struct reeve_client_options options = { .size = sizeof(options) };
	const struct reeve_pools_options how = {
		.size = sizeof(how), .notice = on_notice, .max_kept = 5
	};
	struct reeve_error err = { 0 };

	notice[0] = '\0';
	guest = (struct guest){ .pools = true, .turn = turn };
	guest_open(&guest, name, children);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_pools_attach(&pools, guest.reeve, &how, &err), REEVE_OK);
	options.state_dir = guest.state;
	for (int i = 0; i < CLIENTS; i++) {
		heard[i].there = false;
		CU_ASSERT_EQUAL_FATAL(
		    reeve_client_open(&clients[i], &options, &err), REEVE_OK);
	}
}

static void
leave(int i)
{
	reeve_client_close(clients[i]);
	clients[i] = NULL;
	free(heard[i].json);
	heard[i].json = NULL;
}

static void
end(void)
{
	for (int i = 0; i < CLIENTS; i++) {
		leave(i);
	}
	reeve_pools_detach(pools);
	guest.turn = NULL;
	guest_close(&guest);
}

static void
ask(int i, const char *method, const char *params)
{
	uint64_t id;

	heard[i].there = false;
	CU_ASSERT_EQUAL(
	    reeve_client_send(clients[i], method, params, &id, NULL), REEVE_OK);
}

static bool
look(int i)
{
	struct reeve_message message;

	if (!heard[i].there && clients[i] != NULL &&
	    reeve_client_next(clients[i], &message, NULL) == REEVE_OK) {
		heard[i].there = true;
		heard[i].status = message.status;
		free(heard[i].json);
		heard[i].json = strdup(
		    message.status == REEVE_OK ? message.json : message.text);
	}
	return heard[i].there;
}

static bool
first_heard(struct guest *g)
{
	(void)g;
	return look(0);
}

static bool
all_heard(struct guest *g)
{
	bool all = true;

	(void)g;
	for (int i = 0; i < CLIENTS; i++) {
		all = look(i) && all;
	}
	return all;
}

/* Of the first client: its answer, or a refusal's text. */
static const char *
say(const char *method, const char *params)
{
	ask(0, method, params);
	CU_ASSERT(guest_until(&guest, first_heard));
	return heard[0].there ? heard[0].json : "";
}

static bool
has(const char *text, const char *words)
{
	bool found = strstr(text, words) != NULL;

	if (!found) {
		printf("# not said: %s\n# but: %.500s\n", words, text);
	}
	return found;
}

static bool
stats_say(const char *words)
{
	return strstr(say("pool.stats", NULL), words) != NULL;
}

#define ECHO                                                              \
	"\"echo\": {\"pool\": {\"function\": \"test.echo\", \"min\": 1, " \
	"\"max\": 2}}"

RV_TEST(items_come_back_in_order_and_as_they_are)
{
	const char *said;

	begin("attach-order", ECHO);
	said = say("pool.submit",
	    "{\"pool\":\"echo\",\"items\":[{\"text\":\"a b\"},{\"base64\":"
	    "\"AP8=\"},{\"json\":{\"x\":[1]}},{\"text\":\"\"}]}");
	CU_ASSERT_EQUAL(heard[0].status, REEVE_OK);
	CU_ASSERT(has(said, "{\"results\":[{\"ok\":true,\"text\":\"a b\""));
	CU_ASSERT(has(said, "{\"ok\":true,\"base64\":\"AP8=\""));
	/* test.echo does not say that it is JSON. */
	CU_ASSERT(has(said, "\"text\":\"{\\\"x\\\":[1]}\""));
	CU_ASSERT(has(said, "{\"ok\":true,\"text\":\"\""));
	said = say("pool.submit", "{\"pool\":\"echo\",\"items\":[]}");
	CU_ASSERT_STRING_EQUAL(said, "{\"results\":[]}");
	CU_ASSERT_PTR_NOT_NULL(reeve_pools_find(pools, "echo"));
	CU_ASSERT_PTR_NULL(reeve_pools_find(pools, "none"));
	end();
}

static const struct {
	const char *method, *params;
	enum reeve_status status;
	const char *words;
} wrong[] = {
	{ "pool.submit", NULL, REEVE_EINVALID, "needs the parameter \"pool\"" },
	{ "pool.submit", "{\"pool\":\"no\",\"items\":[]}", REEVE_ENOENT,
	    "there is no pool \"no\"; the config has echo" },
	{ "pool.submit", "{\"pool\":\"echo\"}", REEVE_EINVALID,
	    "\"items\" must be an array" },
	{ "pool.submit", "{\"pool\":\"echo\",\"items\":[1]}", REEVE_EINVALID,
	    "items[0] must be {\"json\": VALUE}" },
	{ "pool.submit",
	    "{\"pool\":\"echo\",\"items\":[{\"text\":\"a\"},{\"base64\":\"x\"}]"
	    "}",
	    REEVE_EINVALID, "items[1].base64 is no base64" },
	{ "pool.submit", "{\"pool\":\"echo\",\"items\":[],\"wait\":3}",
	    REEVE_EINVALID, "\"wait\" must be true or false" },
	{ "pool.submit", "{\"pool\":\"echo\",\"item\":[]}", REEVE_EINVALID,
	    "unknown parameter \"item\"" },
	{ "pool.result", "{\"ids\":[0]}", REEVE_EINVALID, "ids[0] is no id" },
	{ "pool.result", "{\"ids\":[99]}", REEVE_ENOENT,
	    "there is no item 99" },
	{ "pool.cancel", "{\"ids\":[\"x\"]}", REEVE_EINVALID,
	    "ids[0] is no id" },
	{ "pool.stats", "{\"x\":1}", REEVE_EINVALID, "unknown parameter" },
};

RV_TEST(what_cannot_be_asked_is_refused_in_words)
{
	begin("attach-wrong", ECHO);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *said = say(wrong[i].method, wrong[i].params);

		CU_ASSERT_EQUAL(heard[0].status, wrong[i].status);
		CU_ASSERT(has(said, wrong[i].words));
	}
	/* Of a request that was refused nothing was done. */
	CU_ASSERT(stats_say("\"submitted\":0"));
	CU_ASSERT(stats_say("\"items\":0"));
	end();
}

RV_TEST(results_wait_for_who_fetches_them_once)
{
	char params[64];
	unsigned long id;

	/* One worker: what comes first ends first, and is the oldest. */
	begin("attach-ids",
	    "\"echo\": {\"pool\": {\"function\": \"test.echo\", "
	    "\"max\": 1}}");
	id = strtoul(
	    say("pool.submit", "{\"pool\":\"echo\",\"wait\":false,\"items\":[{"
			       "\"text\":\"late\"}]}") +
		strlen("{\"ids\":["),
	    NULL, 10);
	CU_ASSERT(id > 0);
	snprintf(params, sizeof(params), "{\"ids\":[%lu]}", id);
	CU_ASSERT(has(say("pool.result", params), "\"text\":\"late\""));
	CU_ASSERT(has(say("pool.result", params), "there is no item"));
	/* Of those that nobody fetches the oldest are forgotten. */
	say("pool.submit",
	    "{\"pool\":\"echo\",\"wait\":false,\"items\":[{\"text\":\"0\"},"
	    "{\"text\":\"1\"},{\"text\":\"2\"},{\"text\":\"3\"},{\"text\":"
	    "\"4\"},{\"text\":\"5\"},{\"text\":\"6\"}]}");
	while (!stats_say("\"items\":0")) {
	}
	CU_ASSERT(stats_say("\"kept\":5,"));
	CU_ASSERT(stats_say("\"dropped\":2"));
	snprintf(params, sizeof(params), "{\"ids\":[%lu]}", id + 1);
	CU_ASSERT(has(say("pool.result", params), "there is no item"));
	snprintf(params, sizeof(params), "{\"ids\":[%lu]}", id + 7);
	CU_ASSERT(has(say("pool.result", params), "\"text\":\"6\""));
	end();
}

RV_TEST(items_are_cancelled_waiting_and_running)
{
	unsigned long id;
	char params[96];

	begin("attach-cancel",
	    "\"nap\": {\"pool\": {\"function\": \"test.nap\", \"max\": 1}}");
	id = strtoul(
	    say("pool.submit", "{\"pool\":\"nap\",\"wait\":false,\"items\":[{"
			       "\"text\":\"60000\"},{\"text\":\"60000\"}]}") +
		strlen("{\"ids\":["),
	    NULL, 10);
	while (!stats_say("\"running\":1")) {
	}
	snprintf(params, sizeof(params), "{\"ids\":[%lu]}", id);
	ask(1, "pool.result", params);
	snprintf(params, sizeof(params), "{\"ids\":[%lu,%lu]}", id, id + 1);
	CU_ASSERT_STRING_EQUAL(say("pool.cancel", params), "{\"cancelled\":2}");
	while (!look(1)) {
		turn(&guest);
	}
	CU_ASSERT(has(heard[1].json, "\"outcome\":\"cancelled\""));
	while (!stats_say("\"items\":0")) {
	}
	end();
}

RV_TEST(what_is_over_max_waiting_is_refused_whole)
{
	const char *said;

	begin("attach-full",
	    "\"echo\": {\"pool\": {\"function\": \"test.echo\", \"max\": 1, "
	    "\"max_waiting\": 3}}");
	said = say("pool.submit",
	    "{\"pool\":\"echo\",\"items\":[{\"text\":\"\"},{\"text\":\"\"},"
	    "{\"text\":\"\"},{\"text\":\"\"}]}");
	CU_ASSERT_EQUAL(heard[0].status, REEVE_EFULL);
	CU_ASSERT(has(said, "4 more are over its max_waiting of 3"));
	CU_ASSERT(stats_say("\"submitted\":0"));
	end();
}

RV_TEST(what_clients_leave_behind_is_cancelled)
{
	const char *gate = pool_gate();
	char params[256];

	begin("attach-left",
	    "\"hold\": {\"pool\": {\"function\": \"test.hold\", \"max\": 1}}");
	(void)snprintf(params, sizeof(params),
	    "{\"pool\":\"hold\",\"items\":[{\"text\":\"%s\"},{\"text\":"
	    "\"\"},{\"text\":\"\"}]}",
	    gate);
	ask(1, "pool.submit", params);
	(void)look(1);
	while (!stats_say("\"running\":1")) {
	}
	leave(1);
	while (!stats_say("\"cancelled\":2")) {
	}
	pool_gate_open(gate);
	while (!stats_say("\"items\":0")) {
	}
	CU_ASSERT(stats_say("\"kept\":0"));
	CU_ASSERT(stats_say("\"cancelled\":2"));
	CU_ASSERT(stats_say("\"good\":1"));
	CU_ASSERT(stats_say("\"deaths\":0"));
	end();
}

RV_TEST(a_result_that_does_not_fit_is_fetched_or_said_to_be_too_big)
{
	const char *said, *at;
	char params[64];

	begin("attach-big",
	    "\"b\": {\"pool\": {\"function\": \"test.bytes\", \"max\": 1}}");
	said = say("pool.submit",
	    "{\"pool\":\"b\",\"items\":[{\"text\":\"600000\"},{\"text\":"
	    "\"500000\"},{\"text\":\"3000000\"}]}");
	CU_ASSERT(has(said, "{\"ok\":false,\"outcome\":\"too_big\",\"bytes\""));
	at = strstr(said, "{\"id\":");
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	snprintf(params, sizeof(params), "{\"ids\":[%lu]}",
	    strtoul(at + strlen("{\"id\":"), NULL, 10));
	said = say("pool.result", params);
	CU_ASSERT(strlen(said) > 500000);
	end();
}

/* Numbers from the client's first one on, each once, in order. */
static void
check_numbers(const char *json, int first)
{
	char words[64];
	const char *at = json;

	for (int i = 0; i < MANY && at != NULL; i++) {
		snprintf(words, sizeof(words), "\"text\":\"%d\"", first + i);
		at = strstr(at, words);
		CU_ASSERT_PTR_NOT_NULL(at);
	}
}

RV_TEST(four_clients_have_each_result_once_while_workers_are_killed)
{
	static char params[CLIENTS][MANY * 24 + 64];
	unsigned kills = 0;
	uint64_t killed = 0;

	begin("attach-kill",
	    "\"e\": {\"pool\": {\"function\": \"test.short_nap\", \"min\": 2, "
	    "\"max\": 2, \"retries\": 100, \"backoff\": \"1ms\"}}");
	for (int i = 0; i < CLIENTS; i++) {
		char *to = params[i];

		to += snprintf(to, 64, "{\"pool\":\"e\",\"items\":[");
		for (int j = 0; j < MANY; j++) {
			to += snprintf(to, 64, "%s{\"text\":\"%d\"}",
			    j > 0 ? "," : "", 1000 * (i + 1) + j);
		}
		snprintf(to, 8, "]}");
		ask(i, "pool.submit", params[i]);
	}
	while (!all_heard(&guest)) {
		struct reeve_unit_info unit = { .size = sizeof(unit) };

		/* One that is not ready yet is the pool's fault, not a task's.
		 */
		if (kills < 10 &&
		    reeve_unit_find(guest.reeve, "e.0", &unit, NULL) ==
			REEVE_OK &&
		    unit.state == REEVE_RUNNING && unit.life != killed) {
			killed = unit.life;
			kill(unit.pid, SIGKILL);
			kills++;
		}
		for (int i = 0; i < 5; i++) {
			turn(&guest);
		}
	}
	CU_ASSERT(kills > 2);
	for (int i = 0; i < CLIENTS; i++) {
		CU_ASSERT_EQUAL(heard[i].status, REEVE_OK);
		CU_ASSERT_PTR_NULL(strstr(heard[i].json, "\"ok\":false"));
		check_numbers(heard[i].json, 1000 * (i + 1));
	}
	CU_ASSERT(!stats_say("\"deaths\":0"));
	CU_ASSERT(stats_say("\"good\":800"));
	end();
}

/* Long enough to be killed in. */
static int
short_nap(const struct reeve_call *call)
{
	(void)poll(NULL, 0, 1);
	return reeve_return(call, call->args, call->args_len);
}
REEVE_FUNCTION("test.short_nap", short_nap);

static void
reload(const char *name, const char *children)
{
	struct reeve_error err = { 0 };

	guest_rewrite(&guest, name, children);
	CU_ASSERT_EQUAL(reeve_reload(guest.reeve, &err), REEVE_OK);
	turn(&guest);
}

RV_TEST(a_reload_resizes_replaces_and_removes)
{
	const char *gate = pool_gate();
	char params[256];

	begin("attach-reload",
	    "\"p\": {\"pool\": {\"function\": \"test.hold\", \"max\": 1}}");
	(void)snprintf(params, sizeof(params),
	    "{\"pool\":\"p\",\"items\":[{\"text\":\"%s\"},{\"text\":\"\"}]}",
	    gate);
	ask(1, "pool.submit", params);
	(void)look(1);
	while (!stats_say("\"running\":1")) {
	}
	reload("attach-reload",
	    "\"p\": {\"pool\": {\"function\": \"test.hold\", "
	    "\"min\": 1, \"max\": 3}}");
	CU_ASSERT(stats_say("\"max\":3"));
	CU_ASSERT(stats_say("\"submitted\":2"));
	/* Another function: what was submitted ends in the old pool. */
	reload("attach-reload",
	    "\"p\": {\"pool\": {\"function\": \"test.echo\", \"max\": 1}}");
	ask(2, "pool.submit",
	    "{\"pool\":\"p\",\"items\":[{\"text\":\"new\"}]}");
	(void)look(2);
	CU_ASSERT(has(say("pool.stats", NULL), "draining"));
	pool_gate_open(gate);
	while (!look(1) || !look(2)) {
		turn(&guest);
	}
	CU_ASSERT(has(heard[1].json, gate));
	CU_ASSERT(has(heard[1].json, "\"text\":\"\""));
	CU_ASSERT(has(heard[2].json, "\"text\":\"new\""));
	CU_ASSERT(stats_say("test.echo"));
	reload("attach-reload", "\"w\": " GUEST_WAITER);
	while (!stats_say("\"pools\":[]")) {
	}
	CU_ASSERT(has(
	    say("pool.submit", "{\"pool\":\"p\",\"items\":[]}"), "no pool"));
	reload("attach-reload", ECHO);
	CU_ASSERT(has(say("pool.submit",
			  "{\"pool\":\"echo\",\"items\":[{\"text\":\"1\"}]}"),
	    "\"text\":\"1\""));
	end();
}

RV_TEST(a_pool_below_a_supervisor_goes_with_it)
{
	begin("attach-below", "\"s\": {\"children\": {" ECHO "}}");
	CU_ASSERT(has(say("pool.submit",
			  "{\"pool\":\"s/echo\",\"items\":[{\"text\":\"1\"}]}"),
	    "\"text\":\"1\""));
	reload("attach-below", "\"w\": " GUEST_WAITER);
	while (!stats_say("\"pools\":[]")) {
	}
	CU_ASSERT_EQUAL(guest.findings, 0);
	end();
}

RV_TEST(an_initializer_that_fails_breaks_the_pool_and_says_so)
{
	const char *said;

	begin("attach-bad",
	    "\"p\": {\"pool\": {\"function\": \"test.echo\", \"max\": 1, "
	    "\"initializer\": \"test.init_bad\", \"args\": \"db\"}}");
	while (!stats_say("\"state\":\"broken\"")) {
	}
	said =
	    say("pool.submit", "{\"pool\":\"p\",\"items\":[{\"text\":\"1\"}]}");
	CU_ASSERT_EQUAL(heard[0].status, REEVE_EBROKEN);
	CU_ASSERT(has(said, "p.0 could not be started: at \"db\""));
	/* Mended by a reload. */
	reload("attach-bad",
	    "\"p\": {\"pool\": {\"function\": \"test.echo\", \"max\": 1}}");
	CU_ASSERT(has(
	    say("pool.submit", "{\"pool\":\"p\",\"items\":[{\"text\":\"1\"}]}"),
	    "\"text\":\"1\""));
	end();
}

RV_TEST(what_cannot_be_attached_is_refused)
{
	struct reeve_pools *other = NULL;
	struct reeve_error err;

	begin("attach-twice", ECHO);
	CU_ASSERT_EQUAL(
	    reeve_pools_attach(&other, guest.reeve, NULL, &err), REEVE_EEXIST);
	CU_ASSERT_EQUAL(
	    reeve_pools_attach(&other, NULL, NULL, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_pools_fd(NULL), -1);
	CU_ASSERT_EQUAL(reeve_pools_dispatch(NULL, &err), REEVE_EINVALID);
	reeve_pools_detach(NULL);
	end();
}

static void *
submit_it(void *arg)
{
	const struct reeve_client_item items[] = { { "a\n", 2, false },
		{ "{\"x\":\n1}", 8, true }, { "\xff\0", 2, false } };
	const struct reeve_client_item wrong_item = { "nope", 4, true };
	char *results = NULL;
	struct reeve_error err;

	if (reeve_client_submit(arg, "echo", &wrong_item, 1, -1, &results,
		&err) != REEVE_EINVALID ||
	    strstr(err.text, "item 0 is no JSON") == NULL ||
	    reeve_client_submit(arg, "none", items, 3, -1, &results, &err) !=
		REEVE_ENOENT ||
	    reeve_client_submit(arg, "echo", items, 3, -1, &results, &err) !=
		REEVE_OK) {
		return NULL;
	}
	return results;
}

static bool
is_over(struct guest *g)
{
	(void)g;
	return over;
}

static void *
submit_and_tell(void *arg)
{
	void *results = submit_it(arg);

	over = true;
	return results;
}

RV_TEST(a_program_submits_by_one_call)
{
	pthread_t thread;
	void *results = NULL;

	begin("attach-call", ECHO);
	over = false;
	CU_ASSERT_EQUAL_FATAL(
	    pthread_create(&thread, NULL, submit_and_tell, clients[0]), 0);
	CU_ASSERT(guest_until(&guest, is_over));
	pthread_join(thread, &results);
	CU_ASSERT_PTR_NOT_NULL_FATAL(results);
	CU_ASSERT(has(results, "[{\"ok\":true,\"text\":\"a\\n\""));
	CU_ASSERT(has(results, "\"text\":\"{\\\"x\\\":1}\""));
	CU_ASSERT(has(results, "\"base64\":\"/wA=\""));
	reeve_free(results);
	end();
}

RV_SUITE(attach, RV_CASE(a_program_submits_by_one_call),
    RV_CASE(items_come_back_in_order_and_as_they_are),
    RV_CASE(what_cannot_be_asked_is_refused_in_words),
    RV_CASE(results_wait_for_who_fetches_them_once),
    RV_CASE(items_are_cancelled_waiting_and_running),
    RV_CASE(what_is_over_max_waiting_is_refused_whole),
    RV_CASE(what_clients_leave_behind_is_cancelled),
    RV_CASE(a_result_that_does_not_fit_is_fetched_or_said_to_be_too_big),
    RV_CASE(four_clients_have_each_result_once_while_workers_are_killed),
    RV_CASE(a_reload_resizes_replaces_and_removes),
    RV_CASE(a_pool_below_a_supervisor_goes_with_it),
    RV_CASE(an_initializer_that_fails_breaks_the_pool_and_says_so),
    RV_CASE(what_cannot_be_attached_is_refused))
