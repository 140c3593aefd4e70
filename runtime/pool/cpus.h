/* SPDX-License-Identifier: MIT */
/*
 * How many processors there are for this process, and how deep it is in pools
 * of pools. What files and the environment say is parsed by pure functions;
 * cpus_read.c alone opens files.
 */
#ifndef RV_POOL_CPUS_H
#define RV_POOL_CPUS_H

#include <reeve/error.h>

#include "base/base.h"

#define RV_CPUS_MAX   65536
#define RV_POOL_DEPTH 10 /* pools in pools, the outermost included */
#define RV_CPUS_PATH  4096

/* As in <reeve/pool.h>; in cpus_read.c. */
REEVE_PUBLIC uint32_t reeve_cpus(void);

/* -------- pure -------- */

/* Processors for quota / period, rounded up; 0: no limit, or nonsense. */
uint32_t rv_cpus_of_quota(int64_t quota, int64_t period);
/* The text of a cpu.max: "max 100000", "150000 100000". */
uint32_t rv_cpus_of_max(const char *text);
/* Of two limits, where 0 is none, the smaller one. */
uint32_t rv_cpus_least(uint32_t a, uint32_t b);
/* What REEVE_POOL_CPUS has: 0 when it is unset (NULL) or no number. */
uint32_t rv_cpus_of_budget(const char *text);
/* For each of so many workers of a pool. */
uint32_t rv_cpus_share(uint32_t cpus, uint32_t workers);

/* Where the files of a group are, as seen from this process. */
struct rv_cpus_place {
	char mount[RV_CPUS_PATH]; /* no limit is above that */
	char path[RV_CPUS_PATH];  /* of the own group; begins with mount */
};
/*
 * By the texts of /proc/self/mountinfo and /proc/self/cgroup; `unified`: of
 * version 2, else of the cpu controller of version 1. False: there is none.
 */
bool rv_cpus_place(const char *mountinfo, const char *cgroup, bool unified,
    struct rv_cpus_place *);
/* The group above, by shortening the path; false at the mount. */
bool rv_cpus_above(struct rv_cpus_place *);

/*
 * How many pools this process is in, by REEVE_POOL_DEPTH (NULL: 0). Fails
 * where a further one would be too many (REEVE_EFULL), or with REEVE_EINVALID.
 */
enum reeve_status rv_pool_depth(
    const char *text, uint32_t *depth, struct reeve_error *) RV_MUST_CHECK;

#endif
