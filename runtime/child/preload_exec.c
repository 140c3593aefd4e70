/* SPDX-License-Identifier: MIT */
/*
 * libreeve-crash.so over an exec: `sh -c 'exec app'` is still the same worker,
 * so app gets the library that sh had, by LD_PRELOAD in the environment that it
 * is given. Only in the process of the life itself, never in one that it forked
 * (or vforked) to start another program. As exec may be called from a handler,
 * or with the parent's memory, there is no allocation but mmap, and nothing is
 * changed that the program could see should exec fail.
 */
#include "config.h"

#include "child/preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child/agent.h"

#define EXPORTED __attribute__((visibility("default")))

extern char **environ;

static const char preload_is[] = "LD_PRELOAD=";

/* "LD_PRELOAD=" and the item; "" until there is one. */
static char own[sizeof(preload_is) + PATH_MAX];

static struct {
	int (*execve)(const char *, char *const *, char *const *);
	int (*execvpe)(const char *, char *const *, char *const *);
	int (*fexecve)(int, char *const *, char *const *);
	int (*execveat)(int, const char *, char *const *, char *const *, int);
} real;

static void
find(void *slot, const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	memcpy(slot, &found, sizeof(found));
}

static void
find_all(void)
{
	find(&real.execve, "execve");
	find(&real.execvpe, "execvpe");
	find(&real.fexecve, "fexecve");
	find(&real.execveat, "execveat");
}

void
rv_preload_keep(const char *item, size_t len)
{
	find_all();
	if (own[0] == '\0' && len < PATH_MAX) {
		memcpy(own, preload_is, sizeof(preload_is) - 1);
		memcpy(own + sizeof(preload_is) - 1, item, len);
	}
}

/* Memory for the time of one call. */
struct room {
	char *at;
	size_t size;
};

static bool
take_room(struct room *room, size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*room = (struct room){ .at = at, .size = size };
	if (at == MAP_FAILED) {
		room->at = NULL;
	}
	return room->at != NULL;
}

static void
leave_room(const struct room *room)
{
	int saved = errno;

	if (room->at != NULL) {
		munmap(room->at, room->size);
	}
	errno = saved;
}

static bool
is(const char *entry, const char *name, size_t len)
{
	return strncmp(entry, name, len) == 0;
}

/* Whoever takes these away does not want to be heard of. */
static bool
is_told_where(char *const *env)
{
	bool life = false, to = false;

	for (; env != NULL && *env != NULL; env++) {
		life |= is(*env, "REEVE_LIFE=", sizeof("REEVE_LIFE=") - 1);
		to |= is(*env, "NOTIFY_SOCKET=", sizeof("NOTIFY_SOCKET=") - 1);
	}
	return life && to;
}

/* "LD_PRELOAD=", ours, and what stood there. */
static char *
put_list(char *at, const char *others)
{
	size_t len = strlen(own);

	memcpy(at, own, len);
	if (others != NULL && others[0] != '\0') {
		at[len] = ':';
		memcpy(at + len + 1, others, strlen(others) + 1);
	} else {
		at[len] = '\0';
	}
	return at;
}

/* env with ours in front of what is preloaded; env itself where it stays. */
static char *const *
extend(char *const *env, struct room *room)
{
	const size_t len = sizeof(preload_is) - 1;
	const char *others = NULL;
	size_t n = 0, to = 0;
	char **made;

	*room = (struct room){ 0 };
	if (own[0] == '\0' || !rv_agent_is_mine() || !is_told_where(env)) {
		return env;
	}
	for (; env[n] != NULL; n++) {
		if (is(env[n], preload_is, len)) {
			others = env[n] + len;
		}
	}
	if (!take_room(room, (n + 2) * sizeof(char *) + strlen(own) + 2 +
				 (others != NULL ? strlen(others) : 0))) {
		return env;
	}
	made = (char **)(void *)room->at;
	for (size_t i = 0; i < n; i++) {
		if (!is(env[i], preload_is, len)) {
			made[to++] = env[i];
		}
	}
	made[to++] = put_list((char *)(made + n + 2), others);
	made[to] = NULL;
	return made;
}

/* -------- the calls -------- */

/* All that any of them is told. */
struct call {
	int (*run)(const struct call *, char *const *env);
	int fd, flags;
	const char *path;
	char *const *argv, *const *env;
};

static int
run_path(const struct call *c, char *const *env)
{
	return real.execve(c->path, c->argv, env);
}

static int
run_name(const struct call *c, char *const *env)
{
	return real.execvpe(c->path, c->argv, env);
}

static int
run_fd(const struct call *c, char *const *env)
{
	return real.fexecve(c->fd, c->argv, env);
}

static int
run_at(const struct call *c, char *const *env)
{
	return real.execveat != NULL
		   ? real.execveat(c->fd, c->path, c->argv, env, c->flags)
		   : (int)syscall(
			 SYS_execveat, c->fd, c->path, c->argv, env, c->flags);
}

static int
execute(const struct call *call)
{
	struct room room;
	int result;

	/* Somebody's constructor may come before ours. */
	if (real.execve == NULL) {
		find_all();
	}
	result = call->run(call, extend(call->env, &room));
	leave_room(&room);
	return result;
}

/*
 * The arguments of execl and its like as an array. `args` stands behind the
 * first; with_env: behind the NULL comes an environment.
 */
static int
execute_list(struct call *call, const char *first, va_list args, bool with_env)
{
	struct room room;
	char **argv;
	va_list count;
	size_t n = 1;
	int result;

	va_copy(count, args);
	while (first != NULL && va_arg(count, char *) != NULL) {
		n++;
	}
	va_end(count);
	if (!take_room(&room, (n + 1) * sizeof(char *))) {
		errno = ENOMEM;
		return -1;
	}
	argv = (char **)(void *)room.at;
	argv[0] = (char *)(uintptr_t)first;
	for (size_t i = 1; first != NULL && i <= n; i++) {
		argv[i] = va_arg(args, char *);
	}
	call->argv = argv;
	call->env = with_env ? va_arg(args, char *const *) : environ;
	result = execute(call);
	leave_room(&room);
	return result;
}

/* -------- in front of libc's -------- */

EXPORTED int execve(const char *, char *const *, char *const *);
EXPORTED int execv(const char *, char *const *);
EXPORTED int execvp(const char *, char *const *);
EXPORTED int execvpe(const char *, char *const *, char *const *);
EXPORTED int fexecve(int, char *const *, char *const *);
EXPORTED int execveat(int, const char *, char *const *, char *const *, int);
EXPORTED int execl(const char *, const char *, ...);
EXPORTED int execlp(const char *, const char *, ...);
EXPORTED int execle(const char *, const char *, ...);

int
execve(const char *path, char *const *argv, char *const *env)
{
	return execute(&(struct call){
	    .run = run_path, .path = path, .argv = argv, .env = env });
}

int
execv(const char *path, char *const *argv)
{
	return execve(path, argv, environ);
}

int
execvpe(const char *name, char *const *argv, char *const *env)
{
	return execute(&(struct call){
	    .run = run_name, .path = name, .argv = argv, .env = env });
}

int
execvp(const char *name, char *const *argv)
{
	return execvpe(name, argv, environ);
}

int
fexecve(int fd, char *const *argv, char *const *env)
{
	return execute(&(struct call){
	    .run = run_fd, .fd = fd, .argv = argv, .env = env });
}

int
execveat(
    int fd, const char *path, char *const *argv, char *const *env, int flags)
{
	return execute(&(struct call){ .run = run_at,
	    .fd = fd,
	    .path = path,
	    .argv = argv,
	    .env = env,
	    .flags = flags });
}

/* va_start wants the very function that has the dots. */
#define EXECUTE_DOTS(name, how, with_env)                          \
	int name(const char *file, const char *arg, ...)           \
	{                                                          \
		struct call call = { .run = (how), .path = file }; \
		va_list args;                                      \
		int result;                                        \
                                                                   \
		va_start(args, arg);                               \
		result = execute_list(&call, arg, args, with_env); \
		va_end(args);                                      \
		return result;                                     \
	}

EXECUTE_DOTS(execl, run_path, false)
EXECUTE_DOTS(execlp, run_name, false)
EXECUTE_DOTS(execle, run_path, true)
