/* SPDX-License-Identifier: MIT */
/*
 * The kernel of a model: robust mutexes, sleeping on words, waking. Each call
 * is one step, as it is for those that make them; who waits for a mutex may get
 * it whenever it is free, in any order; who is woken of several is a choice.
 * When a process is killed its mutexes are let go one by one, the last first.
 */
#include "config.h"

#include "model/kernel.h"

#include <linux/futex.h>
#include <stddef.h>
#include <string.h>

#include "ipc/mutex.h"
#include "ipc/step.h"
#include "ipc/wait.h"

#define NOBODY 99U /* outside of all processes */

static void
stand(const char *what, const void *word, uint64_t value)
{
	model_current->what = what;
	model_current->word = word;
	model_current->value = value;
}

void
rv_model_step(const char *what, const void *word, uint64_t value)
{
	if (model_current != NULL) {
		stand(what, word, value);
		model_current->state = READY;
		model_stop();
	}
}

void
model_pause(void)
{
	rv_model_step("pause", NULL, 0);
}

unsigned
model_choose(unsigned n)
{
	if (n < 2 || model_current == NULL) {
		return 0;
	}
	stand("choose", NULL, n);
	model_current->state = CHOOSING;
	model_current->n = n;
	model_stop();
	n = model_current->which;
	model_current->which = 0;
	return n;
}

static bool
sleeps_on(const struct process *p, const uint32_t *word)
{
	bool does = false;

	if (p->state == SLEEPING && !p->woken) {
		for (unsigned i = 0; i < p->n; i++) {
			does = does || p->word_of[i] == word;
		}
	}
	return does;
}

static unsigned
sleepers(const uint32_t *word)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MODEL_PROCESSES; i++) {
		n += sleeps_on(&world.process[i], word);
	}
	return n;
}

/* The which-th of those who sleep on it. */
static void
wake(const uint32_t *word, unsigned which)
{
	for (unsigned i = 0; i < MODEL_PROCESSES; i++) {
		if (sleeps_on(&world.process[i], word) && which-- == 0) {
			world.process[i].woken = true;
		}
	}
}

uint32_t *(*model_pending)(unsigned process);

/*
 * A word that a dying one leaves: its own with the bit, or one that nobody
 * has: that it was just about to take, or had let go of and not woken for.
 */
static bool
wakes_at_death(const struct process *p, const uint32_t *word)
{
	uint32_t owner = rv_mutex_owner(*word);

	return owner == 0 || (owner == (uint32_t)(p - world.process) + 1 &&
				 (*word & FUTEX_WAITERS) != 0);
}

unsigned
model_turns(const struct process *p)
{
	const uint32_t *word;
	unsigned n;

	switch (p->state) {
	case READY:
		return 1;
	case CHOOSING:
		return p->n;
	case LOCKING:
		return rv_mutex_owner(*p->word_of[0]) == 0;
	case SLEEPING:
		return p->woken;
	case DYING:
		word = p->held[p->n_held - 1];
		n = wakes_at_death(p, word) ? sleepers(word) : 0;
		return n > 0 ? n : 1;
	default:
		return 0;
	}
}

void
model_leave_wait(struct process *p, bool late, unsigned which)
{
	memset(p->word_of, 0, sizeof(p->word_of));
	p->state = READY;
	p->n = 0;
	p->timed = p->woken = false;
	p->late = late;
	p->which = which;
}

/* Nothing that is known of it makes a difference any more. */
static void
forget(struct process *p, enum process_state state)
{
	memset(p, 0, sizeof(*p));
	p->state = state;
}

void
model_done(struct process *p)
{
	if (p->n_held > 0) {
		/* it ended as a process does that exits with what it holds */
		model_kill(p);
		return;
	}
	forget(p, DONE);
}

void
model_kill(struct process *p)
{
	struct process was = *p;

	if (model_pending != NULL) {
		uint32_t *word = model_pending((unsigned)(p - world.process));

		if (word != NULL) {
			was.held[was.n_held++] = word;
		}
	}
	forget(p, was.n_held > 0 ? DYING : DEAD);
	p->n_held = was.n_held;
	memcpy(p->held, was.held, sizeof(p->held));
	p->what = was.n_held > 0 ? "its mutex is let go" : NULL;
}

void
model_bury(struct process *p, unsigned which)
{
	uint32_t *word = p->held[--p->n_held];

	p->held[p->n_held] = NULL;
	if (wakes_at_death(p, word)) {
		wake(word, which);
	}
	if (rv_mutex_owner(*word) == (uint32_t)(p - world.process) + 1) {
		*word = (*word & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
	}
	if (p->n_held == 0) {
		forget(p, DEAD);
	}
}

/* Asked once: afterwards it makes no difference between two states. */
static bool
was_late(struct process *p)
{
	bool late = p->late;

	p->late = false;
	return late;
}

/* --- ipc/mutex.h ------------------------------------------------------- */

/* Behind the word: how often its holder has it more than once. */
struct model_mutex {
	uint32_t word, again, recursive;
};

static struct model_mutex *
model_mutex_of(pthread_mutex_t *mutex)
{
	return (struct model_mutex *)(void *)rv_mutex_word(mutex);
}

void
rv_mutex_init(pthread_mutex_t *mutex, bool recursive)
{
	memset(mutex, 0, sizeof(*mutex));
	model_mutex_of(mutex)->recursive = recursive;
}

/* Its holder wants it again. */
static enum reeve_status
own_again(pthread_mutex_t *mutex)
{
	struct model_mutex *m = model_mutex_of(mutex);

	if (!m->recursive) {
		return REEVE_EBUSY;
	}
	m->again++;
	return REEVE_OK;
}

uint32_t
rv_mutex_self(void)
{
	return model_current == NULL
		   ? NOBODY
		   : (uint32_t)(model_current - world.process) + 1;
}

/* The mutex is free. */
static enum reeve_status
own(pthread_mutex_t *mutex)
{
	uint32_t *word = rv_mutex_word(mutex);
	bool died = *word & FUTEX_OWNER_DIED;
	struct process *p = model_current;

	model_mutex_of(mutex)->again = 0;
	*word = rv_mutex_self() | (*word & FUTEX_WAITERS);
	if (p != NULL) {
		model_check(p->n_held < KERNEL_HELD, "held too many");
		p->held[p->n_held++] = word;
	}
	return died ? REEVE_EOWNERDIED : REEVE_OK;
}

enum reeve_status
rv_mutex_try(pthread_mutex_t *mutex)
{
	uint32_t *word = rv_mutex_word(mutex);

	RV_STEP("try", word, 0);
	if (rv_mutex_owner(*word) == rv_mutex_self()) {
		return own_again(mutex);
	}
	return rv_mutex_owner(*word) == 0 ? own(mutex) : REEVE_ETIMEDOUT;
}

enum reeve_status
rv_mutex_lock(pthread_mutex_t *mutex, rv_time until)
{
	uint32_t *word = rv_mutex_word(mutex);
	struct process *p = model_current;

	if (until == 0 || p == NULL) {
		return rv_mutex_try(mutex);
	}
	if (rv_mutex_owner(*word) == rv_mutex_self()) {
		return own_again(mutex);
	}
	stand("lock", word, 0);
	p->state = LOCKING;
	p->timed = until != RV_FOREVER;
	p->word_of[0] = word;
	model_stop();
	return was_late(p) ? REEVE_ETIMEDOUT : own(mutex);
}

bool
rv_mutex_unlock(pthread_mutex_t *mutex)
{
	uint32_t *word = rv_mutex_word(mutex);
	struct process *p = model_current;
	unsigned i = 0;

	RV_STEP("unlock", word, 0);
	if (rv_mutex_owner(*word) != rv_mutex_self()) {
		return false;
	}
	if (model_mutex_of(mutex)->again > 0) {
		model_mutex_of(mutex)->again--;
		return true;
	}
	if (*word & FUTEX_WAITERS) {
		wake(word, model_choose(sleepers(word)));
	}
	*word = 0;
	if (p != NULL) {
		while (i + 1 < p->n_held && p->held[i] != word) {
			i++;
		}
		p->n_held--;
		memmove(&p->held[i], &p->held[i + 1],
		    (p->n_held - i) * sizeof(p->held[0]));
		p->held[p->n_held] = NULL;
	}
	return true;
}

void
rv_mutex_watch(pthread_mutex_t *mutex)
{
	RV_STEP("watch", mutex, 0);
	*rv_mutex_word(mutex) |= FUTEX_WAITERS;
}

void
rv_mutex_unwatch(pthread_mutex_t *mutex)
{
	RV_STEP("unwatch", mutex, 0);
	*rv_mutex_word(mutex) &= ~FUTEX_WAITERS;
}

void
model_live(uint32_t *word)
{
	struct process *p = model_current;

	*word = rv_mutex_self() | FUTEX_WAITERS;
	model_check(p->n_held < KERNEL_HELD, "held too many");
	p->held[p->n_held++] = word;
}

/* --- ipc/wait.h -------------------------------------------------------- */

/* There is no clock: what has an end may end at any time. */
rv_time
rv_wait_until(int64_t timeout)
{
	return timeout <= 0 ? 0 : timeout;
}

enum reeve_status
rv_wait_any(const struct rv_watch *watch, unsigned n, rv_time until)
{
	struct process *p = model_current;

	RV_STEP("sleep?", watch[0].word, watch[0].value);
	for (unsigned i = 0; i < n; i++) {
		if (*watch[i].word != watch[i].value) {
			return REEVE_OK;
		}
	}
	if (until == 0 || p == NULL) {
		return REEVE_ETIMEDOUT;
	}
	model_check(n <= KERNEL_WORDS, "sleeps on too many");
	for (unsigned i = 0; i < n; i++) {
		p->word_of[i] = watch[i].word;
	}
	stand("asleep", watch[0].word, watch[0].value);
	p->n = n;
	p->state = SLEEPING;
	p->timed = until != RV_FOREVER;
	model_stop();
	return was_late(p) ? REEVE_ETIMEDOUT : REEVE_OK;
}

enum reeve_status
rv_wait_word(_Atomic uint32_t *word, uint32_t value, rv_time until)
{
	struct rv_watch watch = { (uint32_t *)(uintptr_t)word, value };

	return rv_wait_any(&watch, 1, until);
}

unsigned
rv_wake_word(_Atomic uint32_t *at, unsigned n)
{
	uint32_t *word = (uint32_t *)(uintptr_t)at;
	unsigned woken = 0, there;

	RV_STEP("wake", word, n);
	while (woken < n && (there = sleepers(word)) > 0) {
		wake(word, there <= n - woken ? 0 : model_choose(there));
		woken++;
	}
	return woken;
}

void
rv_wake_word_or(uint32_t *word, uint32_t bit)
{
	RV_STEP("set and wake", word, bit);
	*word |= bit;
	while (sleepers(word) > 0) {
		wake(word, 0);
	}
}

/* --- ipc/robust.c ------------------------------------------------------ */

long
model_change_and_wake(uint32_t *word, int n, bool only_clear)
{
	long woken = 0;
	unsigned there;

	RV_STEP("change and wake", word, (uint64_t)n);
	*word = only_clear ? *word & ~FUTEX_WAITERS : FUTEX_WAITERS;
	while (woken < n && (there = sleepers(word)) > 0) {
		wake(word, n == 1 ? model_choose(there) : 0);
		woken++;
	}
	return woken;
}
