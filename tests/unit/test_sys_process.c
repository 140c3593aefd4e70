/* SPDX-License-Identifier: MIT */
/*
 * sys: pidfds and the start of helpers, each on every fallback. Children are
 * told what to do through pipes, so that no test waits for a clock.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/text.h"
#include "lib/harness.h"
#include "sys/sys.h"

/* A child in a group of its own that waits for a signal. */
static pid_t
start_sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		for (;;) {
			pause();
		}
	}
	setpgid(pid, pid);
	return pid;
}

/* A child that has ended with this code, not reaped. */
static pid_t
start_ended(int code)
{
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0) {
		_exit(code);
	}
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	return pid;
}

static bool
kernel_has_pidfds(void)
{
	int fd = rv_sys_pidfd_open(getpid());

	if (fd >= 0) {
		close(fd);
	}
	return fd >= 0;
}

RV_TEST(a_process_is_signalled_and_reaped_on_every_kernel)
{
	static const char *const faults[] = { NULL, "pidfd_send_signal=ENOSYS",
		"pidfd_wait=EINVAL", "pidfd_wait=ENOSYS", "pidfd_open=ENOSYS" };

	for (size_t i = 0; i < RV_ARRAY_LEN(faults); i++) {
		pid_t pid = start_sleeper();
		struct rusage usage = { 0 };
		siginfo_t info;
		int fd;

		CU_ASSERT_TRUE(rv_fault_set(faults[i]));
		fd = rv_sys_pidfd_open(pid);
		CU_ASSERT_EQUAL(
		    rv_sys_wait(fd, pid, WEXITED | WNOHANG, &info, NULL), 0);
		CU_ASSERT_EQUAL(rv_sys_pidfd_signal(fd, pid, SIGTERM), 0);
		CU_ASSERT_EQUAL(
		    rv_sys_wait(fd, pid, WEXITED | WNOWAIT, NULL, NULL), 1);
		CU_ASSERT_EQUAL(
		    rv_sys_wait(fd, pid, WEXITED, &info, &usage), 1);
		CU_ASSERT_EQUAL(info.si_pid, pid);
		CU_ASSERT_EQUAL(info.si_code, CLD_KILLED);
		CU_ASSERT_EQUAL(info.si_status, SIGTERM);
		CU_ASSERT_TRUE(usage.ru_minflt > 0);
		CU_ASSERT_EQUAL(rv_sys_wait(fd, pid, WEXITED, &info, NULL), -1);
		CU_ASSERT_EQUAL(errno, ECHILD);
		rv_fault_set(NULL);
		if (fd >= 0) {
			CU_ASSERT_EQUAL(
			    rv_sys_pidfd_signal(fd, pid, SIGTERM), -1);
			CU_ASSERT_EQUAL(errno, ESRCH);
			close(fd);
		}
	}
}

RV_TEST(a_group_is_signalled_even_behind_its_dead_leader)
{
	static const char *const faults[] = { NULL, "pidfd_group=EINVAL",
		"pidfd_group=ENOSYS" };

	for (size_t i = 0; i < RV_ARRAY_LEN(faults); i++) {
		pid_t leader = start_sleeper(), member = fork();
		int fd = rv_sys_pidfd_open(leader);
		siginfo_t info;

		if (member == 0) {
			for (;;) {
				pause();
			}
		}
		CU_ASSERT_EQUAL(setpgid(member, leader), 0);
		CU_ASSERT_TRUE(rv_fault_set(faults[i]));
		kill(leader, SIGKILL);
		waitid(P_PID, (id_t)leader, &info, WEXITED | WNOWAIT);
		CU_ASSERT_EQUAL(
		    rv_sys_pidfd_signal_group(fd, leader, SIGKILL), 0);
		CU_ASSERT_EQUAL(
		    rv_sys_wait(-1, member, WEXITED, &info, NULL), 1);
		CU_ASSERT_EQUAL(info.si_status, SIGKILL);
		CU_ASSERT_EQUAL(
		    rv_sys_wait(fd, leader, WEXITED, NULL, NULL), 1);
		CU_ASSERT_EQUAL(rv_sys_pidfd_signal_group(fd, leader, 0), -1);
		CU_ASSERT_EQUAL(errno, ESRCH);
		rv_fault_set(NULL);
		if (fd >= 0) {
			close(fd);
		}
	}
}

RV_TEST(no_signal_ever_goes_to_everybody)
{
	static const pid_t bad[] = { 0, -1, -7 };

	for (size_t i = 0; i < RV_ARRAY_LEN(bad); i++) {
		CU_ASSERT_EQUAL(rv_sys_pidfd_signal(-1, bad[i], 0), -1);
		CU_ASSERT_EQUAL(errno, ESRCH);
		CU_ASSERT_EQUAL(rv_sys_pidfd_signal_group(-1, bad[i], 0), -1);
		CU_ASSERT_EQUAL(errno, ESRCH);
		CU_ASSERT_EQUAL(
		    rv_sys_wait(-1, bad[i], WEXITED, NULL, NULL), -1);
		CU_ASSERT_EQUAL(errno, ECHILD);
	}
	CU_ASSERT_EQUAL(rv_sys_pidfd_signal_group(-1, 1, 0), -1);
}

RV_TEST(other_failures_are_told_and_not_worked_around)
{
	pid_t pid = start_sleeper();
	int fd = rv_sys_pidfd_open(pid);

	if (fd >= 0) {
		rv_fault_set("pidfd_send_signal=EPERM,pidfd_group=EPERM,"
			     "pidfd_wait=EBADF");
		CU_ASSERT_EQUAL(rv_sys_pidfd_signal(fd, pid, SIGKILL), -1);
		CU_ASSERT_EQUAL(errno, EPERM);
		CU_ASSERT_EQUAL(
		    rv_sys_pidfd_signal_group(fd, pid, SIGKILL), -1);
		CU_ASSERT_EQUAL(errno, EPERM);
		CU_ASSERT_EQUAL(rv_sys_wait(fd, pid, WEXITED, NULL, NULL), -1);
		CU_ASSERT_EQUAL(errno, EBADF);
		rv_fault_set(NULL);
		close(fd);
	}
	kill(pid, SIGKILL);
	CU_ASSERT_EQUAL(rv_sys_wait(-1, pid, WEXITED, NULL, NULL), 1);
}

RV_TEST(there_is_no_pidfd_of_what_does_not_exist)
{
	CU_ASSERT_EQUAL(rv_sys_pidfd_open(1 << 30), -1);
	CU_ASSERT_TRUE(errno == ESRCH || !kernel_has_pidfds());
}

RV_TEST(a_status_reaped_by_others_is_told_or_unknown)
{
	pid_t pid = start_ended(42);
	int fd = rv_sys_pidfd_open(pid), status = -5, reaped = 0;

	CU_ASSERT_EQUAL(rv_sys_pidfd_exit_status(fd, &status), 0);
	CU_ASSERT_EQUAL(waitpid(pid, &reaped, 0), pid);
	rv_fault_set("pidfd_info=ENOTTY");
	CU_ASSERT_EQUAL(rv_sys_pidfd_exit_status(fd, &status), 0);
	rv_fault_set(NULL);
	CU_ASSERT_EQUAL(rv_sys_pidfd_exit_status(-1, &status), 0);
	CU_ASSERT_EQUAL(status, -5);
	if (rv_sys_pidfd_exit_status(fd, &status) == 1) {
		CU_ASSERT_EQUAL(status, reaped);
		CU_ASSERT_EQUAL(WEXITSTATUS(status), 42);
	}
	if (fd >= 0) {
		close(fd);
	}
}

RV_TEST(the_user_of_a_process_is_told_by_its_pidfd_or_by_proc)
{
	pid_t pid = start_sleeper();
	int fd = rv_sys_pidfd_open(pid);
	uid_t uid = geteuid() + 1;

	CU_ASSERT_TRUE(rv_sys_proc_uid(pid, &uid));
	CU_ASSERT_EQUAL(uid, geteuid());
	uid = geteuid() + 1;
	rv_fault_set("pidfd_info=ENOTTY");
	CU_ASSERT_FALSE(rv_sys_pidfd_uid(fd, &uid));
	rv_fault_set(NULL);
	CU_ASSERT_FALSE(rv_sys_pidfd_uid(-1, &uid));
	CU_ASSERT_EQUAL(uid, geteuid() + 1);
	if (rv_sys_pidfd_uid(fd, &uid)) {
		CU_ASSERT_EQUAL(uid, geteuid());
	}
	if (fd >= 0) {
		close(fd);
	}
	kill(pid, SIGKILL);
	CU_ASSERT_EQUAL(rv_sys_wait(-1, pid, WEXITED, NULL, NULL), 1);
}

RV_TEST(how_a_zombie_ended_is_told_to_who_may_know)
{
	pid_t pid = start_ended(42);
	uint64_t ticks = rv_sys_start_ticks(pid);
	int status = -5;

	CU_ASSERT_EQUAL(rv_sys_zombie_status(
			    getpid(), rv_sys_start_ticks(getpid()), &status),
	    0);
	CU_ASSERT_EQUAL(rv_sys_zombie_status(pid, ticks + 1, &status), 0);
	rv_fault_set("zombie=EACCES");
	CU_ASSERT_EQUAL(rv_sys_zombie_status(pid, ticks, &status), 0);
	rv_fault_set(NULL);
	CU_ASSERT_EQUAL(status, -5);
	CU_ASSERT_EQUAL(rv_sys_zombie_status(pid, ticks, &status), 1);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 42);
	CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
	CU_ASSERT_EQUAL(rv_sys_zombie_status(pid, ticks, &status), 0);
	pid = start_ended(0);
	CU_ASSERT_EQUAL(
	    rv_sys_zombie_status(pid, rv_sys_start_ticks(pid), &status), 1);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
}

/* The ways in which a helper can come to be. */
static const char *const births[] = { NULL, "clone_vm=ENOSYS",
	"clone_pidfd=EINVAL", "clone_pidfd=EINVAL,pidfd_open=ENOSYS",
	"close_range=ENOSYS", "clone_vm=ENOSYS,close_range=ENOSYS",
	"clone_vm=ENOSYS,pidfd_open=ENOSYS" };

/* Run a shell script as a helper; its exit code, or -1. */
static int
run_script(const char *script, const int *fds, unsigned n_fds, bool session)
{
	const char *argv[] = { "sh", "-c", script, NULL };
	const char *envp[] = { "PATH=/usr/bin:/bin", "WHO=reeve", NULL };
	const struct rv_helper helper = { .path = "/bin/sh",
		.argv = argv,
		.envp = envp,
		.fds = fds,
		.n_fds = n_fds,
		.new_session = session };
	struct reeve_error err;
	siginfo_t info = { 0 };
	pid_t pid = -1;
	int fd = -1;

	if (rv_sys_helper_start(&helper, &pid, &fd, &err) != REEVE_OK) {
		return -1;
	}
	CU_ASSERT_TRUE(pid > 0);
	CU_ASSERT_EQUAL(rv_sys_wait(fd, pid, WEXITED, &info, NULL), 1);
	if (fd >= 0) {
		CU_ASSERT_TRUE((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
		close(fd);
	}
	return info.si_code == CLD_EXITED ? info.si_status : -1;
}

static void
read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (
	    len + 1 < size && (n = read(fd, text + len, size - 1 - len)) > 0) {
		len += (size_t)n;
	}
	text[len] = '\0';
}

static void *
stay(void *ctx)
{
	for (;;) {
		pause();
	}
	return ctx;
}

static bool
has_dead_leader(void *ctx)
{
	char state = 0;

	return rv_sys_proc_stat(
		   *(const pid_t *)ctx, NULL, NULL, NULL, &state, NULL) &&
	       state == 'Z';
}

RV_TEST(a_process_ends_when_all_of_its_threads_do)
{
	pid_t pid = fork();
	siginfo_t info;

	if (pid == 0) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, stay, NULL) != 0) {
			_exit(1);
		}
		syscall(SYS_exit, 0); /* of this thread alone */
	}
	CU_ASSERT_FATAL(pid > 0);
	CU_ASSERT(!rv_sys_is_ending(getpid()));
	CU_ASSERT_FATAL(rv_test_wait(has_dead_leader, &pid, -1, 30000));
	CU_ASSERT(!rv_sys_is_ending(pid));
	kill(pid, SIGKILL);
	CU_ASSERT_EQUAL(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	CU_ASSERT(rv_sys_is_ending(pid));
	CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
	CU_ASSERT(!rv_sys_is_ending(pid));
}

RV_TEST(a_helper_gets_its_descriptors_and_no_others)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(births); i++) {
		int p[2], q[2], extra;
		char text[256];

		CU_ASSERT_EQUAL_FATAL(pipe(p), 0); /* inheritable, on purpose */
		CU_ASSERT_EQUAL_FATAL(pipe(q), 0);
		extra = dup2(1, 200);
		rv_fault_set(births[i]);
		/* The second first, so that places overlap. */
		CU_ASSERT_EQUAL(run_script("echo three $WHO >&3; echo four >&4;"
					   " readlink /proc/self/fd/0 >&4;"
					   " ls /proc/self/fd >&4",
				    (int[]){ q[1], p[1] }, 2, false),
		    0);
		rv_fault_set(NULL);
		close(p[1]);
		close(q[1]);
		close(extra);
		read_all(q[0], text, sizeof(text));
		CU_ASSERT_STRING_EQUAL(text, "three reeve\n");
		read_all(p[0], text, sizeof(text));
		/* 5 is the directory that ls reads. */
		CU_ASSERT_STRING_EQUAL(
		    text, "four\n/dev/null\n0\n1\n2\n3\n4\n5\n");
		close(p[0]);
		close(q[0]);
	}
}

RV_TEST(descriptors_may_stand_anywhere_and_twice)
{
	int base[4], p[2];
	char text[64];

	CU_ASSERT_EQUAL_FATAL(pipe(p), 0);
	/* Occupy the places from 3 on in the orders that clash. */
	for (int i = 0; i < 4; i++) {
		base[i] = dup(p[1]);
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(births); i++) {
		int fds[] = { base[3], base[1], base[1], base[0], base[2] };

		rv_fault_set(births[i]);
		CU_ASSERT_EQUAL(
		    run_script("for i in 3 4 5 6 7; do echo $i >&$i; done", fds,
			5, false),
		    0);
		rv_fault_set(NULL);
		CU_ASSERT_EQUAL(read(p[0], text, sizeof(text)), 10);
		CU_ASSERT_EQUAL(strncmp(text, "3\n4\n5\n6\n7\n", 10), 0);
	}
	for (int i = 0; i < 4; i++) {
		close(base[i]);
	}
	close(p[0]);
	close(p[1]);
}

RV_TEST(a_helper_starts_with_clean_signals_and_its_host_keeps_its_own)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, saved, now;
	sigset_t usr2, before, after;

	sigaction(SIGUSR1, &ignore, &saved);
	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	sigprocmask(SIG_BLOCK, &usr2, &before);
	for (size_t i = 0; i < RV_ARRAY_LEN(births); i++) {
		int p[2];
		char text[256];

		CU_ASSERT_EQUAL_FATAL(pipe(p), 0);
		rv_fault_set(births[i]);
		CU_ASSERT_EQUAL(run_script("grep -E '^Sig(Blk|Ign)'"
					   " /proc/self/status >&3",
				    &p[1], 1, false),
		    0);
		rv_fault_set(NULL);
		close(p[1]);
		read_all(p[0], text, sizeof(text));
		close(p[0]);
		CU_ASSERT_STRING_EQUAL(text, "SigBlk:\t0000000000000000\n"
					     "SigIgn:\t0000000000000000\n");
		sigaction(SIGUSR1, NULL, &now);
		CU_ASSERT_PTR_EQUAL(now.sa_handler, SIG_IGN);
		sigprocmask(SIG_BLOCK, NULL, &after);
		CU_ASSERT_TRUE(sigismember(&after, SIGUSR2));
		CU_ASSERT_FALSE(sigismember(&after, SIGTERM));
	}
	sigaction(SIGUSR1, &saved, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

RV_TEST(a_helper_leads_a_session_when_asked)
{
	const char *leads = "test \"$(cut -d' ' -f6 /proc/$$/stat)\" = $$";

	for (size_t i = 0; i < RV_ARRAY_LEN(births); i++) {
		rv_fault_set(births[i]);
		CU_ASSERT_EQUAL(run_script(leads, NULL, 0, true), 0);
		CU_ASSERT_EQUAL(run_script(leads, NULL, 0, false), 1);
		rv_fault_set(NULL);
	}
}

RV_TEST(a_helper_that_cannot_start_says_why_and_leaves_nothing)
{
	const char *argv[] = { "x", NULL };
	const char *envp[] = { NULL };
	struct rv_helper helper = {
		.path = "/nonexistent/launcher", .argv = argv, .envp = envp
	};
	struct reeve_error err;
	pid_t pid = -7;
	int fd = -7;

	for (size_t i = 0; i < RV_ARRAY_LEN(births); i++) {
		rv_fault_set(births[i]);
		helper.path = "/nonexistent/launcher";
		CU_ASSERT_EQUAL(
		    rv_sys_helper_start(&helper, &pid, &fd, &err), REEVE_ESYS);
		CU_ASSERT_EQUAL(err.sys_errno, ENOENT);
		CU_ASSERT_STRING_EQUAL(err.text,
		    "cannot start /nonexistent/launcher: "
		    "No such file or directory");
		helper.path = "/dev/null";
		CU_ASSERT_EQUAL(
		    rv_sys_helper_start(&helper, &pid, &fd, &err), REEVE_ESYS);
		CU_ASSERT_EQUAL(err.sys_errno, EACCES);
		/* A descriptor that is none stops it too. */
		helper.path = "/bin/true";
		helper.fds = (int[]){ 999 };
		helper.n_fds = 1;
		CU_ASSERT_EQUAL(
		    rv_sys_helper_start(&helper, &pid, &fd, &err), REEVE_ESYS);
		CU_ASSERT_EQUAL(err.sys_errno, EBADF);
		helper.n_fds = 0;
		rv_fault_set(NULL);
	}
	CU_ASSERT_EQUAL(pid, -7);
	CU_ASSERT_EQUAL(fd, -7);
}

RV_TEST(a_machine_without_room_for_a_process_is_told_as_such)
{
	const char *argv[] = { "true", NULL };
	const char *envp[] = { NULL };
	const struct rv_helper helper = {
		.path = "/bin/true", .argv = argv, .envp = envp
	};
	struct reeve_error err;
	pid_t pid;
	int fd;

	rv_fault_set("clone=EAGAIN");
	CU_ASSERT_EQUAL(
	    rv_sys_helper_start(&helper, &pid, &fd, &err), REEVE_ESYS);
	CU_ASSERT_EQUAL(err.sys_errno, EAGAIN);
	rv_fault_set("clone_vm=ENOSYS,pipe2=EMFILE");
	CU_ASSERT_EQUAL(
	    rv_sys_helper_start(&helper, &pid, &fd, &err), REEVE_ESYS);
	CU_ASSERT_EQUAL(err.sys_errno, EMFILE);
	rv_fault_set(NULL);
}

/* In a child that has no standard descriptors, which the next pipe takes. */
static int
start_without_standard_fds(void)
{
	int p[2], code;

	close(0);
	close(1);
	close(2);
	if (rv_sys_pipe2(p, 0) == -1) {
		return 99;
	}
	code = run_script("echo said >&3 && test -c /proc/self/fd/0 &&"
			  " test -c /proc/self/fd/1 &&"
			  " test -c /proc/self/fd/2",
	    &p[1], 1, false);
	if (code == 0) {
		char text[8];

		code = read(p[0], text, sizeof(text)) == 5 ? 0 : 98;
	}
	return code;
}

RV_TEST(a_helper_starts_from_a_host_without_standard_descriptors)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(births); i++) {
		pid_t pid;
		int status;

		rv_fault_set(births[i]);
		pid = fork();
		if (pid == 0) {
			_exit(start_without_standard_fds());
		}
		CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
		CU_ASSERT_EQUAL(status, 0);
		rv_fault_set(NULL);
	}
}

RV_SUITE(sys_process,
    RV_CASE(a_process_is_signalled_and_reaped_on_every_kernel),
    RV_CASE(a_group_is_signalled_even_behind_its_dead_leader),
    RV_CASE(no_signal_ever_goes_to_everybody),
    RV_CASE(other_failures_are_told_and_not_worked_around),
    RV_CASE(there_is_no_pidfd_of_what_does_not_exist),
    RV_CASE(a_status_reaped_by_others_is_told_or_unknown),
    RV_CASE(the_user_of_a_process_is_told_by_its_pidfd_or_by_proc),
    RV_CASE(how_a_zombie_ended_is_told_to_who_may_know),
    RV_CASE(a_process_ends_when_all_of_its_threads_do),
    RV_CASE(a_helper_gets_its_descriptors_and_no_others),
    RV_CASE(descriptors_may_stand_anywhere_and_twice),
    RV_CASE(a_helper_starts_with_clean_signals_and_its_host_keeps_its_own),
    RV_CASE(a_helper_leads_a_session_when_asked),
    RV_CASE(a_helper_that_cannot_start_says_why_and_leaves_nothing),
    RV_CASE(a_machine_without_room_for_a_process_is_told_as_such),
    RV_CASE(a_helper_starts_from_a_host_without_standard_descriptors))
