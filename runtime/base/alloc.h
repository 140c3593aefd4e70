/* SPDX-License-Identifier: MIT */
/*
 * The only place that calls malloc. Memory comes zeroed. Tests make the n-th
 * call fail through fault.h. Nothing on the supervision path allocates.
 */
#ifndef RV_ALLOC_H
#define RV_ALLOC_H

#include "base/base.h"

/* n * size zeroed bytes; NULL when there is no memory or n * size overflows. */
void *rv_alloc(size_t n, size_t size) RV_MUST_CHECK;

/*
 * Grow or shrink p (from rv_alloc, or NULL) from old_n to n elements; new ones
 * are zeroed. NULL on failure, p then untouched.
 */
void *rv_realloc(void *p, size_t old_n, size_t n, size_t size) RV_MUST_CHECK;

/* A copy of len bytes with a NUL behind; NULL without memory. */
char *rv_strndup(const char *s, size_t len) RV_MUST_CHECK;
char *rv_strdup(const char *s) RV_MUST_CHECK;

/* NULL is fine. */
void rv_free(void *p);

/* Give what a busy time has left free back to the kernel. For idle moments. */
void rv_alloc_trim(void);

#endif
