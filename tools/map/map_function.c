/* SPDX-License-Identifier: MIT */
/*
 * See map_function.h. An item is a task of the pool: never tried again there,
 * since that is for map_plan.c to decide, and given to it only when a worker is
 * free for it, so that what is recorded as begun has begun. Callbacks come from
 * inside of map_function_turn.
 */
#include "config.h"

#include "tools/map/map_function.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/function.h>
#include <reeve/pool.h>

#include "tools/map/map_job.h"

#define UNITS      "workers" /* their name in the tree */
#define END_WITHIN REEVE_S(5)
#define LOADED     "\n" /* no error begins so */

/* -------- which function -------- */

/* With its whole path: workers do not begin where we did. */
static char *
whole_name(const char *given)
{
	char cwd[PATH_MAX];
	struct map_buf name = { 0 };

	if (given[0] != '/' && getcwd(cwd, sizeof(cwd)) != NULL) {
		map_adds(&name, cwd);
		map_adds(&name, "/");
		given += strncmp(given, "./", 2) == 0 ? 2 : 0;
	}
	map_adds(&name, given);
	(void)map_str(&name);
	return name.data;
}

/* What loading a module runs is not ours: it may crash, or print. */
static void
load_and_tell(const char *name, int fd)
{
	char why[512] = "";
	reeve_function_fn *fn;
	enum reeve_status status =
	    reeve_function_load(name, &fn, why, sizeof(why));

	if (status == REEVE_OK) {
		memcpy(why, LOADED, sizeof(LOADED));
	}
	_exit(write(fd, why, strlen(why)) < 0);
}

/* What the other process said, and how it ended. */
static int
hear(pid_t pid, int fd, char why[static 512])
{
	size_t n = 0;
	ssize_t got;
	int status = 0;

	while (n < 511 && ((got = read(fd, why + n, 511 - n)) > 0 ||
			      (got < 0 && errno == EINTR))) {
		n += got > 0 ? (size_t)got : 0;
	}
	why[n] = '\0';
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	return status;
}

int
map_function_find(struct map_function *function, const char *given)
{
	char why[512], signal_name[16];
	int fds[2], status;
	pid_t pid;

	function->name = whole_name(given);
	if (pipe(fds) != 0 || (pid = fork()) < 0) {
		map_say("cannot look for %s: %s", given, strerror(errno));
		return MAP_COULD_NOT;
	}
	if (pid == 0) {
		close(fds[0]);
		load_and_tell(function->name, fds[1]);
	}
	close(fds[1]);
	status = hear(pid, fds[0], why);
	close(fds[0]);
	if (strcmp(why, LOADED) == 0) {
		return 0;
	}
	if (WIFSIGNALED(status)) {
		map_say("cannot use %s: loading its module ends in %s", given,
		    map_signal_name(WTERMSIG(status), signal_name));
	} else {
		map_say("cannot use %s: %s", given,
		    why[0] != '\0' ? map_plain(why)
				   : "loading its module ends its process");
	}
	return MAP_COULD_NOT;
}

/* -------- the pool -------- */

/* Limits of workers: those of commands, so not what we raised for ourselves. */
static const char *
worker_limits(struct map_buf *json, const struct map_options *o)
{
	struct rlimit files = map_spawn_limit();

	map_addf(json, "{\"limits\":{\"nofile\":{\"soft\":%llu,\"hard\":%llu}",
	    (unsigned long long)files.rlim_cur,
	    (unsigned long long)files.rlim_max);
	if (o->memory != 0) {
		map_addf(json, ",\"data\":%llu", (unsigned long long)o->memory);
	}
	map_adds(json, "}}");
	return map_str(json);
}

int
map_function_open(struct map_job *job)
{
	const struct map_options *o = job->o;
	struct map_buf limits = { 0 };
	struct reeve_pool_options options = { .size = sizeof(options),
		.reeve = job->log.reeve,
		.name = UNITS,
		.min = 1,
		.max = job->plan.jobs,
		.hard_limit = o->timeout > 0 ? o->timeout + o->kill_after : 0,
		.soft_limit = o->kill_after > 0 ? o->timeout : 0,
		.worker_options = worker_limits(&limits, o) };
	struct reeve_error err;
	enum reeve_status status =
	    reeve_pool_new(&job->function.pool, &options, &err);

	map_buf_free(&limits);
	if (status != REEVE_OK) {
		map_say("%s", err.text);
		return MAP_COULD_NOT;
	}
	return 0;
}

void
map_function_turn(struct map_job *job)
{
	struct reeve_error err;

	if (reeve_pool_dispatch(job->function.pool, &err) != REEVE_OK) {
		map_say("%s", err.text);
	}
	/* Out of its callbacks, where nobody may wait for the log. */
	while (job->called.first != NULL) {
		map_item_over(job, job->called.first);
	}
}

void
map_function_close(struct map_function *function)
{
	struct reeve_error err;

	if (function->pool == NULL) {
		return;
	}
	/* They end as asked, so that what they have to do at exit is done. */
	if (reeve_pool_close(function->pool, &err) == REEVE_OK &&
	    reeve_pool_join(function->pool, END_WITHIN, &err) != REEVE_OK &&
	    !function->broken) {
		map_say("%s", err.text);
	}
	reeve_pool_free(function->pool);
	function->pool = NULL;
}

void
map_function_finish(struct map_function *function)
{
	free(function->name);
	function->name = NULL;
}

void
map_call_finish(struct map_call *call)
{
	reeve_future_free(call->future);
	call->future = NULL;
	free(call->how);
	call->how = NULL;
}

/* -------- one item -------- */

/* "type: message", or what there is of them. */
static void
add_what(struct map_buf *text, const struct reeve_task_result *result)
{
	map_adds(text, result->type);
	if (result->type[0] != '\0' && result->message[0] != '\0') {
		map_adds(text, ": ");
	}
	map_adds(text, result->message);
}

static void
end_line(struct map_buf *text)
{
	if (text->data[text->len - 1] != '\n') {
		map_adds(text, "\n");
	}
}

/* In the place of what a command would have written to standard error. */
static void
write_failure(struct map_item *item, const struct reeve_task_result *result)
{
	const char *dir = item->call.job->log.state_dir;
	struct map_buf text = { 0 };

	add_what(&text, result);
	end_line(&text);
	if (result->backtrace[0] != '\0') {
		map_adds(&text, result->backtrace);
		end_line(&text);
		map_adds(&text, "by name: reeve why --state-dir ");
		map_add_quoted(&text, dir, strlen(dir));
		map_addf(&text, " map/%" PRIu64 "\n", item->number);
	}
	map_capture_add(&item->output->to[1], text.data, text.len);
	map_buf_free(&text);
}

/* Its reason in a line: of exceptions, and of functions that say they failed.
 */
static void
give_reason(struct map_item *item, const struct reeve_task_result *result)
{
	struct map_buf text = { 0 };

	if (result->outcome == REEVE_OUTCOME_DIED && result->code == 0) {
		map_adds(&text, "exited with code 0 before it answered");
	} else if (result->type[0] == '\0' && result->code > 0) {
		map_addf(&text, "returned %d", result->code);
	} else {
		add_what(&text, result);
	}
	text.len = strcspn(map_str(&text), "\n");
	(void)map_str(&text);
	item->call.how = text.data;
	item->reason = item->call.how;
}

static void
take_death(struct map_item *item, const struct reeve_task_result *result)
{
	item->signal = result->signo;
	item->core = result->core_dumped;
	if (item->reason != NULL || result->signo != 0) {
		return;
	}
	if (result->code > 0 && result->type[0] == '\0') {
		item->exit_code = result->code;
	} else {
		give_reason(item, result); /* also one that left by exit(0) */
	}
}

static void
take_broken(struct map_job *job, const char *why)
{
	if (!job->function.broken) {
		map_say("no worker can be had for the function: %s", why);
	}
	job->function.broken = job->cannot = true;
	map_plan_abort(&job->plan);
}

static void
take_result(struct map_item *item, const struct reeve_task_result *result)
{
	struct map_job *job = item->call.job;

	item->pid = result->pid;
	map_capture_add(&item->output->to[0], result->data, result->length);
	switch (result->outcome) {
	case REEVE_OUTCOME_GOOD:
		item->exit_code = 0;
		item->reason = NULL; /* it was done before it was stopped */
		return;
	case REEVE_OUTCOME_DIED:
		take_death(item, result);
		break;
	case REEVE_OUTCOME_TIMED_OUT:
		item->reason = "took longer than --timeout";
		break;
	case REEVE_OUTCOME_CANCELLED:
		item->asked = true;
		return;
	case REEVE_OUTCOME_BROKEN:
		item->asked = true;
		take_broken(job, result->message);
		return;
	default:
		give_reason(item, result);
	}
	write_failure(item, result);
}

static void
on_done(void *ctx, struct reeve_future *future)
{
	struct reeve_task_result result = { .size = sizeof(result) };
	struct map_item *item = ctx;

	if (reeve_future_get(future, &result, 0) == REEVE_OK) {
		take_result(item, &result);
	} else {
		item->sys_errno = ENOMEM;
	}
	reeve_task_result_free(&result);
	reeve_future_free(future);
	item->call.future = NULL;
	map_items_remove(item);
	map_items_add(&item->call.job->called, item);
}

int
map_function_call(struct map_job *job, struct map_item *item)
{
	const struct reeve_task task = { .size = sizeof(task),
		.function = job->function.name,
		.data = item->text,
		/* A NUL stands behind what it is given anyway. */
		.length = item->text_len - 1,
		.retries = REEVE_NO_RETRIES,
		.done = on_done,
		.ctx = item };
	struct reeve_error err;
	enum reeve_status status;

	item->call.job = job;
	status = reeve_pool_submit(
	    job->function.pool, &task, &item->call.future, &err);
	if (status == REEVE_OK) {
		return 0;
	}
	if (status == REEVE_ENOMEM) {
		return ENOMEM;
	}
	take_broken(job, err.text);
	item->asked = true;
	return ECANCELED;
}

void
map_function_cancel(struct map_item *item)
{
	/* One that is done already says so in the next turn. */
	(void)reeve_future_cancel(item->call.future, true);
}
