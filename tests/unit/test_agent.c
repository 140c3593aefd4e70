/* SPDX-License-Identifier: MIT */
/*
 * What a worker tells through <reeve/child.h>, seen from the launcher's end of
 * the notify socket; and that it is harmless where it should be.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

/* In a child: the line that was not as expected is the exit code. */
#define EXPECT(cond)                     \
	do {                             \
		if (!(cond)) {           \
			return __LINE__; \
		}                        \
	} while (0)

/* Codes have 8 bits; what is left of the line is enough to find it. */
#define ENDS_WELL(run)                                                     \
	do {                                                               \
		int code_ = run_to_end(run);                               \
		if (code_ != 0) {                                          \
			fprintf(stderr, "# code %d of " #run "\n", code_); \
		}                                                          \
		CU_ASSERT_EQUAL(code_, 0);                                 \
	} while (0)

static int
run_to_end(int (*run)(void))
{
	agent_rig_child(&rig, run);
	agent_rig_end(&rig);
	return agent_rig_code(&rig);
}

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

static int
only_beat(void)
{
	for (int i = 0; i < 3; i++) {
		reeve_beat();
	}
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
	ENDS_WELL(under_systemd);
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
	ENDS_WELL(alone);
	ENDS_WELL(to_nobody);
	ENDS_WELL(to_nonsense);
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
	ENDS_WELL(stop_by_usr2);
	ENDS_WELL(stop_by_kill);
	ENDS_WELL(stop_by_nonsense);
	ENDS_WELL(stop_with_host_handler);
	ENDS_WELL(stop_with_closed_descriptors);
	ENDS_WELL(child_is_stopped);
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
	ENDS_WELL(find_listeners);
	ENDS_WELL(others_listeners);
	agent_rig_close(&rig);
}

static int
raise_it(void)
{
	reeve_raise("db.Timeout", "no answer in %d ms", 50);
}

static int
raise_with(void)
{
	static const struct reeve_raise_options options = {
		.size = sizeof(options),
		.sys_errno = ENOENT,
		.data = "{\"table\":\"users\"}",
		.cause_type = "net.Closed",
		.cause_message = "reset by peer",
	};

	printf("last words\n");
	reeve_raise_with(&options, "db.Gone", "table %s", "users");
}

static bool
has_frame_of(int (*function)(void))
{
	uint64_t start = (uint64_t)(uintptr_t)function;
	const struct rv_page_thread *t = &rig.trouble.threads[0];

	/* The call may be the last thing in it. */
	return t->n_frames > 0 && t->frames[0] > start &&
	       t->frames[0] <= start + 400;
}

RV_TEST(what_is_raised_ends_the_process_and_is_told)
{
	const char *path;
	size_t len;
	uint64_t offset;

	agent_rig_open(&rig, false);
	CU_ASSERT_TRUE(agent_rig_trouble(&rig, raise_it));
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 1);
	CU_ASSERT_TRUE(agent_rig_says(&rig, "REEVE_TROUBLE=1"));
	CU_ASSERT_TRUE(agent_rig_is_silent(&rig));
	CU_ASSERT_EQUAL(rig.trouble.kind, RV_TROUBLE_RAISED);
	CU_ASSERT_EQUAL(rig.trouble.state, RV_TROUBLE_DONE);
	CU_ASSERT_EQUAL(rig.trouble.number, 1);
	CU_ASSERT_STRING_EQUAL(rig.trouble.type, "db.Timeout");
	CU_ASSERT_STRING_EQUAL(rig.trouble.message, "no answer in 50 ms");
	CU_ASSERT_EQUAL(rig.trouble.n_threads, 1);
	CU_ASSERT_EQUAL(rig.trouble.threads[0].exact, 0);
	CU_ASSERT_TRUE(has_frame_of(raise_it));
	CU_ASSERT_TRUE(rv_page_resolve(&rig.trouble,
	    rig.trouble.threads[0].frames[0], &path, &len, &offset));
	agent_rig_close(&rig);
}

RV_TEST(what_is_raised_has_options)
{
	agent_rig_open(&rig, false);
	CU_ASSERT_TRUE(agent_rig_trouble(&rig, raise_with));
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 1);
	CU_ASSERT_EQUAL(rig.trouble.sys_errno, ENOENT);
	CU_ASSERT_STRING_EQUAL(rig.trouble.message, "table users");
	CU_ASSERT_STRING_EQUAL(rig.trouble.data, "{\"table\":\"users\"}");
	CU_ASSERT_STRING_EQUAL(rig.trouble.cause_type, "net.Closed");
	CU_ASSERT_STRING_EQUAL(rig.trouble.cause_message, "reset by peer");
	CU_ASSERT_TRUE(has_frame_of(raise_with));
	agent_rig_close(&rig);
}

static int
raise_badly(void)
{
	static const struct reeve_raise_options options = { .size = 1,
		.data = (const char *)1 };

	reeve_raise_with(&options, NULL, NULL);
}

static int
raise_long(void)
{
	static char data[8192], text[4096];
	struct reeve_raise_options options = { .size = sizeof(options),
		.data = data,
		.cause_type = text,
		.cause_message = text };

	memset(data, '1', sizeof(data) - 1);
	memset(text, 't', sizeof(text) - 1);
	reeve_raise_with(&options, text, "%s%s", text, text);
}

RV_TEST(bad_arguments_to_raise_are_told_as_well_as_can_be)
{
	agent_rig_open(&rig, false);
	CU_ASSERT_TRUE(agent_rig_trouble(&rig, raise_badly));
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 1);
	CU_ASSERT_STRING_EQUAL(rig.trouble.type, "unnamed");
	CU_ASSERT_STRING_EQUAL(rig.trouble.message, "");
	CU_ASSERT_STRING_EQUAL(rig.trouble.data, "");
	agent_rig_close(&rig);
	agent_rig_open(&rig, false);
	CU_ASSERT_TRUE(agent_rig_trouble(&rig, raise_long));
	CU_ASSERT_EQUAL(strlen(rig.trouble.type), RV_PAGE_TYPE - 1);
	CU_ASSERT_EQUAL(strlen(rig.trouble.message), RV_PAGE_MESSAGE - 1);
	CU_ASSERT_EQUAL(strlen(rig.trouble.data), RV_PAGE_DATA - 1);
	agent_rig_close(&rig);
}

static int raised_says[2];

static int
raise_alone(void)
{
	unsetenv("REEVE_LIFE");
	dup2(raised_says[1], 2);
	reeve_raise("x.Y", "why %d", 3);
}

RV_TEST(what_nobody_hears_is_said_on_standard_error)
{
	char text[64] = "";

	CU_ASSERT_FATAL(pipe2(raised_says, O_CLOEXEC) == 0);
	agent_rig_open(&rig, false);
	CU_ASSERT_EQUAL(run_to_end(raise_alone), 1);
	CU_ASSERT_TRUE(read(raised_says[0], text, sizeof(text) - 1) > 0);
	CU_ASSERT_STRING_EQUAL(text, "x.Y: why 3\n");
	close(raised_says[0]);
	close(raised_says[1]);
	agent_rig_close(&rig);
}

/* Reports, waits for a beat of ours (a byte on standard input), again. */
static int
report_some(void)
{
	struct reeve_raise_options bad = { .size = 4 };
	char byte;

	EXPECT(reeve_report(NULL, NULL, "x") == REEVE_EINVALID);
	EXPECT(reeve_report(NULL, "", "x") == REEVE_EINVALID);
	EXPECT(reeve_report(NULL, "x", no_text, 1) == REEVE_EINVALID);
	EXPECT(reeve_report(&bad, "x", "y") == REEVE_EINVALID);
	EXPECT(reeve_status(no_text, 1) == REEVE_EINVALID);
	EXPECT(reeve_report(NULL, "first", "%d", 1) == REEVE_OK);
	EXPECT(reeve_report(NULL, "second", "%d", 2) == REEVE_EAGAIN);
	EXPECT(reeve_ready() == REEVE_OK);
	EXPECT(read(0, &byte, 1) == 1);
	EXPECT(reeve_report(NULL, "third", "%d", 3) == REEVE_OK);
	return 0;
}

RV_TEST(a_report_goes_only_when_the_one_before_has_arrived)
{
	int ends[2], in = dup(0);

	CU_ASSERT_FATAL(pipe2(ends, O_CLOEXEC) == 0);
	dup2(ends[0], 0);
	agent_rig_open(&rig, false);
	agent_rig_child(&rig, report_some);
	CU_ASSERT_FATAL(agent_rig_page(&rig));
	CU_ASSERT_TRUE(agent_rig_says(&rig, "REEVE_TROUBLE=1"));
	CU_ASSERT_TRUE(rig.fd != -1);
	CU_ASSERT_TRUE(rv_page_trouble(rig.map, &rig.trouble));
	CU_ASSERT_EQUAL(rig.trouble.kind, RV_TROUBLE_REPORTED);
	CU_ASSERT_STRING_EQUAL(rig.trouble.type, "first");
	CU_ASSERT_EQUAL(rig.trouble.number, 1);
	/* The descriptor of the last message is closed by the next. */
	CU_ASSERT_TRUE(agent_rig_says(&rig, "READY=1"));
	CU_ASSERT_EQUAL(write(ends[1], "", 1), 1);
	CU_ASSERT_TRUE(agent_rig_says(&rig, "REEVE_TROUBLE=1"));
	agent_rig_end(&rig);
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 0);
	CU_ASSERT_TRUE(rv_page_trouble(rig.map, &rig.trouble));
	CU_ASSERT_STRING_EQUAL(rig.trouble.message, "3");
	CU_ASSERT_EQUAL(rig.trouble.number, 2);
	agent_rig_close(&rig);
	dup2(in, 0);
	close(in);
	close(ends[0]);
	close(ends[1]);
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
fail_to_start(void)
{
	EXPECT(rv_agent_start() == 0);
	rv_agent_trouble_start(7, EACCES, "cannot %s", "begin");
	return 127;
}

RV_TEST(a_start_that_fails_is_told_with_its_stage)
{
	agent_rig_open(&rig, false);
	CU_ASSERT_TRUE(agent_rig_trouble(&rig, fail_to_start));
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 127);
	CU_ASSERT_TRUE(agent_rig_says(&rig, "REEVE_TROUBLE=1"));
	CU_ASSERT_EQUAL(rig.trouble.kind, RV_TROUBLE_START);
	CU_ASSERT_EQUAL(rig.trouble.stage, 7);
	CU_ASSERT_EQUAL(rig.trouble.sys_errno, EACCES);
	CU_ASSERT_STRING_EQUAL(rig.trouble.type, "reeve.Start");
	CU_ASSERT_STRING_EQUAL(rig.trouble.message, "cannot begin");
	agent_rig_close(&rig);
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
	ENDS_WELL(small_files);
	CU_ASSERT_TRUE(agent_rig_page(&rig));
	ENDS_WELL(tiny_files);
	ENDS_WELL(no_descriptors);
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
	ENDS_WELL(flood);
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
    RV_CASE(a_worker_sees_that_it_is_asked_to_stop),
    RV_CASE(stops_by_other_signals_and_in_odd_processes),
    RV_CASE(listeners_are_found_by_name_by_whom_they_are_for),
    RV_CASE(what_is_raised_ends_the_process_and_is_told),
    RV_CASE(what_is_raised_has_options),
    RV_CASE(bad_arguments_to_raise_are_told_as_well_as_can_be),
    RV_CASE(what_nobody_hears_is_said_on_standard_error),
    RV_CASE(a_report_goes_only_when_the_one_before_has_arrived),
    RV_CASE(a_child_of_the_worker_is_nobody),
    RV_CASE(a_forked_worker_attaches_anew_and_leaves_without_the_hosts_atexit),
    RV_CASE(a_start_that_fails_is_told_with_its_stage),
    RV_CASE(limits_make_an_error_or_none),
    RV_CASE(a_supervisor_that_does_not_read_is_not_waited_for),
    RV_CASE(threads_may_beat_and_report_at_once))
