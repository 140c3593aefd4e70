/* SPDX-License-Identifier: MIT */
/*
 * Descriptors beside a message: put into what sendmsg takes, and every one that
 * recvmsg made taken out of it, whoever sent it. Called by packet.c.
 */
#ifndef RV_CONN_RIGHTS_H
#define RV_CONN_RIGHTS_H

#include <sys/socket.h>

#include <reeve/conn.h>

#include "base/base.h"

/* Of all handles; one of the bytes' memory, and one of its lease. */
#define RV_RIGHTS_MAX (REEVE_PARCEL_HANDLES * REEVE_HANDLE_FDS + 2)

struct rv_rights {
	unsigned n;
	int fds[RV_RIGHTS_MAX];
};

/* Room for a control message, aligned as the kernel wants it. */
union rv_rights_room {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * RV_RIGHTS_MAX)];
};

/* For sendmsg; nothing when there are none. */
void rv_rights_put(
    const struct rv_rights *, struct msghdr *, union rv_rights_room *);

/* For recvmsg, before and after. */
static inline void
rv_rights_room_for(struct msghdr *msg, union rv_rights_room *room)
{
	msg->msg_control = room;
	msg->msg_controllen = sizeof(*room);
}
void rv_rights_take(struct rv_rights *, struct msghdr *);

void rv_rights_close(struct rv_rights *);

#endif
