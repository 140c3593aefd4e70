/* SPDX-License-Identifier: MIT */
/*
 * What a page says went wrong (child/page.h), in words: for records and for
 * callbacks alike. The trouble is a copy that rv_page_trouble made. Pure.
 */
#ifndef RV_WIRE_TROUBLE_TEXT_H
#define RV_WIRE_TROUBLE_TEXT_H

#include "base/buf.h"
#include "child/page.h"

#define RV_TROUBLE_CRASH_MAX  (RV_PAGE_MESSAGE + 128)
#define RV_TROUBLE_STACKS_MAX ((size_t)256 * 1024)

bool rv_trouble_is_crash(const struct rv_page_trouble *);
const char *rv_trouble_type(const struct rv_page_trouble *, char name[24]);
/* "raised" "reported" "crash" "abort" "start"; static. */
const char *rv_trouble_source(const struct rv_page_trouble *);
/* "SIGSEGV (address not mapped) at 0x0: MESSAGE" */
void rv_trouble_say_crash(
    const struct rv_page_trouble *, char *dst, size_t size);
/*
 * The stacks, a line a frame, each behind "thread 17 (name)": "#0 FILE+0x1a2b",
 * or a bare address.
 */
void rv_trouble_stacks(const struct rv_page_trouble *, struct rv_buf *);

#endif
