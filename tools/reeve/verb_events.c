/* SPDX-License-Identifier: MIT */
/*
 * reeve events: the log from the database and what is still in memory; with
 * --follow then the runtime's own feed, from the very next id on.
 */
#include "config.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "tools/reeve/cli.h"
#include "tools/reeve/cli_nearest.h"

#define LINES_BEFORE 10 /* what --follow shows of the past, like tail */

struct show {
	struct cli *cli;
	uint64_t next; /* id behind the last one shown or passed over */
	bool any;
};

static bool
on_event(void *ctx, const struct reeve_event *event)
{
	struct show *show = ctx;

	show->any = true;
	show->next = event->id + 1;
	cli_print_event(show->cli, event->id, event->at_us, event->life,
	    event->path, event->kind, event->detail);
	return ferror(stdout) == 0;
}

static int
read_filter(struct cli *cli, struct reeve_event_filter *filter)
{
	long n;

	*filter = (struct reeve_event_filter){
		.size = sizeof(*filter),
		.path_glob = cli->arg[CLI_OPT_worker],
		.kind_glob = cli->arg[CLI_OPT_kind],
	};
	if (cli->has[CLI_OPT_since] &&
	    !cli_parse_time(cli->arg[CLI_OPT_since], &filter->since_us)) {
		cli_error("cannot understand --since %s: use 10m, or "
			  "2026-01-31T12:00",
		    cli->arg[CLI_OPT_since]);
		return CLI_USAGE;
	}
	if (cli->has[CLI_OPT_until] &&
	    !cli_parse_time(cli->arg[CLI_OPT_until], &filter->until_us)) {
		cli_error("cannot understand --until %s: use 10m, or "
			  "2026-01-31T12:00",
		    cli->arg[CLI_OPT_until]);
		return CLI_USAGE;
	}
	if (cli->has[CLI_OPT_limit]) {
		if (!cli_parse_number(
			cli->arg[CLI_OPT_limit], 1, 1000000000, &n)) {
			cli_error("--limit must be a number from 1 on");
			return CLI_USAGE;
		}
		filter->limit = (uint64_t)n;
	}
	return CLI_OK;
}

/* -------- filters that nothing fits -------- */

struct nearest {
	const char *given;
	char word[256];
	char all[512]; /* the first of those that there are */
	unsigned best;
};

static bool
on_word(void *ctx, const struct reeve_value *values, unsigned n)
{
	struct nearest *nearest = ctx;
	const char *word = values[0].data;
	size_t len;
	unsigned d;

	if (n != 1 || values[0].type != REEVE_TEXT) {
		return true;
	}
	len = strlen(nearest->all);
	snprintf(nearest->all + len, sizeof(nearest->all) - len, "%s%s",
	    len > 0 ? ", " : "", word);
	d = cli_distance(nearest->given, word);
	if (d < nearest->best) {
		nearest->best = d;
		snprintf(nearest->word, sizeof(nearest->word), "%s", word);
	}
	return true;
}

static bool
on_any(void *ctx, const struct reeve_event *event)
{
	(void)event;
	*(bool *)ctx = true;
	return false;
}

/* Nothing at all in the log fits: most likely a slip of the pen. */
static void
doubt(struct reeve_log *log, const struct reeve_event_filter *only,
    const char *what, const char *given, const char *sql)
{
	struct nearest nearest = { .given = given,
		.best = 1 + cli_patience(given) };
	bool any = false;
	struct reeve_error err;

	if (reeve_log_events(log, only, on_any, &any, &err) != REEVE_OK ||
	    any ||
	    reeve_log_sql(log, sql, on_word, &nearest, &err) != REEVE_OK) {
		return;
	}
	if (nearest.word[0] != '\0') {
		cli_error("no event in the log is of %s %s; did you mean %s?",
		    what, given, nearest.word);
	} else {
		cli_error("no event in the log is of %s %s; there are: %s",
		    what, given, nearest.all);
	}
}

static void
doubt_filter(struct reeve_log *log, const struct reeve_event_filter *filter)
{
	struct reeve_event_filter path = {
		.size = sizeof(path), .limit = 1, .path_glob = filter->path_glob
	};
	struct reeve_event_filter kind = {
		.size = sizeof(kind), .limit = 1, .kind_glob = filter->kind_glob
	};

	if (filter->path_glob != NULL) {
		doubt(log, &path, "worker", filter->path_glob,
		    "SELECT DISTINCT path FROM events");
	}
	if (filter->kind_glob != NULL) {
		doubt(log, &kind, "kind", filter->kind_glob,
		    "SELECT DISTINCT kind FROM events");
	}
}

static int
show_log(struct show *show, const struct reeve_event_filter *filter)
{
	struct reeve_log *log = NULL;
	struct reeve_error err;
	int code = cli_open_log(show->cli, &log);

	if (code == CLI_OK &&
	    reeve_log_events(log, filter, on_event, show, &err) != REEVE_OK) {
		code = cli_fail(&err);
	}
	fflush(stdout);
	if (code == CLI_OK && !show->any) {
		doubt_filter(log, filter);
		show->any = true; /* said once */
	}
	reeve_log_close(log);
	return code;
}

/* -------- --follow -------- */

static void
show_message(struct show *show, const char *json)
{
	json_t *event = json_loads(json, 0, NULL);
	json_t *detail = json_object_get(event, "detail");
	char *text = json_dumps(detail, JSON_COMPACT);
	const char *path = json_string_value(json_object_get(event, "path"));
	const char *kind = json_string_value(json_object_get(event, "kind"));
	uint64_t id =
	    (uint64_t)json_integer_value(json_object_get(event, "id"));

	if (id >= show->next && path != NULL && kind != NULL) {
		show->next = id + 1;
		cli_print_event(show->cli, id,
		    json_integer_value(json_object_get(event, "at")),
		    (uint64_t)json_integer_value(
			json_object_get(event, "life")),
		    path, kind, text != NULL ? text : "{}");
	}
	free(text);
	json_decref(event);
}

enum fed { FED_BEHIND, FED_ENDED };

/* Until the runtime ends, or we fell behind and must read the log again. */
static enum fed
follow_feed(struct show *show, struct reeve_client *client)
{
	struct reeve_message message;
	struct reeve_error err;

	for (;;) {
		struct pollfd p = { .fd = reeve_client_fd(client),
			.events = reeve_client_events(client) };
		enum reeve_status status =
		    reeve_client_next(client, &message, &err);

		if (status == REEVE_EAGAIN) {
			fflush(stdout);
			poll(&p, 1, -1);
		} else if (status != REEVE_OK) {
			return FED_ENDED;
		} else if (message.method != NULL &&
			   strcmp(message.method, "events.too_old") == 0) {
			return FED_BEHIND;
		} else if (message.method != NULL && message.json != NULL) {
			show_message(show, message.json);
		}
	}
}

static json_t *
subscription(const struct show *show)
{
	const struct cli *cli = show->cli;
	json_t *params = json_pack("{s:I}", "from", (json_int_t)show->next);

	if (cli->has[CLI_OPT_worker]) {
		json_object_set_new(
		    params, "path", json_string(cli->arg[CLI_OPT_worker]));
	}
	if (cli->has[CLI_OPT_kind]) {
		json_object_set_new(
		    params, "kind", json_string(cli->arg[CLI_OPT_kind]));
	}
	return params;
}

/* Where the feed begins: what the log has not shown, with no gap. */
static int
next_event(struct reeve_client *client, uint64_t *next)
{
	json_t *info = NULL;
	int code = cli_ask(client, "info", NULL, &info);

	*next =
	    (uint64_t)json_integer_value(json_object_get(info, "next_event"));
	json_decref(info);
	return code;
}

/* Too old is no failure: the log is read again first. Nor is the end. */
static int
subscribe(const struct show *show, struct reeve_client *client, bool *there,
    bool *ended)
{
	json_t *params = subscription(show);
	char *text = json_dumps(params, 0);
	struct reeve_error err;
	enum reeve_status status =
	    reeve_client_call(client, "events.subscribe", text, -1, NULL, &err);

	free(text);
	json_decref(params);
	*there = status == REEVE_OK;
	*ended = status == REEVE_ECLOSED;
	return *there || *ended || status == REEVE_ETOOOLD ? CLI_OK
							   : cli_fail(&err);
}

/*
 * The log up to here, and the feed from there: ids below `next` are in the log
 * by now, as ring or as rows. Read again whenever the feed was too fast.
 */
static int
follow_once(struct show *show, struct reeve_event_filter *filter,
    struct reeve_client *client, bool *ended)
{
	bool there = false;
	uint64_t next;
	int code = next_event(client, &next);

	if (code == CLI_OK) {
		code = show_log(show, filter);
	}
	show->next = next > show->next ? next : show->next;
	filter->after_id = show->next - 1;
	filter->since_us = 0;
	filter->limit = 0;
	if (code == CLI_OK) {
		code = subscribe(show, client, &there, ended);
	}
	if (code == CLI_OK && there) {
		*ended = follow_feed(show, client) == FED_ENDED;
		filter->after_id = show->next - 1;
	}
	return code;
}

static int
follow(struct show *show, struct reeve_event_filter *filter)
{
	struct reeve_client *client = NULL;
	bool ended = false;
	int code = cli_connect(show->cli, &client);

	while (code == CLI_OK && !ended) {
		code = follow_once(show, filter, client, &ended);
	}
	reeve_client_close(client);
	if (code == CLI_OK) {
		/* Its last words came after the socket was closed. */
		code = show_log(show, filter);
		cli_error("the runtime has ended");
		code = code == CLI_OK ? CLI_NO_RUNTIME : code;
	}
	return code;
}

int
cli_verb_events(struct cli *cli)
{
	struct show show = { .cli = cli, .next = 1 };
	struct reeve_event_filter filter;
	int code = read_filter(cli, &filter);

	if (code != CLI_OK) {
		return code;
	}
	if (cli->has[CLI_OPT_follow] && cli->has[CLI_OPT_until]) {
		cli_error("--follow has no end: it does not go with --until");
		return CLI_USAGE;
	}
	if (cli->has[CLI_OPT_follow] && !cli->has[CLI_OPT_since] &&
	    !cli->has[CLI_OPT_limit]) {
		filter.limit = LINES_BEFORE;
	}
	return cli->has[CLI_OPT_follow] ? follow(&show, &filter)
					: show_log(&show, &filter);
}
