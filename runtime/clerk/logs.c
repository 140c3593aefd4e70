/* SPDX-License-Identifier: MIT */
/*
 * Writing and rotating: see logs.h. A path that a config names is opened,
 * renamed and removed with the rights of the worker that writes there, without
 * following a link in its last part, and only as a regular file with one name:
 * so a worker cannot have us write where it may not.
 */
#include "config.h"

#include "clerk/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "sys/sys.h"

#define CHECK_EVERY  RV_SEC /* whether the path still leads to our file */
#define FIRST_DELAY  (100 * RV_MS)
#define LAST_DELAY   (5 * RV_SEC)
#define PATH_SIZE    4096
#define TAIL_BACKUPS 8 /* that last words may reach back into */
#define BACKUPS_MAX  1000
#define DIR_MODE     0700
#define OUR_MODE     0600
#define THEIR_MODE   0640
#define DO_WRITE     "write the log file"
#define DO_ROTATE    "rotate the log file"

bool
rv_logs_init(struct rv_logs *logs, const char *state_dir)
{
	size_t size = strlen(state_dir) + sizeof("/logs/");

	memset(logs, 0, sizeof(*logs));
	rv_list_init(&logs->lru);
	logs->root = geteuid() == 0;
	logs->dir = rv_alloc(1, size);
	if (logs->dir == NULL) {
		return false;
	}
	rv_format(logs->dir, size, "%s/logs/", state_dir);
	return true;
}

void
rv_logs_finish(struct rv_logs *logs)
{
	rv_free(logs->dir);
	logs->dir = NULL;
}

static bool
is_ours(const struct rv_logs *logs, const char *path)
{
	size_t len = strlen(logs->dir);

	/* Nobody but us can enter that directory. */
	return strncmp(path, logs->dir, len) == 0 &&
	       strchr(path + len, '/') == NULL;
}

struct rv_log *
rv_log_create(const struct rv_logs *logs, const char *path, uint32_t uid,
    uint32_t gid, uint64_t max_bytes, uint32_t backups)
{
	size_t len = strlen(path);
	struct rv_log *log = rv_alloc(1, sizeof(*log) + len + 1);

	if (log == NULL) {
		return NULL;
	}
	log->refs = 1;
	log->uid = uid;
	log->gid = gid;
	log->ours = is_ours(logs, path);
	atomic_init(&log->max_bytes, max_bytes);
	atomic_init(&log->backups, backups);
	log->fd = -1;
	rv_list_init(&log->lru);
	memcpy(log->path, path, len + 1);
	return log;
}

/*
 * The rights of this thread on files alone, and of no other thread: glibc
 * would change those of the whole process for other calls of this family.
 */
static bool
set_rights(uint32_t uid, uint32_t gid)
{
	syscall(SYS_setfsgid, gid);
	syscall(SYS_setfsuid, uid);
	/* They answer what was before, and so what is now. */
	return syscall(SYS_setfsgid, gid) == (long)gid &&
	       syscall(SYS_setfsuid, uid) == (long)uid;
}

enum rights { RIGHTS_SAME, RIGHTS_CHANGED, RIGHTS_REFUSED };

static enum rights
become(const struct rv_logs *logs, const struct rv_log *log)
{
	if (!logs->root || log->ours || (log->uid == 0 && log->gid == 0)) {
		return RIGHTS_SAME;
	}
	return set_rights(log->uid, log->gid) ? RIGHTS_CHANGED : RIGHTS_REFUSED;
}

static void
come_back(enum rights rights)
{
	int saved = errno;

	if (rights != RIGHTS_SAME) {
		set_rights(geteuid(), getegid());
	}
	errno = saved;
}

static void
close_log(struct rv_logs *logs, struct rv_log *log)
{
	if (log->fd != -1) {
		close(log->fd);
		log->fd = -1;
		rv_list_remove(&log->lru);
		logs->n_open--;
	}
}

void
rv_log_destroy(struct rv_logs *logs, struct rv_log *log)
{
	close_log(logs, log);
	if (log->failing) {
		log->failing = false;
		logs->n_failing--;
	}
	rv_free(log);
}

/* Make the directories that lead to the file; 0 or errno. */
static int
make_dirs(const char *path)
{
	char part[PATH_SIZE];
	size_t len = rv_copy(part, sizeof(part), path);

	if (len + 1 == sizeof(part)) {
		return ENAMETOOLONG;
	}
	for (char *slash = strchr(part + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, DIR_MODE) == -1 && errno != EEXIST &&
		    errno != EROFS && errno != EACCES) {
			return errno;
		}
		*slash = '/';
	}
	return 0;
}

static int
open_path(const struct rv_log *log)
{
	int flags = O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	mode_t mode = log->ours ? OUR_MODE : THEIR_MODE;
	int fd = rv_sys_open(log->path, O_RDWR | flags, mode);

	if (fd == -1 && errno == EACCES) {
		fd = rv_sys_open(log->path, O_WRONLY | flags, mode);
	}
	return fd;
}

/* 0 or errno. */
static int
open_file(struct rv_logs *logs, struct rv_log *log)
{
	enum rights rights = become(logs, log);
	struct stat st;
	int error, fd;

	if (rights == RIGHTS_REFUSED) {
		come_back(rights);
		return EPERM;
	}
	fd = open_path(log);
	if (fd == -1 && errno == ENOENT && make_dirs(log->path) == 0) {
		fd = open_path(log);
	}
	error = fd == -1 ? errno : 0;
	come_back(rights);
	if (error == 0 && fstat(fd, &st) == -1) {
		error = errno;
	} else if (error == 0 && !S_ISREG(st.st_mode)) {
		error = EINVAL;
	} else if (error == 0 && st.st_nlink != 1) {
		error = EMLINK;
	}
	if (error != 0) {
		if (fd != -1) {
			close(fd);
		}
		return error;
	}
	log->fd = fd;
	log->size = (uint64_t)st.st_size;
	log->rotate_at = 0;
	log->dev = st.st_dev;
	log->inode = st.st_ino;
	return 0;
}

static int
open_log(struct rv_logs *logs, struct rv_log *log, rv_time now)
{
	int error = open_file(logs, log);

	if (error != 0) {
		return error;
	}
	log->checked_at = now;
	rv_list_insert(&logs->lru, &log->lru);
	if (++logs->n_open > RV_LOGS_OPEN_MAX) {
		close_log(logs, RV_LIST_FIRST(&logs->lru, struct rv_log, lru));
	}
	return 0;
}

/* Close it when the path leads elsewhere by now, or nowhere. */
static void
check_path(struct rv_logs *logs, struct rv_log *log, rv_time now)
{
	enum rights rights;
	struct stat st;

	if (log->fd == -1) {
		return;
	}
	if (now - log->checked_at < CHECK_EVERY) {
		/* What goes into a removed file is lost, and nobody says so. */
		if (fstat(log->fd, &st) == 0 && st.st_nlink == 0) {
			close_log(logs, log);
		}
		return;
	}
	log->checked_at = now;
	rights = become(logs, log);
	if (stat(log->path, &st) == -1 || st.st_dev != log->dev ||
	    st.st_ino != log->inode) {
		close_log(logs, log);
	} else {
		log->size = (uint64_t)st.st_size;
	}
	come_back(rights);
}

/* x.9 goes, x.8 becomes x.9 ... and x becomes x.1. False: errno. */
static bool
shift(const struct rv_log *log, uint32_t backups)
{
	char from[PATH_SIZE], to[PATH_SIZE];

	for (uint32_t i = RV_MIN(backups, (uint32_t)BACKUPS_MAX); i > 0; i--) {
		if (i > 1) {
			rv_format(
			    from, sizeof(from), "%s.%u", log->path, i - 1);
		} else {
			rv_copy(from, sizeof(from), log->path);
		}
		rv_format(to, sizeof(to), "%s.%u", log->path, i);
		if (rv_sys_rename(from, to) == -1 && errno != ENOENT) {
			return false;
		}
	}
	return true;
}

/* Where that fails the file grows on, and another try is far away. */
static void
rotate(struct rv_logs *logs, struct rv_log *log)
{
	uint32_t backups = atomic_load(&log->backups);
	enum rights rights = become(logs, log);
	bool ok;
	char reason[128];
	int error;

	ok = backups > 0 ? shift(log, backups) : ftruncate(log->fd, 0) == 0;
	error = errno;
	come_back(rights);
	if (!ok) {
		log->rotate_at = log->size + atomic_load(&log->max_bytes);
		logs->trouble(logs->ctx, false, DO_ROTATE, log->path,
		    strerror_r(error, reason, sizeof(reason)));
		return;
	}
	log->size = 0;
	log->in_line = false;
	if (backups > 0) {
		close_log(logs, log);
	}
}

/* How much of it belongs into this file: whole lines, if there are any. */
static size_t
share(const struct rv_log *log, const char *data, size_t len)
{
	uint64_t max = atomic_load(&log->max_bytes);
	uint64_t limit = RV_MAX(max, log->rotate_at);
	const char *newline;
	uint64_t room;

	if (max == 0 || len <= limit - RV_MIN(limit, log->size)) {
		return len;
	}
	room = limit - RV_MIN(limit, log->size);
	newline = room > 0 ? memrchr(data, '\n', room) : NULL;
	if (newline != NULL) {
		return (size_t)(newline + 1 - data);
	}
	/* A line that fits into a file of its own is not cut. */
	return log->in_line || log->size == 0 ? room : 0;
}

/* 0 or errno; *n counts what was written. */
static int
write_all(struct rv_logs *logs, struct rv_log *log, const char *data,
    size_t len, rv_time now, size_t *n)
{
	if (log->fd != -1) {
		/* Used last, closed last. */
		rv_list_remove(&log->lru);
		rv_list_insert(&logs->lru, &log->lru);
	}
	while (*n < len) {
		size_t part;
		ssize_t wrote;
		int error = log->fd == -1 ? open_log(logs, log, now) : 0;

		if (error != 0) {
			return error;
		}
		part = share(log, data + *n, len - *n);
		if (part == 0) {
			rotate(logs, log);
			continue;
		}
		wrote = rv_sys_write(log->fd, data + *n, part);
		if (wrote <= 0) {
			return wrote == 0 ? EIO : errno;
		}
		*n += (size_t)wrote;
		log->size += (uint64_t)wrote;
		log->count += (uint64_t)wrote;
		log->in_line = data[*n - 1] != '\n';
	}
	return 0;
}

/* These pass, or may: what cannot be written is kept for a while. */
static bool
may_pass(int error)
{
	static const int passing[] = { ENOSPC, EDQUOT, EIO, EAGAIN, EMFILE,
		ENFILE, ENOMEM, EINTR, ESTALE };

	for (size_t i = 0; i < RV_ARRAY_LEN(passing); i++) {
		if (passing[i] == error) {
			return true;
		}
	}
	return false;
}

static const char *
words_for(int error, char *buf, size_t size)
{
	switch (error) {
	case EINVAL:
		return "it is no regular file";
	case EMLINK:
		return "it has more than one name";
	case ELOOP:
		return "it is a symbolic link";
	default:
		return strerror_r(error, buf, size);
	}
}

static void
fails(struct rv_logs *logs, struct rv_log *log, int error, rv_time now)
{
	char buf[128];

	close_log(logs, log);
	if (!log->failing) {
		log->failing = true;
		log->failing_since = now;
		log->delay = FIRST_DELAY;
		if (logs->n_failing++ == 0) {
			logs->trouble(logs->ctx, false, DO_WRITE, log->path,
			    words_for(error, buf, sizeof(buf)));
		}
	} else {
		log->delay = RV_MIN(log->delay * 2, LAST_DELAY);
	}
	log->retry_at = now + log->delay;
	if (!may_pass(error)) {
		/* Nobody waits for what is not going to pass by itself. */
		log->failing_since = now - logs->stall;
	}
}

static void
works(struct rv_logs *logs, struct rv_log *log)
{
	if (log->failing) {
		log->failing = false;
		if (--logs->n_failing == 0) {
			logs->trouble(logs->ctx, true, DO_WRITE, log->path, "");
		}
	}
}

bool
rv_log_write(struct rv_logs *logs, struct rv_outlet *outlet, const char *data,
    size_t len, rv_time now, size_t *done)
{
	struct rv_log *log = outlet->log;
	size_t n = 0;
	int error;

	*done = 0;
	if (!log->failing || now >= log->retry_at) {
		check_path(logs, log, now);
		error = write_all(logs, log, data, len, now, &n);
		if (n > 0) {
			outlet->written += n;
			outlet->end = log->count;
		}
		*done = n;
		if (error == 0) {
			works(logs, log);
			return true;
		}
		fails(logs, log, error, now);
	}
	if (now - log->failing_since < logs->stall) {
		return false;
	}
	rv_drop_add(&outlet->lost, len - n, rv_sys_wall_us());
	*done = len;
	return true;
}

/* Up to len bytes that end `back` bytes before the end of the file. */
static void
read_back(int fd, uint64_t size, uint64_t back, size_t len, struct rv_buf *out)
{
	char data[2048];
	uint64_t end = size - RV_MIN(size, back);
	uint64_t at = end - RV_MIN(end, (uint64_t)len);

	while (at < end) {
		ssize_t n = pread(fd, data,
		    (size_t)RV_MIN(end - at, (uint64_t)sizeof(data)),
		    (off_t)at);

		if (n <= 0) {
			return;
		}
		rv_buf_add(out, data, (size_t)n);
		at += (uint64_t)n;
	}
}

/*
 * What was rotated away in between stands at the end of the i-th backup, and
 * what does not fit there at the end of the next.
 */
static void
read_backup(struct rv_logs *logs, const struct rv_log *log, uint32_t i,
    uint64_t back, size_t len, struct rv_buf *out)
{
	char path[PATH_SIZE];
	enum rights rights;
	struct stat st;
	uint64_t size, here;
	int fd;

	if (i > atomic_load(&log->backups) || i > TAIL_BACKUPS) {
		return;
	}
	rv_format(path, sizeof(path), "%s.%u", log->path, i);
	rights = become(logs, log);
	fd = rv_sys_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	come_back(rights);
	if (fd == -1) {
		return;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		size = (uint64_t)st.st_size;
		here = size - RV_MIN(size, back);
		if (here < len) {
			read_backup(logs, log, i + 1, back - RV_MIN(back, size),
			    len - (size_t)here, out);
		}
		read_back(fd, size, back, len, out);
	}
	close(fd);
}

void
rv_log_tail(struct rv_logs *logs, struct rv_outlet *outlet, size_t want,
    bool older_too, struct rv_buf *out)
{
	struct rv_log *log = outlet->log;
	uint64_t behind; /* what others wrote into this log after us */
	struct stat st;
	uint64_t size, here;

	if (!older_too) {
		want = (size_t)RV_MIN((uint64_t)want, outlet->written);
	}
	if (want == 0 ||
	    (log->fd == -1 && open_log(logs, log, rv_sys_now()) != 0) ||
	    fstat(log->fd, &st) == -1) {
		return;
	}
	behind = outlet->written > 0 ? log->count - outlet->end : 0;
	size = (uint64_t)st.st_size;
	here = size - RV_MIN(size, behind);
	if (here < want) {
		read_backup(logs, log, 1, behind - RV_MIN(behind, size),
		    want - (size_t)here, out);
	}
	read_back(log->fd, size, behind, want, out);
}
