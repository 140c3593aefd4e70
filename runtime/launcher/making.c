/* SPDX-License-Identifier: MIT */
/*
 * What a process needs before it is there: see making.h. What fails here
 * leaves nothing behind and is said with its stage. No step reads /proc or
 * waits for anybody.
 */
#include "config.h"

#include "launcher/making.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "child/call.h"
#include "child/forker.h"
#include "launcher/life.h"
#include "launcher/listen.h"
#include "launcher/plan.h"
#include "launcher/sockets.h"
#include "sys/sys.h"

bool
rv_making_failed(struct rv_making *m, enum rv_stage stage, int sys_errno)
{
	m->stage = stage;
	m->sys_errno = sys_errno;
	return false;
}

static bool
make_pipe(struct rv_launcher *l, const struct rv_launch_out *out, int *read_end,
    int *write_end)
{
	int fds[2];

	if (out->kind != RV_LAUNCH_OUT_FILE) {
		return true;
	}
	if (!rv_ahead_pipe(l, fds) && rv_sys_pipe2(fds, 0) == -1) {
		return false;
	}
	*read_end = fds[0];
	*write_end = fds[1];
	return true;
}

/* Programs open /dev/stdout anew, which asks who owns the pipe. */
static bool
give_pipes(struct rv_making *m)
{
	const struct rv_launch_keep *keep = &m->launch->keep;

	for (unsigned i = 0; i < 2 && m->birth->set_uid; i++) {
		if (m->writes[i] != -1 &&
		    fchown(m->writes[i], keep->uid, (gid_t)-1) == -1) {
			return false;
		}
	}
	return true;
}

static bool
make_descriptors(struct rv_making *m)
{
	const struct rv_launch *launch = m->launch;

	if (!make_pipe(m->l, &launch->out, &m->reads[0], &m->writes[0]) ||
	    !make_pipe(m->l, &launch->err, &m->reads[1], &m->writes[1]) ||
	    !give_pipes(m)) {
		return rv_making_failed(m, RV_STAGE_PIPE, errno);
	}
	if (launch->ready_fd >= 0 &&
	    (rv_sys_pipe2(m->ready, 0) == -1 ||
		fcntl(m->ready[0], F_SETFL, O_NONBLOCK) == -1)) {
		return rv_making_failed(m, RV_STAGE_READY_PIPE, errno);
	}
	return true;
}

/* What becomes this output, -1: it stays as it is. */
static int
source_of(const struct rv_launch_out *out, int pipe_end, int merged)
{
	switch (out->kind) {
	case RV_LAUNCH_OUT_FILE:
		return pipe_end;
	case RV_LAUNCH_OUT_MERGED:
		return merged;
	case RV_LAUNCH_OUT_NONE:
		return 0; /* the launcher's stdin is /dev/null */
	default:
		return -1;
	}
}

/* Numbers are those of rv_plan_own_fd; of one that is called, one more. */
static bool
plan_listeners(struct rv_making *m)
{
	const char *name = m->launch->listen.packed;

	for (uint32_t i = 0; i < m->launch->listen.count; i++) {
		int fd = i == 0 && m->l->lent != -1
			     ? m->l->lent
			     : rv_socket_find(m->l, name);

		if (fd == -1) {
			return rv_making_failed(m, RV_STAGE_LISTENER, ENOENT);
		}
		rv_plan_fd(m->birth, fd, 3 + (int)i, false);
		name = rv_strings_next(name);
	}
	return true;
}

static bool
plan_descriptors(struct rv_making *m)
{
	const struct rv_launch *launch = m->launch;
	struct rv_birth *birth = m->birth;
	int out = source_of(&launch->out, m->writes[0], -1);
	int err = source_of(&launch->err, m->writes[1], out != -1 ? out : 1);
	int own = rv_plan_own_fd(launch);

	if (launch->method != RV_LAUNCH_BY_SPAWN) {
		rv_plan_fd(birth, 0, 0, false);
		birth->report = own;
		rv_plan_fd(birth, m->go[1], own, true);
	} else if (launch->function != NULL) {
		rv_plan_fd(birth, m->call, own, false);
		rv_plan_fd(birth, m->l->program_fd, own + 1, true);
		birth->program = own + 1;
	}
	if (out != -1) {
		rv_plan_fd(birth, out, 1, false);
	}
	if (err != -1) {
		rv_plan_fd(birth, err, 2, false);
	}
	if (m->ready[1] != -1) {
		rv_plan_fd(birth, m->ready[1], launch->ready_fd, false);
	}
	birth->list_fds = RV_FAULT(close_range) != 0;
	return plan_listeners(m);
}

/* -------- the call -------- */

/* Append; 0 when there is nothing to append. */
static uint64_t
put(char *map, size_t *at, const void *bytes, size_t len)
{
	size_t where = *at;

	if (bytes == NULL) {
		return 0;
	}
	memcpy(map + where, bytes, len);
	map[where + len] = '\0';
	*at += len + 1;
	return where;
}

static size_t
call_size(const struct rv_making *m, size_t birth)
{
	const struct rv_launch *launch = m->launch;

	return sizeof(struct rv_call_head) + birth + strlen(launch->path) +
	       (launch->function != NULL ? strlen(launch->function) : 0) +
	       launch->n_args + launch->preload.bytes + 64;
}

static void
fill_call(struct rv_making *m, size_t birth_size)
{
	const struct rv_launch *launch = m->launch;
	struct rv_call_head *head = m->map;
	size_t at = (sizeof(*head) + 15) & ~(size_t)15;

	*head = (struct rv_call_head){ .magic = RV_CALL_MAGIC,
		.version = RV_CALL_VERSION,
		.bytes = m->map_size,
		.base = (uint64_t)(uintptr_t)m->map,
		.args_len = launch->n_args,
		.args_are_json = launch->args_are_json,
		.n_preload = launch->preload.count };
	if (birth_size > 0) {
		head->birth_at = at;
		m->birth =
		    rv_plan_lay(m->l, launch, (char *)m->map + at, birth_size);
		at += birth_size;
	}
	head->path_at = put(m->map, &at, launch->path, strlen(launch->path));
	if (launch->function != NULL) {
		head->function_at = put(
		    m->map, &at, launch->function, strlen(launch->function));
	}
	head->args_at = put(m->map, &at, launch->args, launch->n_args);
	if (launch->preload.count > 0) {
		head->preload_at = put(
		    m->map, &at, launch->preload.packed, launch->preload.bytes);
	}
	memcpy(head->build, m->l->build, sizeof(head->build));
}

bool
rv_making_call_fd(struct rv_making *m)
{
	m->call = rv_sys_memfd("reeve-call");
	if (m->call == -1 ||
	    write(m->call, m->map, m->map_size) != (ssize_t)m->map_size) {
		return rv_making_failed(m, RV_STAGE_CALL, errno);
	}
	return true;
}

bool
rv_making_call(struct rv_making *m, bool with_birth, bool as_bytes)
{
	size_t birth = with_birth ? rv_plan_size(m->l, m->launch) : 0;

	if (m->l->program_fd == -1 && m->launch->method != RV_LAUNCH_BY_FORK) {
		return rv_making_failed(m, RV_STAGE_PROGRAM, ENOENT);
	}
	m->map_size = call_size(m, birth);
	if (as_bytes && m->map_size <= RV_FORK_CALL_MAX) {
		m->map = rv_alloc(1, m->map_size);
		if (m->map == NULL) {
			return rv_making_failed(m, RV_STAGE_MEMORY, ENOMEM);
		}
		m->on_heap = true;
		fill_call(m, birth);
		return true;
	}
	m->call = rv_sys_memfd("reeve-call");
	if (m->call == -1 || ftruncate(m->call, (off_t)m->map_size) == -1) {
		return rv_making_failed(m, RV_STAGE_CALL, errno);
	}
	m->map = rv_sys_mmap_shared(m->call, m->map_size, true);
	if (m->map == NULL) {
		return rv_making_failed(m, RV_STAGE_CALL, errno);
	}
	fill_call(m, birth);
	return true;
}

/* -------- all of it -------- */

void
rv_making_begin(
    struct rv_making *m, struct rv_launcher *l, const struct rv_launch *launch)
{
	*m = (struct rv_making){ .l = l,
		.launch = launch,
		.reads = { -1, -1 },
		.writes = { -1, -1 },
		.ready = { -1, -1 },
		.go = { -1, -1 },
		.call = -1 };
}

bool
rv_making_life(struct rv_making *m)
{
	if (rv_life_find(m->l, m->launch->life) != NULL) {
		return rv_making_failed(m, RV_STAGE_DECODE, EEXIST);
	}
	if (!rv_lives_reserve(m->l)) {
		return rv_making_failed(m, RV_STAGE_MEMORY, ENOMEM);
	}
	m->life = rv_life_create(m->l, m->launch->life, &m->launch->keep);
	return m->life != NULL || rv_making_failed(m, RV_STAGE_MEMORY, ENOMEM);
}

bool
rv_making_descriptors(struct rv_making *m)
{
	return make_descriptors(m) && plan_descriptors(m);
}

bool
rv_making_listen(struct rv_making *m)
{
	int notify = -1, ready = m->ready[0];

	if (m->launch->keep.notify) {
		notify =
		    rv_listen_bind(m->l, m->launch->life, &m->launch->keep);
		if (notify == -1) {
			return rv_making_failed(m, RV_STAGE_NOTIFY, errno);
		}
	}
	m->ready[0] = -1;
	if ((notify != -1 || ready != -1) &&
	    !rv_listen_start(m->life, notify, ready)) {
		return rv_making_failed(m, RV_STAGE_WATCH, ENOMEM);
	}
	return true;
}

void
rv_making_say_failed(struct rv_making *m)
{
	struct rv_launch_frame frame = { .op = RV_LAUNCH_FAILED,
		.life = m->launch->life,
		.stage = m->stage,
		.sys_errno = m->sys_errno };

	rv_life_destroy(m->life);
	m->life = NULL;
	rv_link_send(m->l, &frame);
}

void
rv_making_hold_outputs(struct rv_making *m, pid_t pid)
{
	const struct rv_launch *launch = m->launch;
	struct rv_output output = { .life = launch->life,
		.pid = pid,
		.merged = launch->err.kind == RV_LAUNCH_OUT_MERGED,
		.uid = launch->keep.set_user ? launch->keep.uid : m->l->uid,
		.gid = launch->set_group ? launch->gid : getegid(),
		.path = launch->path };
	int fds[2];
	unsigned n = 0;

	if (m->reads[0] != -1) {
		output.streams |= RV_OUTPUT_STDOUT;
		output.out = (struct rv_output_log){ launch->out.path,
			launch->out.max_bytes, launch->out.backups };
		fds[n++] = m->reads[0];
	}
	if (m->reads[1] != -1) {
		output.streams |= RV_OUTPUT_STDERR;
		output.err = (struct rv_output_log){ launch->err.path,
			launch->err.max_bytes, launch->err.backups };
		fds[n++] = m->reads[1];
	}
	m->reads[0] = m->reads[1] = -1;
	if (launch->keep.notify) {
		output.streams |= RV_OUTPUT_NOTIFY;
	}
	if (output.streams != 0 &&
	    !rv_outputs_hold(&m->l->outputs, &output, fds)) {
		rv_launcher_trouble(
		    m->l, ENOMEM, "cannot keep the output of %s", launch->path);
	}
}

static void
close_if_open(int *fd)
{
	if (*fd != -1) {
		close(*fd);
		*fd = -1;
	}
}

void
rv_making_give_away(struct rv_making *m)
{
	for (unsigned i = 0; i < 2; i++) {
		close_if_open(&m->writes[i]);
	}
	close_if_open(&m->ready[1]);
	close_if_open(&m->go[1]);
	close_if_open(&m->call);
	if (m->map != NULL && m->on_heap) {
		rv_free(m->map);
	} else if (m->map != NULL) {
		munmap(m->map, m->map_size);
	}
	m->map = NULL;
}

void
rv_making_finish(struct rv_making *m)
{
	rv_making_give_away(m);
	close_if_open(&m->reads[0]);
	close_if_open(&m->reads[1]);
	close_if_open(&m->ready[0]);
	close_if_open(&m->go[0]);
}
