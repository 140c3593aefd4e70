/* SPDX-License-Identifier: MIT */
/* Asking a runtime over its control socket. */
#include "config.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/reeve/cli.h"

#define SYNC_MS 1000

int
cli_connect(const struct cli *cli, struct reeve_client **client)
{
	struct reeve_client_options options = { .size = sizeof(options) };
	struct cli_place place;
	struct reeve_error err;
	int code = cli_place(cli, &place);

	if (code != CLI_OK) {
		return code;
	}
	options.config_file = place.config;
	options.state_dir = place.state_dir;
	if (reeve_client_open(client, &options, &err) != REEVE_OK) {
		code = cli_fail(&err);
	}
	cli_place_finish(&place);
	return code;
}

void
cli_sync(const struct cli *cli)
{
	struct reeve_client_options options = { .size = sizeof(options) };
	struct reeve_client *client = NULL;
	struct cli_place place;
	enum reeve_status status;

	if (cli_place(cli, &place) != CLI_OK) {
		return;
	}
	options.config_file = place.config;
	options.state_dir = place.state_dir;
	if (reeve_client_open(&client, &options, NULL) == REEVE_OK) {
		status = reeve_client_call(
		    client, "sync", NULL, SYNC_MS, NULL, NULL);
		(void)status; /* what is on the disk by then is what is there */
	}
	reeve_client_close(client);
	cli_place_finish(&place);
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

void
cli_watch_processes(struct reeve_client *client, int fds[2])
{
	json_t *info = NULL;

	fds[0] = fds[1] = -1;
	if (cli_ask(client, "info", NULL, &info) != CLI_OK) {
		return;
	}
	fds[0] = (int)syscall(SYS_pidfd_open,
	    (pid_t)json_integer_value(json_object_get(info, "clerk_pid")), 0);
	fds[1] = (int)syscall(SYS_pidfd_open,
	    (pid_t)json_integer_value(json_object_get(info, "pid")), 0);
	json_decref(info);
}

/*
 * The clerk ends when the log is whole. The process of `reeve run` ends soon
 * after; that of another host may live on, and is not waited for long.
 */
void
cli_await_processes(int fds[2])
{
	static const int patience_ms[] = { 20000, 1000 };

	for (int i = 0; i < 2; i++) {
		struct pollfd p = { .fd = fds[i], .events = POLLIN };

		if (fds[i] != -1) {
			poll(&p, 1, patience_ms[i]);
			close(fds[i]);
		}
	}
}
