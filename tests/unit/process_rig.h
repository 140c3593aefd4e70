/* SPDX-License-Identifier: MIT */
/*
 * For tests of processes: a scenario is run once with each start method, in a
 * fresh context; small words for what each of them does.
 */
#ifndef RV_TESTS_PROCESS_RIG_H
#define RV_TESTS_PROCESS_RIG_H

#include <reeve/child.h>
#include <reeve/process.h>

#include "lib/harness.h"

#define BY_SPAWN      (1u << REEVE_METHOD_SPAWN)
#define BY_FORK       (1u << REEVE_METHOD_FORK)
#define BY_FORKSERVER (1u << REEVE_METHOD_FORKSERVER)
#define BY_ALL        (BY_SPAWN | BY_FORK | BY_FORKSERVER)

/* Each of them in turn; a failure is told with its method. */
void process_each(
    const char *name, unsigned methods, void (*scenario)(enum reeve_method));

/* SCENARIO(a_sentence, BY_ALL) { ... `method` ... } */
#define SCENARIO(name, methods)                          \
	static void name##_by(enum reeve_method);        \
	RV_TEST(name)                                    \
	{                                                \
		process_each(#name, methods, name##_by); \
	}                                                \
	static void name##_by(enum reeve_method method)

const char *process_method_name(enum reeve_method);

/* A context; `more` may be NULL. */
struct reeve_context *process_context(
    enum reeve_method, const struct reeve_context_options *more);
/* One that runs this function with this text as bytes, not started. */
struct reeve_process *process_of(
    struct reeve_context *, const char *function, const char *text);
/* The same, started. */
struct reeve_process *process_started(
    struct reeve_context *, const char *function, const char *text);
void process_join(struct reeve_process *);
/* Join, look at the exit code, free. */
void process_finish(struct reeve_process *, int exitcode);

/* A pipe; the write end as what is given under this name. */
struct process_pipe {
	int read_end, write_end;
	struct reeve_give give;
};
void process_pipe_open(struct process_pipe *, const char *name);
/* The write end alone. */
void process_pipe_shut(struct process_pipe *);
void process_pipe_close(struct process_pipe *);
/* Started, with the pipe; its write end is the process's alone then. */
struct reeve_process *process_with_pipe(struct reeve_context *,
    const char *function, const char *text, struct process_pipe *);
/* All that comes until its end, with a NUL; what is there is static. */
const char *process_read_all(struct process_pipe *);
/* One line, without its end. */
const char *process_read_line(struct process_pipe *);

/* In a process: the descriptor that was given under this name, or exit 99. */
int process_given(const char *name);

/*
 * In a process that is to have processes: what always fails (base/fault.h) does
 * so in theirs, too. The runtime tells nobody but its own programs of that.
 */
void process_keep_faults(void);

/* Whether this process is no more (a zombie is none). */
bool process_is_gone(pid_t);
/* Wait for that, at most so many milliseconds. */
bool process_await_gone(pid_t, int ms);
/* Directories of contexts that are there. */
unsigned process_places(void);

#endif
