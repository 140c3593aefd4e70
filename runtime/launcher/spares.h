/* SPDX-License-Identifier: MIT */
/*
 * A process that a fork server has forked ahead: it waits on its socket for a
 * call, so that a start need not wait for a fork. It is nobody until it gets
 * one, and ends when the socket does.
 */
#ifndef RV_LAUNCHER_SPARES_H
#define RV_LAUNCHER_SPARES_H

#include <sys/types.h>

#include "base/base.h"

struct rv_spare {
	pid_t pid;      /* 0: none is there */
	int pidfd;      /* -1: none */
	int go;         /* our end of its socket; -1: none was asked for */
	uint64_t ticks; /* when it was born */
	int page;       /* that it has made; -1: none */
	bool has_said;  /* that it waits */
};

#define RV_NO_SPARE ((struct rv_spare){ .pidfd = -1, .go = -1, .page = -1 })

/* It has been forked; `go` is there since it was asked for. */
void rv_spare_meet(struct rv_spare *, pid_t);

/* It has done what it could, and waits. One that has ended is dropped. */
bool rv_spare_is_ready(struct rv_spare *);

/*
 * Hand it a call (NULL: the first of the descriptors has it); has_word: it need
 * not wait for another word to go on. False: errno, it takes nothing.
 */
bool rv_spare_call(struct rv_spare *, bool has_word, const void *call,
    size_t n_call, const int *fds, unsigned n_fds);

/* End it. */
void rv_spare_drop(struct rv_spare *);

#endif
