/* SPDX-License-Identifier: MIT */
/*
 * One end of a control connection in fuzz_ctl: sends what the input says, and
 * knows for every line whether an answer is owed for it and with which id.
 * What comes back is held against that: each answer once, nothing else but
 * events. Knows nothing of the server but its protocol.
 */
#ifndef RV_TESTS_CTL_ORACLE_H
#define RV_TESTS_CTL_ORACLE_H

#include "base/buf.h"

struct ctl_owed {
	char *id; /* JSON */
	size_t n;
};

struct ctl_oracle {
	int fd;              /* -1: none */
	struct rv_buf queue; /* not taken by the kernel yet */
	struct rv_buf line;  /* the line that is being sent */
	struct rv_buf last;  /* the one before it */
	bool too_long;       /* the present one is: an answer is owed */
	struct rv_buf heard;
	struct ctl_owed *owed;
	size_t n_owed;  /* in the array */
	size_t n_total; /* answers */
	size_t n_lost; /* requests that were not even read for want of memory */
	int64_t last_event;
	bool unordered; /* a subscription whose beginning is not told */
	bool deaf;      /* does not read */
	bool ending;    /* says its last when all is sent */
	bool ended;     /* has */
	bool closed;    /* by the other end */
	bool failing;   /* the other end lacks memory: it may close */
};

/* The descriptor is its own from now on. */
void ctl_oracle_open(struct ctl_oracle *, int fd);
void ctl_oracle_close(struct ctl_oracle *); /* twice is fine */
void ctl_oracle_say(struct ctl_oracle *, const void *data, size_t len);
/* Send and read what goes without waiting. The number of bytes moved. */
size_t ctl_oracle_pump(struct ctl_oracle *);

#endif
