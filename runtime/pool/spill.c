/* SPDX-License-Identifier: MIT */
/*
 * Arguments of tasks that are too many to wait in memory: in a file without a
 * name, which is as long as there are any and begins anew when there are none.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/text.h"
#include "pool/pool_priv.h"

static const char *
folder(void)
{
	const char *dir = secure_getenv("TMPDIR");

	return dir != NULL && dir[0] == '/' ? dir : "/var/tmp";
}

/* Says where, and what to do about it. */
static enum reeve_status
refuse(size_t length, int error, struct reeve_error *err)
{
	return rv_error_sys(err, error,
	    "cannot put %zu bytes of arguments into a file in %s (TMPDIR says "
	    "in which folder)",
	    length, folder());
}

static enum reeve_status
open_file(struct reeve_pool *pool, size_t length, struct reeve_error *err)
{
	char path[4096];

	if (pool->spill_fd != -1) {
		return REEVE_OK;
	}
	rv_format(path, sizeof(path), "%s/reeve-spill-XXXXXX", folder());
	pool->spill_fd = mkostemp(path, O_CLOEXEC);
	if (pool->spill_fd == -1) {
		return refuse(length, errno, err);
	}
	(void)unlink(path);
	return REEVE_OK;
}

static ssize_t
put(int fd, const void *data, size_t length, uint64_t offset)
{
	errno = RV_FAULT(write);
	return errno != 0 ? -1 : pwrite(fd, data, length, (off_t)offset);
}

enum reeve_status
rv_spill_put(struct reeve_pool *pool, const void *data, size_t length,
    struct rv_spilled *spilled, struct reeve_error *err)
{
	enum reeve_status status = open_file(pool, length, err);
	size_t done = 0;

	if (status != REEVE_OK) {
		return status;
	}
	while (done < length) {
		ssize_t n = put(pool->spill_fd, (const uint8_t *)data + done,
		    length - done, pool->spill_end + done);

		if (n > 0) {
			done += (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			status = refuse(length, n == 0 ? ENOSPC : errno, err);
			/* What was put of it is in the way of others. */
			(void)!ftruncate(
			    pool->spill_fd, (off_t)pool->spill_end);
			return status;
		}
	}
	*spilled = (struct rv_spilled){ pool->spill_end, length };
	pool->spill_end += length;
	pool->spilled++;
	return REEVE_OK;
}

void *
rv_spill_get(struct reeve_pool *pool, const struct rv_spilled *spilled)
{
	uint8_t *memory = rv_alloc(1, spilled->length + 1);
	size_t done = 0;
	int error = ENOMEM;

	while (memory != NULL && done < spilled->length) {
		ssize_t n = pread(pool->spill_fd, memory + done,
		    spilled->length - done, (off_t)(spilled->offset + done));

		if (n > 0) {
			done += (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			error = n == 0 ? ENODATA : errno;
			rv_free(memory);
			memory = NULL;
		}
	}
	errno = memory == NULL ? error : 0;
	return memory;
}

void
rv_spill_drop(struct reeve_pool *pool, const struct rv_spilled *spilled)
{
	(void)spilled;
	if (--pool->spilled == 0 && ftruncate(pool->spill_fd, 0) == 0) {
		pool->spill_end = 0;
	}
}

void
rv_spill_finish(struct reeve_pool *pool)
{
	if (pool->spill_fd != -1) {
		(void)close(pool->spill_fd);
		pool->spill_fd = -1;
	}
}
