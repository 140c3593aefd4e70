/* SPDX-License-Identifier: MIT */
/*
 * The launcher dies, or the supervisor does, or the kernel refuses: what the
 * client makes of it, on the real executable.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

static void
kill_launcher(struct rig *rig)
{
	unsigned back = rig->n_back;

	kill(rv_start_pid(rig->start), SIGKILL);
	CU_ASSERT_FATAL(rig_wait(rig, rig_n_back, back + 1));
}

/* As a daemon does: reap what comes, and tell the client. */
static bool
reap_one(struct rig *rig, uint64_t life)
{
	int wstatus;
	pid_t pid = rig_of(rig, life)->pid;

	if (waitpid(pid, &wstatus, WNOHANG) == pid) {
		/* A zombie may have been looked at before. */
		CU_ASSERT(rv_start_reaped(rig->start, pid, wstatus) ||
			  rig_of(rig, life)->died);
		return true;
	}
	return false;
}

RV_TEST(a_launcher_that_dies_is_replaced_and_its_lives_are_adopted)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life;
	struct rig_life *l;

	rig_open(&rig, NULL);
	rig_spec(&s, "ending", NULL);
	life = rig_launch_ready(&rig, &s);
	l = rig_of(&rig, life);
	rig.adopt = true;
	rig.spec = &s.spec;
	kill_launcher(&rig);
	CU_ASSERT_EQUAL(rig.n_lost, 1);
	CU_ASSERT(WIFSIGNALED(rig.lost_status));
	CU_ASSERT_EQUAL(WTERMSIG(rig.lost_status), SIGKILL);
	rig_sync(&rig);
	CU_ASSERT(!l->died);
	CU_ASSERT(!rig_is_gone(l->pid));
	rv_start_signal(rig.start, life, SIGTERM, true, true);
	/* It is our child now, and we reap it, as a subreaper must. */
	CU_ASSERT_FATAL(rig_wait(&rig, reap_one, life));
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT(!l->death.end.unknown);
	CU_ASSERT_EQUAL(l->death.end.number, SIGTERM);
	rig_close(&rig);
}

RV_TEST(a_life_that_ended_meanwhile_has_the_status_that_the_host_reaped)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life;
	struct rig_life *l;

	rig_open(&rig, NULL);
	rig_spec(&s, "ending", NULL);
	life = rig_launch_ready(&rig, &s);
	l = rig_of(&rig, life);
	rig.adopt = true;
	rig.spec = &s.spec;
	/* Both are dead before the client looks. */
	kill(rv_start_pid(rig.start), SIGSTOP);
	kill(l->pid, SIGUSR2);
	kill(rv_start_pid(rig.start), SIGKILL);
	while (waitpid(l->pid, &rig.lost_status, WNOHANG) != l->pid) {
	}
	CU_ASSERT(rv_start_reaped(rig.start, l->pid, rig.lost_status));
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT(!l->death.end.unknown);
	CU_ASSERT_EQUAL(l->death.end.number, SIGUSR2);
	rig_close(&rig);
}

static void
end_of_an_adopted_one_that_nobody_told_of(const char *faults, bool known)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life;
	struct rig_life *l;
	int wstatus;

	rig_open(&rig, NULL);
	rig_spec(&s, "ending", NULL);
	life = rig_launch_ready(&rig, &s);
	l = rig_of(&rig, life);
	rig.adopt = true;
	rig.spec = &s.spec;
	if (faults != NULL) {
		setenv("REEVE_FAULTS", faults, 1);
	}
	kill_launcher(&rig);
	unsetenv("REEVE_FAULTS");
	rig_sync(&rig);
	/* The kernel tells it once the dead one is reaped: ask no earlier. */
	kill(rv_start_pid(rig.start), SIGSTOP);
	kill(l->pid, SIGKILL);
	while (waitpid(l->pid, &wstatus, WNOHANG) != l->pid) {
	}
	kill(rv_start_pid(rig.start), SIGCONT);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT_EQUAL(l->death.end.unknown, !known);
	CU_ASSERT(!known || l->death.end.number == SIGKILL);
	rig_close(&rig);
}

RV_TEST(the_kernel_still_tells_how_an_adopted_one_ended)
{
	const char *always = getenv("REEVE_FAULTS_ALWAYS");

	/* Unless the run as a whole is about kernels that cannot. */
	end_of_an_adopted_one_that_nobody_told_of(
	    NULL, always == NULL || strstr(always, "pidfd_open") == NULL);
}

RV_TEST(where_it_does_not_the_end_is_unknown)
{
	end_of_an_adopted_one_that_nobody_told_of(
	    "pidfd_info=ENOTTY,zombie=EACCES", false);
	end_of_an_adopted_one_that_nobody_told_of(
	    "pidfd_open=ENOSYS,clone_pidfd=EINVAL,zombie=EACCES", false);
}

/* We are their parent then, and look at none of them. */
static void
end_of_an_adopted_family(const char *faults, bool known)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life;
	struct rig_life *l;
	pid_t pids[8];

	rig_open(&rig, NULL);
	unlink(rig_file(&rig, "family"));
	rig_spec(&s, "family", rig_file(&rig, "family"), "group", NULL);
	life = rig_launch_ready(&rig, &s);
	l = rig_of(&rig, life);
	rig.adopt = true;
	rig.spec = &s.spec;
	setenv("REEVE_FAULTS", faults, 1);
	kill_launcher(&rig);
	unsetenv("REEVE_FAULTS");
	rv_start_kill(rig.start, life, RV_KILL_GROUP);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT_EQUAL(l->death.end.unknown, !known);
	CU_ASSERT(!known || l->death.end.number == SIGKILL);
	CU_ASSERT(!l->death.survivors);
	CU_ASSERT_EQUAL(rig_pids(rig_file(&rig, "family"), pids, 8), 1);
	CU_ASSERT_EQUAL(waitpid(l->pid, NULL, WNOHANG), l->pid);
	CU_ASSERT_EQUAL(waitpid(pids[0], NULL, WNOHANG), pids[0]);
	rig_close(&rig);
}

RV_TEST(a_zombie_that_nobody_reaps_is_dead)
{
	end_of_an_adopted_family("", true);
	end_of_an_adopted_family("pidfd_group=EINVAL", true);
	end_of_an_adopted_family("pidfd_open=ENOSYS,clone_pidfd=EINVAL", true);
	/* Where its end may not be known, somebody who may is waited for. */
	end_of_an_adopted_family("zombie=EACCES", false);
}

RV_TEST(an_adopted_group_is_killed_whole)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life;
	pid_t pids[8];
	int wstatus;

	rig_open(&rig, NULL);
	rig_spec(&s, "family", rig_file(&rig, "family"), "group", "fled", NULL);
	life = rig_launch_ready(&rig, &s);
	rig.adopt = true;
	rig.spec = &s.spec;
	kill_launcher(&rig);
	CU_ASSERT_EQUAL_FATAL(rig_pids(rig_file(&rig, "family"), pids, 8), 2);
	rv_start_kill(rig.start, life, RV_KILL_GROUP);
	CU_ASSERT_FATAL(rig_wait(&rig, reap_one, life));
	CU_ASSERT_EQUAL(waitpid(pids[0], &wstatus, 0), pids[0]);
	CU_ASSERT_EQUAL(waitpid(pids[1], &wstatus, 0), pids[1]);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	rig_close(&rig);
}

RV_TEST(an_adopted_life_is_still_heard)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life;
	struct rig_life *l;
	struct rig_spec notifier;
	const char *fifo;
	int go;

	rig_open(&rig, NULL);
	fifo = rig_file(&rig, "fifo");
	CU_ASSERT_FATAL(mkfifo(fifo, 0600) == 0);
	rig_spec(&notifier, "notifier", NULL);
	rig_spec(&s, "/bin/sh", "-c",
	    "\"$0\" send READY=1; read -r x <\"$1\"; \"$0\" send STATUS=again",
	    notifier.file, fifo, NULL);
	s.program.ready = RV_CHANNEL_NOTIFY;
	life = rig_launch_ready(&rig, &s);
	l = rig_of(&rig, life);
	rig.adopt = true;
	rig.spec = &s.spec;
	kill_launcher(&rig);
	rig_sync(&rig);
	go = open(fifo, O_WRONLY | O_CLOEXEC);
	CU_ASSERT_EQUAL(write(go, "\n", 1), 1);
	close(go);
	CU_ASSERT_FATAL(rig_wait(&rig, reap_one, life));
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT_STRING_EQUAL(l->status, "again");
	CU_ASSERT_EQUAL(l->death.end.number, 0);
	rig_close(&rig);
}

RV_TEST(requests_in_flight_are_lost_with_the_launcher_and_leave_nothing)
{
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	rig.adopt = true;
	rig_spec(&s, "ending", NULL);
	rig.spec = &s.spec;
	for (int round = 0; round < 7; round++) {
		for (int i = 0; i < 5; i++) {
			rig_launch(&rig, &s);
		}
		kill_launcher(&rig);
	}
	/* Each that was told of still lives, and no other does. */
	for (uint64_t i = 1; i < rig.next; i++) {
		struct rig_life *l = &rig.lives[i];
		int wstatus;

		if (l->launched && !l->died) {
			CU_ASSERT(!rig_is_gone(l->pid));
			rv_start_kill(rig.start, i, RV_KILL_GROUP);
			CU_ASSERT_EQUAL(waitpid(l->pid, &wstatus, 0), l->pid);
			rv_start_reaped(rig.start, l->pid, wstatus);
			CU_ASSERT_FATAL(rig_wait(&rig, rig_died, i));
		}
	}
	/* Those that died by the launcher's death are ours to reap. */
	while (waitpid(-1, NULL, WNOHANG | __WALL) > 0) {
	}
	rig_close(&rig);
}

RV_TEST(a_launcher_that_cannot_be_started_is_tried_again)
{
	struct rig rig;
	struct rig_spec s;
	struct rlimit before, none;

	rig_open(&rig, NULL);
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &none);
	kill(rv_start_pid(rig.start), SIGKILL);
	CU_ASSERT(rig_wait(&rig, rig_n_troubles, 1));
	setrlimit(RLIMIT_NOFILE, &before);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_n_back, 1));
	CU_ASSERT_EQUAL(rig.n_troubles, 1);
	rig_spec(&s, "ending", "exit", "4", NULL);
	CU_ASSERT(rig_wait(&rig, rig_died, rig_launch(&rig, &s)));
	rig_close(&rig);
}

RV_TEST(a_stray_of_an_earlier_run_is_killed_if_it_is_the_same_process)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life, stray;
	struct rig_life *l;
	pid_t pids[8];

	rig_open(&rig, NULL);
	rig_spec(&s, "family", rig_file(&rig, "family"), "group", "fled", NULL);
	life = rig_launch_ready(&rig, &s);
	l = rig_of(&rig, life);
	/* Another supervisor's launcher knows nothing of it. */
	kill_launcher(&rig);
	stray = rig.next++;
	rig_of(&rig, stray)->launched = true;
	rv_start_kill_stray(rig.start, stray, l->pid, l->ticks + 1);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, stray));
	CU_ASSERT(!rig_is_gone(l->pid));
	CU_ASSERT_EQUAL_FATAL(rig_pids(rig_file(&rig, "family"), pids, 8), 2);
	stray = rig.next++;
	rv_start_kill_stray(rig.start, stray, l->pid, l->ticks);
	CU_ASSERT_EQUAL(waitpid(l->pid, NULL, 0), l->pid);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(waitpid(pids[i], NULL, 0), pids[i]);
	}
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, stray));
	rig_close(&rig);
}

/* All in a process of its own, which is then killed. */
static void
supervise_and_be_killed(const char *program, const char *one, int told)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life;

	rig_open(&rig, NULL);
	rig_spec(&s, program, one, "group", "fled", NULL);
	s.policy.n_stop = 2;
	s.policy.stop[0] = (struct rv_stop_step){ SIGTERM, 50 * RV_MS };
	s.policy.stop[1] = (struct rv_stop_step){ SIGINT, 50 * RV_MS };
	life = rig_launch_ready(&rig, &s);
	dprintf(told, "%d\n%d\n", (int)rig_of(&rig, life)->pid,
	    (int)rv_start_pid(rig.start));
	kill(getpid(), SIGKILL);
}

static bool
both_are_gone(void *ctx)
{
	pid_t *pids = ctx;

	/* What the dead supervisor leaves comes to us. */
	while (waitpid(-1, NULL, WNOHANG) > 0) {
	}
	return rig_is_gone(pids[0]) && rig_is_gone(pids[1]);
}

static void
expect_end_of_all(const char *program)
{
	char path[100], family[100];
	pid_t pids[8], pid;
	int told;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	snprintf(path, sizeof(path), "%s/told", rv_test_dir());
	snprintf(family, sizeof(family), "%s/family", rv_test_dir());
	told = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	unlink(family);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		supervise_and_be_killed(program, family, told);
		_exit(1);
	}
	close(told);
	CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
	CU_ASSERT_EQUAL_FATAL(rig_pids(path, pids, 2), 2);
	CU_ASSERT(rv_test_wait(both_are_gone, pids, -1, 20000));
	if (rig_pids(family, pids, 8) == 2) {
		CU_ASSERT(rig_is_gone(pids[0]));
		CU_ASSERT(rig_is_gone(pids[1]));
	}
}

RV_TEST(when_the_supervisor_dies_all_lives_end_by_their_steps)
{
	expect_end_of_all("family");
	expect_end_of_all("ignore_term");
	expect_end_of_all("stop_self");
}

RV_TEST(each_call_that_fails_before_there_is_a_process_is_named)
{
	static const struct {
		const char *faults;
		int stage, sys_errno;
	} cases[] = {
		{ "pipe2@1=EMFILE", RV_STAGE_PIPE, EMFILE },
		{ "pipe2@2=ENFILE", RV_STAGE_PIPE, ENFILE },
		{ "pipe2@3=EMFILE", RV_STAGE_READY_PIPE, EMFILE },
		{ "socket@1=ENOBUFS", RV_STAGE_NOTIFY, ENOBUFS },
		{ "clone@1=EAGAIN", RV_STAGE_CLONE, EAGAIN },
		{ "clone@1=ENOMEM", RV_STAGE_CLONE, ENOMEM },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(cases); i++) {
		struct rig rig;
		struct rig_spec s;
		uint64_t life;

		rig_open(&rig, cases[i].faults);
		rig_spec(&s, "ending", "exit", "0", NULL);
		s.program.out = (struct rv_out){ RV_OUT_FILE, "/o", 0, 0 };
		s.program.err = (struct rv_out){ RV_OUT_FILE, "/e", 0, 0 };
		s.program.ready = RV_CHANNEL_FD;
		s.program.ready_fd = 3;
		s.policy.hb_interval = RV_SEC;
		life = rig_launch(&rig, &s);
		CU_ASSERT_FATAL(rig_wait(&rig, rig_failed, life));
		CU_ASSERT_EQUAL(rig_of(&rig, life)->stage, cases[i].stage);
		CU_ASSERT_EQUAL(
		    rig_of(&rig, life)->sys_errno, cases[i].sys_errno);
		/* The next one works. */
		CU_ASSERT(rig_wait(&rig, rig_died, rig_launch(&rig, &s)));
		rig_close(&rig);
	}
}

/* Every allocation in turn: a launch may fail, nothing else may happen. */
RV_TEST(no_allocation_that_fails_does_harm)
{
	for (unsigned n = 1; n <= 60; n++) {
		struct rig rig;
		struct rig_spec s;
		uint64_t life;
		char faults[48];

		snprintf(faults, sizeof(faults), "alloc@%u=ENOMEM", n + 15);
		rig_open(&rig, faults);
		rig_spec(&s, "notifier", "send", "READY=1", NULL);
		s.program.ready = RV_CHANNEL_NOTIFY;
		s.program.out = (struct rv_out){ RV_OUT_FILE, "/o", 0, 0 };
		for (int i = 0; i < 3; i++) {
			struct rig_life *l;

			life = rig_launch(&rig, &s);
			l = rig_of(&rig, life);
			while (!l->failed && !l->died) {
				CU_ASSERT_FATAL(rig.n_lost == 0);
				rig_turn(&rig);
			}
			CU_ASSERT(l->died || l->sys_errno == ENOMEM);
		}
		rig_close(&rig);
	}
}

RV_TEST(a_launcher_without_descriptors_left_says_so)
{
	struct rig rig;
	struct rig_spec s;
	struct rlimit few;
	uint64_t life;

	/* valgrind dies of it before we do: there the call fails alone. */
	bool real = getenv("REEVE_VALGRIND") == NULL;

	rig_open(&rig, real ? NULL : "pipe2@1+=EMFILE");
	rig_sync(&rig);
	few.rlim_cur = few.rlim_max = rv_test_fds(rv_start_pid(rig.start));
	CU_ASSERT(!real || prlimit(rv_start_pid(rig.start), RLIMIT_NOFILE, &few,
			       NULL) == 0);
	rig_spec(&s, "ending", "exit", "0", NULL);
	s.program.out = (struct rv_out){ RV_OUT_FILE, "/o", 0, 0 };
	s.program.err = (struct rv_out){ RV_OUT_FILE, "/e", 0, 0 };
	life = rig_launch(&rig, &s);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_failed, life));
	CU_ASSERT_EQUAL(rig_of(&rig, life)->sys_errno, EMFILE);
	rig_close(&rig);
}

RV_TEST(a_launcher_that_reads_nothing_refuses_launches_and_keeps_the_rest)
{
	struct rig rig;
	struct rig_spec s;
	struct reeve_error err;
	uint64_t life;
	unsigned sent = 0;

	rig_open(&rig, NULL);
	rig_spec(&s, "ignore_term", NULL);
	life = rig_launch_ready(&rig, &s);
	kill(rv_start_pid(rig.start), SIGSTOP);
	rig_spec(&s, "/no/such/program", NULL);
	while (
	    rv_start_launch(rig.start, rig.next, &s.spec, &err) == REEVE_OK) {
		rig.next++;
		sent++;
		if (rig.next == RIG_LIVES - 1) {
			break;
		}
	}
	for (int i = 0; i < 100000; i++) {
		rv_start_signal(rig.start, life, SIGTERM, true, true);
	}
	rv_start_expect_end(rig.start, life);
	rv_start_kill(rig.start, life, RV_KILL_GROUP);
	rv_start_kill(rig.start, life, RV_KILL_GROUP);
	kill(rv_start_pid(rig.start), SIGCONT);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT_EQUAL(rig_of(&rig, life)->death.end.number, SIGKILL);
	rig_sync(&rig);
	CU_ASSERT(rig_wait(&rig, rig_n_died, 1));
	(void)sent;
	rig_close(&rig);
}

/* -------- sealed -------- */

static void
expect_sealed(struct rig *rig, const struct rig_spec *declared,
    const struct rig_spec *other)
{
	uint64_t yes = rig_launch(rig, declared);
	uint64_t no = rig_launch(rig, other);

	CU_ASSERT_FATAL(rig_wait(rig, rig_died, yes));
	CU_ASSERT_EQUAL(rig_of(rig, yes)->death.end.number, 6);
	CU_ASSERT_FATAL(rig_wait(rig, rig_failed, no));
	CU_ASSERT_EQUAL(rig_of(rig, no)->stage, RV_STAGE_SEALED);
	CU_ASSERT_EQUAL(rig_of(rig, no)->sys_errno, EPERM);
}

RV_TEST(each_launcher_after_a_sealed_one_is_sealed_before_it_starts_anything)
{
	struct rig rig;
	struct rig_spec lives, yes, no;
	const struct rv_spec *declared[] = { &lives.spec, &yes.spec };
	uint64_t life;

	rig_open(&rig, NULL);
	rig_spec(&lives, "ending", NULL);
	rig_spec(&yes, "ending", "exit", "6", NULL);
	rig_spec(&no, "ending", "exit", "7", NULL);
	life = rig_launch_ready(&rig, &lives);
	rig.adopt = true;
	rig.spec = &lives.spec;
	CU_ASSERT(rv_start_seal(rig.start, declared, 2, NULL) == REEVE_OK);
	expect_sealed(&rig, &yes, &no);
	kill_launcher(&rig);
	expect_sealed(&rig, &yes, &no);
	/* One that is killed while it is told, and the one after that. */
	rig.back_signal = SIGKILL;
	kill(rv_start_pid(rig.start), SIGKILL);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_n_back, 3));
	expect_sealed(&rig, &yes, &no);
	CU_ASSERT(rv_start_seal(rig.start, declared, 1, NULL) == REEVE_OK);
	expect_sealed(&rig, &yes, &no);
	/* What lived through all of it was adopted by each. */
	CU_ASSERT(!rig_of(&rig, life)->died);
	rv_start_kill(rig.start, life, RV_KILL_GROUP);
	CU_ASSERT_FATAL(rig_wait(&rig, reap_one, life));
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT_EQUAL(rig.n_troubles, 0);
	rig_close(&rig);
}

RV_TEST(nothing_starts_while_a_launcher_has_not_heard_all_that_is_declared)
{
	static char large[RV_LAUNCH_FRAME_MAX / 2];
	const struct rv_spec *declared[200];
	struct rig rig;
	struct rig_spec big, yes, no;

	rig_open(&rig, NULL);
	memset(large, 'x', sizeof(large) - 1);
	rig_spec(&big, "ending", large, NULL);
	rig_spec(&yes, "ending", "exit", "6", NULL);
	rig_spec(&no, "ending", "exit", "7", NULL);
	/* More than its socket takes. */
	for (size_t i = 0; i < RV_ARRAY_LEN(declared); i++) {
		declared[i] = i > 0 ? &big.spec : &yes.spec;
	}
	CU_ASSERT(rv_start_seal(rig.start, declared, RV_ARRAY_LEN(declared),
		      NULL) == REEVE_OK);
	expect_sealed(&rig, &yes, &no);
	for (int signo = SIGKILL; signo != 0;
	     signo = signo == SIGKILL ? SIGCONT : 0) {
		rig.back_signal = SIGSTOP;
		kill_launcher(&rig);
		CU_ASSERT_EQUAL(
		    rv_start_launch(rig.start, rig.next, &yes.spec, NULL),
		    REEVE_EAGAIN);
		kill(rv_start_pid(rig.start), signo);
		expect_sealed(&rig, &yes, &no);
	}
	CU_ASSERT_EQUAL(rig.n_lost, 3);
	rig_close(&rig);
}

/* Under its own name for the one launch alone; who is sealed takes none. */
RV_TEST(a_socket_goes_with_a_launch_unless_its_launcher_is_sealed)
{
	static const char *const names[] = { "own", NULL };
	struct rig rig;
	struct rig_spec s;
	const struct rv_spec *declared[] = { &s.spec };
	int fds[2];

	rig_open(&rig, NULL);
	CU_ASSERT_EQUAL_FATAL(
	    rv_sys_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	rig_spec(&s, "/bin/sh", "-c", "exec 4<&3 && exit 5", NULL);
	s.program.listen = names;
	for (int with = 1; with >= 0; with--) {
		uint64_t life = rig.next++;

		CU_ASSERT_EQUAL(rv_start_launch_with(rig.start, life, &s.spec,
				    with ? fds[1] : -1, NULL),
		    REEVE_OK);
		CU_ASSERT_FATAL(
		    rig_wait(&rig, with ? rig_died : rig_failed, life));
		CU_ASSERT_EQUAL(rig_of(&rig, life)->death.end.number, 5 * with);
		CU_ASSERT_EQUAL(
		    rig_of(&rig, life)->stage, with ? 0 : RV_STAGE_LISTENER);
	}
	CU_ASSERT(rv_start_seal(rig.start, declared, 1, NULL) == REEVE_OK);
	CU_ASSERT_EQUAL(
	    rv_start_launch_with(rig.start, rig.next, &s.spec, fds[1], NULL),
	    REEVE_OK);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_failed, rig.next));
	CU_ASSERT_EQUAL(rig_of(&rig, rig.next)->stage, RV_STAGE_LISTENER);
	close(fds[0]);
	close(fds[1]);
	rig_close(&rig);
}

RV_TEST(what_fits_into_no_request_cannot_be_declared_and_seals_nothing)
{
	static char large[RV_LAUNCH_FRAME_MAX + 1];
	struct rig rig;
	struct rig_spec big, yes, no;
	const struct rv_spec *declared[] = { &yes.spec, &big.spec };
	struct reeve_error err;

	rig_open(&rig, NULL);
	memset(large, 'x', sizeof(large) - 1);
	rig_spec(&big, "ending", large, NULL);
	big.spec.path = "big";
	rig_spec(&yes, "ending", "exit", "6", NULL);
	rig_spec(&no, "ending", "exit", "7", NULL);
	CU_ASSERT_EQUAL(
	    rv_start_seal(rig.start, declared, 2, &err), REEVE_ETOOBIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "cannot declare big: "));
	CU_ASSERT(rig_wait(&rig, rig_died, rig_launch(&rig, &no)));
	CU_ASSERT(rv_start_seal(rig.start, declared, 1, NULL) == REEVE_OK);
	expect_sealed(&rig, &yes, &no);
	rig_close(&rig);
}

RV_SUITE(start,
    RV_CASE(a_socket_goes_with_a_launch_unless_its_launcher_is_sealed),
    RV_CASE(
	each_launcher_after_a_sealed_one_is_sealed_before_it_starts_anything),
    RV_CASE(nothing_starts_while_a_launcher_has_not_heard_all_that_is_declared),
    RV_CASE(what_fits_into_no_request_cannot_be_declared_and_seals_nothing),
    RV_CASE(a_launcher_that_dies_is_replaced_and_its_lives_are_adopted),
    RV_CASE(a_life_that_ended_meanwhile_has_the_status_that_the_host_reaped),
    RV_CASE(the_kernel_still_tells_how_an_adopted_one_ended),
    RV_CASE(where_it_does_not_the_end_is_unknown),
    RV_CASE(a_zombie_that_nobody_reaps_is_dead),
    RV_CASE(an_adopted_group_is_killed_whole),
    RV_CASE(an_adopted_life_is_still_heard),
    RV_CASE(requests_in_flight_are_lost_with_the_launcher_and_leave_nothing),
    RV_CASE(a_launcher_that_cannot_be_started_is_tried_again),
    RV_CASE(a_stray_of_an_earlier_run_is_killed_if_it_is_the_same_process),
    RV_CASE(when_the_supervisor_dies_all_lives_end_by_their_steps),
    RV_CASE(each_call_that_fails_before_there_is_a_process_is_named),
    RV_CASE(no_allocation_that_fails_does_harm),
    RV_CASE(a_launcher_without_descriptors_left_says_so),
    RV_CASE(a_launcher_that_reads_nothing_refuses_launches_and_keeps_the_rest))
