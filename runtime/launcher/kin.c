/* SPDX-License-Identifier: MIT */
/*
 * Reading families out of /proc, and ending them: see kin.h. Called when a
 * life is killed and when something of it may have fled, never on the way of a
 * plain death or launch. A process is only signalled through a descriptor that
 * was opened before its parentage was looked at, so never a stranger.
 */
#include "config.h"

#include "launcher/kin.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "sys/sys.h"

#define PASSES_MAX  64   /* of the search for children of what was found */
#define VICTIMS_MAX 4096 /* of one pass over a tree; the rest comes later */
#define FOREBEARS   256  /* a chain of parents longer than this is a lie */

struct dirent64 {
	uint64_t ino;
	int64_t off;
	unsigned short len;
	unsigned char type;
	char name[];
};

/* Call for each entry that is a number. */
static bool
each_number(const char *path, void (*each)(void *ctx, pid_t), void *ctx)
{
	_Alignas(8) char buf[4096];
	int dir = rv_sys_open(path, O_RDONLY | O_DIRECTORY, 0);
	long n = -1;

	if (dir == -1) {
		return false;
	}
	while ((n = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
		const struct dirent64 *e;

		for (long at = 0; at < n; at += e->len) {
			int64_t number;

			e = (const struct dirent64 *)(const void *)(buf + at);
			if (rv_parse_int(e->name, 1, INT32_MAX, &number)) {
				each(ctx, (pid_t)number);
			}
		}
	}
	close(dir);
	return n == 0;
}

/* Numbers with spaces between, however the reads cut them. */
static bool
each_in_file(const char *path, void (*each)(void *ctx, pid_t), void *ctx)
{
	char buf[4096];
	int fd = rv_sys_open(path, O_RDONLY, 0);
	int64_t number = 0;
	ssize_t n = -1;

	if (fd == -1) {
		return false;
	}
	while ((n = rv_sys_read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] >= '0' && buf[i] <= '9') {
				number = number * 10 + (buf[i] - '0');
			} else if (number > 0) {
				each(ctx, (pid_t)number);
				number = 0;
			}
		}
	}
	if (number > 0) {
		each(ctx, (pid_t)number);
	}
	close(fd);
	return n == 0;
}

struct threads {
	pid_t pid;
	void (*each)(void *ctx, pid_t child);
	void *ctx;
	bool ok;
};

static void
children_of_thread(void *ctx, pid_t tid)
{
	struct threads *t = ctx;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)t->pid,
	    (int)tid);
	t->ok = each_in_file(path, t->each, t->ctx) && t->ok;
}

struct by_parent {
	pid_t parent;
	void (*each)(void *ctx, pid_t child);
	void *ctx;
};

static void
child_of_parent(void *ctx, pid_t pid)
{
	struct by_parent *b = ctx;
	pid_t parent;

	if (rv_sys_proc_stat(pid, &parent, NULL, NULL, NULL, NULL) &&
	    parent == b->parent) {
		b->each(b->ctx, pid);
	}
}

bool
rv_kin_all(void (*each)(void *ctx, pid_t), void *ctx)
{
	return each_number("/proc", each, ctx);
}

bool
rv_kin_children(pid_t pid, void (*each)(void *ctx, pid_t child), void *ctx)
{
	struct threads t = { .pid = pid, .each = each, .ctx = ctx, .ok = true };
	struct by_parent b = { .parent = pid, .each = each, .ctx = ctx };
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid,
	    (int)pid);
	if (access(path, F_OK) == -1 && errno == ENOENT &&
	    access("/proc/self/task", F_OK) == 0) {
		snprintf(path, sizeof(path), "/proc/%d", (int)pid);
		/* A kernel without these lists: ask everybody. */
		return access(path, F_OK) == 0 &&
		       rv_kin_all(child_of_parent, &b);
	}
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	return each_number(path, children_of_thread, &t) && t.ok;
}

/* "RUN/LIFE", or "RUN/LIFE/process". */
static bool
parse_mark(const char *text, struct rv_kin_mark *mark)
{
	const char *slash = strchr(text, '/');
	char number[24];
	size_t len;
	int64_t life;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(mark->run)) {
		return false;
	}
	len = strcspn(slash + 1, "/");
	if (len >= sizeof(number)) {
		return false;
	}
	memcpy(number, slash + 1, len);
	number[len] = '\0';
	if (!rv_parse_int(number, 0, INT64_MAX, &life)) {
		return false;
	}
	memcpy(mark->run, text, (size_t)(slash - text));
	mark->run[slash - text] = '\0';
	mark->life = (uint64_t)life;
	mark->left_alone = strcmp(slash + 1 + len, "/process") == 0;
	return true;
}

/*
 * The variable stands among the first of an environment that the launcher
 * made, and shells keep it there: the first 64 KiB are enough, and bound what
 * a process can make us read.
 */
bool
rv_kin_mark(pid_t pid, struct rv_kin_mark *mark)
{
	static const char name[] = RV_KIN_LIFE_VARIABLE;
	const size_t max = 64 * 1024;
	char path[48];
	char *text = NULL;
	bool found = false;
	size_t len = 0;
	ssize_t n = 1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	fd = rv_sys_open(path, O_RDONLY, 0);
	text = rv_alloc(max + 1, 1);
	while (fd != -1 && text != NULL && n > 0 && len < max) {
		n = rv_sys_read(fd, text + len, max - len);
		len += n > 0 ? (size_t)n : 0;
	}
	for (size_t at = 0; at < len && !found; at += strlen(text + at) + 1) {
		found = strncmp(text + at, name, sizeof(name) - 1) == 0 &&
			parse_mark(text + at + sizeof(name) - 1, mark);
	}
	rv_free(text);
	if (fd != -1) {
		close(fd);
	}
	return found;
}

bool
rv_kin_descends(pid_t pid, pid_t ancestor)
{
	for (unsigned i = 0; i < FOREBEARS && pid > 1; i++) {
		if (pid == ancestor) {
			return true;
		}
		if (!rv_sys_proc_stat(pid, &pid, NULL, NULL, NULL, NULL)) {
			return false;
		}
	}
	return false;
}

struct victim {
	pid_t pid;
	int pidfd;
	bool fled;
};

struct hunt {
	struct victim *victims; /* NULL before the first */
	size_t n;
	unsigned fled; /* of another session than the root's */
	pid_t root, parent;
};

static bool
is_known(const struct hunt *hunt, pid_t pid)
{
	for (size_t i = 0; i < hunt->n; i++) {
		if (hunt->victims[i].pid == pid) {
			return true;
		}
	}
	return false;
}

static void
take_victim(void *ctx, pid_t pid)
{
	struct hunt *hunt = ctx;
	struct victim victim = { .pid = pid };
	pid_t parent, session;

	if (hunt->victims == NULL) {
		hunt->victims = rv_alloc(VICTIMS_MAX, sizeof(struct victim));
	}
	if (hunt->victims == NULL || hunt->n == VICTIMS_MAX ||
	    is_known(hunt, pid)) {
		return;
	}
	victim.pidfd = rv_sys_pidfd_open(pid);
	/* Looked at only now, so that the descriptor cannot be a stranger's. */
	if (!rv_sys_proc_stat(pid, &parent, NULL, &session, NULL, NULL) ||
	    parent != hunt->parent) {
		if (victim.pidfd != -1) {
			close(victim.pidfd);
		}
		return;
	}
	rv_sys_pidfd_signal(victim.pidfd, pid, SIGSTOP);
	victim.fled = session != hunt->root;
	hunt->victims[hunt->n++] = victim;
	hunt->fled += victim.fled;
}

/* Children of all that are known by now, until nobody new turns up. */
static void
find_all(struct hunt *hunt)
{
	size_t before = SIZE_MAX;

	for (unsigned pass = 0; pass < PASSES_MAX && hunt->n != before;
	     pass++) {
		before = hunt->n;
		hunt->parent = hunt->root;
		rv_kin_children(hunt->root, take_victim, hunt);
		for (size_t i = 0; i < hunt->n; i++) {
			hunt->parent = hunt->victims[i].pid;
			rv_kin_children(hunt->parent, take_victim, hunt);
		}
	}
}

unsigned
rv_kin_kill_tree(
    pid_t pid, int pidfd, bool itself, rv_kin_victim_cb *told, void *ctx)
{
	struct hunt hunt = { .root = pid };

	rv_sys_pidfd_signal(pidfd, pid, SIGSTOP);
	find_all(&hunt);
	for (size_t i = 0; i < hunt.n; i++) {
		struct victim *v = &hunt.victims[i];

		if (told != NULL) {
			told(ctx, v->pid, v->fled);
		}
		rv_sys_pidfd_signal(v->pidfd, v->pid, SIGKILL);
		if (v->pidfd != -1) {
			close(v->pidfd);
		}
	}
	rv_free(hunt.victims);
	rv_sys_pidfd_signal(pidfd, pid, itself ? SIGKILL : SIGCONT);
	return hunt.fled;
}
