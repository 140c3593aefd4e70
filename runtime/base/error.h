/* SPDX-License-Identifier: MIT */
/*
 * Filling struct reeve_error. All accept NULL and keep errno. A message is
 * lower case, names the thing, the call and the reason, and has no full stop.
 */
#ifndef RV_ERROR_H
#define RV_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <reeve/error.h>
#include <reeve/share.h>

#include "base/base.h"

/* Fill err and return status, so that callers write `return rv_error(...)`. */
enum reeve_status rv_error(struct reeve_error *err, enum reeve_status status,
    const char *fmt, ...) RV_PRINTF(3, 4);

/* As rv_error with REEVE_ESYS (REEVE_ENOMEM for ENOMEM); ": strerror" added. */
enum reeve_status rv_error_sys(struct reeve_error *err, int sys_errno,
    const char *fmt, ...) RV_PRINTF(3, 4);

/* Put "context: " before the text; returns err's status (EINVALID for NULL). */
enum reeve_status rv_error_wrap(struct reeve_error *err, const char *fmt, ...)
    RV_PRINTF(2, 3);

/* REEVE_EINVALID: the size in a struct of options is not its own. */
enum reeve_status rv_error_size(
    struct reeve_error *err, const char *type, size_t size);

/*
 * Is what a public call was given one of these, and this process's? `is_one`:
 * it is not NULL and has its magic; then `pid` is whose it is. Else
 * REEVE_EINVALID, "cannot WHAT: ...".
 */
enum reeve_status rv_error_unless_ours(struct reeve_error *err,
    const char *what, const char *noun, const void *object, bool is_one,
    pid_t pid);

/* REEVE_EINVALID: no handle of what is to be opened; says what it is. */
enum reeve_status rv_error_handle(struct reeve_error *err, const char *wanted,
    const struct reeve_handle *handle);

#endif
