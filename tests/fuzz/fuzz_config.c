/* SPDX-License-Identifier: MIT */
/*
 * A config file: whatever the bytes are, there is a conf or a finding that says
 * why not, and a second look at the same bytes finds the same.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "config/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned findings;

static void
on_finding(
    void *ctx, enum rv_finding_level level, const struct reeve_error *finding)
{
	(void)ctx;
	if (finding->line < 1 || finding->column < 1 ||
	    finding->text[0] == '\0') {
		abort();
	}
	findings += level == RV_FINDING_ERROR;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rv_conf *conf = NULL;
	enum reeve_status status;

	findings = 0;
	status = rv_conf_parse(&conf, "/nowhere/fuzz.json", (const char *)data,
	    size, on_finding, NULL);
	if ((status == REEVE_OK) != (findings == 0 && conf != NULL)) {
		abort();
	}
	if (conf != NULL) {
		for (uint32_t i = 0; i < conf->n_specs; i++) {
			if (rv_conf_find(conf, conf->specs[i]->path) !=
			    conf->specs[i]) {
				abort();
			}
		}
	}
	rv_conf_unref(conf);
	return 0;
}
