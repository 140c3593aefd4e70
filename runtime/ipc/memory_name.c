/* SPDX-License-Identifier: MIT */
/*
 * Names of blocks: symbolic links in a folder of the user, /dev/shm/reeve-UID,
 * whose text says "PID FD ID": the block is what that process has as that
 * descriptor, if it is one of that id. No memory hangs on such a link: when the
 * process ends, in whatever way, the kernel frees the block (or leaves it to
 * others who have it open), and the name leads nowhere: it is in use no more.
 * What is left is a link of some bytes, which the next to make or look for a
 * name clears away, with all its like.
 *
 * The folder is locked (flock) by whoever changes it. Called by memory.c.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "ipc/memory.h"
#include "sys/sys.h"

static bool
is_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";

	return name != NULL && name[0] != '\0' && name[0] != '.' &&
	       strlen(name) <= REEVE_MEMORY_NAME_MAX &&
	       name[strspn(name, letters)] == '\0';
}

static void
folder_path(char path[static 64])
{
	(void)snprintf(path, 64, "/dev/shm/reeve-%u", (unsigned)geteuid());
}

/* The folder, locked, or -1: errno. One that is gone meanwhile has no links. */
static int
lock_folder(const char *path, struct stat *st)
{
	int fd, saved;

	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		return -1;
	}
	fd = rv_sys_open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	while (fd >= 0 && (flock(fd, LOCK_EX) != 0 || fstat(fd, st) != 0)) {
		if (errno != EINTR) {
			saved = errno;
			(void)close(fd);
			errno = saved;
			fd = -1;
		}
	}
	return fd;
}

/* -1: errno, EPERM when it is not ours alone. */
static int
open_folder(void)
{
	struct stat st = { 0 };
	char path[64];
	int fd;

	folder_path(path);
	for (;;) {
		fd = lock_folder(path, &st);
		if (fd < 0 && errno == ENOENT) {
			continue;
		}
		if (fd < 0 || st.st_nlink > 0) {
			break;
		}
		(void)close(fd);
	}
	if (fd >= 0 && (st.st_uid != geteuid() || (st.st_mode & 077) != 0)) {
		(void)close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

/* Unlocked; and gone, if there is no name left. */
static void
close_folder(int fd)
{
	char path[64];

	folder_path(path);
	(void)rmdir(path);
	(void)close(fd);
}

/* Does this descriptor lead to a block of that id? */
static bool
has_id(int fd, const char *id)
{
	struct rv_memory_head head;

	return pread(fd, &head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
	       head.magic == RV_MEMORY_MAGIC &&
	       strncmp(head.id, id, sizeof(head.id)) == 0;
}

/*
 * The block of a name; -1: it leads nowhere, or (EACCES) not us. What is at
 * that number now may be anything: so it is looked at before it is opened.
 */
static int
follow(int folder, const char *name, char id[static 40])
{
	char text[128] = "", path[64];
	int pid, number, found, fd = -1;
	struct stat st;

	if (readlinkat(folder, name, text, sizeof(text) - 1) < 0 ||
	    sscanf(text, "%d %d %39s", &pid, &number, id) != 3) {
		return -1;
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, number);
	found = rv_sys_open(path, O_PATH, 0);
	if (found >= 0 && fstat(found, &st) == 0 && S_ISREG(st.st_mode)) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", found);
		fd = rv_sys_open(path, O_RDWR, 0);
	}
	if (fd >= 0 && !has_id(fd, id)) {
		(void)close(fd);
		fd = -1;
		errno = ENOENT;
	}
	if (found >= 0) {
		int saved = errno;

		(void)close(found);
		errno = saved;
	}
	return fd;
}

/* Clear away all names that lead nowhere. */
static void
sweep(int folder)
{
	int copy = fcntl(folder, F_DUPFD_CLOEXEC, 3);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;
	char id[40];

	if (dir == NULL) {
		if (copy >= 0) {
			(void)close(copy);
		}
		return;
	}
	rewinddir(dir);
	while ((entry = readdir(dir)) != NULL) {
		int fd = entry->d_name[0] == '.'
			     ? -1
			     : follow(folder, entry->d_name, id);

		if (fd >= 0) {
			(void)close(fd);
		} else if (entry->d_name[0] != '.' && errno != EACCES &&
			   errno != EPERM && errno != EMFILE &&
			   errno != ENFILE) {
			(void)unlinkat(folder, entry->d_name, 0);
		}
	}
	(void)closedir(dir);
}

enum reeve_status
rv_memory_bad_name(const char *name, struct reeve_error *err)
{
	return rv_error(err, REEVE_EINVALID,
	    "\"%.80s\" is no name for memory: 1 to %d letters, digits, dots, "
	    "dashes, underscores, no dot first",
	    name != NULL ? name : "", REEVE_MEMORY_NAME_MAX);
}

static enum reeve_status
no_folder(const char *name, struct reeve_error *err)
{
	return errno == EPERM
		   ? rv_error(err, REEVE_EPERM,
			 "the folder of the names of memory is not this user's")
		   : rv_error_sys(
			 err, errno, "cannot look for memory \"%s\"", name);
}

enum reeve_status
rv_memory_link(
    const char *name, const char *id, int fd, struct reeve_error *err)
{
	char text[128];
	enum reeve_status status = REEVE_OK;
	int folder;

	if (!is_name(name)) {
		return rv_memory_bad_name(name, err);
	}
	folder = open_folder();
	if (folder < 0) {
		return no_folder(name, err);
	}
	sweep(folder);
	(void)snprintf(text, sizeof(text), "%d %d %s", getpid(), fd, id);
	if (symlinkat(text, folder, name) != 0) {
		status = errno == EEXIST
			     ? rv_error(err, REEVE_EEXIST,
				   "memory \"%s\" exists already", name)
			     : rv_error_sys(err, errno,
				   "cannot name memory \"%s\"", name);
	}
	close_folder(folder);
	return status;
}

enum reeve_status
rv_memory_unlink(const char *name, const char *id, struct reeve_error *err)
{
	char found[40] = "";
	enum reeve_status status = REEVE_OK;
	int folder, fd;

	if (!is_name(name)) {
		return rv_memory_bad_name(name, err);
	}
	folder = open_folder();
	if (folder < 0) {
		return no_folder(name, err);
	}
	fd = follow(folder, name, found);
	if (fd < 0 || (id != NULL && strcmp(found, id) != 0)) {
		status = rv_error(
		    err, REEVE_ENOENT, "there is no memory \"%s\"", name);
	} else if (unlinkat(folder, name, 0) != 0) {
		status = rv_error_sys(
		    err, errno, "cannot unlink memory \"%s\"", name);
	}
	if (fd >= 0) {
		(void)close(fd);
	}
	close_folder(folder);
	return status;
}

enum reeve_status
reeve_memory_find(
    struct reeve_memory **out, const char *name, struct reeve_error *err)
{
	char id[40];
	int folder, fd;

	if (out == NULL) {
		return rv_error(err, REEVE_EINVALID, "no place for memory");
	}
	if (!is_name(name)) {
		return rv_memory_bad_name(name, err);
	}
	folder = open_folder();
	if (folder < 0) {
		return no_folder(name, err);
	}
	fd = follow(folder, name, id);
	if (fd < 0) {
		sweep(folder);
	}
	close_folder(folder);
	return fd >= 0 ? rv_memory_of(out, fd, err)
		       : rv_error(err, REEVE_ENOENT,
			     "there is no memory \"%s\"", name);
}
