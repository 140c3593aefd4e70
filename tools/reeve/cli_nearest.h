/* SPDX-License-Identifier: MIT */
/* For "did you mean": also of reeve map, which is a program of its own. */
#ifndef REEVE_TOOLS_CLI_NEAREST_H
#define REEVE_TOOLS_CLI_NEAREST_H

/* Characters changed, inserted, dropped or swapped. */
unsigned cli_distance(const char *a, const char *b);
/* How far a word may be from what was meant: the shorter, the less. */
unsigned cli_patience(const char *word);

#endif
