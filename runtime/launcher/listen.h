/* SPDX-License-Identifier: MIT */
/*
 * What a worker says of itself: its notify socket and its readiness pipe.
 * Lives that have neither have no listener.
 */
#ifndef RV_LAUNCHER_LISTEN_H
#define RV_LAUNCHER_LISTEN_H

#include <sys/un.h>

#include "base/list.h"
#include "loop/loop.h"
#include "wire/launch.h"

struct rv_launcher;
struct rv_life;

struct rv_listener {
	struct rv_list link; /* in l->listeners */
	struct rv_life *life;
	struct rv_io notify_io, ready_io;
	int notify_fd, ready_fd; /* -1: none */
	bool has_path;           /* something is to be unlinked */
	bool is_lent;            /* its process is of a user not foretold: */
	uid_t user;
	bool awaits;    /* the clerk has its socket */
	bool told;      /* the newline has come */
	bool beat;      /* a beat is not yet passed on */
	bool paused;    /* not watched: the link is full */
	bool is_passed; /* what is read next was passed on: the link was full */
	rv_time bad_at; /* last refusal said, 0: never */
};

/* Value of NOTIFY_SOCKET for this life: a path, or @name. */
#define RV_LISTEN_NAME_MAX sizeof(((struct sockaddr_un *)0)->sun_path)
void rv_listen_name(const struct rv_launcher *, uint64_t life,
    const struct rv_launch_keep *, char name[static RV_LISTEN_NAME_MAX]);

/* Make RUNTIME_DIR/notify. */
enum reeve_status rv_listen_prepare(
    const struct rv_launcher *, struct reeve_error *) RV_MUST_CHECK;

/* A bound socket, or -1 with errno. An old one of that name is replaced. */
int rv_listen_bind(
    struct rv_launcher *, uint64_t life, const struct rv_launch_keep *);

/* The same by its name; owner: of its file, NULL: as it is. */
int rv_listen_bind_name(const char *name, const uid_t *owner);

/*
 * Listen for this life from now on. Both descriptors (each may be -1) belong
 * to the listener, on failure too. False: no memory or no watch.
 */
bool rv_listen_start(
    struct rv_life *, int notify_fd, int ready_fd) RV_MUST_CHECK;
void rv_listen_stop(struct rv_life *);

/* Its process turned out to be of this user: that is heard as well. */
void rv_listen_lend(struct rv_life *, uid_t);

/* It is going to be mapped, so it must stay as large as it is. */
bool rv_listen_is_page(int fd);

/*
 * Hear an adopted life again. A worker that is connected to its old socket
 * knows no other, so where that is still held, which only the clerk can do, it
 * is awaited from there; else its name is bound anew. False: errno.
 */
bool rv_listen_adopt(struct rv_life *) RV_MUST_CHECK;
bool rv_listen_awaits(const struct rv_life *);
/* The awaited socket; takes it. */
void rv_listen_take(struct rv_life *, int notify_fd);
/* No more of them come: bind the names of those that still wait. */
void rv_listen_renew(struct rv_launcher *);

/*
 * Pass on all that has arrived by now. False when the link is full: more may
 * be there. What arrives in a flood meanwhile is left for later.
 */
bool rv_listen_drain(struct rv_life *);

/* The link has room again: watch and answer what was put off. */
void rv_listen_resume(struct rv_launcher *);

/* Drain all, then answer the syncs of this turn. */
void rv_listen_sync(struct rv_launcher *, uint64_t token);

#endif
