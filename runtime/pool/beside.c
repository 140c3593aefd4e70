/* SPDX-License-Identifier: MIT */
/*
 * Files of memory beside a lane: see beside.h. A file is one byte longer than
 * its payload, which is the NUL behind it.
 */
#include "config.h"

#include "pool/beside.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sys/sys.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static bool
write_all(int fd, const uint8_t *data, uint64_t length)
{
	while (length > 0) {
		ssize_t n = rv_sys_write(fd, data, length);

		if (n <= 0) {
			return false;
		}
		data += n;
		length -= (uint64_t)n;
	}
	return true;
}

static bool
send_fd(int pair, int fd, uint64_t size)
{
	struct rv_door_say say = {
		.magic = RV_DOOR_MAGIC, .word = RV_DOOR_LARGE, .size = size
	};
	struct iovec io = { &say, sizeof(say) };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct msghdr message = { .msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return rv_sys_sendmsg(pair, &message, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	       (ssize_t)sizeof(say);
}

enum rv_give
rv_beside_send(int pair, const void *data, uint64_t length)
{
	int fd = rv_sys_memfd("reeve-arguments");
	bool made = fd != -1 && rv_sys_set_size(fd, length + 1) == 0 &&
		    write_all(fd, data, length) &&
		    fcntl(fd, F_ADD_SEALS, SEALS) == 0;
	int error = errno;
	bool sent = made && send_fd(pair, fd, length);

	if (fd != -1) {
		(void)close(fd);
	}
	errno = error;
	return sent ? RV_GIVEN : made ? RV_GIVE_LATER : RV_GIVE_NEVER;
}

/* What cannot be kept has its place among the others, so that it is the result
 * of its own task that is lost; several in a row have one. */
static void
lose(struct rv_hand *hand)
{
	struct rv_large *lost = &hand->lost;

	if (lost->n_lost == 0) {
		lost->fd = -1;
		rv_list_insert(&hand->large, &lost->link);
	} else if (hand->large.prev != &lost->link) {
		rv_hand_doom(hand, "there is no memory for what it sent");
		return;
	}
	lost->n_lost++;
}

void
rv_beside_keep(struct rv_hand *hand, int fd, uint64_t size)
{
	struct rv_large *large = fd != -1 ? rv_alloc(1, sizeof(*large)) : NULL;

	if (large == NULL) {
		lose(hand);
		if (fd != -1) {
			(void)close(fd);
		}
		return;
	}
	large->fd = fd;
	large->size = size;
	rv_list_insert(&hand->large, &large->link);
}

static bool
is_sealed(int fd, uint64_t length)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);
	int need = F_SEAL_SHRINK | F_SEAL_WRITE;

	return seals != -1 && (seals & need) == need && fstat(fd, &st) == 0 &&
	       length < INT64_MAX && st.st_size >= (off_t)length + 1;
}

static void
drop_large(struct rv_large *large)
{
	if (large->fd == -1) {
		if (--large->n_lost == 0) {
			rv_list_remove(&large->link);
		}
		return;
	}
	rv_list_remove(&large->link);
	(void)close(large->fd);
	rv_free(large);
}

enum rv_beside
rv_beside_take(struct rv_hand *hand, uint64_t length, struct rv_box_map *out)
{
	enum rv_beside taken = RV_BESIDE_NONSENSE;
	struct rv_large *large;

	if (rv_list_empty(&hand->large)) {
		rv_hand_listen(hand);
	}
	if (rv_list_empty(&hand->large)) {
		return taken;
	}
	large = RV_LIST_FIRST(&hand->large, struct rv_large, link);
	if (large->fd == -1) {
		taken = RV_BESIDE_LOST;
	} else if (large->size == length && is_sealed(large->fd, length)) {
		out->mapped = length + 1;
		out->at = rv_sys_mmap_shared(large->fd, out->mapped, false);
		taken = out->at != NULL ? RV_BESIDE_TAKEN : RV_BESIDE_LOST;
	}
	drop_large(large);
	return taken;
}

void
rv_beside_drop(struct rv_box_map *map_)
{
	if (map_->at != NULL) {
		(void)munmap(map_->at, map_->mapped);
		map_->at = NULL;
	}
}

void
rv_beside_forget(struct rv_hand *hand)
{
	while (!rv_list_empty(&hand->large)) {
		drop_large(RV_LIST_FIRST(&hand->large, struct rv_large, link));
	}
}
