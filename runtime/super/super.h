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

struct rv_super;

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
/* signal.received */
void rv_super_note_signal(struct rv_super *, int signo);
/* The host reaped this one; true when it was ours. */
bool rv_super_reaped(struct rv_super *, pid_t, int wstatus);

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
	/* something that a person at the terminal should read; may be NULL */
	void (*notice)(struct rv_super_sink *, int level, const char *text);
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

enum rv_verb { RV_VERB_START, RV_VERB_STOP, RV_VERB_RESTART };

/* Who asks: recorded with control.request before anything is done. */
struct rv_asker {
	const char *method;
	const char *names; /* JSON array as text, or NULL */
	int64_t uid, pid;  /* -1: the host itself */
};

/* Records control.request; returns its event id (0: dropped). */
uint64_t rv_super_asked(struct rv_super *, const struct rv_asker *);

void rv_super_do(struct rv_super *, struct rv_unit *, enum rv_verb);
enum reeve_status rv_super_signal(struct rv_super *, struct rv_unit *,
    int signo, struct reeve_error *) RV_MUST_CHECK;

struct rv_reload_plan {
	struct rv_buf added, removed, changed,
	    updated; /* JSON arrays of paths */
	unsigned n_added, n_removed, n_changed, n_updated;
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

/* `done` runs when the clerk has everything on disk (or died: ok = false). */
typedef void rv_super_synced_cb(void *ctx, bool ok);
enum reeve_status rv_super_sync(
    struct rv_super *, rv_super_synced_cb *, void *ctx) RV_MUST_CHECK;

#endif
