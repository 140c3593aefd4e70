/* SPDX-License-Identifier: MIT */
/*
 * How many processors this process may use: those it may run on, and no more
 * than the quotas of its cgroups (v2) pay for.
 */
#include "config.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/map/map.h"

static unsigned
by_affinity(void)
{
	cpu_set_t set;
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	if (sched_getaffinity(0, sizeof(set), &set) == 0) {
		return (unsigned)CPU_COUNT(&set);
	}
	return online > 0 ? (unsigned)online : 1;
}

/* Of one cgroup, rounded up; UINT_MAX: it has none. */
static unsigned
quota_of(const char *dir)
{
	char path[PATH_MAX + 32];
	unsigned long long quota = 0, period = 0;
	unsigned cpus = UINT_MAX;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", dir);
	file = fopen(path, "re");
	if (file == NULL) {
		return cpus;
	}
	if (fscanf(file, "%llu %llu", &quota, &period) == 2 && period > 0) {
		cpus = (unsigned)((quota + period - 1) / period);
	}
	fclose(file);
	return cpus > 0 ? cpus : 1;
}

static bool
own_cgroup(char *dir, size_t size)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];
	bool found = false;

	while (
	    file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::", 3) == 0) {
			snprintf(dir, size, "%s", line + 3);
			found = true;
		}
	}
	if (file != NULL) {
		fclose(file);
	}
	return found;
}

unsigned
map_cpus(void)
{
	char dir[PATH_MAX];
	unsigned cpus = by_affinity();

	if (!own_cgroup(dir, sizeof(dir))) {
		return cpus;
	}
	for (;;) {
		unsigned quota = quota_of(strcmp(dir, "/") != 0 ? dir : "");
		char *slash = strrchr(dir, '/');

		cpus = quota < cpus ? quota : cpus;
		if (slash == NULL || dir[0] == '\0' || strcmp(dir, "/") == 0) {
			return cpus;
		}
		*slash = '\0';
	}
}
