/* SPDX-License-Identifier: MIT */
/*
 * The processors that this process may use: it asks the kernel and reads the
 * files of its control groups, each time anew, since both can be changed while
 * it runs. What cannot be read limits nothing.
 */
#include "config.h"

#include "pool/cpus.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "sys/sys.h"

#define MASK_WORDS (RV_CPUS_MAX / 64)
#define TEXT_MAX   65536

/* The file's text, cut at size - 1; false when it cannot be read. */
static bool
read_text(const char *path, char *text, size_t size)
{
	int fd = rv_sys_open(path, O_RDONLY, 0);
	size_t length = 0;
	ssize_t n = fd == -1 ? -1 : 1;

	while (n > 0 && length < size - 1) {
		n = rv_sys_read(fd, text + length, size - 1 - length);
		length += n > 0 ? (size_t)n : 0;
	}
	if (fd != -1) {
		close(fd);
	}
	text[length] = '\0';
	return n >= 0;
}

static uint32_t
by_affinity(void)
{
	uint64_t mask[MASK_WORDS] = { 0 };
	uint32_t cpus = 0;

	if (sched_getaffinity(0, sizeof(mask), (cpu_set_t *)mask) != 0) {
		long online = sysconf(_SC_NPROCESSORS_ONLN);

		return online > 0 ? (uint32_t)RV_MIN(online, RV_CPUS_MAX) : 1;
	}
	for (size_t i = 0; i < MASK_WORDS; i++) {
		cpus += (uint32_t)__builtin_popcountll(mask[i]);
	}
	return cpus;
}

static int64_t
read_number(const char *directory, const char *name)
{
	char path[RV_CPUS_PATH + 64], text[64];
	int64_t n = 0;

	rv_format(path, sizeof(path), "%s/%s", directory, name);
	if (read_text(path, text, sizeof(text))) {
		text[strcspn(text, "\n")] = '\0';
	}
	return rv_parse_int(text, 1, INT64_MAX, &n) ? n : 0;
}

static uint32_t
limit_of(const char *group, bool unified)
{
	char path[RV_CPUS_PATH + 64], text[64];

	if (!unified) {
		return rv_cpus_of_quota(read_number(group, "cpu.cfs_quota_us"),
		    read_number(group, "cpu.cfs_period_us"));
	}
	rv_format(path, sizeof(path), "%s/cpu.max", group);
	return read_text(path, text, sizeof(text)) ? rv_cpus_of_max(text) : 0;
}

/* Of the own group and all that it is in. */
static uint32_t
by_groups(const char *mounts, const char *groups, bool unified)
{
	struct rv_cpus_place place;
	uint32_t least = 0;

	if (!rv_cpus_place(mounts, groups, unified, &place)) {
		return 0;
	}
	do {
		least = rv_cpus_least(least, limit_of(place.path, unified));
	} while (rv_cpus_above(&place));
	return least;
}

static uint32_t
by_quota(void)
{
	char *texts = rv_alloc(2, TEXT_MAX);
	uint32_t least = 0;

	if (texts != NULL &&
	    read_text("/proc/self/mountinfo", texts, TEXT_MAX) &&
	    read_text("/proc/self/cgroup", texts + TEXT_MAX, TEXT_MAX)) {
		least = rv_cpus_least(by_groups(texts, texts + TEXT_MAX, true),
		    by_groups(texts, texts + TEXT_MAX, false));
	}
	rv_free(texts);
	return least;
}

uint32_t
reeve_cpus(void)
{
	uint32_t cpus = by_affinity();

	cpus = rv_cpus_least(cpus, by_quota());
	cpus =
	    rv_cpus_least(cpus, rv_cpus_of_budget(getenv("REEVE_POOL_CPUS")));
	return RV_MAX(cpus, 1);
}
