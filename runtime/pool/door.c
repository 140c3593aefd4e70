/* SPDX-License-Identifier: MIT */
/*
 * How workers come in: door.h. One that knocks is known by the kernel's word
 * for its process, which must be that of the unit whose name it says; before
 * its runtime has told us of that process it waits.
 */
#include "config.h"

#include "pool/door.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <reeve/tree.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "pool/beside.h"
#include "pool/pool_priv.h"
#include "sys/sys.h"

#define KNOCKS_FOR (10 * RV_SEC)
#define FDS_MAX    3

/* -------- packets -------- */

struct packet {
	ssize_t length; /* 0: hung up; -1: errno */
	int fds[FDS_MAX];
	unsigned n_fds;
	bool cut; /* there was no room for what came with it */
	pid_t pid;
};

static void
take_control(struct packet *packet, struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL;
	     c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET) {
			continue;
		}
		if (c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred who;

			memcpy(&who, CMSG_DATA(c), sizeof(who));
			packet->pid = who.pid;
		} else if (c->cmsg_type == SCM_RIGHTS) {
			packet->n_fds = (unsigned)((c->cmsg_len - CMSG_LEN(0)) /
						   sizeof(int));
			memcpy(packet->fds, CMSG_DATA(c),
			    packet->n_fds * sizeof(int));
		}
	}
}

static void
receive(int fd, void *data, size_t size, struct packet *packet)
{
	struct iovec io = { data, size };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(struct ucred)) +
			  CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct msghdr message = { .msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room) };

	*packet = (struct packet){ 0 };
	packet->length =
	    rv_sys_recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (packet->length >= 0) {
		take_control(packet, &message);
		packet->cut = (message.msg_flags & MSG_CTRUNC) != 0;
	}
}

static void
close_fds(struct packet *packet)
{
	for (unsigned i = 0; i < packet->n_fds; i++) {
		(void)close(packet->fds[i]);
	}
	packet->n_fds = 0;
}

/* -------- its own pair -------- */

static void
on_word(
    struct rv_hand *hand, const struct rv_door_say *say, struct packet *packet)
{
	if (packet->length == 1) {
		return; /* it could not ring the bell */
	}
	if (packet->length != (ssize_t)sizeof(*say) ||
	    say->magic != RV_DOOR_MAGIC) {
		rv_hand_doom(hand, "what it sent is no word of a worker");
	} else if (say->word == RV_DOOR_READY) {
		if (hand->state == RV_HAND_COMING) {
			hand->state = RV_HAND_UP;
			hand->was_up = true;
			rv_sched_up(
			    &hand->pool->sched, hand->place, hand->pool->now);
			rv_pool_notice(hand->pool, "%s (pid %d) is up",
			    hand->name, hand->pid);
		}
	} else if (say->word == RV_DOOR_LARGE && packet->n_fds == 1) {
		packet->n_fds = 0;
		rv_beside_keep(hand, packet->fds[0], say->size);
	} else if (say->word == RV_DOOR_LARGE && packet->cut) {
		rv_beside_keep(hand, -1, say->size);
	}
}

void
rv_hand_listen(struct rv_hand *hand)
{
	struct rv_door_say say;
	struct packet packet;

	for (;;) {
		receive(hand->pair, &say, sizeof(say), &packet);
		if (packet.length <= 0) {
			break;
		}
		on_word(hand, &say, &packet);
		close_fds(&packet);
	}
	if (packet.length == 0) {
		rv_sleep_unwatch(hand->pool, hand->pair);
		rv_hand_hung_up(hand);
	}
}

/* -------- knocking -------- */

static void
refuse(struct rv_knock *knock)
{
	rv_list_remove(&knock->link);
	(void)close(knock->lane);
	(void)close(knock->pair);
	rv_free(knock);
}

static bool
welcome(struct reeve_pool *pool, const struct rv_hand *hand)
{
	struct rv_door_welcome say = { .magic = RV_DOOR_MAGIC,
		.version = RV_DOOR_VERSION,
		.soft_signal = pool->soft_signal,
		.has_initializer = pool->init_file != -1,
		.args_length = pool->init_args_length,
		.max_memory = pool->max_memory };
	int fds[FDS_MAX] = { pool->host.fd, hand->bell, pool->init_file };
	size_t n = (pool->init_file != -1 ? 3 : 2) * sizeof(int);
	struct iovec io = { &say, sizeof(say) };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(fds))];
	} control = { .room = { 0 } };
	struct msghdr message = { .msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(n) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(c), fds, n);
	return rv_sys_sendmsg(hand->pair, &message,
		   MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(say);
}

static struct rv_hand *
make_hand(struct reeve_pool *pool, struct rv_knock *knock, uint16_t place,
    uint64_t life)
{
	struct rv_hand *hand = rv_alloc(1, sizeof(*hand));

	if (hand == NULL) {
		return NULL;
	}
	hand->pool = pool;
	hand->place = place;
	hand->generation = ++pool->generations;
	hand->life = life;
	hand->pid = knock->pid;
	rv_list_init(&hand->active);
	rv_list_init(&hand->wake);
	rv_list_init(&hand->hung);
	rv_list_init(&hand->large);
	rv_copy(hand->name, sizeof(hand->name), knock->path);
	hand->pidfd = rv_sys_pidfd_open(knock->pid);
	hand->pair = knock->pair;
	hand->bell = rv_sys_eventfd(0, EFD_NONBLOCK);
	if (rv_lane_open(&hand->lanes, knock->lane, RV_DOOR_RING, NULL) !=
	    REEVE_OK) {
		hand->lanes = (struct rv_lane_pair){ .fd = -1 };
	}
	return hand;
}

static void
let_in(struct reeve_pool *pool, struct rv_knock *knock, uint16_t place,
    uint64_t life)
{
	struct rv_hand *hand;

	if (pool->hands[place] != NULL) {
		rv_death_of(pool->hands[place]); /* nobody else has its name */
	}
	hand = make_hand(pool, knock, place, life);
	if (hand == NULL) {
		refuse(knock); /* it ends, and another one will come */
		return;
	}
	rv_list_remove(&knock->link);
	rv_free(knock);
	if (hand->lanes.memory == NULL || hand->bell == -1 ||
	    !welcome(pool, hand) ||
	    !rv_sleep_watch(pool, RV_SLEEP_BELL, hand->bell, hand) ||
	    !rv_sleep_watch(pool, RV_SLEEP_PAIR, hand->pair, hand) ||
	    (hand->pidfd != -1 &&
		!rv_sleep_watch(pool, RV_SLEEP_DEATH, hand->pidfd, hand))) {
		rv_hand_close(hand);
		return;
	}
	pool->hands[place] = hand;
}

/* The number of its place, which is behind the last dot. */
static bool
find_place(const struct reeve_pool *pool, const char *path, uint16_t *place)
{
	size_t n = strlen(pool->name);
	int64_t number;

	if (strncmp(path, pool->name, n) != 0 || path[n] != '.' ||
	    !rv_parse_int(path + n + 1, 0, RV_SCHED_WORKERS - 1, &number)) {
		return false;
	}
	*place = (uint16_t)number;
	return true;
}

static void
answer(struct reeve_pool *pool, struct rv_knock *knock)
{
	struct reeve_unit_info info = { .size = sizeof(info) };
	uint16_t place;

	if (!find_place(pool, knock->path, &place)) {
		refuse(knock);
	} else if (reeve_unit_find(pool->reeve, knock->path, &info, NULL) ==
		       REEVE_OK &&
		   info.pid == knock->pid && info.life != 0) {
		let_in(pool, knock, place, info.life);
	} else if (pool->now - knock->since > KNOCKS_FOR) {
		refuse(knock);
	}
}

static void
on_knock(struct reeve_pool *pool, const struct rv_door_hello *hello,
    struct packet *packet)
{
	struct rv_knock *knock;

	if (packet->length != (ssize_t)sizeof(*hello) || packet->n_fds != 2 ||
	    packet->pid <= 0 || hello->magic != RV_DOOR_MAGIC ||
	    hello->version != RV_DOOR_VERSION ||
	    memchr(hello->path, '\0', sizeof(hello->path)) == NULL) {
		return;
	}
	knock = rv_alloc(1, sizeof(*knock));
	if (knock == NULL) {
		return;
	}
	knock->since = pool->now;
	knock->pid = packet->pid;
	knock->lane = packet->fds[0];
	knock->pair = packet->fds[1];
	packet->n_fds = 0;
	rv_copy(knock->path, sizeof(knock->path), hello->path);
	rv_list_insert(&pool->knocks, &knock->link);
}

void
rv_door_answer(struct reeve_pool *pool)
{
	struct rv_door_hello hello;
	struct packet packet;

	for (;;) {
		receive(pool->door, &hello, sizeof(hello), &packet);
		if (packet.length <= 0) {
			break;
		}
		on_knock(pool, &hello, &packet);
		close_fds(&packet);
	}
	RV_LIST_EACH_SAFE (knock, &pool->knocks, struct rv_knock, link) {
		answer(pool, knock);
	}
}

/* -------- the door itself -------- */

static enum reeve_status
keep_initializer(struct reeve_pool *pool,
    const struct reeve_pool_options *options, struct reeve_error *err)
{
	size_t n = strlen(options->initializer) + 1;
	size_t length = options->init_args_length;

	pool->init_args_length = length;
	pool->init_file = rv_sys_memfd("reeve-initializer");
	if (pool->init_file == -1 ||
	    rv_sys_set_size(pool->init_file, n + length + 1) != 0 ||
	    rv_sys_write(pool->init_file, options->initializer, n) !=
		(ssize_t)n ||
	    (length > 0 && rv_sys_write(pool->init_file, options->init_args,
			       length) != (ssize_t)length) ||
	    fcntl(pool->init_file, F_ADD_SEALS,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
		return rv_error_sys(
		    err, errno, "cannot keep the initializer's arguments");
	}
	return REEVE_OK;
}

enum reeve_status
rv_door_open(struct reeve_pool *pool, const struct reeve_pool_options *options,
    struct reeve_error *err)
{
	const int yes = 1;
	enum reeve_status status;
	int fds[2];

	if (options->initializer != NULL) {
		status = keep_initializer(pool, options, err);
		if (status != REEVE_OK) {
			return status;
		}
	}
	if (rv_sys_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) != 0) {
		return rv_error_sys(err, errno, "cannot make a door");
	}
	pool->door = fds[0];
	pool->door_outside = fds[1];
	if (setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) !=
		0 ||
	    !rv_sleep_watch(pool, RV_SLEEP_DOOR, pool->door, NULL)) {
		return rv_error_sys(err, errno, "cannot make a door");
	}
	return REEVE_OK;
}

static void
close_outside(struct reeve_pool *pool)
{
	if (pool->door_outside != -1) {
		(void)close(pool->door_outside);
		pool->door_outside = -1;
	}
}

enum reeve_status
rv_door_hand_over(struct reeve_pool *pool, struct reeve_error *err)
{
	enum reeve_status status =
	    reeve_listen(pool->reeve, pool->door_name, pool->door_outside, err);

	close_outside(pool);
	return status;
}

void
rv_door_close(struct reeve_pool *pool)
{
	RV_LIST_EACH_SAFE (knock, &pool->knocks, struct rv_knock, link) {
		refuse(knock);
	}
	close_outside(pool);
	if (pool->door != -1) {
		(void)close(pool->door);
		pool->door = -1;
	}
	if (pool->init_file != -1) {
		(void)close(pool->init_file);
		pool->init_file = -1;
	}
}
