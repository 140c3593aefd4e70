/* SPDX-License-Identifier: MIT */
/*
 * The supervisor's listening sockets: see sockets.h. They are few, and looked
 * up when a worker that has some is launched.
 */
#include "config.h"

#include "launcher/sockets.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "launcher/launcher.h"

struct rv_socket {
	struct rv_list link; /* in l->sockets */
	char *name;
	int fd;
};

static struct rv_socket *
find(const struct rv_launcher *l, const char *name)
{
	RV_LIST_EACH (s, &l->sockets, struct rv_socket, link) {
		if (strcmp(s->name, name) == 0) {
			return s;
		}
	}
	return NULL;
}

static void
destroy(struct rv_socket *s)
{
	if (s->fd != -1) {
		close(s->fd);
	}
	rv_list_remove(&s->link);
	rv_free(s->name);
	rv_free(s);
}

void
rv_socket_keep(struct rv_launcher *l, const char *name, int fd)
{
	struct rv_socket *s = find(l, name);

	if (s != NULL) {
		close(s->fd);
		s->fd = fd;
		return;
	}
	s = rv_alloc(1, sizeof(*s));
	if (s != NULL) {
		s->fd = -1;
		s->name = rv_strdup(name);
		rv_list_insert(&l->sockets, &s->link);
	}
	if (s == NULL || s->name == NULL) {
		rv_launcher_trouble(
		    l, ENOMEM, "cannot keep the listening socket %s", name);
		if (s != NULL) {
			destroy(s);
		}
		close(fd);
		return;
	}
	s->fd = fd;
}

void
rv_socket_drop(struct rv_launcher *l, const char *name)
{
	struct rv_socket *s = find(l, name);

	if (s != NULL) {
		destroy(s);
	}
}

int
rv_socket_find(const struct rv_launcher *l, const char *name)
{
	const struct rv_socket *s = find(l, name);

	return s != NULL ? s->fd : -1;
}

void
rv_sockets_finish(struct rv_launcher *l)
{
	RV_LIST_EACH_SAFE (s, &l->sockets, struct rv_socket, link) {
		destroy(s);
	}
}
