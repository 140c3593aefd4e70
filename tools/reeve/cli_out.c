/* SPDX-License-Identifier: MIT */
/* Text for people: errors, colours, times; and the small parsing of options. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "tools/reeve/cli.h"

static bool plain;
static FILE *errors; /* NULL: stderr */

void
cli_plain(void)
{
	plain = true;
}

void
cli_errors_to(FILE *file)
{
	errors = file;
}

FILE *
cli_errors(void)
{
	return errors != NULL ? errors : stderr;
}

void
cli_error(const char *fmt, ...)
{
	const char *no_color = getenv("NO_COLOR");
	FILE *to = cli_errors();
	bool color = isatty(fileno(to)) != 0 && !plain &&
		     (no_color == NULL || no_color[0] == '\0');
	va_list args;

	fflush(stdout);
	fprintf(
	    to, "%sreeve:%s ", color ? "\033[31m" : "", color ? "\033[0m" : "");
	va_start(args, fmt);
	vfprintf(to, fmt, args);
	va_end(args);
	fputc('\n', to);
}

int
cli_fail(const struct reeve_error *err)
{
	cli_error("%s", err->text);
	return reeve_status_exit_code(err->status);
}

const char *
cli_on(const struct cli *cli, enum cli_color color)
{
	static const char *const codes[] = {
		[CLI_PLAIN] = "",
		[CLI_RED] = "\033[31m",
		[CLI_GREEN] = "\033[32m",
		[CLI_YELLOW] = "\033[33m",
		[CLI_DIM] = "\033[2m",
		[CLI_BOLD] = "\033[1m",
	};

	return cli->color ? codes[color] : "";
}

const char *
cli_off(const struct cli *cli)
{
	return cli->color ? "\033[0m" : "";
}

int
cli_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
		return 0;
	}
	return size.ws_col;
}

int
cli_height(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

const char *
cli_span(int64_t ms, char *dst, size_t size)
{
	int64_t s = ms / 1000;

	if (ms < 0) {
		snprintf(dst, size, "-");
	} else if (ms < 10000) {
		snprintf(
		    dst, size, "%" PRId64 ".%" PRId64 "s", s, ms % 1000 / 100);
	} else if (s < 60) {
		snprintf(dst, size, "%" PRId64 "s", s);
	} else if (s < 3600) {
		snprintf(
		    dst, size, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
	} else if (s < 86400) {
		snprintf(dst, size, "%" PRId64 "h%02" PRId64 "m", s / 3600,
		    s / 60 % 60);
	} else {
		snprintf(dst, size, "%" PRId64 "d%02" PRId64 "h", s / 86400,
		    s / 3600 % 24);
	}
	return dst;
}

const char *
cli_time(int64_t at_us, char *dst, size_t size)
{
	time_t seconds = (time_t)(at_us / 1000000);
	struct tm tm;
	size_t n;

	localtime_r(&seconds, &tm);
	n = strftime(dst, size, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(dst + n, size - n, ".%03d", (int)(at_us / 1000 % 1000));
	return dst;
}

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* "90s" "10m" "2h" "3d": so long ago. */
static bool
parse_ago(const char *text, int64_t *at_us)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || n < 0 || end[0] == '\0' || end[1] != '\0') {
		return false;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].letter == end[0]) {
			*at_us = now_us() - n * units[i].seconds * 1000000;
			return true;
		}
	}
	return false;
}

bool
cli_parse_time(const char *text, int64_t *at_us)
{
	static const char *const formats[] = { "%Y-%m-%dT%H:%M:%S",
		"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M",
		"%Y-%m-%d", "%H:%M:%S", "%H:%M" };

	if (parse_ago(text, at_us)) {
		return true;
	}
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		time_t now = time(NULL);
		struct tm tm;
		const char *end;
		bool utc;

		localtime_r(&now, &tm);
		tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
		end = strptime(text, formats[i], &tm);
		if (end == NULL) {
			continue;
		}
		if (*end == '.') {
			end += 1 + strspn(end + 1, "0123456789");
		}
		utc = strcmp(end, "Z") == 0;
		if (*end != '\0' && !utc) {
			continue;
		}
		tm.tm_isdst = -1;
		*at_us = (int64_t)(utc ? timegm(&tm) : mktime(&tm)) * 1000000;
		return true;
	}
	return false;
}

bool
cli_parse_number(const char *text, long least, long most, long *out)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < least ||
	    n > most) {
		return false;
	}
	*out = n;
	return true;
}

void
cli_print_finding(FILE *to, bool color, bool is_warning, const char *file,
    long line, long column, const char *text)
{
	const char *level = is_warning ? "warning" : "error";

	if (color) {
		fputs("\033[1m", to);
	}
	if (line > 0) {
		fprintf(to, "%s:%ld:%ld: ", file, line, column);
	} else if (file[0] != '\0') {
		fprintf(to, "%s: ", file);
	}
	if (color) {
		fprintf(to, "\033[0m\033[%dm%s:\033[0m %s\n",
		    is_warning ? 33 : 31, level, text);
	} else {
		fprintf(to, "%s: %s\n", level, text);
	}
}

void
cli_print_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
	putchar('\n');
}
