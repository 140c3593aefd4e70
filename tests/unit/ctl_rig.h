/* SPDX-License-Identifier: MIT */
/*
 * A control socket on a fake runtime, and peers that speak to it line by line
 * in the same thread. Used by test_ctl_*.c and test_client.c.
 */
#ifndef RV_TESTS_CTL_RIG_H
#define RV_TESTS_CTL_RIG_H

#include "base/buf.h"
#include "ctl/ctl.h"
#include "ctl/ctl_priv.h"
#include "unit/fake_super.h"
#include "wire/json.h"

struct ctl_rig {
	struct rv_loop *loop;
	struct rv_super *super;
	struct rv_ctl *ctl;
	char dir[256];
	char path[300];
};

struct peer {
	struct ctl_rig *rig;
	int fd;
	struct rv_buf in;
	struct rv_json *said; /* the last line, parsed */
};

void rig_open(struct ctl_rig *);
void rig_close(struct ctl_rig *);
/* A few turns, so that all that can be done without waiting is done. */
void rig_turns(struct ctl_rig *);

void peer_open(struct peer *, struct ctl_rig *);
void peer_close(struct peer *);
void peer_send(struct peer *, const char *text);
void peer_write(struct peer *, const void *data, size_t len);
/* The next line, parsed; NULL when none comes in time or at the end. */
const struct rv_json *peer_hear(struct peer *);
/* True when nothing (more) is said to it. */
bool peer_hears_nothing(struct peer *);
bool peer_is_closed(struct peer *);
/* Send a request with id 1 and hear. params: JSON or NULL. */
const struct rv_json *peer_ask(
    struct peer *, const char *method, const char *params);
/* The same, without hearing. */
void peer_request(struct peer *, const char *method, const char *params);

/* "a.b.2.c" within a value: members and elements; NULL: none. */
const struct rv_json *at(const struct rv_json *, const char *path);
const char *str_at(const struct rv_json *, const char *path); /* never NULL */
int64_t int_at(const struct rv_json *, const char *path);

#endif
