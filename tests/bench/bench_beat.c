/* SPDX-License-Identifier: MIT */
/*
 * What a beat costs a worker, beside the datagram that says the same; and what
 * it costs the supervisor to look at ten thousand counters, each in a page of
 * its own that another process may write: at different places, and all at the
 * same.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <reeve/child.h>
#include <reeve/function.h>

#include "bench/bench.h"
#include "wire/page_read.h"

#define BEATS     10000
#define DATAGRAMS 10
#define ROUNDS    1001
#define PAGES     10000
#define SCANS     31
#define NAME      "@reeve-bench-beat-%d"
#define CACHES    ((size_t)64 << 20)

static struct sockaddr_un addr = { .sun_family = AF_UNIX };
static socklen_t addr_len;
static int receiver;

static void
fail(const char *what)
{
	fprintf(stderr, "bench: cannot %s\n", what);
	exit(2);
}

/* The launcher, as far as it matters here. */
static void
listen_as_launcher(void)
{
	char name[64];

	snprintf(name, sizeof(name), NAME, (int)getpid());
	memcpy(addr.sun_path, name, strlen(name));
	addr.sun_path[0] = '\0';
	addr_len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (bind(receiver, (struct sockaddr *)&addr, addr_len) == -1) {
		fail("bind");
	}
	setenv("NOTIFY_SOCKET", name, 1);
	setenv("REEVE_LIFE", "bench/1", 1);
}

static void
drain(void)
{
	char text[64];

	while (recv(receiver, text, sizeof(text), 0) > 0) {
	}
}

static void
send_datagram(void)
{
	static const char text[] = "WATCHDOG=1";
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sendto(fd, text, sizeof(text) - 1, MSG_NOSIGNAL,
		(struct sockaddr *)&addr, addr_len) == -1) {
		fail("send");
	}
	close(fd);
}

/* What of a beat is the call of a shared library, on this machine, now. */
static double
empty_call(void)
{
	int64_t t = bench_now();

	for (int j = 0; j < BEATS; j++) {
		reeve_main_called();
	}
	return (double)(bench_now() - t) / BEATS;
}

static void
bench_beats(void)
{
	unsigned rounds = bench_rounds(ROUNDS);
	double *ours = calloc(rounds, sizeof(double));
	double *raw = calloc(rounds, sizeof(double));
	double *empty = calloc(rounds, sizeof(double));
	int64_t t;

	listen_as_launcher();
	if (reeve_attach() != REEVE_OK) {
		fail("attach");
	}
	drain();
	for (unsigned i = 0; i < rounds; i++) {
		t = bench_now();
		for (int j = 0; j < BEATS; j++) {
			reeve_beat();
		}
		ours[i] = (double)(bench_now() - t) / BEATS;
		t = bench_now();
		for (int j = 0; j < DATAGRAMS; j++) {
			send_datagram();
			drain();
		}
		raw[i] = (double)(bench_now() - t) / DATAGRAMS;
		empty[i] = empty_call();
	}
	bench_figure("a beat", bench_median(ours, rounds), "ns", 3, true);
	bench_figure("a call that does nothing", bench_median(empty, rounds),
	    "ns", 0, false);
	bench_ratio("a beat against a datagram", bench_median(ours, rounds),
	    bench_median(raw, rounds), "ns", 0.01, false);
	close(receiver);
	free(ours);
	free(raw);
	free(empty);
}

static void *maps[PAGES];
static uint32_t beats_at[PAGES];

/* As workers make them, one after the other. */
static void
map_pages(bool coloured)
{
	uint32_t colours = (RV_PAGE_BEATS_END - RV_PAGE_BEATS_FIRST) / 64;

	for (int i = 0; i < PAGES; i++) {
		struct rv_page_head head = { RV_PAGE_MAGIC, RV_PAGE_VERSION,
			1000 + i, RV_PAGE_BEATS_FIRST };
		int fd = memfd_create("reeve-page", MFD_CLOEXEC);
		int32_t pid;

		if (coloured) {
			head.beats_at += (uint32_t)head.pid % colours * 64;
		}
		if (ftruncate(fd, RV_PAGE_BYTES) == -1 ||
		    pwrite(fd, &head, sizeof(head), 0) != sizeof(head)) {
			fail("make a page");
		}
		maps[i] =
		    mmap(NULL, RV_PAGE_BYTES, PROT_READ, MAP_SHARED, fd, 0);
		close(fd);
		if (maps[i] == MAP_FAILED ||
		    !rv_page_check(maps[i], &pid, &beats_at[i])) {
			fail("map a page");
		}
	}
}

static void
unmap_pages(void)
{
	for (int i = 0; i < PAGES; i++) {
		munmap(maps[i], RV_PAGE_BYTES);
	}
}

static double
scan(void)
{
	static uint64_t seen[PAGES];
	volatile uint64_t changed = 0;
	int64_t t = bench_now();

	for (int i = 0; i < PAGES; i++) {
		uint64_t n = rv_page_beats(maps[i], beats_at[i]);

		changed += n != seen[i];
		seen[i] = n;
	}
	return (double)(bench_now() - t) / 1e6;
}

/* What the rest of a second does to the caches. */
static void
forget(void)
{
	static unsigned char *bytes;

	if (bytes == NULL) {
		bytes = malloc(CACHES);
	}
	if (bytes == NULL) {
		fail("allocate");
	}
	memset(bytes, (int)bench_now(), CACHES);
}

static double
median_scan(bool cold)
{
	unsigned rounds = bench_rounds(SCANS);
	double *ms = calloc(rounds, sizeof(double)), median;

	scan();
	for (unsigned i = 0; i < rounds; i++) {
		if (cold) {
			forget();
		}
		ms[i] = scan();
	}
	median = bench_median(ms, rounds);
	free(ms);
	return median;
}

static void
bench_scans(void)
{
	double warm, cold, plain;

	map_pages(true);
	warm = median_scan(false);
	cold = median_scan(true);
	unmap_pages();
	map_pages(false);
	plain = median_scan(false);
	unmap_pages();
	bench_figure("looking at 10000 pages", warm, "ms", 0.5, true);
	bench_figure("looking, with cold caches", cold, "ms", 0, false);
	bench_figure("with all beats at one place", plain, "ms", 0, false);
}

int
main(void)
{
	bench_beats();
	bench_scans();
	return bench_verdict();
}
