/* SPDX-License-Identifier: MIT */
/*
 * Changes of one value within the server: additions, what is set if it is as
 * expected, and the updates that its program registered. Methods of all types
 * that keep values, which say how one of them is found and set.
 */
#ifndef RV_MANAGER_SUMS_H
#define RV_MANAGER_SUMS_H

#include "manager/hall.h"

/* The places of a type where values are. */
struct rv_places {
	/* What is there; good until the next change. Null: nothing. */
	enum reeve_status (*find)(struct reeve_request *, void *state,
	    const struct reeve_datum *args, const struct reeve_datum **is);
	reeve_manager_fn *set;
	size_t n_args; /* 0 or 1, which say where: the first ones, of set too */
};

extern const struct rv_places rv_places_list, rv_places_dict, rv_places_value;

/*
 * Where, and: how much more; what it has to be and what it shall be; the name
 * of an update and its arguments. Answered: the sum; whether it was as it had
 * to be, and what it is now; what the update says.
 */
reeve_manager_fn rv_change_add, rv_change_cas, rv_change_apply;

#endif
