/* SPDX-License-Identifier: MIT */
/* What methods of many types answer, in one line. */
#ifndef RV_MANAGER_ANSWERS_H
#define RV_MANAGER_ANSWERS_H

#include "manager/hall.h"

/* One number, one truth; REEVE_OK. */
enum reeve_status rv_answer_int(struct reeve_request *, uint64_t);
enum reeve_status rv_answer_bool(struct reeve_request *, bool);
/*
 * A new object, if all went well with it, which the status says; it is let go
 * of in any case. NULL: it was not even made. The status again.
 */
enum reeve_status rv_answer_new(
    struct reeve_request *, struct rv_object *, enum reeve_status);

#endif
