/* SPDX-License-Identifier: MIT */
/*
 * Output that is hard to keep, under a whole tree: ten megabytes of anything
 * but newlines, over many rotations, and logs whose folder somebody removes
 * while their writers go on.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/harness.h"
#include "lib/live.h"

#define SIZE 10000000

static void
stop_in_order(struct live *live)
{
	int status = live_stop(live);

	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CU_ASSERT_EQUAL(live_number(live, "SELECT count(*) FROM events WHERE "
					  "kind LIKE 'clerk.%'"),
	    0);
	live_close(live);
}

/* The next bytes of the original are those of this file: how many. */
static long
compare(FILE *original, const char *path)
{
	static char a[65536], b[65536];
	FILE *log = fopen(path, "r");
	long total = 0;
	size_t n;

	CU_ASSERT_PTR_NOT_NULL(log);
	while (log != NULL && (n = fread(a, 1, sizeof(a), log)) > 0) {
		CU_ASSERT_EQUAL_FATAL(fread(b, 1, n, original), n);
		CU_ASSERT_EQUAL_FATAL(memcmp(a, b, n), 0);
		total += (long)n;
	}
	if (log != NULL) {
		fclose(log);
	}
	return total;
}

RV_TEST(bytes_without_a_newline_are_kept_to_the_last_over_rotations)
{
	struct live live;
	char path[256];
	FILE *original;
	long total = 0;

	live_open(&live);
	live_config(&live,
	    "\"children\": { \"odd\": { \"command\": [\"sh\", \"-c\", \"tr -d "
	    "'\\\\n' </dev/urandom | head -c 10000000 | tee copy\"], "
	    "\"directory\": \"%(here)s\", \"startsecs\": 0, "
	    "\"autorestart\": false, \"stdout_logfile_maxbytes\": \"1MB\", "
	    "\"stdout_logfile_backups\": 12 } }");
	CU_ASSERT_FATAL(live_run(&live));
	CU_ASSERT(live_saw(&live, "worker.exited", "odd"));
	stop_in_order(&live);
	snprintf(path, sizeof(path), "%s/copy", live.dir);
	original = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(original);
	for (int i = SIZE / 1000000 - 1; i > 0; i--) {
		snprintf(path, sizeof(path), "%s/logs/odd.stdout.log.%d",
		    live.state, i);
		total += compare(original, path);
	}
	snprintf(path, sizeof(path), "%s/logs/odd.stdout.log", live.state);
	total += compare(original, path);
	CU_ASSERT_EQUAL(total, SIZE);
	fclose(original);
}

struct kept {
	char log[256];
	const char *text; /* all that is to be in it */
};

static bool
is_kept(void *ctx)
{
	const struct kept *kept = ctx;
	FILE *file = fopen(kept->log, "r");
	char text[256];
	size_t n;

	if (file == NULL) {
		return false;
	}
	n = fread(text, 1, sizeof(text), file);
	fclose(file);
	return n == strlen(kept->text) && memcmp(text, kept->text, n) == 0;
}

/* Say this through the worker: then this is what its log holds. */
static void
say(int fifo, const char *line, struct kept *kept, const char *text)
{
	kept->text = text;
	CU_ASSERT_EQUAL(write(fifo, line, strlen(line)), (ssize_t)strlen(line));
	CU_ASSERT(rv_test_wait(is_kept, kept, -1, 10000));
}

static void
remove_logs(const struct live *live, const struct kept *kept)
{
	char path[256];

	CU_ASSERT_EQUAL(unlink(kept->log), 0);
	snprintf(path, sizeof(path), "%s/logs/parrot.stderr.log", live->state);
	unlink(path);
	snprintf(path, sizeof(path), "%s/logs", live->state);
	CU_ASSERT_EQUAL(rmdir(path), 0);
}

RV_TEST(a_folder_of_logs_that_is_removed_costs_no_later_word)
{
	struct live live;
	struct kept kept;
	char path[256];
	int fifo;

	live_open(&live);
	snprintf(path, sizeof(path), "%s/fifo", live.dir);
	CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
	fifo = open(path, O_RDWR | O_CLOEXEC);
	live_config(&live, "\"children\": { \"parrot\": { \"command\": \"cat "
			   "%(here)s/fifo\", \"startsecs\": 0 } }");
	snprintf(kept.log, sizeof(kept.log), "%s/logs/parrot.stdout.log",
	    live.state);
	CU_ASSERT_FATAL(live_run(&live));
	CU_ASSERT(live_saw(&live, "worker.ready", "parrot"));
	say(fifo, "one\n", &kept, "one\n");
	say(fifo, "two\n", &kept, "one\ntwo\n");
	remove_logs(&live, &kept);
	say(fifo, "three\n", &kept, "three\n");
	remove_logs(&live, &kept);
	CU_ASSERT_EQUAL(live_reeve(&live, NULL, "restart parrot"), 0);
	say(fifo, "four\n", &kept, "four\n");
	close(fifo);
	stop_in_order(&live);
}

RV_SUITE(odd_output,
    RV_CASE(bytes_without_a_newline_are_kept_to_the_last_over_rotations),
    RV_CASE(a_folder_of_logs_that_is_removed_costs_no_later_word))
