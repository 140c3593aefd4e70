/* SPDX-License-Identifier: MIT */
/*
 * Messages between two processes: there and back, and one way as fast as it
 * goes, beside a bare socketpair; large ones by value and through shared
 * blocks, beside the copy through a socket. Python's Pipe for comparison.
 *
 * Bare is what one would write by hand, one call for each message, without
 * heads or deadlines. A plain pipe brings bytes alone, and is held against send
 * and recv on packets or on a stream, of which the loop knows beforehand how
 * much comes: whichever is the quicker. A pipe that may have handles in its
 * messages is held against send and recvmsg on packets, the one call that does
 * not lose the descriptors; recv is a quarter of a microsecond cheaper.
 *
 * There and back a pipe is ahead since it looks some more before it sleeps, and
 * the bare loops do not; as fast as it goes nobody sleeps, and what is seen is
 * the cost of the calls. Both processes' time on a processor says what a
 * message costs where the others of a busy machine decide how fast it goes.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/blocks.h>

#include "bench/bench.h"

#define MIB ((size_t)1 << 20)

static void
must(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "bench_conn: %s\n", what);
		exit(2);
	}
}

/* A way of bringing n bytes over, and of taking them. */
struct way {
	void (*put)(const struct way *, int end, char *data, size_t n);
	void (*get)(const struct way *, int end, char *data, size_t n);
	int fds[2];
	struct reeve_conn *conns[2];
	struct reeve_parcel *parcel;
	struct reeve_blocks *blocks;
};

static void
bare_put(const struct way *way, int end, char *data, size_t n)
{
	size_t at = 0;

	while (at < n) {
		ssize_t sent = send(way->fds[end], data + at, n - at, 0);

		must(sent > 0, "send");
		at += (size_t)sent;
	}
}

static void
bare_get(const struct way *way, int end, char *data, size_t n)
{
	size_t at = 0;

	while (at < n) {
		ssize_t got = recv(way->fds[end], data + at, n - at, 0);

		must(got > 0, "recv");
		at += (size_t)got;
	}
}

/* As who would have descriptors that come along must do it. */
static void
taking_get(const struct way *way, int end, char *data, size_t n)
{
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(64 * sizeof(int))];
	struct iovec part = { data, n };
	struct msghdr msg = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = sizeof(room) };

	must(recvmsg(way->fds[end], &msg, MSG_CMSG_CLOEXEC) == (ssize_t)n,
	    "recvmsg");
}

static void
conn_put(const struct way *way, int end, char *data, size_t n)
{
	must(reeve_conn_send(way->conns[end], data, n, REEVE_FOREVER) ==
		 REEVE_OK,
	    "reeve_conn_send");
}

static void
conn_get(const struct way *way, int end, char *data, size_t n)
{
	uint64_t length = 0;

	must(reeve_conn_recv_into(way->conns[end], data, n, &length,
		 REEVE_FOREVER) == REEVE_OK &&
		 length == n,
	    "reeve_conn_recv_into");
}

/* In a parcel: what is large is looked at where it lies. */
static void
parcel_get(const struct way *way, int end, char *data, size_t n)
{
	(void)data;
	must(reeve_conn_recv(way->conns[end], way->parcel, n, REEVE_FOREVER) ==
		     REEVE_OK &&
		 way->parcel->length == n,
	    "reeve_conn_recv");
}

/* Written into a block, looked at where it lies. */
static void
block_put(const struct way *way, int end, char *data, size_t n)
{
	struct reeve_parcel parcel = { 0 };
	void *at;

	if (n == 1) {
		conn_put(way, end, data, n);
		return;
	}
	must(reeve_blocks_take(way->blocks, &parcel, &at, REEVE_FOREVER) ==
		 REEVE_OK,
	    "reeve_blocks_take");
	memcpy(at, data, n);
	must(reeve_conn_send_parcel(way->conns[end], &parcel, REEVE_FOREVER) ==
		 REEVE_OK,
	    "reeve_conn_send_parcel");
}

/* What a message goes by. */
enum by { OURS, PLAIN, STREAM, PACKETS, TAKING_PACKETS, N_BYS };

static void
open_bare(struct way *way, enum by by)
{
	int type = by == STREAM ? SOCK_STREAM : SOCK_SEQPACKET;

	must(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, way->fds) == 0,
	    "socketpair");
	way->put = bare_put;
	way->get = by == TAKING_PACKETS ? taking_get : bare_get;
}

static void
open_conn(struct way *way, enum by by, bool parcels, bool blocks)
{
	must((by == PLAIN ? reeve_pipe_plain : reeve_pipe)(
		 &way->conns[0], &way->conns[1], true, NULL) == REEVE_OK,
	    "reeve_pipe");
	way->put = conn_put;
	way->get = parcels ? parcel_get : conn_get;
	way->fds[0] = way->fds[1] = -1;
	if (blocks) {
		must(reeve_blocks_new(&way->blocks, MIB, 8, NULL) == REEVE_OK,
		    "reeve_blocks_new");
		reeve_conn_share_blocks(way->conns[1], true);
		way->put = block_put;
	}
}

static void
close_way(struct way *way)
{
	for (unsigned i = 0; i < 2; i++) {
		reeve_conn_free(way->conns[i]);
		if (way->fds[i] >= 0) {
			(void)close(way->fds[i]);
		}
	}
	reeve_parcel_free(way->parcel);
	reeve_blocks_free(way->blocks);
}

static double
ns_of(const struct rusage *use)
{
	return (double)(use->ru_utime.tv_sec + use->ru_stime.tv_sec) * 1e9 +
	       (double)(use->ru_utime.tv_usec + use->ru_stime.tv_usec) * 1e3;
}

/* Nanoseconds for one message, and those on a processor, of each round. */
struct times {
	double *took, *used;
};

/* `count` messages of n bytes. */
static void
measure(struct way *way, size_t n, unsigned count, bool back, double *took,
    double *used)
{
	struct rusage before, after, child;
	char *data = malloc(n);
	int64_t begun;
	pid_t pid;
	char done;

	memset(data, 'd', n);
	pid = fork();
	if (pid == 0) {
		for (unsigned i = 0; i < count; i++) {
			way->get(way, 1, data, n);
			if (back) {
				way->put(way, 1, data, n);
			}
		}
		way->put(way, 1, &(char){ 'd' }, 1);
		_exit(0);
	}
	(void)getrusage(RUSAGE_SELF, &before);
	begun = bench_now();
	for (unsigned i = 0; i < count; i++) {
		way->put(way, 0, data, n);
		if (back) {
			way->get(way, 0, data, n);
		}
	}
	way->get(way, 0, &done, 1);
	begun = bench_now() - begun;
	(void)getrusage(RUSAGE_SELF, &after);
	must(wait4(pid, NULL, 0, &child) == pid, "wait4");
	free(data);
	*took = (double)begun / count;
	*used = (ns_of(&after) - ns_of(&before) + ns_of(&child)) / count;
}

static void
do_round(enum by by, bool parcels, bool blocks, size_t n, unsigned count,
    bool back, const struct times *times, unsigned round)
{
	struct reeve_parcel parcel = { 0 };
	struct way way = { .parcel = &parcel };

	if (by >= STREAM) {
		open_bare(&way, by);
	} else {
		open_conn(&way, by, parcels, blocks);
	}
	measure(&way, n, count, back, &times->took[round], &times->used[round]);
	close_way(&way);
}

static struct times
times_new(unsigned rounds)
{
	struct times times = { calloc(rounds, sizeof(double)),
		calloc(rounds, sizeof(double)) };

	must(times.took != NULL && times.used != NULL, "calloc");
	return times;
}

static void
times_free(struct times *times)
{
	free(times->took);
	free(times->used);
}

/* Messages each millisecond, of which more is better. */
static double
per_ms(const struct times *times, unsigned rounds)
{
	return 1e6 / bench_median(times->took, rounds);
}

static void
ratio(const char *name, const struct times *ours, const struct times *bare,
    unsigned rounds, double bound)
{
	bench_ratio(name, per_ms(ours, rounds), per_ms(bare, rounds), "/ms",
	    bound, true);
	bench_figure("  ratio by processor time",
	    bench_median(bare->used, rounds) / bench_median(ours->used, rounds),
	    "", 0, false);
}

/* Messages that go within a packet, through both kinds of pipes. */
static void
compare_small(const char *size, size_t n, unsigned count, bool back)
{
	unsigned rounds = bench_rounds(21);
	const char *way = back ? "there and back" : "one way";
	struct times of[N_BYS];
	enum by quicker;
	char name[64];

	for (enum by by = OURS; by < N_BYS; by++) {
		of[by] = times_new(rounds);
	}
	for (unsigned i = 0; i < rounds; i++) {
		for (enum by by = OURS; by < N_BYS; by++) {
			do_round(by, false, false, n, count, back, &of[by], i);
		}
	}
	quicker = per_ms(&of[STREAM], rounds) > per_ms(&of[PACKETS], rounds)
		      ? STREAM
		      : PACKETS;
	(void)snprintf(name, sizeof(name), "%s %s, plain", size, way);
	ratio(name, &of[PLAIN], &of[quicker], rounds, 0.9);
	bench_figure(quicker == STREAM ? "  bare packets" : "  bare stream",
	    per_ms(&of[quicker == STREAM ? PACKETS : STREAM], rounds), "/ms", 0,
	    false);
	(void)snprintf(name, sizeof(name), "%s %s", size, way);
	ratio(name, &of[OURS], &of[TAKING_PACKETS], rounds, 0.9);
	for (enum by by = OURS; by < N_BYS; by++) {
		times_free(&of[by]);
	}
}

/* Beside the copy through a stream. */
static void
compare_large(const char *name, unsigned count, bool blocks, double bound)
{
	unsigned rounds = bench_rounds(21);
	struct times ours = times_new(rounds), bare = times_new(rounds);

	for (unsigned i = 0; i < rounds; i++) {
		do_round(OURS, true, blocks, MIB, count, false, &ours, i);
		do_round(STREAM, false, false, MIB, count, false, &bare, i);
	}
	bench_ratio(name, per_ms(&ours, rounds), per_ms(&bare, rounds), "/ms",
	    bound, true);
	times_free(&ours);
	times_free(&bare);
}

static void
python(void)
{
	char command[512];

	(void)snprintf(command, sizeof(command),
	    "exec python3 '%s/bench_conn.py'",
	    getenv("REEVE_BENCH_SOURCES") != NULL
		? getenv("REEVE_BENCH_SOURCES")
		: "tests/bench");
	(void)fflush(stdout);
	if (fork() == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	(void)wait(NULL);
}

int
main(void)
{
	compare_small("64 B", 64, 8000, true);
	compare_small("4 KiB", 4096, 8000, true);
	compare_small("64 B", 64, 40000, false);
	compare_small("4 KiB", 4096, 20000, false);
	compare_small("64 KiB", 65536, 2500, false);
	compare_large("1 MiB by value", 300, false, 0.2);
	compare_large("1 MiB through blocks", 600, true, 2);
	python();
	return bench_verdict();
}
