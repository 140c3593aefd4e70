/* SPDX-License-Identifier: MIT */
/*
 * What the launcher reports, turned into facts for the core. Finds the node of
 * a life, remembers what a person will ask about later, posts the event; also
 * hands the lives over when the launcher had to be replaced.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/text.h"
#include "super/super_priv.h"
#include "sys/sys.h"

/*
 * Status texts of one life: so many are recorded at once, then one a second.
 * The newest is shown in any case; those between are counted.
 */
#define SAYINGS_MAX  16
#define SAYINGS_EACH RV_SEC

static void
post_fact(struct rv_node *node, struct rv_event *event, uint64_t life)
{
	event->unit = node->unit;
	event->life = life - node->super->life_base;
	rv_super_post(node->super, event);
}

static void
on_launched(void *ctx, uint64_t life, pid_t pid, uint64_t start_ticks)
{
	struct rv_super *super = ctx;
	struct rv_node *node = rv_node_by_life(super, life);
	struct rv_event event = { .type = RV_EV_LAUNCHED };

	if (node == NULL) {
		return;
	}
	node->in_flight = false;
	node->pid = pid;
	node->start_ticks = start_ticks;
	node->launched_at_us = rv_sys_wall_us();
	if (node->status_text != NULL) {
		node->status_text[0] = '\0';
	}
	node->saying = (struct rv_saying){ 0 };
	post_fact(node, &event, life);
}

/* The life is over: nothing is looked up under its number any more. */
static void
forget_life(struct rv_super *super, struct rv_node *node)
{
	rv_hash_remove(&super->lives, &node->by_life);
	node->life = 0;
	node->in_flight = false;
	node->expecting_end = false;
	node->unsaid = 0;
	node->probing = false;
	rv_pages_drop(node);
}

static void
post_end(struct rv_node *node, struct rv_event *event, uint64_t life)
{
	event->unit = node->unit;
	event->life = life - node->super->life_base;
	rv_super_post_end(node->super, event);
}

static void
on_launch_failed(void *ctx, uint64_t life, int stage, int sys_errno)
{
	struct rv_super *super = ctx;
	struct rv_node *node = rv_node_by_life(super, life);
	struct rv_event event = {
		.type = RV_EV_LAUNCH_FAILED,
		.stage = stage,
		.sys_errno = sys_errno,
	};

	if (node == NULL) {
		return;
	}
	forget_life(super, node);
	node->death = (struct rv_death){
		.stage = stage,
		.sys_errno = sys_errno,
		.utime_us = -1,
		.stime_us = -1,
		.max_rss_kib = -1,
	};
	node->has_last = true;
	node->last_at_us = rv_sys_wall_us();
	node->last_pid = 0;
	post_end(node, &event, life);
}

static void
on_stray_died(struct rv_super *super)
{
	if (super->strays > 0 && --super->strays == 0) {
		rv_super_boot(super);
	}
}

static bool
may_say(struct rv_saying *saying, rv_time now)
{
	rv_time back = (now - saying->since) / SAYINGS_EACH;

	if (back >= (rv_time)saying->spent) {
		saying->spent = 0;
		saying->since = now;
	} else {
		saying->spent -= (uint32_t)back;
		saying->since += back * SAYINGS_EACH;
	}
	if (saying->spent >= SAYINGS_MAX) {
		saying->untold++;
		return false;
	}
	saying->spent++;
	return true;
}

static void
tell_unsaid(struct rv_node *node, uint64_t life)
{
	struct rv_fields fields = { 0 };

	if (node->saying.untold == 0) {
		return;
	}
	rv_fields_int(&fields, RV_KEY_COUNT, node->saying.untold);
	rv_fields_str(
	    &fields, RV_KEY_KIND, rv_kind_name(RV_KIND_WORKER_STATUS));
	node->saying.untold = 0;
	rv_super_record(
	    node->super, RV_KIND_CLERK_DROPPED, node, life, &fields);
}

static void
record_said(struct rv_node *node, uint64_t life, const char *text)
{
	struct rv_fields fields = { 0 };

	tell_unsaid(node, life);
	rv_fields_str(&fields, RV_KEY_TEXT, text);
	rv_super_record(
	    node->super, RV_KIND_WORKER_STATUS, node, life, &fields);
}

/* The last that it said is worth more than those before it. */
static void
say_last(struct rv_node *node, uint64_t life)
{
	if (node->saying.untold > 0 && node->status_text != NULL) {
		node->saying.untold--;
		record_said(node, life, node->status_text);
	}
}

static void
on_died(void *ctx, uint64_t life, const struct rv_death *death)
{
	struct rv_super *super = ctx;
	struct rv_node *node = rv_node_by_life(super, life);
	struct rv_event event = {
		.type = death->stage != 0 ? RV_EV_LAUNCH_FAILED : RV_EV_DIED,
		.end = death->end,
		.stage = death->stage,
		.sys_errno = death->sys_errno,
	};

	if (node == NULL) {
		if (life <= super->life_base) {
			on_stray_died(super);
		}
		return;
	}
	node->death = *death;
	say_last(node, life);
	rv_exceptions_end(node, life, &node->death, &event);
	forget_life(super, node);
	node->has_last = true;
	node->last_at_us = rv_sys_wall_us();
	node->last_pid = node->pid;
	node->pid = 0;
	/* The node may be gone after this, when a reload has retired it. */
	post_end(node, &event, life);
	rv_exceptions_ended(super);
}

static void
on_status_text(struct rv_node *node, uint64_t life, const char *text)
{
	char now[RV_STATUS_TEXT];

	rv_copy(now, sizeof(now), text);
	/* Few workers ever say any: those who do not need no room for it. */
	if (node->status_text == NULL) {
		node->status_text = rv_alloc(1, RV_STATUS_TEXT);
	}
	if (node->status_text != NULL) {
		if (strcmp(node->status_text, now) == 0) {
			return;
		}
		memcpy(node->status_text, now, sizeof(now));
	}
	if (may_say(&node->saying, rv_loop_now(node->super->loop))) {
		record_said(node, life, now);
	}
}

/* One post for each thing said, in the order in which they make sense. */
static const struct {
	uint32_t flag;
	enum rv_event_type type;
} said[] = {
	{ RV_NOTIFY_WATCHDOG_USEC, RV_EV_BEAT_INTERVAL },
	{ RV_NOTIFY_EXTEND, RV_EV_EXTEND },
	{ RV_NOTIFY_WATCHDOG, RV_EV_BEAT },
	{ RV_NOTIFY_READY, RV_EV_READY },
	{ RV_NOTIFY_TRIGGER, RV_EV_TRIGGER },
};

static rv_time
span_of(const struct rv_notify *notify, enum rv_event_type type)
{
	uint64_t usec = type == RV_EV_BEAT_INTERVAL ? notify->watchdog_usec
						    : notify->extend_usec;

	return usec > (uint64_t)(RV_DAY / RV_US) ? RV_DAY
						 : (rv_time)usec * RV_US;
}

static void
on_notified(void *ctx, uint64_t life, const struct rv_notify *notify)
{
	struct rv_super *super = ctx;
	struct rv_node *node = rv_node_by_life(super, life);
	struct rv_fields fields = { 0 };

	if (node == NULL) {
		return;
	}
	if ((notify->flags & RV_NOTIFY_BAD) != 0) {
		rv_fields_str(&fields, RV_KEY_MESSAGE, notify->status);
		rv_super_record(
		    super, RV_KIND_PROTOCOL_VIOLATION, node, life, &fields);
		return;
	}
	if ((notify->flags & RV_NOTIFY_STATUS) != 0) {
		on_status_text(node, life, notify->status);
	}
	if ((notify->flags & RV_NOTIFY_MAINPID) != 0) {
		node->pid = notify->mainpid;
		node->start_ticks = rv_sys_start_ticks(notify->mainpid);
	}
	if ((notify->flags & RV_NOTIFY_RELOADING) != 0) {
		rv_super_record(
		    super, RV_KIND_WORKER_RELOADING, node, life, NULL);
	}
	if ((notify->flags & RV_NOTIFY_TROUBLE) != 0) {
		rv_exceptions_notified(node, life);
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(said); i++) {
		struct rv_event event = { .type = said[i].type };

		if ((notify->flags & said[i].flag) != 0) {
			event.span = span_of(notify, said[i].type);
			post_fact(node, &event, life);
		}
	}
	if ((notify->flags & RV_NOTIFY_WATCHDOG_USEC) != 0) {
		rv_pages_watch(node);
	}
}

static void
on_synced(void *ctx, uint64_t token)
{
	int signo = rv_super_signo_of(token);
	uint64_t life = token & ~((uint64_t)0xff << 56);
	struct rv_node *node = rv_node_by_life(ctx, life);
	struct rv_event event = { .type = RV_EV_PROBED };

	if (node == NULL) {
		return;
	}
	if (signo != 0) {
		node->unsaid = node->unsaid == signo ? 0 : node->unsaid;
	} else if (node->probing) {
		node->probing = false;
		rv_pages_tell_beat(node);
		post_fact(node, &event, life);
	}
}

static void
on_writable(void *ctx)
{
	struct rv_super *super = ctx;

	super->launch_blocked = false;
	rv_super_launch_queued(super);
}

static void
on_lost(void *ctx, int wstatus)
{
	struct rv_super *super = ctx;
	struct rv_fields fields = { 0 };
	char name[24];

	rv_fields_int(&fields, RV_KEY_LIVES, (int64_t)super->lives.n);
	if (wstatus >= 0 && WIFSIGNALED(wstatus)) {
		rv_fields_int(&fields, RV_KEY_SIGNAL, WTERMSIG(wstatus));
		rv_super_notice(super, RV_NOTICE_TROUBLE,
		    "the launcher was ended by %s; starting another",
		    rv_signal_name(WTERMSIG(wstatus), name));
	} else {
		rv_super_notice(super, RV_NOTICE_TROUBLE,
		    "the launcher is gone; starting another");
	}
	super->launch_blocked = true;
	rv_super_record(super, RV_KIND_LAUNCHER_LOST, NULL, 0, &fields);
}

/* A life that the old launcher may have had: hand it on, or call it lost. */
static void
hand_over(struct rv_super *super, struct rv_node *node)
{
	struct rv_event event = { .type = RV_EV_LAUNCH_LOST };
	uint64_t life = node->life;

	if (!rv_list_empty(&node->launch_link)) {
		return; /* never sent */
	}
	if (node->in_flight) {
		forget_life(super, node);
		post_fact(node, &event, life);
		return;
	}
	rv_start_adopt(
	    super->start, life, node->pid, node->start_ticks, node->spec);
	if (node->expecting_end) {
		rv_start_expect_end(super->start, life);
	}
	if (node->unsaid != 0) {
		rv_super_send_stop(super, node);
	}
	if (node->probing) {
		rv_start_sync(super->start, life);
	}
}

static void
on_back(void *ctx)
{
	struct rv_super *super = ctx;

	rv_listeners_give(&super->listeners, super->start);
	for (struct rv_unit *unit = rv_super_next_any(super, NULL);
	     unit != NULL; unit = rv_super_next_any(super, unit)) {
		struct rv_node *node = rv_node_of(unit);

		if (node->life != 0) {
			hand_over(super, node);
		}
	}
	super->launch_blocked = false;
	rv_super_launch_queued(super);
}

static void
on_trouble(void *ctx, const struct reeve_error *err)
{
	rv_super_notice(ctx, RV_NOTICE_TROUBLE, "%s", err->text);
}

static void
on_clerk_end(void *ctx, int fd)
{
	struct rv_super *super = ctx;

	rv_clerk_give_launcher(super->clerk, fd);
}

static void
on_before_fork(void *ctx, uint64_t life)
{
	struct rv_super *super = ctx;
	struct rv_node *node = rv_node_by_life(super, life);

	RV_LIST_EACH_SAFE (sink, &super->sinks, struct rv_super_sink, link) {
		if (node != NULL && sink->before_fork != NULL) {
			sink->before_fork(sink, node->unit);
		}
	}
}

static void
on_after_fork(void *ctx, uint64_t life, pid_t pid)
{
	struct rv_super *super = ctx;
	struct rv_node *node = rv_node_by_life(super, life);

	RV_LIST_EACH_SAFE (sink, &super->sinks, struct rv_super_sink, link) {
		if (node != NULL && sink->after_fork != NULL) {
			sink->after_fork(sink, node->unit, pid);
		}
	}
}

static void
on_in_fork(void *ctx, uint64_t life)
{
	struct rv_super *super = ctx;
	struct rv_node *node = rv_node_by_life(super, life);

	RV_LIST_EACH_SAFE (sink, &super->sinks, struct rv_super_sink, link) {
		if (node != NULL && sink->in_fork != NULL) {
			sink->in_fork(sink, node->unit);
		}
	}
}

const struct rv_start_ops rv_super_start_ops = {
	.launched = on_launched,
	.launch_failed = on_launch_failed,
	.notified = on_notified,
	.paged = rv_pages_take,
	.died = on_died,
	.synced = on_synced,
	.writable = on_writable,
	.lost = on_lost,
	.back = on_back,
	.trouble = on_trouble,
	.clerk_end = on_clerk_end,
	.before_fork = on_before_fork,
	.after_fork = on_after_fork,
	.in_fork = on_in_fork,
};
