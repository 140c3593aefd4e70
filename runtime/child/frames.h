/* SPDX-License-Identifier: MIT */
/*
 * Where a thread is: its frames, its registers, and the files that are mapped
 * executable. All but rv_frames_warm is safe in signal handlers; reads of
 * memory that may not be there go through the kernel.
 */
#ifndef RV_CHILD_FRAMES_H
#define RV_CHILD_FRAMES_H

#include <stdbool.h>
#include <sys/types.h>

#include "child/page.h"

/*
 * Load and initialise what unwinding needs, while that may allocate. Once: who
 * is forked from one that has it needs nothing.
 */
void rv_frames_warm(void);

/*
 * The frames of a plain call, from the one that has this return address on;
 * where that is not found, all of them.
 */
void rv_frames_here(struct rv_page_thread *, const void *return_address);

/*
 * The frames of the context that a handler got. First those that cost no
 * trust: a crash within the second step leaves them.
 */
void rv_frames_safe(struct rv_page_thread *, const void *context);
void rv_frames_full(struct rv_page_thread *, const void *context);

uint32_t rv_frames_registers(const void *context, uint64_t *out);

/* The first thread of it is the calling one, still without frames. */
void rv_frames_thread(struct rv_page_trouble *);

/* Fills `maps`. */
void rv_frames_maps(struct rv_page_trouble *);

#endif
