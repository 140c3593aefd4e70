/* SPDX-License-Identifier: MIT */
/*
 * Payloads that are too large for a ring: sealed files of memory that go over
 * the pair of a worker, in the order of their frames. What comes is checked
 * (sealed, long enough) before it is mapped, so that nobody can make us fault.
 */
#ifndef RV_POOL_BESIDE_H
#define RV_POOL_BESIDE_H

#include "pool/pool_priv.h"

/* LATER: its socket is full, or hangs up. NEVER: there is no file; errno. */
enum rv_give rv_beside_send(int pair, const void *data, uint64_t length);
enum rv_beside {
	RV_BESIDE_TAKEN,
	RV_BESIDE_LOST,     /* the host lacked memory, or a descriptor */
	RV_BESIDE_NONSENSE, /* there is none such */
};
/* The oldest that has come, which has this many bytes. */
enum rv_beside rv_beside_take(
    struct rv_hand *, uint64_t length, struct rv_box_map *);
void rv_beside_drop(struct rv_box_map *);
void rv_beside_forget(struct rv_hand *);
/* One that came; -1: there was no descriptor for it. */
void rv_beside_keep(struct rv_hand *, int fd, uint64_t size);

#endif
