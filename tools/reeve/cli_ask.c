/* SPDX-License-Identifier: MIT */
/* Asking a runtime over its control socket. */
#include "config.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
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

static int
take_answer(const char *answer, json_t **result)
{
	*result = json_loads(answer, JSON_DECODE_ANY, NULL);
	if (*result == NULL) {
		cli_error("cannot read the runtime's answer");
		return CLI_FAILED;
	}
	return CLI_OK;
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
	int code;

	free(text);
	json_decref(params);
	*result = NULL;
	if (status != REEVE_OK) {
		return cli_fail(&err);
	}
	code = take_answer(answer, result);
	reeve_free(answer);
	return code;
}

/* What a person follows who waits for a takeover. */
static bool
is_progress(const char *kind)
{
	static const char *const kinds[] = { "worker.replacing",
		"worker.replaced", "worker.rolled_back", "worker.cut_short",
		"worker.ready", "worker.exited", "worker.backoff",
		"worker.fatal", "worker.stopped" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i], kind) == 0) {
			return true;
		}
	}
	return false;
}

static void
show_event(const struct cli *cli, const char *text)
{
	json_t *event = json_loads(text, 0, NULL);
	const char *kind = json_string_value(json_object_get(event, "kind"));
	const char *path = json_string_value(json_object_get(event, "path"));
	char *detail;

	if (kind != NULL && path != NULL && is_progress(kind)) {
		detail = json_dumps(json_object_get(event, "detail"), 0);
		cli_print_event(cli,
		    (uint64_t)json_integer_value(json_object_get(event, "id")),
		    json_integer_value(json_object_get(event, "at")),
		    (uint64_t)json_integer_value(
			json_object_get(event, "life")),
		    path, kind, detail != NULL ? detail : "{}");
		free(detail);
		fflush(stdout);
	}
	json_decref(event);
}

/* The message with this id, after the events before it. */
static enum reeve_status
await_answer(const struct cli *cli, struct reeve_client *client, uint64_t id,
    struct reeve_message *message, struct reeve_error *err)
{
	enum reeve_status status;

	while ((status = reeve_client_next(client, message, err)) == REEVE_OK ||
	       status == REEVE_EAGAIN) {
		struct pollfd p = { .fd = reeve_client_fd(client),
			.events = reeve_client_events(client) };

		if (status == REEVE_EAGAIN) {
			poll(&p, 1, -1);
		} else if (message->method == NULL && message->id == id) {
			break;
		} else if (message->method != NULL &&
			   strcmp(message->method, "event") == 0) {
			show_event(cli, message->json);
		}
	}
	return status;
}

int
cli_ask_and_show(const struct cli *cli, struct reeve_client *client,
    const char *method, json_t *params, json_t **result)
{
	char *text = json_dumps(params, 0);
	struct reeve_message message;
	struct reeve_error err = { 0 };
	enum reeve_status status;
	json_t *ignored;
	uint64_t id = 0;
	int code = cli_ask(client, "events.subscribe", NULL, &ignored);

	json_decref(ignored);
	json_decref(params);
	*result = NULL;
	if (code != CLI_OK) {
		free(text);
		return code;
	}
	status = reeve_client_send(client, method, text, &id, &err);
	free(text);
	if (status == REEVE_OK) {
		status = await_answer(cli, client, id, &message, &err);
	}
	if (status == REEVE_OK && message.status != REEVE_OK) {
		status = err.status = message.status;
		snprintf(err.text, sizeof(err.text), "%s", message.text);
	}
	return status != REEVE_OK ? cli_fail(&err)
				  : take_answer(message.json, result);
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
