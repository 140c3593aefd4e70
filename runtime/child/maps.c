/* SPDX-License-Identifier: MIT */
/*
 * The lines of /proc/self/maps that are executable, shortened, character by
 * character: no buffer that a long path could overrun, no allocation.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "child/frames.h"

/* "start-end perms offset device inode   path" */
enum field { RANGE, PERMS, OFFSET, DEVICE, INODE, BLANKS, PATH };

struct reading {
	struct rv_page_trouble *t;
	uint32_t line; /* where it begins in t->maps */
	uint32_t len;
	enum field field;
	unsigned in_field; /* characters of it so far */
	bool executable, full;
};

static void
put(struct reading *r, char c)
{
	if (r->len < RV_PAGE_MAPS) {
		r->t->maps[r->len++] = c;
	} else {
		r->full = true;
	}
}

static void
end_line(struct reading *r)
{
	bool keep = r->executable && r->field == PATH;

	if (keep) {
		put(r, '\n');
	}
	if (!keep || r->full) {
		r->len = r->line;
	}
	r->line = r->len;
	r->t->n_maps = r->len;
	r->field = RANGE;
	r->in_field = 0;
	r->executable = false;
}

static void
take(struct reading *r, char c)
{
	if (c == '\n') {
		end_line(r);
		return;
	}
	if (r->field == BLANKS && c != ' ') {
		r->field = PATH;
	}
	if (r->field < BLANKS && c == ' ') {
		if (r->field == RANGE || r->field == OFFSET) {
			put(r, ' ');
		}
		r->field++;
		r->in_field = 0;
		return;
	}
	if (r->field == PERMS && r->in_field == 2) {
		r->executable = c == 'x';
	}
	r->in_field++;
	if (r->field == RANGE || r->field == OFFSET || r->field == PATH) {
		put(r, c);
	}
}

/* Where all descriptors are taken, one more is asked for. */
static int
open_maps(void)
{
	static const char path[] = "/proc/self/maps";
	struct rlimit limit;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1 && errno == EMFILE &&
	    getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur < limit.rlim_max) {
		struct rlimit more = limit;

		more.rlim_cur++;
		setrlimit(RLIMIT_NOFILE, &more);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return fd;
}

void
rv_frames_maps(struct rv_page_trouble *t)
{
	struct reading r = { .t = t };
	char text[1024];
	int fd = open_maps();
	ssize_t n;

	t->n_maps = 0;
	while (fd != -1 && !r.full && (n = read(fd, text, sizeof(text))) > 0) {
		for (ssize_t i = 0; i < n && !r.full; i++) {
			take(&r, text[i]);
		}
	}
	if (fd != -1) {
		close(fd);
	}
}
