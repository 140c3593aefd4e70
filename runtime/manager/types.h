/* SPDX-License-Identifier: MIT */
/* The built-in types, each in a file of its own; NULL is behind the last. */
#ifndef RV_MANAGER_TYPES_H
#define RV_MANAGER_TYPES_H

#include <reeve/manager.h>

extern const struct reeve_manager_type rv_type_hall;
extern const struct reeve_manager_type *const rv_built_in_types[];

#define X(name) extern const struct reeve_manager_type rv_type_##name;
#include "manager/types.def"
#undef X

#endif
