/* SPDX-License-Identifier: MIT */
/*
 * The smallest host, poll [STATE_DIR]: a poll loop of its own that also
 * reads the terminal. One worker, a command. Type "units", or "restart"; the
 * end of the input ends it.
 */
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <reeve/reeve.h>

static bool ended;

static void
on_finished(void *ctx, bool gave_up)
{
	(void)ctx, (void)gave_up;
	ended = true;
}

static void
obey(struct reeve *reeve, const char *line)
{
	struct reeve_unit_info unit = { .size = sizeof(unit) };
	struct reeve_error error;

	if (strcmp(line, "units\n") == 0) {
		while (reeve_unit_next(reeve, &unit)) {
			printf(
			    "%s %s %d\n", unit.path, unit.state_name, unit.pid);
		}
	} else if (strcmp(line, "restart\n") == 0 &&
		   reeve_restart(reeve, "clock", &error) != REEVE_OK) {
		warnx("%s", error.text);
	}
	fflush(stdout);
}

/* What the host has to do besides: false at the end of the input. */
static bool
read_input(struct reeve *reeve)
{
	char line[80] = "";
	ssize_t n = read(STDIN_FILENO, line, sizeof(line) - 1);

	if (n > 0) {
		obey(reeve, line);
	} else {
		reeve_shutdown(reeve, "end of the input");
	}
	return n > 0;
}

int
main(int argc, char **argv)
{
	const struct reeve_callbacks callbacks = { .finished = on_finished };
	const struct reeve_options options = { .size = sizeof(options),
		.callbacks = &callbacks,
		.name = "poll",
		.state_dir = argc > 1 ? argv[1] : NULL,
		.libexec_dir = getenv("REEVE_LIBEXEC") }; /* else installed */
	const struct reeve_worker_options clock = { .size = sizeof(clock),
		.command = "sh -c 'while date; do sleep 1; done'",
		.options = "{\"stdout_logfile\": \"inherit\"}" };
	struct reeve_error error;
	struct reeve *reeve;
	bool reading = true;

	if (reeve_create(&reeve, &options, &error) != REEVE_OK ||
	    reeve_add_worker(reeve, "clock", &clock, &error) != REEVE_OK ||
	    reeve_commit(reeve, &error) != REEVE_OK) {
		errx(1, "%s", error.text);
	}
	while (!ended) {
		struct pollfd fds[] = {
			{ .fd = reeve_fd(reeve), .events = POLLIN },
			{ .fd = reading ? STDIN_FILENO : -1, .events = POLLIN },
		};

		poll(fds, 2, reeve_timeout_ms(reeve));
		if (fds[1].revents != 0) {
			reading = read_input(reeve);
		}
		if (reeve_dispatch(reeve, &error) != REEVE_OK) {
			errx(1, "%s", error.text);
		}
	}
	reeve_destroy(reeve);
	return 0;
}
