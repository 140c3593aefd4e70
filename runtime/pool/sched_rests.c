/* SPDX-License-Identifier: MIT */
/*
 * Tasks that rest before their next try: a pairing heap by the time at which
 * the rest is over, that has no memory but the links of its tasks. In a list of
 * siblings `next` ends with NULL, and `prev` of the first one is its parent.
 * O(log n) amortized for what is taken out, O(1) for what comes in.
 */
#include "config.h"

#include "pool/scheduler_priv.h"

/* Of two roots, neither NULL; the loser is the winner's first child. */
static struct rv_list *
meld(struct rv_list *a, struct rv_list *b)
{
	struct rv_list *winner = a, *loser = b;

	if (rv_task_of(b)->at < rv_task_of(a)->at) {
		winner = b;
		loser = a;
	}
	loser->prev = winner;
	loser->next = rv_task_of(winner)->child;
	if (loser->next != NULL) {
		loser->next->prev = loser;
	}
	rv_task_of(winner)->child = loser;
	return winner;
}

static struct rv_list *
meld_any(struct rv_list *a, struct rv_list *b)
{
	if (a == NULL || b == NULL) {
		return a != NULL ? a : b;
	}
	return meld(a, b);
}

/* Siblings into one: in pairs from the left, then all from the right. */
static struct rv_list *
meld_siblings(struct rv_list *first)
{
	struct rv_list *pairs = NULL, *root = NULL;

	while (first != NULL) {
		struct rv_list *a = first, *b = a->next;

		first = b != NULL ? b->next : NULL;
		a = meld_any(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs != NULL) {
		struct rv_list *next = pairs->next;

		root = meld_any(root, pairs);
		pairs = next;
	}
	if (root != NULL) {
		root->next = root->prev = NULL;
	}
	return root;
}

void
rv_rests_push(struct rv_sched *s, struct rv_task *task)
{
	task->state = RV_TASK_RESTING;
	task->worker = RV_NO_WORKER;
	task->link.next = task->link.prev = NULL;
	task->child = NULL;
	s->rests = meld_any(s->rests, &task->link);
	s->rests->next = s->rests->prev = NULL;
	s->n_resting++;
}

void
rv_rests_remove(struct rv_sched *s, struct rv_task *task)
{
	struct rv_list *node = &task->link;
	struct rv_list *children = meld_siblings(task->child);

	RV_ASSERT(task->state == RV_TASK_RESTING);
	if (node == s->rests) {
		s->rests = children;
	} else {
		if (rv_task_of(node->prev)->child == node) {
			rv_task_of(node->prev)->child = node->next;
		} else {
			node->prev->next = node->next;
		}
		if (node->next != NULL) {
			node->next->prev = node->prev;
		}
		s->rests = meld_any(s->rests, children);
		s->rests->next = s->rests->prev = NULL;
	}
	task->child = NULL;
	rv_list_init(node);
	s->n_resting--;
}

void
rv_rests_tick(struct rv_sched *s, rv_time now)
{
	while (rv_rests_due(s) <= now) {
		struct rv_task *task = rv_task_of(s->rests);

		rv_rests_remove(s, task);
		rv_ready_push(s, task, false);
	}
}

rv_time
rv_rests_due(const struct rv_sched *s)
{
	return s->rests != NULL ? rv_task_of(s->rests)->at : RV_FOREVER;
}
