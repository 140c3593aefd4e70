/* SPDX-License-Identifier: MIT */
/*
 * Workers that are functions: how a function is named, what it is called with,
 * by which method its process is made, and which keys go with a command only.
 * Whether a name is registered is asked of the source; nothing is loaded here.
 */
#include "config.h"

#include <string.h>

#include "base/text.h"
#include "config/conf_priv.h"

#define NAME_MAX_LEN 128
#define ARGS_MAX     (128 * 1024) /* of what one start may have */

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

/* -------- how it is named -------- */

static bool
is_module(const char *text)
{
	size_t len = strlen(text);

	return strchr(text, '/') != NULL ||
	       (len > 3 && strcmp(text + len - 3, ".so") == 0);
}

static bool
is_registered(const char *text)
{
	return strchr(text, ':') == NULL && !is_module(text);
}

/* Says what is wrong; alone: a module without a name is enough. */
static bool
judge(struct rv_loader *l, const struct rv_cnode *node, const char *text,
    bool alone)
{
	const char *colon = strrchr(text, ':');
	size_t len = strlen(text);

	if (colon == NULL && is_module(text)) {
		if (!alone) {
			rv_conf_error(l, node,
			    "names a module without its function: write "
			    "\"%.200s:NAME\"",
			    text);
		}
		return alone;
	}
	if (colon == NULL) {
		if (len > 0 && len <= NAME_MAX_LEN &&
		    strspn(text, LETTERS DIGITS "_.-") == len) {
			return true;
		}
		rv_conf_error(l, node,
		    "\"%.60s\" is no function: use a registered name (letters, "
		    "digits and _.-), or \"path/module.so:name\"",
		    text);
		return false;
	}
	if (colon == text) {
		rv_conf_error(l, node, "names no module before the colon");
		return false;
	}
	if (strspn(colon + 1, LETTERS DIGITS "_") != strlen(colon + 1) ||
	    strspn(colon + 1, LETTERS "_") == 0) {
		rv_conf_error(l, node,
		    "\"%.60s\" is no name of a function in a module",
		    colon + 1);
		return false;
	}
	return true;
}

/* What has expressions is judged once they are replaced. */
static void
check_name(struct rv_loader *l, const struct rv_cnode *node, bool alone)
{
	const char *text;

	if (!rv_cval_string(l, node, &text)) {
		return;
	}
	if (text[0] == '\0') {
		rv_conf_error(l, node, "must not be empty");
	} else if (strchr(text, '%') == NULL) {
		judge(l, node, text, alone);
	}
}

void
rv_conf_check_function(struct rv_loader *l, const struct rv_cnode *node)
{
	check_name(l, node, false);
}

void
rv_conf_check_preload(struct rv_loader *l, const struct rv_cnode *node)
{
	if (!json_is_array(node->value)) {
		rv_conf_error(
		    l, node, "must be an array of functions and modules");
		return;
	}
	for (const struct rv_cnode *n = node->first; n != NULL; n = n->next) {
		check_name(l, n, true);
	}
}

/* The closest that is registered, or NULL. */
static const char *
nearest_function(struct rv_loader *l, const char *name)
{
	const struct rv_functions *f = l->source->functions;
	unsigned best = strlen(name) < 4 ? 2 : 3;
	const char *nearest = NULL, *other;

	if (f->name == NULL || rv_conf_is_full(l)) {
		return NULL;
	}
	for (unsigned i = 0; (other = f->name(f->ctx, i)) != NULL; i++) {
		unsigned d = rv_distance(other, name);

		if (d < best) {
			best = d;
			nearest = other;
		}
	}
	return nearest;
}

static void
tell_none(struct rv_loader *l, const struct rv_cnode *node, const char *name)
{
	rv_conf_error(l, node,
	    "\"%s\" is a function of some program, and this one has none: name "
	    "one of a module, \"path/module.so:NAME\", or let the program "
	    "that registers it run this",
	    name);
}

/* What the library registers for itself does not count. */
static bool
has_none(const struct rv_functions *f)
{
	const char *name;

	for (unsigned i = 0; (name = f->name(f->ctx, i)) != NULL; i++) {
		if (strncmp(name, "reeve.", 6) != 0) {
			return false;
		}
	}
	return true;
}

static void
tell_missing(struct rv_loader *l, const struct rv_cnode *node, const char *name)
{
	const struct rv_functions *f = l->source->functions;
	const char *nearest = nearest_function(l, name);

	if (f->name != NULL && has_none(f)) {
		tell_none(l, node, name);
	} else if (nearest != NULL) {
		rv_conf_error(l, node,
		    "no function \"%s\" is registered; did you mean "
		    "\"%.100s\"?",
		    name, nearest);
	} else {
		rv_conf_error(l, node,
		    "no function \"%s\" is registered in this program "
		    "(REEVE_FUNCTION)",
		    name);
	}
}

/* A registered name: is it one? */
static void
check_known(struct rv_loader *l, const struct rv_cnode *node, const char *name)
{
	const struct rv_functions *f = l->source->functions;
	enum reeve_status status;

	if (f == NULL) {
		return;
	}
	switch (f->rule) {
	case RV_FUNCTIONS_ANY:
		rv_conf_warn(l, node,
		    "whether a function \"%s\" is registered cannot be told "
		    "here: only the program that has it knows, and reeve run "
		    "has none",
		    name);
		break;
	case RV_FUNCTIONS_NONE:
		tell_none(l, node, name);
		break;
	case RV_FUNCTIONS_KNOWN:
		status = f->find(f->ctx, name);
		if (status == REEVE_EEXIST) {
			rv_conf_error(l, node,
			    "the function \"%s\" is registered twice in this "
			    "program: nobody can tell which is meant",
			    name);
		} else if (status != REEVE_OK) {
			tell_missing(l, node, name);
		}
		break;
	}
}

/* -------- bytes -------- */

static int
base64_digit(char c)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS "+/";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* Strict: no spaces, padded, no bits left over; false otherwise. */
static bool
decode(const char *text, size_t len, unsigned char *dst, size_t *n)
{
	size_t pad = 0;

	*n = 0;
	if (len % 4 != 0) {
		return false;
	}
	while (pad < 2 && len > 0 && text[len - 1] == '=') {
		len--;
		pad++;
	}
	for (size_t i = 0; i < len; i += 4) {
		size_t have = RV_MIN(len - i, (size_t)4);
		uint32_t bits = 0;

		for (size_t j = 0; j < 4; j++) {
			int digit = j < have ? base64_digit(text[i + j]) : 0;

			if (digit < 0) {
				return false;
			}
			bits = bits << 6 | (uint32_t)digit;
		}
		for (size_t j = 0; j < 3; j++) {
			unsigned char byte = (unsigned char)(bits >> 16);

			bits = bits << 8 & 0xffffff;
			if (j + 1 < have) {
				dst[(*n)++] = byte;
			} else if (byte != 0) {
				return false;
			}
		}
	}
	return true;
}

/* The bytes in this memory with a NUL behind; NULL: said why not. */
static const unsigned char *
bytes_of(struct rv_loader *l, struct rv_arena *arena,
    const struct rv_cnode *node, size_t *n)
{
	size_t len = json_string_length(node->value);
	unsigned char *bytes;
	const char *text;

	if (!rv_cval_string(l, node, &text)) {
		return NULL;
	}
	bytes = rv_arena_get(arena, len / 4 * 3 + 1, 1);
	if (bytes == NULL) {
		return NULL;
	}
	if (!decode(text, len, bytes, n)) {
		rv_conf_error(l, node,
		    "is no base64: A-Z a-z 0-9 + /, padded with = to a "
		    "multiple of four");
		return NULL;
	}
	bytes[*n] = '\0';
	return bytes;
}

void
rv_conf_check_base64(struct rv_loader *l, const struct rv_cnode *node)
{
	size_t n;

	if (bytes_of(l, &l->scratch, node, &n) != NULL && n > ARGS_MAX) {
		rv_conf_error(l, node, "are more than 128 KiB");
	}
}

/* -------- what goes together -------- */

/* Keys that a worker with a command cannot have. */
static void
check_command_alone(struct rv_loader *l, const struct rv_cnode *worker)
{
	static const char *const keys[] = { "args", "args_base64",
		"forkserver_preload" };
	const struct rv_cnode *method = rv_cnode_get(worker, "start_method");
	const char *text =
	    method != NULL ? json_string_value(method->value) : NULL;

	for (size_t i = 0; i < RV_ARRAY_LEN(keys); i++) {
		const struct rv_cnode *n = rv_cnode_get(worker, keys[i]);

		if (n != NULL) {
			rv_conf_error(l, n,
			    "goes with a \"function\", and this worker has a "
			    "command");
		}
	}
	if (text != NULL && strncmp(text, "fork", 4) == 0) {
		rv_conf_error(l, method,
		    "\"%.20s\" needs a \"function\": a command is another "
		    "program, of whose process nothing would stay that was "
		    "forked",
		    text);
	}
}

void
rv_conf_check_worker(struct rv_loader *l, const struct rv_cnode *worker)
{
	const struct rv_cnode *function = rv_cnode_get(worker, "function");
	const struct rv_cnode *bytes = rv_cnode_get(worker, "args_base64");
	const struct rv_cnode *crash = rv_cnode_get(worker, "crash_report");

	if (rv_cnode_get(worker, "command") != NULL) {
		if (function != NULL) {
			rv_conf_error(l, function,
			    "stands beside a command: a worker runs one of "
			    "them");
			return;
		}
		check_command_alone(l, worker);
		return;
	}
	if (function == NULL) {
		return;
	}
	if (bytes != NULL && rv_cnode_get(worker, "args") != NULL) {
		rv_conf_error(l, bytes,
		    "stands beside \"args\": a function gets one of them");
	}
	if (crash != NULL && json_is_true(crash->value)) {
		rv_conf_error(l, crash,
		    "is for commands: a function reports its crashes without "
		    "it");
	}
}

/* -------- the program -------- */

struct text {
	struct rv_buf buf;
	size_t len; /* of all of it, whether or not it fitted */
};

static int
add_text(const char *data, size_t len, void *ctx)
{
	struct text *text = ctx;

	text->len += len;
	rv_buf_add(&text->buf, data, len);
	return 0;
}

static void
fill_json(const struct rv_cmake *m, const struct rv_cnode *node)
{
	struct text text = { .len = 0 };

	rv_buf_init(&text.buf, ARGS_MAX);
	if (json_dump_callback(node->value, add_text, &text,
		JSON_COMPACT | JSON_ENCODE_ANY) != 0) {
		m->l->arena->failed = true;
	} else if (text.len > ARGS_MAX) {
		rv_conf_error(m->l, node, "are more than 128 KiB");
	} else if (text.buf.starved) {
		m->l->arena->failed = true;
	}
	m->p->args =
	    rv_arena_strndup(m->l->arena, rv_buf_str(&text.buf), text.buf.len);
	m->p->n_args = text.buf.len;
	m->p->args_are_json = true;
	rv_buf_finish(&text.buf);
}

static void
fill_args(const struct rv_cmake *m)
{
	const struct rv_cnode *json = rv_cnode_get(m->scope->own, "args");
	const struct rv_cnode *bytes =
	    rv_cnode_get(m->scope->own, "args_base64");
	size_t n = 0;

	m->p->args = "";
	if (json != NULL) {
		fill_json(m, json);
	} else if (bytes != NULL) {
		m->p->args = bytes_of(m->l, m->l->arena, bytes, &n);
		m->p->n_args = m->p->args != NULL ? n : 0;
	}
}

/* Replaced, judged, absolute; NULL: said why not. */
static const char *
name_of(const struct rv_cmake *m, const struct rv_cnode *node, bool alone)
{
	const char *text = rv_cmake_text(m, node);

	if (text[0] == '\0' ||
	    (strchr(json_string_value(node->value), '%') != NULL &&
		!judge(m->l, node, text, alone))) {
		return NULL;
	}
	if (is_registered(text)) {
		check_known(m->l, node, text);
		return text;
	}
	return rv_conf_absolute(m->l, text);
}

const char *
rv_cmake_function_name(const struct rv_cmake *m, const struct rv_cnode *node)
{
	return name_of(m, node, false);
}

static void
fill_preload(const struct rv_cmake *m)
{
	const struct rv_cnode *own =
	    rv_cnode_get(m->scope->own, "forkserver_preload");
	const struct rv_cnode *node =
	    rv_conf_lookup(m->l, m->scope, RV_CKEY_FORKSERVER_PRELOAD);
	const char **names;
	size_t n = 0;

	if (m->p->method != RV_METHOD_FORKSERVER) {
		if (own != NULL) {
			rv_conf_warn(m->l, own,
			    "has no effect: its start_method is no fork "
			    "server");
		}
		return;
	}
	for (const struct rv_cnode *c = node->first; c != NULL; c = c->next) {
		n++;
	}
	names = rv_arena_get(m->l->arena, n + 1, sizeof(names[0]));
	if (names == NULL) {
		return;
	}
	n = 0;
	for (const struct rv_cnode *c = node->first; c != NULL; c = c->next) {
		if (rv_cnode_is(c, JSON_STRING)) {
			names[n] = name_of(m, c, true);
			n += names[n] != NULL;
		}
	}
	m->p->preload = names;
}

static void
fill_method(const struct rv_cmake *m)
{
	const struct rv_cnode *node =
	    rv_conf_lookup(m->l, m->scope, RV_CKEY_START_METHOD);
	unsigned method = RV_METHOD_FORKSERVER;

	if (m->l->source->has_method) {
		method = m->l->source->default_method;
	}
	if (node != NULL &&
	    !rv_cval_enum(
		m->l, &rv_schema[RV_CKEY_START_METHOD], node, &method)) {
		return;
	}
	m->p->method = method;
}

/* Only the host's own program has what it registered; what it has not was
 * told already. */
static void
check_main(const struct rv_cmake *m, const struct rv_cnode *node)
{
	const struct rv_functions *f = m->l->source->functions;

	if (f != NULL && f->rule == RV_FUNCTIONS_KNOWN && !f->has_main &&
	    m->p->method != RV_METHOD_FORK && is_registered(m->p->function) &&
	    f->find(f->ctx, m->p->function) == REEVE_OK) {
		rv_conf_error(m->l, node,
		    "cannot be started by \"%s\": this program's main must "
		    "call reeve_main first, or start_method be \"fork\"",
		    m->p->method == RV_METHOD_SPAWN ? "spawn" : "forkserver");
	}
}

static void
fill_title(const struct rv_cmake *m)
{
	const char **argv = rv_arena_get(m->l->arena, 2, sizeof(argv[0]));

	if (argv != NULL) {
		argv[0] = rv_arena_format(m->l->arena, "%s: %s",
		    m->l->block->conf.name, m->spec->path);
		m->p->argv = argv;
	}
}

void
rv_cmake_function(const struct rv_cmake *m)
{
	const struct rv_cnode *node = rv_cnode_get(m->scope->own, "function");

	if (!rv_cnode_is(node, JSON_STRING)) {
		m->p->crash_report =
		    rv_conf_bool(m->l, m->scope, RV_CKEY_CRASH_REPORT);
		return;
	}
	m->p->function = name_of(m, node, false);
	if (m->p->function == NULL) {
		return;
	}
	fill_title(m);
	fill_method(m);
	fill_args(m);
	fill_preload(m);
	check_main(m, node);
}
