/* SPDX-License-Identifier: MIT */
/*
 * A stack for the crash handler, one for each thread: the thread's own may be
 * what is at its end. With a guard page below, given back at thread exit.
 */
#ifndef RV_CHILD_ALTSTACK_H
#define RV_CHILD_ALTSTACK_H

#include <stddef.h>

/* Prepare; before any of the others. */
void rv_altstack_init(void);

/* One for this thread, unless it has one, ours or its own. */
void rv_altstack_give(void);

/* Memory for a thread that is about to start, and back; NULL: none. */
void *rv_altstack_make(size_t *size);
void rv_altstack_drop(void *stack);

/* In that thread: use it. */
void rv_altstack_take(void *stack);

#endif
