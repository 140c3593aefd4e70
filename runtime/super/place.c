/* SPDX-License-Identifier: MIT */
/*
 * Where a runtime lives: makes its state and runtime directories, takes the
 * lock that keeps a second runtime away, and leaves a link in the state
 * directory by which commands find the control socket. Called once at the
 * start and once at the end; the only file of this folder that opens paths.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "super/super_priv.h"
#include "sys/sys.h"

#define LOCK_WITHIN (2 * RV_SEC)
#define LOCK_TEXT   (32 + RV_LAST_RUNS)

/* mkdir -p; only the last part gets `mode`, the others what is usual. */
static enum reeve_status
make_dirs(const char *path, mode_t mode, struct reeve_error *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(part)) {
		return rv_error(err, REEVE_ETOOBIG,
		    "cannot make directory %s: the path is too long", path);
	}
	for (size_t i = 1; i <= len; i++) {
		bool last = i == len;

		if (path[i] != '/' && !last) {
			continue;
		}
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, last ? mode : 0755) != 0 && errno != EEXIST) {
			return rv_error_sys(
			    err, errno, "cannot make directory %s", part);
		}
	}
	return REEVE_OK;
}

/* A directory of ours that nobody else can have prepared for us. */
static enum reeve_status
own_dir(const char *path, mode_t mode, struct reeve_error *err)
{
	struct stat st;
	enum reeve_status status = make_dirs(path, mode, err);

	if (status != REEVE_OK) {
		return status;
	}
	if (lstat(path, &st) != 0) {
		return rv_error_sys(err, errno, "cannot look at %s", path);
	}
	if (!S_ISDIR(st.st_mode)) {
		return rv_error(
		    err, REEVE_EPERM, "cannot use %s: no directory", path);
	}
	if (st.st_uid != geteuid()) {
		return rv_error(err, REEVE_EPERM,
		    "cannot use %s: it is owned by uid %d%s, and this runs as "
		    "uid %d%s",
		    path, (int)st.st_uid, st.st_uid == 0 ? " (root)" : "",
		    (int)geteuid(), geteuid() == 0 ? " (root)" : "");
	}
	if ((st.st_mode & 07777) != mode && chmod(path, mode) != 0) {
		return rv_error_sys(
		    err, errno, "cannot set the mode of %s", path);
	}
	return REEVE_OK;
}

/*
 * The lock goes with its holder, but for a moment: a helper that was being
 * started when its supervisor was killed holds it until its exec. So a holder
 * that is dead is waited for.
 */
static bool
await_lock(int fd, char *pid, size_t size)
{
	rv_time until = rv_sys_now() + LOCK_WITHIN;

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		ssize_t n = pread(fd, pid, size - 1, 0);
		int64_t holder = 0;
		char state = 'X';

		pid[n > 0 ? n : 0] = '\0';
		pid[strcspn(pid, "\n")] = '\0';
		if (rv_parse_int(pid, 1, INT32_MAX, &holder) &&
		    rv_sys_proc_stat(
			(pid_t)holder, NULL, NULL, NULL, &state, NULL) &&
		    state != 'Z' && state != 'X') {
			return false;
		}
		if (rv_sys_now() > until) {
			return false;
		}
		poll(NULL, 0, 2);
	}
	return true;
}

/*
 * The file has two lines: the holder's pid, and the runs that have not left in
 * order, the newest first: one that was killed early may not have killed what
 * the one before it had left. Whoever leaves in order leaves the file empty.
 */
static void
read_last(struct rv_super *super)
{
	char text[LOCK_TEXT];
	ssize_t n = pread(super->lock_fd, text, sizeof(text) - 1, 0);
	size_t len;
	int64_t pid = 0;

	text[n > 0 ? n : 0] = '\0';
	len = strcspn(text, "\n");
	if (text[len] == '\n') {
		text[len++] = '\0';
		text[len + strcspn(text + len, "\n")] = '\0';
		rv_copy(super->last_run, sizeof(super->last_run), text + len);
	}
	super->ended_badly =
	    rv_parse_int(text, 1, INT32_MAX, &pid) ? (pid_t)pid : 0;
}

static enum reeve_status
take_lock(struct rv_super *super, struct reeve_error *err)
{
	char path[PATH_MAX], text[LOCK_TEXT];
	ssize_t n;

	rv_format(path, sizeof(path), "%s/lock", super->conf->runtime_dir);
	super->lock_fd = rv_sys_open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (super->lock_fd < 0) {
		return rv_error_sys(err, errno, "cannot open %s", path);
	}
	if (!await_lock(super->lock_fd, text, sizeof(text))) {
		return rv_error(err, REEVE_EBUSY,
		    "cannot use %s: another runtime (pid %s) holds it",
		    super->conf->state_dir, text[0] != '\0' ? text : "unknown");
	}
	read_last(super);
	n = (ssize_t)rv_format(text, sizeof(text), "%d\n%s %.*s\n",
	    (int)getpid(), super->run_id, RV_LAST_RUNS - 64, super->last_run);
	if (ftruncate(super->lock_fd, 0) != 0 ||
	    pwrite(super->lock_fd, text, (size_t)n, 0) != n) {
		return rv_error_sys(err, errno, "cannot write %s", path);
	}
	super->owns_place = true;
	return REEVE_OK;
}

/* state_dir/control.sock -> runtime_dir/control.sock, replaced atomically. */
static enum reeve_status
leave_link(struct rv_super *super, struct reeve_error *err)
{
	char target[PATH_MAX], link[PATH_MAX], fresh[PATH_MAX];

	rv_format(target, sizeof(target), "%s/control.sock",
	    super->conf->runtime_dir);
	rv_format(
	    link, sizeof(link), "%s/control.sock", super->conf->state_dir);
	rv_format(fresh, sizeof(fresh), "%s/.control.sock.new",
	    super->conf->state_dir);
	unlink(fresh);
	if (symlink(target, fresh) != 0 || rename(fresh, link) != 0) {
		return rv_error_sys(err, errno, "cannot make link %s", link);
	}
	return REEVE_OK;
}

enum reeve_status
rv_place_take(struct rv_super *super, struct reeve_error *err)
{
	const struct rv_conf *conf = super->conf;
	char public_dir[PATH_MAX], notify_dir[PATH_MAX];
	enum reeve_status status;

	rv_format(public_dir, sizeof(public_dir), "%s.pub", conf->runtime_dir);
	rv_format(notify_dir, sizeof(notify_dir), "%s/notify", public_dir);
	super->public_dir = rv_strdup(public_dir);
	if (super->public_dir == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot create runtime");
	}
	if ((status = own_dir(conf->runtime_dir, 0700, err)) != REEVE_OK ||
	    (status = take_lock(super, err)) != REEVE_OK ||
	    (status = own_dir(public_dir, 0711, err)) != REEVE_OK ||
	    (status = own_dir(notify_dir, 0711, err)) != REEVE_OK ||
	    (status = own_dir(conf->state_dir, 0700, err)) != REEVE_OK ||
	    (status = leave_link(super, err)) != REEVE_OK) {
		return status;
	}
	return REEVE_OK;
}

/*
 * While the lock is held nobody else makes these. Each goes only if it is ours
 * and of no use to anybody: a directory with a socket in it is not empty.
 */
static void
tidy(const struct rv_super *super)
{
	char path[PATH_MAX], target[PATH_MAX], ours[PATH_MAX];
	ssize_t n;

	rv_format(path, sizeof(path), "%s/notify", super->public_dir);
	if (rmdir(path) == 0 || errno == ENOENT) {
		rmdir(super->public_dir);
	}
	rv_format(
	    path, sizeof(path), "%s/control.sock", super->conf->state_dir);
	rv_format(
	    ours, sizeof(ours), "%s/control.sock", super->conf->runtime_dir);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	if (strcmp(target, ours) == 0) {
		unlink(path);
	}
}

void
rv_place_leave(struct rv_super *super)
{
	if (super->lock_fd >= 0) {
		if (super->owns_place) {
			tidy(super);
			(void)!ftruncate(super->lock_fd, 0);
		}
		/* The lock file stays: unlinking it would race a new owner. */
		close(super->lock_fd);
		super->lock_fd = -1;
	}
	rv_free(super->public_dir);
	super->public_dir = NULL;
}
