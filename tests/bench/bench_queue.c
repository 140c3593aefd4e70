/* SPDX-License-Identifier: MIT */
/*
 * Items of 64 bytes through the queue, with 1 x 1 and 4 x 4 processes, beside a
 * bare ring in shared memory, ZeroMQ over ipc and Python's mp.Queue. All
 * processes are there before the clock starts; it ends with the last item got.
 */
#include "config.h"

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/queue.h>
#ifdef HAVE_ZMQ
#include <zmq.h>
#endif

#include "bench/bench.h"
#include "bench/bench_ring.h"

#define LEN 64

struct start {
	_Atomic uint32_t ready, go;
};
static struct start *start;
static struct reeve_queue *queue;
static struct ring *ring;
static char address[128], folder[64]; /* another address for each run */

static void *
share(size_t len)
{
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED) {
		exit(2);
	}
	return at;
}

struct way {
	const char *name;
	void (*put)(unsigned n, unsigned who);
	void (*get)(unsigned n, unsigned who);
	bool free; /* has threads of its own, which are not to share one CPU */
};

static void
ready(void)
{
	atomic_fetch_add(&start->ready, 1);
	ring_futex(&start->ready, FUTEX_WAKE, 1);
	while (atomic_load(&start->go) == 0) {
		ring_futex(&start->go, FUTEX_WAIT, 0);
	}
}

static void
queue_put(unsigned n, unsigned who)
{
	char item[LEN] = { (char)who };

	ready();
	for (unsigned i = 0; i < n; i++) {
		memcpy(item, &i, sizeof(i));
		if (reeve_queue_put(queue, item, LEN, 0, REEVE_FOREVER) != 0) {
			abort();
		}
	}
}

static void
queue_get(unsigned n, unsigned who)
{
	char item[LEN];
	size_t len;

	(void)who;
	ready();
	for (unsigned i = 0; i < n; i++) {
		if (reeve_queue_get_into(
			queue, item, LEN, &len, NULL, REEVE_FOREVER) != 0) {
			abort();
		}
	}
}

static void
bare_put(unsigned n, unsigned who)
{
	char item[LEN] = { (char)who };

	ready();
	for (unsigned i = 0; i < n; i++) {
		memcpy(item, &i, sizeof(i));
		ring_put(ring, item, LEN);
	}
}

static void
bare_get(unsigned n, unsigned who)
{
	char item[LEN];

	(void)who;
	ready();
	for (unsigned i = 0; i < n; i++) {
		ring_get(ring, item);
	}
}

#ifdef HAVE_ZMQ
/* One peer binds, as ZeroMQ has no queue in between: 1 x 1 only. */
static void
zmq_side(unsigned n, bool gets)
{
	void *context = zmq_ctx_new();
	void *socket = zmq_socket(context, gets ? ZMQ_PULL : ZMQ_PUSH);
	char item[LEN] = { 0 };

	if (gets) {
		(void)zmq_bind(socket, address);
	}
	ready();
	if (!gets) {
		(void)zmq_connect(socket, address);
	}
	for (unsigned i = 0; i < n; i++) {
		int rc = gets ? zmq_recv(socket, item, LEN, 0)
			      : zmq_send(socket, item, LEN, 0);

		if (rc != LEN) {
			abort();
		}
	}
	/* the putter stays, lest what it has sent goes with it */
	if (gets) {
		atomic_store(&start->go, 2);
		ring_futex(&start->go, FUTEX_WAKE, INT_MAX);
	}
	while (atomic_load(&start->go) == 1) {
		ring_futex(&start->go, FUTEX_WAIT, 1);
	}
	(void)zmq_close(socket);
	(void)zmq_ctx_destroy(context);
}

static void
zmq_putter(unsigned n, unsigned who)
{
	(void)who;
	zmq_side(n, false);
}

static void
zmq_getter(unsigned n, unsigned who)
{
	(void)who;
	zmq_side(n, true);
}
#endif

static void
pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

/* Million items a second. */
static double
run(const struct way *way, unsigned side, unsigned n)
{
	static unsigned runs;
	pid_t pids[16];
	unsigned n_pids = 0;
	bool two = sysconf(_SC_NPROCESSORS_ONLN) > 1;
	int64_t began;

	start = share(sizeof(*start));
	(void)snprintf(address, sizeof(address), "ipc://%s/%u", folder, runs++);
	for (unsigned i = 0; i < 2 * side; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			if (side == 1 && two && !way->free) {
				pin(i % 2);
			}
			(i % 2 == 0 ? way->put : way->get)(n / side, i);
			_exit(0);
		}
		pids[n_pids++] = pid;
	}
	while (atomic_load(&start->ready) < 2 * side) {
		ring_futex(
		    &start->ready, FUTEX_WAIT, atomic_load(&start->ready));
	}
	began = bench_now();
	atomic_store(&start->go, 1);
	ring_futex(&start->go, FUTEX_WAKE, INT_MAX);
	for (unsigned i = 0; i < n_pids; i++) {
		int status;

		(void)waitpid(pids[i], &status, 0);
		if (status != 0) {
			fprintf(stderr, "%s: %d\n", way->name, status);
			exit(2);
		}
	}
	munmap(start, sizeof(*start));
	return (double)n * 1e3 / (double)(bench_now() - began);
}

/* Items a second that Python prints, in millions; 0: there is no Python. */
static double
python(const char *n)
{
	const char *sources = getenv("REEVE_BENCH_SOURCES");
	char script[512], text[64] = "";
	int out[2];
	pid_t pid;

	(void)snprintf(script, sizeof(script), "%s/bench_queue.py",
	    sources != NULL ? sources : "tests/bench");
	if (pipe(out) != 0) {
		return 0;
	}
	pid = fork();
	if (pid == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		(void)execlp("python3", "python3", script, n, (char *)NULL);
		_exit(127);
	}
	(void)close(out[1]);
	(void)!read(out[0], text, sizeof(text) - 1);
	(void)close(out[0]);
	(void)waitpid(pid, NULL, 0);
	return strtod(text, NULL) / 1e6;
}

static void
compare(const char *name, const struct way *theirs, double bound, unsigned side,
    unsigned n, unsigned their_n)
{
	static const struct way ours = { "queue", queue_put, queue_get };
	unsigned rounds = bench_rounds(5);
	double a[64], b[64];

	rounds = rounds > 64 ? 64 : rounds;
	for (unsigned i = 0; i < rounds; i++) {
		a[i] = run(&ours, side, n);
		b[i] = run(theirs, side, their_n);
	}
	bench_ratio(name, bench_median(a, rounds), bench_median(b, rounds),
	    "M/s", bound, true);
}

int
main(void)
{
	static const struct way bare = { "ring", bare_put, bare_get };
	static const struct way ours = { "queue", queue_put, queue_get };
	struct reeve_queue_options options = { .size = sizeof(options),
		.max_items = 14000 };
	struct reeve_error err;
	double theirs;

	if (reeve_queue_new(&queue, &options, &err) != REEVE_OK) {
		return 2;
	}
	ring = share(sizeof(*ring));
	compare("queue 1 x 1, bare ring", &bare, 0.5, 1, 2000000, 2000000);
	compare("queue 4 x 4, bare ring", &bare, 0.5, 4, 2000000, 2000000);
#ifdef HAVE_ZMQ
	{
		static const struct way zmq = { "zmq", zmq_putter, zmq_getter,
			true };

		(void)snprintf(
		    address, sizeof(address), "ipc://%s/zmq", bench_dir());
		compare("queue 1 x 1, ZeroMQ ipc", &zmq, 3, 1, 2000000, 500000);
	}
#endif
	theirs = python("50000");
	if (theirs > 0) {
		bench_ratio("queue 1 x 1, mp.Queue", run(&ours, 1, 2000000),
		    theirs, "M/s", 30, true);
	}
	reeve_queue_free(queue);
	bench_end();
	return bench_verdict();
}
