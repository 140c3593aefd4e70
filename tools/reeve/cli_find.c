/* SPDX-License-Identifier: MIT */
/*
 * Whose runtime is meant: the config, its control socket, its event log. Says
 * where it looked when there is nothing.
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/reeve/cli.h"

#define SYNC_MS 1000

/* NULL: there is none. */
static const char *
find_config(const struct cli *cli)
{
	static const char *const usual[] = { "./reeve.json",
		"/etc/reeve/reeve.json" };
	const char *file = getenv("REEVE_CONFIG");

	if (cli->has[CLI_OPT_config]) {
		return cli->arg[CLI_OPT_config];
	}
	if (file != NULL && file[0] != '\0') {
		return file;
	}
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		if (access(usual[i], F_OK) == 0) {
			return usual[i];
		}
	}
	return NULL;
}

const char *
cli_config(const struct cli *cli)
{
	const char *file = find_config(cli);

	if (file == NULL) {
		cli_error("no config: give -c FILE, or set REEVE_CONFIG; there "
			  "is no ./reeve.json and no /etc/reeve/reeve.json");
	}
	return file;
}

int
cli_connect(const struct cli *cli, struct reeve_client **client)
{
	struct reeve_client_options options = { .size = sizeof(options) };
	struct reeve_error err;

	if (cli->has[CLI_OPT_state_dir]) {
		options.state_dir = cli->arg[CLI_OPT_state_dir];
	} else {
		options.config_file = cli_config(cli);
		if (options.config_file == NULL) {
			return CLI_USAGE;
		}
	}
	if (reeve_client_open(client, &options, &err) != REEVE_OK) {
		return cli_fail(&err);
	}
	return CLI_OK;
}

void
cli_sync(const struct cli *cli)
{
	struct reeve_client_options options = { .size = sizeof(options) };
	struct reeve_client *client = NULL;
	enum reeve_status status;

	if (cli->has[CLI_OPT_state_dir]) {
		options.state_dir = cli->arg[CLI_OPT_state_dir];
	} else {
		options.config_file = find_config(cli);
	}
	if (reeve_client_open(&client, &options, NULL) != REEVE_OK) {
		return;
	}
	status = reeve_client_call(client, "sync", NULL, SYNC_MS, NULL, NULL);
	(void)status; /* what is on the disk by then is what there is */
	reeve_client_close(client);
}

json_t *
cli_names(const struct cli *cli, int first)
{
	json_t *params = json_object(), *names = json_array();

	for (int i = first; i < cli->n_names; i++) {
		json_array_append_new(names, json_string(cli->names[i]));
	}
	json_object_set_new(params, "names", names);
	return params;
}

int
cli_ask(struct reeve_client *client, const char *method, json_t *params,
    json_t **result)
{
	char *text = params != NULL ? json_dumps(params, 0) : NULL;
	char *answer = NULL;
	struct reeve_error err;
	/* A stop may be told to take hours. */
	enum reeve_status status =
	    reeve_client_call(client, method, text, -1, &answer, &err);
	int code = CLI_OK;

	free(text);
	json_decref(params);
	*result = NULL;
	if (status != REEVE_OK) {
		return cli_fail(&err);
	}
	*result = json_loads(answer, JSON_DECODE_ANY, NULL);
	if (*result == NULL) {
		cli_error("cannot read the runtime's answer");
		code = CLI_FAILED;
	}
	reeve_free(answer);
	return code;
}

/* -------- the log -------- */

/* The runtime directory that a state directory's link points into. */
static bool
runtime_dir_of(const char *state_dir, char *dst, size_t size)
{
	char link[PATH_MAX];
	ssize_t n;
	char *slash;

	snprintf(link, sizeof(link), "%s/control.sock", state_dir);
	n = readlink(link, dst, size - 1);
	if (n <= 0) {
		return false;
	}
	dst[n] = '\0';
	slash = strrchr(dst, '/');
	if (slash == NULL) {
		return false;
	}
	*slash = '\0';
	return true;
}

static bool
has_log(const char *state_dir)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/events.db", state_dir);
	return access(path, F_OK) == 0;
}

static int
open_in(const char *state_dir, const char *runtime_dir, struct reeve_log **log)
{
	struct reeve_log_options options = {
		.size = sizeof(options),
		.state_dir = state_dir,
		.runtime_dir = runtime_dir,
	};
	struct reeve_error err;

	if (reeve_log_open(log, &options, &err) != REEVE_OK) {
		return cli_fail(&err);
	}
	return CLI_OK;
}

int
cli_open_log(const struct cli *cli, struct reeve_log **log)
{
	struct reeve_config_info info = { .size = sizeof(info) }, root = info;
	char runtime[PATH_MAX];
	struct reeve_error err;
	const char *file, *state_dir = cli->arg[CLI_OPT_state_dir];
	int code;

	if (cli->has[CLI_OPT_state_dir]) {
		return open_in(state_dir,
		    runtime_dir_of(state_dir, runtime, sizeof(runtime))
			? runtime
			: NULL,
		    log);
	}
	file = cli_config(cli);
	if (file == NULL) {
		return CLI_USAGE;
	}
	if (reeve_config_check(file, NULL, NULL, &info, &err) != REEVE_OK) {
		cli_error("%s:%d: %s", file, err.line, err.text);
		cli_error("mend it, or name the log with --state-dir DIR");
		return CLI_USAGE;
	}
	/* The caller's own, else root's of the same name. */
	if (!has_log(info.state_dir) &&
	    reeve_config_places(info.name, true, &root, &err) == REEVE_OK &&
	    has_log(root.state_dir)) {
		code = open_in(root.state_dir, root.runtime_dir, log);
	} else {
		code = open_in(info.state_dir, info.runtime_dir, log);
	}
	reeve_config_info_finish(&info);
	reeve_config_info_finish(&root);
	return code;
}
