/* SPDX-License-Identifier: MIT */
/* See map_progress.h: the words, the bar, and when they are said. */
#include "config.h"

#include "tools/map/map_progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_EVERY  (200 * MAP_MS)
#define LINE_EVERY (5 * MAP_S)
#define LINE_FIRST (500 * MAP_MS)

/* A terminal, and one that can clear a line. */
static bool
can_draw(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) != 0 && term != NULL && term[0] != '\0' &&
	       strcmp(term, "dumb") != 0;
}

void
map_progress_init(struct map_progress *p, bool wanted, int64_t now)
{
	*p = (struct map_progress){
		.wanted = wanted, .bar = wanted && can_draw(), .began_at = now
	};
	p->next_at = now + (p->bar ? BAR_EVERY : LINE_FIRST);
}

int64_t
map_progress_due(const struct map_progress *p)
{
	return p->wanted ? p->next_at : INT64_MAX;
}

static uint64_t
total_of(const struct map_count *c)
{
	uint64_t seen = c->done + c->failed + c->running;

	return c->total == 0 || c->total > seen ? c->total : seen;
}

void
map_progress_words(char *dst, size_t size, const struct map_count *c,
    uint64_t before, int64_t took)
{
	uint64_t over = c->done + c->failed, total = total_of(c);
	double rate =
	    took > 0 ? (double)(over - before) * 1e9 / (double)took : 0;
	char left[32];
	int n;

	if (total != 0) {
		n = snprintf(
		    dst, size, "%" PRIu64 " of %" PRIu64 " done", over, total);
	} else {
		n = snprintf(dst, size, "%" PRIu64 " done", over);
	}
	if (c->failed > 0) {
		n += snprintf(dst + n, size - (size_t)n, ", %" PRIu64 " failed",
		    c->failed);
	}
	n += snprintf(dst + n, size - (size_t)n, ", %.1f/s", rate);
	if (total > over && rate > 0) {
		double ms = (double)(total - over) * 1000 / rate;

		snprintf(dst + n, size - (size_t)n, ", %s left",
		    map_span(ms < 1e15 ? (int64_t)ms : 0, left));
	}
}

void
map_progress_bar(char *dst, size_t size, const struct map_count *c,
    unsigned columns, const char *words)
{
	uint64_t over = c->done + c->failed, total = total_of(c);
	size_t len = strlen(words), room, filled;

	if (total == 0 || columns < len + 16) {
		snprintf(dst, size, "%.*s", (int)columns, words);
		return;
	}
	room = columns - len - 4;
	room = room < 40 ? room : 40;
	filled = (size_t)((double)room * (double)over / (double)total);
	filled = filled < room ? filled : room;
	if (room + len + 4 >= size) {
		snprintf(dst, size, "%s", words);
		return;
	}
	dst[0] = '[';
	memset(dst + 1, '#', filled);
	memset(dst + 1 + filled, '.', room - filled);
	snprintf(dst + 1 + room, size - 1 - room, "] %s", words);
}

static unsigned
columns(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0
		   ? size.ws_col - 1u
		   : 79;
}

static void
put(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0) {
		return; /* there is nobody to see it */
	}
}

void
map_progress_say(struct map_progress *p, const struct map_count *c, int64_t now)
{
	char words[256], line[512];

	map_progress_words(
	    words, sizeof(words), c, p->before, now - p->began_at);
	if (p->bar) {
		size_t n;

		snprintf(line, sizeof(line), "\r\033[K");
		n = strlen(line);
		map_progress_bar(
		    line + n, sizeof(line) - n, c, columns(), words);
		put(line);
		p->drawn = true;
	} else {
		map_say("%s", words);
	}
	p->next_at = now + (p->bar ? BAR_EVERY : LINE_EVERY);
}

void
map_progress_hide(struct map_progress *p)
{
	if (p->drawn) {
		put("\r\033[K");
		p->drawn = false;
	}
}
