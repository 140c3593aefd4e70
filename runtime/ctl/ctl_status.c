/* SPDX-License-Identifier: MIT */
/*
 * The answer to `status`: what the runtime knows of each unit. What /proc
 * knows beyond that (memory, processor time) the client reads there itself;
 * with start_ticks it can tell that it reads of the right process.
 */
#include "config.h"

#include "base/alloc.h"
#include "base/text.h"
#include "child/page.h"
#include "ctl/ctl_priv.h"
#include "start/start.h"

static void
put_str(struct rv_jsonw *w, const char *key, const char *value)
{
	rv_jsonw_key(w, key);
	rv_jsonw_str(w, value);
}

static void
put_int(struct rv_jsonw *w, const char *key, int64_t value)
{
	rv_jsonw_key(w, key);
	rv_jsonw_int(w, value);
}

static void
put_bool(struct rv_jsonw *w, const char *key, bool value)
{
	rv_jsonw_key(w, key);
	rv_jsonw_bool(w, value);
}

/* A number where it means something, else null. */
static void
put_known(struct rv_jsonw *w, const char *key, int64_t value, bool known)
{
	rv_jsonw_key(w, key);
	if (known) {
		rv_jsonw_int(w, value);
	} else {
		rv_jsonw_null(w);
	}
}

static void
write_last(struct rv_jsonw *w, const struct rv_unit_info *info)
{
	const struct rv_end *end = &info->last_end;
	bool known = !end->unknown && info->last_stage == 0;
	char name[24];

	rv_jsonw_key(w, "last");
	if (!info->has_last) {
		rv_jsonw_null(w);
		return;
	}
	rv_jsonw_object(w);
	put_int(w, "at", info->last_at_us);
	put_str(w, "reason", rv_reason_text(info->last_reason));
	put_known(w, "exit_code", end->number, known && !end->signaled);
	put_known(w, "signal", end->number, known && end->signaled);
	put_str(w, "signal_name",
	    known && end->signaled ? rv_signal_name(end->number, name) : NULL);
	put_bool(w, "core_dumped", known && end->signaled && end->core_dumped);
	put_str(w, "stage",
	    info->last_stage != 0 ? rv_stage_text(info->last_stage) : NULL);
	put_str(w, "errno",
	    info->last_errno != 0 ? rv_errno_name(info->last_errno) : NULL);
	rv_jsonw_object_end(w);
}

static bool
is_text(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f) {
			return false;
		}
	}
	return rv_utf8_valid(bytes, len) == len;
}

/*
 * The worker's own bytes without the zeros behind them, always as
 * `slot_base16`; as `slot`, too, while they can be read, else that is null.
 */
static void
write_slot(struct rv_ctl *ctl, struct rv_jsonw *w, struct rv_unit *unit)
{
	char slot[RV_PAGE_SLOT_BYTES], hex[2 * RV_PAGE_SLOT_BYTES + 1];
	size_t len = sizeof(slot);

	if (unit->policy->kind != RV_WORKER ||
	    !rv_super_slot(ctl->super, unit, slot)) {
		return;
	}
	while (len > 0 && slot[len - 1] == '\0') {
		len--;
	}
	rv_jsonw_key(w, "slot");
	if (is_text(slot, len)) {
		rv_jsonw_strn(w, slot, len);
	} else {
		rv_jsonw_null(w);
	}
	hex[0] = '\0';
	for (size_t i = 0; i < len; i++) {
		rv_format(hex + 2 * i, 3, "%02x", (unsigned char)slot[i]);
	}
	put_str(w, "slot_base16", hex);
}

static void
write_draining(
    struct rv_ctl *ctl, struct rv_jsonw *w, const struct rv_unit *unit)
{
	struct rv_draining old;

	rv_jsonw_key(w, "draining");
	rv_jsonw_array(w);
	for (unsigned i = 0; rv_super_draining(ctl->super, unit, i, &old);
	     i++) {
		rv_jsonw_object(w);
		put_int(w, "life", (int64_t)old.life);
		put_int(w, "pid", old.pid);
		put_int(w, "age_ms", old.age_ms);
		put_int(w, "rss_bytes", (int64_t)old.rss_bytes);
		rv_jsonw_object_end(w);
	}
	rv_jsonw_array_end(w);
}

/* What it runs, where that is a function, and how its processes are made. */
static void
write_program(struct rv_jsonw *w, const struct rv_unit_info *info)
{
	static const char *const methods[] = {
		[RV_METHOD_SPAWN] = "spawn",
		[RV_METHOD_FORK] = "fork",
		[RV_METHOD_FORKSERVER] = "forkserver",
	};
	const struct rv_program *program = info->spec->program;

	if (program != NULL) {
		put_str(w, "function", program->function);
		put_str(w, "start_method", methods[program->method]);
	}
}

static void
write_unit(struct rv_ctl *ctl, struct rv_jsonw *w, struct rv_unit *unit)
{
	const struct rv_unit *before = unit->waiting_for;
	struct rv_unit_info info;

	rv_super_info(ctl->super, unit, &info);
	rv_jsonw_object(w);
	put_str(w, "path", unit->path);
	put_str(w, "kind",
	    unit->policy->kind == RV_WORKER ? "worker" : "supervisor");
	put_str(w, "state", rv_state_name(unit->state));
	put_known(w, "pid", info.pid, info.pid > 0);
	put_int(w, "uptime_ms", info.uptime_ms);
	put_int(w, "restarts", unit->restarts);
	put_bool(w, "ready", unit->ready);
	put_bool(w, "held", unit->held);
	put_known(w, "beat_age_ms", info.beat_age_ms, info.beat_age_ms >= 0);
	put_known(w, "backoff_ms", info.backoff_ms, info.backoff_ms >= 0);
	put_str(w, "waiting_for",
	    unit->state == RV_STATE_WAITING && before != NULL ? before->path
							      : NULL);
	put_str(w, "status_text",
	    info.status_text != NULL && info.status_text[0] != '\0'
		? info.status_text
		: NULL);
	put_known(
	    w, "start_ticks", (int64_t)info.start_ticks, info.start_ticks != 0);
	write_program(w, &info);
	write_slot(ctl, w, unit);
	write_last(w, &info);
	write_draining(ctl, w, unit);
	rv_jsonw_object_end(w);
}

enum reeve_status
rv_ctl_on_status(
    struct rv_ctl_request *request, struct rv_jsonw *w, struct reeve_error *err)
{
	struct rv_units list;
	enum reeve_status status = rv_ctl_names(request->ctl->super,
	    rv_json_get(request->params, "names"), &list, err);

	if (status != REEVE_OK) {
		return status;
	}
	rv_jsonw_array(w);
	for (size_t i = 0; i < list.n && !w->out->failed; i++) {
		write_unit(request->ctl, w, list.units[i]);
	}
	rv_jsonw_array_end(w);
	rv_free(list.units);
	return REEVE_OK;
}

void
rv_ctl_say_end(const struct rv_unit_info *info, char *dst, size_t size)
{
	const struct rv_end *end = &info->last_end;
	char name[24];

	if (!info->has_last) {
		rv_copy(dst, size, rv_reason_text(info->last_reason));
	} else if (info->last_stage != 0) {
		rv_format(dst, size, "cannot start: %s: %s",
		    rv_stage_text(info->last_stage),
		    rv_errno_name(info->last_errno));
	} else if (end->unknown) {
		rv_copy(dst, size, "ended, status unknown");
	} else if (end->signaled) {
		size_t n = rv_format(dst, size, "ended by %s",
		    rv_signal_name(end->number, name));

		if (info->last_reason != RV_REASON_SIGNALED) {
			rv_format(dst + n, size - n, " (%s)",
			    rv_reason_text(info->last_reason));
		}
	} else {
		size_t n =
		    rv_format(dst, size, "exited with code %d", end->number);

		if (info->last_reason != RV_REASON_EXITED) {
			rv_format(dst + n, size - n, " (%s)",
			    rv_reason_text(info->last_reason));
		}
	}
}
