/* SPDX-License-Identifier: MIT */
/*
 * For tests of managers: one in a process of its own, by each start method, and
 * a client of it here. Members (crew_rig.h) connect by the address.
 */
#ifndef RV_TESTS_MANAGER_RIG_H
#define RV_TESTS_MANAGER_RIG_H

#include <reeve/manager.h>

#include "unit/crew_rig.h"

#define RIG_LONG REEVE_S(60)

struct managed {
	struct reeve_context *context;
	struct reeve_process *process;
	char address[REEVE_MANAGER_ADDRESS_MAX];
	struct reeve_manager *m;
};

/* "test.manager" with these arguments (JSON, or NULL), and a client. */
void managed_start(struct managed *, enum reeve_method, const char *args);
/* The client goes, the process is stopped in order: its exit code. */
int managed_stop(struct managed *);
/* SIGKILL. Its folder is there until the next manager is made. */
void managed_kill(struct managed *);
/* The folder of its socket, when nobody has said where that is to be. */
const char *managed_folder(const struct managed *, char *path, size_t size);

struct reeve_manager *managed_connect(const char *address);

/* New, or that of this name; a failure ends the case. */
struct reeve_proxy *managed_new(struct reeve_manager *, const char *type);
struct reeve_proxy *managed_open(struct reeve_manager *, const char *name);

/*
 * The call as a text: "dict.set" in `format`'s letters, of the arguments behind
 * it: i int64_t, s text, p proxy, n null, d double. The answer in words:
 * "[1, \"a\", <list>]", or the type of the error with a '!' before it.
 */
const char *managed_call(
    struct reeve_proxy *, const char *method, const char *format, ...);
/* Likewise, with this timeout. */
const char *managed_wait(struct reeve_proxy *, int64_t timeout,
    const char *method, const char *format, ...);
/* The first value of the answer, which is a reference. */
struct reeve_proxy *managed_sub(
    struct reeve_proxy *, const char *method, const char *format, ...);

/*
 * What the client in Python prints of this manager: what it prints of each, and
 * of a pool, by this function (NULL: no pool), `more`.
 */
void managed_python(const char *address, const char *key_file,
    const char *function, const char *more);

#define SAYS(expression, words) \
	managed_says(__FILE__, __LINE__, #expression, (expression), words)
void managed_says(const char *file, int line, const char *what,
    const char *said, const char *words);

#endif
