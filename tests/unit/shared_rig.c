/* SPDX-License-Identifier: MIT */
/* The functions of shared_rig.h: a manager that has pools, tasks at a gate. */
#include "config.h"

#include "unit/shared_rig.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <reeve/task.h>

static const struct reeve_manager_type *const types[] = {
	&reeve_sharedpool_type
};
static const struct reeve_manager_setup setup = {
	.size = sizeof(setup), .types = types, .n_types = 1
};
REEVE_MANAGER("test.manager", setup);

/* -------- functions of tasks -------- */

/* One byte through a FIFO of this name. */
static bool
pass(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	char byte = 'x';
	bool passed = false;

	if (fd != -1) {
		passed = flags == O_WRONLY ? write(fd, &byte, 1) == 1
					   : read(fd, &byte, 1) == 1;
		(void)close(fd);
	}
	return passed;
}

static int
gate(const struct reeve_call *call)
{
	char runs[300];

	(void)snprintf(
	    runs, sizeof(runs), "%.200s.runs", (const char *)call->args);
	if (!pass(runs, O_WRONLY) || !pass(call->args, O_RDONLY)) {
		return reeve_fail(call, "test.Gate", "no gate at %s", runs);
	}
	return reeve_return(call, "through", 7);
}
REEVE_FUNCTION("test.gate", gate);

static int
json(const struct reeve_call *call)
{
	return call->args_are_json
		   ? reeve_return_json(call, call->args)
		   : reeve_fail(call, "test.Json", "it is none");
}
REEVE_FUNCTION("test.json", json);

/* -------- gates -------- */

void
gate_open(struct gate *g)
{
	(void)snprintf(g->path, sizeof(g->path), "%s/gate", rv_test_dir());
	(void)snprintf(g->runs, sizeof(g->runs), "%s.runs", g->path);
	CU_ASSERT_EQUAL_FATAL(mkfifo(g->path, 0600), 0);
	CU_ASSERT_EQUAL_FATAL(mkfifo(g->runs, 0600), 0);
	g->fd = open(g->path, O_RDWR | O_CLOEXEC);
	g->runs_fd = open(g->runs, O_RDWR | O_CLOEXEC);
	CU_ASSERT_TRUE_FATAL(g->fd != -1 && g->runs_fd != -1);
}

void
gate_reached(struct gate *g)
{
	struct pollfd runs = { .fd = g->runs_fd, .events = POLLIN };
	char byte;

	CU_ASSERT_EQUAL_FATAL(poll(&runs, 1, 60000), 1);
	CU_ASSERT_EQUAL(read(g->runs_fd, &byte, 1), 1);
}

void
gate_lets_in(struct gate *g)
{
	CU_ASSERT_EQUAL(write(g->fd, "g", 1), 1);
}

void
gate_close(struct gate *g)
{
	(void)close(g->fd);
	(void)close(g->runs_fd);
	(void)unlink(g->path);
	(void)unlink(g->runs);
}

/* -------- pools -------- */

struct reeve_proxy *
shared_pool(struct reeve_manager *m, const char *options)
{
	struct reeve_datum arg = reeve_json(options);
	struct reeve_error err = { 0 };
	struct reeve_proxy *pool = NULL;

	if (reeve_proxy_create(&pool, m, "pool", &arg, 1, RIG_LONG, &err) !=
	    REEVE_OK) {
		printf("# %s\n", err.text);
		CU_FAIL_FATAL("no pool");
	}
	return pool;
}

int64_t
shared_submit(struct reeve_proxy *pool, const char *function, const char *text)
{
	int64_t task = 0;

	CREW_EXPECT(reeve_sharedpool_submit(pool, function, reeve_text(text),
			NULL, &task, RIG_LONG, NULL) == REEVE_OK);
	return task;
}

void
shared_report(
    struct reeve_proxy *pool, int64_t task, struct reeve_result *report)
{
	CREW_EXPECT(reeve_sharedpool_result(
			pool, task, report, RIG_LONG, NULL) == REEVE_OK);
	CREW_EXPECT(report->n == REEVE_REPORT_VALUES);
}

long
shared_stat(struct reeve_proxy *pool, const char *name)
{
	char key[40];
	const char *stats = managed_call(pool, "stats", ""), *at;

	(void)snprintf(key, sizeof(key), "\"%s\":", name);
	at = strstr(stats, key);
	CREW_EXPECT(at != NULL);
	return strtol(at + strlen(key), NULL, 10);
}
