/* SPDX-License-Identifier: MIT */
/*
 * Bells: an eventfd whose count is not looked at, only whether there is one.
 * Called by anybody; owns one descriptor.
 */
#include "config.h"

#include <reeve/bell.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/error.h"
#include "ipc/wait.h"
#include "sys/sys.h"

struct reeve_bell {
	int fd;
};

/* Takes the descriptor, on failure too. */
static enum reeve_status
bell_of(struct reeve_bell **out, int fd, struct reeve_error *err)
{
	struct reeve_bell *bell = rv_alloc(1, sizeof(*bell));

	if (bell == NULL) {
		(void)close(fd);
		return rv_error(err, REEVE_ENOMEM, "cannot make a bell");
	}
	bell->fd = fd;
	*out = bell;
	return REEVE_OK;
}

enum reeve_status
reeve_bell_new(struct reeve_bell **out, struct reeve_error *err)
{
	int fd;

	if (out == NULL) {
		return rv_error(err, REEVE_EINVALID, "no place for a bell");
	}
	fd = rv_sys_eventfd(0, EFD_NONBLOCK);
	if (fd < 0) {
		return rv_error_sys(err, errno, "cannot make a bell");
	}
	return bell_of(out, fd, err);
}

enum reeve_status
reeve_bell_open(struct reeve_bell **out, const struct reeve_handle *handle,
    struct reeve_error *err)
{
	int fd;

	if (out == NULL || handle == NULL || handle->kind != REEVE_SHARE_BELL ||
	    handle->n_fds != 1) {
		return rv_error_handle(err, "a bell", handle);
	}
	fd = fcntl(handle->fds[0], F_DUPFD_CLOEXEC, 3);
	if (fd < 0) {
		return rv_error_sys(err, errno, "cannot open a bell");
	}
	return bell_of(out, fd, err);
}

enum reeve_status
reeve_bell_handle(const struct reeve_bell *bell, struct reeve_handle *handle,
    struct reeve_error *err)
{
	int fd;

	if (bell == NULL || handle == NULL) {
		return rv_error(err, REEVE_EINVALID, "no bell to hand over");
	}
	fd = fcntl(bell->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0) {
		return rv_error_sys(err, errno, "cannot hand over a bell");
	}
	*handle = (struct reeve_handle){ REEVE_SHARE_BELL, 1, { fd } };
	return REEVE_OK;
}

void
reeve_bell_free(struct reeve_bell *bell)
{
	if (bell != NULL) {
		(void)close(bell->fd);
		rv_free(bell);
	}
}

void
reeve_bell_set(struct reeve_bell *bell)
{
	static const uint64_t one = 1;
	int saved = errno;

	if (bell == NULL) {
		return;
	}
	/* EAGAIN: it has rung so often that it cannot count any more */
	(void)rv_sys_write(bell->fd, &one, sizeof(one));
	errno = saved;
}

void
reeve_bell_clear(struct reeve_bell *bell)
{
	uint64_t count;
	int saved = errno;

	if (bell == NULL) {
		return;
	}
	(void)rv_sys_read(bell->fd, &count, sizeof(count));
	errno = saved;
}

bool
reeve_bell_is_set(const struct reeve_bell *bell)
{
	return bell != NULL && rv_wait_fd(bell->fd, POLLIN, 0) == REEVE_OK;
}

enum reeve_status
reeve_bell_wait(struct reeve_bell *bell, int64_t timeout)
{
	if (bell == NULL) {
		return REEVE_EINVALID;
	}
	return rv_wait_fd(bell->fd, POLLIN, rv_wait_until(timeout));
}

int
reeve_bell_fd(const struct reeve_bell *bell)
{
	return bell != NULL ? bell->fd : -1;
}
