/* SPDX-License-Identifier: MIT */
/*
 * Sealing: each worker of the present conf is declared to the launcher, and
 * then no other will be started by it, whoever asks.
 */
#include "config.h"

#include "super/sealing.h"

#include "base/error.h"
#include "super/super_priv.h"

enum reeve_status
rv_super_seal(struct rv_super *super, struct reeve_error *err)
{
	const struct rv_conf *conf = super->conf;
	enum reeve_status status = REEVE_OK;

	if (super->start == NULL) {
		return rv_error(err, REEVE_ECLOSED,
		    "cannot seal the launcher: it has been closed");
	}
	for (uint32_t i = 0; i < conf->n_specs && status == REEVE_OK; i++) {
		if (conf->specs[i]->program != NULL) {
			status =
			    rv_start_declare(super->start, conf->specs[i], err);
		}
	}
	if (status == REEVE_OK) {
		rv_start_seal(super->start);
	}
	return status;
}
