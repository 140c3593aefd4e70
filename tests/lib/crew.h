/* SPDX-License-Identifier: MIT */
/*
 * A crew of processes for tests of what processes share: memory that all of
 * them see, processes that run a function of the test, and what they are doing.
 */
#ifndef RV_TESTS_CREW_H
#define RV_TESTS_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* How members are started, and by which memory they share; see crew_use. */
struct crew_way {
	void *(*share)(size_t size);
	void (*unshare)(void *, size_t size);
	pid_t (*start)(int (*run)(void *ctx), void *ctx);
	int (*end)(pid_t);
	bool (*began)(pid_t); /* its function */
};

/* From now on; NULL, as at first: by fork. */
void crew_use(const struct crew_way *);

/* Zeroed, shared with all processes that are started later. */
void *crew_share(size_t size);
void crew_unshare(void *, size_t size);

/* A process that runs this and exits with its result. It dies with the test. */
pid_t crew_start(int (*run)(void *ctx), void *ctx);
/* Its exit status, or minus the signal that ended it. */
int crew_end(pid_t);
/* SIGKILL, and its end. */
void crew_kill(pid_t);

/* Wait until it sleeps in the kernel; false: it did not in a long time. */
bool crew_asleep(pid_t);
/* Wait until the word is at least this. */
bool crew_reached(const uint32_t *word, uint32_t value);
void crew_add(uint32_t *word);
uint32_t crew_value(const uint32_t *word);

#endif
