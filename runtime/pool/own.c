/* SPDX-License-Identifier: MIT */
/*
 * A runtime that a pool makes for itself: its event log is in a private
 * directory (its home), which goes with the pool, unless the caller names
 * another.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
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
		status = rv_home_make(&pool->home, err);
		if (status != REEVE_OK) {
			return status;
		}
		own.state_dir = pool->home.nest.path;
	}
	status = reeve_create(&pool->reeve, &own, err);
	if (pool->home.nest.path[0] != '\0') {
		rv_home_settle(&pool->home);
	}
	if (status != REEVE_OK) {
		rv_home_remove(&pool->home);
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
		rv_home_remove(&pool->home);
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
	rv_home_remove(&pool->home);
}
