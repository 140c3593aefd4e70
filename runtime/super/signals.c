/* SPDX-License-Identifier: MIT */
/*
 * What a signal to the runtime does: as the table of the conf says, one
 * function for each act. Catches nothing itself: whoever gets signals (the
 * daemon, a host) tells of them.
 */
#include "config.h"

#include <signal.h>

#include "base/error.h"
#include "base/text.h"
#include "super/super_priv.h"

static struct rv_signal_rule
rule_of(const struct rv_super *super, int signo)
{
	return signo > 0 && signo < RV_SIGNALS && super->conf->signals != NULL
		   ? super->conf->signals[signo]
		   : (struct rv_signal_rule){ .act = RV_SIGNAL_NONE };
}

static bool
is_meant(const struct rv_signal_rule *rule, const char *path)
{
	if (rule->to == NULL) {
		return true;
	}
	for (const char *const *glob = rule->to; *glob != NULL; glob++) {
		if (rv_glob(*glob, path)) {
			return true;
		}
	}
	return false;
}

/* To each process once; how many there were. */
static int64_t
forward(struct rv_super *super, const struct rv_signal_rule *rule, int signo)
{
	int64_t n = 0;

	for (struct rv_unit *unit = rv_super_next(super, NULL); unit != NULL;
	     unit = rv_super_next(super, unit)) {
		const struct rv_node *node = rv_node_of(unit);

		if (node->life != 0 && node->pid != 0 &&
		    is_meant(rule, unit->path)) {
			rv_start_signal(super->start, node->life,
			    rule->as != 0 ? rule->as : signo, false, false);
			n++;
		}
	}
	return n;
}

static void
shut_down(struct rv_super *super, int signo)
{
	char name[24];

	if (super->urgency == 0) {
		rv_format(super->stop_signal, sizeof(super->stop_signal),
		    "signal %s", rv_signal_name(signo, name) + 3);
	}
	rv_super_shutdown(super, super->urgency + 1, super->stop_signal);
}

static enum reeve_status
reload(struct rv_super *super, rv_finding_cb *cb, void *ctx,
    struct reeve_error *err)
{
	struct rv_reload_plan plan;
	enum reeve_status status =
	    rv_super_reload(super, false, &plan, cb, ctx, err);

	rv_reload_plan_finish(&plan);
	return status;
}

static void
record(struct rv_super *super, int signo, const struct rv_signal_rule *rule,
    int64_t forwarded)
{
	static const char *const acts[] = {
		[RV_SIGNAL_NONE] = "none",
		[RV_SIGNAL_IGNORE] = "ignore",
		[RV_SIGNAL_SHUTDOWN] = "shutdown",
		[RV_SIGNAL_RELOAD] = "reload",
		[RV_SIGNAL_FORWARD] = "forward",
	};
	struct rv_fields fields = { 0 };

	rv_fields_int(&fields, RV_KEY_SIGNAL, signo);
	rv_fields_str(&fields, RV_KEY_ACTION, acts[rule->act]);
	if (forwarded >= 0) {
		rv_fields_int(&fields, RV_KEY_COUNT, forwarded);
	}
	rv_super_record(super, RV_KIND_SIGNAL_RECEIVED, NULL, 0, &fields);
}

enum reeve_status
rv_super_signal_received(struct rv_super *super, int signo, rv_finding_cb *cb,
    void *ctx, struct reeve_error *err)
{
	struct rv_signal_rule rule = rule_of(super, signo);
	int64_t forwarded = -1;

	if (super->finished) {
		return REEVE_OK;
	}
	if (rule.act == RV_SIGNAL_FORWARD) {
		forwarded = forward(super, &rule, signo);
	}
	record(super, signo, &rule, forwarded);
	if (rule.act == RV_SIGNAL_SHUTDOWN) {
		shut_down(super, signo);
	}
	return rule.act == RV_SIGNAL_RELOAD ? reload(super, cb, ctx, err)
					    : REEVE_OK;
}
