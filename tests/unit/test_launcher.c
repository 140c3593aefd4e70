/* SPDX-License-Identifier: MIT */
/* Launches and deaths on the real launcher, through its client. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/harness.h"
#include "sys/sys.h"
#include "unit/launcher_rig.h"
#include "wire/launch.h"

RV_TEST(a_process_is_launched_and_its_exit_reported)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life;
	struct rig_life *l;

	rig_open(&rig, NULL);
	rig_spec(&s, "ending", "exit", "7", NULL);
	life = rig_launch(&rig, &s);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	l = rig_of(&rig, life);
	CU_ASSERT(l->launched);
	CU_ASSERT(!l->death.end.unknown && !l->death.end.signaled);
	CU_ASSERT_EQUAL(l->death.end.number, 7);
	CU_ASSERT_EQUAL(l->death.stage, 0);
	CU_ASSERT(l->death.max_rss_kib > 0 && l->death.utime_us >= 0);
	CU_ASSERT_EQUAL(l->death.leftover, 0);
	CU_ASSERT(rig_is_gone(l->pid));
	rig_close(&rig);
}

RV_TEST(a_signal_that_ended_it_is_named)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life;

	rig_open(&rig, NULL);
	rig_spec(&s, "ending", "signal", "15", NULL);
	life = rig_launch(&rig, &s);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT(rig_of(&rig, life)->death.end.signaled);
	CU_ASSERT_EQUAL(rig_of(&rig, life)->death.end.number, SIGTERM);
	CU_ASSERT(!rig_of(&rig, life)->death.end.core_dumped);
	rig_close(&rig);
}

RV_TEST(a_core_dump_is_flagged_only_when_there_is_one)
{
	static const struct rv_limit none = { RLIMIT_CORE, 0, 0, true, true };
	struct rig rig;
	struct rig_spec s;
	uint64_t life;

	rig_open(&rig, NULL);
	rig_spec(&s, "ending", "signal", "6", NULL);
	s.program.limits = &none;
	s.program.n_limits = 1;
	life = rig_launch(&rig, &s);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT_EQUAL(rig_of(&rig, life)->death.end.number, SIGABRT);
	CU_ASSERT(!rig_of(&rig, life)->death.end.core_dumped);
	rig_close(&rig);
}

RV_TEST(start_ticks_are_those_of_proc)
{
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	rig_spec(&s, "ending", NULL);
	for (int i = 0; i < 20; i++) {
		uint64_t life = rig_launch_ready(&rig, &s);
		struct rig_life *l = rig_of(&rig, life);

		CU_ASSERT_EQUAL(rv_sys_start_ticks(l->pid), l->ticks);
	}
	rig_close(&rig);
}

RV_TEST(a_missing_program_is_a_failed_step_with_its_errno)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life;

	rig_open(&rig, NULL);
	rig_spec(&s, "/no/such/program", NULL);
	life = rig_launch(&rig, &s);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT_EQUAL(rig_of(&rig, life)->death.stage, RV_STAGE_EXEC);
	CU_ASSERT_EQUAL(rig_of(&rig, life)->death.sys_errno, ENOENT);
	CU_ASSERT_STRING_EQUAL(
	    rv_stage_text(RV_STAGE_EXEC), "executing its program");
	rig_close(&rig);
}

static void
expect_stage(struct rig *rig, struct rig_spec *s, int stage, int sys_errno)
{
	uint64_t life = rig_launch(rig, s);
	struct rig_life *l = rig_of(rig, life);

	CU_ASSERT_FATAL(rig_wait(rig, rig_died, life));
	if (l->death.stage != stage || l->death.sys_errno != sys_errno) {
		printf("# stage %d errno %d, not %d %d\n", l->death.stage,
		    l->death.sys_errno, stage, sys_errno);
	}
	CU_ASSERT_EQUAL(l->death.stage, stage);
	CU_ASSERT_EQUAL(l->death.sys_errno, sys_errno);
}

RV_TEST(each_step_that_can_fail_is_named)
{
	static const struct rv_limit above = { RLIMIT_NOFILE, 10, 5, true,
		true };
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	rig_spec(&s, "ending", NULL);
	s.program.directory = "/no/such/folder";
	expect_stage(&rig, &s, RV_STAGE_DIRECTORY, ENOENT);
	rig_spec(&s, "ending", NULL);
	s.program.limits = &above;
	s.program.n_limits = 1;
	expect_stage(&rig, &s, RV_STAGE_LIMITS, EINVAL);
	rig_spec(&s, "ending", NULL);
	s.program.set_oom = true;
	s.program.oom_score_adj = 5000;
	expect_stage(&rig, &s, RV_STAGE_OOM, EINVAL);
	rig_spec(&s, "/etc/passwd", NULL);
	expect_stage(&rig, &s, RV_STAGE_EXEC, EACCES);
	rig_spec(&s, "ending", NULL);
	s.program.ready = RV_CHANNEL_FD;
	s.program.ready_fd = 2000000000;
	expect_stage(&rig, &s, RV_STAGE_FDS, EBADF);
	rig_close(&rig);
}

static void
expect_steps_to_lack_rights(void)
{
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	rig_spec(&s, "ending", NULL);
	s.program.set_user = true;
	s.program.uid = 1;
	expect_stage(&rig, &s, RV_STAGE_GROUPS, EPERM);
	rig_spec(&s, "ending", NULL);
	s.program.set_group = true;
	s.program.gid = 1;
	expect_stage(&rig, &s, RV_STAGE_GID, EPERM);
	rig_spec(&s, "ending", NULL);
	s.program.set_nice = true;
	s.program.nice = -20;
	expect_stage(&rig, &s, RV_STAGE_NICE, EACCES);
	rig_close(&rig);
}

/* Root's programs get all rights at exec, but for those out of bounds. */
RV_TEST(steps_that_need_rights_fail_by_name_without_them)
{
	int status = -1;
	pid_t pid;

	rv_test_dir();
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		for (unsigned long cap = 0; cap < 64; cap++) {
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
		}
		expect_steps_to_lack_rights();
		_exit((int)CU_get_number_of_failures());
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
}

RV_TEST(a_text_file_is_not_given_to_a_shell)
{
	struct rig rig;
	struct rig_spec s;
	FILE *file;

	rig_open(&rig, NULL);
	file = fopen(rig_file(&rig, "script"), "w");
	fputs("exit 0\n", file);
	fclose(file);
	chmod(rig_file(&rig, "script"), 0755);
	rig_spec(&s, rig_file(&rig, "script"), NULL);
	expect_stage(&rig, &s, RV_STAGE_EXEC, ENOEXEC);
	rig_close(&rig);
}

RV_TEST(names_are_looked_for_in_the_path_of_the_child)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life;
	char path[4200];

	rig_open(&rig, NULL);
	snprintf(path, sizeof(path),
	    "PATH=/nowhere::%s/tests/fixtures/children:/bin",
	    rv_test_builddir());
	rig_spec(&s, "/", "exit", "3", NULL);
	s.argv[0] = "ending";
	s.env[0] = path;
	life = rig_launch(&rig, &s);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT_EQUAL(rig_of(&rig, life)->death.stage, 0);
	CU_ASSERT_EQUAL(rig_of(&rig, life)->death.end.number, 3);
	s.argv[0] = "no-such-program";
	expect_stage(&rig, &s, RV_STAGE_EXEC, ENOENT);
	s.argv[0] = "";
	expect_stage(&rig, &s, RV_STAGE_EXEC, ENOENT);
	s.env[0] = "PATH=/etc";
	s.argv[0] = "passwd";
	expect_stage(&rig, &s, RV_STAGE_EXEC, EACCES);
	rig_close(&rig);
}

RV_TEST(hundreds_of_launches_are_in_flight_and_all_are_told_apart)
{
	enum { N = 600 };
	struct rig rig;
	struct rig_spec s;
	uint64_t first = 0;
	char code[8];

	rig_open(&rig, NULL);
	for (int i = 0; i < N; i++) {
		uint64_t life;

		snprintf(code, sizeof(code), "%d", i % 200);
		rig_spec(&s, "ending", "exit", code, NULL);
		life = rig_launch(&rig, &s);
		first = first == 0 ? life : first;
	}
	CU_ASSERT(rig_wait(&rig, rig_n_died, N - rig.n_failed));
	for (int i = 0; i < N; i++) {
		struct rig_life *l = rig_of(&rig, first + (uint64_t)i);

		/* More than fit at a time are told to try later. */
		if (l->failed) {
			CU_ASSERT_EQUAL(l->stage, RV_STAGE_CLONE);
			CU_ASSERT_EQUAL(l->sys_errno, EAGAIN);
			continue;
		}
		CU_ASSERT(l->died && !l->death.end.signaled);
		CU_ASSERT_EQUAL(l->death.end.number, i % 200);
	}
	rig_close(&rig);
}

RV_TEST(a_thousand_killed_at_once_are_all_reported)
{
	enum { N = 1000 };
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	rig_spec(&s, "ending", NULL);
	while (rig.n_launched < N) {
		uint64_t life = rig_launch(&rig, &s);

		if (life % 100 == 0) {
			CU_ASSERT_FATAL(rig_wait(
			    &rig, rig_n_launched, life - rig.n_failed));
		}
		CU_ASSERT_FATAL(life < RIG_LIVES - 1);
	}
	for (uint64_t i = 1; i < rig.next; i++) {
		if (rig.lives[i].launched) {
			kill(rig.lives[i].pid, SIGKILL);
		}
	}
	CU_ASSERT(rig_wait(&rig, rig_n_died, rig.n_launched));
	for (uint64_t i = 1; i < rig.next; i++) {
		if (rig.lives[i].launched) {
			CU_ASSERT_EQUAL(rig.lives[i].death.end.number, SIGKILL);
		}
	}
	rig_close(&rig);
}

RV_TEST(signals_reach_the_process_and_a_stopped_one_goes_on)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life;

	rig_open(&rig, NULL);
	rig_spec(&s, "stop_self", NULL);
	life = rig_launch_ready(&rig, &s);
	rv_start_signal(rig.start, life, SIGTERM, false, true);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT(rig_of(&rig, life)->death.end.signaled);
	CU_ASSERT_EQUAL(rig_of(&rig, life)->death.end.number, SIGTERM);
	/* To a life that is over: nothing happens. */
	rv_start_signal(rig.start, life, SIGTERM, true, true);
	rv_start_kill(rig.start, life, RV_KILL_GROUP);
	rv_start_expect_end(rig.start, life);
	rig_sync(&rig);
	rig_close(&rig);
}

RV_TEST(what_ignores_term_is_killed)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life;

	rig_open(&rig, NULL);
	rig_spec(&s, "ignore_term", NULL);
	life = rig_launch_ready(&rig, &s);
	rv_start_signal(rig.start, life, SIGTERM, true, true);
	rig_sync(&rig);
	CU_ASSERT(!rig_of(&rig, life)->died);
	rv_start_kill(rig.start, life, RV_KILL_GROUP);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT_EQUAL(rig_of(&rig, life)->death.end.number, SIGKILL);
	rig_close(&rig);
}

RV_TEST(a_signal_sent_before_the_program_runs_is_not_lost)
{
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	rig_spec(&s, "ending", NULL);
	for (int i = 0; i < 50; i++) {
		uint64_t life = rig_launch(&rig, &s);

		rv_start_signal(rig.start, life, SIGTERM, true, true);
		CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
		CU_ASSERT_EQUAL(rig_of(&rig, life)->death.end.number, SIGTERM);
	}
	rig_close(&rig);
}

RV_TEST(closing_leaves_no_process)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t one, two;
	pid_t first, second;

	rig_open(&rig, NULL);
	rig_spec(&s, "ignore_term", NULL);
	one = rig_launch_ready(&rig, &s);
	two = rig_launch_ready(&rig, &s);
	first = rig_of(&rig, one)->pid;
	second = rig_of(&rig, two)->pid;
	rig_close(&rig);
	CU_ASSERT(rig_is_gone(first));
	CU_ASSERT(rig_is_gone(second));
}

RV_TEST(a_command_that_is_too_large_is_refused_at_once)
{
	static char large[150 * 1024];
	struct rig rig;
	struct rig_spec s;
	struct reeve_error err = { 0 };

	memset(large, 'x', sizeof(large) - 1);
	rig_open(&rig, NULL);
	rig_spec(&s, "ending", "exit", "0", large, large, NULL);
	CU_ASSERT_EQUAL(
	    rv_start_launch(rig.start, 1, &s.spec, &err), REEVE_ETOOBIG);
	rig_close(&rig);
}

RV_SUITE(launcher, RV_CASE(a_process_is_launched_and_its_exit_reported),
    RV_CASE(a_signal_that_ended_it_is_named),
    RV_CASE(a_core_dump_is_flagged_only_when_there_is_one),
    RV_CASE(start_ticks_are_those_of_proc),
    RV_CASE(a_missing_program_is_a_failed_step_with_its_errno),
    RV_CASE(each_step_that_can_fail_is_named),
    RV_CASE(steps_that_need_rights_fail_by_name_without_them),
    RV_CASE(a_text_file_is_not_given_to_a_shell),
    RV_CASE(names_are_looked_for_in_the_path_of_the_child),
    RV_CASE(hundreds_of_launches_are_in_flight_and_all_are_told_apart),
    RV_CASE(a_thousand_killed_at_once_are_all_reported),
    RV_CASE(signals_reach_the_process_and_a_stopped_one_goes_on),
    RV_CASE(what_ignores_term_is_killed),
    RV_CASE(a_signal_sent_before_the_program_runs_is_not_lost),
    RV_CASE(closing_leaves_no_process),
    RV_CASE(a_command_that_is_too_large_is_refused_at_once))
