/* SPDX-License-Identifier: MIT */
/*
 * Addresses of sockets in the file system whose path may be longer than what
 * fits into one: then by way of a descriptor of their folder.
 */
#ifndef RV_CTL_ADDRESS_H
#define RV_CTL_ADDRESS_H

#include <sys/socket.h>
#include <sys/un.h>

#include <reeve/error.h>

#include "base/base.h"

#define RV_CONTROL_SOCKET "control.sock"

/*
 * *dir_fd is -1, or the folder's descriptor, which the caller closes once the
 * address has been used. Fails with errno set.
 */
bool rv_ctl_address(const char *path, struct sockaddr_un *, socklen_t *len,
    int *dir_fd) RV_MUST_CHECK;

#endif
