/* SPDX-License-Identifier: MIT */
/*
 * What the kernel knows of the processes of a model, and does for them: between
 * model.c, which says who goes next, and kernel.c, which plays ipc/mutex.h and
 * ipc/wait.h for the code under test.
 */
#ifndef RV_TESTS_KERNEL_H
#define RV_TESTS_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"

/* From DYING on it has no stack any more; from DEAD on it has ended. */
enum process_state {
	READY,    /* before a step */
	CHOOSING, /* one of n */
	LOCKING,  /* waits for a mutex */
	SLEEPING, /* on words */
	DYING,    /* the kernel lets go of what it held */
	DEAD,
	DONE
};

#define KERNEL_WORDS 8
#define KERNEL_HELD  8

struct process {
	enum process_state state;
	unsigned n; /* to choose from; or words that it sleeps on */
	unsigned which, n_held;
	bool timed, woken, late;
	uint32_t *word_of[KERNEL_WORDS]; /* or the mutex */
	uint32_t *held[KERNEL_HELD];
	const char *what; /* the step before which it stands */
	const void *word;
	uint64_t value;
};

struct world {
	struct process process[MODEL_PROCESSES];
	unsigned crashes;
};

extern struct world world;
extern struct process *model_current; /* NULL: none runs */

/* What the robust list of one that dies says is pending; NULL: no list. */
extern uint32_t *(*model_pending)(unsigned process);
/* FUTEX_WAKE_OP as ipc/robust.c uses it: how many were woken. */
long model_change_and_wake(uint32_t *word, int n, bool only_clear);

/* Ways in which it can go on without a timeout: 0, it cannot. */
unsigned model_turns(const struct process *);
/* It goes on, in that way. */
void model_leave_wait(struct process *, bool late, unsigned which);
void model_done(struct process *);
/* It was killed; the kernel lets go of one thing that it held. */
void model_kill(struct process *);
void model_bury(struct process *, unsigned which);

/* By the process that runs: until it goes on. */
void model_stop(void);

#endif
