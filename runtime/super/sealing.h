/* SPDX-License-Identifier: MIT */
/* No way back for a host that has given up its privileges; see sealing.c. */
#ifndef RV_SUPER_SEALING_H
#define RV_SUPER_SEALING_H

#include "super/super.h"

/*
 * The launcher, and each after it, refuses from now on what the present conf
 * does not have. Once is for good: another call changes nothing. On failure
 * nothing is sealed.
 */
enum reeve_status rv_super_seal(
    struct rv_super *, struct reeve_error *) RV_MUST_CHECK;

#endif
