/* SPDX-License-Identifier: MIT */
/*
 * The door of contexts: may this call come in; a scope in which a failed check
 * closes the context and leaves the program alive; and waiting. Of the threads
 * that wait one runs the loop for all and the others sleep until a turn is
 * over: so there is one reader of what the launcher says, whoever asked, and
 * none is behind when nobody does.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "process/process_priv.h"
#include "sys/sys.h"

struct guard {
	struct rv_panic_scope scope; /* first: the hook casts back */
	jmp_buf back;
	const char *file, *what;
	int line;
};

static void
on_panic(
    struct rv_panic_scope *scope, const char *file, int line, const char *what)
{
	struct guard *guard = RV_CONTAINER(scope, struct guard, scope);

	guard->file = file;
	guard->line = line;
	guard->what = what;
	longjmp(guard->back, 1);
}

static enum reeve_status
guarded(struct reeve_context *context, rv_context_fn *fn, void *arg,
    struct reeve_error *err)
{
	struct guard guard = { .scope = { .hook = on_panic } };
	enum reeve_status status;

	rv_panic_enter(&guard.scope);
	if (setjmp(guard.back) != 0) {
		context->broken = true;
		return rv_error(err, REEVE_EBUG,
		    "internal check failed: %s:%d: %s", guard.file, guard.line,
		    guard.what);
	}
	status = fn(context, arg, err);
	rv_panic_leave(&guard.scope);
	return status;
}

static enum reeve_status
say_broken(const char *what, struct reeve_error *err)
{
	return rv_error(err, REEVE_EBUG,
	    "cannot %s: the context was closed when an internal check failed",
	    what);
}

enum reeve_status
rv_context_check(const struct reeve_context *context, const char *what,
    struct reeve_error *err)
{
	bool is_one = context != NULL && context->magic == RV_CONTEXT_MAGIC;

	return rv_error_unless_ours(
	    err, what, "context", context, is_one, is_one ? context->pid : 0);
}

enum reeve_status
rv_context_call(struct reeve_context *context, const char *what,
    rv_context_fn *fn, void *arg, struct reeve_error *err)
{
	enum reeve_status status = rv_context_check(context, what, err);

	if (status != REEVE_OK) {
		return status;
	}
	pthread_mutex_lock(&context->mutex);
	status = context->broken ? say_broken(what, err)
				 : guarded(context, fn, arg, err);
	if (!context->driving && !context->broken) {
		rv_loop_arrange(context->loop); /* who polls shall see it */
	}
	pthread_mutex_unlock(&context->mutex);
	return status;
}

rv_time
rv_context_until(int64_t timeout)
{
	return timeout <= 0               ? 0
	       : timeout == REEVE_FOREVER ? RV_FOREVER
					  : rv_time_add(rv_sys_now(), timeout);
}

static struct timespec
as_timespec(rv_time t)
{
	struct timespec ts = { t / RV_SEC, t % RV_SEC };

	return ts;
}

static void
await_fd(int fd, rv_time until)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	rv_time left = until - rv_sys_now();
	struct timespec ts = as_timespec(RV_MAX(left, (rv_time)0));

	/* Whatever ends it, who waits looks again. */
	(void)ppoll(&p, 1, until == RV_FOREVER ? NULL : &ts, NULL);
}

static enum reeve_status
dispatch(struct reeve_context *context, void *arg, struct reeve_error *err)
{
	(void)arg;
	return rv_loop_dispatch(context->loop, 0, err);
}

/* One turn of the loop, for all who wait. */
static enum reeve_status
turn(struct reeve_context *context, rv_time until, struct reeve_error *err)
{
	enum reeve_status status;

	context->driving = true;
	context->driver = pthread_self();
	if (until != 0) {
		rv_loop_arrange(context->loop);
		pthread_mutex_unlock(&context->mutex);
		await_fd(rv_loop_fd(context->loop), until);
		pthread_mutex_lock(&context->mutex);
	}
	status = context->broken ? say_broken("wait", err)
				 : guarded(context, dispatch, NULL, err);
	rv_news_tell(context);
	context->driving = false;
	pthread_cond_broadcast(&context->turned);
	return status;
}

static void
await_turn(struct reeve_context *context, rv_time until)
{
	struct timespec ts = as_timespec(until);

	if (until == RV_FOREVER) {
		pthread_cond_wait(&context->turned, &context->mutex);
	} else {
		pthread_cond_timedwait(&context->turned, &context->mutex, &ts);
	}
}

static bool
is_driver(const struct reeve_context *context)
{
	return context->driving &&
	       pthread_equal(context->driver, pthread_self());
}

static enum reeve_status
wait_locked(struct reeve_context *context, const char *what,
    bool (*done)(void *arg), void *arg, rv_time until, struct reeve_error *err)
{
	bool looked = false;

	if (is_driver(context)) {
		return rv_error(err, REEVE_EBUSY,
		    "cannot %s from inside of a callback", what);
	}
	for (;;) {
		enum reeve_status status = REEVE_OK;

		if (context->broken) {
			return say_broken(what, err);
		}
		if (done(arg)) {
			return REEVE_OK;
		}
		if (looked && (until == 0 || rv_sys_now() >= until)) {
			return rv_error(err, REEVE_ETIMEDOUT,
			    "cannot %s: the time is over", what);
		}
		looked = true;
		if (!context->driving) {
			status = turn(context, until, err);
		} else if (until != 0) {
			await_turn(context, until);
		}
		if (status != REEVE_OK) {
			return status;
		}
	}
}

enum reeve_status
rv_context_wait(struct reeve_context *context, const char *what,
    bool (*done)(void *arg), void *arg, rv_time until, struct reeve_error *err)
{
	enum reeve_status status = rv_context_check(context, what, err);

	if (status == REEVE_OK) {
		pthread_mutex_lock(&context->mutex);
		status = wait_locked(context, what, done, arg, until, err);
		pthread_mutex_unlock(&context->mutex);
	}
	return status;
}

bool
rv_context_init_locks(struct reeve_context *context)
{
	pthread_condattr_t attr;
	bool done;

	if (pthread_mutex_init(&context->mutex, NULL) != 0) {
		return false;
	}
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	done = pthread_cond_init(&context->turned, &attr) == 0;
	pthread_condattr_destroy(&attr);
	if (!done) {
		pthread_mutex_destroy(&context->mutex);
	}
	return done;
}

void
rv_context_finish_locks(struct reeve_context *context)
{
	pthread_cond_destroy(&context->turned);
	pthread_mutex_destroy(&context->mutex);
}
