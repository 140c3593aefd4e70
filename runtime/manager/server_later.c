/* SPDX-License-Identifier: MIT */
/*
 * Work that nobody waits for but the server's end: a thread for each piece of
 * it, that knows nothing of the hall. They are collected when another one comes
 * and at the end. Called by the hall and by manager_server.c.
 */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "manager/server_priv.h"

struct later {
	struct rv_list link; /* in the server's */
	pthread_t thread;
	atomic_bool is_done;
	void (*work)(void *arg);
	void *arg;
};

static void *
run(void *arg)
{
	struct later *later = arg;

	later->work(later->arg);
	atomic_store(&later->is_done, true);
	return NULL;
}

static void
join(struct reeve_manager_server *s, bool all)
{
	RV_LIST_EACH_SAFE (later, &s->later, struct later, link) {
		if (all || atomic_load(&later->is_done)) {
			(void)pthread_join(later->thread, NULL);
			rv_list_remove(&later->link);
			rv_free(later);
		}
	}
}

/* Signals are for the threads of the host. */
static bool
start(struct later *later)
{
	pthread_attr_t attr;
	sigset_t all;
	bool started;

	if (pthread_attr_init(&attr) != 0) {
		return false;
	}
	(void)sigfillset(&all);
	started = pthread_attr_setsigmask_np(&attr, &all) == 0 &&
		  pthread_create(&later->thread, &attr, run, later) == 0;
	(void)pthread_attr_destroy(&attr);
	return started;
}

bool
rv_server_later(void *server, void (*work)(void *arg), void *arg)
{
	struct reeve_manager_server *s = server;
	struct later *later = rv_alloc(1, sizeof(*later));

	join(s, false);
	if (later == NULL) {
		return false;
	}
	later->work = work;
	later->arg = arg;
	if (!start(later)) {
		rv_free(later);
		return false;
	}
	rv_list_insert(&s->later, &later->link);
	return true;
}

void
rv_server_join(struct reeve_manager_server *s)
{
	join(s, true);
}
