/* SPDX-License-Identifier: MIT */
/*
 * A rig for the core: builds a tree from a line of text, has a fake clock and
 * fake processes, feeds events and writes down what the core wants done. No
 * process, no descriptor, no sleep: ten years pass in a millisecond.
 *
 * The tree: name(options){children}, separated by spaces. Options, by commas:
 *
 *   P T t            permanent (default), transient, temporary
 *   1fo 1fa r1o      strategy of a supervisor (1fo)
 *   2/3600           intensity 2 in 3600 s (unlimited)
 *   secs=500         ready: started, startsecs 500 ms (default: told)
 *   timeout=9000     start_timeout, ms, "never" (60000)
 *   retries=1        startretries (3)
 *   off sig any all esc noexit   autostart false; significant; auto_shutdown;
 *                    on_fatal escalate; no exit code is expected
 *   b=0:100:30000:30000  backoff initial:min:max:reset_after, ms; factor 2
 *   jitter=100       thousandths
 *   stop=15:10000+3:500  steps signal:wait ms ("never"); stop= for none
 *   group            signals go to the group
 *   hb=1000:3        heartbeat interval ms : misses
 *   hbabort hbreport heartbeat action
 *   on=NAME          depends on NAME, defined anywhere; may be repeated
 *
 * Names are unique in a tree; the root is the first.
 */
#ifndef RV_TESTS_RIG_H
#define RV_TESTS_RIG_H

#include "core/core_priv.h"

#define RIG_UNITS 2048
#define RIG_DEPS  8
#define RIG_TEXT  (1 << 16)

struct rig_node {
	struct rv_unit *unit;           /* NULL: free, or gone */
	void *room;                     /* given later, NULL */
	struct rv_policy policy, other; /* one of them is the unit's */
	char name[24];
	char on[RIG_DEPS][24];
	unsigned n_on;
	/* the fake process, from LAUNCH to the end of the life */
	bool life_open, exists;
	uint64_t life;
	/* timers as the core armed them */
	rv_time due[RV_TIMERS];
	/* what the rig counted, for tests and checks */
	unsigned launches, signals, kills;
	int last_signal;
	/* checks of windows, see rig_check.c */
	rv_time *pushes;
	unsigned n_pushes;
	uint32_t incarnation, stamp;
	/* a supervisor in a group restart; a child that this concerns */
	bool regrouping, concerned;
};

struct rig {
	struct rv_core *core;
	struct rig_node *nodes;
	size_t n; /* nodes in use, gone ones included */
	rv_time now;
	uint32_t jitter;
	rv_time late;              /* handed over with the next timers */
	enum rv_verdict verdict;   /* to the ends that follow */
	enum rv_proposal proposed; /* to the end that is being posted */
	bool judging; /* the event in hand is an end, `proposed` was said */
	bool finished, gave_up;
	bool killing;   /* KILL_ALL was posted: order is off */
	size_t actions; /* in the last post */
	uint64_t posts;
	bool quiet;   /* no texts: for millions of steps */
	char *deeds;  /* "launch a, TERM b" since the last rig_did */
	char *said;   /* a record a line since the last rig_forget */
	char *shown;  /* "a RUNNING" a line, since the last rig_forget */
	char *path;   /* "a WANT" a line: events that reached a table */
	char *timers; /* "arm a state 100", likewise */
	struct rv_fsm_row *rows; /* the table, when it is a mutated copy */
	/* called for every action, before the next one; may be NULL */
	void (*watch)(struct rig *, const struct rv_action *);
	void *watch_ctx;
};

/* NULL when the text cannot be understood (it says why). */
struct rig *rig_open(const char *tree);
void rig_close(struct rig *);
/* Open, boot, let every process exist and be ready. */
struct rig *rig_open_up(const char *tree);

/* An empty rig, and one more unit in it: for trees made otherwise. */
struct rig *rig_new(size_t max_units);
struct rig_node *rig_node_new(
    struct rig *, const char *name, const struct rv_policy *);
void rig_default_policy(struct rv_policy *, enum rv_unit_kind);
/* Options as above, applied to a policy. False: cannot be understood. */
bool rig_option(struct rig_node *, const char *option);

struct rig_node *rig_find(struct rig *, const char *name);
struct rig_node *rig_node_of(const struct rv_unit *);
struct rv_unit *rig_unit(struct rig *, const char *name);

/* Post anything; now, jitter and life are filled in when they are zero. */
void rig_post(struct rig *, const char *name, struct rv_event);
void rig_post_unit(struct rig *, struct rv_unit *, struct rv_event);
/* The same, for an event that needs only its type. */
void rig_do(struct rig *, const char *name, enum rv_event_type);

void rig_boot(struct rig *);
void rig_exists(struct rig *, const char *name); /* LAUNCHED */
void rig_ready(struct rig *, const char *name);
void rig_up(struct rig *, const char *name); /* both */
void rig_exit(struct rig *, const char *name, int code);
void rig_signaled(struct rig *, const char *name, int signo);
void rig_fails(struct rig *, const char *name, int sys_errno);
/* Exchange their lives; false when the core does not. */
bool rig_swap(struct rig *, struct rv_unit *, struct rv_unit *);
/* Let all that is launched exist and be ready, until nothing more starts. */
void rig_settle_up(struct rig *);
/* Let all that were signalled die of it, until nothing more is. */
void rig_settle_down(struct rig *);
/* Let time pass; timers fire in order, each at its time. */
void rig_pass(struct rig *, rv_time);
/* Link a further unit, as a reload does; then post RV_EV_ADDED to it. */
struct rv_unit *rig_add(
    struct rig *, const char *text, const char *parent, const char *after);
/* Post RV_EV_REPLACE with the options applied to a copy of the policy. */
void rig_replace(
    struct rig *, const char *name, const char *options, bool restart);

/*
 * Open a tree and play a script: lines of commands, separated by ";", each
 * line may end in "=> what was done since the last =>" (nothing: "=> -").
 * On the first thing that is not so: says where, and returns false.
 *
 *   boot  up A  exists A  ready A  exit A 3  sig A 9  fails A 11  lost A
 *   raised A 1 (exits of an exception)  swap A B  noswap A B (refused)
 *   verdict restart (or rest, escalate, none: to the ends that follow)
 *   unknown A  beat A  extend A 500  trigger A  interval A 500  probed A
 *   start A  stop A  restart A  retire A  shutdown  hasten  killall  timer A
 *   add UNIT PARENT AFTER(or -)  replace A OPTIONS  change A OPTIONS (restarts)
 *   pass 100 (ms)  late 500 (ms, with the timers that follow)  jitter 65535
 *   settle (all up)  down (the signalled die)  forget
 *   is A RUNNING, B WAITING for A  said WORDS  silent WORDS  showed WORDS
 *   said group.down A (all of its group restart is down)
 *   once WORDS (said exactly once)  calm (no record, timer or deed)
 *   path A WANT GO (exactly these events reached its table)
 *   armed WORDS  unsettled 1  restarts A 2  failures A 1  reason A lost
 */
bool rig_play(const char *tree, const char *script);

/*
 * Replace the rig's table by a copy with one flaw, named in the environment by
 * REEVE_CORE_FLAW: "ROW:next:STATE", "ROW:guard:0", "ROW:guard:1" or
 * "ROW:drop:N". Without it nothing happens.
 */
void rig_mutate(struct rig *);
/* Print every flaw that the table can have, a line each. */
void rig_list_flaws(void);

/* Which cells and rows were seen by any rig of this process. */
extern unsigned rig_cells[RV_FSM_STATES][RV_FSM_EVENTS];
extern unsigned rig_rows[512];

/* Was exactly this done since the last call? Prints both if not. */
bool rig_did(struct rig *, const char *deeds);
/* Is every word of this in one record (or state, or timer) since then? */
bool rig_said(struct rig *, const char *words);
bool rig_showed(struct rig *, const char *words);
bool rig_armed(struct rig *, const char *words);
unsigned rig_count(struct rig *, const char *words); /* such records */
void rig_forget(struct rig *);
/* "a RUNNING, b WAITING for a": is it so? */
bool rig_is(struct rig *, const char *states);

#endif
