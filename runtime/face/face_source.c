/* SPDX-License-Identifier: MIT */
/*
 * Where the conf of a runtime comes from: a file, units from C, the functions
 * of this program, the sockets that the host has handed over. Kept for the
 * runtime's life, since each reload loads from it again.
 */
#include "config.h"

#include <errno.h>
#include <unistd.h>

#include <reeve/function.h>

#include "base/alloc.h"
#include "base/error.h"
#include "face/face_tree.h"

static enum reeve_status
find_function(void *ctx, const char *name)
{
	reeve_function_fn *fn;

	(void)ctx;
	return reeve_function_find(name, &fn);
}

static const char *
name_function(void *ctx, unsigned i)
{
	(void)ctx;
	return reeve_function_name(i);
}

static enum reeve_status
set_method(struct rv_conf_source *source, enum reeve_method method,
    struct reeve_error *err)
{
	static const enum rv_method methods[] = {
		[REEVE_METHOD_SPAWN] = RV_METHOD_SPAWN,
		[REEVE_METHOD_FORK] = RV_METHOD_FORK,
		[REEVE_METHOD_FORKSERVER] = RV_METHOD_FORKSERVER,
	};

	if ((unsigned)method >= RV_ARRAY_LEN(methods)) {
		return rv_error(err, REEVE_EINVALID,
		    "reeve_options has method %d, which there is not",
		    (int)method);
	}
	source->has_method = method != REEVE_METHOD_DEFAULT;
	source->default_method = methods[method];
	return REEVE_OK;
}

/* NULL stays NULL; false without memory. */
static bool
copy(const char **to, const char *from)
{
	*to = from != NULL ? rv_strdup(from) : NULL;
	return from == NULL || *to != NULL;
}

enum reeve_status
rv_face_source_init(struct reeve *reeve, const struct reeve_options *options,
    struct reeve_error *err)
{
	struct rv_conf_source *source = &reeve->source;
	enum reeve_status status;

	reeve->functions = (struct rv_functions){
		.rule = RV_FUNCTIONS_KNOWN,
		.find = find_function,
		.name = name_function,
		.has_main = reeve_main_called(),
	};
	source->functions = &reeve->functions;
	source->looking = options->finding != NULL;
	source->pools = options->pools ? RV_POOLS_TAKEN : RV_POOLS_NONE;
	source->has_owner = true; /* as the launcher that is started now */
	source->uid = geteuid();
	source->gid = getegid();
	status = set_method(source, options->method, err);
	if (status == REEVE_OK &&
	    (!copy(&source->file, options->config_file) ||
		!copy(&source->name, options->name) ||
		!copy(&source->state_dir, options->state_dir))) {
		status = rv_error_sys(err, ENOMEM, "cannot create a runtime");
	}
	if (status == REEVE_OK) {
		status = rv_declared_create(&reeve->declared, err);
	}
	source->declared = reeve->declared;
	return status;
}

enum reeve_status
rv_face_source_settle(
    struct reeve *reeve, const struct rv_conf *conf, struct reeve_error *err)
{
	const char *file;

	if (!copy(&file, conf->file)) {
		return rv_error_sys(err, ENOMEM, "cannot create a runtime");
	}
	rv_free((char *)(uintptr_t)reeve->source.file);
	reeve->source.file = file;
	return REEVE_OK;
}

void
rv_face_source_finish(struct reeve *reeve)
{
	struct rv_conf_source *source = &reeve->source;

	rv_declared_destroy(reeve->staged);
	rv_declared_destroy(reeve->declared);
	rv_free((char *)(uintptr_t)source->file);
	rv_free((char *)(uintptr_t)source->name);
	rv_free((char *)(uintptr_t)source->state_dir);
	rv_face_said_finish(&reeve->said);
}

enum reeve_status
rv_face_source_load(struct reeve *reeve, const struct rv_declared *declared,
    struct rv_conf **conf, struct reeve_error *err)
{
	struct rv_face_findings findings = {
		.fn = reeve->finding,
		.ctx = reeve->ctx,
		.said = &reeve->said,
	};
	struct rv_conf_source source = reeve->source;
	enum reeve_status status;

	source.declared = declared;
	if (reeve->super != NULL) {
		/* Of this moment: each commit makes the list anew. */
		source.handed = rv_super_handed(reeve->super);
	}
	status = rv_conf_load_source(conf, &source, rv_face_finding, &findings);
	rv_face_said_end(&reeve->said, status == REEVE_OK);
	return status == REEVE_OK
		   ? REEVE_OK
		   : rv_face_first_finding(&findings, status,
			 source.file != NULL ? source.file : source.name, err);
}
