/* SPDX-License-Identifier: MIT */
/*
 * Methods of the host's own on the control socket of its runtime, beside those
 * that every runtime has (reeve-control(7)): whoever may steer the runtime may
 * call them, by `reeve_client_call` or with any JSON-RPC client.
 *
 *	static void
 *	on_count(void *ctx, const struct reeve_control_request *request)
 *	{
 *		struct shop *shop = ctx;
 *		char json[64];
 *
 *		snprintf(json, sizeof(json), "{\"orders\":%u}", shop->orders);
 *		reeve_control_reply(shop->reeve, request->id, json, NULL);
 *	}
 *
 *	reeve_control_add(reeve, "shop.count", NULL, on_count, shop, &err);
 *
 * An answer may be given at once or later: keep the request's id. All that
 * clients do is bounded: at most 16 of a client's requests wait for an answer,
 * lines have 1 MiB at most, and a client that does not read is not served.
 */
#ifndef REEVE_CONTROL_H
#define REEVE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <reeve/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of an answer. */
#define REEVE_CONTROL_ANSWER_MAX (1024 * 1024 - 2048)

/* Borrowed for the call. */
struct reeve_control_request {
	size_t size;
	uint64_t id; /* for reply and fail; never given twice by a runtime */
	const char *method;
	const char *params; /* a JSON object as text; "{}" if it has none */
	bool notification;  /* nobody waits: an answer is thrown away */
	uid_t uid;          /* who asks, as the kernel says: the user ... */
	pid_t pid;          /* ... and the process that connected */
};

/*
 * Called in the runtime's thread, as callbacks are (runtime.h): everything may
 * be called in it. Each request is to be replied to or failed, once.
 */
typedef void reeve_control_fn(void *ctx, const struct reeve_control_request *);

/* Zero is the default throughout. All is copied. */
struct reeve_control_options {
	size_t size;        /* sizeof(struct reeve_control_options) */
	const char *params; /* for people: "pool items [wait]" */
	const char *doc;    /* in a line; the method `help` tells both */
	/*
	 * It changes something: each call of it is recorded, as
	 * control.request, before the function is called.
	 */
	bool changes;
	/*
	 * This request needs no answer any more: its client has gone, the
	 * method was removed, or the tree has ended. May be NULL: a later
	 * answer is REEVE_ENOENT then, and harms nobody. Not told by
	 * reeve_destroy.
	 */
	void (*gone)(void *ctx, uint64_t request);
};

/*
 * Serve this method from now on. Its name has a dot and is made of letters,
 * digits and _.- (at most 64). REEVE_EINVALID: it is no name for one;
 * REEVE_EEXIST: every runtime has it, or it was added before; REEVE_EFULL:
 * there are 64 already. Options may be NULL.
 */
REEVE_PUBLIC enum reeve_status reeve_control_add(struct reeve *,
    const char *method, const struct reeve_control_options *,
    reeve_control_fn *fn, void *ctx, struct reeve_error *) REEVE_MUST_CHECK;

/*
 * No longer. What waits is refused, REEVE_ECLOSED, and `gone` told of each
 * before this returns. REEVE_ENOENT: no such method was added.
 */
REEVE_PUBLIC enum reeve_status reeve_control_remove(
    struct reeve *, const char *method, struct reeve_error *);

/*
 * The answer: any JSON value as text. REEVE_ENOENT: no such request waits (any
 * more); it may have been answered, or its client be gone. REEVE_EINVALID: it
 * is no JSON; REEVE_ETOOBIG: more than REEVE_CONTROL_ANSWER_MAX bytes;
 * REEVE_ENOMEM: after these three the request waits as before.
 */
REEVE_PUBLIC enum reeve_status reeve_control_reply(
    struct reeve *, uint64_t request, const char *json, struct reeve_error *);

/*
 * A refusal, which reeve_client_call returns as this status with this text
 * (NULL: the status's own). REEVE_ENOENT as above; REEVE_EINVALID: the status
 * is REEVE_OK, or none.
 */
REEVE_PUBLIC enum reeve_status reeve_control_fail(struct reeve *,
    uint64_t request, enum reeve_status, const char *text,
    struct reeve_error *);

#ifdef __cplusplus
}
#endif

#endif
