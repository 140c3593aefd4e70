/* SPDX-License-Identifier: MIT */
/*
 * Whose runtime is meant: the config, its control socket, its event log. Says
 * where it looked when there is nothing.
 */
#include "config.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/reeve/cli.h"

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
			  "is no ./reeve.json and no /etc/reeve/reeve.json; "
			  "a runtime without one is named by --state-dir DIR");
	}
	return file;
}

/* What a config that is wrong may say yet: its state directory. */
static char *
given_state_dir(const char *file, const json_t *config)
{
	const char *given =
	    json_string_value(json_object_get(config, "state_dir"));
	char whole[PATH_MAX], *path = NULL;

	if (given != NULL && given[0] != '\0' && strchr(given, '%') == NULL &&
	    realpath(file, whole) != NULL) {
		path = malloc(PATH_MAX);
	}
	if (path != NULL && given[0] == '/') {
		snprintf(path, PATH_MAX, "%s", given);
	} else if (path != NULL) {
		snprintf(path, PATH_MAX, "%s/%s", dirname(whole), given);
	}
	return path;
}

static bool
has_log(const char *state_dir)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/events.db", state_dir);
	return access(path, F_OK) == 0;
}

/* By its name, or by that of the file, where its state is by default. */
static char *
default_state_dir(const char *file, const json_t *config)
{
	struct reeve_config_info info = { .size = sizeof(info) };
	const char *given = json_string_value(json_object_get(config, "name"));
	const char *slash = strrchr(file, '/');
	char stem[256], *dot, *path = NULL;

	snprintf(stem, sizeof(stem), "%s",
	    given != NULL   ? given
	    : slash != NULL ? slash + 1
			    : file);
	dot = given == NULL ? strrchr(stem, '.') : NULL;
	if (dot != NULL && dot != stem) {
		*dot = '\0';
	}
	if (reeve_config_places(stem, geteuid() == 0, &info, NULL) ==
		REEVE_OK &&
	    has_log(info.state_dir)) {
		path = strdup(info.state_dir);
	}
	reeve_config_info_finish(&info);
	return path;
}

/*
 * The runtime of a config that is wrong may have begun when it was right: then
 * that one is to be asked what is wrong.
 */
static char *
guess_state_dir(const char *file)
{
	json_t *config = json_load_file(file, 0, NULL);
	char *path = given_state_dir(file, config);

	if (path == NULL) {
		path = cli_seek(file);
	}
	if (path == NULL) {
		path = default_state_dir(file, config);
	}
	json_decref(config);
	return path;
}

int
cli_place(const struct cli *cli, struct cli_place *place)
{
	struct reeve_error err;
	enum reeve_status status;

	*place = (struct cli_place){ .info.size = sizeof(place->info) };
	if (cli->has[CLI_OPT_state_dir]) {
		place->state_dir = cli->arg[CLI_OPT_state_dir];
		return CLI_OK;
	}
	place->config = cli_config(cli);
	if (place->config == NULL) {
		return CLI_USAGE;
	}
	if (access(place->config, R_OK) != 0) {
		cli_error("cannot read %s: %s; without a config, --state-dir "
			  "DIR names the runtime",
		    place->config, strerror(errno));
		return CLI_USAGE;
	}
	status =
	    reeve_config_check(place->config, NULL, NULL, &place->info, &err);
	if (status == REEVE_OK) {
		return CLI_OK;
	}
	place->info = (struct reeve_config_info){ 0 };
	place->guessed = guess_state_dir(place->config);
	place->state_dir = place->guessed;
	if (place->guessed == NULL) {
		cli_error("%s:%d:%d: %s", place->config, err.line, err.column,
		    err.text);
		cli_error("no runtime is known that began with this file: mend "
			  "it, or name its state directory with --state-dir "
			  "DIR");
		return CLI_USAGE;
	}
	return CLI_OK;
}

void
cli_place_finish(struct cli_place *place)
{
	reeve_config_info_finish(&place->info);
	free(place->guessed);
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

/* Where the config leaves the place to us: the caller's, and then root's. */
static int
open_default(const struct reeve_config_info *info, struct reeve_log **log)
{
	struct reeve_config_info own = { .size = sizeof(own) }, root = own;
	struct reeve_error err;
	int code;

	if (!has_log(info->state_dir) &&
	    reeve_config_places(info->name, false, &own, &err) == REEVE_OK &&
	    strcmp(own.state_dir, info->state_dir) == 0 &&
	    reeve_config_places(info->name, true, &root, &err) == REEVE_OK &&
	    has_log(root.state_dir)) {
		code = open_in(root.state_dir, root.runtime_dir, log);
	} else {
		code = open_in(info->state_dir, info->runtime_dir, log);
	}
	reeve_config_info_finish(&own);
	reeve_config_info_finish(&root);
	return code;
}

int
cli_open_log(const struct cli *cli, struct reeve_log **log)
{
	struct cli_place place;
	char runtime[PATH_MAX];
	int code = cli_place(cli, &place);

	if (code != CLI_OK) {
		return code;
	}
	if (place.state_dir == NULL) {
		code = open_default(&place.info, log);
	} else {
		bool found =
		    runtime_dir_of(place.state_dir, runtime, sizeof(runtime));

		code = open_in(place.state_dir, found ? runtime : NULL, log);
	}
	cli_place_finish(&place);
	return code;
}
