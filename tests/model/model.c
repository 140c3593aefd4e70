/* SPDX-License-Identifier: MIT */
/*
 * The checker: looks at every state that a model can come to, depth first. A
 * state is what is shared, where each process stands (fiber.h), and what the
 * kernel knows of it: whom it waits for, what it holds. kernel.c plays the
 * kernel: mutexes, sleeping, waking; here is who goes next.
 */
#include "config.h"

#include "model/model.h"

#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/fiber.h"
#include "model/kernel.h"

struct world world;
struct process *model_current;
static struct fiber fibers[MODEL_PROCESSES];
static const struct model *model;
static unsigned n_processes;
static const char *failure;

/* What may happen next. */
enum turn { RUN, TIMEOUT, SPURIOUS, CRASH };
struct choice {
	enum turn turn;
	unsigned process, which;
};
#define CHOICES 64

/* One state on the way to where we are. */
struct node {
	char *saved;
	size_t size[MODEL_PROCESSES];
	struct choice choice[CHOICES];
	unsigned n, next;
};
static struct node *way;
static size_t way_length, way_room;

/* The states seen: hashes, 0 is an empty place. */
static uint64_t *seen;
static size_t seen_n, seen_room;

static void *
need(void *p)
{
	if (p == NULL) {
		fputs("model: no memory\n", stderr);
		abort();
	}
	return p;
}

static bool
see_in(uint64_t *table, size_t room, uint64_t hash)
{
	size_t at = hash & (room - 1);

	while (table[at] != 0 && table[at] != hash) {
		at = (at + 1) & (room - 1);
	}
	if (table[at] == hash) {
		return false;
	}
	table[at] = hash;
	return true;
}

/* False: this state has been looked at. */
static bool
see(uint64_t hash)
{
	if (seen_n * 2 >= seen_room) {
		size_t room = seen_room == 0 ? 1 << 16 : seen_room * 2;
		uint64_t *table = need(calloc(room, sizeof(*table)));

		for (size_t i = 0; i < seen_room; i++) {
			if (seen[i] != 0) {
				(void)see_in(table, room, seen[i]);
			}
		}
		free(seen);
		seen = table;
		seen_room = room;
	}
	if (!see_in(seen, seen_room, hash | 1)) {
		return false;
	}
	seen_n++;
	return true;
}

static bool
has_stack(unsigned i)
{
	return world.process[i].state < DYING;
}

static uint64_t
hash_now(void)
{
	uint64_t hash = fiber_hash_bytes(model->shared, model->size, 1);

	hash = fiber_hash_bytes(&world, sizeof(world), hash);
	for (unsigned i = 0; i < n_processes; i++) {
		if (has_stack(i)) {
			hash = fiber_hash(&fibers[i], hash);
		}
	}
	return hash;
}

static void
save(struct node *node)
{
	size_t size = model->size + sizeof(world);
	char *at;

	for (unsigned i = 0; i < n_processes; i++) {
		node->size[i] = has_stack(i) ? fiber_size(&fibers[i]) : 0;
		size += node->size[i];
	}
	at = node->saved = need(malloc(size));
	memcpy(at, model->shared, model->size);
	at += model->size;
	memcpy(at, &world, sizeof(world));
	at += sizeof(world);
	for (unsigned i = 0; i < n_processes; i++) {
		if (has_stack(i)) {
			fiber_save(&fibers[i], at);
			at += node->size[i];
		}
	}
}

static void
load(const struct node *node)
{
	const char *at = node->saved;

	memcpy(model->shared, at, model->size);
	at += model->size;
	memcpy(&world, at, sizeof(world));
	at += sizeof(world);
	for (unsigned i = 0; i < n_processes; i++) {
		if (has_stack(i)) {
			fiber_load(&fibers[i], at, node->size[i]);
			at += node->size[i];
		}
	}
}

static void
offer(struct node *node, enum turn turn, unsigned process, unsigned which)
{
	if (node->n < CHOICES) {
		node->choice[node->n++] =
		    (struct choice){ turn, process, which };
	}
}

static void
offer_of(struct node *node, unsigned i)
{
	const struct process *p = &world.process[i];
	unsigned n = model_turns(p);

	for (unsigned which = 0; which < n; which++) {
		offer(node, RUN, i, which);
	}
	if (p->timed && n == 0 &&
	    (p->state == LOCKING || p->state == SLEEPING)) {
		offer(node, TIMEOUT, i, 0);
	}
}

/* What may happen now. False: nobody can go on who should. */
static bool
offer_all(struct node *node)
{
	bool all_ended = true;

	node->n = node->next = 0;
	for (unsigned i = 0; i < n_processes; i++) {
		if (world.process[i].state == CHOOSING) {
			/* within its step */
			offer_of(node, i);
			return true;
		}
	}
	for (unsigned i = 0; i < n_processes; i++) {
		offer_of(node, i);
		all_ended = all_ended && world.process[i].state >= DEAD;
	}
	if (node->n == 0 && !all_ended &&
	    (model->stuck == NULL || !model->stuck())) {
		return false;
	}
	for (unsigned i = 0; i < n_processes; i++) {
		const struct process *p = &world.process[i];

		if (p->state == SLEEPING && !p->woken && model->spurious) {
			offer(node, SPURIOUS, i, 0);
		}
		if (has_stack(i) && world.crashes < model->crashes &&
		    (model->mortal == 0 || model->mortal >> i & 1) &&
		    (model->immortal == NULL || !model->immortal(i))) {
			offer(node, CRASH, i, 0);
		}
	}
	return true;
}

static void
take(const struct choice *choice)
{
	struct process *p = &world.process[choice->process];

	if (choice->turn == CRASH) {
		world.crashes++;
		model_kill(p);
		return;
	}
	if (p->state == DYING) {
		model_bury(p, choice->which);
		return;
	}
	model_leave_wait(p, choice->turn == TIMEOUT, choice->which);
	model_current = p;
	if (!fiber_resume(&fibers[choice->process])) {
		model_done(p);
	}
	model_current = NULL;
}

void
model_stop(void)
{
	fiber_stop();
}

static void
tell(void)
{
	static const char *const turns[] = { "", " times out",
		" wakes for nothing", " is killed" };
	struct node *node;

	fprintf(stderr, "# model %s: %s\n", model->name, failure);
	for (size_t i = 0; i < way_length; i++) {
		const struct choice *choice;
		const struct process *p;
		struct world then;

		node = &way[i];
		memcpy(&then, node->saved + model->size, sizeof(then));
		choice = &node->choice[node->next - 1];
		p = &then.process[choice->process];
		fprintf(stderr, "# %4zu: %u%s %s", i, choice->process,
		    turns[choice->turn], p->what == NULL ? "" : p->what);
		if (p->word != NULL) {
			fprintf(stderr, " +%td %#llx",
			    (const char *)p->word - (const char *)model->shared,
			    (unsigned long long)p->value);
		}
		fprintf(stderr, " choice %u\n", choice->which);
	}
}

/* The state that has been reached: look at it, once. */
static void
enter(void)
{
	struct node *node;

	if (!see(hash_now())) {
		return;
	}
	if (way_length == way_room) {
		way_room = way_room == 0 ? 256 : way_room * 2;
		way = need(realloc(way, way_room * sizeof(*way)));
	}
	node = &way[way_length];
	if (!offer_all(node)) {
		failure = "nobody goes on, and somebody waits";
	} else if (node->n == 0 && model->end != NULL) {
		model->end();
	}
	if (failure == NULL) {
		save(node);
		way_length++;
	}
}

static void
begin(const struct model *m)
{
	model = m;
	model_pending = m->pending;
	failure = NULL;
	seen_n = seen_room = 0;
	seen = NULL;
	memset(&world, 0, sizeof(world));
	memset(m->shared, 0, m->size);
	n_processes = 0;
	while (n_processes < MODEL_PROCESSES && m->run[n_processes] != NULL) {
		unsigned i = n_processes++;

		fiber_start(&fibers[i], m->run[i], i);
		world.process[i].what = "begins";
	}
	for (unsigned i = n_processes; i < MODEL_PROCESSES; i++) {
		world.process[i].state = DONE;
	}
	if (m->start != NULL) {
		m->start();
	}
}

bool
model_run(const struct model *m)
{
	const char *limit = getenv("REEVE_MODEL_STATES");
	size_t most = limit != NULL ? strtoul(limit, NULL, 10) : SIZE_MAX;

	begin(m);
	enter();
	while (way_length > 0 && failure == NULL && seen_n < most) {
		struct node *node = &way[way_length - 1];

		if (node->next == node->n) {
			free(node->saved);
			way_length--;
			continue;
		}
		load(node);
		take(&node->choice[node->next++]);
		if (failure == NULL) {
			enter();
		}
	}
	if (failure != NULL && !m->quiet) {
		tell();
	}
	printf("# model %s: %zu states%s\n", m->name, seen_n,
	    seen_n >= most ? ", and no more were looked at" : "");
	while (way_length > 0) {
		free(way[--way_length].saved);
	}
	free(way);
	free(seen);
	way = NULL;
	way_room = 0;
	return failure == NULL;
}

void
model_check(bool holds, const char *what)
{
	if (!holds && failure == NULL) {
		failure = what;
	}
}

bool
model_is_dead(unsigned process)
{
	return world.process[process].state == DEAD ||
	       world.process[process].state == DYING;
}

bool
model_is_done(unsigned process)
{
	return world.process[process].state == DONE;
}

bool
model_is_blocked(unsigned process)
{
	const struct process *p = &world.process[process];

	return p->state == SLEEPING || p->state == LOCKING;
}

uint64_t
model_slept_on(unsigned process)
{
	return world.process[process].value;
}
