/* SPDX-License-Identifier: MIT */
/*
 * The worker's side of the page and of the notify socket, for this folder: the
 * state of the one agent that a process has, and the entry points of
 * reeve_main. What the public functions promise is in <reeve/child.h>.
 */
#ifndef RV_CHILD_AGENT_H
#define RV_CHILD_AGENT_H

#include <signal.h>
#include <sys/types.h>

#include <reeve/status.h>

#include "base/base.h"
#include "child/page.h"

/* Bytes behind the head that only writers use, whichever library they are. */
#define RV_PAGE_DESK_AT 16u

struct rv_page_desk {
	uint32_t writer;  /* the thread that writes the trouble, or 0 */
	uint32_t crashed; /* the first thread that crashed, or 0 */
};

_Static_assert(
    RV_PAGE_DESK_AT >= sizeof(struct rv_page_head) &&
	RV_PAGE_DESK_AT + sizeof(struct rv_page_desk) <= RV_PAGE_BEATS_FIRST,
    "the desk stands between head and beats");

/* Attach, and catch crashes: what every worker with a function does. 0 or -1 */
int rv_agent_start(void);

/* It could not become its function: told to the parent; it still has to exit.
 */
void rv_agent_trouble_start(int stage, int sys_errno, const char *fmt, ...)
    RV_PRINTF(3, 4);

/*
 * In a process that was forked to be a worker of its own: forget the parent's
 * page, socket and stop. It attaches anew by what its environment says then,
 * and reeve_raise ends it by fflush and _exit.
 */
void rv_agent_after_fork(void);

/*
 * What of attaching can be done before it is known to what. The descriptor of
 * the page is the caller's, who hands it to the launcher; -1: there is none.
 */
int rv_agent_prepare(void);

/* The rest is for the agent's own files. */

/* Attach unless that was tried; from any function but reeve_beat. */
enum reeve_status rv_agent_use(void);

/* Whether this is the process that attached, with or without a page. */
bool rv_agent_is_mine(void);

/* Forked by rv_agent_after_fork's caller. */
bool rv_agent_is_forked(void);

/* The page; NULL without one, or in a process that is not its owner. */
unsigned char *rv_agent_page(void);

static inline struct rv_page_trouble *
rv_agent_trouble(unsigned char *page)
{
	return (struct rv_page_trouble *)(void *)(page + RV_PAGE_TROUBLE_AT);
}

static inline struct rv_page_desk *
rv_agent_desk(unsigned char *page)
{
	return (struct rv_page_desk *)(void *)(page + RV_PAGE_DESK_AT);
}

/*
 * Send one datagram to the notify socket, with a descriptor unless fd is -1.
 * Waits a second at most. REEVE_ENORUNTIME: there is no such socket;
 * REEVE_EAGAIN: nobody reads; REEVE_ESYS: errno. Safe in signal handlers.
 */
enum reeve_status rv_agent_send(const char *text, size_t len, int fd);

/* A descriptor of ours that the program may have closed behind our back. */
struct rv_agent_fd {
	int fd; /* -1: none */
	uint64_t device, inode;
};

void rv_agent_fd_know(struct rv_agent_fd *, int fd);
bool rv_agent_fd_is_ours(const struct rv_agent_fd *);
void rv_agent_fd_close(struct rv_agent_fd *); /* if it is still ours */

/* A pipe, both ends close-on-exec and non-blocking. False: errno. */
bool rv_agent_pipe(struct rv_agent_fd *read_end, struct rv_agent_fd *write_end);

/* Forget what the parent had, without a trace in it. */
void rv_stop_after_fork(void);
void rv_trouble_after_fork(void);

/*
 * The page of the preload library, where that is loaded too: then there is one
 * agent, and that one catches the crashes. NULL: there is none of it.
 */
unsigned char *rv_crash_page(pid_t)
    __attribute__((weak, visibility("default")));

/* Defined in that library alone; has an address there. */
extern const char rv_agent_is_preload
    __attribute__((weak, visibility("hidden")));

#endif
