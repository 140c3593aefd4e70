/* SPDX-License-Identifier: MIT */
/*
 * The rig of the tests of ctl. One thread: a peer that waits for a line runs
 * the server's loop meanwhile.
 */
#include "config.h"

#include "unit/ctl_rig.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "lib/harness.h"
#include "sys/sys.h"

void
rig_open(struct ctl_rig *rig)
{
	struct reeve_error err;

	snprintf(rig->dir, sizeof(rig->dir), "%s", rv_test_dir());
	snprintf(rig->path, sizeof(rig->path), "%s/control.sock", rig->dir);
	if (rv_loop_create_epoll(&rig->loop, &err) != REEVE_OK) {
		abort();
	}
	rig->super = fake_super_create(rig->loop, rig->dir);
	rig->ctl = NULL;
	if (rv_ctl_open(&rig->ctl, rig->super, &err) != REEVE_OK) {
		printf("# %s\n", err.text);
		abort();
	}
}

void
rig_close(struct ctl_rig *rig)
{
	rv_ctl_close(rig->ctl);
	fake_super_destroy(rig->super);
	rv_loop_destroy(rig->loop);
}

void
rig_turns(struct ctl_rig *rig)
{
	for (int i = 0; i < 8; i++) {
		if (rv_loop_dispatch(rig->loop, 0, NULL) != REEVE_OK) {
			abort();
		}
	}
}

void
peer_open(struct peer *peer, struct ctl_rig *rig)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*peer = (struct peer){ .rig = rig };
	rv_buf_init(&peer->in, 8 * RV_CTL_LINE_MAX);
	rv_copy(address.sun_path, sizeof(address.sun_path), rig->path);
	peer->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(peer->fd, (const struct sockaddr *)&address,
		sizeof(address)) != 0) {
		perror("connect");
		abort();
	}
	rig_turns(rig);
}

void
peer_close(struct peer *peer)
{
	close(peer->fd);
	rv_buf_finish(&peer->in);
	rv_json_free(peer->said);
	peer->said = NULL;
	if (peer->rig->ctl != NULL) {
		rig_turns(peer->rig);
	}
}

void
peer_write(struct peer *peer, const void *data, size_t len)
{
	const char *from = data;

	while (len != 0) {
		ssize_t n =
		    send(peer->fd, from, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			from += n;
			len -= (size_t)n;
		} else if (n == -1 && errno != EAGAIN) {
			return;
		}
		rig_turns(peer->rig);
	}
}

void
peer_send(struct peer *peer, const char *text)
{
	peer_write(peer, text, strlen(text));
}

/* One read: 1: something, 0: nothing yet, -1: the end. */
static int
pull(struct peer *peer)
{
	static char piece[65536];
	ssize_t n = recv(peer->fd, piece, sizeof(piece), MSG_DONTWAIT);

	if (n > 0) {
		rv_buf_add(&peer->in, piece, (size_t)n);
		return 1;
	}
	return n == -1 && errno == EAGAIN ? 0 : -1;
}

static bool
has_line(const struct peer *peer)
{
	return peer->in.len != 0 &&
	       memchr(peer->in.data, '\n', peer->in.len) != NULL;
}

const struct rv_json *
peer_hear(struct peer *peer)
{
	rv_time until = rv_sys_now() + 10 * RV_SEC * rv_test_slow();
	struct reeve_error err;
	size_t len;
	int got = 0;

	rv_json_free(peer->said);
	peer->said = NULL;
	while (!has_line(peer) && got != -1 && rv_sys_now() < until) {
		rig_turns(peer->rig);
		got = pull(peer);
		if (got == 0) {
			/* Whatever comes next wakes the loop. */
			(void)!rv_loop_dispatch(
			    peer->rig->loop, rv_sys_now() + 20 * RV_MS, NULL);
		}
	}
	if (!has_line(peer)) {
		return NULL;
	}
	len = (size_t)((char *)memchr(peer->in.data, '\n', peer->in.len) -
		       peer->in.data);
	if (rv_json_parse(&peer->said, peer->in.data, len, &err) != REEVE_OK) {
		printf("# not JSON: %.*s\n", (int)RV_MIN(len, (size_t)500),
		    peer->in.data);
		peer->said = NULL;
	}
	rv_buf_consume(&peer->in, len + 1);
	return peer->said;
}

bool
peer_hears_nothing(struct peer *peer)
{
	rig_turns(peer->rig);
	return pull(peer) == 0 && peer->in.len == 0;
}

bool
peer_is_closed(struct peer *peer)
{
	rig_turns(peer->rig);
	while (pull(peer) == 1) {
	}
	return pull(peer) == -1;
}

void
peer_request(struct peer *peer, const char *method, const char *params)
{
	struct rv_buf line;

	rv_buf_init(&line, 4 * RV_CTL_LINE_MAX);
	rv_buf_addf(
	    &line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"", method);
	if (params != NULL) {
		rv_buf_adds(&line, ",\"params\":");
		rv_buf_adds(&line, params);
	}
	rv_buf_adds(&line, "}\n");
	peer_write(peer, line.data, line.len);
	rv_buf_finish(&line);
}

const struct rv_json *
peer_ask(struct peer *peer, const char *method, const char *params)
{
	peer_request(peer, method, params);
	return peer_hear(peer);
}

const struct rv_json *
at(const struct rv_json *v, const char *path)
{
	char word[64];

	while (v != NULL && *path != '\0') {
		size_t len = strcspn(path, ".");

		snprintf(word, sizeof(word), "%.*s", (int)len, path);
		if (rv_json_type(v) == RV_JSON_ARRAY) {
			v = rv_json_at(v, (size_t)strtoul(word, NULL, 10));
		} else {
			v = rv_json_get(v, word);
		}
		path += len + (path[len] == '.');
	}
	return v;
}

const char *
str_at(const struct rv_json *v, const char *path)
{
	const char *text = rv_json_str(at(v, path));

	return text != NULL ? text : "(none)";
}

int64_t
int_at(const struct rv_json *v, const char *path)
{
	const struct rv_json *found = at(v, path);

	return rv_json_type(found) == RV_JSON_INT ? rv_json_int(found)
						  : INT64_MIN;
}
