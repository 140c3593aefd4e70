/* SPDX-License-Identifier: MIT */
/*
 * The runtime behind the public face: feeds the core with facts, executes its
 * actions, keeps the journal. The control socket (ctl/) and the face call
 * this; it calls nobody above, but reports through struct rv_super_sink.
 */
#ifndef RV_SUPER_H
#define RV_SUPER_H

#include "config/load.h"
#include "core/core.h"
#include "journal/journal.h"
#include "loop/loop.h"
#include "wire/record.h"

struct rv_super;
struct rv_page_trouble;

/* What a person or a client may know of a unit beyond struct rv_unit. */
struct rv_unit_info {
	const struct rv_unit *unit;
	pid_t pid; /* 0: none */
	uint64_t start_ticks;
	uint64_t life;           /* number of the present life, 0: none */
	const char *status_text; /* STATUS= of the worker, "" if none */
	bool has_last;           /* an earlier end in this run */
	int64_t last_at_us;
	struct rv_end last_end;
	enum rv_reason last_reason;
	int last_stage, last_errno;
	int64_t backoff_ms;  /* left in BACKOFF, else -1 */
	int64_t uptime_ms;   /* of the present life, 0 if none */
	int64_t beat_age_ms; /* -1: no heartbeat */
	bool replacing;      /* its next generation is being started */
	const struct rv_spec *spec;
};

/*
 * Make a runtime of a loaded conf (a reference is taken): take the state
 * directory, start launcher and clerk, boot the tree once the clerk has told
 * which ids are free. `settled` comes once, when autostart has come to rest.
 */
struct rv_super_options {
	struct rv_loop *loop;
	struct rv_conf *conf;
	const char *libexec_dir;
	/*
	 * What a reload loads; borrowed for the life of the runtime, or until
	 * rv_super_set_source. Zero: the file of `conf`.
	 */
	struct rv_conf_source source;
	void (*settled)(void *ctx);
	void *ctx;
};
enum reeve_status rv_super_create(struct rv_super **,
    const struct rv_super_options *, struct reeve_error *) RV_MUST_CHECK;
/* Kills what is left and frees; the loop and the sinks are others'. */
void rv_super_destroy(struct rv_super *);
/*
 * After `finished`: ends the journal. A pidfd (the caller's) to wait on for
 * the clerk's last commit, or -1 when there is nothing to wait for. Call it
 * again after that clerk has ended, until -1: one that was killed is replaced.
 */
int rv_super_last_words(struct rv_super *);
/* signal.received, when the host does what it means */
void rv_super_note_signal(struct rv_super *, int signo);
/*
 * Do what the conf's table of signals says, and record what that was. An error
 * only of a reload, whose findings go to the callback (may be NULL).
 */
enum reeve_status rv_super_signal_received(struct rv_super *, int signo,
    rv_finding_cb *, void *ctx, struct reeve_error *) RV_MUST_CHECK;
/* The host reaped this one; true when it was ours. */
bool rv_super_reaped(struct rv_super *, pid_t, int wstatus);

/* The end of a life, as it is told before anything follows from it. */
struct rv_ending {
	uint64_t life;
	pid_t pid; /* that it had; 0: there was no process */
	enum rv_reason reason;
	struct rv_end end;
};

/* Listeners embedded in their owners; called in the loop's thread. */
struct rv_super_sink {
	struct rv_list link;
	void *ctx;
	/* at the end of a turn in which events were recorded; may be NULL */
	void (*recorded)(struct rv_super_sink *, uint64_t next_id);
	/* a unit's state, readiness or wish changed; may be NULL */
	void (*changed)(struct rv_super_sink *, struct rv_unit *);
	/* the unit goes away now; may be NULL */
	void (*gone)(struct rv_super_sink *, struct rv_unit *);
	/* the tree has ended; may be NULL */
	void (*finished)(struct rv_super_sink *, bool gave_up);
	/* another config is in force, by a reload or a commit; may be NULL */
	void (*reloaded)(struct rv_super_sink *);
	/* something that a person at the terminal should read; may be NULL */
	void (*notice)(struct rv_super_sink *, int level, const char *text);
	/*
	 * Each of the following may be NULL. They are called in the middle of
	 * things: asking for anything (rv_super_do ...) is fine, it is done
	 * after what is being done; destroying the runtime is not.
	 *
	 * An event as it was recorded (id 0: dropped); borrowed for the call.
	 */
	void (*event)(struct rv_super_sink *, const struct rv_record *);
	/* what a worker left in its page; after `event` of the same */
	void (*exception)(struct rv_super_sink *, struct rv_unit *,
	    uint64_t life, const struct rv_page_trouble *);
	/*
	 * A life has ended, or could not begin, and nobody asked for that; the
	 * policy proposes (enum rv_proposal). What is not asked for here is
	 * done: RV_VERDICT_NONE. Of several the first verdict counts. Not of
	 * one that stands aside (overlap.h): its unit has not ended.
	 */
	enum rv_verdict (*decide)(struct rv_super_sink *, struct rv_unit *,
	    const struct rv_ending *, int proposal);
	/*
	 * A worker's process is about to be forked from this one; was (pid 0:
	 * it failed); and in the new process, before its function.
	 */
	void (*before_fork)(struct rv_super_sink *, struct rv_unit *);
	void (*after_fork)(struct rv_super_sink *, struct rv_unit *, pid_t);
	void (*in_fork)(struct rv_super_sink *, struct rv_unit *);
	/* all that a group restart concerns is down; see RV_ACT_GROUP_DOWN */
	void (*group_down)(struct rv_super_sink *, struct rv_unit *supervisor);
	/*
	 * the page of this life, the unit's or of one that stood aside, is
	 * read and unmapped; after `exception`, before `decide`
	 */
	void (*slot_free)(
	    struct rv_super_sink *, struct rv_unit *, uint64_t life);
};

void rv_super_listen(struct rv_super *, struct rv_super_sink *);
void rv_super_unlisten(struct rv_super_sink *);

struct rv_conf *rv_super_conf(struct rv_super *);
struct rv_loop *rv_super_loop(struct rv_super *);
struct rv_journal *rv_super_journal(struct rv_super *);
const char *rv_super_run_id(const struct rv_super *);
int64_t rv_super_started_at_us(const struct rv_super *);
pid_t rv_super_launcher_pid(const struct rv_super *);
pid_t rv_super_clerk_pid(const struct rv_super *);

/* Tree walk in pre-order, file order: NULL begins, NULL ends. */
struct rv_unit *rv_super_next(struct rv_super *, struct rv_unit *);
struct rv_unit *rv_super_find(struct rv_super *, const char *path);
void rv_super_info(struct rv_super *, struct rv_unit *, struct rv_unit_info *);
/* An old generation of a worker that is being stopped. */
struct rv_draining {
	uint64_t life;
	pid_t pid;
	int64_t age_ms; /* of its stopping */
	uint64_t rss_bytes;
};
/* The n-th of this unit's, oldest first; false: there is none. */
bool rv_super_draining(struct rv_super *, const struct rv_unit *, unsigned n,
    struct rv_draining *);

/*
 * The last try to replace the present life has failed: how the new one ended,
 * as last_* of an info that says nothing else. False: it was not so.
 */
bool rv_super_rolled_back(
    struct rv_super *, struct rv_unit *, struct rv_unit_info *);

/*
 * Copy the worker's slot, RV_PAGE_SLOT_BYTES of its own; false: it has none.
 */
bool rv_super_slot(
    struct rv_super *, struct rv_unit *, void *dst) RV_MUST_CHECK;

/*
 * The slot of a life whose end is being told, until the call that tells it
 * returns; NULL: its end is not being told, or it had no page.
 */
const void *rv_super_last_slot(const struct rv_super *, uint64_t life);

enum rv_verb { RV_VERB_START, RV_VERB_STOP, RV_VERB_RESTART };

/* Who asks: recorded with control.request before anything is done. */
struct rv_asker {
	const char *method;
	const char *names;  /* JSON array as text, or NULL */
	int64_t uid, pid;   /* -1: the host itself */
	const char *reason; /* why it says it wants that, or NULL */
};

/* Records control.request; returns its event id (0: dropped). */
uint64_t rv_super_asked(struct rv_super *, const struct rv_asker *);

void rv_super_do(struct rv_super *, struct rv_unit *, enum rv_verb);
/* What that launches is sent at the end of a turn, or by this: now. */
void rv_super_launch(struct rv_super *);
enum reeve_status rv_super_signal(struct rv_super *, struct rv_unit *,
    int signo, struct reeve_error *) RV_MUST_CHECK;

struct rv_reload_plan {
	/* JSON arrays of paths; resting: those of changed that stay down */
	struct rv_buf added, removed, changed, updated, resting;
	unsigned n_added, n_removed, n_changed, n_updated, n_resting;
	bool has_file; /* there is one that was read */
};
void rv_reload_plan_finish(struct rv_reload_plan *);
/*
 * Load the file anew and (unless dry) reconcile. Errors are reported through
 * the callback too; then nothing changes and config.rejected is recorded.
 */
enum reeve_status rv_super_reload(struct rv_super *, bool dry,
    struct rv_reload_plan *, rv_finding_cb *, void *ctx,
    struct reeve_error *) RV_MUST_CHECK;

/*
 * Reconcile with a conf that somebody else has loaded; a reference is taken.
 * The plan is filled in either case. REEVE_ECONFIG: it differs in what only a
 * new start can change; nothing was done then.
 */
enum reeve_status rv_super_apply(struct rv_super *, struct rv_conf *fresh,
    struct rv_reload_plan *, struct reeve_error *) RV_MUST_CHECK;
/* What a reload loads from now on; borrowed. */
void rv_super_set_source(struct rv_super *, const struct rv_conf_source *);

/*
 * A socket of the host's, open and ready, under the name by which workers ask
 * for it; copied. One of that name that was handed over before is replaced for
 * workers that start from now on. REEVE_EEXIST: the config opens that name.
 */
enum reeve_status rv_super_listen_fd(struct rv_super *, const char *name,
    int fd, struct reeve_error *) RV_MUST_CHECK;
/* The names of these, NULL-terminated; NULL: none. Until the next of them. */
const char *const *rv_super_handed(const struct rv_super *);

/*
 * Two ready workers of one supervisor exchange their lives: processes, pages,
 * everything that belongs to a life; specs and policies stay where they are.
 * False, and nothing is done, when they are not both ready and wanted.
 */
bool rv_super_swap(
    struct rv_super *, struct rv_unit *, struct rv_unit *) RV_MUST_CHECK;

/*
 * 1: stop in order; 2: shorten waits; 3 and more: kill. `why` (static, of the
 * first call) is the reason of runtime.stopped.
 */
void rv_super_shutdown(struct rv_super *, int urgency, const char *why);
/* How urgent it is already; 0: no shutdown yet. */
int rv_super_urgency(const struct rv_super *);

/* A line for a person, to all who listen for notices. */
enum rv_notice_level { RV_NOTICE_INFO, RV_NOTICE_WARNING, RV_NOTICE_TROUBLE };
void rv_super_notice(struct rv_super *, int level, const char *fmt, ...)
    RV_PRINTF(3, 4);

/*
 * A record of a host's own, not of any unit; told to sinks as all are. False:
 * there is no room for it now, and nothing has happened; see rv_super_room.
 */
bool rv_super_record_task(struct rv_super *, enum rv_kind_of_event,
    const char *path, const struct rv_fields *) RV_MUST_CHECK;
/*
 * Have `room` called, once, when the clerk has freed what is in the ring by
 * now, or none is left to do so. While it is awaited, further calls do nothing.
 */
void rv_super_room(struct rv_super *, void (*room)(void *ctx), void *ctx);

/* `done` runs when the clerk has everything on disk (or died: ok = false). */
typedef void rv_super_synced_cb(void *ctx, bool ok);
enum reeve_status rv_super_sync(
    struct rv_super *, rv_super_synced_cb *, void *ctx) RV_MUST_CHECK;

#endif
