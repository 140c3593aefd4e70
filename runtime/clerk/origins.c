/* SPDX-License-Identifier: MIT */
/*
 * Who writes, and into which logs: see origins.h. The notify socket of a life
 * is held for the launcher after this one, and never read here. An origin lives
 * until its pipes are closed and its death is in the database, so that its last
 * words can be found; then it goes to the disk thread, which frees it behind
 * whatever of its output is still on the desk.
 */
#include "config.h"

#include "clerk/origins.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sys/sys.h"
#include "wire/output.h"
#include "wire/packet.h"

#define FRAMES_A_TURN 256
#define AGAIN_AFTER   RV_SEC
#define CLOSED_MAX    2048 /* that wait for a death to be recorded */

struct rv_origin *
rv_origins_find(struct rv_pipes *p, uint64_t life)
{
	struct rv_hash_node *node =
	    p->by_life.n > 0 ? rv_hash_find(&p->by_life, life) : NULL;

	return node != NULL ? RV_CONTAINER(node, struct rv_origin, by_life)
			    : NULL;
}

/* -------- telling the launcher -------- */

/* Whoever waits for the launcher that was here looks again. */
static void
forget_asking(struct rv_pipes *p)
{
	p->asked = p->sent = p->answered = p->wanted = 0;
	rv_loop_defer(p->loop, &p->caught_up);
}

static void
disconnect(struct rv_pipes *p)
{
	if (p->fd == -1) {
		return;
	}
	rv_io_stop(&p->link);
	close(p->fd);
	p->fd = -1;
	p->blocked = false;
	forget_asking(p);
	p->ended(p->ctx);
}

/* False: not now, or not any more. */
static bool
send_frame(struct rv_pipes *p, const void *frame, size_t len, const int *fds,
    unsigned n_fds)
{
	if (rv_packet_send(p->fd, frame, len, fds, n_fds) == 0) {
		return true;
	}
	if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM ||
	    errno == ETOOMANYREFS) {
		p->blocked = true;
		rv_io_events(&p->link, RV_LOOP_READ | RV_LOOP_WRITE);
	}
	/* Else its end comes to be read. */
	return false;
}

static void
describe_log(const struct rv_log *log, struct rv_output_log *out)
{
	if (log != NULL) {
		out->path = log->path;
		out->max_bytes = atomic_load(&log->max_bytes);
		out->backups = atomic_load(&log->backups);
	}
}

static bool
send_have(struct rv_pipes *p, struct rv_origin *origin)
{
	char frame[RV_OUTPUT_FRAME_MAX];
	struct rv_output output = { .life = origin->by_life.key,
		.pid = origin->pid,
		.merged = origin->merged,
		.uid = origin->uid,
		.gid = origin->gid,
		.path = origin->path };
	int all[RV_OUTPUT_FDS] = { origin->outlets[0].fd, origin->outlets[1].fd,
		origin->notify_fd };
	int fds[RV_OUTPUT_FDS];
	unsigned n = 0;

	for (unsigned i = 0; i < RV_OUTPUT_FDS; i++) {
		if (all[i] != -1) {
			output.streams |= 1u << i;
			fds[n++] = all[i];
		}
	}
	describe_log(origin->outlets[0].log, &output.out);
	describe_log(origin->outlets[1].log, &output.err);
	return n == 0 || send_frame(p, frame,
			     rv_output_encode(
				 frame, sizeof(frame), RV_OUTPUT_HAVE, &output),
			     fds, n);
}

static bool
send_about(struct rv_pipes *p, struct rv_origin *origin)
{
	char frame[64];

	if (origin->have && !send_have(p, origin)) {
		return false;
	}
	origin->have = false;
	if (origin->done != 0 && !send_frame(p, frame,
				     rv_output_done(frame, sizeof(frame),
					 origin->by_life.key, origin->done),
				     NULL, 0)) {
		return false;
	}
	origin->done = 0;
	return true;
}

static void
send_unsent(struct rv_pipes *p)
{
	char frame[16];

	while (p->fd != -1 && !p->blocked && p->sent != p->asked) {
		if (!send_frame(p, frame,
			rv_output_bare(
			    frame, sizeof(frame), RV_OUTPUT_CATCH_UP),
			NULL, 0)) {
			return;
		}
		p->sent++;
	}
	while (p->fd != -1 && !p->blocked && !rv_list_empty(&p->unsent)) {
		struct rv_origin *origin =
		    RV_LIST_FIRST(&p->unsent, struct rv_origin, unsent);

		if (!send_about(p, origin)) {
			return;
		}
		rv_list_remove(&origin->unsent);
		rv_origins_settle(p, origin);
	}
	if (p->has && p->fd != -1 && !p->blocked) {
		p->has = !send_frame(p, frame,
		    rv_output_bare(frame, sizeof(frame), RV_OUTPUT_HAD), NULL,
		    0);
	}
}

/*
 * Where its socket was full when it had to tell of a life, that life's death
 * may be heard of first. Nothing is behind where nothing came since it said so.
 */
bool
rv_origins_behind(struct rv_pipes *p)
{
	if (p->fd == -1) {
		return false;
	}
	if (p->wanted == 0 && (p->heard || p->answered != p->asked)) {
		p->heard = false;
		p->wanted = ++p->asked;
		send_unsent(p);
	}
	return p->answered < p->wanted;
}

static void
tell(struct rv_pipes *p, struct rv_origin *origin)
{
	if (p->fd == -1) {
		/* A launcher that comes is told of what is open then. */
		origin->done = 0;
		return;
	}
	if (rv_list_empty(&origin->unsent)) {
		rv_list_insert(&p->unsent, &origin->unsent);
	}
}

/* -------- from the first to the last -------- */

static bool
is_closed(const struct rv_origin *origin)
{
	return origin->outlets[0].fd == -1 && origin->outlets[1].fd == -1 &&
	       origin->notify_fd == -1;
}

static void
close_notify(struct rv_origin *origin)
{
	if (origin->notify_fd != -1) {
		close(origin->notify_fd);
		origin->notify_fd = -1;
	}
}

static void
release_log(struct rv_pipes *p, struct rv_outlet *outlet)
{
	if (outlet->log != NULL && --outlet->log->refs == 0) {
		rv_hash_remove(&p->by_path, &outlet->log->by_path);
		outlet->log_ends = true;
	}
}

static void
let_go(struct rv_pipes *p, struct rv_origin *origin)
{
	rv_hash_remove(&p->by_life, &origin->by_life);
	rv_list_remove(&origin->link);
	rv_list_remove(&origin->unsent);
	p->n_closed--;
	for (unsigned i = 0; i < 2; i++) {
		release_log(p, &origin->outlets[i]);
	}
	/* Not at once: somebody further up still looks at it. */
	rv_list_insert(&p->gone, &origin->link);
	rv_loop_defer(p->loop, &p->part);
}

static void
part_with_gone(struct rv_defer *defer)
{
	struct rv_pipes *p = defer->ctx;

	while (!rv_list_empty(&p->gone)) {
		struct rv_origin *origin =
		    RV_LIST_FIRST(&p->gone, struct rv_origin, link);

		rv_list_remove(&origin->link);
		rv_desk_push(p->desk, &origin->job);
	}
}

static void
on_caught_up(struct rv_defer *defer)
{
	struct rv_pipes *p = defer->ctx;

	p->goes_on(p->ctx);
}

static void
on_again(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct rv_pipes *p = tick->ctx;

	(void)now;
	(void)late;
	p->again(p->ctx);
}

void
rv_origins_init(struct rv_pipes *p)
{
	p->again_later = (struct rv_tick){ .cb = on_again, .ctx = p };
	p->caught_up = (struct rv_defer){ .cb = on_caught_up, .ctx = p };
	p->part = (struct rv_defer){ .cb = part_with_gone, .ctx = p };
}

void
rv_origins_settle(struct rv_pipes *p, struct rv_origin *origin)
{
	if (is_closed(origin) && origin->over && !origin->pinned &&
	    origin->done == 0) {
		let_go(p, origin);
	}
}

/* Deaths that never come to be recorded keep nobody for ever. */
static void
bound_closed(struct rv_pipes *p)
{
	struct rv_origin *oldest;

	if (p->n_closed <= CLOSED_MAX) {
		return;
	}
	oldest = RV_LIST_FIRST(&p->closed, struct rv_origin, link);
	if (!oldest->pinned) {
		let_go(p, oldest);
	}
}

static void
enter_closed(struct rv_pipes *p, struct rv_origin *origin)
{
	bool wrote =
	    origin->outlets[0].log != NULL || origin->outlets[1].log != NULL;

	rv_list_remove(&origin->link);
	rv_list_insert(&p->closed, &origin->link);
	p->n_closed++;
	/* Last words are looked for when the death is recorded. */
	origin->over = origin->over || !p->keep || !wrote;
}

void
rv_origins_close(struct rv_pipes *p, struct rv_outlet *outlet)
{
	struct rv_origin *origin = outlet->origin;

	rv_floods_forget(p, outlet);
	epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, outlet->fd, NULL);
	close(outlet->fd);
	outlet->fd = -1;
	origin->done |=
	    (uint8_t)(outlet == &origin->outlets[0] ? RV_OUTPUT_STDOUT
						    : RV_OUTPUT_STDERR);
	tell(p, origin);
	if (is_closed(origin)) {
		enter_closed(p, origin);
	}
	send_unsent(p);
	bound_closed(p);
}

static struct rv_log *
find_log(struct rv_pipes *p, const struct rv_output *output,
    const struct rv_output_log *wanted)
{
	uint64_t key = rv_fnv_str(RV_FNV_INIT, wanted->path);
	struct rv_hash_node *node =
	    p->by_path.n > 0 ? rv_hash_find(&p->by_path, key) : NULL;
	struct rv_log *log =
	    node != NULL ? RV_CONTAINER(node, struct rv_log, by_path) : NULL;

	if (log != NULL && strcmp(log->path, wanted->path) == 0) {
		log->refs++;
		atomic_store(&log->max_bytes, wanted->max_bytes);
		atomic_store(&log->backups, wanted->backups);
		return log;
	}
	if (!rv_hash_reserve(&p->by_path, p->by_path.n + 1)) {
		return NULL;
	}
	log = rv_log_create(p->logs, wanted->path, output->uid, output->gid,
	    wanted->max_bytes, wanted->backups);
	if (log != NULL) {
		rv_hash_insert(&p->by_path, &log->by_path, key);
	}
	return log;
}

static bool
watch(struct rv_pipes *p, struct rv_outlet *outlet)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = outlet };
	int flags = fcntl(outlet->fd, F_GETFL);

	return flags != -1 &&
	       fcntl(outlet->fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
	       epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, outlet->fd, &event) == 0;
}

/* It is the last of what came. */
static void
take_notify(struct rv_origin *origin, const struct rv_output *output,
    struct rv_packet *packet)
{
	if ((output->streams & RV_OUTPUT_NOTIFY) != 0 &&
	    origin->notify_fd == -1 && !origin->ended) {
		origin->notify_fd = packet->fds[packet->n_fds - 1];
		packet->fds[packet->n_fds - 1] = -1;
	}
}

/* Takes the descriptors as far as it comes. */
static bool
fill(struct rv_pipes *p, struct rv_origin *origin,
    const struct rv_output *output, struct rv_packet *packet)
{
	const struct rv_output_log *logs[2] = { &output->out, &output->err };
	unsigned n = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct rv_outlet *outlet = &origin->outlets[i];

		if ((output->streams & (RV_OUTPUT_STDOUT << i)) == 0) {
			continue;
		}
		outlet->log = find_log(p, output, logs[i]);
		outlet->fd = packet->fds[n];
		packet->fds[n++] = -1;
		if (outlet->log == NULL || !watch(p, outlet)) {
			return false;
		}
	}
	take_notify(origin, output, packet);
	return true;
}

static struct rv_origin *
make(const struct rv_output *output)
{
	size_t len = strlen(output->path);
	struct rv_origin *origin = rv_alloc(1, sizeof(*origin) + len + 1);

	if (origin == NULL) {
		return NULL;
	}
	origin->job.type = RV_JOB_FORGET;
	rv_list_init(&origin->job.link);
	rv_list_init(&origin->link);
	rv_list_init(&origin->unsent);
	origin->pid = output->pid;
	origin->uid = output->uid;
	origin->gid = output->gid;
	origin->merged = output->merged;
	origin->outlets[0].origin = origin->outlets[1].origin = origin;
	origin->outlets[0].fd = origin->outlets[1].fd = -1;
	origin->notify_fd = -1;
	memcpy(origin->path, output->path, len + 1);
	return origin;
}

static void
discard(struct rv_pipes *p, struct rv_origin *origin, struct rv_logs *logs)
{
	close_notify(origin);
	for (unsigned i = 0; i < 2; i++) {
		struct rv_outlet *outlet = &origin->outlets[i];

		if (outlet->fd != -1) {
			rv_floods_forget(p, outlet);
			epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, outlet->fd, NULL);
			close(outlet->fd);
			outlet->fd = -1;
		}
		if (!outlet->log_ends) {
			release_log(p, outlet);
		}
		if (outlet->log_ends && logs != NULL) {
			rv_log_destroy(logs, outlet->log);
		} else if (outlet->log_ends) {
			rv_free(outlet->log); /* nobody has opened it */
		}
	}
	rv_free(origin);
}

/* For want of memory or of descriptors: both may come back. */
static void
take_later(struct rv_pipes *p)
{
	if (p->again_later.heap_index == 0) {
		rv_tick_arm(p->loop, &p->again_later,
		    rv_loop_now(p->loop) + AGAIN_AFTER);
	}
}

static void
open_origin(struct rv_pipes *p, const struct rv_output *output,
    struct rv_packet *packet)
{
	struct rv_origin *origin = rv_origins_find(p, output->life);

	if (origin != NULL) {
		if (is_closed(origin)) {
			origin->done =
			    (uint8_t)(output->streams & RV_OUTPUT_PIPES);
			tell(p, origin);
			send_unsent(p);
		}
		/* A launcher that got none from us has made one. */
		take_notify(origin, output, packet);
		return;
	}
	origin = make(output);
	if (origin == NULL || !rv_hash_reserve(&p->by_life, p->by_life.n + 1)) {
		rv_free(origin);
		take_later(p);
		return;
	}
	if (!fill(p, origin, output, packet)) {
		discard(p, origin, NULL);
		take_later(p);
		return;
	}
	rv_hash_insert(&p->by_life, &origin->by_life, output->life);
	rv_list_insert(&p->open, &origin->link);
}

static void
end_origin(struct rv_pipes *p, uint64_t life)
{
	struct rv_origin *origin = rv_origins_find(p, life);

	bool was_open;

	if (origin == NULL || origin->ended) {
		return;
	}
	was_open = !is_closed(origin);
	origin->ended = true;
	close_notify(origin);
	if (!is_closed(origin)) {
		rv_list_remove(&origin->link);
		rv_list_insert(&p->ending, &origin->link);
	} else if (was_open) {
		enter_closed(p, origin);
		rv_origins_settle(p, origin);
		bound_closed(p);
	}
}

/* -------- the launcher's socket -------- */

static void
handle(struct rv_pipes *p, const void *data, struct rv_packet *packet)
{
	struct rv_output_frame frame;

	p->heard = true;
	if (packet->truncated) {
		/* There was no room for its descriptors. */
		take_later(p);
		return;
	}
	if (!rv_output_decode(data, packet->len, packet->n_fds, &frame)) {
		return;
	}
	if (frame.op == RV_OUTPUT_OPEN) {
		open_origin(p, &frame.output, packet);
	} else if (frame.op == RV_OUTPUT_ENDED) {
		end_origin(p, frame.life);
	} else if (frame.op == RV_OUTPUT_CAUGHT_UP) {
		p->answered++;
		p->heard = p->answered != p->asked;
		rv_loop_defer(p->loop, &p->caught_up);
	} else if (frame.op == RV_OUTPUT_HELLO &&
		   frame.version != RV_OUTPUT_VERSION) {
		disconnect(p);
	}
}

void
rv_origins_listen(struct rv_pipes *p)
{
	static char data[RV_OUTPUT_FRAME_MAX];

	for (unsigned i = 0; i < FRAMES_A_TURN && p->fd != -1; i++) {
		struct rv_packet packet;
		int got = rv_packet_receive(p->fd, data, sizeof(data), &packet);

		if (got == -1 &&
		    (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)) {
			break;
		}
		if (got <= 0) {
			disconnect(p);
			break;
		}
		handle(p, data, &packet);
		rv_packet_close_fds(&packet);
	}
}

static void
on_link(struct rv_io *io, unsigned events)
{
	struct rv_pipes *p = io->ctx;

	if ((events & RV_LOOP_WRITE) != 0 && p->blocked) {
		p->blocked = false;
		rv_io_events(io, RV_LOOP_READ);
		send_unsent(p);
	}
	if ((events & RV_LOOP_READ) != 0 && p->fd != -1) {
		rv_origins_listen(p);
		if (!rv_list_empty(&p->ending) && !p->starved) {
			rv_pipes_empty(p);
		}
	}
}

void
rv_pipes_connect(struct rv_pipes *p, int fd)
{
	struct rv_list *lists[] = { &p->open, &p->ending };
	char hello[64];

	if (p->fd != -1) {
		/* Replaced, not ended. */
		rv_io_stop(&p->link);
		close(p->fd);
	}
	p->fd = fd;
	p->blocked = false;
	p->heard = true;
	forget_asking(p);
	p->link = (struct rv_io){ .cb = on_link, .ctx = p };
	if (rv_io_start(p->loop, &p->link, fd, RV_LOOP_READ, NULL) !=
	    REEVE_OK) {
		close(fd);
		p->fd = -1;
		return;
	}
	send_frame(p, hello, rv_output_hello(hello, sizeof(hello)), NULL, 0);
	p->has = true;
	for (size_t i = 0; i < RV_ARRAY_LEN(lists); i++) {
		RV_LIST_EACH (origin, lists[i], struct rv_origin, link) {
			origin->have = true;
			tell(p, origin);
		}
	}
	send_unsent(p);
}

/* The disk thread is no more: what it would do is done here. */
void
rv_origins_finish(struct rv_pipes *p, struct rv_logs *logs)
{
	struct rv_list *lists[] = { &p->open, &p->ending, &p->closed,
		&p->gone };

	if (p->fd != -1) {
		rv_io_stop(&p->link);
		close(p->fd);
		p->fd = -1;
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(lists); i++) {
		while (!rv_list_empty(lists[i])) {
			struct rv_origin *origin =
			    RV_LIST_FIRST(lists[i], struct rv_origin, link);

			rv_list_remove(&origin->link);
			rv_list_remove(&origin->unsent);
			discard(p, origin, logs);
		}
	}
	rv_defer_cancel(&p->part);
	rv_defer_cancel(&p->caught_up);
	rv_hash_finish(&p->by_life);
	rv_hash_finish(&p->by_path);
}
