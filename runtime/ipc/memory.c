/* SPDX-License-Identifier: MIT */
/*
 * Blocks: a memfd of a page that says what it is, and the bytes. It is sealed
 * against another size: so no process can have another one fault on it. What
 * is opened is checked against the kernel's word for its size, not its own.
 * Owns a descriptor and a mapping for each that is open.
 */
#include "config.h"

#include <reeve/memory.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "ipc/memory.h"
#include "sys/sys.h"

#define FORMAT 1U
#define SEALS  (F_SEAL_SHRINK | F_SEAL_GROW)

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

struct reeve_memory {
	int fd;
	pid_t owner; /* of its name; 0: not we */
	bool writable;
	uint64_t size;
	struct rv_memory_head *head;
	char name[REEVE_MEMORY_NAME_MAX + 1];
};

/* Whether the mapped head fits what the kernel says of the file. */
static bool
is_block(const struct rv_memory_head *head, uint64_t bytes)
{
	return head->magic == RV_MEMORY_MAGIC && head->version == FORMAT &&
	       head->size > 0 && head->size == bytes - RV_MEMORY_HEAD &&
	       head->name[REEVE_MEMORY_NAME_MAX] == '\0';
}

/* Its bytes in all; 0: it is not what can be a block. */
static uint64_t
bytes_of(int fd)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) != 0 ||
	    st.st_size <= (off_t)RV_MEMORY_HEAD) {
		return 0;
	}
	return (uint64_t)st.st_size;
}

enum reeve_status
rv_memory_of(struct reeve_memory **out, int fd, struct reeve_error *err)
{
	struct reeve_memory *m = rv_alloc(1, sizeof(*m));
	uint64_t bytes = bytes_of(fd);
	enum reeve_status status;

	if (m == NULL) {
		status = rv_error(err, REEVE_ENOMEM, "cannot open memory");
		goto out;
	}
	if (bytes == 0) {
		status = rv_error(err, REEVE_EDAMAGED,
		    "this is not shared memory, or may change its size");
		goto out;
	}
	m->fd = fd;
	m->size = bytes - RV_MEMORY_HEAD;
	m->head = rv_sys_mmap_shared(fd, bytes, true);
	m->writable = m->head != NULL;
	if (m->head == NULL && (errno == EPERM || errno == EACCES)) {
		m->head = rv_sys_mmap_shared(fd, bytes, false);
	}
	if (m->head == NULL) {
		status = rv_error_sys(err, errno, "cannot map shared memory");
		goto out;
	}
	if (!is_block(m->head, bytes)) {
		(void)munmap(m->head, bytes);
		status =
		    rv_error(err, REEVE_EDAMAGED, "this is not shared memory");
		goto out;
	}
	memcpy(m->name, m->head->name, sizeof(m->name) - 1);
	*out = m;
	return REEVE_OK;
out:
	rv_free(m);
	(void)close(fd);
	return status;
}

/* What is written before anybody sees it. */
static enum reeve_status
write_head(int fd, uint64_t bytes, const struct reeve_memory_options *options,
    struct reeve_error *err)
{
	struct rv_memory_head head = {
		.magic = RV_MEMORY_MAGIC, .version = FORMAT, .size = bytes
	};

	rv_sys_random_hex(head.id);
	if (options != NULL && options->name != NULL) {
		memcpy(head.name, options->name, strlen(options->name));
	}
	if (rv_sys_set_size(fd, RV_MEMORY_HEAD + bytes) != 0 ||
	    (options != NULL && options->reserve &&
		rv_sys_fallocate(fd, (off_t)(RV_MEMORY_HEAD + bytes)) != 0) ||
	    rv_sys_write(fd, &head, sizeof(head)) != (ssize_t)sizeof(head) ||
	    fcntl(fd, F_ADD_SEALS, SEALS) != 0) {
		return rv_error_sys(err, errno,
		    "cannot make shared memory of %llu bytes%s",
		    (unsigned long long)bytes, rv_sys_size_hint(errno));
	}
	return REEVE_OK;
}

/* Reserving more than the machine has would first use up what it has. */
static bool
is_there(uint64_t bytes)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages <= 0 || size <= 0 ||
	       bytes / (uint64_t)size < (uint64_t)pages;
}

static enum reeve_status
check_options(uint64_t bytes, const struct reeve_memory_options *options,
    struct reeve_error *err)
{
	if (bytes == 0 || bytes > (uint64_t)INT64_MAX - RV_MEMORY_HEAD) {
		return rv_error(err, REEVE_EINVALID,
		    "memory of %llu bytes cannot be shared",
		    (unsigned long long)bytes);
	}
	if (options != NULL && options->size < sizeof(*options)) {
		return rv_error_size(
		    err, "reeve_memory_options", options->size);
	}
	if (options != NULL && options->name != NULL &&
	    strlen(options->name) > REEVE_MEMORY_NAME_MAX) {
		return rv_memory_bad_name(options->name, err);
	}
	if (options != NULL && options->reserve && !is_there(bytes)) {
		return rv_error(err, REEVE_ENOMEM,
		    "this machine has less memory than %llu bytes",
		    (unsigned long long)bytes);
	}
	return REEVE_OK;
}

enum reeve_status
reeve_memory_new(struct reeve_memory **out, uint64_t bytes,
    const struct reeve_memory_options *options, struct reeve_error *err)
{
	struct reeve_memory *m = NULL;
	enum reeve_status status =
	    out == NULL ? rv_error(err, REEVE_EINVALID, "no place for memory")
			: check_options(bytes, options, err);
	int fd;

	if (status != REEVE_OK) {
		return status;
	}
	fd = rv_sys_memfd("reeve-memory");
	if (fd < 0) {
		return rv_error_sys(err, errno, "cannot make shared memory");
	}
	status = write_head(fd, bytes, options, err);
	if (status != REEVE_OK) {
		(void)close(fd);
		return status;
	}
	status = rv_memory_of(&m, fd, err);
	if (status == REEVE_OK && options != NULL && options->name != NULL) {
		status = rv_memory_link(m->name, m->head->id, m->fd, err);
		m->owner = status == REEVE_OK ? getpid() : 0;
	}
	if (status != REEVE_OK) {
		reeve_memory_free(m);
		return status;
	}
	*out = m;
	return REEVE_OK;
}

enum reeve_status
reeve_memory_open(struct reeve_memory **out, const struct reeve_handle *handle,
    struct reeve_error *err)
{
	int fd;

	if (out == NULL || handle == NULL ||
	    handle->kind != REEVE_SHARE_MEMORY || handle->n_fds != 1) {
		return rv_error_handle(err, "shared memory", handle);
	}
	fd = fcntl(handle->fds[0], F_DUPFD_CLOEXEC, 3);
	if (fd < 0) {
		return rv_error_sys(err, errno, "cannot open shared memory");
	}
	return rv_memory_of(out, fd, err);
}

enum reeve_status
reeve_memory_handle(const struct reeve_memory *m, struct reeve_handle *handle,
    struct reeve_error *err)
{
	int fd;

	if (m == NULL || handle == NULL) {
		return rv_error(err, REEVE_EINVALID, "no memory to hand over");
	}
	fd = fcntl(m->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0) {
		return rv_error_sys(err, errno, "cannot hand over memory");
	}
	*handle = (struct reeve_handle){ REEVE_SHARE_MEMORY, 1, { fd } };
	return REEVE_OK;
}

enum reeve_status
reeve_memory_bar_writing(struct reeve_memory *m, struct reeve_error *err)
{
	if (m == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "there is no memory to bar writing of");
	}
	if (fcntl(m->fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0) {
		return REEVE_OK;
	}
	return errno == EINVAL
		   ? rv_error(err, REEVE_ENOTBUILT,
			 "this kernel cannot bar others from writing")
		   : rv_error_sys(err, errno, "cannot bar others from writing");
}

enum reeve_status
reeve_memory_unlink(const char *name, struct reeve_error *err)
{
	return rv_memory_unlink(name, NULL, err);
}

void
reeve_memory_free(struct reeve_memory *m)
{
	if (m == NULL) {
		return;
	}
	if (m->owner != 0 && m->owner == getpid()) {
		(void)rv_memory_unlink(m->name, m->head->id, NULL);
	}
	(void)munmap(m->head, RV_MEMORY_HEAD + m->size);
	(void)close(m->fd);
	rv_free(m);
}

void *
reeve_memory_at(const struct reeve_memory *m)
{
	return m != NULL ? (char *)m->head + RV_MEMORY_HEAD : NULL;
}

uint64_t
reeve_memory_size(const struct reeve_memory *m)
{
	return m != NULL ? m->size : 0;
}

bool
reeve_memory_is_writable(const struct reeve_memory *m)
{
	return m != NULL && m->writable;
}

const char *
reeve_memory_name(const struct reeve_memory *m)
{
	return m != NULL ? m->name : "";
}
