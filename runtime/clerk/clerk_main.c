/* SPDX-License-Identifier: MIT */
/*
 * reeve-clerk STATE_DIR RUNTIME_DIR: started by the supervisor, with its socket
 * as descriptor 3. Records what happens and what workers write, and knows no
 * policy. This file is the main thread: it brings sockets, pipes, desk and disk
 * thread together, and sees to it that the end comes. Never touches a disk.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fault.h"
#include "clerk/boss.h"
#include "clerk/disk.h"
#include "clerk/pipes.h"
#include "loop/loop.h"
#include "sys/sys.h"

#define SUPERVISOR_FD   3
#define STACK_SIZE      ((size_t)256 * 1024)
#define LAUNCHER_WITHIN (60 * RV_SEC) /* to kill what lives, once alone */
#define LOST_WITHIN     RV_MINUTE     /* the same, with nobody waiting */
#define END_WITHIN      (10 * RV_SEC) /* to write the rest */

struct clerk {
	struct rv_loop *loop;
	struct rv_desk desk;
	struct rv_disk disk;
	struct rv_boss boss;
	struct rv_pipes pipes;
	struct rv_io told; /* the desk's eventfd */
	pthread_t thread;
	bool running; /* the disk thread */
	bool failed;
	enum rv_ending_how ending; /* as the supervisor left it */
	bool finishing;            /* the disk thread was told */
	struct rv_tick patience;
	bool done;
};

static void
settle_process(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT,
		SIGPIPE, SIGXFSZ };
	static const int raised[] = { RLIMIT_NOFILE, RLIMIT_FSIZE };
	struct rlimit most;

	/* Its waking takes the processor from nobody who restarts a worker. */
	if (sched_getscheduler(0) == SCHED_OTHER) {
		sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 });
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(ignored); i++) {
		signal(ignored[i], SIG_IGN);
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(raised); i++) {
		if (getrlimit((unsigned)raised[i], &most) == 0) {
			most.rlim_cur = most.rlim_max;
			setrlimit((unsigned)raised[i], &most);
		}
	}
	umask(0027);
	if (geteuid() == 0) {
		/* Logs are opened as their workers, by no group of ours. */
		setgroups(0, NULL);
	}
	/* One heap for both threads, and large blocks given back at once. */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 64 * 1024);
	mallopt(M_TRIM_THRESHOLD, 64 * 1024);
}

/* -------- the end -------- */

static void
finish_run(struct clerk *c)
{
	if (c->finishing) {
		return;
	}
	c->finishing = true;
	rv_pipes_read_all(&c->pipes);
	if (!c->running) {
		c->done = true;
		return;
	}
	rv_desk_end(&c->desk, c->ending);
	/* Nobody waits for one that is left alone. */
	rv_tick_arm(c->loop, &c->patience,
	    rv_loop_now(c->loop) +
		(c->ending == RV_ENDS_LOST ? LOST_WITHIN : END_WITHIN));
}

static void
on_patience(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct clerk *c = tick->ctx;

	(void)now;
	(void)late;
	if (!c->finishing) {
		finish_run(c);
		return;
	}
	/* The disk does not take it. The ring stays, for the next clerk. */
	_exit(1);
}

static void
on_boss_end(void *ctx, bool closed)
{
	struct clerk *c = ctx;

	c->ending = closed ? RV_ENDS_CLOSED : RV_ENDS_LOST;
	if (!closed && c->pipes.fd != -1) {
		/* The launcher ends the lives; they may have last words. */
		rv_tick_arm(c->loop, &c->patience,
		    rv_loop_now(c->loop) + LAUNCHER_WITHIN);
	} else {
		finish_run(c);
	}
}

static void
on_launcher_end(void *ctx)
{
	struct clerk *c = ctx;

	if (c->ending == RV_ENDS_LOST) {
		finish_run(c);
	}
}

/* -------- what comes in -------- */

static enum reeve_status
start_thread(struct clerk *c, struct reeve_error *err)
{
	pthread_attr_t attr;
	int error = pthread_attr_init(&attr);

	if (error == 0) {
		pthread_attr_setstacksize(&attr, STACK_SIZE);
		error =
		    pthread_create(&c->thread, &attr, rv_disk_main, &c->disk);
		pthread_attr_destroy(&attr);
	}
	if (error != 0) {
		return rv_error_sys(err, error, "cannot start a thread");
	}
	c->running = true;
	return REEVE_OK;
}

static void
on_start(void *ctx, const struct rv_clerk_conf *conf, int ring_fd, int wake_fd)
{
	struct clerk *c = ctx;
	struct reeve_error err;
	enum reeve_status status;

	c->disk.conf = *conf;
	c->disk.wake_fd = wake_fd;
	status = rv_drain_open(
	    &c->disk.live, ring_fd, c->disk.runtime_dir, true, &err);
	close(ring_fd);
	c->pipes.stall = conf->output_stall;
	c->pipes.keep = conf->output_tail > 0;
	if (status == REEVE_OK) {
		status = start_thread(c, &err);
	}
	if (status != REEVE_OK) {
		fprintf(stderr, "reeve-clerk: %s\n", err.text);
		c->done = c->failed = true;
		return;
	}
	rv_boss_want_launcher(&c->boss);
}

static void
on_launcher(void *ctx, int fd)
{
	struct clerk *c = ctx;

	rv_pipes_connect(&c->pipes, fd);
}

static void
on_sync(void *ctx, uint64_t token)
{
	struct clerk *c = ctx;
	uint64_t head =
	    __atomic_load_n(&c->disk.live->ring.header->head, __ATOMIC_ACQUIRE);

	rv_pipes_read_all(&c->pipes);
	rv_desk_sync(&c->desk, token, head);
}

/* Its answer is another socket, over which all is offered anew. */
static void
on_again(void *ctx)
{
	struct clerk *c = ctx;

	rv_boss_want_launcher(&c->boss);
}

static void
look_at_ask(struct clerk *c)
{
	bool over;
	struct rv_ask *ask = rv_desk_asked(&c->desk, &over);

	if (ask == NULL) {
		return;
	}
	if (over) {
		rv_pipes_ask_over(&c->pipes, ask);
		rv_desk_ask_taken(&c->desk);
		return;
	}
	if (ask->at == 0) {
		/* A launcher may be on its way, and these lives with it. */
		rv_boss_listen(&c->boss);
	}
	if (rv_pipes_answer(&c->pipes, ask)) {
		rv_desk_answer(&c->desk);
	}
}

static void
on_goes_on(void *ctx)
{
	look_at_ask(ctx);
}

static void
on_told(struct rv_io *io, unsigned events)
{
	struct clerk *c = io->ctx;

	(void)events;
	rv_desk_main_woken(&c->desk);
	rv_pipes_room(&c->pipes);
	look_at_ask(c);
	if (rv_desk_wants_last_drops(&c->desk)) {
		rv_pipes_last_drops(&c->pipes);
		rv_desk_last_drops(&c->desk);
	}
	rv_boss_flush(&c->boss);
	if (rv_desk_has_ended(&c->desk)) {
		c->done = true;
	}
}

static const struct rv_boss_ops boss_ops = {
	.start = on_start,
	.launcher = on_launcher,
	.sync = on_sync,
	.end = on_boss_end,
};

static enum reeve_status
open_all(struct clerk *c, char **argv, struct reeve_error *err)
{
	enum reeve_status status;

	if (!rv_desk_init(&c->desk) ||
	    !rv_disk_init(&c->disk, &c->desk, argv[1], argv[2])) {
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	if ((status = rv_loop_create_epoll(&c->loop, err)) != REEVE_OK ||
	    (status = rv_pipes_init(&c->pipes, c->loop, &c->desk, &c->disk.logs,
		 err)) != REEVE_OK ||
	    (status = rv_boss_open(&c->boss, c->loop, &c->desk, SUPERVISOR_FD,
		 err)) != REEVE_OK) {
		return status;
	}
	c->boss.ops = &boss_ops;
	c->boss.ctx = c;
	c->pipes.ended = on_launcher_end;
	c->pipes.again = on_again;
	c->pipes.goes_on = on_goes_on;
	c->pipes.ctx = c;
	c->patience = (struct rv_tick){ .cb = on_patience, .ctx = c };
	c->told = (struct rv_io){ .cb = on_told, .ctx = c };
	return rv_io_start(
	    c->loop, &c->told, c->desk.to_main, RV_LOOP_READ, err);
}

static void
close_all(struct clerk *c)
{
	if (c->running) {
		pthread_join(c->thread, NULL);
	}
	rv_disk_forget_output(&c->disk);
	rv_pipes_finish(&c->pipes, &c->disk.logs);
	rv_drain_close(c->disk.live);
	rv_disk_finish(&c->disk);
	rv_boss_close(&c->boss);
	rv_tick_disarm(&c->patience);
	rv_io_stop(&c->told);
	rv_loop_destroy(c->loop);
	rv_desk_finish(&c->desk);
}

int
main(int argc, char **argv)
{
	static struct clerk clerk;
	struct reeve_error err;

	if (argc != 3 || fcntl(SUPERVISOR_FD, F_SETFD, FD_CLOEXEC) == -1) {
		fprintf(stderr, "reeve-clerk is started by a reeve runtime, not"
				" by hand\n");
		return 2;
	}
	rv_fault_load();
	settle_process();
	rv_store_setup();
	if (open_all(&clerk, argv, &err) != REEVE_OK) {
		fprintf(stderr, "reeve-clerk: %s\n", err.text);
		return 1;
	}
	while (!clerk.done) {
		if (rv_loop_dispatch(clerk.loop, RV_FOREVER, &err) !=
		    REEVE_OK) {
			fprintf(stderr, "reeve-clerk: %s\n", err.text);
			return 1;
		}
	}
	close_all(&clerk);
	return clerk.failed ? 1 : 0;
}
