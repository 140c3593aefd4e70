/* SPDX-License-Identifier: MIT */
/* Notify sockets and readiness pipes of real workers. */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/harness.h"
#include "sys/sys.h"
#include "unit/launcher_rig.h"
#include "wire/launch.h"

static void
notifier(struct rig_spec *s, const char *a, const char *b, const char *c,
    const char *d)
{
	rig_spec(s, "notifier", a, b, c, d, NULL);
	s->program.ready = RV_CHANNEL_NOTIFY;
}

static struct rig_life *
run(struct rig *rig, const struct rig_spec *s)
{
	uint64_t life = rig_launch(rig, s);

	CU_ASSERT_FATAL(rig_wait(rig, rig_died, life));
	if (rig_of(rig, life)->death.end.number != 0) {
		printf(
		    "# ended with %d\n", rig_of(rig, life)->death.end.number);
	}
	CU_ASSERT_EQUAL(rig_of(rig, life)->death.end.number, 0);
	return rig_of(rig, life);
}

RV_TEST(every_variable_arrives)
{
	struct rig rig;
	struct rig_spec s;
	struct rig_life *l;

	rig_open(&rig, NULL);
	notifier(&s, "send",
	    "READY=1|STATUS=up \xc3\xa9|WATCHDOG_USEC=7|ERRNO=5|"
	    "EXIT_STATUS=6|EXTEND_TIMEOUT_USEC=8|WATCHDOG=trigger",
	    NULL, NULL);
	l = run(&rig, &s);
	CU_ASSERT_EQUAL(l->ready, 1);
	CU_ASSERT_STRING_EQUAL(l->status, "up \xc3\xa9");
	CU_ASSERT_EQUAL(rig.last.watchdog_usec, 7);
	CU_ASSERT_EQUAL(rig.last.sys_errno, 5);
	CU_ASSERT_EQUAL(rig.last.exit_status, 6);
	CU_ASSERT_EQUAL(rig.last.extend_usec, 8);
	CU_ASSERT((rig.last.flags & RV_NOTIFY_TRIGGER) != 0);
	notifier(&s, "send", "RELOADING=1", "send", "STOPPING=1");
	l = run(&rig, &s);
	CU_ASSERT_EQUAL(l->reloading, 1);
	CU_ASSERT_EQUAL(l->stopping, 1);
	CU_ASSERT_EQUAL(l->bad, 0);
	rig_close(&rig);
}

/* The last word of a process comes before its end, always. */
RV_TEST(what_is_said_last_comes_before_the_end)
{
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	notifier(&s, "send", "STATUS=a", "send", "READY=1");
	for (int i = 0; i < 50; i++) {
		CU_ASSERT_EQUAL(run(&rig, &s)->ready, 1);
	}
	rig_close(&rig);
}

RV_TEST(a_barrier_opens_when_all_before_is_handled)
{
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	rig_spec(&s, "notifier", "send", "READY=1", "barrier", "send",
	    "WATCHDOG=1", "barrier", NULL);
	s.program.ready = RV_CHANNEL_NOTIFY;
	CU_ASSERT_EQUAL(run(&rig, &s)->beats, 1);
	rig_close(&rig);
}

/* What the kernel holds of what was sent there: 0 when it was read. */
static bool
is_taken(void *sock)
{
	int left = -1;

	return ioctl(*(int *)sock, SIOCOUTQ, &left) == 0 && left == 0;
}

static bool
has_reported(struct rig *rig, uint64_t life)
{
	(void)life;
	return (rig->last.flags & RV_NOTIFY_TROUBLE) != 0;
}

/* With the writing end of a pipe, to the life's socket. */
static int
send_report(const struct rig *rig, uint64_t life, int fd)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	char text[] = "REEVE_TROUBLE=1";
	struct iovec iov = { .iov_base = text, .iov_len = strlen(text) };
	struct msghdr msg = { .msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s/notify/%d", rig->dir,
	    (int)life);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	CU_ASSERT_FATAL(sendmsg(sock, &msg, 0) == (ssize_t)strlen(text));
	return sock;
}

/* A worker overwrites its page once the pipe is closed. */
RV_TEST(the_pipe_of_a_report_is_open_until_the_supervisor_has_it)
{
	struct rig rig;
	struct rig_spec s;
	struct pollfd p = { .events = 0 };
	uint64_t life;
	int fds[2], sock;

	rig_open(&rig, NULL);
	notifier(&s, "send", "READY=1", "wait", NULL);
	life = rig_launch(&rig, &s);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_is_ready, life));
	CU_ASSERT_FATAL(pipe2(fds, O_CLOEXEC) == 0);
	p.fd = fds[0];
	sock = send_report(&rig, life, fds[1]);
	close(fds[1]);
	CU_ASSERT(rv_test_wait(is_taken, &sock, -1, 20000));
	CU_ASSERT_EQUAL(poll(&p, 1, 0), 0);
	CU_ASSERT(rig_wait(&rig, has_reported, life));
	CU_ASSERT_EQUAL(poll(&p, 1, 20000), 1);
	close(fds[0]);
	close(sock);
	rv_start_signal(rig.start, life, SIGKILL, false, false);
	CU_ASSERT(rig_wait(&rig, rig_died, life));
	rig_close(&rig);
}

RV_TEST(descriptors_that_come_are_closed_however_many)
{
	struct rig rig;
	struct rig_spec s;
	unsigned before, after;

	rig_open(&rig, NULL);
	rig_spec(&s, "notifier", "fds", "1", "FDSTORE=1", "fds", "3", "READY=1",
	    "fds", "40", "STATUS=many", "fds", "2", "BARRIER=1", "fds", "5",
	    "%%bad", "barrier", "ready", NULL);
	s.program.ready = RV_CHANNEL_NOTIFY;
	run(&rig, &s);
	rig_sync(&rig);
	before = rv_test_fds(rv_start_pid(rig.start));
	for (int i = 0; i < 5; i++) {
		struct rig_life *l = run(&rig, &s);

		CU_ASSERT_EQUAL(l->ready, 1);
		CU_ASSERT(l->bad >= 1);
	}
	rig_sync(&rig);
	after = rv_test_fds(rv_start_pid(rig.start));
	if (after != before) {
		printf("# %u before, %u after\n", before, after);
	}
	CU_ASSERT_EQUAL(after, before);
	rig_close(&rig);
}

RV_TEST(nonsense_is_refused_and_said_once)
{
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	rig_spec(&s, "notifier", "flood", "50", "READY=maybe", "send",
	    "READY=1", NULL);
	s.program.ready = RV_CHANNEL_NOTIFY;
	CU_ASSERT_EQUAL(run(&rig, &s)->bad, 1);
	rig_close(&rig);
}

RV_TEST(another_user_is_not_heard)
{
	struct rig rig;
	struct rig_spec s;
	struct rig_life *l;

	if (geteuid() != 0) {
		/* Without root there is no other user to be. */
		return;
	}
	rig_open(&rig, NULL);
	/* Within everybody's reach, so that the check itself is tested. */
	chmod(rig.dir, 0755);
	notifier(&s, "as", "65533", "READY=1", "send");
	s.argv[5] = "STATUS=mine";
	s.argv[6] = NULL;
	s.program.set_user = true;
	s.program.uid = 0;
	l = run(&rig, &s);
	CU_ASSERT_EQUAL(l->ready, 0);
	CU_ASSERT_STRING_EQUAL(l->status, "mine");
	rig_close(&rig);
}

RV_TEST(a_worker_of_another_user_reaches_its_socket)
{
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	notifier(&s, "send", "READY=1", NULL, NULL);
	if (geteuid() == 0) {
		s.program.set_user = s.program.set_group = true;
		s.program.uid = s.program.gid = 65534;
	}
	/* The folder is closed to it: a name without a file. */
	CU_ASSERT_EQUAL(run(&rig, &s)->ready, 1);
	CU_ASSERT_EQUAL(chmod(rig.dir, 0711), 0);
	/* Open to all: a file that is its own. */
	CU_ASSERT_EQUAL(run(&rig, &s)->ready, 1);
	rig_close(&rig);
}

RV_TEST(socket_files_are_gone_with_their_life)
{
	struct rig rig;
	struct rig_spec s;
	struct stat st;
	uint64_t life;
	char path[200];

	rig_open(&rig, NULL);
	notifier(&s, "send", "READY=1", "wait", NULL);
	life = rig_launch_ready(&rig, &s);
	snprintf(path, sizeof(path), "%s/notify/%d", rig.dir, (int)life);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	rv_start_kill(rig.start, life, RV_KILL_GROUP);
	CU_ASSERT(rig_wait(&rig, rig_died, life));
	rig_sync(&rig);
	CU_ASSERT_EQUAL(stat(path, &st), -1);
	rig_close(&rig);
}

RV_TEST(beats_of_a_flood_are_merged_and_hold_up_nobody)
{
	struct rig rig;
	struct rig_spec s, quick;
	struct rig_life *l;
	uint64_t flooding;

	rig_open(&rig, NULL);
	rig_spec(&s, "notifier", "flood", "20000", "WATCHDOG=1", "wait", NULL);
	s.program.ready = RV_CHANNEL_NOTIFY;
	flooding = rig_launch(&rig, &s);
	rig_spec(&quick, "ending", "exit", "0", NULL);
	for (int i = 0; i < 20; i++) {
		CU_ASSERT_FATAL(
		    rig_wait(&rig, rig_died, rig_launch(&rig, &quick)));
	}
	l = rig_of(&rig, flooding);
	rv_start_kill(rig.start, flooding, RV_KILL_GROUP);
	CU_ASSERT(rig_wait(&rig, rig_died, flooding));
	CU_ASSERT(l->beats > 0 && l->beats < 20000);
	rig_close(&rig);
}

static bool
launcher_sleeps(void *ctx)
{
	struct rig *rig = ctx;
	char path[64], state;
	unsigned long before, now;

	snprintf(path, sizeof(path), "/proc/%d/status",
	    (int)rv_start_pid(rig->start));
	before =
	    strtoul(rig_line(path, "voluntary_ctxt_switches:\t"), NULL, 10);
	state = rig_line(path, "State:\t")[0];
	poll(NULL, 0, 50);
	now = strtoul(rig_line(path, "voluntary_ctxt_switches:\t"), NULL, 10);
	return state == 'S' && now == before;
}

/* While nobody reads, nothing may grow, spin or be lost. */
RV_TEST(a_supervisor_that_sleeps_misses_nothing)
{
	enum { N = 60 };
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	rig_spec(&s, "notifier", "flood", "600", "STATUS=long line", "send",
	    "READY=1", NULL);
	s.program.ready = RV_CHANNEL_NOTIFY;
	for (int i = 0; i < N; i++) {
		rig_launch(&rig, &s);
	}
	CU_ASSERT_FATAL(rig_wait(&rig, rig_n_launched, N));
	/* The launcher writes until it is blocked, and then it sleeps. */
	CU_ASSERT_FATAL(rv_test_wait(launcher_sleeps, &rig, -1, 10000));
	CU_ASSERT(rig_wait(&rig, rig_n_died, N));
	for (uint64_t i = 1; i <= N; i++) {
		CU_ASSERT_EQUAL(rig_of(&rig, i)->ready, 1);
	}
	rig_close(&rig);
}

RV_TEST(a_descendant_can_become_the_main_process)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life;
	struct rig_life *l;

	rig_open(&rig, NULL);
	notifier(&s, "main", "send", "READY=1", "exit");
	s.argv[5] = "9";
	s.argv[6] = NULL;
	life = rig_launch_ready(&rig, &s);
	l = rig_of(&rig, life);
	rig_sync(&rig);
	/* The first process ends with 9, and that is not the end. */
	CU_ASSERT(!l->died);
	CU_ASSERT_EQUAL(l->mainpid, 1);
	CU_ASSERT_NOT_EQUAL(rig.last.mainpid, l->pid);
	rv_start_signal(rig.start, life, SIGTERM, false, true);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT(l->death.end.signaled);
	CU_ASSERT_EQUAL(l->death.end.number, SIGTERM);
	CU_ASSERT(rig_is_gone(l->pid));
	rig_close(&rig);
}

RV_TEST(the_end_of_the_main_process_takes_the_old_one_along)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t life;
	struct rig_life *l;

	rig_open(&rig, NULL);
	notifier(&s, "main", "send", "READY=1", "wait");
	life = rig_launch_ready(&rig, &s);
	rig_sync(&rig);
	l = rig_of(&rig, life);
	CU_ASSERT(!l->died);
	rv_start_signal(rig.start, life, SIGUSR1, false, false);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT_EQUAL(l->death.end.number, SIGUSR1);
	CU_ASSERT(!l->death.end.unknown);
	CU_ASSERT(rig_is_gone(l->pid));
	rig_close(&rig);
}

RV_TEST(a_stranger_cannot_become_the_main_process)
{
	struct rig rig;
	struct rig_spec s, other;
	uint64_t first;
	char text[64];

	rig_open(&rig, NULL);
	rig_spec(&other, "ending", NULL);
	first = rig_launch_ready(&rig, &other);
	snprintf(text, sizeof(text), "MAINPID=%d", (int)getpid());
	notifier(&s, "send", text, NULL, NULL);
	CU_ASSERT_EQUAL(run(&rig, &s)->bad, 1);
	snprintf(text, sizeof(text), "MAINPID=%d|READY=1",
	    (int)rig_of(&rig, first)->pid);
	notifier(&s, "send", text, NULL, NULL);
	CU_ASSERT_EQUAL(run(&rig, &s)->mainpid, 0);
	CU_ASSERT_EQUAL(rig_of(&rig, rig.next - 1)->ready, 1);
	notifier(&s, "send", "MAINPID=999999999", NULL, NULL);
	CU_ASSERT_EQUAL(run(&rig, &s)->bad, 1);
	CU_ASSERT(!rig_of(&rig, first)->died);
	rig_close(&rig);
}

RV_TEST(a_newline_on_the_ready_descriptor_is_readiness_once)
{
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	rig_spec(&s, "/bin/sh", "-c",
	    "printf x >&7; printf 'y\\nz\\n\\n' >&7; echo more >&7", NULL);
	s.program.ready = RV_CHANNEL_FD;
	s.program.ready_fd = 7;
	CU_ASSERT_EQUAL(run(&rig, &s)->ready, 1);
	rig_spec(&s, "/bin/sh", "-c", "printf xyz >&3; exec 3>&-", NULL);
	s.program.ready = RV_CHANNEL_FD;
	s.program.ready_fd = 3;
	CU_ASSERT_EQUAL(run(&rig, &s)->ready, 0);
	rig_close(&rig);
}

RV_TEST(a_sync_answers_after_what_was_said_before)
{
	enum { N = 20 };
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	rig_spec(&s, "notifier", "send", "READY=1", "send", "WATCHDOG=1",
	    "ready", "wait", NULL);
	s.program.ready = RV_CHANNEL_NOTIFY;
	for (int i = 0; i < N; i++) {
		rig_launch_ready(&rig, &s);
	}
	rig_sync(&rig);
	for (uint64_t i = 1; i <= N; i++) {
		rv_start_sync(rig.start, 1000 + i);
	}
	rig_sync(&rig);
	CU_ASSERT(rig.n_synced >= N + 2);
	rig_close(&rig);
}

RV_TEST(the_supervisor_holds_no_descriptor_for_a_life)
{
	enum { N = 200 };
	struct rig rig;
	struct rig_spec s;
	unsigned one;

	rig_open(&rig, NULL);
	CU_ASSERT(rv_start_connect_clerk(rig.start, NULL) == REEVE_OK);
	rig_spec(&s, "notifier", "send", "READY=1", "wait", NULL);
	s.program.ready = RV_CHANNEL_NOTIFY;
	s.program.out = (struct rv_out){ RV_OUT_FILE, "/o", 0, 0 };
	rig_launch_ready(&rig, &s);
	one = rv_test_fds(getpid());
	for (int i = 1; i < N; i++) {
		rig_launch_ready(&rig, &s);
	}
	CU_ASSERT_EQUAL(rv_test_fds(getpid()), one);
	rig_close(&rig);
}

RV_SUITE(launcher_notify, RV_CASE(every_variable_arrives),
    RV_CASE(what_is_said_last_comes_before_the_end),
    RV_CASE(a_barrier_opens_when_all_before_is_handled),
    RV_CASE(the_pipe_of_a_report_is_open_until_the_supervisor_has_it),
    RV_CASE(descriptors_that_come_are_closed_however_many),
    RV_CASE(nonsense_is_refused_and_said_once),
    RV_CASE(another_user_is_not_heard),
    RV_CASE(a_worker_of_another_user_reaches_its_socket),
    RV_CASE(socket_files_are_gone_with_their_life),
    RV_CASE(beats_of_a_flood_are_merged_and_hold_up_nobody),
    RV_CASE(a_supervisor_that_sleeps_misses_nothing),
    RV_CASE(a_descendant_can_become_the_main_process),
    RV_CASE(the_end_of_the_main_process_takes_the_old_one_along),
    RV_CASE(a_stranger_cannot_become_the_main_process),
    RV_CASE(a_newline_on_the_ready_descriptor_is_readiness_once),
    RV_CASE(a_sync_answers_after_what_was_said_before),
    RV_CASE(the_supervisor_holds_no_descriptor_for_a_life))
