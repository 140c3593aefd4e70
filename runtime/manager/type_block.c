/* SPDX-License-Identifier: MIT */
/*
 * Blocks of shared memory that a manager owns, for clients of its machine, who
 * open them by their names (reeve_memory_find). A name is gone with its object,
 * or when the manager ends in whatever way.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <reeve/memory.h>

#include "manager/answers.h"
#include "manager/hall.h"
#include "manager/types.h"

struct block {
	struct reeve_memory *memory;
	uint64_t size;
	char name[64];
};

static enum reeve_status
create(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct reeve_memory_options options = { .size = sizeof(options) };
	struct rv_hall *hall = r->hall;
	struct reeve_error err = { 0 };
	struct block *b = state;
	enum reeve_status status;

	if (n != 1 || args[0].type != REEVE_DATUM_INT ||
	    args[0].is.integer < 1) {
		return reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "a block is made of how many bytes it has");
	}
	if ((uint64_t)args[0].is.integer > hall->limits.memory ||
	    hall->bytes > hall->limits.memory - (uint64_t)args[0].is.integer) {
		return rv_request_not_kept(r, REEVE_EFULL);
	}
	(void)snprintf(b->name, sizeof(b->name), "reeve-manager-%d-%u-%u",
	    (int)getpid(), r->object->index, r->object->generation);
	options.name = b->name;
	status = reeve_memory_new(
	    &b->memory, (uint64_t)args[0].is.integer, &options, &err);
	if (status != REEVE_OK) {
		return reeve_request_fail(r, status, "memory", "%s", err.text);
	}
	b->size = (uint64_t)args[0].is.integer;
	hall->bytes += b->size;
	return REEVE_OK;
}

static void
destroy(struct reeve_request *r, void *state)
{
	struct block *b = state;

	reeve_memory_free(b->memory);
	r->hall->bytes -= b->size;
	memset(b, 0, sizeof(*b));
}

static enum reeve_status
name(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct reeve_datum its = reeve_text(((struct block *)state)->name);

	(void)args;
	(void)n;
	reeve_request_answer(r, &its);
	return REEVE_OK;
}

static enum reeve_status
size(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)args;
	(void)n;
	return rv_answer_int(r, ((struct block *)state)->size);
}

/* As large, and empty: what was in it is not in a snapshot. */
static enum reeve_status
save(struct reeve_request *r, void *state)
{
	return size(r, state, NULL, 0);
}

/* Numbers are of the protocol: new ones are appended. */
static const struct reeve_manager_method methods[] = {
	{ "name", name, 0, 0, 0, 0 },
	{ "size", size, 0, 0, 0, 0 },
};

const struct reeve_manager_type rv_type_block = { sizeof(rv_type_block),
	"block", methods, RV_ARRAY_LEN(methods), sizeof(struct block), create,
	destroy, save, NULL, NULL };
