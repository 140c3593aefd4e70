/* SPDX-License-Identifier: MIT */
/*
 * Socket files. The socket listens before its name is there, so nobody is
 * refused by a file that exists: it is bound to a name of its own first and
 * linked to the right one, which fails when that is taken. A file whose
 * listener is dead is renamed over, and between the look and the renaming the
 * folder is locked, so that two who find the same dead one do not both win.
 */
#include "config.h"

#include "conn/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "sys/sys.h"

/* A name beside the path that nobody else takes. False: it is too long. */
static bool
name_beside(struct sockaddr_un *at, const char *path)
{
	char hex[33];
	int n;

	rv_sys_random_hex(hex);
	at->sun_family = AF_UNIX;
	n = snprintf(at->sun_path, sizeof(at->sun_path), "%.*s.%.8s",
	    (int)strnlen(path, sizeof(at->sun_path)), path, hex);
	return n > 0 && (size_t)n < sizeof(at->sun_path);
}

/* Whether somebody listens there: 1, 0 or -1 (errno: it is no socket). */
static int
is_alive(const struct sockaddr_un *path)
{
	struct stat st;
	int fd, got;

	if (lstat(path->sun_path, &st) != 0) {
		return errno == ENOENT ? 0 : -1;
	}
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return -1;
	}
	fd = rv_sys_socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -1;
	}
	got = connect(fd, (const struct sockaddr *)path, sizeof(*path));
	got = got != 0 && errno == ECONNREFUSED ? 0 : 1;
	(void)close(fd);
	return got;
}

/* The folder, locked; -1 with errno, EWOULDBLOCK: by another. */
static int
lock_folder(const char *path)
{
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	const char *slash = strrchr(path, '/');
	size_t len = slash != NULL ? (size_t)(slash - path) : 0;
	int fd;

	(void)snprintf(folder, sizeof(folder), "%.*s%s", (int)len, path,
	    slash == NULL ? "."
	    : len == 0    ? "/"
			  : "");
	fd = rv_sys_open(folder, O_RDONLY | O_DIRECTORY, 0);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		int saved = errno;

		(void)close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static enum reeve_status
refuse(struct reeve_error *err, int sys_errno, const char *path)
{
	switch (sys_errno) {
	case EADDRINUSE:
		return rv_error(err, REEVE_EBUSY,
		    "cannot listen at unix:%s: another process listens there",
		    path);
	case EWOULDBLOCK:
		return rv_error(err, REEVE_EBUSY,
		    "cannot listen at unix:%s: another process is about to",
		    path);
	case EEXIST:
		return rv_error(err, REEVE_EEXIST,
		    "cannot listen at unix:%s: there is a file that is no "
		    "socket",
		    path);
	default:
		return rv_error_sys(
		    err, sys_errno, "cannot listen at unix:%s", path);
	}
}

/* Where a name was taken; 0 or an errno. */
static int
take_over(const struct sockaddr_un *mine, const struct sockaddr_un *path)
{
	int folder = lock_folder(path->sun_path), alive, failed = 0;

	if (folder < 0) {
		return errno;
	}
	alive = is_alive(path);
	if (alive != 0) {
		failed = alive > 0 ? EADDRINUSE : errno;
	} else if (rename(mine->sun_path, path->sun_path) != 0) {
		failed = errno;
	}
	(void)close(folder);
	return failed;
}

enum reeve_status
rv_socket_file_make(struct rv_socket_file *file, int fd,
    const struct rv_address *a, mode_t mode, int backlog,
    struct reeve_error *err)
{
	struct sockaddr_un mine = { .sun_family = AF_UNIX };
	const char *path = a->path.sun_path;
	struct stat st;
	int failed = 0;

	if (!name_beside(&mine, path)) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot listen at unix:%s: the path is too long by %zu "
		    "bytes",
		    path, strlen(path) + 10 - sizeof(mine.sun_path));
	}
	/* the file has the mode of the socket at that moment, less the umask */
	if (fchmod(fd, mode) != 0 ||
	    bind(fd, (const struct sockaddr *)&mine, sizeof(mine)) != 0) {
		return refuse(err, errno, path);
	}
	if (chmod(mine.sun_path, mode) != 0 || listen(fd, backlog) != 0 ||
	    lstat(mine.sun_path, &st) != 0) {
		failed = errno;
	} else if (link(mine.sun_path, path) == 0) {
		(void)unlink(mine.sun_path);
	} else {
		failed = errno == EEXIST ? take_over(&mine, &a->path) : errno;
	}
	if (failed != 0) {
		(void)unlink(mine.sun_path);
		return refuse(err, failed, path);
	}
	*file =
	    (struct rv_socket_file){ a->path, st.st_dev, st.st_ino, getpid() };
	return REEVE_OK;
}

void
rv_socket_file_remove(struct rv_socket_file *file)
{
	struct stat st;

	if (file->pid == getpid() && lstat(file->path.sun_path, &st) == 0 &&
	    st.st_dev == file->dev && st.st_ino == file->ino) {
		(void)unlink(file->path.sun_path);
	}
	file->pid = 0;
}
