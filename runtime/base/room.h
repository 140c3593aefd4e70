/* SPDX-License-Identifier: MIT */
/*
 * Room that is made in time and seldom used: large buffers for bad days, tables
 * for as many as may come. It takes memory as far as it is touched, page by
 * page, which what malloc gives does not promise: zeroing touches all of it.
 */
#ifndef RV_ROOM_H
#define RV_ROOM_H

#include "base/base.h"

/* Zeroed; NULL without memory. Less than some pages come from malloc. */
void *rv_room_create(size_t bytes) RV_MUST_CHECK;
/* With the size that it was created with; NULL is fine. */
void rv_room_destroy(void *room, size_t bytes);

/*
 * Give back what was touched; what is in it from then on is anything. For
 * those who do not expect to need it again soon.
 */
void rv_room_clear(void *room, size_t bytes);

#endif
