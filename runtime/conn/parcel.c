/* SPDX-License-Identifier: MIT */
/*
 * Parcels: who owns the bytes of a message. What arrives small is in memory
 * that the next message uses again; what arrives large is a mapping.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "conn/conn_priv.h"
#include "sys/sys.h"

/* Its handles and its bytes, but not the memory that may be used again. */
void
rv_parcel_empty(struct reeve_parcel *parcel)
{
	for (uint32_t i = 0; i < parcel->n_handles; i++) {
		reeve_handle_close(&parcel->handles[i]);
	}
	parcel->n_handles = 0;
	parcel->flags = 0;
	parcel->length = 0;
	parcel->data = NULL;
	switch (parcel->kind) {
	case RV_PARCEL_BLOCK:
		rv_blocks_leave(parcel);
		break;
	case RV_PARCEL_LEASED:
		(void)close(parcel->lease);
		rv_block_map_leave(parcel->memory);
		break;
	case RV_PARCEL_MADE:
		(void)close(parcel->lease);
		/* fall through */
	case RV_PARCEL_MAPPED:
		if (parcel->memory != NULL) {
			(void)munmap(parcel->memory, parcel->capacity);
		}
		break;
	default:
		return;
	}
	parcel->kind = RV_PARCEL_NONE;
	parcel->memory = NULL;
	parcel->capacity = 0;
}

void
reeve_parcel_free(struct reeve_parcel *parcel)
{
	if (parcel == NULL) {
		return;
	}
	rv_parcel_empty(parcel);
	if (parcel->kind == RV_PARCEL_HEAP) {
		rv_free(parcel->memory);
	}
	parcel->kind = RV_PARCEL_NONE;
	parcel->memory = NULL;
	parcel->capacity = 0;
}

enum reeve_status
rv_parcel_room(struct reeve_parcel *parcel, uint64_t length)
{
	void *memory;

	if (parcel->kind == RV_PARCEL_HEAP && parcel->capacity >= length) {
		return REEVE_OK;
	}
	memory = rv_alloc(length, 1);
	if (memory == NULL) {
		return REEVE_ENOMEM;
	}
	reeve_parcel_free(parcel);
	parcel->kind = RV_PARCEL_HEAP;
	parcel->memory = memory;
	parcel->capacity = length;
	return REEVE_OK;
}

enum reeve_status
rv_parcel_map(struct reeve_parcel *parcel, int memfd, uint64_t length)
{
	void *map = rv_sys_mmap_shared(memfd, length, false);

	if (map == NULL) {
		return errno == ENOMEM ? REEVE_ENOMEM : REEVE_ESYS;
	}
	reeve_parcel_free(parcel);
	parcel->kind = RV_PARCEL_MAPPED;
	parcel->memory = map;
	parcel->capacity = length;
	return REEVE_OK;
}

static enum reeve_status
make(struct reeve_parcel *parcel, uint64_t length, struct reeve_error *err)
{
	int fd = rv_sys_memfd("reeve-message");
	void *map = NULL;

	if (fd < 0) {
		return rv_error_sys(err, errno, "cannot make a message");
	}
	if (rv_sys_set_size(fd, length) == 0) {
		map = rv_sys_mmap_shared(fd, length, true);
	}
	if (map == NULL) {
		int saved = errno;

		(void)close(fd);
		return rv_error_sys(err, saved,
		    "cannot make a message of %llu bytes%s",
		    (unsigned long long)length, rv_sys_size_hint(saved));
	}
	parcel->kind = RV_PARCEL_MADE;
	parcel->memory = map;
	parcel->capacity = length;
	parcel->lease = fd;
	parcel->data = map;
	parcel->length = length;
	return REEVE_OK;
}

enum reeve_status
reeve_parcel_make(struct reeve_parcel *parcel, size_t length, void **at,
    struct reeve_error *err)
{
	enum reeve_status status;

	if (parcel == NULL || at == NULL || length == 0 || length > INT64_MAX) {
		return rv_error(
		    err, REEVE_EINVALID, "there is no message of that length");
	}
	reeve_parcel_free(parcel);
	status = make(parcel, length, err);
	if (status == REEVE_OK) {
		*at = parcel->memory;
	}
	return status;
}

enum reeve_status
rv_parcel_seal(struct reeve_parcel *parcel)
{
	RV_ASSERT(parcel->kind == RV_PARCEL_MADE);
	if (parcel->memory == NULL) {
		return REEVE_OK; /* when it was tried before */
	}
	/* the seal against writing is not given while anybody could write */
	(void)munmap(parcel->memory, parcel->capacity);
	parcel->memory = NULL;
	parcel->data = NULL;
	return fcntl(parcel->lease, F_ADD_SEALS, RV_MESSAGE_SEALS) == 0
		   ? REEVE_OK
		   : REEVE_ESYS;
}
