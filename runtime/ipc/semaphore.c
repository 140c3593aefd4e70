/* SPDX-License-Identifier: MIT */
/*
 * Semaphores. `state` guards the words; of those who wait, the one who holds
 * `turn` sleeps on `change`, the others on turn, where the kernel wakes the
 * next when that one goes or dies.
 *
 *	acquire:  state; there are units, and nobody is asleep: take one
 *	          else turn; state; take one, or say asleep, let go of state,
 *	          sleep while change is what it was, and look again
 *	release:  state; is one asleep: change, wake it; then more units
 *
 * The sleeper is woken before there are more units: it then waits for state,
 * and so learns of the death of the one who was about to release. A new value
 * is one store. When that one dies before the store, nothing has happened; the
 * woken one sleeps again. When it dies after it, the sleeper has been woken.
 * Dead sleepers leave `asleep` set: newcomers go by turn, find it free, and the
 * first to take a unit clears it.
 *
 * With return_dead, each who holds units has a place with their number in
 * `ticket`, value is `total` less their sum, and whoever gets state from a dead
 * holder adds that up again. The sleeper watches the places; who looks for
 * units clears those of the dead.
 */
#include "config.h"

#include <reeve/lock.h>

#include "ipc/places.h"
#include "ipc/step.h"

#define SEMAPHORE_MAGIC 0x6d737672U /* "rvsm" */
#define HOLDING         1U

/* What is never held for long: unless its holder is stopped. */
#define PATIENCE (100 * RV_MS)

static struct rv_places
places_of(struct reeve_semaphore *s)
{
	return (struct rv_places){
		(struct reeve_place *)(void *)((char *)s + s->places),
		s->n_places,
	};
}

enum reeve_status
reeve_semaphore_init(
    struct reeve_semaphore *s, const struct reeve_semaphore_options *options)
{
	uint32_t max;

	if (s == NULL || options == NULL || options->size != sizeof(*options) ||
	    options->max > REEVE_SEMAPHORE_MAX ||
	    options->n_return_dead > REEVE_PLACES_MAX ||
	    (options->return_dead == NULL) != (options->n_return_dead == 0)) {
		return REEVE_EINVALID;
	}
	max = options->max != 0 ? options->max : REEVE_SEMAPHORE_MAX;
	if (options->value > max) {
		return REEVE_EINVALID;
	}
	*s = (struct reeve_semaphore){ .value = options->value,
		.max = max,
		.total = options->value,
		.n_places = options->n_return_dead };
	if (s->n_places > 0) {
		s->max = s->total;
		s->places = (char *)options->return_dead - (char *)s;
		rv_places_init(places_of(s));
	}
	rv_mutex_init(&s->state, false);
	rv_mutex_init(&s->turn, false);
	rv_store(&s->magic, SEMAPHORE_MAGIC);
	return REEVE_OK;
}

static bool
is_semaphore(const struct reeve_semaphore *s)
{
	return s != NULL && RV_READ(s->magic) == SEMAPHORE_MAGIC;
}

/* A new value; what makes it more is announced before. */
static void
set_value(struct reeve_semaphore *s, uint32_t value)
{
	if (value > RV_READ(s->value) && RV_READ(s->asleep) != 0) {
		rv_store(&s->change, RV_READ(s->change) + 1);
		(void)rv_wake_word((_Atomic uint32_t *)&s->change, 1);
	}
	rv_store(&s->value, value);
}

/*
 * Clear the places of the dead and add up what the others hold. The latter at
 * last: one who dies within leaves that to the next who enters.
 */
static void
settle(struct reeve_semaphore *s, bool anyway)
{
	struct rv_places places = places_of(s);
	uint32_t held = 0;

	for (uint32_t i = 0; i < places.n; i++) {
		if (rv_place_died(&places.at[i])) {
			rv_store(&places.at[i].use, RV_PLACE_FREE);
			anyway = true;
		}
	}
	for (uint32_t i = 0; i < places.n && anyway; i++) {
		if (RV_READ(places.at[i].use) != RV_PLACE_FREE) {
			held += RV_READ(places.at[i].ticket);
		}
	}
	if (anyway && places.n > 0) {
		set_value(s, s->total - held);
	}
}

static enum reeve_status
enter(struct reeve_semaphore *s, rv_time until)
{
	enum reeve_status status = rv_mutex_try(&s->state);

	if (status == REEVE_ETIMEDOUT) {
		rv_time patience = rv_wait_until(PATIENCE);

		status = rv_mutex_lock(&s->state, RV_MAX(until, patience));
	}
	if (!rv_mutex_got(status)) {
		return status;
	}
	settle(s, status == REEVE_EOWNERDIED);
	return REEVE_OK;
}

static void
leave(struct reeve_semaphore *s)
{
	(void)rv_mutex_unlock(&s->state);
}

/* One unit for the caller; REEVE_ETIMEDOUT: there is none. */
static enum reeve_status
take(struct reeve_semaphore *s)
{
	struct reeve_place *place;

	if (RV_READ(s->value) == 0) {
		return REEVE_ETIMEDOUT;
	}
	if (s->n_places > 0) {
		place = rv_place_mine(places_of(s));
		if (place == NULL) {
			place = rv_places_take(places_of(s));
			if (place == NULL) {
				return REEVE_EFULL;
			}
			rv_store(&place->ticket, 0);
			rv_store(&place->use, HOLDING);
		}
		rv_store(&place->ticket, RV_READ(place->ticket) + 1);
	}
	set_value(s, RV_READ(s->value) - 1);
	return REEVE_OK;
}

/* state is held, and is not any more; the caller has the turn. */
static enum reeve_status
sleep_on(struct reeve_semaphore *s, rv_time until)
{
	struct rv_watch watch[RV_WATCH_MAX];
	uint32_t seen = RV_READ(s->change);
	unsigned n;
	bool all;

	rv_store(&s->asleep, 1);
	all = rv_place_watch(places_of(s), &s->change, seen, watch, &n);
	leave(s);
	if (!all) {
		return REEVE_OK;
	}
	return n > 1
		   ? rv_wait_any(watch, n, until)
		   : rv_wait_word((_Atomic uint32_t *)&s->change, seen, until);
}

/* The caller has the turn. */
static enum reeve_status
take_in_turn(struct reeve_semaphore *s, rv_time until)
{
	enum reeve_status slept = REEVE_OK, status;

	for (;;) {
		status = enter(s, until);
		if (status != REEVE_OK) {
			return status;
		}
		status = take(s);
		if (status != REEVE_ETIMEDOUT || slept == REEVE_ETIMEDOUT) {
			rv_store(&s->asleep, 0);
			leave(s);
			return status;
		}
		slept = sleep_on(s, until);
	}
}

enum reeve_status
reeve_semaphore_acquire(struct reeve_semaphore *s, int64_t timeout)
{
	rv_time until = rv_wait_until(timeout);
	enum reeve_status status;

	if (!is_semaphore(s)) {
		return REEVE_EINVALID;
	}
	status = enter(s, until);
	if (status != REEVE_OK) {
		return status;
	}
	status = REEVE_ETIMEDOUT;
	if (until == 0 || RV_READ(s->asleep) == 0) {
		status = take(s);
	}
	leave(s);
	if (status != REEVE_ETIMEDOUT || until == 0) {
		return status;
	}
	if (!rv_mutex_got(rv_mutex_lock(&s->turn, until))) {
		return REEVE_ETIMEDOUT;
	}
	status = take_in_turn(s, until);
	(void)rv_mutex_unlock(&s->turn);
	return status;
}

static enum reeve_status
give(struct reeve_semaphore *s, uint32_t n)
{
	struct reeve_place *place = NULL;

	if (s->n_places > 0) {
		place = rv_place_mine(places_of(s));
		if (place == NULL || RV_READ(place->ticket) < n) {
			return REEVE_ENOTHELD;
		}
	} else if (n > s->max - RV_READ(s->value)) {
		return REEVE_EFULL;
	}
	if (place == NULL) {
		set_value(s, RV_READ(s->value) + n);
		return REEVE_OK;
	}
	rv_store(&place->ticket, RV_READ(place->ticket) - n);
	set_value(s, RV_READ(s->value) + n);
	if (RV_READ(place->ticket) == 0) {
		rv_places_leave(place);
	}
	return REEVE_OK;
}

enum reeve_status
reeve_semaphore_release(struct reeve_semaphore *s, uint32_t n)
{
	enum reeve_status status;

	if (!is_semaphore(s) || n == 0) {
		return REEVE_EINVALID;
	}
	status = enter(s, RV_FOREVER);
	if (status == REEVE_OK) {
		status = give(s, n);
		leave(s);
	}
	return status;
}

uint32_t
reeve_semaphore_value(struct reeve_semaphore *s)
{
	uint32_t value = 0;

	if (is_semaphore(s) && enter(s, RV_FOREVER) == REEVE_OK) {
		value = RV_READ(s->value);
		leave(s);
	}
	return value;
}
