/* SPDX-License-Identifier: MIT */
/* All built-in types, by their names: read by the hall. */
#include "config.h"

#include "manager/types.h"

const struct reeve_manager_type *const rv_built_in_types[] = {
#define X(name) &rv_type_##name,
#include "manager/types.def"
#undef X
	NULL
};
