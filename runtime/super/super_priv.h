/* SPDX-License-Identifier: MIT */
/*
 * The layout of a runtime and of its nodes, for the files of this folder and
 * nobody else. A node is what the edges know of a unit: its process, timers,
 * last end. The unit itself, in the same block, is the core's.
 */
#ifndef RV_SUPER_PRIV_H
#define RV_SUPER_PRIV_H

#include "base/hash.h"
#include "config/load.h"
#include "core/core.h"
#include "journal/clerk_link.h"
#include "journal/journal.h"
#include "loop/loop.h"
#include "start/start.h"
#include "super/exceptions.h"
#include "super/listeners.h"
#include "super/overlap.h"
#include "super/pages.h"
#include "super/super.h"
#include "super/taken.h"

#define RV_NODE_MAGIC  0x6e6f6465u
#define RV_SUPER_MAGIC 0x73757072u
#define RV_STATUS_TEXT 160

/* How many status texts of a life are recorded, and were not. */
struct rv_saying {
	uint32_t spent; /* of those that may come at once */
	uint32_t untold;
	rv_time since; /* when the first of them was spent */
};

struct rv_node {
	unsigned magic;
	struct rv_super *super;
	struct rv_unit *unit;
	struct rv_conf *conf; /* a reference: spec and policy are in it */
	const struct rv_spec *spec;
	struct rv_tick ticks[RV_TIMERS];
	struct rv_hash_node by_life; /* while a life is launched or in flight */
	struct rv_list launch_link;  /* in super->launches, or unsent */
	void *room;     /* given to the unit by a reload, or NULL */
	pid_t pid;      /* 0: no process */
	pid_t last_pid; /* of the last life, 0: it had none */
	uint64_t start_ticks;
	uint64_t life;  /* global number of the present life */
	bool in_flight; /* sent to the launcher, not answered */
	uint8_t unsaid; /* stop signal that no launcher has delivered, or 0 */
	bool unsaid_to_group;
	bool expecting_end;
	bool probing;
	bool has_last;
	int64_t launched_at_us;
	int64_t last_at_us;
	struct rv_death death; /* of the last life */
	rv_time backoff_until;
	struct rv_node_page page;
	struct rv_aside *aside; /* it stands beside another; NULL: no */
	/* How the one ended that should have replaced this life, 0: none. */
	struct {
		uint64_t life;
		bool has_last;
		struct rv_end end;
		enum rv_reason reason;
		int stage, sys_errno;
	} rolled_back;
	char *status_text; /* RV_STATUS_TEXT bytes; NULL: it never said any */
	struct rv_saying saying;
};

/* Somebody awaits that the clerk has written all that there was. */
struct rv_sync {
	struct rv_list link;
	uint64_t token;
	rv_super_synced_cb *done;
	void *ctx;
	bool embedded; /* not to be freed */
};

#define RV_LAST_RUNS (33 * 34) /* bytes of a list of runs */

struct rv_super {
	unsigned magic;
	struct rv_loop *loop;
	struct rv_conf *conf;
	struct rv_conf *sealed; /* what may still be launched; NULL: no seal */
	struct rv_journal_conf journal_conf; /* as it was at the start */
	struct rv_core *core;
	struct rv_node **nodes; /* by spec index of conf; NULL: not yet */
	size_t n_nodes, max_units;
	struct rv_journal *journal;
	struct rv_clerk_link *clerk;
	struct rv_start *start;
	char *libexec_dir;
	char *public_dir; /* notify sockets: workers may enter */
	char run_id[33];
	char last_run[RV_LAST_RUNS]; /* those that never left; or "" */
	int64_t started_at_us;
	int lock_fd;
	bool owns_place;    /* the lock is ours, and not another runtime's */
	pid_t ended_badly;  /* the run before, if it never left; else 0 */
	uint64_t life_base; /* global = base + the core's number */
	uint64_t random;
	struct rv_hash lives;    /* global life -> node */
	struct rv_list launches; /* nodes whose launch is queued */
	struct rv_list unsent;   /* nodes whose launch was, and is not wanted */
	struct rv_pages pages;
	struct rv_listeners listeners;
	struct rv_taken taken; /* an address of theirs, by somebody else */
	struct rv_overlaps overlaps;
	struct rv_exceptions exceptions;
	struct rv_conf_source source; /* of a reload; borrowed */
	struct rv_list sinks;
	struct rv_list syncs; /* struct rv_sync, oldest first */
	uint64_t next_sync;
	struct rv_sync room; /* of rv_super_room; done: it is awaited */
	void (*room_free)(void *ctx);
	void *room_ctx;
	struct rv_defer end_of_turn;
	struct rv_tick boot_tick; /* bound on waiting for the clerk */
	size_t strays;            /* still to be killed before the boot */
	bool ids_known, booted, settled_told, acting, finished, gave_up;
	bool finished_told;
	bool committing;      /* not a reload, but units that a host declares */
	bool launch_blocked;  /* the launcher's socket is full */
	unsigned last_clerks; /* that were told to write the last of it */
	int urgency;          /* of the shutdown; 0: none yet */
	const char *stop_why; /* static: reason of runtime.stopped */
	char stop_signal[32]; /* it, if a signal is the reason */
	uint64_t told_id;     /* sinks have heard of ids below this */
	void (*settled)(void *ctx);
	void *settled_ctx;
};

/* place.c: directories, lock, names */
enum reeve_status rv_place_take(
    struct rv_super *, struct reeve_error *) RV_MUST_CHECK;
void rv_place_leave(struct rv_super *);

/* node.c */
struct rv_node *rv_node_create(
    struct rv_super *, const struct rv_spec *, struct rv_conf *);
void rv_node_destroy(struct rv_node *);
struct rv_node *rv_node_of(struct rv_unit *);
struct rv_node *rv_node_by_life(struct rv_super *, uint64_t life);
/* Make and link nodes for spec and all below it; false without memory. */
bool rv_node_build(struct rv_super *, struct rv_conf *, const struct rv_spec *,
    struct rv_unit *parent, struct rv_unit *after);
void rv_node_link_deps(struct rv_super *, const struct rv_spec *);

/* act.c */
void rv_super_send_stop(struct rv_super *, struct rv_node *);
/* A stop signal was delivered: the token of its sync. 0 for other tokens. */
static inline int
rv_super_signo_of(uint64_t token)
{
	return (int)(token >> 56);
}

/* `now` is filled in unless it is given. */
void rv_super_post(struct rv_super *, struct rv_event *);
/* A life has ended: the host may have its say, then the core has it. */
void rv_super_post_end(struct rv_super *, struct rv_event *);
/* Carry out what the core wants done. */
void rv_super_act(struct rv_super *);
void rv_super_launch_queued(struct rv_super *);

/* facts.c, helpers.c: what launcher and clerk report */
extern const struct rv_start_ops rv_super_start_ops;
extern const struct rv_clerk_ops rv_super_clerk_ops;
void rv_super_boot(struct rv_super *);

/* super.c: tables that grow with the number of units */
enum reeve_status rv_super_make_room(
    struct rv_super *, size_t units, struct reeve_error *) RV_MUST_CHECK;
/* For one more unit, now; false: not without a reload. */
bool rv_super_has_room(struct rv_super *);
/* As rv_super_next, with those that stand aside. */
struct rv_unit *rv_super_next_any(struct rv_super *, struct rv_unit *);
/* For how many units the core gets room that is to hold n: some may come. */
static inline size_t
rv_super_units_for(size_t n)
{
	return 2 * n + 1024;
}

/* ops.c */
void rv_super_synced(struct rv_super *, uint64_t token);
void rv_super_syncs_again(struct rv_super *); /* a new clerk is asked */
void rv_super_syncs_fail(struct rv_super *);
bool rv_super_is_within(const struct rv_unit *top, const struct rv_unit *);

/* record.c */
uint64_t rv_super_record(struct rv_super *, enum rv_kind_of_event,
    struct rv_node *, uint64_t life, const struct rv_fields *);
/* The same of a unit that may be gone, or have another life; see journal.h. */
uint64_t rv_super_record_path(struct rv_super *, enum rv_kind_of_event,
    const char *path, uint32_t index, uint64_t life, const struct rv_fields *);
void rv_super_record_action(struct rv_super *, const struct rv_action *);

/* notice.c */
void rv_super_notice_event(struct rv_super *, enum rv_kind_of_event,
    const char *path, const struct rv_fields *);

/* reconcile.c */
void rv_super_node_gone(struct rv_super *, struct rv_node *);

#endif
