/* SPDX-License-Identifier: MIT */
/*
 * The runtime of a config that cannot be read any more: the runtimes that are
 * there are asked which of them began with that file. Called when nothing
 * else says where it is.
 */
#include "config.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/reeve/cli.h"

#define ASK_MS 1000 /* one that is stuck is not waited for any longer */

/* Its state directory, when its config is this one; free it. */
static char *
ask_runtime(const char *socket, const char *config)
{
	struct reeve_client_options options = { .size = sizeof(options),
		.socket_path = socket };
	struct reeve_client *client = NULL;
	char *answer = NULL, *found = NULL;
	const char *text = NULL, *state_dir;
	json_t *info = NULL;

	if (reeve_client_open(&client, &options, NULL) != REEVE_OK) {
		return NULL;
	}
	if (reeve_client_call(client, "info", NULL, ASK_MS, &answer, NULL) ==
	    REEVE_OK) {
		info = json_loads(answer, 0, NULL);
		text = json_string_value(json_object_get(info, "config"));
	}
	state_dir = json_string_value(json_object_get(info, "state_dir"));
	if (text != NULL && state_dir != NULL) {
		char whole[PATH_MAX];

		found =
		    realpath(text, whole) != NULL && strcmp(whole, config) == 0
			? strdup(state_dir)
			: NULL;
	}
	json_decref(info);
	reeve_free(answer);
	reeve_client_close(client);
	return found;
}

static char *
ask_all_in(const char *base, const char *config)
{
	DIR *dir = opendir(base);
	struct dirent *entry;
	char *found = NULL;

	while (dir != NULL && found == NULL && (entry = readdir(dir)) != NULL) {
		char socket[PATH_MAX];
		int n = snprintf(socket, sizeof(socket), "%s/%s/control.sock",
		    base, entry->d_name);

		if (entry->d_name[0] != '.' && n < (int)sizeof(socket) &&
		    access(socket, W_OK) == 0) {
			found = ask_runtime(socket, config);
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return found;
}

char *
cli_seek(const char *file)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	char bases[3][PATH_MAX] = { "/run/reeve" }, config[PATH_MAX];
	char *found = NULL;

	if (realpath(file, config) == NULL) {
		return NULL;
	}
	if (xdg != NULL && xdg[0] == '/') {
		snprintf(bases[1], sizeof(bases[1]), "%s/reeve", xdg);
	}
	snprintf(bases[2], sizeof(bases[2]), "/tmp/reeve-%d", (int)geteuid());
	for (size_t i = 0; i < 3 && found == NULL; i++) {
		if (bases[i][0] != '\0') {
			found = ask_all_in(bases[i], config);
		}
	}
	return found;
}
