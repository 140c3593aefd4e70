/* SPDX-License-Identifier: MIT */
/*
 * A runtime that a pool makes for itself: its event log is in a private
 * directory, which goes with the pool, unless the caller names another.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/self.h>

#include "base/error.h"
#include "base/text.h"
#include "pool/pool_priv.h"
#include "sys/sys.h"

#define END_WITHIN  (5 * RV_SEC) /* its workers are told to, or killed */
#define LOG_WITHIN  (5 * RV_SEC) /* its clerk names frames for two of them */
#define KILL_WITHIN RV_SEC
#define DEPTH_MAX   4
#define TEMPLATE    "reeve-pool-XXXXXX"

static bool
make_in(const char *dir, char path[static 64])
{
	if (dir == NULL || dir[0] != '/' ||
	    rv_format(path, 64, "%s/" TEMPLATE, dir) >= 63) {
		return false;
	}
	return mkdtemp(path) != NULL; /* 0700, and nobody else's */
}

static enum reeve_status
make_place(struct reeve_pool *pool, struct reeve_error *err)
{
	const char *dirs[] = { geteuid() == 0 ? "/run" : NULL,
		secure_getenv("XDG_RUNTIME_DIR"), "/dev/shm", "/tmp" };

	for (size_t i = 0; i < RV_ARRAY_LEN(dirs); i++) {
		if (make_in(dirs[i], pool->place)) {
			return REEVE_OK;
		}
	}
	pool->place[0] = '\0';
	return rv_error_sys(
	    err, errno, "cannot make a directory in %s", dirs[3]);
}

/* All below a directory of ours; what is not ours is not followed. */
static void
empty(int parent, const char *name, unsigned depth)
{
	int fd = openat(
	    parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (dir == NULL) {
		if (fd != -1) {
			(void)close(fd);
		}
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0) {
			continue;
		}
		if (unlinkat(fd, entry->d_name, 0) != 0 && depth < DEPTH_MAX) {
			empty(fd, entry->d_name, depth + 1);
			(void)unlinkat(fd, entry->d_name, AT_REMOVEDIR);
		}
	}
	(void)closedir(dir);
}

static void
remove_place(struct reeve_pool *pool)
{
	if (pool->place[0] != '\0') {
		empty(AT_FDCWD, pool->place, 0);
		(void)rmdir(pool->place);
		pool->place[0] = '\0';
	}
}

static void
on_finished(void *ctx, bool gave_up)
{
	struct reeve_pool *pool = ctx;

	(void)gave_up;
	pool->gone = true;
}

static const struct reeve_callbacks callbacks = { .finished = on_finished };

enum reeve_status
rv_own_create(struct reeve_pool *pool, const struct reeve_pool_options *options,
    struct reeve_error *err)
{
	struct reeve_self self = { .size = sizeof(self) };
	struct reeve_options own = { .size = sizeof(own),
		.name = pool->name,
		.state_dir = options->state_dir,
		.libexec_dir = options->libexec_dir,
		.method = options->method,
		.callbacks = &callbacks,
		.ctx = pool };
	enum reeve_status status;

	pool->own_runtime = true;
	if (own.libexec_dir == NULL && reeve_self(&self) == REEVE_OK &&
	    self.libexec_dir[0] != '\0') {
		own.libexec_dir = self.libexec_dir;
	}
	if (own.state_dir == NULL) {
		status = make_place(pool, err);
		if (status != REEVE_OK) {
			return status;
		}
		own.state_dir = pool->place;
	}
	status = reeve_create(&pool->reeve, &own, err);
	if (status != REEVE_OK) {
		remove_place(pool);
	}
	return status;
}

static bool
await_fd(int fd, rv_time until)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	rv_time left;
	int n = 0;

	while (n == 0 && (left = until - rv_sys_now()) > 0) {
		n = poll(&p, 1, (int)(left / RV_MS) + 1);
		if (n == -1 && errno == EINTR) {
			n = 0;
		}
	}
	return n > 0;
}

/* The clerk of its log; false: it was killed. Where it is our child nobody else
 * has it off our hands. */
static bool
await_clerk(int pidfd, rv_time until)
{
	bool ended = await_fd(pidfd, until);
	siginfo_t info;

	if (!ended) {
		(void)rv_sys_pidfd_signal(pidfd, 0, SIGKILL);
		(void)await_fd(pidfd, rv_sys_now() + KILL_WITHIN);
	}
	(void)rv_sys_wait(pidfd, 0, WEXITED | WNOHANG, &info, NULL);
	(void)close(pidfd);
	return ended;
}

void
rv_own_destroy(struct reeve_pool *pool)
{
	rv_time until = rv_sys_now() + END_WITHIN;
	int pidfd;

	if (pool->reeve == NULL) {
		remove_place(pool);
		return;
	}
	reeve_shutdown(pool->reeve, "its pool has ended");
	reeve_shutdown(pool->reeve, NULL);
	reeve_shutdown(pool->reeve, NULL);
	while (!pool->gone && await_fd(reeve_fd(pool->reeve), until) &&
	       reeve_dispatch(pool->reeve, NULL) == REEVE_OK) {
	}
	until = rv_sys_now() + LOG_WITHIN;
	while ((pidfd = reeve_last_words(pool->reeve)) != -1 &&
	       await_clerk(pidfd, until)) {
	}
	reeve_destroy(pool->reeve);
	pool->reeve = NULL;
	remove_place(pool);
}
