/* SPDX-License-Identifier: MIT */
/*
 * How far a program is, on standard error: a bar on a terminal, elsewhere a
 * plain line every few seconds. The last line is always told.
 *
 *	struct progress bar = { .what = "thumbs", .total = 240 };
 *
 *	progress_begin(&bar);
 *	progress_show(&bar, 17);	as often as one likes
 *	progress_end(&bar);
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

struct progress {
	const char *what;
	uint64_t total; /* 0: nobody knows; may change on the way */
	bool quiet;
	/* Its own: */
	uint64_t done;
	double began, shown;
	bool terminal;
};

static inline double
progress_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline void
progress_begin(struct progress *bar)
{
	bar->terminal = isatty(STDERR_FILENO) == 1;
	bar->began = bar->shown = progress_now();
}

/* "120 of 240, 34/s, 3 s left", as far as it is known. */
static inline void
progress_words(const struct progress *bar, char *text, size_t size)
{
	double took = bar->shown - bar->began;
	double rate = took > 0 ? (double)bar->done / took : 0;
	int n = snprintf(text, size, "%" PRIu64, bar->done);

	if (bar->total > 0) {
		n += snprintf(
		    text + n, size - (size_t)n, " of %" PRIu64, bar->total);
	}
	n += snprintf(text + n, size - (size_t)n, ", %.*f/s", rate < 10, rate);
	if (bar->total > bar->done && rate > 0) {
		snprintf(text + n, size - (size_t)n, ", %.0f s left",
		    (double)(bar->total - bar->done) / rate + 0.5);
	}
}

/* As wide as the terminal leaves room for, beside the words. */
static inline void
progress_bar(const struct progress *bar, const char *words)
{
	static const char full[] = "########################################";
	struct winsize window = { 0 };
	int width = 80, filled;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 &&
	    window.ws_col > 0) {
		width = window.ws_col;
	}
	width -= (int)(strlen(bar->what) + strlen(words)) + 6;
	if (width > 40) {
		width = 40;
	}
	if (bar->total == 0 || width < 5) {
		fprintf(stderr, "\r%s: %s\033[K", bar->what, words);
		return;
	}
	filled = bar->done >= bar->total
		     ? width
		     : (int)((double)bar->done / (double)bar->total * width);
	fprintf(stderr, "\r%s [%.*s%*s] %s\033[K", bar->what, filled, full,
	    width - filled, "", words);
}

static inline void
progress_draw(struct progress *bar, double now)
{
	char words[96];

	bar->shown = now;
	progress_words(bar, words, sizeof(words));
	if (bar->terminal) {
		progress_bar(bar, words);
	} else {
		fprintf(stderr, "%s: %s\n", bar->what, words);
	}
}

static inline void
progress_show(struct progress *bar, uint64_t done)
{
	double now = progress_now();

	bar->done = done;
	if (!bar->quiet && now - bar->shown > (bar->terminal ? 0.1 : 5)) {
		progress_draw(bar, now);
	}
}

static inline void
progress_end(struct progress *bar)
{
	if (!bar->quiet) {
		progress_draw(bar, progress_now());
		if (bar->terminal) {
			fputc('\n', stderr);
		}
	}
}

#endif
