/* SPDX-License-Identifier: MIT */
/*
 * Between the two files of the preload library: what it was loaded by, so that
 * a program which this process executes in its own place is loaded with it.
 */
#ifndef RV_CHILD_PRELOAD_H
#define RV_CHILD_PRELOAD_H

#include <stddef.h>

/* Once, from the constructor: the item of LD_PRELOAD that names the library. */
void rv_preload_keep(const char *item, size_t len);

#endif
