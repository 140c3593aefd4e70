/* SPDX-License-Identifier: MIT */
/*
 * What a process needs before it is there, however it is made: its life, its
 * pipes and sockets, the plan of its birth, its call. A making owns all of it
 * until the process has taken its part and the life the rest.
 */
#ifndef RV_LAUNCHER_MAKING_H
#define RV_LAUNCHER_MAKING_H

#include "child/enter.h"
#include "launcher/launcher.h"

struct rv_making {
	struct rv_launcher *l;
	const struct rv_launch *launch;
	enum rv_stage stage; /* of what failed, and why */
	int sys_errno;
	struct rv_life *life;
	struct rv_birth *birth;  /* in a slot, or in the call */
	int reads[2], writes[2]; /* of stdout's and stderr's pipes */
	int ready[2];
	int go[2]; /* of one that is forked: ours, its own */
	int call;  /* memfd, for functions */
	void *map; /* of it; without it: memory of ours */
	bool on_heap;
	size_t map_size;
};

void rv_making_begin(
    struct rv_making *, struct rv_launcher *, const struct rv_launch *);
/* Each says by false that it failed: stage and sys_errno tell why. */
bool rv_making_failed(struct rv_making *, enum rv_stage, int sys_errno);
bool rv_making_life(struct rv_making *) RV_MUST_CHECK;
/*
 * The call of a function; with_birth: the plan is laid in it; as_bytes: it is
 * in memory of ours, if it is small, and has no descriptor then.
 */
bool rv_making_call(
    struct rv_making *, bool with_birth, bool as_bytes) RV_MUST_CHECK;
/* It gets a descriptor after all. */
bool rv_making_call_fd(struct rv_making *) RV_MUST_CHECK;
/* Pipes, and where each is to stand; needs the birth. */
bool rv_making_descriptors(struct rv_making *) RV_MUST_CHECK;
/* The sockets and pipes that the launcher listens to. */
bool rv_making_listen(struct rv_making *) RV_MUST_CHECK;

/* The clerk gets the outputs of this process. */
void rv_making_hold_outputs(struct rv_making *, pid_t);
/* Destroys the life and tells the supervisor. */
void rv_making_say_failed(struct rv_making *);

/* The process has what is its own. */
void rv_making_give_away(struct rv_making *);
void rv_making_finish(struct rv_making *);

#endif
