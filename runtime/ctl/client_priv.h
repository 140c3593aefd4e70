/* SPDX-License-Identifier: MIT */
/*
 * The layout of a client, for the files of this folder that begin with
 * client. They know nothing of the runtime: another process runs it.
 */
#ifndef RV_CLIENT_PRIV_H
#define RV_CLIENT_PRIV_H

#include <reeve/client.h>

#include "base/buf.h"
#include "base/time.h"
#include "wire/json.h"

#define RV_CONNECTION_MAGIC 0x636f6e6eu
#define RV_CLIENT_READ      ((size_t)32 * 1024)
#define RV_CLIENT_OUT_MAX   ((size_t)4 * REEVE_CLIENT_LINE_MAX)
/* Of what came while another answer was waited for. */
#define RV_CLIENT_KEPT_MAX ((size_t)16 * REEVE_CLIENT_LINE_MAX)

struct reeve_client {
	unsigned magic;
	int fd;
	uint64_t n_ids;
	struct rv_buf in, out, kept;
	size_t in_at, kept_at;    /* bytes that were handed out */
	size_t scanned;           /* bytes of `in` without a newline */
	struct rv_buf line;       /* the message in hand */
	char method[64];          /* of it */
	char *text, *data;        /* of it, when it is a refusal */
	enum reeve_status broken; /* REEVE_OK while it works */
	bool unwritable;          /* but it may still say why */
};

/* Ids of calls are odd, of what is only sent even: so neither is mistaken. */
static inline bool
rv_client_is_call(uint64_t id)
{
	return id % 2 != 0;
}

/* client_line.c. The next line into c->line; REEVE_EAGAIN, REEVE_ECLOSED. */
enum reeve_status rv_client_line(
    struct reeve_client *, bool from_kept, struct reeve_error *) RV_MUST_CHECK;
/* Put the line in hand aside. */
enum reeve_status rv_client_keep(
    struct reeve_client *, struct reeve_error *) RV_MUST_CHECK;
enum reeve_status rv_client_flush(
    struct reeve_client *, struct reeve_error *) RV_MUST_CHECK;
/* A request into c->out. */
enum reeve_status rv_client_ask(struct reeve_client *, uint64_t id,
    const char *method, const char *params, struct reeve_error *) RV_MUST_CHECK;

/*
 * client_answer.c. Look at the line in hand; what cannot be understood breaks
 * the connection. Then cut it: message->json ends with a NUL.
 */
struct rv_answer {
	struct reeve_message message; /* json is not set yet */
	size_t json_at, json_len;
};
enum reeve_status rv_client_look(struct reeve_client *, struct rv_answer *,
    struct reeve_error *) RV_MUST_CHECK;
void rv_client_cut(struct reeve_client *, struct rv_answer *);

#endif
