/* SPDX-License-Identifier: MIT */
/*
 * Answers, refusals and notifications as lines in a client's output. A line
 * that does not fit, which the bounds rule out short of missing memory, makes
 * the client dead: half a line must never be sent.
 */
#include "config.h"

#include "ctl/ctl_priv.h"

/* The end of every message. */
static void
end_line(struct rv_ctl_client *client, const char *end)
{
	rv_buf_adds(&client->out, end);
	client->dead |= client->out.failed;
}

void
rv_ctl_refuse(struct rv_ctl_client *client, const char *id,
    enum rv_rpc_code code, enum reeve_status status, const char *text,
    const char *extra)
{
	struct rv_buf *out = &client->out;
	struct rv_jsonw w;

	if (id == NULL) {
		return;
	}
	rv_buf_addf(out,
	    "{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":%d,"
	    "\"message\":",
	    id, (int)code);
	rv_jsonw_init(&w, out);
	rv_jsonw_str(&w, text);
	rv_buf_addf(
	    out, ",\"data\":{\"status\":\"%s\"", reeve_status_name(status));
	rv_buf_adds(out, extra);
	end_line(client, "}}}\n");
}

void
rv_ctl_reply(
    struct rv_ctl_client *client, const char *id, struct rv_buf *result)
{
	if (id == NULL) {
		return;
	}
	if (result->failed) {
		/* It grew in small pieces: far from the bound is no memory. */
		bool big = result->len + 64 * 1024 > result->max;

		rv_ctl_refuse(client, id, RV_RPC_REFUSED,
		    big ? REEVE_ETOOBIG : REEVE_ENOMEM,
		    big ? "the answer is larger than 1 MiB; name fewer units"
			: "cannot make the answer: out of memory",
		    "");
		return;
	}
	rv_buf_addf(
	    &client->out, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":", id);
	rv_buf_add(&client->out, rv_buf_str(result), result->len);
	end_line(client, "}\n");
}

void
rv_ctl_notify(struct rv_ctl_client *client, const char *method,
    const struct rv_buf *params)
{
	rv_buf_addf(&client->out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":", method);
	rv_buf_add(&client->out, rv_buf_str(params), params->len);
	end_line(client, "}\n");
}
