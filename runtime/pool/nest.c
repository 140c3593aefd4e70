/* SPDX-License-Identifier: MIT */
/*
 * Directories of pools' own runtimes: see nest.h. A nest is a directory
 * reeve-pool-XXXXXX; what its runtime has on tmpfs (locks, the ring) is found
 * by the link to its control socket, which it has from its beginning.
 */
#include "config.h"

#include "pool/nest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "sys/sys.h"

#define DEPTH_MAX 4
#define PREFIX    "reeve-pool-"
#define XS        "XXXXXX"
#define TRIES     8
#define PUBLIC    ".pub" /* a second directory of a runtime's place */

void
rv_nest_init(struct rv_nest *nest)
{
	*nest = (struct rv_nest){ .fd = -1 };
}

/* -------- removing -------- */

/* All below a directory of ours; what is not ours is not followed. */
static void
empty(int parent, const char *name, unsigned depth)
{
	int fd = openat(
	    parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (dir == NULL) {
		if (fd != -1) {
			(void)close(fd);
		}
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0) {
			continue;
		}
		if (unlinkat(fd, entry->d_name, 0) != 0 && depth < DEPTH_MAX) {
			empty(fd, entry->d_name, depth + 1);
			(void)unlinkat(fd, entry->d_name, AT_REMOVEDIR);
		}
	}
	(void)closedir(dir);
}

static void
remove_dir(const char *path)
{
	empty(AT_FDCWD, path, 0);
	(void)rmdir(path);
}

void
rv_nest_settle(struct rv_nest *nest)
{
	static const char link[] = "/control.sock";
	char path[sizeof(nest->path) + sizeof(link)];
	ssize_t n;

	rv_format(path, sizeof(path), "%s%s", nest->path, link);
	n = readlink(path, nest->place, sizeof(nest->place) - 1);
	nest->place[n > 0 ? n : 0] = '\0';
	n -= (ssize_t)sizeof(link) - 1;
	if (n <= 0 || nest->place[0] != '/' ||
	    strcmp(nest->place + n, link) != 0) {
		n = 0;
	}
	nest->place[n] = '\0';
}

void
rv_nest_remove(struct rv_nest *nest)
{
	char public[PATH_MAX];

	if (nest->place[0] != '\0' &&
	    rv_format(public, sizeof(public), "%s" PUBLIC, nest->place) <
		sizeof(public)) {
		remove_dir(public);
		remove_dir(nest->place);
	}
	if (nest->path[0] != '\0') {
		remove_dir(nest->path);
	}
	if (nest->fd != -1) {
		(void)close(nest->fd);
	}
	rv_nest_init(nest);
}

/* -------- those of the dead -------- */

/* True: nobody has it locked, and now we have. */
static bool
take(int fd)
{
	return fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* Whether this is still what the path names: another may have removed it. */
static bool
is_same(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && lstat(path, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int
open_dir(const char *path)
{
	return rv_sys_open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
}

/* Neither its runtime nor the clerk of that: who has killed a host may have
 * left them to end by themselves. No such file: it is not locked, either. */
static bool
is_locked(const char *place, const char *name)
{
	char path[PATH_MAX];
	bool locked;
	int fd;

	rv_format(path, sizeof(path), "%s/%s", place, name);
	fd = rv_sys_open(path, O_RDWR | O_NOFOLLOW, 0);
	locked = fd != -1 && !take(fd);
	if (fd != -1) {
		(void)close(fd);
	}
	return locked;
}

static void
remove_if_left(const char *path)
{
	struct rv_nest nest;
	struct stat st;

	rv_nest_init(&nest);
	rv_copy(nest.path, sizeof(nest.path), path);
	nest.fd = open_dir(path);
	if (nest.fd != -1 && fstat(nest.fd, &st) == 0 &&
	    st.st_uid == geteuid() && take(nest.fd) && is_same(nest.fd, path)) {
		rv_nest_settle(&nest);
		if (nest.place[0] == '\0' ||
		    (!is_locked(nest.place, "lock") &&
			!is_locked(nest.place, "clerk.lock"))) {
			rv_nest_remove(&nest);
			return;
		}
	}
	if (nest.fd != -1) {
		(void)close(nest.fd);
	}
}

static void
sweep(const char *base)
{
	DIR *dir = opendir(base);
	struct dirent *entry;
	char path[sizeof(((struct rv_nest *)0)->path)];

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0 &&
		    strlen(entry->d_name) == strlen(PREFIX XS)) {
			rv_format(path, sizeof(path), "%s/%.17s", base,
			    entry->d_name);
			remove_if_left(path);
		}
	}
	if (dir != NULL) {
		(void)closedir(dir);
	}
}

/* -------- making -------- */

/* Between its making and its lock another one's sweep may come. */
static bool
make_in(struct rv_nest *nest, const char *base)
{
	size_t size = sizeof(nest->path);

	for (int i = 0; base != NULL && base[0] == '/' && i < TRIES; i++) {
		if (rv_format(nest->path, size, "%s/" PREFIX XS, base) >=
			size - 1 ||
		    mkdtemp(nest->path) == NULL) { /* 0700 */
			return false;
		}
		nest->fd = open_dir(nest->path);
		if (take(nest->fd) && is_same(nest->fd, nest->path)) {
			sweep(base);
			return true;
		}
		(void)rmdir(nest->path);
		if (nest->fd == -1) {
			return false;
		}
		(void)close(nest->fd);
		nest->fd = -1;
	}
	return false;
}

enum reeve_status
rv_nest_make(struct rv_nest *nest, struct reeve_error *err)
{
	const char *bases[] = { geteuid() == 0 ? "/run" : NULL,
		secure_getenv("XDG_RUNTIME_DIR"), "/dev/shm", "/tmp" };

	for (size_t i = 0; i < RV_ARRAY_LEN(bases); i++) {
		if (make_in(nest, bases[i])) {
			return REEVE_OK;
		}
	}
	nest->path[0] = '\0';
	return rv_error_sys(
	    err, errno, "cannot make a directory in %s", bases[3]);
}
