/* SPDX-License-Identifier: MIT */
/* Values: one value, of any type, that is read and changed as a whole. */
#include "config.h"

#include "manager/sums.h"
#include "manager/types.h"

struct value {
	struct reeve_datum is;
	bool is_kept;
};

static enum reeve_status
put(struct reeve_request *r, struct value *value, const struct reeve_datum *new)
{
	struct reeve_datum kept;
	enum reeve_status status = rv_datum_keep(r->hall, &kept, new);

	if (status == REEVE_OK) {
		if (value->is_kept) {
			rv_datum_drop(r->hall, &value->is);
		}
		value->is = kept;
		value->is_kept = true;
	}
	return rv_request_not_kept(r, status);
}

static enum reeve_status
get(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)args;
	(void)n;
	reeve_request_answer(r, &((struct value *)state)->is);
	return REEVE_OK;
}

static enum reeve_status
set(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)n;
	return put(r, state, &args[0]);
}

static enum reeve_status
find_own(struct reeve_request *r, void *state, const struct reeve_datum *args,
    const struct reeve_datum **is)
{
	(void)r;
	(void)args;
	*is = &((struct value *)state)->is;
	return REEVE_OK;
}

const struct rv_places rv_places_value = { find_own, set, 0 };

static enum reeve_status
create(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	if (n > 1) {
		return reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "a value is made of what it is at first");
	}
	return n > 0 ? put(r, state, &args[0]) : REEVE_OK;
}

static void
destroy(struct reeve_request *r, void *state)
{
	struct value *value = state;

	if (value->is_kept) {
		rv_datum_drop(r->hall, &value->is);
		value->is_kept = false;
	}
}

static enum reeve_status
save(struct reeve_request *r, void *state)
{
	return get(r, state, NULL, 0);
}

/* Numbers are of the protocol: new ones are appended. */
static const struct reeve_manager_method methods[] = {
	{ "get", get, 0, 0, 0, 0 },
	{ "set", set, 1, 1, 0, 0 },
	{ "add", rv_change_add, 1, 1, 0, 0 },
	{ "cas", rv_change_cas, 2, 2, 0, 0 },
	{ "apply", rv_change_apply, 1, REEVE_ANY_ARGS, 0, 0 },
};

const struct reeve_manager_type rv_type_value = { sizeof(rv_type_value),
	"value", methods, RV_ARRAY_LEN(methods), sizeof(struct value), create,
	destroy, save, NULL, NULL };
