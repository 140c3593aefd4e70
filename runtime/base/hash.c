/* SPDX-License-Identifier: MIT */
/* FNV-1a, and chains of intrusive nodes in a table of buckets. */
#include "config.h"

#include "base/hash.h"

#include <string.h>

#include "base/alloc.h"

uint64_t
rv_fnv(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len-- > 0) {
		hash = (hash ^ *p++) * UINT64_C(0x100000001b3);
	}
	return hash;
}

uint64_t
rv_fnv_str(uint64_t hash, const char *s)
{
	return rv_fnv(hash, s, strlen(s) + 1);
}

static struct rv_hash_node **
bucket_of(const struct rv_hash *hash, uint64_t key)
{
	uint64_t mixed = key * UINT64_C(0x9e3779b97f4a7c15);

	return &hash->buckets[(mixed >> 32) & (hash->n_buckets - 1)];
}

bool
rv_hash_reserve(struct rv_hash *hash, size_t n)
{
	struct rv_hash bigger = { .n_buckets = 16 };

	while (bigger.n_buckets < n) {
		bigger.n_buckets *= 2;
	}
	if (bigger.n_buckets <= hash->n_buckets) {
		return true;
	}
	bigger.buckets = rv_alloc(bigger.n_buckets, sizeof(*bigger.buckets));
	if (bigger.buckets == NULL) {
		return false;
	}
	for (size_t i = 0; i < hash->n_buckets; i++) {
		struct rv_hash_node *node = hash->buckets[i], *next;

		for (; node != NULL; node = next) {
			next = node->next;
			rv_hash_insert(&bigger, node, node->key);
		}
	}
	rv_free(hash->buckets);
	*hash = bigger;
	return true;
}

void
rv_hash_finish(struct rv_hash *hash)
{
	rv_free(hash->buckets);
	*hash = (struct rv_hash){ 0 };
}

void
rv_hash_insert(struct rv_hash *hash, struct rv_hash_node *node, uint64_t key)
{
	struct rv_hash_node **bucket;

	RV_ASSERT(hash->n_buckets != 0);
	bucket = bucket_of(hash, key);
	node->key = key;
	node->next = *bucket;
	*bucket = node;
	hash->n++;
}

struct rv_hash_node *
rv_hash_find(const struct rv_hash *hash, uint64_t key)
{
	struct rv_hash_node *node;

	if (hash->n_buckets == 0) {
		return NULL;
	}
	for (node = *bucket_of(hash, key); node != NULL; node = node->next) {
		if (node->key == key) {
			return node;
		}
	}
	return NULL;
}

bool
rv_hash_remove(struct rv_hash *hash, struct rv_hash_node *node)
{
	struct rv_hash_node **at;

	if (hash->n_buckets == 0) {
		return false;
	}
	for (at = bucket_of(hash, node->key); *at != NULL; at = &(*at)->next) {
		if (*at == node) {
			*at = node->next;
			node->next = NULL;
			hash->n--;
			return true;
		}
	}
	return false;
}
