/* SPDX-License-Identifier: MIT */
/*
 * A storm of kills over everything that processes share: 16 of them use a lock,
 * a recursive one, a semaphore, a condition, a flag, a barrier, a queue and one
 * with leases (storm_steps.c), and every few milliseconds one of them is killed
 * and another takes its place. Every second the kills pause until each of them
 * has gone on: so nobody hangs whom a kill would have hidden. In the end every
 * item is accounted for, what a lock guards adds up, and all units are back.
 * REEVE_STORM_SECONDS: how long, else 1.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <reeve/bell.h>

#include "lib/crew.h"
#include "lib/harness.h"
#include "unit/storm_rig.h"

#define PATIENCE_MS 60000

struct storm {
	struct storm_hall *hall;
	struct reeve_queue *queue, *leases;
	struct reeve_bell *never; /* the clock between kills */
	struct storm_worker workers[STORM_CREW];
	pid_t pids[STORM_CREW];    /* 0: ended */
	uint32_t seen[STORM_CREW]; /* steps, when the pause began */
	/* begun and not done by those who were killed */
	uint32_t cut[STORM_N_STEPS][STORM_CREW];
	uint32_t in_hand[2];
	unsigned kills, pauses;
};

static void
start(struct storm *s, uint32_t i)
{
	s->workers[i] =
	    (struct storm_worker){ s->hall, s->queue, s->leases, i };
	s->pids[i] = crew_start(storm_work, &s->workers[i]);
}

static void
init_hall(struct storm_hall *h)
{
	struct reeve_semaphore_options semaphore = { .size = sizeof(semaphore),
		.value = STORM_UNITS,
		.return_dead = h->semaphore_places,
		.n_return_dead = STORM_CREW };
	struct reeve_barrier_options barrier = { .size = sizeof(barrier),
		.parties = STORM_PARTIES,
		.places = h->barrier_places,
		.n_places = STORM_CREW };

	reeve_lock_init(&h->lock);
	reeve_rlock_init(&h->rlock);
	reeve_lock_init(&h->condition_lock);
	reeve_flag_init(&h->flag);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_semaphore_init(&h->semaphore, &semaphore), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_condition_init(&h->condition, &h->condition_lock,
		h->condition_places, STORM_CREW),
	    REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_barrier_init(&h->barrier, &barrier), REEVE_OK);
}

static struct storm *
new_storm(void)
{
	struct reeve_queue_options options = { .size = sizeof(options),
		.max_items = 20,
		.max_leases = STORM_CREW,
		.large = 200 };
	static struct storm s;

	s.hall = crew_share(sizeof(*s.hall));
	init_hall(s.hall);
	CU_ASSERT_EQUAL_FATAL(reeve_bell_new(&s.never, NULL), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_queue_new(&s.queue, &options, NULL), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_queue_new(&s.leases, &options, NULL), REEVE_OK);
	for (uint32_t i = 0; i < STORM_CREW; i++) {
		start(&s, i);
	}
	return &s;
}

static void
kill_one(struct storm *s, uint32_t i)
{
	struct storm_hall *h = s->hall;
	uint64_t killed = (uint64_t)1 << (32 + i), its = (uint64_t)0x10001 << i;

	(void)__atomic_or_fetch(&h->units, killed, __ATOMIC_SEQ_CST);
	crew_kill(s->pids[i]);
	(void)__atomic_and_fetch(&h->units, ~its, __ATOMIC_SEQ_CST);
	(void)__atomic_and_fetch(&h->units, ~killed, __ATOMIC_SEQ_CST);
	for (int step = 0; step < STORM_N_STEPS; step++) {
		s->cut[step][i] += h->begun[step][i] - h->done[step][i];
		h->done[step][i] = h->begun[step][i];
	}
	s->in_hand[storm_is_giver(i)] += h->in_hand[i];
	h->in_hand[i] = 0;
	s->kills++;
	start(s, i);
}

/* --- nobody hangs --------------------------------------------------------- */

static bool
all_went_on(void *ctx)
{
	struct storm *s = ctx;
	bool all = true;

	for (uint32_t i = 0; i < STORM_CREW; i++) {
		all = all && crew_value(&s->hall->steps[i]) - s->seen[i] >= 2;
	}
	return all;
}

static void
tell_where(const struct storm *s)
{
	static const char *const names[] = {
#define X(name) #name,
		STORM_STEPS(X)
#undef X
	};

	for (uint32_t i = 0; i < STORM_CREW; i++) {
		printf("# %u: %s, pid %d, %u steps since\n", i,
		    names[s->hall->at[i] % STORM_N_STEPS], (int)s->pids[i],
		    crew_value(&s->hall->steps[i]) - s->seen[i]);
	}
}

/* False: somebody did not go on though nobody was killed. */
static bool
pause_until_all_went_on(struct storm *s)
{
	s->pauses++;
	for (uint32_t i = 0; i < STORM_CREW; i++) {
		s->seen[i] = crew_value(&s->hall->steps[i]);
	}
	if (!rv_test_wait(all_went_on, s, -1, PATIENCE_MS)) {
		tell_where(s);
		return false;
	}
	return true;
}

struct part {
	struct storm *storm;
	uint32_t from, to;
};

static bool
all_ended(void *ctx)
{
	struct part *part = ctx;
	struct storm *s = part->storm;
	bool all = true;

	if (crew_value(&s->hall->stop) == 2) {
		/* who comes late would wait for parties that do not come */
		(void)reeve_barrier_abort(&s->hall->barrier);
	}
	for (uint32_t i = part->from; i < part->to; i++) {
		int status = 0;

		if (s->pids[i] > 0 &&
		    waitpid(s->pids[i], &status, WNOHANG) == s->pids[i]) {
			CU_ASSERT_EQUAL(status, 0);
			s->pids[i] = 0;
		}
		all = all && s->pids[i] == 0;
	}
	return all;
}

static void
stop(struct storm *s, uint32_t stop, uint32_t from, uint32_t to)
{
	struct part part = { s, from, to };
	bool ended;

	__atomic_store_n(&s->hall->stop, stop, __ATOMIC_SEQ_CST);
	ended = rv_test_wait(all_ended, &part, -1, PATIENCE_MS);
	CU_ASSERT_TRUE(ended);
	if (!ended) {
		tell_where(s);
	}
	for (uint32_t i = from; i < to; i++) {
		if (s->pids[i] > 0) {
			crew_kill(s->pids[i]);
		}
	}
}

/* --- what is left ------------------------------------------------------------
 */

/* What each one added is what it has done, and maybe what it was killed at. */
static void
check_sums(struct storm *s, struct storm_ledger *l, enum storm_step step)
{
	CU_ASSERT_TRUE(storm_ledger_adds_up(l));
	for (uint32_t i = 0; i < STORM_CREW; i++) {
		uint32_t done = s->hall->done[step][i];

		CU_ASSERT(l->is[i] <= done);
		CU_ASSERT(l->is[i] + s->cut[step][i] >= done);
	}
	printf("# %u deaths told of %llu changes\n", l->told,
	    (unsigned long long)l->is[STORM_CREW]);
}

static void
check_locks(struct storm *s)
{
	struct storm_hall *h = s->hall;

	storm_ledger_repair(&h->by_lock, reeve_lock_acquire(&h->lock, 0));
	CU_ASSERT_EQUAL(reeve_lock_release(&h->lock), REEVE_OK);
	check_sums(s, &h->by_lock, STORM_lock);
	storm_ledger_repair(&h->by_rlock, reeve_rlock_acquire(&h->rlock, 0));
	CU_ASSERT_EQUAL(reeve_rlock_release(&h->rlock), REEVE_OK);
	check_sums(s, &h->by_rlock, STORM_rlock);
	storm_ledger_repair(
	    &h->by_condition, reeve_lock_acquire(&h->condition_lock, 0));
	CU_ASSERT_EQUAL(reeve_lock_release(&h->condition_lock), REEVE_OK);
	CU_ASSERT_TRUE(storm_tickets_add_up(&h->by_condition));
	CU_ASSERT(h->by_condition.is[STORM_TICKETS] <= 20);
	printf("# %u deaths told of %llu tickets\n", h->by_condition.told,
	    (unsigned long long)h->by_condition.is[STORM_GIVEN]);
}

static uint32_t
sum(const uint32_t of[STORM_CREW])
{
	uint32_t all = 0;

	for (uint32_t i = 0; i < STORM_CREW; i++) {
		all += of[i];
	}
	return all;
}

static void
check_barrier(struct storm *s)
{
	struct storm_hall *h = s->hall;
	uint32_t cut = sum(s->cut[STORM_barrier]) + h->broken;

	/* of each round all went on, but for the killed, and those told so */
	for (int i = 0; i < STORM_PARTIES; i++) {
		CU_ASSERT(h->went[i] <= h->rounds);
		CU_ASSERT(h->went[i] + cut >= h->rounds);
	}
	CU_ASSERT_EQUAL(reeve_barrier_n_waiting(&h->barrier), 0);
	CU_ASSERT_EQUAL(reeve_barrier_reset(&h->barrier), REEVE_OK);
	CU_ASSERT_FALSE(reeve_barrier_is_broken(&h->barrier));
	printf("# %u rounds, %u times broken\n", h->rounds, h->broken);
}

/* Get what is left, then count: what was put was got, once. */
static void
check_queue(struct storm *s, struct reeve_queue *queue, enum storm_step step)
{
	struct storm_hall *h = s->hall;
	bool leases = step == STORM_leases;
	uint32_t first = leases ? STORM_SIDE : 0, n = 0, missing = 0, again = 0,
		 unput = 0, in_hand = s->in_hand[leases];
	struct reeve_item item = { 0 };
	struct reeve_queue_state state;

	while (reeve_queue_get(queue, &item, 0) == REEVE_OK) {
		CU_ASSERT_TRUE(storm_note(h, step, &item));
	}
	reeve_item_free(&item);
	for (uint32_t i = 0; i < STORM_SIDE; i++) {
		for (uint32_t k = 0; k < h->begun[step][first + i]; k++) {
			missing += h->seen[leases][i][k] == 0;
			again += h->seen[leases][i][k] > 1;
		}
		n += h->begun[step][first + i];
		unput += s->cut[step][first + i];
	}
	reeve_queue_look(queue, &state);
	CU_ASSERT_EQUAL(state.items, 0);
	CU_ASSERT_EQUAL(state.leased, 0);
	CU_ASSERT_EQUAL(state.bytes, 0);
	CU_ASSERT(missing <= unput + (leases ? 0 : in_hand));
	CU_ASSERT(again <= (leases ? in_hand : 0));
	printf("# %u items, %u not put or lost with their getter, %u again\n",
	    n, missing, again);
	reeve_queue_free(queue);
}

RV_TEST(sixteen_processes_in_a_storm_of_kills_keep_all_that_they_share)
{
	const char *seconds = getenv("REEVE_STORM_SECONDS");
	struct storm *s = new_storm();
	time_t now = time(NULL), pause = now + 1,
	       end = now +
		     (seconds != NULL ? (time_t)strtol(seconds, NULL, 10) : 1);
	unsigned seed = (unsigned)getpid();
	bool well = true;

	while (well && (time(NULL) <= end || s->kills < 100)) {
		CU_ASSERT_EQUAL(
		    reeve_bell_wait(s->never, REEVE_MS(1 + rand_r(&seed) % 4)),
		    REEVE_ETIMEDOUT);
		kill_one(s, (uint32_t)rand_r(&seed) % STORM_CREW);
		if (time(NULL) >= pause) {
			well = pause_until_all_went_on(s);
			pause = time(NULL) + 1;
		}
	}
	CU_ASSERT_TRUE(well);
	stop(s, 1, STORM_SIDE, STORM_CREW);
	stop(s, 2, 0, STORM_SIDE);
	printf("# %u kills, %u pauses, %u steps (seed %d)\n", s->kills,
	    s->pauses, sum(s->hall->steps), getpid());
	for (int step = 0; step < STORM_N_STEPS; step++) {
		CU_ASSERT_EQUAL(s->hall->odd[step], 0);
		if (s->hall->odd[step] != 0) {
			printf("# odd in step %d\n", step);
		}
	}
	check_locks(s);
	CU_ASSERT_EQUAL(
	    reeve_semaphore_value(&s->hall->semaphore), STORM_UNITS);
	check_barrier(s);
	check_queue(s, s->queue, STORM_queue);
	check_queue(s, s->leases, STORM_leases);
	reeve_bell_free(s->never);
	crew_unshare(s->hall, sizeof(*s->hall));
}

RV_SUITE(mixed_storm,
    RV_CASE(sixteen_processes_in_a_storm_of_kills_keep_all_that_they_share))
