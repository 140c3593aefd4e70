/* SPDX-License-Identifier: MIT */
/*
 * Reading what workers write: see pipes.h. A read goes straight into the block
 * in hand; a block is handed over when it is full, or a few milliseconds after
 * the last one, so that neither a single line waits nor a flood of small
 * writes wakes the disk thread for each.
 */
#include "config.h"

#include "clerk/pipes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/error.h"
#include "clerk/origins.h"
#include "sys/sys.h"

#define BATCH         64
#define READ_MAX      ((size_t)128 * 1024)
#define READ_LEAST    ((size_t)16 * 1024) /* room worth a read */
#define TURN_MAX      ((size_t)1024 * 1024)
#define ROUNDS_A_TURN 64
#define DRAIN_MAX     64 /* reads from one pipe that is to be emptied */
#define PUSH_EVERY    (5 * RV_MS)
#define GATHER_FOR    (250 * RV_US)
#define TRICKLE       ((size_t)8 * 1024)
#define TRICKLES      4
#define FLOODS        16
#define FLOOD_READ    (60 * 1024)
#define FLOOD_PIPE    (256 * 1024)

enum read_result {
	READ_MORE,
	READ_EMPTY,
	READ_END,
	READ_NO_ROOM,
};

static void
push_block(struct rv_pipes *p)
{
	struct rv_block *block = p->block;

	if (block == NULL) {
		return;
	}
	p->block = NULL;
	rv_tick_disarm(&p->flush);
	if (block->used == 0) {
		rv_desk_unblock(p->desk, block);
		return;
	}
	p->pushed_at = rv_loop_now(p->loop);
	rv_desk_push(p->desk, &block->job);
}

/* At the end of whatever was read: now, or soon. */
void
rv_pipes_push_soon(struct rv_pipes *p)
{
	rv_time due = p->pushed_at + PUSH_EVERY;

	if (p->block == NULL) {
		return;
	}
	if (p->block->used == 0 || rv_loop_now(p->loop) >= due) {
		push_block(p);
	} else if (p->flush.heap_index == 0) {
		rv_tick_arm(p->loop, &p->flush, due);
	}
}

static void
on_flush(struct rv_tick *tick, rv_time now, rv_time late)
{
	(void)now;
	(void)late;
	push_block(tick->ctx);
}

/* Whether pipes are waited for at all. */
static void
set_watch(struct rv_pipes *p)
{
	bool off = p->gathering || (p->starved && !p->dropping);

	rv_io_events(&p->io, off ? 0 : RV_LOOP_READ);
}

static void
on_gathered(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct rv_pipes *p = tick->ctx;

	(void)now;
	(void)late;
	p->gathering = false;
	set_watch(p);
}

/*
 * A worker that writes line by line would have us wake for each, which costs
 * both of us more than the line. So after a few such turns on end look away
 * for a moment that is shorter than what fills a pipe.
 */
static void
let_gather(struct rv_pipes *p)
{
	rv_time now = rv_loop_now(p->loop);
	bool trickle = p->n_read < TRICKLE && now - p->read_at < GATHER_FOR;

	p->read_at = now;
	p->trickles = trickle ? p->trickles + 1 : 0;
	if (p->trickles >= TRICKLES) {
		p->gathering = true;
		set_watch(p);
		rv_tick_arm(p->loop, &p->gathered, now + GATHER_FOR);
	}
}

/* -------- when no block is free -------- */

static void
begin_starving(struct rv_pipes *p)
{
	if (!p->starved) {
		p->starved = true;
		p->progress = atomic_load(&p->desk->progress);
		set_watch(p);
		rv_tick_arm(p->loop, &p->stalled,
		    rv_time_add(rv_loop_now(p->loop), p->stall));
	}
}

static struct rv_block *
block_with_room(struct rv_pipes *p)
{
	struct rv_block *block = p->block;

	if (block != NULL && (RV_BLOCK_ROOM - block->used < READ_LEAST ||
				 block->n_segments == RV_BLOCK_SEGMENTS)) {
		push_block(p);
	}
	if (p->block == NULL) {
		p->block = rv_desk_block(p->desk);
	}
	if (p->block == NULL) {
		begin_starving(p);
	}
	return p->block;
}

/* The disk stands still: from now on output goes nowhere, and is counted. */
static void
on_stalled(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct rv_pipes *p = tick->ctx;
	uint64_t progress = atomic_load(&p->desk->progress);

	(void)late;
	if (progress != p->progress) {
		p->progress = progress;
		rv_tick_arm(p->loop, tick, rv_time_add(now, p->stall));
		return;
	}
	p->dropping = true;
	set_watch(p);
}

static void
tell_drops(struct rv_pipes *p)
{
	struct rv_list *lists[] = { &p->open, &p->ending, &p->closed };

	for (size_t i = 0; i < RV_ARRAY_LEN(lists); i++) {
		RV_LIST_EACH (origin, lists[i], struct rv_origin, link) {
			struct rv_outlet *outlets = origin->outlets;

			rv_desk_drop(p->desk, &outlets[0], &outlets[0].drop);
			rv_desk_drop(p->desk, &outlets[1], &outlets[1].drop);
		}
	}
}

void
rv_pipes_last_drops(struct rv_pipes *p)
{
	struct rv_list *lists[] = { &p->open, &p->ending, &p->closed };

	for (size_t i = 0; i < RV_ARRAY_LEN(lists); i++) {
		RV_LIST_EACH (origin, lists[i], struct rv_origin, link) {
			struct rv_outlet *outlets = origin->outlets;

			rv_desk_drop(p->desk, &outlets[0], &outlets[0].lost);
			rv_desk_drop(p->desk, &outlets[1], &outlets[1].lost);
		}
	}
	tell_drops(p);
}

static void empty_ending(struct rv_pipes *);

void
rv_pipes_room(struct rv_pipes *p)
{
	if (!p->starved) {
		return;
	}
	p->block = rv_desk_block(p->desk);
	if (p->block == NULL) {
		return;
	}
	rv_tick_disarm(&p->stalled);
	p->starved = false;
	set_watch(p);
	if (p->dropping) {
		p->dropping = false;
		tell_drops(p);
	}
	empty_ending(p);
	rv_pipes_push_soon(p);
}

/* -------- reading -------- */

static void
add_segment(struct rv_block *block, struct rv_outlet *outlet, size_t len)
{
	struct rv_segment *last = block->n_segments > 0
				      ? &block->segments[block->n_segments - 1]
				      : NULL;

	if (last != NULL && last->outlet == outlet) {
		last->len += (uint32_t)len;
	} else {
		block->segments[block->n_segments++] = (struct rv_segment){
			.outlet = outlet,
			.at = block->used,
			.len = (uint32_t)len,
		};
	}
	block->used += (uint32_t)len;
}

/*
 * A short read has emptied the pipe; whatever comes next is told anew. Pipes
 * do not fail: what looks like it is tried again.
 */
static enum read_result
result_of(ssize_t n, size_t wanted)
{
	if (n == 0) {
		return READ_END;
	}
	return n == (ssize_t)wanted ? READ_MORE : READ_EMPTY;
}

static enum read_result
read_away(struct rv_outlet *outlet)
{
	static char nowhere[READ_MAX];
	ssize_t n = rv_sys_read(outlet->fd, nowhere, sizeof(nowhere));

	if (n > 0) {
		rv_drop_add(&outlet->drop, (uint64_t)n, rv_sys_wall_us());
	}
	return result_of(n, sizeof(nowhere));
}

/* Whoever fills pipe after pipe gets a larger one, where the system lets us. */
static void
enlarge(struct rv_outlet *outlet)
{
	if (++outlet->floods == FLOODS) {
		fcntl(outlet->fd, F_SETPIPE_SZ, FLOOD_PIPE);
	}
}

static enum read_result
read_once(struct rv_pipes *p, struct rv_outlet *outlet)
{
	struct rv_block *block;
	size_t room;
	ssize_t n;

	if (p->dropping) {
		return read_away(outlet);
	}
	block = block_with_room(p);
	if (block == NULL) {
		return READ_NO_ROOM;
	}
	room = RV_MIN(RV_BLOCK_ROOM - block->used, READ_MAX);
	n = rv_sys_read(outlet->fd, block->data + block->used, room);
	if (n >= FLOOD_READ && outlet->floods < FLOODS) {
		enlarge(outlet);
	}
	if (n > 0) {
		p->n_read += (size_t)n;
		add_segment(block, outlet, (size_t)n);
	}
	return result_of(n, room);
}

static enum read_result
read_empty(struct rv_pipes *p, struct rv_outlet *outlet)
{
	enum read_result result = READ_EMPTY;

	for (unsigned i = 0; i < DRAIN_MAX && outlet->fd != -1; i++) {
		result = read_once(p, outlet);
		if (result == READ_END) {
			rv_origins_close(p, outlet);
		}
		if (result != READ_MORE) {
			break;
		}
	}
	return result;
}

bool
rv_pipes_read_outlet(struct rv_pipes *p, struct rv_outlet *outlet)
{
	return read_empty(p, outlet) != READ_NO_ROOM;
}

/* False: there is no room for more. */
static bool
read_origin(struct rv_pipes *p, struct rv_origin *origin)
{
	for (unsigned i = 0; i < 2; i++) {
		if (origin->outlets[i].fd != -1 &&
		    read_empty(p, &origin->outlets[i]) == READ_NO_ROOM) {
			return false;
		}
	}
	return true;
}

/* Nobody writes there any more: what is in the pipes is all. */
static void
empty_ending(struct rv_pipes *p)
{
	RV_LIST_EACH_SAFE (origin, &p->ending, struct rv_origin, link) {
		for (unsigned i = 0; i < 2; i++) {
			struct rv_outlet *outlet = &origin->outlets[i];
			enum read_result result =
			    outlet->fd != -1 ? read_empty(p, outlet) : READ_END;

			if (result == READ_NO_ROOM) {
				return;
			}
			if (result == READ_EMPTY) {
				rv_origins_close(p, outlet);
			}
		}
	}
}

void
rv_pipes_empty(struct rv_pipes *p)
{
	empty_ending(p);
	rv_pipes_push_soon(p);
}

/* False: there is no room for more. */
static bool
read_ready(struct rv_pipes *p, const struct epoll_event *events, int n)
{
	for (int i = 0; i < n; i++) {
		struct rv_outlet *outlet = events[i].data.ptr;
		size_t before = p->n_read;
		enum read_result result =
		    outlet->fd != -1 ? read_once(p, outlet) : READ_EMPTY;

		if (result == READ_END) {
			rv_origins_close(p, outlet);
		} else if (result == READ_NO_ROOM) {
			return false;
		} else if (result == READ_EMPTY && p->n_read > before) {
			rv_floods_note(p, outlet, p->n_read - before);
		}
	}
	return true;
}

static void
on_pipes(struct rv_io *io, unsigned events)
{
	struct rv_pipes *p = io->ctx;
	struct epoll_event ready[BATCH];

	(void)events;
	p->n_read = 0;
	for (unsigned i = 0; i < ROUNDS_A_TURN && p->n_read < TURN_MAX; i++) {
		int n = epoll_wait(p->epoll_fd, ready, BATCH, 0);

		if (n <= 0) {
			break;
		}
		rv_floods_turn(p);
		if (!read_ready(p, ready, n)) {
			break;
		}
	}
	if (!rv_list_empty(&p->ending) && !p->starved) {
		empty_ending(p);
	}
	let_gather(p);
	rv_pipes_push_soon(p);
}

void
rv_pipes_read_all(struct rv_pipes *p)
{
	rv_origins_listen(p);
	RV_LIST_EACH_SAFE (origin, &p->open, struct rv_origin, link) {
		if (!read_origin(p, origin)) {
			break;
		}
	}
	empty_ending(p);
	push_block(p);
}

bool
rv_pipes_answer(struct rv_pipes *p, struct rv_ask *ask)
{
	if (ask->at == 0) {
		/* What was said of these lives came before their deaths. */
		rv_origins_listen(p);
	}
	for (; ask->at < ask->n; ask->at++) {
		struct rv_origin *origin =
		    rv_origins_find(p, ask->lives[ask->at]);

		if (origin == NULL && rv_origins_behind(p)) {
			push_block(p);
			return false;
		}
		if (origin != NULL && !read_origin(p, origin) && !p->dropping) {
			push_block(p);
			return false;
		}
		ask->origins[ask->at] = origin;
		if (origin != NULL) {
			origin->pinned = true;
		}
	}
	push_block(p);
	return true;
}

void
rv_pipes_ask_over(struct rv_pipes *p, struct rv_ask *ask)
{
	p->wanted = 0;
	for (unsigned i = 0; i < ask->at; i++) {
		struct rv_origin *origin = ask->origins[i];

		if (origin != NULL) {
			origin->pinned = false;
		}
	}
	/*
	 * A life may stand there twice: only now may any go. Those that were
	 * not waited for are over as well.
	 */
	for (unsigned i = 0; i < ask->n; i++) {
		struct rv_origin *origin = rv_origins_find(p, ask->lives[i]);

		if (origin != NULL) {
			origin->over = origin->over || ask->committed;
			rv_origins_settle(p, origin);
		}
	}
}

enum reeve_status
rv_pipes_init(struct rv_pipes *p, struct rv_loop *loop, struct rv_desk *desk,
    const struct rv_logs *logs, struct reeve_error *err)
{
	struct rv_list *lists[] = { &p->open, &p->ending, &p->closed,
		&p->unsent, &p->gone };

	memset(p, 0, sizeof(*p));
	p->loop = loop;
	p->desk = desk;
	p->logs = logs;
	p->fd = -1;
	for (size_t i = 0; i < RV_ARRAY_LEN(lists); i++) {
		rv_list_init(lists[i]);
	}
	rv_origins_init(p);
	rv_floods_init(p);
	p->flush = (struct rv_tick){ .cb = on_flush, .ctx = p };
	p->stalled = (struct rv_tick){ .cb = on_stalled, .ctx = p };
	p->gathered = (struct rv_tick){ .cb = on_gathered, .ctx = p };
	p->io = (struct rv_io){ .cb = on_pipes, .ctx = p };
	p->epoll_fd = rv_sys_epoll_create();
	if (p->epoll_fd == -1) {
		return rv_error_sys(err, errno, "cannot make an epoll");
	}
	return rv_io_start(loop, &p->io, p->epoll_fd, RV_LOOP_READ, err);
}

void
rv_pipes_finish(struct rv_pipes *p, struct rv_logs *logs)
{
	rv_origins_finish(p, logs);
	rv_tick_disarm(&p->flush);
	rv_tick_disarm(&p->stalled);
	rv_tick_disarm(&p->gathered);
	rv_tick_disarm(&p->again_later);
	rv_io_stop(&p->io);
	if (p->epoll_fd != -1) {
		close(p->epoll_fd);
	}
}
