/* SPDX-License-Identifier: MIT */
/*
 * Flags: one word, SET and SLEEPERS in its low bits, above them how often it
 * was cleared. Nobody holds anything, so that setting one may interrupt
 * anything; and no death leaves it set with one asleep: where there may be
 * sleepers, one system call sets the word and wakes them all.
 *
 *	set:   SET already: done. No SLEEPERS: set the bit. Else by the kernel.
 *	clear: SET: count, and neither SET nor SLEEPERS: those were woken.
 *	wait:  SET, or another count than at first: done. Set SLEEPERS; sleep
 *	       while the word is that.
 *
 * A waiter that is dead leaves SLEEPERS set: one system call in vain.
 */
#include "config.h"

#include <reeve/lock.h>

#include "ipc/step.h"
#include "ipc/wait.h"

#define FLAG_MAGIC 0x6c667672U /* "rvfl" */

#define SET      1U
#define SLEEPERS 2U
#define COUNT    4U /* one in the count */

void
reeve_flag_init(struct reeve_flag *flag)
{
	if (flag != NULL) {
		*flag = (struct reeve_flag){ 0 };
		rv_store(&flag->magic, FLAG_MAGIC);
	}
}

static bool
is_flag(const struct reeve_flag *flag)
{
	return flag != NULL && RV_READ(flag->magic) == FLAG_MAGIC;
}

void
reeve_flag_set(struct reeve_flag *flag)
{
	uint32_t word;

	if (!is_flag(flag)) {
		return;
	}
	word = rv_load(&flag->word);
	while (!(word & (SET | SLEEPERS))) {
		if (rv_cas(&flag->word, &word, word | SET)) {
			return;
		}
	}
	if (!(word & SET)) {
		rv_wake_word_or(&flag->word, SET);
	}
}

void
reeve_flag_clear(struct reeve_flag *flag)
{
	uint32_t word;

	if (!is_flag(flag)) {
		return;
	}
	word = rv_load(&flag->word);
	while (word & SET) {
		if (rv_cas(&flag->word, &word,
			(word & ~(SET | SLEEPERS)) + COUNT)) {
			return;
		}
	}
}

bool
reeve_flag_is_set(const struct reeve_flag *flag)
{
	return is_flag(flag) && rv_load(&flag->word) & SET;
}

enum reeve_status
reeve_flag_wait(struct reeve_flag *flag, int64_t timeout)
{
	rv_time until = rv_wait_until(timeout);
	uint32_t word, count;
	enum reeve_status status = REEVE_OK;

	if (!is_flag(flag)) {
		return REEVE_EINVALID;
	}
	word = rv_load(&flag->word);
	count = word / COUNT;
	for (;;) {
		if (word & SET || word / COUNT != count) {
			return REEVE_OK;
		}
		if (until == 0 || status == REEVE_ETIMEDOUT) {
			return REEVE_ETIMEDOUT;
		}
		if (word & SLEEPERS ||
		    rv_cas(&flag->word, &word, word | SLEEPERS)) {
			status = rv_wait_word((_Atomic uint32_t *)&flag->word,
			    word | SLEEPERS, until);
			word = rv_load(&flag->word);
		}
	}
}
