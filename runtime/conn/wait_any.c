/* SPDX-License-Identifier: MIT */
/*
 * reeve_wait: one poll over all items, after a look at what the connections
 * have here already. Keeps nothing.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include <reeve/conn.h>
#include <reeve/wait.h>

#include "base/alloc.h"
#include "base/base.h"
#include "base/time.h"
#include "ipc/wait.h"
#include "sys/sys.h"

#define FEW 64

/* What can be said without the kernel. */
static uint32_t
known(const struct reeve_wait_item *item)
{
	uint32_t ready = 0;

	if (item->conn == NULL) {
		return 0;
	}
	if ((item->wanted & REEVE_WAIT_READ) != 0 &&
	    (!reeve_conn_can_receive(item->conn) ||
		reeve_conn_waiting(item->conn))) {
		ready |= REEVE_WAIT_READ;
	}
	if ((item->wanted & REEVE_WAIT_WRITE) != 0 &&
	    !reeve_conn_can_send(item->conn)) {
		ready |= REEVE_WAIT_WRITE;
	}
	return ready;
}

/* How many are ready already; each has its place in the poll. */
static size_t
prepare(struct reeve_wait_item *items, size_t n, struct pollfd *polls)
{
	size_t n_ready = 0;

	for (size_t i = 0; i < n; i++) {
		struct reeve_wait_item *item = &items[i];
		struct pollfd *p = &polls[i];
		bool read = (item->wanted & REEVE_WAIT_READ) != 0;
		bool write = (item->wanted & REEVE_WAIT_WRITE) != 0;

		item->ready = known(item);
		n_ready += item->ready != 0;
		*p = (struct pollfd){ .fd = item->fd };
		if (item->conn != NULL) {
			p->fd = reeve_conn_fd(item->conn);
			write |= reeve_conn_unsent(item->conn) > 0;
		}
		p->events =
		    (short)((read ? POLLIN : 0) | (write ? POLLOUT : 0));
		if (item->conn != NULL && item->ready == item->wanted) {
			p->fd = -1; /* nothing to be asked of it */
		}
	}
	return n_ready;
}

/* REEVE_EINVALID: a descriptor is none. */
static enum reeve_status
settle(struct reeve_wait_item *items, size_t n, const struct pollfd *polls,
    size_t *n_ready)
{
	*n_ready = 0;
	for (size_t i = 0; i < n; i++) {
		struct reeve_wait_item *item = &items[i];
		short got = polls[i].revents;

		if ((got & POLLNVAL) != 0) {
			return REEVE_EINVALID;
		}
		if ((got & (POLLIN | POLLHUP | POLLERR)) != 0) {
			item->ready |= item->wanted & REEVE_WAIT_READ;
		}
		if ((got & (POLLOUT | POLLHUP | POLLERR)) != 0) {
			item->ready |= item->wanted & REEVE_WAIT_WRITE;
		}
		if ((got & POLLOUT) != 0 && item->conn != NULL &&
		    reeve_conn_unsent(item->conn) > 0 &&
		    reeve_conn_flush(item->conn, 0) == REEVE_ETIMEDOUT) {
			item->ready &= ~(uint32_t)REEVE_WAIT_WRITE;
		}
		*n_ready += item->ready != 0;
	}
	return REEVE_OK;
}

/* One look, or one wait: OK with *n_ready, which may be none. */
static enum reeve_status
turn(struct reeve_wait_item *items, size_t n, struct pollfd *polls,
    rv_time until, size_t *n_ready)
{
	size_t there = prepare(items, n, polls);
	rv_time left = 0;
	struct timespec ts;
	int got;

	if (until == RV_FOREVER) {
		left = RV_FOREVER;
	} else if (until > 0) {
		left = until - rv_sys_now();
	}
	if (there > 0 || left < 0) {
		left = 0;
	}
	ts.tv_sec = (time_t)(left / RV_SEC);
	ts.tv_nsec = (long)(left % RV_SEC);
	got = ppoll(polls, n, left == RV_FOREVER ? NULL : &ts, NULL);
	if (got < 0 && errno == EINTR) {
		*n_ready = 0;
		return REEVE_OK;
	}
	if (got < 0) {
		return errno == ENOMEM ? REEVE_ENOMEM : REEVE_ESYS;
	}
	return settle(items, n, polls, n_ready);
}

enum reeve_status
reeve_wait(
    struct reeve_wait_item *items, size_t n, size_t *n_ready, int64_t timeout)
{
	rv_time until = rv_wait_until(timeout);
	struct pollfd few[FEW], *polls = few;
	enum reeve_status status = REEVE_OK;
	size_t ready = 0;

	for (size_t i = 0; i < n; i++) {
		if (items == NULL || items[i].wanted == 0 ||
		    items[i].wanted > (REEVE_WAIT_READ | REEVE_WAIT_WRITE) ||
		    (items[i].conn == NULL && items[i].fd < 0)) {
			return REEVE_EINVALID;
		}
	}
	if (n > FEW) {
		polls = rv_alloc(n, sizeof(*polls));
		if (polls == NULL) {
			return REEVE_ENOMEM;
		}
	}
	while (status == REEVE_OK && ready == 0) {
		bool last = until != RV_FOREVER &&
			    (until == 0 || rv_sys_now() >= until);

		status = turn(items, n, polls, until, &ready);
		if (status == REEVE_OK && ready == 0 && last) {
			status = REEVE_ETIMEDOUT;
		}
	}
	if (polls != few) {
		rv_free(polls);
	}
	if (status == REEVE_OK && n_ready != NULL) {
		*n_ready = ready;
	}
	return status;
}
