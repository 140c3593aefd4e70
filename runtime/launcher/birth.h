/* SPDX-License-Identifier: MIT */
/* Making the process of a life. */
#ifndef RV_LAUNCHER_BIRTH_H
#define RV_LAUNCHER_BIRTH_H

#include "launcher/launcher.h"

/* The clock that processes are stamped with, in nanoseconds. */
int64_t rv_birth_clock(void);
/*
 * Ticks since boot at which a process made between these moments started; 0:
 * that is for /proc to tell.
 */
uint64_t rv_birth_ticks(int64_t before_ns, int64_t after_ns);

/* Carry out a LAUNCH; LAUNCHED or FAILED says what became of it. */
void rv_birth_launch(struct rv_launcher *, const struct rv_launch *);

#endif
