/* SPDX-License-Identifier: MIT */
/*
 * One connection: bytes in, lines served, bytes out, all bounded. A client
 * that does not read is not read from; one that floods gets its share of each
 * turn; one that says half a line holds that much memory and nothing else.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "ctl/ctl_priv.h"
#include "sys/sys.h"

static void
on_turn(struct rv_defer *defer)
{
	struct rv_ctl_client *client = defer->ctx;

	RV_MAGIC_CHECK(client, RV_CLIENT_MAGIC);
	rv_ctl_client_turn(client);
}

void
rv_ctl_client_soon(struct rv_ctl_client *client)
{
	rv_loop_defer(client->ctl->loop, &client->turn);
}

bool
rv_ctl_client_full(const struct rv_ctl_client *client)
{
	return client->out.len >= RV_CTL_OUT_STOP;
}

bool
rv_ctl_client_busy(const struct rv_ctl_client *client)
{
	/* Half a line, or an answer it does not fetch, buys nobody a place. */
	return client->n_later != 0 || client->feed.active;
}

/* Take what the kernel has, up to one piece. */
static void
read_some(struct rv_ctl_client *client)
{
	char piece[RV_CTL_READ];
	ssize_t n = rv_sys_read(client->fd, piece, sizeof(piece));

	if (n > 0) {
		rv_buf_add(&client->in, piece, (size_t)n);
		client->dead |= client->in.failed;
	} else if (n == 0) {
		client->eof = true;
	} else if (errno != EAGAIN) {
		client->dead = true;
	}
}

static void
on_ready(struct rv_io *io, unsigned events)
{
	struct rv_ctl_client *client = io->ctx;

	RV_MAGIC_CHECK(client, RV_CLIENT_MAGIC);
	if ((events & RV_LOOP_READ) != 0) {
		if (client->eof || (io->events & RV_LOOP_READ) == 0) {
			/* Not asked for, so it is an error or a hang-up. */
			client->dead |= client->eof;
		} else {
			read_some(client);
		}
	}
	rv_ctl_client_turn(client);
}

static void
refuse_long_line(struct rv_ctl_client *client)
{
	rv_ctl_refuse(client, "null", RV_RPC_INVALID, REEVE_ETOOBIG,
	    "a message may have 1 MiB at most", "");
}

static bool
is_blank(const char *line, size_t len)
{
	while (len != 0 && strchr(" \t\r", line[len - 1]) != NULL &&
	       line[len - 1] != '\0') {
		len--;
	}
	return len == 0;
}

static void
serve_line(struct rv_ctl_client *client, const char *line, size_t len)
{
	if (client->skipping) {
		client->skipping = false;
	} else if (len > RV_CTL_LINE_MAX) {
		refuse_long_line(client);
	} else if (!is_blank(line, len)) {
		client->active = ++client->ctl->turns;
		rv_ctl_serve(client, line, len);
	}
}

/* A line without an end yet: bounded, too. */
static void
keep_half(struct rv_ctl_client *client)
{
	if (client->in.len > RV_CTL_LINE_MAX && !client->skipping) {
		refuse_long_line(client);
		client->skipping = true;
	}
	if (client->skipping) {
		rv_buf_consume(&client->in, client->in.len);
	}
	client->scanned = client->in.len;
	if (client->in.len == 0 && client->in.cap > 4 * RV_CTL_READ) {
		rv_buf_finish(&client->in);
	}
}

/* Whole lines, as many as this turn allows. */
static void
serve_lines(struct rv_ctl_client *client)
{
	struct rv_buf *in = &client->in;
	const char *end = NULL;
	unsigned budget = RV_CTL_REQUESTS;
	size_t at = 0;

	while (!client->dead && in->len != 0) {
		size_t from = RV_MAX(at, client->scanned);

		end = memchr(in->data + from, '\n', in->len - from);
		if (end == NULL || budget == 0 || rv_ctl_client_full(client)) {
			break;
		}
		budget--;
		serve_line(
		    client, in->data + at, (size_t)(end - in->data) - at);
		at = (size_t)(end - in->data) + 1;
	}
	client->more |= end != NULL && in->len != at && !client->dead;
	rv_buf_consume(in, at);
	client->scanned = 0;
	if (!client->more) {
		keep_half(client);
	}
}

void
rv_ctl_client_flush(struct rv_ctl_client *client)
{
	while (client->out.len != 0 && !client->dead) {
		struct iovec iov = { client->out.data, client->out.len };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
		ssize_t n = rv_sys_sendmsg(client->fd, &msg, MSG_DONTWAIT);

		if (n < 0) {
			client->dead |= errno != EAGAIN && errno != ENOBUFS;
			break;
		}
		rv_buf_consume(&client->out, (size_t)n);
	}
	if (client->out.len == 0 && client->out.cap > 4 * RV_CTL_READ) {
		rv_buf_finish(&client->out);
	}
}

/* What to wait for next; a full client is not read from. */
static void
set_events(struct rv_ctl_client *client)
{
	unsigned events = client->out.len != 0 ? RV_LOOP_WRITE : 0;

	if (!client->eof && !client->more && !rv_ctl_client_full(client)) {
		events |= RV_LOOP_READ;
	}
	rv_io_events(&client->io, events);
	/* A full one goes on when the kernel has taken what is there. */
	if (client->more && !rv_ctl_client_full(client)) {
		rv_ctl_client_soon(client);
	}
}

void
rv_ctl_client_turn(struct rv_ctl_client *client)
{
	client->more = false;
	serve_lines(client);
	rv_ctl_waits_deliver(client);
	rv_ctl_calls_deliver(client);
	rv_ctl_feed_pump(client);
	rv_ctl_client_flush(client);
	/* Half a line from one that has said its last is nothing. */
	if (client->dead ||
	    (client->eof && !client->more && client->n_later == 0 &&
		!client->feed.active && client->out.len == 0)) {
		rv_ctl_client_destroy(client);
		return;
	}
	set_events(client);
}

enum reeve_status
rv_ctl_client_create(
    struct rv_ctl *ctl, int fd, uid_t uid, pid_t pid, struct reeve_error *err)
{
	struct rv_ctl_client *client = rv_alloc(1, sizeof(*client));
	enum reeve_status status;

	if (client == NULL) {
		close(fd);
		return rv_error_sys(err, ENOMEM, "cannot serve a client");
	}
	client->magic = RV_CLIENT_MAGIC;
	client->ctl = ctl;
	client->fd = fd;
	client->uid = uid;
	client->pid = pid;
	client->io.cb = on_ready;
	client->io.ctx = client;
	client->turn.cb = on_turn;
	client->turn.ctx = client;
	client->active = ++ctl->turns;
	rv_buf_init(&client->in, RV_CTL_LINE_MAX + 2 * RV_CTL_READ);
	rv_buf_init(&client->out, RV_CTL_OUT_MAX);
	rv_list_init(&client->waits);
	rv_list_init(&client->calls);
	rv_list_insert(&ctl->clients, &client->link);
	ctl->n_clients++;
	status = rv_io_start(ctl->loop, &client->io, fd, RV_LOOP_READ, err);
	if (status != REEVE_OK) {
		rv_ctl_client_destroy(client);
	}
	return status;
}

void
rv_ctl_client_destroy(struct rv_ctl_client *client)
{
	rv_defer_cancel(&client->turn);
	rv_io_stop(&client->io);
	rv_ctl_waits_drop(client);
	rv_ctl_calls_drop(client);
	rv_ctl_syncs_leave(client);
	rv_ctl_feed_end(client);
	rv_list_remove(&client->link);
	client->ctl->n_clients--;
	close(client->fd);
	rv_buf_finish(&client->in);
	rv_buf_finish(&client->out);
	client->magic = 0;
	rv_free(client);
}
