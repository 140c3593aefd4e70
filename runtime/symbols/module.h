/* SPDX-License-Identifier: MIT */
/*
 * A file that frames lie in: opened, and as much of it read as tells which
 * build it is and where its bytes are mapped. Owns its descriptors. Trusts
 * nothing in the file; everything read is bounded.
 */
#ifndef RV_SYMBOLS_MODULE_H
#define RV_SYMBOLS_MODULE_H

#include "base/base.h"

#define RV_MODULE_SEGMENTS 32
#define RV_BUILD_ID_MAX    64 /* bytes; as text twice as many */

struct rv_module_segment {
	uint64_t offset, filesz, vaddr;
};

struct rv_module {
	const char *path;  /* borrowed */
	int fd, debug_fd;  /* -1: none */
	const char *why;   /* no names: static text; NULL: fine */
	const char *doubt; /* names that may be wrong: static text, or NULL */
	char build_id[2 * RV_BUILD_ID_MAX + 1];
	struct rv_module_segment segments[RV_MODULE_SEGMENTS];
	unsigned n_segments;
	void *names; /* of naming.h */
};

/*
 * build_id: of the file that was mapped, NULL: not known. began_us: a file that
 * changed after that is doubted; 0: not known.
 */
void rv_module_open(struct rv_module *, const char *path, const char *build_id,
    int64_t began_us);
void rv_module_close(struct rv_module *);

/* A file's offset as the address that the linker gave; false: not mapped. */
bool rv_module_address(
    const struct rv_module *, uint64_t offset, uint64_t *address);

#endif
