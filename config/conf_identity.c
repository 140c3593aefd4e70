/* SPDX-License-Identifier: MIT */
/*
 * Who a worker runs as: names become numbers here, at load, since nothing may
 * be looked up between clone and exec. Called by conf_program.c for each
 * worker; a tree of thousands asks for the same few users, so the last answer
 * is kept.
 */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "config/conf_priv.h"

#define ROOM_MIN   (16 * 1024)        /* bytes of a user's or group's entry */
#define ROOM_MAX   (16 * 1024 * 1024) /* of one with very many members */
#define GROUPS_MAX 65536              /* what the kernel takes */

/* The first room, or one twice as large; false when there is no more. */
static bool
more_room(struct rv_loader *l)
{
	size_t size = l->lookup_size == 0 ? ROOM_MIN : l->lookup_size * 2;

	if (size > ROOM_MAX) {
		return false;
	}
	l->lookup = rv_arena_get(&l->scratch, 1, size);
	l->lookup_size = l->lookup != NULL ? size : 0;
	return l->lookup != NULL;
}

/* By name, or by id where name is NULL; *hit is NULL where there is none. */
static int
find_user(struct rv_loader *l, const char *name, uid_t uid,
    struct passwd *entry, struct passwd **hit)
{
	int err = ERANGE;

	*hit = NULL;
	while (err == ERANGE && (l->lookup_size > 0 || more_room(l))) {
		err = name != NULL ? getpwnam_r(name, entry, l->lookup,
					 l->lookup_size, hit)
				   : getpwuid_r(uid, entry, l->lookup,
					 l->lookup_size, hit);
		if (err == ERANGE && !more_room(l)) {
			break;
		}
	}
	return err;
}

static int
find_group(struct rv_loader *l, const char *name, gid_t *gid, bool *found)
{
	struct group entry, *hit = NULL;
	int err = ERANGE;

	while (err == ERANGE && (l->lookup_size > 0 || more_room(l))) {
		err = getgrnam_r(name, &entry, l->lookup, l->lookup_size, &hit);
		if (err == ERANGE && !more_room(l)) {
			break;
		}
	}
	*found = hit != NULL;
	if (hit != NULL) {
		*gid = hit->gr_gid;
	}
	return err;
}

/* Some databases answer "none" by one of these. */
static bool
is_trouble(int err)
{
	return err != 0 && err != ENOENT && err != ESRCH && err != EBADF &&
	       err != EPERM;
}

static void
tell_missing(const struct rv_cmake *m, const struct rv_cnode *node,
    const char *what, const char *name, int err)
{
	if (is_trouble(err)) {
		rv_conf_error(m->l, node, "cannot look up the %s %.100s: %s",
		    what, name, strerror(err));
	} else {
		rv_conf_error(m->l, node, "no such %s: %.100s", what, name);
	}
}

/* The value as text, NULL where nothing is written or it was refused. */
static const char *
text_of(const struct rv_cmake *m, const struct rv_cnode *node)
{
	if (rv_cnode_is(node, JSON_INTEGER)) {
		return rv_arena_format(&m->l->scratch, "%" PRId64,
		    (int64_t)json_integer_value(node->value));
	}
	if (!rv_cnode_is(node, JSON_STRING)) {
		return NULL;
	}
	return rv_conf_expand(
	    m->l, &m->l->scratch, node, json_string_value(node->value), m->x);
}

/* The name in the user database, NULL where there is no entry. */
static const char *
fill_user(
    const struct rv_cmake *m, const struct rv_cnode *node, const char *text)
{
	struct passwd entry, *hit;
	int64_t id = 0;
	bool numeric = rv_parse_int(text, 0, UINT32_MAX - 1, &id);
	int err =
	    find_user(m->l, numeric ? NULL : text, (uid_t)id, &entry, &hit);

	m->p->set_user = true;
	m->p->uid = (uid_t)id;
	if (hit == NULL) {
		if (!numeric) {
			tell_missing(m, node, "user", text, err);
		}
		return NULL;
	}
	m->p->uid = hit->pw_uid;
	m->p->set_group = true;
	m->p->gid = hit->pw_gid;
	return rv_arena_strdup(&m->l->scratch, hit->pw_name);
}

static void
fill_group(
    const struct rv_cmake *m, const struct rv_cnode *node, const char *text)
{
	int64_t id = 0;
	bool found = false;
	int err;

	m->p->set_group = true;
	if (rv_parse_int(text, 0, UINT32_MAX - 1, &id)) {
		m->p->gid = (gid_t)id;
		return;
	}
	err = find_group(m->l, text, &m->p->gid, &found);
	if (!found) {
		tell_missing(m, node, "group", text, err);
	}
}

/* The groups that a login of this user would have, with this one as first. */
static void
fill_groups(const struct rv_cmake *m, const char *name)
{
	int n = 0;
	gid_t *groups;

	getgrouplist(name, m->p->gid, NULL, &n);
	if (n <= 0 || n > GROUPS_MAX) {
		return;
	}
	groups = rv_arena_get(m->l->arena, (size_t)n, sizeof(*groups));
	if (groups != NULL && getgrouplist(name, m->p->gid, groups, &n) >= 0) {
		m->p->groups = groups;
		m->p->n_groups = (unsigned)n;
	}
}

/* Who is not root can be itself only, for which nothing needs to be set. */
static void
check_rights(const struct rv_cmake *m, const struct rv_cnode *user,
    const struct rv_cnode *group)
{
	if (m->l->uid == 0) {
		return;
	}
	if (user != NULL && m->p->uid != m->l->uid) {
		rv_conf_error(
		    m->l, user, "only root can run a worker as another user");
	}
	if (group != NULL && m->p->gid != m->l->gid) {
		rv_conf_error(
		    m->l, group, "only root can run a worker in another group");
	}
	m->p->set_user = m->p->set_group = false;
	m->p->n_groups = 0;
}

static unsigned
said(const struct rv_loader *l)
{
	return l->n_errors + l->n_warnings + l->n_unsaid;
}

static void
fill(const struct rv_cmake *m, const char *user_text, const char *group_text)
{
	const struct rv_cnode *user =
	    rv_conf_lookup(m->l, m->scope, RV_CKEY_USER);
	const struct rv_cnode *group =
	    rv_conf_lookup(m->l, m->scope, RV_CKEY_GROUP);
	unsigned before = said(m->l);
	const char *name = NULL;

	if (user_text != NULL) {
		name = fill_user(m, user, user_text);
	}
	if (group_text != NULL) {
		fill_group(m, group, group_text);
	}
	if (name != NULL) {
		fill_groups(m, name);
	}
	check_rights(m, user_text != NULL ? user : NULL,
	    group_text != NULL ? group : NULL);
	if (m->p->set_user && !m->p->set_group && said(m->l) == before) {
		rv_conf_warn(m->l, user,
		    "%s is not in the user database: give a \"group\" too, or "
		    "it keeps that of reeve",
		    user_text);
	}
}

void
rv_cmake_identity(const struct rv_cmake *m)
{
	struct rv_loader *l = m->l;
	const char *user =
	    text_of(m, rv_conf_lookup(l, m->scope, RV_CKEY_USER));
	const char *group =
	    text_of(m, rv_conf_lookup(l, m->scope, RV_CKEY_GROUP));
	unsigned before = said(l);
	const char *asked;

	if (user == NULL && group == NULL) {
		return;
	}
	asked = rv_arena_format(&l->scratch, "%s\n%s", user != NULL ? user : "",
	    group != NULL ? group : "");
	if (l->asked == NULL || strcmp(l->asked, asked) != 0) {
		fill(m, user, group);
		/* What was said belongs to this place alone. */
		l->asked = said(l) == before ? asked : NULL;
		l->answer = m->p;
		return;
	}
	m->p->set_user = l->answer->set_user;
	m->p->uid = l->answer->uid;
	m->p->set_group = l->answer->set_group;
	m->p->gid = l->answer->gid;
	m->p->groups = l->answer->groups;
	m->p->n_groups = l->answer->n_groups;
}
