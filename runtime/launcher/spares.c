/* SPDX-License-Identifier: MIT */
/*
 * Processes that were forked ahead: see spares.h. What is slow about a new
 * process (its number, its age, a descriptor of it) is asked here, where
 * nobody waits.
 */
#include "config.h"

#include "launcher/spares.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child/forker.h"
#include "launcher/listen.h"
#include "sys/sys.h"
#include "wire/packet.h"

void
rv_spare_meet(struct rv_spare *spare, pid_t pid)
{
	spare->pid = pid;
	spare->pidfd = rv_sys_pidfd_open(pid);
	spare->ticks = rv_sys_start_ticks(pid);
}

static void
take_page(struct rv_spare *spare, struct rv_packet *packet)
{
	if (packet->n_fds == 1 && rv_listen_is_page(packet->fds[0])) {
		spare->page = packet->fds[0];
		packet->n_fds = 0;
	}
}

/* It says one thing, and then nothing until it has ended. */
bool
rv_spare_is_ready(struct rv_spare *spare)
{
	struct rv_packet packet;
	char word;
	int got = 1;

	if (spare->pid == 0) {
		return false;
	}
	while (got == 1) {
		got = rv_packet_receive(spare->go, &word, 1, &packet);
		if (got == -1 && errno == EAGAIN) {
			return spare->has_said;
		}
		if (got != 1) {
			break;
		}
		if (!spare->has_said) {
			take_page(spare, &packet);
		} else {
			got = 0;
		}
		rv_packet_close_fds(&packet);
		spare->has_said = true;
	}
	rv_spare_drop(spare); /* somebody killed it */
	return false;
}

bool
rv_spare_call(struct rv_spare *spare, bool has_word, const void *call,
    size_t n_call, const int *fds, unsigned n_fds)
{
	char packet[sizeof(struct rv_fork_frame) + RV_FORK_CALL_MAX];
	struct rv_fork_frame frame = { .op = has_word ? RV_FORK_CALL
						      : RV_FORK_ASK };

	memcpy(packet, &frame, sizeof(frame));
	if (call != NULL) {
		memcpy(packet + sizeof(frame), call, n_call);
	}
	return rv_packet_send(spare->go, packet,
		   sizeof(frame) + (call != NULL ? n_call : 0), fds,
		   n_fds) == 0;
}

void
rv_spare_drop(struct rv_spare *spare)
{
	if (spare->go != -1) {
		close(spare->go);
	}
	if (spare->pid != 0) {
		/* Killed, so that this wait is none. */
		rv_sys_pidfd_signal(spare->pidfd, spare->pid, SIGKILL);
		rv_sys_wait(spare->pidfd, spare->pid, WEXITED, NULL, NULL);
	}
	if (spare->pidfd != -1) {
		close(spare->pidfd);
	}
	if (spare->page != -1) {
		close(spare->page);
	}
	*spare = RV_NO_SPARE;
}
