/* SPDX-License-Identifier: MIT */
/*
 * From a file (or text) to a frozen conf: parse, check, expand, freeze. All
 * errors and warnings of a file are reported at once, in file order; with any
 * error there is no conf. Reads files and user databases; call it at load
 * time only, never on the supervision path.
 */
#ifndef RV_CONFIG_LOAD_H
#define RV_CONFIG_LOAD_H

#include "config/spec.h"

enum rv_finding_level { RV_FINDING_ERROR, RV_FINDING_WARNING };

/* One finding. err->where = file, line, column; text has the key's path. */
typedef void rv_finding_cb(
    void *ctx, enum rv_finding_level, const struct reeve_error *);

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

/* JSON Schema (draft 2020-12) of the config, made from the table. rv_free. */
char *rv_conf_schema(void) RV_MUST_CHECK;

#endif
