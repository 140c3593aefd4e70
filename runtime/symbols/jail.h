/* SPDX-License-Identifier: MIT */
/*
 * What reeve-symbols gives up: time and memory beyond a bound at its start,
 * and, before it parses files of others, its rights and nearly all system
 * calls. Never undone.
 */
#ifndef RV_SYMBOLS_JAIL_H
#define RV_SYMBOLS_JAIL_H

#include "base/base.h"

void rv_jail_bound(void);
/* False: the kernel does not do it; it goes on with the bounds alone. */
bool rv_jail_enter(void);

#endif
