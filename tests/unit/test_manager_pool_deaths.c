/* SPDX-License-Identifier: MIT */
/*
 * Pools in managers, and who dies: a client with tasks, the manager, whoever
 * had the last reference to the pool; and what is there afterwards.
 */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/leavings.h"
#include "unit/shared_rig.h"

struct place {
	char address[REEVE_MANAGER_ADDRESS_MAX], gate[200];
	uint32_t began, go;
};

/* Its process is there. */
static pid_t
worker_of(struct reeve_proxy *pool)
{
	struct reeve_result report = { 0 };
	pid_t pid;

	shared_report(pool, shared_submit(pool, "test.nothing", ""), &report);
	pid = (pid_t)report.values[REEVE_REPORT_PID].is.integer;
	reeve_result_free(&report);
	return pid;
}

/* -------- clients -------- */

static int
leave_tasks(void *ctx)
{
	struct place *place = ctx;
	struct reeve_manager *m = managed_connect(place->address);
	struct reeve_proxy *pool = managed_open(m, "pool");

	for (unsigned i = 0; i < 50; i++) {
		(void)shared_submit(pool, "test.gate", place->gate);
	}
	crew_add(&place->began);
	(void)crew_reached(&place->go, 1);
	return 0;
}

CREW_SCENARIO(scenario_127_what_a_killed_client_had_handed_over_is_cancelled)
{
	struct place *place = crew_share(sizeof(*place));
	struct managed managed;
	struct reeve_proxy *pool;
	struct gate g;
	int64_t ours;
	pid_t pid;

	gate_open(&g);
	managed_start(&managed, method, NULL);
	memcpy(place->address, managed.address, sizeof(place->address));
	memcpy(place->gate, g.path, sizeof(place->gate));
	pool = shared_pool(managed.m, "{\"max\": 2}");
	CU_ASSERT_EQUAL(
	    reeve_proxy_publish(pool, "pool", RIG_LONG, NULL), REEVE_OK);
	pid = crew_start(leave_tasks, place);
	CU_ASSERT_TRUE(crew_reached(&place->began, 1));
	gate_reached(&g);
	gate_reached(&g); /* both workers stand there */
	ours = shared_submit(pool, "test.echo", "ours");
	SAYS(managed_call(pool, "get", "i", ours - 1), "!no-task");
	crew_kill(pid);
	SAYS(managed_wait(pool, RIG_LONG, "get", "i", ours), "ours");
	while (shared_stat(pool, "cancelled") < 50) {
	}
	CU_ASSERT_EQUAL(shared_stat(pool, "running"), 0);
	CU_ASSERT_EQUAL(shared_stat(pool, "cancelled"), 50);
	CU_ASSERT_EQUAL(shared_stat(pool, "good"), 1);
	reeve_proxy_free(pool);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
	gate_close(&g);
}

static int
wait_for_tasks(void *ctx)
{
	struct place *place = ctx;
	struct reeve_manager *m = managed_connect(place->address);
	struct reeve_proxy *pool = managed_open(m, "pool");

	crew_add(&place->began);
	(void)managed_wait(
	    pool, RIG_LONG, "map", "snss", "test.gate", place->gate, "?");
	return 0;
}

CREW_SCENARIO(scenario_127_a_map_ends_with_who_waits_for_it)
{
	struct place *place = crew_share(sizeof(*place));
	struct managed managed;
	struct reeve_proxy *pool;
	struct gate g;
	pid_t pid;

	gate_open(&g);
	managed_start(&managed, method, NULL);
	memcpy(place->address, managed.address, sizeof(place->address));
	memcpy(place->gate, g.path, sizeof(place->gate));
	pool = shared_pool(managed.m, "{\"max\": 1}");
	CU_ASSERT_EQUAL(
	    reeve_proxy_publish(pool, "pool", RIG_LONG, NULL), REEVE_OK);
	pid = crew_start(wait_for_tasks, place);
	gate_reached(&g);
	crew_kill(pid);
	SAYS(managed_wait(pool, RIG_LONG, "apply", "ss", "test.echo", "on"),
	    "on");
	while (shared_stat(pool, "running") > 0) {
	}
	reeve_proxy_free(pool);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
	gate_close(&g);
}

/* -------- the manager -------- */

static ssize_t
read_of(const char *pid, const char *name, char text[static 600])
{
	char path[300];
	ssize_t n = -1;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%.100s/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd != -1) {
		n = read(fd, text, 599);
		(void)close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	return n;
}

/*
 * The directory of the log of a pool of this manager, which one that is killed
 * leaves behind: the first argument of the clerk, its child.
 */
static void
find_log(pid_t manager, char path[static 256])
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	path[0] = '\0';
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char text[600];
		const char *at;
		int parent = 0;
		ssize_t n;

		(void)read_of(entry->d_name, "stat", text);
		at = strrchr(text, ')');
		if (at == NULL || sscanf(at, ") %*c %d", &parent) != 1 ||
		    parent != manager) {
			continue;
		}
		n = read_of(entry->d_name, "cmdline", text);
		at = text + strlen(text) + 1;
		if (at < text + n && strstr(at, "/reeve-pool-") != NULL) {
			(void)snprintf(path, 256, "%.250s", at);
		}
	}
	(void)closedir(dir);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

CREW_SCENARIO(scenario_128_a_killed_manager_takes_its_workers_along)
{
	struct reeve_pending *pending = NULL;
	struct reeve_datum args[2];
	struct managed managed;
	struct reeve_proxy *pool;
	struct gate g;
	char log[256];
	pid_t worker;

	gate_open(&g);
	managed_start(&managed, method, NULL);
	pool = shared_pool(managed.m, "{\"max\": 1}");
	worker = worker_of(pool);
	args[0] = reeve_text("test.gate");
	args[1] = reeve_text(g.path);
	CU_ASSERT_EQUAL(reeve_proxy_submit(
			    &pending, pool, "apply", args, 2, RIG_LONG, NULL),
	    REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_manager_flush(managed.m, RIG_LONG, NULL), REEVE_OK);
	gate_reached(&g);
	find_log((pid_t)reeve_manager_server_pid(managed.m), log);
	CU_ASSERT_NOT_EQUAL(log[0], '\0');
	managed_kill(&managed);
	CU_ASSERT_EQUAL(
	    reeve_pending_wait(pending, NULL, RIG_LONG, NULL), REEVE_EBROKEN);
	CU_ASSERT_TRUE(process_await_gone(worker, 60000));
	reeve_pending_free(pending);
	reeve_proxy_free(pool);
	(void)managed_stop(&managed);
	gate_close(&g);
	rv_leavings_remove(log);
	(void)nftw(log, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* -------- the last reference -------- */

SCENARIO(a_pool_that_nobody_holds_ends_with_its_workers, BY_ALL)
{
	struct managed managed;
	struct reeve_proxy *pool;
	struct gate g;
	pid_t worker;

	gate_open(&g);
	managed_start(&managed, method, NULL);
	pool = shared_pool(managed.m, "{\"max\": 1}");
	worker = worker_of(pool);
	(void)shared_submit(pool, "test.gate", g.path);
	gate_reached(&g);
	reeve_proxy_free(pool);
	CU_ASSERT_EQUAL(
	    reeve_manager_ping(managed.m, RIG_LONG, NULL), REEVE_OK);
	CU_ASSERT_TRUE(process_await_gone(worker, 60000));
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
	gate_close(&g);
}

SCENARIO(a_manager_that_is_stopped_ends_its_pools_first, BY_SPAWN)
{
	struct managed managed;
	struct reeve_proxy *pool;
	char log[256];
	struct gate g;
	pid_t worker;

	gate_open(&g);
	managed_start(&managed, method, NULL);
	pool = shared_pool(managed.m, "{\"max\": 1}");
	worker = worker_of(pool);
	(void)shared_submit(pool, "test.gate", g.path);
	gate_reached(&g);
	find_log((pid_t)reeve_manager_server_pid(managed.m), log);
	CU_ASSERT_EQUAL(access(log, F_OK), 0);
	reeve_proxy_free(pool);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
	CU_ASSERT_TRUE(process_is_gone(worker));
	CU_ASSERT_NOT_EQUAL(access(log, F_OK), 0);
	gate_close(&g);
}

SCENARIO(a_pool_comes_back_from_a_snapshot_without_tasks, BY_SPAWN)
{
	struct managed managed;
	struct reeve_proxy *pool;
	char settings[300], path[200];

	(void)snprintf(path, sizeof(path), "%s/snapshot", rv_test_dir());
	(void)snprintf(settings, sizeof(settings),
	    "{\"snapshot\": \"%s\", \"snapshot_at_end\": true}", path);
	managed_start(&managed, method, settings);
	pool = shared_pool(managed.m, "{\"min\": 1, \"max\": 3}");
	CU_ASSERT_EQUAL(
	    reeve_proxy_publish(pool, "pool", RIG_LONG, NULL), REEVE_OK);
	(void)shared_submit(pool, "test.echo", "x");
	reeve_proxy_free(pool);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
	managed_start(&managed, method, settings);
	pool = managed_open(managed.m, "pool");
	CU_ASSERT_EQUAL(shared_stat(pool, "max"), 3);
	CU_ASSERT_EQUAL(shared_stat(pool, "submitted"), 0);
	SAYS(managed_wait(pool, RIG_LONG, "apply", "ss", "test.echo", "on"),
	    "on");
	reeve_proxy_free(pool);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
	(void)unlink(path);
}

RV_SUITE(manager_pool_deaths,
    RV_CASE(scenario_127_what_a_killed_client_had_handed_over_is_cancelled),
    RV_CASE(scenario_127_a_map_ends_with_who_waits_for_it),
    RV_CASE(scenario_128_a_killed_manager_takes_its_workers_along),
    RV_CASE(a_pool_that_nobody_holds_ends_with_its_workers),
    RV_CASE(a_manager_that_is_stopped_ends_its_pools_first),
    RV_CASE(a_pool_comes_back_from_a_snapshot_without_tasks))
