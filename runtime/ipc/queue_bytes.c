/* SPDX-License-Identifier: MIT */
/*
 * Where the bytes of items lie: the ring, in pieces of 8 bytes that may wrap,
 * and the slots of large items. A slot is mapped for one copy at a time; its
 * pages are asked for before (so that a lack of memory is an error of that put,
 * and no signal), and given back after. Called with the side's lock held.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "ipc/queue_shared.h"

static void
copy_at(struct reeve_queue *q, uint64_t offset, const void *data, size_t len)
{
	uint64_t size = q->shape.ring_size, at = offset & (size - 1);
	size_t first = len < size - at ? len : (size_t)(size - at);

	memcpy(q->ring + at, data, first);
	if (first < len) {
		memcpy(q->ring, (const char *)data + first, len - first);
	}
}

void
rv_queue_copy_in(
    struct reeve_queue *q, uint32_t at, const struct iovec *parts, size_t n)
{
	uint64_t offset = (uint64_t)at * 8;

	for (size_t i = 0; i < n; i++) {
		if (parts[i].iov_len != 0) {
			copy_at(q, offset, parts[i].iov_base, parts[i].iov_len);
			offset += parts[i].iov_len;
		}
	}
}

void
rv_queue_copy_out(struct reeve_queue *q, uint32_t at, void *data, size_t len)
{
	uint64_t size = q->shape.ring_size,
		 from = (uint64_t)at * 8 & (size - 1);
	size_t first = len < size - from ? len : (size_t)(size - from);

	if (len == 0) {
		return;
	}
	memcpy(data, q->ring + from, first);
	if (first < len) {
		memcpy((char *)data + first, q->ring, len - first);
	}
}

static off_t
slot_at(const struct reeve_queue *q, uint32_t slot)
{
	return (off_t)(q->shape.slots_at + slot * q->shape.slot_size);
}

static void *
map_slot(struct reeve_queue *q, uint32_t slot, uint64_t len, int how)
{
	void *map = MAP_FAILED;

	if (RV_FAULT(mmap) == 0) {
		map = mmap(
		    NULL, len, how, MAP_SHARED, q->memory, slot_at(q, slot));
	}
	return map != MAP_FAILED ? map : NULL;
}

enum reeve_status
rv_queue_slot_fill(struct reeve_queue *q, uint32_t slot,
    const struct iovec *parts, size_t n, uint64_t len)
{
	char *map, *to;
	int failed;

	do {
		failed = RV_FAULT(fallocate);
		if (failed == 0 && fallocate(q->memory, FALLOC_FL_KEEP_SIZE,
				       slot_at(q, slot), (off_t)len) != 0) {
			failed = errno;
		}
	} while (failed == EINTR);
	map =
	    failed == 0 ? map_slot(q, slot, len, PROT_READ | PROT_WRITE) : NULL;
	if (map == NULL) {
		return REEVE_ENOMEM;
	}
	to = map;
	for (size_t i = 0; i < n; i++) {
		if (parts[i].iov_len != 0) {
			memcpy(to, parts[i].iov_base, parts[i].iov_len);
			to += parts[i].iov_len;
		}
		RV_QUEUE_STEP();
	}
	(void)munmap(map, len);
	return REEVE_OK;
}

enum reeve_status
rv_queue_slot_read(
    struct reeve_queue *q, uint32_t slot, void *data, uint64_t len)
{
	void *map = map_slot(q, slot, len, PROT_READ);

	if (map == NULL) {
		return REEVE_ENOMEM;
	}
	memcpy(data, map, len);
	(void)munmap(map, len);
	return REEVE_OK;
}

void
rv_queue_slot_free(struct reeve_queue *q, uint32_t slot)
{
	RV_QUEUE_STEP();
	(void)fallocate(q->memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	    slot_at(q, slot), (off_t)q->shape.slot_size);
	RV_QUEUE_STEP();
	atomic_store(&q->slots[slot], 0);
}
