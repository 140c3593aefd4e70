/* SPDX-License-Identifier: MIT */
/*
 * The inside of blocks of memory: what is on the page before their bytes. Known
 * to memory.c, and to memory_name.c, which finds them by name.
 */
#ifndef RV_IPC_MEMORY_H
#define RV_IPC_MEMORY_H

#include <reeve/memory.h>

#include "base/base.h"

#define RV_MEMORY_MAGIC 0x636f6c62766565ULL /* "eevbloc" */
#define RV_MEMORY_HEAD  4096U

struct rv_memory_head {
	uint64_t magic;
	uint32_t version, spare;
	uint64_t size; /* of what follows the page */
	char id[40];   /* random */
	char name[REEVE_MEMORY_NAME_MAX + 1];
};

/* Takes the descriptor, on failure too. */
enum reeve_status rv_memory_of(
    struct reeve_memory **, int fd, struct reeve_error *) RV_MUST_CHECK;

/*
 * Give the block behind fd, of this id, the name: until this process ends.
 * REEVE_EEXIST, _EINVALID, _EPERM, _ESYS.
 */
enum reeve_status rv_memory_link(const char *name, const char *id, int fd,
    struct reeve_error *) RV_MUST_CHECK;
/* Take it away, if it is still this block's; id NULL: whatever block's. */
enum reeve_status rv_memory_unlink(
    const char *name, const char *id, struct reeve_error *);
/* REEVE_EINVALID: what a name may be. */
enum reeve_status rv_memory_bad_name(const char *name, struct reeve_error *);

#endif
