/* SPDX-License-Identifier: MIT */
/*
 * One line of a client, from bytes to an answer: parse, look at the envelope,
 * find the method, check its parameters, record the request when it changes
 * something, call the handler. Refuses; never gives up a client.
 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/ctl_priv.h"

/* The id as JSON text into ctl->id; false for one that is none. */
static bool
take_id(struct rv_ctl_request *request, const struct rv_json *root)
{
	const struct rv_json *id = rv_json_get(root, "id");
	struct rv_buf *text = &request->ctl->id;
	struct rv_jsonw w;

	request->id = NULL;
	if (id == NULL) {
		return true;
	}
	request->id = "null";
	switch (rv_json_type(id)) {
	case RV_JSON_STRING:
		if (strlen(rv_json_str(id)) > RV_CTL_ID_MAX) {
			return false;
		}
		break;
	case RV_JSON_INT:
	case RV_JSON_REAL:
	case RV_JSON_NULL:
		break;
	default:
		return false;
	}
	rv_jsonw_init(&w, text);
	rv_json_write_scalar(id, &w);
	if (text->failed) {
		return false;
	}
	request->id = rv_buf_str(text);
	return true;
}

/* What is wrong with the envelope, or NULL. */
static const char *
wrong_envelope(struct rv_ctl_request *request, const struct rv_json *root)
{
	const char *version = rv_json_str(rv_json_get(root, "jsonrpc"));

	request->id = "null";
	rv_buf_reset(&request->ctl->id);
	if (rv_json_type(root) == RV_JSON_ARRAY) {
		return "batches are not served; send one request a line";
	}
	if (rv_json_type(root) != RV_JSON_OBJECT) {
		return "a request must be an object";
	}
	if (!take_id(request, root)) {
		return "\"id\" must be a number, null, or a string of at "
		       "most 128 bytes";
	}
	if (version == NULL || strcmp(version, "2.0") != 0) {
		return "\"jsonrpc\" must be \"2.0\"";
	}
	if (rv_json_str(rv_json_get(root, "method")) == NULL) {
		return "\"method\" must be a string";
	}
	return NULL;
}

static void
refuse_envelope(struct rv_ctl_request *request, const char *wrong)
{
	if (request->ctl->id.failed) {
		rv_ctl_refuse(request->client, "null", RV_RPC_INTERNAL,
		    REEVE_ENOMEM, "cannot read the request: out of memory", "");
		return;
	}
	/* Only a request can be a notification; this is none. */
	rv_ctl_refuse(request->client,
	    request->id != NULL ? request->id : "null", RV_RPC_INVALID,
	    REEVE_EPROTO, wrong, "");
}

/* The nearer one. */
static void
prefer(const char *name, const char *other, const char **meant, unsigned *best)
{
	unsigned distance = rv_distance(name, other);

	if (distance < *best) {
		*best = distance;
		*meant = other;
	}
}

static void
unknown_method(struct rv_ctl_request *request, const char *name)
{
	const struct rv_ctl_method *method;
	const struct rv_ctl_hosted *own;
	const char *meant = NULL;
	struct reeve_error err;
	unsigned best = 3;

	for (size_t i = 0; (method = rv_ctl_method_at(i)) != NULL; i++) {
		prefer(name, method->name, &meant, &best);
	}
	for (size_t i = 0; (own = rv_ctl_own_at(request->ctl, i)) != NULL;
	     i++) {
		prefer(name, own->name, &meant, &best);
	}
	if (meant != NULL) {
		rv_error(&err, REEVE_EINVALID,
		    "no method \"%.64s\"; did you mean \"%s\"?", name, meant);
	} else {
		rv_error(&err, REEVE_EINVALID,
		    "no method \"%.64s\"; \"help\" lists them", name);
	}
	rv_ctl_refuse(request->client, request->id, RV_RPC_METHOD,
	    REEVE_EINVALID, err.text, "");
}

/* The names of the request as JSON, for its record; NULL: none, no memory. */
static char *
names_text(const struct rv_json *names)
{
	struct rv_buf text;
	struct rv_jsonw w;

	if (names == NULL) {
		return NULL;
	}
	/* The record is for people; a monster is cut where names end. */
	rv_buf_init(&text, 64 * 1024);
	rv_jsonw_init(&w, &text);
	rv_jsonw_array(&w);
	for (size_t i = 0; i < rv_json_count(names) && text.len < 4096; i++) {
		const char *name = rv_json_str(rv_json_at(names, i));

		rv_jsonw_strn(&w, name, RV_MIN(strlen(name), (size_t)1024));
	}
	rv_jsonw_array_end(&w);
	return rv_buf_steal(&text);
}

void
rv_ctl_record(struct rv_ctl_request *request, const char *method)
{
	char *names = names_text(rv_json_get(request->params, "names"));
	struct rv_asker asker = {
		.method = method,
		.names = names,
		.uid = request->client->uid,
		.pid = request->client->pid,
	};

	request->event = rv_super_asked(request->ctl->super, &asker);
	rv_free(names);
}

static void
refuse(struct rv_ctl_request *request, enum reeve_status status,
    const struct reeve_error *err)
{
	rv_ctl_refuse(request->client, request->id,
	    status == REEVE_EINVALID ? RV_RPC_PARAMS : RV_RPC_REFUSED, status,
	    err->text, rv_buf_str(&request->extra));
}

static void
obey(struct rv_ctl_request *request)
{
	struct reeve_error err = { 0 };
	struct rv_buf *result = &request->ctl->result;
	enum reeve_status status;
	struct rv_jsonw w;

	if (request->method->changes &&
	    !rv_json_bool(rv_json_get(request->params, "dry_run"))) {
		rv_ctl_record(request, request->method->name);
	}
	rv_buf_reset(result);
	rv_jsonw_init(&w, result);
	status = request->method->handler(request, &w, &err);
	if (status != REEVE_OK) {
		refuse(request, status, &err);
	} else if (!request->later) {
		rv_ctl_reply(request->client, request->id, result);
	}
}

static void
dispatch(struct rv_ctl_request *request, const struct rv_json *root)
{
	const char *name = rv_json_str(rv_json_get(root, "method"));
	struct rv_ctl_own *own = rv_ctl_own_find(request->ctl, name);
	enum reeve_status status;
	struct reeve_error err;

	request->method = rv_ctl_method_find(name);
	request->params = rv_json_get(root, "params");
	if (own != NULL) {
		status = rv_ctl_own_ask(request, own, &err);
		if (status != REEVE_OK) {
			refuse(request, status, &err);
		}
	} else if (request->method == NULL) {
		unknown_method(request, name);
	} else if (rv_ctl_params_check(
		       request->method, request->params, &err) != REEVE_OK) {
		rv_ctl_refuse(request->client, request->id, RV_RPC_PARAMS,
		    REEVE_EINVALID, err.text, "");
	} else {
		obey(request);
	}
}

void
rv_ctl_serve(struct rv_ctl_client *client, const char *line, size_t len)
{
	struct rv_ctl_request request = {
		.ctl = client->ctl,
		.client = client,
		.line = line,
		.len = len,
	};
	struct reeve_error err;
	struct rv_json *root = NULL;
	enum reeve_status status = rv_json_parse(&root, line, len, &err);
	const char *wrong;

	rv_buf_init(&request.extra, RV_CTL_OUT_STOP);
	if (status != REEVE_OK) {
		rv_ctl_refuse(client, "null",
		    status == REEVE_ENOMEM ? RV_RPC_INTERNAL : RV_RPC_PARSE,
		    status, err.text, "");
	} else if ((wrong = wrong_envelope(&request, root)) != NULL) {
		refuse_envelope(&request, wrong);
	} else {
		dispatch(&request, root);
	}
	rv_buf_finish(&request.extra);
	rv_json_free(root);
}
