/* SPDX-License-Identifier: MIT */
/*
 * The crew of lib/crew.h by each start method: the same scenario, its members
 * started as reeve_processes, what it shares a block of memory that goes to
 * them by its handle, as does what it gives them besides.
 *
 *	CREW_SCENARIO(scenario_46_a_held_lock_is_seen)
 *	{
 *		struct table *t = crew_share(sizeof(*t));
 *		pid_t pid = crew_start(hold, t);
 *		...
 *
 * Members know of their creator only what they were given; the one argument of
 * their functions is in the memory that was shared last, where each process
 * has it mapped elsewhere.
 */
#ifndef RV_TESTS_CREW_RIG_H
#define RV_TESTS_CREW_RIG_H

#include "lib/crew.h"
#include "unit/process_rig.h"

/* Once by each start method. */
void crew_each(const char *name, void (*scenario)(enum reeve_method));

#define CREW_SCENARIO(name)                       \
	static void name##_by(enum reeve_method); \
	RV_TEST(name)                             \
	{                                         \
		crew_each(#name, name##_by);      \
	}                                         \
	static void name##_by(enum reeve_method method __attribute__((unused)))

/* Give this, which is the crew's then, to all that are started from now on. */
void crew_give(const char *name, struct reeve_handle);
/* Nothing more: close what is to be given. */
void crew_keep(void);

/* In a member: what was given under this name, or exit 99. */
struct reeve_handle crew_given(const char *name);

/* In a member: unless this is so, say so and exit with 97. */
#define CREW_EXPECT(is_so)                                         \
	do {                                                       \
		if (!(is_so)) {                                    \
			crew_complain(__FILE__, __LINE__, #is_so); \
		}                                                  \
	} while (0)
void crew_complain(const char *file, int line, const char *what);

#endif
