/* SPDX-License-Identifier: MIT */
/*
 * Crews whose members are reeve_processes: see crew_rig.h. One registered
 * function, "crew.member", runs them all. What it is to run is told as its
 * distance from that function, which is the same in all processes of one
 * program; where its argument is, as a distance in the block that is shared.
 */
#include "config.h"

#include "unit/crew_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <reeve/memory.h>

#define MEMBERS 64

/* At the beginning of the block: which members have begun. */
struct board {
	uint32_t began[MEMBERS];
};

static struct reeve_context *context;
static struct reeve_memory *block;
static struct reeve_process *members[MEMBERS];
static struct reeve_give gives[8]; /* the first one is the block's */
static size_t n_gives;

/* -------- in members -------- */

struct reeve_handle
crew_given(const char *name)
{
	struct reeve_handle handle;

	if (reeve_given(name, &handle) != REEVE_OK) {
		_exit(99);
	}
	return handle;
}

void
crew_complain(const char *file, int line, const char *what)
{
	fprintf(stderr, "# %s:%d: %s\n", file, line, what);
	_exit(97);
}

/* It stays open: whoever holds something there is there to the end. */
static struct reeve_memory *memory;

static int
member(const struct reeve_call *call)
{
	struct reeve_handle handle;
	intptr_t distance;
	uintptr_t run;
	size_t at;
	unsigned self;
	struct board *board;

	if (sscanf(call->args, "%td %zu %u", &distance, &at, &self) != 3) {
		return 98;
	}
	handle = crew_given("crew.memory");
	if (reeve_memory_open(&memory, &handle, NULL) != REEVE_OK) {
		return 98;
	}
	reeve_handle_close(&handle);
	board = reeve_memory_at(memory);
	__atomic_store_n(&board->began[self], 1, __ATOMIC_SEQ_CST);
	run = (uintptr_t)member + (uintptr_t)distance;
	return ((int (*)(void *))run)((char *)board + at);
}
REEVE_FUNCTION("crew.member", member);

/* -------- in the test -------- */

static void *
new_block(size_t size)
{
	struct reeve_error err = { 0 };

	CU_ASSERT_PTR_NULL_FATAL(block);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_memory_new(&block, sizeof(struct board) + size, NULL, &err),
	    REEVE_OK);
	gives[0].name = "crew.memory";
	CU_ASSERT_EQUAL_FATAL(
	    reeve_memory_handle(block, &gives[0].handle, &err), REEVE_OK);
	return (struct board *)reeve_memory_at(block) + 1;
}

static void
free_block(void *at, size_t size)
{
	(void)at;
	(void)size;
	reeve_handle_close(&gives[0].handle);
	reeve_memory_free(block);
	block = NULL;
}

static unsigned
find(pid_t pid)
{
	unsigned i = 0;

	while (i < MEMBERS - 1 &&
	       (members[i] == NULL || reeve_process_pid(members[i]) != pid)) {
		i++;
	}
	return i;
}

/* A place of its own, so that who began is known to have begun anew. */
static unsigned
find_free(struct board *board)
{
	unsigned i = 0;

	while (i < MEMBERS - 1 && members[i] != NULL) {
		i++;
	}
	CU_ASSERT_PTR_NULL_FATAL(members[i]);
	__atomic_store_n(&board->began[i], 0, __ATOMIC_SEQ_CST);
	return i;
}

static pid_t
start_member(int (*run)(void *ctx), void *ctx)
{
	char text[80];
	struct reeve_process_options options = { .size = sizeof(options),
		.function = "crew.member",
		.bytes = text,
		.gives = gives,
		.n_gives = n_gives };
	struct board *board;
	struct reeve_error err = { 0 };
	enum reeve_status status;
	unsigned i;

	if (block == NULL) { /* it shares nothing: so this is its argument */
		CU_ASSERT_PTR_NULL_FATAL(ctx);
		(void)new_block(1);
	}
	board = reeve_memory_at(block);
	i = find_free(board);
	options.n_bytes = (size_t)snprintf(text, sizeof(text), "%td %zu %u",
	    (intptr_t)((uintptr_t)run - (uintptr_t)member),
	    ctx == NULL ? 0 : (size_t)((char *)ctx - (char *)board), i);
	status = reeve_process_new(&members[i], context, &options, &err);
	if (status == REEVE_OK) {
		status = reeve_process_start(members[i], &err);
	}
	if (status != REEVE_OK) {
		printf("# %s\n", err.text);
	}
	CU_ASSERT_EQUAL_FATAL(status, REEVE_OK);
	return reeve_process_pid(members[i]);
}

static int
end_member(pid_t pid)
{
	unsigned i = find(pid);
	int code;

	CU_ASSERT_PTR_NOT_NULL_FATAL(members[i]);
	CU_ASSERT_EQUAL(
	    reeve_process_join(members[i], REEVE_FOREVER, NULL), REEVE_OK);
	code = reeve_process_exitcode(members[i]);
	CU_ASSERT_EQUAL(reeve_process_free(members[i], false, NULL), REEVE_OK);
	members[i] = NULL;
	return code;
}

static bool
has_begun(pid_t pid)
{
	const struct board *board = reeve_memory_at(block);

	return __atomic_load_n(&board->began[find(pid)], __ATOMIC_SEQ_CST) != 0;
}

void
crew_give(const char *name, struct reeve_handle handle)
{
	CU_ASSERT_FATAL(n_gives < sizeof(gives) / sizeof(gives[0]));
	gives[n_gives++] = reeve_handle_give(name, handle);
}

void
crew_keep(void)
{
	while (n_gives > 1) {
		reeve_handle_close(&gives[--n_gives].handle);
	}
}

static void (*current)(enum reeve_method);

static void
run_by(enum reeve_method method)
{
	static const struct crew_way by_method = { new_block, free_block,
		start_member, end_member, has_begun };

	context = process_context(method, NULL);
	n_gives = 1;
	crew_use(&by_method);
	current(method);
	crew_use(NULL);
	crew_keep();
	if (block != NULL) {
		free_block(NULL, 0);
	}
	CU_ASSERT_EQUAL(reeve_context_active(context, NULL, 0), 0);
	reeve_context_free(context);
}

void
crew_each(const char *name, void (*scenario)(enum reeve_method))
{
	current = scenario;
	process_each(name, BY_ALL, run_by);
}
