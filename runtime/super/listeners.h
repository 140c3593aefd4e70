/* SPDX-License-Identifier: MIT */
/*
 * The sockets that workers are handed by name: opened once, kept for as long
 * as the config says the same, given to each launcher. A set of them belongs
 * to one conf; a reload opens the next set beside it before anything changes,
 * and what both have is one descriptor. Called by taken.c and reload.c; knows
 * nothing of units.
 */
#ifndef RV_SUPER_LISTENERS_H
#define RV_SUPER_LISTENERS_H

#include <sys/types.h>

#include "config/spec.h"
#include "start/start.h"

struct rv_listening {
	char *name;
	int fd;
	const struct rv_listen *listen; /* of the conf; NULL: the host's */
	char *file;                     /* of a unix socket, else NULL */
	dev_t dev;                      /* of that file, while it is ours */
	ino_t ino;
	bool borrowed; /* the set before has it too, and closes it */
	bool lent;     /* the next set has it */
};

struct rv_listeners {
	struct rv_listening *all;
	size_t n;
	const char **handed; /* names of the host's, NULL-terminated */
	const struct rv_listen *failed; /* what could not be opened, or NULL */
};

/*
 * Open what this conf says, into an empty set; sockets of `now` (NULL: none)
 * with the same address are borrowed, and the host's. On failure nothing was
 * opened; err->sys_errno is EADDRINUSE where an address is taken.
 */
enum reeve_status rv_listeners_open(struct rv_listeners *next,
    struct rv_listeners *now, const struct rv_conf *,
    struct reeve_error *) RV_MUST_CHECK;
/* Say in its error who is in the way, where /proc tells in some ms. */
void rv_listeners_tell_holder(
    const struct rv_listeners *failed, struct reeve_error *);
/* Close what is not borrowed from, or lent to, another set; then empty. */
void rv_listeners_close(struct rv_listeners *);
/*
 * `next` becomes `now`: what is new is given to the launcher, settings that
 * may change in place are set. The old set, emptied of what stays, comes back
 * in `next`: rv_listeners_part with it once the new lives are on their way.
 */
void rv_listeners_swap(
    struct rv_listeners *now, struct rv_listeners *next, struct rv_start *);
/* Take its sockets from the launcher and close them. */
void rv_listeners_part(struct rv_listeners *old, const struct rv_listeners *now,
    struct rv_start *);

/* Give all to a launcher that has none. */
void rv_listeners_give(const struct rv_listeners *, struct rv_start *);

/* A copy of the host's descriptor; one of that name is replaced. */
enum reeve_status rv_listeners_hand(struct rv_listeners *, const char *name,
    int fd, struct rv_start *, struct reeve_error *) RV_MUST_CHECK;

/* NULL: no such name. */
const struct rv_listening *rv_listeners_find(
    const struct rv_listeners *, const char *name);

#endif
