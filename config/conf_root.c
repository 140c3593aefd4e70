/* SPDX-License-Identifier: MIT */
/*
 * The root's own keys: what the runtime is called, where it keeps its things,
 * how much its journal holds. Called once by load.c, before the tree is made,
 * since paths of logs begin with the state directory.
 */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "config/conf_priv.h"

#define STATE_DIR_MAX 3072 /* room for logs/NAME within PATH_MAX */

static const char *
stem_of(struct rv_loader *l, const char *file)
{
	const char *name = strrchr(file, '/');
	const char *dot;

	name = name != NULL ? name + 1 : file;
	dot = strrchr(name, '.');
	return rv_arena_strndup(l->arena, name,
	    dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name));
}

/* As written, else the source's, else the stem of the file. */
static void
fill_name(struct rv_loader *l, const struct rv_cnode *root)
{
	const struct rv_cnode *node = rv_cnode_get(root, "name");
	const char *name = node != NULL ? json_string_value(node->value) : NULL;
	const char *other = l->source->name;

	if (name != NULL) {
		l->block->conf.name = rv_arena_strdup(l->arena, name);
		return;
	}
	if (other == NULL && l->file != NULL) {
		other = stem_of(l, l->file);
		if (node == NULL && !rv_conf_is_name(other)) {
			rv_conf_error(l, root,
			    "needs a \"name\": the file's name \"%.60s\" is "
			    "none",
			    other);
		}
	} else if (other == NULL) {
		rv_conf_error(l, root, "needs a \"name\": there is no file");
	} else if (!rv_conf_is_name(other)) {
		rv_conf_error(l, root,
		    "the runtime's name \"%.60s\" is none: use letters, "
		    "digits and _.@+-",
		    other);
	}
	l->block->conf.name =
	    rv_arena_strdup(l->arena, other != NULL ? other : "");
}

const char *
rv_conf_normalized(struct rv_loader *l, const char *path)
{
	char *out = rv_arena_get(l->arena, strlen(path) + 2, 1);
	size_t n = 0;

	if (out == NULL) {
		return "";
	}
	while (*path != '\0') {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 2 && path[0] == '.' && path[1] == '.') {
			while (n > 0 && out[--n] != '/') {
			}
		} else if (len > 0 && !(len == 1 && path[0] == '.')) {
			out[n++] = '/';
			memcpy(out + n, path, len);
			n += len;
		}
		path += len;
	}
	if (n == 0) {
		out[n++] = '/';
	}
	out[n] = '\0';
	return out;
}

static void
fill_dirs(struct rv_loader *l, const struct rv_cnode *root)
{
	const struct rv_cnode *node = rv_cnode_get(root, "state_dir");
	const char *text = node != NULL ? json_string_value(node->value) : NULL;
	struct rv_expansion x = { .program_name = l->block->conf.name,
		.group_name = "" };
	char state[STATE_DIR_MAX], runtime[256];
	struct reeve_error err;
	enum reeve_status status = REEVE_OK;

	if (text != NULL) {
		text = rv_conf_expand(l, &l->scratch, node, text, &x);
	} else if (node == NULL) {
		text = l->source->state_dir;
	}
	if (text != NULL) {
		text = rv_conf_normalized(l, rv_conf_absolute(l, text));
		if (rv_copy(state, sizeof(state), text) != strlen(text)) {
			status = rv_error(
			    &err, REEVE_ECONFIG, "the path is too long");
		}
	} else {
		status = rv_conf_dirs(l->block->conf.name, l->uid == 0, state,
		    sizeof(state), runtime, sizeof(runtime), &err);
	}
	if (status == REEVE_OK) {
		status = rv_conf_runtime_dir_of(
		    l->uid, state, runtime, sizeof(runtime), &err);
	}
	if (status != REEVE_OK) {
		rv_conf_error(l, node != NULL ? node : root, "%s", err.text);
		state[0] = runtime[0] = '\0';
	}
	l->block->conf.state_dir = rv_arena_strdup(l->arena, state);
	l->block->conf.runtime_dir = rv_arena_strdup(l->arena, runtime);
}

static void
fill_journal(struct rv_loader *l, const struct rv_cnode *root)
{
	const struct rv_cnode *o = rv_cnode_get(root, "journal");
	struct rv_journal_conf *j = &l->block->conf.journal;
	uint64_t tail = 0, ring = 0;
#define MEMBER(key) &rv_schema[key], rv_conf_member(l, o, key)
	bool good =
	    rv_cval_duration(l, MEMBER(RV_CKEY_JOURNAL_RETAIN), &j->retain) &&
	    rv_cval_duration(
		l, MEMBER(RV_CKEY_JOURNAL_OUTPUT_STALL), &j->output_stall) &&
	    rv_cval_size(l, MEMBER(RV_CKEY_JOURNAL_MAX_SIZE), &j->max_size) &&
	    rv_cval_size(l, MEMBER(RV_CKEY_JOURNAL_OUTPUT_TAIL), &tail) &&
	    rv_cval_size(l, MEMBER(RV_CKEY_JOURNAL_RING), &ring);
#undef MEMBER

	if (good) {
		j->output_tail = (uint32_t)tail;
		j->ring = (uint32_t)((ring + 4095) & ~(uint64_t)4095);
	}
}

/* For conf_fixed.c; what is not written is at the beginning. */
static void
fill_places(struct rv_loader *l, const struct rv_cnode *root)
{
	for (size_t i = 0; i < RV_CKEYS; i++) {
		const struct rv_schema_row *row = &rv_schema[i];
		const struct rv_cnode *in = root, *node;

		if (row->when != RV_CWHEN_REEVE) {
			continue;
		}
		if (row->where >= RV_CIN) {
			in = rv_cnode_get(
			    root, rv_schema[row->where - RV_CIN].name);
		}
		node = rv_cnode_get(in, row->name);
		l->block->places[i] = (struct rv_cplace){
			.line = node == NULL          ? 1
				: node->declared != 0 ? 0
						      : node->line,
			.column = node != NULL ? node->column : 1,
		};
	}
}

void
rv_conf_root(struct rv_loader *l, const struct rv_cnode *root)
{
	fill_name(l, root);
	fill_dirs(l, root);
	fill_journal(l, root);
	fill_places(l, root);
}
