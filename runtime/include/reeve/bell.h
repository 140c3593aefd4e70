/* SPDX-License-Identifier: MIT */
/*
 * An event of many processes that can be polled: it is set until somebody
 * clears it, all who wait for it wake up, and it is a descriptor, so that it
 * goes into reeve_wait or any loop. Where nobody polls, a flag (lock.h) costs
 * less. The kernel holds its state: no death of a process can break it.
 *
 * All functions may be called from any thread, set and clear from signal
 * handlers too. Part of libreeve-ipc.
 */
#ifndef REEVE_BELL_H
#define REEVE_BELL_H

#include <stdbool.h>
#include <stdint.h>

#include <reeve/error.h>
#include <reeve/share.h>
#include <reeve/time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_bell;

/* A new one, not set. REEVE_ESYS: no descriptor is left; REEVE_ENOMEM. */
REEVE_PUBLIC enum reeve_status reeve_bell_new(
    struct reeve_bell **, struct reeve_error *) REEVE_MUST_CHECK;

/* Another process's, that was handed over. REEVE_EINVALID: it is no bell. */
REEVE_PUBLIC enum reeve_status reeve_bell_open(struct reeve_bell **,
    const struct reeve_handle *, struct reeve_error *) REEVE_MUST_CHECK;

/* To hand it over; the handle is the caller's. REEVE_ESYS: no descriptor. */
REEVE_PUBLIC enum reeve_status reeve_bell_handle(const struct reeve_bell *,
    struct reeve_handle *, struct reeve_error *) REEVE_MUST_CHECK;

/* In one: reeve_bell_give, reeve_bell_given, see share.h. */
REEVE_GIVING_(bell)

/* Let go of it; others go on. NULL is fine. */
REEVE_PUBLIC void reeve_bell_free(struct reeve_bell *);

/* Again is fine. */
REEVE_PUBLIC void reeve_bell_set(struct reeve_bell *);
REEVE_PUBLIC void reeve_bell_clear(struct reeve_bell *);
REEVE_PUBLIC bool reeve_bell_is_set(const struct reeve_bell *);

/* REEVE_OK: it was set at some moment since the call; REEVE_ETIMEDOUT. */
REEVE_PUBLIC enum reeve_status reeve_bell_wait(
    struct reeve_bell *, int64_t timeout) REEVE_MUST_CHECK;

/* Readable while it is set; it stays the bell's: poll it, do not read it. */
REEVE_PUBLIC int reeve_bell_fd(const struct reeve_bell *);

#ifdef __cplusplus
}
#endif

#endif
