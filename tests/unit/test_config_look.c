/* SPDX-License-Identifier: MIT */
/*
 * Configs that are right and whose workers could still hardly be started: what
 * is warned of, and what is not.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "config/load.h"
#include "lib/harness.h"

/* What was found, a line each: "3:5 TEXT". */
static struct rv_buf said;

static void
on_finding(
    void *ctx, enum rv_finding_level level, const struct reeve_error *finding)
{
	(void)ctx;
	CU_ASSERT_EQUAL(level, RV_FINDING_WARNING);
	rv_buf_addf(
	    &said, "%d:%d %s\n", finding->line, finding->column, finding->text);
}

static void
write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	CU_ASSERT_FATAL(fd != -1);
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* The warnings of a file whose children are these. */
static const char *
look_at(const char *children, bool look)
{
	char dir[] = "/tmp/reeve-look-XXXXXX", file[64], plain[64], text[4096];
	struct rv_conf *conf = NULL;

	rv_buf_finish(&said);
	rv_buf_init(&said, 1 << 20);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/look.json", dir);
	snprintf(plain, sizeof(plain), "%s/plain", dir);
	snprintf(text, sizeof(text),
	    "{\"state_dir\": \"/s\", \"children\": {%s}}", children);
	write_file(file, text, 0600);
	write_file(plain, "no program", 0600);
	CU_ASSERT_EQUAL((look ? rv_conf_load_looking : rv_conf_load)(
			    &conf, file, on_finding, NULL),
	    REEVE_OK);
	rv_conf_unref(conf);
	unlink(plain);
	unlink(file);
	rmdir(dir);
	return rv_buf_str(&said);
}

static const struct {
	const char *worker, *words; /* "": nothing */
} doubts[] = {
	{ "\"command\": \"true\"", "" },
	{ "\"command\": \"/bin/sh -c true\"", "" },
	{ "\"command\": \"nosuchprog -x\"",
	    "children.w.command: there is no program nosuchprog in its PATH" },
	{ "\"command\": \"./nosuch\"",
	    "command: there is no /tmp/reeve-look-" },
	{ "\"command\": \"/nowhere/x\"", "command: there is no /nowhere/x\n" },
	{ "\"command\": \"/etc/passwd\"",
	    "command: /etc/passwd is not an executable file\n" },
	{ "\"command\": [\"./plain\"]", "/plain is not an executable file\n" },
	{ "\"command\": \"/tmp\"", "/tmp is not an executable file\n" },
	{ "\"command\": [\"sleep 9\"]",
	    "\"sleep 9\" is one word: in an array each word stands by itself" },
	{ "\"command\": [\"sleep\", \"9 \"]", "" },
	{ "\"command\": \"true\", \"directory\": \"/nowhere\"",
	    "children.w.directory: there is no directory /nowhere\n" },
	{ "\"command\": \"true\", \"directory\": \"/etc/passwd\"",
	    "there is no directory /etc/passwd\n" },
	{ "\"command\": \"true\", \"directory\": \"/tmp\"", "" },
	{ "\"function\": \"plain:f\"", "" },
	{ "\"function\": \"app.f\"",
	    "children.w.function: whether a function \"app.f\" is registered "
	    "cannot be told here" },
	{ "\"function\": \"/nowhere/m.so:f\"",
	    "children.w.function: there is no module /nowhere/m.so\n" },
	{ "\"function\": \"/tmp:f\"", "function: /tmp is no module\n" },
	/* the PATH is the worker's */
	{ "\"command\": \"true\", \"environment\": {\"PATH\": \"/nowhere\"}",
	    "there is no program true in its PATH: write its whole path, or "
	    "set PATH in its environment\n" },
	{ "\"command\": \"sh\", \"environment\": "
	  "{\"PATH\": \"/nowhere:/bin\"}",
	    "" },
	{ "\"command\": \"x\", \"environment\": {\"PATH\": \"bin::/bin\"}",
	    "" },
	{ "\"command\": \"sh\", \"clear_environment\": true", "" },
	/* no shell is run */
	{ "\"command\": \"true $HOME *.json\"",
	    "children.w.command: no shell is run, $HOME stays as it is: write "
	    "%(ENV_HOME)s, or [\"sh\", \"-c\", ...]\n" },
	{ "\"command\": \"true a*\"", "no shell is run, * stays as it is" },
	{ "\"command\": \"true ~/x\"", "no shell is run, ~ stays as it is" },
	{ "\"command\": \"true `id`\"", "no shell is run, ` stays" },
	{ "\"command\": \"true $(id)\"", "no shell is run, $ stays" },
	{ "\"command\": \"true '$HOME' \\\"$HOME *\\\" \\\\$HOME a~ $ 5$\"",
	    "" },
	{ "\"command\": \"sh -c 'kill $$; echo *'\"", "" },
	{ "\"command\": [\"sh\", \"-c\", \"echo $HOME *\"]", "" },
	/* what an expression brings in is not judged */
	{ "\"command\": \"true %(program_name)s %(ENV_LOOK)s\"", "" },
	{ "\"command\": \"%(ENV_LOOK_SH)s -c true\"", "" },
	{ "\"command\": \"true %(process_num)02d\", \"numprocs\": 3, "
	  "\"directory\": \"%(here)s\"",
	    "" },
};

RV_TEST(what_cannot_start_here_and_now_is_warned_of)
{
	setenv("LOOK", "$HOME * ~", 1);
	setenv("LOOK_SH", "/bin/sh", 1);
	for (size_t i = 0; i < RV_ARRAY_LEN(doubts); i++) {
		char children[512];
		const char *got;
		bool good;

		rv_format(children, sizeof(children), "\"w\": {%s}",
		    doubts[i].worker);
		got = look_at(children, true);
		good = doubts[i].words[0] == '\0'
			   ? got[0] == '\0'
			   : strstr(got, doubts[i].words) != NULL;
		if (!good) {
			printf("# %s: %s\n", doubts[i].worker, got);
		}
		CU_ASSERT(good);
	}
	unsetenv("LOOK");
	unsetenv("LOOK_SH");
	rv_buf_finish(&said);
}

RV_TEST(instances_are_warned_of_once_and_each_at_its_place)
{
	CU_ASSERT_STRING_EQUAL(
	    look_at("\"a\": {\"command\": \"/nowhere/a\", \"numprocs\": 9},\n"
		    "\"b\": {\"command\": \"/nowhere/b\"},\n"
		    "\"c\": {\"command\": \"/nowhere/b\"}",
		true),
	    "1:40 children.a.command: there is no /nowhere/a\n"
	    "2:7 children.b.command: there is no /nowhere/b\n"
	    "3:7 children.c.command: there is no /nowhere/b\n");
	rv_buf_finish(&said);
}

RV_TEST(the_disk_is_not_touched_unless_asked_for)
{
	CU_ASSERT_STRING_EQUAL(
	    look_at("\"w\": {\"command\": \"/nowhere/x\", \"directory\": "
		    "\"/nowhere\"}",
		false),
	    "");
	rv_buf_finish(&said);
}

RV_SUITE(config_look, RV_CASE(what_cannot_start_here_and_now_is_warned_of),
    RV_CASE(instances_are_warned_of_once_and_each_at_its_place),
    RV_CASE(the_disk_is_not_touched_unless_asked_for))
