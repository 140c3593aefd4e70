/* SPDX-License-Identifier: MIT */
/*
 * Who holds an address that is in use: for the words of an error. Looks into
 * /proc for a moment, and knows nothing where that does not tell: of other
 * users' processes only root sees what they hold.
 */
#ifndef RV_SUPER_HOLDER_H
#define RV_SUPER_HOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "config/spec.h"

/* "pid 311 (nginx)" into text; false: nothing is known, and text is "". */
bool rv_holder_find(const struct rv_listen *, char *text, size_t size);

#endif
