/* SPDX-License-Identifier: MIT */
/*
 * What a process is told that is to run a function: one piece of memory (a
 * memfd) that the launcher fills and the process maps for itself alone. The
 * same goes to a program that is executed, to a fork server, to a host. Both
 * ends are of one build and one trusts the other.
 */
#ifndef RV_CHILD_CALL_H
#define RV_CHILD_CALL_H

#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "child/enter.h"

#define RV_CALL_MAGIC   0x5276436cu
#define RV_CALL_VERSION 1u
#define RV_CALL_BUILD   48 /* characters, with the NUL */

/* Names of the descriptors in the environment; removed once read. */
#define RV_CALL_ENV     "REEVE_CALL"
#define RV_TEMPLATE_ENV "REEVE_TEMPLATE"

/* Offsets are from the beginning; 0: not there. */
struct rv_call_head {
	uint32_t magic, version;
	uint64_t bytes;
	uint64_t birth_at; /* struct rv_birth, for who is forked */
	uint64_t base;     /* address that its pointers were made for */
	uint64_t path_at, function_at, args_at, args_len;
	uint32_t args_are_json;
	uint32_t n_preload;
	uint64_t preload_at;       /* NUL-ended texts, one behind the other */
	char build[RV_CALL_BUILD]; /* of the host's program, "": any will do */
};

struct rv_call {
	void *map;
	size_t bytes;
	struct rv_birth *birth; /* NULL: none; its pointers are valid */
	const char *path, *function;
	const void *args;
	size_t args_len;
	bool args_are_json;
	const char *preload; /* n_preload texts */
	unsigned n_preload;
	const char *build;
};

/* Map it; the descriptor stays the caller's. 0, or an errno. */
int rv_call_map(int fd, struct rv_call *);
/* The same of a call that is in memory already, aligned to 16; nothing to
 * unmap. */
int rv_call_take(void *bytes, size_t n, struct rv_call *);
void rv_call_unmap(struct rv_call *);

/* Of the running program: its GNU build id in hex, or "" when it has none. */
void rv_call_own_build(char build[static RV_CALL_BUILD]);

#endif
