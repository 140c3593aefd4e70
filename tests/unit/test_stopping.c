/* SPDX-License-Identifier: MIT */
/*
 * Workers that are asked to stop, by which signal, and what else may be at the
 * places that the library uses for it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/child.h>

#include "base/base.h"
#include "lib/harness.h"
#include "unit/agent_rig.h"

static struct agent_rig rig;

static int
stop_politely(void)
{
	struct pollfd p;

	EXPECT(!reeve_stopping());
	p = (struct pollfd){ .fd = reeve_stopping_fd(), .events = POLLIN };
	EXPECT(p.fd >= 0 && reeve_stopping_fd() == p.fd);
	EXPECT((fcntl(p.fd, F_GETFD) & FD_CLOEXEC) != 0);
	EXPECT(poll(&p, 1, 0) == 0);
	reeve_ready();
	EXPECT(poll(&p, 1, 10000) == 1 || errno == EINTR);
	EXPECT(reeve_stopping());
	EXPECT(poll(&p, 1, 0) == 1 && p.revents == POLLIN);
	EXPECT(poll(&p, 1, 0) == 1);
	raise(SIGTERM);
	EXPECT(reeve_stopping());
	return 0;
}

static int
stop_by_other_signal(void)
{
	setenv("REEVE_STOPSIGNAL", "12", 1); /* SIGUSR2 */
	return stop_politely();
}

static void
ask_to_stop(int (*run)(void), int signo)
{
	agent_rig_open(&rig, false);
	agent_rig_child(&rig, run);
	CU_ASSERT_FATAL(agent_rig_page(&rig));
	CU_ASSERT_TRUE(agent_rig_says(&rig, "READY=1"));
	kill(rig.pid, signo);
	agent_rig_end(&rig);
}

RV_TEST(a_worker_sees_that_it_is_asked_to_stop)
{
	ask_to_stop(stop_politely, SIGTERM);
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 0);
	agent_rig_close(&rig);
	ask_to_stop(stop_by_other_signal, SIGTERM);
	CU_ASSERT_EQUAL(agent_rig_signal(&rig), SIGTERM);
	agent_rig_close(&rig);
}

static int
stop_by_usr2(void)
{
	setenv("REEVE_STOPSIGNAL", "12", 1);
	EXPECT(!reeve_stopping());
	raise(SIGUSR2);
	EXPECT(reeve_stopping());
	return 0;
}

static int
stop_by_kill(void)
{
	setenv("REEVE_STOPSIGNAL", "9", 1);
	EXPECT(!reeve_stopping());
	errno = 0;
	EXPECT(reeve_stopping_fd() == -1 && errno == EINVAL);
	return 0;
}

static int
stop_by_nonsense(void)
{
	static const char *const bad[] = { "", "x", "0", "65", "-1", "15x" };

	for (size_t i = 0; i < RV_ARRAY_LEN(bad); i++) {
		pid_t pid;
		int status;

		setenv("REEVE_STOPSIGNAL", bad[i], 1);
		pid = fork();
		if (pid == 0) {
			reeve_stopping();
			raise(SIGTERM);
			_exit(reeve_stopping() ? 0 : 1);
		}
		EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
	}
	return 0;
}

static volatile int host_was_asked;

static void
on_host_term(int signo)
{
	(void)signo;
	host_was_asked = 1;
}

static int
stop_with_host_handler(void)
{
	signal(SIGTERM, on_host_term);
	EXPECT(!reeve_stopping());
	raise(SIGTERM);
	EXPECT(reeve_stopping() && host_was_asked);
	return 0;
}

/* A stranger's file at our number stays as it is. */
static int
stop_with_closed_descriptors(void)
{
	char text[8] = "";
	int fd = reeve_stopping_fd(), file;

	EXPECT(fd >= 0);
	close_range(3, ~0U, 0);
	for (int i = 3; i < fd + 3; i++) {
		file = memfd_create("stranger", MFD_CLOEXEC);
		EXPECT(file == i);
	}
	raise(SIGTERM);
	EXPECT(reeve_stopping());
	for (int i = 3; i < fd + 3; i++) {
		EXPECT(pread(i, text, sizeof(text), 0) == 0);
	}
	return 0;
}

static int
child_is_stopped(void)
{
	pid_t pid;
	int status;

	EXPECT(!reeve_stopping());
	pid = fork();
	if (pid == 0) {
		raise(SIGTERM);
		_exit(1);
	}
	EXPECT(waitpid(pid, &status, 0) == pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	EXPECT(!reeve_stopping());
	pid = fork();
	if (pid == 0) {
		_exit(!reeve_stopping() && reeve_stopping_fd() == -1 ? 0 : 1);
	}
	EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
	return 0;
}

RV_TEST(stops_by_other_signals_and_in_odd_processes)
{
	agent_rig_open(&rig, false);
	ENDS_WELL(&rig, stop_by_usr2);
	ENDS_WELL(&rig, stop_by_kill);
	ENDS_WELL(&rig, stop_by_nonsense);
	ENDS_WELL(&rig, stop_with_host_handler);
	ENDS_WELL(&rig, stop_with_closed_descriptors);
	ENDS_WELL(&rig, child_is_stopped);
	agent_rig_close(&rig);
}

RV_SUITE(stopping, RV_CASE(a_worker_sees_that_it_is_asked_to_stop),
    RV_CASE(stops_by_other_signals_and_in_odd_processes))
