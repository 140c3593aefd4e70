/* SPDX-License-Identifier: MIT */
/* Listening sockets by name, to be handed down to workers. */
#ifndef RV_LAUNCHER_SOCKETS_H
#define RV_LAUNCHER_SOCKETS_H

#include "base/base.h"
#include "base/list.h"

struct rv_launcher;

/* Keep it under this name, in place of an earlier one; takes the descriptor. */
void rv_socket_keep(struct rv_launcher *, const char *name, int fd);
void rv_socket_drop(struct rv_launcher *, const char *name);
/* -1: there is none of that name. Stays ours. */
int rv_socket_find(const struct rv_launcher *, const char *name);
void rv_sockets_finish(struct rv_launcher *);

#endif
