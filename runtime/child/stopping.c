/* SPDX-License-Identifier: MIT */
/*
 * Being asked to stop: a handler that notes it and makes a descriptor
 * readable. Caught from the first question on; a handler that the program had
 * is called too.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <reeve/child.h>

#include "child/agent.h"

#define SIGNAL_MAX 64

enum { FRESH, BUSY, CAUGHT, CANNOT };

static struct {
	uint32_t state;
	uint32_t asked;
	int signo;
	pid_t pid;
	struct sigaction before;
	struct rv_agent_fd read_end, write_end;
} stop = { .read_end.fd = -1, .write_end.fd = -1 };

/* In a child of the worker it is not we who are asked. */
static void
as_before(int signo)
{
	sigaction(signo, &stop.before, NULL);
	raise(signo);
}

static void
call_before(int signo, siginfo_t *info, void *context)
{
	if ((stop.before.sa_flags & SA_SIGINFO) != 0) {
		stop.before.sa_sigaction(signo, info, context);
	} else if (stop.before.sa_handler != SIG_DFL &&
		   stop.before.sa_handler != SIG_IGN) {
		stop.before.sa_handler(signo);
	}
}

static void
on_stop(int signo, siginfo_t *info, void *context)
{
	int saved = errno;

	if (stop.pid != getpid()) {
		as_before(signo);
	} else {
		__atomic_store_n(&stop.asked, 1, __ATOMIC_RELEASE);
		if (rv_agent_fd_is_ours(&stop.write_end)) {
			ssize_t n = write(stop.write_end.fd, "", 1);

			(void)n; /* full is readable too */
		}
		call_before(signo, info, context);
	}
	errno = saved;
}

static int
stop_signal(void)
{
	const char *text = secure_getenv("REEVE_STOPSIGNAL");
	char *end;
	long n;

	if (text == NULL || text[0] < '1' || text[0] > '9') {
		return SIGTERM;
	}
	n = strtol(text, &end, 10);
	return *end == '\0' && n <= SIGNAL_MAX ? (int)n : SIGTERM;
}

/* No SA_RESTART: who waits in read or accept shall come to look. */
static bool
catch_it(void)
{
	struct sigaction act = { .sa_sigaction = on_stop,
		.sa_flags = SA_SIGINFO };

	sigemptyset(&act.sa_mask);
	stop.pid = getpid();
	stop.signo = stop_signal();
	if (stop.write_end.fd == -1 &&
	    !rv_agent_pipe(&stop.read_end, &stop.write_end)) {
		return false;
	}
	return sigaction(stop.signo, NULL, &stop.before) == 0 &&
	       sigaction(stop.signo, &act, NULL) == 0;
}

/* True when the signal is caught, here or before. */
static bool
catch_stop(void)
{
	uint32_t fresh = FRESH;

	rv_agent_use();
	if (__atomic_compare_exchange_n(&stop.state, &fresh, BUSY, false,
		__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		bool caught = catch_it();
		int saved = errno;

		if (!caught) {
			rv_agent_fd_close(&stop.read_end);
			rv_agent_fd_close(&stop.write_end);
		}
		__atomic_store_n(
		    &stop.state, caught ? CAUGHT : FRESH, __ATOMIC_RELEASE);
		errno = saved;
		return caught;
	}
	return fresh == CAUGHT && stop.pid == getpid();
}

bool
reeve_stopping(void)
{
	int saved = errno;
	bool asked =
	    catch_stop() && __atomic_load_n(&stop.asked, __ATOMIC_ACQUIRE);

	errno = saved;
	return asked;
}

int
reeve_stopping_fd(void)
{
	if (catch_stop()) {
		return stop.read_end.fd;
	}
	if (stop.state == CAUGHT) {
		errno = ECHILD; /* another process's */
	}
	return -1;
}

void
rv_stop_after_fork(void)
{
	struct sigaction now;

	if (stop.state == CAUGHT && sigaction(stop.signo, NULL, &now) == 0 &&
	    (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_stop) {
		sigaction(stop.signo, &stop.before, NULL);
	}
	rv_agent_fd_close(&stop.read_end);
	rv_agent_fd_close(&stop.write_end);
	stop.asked = 0;
	stop.state = FRESH;
}
