/* SPDX-License-Identifier: MIT */
/*
 * Manual pages with a part that is made from tables: between the comments
 *
 *	.\" Made from WHAT: begin
 *	.\" Made from WHAT: end
 */
#ifndef RV_TESTS_MANUAL_H
#define RV_TESTS_MANUAL_H

/*
 * Fails the case unless that part of the page (a path in the source tree) is
 * `made`; a page that is current is then left in the build tree, as NAME.new.
 */
void rv_manual_check(const char *page, const char *what, const char *made);

#endif
