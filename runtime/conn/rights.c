/* SPDX-License-Identifier: MIT */
/*
 * SCM_RIGHTS. The room for what is received is of exactly as many descriptors
 * as a message of ours can have: of more, the kernel opens none here and says
 * MSG_CTRUNC, as it does when the table of the process is full.
 */
#include "config.h"

#include "conn/rights.h"

#include <string.h>
#include <unistd.h>

void
rv_rights_put(const struct rv_rights *rights, struct msghdr *msg,
    union rv_rights_room *room)
{
	size_t bytes = sizeof(int) * rights->n;

	if (rights->n == 0) {
		return;
	}
	memset(&room->align, 0, sizeof(room->align));
	room->align.cmsg_level = SOL_SOCKET;
	room->align.cmsg_type = SCM_RIGHTS;
	room->align.cmsg_len = CMSG_LEN(bytes);
	memcpy(CMSG_DATA(&room->align), rights->fds, bytes);
	msg->msg_control = room;
	msg->msg_controllen = CMSG_SPACE(bytes);
}

void
rv_rights_take(struct rv_rights *rights, struct msghdr *msg)
{
	struct cmsghdr *c;

	rights->n = 0;
	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
			continue;
		}
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		RV_ASSERT(n <= RV_RIGHTS_MAX - rights->n);
		memcpy(rights->fds + rights->n, CMSG_DATA(c), n * sizeof(int));
		rights->n += (unsigned)n;
	}
}

void
rv_rights_close(struct rv_rights *rights)
{
	for (unsigned i = 0; i < rights->n; i++) {
		(void)close(rights->fds[i]);
	}
	rights->n = 0;
}
