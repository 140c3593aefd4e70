/* SPDX-License-Identifier: MIT */
/*
 * Where all threads of a hung process are: each is sent a signal, and its
 * handler writes its own frames. One that blocks signals is there by name
 * alone. In a signal handler, so: no opendir, no printf.
 */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child/agent.h"
#include "child/crash.h"
#include "child/frames.h"

#define ANSWERS_MS 300

static struct rv_page_trouble *asked_for;
static uint32_t answered;

struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	unsigned char type;
	char name[];
};

static int32_t
number_of(const char *name)
{
	int32_t n = 0;

	for (; *name >= '0' && *name <= '9' && n < 100000000; name++) {
		n = n * 10 + (*name - '0');
	}
	return *name == '\0' ? n : 0;
}

static void
read_name(int tasks, const char *tid, char name[static 16])
{
	char path[32];
	size_t len = strlen(tid);
	ssize_t n;
	int fd;

	memset(name, 0, 16);
	if (len > 16) {
		return;
	}
	memcpy(path, tid, len);
	memcpy(path + len, "/comm", sizeof("/comm"));
	fd = openat(tasks, path, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		return;
	}
	n = read(fd, name, 15);
	name[n > 0 ? n : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	close(fd);
}

/* False: no room for more. */
static bool
ask(struct rv_page_trouble *t, int tasks, const char *name, uint32_t *asked)
{
	struct rv_page_thread *thread = &t->threads[t->n_threads];
	int32_t tid = number_of(name);

	if (tid == 0 || tid == t->threads[0].tid) {
		return true;
	}
	if (t->n_threads == RV_PAGE_THREADS) {
		return false;
	}
	thread->n_frames = 0;
	thread->exact = 0;
	thread->reserved = 0;
	thread->tid = tid;
	read_name(tasks, name, thread->name);
	__atomic_store_n(&t->n_threads, t->n_threads + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_tgkill, (long)getpid(), (long)tid,
		(long)RV_CRASH_ASK) == 0) {
		(*asked)++;
	}
	return true;
}

static uint32_t
ask_all(struct rv_page_trouble *t)
{
	_Alignas(struct entry) char buf[1024];
	int tasks = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint32_t asked = 0;
	bool room = true;
	long n;

	if (tasks == -1) {
		return 0;
	}
	while (room && (n = syscall(SYS_getdents64, (long)tasks, buf,
			    (long)sizeof(buf))) > 0) {
		for (long at = 0; room && at < n;) {
			const struct entry *e = (const void *)(buf + at);

			room = ask(t, tasks, e->name, &asked);
			at += e->reclen;
		}
	}
	close(tasks);
	return asked;
}

void
rv_threads_write(struct rv_page_trouble *t)
{
	uint32_t asked;

	__atomic_store_n(&answered, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&asked_for, t, __ATOMIC_RELEASE);
	asked = ask_all(t);
	for (int i = 0; i < ANSWERS_MS &&
			__atomic_load_n(&answered, __ATOMIC_ACQUIRE) < asked;
	     i++) {
		poll(NULL, 0, 1);
	}
}

void
rv_threads_answer(const void *context)
{
	struct rv_page_trouble *t =
	    __atomic_load_n(&asked_for, __ATOMIC_ACQUIRE);
	int32_t me = (int32_t)syscall(SYS_gettid);
	uint32_t n =
	    t != NULL ? __atomic_load_n(&t->n_threads, __ATOMIC_ACQUIRE) : 0;

	for (uint32_t i = 1; i < n && i < RV_PAGE_THREADS; i++) {
		if (t->threads[i].tid == me) {
			rv_frames_safe(&t->threads[i], context);
			rv_frames_full(&t->threads[i], context);
			break;
		}
	}
	__atomic_fetch_add(&answered, 1, __ATOMIC_RELEASE);
}
