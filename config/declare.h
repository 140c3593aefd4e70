/* SPDX-License-Identifier: MIT */
/*
 * Units that are declared in C instead of in a file: a set of paths, each with
 * the object of its keys as JSON, in the order in which they were declared.
 * The face stages changes in such a set; loading makes a conf of it, alone or
 * together with a file. Holds text only, knows nothing of what runs.
 *
 * A key of a unit is checked when it is added, as far as that can be done
 * without its surroundings; the rest when it is loaded.
 */
#ifndef RV_CONFIG_DECLARE_H
#define RV_CONFIG_DECLARE_H

#include <reeve/error.h>

#include "base/base.h"

#define RV_DECLARED_DEPTH 15 /* words of a path */

struct rv_declared;

/* Valid until the set is changed. */
struct rv_declared_unit {
	const char *path; /* "web/app"; "/": the root's own keys */
	const char *json; /* an object, without "children" */
	bool is_supervisor;
	/* it stood in for a pool of the file: see rv_declared_note_pool */
	bool of_pool;
};

/* A number of instances that is told apart from the unit's own keys. */
struct rv_declared_scale {
	const char *path;
	unsigned n;
};

enum reeve_status rv_declared_create(
    struct rv_declared **out, struct reeve_error *) RV_MUST_CHECK;
/* A set of its own with the same units. */
enum reeve_status rv_declared_copy(struct rv_declared **out,
    const struct rv_declared *, struct reeve_error *) RV_MUST_CHECK;
void rv_declared_destroy(struct rv_declared *); /* NULL is fine */

/*
 * json: the unit's keys as an object, NULL for none; copied. What is above it
 * may be added later, or stand in the file. With "/" the root gets keys.
 * REEVE_EINVALID: no such path can be; REEVE_EEXIST: it is there already;
 * REEVE_ECONFIG: a key is wrong, told as "web/app: startsecs: must be ...".
 */
enum reeve_status rv_declared_add(struct rv_declared *, const char *path,
    bool is_supervisor, const char *json, struct reeve_error *) RV_MUST_CHECK;
/* Other keys for one that is there, at its place; as add, or REEVE_ENOENT. */
enum reeve_status rv_declared_replace(struct rv_declared *, const char *path,
    const char *json, struct reeve_error *) RV_MUST_CHECK;
/* With all that is declared below it. REEVE_ENOENT: not declared. */
enum reeve_status rv_declared_remove(
    struct rv_declared *, const char *path, struct reeve_error *) RV_MUST_CHECK;
/*
 * So many instances of a unit that has "numprocs", declared or in the file:
 * over what stands there, until it is removed or 0 is said.
 */
enum reeve_status rv_declared_scale(struct rv_declared *, const char *path,
    unsigned n, struct reeve_error *) RV_MUST_CHECK;

/*
 * The file has a pool at this path, and the unit that is declared there stands
 * in for it: where the file has no room for it any more it is left out without
 * a word. Nothing is declared there: nothing is noted.
 */
void rv_declared_note_pool(struct rv_declared *, const char *path);

size_t rv_declared_count(const struct rv_declared *);
/* In the order in which they were added; NULL behind the last. */
const struct rv_declared_unit *rv_declared_at(
    const struct rv_declared *, size_t i);
/* Its place in that order, or rv_declared_count. */
size_t rv_declared_find(const struct rv_declared *, const char *path);
/* The scales; NULL behind the last. */
const struct rv_declared_scale *rv_declared_scaled(
    const struct rv_declared *, size_t i);

#endif
