/* SPDX-License-Identifier: MIT */
/*
 * From the options of a process to what the launcher is told: checked, copied
 * into one block of memory, and what the caller need not know of filled in.
 */
#include "config.h"

#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "process/process_priv.h"

/* When this process has ended without a word: TERM, and then KILL. */
#define LAST_GRACE (250 * RV_MS)

static const char *const lifelines[] = { RV_LIFELINE_NAME, NULL };
static const char *const nothing[] = { NULL };

/* -------- checks -------- */

static bool
is_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= RV_GIVEN_NAME ||
	    rv_utf8_valid(name, len) != len) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f) {
			return false;
		}
	}
	return true;
}

static enum reeve_status
check_gives(
    const struct reeve_process_options *options, struct reeve_error *err)
{
	if (options->n_gives > REEVE_GIVES_MAX) {
		return rv_error(err, REEVE_ETOOBIG,
		    "%zu things are given to a process, and %d are the most",
		    options->n_gives, REEVE_GIVES_MAX);
	}
	if (options->n_gives > 0 && options->gives == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "n_gives is %zu, and gives is NULL", options->n_gives);
	}
	for (size_t i = 0; i < options->n_gives; i++) {
		const struct reeve_give *give = &options->gives[i];

		if (give->name == NULL || !is_name(give->name)) {
			return rv_error(err, REEVE_EINVALID,
			    "gives[%zu] has no name of 1 to 63 bytes", i);
		}
		if (give->handle.n_fds > REEVE_HANDLE_FDS ||
		    (give->object == NULL) != (give->handle_of == NULL)) {
			return rv_error(err, REEVE_EINVALID,
			    "gives[%zu] (%s) is no handle", i, give->name);
		}
		if (give->handle.n_fds == 0 && give->object == NULL) {
			return rv_error(err, REEVE_EINVALID,
			    "gives[%zu] (%s) has an empty handle: closed, or "
			    "never filled in",
			    i, give->name);
		}
		for (size_t j = 0; j < i; j++) {
			if (strcmp(options->gives[j].name, give->name) == 0) {
				return rv_error(err, REEVE_EEXIST,
				    "two things are given as %s", give->name);
			}
		}
	}
	return REEVE_OK;
}

static enum rv_method
method_of(
    const struct reeve_context *context, const struct reeve_process_options *o)
{
	static const enum rv_method methods[] = {
		[REEVE_METHOD_SPAWN] = RV_METHOD_SPAWN,
		[REEVE_METHOD_FORK] = RV_METHOD_FORK,
		[REEVE_METHOD_FORKSERVER] = RV_METHOD_FORKSERVER,
	};

	return o->function == NULL ? RV_METHOD_SPAWN
				   : methods[o->method != REEVE_METHOD_DEFAULT
						 ? o->method
						 : context->method];
}

/*
 * What the process would say itself, too late to be noticed by who does not
 * ask. What is preloaded may register functions that this process has not.
 */
static enum reeve_status
check_function(const struct reeve_context *context,
    const struct reeve_process_options *o, struct reeve_error *err)
{
	enum rv_method method = method_of(context, o);
	reeve_function_fn *fn;
	enum reeve_status status;

	if (o->function == NULL || strpbrk(o->function, "/:") != NULL) {
		return REEVE_OK;
	}
	status = reeve_function_find(o->function, &fn);
	if (status == REEVE_EEXIST) {
		return rv_error(err, status,
		    "%s is registered twice in this program", o->function);
	}
	return status == REEVE_OK || (method == RV_METHOD_FORKSERVER &&
					 context->preload[0] != NULL)
		   ? REEVE_OK
		   : rv_error(err, status,
			 "%s is not registered in this program: "
			 "REEVE_FUNCTION(\"%s\", ...)",
			 o->function, o->function);
}

static enum reeve_status
check_env(const char *const *env, struct reeve_error *err)
{
	for (; env != NULL && *env != NULL; env++) {
		if (strchr(*env, '=') == NULL || **env == '=') {
			return rv_error(err, REEVE_EINVALID,
			    "\"%s\" in env is not of the form NAME=VALUE",
			    *env);
		}
	}
	return REEVE_OK;
}

static enum reeve_status
check_what(const struct reeve_process_options *o, struct reeve_error *err)
{
	enum reeve_status status;

	if ((o->function == NULL) == (o->argv == NULL)) {
		return rv_error(err, REEVE_EINVALID,
		    "a process has either a function or argv");
	}
	if (o->argv != NULL && o->argv[0] == NULL) {
		return rv_error(err, REEVE_EINVALID, "argv has no words");
	}
	if (o->function != NULL && o->function[0] == '\0') {
		return rv_error(
		    err, REEVE_EINVALID, "the function has no name");
	}
	if (o->args != NULL && o->bytes != NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "arguments are either JSON (args) or bytes");
	}
	if (o->function == NULL &&
	    (o->args != NULL || o->bytes != NULL || o->method != 0)) {
		return rv_error(err, REEVE_EINVALID,
		    "args, bytes and method are those of a function, and "
		    "there is none");
	}
	if (o->bytes == NULL && o->n_bytes > 0) {
		return rv_error(err, REEVE_EINVALID,
		    "n_bytes is %zu, and bytes is NULL", o->n_bytes);
	}
	if (o->limits == NULL && o->n_limits > 0) {
		return rv_error(err, REEVE_EINVALID,
		    "n_limits is %zu, and limits is NULL", o->n_limits);
	}
	if (o->method > REEVE_METHOD_FORKSERVER) {
		return rv_error(err, REEVE_EINVALID, "%u is no start method",
		    (unsigned)o->method);
	}
	if (o->name != NULL && !is_name(o->name)) {
		return rv_error(err, REEVE_EINVALID,
		    "the name is not 1 to 63 bytes of printable UTF-8");
	}
	status = check_env(o->env, err);
	return status == REEVE_OK ? check_gives(o, err) : status;
}

/* By these two it runs this very program, which has to notice. */
static enum reeve_status
check_main(const struct reeve_process *p, const char *function,
    struct reeve_error *err)
{
	reeve_function_fn *fn;

	if (function == NULL || p->program.method == RV_METHOD_FORK ||
	    reeve_main_called() ||
	    reeve_function_find(function, &fn) != REEVE_OK) {
		return REEVE_OK;
	}
	return rv_error(err, REEVE_EINVALID,
	    "by %s it would run this program, whose main must call reeve_main "
	    "first",
	    p->program.method == RV_METHOD_SPAWN ? "spawn" : "forkserver");
}

/* -------- copies -------- */

/* Counted first, with `at` NULL, then copied. */
struct block {
	char *at;
	size_t bytes;
};

static void *
carve(struct block *block, const void *from, size_t size)
{
	void *copy = block->at;
	size_t whole = (size + 15) & ~(size_t)15;

	block->bytes += whole;
	if (block->at != NULL) {
		if (size > 0) {
			memcpy(copy, from, size);
		}
		block->at += whole;
	}
	return copy;
}

static const char *
copy_text(struct block *block, const char *text)
{
	return text != NULL ? carve(block, text, strlen(text) + 1) : NULL;
}

static const char *const *
copy_words(struct block *block, const char *const *list)
{
	size_t n = 0;
	const char **copy;

	if (list == NULL) {
		return nothing;
	}
	while (list[n] != NULL) {
		n++;
	}
	copy = carve(block, list, (n + 1) * sizeof(*list));
	for (size_t i = 0; i < n; i++) {
		const char *text = copy_text(block, list[i]);

		if (copy != NULL) {
			copy[i] = text;
		}
	}
	return copy;
}

static void
copy_limits(struct block *block, struct rv_program *program,
    const struct reeve_process_options *o)
{
	for (size_t i = 0; i < o->n_limits; i++) {
		const struct reeve_process_limit *from = &o->limits[i];
		struct rv_limit limit = { .resource = from->resource,
			.soft = from->soft,
			.hard = from->hard,
			.has_soft = true,
			.has_hard = true };
		void *at = carve(block, &limit, sizeof(limit));

		if (i == 0) {
			program->limits = at;
		}
	}
	program->n_limits = (unsigned)o->n_limits;
}

static void
copy_gives(struct block *block, struct reeve_process *p,
    const struct reeve_process_options *o)
{
	p->n_gives = o->n_gives;
	p->gives =
	    carve(block, o->gives, o->n_gives * sizeof(struct reeve_give));
	for (size_t i = 0; i < o->n_gives; i++) {
		const char *name = copy_text(block, o->gives[i].name);

		if (p->gives != NULL) {
			p->gives[i].name = name;
		}
	}
}

static void
copy_all(struct block *block, struct reeve_process *p,
    const struct reeve_process_options *o)
{
	struct rv_program *program = &p->program;
	char title[RV_GIVEN_NAME + 16];
	const char *const function_argv[] = { title, NULL };

	rv_format(title, sizeof(title), "reeve: %s", p->name);
	program->argv =
	    copy_words(block, o->argv != NULL ? o->argv : function_argv);
	program->function = copy_text(block, o->function);
	program->env_set = copy_words(block, o->env);
	program->directory = copy_text(block, o->directory);
	copy_limits(block, program, o);
	copy_gives(block, p, o);
}

static bool
copy_args(struct reeve_process *p, const struct reeve_process_options *o)
{
	const char *from = o->args != NULL ? o->args : o->bytes;
	size_t n = o->args != NULL ? strlen(o->args) : o->n_bytes;

	if (from == NULL) {
		return true;
	}
	p->args = rv_alloc(1, n + 1);
	if (p->args == NULL) {
		return false;
	}
	memcpy(p->args, from, n);
	p->program.args = p->args;
	p->program.n_args = n;
	p->program.args_are_json = o->args != NULL;
	return true;
}

/* -------- what the caller need not know of -------- */

static void
name_it(struct reeve_process *p, const struct reeve_process_options *o)
{
	const char *what = o->function != NULL ? o->function : o->argv[0];
	const char *slash = strrchr(what, '/');

	if (o->name != NULL) {
		rv_copy(p->name, sizeof(p->name), o->name);
		return;
	}
	rv_format(p->name, sizeof(p->name), "%.*s-%u",
	    (int)rv_utf8_valid(slash != NULL ? slash + 1 : what,
		strnlen(slash != NULL ? slash + 1 : what, RV_GIVEN_NAME - 12)),
	    slash != NULL ? slash + 1 : what, ++p->context->names);
}

static void
fill_in(struct reeve_process *p, const struct reeve_process_options *o)
{
	p->policy = (struct rv_policy){ .kill_mode = RV_KILL_GROUP,
		.n_stop = 1,
		.stop = { { SIGTERM, LAST_GRACE } },
		.stop_group = true };
	p->program = (struct rv_program){ .umask = -1,
		.ready_fd = -1,
		.preload = p->context->preload,
		.listen =
		    o->function != NULL || o->n_gives > 0 ? lifelines : nothing,
		.out = { .kind = RV_OUT_INHERIT },
		.err = { .kind = RV_OUT_INHERIT },
		.method = method_of(p->context, o),
		.clear_env = o->clear_env };
	p->spec = (struct rv_spec){ .name = p->name,
		.path = p->name,
		.policy = &p->policy,
		.program = &p->program };
	p->daemon = o->daemon;
}

enum reeve_status
rv_process_plan(struct reeve_process *p, const struct reeve_process_options *o,
    struct reeve_error *err)
{
	struct block block = { 0 };
	enum reeve_status status = check_what(o, err);

	if (status == REEVE_OK) {
		status = check_function(p->context, o, err);
	}
	if (status != REEVE_OK) {
		return status;
	}
	name_it(p, o);
	fill_in(p, o);
	if ((status = check_main(p, o->function, err)) != REEVE_OK) {
		return status;
	}
	copy_all(&block, p, o);
	p->words = block.at = rv_alloc(1, block.bytes);
	if (p->words == NULL || !copy_args(p, o)) {
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	copy_all(&block, p, o);
	return REEVE_OK;
}

void
rv_process_plan_used(struct reeve_process *p)
{
	rv_free(p->args);
	p->args = NULL;
	p->program.args = NULL;
	p->program.n_args = 0;
}

void
rv_process_plan_free(struct reeve_process *p)
{
	rv_process_plan_used(p);
	rv_free(p->words);
	p->words = NULL;
}
