/* SPDX-License-Identifier: MIT */
/*
 * reeve status: what the runtime says of each unit, with what /proc says of its
 * process, as a table that fits the terminal.
 */
#include "config.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/reeve/cli.h"

/* -------- /proc -------- */

static long long
number(const json_t *unit, const char *key)
{
	return json_integer_value(json_object_get(unit, key));
}

static const char *
text(const json_t *unit, const char *key)
{
	const char *value = json_string_value(json_object_get(unit, key));

	return value != NULL ? value : "";
}

/* Memory and processor time of a process, if it is still the same one. */
static bool
look_up(long long pid, long long ticks, long *rss_kib, long *cpu_ms)
{
	char path[64], line[1024];
	unsigned long utime, stime;
	unsigned long long start;
	long rss;
	FILE *file;
	char *at;

	snprintf(path, sizeof(path), "/proc/%lld/stat", pid);
	file = fopen(path, "re");
	if (file == NULL) {
		return false;
	}
	at =
	    fgets(line, sizeof(line), file) != NULL ? strrchr(line, ')') : NULL;
	fclose(file);
	if (at == NULL ||
	    sscanf(at + 1,
		" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d "
		"%*d %*d %*d %*d %llu %*u %ld",
		&utime, &stime, &start, &rss) != 4 ||
	    (ticks != 0 && start != (unsigned long long)ticks)) {
		return false;
	}
	*rss_kib = rss * (sysconf(_SC_PAGESIZE) / 1024);
	*cpu_ms = (long)((utime + stime) * 1000 /
			 (unsigned long)sysconf(_SC_CLK_TCK));
	return true;
}

static void
add_usage(json_t *unit)
{
	long long pid = number(unit, "pid");
	long rss_kib, cpu_ms;

	if (pid > 0 &&
	    look_up(pid, number(unit, "start_ticks"), &rss_kib, &cpu_ms)) {
		json_object_set_new(unit, "rss_kib", json_integer(rss_kib));
		json_object_set_new(unit, "cpu_ms", json_integer(cpu_ms));
	} else {
		json_object_set_new(unit, "rss_kib", json_null());
		json_object_set_new(unit, "cpu_ms", json_null());
	}
}

/* -------- the table -------- */

enum {
	NAME,
	STATE,
	PID,
	UPTIME,
	RESTARTS,
	LAST,
	RSS,
	CPU,
	BEAT,
	SAYS,
	COLUMNS
};

static const char *const heads[COLUMNS] = { "NAME", "STATE", "PID", "UPTIME",
	"RESTARTS", "LAST END", "RSS", "CPU", "BEAT", "STATUS" };
static const bool right[COLUMNS] = { [PID] = true,
	[UPTIME] = true,
	[RESTARTS] = true,
	[RSS] = true,
	[CPU] = true,
	[BEAT] = true };
/* Which go first when the terminal is too narrow. */
static const int spare[] = { SAYS, CPU, RSS, BEAT, RESTARTS, LAST, PID };

#define LAST_LEAST 14 /* as far as that column may be cut */
#define SAYS_LEAST 16 /* likewise: what the worker says of itself */

struct row {
	char cell[COLUMNS][160];
	enum cli_color color;
};

static enum cli_color
color_of(const char *state)
{
	static const struct {
		const char *state;
		enum cli_color color;
	} colors[] = {
		{ "RUNNING", CLI_GREEN },
		{ "STARTING", CLI_YELLOW },
		{ "BACKOFF", CLI_YELLOW },
		{ "WAITING", CLI_YELLOW },
		{ "STOPPING", CLI_YELLOW },
		{ "FATAL", CLI_RED },
		{ "EXITED", CLI_DIM },
		{ "STOPPED", CLI_DIM },
	};

	for (size_t i = 0; i < sizeof(colors) / sizeof(colors[0]); i++) {
		if (strcmp(colors[i].state, state) == 0) {
			return colors[i].color;
		}
	}
	return CLI_PLAIN;
}

static void
put_size(char *dst, size_t size, long long kib)
{
	if (kib < 10 * 1024) {
		snprintf(dst, size, "%lldK", kib);
	} else if (kib < 10ll * 1024 * 1024) {
		snprintf(dst, size, "%lldM", kib / 1024);
	} else {
		snprintf(dst, size, "%lldG", kib / 1024 / 1024);
	}
}

static void
put_last(char *dst, size_t size, const json_t *last)
{
	char ago[32];
	struct timespec now;
	int64_t at = json_integer_value(json_object_get(last, "at"));
	const char *stage = text(last, "stage");
	size_t n;

	if (!json_is_object(last)) {
		return;
	}
	if (stage[0] != '\0') {
		n = (size_t)snprintf(
		    dst, size, "%s: %s", stage, text(last, "errno"));
	} else if (json_is_integer(json_object_get(last, "signal"))) {
		n = (size_t)snprintf(dst, size, "%s%s",
		    text(last, "signal_name"),
		    json_is_true(json_object_get(last, "core_dumped"))
			? " (core)"
			: "");
	} else if (json_is_integer(json_object_get(last, "exit_code"))) {
		n = (size_t)snprintf(
		    dst, size, "exit %lld", number(last, "exit_code"));
	} else {
		n = (size_t)snprintf(dst, size, "%s", text(last, "reason"));
	}
	clock_gettime(CLOCK_REALTIME, &now);
	at = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - at / 1000;
	cli_span(at > 0 ? at : 0, ago, sizeof(ago));
	if (n < size) {
		snprintf(dst + n, size - n, " %s ago", ago);
	}
}

static void
put_state(char *dst, size_t size, const json_t *unit)
{
	const char *waits = text(unit, "waiting_for");
	char left[32];

	snprintf(dst, size, "%s", text(unit, "state"));
	if (waits[0] != '\0') {
		snprintf(dst, size, "WAITING for %s", waits);
	} else if (json_is_true(json_object_get(unit, "held"))) {
		snprintf(dst, size, "%s (held)", text(unit, "state"));
	} else if (json_is_integer(json_object_get(unit, "backoff_ms"))) {
		snprintf(dst, size, "BACKOFF %s",
		    cli_span(number(unit, "backoff_ms"), left, sizeof(left)));
	}
}

static void
fill_row(struct row *row, const json_t *unit)
{
	const char *path = text(unit, "path");
	bool runs = json_is_integer(json_object_get(unit, "pid"));

	memset(row, 0, sizeof(*row));
	row->color = color_of(text(unit, "state"));
	/* Whole paths: they are what other verbs want to be given. */
	snprintf(row->cell[NAME], sizeof(row->cell[0]), "%s", path);
	put_state(row->cell[STATE], sizeof(row->cell[0]), unit);
	if (strcmp(text(unit, "kind"), "worker") != 0) {
		return;
	}
	if (runs) {
		snprintf(row->cell[PID], sizeof(row->cell[0]), "%lld",
		    number(unit, "pid"));
		cli_span(number(unit, "uptime_ms"), row->cell[UPTIME],
		    sizeof(row->cell[0]));
	}
	snprintf(row->cell[RESTARTS], sizeof(row->cell[0]), "%lld",
	    number(unit, "restarts"));
	put_last(row->cell[LAST], sizeof(row->cell[0]),
	    json_object_get(unit, "last"));
	if (json_is_integer(json_object_get(unit, "rss_kib"))) {
		put_size(row->cell[RSS], sizeof(row->cell[0]),
		    number(unit, "rss_kib"));
		cli_span(number(unit, "cpu_ms"), row->cell[CPU],
		    sizeof(row->cell[0]));
	}
	if (json_is_integer(json_object_get(unit, "beat_age_ms"))) {
		cli_span(number(unit, "beat_age_ms"), row->cell[BEAT],
		    sizeof(row->cell[0]));
	}
	snprintf(row->cell[SAYS], sizeof(row->cell[0]), "%s",
	    text(unit, "status_text"));
}

/* An old generation, below the unit whose new one serves. */
static void
fill_draining(struct row *row, const json_t *unit, const json_t *old)
{
	char age[32];

	memset(row, 0, sizeof(*row));
	row->color = CLI_YELLOW;
	snprintf(row->cell[NAME], sizeof(row->cell[0]), "  %s (old)",
	    text(unit, "path"));
	snprintf(row->cell[STATE], sizeof(row->cell[0]), "draining %s",
	    cli_span(number(old, "age_ms"), age, sizeof(age)));
	snprintf(
	    row->cell[PID], sizeof(row->cell[0]), "%lld", number(old, "pid"));
	put_size(row->cell[RSS], sizeof(row->cell[0]),
	    number(old, "rss_bytes") / 1024);
}

static size_t
count_rows(const json_t *units)
{
	size_t n = json_array_size(units), i;
	json_t *unit;

	json_array_foreach(units, i, unit)
	{
		n += json_array_size(json_object_get(unit, "draining"));
	}
	return n;
}

static void
fill_rows(struct row *rows, const json_t *units)
{
	json_t *unit, *old;
	size_t i, j;

	json_array_foreach(units, i, unit)
	{
		fill_row(rows++, unit);
		json_array_foreach(json_object_get(unit, "draining"), j, old)
		{
			fill_draining(rows++, unit, old);
		}
	}
}

static int
total(const int *widths)
{
	int sum = 0;

	for (int c = 0; c < COLUMNS; c++) {
		sum += widths[c] > 0 ? widths[c] + 2 : 0;
	}
	return sum - 2;
}

static void
measure(const struct row *rows, size_t n, int *widths, int terminal)
{
	for (int c = 0; c < COLUMNS; c++) {
		widths[c] = 0;
		for (size_t i = 0; i < n; i++) {
			int len = (int)strlen(rows[i].cell[c]);

			widths[c] = len > widths[c] ? len : widths[c];
		}
		/* A column without content is none. */
		if (widths[c] > 0 && widths[c] < (int)strlen(heads[c])) {
			widths[c] = (int)strlen(heads[c]);
		}
	}
	for (size_t i = 0; i < sizeof(spare) / sizeof(spare[0]); i++) {
		int over = total(widths) - terminal;

		if (terminal == 0 || over <= 0) {
			break;
		}
		if (widths[SAYS] - over >= SAYS_LEAST) {
			widths[SAYS] -= over;
			break;
		}
		if (widths[LAST] - over >= LAST_LEAST) {
			widths[LAST] -= over;
			break;
		}
		widths[spare[i]] = 0;
	}
}

/* Not in the middle of a character. */
static void
cut_says(struct row *row, int width)
{
	char *cell = row->cell[SAYS];
	int at = width;

	if (width <= 0 || (int)strlen(cell) <= width) {
		return;
	}
	while (at > 0 && ((unsigned char)cell[at] & 0xc0) == 0x80) {
		at--;
	}
	cell[at] = '\0';
}

/* What does not fit is left out by whole words. */
static void
cut_last(struct row *row, int width)
{
	char *cell = row->cell[LAST];
	int at = width;

	if (width <= 0 || (int)strlen(cell) <= width) {
		return;
	}
	while (at > 0 && cell[at] != ' ') {
		at--;
	}
	cell[at > 0 ? at : width] = '\0';
}

static void
print_cells(
    const struct cli *cli, const int *widths, const struct row *row, bool head)
{
	for (int c = 0; c < COLUMNS; c++) {
		const char *cell = head ? heads[c] : row->cell[c];
		const char *on = head         ? cli_on(cli, CLI_BOLD)
				 : c == STATE ? cli_on(cli, row->color)
					      : "";

		if (widths[c] > 0) {
			printf("%s%s%*.*s%s", c > 0 ? "  " : "", on,
			    right[c]    ? widths[c]
			    : c == SAYS ? 0 /* nothing is behind it */
					: -widths[c],
			    widths[c], cell, on[0] != '\0' ? cli_off(cli) : "");
		}
	}
	fputs(cli->has[CLI_OPT_watch] && cli_width() > 0 ? "\033[K\n" : "\n",
	    stdout);
}

static int
print_table(const struct cli *cli, json_t *units)
{
	size_t n = count_rows(units), left = 0, i;
	struct row *rows = calloc(n + 1, sizeof(*rows)), none = { 0 };
	int widths[COLUMNS];

	if (rows == NULL) {
		cli_error("out of memory");
		return CLI_FAILED;
	}
	fill_rows(rows, units);
	measure(rows, n, widths, cli_width());
	if (cli->has[CLI_OPT_watch] && cli_height() > 3 &&
	    n > (size_t)cli_height() - 2) {
		left = n - ((size_t)cli_height() - 3);
	}
	print_cells(cli, widths, &none, true);
	for (i = 0; i < n - left; i++) {
		cut_last(&rows[i], widths[LAST]);
		cut_says(&rows[i], widths[SAYS]);
		print_cells(cli, widths, &rows[i], false);
	}
	if (left > 0) {
		printf("... and %zu more\033[K\n", left);
	}
	free(rows);
	return CLI_OK;
}

static int
show(struct cli *cli, struct reeve_client *client)
{
	json_t *units = NULL, *unit;
	int code = cli_ask(client, "status",
	    cli->n_names > 0 ? cli_names(cli, 0) : NULL, &units);
	size_t i;

	json_array_foreach(units, i, unit)
	{
		add_usage(unit);
	}
	if (code == CLI_OK && cli->has[CLI_OPT_json]) {
		cli_print_json(units);
	} else if (code == CLI_OK) {
		code = print_table(cli, units);
	}
	json_decref(units);
	return code;
}

/* -------- --watch -------- */

/* All that has come; false when the runtime is gone. */
static bool
take_news(struct reeve_client *client)
{
	struct reeve_message message;
	struct reeve_error err;
	enum reeve_status status;

	do {
		status = reeve_client_next(client, &message, &err);
	} while (status == REEVE_OK);
	return status == REEVE_EAGAIN;
}

/* Until something happens or a second has passed; ten times a second at most,
 * whatever happens. */
static bool
await_news(struct reeve_client *client)
{
	struct pollfd p = { .fd = reeve_client_fd(client),
		.events = reeve_client_events(client) };

	poll(&p, 1, 1000);
	poll(NULL, 0, 100);
	return take_news(client);
}

static int
draw(struct cli *cli, struct reeve_client *client)
{
	bool terminal = cli_width() > 0 && !cli->has[CLI_OPT_json];
	int code;

	if (terminal) {
		fputs("\033[H", stdout);
	}
	code = show(cli, client);
	if (terminal) {
		fputs("\033[J", stdout);
	}
	return fflush(stdout) == 0 ? code : CLI_FAILED;
}

static int
watch(struct cli *cli, struct reeve_client *client)
{
	json_t *answer = NULL;
	int code = cli_ask(client, "events.subscribe", NULL, &answer);

	json_decref(answer);
	if (cli_width() > 0 && !cli->has[CLI_OPT_json]) {
		fputs("\033[2J", stdout);
	}
	while (code == CLI_OK) {
		code = draw(cli, client);
		if (code == CLI_OK && !await_news(client)) {
			cli_error("the runtime has ended");
			return CLI_NO_RUNTIME;
		}
	}
	return code;
}

int
cli_verb_status(struct cli *cli)
{
	struct reeve_client *client = NULL;
	int code = cli_connect(cli, &client);

	if (code == CLI_OK) {
		code = cli->has[CLI_OPT_watch] ? watch(cli, client)
					       : show(cli, client);
	}
	reeve_client_close(client);
	return code;
}
