/* SPDX-License-Identifier: MIT */
/*
 * What the memory of this process is made of, from /proc/self/smaps: exact,
 * where statm may be off by some pages for each processor.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"

const char *const bench_part_names[BENCH_PARTS] = {
	[BENCH_TEXT] = "text and constants",
	[BENCH_DATA] = "data of programs",
	[BENCH_HEAP] = "heap",
	[BENCH_ROOMS] = "mapped on demand",
	[BENCH_RING] = "ring",
	[BENCH_PAGES] = "pages of workers",
	[BENCH_STACK] = "stack",
};

/* Of a mapping by its name; what was written of a program's is data. */
static enum bench_part
part_of(const char *name)
{
	static const struct {
		const char *name;
		enum bench_part part;
	} parts[] = {
		{ "[heap]", BENCH_HEAP },
		{ "[stack]", BENCH_STACK },
		{ "memfd:reeve-page", BENCH_PAGES },
		{ "/ring-", BENCH_RING },
		{ "/", BENCH_TEXT },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (strstr(name, parts[i].name) != NULL) {
			return parts[i].part;
		}
	}
	return BENCH_ROOMS;
}

void
bench_parts(long kib[static BENCH_PARTS])
{
	FILE *file = fopen("/proc/self/smaps", "r");
	enum bench_part part = BENCH_ROOMS;
	char line[4096], name[4096];
	long n;

	memset(kib, 0, BENCH_PARTS * sizeof(kib[0]));
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		name[0] = '\0';
		if (sscanf(line, "%*x-%*x %*s %*x %*s %*s %4095[^\n]", name) ==
			1 ||
		    strstr(line, " 00:00 0") != NULL) {
			part = part_of(name);
		} else if (sscanf(line, "Rss: %ld", &n) == 1) {
			kib[part] += n;
		} else if (part == BENCH_TEXT &&
			   sscanf(line, "Anonymous: %ld", &n) == 1) {
			kib[BENCH_TEXT] -= n;
			kib[BENCH_DATA] += n;
		}
	}
	if (file != NULL) {
		fclose(file);
	}
}
