/* SPDX-License-Identifier: MIT */
/*
 * Laying out what a new process needs: see plan.h. Everything is looked up and
 * copied here, so that the process itself only has to make system calls.
 */
#include "config.h"

#include "launcher/plan.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "child/call.h"
#include "launcher/kin.h"
#include "launcher/listen.h"

#define OWN_TEXT     64 /* of one small variable of ours */
#define OWN_MAX      12 /* variables that we add */
#define PRELOAD      "LD_PRELOAD"
#define DEFAULT_PATH "/bin:/usr/bin"

/* Meant for the process that got them, not for its children. */
static const char *const private_names[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC",
	"WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
	"REEVE_LIFE", "REEVE_STOPSIGNAL", RV_CALL_ENV, RV_TEMPLATE_ENV };

/* What is fault injection for us is none of theirs. */
static const char *const test_names[] = { "REEVE_FAULTS",
	"REEVE_FAULTS_ALWAYS" };

static size_t
name_length(const char *variable)
{
	return strcspn(variable, "=");
}

static bool
is_named(const char *variable, const char *const *names, size_t n)
{
	size_t len = name_length(variable);

	for (size_t i = 0; i < n; i++) {
		if (strlen(names[i]) == len &&
		    memcmp(names[i], variable, len) == 0) {
			return true;
		}
	}
	return false;
}

/* Whether it is among the first n. */
static bool
has_name(const char *const *variables, size_t n, const char *variable)
{
	size_t len = name_length(variable);

	for (size_t i = 0; i < n; i++) {
		if (strncmp(variables[i], variable, len) == 0 &&
		    variables[i][len] == '=') {
			return true;
		}
	}
	return false;
}

bool
rv_plan_base_environment(struct rv_launcher *l, char **all)
{
	size_t n = 0;

	while (all[n] != NULL) {
		n++;
	}
	l->environ = rv_alloc(n + 1, sizeof(char *));
	if (l->environ == NULL) {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (!is_named(
			all[i], private_names, RV_ARRAY_LEN(private_names)) &&
		    !is_named(all[i], test_names, RV_ARRAY_LEN(test_names)) &&
		    !has_name((const char *const *)l->environ, l->n_environ,
			all[i])) {
			l->environ[l->n_environ++] = all[i];
		}
	}
	return true;
}

/* Memory that is handed out from front to back. */
struct arena {
	char *at, *end;
};

static void *
carve(struct arena *arena, size_t bytes)
{
	char *at = arena->at;

	bytes = (bytes + 15) & ~(size_t)15;
	RV_ASSERT(bytes <= (size_t)(arena->end - at));
	arena->at += bytes;
	return at;
}

static const char *
carve_text(struct arena *arena, const char *text, size_t len)
{
	char *copy = carve(arena, len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

static const char **
carve_list(struct arena *arena, const struct rv_strings *list, size_t spare)
{
	const char **array =
	    carve(arena, (list->count + spare + 1) * sizeof(char *));
	const char *s = list->bytes == 0
			    ? NULL
			    : carve_text(arena, list->packed, list->bytes - 1);

	for (uint32_t i = 0; i < list->count; i++) {
		array[i] = s;
		s = rv_strings_next(s);
	}
	return array;
}

struct environment {
	const char **array;
	size_t n;
};

/* Room for a name, '=' and the value, which the caller may still write. */
static char *
add_own(struct arena *arena, struct environment *env, const char *name,
    const char *value)
{
	size_t size = strlen(name) + 1 + RV_MAX(strlen(value), (size_t)24) + 1;
	char *text = carve(arena, size);
	size_t at = rv_format(text, size, "%s=", name);

	rv_copy(text + at, size - at, value);
	env->array[env->n++] = text;
	return text + at;
}

static char *
add_number(
    struct arena *arena, struct environment *env, const char *name, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	return add_own(arena, env, name, text);
}

/* What the worker, or the runtime, has in this variable; NULL: nothing. */
static const char *
inherited(const struct rv_launcher *l, const struct rv_launch *launch,
    const char *name)
{
	size_t len = strlen(name);
	const char *s = launch->env.packed;

	for (uint32_t i = 0; i < launch->env.count; i++) {
		if (strncmp(s, name, len) == 0 && s[len] == '=') {
			return s + len + 1;
		}
		s = rv_strings_next(s);
	}
	for (size_t i = 0; i < l->n_environ && !launch->clear_env; i++) {
		if (strncmp(l->environ[i], name, len) == 0 &&
		    l->environ[i][len] == '=') {
			return l->environ[i] + len + 1;
		}
	}
	return NULL;
}

static void
add_crash_library(const struct rv_launcher *l, const struct rv_launch *launch,
    struct arena *arena, struct environment *env)
{
	const char *others = inherited(l, launch, PRELOAD);
	size_t size = strlen(launch->crash_library) + 2 +
		      (others != NULL ? strlen(others) : 0);
	char *text = carve(arena, size);

	rv_format(text, size, "%s%s%s", launch->crash_library,
	    others != NULL && others[0] != '\0' ? ":" : "",
	    others != NULL ? others : "");
	add_own(arena, env, PRELOAD, text);
}

static void
add_listeners(const struct rv_launch *launch, struct arena *arena,
    struct environment *env, struct rv_birth *birth)
{
	char *names = carve(arena, launch->listen.bytes + 1);
	const char *s = launch->listen.packed;

	add_number(arena, env, "LISTEN_FDS", launch->listen.count);
	birth->own_pid[1] = add_own(arena, env, "LISTEN_PID", "");
	/* The same bytes with a colon for each NUL. */
	memcpy(names, s, launch->listen.bytes);
	for (uint32_t i = 0; i + 1 < launch->listen.bytes; i++) {
		names[i] = names[i] == '\0' ? ':' : names[i];
	}
	add_own(arena, env, "LISTEN_FDNAMES", names);
}

/* Ours come first: there they are found in a large environment too. */
static void
add_protocols(const struct rv_launcher *l, const struct rv_launch *launch,
    struct arena *arena, struct environment *env, struct rv_birth *birth)
{
	char text[RV_LISTEN_NAME_MAX];

	if (launch->life != 0) {
		snprintf(text, sizeof(text), "%s/%" PRIu64 "%s", l->run_id,
		    launch->life,
		    launch->keep.kill_mode == RV_KILL_PROCESS ? "/process"
							      : "");
		add_own(arena, env, "REEVE_LIFE", text);
	}
	if (launch->keep.notify) {
		rv_listen_name(l, launch->life, &launch->keep, text);
		add_own(arena, env, "NOTIFY_SOCKET", text);
	}
	if (launch->watchdog_usec > 0) {
		add_number(arena, env, "WATCHDOG_USEC", launch->watchdog_usec);
		birth->own_pid[0] = add_own(arena, env, "WATCHDOG_PID", "");
	}
	if (launch->listen.count > 0) {
		add_listeners(launch, arena, env, birth);
	}
	if (launch->function != NULL && launch->method == RV_LAUNCH_BY_SPAWN) {
		add_number(
		    arena, env, RV_CALL_ENV, (uint64_t)rv_plan_own_fd(launch));
	}
	if (launch->stop_signal != 0) {
		add_number(arena, env, "REEVE_STOPSIGNAL",
		    (uint64_t)launch->stop_signal);
	}
	if (launch->crash_library != NULL) {
		add_crash_library(l, launch, arena, env);
	}
}

static void
plan_environment(const struct rv_launcher *l, const struct rv_launch *launch,
    struct arena *arena, struct rv_birth *birth)
{
	const char **given = carve_list(arena, &launch->env, 0);
	size_t most = OWN_MAX + launch->env.count + l->n_environ + 1;
	struct environment env = { .array =
				       carve(arena, most * sizeof(char *)) };
	size_t n_set;

	add_protocols(l, launch, arena, &env, birth);
	for (uint32_t i = 0; i < launch->env.count; i++) {
		if (!has_name(env.array, env.n, given[i])) {
			env.array[env.n++] = given[i];
		}
	}
	n_set = env.n;
	for (size_t i = 0; i < l->n_environ && !launch->clear_env; i++) {
		const char *text = l->environ[i];

		if (!has_name(env.array, n_set, text)) {
			/* Who is forked by another has not our memory. */
			env.array[env.n++] =
			    launch->method == RV_LAUNCH_BY_SPAWN
				? text
				: carve_text(arena, text, strlen(text));
		}
	}
	birth->envp = env.array;
}

static const char *
path_of(const struct rv_birth *birth)
{
	for (const char *const *e = birth->envp; *e != NULL; e++) {
		if (strncmp(*e, "PATH=", 5) == 0) {
			return *e + 5;
		}
	}
	return DEFAULT_PATH;
}

static size_t
count_parts(const char *path)
{
	size_t n = 1;

	for (; *path != '\0'; path++) {
		n += *path == ':';
	}
	return n;
}

/* A name with a slash is a file; any other is looked for in the PATH. */
static void
plan_files(struct arena *arena, struct rv_birth *birth)
{
	const char *name = birth->argv[0];
	const char *path = path_of(birth);
	size_t parts = strchr(name, '/') != NULL ? 1 : count_parts(path);
	const char **files = carve(arena, (parts + 1) * sizeof(char *));

	birth->files = files;
	if (strchr(name, '/') != NULL) {
		files[0] = name;
		return;
	}
	if (name[0] == '\0') {
		return; /* no such file, as execvp says */
	}
	for (size_t i = 0; i < parts; i++) {
		size_t len = strcspn(path, ":");
		size_t size = len + 1 + strlen(name) + 1;
		char *file = carve(arena, size);

		/* An empty part is the working directory. */
		rv_format(file, size, "%.*s%s%s", (int)len, path,
		    len > 0 ? "/" : "", name);
		files[i] = file;
		path += len + 1;
	}
}

static size_t
files_of_path(const char *variable, size_t name)
{
	size_t parts;

	if (strncmp(variable, "PATH=", 5) != 0) {
		return 0;
	}
	parts = count_parts(variable) + 1;
	/* Each is carved by itself, and there is a list of them. */
	return strlen(variable) + parts * (name + 2 + 16 + sizeof(char *));
}

/* As many as the largest PATH asks for, whichever it will be. */
static size_t
files_size(const struct rv_launcher *l, const struct rv_launch *launch)
{
	size_t name = strlen(launch->argv.packed);
	size_t most = files_of_path("PATH=" DEFAULT_PATH, name);
	const char *s = launch->env.packed;

	for (uint32_t i = 0; i < launch->env.count; i++) {
		most = RV_MAX(most, files_of_path(s, name));
		s = rv_strings_next(s);
	}
	for (size_t i = 0; i < l->n_environ; i++) {
		most = RV_MAX(most, files_of_path(l->environ[i], name));
	}
	return most;
}

int
rv_plan_own_fd(const struct rv_launch *launch)
{
	int behind = 3 + (int)launch->listen.count;

	return RV_MAX(behind, launch->ready_fd + 1);
}

static size_t
environ_size(const struct rv_launcher *l, const struct rv_launch *launch)
{
	size_t size = 0;

	if (launch->method == RV_LAUNCH_BY_SPAWN || launch->clear_env) {
		return 0;
	}
	for (size_t i = 0; i < l->n_environ; i++) {
		size += strlen(l->environ[i]) + 17;
	}
	return size;
}

static size_t
crash_size(const struct rv_launcher *l, const struct rv_launch *launch)
{
	const char *others;

	if (launch->crash_library == NULL) {
		return 0;
	}
	others = inherited(l, launch, PRELOAD);
	return strlen(launch->crash_library) +
	       (others != NULL ? strlen(others) : 0) + OWN_TEXT;
}

size_t
rv_plan_size(const struct rv_launcher *l, const struct rv_launch *launch)
{
	size_t pointers = launch->argv.count + 2 * launch->env.count +
			  l->n_environ + OWN_MAX + 8;

	return sizeof(struct rv_birth) + pointers * sizeof(char *) +
	       launch->argv.bytes + launch->env.bytes + files_size(l, launch) +
	       (RV_LAUNCH_LIMITS_MAX + 1) * sizeof(struct rv_birth_limit) +
	       launch->n_groups * sizeof(gid_t) +
	       (launch->directory != NULL ? strlen(launch->directory) : 0) +
	       OWN_MAX * (OWN_TEXT + RV_LISTEN_NAME_MAX) + 16 * 32 +
	       2 * (launch->listen.bytes + crash_size(l, launch)) +
	       environ_size(l, launch);
}

void
rv_plan_fd(struct rv_birth *birth, int from, int at, bool cloexec)
{
	unsigned i = birth->n_fds;

	RV_ASSERT(birth->n_fds < RV_BIRTH_FDS);
	for (; i > 0 && birth->fds[i - 1].at > at; i--) {
		birth->fds[i] = birth->fds[i - 1];
	}
	birth->fds[i] = (struct rv_birth_fd){ from, at, cloexec };
	birth->n_fds++;
}

/* The launcher's own limit of descriptors is higher: theirs is the old one. */
static void
plan_limits(const struct rv_launcher *l, const struct rv_launch *launch,
    struct arena *arena, struct rv_birth *birth)
{
	struct rv_birth_limit *limits = carve(
	    arena, (launch->n_limits + 1) * sizeof(struct rv_birth_limit));

	birth->limits = limits;
	limits[birth->n_limits++] = (struct rv_birth_limit){ RLIMIT_NOFILE,
		l->nofile.rlim_cur, l->nofile.rlim_max };
	for (uint32_t i = 0; i < launch->n_limits; i++) {
		const struct rv_launch_limit *from = &launch->limits[i];
		struct rv_birth_limit *to = &limits[birth->n_limits];
		struct rlimit now = { RLIM_INFINITY, RLIM_INFINITY };

		if (from->resource == RLIMIT_NOFILE) {
			now = l->nofile;
			to = &limits[0];
		} else {
			getrlimit((__rlimit_resource_t)from->resource, &now);
			birth->n_limits++;
		}
		to->resource = from->resource;
		to->soft = from->has_soft ? from->soft : now.rlim_cur;
		to->hard = from->has_hard ? from->hard : now.rlim_max;
		/* A lower hard limit takes the soft one down with it. */
		if (!from->has_soft && to->soft > to->hard) {
			to->soft = to->hard;
		}
	}
}

static void
plan_identity(const struct rv_launcher *l, const struct rv_launch *launch,
    struct arena *arena, struct rv_birth *birth)
{
	/* To be whom one is needs no right. */
	bool same =
	    l->uid != 0 && launch->keep.uid == l->uid && getuid() == l->uid;
	gid_t *groups = carve(arena, (launch->n_groups + 1) * sizeof(gid_t));

	if (launch->n_groups > 0) {
		memcpy(
		    groups, launch->groups, launch->n_groups * sizeof(gid_t));
	}
	birth->groups = groups;
	birth->n_groups = launch->n_groups;
	birth->set_uid = launch->keep.set_user && !same;
	birth->set_groups = birth->set_uid;
	birth->uid = launch->keep.uid;
	birth->set_gid =
	    launch->set_group &&
	    !(l->uid != 0 && launch->gid == getegid() && getgid() == getegid());
	birth->gid = launch->gid;
}

struct rv_birth *
rv_plan_lay(const struct rv_launcher *l, const struct rv_launch *launch,
    void *block, size_t size)
{
	struct arena arena = { block, (char *)block + size };
	struct rv_birth *birth;

	birth = carve(&arena, sizeof(*birth));
	birth->parent = l->pid;
	birth->program = birth->report = -1;
	birth->umask = launch->umask;
	birth->set_nice = launch->set_nice;
	birth->nice = launch->nice;
	birth->argv = carve_list(&arena, &launch->argv, 0);
	plan_environment(l, launch, &arena, birth);
	plan_files(&arena, birth);
	plan_limits(l, launch, &arena, birth);
	plan_identity(l, launch, &arena, birth);
	if (launch->directory != NULL) {
		birth->directory = carve_text(
		    &arena, launch->directory, strlen(launch->directory));
	}
	if (launch->set_oom) {
		char text[16];
		size_t len = rv_format(
		    text, sizeof(text), "%d", (int)launch->oom_score_adj);

		birth->oom = carve_text(&arena, text, len);
		birth->oom_len = len;
	}
	return birth;
}
