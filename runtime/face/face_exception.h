/* SPDX-License-Identifier: MIT */
/*
 * A worker's exception on its way to the host: a copy of what its page said,
 * made when it came and shown when it is told. For face_watch.c.
 */
#ifndef RV_FACE_EXCEPTION_H
#define RV_FACE_EXCEPTION_H

#include <reeve/watch.h>

#include "base/base.h"

struct rv_page_trouble;
struct rv_face_exception;

size_t rv_face_exception_size(const char *path);
/* NULL without memory. */
struct rv_face_exception *rv_face_exception_make(
    const char *path, uint64_t life, pid_t, const struct rv_page_trouble *);
void rv_face_exception_free(struct rv_face_exception *); /* NULL is fine */
void rv_face_exception_tell(const struct rv_face_exception *,
    void (*fn)(void *ctx, const struct reeve_exception *), void *ctx);

#endif
