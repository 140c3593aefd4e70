/* SPDX-License-Identifier: MIT */
/* <reeve/process.h>, processes: made, started, joined, signalled, looked at. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "process/process_priv.h"
#include "sys/sys.h"

#define LAST_SIGNAL 64

/* -------- the door -------- */

static enum reeve_status
check(const struct reeve_process *p, const char *what, struct reeve_error *err)
{
	if (p == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot %s: the process is NULL", what);
	}
	if (p->magic != RV_PROCESS_MAGIC) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot %s: what was given is no process (any more)", what);
	}
	if (p->owner != getpid()) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot %s %s: it is process %d's, and this is %d, which "
		    "was forked from it",
		    what, p->name, (int)p->owner, (int)getpid());
	}
	return REEVE_OK;
}

static enum reeve_status
check_started(
    const struct reeve_process *p, const char *what, struct reeve_error *err)
{
	if (p->phase == RV_PHASE_NEW) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot %s %s: it was not started", what, p->name);
	}
	return REEVE_OK;
}

/* As rv_context_call; of a process whose context is gone all is settled. */
static enum reeve_status
call(struct reeve_process *p, const char *what, rv_context_fn *fn, void *arg,
    struct reeve_error *err)
{
	enum reeve_status status = check(p, what, err);

	if (status != REEVE_OK) {
		return status;
	}
	return p->context != NULL
		   ? rv_context_call(p->context, what, fn, arg, err)
		   : fn(NULL, arg, err);
}

/* What has come meanwhile, unless a callback asks, or nobody can know. */
static void
look(struct reeve_process *p)
{
	if (p->context != NULL) {
		(void)reeve_context_dispatch(p->context, NULL);
	}
}

/* -------- making -------- */

struct making {
	const struct reeve_process_options *options;
	struct reeve_process *process;
};

static enum reeve_status
make(struct reeve_context *context, void *arg, struct reeve_error *err)
{
	struct making *making = arg;
	struct reeve_process *p = rv_alloc(1, sizeof(*p));
	enum reeve_status status;

	if (p == NULL) {
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	p->magic = RV_PROCESS_MAGIC;
	p->context = context;
	p->owner = context->pid;
	p->ours = p->its = p->page = p->sentinel = -1;
	p->user_us = p->system_us = p->max_rss_kib = -1;
	rv_list_init(&p->link);
	rv_list_init(&p->unsent);
	status = rv_process_plan(p, making->options, err);
	if (status != REEVE_OK) {
		rv_error_wrap(err, "cannot make a process");
		rv_process_destroy(p);
		return status;
	}
	rv_list_insert(&context->processes, &p->link);
	making->process = p;
	return REEVE_OK;
}

enum reeve_status
reeve_process_new(struct reeve_process **out, struct reeve_context *context,
    const struct reeve_process_options *options, struct reeve_error *err)
{
	static const char what[] = "make a process";
	struct making making = { .options = options };
	enum reeve_status status;

	if (options == NULL || out == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot %s: options or the place for it are NULL", what);
	}
	if (options->size < sizeof(*options)) {
		return rv_error_size(
		    err, "reeve_process_options", options->size);
	}
	status = rv_context_call(context, what, make, &making, err);
	if (status == REEVE_OK) {
		*out = making.process;
	}
	return status;
}

void
rv_process_destroy(struct reeve_process *p)
{
	rv_list_remove(&p->link);
	rv_list_remove(&p->unsent);
	rv_process_give_free(p);
	rv_process_plan_free(p);
	rv_process_free_end(p);
	p->magic = 0;
	rv_free(p);
}

struct freeing {
	struct reeve_process *process;
	bool detach, later;
};

static enum reeve_status
let_go(struct reeve_context *context, void *arg, struct reeve_error *err)
{
	struct freeing *freeing = arg;
	struct reeve_process *p = freeing->process;

	if (p->joiners > 0) {
		return rv_error(err, REEVE_EBUSY,
		    "cannot free %s: it is being joined", p->name);
	}
	if (context != NULL &&
	    (p->phase == RV_PHASE_STARTING || p->phase == RV_PHASE_RUNNING)) {
		if (!freeing->detach) {
			return rv_error(err, REEVE_EBUSY,
			    "cannot free %s: it runs (process %d)", p->name,
			    (int)p->pid);
		}
		p->detached = true;
		return REEVE_OK;
	}
	/* Another thread's callback has it. */
	while (context != NULL && context->telling == p &&
	       !pthread_equal(context->driver, pthread_self())) {
		pthread_cond_wait(&context->turned, &context->mutex);
	}
	if (context != NULL) {
		rv_news_forget(context, p);
	}
	rv_process_destroy(p);
	return REEVE_OK;
}

enum reeve_status
reeve_process_free(
    struct reeve_process *p, bool detach, struct reeve_error *err)
{
	struct freeing freeing = { p, detach, false };

	if (p == NULL) {
		return REEVE_OK;
	}
	if (check(p, "free", err) == REEVE_OK) {
		look(p);
	}
	return call(p, "free", let_go, &freeing, err);
}

/* -------- starting -------- */

static enum reeve_status
begin(struct reeve_context *context, void *arg, struct reeve_error *err)
{
	struct reeve_process *p = arg;
	enum reeve_status status;

	if (context == NULL) {
		return rv_error(err, REEVE_ECLOSED,
		    "cannot start %s: its context was freed", p->name);
	}
	if (p->phase != RV_PHASE_NEW) {
		return rv_error(err, REEVE_EBUSY,
		    "cannot start %s: it was started before, as process %d",
		    p->name, (int)p->pid);
	}
	if (context->driving &&
	    pthread_equal(context->driver, pthread_self())) {
		return rv_error(err, REEVE_EBUSY,
		    "cannot start %s from inside of a callback", p->name);
	}
	status = rv_process_give(p, err);
	if (status != REEVE_OK) {
		return status;
	}
	if (!rv_lives_add(p)) {
		rv_process_give_free(p);
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	p->phase = RV_PHASE_STARTING;
	rv_lives_launch(p);
	return REEVE_OK;
}

static bool
is_answered(void *arg)
{
	const struct reeve_process *p = arg;

	return p->phase != RV_PHASE_STARTING;
}

static enum reeve_status
take_failure(struct reeve_context *context, void *arg, struct reeve_error *err)
{
	struct reeve_process *p = arg;

	(void)context;
	if (p->phase != RV_PHASE_NEW) {
		return REEVE_OK;
	}
	rv_process_give_free(p);
	if (err != NULL) {
		*err = p->failure;
	}
	return p->failure.status;
}

enum reeve_status
reeve_process_start(struct reeve_process *p, struct reeve_error *err)
{
	static const char what[] = "start";
	enum reeve_status status = call(p, what, begin, p, err);

	if (status == REEVE_OK) {
		status = rv_context_wait(
		    p->context, what, is_answered, p, RV_FOREVER, err);
	}
	if (status == REEVE_OK) {
		status = call(p, what, take_failure, p, err);
	}
	return status;
}

/* -------- waiting -------- */

static bool
has_ended(void *arg)
{
	const struct reeve_process *p = arg;

	return p->phase == RV_PHASE_ENDED;
}

/* While it is joined nobody may free it, not even a callback. */
static enum reeve_status
begin_join(struct reeve_context *context, void *arg, struct reeve_error *err)
{
	struct reeve_process *p = arg;
	enum reeve_status status = check_started(p, "join", err);

	(void)context;
	if (status == REEVE_OK) {
		p->joiners++;
	}
	return status;
}

/* Also of a context that a failed check has closed meanwhile. */
static void
end_join(struct reeve_process *p)
{
	struct reeve_context *context = p->context;

	if (context != NULL) {
		pthread_mutex_lock(&context->mutex);
	}
	p->joiners--;
	if (context != NULL) {
		pthread_mutex_unlock(&context->mutex);
	}
}

enum reeve_status
reeve_process_join(
    struct reeve_process *p, int64_t timeout, struct reeve_error *err)
{
	enum reeve_status status = call(p, "join", begin_join, p, err);
	char what[RV_GIVEN_NAME + 8];

	if (status != REEVE_OK) {
		return status;
	}
	if (p->context != NULL) {
		rv_format(what, sizeof(what), "join %s", p->name);
		status = rv_context_wait(p->context, what, has_ended, p,
		    rv_context_until(timeout), err);
	}
	end_join(p);
	return status;
}

struct glimpse {
	struct reeve_process *process;
	struct reeve_process_status status;
};

static enum reeve_status
take_status(struct reeve_context *context, void *arg, struct reeve_error *err)
{
	struct glimpse *glimpse = arg;
	const struct reeve_process *p = glimpse->process;

	(void)context;
	(void)err;
	glimpse->status = (struct reeve_process_status){
		.size = sizeof(glimpse->status),
		.kind =
		    p->phase == RV_PHASE_STARTING ? REEVE_PROCESS_NEW : p->kind,
		.code = p->code,
		.core_dumped = p->core_dumped,
		.user_us = p->user_us,
		.system_us = p->system_us,
		.max_rss_kib = p->max_rss_kib,
		.leftover = p->leftover,
		.why = p->why,
		.exception = p->raised != NULL ? &p->raised->exception : NULL,
	};
	return REEVE_OK;
}

enum reeve_status
reeve_process_status(struct reeve_process *p, struct reeve_process_status *out,
    struct reeve_error *err)
{
	struct glimpse glimpse = { .process = p };
	enum reeve_status status = check(p, "look at", err);

	if (status != REEVE_OK) {
		return status;
	}
	if (out == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot tell the status of %s: there is no place for it",
		    p->name);
	}
	if (out->size < sizeof(*out)) {
		return rv_error_size(err, "reeve_process_status", out->size);
	}
	status = call(p, "look at", take_status, &glimpse, err);
	if (status == REEVE_OK &&
	    glimpse.status.kind == REEVE_PROCESS_RUNNING) {
		look(p);
		status = call(p, "look at", take_status, &glimpse, err);
	}
	if (status == REEVE_OK) {
		*out = glimpse.status;
	}
	return status;
}

bool
reeve_process_alive(struct reeve_process *p)
{
	struct reeve_process_status status = { .size = sizeof(status) };

	return reeve_process_status(p, &status, NULL) == REEVE_OK &&
	       status.kind == REEVE_PROCESS_RUNNING;
}

int
reeve_process_exitcode(struct reeve_process *p)
{
	struct reeve_process_status status = { .size = sizeof(status) };

	if (reeve_process_status(p, &status, NULL) != REEVE_OK) {
		return REEVE_NO_EXITCODE;
	}
	switch (status.kind) {
	case REEVE_PROCESS_EXITED:
		return status.code;
	case REEVE_PROCESS_SIGNALED:
		return -status.code;
	case REEVE_PROCESS_FAILED:
		return 127;
	case REEVE_PROCESS_LOST:
		return 255;
	default:
		return REEVE_NO_EXITCODE;
	}
}

/* -------- the sentinel -------- */

/* Its own pidfd; -1: it is dead and gone (or the kernel has none). */
static int
open_pidfd(const struct reeve_process *p)
{
	int fd = rv_sys_pidfd_open(p->pid);

	/* Asked only now, when the descriptor pins the number. */
	if (fd != -1 && p->start_ticks != 0 &&
	    rv_sys_start_ticks(p->pid) != p->start_ticks) {
		close(fd);
		errno = ESRCH;
		fd = -1;
	}
	return fd;
}

static enum reeve_status
make_sentinel(struct reeve_context *context, void *arg, struct reeve_error *err)
{
	struct reeve_process *p = arg;
	bool dead = p->phase == RV_PHASE_ENDED;
	enum reeve_status status = check_started(p, "watch", err);

	(void)context;
	if (status != REEVE_OK || p->sentinel != -1) {
		return status;
	}
	if (!dead) {
		p->sentinel = open_pidfd(p);
		dead = p->sentinel == -1 && errno == ESRCH;
	}
	if (p->sentinel == -1) {
		p->sentinel = rv_sys_eventfd(dead ? 1 : 0, EFD_NONBLOCK);
		p->sentinel_is_ours = p->sentinel != -1 && !dead;
	}
	return p->sentinel != -1
		   ? REEVE_OK
		   : rv_error_sys(err, errno, "cannot watch %s", p->name);
}

enum reeve_status
reeve_process_sentinel(
    struct reeve_process *p, int *fd, struct reeve_error *err)
{
	enum reeve_status status = call(p, "watch", make_sentinel, p, err);

	if (status == REEVE_OK && fd == NULL) {
		status = rv_error(
		    err, REEVE_EINVALID, "no place for the descriptor");
	}
	if (status == REEVE_OK) {
		*fd = p->sentinel;
	}
	return status;
}

/* -------- signals -------- */

struct wish {
	struct reeve_process *process;
	int signo;
	bool group, end;
};

static enum reeve_status
ask(struct reeve_context *context, void *arg, struct reeve_error *err)
{
	const struct wish *wish = arg;
	struct reeve_process *p = wish->process;
	enum reeve_status status = check_started(p, "signal", err);

	if (status != REEVE_OK || context == NULL ||
	    p->phase == RV_PHASE_ENDED) {
		return status;
	}
	p->asked = (uint8_t)wish->signo;
	p->asked_group = wish->group;
	p->ask_end = p->ask_end || wish->end;
	rv_lives_ask(p);
	return REEVE_OK;
}

static enum reeve_status
wish_for(struct reeve_process *p, int signo, bool group, bool end,
    struct reeve_error *err)
{
	struct wish wish = { p, signo, group, end };

	return call(p, "signal", ask, &wish, err);
}

enum reeve_status
reeve_process_interrupt(struct reeve_process *p, struct reeve_error *err)
{
	return wish_for(p, SIGINT, false, false, err);
}

enum reeve_status
reeve_process_terminate(struct reeve_process *p, struct reeve_error *err)
{
	return wish_for(p, SIGTERM, false, true, err);
}

enum reeve_status
reeve_process_kill(struct reeve_process *p, struct reeve_error *err)
{
	return wish_for(p, SIGKILL, true, true, err);
}

enum reeve_status
reeve_process_signal(
    struct reeve_process *p, int signo, struct reeve_error *err)
{
	if (signo < 1 || signo > LAST_SIGNAL) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot signal %s: %d is no signal", reeve_process_name(p),
		    signo);
	}
	return wish_for(p, signo, false, signo == SIGKILL, err);
}

enum reeve_status
reeve_process_stop(
    struct reeve_process *p, int64_t grace, struct reeve_error *err)
{
	enum reeve_status status = wish_for(p, SIGTERM, true, true, err);

	if (status == REEVE_OK) {
		status = reeve_process_join(p, grace, err);
	}
	if (status == REEVE_ETIMEDOUT) {
		status = reeve_process_kill(p, err);
	}
	return status == REEVE_OK ? reeve_process_join(p, REEVE_FOREVER, err)
				  : status;
}

/* -------- what it is -------- */

pid_t
reeve_process_pid(const struct reeve_process *p)
{
	return p != NULL && p->magic == RV_PROCESS_MAGIC ? p->pid : 0;
}

const char *
reeve_process_name(const struct reeve_process *p)
{
	return p != NULL && p->magic == RV_PROCESS_MAGIC ? p->name : "";
}

bool
reeve_process_daemon(const struct reeve_process *p)
{
	return p != NULL && p->magic == RV_PROCESS_MAGIC && p->daemon;
}
