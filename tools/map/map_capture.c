/* SPDX-License-Identifier: MIT */
/* See map_out.h: what an item writes, until it is written elsewhere. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/map/map_out.h"

#define IN_MEMORY   ((size_t)1024 * 1024)      /* of one */
#define MEMORY_MAX  ((size_t)64 * 1024 * 1024) /* of all, nearly */
#define WORTH_FILE  ((size_t)16 * 1024)
#define PIECE       ((size_t)64 * 1024)
#define READS_AFTER 64 /* of what a dead process left in a pipe */

static size_t in_memory; /* of all captures */

bool
map_capture_open(struct map_capture *c, int *end)
{
	int fds[2];

	*c = (struct map_capture)MAP_CAPTURE_NONE;
	if (pipe2(fds, O_CLOEXEC) != 0) {
		return false;
	}
	c->fd = fds[0];
	*end = fds[1];
	return true;
}

static bool
open_spill(struct map_capture *c)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];

	dir = dir != NULL && dir[0] != '\0' ? dir : "/tmp";
	c->spill = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (c->spill < 0) {
		snprintf(path, sizeof(path), "%s/reeve-map-XXXXXX", dir);
		c->spill = mkostemp(path, O_CLOEXEC);
		if (c->spill >= 0) {
			unlink(path);
		}
	}
	return c->spill >= 0;
}

static void
spill(struct map_capture *c)
{
	size_t at = 0;

	if (c->stays || (c->spill < 0 && !open_spill(c))) {
		c->stays = true;
		return;
	}
	while (at < c->mem.len) {
		ssize_t n = pwrite(c->spill, c->mem.data + at, c->mem.len - at,
		    (off_t)c->spilled);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			break; /* the rest is kept in memory */
		}
		at += (size_t)n;
		c->spilled += (size_t)n;
	}
	c->stays = at < c->mem.len;
	memmove(c->mem.data, c->mem.data + at, c->mem.len - at);
	c->mem.len -= at;
	in_memory -= at;
}

void
map_capture_add(struct map_capture *c, const void *bytes, size_t len)
{
	map_add(&c->mem, bytes, len);
	in_memory += len;
	if (c->mem.len >= (in_memory > MEMORY_MAX ? WORTH_FILE : IN_MEMORY)) {
		spill(c);
	}
}

bool
map_capture_read(struct map_capture *c)
{
	static char piece[PIECE];
	ssize_t n;

	if (c->fd < 0) {
		return false;
	}
	do {
		n = read(c->fd, piece, sizeof(piece));
	} while (n < 0 && errno == EINTR);
	if (n <= 0) {
		close(c->fd);
		c->fd = -1;
		return false;
	}
	map_capture_add(c, piece, (size_t)n);
	return true;
}

void
map_capture_end(struct map_capture *c)
{
	int n = 0;

	for (int i = 0; i < READS_AFTER && c->fd >= 0 &&
			ioctl(c->fd, FIONREAD, &n) == 0 && n > 0;
	     i++) {
		map_capture_read(c);
	}
	if (c->fd >= 0) {
		close(c->fd);
		c->fd = -1;
	}
}

void
map_capture_finish(struct map_capture *c)
{
	if (c->fd >= 0) {
		close(c->fd);
	}
	if (c->spill >= 0) {
		close(c->spill);
	}
	in_memory -= c->mem.len;
	map_buf_free(&c->mem);
	*c = (struct map_capture)MAP_CAPTURE_NONE;
}

uint64_t
map_capture_size(const struct map_capture *c)
{
	return c->spilled + c->mem.len;
}

size_t
map_capture_get(
    const struct map_capture *c, uint64_t from, void *dst, size_t size)
{
	if (from < c->spilled) {
		uint64_t left = c->spilled - from;
		ssize_t n;

		do {
			n = pread(c->spill, dst, left < size ? left : size,
			    (off_t)from);
		} while (n < 0 && errno == EINTR);
		return n > 0 ? (size_t)n : 0;
	}
	from -= c->spilled;
	if (from >= c->mem.len) {
		return 0;
	}
	size = c->mem.len - from < size ? c->mem.len - from : size;
	memcpy(dst, c->mem.data + from, size);
	return size;
}

void
map_capture_tag(struct map_capture *c, const char *tag, size_t len)
{
	struct map_capture tagged = MAP_CAPTURE_NONE;
	char piece[4096];
	uint64_t from = 0;
	bool begins = true;
	size_t n;

	while ((n = map_capture_get(c, from, piece, sizeof(piece))) > 0) {
		const char *at = piece, *end = piece + n;

		while (at < end) {
			const char *newline =
			    memchr(at, '\n', (size_t)(end - at));
			const char *to = newline != NULL ? newline + 1 : end;

			if (begins) {
				map_capture_add(&tagged, tag, len);
				map_capture_add(&tagged, "\t", 1);
			}
			map_capture_add(&tagged, at, (size_t)(to - at));
			begins = newline != NULL;
			at = to;
		}
		from += n;
	}
	map_capture_finish(c);
	*c = tagged;
}

static bool
write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return false;
		}
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

bool
map_capture_keep(const struct map_capture *c, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	char piece[16 * 1024];
	uint64_t from = 0;
	bool well = fd >= 0;
	size_t n;

	while (
	    well && (n = map_capture_get(c, from, piece, sizeof(piece))) > 0) {
		well = write_all(fd, piece, n);
		from += n;
	}
	if (fd >= 0 && close(fd) != 0) {
		well = false;
	}
	if (!well) {
		map_say("cannot write %s: %s", path, strerror(errno));
	}
	return well;
}
