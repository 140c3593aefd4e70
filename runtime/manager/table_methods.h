/* SPDX-License-Identifier: MIT */
/* What dicts, sets and namespaces do alike; the state is a struct rv_pairs. */
#ifndef RV_MANAGER_TABLE_METHODS_H
#define RV_MANAGER_TABLE_METHODS_H

#include "manager/hall.h"

reeve_manager_fn rv_table_get, rv_table_keys, rv_table_values, rv_table_items,
    rv_table_len, rv_table_contains, rv_table_clear, rv_table_del,
    rv_table_copy;
/* What is not kept is said in the request. */
enum reeve_status rv_table_put(struct reeve_request *, struct rv_pairs *,
    const struct reeve_datum *key,
    const struct reeve_datum *value) RV_MUST_CHECK;
void rv_table_destroy(struct reeve_request *, void *state);

#endif
