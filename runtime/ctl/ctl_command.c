/* SPDX-License-Identifier: MIT */
/*
 * The methods that change units: each turns names into units and asks the
 * runtime. What happens then is decided there. Who asked has been recorded
 * before a handler runs.
 */
#include "config.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/ctl_priv.h"

static enum reeve_status
named_units(struct rv_ctl_request *request, struct rv_units *list,
    struct reeve_error *err)
{
	const struct rv_json *names = rv_json_get(request->params, "names");
	struct reeve_error cause;
	enum reeve_status status;

	if (rv_json_count(names) == 0) {
		return rv_error(err, REEVE_EINVALID,
		    "%s needs at least one name", request->method->name);
	}
	status = rv_ctl_names(request->ctl->super, names, list, &cause);
	if (status != REEVE_OK && rv_json_count(names) > 1) {
		/* Nobody shall wonder about those that are right. */
		return rv_error(
		    err, status, "%.400s; nothing was done", cause.text);
	}
	return status == REEVE_OK ? status
				  : rv_error(err, status, "%s", cause.text);
}

static enum reeve_status
command(struct rv_ctl_request *request, enum rv_verb verb, struct rv_jsonw *w,
    struct reeve_error *err)
{
	struct rv_units list;
	enum reeve_status status = named_units(request, &list, err);

	if (status != REEVE_OK) {
		return status;
	}
	/* A supervisor takes along what is below it. */
	rv_units_tops(&list);
	status = rv_ctl_wait_start(request, &list, verb,
	    rv_json_bool(rv_json_get(request->params, "no_wait")), w, err);
	rv_free(list.units);
	return status;
}

enum reeve_status
rv_ctl_on_start(
    struct rv_ctl_request *request, struct rv_jsonw *w, struct reeve_error *err)
{
	return command(request, RV_VERB_START, w, err);
}

enum reeve_status
rv_ctl_on_stop(
    struct rv_ctl_request *request, struct rv_jsonw *w, struct reeve_error *err)
{
	return command(request, RV_VERB_STOP, w, err);
}

enum reeve_status
rv_ctl_on_restart(
    struct rv_ctl_request *request, struct rv_jsonw *w, struct reeve_error *err)
{
	return command(request, RV_VERB_RESTART, w, err);
}

/* By name or by number, as a person would write it; 0: none. */
static int
signal_of(const struct rv_json *value)
{
	char number[24];
	const char *name = rv_json_str(value);

	if (name == NULL) {
		rv_format(number, sizeof(number), "%lld",
		    (long long)rv_json_int(value));
		name = number;
	}
	return rv_signal_number(name);
}

void
rv_ctl_write_event(struct rv_jsonw *w, uint64_t event)
{
	rv_jsonw_key(w, "event");
	if (event != 0) {
		rv_jsonw_uint(w, event);
	} else {
		rv_jsonw_null(w);
	}
}

static void
write_signaled(struct rv_ctl_request *request, struct rv_unit *unit, int signo,
    struct rv_jsonw *w)
{
	struct reeve_error err = { 0 };
	struct rv_unit_info info;
	enum reeve_status status;
	char name[24];

	/* Before: what the signal does to it is another story. */
	rv_super_info(request->ctl->super, unit, &info);
	status = rv_super_signal(request->ctl->super, unit, signo, &err);
	rv_jsonw_object(w);
	rv_jsonw_key(w, "path");
	rv_jsonw_str(w, unit->path);
	rv_jsonw_key(w, "state");
	rv_jsonw_str(w, rv_state_name(unit->state));
	rv_jsonw_key(w, "ok");
	rv_jsonw_bool(w, status == REEVE_OK);
	rv_jsonw_key(w, "why");
	rv_jsonw_str(w, status == REEVE_OK ? NULL : err.text);
	rv_jsonw_key(w, "signal_name");
	rv_jsonw_str(w, rv_signal_name(signo, name));
	rv_jsonw_key(w, "pid");
	if (info.pid > 0) {
		rv_jsonw_int(w, info.pid);
	} else {
		rv_jsonw_null(w);
	}
	rv_jsonw_object_end(w);
}

/* One result a process; one for the unit itself when there is none. */
static void
signal_below(struct rv_ctl_request *request, struct rv_unit *top, int signo,
    struct rv_jsonw *w)
{
	struct rv_super *super = request->ctl->super;
	bool any = false;

	for (struct rv_unit *unit = top; unit != NULL;
	     unit = rv_super_next(super, unit)) {
		const struct rv_unit *above = unit;
		struct rv_unit_info info;

		while (above != NULL && above != top) {
			above = above->parent;
		}
		if (above == NULL) {
			break;
		}
		rv_super_info(super, unit, &info);
		if (info.pid > 0) {
			write_signaled(request, unit, signo, w);
			any = true;
		}
	}
	if (!any) {
		write_signaled(request, top, signo, w);
	}
}

static enum reeve_status
no_signal(struct rv_ctl_request *request, struct reeve_error *err)
{
	const struct rv_json *names = rv_json_get(request->params, "names");
	const struct rv_json *value = rv_json_get(request->params, "signal");
	const char *given = rv_json_str(value);
	const char *name = rv_json_str(rv_json_at(names, 0));

	if (given == NULL) {
		return rv_error(err, REEVE_EINVALID, "%lld is no signal",
		    (long long)rv_json_int(value));
	}
	if (name != NULL && rv_signal_number(name) != 0) {
		return rv_error(err, REEVE_EINVALID,
		    "\"%.64s\" is no signal; the signal comes first, then "
		    "names",
		    given);
	}
	return rv_error(err, REEVE_EINVALID,
	    "\"%.64s\" is no signal; such are HUP, TERM, USR1, 15", given);
}

enum reeve_status
rv_ctl_on_signal(
    struct rv_ctl_request *request, struct rv_jsonw *w, struct reeve_error *err)
{
	int signo = signal_of(rv_json_get(request->params, "signal"));
	struct rv_units list;
	enum reeve_status status;

	if (signo == 0) {
		return no_signal(request, err);
	}
	status = named_units(request, &list, err);
	if (status != REEVE_OK) {
		return status;
	}
	rv_units_tops(&list);
	rv_jsonw_object(w);
	rv_ctl_write_event(w, request->event);
	rv_jsonw_key(w, "results");
	rv_jsonw_array(w);
	for (size_t i = 0; i < list.n; i++) {
		signal_below(request, list.units[i], signo, w);
	}
	rv_jsonw_array_end(w);
	rv_jsonw_object_end(w);
	rv_free(list.units);
	return REEVE_OK;
}

/* The answer leaves before the end: the end is later turns' business. */
enum reeve_status
rv_ctl_on_shutdown(
    struct rv_ctl_request *request, struct rv_jsonw *w, struct reeve_error *err)
{
	const struct rv_json *given = rv_json_get(request->params, "urgency");
	int64_t urgency = given != NULL ? rv_json_int(given) : 1;

	if (urgency < 1 || urgency > 3) {
		return rv_error(err, REEVE_EINVALID,
		    "parameter \"urgency\" must be 1, 2 or 3");
	}
	rv_super_shutdown(request->ctl->super, (int)urgency, "asked");
	rv_jsonw_object(w);
	rv_ctl_write_event(w, request->event);
	rv_jsonw_object_end(w);
	return REEVE_OK;
}
