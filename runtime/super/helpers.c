/* SPDX-License-Identifier: MIT */
/*
 * What the clerk reports, and the boot that waits for it: the tree starts when
 * the numbers of events and lives are known and what an earlier run has left
 * behind is dead.
 */
#include "config.h"

#include <sys/wait.h>

#include "base/text.h"
#include "super/super_priv.h"
#include "sys/sys.h"

void
rv_super_boot(struct rv_super *super)
{
	struct rv_event event = { .type = RV_EV_BOOT };

	rv_tick_disarm(&super->boot_tick);
	if (super->booted || rv_taken_holds_up(super)) {
		return;
	}
	super->booted = true;
	event.unit = rv_super_next(super, NULL);
	rv_super_post(super, &event);
}

/* A zombie is dead: only its parent has not taken note. */
static bool
is_alive(const struct rv_stray *stray)
{
	uint64_t ticks = 0;
	char state = 'X';

	return rv_sys_proc_stat(stray->pid, NULL, NULL, NULL, &state, &ticks) &&
	       state != 'Z' && state != 'X' && ticks == stray->start_ticks;
}

static void
kill_strays(struct rv_super *super, const struct rv_stray *strays, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_alive(&strays[i])) {
			continue;
		}
		super->strays++;
		rv_super_notice(super, RV_NOTICE_WARNING,
		    "killing process %d, left over by an earlier run",
		    (int)strays[i].pid);
		rv_start_kill_stray(super->start, strays[i].life, strays[i].pid,
		    strays[i].start_ticks);
	}
}

static void
on_ready(void *ctx, uint64_t next_event, uint64_t next_life,
    const struct rv_stray *strays, size_t n_strays, unsigned rings_drained)
{
	struct rv_super *super = ctx;

	rv_super_syncs_again(super);
	if (super->ids_known) {
		return;
	}
	super->ids_known = true;
	rv_journal_set_first_id(super->journal, next_event);
	if (rings_drained > 0) {
		rv_super_notice(super, RV_NOTICE_WARNING,
		    "an earlier run ended without saying so; its last events "
		    "were recovered");
	}
	if (super->booted) {
		return; /* started without it */
	}
	super->life_base = next_life > 0 ? next_life - 1 : 0;
	if (rv_start_reserve(super->start, super->n_nodes + n_strays) ==
	    REEVE_OK) {
		kill_strays(super, strays, n_strays);
	}
	if (super->strays == 0) {
		rv_super_boot(super);
	}
}

static void
on_disk(
    void *ctx, bool ok, const char *what, const char *path, const char *reason)
{
	struct rv_super *super = ctx;
	struct rv_fields fields = { 0 };

	rv_fields_str(&fields, RV_KEY_STATE, ok ? "ok" : "failing");
	rv_fields_str(&fields, RV_KEY_ACTION, what);
	rv_fields_str(&fields, RV_KEY_PATH, path);
	rv_fields_str(&fields, RV_KEY_MESSAGE, reason);
	rv_super_record(super, RV_KIND_CLERK_DISK, NULL, 0, &fields);
	if (ok) {
		rv_super_notice(
		    super, RV_NOTICE_INFO, "can %s again: %s", what, path);
	} else {
		rv_super_notice(super, RV_NOTICE_TROUBLE, "cannot %s %s: %s",
		    what, path, reason);
	}
}

static void
on_dropped(void *ctx, uint64_t life, const char *path, bool is_stderr,
    uint64_t bytes, int64_t first_us, int64_t last_us)
{
	struct rv_super *super = ctx;
	/* Often it has ended before its words are known to be lost. */
	struct rv_node *node = rv_node_by_life(super, life);
	struct rv_fields fields = { 0 };
	const char *stream = is_stderr ? "stderr" : "stdout";

	rv_fields_str(&fields, RV_KEY_STREAM, stream);
	rv_fields_int(&fields, RV_KEY_BYTES, (int64_t)bytes);
	rv_fields_int(&fields, RV_KEY_FIRST, first_us);
	rv_fields_int(&fields, RV_KEY_LAST, last_us);
	rv_super_record_path(super, RV_KIND_CLERK_DROPPED, path,
	    node != NULL ? node->spec->index : UINT32_MAX, life, &fields);
	rv_super_notice(super, RV_NOTICE_WARNING,
	    "%s: %llu bytes of %s were dropped, the disk did not take them",
	    path, (unsigned long long)bytes, stream);
}

static void
on_synced(void *ctx, uint64_t token)
{
	rv_super_synced(ctx, token);
}

static void
on_lost(void *ctx, int wstatus)
{
	struct rv_super *super = ctx;
	struct rv_fields fields = { 0 };
	char name[24];

	if (wstatus >= 0 && WIFSIGNALED(wstatus)) {
		rv_fields_int(&fields, RV_KEY_SIGNAL, WTERMSIG(wstatus));
		rv_super_notice(super, RV_NOTICE_TROUBLE,
		    "the clerk was ended by %s; starting another",
		    rv_signal_name(WTERMSIG(wstatus), name));
	} else {
		if (wstatus >= 0) {
			rv_fields_int(
			    &fields, RV_KEY_EXIT_CODE, WEXITSTATUS(wstatus));
		}
		rv_super_notice(super, RV_NOTICE_TROUBLE,
		    "the clerk is gone; starting another");
	}
	rv_super_record(super, RV_KIND_CLERK_LOST, NULL, 0, &fields);
}

static void
on_trouble(void *ctx, const struct reeve_error *err)
{
	rv_super_notice(ctx, RV_NOTICE_TROUBLE, "%s", err->text);
}

static void
on_want_launcher(void *ctx)
{
	struct rv_super *super = ctx;
	struct reeve_error err;

	if (super->start != NULL &&
	    rv_start_connect_clerk(super->start, &err) != REEVE_OK) {
		rv_super_notice(super, RV_NOTICE_TROUBLE, "%s", err.text);
	}
}

const struct rv_clerk_ops rv_super_clerk_ops = {
	.ready = on_ready,
	.disk = on_disk,
	.dropped = on_dropped,
	.synced = on_synced,
	.lost = on_lost,
	.trouble = on_trouble,
	.want_launcher = on_want_launcher,
};
