/* SPDX-License-Identifier: MIT */
/*
 * The loop: waits for ends, outputs, signals, times and the input, asks
 * map_plan.c what is next, and has it done. See map_job.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <reeve/pool.h>

#include "tools/map/map_job.h"

#define EVENTS     256
#define LOG_EVERY  (100 * MAP_MS) /* it need not be woken for each record */
#define FULL_SAID  (5 * MAP_S)    /* that there is no room in it for so long */
#define SLOT_BITS  24
#define STARTS     16 /* between two looks at what happened */
#define FILES_KEPT 64 /* descriptors for all but items */
#define FILES_EACH 3
#define AHEAD      4096

enum { ON_SIGNAL, ON_LOG, ON_INPUT, ON_OUTPUT, ON_POOL };

/*
 * A descriptor may be watched a moment longer than it is open here: a process
 * that is being started has it, too, until its exec closes it. So events name
 * the start that they are of.
 */
uint64_t
map_event_of(const struct map_item *item, unsigned what)
{
	return (item->birth << SLOT_BITS | (item->slot + 1)) * 4 + what;
}

static bool
watch(struct map_job *job, int fd, uint32_t events, uint64_t what)
{
	struct epoll_event event = { .events = events, .data.u64 = what };

	return epoll_ctl(job->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ||
	       (errno == EEXIST &&
		   epoll_ctl(job->epoll, EPOLL_CTL_MOD, fd, &event) == 0);
}

/* -------- times -------- */

/* Those of functions are the pool's. */
static bool
has_timeouts(const struct map_job *job)
{
	return job->o->timeout > 0 && job->o->function == NULL;
}

/* At once when that is what is waited for. */
static int64_t
next_turn(const struct map_job *job)
{
	return job->plan.unrecorded ? 0 : job->turned_at + LOG_EVERY;
}

static int64_t
earliest(const struct map_job *job)
{
	int64_t at = map_progress_due(&job->progress);
	const struct map_item *firsts[] = {
		has_timeouts(job) ? job->running.first : NULL,
		job->ending.first,
		job->plan.running < job->plan.jobs ? job->again.first : NULL,
	};

	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		if (firsts[i] != NULL && firsts[i]->at < at) {
			at = firsts[i]->at;
		}
	}
	if (job->plan.lack_at > map_now() && job->plan.lack_at < at) {
		at = job->plan.lack_at;
	}
	if (job->log_ready && next_turn(job) < at) {
		at = next_turn(job);
	}
	if (job->full_at != 0 && !job->full_said &&
	    job->full_at + FULL_SAID < at) {
		at = job->full_at + FULL_SAID;
	}
	return at;
}

static int
time_left_ms(const struct map_job *job)
{
	int64_t at = earliest(job), left;

	if (at == INT64_MAX) {
		return -1;
	}
	left = at - map_now();
	if (left <= 0) {
		return 0;
	}
	left = (left + MAP_MS - 1) / MAP_MS;
	return left < 1000000 ? (int)left : 1000000;
}

static void
say_progress(struct map_job *job, int64_t now)
{
	struct map_count count = {
		.done = job->plan.ended + job->skipped,
		.failed = job->plan.failed + job->skipped_failed,
		.running = job->plan.running,
		.total = (map_input_total(&job->input) + job->o->chunk - 1) /
			 job->o->chunk,
	};

	job->progress.before = job->skipped + job->skipped_failed;
	map_progress_say(&job->progress, &count, now);
}

static void
on_times(struct map_job *job)
{
	int64_t now = map_now();
	struct map_item *item;

	while (has_timeouts(job) && (item = job->running.first) != NULL &&
	       item->at <= now) {
		map_item_end(job, item, "took longer than --timeout");
	}
	while ((item = job->ending.first) != NULL && item->at <= now) {
		map_item_kill(item);
		map_items_remove(item);
		item->at = now + job->o->kill_after + MAP_S;
		map_items_add_by_time(&job->ending, item);
	}
	if (map_progress_due(&job->progress) <= now) {
		say_progress(job, now);
	}
	if (job->log_ready && next_turn(job) <= now) {
		map_log_turn(&job->log);
		job->turned_at = now;
		job->log_ready = false;
		watch(
		    job, map_log_fd(&job->log), EPOLLIN | EPOLLONESHOT, ON_LOG);
	}
}

/* -------- stopping -------- */

static void
drop_waiting(struct map_job *job)
{
	struct map_item *item;

	while ((item = job->again.first) != NULL) {
		map_plan_drop(&job->plan);
		map_tell_dropped(job, item);
		map_item_free(item);
	}
}

static void
stop_running(struct map_job *job, enum map_stop stop)
{
	struct map_item *item;

	while ((item = job->running.first) != NULL) {
		item->asked = true;
		map_item_end(job, item, "the job was stopped");
	}
	for (item = job->ending.first; item != NULL; item = item->next) {
		item->asked = true;
		if (stop == MAP_STOP_KILL) {
			map_item_kill(item);
		}
	}
}

static void
do_stop(struct map_job *job)
{
	enum map_stop stop = job->plan.stop;

	if (stop == MAP_STOP_NOT || stop == job->done_stop) {
		return;
	}
	drop_waiting(job);
	if (stop >= MAP_STOP_TERM) {
		stop_running(job, stop);
	}
	job->done_stop = stop;
}

static void
on_signals(struct map_job *job)
{
	struct signalfd_siginfo info;

	while (
	    read(job->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		char name[16];

		map_plan_signal(&job->plan);
		map_signal_name((int)info.ssi_signo, name);
		if (job->signal == 0) {
			job->signal = (int)info.ssi_signo;
		}
		map_progress_hide(&job->progress);
		if (job->plan.stop == MAP_STOP_DRAIN) {
			map_say("%s: waiting for %u that run; the next signal "
				"ends them, the third kills them",
			    name, job->plan.running);
		} else {
			map_say("%s: %s %u that run", name,
			    job->plan.stop == MAP_STOP_KILL ? "killing"
							    : "ending",
			    job->plan.running);
		}
	}
}

/* -------- a log without room -------- */

/*
 * Nothing is begun that cannot be recorded. A slow disk is waited for; on one
 * that fails nobody knows for how long, so the job ends and can be resumed.
 */
static void
look_at_log(struct map_job *job, int64_t now)
{
	const struct map_log *log = &job->log;

	if (!job->plan.unrecorded) {
		return;
	}
	if (!log->full) {
		job->plan.unrecorded = job->full_said = false;
		job->full_at = 0;
	} else if (log->failure[0] != '\0' && !job->cannot) {
		map_progress_hide(&job->progress);
		map_say("no further items: there is no room left to record "
			"that one begins, and the event log in %s cannot be "
			"written: %s",
		    log->state_dir, log->failure);
		job->cannot = true;
		map_plan_drain(&job->plan);
	} else if (!job->full_said && job->full_at + FULL_SAID <= now) {
		job->full_said = true;
		map_progress_hide(&job->progress);
		map_say("the event log in %s is full and its disk slow: "
			"waiting for room",
		    log->state_dir);
	}
}

/* -------- events -------- */

static void
on_item(struct map_job *job, uint64_t event)
{
	uint64_t slot = event / 4 % (1u << SLOT_BITS) - 1;
	struct map_item *item = job->slots[slot];
	unsigned what = event % 4;

	if (item == NULL || event != map_event_of(item, what)) {
		return; /* it has ended meanwhile */
	}
	if (what == MAP_ON_END) {
		map_item_ended(job, item);
	} else {
		map_capture_read(&item->output->to[what - MAP_ON_STDOUT]);
	}
}

static void
on_event(struct map_job *job, uint64_t event)
{
	switch (event) {
	case ON_SIGNAL:
		on_signals(job);
		break;
	case ON_LOG:
		job->log_ready = true;
		break;
	case ON_INPUT:
		job->input_waits = false;
		break;
	case ON_OUTPUT:
		job->outs_wait = false;
		break;
	case ON_POOL:
		map_function_turn(job);
		break;
	default:
		on_item(job, event);
	}
}

static void
write_outputs(struct map_job *job)
{
	unsigned done;
	int fd;

	if (job->outs_wait || job->outs.first == NULL) {
		return;
	}
	map_progress_hide(&job->progress);
	fd = map_outs_write(&job->outs, &done);
	job->plan.held -= done;
	if (fd >= 0) {
		job->outs_wait = true;
		if (!watch(job, fd, EPOLLOUT | EPOLLONESHOT, ON_OUTPUT)) {
			/* What cannot be waited for takes all at once. */
			job->outs.regular[fd - STDOUT_FILENO] = true;
			job->outs_wait = false;
		}
	}
	if (job->outs.failed && !job->cannot) {
		job->cannot = true;
		map_plan_abort(&job->plan);
	}
}

static void
wait_for_events(struct map_job *job, int ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(job->epoll, events, EVENTS, ms);

	for (int i = 0; i < n; i++) {
		on_event(job, events[i].data.u64);
	}
	on_times(job);
	look_at_log(job, map_now());
	do_stop(job);
	write_outputs(job);
}

/* -------- giving out -------- */

static void
take_next(struct map_job *job)
{
	struct map_item *item = NULL;

	switch (map_give_next(job, &item)) {
	case MAP_GOT:
		item->sequence = job->sequences++;
		map_item_start(job, item);
		break;
	case MAP_GOT_NOT_YET:
		job->input_waits = true;
		if (!watch(
			job, job->input.fd, EPOLLIN | EPOLLONESHOT, ON_INPUT)) {
			/* It says that it may be read at any time. */
			job->input.waits = job->input_waits = false;
		}
		break;
	case MAP_GOT_ERROR:
		job->cannot = true;
		/* fall through */
	case MAP_GOT_END:
		job->plan.input_ended = true;
	}
}

static void
try_again(struct map_job *job)
{
	struct map_item *item = job->again.first;

	map_items_remove(item);
	job->plan.waiting--;
	map_item_start(job, item);
}

static void
loop(struct map_job *job)
{
	unsigned starts = STARTS; /* signals that came before are seen first */

	for (;;) {
		int64_t again_at =
		    job->again.first != NULL ? job->again.first->at : MAP_NEVER;
		enum map_next next =
		    map_plan_next(&job->plan, map_now(), again_at);

		if (next == MAP_OVER) {
			return;
		}
		if (next == MAP_WAIT ||
		    (next == MAP_TAKE && job->input_waits)) {
			do_stop(job);
			wait_for_events(
			    job, job->outs.first != NULL && !job->outs_wait
				     ? 0
				     : time_left_ms(job));
			starts = 0;
			continue;
		}
		if (starts++ >= STARTS) {
			wait_for_events(job, 0);
			starts = 0;
			continue;
		}
		if (next == MAP_TAKE) {
			take_next(job);
		} else {
			try_again(job);
		}
	}
}

/* -------- beginning and end -------- */

static int
cannot(const char *what)
{
	map_say("cannot %s: %s", what, strerror(errno));
	return MAP_COULD_NOT;
}

static int
find_program(struct map_job *job)
{
	const char *name;

	if (job->o->function != NULL) {
		return map_function_find(&job->function, job->o->function);
	}
	if (!job->template.fixed) {
		return 0;
	}
	name = job->o->shell ? "/bin/sh" : job->template.words[0];
	job->program = map_spawn_find(name);
	if (job->program == NULL) {
		map_say("cannot run %s: %s", name, strerror(errno));
		return MAP_COULD_NOT;
	}
	return 0;
}

static void
size_up(struct map_job *job)
{
	unsigned files = map_spawn_files();
	unsigned most = files > FILES_KEPT + FILES_EACH
			    ? (files - FILES_KEPT) / FILES_EACH
			    : 1;

	job->plan.jobs = job->o->jobs;
	if (job->o->function != NULL && job->plan.jobs > MAP_WORKERS_MAX) {
		map_say("no more than %u at once: a pool has no more workers",
		    MAP_WORKERS_MAX);
		job->plan.jobs = MAP_WORKERS_MAX;
	}
	if (job->plan.jobs > most) {
		map_say("no more than %u at once: the limit of open files "
			"(ulimit -n) is %u",
		    most, files);
		job->plan.jobs = most;
	}
	job->n_free = job->plan.jobs;
	job->slots = map_alloc(job->plan.jobs, sizeof(job->slots[0]));
	job->free_slots = map_alloc(job->plan.jobs, sizeof(job->free_slots[0]));
	for (unsigned i = 0; i < job->n_free; i++) {
		job->free_slots[i] = job->n_free - 1 - i;
	}
	job->plan.retries = job->o->retries;
	job->plan.backoff = job->o->backoff;
	job->plan.halt = job->o->halt;
	job->plan.ahead = 4 * job->plan.jobs + AHEAD;
	job->plan.again = job->plan.ahead;
}

static int
open_descriptors(struct map_job *job)
{
	sigset_t asking;

	sigemptyset(&asking);
	sigaddset(&asking, SIGINT);
	sigaddset(&asking, SIGTERM);
	sigaddset(&asking, SIGHUP);
	job->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	job->epoll = epoll_create1(EPOLL_CLOEXEC);
	job->signals = signalfd(-1, &asking, SFD_CLOEXEC | SFD_NONBLOCK);
	if (job->null_fd < 0 || job->epoll < 0 || job->signals < 0 ||
	    !watch(job, job->signals, EPOLLIN, ON_SIGNAL)) {
		return cannot("open what is needed");
	}
	if (job->o->keep != NULL && mkdir(job->o->keep, 0777) != 0 &&
	    errno != EEXIST) {
		map_say("cannot make %s: %s", job->o->keep, strerror(errno));
		return MAP_COULD_NOT;
	}
	return 0;
}

static int
check_past(struct map_job *job)
{
	const struct map_past *past = &job->past;

	if (job->o->resume == MAP_ANEW) {
		if (past->unfinished) {
			map_say("an earlier run of this job did not finish; "
				"with --resume it would go on, now all begins "
				"anew");
		}
		job->past.runs = 0;
		return 0;
	}
	if (past->cut) {
		map_say("the log in %s goes not back to the beginning of this "
			"job: it cannot be resumed",
		    job->log.state_dir);
		return MAP_COULD_NOT;
	}
	if (past->runs > 0 && past->key != map_job_key(job->o)) {
		map_say("the command of this job was another: %s",
		    past->command != NULL ? past->command : "?");
		return MAP_COULD_NOT;
	}
	if (past->runs > 0) {
		map_say("going on: %llu had ended, %llu had failed, %llu were "
			"under way and are run again",
		    (unsigned long long)past->ended,
		    (unsigned long long)past->failed,
		    (unsigned long long)past->open);
	}
	return 0;
}

static int
open_past(struct map_job *job)
{
	int code = 0;

	job->log.signals = job->signals;
	if (job->log.existed) {
		code = map_log_past(
		    &job->log, &job->past, job->o->resume != MAP_ANEW);
	}
	if (code == 0) {
		code = check_past(job);
	}
	return code == 0 ? map_give_open(job) : code;
}

static int
open_pool(struct map_job *job)
{
	int code = map_function_open(job);

	if (code == 0 &&
	    !watch(job, reeve_pool_fd(job->function.pool), EPOLLIN, ON_POOL)) {
		return cannot("watch the workers");
	}
	return code;
}

static int
open_all(struct map_job *job)
{
	int code;

	map_spawn_init();
	map_template_init(&job->template, job->o);
	if ((code = find_program(job)) != 0 ||
	    (code = map_input_open(&job->input, job->o)) != 0 ||
	    (code = open_descriptors(job)) != 0) {
		return code;
	}
	size_up(job);
	map_outs_init(&job->outs);
	/* Workers end with their launcher, which ends with us. */
	if (job->o->function == NULL &&
	    !map_guard_start(&job->guard, job->plan.jobs)) {
		return cannot("start the guard");
	}
	if ((code = map_log_open(&job->log, job->o)) != 0 ||
	    (code = open_past(job)) != 0) {
		return code;
	}
	if (!watch(
		job, map_log_fd(&job->log), EPOLLIN | EPOLLONESHOT, ON_LOG)) {
		return cannot("watch the log");
	}
	if (job->o->function != NULL && (code = open_pool(job)) != 0) {
		return code;
	}
	job->began_at = map_now();
	map_progress_init(&job->progress, job->o->progress, job->began_at);
	return map_tell_job(job, REEVE_TASK_STARTED, NULL) ? 0 : MAP_COULD_NOT;
}

static int
exit_code(const struct map_job *job)
{
	const struct map_plan *plan = &job->plan;

	if (job->cannot) {
		return MAP_COULD_NOT;
	}
	if (job->signal != 0) {
		return 128 + job->signal;
	}
	if (plan->halted && plan->halt.what == MAP_HALT_SUCCESS) {
		return MAP_DONE;
	}
	return plan->failed + plan->given_up + job->skipped_failed > 0
		   ? MAP_SOME_FAILED
		   : MAP_DONE;
}

/* Nothing is left that --resume should go on with. */
static bool
is_complete(const struct map_job *job)
{
	const struct map_plan *plan = &job->plan;

	return !job->cannot && (plan->stop == MAP_STOP_NOT ||
				   (plan->halted && job->signal == 0 &&
				       plan->halt.what == MAP_HALT_SUCCESS));
}

static int
finish(struct map_job *job)
{
	bool all = is_complete(job);
	int code;

	map_function_close(&job->function);
	code = exit_code(job);

	map_progress_hide(&job->progress);
	if (!map_tell_job(job, all ? REEVE_TASK_ENDED : REEVE_TASK_CANCELLED,
		all ? NULL : "stopped before the end of the input")) {
		code = MAP_COULD_NOT;
	}
	if (!job->o->quiet || code != MAP_DONE) {
		map_tell_summary(job, all);
	}
	map_log_close(&job->log, all && code == MAP_DONE && !job->log.named);
	return code;
}

static void
free_all(struct map_job *job)
{
	const int fds[] = { job->null_fd, job->epoll, job->signals };

	while (job->todo.first != NULL) {
		map_item_free(job->todo.first);
	}
	map_item_free(job->partial);
	map_input_close(&job->input);
	map_template_finish(&job->template);
	map_past_finish(&job->past);
	map_order_finish(&job->order);
	if (job->guard.pid > 0) {
		map_guard_end(&job->guard);
	}
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0) {
			close(fds[i]);
		}
	}
	map_function_finish(&job->function);
	free(job->program);
	free(job->slots);
	free(job->free_slots);
}

int
map_run(const struct map_options *o)
{
	struct map_job job = { .o = o,
		.null_fd = -1,
		.epoll = -1,
		.signals = -1,
		.input.fd = -1 };
	int code = open_all(&job);

	if (code == 0) {
		loop(&job);
		code = finish(&job);
	} else {
		map_function_close(&job.function);
		map_log_close(&job.log, !job.log.existed && !job.log.named);
	}
	free_all(&job);
	return code;
}
