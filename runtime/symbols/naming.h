/* SPDX-License-Identifier: MIT */
/*
 * Names of functions, with file and line: what naming_dw.c knows through libdw,
 * and naming_none.c does not. The files come open; no other is touched.
 */
#ifndef RV_SYMBOLS_NAMING_H
#define RV_SYMBOLS_NAMING_H

#include "base/buf.h"
#include "symbols/module.h"

/* Why there are none at all: static text; NULL: there may be. */
const char *rv_names_lack(void);

/*
 * Appends "FUNCTION (FILE:LINE)" for the address, and before it a line "#number
 * FUNCTION (FILE:LINE) inlined\n#number " for each function that is inlined
 * there. False: none is known, and nothing is written.
 */
bool rv_names_add(
    struct rv_module *, uint64_t address, unsigned number, struct rv_buf *out);

#endif
