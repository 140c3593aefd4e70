/* SPDX-License-Identifier: MIT */
/* See map_input.h: items, one after the other. */
#include "config.h"

#include "tools/map/map_input.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE ((size_t)64 * 1024)

/* -------- words -------- */

static int
take_globs(struct map_input *in)
{
	for (size_t i = 0; i < in->o->globs.n; i++) {
		const char *pattern = in->o->globs.v[i];
		glob_t found = { 0 };
		int code = glob(pattern, 0, NULL, &found);

		if (code != 0 && code != GLOB_NOMATCH) {
			map_say("cannot look for %s: %s", pattern,
			    code == GLOB_NOSPACE ? "out of memory"
						 : "a folder is not readable");
			globfree(&found);
			return MAP_COULD_NOT;
		}
		if (code == GLOB_NOMATCH) {
			map_say("no file is named %s", pattern);
		}
		for (size_t f = 0; f < found.gl_pathc; f++) {
			map_list_add(
			    &in->words, map_copy(found.gl_pathv[f],
					    strlen(found.gl_pathv[f])));
		}
		globfree(&found);
	}
	return 0;
}

/* -------- files -------- */

static bool
open_next(struct map_input *in)
{
	const struct map_list *files = &in->o->arg_files;
	struct stat st;

	if (in->next >= files->n + (files->n == 0)) {
		return false;
	}
	in->name = files->n > 0 ? files->v[in->next] : "-";
	in->next++;
	if (strcmp(in->name, "-") == 0) {
		in->name = "standard input";
		in->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		in->fd = open(in->name, O_RDONLY | O_CLOEXEC);
	}
	in->file_end = false;
	if (in->fd >= 0 && fstat(in->fd, &st) == 0) {
		in->waits = !S_ISREG(st.st_mode);
		in->total_bytes =
		    files->n <= 1 && S_ISREG(st.st_mode) && st.st_size > 0
			? (uint64_t)st.st_size
			: 0;
	}
	return true;
}

int
map_input_open(struct map_input *in, const struct map_options *o)
{
	*in = (struct map_input){ .o = o, .fd = -1 };
	if (o->listed) {
		in->words = o->items;
		in->listed = true;
		return 0;
	}
	if (o->globs.n > 0) {
		in->listed = in->globbed = true;
		return take_globs(in);
	}
	for (size_t i = 0; i < o->arg_files.n; i++) {
		const char *name = o->arg_files.v[i];

		/* Said before anything is run. */
		if (strcmp(name, "-") != 0 && access(name, R_OK) != 0) {
			map_say("cannot read %s: %s", name, strerror(errno));
			return MAP_COULD_NOT;
		}
	}
	return 0;
}

void
map_input_close(struct map_input *in)
{
	if (in->fd >= 0) {
		close(in->fd);
	}
	if (in->globbed) {
		for (size_t i = 0; i < in->words.n; i++) {
			free((void *)(uintptr_t)in->words.v[i]);
		}
		free(in->words.v);
	}
	map_buf_free(&in->buf);
}

static bool
has_something(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}

/* More bytes into the buffer. */
static enum map_got
read_more(struct map_input *in)
{
	ssize_t n;

	if (in->waits && !has_something(in->fd)) {
		return MAP_GOT_NOT_YET;
	}
	if (in->at > 0) {
		memmove(
		    in->buf.data, in->buf.data + in->at, in->buf.len - in->at);
		in->buf.len -= in->at;
		in->at = 0;
	}
	if (in->buf.cap < in->buf.len + READ_SIZE) {
		in->buf.cap = in->buf.len + READ_SIZE;
		in->buf.data = map_grow(in->buf.data, in->buf.cap, 1);
	}
	do {
		n = read(in->fd, in->buf.data + in->buf.len, READ_SIZE);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN) {
		in->waits = true;
		return MAP_GOT_NOT_YET;
	}
	if (n < 0) {
		map_say("cannot read %s: %s", in->name, strerror(errno));
		return MAP_GOT_ERROR;
	}
	in->buf.len += (size_t)n;
	in->bytes += (size_t)n;
	in->file_end = n == 0;
	return MAP_GOT;
}

/* What an item may have: more than the kernel takes no command can be given. */
static size_t
most_of(const struct map_input *in)
{
	return in->o->function != NULL ? MAP_CALL_MAX : MAP_ITEM_MAX;
}

static enum map_got
got(struct map_input *in, const char **item, size_t len, size_t skip)
{
	if (len > most_of(in)) {
		map_say("item %llu of %s is longer than %zu bytes: no %s "
			"can take it",
		    (unsigned long long)in->items + 1, in->name, most_of(in),
		    in->o->function != NULL ? "call" : "command");
		return MAP_GOT_ERROR;
	}
	*item = in->buf.data + in->at;
	in->at += len + skip;
	in->scanned = 0;
	in->items++;
	return MAP_GOT;
}

static enum map_got
next_of_file(struct map_input *in, const char **item, size_t *len)
{
	for (;;) {
		size_t left = in->buf.len - in->at;
		const char *from = in->buf.data + in->at;
		const char *end =
		    left > in->scanned
			? memchr(from + in->scanned, in->o->null ? '\0' : '\n',
			      left - in->scanned)
			: NULL;
		enum map_got more;

		if (end != NULL) {
			*len = (size_t)(end - from);
			return got(in, item, *len, 1);
		}
		in->scanned = left;
		if (left > most_of(in)) {
			return got(in, item, left, 0);
		}
		if (in->file_end && left > 0) {
			*len = left;
			return got(in, item, left, 0);
		}
		if (in->file_end) {
			return MAP_GOT_END;
		}
		more = read_more(in);
		if (more != MAP_GOT) {
			return more;
		}
	}
}

static enum map_got
next_of_files(struct map_input *in, const char **item, size_t *len)
{
	for (;;) {
		enum map_got result;

		if (in->fd < 0 && !open_next(in)) {
			return MAP_GOT_END;
		}
		if (in->fd < 0) {
			map_say(
			    "cannot read %s: %s", in->name, strerror(errno));
			return MAP_GOT_ERROR;
		}
		result = next_of_file(in, item, len);
		if (result != MAP_GOT_END) {
			return result;
		}
		close(in->fd);
		in->fd = -1;
		in->buf.len = in->at = in->scanned = 0;
	}
}

/* A line with a NUL in it cannot be an argument as it is. */
static enum map_got
check(struct map_input *in, const char *item, size_t len)
{
	if (len > 0 && !in->o->null && memchr(item, '\0', len) != NULL) {
		map_say("item %llu of %s has a NUL in it; --null takes NULs as "
			"ends of items",
		    (unsigned long long)in->items, in->name);
		return MAP_GOT_ERROR;
	}
	return MAP_GOT;
}

enum map_got
map_input_next(struct map_input *in, const char **item, size_t *len)
{
	enum map_got result;

	if (!in->listed) {
		result = next_of_files(in, item, len);
		return result == MAP_GOT ? check(in, *item, *len) : result;
	}
	if (in->next >= in->words.n) {
		return MAP_GOT_END;
	}
	*item = in->words.v[in->next++];
	*len = strlen(*item);
	in->items++;
	return MAP_GOT;
}

/* All is read: what is left of it can be counted. */
static uint64_t
count_rest(const struct map_input *in)
{
	const char *at = in->buf.data + in->at;
	const char *end = in->buf.data + in->buf.len;
	uint64_t n = 0;

	while (at < end) {
		const char *stop =
		    memchr(at, in->o->null ? '\0' : '\n', (size_t)(end - at));

		at = stop != NULL ? stop + 1 : end;
		n++;
	}
	return n;
}

bool
map_input_is_counted(const struct map_input *in)
{
	return in->listed ||
	       (in->total_bytes > 0 && in->bytes >= in->total_bytes);
}

uint64_t
map_input_total(const struct map_input *in)
{
	if (in->listed) {
		return in->words.n;
	}
	if (in->fd < 0 && in->items > 0) {
		return in->items;
	}
	if (map_input_is_counted(in)) {
		return in->items + count_rest(in);
	}
	if (in->total_bytes > 0 && in->items > 0 && in->bytes > 0) {
		size_t taken = in->bytes - (in->buf.len - in->at);

		return taken > 0 ? in->items * in->total_bytes / taken : 0;
	}
	return 0;
}
