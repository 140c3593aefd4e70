/* SPDX-License-Identifier: MIT */
/*
 * Config files without a runtime: check one, ask where a runtime keeps its
 * things, print the schema. These read files and user databases and may
 * allocate; any thread may call them.
 */
#ifndef REEVE_CONFIG_H
#define REEVE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reeve/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One finding about a file: where, line and column are set; text begins with
 * the key's path. A warning does not keep the file from being used.
 */
typedef void reeve_finding_fn(
    void *ctx, bool is_warning, const struct reeve_error *finding);

/* What a good file says, for tools. Strings are the caller's to free. */
struct reeve_config_info {
	size_t size; /* set by the caller: sizeof(struct ...) */
	char *name;  /* reeve_free each */
	char *state_dir;
	char *runtime_dir; /* control.sock and the ring are there */
	uint32_t workers, supervisors;
};

/*
 * Read and check a config. All findings are reported through the callback (may
 * be NULL) in the order of the file. info may be NULL. REEVE_ECONFIG when
 * there was an error among them; REEVE_ESYS when the file cannot be read.
 */
REEVE_PUBLIC enum reeve_status reeve_config_check(const char *file,
    reeve_finding_fn *, void *ctx, struct reeve_config_info *info,
    struct reeve_error *) REEVE_MUST_CHECK;

/* Frees the strings in info, not info. */
REEVE_PUBLIC void reeve_config_info_finish(struct reeve_config_info *);

/* The default places for a runtime of this name, of this user or of root. */
REEVE_PUBLIC enum reeve_status reeve_config_places(const char *name,
    bool as_root, struct reeve_config_info *info,
    struct reeve_error *) REEVE_MUST_CHECK;

/* A worker of a good file: where its output goes. */
struct reeve_config_worker {
	size_t size;
	const char *path;           /* "web/app.0" */
	const char *stdout_logfile; /* NULL: not into a file */
	const char *stderr_logfile; /* the same text when it is redirected */
};

typedef void reeve_config_worker_fn(
    void *ctx, const struct reeve_config_worker *);

/* All workers in the order of the file; strings are borrowed for the call. */
REEVE_PUBLIC enum reeve_status reeve_config_workers(const char *file,
    reeve_config_worker_fn *, void *ctx, struct reeve_error *) REEVE_MUST_CHECK;

/* JSON Schema of config files; reeve_free it. NULL without memory. */
REEVE_PUBLIC char *reeve_config_schema(void) REEVE_MUST_CHECK;

/* Frees what this library says is the caller's to free. NULL is fine. */
REEVE_PUBLIC void reeve_free(void *);

#ifdef __cplusplus
}
#endif

#endif
