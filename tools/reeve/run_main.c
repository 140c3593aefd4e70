/* SPDX-License-Identifier: MIT */
/*
 * reeve-run: what `reeve run` becomes, a program of its own since it stays for
 * months: what only other verbs need is not in its memory. Its words come from
 * verb_run.c, not from hands: `reeve run -c FILE`, then flags.
 */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <reeve/function.h>

#include "tools/reeve/run_out.h"

static const char *const names[CLI_OPTIONS] = {
#define ALL(id, name, letter, arg, doc) name,
#define X(id, name, letter, arg, doc)   name,
#include "tools/reeve/options.def"
#undef ALL
#undef X
};

static bool
set_flag(struct cli *cli, const char *word)
{
	for (int i = 0; i < CLI_OPTIONS; i++) {
		if (strncmp(word, "--", 2) == 0 &&
		    strcmp(word + 2, names[i]) == 0) {
			cli->has[i] = true;
			return true;
		}
	}
	return false;
}

int
main(int argc, char **argv)
{
	struct cli cli = { 0 };
	const char *no_color = getenv("NO_COLOR");
	bool good;

	good = argc >= 4 && strcmp(argv[1], "run") == 0 &&
	       strcmp(argv[2], "-c") == 0;
	for (int i = 4; good && i < argc; i++) {
		good = set_flag(&cli, argv[i]);
	}
	if (!good) {
		cli_error("this is a part of `reeve run`: use that");
		return CLI_USAGE;
	}
	signal(SIGPIPE, SIG_DFL);
	if (cli.has[CLI_OPT_no_color]) {
		cli_plain();
	}
	cli.color = isatty(STDOUT_FILENO) != 0 && !cli.has[CLI_OPT_no_color] &&
		    (no_color == NULL || no_color[0] == '\0');
	return run_tree(&cli, argv[3]);
}
