/* SPDX-License-Identifier: MIT */
/* <reeve/control.h> over the control socket: adapters, no logic. */
#include "config.h"

#include <reeve/control.h>

#include "base/error.h"
#include "face/face_priv.h"

/* One that is going hears nothing any more. */
static bool
may_tell(const struct reeve *reeve)
{
	return !reeve->closing && !reeve->doomed;
}

static void
on_asked(const struct rv_ctl_hosted *hosted,
    const struct reeve_control_request *request)
{
	struct reeve *reeve = hosted->reeve;

	if (may_tell(reeve)) {
		hosted->fn(hosted->ctx, request);
		rv_face_told(reeve);
	}
}

static void
on_gone(const struct rv_ctl_hosted *hosted, uint64_t request)
{
	struct reeve *reeve = hosted->reeve;

	if (may_tell(reeve) && hosted->on_gone != NULL) {
		hosted->on_gone(hosted->ctx, request);
		rv_face_told(reeve);
	}
}

/* After its last words a runtime has none. */
static enum reeve_status
socket_of(struct reeve *reeve, struct rv_ctl **ctl, struct reeve_error *err)
{
	*ctl = reeve->ctl;
	return reeve->ctl != NULL
		   ? REEVE_OK
		   : rv_error(err, REEVE_ECLOSED,
			 "the control socket of this runtime is closed");
}

struct add_args {
	const char *method;
	const struct reeve_control_options *options;
	reeve_control_fn *fn;
	void *ctx;
};

static enum reeve_status
add(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	const struct add_args *args = arg;
	struct reeve_control_options options = { 0 };
	struct rv_ctl_hosted hosted = {
		.name = args->method,
		.asked = on_asked,
		.gone = on_gone,
		.reeve = reeve,
		.fn = args->fn,
		.ctx = args->ctx,
	};
	enum reeve_status status = REEVE_OK;
	struct rv_ctl *ctl = NULL;

	if (args->options != NULL) {
		status =
		    rv_face_options(&options, sizeof(options), args->options,
			RV_FACE_THROUGH(struct reeve_control_options, gone),
			"reeve_control_options", err);
	}
	if (status == REEVE_OK && args->fn == NULL) {
		status = rv_error(err, REEVE_EINVALID, "the function is NULL");
	}
	if (status == REEVE_OK) {
		status = socket_of(reeve, &ctl, err);
	}
	hosted.params = options.params;
	hosted.doc = options.doc;
	hosted.changes = options.changes;
	hosted.on_gone = options.gone;
	return status == REEVE_OK ? rv_ctl_host(ctl, &hosted, err) : status;
}

enum reeve_status
reeve_control_add(struct reeve *reeve, const char *method,
    const struct reeve_control_options *options, reeve_control_fn *fn,
    void *ctx, struct reeve_error *err)
{
	struct add_args args = {
		.method = method,
		.options = options,
		.fn = fn,
		.ctx = ctx,
	};

	return rv_face_call(
	    reeve, "add a method", RV_FACE_LOOK, add, &args, err);
}

static enum reeve_status
drop(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	struct rv_ctl *ctl;
	enum reeve_status status = socket_of(reeve, &ctl, err);

	return status == REEVE_OK ? rv_ctl_unhost(ctl, arg, err) : status;
}

enum reeve_status
reeve_control_remove(
    struct reeve *reeve, const char *method, struct reeve_error *err)
{
	return rv_face_call(reeve, "remove a method", RV_FACE_LOOK, drop,
	    (void *)(uintptr_t)method, err);
}

struct answer_args {
	uint64_t request;
	const char *text;
	enum reeve_status status;
};

static enum reeve_status
reply(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	const struct answer_args *args = arg;
	struct rv_ctl *ctl;
	enum reeve_status status = socket_of(reeve, &ctl, err);

	return status == REEVE_OK
		   ? rv_ctl_answer(ctl, args->request, args->text, err)
		   : status;
}

enum reeve_status
reeve_control_reply(struct reeve *reeve, uint64_t request, const char *json,
    struct reeve_error *err)
{
	struct answer_args args = { .request = request, .text = json };

	return rv_face_call(
	    reeve, "answer a request", RV_FACE_LOOK, reply, &args, err);
}

static enum reeve_status
refuse(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	const struct answer_args *args = arg;
	struct rv_ctl *ctl;
	enum reeve_status status = socket_of(reeve, &ctl, err);

	return status == REEVE_OK ? rv_ctl_fail(ctl, args->request,
					args->status, args->text, err)
				  : status;
}

enum reeve_status
reeve_control_fail(struct reeve *reeve, uint64_t request,
    enum reeve_status status, const char *text, struct reeve_error *err)
{
	struct answer_args args = {
		.request = request,
		.text = text,
		.status = status,
	};

	if (status >= REEVE_OK || status < REEVE_ECANCELED) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot refuse a request with status %d, which is no "
		    "failure",
		    (int)status);
	}
	return rv_face_call(
	    reeve, "refuse a request", RV_FACE_LOOK, refuse, &args, err);
}
