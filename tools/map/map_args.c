/* SPDX-License-Identifier: MIT */
/*
 * The words of the command line into options: map.def says which there are.
 * Options end with the first other word, so that COMMAND keeps its own.
 */
#include "config.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/map/map.h"
#include "tools/reeve/cli_nearest.h"

enum option_id {
#define X(id, name, letter, arg, doc) OPT_##id,
#include "tools/map/map.def"
#undef X
	OPTIONS
};

static const struct {
	const char *name;
	int letter;
	const char *arg, *doc;
} infos[OPTIONS] = {
#define X(id, name, letter, arg, doc) { name, letter, arg, doc },
#include "tools/map/map.def"
#undef X
};

/* What an argument may be, of those that may not be anything. */
#define A_TIME "seconds, or with a unit: 250ms 5s 2m 1h 30d"
static const struct {
	enum option_id id;
	const char *form;
} forms[] = {
	{ OPT_jobs, "1 to 100000, or a share of the processors: 50%" },
	{ OPT_chunk, "1 to 100000" },
	{ OPT_retries, "0 to 1000000" },
	{ OPT_backoff, A_TIME },
	{ OPT_timeout, A_TIME ", and not 0" },
	{ OPT_kill_after, A_TIME },
	{ OPT_memory, "bytes, or with a unit: 64MiB 2GB" },
	{ OPT_function, "a file and a function in it: ./module.so:resize" },
	{ OPT_halt,
	    "never; or soon or now, then what: soon,fail=3 now,done=50%" },
	{ OPT_resume, "nothing, or =by-text" },
	{ OPT_name, "letters, digits and _.@+-, at most 64" },
};

#define LONG_BASE 1000
#define JOBS_MAX  100000
#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* -------- values -------- */

static bool
parse_number(const char *text, double *value, const char **rest)
{
	char *end;

	if (text[0] < '0' || text[0] > '9') {
		return false;
	}
	*value = strtod(text, &end);
	*rest = end;
	return *value < 1e15;
}

bool
map_parse_time(const char *text, int64_t *ns)
{
	static const struct {
		const char *unit;
		double s;
	} units[] = { { "", 1 }, { "ms", 0.001 }, { "s", 1 }, { "m", 60 },
		{ "h", 3600 }, { "d", 86400 } };
	const char *rest;
	double value;

	if (!parse_number(text, &value, &rest)) {
		return false;
	}
	for (size_t i = 0; i < LENGTH(units); i++) {
		if (strcmp(rest, units[i].unit) == 0) {
			value *= units[i].s;
			*ns = (int64_t)(value * 1e9);
			return value <= 366.0 * 86400;
		}
	}
	return false;
}

bool
map_parse_size(const char *text, uint64_t *bytes)
{
	static const struct {
		const char *unit;
		double bytes;
	} units[] = { { "", 1 }, { "B", 1 }, { "K", 1024 }, { "M", 1048576 },
		{ "G", 1073741824 }, { "KiB", 1024 }, { "MiB", 1048576 },
		{ "GiB", 1073741824 }, { "TiB", 1099511627776 }, { "kB", 1e3 },
		{ "KB", 1e3 }, { "MB", 1e6 }, { "GB", 1e9 }, { "TB", 1e12 } };
	const char *rest;
	double value;

	if (!parse_number(text, &value, &rest)) {
		return false;
	}
	for (size_t i = 0; i < LENGTH(units); i++) {
		if (strcmp(rest, units[i].unit) == 0) {
			value *= units[i].bytes;
			*bytes = (uint64_t)value;
			return value >= 1 && value < 1e18;
		}
	}
	return false;
}

static bool
parse_count(const char *text, unsigned least, unsigned most, unsigned *out)
{
	char *end;
	long n;

	if (text[0] < '0' || text[0] > '9') {
		return false;
	}
	n = strtol(text, &end, 10);
	if (*end != '\0' || n < (long)least || n > (long)most) {
		return false;
	}
	*out = (unsigned)n;
	return true;
}

static bool
parse_jobs(const char *text, unsigned *jobs)
{
	size_t len = strlen(text);
	char digits[16];
	unsigned share;

	if (len == 0 || len >= sizeof(digits) || text[len - 1] != '%') {
		return parse_count(text, 1, JOBS_MAX, jobs);
	}
	memcpy(digits, text, len - 1);
	digits[len - 1] = '\0';
	if (!parse_count(digits, 1, 100000, &share)) {
		return false;
	}
	*jobs = (unsigned)((uint64_t)map_cpus() * share / 100);
	*jobs += *jobs == 0;
	return true;
}

/* -------- options -------- */

static bool
take_resume(struct map_options *o, const char *arg)
{
	if (arg == NULL) {
		o->resume = MAP_RESUME;
		return true;
	}
	o->resume = MAP_RESUME_BY_TEXT;
	return strcmp(arg, "by-text") == 0;
}

static bool
take_name(struct map_options *o, const char *arg)
{
	o->name = arg;
	for (size_t i = 0; arg[i] != '\0'; i++) {
		if (!((arg[i] >= 'a' && arg[i] <= 'z') ||
			(arg[i] >= 'A' && arg[i] <= 'Z') ||
			(arg[i] >= '0' && arg[i] <= '9') ||
			strchr("_.@+-", arg[i]) != NULL)) {
			return false;
		}
	}
	return arg[0] != '\0' && strlen(arg) <= 64;
}

/* As a config has it; names alone are of programs that have functions. */
static bool
take_function(struct map_options *o, const char *arg)
{
	const char *colon = strrchr(arg, ':');

	o->function = arg;
	if (colon == NULL || colon == arg || colon[1] == '\0') {
		return false;
	}
	for (const char *at = colon + 1; *at != '\0'; at++) {
		if (!(*at >= 'a' && *at <= 'z') &&
		    !(*at >= 'A' && *at <= 'Z') && *at != '_' &&
		    !(*at >= '0' && *at <= '9' && at > colon + 1)) {
			return false;
		}
	}
	return true;
}

static bool
take_flag(struct map_options *o, enum option_id id)
{
	const struct {
		enum option_id id;
		bool *flag;
	} flags[] = {
		{ OPT_null, &o->null },
		{ OPT_shell, &o->shell },
		{ OPT_order, &o->order },
		{ OPT_tag, &o->tag },
		{ OPT_dry_run, &o->dry_run },
		{ OPT_progress, &o->progress },
		{ OPT_quiet, &o->quiet },
		{ OPT_json, &o->json },
		{ OPT_help, &o->help },
		{ OPT_resume_failed, &o->resume_failed },
	};

	for (size_t i = 0; i < LENGTH(flags); i++) {
		if (flags[i].id == id) {
			*flags[i].flag = true;
			return true;
		}
	}
	return false;
}

static bool
take_text(struct map_options *o, enum option_id id, const char *arg)
{
	const struct {
		enum option_id id;
		const char **text;
	} texts[] = {
		{ OPT_keep, &o->keep },
		{ OPT_state_dir, &o->state_dir },
		{ OPT_replace, &o->replace },
	};

	for (size_t i = 0; i < LENGTH(texts); i++) {
		if (texts[i].id == id) {
			*texts[i].text = arg;
			return arg[0] != '\0';
		}
	}
	return false;
}

/* False: the argument cannot be. */
static bool
take(struct map_options *o, enum option_id id, const char *arg)
{
	switch (id) {
	case OPT_jobs:
		return parse_jobs(arg, &o->jobs);
	case OPT_arg_file:
		map_list_add(&o->arg_files, arg);
		return arg[0] != '\0';
	case OPT_files:
		map_list_add(&o->globs, arg);
		return arg[0] != '\0';
	case OPT_chunk:
		return parse_count(arg, 1, 100000, &o->chunk);
	case OPT_retries:
		return parse_count(arg, 0, 1000000, &o->retries);
	case OPT_backoff:
		return map_parse_time(arg, &o->backoff);
	case OPT_timeout:
		return map_parse_time(arg, &o->timeout) && o->timeout > 0;
	case OPT_kill_after:
		return map_parse_time(arg, &o->kill_after);
	case OPT_memory:
		return map_parse_size(arg, &o->memory);
	case OPT_halt:
		return map_halt_parse(&o->halt, arg);
	case OPT_resume:
		return take_resume(o, arg);
	case OPT_name:
		return take_name(o, arg);
	case OPT_function:
		return take_function(o, arg);
	default:
		return take_flag(o, id) || take_text(o, id, arg);
	}
}

/* Of those that are not listed only an empty one is refused. */
static const char *
form_of(enum option_id id)
{
	for (size_t i = 0; i < LENGTH(forms); i++) {
		if (forms[i].id == id) {
			return forms[i].form;
		}
	}
	return "it is empty";
}

static int
has_arg(int i)
{
	return infos[i].arg == NULL     ? no_argument
	       : infos[i].arg[0] == '[' ? optional_argument
					: required_argument;
}

static void
fill_getopt(struct option longs[OPTIONS + 1], char *shorts)
{
	int n = 0;

	/* "+": options end with the first other word. */
	shorts[n++] = '+';
	shorts[n++] = ':';
	for (int i = 0; i < OPTIONS; i++) {
		longs[i] = (struct option){ .name = infos[i].name,
			.has_arg = has_arg(i),
			.val = LONG_BASE + i };
		if (infos[i].letter != 0) {
			shorts[n++] = (char)infos[i].letter;
			if (infos[i].arg != NULL) {
				shorts[n++] = ':';
			}
		}
	}
	shorts[n] = '\0';
	longs[OPTIONS] = (struct option){ 0 };
}

static int
option_of(int got)
{
	for (int i = 0; i < OPTIONS; i++) {
		if (got == LONG_BASE + i || (got == infos[i].letter && got)) {
			return i;
		}
	}
	return -1;
}

static void
refuse(const char *word)
{
	const char *nearest = NULL;
	unsigned best = cli_patience(word + 2) + 1;

	for (int i = 0; strncmp(word, "--", 2) == 0 && i < OPTIONS; i++) {
		unsigned d = cli_distance(infos[i].name, word + 2);

		if (d < best) {
			best = d;
			nearest = infos[i].name;
		}
	}
	if (nearest != NULL) {
		map_say(
		    "no such option: %s; did you mean --%s?", word, nearest);
	} else {
		map_say("no such option: %s; see reeve map --help", word);
	}
}

static int
read_options(struct map_options *o, int argc, char **argv)
{
	struct option longs[OPTIONS + 1];
	char shorts[2 * OPTIONS + 3];
	int got;

	fill_getopt(longs, shorts);
	opterr = 0;
	while ((got = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		int i = option_of(got);

		if (got == ':') {
			map_say("%s needs an argument; see reeve map --help",
			    argv[optind - 1]);
			return MAP_USAGE;
		}
		if (i < 0) {
			refuse(argv[optind - 1]);
			return MAP_USAGE;
		}
		if (!take(o, (enum option_id)i, optarg)) {
			map_say("--%s %s: not %s: %s", infos[i].name,
			    optarg != NULL ? optarg : "",
			    infos[i].arg != NULL ? infos[i].arg : "a flag",
			    form_of((enum option_id)i));
			return MAP_USAGE;
		}
	}
	return 0;
}

static void
take_words(struct map_options *o, int argc, char **argv)
{
	int i = optind;

	o->command = (const char **)(uintptr_t)(argv + i);
	while (i < argc && strcmp(argv[i], ":::") != 0) {
		i++;
	}
	o->n_command = (size_t)(i - optind);
	o->listed = i < argc;
	while (++i < argc) {
		map_list_add(&o->items, argv[i]);
	}
}

static const char *
contradiction(const struct map_options *o)
{
	unsigned sources = o->listed + (o->arg_files.n > 0) + (o->globs.n > 0);

	if (o->n_command == 0 && o->function == NULL) {
		return "there is no COMMAND";
	}
	if (o->n_command > 0 && o->function != NULL) {
		return "--function stands in the place of COMMAND: items go "
		       "behind :::";
	}
	if (o->function != NULL && (o->shell || o->replace != NULL)) {
		return "--shell and --replace are for a COMMAND, and "
		       "--function has none";
	}
	if (sources > 1) {
		return "items come from one place: --arg-file, --files or :::";
	}
	if (o->json && (o->tag || o->dry_run)) {
		return "--json goes with neither --tag nor --dry-run";
	}
	if (o->name != NULL && o->state_dir != NULL) {
		return "--name and --state-dir both say where the log is";
	}
	return NULL;
}

int
map_args(struct map_options *o, int argc, char **argv)
{
	const char *wrong;
	int code;

	*o = (struct map_options){
		.chunk = 1, .backoff = 100 * MAP_MS, .kill_after = -1
	};
	code = read_options(o, argc, argv);
	if (code != 0 || o->help) {
		return code;
	}
	take_words(o, argc, argv);
	wrong = contradiction(o);
	if (wrong != NULL) {
		map_say("%s; usage: reeve map [OPTIONS] COMMAND [ARG...] "
			"[::: ITEM...]; see reeve map --help",
		    wrong);
		return MAP_USAGE;
	}
	if (o->jobs == 0) {
		o->jobs = map_cpus();
	}
	if (o->kill_after < 0) {
		/* A function hears of TERM only if it asks for it. */
		o->kill_after = o->function != NULL ? 0 : 10 * MAP_S;
	}
	if (o->resume_failed && o->resume == MAP_ANEW) {
		o->resume = MAP_RESUME;
	}
	return 0;
}

void
map_help(void)
{
	printf("usage: reeve map [OPTIONS] COMMAND [ARG...] [::: ITEM...]\n"
	       "       reeve map [OPTIONS] --function MODULE:NAME [::: "
	       "ITEM...]\n\n"
	       "run COMMAND once for each item, several at once, and record "
	       "how each ended\n"
	       "Items are the lines of standard input, or what --arg-file, "
	       "--files or ::: name. Each is\n"
	       "one argument, whatever is in it: in the place of {} ({.} "
	       "without its extension, {/} its\n"
	       "last name, {//} its folder, {/.} both, {#} its number, {%%} "
	       "the slot), else at the end.\n\n");
	for (int i = 0; i < OPTIONS; i++) {
		char left[64];
		bool optional = has_arg(i) == optional_argument;

		snprintf(left, sizeof(left), "%s%c%s--%s%s%s",
		    infos[i].letter ? "-" : " ",
		    infos[i].letter ? infos[i].letter : ' ',
		    infos[i].letter ? ", " : "  ", infos[i].name,
		    infos[i].arg != NULL && !optional ? " " : "",
		    infos[i].arg != NULL ? infos[i].arg : "");
		printf("  %-24s %s\n", left, infos[i].doc);
	}
	printf("\nExit status: 0 all ended well, 1 some failed, 2 usage, 3 "
	       "could not, 128+N stopped by signal N.\n"
	       "More: reeve-map(1).\n");
}
