/* SPDX-License-Identifier: MIT */
/* From a call to its function: finding it, calling it, ending. */
#ifndef RV_CHILD_RUN_H
#define RV_CHILD_RUN_H

#include "base/base.h"
#include "child/call.h"

/*
 * In a forked process that has taken its place: attach, find the function,
 * call it, end without the atexit handlers of whoever was forked. Never
 * returns. in_child may be NULL.
 */
void rv_run_called(const struct rv_call *, void (*in_child)(void *ctx),
    void *ctx) __attribute__((noreturn));

/* Who is forked from here shows its path in place of this word of argv. */
void rv_run_title(char *argv0);

/* Take all the steps that lead to a function, for a process that waits. */
void rv_run_rehearse(void);
/* The same in a program of its own, which ends by exit. */
void rv_run_spawned(const struct rv_call *) __attribute__((noreturn));

/*
 * Load a module, and run its function or a registered one once: "app.warm_up",
 * "/lib/x.so", "/lib/x.so:warm_up". False: why, as an errno and in words.
 */
bool rv_run_preload(
    const char *what, int32_t *sys_errno, char *text, size_t size);

#endif
