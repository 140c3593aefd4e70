/* SPDX-License-Identifier: MIT */
/*
 * A config's text as a tree whose nodes know where they stand: jansson judges
 * the syntax and holds the values, a scan of the same text adds lines, columns
 * and what jansson cannot tell (a key that comes twice, too deep a nesting).
 */
#ifndef RV_CONFIG_NODE_H
#define RV_CONFIG_NODE_H

#include <jansson.h>

#include "config/conf_arena.h"

#define RV_CNODE_DEPTH 32

struct rv_cnode {
	const json_t *value; /* borrowed from the document */
	const char *key;     /* in an object, else NULL */
	int line, column;    /* of the key where there is one */
	unsigned index;      /* among its siblings */
	unsigned declared;   /* of the unit that it belongs to; 0: of a file */
	const char *unit;    /* the path of a declared unit, at its node */
	/* of a pool: what was declared at its place; NULL: nothing */
	const struct rv_cnode *stand_in;
	const struct rv_cnode *parent;
	struct rv_cnode *first, *next; /* members or items, in file order */
};

struct rv_cdoc {
	json_t *json;
	struct rv_cnode *root;
};

/* One flaw; may be called many times. */
typedef void rv_cnode_flaw_cb(void *ctx, int line, int column,
    const struct rv_cnode *in, const char *text);

/*
 * False when there is no tree: the text is no JSON (told), or no memory. With a
 * key that comes twice (told) there is one, which has the last. Nodes are of
 * the arena. rv_cdoc_finish always.
 */
bool rv_cdoc_parse(struct rv_cdoc *, struct rv_arena *, const char *text,
    size_t len, rv_cnode_flaw_cb *, void *ctx);
/* The same for the keys of a declared unit: see `declared`, which is not 0. */
bool rv_cdoc_parse_unit(struct rv_cdoc *, struct rv_arena *, unsigned declared,
    const char *unit, const char *text, rv_cnode_flaw_cb *, void *ctx);
void rv_cdoc_finish(struct rv_cdoc *);

/* The member of an object, or NULL. */
const struct rv_cnode *rv_cnode_get(const struct rv_cnode *, const char *key);
/* Behind all others; the parent's last is remembered where it is not NULL. */
void rv_cnode_append(
    struct rv_cnode *parent, struct rv_cnode **last, struct rv_cnode *child);
/* "children.web.startsecs", "stopsignal[1]"; as much as fits. Of a declared
 * unit "web/app: startsecs". */
void rv_cnode_path(const struct rv_cnode *, char *dst, size_t size);

static inline bool
rv_cnode_is(const struct rv_cnode *node, json_type type)
{
	return node != NULL && json_typeof(node->value) == type;
}

#endif
