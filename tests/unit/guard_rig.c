/* SPDX-License-Identifier: MIT */
/* Clients in threads, keys, strangers; see the header. */
#include "config.h"

#include "unit/guard_rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/harness.h"

const char *
rig_address(bool tcp)
{
	static char address[160];

	(void)snprintf(address, sizeof(address), "unix:%s/s", rv_test_dir());
	return tcp ? "tcp:127.0.0.1:0" : address;
}

struct reeve_listener *
rig_listen(
    bool tcp, struct reeve_listen_options *options, struct reeve_guard *guard)
{
	struct reeve_listen_options plain = { .size = sizeof(plain) };
	struct reeve_listener *l = NULL;
	struct reeve_error err;

	options = options != NULL ? options : &plain;
	options->guard = guard;
	CU_ASSERT_EQUAL_FATAL(
	    reeve_conn_listen(&l, rig_address(tcp), options, &err), REEVE_OK);
	return l;
}

static void *
connect_client(void *arg)
{
	struct rig_client *c = arg;
	struct reeve_connect_options options = { .size = sizeof(options),
		.guard = c->guard };

	c->status = reeve_conn_connect(
	    &c->conn, c->address, &options, c->timeout, &c->err);
	return NULL;
}

void
rig_connect(
    struct rig_client *c, const char *address, struct reeve_guard *guard)
{
	memset(c, 0, sizeof(*c));
	(void)snprintf(c->address, sizeof(c->address), "%s", address);
	c->guard = guard;
	c->timeout = RIG_LONG;
	CU_ASSERT_EQUAL_FATAL(
	    pthread_create(&c->thread, NULL, connect_client, c), 0);
}

enum reeve_status
rig_join(struct rig_client *c)
{
	CU_ASSERT_EQUAL(pthread_join(c->thread, NULL), 0);
	return c->status;
}

struct reeve_guard *
rig_key(const char *key, const char *protocol)
{
	struct reeve_key_options options = { .size = sizeof(options),
		.key = key,
		.key_length = strlen(key),
		.protocol = protocol };
	struct reeve_guard *guard = NULL;
	struct reeve_error err;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_guard_of_key(&guard, &options, &err), REEVE_OK);
	return guard;
}

void
rig_talk(struct reeve_conn *a, struct reeve_conn *b)
{
	struct reeve_conn *ends[] = { a, b };
	struct reeve_parcel parcel = { 0 };

	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL_FATAL(
		    reeve_conn_send(ends[i], "hello", 5, RIG_LONG), REEVE_OK);
		CU_ASSERT_EQUAL_FATAL(
		    reeve_conn_recv(ends[1 - i], &parcel, 5, RIG_LONG),
		    REEVE_OK);
		CU_ASSERT_EQUAL(memcmp(parcel.data, "hello", 5), 0);
	}
	reeve_conn_free(a);
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &parcel, 5, RIG_LONG), REEVE_EEND);
	reeve_conn_free(b);
	reeve_parcel_free(&parcel);
}

int
rig_stranger(const char *address)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET };
	int fd;

	if (strncmp(address, "unix:", 5) == 0) {
		memcpy(un.sun_path, address + 5, strlen(address) - 5);
		fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
		CU_ASSERT_EQUAL_FATAL(
		    connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
		return fd;
	}
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port =
	    htons((uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	CU_ASSERT_EQUAL_FATAL(
	    connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}
