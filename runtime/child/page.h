/* SPDX-License-Identifier: MIT */
/*
 * The page of a life: memory that a worker makes, seals against resizing and
 * sends over its notify socket ("REEVE_PAGE=1" and one descriptor). The worker
 * writes it, the supervisor maps it read-only, copies once and trusts nothing
 * in it. The first 4 KiB are what a healthy worker touches; the rest of the
 * memory comes to be when something goes wrong. Layout only: the writer is
 * this folder, the reader wire/page_read.c.
 */
#ifndef RV_CHILD_PAGE_H
#define RV_CHILD_PAGE_H

#include <stdint.h>

#define RV_PAGE_MAGIC   0x52765067u
#define RV_PAGE_VERSION 1u
#define RV_PAGE_BYTES   (64u * 1024u) /* of the memfd, exactly */

/*
 * Where the counter of beats stands is the writer's choice, so that those of
 * many workers do not all fall into the same set of a cache: a multiple of 64
 * within [RV_PAGE_BEATS_FIRST, RV_PAGE_BEATS_END).
 */
#define RV_PAGE_BEATS_FIRST 64u
#define RV_PAGE_BEATS_END   2048u

#define RV_PAGE_SLOT_AT    2048u /* bytes of the worker's own: a scoreboard */
#define RV_PAGE_SLOT_BYTES 1024u

#define RV_PAGE_REASON_AT    3072u /* text of reeve_exit_reason, NUL-ended */
#define RV_PAGE_REASON_BYTES 256u

#define RV_PAGE_TROUBLE_AT 4096u /* struct rv_page_trouble */

struct rv_page_head {
	uint32_t magic, version;
	int32_t pid;       /* of the writer */
	uint32_t beats_at; /* offset of a uint64_t that grows with each beat */
};

enum rv_trouble_state {
	RV_TROUBLE_NONE = 0,
	RV_TROUBLE_WRITING = 1, /* ended while it wrote: what is there counts */
	RV_TROUBLE_DONE = 2,
};

enum rv_trouble_kind {
	RV_TROUBLE_RAISED = 1,   /* reeve_raise: it ends with it */
	RV_TROUBLE_REPORTED = 2, /* reeve_report: it goes on */
	RV_TROUBLE_CRASHED = 3,  /* a signal of its own making */
	RV_TROUBLE_ABORTED = 4,  /* SIGABRT from outside: all threads' stacks */
	RV_TROUBLE_START = 5,    /* it could not become its function */
};

#define RV_PAGE_TYPE      96
#define RV_PAGE_MESSAGE   1024
#define RV_PAGE_DATA      4096
#define RV_PAGE_FRAMES    64
#define RV_PAGE_THREADS   64
#define RV_PAGE_REGISTERS 34
#define RV_PAGE_MAPS      16384
#define RV_PAGE_TOLD      8 /* reports that may be on their way at a time */

struct rv_page_thread {
	int32_t tid;
	uint32_t n_frames;
	uint32_t exact; /* 1: frame 0 is where it was, not where it returns */
	uint32_t reserved;
	char name[16];
	uint64_t frames[RV_PAGE_FRAMES]; /* addresses, innermost first */
};

struct rv_page_trouble {
	uint32_t state;  /* enum rv_trouble_state, stored last with release */
	uint32_t number; /* grows with each trouble of this life, from 1 */
	uint32_t kind;   /* enum rv_trouble_kind */
	int32_t signo, code; /* CRASHED, ABORTED: si_signo, si_code */
	int32_t sys_errno;   /* 0: none */
	int32_t stage;       /* START: enum rv_stage */
	uint32_t n_threads;
	uint64_t address; /* CRASHED: si_addr */
	uint64_t at_us;   /* wall clock */
	uint32_t n_registers;
	uint32_t n_maps;         /* bytes */
	char type[RV_PAGE_TYPE]; /* texts: UTF-8, NUL-ended */
	char message[RV_PAGE_MESSAGE];
	char data[RV_PAGE_DATA]; /* JSON, or "" */
	char cause_type[RV_PAGE_TYPE];
	char cause_message[RV_PAGE_MESSAGE];
	uint64_t registers[RV_PAGE_REGISTERS]; /* see regs.def */
	/*
	 * The lines of /proc/PID/maps that are executable, shortened to
	 * "START-END OFFSET PATH\n" in hexadecimal.
	 */
	char maps[RV_PAGE_MAPS];
	struct rv_page_thread threads[RV_PAGE_THREADS]; /* first: the culprit */
};

_Static_assert(
    RV_PAGE_TROUBLE_AT + sizeof(struct rv_page_trouble) <= RV_PAGE_BYTES,
    "all of it fits");

#endif
