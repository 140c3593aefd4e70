/* SPDX-License-Identifier: MIT */
/*
 * Saturating arithmetic on times: a wait that does not fit is for ever, never
 * in the past.
 */
#include "config.h"

#include "base/time.h"

rv_time
rv_time_add(rv_time a, rv_time b)
{
	rv_time sum;

	return __builtin_add_overflow(a, b, &sum) ? RV_FOREVER : sum;
}

rv_time
rv_time_scale(rv_time a, uint32_t n)
{
	rv_time product;

	return __builtin_mul_overflow(a, (rv_time)n, &product) ? RV_FOREVER
							       : product;
}
