/* SPDX-License-Identifier: MIT */
/*
 * One packet with its descriptors over a local SOCK_SEQPACKET or SOCK_DGRAM
 * socket. Whoever receives owns the descriptors that came, in every case.
 */
#ifndef RV_WIRE_PACKET_H
#define RV_WIRE_PACKET_H

#include <sys/types.h>

#include "base/base.h"

#define RV_PACKET_FDS 42 /* as many as any frame of ours carries */

struct rv_packet {
	size_t len;     /* of what stands in the caller's buffer */
	bool truncated; /* the packet was longer, or had more descriptors */
	bool has_cred;  /* the socket has SO_PASSCRED */
	pid_t pid;
	uid_t uid;
	unsigned n_fds;
	int fds[RV_PACKET_FDS];
};

/* 0, or -1 with errno (EAGAIN: the peer is behind). Never waits. */
int rv_packet_send(
    int sock, const void *data, size_t len, const int *fds, unsigned n_fds);

/*
 * 1: a packet; 0: the other end was closed; -1: errno (EAGAIN: nothing there).
 * Never waits. Descriptors beyond RV_PACKET_FDS are closed here.
 */
int rv_packet_receive(
    int sock, void *data, size_t size, struct rv_packet *packet);

/*
 * The same, of a datagram that stays where it is until rv_packet_skip: its
 * descriptors are duplicates, the caller's as ever.
 */
int rv_packet_peek(int sock, void *data, size_t size, struct rv_packet *packet);
void rv_packet_skip(int sock);

/* Close what came and was not taken (taken ones are set to -1). */
void rv_packet_close_fds(struct rv_packet *packet);

#endif
