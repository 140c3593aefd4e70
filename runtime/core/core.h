/* SPDX-License-Identifier: MIT */
/*
 * The core: the tree of units and every decision about it. Pure: no clock,
 * allocation, errno, log or global. The owner (super/, the rig of the tests,
 * the fuzzer) provides memory, posts events that carry the time, and drains
 * actions, which it executes in order. One thread.
 *
 *   rv_core_post(core, &event);           facts and commands come in
 *   while (rv_core_action(core, &action)) what shall be done comes out
 *
 * Posting settles the whole tree before it returns; it never recurses. The
 * actions of one post are at most RV_CORE_ACTIONS_MAX(units), for which the
 * owner gives room at init.
 */
#ifndef RV_CORE_CORE_H
#define RV_CORE_CORE_H

#include "base/list.h"
#include "core/event.h"
#include "core/policy.h"

enum rv_state {
#define X(symbol, number, name, doc) RV_STATE_##symbol = number,
#include "core/state.def"
#undef X
};

enum rv_reason {
#define X(symbol, number, text, doc) RV_REASON_##symbol = number,
#include "core/reason.def"
#undef X
};

const char *rv_state_name(enum rv_state);
const char *rv_reason_text(enum rv_reason);

enum rv_timer {
	RV_TIMER_STATE, /* startsecs, start_timeout, backoff, stop step */
	RV_TIMER_BEAT,  /* the next heartbeat is due */
	RV_TIMERS
};

/* How a life ended, as far as the launcher could tell. */
struct rv_end {
	bool unknown;  /* the status could not be had */
	bool signaled; /* by `number`, else exit code `number` */
	int number;
	bool core_dumped;
};

/*
 * What the host says to the end of a life (RV_EV_DIED, RV_EV_LAUNCH_FAILED)
 * that nobody asked for. RESTART: once more, though it is temporary, ended as
 * expected or has no start retries left; it is counted all the same, and the
 * supervisor's intensity holds. REST: it stays down (EXITED). ESCALATE: its
 * supervisor gives up. An end that was asked for is not up to a verdict.
 */
enum rv_verdict {
	RV_VERDICT_NONE, /* as the policy says */
	RV_VERDICT_RESTART,
	RV_VERDICT_REST,
	RV_VERDICT_ESCALATE,
};

/* What the policy says to such an end. */
enum rv_proposal {
	RV_PROPOSAL_NONE, /* nothing: it was asked for, or is none */
	RV_PROPOSAL_RESTART,
	RV_PROPOSAL_REST,
	RV_PROPOSAL_ESCALATE, /* the supervisor's intensity is used up */
	RV_PROPOSAL_FATAL,    /* start retries are used up; see on_fatal */
};

enum rv_event_type {
	/* commands */
	RV_EV_START, /* operator: want it up, no longer held; from FATAL too */
	RV_EV_STOP,  /* operator: held until RV_EV_START */
	RV_EV_RESTART, /* operator: stop, then start; feeds no budget */
	RV_EV_BOOT,    /* root only, once: start all that has autostart */
	RV_EV_RETIRE,  /* reload: stop, then RV_ACT_GONE for it and all below */
	RV_EV_REPLACE, /* reload: `policy` is new; `restart` if it must restart,
			* or be tried anew: see rv_core_leaves_down */
	RV_EV_ADDED, /* reload: unit was linked by rv_core_add; autostart it */
	RV_EV_SHUTDOWN, /* root only: stop the tree in order, then FINISHED */
	RV_EV_HASTEN, /* root only: end every wait of a stop at once: next step
		       */
	RV_EV_KILL_ALL, /* root only: KILL everything now */
	RV_EV_KILL,     /* a worker that is being stopped: KILL it now */
	/* facts about the unit's present life; others are ignored by life */
	RV_EV_LAUNCHED,      /* a process exists */
	RV_EV_LAUNCH_FAILED, /* there is no process (any more): stage, errno */
	RV_EV_LAUNCH_LOST,   /* the launcher died with it: retry, no budget */
	RV_EV_READY,
	RV_EV_BEAT,
	RV_EV_EXTEND,  /* EXTEND_TIMEOUT: deadline at least now + `span` */
	RV_EV_TRIGGER, /* WATCHDOG=trigger: treat as unresponsive */
	RV_EV_BEAT_INTERVAL, /* WATCHDOG_USEC=: `span` replaces hb_interval */
	RV_EV_DIED,          /* ended, and nothing of it is left */
	RV_EV_PROBED,        /* answer to RV_ACT_PROBE: all sent facts are in */
	/* time */
	RV_EV_TIMER, /* `timer` is due */
};

struct rv_unit;

struct rv_event {
	enum rv_event_type type;
	struct rv_unit *unit;
	rv_time now;
	uint32_t jitter; /* uniform in 0..65535 */
	uint64_t life;   /* facts: which life this is about */
	rv_time span;
	rv_time late; /* TIMER: how late this came because the owner (or the
			 machine) stood still; a heartbeat then gets grace */
	enum rv_timer timer;
	struct rv_end end;
	int stage, sys_errno;
	bool raised;                    /* DIED: it told of an exception */
	enum rv_verdict verdict;        /* DIED, LAUNCH_FAILED */
	const struct rv_policy *policy; /* REPLACE */
	bool restart;                   /* REPLACE */
	bool asked; /* RETIRE: by an operator, not by a reload */
};

enum rv_action_type {
	RV_ACT_LAUNCH, /* life = new number; may be spread over turns */
	RV_ACT_SIGNAL, /* signo to the leader, or group if `group`; CONT follows
			  unless signo is ABRT, KILL, STOP, CONT */
	RV_ACT_KILL,   /* KILL by the unit's kill mode */
	RV_ACT_ARM,    /* timer due `at`; replaces an earlier one */
	RV_ACT_DISARM,
	/* its launch is not wanted any more: taken back if there is no process
	   yet, it ends in LAUNCH_FAILED with ECANCELED, else in LAUNCHED */
	RV_ACT_CANCEL,
	RV_ACT_PROBE,  /* fetch what the launcher has; answer RV_EV_PROBED */
	RV_ACT_RECORD, /* kind, fields; `life` 0 if about none */
	RV_ACT_STATE,  /* unit's state, readiness or wish changed: tell waiters
			*/
	RV_ACT_GONE,   /* unit was unlinked: free it, after this action */
	RV_ACT_FINISHED, /* the root has ended; `gave_up` tells why */
	/*
	 * A group restart of this supervisor: all that it concerns is down, and
	 * the first start of it comes after this. Once for each group restart,
	 * but for one that the end of its supervisor cut short.
	 */
	RV_ACT_GROUP_DOWN,
};

struct rv_action {
	enum rv_action_type type;
	struct rv_unit *unit;
	uint64_t life;
	int signo;
	bool group;
	bool gave_up;
	enum rv_timer timer;
	rv_time at;
	enum rv_kind_of_event kind;
	struct rv_fields fields; /* strings: static, or paths of units */
};

/* One dependency; in the room that the owner gave with the unit. */
struct rv_edge {
	struct rv_list by_on; /* in on->dependents */
	struct rv_unit *from, *on;
};

/*
 * One unit. The owner allocates rv_unit_size(policy, n_deps) zeroed bytes and
 * calls rv_unit_init; all fields are the core's, and others read them.
 */
struct rv_unit {
	unsigned magic;
	const char *path;               /* borrowed, outlives the unit */
	const struct rv_policy *policy; /* borrowed, outlives the unit */
	void *owner;                    /* the owner's */
	struct rv_unit *parent;
	struct rv_list siblings; /* in parent->children, file order */
	struct rv_list children;
	uint32_t index; /* position among siblings */

	enum rv_state state; /* actual */
	bool wanted;         /* shall be up */
	bool held;           /* an operator stopped it */
	bool ready;          /* worker: RUNNING; supervisor: all below are */
	bool retiring;
	uint64_t life;           /* present or last life, 0 before the first */
	uint32_t restarts;       /* lives after the first, in this run */
	uint32_t start_failures; /* in a row */
	struct rv_unit *waiting_for; /* in WAITING */
	rv_time since;               /* of the state */
	rv_time started_at;          /* of the present life, 0 if none */
	rv_time last_beat;           /* 0 before the first */
	enum rv_reason last_reason;

	/* Private to the core from here on. Of both kinds: */
	struct rv_list dirty_link;   /* in core->dirty: to be settled */
	struct rv_list changed_link; /* in core->changed: to be shown */
	struct rv_edge *edges;       /* dependencies */
	struct rv_list dependents;   /* edges of those that depend on it */
	uint32_t n_edges, max_edges;
	uint32_t n_unready;     /* dependencies that are not ready */
	uint32_t n_going;       /* dependents that are up and shall not be */
	rv_time due[RV_TIMERS]; /* RV_FOREVER: not armed */
	uint32_t backoff_n;     /* restarts for a failure, in a row */
	bool lacking;           /* in BACKOFF for lack of resources */
	uint8_t summary;        /* bits that counters elsewhere hold */
	uint8_t shown;          /* what the last RV_ACT_STATE showed */
	uint8_t why;            /* enum rv_why of the present stop */
	uint8_t armed;          /* timers that the owner has armed, bits */
	bool chosen;            /* goes up with its supervisor */
	bool seq;               /* stops when its supervisor's cursor is here */
	bool regroup;           /* starts when its group has stopped */
	bool waits_anew;        /* for another unit than was told */

	/* a worker: */
	uint8_t fsm;   /* enum rv_fsm_state */
	uint8_t fault; /* enum rv_reason on whose account it is stopped */
	bool life_open, was_ready, lived, hurry;
	unsigned step;       /* next stop step */
	uint32_t forgiven;   /* start failures that this life's ready zeroed */
	rv_time ready_at;    /* of the present life */
	rv_time phase_at;    /* when this start or stop began */
	rv_time hb_interval; /* the worker's own, -1: the policy's */

	/* a supervisor: */
	uint8_t ending; /* enum rv_ending, in STOPPING */
	bool grouping;  /* a group restart has stopped or is stopping units */
	bool again;     /* shall be up once it is down */
	uint32_t n_children, n_alive, n_blocking, n_passed, n_significant;
	struct rv_unit *frontier; /* first not passed; group strategies only */
	struct rv_unit *cursor;   /* being stopped in sequence */
	struct rv_unit *offender; /* of the group restart */
	struct rv_unit *first;    /* that the group restart concerns */
	rv_time *stamps;          /* ring: restarts, newest before next_stamp */
	uint32_t n_stamps, max_stamps, next_stamp;
};

/* How often it shall beat, as the policy or the worker says; 0: never. */
rv_time rv_beat_interval(const struct rv_unit *);
/* Reported as unresponsive, and not heard since. */
bool rv_unit_is_silent(const struct rv_unit *);

struct rv_core;

/* Bytes for a unit with this policy and n_deps dependencies (stamps, edges). */
size_t rv_unit_size(const struct rv_policy *, unsigned n_deps);
void rv_unit_init(struct rv_unit *, const char *path, const struct rv_policy *,
    unsigned n_deps, void *owner);

/*
 * A reload may bring a larger intensity or more dependencies than the unit has
 * room for (rv_unit_fits): then give it rv_unit_room() zeroed bytes, before
 * rv_core_depend and RV_EV_REPLACE. Stamps and edges move there; what an
 * earlier call gave may be freed after this. Without it a unit keeps the newest
 * stamps that fit, and its window never counts more than those.
 */
bool rv_unit_fits(
    const struct rv_unit *, const struct rv_policy *, unsigned n_deps);
size_t rv_unit_room(const struct rv_policy *, unsigned n_deps);
void rv_unit_give_room(
    struct rv_unit *, const struct rv_policy *, unsigned n_deps, void *room);

/* Bytes, zeroed, for a core whose tree has at most max_units at a time. */
#define RV_CORE_ACTIONS_MAX(units) (16 * (units) + 16)
size_t rv_core_size(size_t max_units);
void rv_core_init(struct rv_core *, size_t max_units, struct rv_unit *root,
    uint64_t first_life);

/*
 * Take over a core that has no actions left, into larger (zeroed) memory; the
 * old memory may be freed then.
 */
void rv_core_grow(
    struct rv_core *, size_t max_units, const struct rv_core *from);
/*
 * Link a unit under parent, behind sibling `after` (NULL: first). Before
 * BOOT, or followed by RV_EV_ADDED. rv_core_depend must come before that event
 * and names siblings or any other unit; config/ has ruled out circles.
 */
void rv_core_add(struct rv_core *, struct rv_unit *, struct rv_unit *parent,
    struct rv_unit *after);
void rv_core_depend(struct rv_core *, struct rv_unit *, struct rv_unit *on);
/* Move a linked unit behind this sibling (NULL: to the front). */
void rv_core_place(struct rv_core *, struct rv_unit *, struct rv_unit *after);
/*
 * Whether a REPLACE with `restart` would leave it down: an operator holds it,
 * it has never been started, or it ended and has no autostart.
 */
bool rv_core_leaves_down(const struct rv_unit *, const struct rv_policy *fresh);

/* Drop all dependencies of unit (before a reload links the new ones). */
void rv_core_undepend(struct rv_core *, struct rv_unit *);

void rv_core_post(struct rv_core *, const struct rv_event *);

/* What the policy would make of this DIED or LAUNCH_FAILED; posts nothing. */
enum rv_proposal rv_core_proposal(struct rv_core *, const struct rv_event *);
/* What an end of which there is a proposal will be called. */
enum rv_reason rv_core_reason(const struct rv_unit *, const struct rv_event *);

/*
 * Two workers of one supervisor, both RUNNING and to stay so, exchange their
 * lives with all that belongs to a life: number, times, heartbeat. What belongs
 * to a unit stays: policy, place, dependencies, budgets; each counts the other
 * life as one more restart. False, and nothing is done, when they are not so.
 * Actions may follow, as after a post.
 */
bool rv_core_swap(struct rv_core *, struct rv_unit *, struct rv_unit *);
bool rv_core_action(struct rv_core *, struct rv_action *out);
/*
 * Memory of the queue that a burst of actions has used and that nothing is in
 * now: the owner may give its pages back to the kernel. NULL: none to speak of.
 */
void *rv_core_unused(struct rv_core *, size_t *len);

/* How many are linked. */
size_t rv_core_units(const struct rv_core *);
/* Units in motion: neither at rest nor held up by a long wait (for run -d). */
size_t rv_core_unsettled(const struct rv_core *);

#endif
