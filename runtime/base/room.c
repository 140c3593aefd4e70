/* SPDX-License-Identifier: MIT */
/*
 * Rooms: anonymous mappings of their own, whatever malloc's threshold is by
 * now: it grows with what a host frees. Called at create and reload.
 */
#include "config.h"

#include "base/room.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/fault.h"

/* Below, whole pages would waste more than zeroing does. */
#define MAPPED_FROM ((size_t)8 * 1024)

/* Who looks for accesses out of bounds watches what malloc gives. */
static bool
is_mapped(size_t bytes)
{
#ifdef __SANITIZE_ADDRESS__
	(void)bytes;
	return false;
#else
	return bytes >= MAPPED_FROM;
#endif
}

void *
rv_room_create(size_t bytes)
{
	int fault;
	void *room;

	if (!is_mapped(bytes)) {
		return rv_alloc(1, bytes);
	}
	fault = RV_FAULT(alloc);
	if (fault != 0) {
		errno = fault;
		return NULL;
	}
	room = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return room != MAP_FAILED ? room : NULL;
}

void
rv_room_destroy(void *room, size_t bytes)
{
	if (room == NULL || !is_mapped(bytes)) {
		rv_free(room);
	} else {
		munmap(room, bytes);
	}
}

void
rv_room_clear(void *room, size_t bytes)
{
	int saved = errno;

	if (room != NULL && is_mapped(bytes)) {
		madvise(room, bytes, MADV_DONTNEED);
	}
	errno = saved;
}
