/* SPDX-License-Identifier: MIT */
/* The allocator: malloc's only caller. Zeroes, checks overflow, can fail. */
#include "config.h"

#include "base/alloc.h"

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"

void *
rv_alloc(size_t n, size_t size)
{
	int fault = RV_FAULT(alloc);

	if (fault != 0) {
		errno = fault;
		return NULL;
	}
	return calloc(n != 0 ? n : 1, size != 0 ? size : 1);
}

void *
rv_realloc(void *p, size_t old_n, size_t n, size_t size)
{
	int fault = RV_FAULT(alloc);
	size_t bytes;
	void *q;

	if (fault != 0 || __builtin_mul_overflow(n, size, &bytes)) {
		errno = fault != 0 ? fault : ENOMEM;
		return NULL;
	}
	q = realloc(p, bytes != 0 ? bytes : 1);
	if (q != NULL && n > old_n) {
		memset((char *)q + old_n * size, 0, (n - old_n) * size);
	}
	return q;
}

char *
rv_strndup(const char *s, size_t len)
{
	char *copy = rv_alloc(len + 1, 1);

	if (copy != NULL && len != 0) {
		memcpy(copy, s, len);
	}
	return copy;
}

char *
rv_strdup(const char *s)
{
	return rv_strndup(s, strlen(s));
}

void
rv_free(void *p)
{
	free(p);
}

void
rv_alloc_trim(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}
