/* SPDX-License-Identifier: MIT */
/*
 * The launcher's process, seen from the supervisor: started, read, replaced
 * when it dies, ended. What is asked of it is in ask.c, what it says in
 * reports.c.
 */
#include "config.h"

#include "start/start.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/room.h"
#include "start/start_priv.h"
#include "sys/sys.h"
#include "wire/packet.h"

#define FRAMES_A_TURN 64
#define FIRST_DELAY   (10 * RV_MS)
#define LAST_DELAY    (5 * RV_SEC)
#define KILLED_DELAY  (25 * RV_MS)  /* after one that somebody killed */
#define GOOD_FOR      (5 * RV_SEC)  /* up this long: the next is at once */
#define ENDS_WITHIN   (2 * RV_SEC)  /* after its socket's end */
#define CLOSES_WITHIN (15 * RV_SEC) /* more than it takes to kill all */
#define BUFFER_SIZE   (4 * 1024 * 1024)

void
rv_start_trouble(struct rv_start *start, int sys_errno, const char *fmt, ...)
{
	struct reeve_error err;
	char text[sizeof(err.text)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (sys_errno != 0) {
		rv_error_sys(&err, sys_errno, "%s", text);
	} else {
		rv_error(&err, REEVE_EFAILED, "%s", text);
	}
	start->ops->trouble(start->ctx, &err);
}

static void begin_again(struct rv_start *);
static void on_end(struct rv_start *);

static void
read_frames(struct rv_start *start)
{
	for (unsigned i = 0; i < FRAMES_A_TURN; i++) {
		struct rv_packet packet;
		int fd = start->fd;
		int got = rv_packet_receive(
		    fd, start->frame, RV_LAUNCH_FRAME_MAX, &packet);

		if (got == -1 && errno == EAGAIN) {
			return;
		}
		if (got <= 0) {
			on_end(start);
			return;
		}
		rv_start_report(start, start->frame, &packet);
		rv_packet_close_fds(&packet);
		if (start->fd != fd) {
			return;
		}
	}
}

static void
on_io(struct rv_io *io, unsigned events)
{
	struct rv_start *start = io->ctx;

	RV_MAGIC_CHECK(start, RV_START_MAGIC);
	if ((events & RV_LOOP_WRITE) != 0 && start->blocked) {
		rv_start_flush(start);
	}
	if ((events & RV_LOOP_READ) != 0 && start->fd != -1) {
		read_frames(start);
	}
}

static enum reeve_status
start_process(struct rv_start *start, int socket, struct reeve_error *err)
{
	const char *argv[] = { start->program, start->runtime_dir,
		start->run_id, start->last_run,
		start->private_dir ? "private" : NULL, NULL };
	struct rv_helper helper = { .path = start->program,
		.argv = argv,
		.envp = (const char *const *)environ,
		.fds = &socket,
		.n_fds = 1,
		.new_session = true,
		.orphan = start->private_dir };

	return rv_sys_helper_start(&helper, &start->pid, &start->pidfd, err);
}

/* Start a launcher and greet it. */
static enum reeve_status
begin(struct rv_start *start, struct reeve_error *err)
{
	int size = BUFFER_SIZE;
	int fds[2] = { -1, -1 };
	enum reeve_status status;

	if (rv_sys_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == -1) {
		return rv_error_sys(
		    err, errno, "cannot make the launcher's socket");
	}
	if (setsockopt(fds[0], SOL_SOCKET, SO_SNDBUFFORCE, &size,
		sizeof(size)) == -1) {
		setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	}
	start->io = (struct rv_io){ .cb = on_io, .ctx = start };
	status =
	    rv_io_start(start->loop, &start->io, fds[0], RV_LOOP_READ, err);
	if (status == REEVE_OK) {
		status = start_process(start, fds[1], err);
		if (status != REEVE_OK) {
			rv_io_stop(&start->io);
		}
	}
	close(fds[1]);
	if (status != REEVE_OK) {
		close(fds[0]);
		return status;
	}
	start->fd = fds[0];
	start->wstatus = -1;
	start->started_at = rv_loop_now(start->loop);
	rv_start_ask(start, &(struct rv_start_op){ .op = RV_LAUNCH_HELLO });
	rv_start_introduce(start);
	return REEVE_OK;
}

/* Lives that nobody handed over were on their way when it died. */
static void
drop_stale(struct rv_start *start)
{
	RV_LIST_EACH_SAFE (life, &start->all, struct rv_start_life, link) {
		if (life->stale) {
			rv_start_remove(start, life);
		}
	}
}

static void
hand_over(struct rv_start *start)
{
	struct reeve_error err;

	RV_LIST_EACH (life, &start->all, struct rv_start_life, link) {
		if (life->stray) {
			life->stale = false;
			rv_start_ask(
			    start, &(struct rv_start_op){ .op = RV_LAUNCH_STRAY,
				       .life = life->by_life.key });
		}
	}
	start->handing_over = true;
	start->ops->back(start->ctx);
	start->handing_over = false;
	drop_stale(start);
	if (start->wants_clerk && start->clerk_fd == -1 &&
	    rv_start_connect_clerk(start, &err) != REEVE_OK) {
		start->ops->trouble(start->ctx, &err);
	}
	if (start->unsealed && !start->blocked) {
		rv_start_send_seal(start);
	}
	if (start->refused && !start->blocked) {
		start->refused = false;
		start->ops->writable(start->ctx);
	}
}

/* Somebody else's doing: the next one has no reason to end, too. */
static bool
was_killed(const struct rv_start *start)
{
	return start->wstatus != -1 && WIFSIGNALED(start->wstatus) &&
	       (WTERMSIG(start->wstatus) == SIGKILL ||
		   WTERMSIG(start->wstatus) == SIGTERM);
}

static void
try_again_later(struct rv_start *start)
{
	rv_time most =
	    was_killed(start) && !start->failing ? KILLED_DELAY : LAST_DELAY;

	start->delay =
	    start->delay == 0 ? FIRST_DELAY : RV_MIN(start->delay * 2, most);
	rv_tick_arm(
	    start->loop, &start->tick, rv_loop_now(start->loop) + start->delay);
}

static void
begin_again(struct rv_start *start)
{
	struct reeve_error err;

	if (begin(start, &err) == REEVE_OK) {
		start->failing = false;
		hand_over(start);
		return;
	}
	if (!start->failing) {
		start->failing = true;
		rv_error_wrap(&err, "cannot start the launcher again");
		start->ops->trouble(start->ctx, &err);
	}
	try_again_later(start);
}

static int
status_of(const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED) {
		return (info->si_status & 0xff) << 8;
	}
	return info->si_status | (info->si_code == CLD_DUMPED ? 0x80 : 0);
}

/* 1: it has ended (status in start->wstatus, or -1), 0: not yet. */
static int
reap(struct rv_start *start)
{
	siginfo_t info;
	int done;

	if (start->wstatus != -1) {
		return 1;
	}
	done = rv_sys_wait(
	    start->pidfd, start->pid, WEXITED | WNOHANG, &info, NULL);
	if (done == 1) {
		start->wstatus = status_of(&info);
	} else if (done == -1) {
		/* The host took it; perhaps the kernel still tells. */
		rv_sys_pidfd_exit_status(start->pidfd, &start->wstatus);
	}
	return done != 0;
}

static void
forget_process(struct rv_start *start)
{
	rv_io_stop(&start->ending);
	rv_tick_disarm(&start->tick);
	if (start->pidfd != -1) {
		close(start->pidfd);
	}
	start->pidfd = -1;
	start->pid = 0;
}

static void
lost(struct rv_start *start)
{
	bool good = rv_loop_now(start->loop) - start->started_at >= GOOD_FOR;

	forget_process(start);
	rv_start_forget_queue(start);
	RV_LIST_EACH (life, &start->all, struct rv_start_life, link) {
		life->stale = true;
	}
	start->unsealed = start->declared != NULL;
	start->next_declared = 0;
	start->ops->lost(start->ctx, start->wstatus);
	if (good || start->delay == 0) {
		start->delay = good ? 0 : FIRST_DELAY / 2;
		begin_again(start);
	} else {
		try_again_later(start);
	}
}

static void
on_ending(struct rv_io *io, unsigned events)
{
	struct rv_start *start = io->ctx;

	(void)events;
	if (reap(start) != 0) {
		lost(start);
	}
}

/* Its socket has ended; so does the process, usually at this moment. */
static void
on_end(struct rv_start *start)
{
	rv_io_stop(&start->io);
	close(start->fd);
	start->fd = -1;
	if (reap(start) != 0) {
		lost(start);
		return;
	}
	start->ending = (struct rv_io){ .cb = on_ending, .ctx = start };
	if (start->pidfd == -1 ||
	    rv_io_start(start->loop, &start->ending, start->pidfd, RV_LOOP_READ,
		NULL) != REEVE_OK) {
		start->wstatus = -1;
	}
	start->impatient_at = rv_loop_now(start->loop) + ENDS_WITHIN;
	rv_tick_arm(
	    start->loop, &start->tick, rv_loop_now(start->loop) + RV_MS);
}

/* Either it is time for another, or one does not get to its end. */
static void
on_tick(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct rv_start *start = tick->ctx;

	(void)late;
	RV_MAGIC_CHECK(start, RV_START_MAGIC);
	if (start->pid == 0) {
		begin_again(start);
		return;
	}
	if (reap(start) != 0) {
		lost(start);
		return;
	}
	if (now >= start->impatient_at) {
		rv_sys_pidfd_signal(start->pidfd, start->pid, SIGKILL);
	}
	rv_tick_arm(start->loop, tick, now + 10 * RV_MS);
}

static void
free_lives(struct rv_start *start)
{
	while (!rv_list_empty(&start->all)) {
		rv_start_remove(start,
		    RV_LIST_FIRST(&start->all, struct rv_start_life, link));
	}
	while (start->chunks != NULL) {
		struct rv_start_chunk *next = start->chunks->next;

		rv_room_destroy(start->chunks->keeps,
		    start->chunks->n * sizeof(*start->chunks->keeps));
		rv_free(start->chunks);
		start->chunks = next;
	}
	rv_hash_finish(&start->by_life);
	rv_start_free_queue(start);
}

static void
free_all(struct rv_start *start)
{
	free_lives(start);
	rv_free(start->functions);
	rv_free(start->crash_library);
	rv_free(start->program);
	rv_free(start->runtime_dir);
	rv_free(start->run_id);
	rv_free(start->last_run);
	rv_room_destroy(start->frame, RV_LAUNCH_FRAME_MAX);
	start->magic = 0;
	rv_free(start);
}

enum reeve_status
rv_start_open(struct rv_start **out, const struct rv_start_options *options,
    struct reeve_error *err)
{
	struct rv_start *start = rv_alloc(1, sizeof(*start));
	enum reeve_status status = REEVE_ENOMEM;

	if (start == NULL) {
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	start->magic = RV_START_MAGIC;
	start->loop = options->loop;
	start->ops = options->ops;
	start->ctx = options->ctx;
	start->program = rv_strdup(options->program);
	start->functions =
	    options->functions != NULL ? rv_strdup(options->functions) : NULL;
	start->crash_library = options->crash_library != NULL
				   ? rv_strdup(options->crash_library)
				   : NULL;
	start->runtime_dir = rv_strdup(options->runtime_dir);
	start->private_dir = options->private_dir;
	start->run_id = rv_strdup(options->run_id);
	start->last_run =
	    rv_strdup(options->last_run != NULL ? options->last_run : "");
	start->frame = rv_room_create(RV_LAUNCH_FRAME_MAX);
	start->fd = start->pidfd = start->clerk_fd = start->wstatus = -1;
	start->tick = (struct rv_tick){ .cb = on_tick, .ctx = start };
	start->clerk_tick =
	    (struct rv_tick){ .cb = rv_start_clerk_again, .ctx = start };
	rv_list_init(&start->all);
	rv_list_init(&start->free);
	rv_list_init(&start->adoptions);
	if (start->program == NULL || start->runtime_dir == NULL ||
	    start->run_id == NULL || start->last_run == NULL ||
	    start->frame == NULL || rv_start_reserve(start, 1) != REEVE_OK ||
	    rv_loop_reserve(start->loop, 2) != REEVE_OK) {
		rv_error(err, REEVE_ENOMEM, "out of memory");
	} else {
		status = begin(start, err);
	}
	if (status != REEVE_OK) {
		free_all(start);
		return status;
	}
	*out = start;
	return REEVE_OK;
}

/* Somebody else's child, whose end the pidfd tells all the same. */
static void
await_orphan(const struct rv_start *start, rv_time until)
{
	struct pollfd p = { .fd = start->pidfd, .events = POLLIN };
	rv_time left = until - rv_sys_now();

	while (start->pidfd != -1 && left > 0 &&
	       poll(&p, 1, (int)(left / RV_MS) + 1) == -1 && errno == EINTR) {
		left = until - rv_sys_now();
	}
}

/* Until its socket has ended, with it, whatever it still has to say. */
static void
await_end(struct rv_start *start)
{
	rv_time until = rv_sys_now() + CLOSES_WITHIN;
	struct pollfd p = { .fd = start->fd, .events = POLLIN };
	struct rv_packet packet;
	int got = 1;

	while (start->fd != -1 && got != 0) {
		rv_time left = until - rv_sys_now();

		if (left <= 0) {
			rv_sys_pidfd_signal(start->pidfd, start->pid, SIGKILL);
			break;
		}
		poll(&p, 1, (int)(left / RV_MS) + 1);
		got = rv_packet_receive(
		    start->fd, start->frame, RV_LAUNCH_FRAME_MAX, &packet);
		if (got == 1) {
			rv_packet_close_fds(&packet);
		} else if (got == -1 && errno != EAGAIN) {
			break;
		}
	}
	if (start->pid != 0 && start->wstatus == -1 &&
	    rv_sys_wait(start->pidfd, start->pid, WEXITED, NULL, NULL) == -1) {
		await_orphan(start, until);
	}
}

void
rv_start_close(struct rv_start *start)
{
	char frame[16];
	struct rv_launch_frame close_frame = { .op = RV_LAUNCH_CLOSE };
	size_t len;

	if (start == NULL) {
		return;
	}
	RV_MAGIC_CHECK(start, RV_START_MAGIC);
	if (start->fd != -1) {
		len =
		    rv_launch_encode_frame(frame, sizeof(frame), &close_frame);
		/* A full socket takes its end instead: it means the same. */
		if (rv_packet_send(start->fd, frame, len, NULL, 0) == -1) {
			shutdown(start->fd, SHUT_WR);
		}
		rv_io_stop(&start->io);
	}
	await_end(start);
	if (start->fd != -1) {
		close(start->fd);
	}
	rv_start_forget_queue(start);
	rv_tick_disarm(&start->clerk_tick);
	forget_process(start);
	free_all(start);
}

pid_t
rv_start_pid(const struct rv_start *start)
{
	return start->pid;
}

bool
rv_start_reaped(struct rv_start *start, pid_t pid, int wstatus)
{
	if (pid == start->pid && pid != 0) {
		start->wstatus = wstatus;
		return true;
	}
	RV_LIST_EACH (life, &start->all, struct rv_start_life, link) {
		if (life->pid == pid) {
			/* DIED will come without it, and be completed. */
			life->has_status = true;
			life->wstatus = wstatus;
			return true;
		}
	}
	return false;
}
