/* SPDX-License-Identifier: MIT */
/*
 * The table of a worker and the function that walks it. No behaviour here: it
 * is all in unit_fsm.def. Called for facts by post.c, for orders by settle.c
 * and command.c. An event that cannot come is a bug, and ends in RV_NEVER.
 */
#include "config.h"

#include "core/core_priv.h"

/* Each row has a number; two rows of one name would not compile. */
enum row {
#define CELL(state, event, ...)    ROW_##state##_##event,
#define ELSE(state, event, n, ...) ROW_##state##_##event##_##n,
#define SAME(state, event, as_state, as_event)
#define NEVER(state, event)
#include "core/unit_fsm.def"
	ROWS
};

/* So has each cell: a second definition of one would not compile either. */
enum cell {
#define CELL(state, event, ...) CELL_##state##_##event,
#define ELSE(state, event, ...)
#define SAME(state, event, ...) CELL_##state##_##event,
#define NEVER(state, event)     CELL_##state##_##event,
#include "core/unit_fsm.def"
	CELLS
};

_Static_assert((int)CELLS == (int)RV_FSM_STATES * (int)RV_FSM_EVENTS,
    "unit_fsm.def: a (state, event) has no cell");

#define DOS_0()
#define DOS_1(a)                            rv_do_##a
#define DOS_2(a, b)                         rv_do_##a, rv_do_##b
#define DOS_3(a, b, c)                      rv_do_##a, rv_do_##b, rv_do_##c
#define DOS_4(a, b, c, d)                   rv_do_##a, rv_do_##b, rv_do_##c, rv_do_##d
#define PICK(_0, _1, _2, _3, _4, name, ...) name
#define DOS(...) \
	PICK(_0, ##__VA_ARGS__, DOS_4, DOS_3, DOS_2, DOS_1, DOS_0)(__VA_ARGS__)

const struct rv_fsm_row rv_fsm_rows[] = {
#define ROW(s, e, g, n, ...)                               \
	{ RV_FSM_##s, RV_ON_##e, RV_FSM_##n, rv_guard_##g, \
		{ DOS(__VA_ARGS__) }, #g, #__VA_ARGS__ },
#define CELL(s, e, g, n, ...)    ROW(s, e, g, n, ##__VA_ARGS__)
#define ELSE(s, e, i, g, n, ...) ROW(s, e, g, n, ##__VA_ARGS__)
#define SAME(s, e, as_state, as_event)
#define NEVER(s, e)
#include "core/unit_fsm.def"
#undef ROW
};
const size_t rv_fsm_n_rows = ROWS;

/* Each cell's first row; those of a cell lie one behind the other. */
static const uint16_t first[RV_FSM_STATES][RV_FSM_EVENTS] = {
#define CELL(s, e, ...) [RV_FSM_##s][RV_ON_##e] = ROW_##s##_##e,
#define ELSE(s, e, ...)
#define SAME(s, e, as_s, as_e) [RV_FSM_##s][RV_ON_##e] = ROW_##as_s##_##as_e,
#define NEVER(s, e)            [RV_FSM_##s][RV_ON_##e] = RV_CELL_NEVER,
#include "core/unit_fsm.def"
};

static const struct {
	const char *name;
	enum rv_state shown;
} states[] = {
#define STATE(symbol, shown, doc) { #symbol, RV_STATE_##shown },
#include "core/unit_fsm.def"
};

static const char *const events[] = {
#define EVENT(symbol, doc) #symbol,
#include "core/unit_fsm.def"
};

uint16_t
rv_fsm_first(unsigned state, unsigned event)
{
	RV_ASSERT(state < RV_FSM_STATES && event < RV_FSM_EVENTS);
	return first[state][event];
}

const char *
rv_fsm_state_name(unsigned state)
{
	return states[state].name;
}

const char *
rv_fsm_event_name(unsigned event)
{
	return events[event];
}

enum rv_state
rv_fsm_shown(unsigned state)
{
	return states[state].shown;
}

/* The number of the row that this step takes. */
static unsigned
pick(const struct rv_step *step)
{
	unsigned i = rv_fsm_first(step->from, step->event);

	if (i == RV_CELL_NEVER) {
		RV_NEVER("an event came that this state cannot see");
	}
	while (!step->core->rows[i].guard(step)) {
		i++;
	}
	return i;
}

enum rv_fsm_state
rv_fsm_next(struct rv_core *core, struct rv_unit *unit, enum rv_fsm_event event,
    const struct rv_event *fact)
{
	struct rv_step step = {
		.core = core,
		.unit = unit,
		.event = event,
		.from = unit->fsm,
		.fact = fact,
	};

	return (enum rv_fsm_state)core->rows[pick(&step)].next;
}

void
rv_fsm_step(struct rv_core *core, struct rv_unit *unit, enum rv_fsm_event event,
    const struct rv_event *fact)
{
	struct rv_step step = {
		.core = core,
		.unit = unit,
		.event = event,
		.from = unit->fsm,
		.fact = fact,
	};
	const struct rv_fsm_row *row;
	unsigned i;

	RV_ASSERT(unit->policy->kind == RV_WORKER);
	RV_ASSERT(core->fuel-- > 0);
	i = pick(&step);
	row = &core->rows[i];
	if (core->trace != NULL) {
		core->trace(core->trace_ctx, unit, step.from, event, i);
	}
	step.next = row->next;
	unit->fsm = row->next;
	rv_set_state(core, unit, rv_fsm_shown(row->next));
	unit->ready = unit->state == RV_STATE_RUNNING;
	for (i = 0; i < RV_ROW_DOS && row->act[i] != NULL; i++) {
		row->act[i](&step);
	}
	rv_refresh(core, unit);
	rv_dirty(core, unit);
	if (step.from != step.next && unit->parent != NULL) {
		rv_dirty(core, unit->parent);
	}
}
