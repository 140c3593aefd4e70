/* SPDX-License-Identifier: MIT */
/* Parsing a config in a test and what was found wrong with it. */
#ifndef RV_TESTS_CONFIG_SAID_H
#define RV_TESTS_CONFIG_SAID_H

#include "base/buf.h"
#include "config/load.h"

/* What was found, a line each: "3:5 error TEXT". */
extern struct rv_buf said;

void said_finding(void *ctx, enum rv_finding_level, const struct reeve_error *);
/* Begins anew; NULL when it was refused. */
struct rv_conf *said_parse(const char *text);
/* Prints what was said instead. */
bool said_words(const char *words);
void said_forget(void);

/* It is parsed in the end, however many allocations fail before. */
void said_without_memory(const char *text);

#endif
