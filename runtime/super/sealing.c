/* SPDX-License-Identifier: MIT */
/*
 * Sealing: each worker of the present conf is declared to the launcher, and
 * then no other will be started by it, whoever asks. That conf is kept: each
 * launcher after this one is told the same.
 */
#include "config.h"

#include "super/sealing.h"

#include "base/error.h"
#include "super/super_priv.h"

enum reeve_status
rv_super_seal(struct rv_super *super, struct reeve_error *err)
{
	enum reeve_status status;

	if (super->start == NULL) {
		return rv_error(err, REEVE_ECLOSED,
		    "cannot seal the launcher: it has been closed");
	}
	if (super->sealed != NULL) {
		return REEVE_OK;
	}
	status = rv_start_seal(
	    super->start, super->conf->specs, super->conf->n_specs, err);
	if (status == REEVE_OK) {
		super->sealed = rv_conf_ref(super->conf);
	}
	return status;
}
