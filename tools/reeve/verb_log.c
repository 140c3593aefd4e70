/* SPDX-License-Identifier: MIT */
/* reeve sql and reeve why: questions to the event log. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/reeve/cli.h"

/* -------- sql -------- */

#define ROWS_MEASURED 200 /* rows that are held back to measure columns */
#define CELL_MAX      60

struct rows {
	struct cli *cli;
	unsigned n_columns, n_rows;
	char ***cells; /* rows of texts, the first one the names */
	int *widths;
	bool flushed;
};

static char *
cell_text(const struct reeve_value *v)
{
	char *text = malloc(CELL_MAX * 64);

	if (text == NULL) {
		return NULL;
	}
	switch (v->type) {
	case REEVE_NULL:
		text[0] = '\0';
		break;
	case REEVE_INTEGER:
		snprintf(text, CELL_MAX, "%" PRId64, v->integer);
		break;
	case REEVE_REAL:
		snprintf(text, CELL_MAX, "%g", v->real);
		break;
	case REEVE_TEXT:
		snprintf(text, CELL_MAX * 64, "%s", (const char *)v->data);
		break;
	default:
		snprintf(text, CELL_MAX, "(%zu bytes)", v->len);
	}
	for (char *at = text; *at != '\0'; at++) {
		unsigned char c = (unsigned char)*at;

		*at = c < ' ' || c == 127 ? ' ' : *at;
	}
	return text;
}

static void
print_row(const struct rows *rows, char **row)
{
	for (unsigned c = 0; c < rows->n_columns; c++) {
		bool last = c + 1 == rows->n_columns;

		printf("%-*s%s", last ? 0 : rows->widths[c],
		    row[c] != NULL ? row[c] : "", last ? "\n" : "  ");
	}
}

static void
free_row(const struct rows *rows, char **row)
{
	for (unsigned c = 0; c < rows->n_columns; c++) {
		free(row[c]);
	}
	free(row);
}

static void
flush_rows(struct rows *rows)
{
	for (unsigned i = 0; i < rows->n_rows; i++) {
		print_row(rows, rows->cells[i]);
		free_row(rows, rows->cells[i]);
	}
	rows->n_rows = 0;
	rows->flushed = true;
}

static char **
take_row(struct rows *rows, const struct reeve_value *values, bool names)
{
	char **row = calloc(rows->n_columns + 1, sizeof(*row));

	for (unsigned c = 0; row != NULL && c < rows->n_columns; c++) {
		int len;

		row[c] =
		    names ? strdup(values[c].column) : cell_text(&values[c]);
		len = row[c] != NULL ? (int)strlen(row[c]) : 0;
		len = len > CELL_MAX ? CELL_MAX : len;
		if (len > rows->widths[c]) {
			rows->widths[c] = len;
		}
	}
	return row;
}

static bool
first_row(struct rows *rows, const struct reeve_value *values, unsigned n)
{
	rows->n_columns = n;
	rows->widths = calloc(n + 1, sizeof(*rows->widths));
	rows->cells = calloc(ROWS_MEASURED + 2, sizeof(*rows->cells));
	if (rows->widths == NULL || rows->cells == NULL) {
		return false;
	}
	rows->cells[rows->n_rows++] = take_row(rows, values, true);
	return rows->cells[0] != NULL;
}

static bool
on_row(void *ctx, const struct reeve_value *values, unsigned n)
{
	struct rows *rows = ctx;
	char **row;

	if (rows->widths == NULL && !first_row(rows, values, n)) {
		return false;
	}
	row = take_row(rows, values, false);
	if (row == NULL) {
		return false;
	}
	if (rows->flushed) {
		print_row(rows, row);
		free_row(rows, row);
		return ferror(stdout) == 0;
	}
	rows->cells[rows->n_rows++] = row;
	if (rows->n_rows > ROWS_MEASURED) {
		flush_rows(rows);
	}
	return true;
}

static json_t *
json_value(const struct reeve_value *v)
{
	switch (v->type) {
	case REEVE_INTEGER:
		return json_integer(v->integer);
	case REEVE_REAL:
		return json_real(v->real);
	case REEVE_TEXT:
		return json_stringn(v->data, v->len);
	default:
		return json_null();
	}
}

static bool
on_json_row(void *ctx, const struct reeve_value *values, unsigned n)
{
	json_t *row = json_object();

	(void)ctx;
	for (unsigned c = 0; c < n; c++) {
		json_t *value = json_value(&values[c]);

		json_object_set_new(
		    row, values[c].column, value != NULL ? value : json_null());
	}
	cli_print_json(row);
	json_decref(row);
	return ferror(stdout) == 0;
}

int
cli_verb_sql(struct cli *cli)
{
	struct rows rows = { .cli = cli };
	struct reeve_log *log = NULL;
	struct reeve_error err;
	int code;

	code = cli_open_log(cli, &log);
	if (code == CLI_OK) {
		cli_sync(cli);
	}
	if (code == CLI_OK && reeve_log_sql(log, cli->names[0],
				  cli->has[CLI_OPT_json] ? on_json_row : on_row,
				  &rows, &err) != REEVE_OK) {
		code = cli_fail(&err);
		/* To ask for a change is wrong usage, as is bad SQL. */
		code = err.status == REEVE_EPERM ? CLI_USAGE : code;
	}
	flush_rows(&rows);
	free(rows.widths);
	free(rows.cells);
	reeve_log_close(log);
	return code;
}

/* -------- why -------- */

int
cli_verb_why(struct cli *cli)
{
	struct reeve_log *log = NULL;
	struct reeve_error err;
	char *text = NULL;
	long last = 1;
	int code;

	if (cli->has[CLI_OPT_last] &&
	    !cli_parse_number(cli->arg[CLI_OPT_last], 1, 10000, &last)) {
		cli_error("--last must be a number from 1 to 10000");
		return CLI_USAGE;
	}
	code = cli_open_log(cli, &log);
	if (code == CLI_OK) {
		cli_sync(cli);
	}
	if (code == CLI_OK &&
	    reeve_log_why(log, cli->names[0], (unsigned)last,
		cli->has[CLI_OPT_json], &text, &err) != REEVE_OK) {
		code = cli_fail(&err);
	}
	if (text != NULL) {
		size_t len = strlen(text);

		fputs(text, stdout);
		if (len > 0 && text[len - 1] != '\n') {
			putchar('\n');
		}
	}
	reeve_log_free(text);
	reeve_log_close(log);
	return code;
}
