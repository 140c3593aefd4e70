/* SPDX-License-Identifier: MIT */
/* How many workers there are, and when: see sched_rig.h. */
#include "config.h"

#include "sched_rig.h"

SPEC(one_size_is_said_for_all_that_are_too_many,
    "pool min=1 max=4; up 0; submit a b c d e f; "
    "expect size 1, give a 0, size 4; up 1 2 3; "
    "expect give b 3, give c 2, give d 1")

SPEC(as_many_are_wanted_as_wait, "pool min=1 max=4; up 0; submit a b c; "
				 "expect size 1, give a 0, size 2")

SPEC(one_that_waits_too_long_is_given_another_worker,
    "pool min=1 max=4 grow=10ms; up 0; submit a b; "
    "expect size 1, give a 0; due 10ms; pass 9999; expect nothing; "
    "pass 1; expect size 2; up 1; expect give b 1")

SPEC(one_that_will_come_is_awaited_for_a_second,
    "pool min=1 max=4 grow=10ms; up 0; submit a b; "
    "expect size 1, give a 0; pass 10ms; expect size 2; due 1s; "
    "pass 999ms; expect nothing; pass 1ms; expect size 3")

SPEC(the_oldest_of_all_priorities_counts,
    "pool min=1 max=4 grow=10ms; up 0; rules p=5; submit a b; "
    "expect size 1, give a 0; pass 6ms; rules p=1; submit c; due 4ms; "
    "pass 4ms; expect size 2")

SPEC(what_was_put_back_waits_since_it_came,
    "pool min=2 max=4 grow=10ms; up 0 1; submit a b; "
    "expect size 2, give a 1, give b 0; pass 8ms; taken 0; down 1; "
    "expect nothing; due 1s; up 1; expect give a 1")

SPEC(a_rest_is_no_wait,
    "pool min=1 max=4 grow=10ms; rules retries=1 backoff=5s; up 0; "
    "submit a; expect size 1, give a 0; taken 0; pass 5ms; bad 0; pass 4s; "
    "expect nothing; submit b c; expect give b 0; pass 1s; expect size 2")

SPEC(no_more_than_max,
    "pool min=1 max=2 grow=10ms; up 0; submit a b c d e; "
    "expect size 1, give a 0, size 2; due never; pass 10s; expect nothing")

SPEC(nobody_grows_who_has_no_memory_to_give,
    "pool min=1 max=4 grow=10ms; up 0; submit a b c d; "
    "expect size 1, give a 0, size 3; refused a; expect nothing")

SPEC(who_was_idle_for_long_enough_ends,
    "pool min=1 max=3 idle=10s; up 0; submit a b c d; "
    "expect size 1, give a 0, size 3; up 1 2; expect give b 2, give c 1; "
    "pass 5ms; ends 0 1 2; "
    "expect give d 2, finish a good, finish c good, finish b good; "
    "pass 5ms; ends 2; expect finish d good; due 9995ms; pass 9994ms; "
    "expect nothing; pass 1ms; expect size 1; due never; "
    "has size=1 up=1 idle=1")

SPEC(one_idle_worker_is_one_too_many,
    "pool min=1 max=3 idle=10s; up 0; submit a b c d; "
    "expect size 1, give a 0, size 3; up 1 2; expect give b 2, give c 1; "
    "pass 5ms; ends 0; expect give d 0, finish a good; ends 0; "
    "expect finish d good; taken 1 2; pass 10s; expect nothing; "
    "has size=2; done 2; expect size 2, finish b good; submit e; "
    "expect give e 0; done 1; expect finish c good; has up=2")

SPEC(the_highest_place_is_given_nothing_any_more,
    "pool min=1 max=2 idle=1s; up 0; submit a b c; "
    "expect size 1, give a 0, size 2; up 1; expect give b 1; pass 5ms; "
    "ends 0; expect give c 0, finish a good; ends 0; "
    "expect finish c good; taken 1; pass 1s; expect nothing; done 1; "
    "submit d; expect give d 0, size 1, finish b good; submit e; "
    "expect nothing; down 1; expect nothing")

SPEC(more_work_gives_it_back_its_place,
    "pool min=1 max=2 idle=1s; up 0; submit a b c; "
    "expect size 1, give a 0, size 2; up 1; expect give b 1; pass 5ms; "
    "ends 0; expect give c 0, finish a good; ends 0; "
    "expect finish c good; taken 1; pass 1s; expect nothing; "
    "submit d e f; expect give d 0; done 1; "
    "expect give e 1, finish b good; has size=2")

SPEC(and_work_at_once_when_it_is_idle_there,
    "pool min=1 max=2 idle=1s; up 0; submit a b c; "
    "expect size 1, give a 0, size 2; up 1; expect give b 1; pass 5ms; "
    "ends 0; expect give c 0, finish a good; ends 0; expect finish c good; "
    "taken 1; pass 1s; submit d e f; done 1; "
    "expect give d 0, give e 1, finish b good")

SPEC(an_absent_worker_ends_first,
    "pool min=1 max=2 idle=1s; up 0; submit a b c; "
    "expect size 1, give a 0, size 2; up 1; expect give b 1; pass 5ms; "
    "ends 0; expect give c 0, finish a good; ends 0; taken 1; down 1; "
    "expect finish c good, finish b died; pass 1s; expect size 1; "
    "due never")

SPEC(min_workers_stay,
    "pool min=2 max=2 idle=1s; up 0 1; expect size 2; due never; "
    "pass 100s; expect nothing")

SPEC(a_pool_can_be_made_larger,
    "pool min=1 max=1 places=8; up 0; submit a b c; "
    "expect size 1, give a 0; resize 3 4; expect size 3; up 1 2 3; "
    "expect give b 2, give c 1; has up=3")

SPEC(and_smaller_from_the_top_as_they_become_idle,
    "pool min=4; up 0 1 2 3; expect size 4; submit a b; "
    "expect give a 3, give b 2; taken 2 3; resize 1 1; expect nothing; "
    "pass 5ms; done 2; expect finish b good; done 3; "
    "expect size 1, finish a good; submit c; expect give c 0; down 1 2 3; "
    "submit d; expect nothing")

SPEC(and_larger_again_before_anybody_went,
    "pool min=3; up 0 1 2; expect size 3; resize 1 1; resize 3 3; "
    "expect nothing; submit a b c; expect give a 2, give b 1, give c 0")

SPEC(or_after_they_were_asked_to,
    "pool min=2; up 0 1; expect size 2; resize 1 1; expect size 1; "
    "resize 2 2; expect size 2; submit a b; expect give a 0; down 1; "
    "up 1; expect give b 1")

SPEC(nonsense_sizes_are_bent,
    "pool min=1 max=2 places=4; up 0; expect size 1; resize 0 0; "
    "expect nothing; resize 9 3; expect size 3; resize 5 9; "
    "expect size 4; resize 2 1; expect size 1")

SPEC(who_comes_where_nobody_is_wanted_is_given_nothing,
    "pool min=2; up 0; expect size 2; resize 1 1; expect size 1; up 1; "
    "submit a b; expect give a 0; resize 2 2; expect size 2; down 1; "
    "up 1; expect give b 1")

SPEC(workers_come_again_by_themselves,
    "pool min=2 max=4 grow=10ms; up 0 1; expect size 2; down 0; down 1; "
    "expect nothing; pass 100s; submit a; expect nothing; due never; "
    "up 0; expect give a 0")

SPEC(a_terminated_pool_does_not_grow,
    "pool min=1 max=4 grow=10ms; up 0; submit a b c; drop; "
    "expect size 1, finish a cancelled, finish b cancelled, finish c "
    "cancelled; "
    "due never")

SPEC(counts_are_told,
    "pool min=3; rules retries=1 backoff=1s; up 0 1; expect size 3; "
    "submit a b c d; expect give a 1, give b 0; taken 0; "
    "has ready=2 held=1 running=1 resting=0 submitted=4 good=0 bad=0 up=2 "
    "idle=0 size=3 mean=0; "
    "pass 7ms; bad 0; "
    "has ready=2 running=0 resting=1 retried=1 mean=7000 idle=1; terminate; "
    "has ready=0 resting=0 bad=3 good=0 held=1; down 1; "
    "has held=0 bad=4 up=1")

SPEC(nobody_grows_while_there_is_no_memory,
    "pool min=1 max=4 grow=500; up 0; submit a; expect size 1, give a 0; "
    "pass 600; refused a; expect nothing; due 1ms; pass 1ms; "
    "expect give a 0")

RV_SUITE(pool_sizes, RV_CASE(one_size_is_said_for_all_that_are_too_many),
    RV_CASE(as_many_are_wanted_as_wait),
    RV_CASE(one_that_waits_too_long_is_given_another_worker),
    RV_CASE(one_that_will_come_is_awaited_for_a_second),
    RV_CASE(the_oldest_of_all_priorities_counts),
    RV_CASE(what_was_put_back_waits_since_it_came), RV_CASE(a_rest_is_no_wait),
    RV_CASE(no_more_than_max), RV_CASE(nobody_grows_who_has_no_memory_to_give),
    RV_CASE(who_was_idle_for_long_enough_ends),
    RV_CASE(one_idle_worker_is_one_too_many),
    RV_CASE(the_highest_place_is_given_nothing_any_more),
    RV_CASE(more_work_gives_it_back_its_place),
    RV_CASE(and_work_at_once_when_it_is_idle_there),
    RV_CASE(an_absent_worker_ends_first), RV_CASE(min_workers_stay),
    RV_CASE(a_pool_can_be_made_larger),
    RV_CASE(and_smaller_from_the_top_as_they_become_idle),
    RV_CASE(and_larger_again_before_anybody_went),
    RV_CASE(or_after_they_were_asked_to), RV_CASE(nonsense_sizes_are_bent),
    RV_CASE(who_comes_where_nobody_is_wanted_is_given_nothing),
    RV_CASE(workers_come_again_by_themselves),
    RV_CASE(a_terminated_pool_does_not_grow), RV_CASE(counts_are_told),
    RV_CASE(nobody_grows_while_there_is_no_memory))
