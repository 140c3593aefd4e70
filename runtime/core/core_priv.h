/* SPDX-License-Identifier: MIT */
/*
 * What the files of the core share with each other and with the rig of the
 * tests, and nobody else. Events come in through post.c and command.c, the
 * table of a worker is unit_fsm.def, a supervisor is supervisor.c; order.c says
 * whose turn it is, settle.c carries it on until nothing changes.
 */
#ifndef RV_CORE_PRIV_H
#define RV_CORE_PRIV_H

#include "core/core.h"

#define RV_UNIT_MAGIC 0x756e6974u
#define RV_CORE_MAGIC 0x636f7265u

/* KILL is sent again to what is not gone after this. */
#define RV_KILL_AGAIN (5 * RV_SEC)
/* After ABRT, time to write a core before the stop steps begin. */
#define RV_ABORT_WAIT (5 * RV_SEC)
/* EXTEND_TIMEOUT moves no deadline further than this from its phase's start. */
#define RV_EXTEND_MAX RV_HOUR
/* A timer this late means that its owner stood still. */
#define RV_LATE_MIN (100 * RV_MS)
/* What lacks resources is not tried again sooner. */
#define RV_LACK_DELAY_MIN (100 * RV_MS)
/* Room for stamps that every supervisor has, for a later reload. */
#define RV_STAMPS_MIN 16

enum rv_fsm_state {
#define STATE(symbol, shown, doc) RV_FSM_##symbol,
#include "core/unit_fsm.def"
	RV_FSM_STATES
};

enum rv_fsm_event {
#define EVENT(symbol, doc) RV_ON_##symbol,
#include "core/unit_fsm.def"
	RV_FSM_EVENTS
};

/* One event at one worker: what guards look at and actions work on. */
struct rv_step {
	struct rv_core *core;
	struct rv_unit *unit;
	enum rv_fsm_event event;
	enum rv_fsm_state from, next; /* next: once the row is known */
	const struct rv_event *fact;  /* NULL with orders */
};

typedef bool rv_guard_fn(const struct rv_step *);
typedef void rv_do_fn(const struct rv_step *);

#define GUARD(name, doc) bool rv_guard_##name(const struct rv_step *);
#include "core/unit_fsm.def"
#define DO(name, doc) void rv_do_##name(const struct rv_step *);
#include "core/unit_fsm.def"

#define RV_ROW_DOS 5

struct rv_fsm_row {
	uint8_t state, event, next;
	rv_guard_fn *guard;
	rv_do_fn *act[RV_ROW_DOS]; /* NULL ends */
	const char *guard_name, *act_names;
};

/* The table, for the tests: rows, and each cell's first row or one of these. */
enum { RV_CELL_NEVER = 0xffff };
extern const struct rv_fsm_row rv_fsm_rows[];
extern const size_t rv_fsm_n_rows;
uint16_t rv_fsm_first(unsigned state, unsigned event);
const char *rv_fsm_state_name(unsigned);
const char *rv_fsm_event_name(unsigned);
enum rv_state rv_fsm_shown(unsigned state);

enum rv_why {
	RV_WHY_NONE,
	RV_WHY_OPERATOR,
	RV_WHY_GROUP,
	RV_WHY_PARENT,
	RV_WHY_RELOAD,
	RV_WHY_SHUTDOWN,
};

/* Why a supervisor is STOPPING. */
enum rv_ending {
	RV_ENDING_NONE,
	RV_ENDING_ASKED,
	RV_ENDING_SHUTDOWN, /* auto_shutdown: a normal end */
	RV_ENDING_GAVE_UP,  /* an abnormal end */
};

/* unit->summary */
enum {
	RV_SUM_ALIVE = 1,
	RV_SUM_READY = 2,        /* and shall stay so */
	RV_SUM_PASSED = 4,       /* nobody behind it need wait for it */
	RV_SUM_BLOCKS = 8,       /* its supervisor is not ready for it */
	RV_SUM_GOING = 16,       /* alive and not wanted */
	RV_SUM_SIGNIFICANT = 32, /* significant, and up or to be up */
	RV_SUM_MOVING = 64,
};

struct rv_core {
	unsigned magic;
	struct rv_unit *root;
	rv_time now;     /* of the event in hand, never less than before */
	uint32_t jitter; /* of the event in hand */
	uint64_t next_life;
	size_t n_units, max_units, n_moving;
	struct rv_list dirty, changed;
	size_t fuel; /* steps left in this post: a loop is our bug */
	bool booted, shutting_down, finished;
	/* A test may watch and replace the table. */
	const struct rv_fsm_row *rows;
	void (*trace)(void *ctx, const struct rv_unit *, unsigned state,
	    unsigned event, unsigned row);
	void *trace_ctx;
	/* ring of words: actions, encoded; see action.c */
	size_t n_actions, head, tail, capacity;
	size_t touched; /* words, since rv_core_unused */
	uint64_t words[];
};

/* unit_fsm.c */
void rv_fsm_step(struct rv_core *, struct rv_unit *, enum rv_fsm_event,
    const struct rv_event *fact);
/* Where that would lead; changes nothing. */
enum rv_fsm_state rv_fsm_next(struct rv_core *, struct rv_unit *,
    enum rv_fsm_event, const struct rv_event *fact);

/* action.c: queueing what shall be done */
void rv_act_launch(struct rv_core *, struct rv_unit *);
void rv_act_signal(struct rv_core *, struct rv_unit *, int signo, bool group);
void rv_act_simple(struct rv_core *, enum rv_action_type, struct rv_unit *);
void rv_act_finished(struct rv_core *, bool gave_up);
void rv_act_record(struct rv_core *, struct rv_unit *, enum rv_kind_of_event,
    uint64_t life, const struct rv_fields *);
/* Deadlines: RV_FOREVER disarms; a STATE deadline that is past needs no ARM. */
void rv_timer_set(struct rv_core *, struct rv_unit *, enum rv_timer, rv_time);
void rv_timer_clear(struct rv_core *, struct rv_unit *, enum rv_timer);

/* say.c: records */
int64_t rv_ms(rv_time);
const char *rv_why_text(const struct rv_unit *);
void rv_say_waiting(struct rv_core *, struct rv_unit *);
void rv_say_backoff(
    struct rv_core *, struct rv_unit *, rv_time delay, bool lack);
void rv_say_restarting(struct rv_core *, struct rv_unit *super,
    const struct rv_unit *cause, unsigned count);
void rv_say_gave_up(struct rv_core *, struct rv_unit *super,
    const struct rv_unit *cause, uint32_t count);
void rv_say_end(const struct rv_step *, enum rv_reason);

/* beat.c */
rv_time rv_beat_deadline(const struct rv_unit *);
void rv_watch_anew(struct rv_core *, struct rv_unit *);

/* backoff.c */
rv_time rv_backoff_delay(
    const struct rv_backoff *, uint32_t n, uint32_t jitter);
/* Before the end of a life is acted upon: was it healthy? */
void rv_backoff_end_life(const struct rv_core *, struct rv_unit *);
void rv_backoff_begin(struct rv_core *, struct rv_unit *, bool lack);
void rv_budgets_reset(struct rv_unit *);
/* Which attempt in a row the next launch is, from 1. */
static inline int64_t
rv_attempt(const struct rv_unit *unit)
{
	return (int64_t)unit->backoff_n + 1;
}

/* window.c */
bool rv_window_room(const struct rv_unit *super, rv_time now);
void rv_window_push(struct rv_unit *super, rv_time now);
uint32_t rv_window_count(const struct rv_unit *super, rv_time now);
void rv_window_clear(struct rv_unit *super);

/* order.c */
bool rv_up(const struct rv_unit *);      /* a supervisor: STARTING or RUNNING */
bool rv_at_rest(const struct rv_unit *); /* STOPPED, EXITED or FATAL */
bool rv_grouped(const struct rv_unit *super);
/* Carry a change of the unit into all counters that hold it. */
void rv_refresh(struct rv_core *, struct rv_unit *);
void rv_frontier_reset(struct rv_core *, struct rv_unit *super);
uint8_t rv_shown(const struct rv_unit *);
void rv_forget(struct rv_unit *);
/* Whose turn? NULL when it is its own, else whom it waits for. */
struct rv_unit *rv_start_blocker(const struct rv_unit *);
bool rv_may_stop(const struct rv_unit *);
bool rv_may_want(const struct rv_unit *);

/* tree.c */
struct rv_unit *rv_next_in(const struct rv_unit *top, struct rv_unit *);
void rv_unlink(struct rv_core *, struct rv_unit *top);

/* settle.c */
void rv_dirty(struct rv_core *, struct rv_unit *);
void rv_show(struct rv_core *, struct rv_unit *);
void rv_set_state(struct rv_core *, struct rv_unit *, enum rv_state);
void rv_note_waiting(
    struct rv_core *, struct rv_unit *, struct rv_unit *blocker);
void rv_want(struct rv_core *, struct rv_unit *);
/* The subtree shall be down: `why` for the top, the parent for those below. */
void rv_want_down(struct rv_core *, struct rv_unit *top, enum rv_why);
void rv_settle(struct rv_core *);

/* supervisor.c */
bool rv_sup_settle(struct rv_core *, struct rv_unit *);
void rv_sup_stop(struct rv_core *, struct rv_unit *, enum rv_ending);
void rv_sup_give_up(struct rv_core *, struct rv_unit *super,
    const struct rv_unit *cause, uint32_t count);
/* A child ended by itself and stays down. */
bool rv_sup_would_end(const struct rv_unit *child);
void rv_sup_child_rests(struct rv_core *, struct rv_unit *child);

/* group.c */
void rv_group_restart(
    struct rv_core *, struct rv_unit *super, struct rv_unit *offender);
void rv_group_advance(struct rv_core *, struct rv_unit *super);
bool rv_group_start(struct rv_core *, struct rv_unit *super);
void rv_restarted(struct rv_core *, struct rv_unit *child);

/* command.c */
bool rv_command(struct rv_core *, const struct rv_event *);

#endif
