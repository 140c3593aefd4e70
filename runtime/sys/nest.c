/* SPDX-License-Identifier: MIT */
/*
 * Directories that go with their makers: see nest.h.
 */
#include "config.h"

#include "sys/nest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/sys.h"

#define DEPTH_MAX 4
#define XS        "XXXXXX"
#define TRIES     8

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

void
rv_nest_remove_dir(const char *path)
{
	empty(AT_FDCWD, path, 0);
	(void)rmdir(path);
}

static void
let_go(struct rv_nest *nest)
{
	if (nest->fd != -1) {
		(void)close(nest->fd);
	}
	rv_nest_init(nest);
}

void
rv_nest_remove(struct rv_nest *nest)
{
	if (nest->path[0] != '\0') {
		rv_nest_remove_dir(nest->path);
	}
	let_go(nest);
}

/* -------- those of the dead -------- */

/* Whether this is still what the path names: another may have removed it. */
static bool
is_same(const struct stat *of_fd, const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && of_fd->st_dev == st.st_dev &&
	       of_fd->st_ino == st.st_ino;
}

/* Ours, and now locked by us. */
static bool
take(struct rv_nest *nest)
{
	struct stat st;

	nest->fd =
	    rv_sys_open(nest->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	return nest->fd != -1 && fstat(nest->fd, &st) == 0 &&
	       st.st_uid == geteuid() &&
	       flock(nest->fd, LOCK_EX | LOCK_NB) == 0 &&
	       is_same(&st, nest->path);
}

static void
remove_if_left(const struct rv_nest_kind *kind, struct rv_nest *nest)
{
	if (take(nest) && (kind->clear == NULL || kind->clear(nest->path))) {
		rv_nest_remove(nest);
	} else {
		let_go(nest);
	}
}

static void
sweep(const struct rv_nest_kind *kind, const char *base)
{
	size_t length = strlen(kind->prefix);
	DIR *dir = opendir(base);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		struct rv_nest nest = { .fd = -1 };

		if (strncmp(entry->d_name, kind->prefix, length) == 0 &&
		    strlen(entry->d_name) == length + strlen(XS)) {
			(void)rv_format(nest.path, sizeof(nest.path), "%s/%s",
			    base, entry->d_name);
			remove_if_left(kind, &nest);
		}
	}
	if (dir != NULL) {
		(void)closedir(dir);
	}
}

/* -------- making -------- */

bool
rv_nest_make(
    struct rv_nest *nest, const struct rv_nest_kind *kind, const char *base)
{
	/* between its making and its lock another one's sweep may come */
	for (int i = 0; i < TRIES; i++) {
		int failed;

		if (rv_format(nest->path, sizeof(nest->path), "%s/%s" XS, base,
			kind->prefix) >= sizeof(nest->path) - 1) {
			errno = ENAMETOOLONG;
			break;
		}
		if (mkdtemp(nest->path) == NULL) { /* 0700 */
			break;
		}
		if (take(nest)) {
			sweep(kind, base);
			return true;
		}
		failed = nest->fd == -1 ? errno : EBUSY;
		(void)rmdir(nest->path);
		let_go(nest);
		errno = failed;
		if (failed != EBUSY) {
			break;
		}
	}
	nest->path[0] = '\0';
	return false;
}
