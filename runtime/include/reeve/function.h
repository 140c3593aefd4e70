/* SPDX-License-Identifier: MIT */
/*
 * Functions as workers: a function of the host's own program is registered
 * under a name, and a worker with `"function": "app.resize"` (or with
 * `.function = "app.resize"` in C) runs it in a process of its own. How that
 * process comes to be is its start method; see reeve-functions(7) for what
 * each of them may and may not do.
 *
 * Part of libreeve-child; needs no runtime, and belongs to the worker's side.
 * libreeve contains it (and child.h's functions) too: a program may link either
 * of them or both.
 */
#ifndef REEVE_FUNCTION_H
#define REEVE_FUNCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reeve/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_answer; /* task.h */

/* What a worker's function is called with; all borrowed, valid to its end. */
struct reeve_call {
	size_t size;
	const char *function; /* as it was addressed */
	/* of the unit: "web/app.0"; or the name of the process (process.h) */
	const char *path;
	const void *args; /* args_len bytes, a NUL behind them */
	size_t args_len;
	bool args_are_json;                /* else bytes as they were given */
	const struct reeve_answer *answer; /* of a task (task.h); else NULL */
};

/*
 * Runs in the worker's process, in its only thread. What it returns is the
 * exit code (the low 8 bits); it may also call exit, _exit or reeve_raise.
 */
typedef int reeve_function_fn(const struct reeve_call *);

/* A registered function; made by REEVE_FUNCTION, never by hand. */
struct reeve_function {
	const char *name;
	reeve_function_fn *fn;
	struct reeve_function *next;
};

/*
 * Register at program (or module) load: at file scope,
 *
 *	static int resize(const struct reeve_call *call) { ... }
 *	REEVE_FUNCTION("app.resize", resize);
 *
 * A name is 1 to 128 letters, digits, dots, dashes and underscores: what has a
 * slash or a colon in it is looked for in a module, and a configuration takes
 * no other characters. It may be used once in a program: one that is there
 * twice is found by nobody, and reeve_function_find says so by REEVE_EEXIST.
 */
#define REEVE_FUNCTION(name, fn)                                            \
	static struct reeve_function reeve_function_##fn = { name, fn, 0 }; \
	__attribute__((constructor)) static void reeve_register_##fn(void)  \
	{                                                                   \
		reeve_function_register(&reeve_function_##fn);              \
	}                                                                   \
	__attribute__((destructor)) static void reeve_unregister_##fn(void) \
	{                                                                   \
		reeve_function_unregister(&reeve_function_##fn);            \
	}                                                                   \
	struct reeve_function_takes_a_semicolon

/* What REEVE_FUNCTION calls, before main and at dlopen. Not thread-safe. */
REEVE_PUBLIC void reeve_function_register(struct reeve_function *);
REEVE_PUBLIC void reeve_function_unregister(struct reeve_function *);

/* REEVE_OK, REEVE_ENOENT, or REEVE_EEXIST when two have this name. */
REEVE_PUBLIC enum reeve_status reeve_function_find(
    const char *name, reeve_function_fn **fn);

/*
 * The same, and of "module.so:function" too, whose module is loaded and stays:
 * what a worker would be given by this name. text (of size bytes) says what is
 * wrong; it may be NULL, 0. REEVE_ESYS: no such module, or none that can be
 * loaded here. Where nothing but a module is named: REEVE_EINVALID.
 */
REEVE_PUBLIC enum reeve_status reeve_function_load(
    const char *name, reeve_function_fn **fn, char *text, size_t size);

/* The i-th registered name, from 0; NULL behind the last. */
REEVE_PUBLIC const char *reeve_function_name(unsigned i);

/*
 * The guard: the first statement of main in every program with functions that
 * are spawned or forked by a fork server, since those run this very program:
 * the one that the host is, even when its file has been replaced since. A new
 * version of it needs a new host.
 *
 *	int main(int argc, char **argv)
 *	{
 *		reeve_main(&argc, &argv);
 *		...
 *
 * In such a process it does what is asked and never returns; in all others it
 * only notes that it was called. Without it these start methods are refused.
 */
REEVE_PUBLIC void reeve_main(int *argc, char ***argv);

/* Whether reeve_main was called in this program. */
REEVE_PUBLIC bool reeve_main_called(void);

#ifdef __cplusplus
}
#endif

#endif
