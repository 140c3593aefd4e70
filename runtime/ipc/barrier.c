/* SPDX-License-Identifier: MIT */
/*
 * Barriers. `state` guards all words; `phase` is the number of the round and
 * what it is about: filling, its action, broken. Who waits has a place whose
 * ticket is 1 + the round; who has joined keeps one. All of them sleep on
 * `change`, and watch all places (places.h).
 *
 *	arrive:   state; a place; the last one: action, without state held; next
 *	next, break, reset: state held; change, wake all; then the new phase
 *
 * All are woken before there is a new phase, and then wait for state: so they
 * learn of the death of who was about to make it, and have been woken by one
 * that did. Whoever has state looks for the dead before anything else; one of
 * this round, or that had joined, breaks it. That the place is cleared comes
 * after that: who dies between leaves both to be done again.
 *
 * How a round has ended is in `broken`, a bit for each of the last 64, written
 * before the phase that follows: who wakes late finds it there.
 */
#include "config.h"

#include <reeve/lock.h>

#include "ipc/places.h"
#include "ipc/step.h"

#define BARRIER_MAGIC 0x72627672U /* "rvbr" */

#define JOINED  1U
#define VISITOR 2U

#define FILLING            0U
#define ACTION             1U
#define BROKEN             2U
#define PHASE(round, what) ((round) << 2 | (what))
#define ROUNDS             (UINT32_MAX >> 2) /* then from 0 again */
#define HISTORY            64

/* What is never held for long: unless its holder is stopped. */
#define PATIENCE (100 * RV_MS)

/* One who waits, in its own memory. */
struct visit {
	struct reeve_place *place;
	uint32_t round, index;
	bool arrived, late;
	rv_time until;
	reeve_barrier_action action;
	void *ctx;
};

static struct rv_places
places_of(struct reeve_barrier *b)
{
	return (struct rv_places){
		(struct reeve_place *)(void *)((char *)b + b->places),
		b->n_places,
	};
}

enum reeve_status
reeve_barrier_init(
    struct reeve_barrier *b, const struct reeve_barrier_options *options)
{
	if (b == NULL || options == NULL || options->size != sizeof(*options) ||
	    options->parties == 0 || options->places == NULL ||
	    options->n_places < options->parties ||
	    options->n_places > REEVE_PLACES_MAX) {
		return REEVE_EINVALID;
	}
	*b = (struct reeve_barrier){ .parties = options->parties,
		.n_places = options->n_places,
		.places = (char *)options->places - (char *)b,
		.timeout =
		    options->timeout != 0 ? options->timeout : REEVE_FOREVER };
	rv_places_init(places_of(b));
	rv_mutex_init(&b->state, false);
	rv_store(&b->magic, BARRIER_MAGIC);
	return REEVE_OK;
}

static bool
is_barrier(const struct reeve_barrier *b)
{
	return b != NULL && RV_READ(b->magic) == BARRIER_MAGIC;
}

static uint32_t
round_of(const struct reeve_barrier *b)
{
	return RV_READ(b->phase) >> 2;
}

static uint32_t
what_of(const struct reeve_barrier *b)
{
	return RV_READ(b->phase) & 3;
}

static bool
is_waiting(const struct reeve_barrier *b, const struct reeve_place *place)
{
	return RV_READ(place->use) != RV_PLACE_FREE &&
	       RV_READ(place->ticket) == round_of(b) + 1;
}

static uint32_t
n_waiting(struct reeve_barrier *b)
{
	struct rv_places places = places_of(b);
	uint32_t n = 0;

	for (uint32_t i = 0; i < places.n; i++) {
		n += is_waiting(b, &places.at[i]);
	}
	return n;
}

static void
set_phase(struct reeve_barrier *b, uint32_t phase)
{
	rv_store(&b->change, RV_READ(b->change) + 1);
	(void)rv_wake_word((_Atomic uint32_t *)&b->change, UINT32_MAX);
	rv_store(&b->phase, phase);
}

static void
break_it(struct reeve_barrier *b)
{
	if (what_of(b) != BROKEN) {
		set_phase(b, PHASE(round_of(b), BROKEN));
	}
}

/* The round is over; those in it shall find that it went well, or did not. */
static void
next_round(struct reeve_barrier *b, bool well)
{
	uint32_t round = round_of(b);
	uint64_t bit = (uint64_t)1 << round % HISTORY, is = RV_READ(b->broken);

	rv_store64(&b->broken, well ? is & ~bit : is | bit);
	set_phase(b, PHASE((round + 1) & ROUNDS, FILLING));
}

static void
settle(struct reeve_barrier *b)
{
	struct rv_places places = places_of(b);

	for (uint32_t i = 0; i < places.n; i++) {
		struct reeve_place *place = &places.at[i];

		if (!rv_place_died(place)) {
			continue;
		}
		if (RV_READ(place->use) == JOINED || is_waiting(b, place)) {
			break_it(b);
		}
		rv_store(&place->use, RV_PLACE_FREE);
	}
}

static enum reeve_status
enter(struct reeve_barrier *b, rv_time until)
{
	enum reeve_status status = rv_mutex_try(&b->state);

	if (status == REEVE_ETIMEDOUT) {
		rv_time patience = rv_wait_until(PATIENCE);

		status = rv_mutex_lock(&b->state, RV_MAX(until, patience));
	}
	if (!rv_mutex_got(status)) {
		return status;
	}
	settle(b);
	return REEVE_OK;
}

static void
leave(struct reeve_barrier *b)
{
	(void)rv_mutex_unlock(&b->state);
}

/* The caller's, or a free one, used as this; NULL: there is none. */
static struct reeve_place *
place_for(struct reeve_barrier *b, uint32_t use)
{
	struct reeve_place *place = rv_place_mine(places_of(b));

	if (place == NULL) {
		place = rv_places_take(places_of(b));
		if (place != NULL) {
			rv_store(&place->ticket, 0);
			rv_store(&place->use, use);
		}
	}
	return place;
}

/* As the last of the round. REEVE_EAGAIN: the round was broken meanwhile. */
static void
run_action(struct reeve_barrier *b, struct visit *visit)
{
	enum reeve_status status;

	if (visit->action == NULL) {
		next_round(b, true);
		return;
	}
	rv_store(&b->phase, PHASE(visit->round, ACTION));
	leave(b);
	status = visit->action(visit->ctx);
	(void)enter(b, RV_FOREVER);
	if (RV_READ(b->phase) != PHASE(visit->round, ACTION)) {
		return;
	}
	if (status == REEVE_OK) {
		next_round(b, true);
	} else {
		break_it(b);
	}
}

static void
arrive(struct reeve_barrier *b, struct visit *visit)
{
	visit->round = round_of(b);
	visit->index = n_waiting(b);
	visit->arrived = true;
	rv_store(&visit->place->ticket, visit->round + 1);
	if (visit->index + 1 == b->parties) {
		run_action(b, visit);
	}
}

/* How the round has ended of one who arrived; REEVE_EAGAIN: not yet. */
static enum reeve_status
verdict(const struct reeve_barrier *b, const struct visit *visit)
{
	uint32_t since = (round_of(b) - visit->round) & ROUNDS;

	if (since != 0) {
		return since >= HISTORY ||
			       RV_READ(b->broken) >> visit->round % HISTORY & 1
			   ? REEVE_EBROKEN
			   : REEVE_OK;
	}
	return what_of(b) == BROKEN ? REEVE_EBROKEN : REEVE_EAGAIN;
}

/* state is held, and let go while asleep; false: it could not be had again. */
static bool
sleep_outside(struct reeve_barrier *b, struct visit *visit)
{
	struct rv_watch watch[RV_WATCH_MAX];
	unsigned n;
	bool all = rv_place_watch(
	    places_of(b), &b->change, RV_READ(b->change), watch, &n);

	leave(b);
	visit->late =
	    all && rv_wait_any(watch, n, visit->until) == REEVE_ETIMEDOUT;
	return enter(b, visit->until) == REEVE_OK;
}

/* state is held; *held says whether it is in the end. */
static enum reeve_status
stay(struct reeve_barrier *b, struct visit *visit, bool *held)
{
	enum reeve_status status;

	for (;;) {
		if (!visit->arrived && what_of(b) == FILLING) {
			arrive(b, visit);
		}
		status = visit->arrived         ? verdict(b, visit)
			 : what_of(b) == BROKEN ? REEVE_EBROKEN
						: REEVE_EAGAIN;
		if (status != REEVE_EAGAIN) {
			return status;
		}
		if (visit->late) {
			break_it(b);
			return REEVE_EBROKEN;
		}
		*held = sleep_outside(b, visit);
		if (!*held) {
			return REEVE_ETIMEDOUT;
		}
	}
}

enum reeve_status
reeve_barrier_wait(struct reeve_barrier *b, reeve_barrier_action action,
    void *ctx, uint32_t *index, int64_t timeout)
{
	struct visit visit = { .action = action, .ctx = ctx };
	enum reeve_status status;
	bool held = true;

	if (!is_barrier(b)) {
		return REEVE_EINVALID;
	}
	visit.until = rv_wait_until(
	    timeout == REEVE_BARRIER_DEFAULT ? b->timeout : timeout);
	status = enter(b, visit.until);
	if (status != REEVE_OK) {
		return status;
	}
	visit.place = place_for(b, VISITOR);
	if (visit.place == NULL) {
		leave(b);
		return REEVE_EFULL;
	}
	status = stay(b, &visit, &held);
	rv_store(&visit.place->ticket, 0);
	if (RV_READ(visit.place->use) == VISITOR) {
		rv_places_leave(visit.place);
	}
	if (held) {
		leave(b);
	}
	if (status == REEVE_OK && index != NULL) {
		*index = visit.index;
	}
	return status;
}

enum reeve_status
reeve_barrier_join(struct reeve_barrier *b)
{
	enum reeve_status status;

	if (!is_barrier(b)) {
		return REEVE_EINVALID;
	}
	status = enter(b, RV_FOREVER);
	if (status != REEVE_OK) {
		return status;
	}
	if (rv_place_mine(places_of(b)) != NULL) {
		status = REEVE_EBUSY;
	} else if (place_for(b, JOINED) == NULL) {
		status = REEVE_EFULL;
	}
	leave(b);
	return status;
}

enum reeve_status
reeve_barrier_leave(struct reeve_barrier *b)
{
	struct reeve_place *place;
	enum reeve_status status;

	if (!is_barrier(b)) {
		return REEVE_EINVALID;
	}
	status = enter(b, RV_FOREVER);
	if (status != REEVE_OK) {
		return status;
	}
	place = rv_place_mine(places_of(b));
	if (place != NULL) {
		rv_places_leave(place);
	} else {
		status = REEVE_ENOTHELD;
	}
	leave(b);
	return status;
}

enum reeve_status
reeve_barrier_abort(struct reeve_barrier *b)
{
	if (!is_barrier(b)) {
		return REEVE_EINVALID;
	}
	if (enter(b, RV_FOREVER) == REEVE_OK) {
		break_it(b);
		leave(b);
	}
	return REEVE_OK;
}

enum reeve_status
reeve_barrier_reset(struct reeve_barrier *b)
{
	if (!is_barrier(b)) {
		return REEVE_EINVALID;
	}
	if (enter(b, RV_FOREVER) == REEVE_OK) {
		next_round(b, false);
		leave(b);
	}
	return REEVE_OK;
}

uint32_t
reeve_barrier_n_waiting(struct reeve_barrier *b)
{
	uint32_t n = 0;

	if (is_barrier(b) && enter(b, RV_FOREVER) == REEVE_OK) {
		n = what_of(b) == BROKEN ? 0 : n_waiting(b);
		leave(b);
	}
	return n;
}

bool
reeve_barrier_is_broken(struct reeve_barrier *b)
{
	bool broken = false;

	if (is_barrier(b) && enter(b, RV_FOREVER) == REEVE_OK) {
		broken = what_of(b) == BROKEN;
		leave(b);
	}
	return broken;
}
