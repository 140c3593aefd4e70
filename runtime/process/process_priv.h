/* SPDX-License-Identifier: MIT */
/*
 * Contexts and their processes, for this folder. One mutex of the context is
 * over all of it; it is let go of while somebody waits and while callbacks
 * run. Functions that are not static are called with it held, but for those
 * of the door.
 */
#ifndef RV_PROCESS_PRIV_H
#define RV_PROCESS_PRIV_H

#include <pthread.h>
#include <sys/types.h>

#include <reeve/process.h>

#include "base/base.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/time.h"
#include "child/lifeline.h"
#include "child/page.h"
#include "config/spec.h"
#include "loop/loop.h"
#include "start/start.h"

#define RV_CONTEXT_MAGIC 0x52764378u
#define RV_PROCESS_MAGIC 0x52765072u

#define RV_PLACE_MAX 64 /* bytes of the path of a context's directory */

struct reeve_context {
	uint32_t magic;
	pid_t pid; /* whose it is */
	enum reeve_method method;
	int log_level;
	char *libexec_dir;
	const char *const *preload; /* one block of memory */
	void (*said)(void *ctx, const struct reeve_said *);
	void (*ended)(void *ctx, struct reeve_process *);
	void (*trouble)(void *ctx, const struct reeve_error *);
	void *ctx;

	pthread_mutex_t mutex;
	pthread_cond_t turned; /* a turn is over */
	bool driving;          /* somebody runs the loop: */
	pthread_t driver;
	bool broken;                   /* a check of ours failed */
	struct reeve_process *telling; /* whose news a callback hears now */

	struct rv_loop *loop;
	struct rv_start *start;
	char place[RV_PLACE_MAX]; /* the directory; "": none */
	char run_id[33];
	int own_pidfd; /* handed to processes; -1: the kernel has none */

	struct rv_list processes; /* all that are attached, oldest first */
	struct rv_list unsent;    /* starts that wait for room */
	struct rv_list news;      /* struct rv_news */
	struct rv_hash by_life;
	size_t room;  /* lives that there is room for */
	size_t lives; /* there are */
	uint64_t last_life;
	unsigned names;
	bool has_gone;           /* a detached one has ended */
	struct reeve_error hint; /* what the launcher said last, in words */
};

/* Of something that a callback is to be told, in order. */
enum rv_news_kind { RV_NEWS_SAID, RV_NEWS_ENDED, RV_NEWS_TROUBLE };

struct rv_news {
	struct rv_list link;
	enum rv_news_kind kind;
	struct reeve_process *process;
	struct reeve_said said; /* texts are behind it */
	struct reeve_error error;
	char text[];
};

enum rv_phase {
	RV_PHASE_NEW,
	RV_PHASE_STARTING, /* asked of the launcher, or waits for that */
	RV_PHASE_RUNNING,
	RV_PHASE_ENDED,
};

/* What it raised or crashed of, as it is shown. */
struct rv_raised {
	struct reeve_exception exception;
	struct rv_page_trouble trouble;
	char name[24], message[RV_PAGE_MESSAGE + 128];
	char *backtrace;
};

struct reeve_process {
	uint32_t magic;
	struct reeve_context *context; /* NULL: that was freed */
	pid_t owner;                   /* whose it is, then, too */
	struct rv_list link;           /* in context->processes */
	struct rv_list unsent;         /* in context->unsent */
	struct rv_hash_node by_life;
	uint64_t life; /* 0: none */
	enum rv_phase phase;
	bool daemon, detached;
	bool is_sent;  /* the launcher has been asked, and has not answered */
	uint8_t tries; /* starts that a fork server's death has undone */
	char name[RV_GIVEN_NAME];

	/* how it is started */
	struct rv_spec spec;
	struct rv_policy policy;
	struct rv_program program;
	void *words; /* memory of strings and lists in program */
	char *args;
	struct reeve_give *gives;
	size_t n_gives;
	int ours, its; /* ends of the lifeline */
	struct rv_io io;
	struct reeve_error failure; /* of the start */

	/* while it runs */
	pid_t pid;
	uint64_t start_ticks;
	int page; /* -1: none came */
	bool reported;
	uint8_t asked;    /* a signal that the launcher may not have yet */
	bool asked_group; /* of that */
	bool ask_end;     /* its end is asked for */
	unsigned joiners; /* calls that wait for its end */

	/* its end */
	enum reeve_process_kind kind;
	int code;
	bool core_dumped;
	int64_t user_us, system_us, max_rss_kib;
	unsigned leftover;
	char why[256];
	struct rv_raised *raised;
	int sentinel;          /* -1: nobody asked for it */
	bool sentinel_is_ours; /* an eventfd, which has to be told */
};

/* -------- context_door.c: who may come in, and who waits -------- */

typedef enum reeve_status rv_context_fn(
    struct reeve_context *, void *arg, struct reeve_error *);

/* NULL, another process's, broken: EINVALID or EBUG. Takes no lock. */
enum reeve_status rv_context_check(
    const struct reeve_context *, const char *what, struct reeve_error *);
/* fn with the lock held, in a scope where a failed check closes the context. */
enum reeve_status rv_context_call(struct reeve_context *, const char *what,
    rv_context_fn *, void *arg, struct reeve_error *);
/*
 * Run the loop, or wait for who does, until done says so (asked with the lock
 * held): REEVE_OK, _ETIMEDOUT; _EBUSY: from a callback. `until` 0: look once.
 */
enum reeve_status rv_context_wait(struct reeve_context *, const char *what,
    bool (*done)(void *arg), void *arg, rv_time until, struct reeve_error *);
/* The moment at which a timeout of the public kind ends. */
rv_time rv_context_until(int64_t timeout);
bool rv_context_init_locks(struct reeve_context *);
void rv_context_finish_locks(struct reeve_context *);

/* -------- context_place.c -------- */

enum reeve_status rv_place_make(
    char path[static RV_PLACE_MAX], struct reeve_error *) RV_MUST_CHECK;
/* What the launcher has not removed. */
void rv_place_remove(const char *path);

/* -------- context_news.c -------- */

void rv_news_said(struct reeve_process *, const struct rv_say_head *,
    const char *task, const char *text);
void rv_news_ended(struct reeve_process *);
void rv_news_trouble(struct reeve_context *, const struct reeve_error *);
/* Tell them; lets go of the lock around each. */
void rv_news_tell(struct reeve_context *);
/* Forget those of a process, or (NULL) all. */
void rv_news_forget(struct reeve_context *, const struct reeve_process *);

/* -------- context_lives.c: between rv_start and processes -------- */

extern const struct rv_start_ops rv_context_ops;
/* Room for one more; a number for it. False without memory. */
bool rv_lives_add(struct reeve_process *);
void rv_lives_remove(struct reeve_process *);
/* Ask the launcher for it, now or when there is room. */
void rv_lives_launch(struct reeve_process *);
/* Send p->asked, and that its end is asked for. */
void rv_lives_ask(struct reeve_process *);

/* -------- process_plan.c -------- */

enum reeve_status rv_process_plan(struct reeve_process *,
    const struct reeve_process_options *, struct reeve_error *) RV_MUST_CHECK;
/* What a process that is there needs no more. */
void rv_process_plan_used(struct reeve_process *);
void rv_process_plan_free(struct reeve_process *);

/* -------- process_give.c -------- */

/* Make the lifeline, if it is to have one, and put all into it. */
enum reeve_status rv_process_give(
    struct reeve_process *, struct reeve_error *) RV_MUST_CHECK;
/* The process has its end: close what is not needed here. */
void rv_process_given(struct reeve_process *);
/* It has ended: what it said last; close. */
void rv_process_hear_last(struct reeve_process *);
void rv_process_give_free(struct reeve_process *);

/* -------- process_end.c -------- */

void rv_process_ended(struct reeve_process *, const struct rv_death *);
/* Nobody will tell how it ended any more. */
void rv_process_lost(struct reeve_process *, const char *why);
void rv_process_free_end(struct reeve_process *);

/* -------- process.c -------- */

/* All of it; it is in no list any more. */
void rv_process_destroy(struct reeve_process *);

#endif
