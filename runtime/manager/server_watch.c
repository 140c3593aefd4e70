/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that objects watch: one epoll set of them, which is one entry in
 * that of the server. What is readable is told to its object, by its number, so
 * that an object that is gone meanwhile is not found. Called by the hall, and
 * by manager_server.c in its turns.
 */
#include "config.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "manager/server_priv.h"
#include "sys/sys.h"

/* Of one turn: the clients have theirs, too. */
#define READY_MAX 16

static bool
make_set(struct reeve_manager_server *s)
{
	struct epoll_event event = { .events = EPOLLIN,
		.data.ptr = &s->watches };

	if (s->watches < 0) {
		s->watches = rv_sys_epoll_create();
		if (s->watches >= 0 && epoll_ctl(s->epoll, EPOLL_CTL_ADD,
					   s->watches, &event) != 0) {
			(void)close(s->watches);
			s->watches = -1;
		}
	}
	return s->watches >= 0;
}

enum reeve_status
rv_server_watch(void *server, struct rv_object *object, int fd)
{
	struct reeve_manager_server *s = server;
	struct epoll_event event = { .events = EPOLLIN,
		.data.u64 =
		    (uint64_t)object->generation << 32 | object->index };

	if (fd != -1 &&
	    (!make_set(s) ||
		(fd != object->watched &&
		    epoll_ctl(s->watches, EPOLL_CTL_ADD, fd, &event) != 0))) {
		return REEVE_ESYS;
	}
	if (object->watched != -1 && object->watched != fd) {
		(void)epoll_ctl(
		    s->watches, EPOLL_CTL_DEL, object->watched, NULL);
	}
	return REEVE_OK;
}

void
rv_server_ready(struct reeve_manager_server *s)
{
	for (unsigned i = 0; i < READY_MAX; i++) {
		struct epoll_event event;
		struct rv_object *object;

		/* one at a time: each may end others */
		if (epoll_wait(s->watches, &event, 1, 0) != 1) {
			return;
		}
		object = rv_hall_find(&s->hall, (uint32_t)event.data.u64,
		    (uint32_t)(event.data.u64 >> 32));
		if (object != NULL) {
			rv_object_ready(&s->hall, object, s->hall.now);
		}
	}
}
