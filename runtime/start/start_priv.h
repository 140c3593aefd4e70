/* SPDX-License-Identifier: MIT */
/*
 * The layout of the launcher's client, for the files of this folder. What is
 * known of a life here is little: its number, its pid, and what is still to be
 * said to the launcher about it.
 */
#ifndef RV_START_PRIV_H
#define RV_START_PRIV_H

#include "base/hash.h"
#include "base/list.h"
#include "start/start.h"
#include "wire/launch.h"
#include "wire/packet.h"

#define RV_START_MAGIC 0x73746172u
#define RV_LIFE_OPS    8 /* requests waiting, for each life there is room for */
#define RV_SPARE_OPS   64

struct rv_start_life {
	struct rv_hash_node by_life;
	struct rv_list link;         /* in all, or free */
	struct rv_list to_adopt;     /* in adoptions */
	struct rv_launch_keep *keep; /* used while in adoptions alone */
	pid_t pid;                   /* 0: in flight */
	int forked; /* pidfd of who was forked here for it, and waits; -1 */
	uint64_t start_ticks;
	bool stray; /* to be killed, not kept */
	bool stale; /* of a launcher that died, not handed over yet */
	bool kill_waits, expect_waits; /* such a request is in the queue */
	bool has_status;               /* the host reaped it */
	int wstatus;
};

/* A request that waits for room in the socket. */
struct rv_start_op {
	uint64_t life;
	uint32_t op; /* enum rv_launch_op */
	uint8_t signo, kill_mode;
	bool group, cont_follows;
};

struct rv_start_chunk {
	struct rv_start_chunk *next;
	size_t n;
	struct rv_launch_keep *keeps;
	struct rv_start_life lives[];
};

struct rv_start {
	unsigned magic;
	char *program, *runtime_dir, *run_id, *last_run;
	char *functions, *crash_library; /* NULL: none given */
	bool private_dir;
	struct rv_loop *loop;
	const struct rv_start_ops *ops;
	void *ctx;

	/* the process */
	struct rv_io io; /* its socket */
	struct rv_io
	    ending; /* its pidfd, between its socket's end and its own */
	struct rv_tick tick; /* of the next attempt, or of impatience */
	int fd;              /* -1: there is none, or it is ending */
	pid_t pid;           /* 0: none */
	int pidfd;
	int wstatus; /* the host reaped it; -1: no */
	rv_time started_at, delay, impatient_at;
	bool failing; /* the last attempt failed: it was said */

	/* lives */
	struct rv_hash by_life;
	struct rv_list all, free;
	struct rv_start_chunk *chunks;
	size_t capacity;

	/* the seal: what each launcher is told once it has been given all */
	const struct rv_spec *const *declared; /* borrowed; NULL: no seal */
	size_t n_declared, next_declared;
	bool unsealed; /* this launcher has not heard all of it: no launches */
	bool handing_over; /* it is being given what a seal would forbid */

	/* what waits for room */
	bool blocked;
	bool refused; /* a launch was: `writable` is owed */
	struct rv_list adoptions;
	struct rv_start_op *queue;
	size_t queue_first, queue_len, queue_max;
	int clerk_fd; /* the launcher's end, -1: none waits */
	bool wants_clerk;
	struct rv_tick clerk_tick; /* there was no descriptor for it */
	bool dropped;              /* a signal was, and it was said */
	char *frame;               /* RV_LAUNCH_FRAME_MAX bytes */
};

struct rv_start_life *rv_start_find(struct rv_start *, uint64_t life);
/* NULL: no room was reserved. */
struct rv_start_life *rv_start_add(struct rv_start *, uint64_t life);
void rv_start_remove(struct rv_start *, struct rv_start_life *);
void rv_start_free_queue(struct rv_start *);

/* functions.c: what each new launcher is told before anything else. */
void rv_start_introduce(struct rv_start *);
/* A launch failed for want of the program of functions: which one it is. */
void rv_start_say_program(struct rv_start *, int sys_errno);
/* A fork that the launcher asks for, and what became of such a child. */
void rv_start_fork(struct rv_start *, uint64_t life, struct rv_packet *);
/* What was forked here for it is a life now, or never will be. */
void rv_start_forget_forked(struct rv_start_life *);
void rv_start_drop_forked(struct rv_start_life *);
void rv_start_reap(
    struct rv_start *, const struct rv_launch_frame *, int pidfd);

/* Send or queue. */
void rv_start_ask(struct rv_start *, const struct rv_start_op *);
void rv_start_ask_adoption(struct rv_start *, struct rv_start_life *);
/* The socket has room: send what waits, then tell the owner. */
void rv_start_flush(struct rv_start *);
/* Connect the clerk: the tick's callback. */
void rv_start_clerk_again(struct rv_tick *, rv_time now, rv_time late);
/* describe.c: what is declared, then the seal; false: there is no room. */
bool rv_start_send_seal(struct rv_start *);
/* All that waited for a launcher that is gone. */
void rv_start_forget_queue(struct rv_start *);
bool rv_start_send(
    struct rv_start *, const void *data, size_t len, const int *fd);

/* Handle one frame of the launcher; descriptors that are taken become -1. */
void rv_start_report(struct rv_start *, const void *data, struct rv_packet *);

void rv_start_trouble(struct rv_start *, int sys_errno, const char *fmt, ...)
    RV_PRINTF(3, 4);

#endif
