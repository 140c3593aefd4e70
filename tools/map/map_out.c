/* SPDX-License-Identifier: MIT */
/* See map_out.h: what waits to be written, and writing it. */
#include "config.h"

#include "tools/map/map_out.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* So much goes into a pipe that says it has room. */
#define AT_ONCE ((size_t)4096)
#define TO_FILE ((size_t)64 * 1024)

void
map_outs_init(struct map_outs *outs)
{
	*outs = (struct map_outs){ .last = &outs->first };
	for (int i = 0; i < 2; i++) {
		struct stat st;

		outs->regular[i] =
		    fstat(STDOUT_FILENO + i, &st) == 0 && S_ISREG(st.st_mode);
	}
}

void
map_outs_push(struct map_outs *outs, struct map_output *output)
{
	output->next = NULL;
	*outs->last = output;
	outs->last = &output->next;
}

void
map_output_free(struct map_output *output)
{
	map_capture_finish(&output->to[0]);
	map_capture_finish(&output->to[1]);
	free(output);
}

static bool
has_room(const struct map_outs *outs, unsigned piece)
{
	struct pollfd p = { .fd = STDOUT_FILENO + (int)piece,
		.events = POLLOUT };

	/* An error is seen by writing. */
	return outs->regular[piece] || poll(&p, 1, 0) != 0;
}

static void
give_up(struct map_outs *outs, unsigned piece, uint64_t number)
{
	map_say("cannot write the output of map/%llu: %s",
	    (unsigned long long)number, strerror(errno));
	outs->closed[piece] = outs->failed = true;
	outs->broken = outs->broken || errno == EPIPE;
}

/* The end of this piece is reached; or false: wait. */
static bool
write_piece(struct map_outs *outs, const struct map_output *output)
{
	const struct map_capture *c = &output->to[outs->piece];
	char bytes[TO_FILE];

	while (!outs->closed[outs->piece]) {
		size_t size = outs->regular[outs->piece] ? TO_FILE : AT_ONCE;
		size_t n = map_capture_get(c, outs->at, bytes, size);
		ssize_t written;

		if (n == 0) {
			return true;
		}
		if (!has_room(outs, outs->piece)) {
			return false;
		}
		written = write(STDOUT_FILENO + (int)outs->piece, bytes, n);
		if (written < 0 && errno == EAGAIN) {
			return false;
		}
		if (written < 0 && errno != EINTR) {
			give_up(outs, outs->piece, output->number);
			return true;
		}
		outs->at += written > 0 ? (uint64_t)written : 0;
		outs->written += written > 0 ? (uint64_t)written : 0;
	}
	return true;
}

int
map_outs_write(struct map_outs *outs, unsigned *done)
{
	*done = 0;
	while (outs->first != NULL) {
		struct map_output *output = outs->first;

		if (!write_piece(outs, output)) {
			return STDOUT_FILENO + (int)outs->piece;
		}
		outs->at = 0;
		if (outs->piece++ == 0) {
			continue;
		}
		outs->piece = 0;
		outs->first = output->next;
		if (outs->first == NULL) {
			outs->last = &outs->first;
		}
		map_output_free(output);
		(*done)++;
	}
	return -1;
}
