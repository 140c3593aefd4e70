/* SPDX-License-Identifier: MIT */
/*
 * The worker of a pool: comes in by its door, says that it is ready, and runs
 * task after task until it is told to end, asked to stop, or alone. It is the
 * function that the units of a pool run; of the host's pool it uses nothing,
 * though it may be a fork of it. Between tasks it sleeps on a word of the lane.
 *
 * The one thing that it keeps beside its stack is where its struct is, for
 * handlers: a process has one worker.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <unistd.h>

#include <reeve/child.h>
#include <reeve/error.h>
#include <reeve/self.h>

#include "base/alloc.h"
#include "pool/task_priv.h"
#include "sys/sys.h"

#define NAP     RV_SEC /* then a look whether the host is there: once, and */
#define NAP_MAX (60 * RV_SEC) /* twice as long each time, up to that */
/* Looks before it sleeps: more where that was worth it, else fewer. */
#define LOOKS_MIN 20
#define LOOKS_MAX 400

/* Results that the host was not woken for, while more tasks wait. */
#define UNTOLD_MAX 24
#define UNTOLD_FOR (50 * RV_US)

static struct rv_task_worker *the_worker;

/* -------- signals -------- */

/* Asked to stop: as reeve_stopping has it, but that costs system calls, and the
 * worker asks for each task. Of a task's child it is the end. */
static void
on_stop(int signo)
{
	struct rv_task_worker *w = the_worker;
	int saved = errno;

	if (w != NULL && *w->here == 0) {
		(void)signal(signo, SIG_DFL);
		(void)raise(signo);
	} else if (w != NULL) {
		w->asked = 1;
		if (w->lane.memory != NULL) {
			rv_lane_awake(&w->lane.tasks);
		}
	}
	errno = saved;
}

/* What blocks returns; the function asks reeve_task_is_overdue. */
static void
on_soft_limit(int signo)
{
	(void)signo;
}

static void
handle(int signo, void (*handler)(int))
{
	struct sigaction act = { .sa_handler = handler };

	(void)sigemptyset(&act.sa_mask);
	(void)sigaction(signo, &act, NULL);
}

/* -------- ends -------- */

void
rv_task_leave(struct rv_task_worker *w)
{
	(void)w;
	(void)fflush(NULL);
	_exit(0);
}

/* The thread of the worker has ended within a task. */
static void
on_thread_exit(void *ctx)
{
	struct rv_task_worker *w = ctx;

	if (*w->here != 0 && w->id != 0) {
		reeve_raise("reeve.ThreadExit",
		    "the function of a task has ended its worker's thread");
	}
}

/* -------- coming in -------- */

static void
run_initializer(struct rv_task_worker *w, const struct rv_door_welcome *welcome,
    const struct rv_task_file *init)
{
	const char *name = init->at;
	size_t n = strnlen(name, init->size);
	struct reeve_call call = { .size = sizeof(call),
		.function = name,
		.path = w->path,
		.args = name + n + 1,
		.args_len = welcome->args_length,
		.answer = &w->answer };
	reeve_function_fn *fn;
	char why[256];
	int code;

	if (n >= init->size || welcome->args_length > init->size - n - 1) {
		reeve_raise("reeve.Pool", "the initializer did not come whole");
	}
	if (reeve_function_load(name, &fn, why, sizeof(why)) != REEVE_OK) {
		reeve_raise(RV_DOOR_NO_FUNCTION, "initializer: %s", why);
	}
	rv_task_answer_begin(w);
	w->answer.attempt = 1;
	w->answer.deadline = UINT64_MAX;
	w->comes_in = true;
	code = fn(&call);
	w->comes_in = false;
	if (code != 0 && w->said.failed) {
		reeve_raise(w->said.type, "%s", w->said.message);
	}
	if (code != 0) {
		reeve_raise("reeve.Initializer", "%s returned %d", name, code);
	}
}

static int
stop_signal(void)
{
	const char *text = secure_getenv("REEVE_STOPSIGNAL");
	long signo = text != NULL ? strtol(text, NULL, 10) : 0;

	return signo > 0 && signo < NSIG ? (int)signo : SIGTERM;
}

/* What this process has of its own, and what it does with signals. Asked once
 * now, reeve_stopping catches the signal from here on, and calls our handler.
 */
static void
prepare(struct rv_task_worker *w)
{
	w->here = rv_sys_mmap_own(sizeof(*w->here));
	if (w->here == NULL) {
		reeve_raise("reeve.Pool", "no memory for a worker");
	}
	*w->here = 1;
	the_worker = w;
	(void)sigprocmask(SIG_SETMASK, NULL, &w->mask);
	(void)signal(SIGINT, SIG_IGN);
	handle(stop_signal(), on_stop);
	(void)reeve_stopping();
}

static void
come_in(struct rv_task_worker *w, const char *pool)
{
	struct rv_door_welcome welcome;
	struct rv_door_say ready = { .magic = RV_DOOR_MAGIC,
		.word = RV_DOOR_READY };
	struct rv_task_file init = { .fd = -1 };
	struct reeve_error err;
	enum reeve_status status =
	    rv_task_enter(w, pool, &welcome, &init, &err);

	if (status == REEVE_ECLOSED || reeve_stopping()) {
		rv_task_leave(w);
	}
	if (status != REEVE_OK) {
		reeve_raise("reeve.Pool", "%s", err.text);
	}
	w->max_memory = welcome.max_memory;
	if (welcome.soft_signal > 0) {
		handle(welcome.soft_signal, on_soft_limit);
	}
	if (init.at != NULL) {
		run_initializer(w, &welcome, &init);
		rv_task_file_close(&init);
	}
	(void)reeve_ready();
	if (!rv_task_say(w, &ready, -1)) {
		rv_task_leave(w);
	}
}

/* -------- the loop -------- */

static void
breathe(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* For a moment in which the next task may come: a sleep costs both sides. */
static bool
has_come(struct rv_task_worker *w)
{
	struct rv_frame head;
	const void *payload;

	for (unsigned i = 0; i < w->looks; i++) {
		if (rv_lane_peek(&w->lane.tasks, &head, &payload) !=
		    RV_LANE_EMPTY) {
			w->looks = RV_MIN(2 * w->looks, LOOKS_MAX);
			return true;
		}
		breathe();
	}
	w->looks = RV_MAX(w->looks / 2, LOOKS_MIN);
	return false;
}

/* A signal that came before the sleep has left its word in `asked`, one behind
 * it in the lane. What the last task blocked is let in
 * again. */
static void
idle(struct rv_task_worker *w)
{
	struct rv_lane *tasks = &w->lane.tasks;
	struct rv_frame head;
	const void *payload;

	if (!has_come(w)) {
		reeve_say_task(NULL);
		(void)sigprocmask(SIG_SETMASK, &w->mask, NULL);
		if (rv_lane_sleep(tasks)) {
			if (w->asked == 0) {
				rv_lane_wait(tasks, w->nap);
			}
			rv_lane_awake(tasks);
		}
		if (rv_lane_peek(tasks, &head, &payload) != RV_LANE_EMPTY) {
			w->nap = NAP;
		} else if (rv_task_is_alone(w, 0)) {
			rv_task_leave(w);
		} else {
			w->nap = RV_MIN(2 * w->nap, NAP_MAX);
		}
	}
	w->now = rv_sys_now();
}

/* It has too much memory, and its host will have it stopped. */
static void
await_stop(struct rv_task_worker *w)
{
	(void)sigprocmask(SIG_SETMASK, &w->mask, NULL);
	while (w->asked == 0 && !rv_task_is_alone(w, 100)) {
	}
}

/*
 * The host is woken for many results at once, while there are more tasks: it
 * has given us more than one since they are short, and looks by itself when one
 * of them turns out not to be (RV_SCHED_STALE).
 */
static void
tell(struct rv_task_worker *w)
{
	if (w->untold++ == 0) {
		w->untold_at = w->now;
	}
	if (w->untold >= UNTOLD_MAX || w->now - w->untold_at >= UNTOLD_FOR) {
		w->untold = 0;
		rv_task_flush(w);
	}
}

static void
tell_all(struct rv_task_worker *w)
{
	if (w->untold > 0) {
		w->untold = 0;
		rv_task_flush(w);
	}
}

/* False: it was asked to stop, so that it is another one's. */
static bool
take(struct rv_task_worker *w, const struct rv_frame *head, const void *payload)
{
	struct rv_task_file file;

	if (w->fat) {
		tell_all(w);
		await_stop(w);
	}
	if (w->fat || w->asked != 0) {
		return false;
	}
	if (rv_lane_begin(&w->lane.tasks)) {
		rv_task_run(w, head, payload);
		tell(w);
	} else if ((head->flags & RV_FRAME_LARGE) != 0) {
		/* It was taken back, what came beside it was not. */
		(void)rv_task_fetch(w, head->size, &file);
		rv_task_file_close(&file);
	}
	return true;
}

/* False: the worker is to end. */
static bool
step(struct rv_task_worker *w, const struct rv_frame *head, const void *payload)
{
	switch (head->kind) {
	case RV_FRAME_FUNCTION:
		rv_task_learn(w, head, payload);
		return true;
	case RV_FRAME_TASK:
	case RV_FRAME_CHUNK:
		return take(w, head, payload);
	case RV_FRAME_END:
		return false;
	default:
		reeve_raise("reeve.Lane", "a frame of kind %u", head->kind);
	}
}

static void
loop(struct rv_task_worker *w)
{
	struct rv_frame head;
	const void *payload;

	for (;;) {
		switch (rv_lane_peek(&w->lane.tasks, &head, &payload)) {
		case RV_LANE_OK:
			if (!step(w, &head, payload)) {
				return;
			}
			rv_lane_drop(&w->lane.tasks);
			break;
		case RV_LANE_EMPTY:
			tell_all(w);
			if (w->asked != 0) {
				return;
			}
			idle(w);
			break;
		case RV_LANE_NONSENSE:
			reeve_raise("reeve.Lane",
			    "the memory shared with the host was written over");
		}
	}
}

static void
finish(struct rv_task_worker *w)
{
	for (size_t i = 0; i < w->n_functions; i++) {
		rv_free(w->functions[i].name);
	}
	rv_free(w->functions);
	rv_lane_close(&w->lane);
	rv_lane_host_close(&w->page);
	(void)close(w->pair);
}

int
reeve_pool_worker(const struct reeve_call *call)
{
	struct rv_task_worker w = { .pair = -1,
		.path = call->path,
		.nap = NAP,
		.looks = LOOKS_MIN,
		.lane.fd = -1,
		.page = { .fd = -1, .bell = -1 },
		.said.file.fd = -1 };
	tss_t thread;

	prepare(&w);
	rv_task_answer_init(&w);
	come_in(&w, call->args);
	if (tss_create(&thread, on_thread_exit) != thrd_success ||
	    tss_set(thread, &w) != thrd_success) {
		reeve_raise("reeve.Pool", "no memory for a worker");
	}
	w.now = rv_sys_now();
	loop(&w);
	the_worker = NULL;
	(void)tss_set(thread, NULL);
	tss_delete(thread);
	finish(&w);
	return 0;
}

REEVE_FUNCTION(RV_DOOR_FUNCTION, reeve_pool_worker);
