/* SPDX-License-Identifier: MIT */
/*
 * What happens in the world of sched_world.h: processes that do what a seed
 * says, and a host that hears of it late and does what the scheduler says.
 */
#include "config.h"

#include "sched_world.h"

#include <stdio.h>
#include <string.h>

uint64_t
world_draw(struct world *w, uint64_t n)
{
	uint64_t x = w->random += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return (x ^ (x >> 31)) % n;
}

bool
world_chance(struct world *w, unsigned percent)
{
	return world_draw(w, 100) < percent;
}

void
world_wrong(struct world *w, const char *what)
{
	if (!w->wrong) {
		printf("# %s\n", what);
	}
	w->wrong = true;
}

/* -------- what processes do -------- */

static void
word(struct world_worker *p, char c)
{
	p->words[p->n_words++] = c;
}

static struct world_task *
of_process(struct world_worker *p, enum world_ring state)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (p->ring[i]->ring == state) {
			return p->ring[i];
		}
	}
	return NULL;
}

static void
process_begins(struct world *w, struct world_worker *p, bool says_so)
{
	struct world_task *t = of_process(p, RING_HELD);

	if (t == NULL || of_process(p, RING_BEGUN) != NULL) {
		return;
	}
	if (t->active) {
		world_wrong(w, "two run one task");
	}
	t->ring = RING_BEGUN;
	t->active = true;
	t->begun++;
	if (says_so) {
		word(p, 'T');
	}
}

static void
process_ends(struct world *w, struct world_worker *p)
{
	struct world_task *t = of_process(p, RING_BEGUN);

	if (t != NULL) {
		t->ring = RING_ENDED;
		t->active = false;
		word(p, !w->calm && world_chance(w, 25) ? 'B' : 'G');
	}
}

static void
process_dies(struct world *w, struct world_worker *p)
{
	struct world_task *t;

	if (!p->exists) {
		return;
	}
	if (world_chance(w, 10)) {
		process_begins(w, p, false);
	}
	t = of_process(p, RING_BEGUN);
	if (t != NULL) {
		t->active = false;
	}
	p->exists = false;
}

/* -------- what the host does -------- */

static uint16_t
number(const struct world *w, const struct world_worker *p)
{
	return (uint16_t)(p - w->workers);
}

static void
out_of_ring(struct world *w, struct world_worker *p, struct world_task *t)
{
	unsigned i = 0;

	while (p->ring[i] != t) {
		i++;
	}
	if (i == 0) {
		p->since = w->now;
	}
	p->n--;
	memmove(&p->ring[i], &p->ring[i + 1],
	    (p->n - i) * sizeof(struct world_task *));
}

static void
hear(struct world *w, struct world_worker *p)
{
	char c = p->words[0];
	struct world_task *t = p->n > 0 ? p->ring[0] : NULL;
	struct rv_task *task;

	if (p->n_words == 0) {
		return;
	}
	memmove(p->words, p->words + 1, --p->n_words);
	if (c == 'T') {
		t->heard = true;
		if (!rv_sched_taken(&w->sched, number(w, p), w->now)) {
			world_wrong(w, "a beginning was not believed");
		}
		return;
	}
	task = rv_sched_done(&w->sched, number(w, p), c == 'G', w->now);
	if (task != &t->task) {
		world_wrong(w, "an end was of another task");
		return;
	}
	out_of_ring(w, p, t);
	law_ended(w, t, c == 'G' ? RV_OUTCOME_GOOD : RV_OUTCOME_FAILED);
}

static void
hear_all(struct world *w, struct world_worker *p)
{
	while (p->n_words > 0 && !w->wrong) {
		hear(w, p);
	}
}

/* It is dead, and the host takes note. */
static void
host_buries(struct world *w, struct world_worker *p)
{
	struct world_task *blamed;

	if (p->exists || !p->up) {
		return;
	}
	hear_all(w, p);
	blamed = of_process(p, RING_BEGUN);
	if (w->wrong) {
		return;
	}
	if (blamed != NULL && !blamed->heard) {
		blamed->heard = true;
		(void)rv_sched_taken(&w->sched, number(w, p), w->now);
	}
	if (rv_sched_running(&w->sched, number(w, p)) !=
	    (blamed != NULL ? &blamed->task : NULL)) {
		world_wrong(w, "another is to be blamed");
	}
	rv_sched_down(&w->sched, number(w, p), w->now);
	for (unsigned i = 0; i < p->n; i++) {
		if (p->ring[i] == blamed) {
			law_ended(w, blamed, RV_OUTCOME_DIED);
		} else {
			law_put_back(w, p->ring[i]);
		}
	}
	*p = (struct world_worker){ 0 };
}

static void
host_cancels(struct world *w, struct world_task *t, bool kill)
{
	struct world_worker *p = NULL;
	bool expected = true, running;

	if (t->task.state == RV_TASK_HELD) {
		p = &w->workers[t->task.worker];
		if (t->ring == RING_HELD) {
			out_of_ring(w, p, t);
		} else {
			hear_all(w, p);
		}
		if (t->task.state == RV_TASK_HELD && t->ring != RING_HELD) {
			/* It died before it could say so. */
			t->heard = true;
			(void)rv_sched_taken(&w->sched, number(w, p), w->now);
		}
	}
	running = t->task.state == RV_TASK_RUNNING;
	if (t->may_end != 0) {
		expected = false;
	} else if (running) {
		expected = kill || t->promised;
		t->promised |= kill;
	} else {
		t->may_end = 1u << RV_OUTCOME_CANCELLED;
	}
	if (rv_sched_cancel(&w->sched, &t->task, kill, w->now) != expected) {
		world_wrong(w, "a cancel did what it should not");
	}
}

static void
host_submits(struct world *w)
{
	static const rv_time times[] = { RV_FOREVER, RV_FOREVER, RV_FOREVER,
		300 * RV_US, 2 * RV_MS, 50 * RV_MS };
	struct world_task *t = &w->tasks[world_draw(w, WORLD_TASKS)];
	bool more = world_chance(w, 3);
	enum reeve_status status;
	struct rv_sched_stats st;

	if (t->live) {
		return;
	}
	*t = (struct world_task){ .clean = !more, .serial = ++w->serial };
	t->rules = (struct rv_task_rules){
		.soft = times[world_draw(w, RV_ARRAY_LEN(times))],
		.hard = times[world_draw(w, RV_ARRAY_LEN(times))],
		.grace = times[world_draw(w, RV_ARRAY_LEN(times))],
		.backoff = (rv_time)world_draw(w, 3) * RV_MS,
		.backoff_max = (rv_time)world_draw(w, 8) * RV_MS,
		.retries = (uint32_t)world_draw(w, 4),
		.deaths_only = world_chance(w, 30),
		.priority =
		    (uint8_t)(world_chance(w, 60) ? 3 : world_draw(w, 8)),
	};
	t->task.rules = &t->rules;
	rv_sched_stats(&w->sched, &st);
	status = more ? rv_sched_continue(&w->sched, &t->task, w->now)
		      : rv_sched_submit(&w->sched, &t->task, w->now);
	if (w->phase > RV_SCHED_CLOSED || (!more && w->phase > RV_SCHED_OPEN)) {
		t->live = status != REEVE_ECLOSED;
	} else if (!more && w->options.max_waiting > 0 &&
		   st.ready + st.resting >= w->options.max_waiting) {
		t->live = status != REEVE_EFULL;
	} else if (status == REEVE_OK) {
		t->live = true;
		w->submitted++;
		return;
	}
	if (t->live || status == REEVE_OK) {
		world_wrong(w, "refused, or not, against the rules");
	}
}

/* True or false as asked for; what is left is said in actions. */
static void
do_action(struct world *w, const struct rv_sched_action *a)
{
	struct world_worker *p =
	    a->worker < WORLD_PLACES ? &w->workers[a->worker] : NULL;
	struct world_task *t = a->task != NULL ? world_of(a->task) : NULL;

	law_action(w, a);
	if (w->wrong) {
		return;
	}
	switch (a->act) {
	case RV_SCHED_GIVE:
		if (p->n == 0) {
			p->since = w->now;
		}
		t->ring = RING_HELD;
		t->heard = false;
		p->ring[p->n++] = t;
		if (!w->calm && world_chance(w, 1)) {
			out_of_ring(w, p, t);
			rv_sched_refused(&w->sched, &t->task, w->now);
			law_put_back(w, t);
		}
		break;
	case RV_SCHED_REVOKE:
		if (t->ring == RING_HELD) {
			out_of_ring(w, p, t);
			rv_sched_refused(&w->sched, &t->task, w->now);
			law_put_back(w, t);
		} else {
			hear_all(w, p);
		}
		break;
	case RV_SCHED_SIGNAL:
		t->signalled = true;
		break;
	case RV_SCHED_KILL:
		p->killed = true;
		process_dies(w, p);
		break;
	case RV_SCHED_RETIRE:
		p->leaving = true;
		break;
	case RV_SCHED_SIZE:
		w->said = a->size;
		for (uint16_t i = w->said; i < WORLD_PLACES; i++) {
			w->workers[i].leaving |= w->workers[i].up;
		}
		break;
	case RV_SCHED_FINISH:
		t->live = false;
		w->finished++;
		break;
	}
}

static void
host_works(struct world *w)
{
	struct rv_sched_action action;

	if (rv_sched_deadline(&w->sched) <= w->now) {
		rv_sched_tick(&w->sched, w->now);
	}
	while (!w->wrong && rv_sched_next(&w->sched, &action, w->now)) {
		do_action(w, &action);
	}
	if (!w->wrong) {
		law_quiet(w);
	}
}

/* -------- what happens -------- */

static void
waiting_end(struct world *w, enum rv_task_outcome outcome)
{
	for (unsigned i = 0; i < WORLD_TASKS; i++) {
		struct world_task *t = &w->tasks[i];

		if (t->live && t->may_end == 0 &&
		    (t->task.state == RV_TASK_READY ||
			t->task.state == RV_TASK_RESTING)) {
			t->may_end = 1u << outcome;
		}
	}
}

static void
enter_phase(struct world *w, enum rv_sched_phase phase)
{
	bool later = phase > w->phase;

	if (later && phase > RV_SCHED_CLOSED) {
		waiting_end(w, phase == RV_SCHED_BROKEN ? RV_OUTCOME_BROKEN
							: RV_OUTCOME_CANCELLED);
	}
	w->phase = later ? phase : w->phase;
	switch (phase) {
	case RV_SCHED_OPEN:
		break;
	case RV_SCHED_CLOSED:
		rv_sched_close(&w->sched, w->now);
		break;
	case RV_SCHED_DROPPED:
		rv_sched_drop(&w->sched, w->now);
		break;
	case RV_SCHED_BROKEN:
		rv_sched_broken(&w->sched, w->now);
		break;
	case RV_SCHED_TERMINATED:
		for (unsigned i = 0; i < WORLD_PLACES; i++) {
			for (unsigned j = 0; j < w->workers[i].n; j++) {
				w->workers[i].ring[j]->promised |= later;
			}
		}
		rv_sched_terminate(&w->sched, w->now);
		break;
	}
}

static void
time_passes(struct world *w)
{
	rv_time due = rv_sched_deadline(&w->sched);

	if (world_chance(w, 30) && due != RV_FOREVER) {
		w->now = RV_MAX(w->now, due);
	} else if (world_chance(w, 5)) {
		w->now += (rv_time)world_draw(w, 100) * RV_MS;
	} else {
		w->now += (rv_time)world_draw(w, 40) * RV_US;
	}
}

static void
comes_up(struct world *w, uint16_t i)
{
	struct world_worker *p = &w->workers[i];

	if (p->up || p->exists || (i >= w->said && !world_chance(w, 2))) {
		return;
	}
	rv_sched_up(&w->sched, i, w->now);
	p->exists = p->up = true;
	p->leaving = w->said != 0 && i >= w->said;
	p->since = w->now;
}

static void
nonsense(struct world *w, struct world_worker *p)
{
	uint16_t n = number(w, p);

	if (!p->up) {
		rv_sched_down(&w->sched, n, w->now);
		rv_sched_doom(&w->sched, n, w->now);
		rv_sched_tire(&w->sched, n, w->now);
	}
	if (rv_sched_running(&w->sched, n) == NULL) {
		if (rv_sched_done(&w->sched, n, true, w->now) != NULL) {
			world_wrong(w, "an end was believed");
		}
		if (p->n == 0 && rv_sched_taken(&w->sched, n, w->now)) {
			world_wrong(w, "a beginning was believed");
		}
	} else if (rv_sched_taken(&w->sched, n, w->now)) {
		world_wrong(w, "it began two");
	}
}

static void
trouble(struct world *w, struct world_worker *p)
{
	switch (world_draw(w, 8)) {
	case 0:
	case 1:
		process_dies(w, p);
		break;
	case 2:
		if (p->up && !p->killed && world_chance(w, 20)) {
			p->doomed = true;
			rv_sched_doom(&w->sched, number(w, p), w->now);
		}
		break;
	case 3:
		if (p->up && world_chance(w, 20)) {
			p->tired = true;
			rv_sched_tire(&w->sched, number(w, p), w->now);
		}
		break;
	case 4:
		nonsense(w, p);
		break;
	case 5:
		if (world_chance(w, 10)) {
			uint16_t a = (uint16_t)(1 + world_draw(w, 8));
			uint16_t b = (uint16_t)(1 + world_draw(w, 8));

			w->options.min = RV_MIN(a, b);
			w->options.max = RV_MAX(a, b);
			rv_sched_resize(
			    &w->sched, w->options.min, w->options.max, w->now);
		}
		break;
	case 6:
		if (world_chance(w, 1)) {
			enter_phase(
			    w, (enum rv_sched_phase)(1 + world_draw(w, 4)));
		}
		break;
	default: {
		struct world_task *t = &w->tasks[world_draw(w, WORLD_TASKS)];

		if (t->live) {
			host_cancels(w, t, world_chance(w, 50));
		}
	}
	}
}

static void
something(struct world *w)
{
	struct world_worker *p = &w->workers[world_draw(w, WORLD_PLACES)];

	switch (world_draw(w, 10)) {
	case 0:
	case 1:
		if (!w->calm) {
			host_submits(w);
		}
		break;
	case 2:
	case 3:
		if (p->exists && p->up) {
			process_begins(w, p, true);
		}
		break;
	case 4:
	case 5:
		if (p->exists && p->up && !world_chance(w, 10)) {
			process_ends(w, p);
		}
		break;
	case 6:
		hear_all(w, p);
		break;
	case 7:
		if (p->leaving && p->n == 0) {
			process_dies(w, p);
		}
		host_buries(w, p);
		comes_up(w, (uint16_t)world_draw(w, WORLD_PLACES));
		break;
	case 8:
		time_passes(w);
		break;
	default:
		if (!w->calm) {
			trouble(w, p);
		}
	}
}

void
world_open(struct world *w, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->random = seed;
	w->now = RV_SEC;
	w->options = (struct rv_sched_options){
		.min = (uint16_t)(1 + world_draw(w, 4)),
		.places = WORLD_PLACES,
		.idle = (rv_time)world_draw(w, 4) * 10 * RV_MS,
		.grow_after = (rv_time)(1 + world_draw(w, 4)) * RV_MS,
		.max_tasks = (uint32_t)world_draw(w, 3) * 4,
		.max_waiting = world_draw(w, 3) * 40,
	};
	w->options.max = (uint16_t)(w->options.min + world_draw(w, 5));
	if (w->options.idle == 0) {
		w->options.idle = RV_FOREVER;
	}
	rv_sched_init(&w->sched, &w->options, w->places, w->heap, w->now);
}

void
world_step(struct world *w)
{
	something(w);
	if (!w->wrong) {
		host_works(w);
	}
}

void
world_end(struct world *w)
{
	enter_phase(w, (enum rv_sched_phase)(1 + world_draw(w, 4)));
	w->calm = true;
	for (unsigned i = 0; i < 400000 && !w->wrong; i++) {
		if (rv_sched_drained(&w->sched)) {
			break;
		}
		world_step(w);
	}
	if (!w->wrong &&
	    (w->finished != w->submitted || !rv_sched_drained(&w->sched))) {
		world_wrong(w, "some task has no end");
	}
}
