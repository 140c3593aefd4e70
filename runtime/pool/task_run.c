/* SPDX-License-Identifier: MIT */
/*
 * Running what has begun: the function is found when the first task wants it
 * (so that a module that crashes as it is loaded is that task's end and
 * nobody else's), called, and its answer goes back. Called by task_worker.c.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <reeve/self.h>

#include "base/alloc.h"
#include "pool/task_priv.h"
#include "sys/sys.h"

/* The clock of a chunk is read so often, or every so many items. */
#define CLOCK_EVERY (20 * RV_US)
#define ITEMS_MAX   64U

/* -------- functions -------- */

/* Without memory its tasks are refused, which is said then. */
void
rv_task_learn(
    struct rv_task_worker *w, const struct rv_frame *head, const void *name)
{
	size_t n = (size_t)head->function + 1;
	struct rv_task_function *functions;

	if (n > w->n_functions) {
		functions = rv_realloc(
		    w->functions, w->n_functions, n, sizeof(*w->functions));
		if (functions == NULL) {
			return;
		}
		w->functions = functions;
		w->n_functions = n;
	}
	rv_free(w->functions[head->function].name);
	w->functions[head->function] = (struct rv_task_function){
		.name = rv_strndup(name, head->length),
	};
}

static reeve_function_fn *
function_of(struct rv_task_worker *w, uint16_t number, const char **name,
    const char **why)
{
	struct rv_task_function *function;

	*why = "the worker does not know its number";
	if (number >= w->n_functions || w->functions[number].name == NULL) {
		return NULL;
	}
	function = &w->functions[number];
	*name = function->name;
	*why = function->why;
	if (function->fn == NULL && function->why[0] == '\0' &&
	    reeve_function_load(function->name, &function->fn, function->why,
		sizeof(function->why)) == REEVE_OK) {
		function->why[0] = '\0';
	}
	return function->fn;
}

/* Lines of log name the task: "cube 17". By hand, since it is for each. */
static void
say_what(const char *name, uint64_t id)
{
	char text[RV_TASK_TYPE + 24], digits[20];
	size_t n = strnlen(name, RV_TASK_TYPE), at = sizeof(digits);

	memcpy(text, name, n);
	text[n++] = ' ';
	do {
		digits[--at] = (char)('0' + id % 10);
		id /= 10;
	} while (id > 0);
	memcpy(text + n, digits + at, sizeof(digits) - at);
	text[n + sizeof(digits) - at] = '\0';
	reeve_say_task(text);
}

/* -------- calling -------- */

/* `reeve why` knows it by its name, and shows no frame behind it. */
static int __attribute__((noinline))
rv_run_function(reeve_function_fn *fn, const struct reeve_call *call)
{
	return fn(call);
}

/* In a process that the function forked, which came back: it ends here. */
static int
call_it(struct rv_task_worker *w, reeve_function_fn *fn,
    const struct reeve_call *call)
{
	int code;

	rv_task_answer_begin(w);
	code = rv_run_function(fn, call);
	if (*w->here == 0) {
		_exit(code & 0xff);
	}
	return code;
}

static uint64_t
deadline_of(const struct rv_frame *head, rv_time begun)
{
	return head->took == 0
		   ? UINT64_MAX
		   : (uint64_t)rv_time_add(begun, (rv_time)head->took);
}

static void
run_task(struct rv_task_worker *w, const struct rv_frame *head,
    reeve_function_fn *fn, struct reeve_call *call)
{
	struct rv_task_file file = { .fd = -1 };
	rv_time begun = w->now;
	int code;

	if ((head->flags & RV_FRAME_LARGE) != 0) {
		if (!rv_task_fetch(w, head->size, &file)) {
			if (rv_task_is_alone(w, 0)) {
				rv_task_leave(w);
			}
			rv_task_refuse(w, "reeve.Arguments",
			    "they could not be received or mapped");
			return;
		}
		call->args = file.at;
		call->args_len = file.size;
		begun = rv_sys_now();
	}
	w->answer.deadline = deadline_of(head, begun);
	code = call_it(w, fn, call);
	w->now = rv_sys_now();
	rv_task_answer_end(w, code, (uint64_t)(w->now - begun));
	rv_task_file_close(&file);
}

/* -------- chunks -------- */

/* After an item: the time since the clock was read, if it is read now, else 0.
 * So quick items do not pay for it each. */
static uint64_t
time_of_items(struct rv_task_chunk *chunk, rv_time *now)
{
	uint64_t took, each;
	uint32_t items = chunk->since_clock + 1;

	if (items < chunk->until_clock && chunk->item < chunk->count) {
		chunk->since_clock = items;
		return 0;
	}
	*now = rv_sys_now();
	took = (uint64_t)(*now - chunk->read_at);
	each = took / items + 1;
	chunk->until_clock =
	    (uint32_t)RV_MIN(CLOCK_EVERY / each + 1, ITEMS_MAX);
	chunk->since_clock = 0;
	chunk->read_at = *now;
	return RV_MAX(took, 1);
}

static void
run_item(struct rv_task_worker *w, const struct rv_frame *head,
    reeve_function_fn *fn, const struct reeve_call *call)
{
	struct rv_task_chunk *chunk = &w->chunk;
	uint64_t took;
	int code;

	if (head->took != 0) {
		/* Each has its own limit, so that each is looked at. */
		chunk->until_clock = 1;
		w->answer.deadline = deadline_of(head, chunk->read_at);
	}
	rv_lane_item(&w->lane.tasks, chunk->item);
	code = call_it(w, fn, call);
	took = time_of_items(chunk, &w->now);
	rv_task_answer_end(w, code, took);
	if (took != 0 && w->now >= chunk->wake_at) {
		rv_task_flush(w);
		chunk->wake_at = w->now + RV_DOOR_LATE;
	}
}

static void
run_chunk(struct rv_task_worker *w, const struct rv_frame *head,
    const void *payload, reeve_function_fn *fn, const char *why,
    struct reeve_call *call)
{
	struct rv_chunk items = { .data = payload,
		.length = head->length,
		.count = head->count,
		.size = head->size };
	uint32_t length;

	w->chunk = (struct rv_task_chunk){ .count = head->count,
		.read_at = w->now,
		.wake_at = w->now + RV_DOOR_LATE };
	w->answer.deadline = UINT64_MAX;
	while (rv_chunk_next(&items, &call->args, &length)) {
		w->chunk.item = items.at;
		call->args_len = length;
		if (fn == NULL) {
			rv_task_refuse(w, RV_DOOR_NO_FUNCTION, why);
		} else {
			run_item(w, head, fn, call);
		}
	}
	rv_task_flush(w);
	w->chunk.count = 0;
	w->chunk.item = 0;
}

void
rv_task_run(
    struct rv_task_worker *w, const struct rv_frame *head, const void *payload)
{
	const char *name = "", *why;
	struct reeve_call call = {
		.size = sizeof(call),
		.path = w->path,
		.args = payload,
		.args_len = head->length,
		.args_are_json = (head->flags & RV_FRAME_JSON) != 0,
		.answer = &w->answer,
	};
	reeve_function_fn *fn;

	w->id = head->id;
	w->answer.attempt = (uint32_t)head->code;
	fn = function_of(w, head->function, &name, &why);
	call.function = name;
	say_what(name, head->id);
	if (head->kind == RV_FRAME_CHUNK) {
		run_chunk(w, head, payload, fn, why, &call);
	} else if (fn == NULL) {
		rv_task_refuse(w, RV_DOOR_NO_FUNCTION, why);
	} else {
		run_task(w, head, fn, &call);
	}
	w->id = 0;
}
