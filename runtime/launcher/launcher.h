/* SPDX-License-Identifier: MIT */
/*
 * The launcher's state and its parts, for the files of this folder. One
 * struct holds it all; it lives on main's stack. Lives are described in
 * life.h, what is between clone and exec in slots.h and child/enter.h.
 */
#ifndef RV_LAUNCHER_H
#define RV_LAUNCHER_H

#include <sys/resource.h>
#include <sys/types.h>

#include <reeve/error.h>

#include "base/hash.h"
#include "base/list.h"
#include "child/call.h"
#include "launcher/ahead.h"
#include "launcher/keeps.h"
#include "launcher/link.h"
#include "launcher/outputs.h"
#include "launcher/seal.h"
#include "launcher/slots.h"
#include "loop/loop.h"
#include "wire/launch.h"

#define RV_RUN_ID_MAX  64 /* characters */
#define RV_RECENT_DEAD 256
#define RV_SYNCS_MAX   64 /* tokens of one turn */

/* A life that was reported, whose fled descendants may still turn up. */
struct rv_recent {
	pid_t pid;
	uint64_t life;
};

struct rv_launcher {
	struct rv_loop *loop;
	const char *runtime_dir;
	bool owns_dir; /* removes it at its end */
	const char *run_id;
	pid_t pid;
	uid_t uid;            /* effective */
	struct rlimit nofile; /* the runtime's own, for lives */
	char **environ;       /* the runtime's own, less what is private */
	size_t n_environ;
	bool group_by_pidfd; /* a group is signalled without a race */
	bool ending;         /* the supervisor is gone, or said CLOSE */
	bool patience_over;  /* all were killed */
	bool done;

	struct rv_link link;
	struct rv_outputs outputs;
	struct rv_slots slots;
	char *frame; /* RV_LAUNCH_FRAME_MAX bytes, what came last */

	struct rv_seal seal;
	struct rv_list sockets; /* that are handed down, by name: few */
	int lent;               /* that came with the launch in hand; -1 */
	int program_fd;         /* of functions; -1: none was given */
	char build[RV_CALL_BUILD];
	struct rv_list forks;     /* asked of the host, not answered */
	struct rv_list templates; /* fork servers */
	struct rv_list partings;  /* sockets of who is to end */
	struct rv_ahead ahead;
	uint64_t last_life; /* that was to be launched */

	struct rv_keeps keeps;
	struct rv_hash by_life; /* struct rv_life */
	struct rv_hash by_pid;  /* struct rv_proc: what we watch */
	struct rv_list lives;   /* whose main process lives */
	size_t n_lives, reserved;
	size_t n_asked; /* forks that wait for an answer, each with a tick */
	struct rv_list listeners; /* lives with a notify socket or ready fd */
	struct rv_list held;      /* lives that wait for room in the link */
	struct rv_life *unannounced; /* LAUNCHED is not yet out of the door */
	struct rv_list starting;     /* lives whose start is not heard yet */
	struct rv_tick starting_tick;
	struct rv_defer refill_soon; /* one has begun: fork the next ahead */

	/* children and orphans: see sweep.h, hunt.h */
	struct rv_io sigchld;
	struct rv_tick sweep_tick;
	struct rv_defer sweep_soon;
	size_t n_blind;          /* processes that only sweeps see end */
	struct rv_list emptying; /* lives whose leftovers are awaited */
	struct rv_list hunters;  /* lives that wait for a scan */
	struct rv_defer hunt_soon;
	struct rv_hash orphans; /* struct rv_orphan, by pid */
	bool hunt_later;        /* a life ended unasked: look for what fled */
	struct rv_recent recent[RV_RECENT_DEAD];
	unsigned n_recent; /* ever */

	uint64_t syncs[RV_SYNCS_MAX];
	unsigned n_syncs;
	struct rv_defer sync_soon;

	struct rv_tick ending_tick; /* the last moment of an orderly end */
};

/* Say to the supervisor what went wrong (kept short; dropped if it is behind).
 */
void rv_launcher_trouble(
    struct rv_launcher *, int sys_errno, const char *fmt, ...) RV_PRINTF(3, 4);

/* The frames of the supervisor (requests.c). */
void rv_launcher_request(struct rv_launcher *, size_t len, int *fd);

/* The supervisor is gone (patiently), or wants all to end at once. */
void rv_launcher_end(struct rv_launcher *, bool at_once);
/* Called whenever a life is gone: ends the program when it was the last. */
void rv_launcher_check_end(struct rv_launcher *);

#endif
