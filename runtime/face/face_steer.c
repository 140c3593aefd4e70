/* SPDX-License-Identifier: MIT */
/*
 * <reeve/tree.h>, steering: names to units, then what the control socket does
 * with them. Recorded as control.request, without a uid: the host itself.
 */
#include "config.h"

#include <reeve/tree.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/jsonw.h"
#include "base/text.h"
#include "face/face_config.h"
#include "face/face_tree.h"
#include "super/named.h"

struct steer_args {
	const char *method; /* as the control socket has it */
	const char *names;
	enum rv_verb verb;
	int signo; /* of signal, else 0 */
};

static void
record(struct reeve *reeve, const struct steer_args *args)
{
	struct rv_asker asker = {
		.method = args->method, .uid = -1, .pid = -1
	};
	struct rv_buf names;
	struct rv_jsonw w;

	rv_buf_init(&names, 4096);
	rv_jsonw_init(&w, &names);
	rv_jsonw_array(&w);
	rv_jsonw_str(&w, args->names);
	rv_jsonw_array_end(&w);
	asker.names = names.failed ? NULL : rv_buf_str(&names);
	rv_super_asked(reeve->super, &asker);
	rv_buf_finish(&names);
}

/* What one of them did may be the end of another: then it is NULL here. */
static void
command(struct reeve *reeve, struct rv_units *list, enum rv_verb verb)
{
	reeve->named = list;
	for (size_t i = 0; i < list->n; i++) {
		if (list->units[i] != NULL) {
			rv_super_do(reeve->super, list->units[i], verb);
		}
	}
	reeve->named = NULL;
	/* The next turn may be a while ahead, and begins with a wake-up. */
	rv_super_launch(reeve->super);
}

void
rv_face_unit_gone(struct reeve *reeve, const struct rv_unit *unit)
{
	struct rv_units *list = reeve->named;

	for (size_t i = 0; list != NULL && i < list->n; i++) {
		if (list->units[i] == unit) {
			list->units[i] = NULL;
		}
	}
}

/* All that have a process; the first refusal where none has. */
static enum reeve_status
send(struct reeve *reeve, const struct rv_units *list, int signo,
    struct reeve_error *err)
{
	enum reeve_status status = REEVE_ENOENT, one;
	struct reeve_error why;

	for (size_t i = 0; i < list->n; i++) {
		one =
		    rv_super_signal(reeve->super, list->units[i], signo, &why);
		if (one == REEVE_OK) {
			status = REEVE_OK;
		} else if (status == REEVE_ENOENT) {
			status = rv_error(err, one, "%s", why.text);
		}
	}
	return status;
}

static enum reeve_status
steer(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	const struct steer_args *args = arg;
	struct rv_units list = { 0 };
	enum reeve_status status;

	if (args->names == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot %s units: the name is NULL", args->method);
	}
	if (args->signo == 0 && rv_super_urgency(reeve->super) > 0) {
		return rv_error(err, REEVE_EBUSY,
		    "cannot %s %.128s: the runtime is shutting down",
		    args->method, args->names);
	}
	status = rv_super_names(reeve->super, &args->names, 1, &list, err);
	if (status != REEVE_OK) {
		return status;
	}
	rv_units_tops(&list);
	record(reeve, args);
	if (args->signo != 0) {
		status = send(reeve, &list, args->signo, err);
	} else {
		command(reeve, &list, args->verb);
	}
	rv_free(list.units);
	return status;
}

enum reeve_status
reeve_start(struct reeve *reeve, const char *names, struct reeve_error *err)
{
	struct steer_args args = {
		.method = "start",
		.names = names,
		.verb = RV_VERB_START,
	};

	return rv_face_call(
	    reeve, "start units", RV_FACE_CHANGE, steer, &args, err);
}

enum reeve_status
reeve_stop(struct reeve *reeve, const char *names, struct reeve_error *err)
{
	struct steer_args args = {
		.method = "stop",
		.names = names,
		.verb = RV_VERB_STOP,
	};

	return rv_face_call(
	    reeve, "stop units", RV_FACE_CHANGE, steer, &args, err);
}

enum reeve_status
reeve_restart(struct reeve *reeve, const char *names, struct reeve_error *err)
{
	struct steer_args args = {
		.method = "restart",
		.names = names,
		.verb = RV_VERB_RESTART,
	};

	return rv_face_call(
	    reeve, "restart units", RV_FACE_CHANGE, steer, &args, err);
}

static enum reeve_status
check_signal(int signo, struct reeve_error *err)
{
	if (signo < 1 || signo >= RV_SIGNALS) {
		return rv_error(err, REEVE_EINVALID,
		    "%d is no signal; they are 1 to %d", signo, RV_SIGNALS - 1);
	}
	return REEVE_OK;
}

static enum reeve_status
signal_units(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	const struct steer_args *args = arg;
	enum reeve_status status = check_signal(args->signo, err);

	return status == REEVE_OK ? steer(reeve, arg, err) : status;
}

enum reeve_status
reeve_signal_unit(
    struct reeve *reeve, const char *names, int signo, struct reeve_error *err)
{
	struct steer_args args = {
		.method = "signal",
		.names = names,
		.signo = signo,
	};

	return rv_face_call(
	    reeve, "signal units", RV_FACE_CHANGE, signal_units, &args, err);
}

static enum reeve_status
take_signal(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	struct rv_face_findings findings = {
		.fn = reeve->finding,
		.ctx = reeve->ctx,
		.said = &reeve->said,
	};
	int signo = *(int *)arg;
	enum reeve_status status = check_signal(signo, err);

	return status == REEVE_OK ? rv_super_signal_received(reeve->super,
					signo, rv_face_finding, &findings, err)
				  : status;
}

enum reeve_status
reeve_signal(struct reeve *reeve, int signo, struct reeve_error *err)
{
	return rv_face_call(
	    reeve, "take a signal", RV_FACE_CHANGE, take_signal, &signo, err);
}
