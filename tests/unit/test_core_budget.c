/* SPDX-License-Identifier: MIT */
/*
 * Budgets: backoff delays, the window of a supervisor, giving up, escalation
 * and what each of them must not count.
 */
#include "config.h"

#include "lib/harness.h"
#include "lib/rig.h"

#define PLAY(tree, ...) CU_ASSERT(rig_play(tree, __VA_ARGS__))

RV_TEST(backoff_begins_at_initial_then_doubles_until_its_limit)
{
	static const struct rv_backoff b = { 50 * RV_MS, 100 * RV_MS,
		1500 * RV_MS, 2000, 0, RV_MINUTE };
	static const rv_time expected[] = { 50, 100, 200, 400, 800, 1500,
		1500 };

	for (uint32_t i = 0; i < RV_ARRAY_LEN(expected); i++) {
		CU_ASSERT_EQUAL(
		    rv_backoff_delay(&b, i, 0), expected[i] * RV_MS);
	}
	CU_ASSERT_EQUAL(rv_backoff_delay(&b, UINT32_MAX, 0), 1500 * RV_MS);
}

RV_TEST(backoff_bears_extreme_numbers)
{
	struct rv_backoff b = { 0, 1, RV_FOREVER, 1500, 1000, 0 };

	CU_ASSERT_EQUAL(rv_backoff_delay(&b, 0, 65535), 0);
	CU_ASSERT_EQUAL(rv_backoff_delay(&b, 1, 65535), 1);
	CU_ASSERT(rv_backoff_delay(&b, 1000000, 65535) > 0);
	b.min = RV_HOUR;
	CU_ASSERT_EQUAL(rv_backoff_delay(&b, 1000000, 65535), RV_FOREVER);
	b.factor_milli = 1000;
	CU_ASSERT_EQUAL(rv_backoff_delay(&b, UINT32_MAX, 0), RV_HOUR);
	b.factor_milli = UINT32_MAX;
	b.max = RV_DAY;
	CU_ASSERT_EQUAL(rv_backoff_delay(&b, 9, 0), RV_DAY);
	b.max = RV_MS; /* less than min */
	CU_ASSERT_EQUAL(rv_backoff_delay(&b, 3, 0), RV_MS);
}

RV_TEST(jitter_lengthens_a_delay_by_its_share)
{
	static const struct rv_backoff b = { 0, 1000 * RV_MS, RV_MINUTE, 2000,
		100, RV_MINUTE };
	rv_time most = rv_backoff_delay(&b, 1, 65535);

	CU_ASSERT_EQUAL(rv_backoff_delay(&b, 1, 32768), 1050 * RV_MS);
	CU_ASSERT(most > 1099 * RV_MS && most <= 1100 * RV_MS);
}

RV_TEST(restarts_are_delayed_more_and_more_until_health_resets_that)
{
	PLAY("r{a}",
	    "boot; up a; pass 1000; forget; exit a 1 => launch a\n"
	    "up a; exit a 1 => -\narmed arm a state 100; unsettled 0\n"
	    "said worker.backoff a delay_ms=100 attempt=3 cause=a\n"
	    "showed a BACKOFF wanted\n"
	    "pass 100 => launch a\nsaid worker.starting a attempt=3\n"
	    "up a; exit a 1; armed arm a state 200; pass 200; up a\n"
	    "pass 29999; exit a 1; armed arm a state 400; pass 400; up a\n"
	    "said worker.backoff a delay_ms=400 attempt=5\n"
	    "pass 30000; forget; exit a 1 => launch a\n"
	    "said worker.starting a attempt=2");
	PLAY("r{a(b=50:100:150:1000,jitter=1000)}",
	    "jitter 65536; boot; up a; exit a 1; armed arm a state 50\n"
	    "pass 50; jitter 32768; up a; exit a 1; armed arm a state 150\n"
	    "pass 150; up a; exit a 1; armed arm a state 225");
	/* a life that was never ready is not health */
	PLAY("r{a(timeout=never)}",
	    "boot; exists a; exit a 1; exists a; pass 90000; exit a 1\n"
	    "armed arm a state 100");
}

RV_TEST(health_ends_a_row_of_failures_whatever_ends_the_life)
{
	/* a was healthy, and goes down for b's sake */
	PLAY("r(1fa){a b}",
	    "boot; settle; exit a 1; down; settle; exit a 1; down; pass 100\n"
	    "settle; pass 30000; forget; exit b 1; down\n"
	    "said worker.starting a attempt=1");
	/* and here it was not */
	PLAY("r(1fa){a b}",
	    "boot; settle; exit a 1; down; settle; exit a 1; down; pass 100\n"
	    "settle; pass 29999; forget; exit b 1; down\n"
	    "said worker.starting a attempt=3");
}

RV_TEST(intensity_n_survives_n_restarts_in_the_window) /* 31 */
{
	PLAY("r(2/3600){a b}",
	    "boot; up a; up b; exit a 1; up a; exit b 1; up b; forget\n"
	    "exit a 1 => TERM b\n"
	    "said supervisor.gave_up r cause=a reason=intensity count=3 "
	    "period_ms=3600000\n"
	    "said worker.exited a decision=escalate; is a STOPPED\n"
	    "is r STOPPING; said worker.stopping b why=parent\n"
	    "down => finished gave up\n"
	    "is r FATAL, a STOPPED, b STOPPED; said supervisor.stopped r "
	    "reason=gave");
}

RV_TEST(intensity_zero_gives_up_at_the_first_failure) /* 33 */
{
	PLAY("r(0/1){a}", "boot; up a; forget; exit a 1 => finished gave up\n"
			  "said supervisor.gave_up r count=1 period_ms=1000");
}

RV_TEST(a_stamp_exactly_one_period_old_still_counts) /* 34 */
{
	PLAY("r(1/10){a(b=0:0:0:0)}",
	    "boot; up a; exit a 1; up a; pass 10000; forget\n"
	    "exit a 1 => finished gave up");
	PLAY("r(1/10){a(b=0:0:0:0)}",
	    "boot; up a; exit a 1; up a; pass 10000.000001; forget\n"
	    "exit a 1 => launch a\n"
	    "up a; pass 9999; exit a 1 => finished gave up");
}

RV_TEST(an_unlimited_window_never_ends)
{
	PLAY("r{a(b=0:0:0:0)}",
	    "boot; up a; exit a 1; up a; exit a 1; up a; exit a 1; up a\n"
	    "exit a 1; up a; exit a 1; up a; exit a 1; is a STARTING");
}

RV_TEST(commands_feed_no_budget) /* 37 */
{
	struct rig *rig = rig_open_up("r(0/3600){a(retries=0)}");

	for (unsigned i = 0; i < 10; i++) {
		rig_do(rig, "a", i % 2 ? RV_EV_RESTART : RV_EV_STOP);
		rig_settle_down(rig);
		rig_do(rig, "a", RV_EV_START);
		rig_settle_up(rig);
	}
	CU_ASSERT(rig_is(rig, "a RUNNING, r RUNNING"));
	CU_ASSERT_EQUAL(rig_unit(rig, "r")->n_stamps, 0);
	rig_close(rig);
}

RV_TEST(time_never_goes_back_for_the_window) /* 38 */
{
	struct rig *rig = rig_open_up("r(1/10){a(b=0:0:0:0)}");
	struct rv_event early = { .type = RV_EV_DIED, .now = RV_MS };

	rig_pass(rig, RV_MINUTE);
	rig_do(rig, "a", RV_EV_BEAT);
	rig_post(rig, "a", early);
	rig_up(rig, "a");
	CU_ASSERT_EQUAL(rig_unit(rig, "a")->started_at, rig->now);
	rig_exit(rig, "a", 1);
	CU_ASSERT(rig->finished && rig->gave_up);
	rig_close(rig);
}

RV_TEST(new_numbers_judge_old_stamps) /* 39 */
{
	PLAY("r(1/3600){a(b=0:0:0:0)}",
	    "boot; up a; exit a 1; up a; replace r 2/3600; exit a 1; up a\n"
	    "forget; exit a 1 => finished gave up");
	PLAY("r(9/3600){a(b=0:0:0:0)}",
	    "boot; up a; exit a 1; up a; exit a 1; up a; replace r 2/3600\n"
	    "forget; exit a 1 => finished gave up");
	PLAY("r(1/10){a(b=0:0:0:0)}",
	    "boot; up a; exit a 1; up a; pass 11000; replace r 1/60\n"
	    "forget; exit a 1 => finished gave up");
	PLAY("r{a(b=0:0:0:0)}", /* from unlimited: they were kept */
	    "boot; up a; exit a 1; up a; replace r 1/60; forget\n"
	    "exit a 1 => finished gave up");
}

RV_TEST(stamps_move_to_a_larger_room)
{
	struct rig *rig = rig_open_up("r(16/3600){a(b=0:0:0:0)}");

	for (unsigned i = 0; i < 16; i++) {
		rig_exit(rig, "a", 1);
		rig_up(rig, "a");
		rig_pass(rig, RV_SEC);
	}
	rig_replace(rig, "r", "40/3600", false);
	CU_ASSERT_PTR_NOT_NULL(rig_find(rig, "r")->room);
	CU_ASSERT_EQUAL(rig_unit(rig, "r")->n_stamps, 16);
	for (unsigned i = 16; i < 40; i++) {
		rig_exit(rig, "a", 1);
		rig_up(rig, "a");
	}
	CU_ASSERT(rig_is(rig, "r RUNNING"));
	rig_exit(rig, "a", 1);
	CU_ASSERT(rig->finished);
	rig_close(rig);
}

RV_TEST(a_window_without_room_counts_what_it_can)
{
	struct rig *rig = rig_open_up("r(16/3600){a(b=0:0:0:0)}");
	struct rv_policy larger = *rig_unit(rig, "r")->policy;

	larger.intensity = 1000;
	CU_ASSERT_FALSE(rv_unit_fits(rig_unit(rig, "r"), &larger, 0));
	rig_post(rig, "r",
	    (struct rv_event){ .type = RV_EV_REPLACE, .policy = &larger });
	for (unsigned i = 0; i < 16; i++) {
		rig_exit(rig, "a", 1);
		rig_up(rig, "a");
	}
	CU_ASSERT_FALSE(rig->finished);
	rig_exit(rig, "a", 1);
	CU_ASSERT(rig->finished);
	rig_close(rig);
}

RV_TEST(a_supervisor_that_gave_up_is_restarted_by_its_parent) /* 53, 54 */
{
	PLAY("r(1/3600){s(1/3600){a b} c}",
	    "boot; settle; exit a 1; up a; forget; exit a 1 => TERM b\n"
	    "is s STOPPING, r RUNNING; sig b 15 => launch a, launch b\n"
	    "said supervisor.stopped s reason=gave; restarts s 1\n"
	    "is s STARTING, c RUNNING; settle; is s RUNNING; restarts s 1\n"
	    /* its own window is fresh */
	    "exit a 1; up a; forget; exit a 1; down => TERM b, TERM c, "
	    "finished gave up\n"
	    "said supervisor.gave_up r cause=s count=2");
}

RV_TEST(a_transient_supervisor_that_gave_up_is_restarted_too) /* 55 */
{
	PLAY("r{s(0/10,T){a}}",
	    "boot; up a; forget; exit a 1 => launch a\nis s STARTING");
}

RV_TEST(a_temporary_supervisor_that_gave_up_stays_down)
{
	PLAY("r{s(0/10,t){a} b}",
	    "boot; settle; forget; exit a 1 => -\n"
	    "is s FATAL, r RUNNING, b RUNNING; showed s FATAL\n"
	    "start s => launch a\nis s STARTING");
}

RV_TEST(a_supervisor_is_delayed_like_a_worker)
{
	PLAY("r{s(0/10,b=0:100:30000:1000){a}}",
	    "boot; up a; exit a 1; up a; forget; exit a 1 => -\n"
	    "is s BACKOFF, r RUNNING; armed arm s state 100\n"
	    "said worker.backoff s delay_ms=100 cause=s; unsettled 0\n"
	    "timer s state; is s BACKOFF; pass 100 => launch a\n"
	    "up a; pass 1000; forget; exit a 1 => launch a");
	PLAY("r{s(0/10){a}}", /* cut short by an operator */
	    "boot; up a; exit a 1; up a; exit a 1; is s BACKOFF; forget\n"
	    "start s => launch a\narmed disarm s state");
	PLAY("r{s(0/10){a}}",
	    "boot; up a; exit a 1; up a; exit a 1; is s BACKOFF; forget\n"
	    "stop s => -\nis s STOPPED; armed disarm s state; pass 9000 => -");
}

RV_TEST(intensities_multiply_over_levels) /* 59 */
{
	struct rig *rig =
	    rig_open("r(2/3600){s(3/3600,b=0:0:0:0){a(b=0:0:0:0)}}");

	rig_boot(rig);
	while (!rig->finished) {
		rig_up(rig, "a");
		rig_exit(rig, "a", 1);
	}
	CU_ASSERT(rig->gave_up);
	CU_ASSERT_EQUAL(rig_find(rig, "a")->launches, 12);
	rig_close(rig);
}

RV_TEST(a_fatal_child_escalates_when_told_to)
{
	PLAY("r{a(retries=0,esc) b}",
	    "boot; exists a; up b; forget; exit a 1 => TERM b\n"
	    "is a FATAL, r STOPPING; said worker.fatal a on_fatal=escalate\n"
	    "said worker.exited a decision=escalate\n"
	    "said supervisor.gave_up r cause=a reason=fatal; silent count=0\n"
	    "down => finished gave up");
	PLAY("r{a(retries=0) b}",
	    "boot; exists a; up b; forget; exit a 1 => -\n"
	    "is a FATAL, r STARTING");
	PLAY("r{s{a(retries=0,esc)}}", /* afresh under a new supervisor */
	    "boot; exists a; forget; exit a 1 => launch a\nfailures a 0");
}

RV_TEST(ten_years_of_restarts_are_counted_right)
{
	struct rig *rig = rig_open_up("r(5/60){a}");
	unsigned long seed = 1, n = 0;

	while (rig->now < 3650 * RV_DAY) {
		seed = seed * 6364136223846793005UL + 1442695040888963407UL;
		rig_pass(rig, RV_HOUR + (rv_time)(seed >> 40) * RV_SEC / 64);
		rig_exit(rig, "a", 1);
		rig_up(rig, "a");
		n++;
		rig_forget(rig);
	}
	CU_ASSERT(n > 1000);
	CU_ASSERT_EQUAL(rig_unit(rig, "a")->restarts, n);
	CU_ASSERT(rig_is(rig, "r RUNNING"));
	rig_close(rig);
}

RV_SUITE(core_budget,
    RV_CASE(backoff_begins_at_initial_then_doubles_until_its_limit),
    RV_CASE(backoff_bears_extreme_numbers),
    RV_CASE(jitter_lengthens_a_delay_by_its_share),
    RV_CASE(restarts_are_delayed_more_and_more_until_health_resets_that),
    RV_CASE(health_ends_a_row_of_failures_whatever_ends_the_life),
    RV_CASE(intensity_n_survives_n_restarts_in_the_window),
    RV_CASE(intensity_zero_gives_up_at_the_first_failure),
    RV_CASE(a_stamp_exactly_one_period_old_still_counts),
    RV_CASE(an_unlimited_window_never_ends), RV_CASE(commands_feed_no_budget),
    RV_CASE(time_never_goes_back_for_the_window),
    RV_CASE(new_numbers_judge_old_stamps),
    RV_CASE(stamps_move_to_a_larger_room),
    RV_CASE(a_window_without_room_counts_what_it_can),
    RV_CASE(a_supervisor_that_gave_up_is_restarted_by_its_parent),
    RV_CASE(a_transient_supervisor_that_gave_up_is_restarted_too),
    RV_CASE(a_temporary_supervisor_that_gave_up_stays_down),
    RV_CASE(a_supervisor_is_delayed_like_a_worker),
    RV_CASE(intensities_multiply_over_levels),
    RV_CASE(a_fatal_child_escalates_when_told_to),
    RV_CASE(ten_years_of_restarts_are_counted_right))
