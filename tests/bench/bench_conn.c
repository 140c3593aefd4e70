/* SPDX-License-Identifier: MIT */
/*
 * Messages between two processes: there and back, and one way as fast as it
 * goes, beside a bare socketpair with send and recv; large ones by value and
 * through shared blocks, beside the copy through a socket. Python's Pipe
 * for comparison.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static void
open_bare(struct way *way, int type)
{
	must(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, way->fds) == 0,
	    "socketpair");
	way->put = bare_put;
	way->get = bare_get;
}

static void
open_conn(struct way *way, bool parcels, bool blocks)
{
	must(reeve_pipe(&way->conns[0], &way->conns[1], true, NULL) == REEVE_OK,
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

/* Nanoseconds for one of `count` messages of n bytes. */
static double
measure(struct way *way, size_t n, unsigned count, bool back)
{
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
	begun = bench_now();
	for (unsigned i = 0; i < count; i++) {
		way->put(way, 0, data, n);
		if (back) {
			way->get(way, 0, data, n);
		}
	}
	way->get(way, 0, &done, 1);
	begun = bench_now() - begun;
	must(waitpid(pid, NULL, 0) == pid, "waitpid");
	free(data);
	return (double)begun / count;
}

static double
median_of(int type, bool parcels, bool blocks, size_t n, unsigned count,
    bool back, double *values, unsigned round)
{
	struct reeve_parcel parcel = { 0 };
	struct way way = { .parcel = &parcel };

	if (type != 0) {
		open_bare(&way, type);
	} else {
		open_conn(&way, parcels, blocks);
	}
	values[round] = measure(&way, n, count, back);
	close_way(&way);
	return values[round];
}

static void
compare(const char *name, size_t n, unsigned count, bool back, bool parcels,
    bool blocks, double bound)
{
	unsigned rounds = bench_rounds(9);
	double *ours = calloc(rounds, sizeof(*ours));
	double *packet = calloc(rounds, sizeof(*packet));
	double *stream = calloc(rounds, sizeof(*stream));
	double best;

	for (unsigned i = 0; i < rounds; i++) {
		(void)median_of(0, parcels, blocks, n, count, back, ours, i);
		(void)median_of(
		    SOCK_STREAM, false, false, n, count, back, stream, i);
		if (n < MIB) {
			(void)median_of(SOCK_SEQPACKET, false, false, n, count,
			    back, packet, i);
		}
	}
	best = bench_median(stream, rounds);
	if (n < MIB) {
		double other = bench_median(packet, rounds);

		best = other < best ? other : best;
	}
	/* messages each millisecond: more is better */
	bench_ratio(name, 1e6 / bench_median(ours, rounds), 1e6 / best, "/ms",
	    bound, true);
	free(ours);
	free(packet);
	free(stream);
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
	compare("64 B there and back", 64, 20000, true, false, false, 0.9);
	compare("4 KiB there and back", 4096, 20000, true, false, false, 0.9);
	compare("64 B one way", 64, 100000, false, false, false, 0.9);
	compare("4 KiB one way", 4096, 50000, false, false, false, 0.9);
	compare("64 KiB one way", 65536, 5000, false, false, false, 0.9);
	compare("1 MiB by value", MIB, 300, false, true, false, 0.2);
	compare("1 MiB through blocks", MIB, 300, false, true, true, 2);
	python();
	return bench_verdict();
}
