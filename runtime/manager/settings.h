/* SPDX-License-Identifier: MIT */
/*
 * What a manager in a process of its own is told, a flat object of JSON, whose
 * members are in settings.def.
 */
#ifndef RV_MANAGER_SETTINGS_H
#define RV_MANAGER_SETTINGS_H

#include <reeve/error.h>

#include "base/base.h"

struct rv_settings {
#define TEXT(name, doc)     char *name;
#define DURATION(name, doc) int64_t name;
#define SIZE(name, doc)     uint64_t name;
#define NUMBER(name, doc)   uint64_t name;
#define FLAG(name, doc)     bool name;
#include "manager/settings.def"
#undef TEXT
#undef DURATION
#undef SIZE
#undef NUMBER
#undef FLAG
};

/* Texts are the struct's, until rv_settings_finish. NULL or "": nothing. */
enum reeve_status rv_settings_read(struct rv_settings *, const char *json,
    size_t length, struct reeve_error *) RV_MUST_CHECK;
void rv_settings_finish(struct rv_settings *);

#endif
