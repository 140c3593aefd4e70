/* SPDX-License-Identifier: MIT */
/*
 * Talking to a running runtime over its control socket: JSON-RPC 2.0, one
 * message a line, at most REEVE_CLIENT_LINE_MAX bytes. Methods and their
 * parameters are listed by `reeve help control` and in reeve-control(7). A
 * client belongs to one thread; it has no globals and installs no handlers.
 */
#ifndef REEVE_CLIENT_H
#define REEVE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reeve/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REEVE_CLIENT_LINE_MAX (1024 * 1024)

struct reeve_client;

/*
 * Whose runtime is meant; the first of these that is set decides. With none,
 * REEVE_EINVALID.
 */
struct reeve_client_options {
	size_t size;             /* sizeof(struct reeve_client_options) */
	const char *socket_path; /* of the control socket itself */
	const char *state_dir;   /* the socket is found through it */
	const char *config_file; /* its state_dir; where that is the default,
				    the caller's is tried and then root's */
};

/*
 * Connect; waits at most a second or so for the other end to accept.
 * REEVE_ENORUNTIME: nobody listens; the text says where was looked.
 */
REEVE_PUBLIC enum reeve_status reeve_client_open(struct reeve_client **,
    const struct reeve_client_options *, struct reeve_error *) REEVE_MUST_CHECK;

/* NULL is fine. */
REEVE_PUBLIC void reeve_client_close(struct reeve_client *);

/*
 * Ask and wait for the answer. `params` is a JSON object as text, or NULL.
 * *result (may be NULL) is JSON text, the caller's to reeve_free. A refusal
 * comes as the status that the runtime named (REEVE_ENOENT, ...), with its
 * message as text. timeout_ms < 0: wait for ever; REEVE_ETIMEDOUT after it,
 * and the answer is thrown away when it comes. Notifications that arrive
 * meanwhile are kept for reeve_client_next.
 */
REEVE_PUBLIC enum reeve_status reeve_client_call(struct reeve_client *,
    const char *method, const char *params, int timeout_ms, char **result,
    struct reeve_error *) REEVE_MUST_CHECK;

/* What a pool's function is called with; see reeve_client_submit. */
struct reeve_client_item {
	const void *data;
	size_t length;
	bool json; /* data is a JSON value; else any bytes */
};

/*
 * Have a pool of the runtime's config ("web/thumbs") run its function on these
 * items, and wait for all of them: pool.submit of reeve-control(7). *results is
 * a JSON array as text, the caller's to reeve_free, with one object for each,
 * in their order: {"ok":true,"json":VALUE} (or "text", or "base64"), or
 * {"ok":false,"outcome":"died",...}. Refusals and timeout_ms as with
 * reeve_client_call: REEVE_EFULL, REEVE_EBROKEN, REEVE_ENOENT (no such pool)
 * ...; after REEVE_ETIMEDOUT the items go on until the client is closed.
 * REEVE_EINVALID: one is no JSON; REEVE_ETOOBIG: together they do not fit into
 * a line; submit fewer at once.
 */
REEVE_PUBLIC enum reeve_status reeve_client_submit(struct reeve_client *,
    const char *pool, const struct reeve_client_item *items, size_t n,
    int timeout_ms, char **results, struct reeve_error *) REEVE_MUST_CHECK;

/* An answer (id != 0) or a notification (method set). */
struct reeve_message {
	uint64_t id;
	const char *method; /* NULL for answers */
	const char *json;   /* result, or params of a notification; NULL when
			       the answer is a refusal */
	enum reeve_status status; /* REEVE_OK, or why it was refused */
	const char *text;         /* of a refusal */
};

/*
 * The same without waiting: send queues the request; when the descriptor is
 * ready for what reeve_client_events says (POLLIN, POLLOUT), call next until
 * it says REEVE_EAGAIN. The message is borrowed until the next call.
 * REEVE_ECLOSED: the runtime is gone.
 */
REEVE_PUBLIC enum reeve_status reeve_client_send(struct reeve_client *,
    const char *method, const char *params, uint64_t *id,
    struct reeve_error *) REEVE_MUST_CHECK;
REEVE_PUBLIC enum reeve_status reeve_client_next(struct reeve_client *,
    struct reeve_message *, struct reeve_error *) REEVE_MUST_CHECK;
REEVE_PUBLIC int reeve_client_fd(const struct reeve_client *);
REEVE_PUBLIC short reeve_client_events(const struct reeve_client *);

/*
 * What the last refusal (of a call, or by next) said beside its text, a JSON
 * object such as {"status":"ECONFIG","findings":[...]} or {"status":"ETOOOLD",
 * "oldest":17}; NULL when it said nothing. Borrowed until the next call.
 */
REEVE_PUBLIC const char *reeve_client_refusal(const struct reeve_client *);

/*
 * The table of methods: i-th from 0, false behind the last. For help, manual
 * pages and completion. Strings are static; params is a line such as
 * "names [no_wait]".
 */
struct reeve_method_info {
	size_t size; /* set by the caller */
	const char *name, *params, *doc;
};
REEVE_PUBLIC bool reeve_client_method(unsigned i, struct reeve_method_info *);

#ifdef __cplusplus
}
#endif

#endif
