/* SPDX-License-Identifier: MIT */
/* What follows from how two generations of a worker stand: all there is. */
#include "config.h"

#include <stdio.h>

#include "lib/harness.h"
#include "super/overlap.h"

static struct rv_overlap_view
view_of(unsigned bits)
{
	return (struct rv_overlap_view){
		.old_goes = (bits & 1) != 0,
		.old_wanted = (bits & 2) != 0,
		.old_up = (bits & 4) != 0,
		.new_ready = (bits & 8) != 0,
		.new_failed = (bits & 16) != 0,
	};
}

RV_TEST(lives_are_exchanged_only_while_both_are_up)
{
	for (unsigned bits = 0; bits < 32; bits++) {
		struct rv_overlap_view v = view_of(bits);
		enum rv_overlap_step step = rv_overlap_judge(&v);

		CU_ASSERT_EQUAL(step == RV_OVERLAP_TAKE_OVER,
		    !v.old_goes && v.old_wanted && v.old_up && v.new_ready &&
			!v.new_failed);
	}
}

RV_TEST(one_that_failed_is_never_waited_for)
{
	for (unsigned bits = 0; bits < 32; bits++) {
		struct rv_overlap_view v = view_of(bits);

		CU_ASSERT(
		    !v.new_failed || rv_overlap_judge(&v) != RV_OVERLAP_WAIT);
	}
}

RV_TEST(an_old_one_that_is_to_stay_is_never_left_without_its_spec)
{
	for (unsigned bits = 0; bits < 32; bits++) {
		struct rv_overlap_view v = view_of(bits);
		enum rv_overlap_step step = rv_overlap_judge(&v);

		CU_ASSERT_EQUAL(step == RV_OVERLAP_DROP, v.old_goes);
		CU_ASSERT_EQUAL(
		    step == RV_OVERLAP_GIVE_IN, !v.old_goes && !v.old_wanted);
		CU_ASSERT_EQUAL(step == RV_OVERLAP_ROLL_BACK,
		    !v.old_goes && v.old_wanted && v.new_failed);
	}
}

RV_SUITE(overlap_judge, RV_CASE(lives_are_exchanged_only_while_both_are_up),
    RV_CASE(one_that_failed_is_never_waited_for),
    RV_CASE(an_old_one_that_is_to_stay_is_never_left_without_its_spec))
