/* SPDX-License-Identifier: MIT */
/*
 * Requests of methods of the host's own, from when they were made until their
 * answers are in the client's output. The host knows them by number alone, so
 * that it can come too late and harm nobody. An answer is kept here while its
 * client has no room for it; a client has few of them.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/ctl_priv.h"

#define TEXT_MAX 1024 /* bytes of a refusal */

struct rv_ctl_call {
	struct rv_hash_node by_number; /* first; as long as it waits */
	struct rv_list link;           /* in client->calls */
	struct rv_ctl_client *client;
	struct rv_ctl_own *own; /* NULL: it has its answer */
	uint64_t number;
	char *id;                 /* JSON; NULL: nobody wants an answer */
	char *text;               /* JSON, or of a refusal; NULL: no memory */
	enum reeve_status status; /* REEVE_OK: text is the answer */
};

static void
destroy(struct rv_ctl_call *call)
{
	rv_list_remove(&call->link);
	rv_free(call->id);
	rv_free(call->text);
	rv_free(call);
}

enum reeve_status
rv_ctl_call_start(struct rv_ctl_request *request, struct rv_ctl_own *own,
    struct rv_ctl_call **out, struct reeve_error *err)
{
	struct rv_ctl_client *client = request->client;
	struct rv_ctl *ctl = request->ctl;
	struct rv_ctl_call *call = rv_alloc(1, sizeof(*call));

	if (call != NULL) {
		rv_list_init(&call->link);
		call->id = request->id != NULL ? rv_strdup(request->id) : NULL;
	}
	if (call == NULL || (request->id != NULL && call->id == NULL) ||
	    !rv_hash_reserve(&ctl->calls, ctl->calls.n + 1)) {
		if (call != NULL) {
			destroy(call);
		}
		return rv_error_sys(err, ENOMEM, "cannot call a method");
	}
	call->client = client;
	call->own = own;
	call->number = ++ctl->last_call;
	rv_hash_insert(&ctl->calls, &call->by_number, call->number);
	rv_list_insert(&client->calls, &call->link);
	client->n_later++;
	*out = call;
	return REEVE_OK;
}

uint64_t
rv_ctl_call_number(const struct rv_ctl_call *call)
{
	return call->number;
}

/* It has its answer: nobody can give it another. */
static void
settle(struct rv_ctl *ctl, struct rv_ctl_call *call)
{
	rv_hash_remove(&ctl->calls, &call->by_number);
	call->own = NULL;
	rv_ctl_client_soon(call->client);
}

static enum reeve_status
find(struct rv_ctl *ctl, uint64_t number, struct rv_ctl_call **out,
    struct reeve_error *err)
{
	struct rv_hash_node *node =
	    ctl->calls.n != 0 ? rv_hash_find(&ctl->calls, number) : NULL;

	if (node == NULL) {
		return rv_error(err, REEVE_ENOENT,
		    "no request %llu waits: it was answered, or its client is "
		    "gone",
		    (unsigned long long)number);
	}
	*out = (struct rv_ctl_call *)(void *)node;
	return REEVE_OK;
}

/* Is it JSON? Then on one line: newlines are nothing but space in it. */
static enum reeve_status
take_json(const char *json, char **out, struct reeve_error *err)
{
	size_t len = json != NULL ? strlen(json) : 0;
	struct rv_json *parsed = NULL;
	enum reeve_status status;
	struct reeve_error why;

	if (len > REEVE_CONTROL_ANSWER_MAX) {
		return rv_error(err, REEVE_ETOOBIG,
		    "the answer has %zu bytes; at most %d go", len,
		    REEVE_CONTROL_ANSWER_MAX);
	}
	status = rv_json_parse(&parsed, json != NULL ? json : "", len, &why);
	rv_json_free(parsed);
	if (status != REEVE_OK) {
		return rv_error(err,
		    status == REEVE_EPROTO ? REEVE_EINVALID : status,
		    "the answer is no JSON: %.300s", why.text);
	}
	*out = rv_strndup(json, len);
	if (*out == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot keep an answer");
	}
	for (char *s = *out; (s = strpbrk(s, "\r\n")) != NULL;) {
		*s = ' ';
	}
	return REEVE_OK;
}

enum reeve_status
rv_ctl_answer(struct rv_ctl *ctl, uint64_t number, const char *json,
    struct reeve_error *err)
{
	struct rv_ctl_call *call = NULL;
	char *text = NULL;
	enum reeve_status status = find(ctl, number, &call, err);

	if (status == REEVE_OK && call->id != NULL) {
		status = take_json(json, &text, err);
	}
	if (status == REEVE_OK) {
		call->text = text;
		settle(ctl, call);
	}
	return status;
}

/* Without memory the status speaks for itself. */
static void
fail(struct rv_ctl *ctl, struct rv_ctl_call *call, enum reeve_status status,
    const char *text)
{
	call->status = status;
	call->text = text != NULL
			 ? rv_strndup(text, RV_MIN(strlen(text), TEXT_MAX))
			 : NULL;
	settle(ctl, call);
}

enum reeve_status
rv_ctl_fail(struct rv_ctl *ctl, uint64_t number, enum reeve_status why,
    const char *text, struct reeve_error *err)
{
	struct rv_ctl_call *call = NULL;
	enum reeve_status status = find(ctl, number, &call, err);

	if (status == REEVE_OK) {
		fail(ctl, call, why, text);
	}
	return status;
}

static void
say(struct rv_ctl_client *client, const struct rv_ctl_call *call)
{
	struct rv_buf result = { .data = call->text };

	if (call->status == REEVE_OK && call->text != NULL) {
		result.len = strlen(call->text);
		rv_ctl_reply(client, call->id, &result);
		return;
	}
	rv_ctl_refuse(client, call->id,
	    call->status == REEVE_EINVALID ? RV_RPC_PARAMS : RV_RPC_REFUSED,
	    call->status,
	    call->text != NULL ? call->text : reeve_status_text(call->status),
	    "");
}

void
rv_ctl_calls_deliver(struct rv_ctl_client *client)
{
	RV_LIST_EACH_SAFE (call, &client->calls, struct rv_ctl_call, link) {
		if (call->own != NULL || client->dead ||
		    rv_ctl_client_full(client)) {
			continue;
		}
		say(client, call);
		destroy(call);
		client->n_later--;
	}
}

/* In its callback the host may answer others of this client. */
void
rv_ctl_calls_drop(struct rv_ctl_client *client)
{
	while (!rv_list_empty(&client->calls)) {
		struct rv_ctl_call *call =
		    RV_LIST_FIRST(&client->calls, struct rv_ctl_call, link);
		struct rv_ctl_own *own = call->own;
		uint64_t number = call->number;

		if (own != NULL) {
			rv_hash_remove(&client->ctl->calls, &call->by_number);
		}
		destroy(call);
		if (own != NULL) {
			rv_ctl_own_gone(own, number);
		}
	}
	rv_defer_cancel(&client->turn);
}

/* One that is to be refused, or NULL. */
static struct rv_ctl_call *
first_of(struct rv_ctl *ctl, const struct rv_ctl_own *own)
{
	RV_LIST_EACH (client, &ctl->clients, struct rv_ctl_client, link) {
		RV_LIST_EACH (call, &client->calls, struct rv_ctl_call, link) {
			if (call->own != NULL &&
			    (own == NULL || call->own == own)) {
				return call;
			}
		}
	}
	return NULL;
}

void
rv_ctl_calls_end(struct rv_ctl *ctl, const struct rv_ctl_own *own,
    enum reeve_status status, const char *text)
{
	struct rv_ctl_call *call = NULL;

	while (ctl->calls.n != 0 && (call = first_of(ctl, own)) != NULL) {
		struct rv_ctl_own *of = call->own;
		uint64_t number = call->number;

		fail(ctl, call, status, text);
		rv_ctl_own_gone(of, number);
	}
}
