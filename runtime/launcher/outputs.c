/* SPDX-License-Identifier: MIT */
/*
 * Holding the workers' pipes for the clerk: see outputs.h, and wire/output.h
 * for the protocol. A clerk that dies costs nothing: the next one is told of
 * every pipe again.
 */
#include "config.h"

#include "launcher/outputs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "launcher/launcher.h"
#include "launcher/life.h"
#include "wire/packet.h"

#define FRAMES_A_TURN 64

/* Pipes of one life, and the OPEN frame that tells of them. */
struct pipes {
	struct rv_hash_node by_life;
	struct rv_list link; /* in unsent, quiet or ended */
	int fds[2];          /* stdout, stderr; -1: none, or done */
	bool notify;         /* the life's listener has a socket */
	bool opened;         /* this clerk knows */
	bool over;           /* the life has ended */
	bool over_told;
	uint32_t streams; /* that the frame tells of */
	uint32_t len;
	char frame[];
};

void
rv_outputs_init(struct rv_outputs *o, struct rv_launcher *l)
{
	*o = (struct rv_outputs){ .l = l, .fd = -1 };
	rv_list_init(&o->unsent);
	rv_list_init(&o->quiet);
	rv_list_init(&o->ended);
}

static struct pipes *
find(struct rv_outputs *o, uint64_t life)
{
	struct rv_hash_node *node =
	    o->by_life.n > 0 ? rv_hash_find(&o->by_life, life) : NULL;

	return node != NULL ? RV_CONTAINER(node, struct pipes, by_life) : NULL;
}

static void
close_end(int *fd)
{
	if (*fd != -1) {
		close(*fd);
		*fd = -1;
	}
}

static void
drop(struct rv_outputs *o, struct pipes *p)
{
	o->n_ended -= p->over;
	rv_hash_remove(&o->by_life, &p->by_life);
	rv_list_remove(&p->link);
	close_end(&p->fds[0]);
	close_end(&p->fds[1]);
	rv_free(p);
}

static void
disconnect(struct rv_outputs *o)
{
	if (o->fd != -1) {
		rv_io_stop(&o->io);
		close(o->fd);
		o->fd = -1;
	}
	o->blocked = false;
	o->owed = 0;
}

/* With it go the sockets that it alone had. */
static void
lose_clerk(struct rv_outputs *o)
{
	disconnect(o);
	rv_listen_renew(o->l);
}

void
rv_outputs_finish(struct rv_outputs *o)
{
	struct rv_list *lists[] = { &o->unsent, &o->quiet, &o->ended };

	disconnect(o);
	for (size_t i = 0; i < RV_ARRAY_LEN(lists); i++) {
		while (!rv_list_empty(lists[i])) {
			drop(o, RV_LIST_FIRST(lists[i], struct pipes, link));
		}
	}
	rv_hash_finish(&o->by_life);
}

/* False: the clerk is behind (then it will be writable), or gone. */
static bool
send_frame(struct rv_outputs *o, const void *frame, size_t len, const int *fds,
    unsigned n_fds)
{
	if (rv_packet_send(o->fd, frame, len, fds, n_fds) == 0) {
		return true;
	}
	if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM ||
	    errno == ETOOMANYREFS) {
		o->blocked = true;
		rv_io_events(&o->io, RV_LOOP_READ | RV_LOOP_WRITE);
	} else {
		lose_clerk(o);
	}
	return false;
}

static bool
has_pipes(const struct pipes *p)
{
	return p->fds[0] != -1 || p->fds[1] != -1;
}

/* -1: there is none, or no longer. */
static int
notify_of(struct rv_outputs *o, const struct pipes *p)
{
	struct rv_life *life =
	    p->notify ? rv_life_find(o->l, p->by_life.key) : NULL;

	return life != NULL && life->listener != NULL
		   ? life->listener->notify_fd
		   : -1;
}

/* Some of what was there at first may be done with already. */
static void
set_streams(struct pipes *p, uint32_t streams)
{
	struct rv_output_frame frame;
	char copy[RV_OUTPUT_FRAME_MAX];
	size_t len;

	if (streams == p->streams || streams == 0) {
		return;
	}
	if (!rv_output_decode(
		p->frame, p->len, rv_output_fds(p->streams), &frame)) {
		RV_NEVER("an OPEN frame of our own");
	}
	frame.output.streams = p->streams = streams;
	/* Same length: only a number differs. */
	len =
	    rv_output_encode(copy, sizeof(copy), RV_OUTPUT_OPEN, &frame.output);
	RV_ASSERT(len == p->len);
	memcpy(p->frame, copy, len);
}

static bool
tell_open(struct rv_outputs *o, struct pipes *p)
{
	int all[RV_OUTPUT_FDS] = { p->fds[0], p->fds[1], notify_of(o, p) };
	int fds[RV_OUTPUT_FDS];
	uint32_t streams = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < RV_OUTPUT_FDS; i++) {
		if (all[i] != -1) {
			streams |= 1u << i;
			fds[n++] = all[i];
		}
	}
	set_streams(p, streams);
	return n == 0 || send_frame(o, p->frame, p->len, fds, n);
}

static bool
tell(struct rv_outputs *o, struct pipes *p)
{
	char frame[64];

	if (!p->opened && !tell_open(o, p)) {
		return false;
	}
	p->opened = true;
	if (p->over && !p->over_told &&
	    !send_frame(o, frame,
		rv_output_ended(frame, sizeof(frame), p->by_life.key), NULL,
		0)) {
		return false;
	}
	p->over_told = p->over;
	return true;
}

static void
tell_all(struct rv_outputs *o)
{
	char frame[16];

	while (o->fd != -1 && !o->blocked && !rv_list_empty(&o->unsent)) {
		struct pipes *p = RV_LIST_FIRST(&o->unsent, struct pipes, link);

		if (!tell(o, p)) {
			continue;
		}
		if (p->over && !has_pipes(p)) {
			drop(o, p); /* there will be no DONE */
			continue;
		}
		rv_list_remove(&p->link);
		rv_list_insert(p->over ? &o->ended : &o->quiet, &p->link);
	}
	while (o->owed > 0 && o->fd != -1 && !o->blocked &&
	       send_frame(o, frame,
		   rv_output_bare(frame, sizeof(frame), RV_OUTPUT_CAUGHT_UP),
		   NULL, 0)) {
		o->owed--;
	}
}

static void
done(struct rv_outputs *o, uint64_t life, uint32_t streams)
{
	struct pipes *p = find(o, life);

	if (p == NULL) {
		return;
	}
	if ((streams & RV_OUTPUT_STDOUT) != 0) {
		close_end(&p->fds[0]);
	}
	if ((streams & RV_OUTPUT_STDERR) != 0) {
		close_end(&p->fds[1]);
	}
	if (!has_pipes(p) && (p->over || !p->notify)) {
		drop(o, p);
	}
}

static bool
add(struct rv_outputs *o, const struct rv_output *output, const int *fds)
{
	char frame[RV_OUTPUT_FRAME_MAX];
	size_t len =
	    rv_output_encode(frame, sizeof(frame), RV_OUTPUT_OPEN, output);
	struct pipes *p = len > 0 ? rv_alloc(1, sizeof(*p) + len) : NULL;
	unsigned n = 0;

	if (p == NULL || (o->by_life.n >= o->by_life.n_buckets &&
			     !rv_hash_reserve(&o->by_life,
				 RV_MAX(o->by_life.n * 2, (size_t)64)))) {
		rv_free(p);
		return false;
	}
	p->fds[0] = (output->streams & RV_OUTPUT_STDOUT) != 0 ? fds[n++] : -1;
	p->fds[1] = (output->streams & RV_OUTPUT_STDERR) != 0 ? fds[n++] : -1;
	p->notify = (output->streams & RV_OUTPUT_NOTIFY) != 0;
	p->streams = output->streams;
	p->len = (uint32_t)len;
	memcpy(p->frame, frame, len);
	rv_list_init(&p->link);
	rv_hash_insert(&o->by_life, &p->by_life, output->life);
	rv_list_insert(&o->unsent, &p->link);
	return true;
}

bool
rv_outputs_hold(
    struct rv_outputs *o, const struct rv_output *output, const int *fds)
{
	bool ok = find(o, output->life) == NULL && add(o, output, fds);

	if (ok) {
		tell_all(o);
	} else {
		unsigned n = rv_output_fds(output->streams & RV_OUTPUT_PIPES);

		for (unsigned i = 0; i < n; i++) {
			close(fds[i]);
		}
	}
	return ok;
}

void
rv_outputs_notify(struct rv_outputs *o, const struct rv_life *life)
{
	struct pipes *p = find(o, life->life);
	struct rv_output output = { .life = life->life,
		.pid = life->lead.pid,
		.streams = RV_OUTPUT_NOTIFY,
		.uid = life->keep->set_user ? life->keep->uid : o->l->uid,
		.gid = getegid(),
		.path = "" };

	if (p == NULL) {
		/* Without memory it dies with us, as far as it is connected. */
		if (!rv_outputs_hold(o, &output, NULL)) {
			rv_launcher_trouble(o->l, ENOMEM,
			    "cannot share the socket of process %d",
			    output.pid);
		}
		return;
	}
	if (!p->over) {
		p->notify = true;
		p->opened = false;
		rv_list_remove(&p->link);
		rv_list_insert(&o->unsent, &p->link);
		tell_all(o);
	}
}

static void
mark_over(struct rv_outputs *o, struct pipes *p)
{
	if (p->over) {
		return;
	}
	p->over = true;
	o->n_ended++;
	rv_list_remove(&p->link);
	rv_list_insert(&o->unsent, &p->link);
	tell_all(o);
}

void
rv_outputs_ended(struct rv_outputs *o, uint64_t life)
{
	struct pipes *p = find(o, life);

	if (p != NULL && !has_pipes(p) && (!p->opened || o->fd == -1)) {
		drop(o, p); /* nobody has heard of it */
	} else if (p != NULL) {
		mark_over(o, p);
	}
	if (o->n_ended > RV_OUTPUTS_ENDED_MAX) {
		struct rv_list *list =
		    rv_list_empty(&o->ended) ? &o->unsent : &o->ended;

		drop(o, RV_LIST_FIRST(list, struct pipes, link));
		rv_launcher_trouble(o->l, 0,
		    "output of an ended life was dropped: no clerk fetched it");
	}
}

/* The socket goes to the life's listener, where that waits for it. */
static void
have_notify(struct rv_outputs *o, const struct rv_output *output,
    struct rv_packet *packet)
{
	struct rv_life *life = rv_life_find(o->l, output->life);

	if ((output->streams & RV_OUTPUT_NOTIFY) != 0 && life != NULL &&
	    rv_listen_awaits(life)) {
		rv_listen_take(life, packet->fds[--packet->n_fds]);
	}
}

/* Pipes from before this launcher: it holds them again. */
static void
have(struct rv_outputs *o, const struct rv_output *output,
    struct rv_packet *packet)
{
	struct pipes *p = find(o, output->life);

	have_notify(o, output, packet);
	if (p != NULL) {
		p->notify |= (output->streams & RV_OUTPUT_NOTIFY) != 0;
	} else {
		if (!add(o, output, packet->fds)) {
			return;
		}
		/* taken, but for a socket that nobody waits for */
		for (unsigned i = 0; i < packet->n_fds; i++) {
			if (i <
			    rv_output_fds(output->streams & RV_OUTPUT_PIPES)) {
				packet->fds[i] = -1;
			}
		}
		p = find(o, output->life);
	}
	p->opened = true;
	if (rv_life_find(o->l, output->life) == NULL) {
		mark_over(o, p);
	}
	tell_all(o);
}

static void
handle(struct rv_outputs *o, const void *data, struct rv_packet *packet)
{
	struct rv_output_frame frame;

	if (packet->truncated ||
	    !rv_output_decode(data, packet->len, packet->n_fds, &frame)) {
		rv_launcher_trouble(
		    o->l, 0, "the clerk sent a frame that is none");
		return;
	}
	if (frame.op == RV_OUTPUT_DONE) {
		done(o, frame.life, frame.streams);
	} else if (frame.op == RV_OUTPUT_HAVE) {
		have(o, &frame.output, packet);
	} else if (frame.op == RV_OUTPUT_HAD) {
		rv_listen_renew(o->l);
	} else if (frame.op == RV_OUTPUT_CATCH_UP) {
		o->owed++;
		tell_all(o);
	} else if (frame.op == RV_OUTPUT_HELLO &&
		   frame.version != RV_OUTPUT_VERSION) {
		rv_launcher_trouble(
		    o->l, 0, "the clerk speaks another version");
		lose_clerk(o);
	}
}

static void
on_readable(struct rv_outputs *o)
{
	static char data[RV_OUTPUT_FRAME_MAX];

	for (unsigned i = 0; i < FRAMES_A_TURN && o->fd != -1; i++) {
		struct rv_packet packet;
		int got = rv_packet_receive(o->fd, data, sizeof(data), &packet);

		if (got == -1 && errno == EAGAIN) {
			return;
		}
		if (got <= 0) {
			lose_clerk(o);
			return;
		}
		handle(o, data, &packet);
		rv_packet_close_fds(&packet);
	}
}

static void
on_io(struct rv_io *io, unsigned events)
{
	struct rv_outputs *o = io->ctx;

	if ((events & RV_LOOP_WRITE) != 0 && o->blocked) {
		o->blocked = false;
		rv_io_events(io, RV_LOOP_READ);
		tell_all(o);
	}
	if ((events & RV_LOOP_READ) != 0 && o->fd != -1) {
		on_readable(o);
	}
}

/* What any clerk before was told is to be told again. */
static void
forget_telling(struct rv_outputs *o)
{
	struct rv_list *lists[] = { &o->ended, &o->quiet };

	RV_LIST_EACH (p, &o->unsent, struct pipes, link) {
		p->opened = p->over_told = false;
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(lists); i++) {
		while (!rv_list_empty(lists[i])) {
			struct pipes *p =
			    RV_LIST_FIRST(lists[i], struct pipes, link);

			p->opened = p->over_told = false;
			rv_list_remove(&p->link);
			rv_list_insert(&o->unsent, &p->link);
		}
	}
}

void
rv_outputs_connect(struct rv_outputs *o, int fd)
{
	char hello[64];

	disconnect(o);
	forget_telling(o);
	o->fd = fd;
	o->io = (struct rv_io){ .cb = on_io, .ctx = o };
	if (rv_io_start(o->l->loop, &o->io, fd, RV_LOOP_READ, NULL) !=
	    REEVE_OK) {
		rv_launcher_trouble(o->l, errno, "cannot watch the clerk");
		close(fd);
		o->fd = -1;
		return;
	}
	if (send_frame(
		o, hello, rv_output_hello(hello, sizeof(hello)), NULL, 0)) {
		tell_all(o);
	}
}
