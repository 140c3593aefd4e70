/* SPDX-License-Identifier: MIT */
/*
 * From the config of a worker to the request that starts it: everything the
 * launcher needs, so that it need not remember units.
 */
#include "config.h"

#include <signal.h>
#include <sys/types.h>

#include "base/error.h"
#include "start/start_priv.h"

_Static_assert((int)RV_METHOD_SPAWN == (int)RV_LAUNCH_BY_SPAWN &&
		   (int)RV_METHOD_FORK == (int)RV_LAUNCH_BY_FORK &&
		   (int)RV_METHOD_FORKSERVER == (int)RV_LAUNCH_BY_FORKSERVER,
    "the wire has the config's start methods");

_Static_assert((int)RV_OUT_NONE == (int)RV_LAUNCH_OUT_NONE &&
		   (int)RV_OUT_INHERIT == (int)RV_LAUNCH_OUT_INHERIT &&
		   (int)RV_OUT_FILE == (int)RV_LAUNCH_OUT_FILE &&
		   (int)RV_OUT_MERGED == (int)RV_LAUNCH_OUT_MERGED,
    "the wire has the config's kinds of output");

static void
describe_keep(struct rv_launch_keep *keep, const struct rv_spec *spec)
{
	const struct rv_policy *policy = spec->policy;
	const struct rv_program *program = spec->program;

	*keep = (struct rv_launch_keep){
		.kill_mode = (uint32_t)policy->kill_mode,
		.n_stop = policy->n_stop,
		.stop_group = policy->stop_group,
		.notify = program->ready == RV_CHANNEL_NOTIFY ||
			  policy->hb_interval > 0 ||
			  program->function != NULL || program->crash_report,
		.hosted = program->function != NULL &&
			  program->method == RV_METHOD_FORK,
		.set_user = program->set_user,
		.uid = program->uid,
	};
	for (unsigned i = 0; i < policy->n_stop; i++) {
		keep->stop[i] = policy->stop[i];
	}
}

static struct rv_launch_out
describe_out(const struct rv_out *out)
{
	return (struct rv_launch_out){ .kind = (uint32_t)out->kind,
		.path = out->path,
		.max_bytes = out->max_bytes,
		.backups = out->backups };
}

static bool
describe_limits(struct rv_launch *launch, const struct rv_program *program)
{
	if (program->n_limits > RV_LAUNCH_LIMITS_MAX) {
		return false;
	}
	launch->n_limits = program->n_limits;
	for (unsigned i = 0; i < program->n_limits; i++) {
		const struct rv_limit *limit = &program->limits[i];

		launch->limits[i] = (struct rv_launch_limit){
			.resource = limit->resource,
			.has_soft = limit->has_soft,
			.has_hard = limit->has_hard,
			.soft = limit->soft,
			.hard = limit->hard,
		};
	}
	return true;
}

/* The worker need not be told that TERM means stop. */
static int32_t
stop_signal(const struct rv_spec *spec)
{
	const struct rv_policy *policy = spec->policy;
	int signo = policy->n_stop > 0 ? policy->stop[0].signo : SIGTERM;

	return signo == SIGTERM || signo == SIGKILL ? 0 : signo;
}

static void
describe_function(struct rv_launch *launch, const struct rv_program *program)
{
	if (program->function == NULL) {
		return;
	}
	launch->method = (uint32_t)program->method;
	launch->function = program->function;
	launch->args = program->args;
	launch->n_args = (uint32_t)program->n_args;
	launch->args_are_json = program->args_are_json;
	if (program->method == RV_METHOD_FORKSERVER) {
		launch->preload = rv_strings_of(program->preload);
	}
}

static bool
describe(const struct rv_start *start, struct rv_launch *launch, uint64_t life,
    const struct rv_spec *spec)
{
	const struct rv_program *program = spec->program;

	*launch = (struct rv_launch){
		.life = life,
		.path = spec->path,
		.argv = rv_strings_of(program->argv),
		.env = rv_strings_of(program->env_set),
		.clear_env = program->clear_env,
		.directory = program->directory,
		.set_group = program->set_group,
		.gid = program->gid,
		.groups = program->groups,
		.n_groups = program->n_groups,
		.umask = program->umask,
		.set_nice = program->set_nice,
		.nice = program->nice,
		.set_oom = program->set_oom,
		.oom_score_adj = program->oom_score_adj,
		.out = describe_out(&program->out),
		.err = describe_out(&program->err),
		.ready_fd =
		    program->ready == RV_CHANNEL_FD ? program->ready_fd : -1,
		.watchdog_usec = (uint64_t)(spec->policy->hb_interval / RV_US),
	};
	launch->listen = rv_strings_of(program->listen);
	if (program->crash_report) {
		launch->crash_library = start->crash_library;
	}
	if (launch->keep.notify || program->function != NULL) {
		launch->stop_signal = stop_signal(spec);
	}
	describe_function(launch, program);
	describe_keep(&launch->keep, spec);
	return launch->listen.count <= RV_LAUNCH_LISTEN_MAX &&
	       describe_limits(launch, program);
}

/* Into start->frame; 0: it is larger than any request may be. */
static size_t
encode(struct rv_start *start, uint64_t life, const struct rv_spec *spec)
{
	struct rv_launch launch;

	return describe(start, &launch, life, spec)
		   ? rv_launch_encode(
			 start->frame, RV_LAUNCH_FRAME_MAX, &launch)
		   : 0;
}

static enum reeve_status
too_big(const char *what, const struct rv_spec *spec, struct reeve_error *err)
{
	return rv_error(err, REEVE_ETOOBIG,
	    "cannot %s %s: its command or arguments and environment are larger "
	    "than %d KiB",
	    what, spec->path, RV_LAUNCH_FRAME_MAX / 1024);
}

enum reeve_status
rv_start_launch(struct rv_start *start, uint64_t number,
    const struct rv_spec *spec, struct reeve_error *err)
{
	return rv_start_launch_with(start, number, spec, -1, err);
}

enum reeve_status
rv_start_launch_with(struct rv_start *start, uint64_t number,
    const struct rv_spec *spec, int fd, struct reeve_error *err)
{
	struct rv_start_life *life;
	size_t len;

	if (start->fd == -1 || start->blocked || start->unsealed) {
		start->refused = true;
		return REEVE_EAGAIN;
	}
	len = encode(start, number, spec);
	if (len == 0) {
		return too_big("start", spec, err);
	}
	life = rv_start_add(start, number);
	if (life == NULL) {
		return rv_error(err, REEVE_EFULL,
		    "cannot start %s: no room was reserved", spec->path);
	}
	if (!rv_start_send(start, start->frame, len, fd != -1 ? &fd : NULL)) {
		rv_start_remove(start, life);
		start->refused = true;
		return REEVE_EAGAIN;
	}
	return REEVE_OK;
}

/* A launch of no life declares. */
bool
rv_start_send_seal(struct rv_start *start)
{
	struct rv_launch_frame seal = { .op = RV_LAUNCH_SEAL };
	size_t len;

	for (; start->next_declared < start->n_declared;
	     start->next_declared++) {
		const struct rv_spec *spec =
		    start->declared[start->next_declared];

		if (spec->program == NULL) {
			continue;
		}
		len = encode(start, 0, spec);
		if (!rv_start_send(start, start->frame, len, NULL)) {
			return false;
		}
	}
	len = rv_launch_encode_frame(start->frame, RV_LAUNCH_SMALL_MAX, &seal);
	start->unsealed = !rv_start_send(start, start->frame, len, NULL);
	return !start->unsealed;
}

enum reeve_status
rv_start_seal(struct rv_start *start, const struct rv_spec *const *specs,
    size_t n, struct reeve_error *err)
{
	if (start->declared != NULL) {
		return REEVE_OK;
	}
	for (size_t i = 0; i < n; i++) {
		if (specs[i]->program != NULL &&
		    encode(start, 0, specs[i]) == 0) {
			return too_big("declare", specs[i], err);
		}
	}
	start->declared = specs;
	start->n_declared = n;
	start->next_declared = 0;
	start->unsealed = true;
	if (start->fd != -1 && !start->blocked && !start->handing_over) {
		rv_start_send_seal(start); /* else as soon as can be */
	}
	return REEVE_OK;
}

void
rv_start_adopt(struct rv_start *start, uint64_t number, pid_t pid,
    uint64_t start_ticks, const struct rv_spec *spec)
{
	struct rv_start_life *life = rv_start_find(start, number);

	if (life == NULL) {
		life = rv_start_add(start, number);
	}
	if (life == NULL) {
		rv_start_trouble(start, 0, "no room to adopt process %d of %s",
		    pid, spec->path);
		return;
	}
	life->stale = false;
	life->pid = pid;
	life->start_ticks = start_ticks;
	describe_keep(life->keep, spec);
	rv_start_ask_adoption(start, life);
}
