/* SPDX-License-Identifier: MIT */
/*
 * An exhaustive checker of algorithms on shared memory: it runs the real code,
 * compiled with RV_MODEL so that each access to a shared word (ipc/step.h) is a
 * step, in every order of steps of a few processes, each of which may be killed
 * before any of its steps, and in each wait with a timeout that may be over.
 * It looks at every state once. A state in which nobody can go on while
 * somebody lives and is not done is a failure: a hang. So is a check that
 *fails.
 *
 * A program describes what is shared, what the processes do, and what must
 *hold:
 *
 *	static struct { struct reeve_lock lock; uint32_t in; } s;
 *	static void one(unsigned self) { ... model_check(s.in == 1, "alone"); }
 *	static const struct model m = { .name = "lock", .shared = &s,
 *	    .size = sizeof(s), .start = start, .run = { one, one, two },
 *	    .crashes = 1 };
 *	CU_ASSERT_TRUE(model_run(&m));
 *
 * All that processes know of each other must be in `shared`, what the checks
 * remember too. Processes keep nothing in static variables, and allocate
 * nothing. README.md says how another algorithm is added.
 */
#ifndef RV_TESTS_MODEL_H
#define RV_TESTS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_PROCESSES 4

struct model {
	const char *name;
	void *shared;
	size_t size;
	void (*start)(void);                         /* the first state */
	void (*run[MODEL_PROCESSES])(unsigned self); /* until a NULL */
	void (*end)(void); /* checks once nobody can go on; may be NULL */
	/* Whether those who wait now may do so for ever; NULL: they may not. */
	bool (*stuck)(void);
	unsigned crashes; /* how many may be killed, at most */
	unsigned mortal;  /* bits of those that may be; 0: all */
	/* Whether this one must not be killed where it stands; may be NULL. */
	bool (*immortal)(unsigned process);
	/* The word that ipc/robust.h has pending for it, or NULL; may be NULL.
	 */
	uint32_t *(*pending)(unsigned process);
	bool quiet;    /* it is to fail: do not tell how */
	bool spurious; /* sleepers may also wake without a reason */
};

/* All orders hold; else the way to a failure is printed. */
bool model_run(const struct model *);

/* For processes, and for `end`. */
void model_check(bool holds, const char *what);
/* A step that does nothing: others may go on, or this one be killed. */
void model_pause(void);
/*
 * By a process, as the first thing that it does: this word is its own until it
 * has ended, killed or not, and then wakes who sleeps on it, after all else
 * that the kernel does for it. From then on it counts as dead.
 */
void model_live(uint32_t *word);
/* 0 .. n - 1: every one of them in turn. */
unsigned model_choose(unsigned n);
/* Whether this process was killed; whether it has come to its end. */
bool model_is_dead(unsigned process);
bool model_is_done(unsigned process);
/* How many of those who sleep or wait for a mutex. */
bool model_is_blocked(unsigned process);
/* Of one who sleeps: what the word was then. */
uint64_t model_slept_on(unsigned process);

#endif
