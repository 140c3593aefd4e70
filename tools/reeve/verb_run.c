/* SPDX-License-Identifier: MIT */
/*
 * reeve run: a host of the library like any other. Polls the runtime's one
 * descriptor and a signalfd, reaps what a dead launcher leaves to it, prints
 * notices without ever waiting for the terminal.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/reeve/cli.h"

#define LAST_WORDS_MS 15000

struct run {
	struct cli *cli;
	struct reeve *reeve;
	struct reeve_config_info info;
	int signals; /* signalfd */
	int parent;  /* of run -d: who waits for our first word; -1 */
	bool finished, gave_up, broken;
	unsigned long dropped; /* lines that the terminal did not take */
	unsigned findings;
};

/* -------- lines -------- */

static bool
takes_a_line(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0;
}

/* At most PIPE_BUF bytes: what POLLOUT promises to take without a wait. */
static void
print_line(struct run *run, enum reeve_level level, const char *text)
{
	static const enum cli_color colors[] = { CLI_PLAIN, CLI_YELLOW,
		CLI_RED };
	char line[1536], at[40], lost[64] = "";
	struct timespec now;
	int n;

	if (!takes_a_line(STDOUT_FILENO)) {
		run->dropped++;
		return;
	}
	if (run->dropped > 0) {
		snprintf(lost, sizeof(lost), "(%lu lines were dropped) ",
		    run->dropped);
		run->dropped = 0;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	cli_time(
	    (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, at, sizeof(at));
	n = snprintf(line, sizeof(line), "%s%s%s %s%s%s%s\n",
	    cli_on(run->cli, CLI_DIM), at, cli_off(run->cli), lost,
	    cli_on(run->cli, colors[level]), text,
	    level != REEVE_INFO ? cli_off(run->cli) : "");
	if (n >= (int)sizeof(line)) {
		n = sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	if (write(STDOUT_FILENO, line, (size_t)n) < 0) {
		run->dropped++;
	}
}

static void
on_notice(void *ctx, enum reeve_level level, const char *text)
{
	print_line(ctx, level, text);
}

static void
on_finding(void *ctx, bool is_warning, const struct reeve_error *f)
{
	struct run *run = ctx;

	run->findings += !is_warning;
	if (f->line > 0) {
		fprintf(stderr, "%s:%d:%d: %s: %s\n", f->where, f->line,
		    f->column, is_warning ? "warning" : "error", f->text);
	} else {
		fprintf(stderr, "%s: %s\n", is_warning ? "warning" : "error",
		    f->text);
	}
}

/* -------- the background -------- */

static void
tell_parent(struct run *run, int code)
{
	char byte = (char)code;

	if (run->parent != -1) {
		if (write(run->parent, &byte, 1) != 1) {
			run->parent = -1; /* it did not wait */
		}
		close(run->parent);
		run->parent = -1;
	}
}

/* From here on the log file is our terminal. */
static void
leave_terminal(struct run *run)
{
	char path[PATH_MAX];
	int log, null;

	snprintf(path, sizeof(path), "%s/reeve.log", run->info.state_dir);
	log = open(
	    path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(null, STDIN_FILENO);
	dup2(log != -1 ? log : null, STDOUT_FILENO);
	dup2(log != -1 ? log : null, STDERR_FILENO);
	close(null);
	if (log != -1) {
		close(log);
	}
	run->cli->color = false;
}

static void
on_settled(void *ctx)
{
	struct run *run = ctx;

	malloc_trim(0); /* what reading the config took */
	if (run->parent != -1) {
		tell_parent(run, CLI_OK);
		leave_terminal(run);
	}
}

/* Fork; in the child 0, in the parent the exit code + 1. */
static int
detach(struct run *run)
{
	int fds[2];
	char code = CLI_NO_RUNTIME;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0 || (pid = fork()) == -1) {
		cli_error("cannot go to the background: %s", strerror(errno));
		return CLI_NO_RUNTIME + 1;
	}
	if (pid == 0) {
		close(fds[0]);
		run->parent = fds[1];
		setsid();
		return 0;
	}
	close(fds[1]);
	while (read(fds[0], &code, 1) == -1 && errno == EINTR) {
	}
	close(fds[0]);
	if (code == CLI_OK) {
		printf("running in the background, pid %d\n", (int)pid);
	}
	return code + 1;
}

/* -------- what happens -------- */

static void
on_finished(void *ctx, bool gave_up)
{
	struct run *run = ctx;

	run->finished = true;
	run->gave_up = gave_up;
}

static void
on_bug(void *ctx, const char *file, int line, const char *what)
{
	struct run *run = ctx;

	run->broken = true;
	cli_error("internal check failed: %s:%d: %s", file, line, what);
}

/* All of them: this process is ours alone. The library learns of each. */
static void
reap(struct run *run)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		reeve_child_exited(run->reeve, pid, status);
	}
}

static void
on_signal(struct run *run, int signo)
{
	struct reeve_error err;

	switch (signo) {
	case SIGCHLD:
		reap(run);
		return;
	case SIGHUP:
		reeve_note_signal(run->reeve, signo);
		if (reeve_reload(run->reeve, &err) != REEVE_OK) {
			cli_error("%s", err.text);
		}
		return;
	default:
		reeve_note_signal(run->reeve, signo);
		reeve_shutdown(
		    run->reeve, signo == SIGINT ? "signal INT" : "signal TERM");
	}
}

static void
read_signals(struct run *run)
{
	struct signalfd_siginfo info;

	while (
	    read(run->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		on_signal(run, (int)info.ssi_signo);
	}
}

static int
wait_ms(struct run *run)
{
	int64_t at = reeve_deadline(run->reeve);
	struct timespec now;
	int64_t left;

	if (at == INT64_MAX) {
		return -1;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	left = at - ((int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
	if (left <= 0) {
		return 0;
	}
	return left > (int64_t)INT_MAX * 1000000 ? INT_MAX
						 : (int)(left / 1000000) + 1;
}

static int
loop(struct run *run)
{
	struct pollfd fds[2] = {
		{ .fd = run->signals, .events = POLLIN },
		{ .fd = reeve_fd(run->reeve), .events = POLLIN },
	};
	struct reeve_error err;

	while (!run->finished && !run->broken) {
		if (poll(fds, 2, wait_ms(run)) < 0 && errno != EINTR) {
			cli_error("cannot poll: %s", strerror(errno));
			return CLI_FAILED;
		}
		read_signals(run);
		if (reeve_dispatch(run->reeve, &err) != REEVE_OK) {
			return cli_fail(&err);
		}
	}
	return run->broken || run->gave_up ? CLI_FAILED : CLI_OK;
}

/* The clerk writes the rest and ends; then the log is whole. */
static void
await_clerk(struct run *run)
{
	struct pollfd p = { .events = POLLIN };
	bool late = false;

	while (!late && (p.fd = reeve_last_words(run->reeve)) != -1) {
		late = poll(&p, 1, LAST_WORDS_MS) == 0;
		close(p.fd);
		reap(run);
	}
	if (late) {
		cli_error("the clerk has not finished writing the event log "
			  "yet; it goes on alone");
	}
}

/* -------- beginning -------- */

static bool
take_signals(struct run *run)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	run->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return run->signals != -1;
}

static int
begin(struct run *run, const char *file)
{
	static const struct reeve_callbacks callbacks = {
		.notice = on_notice,
		.settled = on_settled,
		.finished = on_finished,
		.bug = on_bug,
	};
	struct reeve_options options = {
		.size = sizeof(options),
		.config_file = file,
		.libexec_dir = getenv("REEVE_LIBEXEC"),
		.callbacks = &callbacks,
		.ctx = run,
		.finding = on_finding,
	};
	struct reeve_error err;
	enum reeve_status status = reeve_create(&run->reeve, &options, &err);

	if (status == REEVE_ECONFIG) {
		cli_error("%u error%s in %s; nothing was started",
		    run->findings, run->findings == 1 ? "" : "s", file);
		return CLI_USAGE;
	}
	if (status != REEVE_OK) {
		cli_error("%s", err.text);
		return CLI_NO_RUNTIME;
	}
	return CLI_OK;
}

static void
say_hello(struct run *run, const char *file)
{
	char text[1024];

	snprintf(text, sizeof(text),
	    "reeve %s runs \"%s\": %u workers; state in %s; look with: reeve "
	    "-c %s status",
	    reeve_version(), run->info.name, run->info.workers,
	    run->info.state_dir, file);
	print_line(run, REEVE_INFO, text);
}

static int
run_all(struct run *run, const char *file)
{
	int code;

	if (!take_signals(run)) {
		cli_error("cannot take signals: %s", strerror(errno));
		return CLI_NO_RUNTIME;
	}
	code = begin(run, file);
	if (code == CLI_OK) {
		say_hello(run, file);
		code = loop(run);
		await_clerk(run);
	}
	reeve_destroy(run->reeve);
	close(run->signals);
	return code;
}

int
cli_verb_run(struct cli *cli)
{
	struct run run = { .cli = cli, .parent = -1 };
	const char *file = cli_config(cli);
	struct reeve_error err;
	int code;

	if (file == NULL) {
		return CLI_USAGE;
	}
	/* Once with findings, in reeve_create; this is for the places. */
	run.info.size = sizeof(run.info);
	if (reeve_config_check(file, NULL, NULL, &run.info, &err) != REEVE_OK) {
		run.info = (struct reeve_config_info){ 0 };
	} else if (cli->has[CLI_OPT_detach] && (code = detach(&run)) != 0) {
		reeve_config_info_finish(&run.info);
		return code - 1;
	}
	code = run_all(&run, file);
	tell_parent(&run, code);
	reeve_config_info_finish(&run.info);
	return code;
}
