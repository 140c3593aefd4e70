/* SPDX-License-Identifier: MIT */
/*
 * What conn_rig.h says. Waits for a minute, at most.
 */
#include "config.h"

#include "unit/conn_rig.h"

#include <string.h>

#include "lib/harness.h"

#define LONG REEVE_S(60)

void
conn_pipe(bool duplex, struct reeve_conn **a, struct reeve_conn **b)
{
	CU_ASSERT_EQUAL_FATAL(reeve_pipe(a, b, duplex, NULL), REEVE_OK);
}

void
conn_pipe_plain(bool duplex, struct reeve_conn **a, struct reeve_conn **b)
{
	CU_ASSERT_EQUAL_FATAL(reeve_pipe_plain(a, b, duplex, NULL), REEVE_OK);
}

void
conn_finish(struct reeve_conn *a, struct reeve_conn *b)
{
	reeve_conn_free(a);
	reeve_conn_free(b);
}

struct reeve_listener *
conn_listen_at(const char *address, const struct reeve_listen_options *options)
{
	struct reeve_listener *l = NULL;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_conn_listen(&l, address, options, NULL), REEVE_OK);
	return l;
}

struct reeve_conn *
conn_connect_to(struct reeve_listener *l)
{
	struct reeve_conn *conn = NULL;

	CU_ASSERT_EQUAL_FATAL(reeve_conn_connect(&conn,
				  reeve_listener_address(l), NULL, LONG, NULL),
	    REEVE_OK);
	return conn;
}

struct reeve_conn *
conn_accept_one(struct reeve_listener *l)
{
	struct reeve_conn *conn = NULL;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_conn_accept(&conn, l, LONG, NULL), REEVE_OK);
	return conn;
}

void
conn_say(struct reeve_conn *conn, const char *text)
{
	CU_ASSERT_EQUAL_FATAL(
	    reeve_conn_send(conn, text, strlen(text), LONG), REEVE_OK);
}

void
conn_expect(struct reeve_conn *conn, const char *text)
{
	struct reeve_parcel parcel = { 0 };

	CU_ASSERT_EQUAL_FATAL(
	    reeve_conn_recv(conn, &parcel, 1000, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(parcel.length, strlen(text));
	CU_ASSERT_TRUE(
	    text[0] == '\0' || memcmp(parcel.data, text, strlen(text)) == 0);
	reeve_parcel_free(&parcel);
}
