/* SPDX-License-Identifier: MIT */
/*
 * <reeve/runtime.h> over super and ctl. Every entry opens a panic scope: when a
 * check inside fails, that runtime is closed and its host lives on.
 */
#include "config.h"

#include <reeve/runtime.h>

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "ctl/ctl.h"
#include "face/face_config.h"
#include "loop/loop.h"
#include "super/super.h"

#define REEVE_MAGIC 0x72656576u

struct reeve {
	unsigned magic;
	struct rv_loop *loop;
	bool polled; /* the epoll backend: fd, deadline, dispatch */
	struct rv_super *super;
	struct rv_ctl *ctl;
	struct rv_super_sink sink;
	const struct reeve_callbacks *callbacks;
	void *ctx;
	reeve_finding_fn *finding;
	bool broken; /* a check failed: nothing is called any more */
};

/* -------- failed checks -------- */

struct guard {
	struct rv_panic_scope scope; /* first: the hook casts back */
	jmp_buf back;
	const char *file, *what;
	int line;
};

static void
on_panic(
    struct rv_panic_scope *scope, const char *file, int line, const char *what)
{
	struct guard *guard = RV_CONTAINER(scope, struct guard, scope);

	guard->file = file;
	guard->line = line;
	guard->what = what;
	longjmp(guard->back, 1);
}

static enum reeve_status
closed_by_bug(
    struct reeve *reeve, const struct guard *guard, struct reeve_error *err)
{
	reeve->broken = true;
	if (reeve->callbacks != NULL && reeve->callbacks->bug != NULL) {
		reeve->callbacks->bug(
		    reeve->ctx, guard->file, guard->line, guard->what);
	}
	return rv_error(err, REEVE_EBUG, "internal check failed: %s:%d: %s",
	    guard->file, guard->line, guard->what);
}

typedef enum reeve_status guarded_fn(
    struct reeve *, void *arg, struct reeve_error *);

static enum reeve_status
guarded(struct reeve *reeve, guarded_fn *fn, void *arg, struct reeve_error *err)
{
	struct guard guard = { .scope = { .hook = on_panic } };
	enum reeve_status status;

	if (reeve->broken) {
		return rv_error(err, REEVE_EBUG,
		    "this runtime was closed when an internal check failed");
	}
	rv_panic_enter(&guard.scope);
	if (setjmp(guard.back) != 0) {
		rv_panic_leave(&guard.scope);
		return closed_by_bug(reeve, &guard, err);
	}
	status = fn(reeve, arg, err);
	rv_panic_leave(&guard.scope);
	return status;
}

/* -------- what super tells -------- */

static void
on_notice(struct rv_super_sink *sink, int level, const char *text)
{
	struct reeve *reeve = sink->ctx;

	reeve->callbacks->notice(reeve->ctx, (enum reeve_level)level, text);
}

static void
on_finished(struct rv_super_sink *sink, bool gave_up)
{
	struct reeve *reeve = sink->ctx;

	reeve->callbacks->finished(reeve->ctx, gave_up);
}

static void
on_settled(void *ctx)
{
	struct reeve *reeve = ctx;

	if (reeve->callbacks != NULL && reeve->callbacks->settled != NULL) {
		reeve->callbacks->settled(reeve->ctx);
	}
}

/* -------- life -------- */

static enum reeve_status
open_loop(struct reeve *reeve, struct ev_loop *ev, struct reeve_error *err)
{
	reeve->polled = ev == NULL;
	return ev != NULL ? rv_loop_create_ev(&reeve->loop, ev, err)
			  : rv_loop_create_epoll(&reeve->loop, err);
}

static void
listen_to(struct reeve *reeve)
{
	const struct reeve_callbacks *callbacks = reeve->callbacks;

	if (callbacks == NULL) {
		return;
	}
	reeve->sink.ctx = reeve;
	reeve->sink.notice = callbacks->notice != NULL ? on_notice : NULL;
	reeve->sink.finished = callbacks->finished != NULL ? on_finished : NULL;
	rv_super_listen(reeve->super, &reeve->sink);
}

static enum reeve_status
open_runtime(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	const struct reeve_options *options = arg;
	struct rv_face_findings findings = {
		.fn = options->finding,
		.ctx = options->ctx,
	};
	struct rv_super_options super = {
		.libexec_dir = options->libexec_dir != NULL
				   ? options->libexec_dir
				   : REEVE_LIBEXECDIR,
		.settled = on_settled,
		.ctx = reeve,
	};
	enum reeve_status status;

	status =
	    rv_face_load(&super.conf, options->config_file, &findings, err);
	if (status == REEVE_OK) {
		status = open_loop(reeve, options->loop, err);
	}
	if (status == REEVE_OK) {
		super.loop = reeve->loop;
		status = rv_super_create(&reeve->super, &super, err);
	}
	if (status == REEVE_OK) {
		listen_to(reeve);
		status = rv_ctl_open(&reeve->ctl, reeve->super, err);
	}
	rv_conf_unref(super.conf);
	return status;
}

static enum reeve_status
close_runtime(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	(void)arg;
	(void)err;
	rv_ctl_close(reeve->ctl);
	rv_list_remove(&reeve->sink.link);
	rv_super_destroy(reeve->super);
	rv_loop_destroy(reeve->loop);
	return REEVE_OK;
}

enum reeve_status
reeve_create(struct reeve **out, const struct reeve_options *options,
    struct reeve_error *err)
{
	struct reeve *reeve;
	enum reeve_status status;

	if (options == NULL || options->size < sizeof(*options) ||
	    options->config_file == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot create a runtime: options need size and "
		    "config_file");
	}
	reeve = rv_alloc(1, sizeof(*reeve));
	if (reeve == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot create a runtime");
	}
	reeve->magic = REEVE_MAGIC;
	reeve->callbacks = options->callbacks;
	reeve->ctx = options->ctx;
	reeve->finding = options->finding;
	rv_list_init(&reeve->sink.link);
	status = guarded(reeve, open_runtime, (void *)(uintptr_t)options, err);
	if (status != REEVE_OK) {
		reeve_destroy(reeve);
		return status;
	}
	*out = reeve;
	return REEVE_OK;
}

void
reeve_destroy(struct reeve *reeve)
{
	if (reeve == NULL) {
		return;
	}
	RV_MAGIC_CHECK(reeve, REEVE_MAGIC);
	/* One that a bug has closed is taken down as far as it goes. */
	reeve->broken = false;
	if (guarded(reeve, close_runtime, NULL, NULL) == REEVE_OK) {
		reeve->magic = 0;
		rv_free(reeve);
	}
}

static enum reeve_status
say_last_words(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	(void)err;
	rv_ctl_close(reeve->ctl);
	reeve->ctl = NULL;
	*(int *)arg = rv_super_last_words(reeve->super);
	return REEVE_OK;
}

int
reeve_last_words(struct reeve *reeve)
{
	int pidfd = -1;

	RV_MAGIC_CHECK(reeve, REEVE_MAGIC);
	if (guarded(reeve, say_last_words, &pidfd, NULL) != REEVE_OK) {
		return -1;
	}
	return pidfd;
}

/* -------- the host's loop -------- */

int
reeve_fd(struct reeve *reeve)
{
	RV_MAGIC_CHECK(reeve, REEVE_MAGIC);
	return reeve->polled ? rv_loop_fd(reeve->loop) : -1;
}

int64_t
reeve_deadline(struct reeve *reeve)
{
	RV_MAGIC_CHECK(reeve, REEVE_MAGIC);
	return reeve->polled ? rv_loop_deadline(reeve->loop) : RV_FOREVER;
}

static enum reeve_status
dispatch(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	(void)arg;
	return rv_loop_dispatch(reeve->loop, 0, err);
}

enum reeve_status
reeve_dispatch(struct reeve *reeve, struct reeve_error *err)
{
	RV_MAGIC_CHECK(reeve, REEVE_MAGIC);
	if (!reeve->polled) {
		return REEVE_OK;
	}
	return guarded(reeve, dispatch, NULL, err);
}

/* -------- what hosts ask -------- */

struct shutdown_args {
	const char *why;
	int urgency;
};

static enum reeve_status
shut_down(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	const struct shutdown_args *args = arg;

	(void)err;
	rv_super_shutdown(reeve->super, args->urgency, args->why);
	return REEVE_OK;
}

void
reeve_shutdown(struct reeve *reeve, const char *why)
{
	struct shutdown_args args = { .why = why };

	RV_MAGIC_CHECK(reeve, REEVE_MAGIC);
	args.urgency = rv_super_urgency(reeve->super) + 1;
	if (guarded(reeve, shut_down, &args, NULL) != REEVE_OK) {
		return; /* the bug hook was told */
	}
}

static enum reeve_status
reload(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	struct rv_face_findings findings = {
		.fn = reeve->finding,
		.ctx = reeve->ctx,
	};
	struct rv_reload_plan plan;
	enum reeve_status status;

	(void)arg;
	status = rv_super_reload(
	    reeve->super, false, &plan, rv_face_finding, &findings, err);
	rv_reload_plan_finish(&plan);
	return status;
}

enum reeve_status
reeve_reload(struct reeve *reeve, struct reeve_error *err)
{
	RV_MAGIC_CHECK(reeve, REEVE_MAGIC);
	return guarded(reeve, reload, NULL, err);
}

static enum reeve_status
note_signal(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	(void)err;
	rv_super_note_signal(reeve->super, *(int *)arg);
	return REEVE_OK;
}

void
reeve_note_signal(struct reeve *reeve, int signo)
{
	RV_MAGIC_CHECK(reeve, REEVE_MAGIC);
	if (guarded(reeve, note_signal, &signo, NULL) != REEVE_OK) {
		return; /* the bug hook was told */
	}
}

struct reaped_args {
	pid_t pid;
	int wstatus;
	bool ours;
};

static enum reeve_status
child_exited(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	struct reaped_args *args = arg;

	(void)err;
	args->ours = rv_super_reaped(reeve->super, args->pid, args->wstatus);
	return REEVE_OK;
}

bool
reeve_child_exited(struct reeve *reeve, pid_t pid, int wstatus)
{
	struct reaped_args args = { .pid = pid, .wstatus = wstatus };

	RV_MAGIC_CHECK(reeve, REEVE_MAGIC);
	return guarded(reeve, child_exited, &args, NULL) == REEVE_OK &&
	       args.ours;
}

const char *
reeve_version(void)
{
	return PACKAGE_VERSION;
}
