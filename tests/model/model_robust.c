/* SPDX-License-Identifier: MIT */
/*
 * Models of runtime/ipc/robust.c, the locks of the queue: exclusion, each death
 * told to the next, nobody asleep at a free lock, whoever is killed between
 * being woken and taking it, or between letting go and waking. The code is
 * compiled here once more, under other names than the model of the queue has.
 */
#include "config.h"

#include <string.h>

#include "model/kernel.h"
#include "model/models.h"

#define RV_MODEL_ROBUST
#define rv_robust_wait       model_robust_wait
#define rv_robust_wake       model_robust_wake
#define rv_robust_refresh    model_robust_refresh
#define rv_robust_me         model_robust_me
#define rv_robust_generation model_robust_generation
#define rv_robust_spins      model_robust_spins
#include "ipc/robust.c"

static struct {
	struct rv_robust lock;
	struct robust_list_head heads[MODEL_PROCESSES];
	uint32_t in; /* 1 + who is within */
	uint32_t a, b;
} s;

static struct rv_robust_self selves[MODEL_PROCESSES];

static void
start(void)
{
	memset(&s, 0, sizeof(s));
	for (unsigned i = 0; i < MODEL_PROCESSES; i++) {
		s.heads[i].futex_offset = -32;
		selves[i].head = &s.heads[i];
		selves[i].tid = i + 1;
	}
}

static uint32_t *
pending(unsigned process)
{
	return s.heads[process].list_op_pending != NULL ? &s.lock.word : NULL;
}

static void
within(unsigned self, enum reeve_status status)
{
	bool died = s.in != 0 && model_is_dead(s.in - 1);

	model_check(s.in == 0 || died, "two within");
	model_check(!died || status == REEVE_EOWNERDIED, "a death not told");
	s.in = self + 1;
	rv_store(&s.a, s.a + 1);
	rv_store(&s.b, s.a);
	s.in = 0;
}

static void
once(unsigned self)
{
	within(self, rv_robust_lock(&s.lock, &selves[self], RV_FOREVER));
	rv_robust_unlock(&s.lock, &selves[self]);
}

static void
twice(unsigned self)
{
	once(self);
	once(self);
}

static void
impatient(unsigned self)
{
	enum reeve_status st = rv_robust_lock(&s.lock, &selves[self], 1);

	if (st != REEVE_ETIMEDOUT) {
		within(self, st);
		rv_robust_unlock(&s.lock, &selves[self]);
	}
}

static void
end(void)
{
	model_check((s.lock.word & FUTEX_TID_MASK) == 0, "not free in the end");
}

const struct model model_robust_exclusion = { .name = "robust_exclusion",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { twice, once, once },
	.end = end,
	.pending = pending,
	.crashes = 2 };

const struct model model_robust_timeouts = { .name = "robust_timeouts",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { impatient, impatient, once },
	.end = end,
	.pending = pending,
	.crashes = 1 };
