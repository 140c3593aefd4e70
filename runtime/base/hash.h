/* SPDX-License-Identifier: MIT */
/*
 * FNV-1a, 64 bits, for tables and digests of configs (not for security), and
 * an intrusive hash table keyed by 64-bit numbers whose buckets are allocated
 * once, by rv_hash_reserve, outside of any hot path.
 */
#ifndef RV_HASH_H
#define RV_HASH_H

#include "base/base.h"

#define RV_FNV_INIT UINT64_C(0xcbf29ce484222325)

uint64_t rv_fnv(uint64_t hash, const void *data, size_t len);
uint64_t rv_fnv_str(uint64_t hash, const char *s); /* with the NUL */

struct rv_hash_node {
	struct rv_hash_node *next;
	uint64_t key;
};

struct rv_hash {
	struct rv_hash_node **buckets;
	size_t n_buckets; /* a power of two, 0 before the first reserve */
	size_t n;
};

/* Make room for n nodes at load <= 1; false without memory (then unchanged). */
bool rv_hash_reserve(struct rv_hash *, size_t n) RV_MUST_CHECK;
void rv_hash_finish(struct rv_hash *);
/* Needs at least one bucket. The node must not be in a table. */
void rv_hash_insert(struct rv_hash *, struct rv_hash_node *, uint64_t key);
struct rv_hash_node *rv_hash_find(const struct rv_hash *, uint64_t key);
/* Removes the node itself; false when it was not in the table. */
bool rv_hash_remove(struct rv_hash *, struct rv_hash_node *);

#endif
