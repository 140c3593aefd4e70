/* SPDX-License-Identifier: MIT */
/*
 * The queue of actions: a ring of words in the memory of the core, so that a
 * thousand actions of one event take tens of kilobytes and not a thousand
 * rv_action. Written by whoever decides, read by rv_core_action. When it runs
 * empty it starts over at the front, so that only what is needed is touched.
 *
 * An action is: head (type, kind, timer, flags, count of fields, signal), unit,
 * life or time; a record also its keys and types, a byte each, then values.
 */
#include "config.h"

#include <string.h>

#include "core/core_priv.h"

#define WORDS_PER_ACTION 8
#define RECORD_FIELDS    8
#define KEPT             2048 /* words that stay, however quiet it is */

struct head {
	uint8_t type, kind, timer, flags;
	uint16_t n_fields;
	int16_t signo;
};
_Static_assert(sizeof(struct head) == sizeof(uint64_t), "a head is a word");

enum { GROUP = 1, GAVE_UP = 2 };

static size_t
capacity_for(size_t max_units)
{
	return RV_CORE_ACTIONS_MAX(max_units) * WORDS_PER_ACTION;
}

size_t
rv_core_size(size_t max_units)
{
	return sizeof(struct rv_core) +
	       capacity_for(max_units) * sizeof(uint64_t);
}

void
rv_core_init(struct rv_core *core, size_t max_units, struct rv_unit *root,
    uint64_t first_life)
{
	RV_MAGIC_CHECK(root, RV_UNIT_MAGIC);
	RV_ASSERT(root->policy->kind == RV_SUPERVISOR && first_life > 0);
	core->magic = RV_CORE_MAGIC;
	core->root = root;
	core->next_life = first_life;
	core->n_units = 1;
	core->max_units = max_units;
	core->rows = rv_fsm_rows;
	core->capacity = capacity_for(max_units);
	rv_list_init(&core->dirty);
	rv_list_init(&core->changed);
	rv_refresh(core, root);
}

void
rv_core_grow(struct rv_core *core, size_t max_units, const struct rv_core *from)
{
	RV_ASSERT(from->n_actions == 0 && max_units >= from->max_units);
	RV_ASSERT(rv_list_empty(&from->dirty) && rv_list_empty(&from->changed));
	memcpy(core, from, sizeof(*core));
	core->max_units = max_units;
	core->capacity = capacity_for(max_units);
	core->head = core->tail = core->touched = 0;
	rv_list_init(&core->dirty);
	rv_list_init(&core->changed);
}

void *
rv_core_unused(struct rv_core *core, size_t *len)
{
	if (core->n_actions > 0 || core->touched <= KEPT) {
		*len = 0;
		return NULL;
	}
	*len = (core->touched - KEPT) * sizeof(uint64_t);
	core->touched = KEPT;
	return &core->words[KEPT];
}

static void
push_word(struct rv_core *core, uint64_t word)
{
	size_t next = core->head + 1 == core->capacity ? 0 : core->head + 1;

	RV_ASSERT(next != core->tail);
	core->words[core->head] = word;
	core->touched = RV_MAX(core->touched, core->head + 1);
	core->head = next;
}

static uint64_t
pop_word(struct rv_core *core)
{
	uint64_t word = core->words[core->tail];

	core->tail = core->tail + 1 == core->capacity ? 0 : core->tail + 1;
	return word;
}

static void
push(struct rv_core *core, struct head head, struct rv_unit *unit,
    uint64_t number)
{
	uint64_t word;

	memcpy(&word, &head, sizeof(word));
	push_word(core, word);
	push_word(core, (uint64_t)(uintptr_t)unit);
	push_word(core, number);
	core->n_actions++;
}

void
rv_act_simple(
    struct rv_core *core, enum rv_action_type type, struct rv_unit *unit)
{
	push(core, (struct head){ .type = (uint8_t)type }, unit, unit->life);
}

void
rv_act_launch(struct rv_core *core, struct rv_unit *unit)
{
	rv_act_simple(core, RV_ACT_LAUNCH, unit);
}

void
rv_act_signal(struct rv_core *core, struct rv_unit *unit, int signo, bool group)
{
	push(core,
	    (struct head){
		.type = RV_ACT_SIGNAL,
		.flags = group ? GROUP : 0,
		.signo = (int16_t)signo,
	    },
	    unit, unit->life);
}

void
rv_act_finished(struct rv_core *core, bool gave_up)
{
	push(core,
	    (struct head){
		.type = RV_ACT_FINISHED,
		.flags = gave_up ? GAVE_UP : 0,
	    },
	    core->root, 0);
}

void
rv_act_record(struct rv_core *core, struct rv_unit *unit,
    enum rv_kind_of_event kind, uint64_t life, const struct rv_fields *fields)
{
	uint64_t keys = 0;

	RV_ASSERT(fields->n <= RECORD_FIELDS);
	push(core,
	    (struct head){
		.type = RV_ACT_RECORD,
		.kind = (uint8_t)kind,
		.n_fields = (uint16_t)fields->n,
	    },
	    unit, life);
	for (unsigned i = 0; i < fields->n; i++) {
		RV_ASSERT(fields->f[i].key < 64 && fields->f[i].type < 4);
		keys |= (uint64_t)(fields->f[i].key << 2 | fields->f[i].type)
			<< (8 * i);
	}
	push_word(core, keys);
	for (unsigned i = 0; i < fields->n; i++) {
		push_word(core, fields->f[i].type == RV_FIELD_STR
				    ? (uint64_t)(uintptr_t)fields->f[i].v.str
				    : (uint64_t)fields->f[i].v.i);
	}
}

void
rv_timer_clear(struct rv_core *core, struct rv_unit *unit, enum rv_timer timer)
{
	unit->due[timer] = RV_FOREVER;
	if ((unit->armed & 1u << timer) != 0) {
		unit->armed &= (uint8_t) ~(1u << timer);
		push(core,
		    (struct head){
			.type = RV_ACT_DISARM,
			.timer = (uint8_t)timer,
		    },
		    unit, 0);
	}
}

void
rv_timer_set(
    struct rv_core *core, struct rv_unit *unit, enum rv_timer timer, rv_time at)
{
	/* What is due already, settling sees to without a timer. */
	if (at == RV_FOREVER || (timer == RV_TIMER_STATE && at <= core->now)) {
		rv_timer_clear(core, unit, timer);
		unit->due[timer] = at;
		return;
	}
	unit->due[timer] = at;
	unit->armed |= (uint8_t)(1u << timer);
	push(core,
	    (struct head){
		.type = RV_ACT_ARM,
		.timer = (uint8_t)timer,
	    },
	    unit, (uint64_t)at);
}

static void
pop_fields(struct rv_core *core, unsigned n, struct rv_fields *fields)
{
	uint64_t keys = pop_word(core);

	for (unsigned i = 0; i < n; i++) {
		unsigned key = keys >> (8 * i) & 0xff;
		uint64_t value = pop_word(core);

		switch (key & 3) {
		case RV_FIELD_STR:
			rv_fields_str(fields, (enum rv_key)(key >> 2),
			    (const char *)(uintptr_t)value);
			break;
		case RV_FIELD_BOOL:
			rv_fields_bool(
			    fields, (enum rv_key)(key >> 2), value != 0);
			break;
		default:
			rv_fields_int(
			    fields, (enum rv_key)(key >> 2), (int64_t)value);
		}
	}
}

bool
rv_core_action(struct rv_core *core, struct rv_action *out)
{
	struct head head;
	uint64_t word;

	RV_MAGIC_CHECK(core, RV_CORE_MAGIC);
	if (core->tail == core->head) {
		core->tail = core->head = 0;
		return false;
	}
	word = pop_word(core);
	memcpy(&head, &word, sizeof(head));
	out->type = (enum rv_action_type)head.type;
	out->kind = (enum rv_kind_of_event)head.kind;
	out->timer = (enum rv_timer)head.timer;
	out->group = (head.flags & GROUP) != 0;
	out->gave_up = (head.flags & GAVE_UP) != 0;
	out->signo = head.signo;
	out->unit = (struct rv_unit *)(uintptr_t)pop_word(core);
	word = pop_word(core);
	out->at = out->type == RV_ACT_ARM ? (rv_time)word : 0;
	out->life = out->type == RV_ACT_ARM ? 0 : word;
	out->fields.n = 0;
	if (out->type == RV_ACT_RECORD) {
		pop_fields(core, head.n_fields, &out->fields);
	}
	return true;
}

size_t
rv_core_unsettled(const struct rv_core *core)
{
	return core->n_moving;
}
