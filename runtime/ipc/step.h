/* SPDX-License-Identifier: MIT */
/*
 * Every access of this folder to words that other processes see goes through
 * these, and through nothing else: between any two of them a process may be
 * killed, or another one may run. tests/model compiles the same code with
 * RV_MODEL and takes each of those turns. What a robust mutex guards is read
 * with RV_READ where nobody else can write it: that is no step.
 */
#ifndef RV_IPC_STEP_H
#define RV_IPC_STEP_H

#include <stdbool.h>
#include <stdint.h>

#ifdef RV_MODEL
void rv_model_step(const char *what, const void *word, uint64_t value);
#define RV_STEP(what, word, value) rv_model_step(what, word, value)
#else
#define RV_STEP(what, word, value) ((void)0)
#endif

#define RV_READ(word) (__atomic_load_n(&(word), __ATOMIC_SEQ_CST))

static inline uint32_t
rv_load(const uint32_t *word)
{
	RV_STEP("load", word, 0);
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static inline void
rv_store(uint32_t *word, uint32_t value)
{
	RV_STEP("store", word, value);
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

/* True: it was *old and is new; false: *old is what it is. */
static inline bool
rv_cas(uint32_t *word, uint32_t *old, uint32_t new)
{
	RV_STEP("cas", word, new);
	return __atomic_compare_exchange_n(
	    word, old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static inline uint64_t
rv_load64(const uint64_t *word)
{
	RV_STEP("load", word, 0);
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static inline void
rv_store64(uint64_t *word, uint64_t value)
{
	RV_STEP("store", word, value);
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

/*
 * For a word that is read when its writer is dead, and not before: then all is
 * there that the writer had done, in its order, and no fence is to be paid for.
 */
static inline void
rv_leave(uint32_t *word, uint32_t value)
{
	RV_STEP("store", word, value);
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static inline void
rv_leave64(uint64_t *word, uint64_t value)
{
	RV_STEP("store", word, value);
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

#endif
