/* SPDX-License-Identifier: MIT */
/* <reeve/config.h> over the config layer: adapters, no logic. */
#include "config.h"

#include <reeve/config.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "config/load.h"
#include "face/face_config.h"

void
rv_face_finding(
    void *ctx, enum rv_finding_level level, const struct reeve_error *finding)
{
	struct rv_face_findings *f = ctx;
	bool is_warning = level == RV_FINDING_WARNING;

	if (level == RV_FINDING_ERROR && f->errors++ == 0) {
		f->first = *finding;
	}
	if (f->fn != NULL && (!is_warning || f->said == NULL ||
				 !rv_face_said_before(f->said, finding))) {
		f->fn(f->ctx, is_warning, finding);
	}
}

enum reeve_status
rv_face_first_finding(const struct rv_face_findings *findings,
    enum reeve_status status, const char *what, struct reeve_error *err)
{
	if (findings->errors == 0) {
		return rv_error(err, status, "cannot load %s: %s", what,
		    reeve_status_text(status));
	}
	if (err != NULL) {
		*err = findings->first;
		err->status = status;
	}
	return status;
}

enum reeve_status
rv_face_load(struct rv_conf **conf, const char *file,
    struct rv_face_findings *findings, struct reeve_error *err)
{
	enum reeve_status status;

	if (file == NULL) {
		return rv_error(
		    err, REEVE_EINVALID, "cannot load a config: file is NULL");
	}
	/* Nobody to hear of it, nothing to look for. */
	status =
	    findings->fn != NULL
		? rv_conf_load_looking(conf, file, rv_face_finding, findings)
		: rv_conf_load(conf, file, rv_face_finding, findings);
	return status == REEVE_OK
		   ? REEVE_OK
		   : rv_face_first_finding(findings, status, file, err);
}

static enum reeve_status
fill_places(struct reeve_config_info *info, const char *name,
    const char *state_dir, const char *runtime_dir, struct reeve_error *err)
{
	info->name = rv_strdup(name);
	info->state_dir = rv_strdup(state_dir);
	info->runtime_dir = rv_strdup(runtime_dir);
	if (info->name == NULL || info->state_dir == NULL ||
	    info->runtime_dir == NULL) {
		reeve_config_info_finish(info);
		return rv_error_sys(err, ENOMEM, "cannot tell of %s", name);
	}
	return REEVE_OK;
}

static enum reeve_status
fill(struct reeve_config_info *info, const struct rv_conf *conf,
    struct reeve_error *err)
{
	info->workers = info->supervisors = 0;
	for (uint32_t i = 0; i < conf->n_specs; i++) {
		if (conf->specs[i]->policy->kind == RV_WORKER) {
			info->workers++;
		} else {
			info->supervisors++;
		}
	}
	return fill_places(
	    info, conf->name, conf->state_dir, conf->runtime_dir, err);
}

/* NULL: the caller wants none. */
static enum reeve_status
check_info(const struct reeve_config_info *info, struct reeve_error *err)
{
	if (info != NULL && info->size < sizeof(*info)) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot fill the reeve_config_info: it has size %zu; set "
		    "it to the sizeof its struct",
		    info->size);
	}
	return REEVE_OK;
}

enum reeve_status
reeve_config_check(const char *file, reeve_finding_fn *fn, void *ctx,
    struct reeve_config_info *info, struct reeve_error *err)
{
	struct rv_face_findings findings = { .fn = fn, .ctx = ctx };
	struct rv_conf *conf = NULL;
	enum reeve_status status = check_info(info, err);

	if (status == REEVE_OK) {
		status = rv_face_load(&conf, file, &findings, err);
	}
	if (status == REEVE_OK && info != NULL) {
		status = fill(info, conf, err);
	}
	rv_conf_unref(conf);
	return status;
}

void
reeve_config_info_finish(struct reeve_config_info *info)
{
	if (info == NULL) {
		return;
	}
	rv_free(info->name);
	rv_free(info->state_dir);
	rv_free(info->runtime_dir);
	info->name = info->state_dir = info->runtime_dir = NULL;
}

enum reeve_status
reeve_config_places(const char *name, bool as_root,
    struct reeve_config_info *info, struct reeve_error *err)
{
	char state_dir[PATH_MAX], runtime_dir[PATH_MAX];
	enum reeve_status status = check_info(info, err);

	if (status == REEVE_OK && (name == NULL || info == NULL)) {
		status = rv_error(err, REEVE_EINVALID,
		    "cannot tell places: the %s is NULL",
		    name == NULL ? "name" : "reeve_config_info");
	}
	if (status == REEVE_OK) {
		status = rv_conf_dirs(name, as_root, state_dir,
		    sizeof(state_dir), runtime_dir, sizeof(runtime_dir), err);
	}
	if (status != REEVE_OK) {
		return status;
	}
	return fill_places(info, name, state_dir, runtime_dir, err);
}

static const char *
logfile(const struct rv_out *out)
{
	return out->kind == RV_OUT_FILE ? out->path : NULL;
}

enum reeve_status
reeve_config_workers(const char *file, reeve_config_worker_fn *fn, void *ctx,
    struct reeve_error *err)
{
	struct rv_face_findings findings = { 0 };
	struct rv_conf *conf = NULL;
	enum reeve_status status;

	if (fn == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot tell of workers: the function is NULL");
	}
	status = rv_face_load(&conf, file, &findings, err);
	for (uint32_t i = 0; status == REEVE_OK && i < conf->n_specs; i++) {
		const struct rv_spec *spec = conf->specs[i];
		const struct rv_program *program = spec->program;
		struct reeve_config_worker worker = {
			.size = sizeof(worker),
			.path = spec->path,
		};

		if (program == NULL) {
			continue;
		}
		worker.stdout_logfile = logfile(&program->out);
		worker.stderr_logfile =
		    logfile(program->err.kind == RV_OUT_MERGED ? &program->out
							       : &program->err);
		fn(ctx, &worker);
	}
	rv_conf_unref(conf);
	return status;
}

char *
reeve_config_schema(void)
{
	return rv_conf_schema();
}

void
reeve_free(void *p)
{
	rv_free(p);
}
