/* SPDX-License-Identifier: MIT */
/*
 * Places; places.h says how they are used. Called by what keeps such tables:
 * semaphores, conditions, barriers. Owns nothing.
 */
#include "config.h"

#include "ipc/places.h"

#include "ipc/step.h"

void
rv_places_init(struct rv_places places)
{
	for (uint32_t i = 0; i < places.n; i++) {
		places.at[i] = (struct reeve_place){ 0 };
		rv_mutex_init(&places.at[i].alive, false);
	}
}

static bool
is_held(const struct reeve_place *place)
{
	return rv_mutex_owner(rv_load(rv_mutex_word(&place->alive))) != 0;
}

bool
rv_place_alive(const struct reeve_place *place)
{
	return RV_READ(place->use) != RV_PLACE_FREE && is_held(place);
}

bool
rv_place_died(const struct reeve_place *place)
{
	return RV_READ(place->use) != RV_PLACE_FREE && !is_held(place);
}

struct reeve_place *
rv_place_mine(struct rv_places places)
{
	uint32_t me = rv_mutex_self();

	for (uint32_t i = 0; i < places.n; i++) {
		if (RV_READ(places.at[i].use) != RV_PLACE_FREE &&
		    rv_mutex_owner(
			rv_load(rv_mutex_word(&places.at[i].alive))) == me) {
			return &places.at[i];
		}
	}
	return NULL;
}

struct reeve_place *
rv_places_take(struct rv_places places)
{
	for (uint32_t i = 0; i < places.n; i++) {
		struct reeve_place *place = &places.at[i];

		/* held, but free yet: by one who is leaving it just now */
		if (RV_READ(place->use) == RV_PLACE_FREE &&
		    rv_mutex_got(rv_mutex_try(&place->alive))) {
			rv_mutex_watch(&place->alive);
			return place;
		}
	}
	return NULL;
}

void
rv_places_leave(struct reeve_place *place)
{
	rv_store(&place->use, RV_PLACE_FREE);
	rv_mutex_unwatch(&place->alive);
	(void)rv_mutex_unlock(&place->alive);
}

bool
rv_place_watch(struct rv_places places, uint32_t *change, uint32_t seen,
    struct rv_watch *watch, unsigned *n)
{
	*n = 0;
	watch[(*n)++] = (struct rv_watch){ change, seen };
	for (uint32_t i = 0; i < places.n; i++) {
		uint32_t *word = rv_mutex_word(&places.at[i].alive);
		uint32_t value = rv_load(word);

		if (rv_mutex_owner(value) == 0 &&
		    RV_READ(places.at[i].use) != RV_PLACE_FREE) {
			return false;
		}
		watch[(*n)++] = (struct rv_watch){ word, value };
	}
	return true;
}
