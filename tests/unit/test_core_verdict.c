/* SPDX-License-Identifier: MIT */
/*
 * What a host may have its say in: verdicts on the ends of lives, exceptions
 * as the reason of an end, and lives that go from one unit to another.
 */
#include "config.h"

#include "lib/harness.h"
#include "lib/rig.h"

#define PLAY(tree, ...) CU_ASSERT(rig_play(tree, __VA_ARGS__))

RV_TEST(a_verdict_restarts_what_would_rest)
{
	PLAY("r{a(t)}", "boot; up a; verdict restart; forget; exit a 0 => "
			"launch a\n"
			"said worker.exited a decision=restart; restarts a 0\n"
			"exists a; restarts a 1");
	PLAY("r{a(T)}", "boot; up a; verdict restart; forget; exit a 0 => "
			"launch a");
	PLAY("r{a(T,secs=500)}",
	    "boot; exists a; verdict restart; forget; exit a 0 => launch a\n"
	    "failures a 1");
	PLAY("r{a(t)}", "boot; verdict restart; forget; fails a 2 => launch a\n"
			"failures a 1");
	PLAY("r{a(t)}", /* its stop was on account of silence */
	    "boot; up a; trigger a; verdict restart; forget\n"
	    "sig a 15 => launch a");
}

RV_TEST(a_verdict_goes_beyond_start_retries_but_not_beyond_the_window)
{
	PLAY("r{a(retries=0)}",
	    "boot; exists a; verdict restart; forget; exit a 1 => launch a\n"
	    "failures a 1; exists a; exit a 1 => -\nis a BACKOFF; pass 100\n"
	    "is a STARTING; exists a; verdict none; exit a 1; is a FATAL");
	PLAY("r(1/3600){a b}",
	    "boot; settle; verdict restart; forget; exit a 1 => launch a\n"
	    "up a; exit a 1 => TERM b\nsaid supervisor.gave_up r cause=a "
	    "reason=intensity");
}

RV_TEST(a_verdict_lays_to_rest)
{
	static const char *const ends[] = {
		"boot; verdict rest; forget; fails a 2 => -\nis a EXITED",
		"boot; verdict rest; forget; fails a 11 => -\nis a EXITED",
		"boot; exists a; verdict rest; forget; exit a 1 => -\n"
		"is a EXITED; failures a 0",
		"boot; up a; verdict rest; forget; sig a 11 => -\n"
		"is a EXITED; said worker.exited a decision=stay",
		"boot; up a; trigger a; verdict rest; forget; sig a 15 => -\n"
		"is a EXITED; said worker.stopped a",
		"boot; up a; verdict rest; exit a 1; verdict none; forget\n"
		"start a => launch a",
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(ends); i++) {
		PLAY("r(0/10){a}", ends[i]);
	}
	PLAY("r(any){a(t,sig) b}", /* which is an end as any other */
	    "boot; settle; verdict rest; forget; exit a 1 => TERM b\n"
	    "said worker.exited a decision=shutdown verdict=rest");
}

RV_TEST(a_verdict_escalates)
{
	static const char *const ends[] = {
		"boot; up b; verdict escalate; forget; fails a 2 => TERM b\n"
		"is a STOPPED; said worker.exited a decision=escalate",
		"boot; up b; exists a; verdict escalate; forget\n"
		"exit a 0 => TERM b\n"
		"is a STOPPED; said worker.exited a decision=escalate",
		"boot; settle; verdict escalate; forget; exit a 0 => TERM b\n"
		"said worker.exited a decision=escalate verdict=escalate\n"
		"said supervisor.gave_up r cause=a reason=verdict\n"
		"down => finished gave up",
		"boot; settle; trigger a; verdict escalate; forget\n"
		"sig a 15 => TERM b\n"
		"is a STOPPED; said worker.exited a decision=escalate\n"
		"said worker.stopped a",
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(ends); i++) {
		PLAY("r{a b}", ends[i]);
	}
	PLAY("r{s{a b}}", /* the supervisor above starts it afresh */
	    "boot; settle; verdict escalate; forget; exit a 0; verdict none\n"
	    "down; is s STARTING; settle; is a RUNNING, b RUNNING");
}

RV_TEST(what_was_asked_for_is_not_up_to_a_verdict)
{
	PLAY("r{a b}", "boot; settle; stop a; verdict restart; forget\n"
		       "sig a 15 => -\nis a STOPPED");
	PLAY("r{a b}", "boot; settle; restart a; verdict rest; forget\n"
		       "sig a 15 => launch a");
	PLAY("r{a b}", "boot; settle; restart a; verdict escalate; forget\n"
		       "exit a 1 => launch a\nis b RUNNING");
	PLAY("r{a}", "boot; stop a; verdict restart; forget; fails a 2 => -\n"
		     "is a STOPPED");
}

RV_TEST(an_exception_is_a_reason_and_never_expected)
{
	PLAY("r{a(T)}", "boot; up a; forget; raised a 0 => launch a\n"
			"said worker.exited a reason=exception exit_code=0\n"
			"reason a exception");
	PLAY("r{a}", "boot; exists a; raised a 1; reason a exception; "
		     "failures a 1");
	PLAY("r{a}", /* whoever was asked to end may do so */
	    "boot; up a; stop a; raised a 1; reason a asked");
	PLAY("r{a}", "boot; up a; trigger a; raised a 1; reason a "
		     "unresponsive");
}

RV_TEST(two_that_are_ready_exchange_their_lives)
{
	struct rig *rig = rig_open_up("r{a b c}");
	struct rv_unit *a = rig_unit(rig, "a"), *b = rig_unit(rig, "b");
	uint64_t was_a, was_b;
	rv_time began = rig->now;

	rig_pass(rig, RV_SEC);
	rig_exit(rig, "b", 1);
	rig_up(rig, "b");
	was_a = a->life;
	was_b = b->life;
	rig_forget(rig);
	CU_ASSERT(rig_swap(rig, a, b));
	CU_ASSERT(a->life == was_b && b->life == was_a);
	CU_ASSERT_EQUAL(a->started_at, began + RV_SEC);
	CU_ASSERT_EQUAL(b->started_at, began);
	CU_ASSERT_EQUAL(b->since, began);
	CU_ASSERT(a->restarts == 1 && b->restarts == 2);
	CU_ASSERT_EQUAL(a->backoff_n, 0);
	CU_ASSERT_EQUAL(b->backoff_n, 1);
	CU_ASSERT(rig_showed(rig, "a RUNNING ready"));
	CU_ASSERT(rig_showed(rig, "b RUNNING ready"));
	/* Each dies the death of its new life. */
	rig_do(rig, "b", RV_EV_RETIRE);
	CU_ASSERT(rig_did(rig, "TERM b"));
	rig_post(rig, "b", (struct rv_event){ .type = RV_EV_DIED });
	CU_ASSERT(rig_did(rig, "gone b"));
	CU_ASSERT(rig_is(rig, "a RUNNING, r RUNNING"));
	rig_exit(rig, "a", 1);
	CU_ASSERT(rig_did(rig, "launch a"));
	rig_close(rig);
}

RV_TEST(heartbeats_go_with_the_life)
{
	PLAY("r{a(hb=1000:3) b(hb=1000:3)}",
	    "boot; up a; pass 1000; up b; forget; swap a b\n"
	    "armed arm a beat 3000; armed arm b beat 2000\n"
	    "pass 2000 => probe b\nis a RUNNING; swap a b; probed a => TERM a\n"
	    "is b RUNNING");
	PLAY("r{a(hb=1000:3,hbreport) b(hb=1000:3,hbreport)}",
	    "boot; up a; up b; trigger a; forget; swap a b\n"
	    "armed disarm b beat; armed arm a beat 3000; beat b\n"
	    "said worker.recovered b");
	PLAY("r{a(hb=1000:3) b}", /* each by the policy of its unit */
	    "boot; up a; up b; forget; swap a b; armed arm a beat 3000\n"
	    "pass 3000 => probe a\nis b RUNNING");
}

RV_TEST(only_those_that_are_up_to_stay_exchange_anything)
{
	PLAY("r{a b s{c}}",
	    "boot; up a; noswap a b; noswap b a; exists b; noswap a b\n"
	    "noswap a a; ready b; up c; noswap a c; noswap a s; noswap s a\n"
	    "swap a b; stop a; noswap a b; down; noswap a b");
	PLAY("r{a b}", "boot; settle; retire b; noswap a b");
	PLAY("r{a on b(on=a)}", /* not wanted, but its turn has not come */
	    "boot; settle; stop a; noswap a b");
}

RV_TEST(one_beside_another_holds_nobody_up)
{
	PLAY("r{s{a b(aside)} c(on=s)}",
	    "boot; exists a; ready a; is s RUNNING; is c STARTING\n"
	    "fails b 2; is s RUNNING; is b STARTING");
	PLAY("r{a b(aside,stop=15:3600000)}",
	    "boot; settle; forget; retire b => TERM b\n"
	    "is r RUNNING\n"
	    "stop a; exit a 0; start a; up a; is r RUNNING; forget\n"
	    "kill b => KILL b\n"
	    "sig b 9; is r RUNNING");
}

RV_TEST(a_kill_cuts_a_stop_short_and_nothing_else)
{
	PLAY("r{a(stop=15:3600000)}",
	    "boot; up a; kill a; is a RUNNING; forget; stop a => TERM a\n"
	    "forget; kill a => KILL a\n"
	    "down a; is a STOPPED; kill a; is a STOPPED");
}

RV_SUITE(core_verdict, RV_CASE(a_verdict_restarts_what_would_rest),
    RV_CASE(a_verdict_goes_beyond_start_retries_but_not_beyond_the_window),
    RV_CASE(a_verdict_lays_to_rest), RV_CASE(a_verdict_escalates),
    RV_CASE(what_was_asked_for_is_not_up_to_a_verdict),
    RV_CASE(an_exception_is_a_reason_and_never_expected),
    RV_CASE(two_that_are_ready_exchange_their_lives),
    RV_CASE(heartbeats_go_with_the_life),
    RV_CASE(only_those_that_are_up_to_stay_exchange_anything),
    RV_CASE(one_beside_another_holds_nobody_up),
    RV_CASE(a_kill_cuts_a_stop_short_and_nothing_else))
