/* SPDX-License-Identifier: MIT */
/*
 * The sockets of a conf: those at the root and those that are a worker's own,
 * one list sorted by name; and the names that workers ask for. Called once the
 * specs are there. Opens nothing.
 */
#include "config.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "config/conf_address.h"

#define FIRST_FD 3 /* where handed down sockets begin */

/* A socket in the making, and where it is written. */
struct made {
	struct rv_listen listen;
	const struct rv_cnode *node;
	bool used;
};

struct listeners {
	struct rv_loader *l;
	struct made *list;
	size_t n;
};

/* -------- where it stands -------- */

void
rv_conf_check_address(struct rv_loader *l, const struct rv_cnode *node)
{
	const char *text;

	if (rv_cval_string(l, node, &text) && strchr(text, '%') == NULL) {
		rv_conf_judge_address(l, node, text);
	}
}

static void
check_one(struct rv_loader *l, const struct rv_cnode *node)
{
	rv_conf_check_name(l, node, node->key);
	if (json_is_string(node->value)) {
		rv_conf_check_address(l, node);
	} else if (json_is_object(node->value)) {
		rv_conf_check_object(
		    l, node, (unsigned)RV_CIN + RV_CKEY_LISTEN);
		if (rv_cnode_get(node, "address") == NULL) {
			rv_conf_error(l, node, "needs an \"address\"");
		}
	} else {
		rv_conf_error(l, node,
		    "must be an address such as \"tcp://127.0.0.1:80\", or an "
		    "object with one");
	}
}

void
rv_conf_check_listeners(struct rv_loader *l, const struct rv_cnode *node)
{
	if (!json_is_object(node->value)) {
		rv_conf_error(l, node,
		    "must be an object of sockets, such as {\"http\": "
		    "\"tcp://127.0.0.1:80\"}");
		return;
	}
	for (const struct rv_cnode *n = node->first; n != NULL; n = n->next) {
		check_one(l, n);
	}
}

static bool
is_named_before(const struct rv_cnode *node, const struct rv_cnode *item)
{
	const struct rv_cnode *n = node->first;

	while (n != item && (!json_is_string(n->value) ||
				strcmp(json_string_value(n->value),
				    json_string_value(item->value)) != 0)) {
		n = n->next;
	}
	return n != item;
}

static void
check_count(struct rv_loader *l, const struct rv_cnode *node)
{
	unsigned n = 0;

	for (const struct rv_cnode *c = node->first; c != NULL; c = c->next) {
		if (++n > RV_CLISTEN_MAX) {
			rv_conf_error(l, c, "too many sockets: at most %d",
			    RV_CLISTEN_MAX);
			return;
		}
	}
}

void
rv_conf_check_listen(struct rv_loader *l, const struct rv_cnode *node)
{
	const char *name;

	if (json_is_object(node->value)) {
		rv_conf_check_listeners(l, node);
		check_count(l, node);
		return;
	}
	if (!json_is_array(node->value)) {
		rv_conf_error(l, node,
		    "must be an array of names from the root's \"listen\", or "
		    "an object of sockets");
		return;
	}
	check_count(l, node);
	for (const struct rv_cnode *n = node->first; n != NULL; n = n->next) {
		if (rv_cval_string(l, n, &name) &&
		    rv_conf_check_name(l, n, name) &&
		    is_named_before(node, n)) {
			rv_conf_error(l, n, "stands here twice");
		}
	}
}

/* -------- the sockets -------- */

static void
refuse_for(struct rv_loader *l, const struct rv_cnode *node, const char *key,
    const char *why)
{
	const struct rv_cnode *at = rv_cnode_get(node, key);

	if (at != NULL) {
		rv_conf_error(l, at, "%s", why);
	}
}

/* What its kind of socket does not have. */
static void
check_kind(struct rv_loader *l, const struct rv_cnode *node,
    const struct rv_listen *listen)
{
	const struct sockaddr *address = listen->address;
	bool is_v6 = address == NULL || address->sa_family == AF_INET6;

	if (listen->kind == RV_LISTEN_UNIX) {
		refuse_for(l, node, "reuse_port", "a unix socket has no port");
	} else {
		refuse_for(l, node, "mode",
		    "only the file of a unix socket has a mode");
	}
	if (!is_v6) {
		refuse_for(
		    l, node, "v6_only", "only an IPv6 address can be v6_only");
	}
	if (listen->kind == RV_LISTEN_UDP) {
		refuse_for(l, node, "backlog",
		    "nobody connects to a udp socket: it has no backlog");
	}
}

static void
fill_options(
    struct rv_loader *l, const struct rv_cnode *node, struct rv_listen *listen)
{
	const struct rv_cnode *mode = rv_cnode_get(node, "mode");
	int64_t backlog;

	if (rv_cval_int(l, &rv_schema[RV_CKEY_LISTEN_BACKLOG],
		rv_conf_member(l, node, RV_CKEY_LISTEN_BACKLOG), &backlog)) {
		listen->backlog = (int)backlog;
	}
	rv_cval_bool(l, rv_conf_member(l, node, RV_CKEY_LISTEN_REUSE_PORT),
	    &listen->reuse_port);
	rv_cval_bool(l, rv_conf_member(l, node, RV_CKEY_LISTEN_V6_ONLY),
	    &listen->v6_only);
	listen->mode = -1;
	if (mode != NULL && !rv_cval_umask(l, mode, &listen->mode)) {
		listen->mode = -1;
	}
}

static void
add(struct listeners *all, const struct rv_cnode *node)
{
	struct rv_loader *l = all->l;
	struct made *made = &all->list[all->n];
	const struct rv_cnode *address =
	    json_is_object(node->value) ? rv_cnode_get(node, "address") : node;
	const char *text =
	    address != NULL ? json_string_value(address->value) : NULL;
	struct rv_expansion x = { .program_name = l->block->conf.name,
		.group_name = "" };

	*made = (struct made){ .node = node };
	made->listen.name = rv_arena_strdup(l->arena, node->key);
	all->n++;
	if (text == NULL) {
		return;
	}
	if (strchr(text, '%') != NULL) {
		text = rv_conf_expand(l, &l->scratch, address, text, &x);
	}
	if (rv_conf_resolve_address(l, address, text, &made->listen)) {
		fill_options(l, node, &made->listen);
		check_kind(l, node, &made->listen);
	}
}

static unsigned
count(const struct rv_cnode *object)
{
	unsigned n = 0;

	if (rv_cnode_is(object, JSON_OBJECT)) {
		for (const struct rv_cnode *c = object->first; c != NULL;
		     c = c->next) {
			n++;
		}
	}
	return n;
}

static void
add_all(struct listeners *all, const struct rv_cnode *object)
{
	if (rv_cnode_is(object, JSON_OBJECT)) {
		for (const struct rv_cnode *c = object->first; c != NULL;
		     c = c->next) {
			add(all, c);
		}
	}
}

/* A worker's own; once for all of its instances. */
static const struct rv_cnode *
own_object(const struct rv_spec *spec)
{
	if (spec->program == NULL ||
	    (spec->parent->instances && spec->parent->first_child != spec)) {
		return NULL;
	}
	return rv_cnode_get(rv_conf_node_of(spec), "listen");
}

/* -------- no two alike -------- */

static int
by_name(const void *a, const void *b)
{
	const struct made *x = a, *y = b;
	int order = strcmp(x->listen.name, y->listen.name);

	if (order != 0) {
		return order;
	}
	if (x->node->declared != y->node->declared) {
		return x->node->declared < y->node->declared ? -1 : 1;
	}
	if (x->node->line != y->node->line) {
		return x->node->line < y->node->line ? -1 : 1;
	}
	return x->node->column - y->node->column;
}

static void
check_names(struct listeners *all)
{
	const char *const *handed = all->l->source->handed;

	for (size_t i = 1; i < all->n; i++) {
		struct made *m = &all->list[i];

		if (strcmp(m->listen.name, all->list[i - 1].listen.name) == 0) {
			rv_conf_error(all->l, m->node,
			    "there are two sockets with the name \"%s\"",
			    m->listen.name);
		}
	}
	for (size_t i = 0; handed != NULL && i < all->n; i++) {
		for (const char *const *h = handed; *h != NULL; h++) {
			if (strcmp(*h, all->list[i].listen.name) == 0) {
				rv_conf_error(all->l, all->list[i].node,
				    "a socket with this name is handed over "
				    "by the program already");
			}
		}
	}
}

static int
by_address(const void *a, const void *b)
{
	const struct rv_listen *x = &(*(const struct made *const *)a)->listen;
	const struct rv_listen *y = &(*(const struct made *const *)b)->listen;

	if (x->kind != y->kind) {
		return (int)x->kind - (int)y->kind;
	}
	if (x->address_len != y->address_len) {
		return x->address_len < y->address_len ? -1 : 1;
	}
	return memcmp(x->address, y->address, x->address_len);
}

/* The kernel chooses a port of its own for each. */
static bool
has_any_port(const struct rv_listen *listen)
{
	const struct sockaddr *address = listen->address;

	if (address->sa_family == AF_INET) {
		return ((const struct sockaddr_in *)listen->address)
			   ->sin_port == 0;
	}
	return address->sa_family == AF_INET6 &&
	       ((const struct sockaddr_in6 *)listen->address)->sin6_port == 0;
}

static bool
check_addresses(struct listeners *all)
{
	const struct made **sorted =
	    rv_arena_get(&all->l->scratch, all->n + 1, sizeof(sorted[0]));
	size_t n = 0;

	if (sorted == NULL) {
		return false;
	}
	for (size_t i = 0; i < all->n; i++) {
		if (all->list[i].listen.address != NULL) {
			sorted[n++] = &all->list[i];
		}
	}
	qsort(sorted, n, sizeof(sorted[0]), by_address);
	for (size_t i = 1; i < n; i++) {
		const struct made *a = sorted[i - 1], *b = sorted[i];

		if (by_address(&a, &b) == 0 && !has_any_port(&a->listen) &&
		    !(a->listen.reuse_port && b->listen.reuse_port)) {
			rv_conf_error(all->l, b->node,
			    "\"%s\" and \"%s\" have the same address, %.150s",
			    b->listen.name, a->listen.name, b->listen.text);
		}
	}
	return true;
}

/* -------- who gets which -------- */

static struct made *
find(const struct listeners *all, const char *name)
{
	size_t low = 0, high = all->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(all->list[middle].listen.name, name);

		if (order == 0) {
			return &all->list[middle];
		}
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return NULL;
}

static bool
is_handed(const struct rv_loader *l, const char *name)
{
	for (const char *const *h = l->source->handed; h != NULL && *h != NULL;
	     h++) {
		if (strcmp(*h, name) == 0) {
			return true;
		}
	}
	return false;
}

static void
tell_unknown(
    const struct listeners *all, const struct rv_cnode *node, const char *name)
{
	const char *nearest = NULL;
	unsigned best = strlen(name) < 4 ? 2 : 3;

	for (size_t i = 0; i < all->n && !rv_conf_is_full(all->l); i++) {
		unsigned d = rv_distance(all->list[i].listen.name, name);

		if (d < best) {
			best = d;
			nearest = all->list[i].listen.name;
		}
	}
	if (nearest != NULL) {
		rv_conf_error(all->l, node,
		    "there is no socket \"%.60s\"; did you mean \"%s\"?", name,
		    nearest);
	} else {
		rv_conf_error(all->l, node,
		    "there is no socket \"%.60s\": declare it in the root's "
		    "\"listen\"%s",
		    name,
		    all->l->source->declared != NULL
			? ", or hand it over first: reeve_listen"
			: "");
	}
}

/* The names in `listen` of this spec, which are good as they are written. */
static void
check_spec(struct listeners *all, const struct rv_spec *spec)
{
	const struct rv_program *p = spec->program;
	const struct rv_cnode *own =
	    rv_cnode_get(rv_conf_node_of(spec), "listen");
	const struct rv_cnode *item =
	    rv_cnode_is(own, JSON_ARRAY) ? own->first : NULL;
	int n = 0;

	for (; p->listen != NULL && p->listen[n] != NULL; n++) {
		struct made *m = find(all, p->listen[n]);

		if (m != NULL) {
			m->used = true;
		} else if (!is_handed(all->l, p->listen[n]) &&
			   rv_conf_is_name(p->listen[n])) {
			tell_unknown(all,
			    item != NULL ? item : rv_conf_node_of(spec),
			    p->listen[n]);
		}
		item = item != NULL ? item->next : NULL;
	}
	if (n > 0 && p->ready == RV_CHANNEL_FD && p->ready_fd < FIRST_FD + n) {
		const struct rv_cnode *ready =
		    rv_cnode_get(rv_conf_node_of(spec), "ready");

		rv_conf_error(all->l,
		    ready != NULL ? ready : rv_conf_node_of(spec),
		    "descriptor %d is one of its sockets: use %d or higher",
		    p->ready_fd, FIRST_FD + n);
	}
}

static void
check_used(struct listeners *all, const struct rv_cnode *root)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct made *m = &all->list[i];

		if (!m->used && m->node->parent == root) {
			rv_conf_warn(all->l, m->node,
			    "no worker has \"%s\" in its \"listen\"",
			    m->listen.name);
		}
	}
}

static bool
keep(struct listeners *all)
{
	struct rv_conf *conf = &all->l->block->conf;
	struct rv_listen *kept =
	    rv_arena_get(all->l->arena, all->n, sizeof(*kept));

	if (kept == NULL) {
		return false;
	}
	for (size_t i = 0; i < all->n; i++) {
		kept[i] = all->list[i].listen;
	}
	conf->listens = kept;
	conf->n_listens = (unsigned)all->n;
	return true;
}

bool
rv_conf_listen(struct rv_loader *l, const struct rv_cnode *root)
{
	const struct rv_conf *conf = &l->block->conf;
	const struct rv_cnode *object = rv_cnode_get(root, "listen");
	struct listeners all = { .l = l };
	size_t room = count(object);

	for (uint32_t i = 0; i < conf->n_specs; i++) {
		room += count(own_object(conf->specs[i]));
	}
	all.list = rv_arena_get(&l->scratch, room, sizeof(all.list[0]));
	if (all.list == NULL) {
		return false;
	}
	add_all(&all, object);
	for (uint32_t i = 0; i < conf->n_specs; i++) {
		add_all(&all, own_object(conf->specs[i]));
	}
	qsort(all.list, all.n, sizeof(all.list[0]), by_name);
	check_names(&all);
	for (uint32_t i = 0; i < conf->n_specs; i++) {
		if (conf->specs[i]->program != NULL) {
			check_spec(&all, conf->specs[i]);
		}
	}
	check_used(&all, object);
	return check_addresses(&all) && keep(&all);
}

/* -------- names of a worker -------- */

void
rv_cmake_listen(const struct rv_cmake *m)
{
	const struct rv_cnode *node =
	    rv_conf_lookup(m->l, m->scope, RV_CKEY_LISTEN_OF);
	const char **names;
	size_t n = 0;

	/* In defaults an object is a mistake, which was told. */
	if (node == NULL ||
	    (!rv_cnode_is(node, JSON_ARRAY) && node->parent != m->scope->own)) {
		return;
	}
	for (const struct rv_cnode *c = node->first; c != NULL; c = c->next) {
		n++;
	}
	if (n == 0) {
		return;
	}
	names = rv_arena_get(m->l->arena, n + 1, sizeof(names[0]));
	if (names == NULL) {
		return;
	}
	n = 0;
	for (const struct rv_cnode *c = node->first; c != NULL; c = c->next) {
		const char *name =
		    c->key != NULL ? c->key : json_string_value(c->value);

		names[n++] =
		    rv_arena_strdup(m->l->arena, name != NULL ? name : "");
	}
	m->p->listen = names;
}

/* -------- what others ask -------- */

const struct rv_listen *
rv_conf_find_listen(const struct rv_conf *conf, const char *name)
{
	unsigned low = 0, high = conf->n_listens;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		int order = strcmp(conf->listens[middle].name, name);

		if (order == 0) {
			return &conf->listens[middle];
		}
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return NULL;
}

bool
rv_listen_is_same(const struct rv_listen *a, const struct rv_listen *b)
{
	return a->kind == b->kind && a->address_len == b->address_len &&
	       memcmp(a->address, b->address, a->address_len) == 0 &&
	       a->reuse_port == b->reuse_port && a->v6_only == b->v6_only;
}
