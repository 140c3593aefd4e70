/* SPDX-License-Identifier: MIT */
/*
 * What the benches share: medians over runs, lines with ratios, a `reeve run`
 * on a config of the bench's, and stamps that processes leave in shared memory.
 */
#ifndef RV_TESTS_BENCH_H
#define RV_TESTS_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

int64_t bench_now(void);                       /* monotonic nanoseconds */
double bench_median(double *values, size_t n); /* sorts */
/* REEVE_BENCH_ROUNDS, or n. */
unsigned bench_rounds(unsigned n);

/* "name   ours 1.23 ms   raw 1.00 ms   ratio 1.23 (bound 1.50)" */
void bench_ratio(const char *name, double ours, double raw, const char *unit,
    double bound, bool at_least);
void bench_figure(const char *name, double value, const char *unit,
    double bound, bool at_most);
/* 1 when a bound was missed, else 0: for main. */
int bench_verdict(void);

/* Callbacks of a host, and what they set. */
extern bool bench_settled, bench_finished;
void bench_on_settled(void *ctx);
void bench_on_finished(void *ctx, bool gave_up);

/* A folder for the bench, removed by bench_end. */
const char *bench_dir(void);
/* The build tree: REEVE_LIBEXEC or the current folder. */
const char *bench_build(void);
void bench_end(void);

/* Stamps: the file is mapped by all; each start takes the next place. */
#define BENCH_STAMPS 100000
struct bench_stamps {
	uint64_t n;
	struct {
		int64_t at;
		int32_t pid, worker;
	} stamp[BENCH_STAMPS];
};
struct bench_stamps *bench_stamps_open(const char *path, bool create);
/* Take a place: the first thing that a worker of a bench does. */
void bench_stamp(struct bench_stamps *, int worker);
void bench_stamp_at(struct bench_stamps *, int worker, int64_t at);
/* Wait until there are n. False after a minute. */
bool bench_await(struct bench_stamps *, uint64_t n);

/* `reeve run` on DIR/reeve.json with these members; its pid. */
pid_t bench_reeve(const char *members);
void bench_reeve_stop(pid_t);
/* Sum of a field of /proc/PID/smaps_rollup (kB), the ring's pages left out. */
long bench_pss_kib(pid_t);
/* Parts of our own memory, in KiB. */
enum bench_part {
	BENCH_TEXT,
	BENCH_DATA,
	BENCH_HEAP,
	BENCH_ROOMS,
	BENCH_RING,
	BENCH_PAGES,
	BENCH_STACK,
	BENCH_PARTS
};
extern const char *const bench_part_names[BENCH_PARTS];
void bench_parts(long kib[BENCH_PARTS]);
/* Voluntary and other switches of all threads. */
long bench_switches(pid_t);
/* Python's methods, by a script of this folder: a line for each it prints. */
void bench_python(const char *name_of_script, unsigned rounds);
/* Children of a process, at most n. */
unsigned bench_children(pid_t, pid_t *, unsigned n);

#endif
