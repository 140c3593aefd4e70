/* SPDX-License-Identifier: MIT */
/*
 * A config file: whatever the bytes are, there is a conf or a finding that says
 * why not. Then the same bytes as keys of units that are declared: what is
 * accepted one by one is a tree, or there is a finding. No host is looked up.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "config/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned findings;

static void
on_finding(
    void *ctx, enum rv_finding_level level, const struct reeve_error *finding)
{
	bool is_file = strcmp(finding->where, "declared in C") != 0;

	(void)ctx;
	if ((finding->line < 1) == is_file ||
	    (finding->column < 1) == is_file || finding->text[0] == '\0') {
		abort();
	}
	findings += level == RV_FINDING_ERROR;
}

static void
check(enum reeve_status status, struct rv_conf *conf)
{
	if ((status == REEVE_OK) != (findings == 0 && conf != NULL)) {
		abort();
	}
	if (conf == NULL) {
		return;
	}
	for (uint32_t i = 0; i < conf->n_specs; i++) {
		if (rv_conf_find(conf, conf->specs[i]->path) !=
		    conf->specs[i]) {
			abort();
		}
	}
	for (unsigned i = 0; i < conf->n_listens; i++) {
		if (rv_conf_find_listen(conf, conf->listens[i].name) !=
		    &conf->listens[i]) {
			abort();
		}
	}
	rv_conf_unref(conf);
}

static void
declare(struct rv_declared *d, const char *path, bool is_supervisor,
    const char *json)
{
	struct reeve_error err = { 0 };
	enum reeve_status status =
	    rv_declared_add(d, path, is_supervisor, json, &err);

	if (err.status != status ||
	    (status != REEVE_OK && err.text[0] == '\0')) {
		abort();
	}
}

static void
load_declared(const char *json)
{
	struct rv_conf_source source = { .name = "fuzz", .offline = true };
	struct rv_declared *d = NULL;
	struct rv_conf *conf = NULL;
	enum reeve_status status = rv_declared_create(&d, NULL);

	if (status != REEVE_OK) {
		abort();
	}
	declare(d, "/", true, json);
	declare(d, "s", true, json);
	declare(d, "s/w", false, json);
	declare(d, "w", false, json);
	findings = 0;
	source.declared = d;
	status = rv_conf_load_source(&conf, &source, on_finding, NULL);
	rv_declared_destroy(d);
	check(status, conf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rv_conf_source source = { .file = "/nowhere/fuzz.json",
		.offline = true };
	struct rv_conf *conf = NULL;
	enum reeve_status status;
	char *text;

	findings = 0;
	status = rv_conf_parse_source(
	    &conf, &source, (const char *)data, size, on_finding, NULL);
	check(status, conf);
	text = rv_strndup((const char *)data, size);
	if (text == NULL) {
		abort();
	}
	load_declared(text);
	rv_free(text);
	return 0;
}
