/* SPDX-License-Identifier: MIT */
/*
 * <reeve/process.h>, contexts: their beginning and end, the program's loop,
 * and who is active.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "process/process_priv.h"
#include "sys/sys.h"

#define DAEMONS_WITHIN RV_SEC       /* from TERM to KILL */
#define KILLED_WITHIN  (5 * RV_SEC) /* their ends are waited for */

/* -------- beginning -------- */

static enum reeve_status
take_options(struct reeve_context_options *options,
    const struct reeve_context_options *given, struct reeve_error *err)
{
	*options = (struct reeve_context_options){ 0 };
	if (given == NULL) {
		return REEVE_OK;
	}
	if (given->size < sizeof(*options)) {
		return rv_error_size(err, "reeve_context_options", given->size);
	}
	*options = *given;
	if (options->method > REEVE_METHOD_FORKSERVER) {
		return rv_error(err, REEVE_EINVALID, "%u is no start method",
		    (unsigned)options->method);
	}
	return REEVE_OK;
}

/* One block: the list, and the texts behind it. */
static const char *const *
copy_list(const char *const *list)
{
	size_t n = 0, bytes = 0;
	const char **copy;
	char *at;

	while (list != NULL && list[n] != NULL) {
		bytes += strlen(list[n++]) + 1;
	}
	copy = rv_alloc(1, (n + 1) * sizeof(*copy) + bytes);
	if (copy == NULL) {
		return NULL;
	}
	at = (char *)(copy + n + 1);
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(list[i]);

		memcpy(at, list[i], len);
		copy[i] = at;
		at += len + 1;
	}
	return copy;
}

/* What this process was started with is the default. */
static bool
init(struct reeve_context *context, const struct reeve_context_options *options)
{
	struct reeve_self self = { .size = sizeof(self) };
	const char *libexec_dir = options->libexec_dir;

	if (reeve_self(&self) != REEVE_OK) {
		return false;
	}
	if (libexec_dir == NULL || libexec_dir[0] == '\0') {
		libexec_dir = self.libexec_dir[0] != '\0' ? self.libexec_dir
							  : REEVE_LIBEXECDIR;
	}
	context->pid = getpid();
	context->method = options->method != REEVE_METHOD_DEFAULT
			      ? options->method
			  : self.method != REEVE_METHOD_DEFAULT
			      ? (enum reeve_method)self.method
			      : REEVE_METHOD_FORKSERVER;
	context->log_level =
	    options->log_level != 0 ? options->log_level : self.log_level;
	context->said = options->said;
	context->ended = options->ended;
	context->trouble = options->trouble;
	context->ctx = options->ctx;
	context->own_pidfd = -1;
	rv_list_init(&context->processes);
	rv_list_init(&context->unsent);
	rv_list_init(&context->news);
	context->libexec_dir = rv_strdup(libexec_dir);
	context->preload = copy_list(options->preload);
	return context->libexec_dir != NULL && context->preload != NULL &&
	       strlen(libexec_dir) < RV_LIBEXEC_MAX;
}

static enum reeve_status
open_launcher(struct reeve_context *context, struct reeve_error *err)
{
	char program[RV_LIBEXEC_MAX + 32];
	struct rv_start_options options = { .program = program,
		.runtime_dir = context->place,
		.run_id = context->run_id,
		.private_dir = true,
		.loop = context->loop,
		.ops = &rv_context_ops,
		.ctx = context };
	enum reeve_status status;

	rv_format(program, sizeof(program), "%s/reeve-launcher",
	    context->libexec_dir);
	rv_sys_random_hex(context->run_id);
	status = rv_start_open(&context->start, &options, err);
	if (status != REEVE_OK && err != NULL && err->sys_errno == ENOENT) {
		struct reeve_error was = *err;

		rv_error(err, was.status,
		    "%s; the runtime's own programs are looked for in %s: "
		    "where they are elsewhere, say so by libexec_dir",
		    was.text, context->libexec_dir);
		err->sys_errno = was.sys_errno;
	}
	return status;
}

static void
destroy(struct reeve_context *context)
{
	rv_news_forget(context, NULL);
	rv_start_close(context->start);
	rv_loop_destroy(context->loop);
	rv_place_remove(context->place);
	if (context->own_pidfd != -1) {
		close(context->own_pidfd);
	}
	rv_hash_finish(&context->by_life);
	rv_free(context->libexec_dir);
	rv_free((void *)(uintptr_t)context->preload);
	rv_context_finish_locks(context);
	context->magic = 0;
	rv_free(context);
}

static enum reeve_status
open_all(struct reeve_context *context, struct reeve_error *err)
{
	enum reeve_status status;

	context->own_pidfd = rv_sys_pidfd_open(getpid());
	status = rv_loop_create_epoll(&context->loop, err);
	if (status == REEVE_OK) {
		status = rv_place_make(context->place, err);
	}
	if (status == REEVE_OK) {
		status = open_launcher(context, err);
	}
	if (status == REEVE_OK) {
		rv_loop_arrange(context->loop);
	}
	return status;
}

enum reeve_status
reeve_context_new(struct reeve_context **out,
    const struct reeve_context_options *given, struct reeve_error *err)
{
	struct reeve_context_options options;
	enum reeve_status status = take_options(&options, given, err);
	struct reeve_context *context;

	if (status == REEVE_OK && out == NULL) {
		status = rv_error(
		    err, REEVE_EINVALID, "no place for the context was given");
	}
	if (status != REEVE_OK) {
		rv_error_wrap(err, "cannot make a context");
		return status;
	}
	context = rv_alloc(1, sizeof(*context));
	if (context == NULL || !rv_context_init_locks(context)) {
		rv_free(context);
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	context->magic = RV_CONTEXT_MAGIC;
	status = init(context, &options)
		     ? open_all(context, err)
		     : rv_error(err, REEVE_ENOMEM, "out of memory");
	if (status != REEVE_OK) {
		rv_error_wrap(err, "cannot make a context");
		destroy(context);
		return status;
	}
	*out = context;
	return REEVE_OK;
}

/* -------- end -------- */

static bool
runs(const struct reeve_process *process)
{
	return process->phase == RV_PHASE_STARTING ||
	       process->phase == RV_PHASE_RUNNING;
}

static bool
daemons_have_ended(void *arg)
{
	const struct reeve_context *context = arg;

	RV_LIST_EACH (
	    process, &context->processes, struct reeve_process, link) {
		if (process->daemon && runs(process)) {
			return false;
		}
	}
	return true;
}

static bool
all_have_ended(void *arg)
{
	const struct reeve_context *context = arg;

	RV_LIST_EACH (
	    process, &context->processes, struct reeve_process, link) {
		if (runs(process)) {
			return false;
		}
	}
	return true;
}

struct asking {
	int signo;
	bool all; /* not daemonic ones alone */
};

static enum reeve_status
ask(struct reeve_context *context, void *arg, struct reeve_error *err)
{
	const struct asking *asking = arg;

	(void)err;
	RV_LIST_EACH (
	    process, &context->processes, struct reeve_process, link) {
		if (runs(process) && (asking->all || process->daemon)) {
			process->asked = (uint8_t)asking->signo;
			process->asked_group = false;
			process->ask_end = true;
			rv_lives_ask(process);
		}
	}
	return REEVE_OK;
}

/* Instead of who knows what: which of them go on. */
static enum reeve_status
say_who_runs(struct reeve_context *context, void *arg, struct reeve_error *err)
{
	const char *first = "";
	unsigned n = 0;

	(void)arg;
	RV_LIST_EACH (
	    process, &context->processes, struct reeve_process, link) {
		if (runs(process) && n++ == 0) {
			first = process->name;
		}
	}
	return rv_error(err, REEVE_ETIMEDOUT,
	    "cannot end a context in time: %s runs, and %u others", first,
	    n > 0 ? n - 1 : 0);
}

enum reeve_status
reeve_context_end(
    struct reeve_context *context, int64_t timeout, struct reeve_error *err)
{
	static const char what[] = "end a context";
	rv_time until = rv_context_until(timeout);
	rv_time patience = rv_time_add(rv_sys_now(), DAEMONS_WITHIN);
	struct asking term = { .signo = SIGTERM }, kill = { .signo = SIGKILL };
	enum reeve_status status =
	    rv_context_call(context, what, ask, &term, err);

	if (status == REEVE_OK) {
		status = rv_context_wait(context, what, daemons_have_ended,
		    context, RV_MIN(until, patience), err);
	}
	if (status == REEVE_ETIMEDOUT) {
		status = rv_context_call(context, what, ask, &kill, err);
	}
	if (status == REEVE_OK) {
		status = rv_context_wait(
		    context, what, all_have_ended, context, until, err);
	}
	if (status == REEVE_ETIMEDOUT) {
		status =
		    rv_context_call(context, what, say_who_runs, NULL, err);
	}
	return status;
}

static enum reeve_status
let_go(struct reeve_context *context, void *arg, struct reeve_error *err)
{
	(void)arg;
	(void)err;
	rv_news_forget(context, NULL);
	RV_LIST_EACH_SAFE (
	    process, &context->processes, struct reeve_process, link) {
		if (runs(process)) {
			rv_process_lost(process, "its context was freed");
		}
		rv_list_remove(&process->link);
		process->context = NULL;
		if (process->detached) {
			rv_process_destroy(process);
		}
	}
	rv_news_forget(context, NULL);
	return REEVE_OK;
}

void
reeve_context_free(struct reeve_context *context)
{
	static const char what[] = "free a context";
	struct asking kill = { .signo = SIGKILL, .all = true };
	enum reeve_status status;

	if (rv_context_check(context, what, NULL) != REEVE_OK) {
		return;
	}
	(void)rv_context_call(context, what, ask, &kill, NULL);
	status = rv_context_wait(context, what, all_have_ended, context,
	    rv_time_add(rv_sys_now(), KILLED_WITHIN), NULL);
	if (status == REEVE_EBUSY) {
		return; /* from a callback of its own */
	}
	/* One that a failed check has closed is taken down all the same. */
	context->broken = false;
	if (rv_context_call(context, what, let_go, NULL, NULL) == REEVE_OK) {
		destroy(context);
	}
}

/* -------- in between -------- */

enum reeve_method
reeve_context_method(const struct reeve_context *context)
{
	return context != NULL ? context->method : REEVE_METHOD_DEFAULT;
}

int
reeve_context_fd(const struct reeve_context *context)
{
	return rv_context_check(context, "poll a context", NULL) == REEVE_OK
		   ? rv_loop_fd(context->loop)
		   : -1;
}

static bool
looked_twice(void *arg)
{
	bool *looked = arg, before = *looked;

	*looked = true;
	return before;
}

enum reeve_status
reeve_context_dispatch(struct reeve_context *context, struct reeve_error *err)
{
	bool looked = false;

	return rv_context_wait(
	    context, "dispatch a context", looked_twice, &looked, 0, err);
}

struct listing {
	struct reeve_process **list;
	size_t max, n;
};

static enum reeve_status
list_active(struct reeve_context *context, void *arg, struct reeve_error *err)
{
	struct listing *listing = arg;

	(void)err;
	RV_LIST_EACH (
	    process, &context->processes, struct reeve_process, link) {
		if (process->phase != RV_PHASE_RUNNING) {
			continue;
		}
		if (listing->n < listing->max) {
			listing->list[listing->n] = process;
		}
		listing->n++;
	}
	return REEVE_OK;
}

size_t
reeve_context_active(
    struct reeve_context *context, struct reeve_process **list, size_t max)
{
	struct listing listing = { list, list != NULL ? max : 0, 0 };

	/* Those that have ended meanwhile are not active. */
	(void)reeve_context_dispatch(context, NULL);
	(void)rv_context_call(
	    context, "list processes", list_active, &listing, NULL);
	return listing.n;
}
