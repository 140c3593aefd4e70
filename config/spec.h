/* SPDX-License-Identifier: MIT */
/*
 * A frozen config: what a file says, parsed, defaulted, checked, expanded, and
 * never changed again. Reference counted, so that a reload can hold the old
 * and the new one side by side. Strings and arrays belong to the conf.
 */
#ifndef RV_CONFIG_SPEC_H
#define RV_CONFIG_SPEC_H

#include <sys/types.h>

#include <reeve/error.h>

#include "base/base.h"
#include "base/time.h"
#include "core/policy.h"

enum rv_out_kind {
	RV_OUT_NONE,    /* /dev/null */
	RV_OUT_INHERIT, /* the runtime's own stdout or stderr */
	RV_OUT_FILE,    /* a pipe to the clerk, which writes `path` */
	RV_OUT_MERGED,  /* stderr only: the same pipe as stdout */
};

struct rv_out {
	enum rv_out_kind kind;
	const char *path;   /* absolute, AUTO resolved under state_dir/logs */
	uint64_t max_bytes; /* rotate at; 0 = never */
	uint32_t backups;
};

struct rv_limit {
	int resource;            /* RLIMIT_* */
	uint64_t soft, hard;     /* UINT64_MAX = unlimited */
	bool has_soft, has_hard; /* `nofile: 5` sets both */
};

enum rv_method { RV_METHOD_SPAWN, RV_METHOD_FORK, RV_METHOD_FORKSERVER };

enum rv_ready_channel { RV_CHANNEL_NONE, RV_CHANNEL_NOTIFY, RV_CHANNEL_FD };

/* How to make the process of a worker: all looked up at load. */
/* One for each instance, so in an order that leaves no holes. */
struct rv_program {
	const char *const *argv;    /* NULL-terminated, at least one word */
	const char *const *env_set; /* "KEY=VALUE", NULL-terminated, sorted */
	const char *directory;      /* NULL: the runtime's */
	const gid_t *groups;        /* supplementary, when set_user */
	const struct rv_limit *limits;
	/* a function: its name, or "module.so:fn" (absolute path); or NULL */
	const char *function;
	const void *args; /* of the function; a NUL stands behind them */
	size_t n_args;
	/* functions or modules that a fork server loads once, NULL-terminated
	 */
	const char *const *preload;
	const char *const *listen; /* names of listeners, NULL-terminated */
	struct rv_out out, err;
	unsigned n_groups, n_limits;
	uid_t uid;
	gid_t gid;
	int umask; /* -1: inherited */
	int nice, oom_score_adj;
	enum rv_ready_channel ready;
	int ready_fd; /* of RV_CHANNEL_FD */
	enum rv_method method;
	bool clear_env; /* start from nothing instead of inherited */
	bool set_user, set_group, set_nice, set_oom;
	bool args_are_json;
	bool crash_report; /* a command: preload the crash handler */
};

/* Two lives at a time while one takes over from the other; see overlap. */
struct rv_overlap {
	bool on;
	uint32_t max;    /* old ones that may still drain */
	rv_time age;     /* that they may reach; RV_FOREVER: any */
	uint64_t memory; /* bytes that all of them may hold; 0: any */
};

struct rv_spec {
	const char *name; /* "app.0" */
	const char *path; /* "web/app.0"; "/" for the root */
	struct rv_spec *parent, *first_child, *next; /* file order */
	const struct rv_policy *policy;   /* shared by all that have the same */
	const struct rv_program *program; /* workers only */
	const struct rv_spec *const *deps;
	unsigned n_deps;
	uint32_t index; /* in the conf's pre-order, root = 0 */
	int line;       /* where it stands in the file; 0: declared in C */
	bool instances; /* made for numprocs: its children are X.N */
	struct rv_overlap overlap; /* workers */
	/* equal digests = nothing differs; see rv_spec_change */
	uint64_t policy_digest, program_digest, deps_digest;
};

struct rv_journal_conf {
	rv_time retain;
	uint64_t max_size;
	uint32_t output_tail;
	uint32_t ring; /* bytes, page multiple */
	rv_time output_stall;
};

/* A socket that is opened once and handed to workers by name. */
struct rv_listen {
	const char *name;
	enum { RV_LISTEN_TCP, RV_LISTEN_UDP, RV_LISTEN_UNIX } kind;
	const void *address; /* struct sockaddr_*, looked up at load;
				NULL: not looked up, see offline */
	uint32_t address_len;
	const char *text; /* as written: "tcp://127.0.0.1:8080" */
	int backlog;
	bool reuse_port, v6_only;
	int mode; /* of a unix socket's file; -1: by the umask */
};

/* What a signal to the runtime does. */
enum rv_signal_act {
	RV_SIGNAL_NONE, /* not in the table: the host's own business */
	RV_SIGNAL_IGNORE,
	RV_SIGNAL_SHUTDOWN, /* once more: more urgent */
	RV_SIGNAL_RELOAD,
	RV_SIGNAL_FORWARD, /* to the units that the globs name */
};

struct rv_signal_rule {
	enum rv_signal_act act;
	int as;                /* FORWARD: the signal that they get */
	const char *const *to; /* globs of workers' paths, NULL-terminated */
};

#define RV_SIGNALS 65 /* rules by number of the signal */

/*
 * A pool that the host shall have. Its place in the tree is a supervisor, whose
 * workers the host declares. Zero: what <reeve/pool.h> has for it.
 */
struct rv_pool_conf {
	const struct rv_pool_conf *next; /* in the order of the file */
	const char *path;
	const char *function;    /* as in rv_program */
	const char *initializer; /* or NULL */
	const char *args;        /* of that: JSON, or NULL */
	uint32_t min, max;
	rv_time idle_timeout, grow_after;
	uint32_t max_tasks;
	uint64_t max_memory, max_waiting;
	bool spill;
	rv_time soft_limit, hard_limit;
	uint32_t retries;
	rv_time backoff;
	const char *const *environment; /* "KEY=VALUE", NULL-terminated */
	const char *worker;             /* JSON: the other keys of that child */
	uint64_t digest;                /* of all that, but min and max */
};

struct rv_conf {
	unsigned refs;
	const char *file; /* absolute path it was read from; NULL: none */
	const char *name;
	const char *state_dir;   /* absolute */
	const char *runtime_dir; /* absolute, tmpfs, keyed by state_dir */
	struct rv_journal_conf journal;
	const struct rv_listen *listens; /* sorted by name */
	unsigned n_listens;
	const struct rv_signal_rule *signals; /* RV_SIGNALS of them */
	const struct rv_spec *root;
	const struct rv_spec *const *specs; /* pre-order */
	uint32_t n_specs;
	const struct rv_pool_conf *pools; /* NULL: none */
	uint64_t pools_digest;            /* 0: none */
	char digest[17];                  /* hex */
	const char *text;                 /* canonical JSON of the file */
};

struct rv_conf *rv_conf_ref(struct rv_conf *);
void rv_conf_unref(struct rv_conf *); /* NULL is fine */

/* The spec at this path, or NULL. O(log n). */
const struct rv_spec *rv_conf_find(const struct rv_conf *, const char *path);

/* The socket of this name, or NULL (also where the host hands it over). */
const struct rv_listen *rv_conf_find_listen(
    const struct rv_conf *, const char *name);

/* One and the same socket serves both: kept open, whatever else differs. */
bool rv_listen_is_same(const struct rv_listen *, const struct rv_listen *);

#endif
