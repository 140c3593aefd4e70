/* SPDX-License-Identifier: MIT */
/*
 * What `reeve run` does: a host of the library like any other. Polls the
 * runtime's one descriptor and a signalfd, reaps what a dead launcher leaves to
 * it, and says what happens. Must never wait for a terminal, a pipe or a disk.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <reeve/attach.h>

#include "tools/reeve/cli.h"
#include "tools/reeve/run_out.h"

#define LAST_WORDS_MS 10000

struct run {
	struct cli *cli;
	struct reeve *reeve;
	struct reeve_pools *pools;
	struct reeve_config_info info;
	struct run_out out;
	int signals; /* signalfd */
	bool begun, finished, gave_up;
	unsigned errors; /* in the config */
};

/* -------- what the runtime tells -------- */

static void
on_notice(void *ctx, enum reeve_level level, const char *text)
{
	struct run *run = ctx;

	run_out_line(&run->out, level, text);
}

/* Of the beginning: to stderr, which may wait. Of a reload: a line. */
static void
on_finding(void *ctx, bool is_warning, const struct reeve_error *f)
{
	struct run *run = ctx;
	char text[1024];

	run->errors += !is_warning;
	if (!run->begun) {
		cli_print_finding(cli_errors(), run->out.color_stderr,
		    is_warning, f->where, f->line, f->column, f->text);
		return;
	}
	snprintf(text, sizeof(text), "%s:%d:%d: %s: %s", f->where, f->line,
	    f->column, is_warning ? "warning" : "error", f->text);
	run_out_line(
	    &run->out, is_warning ? REEVE_WARNING : REEVE_TROUBLE, text);
}

static void
on_settled(void *ctx)
{
	struct run *run = ctx;

	run_out_settled(&run->out);
}

static void
on_finished(void *ctx, bool gave_up)
{
	struct run *run = ctx;

	run->finished = true;
	run->gave_up = gave_up;
}

/* Nothing of this process can be trusted now; the launcher kills the lives. */
static void
on_bug(void *ctx, const char *file, int line, const char *what)
{
	struct run *run = ctx;

	run_out_flush(&run->out);
	cli_error("internal check failed: %s:%d: %s", file, line, what);
	abort();
}

static void
on_pool_notice(void *ctx, const char *text)
{
	struct run *run = ctx;

	run_out_line(&run->out, REEVE_TROUBLE, text);
}

/* -------- signals -------- */

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

	if (signo == SIGCHLD) {
		reap(run);
		return;
	}
	/* What is wrong with a config was said already. */
	if (reeve_signal(run->reeve, signo, &err) != REEVE_OK &&
	    err.status != REEVE_ECONFIG) {
		run_out_line(&run->out, REEVE_TROUBLE, err.text);
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

/*
 * All that a config may give a meaning to, now or by a reload, so that a stray
 * one does not end everything. Not taken: what our own mistakes raise, what the
 * terminal stops jobs by, and limits on what this process itself uses.
 */
static bool
take_signals(struct run *run)
{
	static const int left[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT,
		SIGTRAP, SIGSYS, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGPIPE,
		SIGXCPU, SIGXFSZ };
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		sigdelset(&set, left[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	run->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return run->signals != -1;
}

/* -------- the loop -------- */

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
	struct pollfd fds[3] = {
		{ .fd = run->signals, .events = POLLIN },
		{ .fd = reeve_fd(run->reeve), .events = POLLIN },
		{ .fd = reeve_pools_fd(run->pools), .events = POLLIN },
	};
	struct reeve_error err;
	enum reeve_status status;

	while (!run->finished) {
		if (poll(fds, 3, wait_ms(run)) < 0 && errno != EINTR) {
			cli_error("cannot poll: %s", strerror(errno));
			return CLI_FAILED;
		}
		if (fds[0].revents != 0) {
			read_signals(run);
		}
		run_out_hold(&run->out);
		status = reeve_dispatch(run->reeve, &err);
		if (status == REEVE_OK) {
			status = reeve_pools_dispatch(run->pools, &err);
		}
		run_out_flush(&run->out);
		if (status != REEVE_OK) {
			return cli_fail(&err);
		}
	}
	return run->gave_up ? CLI_FAILED : CLI_OK;
}

/*
 * The clerk writes the rest and ends; then the log is whole. One that was
 * killed meanwhile has a successor, which is waited for as well.
 */
static void
await_clerk(struct run *run)
{
	struct pollfd p = { .events = POLLIN };
	int got = 1;

	while (got == 1 && (p.fd = reeve_last_words(run->reeve)) != -1) {
		do {
			got = poll(&p, 1, LAST_WORDS_MS);
		} while (got == -1 && errno == EINTR);
		close(p.fd);
	}
	if (got == 0) {
		run_out_line(&run->out, REEVE_WARNING,
		    "the clerk has not finished writing the event log yet; it "
		    "goes on alone");
	}
}

/* -------- beginning -------- */

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
		.pools = true,
	};
	const struct reeve_pools_options pools = {
		.size = sizeof(pools),
		.notice = on_pool_notice,
		.ctx = run,
	};
	struct reeve_error err;
	enum reeve_status status = reeve_create(&run->reeve, &options, &err);

	if (status == REEVE_ECONFIG && run->errors > 0) {
		cli_error("%u error%s in %s; nothing was started", run->errors,
		    run->errors == 1 ? "" : "s", file);
		return CLI_USAGE;
	}
	if (status != REEVE_OK) {
		cli_error("%s", err.text);
		return status == REEVE_ECONFIG ? CLI_USAGE : CLI_NO_RUNTIME;
	}
	run->begun = true;
	status = reeve_pools_attach(&run->pools, run->reeve, &pools, &err);
	if (status != REEVE_OK) {
		cli_error("%s", err.text);
		return CLI_NO_RUNTIME;
	}
	return CLI_OK;
}

static void
say_hello(struct run *run, const char *file)
{
	char text[PATH_MAX + 512], whole[PATH_MAX];

	snprintf(text, sizeof(text),
	    "reeve %s runs \"%s\", %u worker%s; state in %s; to look: reeve "
	    "status -c %s",
	    reeve_version(), run->info.name, run->info.workers,
	    run->info.workers == 1 ? "" : "s", run->info.state_dir,
	    realpath(file, whole) != NULL ? whole : file);
	run_out_line(&run->out, REEVE_INFO, text);
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
		reeve_pools_detach(run->pools);
		await_clerk(run);
	}
	reeve_destroy(run->reeve);
	close(run->signals);
	return code;
}

/* False: this is the parent, which knows the exit code now. */
static bool
is_child(struct run *run, int *code)
{
	if (!run->cli->has[CLI_OPT_detach]) {
		return true;
	}
	return run_out_detach(
	    &run->out, run->info.state_dir, run->cli->has[CLI_OPT_json], code);
}

int
run_tree(struct cli *cli, const char *file)
{
	struct run run = { .cli = cli, .info.size = sizeof(run.info) };
	struct reeve_error err;
	int code = CLI_NO_RUNTIME;

	run_out_init(&run.out, cli);
	/* For the places; what is wrong with it is said by reeve_create. */
	if (reeve_config_check(file, NULL, NULL, &run.info, &err) != REEVE_OK) {
		run.info = (struct reeve_config_info){ 0 };
		code = run_all(&run, file);
	} else if (is_child(&run, &code)) {
		code = run_all(&run, file);
		run_out_ended(&run.out, code);
	}
	run_out_finish(&run.out);
	reeve_config_info_finish(&run.info);
	return code;
}
