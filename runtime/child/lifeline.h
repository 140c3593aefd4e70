/* SPDX-License-Identifier: MIT */
/*
 * The lifeline of a process of process.h: one packet socket between it and its
 * creator, handed down as a listening socket is. Before there is a process the
 * creator puts one packet into it: the head, the gives, and their descriptors,
 * behind the creator's own. What comes back are lines of log, a packet each.
 * Layout only: written by runtime/process and child/saying.c.
 */
#ifndef RV_CHILD_LIFELINE_H
#define RV_CHILD_LIFELINE_H

#include <stdint.h>

#include <reeve/self.h>
#include <reeve/share.h>

#include "base/base.h"

#define RV_LIFELINE_NAME  "reeve.lifeline"
#define RV_LIFELINE_MAGIC 0x52764c01u /* with the version of the layout */
#define RV_SAY_MAGIC      0x52765301u

#define RV_GIVEN_NAME  64
#define RV_GIVEN_MAX   60
#define RV_LIBEXEC_MAX 512
#define RV_SAY_TASK    64

/* As many as the kernel takes in one packet, nearly. */
#define RV_LIFELINE_FDS (1 + RV_GIVEN_MAX * REEVE_HANDLE_FDS)

enum rv_lifeline_flag {
	RV_LIFELINE_LISTENS = 1u << 0, /* lines of log are wanted */
	RV_LIFELINE_DAEMON = 1u << 1,
	RV_LIFELINE_PIDFD = 1u << 2, /* the first descriptor: the creator */
};

struct rv_lifeline_give {
	char name[RV_GIVEN_NAME];
	uint32_t kind, n_fds;
};

/* n_gives of the above stand behind it. */
struct rv_lifeline_head {
	uint32_t magic, flags;
	int32_t parent, method, log_level;
	uint32_t n_gives;
	char name[RV_GIVEN_NAME];
	char libexec_dir[RV_LIBEXEC_MAX];
};

/* The task and the text stand behind it, without NULs. */
struct rv_say_head {
	uint32_t magic;
	int32_t level, pid;
	uint32_t n_task, n_text;
	uint32_t reserved;
	int64_t at_us;
};

/* In a process that will run a function: nobody that it executes gets it. */
void rv_self_begin(void);
/* In one that was forked to be another: forget who it was. */
void rv_self_after_fork(void);

/* The lifeline, where lines of log are wanted; -1: nobody listens. */
int rv_self_listener(struct reeve_self *);

#endif
