/* SPDX-License-Identifier: MIT */
/*
 * From a file (or text, or units declared in C) to a frozen conf: parse, check,
 * expand, freeze. All errors and warnings of a file are reported at once, in
 * file order; with any error there is no conf. Reads files and user databases;
 * call it at load time only, never on the supervision path.
 */
#ifndef RV_CONFIG_LOAD_H
#define RV_CONFIG_LOAD_H

#include <sys/types.h>

#include "config/declare.h"
#include "config/spec.h"

enum rv_finding_level { RV_FINDING_ERROR, RV_FINDING_WARNING };

/*
 * One finding. err->where = file, line, column; text has the key's path. Of
 * what was declared where is "declared in C", line 0, and the text begins with
 * the unit's path: "web/app: startsecs: ...".
 */
typedef void rv_finding_cb(
    void *ctx, enum rv_finding_level, const struct reeve_error *);

/* How names of registered functions are judged; module.so:name always may. */
enum rv_functions_rule {
	RV_FUNCTIONS_ANY,   /* a warning: nobody here can tell */
	RV_FUNCTIONS_NONE,  /* an error: `reeve run` has none */
	RV_FUNCTIONS_KNOWN, /* find tells */
};

struct rv_functions {
	enum rv_functions_rule rule;
	/* KNOWN: REEVE_OK, REEVE_ENOENT, or REEVE_EEXIST when two have it */
	enum reeve_status (*find)(void *ctx, const char *name);
	/* KNOWN: the i-th name, NULL behind the last; for "did you mean" */
	const char *(*name)(void *ctx, unsigned i);
	void *ctx;
	/* KNOWN: reeve_main was called, so that they can be spawned */
	bool has_main;
};

/* Whether the one that loads can have pools. */
enum rv_pools_rule {
	RV_POOLS_ANY, /* nobody here can tell, or needs to */
	RV_POOLS_NONE,
	RV_POOLS_TAKEN,
};

/*
 * Where a conf comes from: a file, declared units, or both; with neither the
 * tree is a root alone. All is borrowed for the call.
 */
struct rv_conf_source {
	const char *file; /* or NULL */
	/* stand in for what the file (or the root as declared) does not say */
	const char *name, *state_dir;
	const struct rv_declared *declared;   /* or NULL */
	const struct rv_functions *functions; /* NULL: any, without a word */
	/* names of sockets that the host hands over; NULL-terminated or NULL */
	const char *const *handed;
	/* no host is looked up, so that sockets may lack an address: for who
	 * asks for names and places only */
	bool offline;
	bool looking; /* whether programs and directories are there: warnings */
	/* whose rights count, where the caller has given up its own since */
	bool has_owner;
	uid_t uid;
	gid_t gid;
	/* for functions that say nothing; else they come from a fork server */
	bool has_method;
	enum rv_method default_method;
	enum rv_pools_rule pools;
};

/*
 * *out is a new reference. Without a file relative paths are relative to the
 * current directory, rv_conf.file is NULL, and there must be a name.
 */
enum reeve_status rv_conf_load_source(struct rv_conf **out,
    const struct rv_conf_source *, rv_finding_cb *, void *ctx) RV_MUST_CHECK;

/* The same with the text of source->file, which is not read. */
enum reeve_status rv_conf_parse_source(struct rv_conf **out,
    const struct rv_conf_source *, const char *text, size_t len,
    rv_finding_cb *, void *ctx) RV_MUST_CHECK;

/* *out is a new reference. REEVE_ECONFIG when any error was reported. */
enum reeve_status rv_conf_load(struct rv_conf **out, const char *file,
    rv_finding_cb *, void *ctx) RV_MUST_CHECK;

/* The same, and looks whether programs and directories are there: warnings. */
enum reeve_status rv_conf_load_looking(struct rv_conf **out, const char *file,
    rv_finding_cb *, void *ctx) RV_MUST_CHECK;

/* The same from memory; `file` names it in messages and resolves paths. */
enum reeve_status rv_conf_parse(struct rv_conf **out, const char *file,
    const char *text, size_t len, rv_finding_cb *, void *ctx) RV_MUST_CHECK;

/*
 * Says an error of each key that differs between the two and that only a new
 * start of the runtime can change; see `when` in schema.def.
 */
void rv_conf_check_fixed(const struct rv_conf *was, const struct rv_conf *is,
    rv_finding_cb *, void *ctx);

/*
 * Where a command without a readable config looks for the runtime: fills the
 * default state and runtime directories for a name, for this user or root.
 */
enum reeve_status rv_conf_dirs(const char *name, bool as_root, char *state_dir,
    size_t state_size, char *runtime_dir, size_t runtime_size,
    struct reeve_error *) RV_MUST_CHECK;

/* The runtime directory that belongs to this (absolute) state directory. */
enum reeve_status rv_conf_runtime_dir(const char *state_dir, char *dst,
    size_t size, struct reeve_error *) RV_MUST_CHECK;
/* The same for one whose runtime was created by this user. */
enum reeve_status rv_conf_runtime_dir_of(uid_t, const char *state_dir,
    char *dst, size_t size, struct reeve_error *) RV_MUST_CHECK;

/* JSON Schema (draft 2020-12) of the config, made from the table. rv_free. */
char *rv_conf_schema(void) RV_MUST_CHECK;

#endif
