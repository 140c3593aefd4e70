/* SPDX-License-Identifier: MIT */
/*
 * Watches which cells of the worker's table are reached, and puts flaws into a
 * copy of it: tools/dev/mutate runs the tests of the core once per flaw and
 * expects each run to fail.
 */
#include "config.h"

#include "lib/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

unsigned rig_cells[RV_FSM_STATES][RV_FSM_EVENTS];
unsigned rig_rows[512];

static void
trace(void *ctx, const struct rv_unit *unit, unsigned state, unsigned event,
    unsigned row)
{
	struct rig *rig = ctx;
	size_t len;

	RV_ASSERT(row < RV_ARRAY_LEN(rig_rows));
	rig_cells[state][event]++;
	rig_rows[row]++;
	if (!rig->quiet) {
		len = strlen(rig->path);
		snprintf(rig->path + len, RIG_TEXT - len, "%s %s\n",
		    rig_node_of(unit)->name, rv_fsm_event_name(event));
	}
}

static bool
always_false(const struct rv_step *step)
{
	(void)step;
	return false;
}

static void
drop(struct rv_fsm_row *row, unsigned i)
{
	for (; i + 1 < RV_ROW_DOS; i++) {
		row->act[i] = row->act[i + 1];
	}
	row->act[RV_ROW_DOS - 1] = NULL;
}

void
rig_mutate(struct rig *rig)
{
	const char *flaw = getenv("REEVE_CORE_FLAW");
	unsigned number, value;
	char what[8];
	struct rv_fsm_row *row;

	rig->core->trace = trace;
	rig->core->trace_ctx = rig;
	if (flaw == NULL || strcmp(flaw, "none") == 0) {
		return;
	}
	RV_ASSERT(sscanf(flaw, "%u:%7[a-z]:%u", &number, what, &value) == 3 &&
		  number < rv_fsm_n_rows);
	rig->rows = rv_alloc(rv_fsm_n_rows, sizeof(*row));
	RV_ASSERT(rig->rows != NULL);
	memcpy(rig->rows, rv_fsm_rows, rv_fsm_n_rows * sizeof(*row));
	row = &rig->rows[number];
	if (strcmp(what, "next") == 0) {
		row->next = (uint8_t)value;
	} else if (strcmp(what, "guard") == 0) {
		row->guard = value != 0 ? rv_guard_always : always_false;
	} else {
		drop(row, value);
	}
	rig->core->rows = rig->rows;
}

void
rig_list_flaws(void)
{
	for (unsigned i = 0; i < rv_fsm_n_rows; i++) {
		const struct rv_fsm_row *row = &rv_fsm_rows[i];
		char where[128];

		snprintf(where, sizeof(where), "(%s, %s) [%s]",
		    rv_fsm_state_name(row->state),
		    rv_fsm_event_name(row->event), row->guard_name);
		for (unsigned s = 0; s < RV_FSM_STATES; s++) {
			if (s != row->next) {
				printf("%u:next:%u %s next %s, not %s\n", i, s,
				    where, rv_fsm_state_name(s),
				    rv_fsm_state_name(row->next));
			}
		}
		if (row->guard != rv_guard_always) {
			printf("%u:guard:0 %s never holds\n", i, where);
			printf("%u:guard:1 %s always holds\n", i, where);
		}
		for (unsigned a = 0; a < RV_ROW_DOS && row->act[a]; a++) {
			printf("%u:drop:%u %s without action %u of %s\n", i, a,
			    where, a + 1, row->act_names);
		}
	}
}
