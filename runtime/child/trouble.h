/* SPDX-License-Identifier: MIT */
/*
 * Writing the trouble of a page: one thread at a time, its state stored last.
 */
#ifndef RV_CHILD_TROUBLE_H
#define RV_CHILD_TROUBLE_H

#include "child/agent.h"

/*
 * Begin one of this kind: numbered, with the time, all else empty. NULL:
 * another thread has been at it for longer than a crash shall wait; with
 * `steal` it is taken from that one. Then write, and end. Safe in handlers.
 */
struct rv_page_trouble *rv_trouble_begin(
    unsigned char *page, enum rv_trouble_kind kind, bool steal);
void rv_trouble_end(unsigned char *page);

#endif
