/* SPDX-License-Identifier: MIT */
/*
 * A config being loaded, for the files of this folder: the document, what was
 * found wrong, the conf that is being made. Each file has one step: conf_node
 * reads, conf_check judges every key where it stands, conf_value turns values
 * into C, conf_policy, conf_program, conf_function and conf_tree make specs,
 * conf_deps orders them, conf_listen and conf_signals fill the root's tables,
 * conf_pool lists pools, conf_merge adds what was declared in C, conf_doubt and
 * conf_look warn, conf_fixed compares what a reload cannot change, conf_digest
 * sums up; conf_findings tells.
 */
#ifndef RV_CONFIG_PRIV_H
#define RV_CONFIG_PRIV_H

#include "base/buf.h"
#include "config/conf_node.h"
#include "config/load.h"
#include "config/schema.h"

/* The conf and all that belongs to it. */
struct rv_conf_block {
	struct rv_conf conf; /* first */
	struct rv_arena arena;
	const struct rv_spec **by_path;
	/* where keys stand that only a new start can change */
	struct rv_cplace {
		int line, column;
	} places[RV_CKEYS];
};

struct rv_finding {
	enum rv_finding_level level;
	unsigned declared; /* of which unit; 0: of the file */
	int line, column;
	unsigned order; /* as found */
	const char *text;
};

#define RV_CKEPT 64 /* policies that the next may be equal to */

struct rv_loader {
	struct rv_conf_block *block;
	struct rv_arena *arena; /* of the block */
	struct rv_arena scratch;
	/* conf_identity.c: room for an entry, the last question and answer */
	char *lookup;
	size_t lookup_size;
	const char *asked;
	const struct rv_program *answer;
	/* conf_policy.c: by digest */
	const struct rv_policy *kept[RV_CKEPT];
	struct rv_cdoc doc;
	const struct rv_conf_source *source;
	uid_t uid; /* whose rights count */
	gid_t gid;
	const char *file, *here; /* absolute path or NULL, its folder */
	/* a node for the default of each key, NULL where there is none */
	const struct rv_cnode *otherwise[RV_CKEYS];
	json_t *otherwise_json[RV_CKEYS];
	json_t *stand_ins; /* an array of values; NULL: none */
	struct rv_finding *findings;
	unsigned n_findings, n_errors, n_warnings;
	unsigned n_unsaid; /* for lack of room */
};

/*
 * Say what is wrong with a node; its key's path is put in front. A worker's
 * strings are looked at once for each instance: the same finding counts once.
 */
void rv_conf_error(struct rv_loader *, const struct rv_cnode *, const char *fmt,
    ...) RV_PRINTF(3, 4);
void rv_conf_warn(struct rv_loader *, const struct rv_cnode *, const char *fmt,
    ...) RV_PRINTF(3, 4);
/* The same for a place without a node: an rv_cnode_flaw_cb. */
void rv_conf_flaw(
    void *ctx, int line, int column, const struct rv_cnode *, const char *text);

/* Fills where, line and column; file NULL: it was declared. */
void rv_conf_place(
    struct reeve_error *, const char *file, int line, int column);
/* No more errors are kept: no need to think about good words. */
bool rv_conf_is_full(const struct rv_loader *);
bool rv_conf_findings_init(struct rv_loader *) RV_MUST_CHECK;
/* All that was found, in the order of the file. */
void rv_conf_report(struct rv_loader *, rv_finding_cb *, void *ctx);

/* A whole file, up to the buffer's maximum; an errno, EFBIG beyond. */
int rv_conf_read(
    const char *path, bool regular, struct rv_buf *text) RV_MUST_CHECK;

/* -------- conf_root.c: the keys of the root -------- */

void rv_conf_root(struct rv_loader *, const struct rv_cnode *);

/* -------- conf_check.c: every key where it stands -------- */

void rv_conf_check_root(struct rv_loader *, const struct rv_cnode *);
/* The same for the keys of one declared unit, "/" the root's own. */
void rv_conf_check_declared(
    struct rv_loader *, const struct rv_cnode *, bool is_supervisor);
/* The keys of an object that stand at `where`. */
void rv_conf_check_object(
    struct rv_loader *, const struct rv_cnode *, unsigned where);
bool rv_conf_is_name(const char *);
/* A name; says what is wrong with it otherwise. */
bool rv_conf_check_name(
    struct rv_loader *, const struct rv_cnode *, const char *name);

/* -------- conf_value.c: one value; false: an error was said -------- */

bool rv_cval_bool(struct rv_loader *, const struct rv_cnode *, bool *);
bool rv_cval_int(struct rv_loader *, const struct rv_schema_row *,
    const struct rv_cnode *, int64_t *);
bool rv_cval_ratio(struct rv_loader *, const struct rv_schema_row *,
    const struct rv_cnode *, uint32_t *milli);
bool rv_cval_duration(struct rv_loader *, const struct rv_schema_row *,
    const struct rv_cnode *, rv_time *);
bool rv_cval_size(struct rv_loader *, const struct rv_schema_row *,
    const struct rv_cnode *, uint64_t *);
/* The number of the choice. */
bool rv_cval_enum(struct rv_loader *, const struct rv_schema_row *,
    const struct rv_cnode *, unsigned *);
bool rv_cval_string(struct rv_loader *, const struct rv_cnode *, const char **);
bool rv_cval_intensity(struct rv_loader *, const struct rv_cnode *, uint32_t *);
bool rv_cval_restart(
    struct rv_loader *, const struct rv_cnode *, enum rv_restart *);
bool rv_cval_umask(struct rv_loader *, const struct rv_cnode *, int *);
bool rv_cval_exitcodes(
    struct rv_loader *, const struct rv_cnode *, uint8_t set[32]);
bool rv_cval_stop(struct rv_loader *, const struct rv_cnode *,
    struct rv_stop_step *, unsigned *n, rv_time wait);
bool rv_cval_limit(
    struct rv_loader *, const struct rv_cnode *, struct rv_limit *);

struct rv_cready {
	enum rv_ready_channel channel;
	int fd;
};
bool rv_cval_ready(
    struct rv_loader *, const struct rv_cnode *, struct rv_cready *);

/* -------- conf_function.c: workers that are functions -------- */

void rv_conf_check_function(struct rv_loader *, const struct rv_cnode *);
void rv_conf_check_base64(struct rv_loader *, const struct rv_cnode *);
void rv_conf_check_preload(struct rv_loader *, const struct rv_cnode *);
/* Keys of a worker that go together with what it runs, or do not. */
void rv_conf_check_worker(struct rv_loader *, const struct rv_cnode *);

/* -------- conf_pool.c: pools -------- */

/* The keys of a child that has "pool"; of any other it does nothing. */
void rv_conf_check_pool(struct rv_loader *, const struct rv_cnode *);

/* -------- conf_listen.c: sockets -------- */

#define RV_CLISTEN_MAX 64 /* of a worker */

void rv_conf_check_listeners(struct rv_loader *, const struct rv_cnode *);
void rv_conf_check_address(struct rv_loader *, const struct rv_cnode *);
void rv_conf_check_listen(struct rv_loader *, const struct rv_cnode *);
/* All sockets of the conf, once there are specs; false without memory. */
bool rv_conf_listen(struct rv_loader *, const struct rv_cnode *root);

/* -------- conf_signals.c -------- */

void rv_conf_check_signals(struct rv_loader *, const struct rv_cnode *);
/* The table, once there are specs; false without memory. */
bool rv_conf_signals(struct rv_loader *, const struct rv_cnode *root);

/* -------- conf_merge.c: declared units -------- */

/*
 * Puts the units of the source into the document; false without memory.
 * Findings tell what has no place there.
 */
bool rv_conf_merge(struct rv_loader *);

/* -------- conf_words.c, conf_expand.c -------- */

#define RV_CARGS_MAX (128 * 1024) /* bytes of words and variables together */

/*
 * Split as a shell would, without running one; NULL: an error was said.
 * written: as it stands in the file, before anything was put into it.
 */
const char *const *rv_conf_words(struct rv_loader *, struct rv_arena *,
    const struct rv_cnode *, const char *text, bool written);

struct rv_expansion {
	const char *program_name, *group_name;
	int process_num;
};
/* Never NULL. */
const char *rv_conf_expand(struct rv_loader *, struct rv_arena *,
    const struct rv_cnode *, const char *text, const struct rv_expansion *);
/* Without "." and "..", so that one directory has one key; absolute. */
const char *rv_conf_normalized(struct rv_loader *, const char *path);
/* Joined to the file's folder when it is relative. */
const char *rv_conf_absolute(struct rv_loader *, const char *path);

/* -------- conf_policy.c, conf_program.c, conf_tree.c, conf_deps.c -------- */

/*
 * Where a unit's keys are looked up: its own object, then (workers) the
 * defaults of the supervisors above, then the table.
 */
struct rv_cscope {
	const struct rv_cnode *own;
	const struct rv_cscope *above; /* of the supervisor; NULL: root's */
	bool is_worker;
};
/* NULL where nothing is said and the table has no default. */
const struct rv_cnode *rv_conf_lookup(
    const struct rv_loader *, const struct rv_cscope *, enum rv_ckey);
/* The same within an object, such as backoff. */
const struct rv_cnode *rv_conf_member(
    const struct rv_loader *, const struct rv_cnode *object, enum rv_ckey);

bool rv_conf_bool(struct rv_loader *, const struct rv_cscope *, enum rv_ckey);
int64_t rv_conf_int(struct rv_loader *, const struct rv_cscope *, enum rv_ckey);
/* "" where there is none. */
const char *rv_conf_string(
    struct rv_loader *, const struct rv_cscope *, enum rv_ckey);

/* group: the parent has a group strategy. Fills all of the policy. */
void rv_conf_policy(struct rv_loader *, const struct rv_cscope *,
    struct rv_policy *, bool group);
/* Of the one that stands for all instances of a worker whose policy is `one`.
 */
void rv_conf_policy_whole(struct rv_loader *, const struct rv_cscope *,
    const struct rv_policy *one, struct rv_policy *whole);
uint64_t rv_conf_policy_digest(const struct rv_policy *);
/* A copy in the conf's memory, or an equal one that is there. Never NULL. */
const struct rv_policy *rv_conf_keep_policy(
    struct rv_loader *, const struct rv_policy *);
void rv_conf_program(struct rv_loader *, const struct rv_cscope *,
    struct rv_spec *, const struct rv_expansion *);

/* -------- conf_program.c, conf_env.c, conf_identity.c -------- */

/* A program in the making. */
struct rv_cmake {
	struct rv_loader *l;
	const struct rv_cscope *scope;
	struct rv_program *p;
	struct rv_spec *spec;
	const struct rv_expansion *x;
};

/* A string with its expressions replaced; "" where it is none. */
const char *rv_cmake_text(const struct rv_cmake *, const struct rv_cnode *);
/* Absolute; NULL where the key is not written. */
const char *rv_cmake_path(const struct rv_cmake *, enum rv_ckey);
void rv_cmake_environment(const struct rv_cmake *);
void rv_cmake_identity(const struct rv_cmake *);
/* conf_function.c: function, arguments, start method, crash_report */
void rv_cmake_function(const struct rv_cmake *);
/* A function by its name, judged; NULL: said why not. */
const char *rv_cmake_function_name(
    const struct rv_cmake *, const struct rv_cnode *);
/* conf_listen.c: the names; rv_conf_listen looks them up */
void rv_cmake_listen(const struct rv_cmake *);
/* conf_policy.c */
void rv_cmake_overlap(const struct rv_cmake *);

/* conf_pool.c: into the conf's list of pools; spec is its place. */
void rv_conf_pool(struct rv_loader *, const struct rv_cscope *,
    struct rv_spec *, const struct rv_expansion *);

/* -------- conf_tree.c -------- */

/* A spec and where it was written. */
struct rv_cspec {
	struct rv_spec spec; /* first */
	const struct rv_cnode *node;
	struct rv_spec *last_child;
};
static inline const struct rv_cnode *
rv_conf_node_of(const struct rv_spec *spec)
{
	return ((const struct rv_cspec *)(const void *)spec)->node;
}

/* Makes all specs; false without memory. */
bool rv_conf_build(struct rv_loader *, const struct rv_cnode *root);
/* Dependencies and circles, once all specs have their index; the same. */
bool rv_conf_link(struct rv_loader *);
/* What is allowed but hardly meant; the same. */
bool rv_conf_doubt(struct rv_loader *);
/* conf_look.c: what will hardly start here and now; warnings */
void rv_conf_look(struct rv_loader *);
/* Digests of what a reload compares; last. */
void rv_conf_digest(struct rv_loader *);

#endif
