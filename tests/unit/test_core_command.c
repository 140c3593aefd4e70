/* SPDX-License-Identifier: MIT */
/* Operators and reloads: what they may ask for at any time, and what follows.
 */
#include "config.h"

#include "base/alloc.h"
#include "lib/harness.h"
#include "lib/rig.h"

#define PLAY(tree, ...) CU_ASSERT(rig_play(tree, __VA_ARGS__))

RV_TEST(autostart_false_waits_for_an_operator)
{
	PLAY("r{a(off) b}",
	    "boot => launch b\nup b; is r RUNNING, a STOPPED\n"
	    "start a => launch a\nis r RUNNING; up a; showed a RUNNING ready "
	    "wanted; restart r => TERM a, TERM b\n"
	    "down => launch a, launch b"); /* the wish lasts */
}

RV_TEST(a_held_unit_stays_down)
{
	PLAY("r{s{a b} c}",
	    "boot; settle; stop a; down; is a STOPPED, s RUNNING; forget\n"
	    "restart s => TERM b\ndown => launch b\nis a STOPPED; up b\n"
	    "replace a secs=5; change a secs=6 => -\nis a STOPPED; forget\n"
	    "start a => launch a\nshowed a STARTING wanted");
}

RV_TEST(stopping_a_supervisor_holds_it_and_not_its_children)
{
	PLAY("r{s{a b} c}",
	    "boot; settle; stop b; down; forget; stop s => TERM a\n"
	    "said worker.stopping a why=parent; is s STOPPING; down\n"
	    "is s STOPPED, a STOPPED, r RUNNING; showed s STOPPED held\n"
	    "forget; start s => launch a\nis b STOPPED; up a; is s RUNNING\n"
	    "said supervisor.ready s");
	PLAY("r{s{a}}", /* twice */
	    "boot; settle; forget; stop s; stop s => TERM a\ndown; stop s => "
	    "-\n"
	    "is s STOPPED, r RUNNING");
}

RV_TEST(a_child_started_under_a_stopped_supervisor_waits_for_it)
{
	PLAY("r{s{a b(off)}}",
	    "boot; settle; stop s; down; forget; start b => -\n"
	    "is b WAITING for s; start s => launch a, launch b");
	PLAY("r{s{a}}",
	    "boot; settle; stop s; down; start a; is a WAITING for s; forget\n"
	    "stop s; is a STOPPED; start a; stop a => -\nis a STOPPED\n"
	    "start s; is a STOPPED, s RUNNING");
	PLAY("r{s{a}}", /* while it goes down: with the next start */
	    "boot; settle; stop s; start a; forget; down => -\nis a STOPPED\n"
	    "start s => launch a");
	PLAY("r(1fa){s(off){a} b}",
	    "boot => launch b\nstart a => -\nis a WAITING for s");
}

RV_TEST(restarting_a_supervisor_stops_and_starts_its_subtree)
{
	PLAY("r{s(1fa,0/10){a b} c}",
	    "boot; settle; forget; restart s => TERM b\nis s STOPPING\n"
	    "sig b 15 => TERM a\nsig a 15 => launch a\n"
	    "said supervisor.stopped s reason=asked; restarts s 1; is s "
	    "STARTING");
	PLAY("r{s{a}}", "boot; settle; stop s; down; forget; restart s => "
			"launch a");
	PLAY("r{s{a}}", "boot; settle; stop s; forget; restart s; down => "
			"launch a");
	PLAY("r{s{a}}", "boot; settle; forget; restart r => TERM a\n"
			"down => launch a\nrestarts s 1; restarts r 1");
	/* instead of a failure */
	PLAY("r(0/10){s(0/10){a b}}",
	    "boot; settle; exit a 1; is s STOPPING; restart s; forget\n"
	    "down => launch a, launch b\nis r RUNNING");
}

RV_TEST(starting_a_supervisor_that_stops_starts_it_afterwards)
{
	PLAY("r{s{a}}",
	    "boot; settle; stop s; start s; forget; is s STOPPING; down => "
	    "launch a");
	PLAY("r{s{a}}", "boot; settle; forget; start s; start a => -\n"
			"is s RUNNING");
}

RV_TEST(the_root_may_be_stopped_and_started_without_an_end)
{
	PLAY("r{a}",
	    "boot; settle; stop r; forget; down => -\nis r STOPPED\n"
	    "start r => launch a\nstop r; exists a; forget; down => -\n"
	    "shutdown => finished");
}

RV_TEST(nothing_starts_once_the_tree_shuts_down)
{
	PLAY("r{a b(off)}",
	    "boot; settle; shutdown; forget; start b; start a; restart a\n"
	    "restart r; start r; down => finished\n"
	    "is a STOPPED, b STOPPED; start a => -");
}

RV_TEST(a_second_shutdown_changes_nothing)
{
	PLAY("r{a}", "boot; settle; forget; shutdown; shutdown => TERM a\n"
		     "down => finished\nshutdown; killall; hasten => -");
	PLAY("r{a}", "shutdown => finished"); /* before it began */
}

RV_TEST(a_root_that_gives_up_says_so_even_if_told_to_stop_meanwhile)
{
	PLAY("r(0/1){a b}", "boot; settle; exit a 1; shutdown; forget; down => "
			    "finished gave up");
}

RV_TEST(a_retired_unit_stops_and_is_gone)
{
	PLAY("r{a b c(on=b)}",
	    "boot; settle; forget; retire b => TERM b\n"
	    "said worker.stopping b why=reload; start b; restart b => -\n"
	    "sig b 15 => gone b\nis c RUNNING; exit c 1; is c STARTING");
	PLAY("r{a b(on=a)}", /* a wait for it ends */
	    "boot; is b WAITING for a; exists a; forget; retire a; down => "
	    "TERM a, gone a, launch b");
	PLAY("r{s{x y(off) u{}} b}",
	    "boot; settle; forget; retire s => TERM x\n"
	    "down => gone x, gone y, gone u, gone s\nis r RUNNING");
	PLAY("r{a(off)}", "boot; forget; retire a => gone a\nis r RUNNING");
	PLAY("r{a(retries=0)}",
	    "boot; fails a 2; is r STARTING; forget; retire a => gone a\n"
	    "is r RUNNING");
	PLAY("r{a}",
	    "boot; settle; shutdown; retire a; forget; down => gone a, "
	    "finished");
}

RV_TEST(a_group_heals_around_a_retired_unit)
{
	PLAY("r(1fa){a b c}",
	    "boot; is b WAITING for a, c WAITING for b; forget; retire b\n"
	    "is c WAITING for a; up a => gone b, launch c");
	PLAY("r(1fa){a b c}", /* the one that is being stopped */
	    "boot; settle; exit a 1; retire c; forget; down => gone c, "
	    "TERM b, launch a");
	PLAY("r(1fa){a b c}", /* the offender, in its delay */
	    "boot; settle; exit b 1; down; settle; exit b 1; down; forget\n"
	    "is b BACKOFF; retire b => gone b, launch a\nup a => launch c");
	PLAY("r(1fa){a b c}", /* the next in the sequence */
	    "boot; settle; shutdown; retire b; forget; sig c 15 => TERM b\n"
	    "sig b 15 => gone b, TERM a");
}

RV_TEST(an_added_unit_starts_in_its_place) /* 76 */
{
	PLAY("r(r1o){a c}",
	    "boot; settle; forget; add b r a => launch b\nis c RUNNING; up b\n"
	    "forget; exit b 1 => TERM c\nsig c 15 => launch b");
	PLAY("r{a}", "boot; settle; forget; add b(off) r a => -\n"
		     "start b => launch b");
	PLAY("r{a}", "boot; settle; forget; add b(on=a) r - => launch b");
	PLAY("r{s{a}}", "boot; settle; stop s; down; forget; add b s a => -\n"
			"is b STOPPED; start s => launch a, launch b");
	PLAY("r(1fa){a b}", /* in the middle of a group restart */
	    "boot; settle; exit a 1; forget; add c r b => -\n"
	    "down => launch a\nup a => launch b\nup b => launch c");
	PLAY("r{a}", "boot; settle; shutdown; forget; add b r a => -\n"
		     "down => finished");
}

RV_TEST(a_changed_policy_applies_without_touching_the_process) /* 75 */
{
	PLAY("r{a}",
	    "boot; settle; forget; replace a stop=3:500 => -\nis a RUNNING\n"
	    "stop a => QUIT a\npass 500 => KILL a");
	PLAY("r{a(off)}", "boot; forget; replace a auto => -\nis a STOPPED\n"
			  "restart r => launch a");
	PLAY("r(1fo){a b c}",
	    "boot; settle; replace r 1fa; forget; exit b 1 => TERM c\n"
	    "down => TERM a, launch a");
	PLAY("r(1fa){a b c}", "boot; is c WAITING; replace r 1fo => launch a, "
			      "launch b, launch c");
}

RV_TEST(a_changed_unit_is_restarted_once) /* 76 */
{
	PLAY("r(0/1){a(retries=0)}",
	    "boot; settle; forget; change a stop=3:500 => QUIT a\n"
	    "said worker.stopping a why=reload; down => launch a\nfailures a "
	    "0");
	PLAY("r{a}", "boot; exists a; exit a 1; exists a; exit a 1; is a "
		     "BACKOFF; forget\n"
		     "change a secs=5 => launch a\nfailures a 0");
	PLAY("r{a(retries=0)}",
	    "boot; fails a 2; is a FATAL; forget; change a secs=5 => launch a");
	PLAY("r{s{a}}", "boot; settle; forget; change s 3/9 => TERM a\n"
			"down => launch a");
	PLAY("r{a}", "boot; settle; shutdown; forget; change a secs=5 => -\n"
		     "down => finished");
}

RV_TEST(a_changed_unit_that_has_ended_starts_unless_it_is_held)
{
	PLAY("r{a(T)}", "boot; settle; exit a 0; is a EXITED; forget\n"
			"change a secs=5 => launch a\nis a STARTING");
	PLAY("r{a(T off)}",
	    "boot; start a; up a; exit a 0; is a EXITED; forget\n"
	    "change a secs=5,off => -\nis a EXITED");
	PLAY("r{a(T)}", "boot; settle; exit a 0; stop a; is a STOPPED; forget\n"
			"change a secs=5 => -\nis a STOPPED");
	PLAY("r{a}",
	    "boot; settle; stop a; down; forget; change a secs=5 => -\n"
	    "is a STOPPED; start a => launch a");
	PLAY("r{a(T)}",
	    "boot; settle; exit a 0; forget; replace a secs=5 => -\n"
	    "is a EXITED");
}

RV_TEST(a_change_during_a_group_restart_is_not_lost) /* 77 */
{
	PLAY("r(1fa){a b c}",
	    "boot; settle; exit a 1; change b stop=3:500; forget; sig c 15 => "
	    "QUIT b\n"
	    "down => launch a");
}

RV_TEST(dependencies_change_with_a_reload)
{
	struct rig *rig = rig_open("r{a b(on=a) c}");

	rig_boot(rig);
	CU_ASSERT(rig_is(rig, "b WAITING for a"));
	rig_up(rig, "c");
	rv_core_undepend(rig->core, rig_unit(rig, "b"));
	rv_core_depend(rig->core, rig_unit(rig, "b"), rig_unit(rig, "c"));
	rig_replace(rig, "b", "", false);
	CU_ASSERT(rig_is(rig, "b STARTING"));
	rig_close(rig);
}

RV_TEST(edges_move_to_a_larger_room)
{
	struct rig *rig = rig_open_up("r{a b(on=a) c(on=b)}");
	struct rv_unit *b = rig_unit(rig, "b");
	void *room = rv_alloc(1, rv_unit_room(b->policy, 20));

	CU_ASSERT_FALSE(rv_unit_fits(b, b->policy, 20));
	rv_unit_give_room(b, b->policy, 20, room);
	rig_find(rig, "b")->room = room;
	CU_ASSERT(rv_unit_fits(b, b->policy, 20));
	for (unsigned i = 0; i < 19; i++) {
		rv_core_depend(rig->core, b, rig_unit(rig, "a"));
	}
	rig_do(rig, "r", RV_EV_SHUTDOWN);
	CU_ASSERT(rig_did(rig, "TERM c"));
	rig_settle_down(rig);
	CU_ASSERT(rig_did(rig, "TERM b, TERM a, finished"));
	rig_close(rig);
}

RV_TEST(a_held_supervisor_can_be_held_before_the_boot)
{
	PLAY("r{s{a} b}", "stop s; boot => launch b\nup b; is r RUNNING\n"
			  "start s => launch a");
}

RV_SUITE(core_command, RV_CASE(autostart_false_waits_for_an_operator),
    RV_CASE(a_held_unit_stays_down),
    RV_CASE(stopping_a_supervisor_holds_it_and_not_its_children),
    RV_CASE(a_child_started_under_a_stopped_supervisor_waits_for_it),
    RV_CASE(restarting_a_supervisor_stops_and_starts_its_subtree),
    RV_CASE(starting_a_supervisor_that_stops_starts_it_afterwards),
    RV_CASE(the_root_may_be_stopped_and_started_without_an_end),
    RV_CASE(nothing_starts_once_the_tree_shuts_down),
    RV_CASE(a_second_shutdown_changes_nothing),
    RV_CASE(a_root_that_gives_up_says_so_even_if_told_to_stop_meanwhile),
    RV_CASE(a_retired_unit_stops_and_is_gone),
    RV_CASE(a_group_heals_around_a_retired_unit),
    RV_CASE(an_added_unit_starts_in_its_place),
    RV_CASE(a_changed_policy_applies_without_touching_the_process),
    RV_CASE(a_changed_unit_is_restarted_once),
    RV_CASE(a_changed_unit_that_has_ended_starts_unless_it_is_held),
    RV_CASE(a_change_during_a_group_restart_is_not_lost),
    RV_CASE(dependencies_change_with_a_reload),
    RV_CASE(edges_move_to_a_larger_room),
    RV_CASE(a_held_supervisor_can_be_held_before_the_boot))
