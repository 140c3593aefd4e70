/* SPDX-License-Identifier: MIT */
/* Who starts and stops when: dependencies, WAITING, sequences, readiness. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "lib/harness.h"
#include "lib/rig.h"

#define PLAY(tree, ...) CU_ASSERT(rig_play(tree, __VA_ARGS__))

RV_TEST(one_for_one_starts_all_at_once_but_for_dependencies) /* 2, amended */
{
	PLAY("r{a b(on=a) c d(on=b,on=c)}",
	    "boot => launch a, launch c\n"
	    "is b WAITING for a, d WAITING for b; unsettled 2\n"
	    "said worker.waiting b waiting_for=a; showed b WAITING wanted\n"
	    "up a => launch b\nup c => -\nup b => launch d\n"
	    "is r STARTING; up d; is r RUNNING");
}

RV_TEST(a_group_starts_one_after_the_other) /* 2 */
{
	PLAY("r(1fa){a b c}",
	    "boot => launch a\nis b WAITING for a, c WAITING for b; exists a\n"
	    "ready a => launch b\nup b => launch c\nis r STARTING; up c\n"
	    "is r RUNNING");
	PLAY("r(r1o){a b}", "boot => launch a\nup a => launch b");
}

RV_TEST(a_start_that_fails_holds_up_those_behind_it) /* 3, amended */
{
	PLAY("r(1fa){a b(retries=1,stay) c}",
	    "boot; up a; forget; fails b 2 => launch b\n"
	    "is a RUNNING, c WAITING for b; fails b 2 => launch c\n"
	    "is b FATAL, r STARTING; up c; is r STARTING");
	PLAY("r(1fa){a b(retries=0,esc) c}",
	    "boot; up a; forget; fails b 2 => TERM a\n"
	    "is c STOPPED; down => finished gave up");
}

RV_TEST(what_stays_down_satisfies_order_but_not_dependencies)
{
	PLAY("r(r1o){a(off) b}", "boot => launch b\nis a STOPPED");
	PLAY("r(r1o){a(T) b c}",
	    "boot; exists a; ready a; forget; is b STARTING; exit a 0 => -\n"
	    "is a EXITED; up b => launch c");
	PLAY("r(1fa){a b c}", "stop a; boot => launch b\nup b => launch c\n"
			      "is a STOPPED; up c; is r RUNNING");
	PLAY("r{a b(on=a)}", "stop a; boot => -\nis b WAITING for a; unsettled "
			     "0; is r STARTING\n"
			     "start a => launch a\nup a => launch b");
	PLAY("r{a(T) b(on=a)}",
	    "boot; settle; stop b; down; exit a 0; forget\n"
	    "start b => -\nis b WAITING for a; start a; up a => launch a, "
	    "launch b");
}

RV_TEST(dependencies_gate_starts_only)
{
	PLAY("r{a b(on=a)}",
	    "boot; up a; up b; forget; exit a 1 => launch a\nis b RUNNING\n"
	    "exit b 1 => -\nis b WAITING for a; up a => launch b");
}

RV_TEST(a_dependency_on_a_supervisor_needs_all_of_it)
{
	PLAY("r{s{x y} b(on=s)}",
	    "boot => launch x, launch y\nis b WAITING for s; up x => -\n"
	    "is s STARTING; up y => launch b\nsaid supervisor.ready s");
	PLAY("r{s{x(retries=0)} b(on=s)}",
	    "boot; fails x 2; is s STARTING, b WAITING for s; unsettled 0\n"
	    "start x; forget; up x => launch b");
	PLAY("r{s{} b(on=s)}", "boot => launch b");
	PLAY("r{s{x(off)} b(on=s)}", "boot => launch b");
	PLAY("r{s(off){x} b(on=s)}",
	    "boot => -\nis s STOPPED, b WAITING for s; start s => launch x");
}

RV_TEST(a_dependency_reaches_across_the_tree)
{
	PLAY("r{s{a(on=y)} u{x y}}",
	    "boot => launch x, launch y\nis a WAITING for y; up y => launch a\n"
	    "up a; up x; forget; shutdown => TERM a, TERM x\n"
	    "sig a 15 => TERM y");
	PLAY("r{s(on=t){a} t{b}}",
	    "boot => launch b\nis s WAITING for t, a STOPPED\n"
	    "said worker.waiting s waiting_for=t; up b => launch a\n"
	    "up a; forget; shutdown => TERM a\nsig a 15 => TERM b");
}

RV_TEST(one_for_one_stops_all_at_once_in_reverse_of_dependencies)
{
	PLAY("r{a b(on=a) c(on=b) d}",
	    "boot; settle; forget; shutdown => TERM c, TERM d\n"
	    "is a RUNNING, b RUNNING, r STOPPING; said worker.stopping c "
	    "why=shutdown; sig d 15 => -\n"
	    "sig c 15 => TERM b\nsig b 15 => TERM a\nsig a 15 => finished");
}

RV_TEST(a_group_stops_in_reverse_one_after_the_other) /* 13 */
{
	PLAY("r(1fa){a b c}",
	    "boot; settle; forget; shutdown => TERM c\npass 10000 => KILL c\n"
	    "sig c 9 => TERM b\nsig b 15 => TERM a\nsig a 15 => finished");
	/* nested: a supervisor's turn comes with its place */
	PLAY("r(1fa){s{x y} b}",
	    "boot; settle; forget; shutdown => TERM b\n"
	    "is x RUNNING, s RUNNING; sig b 15 => TERM x, TERM y\n"
	    "sig x 15 => -\nsig y 15 => finished\n"
	    "said supervisor.stopped s; said supervisor.stopped r");
}

RV_TEST(a_death_before_its_turn_to_stop_is_absorbed)
{
	PLAY("r(1fa,0/10){a b}",
	    "boot; settle; forget; shutdown => TERM b\nexit a 1 => -\n"
	    "is a STOPPED; said worker.exited a reason=exited decision=none\n"
	    "sig b 15 => finished");
	PLAY("r(1fa){s(0/10){x y} b}",
	    "boot; settle; forget; shutdown; exit x 1; sig b 15 => TERM b, "
	    "TERM y");
	PLAY("r(1fa){a b}", /* likewise in every state */
	    "boot; settle; restart a; down; exists a; forget; shutdown => TERM "
	    "b\n"
	    "is a STARTING; exit a 1 => -\nis a STOPPED; failures a 0");
	PLAY("r(1fa){a(secs=0) b}",
	    "boot; exists a; shutdown; forget; fails a 2 => -\nis a STOPPED\n"
	    "fails b 2 => finished");
	PLAY("r{a b(on=a)}",
	    "boot; settle; shutdown; forget; lost a => -\nis a STOPPED\n"
	    "failures a 0; sig b 15 => finished");
	PLAY("r{a(timeout=never) b(on=a)}",
	    "boot; settle; exit a 1; shutdown; forget; fails a 2; sig b 15 "
	    "=> finished\nfailures a 0");
	PLAY("r{a(timeout=never) b(on=a)}",
	    "boot; settle; exit a 1; exists a; shutdown; is a STARTING\n"
	    "forget; exit a 1 => -\nis a STOPPED; failures a 0");
	PLAY("r{a b(on=a)}",
	    "boot; settle; exit a 1; shutdown; is a STARTING; forget\n"
	    "lost a => -\nis a STOPPED");
}

RV_TEST(what_waits_or_backs_off_goes_down_at_once)
{
	PLAY("r(1fa){a b c}",
	    "boot; is b WAITING, c WAITING; forget; shutdown => cancel a\n"
	    "is b STOPPED, c STOPPED; showed b STOPPED; exists a => TERM a\n"
	    "down => finished");
	PLAY("r{s(on=a){x} a}",
	    "boot; is s WAITING; stop s; is s STOPPED; showed s STOPPED held\n"
	    "up a; is s STOPPED; forget; start s => launch x");
}

RV_TEST(waiting_is_recorded_once_for_each_cause)
{
	struct rig *rig = rig_open("r{a b c(on=a,on=b)}");

	rig_boot(rig);
	CU_ASSERT_EQUAL(rig_count(rig, "worker.waiting c waiting_for=a"), 1);
	rig_up(rig, "a");
	CU_ASSERT_EQUAL(rig_count(rig, "worker.waiting c waiting_for=b"), 1);
	rig_exists(rig, "b");
	CU_ASSERT_EQUAL(rig_count(rig, "worker.waiting c"), 2);
	CU_ASSERT(rig_is(rig, "c WAITING for b"));
	rig_up(rig, "b");
	CU_ASSERT_PTR_NULL(rig_unit(rig, "c")->waiting_for);
	rig_close(rig);
}

RV_TEST(readiness_follows_the_children)
{
	PLAY("r{s{a b} c}",
	    "boot; settle; is s RUNNING, r RUNNING; forget; exit a 1\n"
	    "is s RUNNING; showed s RUNNING wanted; showed r RUNNING wanted\n"
	    "forget; up a; showed r RUNNING ready wanted\n"
	    "silent supervisor.ready");
}

/* How many summaries an event at one of n children looks at. */
static double
cost(unsigned n)
{
	char *tree = rv_alloc(n + 1, 16);
	struct rig *rig;
	size_t fuel;

	RV_ASSERT(tree != NULL);
	snprintf(tree, 16, "r{");
	for (unsigned i = 0; i < n; i++) {
		size_t len = strlen(tree);

		snprintf(tree + len, 16, "w%u ", i);
	}
	snprintf(tree + strlen(tree), 2, "}");
	rig = rig_open(tree);
	rig->quiet = true;
	rig_boot(rig);
	rig_settle_up(rig);
	fuel = 256 * (rig->core->n_units + 1);
	rig_exit(rig, "w1", 1);
	fuel -= rig->core->fuel;
	rig_close(rig);
	rv_free(tree);
	return (double)fuel;
}

RV_TEST(an_event_at_one_of_a_thousand_costs_as_at_one_of_ten)
{
	CU_ASSERT_EQUAL(cost(10), cost(1000));
}

RV_SUITE(core_order,
    RV_CASE(one_for_one_starts_all_at_once_but_for_dependencies),
    RV_CASE(a_group_starts_one_after_the_other),
    RV_CASE(a_start_that_fails_holds_up_those_behind_it),
    RV_CASE(what_stays_down_satisfies_order_but_not_dependencies),
    RV_CASE(dependencies_gate_starts_only),
    RV_CASE(a_dependency_on_a_supervisor_needs_all_of_it),
    RV_CASE(a_dependency_reaches_across_the_tree),
    RV_CASE(one_for_one_stops_all_at_once_in_reverse_of_dependencies),
    RV_CASE(a_group_stops_in_reverse_one_after_the_other),
    RV_CASE(a_death_before_its_turn_to_stop_is_absorbed),
    RV_CASE(what_waits_or_backs_off_goes_down_at_once),
    RV_CASE(waiting_is_recorded_once_for_each_cause),
    RV_CASE(readiness_follows_the_children),
    RV_CASE(an_event_at_one_of_a_thousand_costs_as_at_one_of_ten))
