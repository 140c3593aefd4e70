/* SPDX-License-Identifier: MIT */
/*
 * Between the launcher's client and the processes of a context: who is to be
 * launched, what the launcher reports, and what has to be asked again when one
 * launcher has died and another has come. Runs inside of a turn of the loop,
 * but for what starts and signals.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "child/stage.h"
#include "process/process_priv.h"

/* One that kills its fork server each time does not go on for ever. */
#define TRIES_MAX 5

static struct reeve_process *
find(const struct reeve_context *context, uint64_t life)
{
	struct rv_hash_node *node = context->by_life.n > 0
					? rv_hash_find(&context->by_life, life)
					: NULL;
	struct reeve_process *process = NULL;

	if (node != NULL) {
		process = RV_CONTAINER(node, struct reeve_process, by_life);
		RV_MAGIC_CHECK(process, RV_PROCESS_MAGIC);
	}
	return process;
}

static bool
make_room(struct reeve_context *context)
{
	size_t room = RV_MAX(context->room * 2, (size_t)16);

	if (context->lives < context->room) {
		return true;
	}
	if (!rv_hash_reserve(&context->by_life, room) ||
	    rv_start_reserve(context->start, room) != REEVE_OK) {
		return false;
	}
	context->room = room;
	return true;
}

bool
rv_lives_add(struct reeve_process *process)
{
	struct reeve_context *context = process->context;

	if (!make_room(context)) {
		return false;
	}
	process->life = ++context->last_life;
	rv_hash_insert(&context->by_life, &process->by_life, process->life);
	context->lives++;
	return true;
}

void
rv_lives_remove(struct reeve_process *process)
{
	rv_list_remove(&process->unsent);
	if (process->life != 0) {
		rv_hash_remove(&process->context->by_life, &process->by_life);
		process->context->lives--;
		process->life = 0;
	}
	process->is_sent = false;
}

/* -------- asking -------- */

static void
fail(struct reeve_process *process, const struct reeve_error *err)
{
	rv_lives_remove(process);
	process->failure = *err;
	process->phase = RV_PHASE_NEW;
}

void
rv_lives_launch(struct reeve_process *process)
{
	struct rv_start *start = process->context->start;
	enum reeve_status status;
	struct reeve_error err;

	status = rv_start_launch_with(
	    start, process->life, &process->spec, process->its, &err);
	rv_list_remove(&process->unsent);
	if (status == REEVE_EAGAIN) {
		rv_list_insert(&process->context->unsent, &process->unsent);
	} else if (status != REEVE_OK) {
		fail(process, &err);
	} else {
		process->is_sent = true;
	}
}

/* The sync behind it tells that this launcher, not the next, has it. */
void
rv_lives_ask(struct reeve_process *process)
{
	struct rv_start *start = process->context->start;
	int signo = process->asked;

	if (process->phase != RV_PHASE_RUNNING || signo == 0) {
		return;
	}
	if (process->ask_end) {
		rv_start_expect_end(start, process->life);
	}
	if (signo == SIGKILL) {
		rv_start_kill(start, process->life, RV_KILL_GROUP);
	} else {
		rv_start_signal(start, process->life, signo,
		    process->asked_group, signo == SIGTERM || signo == SIGINT);
	}
	rv_start_sync(start, process->life | (uint64_t)signo << 56);
}

/* Under another number; what was not answered has not begun. */
static void
launch_again(struct reeve_process *process)
{
	static const struct reeve_error no_memory = { .status = REEVE_ENOMEM,
		.text = "out of memory" };

	rv_lives_remove(process);
	if (rv_lives_add(process)) {
		rv_lives_launch(process);
	} else {
		fail(process, &no_memory);
	}
}

/* -------- hearing -------- */

static void
on_launched(void *ctx, uint64_t life, pid_t pid, uint64_t ticks)
{
	struct reeve_process *process = find(ctx, life);

	if (process == NULL || process->phase != RV_PHASE_STARTING) {
		return;
	}
	process->phase = RV_PHASE_RUNNING;
	process->kind = REEVE_PROCESS_RUNNING;
	process->pid = pid;
	process->start_ticks = ticks;
	rv_process_given(process);
	rv_process_plan_used(process);
	rv_lives_ask(process);
}

static void
on_launch_failed(void *ctx, uint64_t life, int stage, int sys_errno)
{
	struct reeve_context *context = ctx;
	struct reeve_process *process = find(context, life);
	struct reeve_error err;

	if (process == NULL) {
		return;
	}
	/* Its fork server died after it was asked, and it had not begun. */
	if (stage == RV_STAGE_FORKSERVER && sys_errno == EAGAIN &&
	    process->tries < TRIES_MAX) {
		process->tries++;
		launch_again(process);
		return;
	}
	rv_error_sys(&err, sys_errno, "cannot start %s: %s%s%s", process->name,
	    context->hint.text, context->hint.text[0] != '\0' ? ": " : "",
	    rv_stage_text(stage));
	if (sys_errno == EAGAIN) {
		err.status = REEVE_EAGAIN;
	}
	err.stage = stage;
	context->hint.text[0] = '\0';
	fail(process, &err);
}

static void
on_notified(void *ctx, uint64_t life, const struct rv_notify *notify)
{
	struct reeve_process *process = find(ctx, life);

	if (process != NULL && (notify->flags & RV_NOTIFY_TROUBLE) != 0) {
		process->reported = true;
	}
}

static void
on_paged(void *ctx, uint64_t life, int fd)
{
	struct reeve_process *process = find(ctx, life);

	if (process == NULL) {
		close(fd);
		return;
	}
	if (process->page != -1) {
		close(process->page);
	}
	process->page = fd;
}

static void
on_died(void *ctx, uint64_t life, const struct rv_death *death)
{
	struct reeve_process *process = find(ctx, life);

	if (process != NULL) {
		rv_process_ended(process, death);
	}
}

static void
on_synced(void *ctx, uint64_t token)
{
	struct reeve_process *process =
	    find(ctx, token & ((UINT64_C(1) << 56) - 1));

	if (process != NULL && process->asked == token >> 56) {
		process->asked = 0;
	}
}

static void
on_writable(void *ctx)
{
	struct reeve_context *context = ctx;
	struct rv_list waiting;

	rv_list_init(&waiting);
	while (!rv_list_empty(&context->unsent)) {
		struct reeve_process *process = RV_LIST_FIRST(
		    &context->unsent, struct reeve_process, unsent);

		rv_list_remove(&process->unsent);
		rv_list_insert(&waiting, &process->unsent);
	}
	while (!rv_list_empty(&waiting)) {
		rv_lives_launch(
		    RV_LIST_FIRST(&waiting, struct reeve_process, unsent));
	}
}

static void
on_lost(void *ctx, int wstatus)
{
	(void)ctx;
	(void)wstatus;
}

/*
 * What the launcher had not answered yet has not begun, as no process goes on
 * before we are told of it: asked once more, under another number.
 */
static void
on_back(void *ctx)
{
	struct reeve_context *context = ctx;

	RV_LIST_EACH_SAFE (
	    process, &context->processes, struct reeve_process, link) {
		if (process->phase == RV_PHASE_STARTING && process->is_sent) {
			launch_again(process);
		} else if (process->phase == RV_PHASE_RUNNING) {
			rv_start_adopt(context->start, process->life,
			    process->pid, process->start_ticks, &process->spec);
			rv_lives_ask(process);
		}
	}
}

/* It may belong to what is told next: a launch that fails. */
static void
on_trouble(void *ctx, const struct reeve_error *err)
{
	struct reeve_context *context = ctx;

	context->hint = *err;
	rv_news_trouble(context, err);
}

/* Nobody asks for it: there is no clerk. */
static void
on_clerk_end(void *ctx, int fd)
{
	(void)ctx;
	close(fd);
}

const struct rv_start_ops rv_context_ops = {
	.launched = on_launched,
	.launch_failed = on_launch_failed,
	.notified = on_notified,
	.paged = on_paged,
	.died = on_died,
	.synced = on_synced,
	.writable = on_writable,
	.lost = on_lost,
	.back = on_back,
	.trouble = on_trouble,
	.clerk_end = on_clerk_end,
};
