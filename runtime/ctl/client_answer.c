/* SPDX-License-Identifier: MIT */
/*
 * What a line from the runtime means: an answer, a refusal, a notification.
 * Trusts nothing of it: whoever listens there may be something else.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/client_priv.h"

static enum reeve_status
not_understood(
    struct reeve_client *client, const char *what, struct reeve_error *err)
{
	client->broken = REEVE_EPROTO;
	return rv_error(err, REEVE_EPROTO,
	    "cannot understand what listens there: %s", what);
}

static enum reeve_status
no_memory(struct reeve_client *client, struct reeve_error *err)
{
	client->broken = REEVE_ENOMEM;
	return rv_error_sys(err, ENOMEM, "cannot read the answer");
}

static enum reeve_status
status_by_name(const char *name)
{
	static const struct {
		const char *name;
		enum reeve_status status;
	} all[] = {
#define X(name, number, exit_code, text) { #name, REEVE_##name },
#include <reeve/status.def>
#undef X
	};

	for (size_t i = 0; name != NULL && i < RV_ARRAY_LEN(all); i++) {
		if (strcmp(all[i].name, name) == 0 &&
		    all[i].status != REEVE_OK) {
			return all[i].status;
		}
	}
	return REEVE_EFAILED;
}

/* Where a member of the line stands; it was parsed already. */
static bool
find(const struct reeve_client *client, struct rv_answer *answer,
    const char *key)
{
	const char *text = rv_buf_str(&client->line), *value;

	if (!rv_json_slice(
		text, client->line.len, key, &value, &answer->json_len)) {
		return false;
	}
	answer->json_at = (size_t)(value - text);
	return true;
}

static enum reeve_status
look_at_refusal(struct reeve_client *client, struct rv_answer *answer,
    const struct rv_json *error, struct reeve_error *err)
{
	const char *text = rv_json_str(rv_json_get(error, "message"));
	const struct rv_json *data = rv_json_get(error, "data");
	const char *json;
	size_t len;

	client->text = rv_strdup(text != NULL ? text : "refused");
	if (client->text == NULL) {
		return no_memory(client, err);
	}
	if (rv_json_type(data) == RV_JSON_OBJECT &&
	    find(client, answer, "error") &&
	    rv_json_slice(client->line.data + answer->json_at, answer->json_len,
		"data", &json, &len)) {
		client->data = rv_strndup(json, len);
		if (client->data == NULL) {
			return no_memory(client, err);
		}
	}
	answer->message.status =
	    status_by_name(rv_json_str(rv_json_get(data, "status")));
	answer->message.text = client->text;
	return REEVE_OK;
}

static enum reeve_status
look_at_notification(struct reeve_client *client, struct rv_answer *answer,
    const char *method, struct reeve_error *err)
{
	if (strlen(method) >= sizeof(client->method) ||
	    !find(client, answer, "params")) {
		return not_understood(client, "a strange notification", err);
	}
	rv_copy(client->method, sizeof(client->method), method);
	answer->message.method = client->method;
	return REEVE_OK;
}

static enum reeve_status
look_at_answer(struct reeve_client *client, struct rv_answer *answer,
    const struct rv_json *root, struct reeve_error *err)
{
	const struct rv_json *id = rv_json_get(root, "id");
	const struct rv_json *error = rv_json_get(root, "error");

	if (id == NULL || rv_json_int(id) < 0 ||
	    (rv_json_type(id) != RV_JSON_INT &&
		rv_json_type(id) != RV_JSON_NULL)) {
		return not_understood(client, "an answer to nothing", err);
	}
	answer->message.id = (uint64_t)rv_json_int(id);
	if (rv_json_type(error) == RV_JSON_OBJECT) {
		return look_at_refusal(client, answer, error, err);
	}
	if (answer->message.id == 0 || !find(client, answer, "result")) {
		return not_understood(client, "an answer without result", err);
	}
	return REEVE_OK;
}

enum reeve_status
rv_client_look(struct reeve_client *client, struct rv_answer *answer,
    struct reeve_error *err)
{
	struct rv_json *root = NULL;
	const char *method;
	enum reeve_status status;

	*answer = (struct rv_answer){ .json_at = 0 };
	rv_free(client->text);
	rv_free(client->data);
	client->text = client->data = NULL;
	status = rv_json_parse(
	    &root, rv_buf_str(&client->line), client->line.len, err);
	if (status == REEVE_ENOMEM) {
		return no_memory(client, err);
	}
	if (status != REEVE_OK || rv_json_type(root) != RV_JSON_OBJECT) {
		rv_json_free(root);
		return not_understood(client, "that is not JSON-RPC", err);
	}
	method = rv_json_str(rv_json_get(root, "method"));
	if (method != NULL) {
		status = look_at_notification(client, answer, method, err);
	} else {
		status = look_at_answer(client, answer, root, err);
	}
	rv_json_free(root);
	return status;
}

void
rv_client_cut(struct reeve_client *client, struct rv_answer *answer)
{
	if (answer->message.status == REEVE_OK) {
		client->line.data[answer->json_at + answer->json_len] = '\0';
		answer->message.json = client->line.data + answer->json_at;
	}
}
