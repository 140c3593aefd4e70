/* SPDX-License-Identifier: MIT */
/*
 * Waiting with a deadline, for all that waits: on a word of shared memory, on
 * a descriptor. Interrupting signals do not shorten it.
 */
#ifndef RV_IPC_WAIT_H
#define RV_IPC_WAIT_H

#include <stdint.h>

#include <reeve/status.h>

#include "base/base.h"
#include "base/time.h"

/*
 * The moment at which a timeout (reeve/time.h) ends: 0 for those that do not
 * wait, RV_FOREVER for those without an end.
 */
rv_time rv_wait_until(int64_t timeout);

/* Until the descriptor has one of these events: REEVE_OK, _ETIMEDOUT, _ESYS. */
enum reeve_status rv_wait_fd(int fd, short events, rv_time until);

/*
 * Sleep while the word has this value: REEVE_OK: it may be another, or somebody
 * woke us; REEVE_ETIMEDOUT. The word may be in memory of several processes.
 */
enum reeve_status rv_wait_word(
    _Atomic uint32_t *word, uint32_t value, rv_time until);

/* Wake up to n who sleep on this word; how many there were. */
unsigned rv_wake_word(_Atomic uint32_t *word, unsigned n);

/*
 * Set these bits (one power of two) of the word and wake all who sleep on it,
 * in one system call: no death of the caller can come between.
 */
void rv_wake_word_or(uint32_t *word, uint32_t bit);

/*
 * Sleep while each of these words has its value, as rv_wait_word does on one;
 * at most RV_WATCH_MAX. Kernels before 5.16 cannot: there it returns REEVE_OK
 * every few milliseconds, for the caller to look at them.
 */
struct rv_watch {
	uint32_t *word;
	uint32_t value;
};
#ifndef RV_WATCH_MAX
#define RV_WATCH_MAX 128
#endif
enum reeve_status rv_wait_any(
    const struct rv_watch *, unsigned n, rv_time until);

#endif
