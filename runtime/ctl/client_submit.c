/* SPDX-License-Identifier: MIT */
/*
 * Items to a pool of the runtime's config, in one call: makes the request of
 * pool.submit and takes the results out of its answer.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/jsonw.h"
#include "base/text.h"
#include "ctl/client_priv.h"
#include "wire/json.h"

/* Of the line, the rest of which is the envelope. */
#define PARAMS_MAX (REEVE_CLIENT_LINE_MAX - 1024)

static void
add_base64(struct rv_buf *out, const unsigned char *data, size_t length)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < length && !out->failed; i += 3) {
		size_t have = RV_MIN(length - i, (size_t)3);
		uint32_t bits = (uint32_t)data[i] << 16;

		bits |= have > 1 ? (uint32_t)data[i + 1] << 8 : 0;
		bits |= have > 2 ? data[i + 2] : 0;
		for (unsigned j = 0; j < 4; j++) {
			rv_buf_addc(out, j <= have
					     ? digits[bits >> (18 - 6 * j) & 63]
					     : '=');
		}
	}
}

/* A newline in JSON is nothing but space, and would end the line here. */
static enum reeve_status
add_json(struct rv_buf *out, const struct reeve_client_item *item, size_t i,
    struct reeve_error *err)
{
	struct rv_json *value = NULL;
	const char *text = item->data;
	struct reeve_error why;
	enum reeve_status status =
	    rv_json_parse(&value, text, item->length, &why);

	rv_json_free(value);
	if (status != REEVE_OK) {
		return rv_error(err,
		    status == REEVE_EPROTO ? REEVE_EINVALID : status,
		    "cannot submit: item %zu is no JSON: %.300s", i, why.text);
	}
	rv_buf_adds(out, "{\"json\":");
	for (size_t j = 0; j < item->length && !out->failed; j++) {
		bool ends = text[j] == '\n' || text[j] == '\r';

		rv_buf_addc(out, ends ? ' ' : text[j]);
	}
	rv_buf_addc(out, '}');
	return REEVE_OK;
}

static enum reeve_status
add_item(struct rv_buf *out, const struct reeve_client_item *item, size_t i,
    struct reeve_error *err)
{
	const char *data = item->data != NULL ? item->data : "";
	struct rv_jsonw w;

	if (item->data == NULL && item->length > 0) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot submit: item %zu has a length and no data", i);
	}
	if (item->json) {
		return add_json(out, item, i, err);
	}
	if (rv_utf8_valid(data, item->length) == item->length &&
	    memchr(data, '\0', item->length) == NULL) {
		rv_buf_adds(out, "{\"text\":");
		rv_jsonw_init(&w, out);
		rv_jsonw_strn(&w, data, item->length);
		rv_buf_addc(out, '}');
	} else {
		rv_buf_adds(out, "{\"base64\":\"");
		add_base64(out, (const unsigned char *)data, item->length);
		rv_buf_adds(out, "\"}");
	}
	return REEVE_OK;
}

static enum reeve_status
make_params(struct rv_buf *out, const char *pool,
    const struct reeve_client_item *items, size_t n, struct reeve_error *err)
{
	enum reeve_status status = REEVE_OK;
	struct rv_jsonw w;

	rv_buf_adds(out, "{\"pool\":");
	rv_jsonw_init(&w, out);
	rv_jsonw_str(&w, pool);
	rv_buf_adds(out, ",\"items\":[");
	for (size_t i = 0; i < n && status == REEVE_OK && !out->failed; i++) {
		if (i > 0) {
			rv_buf_addc(out, ',');
		}
		status = add_item(out, &items[i], i, err);
	}
	rv_buf_adds(out, "]}");
	if (status == REEVE_OK && out->starved) {
		return rv_error_sys(err, ENOMEM, "cannot submit");
	}
	if (status == REEVE_OK && out->failed) {
		return rv_error(err, REEVE_ETOOBIG,
		    "cannot submit %zu items at once: they do not fit into a "
		    "line of 1 MiB",
		    n);
	}
	return status;
}

enum reeve_status
reeve_client_submit(struct reeve_client *client, const char *pool,
    const struct reeve_client_item *items, size_t n, int timeout_ms,
    char **results, struct reeve_error *err)
{
	struct rv_buf params;
	enum reeve_status status;
	char *answer = NULL;
	const char *list;
	size_t len;

	if (client == NULL || pool == NULL || results == NULL ||
	    (items == NULL && n > 0)) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot submit: the %s NULL",
		    client == NULL ? "client is"
		    : pool == NULL ? "pool is"
				   : "items, or the place for results, are");
	}
	rv_buf_init(&params, PARAMS_MAX);
	status = make_params(&params, pool, items, n, err);
	if (status == REEVE_OK) {
		status = reeve_client_call(client, "pool.submit",
		    rv_buf_str(&params), timeout_ms, &answer, err);
	}
	rv_buf_finish(&params);
	if (status != REEVE_OK) {
		return status;
	}
	if (!rv_json_slice(answer, strlen(answer), "results", &list, &len)) {
		status =
		    rv_error(err, REEVE_EPROTO, "the answer has no results");
	} else if ((*results = rv_strndup(list, len)) == NULL) {
		status = rv_error_sys(err, ENOMEM, "cannot keep results");
	}
	rv_free(answer);
	return status;
}
