/* SPDX-License-Identifier: MIT */
/*
 * The life of one worker without stops and heartbeats: starting, readiness,
 * ends, and the facts that must change nothing. Numbers in comments are those
 * of the scenarios in the reference on supervision.
 */
#include "config.h"

#include <errno.h>

#include "lib/harness.h"
#include "lib/rig.h"

#define PLAY(tree, ...) CU_ASSERT(rig_play(tree, __VA_ARGS__))

RV_TEST(an_empty_tree_is_ready_at_once_and_ends_when_told) /* 1 */
{
	PLAY("r{}",
	    "boot => -\n"
	    "is r RUNNING; said supervisor.ready r; showed r RUNNING ready\n"
	    "shutdown => finished\n"
	    "is r STOPPED; said supervisor.stopped r reason=asked");
}

RV_TEST(a_worker_starts_and_becomes_ready)
{
	PLAY("r{a}",
	    "boot => launch a\n"
	    "is a STARTING, r STARTING; unsettled 1\n"
	    "said worker.starting a attempt=1\n"
	    "showed a STARTING wanted; showed r STARTING wanted\n"
	    "exists a => -\n"
	    "said worker.started a; armed arm a state 60000\n"
	    "is a STARTING; pass 250; ready a => -\n"
	    "is a RUNNING, r RUNNING; said worker.ready a after_ms=250\n"
	    "said supervisor.ready r; showed r RUNNING ready wanted\n"
	    "showed a RUNNING ready wanted; unsettled 0\n"
	    "armed disarm a state; restarts a 0");
}

RV_TEST(startsecs_make_ready_and_zero_does_so_at_once)
{
	PLAY("r{a(secs=500)}",
	    "boot; exists a; armed arm a state 500; ready a; is a STARTING\n"
	    "extend a 9000; pass 499; is a STARTING; pass 1; is a RUNNING\n"
	    "said worker.ready a after_ms=500");
	PLAY("r{a(secs=0)}", "boot; exists a; is a RUNNING, r RUNNING\n"
			     "said worker.ready a after_ms=0");
}

RV_TEST(a_permanent_worker_is_restarted_whatever_its_end) /* 22, 23 */
{
	PLAY("r{a}",
	    "boot; up a; forget; exit a 0 => launch a\n"
	    "said worker.exited a reason=exited exit_code=0 decision=restart "
	    "uptime_ms=0; is a STARTING; restarts a 0; up a; restarts a 1\n"
	    "pass 40000; forget; sig a 15 => launch a\n"
	    "said worker.exited a reason=signaled signal=15 core_dumped=0 "
	    "decision=restart uptime_ms=40000\n"
	    "up a; restarts a 2; pass 40000; unknown a => launch a\n"
	    "said worker.exited a reason=unknown decision=restart");
}

RV_TEST(a_transient_worker_is_restarted_after_an_unexpected_end) /* 25, 27 */
{
	PLAY("r{a(T)}",
	    "boot; up a; forget; exit a 0 => -\n"
	    "is a EXITED, r RUNNING; said worker.exited a decision=stay\n"
	    "showed a EXITED\n"
	    "reason a exited; start a => launch a\n" /* 26 */
	    "up a; exit a 3 => launch a\n"
	    "up a; pass 40000; sig a 11 => launch a\n"
	    "up a; pass 40000; unknown a => launch a\n"
	    "reason a unknown");
	PLAY("r{a(T,noexit)}", "boot; up a; forget; exit a 0 => launch a");
}

RV_TEST(a_temporary_worker_is_never_retried)
{
	PLAY("r{a(t)}", "boot; up a; forget; exit a 3 => -\nis a EXITED");
	PLAY("r{a(t)}", "boot; exists a; forget; exit a 3 => -\nis a EXITED");
	PLAY("r{a(t)}", "boot; exists a; forget; fails a 2 => -\n"
			"is a EXITED; said worker.exited a decision=stay\n"
			"silent worker.backoff");
	PLAY("r{a(t)}",
	    "boot; up a; forget; lost a => -\n"
	    "is a EXITED; reason a lost; said worker.exited a decision=stay");
	PLAY("r{a(t,timeout=100)}",
	    "boot; exists a; forget; pass 100 => TERM a\n"
	    "down; is a EXITED; said worker.stopped a\n"
	    "said worker.exited a decision=stay");
}

RV_TEST(an_expected_end_before_startsecs_is_success)
{
	PLAY("r{a(T,secs=1000)}",
	    "boot; exists a; forget; exit a 0 => -\nis a EXITED");
	PLAY("r{a(T,secs=1000)}", "boot; forget; exit a 0 => -\nis a EXITED");
	PLAY("r{a(T,secs=1000)}",
	    "boot; exists a; forget; exit a 1 => launch a\nfailures a 1");
	PLAY("r{a(P,secs=1000)}",
	    "boot; exists a; forget; exit a 0 => launch a\nfailures a 1");
	/* readiness that must be told was not */
	PLAY("r{a(T)}",
	    "boot; exists a; forget; exit a 0 => launch a\nfailures a 1");
}

RV_TEST(start_retries_are_retries_after_the_first_attempt)
{
	PLAY("r{a(retries=2)}",
	    "boot; exists a; forget; exit a 1 => launch a\n"
	    "failures a 1; said worker.starting a attempt=2; exists a\n"
	    "silent worker.backoff; exit a 1 => -\n"
	    "is a BACKOFF; said worker.backoff a delay_ms=100 attempt=3 "
	    "cause=a "
	    "reason=exited; unsettled 1; armed arm a state 100\n"
	    "pass 99 => -\npass 1 => launch a\n"
	    "exists a; forget; sig a 11 => -\n"
	    "is a FATAL, r STARTING; unsettled 0\n"
	    "said worker.exited a decision=fatal\n"
	    "said worker.fatal a reason=signaled count=3 on_fatal=stay\n"
	    "showed a FATAL; start a => launch a\n" /* afresh */
	    "failures a 0; up a; is a RUNNING, r RUNNING");
	PLAY("r{a(retries=0)}", "boot; exists a; exit a 1; is a FATAL");
	PLAY("r{a(retries=0)}",
	    "boot; exit a 1; is a FATAL; failures a 1\n"
	    "said worker.fatal a; said worker.exited a decision=fatal");
}

RV_TEST(a_failing_launch_is_a_start_failure_with_its_reason) /* O-5 */
{
	PLAY("r{a(retries=1)}",
	    "boot; forget; fails a 2 => launch a\n"
	    "said worker.exited a reason=start decision=restart\n"
	    "failures a 1; reason a start failed; exists a\n"
	    "fails a 13 => -\nis a FATAL; failures a 2\n"
	    "said worker.fatal a count=2");
}

RV_TEST(a_launch_that_fails_after_a_premature_ready_still_counts)
{
	PLAY("r{a(secs=0,retries=1)}",
	    "boot; exists a; is a RUNNING; fails a 2; failures a 1\n"
	    "exists a; is a RUNNING; fails a 2; is a FATAL; failures a 2");
	/* and only then */
	PLAY("r{a(secs=0,retries=1)}",
	    "boot; exists a; fails a 2; exists a; exit a 1; is a BACKOFF\n"
	    "pass 100; is a STARTING; failures a 0; fails a 2; failures a 1");
}

RV_TEST(ready_zeroes_the_start_failures)
{
	PLAY("r{a(retries=1)}",
	    "boot; exists a; exit a 1; failures a 1; up a; failures a 0\n"
	    "pass 40000; exit a 1; exists a; exit a 1; failures a 1\n"
	    "is a BACKOFF");
}

RV_TEST(lack_of_resources_is_retried_and_feeds_no_budget) /* O-15 */
{
	static const int errnos[] = { EAGAIN, EMFILE, ENFILE, ENOMEM, ENOSPC };

	for (size_t i = 0; i < RV_ARRAY_LEN(errnos); i++) {
		char script[512];

		snprintf(script, sizeof(script),
		    "boot; forget; fails a %d => -\n"
		    "is a BACKOFF; failures a 0; armed arm a state 100\n"
		    "said worker.backoff a delay_ms=100 attempt=2\n"
		    "said worker.exited a decision=restart; unsettled 0\n"
		    "pass 100 => launch a\n"
		    "exists a; fails a %d; is a BACKOFF; failures a 0\n"
		    "armed arm a state 100; pass 100; up a; is a RUNNING\n"
		    "fails a %d; failures a 0; is a BACKOFF\n",
		    errnos[i], errnos[i], errnos[i]);
		PLAY("r(0/10){a(retries=0)}", script);
		PLAY("r(0/10){a(retries=0,t)}", script);
	}
	PLAY("r(0/10){a(retries=0)}", "boot; fails a 1; is a FATAL");
}

RV_TEST(a_lost_launch_is_repeated_at_once)
{
	PLAY("r(0/10){a(retries=0)}",
	    "boot; forget; lost a => launch a\n"
	    "said worker.exited a reason=lost decision=restart; failures a 0\n"
	    "reason a lost; exists a; lost a => launch a\n"
	    "up a; lost a => launch a\n"
	    "failures a 0; restarts a 1");
	PLAY("r{a(t)}", "boot; forget; lost a => launch a");
}

RV_TEST(the_start_timeout_stops_and_counts_as_a_start_failure)
{
	PLAY("r{a(timeout=500,retries=1)}",
	    "boot; exists a; forget; pass 499 => -\npass 1 => TERM a\n"
	    "is a STOPPING; said worker.stopping a why=start signal=15\n"
	    "armed arm a state 10000; exit a 0 => launch a\n"
	    "said worker.exited a reason=start decision=restart\n"
	    "said worker.stopped a why=start\n"
	    "reason a start timeout; failures a 1; exists a; pass 500; forget\n"
	    "down; said worker.stopped a why=start\n"
	    "is a FATAL; failures a 2; said worker.fatal a\n"
	    "said worker.exited a decision=fatal");
	PLAY("r{a(timeout=never)}",
	    "boot; exists a; pass 86400000; is a STARTING");
}

RV_TEST(a_start_that_asks_for_time_gets_it_within_bounds)
{
	PLAY("r{a(timeout=500)}",
	    "boot; exists a; forget; pass 400; extend a 300\n"
	    "armed arm a state 300; pass 299 => -\nis a STARTING\n"
	    "pass 1 => TERM a");
	PLAY("r{a(timeout=500)}", /* never nearer */
	    "boot; exists a; extend a 300; pass 400; is a STARTING");
	PLAY("r{a(timeout=500)}", /* an hour at most */
	    "boot; exists a; extend a 86400000; pass 3599999; is a STARTING\n"
	    "pass 1; is a STOPPING");
	PLAY("r{a(timeout=never)}",
	    "boot; exists a; forget; extend a 300; pass 400; is a STARTING");
}

RV_TEST(time_during_which_somebody_stood_still_is_given_back)
{
	PLAY("r{a(timeout=500)}",
	    "boot; exists a; forget; late 300; pass 500 => -\n"
	    "armed arm a state 300; late 99; pass 299 => -\n"
	    "pass 1 => TERM a");
	PLAY("r{a(timeout=500)}",
	    "boot; exists a; forget; late 90000; pass 500 => -\n"
	    "armed arm a state 500");
	PLAY("r{a(secs=500)}",
	    "boot; exists a; late 100; pass 500; is a STARTING\n"
	    "late 0; pass 100; is a RUNNING");
}

RV_TEST(facts_that_mean_nothing_now_change_nothing)
{
	/* LAUNCHING */
	PLAY("r{a(timeout=500)}",
	    "boot; forget; ready a; beat a; extend a 1; trigger a\n"
	    "interval a 7; probed a => -\n"
	    "is a STARTING; exists a; armed arm a state 500; probed a\n"
	    "exists a; is a STARTING; ready a; pass 90000; is a RUNNING");
	/* RUNNING */
	PLAY("r{a}",
	    "boot; up a; forget; exists a; ready a; extend a 1; probed a => -\n"
	    "is a RUNNING; silent worker");
	/* of another life, of none, of a supervisor */
	PLAY("r{a}",
	    "boot; up a; stop a; down; forget; ready a; beat a; exit a 1\n"
	    "exists a; fails a 2; lost a; ready r; exit r 1 => -\n"
	    "is a STOPPED, r RUNNING");
	/* timers that nobody armed, or that come early */
	PLAY("r{a}",
	    "boot; timer a state; timer a beat; timer r state; up a; forget\n"
	    "timer a state; timer a beat => -\nis a RUNNING");
	PLAY("r{a(timeout=500)}",
	    "boot; exists a; forget; pass 100; timer a state => -\n"
	    "armed arm a state 400; is a STARTING; pass 400 => TERM a");
}

RV_TEST(each_event_takes_one_way_through_the_table)
{
	PLAY("r{a(T,retries=0)}",
	    "boot; path a WANT GO; up a; exit a 0; forget; start a\n"
	    "path a WANT GO; fails a 2; is a FATAL; forget; start a\n"
	    "path a WANT GO; up a; forget; lost a; path a LOST GO");
	PLAY("r{a(retries=9)}",
	    "boot; fails a 2; fails a 2; is a BACKOFF; forget; pass 100\n"
	    "path a TIME GO; fails a 2; is a BACKOFF; forget; start a\n"
	    "path a WANT GO");
}

RV_TEST(a_stale_fact_never_touches_the_present_life) /* O-10 */
{
	struct rig *rig = rig_open_up("r{a}");
	uint64_t old = rig_unit(rig, "a")->life;

	rig_exit(rig, "a", 1);
	rig_up(rig, "a");
	rig_post(
	    rig, "a", (struct rv_event){ .type = RV_EV_DIED, .life = old });
	CU_ASSERT(rig_is(rig, "a RUNNING"));
	CU_ASSERT_EQUAL(rig_unit(rig, "a")->life, old + 1);
	rig_close(rig);
}

RV_TEST(a_record_tells_of_cores_and_of_what_is_unknown)
{
	struct rig *rig = rig_open_up("r{a}");

	rig_post(rig, "a",
	    (struct rv_event){
		.type = RV_EV_DIED,
		.end = { .signaled = true, .number = 11, .core_dumped = true },
	    });
	CU_ASSERT(rig_said(rig, "worker.exited a signal=11 core_dumped=1"));
	rig_forget(rig);
	rig_up(rig, "a");
	rig_post(rig, "a",
	    (struct rv_event){ .type = RV_EV_DIED, .end.unknown = true });
	CU_ASSERT_EQUAL(rig_count(rig, "worker.exited a exit_code=0"), 0);
	rig_close(rig);
}

RV_TEST(words_have_names)
{
	CU_ASSERT_STRING_EQUAL(rv_state_name(RV_STATE_BACKOFF), "BACKOFF");
	CU_ASSERT_PTR_NULL(rv_state_name((enum rv_state)99));
	CU_ASSERT_STRING_EQUAL(rv_reason_text(RV_REASON_ASKED), "asked");
	CU_ASSERT_PTR_NULL(rv_reason_text((enum rv_reason)99));
}

RV_SUITE(core_worker,
    RV_CASE(an_empty_tree_is_ready_at_once_and_ends_when_told),
    RV_CASE(a_worker_starts_and_becomes_ready),
    RV_CASE(startsecs_make_ready_and_zero_does_so_at_once),
    RV_CASE(a_permanent_worker_is_restarted_whatever_its_end),
    RV_CASE(a_transient_worker_is_restarted_after_an_unexpected_end),
    RV_CASE(a_temporary_worker_is_never_retried),
    RV_CASE(an_expected_end_before_startsecs_is_success),
    RV_CASE(start_retries_are_retries_after_the_first_attempt),
    RV_CASE(a_failing_launch_is_a_start_failure_with_its_reason),
    RV_CASE(a_launch_that_fails_after_a_premature_ready_still_counts),
    RV_CASE(ready_zeroes_the_start_failures),
    RV_CASE(lack_of_resources_is_retried_and_feeds_no_budget),
    RV_CASE(a_lost_launch_is_repeated_at_once),
    RV_CASE(the_start_timeout_stops_and_counts_as_a_start_failure),
    RV_CASE(a_start_that_asks_for_time_gets_it_within_bounds),
    RV_CASE(time_during_which_somebody_stood_still_is_given_back),
    RV_CASE(facts_that_mean_nothing_now_change_nothing),
    RV_CASE(each_event_takes_one_way_through_the_table),
    RV_CASE(a_stale_fact_never_touches_the_present_life),
    RV_CASE(a_record_tells_of_cores_and_of_what_is_unknown),
    RV_CASE(words_have_names))
