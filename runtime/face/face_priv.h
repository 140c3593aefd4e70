/* SPDX-License-Identifier: MIT */
/*
 * The layout of a runtime as its host sees it, and the door through which every
 * entry of the public headers goes. For the files of this folder and nobody
 * else.
 */
#ifndef RV_FACE_PRIV_H
#define RV_FACE_PRIV_H

#include <reeve/record.h>
#include <reeve/watch.h>
#include <sys/types.h>

#include "base/list.h"
#include "ctl/ctl.h"
#include "face/face_config.h"
#include "loop/loop.h"
#include "super/super.h"

struct rv_units;

/* The end of a life of this path is being told; slot: its last bytes. */
struct rv_face_ending {
	const char *path;
	const void *slot; /* RV_PAGE_SLOT_BYTES; NULL: it had no page */
};

#define REEVE_MAGIC 0x72656576u

struct reeve {
	unsigned magic;
	pid_t pid; /* of the process whose runtime it is */
	struct rv_loop *loop;
	bool polled; /* the epoll backend: fd, deadline, dispatch */
	struct rv_super *super;
	struct rv_ctl *ctl;
	struct rv_post *post;
	struct rv_super_sink sink;
	const struct reeve_callbacks *callbacks; /* NULL: none, or no more */
	void *ctx;
	reeve_finding_fn *finding;
	struct rv_face_said said;
	struct rv_functions functions;
	struct rv_conf_source source; /* its parts are the runtime's */
	struct rv_declared *declared; /* units from C, as they are */
	struct rv_declared *staged;   /* as they shall be; NULL: no change */
	struct rv_units *named;       /* units that are being told something */
	struct reeve_hooks given;     /* the host's; zero: none */
	struct rv_list watches;
	struct reeve_watch *ends; /* of the hooks, the last; NULL: none */
	struct rv_defer deliver;
	bool delivering;
	struct {
		void (*changed)(void *ctx); /* NULL: nobody asked */
		void *ctx;
		uint64_t told; /* digest of those that the host knows */
		struct rv_defer turn;
	} pools;
	const struct rv_face_ending *ending; /* NULL: none is being told */
	bool aside;     /* the event being told is of one that stood aside */
	unsigned depth; /* entries and turns that are under way */
	unsigned hooks; /* hooks in the middle of a decision, under way */
	bool broken;    /* a check failed: nothing is called any more */
	bool bug_told;  /* ... and the host knows */
	bool doomed;    /* destroyed from a callback: at the end of it */
	bool closing;   /* being destroyed */
	reeve_room_fn *room; /* may record again; NULL: nobody waits */
	void *room_arg;
	char why[64];  /* of the shutdown */
	bool finished; /* the tree has ended */
};

/* What an entry needs; bits. */
enum {
	RV_FACE_LOOK = 0,
	RV_FACE_CHANGE = 1,  /* the tree lives, no decision is under way */
	RV_FACE_OUTSIDE = 2, /* of all callbacks */
	RV_FACE_LATE = 4,    /* nothing: also of one that is being destroyed */
};

typedef enum reeve_status rv_face_fn(
    struct reeve *, void *arg, struct reeve_error *);

/*
 * REEVE_OK, or why this runtime cannot be asked to `what` ("reload the
 * config"): NULL, of another process, closed, in the middle of a callback.
 */
enum reeve_status rv_face_check(const struct reeve *, const char *what,
    unsigned needs, struct reeve_error *) RV_MUST_CHECK;

/*
 * The door: check, then fn(reeve, arg, err) inside of a panic scope. Behind it
 * the runtime may be gone (it was doomed): touch it no more.
 */
enum reeve_status rv_face_call(struct reeve *, const char *what, unsigned needs,
    rv_face_fn *, void *arg, struct reeve_error *) RV_MUST_CHECK;

/* "cannot WHAT: " before a text that does not say so; status again. */
enum reeve_status rv_face_said(
    enum reeve_status, const char *what, struct reeve_error *);

/* The same without the check and without what follows: of destroy's own. */
enum reeve_status rv_face_guarded(struct reeve *, rv_face_fn *, void *arg,
    struct reeve_error *) RV_MUST_CHECK;

/* rv_loop_guard's: turns of a host's libev loop. ctx is the runtime. */
bool rv_face_around(void *ctx, void (*fn)(void *arg), void *arg);

/* May the host be called? And what must be done when it returns. */
bool rv_face_may_tell(const struct reeve *);
void rv_face_told(const struct reeve *);

/* face_runtime.c */
void rv_face_destroy(struct reeve *);

/* face_steer.c */
void rv_face_unit_gone(struct reeve *, const struct rv_unit *);

/* face_watch.c */
void rv_face_watches_init(struct reeve *);
void rv_face_watches_finish(struct reeve *);
void rv_face_on_event(struct rv_super_sink *, const struct rv_record *);
void rv_face_on_exception(struct rv_super_sink *, struct rv_unit *,
    uint64_t life, const struct rv_page_trouble *);
/* For rv_face_guarded: the last word of all watches. */
enum reeve_status rv_face_tell_gone(
    struct reeve *, void *arg, struct reeve_error *);
/* Those of this life that wait for the end of the turn: tell them now. */
void rv_face_tell_exceptions(struct reeve *, uint64_t life);

/* face_pools.c */
void rv_face_pools_init(struct reeve *);
void rv_face_on_reloaded(struct rv_super_sink *);
/* Which of these units stand in for pools of the conf in force. */
void rv_face_pools_note(struct reeve *, struct rv_declared *);

/* face_hooks.c: checked and copied; then the sink's callbacks are set. */
enum reeve_status rv_face_hooks_take(struct reeve *, const struct reeve_hooks *,
    struct reeve_error *) RV_MUST_CHECK;
enum reeve_status rv_face_hooks_init(
    struct reeve *, struct reeve_error *) RV_MUST_CHECK;

/*
 * Options of a host, into *dst of dst_size zeroed bytes: those that begin with
 * their size, which may be smaller (an older header), at least `least`, or
 * larger, where what is behind is zero.
 */
enum reeve_status rv_face_options(void *dst, size_t dst_size, const void *src,
    size_t least, const char *what, struct reeve_error *) RV_MUST_CHECK;
#define RV_FACE_THROUGH(type, member) \
	(offsetof(type, member) + sizeof(((type *)0)->member))

#endif
