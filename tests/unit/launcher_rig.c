/* SPDX-License-Identifier: MIT */
/* The supervisor of launcher tests: see launcher_rig.h. */
#include "config.h"

#include "unit/launcher_rig.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/harness.h"
#include "sys/sys.h"
#include "wire/page_read.h"

#define WAIT_MS 20000

struct rig_life *
rig_of(struct rig *rig, uint64_t life)
{
	CU_ASSERT_FATAL(life > 0 && life < RIG_LIVES);
	return &rig->lives[life];
}

static void
on_launched(void *ctx, uint64_t life, pid_t pid, uint64_t ticks)
{
	struct rig *rig = ctx;
	struct rig_life *l = rig_of(rig, life);

	CU_ASSERT(!l->launched && !l->failed && !l->died);
	l->launched = true;
	l->pid = pid;
	l->ticks = ticks;
	rig->n_launched++;
}

static void
on_failed(void *ctx, uint64_t life, int stage, int sys_errno)
{
	struct rig *rig = ctx;
	struct rig_life *l = rig_of(rig, life);

	CU_ASSERT(!l->launched && !l->failed && !l->died);
	l->failed = true;
	l->stage = stage;
	l->sys_errno = sys_errno;
	rig->n_failed++;
}

static void
on_notified(void *ctx, uint64_t life, const struct rv_notify *n)
{
	struct rig *rig = ctx;
	struct rig_life *l = rig_of(rig, life);

	CU_ASSERT(l->launched && !l->died);
	l->ready += (n->flags & RV_NOTIFY_READY) != 0;
	l->beats += (n->flags & RV_NOTIFY_WATCHDOG) != 0;
	l->stopping += (n->flags & RV_NOTIFY_STOPPING) != 0;
	l->reloading += (n->flags & RV_NOTIFY_RELOADING) != 0;
	l->mainpid += (n->flags & RV_NOTIFY_MAINPID) != 0;
	l->bad += (n->flags & RV_NOTIFY_BAD) != 0;
	if (n->status != NULL) {
		snprintf(l->status, sizeof(l->status), "%s", n->status);
	}
	rig->last = *n;
	rig->last.status = l->status;
}

static void
on_paged(void *ctx, uint64_t life, int fd)
{
	struct rig_life *l = rig_of(ctx, life);

	CU_ASSERT(l->launched && !l->died);
	l->paged = true;
	l->page = rv_sys_mmap_shared(fd, RV_PAGE_BYTES, false);
	close(fd);
}

/* As the supervisor does, before anything else. */
static void
look_at_page(struct rig_life *l)
{
	if (l->page != NULL) {
		l->trouble = calloc(1, sizeof(*l->trouble));
		if (!rv_page_trouble(l->page, l->trouble)) {
			free(l->trouble);
			l->trouble = NULL;
		}
		munmap((void *)(uintptr_t)l->page, RV_PAGE_BYTES);
		l->page = NULL;
	}
}

static void
on_died(void *ctx, uint64_t life, const struct rv_death *death)
{
	struct rig *rig = ctx;
	struct rig_life *l = rig_of(rig, life);

	CU_ASSERT(!l->died);
	l->died = true;
	l->death = *death;
	look_at_page(l);
	rig->n_died++;
}

static void
on_synced(void *ctx, uint64_t token)
{
	struct rig *rig = ctx;

	rig->n_synced++;
	rig->synced = token;
}

static void
on_writable(void *ctx)
{
	struct rig *rig = ctx;

	rig->n_writable++;
}

static void
on_lost(void *ctx, int wstatus)
{
	struct rig *rig = ctx;

	rig->n_lost++;
	rig->lost_status = wstatus;
}

static void
on_back(void *ctx)
{
	struct rig *rig = ctx;

	rig->n_back++;
	if (rig->back_signal != 0) {
		kill(rv_start_pid(rig->start), rig->back_signal);
		rig->back_signal = 0;
	}
	for (uint64_t i = 1; rig->adopt && i < rig->next; i++) {
		struct rig_life *l = &rig->lives[i];

		if (l->launched && !l->died) {
			rv_start_adopt(
			    rig->start, i, l->pid, l->ticks, rig->spec);
		}
	}
}

static void
on_trouble(void *ctx, const struct reeve_error *err)
{
	struct rig *rig = ctx;

	rig->n_troubles++;
	snprintf(rig->trouble, sizeof(rig->trouble), "%s", err->text);
}

static void
on_clerk_end(void *ctx, int fd)
{
	struct rig *rig = ctx;

	if (rig->clerk_fd != -1) {
		close(rig->clerk_fd);
	}
	rig->clerk_fd = fd;
}

static const struct rv_start_ops ops = {
	.launched = on_launched,
	.launch_failed = on_failed,
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

void
rig_open(struct rig *rig, const char *faults)
{
	static char program[4096];
	char run[33];
	struct rv_start_options options = { .program = program,
		.runtime_dir = rig->dir,
		.run_id = run,
		.ops = &ops,
		.ctx = rig };
	struct reeve_error err = { 0 };

	memset(rig, 0, sizeof(*rig));
	rig->next = 1;
	rig->clerk_fd = -1;
	rig->lives = calloc(RIG_LIVES, sizeof(*rig->lives));
	snprintf(rig->dir, sizeof(rig->dir), "%s", rv_test_dir());
	snprintf(
	    program, sizeof(program), "%s/reeve-launcher", rv_test_builddir());
	rv_sys_random_hex(run);
	/* What a dead launcher leaves comes to us, and is reaped in close. */
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	if (faults != NULL) {
		setenv("REEVE_FAULTS", faults, 1);
	}
	CU_ASSERT_FATAL(rv_loop_create_epoll(&rig->loop, &err) == REEVE_OK);
	options.loop = rig->loop;
	if (rv_start_open(&rig->start, &options, &err) != REEVE_OK) {
		printf("# %s\n", err.text);
		CU_FAIL_FATAL("the launcher did not start");
	}
	unsetenv("REEVE_FAULTS");
	CU_ASSERT_FATAL(rv_start_reserve(rig->start, RIG_LIVES) == REEVE_OK);
}

void
rig_close(struct rig *rig)
{
	rv_start_close(rig->start);
	rv_loop_destroy(rig->loop);
	if (rig->clerk_fd != -1) {
		close(rig->clerk_fd);
	}
	for (unsigned i = 0; i < RIG_LIVES; i++) {
		look_at_page(&rig->lives[i]);
		free(rig->lives[i].trouble);
	}
	free(rig->lives);
	rig->lives = NULL;
}

const char *
rig_file(struct rig *rig, const char *name)
{
	static char paths[8][200];
	static unsigned at;
	char *path = paths[at++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", rig->dir, name);
	return path;
}

void
rig_spec(struct rig_spec *s, const char *program, ...)
{
	va_list args;
	unsigned n = 1;

	memset(s, 0, sizeof(*s));
	if (strchr(program, '/') != NULL) {
		snprintf(s->file, sizeof(s->file), "%s", program);
	} else {
		snprintf(s->file, sizeof(s->file),
		    "%s/tests/fixtures/children/%s", rv_test_builddir(),
		    program);
	}
	s->argv[0] = s->file;
	va_start(args, program);
	while (n < 39 && (s->argv[n] = va_arg(args, const char *)) != NULL) {
		n++;
	}
	va_end(args);
	s->spec.name = s->spec.path = "worker";
	s->spec.program = &s->program;
	s->spec.policy = &s->policy;
	s->policy.kill_mode = RV_KILL_GROUP;
	s->policy.n_stop = 1;
	s->policy.stop[0] = (struct rv_stop_step){ SIGTERM, 10 * RV_SEC };
	s->program.argv = s->argv;
	s->program.env_set = s->env;
	s->program.umask = -1;
	s->program.ready_fd = -1;
}

uint64_t
rig_launch(struct rig *rig, const struct rig_spec *s)
{
	uint64_t life = rig->next++;
	struct reeve_error err = { 0 };
	enum reeve_status status;

	while ((status = rv_start_launch(rig->start, life, &s->spec, &err)) ==
	       REEVE_EAGAIN) {
		rig_turn(rig);
	}
	if (status != REEVE_OK) {
		printf("# %s\n", err.text);
	}
	CU_ASSERT_FATAL(status == REEVE_OK);
	return life;
}

uint64_t
rig_launch_ready(struct rig *rig, struct rig_spec *s)
{
	uint64_t life;

	if (s->program.ready == RV_CHANNEL_NONE) {
		s->program.ready = RV_CHANNEL_FD;
		s->program.ready_fd = 3;
	}
	life = rig_launch(rig, s);
	CU_ASSERT_FATAL(rig_wait(rig, rig_is_ready, life));
	return life;
}

void
rig_turn(struct rig *rig)
{
	CU_ASSERT_FATAL(rv_loop_dispatch(rig->loop, 0, NULL) == REEVE_OK);
}

struct wish {
	struct rig *rig;
	bool (*is_so)(struct rig *, uint64_t);
	uint64_t n;
};

static bool
turn_and_look(void *ctx)
{
	struct wish *wish = ctx;

	rig_turn(wish->rig);
	return wish->is_so(wish->rig, wish->n);
}

bool
rig_wait(struct rig *rig, bool (*is_so)(struct rig *, uint64_t), uint64_t n)
{
	struct wish wish = { rig, is_so, n };

	return rv_test_wait(
	    turn_and_look, &wish, rv_loop_fd(rig->loop), WAIT_MS);
}

bool
rig_died(struct rig *rig, uint64_t life)
{
	return rig_of(rig, life)->died;
}

bool
rig_launched(struct rig *rig, uint64_t life)
{
	return rig_of(rig, life)->launched;
}

bool
rig_failed(struct rig *rig, uint64_t life)
{
	return rig_of(rig, life)->failed;
}

bool
rig_is_ready(struct rig *rig, uint64_t life)
{
	return rig_of(rig, life)->ready > 0;
}

bool
rig_n_launched(struct rig *rig, uint64_t n)
{
	return rig->n_launched >= n;
}

bool
rig_n_died(struct rig *rig, uint64_t n)
{
	return rig->n_died >= n;
}

bool
rig_n_back(struct rig *rig, uint64_t n)
{
	return rig->n_back >= n;
}

bool
rig_n_troubles(struct rig *rig, uint64_t n)
{
	return rig->n_troubles >= n;
}

static bool
is_synced(struct rig *rig, uint64_t token)
{
	return rig->synced == token;
}

void
rig_sync(struct rig *rig)
{
	static uint64_t token = 1000000;

	rv_start_sync(rig->start, ++token);
	CU_ASSERT_FATAL(rig_wait(rig, is_synced, token));
}

bool
rig_is_gone(pid_t pid)
{
	return kill(pid, 0) == -1 && errno == ESRCH;
}

unsigned
rig_pids(const char *path, pid_t *pids, unsigned max)
{
	FILE *file = fopen(path, "r");
	unsigned n = 0;
	char line[64];

	while (file != NULL && n < max &&
	       fgets(line, sizeof(line), file) != NULL) {
		pids[n++] = (pid_t)strtol(line, NULL, 10);
	}
	if (file != NULL) {
		fclose(file);
	}
	return n;
}

const char *
rig_line(const char *path, const char *beginning)
{
	static char line[8192];
	FILE *file = fopen(path, "r");
	size_t len = strlen(beginning);
	bool found = false;

	while (
	    file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
		found = strncmp(line, beginning, len) == 0;
	}
	if (file != NULL) {
		fclose(file);
	}
	if (!found) {
		return "";
	}
	line[strcspn(line, "\n")] = '\0';
	return line + len;
}

bool
rig_is_over(struct rig *rig, uint64_t life)
{
	return rig_died(rig, life) || rig_failed(rig, life);
}

void
rig_function(struct rig_spec *s, enum rv_method method, const char *function,
    const char *args)
{
	rig_spec(s, "t: f", NULL);
	s->argv[0] = "t: f";
	s->spec.path = "f";
	s->program.method = method;
	s->program.function = function;
	s->program.args = args;
	s->program.n_args = strlen(args);
}

struct rig_life *
rig_run(struct rig *rig, const struct rig_spec *s)
{
	uint64_t life = rig_launch(rig, s);

	CU_ASSERT_FATAL(rig_wait(rig, rig_died, life));
	return rig_of(rig, life);
}
