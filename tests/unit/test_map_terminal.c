/* SPDX-License-Identifier: MIT */
/*
 * reeve map --progress on a terminal (a pty, and a screen that is just enough
 * of one), on one that can do nothing, and where there is none.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/harness.h"

#define ROWS    32
#define COLUMNS 200
#define WAIT_MS 20000

/* -------- the screen -------- */

struct screen {
	char rows[ROWS][COLUMNS + 1];
	unsigned row, column, columns; /* columns 0: no terminal, none */
	char escape[16];               /* one that has begun */
	size_t escape_len;
	bool odd;      /* an escape that no bar needs: colours among them */
	bool controls; /* any, or a line that was drawn again */
	bool wrapped;
};

static void
clear_row_behind(struct screen *s)
{
	s->rows[s->row][s->column] = '\0';
}

static void
take_escape(struct screen *s, char c)
{
	s->escape[s->escape_len++] = c;
	s->controls = true;
	if (s->escape_len < 3 || (s->escape_len < sizeof(s->escape) - 1 &&
				     strchr("0123456789;", c) != NULL)) {
		return;
	}
	s->escape[s->escape_len] = '\0';
	s->escape_len = 0;
	if (strcmp(s->escape, "\033[K") == 0) {
		clear_row_behind(s);
	} else {
		s->odd = true;
	}
}

static void
next_row(struct screen *s)
{
	s->column = 0;
	s->row += s->row + 1 < ROWS;
}

static void
put(struct screen *s, char c)
{
	char *row = s->rows[s->row];
	size_t len = strlen(row);

	if (s->columns != 0 && s->column == s->columns) {
		s->wrapped = true;
		next_row(s);
		row = s->rows[s->row];
		len = 0;
	}
	while (len < s->column) {
		row[len++] = ' ';
	}
	row[s->column++] = c;
	if (s->column > len) {
		row[s->column] = '\0';
	}
}

static void
take(struct screen *s, char c)
{
	if (s->escape_len > 0 || c == '\033') {
		take_escape(s, c);
	} else if (c == '\n') {
		next_row(s);
	} else if (c == '\r') {
		s->column = 0;
	} else if (s->column < COLUMNS) {
		s->controls = s->controls ||
			      (s->column == 0 && s->rows[s->row][0] != '\0');
		put(s, c);
	}
}

/* -------- a job on it -------- */

struct job {
	struct screen screen;
	pid_t pid;
	int fd;
	char state[256], fifo[256];
	bool ended;
};

static void
become(const struct job *job, const char *term, bool no_color)
{
	char reeve[512], script[1024];

	snprintf(reeve, sizeof(reeve), "%s/reeve", rv_test_builddir());
	/* "wait" is held up until it is told to go on. */
	snprintf(script, sizeof(script),
	    "[ $1 != wait ] || read x <%s; echo $1 is done", job->fifo);
	if (no_color) {
		setenv("NO_COLOR", "1", 1);
	} else {
		unsetenv("NO_COLOR");
	}
	setenv("TERM", term, 1);
	execl(reeve, "reeve", "map", "--progress", "-j1", "--state-dir",
	    job->state, "sh", "-c", script, "sh", ":::", "a", "b", "wait", "d",
	    (char *)NULL);
	_exit(127);
}

/* columns 0: no terminal, but a pipe. */
static void
begin(struct job *job, unsigned columns, const char *term, bool no_color)
{
	struct winsize size = { .ws_row = ROWS,
		.ws_col = (unsigned short)columns };
	int fds[2] = { -1, -1 };

	*job = (struct job){ .screen.columns = columns };
	snprintf(job->state, sizeof(job->state), "%s/state", rv_test_dir());
	snprintf(job->fifo, sizeof(job->fifo), "%s/fifo", rv_test_dir());
	CU_ASSERT_FATAL(mkfifo(job->fifo, 0600) == 0);
	if (columns != 0) {
		job->pid = forkpty(&job->fd, NULL, NULL, &size);
	} else {
		CU_ASSERT_FATAL(pipe2(fds, O_CLOEXEC) == 0);
		job->fd = fds[0];
		job->pid = fork();
	}
	if (job->pid == 0) {
		if (columns == 0) {
			dup2(fds[1], STDOUT_FILENO);
			dup2(fds[1], STDERR_FILENO);
		}
		become(job, term, no_color);
	}
	if (columns == 0) {
		close(fds[1]);
	}
	CU_ASSERT_FATAL(job->pid > 0);
}

/* What it has written; a pty says EIO at its end. */
static void
look(struct job *job)
{
	struct pollfd p = { .fd = job->fd, .events = POLLIN };
	char bytes[4096];
	ssize_t n = 0;

	while (!job->ended && poll(&p, 1, 0) > 0 &&
	       ((n = read(job->fd, bytes, sizeof(bytes))) != 0 || true)) {
		job->ended = n <= 0 && errno != EINTR;
		for (ssize_t i = 0; i < n; i++) {
			take(&job->screen, bytes[i]);
		}
	}
}

static const char *
row_with(const struct screen *s, const char *text)
{
	for (unsigned i = 0; i <= s->row; i++) {
		if (strstr(s->rows[i], text) != NULL) {
			return s->rows[i];
		}
	}
	return NULL;
}

struct wanted {
	struct job *job;
	const char *text;
	size_t most; /* bytes of that row */
};

static bool
has_row(void *ctx)
{
	const struct wanted *w = ctx;
	const char *row;

	look(w->job);
	row = row_with(&w->job->screen, w->text);
	return row != NULL && strlen(row) <= w->most;
}

static bool
has_ended(void *ctx)
{
	struct job *job = ctx;

	look(job);
	return job->ended;
}

static void
show(const struct screen *s)
{
	for (unsigned i = 0; i <= s->row; i++) {
		printf("# |%s\n", s->rows[i]);
	}
}

static void
expect(struct job *job, const char *text, size_t most)
{
	struct wanted wanted = { job, text, most };

	if (!rv_test_wait(
		has_row, &wanted, job->fd, WAIT_MS * rv_test_slow())) {
		printf("# no \"%s\" in %zu columns:\n", text, most);
		show(&job->screen);
		CU_FAIL("it was not shown");
	}
}

/* "wait" goes on; in the end there are so many rows (0: any number). */
static void
end(struct job *job, unsigned rows)
{
	int fd = open(job->fifo, O_WRONLY | O_CLOEXEC), status = -1;
	const struct screen *s = &job->screen;

	CU_ASSERT(fd != -1 && write(fd, "x\n", 2) == 2);
	close(fd);
	CU_ASSERT(
	    rv_test_wait(has_ended, job, job->fd, WAIT_MS * rv_test_slow()));
	CU_ASSERT_EQUAL(waitpid(job->pid, &status, 0), job->pid);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(job->fd);
	unlink(job->fifo);
	CU_ASSERT_PTR_NOT_NULL(row_with(s, "reeve: 4 done, 0 failed in "));
	if ((rows != 0 && s->row != rows) || s->rows[s->row][0] != '\0' ||
	    s->odd) {
		show(s);
		CU_FAIL("something else is left on the screen");
	}
	CU_ASSERT_PTR_NOT_NULL(row_with(s, "a is done"));
	CU_ASSERT_PTR_NOT_NULL(row_with(s, "b is done"));
	CU_ASSERT_PTR_NOT_NULL(row_with(s, "wait is done"));
	CU_ASSERT_PTR_NOT_NULL(row_with(s, "d is done"));
}

RV_TEST(a_bar_is_one_line_that_fits_and_leaves_nothing_behind)
{
	static const bool colours[] = { false, true };

	for (size_t i = 0; i < 2; i++) {
		struct winsize narrow = { .ws_row = ROWS, .ws_col = 44 };
		struct job job;
		const char *bar;

		begin(&job, 70, "xterm-256color", colours[i]);
		expect(&job, "] 2 of 4 done, ", 69);
		bar = row_with(&job.screen, "] 2 of 4 done, ");
		CU_ASSERT_EQUAL(bar[0], '[');
		CU_ASSERT_PTR_NOT_NULL(strstr(bar, "##"));
		CU_ASSERT_PTR_NOT_NULL(strstr(bar, ".."));
		CU_ASSERT_PTR_NOT_NULL(strstr(bar, "/s, "));
		CU_ASSERT_PTR_NOT_NULL(strstr(bar, " left"));
		CU_ASSERT_FALSE(job.screen.wrapped);
		/* What was drawn for the old width may be in the pty yet. */
		CU_ASSERT_EQUAL(ioctl(job.fd, TIOCSWINSZ, &narrow), 0);
		expect(&job, "2 of 4 done, ", 43);
		job.screen.columns = 44;
		job.screen.wrapped = false;
		end(&job, 5);
		CU_ASSERT_FALSE(job.screen.wrapped);
		CU_ASSERT_PTR_NULL(row_with(&job.screen, "left"));
	}
}

RV_TEST(where_nothing_can_be_drawn_again_lines_are_written)
{
	static const struct {
		unsigned columns;
		const char *term;
	} cases[] = { { 70, "dumb" }, { 70, "" }, { 0, "xterm" } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct job job;
		const char *row;

		begin(&job, cases[i].columns, cases[i].term, false);
		expect(&job, "reeve: 2 of 4 done, ", 69);
		row = row_with(&job.screen, "2 of 4 done");
		CU_ASSERT_PTR_NOT_NULL(strstr(row, "/s, "));
		CU_ASSERT_PTR_NOT_NULL(strstr(row, " left"));
		end(&job, 0);
		CU_ASSERT_FALSE(job.screen.controls);
	}
}

RV_SUITE(map_terminal,
    RV_CASE(a_bar_is_one_line_that_fits_and_leaves_nothing_behind),
    RV_CASE(where_nothing_can_be_drawn_again_lines_are_written))
