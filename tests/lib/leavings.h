/* SPDX-License-Identifier: MIT */
/*
 * What runtimes leave on tmpfs for the next one of their state directory. For
 * the frame and for those who remove folders of tests themselves.
 */
#ifndef RV_TESTS_LEAVINGS_H
#define RV_TESTS_LEAVINGS_H

/* Of the runtime, if any, whose state directory this folder is. */
void rv_leavings_remove(const char *state_dir);

#endif
