/* SPDX-License-Identifier: MIT */
/*
 * Workers that really crash: the status that their parent sees is the real
 * one, and the page tells where and why.
 */
#include "config.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/child.h>

#include "base/base.h"
#include "lib/harness.h"
#include "unit/agent_rig.h"

/* What crashes does so by itself, not by what a sanitizer makes of it. */
#define RAW __attribute__((noinline, no_sanitize("address", "undefined")))

static struct agent_rig rig;
static volatile int sink;

/*
 * ThreadSanitizer keeps signals until a thread blocks, and calls handlers with
 * a context of its own: nothing of what these cases look for is there.
 */
static bool
signals_are_kept_back(void)
{
#ifdef __SANITIZE_THREAD__
	return true;
#else
	return false;
#endif
}

RAW static int
crash_null(void)
{
	volatile int *volatile at = NULL;

	*at = 1;
	return ++sink;
}

RAW static int
crash_wild(void)
{
	volatile char *volatile at = (char *)0x123456789000;

	*at = 1;
	return ++sink;
}

RAW static int
crash_abort(void)
{
	abort();
	return ++sink;
}

RAW static int
crash_divide(void)
{
#if defined(__x86_64__)
	__asm__ volatile("xorl %%ecx, %%ecx\n\tmovl $1, %%eax\n\tcltd\n\t"
			 "idivl %%ecx" ::
			     : "eax", "ecx", "edx", "cc");
#else
	raise(SIGFPE);
#endif
	return ++sink;
}

RAW static int
crash_illegal(void)
{
#if defined(__x86_64__)
	__asm__ volatile("ud2");
#else
	raise(SIGILL);
#endif
	return ++sink;
}

RAW static int
crash_trap(void)
{
#if defined(__x86_64__)
	__asm__ volatile("int3");
#else
	raise(SIGTRAP);
#endif
	return ++sink;
}

RAW static int
crash_bus(void)
{
	int fd = memfd_create("short", MFD_CLOEXEC);
	volatile char *volatile at =
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	*at = 1;
	return ++sink;
}

RAW static int
crash_call(void)
{
	void (*volatile nowhere)(void) = NULL;

	nowhere();
	return ++sink;
}

RAW static int
crash_deep(int n)
{
	volatile char room[4096];

	room[0] = (char)n;
	if (n > 0) {
		return crash_deep(n + 1) + room[0];
	}
	return room[0];
}

static int
crash_overflow(void)
{
	struct rlimit small = { 1 << 20, 1 << 20 };

	setrlimit(RLIMIT_STACK, &small);
	return crash_deep(1);
}

static int (*crash)(void);

static int
attached(void)
{
	if (reeve_attach() != REEVE_OK) {
		return 99;
	}
	return crash();
}

static void *
in_thread(void *arg)
{
	(void)arg;
	reeve_status("%s", "from a thread"); /* gives it a stack */
	crash();
	return NULL;
}

static int
attached_in_thread(void)
{
	pthread_t thread;

	if (reeve_attach() != REEVE_OK ||
	    pthread_create(&thread, NULL, in_thread, NULL) != 0) {
		return 99;
	}
	pthread_join(thread, NULL);
	return 98;
}

static bool
tells_frame(const struct rv_page_thread *t, int (*function)(void))
{
	uint64_t start = (uint64_t)(uintptr_t)function;

	for (uint32_t i = 0; i < t->n_frames; i++) {
		if (t->frames[i] >= start && t->frames[i] < start + 400) {
			return true;
		}
	}
	return false;
}

static bool
is_in_this_program(uint64_t address)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self));
	const char *path;
	size_t len;
	uint64_t offset;

	return rv_page_resolve(&rig.trouble, address, &path, &len, &offset) &&
	       len == (size_t)n && memcmp(path, self, len) == 0;
}

struct crash {
	int (*run)(void);
	int signo, code; /* code 0: any */
	bool has_address;
	uint64_t address;
	bool at_frame_0; /* else further up */
};

static const struct crash crashes[] = {
	{ crash_null, SIGSEGV, SEGV_MAPERR, true, 0, true },
	{ crash_wild, SIGSEGV, SEGV_MAPERR, true, 0x123456789000, true },
	{ crash_abort, SIGABRT, SI_TKILL, true, 0, false },
	{ crash_divide, SIGFPE, 0, false, 0, true },
	{ crash_illegal, SIGILL, 0, false, 0, true },
	{ crash_bus, SIGBUS, BUS_ADRERR, false, 0, true },
	{ crash_trap, SIGTRAP, 0, false, 0, true },
	{ crash_call, SIGSEGV, SEGV_MAPERR, true, 0, false },
};

static void
check_crash(const struct crash *c, int (*frame)(void))
{
	const struct rv_page_thread *t = &rig.trouble.threads[0];

	CU_ASSERT_EQUAL(agent_rig_signal(&rig), c->signo);
	CU_ASSERT_EQUAL(rig.trouble.state, RV_TROUBLE_DONE);
	CU_ASSERT_EQUAL(rig.trouble.kind, RV_TROUBLE_CRASHED);
	CU_ASSERT_EQUAL(rig.trouble.number, 1);
	CU_ASSERT_EQUAL(rig.trouble.signo, c->signo);
	CU_ASSERT(c->code == 0 || rig.trouble.code == c->code);
	CU_ASSERT(!c->has_address || rig.trouble.address == c->address);
	CU_ASSERT_EQUAL(rig.trouble.n_threads, 1);
	CU_ASSERT(rig.trouble.at_us > 0);
	CU_ASSERT_FATAL(t->n_frames >= 1);
	CU_ASSERT_EQUAL(t->exact, 1);
	CU_ASSERT_TRUE(tells_frame(t, frame));
#if defined(__x86_64__)
	CU_ASSERT_EQUAL(rig.trouble.n_registers, 18);
	CU_ASSERT_EQUAL(rig.trouble.registers[0], t->frames[0]);
#endif
	if (c->at_frame_0) {
		uint64_t start = (uint64_t)(uintptr_t)frame;

		CU_ASSERT(t->frames[0] >= start && t->frames[0] < start + 400);
		CU_ASSERT_TRUE(is_in_this_program(t->frames[0]));
	}
}

RV_TEST(each_crash_leaves_its_page_and_its_real_status)
{
	if (signals_are_kept_back()) {
		return;
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(crashes); i++) {
		agent_rig_open(&rig, false);
		crash = crashes[i].run;
		CU_ASSERT_TRUE(agent_rig_trouble(&rig, attached));
		check_crash(&crashes[i], crashes[i].run);
		CU_ASSERT_TRUE(agent_rig_is_silent(&rig));
		agent_rig_close(&rig);
	}
}

RV_TEST(a_thread_may_crash_as_well)
{
	if (signals_are_kept_back()) {
		return;
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(crashes); i++) {
		agent_rig_open(&rig, true);
		crash = crashes[i].run;
		CU_ASSERT_TRUE(agent_rig_trouble(&rig, attached_in_thread));
		check_crash(&crashes[i], crashes[i].run);
		agent_rig_close(&rig);
	}
}

static void
check_overflow(void)
{
	CU_ASSERT_EQUAL(agent_rig_signal(&rig), SIGSEGV);
	CU_ASSERT_EQUAL(rig.trouble.signo, SIGSEGV);
	CU_ASSERT_EQUAL(rig.trouble.state, RV_TROUBLE_DONE);
	CU_ASSERT_EQUAL(rig.trouble.threads[0].n_frames, RV_PAGE_FRAMES);
	CU_ASSERT_TRUE(is_in_this_program(rig.trouble.threads[0].frames[1]));
}

RV_TEST(a_stack_that_is_at_its_end_is_told_by_another)
{
	agent_rig_open(&rig, false);
	crash = crash_overflow;
	CU_ASSERT_TRUE(agent_rig_trouble(&rig, attached));
	check_overflow();
	agent_rig_close(&rig);
	agent_rig_open(&rig, false);
	CU_ASSERT_TRUE(agent_rig_trouble(&rig, attached_in_thread));
	check_overflow();
	agent_rig_close(&rig);
}

static int pipe_ends[2];
static volatile int in_stats;

static void *
sit_on_the_heap(void *arg)
{
	(void)arg;
	in_stats = (int)syscall(SYS_gettid);
	malloc_stats(); /* holds an arena while it waits to write */
	return NULL;
}

static bool
is_asleep(int tid)
{
	char path[64], text[512] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = open(path, O_RDONLY);
	if (fd == -1 || read(fd, text, sizeof(text) - 1) <= 0) {
		_exit(97);
	}
	close(fd);
	return strstr(text, ") S") != NULL;
}

static int
crash_with_heap_locked(void)
{
	static char fill[4096];
	pthread_t thread;

	if (pipe2(pipe_ends, O_NONBLOCK) == -1) {
		return 97;
	}
	while (write(pipe_ends[1], fill, sizeof(fill)) > 0) {
	}
	while (write(pipe_ends[1], fill, 1) > 0) {
	}
	fcntl(pipe_ends[1], F_SETFL, 0);
	dup2(pipe_ends[1], 2);
	if (pthread_create(&thread, NULL, sit_on_the_heap, NULL) != 0) {
		return 97;
	}
	while (in_stats == 0 || !is_asleep(in_stats)) {
		poll(NULL, 0, 1);
	}
	return crash_null();
}

RV_TEST(a_locked_heap_is_no_obstacle)
{
	if (signals_are_kept_back()) {
		return;
	}
	agent_rig_open(&rig, false);
	crash = crash_with_heap_locked;
	CU_ASSERT_TRUE(agent_rig_trouble(&rig, attached));
	check_crash(&crashes[0], crash_null);
	agent_rig_close(&rig);
}

static int
crash_in_handler(void)
{
	char *slot = reeve_slot(NULL);

	mprotect(slot - RV_PAGE_SLOT_AT + 24576, 4096, PROT_NONE);
	return crash_divide();
}

RV_TEST(a_crash_of_the_handler_ends_in_the_first_signal)
{
	if (signals_are_kept_back()) {
		return;
	}
	agent_rig_open(&rig, false);
	crash = crash_in_handler;
	/* What it had written until then counts. */
	CU_ASSERT_TRUE(agent_rig_trouble(&rig, attached));
	CU_ASSERT_EQUAL(agent_rig_signal(&rig), SIGFPE);
	CU_ASSERT_EQUAL(rig.trouble.state, RV_TROUBLE_WRITING);
	CU_ASSERT_EQUAL(rig.trouble.signo, SIGFPE);
	CU_ASSERT(rig.trouble.n_registers > 0);
	agent_rig_close(&rig);
}

static int
crash_bare(void)
{
	struct rlimit none = { 0, 0 }, files;

	close_range(0, ~0U, 0);
	setrlimit(RLIMIT_FSIZE, &none);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &files);
	return crash_null();
}

RV_TEST(neither_descriptors_nor_limits_are_needed)
{
	agent_rig_open(&rig, false);
	crash = crash_bare;
	CU_ASSERT_TRUE(agent_rig_trouble(&rig, attached));
	check_crash(&crashes[0], crash_null);
	agent_rig_close(&rig);
}

static volatile sig_atomic_t handled;

static void
on_host_signal(int signo, siginfo_t *info, void *context)
{
	(void)context;
	_exit(signo == SIGSEGV && info->si_code == SEGV_MAPERR &&
		      info->si_addr == NULL
		  ? 33
		  : 34);
}

static void
install_host_handler(void)
{
	struct sigaction act = { .sa_sigaction = on_host_signal,
		.sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &act, NULL);
}

static int
host_handler_before(void)
{
	install_host_handler();
	return attached();
}

static int
host_handler_after(void)
{
	reeve_attach();
	install_host_handler();
	return crash();
}

RV_TEST(an_earlier_handler_of_the_host_is_called_a_later_one_wins)
{
	crash = crash_null;
	agent_rig_open(&rig, false);
	CU_ASSERT_TRUE(agent_rig_trouble(&rig, host_handler_before));
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 33);
	CU_ASSERT_EQUAL(rig.trouble.signo, SIGSEGV);
	agent_rig_close(&rig);
	agent_rig_open(&rig, false);
	CU_ASSERT_FALSE(agent_rig_trouble(&rig, host_handler_after));
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 33);
	agent_rig_close(&rig);
}

static int
without_report(void)
{
	setenv("REEVE_CRASH_REPORT", "0", 1);
	return attached();
}

RV_TEST(crash_reports_can_be_turned_off)
{
	crash = crash_null;
	agent_rig_open(&rig, false);
	CU_ASSERT_FALSE(agent_rig_trouble(&rig, without_report));
	CU_ASSERT_EQUAL(agent_rig_signal(&rig), SIGSEGV);
	agent_rig_close(&rig);
}

static pthread_barrier_t together;

static void *
crash_together(void *arg)
{
	(void)arg;
	reeve_status("%s", "x");
	pthread_barrier_wait(&together);
	crash_null();
	return NULL;
}

static int
all_at_once(void)
{
	pthread_t threads[8];

	reeve_attach();
	pthread_barrier_init(&together, NULL, 8);
	for (int i = 0; i < 8; i++) {
		pthread_create(&threads[i], NULL, crash_together, NULL);
	}
	pthread_join(threads[0], NULL);
	return 98;
}

RV_TEST(of_many_crashes_at_once_one_is_told_whole)
{
	agent_rig_open(&rig, false);
	CU_ASSERT_TRUE(agent_rig_trouble(&rig, all_at_once));
	check_crash(&crashes[0], crash_null);
	agent_rig_close(&rig);
}

RAW static int
hang_here(void)
{
	for (;;) {
		pause();
	}
	return ++sink;
}

RAW static int
hang_busy(void)
{
	while (sink >= 0) {
		sink = 1;
	}
	return sink;
}

static void *
hang_pausing(void *arg)
{
	(void)arg;
	prctl(PR_SET_NAME, "pausing");
	hang_here();
	return NULL;
}

static void *
hang_spinning(void *arg)
{
	(void)arg;
	prctl(PR_SET_NAME, "spinning");
	hang_busy();
	return NULL;
}

static void *
hang_deaf(void *arg)
{
	sigset_t all;

	(void)arg;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "deaf");
	reeve_status("%s", "deaf");
	hang_here();
	return NULL;
}

static int
hung(void)
{
	pthread_t thread;

	reeve_attach();
	pthread_create(&thread, NULL, hang_pausing, NULL);
	pthread_create(&thread, NULL, hang_spinning, NULL);
	pthread_create(&thread, NULL, hang_deaf, NULL);
	return hang_here();
}

static const struct rv_page_thread *
thread_named(const char *name)
{
	for (uint32_t i = 1; i < rig.trouble.n_threads; i++) {
		if (strcmp(rig.trouble.threads[i].name, name) == 0) {
			return &rig.trouble.threads[i];
		}
	}
	return NULL;
}

/* Within pthread_create it keeps all signals back, and another gets them. */
static bool
main_thread_hangs(void)
{
	char path[64], text[4096];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)rig.pid);
	fd = open(path, O_RDONLY);
	if (fd == -1) {
		return false;
	}
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return strstr(text, "\nState:\tS") != NULL &&
	       strstr(text, "\nSigBlk:\t0000000000000000\n") != NULL;
}

static bool
all_hang(void *ctx)
{
	char path[64], text[32];
	int named = 0;

	(void)ctx;
	for (int tid = rig.pid; tid < rig.pid + 100; tid++) {
		int fd;
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/task/%d/comm",
		    (int)rig.pid, tid);
		fd = open(path, O_RDONLY);
		n = fd != -1 ? read(fd, text, sizeof(text) - 1) : 0;
		if (fd != -1) {
			close(fd);
		}
		text[n > 0 ? n : 0] = '\0';
		named += strcmp(text, "pausing\n") == 0 ||
			 strcmp(text, "spinning\n") == 0;
	}
	return named == 2 && main_thread_hangs();
}

static void
abort_a_hung_one(void)
{
	agent_rig_child(&rig, hung);
	CU_ASSERT_FATAL(agent_rig_page(&rig));
	CU_ASSERT_TRUE(agent_rig_says(&rig, "STATUS=deaf"));
	CU_ASSERT_TRUE(rv_test_wait(all_hang, NULL, -1, 5000));
	kill(rig.pid, SIGABRT);
	agent_rig_end(&rig);
}

RV_TEST(a_hung_worker_that_is_aborted_leaves_the_stacks_of_all_threads)
{
	const struct rv_page_thread *pausing, *spinning, *deaf;

	if (signals_are_kept_back()) {
		return;
	}
	agent_rig_open(&rig, false);
	abort_a_hung_one();
	CU_ASSERT_EQUAL(agent_rig_signal(&rig), SIGABRT);
	CU_ASSERT_FATAL(rv_page_trouble(rig.map, &rig.trouble));
	CU_ASSERT_EQUAL(rig.trouble.kind, RV_TROUBLE_ABORTED);
	CU_ASSERT_EQUAL(rig.trouble.n_threads, 4);
	pausing = thread_named("pausing");
	spinning = thread_named("spinning");
	deaf = thread_named("deaf");
	CU_ASSERT_FATAL(pausing != NULL && spinning != NULL && deaf != NULL);
	if (pausing != NULL && spinning != NULL && deaf != NULL) {
		CU_ASSERT_TRUE(tells_frame(pausing, hang_here));
		CU_ASSERT_EQUAL(pausing->exact, 1);
		CU_ASSERT_TRUE(tells_frame(spinning, hang_busy));
		CU_ASSERT_EQUAL(deaf->n_frames, 0);
	}
	CU_ASSERT_TRUE(tells_frame(&rig.trouble.threads[0], hang_here));
	agent_rig_close(&rig);
}

static int
fork_and_crash(void)
{
	siginfo_t info;
	pid_t pid;

	reeve_attach();
	pid = fork();
	if (pid == 0) {
		crash_null();
	}
	if (waitid(P_PID, (id_t)pid, &info, WEXITED) == -1) {
		return 1;
	}
	return info.si_code == CLD_KILLED && info.si_status == SIGSEGV ? 7 : 2;
}

RV_TEST(a_child_of_the_worker_crashes_by_itself)
{
	agent_rig_open(&rig, false);
	CU_ASSERT_FALSE(agent_rig_trouble(&rig, fork_and_crash));
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 7);
	agent_rig_close(&rig);
}

static int
crash_in_report(void)
{
	const char *volatile bad = (const char *)1;

	reeve_report(NULL, "x", "%s", bad);
	return 98;
}

RV_TEST(a_crash_within_a_report_is_a_crash)
{
	agent_rig_open(&rig, false);
	crash = crash_in_report;
	CU_ASSERT_TRUE(agent_rig_trouble(&rig, attached));
	CU_ASSERT_EQUAL(agent_rig_signal(&rig), SIGSEGV);
	CU_ASSERT_EQUAL(rig.trouble.kind, RV_TROUBLE_CRASHED);
	agent_rig_close(&rig);
}

RV_SUITE(crash, RV_CASE(each_crash_leaves_its_page_and_its_real_status),
    RV_CASE(a_thread_may_crash_as_well),
    RV_CASE(a_stack_that_is_at_its_end_is_told_by_another),
    RV_CASE(a_locked_heap_is_no_obstacle),
    RV_CASE(a_crash_of_the_handler_ends_in_the_first_signal),
    RV_CASE(neither_descriptors_nor_limits_are_needed),
    RV_CASE(an_earlier_handler_of_the_host_is_called_a_later_one_wins),
    RV_CASE(crash_reports_can_be_turned_off),
    RV_CASE(of_many_crashes_at_once_one_is_told_whole),
    RV_CASE(a_hung_worker_that_is_aborted_leaves_the_stacks_of_all_threads),
    RV_CASE(a_child_of_the_worker_crashes_by_itself),
    RV_CASE(a_crash_within_a_report_is_a_crash))
