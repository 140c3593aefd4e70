/* SPDX-License-Identifier: MIT */
/*
 * Addresses of sockets, as text and as the kernel has them. For conf_listen.c.
 */
#ifndef RV_CONFIG_ADDRESS_H
#define RV_CONFIG_ADDRESS_H

#include "config/conf_priv.h"

/* Says what is wrong with how it is written; looks nothing up. */
bool rv_conf_judge_address(
    struct rv_loader *, const struct rv_cnode *, const char *text);

/*
 * Fills kind, address, address_len and text (in the conf's memory) of an
 * address that was judged to be good; a host that is a name is looked up.
 * False: said why not.
 */
bool rv_conf_resolve_address(struct rv_loader *, const struct rv_cnode *,
    const char *text, struct rv_listen *);

#endif
