/* SPDX-License-Identifier: MIT */
/* Group strategies, significance, and shutting down by itself. */
#include "config.h"

#include "lib/harness.h"
#include "lib/rig.h"

#define PLAY(tree, ...) CU_ASSERT(rig_play(tree, __VA_ARGS__))

RV_TEST(one_for_all_stops_and_starts_everyone_in_order) /* 41, 35 */
{
	PLAY("r(1fa,1/3600){a b c d e}",
	    "boot; settle; forget; exit b 1 => TERM e\n"
	    "said supervisor.restarting r cause=b strategy=one_for_all "
	    "count=5\n"
	    "said worker.exited b decision=restart; is r STARTING\n"
	    "said worker.stopping e why=group; is b WAITING; unsettled 2\n"
	    "sig e 15 => TERM d\nsig d 15 => TERM c\nsig c 15 => TERM a\n"
	    "is a STOPPING, e STOPPED; sig a 15 => launch a\n"
	    "is b WAITING for a; up a => launch b\nup b => launch c\n"
	    "up c => launch d\nup d => launch e\nup e => -\n"
	    "is r RUNNING; said supervisor.ready r\n"
	    "forget; exit a 1; down => TERM e, TERM d, TERM c, TERM b, "
	    "finished gave up");
}

RV_TEST(rest_for_one_restarts_those_behind_the_offender) /* 42 */
{
	PLAY("r(r1o){a b c d}",
	    "boot; settle; forget; exit b 1 => TERM d\n"
	    "said supervisor.restarting r cause=b strategy=rest_for_one "
	    "count=3\n"
	    "sig d 15 => TERM c\nsig c 15 => launch b\n"
	    "is a RUNNING; up b => launch c\nup c => launch d");
}

RV_TEST(rest_for_one_at_the_ends) /* 43 */
{
	PLAY("r(r1o){a b c}",
	    "boot; settle; forget; exit c 1 => launch c\nis a RUNNING\n"
	    "up c; exit a 1 => TERM c\nsig c 15 => TERM b\n"
	    "sig b 15 => launch a");
}

RV_TEST(the_group_starts_after_the_offenders_delay)
{
	PLAY("r(1fa){a b}",
	    "boot; settle; exit b 1; down; up a; up b; forget\n"
	    "exit b 1 => TERM a\n"
	    "is b BACKOFF; said worker.backoff b delay_ms=100\n"
	    "sig a 15 => -\nis a STOPPED; pass 99 => -\npass 1 => launch a\n"
	    "up a => launch b");
	PLAY("r(1fa){a b}", /* and only when all are down */
	    "boot; settle; exit b 1; down; up a; up b; forget\n"
	    "exit b 1 => TERM a\npass 5000 => -\n"
	    "is b WAITING for a; sig a 15 => launch a");
	PLAY("r(1fa){a b}", /* an operator does not wait */
	    "boot; settle; exit b 1; down; up a; up b; exit b 1; down; forget\n"
	    "is b BACKOFF; start b => launch a\nup a => launch b");
	PLAY("r(1fa){a b}", /* or does not want it any more */
	    "boot; settle; exit b 1; down; up a; up b; exit b 1; down; forget\n"
	    "stop b => launch a\nup a => -\nis r RUNNING, b STOPPED");
	PLAY("r(1fa){a s(0/10){x}}", /* a supervisor as the offender */
	    "boot; settle; exit x 1; down; settle; exit x 1; forget; down => "
	    "-\n"
	    "is s BACKOFF, a STOPPED; pass 100 => launch a\nup a => launch x");
}

RV_TEST(a_sibling_that_fails_its_start_retries_alone) /* 45, 46, 47 amended */
{
	PLAY("r(1fa,1/3600){a b c}",
	    "boot; settle; exit a 1; down; up a; forget; exists b\n"
	    "exit b 1 => launch b\n"
	    "is a RUNNING, c WAITING for b; failures b 1; restarts a 1\n"
	    "up b => launch c\nup c; is r RUNNING");
	PLAY("r(r1o,1/3600){a b(retries=1)}",
	    "boot; settle; exit a 1; down; up a; fails b 2; fails b 2\n"
	    "is a RUNNING, b FATAL");
}

RV_TEST(bystanders_budgets_are_left_alone)
{
	PLAY("r(1fa){a b(retries=2) c}",
	    "boot; up a; exists b; exit b 1; failures b 1; exists b; forget\n"
	    "exit a 1 => TERM b\nsig b 15 => launch a\nfailures b 1\n"
	    "up a => launch b\nexit b 1; failures b 2; is b BACKOFF");
	PLAY("r(1fa){a b(retries=0,stay)}", /* a fatal one starts afresh */
	    "boot; up a; exists b; exit b 1; is b FATAL; forget\n"
	    "exit a 1 => launch a\nup a => launch b\nfailures b 0");
}

RV_TEST(temporary_bystanders_are_gone) /* 29 */
{
	PLAY("r(1fa){a t(t) b}",
	    "boot; settle; forget; exit a 1; down => TERM b, TERM t, launch a\n"
	    "is t STOPPED; up a => launch b\nup b; is r RUNNING, t STOPPED\n"
	    "start t; is t STARTING");
	PLAY("r(1fa){a t(t)}", /* it causes none either */
	    "boot; settle; forget; exit t 1 => -\nis t EXITED, a RUNNING\n"
	    "exit a 1 => launch a\nup a; is t EXITED");
}

RV_TEST(ended_bystanders_come_back) /* 1.5 */
{
	PLAY("r(1fa){a t(T)}", "boot; settle; exit t 0; is t EXITED; forget; "
			       "exit a 1 => launch a\n"
			       "up a => launch t");
}

RV_TEST(held_units_stay_down_through_group_restarts) /* 49 */
{
	PLAY("r(1fa){a b c}",
	    "boot; settle; stop c; down; forget; exit a 1 => TERM b\n"
	    "down => launch a\nup a => launch b\nup b; is c STOPPED, r "
	    "RUNNING");
	PLAY("r(1fa){a b c}", /* held in the middle of it */
	    "boot; settle; exit a 1; is c STOPPING; stop c; forget; down => "
	    "TERM b, launch a\n"
	    "up a; up b; is c STOPPED, r RUNNING");
	PLAY("r(1fa){a b c}", /* and let go in the middle of it */
	    "boot; settle; exit a 1; stop c; start c; is c STOPPING; down\n"
	    "up a; up b; forget; is c STARTING");
	PLAY("r(1fa){a b(off)}",
	    "boot; up a; forget; exit a 1 => launch a\nup a; is b STOPPED");
	PLAY("r(r1o){a b c}", /* a stop of its own, not in the sequence */
	    "boot; settle; exit b 1; is c STOPPING; forget; stop a => TERM a\n"
	    "sig c 15 => -\nis b WAITING for a; sig a 15 => launch b");
}

RV_TEST(group_stops_absorb_deaths)
{
	PLAY("r(1fa,1/3600){a b c}",
	    "boot; settle; exit a 1; forget; exit b 7; sig c 15 => launch a\n"
	    "said worker.exited b decision=none; up a; up b; up c\n"
	    "is r RUNNING");
	PLAY("r(r1o,2/3600){a b c}", /* a wider restart takes over */
	    "boot; settle; exit b 1; forget; exit a 1 => -\n"
	    "said supervisor.restarting r cause=a count=3; is b STOPPED\n"
	    "sig c 15 => launch a\nup a => launch b\nup b => launch c");
}

RV_TEST(a_group_restart_takes_nested_supervisors_along)
{
	PLAY("r(1fa){s(1fa){x y} b}",
	    "boot; settle; forget; exit b 1 => TERM y\nsig y 15 => TERM x\n"
	    "sig x 15 => launch x\n"
	    "said worker.stopping y why=parent; restarts s 1\n"
	    "up x => launch y\nup y => launch b");
}

RV_TEST(giving_up_in_a_group_stops_in_order) /* 53 */
{
	PLAY("r(1fa,1/3600){s(1fa,0/10){a b} u(1fa,0/10){x y}}",
	    "boot; settle; forget; exit x 1 => TERM y\nsig y 15 => TERM b\n"
	    "said supervisor.gave_up u cause=x\n"
	    "said supervisor.restarting r cause=u; sig b 15 => TERM a\n"
	    "sig a 15 => launch a\nup a => launch b\nup b => launch x\n"
	    "up x => launch y");
}

RV_TEST(shutdown_in_the_middle_of_a_group_restart)
{
	PLAY("r(1fa){a b c}",
	    "boot; settle; exit a 1; forget; shutdown => -\nis a STOPPED\n"
	    "sig c 15 => TERM b\nsig b 15 => finished");
	PLAY("r(1fa){s(1fa){a b} c}", "boot; settle; exit a 1; is b STOPPING; "
				      "forget; shutdown => TERM c\n"
				      "sig b 15 => -\nsig c 15 => finished");
	PLAY("r(1fa){a b}", /* in the offender's delay */
	    "boot; settle; exit b 1; down; up a; up b; exit b 1; down; forget\n"
	    "is b BACKOFF; shutdown => finished\nis b STOPPED");
}

RV_TEST(it_is_told_once_when_the_whole_group_is_down)
{
	PLAY("r(1fa){a b c}",
	    "boot; settle; forget; exit b 1; silent group.down\n"
	    "sig c 15; silent group.down; sig a 15; once group.down r\n"
	    "settle; once group.down r; forget; exit a 1; down; "
	    "once group.down r");
	PLAY("r(r1o){a b c}", /* the first of them runs on */
	    "boot; settle; forget; exit b 1; sig c 15; once group.down r\n"
	    "is a RUNNING");
	PLAY("r(1fa){a b}", /* once the offender's delay is over */
	    "boot; settle; exit b 1; down; settle; exit b 1; forget; down\n"
	    "is b BACKOFF; silent group.down; pass 100; once group.down r");
	PLAY("r(1fa){s{x y} b}", /* what is below counts as well */
	    "boot; settle; forget; exit b 1; sig y 15; silent group.down\n"
	    "sig x 15; once group.down r");
	PLAY("r{a b}", "boot; settle; forget; exit a 1; silent group.down");
	PLAY("r(1fa){a b}", /* not when it is cut short */
	    "boot; settle; forget; exit a 1; shutdown; down\n"
	    "silent group.down");
	PLAY("r(r1o,2/3600){a b c}", /* one for two that became one */
	    "boot; settle; forget; exit b 1; exit a 1; sig c 15\n"
	    "once group.down r");
}

RV_TEST(what_is_not_significant_shuts_nothing_down) /* 65 */
{
	static const char *const trees[] = { "r{a(t) b(T)}",
		"r(any){a(t) b(T)}", "r(all){a(t) b(T)}" };

	for (size_t i = 0; i < RV_ARRAY_LEN(trees); i++) {
		PLAY(trees[i], "boot; settle; forget; exit a 1; exit b 0 => -\n"
			       "is r RUNNING, a EXITED, b EXITED");
	}
}

RV_TEST(any_significant_temporary_end_shuts_down) /* 66 */
{
	PLAY("r(any){a(t,sig) b}",
	    "boot; settle; stop a; down; is r RUNNING; start a; settle\n"
	    "forget; exit a 1 => TERM b\n"
	    "said worker.exited a decision=shutdown; is r STOPPING\n"
	    "down => finished\nis r EXITED, a EXITED, b STOPPED\n"
	    "said supervisor.stopped r reason=auto");
	PLAY("r(any){a(t,sig) b}",
	    "boot; settle; forget; exit a 0; down => TERM b, finished");
	PLAY("r(any){a(t,sig) b}", "boot; settle; forget; lost a => TERM b");
	PLAY("r(any){a(t,sig) b}",
	    "boot; exists a; up b; forget; exit a 1 => TERM b");
	PLAY("r(any){a(t,sig) b}", "boot; up b; forget; fails a 2 => TERM b");
	PLAY("r(any){a(t,sig) b}",
	    "boot; up b; up a; trigger a; forget; sig a 15 => TERM b");
}

RV_TEST(any_significant_transient_end_shuts_down_unless_it_crashed) /* 67 */
{
	PLAY("r(any){a(T,sig) b}",
	    "boot; settle; forget; sig a 9 => launch a\nup a; exit a 0 => "
	    "TERM b\ndown => finished");
}

RV_TEST(a_significant_bystander_shuts_nothing_down) /* 69 */
{
	PLAY("r(1fa,any){a b(t,sig) c(T,sig)}",
	    "boot; settle; forget; exit a 1; down => TERM c, TERM b, launch a\n"
	    "up a; up c; is r RUNNING");
}

RV_TEST(shutdowns_chain_through_significant_supervisors) /* 70 */
{
	PLAY("r(any){s(T,sig,any){a(t,sig)} b}",
	    "boot; settle; forget; exit a 0 => TERM b\nis s EXITED\n"
	    "down => finished");
	PLAY("r(any){s(T,any){a(t,sig)} b}",
	    "boot; settle; forget; exit a 0 => -\n"
	    "is s EXITED, r RUNNING, b RUNNING");
	PLAY("r{s(any){a(t,sig)} b}", /* permanent: again and again */
	    "boot; settle; forget; exit a 0 => launch a\nis s STARTING");
	PLAY("r(any){s(t,sig,0/1){a} b}",
	    "boot; settle; forget; exit a 0 => TERM b\nis s FATAL");
}

RV_TEST(all_significant_ones_must_have_ended) /* 73 */
{
	PLAY("r(all){a(T,sig) b(T,sig) c}",
	    "boot; settle; forget; exit a 0 => -\nis r RUNNING\n"
	    "exit b 1; up b; exit b 1; is b BACKOFF; start a; settle; forget\n"
	    "exit a 0 => -\nis b BACKOFF, r RUNNING; pass 100; up b; forget\n"
	    "exit b 0 => TERM c\n"
	    "said worker.exited b decision=shutdown");
}

RV_SUITE(core_group, RV_CASE(one_for_all_stops_and_starts_everyone_in_order),
    RV_CASE(rest_for_one_restarts_those_behind_the_offender),
    RV_CASE(rest_for_one_at_the_ends),
    RV_CASE(the_group_starts_after_the_offenders_delay),
    RV_CASE(a_sibling_that_fails_its_start_retries_alone),
    RV_CASE(bystanders_budgets_are_left_alone),
    RV_CASE(temporary_bystanders_are_gone), RV_CASE(ended_bystanders_come_back),
    RV_CASE(held_units_stay_down_through_group_restarts),
    RV_CASE(group_stops_absorb_deaths),
    RV_CASE(a_group_restart_takes_nested_supervisors_along),
    RV_CASE(giving_up_in_a_group_stops_in_order),
    RV_CASE(shutdown_in_the_middle_of_a_group_restart),
    RV_CASE(it_is_told_once_when_the_whole_group_is_down),
    RV_CASE(what_is_not_significant_shuts_nothing_down),
    RV_CASE(any_significant_temporary_end_shuts_down),
    RV_CASE(any_significant_transient_end_shuts_down_unless_it_crashed),
    RV_CASE(a_significant_bystander_shuts_nothing_down),
    RV_CASE(shutdowns_chain_through_significant_supervisors),
    RV_CASE(all_significant_ones_must_have_ended))
