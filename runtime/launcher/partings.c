/* SPDX-License-Identifier: MIT */
/*
 * Processes that are not wanted: see partings.h. A fork server that is killed
 * between its fork and its answer leaves a process whose number nobody knows.
 * What is known is the socket on which that waits: once the other end of it is
 * closed everywhere, by a process that is ending or with a request that nobody
 * has read, whoever had it is dead, or on a way there that nothing holds up.
 */
#include "config.h"

#include "launcher/partings.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "launcher/kin.h"
#include "sys/sys.h"

#define GONE_WITHIN (10 * RV_SEC) /* one that is stopped does not end */

struct rv_parting {
	struct rv_list link; /* in l->partings */
	int go;
};

static void
forget(struct rv_parting *parting)
{
	rv_list_remove(&parting->link);
	close(parting->go);
	rv_free(parting);
}

void
rv_part(struct rv_launcher *l, int go)
{
	struct rv_parting *parting = rv_alloc(1, sizeof(*parting));

	rv_partings_look(l);
	if (parting == NULL) {
		close(go);
		return;
	}
	/* Not both ways: then the other end's would not be seen. */
	shutdown(go, SHUT_WR);
	parting->go = go;
	rv_list_insert(&l->partings, &parting->link);
}

static bool
is_gone(const struct rv_parting *parting, int ms)
{
	/* Nothing is asked for, as what it says is of no interest. */
	struct pollfd other = { .fd = parting->go };

	return poll(&other, 1, ms) == 1;
}

void
rv_partings_look(struct rv_launcher *l)
{
	RV_LIST_EACH_SAFE (parting, &l->partings, struct rv_parting, link) {
		if (is_gone(parting, 0)) {
			forget(parting);
		}
	}
}

/* -------- at the end -------- */

struct reaping {
	struct rv_launcher *l;
	rv_time until;
	bool found;
};

static int
ms_until(rv_time until)
{
	rv_time now = rv_sys_now();

	return now < until ? (int)((until - now) / RV_MS) + 1 : 0;
}

/*
 * Lives have been reported, or cannot be killed. Of the others, who were left
 * alone, only those that have ended by themselves are seen here.
 */
static void
reap_one(void *ctx, pid_t pid)
{
	struct reaping *reaping = ctx;
	struct pollfd end = { .events = POLLIN };

	if (rv_hash_find(&reaping->l->by_pid, (uint64_t)pid) != NULL ||
	    !rv_sys_is_ending(pid)) {
		return;
	}
	end.fd = rv_sys_pidfd_open(pid);
	if (end.fd != -1) {
		poll(&end, 1, ms_until(reaping->until));
	}
	if (rv_sys_wait(end.fd, pid, WEXITED | WNOHANG, NULL, NULL) == 1) {
		reaping->found = true;
	}
	if (end.fd != -1) {
		close(end.fd);
	}
}

void
rv_partings_finish(struct rv_launcher *l)
{
	struct reaping reaping = { l, rv_time_add(rv_sys_now(), GONE_WITHIN),
		true };

	while (!rv_list_empty(&l->partings)) {
		struct rv_parting *parting =
		    RV_LIST_FIRST(&l->partings, struct rv_parting, link);

		is_gone(parting, ms_until(reaping.until));
		forget(parting);
	}
	/* Whoever was forked by one of them is a child of ours after it. */
	while (reaping.found) {
		reaping.found = false;
		rv_kin_children(l->pid, reap_one, &reaping);
	}
}
