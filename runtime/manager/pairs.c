/* SPDX-License-Identifier: MIT */
/*
 * Entries in a row, and a table of places that leads to them. What is removed
 * leaves a gap in both until the next time that they are made anew. Called by
 * the types of the hall; knows nothing of calls.
 */
#include "config.h"

#include "manager/pairs.h"

#include <string.h>

#include "base/alloc.h"
#include "manager/hall.h"

#define EMPTY UINT32_MAX
#define GONE  (UINT32_MAX - 1)

static uint64_t
turn(uint64_t n, unsigned by)
{
	return n << by | n >> (64 - by);
}

static void
round_of(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = turn(v[1], 13) ^ v[0];
	v[3] = turn(v[3], 16) ^ v[2];
	v[0] = turn(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = turn(v[1], 17) ^ v[2];
	v[3] = turn(v[3], 21) ^ v[0];
	v[2] = turn(v[2], 32);
}

/* SipHash-1-3. */
static uint64_t
hash_bytes(const uint64_t seed[2], const unsigned char *at, size_t length)
{
	uint64_t v[4] = { seed[0] ^ UINT64_C(0x736f6d6570736575),
		seed[1] ^ UINT64_C(0x646f72616e646f6d),
		seed[0] ^ UINT64_C(0x6c7967656e657261),
		seed[1] ^ UINT64_C(0x7465646279746573) };
	uint64_t last = (uint64_t)length << 56, word;
	size_t left = length;

	for (; left >= 8; left -= 8, at += 8) {
		memcpy(&word, at, sizeof(word));
		v[3] ^= word;
		round_of(v);
		v[0] ^= word;
	}
	for (size_t i = 0; i < left; i++) {
		last |= (uint64_t)at[i] << 8 * i;
	}
	v[3] ^= last;
	round_of(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	round_of(v);
	round_of(v);
	round_of(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t
hash_of(const struct rv_hall *hall, const struct reeve_datum *key)
{
	uint64_t hash;

	if (rv_datum_has_data(key->type)) {
		hash = hash_bytes(hall->seed, key->data, key->length);
	} else {
		hash = hash_bytes(hall->seed,
		    (const unsigned char *)&key->is.integer,
		    sizeof(key->is.integer));
	}
	return hash ^ key->type;
}

/* The place of a key, or where it would come. */
static size_t
place_of(const struct rv_pairs *p, uint64_t hash, const struct reeve_datum *key)
{
	size_t mask = p->n_places - 1, at = hash & mask, first = SIZE_MAX;

	for (;; at = (at + 1) & mask) {
		uint32_t i = p->places[at];

		if (i == EMPTY) {
			return first != SIZE_MAX ? first : at;
		}
		if (i == GONE) {
			first = first != SIZE_MAX ? first : at;
		} else if (p->entries[i].hash == hash &&
			   rv_datum_equal(&p->entries[i].key, key)) {
			return at;
		}
	}
}

struct rv_pair *
rv_pairs_find(const struct rv_hall *hall, const struct rv_pairs *p,
    const struct reeve_datum *key)
{
	uint32_t i;

	if (p->n == 0) {
		return NULL;
	}
	i = p->places[place_of(p, hash_of(hall, key), key)];
	return i < GONE ? &p->entries[i] : NULL;
}

/* All entries without gaps, in room for as many again. */
static bool
make_anew(struct rv_pairs *p)
{
	size_t room = p->n < 4 ? 8 : 2 * p->n, n_places = 16, n = 0;
	struct rv_pair *entries;
	uint32_t *places;

	while (n_places < room + room / 2) {
		n_places *= 2;
	}
	if (room >= GONE) {
		return false;
	}
	entries = rv_alloc(room, sizeof(*entries));
	places = rv_alloc(n_places, sizeof(*places));
	if (entries == NULL || places == NULL) {
		rv_free(entries);
		rv_free(places);
		return false;
	}
	memset(places, 0xff, n_places * sizeof(*places));
	for (size_t i = 0; i < p->n_entries; i++) {
		if (!p->entries[i].is_gone) {
			size_t at = p->entries[i].hash & (n_places - 1);

			while (places[at] != EMPTY) {
				at = (at + 1) & (n_places - 1);
			}
			places[at] = (uint32_t)n;
			entries[n++] = p->entries[i];
		}
	}
	rv_free(p->entries);
	rv_free(p->places);
	p->entries = entries;
	p->places = places;
	p->n_entries = n;
	p->room = room;
	p->n_places = n_places;
	return true;
}

enum reeve_status
rv_pairs_put(struct rv_hall *hall, struct rv_pairs *p,
    const struct reeve_datum *key, const struct reeve_datum *value)
{
	struct rv_pair *pair = rv_pairs_find(hall, p, key), new_one = { 0 };
	enum reeve_status status = rv_datum_keep(hall, &new_one.value, value);
	size_t at;

	if (status != REEVE_OK) {
		return status;
	}
	if (pair != NULL) {
		rv_datum_drop(hall, &pair->value);
		pair->value = new_one.value;
		return REEVE_OK;
	}
	status =
	    p->n_entries < p->room || make_anew(p) ? REEVE_OK : REEVE_ENOMEM;
	if (status == REEVE_OK) {
		status = rv_datum_keep(hall, &new_one.key, key);
	}
	if (status != REEVE_OK) {
		rv_datum_drop(hall, &new_one.value);
		return status;
	}
	new_one.hash = hash_of(hall, key);
	at = place_of(p, new_one.hash, key);
	p->places[at] = (uint32_t)p->n_entries;
	p->entries[p->n_entries++] = new_one;
	p->n++;
	return REEVE_OK;
}

void
rv_pairs_remove(struct rv_hall *hall, struct rv_pairs *p, struct rv_pair *pair)
{
	p->places[place_of(p, pair->hash, &pair->key)] = GONE;
	pair->is_gone = true;
	p->n--;
	rv_datum_drop(hall, &pair->key);
	rv_datum_drop(hall, &pair->value);
	if (pair + 1 == p->entries + p->n_entries && p->n == 0) {
		p->n_entries = 0;
		memset(p->places, 0xff, p->n_places * sizeof(*p->places));
	}
}

void
rv_pairs_clear(struct rv_hall *hall, struct rv_pairs *p)
{
	struct rv_pairs old = *p;

	memset(p, 0, sizeof(*p));
	for (size_t i = 0; i < old.n_entries; i++) {
		if (!old.entries[i].is_gone) {
			rv_datum_drop(hall, &old.entries[i].key);
			rv_datum_drop(hall, &old.entries[i].value);
		}
	}
	rv_free(old.entries);
	rv_free(old.places);
}

struct rv_pair *
rv_pairs_next(const struct rv_pairs *p, size_t *at)
{
	while (*at < p->n_entries) {
		struct rv_pair *pair = &p->entries[(*at)++];

		if (!pair->is_gone) {
			return pair;
		}
	}
	return NULL;
}
