/* SPDX-License-Identifier: MIT */
/*
 * A runtime without processes, for tests of what stands above it: the
 * functions of super.h and journal.h over a few static units and a short list
 * of events, moved by the test alone.
 */
#ifndef RV_TESTS_FAKE_SUPER_H
#define RV_TESTS_FAKE_SUPER_H

#include "super/super.h"

#define FAKE_EVENTS 64

struct fake_unit {
	struct rv_unit unit;
	struct rv_policy policy;
	const char *path;
	pid_t pid;
	bool has_last, absent, has_slot, rolled_back;
	struct rv_spec spec; /* with overlap */
	char slot[8];
	struct rv_end last_end;
	int last_stage;
};

struct rv_super {
	struct rv_loop *loop;
	struct rv_conf conf;
	struct rv_list sinks;
	bool instant;   /* units obey at once */
	bool no_clerk;  /* rv_super_sync refuses */
	bool hold_sync; /* and does not answer by itself */
	bool bad_config;
	const char *changes; /* what a reload changes; NULL: nothing */
	rv_super_synced_cb *synced;
	void *synced_ctx[8];
	size_t n_syncs;
	/* what was asked of it */
	unsigned n_asked, n_done, n_signals, n_reloads, n_shutdowns;
	char asked[256]; /* "method names" of the last */
	int64_t asked_uid;
	int last_signal, urgency;
	bool dry;
	/* events [oldest, next) */
	uint64_t oldest, next;
	size_t text_len; /* of each event's text */
	char *text;
};

/* The units: / cache web web/app web/app.0 web/app.1 web/front odd */
struct rv_super *fake_super_create(struct rv_loop *, const char *runtime_dir);
void fake_super_destroy(struct rv_super *);
/* All units stopped, nothing asked, no events; sinks stay. */
void fake_super_reset(struct rv_super *);
struct fake_unit *fake_unit(struct rv_super *, const char *path);
/* Put a unit into a state and tell the sinks. */
void fake_state(struct rv_super *, const char *path, enum rv_state, bool ready);
/* Its next life is there and ready. */
void fake_up(struct rv_super *, const char *path);
void fake_down(struct rv_super *, const char *path);
/* Tell that it goes and leave it out from now on. */
void fake_gone(struct rv_super *, const char *path);
void fake_record(struct rv_super *, unsigned n);
void fake_synced(struct rv_super *, bool ok);
void fake_finish(struct rv_super *);

#endif
