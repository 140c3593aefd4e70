/* SPDX-License-Identifier: MIT */
/*
 * What may be launched once the supervisor has given up its right to say
 * otherwise: requests that it declared before the seal, to the byte but for
 * the number of the life.
 */
#ifndef RV_LAUNCHER_SEAL_H
#define RV_LAUNCHER_SEAL_H

#include "base/base.h"
#include "base/list.h"

struct rv_launcher;

struct rv_seal {
	bool closed;
	struct rv_list declared;
};

void rv_seal_init(struct rv_seal *);
void rv_seal_finish(struct rv_seal *);
/* Before the seal: this LAUNCH may come later. False: no memory. */
bool rv_seal_declare(struct rv_seal *, const char *frame, size_t len);
/* Whether it may be carried out. */
bool rv_seal_allows(const struct rv_seal *, const char *frame, size_t len);

#endif
