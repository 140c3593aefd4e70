/* SPDX-License-Identifier: MIT */
/* See sched_rig.h. Tasks have names of one letter. */
#include "config.h"

#include "sched_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define TASKS 128

struct play {
	struct rv_sched sched;
	struct rv_sched_worker workers[RV_SCHED_WORKERS];
	uint16_t heap[RV_SCHED_WORKERS];
	struct rv_task tasks[TASKS];
	bool clings[TASKS]; /* cannot be revoked */
	struct rv_task_rules rules[64];
	unsigned n_rules;
	rv_time now;
	char *words; /* what is left of the command in hand */
	bool wrong;
};

static const char *const states[] = { "new", "ready", "held", "running",
	"resting", "done" };
static const char *const outcomes[] = { "good", "failed", "died", "timed-out",
	"cancelled", "broken" };

static char *
word(struct play *p)
{
	return strtok_r(NULL, " \n\t", &p->words);
}

static void
wrong(struct play *p, const char *what, const char *more)
{
	p->wrong = true;
	printf("# %s %s\n", what, more);
}

static unsigned long
number(const char *text)
{
	return text != NULL ? strtoul(text, NULL, 10) : 0;
}

static rv_time
time_of(const char *text)
{
	char *end = NULL;
	rv_time t = strtoll(text, &end, 10);

	if (strcmp(text, "never") == 0) {
		return RV_FOREVER;
	}
	if (strcmp(end, "s") == 0) {
		return t * RV_SEC;
	}
	if (strcmp(end, "ns") == 0) {
		return t;
	}
	return strcmp(end, "ms") == 0 ? t * RV_MS : t * RV_US;
}

static const char *
value_of(const char *option, const char *key)
{
	size_t n = strlen(key);

	return strncmp(option, key, n) == 0 && option[n] == '=' ? option + n + 1
								: NULL;
}

static struct rv_task *
task_of(struct play *p, const char *name)
{
	if (name == NULL || name[0] <= 0 || name[1] != 0) {
		wrong(p, "no task:", name != NULL ? name : "");
		return &p->tasks[0];
	}
	return &p->tasks[(unsigned char)name[0]];
}

static void
pool(struct play *p)
{
	struct rv_sched_options o = {
		.min = 1, .max = 1, .idle = RV_FOREVER, .grow_after = RV_FOREVER
	};
	const char *w = word(p), *v;

	for (; w != NULL; w = word(p)) {
		if ((v = value_of(w, "min")) != NULL) {
			o.min = (uint16_t)number(v);
			o.max = RV_MAX(o.max, o.min);
		} else if ((v = value_of(w, "max")) != NULL) {
			o.max = (uint16_t)number(v);
		} else if ((v = value_of(w, "places")) != NULL) {
			o.places = (uint16_t)number(v);
		} else if ((v = value_of(w, "idle")) != NULL) {
			o.idle = time_of(v);
		} else if ((v = value_of(w, "grow")) != NULL) {
			o.grow_after = time_of(v);
		} else if ((v = value_of(w, "tasks")) != NULL) {
			o.max_tasks = (uint32_t)number(v);
		} else if ((v = value_of(w, "waiting")) != NULL) {
			o.max_waiting = (uint64_t)number(v);
		} else {
			wrong(p, "no option:", w);
		}
	}
	rv_sched_init(&p->sched, &o, p->workers, p->heap, p->now);
}

static void
rules(struct play *p)
{
	struct rv_task_rules *r = &p->rules[++p->n_rules];
	const char *w = word(p), *v;

	*r = p->rules[0];
	for (; w != NULL; w = word(p)) {
		if ((v = value_of(w, "p")) != NULL) {
			r->priority = (uint8_t)number(v);
		} else if ((v = value_of(w, "soft")) != NULL) {
			r->soft = time_of(v);
		} else if ((v = value_of(w, "hard")) != NULL) {
			r->hard = time_of(v);
		} else if ((v = value_of(w, "grace")) != NULL) {
			r->grace = time_of(v);
		} else if ((v = value_of(w, "backoff")) != NULL) {
			r->backoff = time_of(v);
		} else if ((v = value_of(w, "max")) != NULL) {
			r->backoff_max = time_of(v);
		} else if ((v = value_of(w, "retries")) != NULL) {
			r->retries = (uint32_t)number(v);
		} else if (strcmp(w, "deaths") == 0) {
			r->deaths_only = true;
		} else {
			wrong(p, "no rule:", w);
		}
	}
}

static void
enter(struct play *p, const char *name, const char *how)
{
	struct rv_task *t = task_of(p, name);
	bool more = strcmp(how, "continue") == 0 || strcmp(how, "closed") == 0;
	enum reeve_status status, wanted = REEVE_OK;

	*t = (struct rv_task){ .rules = &p->rules[p->n_rules] };
	status = more ? rv_sched_continue(&p->sched, t, p->now)
		      : rv_sched_submit(&p->sched, t, p->now);
	if (strcmp(how, "full") == 0) {
		wanted = REEVE_EFULL;
	} else if (strcmp(how, "shut") == 0 || strcmp(how, "closed") == 0) {
		wanted = REEVE_ECLOSED;
	}
	if (status != wanted) {
		wrong(p, how, name);
	}
}

static void
of_task(struct play *p, const char *how, const char *name)
{
	struct rv_task *t = task_of(p, name);
	bool kill = strcmp(how, "kill") == 0 || strcmp(how, "spare") == 0;
	bool yes = strcmp(how, "kill") == 0 || strcmp(how, "cancel") == 0;

	if (strcmp(how, "clings") == 0) {
		p->clings[t - p->tasks] = true;
	} else if (strcmp(how, "refused") == 0) {
		rv_sched_refused(&p->sched, t, p->now);
	} else if (rv_sched_cancel(&p->sched, t, kill, p->now) != yes) {
		wrong(p, how, name);
	}
}

static bool
of_worker(struct play *p, const char *how, uint16_t n)
{
	struct rv_sched *s = &p->sched;
	struct rv_task *t = rv_sched_running(s, n);

	if (strcmp(how, "up") == 0) {
		rv_sched_up(s, n, p->now);
	} else if (strcmp(how, "down") == 0) {
		rv_sched_down(s, n, p->now);
	} else if (strcmp(how, "doom") == 0) {
		rv_sched_doom(s, n, p->now);
	} else if (strcmp(how, "tire") == 0) {
		rv_sched_tire(s, n, p->now);
	} else if (strcmp(how, "taken") == 0) {
		return rv_sched_taken(s, n, p->now);
	} else if (strcmp(how, "ends") == 0) {
		return rv_sched_taken(s, n, p->now) &&
		       rv_sched_done(s, n, true, p->now) != NULL;
	} else if (strcmp(how, "done") == 0) {
		return t != NULL && rv_sched_done(s, n, true, p->now) == t;
	} else if (strcmp(how, "bad") == 0) {
		return t != NULL && rv_sched_done(s, n, false, p->now) == t;
	} else {
		/* nonsense */
		return t == NULL && !rv_sched_taken(s, n, p->now) &&
		       rv_sched_done(s, n, true, p->now) == NULL;
	}
	return true;
}

static void
print_action(
    struct play *p, const struct rv_sched_action *a, char *text, size_t size)
{
	static const char *const acts[] = { "give", "revoke", "signal", "kill",
		"retire", "size", "finish" };
	char name = a->task != NULL ? (char)(a->task - p->tasks) : '-';
	const char *act = acts[a->act];

	switch (a->act) {
	case RV_SCHED_GIVE:
	case RV_SCHED_REVOKE:
		rv_format(text, size, "%s %c %d", act, name, a->worker);
		break;
	case RV_SCHED_SIZE:
		rv_format(text, size, "%s %d", act, a->size);
		break;
	case RV_SCHED_FINISH:
		rv_format(text, size, "%s %c %s", act, name,
		    outcomes[a->task->outcome]);
		break;
	default:
		rv_format(text, size, "%s %d", act, a->worker);
	}
}

/* One space between words, none at the ends; wanted is as the script has it. */
static void
squeeze(const char *from, char *to, size_t size)
{
	size_t n = 0;

	for (; *from != '\0' && n + 1 < size; from++) {
		char c = *from == '\n' || *from == '\t' ? ' ' : *from;

		if (c != ' ' || (n > 0 && to[n - 1] != ' ')) {
			to[n++] = c;
		}
	}
	to[n > 0 && to[n - 1] == ' ' ? n - 1 : n] = '\0';
}

static void
expect(struct play *p)
{
	struct rv_sched_action a;
	char got[4096] = "", wanted[4096], one[64];
	size_t n = 0;

	while (rv_sched_next(&p->sched, &a, p->now)) {
		print_action(p, &a, one, sizeof(one));
		n += rv_format(
		    got + n, sizeof(got) - n, "%s%s", n > 0 ? ", " : "", one);
		if (a.act == RV_SCHED_REVOKE && !p->clings[a.task - p->tasks]) {
			rv_sched_refused(&p->sched, a.task, p->now);
		}
	}
	squeeze(p->words, wanted, sizeof(wanted));
	if (strcmp(n > 0 ? got : "nothing", wanted) != 0) {
		printf("# expected: %s\n#      got: %s\n", wanted,
		    n > 0 ? got : "nothing");
		p->wrong = true;
	}
	p->words = NULL;
}

static void
due(struct play *p)
{
	rv_time wanted = time_of(word(p));
	rv_time got = rv_sched_deadline(&p->sched);

	got = got == RV_FOREVER ? got : got - p->now;
	if (got != wanted) {
		printf("# due in %lld ns\n", (long long)got);
		p->wrong = true;
	}
}

static void
has(struct play *p)
{
	struct rv_sched_stats st;
	const char *w = word(p);

	rv_sched_stats(&p->sched, &st);
	for (; w != NULL; w = word(p)) {
		const struct {
			const char *key;
			uint64_t value;
		} all[] = { { "ready", st.ready }, { "held", st.held },
			{ "running", st.running }, { "resting", st.resting },
			{ "submitted", st.submitted }, { "good", st.good },
			{ "bad", st.bad }, { "retried", st.retried },
			{ "up", st.workers_up }, { "idle", st.workers_idle },
			{ "size", st.size },
			{ "mean", (uint64_t)(st.mean_task / RV_US) } };
		bool known = false;

		for (size_t i = 0; i < RV_ARRAY_LEN(all); i++) {
			const char *v = value_of(w, all[i].key);

			known |= v != NULL;
			if (v != NULL &&
			    strtoull(v, NULL, 10) != all[i].value) {
				printf("# has %s=%llu\n", all[i].key,
				    (unsigned long long)all[i].value);
				p->wrong = true;
			}
		}
		if (!known) {
			wrong(p, "no such number:", w);
		}
	}
}

static bool
command_of_many(struct play *p, const char *c)
{
	static const char *const entering[] = { "submit", "full", "shut",
		"continue", "closed" };
	static const char *const workers[] = { "up", "down", "taken", "done",
		"bad", "ends", "doom", "tire", "nonsense" };
	static const char *const tasks[] = { "refused", "cancel", "kill",
		"clings", "keep", "spare" };
	const char *w;

	for (size_t i = 0; i < RV_ARRAY_LEN(workers); i++) {
		while (strcmp(c, workers[i]) == 0 && (w = word(p)) != NULL) {
			if (!of_worker(p, c, (uint16_t)number(w))) {
				wrong(p, c, w);
			}
		}
		if (strcmp(c, workers[i]) == 0) {
			return true;
		}
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(entering); i++) {
		if (strcmp(c, entering[i]) == 0) {
			while ((w = word(p)) != NULL) {
				enter(p, w, c);
			}
			return true;
		}
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(tasks); i++) {
		if (strcmp(c, tasks[i]) == 0) {
			while ((w = word(p)) != NULL) {
				of_task(p, c, w);
			}
			return true;
		}
	}
	return false;
}

static void
command_of_time(struct play *p, const char *c)
{
	const char *w;

	if (strcmp(c, "pass") == 0) {
		p->now += time_of(word(p));
		rv_sched_tick(&p->sched, p->now);
	} else if (strcmp(c, "measured") == 0) {
		p->sched.mean = time_of(word(p));
	} else if (strcmp(c, "due") == 0) {
		due(p);
	} else if (strcmp(c, "has") == 0) {
		has(p);
	} else if (strcmp(c, "is") == 0) {
		w = word(p);
		if (strcmp(states[task_of(p, w)->state], word(p)) != 0) {
			wrong(p, "it is", states[task_of(p, w)->state]);
		}
	} else if (strcmp(c, "drained") == 0 || strcmp(c, "undrained") == 0) {
		if (rv_sched_drained(&p->sched) != (c[0] == 'd')) {
			wrong(p, "not", c);
		}
	} else {
		wrong(p, "no command:", c);
	}
}

static void
command(struct play *p, char *text)
{
	const char *c = strtok_r(text, " \n\t", &p->words);

	if (c == NULL) {
		return;
	}
	if (strcmp(c, "pool") == 0) {
		pool(p);
	} else if (strcmp(c, "rules") == 0) {
		rules(p);
	} else if (strcmp(c, "expect") == 0) {
		expect(p);
	} else if (strcmp(c, "resize") == 0) {
		uint16_t min = (uint16_t)number(word(p));

		rv_sched_resize(
		    &p->sched, min, (uint16_t)number(word(p)), p->now);
	} else if (strcmp(c, "close") == 0) {
		rv_sched_close(&p->sched, p->now);
	} else if (strcmp(c, "drop") == 0) {
		rv_sched_drop(&p->sched, p->now);
	} else if (strcmp(c, "broken") == 0) {
		rv_sched_broken(&p->sched, p->now);
	} else if (strcmp(c, "terminate") == 0) {
		rv_sched_terminate(&p->sched, p->now);
	} else if (!command_of_many(p, c)) {
		command_of_time(p, c);
	}
}

bool
sched_play(const char *script)
{
	static struct play p;
	char *copy = strdup(script), *rest = copy, *one;
	char before[256] = "";

	memset(&p, 0, sizeof(p));
	p.now = 1000 * RV_SEC;
	p.rules[0] = (struct rv_task_rules){ .soft = RV_FOREVER,
		.hard = RV_FOREVER,
		.grace = RV_FOREVER,
		.backoff_max = RV_FOREVER };
	while (!p.wrong && (one = strsep(&rest, ";")) != NULL) {
		rv_copy(before, sizeof(before), one);
		command(&p, one);
	}
	if (p.wrong) {
		printf("# at: %s; %s\n", before, rest != NULL ? rest : "");
	}
	free(copy);
	return !p.wrong;
}
