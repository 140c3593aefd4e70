/* SPDX-License-Identifier: MIT */
/*
 * Units by names and globs, as people and hosts write them: for the control
 * socket and the face.
 */
#ifndef RV_SUPER_NAMED_H
#define RV_SUPER_NAMED_H

#include "super/super.h"

#define RV_NAMES_MAX   16384
#define RV_NAMES_GLOBS 64

struct rv_units {
	struct rv_unit **units; /* rv_free */
	size_t n;
};

/*
 * In tree order, each once; with no names all there are. The name of a
 * supervisor means all that is below it. All or nothing: REEVE_ENOENT names the
 * one that is none, and what was perhaps meant. REEVE_ETOOBIG, REEVE_ENOMEM.
 */
enum reeve_status rv_super_names(struct rv_super *, const char *const *names,
    size_t n, struct rv_units *out, struct reeve_error *) RV_MUST_CHECK;

/* REEVE_ENOENT: names the one that is none, and what was perhaps meant. */
enum reeve_status rv_super_no_such(
    struct rv_super *, const char *name, struct reeve_error *);

/* Leave out what stands below others in the list. */
void rv_units_tops(struct rv_units *);

#endif
