/* SPDX-License-Identifier: MIT */
/*
 * Lines of `reeve run` that never wait. A terminal or pipe is opened once more
 * for ourselves, non-blocking (the flag would else be shared with whoever else
 * has it). In the background lines go into a pipe, and a small process copies
 * them into reeve.log: a disk that hangs then hangs nobody who decides.
 */
#include "config.h"

#include "tools/reeve/run_out.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* -------- lines -------- */

void
run_out_init(struct run_out *out, struct cli *cli)
{
	const char *no_color = getenv("NO_COLOR");
	struct stat st;

	*out = (struct run_out){
		.cli = cli, .terminal = STDOUT_FILENO, .parent = -1, .log = -1
	};
	out->color_stderr = isatty(STDERR_FILENO) != 0 &&
			    !cli->has[CLI_OPT_no_color] &&
			    (no_color == NULL || no_color[0] == '\0');
	fflush(stdout);
	out->fd = open("/proc/self/fd/1",
	    O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	/* A socket cannot be opened; one line at a time is asked for then. */
	out->by_stdout = out->fd == -1 && fstat(STDOUT_FILENO, &st) == 0;
	out->is_file =
	    out->fd != -1 && fstat(out->fd, &st) == 0 && S_ISREG(st.st_mode);
}

static void
forget_terminal(struct run_out *out)
{
	if (out->errors != NULL) {
		cli_errors_to(NULL);
		fclose(out->errors);
		out->errors = NULL;
	}
	if (out->terminal > STDERR_FILENO) {
		close(out->terminal);
	}
	out->terminal = STDOUT_FILENO;
}

void
run_out_finish(struct run_out *out)
{
	if (out->fd != -1) {
		close(out->fd);
	}
	if (out->log != -1) {
		close(out->log);
	}
	out->fd = out->log = -1;
	forget_terminal(out);
}

/* At most PIPE_BUF bytes, so that a pipe takes all of them or none. */
static bool
put(struct run_out *out, const char *line, size_t len)
{
	struct pollfd p = { .fd = out->terminal, .events = POLLOUT };

	if (out->fd != -1) {
		bool written = write(out->fd, line, len) == (ssize_t)len;

		/* Whoever shares our stdout goes on behind what we wrote. */
		if (out->is_file) {
			lseek(out->terminal, 0, SEEK_END);
		}
		return written;
	}
	return out->by_stdout && poll(&p, 1, 0) == 1 &&
	       (p.revents & POLLOUT) != 0 &&
	       write(out->terminal, line, len) == (ssize_t)len;
}

static void
put_line(struct run_out *out, enum reeve_level level, int64_t at_us,
    const char *text)
{
	static const enum cli_color colors[] = { CLI_PLAIN, CLI_YELLOW,
		CLI_RED };
	char line[2048], at[40], lost[64] = "";
	int n;

	if (out->lost > 0) {
		snprintf(
		    lost, sizeof(lost), "(%lu lines were dropped) ", out->lost);
	}
	cli_time(at_us, at, sizeof(at));
	n = snprintf(line, sizeof(line), "%s%s%s %s%s%s%s\n",
	    cli_on(out->cli, CLI_DIM), at, cli_off(out->cli), lost,
	    cli_on(out->cli, colors[level]), text,
	    level != REEVE_INFO ? cli_off(out->cli) : "");
	if (n >= (int)sizeof(line)) {
		n = sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	if (put(out, line, (size_t)n)) {
		out->lost = 0;
	} else {
		out->lost++;
	}
}

/* How a line is kept; its text and a NUL follow. */
struct kept {
	int64_t at_us;
	enum reeve_level level;
};

static bool
keep(struct run_out *out, const struct kept *head, const char *text)
{
	size_t len = strlen(text) + 1;

	if (sizeof(*head) + len > sizeof(out->keep) - out->kept) {
		return false;
	}
	memcpy(out->keep + out->kept, head, sizeof(*head));
	memcpy(out->keep + out->kept + sizeof(*head), text, len);
	out->kept += sizeof(*head) + len;
	return true;
}

void
run_out_hold(struct run_out *out)
{
	out->later = true;
}

void
run_out_flush(struct run_out *out)
{
	size_t at = 0;

	while (at < out->kept) {
		const char *text = out->keep + at + sizeof(struct kept);
		struct kept head;

		memcpy(&head, out->keep + at, sizeof(head));
		put_line(out, head.level, head.at_us, text);
		at += sizeof(head) + strlen(text) + 1;
	}
	out->kept = 0;
	out->later = false;
}

void
run_out_line(struct run_out *out, enum reeve_level level, const char *text)
{
	struct kept head = { .level = level };
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	head.at_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	if (!out->later) {
		put_line(out, level, head.at_us, text);
	} else if (!keep(out, &head, text)) {
		run_out_flush(out);
		put_line(out, level, head.at_us, text);
		out->later = true;
	}
}

/* -------- the background -------- */

static void
put_all(int to, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(to, data, len);

		if (n <= 0) {
			return; /* a full disk: these are lost */
		}
		data += n;
		len -= (size_t)n;
	}
}

/*
 * The process of the log: lives until nobody writes any more. The file is
 * opened for the first line: by then the runtime has made its folder.
 */
static void
keep_log(const char *path, int from)
{
	char block[8192];
	sigset_t all;
	ssize_t n;
	int to = -1;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	prctl(PR_SET_NAME, "reeve-log");
	for (int fd = 0; fd < 64; fd++) {
		if (fd != from) {
			close(fd);
		}
	}
	while ((n = read(from, block, sizeof(block))) > 0) {
		if (to == -1) {
			to = open(path,
			    O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW |
				O_CLOEXEC,
			    0600);
		}
		put_all(to, block, (size_t)n);
	}
	_exit(0);
}

static bool
start_log(struct run_out *out, const char *state_dir)
{
	char path[PATH_MAX];
	int fds[2];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/reeve.log", state_dir);
	if (pipe2(fds, O_CLOEXEC) != 0) {
		return false;
	}
	pid = fork();
	if (pid == 0) {
		keep_log(path, fds[0]);
	}
	close(fds[0]);
	if (pid == -1) {
		close(fds[1]);
		return false;
	}
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	out->log = fds[1];
	return true;
}

/*
 * Whoever waits for the end of what we were given to write to, as a shell that
 * reads a pipe does, shall not wait for the launcher, the clerk and workers:
 * these get the log from the beginning. We keep the terminal, for ourselves
 * alone, until all has settled.
 */
static void
stand_on_log(struct run_out *out)
{
	int null =
	    out->log == -1 ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
	int to = out->log != -1 ? out->log : null;
	int fds[] = { fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1),
		fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) };

	out->terminal = fds[0];
	if (fds[1] != -1 && (out->errors = fdopen(fds[1], "w")) != NULL) {
		setvbuf(out->errors, NULL, _IONBF, 0);
		cli_errors_to(out->errors);
	}
	dup2(to, STDOUT_FILENO);
	dup2(to, STDERR_FILENO);
	if (null > STDERR_FILENO) {
		close(null);
	}
}

static int
await_child(int from)
{
	char code = CLI_NO_RUNTIME;

	while (read(from, &code, 1) == -1 && errno == EINTR) {
	}
	return code;
}

bool
run_out_detach(struct run_out *out, const char *state_dir, bool json, int *code)
{
	int fds[2];
	pid_t pid;

	*code = CLI_NO_RUNTIME;
	if (pipe2(fds, O_CLOEXEC) != 0 || (pid = fork()) == -1) {
		cli_error("cannot go to the background: %s", strerror(errno));
		return false;
	}
	if (pid == 0) {
		close(fds[0]);
		out->parent = fds[1];
		setsid();
		if (!start_log(out, state_dir)) {
			cli_error("cannot start a log: %s", strerror(errno));
		}
		stand_on_log(out);
		return true;
	}
	close(fds[1]);
	*code = await_child(fds[0]);
	close(fds[0]);
	if (*code == CLI_OK) {
		printf(json ? "{\"pid\":%d}\n"
			    : "running in the background, pid %d\n",
		    (int)pid);
	}
	return false;
}

static void
tell_parent(struct run_out *out, int code)
{
	char byte = (char)code;

	/* One that did not wait has nobody to be told. */
	while (write(out->parent, &byte, 1) == -1 && errno == EINTR) {
	}
	close(out->parent);
	out->parent = -1;
}

/* From here on the log is our terminal. */
static void
leave_terminal(struct run_out *out)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, STDIN_FILENO);
	forget_terminal(out);
	if (out->fd != -1) {
		close(out->fd);
	}
	out->fd = out->log;
	out->log = -1;
	out->by_stdout = out->is_file = false;
	out->cli->color = false;
	out->color_stderr = false;
	if (null > STDERR_FILENO) {
		close(null);
	}
}

void
run_out_settled(struct run_out *out)
{
	if (out->parent != -1) {
		tell_parent(out, CLI_OK);
		leave_terminal(out);
	}
}

void
run_out_ended(struct run_out *out, int code)
{
	if (out->parent != -1) {
		tell_parent(out, code);
	}
}
