/* SPDX-License-Identifier: MIT */
/* Groups, descendants and orphans: what is left when a life has ended. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/harness.h"
#include "sys/sys.h"
#include "unit/launcher_rig.h"
#include "wire/launch.h"

static bool
all_gone(struct rig *rig, uint64_t unused)
{
	pid_t pids[8];
	unsigned n = rig_pids(rig_file(rig, "family"), pids, 8);

	(void)unused;
	for (unsigned i = 0; i < n; i++) {
		if (!rig_is_gone(pids[i])) {
			return false;
		}
	}
	return true;
}

static uint64_t
start_family(struct rig *rig, const char *one, const char *two)
{
	struct rig_spec s;
	pid_t pids[8];
	uint64_t life;

	unlink(rig_file(rig, "family"));
	rig_spec(&s, "family", rig_file(rig, "family"), one, two, NULL);
	life = rig_launch_ready(rig, &s);
	CU_ASSERT_EQUAL(
	    rig_pids(rig_file(rig, "family"), pids, 8), two == NULL ? 1 : 2);
	CU_ASSERT(!all_gone(rig, 0));
	return life;
}

static void
expect_group_killed(const char *faults)
{
	struct rig rig;
	uint64_t life;

	rig_open(&rig, faults);
	life = start_family(&rig, "group", "group");
	kill(rig_of(&rig, life)->pid, SIGKILL);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	/* Not one of them is alive when the end is told. */
	CU_ASSERT(all_gone(&rig, 0));
	CU_ASSERT_EQUAL(rig_of(&rig, life)->death.leftover, 2);
	CU_ASSERT(!rig_of(&rig, life)->death.survivors);
	CU_ASSERT_EQUAL(rig_of(&rig, life)->death.end.number, SIGKILL);
	rig_close(&rig);
}

RV_TEST(the_group_of_a_crashed_leader_is_gone_before_its_end_is_told)
{
	expect_group_killed(NULL);
}

RV_TEST(so_it_is_on_kernels_without_signals_to_groups_by_pidfd)
{
	expect_group_killed("pidfd_group=EINVAL");
}

RV_TEST(so_it_is_without_any_pidfd)
{
	expect_group_killed("clone_pidfd=EINVAL,pidfd_open=ENOSYS");
}

RV_TEST(so_it_is_with_every_fallback_at_once)
{
	expect_group_killed(
	    "clone_vm=ENOSYS,clone_pidfd=EINVAL,pidfd_open=ENOSYS,"
	    "pidfd_send_signal=ENOSYS,pidfd_group=EINVAL,pidfd_wait=EINVAL,"
	    "pidfd_info=ENOTTY,close_range=ENOSYS");
}

RV_TEST(a_leader_that_ends_by_itself_takes_its_group_along)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life;

	rig_open(&rig, NULL);
	rig_spec(&s, "family", rig_file(&rig, "family"), "group", "exit", NULL);
	life = rig_launch(&rig, &s);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT_EQUAL(rig_of(&rig, life)->death.end.number, 5);
	CU_ASSERT_EQUAL(rig_of(&rig, life)->death.leftover, 1);
	CU_ASSERT(all_gone(&rig, 0));
	rig_close(&rig);
}

RV_TEST(what_fled_from_a_crashed_life_is_found_soon)
{
	struct rig rig;
	uint64_t life;

	rig_open(&rig, NULL);
	life = start_family(&rig, "fled", "deep");
	kill(rig_of(&rig, life)->pid, SIGKILL);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT(rig_wait(&rig, all_gone, 0));
	rig_close(&rig);
}

RV_TEST(an_end_that_was_asked_for_leaves_nobody_who_fled)
{
	struct rig rig;
	uint64_t life;

	rig_open(&rig, NULL);
	life = start_family(&rig, "fled", "deep");
	rv_start_expect_end(rig.start, life);
	rig_sync(&rig);
	kill(rig_of(&rig, life)->pid, SIGKILL);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT(all_gone(&rig, 0));
	CU_ASSERT_EQUAL(rig_of(&rig, life)->death.leftover, 2);
	rig_close(&rig);
}

RV_TEST(a_kill_finds_descendants_without_session_or_mark)
{
	struct rig rig;
	uint64_t life;

	rig_open(&rig, NULL);
	life = start_family(&rig, "bare", "group");
	rv_start_kill(rig.start, life, RV_KILL_GROUP);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT(all_gone(&rig, 0));
	CU_ASSERT_EQUAL(rig_of(&rig, life)->death.leftover, 2);
	rig_close(&rig);
}

RV_TEST(kill_mode_process_leaves_the_others_alone)
{
	struct rig rig;
	struct rig_spec s;
	pid_t pids[8];
	uint64_t life;

	rig_open(&rig, NULL);
	rig_spec(&s, "family", rig_file(&rig, "family"), "group", "fled", NULL);
	s.policy.kill_mode = RV_KILL_PROCESS;
	life = rig_launch_ready(&rig, &s);
	rv_start_kill(rig.start, life, RV_KILL_PROCESS);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT_EQUAL(rig_of(&rig, life)->death.leftover, 0);
	CU_ASSERT_EQUAL_FATAL(rig_pids(rig_file(&rig, "family"), pids, 8), 2);
	/* A later end of another makes the launcher look around. */
	rig_spec(&s, "ending", "exit", "0", NULL);
	CU_ASSERT(rig_wait(&rig, rig_died, rig_launch(&rig, &s)));
	rig_sync(&rig);
	CU_ASSERT(!rig_is_gone(pids[0]));
	CU_ASSERT(!rig_is_gone(pids[1]));
	kill(pids[0], SIGKILL);
	kill(pids[1], SIGKILL);
	CU_ASSERT(rig_wait(&rig, all_gone, 0));
	rig_close(&rig);
}

RV_TEST(orphans_of_the_living_are_left_alone)
{
	struct rig rig;
	struct rig_spec s;
	pid_t pids[8];
	uint64_t life;

	rig_open(&rig, NULL);
	life = start_family(&rig, "deep", NULL);
	rig_spec(&s, "ending", "exit", "0", NULL);
	for (int i = 0; i < 3; i++) {
		uint64_t other = rig_launch(&rig, &s);

		rv_start_expect_end(rig.start, other);
		CU_ASSERT(rig_wait(&rig, rig_died, other));
	}
	CU_ASSERT_EQUAL_FATAL(rig_pids(rig_file(&rig, "family"), pids, 8), 1);
	CU_ASSERT(!rig_is_gone(pids[0]));
	rv_start_kill(rig.start, life, RV_KILL_GROUP);
	CU_ASSERT(rig_wait(&rig, rig_died, life));
	CU_ASSERT(rig_is_gone(pids[0]));
	rig_close(&rig);
}

RV_TEST(a_stranger_that_ends_is_reaped)
{
	struct rig rig;
	uint64_t life;
	pid_t pids[8];

	rig_open(&rig, NULL);
	life = start_family(&rig, "deep", NULL);
	CU_ASSERT_EQUAL_FATAL(rig_pids(rig_file(&rig, "family"), pids, 8), 1);
	kill(pids[0], SIGKILL);
	CU_ASSERT(rig_wait(&rig, all_gone, 0));
	CU_ASSERT(!rig_of(&rig, life)->died);
	rig_close(&rig);
}

RV_TEST(a_child_that_closed_all_and_left_its_session_is_killed)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life;

	rig_open(&rig, NULL);
	rig_spec(&s, "close_all", NULL);
	life = rig_launch_ready(&rig, &s);
	rv_start_kill(rig.start, life, RV_KILL_GROUP);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT(rig_is_gone(rig_of(&rig, life)->pid));
	rig_close(&rig);
}

RV_TEST(a_stopped_group_is_killed_too)
{
	struct rig rig;
	uint64_t life;
	pid_t pids[8];

	rig_open(&rig, NULL);
	life = start_family(&rig, "group", "fled");
	CU_ASSERT_EQUAL_FATAL(rig_pids(rig_file(&rig, "family"), pids, 8), 2);
	kill(pids[0], SIGSTOP);
	kill(pids[1], SIGSTOP);
	kill(rig_of(&rig, life)->pid, SIGSTOP);
	rv_start_kill(rig.start, life, RV_KILL_GROUP);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT(all_gone(&rig, 0));
	rig_close(&rig);
}

RV_TEST(many_families_ending_at_once_leave_nobody)
{
	enum { N = 40 };
	struct rig rig;
	struct rig_spec s;
	char names[N][200];

	rig_open(&rig, NULL);
	for (int i = 0; i < N; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%d", i);
		snprintf(
		    names[i], sizeof(names[i]), "%s", rig_file(&rig, name));
		rig_spec(&s, "family", names[i], "group", "fled", "deep", NULL);
		rig_launch_ready(&rig, &s);
	}
	for (uint64_t life = 1; life <= N; life++) {
		rv_start_kill(rig.start, life, RV_KILL_GROUP);
	}
	CU_ASSERT(rig_wait(&rig, rig_n_died, N));
	for (int i = 0; i < N; i++) {
		pid_t pids[4];
		unsigned n = rig_pids(names[i], pids, 4);

		CU_ASSERT_EQUAL(n, 3);
		while (n-- > 0) {
			CU_ASSERT(rig_is_gone(pids[n]));
		}
	}
	rig_close(&rig);
}

RV_SUITE(launcher_end,
    RV_CASE(the_group_of_a_crashed_leader_is_gone_before_its_end_is_told),
    RV_CASE(so_it_is_on_kernels_without_signals_to_groups_by_pidfd),
    RV_CASE(so_it_is_without_any_pidfd),
    RV_CASE(so_it_is_with_every_fallback_at_once),
    RV_CASE(a_leader_that_ends_by_itself_takes_its_group_along),
    RV_CASE(what_fled_from_a_crashed_life_is_found_soon),
    RV_CASE(an_end_that_was_asked_for_leaves_nobody_who_fled),
    RV_CASE(a_kill_finds_descendants_without_session_or_mark),
    RV_CASE(kill_mode_process_leaves_the_others_alone),
    RV_CASE(orphans_of_the_living_are_left_alone),
    RV_CASE(a_stranger_that_ends_is_reaped),
    RV_CASE(a_child_that_closed_all_and_left_its_session_is_killed),
    RV_CASE(a_stopped_group_is_killed_too),
    RV_CASE(many_families_ending_at_once_leave_nobody))
