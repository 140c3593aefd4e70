/* SPDX-License-Identifier: MIT */
/*
 * Inputs of the targets that play one end of a connection: mostly the bytes to
 * be sent as they are, and in between what happens meanwhile, "~" with a number
 * and a letter, such as "~3|". "~~" is the byte itself. So an input can be read
 * and written by hand, and no bytes are none.
 */
#ifndef RV_TESTS_SCRIPT_H
#define RV_TESTS_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

/* Of the number before a letter; what is more is cut. */
#define RV_SCRIPT_NUMBER_MAX 1100000u

/* In what rv_script_next gives: not a byte, but the letter of an event. */
#define RV_SCRIPT_EVENT 0x100

struct rv_script {
	const uint8_t *at, *end;
};

/* A byte, RV_SCRIPT_EVENT + letter, or -1; *number is 0 when there is none. */
int rv_script_next(struct rv_script *, unsigned *number);

/* How many bytes lie before the next "~"; they may be taken at once. */
size_t rv_script_plain(const struct rv_script *);

/* An invariant: says which one was broken, and aborts. */
#define RV_MUST(condition, words) rv_script_must((condition), (words))
void rv_script_must(int condition, const char *words);

#endif
