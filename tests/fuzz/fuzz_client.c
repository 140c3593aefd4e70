/* SPDX-License-Identifier: MIT */
/*
 * A client of a control socket where anything may listen: it hears what the
 * input says, in its pieces, and asks meanwhile. What it hands out is JSON and
 * has the shape that client.h promises, a connection that broke stays broken,
 * and, when nothing was asked, the pieces make no difference.
 *
 * Events of the input (script.h): | look what came, N* the next byte N times,
 * c call without patience, s send something, q the other end closes, N! the
 * N-th allocation fails while the client looks.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/text.h"
#include "ctl/client_priv.h"
#include "fuzz/script.h"

#define SAID_MAX  ((size_t)1280 * 1024)
#define FAULT_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where the clients connect to, for as long as the program runs. */
static struct {
	char dir[64], path[100];
	int fd;
} place = { .fd = -1 };

static struct {
	struct reeve_client *client;
	int fd;              /* of the other end, -1: closed */
	struct rv_buf queue; /* to be said */
	struct rv_buf heard; /* messages as text, to be compared */
	size_t said;
	bool in_pieces; /* and not all at once */
	bool asked;     /* what was heard depends on when */
	enum reeve_status broken;
} world;

static void
leave_place(void)
{
	unlink(place.path);
	rmdir(place.dir);
}

static void
find_place(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *tmp = getenv("TMPDIR");

	snprintf(place.dir, sizeof(place.dir), "%.40s/fuzz_client.XXXXXX",
	    tmp != NULL && strlen(tmp) <= 40 ? tmp : "/tmp");
	RV_MUST(mkdtemp(place.dir) != NULL, "a directory");
	snprintf(place.path, sizeof(place.path), "%s/s", place.dir);
	atexit(leave_place);
	rv_copy(address.sun_path, sizeof(address.sun_path), place.path);
	place.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	RV_MUST(bind(place.fd, (const struct sockaddr *)&address,
		    sizeof(address)) == 0 &&
		    listen(place.fd, 1) == 0,
	    "a socket that listens");
}

static void
begin(bool in_pieces)
{
	struct reeve_client_options options = { sizeof(options), place.path,
		NULL, NULL };

	memset(&world, 0, sizeof(world));
	RV_MUST(reeve_client_open(&world.client, &options, NULL) == REEVE_OK,
	    "a client");
	world.fd = accept4(place.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	RV_MUST(world.fd != -1, "its other end");
	rv_buf_init(&world.queue, SAID_MAX);
	rv_buf_init(&world.heard, 64 * SAID_MAX);
	world.in_pieces = in_pieces;
}

/* ---- what it hands out ------------------------------------------------ */

static enum rv_json_type
check_json(const char *json)
{
	struct rv_json *root = NULL;
	enum rv_json_type type;

	RV_MUST(rv_json_parse(&root, json, strlen(json), NULL) == REEVE_OK,
	    "what is handed out is JSON");
	type = rv_json_type(root);
	rv_json_free(root);
	return type;
}

static void
check_message(const struct reeve_message *message)
{
	const char *data = reeve_client_refusal(world.client);

	RV_MUST(message->method == NULL || message->id == 0,
	    "a notification is no answer");
	RV_MUST((message->json == NULL) == (message->status != REEVE_OK),
	    "a result, or a refusal");
	RV_MUST((message->text == NULL) == (message->status == REEVE_OK),
	    "a refusal has words");
	RV_MUST(message->method == NULL || message->status == REEVE_OK,
	    "a notification refuses nothing");
	RV_MUST(!rv_client_is_call(message->id), "no answer to a call");
	if (message->json != NULL) {
		check_json(message->json);
	}
	RV_MUST(data == NULL || message->status != REEVE_OK,
	    "only a refusal has data");
	RV_MUST(data == NULL || check_json(data) == RV_JSON_OBJECT,
	    "and that is an object");
}

static void
note(const struct reeve_message *message)
{
	const char *data = reeve_client_refusal(world.client);

	rv_buf_addf(&world.heard, "%llu %s %d ",
	    (unsigned long long)message->id,
	    message->method != NULL ? message->method : "-",
	    (int)message->status);
	rv_buf_adds(&world.heard, message->json != NULL ? message->json : "-");
	rv_buf_adds(&world.heard, message->text != NULL ? message->text : "-");
	rv_buf_adds(&world.heard, data != NULL ? data : "-");
	rv_buf_addc(&world.heard, '\n');
	RV_MUST(!world.heard.failed, "memory");
}

/* A status that says that the connection is no more. */
static void
check_broken(enum reeve_status status, const struct reeve_error *err)
{
	RV_MUST(err->status == status && err->text[0] != '\0',
	    "a failure has words");
	RV_MUST(world.broken == REEVE_OK || world.broken == status,
	    "what is broken stays so");
	RV_MUST(world.client->broken == status, "and is known to be");
	world.broken = status;
}

static void
check_bounds(void)
{
	const struct reeve_client *client = world.client;

	RV_MUST(client->in.len <= REEVE_CLIENT_LINE_MAX + RV_CLIENT_READ &&
		    client->kept.len <= RV_CLIENT_KEPT_MAX &&
		    client->out.len <= RV_CLIENT_OUT_MAX,
	    "what is kept is bounded");
}

/* ---- both ends -------------------------------------------------------- */

static void
plan_fault(unsigned number)
{
#ifdef RV_FAULTS
	char plan[40];

	if (number != 0) {
		rv_format(plan, sizeof(plan), "alloc@%u=ENOMEM",
		    number % FAULT_MAX + 1);
		RV_MUST(rv_fault_set(plan), "a plan");
	} else {
		rv_fault_set(NULL);
	}
#else
	(void)number;
#endif
}

/* One message; false when there is none. */
static bool
hear_one(unsigned fault)
{
	struct reeve_message message;
	struct reeve_error err = { 0 };
	enum reeve_status status;

	plan_fault(fault);
	status = reeve_client_next(world.client, &message, &err);
	plan_fault(0);
	check_bounds();
	if (status == REEVE_OK) {
		check_message(&message);
		note(&message);
		return true;
	}
	if (status != REEVE_EAGAIN) {
		check_broken(status, &err);
	}
	return false;
}

static void
hear_all(unsigned fault)
{
	while (hear_one(fault)) {
	}
}

static void
flush(unsigned fault)
{
	ssize_t n = 1;

	while (world.fd != -1 && world.queue.len != 0) {
		n = send(
		    world.fd, world.queue.data, world.queue.len, MSG_NOSIGNAL);
		if (n > 0) {
			rv_buf_consume(&world.queue, (size_t)n);
		} else if (world.broken != REEVE_OK) {
			rv_buf_reset(&world.queue); /* it reads no more */
		}
		hear_all(fault);
	}
}

static void
say(const void *data, size_t len)
{
	if (world.fd != -1 && len != 0 && world.said + len <= SAID_MAX) {
		world.said += len;
		rv_buf_add(&world.queue, data, len);
		RV_MUST(!world.queue.failed, "memory");
	}
}

/* What it asks is read and thrown away: the other end does as it likes. */
static void
swallow(void)
{
	static char piece[65536];

	while (world.fd != -1 && recv(world.fd, piece, sizeof(piece), 0) > 0) {
	}
}

static void
call(void)
{
	struct reeve_error err = { 0 };
	char *result = NULL;
	enum reeve_status status;

	/* What came until now stands in the socket, for the call to find. */
	if (world.fd != -1 && world.queue.len != 0) {
		ssize_t n = send(
		    world.fd, world.queue.data, world.queue.len, MSG_NOSIGNAL);

		rv_buf_consume(&world.queue, n > 0 ? (size_t)n : 0);
	}
	status = reeve_client_call(
	    world.client, "status", "{\"names\":[]}", 0, &result, &err);
	check_bounds();
	if (status == REEVE_OK) {
		RV_MUST(result != NULL, "a call gives a result");
		check_json(result);
		rv_buf_adds(&world.heard, result);
		free(result);
	} else {
		RV_MUST(result == NULL, "or none");
		RV_MUST(err.status == status && err.text[0] != '\0',
		    "a failure has words");
		if (world.client->broken != REEVE_OK) {
			check_broken(world.client->broken, &err);
		}
	}
	swallow();
}

static void
send_something(void)
{
	enum reeve_status status;
	uint64_t id = 0;

	status = reeve_client_send(
	    world.client, "events.subscribe", NULL, &id, NULL);
	RV_MUST(status != REEVE_OK || (id != 0 && id % 2 == 0),
	    "what is sent has an id");
	check_bounds();
	swallow();
}

static void
repeat_byte(struct rv_script *script, unsigned number)
{
	uint8_t block[4096];
	unsigned unused;
	int byte = rv_script_next(script, &unused);

	if (byte == -1) {
		return;
	}
	memset(block, byte & 0xff, sizeof(block));
	while (number != 0) {
		size_t n = RV_MIN((size_t)number, sizeof(block));

		say(block, n);
		number -= (unsigned)n;
	}
}

static void
event(struct rv_script *script, int letter, unsigned number)
{
	switch (letter) {
	case '*':
		repeat_byte(script, number);
		break;
	case '|':
		if (world.in_pieces) {
			flush(0);
		}
		break;
	case '!':
		world.asked = true;
		flush(number + 1);
		break;
	case 'c':
		world.asked = true;
		call();
		break;
	case 's':
		world.asked = true;
		send_something();
		break;
	case 'q':
		flush(0);
		close(world.fd);
		world.fd = -1;
		break;
	}
}

/* The whole input, and then the end. */
static void
play(const uint8_t *data, size_t size, bool in_pieces)
{
	struct rv_script script = { data, data + size };
	unsigned number;
	int c;

	begin(in_pieces);
	while (world.fd != -1) {
		size_t plain = rv_script_plain(&script);
		uint8_t byte;

		say(script.at, plain);
		script.at += plain;
		c = rv_script_next(&script, &number);
		if (c == -1) {
			break;
		}
		byte = (uint8_t)c;

		if (c < RV_SCRIPT_EVENT) {
			say(&byte, 1);
		} else {
			event(&script, c - RV_SCRIPT_EVENT, number);
		}
	}
	flush(0);
	if (world.fd != -1) {
		close(world.fd);
	}
	hear_all(0);
	RV_MUST(world.broken != REEVE_OK, "the end is noticed");
	hear_all(0);
	reeve_client_close(world.client);
	rv_buf_finish(&world.queue);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rv_buf heard;
	bool asked;

	if (place.fd == -1) {
		find_place();
	}
	play(data, size, true);
	heard = world.heard;
	asked = world.asked;
	if (!asked) {
		play(data, size, false);
		RV_MUST(world.heard.len == heard.len &&
			    memcmp(rv_buf_str(&world.heard), rv_buf_str(&heard),
				heard.len) == 0,
		    "pieces make no difference");
		rv_buf_finish(&world.heard);
	}
	rv_buf_finish(&heard);
	return 0;
}
