/* SPDX-License-Identifier: MIT */
/*
 * Workers that link the library of workers, under a real `reeve run`: what they
 * leave in their pages comes into the log and the status.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/harness.h"
#include "lib/live.h"

#define SPEAKER(words, more)                                                \
	"\"children\": { \"web\": { \"command\": "                          \
	"[\"%(fixtures)s/speaker\", " words "], \"ready\": \"notify\"" more \
	" } }"
#define BEATS ", \"heartbeat\": { \"interval\": \"600ms\", \"misses\": 2 }"

static bool
says(struct live *live, const char *sql, const char *words)
{
	const char *text = live_text(live, sql);

	if (strstr(text, words) == NULL) {
		fprintf(stderr, "# %s\n# not in: %s\n", words, text);
		return false;
	}
	return true;
}

#define DETAIL(kind)                                                           \
	"SELECT detail FROM events WHERE kind = '" kind "' ORDER BY id LIMIT " \
	"1"

RV_TEST(who_beats_in_its_page_lives_until_it_stops_beating)
{
	struct live live;
	json_t *event;
	int64_t uptime;

	live_begin(
	    &live, SPEAKER("\"ready\", \"beat\", \"2000\", \"wait\"", BEATS));
	CU_ASSERT(live_saw(&live, "worker.ready", "web"));
	CU_ASSERT(live_saw(&live, "worker.unresponsive", "web"));
	event = live_event(&live, "worker.exited", "web", 20000);
	uptime = json_integer_value(
	    json_object_get(json_object_get(event, "detail"), "uptime_ms"));
	CU_ASSERT(uptime >= 2000);
	json_decref(event);
	CU_ASSERT(live_saw(&live, "worker.ready", "web"));
	live_end(&live);
}

RV_TEST(a_slot_is_shown_by_status)
{
	struct live live;
	json_t *unit;

	live_begin(
	    &live, SPEAKER("\"slot\", \"3 busy\", \"ready\", \"wait\"", ""));
	CU_ASSERT(live_saw(&live, "worker.ready", "web"));
	unit = live_status(&live, "web");
	CU_ASSERT_PTR_NOT_NULL_FATAL(json_object_get(unit, "slot"));
	CU_ASSERT_STRING_EQUAL(
	    json_string_value(json_object_get(unit, "slot")), "3 busy");
	json_decref(unit);
	live_end(&live);
}

RV_TEST(what_is_raised_is_recorded_and_is_the_reason_of_the_end)
{
	struct live live;

	live_begin(
	    &live, SPEAKER("\"ready\", \"reason\", \"no database\", \"raise\", "
			   "\"db.Timeout\", \"no answer\"",
		       ", \"autorestart\": false"));
	CU_ASSERT(live_saw(&live, "worker.exception", "web"));
	CU_ASSERT(live_saw(&live, "worker.exited", "web"));
	CU_ASSERT_STRING_EQUAL(
	    live_text(&live, "SELECT end_reason FROM lives"), "exception");
	CU_ASSERT(says(&live, DETAIL("worker.exception"), "db.Timeout"));
	CU_ASSERT(says(&live, DETAIL("worker.exception"), "backtrace"));
	CU_ASSERT(says(&live, DETAIL("worker.exited"), "no database"));
	live_end(&live);
}

RV_TEST(what_is_reported_is_recorded_while_the_worker_goes_on)
{
	struct live live;

	live_begin(&live, SPEAKER("\"ready\", \"report\", \"cache.Cold\", "
				  "\"empty\", \"wait\"",
			      ""));
	CU_ASSERT(live_saw(&live, "worker.exception", "web"));
	CU_ASSERT(live_is(&live, "web", "RUNNING"));
	CU_ASSERT(says(&live, DETAIL("worker.exception"), "reported"));
	live_end(&live);
}

RV_TEST(a_crash_leaves_its_frames_and_keeps_its_signal)
{
	struct live live;

	/* A sanitizer that it may be built with lets it crash. */
	live_begin(&live, SPEAKER("\"ready\", \"crash\"",
			      ", \"autorestart\": false, \"environment\": "
			      "{\"ASAN_OPTIONS\": \"handle_segv=0\"}"));
	CU_ASSERT(live_saw(&live, "worker.exception", "web"));
	CU_ASSERT(live_saw(&live, "worker.exited", "web"));
	CU_ASSERT_EQUAL(
	    live_number(&live, "SELECT signal FROM lives"), SIGSEGV);
	CU_ASSERT(says(&live, DETAIL("worker.exception"), "0x10"));
	CU_ASSERT(says(&live, DETAIL("worker.exception"), "speaker"));
	CU_ASSERT(says(&live, DETAIL("worker.exception"), "registers"));
	live_end(&live);
}

RV_SUITE(speaker, RV_CASE(who_beats_in_its_page_lives_until_it_stops_beating),
    RV_CASE(a_slot_is_shown_by_status),
    RV_CASE(what_is_raised_is_recorded_and_is_the_reason_of_the_end),
    RV_CASE(what_is_reported_is_recorded_while_the_worker_goes_on),
    RV_CASE(a_crash_leaves_its_frames_and_keeps_its_signal))
