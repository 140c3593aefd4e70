/* SPDX-License-Identifier: MIT */
/*
 * Frames to and from the supervisor: see boss.h. A supervisor that does not
 * read holds up its own notes and nothing else.
 */
#include "config.h"

#include "clerk/boss.h"

#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "wire/packet.h"

#define FRAMES_A_TURN 64

static bool
send_frame(struct rv_boss *boss, const struct rv_clerk_frame *frame,
    const struct rv_clerk_stray *strays)
{
	static char data[RV_CLERK_FRAME_MAX];
	size_t len = rv_clerk_encode(data, sizeof(data), frame, strays);

	RV_ASSERT(len > 0);
	if (boss->deaf || rv_packet_send(boss->fd, data, len, NULL, 0) == 0) {
		return true;
	}
	if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
		boss->blocked = true;
		rv_io_events(&boss->io, RV_LOOP_READ | RV_LOOP_WRITE);
		return false;
	}
	boss->deaf = true; /* its end comes to be read */
	return true;
}

static bool
send_ready(struct rv_boss *boss)
{
	struct rv_ready *ready = &boss->ready;
	struct rv_clerk_frame frame = { .next_event = ready->next_event,
		.next_life = ready->next_life,
		.rings_drained = ready->rings_drained };

	while (ready->told) {
		uint32_t left = ready->n_strays - boss->strays_sent;

		frame.op = left > RV_CLERK_STRAYS_MAX ? RV_CLERK_STRAYS
						      : RV_CLERK_READY;
		frame.n_strays = RV_MIN(left, (uint32_t)RV_CLERK_STRAYS_MAX);
		if (!send_frame(
			boss, &frame, ready->strays + boss->strays_sent)) {
			return false;
		}
		boss->strays_sent += frame.n_strays;
		ready->told = frame.op != RV_CLERK_READY;
	}
	rv_free(ready->strays);
	*ready = (struct rv_ready){ 0 };
	boss->strays_sent = 0;
	return true;
}

static bool
send_note(struct rv_boss *boss)
{
	const struct rv_note *note = &boss->note;
	struct rv_clerk_frame frame = { .op = note->op,
		.ok = note->ok,
		.what = note->what,
		.path = note->path,
		.reason = note->reason,
		.life = note->life,
		.bytes = note->drop.bytes,
		.token = note->token,
		.is_stderr = note->is_stderr,
		.first_us = note->drop.first_us,
		.last_us = note->drop.last_us };

	return send_frame(boss, &frame, NULL);
}

/* What was dropped stays on the desk when nobody hears of it. */
static bool
take_note(struct rv_boss *boss)
{
	return (!boss->deaf && rv_desk_take_drop(boss->desk, &boss->note)) ||
	       rv_desk_take_note(boss->desk, &boss->note);
}

void
rv_boss_flush(struct rv_boss *boss)
{
	struct rv_clerk_frame want = { .op = RV_CLERK_WANT_LAUNCHER };

	if (boss->blocked ||
	    (boss->wants_launcher && !send_frame(boss, &want, NULL))) {
		return;
	}
	boss->wants_launcher = false;
	if (!boss->ready.told) {
		rv_desk_take_ready(boss->desk, &boss->ready);
	}
	if (boss->ready.told && !send_ready(boss)) {
		return;
	}
	while (boss->has_note || take_note(boss)) {
		boss->has_note = true;
		if (!send_note(boss)) {
			return;
		}
		boss->has_note = false;
		if (boss->deaf && boss->note.op == RV_CLERK_DROPPED) {
			rv_desk_return_drop(boss->desk, &boss->note);
		}
	}
}

void
rv_boss_want_launcher(struct rv_boss *boss)
{
	boss->wants_launcher = true;
	rv_boss_flush(boss);
}

static void
on_start(struct rv_boss *boss, const struct rv_clerk_frame *frame,
    struct rv_packet *packet)
{
	if (boss->started || frame->conf.version != RV_CLERK_VERSION) {
		return;
	}
	boss->started = true;
	boss->ops->start(
	    boss->ctx, &frame->conf, packet->fds[0], packet->fds[1]);
	packet->fds[0] = packet->fds[1] = -1;
}

static void
on_launcher(struct rv_boss *boss, const struct rv_clerk_frame *frame,
    struct rv_packet *packet)
{
	(void)frame;
	boss->ops->launcher(boss->ctx, packet->fds[0]);
	packet->fds[0] = -1;
}

static void
on_sync(struct rv_boss *boss, const struct rv_clerk_frame *frame,
    struct rv_packet *packet)
{
	(void)packet;
	boss->ops->sync(boss->ctx, frame->token);
}

/* Nothing is read there any more: nor does anything wait for room. */
static void
be_deaf(struct rv_boss *boss)
{
	if (boss->blocked && boss->fd != -1) {
		rv_io_events(&boss->io, RV_LOOP_READ);
	}
	boss->deaf = true;
	boss->blocked = false;
	rv_boss_flush(boss);
}

static void
on_close(struct rv_boss *boss, const struct rv_clerk_frame *frame,
    struct rv_packet *packet)
{
	(void)frame;
	(void)packet;
	if (!boss->closed) {
		boss->closed = true;
		be_deaf(boss);
		boss->ops->end(boss->ctx, true);
	}
}

/* NULL: not for us. */
static void (*const handlers[])(
    struct rv_boss *, const struct rv_clerk_frame *, struct rv_packet *) = {
	[RV_CLERK_START] = on_start,
	[RV_CLERK_LAUNCHER] = on_launcher,
	[RV_CLERK_SYNC] = on_sync,
	[RV_CLERK_CLOSE] = on_close,
};

static void
on_end(struct rv_boss *boss)
{
	rv_io_stop(&boss->io);
	close(boss->fd);
	boss->fd = -1;
	be_deaf(boss);
	if (!boss->closed) {
		boss->closed = true;
		boss->ops->end(boss->ctx, false);
	}
}

void
rv_boss_listen(struct rv_boss *boss)
{
	char data[256];

	for (unsigned i = 0; i < FRAMES_A_TURN && boss->fd != -1; i++) {
		struct rv_clerk_frame frame;
		struct rv_packet packet;
		int got =
		    rv_packet_receive(boss->fd, data, sizeof(data), &packet);

		if (got == -1 &&
		    (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)) {
			return;
		}
		if (got <= 0) {
			on_end(boss);
			return;
		}
		if (!packet.truncated &&
		    rv_clerk_decode(data, packet.len, packet.n_fds, &frame) &&
		    handlers[frame.op] != NULL &&
		    (boss->started || frame.op == RV_CLERK_START)) {
			handlers[frame.op](boss, &frame, &packet);
		}
		rv_packet_close_fds(&packet);
	}
}

static void
on_io(struct rv_io *io, unsigned events)
{
	struct rv_boss *boss = io->ctx;

	if ((events & RV_LOOP_WRITE) != 0 && boss->blocked) {
		boss->blocked = false;
		rv_io_events(io, RV_LOOP_READ);
		rv_boss_flush(boss);
	}
	if ((events & RV_LOOP_READ) != 0 && boss->fd != -1) {
		rv_boss_listen(boss);
	}
}

enum reeve_status
rv_boss_open(struct rv_boss *boss, struct rv_loop *loop, struct rv_desk *desk,
    int fd, struct reeve_error *err)
{
	*boss = (struct rv_boss){ .desk = desk, .fd = fd };
	boss->io = (struct rv_io){ .cb = on_io, .ctx = boss };
	return rv_io_start(loop, &boss->io, fd, RV_LOOP_READ, err);
}

void
rv_boss_close(struct rv_boss *boss)
{
	rv_io_stop(&boss->io);
	if (boss->fd != -1) {
		close(boss->fd);
		boss->fd = -1;
	}
	rv_free(boss->ready.strays);
	boss->ready.strays = NULL;
}
