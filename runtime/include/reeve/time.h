/* SPDX-License-Identifier: MIT */
/*
 * How long a call may wait: nanoseconds from now, of CLOCK_MONOTONIC. Zero and
 * less: look, do not wait. So -1 is not "for ever", and 5 is not five seconds:
 * write REEVE_FOREVER and REEVE_S(5).
 */
#ifndef REEVE_TIME_H
#define REEVE_TIME_H

#include <stdint.h>

#define REEVE_FOREVER INT64_MAX
#define REEVE_US(n)   ((int64_t)(n)*1000)
#define REEVE_MS(n)   ((int64_t)(n)*1000000)
#define REEVE_S(n)    ((int64_t)(n)*1000000000)

#endif
