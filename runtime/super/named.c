/* SPDX-License-Identifier: MIT */
/*
 * From names and globs to units, in tree order, each once. All or nothing: one
 * name that is none refuses the request, with the name that was perhaps meant.
 * The root is named by "/" alone, so that `*` does not mean the runtime.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "super/named.h"

struct search {
	struct rv_super *super;
	const char *const *names;
	size_t n_names;
	struct rv_unit **exact; /* sorted by address */
	size_t n_exact;
	const char *globs[RV_NAMES_GLOBS];
	bool hit[RV_NAMES_GLOBS];
	size_t n_globs;
};

/* A leading slash may be written: `web` and `/web` are one. */
static const char *
bare(const char *name)
{
	return name[0] == '/' && name[1] != '\0' ? name + 1 : name;
}

static int
by_address(const void *a, const void *b)
{
	const uintptr_t x = (uintptr_t) * (struct rv_unit *const *)a;
	const uintptr_t y = (uintptr_t) * (struct rv_unit *const *)b;

	return (x > y) - (x < y);
}

/* Is the last word of the path this name, perhaps with an instance's number? */
static bool
ends_with(const char *path, const char *name)
{
	const char *leaf = strrchr(path, '/');
	size_t len = strlen(name);

	leaf = leaf != NULL ? leaf + 1 : path;
	if (strncmp(leaf, name, len) != 0) {
		return false;
	}
	leaf += len;
	return *leaf == '\0' ||
	       (*leaf == '.' && leaf[1 + strspn(leaf + 1, "0123456789")] == 0);
}

static unsigned
distance_to(const char *name, const char *path)
{
	/* The last word of a path is the commonest abbreviation. */
	return ends_with(path, name) ? 0 : rv_distance(name, path);
}

enum reeve_status
rv_super_no_such(
    struct rv_super *super, const char *name, struct reeve_error *err)
{
	const char *meant = NULL;
	/* The shorter the word, the less of it may be wrong. */
	unsigned best = 2 + (unsigned)RV_MIN(strlen(name) / 4, 2);

	for (struct rv_unit *unit = rv_super_next(super, NULL); unit != NULL;
	     unit = rv_super_next(super, unit)) {
		unsigned distance = distance_to(name, unit->path);

		if (distance < best) {
			best = distance;
			meant = unit->path;
		}
	}
	if (meant != NULL) {
		return rv_error(err, REEVE_ENOENT,
		    "no unit is named \"%.128s\"; did you mean \"%.128s\"?",
		    name, meant);
	}
	return rv_error(err, REEVE_ENOENT, "no unit is named \"%.128s\"%s",
	    name, strcmp(name, "all") == 0 ? "; \"/\" means all of them" : "");
}

static enum reeve_status
add_name(struct search *search, const char *name, struct reeve_error *err)
{
	struct rv_unit *unit = rv_super_find(search->super, bare(name));

	if (unit != NULL) {
		search->exact[search->n_exact++] = unit;
		return REEVE_OK;
	}
	if (!rv_is_glob(name)) {
		return rv_super_no_such(search->super, bare(name), err);
	}
	if (search->n_globs == RV_NAMES_GLOBS) {
		return rv_error(err, REEVE_ETOOBIG,
		    "more than %d patterns in one request", RV_NAMES_GLOBS);
	}
	search->globs[search->n_globs++] = bare(name);
	return REEVE_OK;
}

static bool
is_named(struct search *search, const struct rv_unit *unit)
{
	bool found = search->n_exact != 0 &&
		     bsearch(&unit, search->exact, search->n_exact,
			 sizeof(struct rv_unit *), by_address) != NULL;

	if (unit->parent == NULL) {
		return found;
	}
	for (size_t i = 0; i < search->n_globs; i++) {
		if (rv_glob(search->globs[i], unit->path)) {
			search->hit[i] = true;
			found = true;
		}
	}
	return found;
}

/* The name of a supervisor means all that is below it. */
static bool
matches(struct search *search, const struct rv_unit *unit)
{
	while (unit != NULL && !is_named(search, unit)) {
		unit = unit->parent;
	}
	return unit != NULL;
}

static enum reeve_status
read_names(struct search *search, struct reeve_error *err)
{
	size_t n = search->n_names;
	enum reeve_status status = REEVE_OK;

	if (n > RV_NAMES_MAX) {
		return rv_error(err, REEVE_ETOOBIG,
		    "more than %d names in one request", RV_NAMES_MAX);
	}
	search->exact = rv_alloc(n, sizeof(struct rv_unit *));
	if (search->exact == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot look up units");
	}
	for (size_t i = 0; i < n && status == REEVE_OK; i++) {
		status = add_name(search, search->names[i], err);
	}
	if (search->n_exact != 0) {
		qsort(search->exact, search->n_exact, sizeof(struct rv_unit *),
		    by_address);
	}
	return status;
}

static size_t
count_units(struct rv_super *super)
{
	size_t n = 0;

	for (struct rv_unit *unit = rv_super_next(super, NULL); unit != NULL;
	     unit = rv_super_next(super, unit)) {
		n++;
	}
	return n;
}

/* Every pattern must have named something. */
static enum reeve_status
check_globs(const struct search *search, struct reeve_error *err)
{
	for (size_t i = 0; i < search->n_globs; i++) {
		if (!search->hit[i]) {
			return rv_error(err, REEVE_ENOENT,
			    "no unit matches \"%.128s\"", search->globs[i]);
		}
	}
	return REEVE_OK;
}

enum reeve_status
rv_super_names(struct rv_super *super, const char *const *names, size_t n_names,
    struct rv_units *out, struct reeve_error *err)
{
	struct search search = {
		.super = super,
		.names = names,
		.n_names = n_names,
	};
	struct rv_unit **units = NULL;
	enum reeve_status status = read_names(&search, err);
	size_t n = 0;

	if (status != REEVE_OK) {
		goto out;
	}
	units = rv_alloc(count_units(super), sizeof(struct rv_unit *));
	if (units == NULL) {
		status = rv_error_sys(err, ENOMEM, "cannot look up units");
		goto out;
	}
	for (struct rv_unit *unit = rv_super_next(super, NULL); unit != NULL;
	     unit = rv_super_next(super, unit)) {
		if (n_names == 0 || matches(&search, unit)) {
			units[n++] = unit;
		}
	}
	status = check_globs(&search, err);
out:
	rv_free(search.exact);
	if (status != REEVE_OK) {
		rv_free(units);
		return status;
	}
	out->units = units;
	out->n = n;
	return REEVE_OK;
}

void
rv_units_tops(struct rv_units *list)
{
	size_t kept = 0;

	/* In tree order what is below a unit follows it directly. */
	for (size_t i = 0; i < list->n; i++) {
		struct rv_unit *above = list->units[i];

		while (kept != 0 && above != NULL &&
		       above != list->units[kept - 1]) {
			above = above->parent;
		}
		if (kept == 0 || above == NULL) {
			list->units[kept++] = list->units[i];
		}
	}
	list->n = kept;
}
