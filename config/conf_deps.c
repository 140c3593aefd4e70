/* SPDX-License-Identifier: MIT */
/*
 * Dependencies: names to specs, and circles.
 *
 * A circle is looked for in what waits for what: the start of a unit waits for
 * the start of its parent, for its dependencies to be ready, and under a group
 * strategy for its predecessor to be ready; a unit is ready when it has started
 * and all below it are ready. That takes in circles through containment.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/conf_priv.h"

/* -------- names to specs -------- */

static const struct rv_spec *
sibling_named(const struct rv_spec *spec, const char *name)
{
	const struct rv_spec *s = spec->parent->first_child;

	while (s != NULL && strcmp(s->name, name) != 0) {
		s = s->next;
	}
	return s;
}

/* The closest of what is named `name`: a path anywhere, or a sibling. */
static const char *
nearest(struct rv_loader *l, const struct rv_spec *spec, const char *name)
{
	const struct rv_conf *conf = &l->block->conf;
	const char *found = NULL;
	bool is_path = name[0] == '/';
	unsigned best = strlen(name) < 4 ? 2 : 3;

	for (uint32_t i = 1; i < conf->n_specs && !rv_conf_is_full(l); i++) {
		const struct rv_spec *s = conf->specs[i];
		unsigned d;

		if (s == spec || (!is_path && s->parent != spec->parent)) {
			continue;
		}
		d = is_path ? rv_distance(s->path, name + 1)
			    : rv_distance(s->name, name);
		if (d < best) {
			best = d;
			found = is_path ? s->path : s->name;
		}
	}
	return found;
}

static void
tell_unknown(struct rv_loader *l, const struct rv_cnode *node,
    const struct rv_spec *spec, const char *name)
{
	const char *near = nearest(l, spec, name);

	if (name[0] == '/' && near != NULL) {
		rv_conf_error(l, node,
		    "there is no unit %.100s; did you mean \"/%s\"?", name,
		    near);
	} else if (name[0] == '/') {
		rv_conf_error(l, node, "there is no unit %.100s", name);
	} else if (near != NULL) {
		rv_conf_error(l, node,
		    "there is no sibling \"%.60s\"; did you mean \"%s\"?", name,
		    near);
	} else {
		rv_conf_error(l, node,
		    "there is no sibling \"%.60s\"; a unit elsewhere is named "
		    "by its path, as \"/web/app\"",
		    name);
	}
}

static bool
is_before(const struct rv_spec *a, const struct rv_spec *b)
{
	return a->index < b->index;
}

/* The spec that is depended on, or NULL: told. */
static const struct rv_spec *
resolve(struct rv_loader *l, const struct rv_spec *spec,
    const struct rv_cnode *node)
{
	const char *name = json_string_value(node->value);
	const struct rv_spec *on;

	if (name == NULL) {
		return NULL; /* told already */
	}
	on = name[0] == '/' && name[1] != '\0'
		 ? rv_conf_find(&l->block->conf, name + 1)
		 : sibling_named(spec, name);
	if (on == NULL) {
		tell_unknown(l, node, spec, name);
		return NULL;
	}
	if (on == spec) {
		rv_conf_error(l, node, "a unit cannot depend on itself");
		return NULL;
	}
	if (on->parent == spec->parent &&
	    spec->parent->policy->strategy != RV_ONE_FOR_ONE &&
	    is_before(spec, on)) {
		rv_conf_error(l, node,
		    "\"%s\" stands behind \"%s\": under a group strategy the "
		    "order of the file counts",
		    on->name, spec->name);
		return NULL;
	}
	return on;
}

static bool
resolve_all(struct rv_loader *l, struct rv_spec *spec)
{
	const struct rv_cnode *node =
	    rv_cnode_get(rv_conf_node_of(spec), "depends_on");
	const struct rv_spec **deps;
	unsigned n = 0;

	/* Instances share the object of their supervisor, which depends. */
	if (!rv_cnode_is(node, JSON_ARRAY) || spec->parent->instances) {
		return true;
	}
	for (const struct rv_cnode *c = node->first; c != NULL; c = c->next) {
		n++;
	}
	deps = rv_arena_get(l->arena, n + 1, sizeof(deps[0]));
	if (deps == NULL) {
		return false;
	}
	spec->deps = deps;
	for (const struct rv_cnode *c = node->first; c != NULL; c = c->next) {
		const struct rv_spec *on = resolve(l, spec, c);
		unsigned i = 0;

		while (i < spec->n_deps && deps[i] != on) {
			i++;
		}
		if (on != NULL && i == spec->n_deps) {
			deps[spec->n_deps++] = on;
		}
	}
	return true;
}

/* -------- circles -------- */

enum { NEW, OPEN, DONE };

/* Node 2i is the start of spec i, 2i + 1 its being ready. */
struct frame {
	uint32_t node;
	unsigned edge;               /* how many were followed */
	const struct rv_spec *child; /* the next one, of ready */
};

struct search {
	struct rv_loader *l;
	const struct rv_spec *const *specs;
	uint8_t *colour;
	struct frame *stack;
	size_t depth;
	unsigned told;
};

static const struct rv_spec *
predecessor(const struct rv_spec *spec)
{
	const struct rv_spec *p, *before = NULL;

	if (spec->parent == NULL ||
	    spec->parent->policy->strategy == RV_ONE_FOR_ONE) {
		return NULL;
	}
	for (p = spec->parent->first_child; p != spec; p = p->next) {
		before = p;
	}
	return before;
}

static bool
next_of_start(const struct rv_spec *spec, struct frame *f, uint32_t *to)
{
	unsigned edge = f->edge++;
	const struct rv_spec *before;

	if (edge == 0) {
		if (spec->parent != NULL) {
			*to = spec->parent->index * 2;
			return true;
		}
		edge = f->edge++;
	}
	if (edge <= spec->n_deps) {
		*to = spec->deps[edge - 1]->index * 2 + 1;
		return true;
	}
	before = edge == spec->n_deps + 1 ? predecessor(spec) : NULL;
	if (before == NULL) {
		return false;
	}
	*to = before->index * 2 + 1;
	return true;
}

static bool
next_of_ready(const struct rv_spec *spec, struct frame *f, uint32_t *to)
{
	if (f->edge++ == 0) {
		f->child = spec->first_child;
		*to = spec->index * 2;
		return true;
	}
	if (f->child == NULL) {
		return false;
	}
	*to = f->child->index * 2 + 1;
	f->child = f->child->next;
	return true;
}

static void
push(struct search *s, uint32_t node)
{
	s->colour[node] = OPEN;
	s->stack[s->depth++] = (struct frame){ .node = node };
}

static const struct rv_spec *
spec_of(const struct search *s, uint32_t node)
{
	return s->specs[node / 2];
}

/* The members of the circle that closes at `node`, each once. */
static void
tell_circle(struct search *s, uint32_t node)
{
	const struct rv_spec *last = NULL, *first = NULL, *blamed = NULL;
	struct rv_buf names;
	size_t i = s->depth;

	while (s->stack[i - 1].node != node) {
		i--;
	}
	rv_buf_init(&names, 2000);
	for (i--; i < s->depth; i++) {
		const struct rv_spec *spec = spec_of(s, s->stack[i].node);

		if (blamed == NULL && spec->n_deps > 0) {
			blamed = spec;
		}
		if (spec != last && spec != first) {
			rv_buf_addf(&names, "%s%s", names.len > 0 ? " -> " : "",
			    spec->path);
		}
		first = first != NULL ? first : spec;
		last = spec;
	}
	if (blamed == NULL) {
		blamed = first;
	}
	rv_conf_error(s->l,
	    rv_cnode_get(rv_conf_node_of(blamed), "depends_on") != NULL
		? rv_cnode_get(rv_conf_node_of(blamed), "depends_on")
		: rv_conf_node_of(blamed),
	    "a circle of waiting: %s -> %s", rv_buf_str(&names), first->path);
	rv_buf_finish(&names);
	s->told++;
}

static void
search_from(struct search *s, uint32_t begin)
{
	push(s, begin);
	while (s->depth > 0 && s->told < 10) {
		struct frame *f = &s->stack[s->depth - 1];
		const struct rv_spec *spec = spec_of(s, f->node);
		uint32_t to = 0;
		bool more = f->node % 2 == 0 ? next_of_start(spec, f, &to)
					     : next_of_ready(spec, f, &to);

		if (!more) {
			s->colour[f->node] = DONE;
			s->depth--;
		} else if (s->colour[to] == NEW) {
			push(s, to);
		} else if (s->colour[to] == OPEN) {
			tell_circle(s, to);
		}
	}
	s->depth = 0;
}

static bool
find_circles(struct rv_loader *l)
{
	uint32_t n = l->block->conf.n_specs;
	struct search s = {
		.l = l,
		.specs = l->block->conf.specs,
		.colour = rv_arena_get(&l->scratch, 2 * (size_t)n, 1),
		.stack = rv_arena_get(
		    &l->scratch, 2 * (size_t)n + 1, sizeof(s.stack[0])),
	};

	if (s.colour == NULL || s.stack == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < 2 * n && s.told < 10; i++) {
		if (s.colour[i] == NEW) {
			search_from(&s, i);
		}
	}
	return true;
}

bool
rv_conf_link(struct rv_loader *l)
{
	const struct rv_conf *conf = &l->block->conf;

	for (uint32_t i = 1; i < conf->n_specs; i++) {
		/* Still ours to fill. */
		if (!resolve_all(
			l, (struct rv_spec *)(uintptr_t)conf->specs[i])) {
			return false;
		}
	}
	return find_circles(l);
}
