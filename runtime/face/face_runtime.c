/* SPDX-License-Identifier: MIT */
/*
 * <reeve/runtime.h> over super and ctl: a runtime's beginning and end, the
 * host's loop, and what hosts ask of the whole of it. No logic.
 */
#include "config.h"

#include <reeve/runtime.h>

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "face/face_priv.h"
#include "face/face_tree.h"
#include "sys/sys.h"

/* -------- what super tells -------- */

static void
on_notice(struct rv_super_sink *sink, int level, const char *text)
{
	struct reeve *reeve = sink->ctx;

	if (rv_face_may_tell(reeve) && reeve->callbacks->notice != NULL) {
		reeve->callbacks->notice(
		    reeve->ctx, (enum reeve_level)level, text);
		rv_face_told(reeve);
	}
}

static void
on_finished(struct rv_super_sink *sink, bool gave_up)
{
	struct reeve *reeve = sink->ctx;

	reeve->finished = true;
	if (rv_face_may_tell(reeve) && reeve->callbacks->finished != NULL) {
		reeve->callbacks->finished(reeve->ctx, gave_up);
		rv_face_told(reeve);
	}
}

static void
on_settled(void *ctx)
{
	struct reeve *reeve = ctx;

	if (rv_face_may_tell(reeve) && reeve->callbacks->settled != NULL) {
		reeve->callbacks->settled(reeve->ctx);
		rv_face_told(reeve);
	}
}

/* -------- life -------- */

static enum reeve_status
open_loop(struct reeve *reeve, struct ev_loop *ev, struct reeve_error *err)
{
	enum reeve_status status;

	reeve->polled = ev == NULL;
	status = ev != NULL ? rv_loop_create_ev(&reeve->loop, ev, err)
			    : rv_loop_create_epoll(&reeve->loop, err);
	if (status != REEVE_OK) {
		return status;
	}
	rv_loop_guard(reeve->loop, rv_face_around, reeve);
	return rv_post_create(&reeve->post, reeve->loop, err);
}

static void
on_gone(struct rv_super_sink *sink, struct rv_unit *unit)
{
	rv_face_unit_gone(sink->ctx, unit);
}

static enum reeve_status
listen_to(struct reeve *reeve, struct reeve_error *err)
{
	reeve->sink.ctx = reeve;
	reeve->sink.notice = on_notice;
	reeve->sink.finished = on_finished;
	reeve->sink.gone = on_gone;
	reeve->sink.reloaded = rv_face_on_reloaded;
	reeve->sink.event = rv_face_on_event;
	reeve->sink.exception = rv_face_on_exception;
	rv_super_listen(reeve->super, &reeve->sink);
	return rv_face_hooks_init(reeve, err);
}

static enum reeve_status
make_super(struct reeve *reeve, const struct reeve_options *options,
    struct rv_conf *conf, struct reeve_error *err)
{
	struct rv_super_options super = {
		.loop = reeve->loop,
		.conf = conf,
		.libexec_dir = options->libexec_dir != NULL &&
				       options->libexec_dir[0] != '\0'
				   ? options->libexec_dir
				   : REEVE_LIBEXECDIR,
		.source = reeve->source,
		.settled = on_settled,
		.ctx = reeve,
	};

	return rv_super_create(&reeve->super, &super, err);
}

static enum reeve_status
open_runtime(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	const struct reeve_options *options = arg;
	struct rv_conf *conf = NULL;
	enum reeve_status status;

	if ((status = rv_face_hooks_take(reeve, options->hooks, err)) !=
		REEVE_OK ||
	    (status = rv_face_source_init(reeve, options, err)) != REEVE_OK ||
	    (status = rv_face_source_load(
		 reeve, reeve->declared, &conf, err)) != REEVE_OK ||
	    (status = rv_face_source_settle(reeve, conf, err)) != REEVE_OK ||
	    (status = open_loop(reeve, options->loop, err)) != REEVE_OK ||
	    (status = make_super(reeve, options, conf, err)) != REEVE_OK ||
	    (status = listen_to(reeve, err)) != REEVE_OK ||
	    (status = rv_ctl_open(&reeve->ctl, reeve->super, err)) !=
		REEVE_OK) {
		rv_conf_unref(conf);
		return status;
	}
	rv_conf_unref(conf);
	rv_loop_arrange(reeve->loop);
	return REEVE_OK;
}

static enum reeve_status
close_runtime(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	(void)arg;
	(void)err;
	rv_post_destroy(reeve->post);
	rv_ctl_close(reeve->ctl);
	rv_list_remove(&reeve->sink.link);
	rv_defer_cancel(&reeve->pools.turn);
	rv_face_watches_finish(reeve);
	rv_super_destroy(reeve->super);
	rv_loop_destroy(reeve->loop);
	rv_face_source_finish(reeve);
	return REEVE_OK;
}

void
rv_face_destroy(struct reeve *reeve)
{
	reeve->closing = true;
	if (reeve->callbacks != NULL && !reeve->broken) {
		reeve->callbacks = NULL;
	}
	while (
	    rv_face_guarded(reeve, rv_face_tell_gone, NULL, NULL) != REEVE_OK) {
		/* A check failed in one of them: the others are told, too. */
	}
	/* One that a bug has closed is taken down as far as it goes. */
	if (rv_face_guarded(reeve, close_runtime, NULL, NULL) == REEVE_OK) {
		reeve->magic = 0;
		rv_free(reeve);
	}
}

static enum reeve_status
check_options(const struct reeve_options *given, struct reeve_options *options,
    struct reeve_error *err)
{
	enum reeve_status status = rv_face_options(options, sizeof(*options),
	    given, RV_FACE_THROUGH(struct reeve_options, finding),
	    "reeve_options", err);

	if (status == REEVE_OK && options->config_file == NULL &&
	    options->name == NULL) {
		status = rv_error(err, REEVE_EINVALID,
		    "reeve_options has neither config_file nor name");
	}
	return status;
}

enum reeve_status
reeve_create(struct reeve **out, const struct reeve_options *given,
    struct reeve_error *err)
{
	struct reeve_options options = { 0 };
	enum reeve_status status = check_options(given, &options, err);
	struct reeve *reeve;

	if (status == REEVE_OK && out == NULL) {
		status = rv_error(
		    err, REEVE_EINVALID, "no place for the runtime was given");
	}
	if (status != REEVE_OK) {
		rv_error_wrap(err, "cannot create a runtime");
		return status;
	}
	reeve = rv_alloc(1, sizeof(*reeve));
	if (reeve == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot create a runtime");
	}
	reeve->magic = REEVE_MAGIC;
	reeve->pid = getpid();
	reeve->callbacks = options.callbacks;
	reeve->ctx = options.ctx;
	reeve->finding = options.finding;
	rv_list_init(&reeve->sink.link);
	rv_face_watches_init(reeve);
	rv_face_pools_init(reeve);
	status =
	    rv_face_said(rv_face_guarded(reeve, open_runtime, &options, err),
		"create a runtime", err);
	if (status != REEVE_OK) {
		rv_face_destroy(reeve);
		return status;
	}
	*out = reeve;
	return REEVE_OK;
}

void
reeve_destroy(struct reeve *reeve)
{
	if (reeve == NULL || reeve->magic != REEVE_MAGIC ||
	    reeve->pid != getpid() || reeve->closing) {
		return;
	}
	if (reeve->depth > 0) {
		reeve->doomed = true;
		return;
	}
	rv_face_destroy(reeve);
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

	return rv_face_call(reeve, "end the log", RV_FACE_OUTSIDE,
		   say_last_words, &pidfd, NULL) == REEVE_OK
		   ? pidfd
		   : -1;
}

/* -------- the host's loop -------- */

int
reeve_fd(struct reeve *reeve)
{
	return rv_face_check(reeve, "be polled", RV_FACE_LOOK, NULL) ==
			   REEVE_OK &&
		       reeve->polled
		   ? rv_loop_fd(reeve->loop)
		   : -1;
}

int64_t
reeve_deadline(struct reeve *reeve)
{
	return rv_face_check(reeve, "be polled", RV_FACE_LOOK, NULL) ==
			   REEVE_OK &&
		       reeve->polled
		   ? rv_loop_deadline(reeve->loop)
		   : RV_FOREVER;
}

int
reeve_timeout_ms(struct reeve *reeve)
{
	rv_time at = reeve_deadline(reeve), left;

	if (at == RV_FOREVER) {
		return -1;
	}
	left = at - rv_sys_now();
	if (left <= 0) {
		return 0;
	}
	return (int)RV_MIN((left + RV_MS - 1) / RV_MS, (rv_time)INT_MAX);
}

static enum reeve_status
dispatch(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	(void)arg;
	return reeve->polled ? rv_loop_dispatch(reeve->loop, 0, err) : REEVE_OK;
}

enum reeve_status
reeve_dispatch(struct reeve *reeve, struct reeve_error *err)
{
	return rv_face_call(
	    reeve, "dispatch", RV_FACE_OUTSIDE, dispatch, NULL, err);
}

/* Another thread's: nothing that the runtime's own thread writes is read. */
enum reeve_status
reeve_post(struct reeve *reeve, reeve_post_fn *fn, void *arg)
{
	if (reeve == NULL || fn == NULL || reeve->magic != REEVE_MAGIC ||
	    reeve->pid != getpid()) {
		return REEVE_EINVALID;
	}
	return rv_post_push(reeve->post, fn, arg);
}

/* -------- what hosts ask -------- */

static enum reeve_status
shut_down(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	int urgency = rv_super_urgency(reeve->super);
	const struct rv_asker asker = {
		.method = "shutdown", .uid = -1, .pid = -1, .reason = arg
	};

	(void)err;
	rv_super_asked(reeve->super, &asker);
	if (urgency == 0) {
		/* What is recorded in the end must live as long. */
		rv_copy(reeve->why, sizeof(reeve->why),
		    arg != NULL ? arg : "asked");
	}
	rv_super_shutdown(reeve->super, urgency + 1, reeve->why);
	return REEVE_OK;
}

void
reeve_shutdown(struct reeve *reeve, const char *why)
{
	if (rv_face_call(reeve, "shut down", RV_FACE_CHANGE, shut_down,
		(void *)(uintptr_t)why, NULL) != REEVE_OK) {
		return; /* nothing is left to shut down */
	}
}

static enum reeve_status
reload(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	struct rv_face_findings findings = {
		.fn = reeve->finding,
		.ctx = reeve->ctx,
		.said = &reeve->said,
	};
	struct rv_reload_plan plan;
	enum reeve_status status;

	(void)arg;
	status = rv_super_reload(
	    reeve->super, false, &plan, rv_face_finding, &findings, err);
	rv_face_said_end(&reeve->said, status == REEVE_OK);
	rv_reload_plan_finish(&plan);
	return status;
}

enum reeve_status
reeve_reload(struct reeve *reeve, struct reeve_error *err)
{
	return rv_face_call(
	    reeve, "reload the config", RV_FACE_CHANGE, reload, NULL, err);
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
	if (rv_face_call(reeve, "note a signal", RV_FACE_LOOK, note_signal,
		&signo, NULL) != REEVE_OK) {
		return; /* there is no log to note it in */
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

	return rv_face_call(reeve, "take a status", RV_FACE_LOOK, child_exited,
		   &args, NULL) == REEVE_OK &&
	       args.ours;
}

const char *
reeve_version(void)
{
	return PACKAGE_VERSION;
}
