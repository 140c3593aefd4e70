/* SPDX-License-Identifier: MIT */
/*
 * An intrusive, circular, doubly linked list. A head is a node that points to
 * itself when empty; a node outside of any list points to itself too, so that
 * rv_list_remove may be called twice.
 */
#ifndef RV_LIST_H
#define RV_LIST_H

#include "base/base.h"

struct rv_list {
	struct rv_list *next, *prev;
};

static inline void
rv_list_init(struct rv_list *l)
{
	l->next = l->prev = l;
}

static inline bool
rv_list_empty(const struct rv_list *l)
{
	return l->next == l;
}

/* Insert node before `at`: with the head as `at`, at the end. */
static inline void
rv_list_insert(struct rv_list *at, struct rv_list *node)
{
	node->prev = at->prev;
	node->next = at;
	at->prev->next = node;
	at->prev = node;
}

static inline void
rv_list_remove(struct rv_list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->next = node->prev = node;
}

#define RV_LIST_FIRST(head, type, member) \
	RV_CONTAINER((head)->next, type, member)

/* The body must not remove any node; use the _SAFE form for the current one. */
#define RV_LIST_EACH(var, head, type, member)                      \
	for (type *var = RV_CONTAINER((head)->next, type, member); \
	     &var->member != (head);                               \
	     var = RV_CONTAINER(var->member.next, type, member))

#define RV_LIST_EACH_SAFE(var, head, type, member)                            \
	for (type *var = RV_CONTAINER((head)->next, type, member),            \
		  *var##_next = RV_CONTAINER(var->member.next, type, member); \
	     &var->member != (head); var = var##_next,                        \
		  var##_next = RV_CONTAINER(var->member.next, type, member))

#endif
