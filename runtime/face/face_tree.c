/* SPDX-License-Identifier: MIT */
/*
 * <reeve/tree.h>, building: changes are noted in a copy of the declared set;
 * commit loads a conf from it and has it reconciled, and the copy becomes the
 * set. Whatever fails on the way leaves both as they were.
 */
#include "config.h"

#include <reeve/tree.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/error.h"
#include "face/face_tree.h"
#include "super/sealing.h"

/* The copy in which changes are noted. */
static enum reeve_status
stage(struct reeve *reeve, struct reeve_error *err)
{
	return reeve->staged != NULL
		   ? REEVE_OK
		   : rv_declared_copy(&reeve->staged, reeve->declared, err);
}

struct add_args {
	const char *path;
	const void *options;
	bool is_supervisor;
};

static enum reeve_status
make_json(const struct add_args *args, char **json, struct reeve_error *err)
{
	struct reeve_supervisor_options supervisor = { 0 };
	struct reeve_worker_options worker = { 0 };
	enum reeve_status status;

	if (!args->is_supervisor) {
		status = rv_face_options(&worker, sizeof(worker), args->options,
		    RV_FACE_THROUGH(struct reeve_worker_options, options),
		    "reeve_worker_options", err);
		return status == REEVE_OK
			   ? rv_face_worker_json(json, &worker, err)
			   : status;
	}
	if (args->options != NULL) {
		status = rv_face_options(&supervisor, sizeof(supervisor),
		    args->options,
		    RV_FACE_THROUGH(struct reeve_supervisor_options, options),
		    "reeve_supervisor_options", err);
		if (status != REEVE_OK) {
			return status;
		}
	}
	return rv_face_supervisor_json(json, &supervisor, err);
}

static enum reeve_status
add(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	const struct add_args *args = arg;
	enum reeve_status status;
	struct reeve_error why;
	char *json = NULL;

	if (args->path == NULL) {
		return rv_error(
		    err, REEVE_EINVALID, "cannot add a unit: its path is NULL");
	}
	status = make_json(args, &json, &why);
	if (status == REEVE_OK) {
		status = stage(reeve, &why);
	}
	if (status == REEVE_OK) {
		status = rv_declared_add(
		    reeve->staged, args->path, args->is_supervisor, json, &why);
	}
	rv_free(json);
	return status == REEVE_OK
		   ? REEVE_OK
		   : rv_error(err, status, "cannot add %.128s: %.400s",
			 args->path, why.text);
}

enum reeve_status
reeve_add_supervisor(struct reeve *reeve, const char *path,
    const struct reeve_supervisor_options *options, struct reeve_error *err)
{
	struct add_args args = {
		.path = path,
		.options = options,
		.is_supervisor = true,
	};

	return rv_face_call(
	    reeve, "add a supervisor", RV_FACE_CHANGE, add, &args, err);
}

enum reeve_status
reeve_add_worker(struct reeve *reeve, const char *path,
    const struct reeve_worker_options *options, struct reeve_error *err)
{
	struct add_args args = { .path = path, .options = options };

	return rv_face_call(
	    reeve, "add a worker", RV_FACE_CHANGE, add, &args, err);
}

static enum reeve_status
drop(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	const char *path = arg;
	enum reeve_status status;

	if (path == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot remove a unit: its path is NULL");
	}
	status = stage(reeve, err);
	return status == REEVE_OK ? rv_declared_remove(reeve->staged, path, err)
				  : status;
}

enum reeve_status
reeve_remove(struct reeve *reeve, const char *path, struct reeve_error *err)
{
	return rv_face_call(reeve, "remove a unit", RV_FACE_CHANGE, drop,
	    (void *)(uintptr_t)path, err);
}

/* Load and reconcile; then this set is the one that counts. */
static enum reeve_status
apply(
    struct reeve *reeve, struct rv_declared *declared, struct reeve_error *err)
{
	struct rv_reload_plan plan = { 0 };
	struct rv_conf *conf = NULL;
	enum reeve_status status;

	status = rv_face_source_load(reeve, declared, &conf, err);
	if (status != REEVE_OK) {
		return status;
	}
	status = rv_super_apply(reeve->super, conf, &plan, err);
	rv_reload_plan_finish(&plan);
	rv_conf_unref(conf);
	if (status == REEVE_OK) {
		struct rv_declared *old = reeve->declared;

		rv_face_pools_note(reeve, declared);
		reeve->declared = declared;
		reeve->source.declared = declared;
		rv_super_set_source(reeve->super, &reeve->source);
		rv_declared_destroy(old);
	}
	return status;
}

static enum reeve_status
commit(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	enum reeve_status status = stage(reeve, err);

	(void)arg;
	if (status == REEVE_OK) {
		status = apply(reeve, reeve->staged, err);
	}
	if (status == REEVE_OK) {
		reeve->staged = NULL;
	}
	return status;
}

enum reeve_status
reeve_commit(struct reeve *reeve, struct reeve_error *err)
{
	return rv_face_call(
	    reeve, "commit the tree", RV_FACE_CHANGE, commit, NULL, err);
}

static enum reeve_status
discard(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	(void)arg;
	(void)err;
	rv_declared_destroy(reeve->staged);
	reeve->staged = NULL;
	return REEVE_OK;
}

enum reeve_status
reeve_discard(struct reeve *reeve, struct reeve_error *err)
{
	return rv_face_call(
	    reeve, "discard changes", RV_FACE_LOOK, discard, NULL, err);
}

struct scale_args {
	const char *path;
	uint32_t instances;
};

/* Is there such a unit, and is it one that has instances? */
static enum reeve_status
check_scale(
    struct reeve *reeve, const struct scale_args *args, struct reeve_error *err)
{
	struct rv_unit_info info;
	struct rv_unit *unit;
	enum reeve_status status;

	if (args->instances == 0) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot scale %.128s to 0 instances; reeve_stop stops all "
		    "of them",
		    args->path != NULL ? args->path : "a worker");
	}
	status = rv_face_find(reeve, args->path, &unit, err);
	if (status != REEVE_OK) {
		return status;
	}
	rv_super_info(reeve->super, unit, &info);
	if (!info.spec->instances) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot scale %s: it is no worker with instances, which "
		    "it is when it has been declared with a number of them",
		    unit->path);
	}
	return REEVE_OK;
}

/* At once, beside what is noted; and noted there as well. */
static enum reeve_status
scale(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	const struct scale_args *args = arg;
	struct rv_declared *declared = NULL;
	enum reeve_status status = check_scale(reeve, args, err);

	if (status == REEVE_OK) {
		status = rv_declared_copy(&declared, reeve->declared, err);
	}
	if (status == REEVE_OK) {
		status = rv_declared_scale(
		    declared, args->path, args->instances, err);
	}
	if (status == REEVE_OK) {
		status = apply(reeve, declared, err);
	}
	if (status != REEVE_OK) {
		rv_declared_destroy(declared);
		return status;
	}
	return reeve->staged != NULL ? rv_declared_scale(reeve->staged,
					   args->path, args->instances, err)
				     : REEVE_OK;
}

enum reeve_status
reeve_scale(struct reeve *reeve, const char *path, uint32_t instances,
    struct reeve_error *err)
{
	struct scale_args args = { .path = path, .instances = instances };

	return rv_face_call(
	    reeve, "scale a worker", RV_FACE_CHANGE, scale, &args, err);
}

struct listen_args {
	const char *name;
	int fd;
};

static enum reeve_status
hand(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	const struct listen_args *args = arg;
	int is_socket;
	socklen_t len = sizeof(is_socket);

	if (args->name == NULL || args->name[0] == '\0') {
		return rv_error(err, REEVE_EINVALID,
		    "cannot hand over a listener: it has no name");
	}
	if (getsockopt(args->fd, SOL_SOCKET, SO_TYPE, &is_socket, &len) != 0) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot hand over %.128s: descriptor %d is no socket: %s",
		    args->name, args->fd, strerror(errno));
	}
	return rv_super_listen_fd(reeve->super, args->name, args->fd, err);
}

enum reeve_status
reeve_listen(
    struct reeve *reeve, const char *name, int fd, struct reeve_error *err)
{
	struct listen_args args = { .name = name, .fd = fd };

	return rv_face_call(
	    reeve, "hand over a listener", RV_FACE_CHANGE, hand, &args, err);
}

static enum reeve_status
seal(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	(void)arg;
	return rv_super_seal(reeve->super, err);
}

enum reeve_status
reeve_seal(struct reeve *reeve, struct reeve_error *err)
{
	return rv_face_call(
	    reeve, "seal the launcher", RV_FACE_CHANGE, seal, NULL, err);
}
