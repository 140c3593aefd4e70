/* SPDX-License-Identifier: MIT */
/*
 * Starting, hearing and outliving reeve-symbols: see namer.h. Nothing here
 * waits: a process that hangs in the kernel is left alone until it is gone.
 */
#include "config.h"

#include "clerk/namer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "clerk/disk.h"
#include "sys/sys.h"

#define PROGRAM   "reeve-symbols"
#define TIME_MAX  (15 * RV_SEC) /* of the clock; it yields to all others */
#define LOOK_LAST RV_SEC        /* at one that was killed */
#define TRY_AGAIN RV_SEC
#define TRIES_MAX 3
#define TEXT_MAX  ((size_t)2 * 1024 * 1024)
#define WAIT_MAX  64 /* exceptions; older ones stay without names */

void
rv_namer_init(struct rv_namer *namer)
{
	*namer = (struct rv_namer){ .pidfd = -1, .out = -1 };
	rv_buf_init(&namer->text, TEXT_MAX);
}

static void
close_fds(struct rv_namer *namer)
{
	if (namer->out != -1) {
		close(namer->out);
	}
	if (namer->pidfd != -1) {
		close(namer->pidfd);
	}
	namer->out = namer->pidfd = -1;
}

void
rv_namer_finish(struct rv_namer *namer)
{
	if (namer->state == RV_NAMER_RUNS) {
		rv_sys_pidfd_signal(namer->pidfd, namer->pid, SIGKILL);
	}
	close_fds(namer);
	rv_buf_finish(&namer->text);
}

bool
rv_disk_names_pending(const struct rv_disk *disk)
{
	return disk->namer.state != RV_NAMER_FREE || !disk->namer.looked ||
	       disk->rows.n_unnamed > 0;
}

rv_time
rv_disk_names_at(const struct rv_disk *disk)
{
	const struct rv_namer *namer = &disk->namer;

	if (namer->state == RV_NAMER_RUNS || namer->state == RV_NAMER_DYING) {
		return namer->until;
	}
	return namer->retry_at > disk->now ? namer->retry_at : RV_FOREVER;
}

/* -------- starting -------- */

/* Beside our own executable. */
static bool
find_program(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (n <= 0) {
		return false;
	}
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL) {
		return false;
	}
	slash[1] = '\0';
	return rv_copy(slash + 1, size - (size_t)(slash + 1 - path), PROGRAM) ==
	       sizeof(PROGRAM) - 1;
}

static int
put_aside(const char *text, size_t len)
{
	int fd = rv_sys_memfd("exception");

	while (fd != -1 && len > 0) {
		ssize_t n = rv_sys_write(fd, text, len);

		if (n <= 0) {
			close(fd);
			return -1;
		}
		text += n;
		len -= (size_t)n;
	}
	return fd;
}

static enum reeve_status
start(struct rv_disk *disk, const char *detail, size_t len, int64_t began_us,
    struct reeve_error *err)
{
	struct rv_namer *namer = &disk->namer;
	char program[PATH_MAX], began[24];
	const char *argv[] = { PROGRAM, began, NULL }, *envp[] = { NULL };
	struct rv_helper helper = {
		.path = program, .argv = argv, .envp = envp, .n_fds = 2
	};
	int ends[2] = { -1, -1 }, fds[2] = { -1, -1 };
	enum reeve_status status;

	rv_format(began, sizeof(began), "%lld",
	    (long long)RV_MAX(began_us, (int64_t)0));
	fds[0] = put_aside(detail, len);
	if (fds[0] == -1 || !find_program(program, sizeof(program)) ||
	    rv_sys_pipe2(ends, 0) == -1) {
		status = rv_error_sys(err, errno, "cannot start " PROGRAM);
		goto out;
	}
	fds[1] = ends[1];
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	helper.fds = fds;
	status = rv_sys_helper_start(&helper, &namer->pid, &namer->pidfd, err);
	if (status == REEVE_OK) {
		namer->out = ends[0];
		ends[0] = -1;
	}
out:
	for (unsigned i = 0; i < 2; i++) {
		if (ends[i] != -1) {
			close(ends[i]);
		}
	}
	if (fds[0] != -1) {
		close(fds[0]);
	}
	return status;
}

static void
did_not_start(struct rv_disk *disk, const struct reeve_error *err)
{
	struct rv_namer *namer = &disk->namer;

	if (err->status != REEVE_ENOENT && namer->tries++ < TRIES_MAX) {
		namer->retry_at = disk->now + TRY_AGAIN;
		return;
	}
	namer->state = RV_NAMER_DONE;
	rv_copy(namer->flaw, sizeof(namer->flaw), err->text);
	namer->why = namer->flaw;
}

/* The newest that waits: it is the one that somebody is looking at. */
static enum rv_step_result
begin_next(struct rv_disk *disk)
{
	struct rv_namer *namer = &disk->namer;
	struct rv_store *store = &disk->store;
	sqlite3_stmt *stmt = store->sql[RV_SQL_UNNAMED_NEXT];
	struct reeve_error err;
	enum reeve_status status;
	bool row;

	status = rv_store_row(store, RV_SQL_UNNAMED_NEXT, &row, &err);
	if (status != REEVE_OK) {
		return rv_disk_failed(disk, status, &err);
	}
	if (!row) {
		namer->looked = true;
		disk->rows.n_unnamed = 0;
		return RV_STEP_IDLE;
	}
	namer->id = (uint64_t)sqlite3_column_int64(stmt, 0);
	namer->why = NULL;
	rv_buf_reset(&namer->text);
	status = start(disk, (const char *)sqlite3_column_text(stmt, 1),
	    (size_t)sqlite3_column_bytes(stmt, 1),
	    sqlite3_column_int64(stmt, 2), &err);
	rv_store_reset(store, RV_SQL_UNNAMED_NEXT);
	if (status != REEVE_OK) {
		did_not_start(disk, &err);
		return RV_STEP_DID;
	}
	namer->state = RV_NAMER_RUNS;
	namer->until = disk->now + TIME_MAX;
	disk->desk->also_fd = namer->out;
	return RV_STEP_DID;
}

/* -------- hearing -------- */

static void
let_go(struct rv_disk *disk, const char *why)
{
	struct rv_namer *namer = &disk->namer;

	rv_sys_pidfd_signal(namer->pidfd, namer->pid, SIGKILL);
	disk->desk->also_fd = -1;
	namer->why = why;
	namer->state = RV_NAMER_DYING;
	namer->until = disk->now;
}

static enum rv_step_result
hear(struct rv_disk *disk)
{
	struct rv_namer *namer = &disk->namer;
	char data[16384];
	ssize_t n = rv_sys_read(namer->out, data, sizeof(data));

	if (n > 0) {
		rv_buf_add(&namer->text, data, (size_t)n);
		if (namer->text.failed) {
			let_go(disk, "they were more than there is room for");
		}
		return RV_STEP_DID;
	}
	if (n == -1 && errno == EAGAIN) {
		if (disk->now < namer->until) {
			return RV_STEP_IDLE;
		}
		let_go(disk, "it took too long to read them");
		return RV_STEP_DID;
	}
	/* All of it ends with a NUL, and nothing else does. */
	if (namer->text.len > 0 &&
	    namer->text.data[namer->text.len - 1] == '\0') {
		let_go(disk, NULL);
	} else {
		let_go(disk, "reading the files went wrong");
	}
	return RV_STEP_DID;
}

/* One that was killed may hang in a read of a disk that is gone. */
static enum rv_step_result
bury(struct rv_disk *disk)
{
	struct rv_namer *namer = &disk->namer;
	siginfo_t info;

	if (rv_sys_wait(namer->pidfd, namer->pid, WEXITED | WNOHANG, &info,
		NULL) != 0) {
		close_fds(namer);
		namer->state = RV_NAMER_DONE;
		return RV_STEP_DID;
	}
	if (disk->now >= namer->until) {
		namer->until = disk->now + RV_MS;
		if (namer->tries < 10) {
			namer->tries++;
		} else {
			namer->until = disk->now + LOOK_LAST;
		}
	}
	return RV_STEP_IDLE;
}

/* -------- storing -------- */

static enum reeve_status
store_names(struct rv_disk *disk, struct rv_buf *text, struct reeve_error *err)
{
	struct rv_namer *namer = &disk->namer;
	struct rv_store *store = &disk->store;
	enum rv_sql sql = namer->why == NULL ? RV_SQL_NAMED : RV_SQL_NAMED_NOT;
	enum reeve_status status;

	rv_store_int(store, sql, 1, (int64_t)namer->id);
	rv_store_text(store, sql, 2, rv_buf_str(text), text->len);
	status = rv_store_run(store, sql, err);
	if (status == REEVE_OK) {
		rv_store_int(store, RV_SQL_UNNAMED_DONE, 1, (int64_t)namer->id);
		status = rv_store_run(store, RV_SQL_UNNAMED_DONE, err);
	}
	if (status == REEVE_OK) {
		rv_store_int(store, RV_SQL_UNNAMED_LEAVE, 1, WAIT_MAX);
		status = rv_store_run(store, RV_SQL_UNNAMED_LEAVE, err);
	}
	return status;
}

static enum rv_step_result
store(struct rv_disk *disk)
{
	struct rv_namer *namer = &disk->namer;
	struct rv_buf text;
	struct reeve_error err;
	enum reeve_status status;

	rv_buf_init(&text, 3 * TEXT_MAX);
	if (namer->why == NULL) {
		rv_disk_add_text(namer->text.data, namer->text.len - 1, &text);
	} else {
		rv_buf_addf(&text, "(no names: %s)\n", namer->why);
	}
	if (text.failed) {
		rv_buf_reset(&text);
		namer->why = "out of memory";
	}
	status = rv_store_begin(&disk->store, &err);
	if (status == REEVE_OK) {
		status = store_names(disk, &text, &err);
	}
	if (status == REEVE_OK) {
		status = rv_store_commit(&disk->store, &err);
	}
	rv_buf_finish(&text);
	if (status != REEVE_OK) {
		return rv_disk_failed(disk, status, &err);
	}
	rv_disk_works(disk);
	rv_buf_finish(&namer->text);
	rv_namer_init(namer);
	return RV_STEP_DID;
}

enum rv_step_result
rv_disk_name(struct rv_disk *disk)
{
	struct rv_namer *namer = &disk->namer;

	switch (namer->state) {
	case RV_NAMER_RUNS:
		return hear(disk);
	case RV_NAMER_DYING:
		return bury(disk);
	case RV_NAMER_DONE:
		return store(disk);
	case RV_NAMER_FREE:
		break;
	}
	if (!rv_disk_names_pending(disk) || disk->now < namer->retry_at) {
		return RV_STEP_IDLE;
	}
	return begin_next(disk);
}
