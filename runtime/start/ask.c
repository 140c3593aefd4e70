/* SPDX-License-Identifier: MIT */
/*
 * Requests to the launcher. Launches are refused while the socket is full;
 * all else waits in a queue whose room was reserved with the lives: adoptions
 * first, then the clerk's socket, then the rest in order, and the seal last: a
 * sealed launcher adopts nobody. A kill and an end that is expected wait at
 * most once a life, so only signals can be too many.
 */
#include "config.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "start/start_priv.h"
#include "sys/sys.h"
#include "wire/packet.h"

#define CLERK_LATER (100 * RV_MS)

/* Of the queue, for what must not be lost. */
#define KEPT_FREE(start) ((start)->capacity * 4 + 16)

static void
set_blocked(struct rv_start *start, bool blocked)
{
	if (start->blocked != blocked && start->fd != -1) {
		rv_io_events(
		    &start->io, RV_LOOP_READ | (blocked ? RV_LOOP_WRITE : 0));
	}
	start->blocked = blocked;
}

bool
rv_start_send(
    struct rv_start *start, const void *data, size_t len, const int *fd)
{
	if (rv_packet_send(start->fd, data, len, fd, fd != NULL) == 0) {
		return true;
	}
	if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
		set_blocked(start, true);
		return false;
	}
	/* It is gone: its socket's end will say so, and back repairs all. */
	return true;
}

static bool
send_frame(struct rv_start *start, const struct rv_launch_frame *frame)
{
	char data[RV_LAUNCH_SMALL_MAX];
	size_t len = rv_launch_encode_frame(data, sizeof(data), frame);

	RV_ASSERT(len > 0);
	return rv_start_send(start, data, len, NULL);
}

static bool
send_op(struct rv_start *start, const struct rv_start_op *op)
{
	struct rv_launch_frame frame = { .op = (enum rv_launch_op)op->op,
		.life = op->life,
		.version = RV_LAUNCH_VERSION,
		.signo = op->signo,
		.group = op->group,
		.cont_follows = op->cont_follows,
		.kill_mode = op->kill_mode };
	struct rv_start_life *life;

	if (op->op == RV_LAUNCH_STRAY) {
		life = rv_start_find(start, op->life);
		if (life == NULL) {
			return true;
		}
		frame.pid = life->pid;
		frame.start_ticks = life->start_ticks;
	}
	return send_frame(start, &frame);
}

static bool
send_adoption(struct rv_start *start, const struct rv_start_life *life)
{
	struct rv_launch_frame frame = { .op = RV_LAUNCH_ADOPT,
		.life = life->by_life.key,
		.pid = life->pid,
		.start_ticks = life->start_ticks,
		.keep = *life->keep };
	char data[RV_LAUNCH_SMALL_MAX];
	size_t len = rv_launch_encode_frame(data, sizeof(data), &frame);

	RV_ASSERT(len > 0);
	return rv_start_send(start, data, len, NULL);
}

static bool
send_clerk(struct rv_start *start)
{
	char data[16];
	struct rv_launch_frame frame = { .op = RV_LAUNCH_CLERK };
	size_t len = rv_launch_encode_frame(data, sizeof(data), &frame);

	if (!rv_start_send(start, data, len, &start->clerk_fd)) {
		return false;
	}
	close(start->clerk_fd);
	start->clerk_fd = -1;
	return true;
}

/* Such a request waits already and will do for this one too. */
static bool
waits_already(struct rv_start *start, const struct rv_start_op *op)
{
	struct rv_start_life *life = rv_start_find(start, op->life);
	bool *waits = NULL;

	if (life != NULL && op->op == RV_LAUNCH_KILL) {
		waits = &life->kill_waits;
	} else if (life != NULL && op->op == RV_LAUNCH_EXPECT) {
		waits = &life->expect_waits;
	}
	if (waits == NULL || !*waits) {
		if (waits != NULL) {
			*waits = true;
		}
		return false;
	}
	return true;
}

static void
enqueue(struct rv_start *start, const struct rv_start_op *op)
{
	size_t kept = op->op == RV_LAUNCH_SIGNAL ? KEPT_FREE(start) : 0;

	if (waits_already(start, op)) {
		return;
	}
	if (start->queue_len + kept >= start->queue_max) {
		if (!start->dropped) {
			start->dropped = true;
			rv_start_trouble(start, 0,
			    "the launcher does not take its requests:"
			    " signals are lost");
		}
		return;
	}
	start->queue[(start->queue_first + start->queue_len++) %
		     start->queue_max] = *op;
}

void
rv_start_ask(struct rv_start *start, const struct rv_start_op *op)
{
	if (start->fd == -1 || start->blocked || !send_op(start, op)) {
		enqueue(start, op);
	}
}

void
rv_start_ask_adoption(struct rv_start *start, struct rv_start_life *life)
{
	if (start->fd == -1 || start->blocked || !send_adoption(start, life)) {
		rv_list_remove(&life->to_adopt);
		rv_list_insert(&start->adoptions, &life->to_adopt);
	}
}

static bool
flush_adoptions(struct rv_start *start)
{
	while (!rv_list_empty(&start->adoptions)) {
		struct rv_start_life *life = RV_LIST_FIRST(
		    &start->adoptions, struct rv_start_life, to_adopt);

		if (!send_adoption(start, life)) {
			return false;
		}
		rv_list_remove(&life->to_adopt);
	}
	return true;
}

static bool
flush_queue(struct rv_start *start)
{
	while (start->queue_len > 0) {
		struct rv_start_op *op = &start->queue[start->queue_first];
		struct rv_start_life *life;

		if (!send_op(start, op)) {
			return false;
		}
		life = rv_start_find(start, op->life);
		if (life != NULL && op->op == RV_LAUNCH_KILL) {
			life->kill_waits = false;
		} else if (life != NULL && op->op == RV_LAUNCH_EXPECT) {
			life->expect_waits = false;
		}
		start->queue_first =
		    (start->queue_first + 1) % start->queue_max;
		start->queue_len--;
	}
	/* What was never needed is never touched. */
	start->queue_first = 0;
	return true;
}

void
rv_start_flush(struct rv_start *start)
{
	if (!flush_adoptions(start) ||
	    (start->clerk_fd != -1 && !send_clerk(start)) ||
	    !flush_queue(start) ||
	    (start->unsealed && !rv_start_send_seal(start))) {
		return;
	}
	set_blocked(start, false);
	start->dropped = false;
	if (start->refused) {
		start->refused = false;
		start->ops->writable(start->ctx);
	}
}

void
rv_start_forget_queue(struct rv_start *start)
{
	start->queue_len = start->queue_first = 0;
	start->blocked = false;
	RV_LIST_EACH (life, &start->all, struct rv_start_life, link) {
		rv_list_remove(&life->to_adopt);
		life->kill_waits = life->expect_waits = false;
	}
	if (start->clerk_fd != -1) {
		close(start->clerk_fd);
		start->clerk_fd = -1;
	}
}

void
rv_start_cancel(struct rv_start *start, uint64_t life)
{
	rv_start_ask(start,
	    &(struct rv_start_op){ .op = RV_LAUNCH_CANCEL, .life = life });
}

void
rv_start_signal(struct rv_start *start, uint64_t life, int signo, bool group,
    bool cont_follows)
{
	RV_ASSERT(signo >= 1 && signo <= 64);
	rv_start_ask(start, &(struct rv_start_op){ .op = RV_LAUNCH_SIGNAL,
				.life = life,
				.signo = (uint8_t)signo,
				.group = group,
				.cont_follows = cont_follows });
}

void
rv_start_kill(struct rv_start *start, uint64_t life, enum rv_kill_mode mode)
{
	rv_start_ask(start, &(struct rv_start_op){ .op = RV_LAUNCH_KILL,
				.life = life,
				.kill_mode = (uint8_t)mode });
}

void
rv_start_expect_end(struct rv_start *start, uint64_t life)
{
	rv_start_ask(start,
	    &(struct rv_start_op){ .op = RV_LAUNCH_EXPECT, .life = life });
}

void
rv_start_sync(struct rv_start *start, uint64_t token)
{
	rv_start_ask(start,
	    &(struct rv_start_op){ .op = RV_LAUNCH_SYNC, .life = token });
}

void
rv_start_kill_stray(
    struct rv_start *start, uint64_t number, pid_t pid, uint64_t start_ticks)
{
	struct rv_start_life *life = rv_start_add(start, number);

	if (life == NULL) {
		rv_start_trouble(start, 0,
		    "no room to kill process %d of an earlier run", pid);
		return;
	}
	life->stray = true;
	life->pid = pid;
	life->start_ticks = start_ticks;
	rv_start_ask(start,
	    &(struct rv_start_op){ .op = RV_LAUNCH_STRAY, .life = number });
}

enum reeve_status
rv_start_connect_clerk(struct rv_start *start, struct reeve_error *err)
{
	int fds[2];

	start->wants_clerk = true;
	if (start->fd == -1) {
		return REEVE_OK; /* when there is a launcher again */
	}
	if (rv_sys_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == -1) {
		/* Nobody asks again: a clerk without it captures nothing. */
		rv_tick_arm(start->loop, &start->clerk_tick,
		    rv_time_add(rv_loop_now(start->loop), CLERK_LATER));
		return rv_error_sys(
		    err, errno, "cannot make the clerk's socket");
	}
	rv_tick_disarm(&start->clerk_tick);
	if (start->clerk_fd != -1) {
		close(start->clerk_fd);
	}
	start->clerk_fd = fds[0];
	if (!start->blocked) {
		send_clerk(start);
	}
	start->ops->clerk_end(start->ctx, fds[1]);
	return REEVE_OK;
}

void
rv_start_clerk_again(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct rv_start *start = tick->ctx;

	(void)now;
	(void)late;
	RV_MAGIC_CHECK(start, RV_START_MAGIC);
	if (rv_start_connect_clerk(start, NULL) != REEVE_OK) {
		return; /* it was said, and is tried again */
	}
}
