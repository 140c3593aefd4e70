/* SPDX-License-Identifier: MIT */
/* reeve check: every error of every file, as a compiler prints them. */
#include "config.h"

#include "tools/reeve/cli.h"

struct check {
	struct cli *cli;
	json_t *list; /* NULL: text */
	unsigned errors, warnings;
};

static json_t *
as_json(bool is_warning, const struct reeve_error *f)
{
	return json_pack("{s:s, s:i, s:i, s:s, s:s}", "file", f->where, "line",
	    f->line, "column", f->column, "level",
	    is_warning ? "warning" : "error", "text", f->text);
}

static void
on_finding(void *ctx, bool is_warning, const struct reeve_error *f)
{
	struct check *check = ctx;
	const struct cli *cli = check->cli;

	check->errors += !is_warning;
	check->warnings += is_warning;
	if (check->list != NULL) {
		json_array_append_new(check->list, as_json(is_warning, f));
		return;
	}
	if (f->line > 0) {
		printf("%s%s:%d:%d:%s ", cli_on(cli, CLI_BOLD), f->where,
		    f->line, f->column, cli_off(cli));
	}
	printf("%s%s:%s %s\n", cli_on(cli, is_warning ? CLI_YELLOW : CLI_RED),
	    is_warning ? "warning" : "error", cli_off(cli), f->text);
}

static void
check_file(struct check *check, const char *file)
{
	struct reeve_config_info info = { .size = sizeof(info) };
	struct reeve_error err;
	unsigned before = check->errors;

	if (reeve_config_check(file, on_finding, check, &info, &err) ==
	    REEVE_OK) {
		if (check->list == NULL) {
			printf("%s: good: \"%s\", %u workers, %u supervisors\n",
			    file, info.name, info.workers, info.supervisors);
		}
		reeve_config_info_finish(&info);
	} else if (check->errors == before) {
		check->errors++;
		cli_error("%s", err.text);
	}
}

int
cli_verb_check(struct cli *cli)
{
	struct check check = { .cli = cli };
	const char *file;

	if (cli->has[CLI_OPT_json]) {
		check.list = json_array();
	}
	if (cli->n_names == 0) {
		file = cli_config(cli);
		if (file == NULL) {
			return CLI_USAGE;
		}
		check_file(&check, file);
	}
	for (int i = 0; i < cli->n_names; i++) {
		check_file(&check, cli->names[i]);
	}
	if (check.list != NULL) {
		cli_print_json(check.list);
		json_decref(check.list);
	} else if (check.errors > 0) {
		printf(
		    "%u error%s\n", check.errors, check.errors == 1 ? "" : "s");
	}
	return check.errors > 0 ? CLI_USAGE : CLI_OK;
}
