/* SPDX-License-Identifier: MIT */
/*
 * Pools whose workers are killed in the midst of tasks, all the time: every
 * task has its result, once, and its own; it is begun as often as it was tried
 * and no oftener, and nobody is blamed for a kill but whom it hit. By hand,
 * with numbers of one's own:
 *
 *	test_pool_storm all TASKS WORKERS MILLISECONDS KILLS
 *
 * runs at least so many tasks over so many workers with a kill every so many
 * ms, and at least so many of these, by each start method (100000 8 20 100 is
 * the claim of the manual). Without arguments there are no more kills than
 *that.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "sys/sys.h"
#include "unit/pool_rig.h"

#define WORKERS_MAX 64

/* A file that host and workers map. */
struct board {
	atomic_int runs[WORKERS_MAX]; /* who is in a task there; 0: nobody */
	atomic_uchar begun[];         /* how often, of each task */
};

static void *
map_board(const char *path, size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;
	void *at = MAP_FAILED;

	if (fd != -1 && (size == 0 || ftruncate(fd, (off_t)size) == 0) &&
	    fstat(fd, &st) == 0 && st.st_size > 0) {
		at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
	}
	if (fd != -1) {
		(void)close(fd);
	}
	return at == MAP_FAILED ? NULL : at;
}

/* -------- in workers -------- */

static struct board *the_board;
static unsigned place;

static int
take_board(const struct reeve_call *call)
{
	const char *dot = strrchr(call->path, '.');

	the_board = map_board(call->args, 0);
	place = dot != NULL ? (unsigned)strtoul(dot + 1, NULL, 10) : 0;
	return the_board == NULL || place >= WORKERS_MAX;
}
REEVE_FUNCTION("test.board", take_board);

/* Short ones, that wait behind each other, and long ones that most kills hit.
 */
static void
take_time(uint64_t number)
{
	rv_time until = rv_sys_now();

	if (number % 16 == 0) {
		(void)poll(NULL, 0, 4);
	} else if (number % 4 == 1) {
		until += 50 * RV_US;
		while (rv_sys_now() < until) {
		}
	}
}

static int
work(const struct reeve_call *call)
{
	uint64_t x;

	memcpy(&x, call->args, sizeof(x));
	atomic_fetch_add(&the_board->begun[x], 1);
	atomic_store(&the_board->runs[place], (int)getpid());
	take_time(x);
	atomic_store(&the_board->runs[place], 0);
	x = x * 3 + 1;
	return reeve_return(call, &x, sizeof(x));
}
REEVE_FUNCTION("test.work", work);

/* -------- in the host -------- */

struct item {
	struct chaos *chaos;
	uint64_t number;
	uint32_t attempts, ends;
};

struct chaos {
	struct reeve_pool *pool;
	struct board *board;
	struct item *items;
	uint64_t n, room, submitted, ended, wrong, bad;
	uint64_t hits; /* tries that a kill has ended */
	uint64_t wanted;
	uint32_t workers;
	uint64_t random;
	unsigned kills;
	bool all; /* kills go on to the end */
};

static uint64_t
next_random(struct chaos *chaos)
{
	chaos->random ^= chaos->random << 13;
	chaos->random ^= chaos->random >> 7;
	chaos->random ^= chaos->random << 17;
	return chaos->random;
}

static void
on_done(void *ctx, struct reeve_future *future)
{
	struct item *item = ctx;
	struct chaos *chaos = item->chaos;
	struct reeve_task_result result = { .size = sizeof(result) };
	uint64_t x = 0;

	CU_ASSERT_EQUAL(reeve_future_get(future, &result, 0), REEVE_OK);
	chaos->ended++;
	item->ends++;
	item->attempts = result.attempts;
	chaos->hits += result.attempts - 1;
	if (result.outcome != REEVE_OUTCOME_GOOD) {
		if (chaos->bad++ < 5) {
			(void)fprintf(stderr, "# %llu: %s\n",
			    (unsigned long long)item->number, result.message);
		}
	} else {
		if (result.length == sizeof(x)) {
			memcpy(&x, result.data, sizeof(x));
		}
		chaos->wrong += x != item->number * 3 + 1;
	}
	reeve_task_result_free(&result);
}

/* One that is in a task, if there is any: it is in the same or in the next one
 * when it dies. */
static bool
kill_one(struct chaos *chaos)
{
	uint32_t from = (uint32_t)next_random(chaos) % chaos->workers;
	struct reeve_unit_info info = { .size = sizeof(info) };
	char path[32];

	for (uint32_t i = 0; i < chaos->workers; i++) {
		uint32_t at = (from + i) % chaos->workers;
		int pid = atomic_load(&chaos->board->runs[at]);

		(void)snprintf(path, sizeof(path), "pool.%u", at);
		if (pid > 0 &&
		    reeve_unit_find(reeve_pool_runtime(chaos->pool), path,
			&info, NULL) == REEVE_OK &&
		    info.pid == pid && kill(pid, SIGKILL) == 0) {
			atomic_store(&chaos->board->runs[at], 0);
			chaos->kills++;
			return true;
		}
	}
	return false;
}

static bool
more_are_due(const struct chaos *chaos)
{
	return chaos->submitted < chaos->n ||
	       (chaos->kills < chaos->wanted && chaos->submitted < chaos->room);
}

/* A thousand wait at any time, so that pools are full and memory is not. */
static void
submit_some(struct chaos *chaos)
{
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.work",
		.retries = 1000,
		.backoff = REEVE_MS(1),
		.done = on_done };

	while (more_are_due(chaos) && chaos->submitted - chaos->ended < 1000) {
		struct item *item = &chaos->items[chaos->submitted];

		*item =
		    (struct item){ .chaos = chaos, .number = chaos->submitted };
		task.data = &item->number;
		task.length = sizeof(item->number);
		task.ctx = item;
		if (reeve_pool_submit(chaos->pool, &task, NULL, NULL) !=
		    REEVE_OK) {
			CU_FAIL_FATAL("refused");
		}
		chaos->submitted++;
	}
}

static void
rage(struct chaos *chaos, int ms)
{
	struct pollfd p = { .fd = reeve_pool_fd(chaos->pool),
		.events = POLLIN };
	rv_time next = 0, began = rv_sys_now();

	do {
		submit_some(chaos);
		CU_ASSERT_EQUAL_FATAL(
		    reeve_pool_dispatch(chaos->pool, NULL), REEVE_OK);
		(void)poll(&p, 1, ms);
		if ((chaos->all || chaos->kills < chaos->wanted) &&
		    rv_sys_now() >= next && kill_one(chaos)) {
			next = rv_sys_now() + ms * RV_MS;
		}
	} while ((chaos->ended < chaos->submitted || more_are_due(chaos)) &&
		 rv_sys_now() - began < 600 * RV_SEC * rv_test_slow());
}

/* Whose kill came between its beginning and its first word is not on the board
 * for that try; there are few of those. */
static void
check(const struct chaos *chaos)
{
	uint64_t not_once = 0, unasked = 0, never = 0, silent = 0;

	CU_ASSERT_EQUAL(chaos->ended, chaos->submitted);
	CU_ASSERT_EQUAL(chaos->wrong, 0);
	CU_ASSERT_EQUAL(chaos->bad, 0);
	for (uint64_t i = 0; i < chaos->submitted; i++) {
		const struct item *item = &chaos->items[i];
		uint32_t begun = chaos->board->begun[i];

		not_once += item->ends != 1;
		never += begun == 0;
		unasked += begun > item->attempts;
		silent += begun < item->attempts ? item->attempts - begun : 0;
	}
	CU_ASSERT_EQUAL(not_once, 0);
	CU_ASSERT_EQUAL(never, 0);
	CU_ASSERT_EQUAL(unasked, 0);
	CU_ASSERT(2 * silent <= chaos->kills);
	CU_ASSERT(chaos->hits <= chaos->kills);
	CU_ASSERT(chaos->kills >= chaos->wanted);
	CU_ASSERT(2 * chaos->hits >= chaos->kills);
	(void)fprintf(stderr,
	    "# %llu tasks, %u kills, %llu hit a task, %llu of them before its "
	    "first word\n",
	    (unsigned long long)chaos->submitted, chaos->kills,
	    (unsigned long long)chaos->hits, (unsigned long long)silent);
}

static uint64_t tasks = 1000, kills = 25;
static uint32_t workers = 4;
static int every_ms = 10;
static bool to_the_end;

static void
run_by(enum reeve_method method)
{
	struct chaos chaos = { .n = tasks,
		.room = 20 * tasks,
		.wanted = kills,
		.workers = workers,
		.all = to_the_end,
		.random = 88172645463325252ULL };
	struct reeve_pool_options options = { .initializer = "test.board",
		.method = method };
	size_t size = sizeof(*chaos.board) + chaos.room;
	char path[256];

	(void)snprintf(
	    path, sizeof(path), "%s/board%d", rv_test_dir(), (int)method);
	chaos.board = map_board(path, size);
	chaos.items = calloc(chaos.room, sizeof(*chaos.items));
	CU_ASSERT_FATAL(chaos.board != NULL && chaos.items != NULL);
	options.init_args = path;
	options.init_args_length = strlen(path);
	chaos.pool = pool_make(workers, &options);
	rage(&chaos, every_ms);
	check(&chaos);
	reeve_pool_free(chaos.pool);
	(void)munmap(chaos.board, size);
	free(chaos.items);
}

RV_TEST(each_task_has_its_result_once_while_workers_are_killed)
{
	pool_each(run_by);
}

int
main(int argc, char **argv)
{
	static const struct rv_case cases[] = { RV_CASE(
	    each_task_has_its_result_once_while_workers_are_killed) };

	if (argc == 6 && strcmp(argv[1], "all") == 0) {
		tasks = strtoull(argv[2], NULL, 10);
		workers = (uint32_t)strtoul(argv[3], NULL, 10);
		every_ms = (int)strtol(argv[4], NULL, 10);
		kills = strtoull(argv[5], NULL, 10);
		if (tasks > 0 && workers > 0 && workers <= WORKERS_MAX) {
			to_the_end = true;
			argc = 1;
		}
	}
	return rv_suite_run("pool_storm", cases, 1, argc, argv);
}
