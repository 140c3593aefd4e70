/* SPDX-License-Identifier: MIT */
/* What is owed to a peer of the control socket, and what it hears. */
#include "config.h"

#include "fuzz/ctl_oracle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "fuzz/script.h"
#include "wire/json.h"

#define LINE_MAX_BYTES ((size_t)1024 * 1024)
#define QUEUE_MAX      ((size_t)64 * 1024 * 1024)
#define ID_MAX         128
#define NO_MEMORY      (-32603)

size_t rv_fuzz_work;

void
ctl_oracle_open(struct ctl_oracle *peer, int fd)
{
	*peer = (struct ctl_oracle){ .fd = fd };
	rv_buf_init(&peer->queue, QUEUE_MAX);
	rv_buf_init(&peer->line, LINE_MAX_BYTES + 1);
	rv_buf_init(&peer->last, LINE_MAX_BYTES + 1);
	rv_buf_init(&peer->heard, QUEUE_MAX);
}

void
ctl_oracle_close(struct ctl_oracle *peer)
{
	if (peer->fd == -1) {
		return;
	}
	close(peer->fd);
	peer->fd = -1;
	rv_buf_finish(&peer->queue);
	rv_buf_finish(&peer->line);
	rv_buf_finish(&peer->last);
	rv_buf_finish(&peer->heard);
	for (size_t i = 0; i < peer->n_owed; i++) {
		free(peer->owed[i].id);
	}
	free(peer->owed);
	peer->owed = NULL;
	peer->n_owed = peer->n_total = 0;
}

static struct ctl_owed *
find_owed(struct ctl_oracle *peer, const char *id)
{
	for (size_t i = 0; i < peer->n_owed; i++) {
		if (strcmp(peer->owed[i].id, id) == 0) {
			return &peer->owed[i];
		}
	}
	return NULL;
}

static void
owe(struct ctl_oracle *peer, const char *id)
{
	struct ctl_owed *owed = find_owed(peer, id);

	if (owed == NULL) {
		peer->owed = realloc(
		    peer->owed, (peer->n_owed + 1) * sizeof(*peer->owed));
		RV_MUST(peer->owed != NULL, "memory");
		owed = &peer->owed[peer->n_owed++];
		*owed = (struct ctl_owed){ .id = strdup(id) };
		RV_MUST(owed->id != NULL, "memory");
	}
	owed->n++;
	peer->n_total++;
}

/* The id as JSON again, in the caller's buffer. */
static const char *
id_text(const struct rv_json *id, struct rv_buf *text)
{
	struct rv_jsonw w;

	rv_buf_init(text, 16 * ID_MAX);
	rv_jsonw_init(&w, text);
	rv_json_write_scalar(id, &w);
	return rv_buf_str(text);
}

static bool
is_id(const struct rv_json *id)
{
	switch (rv_json_type(id)) {
	case RV_JSON_STRING:
		return strlen(rv_json_str(id)) <= ID_MAX;
	case RV_JSON_INT:
	case RV_JSON_REAL:
	case RV_JSON_NULL:
		return true;
	default:
		return false;
	}
}

static bool
is_request(const struct rv_json *root)
{
	const char *version = rv_json_str(rv_json_get(root, "jsonrpc"));

	return version != NULL && strcmp(version, "2.0") == 0 &&
	       rv_json_str(rv_json_get(root, "method")) != NULL;
}

static void
expect_object(struct ctl_oracle *peer, const struct rv_json *root)
{
	const struct rv_json *id = rv_json_get(root, "id");
	struct rv_buf text;

	if (id == NULL && is_request(root)) {
		/* A notification: obeyed, or not, without a word. */
		peer->unordered |=
		    strcmp(rv_json_str(rv_json_get(root, "method")),
			"events.subscribe") == 0;
	} else if (id == NULL || !is_id(id)) {
		owe(peer, "null");
	} else {
		owe(peer, id_text(id, &text));
		rv_buf_finish(&text);
	}
}

static bool
is_blank(const struct rv_buf *line)
{
	for (size_t i = 0; i < line->len; i++) {
		if (line->data[i] != ' ' && line->data[i] != '\t' &&
		    line->data[i] != '\r') {
			return false;
		}
	}
	return true;
}

static void
expect(struct ctl_oracle *peer)
{
	struct rv_json *root = NULL;

	if (is_blank(&peer->line)) {
		return;
	}
	if (rv_json_parse(&root, rv_buf_str(&peer->line), peer->line.len,
		NULL) != REEVE_OK ||
	    rv_json_type(root) != RV_JSON_OBJECT) {
		owe(peer, "null");
	} else {
		expect_object(peer, root);
	}
	rv_json_free(root);
}

static void
end_line(struct ctl_oracle *peer)
{
	if (!peer->too_long) {
		expect(peer);
	}
	peer->too_long = false;
	rv_buf_reset(&peer->last);
	rv_buf_add(&peer->last, peer->line.data, peer->line.len);
	rv_buf_reset(&peer->line);
}

/* A line is refused as soon as it is too long, and once. */
static void
add_to_line(struct ctl_oracle *peer, const char *from, size_t len)
{
	if (peer->line.len + len > LINE_MAX_BYTES) {
		len = LINE_MAX_BYTES - peer->line.len;
		if (!peer->too_long) {
			owe(peer, "null");
		}
		peer->too_long = true;
	}
	rv_buf_add(&peer->line, from, len);
}

void
ctl_oracle_say(struct ctl_oracle *peer, const void *data, size_t len)
{
	const char *from = data, *end = from + len, *newline;

	if (peer->ending) {
		return;
	}
	rv_fuzz_work += len;
	rv_buf_add(&peer->queue, data, len);
	while ((newline = memchr(from, '\n', (size_t)(end - from))) != NULL) {
		add_to_line(peer, from, (size_t)(newline - from));
		end_line(peer);
		from = newline + 1;
	}
	add_to_line(peer, from, (size_t)(end - from));
	RV_MUST(!peer->queue.failed && !peer->line.failed, "memory");
}

/* ---- what it hears ---------------------------------------------------- */

static void
hear_event(struct ctl_oracle *peer, const struct rv_json *params)
{
	const struct rv_json *id = rv_json_get(params, "id");

	RV_MUST(rv_json_type(id) == RV_JSON_INT, "an event has an id");
	RV_MUST(peer->unordered || rv_json_int(id) > peer->last_event,
	    "events come in order, each once");
	peer->last_event = rv_json_int(id);
}

static void
hear_notification(struct ctl_oracle *peer, const struct rv_json *root)
{
	const char *method = rv_json_str(rv_json_get(root, "method"));
	const struct rv_json *params = rv_json_get(root, "params");

	RV_MUST(rv_json_get(root, "id") == NULL, "a notification has no id");
	RV_MUST(method != NULL, "a method is a string");
	if (strcmp(method, "event") == 0) {
		hear_event(peer, params);
		return;
	}
	RV_MUST(strcmp(method, "events.too_old") == 0,
	    "there are two notifications");
	RV_MUST(rv_json_type(rv_json_get(params, "oldest")) == RV_JSON_INT,
	    "the oldest is told");
}

static bool
is_status(const char *name)
{
	static const char *const all[] = {
#define X(name, number, exit_code, text) #name,
#include <reeve/status.def>
#undef X
	};

	for (size_t i = 0; name != NULL && i < RV_ARRAY_LEN(all); i++) {
		if (strcmp(all[i], name) == 0) {
			return strcmp(name, "OK") != 0;
		}
	}
	return false;
}

static void
hear_refusal(const struct rv_json *error)
{
	static const int codes[] = { -32700, -32600, -32601, -32602, NO_MEMORY,
		-32000 };
	const struct rv_json *data = rv_json_get(error, "data");
	const char *message = rv_json_str(rv_json_get(error, "message"));
	bool known = false;

	for (size_t i = 0; i < RV_ARRAY_LEN(codes); i++) {
		known |= rv_json_int(rv_json_get(error, "code")) == codes[i];
	}
	RV_MUST(known, "a refusal has one of the codes");
	RV_MUST(message != NULL && message[0] != '\0', "a refusal has words");
	RV_MUST(is_status(rv_json_str(rv_json_get(data, "status"))),
	    "a refusal names its status");
}

static void
hear_answer(struct ctl_oracle *peer, const struct rv_json *root)
{
	const struct rv_json *result = rv_json_get(root, "result");
	const struct rv_json *error = rv_json_get(root, "error");
	const struct rv_json *next = rv_json_get(result, "next");
	struct ctl_owed *owed;
	struct rv_buf text;

	RV_MUST(rv_json_get(root, "id") != NULL, "an answer has an id");
	RV_MUST((result == NULL) != (error == NULL), "result or error");
	if (peer->failing &&
	    rv_json_int(rv_json_get(error, "code")) == NO_MEMORY) {
		peer->n_lost++; /* whose it was cannot be told */
		return;
	}
	owed = find_owed(peer, id_text(rv_json_get(root, "id"), &text));
	RV_MUST(owed != NULL && owed->n != 0, "one answer for each request");
	rv_buf_finish(&text);
	owed->n--;
	peer->n_total--;
	if (error != NULL) {
		hear_refusal(error);
	} else if (rv_json_type(next) == RV_JSON_INT) {
		peer->last_event = rv_json_int(next) - 1;
	}
}

static void
hear_line(struct ctl_oracle *peer, const char *line, size_t len)
{
	struct rv_json *root = NULL;
	const char *version;

	RV_MUST(len <= LINE_MAX_BYTES, "a line has 1 MiB at most");
	RV_MUST(rv_json_parse(&root, line, len, NULL) == REEVE_OK,
	    "what the server says is JSON");
	version = rv_json_str(rv_json_get(root, "jsonrpc"));
	RV_MUST(version != NULL && strcmp(version, "2.0") == 0,
	    "the server speaks JSON-RPC 2.0");
	if (rv_json_get(root, "method") != NULL) {
		hear_notification(peer, root);
	} else {
		hear_answer(peer, root);
	}
	rv_json_free(root);
}

static void
hear(struct ctl_oracle *peer)
{
	const char *from = rv_buf_str(&peer->heard), *newline;
	const char *end = from + peer->heard.len;

	while ((newline = memchr(from, '\n', (size_t)(end - from))) != NULL) {
		hear_line(peer, from, (size_t)(newline - from));
		from = newline + 1;
	}
	rv_buf_consume(&peer->heard, peer->heard.len - (size_t)(end - from));
}

static size_t
read_all(struct ctl_oracle *peer)
{
	static char piece[65536];
	size_t moved = 0;
	ssize_t n;

	while ((n = recv(peer->fd, piece, sizeof(piece), 0)) > 0) {
		rv_buf_add(&peer->heard, piece, (size_t)n);
		moved += (size_t)n;
	}
	RV_MUST(!peer->heard.failed, "memory");
	peer->closed = n == 0 || errno != EAGAIN;
	rv_fuzz_work += moved;
	hear(peer);
	return moved;
}

size_t
ctl_oracle_pump(struct ctl_oracle *peer)
{
	size_t moved = 0;
	ssize_t n = 1;

	if (peer->fd == -1 || peer->closed) {
		return 0;
	}
	while (peer->queue.len != 0 && n > 0) {
		n = send(
		    peer->fd, peer->queue.data, peer->queue.len, MSG_NOSIGNAL);
		if (n > 0) {
			rv_buf_consume(&peer->queue, (size_t)n);
			moved += (size_t)n;
		}
	}
	if (peer->ending && !peer->ended && peer->queue.len == 0) {
		shutdown(peer->fd, SHUT_WR);
		peer->ended = true;
	}
	if (!peer->deaf) {
		moved += read_all(peer);
	}
	if (peer->closed && !peer->failing) {
		RV_MUST(peer->ended, "the server lets go of no one");
		RV_MUST(peer->n_total == 0, "who is let go had its answers");
		RV_MUST(peer->heard.len == 0, "no half lines");
	}
	return moved;
}
