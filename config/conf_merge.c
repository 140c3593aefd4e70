/* SPDX-License-Identifier: MIT */
/*
 * Declared units into the document: each becomes a node (and a value) among the
 * children of the unit above, as if it stood in the file behind those that do.
 * What stands in two places, or under nothing, is told and left out. Called by
 * load.c before keys are judged.
 */
#include "config.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "config/conf_priv.h"

/* The children of a unit, wherever it was declared. */
struct place {
	struct rv_hash_node node; /* first */
	const char *path;         /* "": the root's */
	struct rv_cnode *children, *last;
	bool bad; /* there is none, or a worker; told or to be told */
};

struct merge {
	struct rv_loader *l;
	const struct rv_declared *declared;
	struct rv_hash places;
	bool *attached; /* by the order of declaration */
};

static json_t *
json_of(const struct rv_cnode *node)
{
	/* The document is the loader's own. */
	return (json_t *)(uintptr_t)node->value;
}

/* A node of ours with a value of ours: an object, or a number. */
static struct rv_cnode *
make_node(struct merge *m, struct rv_cnode *above, struct rv_cnode **last,
    const char *key, json_t *value, unsigned declared)
{
	struct rv_cnode *node = rv_arena_get(&m->l->scratch, 1, sizeof(*node));

	if (node == NULL || value == NULL ||
	    json_object_set_new(json_of(above), key, value) != 0) {
		m->l->scratch.failed = true;
		return NULL;
	}
	*node = (struct rv_cnode){ .value = value,
		.key = key,
		.declared = declared,
		.line = above->line,
		.column = above->column };
	rv_cnode_append(above, last, node);
	return node;
}

/* -------- places -------- */

static struct rv_cnode *
last_of(struct rv_cnode *node)
{
	struct rv_cnode *last = node->first;

	while (last != NULL && last->next != NULL) {
		last = last->next;
	}
	return last;
}

/* A unit that was found or made: where its children go. */
static struct place *
add_place(struct merge *m, const char *path, struct rv_cnode *unit)
{
	struct place *place = rv_arena_get(&m->l->scratch, 1, sizeof(*place));
	struct rv_cnode *last;

	if (place == NULL || !rv_hash_reserve(&m->places, m->places.n + 1)) {
		m->l->scratch.failed = true;
		return NULL;
	}
	place->path = path;
	place->bad = unit == NULL;
	if (unit != NULL) {
		place->children = (struct rv_cnode *)(uintptr_t)rv_cnode_get(
		    unit, "children");
		place->bad = !rv_cnode_is(place->children, JSON_OBJECT);
		last = place->bad ? NULL : last_of(place->children);
		place->last = last;
	}
	rv_hash_insert(&m->places, &place->node, rv_fnv_str(RV_FNV_INIT, path));
	return place;
}

static struct place *
known_place(const struct merge *m, const char *path)
{
	uint64_t key = rv_fnv_str(RV_FNV_INIT, path);
	struct rv_hash_node *node =
	    m->places.n > 0 ? rv_hash_find(&m->places, key) : NULL;

	for (; node != NULL; node = node->next) {
		struct place *place = (struct place *)(void *)node;

		if (node->key == key && strcmp(place->path, path) == 0) {
			return place;
		}
	}
	return NULL;
}

static const char *
last_word(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* "web" of "web/app", "" of "web". */
static const char *
path_above(struct merge *m, const char *path)
{
	const char *word = last_word(path);

	return word == path ? ""
			    : rv_arena_strndup(&m->l->scratch, path,
				  (size_t)(word - path) - 1);
}

static void attach(struct merge *, size_t i);

/* NULL without memory. As deep as a path is. */
static struct place *
find_place(struct merge *m, const char *path)
{
	struct place *place = known_place(m, path), *above;
	size_t i;

	if (place != NULL) {
		return place;
	}
	i = rv_declared_find(m->declared, path);
	if (i < rv_declared_count(m->declared) && !m->attached[i]) {
		/* Declared after what is below it. */
		attach(m, i);
		place = known_place(m, path);
		return place != NULL ? place : add_place(m, path, NULL);
	}
	above = find_place(m, path_above(m, path));
	if (above == NULL) {
		return NULL;
	}
	return add_place(m, path,
	    above->bad ? NULL
		       : (struct rv_cnode *)(uintptr_t)rv_cnode_get(
			     above->children, last_word(path)));
}

/* -------- units -------- */

static const struct rv_cnode *
node_at(const struct merge *m, const char *path)
{
	const struct rv_cnode *node = m->l->doc.root;
	char word[160];

	while (node != NULL && *path != '\0') {
		size_t len = strcspn(path, "/");

		rv_format(word, sizeof(word), "%.*s", (int)len, path);
		node = rv_cnode_get(rv_cnode_get(node, "children"), word);
		path += len + (path[len] == '/');
	}
	return node;
}

/* A node to say it of: it has no place in the document. */
static const struct rv_cnode *
stray(size_t i, const char *path, struct rv_cnode *node)
{
	*node = (struct rv_cnode){ .declared = (unsigned)i + 1, .unit = path };
	return node;
}

static void
tell_homeless(struct merge *m, size_t i, const char *path, const char *above)
{
	const struct rv_cnode *node = node_at(m, above);
	size_t other = rv_declared_find(m->declared, above);
	struct rv_cnode spare;

	if (other < rv_declared_count(m->declared) &&
	    rv_declared_at(m->declared, other)->is_supervisor) {
		return; /* it has no place either, and that was told */
	}
	if (node == NULL) {
		rv_conf_error(m->l, stray(i, path, &spare),
		    "there is no supervisor \"%.200s\"", above);
	} else if (node->declared != 0) {
		rv_conf_error(m->l, stray(i, path, &spare),
		    "\"%.200s\" is a worker: nothing can be below it", above);
	} else if (node->parent != NULL) {
		rv_conf_error(m->l, stray(i, path, &spare),
		    "\"%.200s\" is no supervisor in %.200s, line %d", above,
		    m->l->file, node->line);
	}
	/* Of a root without good children all is told elsewhere. */
}

static void
tell_clash(
    struct merge *m, size_t i, const char *path, const struct rv_cnode *other)
{
	struct rv_cnode spare;

	rv_conf_error(m->l, stray(i, path, &spare),
	    "declared in C, and stands in %.250s too, line %d",
	    m->l->file != NULL ? m->l->file : "the file",
	    other != NULL ? other->line : 0);
}

/* Where it is a worker, and the file has a pool there. */
static struct rv_cnode *
pool_at(const struct merge *m, size_t i, const char *path)
{
	const struct rv_cnode *node = node_at(m, path);

	return !rv_declared_at(m->declared, i)->is_supervisor && node != NULL &&
		       node->declared == 0 && rv_cnode_get(node, "pool") != NULL
		   ? (struct rv_cnode *)(uintptr_t)node
		   : NULL;
}

/* Of a pool that the file does not have any more, and its place is taken. */
static bool
is_out_of_place(const struct merge *m, size_t i, const struct place *place)
{
	const struct rv_declared_unit *u = rv_declared_at(m->declared, i);

	return u->of_pool && pool_at(m, i, u->path) == NULL &&
	       (place->bad || json_object_get(place->children->value,
				  last_word(u->path)) != NULL);
}

/* Its keys as nodes and values; NULL without memory. */
static struct rv_cnode *
parse(struct merge *m, size_t i, struct rv_cdoc *doc)
{
	const struct rv_declared_unit *u = rv_declared_at(m->declared, i);

	if (!rv_cdoc_parse_unit(doc, &m->l->scratch, (unsigned)i + 1,
		rv_arena_strdup(&m->l->scratch, u->path), u->json, rv_conf_flaw,
		m->l)) {
		return NULL;
	}
	return doc->root;
}

static void
attach_to(struct merge *m, size_t i, struct place *place)
{
	const struct rv_declared_unit *u = rv_declared_at(m->declared, i);
	struct rv_cnode *last, *node;
	struct rv_cdoc doc = { 0 };

	node = parse(m, i, &doc);
	if (node == NULL) {
		rv_cdoc_finish(&doc);
		return;
	}
	node->key = last_word(node->unit);
	node->index = place->last != NULL ? place->last->index + 1 : 0;
	/* The document holds the value from now on. */
	if (json_object_set_new(
		json_of(place->children), node->key, doc.json) != 0) {
		m->l->scratch.failed = true;
		return;
	}
	rv_cnode_append(place->children, &place->last, node);
	if (u->is_supervisor) {
		last = last_of(node);
		if (make_node(m, node, &last, "children", json_object(),
			(unsigned)i + 1) != NULL) {
			add_place(m, node->unit, node);
		}
	}
}

/* Workers of a pool, at the place that the file has for it. */
static void
attach_stand_in(struct merge *m, size_t i, struct rv_cnode *pool)
{
	struct rv_cdoc doc = { 0 };
	struct rv_cnode *node = parse(m, i, &doc);

	if (node != NULL) {
		node->key = pool->key;
		node->index = pool->index;
		node->parent = pool->parent;
		pool->stand_in = node;
		if (m->l->stand_ins == NULL) {
			m->l->stand_ins = json_array();
		}
		if (json_array_append(m->l->stand_ins, doc.json) != 0) {
			m->l->scratch.failed = true;
		}
	}
	rv_cdoc_finish(&doc);
}

static void
attach(struct merge *m, size_t i)
{
	const char *path = rv_declared_at(m->declared, i)->path;
	const char *above = path_above(m, path);
	struct rv_cnode *pool;
	struct place *place;

	m->attached[i] = true;
	place = find_place(m, above);
	if (place == NULL) {
		m->l->scratch.failed = true;
	} else if (is_out_of_place(m, i, place)) {
		return; /* its host will hear of it */
	} else if (place->bad) {
		tell_homeless(m, i, path, above);
	} else if ((pool = pool_at(m, i, path)) != NULL) {
		attach_stand_in(m, i, pool);
	} else if (json_object_get(place->children->value, last_word(path)) !=
		   NULL) {
		tell_clash(m, i, path, node_at(m, path));
	} else {
		attach_to(m, i, place);
	}
}

/* Keys of the root: none may stand in the file too. */
static void
attach_root(struct merge *m, size_t i)
{
	struct rv_cnode *root = m->l->doc.root, *last = last_of(root);
	struct rv_cdoc doc = { 0 };
	struct rv_cnode *unit = parse(m, i, &doc), *next;

	for (struct rv_cnode *n = unit != NULL ? unit->first : NULL; n != NULL;
	     n = next) {
		const struct rv_cnode *other = rv_cnode_get(root, n->key);

		next = n->next;
		n->next = NULL;
		n->parent = root;
		if (other != NULL) {
			rv_conf_error(m->l, n,
			    "declared in C, and stands in %.250s too, line %d",
			    m->l->file != NULL ? m->l->file : "the file",
			    other->line);
			continue;
		}
		if (json_object_set(json_of(root), n->key, json_of(n)) != 0) {
			m->l->scratch.failed = true;
			break;
		}
		rv_cnode_append(root, &last, n);
	}
	rv_cdoc_finish(&doc);
}

/* -------- scales -------- */

static void
rescale(struct merge *m, const struct rv_declared_scale *scale)
{
	const struct rv_cnode *at = node_at(m, scale->path);
	struct rv_cnode *node =
	    (struct rv_cnode *)(uintptr_t)(at != NULL && at->stand_in != NULL
					       ? at->stand_in
					       : at);
	struct rv_cnode *count =
	    (struct rv_cnode *)(uintptr_t)rv_cnode_get(node, "numprocs");
	struct rv_cnode spare;
	size_t i = rv_declared_count(m->declared);
	const struct rv_declared_unit *u = rv_declared_at(
	    m->declared, rv_declared_find(m->declared, scale->path));

	if (u != NULL && u->of_pool && (node == NULL || count == NULL)) {
		return; /* left out */
	}
	if (node == NULL) {
		rv_conf_warn(m->l, stray(i, scale->path, &spare),
		    "there is no such unit to scale");
	} else if (count == NULL) {
		rv_conf_error(m->l, stray(i, scale->path, &spare),
		    "cannot be scaled: it has no \"numprocs\"");
	} else if (json_object_set_new(json_of(node), "numprocs",
		       json_integer((json_int_t)scale->n)) != 0) {
		m->l->scratch.failed = true;
	} else {
		count->value = json_object_get(node->value, "numprocs");
	}
}

/* -------- the whole -------- */

/* The root has children, if only declared ones. */
static bool
make_root(struct merge *m)
{
	struct rv_cnode *root = m->l->doc.root, *last = last_of(root);

	return rv_cnode_get(root, "children") != NULL ||
	       make_node(m, root, &last, "children", json_object(), 0) != NULL;
}

bool
rv_conf_merge(struct rv_loader *l)
{
	struct merge m = { .l = l, .declared = l->source->declared };
	size_t n = m.declared != NULL ? rv_declared_count(m.declared) : 0;
	size_t root = n > 0 ? rv_declared_find(m.declared, "/") : 0;
	const struct rv_declared_scale *scale;

	if (m.declared == NULL || !rv_cnode_is(l->doc.root, JSON_OBJECT)) {
		return true;
	}
	m.attached = rv_arena_get(&l->scratch, n + 1, sizeof(m.attached[0]));
	if (m.attached == NULL) {
		return false;
	}
	if (root < n) {
		m.attached[root] = true;
		attach_root(&m, root);
	}
	if (n > 0 && make_root(&m)) {
		add_place(&m, "", l->doc.root);
	}
	for (size_t i = 0; i < n && !l->scratch.failed; i++) {
		if (!m.attached[i]) {
			attach(&m, i);
		}
	}
	for (size_t i = 0; (scale = rv_declared_scaled(m.declared, i)) != NULL;
	     i++) {
		rescale(&m, scale);
	}
	rv_hash_finish(&m.places);
	return !l->scratch.failed;
}
