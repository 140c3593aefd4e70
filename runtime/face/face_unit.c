/* SPDX-License-Identifier: MIT */
/*
 * <reeve/tree.h>, looking: one unit, all units, a worker's slot. Changes
 * nothing; may be called from hooks.
 */
#include "config.h"

#include <reeve/tree.h>

#include <string.h>

#include "base/error.h"
#include "child/page.h"
#include "face/face_priv.h"
#include "face/face_tree.h"
#include "super/named.h"

#define X(symbol, number, name, doc)                                  \
	_Static_assert((int)REEVE_##symbol == (int)RV_STATE_##symbol, \
	    "states have one number inside and outside");
#include "core/state.def"
#undef X

static void
fill_end(struct reeve_unit_info *out, const struct rv_unit_info *info)
{
	const struct rv_end *end = &info->last_end;

	out->has_last = info->has_last;
	out->last_exit_code = -1;
	if (!info->has_last) {
		return;
	}
	out->last_at_us = info->last_at_us;
	out->last_reason = rv_reason_text(info->last_reason);
	if (end->unknown) {
		return;
	}
	out->last_core_dumped = end->core_dumped;
	if (end->signaled) {
		out->last_signo = end->number;
	} else {
		out->last_exit_code = end->number;
	}
}

void
rv_face_fill_unit(
    struct reeve *reeve, struct rv_unit *unit, struct reeve_unit_info *out)
{
	struct rv_unit_info info;

	rv_super_info(reeve->super, unit, &info);
	*out = (struct reeve_unit_info){
		.size = sizeof(*out),
		.path = unit->path,
		.kind = unit->policy->kind == RV_WORKER ? REEVE_WORKER
							: REEVE_SUPERVISOR,
		.state = (enum reeve_unit_state)unit->state,
		.state_name = rv_state_name(unit->state),
		.status = info.status_text,
		.pid = info.pid,
		.life = info.life,
		.ready = unit->ready,
		.held = unit->held,
		.restarts = unit->restarts,
		.uptime_ms = info.uptime_ms,
		.beat_age_ms = info.beat_age_ms,
		.backoff_ms = info.backoff_ms,
	};
	if (unit->state == RV_STATE_WAITING && unit->waiting_for != NULL) {
		out->waiting_for = unit->waiting_for->path;
	}
	fill_end(out, &info);
}

/* As much of it as the caller's header knows. */
static void
give(struct reeve_unit_info *to, const struct reeve_unit_info *info)
{
	size_t size = to->size;

	memcpy(to, info, RV_MIN(size, sizeof(*info)));
	to->size = size;
}

static enum reeve_status
check_info(const struct reeve_unit_info *info, struct reeve_error *err)
{
	if (info == NULL) {
		return rv_error(err, REEVE_EINVALID, "reeve_unit_info is NULL");
	}
	if (info->size <
	    RV_FACE_THROUGH(struct reeve_unit_info, last_core_dumped)) {
		return rv_error(err, REEVE_EINVALID,
		    "reeve_unit_info has size %zu: set its member size to "
		    "sizeof(struct reeve_unit_info)",
		    info->size);
	}
	return REEVE_OK;
}

enum reeve_status
rv_face_find(struct reeve *reeve, const char *path, struct rv_unit **unit,
    struct reeve_error *err)
{
	if (path == NULL) {
		return rv_error(err, REEVE_EINVALID, "the path is NULL");
	}
	if (path[0] == '/' && path[1] != '\0') {
		path++; /* `web` and `/web` are one */
	}
	*unit = rv_super_find(reeve->super, path);
	return *unit != NULL ? REEVE_OK
			     : rv_super_no_such(reeve->super, path, err);
}

struct find_args {
	const char *path;
	struct reeve_unit_info *info;
};

static enum reeve_status
find(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	const struct find_args *args = arg;
	struct reeve_unit_info info;
	struct rv_unit *unit;
	enum reeve_status status = check_info(args->info, err);

	if (status == REEVE_OK) {
		status = rv_face_find(reeve, args->path, &unit, err);
	}
	if (status == REEVE_OK) {
		rv_face_fill_unit(reeve, unit, &info);
		give(args->info, &info);
	}
	return status;
}

enum reeve_status
reeve_unit_find(struct reeve *reeve, const char *path,
    struct reeve_unit_info *info, struct reeve_error *err)
{
	struct find_args args = { .path = path, .info = info };

	return rv_face_call(
	    reeve, "look at a unit", RV_FACE_LOOK, find, &args, err);
}

static enum reeve_status
next(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	struct reeve_unit_info *out = arg, info;
	struct rv_unit *unit = NULL;
	enum reeve_status status = check_info(out, err);

	if (status == REEVE_OK && out->path != NULL) {
		status = rv_face_find(reeve, out->path, &unit, err);
	}
	if (status != REEVE_OK) {
		return status;
	}
	unit = rv_super_next(reeve->super, unit);
	if (unit == NULL) {
		return REEVE_ENOENT;
	}
	rv_face_fill_unit(reeve, unit, &info);
	give(out, &info);
	return REEVE_OK;
}

bool
reeve_unit_next(struct reeve *reeve, struct reeve_unit_info *info)
{
	if (rv_face_call(reeve, "look at units", RV_FACE_LOOK, next, info,
		NULL) == REEVE_OK) {
		return true;
	}
	if (check_info(info, NULL) == REEVE_OK) {
		info->path = NULL;
	}
	return false;
}

struct slot_args {
	const char *path;
	void *buf;
	size_t size, *got;
};

static bool
is_ending(const struct reeve *reeve, const char *path)
{
	return reeve->ending != NULL && path != NULL &&
	       strcmp(path + (path[0] == '/'), reeve->ending->path) == 0;
}

static enum reeve_status
copy_slot(
    struct reeve *reeve, const char *path, void *dst, struct reeve_error *err)
{
	struct rv_unit *unit;
	enum reeve_status status;

	/* It may be gone, or live again, when its end is told. */
	if (is_ending(reeve, path)) {
		if (reeve->ending->slot == NULL) {
			return rv_error(err, REEVE_EAGAIN,
			    "cannot read the slot of %s: the process that "
			    "ended had no page",
			    reeve->ending->path);
		}
		memcpy(dst, reeve->ending->slot, RV_PAGE_SLOT_BYTES);
		return REEVE_OK;
	}
	status = rv_face_find(reeve, path, &unit, err);
	if (status == REEVE_OK && !rv_super_slot(reeve->super, unit, dst)) {
		status = rv_error(err, REEVE_EAGAIN,
		    "cannot read the slot of %s: it has no process with a page",
		    unit->path);
	}
	return status;
}

static enum reeve_status
slot(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	const struct slot_args *args = arg;
	unsigned char bytes[RV_PAGE_SLOT_BYTES];
	size_t n = RV_MIN(args->size, sizeof(bytes));
	enum reeve_status status;

	if (args->buf == NULL && args->size != 0) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot read a slot: no place for it was given");
	}
	status = copy_slot(reeve, args->path, bytes, err);
	if (status != REEVE_OK) {
		return status;
	}
	if (n != 0) {
		memcpy(args->buf, bytes, n);
	}
	if (args->got != NULL) {
		*args->got = n;
	}
	return REEVE_OK;
}

enum reeve_status
reeve_unit_slot(struct reeve *reeve, const char *path, void *buf, size_t size,
    size_t *got, struct reeve_error *err)
{
	struct slot_args args = {
		.path = path,
		.buf = buf,
		.size = size,
		.got = got,
	};

	return rv_face_call(
	    reeve, "read a slot", RV_FACE_LOOK, slot, &args, err);
}
