/* SPDX-License-Identifier: MIT */
/*
 * Fault points: how a test makes the n-th call of something fail, or forces
 * the fallback for an older kernel. Points are named in fault.def. What is
 * tested is what is delivered: the points are compiled in unless configure is
 * told --disable-faults (RV_FAULT() is then the constant 0), and cost a load
 * and a branch until the first plan.
 *
 * The plan comes from REEVE_FAULTS in the environment of our executables (read
 * once, at rv_fault_load) or from rv_fault_set in a test:
 * "alloc@7=ENOMEM" fails the 7th call, "clone_vm=ENOSYS" every call,
 * "write@3+=ENOSPC" the third and all later ones; separated by commas. KILL
 * in the place of the error ends the process by SIGKILL, there.
 *
 * REEVE_FAULTS_ALWAYS, in the same words, holds under every plan: what the
 * machine at hand cannot do (valgrind knows no pidfds) or shall not.
 */
#ifndef RV_FAULT_H
#define RV_FAULT_H

#include "base/base.h"

enum rv_fault_point {
#define X(name, doc) RV_FAULT_##name,
#include "base/fault.def"
#undef X
	RV_FAULT_COUNT
};

#ifdef RV_FAULTS
/* Counts one call of the point; an errno when this call shall fail, else 0. */
int rv_fault_hit(enum rv_fault_point point);
extern _Atomic bool rv_fault_armed;
#define RV_FAULT(name)                                                       \
	(__builtin_expect(rv_fault_armed, 0) ? rv_fault_hit(RV_FAULT_##name) \
					     : 0)
/* Replace the plan; NULL or "" clears it and all counters. False: bad text. */
bool rv_fault_set(const char *plan);
/* rv_fault_set(getenv("REEVE_FAULTS")) */
void rv_fault_load(void);
/* Calls counted at this point since the plan was set. */
uint64_t rv_fault_calls(enum rv_fault_point point);
#else
#define RV_FAULT(name) 0
static inline void
rv_fault_load(void)
{
}
#endif

#endif
