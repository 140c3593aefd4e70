/* SPDX-License-Identifier: MIT */
/*
 * Queues: made, opened, handed over, closed, looked at. Called by anybody.
 *
 * How the whole works (queue_put.c, queue_get.c, queue_lease.c, queue_lock.c):
 *
 * - Two sides, each with a robust lock (robust.h) and a word that only the
 *   holder of that lock stores: the tail says what was put, the head what was
 *   got. Storing the word is the commit of a put or get. All before is
 * invisible to others; what else has to change with it is an intent, written
 * before, which tells whoever repairs which value of the word means that it
 * happened. Each side keeps a copy of what it last saw of the other, so that
 * one putter and one getter at their leisure touch each other's lines rarely.
 * - Waiting: of those who wait on one side one has the turn, a second robust
 *   lock, and sleeps on the side's descriptor; the rest sleep on the turn. If
 *   the one is killed, the kernel hands the turn on; so there is neither a herd
 *   nor a wake-up that was given to a dead one.
 * - Bells: the sleeper notes that it wants to hear while it holds the other
 *   side's lock and nothing is there. Whoever changes that rings before its
 *   commit, with the lock still held, and notes that it rang. The sleeper, once
 *   awake, finds either the change, or the lock held by a dead one, which it
 *   repairs; and it clears the bell only with the lock held and nothing there.
 *   So nothing is ever there unheard, no matter who dies when, and nobody rings
 *   for nobody. A note that is found after a death is not believed: then one
 *   rings, and clears, once too often.
 * - The bells are descriptors, so that loops can have the same: they are
 * readable as long as there is something. Getters are rung by an eventfd. Who
 * may put holds one end of a socket pair, and is rung through it; getters see
 * it hang up when the last of those has let go, however that came about.
 */
#include "config.h"

#include <reeve/queue.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "ipc/queue_shared.h"
#include "ipc/wait.h"
#include "sys/sys.h"

#define SEALS      (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define MOST_BYTES (1ULL << 40)
#define MOST_ITEMS (1U << 24)
#define MOST_LEASE (1U << 16)
#define MOST_RING  (1ULL << 32)
#define SPINS      300

static uint64_t
round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

/* All that follows from what the user chose; false: that cannot be. */
static bool
complete(struct rv_queue_shape *shape)
{
	uint64_t page = 4096, record, by_items, by_bytes, ring = page;
	int64_t total;

	if (shape->max_items == 0 || shape->max_items > MOST_ITEMS ||
	    shape->max_bytes == 0 || shape->max_bytes > MOST_BYTES ||
	    shape->large == 0 || shape->large > INT32_MAX ||
	    shape->max_leases == 0 || shape->max_leases > MOST_LEASE) {
		return false;
	}
	record = 8 + round_up(shape->large, 8);
	by_items = shape->max_items * RV_MAX(record, 24);
	by_bytes = shape->max_bytes + shape->max_items * (uint64_t)24;
	while (ring < RV_MIN(by_items, by_bytes)) {
		ring *= 2;
	}
	shape->magic = RV_QUEUE_MAGIC;
	shape->version = RV_QUEUE_VERSION;
	shape->ring_size = ring;
	shape->slot_size = round_up(shape->max_bytes, 65536);
	shape->n_slots = rv_queue_n_slots(shape->max_items, shape->max_leases);
	shape->data_size = (uint32_t)round_up(
	    RV_MIN((uint64_t)shape->large, shape->max_bytes), 64);
	shape->leases_at = round_up(sizeof(struct rv_queue_shared), page);
	shape->data_at =
	    shape->leases_at + round_up((uint64_t)shape->max_leases *
						sizeof(struct rv_queue_lease) +
					    shape->n_slots,
				   page);
	shape->ring_at =
	    shape->data_at +
	    round_up((uint64_t)shape->max_leases * shape->data_size, page);
	shape->slots_at = round_up(shape->ring_at + ring, 65536);
	if (ring > MOST_RING ||
	    __builtin_mul_overflow(shape->slot_size, shape->n_slots, &total) ||
	    __builtin_add_overflow(total, shape->slots_at, &total)) {
		return false;
	}
	shape->total = (uint64_t)total;
	return true;
}

static enum reeve_status
new_queue(struct reeve_queue **out, const struct rv_queue_shape *shape,
    struct reeve_error *err)
{
	struct reeve_queue *q = rv_alloc(1, sizeof(*q));

	if (q == NULL) {
		return rv_error(err, REEVE_ENOMEM, "cannot make a queue");
	}
	q->memory = q->in = q->getters = q->putters = -1;
	q->shape = *shape;
	q->set = -1;
	q->ring_mask = shape->ring_size / 8 - 1;
	q->spins = rv_robust_spins() ? SPINS : 0;
	q->watch = rv_alloc(shape->max_leases, sizeof(q->watch[0]));
	if (q->watch == NULL) {
		rv_free(q);
		return rv_error(err, REEVE_ENOMEM, "cannot make a queue");
	}
	*out = q;
	return REEVE_OK;
}

static bool
map(struct reeve_queue *q)
{
	char *at = rv_sys_mmap_shared(q->memory, q->shape.slots_at, true);

	if (at == NULL) {
		return false;
	}
	q->shared = (void *)at;
	q->leases = (void *)(at + q->shape.leases_at);
	q->slots = (void *)(q->leases + q->shape.max_leases);
	q->data = (unsigned char *)at + q->shape.data_at;
	q->ring = (unsigned char *)at + q->shape.ring_at;
	return true;
}

static void
close_fd(int fd)
{
	if (fd >= 0) {
		(void)close(fd);
	}
}

void
reeve_queue_free(struct reeve_queue *q)
{
	if (q == NULL) {
		return;
	}
	rv_queue_free_set(q);
	if (q->shared != NULL) {
		(void)munmap(q->shared, q->shape.slots_at);
	}
	close_fd(q->putters);
	close_fd(q->getters);
	close_fd(q->in);
	close_fd(q->memory);
	rv_free(q);
}

/* A file of that size whose size nobody can change, with the first part of it
 * there for good: nothing of it can be missing later. */
static bool
make_memory(struct reeve_queue *q)
{
	q->memory = rv_sys_memfd("reeve-queue");
	return q->memory >= 0 &&
	       rv_sys_set_size(q->memory, q->shape.total) == 0 &&
	       rv_sys_fallocate(q->memory, (off_t)q->shape.slots_at) == 0 &&
	       fcntl(q->memory, F_ADD_SEALS, SEALS) == 0 && map(q);
}

enum reeve_status
reeve_queue_new(struct reeve_queue **out,
    const struct reeve_queue_options *options, struct reeve_error *err)
{
	struct reeve_queue_options o = { 0 };
	struct rv_queue_shape shape = { 0 };
	struct reeve_queue *q = NULL;
	enum reeve_status st;
	int pair[2];

	if (out == NULL) {
		return rv_error(err, REEVE_EINVALID, "no place for a queue");
	}
	if (options != NULL && options->size < sizeof(o)) {
		return rv_error_size(err, "reeve_queue_options", options->size);
	}
	if (options != NULL) {
		o = *options;
	}
	shape.max_items = o.max_items != 0 ? o.max_items : 1024;
	shape.max_bytes = o.max_bytes != 0 ? o.max_bytes : 64ULL << 20;
	shape.large = o.large != 0 ? o.large : 1000;
	shape.max_leases = o.max_leases != 0 ? o.max_leases : 64;
	if (!complete(&shape)) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot make a queue: its bounds are out of range");
	}
	st = new_queue(&q, &shape, err);
	if (st != REEVE_OK) {
		return st;
	}
	if (make_memory(q) &&
	    rv_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0) {
		q->putters = pair[0];
		q->getters = pair[1];
		q->in = rv_sys_eventfd(0, EFD_NONBLOCK);
	}
	if (q->in < 0) {
		st = rv_error_sys(err, errno,
		    "cannot make a queue of %llu bytes%s",
		    (unsigned long long)q->shape.total,
		    rv_sys_size_hint(errno));
		reeve_queue_free(q);
		return st;
	}
	q->shared->shape = shape;
	*out = q;
	return REEVE_OK;
}

/* What the memfd says of itself, compared with what follows from it. */
static bool
read_shape(int fd, struct rv_queue_shape *shape)
{
	struct rv_queue_shape read;
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) != 0 ||
	    !S_ISREG(st.st_mode) ||
	    pread(fd, &read, sizeof(read), 0) != (ssize_t)sizeof(read)) {
		return false;
	}
	memset(shape, 0, sizeof(*shape));
	shape->max_items = read.max_items;
	shape->max_bytes = read.max_bytes;
	shape->large = read.large;
	shape->max_leases = read.max_leases;
	return complete(shape) && memcmp(shape, &read, sizeof(read)) == 0 &&
	       st.st_size == (off_t)shape->total;
}

static bool
is_socket(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	       type == SOCK_STREAM;
}

/* Something to read and write that does not block. */
static bool
is_bell(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_NONBLOCK) != 0 &&
	       (flags & O_ACCMODE) == O_RDWR;
}

enum reeve_status
reeve_queue_open(struct reeve_queue **out, const struct reeve_handle *handle,
    struct reeve_error *err)
{
	struct rv_queue_shape shape;
	struct reeve_queue *q = NULL;
	enum reeve_status st;

	if (out == NULL || handle == NULL ||
	    handle->kind != REEVE_SHARE_QUEUE || handle->n_fds < 3 ||
	    handle->n_fds > 4) {
		return rv_error_handle(err, "a queue", handle);
	}
	if (!read_shape(handle->fds[0], &shape) || !is_bell(handle->fds[1]) ||
	    !is_socket(handle->fds[2]) ||
	    (handle->n_fds == 4 && !is_socket(handle->fds[3]))) {
		return rv_error(err, REEVE_EPROTO,
		    "cannot open a queue: its descriptors are not a queue's");
	}
	st = new_queue(&q, &shape, err);
	if (st != REEVE_OK) {
		return st;
	}
	st = REEVE_OK;
	q->memory = fcntl(handle->fds[0], F_DUPFD_CLOEXEC, 3);
	q->in = fcntl(handle->fds[1], F_DUPFD_CLOEXEC, 3);
	q->getters = fcntl(handle->fds[2], F_DUPFD_CLOEXEC, 3);
	q->closed = handle->n_fds == 3;
	if (!q->closed) {
		q->putters = fcntl(handle->fds[3], F_DUPFD_CLOEXEC, 3);
	}
	if (q->memory < 0 || q->in < 0 || q->getters < 0 ||
	    (!q->closed && q->putters < 0) || !map(q)) {
		st = rv_error_sys(err, errno, "cannot open a queue");
		reeve_queue_free(q);
		return st;
	}
	*out = q;
	return REEVE_OK;
}

enum reeve_status
reeve_queue_handle(const struct reeve_queue *q, struct reeve_handle *handle,
    struct reeve_error *err)
{
	struct reeve_handle h = { REEVE_SHARE_QUEUE, 0, { 0 } };
	int from[4];
	uint32_t n = 3;

	if (q == NULL || handle == NULL) {
		return rv_error(err, REEVE_EINVALID, "no queue to hand over");
	}
	from[0] = q->memory;
	from[1] = q->in;
	from[2] = q->getters;
	if (!q->closed) {
		from[n++] = q->putters;
	}
	for (; h.n_fds < n; h.n_fds++) {
		h.fds[h.n_fds] = fcntl(from[h.n_fds], F_DUPFD_CLOEXEC, 3);
		if (h.fds[h.n_fds] < 0) {
			enum reeve_status st = rv_error_sys(
			    err, errno, "cannot hand over a queue");

			reeve_handle_close(&h);
			return st;
		}
	}
	*handle = h;
	return REEVE_OK;
}

void
reeve_queue_close(struct reeve_queue *q)
{
	if (q != NULL && !atomic_exchange(&q->closed, true)) {
		close_fd(q->putters);
		q->putters = -1;
	}
}

enum reeve_status
reeve_queue_shutdown(struct reeve_queue *q, int64_t timeout)
{
	struct rv_robust_self *me = rv_robust_self();
	rv_time until = rv_wait_until(timeout);
	struct rv_queue_shared *s;
	struct robust_list *before;
	enum reeve_status st;

	if (q == NULL) {
		return REEVE_EINVALID;
	}
	s = q->shared;
	st = rv_queue_lock_get(q, me, until);
	if (st != REEVE_OK) {
		return st;
	}
	before = rv_robust_keep(&s->get_lock, me);
	st = rv_queue_lock_put(q, me, until);
	if (st == REEVE_OK) {
		/* all must hear, and who polls for ever after */
		s->put.ring_in = s->get.ring_out = RV_RING_UNKNOWN;
		rv_queue_ring_in(q);
		rv_queue_ring_out(q);
		atomic_store(&s->shut, 1);
		rv_robust_unlock(&s->put_lock, me);
	}
	rv_robust_resume(&s->get_lock, me, before);
	rv_robust_unlock(&s->get_lock, me);
	return st;
}

void
reeve_queue_look(struct reeve_queue *q, struct reeve_queue_state *state)
{
	struct rv_queue_shared *s;
	uint64_t head, tail, put, got, returned, returned_bytes;

	if (state != NULL) {
		*state = (struct reeve_queue_state){ 0 };
	}
	if (q == NULL || state == NULL) {
		return;
	}
	s = q->shared;
	do { /* a tail between two equal heads */
		head = rv_queue_both(&s->head, &got);
		returned = atomic_load(&s->get.returned);
		returned_bytes = atomic_load(&s->get.returned_bytes);
		state->leased = atomic_load(&s->get.leased);
		tail = rv_queue_both(&s->tail, &put);
		state->unfinished =
		    (uint32_t)(rv_queue_items(tail) - atomic_load(&s->done));
	} while (rv_queue_word(&s->head) != head);
	state->items =
	    (uint32_t)(rv_queue_items(tail) - rv_queue_items(head)) + returned;
	state->bytes = put - got + returned_bytes;
	state->max_items = q->shape.max_items;
	state->max_bytes = q->shape.max_bytes;
	state->is_empty = state->items == 0;
	state->is_full = state->items >= state->max_items ||
			 state->bytes >= state->max_bytes;
}

int
reeve_queue_room_fd(struct reeve_queue *q)
{
	struct rv_robust_self *me = rv_robust_self();

	if (q == NULL || q->putters < 0) {
		errno = EINVAL;
		return -1;
	}
	if (atomic_load(&q->shared->watch_out) == 0) {
		if (rv_queue_lock_get(q, me, 0) != REEVE_OK) {
			errno = ETIMEDOUT;
			return -1;
		}
		atomic_store(&q->shared->watch_out, 1);
		if (!rv_queue_want_out(q, 1, 2)) {
			q->shared->get.ring_out = RV_RING_UNKNOWN;
			rv_queue_ring_out(q);
		}
		rv_robust_unlock(&q->shared->get_lock, me);
	}
	return q->putters;
}
