/* SPDX-License-Identifier: MIT */
/*
 * libreeve-crash.so: the agent for programs that link none, put before them by
 * LD_PRELOAD where `crash_report` is set. It attaches, catches crashes, gives
 * every thread a stack for that, and takes itself out of LD_PRELOAD, so that
 * what the program starts is left alone, but for what it executes in its own
 * place: see preload_exec.c. Where no runtime is, it does nothing.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child/agent.h"
#include "child/altstack.h"
#include "child/crash.h"
#include "child/preload.h"

#define OWN_NAME "libreeve-crash.so"
#define EXPORTED __attribute__((visibility("default")))

extern char **environ;

const char rv_agent_is_preload = 1;

typedef int create_fn(
    pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

/* Left for a new thread at the low end of its stack for signals. */
struct start {
	void *(*run)(void *);
	void *arg;
};

EXPORTED int pthread_create(
    pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static bool
ends_with_own_name(const char *item, size_t len)
{
	size_t own = sizeof(OWN_NAME) - 1;

	return len >= own && memcmp(item + len - own, OWN_NAME, own) == 0 &&
	       (len == own || item[len - own - 1] == '/');
}

/* In place; true when nothing is left. */
static bool
take_out(char *list)
{
	char *to = list;
	const char *from = list + strspn(list, ": ");

	while (*from != '\0') {
		size_t len = strcspn(from, ": ");
		const char *next = from + len + strspn(from + len, ": ");

		if (ends_with_own_name(from, len)) {
			rv_preload_keep(from, len);
		} else {
			if (to != list) {
				*to++ = ':';
			}
			memmove(to, from, len);
			to += len;
		}
		from = next;
	}
	*to = '\0';
	return to == list;
}

/* No setenv: other threads of other libraries may be there already. */
static void
clean_environment(void)
{
	static const char name[] = "LD_PRELOAD=";

	for (char **e = environ; e != NULL && *e != NULL;) {
		if (strncmp(*e, name, sizeof(name) - 1) == 0 &&
		    take_out(*e + sizeof(name) - 1)) {
			for (char **next = e; *next != NULL; next++) {
				next[0] = next[1];
			}
		} else {
			e++;
		}
	}
}

__attribute__((constructor)) static void
begin(void)
{
	int saved = errno;

	if (secure_getenv("REEVE_LIFE") != NULL &&
	    secure_getenv("NOTIFY_SOCKET") != NULL) {
		clean_environment();
		rv_agent_use();
	}
	errno = saved;
}

unsigned char *
rv_crash_page(pid_t pid)
{
	rv_agent_use();
	return pid == getpid() ? rv_agent_page() : NULL;
}

static void *
run_thread(void *stack)
{
	struct start start;

	memcpy(&start, stack, sizeof(start));
	rv_altstack_take(stack);
	return start.run(start.arg);
}

int
pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*run)(void *), void *arg)
{
	static create_fn *create;
	struct start start = { run, arg };
	void *stack = NULL;
	size_t size;
	int result;

	if (create == NULL) {
		void *found = dlsym(RTLD_NEXT, "pthread_create");

		memcpy(&create, &found, sizeof(create));
		if (create == NULL) {
			return EAGAIN;
		}
	}
	if (rv_crash_is_installed()) {
		stack = rv_altstack_make(&size);
	}
	if (stack == NULL) {
		return create(thread, attr, run, arg);
	}
	memcpy(stack, &start, sizeof(start));
	result = create(thread, attr, run_thread, stack);
	if (result != 0) {
		rv_altstack_drop(stack);
	}
	return result;
}
