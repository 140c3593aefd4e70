/* SPDX-License-Identifier: MIT */
/* Heartbeats: when a worker is hung, when it is not, and what follows. */
#include "config.h"

#include "lib/harness.h"
#include "lib/rig.h"

#define PLAY(tree, ...) CU_ASSERT(rig_play(tree, __VA_ARGS__))

RV_TEST(silence_since_ready_is_probed_then_restarted)
{
	PLAY("r{a(hb=1000:3)}",
	    "boot; exists a; pass 5000; forget; ready a\n"
	    "armed arm a beat 3000; pass 2999 => -\npass 1 => probe a\n"
	    "is a RUNNING; silent worker.unresponsive; probed a => TERM a\n"
	    "said worker.unresponsive a silent_ms=3000 action=restart\n"
	    "said worker.stopping a why=unresponsive signal=15\n"
	    "armed disarm a beat; is a STOPPING; pass 10000 => KILL a\n"
	    "sig a 9 => launch a\n"
	    "said worker.exited a reason=unresponsive decision=restart\n"
	    "said worker.stopped a why=unresponsive\n"
	    "reason a unresponsive; failures a 0");
}

RV_TEST(a_worker_without_heartbeat_is_not_watched)
{
	PLAY("r{a}", "boot; up a; pass 31536000000 => launch a\n"
		     "is a RUNNING");
}

RV_TEST(beats_cost_nothing_and_the_timer_follows_lazily)
{
	PLAY("r{a(hb=1000:3)}",
	    "boot; up a; forget; pass 1000; beat a; pass 1000; beat a => -\n"
	    "timer a state; pass 999; silent worker; forget; pass 1 => -\n"
	    "armed arm a beat 2000; pass 2000 => probe a");
}

RV_TEST(beats_before_ready_are_allowed)
{
	PLAY("r{a(hb=1000:3)}",
	    "boot; exists a; beat a; pass 2500; beat a; pass 500; ready a\n"
	    "forget; pass 2999 => -\npass 1 => probe a\n"
	    "probed a; said worker.unresponsive silent_ms=3000");
}

RV_TEST(a_beat_that_was_under_way_saves_the_worker)
{
	PLAY("r{a(hb=1000:3)}",
	    "boot; up a; pass 3000; forget; beat a; probed a => -\n"
	    "is a RUNNING; armed arm a beat 3000; pass 2999 => -\n"
	    "pass 1 => probe a\nsilent worker");
}

RV_TEST(a_machine_that_slept_kills_nobody)
{
	PLAY("r{a(hb=1000:3)}",
	    "boot; up a; forget; late 251; pass 3000 => -\n"
	    "armed arm a beat 3000; late 250; pass 3000 => probe a");
}

RV_TEST(a_probe_that_is_never_answered_is_repeated)
{
	PLAY("r{a(hb=1000:3)}",
	    "boot; up a; pass 3000; forget; pass 2999 => -\npass 1 => probe a\n"
	    "probed a => TERM a");
	PLAY("r{a(hb=100:1)}",
	    "boot; up a; pass 100; forget; pass 999 => -\npass 1 => probe a");
}

RV_TEST(the_worker_may_set_its_own_interval)
{
	PLAY("r{a}",
	    "boot; exists a; interval a 2000; ready a; forget; pass 5999 => -\n"
	    "pass 1 => probe a");
	PLAY("r{a(hb=1000:2)}",
	    "boot; up a; forget; interval a 2000; armed arm a beat 4000\n"
	    "interval a 0; armed disarm a beat; pass 90000 => -");
	PLAY("r{a(hb=1000:2)}", /* only for this life */
	    "boot; up a; interval a 0; exit a 1; up a; forget\n"
	    "pass 2000 => probe a");
	PLAY("r{a(hb=1000:2)}", /* while a question is open */
	    "boot; up a; pass 2000; forget; interval a 3000; probed a => -\n"
	    "is a RUNNING; armed arm a beat 4000; pass 4000 => probe a\n"
	    "interval a 0; forget; probed a => -\n"
	    "is a RUNNING; armed disarm a beat; pass 90000 => -");
	PLAY("r{a(hb=1000:0)}", /* no misses: one interval */
	    "boot; up a; forget; pass 1000 => probe a");
}

RV_TEST(action_abort_sends_abrt_first)
{
	PLAY("r{a(hb=1000:1,hbabort,group)}",
	    "boot; up a; pass 1000; forget; probed a => ABRT a\n"
	    "said worker.unresponsive a action=abort\n"
	    "said worker.stopping a why=unresponsive signal=6\n"
	    "armed arm a state 5000; pass 5000 => TERM* a\npass 10000 => KILL "
	    "a\n"
	    "sig a 9 => launch a\nreason a unresponsive");
	PLAY("r{a(hb=1000:1,hbabort)}",
	    "boot; up a; forget; trigger a => ABRT a\n"
	    "pass 5000 => TERM a\n"
	    "said worker.unresponsive a action=abort; sig a 6 => launch a\n"
	    "failures a 0; reason a unresponsive");
	PLAY("r{a(hbabort)}",
	    "boot; exists a; forget; trigger a => ABRT a\n"
	    "is a STOPPING; pass 5000 => TERM a\n"
	    "said worker.unresponsive a; sig a 6 => launch a\n"
	    "failures a 1; reason a unresponsive");
}

RV_TEST(action_report_only_records_until_beats_come_back)
{
	PLAY("r{a(hb=1000:1,hbreport)}",
	    "boot; up a; pass 1000; forget; probed a => -\n"
	    "is a RUNNING; said worker.unresponsive a action=report\n"
	    "armed disarm a beat; forget; exists a; ready a; extend a 5\n"
	    "trigger a; probed a; interval a 2000; pass 90000 => -\n"
	    "silent worker; is a RUNNING; beat a => -\n"
	    "said worker.recovered a; armed arm a beat 2000\n"
	    "pass 2000 => probe a");
	PLAY("r{a(hb=1000:1,hbreport)}",
	    "boot; up a; trigger a; forget; beat a; said worker.recovered a");
	PLAY("r{a(hb=1000:1,hbreport)}",
	    "boot; up a; forget; trigger a => -\n"
	    "said worker.unresponsive a; armed disarm a beat; is a RUNNING\n"
	    "trigger a; pass 9000; forget; exit a 1 => launch a");
	PLAY("r{a(hbreport)}",
	    "boot; exists a; forget; trigger a => -\n"
	    "said worker.unresponsive a; is a STARTING; ready a; is a RUNNING");
}

RV_TEST(a_trigger_is_believed_at_once)
{
	PLAY("r{a}", "boot; up a; forget; trigger a => TERM a\n"
		     "said worker.unresponsive a action=restart\n"
		     "down => launch a\nreason a unresponsive; failures a 0");
	PLAY("r{a}", "boot; exists a; pass 700; forget; trigger a => TERM a\n"
		     "said worker.unresponsive a silent_ms=700; is a STOPPING\n"
		     "down => launch a\nfailures a 1; reason a unresponsive");
	PLAY("r{a(hb=1000:1)}",
	    "boot; up a; pass 1000; forget; trigger a => TERM a\n"
	    "armed disarm a beat");
}

RV_TEST(silence_before_ready_is_counted_from_the_last_beat)
{
	PLAY("r{a}", "boot; exists a; pass 500; beat a; pass 200; trigger a\n"
		     "said worker.unresponsive a silent_ms=200");
}

RV_TEST(a_hung_worker_counts_in_its_supervisors_window)
{
	PLAY("r(1/3600){a}",
	    "boot; up a; trigger a; down; up a; trigger a; forget; down => "
	    "finished gave up\n"
	    "said supervisor.gave_up r cause=a count=2 period_ms=3600000\n"
	    "said worker.exited a decision=escalate\n"
	    "said worker.stopped a why=unresponsive");
	PLAY("r{a(T)}", /* never an expected end */
	    "boot; up a; trigger a; forget; exit a 0 => launch a");
	PLAY("r{a(t)}", "boot; up a; trigger a; forget; exit a 0 => -\n"
			"is a EXITED");
}

RV_TEST(facts_during_a_probe)
{
	PLAY("r{a(hb=1000:1)}", "boot; up a; pass 1000; forget; exists a; "
				"ready a; extend a 9 => -\n"
				"is a RUNNING; exit a 1 => launch a\n"
				"armed disarm a beat");
	PLAY("r{a(hb=1000:1)}",
	    "boot; up a; pass 1000; forget; lost a => launch a");
	PLAY("r{a(hb=1000:1)}",
	    "boot; up a; pass 1000; forget; fails a 2 => launch a\n"
	    "failures a 1");
	PLAY("r{a(hb=1000:1,hbreport)}",
	    "boot; up a; pass 1000; probed a; forget; lost a => launch a");
	PLAY("r{a(hb=1000:1,hbreport)}",
	    "boot; up a; pass 1000; probed a; forget; fails a 2 => launch a\n"
	    "failures a 1");
}

RV_TEST(an_answer_that_nobody_asked_for_changes_nothing)
{
	PLAY("r{a(hb=1000:1,secs=0)}",
	    "boot; exists a; armed arm a beat 1000; forget; probed a; calm\n"
	    "pass 999; exists a; probed a; calm; pass 1 => probe a");
	PLAY("r{a(hb=1000:1,secs=500)}",
	    "boot; exists a; forget; pass 500; armed arm a beat 1000; forget\n"
	    "probed a; calm");
	PLAY("r{a(hb=1000:1)}", /* after a beat that was seen in time */
	    "boot; up a; pass 500; beat a; pass 500; armed arm a beat 500\n"
	    "forget; probed a; calm");
	PLAY("r{a(hb=1000:1)}", /* after a sleep */
	    "boot; up a; late 900; pass 1000; forget; probed a; calm");
	PLAY("r{a(hb=1000:1)}", /* after a probe that is over */
	    "boot; up a; pass 1000; beat a; forget; probed a; calm");
	PLAY("r{a(hb=1000:1)}",
	    "boot; up a; pass 1000; interval a 9000; probed a; forget\n"
	    "probed a; calm");
	PLAY("r{a(hb=1000:1,hbreport)}", /* after a recovery */
	    "boot; up a; pass 1000; probed a; beat a; forget; probed a; calm");
}

RV_TEST(a_probe_outlives_other_facts)
{
	PLAY("r{a(hb=1000:1)}",
	    "boot; up a; pass 1000; exists a; forget; probed a => TERM a");
}

RV_TEST(a_watch_can_be_given_up_and_taken_up_again)
{
	PLAY("r{a(hb=1000:1)}",
	    "boot; up a; replace a hb=0:1; pass 1000; forget; interval a 700\n"
	    "armed arm a beat -300");
	PLAY("r{a(hb=1000:1)}",
	    "boot; up a; pass 1000; interval a 0; probed a; forget\n"
	    "interval a 700; armed arm a beat -300");
	PLAY("r{a(hb=1000:1)}",
	    "boot; up a; replace a hb=0:1; pass 1000; forget; beat a; calm\n"
	    "interval a 700; armed arm a beat 700");
	PLAY("r{a(hb=1000:1)}",
	    "boot; up a; pass 1000; interval a 0; probed a; forget; beat a\n"
	    "calm; interval a 700; armed arm a beat 700");
}

RV_TEST(a_reload_changes_the_watch_of_a_running_worker)
{
	PLAY("r{a}", "boot; up a; pass 500; forget; replace a hb=1000:1 => -\n"
		     "armed arm a beat 500; pass 500 => probe a");
	PLAY("r{a(hb=1000:1)}",
	    "boot; up a; forget; replace a hb=0:1; pass 90000 => -\n"
	    "is a RUNNING");
}

RV_TEST(a_beat_counts_from_when_it_was_seen)
{
	struct rig *rig = rig_open("r{a(hb=1000:3)}");
	rv_time begun;

	rig_boot(rig);
	rig_up(rig, "a");
	begun = rig->now;
	rig_pass(rig, 2900 * RV_MS);
	rig_post(rig, "a",
	    (struct rv_event){
		.type = RV_EV_BEAT,
		.now = begun + 500 * RV_MS,
	    });
	rig_pass(rig, 599 * RV_MS);
	rig_forget(rig);
	CU_ASSERT_EQUAL(rig_unit(rig, "a")->last_beat, begun + 500 * RV_MS);
	rig_pass(rig, RV_MS);
	CU_ASSERT(rig_did(rig, "probe a"));
	rig_post(
	    rig, "a", (struct rv_event){ .type = RV_EV_BEAT, .now = begun });
	CU_ASSERT_EQUAL(rig_unit(rig, "a")->last_beat, begun + 500 * RV_MS);
	rig_close(rig);
}

RV_TEST(who_was_only_reported_is_known_to_be_silent)
{
	struct rig *rig = rig_open_up("r{a(hb=1000:3,hbreport)}");

	CU_ASSERT(!rv_unit_is_silent(rig_unit(rig, "a")));
	CU_ASSERT(!rv_unit_is_silent(rig_unit(rig, "r")));
	rig_do(rig, "a", RV_EV_TRIGGER);
	CU_ASSERT(rv_unit_is_silent(rig_unit(rig, "a")));
	rig_do(rig, "a", RV_EV_BEAT);
	CU_ASSERT(!rv_unit_is_silent(rig_unit(rig, "a")));
	rig_close(rig);
}

RV_SUITE(core_beat, RV_CASE(silence_since_ready_is_probed_then_restarted),
    RV_CASE(a_worker_without_heartbeat_is_not_watched),
    RV_CASE(beats_cost_nothing_and_the_timer_follows_lazily),
    RV_CASE(beats_before_ready_are_allowed),
    RV_CASE(a_beat_that_was_under_way_saves_the_worker),
    RV_CASE(a_machine_that_slept_kills_nobody),
    RV_CASE(a_probe_that_is_never_answered_is_repeated),
    RV_CASE(the_worker_may_set_its_own_interval),
    RV_CASE(action_abort_sends_abrt_first),
    RV_CASE(action_report_only_records_until_beats_come_back),
    RV_CASE(a_trigger_is_believed_at_once),
    RV_CASE(silence_before_ready_is_counted_from_the_last_beat),
    RV_CASE(a_hung_worker_counts_in_its_supervisors_window),
    RV_CASE(facts_during_a_probe),
    RV_CASE(an_answer_that_nobody_asked_for_changes_nothing),
    RV_CASE(a_probe_outlives_other_facts),
    RV_CASE(a_watch_can_be_given_up_and_taken_up_again),
    RV_CASE(a_reload_changes_the_watch_of_a_running_worker),
    RV_CASE(a_beat_counts_from_when_it_was_seen),
    RV_CASE(who_was_only_reported_is_known_to_be_silent))
