/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without a fuzzer, in make check: over its corpus, over
 * every beginning of each file there, over each with single bytes changed, and
 * over a few hostile inputs. Inputs lie in memory of their exact size, so that
 * a sanitizer sees any byte read beyond. One program per target, by fuzz.mk.
 */
#include "config.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Work per file: beyond this size only the whole file is tried. */
#define MUTATE_MAX 4096
#define INPUT_MAX  ((size_t)4 << 20)
/* Of each file so many places are tried; where a run is slow, fewer. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PLACES   96
#define WORK_MAX ((size_t)6 << 20)
#else
#define PLACES   512
#define WORK_MAX ((size_t)16 << 20)
#endif
#define PLACES_SLOW 32
#define PLACES_FEW  8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes that a target has moved, where an input of few can ask for many. */
extern size_t rv_fuzz_work __attribute__((weak));

static size_t runs;

static void
run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size != 0 ? size : 1);

	if (copy == NULL) {
		abort();
	}
	if (size != 0) {
		memcpy(copy, data, size);
	}
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	runs++;
}

static void
run_hostile(void)
{
	static uint8_t big[65536];
	static const uint8_t fills[] = { 0x00, 0xff, '[', '{', '"', '\n' };

	run(NULL, 0);
	for (unsigned byte = 0; byte < 256; byte++) {
		big[0] = (uint8_t)byte;
		run(big, 1);
	}
	for (size_t i = 0; i < sizeof(fills); i++) {
		memset(big, fills[i], sizeof(big));
		run(big, sizeof(big));
		run(big, 4);
	}
}

/* The whole, and how many places of it are to be tried: few if it is heavy. */
static size_t
run_whole(const uint8_t *data, size_t size)
{
	size_t places = getenv("REEVE_VALGRIND") ? PLACES_SLOW : PLACES;
	size_t before = &rv_fuzz_work != NULL ? rv_fuzz_work : 0;
	size_t fit;

	run(data, size);
	if (&rv_fuzz_work == NULL || rv_fuzz_work == before) {
		return places;
	}
	/* Each place is run four times. */
	fit = WORK_MAX / 4 / (rv_fuzz_work - before);
	if (fit < PLACES_FEW) {
		fit = PLACES_FEW;
	}
	return fit < places ? fit : places;
}

static void
run_variants(uint8_t *data, size_t size)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	size_t step = size / run_whole(data, size) + 1;

	if (size > MUTATE_MAX) {
		return;
	}
	for (size_t cut = 0; cut < size; cut += step) {
		run(data, cut);
	}
	for (size_t at = 0; at < size; at += step) {
		for (size_t i = 0; i < sizeof(flips); i++) {
			data[at] ^= flips[i];
			run(data, size);
			data[at] ^= flips[i];
		}
	}
}

/* False when the file cannot be read. */
static bool
run_file(const char *path)
{
	uint8_t *data = malloc(INPUT_MAX);
	FILE *file = fopen(path, "rb");
	size_t size;

	if (data == NULL || file == NULL) {
		free(data);
		return false;
	}
	size = fread(data, 1, INPUT_MAX, file);
	fclose(file);
	run_variants(data, size);
	free(data);
	return true;
}

/* The number of files in the corpus, each of which was run; -1: cannot. */
static int
run_corpus(const char *dir_path)
{
	char path[8192];
	struct dirent *entry;
	struct stat st;
	int files = 0;
	DIR *dir = opendir(dir_path);

	if (dir == NULL) {
		return -1;
	}
	while ((entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir_path, entry->d_name);
		if (stat(path, &st) == -1 || !S_ISREG(st.st_mode)) {
			continue;
		}
		if (!run_file(path)) {
			files = -1;
			break;
		}
		files++;
	}
	closedir(dir);
	return files;
}

int
main(int argc, char **argv)
{
	const char *src = getenv("top_srcdir");
	char dir[4096];
	int files;

	snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s",
	    src != NULL ? src : ".", REPLAY_NAME);
	printf("1..2\n");
	run_hostile();
	printf("ok 1 - hostile input does no harm\n");
	files = run_corpus(argc > 1 ? argv[1] : dir);
	if (files <= 0) {
		printf("# cannot find a corpus in %s\n", dir);
	}
	printf("%s 2 - the corpus and its variants do no harm\n",
	    files > 0 ? "ok" : "not ok");
	printf("# %d files, %zu runs\n", files, runs);
	return files > 0 ? 0 : 1;
}
