/* SPDX-License-Identifier: MIT */
/* Which task goes to which worker, and what becomes of it: see sched_rig.h. */
#include "config.h"

#include "pool/scheduler_priv.h"
#include "sched_rig.h"

/* -------- which one goes first -------- */

SPEC(the_first_thing_said_is_the_size,
    "pool min=2 max=4; submit a; expect size 2; up 0; expect give a 0")

SPEC(tasks_go_in_the_order_in_which_they_came,
    "pool min=1; up 0; submit a b c; expect size 1, give a 0; pass 5ms; "
    "ends 0; expect give b 0, finish a good; ends 0; "
    "expect give c 0, finish b good; ends 0; expect finish c good")

SPEC(a_lower_number_goes_before_all_others,
    "pool; up 0; rules p=7; submit a; rules p=0; submit b c; "
    "rules p=3; submit d; expect size 1, give b 0; pass 50ms; ends 0; "
    "expect give c 0, finish b good; ends 0; "
    "expect give d 0, finish c good; ends 0; "
    "expect give a 0, finish d good")

SPEC(who_was_busy_last_is_given_work_first,
    "pool min=3; up 0 1 2; expect size 3; submit a b; "
    "expect give a 2, give b 1; pass 5ms; ends 2; pass 5ms; ends 1; "
    "expect finish a good, finish b good; submit c; expect give c 1")

SPEC(without_workers_tasks_wait_for_ever,
    "pool min=2 max=4 grow=10ms; expect size 2; submit a b; due never; "
    "pass 1000s; expect nothing; up 1; expect give a 1; has ready=1")

/* -------- what waits behind another -------- */

SPEC(nothing_waits_behind_what_was_never_measured,
    "pool; up 0; submit a b; expect size 1, give a 0; has ready=1 held=1")

SPEC(as_many_short_tasks_as_50_us_cover_and_one_wait_behind,
    "pool; up 0; expect size 1; measured 10; submit a b c d e f g h i; "
    "expect give a 0, give b 0, give c 0, give d 0, give e 0, give f 0, give g "
    "0; "
    "has ready=2 held=7")

SPEC(one_task_of_a_millisecond_waits_behind_another,
    "pool; up 0; expect size 1; measured 1ms; submit a b c; "
    "expect give a 0, give b 0")

SPEC(none_of_more_than_a_millisecond_does,
    "pool; up 0; expect size 1; measured 1001; submit a b; "
    "expect give a 0")

SPEC(a_task_with_a_limit_waits_behind_no_other,
    "pool; up 0; expect size 1; measured 10; submit a; rules hard=1s; "
    "submit b; rules soft=1s; submit c; rules; submit d; "
    "expect give a 0; ends 0; expect give b 0, finish a good; ends 0; "
    "expect give c 0, give d 0, finish b good")

SPEC(nor_does_one_of_a_higher_number_pass_it,
    "pool; up 0; expect size 1; measured 10; submit a; "
    "rules hard=1s p=1; submit b; rules p=2; submit c; "
    "expect give a 0")

SPEC(who_is_free_comes_first_then_who_holds_least,
    "pool min=2; up 0 1; expect size 2; measured 10; submit a b c d e; "
    "expect give a 1, give b 0, give c 1, give d 0, give e 1; ends 1 1; "
    "submit f; expect give f 1, finish a good, finish c good")

SPEC(behind_a_long_task_nothing_is_left_waiting,
    "pool; up 0; expect size 1; measured 10; submit a b c; "
    "expect give a 0, give b 0, give c 0; taken 0; due 1ms; pass 999; "
    "expect nothing; pass 1; expect revoke c 0, revoke b 0; "
    "has ready=2 running=1; due never; pass 9s; expect nothing; done 0; "
    "expect give b 0, finish a good; is c ready")

SPEC(and_who_is_free_gets_it,
    "pool min=2; up 0; expect size 2; measured 10; submit a b; "
    "expect give a 0, give b 0; up 1; taken 0; expect nothing; pass 1ms; "
    "expect revoke b 0, give b 1")

SPEC(who_gets_on_keeps_what_he_has,
    "pool; up 0; expect size 1; measured 10; submit a b c d; "
    "expect give a 0, give b 0, give c 0, give d 0; pass 900; ends 0; "
    "expect finish a good; due 1ms; pass 900; ends 0; "
    "expect finish b good; due 1ms; pass 900; ends 0; due never; pass 1s; "
    "ends 0; expect finish c good, finish d good")

SPEC(what_cannot_be_revoked_had_begun,
    "pool min=2; up 0; expect size 2; measured 10; submit a b; "
    "expect give a 0, give b 0; up 1; taken 0; clings b; pass 1ms; "
    "expect revoke b 0; pass 1s; expect nothing; done 0; taken 0; done 0; "
    "expect finish a good, finish b good")

SPEC(a_slow_worker_keeps_the_first_that_it_did_not_begin,
    "pool min=2; up 0; expect size 2; measured 10; submit a b; "
    "expect give a 0, give b 0; up 1; pass 1ms; "
    "expect revoke b 0, give b 1; due never")

/* -------- deaths -------- */

SPEC(a_death_is_blamed_on_what_had_begun_alone,
    "pool; up 0; measured 10; submit a b c; "
    "expect size 1, give a 0, give b 0, give c 0; taken 0; down 0; "
    "expect finish a died; up 0; expect give b 0, give c 0")

SPEC(or_on_nobody,
    "pool; up 0; measured 10; submit a b; "
    "expect size 1, give a 0, give b 0; down 0; expect nothing; up 0; "
    "expect give a 0, give b 0; ends 0 0; "
    "expect finish a good, finish b good")

SPEC(between_two_tasks_it_is_on_nobody,
    "pool; up 0; measured 10; submit a b; "
    "expect size 1, give a 0, give b 0; ends 0; down 0; "
    "expect finish a good; up 0; expect give b 0")

SPEC(the_innocent_go_to_others_at_once_and_before_others,
    "pool min=2; up 0; expect size 2; measured 10; submit a b c; "
    "expect give a 0, give b 0, give c 0; measured 2ms; submit d; up 1; "
    "expect give d 1; submit e; taken 0; down 0; ends 1; "
    "expect give b 1, finish a died, finish d good; pass 1s; ends 1; "
    "expect give c 1, finish b good; is e ready")

SPEC(a_failure_is_the_end_without_retries,
    "pool; up 0; submit a; expect size 1, give a 0; taken 0; bad 0; "
    "expect finish a failed")

SPEC(a_retry_waits_longer_each_time,
    "pool; rules retries=3 backoff=10ms max=25ms; submit a; up 0; "
    "expect size 1, give a 0; taken 0; down 0; expect nothing; "
    "is a resting; due 10ms; up 0; pass 9ms; expect nothing; pass 1ms; "
    "expect give a 0; taken 0; bad 0; expect nothing; due 20ms; "
    "pass 20ms; expect give a 0; taken 0; bad 0; expect nothing; "
    "due 25ms; pass 25ms; expect give a 0; taken 0; bad 0; "
    "expect finish a failed; has retried=3")

SPEC(who_kills_its_worker_each_time_ends,
    "pool; rules retries=2; submit a; up 0; expect size 1, give a 0; "
    "taken 0; down 0; up 0; expect give a 0; taken 0; down 0; up 0; "
    "expect give a 0; taken 0; down 0; up 0; expect finish a died")

SPEC(a_retry_without_a_rest_is_behind_all_others,
    "pool; rules retries=2; submit a b; up 0; expect size 1, give a 0; "
    "pass 50ms; taken 0; bad 0; expect give b 0; ends 0; "
    "expect give a 0, finish b good")

SPEC(a_told_failure_is_no_death,
    "pool; rules retries=2 deaths; submit a b; up 0; "
    "expect size 1, give a 0; taken 0; bad 0; "
    "expect give b 0, finish a failed; taken 0; down 0; up 0; "
    "expect give b 0")

SPEC(rests_end_in_their_order,
    "pool min=3; up 0 1 2; expect size 3; rules retries=1 backoff=30ms; "
    "submit a; rules retries=1 backoff=10ms; submit b; "
    "rules retries=1 backoff=20ms; submit c; "
    "expect give a 2, give b 1, give c 0; taken 0 1 2; bad 2 1 0; "
    "due 10ms; pass 10ms; expect give b 0; due 10ms; pass 10ms; "
    "expect give c 1; due 10ms; cancel a; expect finish a cancelled; "
    "due never")

SPEC(a_worker_that_speaks_nonsense_is_not_believed,
    "pool min=2; nonsense 0; up 0; expect size 2; nonsense 0; nonsense 1; "
    "nonsense 9; submit a; expect give a 0; taken 0; done 0; nonsense 0; "
    "expect finish a good; down 7; up 99; doom 42; tire 42; doom 1; "
    "down 1; expect nothing")

SPEC(one_that_began_begins_nothing_else,
    "pool; up 0; expect size 1; measured 10; submit a b; "
    "expect give a 0, give b 0; taken 0; doom 0; "
    "expect revoke b 0, kill 0; submit c; expect nothing; down 0; "
    "expect finish a died; up 0; expect give b 0, give c 0")

SPEC(a_doomed_worker_may_still_have_ended_something,
    "pool; up 0; expect size 1; submit a; expect give a 0; taken 0; "
    "doom 0; expect kill 0; done 0; expect finish a good; doom 0; "
    "expect nothing; down 0; expect nothing; up 0; submit b; "
    "expect give b 0")

/* -------- limits -------- */

SPEC(over_its_hard_limit_a_task_is_killed,
    "pool; up 0; rules hard=20ms; submit a; expect size 1, give a 0; "
    "taken 0; due 20ms; pass 19999; expect nothing; pass 1; "
    "expect kill 0; due never; down 0; expect finish a timed-out")

SPEC(over_its_soft_limit_it_is_told_once,
    "pool; up 0; rules soft=10ms hard=20ms; submit a; "
    "expect size 1, give a 0; taken 0; due 10ms; pass 10ms; "
    "expect signal 0; due 10ms; pass 5ms; expect nothing; pass 5ms; "
    "expect kill 0; down 0; expect finish a timed-out")

SPEC(without_a_hard_limit_there_is_grace,
    "pool; up 0; rules soft=10ms grace=5ms; submit a; "
    "expect size 1, give a 0; taken 0; pass 10ms; expect signal 0; "
    "due 5ms; pass 5ms; expect kill 0")

SPEC(or_nobody_is_killed,
    "pool; up 0; rules soft=10ms; submit a; expect size 1, give a 0; "
    "taken 0; pass 10ms; expect signal 0; due never; pass 1000s; "
    "expect nothing; done 0; expect finish a good")

SPEC(who_comes_too_late_only_kills,
    "pool; up 0; rules soft=10ms hard=20ms; submit a; "
    "expect size 1, give a 0; taken 0; pass 1s; expect kill 0")

SPEC(who_ends_before_the_kill_is_said_is_spared,
    "pool; up 0; rules hard=20ms; submit a; expect size 1, give a 0; "
    "taken 0; pass 20ms; done 0; expect finish a good; submit b; "
    "expect give b 0")

SPEC(who_ends_before_the_signal_is_said_is_not_told,
    "pool; up 0; rules soft=20ms; submit a b; expect size 1, give a 0; "
    "taken 0; pass 20ms; done 0; expect give b 0, finish a good")

SPEC(what_ended_before_the_kill_came_has_ended_well,
    "pool; up 0; rules hard=20ms retries=5; submit a; "
    "expect size 1, give a 0; taken 0; pass 20ms; expect kill 0; done 0; "
    "down 0; expect finish a good")

SPEC(nobody_else_is_killed_by_a_kill,
    "pool; up 0; measured 10; rules hard=900; submit a; rules; "
    "submit b c; expect size 1, give a 0, give b 0, give c 0; taken 0; "
    "pass 900; expect revoke c 0, revoke b 0, kill 0; has ready=2; "
    "down 0; expect finish a timed-out; up 0; expect give b 0, give c 0")

SPEC(what_was_not_begun_in_its_time_goes_to_another,
    "pool min=2; up 0 1; rules hard=20ms retries=0; submit a; "
    "expect size 2, give a 1; pass 20ms; "
    "expect revoke a 1, kill 1, give a 0; due 20ms; ends 0; "
    "expect finish a good; down 1; expect nothing")

SPEC(or_it_had_begun_after_all,
    "pool; up 0; rules hard=20ms; submit a; expect size 1, give a 0; "
    "clings a; pass 20ms; expect revoke a 0, kill 0; taken 0; down 0; "
    "expect finish a timed-out")

SPEC(a_time_out_is_tried_again,
    "pool; up 0; rules hard=20ms retries=1; submit a; "
    "expect size 1, give a 0; taken 0; pass 20ms; expect kill 0; down 0; "
    "up 0; expect give a 0; due 20ms; taken 0; pass 20ms; expect kill 0; "
    "down 0; expect finish a timed-out")

SPEC(the_first_limit_of_many_is_due,
    "pool min=3; up 0 1 2; expect size 3; rules hard=30ms; submit a; "
    "rules hard=10ms; submit b; rules hard=20ms; submit c; "
    "expect give a 2, give b 1, give c 0; due 10ms; pass 10ms; taken 1; "
    "expect kill 1; due 10ms; ends 0; due 20ms; expect finish c good; "
    "ends 2; due never")

/* -------- cancels -------- */

SPEC(what_is_ready_is_cancelled_at_once,
    "pool; submit a b c; cancel b; expect size 1, finish b cancelled; "
    "up 0; expect give a 0; pass 5ms; ends 0; "
    "expect give c 0, finish a good")

SPEC(what_is_held_is_cancelled_once_it_is_revoked,
    "pool; up 0; measured 10; submit a b c; "
    "expect size 1, give a 0, give b 0, give c 0; cancel b; "
    "expect finish b cancelled; cancel a; expect finish a cancelled; "
    "ends 0; expect finish c good; has idle=1")

SPEC(what_runs_is_not_cancelled,
    "pool; up 0; submit a; expect size 1, give a 0; taken 0; keep a; "
    "done 0; expect finish a good; keep a; spare a")

SPEC(but_by_a_kill,
    "pool; up 0; measured 10; rules retries=9; submit a b; "
    "expect size 1, give a 0, give b 0; taken 0; kill a; cancel a; "
    "kill a; expect revoke b 0, kill 0; down 0; "
    "expect finish a cancelled; up 0; expect give b 0")

SPEC(even_when_it_ends_before,
    "pool; up 0; submit a; expect size 1, give a 0; taken 0; kill a; "
    "expect kill 0; done 0; expect finish a cancelled; down 0; "
    "expect nothing")

SPEC(and_spares_its_worker_then,
    "pool; up 0; submit a; expect size 1, give a 0; taken 0; kill a; "
    "done 0; expect finish a cancelled; submit b; expect give b 0")

SPEC(a_time_out_may_be_cancelled,
    "pool; up 0; rules hard=10ms retries=3; submit a; "
    "expect size 1, give a 0; taken 0; pass 10ms; expect kill 0; keep a; "
    "kill a; expect nothing; down 0; expect finish a cancelled")

SPEC(a_cancelled_worker_has_work_for_others,
    "pool min=2; up 0 1; expect size 2; submit a b c; "
    "expect give a 1, give b 0; taken 0 1; kill b; expect kill 0; down 0; "
    "expect finish b cancelled; up 0; expect give c 0")

/* -------- what is full, closed, broken -------- */

SPEC(a_full_pool_refuses,
    "pool waiting=2; submit a b; full c; up 0; expect size 1, give a 0; "
    "submit d; full e; cancel b; submit f; full g; continue h; full i")

SPEC(resting_tasks_wait_as_well,
    "pool waiting=1; up 0; rules retries=1 backoff=1s; submit a; "
    "expect size 1, give a 0; taken 0; bad 0; full b; pass 1s; "
    "expect give a 0; submit b")

SPEC(what_is_too_large_now_waits_for_a_moment,
    "pool min=2; up 0 1; submit a b; expect size 2, give a 1, give b 0; "
    "refused a; refused b; expect nothing; due 1ms; pass 999; "
    "expect nothing; pass 1; expect give b 0, give a 1; due never")

SPEC(or_until_something_has_ended,
    "pool min=2; up 0 1; submit a b; expect size 2, give a 1, give b 0; "
    "taken 1; refused b; expect nothing; done 1; "
    "expect give b 1, finish a good; due never")

SPEC(a_closed_pool_does_what_it_has,
    "pool; rules retries=1 backoff=10ms; submit a b; undrained; close; "
    "shut c; up 0; expect size 1, give a 0; pass 5ms; taken 0; bad 0; "
    "undrained; expect give b 0; ends 0; expect finish b good; "
    "continue d; expect give d 0; ends 0; expect finish d good; "
    "undrained; pass 10ms; expect give a 0; ends 0; undrained; "
    "expect finish a good; drained")

SPEC(what_goes_on_from_a_task_goes_first,
    "pool; submit a b; continue c; up 0; expect size 1, give c 0")

SPEC(drop_cancels_what_waits_and_lets_run_what_runs,
    "pool; up 0; measured 10; rules retries=3; submit a b c; "
    "expect size 1, give a 0, give b 0, give c 0; submit d; rules p=2; "
    "submit e; taken 0; drop; "
    "expect revoke c 0, revoke b 0, finish d cancelled, finish e cancelled, "
    "finish c cancelled, finish b cancelled; "
    "closed f; shut g; undrained; down 0; expect finish a died; drained")

SPEC(terminate_ends_all,
    "pool; up 0; measured 10; rules retries=3 backoff=1s; submit z; "
    "expect size 1, give z 0; taken 0; bad 0; submit a b c; "
    "expect give a 0, give b 0, give c 0; submit d; measured 10ms; "
    "terminate; expect kill 0, finish d cancelled, finish z cancelled; "
    "closed e; shut f; taken 0; undrained; down 0; "
    "expect finish a cancelled, finish b cancelled, finish c cancelled; "
    "drained")

SPEC(what_ends_after_terminate_is_cancelled_as_was_said,
    "pool; up 0; submit a; expect size 1, give a 0; taken 0; terminate; "
    "expect kill 0; done 0; expect finish a cancelled; drained")

SPEC(of_the_terminated_only_those_that_hold_something_are_killed,
    "pool min=3; up 0 1; expect size 3; submit a; expect give a 1; "
    "terminate; expect kill 1; terminate; close; broken; drop; "
    "expect nothing; down 1; expect finish a cancelled")

SPEC(a_broken_pool_ends_what_it_cannot_run,
    "pool; up 0; measured 10; rules retries=3; submit a b; "
    "expect size 1, give a 0, give b 0; rules retries=3 backoff=1s; "
    "submit c; broken; expect finish c broken; shut d; closed e; taken 0; "
    "down 0; expect finish a died, finish b broken; drained")

SPEC(a_broken_pool_can_be_terminated,
    "pool; up 0; submit a b; expect size 1, give a 0; broken; "
    "expect finish b broken; terminate; expect kill 0; down 0; "
    "expect finish a cancelled")

/* -------- lives of workers -------- */

SPEC(after_so_many_tasks_another_takes_its_place,
    "pool tasks=2; up 0; measured 10; submit a b c; "
    "expect size 1, give a 0, give b 0; ends 0; expect finish a good; "
    "ends 0; expect retire 0, finish b good; expect nothing; down 0; "
    "up 0; expect give c 0")

SPEC(a_tired_worker_ends_what_it_holds,
    "pool; up 0; measured 10; submit a b; "
    "expect size 1, give a 0, give b 0; tire 0; submit c; expect nothing; "
    "ends 0; expect finish a good; ends 0; "
    "expect retire 0, finish b good; down 0; up 0; expect give c 0")

SPEC(an_idle_tired_worker_ends_at_once,
    "pool; up 0; expect size 1; tire 0; expect retire 0; tire 0; "
    "expect nothing; submit a; expect nothing; down 0; up 0; "
    "expect give a 0")

SPEC(a_cancel_leaves_a_tired_worker_idle,
    "pool tasks=1; up 0; submit a b; expect size 1, give a 0; tire 0; "
    "cancel a; expect retire 0, finish a cancelled")

SPEC(a_cancel_behind_another_leaves_nobody_waiting,
    "pool; up 0; measured 10; submit a b; "
    "expect size 1, give a 0, give b 0; due 1ms; cancel b; due never; "
    "expect finish b cancelled")

SPEC(what_clings_to_a_killed_worker_is_not_waited_for,
    "pool; up 0; measured 10; submit a b; "
    "expect size 1, give a 0, give b 0; taken 0; clings b; kill a; "
    "expect revoke b 0, kill 0; due never; down 0; "
    "expect finish a cancelled; is b ready")

SPEC(nor_when_something_ends_there,
    "pool; up 0; measured 10; submit a b c; "
    "expect size 1, give a 0, give b 0, give c 0; taken 0; clings c; "
    "kill a; expect revoke c 0, kill 0; done 0; "
    "expect finish a cancelled; due never")

SPEC(an_answer_that_comes_late_is_an_answer,
    "pool; up 0; measured 10; submit a b c; "
    "expect size 1, give a 0, give b 0, give c 0; clings c; pass 1ms; "
    "expect revoke c 0; refused c; expect revoke b 0")

SPEC(a_kill_that_was_not_said_is_not_the_next_life_s,
    "pool; up 0; submit a; expect size 1, give a 0; taken 0; kill a; "
    "down 0; expect finish a cancelled; up 0; submit b; expect give b 0")

SPEC(a_refused_task_may_be_cancelled,
    "pool; up 0; submit a; expect size 1, give a 0; refused a; due 1ms; "
    "cancel a; expect finish a cancelled; due never")

/* Rests of one length after the other, some of them cancelled. */
RV_TEST(rests_end_in_their_order_whoever_is_cancelled)
{
	static struct rv_task tasks[2000];
	struct rv_sched sched = { 0 };
	unsigned left = 0, seed = 1;
	rv_time last = 0;

	for (size_t i = 0; i < RV_ARRAY_LEN(tasks); i++) {
		struct rv_task *other;

		seed = seed * 1103515245 + 12345;
		other = &tasks[(seed >> 8) % (i + 1)];
		tasks[i].at = (rv_time)(seed >> 4) % 1000 + 1;
		rv_rests_push(&sched, &tasks[i]);
		left++;
		if (i % 3 == 0 && other->state == RV_TASK_RESTING) {
			rv_rests_remove(&sched, other);
			other->state = RV_TASK_NEW;
			left--;
		}
	}
	CU_ASSERT(sched.n_resting == left);
	for (; sched.rests != NULL; left--) {
		struct rv_task *task = rv_task_of(sched.rests);

		CU_ASSERT(task->at >= last);
		last = task->at;
		rv_rests_remove(&sched, task);
		CU_ASSERT_FATAL(task->state == RV_TASK_RESTING);
		task->state = RV_TASK_NEW;
		if (left % 5 == 0 && sched.rests != NULL) {
			for (size_t i = left % 7; i < 2000; i += 97) {
				if (tasks[i].state == RV_TASK_RESTING) {
					rv_rests_remove(&sched, &tasks[i]);
					tasks[i].state = RV_TASK_NEW;
					left--;
					break;
				}
			}
		}
	}
	CU_ASSERT(left == 0 && sched.n_resting == 0);
}

RV_TEST(no_worker_holds_more_than_64)
{
	struct rv_task_rules rules = { .soft = RV_FOREVER, .hard = RV_FOREVER };
	struct rv_sched_options options = {
		.min = 1, .max = 1, .idle = RV_FOREVER, .grow_after = RV_FOREVER
	};
	static struct rv_task tasks[100];
	static struct rv_sched sched;
	struct rv_sched_worker worker;
	struct rv_sched_action action;
	uint16_t heap;
	unsigned gifts = 0;

	rv_sched_init(&sched, &options, &worker, &heap, 0);
	rv_sched_up(&sched, 0, 0);
	sched.mean = 1;
	for (size_t i = 0; i < 100; i++) {
		tasks[i] = (struct rv_task){ .rules = &rules };
		CU_ASSERT(rv_sched_submit(&sched, &tasks[i], 0) == REEVE_OK);
	}
	while (rv_sched_next(&sched, &action, 0)) {
		gifts += action.act == RV_SCHED_GIVE;
	}
	CU_ASSERT(gifts == RV_SCHED_HELD && worker.n_held == RV_SCHED_HELD);
}

RV_SUITE(pool_scheduler, RV_CASE(the_first_thing_said_is_the_size),
    RV_CASE(tasks_go_in_the_order_in_which_they_came),
    RV_CASE(a_lower_number_goes_before_all_others),
    RV_CASE(who_was_busy_last_is_given_work_first),
    RV_CASE(without_workers_tasks_wait_for_ever),
    RV_CASE(nothing_waits_behind_what_was_never_measured),
    RV_CASE(as_many_short_tasks_as_50_us_cover_and_one_wait_behind),
    RV_CASE(one_task_of_a_millisecond_waits_behind_another),
    RV_CASE(none_of_more_than_a_millisecond_does),
    RV_CASE(a_task_with_a_limit_waits_behind_no_other),
    RV_CASE(nor_does_one_of_a_higher_number_pass_it),
    RV_CASE(who_is_free_comes_first_then_who_holds_least),
    RV_CASE(behind_a_long_task_nothing_is_left_waiting),
    RV_CASE(and_who_is_free_gets_it), RV_CASE(who_gets_on_keeps_what_he_has),
    RV_CASE(what_cannot_be_revoked_had_begun),
    RV_CASE(a_slow_worker_keeps_the_first_that_it_did_not_begin),
    RV_CASE(a_death_is_blamed_on_what_had_begun_alone), RV_CASE(or_on_nobody),
    RV_CASE(between_two_tasks_it_is_on_nobody),
    RV_CASE(the_innocent_go_to_others_at_once_and_before_others),
    RV_CASE(a_failure_is_the_end_without_retries),
    RV_CASE(a_retry_waits_longer_each_time),
    RV_CASE(who_kills_its_worker_each_time_ends),
    RV_CASE(a_retry_without_a_rest_is_behind_all_others),
    RV_CASE(a_told_failure_is_no_death), RV_CASE(rests_end_in_their_order),
    RV_CASE(a_worker_that_speaks_nonsense_is_not_believed),
    RV_CASE(one_that_began_begins_nothing_else),
    RV_CASE(a_doomed_worker_may_still_have_ended_something),
    RV_CASE(over_its_hard_limit_a_task_is_killed),
    RV_CASE(over_its_soft_limit_it_is_told_once),
    RV_CASE(without_a_hard_limit_there_is_grace), RV_CASE(or_nobody_is_killed),
    RV_CASE(who_comes_too_late_only_kills),
    RV_CASE(who_ends_before_the_kill_is_said_is_spared),
    RV_CASE(who_ends_before_the_signal_is_said_is_not_told),
    RV_CASE(what_ended_before_the_kill_came_has_ended_well),
    RV_CASE(nobody_else_is_killed_by_a_kill),
    RV_CASE(what_was_not_begun_in_its_time_goes_to_another),
    RV_CASE(or_it_had_begun_after_all), RV_CASE(a_time_out_is_tried_again),
    RV_CASE(the_first_limit_of_many_is_due),
    RV_CASE(what_is_ready_is_cancelled_at_once),
    RV_CASE(what_is_held_is_cancelled_once_it_is_revoked),
    RV_CASE(what_runs_is_not_cancelled), RV_CASE(but_by_a_kill),
    RV_CASE(even_when_it_ends_before), RV_CASE(and_spares_its_worker_then),
    RV_CASE(a_time_out_may_be_cancelled),
    RV_CASE(a_cancelled_worker_has_work_for_others),
    RV_CASE(a_full_pool_refuses), RV_CASE(resting_tasks_wait_as_well),
    RV_CASE(what_is_too_large_now_waits_for_a_moment),
    RV_CASE(or_until_something_has_ended),
    RV_CASE(a_closed_pool_does_what_it_has),
    RV_CASE(what_goes_on_from_a_task_goes_first),
    RV_CASE(drop_cancels_what_waits_and_lets_run_what_runs),
    RV_CASE(terminate_ends_all),
    RV_CASE(what_ends_after_terminate_is_cancelled_as_was_said),
    RV_CASE(of_the_terminated_only_those_that_hold_something_are_killed),
    RV_CASE(a_broken_pool_ends_what_it_cannot_run),
    RV_CASE(a_broken_pool_can_be_terminated),
    RV_CASE(after_so_many_tasks_another_takes_its_place),
    RV_CASE(a_tired_worker_ends_what_it_holds),
    RV_CASE(an_idle_tired_worker_ends_at_once),
    RV_CASE(a_cancel_leaves_a_tired_worker_idle),
    RV_CASE(no_worker_holds_more_than_64),
    RV_CASE(a_cancel_behind_another_leaves_nobody_waiting),
    RV_CASE(what_clings_to_a_killed_worker_is_not_waited_for),
    RV_CASE(nor_when_something_ends_there),
    RV_CASE(an_answer_that_comes_late_is_an_answer),
    RV_CASE(a_kill_that_was_not_said_is_not_the_next_life_s),
    RV_CASE(a_refused_task_may_be_cancelled),
    RV_CASE(rests_end_in_their_order_whoever_is_cancelled))
