/* SPDX-License-Identifier: MIT */
/*
 * The file of a listening unix socket: made, taken over from the dead, removed.
 * Called by listener.c.
 */
#ifndef RV_CONN_SOCKET_FILE_H
#define RV_CONN_SOCKET_FILE_H

#include "conn/address.h"

/* Zeroed: none. */
struct rv_socket_file {
	struct sockaddr_un path;
	dev_t dev;
	ino_t ino;
	pid_t pid; /* who made it */
};

/* Bind, listen, and have it under its name. REEVE_EBUSY; REEVE_EEXIST. */
enum reeve_status rv_socket_file_make(struct rv_socket_file *, int fd,
    const struct rv_address *, mode_t, int backlog,
    struct reeve_error *) RV_MUST_CHECK;

/* If it is ours still, and we are who made it. */
void rv_socket_file_remove(struct rv_socket_file *);

#endif
