/* SPDX-License-Identifier: MIT */
/*
 * Methods of single tasks: handed over, waited for, taken, cancelled. Called by
 * the manager, through the table of shared_type.c.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sharedpool/shared_priv.h"

static enum reeve_status
fill_in(struct reeve_request *r, struct reeve_task *task,
    const struct reeve_datum *argument, char room[static 48])
{
	switch (argument->type) {
	case REEVE_DATUM_NULL:
		return REEVE_OK;
	case REEVE_DATUM_BYTES:
	case REEVE_DATUM_TEXT:
	case REEVE_DATUM_JSON:
		task->data = argument->data;
		task->length = argument->length;
		task->json = argument->type == REEVE_DATUM_JSON;
		return REEVE_OK;
	case REEVE_DATUM_BOOL:
		(void)snprintf(
		    room, 48, argument->is.integer != 0 ? "true" : "false");
		break;
	case REEVE_DATUM_INT:
		(void)snprintf(room, 48, "%" PRId64, argument->is.integer);
		break;
	case REEVE_DATUM_DOUBLE:
		(void)snprintf(room, 48, "%.17g", argument->is.real);
		break;
	default:
		return reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "a reference is no argument of a task: it is another "
		    "process");
	}
	task->data = room;
	task->length = strlen(room);
	task->json = true;
	return REEVE_OK;
}

/* Function, argument, options. */
static enum reeve_status
begin(struct reeve_request *r, struct rv_shared *shared,
    const struct reeve_datum *args, size_t n, struct rv_shared_job **out)
{
	struct reeve_datum none = reeve_null();
	struct rv_shared_job *job;
	enum reeve_status status;
	struct reeve_error err = { 0 };
	struct reeve_task task;
	char room[48];

	status = rv_options_function(r, &args[0]);
	if (status == REEVE_OK) {
		status = rv_options_of_task(r, n > 2 ? &args[2] : &none, &task);
	}
	if (status == REEVE_OK) {
		status = fill_in(r, &task, n > 1 ? &args[1] : &none, room);
	}
	if (status != REEVE_OK) {
		return status;
	}
	job = rv_shared_job_new(r, shared, task.length, &status);
	if (job == NULL) {
		return status;
	}
	task.function = args[0].data;
	task.done = rv_shared_told_of_task;
	task.ctx = job;
	status = reeve_pool_submit(shared->pool, &task, &job->future, &err);
	if (status != REEVE_OK) {
		status = rv_answer_error(r, status, &err);
		rv_shared_job_undo(r, job);
		return status;
	}
	*out = job;
	return REEVE_OK;
}

/* REEVE_EAGAIN: it waits for the job. */
static enum reeve_status
wait_for(struct reeve_request *r, const struct rv_shared_job *job)
{
	enum reeve_status status = reeve_request_wait_for(r, job->number);

	return status == REEVE_OK ? REEVE_EAGAIN : status;
}

enum reeve_status
rv_shared_begin_and_wait(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n, rv_shared_begin_fn *begin_it,
    enum reeve_status (*answer)(
	struct reeve_request *, const struct rv_shared_job *))
{
	struct rv_shared *shared = rv_shared_of(state);
	uint64_t *number = &reeve_request_slots(r)[0];
	enum reeve_status status;
	struct rv_shared_job *job = NULL;

	if (*number == 0) {
		status = begin_it(r, shared, args, n, &job);
	} else {
		job = rv_shared_job_find(r, shared, *number);
		status = job != NULL ? REEVE_OK : REEVE_ENOENT;
	}
	if (status != REEVE_OK) {
		return status;
	}
	*number = job->number;
	if (!job->is_done && !reeve_request_expired(r)) {
		return wait_for(r, job);
	}
	status = job->is_done ? answer(r, job) : REEVE_EAGAIN;
	rv_shared_job_drop(r, job);
	return status;
}

static enum reeve_status
answer_value(struct reeve_request *r, const struct rv_shared_job *job)
{
	return rv_answer_value(r, &job->result);
}

enum reeve_status
rv_shared_apply(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	return rv_shared_begin_and_wait(r, state, args, n, begin, answer_value);
}

enum reeve_status
rv_shared_submit(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	struct rv_shared_job *job = NULL;
	enum reeve_status status = begin(r, rv_shared_of(state), args, n, &job);
	struct reeve_datum number;

	if (status == REEVE_OK) {
		number = reeve_int(job->number);
		reeve_request_answer(r, &number);
	}
	return status;
}

/* The task that is meant; NULL: said why. */
static struct rv_shared_job *
named(struct reeve_request *r, void *state, const struct reeve_datum *number,
    enum reeve_status *status)
{
	if (number->type != REEVE_DATUM_INT || number->is.integer < 0) {
		*status = reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "a task is named by its number");
		return NULL;
	}
	*status = REEVE_ENOENT;
	return rv_shared_job_find(
	    r, rv_shared_of(state), (uint64_t)number->is.integer);
}

static enum reeve_status
take(struct reeve_request *r, void *state, const struct reeve_datum *args,
    bool as_report)
{
	enum reeve_status status;
	struct rv_shared_job *job = named(r, state, &args[0], &status);

	if (job == NULL) {
		return status;
	}
	if (!job->is_done) {
		return reeve_request_expired(r) ? REEVE_EAGAIN
						: wait_for(r, job);
	}
	if (as_report) {
		rv_answer_report(r, &job->result);
		status = REEVE_OK;
	} else {
		status = rv_answer_value(r, &job->result);
	}
	rv_shared_job_drop(r, job);
	return status;
}

enum reeve_status
rv_shared_get(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	(void)n;
	return take(r, state, args, false);
}

enum reeve_status
rv_shared_result(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	(void)n;
	return take(r, state, args, true);
}

/* True: it ends cancelled; false: it had its end before. */
enum reeve_status
rv_shared_cancel(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	enum reeve_status status;
	struct rv_shared_job *job = named(r, state, &args[0], &status);
	struct reeve_datum is;

	(void)n;
	if (job == NULL) {
		return status;
	}
	is = reeve_bool(rv_shared_job_cancel(job) == REEVE_OK);
	reeve_request_answer(r, &is);
	return REEVE_OK;
}

enum reeve_status
rv_shared_task_state(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	static const char *const words[] = {
		[REEVE_FUTURE_WAITING] = "waiting",
		[REEVE_FUTURE_RUNNING] = "running",
		[REEVE_FUTURE_RESTING] = "resting",
		[REEVE_FUTURE_DONE] = "done",
	};
	enum reeve_status status;
	struct rv_shared_job *job = named(r, state, &args[0], &status);
	struct reeve_datum word;

	(void)n;
	if (job == NULL) {
		return status;
	}
	word = reeve_text(job->future != NULL
			      ? words[reeve_future_state(job->future)]
			      : "done");
	reeve_request_answer(r, &word);
	return REEVE_OK;
}
