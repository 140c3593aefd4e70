/* SPDX-License-Identifier: MIT */
/*
 * reeve: finds the verb, reads its options, calls it. Verbs and options are
 * tables; nothing here knows any of them by name.
 */
#include "config.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/reeve/cli.h"
#include "tools/reeve/cli_nearest.h"

const struct cli_verb cli_verbs[] = {
#define X(id, name, args, least, most, options, line, more) \
	{ name, args, least, most, options, line, more, cli_verb_##id },
#include "tools/reeve/verbs.def"
#undef X
};
const unsigned cli_n_verbs = sizeof(cli_verbs) / sizeof(cli_verbs[0]);

const struct cli_option_info cli_options[CLI_OPTIONS] = {
#define ALL(id, name, letter, arg, doc) { name, letter, arg, doc, true },
#define X(id, name, letter, arg, doc)   { name, letter, arg, doc, false },
#include "tools/reeve/options.def"
#undef ALL
#undef X
};

#define LONG_BASE 1000 /* what getopt returns for option i is this + i */

bool
cli_is_raw(const struct cli_verb *verb)
{
	return strcmp(verb->options, "*") == 0;
}

bool
cli_takes(const struct cli_verb *verb, enum cli_option i)
{
	const char *name = cli_options[i].name;
	const char *at = verb->options;
	size_t len = strlen(name);

	if (cli_options[i].all) {
		return true;
	}
	for (; (at = strstr(at, name)) != NULL; at += len) {
		if ((at == verb->options || at[-1] == ' ') &&
		    (at[len] == ' ' || at[len] == '\0')) {
			return true;
		}
	}
	return false;
}

static void
fill_getopt(struct option *longs, char *shorts)
{
	int n = 0;

	shorts[n++] = ':';
	for (int i = 0; i < CLI_OPTIONS; i++) {
		const struct cli_option_info *o = &cli_options[i];

		longs[i] = (struct option){ .name = o->name,
			.has_arg =
			    o->arg != NULL ? required_argument : no_argument,
			.val = LONG_BASE + i };
		if (o->letter != 0) {
			shorts[n++] = (char)o->letter;
			if (o->arg != NULL) {
				shorts[n++] = ':';
			}
		}
	}
	shorts[n] = '\0';
	longs[CLI_OPTIONS] = (struct option){ 0 };
}

static int
option_of(int got)
{
	if (got >= LONG_BASE) {
		return got - LONG_BASE;
	}
	for (int i = 0; i < CLI_OPTIONS; i++) {
		if (cli_options[i].letter == got) {
			return i;
		}
	}
	return -1;
}

static int
bad_option(int got, char **argv)
{
	const char *word = argv[optind - 1];
	const char *nearest = NULL;
	unsigned best = 3;

	if (got == ':') {
		cli_error("%s needs an argument", word);
		return CLI_USAGE;
	}
	for (int i = 0; strncmp(word, "--", 2) == 0 && i < CLI_OPTIONS; i++) {
		unsigned d = cli_distance(cli_options[i].name, word + 2);

		if (d < best) {
			best = d;
			nearest = cli_options[i].name;
		}
	}
	if (nearest != NULL) {
		cli_error(
		    "no such option: %s; did you mean --%s?", word, nearest);
	} else if (strncmp(word, "--", 2) == 0) {
		cli_error("no such option: %s; see reeve help", word);
	} else {
		cli_error("no such option: -%c; see reeve help", optopt);
	}
	return CLI_USAGE;
}

static int
read_options(struct cli *cli, int argc, char **argv)
{
	struct option longs[CLI_OPTIONS + 1];
	char shorts[2 * CLI_OPTIONS + 2];
	int got;

	fill_getopt(longs, shorts);
	opterr = 0;
	while ((got = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		int i = option_of(got);

		if (got == '?' || got == ':' || i < 0) {
			return bad_option(got, argv);
		}
		cli->has[i] = true;
		cli->arg[i] = optarg;
	}
	cli->names = argv + optind;
	cli->n_names = argc - optind;
	return CLI_OK;
}

const struct cli_verb *
cli_find_verb(const char *name)
{
	for (unsigned i = 0; i < cli_n_verbs; i++) {
		if (strcmp(cli_verbs[i].name, name) == 0) {
			return &cli_verbs[i];
		}
	}
	return NULL;
}

/* What other programs call it. */
static const char *
other_word(const char *name)
{
	static const char *const words[][2] = {
		{ "kill", "signal" },
		{ "log", "tail" },
		{ "logs", "tail" },
		{ "ps", "status" },
		{ "list", "status" },
		{ "ls", "status" },
		{ "up", "start" },
		{ "down", "stop" },
		{ "quit", "shutdown" },
		{ "exit", "shutdown" },
		{ "avail", "status" },
		{ "update", "reload" },
		{ "reread", "reload" },
		{ "validate", "check" },
		{ "query", "sql" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i][0], name) == 0) {
			return words[i][1];
		}
	}
	return NULL;
}

/* A verb that is only begun is nearer than one with another letter. */
static unsigned
distance_to(const char *verb, const char *name)
{
	size_t len = strlen(name);

	return len > 1 && strncmp(verb, name, len) == 0
		   ? 0
		   : cli_distance(verb, name);
}

int
cli_no_verb(const char *name)
{
	const char *nearest = other_word(name);
	size_t len = strlen(name);
	/* A short word is another word after two changes. */
	unsigned best = nearest != NULL ? 0 : len < 6 ? 2 : 3;

	for (unsigned i = 0; i < cli_n_verbs; i++) {
		unsigned d = distance_to(cli_verbs[i].name, name);

		if (d < best) {
			best = d;
			nearest = cli_verbs[i].name;
		}
	}
	if (nearest != NULL) {
		cli_error("no such verb: %s; did you mean %s?", name, nearest);
	} else {
		cli_error("no such verb: %s; see reeve help", name);
	}
	return CLI_USAGE;
}

static int
usage(const struct cli_verb *verb, const struct cli *cli)
{
	cli_error("usage: reeve %s%s%s%s", verb->name,
	    verb->options[0] != '\0' ? " [OPTIONS]" : "",
	    verb->args[0] != '\0' ? " " : "", verb->args);
	if (cli->n_names > 0 && verb->most == 0 &&
	    cli_takes(verb, CLI_OPT_worker)) {
		cli_error("of one unit alone: reeve %s --worker %s", verb->name,
		    cli->names[0]);
	}
	if (cli->n_names > 0 && strcmp(verb->name, "reload") == 0) {
		cli_error("of one unit alone: reeve restart %s", cli->names[0]);
	}
	if (cli->n_names > 0 && strcmp(verb->name, "shutdown") == 0) {
		cli_error("of one unit alone: reeve stop %s", cli->names[0]);
	}
	if (cli->n_names == 0 && strcmp(verb->name, "why") == 0) {
		cli_error("of what crashed last, whoever it was: reeve why /");
	}
	return CLI_USAGE;
}

/* Verbs count lines, events and deaths by words of their own. */
static int
refuse_option(const struct cli_verb *verb, enum cli_option option)
{
	static const enum cli_option counts[] = { CLI_OPT_lines, CLI_OPT_limit,
		CLI_OPT_last };
	const char *meant = NULL;
	bool counted = false;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		counted = counted || counts[i] == option;
		if (cli_takes(verb, counts[i])) {
			meant = cli_options[counts[i]].name;
		}
	}
	if (counted && meant != NULL) {
		cli_error("reeve %s takes no --%s; did you mean --%s?",
		    verb->name, cli_options[option].name, meant);
	} else {
		cli_error("reeve %s takes no --%s; see reeve help %s",
		    verb->name, cli_options[option].name, verb->name);
	}
	return CLI_USAGE;
}

static int
call(const struct cli_verb *verb, struct cli *cli)
{
	for (int i = 0; i < CLI_OPTIONS; i++) {
		if (cli->has[i] && !cli_takes(verb, (enum cli_option)i)) {
			return refuse_option(verb, (enum cli_option)i);
		}
	}
	if (cli->n_names < verb->least ||
	    (verb->most >= 0 && cli->n_names > verb->most)) {
		return usage(verb, cli);
	}
	return verb->run(cli);
}

static int
dispatch(struct cli *cli)
{
	const struct cli_verb *verb;
	int code;

	if (cli->n_names == 0) {
		code = cli_verb_help(cli);
		return cli->has[CLI_OPT_help] ? code : CLI_USAGE;
	}
	verb = cli_find_verb(cli->names[0]);
	if (verb == NULL) {
		return cli_no_verb(cli->names[0]);
	}
	if (cli->has[CLI_OPT_help]) {
		cli->n_names = 1;
		return cli_verb_help(cli);
	}
	cli->names++;
	cli->n_names--;
	if (cli_is_raw(verb)) {
		cli_error("options stand behind the verb: reeve %s [OPTIONS]",
		    verb->name);
		return CLI_USAGE;
	}
	return call(verb, cli);
}

/* One that reads its own words does so before any is taken for ours. */
static const struct cli_verb *
raw_verb(int argc, char **argv)
{
	const struct cli_verb *verb = argc > 1 ? cli_find_verb(argv[1]) : NULL;

	return verb != NULL && cli_is_raw(verb) ? verb : NULL;
}

int
main(int argc, char **argv)
{
	struct cli cli = { 0 };
	const char *no_color = getenv("NO_COLOR");
	int code;

	if (argc == 2 &&
	    (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
		return cli_verb_version(&cli);
	}
	if (raw_verb(argc, argv) != NULL) {
		cli.names = argv + 1;
		cli.n_names = argc - 1;
		return raw_verb(argc, argv)->run(&cli);
	}
	code = read_options(&cli, argc, argv);
	if (code != CLI_OK) {
		return code;
	}
	signal(SIGPIPE, SIG_DFL);
	if (cli.has[CLI_OPT_no_color]) {
		cli_plain();
	}
	cli.color = isatty(STDOUT_FILENO) != 0 && !cli.has[CLI_OPT_no_color] &&
		    (no_color == NULL || no_color[0] == '\0');
	code = dispatch(&cli);
	if (fflush(stdout) != 0 && code == CLI_OK) {
		cli_error("cannot write the output");
		code = CLI_FAILED;
	}
	return code;
}
