/* SPDX-License-Identifier: MIT */
/*
 * The crash handler: see crash.h. Runs on a stack of its own, in a process of
 * which nothing can be trusted: no allocation, no lock, no stdio; what it
 * reads of the program it reads by the kernel. At its end the signal takes the
 * course that it would have taken without us, so that status and core are the
 * real ones. If the handler crashes too, or does not come to its end, the
 * process dies of the first signal all the same.
 */
#include "config.h"

#include "child/crash.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "child/agent.h"
#include "child/altstack.h"
#include "child/frames.h"
#include "child/trouble.h"

#define HANDLER_SECONDS 2
#define OTHERS_MS       4000

static const int signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL,
	SIGTRAP, SIGSYS };

static struct sigaction before[RV_ARRAY_LEN(signals)];
static siginfo_t first; /* what the process dies of */
static int timer = -1;  /* ends a handler that hangs */
static bool installed;

static void
set_all_default(void)
{
	struct sigaction act = { .sa_handler = SIG_DFL };

	for (size_t i = 0; i < RV_ARRAY_LEN(signals); i++) {
		sigaction(signals[i], &act, NULL);
	}
}

static void
queue(const siginfo_t *info)
{
	siginfo_t copy = *info;
	long pid = getpid(), tid = syscall(SYS_gettid);

	if (syscall(SYS_rt_tgsigqueueinfo, pid, tid, (long)copy.si_signo,
		&copy) == -1) {
		syscall(SYS_tgkill, pid, tid, (long)copy.si_signo);
	}
}

/* Now, and of nothing but the first signal. */
static void
die(void)
{
	sigset_t set;

	set_all_default();
	syscall(SYS_tgkill, (long)getpid(), syscall(SYS_gettid),
	    (long)first.si_signo);
	sigemptyset(&set);
	sigaddset(&set, first.si_signo);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(128 + first.si_signo);
}

/* The instruction is tried again when the handler returns, and fails again. */
static bool
comes_by_itself(const siginfo_t *info)
{
	switch (info->si_signo) {
	case SIGBUS:
		return info->si_code > 0 && info->si_code != BUS_MCEERR_AO;
	case SIGSEGV:
	case SIGFPE:
	case SIGILL:
		return info->si_code > 0;
	default:
		return false;
	}
}

/*
 * As if we had never been there: the signal comes again, with all that it
 * said, as soon as the handler has returned. True: a handler of the program's
 * gets it, which may well go on.
 */
static bool
hand_back(const siginfo_t *info)
{
	bool survivable = false;
	sigset_t set;

	for (size_t i = 0; i < RV_ARRAY_LEN(signals); i++) {
		if (signals[i] == info->si_signo) {
			sigaction(signals[i], &before[i], NULL);
			survivable = before[i].sa_handler != SIG_DFL;
		}
	}
	if (!comes_by_itself(info)) {
		sigemptyset(&set);
		sigaddset(&set, info->si_signo);
		sigprocmask(SIG_BLOCK, &set, NULL);
		queue(info);
	}
	return survivable;
}

/* The handler hangs on a lock that nobody will release, or a thread asks. */
static void
on_ask(int signo, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)signo;
	if (info->si_code == SI_TIMER) {
		die();
	}
	rv_threads_answer(context);
	errno = saved;
}

/* For a program that is not stopped in any other way, a time bomb. */
static void
set_deadline(void)
{
	struct itimerspec when = { .it_value.tv_sec = HANDLER_SECONDS };
	struct sigaction act = { .sa_sigaction = on_ask,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
	struct sigevent event;

	sigfillset(&act.sa_mask);
	sigaction(RV_CRASH_ASK, &act, NULL);
	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_THREAD_ID;
	event.sigev_signo = RV_CRASH_ASK;
#ifdef __GLIBC__
	event._sigev_un._tid = (int)syscall(SYS_gettid);
#else
	event.sigev_notify_thread_id = (int)syscall(SYS_gettid);
#endif
	if (syscall(SYS_timer_create, (long)CLOCK_MONOTONIC, &event, &timer) ==
	    0) {
		syscall(SYS_timer_settime, (long)timer, 0L, &when, NULL);
	} else {
		timer = -1;
	}
}

/* A handler of the host's that follows may take its time. */
static void
lift_deadline(void)
{
	if (timer != -1) {
		syscall(SYS_timer_delete, (long)timer);
		timer = -1;
	}
}

static bool
is_from_outside(const siginfo_t *info)
{
	return info->si_signo == SIGABRT &&
	       (info->si_code == SI_USER || info->si_code == SI_QUEUE ||
		   info->si_code == SI_TKILL) &&
	       info->si_pid != getpid();
}

/* In the order of what is safe to find out. */
static void
write_crash(unsigned char *page, const siginfo_t *info, const void *context)
{
	bool outside = is_from_outside(info);
	struct rv_page_trouble *t = rv_trouble_begin(
	    page, outside ? RV_TROUBLE_ABORTED : RV_TROUBLE_CRASHED, true);

	t->signo = info->si_signo;
	t->code = info->si_code;
	/* The rest of the union is for senders. */
	t->address = info->si_code > 0 ? (uint64_t)(uintptr_t)info->si_addr : 0;
	t->n_registers = rv_frames_registers(context, t->registers);
	rv_frames_thread(t);
	rv_frames_safe(&t->threads[0], context);
	rv_frames_maps(t);
	rv_frames_full(&t->threads[0], context);
	if (outside) {
		rv_threads_write(t);
	}
	rv_trouble_end(page);
}

/* Meanwhile the first one ends the process. */
static void
wait_for_the_first(void)
{
	for (int i = 0; i < OTHERS_MS / 10; i++) {
		poll(NULL, 0, 10);
	}
}

static void
handle(unsigned char *page, const siginfo_t *info, const void *context)
{
	uint32_t *crashed = &rv_agent_desk(page)->crashed;
	uint32_t me = (uint32_t)syscall(SYS_gettid), who = 0;

	if (__atomic_compare_exchange_n(
		crashed, &who, me, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		first = *info;
		set_deadline();
		write_crash(page, info, context);
		lift_deadline();
	} else if (who == me) {
		die(); /* of what is written, nothing is lost */
	} else {
		wait_for_the_first();
	}
}

static void
on_crash(int signo, siginfo_t *info, void *context)
{
	int saved = errno;
	unsigned char *page = rv_agent_page();

	(void)signo;
	if (page != NULL) {
		handle(page, info, context);
	}
	if (hand_back(info) && page != NULL) {
		__atomic_store_n(
		    &rv_agent_desk(page)->crashed, 0, __ATOMIC_RELEASE);
	}
	errno = saved;
}

static bool
is_ours(const struct sigaction *act)
{
	return (act->sa_flags & SA_SIGINFO) != 0 &&
	       act->sa_sigaction == on_crash;
}

void
rv_crash_install(void)
{
	struct sigaction act = { .sa_sigaction = on_crash,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	struct sigaction now;

	sigfillset(&act.sa_mask);
	sigdelset(&act.sa_mask, RV_CRASH_ASK);
	for (size_t i = 0; i < RV_ARRAY_LEN(signals); i++) {
		sigdelset(&act.sa_mask, signals[i]);
	}
	rv_altstack_init();
	rv_frames_warm();
	for (size_t i = 0; i < RV_ARRAY_LEN(signals); i++) {
		/* One that is ignored is so by somebody's will. */
		if (sigaction(signals[i], NULL, &now) == 0 && !is_ours(&now) &&
		    (now.sa_flags & SA_SIGINFO || now.sa_handler != SIG_IGN)) {
			before[i] = now;
			sigaction(signals[i], &act, NULL);
		}
	}
	installed = true;
}

void
rv_crash_remove(void)
{
	struct sigaction now;

	for (size_t i = 0; i < RV_ARRAY_LEN(signals) && installed; i++) {
		if (sigaction(signals[i], NULL, &now) == 0 && is_ours(&now)) {
			sigaction(signals[i], &before[i], NULL);
		}
	}
	installed = false;
}

bool
rv_crash_is_installed(void)
{
	return installed;
}
