/* SPDX-License-Identifier: MIT */
/* How many processors there are for this process: runtime/pool/cpus.h. */
#include "config.h"

#include "lib/harness.h"
#include "pool/cpus.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

RV_TEST(a_quota_is_rounded_up_to_processors)
{
	static const struct {
		const char *text;
		uint32_t cpus;
	} cases[] = {
		{ "max 100000\n", 0 },
		{ "100000 100000\n", 1 },
		{ "100001 100000\n", 2 },
		{ "150000 100000\n", 2 },
		{ "200000 100000\n", 2 },
		{ "1 100000\n", 1 },
		{ "50000 1000", 50 },
		{ "9223372036854775807 1\n", RV_CPUS_MAX },
		{ "9223372036854775808 1\n", 0 },
		{ "0 100000\n", 0 },
		{ "-1 100000\n", 0 },
		{ "100000 0\n", 0 },
		{ "100000\n", 0 },
		{ "100000 max\n", 0 },
		{ "", 0 },
		{ "\n", 0 },
		{ "rubbish of more words than there should be", 0 },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(cases); i++) {
		if (rv_cpus_of_max(cases[i].text) != cases[i].cpus) {
			printf("# %s\n", cases[i].text);
		}
		CU_ASSERT_EQUAL(rv_cpus_of_max(cases[i].text), cases[i].cpus);
	}
	CU_ASSERT(rv_cpus_of_quota(-1, 100000) == 0);
	CU_ASSERT(rv_cpus_of_quota(250000, 100000) == 3);
	CU_ASSERT(rv_cpus_of_quota(INT64_MAX, 1) == RV_CPUS_MAX);
}

RV_TEST(the_least_limit_holds_and_none_is_no_limit)
{
	CU_ASSERT(rv_cpus_least(0, 0) == 0);
	CU_ASSERT(rv_cpus_least(0, 3) == 3);
	CU_ASSERT(rv_cpus_least(3, 0) == 3);
	CU_ASSERT(rv_cpus_least(2, 3) == 2);
	CU_ASSERT(rv_cpus_least(3, 2) == 2);
}

RV_TEST(a_budget_is_a_number_or_none)
{
	CU_ASSERT(rv_cpus_of_budget(NULL) == 0);
	CU_ASSERT(rv_cpus_of_budget("") == 0);
	CU_ASSERT(rv_cpus_of_budget("0") == 0);
	CU_ASSERT(rv_cpus_of_budget("-1") == 0);
	CU_ASSERT(rv_cpus_of_budget("2x") == 0);
	CU_ASSERT(rv_cpus_of_budget("2") == 2);
	CU_ASSERT(rv_cpus_of_budget("99999999999") == 0);
	CU_ASSERT(rv_cpus_share(8, 4) == 2);
	CU_ASSERT(rv_cpus_share(8, 3) == 2);
	CU_ASSERT(rv_cpus_share(2, 8) == 1);
	CU_ASSERT(rv_cpus_share(0, 0) == 1);
}

#define V2(root, mount) \
	"41 31 0:38 " root " " mount " rw,relatime - cgroup2 cgroup2 rw\n"
#define V1(root, mount, what)        \
	"32 31 0:29 " root " " mount \
	" rw shared:9 master:1 - cgroup c rw," what "\n"
#define OTHER "22 1 0:20 / /proc rw - proc proc rw\n"

RV_TEST(the_group_is_found_below_its_mount)
{
	static const struct {
		const char *mounts, *groups, *path; /* NULL: there is none */
		bool unified;
	} cases[] = {
		{ V2("/", "/sys/fs/cgroup"), "0::/a/b\n", "/sys/fs/cgroup/a/b",
		    true },
		{ V2("/", "/sys/fs/cgroup"), "0::/\n", "/sys/fs/cgroup", true },
		/* a part of the tree is mounted, as in containers */
		{ V2("/docker/x", "/sys/fs/cgroup"), "0::/docker/x/y\n",
		    "/sys/fs/cgroup/y", true },
		{ V2("/docker/x", "/sys/fs/cgroup"), "0::/docker/x\n",
		    "/sys/fs/cgroup", true },
		{ V2("/docker/x", "/sys/fs/cgroup"), "0::/docker/xy\n",
		    "/sys/fs/cgroup/docker/xy", true },
		{ OTHER V2("/", "/mnt/a\\040b"), "1:cpu:/v1\n0::/a\n",
		    "/mnt/a b/a", true },
		{ V1("/", "/cg/mem", "memory")
			V1("/", "/cg/cpu", "cpu,cpuacct"),
		    "5:memory:/m\n4:cpuacct,cpu:/c:d\n0::/u\n", "/cg/cpu/c:d",
		    false },
		{ V1("/", "/cg/set", "cpuset"), "3:cpuset:/\n", NULL, false },
		{ V1("/", "/cg/cpu", "cpu"), "3:cpuset:/\n", NULL, false },
		{ V1("/", "/cg/cpu", "cpu"), "0::/a\n", NULL, true },
		{ V2("/", "/sys/fs/cgroup"), "4:cpu:/a\n", NULL, true },
		{ V2("/", "/sys/fs/cgroup"), "", NULL, true },
		{ V2("/", "/sys/fs/cgroup"), "0:\n0\n:\n", NULL, true },
		{ "", "0::/a\n", NULL, true },
		{ "1 2 3\n- cgroup2\n\n", "0::/a\n", NULL, true },
	};
	static struct rv_cpus_place place;

	for (size_t i = 0; i < RV_ARRAY_LEN(cases); i++) {
		bool found = rv_cpus_place(
		    cases[i].mounts, cases[i].groups, cases[i].unified, &place);

		CU_ASSERT_EQUAL(found, cases[i].path != NULL);
		if (found && cases[i].path != NULL &&
		    strcmp(place.path, cases[i].path) != 0) {
			CU_FAIL("another path");
			printf("# case %zu: %s\n", i, place.path);
		}
	}
}

RV_TEST(limits_of_all_groups_up_to_the_mount_hold)
{
	static struct rv_cpus_place place;

	CU_ASSERT_FATAL(rv_cpus_place(
	    V2("/", "/sys/fs/cgroup"), "0::/a/b\n", true, &place));
	CU_ASSERT_STRING_EQUAL(place.path, "/sys/fs/cgroup/a/b");
	CU_ASSERT(rv_cpus_above(&place));
	CU_ASSERT_STRING_EQUAL(place.path, "/sys/fs/cgroup/a");
	CU_ASSERT(rv_cpus_above(&place));
	CU_ASSERT_STRING_EQUAL(place.path, "/sys/fs/cgroup");
	CU_ASSERT(!rv_cpus_above(&place));
}

RV_TEST(a_line_of_any_length_is_no_trouble)
{
	static char mounts[60000], groups[60000];
	static struct rv_cpus_place place;

	memset(mounts, 'x', sizeof(mounts) - 1);
	memset(groups, '/', sizeof(groups) - 1);
	memcpy(groups, "0::", 3);
	CU_ASSERT(!rv_cpus_place(mounts, groups, true, &place));
	CU_ASSERT(rv_cpus_place(V2("/", "/m"), groups, true, &place));
	while (rv_cpus_above(&place)) {
		CU_ASSERT_FATAL(strlen(place.path) < sizeof(place.path));
	}
}

RV_TEST(pools_are_in_one_another_no_deeper_than_ten)
{
	struct reeve_error err = { 0 };
	uint32_t depth = 99;

	CU_ASSERT(rv_pool_depth(NULL, &depth, &err) == REEVE_OK && depth == 0);
	CU_ASSERT(rv_pool_depth("9", &depth, &err) == REEVE_OK && depth == 9);
	CU_ASSERT(rv_pool_depth("10", &depth, &err) == REEVE_EFULL);
	CU_ASSERT_STRING_EQUAL(err.text,
	    "cannot make a pool inside of 10 others: at most 10 can be in one "
	    "another");
	CU_ASSERT(rv_pool_depth("2147483647", &depth, NULL) == REEVE_EFULL);
	CU_ASSERT(rv_pool_depth("two", &depth, &err) == REEVE_EINVALID);
	CU_ASSERT_STRING_EQUAL(err.text,
	    "cannot make a pool: REEVE_POOL_DEPTH is \"two\", which is no "
	    "number of pools");
	CU_ASSERT(rv_pool_depth("", &depth, NULL) == REEVE_EINVALID);
	CU_ASSERT(rv_pool_depth("-1", &depth, NULL) == REEVE_EINVALID);
	CU_ASSERT(depth == 9);
}

RV_TEST(affinity_and_budget_bound_what_this_process_has)
{
	cpu_set_t before, one;
	uint32_t all = reeve_cpus();
	int first = 0;

	CU_ASSERT(all >= 1);
	CU_ASSERT_FATAL(sched_getaffinity(0, sizeof(before), &before) == 0);
	CU_ASSERT(all <= (uint32_t)CPU_COUNT(&before));
	while (!CPU_ISSET(first, &before)) {
		first++;
	}
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	CU_ASSERT_FATAL(sched_setaffinity(0, sizeof(one), &one) == 0);
	CU_ASSERT_EQUAL(reeve_cpus(), 1);
	CU_ASSERT_FATAL(sched_setaffinity(0, sizeof(before), &before) == 0);
	CU_ASSERT_EQUAL(reeve_cpus(), all);
	setenv("REEVE_POOL_CPUS", "1", 1);
	CU_ASSERT_EQUAL(reeve_cpus(), 1);
	setenv("REEVE_POOL_CPUS", "nonsense", 1);
	CU_ASSERT_EQUAL(reeve_cpus(), all);
	unsetenv("REEVE_POOL_CPUS");
}

RV_SUITE(pool_cpus, RV_CASE(a_quota_is_rounded_up_to_processors),
    RV_CASE(the_least_limit_holds_and_none_is_no_limit),
    RV_CASE(a_budget_is_a_number_or_none),
    RV_CASE(the_group_is_found_below_its_mount),
    RV_CASE(limits_of_all_groups_up_to_the_mount_hold),
    RV_CASE(a_line_of_any_length_is_no_trouble),
    RV_CASE(pools_are_in_one_another_no_deeper_than_ten),
    RV_CASE(affinity_and_budget_bound_what_this_process_has))
