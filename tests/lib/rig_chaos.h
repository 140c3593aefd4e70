/* SPDX-License-Identifier: MIT */
/*
 * Random histories for the rig: trees, policies, events, deaths, commands,
 * reloads and jumps of time, drawn from a seed (property tests) or from bytes
 * (the fuzzer). After every event rig_check looks whether all is as it must be.
 */
#ifndef RV_TESTS_RIG_CHAOS_H
#define RV_TESTS_RIG_CHAOS_H

#include "lib/rig.h"

#define CHAOS_UNITS 14 /* in the tree at a time */
#define CHAOS_NODES 96 /* over one history */

struct rig_source {
	uint64_t state; /* of a generator, when there are no bytes */
	const uint8_t *data;
	size_t left;
	bool bytes;
};

uint32_t rig_draw(struct rig_source *, uint32_t n); /* 0 .. n - 1 */
bool rig_dry(const struct rig_source *);

/* A random tree, booted. */
struct rig *rig_chaos_open(struct rig_source *);
void rig_chaos_step(struct rig *, struct rig_source *);
/* Shut down; processes heed nothing but KILL; it must come to its end. */
void rig_chaos_end(struct rig *, struct rig_source *);

/* rig_check.c */
enum rig_budget { RIG_ABSORBED, RIG_AGAIN, RIG_EARLY, RIG_AFTER, RIG_ENDS };
/* Which budget must this fact feed? By the rules, not by the table. */
enum rig_budget rig_oracle(
    const struct rv_unit *, const struct rv_event *, bool exists);
void rig_check_action(struct rig *, const struct rv_action *);
void rig_check(struct rig *);

#endif
