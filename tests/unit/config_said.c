/* SPDX-License-Identifier: MIT */
/* What is said of configs, gathered: see config_said.h. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "lib/harness.h"
#include "unit/config_said.h"

struct rv_buf said;

void
said_finding(
    void *ctx, enum rv_finding_level level, const struct reeve_error *finding)
{
	(void)ctx;
	rv_buf_addf(&said, "%d:%d %s %s\n", finding->line, finding->column,
	    level == RV_FINDING_ERROR ? "error" : "warning", finding->text);
}

struct rv_conf *
said_parse(const char *text)
{
	struct rv_conf *conf = NULL;

	rv_buf_finish(&said);
	rv_buf_init(&said, 1 << 20);
	if (rv_conf_parse(&conf, "/etc/reeve/test.json", text, strlen(text),
		said_finding, NULL) != REEVE_OK) {
		return NULL;
	}
	return conf;
}

bool
said_words(const char *words)
{
	bool found = strstr(rv_buf_str(&said), words) != NULL;

	if (!found) {
		printf("# not said: %s\n# but: %s", words, rv_buf_str(&said));
	}
	return found;
}

void
said_forget(void)
{
	rv_buf_finish(&said);
}

void
said_without_memory(const char *text)
{
	struct rv_conf *conf = NULL;
	unsigned n = 1;

	for (; conf == NULL && n < 10000; n++) {
		char plan[32];

		snprintf(plan, sizeof(plan), "alloc@%u=ENOMEM", n);
		CU_ASSERT_TRUE_FATAL(rv_fault_set(plan));
		conf = said_parse(text);
		rv_fault_set(NULL);
	}
	CU_ASSERT_PTR_NOT_NULL(conf);
	CU_ASSERT(n > 3);
	rv_conf_unref(conf);
	said_forget();
}
