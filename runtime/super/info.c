/* SPDX-License-Identifier: MIT */
/*
 * What others may know of a runtime: its parts, its units in tree order, and
 * of each what a person would ask. Reads, changes nothing.
 */
#include "config.h"

#include <string.h>

#include "super/super_priv.h"
#include "sys/sys.h"
#include "wire/page_read.h"

struct rv_conf *
rv_super_conf(struct rv_super *super)
{
	return super->conf;
}

struct rv_loop *
rv_super_loop(struct rv_super *super)
{
	return super->loop;
}

struct rv_journal *
rv_super_journal(struct rv_super *super)
{
	return super->journal;
}

const char *
rv_super_run_id(const struct rv_super *super)
{
	return super->run_id;
}

int64_t
rv_super_started_at_us(const struct rv_super *super)
{
	return super->started_at_us;
}

pid_t
rv_super_launcher_pid(const struct rv_super *super)
{
	return super->start != NULL ? rv_start_pid(super->start) : 0;
}

pid_t
rv_super_clerk_pid(const struct rv_super *super)
{
	return super->clerk != NULL ? rv_clerk_pid(super->clerk) : 0;
}

struct rv_unit *
rv_super_next(struct rv_super *super, struct rv_unit *unit)
{
	do {
		unit = rv_super_next_any(super, unit);
	} while (unit != NULL && rv_node_of(unit)->aside != NULL);
	return unit;
}

struct rv_unit *
rv_super_next_any(struct rv_super *super, struct rv_unit *unit)
{
	if (unit == NULL) {
		return super->nodes != NULL && super->nodes[0] != NULL
			   ? super->nodes[0]->unit
			   : NULL;
	}
	if (!rv_list_empty(&unit->children)) {
		return RV_LIST_FIRST(&unit->children, struct rv_unit, siblings);
	}
	while (unit->parent != NULL &&
	       unit->siblings.next == &unit->parent->children) {
		unit = unit->parent;
	}
	return unit->parent == NULL ? NULL
				    : RV_CONTAINER(unit->siblings.next,
					  struct rv_unit, siblings);
}

struct rv_unit *
rv_super_find(struct rv_super *super, const char *path)
{
	const struct rv_spec *spec = rv_conf_find(super->conf, path);

	if (spec != NULL && super->nodes[spec->index] != NULL) {
		return super->nodes[spec->index]->unit;
	}
	/* Rare: one that a reload has retired and that is still going down. */
	for (struct rv_unit *unit = rv_super_next(super, NULL); unit != NULL;
	     unit = rv_super_next(super, unit)) {
		if (strcmp(unit->path, path) == 0) {
			return unit;
		}
	}
	return NULL;
}

static int64_t
ms_since(rv_time now, rv_time then)
{
	return now > then ? (now - then) / RV_MS : 0;
}

void
rv_super_info(
    struct rv_super *super, struct rv_unit *unit, struct rv_unit_info *info)
{
	const struct rv_node *node = rv_node_of(unit);
	rv_time now = rv_sys_now();
	bool alive = node->life != 0 && node->pid != 0;
	rv_time beat;

	(void)super;
	*info = (struct rv_unit_info){
		.unit = unit,
		.spec = node->spec,
		.pid = alive ? node->pid : 0,
		.start_ticks = alive ? node->start_ticks : 0,
		.life = node->life,
		.status_text =
		    alive && node->status_text != NULL ? node->status_text : "",
		.has_last = node->has_last,
		.last_at_us = node->last_at_us,
		.last_end = node->death.end,
		.last_reason = unit->last_reason,
		.last_stage = node->death.stage,
		.last_errno = node->death.sys_errno,
		.backoff_ms = -1,
		.beat_age_ms = -1,
	};
	if (unit->state == RV_STATE_BACKOFF) {
		info->backoff_ms = ms_since(node->backoff_until, now);
	}
	if (alive && unit->started_at != 0) {
		info->uptime_ms = ms_since(now, unit->started_at);
	}
	info->replacing = rv_overlap_rising(node) != NULL;
	beat = RV_MAX(unit->last_beat, rv_pages_last_beat(node));
	if (alive && beat != 0) {
		info->beat_age_ms = ms_since(now, beat);
	}
}

bool
rv_super_draining(struct rv_super *super, const struct rv_unit *unit,
    unsigned n, struct rv_draining *out)
{
	rv_time now = rv_sys_now();

	RV_LIST_EACH (aside, &super->overlaps.draining, struct rv_aside, link) {
		const struct rv_node *node = aside->node;

		if (aside->beside == NULL || aside->beside->unit != unit ||
		    node->pid == 0 || n-- > 0) {
			continue;
		}
		*out = (struct rv_draining){ .life = node->life,
			.pid = node->pid,
			.age_ms = ms_since(now, aside->since),
			.rss_bytes = rv_sys_resident(node->pid) };
		return true;
	}
	return false;
}

bool
rv_super_rolled_back(
    struct rv_super *super, struct rv_unit *unit, struct rv_unit_info *info)
{
	const struct rv_node *node = rv_node_of(unit);

	(void)super;
	*info = (struct rv_unit_info){
		.unit = unit,
		.spec = node->spec,
		.has_last = node->rolled_back.has_last,
		.last_end = node->rolled_back.end,
		.last_reason = node->rolled_back.reason,
		.last_stage = node->rolled_back.stage,
		.last_errno = node->rolled_back.sys_errno,
	};
	return node->life != 0 && node->rolled_back.life == node->life;
}

bool
rv_super_slot(struct rv_super *super, struct rv_unit *unit, void *dst)
{
	const struct rv_node *node = rv_node_of(unit);

	(void)super;
	if (node->page.map == NULL) {
		return false;
	}
	rv_page_slot(node->page.map, dst);
	rv_pages_rest(node);
	return true;
}

const void *
rv_super_last_slot(const struct rv_super *super, uint64_t life)
{
	return life != 0 && super->exceptions.slot_life == life
		   ? super->exceptions.slot
		   : NULL;
}
