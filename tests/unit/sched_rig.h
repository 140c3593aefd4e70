/* SPDX-License-Identifier: MIT */
/*
 * A rig for the scheduler of pools: plays a script with a fake clock and says
 * where it went otherwise. Commands are separated by ";", times are numbers of
 * microseconds, or end in ns, ms or s:
 *
 *   pool min=1 max=4 places=8 idle=10s grow=10ms tasks=3 waiting=5   (first)
 *   rules p=3 soft=10ms hard=20ms grace=5ms backoff=1ms max=1s retries=2
 *     deaths   (of the submits that follow; "rules" alone: none)
 *   submit a b c   full a   shut a   (refused)   continue a   closed a
 *   up 0 1   down 0   taken 0   done 0   bad 0   (well, not)   ends 0 (both)
 *   doom 0   tire 0   nonsense 0   (neither taken nor done is believed)
 *   clings a (cannot be revoked: all others are, when that is asked for)
 *   refused a   cancel a   kill a   (it is)   keep a   spare a   (it is not)
 *   resize 1 4   close   drop   broken   terminate
 *   pass 10ms   (then a tick)   measured 10   (the mean of tasks)
 *   expect give a 0, finish a good, revoke a 0, signal 0, kill 0, retire 0,
 *     size 2   (exactly this, in this order)   expect nothing
 *   due 10ms   due never   is a running   has ready=1 held=2 idle=0 ...
 *   drained   undrained
 */
#ifndef RV_TESTS_SCHED_RIG_H
#define RV_TESTS_SCHED_RIG_H

#include "lib/harness.h"
#include "pool/scheduler.h"

bool sched_play(const char *script);

/* SPEC(a_sentence, "script") */
#define SPEC(name, script)                     \
	RV_TEST(name)                          \
	{                                      \
		CU_ASSERT(sched_play(script)); \
	}

#endif
