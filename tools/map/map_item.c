/* SPDX-License-Identifier: MIT */
/*
 * One item from start to end: its process is started with its pipes, ended with
 * its group, its status taken; or its function is called (map_function.c). What
 * that means is for map_plan.c. See map_job.h.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/map/map_job.h"

/* What there is not enough of now may be there later. */
static bool
is_lack(int sys_errno)
{
	return sys_errno == EAGAIN || sys_errno == ENOMEM ||
	       sys_errno == EMFILE || sys_errno == ENFILE;
}

static bool
watch(struct map_job *job, const struct map_item *item, int fd, unsigned what)
{
	struct epoll_event event = { .events = EPOLLIN,
		.data.u64 = map_event_of(item, what) };

	return epoll_ctl(job->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void
close_ends(const int ends[2])
{
	for (int i = 0; i < 2; i++) {
		if (ends[i] >= 0) {
			close(ends[i]);
		}
	}
}

/* A function writes nothing to us: what it answers is put there. */
static struct map_output *
open_output(const struct map_job *job, const struct map_item *item, int ends[2])
{
	struct map_output *output = map_alloc(1, sizeof(*output));

	output->to[0] = output->to[1] = (struct map_capture)MAP_CAPTURE_NONE;
	output->number = item->number;
	ends[0] = ends[1] = -1;
	if (job->function.name != NULL ||
	    (map_capture_open(&output->to[0], &ends[0]) &&
		map_capture_open(&output->to[1], &ends[1]))) {
		return output;
	}
	close_ends(ends);
	map_output_free(output);
	return NULL;
}

static int
spawn(struct map_job *job, struct map_item *item, const int ends[2],
    bool *is_exec)
{
	const struct map_filling filling = { .items = item->text,
		.n_items = item->n_items,
		.number = item->number,
		.slot = item->slot };
	struct map_spawn spawn = { .path = job->program,
		.null_fd = job->null_fd,
		.out_fd = ends[0],
		.err_fd = ends[1],
		.memory = job->o->memory,
		.group = &job->guard.groups[item->slot] };
	int failure;

	spawn.argv = map_template_fill(&job->template, &filling);
	failure = map_spawn(&spawn, &item->pid, &item->pidfd, is_exec);
	free(spawn.argv);
	return failure;
}

static void
take_slot(struct map_job *job, struct map_item *item)
{
	item->slot = job->free_slots[--job->n_free];
	job->slots[item->slot] = item;
	item->birth = ++job->births;
	job->plan.running++;
}

static void
leave_slot(struct map_job *job, struct map_item *item)
{
	if (job->guard.groups != NULL) {
		__atomic_store_n(
		    &job->guard.groups[item->slot], 0, __ATOMIC_RELEASE);
	}
	job->slots[item->slot] = NULL;
	job->free_slots[job->n_free++] = item->slot;
}

/* Not counted as a try: it waits at the head of those that do. */
static void
put_back(struct map_job *job, struct map_item *item)
{
	if (item->output != NULL) {
		map_output_free(item->output);
		item->output = NULL;
	}
	leave_slot(job, item);
	job->plan.running--;
	job->plan.waiting++;
	item->attempt--;
	item->at = 0;
	map_items_add_by_time(&job->again, item);
}

/* The log has no room for its beginning. */
static bool
wait_for_log(struct map_job *job, struct map_item *item)
{
	put_back(job, item);
	job->plan.unrecorded = true;
	job->full_at = map_now();
	return false;
}

static bool
wait_for_more(struct map_job *job, struct map_item *item, int failure)
{
	if (!job->no_memory_said) {
		job->no_memory_said = true;
		map_say("cannot start more than %u at once for now: %s",
		    job->plan.running - 1, strerror(failure));
	}
	put_back(job, item);
	map_plan_lack(&job->plan, map_now());
	return false;
}

void
map_item_over(struct map_job *job, struct map_item *item)
{
	bool well = item->sys_errno == 0 && item->signal == 0 &&
		    item->exit_code == 0 && item->reason == NULL;
	enum map_verdict verdict;

	map_items_remove(item);
	leave_slot(job, item);
	verdict = map_plan_judge(
	    &job->plan, item->attempt, well, item->asked, map_now(), &item->at);
	map_tell_verdict(job, item, verdict);
	if (verdict == MAP_RETRY) {
		map_output_free(item->output);
		item->output = NULL;
		item->reason = NULL;
		map_call_finish(&item->call);
		map_items_add_by_time(&job->again, item);
	} else {
		map_item_free(item);
	}
}

static void
reset(struct map_item *item)
{
	item->exit_code = -1;
	item->signal = item->sys_errno = 0;
	item->core = false;
	item->pid = 0;
	item->reason = NULL;
	item->asked = false;
	memset(&item->usage, 0, sizeof(item->usage));
	item->started_at = map_now();
}

/* False: what has begun cannot be followed. */
static bool
watch_all(struct map_job *job, const struct map_item *item)
{
	return job->function.name != NULL ||
	       (watch(job, item, item->pidfd, MAP_ON_END) &&
		   watch(job, item, item->output->to[0].fd, MAP_ON_STDOUT) &&
		   watch(job, item, item->output->to[1].fd, MAP_ON_STDERR));
}

static void
follow(struct map_job *job, struct map_item *item)
{
	bool watched = watch_all(job, item);

	item->at = item->started_at + job->o->timeout;
	map_items_add(&job->running, item);
	if (!watched) {
		/* The kernel has no room to watch it: it cannot be followed. */
		map_item_end(job, item, "it could not be watched");
		map_item_kill(item);
		map_item_ended(job, item);
	}
}

bool
map_item_start(struct map_job *job, struct map_item *item)
{
	enum map_recorded recorded;
	int ends[2], failure;
	bool is_exec = false;

	take_slot(job, item);
	item->attempt++;
	item->output = open_output(job, item, ends);
	if (item->output == NULL) {
		return wait_for_more(job, item, errno);
	}
	reset(item);
	recorded = map_tell_started(job, item);
	if (recorded == MAP_NO_ROOM) {
		close_ends(ends);
		return wait_for_log(job, item);
	}
	if (recorded != MAP_RECORDED) {
		failure = ECANCELED;
		item->asked = true;
		map_plan_abort(&job->plan);
	} else if (job->function.name != NULL) {
		failure = map_function_call(job, item);
	} else {
		failure = spawn(job, item, ends, &is_exec);
	}
	close_ends(ends);
	if (failure == 0) {
		follow(job, item);
		return true;
	}
	if (is_lack(failure)) {
		return wait_for_more(job, item, failure);
	}
	item->sys_errno = failure;
	item->reason = is_exec ? "its command cannot be run" : NULL;
	map_capture_end(&item->output->to[0]);
	map_capture_end(&item->output->to[1]);
	map_item_over(job, item);
	return true;
}

/* -------- its end -------- */

static void
signal_group(const struct map_item *item, int signo)
{
	if (item->pid > 1) {
		kill(-item->pid, signo);
	}
}

void
map_item_kill(struct map_item *item)
{
	signal_group(item, SIGKILL);
}

void
map_item_end(struct map_job *job, struct map_item *item, const char *reason)
{
	if (item->reason == NULL) {
		item->reason = reason;
	}
	if (item->call.future != NULL) {
		map_function_cancel(item);
	} else {
		signal_group(item, SIGTERM);
		signal_group(item, SIGCONT);
	}
	map_items_remove(item);
	item->at = map_now() + job->o->kill_after;
	map_items_add_by_time(&job->ending, item);
}

static void
take_status(struct map_item *item)
{
	siginfo_t info = { 0 };

	if (syscall(SYS_waitid, P_PIDFD, item->pidfd, &info, WEXITED,
		&item->usage) != 0) {
		item->sys_errno = errno;
		return;
	}
	if (info.si_code == CLD_EXITED) {
		item->exit_code = info.si_status;
	} else {
		item->signal = info.si_status;
		item->core = info.si_code == CLD_DUMPED;
	}
}

void
map_item_ended(struct map_job *job, struct map_item *item)
{
	/*
	 * What it left in its group ends with it. Its status is taken after
	 * that: until then nobody else can be that group.
	 */
	signal_group(item, SIGKILL);
	map_capture_end(&item->output->to[0]);
	map_capture_end(&item->output->to[1]);
	take_status(item);
	close(item->pidfd);
	item->pidfd = -1;
	map_item_over(job, item);
}
