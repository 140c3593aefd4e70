/* SPDX-License-Identifier: MIT */
/*
 * Lines of a client, to and from the socket, without ever waiting. A
 * connection that broke stays broken and says so each time; what had arrived
 * before is still handed out.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "ctl/client_priv.h"
#include "sys/sys.h"

static enum reeve_status
broken(struct reeve_client *client, enum reeve_status why, const char *text,
    struct reeve_error *err)
{
	client->broken = why;
	return rv_error(err, why, "%s", text);
}

enum reeve_status
rv_client_flush(struct reeve_client *client, struct reeve_error *err)
{
	while (client->out.len != 0) {
		struct iovec iov = { client->out.data, client->out.len };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
		ssize_t n = rv_sys_sendmsg(client->fd, &msg, MSG_DONTWAIT);

		if (n >= 0) {
			rv_buf_consume(&client->out, (size_t)n);
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			return REEVE_OK;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			/* It closed; perhaps it has said why. */
			client->unwritable = true;
			rv_buf_reset(&client->out);
		} else {
			return rv_error_sys(
			    err, errno, "cannot write to the runtime");
		}
	}
	return REEVE_OK;
}

/* The line between at and the newline at `end`, into client->line. */
static enum reeve_status
take(struct reeve_client *client, const char *from, const char *end,
    struct reeve_error *err)
{
	rv_buf_reset(&client->line);
	rv_buf_add(&client->line, from, (size_t)(end - from));
	if (!client->line.failed) {
		return REEVE_OK;
	}
	if ((size_t)(end - from) > REEVE_CLIENT_LINE_MAX) {
		return broken(client, REEVE_EPROTO,
		    "the runtime sent a line of more than 1 MiB", err);
	}
	return broken(client, REEVE_ENOMEM,
	    "cannot read what the runtime sent: out of memory", err);
}

static enum reeve_status
take_kept(struct reeve_client *client, struct reeve_error *err)
{
	const char *from = client->kept.data + client->kept_at;
	const char *end =
	    memchr(from, '\n', client->kept.len - client->kept_at);
	enum reeve_status status;

	RV_ASSERT(end != NULL);
	status = take(client, from, end, err);
	client->kept_at += (size_t)(end - from) + 1;
	if (client->kept_at == client->kept.len) {
		client->kept_at = 0;
		rv_buf_reset(&client->kept);
	}
	return status;
}

/* One read; REEVE_OK when there may be a line now. */
static enum reeve_status
read_more(struct reeve_client *client, struct reeve_error *err)
{
	char piece[RV_CLIENT_READ];
	ssize_t n = rv_sys_read(client->fd, piece, sizeof(piece));

	if (n > 0) {
		rv_buf_add(&client->in, piece, (size_t)n);
		if (client->in.failed) {
			return broken(client, REEVE_ENOMEM,
			    "cannot read what the runtime sent: out of memory",
			    err);
		}
		return REEVE_OK;
	}
	if (n == -1 && errno == EAGAIN && !client->unwritable) {
		return rv_error(
		    err, REEVE_EAGAIN, "nothing from the runtime yet");
	}
	if (n == 0 || errno == ECONNRESET || errno == EAGAIN) {
		return broken(client, REEVE_ECLOSED,
		    "the runtime has closed the connection", err);
	}
	client->broken = REEVE_ESYS;
	return rv_error_sys(err, errno, "cannot read from the runtime");
}

enum reeve_status
rv_client_line(
    struct reeve_client *client, bool from_kept, struct reeve_error *err)
{
	struct rv_buf *in = &client->in;
	enum reeve_status status;

	if (from_kept && client->kept.len != 0) {
		return take_kept(client, err);
	}
	if (client->broken != REEVE_OK) {
		return rv_error(err, client->broken,
		    "the connection to the runtime is broken");
	}
	for (;;) {
		size_t from = RV_MAX(client->in_at, client->scanned);
		const char *end = in->len > from ? memchr(in->data + from, '\n',
						       in->len - from)
						 : NULL;

		if (end != NULL) {
			const char *begin = in->data + client->in_at;

			client->in_at += (size_t)(end - begin) + 1;
			client->scanned = client->in_at;
			return take(client, begin, end, err);
		}
		rv_buf_consume(in, client->in_at);
		client->in_at = 0;
		client->scanned = in->len;
		if (in->len > REEVE_CLIENT_LINE_MAX) {
			return broken(client, REEVE_EPROTO,
			    "the runtime sent a line of more than 1 MiB", err);
		}
		status = read_more(client, err);
		if (status != REEVE_OK) {
			return status;
		}
	}
}

enum reeve_status
rv_client_keep(struct reeve_client *client, struct reeve_error *err)
{
	struct rv_buf *kept = &client->kept;

	rv_buf_consume(kept, client->kept_at);
	client->kept_at = 0;
	if (kept->len + client->line.len + 1 > kept->max) {
		return broken(client, REEVE_EFULL,
		    "more notifications came than can be kept", err);
	}
	rv_buf_add(kept, client->line.data, client->line.len);
	rv_buf_addc(kept, '\n');
	if (kept->failed) {
		/* Half a line must not be taken for one. */
		rv_buf_reset(kept);
		return broken(client, REEVE_ENOMEM,
		    "cannot keep what the runtime sent: out of memory", err);
	}
	return REEVE_OK;
}

/* Newlines between tokens end no line: inside strings there are none. */
static void
add_on_one_line(struct rv_buf *out, const char *json)
{
	size_t from = out->len;

	rv_buf_adds(out, json);
	for (; !out->failed && from < out->len; from++) {
		if (out->data[from] == '\n' || out->data[from] == '\r') {
			out->data[from] = ' ';
		}
	}
}

static enum reeve_status
check_params(const char *params, struct reeve_error *err)
{
	struct rv_json *root = NULL;
	enum reeve_status status =
	    rv_json_parse(&root, params, strlen(params), err);

	if (status == REEVE_OK && rv_json_type(root) != RV_JSON_OBJECT) {
		status =
		    rv_error(err, REEVE_EINVALID, "params must be an object");
	}
	rv_json_free(root);
	return status == REEVE_EPROTO
		   ? rv_error(err, REEVE_EINVALID, "params are not JSON")
		   : status;
}

enum reeve_status
rv_client_ask(struct reeve_client *client, uint64_t id, const char *method,
    const char *params, struct reeve_error *err)
{
	struct rv_buf *out = &client->out;
	size_t before = out->len;
	enum reeve_status status = REEVE_OK;
	struct rv_jsonw w;

	if (client->broken != REEVE_OK) {
		return rv_error(err, client->broken,
		    "the connection to the runtime is broken");
	}
	if (method == NULL) {
		return rv_error(err, REEVE_EINVALID, "no method is named");
	}
	if (params != NULL) {
		status = check_params(params, err);
	}
	if (status != REEVE_OK) {
		return status;
	}
	rv_buf_addf(
	    out, "{\"jsonrpc\":\"2.0\",\"id\":%" PRIu64 ",\"method\":", id);
	rv_jsonw_init(&w, out);
	rv_jsonw_str(&w, method);
	if (params != NULL) {
		rv_buf_adds(out, ",\"params\":");
		add_on_one_line(out, params);
	}
	rv_buf_adds(out, "}\n");
	if (!out->failed && out->len - before <= REEVE_CLIENT_LINE_MAX) {
		return REEVE_OK;
	}
	status = !out->failed  ? REEVE_ETOOBIG
		 : before != 0 ? REEVE_EFULL
			       : REEVE_ENOMEM;
	out->failed = false;
	out->len = before;
	return rv_error(err, status, "cannot send the request: %s",
	    reeve_status_text(status));
}
