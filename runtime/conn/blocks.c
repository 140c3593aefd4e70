/* SPDX-License-Identifier: MIT */
/*
 * Shared blocks: one memfd for all, sealed against growing and shrinking so
 * that no reader can be made to fault. Each block that is taken has a pipe of
 * its own: the writing end goes with the message, the reading end stays here
 * and hangs up when the last copy of the other is closed. So the kernel keeps
 * the account, through kills, unread messages and all; nothing of it is in the
 * memory that others could write.
 */
#include "config.h"

#include "conn/blocks.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "conn/conn_priv.h"
#include "ipc/wait.h"
#include "sys/sys.h"

#define SEALS (F_SEAL_GROW | F_SEAL_SHRINK)

struct reeve_blocks {
	_Atomic unsigned refs;
	pthread_mutex_t mutex;
	int memfd;
	char *base;
	uint64_t bytes_each, bytes;
	uint32_t n;
	int leases[REEVE_BLOCKS_MAX]; /* reading ends; -1: free */
};

struct rv_block_map {
	_Atomic unsigned refs;
	dev_t dev;
	ino_t ino;
	char *base;
	uint64_t bytes;
};

static void
unref(struct reeve_blocks *b)
{
	if (atomic_fetch_sub(&b->refs, 1) != 1) {
		return;
	}
	for (uint32_t i = 0; i < b->n; i++) {
		if (b->leases[i] >= 0) {
			(void)close(b->leases[i]);
		}
	}
	if (b->base != NULL) {
		(void)munmap(b->base, b->bytes);
	}
	if (b->memfd >= 0) {
		(void)close(b->memfd);
	}
	(void)pthread_mutex_destroy(&b->mutex);
	rv_free(b);
}

void
reeve_blocks_free(struct reeve_blocks *b)
{
	if (b != NULL) {
		unref(b);
	}
}

enum reeve_status
reeve_blocks_new(struct reeve_blocks **out, uint64_t bytes_each, uint32_t n,
    struct reeve_error *err)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct reeve_blocks *b;
	enum reeve_status status;

	if (out == NULL || bytes_each == 0 || bytes_each > (uint64_t)1 << 40 ||
	    n == 0 || n > REEVE_BLOCKS_MAX) {
		return rv_error(err, REEVE_EINVALID,
		    "blocks are 1 to %d, of 1 byte to 1 TiB", REEVE_BLOCKS_MAX);
	}
	b = rv_alloc(1, sizeof(*b));
	if (b == NULL) {
		return rv_error(err, REEVE_ENOMEM, "cannot make blocks");
	}
	(void)pthread_mutex_init(&b->mutex, NULL);
	b->refs = 1;
	b->n = n;
	memset(b->leases, 0xff, sizeof(b->leases));
	b->bytes_each = (bytes_each + page - 1) / page * page;
	b->bytes = b->bytes_each * n;
	b->memfd = rv_sys_memfd("reeve-blocks");
	if (b->memfd >= 0 && rv_sys_set_size(b->memfd, b->bytes) == 0 &&
	    fcntl(b->memfd, F_ADD_SEALS, SEALS) == 0) {
		b->base = rv_sys_mmap_shared(b->memfd, b->bytes, true);
	}
	if (b->base == NULL) {
		status = rv_error_sys(err, errno,
		    "cannot make blocks of %llu bytes%s",
		    (unsigned long long)b->bytes, rv_sys_size_hint(errno));
		unref(b);
		return status;
	}
	b->bytes_each = bytes_each;
	*out = b;
	return REEVE_OK;
}

/* From one block to the next. */
static uint64_t
stride(const struct reeve_blocks *b)
{
	return b->bytes / b->n;
}

/* A free one, or n; *until_free has the leases to wait for. */
static uint32_t
look(struct reeve_blocks *b, struct pollfd polls[REEVE_BLOCKS_MAX])
{
	for (uint32_t i = 0; i < b->n; i++) {
		polls[i] = (struct pollfd){ .fd = b->leases[i] };
		if (b->leases[i] < 0) {
			return i;
		}
	}
	(void)poll(polls, b->n, 0);
	for (uint32_t i = 0; i < b->n; i++) {
		if (polls[i].revents != 0) {
			(void)close(b->leases[i]);
			b->leases[i] = -1;
			return i;
		}
	}
	return b->n;
}

static enum reeve_status
await(const struct reeve_blocks *b, struct pollfd polls[REEVE_BLOCKS_MAX],
    rv_time until)
{
	rv_time left = until - rv_sys_now();
	struct timespec ts;

	if (until == 0 || (until != RV_FOREVER && left <= 0)) {
		return REEVE_ETIMEDOUT;
	}
	ts.tv_sec = (time_t)(left / RV_SEC);
	ts.tv_nsec = (long)(left % RV_SEC);
	/* what it says is looked at again, under the lock */
	if (ppoll(polls, b->n, until == RV_FOREVER ? NULL : &ts, NULL) < 0 &&
	    errno != EINTR) {
		return REEVE_ESYS;
	}
	return REEVE_OK;
}

/* Block i is the parcel's. */
static enum reeve_status
give(struct reeve_blocks *b, uint32_t i, struct reeve_parcel *parcel)
{
	int fds[2];

	if (rv_sys_pipe2(fds, O_CLOEXEC) != 0) {
		return REEVE_ESYS;
	}
	b->leases[i] = fds[0];
	atomic_fetch_add(&b->refs, 1);
	parcel->kind = RV_PARCEL_BLOCK;
	parcel->memory = b;
	parcel->capacity = i;
	parcel->lease = fds[1];
	parcel->data = b->base + i * stride(b);
	parcel->length = b->bytes_each;
	return REEVE_OK;
}

enum reeve_status
reeve_blocks_take(struct reeve_blocks *b, struct reeve_parcel *parcel,
    void **at, int64_t timeout)
{
	rv_time until = rv_wait_until(timeout);
	struct pollfd polls[REEVE_BLOCKS_MAX];
	enum reeve_status status = REEVE_OK;

	if (b == NULL || parcel == NULL || at == NULL) {
		return REEVE_EINVALID;
	}
	reeve_parcel_free(parcel);
	while (status == REEVE_OK) {
		uint32_t i;

		(void)pthread_mutex_lock(&b->mutex);
		i = look(b, polls);
		if (i < b->n) {
			status = give(b, i, parcel);
			*at =
			    status == REEVE_OK ? b->base + i * stride(b) : *at;
			(void)pthread_mutex_unlock(&b->mutex);
			break;
		}
		(void)pthread_mutex_unlock(&b->mutex);
		status = await(b, polls, until);
	}
	return status;
}

int
rv_blocks_memfd(const struct reeve_parcel *parcel)
{
	return ((const struct reeve_blocks *)parcel->memory)->memfd;
}

void
rv_blocks_place(const struct reeve_parcel *parcel,
    unsigned char place[RV_BLOCK_PLACE_BYTES])
{
	const struct reeve_blocks *b = parcel->memory;
	uint64_t at = htole64(parcel->capacity * stride(b));

	memset(place, 0, RV_BLOCK_PLACE_BYTES);
	memcpy(place, &at, sizeof(at));
}

void
rv_blocks_leave(struct reeve_parcel *parcel)
{
	(void)close(parcel->lease);
	unref(parcel->memory);
}

void
rv_block_map_leave(struct rv_block_map *map)
{
	if (map != NULL && atomic_fetch_sub(&map->refs, 1) == 1) {
		(void)munmap(map->base, map->bytes);
		rv_free(map);
	}
}

void
rv_block_maps_close(struct rv_block_maps *maps)
{
	for (unsigned i = 0; i < RV_BLOCK_MAPS; i++) {
		rv_block_map_leave(maps->maps[i]);
		maps->maps[i] = NULL;
	}
}

static enum reeve_status
map_new(struct rv_block_maps *maps, int memfd, const struct stat *st)
{
	int seals = fcntl(memfd, F_GET_SEALS);
	struct rv_block_map *map;

	if (seals < 0 || (seals & SEALS) != SEALS || st->st_size <= 0) {
		return REEVE_EPROTO;
	}
	map = rv_alloc(1, sizeof(*map));
	if (map == NULL) {
		return REEVE_ENOMEM;
	}
	map->refs = 1;
	map->dev = st->st_dev;
	map->ino = st->st_ino;
	map->bytes = (uint64_t)st->st_size;
	map->base = rv_sys_mmap_shared(memfd, map->bytes, false);
	if (map->base == NULL) {
		rv_free(map);
		return REEVE_ENOMEM;
	}
	rv_block_map_leave(maps->maps[RV_BLOCK_MAPS - 1]);
	memmove(maps->maps + 1, maps->maps,
	    (RV_BLOCK_MAPS - 1) * sizeof(maps->maps[0]));
	maps->maps[0] = map;
	return REEVE_OK;
}

enum reeve_status
rv_block_map_find(struct rv_block_maps *maps, int memfd,
    const unsigned char place[RV_BLOCK_PLACE_BYTES], uint64_t length,
    struct rv_block_map **out, const void **at)
{
	enum reeve_status status = REEVE_OK;
	struct rv_block_map *map;
	uint64_t offset;
	struct stat st;
	unsigned i = 0;

	if (fstat(memfd, &st) != 0) {
		return REEVE_EPROTO;
	}
	/* as long as it is mapped, no other file has its number */
	while (i < RV_BLOCK_MAPS && maps->maps[i] != NULL &&
	       (maps->maps[i]->dev != st.st_dev ||
		   maps->maps[i]->ino != st.st_ino)) {
		i++;
	}
	if (i == RV_BLOCK_MAPS || maps->maps[i] == NULL) {
		status = map_new(maps, memfd, &st);
		i = 0;
	}
	if (status != REEVE_OK) {
		return status;
	}
	map = maps->maps[i];
	memcpy(&offset, place, sizeof(offset));
	offset = le64toh(offset);
	if (offset > map->bytes || length > map->bytes - offset) {
		return REEVE_EPROTO;
	}
	atomic_fetch_add(&map->refs, 1);
	*out = map;
	*at = map->base + offset;
	return REEVE_OK;
}
