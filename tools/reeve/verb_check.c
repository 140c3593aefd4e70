/* SPDX-License-Identifier: MIT */
/* reeve check: every error of every file, as a compiler prints them. */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tools/reeve/cli.h"

struct check {
	struct cli *cli;
	json_t *list; /* NULL: text */
	unsigned errors, warnings;
	const char *file; /* as it was given */
};

/* The name of a file that was given is told as it was given. */
static const char *
shown(const struct check *check, const char *where)
{
	char whole[PATH_MAX];

	return realpath(check->file, whole) != NULL && strcmp(whole, where) == 0
		   ? check->file
		   : where;
}

static json_t *
as_json(bool is_warning, const struct reeve_error *f)
{
	return json_pack("{s:s, s:i, s:i, s:b, s:s}", "file", f->where, "line",
	    f->line, "column", f->column, "warning", is_warning, "text",
	    f->text);
}

static void
on_finding(void *ctx, bool is_warning, const struct reeve_error *f)
{
	struct check *check = ctx;

	check->errors += !is_warning;
	check->warnings += is_warning;
	if (check->list != NULL) {
		json_array_append_new(check->list, as_json(is_warning, f));
	} else {
		cli_print_finding(stdout, check->cli->color, is_warning,
		    shown(check, f->where), f->line, f->column, f->text);
	}
}

static void
check_file(struct check *check, const char *file)
{
	struct reeve_config_info info = { .size = sizeof(info) };
	struct reeve_error err;
	unsigned before = check->errors;

	check->file = file;
	if (reeve_config_check(file, on_finding, check, &info, &err) ==
	    REEVE_OK) {
		if (check->list == NULL) {
			printf("%s: good: \"%s\", %u worker%s, %u "
			       "supervisor%s\n",
			    file, info.name, info.workers,
			    info.workers == 1 ? "" : "s", info.supervisors,
			    info.supervisors == 1 ? "" : "s");
		}
		reeve_config_info_finish(&info);
	} else if (check->errors == before) {
		snprintf(err.where, sizeof(err.where), "%s", file);
		err.line = err.column = 0;
		on_finding(check, false, &err);
	}
}

static int
summary(struct check *check)
{
	const struct cli *cli = check->cli;

	if (check->list != NULL) {
		cli_print_json(check->list);
		json_decref(check->list);
	} else if (check->errors + check->warnings > 0) {
		printf("%s%u error%s, %u warning%s%s\n",
		    cli_on(cli, check->errors > 0 ? CLI_RED : CLI_YELLOW),
		    check->errors, check->errors == 1 ? "" : "s",
		    check->warnings, check->warnings == 1 ? "" : "s",
		    cli_off(cli));
	}
	return check->errors > 0 ? CLI_USAGE : CLI_OK;
}

int
cli_verb_check(struct cli *cli)
{
	struct check check = { .cli = cli };
	const char *file;

	if (cli->n_names == 0) {
		file = cli_config(cli);
		if (file == NULL) {
			return CLI_USAGE;
		}
		cli->names = (char **)(uintptr_t)&file;
		cli->n_names = 1;
	}
	if (cli->has[CLI_OPT_json]) {
		check.list = json_array();
	}
	for (int i = 0; i < cli->n_names; i++) {
		check_file(&check, cli->names[i]);
	}
	return summary(&check);
}
