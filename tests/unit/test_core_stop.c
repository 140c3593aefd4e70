/* SPDX-License-Identifier: MIT */
/* Stopping one worker: steps, KILL, haste, and who is to blame. */
#include "config.h"

#include "lib/harness.h"
#include "lib/rig.h"

#define PLAY(tree, ...) CU_ASSERT(rig_play(tree, __VA_ARGS__))

RV_TEST(a_stop_goes_through_its_steps_and_ends_in_kill) /* 13 */
{
	PLAY("r{a(stop=3:30000+15:5000)}",
	    "boot; up a; forget; stop a => QUIT a\n"
	    "is a STOPPING; unsettled 1\n"
	    "said worker.stopping a why=operator signal=3\n"
	    "armed arm a state 30000; showed a STOPPING held\n"
	    "pass 29999 => -\npass 1 => TERM a\n"
	    "armed arm a state 5000; pass 5000 => KILL a\n"
	    "armed arm a state 5000; pass 4999 => -\npass 1 => KILL a\n"
	    "sig a 9 => -\n"
	    "is a STOPPED; unsettled 0; reason a asked\n"
	    "said worker.exited a reason=asked signal=9 decision=none\n"
	    "said worker.stopped a why=operator; showed a STOPPED held");
}

RV_TEST(a_worker_that_obeys_is_not_killed)
{
	PLAY("r{a(group)}",
	    "boot; up a; forget; stop a => TERM* a\npass 50; exit a 0 => -\n"
	    "armed disarm a state; is a STOPPED; pass 90000 => -");
}

RV_TEST(a_stop_without_steps_kills_at_once) /* 14 */
{
	PLAY("r{a(stop=)}",
	    "boot; up a; forget; stop a => KILL a\n"
	    "said worker.stopping a signal=9; armed arm a state 5000");
	PLAY("r{a(stop=15:0)}", "boot; up a; forget; stop a => TERM a, KILL a");
}

RV_TEST(an_infinite_wait_is_waited_for) /* 15 */
{
	PLAY("r{a(stop=15:never)}",
	    "boot; up a; forget; stop a => TERM a\npass 31536000000 => -\n"
	    "is a STOPPING; hasten => KILL a");
}

RV_TEST(a_launch_in_flight_is_taken_back_or_stopped_when_it_exists)
{
	PLAY("r{a}",
	    "boot; forget; stop a => cancel a\n"
	    "is a STOPPING; said worker.stopping a why=operator signal=15\n"
	    "ready a; beat a; extend a 1; trigger a; interval a 1; probed a\n"
	    "hasten; restart r => -\n"
	    "exists a => TERM a\nsaid worker.started a\n"
	    "armed arm a state 10000; down; is a STOPPED");
	PLAY("r{a}", "boot; stop a; forget; fails a 2 => -\n"
		     "is a STOPPED; failures a 0; said worker.stopped a");
	PLAY("r{a}", "boot; stop a; forget; lost a => -\nis a STOPPED");
	PLAY("r{a}", "boot; stop a; forget; exit a 1 => -\nis a STOPPED");
	PLAY("r{a}", "boot; stop a; start a; forget; fails a 2 => launch a\n"
		     "failures a 0");
	PLAY("r{a}", "boot; restart a; forget; exists a => TERM a\n"
		     "down => launch a");
	PLAY("r{a}", "boot; restart a; restart a; forget; lost a => launch a");
}

/* 125 is ECANCELED. */
RV_TEST(a_launch_that_was_taken_back_ended_because_it_was_asked)
{
	PLAY("r{a}", "boot; forget; stop a => cancel a\nfails a 125 => -\n"
		     "is a STOPPED; failures a 0; reason a asked\n"
		     "said worker.exited a reason=asked decision=none\n"
		     "said worker.stopped a why=operator; unsettled 0");
	PLAY("r{a}", "boot; forget; stop a => cancel a\nfails a 2 => -\n"
		     "is a STOPPED; reason a start failed");
	PLAY("r{a}",
	    "boot; forget; restart a => cancel a\nfails a 125 => launch a\n"
	    "failures a 0; restarts a 0; reason a asked; up a; is a RUNNING");
	PLAY("r{a}", "boot; forget; shutdown => cancel a\n"
		     "hasten; killall => -\nfails a 125 => finished");
	/* Nobody took this one back: it is a failure like any other. */
	PLAY("r{a}", "boot; forget; fails a 125 => launch a\n"
		     "failures a 1; reason a start failed");
}

RV_TEST(a_stop_is_begun_once)
{
	PLAY("r{a}", "boot; stop a; ready a; once worker.stopping a");
	PLAY("r{a}", "boot; killall; once worker.stopping a");
	PLAY("r{a}", "boot; stop a; killall; once worker.stopping a");
}

RV_TEST(a_loss_before_its_turn_to_stop_is_recorded)
{
	PLAY("r(1fa){a b}",
	    "boot; up a; up b; restart a; down; is a STARTING; shutdown\n"
	    "forget; lost a => -\n"
	    "said worker.exited a reason=lost decision=none; is a STOPPED");
	PLAY("r(1fa){a b}",
	    "boot; up a; up b; shutdown; forget; lost a => -\n"
	    "said worker.exited a reason=lost decision=none; is a STOPPED");
}

RV_TEST(kill_all_kills_a_launch_in_flight_once_it_exists)
{
	PLAY("r{a}",
	    "boot; forget; killall => cancel a\nis a STOPPING; exists a => "
	    "KILL a\n"
	    "said worker.stopping a why=shutdown; said worker.started a\n"
	    "pass 5000 => KILL a\nsig a 9 => finished");
	PLAY("r{a}",
	    "boot; forget; stop a; killall => cancel a\nexists a => KILL a\n"
	    "pass 5000 => KILL a");
}

RV_TEST(kill_all_kills_in_every_state)
{
	PLAY("r{a}", "boot; exists a; forget; killall => KILL a\n"
		     "said worker.stopping a why=shutdown signal=9\n"
		     "armed arm a state 5000");
	PLAY("r{a}", "boot; up a; forget; killall => KILL a\n"
		     "pass 5000 => KILL a\npass 5000 => KILL a");
	PLAY("r{a(stop=3:9000+15:9000)}", /* no step comes after it */
	    "boot; up a; stop a; forget; killall => KILL a\n"
	    "pass 5000 => KILL a\npass 5000 => KILL a\nexists a\n"
	    "pass 5000 => KILL a");
	PLAY("r{a(stop=3:9000+15:9000)}",
	    "boot; up a; trigger a; forget; killall => KILL a\n"
	    "pass 5000 => KILL a");
	PLAY("r{a}", "boot; up a; stop a; forget; killall => KILL a\n"
		     "armed arm a state 5000; killall => KILL a\n"
		     "is a STOPPING; sig a 9 => finished");
	PLAY("r{a(hb=1000:1)}",
	    "boot; up a; pass 1000; forget; killall => KILL a\n"
	    "armed disarm a beat");
	PLAY("r{a(hb=1000:1,hbreport)}",
	    "boot; up a; pass 1000; probed a; forget; killall => KILL a");
	PLAY("r{a b}",
	    "boot; up a; exists b; exit b 1; exists b; exit b 1; is b BACKOFF\n"
	    "forget; killall => KILL a\nis b STOPPED");
}

RV_TEST(hasten_ends_the_present_wait)
{
	PLAY("r{a(stop=3:never+15:never)}",
	    "boot; up a; forget; hasten => -\nis a RUNNING; shutdown => QUIT "
	    "a\n"
	    "hasten => TERM a\nhasten => KILL a\nhasten => KILL a\n"
	    "armed arm a state 5000; sig a 9 => finished");
}

RV_TEST(a_stopping_worker_may_ask_for_time)
{
	PLAY("r{a(stop=15:1000)}",
	    "boot; up a; stop a; forget; pass 900; extend a 500\n"
	    "armed arm a state 500; pass 499 => -\npass 1 => KILL a");
	PLAY("r{a(stop=15:1000)}",
	    "boot; up a; stop a; forget; extend a 86400000; pass 3599999 => -\n"
	    "pass 1 => KILL a");
	PLAY("r{a(stop=15:1000)}",
	    "boot; up a; stop a; extend a 100; pass 100; is a STOPPING\n"
	    "forget; pass 899 => -\npass 1 => KILL a\n"
	    "extend a 60000; pass 5000 => KILL a");
}

RV_TEST(a_death_in_the_middle_of_a_stop_is_absorbed) /* 17 */
{
	PLAY("r(0/10){a}",
	    "boot; up a; stop a; forget; sig a 11 => -\n"
	    "is a STOPPED, r RUNNING; reason a asked\n"
	    "said worker.exited a reason=asked signal=11 decision=none");
	PLAY("r(0/10){a}",
	    "boot; up a; stop a; fails a 2; is a STOPPED; failures a 0");
	PLAY("r(0/10){a}", "boot; up a; stop a; lost a; is a STOPPED");
	PLAY("r(0/10){a}",
	    "boot; up a; stop a; pass 10000; exit a 1; is a STOPPED");
	PLAY("r(0/10){a}",
	    "boot; up a; stop a; pass 10000; lost a; is a STOPPED");
	PLAY("r(0/10){a}",
	    "boot; up a; stop a; pass 10000; fails a 2; is a STOPPED");
}

RV_TEST(facts_while_stopping_change_nothing)
{
	PLAY("r{a}",
	    "boot; up a; stop a; forget; exists a; ready a; beat a; trigger a\n"
	    "interval a 5; probed a; stop a => -\n" /* 21 */
	    "is a STOPPING; pass 10000 => KILL a\n"
	    "exists a; ready a; beat a; trigger a; interval a 5; probed a\n"
	    "extend a 1; stop a => -\nis a STOPPING; pass 5000 => KILL a\n"
	    "down; is a STOPPED");
}

RV_TEST(start_while_stopping_starts_again_afterwards)
{
	PLAY("r{a}",
	    "boot; up a; stop a; start a; forget; is a STOPPING; exit a 0 => "
	    "launch a\n"
	    "said worker.exited a reason=asked decision=restart\n"
	    "said worker.stopped a; failures a 0");
	PLAY("r{a}",
	    "boot; up a; stop a; pass 10000; start a; forget; sig a 9 => "
	    "launch a");
}

RV_TEST(a_timed_out_start_that_is_then_stopped_counts_for_nothing)
{
	PLAY("r{a(timeout=500,retries=0)}",
	    "boot; exists a; pass 500; is a STOPPING; stop a; forget\n"
	    "exit a 1 => -\n"
	    "is a STOPPED; reason a asked; silent worker.fatal\n"
	    "said worker.stopped a why=operator");
	PLAY("r{a(timeout=500,retries=0)}", "boot; exists a; pass 500; restart "
					    "a; forget; exit a 1 => launch a\n"
					    "failures a 0");
	PLAY("r{a(timeout=500,retries=0)}",
	    "boot; exists a; pass 10500; stop a; start a; forget\n"
	    "sig a 9 => launch a\nfailures a 0");
	PLAY("r{a(timeout=500,retries=0)}",
	    "boot; exists a; pass 10500; restart a; forget\n"
	    "sig a 9 => launch a\nfailures a 0");
	PLAY("r{a(timeout=500,retries=0)}",
	    "boot; exists a; pass 500; killall; forget; sig a 9 => finished\n"
	    "reason a asked");
}

RV_TEST(every_state_can_be_stopped)
{
	PLAY("r{a}", "boot; exists a; forget; stop a => TERM a\n"
		     "armed arm a state 10000");
	PLAY("r{a(hb=1000:1)}",
	    "boot; up a; pass 1000; forget; stop a => TERM a\n"
	    "armed disarm a beat");
	PLAY("r{a(hb=1000:1,hbreport)}",
	    "boot; up a; pass 1000; probed a; forget; stop a => TERM a");
	PLAY("r{a}",
	    "boot; exists a; exit a 1; exists a; exit a 1; is a BACKOFF\n"
	    "forget; stop a => -\n"
	    "is a STOPPED; armed disarm a state; pass 60000 => -");
	PLAY("r{a b(on=a)}", "boot; is b WAITING for a; stop b; is b STOPPED; "
			     "up a; is b STOPPED");
	PLAY("r{a(T)}", "boot; up a; exit a 0; is a EXITED; stop a\n"
			"is a STOPPED; showed a STOPPED held");
	PLAY("r{a(retries=0)}",
	    "boot; exists a; exit a 1; is a FATAL; stop a; is a STOPPED\n"
	    "is r RUNNING");
}

RV_TEST(every_state_can_be_restarted)
{
	PLAY("r{a}", "boot; exists a; forget; restart a => TERM a\n"
		     "said worker.stopping a why=operator; down => launch a");
	PLAY("r{a}", "boot; up a; forget; restart a => TERM a\n"
		     "restart a => -\nis a STOPPING; down => launch a");
	PLAY("r{a(hb=1000:1)}",
	    "boot; up a; pass 1000; forget; restart a => TERM a\n"
	    "down => launch a");
	PLAY("r{a(hb=1000:1,hbreport)}",
	    "boot; up a; pass 1000; probed a; forget; restart a => TERM a\n"
	    "down => launch a");
	PLAY("r{a(stop=15:100)}",
	    "boot; up a; stop a; pass 100; forget; restart a => -\n"
	    "sig a 9 => launch a");
	PLAY("r{a(t)}", "boot; up a; forget; restart a => TERM a\n"
			"down => launch a");
	PLAY("r{a(retries=0)}",
	    "boot; exists a; exit a 1; forget; restart a => launch a");
	PLAY("r{a(T)}", "boot; up a; exit a 0; forget; restart a => launch a");
	PLAY("r{a}", "boot; up a; stop a; down; forget; restart a => launch a\n"
		     "showed a STARTING wanted");
	PLAY("r{a}",
	    "boot; exists a; exit a 1; exists a; exit a 1; is a BACKOFF\n"
	    "failures a 2; forget; restart a => launch a\n"
	    "failures a 0; armed disarm a state");
	PLAY("r{a}",
	    "boot; exists a; exit a 1; exists a; exit a 1; is a BACKOFF\n"
	    "forget; start a => launch a");
	PLAY("r{a}", "boot; forget; restart a => cancel a\n"
		     "is a STOPPING; exists a => TERM a\ndown => launch a");
}

RV_SUITE(core_stop, RV_CASE(a_stop_goes_through_its_steps_and_ends_in_kill),
    RV_CASE(a_worker_that_obeys_is_not_killed),
    RV_CASE(a_stop_without_steps_kills_at_once),
    RV_CASE(an_infinite_wait_is_waited_for),
    RV_CASE(a_launch_in_flight_is_taken_back_or_stopped_when_it_exists),
    RV_CASE(a_launch_that_was_taken_back_ended_because_it_was_asked),
    RV_CASE(a_stop_is_begun_once),
    RV_CASE(a_loss_before_its_turn_to_stop_is_recorded),
    RV_CASE(kill_all_kills_a_launch_in_flight_once_it_exists),
    RV_CASE(kill_all_kills_in_every_state),
    RV_CASE(hasten_ends_the_present_wait),
    RV_CASE(a_stopping_worker_may_ask_for_time),
    RV_CASE(a_death_in_the_middle_of_a_stop_is_absorbed),
    RV_CASE(facts_while_stopping_change_nothing),
    RV_CASE(start_while_stopping_starts_again_afterwards),
    RV_CASE(a_timed_out_start_that_is_then_stopped_counts_for_nothing),
    RV_CASE(every_state_can_be_stopped), RV_CASE(every_state_can_be_restarted))
