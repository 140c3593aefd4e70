/* SPDX-License-Identifier: MIT */
/*
 * One life: the process of a worker, from its creation until nothing of it is
 * left. Its end goes through three steps that never overlap with another's:
 * the main process ends; its group (and, where the end was asked for, all that
 * fled) is killed and awaited; the end is reported and the struct freed.
 */
#ifndef RV_LAUNCHER_LIFE_H
#define RV_LAUNCHER_LIFE_H

#include "base/hash.h"
#include "base/list.h"
#include "launcher/launcher.h"
#include "launcher/listen.h"

#define RV_LIFE_MAGIC 0x6c696665u

/* Each program that it executes in its own place may have one. */
#define RV_LIFE_PAGES 32

/* A process that is watched until it has ended and was reaped. */
struct rv_proc {
	struct rv_hash_node by_pid;
	struct rv_io io;
	struct rv_life *life;
	pid_t pid;            /* 0: unused */
	int pidfd;            /* -1: none (old kernel), or closed */
	uint64_t start_ticks; /* 0: not known */
	bool ended;           /* seen to have ended */
	bool reaped;          /* its number may be another's by now */
	bool watched;         /* in by_pid */
	bool blind;           /* the loop cannot see its end: sweeps do */
};

enum rv_life_state { RV_LIFE_ALIVE, RV_LIFE_EMPTYING };

struct rv_life {
	unsigned magic;
	struct rv_hash_node by_life;
	struct rv_list link;   /* in l->lives, or l->emptying */
	struct rv_list held;   /* in l->held: the link is blocked */
	struct rv_list hunter; /* in l->hunters: waits for a scan */
	struct rv_launcher *l;
	uint64_t life;
	const struct rv_launch_keep *keep; /* shared: see keeps.h */
	enum rv_life_state state;
	struct rv_proc lead;   /* first process; its number is the group's */
	struct rv_proc *other; /* MAINPID: another one became the main one */
	struct rv_proc *main;  /* the one whose end is the life's */
	struct rv_slot *slot;  /* until its program runs */
	struct rv_listener *listener; /* NULL: none */
	uint8_t n_pages;              /* that were passed on */
	bool foreign; /* its first process is not our child: adopted, hosted */
	bool reap_asked; /* its parent was asked how it ended */
	bool reap_answered;
	int go; /* of one that was forked; -1: none */
	struct rv_io go_io;
	struct rv_list starting; /* in l->starting */
	bool expected;           /* the end was asked for */
	bool settled;            /* status and usage are in `death` */
	bool group_left;         /* somebody was still in the group */
	bool victims;            /* some were expected as orphans */
	bool scanned;            /* at least one scan for orphans was made */
	unsigned orphans;        /* found by the last scan, not yet gone */
	unsigned step;           /* of keep.stop, when the supervisor is gone */
	struct rv_death death;
	rv_time since, pause; /* of EMPTYING */
	struct rv_tick tick;
};

/* Room in every table for one more; false without memory. */
bool rv_lives_reserve(struct rv_launcher *) RV_MUST_CHECK;
/* NULL without memory. Not yet in any table. */
struct rv_life *rv_life_create(
    struct rv_launcher *, uint64_t life, const struct rv_launch_keep *);
/* Put it into the tables; needs rv_lives_reserve before. */
void rv_life_enter(struct rv_life *);
/* Take it out of everything and free it; NULL is fine. */
void rv_life_destroy(struct rv_life *);
struct rv_life *rv_life_find(struct rv_launcher *, uint64_t life);
/*
 * The supervisor hears of its process, and gets its page, if there is one
 * already (else -1). True: it has, so that the process may go on; false: that
 * comes later.
 */
bool rv_life_tell_launched(
    struct rv_life *, pid_t, uint64_t ticks, int page) RV_MUST_CHECK;
/* The same of one that waits: it goes on then. */
void rv_life_say_launched(struct rv_life *, pid_t, uint64_t ticks);
/* The process waits no longer. */
void rv_life_announce(struct rv_life *);
/* What a forked process says of its own start comes here; takes the socket. */
void rv_life_hear_start(struct rv_life *, int go);
/* The same, but not before it had time to begin undisturbed. */
void rv_life_hear_start_soon(struct rv_life *, int go);
/* All that it has said, and its end. */
void rv_life_end_start(struct rv_life *);

/* Watch for its end. pidfd is owned by the proc from now on. */
void rv_proc_watch(
    struct rv_proc *, struct rv_life *, pid_t, int pidfd, uint64_t ticks);
/* Stop watching; closes the pidfd. */
void rv_proc_forget(struct rv_proc *);
/* It ended (pidfd, or a sweep saw it). */
void rv_proc_ended(struct rv_proc *);

/* What its parent, the host, says of how it ended. */
void rv_life_reaped(struct rv_life *, const struct rv_death *);

/* Look again at what is left of a life whose main process has ended. */
void rv_life_advance(struct rv_life *);
/* The link has room again: report what was held. */
void rv_lives_resume(struct rv_launcher *);

/* To the main process, or the group; a life that is over gets nothing. */
void rv_life_signal(struct rv_life *, int signo, bool group);
/* KILL by mode; in group mode descendants are frozen and walked first. */
void rv_life_kill(struct rv_life *, enum rv_kill_mode);
/* The process said by MAINPID: NULL, or why it is refused (static). */
const char *rv_life_set_main(struct rv_life *, pid_t);

#endif
