/* SPDX-License-Identifier: MIT */
/*
 * The door of the public functions: is this runtime one, is it this process's,
 * may it be asked that now? Then a panic scope, so that a failed check closes
 * that runtime and leaves its host alive. Also the way out: callbacks of the
 * host, and what they did meanwhile.
 */
#include "config.h"

#include <setjmp.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "face/face_priv.h"

struct guard {
	struct rv_panic_scope scope; /* first: the hook casts back */
	jmp_buf back;
	const char *file, *what;
	int line;
	unsigned depth, hooks; /* of the runtime, before */
};

static void
on_panic(
    struct rv_panic_scope *scope, const char *file, int line, const char *what)
{
	struct guard *guard = RV_CONTAINER(scope, struct guard, scope);

	guard->file = file;
	guard->line = line;
	guard->what = what;
	longjmp(guard->back, 1);
}

static enum reeve_status
closed_by_bug(
    struct reeve *reeve, const struct guard *guard, struct reeve_error *err)
{
	bool tell = !reeve->bug_told && rv_face_may_tell(reeve) &&
		    reeve->callbacks->bug != NULL;

	reeve->depth = guard->depth;
	reeve->hooks = guard->hooks;
	reeve->broken = reeve->bug_told = true;
	if (reeve->post != NULL) {
		rv_post_shut(reeve->post);
	}
	if (tell) {
		reeve->callbacks->bug(
		    reeve->ctx, guard->file, guard->line, guard->what);
	}
	return rv_error(err, REEVE_EBUG, "internal check failed: %s:%d: %s",
	    guard->file, guard->line, guard->what);
}

enum reeve_status
rv_face_guarded(
    struct reeve *reeve, rv_face_fn *fn, void *arg, struct reeve_error *err)
{
	struct guard guard = {
		.scope = { .hook = on_panic },
		.depth = reeve->depth,
		.hooks = reeve->hooks,
	};
	enum reeve_status status;

	rv_panic_enter(&guard.scope);
	if (setjmp(guard.back) != 0) {
		/* rv_panic has left the scope already. */
		return closed_by_bug(reeve, &guard, err);
	}
	reeve->depth++;
	status = fn(reeve, arg, err);
	reeve->depth--;
	rv_panic_leave(&guard.scope);
	return status;
}

static enum reeve_status
check_state(const struct reeve *reeve, const char *what, unsigned needs,
    struct reeve_error *err)
{
	if ((needs & RV_FACE_LATE) != 0) {
		return REEVE_OK;
	}
	if (reeve->broken) {
		return rv_error(err, REEVE_EBUG,
		    "cannot %s: this runtime was closed when an internal check "
		    "failed",
		    what);
	}
	if (reeve->closing || reeve->doomed) {
		return rv_error(err, REEVE_ECLOSED,
		    "cannot %s: the runtime is being destroyed", what);
	}
	if ((needs & RV_FACE_OUTSIDE) != 0 && reeve->depth > 0) {
		return rv_error(err, REEVE_EBUSY,
		    "cannot %s from inside of a callback", what);
	}
	if ((needs & RV_FACE_CHANGE) == 0) {
		return REEVE_OK;
	}
	if (reeve->hooks > 0) {
		return rv_error(err, REEVE_EBUSY,
		    "cannot %s from inside of a hook that runs in the middle "
		    "of a decision; reeve_post does it after",
		    what);
	}
	if (reeve->finished) {
		return rv_error(
		    err, REEVE_ECLOSED, "cannot %s: the tree has ended", what);
	}
	return REEVE_OK;
}

enum reeve_status
rv_face_check(const struct reeve *reeve, const char *what, unsigned needs,
    struct reeve_error *err)
{
	bool is_one = reeve != NULL && reeve->magic == REEVE_MAGIC;
	enum reeve_status status = rv_error_unless_ours(
	    err, what, "runtime", reeve, is_one, is_one ? reeve->pid : 0);

	return status == REEVE_OK ? check_state(reeve, what, needs, err)
				  : status;
}

/* The outermost entry is over. */
static void
leave(struct reeve *reeve)
{
	if (reeve->depth > 0) {
		return;
	}
	if (reeve->doomed) {
		rv_face_destroy(reeve);
	} else if (reeve->polled && !reeve->broken) {
		/* What was armed or deferred shall be seen by who polls. */
		rv_loop_arrange(reeve->loop);
	}
}

enum reeve_status
rv_face_said(
    enum reeve_status status, const char *what, struct reeve_error *err)
{
	if (status != REEVE_OK && status != REEVE_ECONFIG &&
	    status != REEVE_EBUG && err != NULL &&
	    strncmp(err->text, "cannot ", 7) != 0) {
		rv_error_wrap(err, "cannot %s", what);
	}
	return status;
}

enum reeve_status
rv_face_call(struct reeve *reeve, const char *what, unsigned needs,
    rv_face_fn *fn, void *arg, struct reeve_error *err)
{
	enum reeve_status status = rv_face_check(reeve, what, needs, err);

	if (status == REEVE_OK) {
		status = rv_face_said(
		    rv_face_guarded(reeve, fn, arg, err), what, err);
		leave(reeve);
	}
	return status;
}

struct turn {
	void (*fn)(void *arg);
	void *arg;
};

static enum reeve_status
take_turn(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	const struct turn *turn = arg;

	(void)reeve;
	(void)err;
	turn->fn(turn->arg);
	return REEVE_OK;
}

bool
rv_face_around(void *ctx, void (*fn)(void *arg), void *arg)
{
	struct turn turn = { .fn = fn, .arg = arg };
	struct reeve *reeve = ctx;

	if (reeve->broken || reeve->pid != getpid() ||
	    rv_face_guarded(reeve, take_turn, &turn, NULL) != REEVE_OK) {
		return false;
	}
	leave(reeve);
	return true;
}

bool
rv_face_may_tell(const struct reeve *reeve)
{
	return reeve->callbacks != NULL && !reeve->doomed;
}

void
rv_face_told(const struct reeve *reeve)
{
	if (reeve->broken) {
		rv_panic(__FILE__, __LINE__, "a call from a callback failed");
	}
}

enum reeve_status
rv_face_options(void *dst, size_t dst_size, const void *src, size_t least,
    const char *what, struct reeve_error *err)
{
	const unsigned char *bytes = src;
	size_t size;

	if (src == NULL) {
		return rv_error(err, REEVE_EINVALID, "%s is NULL", what);
	}
	memcpy(&size, src, sizeof(size));
	if (size < least) {
		return rv_error(err, REEVE_EINVALID,
		    "%s has size %zu: set its member size to sizeof(struct %s)",
		    what, size, what);
	}
	for (size_t i = dst_size; i < size; i++) {
		if (bytes[i] != 0) {
			return rv_error(err, REEVE_EINVALID,
			    "%s asks for what this version of the library does "
			    "not know (byte %zu of %zu)",
			    what, i, size);
		}
	}
	memcpy(dst, src, RV_MIN(size, dst_size));
	return REEVE_OK;
}
