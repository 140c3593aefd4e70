/* SPDX-License-Identifier: MIT */
/*
 * The words every file uses: attributes, sizes, container_of, assertions.
 * Assertions check our own logic and stay on; what comes from a config, a
 * child, a peer or a disk is never asserted.
 */
#ifndef RV_BASE_H
#define RV_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RV_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define RV_CONTAINER(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define RV_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define RV_MUST_CHECK        __attribute__((warn_unused_result))
#define RV_NORETURN          __attribute__((noreturn))
#define RV_UNUSED            __attribute__((unused))
#define RV_MIN(a, b)         ((a) < (b) ? (a) : (b))
#define RV_MAX(a, b)         ((a) > (b) ? (a) : (b))

/*
 * A failed check calls the panic hook of this thread's innermost scope, else
 * prints one line and aborts. A library entry point opens a scope so that a
 * bug closes that runtime and leaves its host alive; our executables open none.
 */
struct rv_panic_scope {
	struct rv_panic_scope *outer;
	/* does not return (longjmp, or abort) */
	void (*hook)(struct rv_panic_scope *, const char *file, int line,
	    const char *what);
};

void rv_panic_enter(struct rv_panic_scope *);
void rv_panic_leave(struct rv_panic_scope *);
RV_NORETURN void rv_panic(const char *file, int line, const char *what);

#define RV_ASSERT(cond) ((cond) ? (void)0 : rv_panic(__FILE__, __LINE__, #cond))
#define RV_NEVER(why)   rv_panic(__FILE__, __LINE__, why)

/* The check whenever a void pointer turns back into a struct. */
#define RV_MAGIC_CHECK(ptr, value) \
	RV_ASSERT((ptr) != NULL && (ptr)->magic == (value))

#endif
