/* SPDX-License-Identifier: MIT */
/*
 * Places: a table of robust mutexes, each held by one who takes part. Others
 * see by its word whether that one lives, and sleep on it: at its death the
 * kernel wakes one of them. The users of a table have a lock under which places
 * are taken and left, looked at and cleared; deaths alone come at any moment.
 *
 * Who sleeps watches all places, those that are free too: the sleeper stays on
 * a word when its value changes, and is woken by the death of whoever holds the
 * place then. Since at least one of those who sleep is woken by each death, and
 * the death of a woken one wakes the next, the last living one is told of all.
 */
#ifndef RV_IPC_PLACES_H
#define RV_IPC_PLACES_H

#include <reeve/lock.h>

#include "ipc/mutex.h"
#include "ipc/wait.h"

struct rv_places {
	struct reeve_place *at;
	uint32_t n;
};

/* `use` of a place that is nobody's. */
#define RV_PLACE_FREE 0U

/* All free, and none held, whatever was there. */
void rv_places_init(struct rv_places);

/* Its holder lives; nobody holds it any more, and it is not free. */
bool rv_place_alive(const struct reeve_place *);
bool rv_place_died(const struct reeve_place *);

/* The one that the caller holds, or NULL. */
struct reeve_place *rv_place_mine(struct rv_places);
/* Take a free one, which is free still; NULL: there is none. */
struct reeve_place *rv_places_take(struct rv_places);
/* It is free: what its holder does, before it is let go. */
void rv_places_leave(struct reeve_place *);

/*
 * What one who sleeps watches: `change`, and all places as they are now. False:
 * the holder of one that is not free has died: look again.
 */
bool rv_place_watch(struct rv_places, uint32_t *change, uint32_t seen,
    struct rv_watch *, unsigned *n);

#endif
