/* SPDX-License-Identifier: MIT */
/*
 * What tests of hosts with functions have in common: to declare one, to look at
 * a unit and wait for a state of it, and to keep what events and exceptions
 * told.
 */
#ifndef RV_TESTS_CALLED_H
#define RV_TESTS_CALLED_H

#include <stdio.h>

#include "host/guest.h"

extern struct reeve_error err;

#define OK(call)                                               \
	do {                                                   \
		enum reeve_status got_ = (call);               \
		if (got_ != REEVE_OK) {                        \
			printf("# %s: %s\n", #call, err.text); \
		}                                              \
		CU_ASSERT_EQUAL(got_, REEVE_OK);               \
	} while (0)

/* The last exception, and how many there were. */
struct heard_exception {
	unsigned n;
	char path[64], source[32], type[96], message[1100], data[4200];
	char cause_type[96], cause_message[1100], backtrace[8192];
	int sys_errno, signo;
	uint64_t address, life;
	pid_t pid;
};
extern struct heard_exception heard;

/* Keep all from now on, counted anew; takes the ctx of the guest. */
void hear(struct guest *);
/* Of all events of this kind: how many, and the last one's detail. */
unsigned heard_events(const char *kind);
const char *heard_detail(const char *kind);
bool await_events(struct guest *, const char *kind, unsigned n);
bool await_exceptions(struct guest *, unsigned n);

/* A path of NULL: there is none. */
struct reeve_unit_info unit_at(struct guest *, const char *path);
bool await(struct guest *, const char *path, enum reeve_unit_state);
/* It runs, and in another process than this. */
bool await_other(struct guest *, const char *path, pid_t);
/* The slot of the unit begins with these bytes. */
bool await_slot(struct guest *, const char *path, const char *text);

/* `options`: other keys, or NULL. Added, not committed. */
void add_function(struct guest *, const char *path, const char *function,
    enum reeve_method, const char *args, const char *options);

#endif
