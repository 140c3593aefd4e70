/* SPDX-License-Identifier: MIT */
/*
 * reeve map: becomes reeve-map (tools/map), which reads its own options: what
 * stands behind COMMAND is not ours.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/reeve/cli.h"

/* names: "map" and all that stands behind it. */
int
cli_verb_map(struct cli *cli)
{
	const char *dir = getenv("REEVE_LIBEXEC");
	char path[PATH_MAX];
	char **words = calloc((size_t)cli->n_names + 1, sizeof(*words));

	if (words == NULL) {
		cli_error("out of memory");
		return CLI_FAILED;
	}
	memcpy(words, cli->names, (size_t)cli->n_names * sizeof(*words));
	words[0] = (char *)(uintptr_t) "reeve map";
	snprintf(path, sizeof(path), "%s/reeve-map",
	    dir != NULL && dir[0] != '\0' ? dir : REEVE_LIBEXECDIR);
	execv(path, words);
	cli_error("cannot run %s: %s; is reeve installed as a whole? Out of a "
		  "build tree set REEVE_LIBEXEC to it",
	    path, strerror(errno));
	free(words);
	return CLI_NO_RUNTIME;
}
