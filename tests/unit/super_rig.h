/* SPDX-License-Identifier: MIT */
/*
 * A runtime with a launcher and a clerk that are none: the test is both. It
 * reports what a launcher would, and reads what was asked of one and what was
 * recorded. Units, pages, timers and the loop are the real ones.
 */
#ifndef RV_TESTS_SUPER_RIG_H
#define RV_TESTS_SUPER_RIG_H

#include "child/page.h"
#include "super/super_priv.h"

struct super_rig {
	struct rv_loop *loop;
	struct rv_super *super;
	struct rv_super_sink sink;
	char *said;  /* "worker.ready web {...}" a line */
	char *asked; /* "signal web 15" a line: what a launcher was asked */
	char *told;  /* "exception web db.Timeout" a line: the other hooks */
	enum rv_verdict verdict;             /* to the ends that follow */
	int proposal;                        /* the last one */
	int32_t pids;                        /* the last pid that was given */
	void (*decides)(struct super_rig *); /* in the hook, or NULL */
};

/* Members of the root, without braces: "\"children\": {...}". Booted. */
void super_rig_open(struct super_rig *, const char *members);
void super_rig_close(struct super_rig *);
/* The same runtime's conf, from other members; a new reference. */
struct rv_conf *super_rig_conf(struct super_rig *, const char *members);

struct rv_unit *super_rig_unit(struct super_rig *, const char *path);
uint64_t super_rig_life(struct super_rig *, const char *path);
bool super_rig_is(struct super_rig *, const char *path, enum rv_state);

/* What a launcher reports. */
void super_rig_up(struct super_rig *, const char *path); /* exists, is ready */
void super_rig_notify(struct super_rig *, const char *path, uint32_t flags);
void super_rig_exit(struct super_rig *, const char *path, int code);
void super_rig_signaled(struct super_rig *, const char *path, int signo);

/* Go on until all that was deferred is done. */
void super_rig_turn(struct super_rig *);
/* Go on until this was said (a line with all of these words), at most ms. */
bool super_rig_await(struct super_rig *, const char *words, int ms);
bool super_rig_said(struct super_rig *, const char *words);
unsigned super_rig_count(struct super_rig *, const char *words);
void super_rig_forget(struct super_rig *);

/* A page as a worker makes one: writable here; *fd is the caller's. */
unsigned char *super_rig_page(int *fd);
void super_rig_page_free(unsigned char *);
/* And sent: it is the unit's from here on. */
unsigned char *super_rig_paged(struct super_rig *, const char *path);
uint64_t *super_rig_beats(unsigned char *page);
struct rv_page_trouble *super_rig_trouble(unsigned char *page);

#endif
