/* SPDX-License-Identifier: MIT */
/*
 * What a worker tells through <reeve/child.h>, seen from the launcher's end of
 * the notify socket; and that it is harmless where it should be.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/child.h>

#include "base/base.h"
#include "child/agent.h"
#include "lib/harness.h"
#include "unit/agent_rig.h"

static struct agent_rig rig;
static const char *volatile no_text;

static uint64_t
beats_of_page(void)
{
	int32_t pid = 0;
	uint32_t at = 0;

	return rv_page_check(rig.map, &pid, &at) ? rv_page_beats(rig.map, at)
						 : UINT64_MAX;
}

static int
beat_thrice(void)
{
	EXPECT(reeve_attach() == REEVE_OK);
	EXPECT(reeve_attach() == REEVE_OK);
	for (int i = 0; i < 3; i++) {
		reeve_beat();
	}
	return 0;
}

/* Inline, and as others call it. */
static int
only_beat(void)
{
	void (*volatile beat)(void) = reeve_beat;

	reeve_beat();
	beat();
	reeve_beat();
	return 0;
}

static int32_t
check_page(void)
{
	int32_t pid = 0;
	uint32_t at = 0;
	int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

	CU_ASSERT_EQUAL(rig.seals & wanted, wanted);
	CU_ASSERT_EQUAL(rig.size, RV_PAGE_BYTES);
	CU_ASSERT_TRUE(rv_page_check(rig.map, &pid, &at));
	return pid;
}

RV_TEST(attaching_sends_one_sealed_page)
{
	for (int abstract = 0; abstract < 2; abstract++) {
		pid_t pid;

		agent_rig_open(&rig, abstract == 1);
		agent_rig_child(&rig, beat_thrice);
		pid = rig.pid;
		CU_ASSERT_FATAL(agent_rig_page(&rig));
		agent_rig_end(&rig);
		CU_ASSERT_EQUAL(agent_rig_code(&rig), 0);
		CU_ASSERT_EQUAL(check_page(), pid);
		CU_ASSERT_EQUAL(beats_of_page(), 3);
		CU_ASSERT_TRUE(agent_rig_is_silent(&rig));
		CU_ASSERT_FALSE(rv_page_trouble(rig.map, &rig.trouble));
		agent_rig_close(&rig);
	}
}

RV_TEST(the_first_beat_attaches_and_counts)
{
	agent_rig_open(&rig, false);
	agent_rig_child(&rig, only_beat);
	CU_ASSERT_FATAL(agent_rig_page(&rig));
	agent_rig_end(&rig);
	CU_ASSERT_EQUAL(beats_of_page(), 3);
	agent_rig_close(&rig);
}

static void
on_alarm(int signo)
{
	(void)signo;
	reeve_beat();
}

static int
beat_in_handler(void)
{
	signal(SIGUSR1, on_alarm);
	raise(SIGUSR1);
	return 0;
}

RV_TEST(a_handler_may_be_the_first_to_beat)
{
	agent_rig_open(&rig, false);
	agent_rig_child(&rig, beat_in_handler);
	CU_ASSERT_FATAL(agent_rig_page(&rig));
	agent_rig_end(&rig);
	CU_ASSERT_EQUAL(beats_of_page(), 1);
	agent_rig_close(&rig);
}

static int
say_everything(void)
{
	EXPECT(reeve_ready() == REEVE_OK);
	EXPECT(reeve_status("serving %d", 7) == REEVE_OK);
	EXPECT(reeve_status("two\nREADY=1") == REEVE_OK);
	EXPECT(reeve_status("%02000d", 1) == REEVE_OK);
	return 0;
}

RV_TEST(readiness_and_status_are_told)
{
	agent_rig_open(&rig, false);
	agent_rig_child(&rig, say_everything);
	CU_ASSERT_FATAL(agent_rig_page(&rig));
	CU_ASSERT_TRUE(agent_rig_says(&rig, "READY=1"));
	CU_ASSERT_TRUE(agent_rig_says(&rig, "STATUS=serving 7"));
	CU_ASSERT_TRUE(agent_rig_says(&rig, "STATUS=two READY=1"));
	CU_ASSERT_TRUE(agent_rig_message(&rig));
	CU_ASSERT_EQUAL(strlen(rig.text), strlen("STATUS=") + 1024);
	agent_rig_end(&rig);
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 0);
	agent_rig_close(&rig);
}

static int
under_systemd(void)
{
	unsetenv("REEVE_LIFE");
	EXPECT(reeve_attach() == REEVE_ENORUNTIME);
	EXPECT(reeve_ready() == REEVE_OK);
	reeve_beat();
	EXPECT(reeve_report(NULL, "x", "y") == REEVE_ENORUNTIME);
	return 0;
}

RV_TEST(under_another_supervisor_only_its_protocol_is_spoken)
{
	agent_rig_open(&rig, false);
	ENDS_WELL(&rig, under_systemd);
	CU_ASSERT_TRUE(agent_rig_says(&rig, "READY=1"));
	CU_ASSERT_TRUE(agent_rig_is_silent(&rig));
	agent_rig_close(&rig);
}

static int
check_inert(void)
{
	size_t size = 0;
	char *slot;

	EXPECT(reeve_attach() == REEVE_ENORUNTIME);
	EXPECT(reeve_ready() == REEVE_ENORUNTIME);
	EXPECT(reeve_status("x") == REEVE_ENORUNTIME);
	EXPECT(reeve_report(NULL, "x", "y") == REEVE_ENORUNTIME);
	EXPECT(reeve_listener("http") == -1 && errno == ENOENT);
	reeve_exit_reason("none");
	reeve_beat();
	slot = reeve_slot(&size);
	EXPECT(slot != NULL && size == RV_PAGE_SLOT_BYTES);
	memset(slot, 1, size);
	return 0;
}

static int
alone(void)
{
	struct sigaction act;

	unsetenv("REEVE_LIFE");
	unsetenv("NOTIFY_SOCKET");
	EXPECT(check_inert() == 0);
	EXPECT(!reeve_stopping());
	EXPECT(reeve_stopping_fd() >= 0);
	sigaction(SIGSEGV, NULL, &act);
	EXPECT(act.sa_handler == SIG_DFL);
	return 0;
}

static int
to_nobody(void)
{
	setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
	errno = 0;
	EXPECT(reeve_attach() == REEVE_ESYS && errno == ENOENT);
	EXPECT(reeve_attach() == REEVE_ESYS);
	EXPECT(reeve_ready() == REEVE_ESYS);
	reeve_beat();
	return 0;
}

static int
to_nonsense(void)
{
	static const char *const bad[] = { "", "/", "@", "x", "vsock:1:2" };
	char longest[200];

	for (size_t i = 0; i < RV_ARRAY_LEN(bad); i++) {
		setenv("NOTIFY_SOCKET", bad[i], 1);
		EXPECT(reeve_attach() == REEVE_ENORUNTIME);
	}
	memset(longest, '/', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	setenv("NOTIFY_SOCKET", longest, 1);
	return check_inert();
}

RV_TEST(where_no_runtime_is_everything_is_harmless)
{
	agent_rig_open(&rig, false);
	ENDS_WELL(&rig, alone);
	ENDS_WELL(&rig, to_nobody);
	ENDS_WELL(&rig, to_nonsense);
	CU_ASSERT_TRUE(agent_rig_is_silent(&rig));
	agent_rig_close(&rig);
}

static int
use_slot_and_reason(void)
{
	size_t size = 0;
	char *slot = reeve_slot(&size);

	EXPECT(size == RV_PAGE_SLOT_BYTES);
	memset(slot, 'x', size);
	EXPECT(reeve_slot(NULL) == slot);
	reeve_exit_reason("first");
	reeve_exit_reason(no_text, 1);
	reeve_exit_reason("done\nafter %d", 5);
	return 0;
}

RV_TEST(the_slot_and_the_reason_are_in_the_page)
{
	char slot[RV_PAGE_SLOT_BYTES], reason[RV_PAGE_REASON_BYTES];

	agent_rig_open(&rig, false);
	agent_rig_trouble(&rig, use_slot_and_reason);
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 0);
	rv_page_slot(rig.map, slot);
	CU_ASSERT_EQUAL(slot[0], 'x');
	CU_ASSERT_EQUAL(slot[sizeof(slot) - 1], 'x');
	rv_page_reason(rig.map, reason);
	CU_ASSERT_STRING_EQUAL(reason, "done after 5");
	agent_rig_close(&rig);
}

static int
long_reason(void)
{
	reeve_exit_reason("%0300d", 1);
	return 0;
}

RV_TEST(a_long_reason_is_cut)
{
	char reason[RV_PAGE_REASON_BYTES];

	agent_rig_open(&rig, false);
	agent_rig_trouble(&rig, long_reason);
	rv_page_reason(rig.map, reason);
	CU_ASSERT_EQUAL(strlen(reason), RV_PAGE_REASON_BYTES - 1);
	agent_rig_close(&rig);
}

static int
two_listeners(const char *names, const char *pid)
{
	char own[16];

	snprintf(own, sizeof(own), "%d", (int)getpid());
	close_range(3, ~0U, 0);
	for (int i = 3; i < 5; i++) {
		if (socket(AF_UNIX, SOCK_STREAM, 0) != i) {
			return 1;
		}
	}
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_PID", pid != NULL ? pid : own, 1);
	setenv("LISTEN_FDNAMES", names, 1);
	return 0;
}

static int
find_listeners(void)
{
	EXPECT(two_listeners("http:admin", NULL) == 0);
	EXPECT(reeve_listener("admin") == 4);
	EXPECT(fcntl(3, F_GETFD) == FD_CLOEXEC);
	EXPECT(fcntl(4, F_GETFD) == FD_CLOEXEC);
	EXPECT(reeve_listener("http") == 3);
	errno = 0;
	EXPECT(reeve_listener("htt") == -1 && errno == ENOENT);
	EXPECT(reeve_listener("http:admin") == -1);
	errno = 0;
	EXPECT(reeve_listener(NULL) == -1 && errno == EINVAL);
	EXPECT(reeve_listener("") == -1);
	close(4);
	errno = 0;
	EXPECT(reeve_listener("admin") == -1 && errno == EBADF);
	setenv("LISTEN_FDNAMES", "a", 1);
	EXPECT(reeve_listener("a") == 3);
	EXPECT(reeve_listener("admin") == -1);
	unsetenv("LISTEN_FDNAMES");
	EXPECT(reeve_listener("unknown") == 3);
	setenv("LISTEN_FDS", "-1", 1);
	EXPECT(reeve_listener("unknown") == -1);
	setenv("LISTEN_FDS", "99999999999999999999", 1);
	EXPECT(reeve_listener("unknown") == -1);
	return 0;
}

static int
others_listeners(void)
{
	EXPECT(two_listeners("http:admin", "1") == 0);
	EXPECT(reeve_listener("http") == -1 && errno == ENOENT);
	EXPECT(fcntl(3, F_GETFD) == 0);
	return 0;
}

RV_TEST(listeners_are_found_by_name_by_whom_they_are_for)
{
	agent_rig_open(&rig, false);
	ENDS_WELL(&rig, find_listeners);
	ENDS_WELL(&rig, others_listeners);
	agent_rig_close(&rig);
}

static int
fork_inert(void)
{
	unsigned char *slot = reeve_slot(NULL);
	pid_t pid;
	int status;

	slot[0] = 1;
	reeve_beat();
	pid = fork();
	if (pid == 0) {
		_exit(reeve_slot(NULL) == slot ? 200 : check_inert());
	}
	EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
	EXPECT(slot[0] == 1);
	EXPECT(reeve_attach() == REEVE_OK);
	return 0;
}

RV_TEST(a_child_of_the_worker_is_nobody)
{
	char reason[RV_PAGE_REASON_BYTES];

	agent_rig_open(&rig, false);
	CU_ASSERT_FALSE(agent_rig_trouble(&rig, fork_inert));
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 0);
	CU_ASSERT_EQUAL(beats_of_page(), 1);
	rv_page_reason(rig.map, reason);
	CU_ASSERT_STRING_EQUAL(reason, "");
	CU_ASSERT_TRUE(agent_rig_is_silent(&rig));
	agent_rig_close(&rig);
}

static int ran_at_exit[2];

static void
at_exit(void)
{
	ssize_t n = write(ran_at_exit[1], "x", 1);

	(void)n;
}

/* As a host would fork a function worker: that one attaches anew. */
static int
fork_worker(void)
{
	pid_t pid;
	int status;

	EXPECT(rv_agent_start() == 0);
	EXPECT(!reeve_stopping());
	reeve_beat();
	atexit(at_exit);
	pid = fork();
	if (pid == 0) {
		rv_agent_after_fork();
		if (rv_agent_start() != 0 || reeve_stopping()) {
			_exit(99);
		}
		reeve_beat();
		reeve_beat();
		raise(SIGTERM);
		if (!reeve_stopping()) {
			_exit(98);
		}
		rv_agent_trouble_start(4, ENOENT, "no module %s", "x.so");
		reeve_raise("after", "start");
	}
	EXPECT(waitpid(pid, &status, 0) == pid);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	EXPECT(!reeve_stopping());
	_exit(0);
}

RV_TEST(a_forked_worker_attaches_anew_and_leaves_without_the_hosts_atexit)
{
	char byte;

	CU_ASSERT_FATAL(pipe2(ran_at_exit, O_CLOEXEC | O_NONBLOCK) == 0);
	agent_rig_open(&rig, false);
	agent_rig_child(&rig, fork_worker);
	CU_ASSERT_FATAL(agent_rig_page(&rig));
	munmap(rig.map, RV_PAGE_BYTES);
	rig.map = NULL;
	CU_ASSERT_FATAL(agent_rig_page(&rig));
	CU_ASSERT_TRUE(agent_rig_says(&rig, "REEVE_TROUBLE=1"));
	CU_ASSERT_TRUE(agent_rig_says(&rig, "REEVE_TROUBLE=1"));
	agent_rig_end(&rig);
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 0);
	CU_ASSERT_EQUAL(beats_of_page(), 2);
	CU_ASSERT_TRUE(rv_page_trouble(rig.map, &rig.trouble));
	CU_ASSERT_EQUAL(rig.trouble.number, 2);
	CU_ASSERT_TRUE(read(ran_at_exit[0], &byte, 1) == -1);
	agent_rig_close(&rig);
	close(ran_at_exit[0]);
	close(ran_at_exit[1]);
}

static int
small_files(void)
{
	struct rlimit small = { 100, RLIM_INFINITY }, after;

	setrlimit(RLIMIT_FSIZE, &small);
	EXPECT(reeve_attach() == REEVE_OK);
	getrlimit(RLIMIT_FSIZE, &after);
	EXPECT(after.rlim_cur == 100);
	return 0;
}

static int
tiny_files(void)
{
	struct rlimit small = { 100, 100 };

	setrlimit(RLIMIT_FSIZE, &small);
	errno = 0;
	EXPECT(reeve_attach() == REEVE_ESYS && errno == EFBIG);
	return 0;
}

static int
no_descriptors(void)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &files);
	close_range(3, ~0U, 0);
	errno = 0;
	EXPECT(reeve_attach() == REEVE_ESYS && errno == EMFILE);
	EXPECT(reeve_stopping_fd() == -1 && errno == EMFILE);
	files.rlim_cur = 10;
	setrlimit(RLIMIT_NOFILE, &files);
	EXPECT(reeve_attach() == REEVE_OK);
	EXPECT(reeve_stopping_fd() >= 0);
	return 0;
}

RV_TEST(limits_make_an_error_or_none)
{
	agent_rig_open(&rig, false);
	ENDS_WELL(&rig, small_files);
	CU_ASSERT_TRUE(agent_rig_page(&rig));
	ENDS_WELL(&rig, tiny_files);
	ENDS_WELL(&rig, no_descriptors);
	agent_rig_close(&rig);
}

static int
flood(void)
{
	enum reeve_status status = REEVE_OK;

	for (int i = 0; i < 10000 && status == REEVE_OK; i++) {
		status = reeve_ready();
	}
	EXPECT(status == REEVE_EAGAIN);
	return 0;
}

RV_TEST(a_supervisor_that_does_not_read_is_not_waited_for)
{
	agent_rig_open(&rig, false);
	ENDS_WELL(&rig, flood);
	agent_rig_close(&rig);
}

static void *
beat_much(void *arg)
{
	(void)arg;
	for (int i = 0; i < 1000; i++) {
		reeve_beat();
		reeve_stopping();
		reeve_report(NULL, "x", "%d", i);
	}
	return NULL;
}

static int
many_threads(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++) {
		EXPECT(pthread_create(&threads[i], NULL, beat_much, NULL) == 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
	}
	reeve_beat();
	return 0;
}

RV_TEST(threads_may_beat_and_report_at_once)
{
	agent_rig_open(&rig, false);
	CU_ASSERT_TRUE(agent_rig_trouble(&rig, many_threads));
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 0);
	CU_ASSERT(beats_of_page() > 0 && beats_of_page() <= 4001);
	CU_ASSERT_EQUAL(rig.trouble.state, RV_TROUBLE_DONE);
	agent_rig_close(&rig);
}

RV_SUITE(agent, RV_CASE(attaching_sends_one_sealed_page),
    RV_CASE(the_first_beat_attaches_and_counts),
    RV_CASE(a_handler_may_be_the_first_to_beat),
    RV_CASE(readiness_and_status_are_told),
    RV_CASE(under_another_supervisor_only_its_protocol_is_spoken),
    RV_CASE(where_no_runtime_is_everything_is_harmless),
    RV_CASE(the_slot_and_the_reason_are_in_the_page),
    RV_CASE(a_long_reason_is_cut),
    RV_CASE(listeners_are_found_by_name_by_whom_they_are_for),
    RV_CASE(a_child_of_the_worker_is_nobody),
    RV_CASE(a_forked_worker_attaches_anew_and_leaves_without_the_hosts_atexit),
    RV_CASE(limits_make_an_error_or_none),
    RV_CASE(a_supervisor_that_does_not_read_is_not_waited_for),
    RV_CASE(threads_may_beat_and_report_at_once))
