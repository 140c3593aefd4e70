/* SPDX-License-Identifier: MIT */
/* What the tables say of themselves: help, version, schema, completion. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tools/reeve/cli.h"

static void
print_option(const struct cli_option_info *o)
{
	char left[64];

	snprintf(left, sizeof(left), "%s%c%s--%s%s%s", o->letter ? "-" : " ",
	    o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
	    o->arg != NULL ? " " : "", o->arg != NULL ? o->arg : "");
	printf("  %-22s %s\n", left, o->doc);
}

static void
print_all(void)
{
	printf("usage: reeve [-c FILE] VERB [OPTIONS] [NAMES]\n\n");
	for (unsigned i = 0; i < cli_n_verbs; i++) {
		char left[64];

		snprintf(left, sizeof(left), "%s %s", cli_verbs[i].name,
		    cli_verbs[i].args);
		printf("  %-30s %s\n", left, cli_verbs[i].line);
	}
	printf("\nwith every verb:\n");
	for (int i = 0; i < CLI_OPTIONS; i++) {
		if (cli_options[i].all) {
			print_option(&cli_options[i]);
		}
	}
	printf("\nNAMES are paths of units, such as web/app.0, or globs; "
	       "web/app means all its instances.\n"
	       "Exit status: 0 done, 1 failed, 2 usage or config, 3 no "
	       "runtime.\n"
	       "More: reeve help VERB, reeve(1), reeve.conf(5), "
	       "reeve-events(7).\n");
}

static void
print_verb(const struct cli_verb *verb)
{
	printf("usage: reeve %s%s%s%s\n\n%s\n", verb->name,
	    verb->options[0] != '\0' ? " [OPTIONS]" : "",
	    verb->args[0] != '\0' ? " " : "", verb->args, verb->line);
	if (verb->more[0] != '\0') {
		printf("%s\n", verb->more);
	}
	printf("\n");
	for (int i = 0; i < CLI_OPTIONS; i++) {
		if (!cli_options[i].all &&
		    cli_takes(verb, (enum cli_option)i)) {
			print_option(&cli_options[i]);
		}
	}
	printf("%s", verb->options[0] != '\0' ? "\nas with every verb:\n" : "");
	for (int i = 0; i < CLI_OPTIONS; i++) {
		if (cli_options[i].all) {
			print_option(&cli_options[i]);
		}
	}
}

/* reeve help control: the socket's methods, from the library's table. */
static void
print_control(void)
{
	struct reeve_method_info method = { .size = sizeof(method) };

	printf("The control socket takes JSON-RPC 2.0, one message a line. "
	       "Its methods:\n\n");
	for (unsigned i = 0; reeve_client_method(i, &method); i++) {
		char left[80];

		snprintf(
		    left, sizeof(left), "%s %s", method.name, method.params);
		printf("  %-34s %s\n", left, method.doc);
	}
	printf("\nMore: reeve-control(7).\n");
}

int
cli_verb_help(struct cli *cli)
{
	const struct cli_verb *verb;

	if (cli->n_names == 0) {
		print_all();
		return CLI_OK;
	}
	if (strcmp(cli->names[0], "control") == 0) {
		print_control();
		return CLI_OK;
	}
	verb = cli_find_verb(cli->names[0]);
	if (verb == NULL) {
		return cli_no_verb(cli->names[0]);
	}
	if (cli_is_raw(verb)) {
		char *words[] = { cli->names[0], (char *)(uintptr_t) "--help" };

		cli->names = words;
		cli->n_names = 2;
		return verb->run(cli);
	}
	print_verb(verb);
	return CLI_OK;
}

int
cli_verb_version(struct cli *cli)
{
	if (cli->has[CLI_OPT_json]) {
		printf("{\"version\":\"%s\"}\n", reeve_version());
	} else {
		printf("reeve %s\n", reeve_version());
	}
	return CLI_OK;
}

int
cli_verb_schema(struct cli *cli)
{
	char *text = reeve_config_schema();

	(void)cli;
	if (text == NULL) {
		cli_error("out of memory");
		return CLI_FAILED;
	}
	fputs(text, stdout);
	reeve_free(text);
	return CLI_OK;
}

static void
print_words(const char *name, const char *words)
{
	printf("\t%s) words=\"%s", name, words);
}

/* What the words of the config's runtime are, from it or from its log. */
static void
print_completion_values(void)
{
	printf("_reeve_paths() {\n"
	       "\t{ reeve \"$@\" --json status 2>/dev/null ||\n"
	       "\t\treeve \"$@\" --json sql 'SELECT DISTINCT path FROM "
	       "lives' 2>/dev/null; } |\n"
	       "\t\tgrep -o '\"path\":\"[^\"]*' | cut -d'\"' -f4\n"
	       "}\n"
	       "_reeve_kinds() {\n"
	       "\treeve \"$@\" --json sql 'SELECT DISTINCT kind FROM (SELECT "
	       "kind FROM events ORDER BY id DESC LIMIT 10000)' 2>/dev/null "
	       "|\n\t\tcut -d'\"' -f4\n"
	       "}\n");
}

static void
print_completion_arguments(void)
{
	printf("\t-c|--config) COMPREPLY=($(compgen -f -- \"$current\")); "
	       "return ;;\n"
	       "\t--state-dir) COMPREPLY=($(compgen -d -- \"$current\")); "
	       "return ;;\n"
	       "\t--worker) words=$(_reeve_paths \"${config[@]}\")\n"
	       "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$current\")); "
	       "return ;;\n"
	       "\t--kind) words=$(_reeve_kinds \"${config[@]}\")\n"
	       "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$current\")); "
	       "return ;;\n"
	       "\tsignal) COMPREPLY=($(compgen -W \"$(compgen -A signal | "
	       "sed -n 's/^SIG//p')\" -- \"$current\")); return ;;\n");
}

/* Its options end with COMMAND, and what is behind that is not ours. */
static void
print_map_completion(void)
{
	printf("_reeve_map() { # where the word map is\n"
	       "\tlocal i current=${COMP_WORDS[COMP_CWORD]} options=\"");
#define X(id, name, letter, arg, doc) printf("--%s ", name);
#include "tools/map/map.def"
#undef X
	printf("\"\n"
	       "\tfor ((i = $1 + 1; i < COMP_CWORD; i++)); do\n"
	       "\t\tcase ${COMP_WORDS[i]} in\n"
	       "\t\t");
#define X(id, name, letter, arg, doc)                       \
	if ((arg) != NULL && *(const char *)(arg) != '[') { \
		printf("--%s|", name);                      \
		if ((letter) != 0) {                        \
			printf("-%c|", letter);             \
		}                                           \
	}
#include "tools/map/map.def"
#undef X
	printf("=)\n"
	       "\t\t\t[ \"${COMP_WORDS[i + 1]}\" = = ] && ((i++))\n"
	       "\t\t\t((i++)) ;;\n"
	       "\t\t-*) ;;\n"
	       "\t\t*) return ;;\n"
	       "\t\tesac\n"
	       "\tdone\n"
	       "\tif ((i > COMP_CWORD)); then\n"
	       "\t\tcase ${COMP_WORDS[COMP_CWORD - 1]} in\n"
	       "\t\t--keep|--state-dir) COMPREPLY=($(compgen -d -- "
	       "\"$current\")) ;;\n"
	       "\t\t--halt) COMPREPLY=($(compgen -W 'never soon,fail= "
	       "now,fail= soon,success= now,success= soon,done= now,done=' -- "
	       "\"$current\")) ;;\n"
	       "\t\tesac\n"
	       "\telif [[ $current == -* ]]; then\n"
	       "\t\tCOMPREPLY=($(compgen -W \"$options\" -- "
	       "\"$current\"))\n"
	       "\telse\n"
	       "\t\tCOMPREPLY=($(compgen -c -- \"$current\"))\n"
	       "\tfi\n"
	       "}\n");
}

int
cli_verb_completion(struct cli *cli)
{
	(void)cli;
	printf("# completion of reeve for bash; made by: reeve completion\n");
	print_completion_values();
	print_map_completion();
	printf("_reeve() {\n"
	       "\tlocal current=${COMP_WORDS[COMP_CWORD]} verb= words= i\n"
	       "\tlocal -a config=()\n"
	       "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	       "\t\tcase ${COMP_WORDS[i]} in\n"
	       "\t\t-c|--config|--state-dir) config=(\"${COMP_WORDS[i]}\" "
	       "\"${COMP_WORDS[i + 1]}\"); ((i++)) ;;\n"
	       "\t\t-*) ;;\n"
	       "\t\tmap) [ -n \"$verb\" ] || { _reeve_map $i; return; } ;;\n"
	       "\t\t*) verb=${verb:-${COMP_WORDS[i]}} ;;\n"
	       "\t\tesac\n"
	       "\tdone\n"
	       "\tcase ${COMP_WORDS[COMP_CWORD - 1]} in\n");
	print_completion_arguments();
	printf("\tesac\n"
	       "\tcase $verb in\n");
	print_words("''|help", "");
	for (unsigned i = 0; i < cli_n_verbs; i++) {
		printf("%s ", cli_verbs[i].name);
	}
	printf("\" ;;\n");
	for (unsigned i = 0; i < cli_n_verbs; i++) {
		if (cli_verbs[i].run == cli_verb_help) {
			continue;
		}
		if (cli_is_raw(&cli_verbs[i])) {
			continue; /* it has a function of its own */
		}
		print_words(cli_verbs[i].name, "");
		for (int o = 0; o < CLI_OPTIONS; o++) {
			if (cli_takes(&cli_verbs[i], (enum cli_option)o)) {
				printf("--%s ", cli_options[o].name);
			}
		}
		printf("\" ;;\n");
	}
	printf("\tesac\n"
	       "\tcase $verb in status|start|stop|restart|signal|tail|why)\n"
	       "\t\twords+=\" $(_reeve_paths \"${config[@]}\")\" ;;\n"
	       "\tesac\n"
	       "\t[ \"$verb\" = tail ] && words+=\" stdout stderr\"\n"
	       "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
	       "}\n"
	       "complete -o default -F _reeve reeve\n");
	return CLI_OK;
}
