/* SPDX-License-Identifier: MIT */
/*
 * From the document to the tree of specs: one a unit, instances for numprocs,
 * paths, numbers in pre-order, and the index by path.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "config/conf_priv.h"

#define UNITS_MAX 100000

struct builder {
	struct rv_loader *l;
	uint32_t n;
	bool full;
};

/* A spec under its parent, last of its siblings; NULL without memory. */
static struct rv_spec *
add_spec(struct builder *b, struct rv_spec *parent, const char *name,
    const char *path, const struct rv_cnode *node)
{
	struct rv_cspec *made = rv_arena_get(b->l->arena, 1, sizeof(*made));
	struct rv_cspec *above;
	struct rv_spec *spec;

	if (made == NULL) {
		return NULL;
	}
	made->node = node;
	spec = &made->spec;
	spec->name = name;
	spec->path = path;
	spec->parent = parent;
	spec->line = node->declared != 0 ? 0 : node->line;
	b->n++;
	if (parent == NULL) {
		return spec;
	}
	above = (struct rv_cspec *)(void *)parent;
	if (above->last_child == NULL) {
		parent->first_child = spec;
	} else {
		above->last_child->next = spec;
	}
	above->last_child = spec;
	return spec;
}

static const char *
path_below(struct builder *b, const struct rv_spec *parent, const char *name)
{
	if (parent->parent == NULL) {
		return name;
	}
	return rv_arena_format(b->l->arena, "%s/%s", parent->path, name);
}

static bool
is_group(const struct rv_spec *parent)
{
	return parent != NULL && parent->policy->strategy != RV_ONE_FOR_ONE;
}

static void
set_policy(
    struct builder *b, const struct rv_cscope *scope, struct rv_spec *spec)
{
	struct rv_policy policy;

	rv_conf_policy(b->l, scope, &policy, is_group(spec->parent));
	if (spec->parent == NULL) {
		policy.autostart = true;
	}
	spec->policy = rv_conf_keep_policy(b->l, &policy);
}

static void
check_significant(struct builder *b, const struct rv_spec *spec)
{
	const struct rv_cnode *node = rv_conf_node_of(spec);

	if (!spec->policy->significant || spec->parent == NULL) {
		return;
	}
	node = rv_cnode_get(node, "significant") != NULL
		   ? rv_cnode_get(node, "significant")
		   : node;
	if (spec->parent->policy->auto_shutdown == RV_SHUTDOWN_NEVER) {
		rv_conf_error(
		    b->l, node, "needs auto_shutdown in its supervisor");
	} else if (spec->policy->restart == RV_PERMANENT) {
		rv_conf_error(b->l, node,
		    "a permanent child never ends by itself: it cannot be "
		    "significant");
	}
}

/* As in supervisord: a program outside of any group is its own. */
static const char *
group_name(const struct rv_spec *super, const char *word)
{
	return super->parent != NULL ? super->name : word;
}

/* Said once, at the first that has no room. */
static bool
has_room(struct builder *b, const struct rv_cnode *node)
{
	if (b->n < UNITS_MAX) {
		return true;
	}
	if (!b->full) {
		rv_conf_error(
		    b->l, node, "too many units: at most %d", UNITS_MAX);
	}
	b->full = true;
	return false;
}

static void
build_instance(struct builder *b, const struct rv_cscope *scope,
    struct rv_spec *parent, const struct rv_policy *policy, int number)
{
	const char *word = parent->name;
	struct rv_expansion x = {
		.program_name = word,
		.group_name = group_name(parent->parent, word),
		.process_num = number,
	};
	const char *name = rv_arena_format(b->l->arena, "%s.%d", word, number);
	const char *path =
	    rv_arena_format(b->l->arena, "%s.%d", parent->path, number);
	struct rv_spec *spec = add_spec(b, parent, name, path, scope->own);

	if (spec == NULL) {
		return;
	}
	spec->policy = policy;
	rv_conf_program(b->l, scope, spec, &x);
}

static void
build_instances(struct builder *b, const struct rv_cscope *scope,
    struct rv_spec *parent, const char *name)
{
	int n = (int)rv_conf_int(b->l, scope, RV_CKEY_NUMPROCS);
	int start = (int)rv_conf_int(b->l, scope, RV_CKEY_NUMPROCS_START);
	struct rv_policy whole, one;
	const struct rv_policy *policy;
	struct rv_spec *spec =
	    add_spec(b, parent, name, path_below(b, parent, name), scope->own);

	if (spec == NULL) {
		return;
	}
	spec->instances = true;
	rv_conf_policy(b->l, scope, &one, is_group(parent));
	rv_conf_policy_whole(b->l, scope, &one, &whole);
	spec->policy = rv_conf_keep_policy(b->l, &whole);
	if (one.significant) {
		rv_conf_error(b->l, scope->own,
		    "with numprocs it cannot be significant: together its "
		    "instances never end");
	}
	/* What the name as a whole is to its siblings is the parent's. */
	one.autostart = true;
	one.significant = false;
	policy = rv_conf_keep_policy(b->l, &one);
	for (int i = 0; i < n && has_room(b, scope->own); i++) {
		build_instance(b, scope, spec, policy, start + i);
	}
}

/*
 * The place of a pool: a supervisor as of instances, and none of them until the
 * host declares its workers.
 */
static void
build_pool(struct builder *b, const struct rv_cscope *scope,
    struct rv_spec *parent, const char *name)
{
	struct rv_expansion x = {
		.program_name = name,
		.group_name = group_name(parent, name),
	};
	struct rv_policy whole, one;
	struct rv_spec *spec =
	    add_spec(b, parent, name, path_below(b, parent, name), scope->own);

	if (spec == NULL) {
		return;
	}
	spec->instances = true;
	rv_conf_policy(b->l, scope, &one, is_group(parent));
	rv_conf_policy_whole(b->l, scope, &one, &whole);
	spec->policy = rv_conf_keep_policy(b->l, &whole);
	rv_conf_pool(b->l, scope, spec, &x);
}

/* Its supervisor has such a window; one for a single process is none. */
static void
check_alone(struct builder *b, const struct rv_cnode *own)
{
	static const char *const keys[] = { "intensity", "period" };

	for (size_t i = 0; i < RV_ARRAY_LEN(keys); i++) {
		const struct rv_cnode *at = rv_cnode_get(own, keys[i]);

		if (at != NULL) {
			rv_conf_warn(b->l, at,
			    "without numprocs it means nothing: restarts are "
			    "counted by the supervisor");
		}
	}
}

static void
build_worker(struct builder *b, const struct rv_cscope *scope,
    struct rv_spec *parent, const char *name)
{
	struct rv_expansion x = {
		.program_name = name,
		.group_name = group_name(parent, name),
		.process_num =
		    (int)rv_conf_int(b->l, scope, RV_CKEY_NUMPROCS_START),
	};
	struct rv_spec *spec =
	    add_spec(b, parent, name, path_below(b, parent, name), scope->own);

	if (spec == NULL) {
		return;
	}
	set_policy(b, scope, spec);
	rv_conf_program(b->l, scope, spec, &x);
	check_significant(b, spec);
	check_alone(b, scope->own);
}

/* With its workers: the same place, as they were declared. */
static void
build_stand_in(struct builder *b, const struct rv_cscope *scope,
    struct rv_spec *parent, const char *name)
{
	struct rv_cspec place = { 0 };
	struct rv_cscope in = *scope;
	struct rv_expansion x = {
		.program_name = name,
		.group_name = group_name(parent, name),
	};

	place.spec.name = name;
	place.spec.path = path_below(b, parent, name);
	rv_conf_pool(b->l, scope, &place.spec, &x);
	in.own = scope->own->stand_in;
	if (rv_conf_lookup(b->l, &in, RV_CKEY_NUMPROCS) != NULL) {
		build_instances(b, &in, parent, name);
	} else {
		build_worker(b, &in, parent, name);
	}
}

static void build_children(
    struct builder *, const struct rv_cscope *, struct rv_spec *);

static void
build_unit(struct builder *b, const struct rv_cscope *above,
    struct rv_spec *parent, const struct rv_cnode *node)
{
	const char *name = rv_arena_strdup(b->l->arena, node->key);
	struct rv_cscope scope = {
		.own = node,
		.above = above,
		.is_worker = rv_cnode_get(node, "children") == NULL,
	};
	struct rv_spec *spec;

	if (rv_cnode_get(node, "pool") != NULL && scope.is_worker) {
		if (node->stand_in != NULL) {
			build_stand_in(b, &scope, parent, name);
		} else {
			build_pool(b, &scope, parent, name);
		}
		return;
	}
	if (scope.is_worker) {
		if (rv_conf_lookup(b->l, &scope, RV_CKEY_NUMPROCS) != NULL) {
			build_instances(b, &scope, parent, name);
		} else {
			build_worker(b, &scope, parent, name);
		}
		return;
	}
	spec = add_spec(b, parent, name, path_below(b, parent, name), node);
	if (spec == NULL) {
		return;
	}
	set_policy(b, &scope, spec);
	check_significant(b, spec);
	build_children(b, &scope, spec);
}

static void
build_children(
    struct builder *b, const struct rv_cscope *scope, struct rv_spec *spec)
{
	const struct rv_cnode *children = rv_cnode_get(scope->own, "children");

	if (children == NULL) {
		return;
	}
	for (const struct rv_cnode *n = children->first; n != NULL;
	     n = n->next) {
		if (!has_room(b, n)) {
			return;
		}
		if (rv_cnode_is(n, JSON_OBJECT) && n->key != NULL) {
			build_unit(b, scope, spec, n);
		}
	}
}

/* -------- the indexes -------- */

static struct rv_spec *
next_spec(struct rv_spec *spec)
{
	if (spec->first_child != NULL) {
		return spec->first_child;
	}
	while (spec != NULL && spec->next == NULL) {
		spec = spec->parent;
	}
	return spec != NULL ? spec->next : NULL;
}

static int
by_path(const void *a, const void *b)
{
	const struct rv_spec *x = *(const struct rv_spec *const *)a;
	const struct rv_spec *y = *(const struct rv_spec *const *)b;

	int order = strcmp(x->path, y->path);

	return order != 0 ? order : x->index < y->index ? -1 : 1;
}

/* Two of one path: an instance and a unit that is called like it. */
static void
check_unique(struct rv_loader *l, const struct rv_spec **sorted, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		if (strcmp(sorted[i - 1]->path, sorted[i]->path) == 0) {
			rv_conf_error(l, rv_conf_node_of(sorted[i]),
			    "there are two units with the path %s",
			    sorted[i]->path);
		}
	}
}

static bool
make_indexes(struct builder *b, struct rv_spec *root)
{
	struct rv_conf_block *block = b->l->block;
	const struct rv_spec **specs =
	    rv_arena_get(b->l->arena, b->n, sizeof(specs[0]));
	const struct rv_spec **sorted =
	    rv_arena_get(b->l->arena, b->n, sizeof(sorted[0]));
	uint32_t i = 0;

	if (specs == NULL || sorted == NULL) {
		return false;
	}
	for (struct rv_spec *s = root; s != NULL; s = next_spec(s)) {
		s->index = i;
		specs[i] = sorted[i] = s;
		i++;
	}
	qsort(sorted, i, sizeof(sorted[0]), by_path);
	check_unique(b->l, sorted, i);
	block->conf.root = root;
	block->conf.specs = specs;
	block->conf.n_specs = i;
	block->by_path = sorted;
	return true;
}

bool
rv_conf_build(struct rv_loader *l, const struct rv_cnode *node)
{
	struct builder b = { .l = l };
	struct rv_cscope scope = { .own = node };
	struct rv_spec *root =
	    add_spec(&b, NULL, l->block->conf.name, "/", node);

	if (root == NULL) {
		return false;
	}
	set_policy(&b, &scope, root);
	build_children(&b, &scope, root);
	return !l->arena->failed && make_indexes(&b, root);
}

const struct rv_spec *
rv_conf_find(const struct rv_conf *conf, const char *path)
{
	const struct rv_conf_block *block =
	    (const struct rv_conf_block *)(const void *)conf;
	uint32_t low = 0, high = conf->n_specs;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(block->by_path[middle]->path, path);

		if (order == 0) {
			return block->by_path[middle];
		}
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return NULL;
}
