/* SPDX-License-Identifier: MIT */
/*
 * A runtime for tests of hosts: with a state directory of its own in the case's
 * folder, its callbacks counted, driven by poll unless the host has a loop.
 */
#ifndef RV_TESTS_GUEST_H
#define RV_TESTS_GUEST_H

#include <stdbool.h>
#include <sys/types.h>

#include <reeve/reeve.h>

struct guest {
	struct reeve *reeve;
	char config[256], state[256];
	bool settled, finished, gave_up;
	unsigned notices, bugs, findings, warnings;
	unsigned kills;                  /* lines that tell of a SIGKILL */
	char notice[512], finding[1024]; /* the last */
	/* set before guest_open: */
	struct ev_loop *loop;         /* NULL: the descriptor is polled */
	void (*turn)(struct guest *); /* one turn of the host's own loop */
	void (*on_finished)(struct guest *);
	const struct reeve_hooks *hooks;
	bool pools;
	const char *libexec; /* NULL: the build tree */
	const char *wanted;  /* that a line shall have, or NULL */
	bool noticed;        /* one had it */
	void *ctx;
};

/*
 * Create it with a config file of these children ("\"w\": {...}");
 * %(fixtures)s is the folder of badly behaved children. NULL: without a file.
 */
void guest_open(struct guest *, const char *name, const char *children);
/* Write its config file anew; it is for the next reload or commit. */
void guest_rewrite(struct guest *, const char *name, const char *children);
/* One that waits and is ready at once. */
#define GUEST_WAITER                                            \
	"{\"command\": [\"%(fixtures)s/notifier\", \"ready\", " \
	"\"wait\"], \"ready\": {\"fd\": 3}}"

/* Turns until it is so; false: not within 20 s. */
bool guest_until(struct guest *, bool (*is_so)(struct guest *));
bool guest_is_settled(struct guest *);
bool guest_is_finished(struct guest *);

/* Shut down and wait for the end, the log too; destroy; leave nothing. */
void guest_close(struct guest *);
/* What a runtime leaves in its place on tmpfs. */
void guest_clean(struct guest *);

/* Of a unit, by the control socket; 0: none. Takes turns. */
pid_t guest_pid(struct guest *, const char *path);

#endif
