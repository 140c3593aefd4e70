/* SPDX-License-Identifier: MIT */
/*
 * reeve run: becomes reeve-run, which carries nothing of the other verbs with
 * it for the months that it runs.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/reeve/cli.h"

/* reeve run -c FILE, every flag, NULL */
#define WORDS_MAX (4 + CLI_OPTIONS + 1)

int
cli_verb_run(struct cli *cli)
{
	const char *dir = getenv("REEVE_LIBEXEC");
	const char *file = cli_config(cli);
	const char *words[WORDS_MAX] = { "reeve", "run", "-c", file };
	char path[PATH_MAX], flags[CLI_OPTIONS][32];
	int n = 4;

	if (file == NULL) {
		return CLI_USAGE;
	}
	for (int i = 0; i < CLI_OPTIONS; i++) {
		if (cli->has[i] && cli_options[i].arg == NULL) {
			snprintf(flags[i], sizeof(flags[i]), "--%s",
			    cli_options[i].name);
			words[n++] = flags[i];
		}
	}
	snprintf(path, sizeof(path), "%s/reeve-run",
	    dir != NULL && dir[0] != '\0' ? dir : REEVE_LIBEXECDIR);
	execv(path, (char *const *)(uintptr_t)words);
	cli_error("cannot run %s: %s; is reeve installed as a whole? Out of a "
		  "build tree set REEVE_LIBEXEC to it",
	    path, strerror(errno));
	return CLI_NO_RUNTIME;
}
