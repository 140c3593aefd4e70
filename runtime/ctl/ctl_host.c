/* SPDX-License-Identifier: MIT */
/*
 * Methods of the host's own: their table, and the way from a line to the
 * host's function. What waits for an answer is ctl_call.c's. The host may do
 * anything in its function, also remove the method that it serves.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "ctl/ctl_priv.h"

#define NAME_MAX_LEN 64

struct rv_ctl_own {
	struct rv_list link; /* in ctl->hosted, unless it is removed */
	struct rv_ctl_hosted hosted;
	unsigned busy; /* calls of the host's that are under way */
	bool removed;
};

static void
destroy(struct rv_ctl_own *own)
{
	rv_list_remove(&own->link);
	rv_free((char *)(uintptr_t)own->hosted.name);
	rv_free((char *)(uintptr_t)own->hosted.params);
	rv_free((char *)(uintptr_t)own->hosted.doc);
	rv_free(own);
}

static void
enter(struct rv_ctl_own *own)
{
	own->busy++;
}

static void
leave(struct rv_ctl_own *own)
{
	if (--own->busy == 0 && own->removed) {
		destroy(own);
	}
}

struct rv_ctl_own *
rv_ctl_own_find(const struct rv_ctl *ctl, const char *name)
{
	RV_LIST_EACH (own, &ctl->hosted, struct rv_ctl_own, link) {
		if (strcmp(own->hosted.name, name) == 0) {
			return own;
		}
	}
	return NULL;
}

const struct rv_ctl_hosted *
rv_ctl_own_at(const struct rv_ctl *ctl, size_t i)
{
	RV_LIST_EACH (own, &ctl->hosted, struct rv_ctl_own, link) {
		if (i-- == 0) {
			return &own->hosted;
		}
	}
	return NULL;
}

static enum reeve_status
check_name(const struct rv_ctl *ctl, const char *name, struct reeve_error *err)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_.-";
	size_t len = name != NULL ? strlen(name) : 0;

	if (len == 0 || len > NAME_MAX_LEN || strspn(name, good) != len ||
	    strchr(name, '.') == NULL || strncmp(name, "rpc.", 4) == 0) {
		return rv_error(err, REEVE_EINVALID,
		    "\"%.64s\" is no name for a method: it needs a dot, as "
		    "\"shop.count\", at most %d letters, digits and _.-, and "
		    "not \"rpc.\" before it",
		    name != NULL ? name : "", NAME_MAX_LEN);
	}
	if (rv_ctl_method_find(name) != NULL) {
		return rv_error(err, REEVE_EEXIST,
		    "\"%s\" is a method of every runtime", name);
	}
	if (rv_ctl_own_find(ctl, name) != NULL) {
		return rv_error(
		    err, REEVE_EEXIST, "\"%s\" was added before", name);
	}
	return ctl->n_hosted < RV_CTL_HOSTED
		   ? REEVE_OK
		   : rv_error(err, REEVE_EFULL,
			 "there are %d methods of the host's own already",
			 RV_CTL_HOSTED);
}

/* NULL stays NULL; false without memory. */
static bool
copy(const char **text)
{
	const char *from = *text;

	*text = from != NULL ? rv_strdup(from) : NULL;
	return from == NULL || *text != NULL;
}

enum reeve_status
rv_ctl_host(struct rv_ctl *ctl, const struct rv_ctl_hosted *hosted,
    struct reeve_error *err)
{
	enum reeve_status status = check_name(ctl, hosted->name, err);
	struct rv_ctl_own *own;
	bool good;

	if (status != REEVE_OK) {
		return status;
	}
	own = rv_alloc(1, sizeof(*own));
	if (own == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot add a method");
	}
	rv_list_init(&own->link);
	own->hosted = *hosted;
	good = copy(&own->hosted.name);
	good = copy(&own->hosted.params) && good;
	good = copy(&own->hosted.doc) && good;
	if (!good) {
		destroy(own);
		return rv_error_sys(err, ENOMEM, "cannot add a method");
	}
	rv_list_insert(&ctl->hosted, &own->link);
	ctl->n_hosted++;
	return REEVE_OK;
}

enum reeve_status
rv_ctl_unhost(struct rv_ctl *ctl, const char *name, struct reeve_error *err)
{
	struct rv_ctl_own *own =
	    name != NULL ? rv_ctl_own_find(ctl, name) : NULL;

	if (own == NULL) {
		return rv_error(err, REEVE_ENOENT,
		    "no method \"%.64s\" was added", name != NULL ? name : "");
	}
	enter(own);
	own->removed = true;
	rv_list_remove(&own->link);
	ctl->n_hosted--;
	rv_ctl_calls_end(
	    ctl, own, REEVE_ECLOSED, "this method is served no longer");
	leave(own);
	return REEVE_OK;
}

void
rv_ctl_owns_finish(struct rv_ctl *ctl)
{
	RV_LIST_EACH_SAFE (own, &ctl->hosted, struct rv_ctl_own, link) {
		destroy(own);
	}
	ctl->n_hosted = 0;
}

/* -------- one request -------- */

/* The parameters as text, which rv_free frees. */
static enum reeve_status
take_params(const struct rv_ctl_request *request, const char *method,
    char **out, struct reeve_error *err)
{
	const char *text = "{}";
	size_t len = 2;

	if (request->params != NULL &&
	    rv_json_type(request->params) != RV_JSON_OBJECT) {
		return rv_error(err, REEVE_EINVALID,
		    "\"params\" of %s must be an object", method);
	}
	if (request->params != NULL &&
	    !rv_json_slice(
		request->line, request->len, "params", &text, &len)) {
		return rv_error(err, REEVE_EINVALID,
		    "\"params\" must be written without escapes");
	}
	*out = rv_strndup(text, len);
	return *out != NULL
		   ? REEVE_OK
		   : rv_error_sys(err, ENOMEM, "cannot call %s", method);
}

static void
call(struct rv_ctl_own *own, const struct rv_ctl_request *request,
    uint64_t number, const char *params)
{
	const struct reeve_control_request told = {
		.size = sizeof(told),
		.id = number,
		.method = own->hosted.name,
		.params = params,
		.notification = request->id == NULL,
		.uid = request->client->uid,
		.pid = request->client->pid,
	};

	enter(own);
	own->hosted.asked(&own->hosted, &told);
	leave(own);
}

enum reeve_status
rv_ctl_own_ask(struct rv_ctl_request *request, struct rv_ctl_own *own,
    struct reeve_error *err)
{
	struct rv_ctl_client *client = request->client;
	struct rv_ctl_call *made;
	char *params = NULL;
	enum reeve_status status = rv_ctl_may_wait(request, err);

	if (status == REEVE_OK) {
		status = take_params(request, own->hosted.name, &params, err);
	}
	if (status == REEVE_OK) {
		status = rv_ctl_call_start(request, own, &made, err);
	}
	if (status == REEVE_OK) {
		if (own->hosted.changes) {
			rv_ctl_record(request, own->hosted.name);
		}
		call(own, request, rv_ctl_call_number(made), params);
		/* Answered at once, most likely: the next may wait again. */
		rv_ctl_calls_deliver(client);
	}
	rv_free(params);
	return status;
}

void
rv_ctl_own_gone(struct rv_ctl_own *own, uint64_t request)
{
	enter(own);
	own->hosted.gone(&own->hosted, request);
	leave(own);
}
