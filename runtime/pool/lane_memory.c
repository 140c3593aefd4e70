/* SPDX-License-Identifier: MIT */
/*
 * The memory of lanes, and the page of their host: made, sealed, mapped. What
 * is opened is checked by the kernel's word for its size, and by its seals: so
 * that neither side can have the other fault on it. Owns descriptors and
 * mappings; called by pools, their workers, and nobody else.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <reeve/error.h>

#include "base/error.h"
#include "pool/lane.h"
#include "pool/lane_shared.h"
#include "sys/sys.h"

#define SEALS     (F_SEAL_SHRINK | F_SEAL_GROW)
#define PAGE_SIZE 4096U

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static bool
ring_can_be(size_t size)
{
	return size >= RV_LANE_RING_MIN && size <= RV_LANE_RING_MAX &&
	       (size & (size - 1)) == 0;
}

static size_t
bytes_of(size_t ring_size)
{
	return RV_LANE_HEAD + 2 * ring_size;
}

static void
close_one(int *fd)
{
	if (*fd >= 0) {
		(void)close(*fd);
	}
	*fd = -1;
}

/* The memory is mapped; of a worker, or of its host. */
static void
lay_out(struct rv_lane_pair *pair, size_t ring_size, bool worker)
{
	struct rv_lane_head *head = pair->memory;
	uint8_t *rings = (uint8_t *)pair->memory + RV_LANE_HEAD;

	pair->tasks = (struct rv_lane){
		.shared = &head->tasks,
		.bytes = rings,
		.size = ring_size,
		.bell = -1,
		.pair = -1,
		.writes = !worker,
	};
	pair->results = (struct rv_lane){
		.shared = &head->results,
		.bytes = rings + ring_size,
		.size = ring_size,
		.bell = -1,
		.pair = -1,
		.writes = worker,
	};
}

static enum reeve_status
map(struct rv_lane_pair *pair, size_t ring_size, bool worker,
    struct reeve_error *err)
{
	pair->length = bytes_of(ring_size);
	pair->memory = rv_sys_mmap_shared(pair->fd, pair->length, true);
	if (pair->memory == NULL) {
		return rv_error_sys(
		    err, errno, "cannot map the memory of a worker");
	}
	lay_out(pair, ring_size, worker);
	return REEVE_OK;
}

enum reeve_status
rv_lane_make(
    struct rv_lane_pair *pair, size_t ring_size, struct reeve_error *err)
{
	enum reeve_status status;

	*pair = (struct rv_lane_pair){ .fd = -1 };
	RV_ASSERT(ring_can_be(ring_size));
	pair->fd = rv_sys_memfd("reeve-lane");
	if (pair->fd < 0 ||
	    rv_sys_set_size(pair->fd, bytes_of(ring_size)) != 0 ||
	    fcntl(pair->fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) != 0) {
		status = rv_error_sys(err, errno,
		    "cannot make the memory of a worker%s",
		    rv_sys_size_hint(errno));
	} else {
		status = map(pair, ring_size, true, err);
	}
	if (status != REEVE_OK) {
		close_one(&pair->fd);
	}
	return status;
}

/* Whether it is a file of this size that nobody can make another one. */
static bool
is_sealed(int fd, size_t length)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS && fstat(fd, &st) == 0 &&
	       st.st_size == (off_t)length;
}

enum reeve_status
rv_lane_open(struct rv_lane_pair *pair, int fd, size_t ring_size,
    struct reeve_error *err)
{
	enum reeve_status status;

	*pair = (struct rv_lane_pair){ .fd = fd };
	if (!ring_can_be(ring_size) || !is_sealed(fd, bytes_of(ring_size))) {
		status = rv_error(
		    err, REEVE_EPROTO, "what a worker sent is no lane");
	} else {
		status = map(pair, ring_size, false, err);
	}
	close_one(&pair->fd);
	return status;
}

void
rv_lane_close(struct rv_lane_pair *pair)
{
	if (pair->memory != NULL) {
		(void)munmap(pair->memory, pair->length);
		close_one(&pair->fd);
	}
	*pair = (struct rv_lane_pair){ .fd = -1 };
}

/* -------- the host's page -------- */

/* Nobody can write it but through the mapping that there is by now. */
static int
bar_writing(int fd)
{
	return fcntl(
	    fd, F_ADD_SEALS, SEALS | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
}

enum reeve_status
rv_lane_host_make(struct rv_lane_host *host, struct reeve_error *err)
{
	enum reeve_status status;

	*host = (struct rv_lane_host){ .fd = -1, .bell = -1 };
	host->fd = rv_sys_memfd("reeve-pool");
	host->bell = rv_sys_eventfd(0, EFD_NONBLOCK);
	if (host->fd >= 0 && host->bell >= 0 &&
	    rv_sys_set_size(host->fd, PAGE_SIZE) == 0) {
		host->page = rv_sys_mmap_shared(host->fd, PAGE_SIZE, true);
	}
	if (host->page != NULL && bar_writing(host->fd) == 0) {
		return REEVE_OK;
	}
	status = rv_error_sys(err, errno, "cannot make the page of a pool%s",
	    rv_sys_size_hint(errno));
	rv_lane_host_close(host);
	return status;
}

enum reeve_status
rv_lane_host_open(
    struct rv_lane_host *host, int fd, int bell, struct reeve_error *err)
{
	enum reeve_status status;

	*host = (struct rv_lane_host){ .fd = fd, .bell = bell };
	if (!is_sealed(fd, PAGE_SIZE)) {
		status = rv_error(
		    err, REEVE_EPROTO, "what a host sent is no pool's page");
	} else {
		host->page = rv_sys_mmap_shared(fd, PAGE_SIZE, false);
		if (host->page != NULL) {
			return REEVE_OK;
		}
		status =
		    rv_error_sys(err, errno, "cannot map the page of a pool");
	}
	rv_lane_host_close(host);
	return status;
}

void
rv_lane_host_close(struct rv_lane_host *host)
{
	if (host->page != NULL) {
		(void)munmap(host->page, PAGE_SIZE);
	}
	host->page = NULL;
	close_one(&host->fd);
	close_one(&host->bell);
}

/* A bell that is full, or that the task has closed. */
bool
rv_lane_ring(const struct rv_lane *lane)
{
	const uint64_t one = 1;

	return write(lane->bell, &one, sizeof(one)) == (ssize_t)sizeof(one) ||
	       send(lane->pair, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1 ||
	       errno == EAGAIN; /* what is there wakes it */
}
