/* SPDX-License-Identifier: MIT */
/*
 * The launcher as the agent of a worker sees it: a notify socket, and children
 * that are told of it in their environment.
 */
#ifndef RV_TESTS_AGENT_RIG_H
#define RV_TESTS_AGENT_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "wire/page_read.h"

struct agent_rig {
	int sock;
	char name[108]; /* as in NOTIFY_SOCKET */
	pid_t pid;      /* of the child; 0: none */
	int status;     /* of the last one, as wait tells it */
	void *map;      /* its page, read-only; NULL: none yet */
	int seals;
	off_t size;
	char text[4096]; /* the last message */
	int fd;          /* that came with it, until the next, or -1 */
	struct rv_page_trouble trouble;
};

/* With a socket at a path, or of an abstract name. */
void agent_rig_open(struct agent_rig *, bool abstract);
void agent_rig_close(struct agent_rig *);

/* A worker that runs this; what it returns is its exit code. */
void agent_rig_child(struct agent_rig *, int (*run)(void));

/* What such a child sets before: it knows of the socket and of reeve. */
void agent_rig_environment(const struct agent_rig *);

/* The next message within ten seconds; false: none. */
bool agent_rig_message(struct agent_rig *);
/* It is this one. */
bool agent_rig_says(struct agent_rig *, const char *text);
/* The page that comes now. */
bool agent_rig_page(struct agent_rig *);
/* Nothing waits there. */
bool agent_rig_is_silent(struct agent_rig *);

/* Wait for the child's end. */
void agent_rig_end(struct agent_rig *);
/* All of it: the page comes, the child ends, its trouble is read: if any. */
bool agent_rig_trouble(struct agent_rig *, int (*run)(void));

/* Signal that it died of, or 0. */
int agent_rig_signal(const struct agent_rig *);
/* Exit code, or -1. */
int agent_rig_code(const struct agent_rig *);

/* Such a child from its start to its end: its exit code, or -1. */
int agent_rig_run(struct agent_rig *, int (*run)(void));

/* In a child: the line that was not as expected is the exit code. */
#define EXPECT(cond)                     \
	do {                             \
		if (!(cond)) {           \
			return __LINE__; \
		}                        \
	} while (0)

/* Codes have 8 bits; what is left of the line is enough to find it. */
#define ENDS_WELL(rig, run)                                                \
	do {                                                               \
		int code_ = agent_rig_run(rig, run);                       \
		if (code_ != 0) {                                          \
			fprintf(stderr, "# code %d of " #run "\n", code_); \
		}                                                          \
		CU_ASSERT_EQUAL(code_, 0);                                 \
	} while (0)

#endif
