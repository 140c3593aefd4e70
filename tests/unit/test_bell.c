/* SPDX-License-Identifier: MIT */
/*
 * Bells: set, cleared and waited for, within a process and between two; what
 * is no bell, and a machine without a descriptor left.
 */
#include "config.h"

#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/bell.h>

#include "base/fault.h"
#include "unit/crew_rig.h"

static struct reeve_bell *
new_bell(void)
{
	struct reeve_bell *bell = NULL;
	struct reeve_error err;

	CU_ASSERT_EQUAL_FATAL(reeve_bell_new(&bell, &err), REEVE_OK);
	return bell;
}

RV_TEST(a_bell_is_set_until_it_is_cleared)
{
	struct reeve_bell *bell = new_bell();

	CU_ASSERT_FALSE(reeve_bell_is_set(bell));
	reeve_bell_set(bell);
	reeve_bell_set(bell);
	CU_ASSERT_TRUE(reeve_bell_is_set(bell));
	CU_ASSERT_EQUAL(reeve_bell_wait(bell, 0), REEVE_OK);
	CU_ASSERT_TRUE(reeve_bell_is_set(bell));
	reeve_bell_clear(bell);
	CU_ASSERT_FALSE(reeve_bell_is_set(bell));
	reeve_bell_clear(bell);
	reeve_bell_free(bell);
	reeve_bell_free(NULL);
}

RV_TEST(a_wait_ends_at_its_timeout)
{
	struct reeve_bell *bell = new_bell();

	CU_ASSERT_EQUAL(reeve_bell_wait(bell, 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_bell_wait(bell, -5), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_bell_wait(bell, REEVE_MS(5)), REEVE_ETIMEDOUT);
	reeve_bell_free(bell);
}

static int
set_it_after_the_other(void *ctx)
{
	struct reeve_bell *bell = NULL, *other = NULL;
	struct reeve_handle handle = crew_given("bell"),
			    before = crew_given("other");

	(void)ctx;
	CREW_EXPECT(reeve_bell_open(&bell, &handle, NULL) == REEVE_OK);
	CREW_EXPECT(reeve_bell_open(&other, &before, NULL) == REEVE_OK);
	reeve_handle_close(&handle);
	reeve_handle_close(&before);
	CREW_EXPECT(handle.kind == REEVE_SHARE_NONE);
	CREW_EXPECT(!reeve_bell_is_set(bell));
	CREW_EXPECT(reeve_bell_wait(other, REEVE_FOREVER) == REEVE_OK);
	reeve_bell_set(bell);
	reeve_bell_free(other);
	reeve_bell_free(bell);
	return 0;
}

CREW_SCENARIO(scenario_53_who_has_its_handle_hears_it_in_another_process)
{
	struct reeve_bell *bells[2] = { new_bell(), new_bell() };
	pid_t pid;

	for (int i = 0; i < 2; i++) {
		struct reeve_handle handle;

		CU_ASSERT_EQUAL_FATAL(
		    reeve_bell_handle(bells[i], &handle, NULL), REEVE_OK);
		crew_give(i == 0 ? "bell" : "other", handle);
	}
	pid = crew_start(set_it_after_the_other, NULL);
	CU_ASSERT_EQUAL(reeve_bell_wait(bells[0], 0), REEVE_ETIMEDOUT);
	reeve_bell_set(bells[1]);
	CU_ASSERT_EQUAL(reeve_bell_wait(bells[0], REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_EQUAL(crew_end(pid), 0);
	CU_ASSERT_TRUE(reeve_bell_is_set(bells[0]));
	reeve_bell_clear(bells[0]);
	CU_ASSERT_FALSE(reeve_bell_is_set(bells[0]));
	reeve_bell_free(bells[0]);
	reeve_bell_free(bells[1]);
}

RV_TEST(what_is_no_bell_is_refused_and_a_full_table_is_said)
{
	struct reeve_bell *bell = NULL;
	struct reeve_handle handle = reeve_handle_of_fd(0);
	struct reeve_error err;

	CU_ASSERT_EQUAL(reeve_bell_open(&bell, &handle, &err), REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "a plain descriptor's"));
	handle = (struct reeve_handle){ 0 };
	CU_ASSERT_EQUAL(reeve_bell_open(&bell, &handle, &err), REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "empty"));
	CU_ASSERT_EQUAL(reeve_bell_open(&bell, NULL, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_bell_new(NULL, NULL), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_bell_wait(NULL, 0), REEVE_EINVALID);
	CU_ASSERT_TRUE(rv_fault_set("eventfd=EMFILE"));
	CU_ASSERT_EQUAL(reeve_bell_new(&bell, &err), REEVE_ESYS);
	CU_ASSERT_TRUE(rv_fault_set("alloc=ENOMEM"));
	CU_ASSERT_EQUAL(reeve_bell_new(&bell, &err), REEVE_ENOMEM);
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	CU_ASSERT_PTR_NULL(bell);
}

RV_SUITE(bell, RV_CASE(a_bell_is_set_until_it_is_cleared),
    RV_CASE(a_wait_ends_at_its_timeout),
    RV_CASE(scenario_53_who_has_its_handle_hears_it_in_another_process),
    RV_CASE(what_is_no_bell_is_refused_and_a_full_table_is_said))