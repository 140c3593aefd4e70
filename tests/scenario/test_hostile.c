/* SPDX-License-Identifier: MIT */
/*
 * Workers that wish their supervisor no good, under a real `reeve run`: they
 * scribble in their pages, send what are none, flood, close all they have,
 * and stand still in the middle of an exception. The supervisor and the other
 * workers go on, restarts are in time, nothing leaks.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/base.h"
#include "lib/harness.h"
#include "lib/live.h"

#define WAIT_MS 20000
#define IN_TIME 5000 /* ms; at once, on a machine that is busy */

#define MODULE(file, name) \
	"\"function\": \"%(fixtures)s/../.libs/" file ".so:" name "\""
#define CALM(path, method)                                                     \
	"\"" path "\": {" MODULE(                                              \
	    "handy", "handy_beat") ", "                                        \
				   "\"start_method\": \"" method               \
				   "\", \"ready\": \"notify\", "               \
				   "\"backoff\": {\"reset_after\": \"1ms\"}, " \
				   "\"heartbeat\": {\"interval\": \"5s\"}}"
#define BAD                                              \
	"\"autostart\": false, \"autorestart\": false, " \
	"\"startretries\": 0, \"ready\": \"notify\", "   \
	"\"environment\": {\"ASAN_OPTIONS\": \"handle_segv=0\"}"
#define CALMS                                                   \
	"\"children\": {" CALM("calm.spawn", "spawn") "," CALM( \
	    "calm.fork", "fork") "," CALM("calm.server", "forkserver") ","

/* The supervisor and the two beside it. */
enum { SUPERVISOR, LAUNCHER, CLERK, N_OF_US };

/*
 * Of the next life there may be something already, or not yet: the launcher's
 * socket and two pipes, and three of a process that is forked ahead.
 */
#define AHEAD (5 + 3)

struct hostile {
	struct live live;
	unsigned fds[N_OF_US];
	unsigned kills; /* of calm workers, by us */
};

static void
begin(struct hostile *h, const char *members)
{
	*h = (struct hostile){ 0 };
	live_begin(&h->live, members);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT(live_saw(&h->live, "worker.ready", NULL));
	}
}

static void
start(struct hostile *h, const char *path)
{
	char params[96];

	snprintf(params, sizeof(params),
	    "{\"names\": [\"%s\"], \"no_wait\": true}", path);
	json_decref(live_call(&h->live, "start", params));
}

/* It runs, and ends. */
static void
attack(struct hostile *h, const char *path)
{
	start(h, path);
	CU_ASSERT(live_saw(&h->live, "worker.exited", path));
}

static int64_t
when(struct hostile *h, const char *kind, const char *path)
{
	json_t *event = live_event(&h->live, kind, path, WAIT_MS);
	int64_t at = json_integer_value(json_object_get(event, "at"));

	CU_ASSERT_PTR_NOT_NULL(event);
	json_decref(event);
	return at;
}

/* Others still have what they need: one that dies is there again at once. */
static void
others_go_on(struct hostile *h)
{
	static const char *const calm[] = { "calm.spawn", "calm.fork",
		"calm.server" };

	for (size_t i = 0; i < RV_ARRAY_LEN(calm); i++) {
		int64_t ended, starting;

		kill(live_pid(&h->live, calm[i]), SIGKILL);
		h->kills++;
		ended = when(h, "worker.exited", calm[i]);
		starting = when(h, "worker.starting", calm[i]);
		CU_ASSERT(starting - ended <
			  (int64_t)IN_TIME * 1000 * rv_test_slow());
		CU_ASSERT(live_saw(&h->live, "worker.ready", calm[i]));
	}
}

static void
count(struct hostile *h, unsigned fds[N_OF_US])
{
	json_decref(live_call(&h->live, "sync", NULL));
	fds[SUPERVISOR] = rv_test_fds(h->live.pid);
	fds[LAUNCHER] = rv_test_fds((pid_t)live_info(&h->live, "launcher_pid"));
	fds[CLERK] = rv_test_fds((pid_t)live_info(&h->live, "clerk_pid"));
}

static bool
has_no_more(void *ctx)
{
	struct hostile *h = ctx;
	unsigned fds[N_OF_US];

	count(h, fds);
	for (size_t i = 0; i < N_OF_US; i++) {
		if (fds[i] == 0 || fds[i] > h->fds[i] + AHEAD) {
			return false;
		}
	}
	return true;
}

static void
nothing_leaked(struct hostile *h)
{
	if (!rv_test_wait(has_no_more, h, -1, WAIT_MS)) {
		unsigned fds[N_OF_US];

		count(h, fds);
		printf("# descriptors: %u %u %u, now %u %u %u\n", h->fds[0],
		    h->fds[1], h->fds[2], fds[0], fds[1], fds[2]);
		CU_FAIL("descriptors are left open");
	}
}

/* The calm ones have ended by our hands alone. */
static void
end(struct hostile *h)
{
	char sql[128];

	snprintf(sql, sizeof(sql),
	    "SELECT count(*) - %u FROM lives WHERE path LIKE 'calm%%' AND "
	    "run_id = (SELECT id FROM runs ORDER BY started_at DESC LIMIT 1)",
	    3 + h->kills);
	CU_ASSERT_EQUAL(live_number(&h->live, sql), 0);
	CU_ASSERT_EQUAL(
	    live_number(&h->live, "SELECT count(*) FROM events WHERE kind IN "
				  "('worker.unresponsive', 'worker.fatal', "
				  "'launcher.lost', 'clerk.lost')"),
	    0);
	live_end(&h->live);
}

/* One of the first round makes what is kept from then on. */
static void
rounds(struct hostile *h, const char *const *paths, size_t n, unsigned times)
{
	for (unsigned round = 0; round < times; round++) {
		for (size_t i = 0; i < n; i++) {
			attack(h, paths[i]);
		}
		others_go_on(h);
		if (round == 0) {
			count(h, h->fds);
		}
	}
	nothing_leaked(h);
}

RV_TEST(a_page_full_of_noise_hurts_nobody)
{
	/* A handler that waits for a first one, which never was, takes 4 s. */
	static const char *const paths[] = { "s.1", "s.22" };
	struct hostile h;
	char members[8192];
	size_t at = (size_t)snprintf(members, sizeof(members), "%s", CALMS);

	for (size_t i = 0; i < RV_ARRAY_LEN(paths); i++) {
		at += (size_t)snprintf(members + at, sizeof(members) - at,
		    "%s\"%s\": {%s, %s, \"args\": %s}", i > 0 ? "," : "",
		    paths[i], BAD, MODULE("hostile", "hostile_scribble"),
		    paths[i] + 2);
	}
	snprintf(members + at, sizeof(members) - at, "}");
	begin(&h, members);
	rounds(&h, paths, RV_ARRAY_LEN(paths), 2);
	/* Whatever they said can be shown. */
	for (size_t i = 0; i < RV_ARRAY_LEN(paths); i++) {
		char *out, ask[32];

		snprintf(ask, sizeof(ask), "why --json %s", paths[i]);
		CU_ASSERT_EQUAL(live_reeve(&h.live, &out, ask), 0);
		rv_free(out);
	}
	end(&h);
}

#define FORGER(path, words)   \
	"\"" path "\": {" BAD \
	", \"command\": [\"%(fixtures)s/forger\", " words "]}"
#define FORGED(kind)                                                      \
	FORGER(kind, "\"page\", \"" kind "\", \"good\", \"afterwards\", " \
		     "\"ready\", \"exit\", \"0\"")

RV_TEST(what_is_no_page_is_refused_and_the_right_one_still_taken)
{
	static const char *const kinds[] = { "small", "large", "none",
		"unsealed", "half", "file", "folder", "pipe", "nothing" };
	struct hostile h;
	char sql[128];

	begin(&h,
	    CALMS FORGED("small") "," FORGED("large") "," FORGED("none") "," FORGED("unsealed") "," FORGED(
		"half") "," FORGED("file") "," FORGED("folder") "," FORGED("pip"
									   "e") "," FORGED("nothing") "}");
	rounds(&h, kinds, RV_ARRAY_LEN(kinds), 3);
	for (size_t i = 0; i < RV_ARRAY_LEN(kinds); i++) {
		snprintf(sql, sizeof(sql),
		    "SELECT count(*) FROM events WHERE path = '%s' AND kind = "
		    "'protocol.violation'",
		    kinds[i]);
		if (live_number(&h.live, sql) != 3) {
			printf("# %s: %s\n", kinds[i], live_text(&h.live, sql));
			CU_FAIL("it was not said once a life");
		}
		snprintf(sql, sizeof(sql),
		    "SELECT count(*) FROM lives WHERE path = '%s' AND "
		    "exit_code = 0 AND ready_at IS NOT NULL",
		    kinds[i]);
		CU_ASSERT_EQUAL(live_number(&h.live, sql), 3);
	}
	end(&h);
}

static bool
has_slot(struct hostile *h, const char *path, const char *text)
{
	json_t *unit = live_status(&h->live, path);
	const char *slot = json_string_value(json_object_get(unit, "slot"));
	bool so = slot != NULL && strcmp(slot, text) == 0;

	json_decref(unit);
	return so;
}

RV_TEST(a_page_is_of_one_life_and_its_last_one_counts)
{
	static const char *const paths[] = { "twice", "other" };
	struct hostile h;
	char members[8192], to[512];
	json_t *info;

	/* The socket of the first life of all, whoever that is. */
	live_open(&h.live);
	live_config(&h.live, CALMS "\"x\": {\"command\": \"true\"}}");
	CU_ASSERT_FATAL(live_run(&h.live));
	info = live_call(&h.live, "info", NULL);
	snprintf(to, sizeof(to), "%s.pub/notify/1",
	    json_string_value(json_object_get(info, "runtime_dir")));
	json_decref(info);
	live_end(&h.live);

	snprintf(members, sizeof(members), "%s%s,%s%s%s}", CALMS,
	    FORGER("twice",
		"\"good\", \"first\", \"again\", \"good\", \"second\", "
		"\"ready\", \"shrink\", \"wait\""),
	    "\"other\": {" BAD ", \"command\": [\"%(fixtures)s/forger\", "
	    "\"ready\", \"to\", \"",
	    to,
	    "\", \"good\", \"mine\", \"flood\", \"200\", \"exit\", \"0\"]}");
	begin(&h, members);
	for (unsigned round = 0; round < 3; round++) {
		start(&h, "twice");
		CU_ASSERT(live_saw(&h.live, "worker.ready", "twice"));
		kill(live_pid(&h.live, "twice"), SIGKILL);
		CU_ASSERT(live_saw(&h.live, "worker.exited", "twice"));
		attack(&h, paths[1]);
		others_go_on(&h);
		if (round == 0) {
			count(&h, h.fds);
		}
	}
	nothing_leaked(&h);
	CU_ASSERT(!has_slot(&h, "calm.spawn", "mine"));
	end(&h);
}

RV_TEST(a_flood_with_descriptors_leaves_none)
{
	static const char *const paths[] = { "flood" };
	struct hostile h;

	begin(&h, CALMS FORGER("flood", "\"good\", \"x\", \"ready\", "
					"\"flood\", \"3000\", \"exit\", "
					"\"0\"") "}");
	rounds(&h, paths, 1, 3);
	end(&h);
}

RV_TEST(what_closes_all_it_has_still_tells_of_its_crash)
{
	static const char *const paths[] = { "c.spawn", "c.fork", "c.server" };
	struct hostile h;

	begin(&h, CALMS
	    "\"c.spawn\": {" BAD
	    ", \"start_method\": \"spawn\", " MODULE("hostile",
		"hostile_close") "},"
				 "\"c.fork\": {" BAD
				 ", \"start_method\": \"fork\", " MODULE(
				     "hostile",
				     "hostile_close") "},"
						      "\"c.server\": {" BAD
						      ", " MODULE("hostile",
							  "hostile_close") "} "
									   "}");
	rounds(&h, paths, RV_ARRAY_LEN(paths), 3);
	CU_ASSERT_EQUAL(
	    live_number(&h.live,
		"SELECT count(*) FROM exceptions e JOIN lives l ON l.id = "
		"e.life_id WHERE e.type = 'SIGSEGV' AND l.signal = 11 AND "
		"l.end_reason = 'signaled' AND backtrace LIKE "
		"'%hostile.so%'"),
	    9);
	end(&h);
}

static char
state_of(pid_t pid)
{
	char path[64], state = '?';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (file != NULL) {
		if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) {
			state = '?';
		}
		fclose(file);
	}
	return state;
}

static bool
stands_still(void *ctx)
{
	struct hostile *h = ctx;

	return state_of(live_pid(&h->live, "halt")) == 'T';
}

RV_TEST(what_stands_still_in_the_middle_of_an_exception_is_killed)
{
	struct hostile h;

	begin(&h, CALMS "\"halt\": {" BAD
			", " MODULE("hostile", "hostile_halt") "} }");
	for (unsigned round = 0; round < 3; round++) {
		start(&h, "halt");
		CU_ASSERT(live_saw(&h.live, "worker.ready", "halt"));
		CU_ASSERT_FATAL(rv_test_wait(stands_still, &h, -1, WAIT_MS));
		others_go_on(&h);
		kill(live_pid(&h.live, "halt"), SIGKILL);
		CU_ASSERT(live_saw(&h.live, "worker.exited", "halt"));
		if (round == 0) {
			count(&h, h.fds);
		}
	}
	nothing_leaked(&h);
	/* What was told counts. */
	CU_ASSERT_EQUAL(
	    live_number(&h.live,
		"SELECT count(*) FROM exceptions e JOIN lives l ON l.id = "
		"e.life_id WHERE e.type = 'half.Told' AND e.message = 'and no "
		"more' AND l.signal = 9"),
	    3);
	end(&h);
}

RV_SUITE(hostile, RV_CASE(a_page_full_of_noise_hurts_nobody),
    RV_CASE(what_is_no_page_is_refused_and_the_right_one_still_taken),
    RV_CASE(a_page_is_of_one_life_and_its_last_one_counts),
    RV_CASE(a_flood_with_descriptors_leaves_none),
    RV_CASE(what_closes_all_it_has_still_tells_of_its_crash),
    RV_CASE(what_stands_still_in_the_middle_of_an_exception_is_killed))
