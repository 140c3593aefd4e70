/* SPDX-License-Identifier: MIT */
/*
 * Loading, step by step: read, parse, check every key, build the tree, link it,
 * take digests; then report what was found in the order of the file. With an
 * error there is no conf.
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

/* -------- findings -------- */

static void
add_finding(struct rv_loader *l, enum rv_finding_level level, int line,
    int column, const char *text)
{
	struct rv_finding *f;

	for (unsigned i = 0; i < l->n_findings; i++) {
		f = &l->findings[i];
		if (f->line == line && f->column == column &&
		    strcmp(f->text, text) == 0) {
			return;
		}
	}
	l->n_errors += level == RV_FINDING_ERROR;
	if (l->n_findings == RV_FINDINGS_MAX) {
		return;
	}
	f = &l->findings[l->n_findings];
	*f = (struct rv_finding){
		.level = level,
		.line = line,
		.column = column,
		.order = l->n_findings++,
		.text = rv_arena_strdup(&l->scratch, text),
	};
}

void
rv_conf_flaw(void *ctx, int line, int column, const struct rv_cnode *in,
    const char *text)
{
	char path[512], whole[768];

	rv_cnode_path(in, path, sizeof(path));
	rv_format(whole, sizeof(whole), "%s%s%s", path,
	    path[0] != '\0' ? ": " : "", text);
	add_finding(ctx, RV_FINDING_ERROR, line, column, whole);
}

static void
say(struct rv_loader *l, enum rv_finding_level level,
    const struct rv_cnode *node, const char *fmt, va_list args)
{
	char path[512], text[512], whole[1024];

	rv_cnode_path(node, path, sizeof(path));
	vsnprintf(text, sizeof(text), fmt, args);
	rv_format(whole, sizeof(whole), "%s%s%s", path,
	    path[0] != '\0' ? ": " : "", text);
	add_finding(l, level, node != NULL ? node->line : 1,
	    node != NULL ? node->column : 1, whole);
}

void
rv_conf_error(
    struct rv_loader *l, const struct rv_cnode *node, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(l, RV_FINDING_ERROR, node, fmt, args);
	va_end(args);
}

void
rv_conf_warn(
    struct rv_loader *l, const struct rv_cnode *node, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(l, RV_FINDING_WARNING, node, fmt, args);
	va_end(args);
}

static int
in_file_order(const void *a, const void *b)
{
	const struct rv_finding *x = a, *y = b;

	if (x->line != y->line) {
		return x->line < y->line ? -1 : 1;
	}
	if (x->column != y->column) {
		return x->column < y->column ? -1 : 1;
	}
	return x->order < y->order ? -1 : x->order > y->order;
}

static void
report(struct rv_loader *l, rv_finding_cb *cb, void *ctx)
{
	if (cb == NULL || l->n_findings == 0) {
		return;
	}
	qsort(
	    l->findings, l->n_findings, sizeof(l->findings[0]), in_file_order);
	for (unsigned i = 0; i < l->n_findings; i++) {
		const struct rv_finding *f = &l->findings[i];
		struct reeve_error err = { 0 };

		rv_error(&err, REEVE_ECONFIG, "%s", f->text);
		rv_copy(err.where, sizeof(err.where), l->file);
		err.line = f->line;
		err.column = f->column;
		cb(ctx, f->level, &err);
	}
}

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

/* -------- the root's own keys -------- */

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

static void
fill_name(struct rv_loader *l, const struct rv_cnode *root)
{
	const struct rv_cnode *node = rv_cnode_get(root, "name");
	const char *name = node != NULL ? json_string_value(node->value) : NULL;

	l->block->conf.name = l->stem;
	if (name != NULL) {
		l->block->conf.name = rv_arena_strdup(l->arena, name);
	} else if (node == NULL && !rv_conf_is_name(l->stem)) {
		rv_conf_error(l, root,
		    "needs a \"name\": the file's name \"%.60s\" is none",
		    l->stem);
	}
}

/* Without "." and "..", so that one directory has one key. */
static const char *
normalized(struct rv_loader *l, const char *path)
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
	char state[PATH_MAX], runtime[256];
	struct reeve_error err;
	enum reeve_status status = REEVE_OK;

	if (text != NULL) {
		rv_copy(state, sizeof(state),
		    normalized(l, rv_conf_absolute(
				      l, rv_conf_expand(l, node, text, &x))));
	} else {
		status = rv_conf_dirs(l->block->conf.name, geteuid() == 0,
		    state, sizeof(state), runtime, sizeof(runtime), &err);
	}
	if (status == REEVE_OK) {
		status =
		    rv_conf_runtime_dir(state, runtime, sizeof(runtime), &err);
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

static void
fill_text(struct rv_loader *l)
{
	struct rv_conf *conf = &l->block->conf;
	char *text = json_dumps(l->doc.json, JSON_COMPACT);

	if (text == NULL) {
		l->arena->failed = true;
		return;
	}
	conf->text = rv_arena_strdup(l->arena, text);
	rv_format(conf->digest, sizeof(conf->digest), "%016" PRIx64,
	    rv_fnv_str(RV_FNV_INIT, text));
	rv_free(text);
}

/* -------- the whole -------- */

static enum reeve_status
load_all(struct rv_loader *l, const char *text, size_t len)
{
	struct rv_conf *conf = &l->block->conf;

	l->findings =
	    rv_arena_get(&l->scratch, RV_FINDINGS_MAX, sizeof(l->findings[0]));
	if (l->findings == NULL || !make_defaults(l)) {
		return REEVE_ENOMEM;
	}
	l->stem = stem_of(l, l->file);
	conf->file = l->file;
	if (!rv_cdoc_parse(&l->doc, &l->scratch, text, len, rv_conf_flaw, l)) {
		return l->n_errors > 0 ? REEVE_ECONFIG : REEVE_ENOMEM;
	}
	rv_conf_check_root(l, l->doc.root);
	if (!json_is_object(l->doc.json)) {
		return REEVE_ECONFIG;
	}
	fill_name(l, l->doc.root);
	fill_dirs(l, l->doc.root);
	fill_journal(l, l->doc.root);
	fill_text(l);
	if (!rv_conf_build(l, l->doc.root) || !rv_conf_link(l)) {
		return REEVE_ENOMEM;
	}
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
	rv_cdoc_finish(&l->doc);
	rv_arena_finish(&l->scratch);
}

enum reeve_status
rv_conf_parse(struct rv_conf **out, const char *file, const char *text,
    size_t len, rv_finding_cb *cb, void *ctx)
{
	struct rv_loader l = { 0 };
	const char *slash;
	enum reeve_status status;

	l.block = rv_alloc(1, sizeof(*l.block));
	if (l.block == NULL) {
		return REEVE_ENOMEM;
	}
	l.arena = &l.block->arena;
	l.block->conf.refs = 1;
	l.file = normalized(&l, absolute_file(l.arena, file));
	slash = strrchr(l.file, '/');
	l.here =
	    slash == NULL || slash == l.file
		? "/"
		: rv_arena_strndup(l.arena, l.file, (size_t)(slash - l.file));
	status = load_all(&l, text, len);
	report(&l, cb, ctx);
	finish(&l);
	if (status != REEVE_OK) {
		rv_conf_unref(&l.block->conf);
		return status;
	}
	*out = &l.block->conf;
	return REEVE_OK;
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

bool
rv_conf_read(const char *path, struct rv_buf *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char block[65536];
	ssize_t n;

	if (fd == -1) {
		return false;
	}
	while ((n = read(fd, block, sizeof(block))) > 0 && !text->failed) {
		rv_buf_add(text, block, (size_t)n);
	}
	close(fd);
	return n >= 0;
}

enum reeve_status
rv_conf_load(
    struct rv_conf **out, const char *file, rv_finding_cb *cb, void *ctx)
{
	struct rv_buf text;
	enum reeve_status status = REEVE_ECONFIG;

	rv_buf_init(&text, FILE_MAX);
	if (!rv_conf_read(file, &text)) {
		cannot_read(cb, ctx, file, strerror(errno));
	} else if (text.failed) {
		cannot_read(cb, ctx, file, "larger than 16 MiB");
	} else {
		status = rv_conf_parse(
		    out, file, rv_buf_str(&text), text.len, cb, ctx);
	}
	rv_buf_finish(&text);
	return status;
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
