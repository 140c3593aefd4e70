/* SPDX-License-Identifier: MIT */
/*
 * A host and a worker over a lane, by frames of 64 bytes: one task at a time,
 * there and back, both asleep in between, beside two processes that wake each
 * other by futexes and nothing else; and one after the other, as fast as they
 * go, beside a bare ring. The worker looks for its next task for a moment
 * before it sleeps, as that of a pool does (SPINS); what that is worth is
 * shown.
 */
#include "config.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/error.h>

#include "bench/bench.h"
#include "bench/bench_ring.h"
#include "pool/lane.h"

#define LEN       64
#define RING_LANE ((size_t)256 * 1024)

static struct rv_lane_pair worker, host;
static struct rv_lane_host page;
static int spins;

static void
pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % (unsigned)sysconf(_SC_NPROCESSORS_ONLN), &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

static void
check(bool good)
{
	if (!good) {
		abort();
	}
}

static void
make_lane(void)
{
	struct reeve_error err;

	check(rv_lane_make(&worker, RING_LANE, &err) == REEVE_OK);
	check(rv_lane_open(&host, dup(worker.fd), RING_LANE, &err) == REEVE_OK);
	check(rv_lane_host_make(&page, &err) == REEVE_OK);
	worker.results.host = page.page;
	worker.results.bell = page.bell;
}

static void
drop_lane(void)
{
	rv_lane_close(&worker);
	rv_lane_close(&host);
	rv_lane_host_close(&page);
}

/* -------- the worker -------- */

static void
await_task(struct rv_frame *head, const void **payload)
{
	struct rv_lane *lane = &worker.tasks;

	for (int i = 0;; i++) {
		if (rv_lane_peek(lane, head, payload) == RV_LANE_OK) {
			return;
		}
		if (i >= spins && rv_lane_sleep(lane)) {
			rv_lane_wait(lane, RV_FOREVER);
			rv_lane_awake(lane);
		}
	}
}

/* Send back what came, in frames of the same length. */
static void
work(void)
{
	struct rv_frame head, *frame;
	const void *payload;

	for (;;) {
		await_task(&head, &payload);
		if (head.kind == RV_FRAME_END) {
			_exit(0);
		}
		check(rv_lane_begin(&worker.tasks));
		while ((frame = rv_lane_room(&worker.results, LEN)) == NULL) {
			rv_lane_await_room(&worker.results, LEN, RV_FOREVER);
		}
		frame->kind = RV_FRAME_RESULT;
		frame->id = head.id;
		memcpy(frame + 1, payload, LEN);
		rv_lane_commit(&worker.results);
		rv_lane_drop(&worker.tasks);
		if (rv_lane_must_wake(&worker.results)) {
			(void)rv_lane_wake(&worker.results);
		}
	}
}

static pid_t
start(bool apart)
{
	pid_t pid;

	make_lane();
	pid = fork();
	if (pid == 0) {
		if (apart) {
			pin(1);
		}
		work();
	}
	return pid;
}

/* -------- the host -------- */

static bool
put(unsigned kind, uint64_t id)
{
	static const char bytes[LEN] = "a task";
	struct rv_frame *frame = rv_lane_room(&host.tasks, LEN);

	if (frame == NULL) {
		return false;
	}
	frame->kind = (uint8_t)kind;
	frame->id = id;
	memcpy(frame + 1, bytes, LEN);
	rv_lane_commit(&host.tasks);
	if (rv_lane_must_wake(&host.tasks)) {
		(void)rv_lane_wake(&host.tasks);
	}
	return true;
}

static unsigned
take_all(void)
{
	struct rv_frame head;
	const void *payload;
	char bytes[LEN];
	unsigned n = 0;

	while (rv_lane_peek(&host.results, &head, &payload) == RV_LANE_OK) {
		memcpy(bytes, payload, LEN);
		check(bytes[0] == 'a');
		rv_lane_drop(&host.results);
		n++;
	}
	return n;
}

static unsigned
await_results(int epoll)
{
	struct epoll_event event;
	unsigned n = take_all();

	while (n == 0) {
		rv_lane_host_sleeps(&page, true);
		n = take_all();
		if (n == 0) {
			(void)epoll_wait(epoll, &event, 1, -1);
		}
		rv_lane_host_sleeps(&page, false);
		if (n == 0) {
			n = take_all();
		}
	}
	return n;
}

static void
end(pid_t pid, int epoll)
{
	(void)put(RV_FRAME_END, 0);
	(void)waitpid(pid, NULL, 0);
	(void)close(epoll);
	drop_lane();
}

static int
bell_of_all(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	check(epoll_ctl(epoll, EPOLL_CTL_ADD, page.bell, &event) == 0);
	return epoll;
}

/* Microseconds there and back. */
static double
round_trip(unsigned n, bool apart)
{
	pid_t pid = start(apart);
	int epoll = bell_of_all();
	int64_t began = bench_now();

	for (unsigned i = 0; i < n; i++) {
		check(put(RV_FRAME_TASK, i));
		check(await_results(epoll) == 1);
	}
	began = bench_now() - began;
	end(pid, epoll);
	return (double)began / n / 1000;
}

/* Million tasks a second, there and back; 64 are on their way at most. */
static double
stream(unsigned n)
{
	pid_t pid = start(true);
	int epoll = bell_of_all();
	unsigned in = 0, out = 0;
	int64_t began = bench_now();

	while (out < n) {
		while (in < n && in - out < 64 && put(RV_FRAME_TASK, in)) {
			in++;
		}
		out += await_results(epoll);
	}
	began = bench_now() - began;
	end(pid, epoll);
	return n * 1e3 / (double)began;
}

/* -------- bare -------- */

struct bare {
	_Alignas(64) _Atomic uint32_t turn;
	_Alignas(64) struct ring ring;
};

static struct bare *
share(void)
{
	void *at = mmap(NULL, sizeof(struct bare), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	check(at != MAP_FAILED);
	return at;
}

static void
ping(struct bare *bare, unsigned n, uint32_t mine)
{
	for (unsigned i = 0; i < n; i++) {
		while (atomic_load(&bare->turn) != mine) {
			ring_futex(&bare->turn, FUTEX_WAIT, 1 - mine);
		}
		atomic_store(&bare->turn, 1 - mine);
		ring_futex(&bare->turn, FUTEX_WAKE, 1);
	}
}

static double
bare_trip(unsigned n, bool apart)
{
	struct bare *bare = share();
	pid_t pid = fork();
	int64_t began;

	if (pid == 0) {
		if (apart) {
			pin(1);
		}
		ping(bare, n, 1);
		_exit(0);
	}
	began = bench_now();
	ping(bare, n, 0);
	(void)waitpid(pid, NULL, 0);
	began = bench_now() - began;
	(void)munmap(bare, sizeof(*bare));
	return (double)began / n / 1000;
}

/* Two rings, there and back, 64 on their way. */
static double
bare_stream(unsigned n)
{
	struct bare *there = share(), *back = share();
	char item[LEN] = "a task";
	unsigned in = 0, out = 0;
	int64_t began;
	pid_t pid = fork();

	if (pid == 0) {
		pin(1);
		for (unsigned i = 0; i < n; i++) {
			ring_get(&there->ring, item);
			ring_put(&back->ring, item, LEN);
		}
		_exit(0);
	}
	began = bench_now();
	while (out < n) {
		while (in < n && in - out < 64) {
			ring_put(&there->ring, item, LEN);
			in++;
		}
		ring_get(&back->ring, item);
		out++;
	}
	began = bench_now() - began;
	(void)waitpid(pid, NULL, 0);
	(void)munmap(there, sizeof(*there));
	(void)munmap(back, sizeof(*back));
	return n * 1e3 / (double)began;
}

/* -------- figures -------- */

static double
median_of(double (*run)(unsigned, bool), unsigned n, bool apart)
{
	double values[9];
	unsigned rounds = bench_rounds(5);

	rounds = rounds > 9 ? 9 : rounds;
	for (unsigned i = 0; i < rounds; i++) {
		values[i] = run(n, apart);
	}
	return bench_median(values, rounds);
}

static double
stream_of(unsigned n, bool apart)
{
	(void)apart;
	return stream(n);
}

static double
bare_stream_of(unsigned n, bool apart)
{
	(void)apart;
	return bare_stream(n);
}

int
main(void)
{
	static const int some[] = { 0, 20, 400 };
	double bare, apart;

	bare = median_of(bare_trip, 20000, false);
	for (size_t i = 0; i < RV_ARRAY_LEN(some); i++) {
		char name[64];

		spins = some[i];
		(void)snprintf(
		    name, sizeof(name), "there and back, %d looks", spins);
		bench_ratio(name, median_of(round_trip, 20000, false), bare,
		    "us", 2, false);
	}
	pin(0);
	apart = median_of(bare_trip, 20000, true);
	for (size_t i = 0; i < RV_ARRAY_LEN(some); i++) {
		char name[64];

		spins = some[i];
		(void)snprintf(
		    name, sizeof(name), "the same, two CPUs, %d looks", spins);
		bench_ratio(name, median_of(round_trip, 20000, true), apart,
		    "us", 2, false);
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(some); i++) {
		char name[64];

		spins = some[i];
		(void)snprintf(
		    name, sizeof(name), "64 on their way, %d looks", spins);
		bench_ratio(name, median_of(stream_of, 400000, true),
		    median_of(bare_stream_of, 400000, true), "million/s", 0.5,
		    true);
	}
	return bench_verdict();
}
