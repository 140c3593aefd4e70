/* SPDX-License-Identifier: MIT */
/* One event as a line: for people, or as JSON. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/reeve/cli.h"

static enum cli_color
color_of(const char *kind)
{
	static const struct {
		const char *kind;
		enum cli_color color;
	} colors[] = {
		{ "worker.exited", CLI_YELLOW },
		{ "worker.ready", CLI_GREEN },
		{ "worker.unresponsive", CLI_RED },
		{ "worker.fatal", CLI_RED },
		{ "worker.exception", CLI_RED },
		{ "supervisor.gave_up", CLI_RED },
		{ "runtime.lost", CLI_RED },
		{ "launcher.lost", CLI_RED },
		{ "clerk.lost", CLI_RED },
		{ "clerk.dropped", CLI_RED },
		{ "config.rejected", CLI_RED },
		{ "task.failed", CLI_RED },
		{ "task.ended", CLI_GREEN },
	};

	for (size_t i = 0; i < sizeof(colors) / sizeof(colors[0]); i++) {
		if (strcmp(colors[i].kind, kind) == 0) {
			return colors[i].color;
		}
	}
	return CLI_PLAIN;
}

/* Without what would need quotes, or steer the reader's terminal. */
static bool
is_plain(const char *word)
{
	for (const char *at = word; *at != '\0'; at++) {
		unsigned char c = (unsigned char)*at;

		if (c <= ' ' || c == 127 || c == '"' || c == '=') {
			return false;
		}
	}
	return word[0] != '\0';
}

/* key=value, values as JSON but plain words without their quotes. */
static void
print_detail(const json_t *detail)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)detail, key, value)
	{
		const char *word = json_string_value(value);

		if (word != NULL && is_plain(word)) {
			printf(" %s=%s", key, word);
		} else {
			char *text =
			    json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

			printf(" %s=%s", key, text != NULL ? text : "?");
			free(text);
		}
	}
}

static void
print_as_json(uint64_t id, int64_t at_us, uint64_t life, const char *path,
    const char *kind, json_t *detail_take)
{
	json_t *event = json_object();

	/* In the order in which the control socket has them. */
	json_object_set_new(event, "id", json_integer((json_int_t)id));
	json_object_set_new(event, "at", json_integer((json_int_t)at_us));
	json_object_set_new(event, "life",
	    life != 0 ? json_integer((json_int_t)life) : json_null());
	json_object_set_new(event, "path", json_string(path));
	json_object_set_new(event, "kind", json_string(kind));
	json_object_set_new(event, "detail", detail_take);
	cli_print_json(event);
	json_decref(event);
}

void
cli_print_event(const struct cli *cli, uint64_t id, int64_t at_us,
    uint64_t life, const char *path, const char *kind, const char *detail)
{
	json_t *object = json_loads(detail, 0, NULL);
	char at[40];

	if (object == NULL) {
		object = json_object();
	}
	if (cli->has[CLI_OPT_json]) {
		print_as_json(id, at_us, life, path, kind, object);
		return;
	}
	printf("%s%s%s %7" PRIu64 " %s%-20s%s %-16s", cli_on(cli, CLI_DIM),
	    cli_time(at_us, at, sizeof(at)), cli_off(cli), id,
	    cli_on(cli, color_of(kind)), kind, cli_off(cli), path);
	print_detail(object);
	putchar('\n');
	json_decref(object);
}
