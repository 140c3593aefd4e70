/* SPDX-License-Identifier: MIT */
/*
 * The control socket on a runtime without processes: up to four peers say what
 * the input says, in its pieces, while the runtime moves. Whatever is said,
 * each request is answered once (ctl_oracle.c), buffers keep their bounds, the
 * server comes to rest, and nothing is left over.
 *
 * Events of the input (script.h), of the present peer: | a turn, N* the next
 * byte N times, N= the last line N times, Np peer N, d deaf, l listening, e it
 * says no more, q it leaves. Of unit N: u up, w down, f fatal, x exited, g
 * gone. r N new events, R more than are held, s and S the disk is there or will
 * not be, i c h b L turn a knob of the runtime, F it ends, N! its N-th
 * allocation in the next turn fails, C closed at once. The host has methods of
 * its own, own.now, own.no, own.big and own.later: a and A N answer or refuse
 * what it keeps, o takes own.later away or brings it back.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/text.h"
#include "ctl/ctl_priv.h"
#include "fuzz/ctl_oracle.h"
#include "fuzz/script.h"
#include "unit/fake_super.h"

#define PEERS     4
#define TURNS     3
#define IDLE      4
#define SAID_MAX  ((size_t)1280 * 1024)
#define ROUNDS    100000
#define TEXT_BIG  ((size_t)24 * 1024)
#define FAULT_MAX 64
#define KEPT      (PEERS * RV_CTL_LATER + 64)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct rv_loop *loop;
	struct rv_super *super;
	struct rv_ctl *ctl;
	struct ctl_oracle peers[PEERS];
	struct ctl_oracle *peer;
	struct rv_script script;
	size_t said;         /* bytes, by all */
	int first;           /* descriptor that was free */
	uint64_t kept[KEPT]; /* requests that the host has not answered */
	size_t n_kept;
	bool without; /* own.later */
	bool closed;
} world;

static const char *const paths[] = { "cache", "web/app.0", "web/app.1",
	"web/front", "odd", "web/app", "web", "/" };

static struct ctl_oracle *
pick(unsigned number)
{
	struct ctl_oracle *peer = &world.peers[number % PEERS];
	int fds[2];

	if (peer->fd == -1) {
		RV_MUST(socketpair(AF_UNIX,
			    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			    fds) == 0,
		    "a pair of sockets");
		ctl_oracle_open(peer, fds[0]);
		RV_MUST(rv_ctl_client_create(world.ctl, fds[1], 0, 1, NULL) ==
			    REEVE_OK,
		    "a client is made");
	}
	return peer;
}

static void
say(const void *data, size_t len)
{
	if (world.said + len <= SAID_MAX) {
		world.said += len;
		ctl_oracle_say(world.peer, data, len);
	}
}

/* ---- the server ------------------------------------------------------- */

static void
check_client(const struct rv_ctl_client *client)
{
	RV_MUST(!client->dead, "the dead are gone after their turn");
	RV_MUST(client->in.len <= RV_CTL_LINE_MAX + 2 * RV_CTL_READ,
	    "the input is bounded");
	RV_MUST(client->out.len <= RV_CTL_OUT_MAX, "the output is bounded");
	RV_MUST(!client->in.failed && !client->out.failed, "and whole");
	RV_MUST(client->n_later <= RV_CTL_LATER, "few wait for answers");
}

/* A number that differs as long as the server has something to do. */
static uint64_t
look(void)
{
	uint64_t sum = world.ctl->n_clients;

	RV_LIST_EACH (c, &world.ctl->clients, struct rv_ctl_client, link) {
		check_client(c);
		sum = sum * 31 + c->in.len;
		sum = sum * 31 + c->out.len;
		sum = sum * 31 + c->n_later;
		sum = sum * 31 + c->feed.next;
	}
	RV_MUST(world.ctl->n_syncs <= RV_CTL_SYNCS, "syncs are bounded");
	return sum;
}

static size_t
pump_all(void)
{
	size_t moved = 0;

	for (size_t i = 0; i < PEERS; i++) {
		moved += ctl_oracle_pump(&world.peers[i]);
	}
	return moved;
}

static void
dispatch(void)
{
	RV_MUST(rv_loop_dispatch(world.loop, 0, NULL) == REEVE_OK,
	    "the loop turns");
}

static void
turn(void)
{
	pump_all();
	for (int i = 0; i < TURNS; i++) {
		dispatch();
		look();
	}
	pump_all();
}

/* With no memory at one point it may give up clients, nothing else. */
static void
turn_failing(unsigned number)
{
#ifdef RV_FAULTS
	char plan[40];

	pump_all();
	for (size_t i = 0; i < PEERS; i++) {
		world.peers[i].failing = true;
	}
	rv_format(
	    plan, sizeof(plan), "alloc@%u=ENOMEM", number % FAULT_MAX + 1);
	RV_MUST(rv_fault_set(plan), "a plan");
	for (int i = 0; i < TURNS; i++) {
		dispatch();
	}
	rv_fault_set(NULL);
#else
	(void)number;
#endif
	turn();
}

/* Until nothing moves; a server that never rests eats a processor. */
static void
rest(void)
{
	uint64_t before = 0;
	unsigned rounds = 0;

	for (int idle = 0; idle < IDLE; idle++) {
		size_t moved = pump_all();
		uint64_t now;

		dispatch();
		now = look();
		if (moved != 0 || now != before) {
			idle = -1;
		}
		before = now;
		RV_MUST(++rounds < ROUNDS, "the server comes to rest");
	}
}

/* ---- the host --------------------------------------------------------- */

static void
on_asked(const struct rv_ctl_hosted *hosted,
    const struct reeve_control_request *request)
{
	static char big[RV_CTL_OUT_STOP + 1];
	const char *name = hosted->name;

	RV_MUST(request->params[0] == '{', "parameters are an object");
	if (strcmp(name, "own.now") == 0) {
		(void)!rv_ctl_answer(world.ctl, request->id, "{}", NULL);
	} else if (strcmp(name, "own.no") == 0) {
		(void)!rv_ctl_fail(
		    world.ctl, request->id, REEVE_EFULL, "no", NULL);
	} else if (strcmp(name, "own.big") == 0) {
		memset(big, ' ', sizeof(big) - 1);
		big[0] = '1';
		(void)!rv_ctl_answer(world.ctl, request->id, big, NULL);
	}
	/* Without memory for an answer it is kept as well. */
	if (world.ctl->calls.n > world.n_kept) {
		RV_MUST(world.n_kept < KEPT, "few requests wait");
		world.kept[world.n_kept++] = request->id;
	}
}

static void
drop_kept(uint64_t request)
{
	for (size_t i = 0; i < world.n_kept; i++) {
		if (world.kept[i] == request) {
			world.kept[i] = world.kept[--world.n_kept];
			return;
		}
	}
	RV_MUST(false, "what is gone was there");
}

static void
on_gone(const struct rv_ctl_hosted *hosted, uint64_t request)
{
	(void)hosted;
	drop_kept(request);
}

static void
answer_kept(bool good, unsigned number)
{
	uint64_t request;
	enum reeve_status status;

	if (world.n_kept == 0) {
		return;
	}
	request = world.kept[number % world.n_kept];
	status =
	    good ? rv_ctl_answer(world.ctl, request, "[1,\n2]", NULL)
		 : rv_ctl_fail(world.ctl, request, REEVE_EINVALID, NULL, NULL);
	RV_MUST(status == REEVE_OK, "what is kept can be answered");
	drop_kept(request);
}

static void
add_own(const char *name)
{
	const struct rv_ctl_hosted hosted = {
		.name = name, .asked = on_asked, .gone = on_gone
	};

	RV_MUST(rv_ctl_host(world.ctl, &hosted, NULL) == REEVE_OK, "a method");
}

static void
host_event(int letter, unsigned number)
{
	if (letter == 'a' || letter == 'A') {
		answer_kept(letter == 'a', number);
	} else if (letter == 'o') {
		if (world.without) {
			add_own("own.later");
		} else {
			RV_MUST(rv_ctl_unhost(world.ctl, "own.later", NULL) ==
				    REEVE_OK,
			    "it was there");
		}
		world.without = !world.without;
	}
}

/* ---- events of the input ---------------------------------------------- */

static void
repeat_byte(unsigned number)
{
	static uint8_t block[4096];
	unsigned unused;
	int byte = rv_script_next(&world.script, &unused);

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
repeat_line(unsigned number)
{
	struct rv_buf copy;

	rv_buf_init(&copy, RV_CTL_LINE_MAX + 2);
	rv_buf_add(&copy, world.peer->last.data, world.peer->last.len);
	rv_buf_addc(&copy, '\n');
	for (; number != 0 && world.said + copy.len <= SAID_MAX; number--) {
		say(copy.data, copy.len);
	}
	rv_buf_finish(&copy);
}

static void
leave(void)
{
	ctl_oracle_close(world.peer);
	world.peer = pick((unsigned)(world.peer - world.peers));
}

static void
say_event(int letter, unsigned number)
{
	switch (letter) {
	case '|':
		turn();
		break;
	case '*':
		repeat_byte(number);
		break;
	case '=':
		repeat_line(number);
		break;
	case 'p':
		world.peer = pick(number);
		break;
	case 'd':
	case 'l':
		world.peer->deaf = letter == 'd';
		break;
	case 'e':
		world.peer->ending = true;
		break;
	case 'q':
		leave();
		break;
	case '!':
		turn_failing(number);
		break;
	}
}

static void
unit_event(int letter, unsigned number)
{
	const char *path = paths[number % RV_ARRAY_LEN(paths)];
	struct fake_unit *fake = fake_unit(world.super, path);

	if (fake->absent) {
		return;
	}
	fake->has_last = (number & 8) != 0;
	fake->last_end.signaled = (number & 16) != 0;
	fake->last_end.number = (int)(number & 15);
	fake->last_stage = (number & 32) != 0 ? 1 : 0;
	switch (letter) {
	case 'u':
		fake_up(world.super, path);
		break;
	case 'w':
		fake_down(world.super, path);
		break;
	case 'f':
		fake_state(world.super, path, RV_STATE_FATAL, false);
		break;
	case 'x':
		fake_state(world.super, path, RV_STATE_EXITED, false);
		break;
	case 'g':
		/* A runtime takes away what has nothing below it. */
		if (rv_list_empty(&fake->unit.children)) {
			fake_gone(world.super, path);
		}
		break;
	}
}

static void
runtime_event(int letter, unsigned number)
{
	struct rv_super *super = world.super;

	switch (letter) {
	case 'r':
		fake_record(super, number % FAKE_EVENTS + 1);
		break;
	case 'R':
		fake_record(super, 2 * FAKE_EVENTS);
		break;
	case 's':
	case 'S':
		fake_synced(super, letter == 's');
		break;
	case 'i':
		super->instant = !super->instant;
		break;
	case 'c':
		super->no_clerk = !super->no_clerk;
		break;
	case 'h':
		super->hold_sync = !super->hold_sync;
		break;
	case 'b':
		super->bad_config = !super->bad_config;
		break;
	case 'L':
		super->text_len = super->text_len == 20 ? TEXT_BIG : 20;
		break;
	case 'F':
		fake_finish(super);
		break;
	}
}

static void
say_plain(void)
{
	size_t len = rv_script_plain(&world.script);

	if (len != 0) {
		say(world.script.at, len);
		world.script.at += len;
	}
}

static void
play(void)
{
	unsigned number;
	int c;

	for (say_plain(); (c = rv_script_next(&world.script, &number)) != -1;
	     say_plain()) {
		uint8_t byte = (uint8_t)c;

		if (c < RV_SCRIPT_EVENT) {
			say(&byte, 1);
			continue;
		}
		c -= RV_SCRIPT_EVENT;
		if (c == 'C') {
			world.closed = true;
			return;
		}
		say_event(c, number);
		unit_event(c, number);
		runtime_event(c, number);
		host_event(c, number);
	}
}

/* ---- beginning and end ------------------------------------------------ */

/* The lowest that is free: the same before and after. */
static int
free_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

static void
begin(const uint8_t *data, size_t size)
{
	if (world.loop == NULL) {
		RV_MUST(rv_loop_create_epoll(&world.loop, NULL) == REEVE_OK,
		    "a loop");
		world.super = fake_super_create(world.loop, "/nowhere");
	}
	world.first = free_descriptor();
	fake_super_reset(world.super);
	RV_MUST(
	    rv_ctl_make(&world.ctl, world.super, NULL) == REEVE_OK, "a server");
	for (size_t i = 0; i < PEERS; i++) {
		world.peers[i].fd = -1;
	}
	world.said = 0;
	world.closed = false;
	world.n_kept = 0;
	world.without = false;
	add_own("own.now");
	add_own("own.no");
	add_own("own.big");
	add_own("own.later");
	world.script = (struct rv_script){ data, data + size };
	world.peer = pick(0);
}

/* All listen now, and nothing more is to come: all that is owed comes. */
static void
settle(void)
{
	for (size_t i = 0; i < PEERS; i++) {
		world.peers[i].deaf = false;
	}
	rest();
	world.super->hold_sync = false;
	fake_synced(world.super, true);
	rest();
	fake_finish(world.super);
	rest();
	for (size_t i = 0; i < PEERS; i++) {
		struct ctl_oracle *peer = &world.peers[i];

		RV_MUST(peer->fd == -1 || peer->closed ||
			    peer->n_total <= peer->n_lost,
		    "every request has its answer");
		RV_MUST(peer->fd == -1 || peer->closed || peer->heard.len == 0,
		    "no half lines");
		peer->ending = true;
	}
	rest();
	/* Who is subscribed may go on listening; nobody else stays. */
	RV_LIST_EACH (c, &world.ctl->clients, struct rv_ctl_client, link) {
		RV_MUST(c->feed.active, "who has said its last is let go");
	}
	for (size_t i = 0; i < PEERS; i++) {
		ctl_oracle_close(&world.peers[i]);
	}
	fake_record(world.super, 1);
	rest();
	RV_MUST(world.ctl->n_clients == 0, "no client is left");
	RV_MUST(world.ctl->n_syncs == 0, "no sync is left");
	RV_MUST(world.ctl->items.n == 0, "no wait is left");
	RV_MUST(world.ctl->calls.n == 0, "no call is left");
	RV_MUST(world.n_kept == 0, "the host was told of all");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	begin(data, size);
	play();
	if (!world.closed) {
		settle();
	}
	rv_ctl_close(world.ctl);
	fake_synced(world.super, false);
	for (size_t i = 0; i < PEERS; i++) {
		world.peers[i].failing = true; /* closed in the midst of it */
		world.peers[i].deaf = false;
		ctl_oracle_pump(&world.peers[i]);
		ctl_oracle_close(&world.peers[i]);
	}
	RV_MUST(free_descriptor() == world.first, "no descriptor is left");
	return 0;
}
