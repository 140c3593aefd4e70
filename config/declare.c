/* SPDX-License-Identifier: MIT */
/*
 * The set is an array of pointers in the order of declaration and a table by
 * the hash of the path; thousands of units are added and looked up in no time.
 * Removing compacts the array, which is as long as removing is rare.
 */
#include "config.h"

#include "config/declare.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"
#include "config/conf_priv.h"

#define JSON_MAX (1024 * 1024) /* bytes of one unit's keys */

struct entry {
	struct rv_hash_node node; /* first */
	struct rv_declared_unit unit;
	size_t index;
};

struct rv_declared {
	struct entry **entries;
	size_t n, room;
	struct rv_hash by_path;
	struct rv_declared_scale *scales;
	size_t n_scales;
};

/* -------- looking up -------- */

static struct entry *
find(const struct rv_declared *d, const char *path)
{
	uint64_t key = rv_fnv_str(RV_FNV_INIT, path);
	struct rv_hash_node *node =
	    d->n > 0 ? rv_hash_find(&d->by_path, key) : NULL;

	for (; node != NULL; node = node->next) {
		struct entry *e = (struct entry *)(void *)node;

		if (node->key == key && strcmp(e->unit.path, path) == 0) {
			return e;
		}
	}
	return NULL;
}

size_t
rv_declared_count(const struct rv_declared *d)
{
	return d->n;
}

const struct rv_declared_unit *
rv_declared_at(const struct rv_declared *d, size_t i)
{
	return i < d->n ? &d->entries[i]->unit : NULL;
}

size_t
rv_declared_find(const struct rv_declared *d, const char *path)
{
	const struct entry *e = find(d, path);

	return e != NULL ? e->index : d->n;
}

const struct rv_declared_scale *
rv_declared_scaled(const struct rv_declared *d, size_t i)
{
	return i < d->n_scales ? &d->scales[i] : NULL;
}

/* -------- life -------- */

enum reeve_status
rv_declared_create(struct rv_declared **out, struct reeve_error *err)
{
	struct rv_declared *d = rv_alloc(1, sizeof(*d));

	if (d == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot declare units");
	}
	*out = d;
	return REEVE_OK;
}

static void
free_entry(struct entry *e)
{
	if (e != NULL) {
		rv_free((char *)(uintptr_t)e->unit.path);
		rv_free((char *)(uintptr_t)e->unit.json);
		rv_free(e);
	}
}

void
rv_declared_destroy(struct rv_declared *d)
{
	if (d == NULL) {
		return;
	}
	for (size_t i = 0; i < d->n; i++) {
		free_entry(d->entries[i]);
	}
	for (size_t i = 0; i < d->n_scales; i++) {
		rv_free((char *)(uintptr_t)d->scales[i].path);
	}
	rv_free(d->entries);
	rv_free(d->scales);
	rv_hash_finish(&d->by_path);
	rv_free(d);
}

static struct entry *
make_entry(const char *path, bool is_supervisor, const char *json)
{
	struct entry *e = rv_alloc(1, sizeof(*e));

	if (e == NULL) {
		return NULL;
	}
	e->unit.path = rv_strdup(path);
	e->unit.json = rv_strdup(json);
	e->unit.is_supervisor = is_supervisor;
	if (e->unit.path == NULL || e->unit.json == NULL) {
		free_entry(e);
		return NULL;
	}
	return e;
}

static bool
make_room(struct rv_declared *d)
{
	size_t room = d->room > 0 ? d->room * 2 : 16;
	struct entry **entries;

	if (!rv_hash_reserve(&d->by_path, d->n + 1)) {
		return false;
	}
	if (d->n < d->room) {
		return true;
	}
	entries = rv_realloc(d->entries, d->room, room, sizeof(entries[0]));
	if (entries == NULL) {
		return false;
	}
	d->entries = entries;
	d->room = room;
	return true;
}

static bool
append(struct rv_declared *d, const char *path, bool is_supervisor,
    const char *json)
{
	struct entry *e =
	    make_room(d) ? make_entry(path, is_supervisor, json) : NULL;

	if (e == NULL) {
		return false;
	}
	e->index = d->n;
	d->entries[d->n++] = e;
	rv_hash_insert(
	    &d->by_path, &e->node, rv_fnv_str(RV_FNV_INIT, e->unit.path));
	return true;
}

static bool
add_scale(struct rv_declared *d, const char *path, unsigned n)
{
	struct rv_declared_scale *scales = rv_realloc(
	    d->scales, d->n_scales, d->n_scales + 1, sizeof(scales[0]));
	char *copy = scales != NULL ? rv_strdup(path) : NULL;

	d->scales = scales != NULL ? scales : d->scales;
	if (copy == NULL) {
		return false;
	}
	d->scales[d->n_scales++] =
	    (struct rv_declared_scale){ .path = copy, .n = n };
	return true;
}

enum reeve_status
rv_declared_copy(struct rv_declared **out, const struct rv_declared *from,
    struct reeve_error *err)
{
	struct rv_declared *d = NULL;
	enum reeve_status status = rv_declared_create(&d, err);
	bool good = status == REEVE_OK;

	for (size_t i = 0; good && i < from->n; i++) {
		const struct rv_declared_unit *u = &from->entries[i]->unit;

		good = append(d, u->path, u->is_supervisor, u->json);
		if (good) {
			d->entries[i]->unit.of_pool = u->of_pool;
		}
	}
	for (size_t i = 0; good && i < from->n_scales; i++) {
		good = add_scale(d, from->scales[i].path, from->scales[i].n);
	}
	if (!good) {
		rv_declared_destroy(d);
		return rv_error_sys(err, ENOMEM, "cannot declare units");
	}
	*out = d;
	return REEVE_OK;
}

/* -------- checks -------- */

static enum reeve_status
check_path(const char *path, struct reeve_error *err)
{
	const char *at = path;
	unsigned depth = 0;
	char word[160];

	if (path == NULL || path[0] == '\0') {
		return rv_error(err, REEVE_EINVALID, "a unit needs a path");
	}
	if (strcmp(path, "/") == 0) {
		return REEVE_OK;
	}
	for (;;) {
		size_t len = strcspn(at, "/");

		rv_format(
		    word, sizeof(word), "%.*s", (int)RV_MIN(len, 150), at);
		if (!rv_conf_is_name(word)) {
			return rv_error(err, REEVE_EINVALID,
			    "\"%.200s\" is no path of a unit: names are "
			    "letters, digits and _.@+-, with / between them",
			    path);
		}
		if (++depth > RV_DECLARED_DEPTH) {
			return rv_error(err, REEVE_EINVALID,
			    "%.200s: too deep, at most %d levels", path,
			    RV_DECLARED_DEPTH);
		}
		at += len;
		if (*at++ == '\0') {
			return REEVE_OK;
		}
	}
}

/* What is above it, as far as it is declared. */
static enum reeve_status
check_above(
    const struct rv_declared *d, const char *path, struct reeve_error *err)
{
	char *above = rv_strdup(path);
	char *slash = above != NULL ? strrchr(above, '/') : NULL;
	const struct entry *e = NULL;
	enum reeve_status status = REEVE_OK;

	if (above == NULL) {
		return rv_error_sys(err, ENOMEM, "%s", path);
	}
	if (slash != NULL && slash != above) {
		*slash = '\0';
		e = find(d, above);
	}
	if (e != NULL && !e->unit.is_supervisor) {
		status = rv_error(err, REEVE_EINVALID,
		    "%s: %s is a worker, nothing can be below it", path, above);
	}
	rv_free(above);
	return status;
}

static void
keep_first(
    void *ctx, enum rv_finding_level level, const struct reeve_error *finding)
{
	struct reeve_error *first = ctx;

	if (level == RV_FINDING_ERROR && first->status == REEVE_OK) {
		*first = *finding;
	}
}

static enum reeve_status
check_keys(const char *path, bool is_supervisor, const char *json,
    struct reeve_error *err)
{
	static const struct rv_conf_source none;
	struct rv_loader l = { .source = &none };
	struct reeve_error first = { 0 };

	if (strlen(json) > JSON_MAX) {
		return rv_error(err, REEVE_ETOOBIG,
		    "%s: its keys have more than 1 MiB", path);
	}
	l.arena = &l.scratch;
	if (rv_conf_findings_init(&l) && rv_cdoc_parse_unit(&l.doc, &l.scratch,
					     1, path, json, rv_conf_flaw, &l)) {
		rv_conf_check_declared(&l, l.doc.root, is_supervisor);
	}
	if (l.scratch.failed) {
		rv_error_sys(&first, ENOMEM, "%s", path);
	} else {
		rv_conf_report(&l, keep_first, &first);
	}
	rv_cdoc_finish(&l.doc);
	rv_arena_finish(&l.scratch);
	if (first.status != REEVE_OK && err != NULL) {
		*err = first;
	}
	return first.status;
}

/* -------- changes -------- */

enum reeve_status
rv_declared_add(struct rv_declared *d, const char *path, bool is_supervisor,
    const char *json, struct reeve_error *err)
{
	enum reeve_status status = check_path(path, err);

	json = json != NULL ? json : "{}";
	if (status == REEVE_OK && find(d, path) != NULL) {
		return rv_error(err, REEVE_EEXIST,
		    "%s: declared already: remove it first, or give this one "
		    "another path",
		    path);
	}
	if (status == REEVE_OK && strcmp(path, "/") == 0 && !is_supervisor) {
		return rv_error(
		    err, REEVE_EINVALID, "/: the root is a supervisor");
	}
	if (status == REEVE_OK) {
		status = check_above(d, path, err);
	}
	if (status == REEVE_OK) {
		status = check_keys(path, is_supervisor, json, err);
	}
	if (status == REEVE_OK && !append(d, path, is_supervisor, json)) {
		return rv_error_sys(err, ENOMEM, "%s", path);
	}
	return status;
}

static enum reeve_status
not_declared(const char *path, struct reeve_error *err)
{
	return rv_error(err, REEVE_ENOENT,
	    "%.200s is not declared from C; what a config file has changes and "
	    "goes by a reload of it",
	    path != NULL ? path : "");
}

enum reeve_status
rv_declared_replace(struct rv_declared *d, const char *path, const char *json,
    struct reeve_error *err)
{
	struct entry *e = path != NULL ? find(d, path) : NULL;
	enum reeve_status status;
	char *copy;

	if (e == NULL) {
		return not_declared(path, err);
	}
	json = json != NULL ? json : "{}";
	status = check_keys(path, e->unit.is_supervisor, json, err);
	if (status != REEVE_OK) {
		return status;
	}
	copy = rv_strdup(json);
	if (copy == NULL) {
		return rv_error_sys(err, ENOMEM, "%s", path);
	}
	rv_free((char *)(uintptr_t)e->unit.json);
	e->unit.json = copy;
	return REEVE_OK;
}

/* The path itself, or one below it. */
static bool
is_below(const char *path, const char *above)
{
	size_t len = strlen(above);

	return strncmp(path, above, len) == 0 &&
	       (path[len] == '\0' || path[len] == '/');
}

static void
remove_scales(struct rv_declared *d, const char *path)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->n_scales; i++) {
		if (is_below(d->scales[i].path, path)) {
			rv_free((char *)(uintptr_t)d->scales[i].path);
		} else {
			d->scales[kept++] = d->scales[i];
		}
	}
	d->n_scales = kept;
}

enum reeve_status
rv_declared_remove(
    struct rv_declared *d, const char *path, struct reeve_error *err)
{
	struct entry *e = path != NULL ? find(d, path) : NULL;
	size_t kept = 0;

	if (e == NULL) {
		return not_declared(path, err);
	}
	/* The caller's text may be the entry's own: freed last. */
	remove_scales(d, path);
	for (size_t i = 0; i < d->n; i++) {
		struct entry *other = d->entries[i];

		if (!is_below(other->unit.path, path)) {
			other->index = kept;
			d->entries[kept++] = other;
			continue;
		}
		rv_hash_remove(&d->by_path, &other->node);
		if (other != e) {
			free_entry(other);
		}
	}
	d->n = kept;
	free_entry(e);
	return REEVE_OK;
}

enum reeve_status
rv_declared_scale(struct rv_declared *d, const char *path, unsigned n,
    struct reeve_error *err)
{
	enum reeve_status status = check_path(path, err);
	const int64_t most = rv_schema[RV_CKEY_NUMPROCS].max;
	size_t i = 0;

	if (status != REEVE_OK) {
		return status;
	}
	if (n > most) {
		return rv_error(err, REEVE_EINVALID,
		    "%s: %u instances are too many: at most %lld", path, n,
		    (long long)most);
	}
	while (i < d->n_scales && strcmp(d->scales[i].path, path) != 0) {
		i++;
	}
	if (i < d->n_scales && n > 0) {
		d->scales[i].n = n;
	} else if (i < d->n_scales) {
		rv_free((char *)(uintptr_t)d->scales[i].path);
		d->scales[i] = d->scales[--d->n_scales];
	} else if (n > 0 && !add_scale(d, path, n)) {
		return rv_error_sys(err, ENOMEM, "%s", path);
	}
	return REEVE_OK;
}

void
rv_declared_note_pool(struct rv_declared *d, const char *path)
{
	struct entry *e = find(d, path);

	if (e != NULL) {
		e->unit.of_pool = true;
	}
}
