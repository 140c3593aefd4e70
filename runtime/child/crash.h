/* SPDX-License-Identifier: MIT */
/*
 * Signals of a program's own making: what they leave in the page before they
 * take their course.
 */
#ifndef RV_CHILD_CRASH_H
#define RV_CHILD_CRASH_H

#include <signal.h>
#include <stdbool.h>

#include "child/page.h"

/* Catch them. Handlers that are there already get them after us. */
void rv_crash_install(void);
void rv_crash_remove(void); /* if they were installed */
bool rv_crash_is_installed(void);

/* The signal with which threads are asked where they are, at the end only. */
#define RV_CRASH_ASK (SIGRTMAX - 2)

/* The stacks of all other threads; waits a moment for them. Own: threads.c. */
void rv_threads_write(struct rv_page_trouble *);
void rv_threads_answer(const void *context);

#endif
