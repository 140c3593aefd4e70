/* SPDX-License-Identifier: MIT */
/*
 * Time inside the library: signed 64-bit nanoseconds of CLOCK_MONOTONIC. Wall
 * time (microseconds of Unix time) appears in records only. This file has no
 * clock in it: rv_sys_now() and rv_sys_wall_us() in sys/ read them.
 */
#ifndef RV_TIME_H
#define RV_TIME_H

#include <stdint.h>

typedef int64_t rv_time;

#define RV_NS      ((rv_time)1)
#define RV_US      (1000 * RV_NS)
#define RV_MS      (1000 * RV_US)
#define RV_SEC     (1000 * RV_MS)
#define RV_MINUTE  (60 * RV_SEC)
#define RV_HOUR    (60 * RV_MINUTE)
#define RV_DAY     (24 * RV_HOUR)
#define RV_FOREVER INT64_MAX

/* a + b, RV_FOREVER where the sum does not fit; neither is negative. */
rv_time rv_time_add(rv_time a, rv_time b);

/* a * n, RV_FOREVER where the product does not fit; a is not negative. */
rv_time rv_time_scale(rv_time a, uint32_t n);

#endif
