/* SPDX-License-Identifier: MIT */
/*
 * The clerk's process, seen from the supervisor: started, greeted with ring
 * and settings, read, replaced when it dies, ended. Owns its socket and its
 * pidfd. Called in the loop's thread by super/; must never wait for the clerk.
 */
#include "config.h"

#include "journal/clerk_link.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/room.h"
#include "sys/sys.h"
#include "wire/clerk.h"
#include "wire/packet.h"

#define LINK_MAGIC    0x636c6c6bu
#define FRAMES_A_TURN 64
#define FIRST_DELAY   (10 * RV_MS)
#define LAST_DELAY \
	(5 * RV_SEC) /* between those that end before they are ready */
#define READY_DELAY (25 * RV_MS) /* after one that was, or that was killed */
#define GOOD_FOR    (5 * RV_SEC) /* up this long: the next is at once */
#define ENDS_WITHIN (2 * RV_SEC) /* after its socket's end */
#define SYNCS_MAX   256          /* that wait for room, or for a clerk */
#define STRAYS_MAX  65536

struct rv_clerk_link {
	unsigned magic;
	char *program, *state_dir, *runtime_dir;
	const struct rv_journal_conf *conf;
	struct rv_journal *journal;
	struct rv_loop *loop;
	const struct rv_clerk_ops *ops;
	void *ctx;

	struct rv_io io;     /* its socket */
	struct rv_io ending; /* its pidfd, between its socket's end and its own
			      */
	struct rv_tick tick; /* of the next attempt, or of impatience */
	int fd;              /* -1: there is none, or it is ending */
	pid_t pid;           /* 0: none */
	int pidfd;
	int wstatus; /* the host reaped it; -1: no */
	rv_time started_at, delay, impatient_at;
	bool failing; /* the last attempt failed: it was said */
	bool ready;   /* this one opened the log */

	/* what waits for room in the socket */
	bool blocked;
	int launcher_fd; /* -1: none waits */
	unsigned n_syncs;
	uint64_t syncs[SYNCS_MAX];

	/* what came before READY */
	struct rv_stray *strays;
	size_t n_strays;

	char *frame; /* RV_CLERK_FRAME_MAX bytes */
};

static void on_end(struct rv_clerk_link *);

static void
trouble(struct rv_clerk_link *link, const char *text)
{
	struct reeve_error err;

	rv_error(&err, REEVE_EFAILED, "%s", text);
	link->ops->trouble(link->ctx, &err);
}

/* False: it waits for room, or the clerk is gone, of which we shall hear. */
static bool
send_frame(struct rv_clerk_link *link, const struct rv_clerk_frame *frame,
    const int *fds, unsigned n_fds)
{
	char data[256];
	size_t len = rv_clerk_encode(data, sizeof(data), frame, NULL);

	RV_ASSERT(len > 0);
	if (rv_packet_send(link->fd, data, len, fds, n_fds) == 0) {
		return true;
	}
	if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM ||
	    errno == ETOOMANYREFS) {
		link->blocked = true;
		rv_io_events(&link->io, RV_LOOP_READ | RV_LOOP_WRITE);
	}
	return false;
}

static void
drop_launcher(struct rv_clerk_link *link)
{
	if (link->launcher_fd != -1) {
		close(link->launcher_fd);
		link->launcher_fd = -1;
	}
}

static void
flush(struct rv_clerk_link *link)
{
	struct rv_clerk_frame frame = { .op = RV_CLERK_LAUNCHER };
	unsigned sent = 0;

	if (link->fd == -1 || link->blocked) {
		return;
	}
	if (link->launcher_fd != -1) {
		if (!send_frame(link, &frame, &link->launcher_fd, 1)) {
			return;
		}
		drop_launcher(link);
	}
	frame.op = RV_CLERK_SYNC;
	while (sent < link->n_syncs) {
		frame.token = link->syncs[sent];
		if (!send_frame(link, &frame, NULL, 0)) {
			break;
		}
		sent++;
	}
	link->n_syncs -= sent;
	memmove(link->syncs, link->syncs + sent,
	    link->n_syncs * sizeof(link->syncs[0]));
}

static bool
keep_strays(struct rv_clerk_link *link, const struct rv_clerk_frame *frame)
{
	size_t n = link->n_strays + frame->n_strays;
	struct rv_stray *strays;

	if (frame->n_strays == 0) {
		return true;
	}
	if (n > STRAYS_MAX) {
		return false;
	}
	strays = rv_realloc(link->strays, link->n_strays, n, sizeof(*strays));
	if (strays == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < frame->n_strays; i++) {
		struct rv_clerk_stray s = rv_clerk_stray_at(frame, i);

		strays[link->n_strays + i] = (struct rv_stray){ .life = s.life,
			.pid = s.pid,
			.start_ticks = s.start_ticks };
	}
	link->strays = strays;
	link->n_strays = n;
	return true;
}

static void
forget_strays(struct rv_clerk_link *link)
{
	rv_free(link->strays);
	link->strays = NULL;
	link->n_strays = 0;
}

static void
on_strays(struct rv_clerk_link *link, const struct rv_clerk_frame *frame)
{
	if (!keep_strays(link, frame)) {
		trouble(link, "cannot keep what earlier runs have left behind: "
			      "out of memory");
	}
}

static void
on_ready(struct rv_clerk_link *link, const struct rv_clerk_frame *frame)
{
	struct rv_stray *strays;

	on_strays(link, frame);
	link->ready = true;
	strays = link->strays;
	link->strays = NULL;
	link->ops->ready(link->ctx, frame->next_event, frame->next_life, strays,
	    link->n_strays, frame->rings_drained);
	rv_free(strays);
	link->n_strays = 0;
}

static void
on_want_launcher(struct rv_clerk_link *link, const struct rv_clerk_frame *frame)
{
	(void)frame;
	link->ops->want_launcher(link->ctx);
}

static void
on_synced(struct rv_clerk_link *link, const struct rv_clerk_frame *frame)
{
	link->ops->synced(link->ctx, frame->token);
}

static void
on_disk(struct rv_clerk_link *link, const struct rv_clerk_frame *frame)
{
	link->ops->disk(
	    link->ctx, frame->ok, frame->what, frame->path, frame->reason);
}

static void
on_dropped(struct rv_clerk_link *link, const struct rv_clerk_frame *frame)
{
	link->ops->dropped(link->ctx, frame->life, frame->path,
	    frame->is_stderr, frame->bytes, frame->first_us, frame->last_us);
}

/* NULL: not for us. */
static void (*const handlers[])(
    struct rv_clerk_link *, const struct rv_clerk_frame *) = {
	[RV_CLERK_READY] = on_ready,
	[RV_CLERK_STRAYS] = on_strays,
	[RV_CLERK_WANT_LAUNCHER] = on_want_launcher,
	[RV_CLERK_SYNCED] = on_synced,
	[RV_CLERK_DISK] = on_disk,
	[RV_CLERK_DROPPED] = on_dropped,
	[RV_CLERK_CLOSE] = NULL,
};

static void
handle(struct rv_clerk_link *link, const struct rv_packet *packet)
{
	struct rv_clerk_frame frame;

	if (packet->truncated ||
	    !rv_clerk_decode(link->frame, packet->len, packet->n_fds, &frame) ||
	    handlers[frame.op] == NULL) {
		trouble(link, "the clerk sent a frame that is none");
		return;
	}
	handlers[frame.op](link, &frame);
}

static void
read_frames(struct rv_clerk_link *link)
{
	for (unsigned i = 0; i < FRAMES_A_TURN; i++) {
		struct rv_packet packet;
		int fd = link->fd;
		int got = rv_packet_receive(
		    fd, link->frame, RV_CLERK_FRAME_MAX, &packet);

		if (got == -1 &&
		    (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)) {
			return;
		}
		if (got <= 0) {
			on_end(link);
			return;
		}
		rv_packet_close_fds(&packet);
		handle(link, &packet);
		if (link->fd != fd) {
			return;
		}
	}
}

static void
on_io(struct rv_io *io, unsigned events)
{
	struct rv_clerk_link *link = io->ctx;

	RV_MAGIC_CHECK(link, LINK_MAGIC);
	if ((events & RV_LOOP_WRITE) != 0 && link->blocked) {
		link->blocked = false;
		rv_io_events(io, RV_LOOP_READ);
		flush(link);
	}
	if ((events & RV_LOOP_READ) != 0 && link->fd != -1) {
		read_frames(link);
	}
}

static bool
greet(struct rv_clerk_link *link)
{
	struct rv_clerk_frame frame = { .op = RV_CLERK_START,
		.conf = { .version = RV_CLERK_VERSION,
		    .retain = link->conf->retain,
		    .max_size = link->conf->max_size,
		    .output_tail = link->conf->output_tail,
		    .output_stall = link->conf->output_stall } };
	int fds[2] = { rv_journal_ring_fd(link->journal),
		rv_journal_wake_fd(link->journal) };

	return send_frame(link, &frame, fds, 2);
}

static enum reeve_status
start_process(struct rv_clerk_link *link, int socket, struct reeve_error *err)
{
	const char *argv[] = { link->program, link->state_dir,
		link->runtime_dir, NULL };
	struct rv_helper helper = { .path = link->program,
		.argv = argv,
		.envp = (const char *const *)environ,
		.fds = &socket,
		.n_fds = 1,
		.new_session = true };

	return rv_sys_helper_start(&helper, &link->pid, &link->pidfd, err);
}

/* Start a clerk and greet it. */
static enum reeve_status
begin(struct rv_clerk_link *link, struct reeve_error *err)
{
	int fds[2] = { -1, -1 };
	enum reeve_status status;

	if (rv_sys_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == -1) {
		return rv_error_sys(
		    err, errno, "cannot make the clerk's socket");
	}
	link->io = (struct rv_io){ .cb = on_io, .ctx = link };
	status = rv_io_start(link->loop, &link->io, fds[0], RV_LOOP_READ, err);
	if (status != REEVE_OK) {
		goto out;
	}
	link->fd = fds[0];
	link->blocked = false;
	if (!greet(link)) {
		status = rv_error_sys(err, errno, "cannot greet the clerk");
	} else {
		status = start_process(link, fds[1], err);
	}
	if (status != REEVE_OK) {
		rv_io_stop(&link->io);
		link->fd = -1;
		goto out;
	}
	fds[0] = -1;
	link->wstatus = -1;
	link->ready = false;
	link->started_at = rv_loop_now(link->loop);
	flush(link);
out:
	if (fds[0] != -1) {
		close(fds[0]);
	}
	close(fds[1]);
	return status;
}

/* Somebody else's doing: the next one has no reason to end, too. */
static bool
was_killed(const struct rv_clerk_link *link)
{
	return link->wstatus != -1 && WIFSIGNALED(link->wstatus) &&
	       (WTERMSIG(link->wstatus) == SIGKILL ||
		   WTERMSIG(link->wstatus) == SIGTERM);
}

static void
try_again_later(struct rv_clerk_link *link)
{
	rv_time most = !link->failing && (link->ready || was_killed(link))
			   ? READY_DELAY
			   : LAST_DELAY;

	link->delay =
	    link->delay == 0 ? FIRST_DELAY : RV_MIN(link->delay * 2, most);
	rv_tick_arm(
	    link->loop, &link->tick, rv_loop_now(link->loop) + link->delay);
}

static void
begin_again(struct rv_clerk_link *link)
{
	struct reeve_error err;

	if (begin(link, &err) == REEVE_OK) {
		link->failing = false;
		return;
	}
	if (!link->failing) {
		link->failing = true;
		rv_error_wrap(&err, "cannot start the clerk again");
		link->ops->trouble(link->ctx, &err);
	}
	try_again_later(link);
}

static int
status_of(const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED) {
		return (info->si_status & 0xff) << 8;
	}
	return info->si_status | (info->si_code == CLD_DUMPED ? 0x80 : 0);
}

/* True: it has ended (status in link->wstatus, or -1). */
static bool
reap(struct rv_clerk_link *link)
{
	siginfo_t info;
	int done;

	if (link->wstatus != -1) {
		return true;
	}
	done =
	    rv_sys_wait(link->pidfd, link->pid, WEXITED | WNOHANG, &info, NULL);
	if (done == 1) {
		link->wstatus = status_of(&info);
	} else if (done == -1) {
		/* The host took it; perhaps the kernel still tells. */
		rv_sys_pidfd_exit_status(link->pidfd, &link->wstatus);
	}
	return done != 0;
}

static void
forget_process(struct rv_clerk_link *link)
{
	rv_io_stop(&link->ending);
	rv_tick_disarm(&link->tick);
	if (link->pidfd != -1) {
		close(link->pidfd);
	}
	link->pidfd = -1;
	link->pid = 0;
}

static void
lost(struct rv_clerk_link *link)
{
	bool good = rv_loop_now(link->loop) - link->started_at >= GOOD_FOR;

	forget_process(link);
	forget_strays(link);
	link->n_syncs = 0;
	link->ops->lost(link->ctx, link->wstatus);
	if (good || link->delay == 0) {
		link->delay = good ? 0 : FIRST_DELAY / 2;
		begin_again(link);
	} else {
		try_again_later(link);
	}
}

static void
on_ending(struct rv_io *io, unsigned events)
{
	struct rv_clerk_link *link = io->ctx;

	(void)events;
	RV_MAGIC_CHECK(link, LINK_MAGIC);
	if (reap(link)) {
		lost(link);
	}
}

/* Its socket has ended; so does the process, usually at this moment. */
static void
on_end(struct rv_clerk_link *link)
{
	rv_io_stop(&link->io);
	close(link->fd);
	link->fd = -1;
	if (reap(link)) {
		lost(link);
		return;
	}
	link->ending = (struct rv_io){ .cb = on_ending, .ctx = link };
	if (link->pidfd != -1 &&
	    rv_io_start(link->loop, &link->ending, link->pidfd, RV_LOOP_READ,
		NULL) != REEVE_OK) {
		link->ending.loop = NULL;
	}
	link->impatient_at = rv_loop_now(link->loop) + ENDS_WITHIN;
	rv_tick_arm(link->loop, &link->tick, rv_loop_now(link->loop) + RV_MS);
}

/* Either it is time for another, or one does not get to its end. */
static void
on_tick(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct rv_clerk_link *link = tick->ctx;

	(void)late;
	RV_MAGIC_CHECK(link, LINK_MAGIC);
	if (link->pid == 0) {
		begin_again(link);
		return;
	}
	if (reap(link)) {
		lost(link);
		return;
	}
	if (now >= link->impatient_at) {
		rv_sys_pidfd_signal(link->pidfd, link->pid, SIGKILL);
	}
	rv_tick_arm(link->loop, tick, now + 10 * RV_MS);
}

static void
free_all(struct rv_clerk_link *link)
{
	drop_launcher(link);
	forget_strays(link);
	rv_room_destroy(link->frame, RV_CLERK_FRAME_MAX);
	rv_free(link->program);
	rv_free(link->state_dir);
	rv_free(link->runtime_dir);
	link->magic = 0;
	rv_free(link);
}

enum reeve_status
rv_clerk_open(struct rv_clerk_link **out,
    const struct rv_clerk_options *options, struct reeve_error *err)
{
	struct rv_clerk_link *link = rv_alloc(1, sizeof(*link));
	enum reeve_status status = REEVE_ENOMEM;

	if (link == NULL) {
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	link->magic = LINK_MAGIC;
	link->conf = options->conf;
	link->journal = options->journal;
	link->loop = options->loop;
	link->ops = options->ops;
	link->ctx = options->ctx;
	link->program = rv_strdup(options->program);
	link->state_dir = rv_strdup(options->state_dir);
	link->runtime_dir = rv_strdup(options->runtime_dir);
	link->frame = rv_room_create(RV_CLERK_FRAME_MAX);
	link->fd = link->pidfd = link->wstatus = link->launcher_fd = -1;
	link->tick = (struct rv_tick){ .cb = on_tick, .ctx = link };
	if (link->program == NULL || link->state_dir == NULL ||
	    link->runtime_dir == NULL || link->frame == NULL ||
	    rv_loop_reserve(link->loop, 1) != REEVE_OK) {
		rv_error(err, REEVE_ENOMEM, "out of memory");
	} else {
		status = begin(link, err);
	}
	if (status != REEVE_OK) {
		free_all(link);
		return status;
	}
	*out = link;
	return REEVE_OK;
}

/*
 * What was dropped so far becomes events while there is a ring to take them.
 * From here on the clerk finds nobody to tell, and writes them down itself.
 */
static void
hear_last_drops(struct rv_clerk_link *link)
{
	struct rv_clerk_frame frame;
	struct rv_packet packet;

	shutdown(link->fd, SHUT_RD);
	while (rv_packet_receive(
		   link->fd, link->frame, RV_CLERK_FRAME_MAX, &packet) > 0) {
		rv_packet_close_fds(&packet);
		if (!packet.truncated &&
		    rv_clerk_decode(
			link->frame, packet.len, packet.n_fds, &frame) &&
		    frame.op == RV_CLERK_DROPPED) {
			on_dropped(link, &frame);
		}
	}
}

/*
 * A clerk too far behind to hear it sees its socket's end instead, and learns
 * from the last record of the ring that this was in order.
 */
static void
say_close(struct rv_clerk_link *link)
{
	struct rv_clerk_frame frame = { .op = RV_CLERK_CLOSE };
	char data[16];
	size_t len = rv_clerk_encode(data, sizeof(data), &frame, NULL);

	flush(link);
	hear_last_drops(link);
	rv_packet_send(link->fd, data, len, NULL, 0);
	rv_io_stop(&link->io);
	close(link->fd);
	link->fd = -1;
}

void
rv_clerk_close(struct rv_clerk_link *link, int *pidfd)
{
	int its = -1;

	if (link == NULL) {
		if (pidfd != NULL) {
			*pidfd = -1;
		}
		return;
	}
	RV_MAGIC_CHECK(link, LINK_MAGIC);
	if (link->pid == 0) {
		/* Between two clerks: what the ring holds is to be written. */
		rv_tick_disarm(&link->tick);
		if (begin(link, NULL) != REEVE_OK) {
			link->pid = 0;
		}
	}
	if (link->fd != -1) {
		say_close(link);
	}
	rv_io_stop(&link->ending);
	its = link->pidfd;
	link->pidfd = -1;
	forget_process(link);
	free_all(link);
	if (pidfd != NULL) {
		*pidfd = its;
	} else if (its != -1) {
		close(its);
	}
}

void
rv_clerk_give_launcher(struct rv_clerk_link *link, int fd)
{
	drop_launcher(link);
	link->launcher_fd = fd;
	flush(link);
}

void
rv_clerk_sync(struct rv_clerk_link *link, uint64_t token)
{
	if (link->n_syncs == SYNCS_MAX) {
		link->n_syncs--; /* a later one says as much */
	}
	link->syncs[link->n_syncs++] = token;
	flush(link);
}

pid_t
rv_clerk_pid(const struct rv_clerk_link *link)
{
	return link->pid;
}

bool
rv_clerk_reaped(struct rv_clerk_link *link, pid_t pid, int wstatus)
{
	if (pid != link->pid || pid == 0) {
		return false;
	}
	link->wstatus = wstatus;
	return true;
}
