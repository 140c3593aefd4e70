/* SPDX-License-Identifier: MIT */
/*
 * Recording one event in the supervisor, clock included, beside a raw copy of
 * as many bytes into a mapped file with one clock read. A reader drains, so
 * that the ring is never full.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/bench.h"
#include "journal/journal.h"
#include "sys/sys.h"
#include "wire/ring.h"

#define BATCH  1000
#define ROUNDS 500

static struct rv_journal *journal;
static struct rv_ring ring;
static void *map;
static size_t map_size;

static void
open_journal(void)
{
	struct rv_journal_options options = {
		.dir = bench_dir(),
		.run_id = "bench",
		.size = 4 << 20,
		.max_units = 1000,
		.version = "",
		.config_digest = "",
		.config_text = "",
		.hostname = "",
		.boot_id = "",
	};
	struct reeve_error err;
	off_t size;

	if (rv_journal_create(&journal, &options, &err) != REEVE_OK) {
		fprintf(stderr, "bench: %s\n", err.text);
		exit(2);
	}
	rv_journal_set_first_id(journal, 1);
	size = lseek(rv_journal_ring_fd(journal), 0, SEEK_END);
	map_size = (size_t)size;
	map = rv_sys_mmap_shared(rv_journal_ring_fd(journal), map_size, true);
	if (map == NULL ||
	    rv_ring_attach(&ring, map, map_size, &err) != REEVE_OK) {
		exit(2);
	}
}

static void
record(void)
{
	struct rv_fields fields = { 0 };
	struct rv_record r = {
		.kind = RV_KIND_WORKER_EXITED,
		.life = 12345,
		.path = "web/app.7",
		.path_len = 9,
		.fields = &fields,
	};

	rv_fields_str(&fields, RV_KEY_REASON, "signaled");
	rv_fields_int(&fields, RV_KEY_SIGNAL, 11);
	rv_fields_bool(&fields, RV_KEY_CORE, false);
	rv_fields_int(&fields, RV_KEY_PID, 4711);
	rv_fields_int(&fields, RV_KEY_UTIME_US, 1000);
	rv_fields_int(&fields, RV_KEY_STIME_US, 1000);
	rv_fields_int(&fields, RV_KEY_MAX_RSS_KIB, 1000);
	rv_fields_str(&fields, RV_KEY_DECISION, "restart");
	rv_journal_record(journal, &r, 7);
}

static void
drain(void)
{
	struct rv_ring_cursor at;
	const void *payload;
	size_t len;

	rv_ring_begin(&ring, &at);
	while (rv_ring_next(&ring, &at, &payload, &len) == 1) {
	}
	rv_ring_release(&ring, &at);
}

int
main(void)
{
	unsigned rounds = bench_rounds(ROUNDS);
	double *ours = calloc(rounds, sizeof(double));
	double *raw = calloc(rounds, sizeof(double));
	static char bytes[200], *at;
	int64_t t;

	open_journal();
	at = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	for (unsigned i = 0; i < rounds; i++) {
		t = bench_now();
		for (int j = 0; j < BATCH; j++) {
			record();
		}
		ours[i] = (double)(bench_now() - t) / BATCH;
		drain();
		t = bench_now();
		for (int j = 0; j < BATCH; j++) {
			int64_t wall = rv_sys_wall_us();

			memcpy(bytes, &wall, sizeof(wall));
			memcpy(at + (size_t)j * 208, bytes, sizeof(bytes));
		}
		raw[i] = (double)(bench_now() - t) / BATCH;
	}
	bench_figure(
	    "recording an event", bench_median(ours, rounds), "ns", 250, true);
	bench_ratio("recording against a bare copy", bench_median(ours, rounds),
	    bench_median(raw, rounds), "ns", 10, false);
	munmap(map, map_size);
	rv_journal_close(journal);
	bench_end();
	free(ours);
	free(raw);
	return bench_verdict();
}
