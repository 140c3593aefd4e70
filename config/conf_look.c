/* SPDX-License-Identifier: MIT */
/*
 * Looks whether a worker could be started here and now: its program, its
 * directory, words that only a shell would understand. All of it are warnings:
 * what is missing may come before it is needed. Called by load.c once the tree
 * stands; it touches the disk only where the loader was asked to look.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "config/conf_priv.h"

/* Where the launcher looks when there is no PATH. */
#define DEFAULT_PATH "/bin:/usr/bin"

enum found { FOUND, MISSING, UNFIT, UNKNOWN };

/* Many workers run one program in one directory: the last answers. */
struct look {
	struct rv_loader *l;
	const char *program, *path, *directory;
	enum found program_found, directory_found;
};

/* -------- what only a shell would understand -------- */

static const char *
skip_quoted(const char *at)
{
	char quote = *at++;

	for (; *at != '\0' && *at != quote; at++) {
		if (quote == '"' && *at == '\\' && at[1] != '\0') {
			at++;
		}
	}
	return at + (*at != '\0');
}

/* The first thing that a shell would replace, or NULL. */
static const char *
find_shellish(const char *text)
{
	bool begin = true; /* of a word */

	while (*text != '\0') {
		unsigned char next = (unsigned char)text[1];

		if (*text == '\'' || *text == '"') {
			text = skip_quoted(text);
			begin = false;
			continue;
		}
		if (*text == '*' || *text == '`' ||
		    (*text == '$' && next != '\0' &&
			(isalpha(next) || strchr("_{(", next) != NULL)) ||
		    (*text == '~' && begin)) {
			return text;
		}
		begin = isspace((unsigned char)*text);
		text += *text == '\\' && next != '\0' ? 2 : 1;
	}
	return NULL;
}

static void
check_words(struct rv_loader *l, const struct rv_cnode *command)
{
	const char *text =
	    command != NULL ? json_string_value(command->value) : NULL;
	const char *at = text != NULL ? find_shellish(text) : NULL;
	const char *name;
	int len;

	if (at == NULL) {
		return;
	}
	name = at + 1;
	len = (int)strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"
				"abcdefghijklmnopqrstuvwxyz");
	if (*at == '$' && len > 0 && len < 40) {
		rv_conf_warn(l, command,
		    "no shell is run, $%.*s stays as it is: write "
		    "%%(ENV_%.*s)s, or [\"sh\", \"-c\", ...]",
		    len, name, len, name);
	} else {
		rv_conf_warn(l, command,
		    "no shell is run, %c stays as it is: quote it if that is "
		    "meant, or use [\"sh\", \"-c\", ...]",
		    *at);
	}
}

/* -------- the program -------- */

static enum found
look_at(const char *file)
{
	struct stat st;

	if (stat(file, &st) != 0) {
		return errno == ENOENT || errno == ENOTDIR ? MISSING : UNKNOWN;
	}
	return S_ISREG(st.st_mode) && (st.st_mode & 0111) != 0 ? FOUND : UNFIT;
}

static const char *
path_of(const struct rv_program *p)
{
	const char *path = p->clear_env ? NULL : getenv("PATH");

	for (const char *const *e = p->env_set; *e != NULL; e++) {
		if (strncmp(*e, "PATH=", 5) == 0) {
			path = *e + 5;
		}
	}
	return path != NULL ? path : DEFAULT_PATH;
}

static enum found
search(const char *name, const char *path)
{
	enum found best = MISSING;
	char file[PATH_MAX];

	for (;;) {
		size_t len = strcspn(path, ":");

		/* Relative to a directory that may be nobody's yet. */
		if (path[0] != '/' || len + strlen(name) + 2 > sizeof(file)) {
			return UNKNOWN;
		}
		rv_format(file, sizeof(file), "%.*s/%s", (int)len, path, name);
		switch (look_at(file)) {
		case FOUND:
			return FOUND;
		case UNFIT:
			best = best == MISSING ? UNFIT : best;
			break;
		case UNKNOWN:
			best = UNKNOWN;
			break;
		case MISSING:
			break;
		}
		path += len;
		if (*path++ == '\0') {
			return best;
		}
	}
}

static bool
is_same(const char *a, const char *b)
{
	return a != NULL && strcmp(a, b) == 0;
}

static enum found
find_program(struct look *look, const struct rv_program *p, bool is_file)
{
	const char *path = is_file ? "" : path_of(p);

	if (!is_same(look->program, p->argv[0]) || !is_same(look->path, path)) {
		look->program = p->argv[0];
		look->path = path;
		look->program_found =
		    is_file ? look_at(p->argv[0]) : search(p->argv[0], path);
	}
	return look->program_found;
}

static void
check_program(struct look *look, const struct rv_program *p,
    const struct rv_cnode *command)
{
	const char *name = p->argv[0];
	bool is_file = strchr(name, '/') != NULL;
	enum found found = find_program(look, p, is_file);

	if (found == FOUND || found == UNKNOWN) {
		return;
	}
	if (rv_cnode_is(command, JSON_ARRAY) && p->argv[1] == NULL &&
	    strpbrk(name, " \t") != NULL) {
		rv_conf_warn(look->l, command,
		    "\"%.80s\" is one word: in an array each word stands by "
		    "itself; a string is split",
		    name);
	} else if (found == UNFIT) {
		rv_conf_warn(
		    look->l, command, "%.200s is not an executable file", name);
	} else if (is_file) {
		rv_conf_warn(look->l, command, "there is no %.200s", name);
	} else {
		rv_conf_warn(look->l, command,
		    "there is no program %.100s in its PATH: write its whole "
		    "path, or set PATH in its environment",
		    name);
	}
}

/* -------- the module of a function -------- */

static void
check_module(
    struct look *look, const struct rv_program *p, const struct rv_cnode *node)
{
	const char *colon = strrchr(p->function, ':');
	char file[PATH_MAX];
	struct stat st;

	if (colon == NULL) {
		return; /* a registered one */
	}
	rv_format(file, sizeof(file), "%.*s", (int)(colon - p->function),
	    p->function);
	if (is_same(look->program, p->function)) {
		return;
	}
	look->program = p->function;
	if (stat(file, &st) != 0) {
		if (errno == ENOENT || errno == ENOTDIR) {
			rv_conf_warn(
			    look->l, node, "there is no module %.200s", file);
		}
	} else if (!S_ISREG(st.st_mode)) {
		rv_conf_warn(look->l, node, "%.200s is no module", file);
	}
}

/* -------- the directory -------- */

static void
check_directory(
    struct look *look, const char *directory, const struct rv_cnode *node)
{
	const struct rv_cnode *at = rv_cnode_get(node, "directory");
	struct stat st;

	if (!is_same(look->directory, directory)) {
		look->directory = directory;
		look->directory_found = FOUND;
		if (stat(directory, &st) == 0) {
			look->directory_found =
			    S_ISDIR(st.st_mode) ? FOUND : UNFIT;
		} else if (errno == ENOENT || errno == ENOTDIR) {
			look->directory_found = MISSING;
		}
	}
	if (look->directory_found != FOUND) {
		rv_conf_warn(look->l, at != NULL ? at : node,
		    "there is no directory %.200s", directory);
	}
}

void
rv_conf_look(struct rv_loader *l)
{
	const struct rv_conf *conf = &l->block->conf;
	struct look look = { .l = l };
	bool is_looking = l->source->looking;

	for (uint32_t i = 0; i < conf->n_specs; i++) {
		const struct rv_spec *spec = conf->specs[i];
		const struct rv_cnode *node = rv_conf_node_of(spec);
		const struct rv_program *p = spec->program;
		const struct rv_cnode *command = rv_cnode_get(node, "command");

		if (p == NULL || p->argv == NULL || p->argv[0] == NULL) {
			continue;
		}
		check_words(l, command);
		if (is_looking && p->function != NULL) {
			check_module(&look, p, rv_cnode_get(node, "function"));
		} else if (is_looking && p->argv[0][0] != '\0') {
			check_program(&look, p, command);
		}
		if (is_looking && p->directory != NULL) {
			check_directory(&look, p->directory, node);
		}
	}
}
