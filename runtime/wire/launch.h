/* SPDX-License-Identifier: MIT */
/*
 * The protocol between the supervisor and its launcher: one frame a packet,
 * the number of the operation first. Encoding and decoding only; both ends
 * dispatch by launch.def. Everything that a LAUNCH needs is in it: the
 * launcher remembers nothing of units.
 */
#ifndef RV_WIRE_LAUNCH_H
#define RV_WIRE_LAUNCH_H

#include <sys/types.h>

#include "child/stage.h"
#include "core/policy.h"
#include "wire/death.h"
#include "wire/pack.h"

#define RV_LAUNCH_MAGIC      0x52764c61u
#define RV_LAUNCH_VERSION    2u
#define RV_LAUNCH_FRAME_MAX  (200 * 1024) /* bytes, the largest LAUNCH */
#define RV_LAUNCH_SMALL_MAX  2048         /* bytes, any other frame */
#define RV_LAUNCH_LIMITS_MAX 32
#define RV_LAUNCH_LISTEN_MAX 32
#define RV_NOTIFY_STATUS_MAX 1024 /* bytes of a STATUS= text */

enum rv_launch_op {
#define X(symbol, number, name, from, doc) RV_LAUNCH_##symbol = number,
#include "wire/launch.def"
#undef X
};

/* What the launcher must know of a life for as long as it lives. */
struct rv_launch_keep {
	uint32_t kill_mode; /* enum rv_kill_mode */
	uint32_t n_stop;
	struct rv_stop_step stop[RV_STOP_STEPS_MAX]; /* supervisor is gone */
	bool stop_group;
	bool notify; /* it has a notify socket */
	bool hosted; /* forked by the host: that is its parent, and reaps */
	bool set_user;
	uint32_t uid; /* of set_user */
};

enum rv_launch_out_kind {
	RV_LAUNCH_OUT_NONE,
	RV_LAUNCH_OUT_INHERIT,
	RV_LAUNCH_OUT_FILE,
	RV_LAUNCH_OUT_MERGED,
};

/* How its process is made; as enum rv_method of the config. */
enum rv_launch_method {
	RV_LAUNCH_BY_SPAWN,
	RV_LAUNCH_BY_FORK,
	RV_LAUNCH_BY_FORKSERVER,
};

struct rv_launch_out {
	uint32_t kind; /* enum rv_launch_out_kind */
	const char *path;
	uint64_t max_bytes;
	uint32_t backups;
};

struct rv_launch_limit {
	int32_t resource;
	bool has_soft, has_hard;
	uint64_t soft, hard; /* UINT64_MAX: unlimited */
};

struct rv_launch {
	uint64_t life;
	struct rv_launch_keep keep;
	const char *path; /* of the unit */
	struct rv_strings argv, env;
	bool clear_env;
	const char *directory; /* NULL: the runtime's */
	bool set_group;
	uint32_t gid;
	const void *groups; /* n_groups of gid_t, perhaps not aligned */
	uint32_t n_groups;
	int32_t umask; /* -1: inherited */
	bool set_nice, set_oom;
	int32_t nice, oom_score_adj;
	uint32_t n_limits;
	struct rv_launch_limit limits[RV_LAUNCH_LIMITS_MAX];
	struct rv_launch_out out, err;
	int32_t ready_fd;       /* -1: none */
	uint64_t watchdog_usec; /* 0: none */
	uint32_t method;        /* enum rv_launch_method */
	const char *function;   /* NULL: argv is a command */
	const void *args;       /* n_args bytes */
	uint32_t n_args;
	bool args_are_json;
	struct rv_strings preload; /* of its fork server */
	struct rv_strings listen;  /* names of listeners, in order */
	const char *crash_library; /* to be preloaded, or NULL */
	int32_t stop_signal;       /* what REEVE_STOPSIGNAL says, 0: nothing */
};

struct rv_launch_frame {
	enum rv_launch_op op;
	uint64_t life; /* of all that are about one; the token of sync */
	uint32_t version;
	int32_t pid;
	uint64_t start_ticks;
	int32_t signo;
	bool group, cont_follows;
	uint32_t kill_mode;
	struct rv_launch_keep keep; /* ADOPT */
	int32_t stage, sys_errno;
	const char *text; /* TROUBLE; PROGRAM: build; (UN)LISTEN(ER): name */
	struct rv_death death;
	struct rv_notify notify;
};

/* Each returns the length, or 0 when it does not fit in size. */
size_t rv_launch_encode(void *frame, size_t size, const struct rv_launch *);
/* Any other operation; takes the members that it needs. */
size_t rv_launch_encode_frame(
    void *frame, size_t size, const struct rv_launch_frame *);

/* The operation of a frame, 0 when it is too short to have one. */
uint32_t rv_launch_op(const void *frame, size_t len);

/*
 * False for anything that is not exactly one frame of that kind. Pointers go
 * into the frame.
 */
bool rv_launch_decode(const void *frame, size_t len, struct rv_launch *);
bool rv_launch_decode_frame(
    const void *frame, size_t len, struct rv_launch_frame *);

/* "launch"; NULL for a number that is none of ours. */
const char *rv_launch_op_name(unsigned op);

#endif
