/* SPDX-License-Identifier: MIT */
/* Loading a config for the faces: findings counted and passed on. */
#ifndef RV_FACE_CONFIG_H
#define RV_FACE_CONFIG_H

#include <reeve/config.h>

#include "config/load.h"

/* Warnings that were said, and the last load that had each: see face_said.c. */
struct rv_face_said {
	struct rv_face_mark {
		uint64_t hash;
		uint64_t load;
	} *marks;
	size_t n, max;
	uint64_t load; /* of the next one */
};

/* True: this warning need not be said again. */
bool rv_face_said_before(struct rv_face_said *, const struct reeve_error *);
/* A load is over: what it did not warn of any more is forgotten. */
void rv_face_said_end(struct rv_face_said *, bool went_through);
void rv_face_said_finish(struct rv_face_said *);

struct rv_face_findings {
	reeve_finding_fn *fn; /* may be NULL */
	void *ctx;
	struct rv_face_said *said; /* NULL: all is said */
	unsigned errors;
	struct reeve_error first;
};

/* An rv_finding_cb; ctx is a struct rv_face_findings. */
void rv_face_finding(
    void *ctx, enum rv_finding_level, const struct reeve_error *);

/* err is the first finding, or why there was none; `what` was loaded. */
enum reeve_status rv_face_first_finding(const struct rv_face_findings *,
    enum reeve_status, const char *what, struct reeve_error *);

/* rv_conf_load; err is the first finding, or why there was none. */
enum reeve_status rv_face_load(struct rv_conf **, const char *file,
    struct rv_face_findings *, struct reeve_error *) RV_MUST_CHECK;

#endif
