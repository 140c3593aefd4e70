/* SPDX-License-Identifier: MIT */
/* Verbs that change something: each is a request and its answer. */
#include "config.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "tools/reeve/cli.h"

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

/* "web/app: sent SIGHUP to pid 12", or the state that was reached. */
static void
print_result(const struct cli *cli, const json_t *unit)
{
	bool ok = json_is_true(json_object_get(unit, "ok"));
	const char *why = text_of(unit, "why");
	const char *signal = text_of(unit, "signal_name");

	if (ok && signal[0] != '\0') {
		printf("%s: sent %s to pid %" JSON_INTEGER_FORMAT "\n",
		    text_of(unit, "path"), signal,
		    json_integer_value(json_object_get(unit, "pid")));
		return;
	}
	printf("%s%s: %s%s%s%s\n", cli_on(cli, ok ? CLI_GREEN : CLI_RED),
	    text_of(unit, "path"), text_of(unit, "state"), cli_off(cli),
	    why[0] != '\0' ? ": " : "", why);
}

/* Web is not below we, but web/app and web.0 are below web. */
static bool
is_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	if (strcmp(top, "/") == 0) {
		return strcmp(path, "/") != 0;
	}
	return strncmp(path, top, len) == 0 &&
	       (path[len] == '/' || path[len] == '.');
}

/* The workers that a supervisor took along. */
static void
print_below(const json_t *units, const char *top)
{
	json_t *unit;
	size_t i;

	json_array_foreach(units, i, unit)
	{
		const char *path = text_of(unit, "path");

		if (is_below(path, top) &&
		    strcmp(text_of(unit, "kind"), "worker") == 0) {
			printf("  %s: %s\n", path, text_of(unit, "state"));
		}
	}
}

/* One line a unit; CLI_FAILED when one did not get there. */
static int
print_results(const struct cli *cli, const json_t *answer, const json_t *units)
{
	json_t *results = json_object_get(answer, "results"), *unit;
	int code = CLI_OK;
	size_t i;

	json_array_foreach(results, i, unit)
	{
		if (!json_is_true(json_object_get(unit, "ok"))) {
			code = CLI_FAILED;
		}
		if (!cli->has[CLI_OPT_json]) {
			print_result(cli, unit);
			print_below(units, text_of(unit, "path"));
		}
	}
	if (cli->has[CLI_OPT_json]) {
		cli_print_json(answer);
	}
	return code;
}

/* On a terminal: what happens while the answer is awaited. */
static bool
show_progress(const struct cli *cli)
{
	return isatty(STDOUT_FILENO) && !cli->has[CLI_OPT_json] &&
	       !cli->has[CLI_OPT_no_wait];
}

static int
command(struct cli *cli, const char *method, json_t *params)
{
	struct reeve_client *client = NULL;
	json_t *answer = NULL, *units = NULL;
	json_t *names =
	    json_pack("{s:O}", "names", json_object_get(params, "names"));
	int code = cli_connect(cli, &client);

	if (code != CLI_OK) {
		json_decref(params);
		json_decref(names);
		return code;
	}
	if (cli->has[CLI_OPT_no_wait]) {
		json_object_set_new(params, "no_wait", json_true());
	}
	code = strcmp(method, "restart") == 0 && show_progress(cli)
		   ? cli_ask_and_show(cli, client, method, params, &answer)
		   : cli_ask(client, method, params, &answer);
	if (code == CLI_OK && !cli->has[CLI_OPT_json] &&
	    strcmp(method, "signal") != 0) {
		code = cli_ask(client, "status", json_incref(names), &units);
	}
	if (code == CLI_OK) {
		code = print_results(cli, answer, units);
	}
	json_decref(names);
	json_decref(units);
	json_decref(answer);
	reeve_client_close(client);
	return code;
}

int
cli_verb_start(struct cli *cli)
{
	return command(cli, "start", cli_names(cli, 0));
}

int
cli_verb_stop(struct cli *cli)
{
	return command(cli, "stop", cli_names(cli, 0));
}

int
cli_verb_restart(struct cli *cli)
{
	return command(cli, "restart", cli_names(cli, 0));
}

int
cli_verb_signal(struct cli *cli)
{
	json_t *params = cli_names(cli, 1);

	json_object_set_new(params, "signal", json_string(cli->names[0]));
	return command(cli, "signal", params);
}

/* -------- reload -------- */

/* It was begun and did not get there: that is another line. */
static bool
has_failed(const json_t *plan, const char *path)
{
	json_t *results = json_object_get(plan, "results"), *unit;
	size_t i;

	json_array_foreach(results, i, unit)
	{
		if (strcmp(text_of(unit, "path"), path) == 0) {
			return !json_is_true(json_object_get(unit, "ok"));
		}
	}
	return false;
}

/* A changed one that an operator had stopped, or that is started by hand. */
static bool
is_resting(const json_t *plan, const char *path)
{
	json_t *list = json_object_get(plan, "resting"), *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		if (strcmp(json_string_value(one), path) == 0) {
			return true;
		}
	}
	return false;
}

static void
print_list(const struct cli *cli, const json_t *plan, const char *key,
    const char *words)
{
	bool restarts = strcmp(key, "changed") == 0;
	json_t *list = json_object_get(plan, key), *path;
	size_t i;

	json_array_foreach(list, i, path)
	{
		const char *name = json_string_value(path);

		if (has_failed(plan, name)) {
			continue;
		}
		if (restarts && is_resting(plan, name)) {
			printf("%s %s, which stays down\n",
			    cli->has[CLI_OPT_dry_run] ? "would change"
						      : "changed",
			    name);
		} else {
			printf("%s %s\n", words, name);
		}
	}
}

static void
print_plan(const struct cli *cli, const json_t *plan)
{
	static const char *const keys[][3] = {
		{ "removed", "stopped", "would stop" },
		{ "added", "added", "would add" },
		{ "changed", "restarted", "would restart" },
		{ "updated", "changed in place", "would change in place" },
	};
	int words = cli->has[CLI_OPT_dry_run] ? 2 : 1;
	size_t n = 0;

	for (size_t i = 0; i < 4; i++) {
		print_list(cli, plan, keys[i][0], keys[i][words]);
		n += json_array_size(json_object_get(plan, keys[i][0]));
	}
	if (json_is_false(json_object_get(plan, "from_file"))) {
		printf("there is no config file to read: the program that runs "
		       "this declares its units\n");
	}
	if (n == 0) {
		printf("nothing differs\n");
	}
}

/* What the runtime found wrong with its file. */
static void
print_refusal(const struct cli *cli, const char *refusal)
{
	json_t *said = refusal != NULL ? json_loads(refusal, 0, NULL) : NULL;
	json_t *findings = json_object_get(said, "findings"), *f;
	size_t i;

	if (cli->has[CLI_OPT_json] && findings != NULL) {
		cli_print_json(said);
	}
	json_array_foreach(findings, i, f)
	{
		if (!cli->has[CLI_OPT_json]) {
			cli_print_finding(stdout, cli->color,
			    json_is_true(json_object_get(f, "warning")),
			    text_of(f, "file"),
			    (long)json_integer_value(
				json_object_get(f, "line")),
			    (long)json_integer_value(
				json_object_get(f, "column")),
			    text_of(f, "text"));
		}
	}
	json_decref(said);
}

/* What became of it: a line each for those that did not get there. */
static int
print_outcome(const struct cli *cli, const json_t *answer)
{
	json_t *results = json_object_get(answer, "results"), *unit;
	int code = CLI_OK;
	size_t i;

	if (json_is_null(results)) {
		cli_error("what became of it cannot be said: out of memory; "
			  "see reeve status");
		return CLI_FAILED;
	}
	json_array_foreach(results, i, unit)
	{
		if (json_is_true(json_object_get(unit, "ok"))) {
			continue;
		}
		code = CLI_FAILED;
		if (!cli->has[CLI_OPT_json]) {
			print_result(cli, unit);
		}
	}
	return code;
}

int
cli_verb_reload(struct cli *cli)
{
	struct reeve_client *client = NULL;
	json_t *params, *plan = NULL;
	bool waits;
	int code = cli_connect(cli, &client);

	if (code != CLI_OK) {
		return code;
	}
	waits = !cli->has[CLI_OPT_no_wait] && !cli->has[CLI_OPT_dry_run];
	params = json_pack(
	    "{s:b, s:b}", "dry_run", cli->has[CLI_OPT_dry_run], "wait", waits);
	code = waits && show_progress(cli)
		   ? cli_ask_and_show(cli, client, "reload", params, &plan)
		   : cli_ask(client, "reload", params, &plan);
	if (code == CLI_OK && cli->has[CLI_OPT_json]) {
		cli_print_json(plan);
	} else if (code == CLI_OK) {
		print_plan(cli, plan);
	} else {
		print_refusal(cli, reeve_client_refusal(client));
	}
	if (code == CLI_OK && waits) {
		code = print_outcome(cli, plan);
	}
	json_decref(plan);
	reeve_client_close(client);
	return code;
}

/* -------- shutdown -------- */

/* Its end is the end of the connection. */
static void
await_end(struct reeve_client *client)
{
	struct reeve_message message;
	struct reeve_error err;
	enum reeve_status status;

	while (
	    (status = reeve_client_next(client, &message, &err)) == REEVE_OK ||
	    status == REEVE_EAGAIN) {
		struct pollfd p = { .fd = reeve_client_fd(client),
			.events = reeve_client_events(client) };

		if (status == REEVE_EAGAIN) {
			poll(&p, 1, -1);
		}
	}
}

int
cli_verb_shutdown(struct cli *cli)
{
	struct reeve_client *client = NULL;
	json_t *answer = NULL;
	int code = cli_connect(cli, &client), fds[2];

	if (code != CLI_OK) {
		return code;
	}
	cli_watch_processes(client, fds);
	code = cli_ask(client, "shutdown", NULL, &answer);
	if (code == CLI_OK && !cli->has[CLI_OPT_no_wait]) {
		await_end(client);
		cli_await_processes(fds);
	}
	if (code == CLI_OK && !cli->has[CLI_OPT_json]) {
		printf(cli->has[CLI_OPT_no_wait]
			   ? "the runtime is ending\n"
			   : "everything has stopped; the runtime has ended\n");
	}
	if (code == CLI_OK && cli->has[CLI_OPT_json]) {
		cli_print_json(answer);
	}
	json_decref(answer);
	reeve_client_close(client);
	return code;
}
