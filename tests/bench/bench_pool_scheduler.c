/* SPDX-License-Identifier: MIT */
/*
 * What the scheduler of a pool costs a task, with a million of them waiting:
 * its submit, and its way from there to FINISH (given, taken, done, told),
 * beside putting as many into a bare list and out again. With retries that
 * rest, and with limits, too; and the memory of it all.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/bench.h"
#include "pool/scheduler.h"

#define TASKS  1000000
#define ROUNDS 5

static struct rv_task *tasks;
static struct rv_sched sched;
static struct rv_sched_worker places[RV_SCHED_WORKERS];
static uint16_t heap[RV_SCHED_WORKERS];
static rv_time now = 1;

/* Of this process alone: nothing here waits for another. */
static int64_t
cpu_now(void)
{
	struct timespec at;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
	return at.tv_sec * (int64_t)1000000000 + at.tv_nsec;
}

struct figures {
	double submit, run;
};

static void
do_all(void)
{
	struct rv_sched_action action;

	while (rv_sched_next(&sched, &action, now)) {
	}
}

static void
finish_all(unsigned workers)
{
	uint16_t i = 0;

	do_all();
	while (!rv_sched_drained(&sched)) {
		now += 500;
		if (rv_sched_taken(&sched, i, now)) {
			(void)rv_sched_done(
			    &sched, i, tasks[0].rules->retries == 0, now);
		}
		if (rv_sched_deadline(&sched) <= now) {
			rv_sched_tick(&sched, now);
		}
		do_all();
		i = (uint16_t)((i + 1u) % workers);
	}
}

static struct figures
once(unsigned workers, const struct rv_task_rules *rules)
{
	struct rv_sched_options options = { .min = (uint16_t)workers,
		.max = (uint16_t)workers,
		.idle = RV_FOREVER,
		.grow_after = RV_FOREVER };
	int64_t begun, submitted;

	rv_sched_init(&sched, &options, places, heap, now);
	for (uint16_t i = 0; i < workers; i++) {
		rv_sched_up(&sched, i, now);
	}
	for (size_t i = 0; i < TASKS; i++) {
		tasks[i] = (struct rv_task){ .rules = rules };
	}
	begun = cpu_now();
	for (size_t i = 0; i < TASKS; i++) {
		if (rv_sched_submit(&sched, &tasks[i], now) != REEVE_OK) {
			exit(2);
		}
	}
	submitted = cpu_now();
	rv_sched_close(&sched, now);
	finish_all(workers);
	return (struct figures){ (double)(submitted - begun) / TASKS,
		(double)(cpu_now() - submitted) / TASKS };
}

static double
bare_list(void)
{
	struct rv_list list;
	int64_t begun;

	rv_list_init(&list);
	begun = cpu_now();
	for (size_t i = 0; i < TASKS; i++) {
		rv_list_insert(&list, &tasks[i].link);
	}
	while (!rv_list_empty(&list)) {
		rv_list_remove(list.next);
	}
	return (double)(cpu_now() - begun) / TASKS;
}

static void
measure(const char *what, unsigned workers, const struct rv_task_rules *rules,
    double bound)
{
	double submits[ROUNDS], runs[ROUNDS];
	unsigned rounds = bench_rounds(ROUNDS);
	char name[96];

	rounds = rounds > ROUNDS ? ROUNDS : rounds;
	for (unsigned i = 0; i < rounds; i++) {
		struct figures f = once(workers, rules);

		submits[i] = f.submit;
		runs[i] = f.run;
	}
	(void)snprintf(
	    name, sizeof(name), "submit, %s, %u workers", what, workers);
	bench_figure(name, bench_median(submits, rounds), "ns", 100, true);
	(void)snprintf(
	    name, sizeof(name), "to its end, %s, %u workers", what, workers);
	bench_figure(name, bench_median(runs, rounds), "ns", bound, true);
}

int
main(void)
{
	static const struct rv_task_rules plain = { .soft = RV_FOREVER,
		.hard = RV_FOREVER },
					  limited = { .soft = RV_MINUTE,
						  .hard = RV_HOUR },
					  again = { .soft = RV_FOREVER,
						  .hard = RV_FOREVER,
						  .retries = 1,
						  .backoff = RV_SEC,
						  .backoff_max = RV_SEC };

	tasks = calloc(TASKS, sizeof(*tasks));
	if (tasks == NULL) {
		return 2;
	}
	for (size_t i = 0; i < TASKS; i++) {
		tasks[i].rules = &plain;
	}
	bench_figure("into a bare list and out", bare_list(), "ns", 1e9, true);
	measure("plain", 1, &plain, 500);
	measure("plain", 8, &plain, 500);
	measure("plain", 64, &plain, 500);
	measure("with limits", 64, &limited, 1000);
	measure("with a rest and a retry", 64, &again, 4000);
	bench_figure("memory of a task", sizeof(struct rv_task), "B", 56, true);
	bench_figure("memory of a worker", sizeof(struct rv_sched_worker), "B",
	    160, true);
	bench_figure(
	    "memory of a scheduler", sizeof(struct rv_sched), "B", 2048, true);
	free(tasks);
	return bench_verdict();
}
