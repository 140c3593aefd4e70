/* SPDX-License-Identifier: MIT */
/*
 * A table of values by values, in the order in which keys came. The hash is
 * keyed with what nobody outside can know, so that no client can choose keys
 * that all fall into one place. Used by dicts, sets and the table of names.
 */
#ifndef RV_MANAGER_PAIRS_H
#define RV_MANAGER_PAIRS_H

#include <reeve/manager.h>

#include "base/base.h"

struct rv_hall;

struct rv_pair {
	uint64_t hash;
	struct reeve_datum key, value;
	bool is_gone;
};

struct rv_pairs {
	struct rv_pair *entries;
	uint32_t *places; /* number of an entry, or one of two words */
	size_t n, n_entries, room, n_places;
};

/* Pointers are good until the next put or remove. */
struct rv_pair *rv_pairs_find(const struct rv_hall *, const struct rv_pairs *,
    const struct reeve_datum *);
/* Keeps both; the value of a key that is there is replaced. */
enum reeve_status rv_pairs_put(struct rv_hall *, struct rv_pairs *,
    const struct reeve_datum *key,
    const struct reeve_datum *value) RV_MUST_CHECK;
/* Drops both. */
void rv_pairs_remove(struct rv_hall *, struct rv_pairs *, struct rv_pair *);
void rv_pairs_clear(struct rv_hall *, struct rv_pairs *);
/* The next one from *at on, which begins at 0; NULL behind the last. */
struct rv_pair *rv_pairs_next(const struct rv_pairs *, size_t *at);

#endif
