/* SPDX-License-Identifier: MIT */
/*
 * When a server writes its hall into a file, and by whom: while it serves, by a
 * copy of the process, so that no disk holds anybody up; what that comes to is
 * a message in a pipe, or its end without one. One at a time. What failed is
 * said, and tried again; clients who asked for one wait for it as for a lock.
 * At the server's end it is written here, and not left to anybody.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "manager/server_priv.h"
#include "sys/sys.h"

/* After a failure: twice as long each time. */
#define FIRST_PAUSE (100 * RV_MS)
#define LAST_PAUSE  (60 * RV_SEC)

/* -------- what came of it -------- */

static void
say(struct reeve_manager_server *s, const char *text)
{
	if (s->notice != NULL) {
		s->notice(s->notice_ctx, text);
	}
}

/* Of those in a row the first is said, and each that is another one. */
static void
tell(struct reeve_manager_server *s, enum reeve_status status,
    const struct reeve_error *err)
{
	struct rv_snapshots *news = &s->hall.snapshots;
	char text[300];

	if (status == REEVE_OK) {
		if (s->n_failed > 0) {
			(void)rv_format(text, sizeof(text),
			    "snapshot %s is written again, after %u attempts",
			    s->file.path, s->n_failed);
			say(s, text);
		}
		news->written++;
		s->n_failed = 0;
		s->failure.text[0] = '\0';
		return;
	}
	news->failed++;
	s->n_failed++;
	if (strcmp(s->failure.text, err->text) != 0) {
		s->failure = *err;
		say(s, err->text);
	}
}

static rv_time
next_time(const struct reeve_manager_server *s)
{
	rv_time pause = FIRST_PAUSE;

	if (s->snapshot_every <= 0) {
		return RV_FOREVER;
	}
	if (s->n_failed == 0) {
		return rv_time_add(s->hall.now, s->snapshot_every);
	}
	for (unsigned i = 1; i < s->n_failed && pause < LAST_PAUSE; i++) {
		pause *= 2;
	}
	return rv_time_add(s->hall.now, RV_MIN(pause, LAST_PAUSE));
}

/* The one that was under way has come to this. */
static void
conclude(struct reeve_manager_server *s, enum reeve_status status,
    const struct reeve_error *err)
{
	s->hall.snapshots.ended++;
	s->snapshot_status = status;
	if (status != REEVE_OK) {
		s->hall.is_changed = true;
	}
	tell(s, status, err);
	s->snapshot_at = next_time(s);
}

/* -------- the copy -------- */

static void
write_in_copy(void *ctx, int fd)
{
	struct reeve_manager_server *s = ctx;
	struct rv_snapshot_end end = rv_snapshot_write(&s->hall, &s->file);

	(void)!rv_sys_write(fd, &end, sizeof(end));
}

static void
forget_writer(struct reeve_manager_server *s)
{
	int *fds[] = { &s->writer.pipe, &s->writer.pidfd };

	for (unsigned i = 0; i < RV_ARRAY_LEN(fds); i++) {
		if (*fds[i] >= 0) {
			(void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, *fds[i], NULL);
			(void)close(*fds[i]);
			*fds[i] = -1;
		}
	}
	s->writer.pid = s->hall.snapshots.writer = 0;
}

/* Its end is told by the pidfd; where there is none, by that of the pipe. */
static bool
watch_writer(struct reeve_manager_server *s)
{
	struct epoll_event event = { .events = EPOLLIN,
		.data.ptr = &s->writer };

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD,
		   s->writer.pidfd >= 0 ? s->writer.pidfd : s->writer.pipe,
		   &event) == 0;
}

static void
kill_writer(struct reeve_manager_server *s)
{
	if (s->writer.pid > 0) {
		(void)rv_sys_pidfd_signal(
		    s->writer.pidfd, s->writer.pid, SIGKILL);
		(void)rv_sys_wait(s->writer.pidfd, s->writer.pid,
		    WEXITED | __WALL, NULL, NULL);
		(void)unlink(s->file.new_path);
	}
	forget_writer(s);
}

static enum reeve_status
start_writer(struct reeve_manager_server *s, struct reeve_error *err)
{
	int fds[2];

	if (rv_sys_pipe2(fds, O_NONBLOCK) != 0) {
		return rv_error_sys(err, errno,
		    "cannot write snapshot %s: a pipe", s->file.path);
	}
	s->writer.pipe = fds[0];
	s->writer.pid = rv_sys_copy(write_in_copy, s, fds[1], &s->writer.pidfd);
	if (s->writer.pid < 0) {
		(void)rv_error_sys(err, errno,
		    "cannot write snapshot %s: a process", s->file.path);
	} else if (!watch_writer(s)) {
		(void)rv_error_sys(err, errno,
		    "cannot write snapshot %s: watching who does",
		    s->file.path);
		kill_writer(s);
	}
	(void)close(fds[1]);
	if (s->writer.pid <= 0) {
		forget_writer(s);
		return err->status;
	}
	s->hall.snapshots.writer = s->writer.pid;
	return REEVE_OK;
}

/* One of this moment. False: that has failed already. */
static bool
begin(struct reeve_manager_server *s)
{
	struct reeve_error err = { 0 };
	enum reeve_status status;

	s->is_snapshot_wanted = false;
	(void)rv_hall_collect(&s->hall);
	s->hall.is_changed = false;
	status = start_writer(s, &err);
	if (status != REEVE_OK) {
		conclude(s, status, &err);
	}
	return status == REEVE_OK;
}

void
rv_server_snapshot_due(struct reeve_manager_server *s)
{
	if (s->snapshot_at <= s->hall.now && s->writer.pid <= 0 &&
	    s->hall.is_changed) {
		(void)begin(s);
	}
}

void
rv_server_snapshot_ended(struct reeve_manager_server *s)
{
	struct rv_snapshot_end end;
	struct reeve_error err = { 0 };
	enum reeve_status status;
	ssize_t n = rv_sys_read(s->writer.pipe, &end, sizeof(end));

	(void)rv_sys_wait(
	    s->writer.pidfd, s->writer.pid, WEXITED | __WALL, NULL, NULL);
	if (n == (ssize_t)sizeof(end)) {
		status = rv_snapshot_status(&s->file, end, &err);
	} else {
		(void)unlink(s->file.new_path);
		status = rv_error(&err, REEVE_EFAILED,
		    "cannot write snapshot %s: the process that did was killed",
		    s->file.path);
	}
	forget_writer(s);
	conclude(s, status, &err);
	rv_park_settle(&s->hall, s->hall.objects[0]);
	if (s->is_snapshot_wanted && !begin(s)) {
		rv_park_settle(&s->hall, s->hall.objects[0]);
	}
}

/* -------- who asks for one -------- */

/* One that is begun from now on; its number is kept while the call waits. */
static enum reeve_status
for_client(void *ctx, uint64_t *number, struct reeve_error *err)
{
	struct reeve_manager_server *s = ctx;
	struct rv_snapshots *news = &s->hall.snapshots;

	if (*number == 0 && s->writer.pid > 0) {
		*number = news->ended + 2; /* the next one */
		s->is_snapshot_wanted = true;
	} else if (*number == 0) {
		*number = news->ended + 1;
		(void)begin(s);
	}
	if (news->ended < *number) {
		return REEVE_EAGAIN;
	}
	if (s->snapshot_status != REEVE_OK && err != NULL) {
		*err = s->failure;
	}
	return s->snapshot_status;
}

enum reeve_status
rv_server_snapshot_now(struct reeve_manager_server *s, struct reeve_error *err)
{
	struct reeve_error why = { 0 };
	enum reeve_status status;
	bool was_writing = s->writer.pid > 0;

	kill_writer(s); /* what it has is older */
	(void)rv_hall_collect(&s->hall);
	s->hall.is_changed = false;
	status = rv_snapshot_status(
	    &s->file, rv_snapshot_write(&s->hall, &s->file), &why);
	conclude(s, status, &why);
	if (was_writing) {
		rv_park_settle(&s->hall, s->hall.objects[0]);
	}
	if (status != REEVE_OK && err != NULL) {
		*err = why;
	}
	return status;
}

enum reeve_status
rv_server_snapshot_load(struct reeve_manager_server *s,
    const struct reeve_manager_options *options, struct reeve_error *err)
{
	enum reeve_status status;

	s->notice = options->notice;
	s->notice_ctx = options->notice_ctx;
	if (options->snapshot == NULL) {
		return REEVE_OK;
	}
	if (rv_snapshot_file_init(&s->file, options->snapshot) != REEVE_OK) {
		return rv_error_sys(err, ENOMEM, "cannot make a manager");
	}
	s->hall.snapshots.ask = for_client;
	s->hall.snapshots.ctx = s;
	s->snapshot_at_end = options->snapshot_at_end;
	s->snapshot_every = options->snapshot_every;
	s->hall.now = rv_sys_now();
	s->snapshot_at = next_time(s);
	status = rv_snapshot_read(&s->hall, s->file.path, err);
	return status == REEVE_ENOENT ? REEVE_OK : status;
}

enum reeve_status
rv_server_snapshot_end(struct reeve_manager_server *s, struct reeve_error *err)
{
	enum reeve_status status = REEVE_OK;

	kill_writer(s);
	if (s->snapshot_at_end) {
		status = rv_server_snapshot_now(s, err);
	}
	rv_snapshot_file_finish(&s->file);
	return status;
}
