/* SPDX-License-Identifier: MIT */
/*
 * Loading, step by step: read, parse, merge what is declared, check every key,
 * build the tree, link it, take digests; then report what was found in the
 * order of the file. With an error there is no conf.
 */
#include "config.h"

#include "config/load.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"
#include "config/conf_priv.h"

#define FILE_MAX (16 * 1024 * 1024)

/* -------- defaults as nodes -------- */

static struct rv_cnode *
node_from(struct rv_loader *l, const json_t *value, const char *key)
{
	struct rv_cnode *node = rv_arena_get(&l->scratch, 1, sizeof(*node));
	struct rv_cnode **end;
	size_t i;
	json_t *item;

	if (node == NULL) {
		return NULL;
	}
	*node = (struct rv_cnode){
		.value = value, .key = key, .line = 1, .column = 1
	};
	end = &node->first;
	if (!json_is_array(value)) {
		return node;
	}
	for (i = 0; (item = json_array_get(value, i)) != NULL; i++) {
		*end = node_from(l, item, NULL);
		if (*end == NULL) {
			return NULL;
		}
		(*end)->parent = node;
		(*end)->index = (unsigned)i;
		end = &(*end)->next;
	}
	return node;
}

static bool
make_defaults(struct rv_loader *l)
{
	for (size_t i = 0; i < RV_CKEYS; i++) {
		const char *text = rv_schema[i].otherwise;

		if (strcmp(text, "null") == 0) {
			continue;
		}
		l->otherwise_json[i] = json_loads(text, JSON_DECODE_ANY, NULL);
		if (l->otherwise_json[i] == NULL) {
			return false;
		}
		l->otherwise[i] =
		    node_from(l, l->otherwise_json[i], rv_schema[i].name);
		if (l->otherwise[i] == NULL) {
			return false;
		}
	}
	return true;
}

/* -------- the whole -------- */

static int
add_text(const char *text, size_t len, void *ctx)
{
	rv_buf_add(ctx, text, len);
	return 0;
}

/* Not json_dumps: its memory would be that of the host's jansson. */
static void
fill_text(struct rv_loader *l)
{
	struct rv_conf *conf = &l->block->conf;
	struct rv_buf text;

	rv_buf_init(&text, 4 * (size_t)FILE_MAX);
	if (json_dump_callback(l->doc.json, add_text, &text, JSON_COMPACT) !=
		0 ||
	    text.failed) {
		l->arena->failed = true;
	}
	conf->text = rv_arena_strndup(l->arena, rv_buf_str(&text), text.len);
	rv_format(conf->digest, sizeof(conf->digest), "%016" PRIx64,
	    rv_fnv_str(RV_FNV_INIT, conf->text));
	rv_buf_finish(&text);
}

/* Of a file its text; without one all is declared. */
struct input {
	const char *text;
	size_t len;
};

static bool
read_tree(struct rv_loader *l, const struct input *input)
{
	static const char empty[] = "{\"children\": {}}";
	const char *text = input != NULL ? input->text : empty;
	size_t len = input != NULL ? input->len : sizeof(empty) - 1;

	return rv_cdoc_parse(
		   &l->doc, &l->scratch, text, len, rv_conf_flaw, l) &&
	       rv_conf_merge(l);
}

static enum reeve_status
load_all(struct rv_loader *l, const struct input *input)
{
	if (!rv_conf_findings_init(l) || !make_defaults(l)) {
		return REEVE_ENOMEM;
	}
	l->block->conf.file = l->file;
	if (input != NULL && input->len > FILE_MAX) {
		rv_conf_error(l, NULL, "the file is larger than 16 MiB");
		return REEVE_ECONFIG;
	}
	if (!read_tree(l, input)) {
		return l->scratch.failed ? REEVE_ENOMEM : REEVE_ECONFIG;
	}
	rv_conf_check_root(l, l->doc.root);
	if (!json_is_object(l->doc.json)) {
		return REEVE_ECONFIG;
	}
	rv_conf_root(l, l->doc.root);
	fill_text(l);
	if (!rv_conf_build(l, l->doc.root) || !rv_conf_link(l) ||
	    !rv_conf_listen(l, l->doc.root) ||
	    !rv_conf_signals(l, l->doc.root) || !rv_conf_doubt(l)) {
		return REEVE_ENOMEM;
	}
	rv_conf_look(l);
	rv_conf_digest(l);
	if (l->arena->failed || l->scratch.failed) {
		return REEVE_ENOMEM;
	}
	return l->n_errors > 0 ? REEVE_ECONFIG : REEVE_OK;
}

static const char *
absolute_file(struct rv_arena *arena, const char *file)
{
	char cwd[PATH_MAX];

	if (file[0] == '/' || getcwd(cwd, sizeof(cwd)) == NULL) {
		return rv_arena_strdup(arena, file);
	}
	return rv_arena_format(arena, "%s/%s", cwd, file);
}

static void
finish(struct rv_loader *l)
{
	for (size_t i = 0; i < RV_CKEYS; i++) {
		json_decref(l->otherwise_json[i]);
	}
	json_decref(l->stand_ins);
	rv_cdoc_finish(&l->doc);
	rv_arena_finish(&l->scratch);
}

/* The file, and the folder that paths are relative to. */
static void
fill_places(struct rv_loader *l)
{
	const char *file = l->source->file;
	char cwd[PATH_MAX];
	const char *slash;

	if (file == NULL) {
		l->here = getcwd(cwd, sizeof(cwd)) != NULL
			      ? rv_arena_strdup(l->arena, cwd)
			      : "/";
		return;
	}
	l->file = rv_conf_normalized(l, absolute_file(l->arena, file));
	slash = strrchr(l->file, '/');
	l->here = slash == NULL || slash == l->file
		      ? "/"
		      : rv_arena_strndup(
			    l->arena, l->file, (size_t)(slash - l->file));
}

/* input NULL: the source has no file. */
static enum reeve_status
parse(struct rv_conf **out, const struct rv_conf_source *source,
    const struct input *input, rv_finding_cb *cb, void *ctx)
{
	struct rv_loader l = { .source = source,
		.uid = source->has_owner ? source->uid : geteuid(),
		.gid = source->has_owner ? source->gid : getegid() };
	enum reeve_status status;

	l.block = rv_alloc(1, sizeof(*l.block));
	if (l.block == NULL) {
		return REEVE_ENOMEM;
	}
	l.arena = &l.block->arena;
	l.block->conf.refs = 1;
	fill_places(&l);
	status = load_all(&l, input);
	if (status != REEVE_ENOMEM) {
		/* Without memory what was found may be wrong itself. */
		rv_conf_report(&l, cb, ctx);
	}
	finish(&l);
	if (status != REEVE_OK) {
		rv_conf_unref(&l.block->conf);
		return status;
	}
	*out = &l.block->conf;
	return REEVE_OK;
}

enum reeve_status
rv_conf_parse(struct rv_conf **out, const char *file, const char *text,
    size_t len, rv_finding_cb *cb, void *ctx)
{
	const struct rv_conf_source source = { .file = file };

	return rv_conf_parse_source(out, &source, text, len, cb, ctx);
}

enum reeve_status
rv_conf_parse_source(struct rv_conf **out, const struct rv_conf_source *source,
    const char *text, size_t len, rv_finding_cb *cb, void *ctx)
{
	const struct input input = { text, len };

	return parse(out, source, &input, cb, ctx);
}

static void
cannot_read(rv_finding_cb *cb, void *ctx, const char *file, const char *why)
{
	struct reeve_error err;

	rv_error(&err, REEVE_ECONFIG, "cannot read %s: %s", file, why);
	rv_copy(err.where, sizeof(err.where), file);
	if (cb != NULL) {
		cb(ctx, RV_FINDING_ERROR, &err);
	}
}

/* 0, or an errno: EFBIG for more than fits into the buffer. */
static int
read_all(int fd, struct rv_buf *text)
{
	char block[16384];
	ssize_t n;

	for (;;) {
		n = read(fd, block, sizeof(block));
		if (n == 0) {
			return 0;
		}
		if (n < 0 && errno != EINTR) {
			return errno;
		}
		if (n > 0 && text->len + (size_t)n > text->max) {
			return EFBIG;
		}
		if (n > 0) {
			rv_buf_add(text, block, (size_t)n);
		}
		if (text->failed) {
			return ENOMEM;
		}
	}
}

int
rv_conf_read(const char *path, bool regular, struct rv_buf *text)
{
	int fd = open(
	    path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (regular ? O_NONBLOCK : 0));
	struct stat st;
	int err;

	if (fd == -1) {
		return errno;
	}
	/* A pipe would hold up the runtime that is told to reload. */
	if (regular && (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))) {
		err = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	} else {
		err = read_all(fd, text);
	}
	close(fd);
	return err;
}

enum reeve_status
rv_conf_load_source(struct rv_conf **out, const struct rv_conf_source *source,
    rv_finding_cb *cb, void *ctx)
{
	struct rv_buf text;
	enum reeve_status status = REEVE_ECONFIG;
	int err;

	if (source->file == NULL) {
		return parse(out, source, NULL, cb, ctx);
	}
	rv_buf_init(&text, FILE_MAX);
	err = rv_conf_read(source->file, false, &text);
	if (err == ENOMEM) {
		status = REEVE_ENOMEM;
	} else if (err != 0) {
		cannot_read(cb, ctx, source->file,
		    err == EFBIG ? "it is larger than 16 MiB" : strerror(err));
	} else {
		status = rv_conf_parse_source(
		    out, source, rv_buf_str(&text), text.len, cb, ctx);
	}
	rv_buf_finish(&text);
	return status;
}

enum reeve_status
rv_conf_load(
    struct rv_conf **out, const char *file, rv_finding_cb *cb, void *ctx)
{
	const struct rv_conf_source source = { .file = file };

	return rv_conf_load_source(out, &source, cb, ctx);
}

enum reeve_status
rv_conf_load_looking(
    struct rv_conf **out, const char *file, rv_finding_cb *cb, void *ctx)
{
	const struct rv_functions any = { .rule = RV_FUNCTIONS_ANY };
	const struct rv_conf_source source = {
		.file = file, .functions = &any, .looking = true
	};

	return rv_conf_load_source(out, &source, cb, ctx);
}

struct rv_conf *
rv_conf_ref(struct rv_conf *conf)
{
	conf->refs++;
	return conf;
}

void
rv_conf_unref(struct rv_conf *conf)
{
	struct rv_conf_block *block = (struct rv_conf_block *)(void *)conf;
	struct rv_arena arena;

	if (conf == NULL || --conf->refs > 0) {
		return;
	}
	arena = block->arena;
	rv_free(block);
	rv_arena_finish(&arena);
}
