/* SPDX-License-Identifier: MIT */
/*
 * Conditions. All words change under the user's lock alone: those who wait come
 * with it and leave with it, those who notify hold it. Each who waits has a
 * place and a ticket, tickets are numbered as they came, and those below
 * `served` are notified: so one store notifies any number.
 *
 *	wait:    lock held; a place, the next ticket; let go of the lock; sleep
 *	         on `poke` of the place; the lock; served: leave, else again
 *	notify:  lock held; poke and wake the n oldest who live; then served
 *
 * Who is to be notified is woken before it is, and then waits for the lock: so
 * it learns of a notifier that died, and has been woken by one that did not.
 *
 * One that dies with a ticket below served was notified in vain: whoever has
 * the lock next in here serves one more in its place. Which place that was is
 * said in the same store, so that it is not done twice when that one dies too:
 * the place is cleared before anything else is done. All sleepers watch all
 * places (places.h), so that one comes to do so.
 */
#include "config.h"

#include <reeve/lock.h>

#include "ipc/places.h"
#include "ipc/step.h"

#define CONDITION_MAGIC 0x64637672U /* "rvcd" */
#define WAITING         1U

/* `served`: the first ticket that is not, and above it 1 + a place, or 0. */
#define SERVED(ticket, place) ((uint64_t)(place) << 32 | (ticket))

static struct rv_places
places_of(struct reeve_condition *c)
{
	return (struct rv_places){
		(struct reeve_place *)(void *)((char *)c + c->places),
		c->n_places,
	};
}

static struct reeve_lock *
lock_of(struct reeve_condition *c)
{
	return (struct reeve_lock *)(void *)((char *)c + c->lock);
}

enum reeve_status
reeve_condition_init(struct reeve_condition *c, struct reeve_lock *lock,
    struct reeve_place *places, uint32_t n)
{
	if (c == NULL || lock == NULL || places == NULL || n == 0 ||
	    n > REEVE_PLACES_MAX) {
		return REEVE_EINVALID;
	}
	*c = (struct reeve_condition){ .n_places = n,
		.lock = (char *)lock - (char *)c,
		.places = (char *)places - (char *)c };
	rv_places_init(places_of(c));
	rv_store(&c->magic, CONDITION_MAGIC);
	return REEVE_OK;
}

/* Whether its user may use it now. */
static enum reeve_status
check(struct reeve_condition *c)
{
	if (c == NULL || RV_READ(c->magic) != CONDITION_MAGIC) {
		return REEVE_EINVALID;
	}
	return reeve_lock_is_mine(lock_of(c)) ? REEVE_OK : REEVE_ENOTHELD;
}

static bool
is_served(const struct reeve_condition *c, const struct reeve_place *place)
{
	/* numbers go round */
	return (int32_t)(RV_READ(place->ticket) -
			 (uint32_t)RV_READ(c->served)) < 0;
}

/* The oldest who lives, waits, and has a ticket from this one on; or NULL. */
static struct reeve_place *
oldest(struct reeve_condition *c, uint32_t from)
{
	struct rv_places places = places_of(c);
	struct reeve_place *found = NULL;

	for (uint32_t i = 0; i < places.n; i++) {
		struct reeve_place *place = &places.at[i];

		if (rv_place_alive(place) &&
		    (int32_t)(RV_READ(place->ticket) - from) >= 0 &&
		    (found == NULL || (int32_t)(RV_READ(place->ticket) -
						RV_READ(found->ticket)) < 0)) {
			found = place;
		}
	}
	return found;
}

/* Wake the next n who are not served. The ticket after the last of them. */
static uint32_t
poke(struct reeve_condition *c, uint32_t n)
{
	uint32_t from = (uint32_t)RV_READ(c->served);
	struct reeve_place *place;

	while (n-- > 0 && (place = oldest(c, from)) != NULL) {
		from = RV_READ(place->ticket) + 1;
		rv_store(&place->poke, RV_READ(place->poke) + 1);
		(void)rv_wake_word((_Atomic uint32_t *)&place->poke, 1);
	}
	return from;
}

/* What those who died have left: before anything else under the lock. */
static void
settle(struct reeve_condition *c)
{
	struct rv_places places = places_of(c);
	uint32_t left = (uint32_t)(RV_READ(c->served) >> 32);

	if (left != 0) {
		rv_store(&places.at[left - 1].use, RV_PLACE_FREE);
		rv_store64(&c->served, SERVED((uint32_t)RV_READ(c->served), 0));
	}
	for (uint32_t i = 0; i < places.n; i++) {
		struct reeve_place *place = &places.at[i];

		if (!rv_place_died(place)) {
			continue;
		}
		if (is_served(c, place)) {
			rv_store64(&c->served, SERVED(poke(c, 1), i + 1));
		}
		rv_store(&place->use, RV_PLACE_FREE);
		if (RV_READ(c->served) >> 32 != 0) {
			rv_store64(&c->served,
			    SERVED((uint32_t)RV_READ(c->served), 0));
		}
	}
}

/* Lock held: a place and a ticket; NULL: there is no place. */
static struct reeve_place *
arrive(struct reeve_condition *c)
{
	struct reeve_place *place = rv_places_take(places_of(c));

	if (place != NULL) {
		rv_store(&place->ticket, RV_READ(c->next));
		rv_store(&c->next, RV_READ(c->next) + 1);
		rv_store(&place->use, WAITING);
	}
	return place;
}

/* Lock held, and let go; then sleep, and the lock again. */
static enum reeve_status
sleep_unlocked(struct reeve_condition *c, struct reeve_place *place,
    rv_time until, bool *late)
{
	struct rv_watch watch[RV_WATCH_MAX];
	unsigned n;
	bool all = rv_place_watch(
	    places_of(c), &place->poke, RV_READ(place->poke), watch, &n);

	(void)reeve_lock_release(lock_of(c));
	*late = all && rv_wait_any(watch, n, until) == REEVE_ETIMEDOUT;
	return reeve_lock_acquire(lock_of(c), REEVE_FOREVER);
}

static enum reeve_status
wait_until(struct reeve_condition *c, rv_time until)
{
	struct reeve_place *place;
	enum reeve_status status;
	bool late = false;

	settle(c);
	place = arrive(c);
	if (place == NULL) {
		return REEVE_EFULL;
	}
	do {
		status = sleep_unlocked(c, place, until, &late);
		settle(c);
		if (status == REEVE_OK && late && !is_served(c, place)) {
			status = REEVE_ETIMEDOUT;
		}
	} while (status == REEVE_OK && !is_served(c, place));
	rv_places_leave(place);
	return status;
}

enum reeve_status
reeve_condition_wait(struct reeve_condition *c, int64_t timeout)
{
	enum reeve_status status = check(c);

	return status == REEVE_OK ? wait_until(c, rv_wait_until(timeout))
				  : status;
}

enum reeve_status
reeve_condition_wait_for(struct reeve_condition *c, reeve_predicate predicate,
    void *ctx, int64_t timeout)
{
	rv_time until = rv_wait_until(timeout);
	enum reeve_status status = check(c);

	if (status == REEVE_OK && predicate == NULL) {
		status = REEVE_EINVALID;
	}
	while (status == REEVE_OK && !predicate(ctx)) {
		status = wait_until(c, until);
		if (status == REEVE_ETIMEDOUT && predicate(ctx)) {
			status = REEVE_OK;
		}
	}
	return status;
}

enum reeve_status
reeve_condition_notify(struct reeve_condition *c, uint32_t n)
{
	enum reeve_status status = check(c);
	uint32_t served;

	if (status != REEVE_OK) {
		return status;
	}
	settle(c);
	served = poke(c, n);
	if (served != (uint32_t)RV_READ(c->served)) {
		rv_store64(&c->served, SERVED(served, 0));
	}
	return REEVE_OK;
}

enum reeve_status
reeve_condition_notify_all(struct reeve_condition *c)
{
	return reeve_condition_notify(c, UINT32_MAX);
}
