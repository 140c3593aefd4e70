/* SPDX-License-Identifier: MIT */
/*
 * The launcher's own end: the supervisor is gone, or has said CLOSE. Nothing
 * is started any more; every life gets its stop steps (or KILL at once), and
 * the program ends when none is left, or when its patience is.
 */
#include "config.h"

#include <signal.h>

#include "launcher/end.h"
#include "launcher/forks.h"
#include "launcher/launcher.h"
#include "launcher/life.h"

#define STEPS_WITHIN (60 * RV_SEC) /* then all are killed */
#define KILL_WITHIN  (12 * RV_SEC) /* then what cannot be killed stays */

void
rv_launcher_check_end(struct rv_launcher *l)
{
	if (l->ending && l->n_lives == 0) {
		l->done = true;
	}
}

/* A step sends its signal; behind the last one comes KILL. */
void
rv_life_next_step(struct rv_life *life)
{
	struct rv_loop *loop = life->l->loop;
	const struct rv_stop_step *step;

	if (life->step >= life->keep->n_stop) {
		rv_life_kill(life, (enum rv_kill_mode)life->keep->kill_mode);
		return;
	}
	step = &life->keep->stop[life->step++];
	rv_life_signal(life, step->signo, life->keep->stop_group);
	rv_life_signal(life, SIGCONT, life->keep->stop_group);
	if (step->wait != RV_FOREVER) {
		rv_tick_arm(loop, &life->tick,
		    rv_time_add(rv_loop_now(loop), step->wait));
	}
}

static void
kill_all(struct rv_launcher *l)
{
	RV_LIST_EACH_SAFE (life, &l->lives, struct rv_life, link) {
		rv_life_kill(life, (enum rv_kill_mode)life->keep->kill_mode);
	}
}

static void
on_tick(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct rv_launcher *l = tick->ctx;

	(void)late;
	if (l->patience_over) {
		l->done = true;
		return;
	}
	l->patience_over = true;
	kill_all(l);
	rv_tick_arm(l->loop, tick, now + KILL_WITHIN);
}

void
rv_launcher_end(struct rv_launcher *l, bool at_once)
{
	rv_time now = rv_loop_now(l->loop);

	if (l->ending) {
		return;
	}
	l->ending = true;
	rv_link_close(l);
	l->n_syncs = 0;
	l->ending_tick = (struct rv_tick){ .cb = on_tick, .ctx = l };
	rv_forks_drop(l);
	/* Reports that waited for the supervisor have nobody to go to. */
	rv_lives_resume(l);
	RV_LIST_EACH_SAFE (life, &l->lives, struct rv_life, link) {
		life->expected = true;
		if (!at_once) {
			rv_life_next_step(life);
		}
	}
	rv_tick_arm(l->loop, &l->ending_tick, now + STEPS_WITHIN);
	if (at_once) {
		on_tick(&l->ending_tick, now, 0);
	}
	rv_launcher_check_end(l);
}
