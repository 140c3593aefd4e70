/* SPDX-License-Identifier: MIT */
/*
 * The ring as its readers see it: the layout, the checks, the cursor. What is
 * in the pages is believed only as far as it was checked, and read once. Pure.
 */
#include "config.h"

#include "wire/ring.h"

#include <string.h>

#include "base/crc.h"
#include "base/error.h"

#define CAPACITY_MIN 4096u
#define CAPACITY_MAX (UINT64_C(1) << 32)

static size_t
align(size_t n, size_t to)
{
	return (n + to - 1) & ~(to - 1);
}

size_t
rv_ring_layout(struct rv_ring_header *header, size_t data_size,
    uint32_t n_folds, size_t config_len)
{
	size_t at = align(sizeof(*header), 64);

	header->folds_offset = at;
	header->n_folds = n_folds;
	at += n_folds * sizeof(struct rv_ring_drop);
	header->config_offset = at;
	header->config_len = config_len;
	at = align(at + config_len, 4096);
	header->data_offset = (uint32_t)at;
	header->capacity = data_size & ~(uint64_t)(RV_RING_ALIGN - 1);
	return at + header->capacity;
}

static bool
is_terminated(const char *s, size_t size)
{
	return memchr(s, '\0', size) != NULL;
}

static const char *
flaw(const struct rv_ring_header *h, size_t size)
{
	if (size < sizeof(*h)) {
		return "it is too short";
	}
	if (h->magic != RV_RING_MAGIC || h->version != RV_RING_VERSION) {
		return "it is no ring of this version";
	}
	if (!is_terminated(h->run_id, sizeof(h->run_id)) ||
	    !is_terminated(h->boot_id, sizeof(h->boot_id)) ||
	    !is_terminated(h->hostname, sizeof(h->hostname)) ||
	    !is_terminated(h->reeve, sizeof(h->reeve)) ||
	    !is_terminated(h->digest, sizeof(h->digest))) {
		return "a text in its header has no end";
	}
	if (h->capacity < CAPACITY_MIN || h->capacity > CAPACITY_MAX ||
	    h->capacity % RV_RING_ALIGN != 0 || h->capacity > size ||
	    h->data_offset % RV_RING_ALIGN != 0 ||
	    h->data_offset < sizeof(*h) ||
	    h->data_offset > size - h->capacity) {
		return "its data area is out of bounds";
	}
	if (h->config_offset < sizeof(*h) ||
	    h->config_offset > h->data_offset ||
	    h->config_len > h->data_offset - h->config_offset) {
		return "its config is out of bounds";
	}
	if (h->folds_offset % 8 != 0 || h->folds_offset < sizeof(*h) ||
	    h->folds_offset > h->data_offset ||
	    h->n_folds > (h->data_offset - h->folds_offset) /
			     sizeof(struct rv_ring_drop)) {
		return "its table of units is out of bounds";
	}
	return NULL;
}

enum reeve_status
rv_ring_attach(
    struct rv_ring *ring, void *map, size_t size, struct reeve_error *err)
{
	struct rv_ring_header *h = map;
	const char *what = flaw(h, size);

	if (what != NULL) {
		return rv_error(
		    err, REEVE_EDAMAGED, "cannot use ring: %s", what);
	}
	*ring = (struct rv_ring){
		.header = h,
		.data = (char *)map + h->data_offset,
		.capacity = h->capacity,
		.folds = (struct rv_ring_drop *)(void *)((char *)map +
							 h->folds_offset),
		.n_folds = h->n_folds,
		.config = (char *)map + h->config_offset,
		.config_len = h->config_len,
	};
	return REEVE_OK;
}

static const struct rv_ring_entry *
entry_at(const struct rv_ring *ring, uint64_t pos)
{
	return (
	    const struct rv_ring_entry *)(const void *)(ring->data +
							pos % ring->capacity);
}

static uint64_t
seq_at(const struct rv_ring *ring, uint64_t pos)
{
	return __atomic_load_n(&entry_at(ring, pos)->seq, __ATOMIC_ACQUIRE);
}

static uint64_t
lap_left(const struct rv_ring *ring, uint64_t pos)
{
	return ring->capacity - pos % ring->capacity;
}

/*
 * Move over a marker to the beginning of the next lap. False: there is no
 * entry `seq` here, complete or not.
 */
static bool
step_over_wrap(const struct rv_ring *ring, struct rv_ring_cursor *at)
{
	if (seq_at(ring, at->pos) != (at->seq | RV_RING_WRAP)) {
		return true;
	}
	at->pos += lap_left(ring, at->pos);
	return at->pos % ring->capacity == 0;
}

bool
rv_ring_begin(const struct rv_ring *ring, struct rv_ring_cursor *at)
{
	uint64_t tail = __atomic_load_n(&ring->header->tail, __ATOMIC_ACQUIRE);
	uint64_t drained =
	    __atomic_load_n(&ring->header->drained, __ATOMIC_ACQUIRE);

	at->pos = tail;
	at->seq = drained + 1;
	return tail % RV_RING_ALIGN == 0;
}

static uint32_t
crc_of(uint64_t seq, const void *payload, size_t len)
{
	uint32_t crc = rv_crc32c(0, &seq, sizeof(seq));

	return rv_crc32c(crc, payload, len);
}

/* 1: complete, its length in *len; 0: not there; -1: cannot be. */
static int
peek(const struct rv_ring *ring, struct rv_ring_cursor *at, size_t *len)
{
	const struct rv_ring_entry *entry;

	if (!step_over_wrap(ring, at)) {
		return -1;
	}
	entry = entry_at(ring, at->pos);
	if (seq_at(ring, at->pos) != at->seq) {
		return 0;
	}
	*len = entry->len;
	return *len <= lap_left(ring, at->pos) - sizeof(*entry) ? 1 : -1;
}

static void
move(struct rv_ring_cursor *at, size_t len)
{
	at->pos += align(sizeof(struct rv_ring_entry) + len, RV_RING_ALIGN);
	at->seq++;
}

int
rv_ring_next(const struct rv_ring *ring, struct rv_ring_cursor *at,
    const void **payload, size_t *len)
{
	struct rv_ring_cursor next = *at;
	const struct rv_ring_entry *entry;
	int got = peek(ring, &next, len);

	if (got != 1) {
		return got;
	}
	entry = entry_at(ring, next.pos);
	*payload = entry + 1;
	if (entry->crc != crc_of(next.seq, *payload, *len)) {
		return -1;
	}
	move(&next, *len);
	*at = next;
	return 1;
}

int
rv_ring_copy(const struct rv_ring *ring, struct rv_ring_cursor *at, void *dst,
    size_t size, size_t *len)
{
	struct rv_ring_cursor next = *at;
	const struct rv_ring_entry *entry;
	uint32_t crc;
	int got = peek(ring, &next, len);

	if (got != 1) {
		return got;
	}
	if (*len > size) {
		return -1;
	}
	entry = entry_at(ring, next.pos);
	crc = entry->crc;
	memcpy(dst, entry + 1, *len);
	if (crc != crc_of(next.seq, dst, *len)) {
		return -1;
	}
	move(&next, *len);
	*at = next;
	return 1;
}

void
rv_ring_release(struct rv_ring *ring, const struct rv_ring_cursor *at)
{
	struct rv_ring_header *h = ring->header;

	__atomic_store_n(&h->drained, at->seq - 1, __ATOMIC_RELAXED);
	__atomic_store_n(&h->tail, at->pos, __ATOMIC_RELEASE);
}

bool
rv_ring_sleep(struct rv_ring *ring, const struct rv_ring_cursor *at)
{
	struct rv_ring_cursor look = *at;
	size_t len;

	__atomic_store_n(&ring->header->sleeping, 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (peek(ring, &look, &len) == 0) {
		return true;
	}
	rv_ring_awake(ring);
	return false;
}

void
rv_ring_awake(struct rv_ring *ring)
{
	__atomic_store_n(&ring->header->sleeping, 0, __ATOMIC_SEQ_CST);
}

uint64_t
rv_ring_first_id(const struct rv_ring *ring)
{
	return __atomic_load_n(&ring->header->first_id, __ATOMIC_ACQUIRE);
}

bool
rv_ring_drop(const struct rv_ring *ring, unsigned i, struct rv_ring_drop *drop)
{
	if (i < RV_RING_KINDS) {
		*drop = ring->header->drops[i];
		drop->kind = i;
		drop->path[0] = '\0';
		return true;
	}
	i -= RV_RING_KINDS;
	if (i >= ring->n_folds) {
		return false;
	}
	*drop = ring->folds[i];
	drop->path[RV_RING_PATH_MAX - 1] = '\0';
	return true;
}
