/* SPDX-License-Identifier: MIT */
/*
 * The one way in from other threads: letters, each a function and its argument,
 * that the loop's thread calls in the order in which they came. Writers push
 * onto an atomic stack and wake the loop by an eventfd; the reader takes the
 * whole stack and turns it round. No locks: a writer never waits for anybody.
 */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "loop/loop.h"
#include "sys/sys.h"

struct letter {
	struct letter *next;
	rv_post_fn *fn;
	void *arg;
};

struct rv_post {
	int fd;
	struct rv_io io;
	struct letter *oldest; /* taken, not called yet: the reader's */
	_Atomic(struct letter *) newest;
	atomic_uint waiting; /* letters on the stack, about */
	atomic_uint inside;  /* writers that are at it now */
	atomic_bool shut;
};

/* Behind what was taken earlier, oldest first. */
static void
take(struct rv_post *post)
{
	struct letter *letter = atomic_exchange(&post->newest, NULL);
	struct letter *oldest = NULL, **end = &post->oldest;

	while (letter != NULL) {
		struct letter *older = letter->next;

		letter->next = oldest;
		oldest = letter;
		letter = older;
	}
	while (*end != NULL) {
		end = &(*end)->next;
	}
	*end = oldest;
}

/* What is posted meanwhile waits for the next turn. */
static void
deliver(struct rv_post *post)
{
	take(post);
	while (post->oldest != NULL) {
		struct letter *letter = post->oldest;
		rv_post_fn *fn = letter->fn;
		void *arg = letter->arg;

		post->oldest = letter->next;
		rv_free(letter);
		atomic_fetch_sub(&post->waiting, 1);
		fn(arg);
	}
}

static void
on_letters(struct rv_io *io, unsigned events)
{
	struct rv_post *post = io->ctx;
	uint64_t n;

	(void)events;
	/* First: a letter that comes after the taking rings again. */
	while (rv_sys_read(post->fd, &n, sizeof(n)) > 0) {
	}
	deliver(post);
}

enum reeve_status
rv_post_create(
    struct rv_post **out, struct rv_loop *loop, struct reeve_error *err)
{
	struct rv_post *post = rv_alloc(1, sizeof(*post));
	enum reeve_status status;

	if (post == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot take posts");
	}
	post->io.cb = on_letters;
	post->io.ctx = post;
	post->fd = rv_sys_eventfd(0, EFD_NONBLOCK);
	if (post->fd < 0) {
		status = rv_error_sys(err, errno, "cannot take posts");
	} else {
		status =
		    rv_io_start(loop, &post->io, post->fd, RV_LOOP_READ, err);
	}
	if (status != REEVE_OK) {
		rv_post_destroy(post);
		return status;
	}
	*out = post;
	return REEVE_OK;
}

static enum reeve_status
push(struct rv_post *post, rv_post_fn *fn, void *arg)
{
	const uint64_t one = 1;
	struct letter *letter, *under;

	if (atomic_load(&post->shut)) {
		return REEVE_ECLOSED;
	}
	if (atomic_fetch_add(&post->waiting, 1) >= RV_POST_MAX) {
		atomic_fetch_sub(&post->waiting, 1);
		return REEVE_EFULL;
	}
	letter = rv_alloc(1, sizeof(*letter));
	if (letter == NULL) {
		atomic_fetch_sub(&post->waiting, 1);
		return REEVE_ENOMEM;
	}
	letter->fn = fn;
	letter->arg = arg;
	under = atomic_load(&post->newest);
	do {
		letter->next = under;
	} while (!atomic_compare_exchange_weak(&post->newest, &under, letter));
	/* The first of a pile rings; from here on the letter is the reader's.
	 */
	while (under == NULL && write(post->fd, &one, sizeof(one)) < 0 &&
	       errno == EINTR) {
	}
	return REEVE_OK;
}

enum reeve_status
rv_post_push(struct rv_post *post, rv_post_fn *fn, void *arg)
{
	enum reeve_status status;

	atomic_fetch_add(&post->inside, 1);
	status = push(post, fn, arg);
	atomic_fetch_sub(&post->inside, 1);
	return status;
}

void
rv_post_shut(struct rv_post *post)
{
	atomic_store(&post->shut, true);
}

void
rv_post_destroy(struct rv_post *post)
{
	if (post == NULL) {
		return;
	}
	rv_post_shut(post);
	while (atomic_load(&post->inside) != 0) {
		sched_yield(); /* a writer waits for nobody: it is soon done */
	}
	rv_io_stop(&post->io);
	deliver(post);
	if (post->fd >= 0) {
		close(post->fd);
	}
	rv_free(post);
}
