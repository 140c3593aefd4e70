/* SPDX-License-Identifier: MIT */
/* Configs: what is accepted, what is refused, and in which words. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"
#include "config/load.h"
#include "config/schema.h"
#include "lib/harness.h"
#include "unit/config_said.h"

/* A config with one child `w`, which has these members beside what it runs. */
static struct rv_conf *
parse_unit(const char *runs, const char *members)
{
	char text[4096];

	snprintf(text, sizeof(text),
	    "{\"state_dir\":\"/s\",\"children\":{\"w\":{%s%s%s}}}", runs,
	    members[0] != '\0' ? "," : "", members);
	return said_parse(text);
}

static struct rv_conf *
parse_worker(const char *members)
{
	return parse_unit("\"command\":\"true\"", members);
}

static const struct rv_spec *
worker(const struct rv_conf *conf)
{
	return rv_conf_find(conf, "w");
}

RV_TEST(the_smallest_config_has_every_default)
{
	struct rv_conf *conf = parse_worker("");
	const struct rv_policy *p;

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_STRING_EQUAL(conf->name, "test");
	CU_ASSERT_STRING_EQUAL(conf->state_dir, "/s");
	CU_ASSERT_EQUAL(conf->n_specs, 2);
	CU_ASSERT_EQUAL(conf->root->policy->strategy, RV_ONE_FOR_ONE);
	CU_ASSERT_EQUAL(conf->root->policy->intensity, RV_UNLIMITED);
	p = worker(conf)->policy;
	CU_ASSERT_EQUAL(p->restart, RV_TRANSIENT);
	CU_ASSERT(p->autostart);
	CU_ASSERT_EQUAL(p->startsecs, RV_SEC);
	CU_ASSERT_EQUAL(p->startretries, 3);
	CU_ASSERT_EQUAL(p->start_timeout, 60 * RV_SEC);
	CU_ASSERT_EQUAL(p->ready, RV_READY_STARTED);
	CU_ASSERT_EQUAL(p->exitcodes[0], 1);
	CU_ASSERT_EQUAL(p->n_stop, 1);
	CU_ASSERT_EQUAL(p->stop[0].signo, 15);
	CU_ASSERT_EQUAL(p->stop[0].wait, 10 * RV_SEC);
	CU_ASSERT_EQUAL(p->kill_mode, RV_KILL_GROUP);
	CU_ASSERT_EQUAL(p->on_fatal, RV_FATAL_STAY);
	CU_ASSERT_EQUAL(p->backoff.initial, 0);
	CU_ASSERT_EQUAL(p->backoff.min, 100 * RV_MS);
	CU_ASSERT_EQUAL(p->backoff.max, 30 * RV_SEC);
	CU_ASSERT_EQUAL(p->backoff.factor_milli, 2000);
	CU_ASSERT_EQUAL(p->backoff.jitter_milli, 100);
	CU_ASSERT_EQUAL(p->hb_interval, 0);
	CU_ASSERT_STRING_EQUAL(
	    worker(conf)->program->out.path, "/s/logs/w.stdout.log");
	CU_ASSERT_EQUAL(worker(conf)->program->out.max_bytes, 50 << 20);
	CU_ASSERT_EQUAL(conf->journal.ring, 4 << 20);
	rv_conf_unref(conf);
	said_forget();
}

/* What must stand beside a key in its object. */
static const char *
beside(const struct rv_schema_row *in, const struct rv_schema_row *row)
{
	if (in->key == RV_CKEY_HEARTBEAT &&
	    row->key != RV_CKEY_HEARTBEAT_INTERVAL) {
		return "\"interval\":\"1s\",";
	}
	if (in->key == RV_CKEY_POOL && row->key != RV_CKEY_POOL_FUNCTION) {
		return "\"function\":\"app.f\",";
	}
	if (row->key == RV_CKEY_LISTEN_MODE) {
		return "\"address\":\"unix:///x\",";
	}
	if (in->key == RV_CKEY_LISTEN && row->key != RV_CKEY_LISTEN_ADDRESS) {
		return "\"address\":\"tcp://[::1]:80\",";
	}
	return "";
}

static bool
is_of_functions(const struct rv_schema_row *row)
{
	return row->key == RV_CKEY_ARGS || row->key == RV_CKEY_ARGS_BASE64 ||
	       row->key == RV_CKEY_FORKSERVER_PRELOAD ||
	       row->key == RV_CKEY_START_METHOD;
}

/* Where this key may stand: a config with it set to `value`. */
static struct rv_conf *
parse_key(const struct rv_schema_row *row, const char *value)
{
	char member[640], text[2048];

	rv_format(member, sizeof(member), "\"%s\":%s", row->name, value);
	if (row->where >= RV_CIN) {
		const struct rv_schema_row *in =
		    &rv_schema[row->where - RV_CIN];
		char inner[560];

		rv_format(
		    inner, sizeof(inner), "%s%s", beside(in, row), member);
		rv_format(member, sizeof(member),
		    in->key == RV_CKEY_LISTEN ? "\"%s\":{\"x\":{%s}}"
					      : "\"%s\":{%s}",
		    in->name, inner);
		row = in;
	}
	if (row->where == RV_CROOT || row->where == RV_CSUPER) {
		rv_format(text, sizeof(text),
		    "{%s%s\"children\":{\"w\":{\"command\":\"true\"}}%s%s}",
		    row->key != RV_CKEY_STATE_DIR ? "\"state_dir\":\"/s\","
						  : "",
		    "", row->key == RV_CKEY_CHILDREN ? "" : ",",
		    row->key == RV_CKEY_CHILDREN ? "" : member);
		return said_parse(text);
	}
	if (row->key == RV_CKEY_POOL) {
		return parse_unit(member, "");
	}
	if (is_of_functions(row)) {
		return parse_unit("\"function\":\"app.f\"", member);
	}
	return row->key == RV_CKEY_COMMAND ? parse_worker("")
					   : parse_worker(member);
}

RV_TEST(every_key_takes_its_default_and_refuses_what_it_cannot_be)
{
	for (size_t i = 0; i < RV_CKEYS; i++) {
		const struct rv_schema_row *row = &rv_schema[i];
		struct rv_conf *conf;
		char words[128];

		if (!row->built || row->key == RV_CKEY_CHILDREN ||
		    row->key == RV_CKEY_COMMAND) {
			continue;
		}
		if (strcmp(row->otherwise, "null") != 0) {
			conf = parse_key(row, row->otherwise);
			if (conf == NULL) {
				printf(
				    "# %s: %s", row->name, rv_buf_str(&said));
			}
			CU_ASSERT_PTR_NOT_NULL(conf);
			rv_conf_unref(conf);
		}
		/* null is no value of any key, but of arguments */
		if (row->key == RV_CKEY_ARGS || row->key == RV_CKEY_POOL_ARGS) {
			continue;
		}
		conf = parse_key(row, "null");
		CU_ASSERT_PTR_NULL(conf);
		snprintf(words, sizeof(words), "%s: ", row->name);
		CU_ASSERT(said_words(words));
	}
	said_forget();
}

RV_TEST(what_is_not_built_yet_is_known_and_said_so)
{
	for (size_t i = 0; i < RV_CKEYS; i++) {
		const struct rv_schema_row *row = &rv_schema[i];
		const char *at = row->choices;

		if (!row->built) {
			CU_ASSERT_PTR_NULL(parse_key(row, "{}"));
			CU_ASSERT(said_words("not built yet"));
		}
		for (; *at != '\0'; at += strcspn(at, "|"), at += *at == '|') {
			char value[64];
			struct rv_conf *conf;

			snprintf(value, sizeof(value), "\"%.*s\"",
			    (int)strcspn(at + (*at == '!'), "|"),
			    at + (*at == '!'));
			conf = parse_key(row, value);
			CU_ASSERT_EQUAL(conf == NULL, *at == '!');
			if (conf == NULL) {
				CU_ASSERT(said_words("is not built yet"));
			}
			rv_conf_unref(conf);
		}
	}
	said_forget();
}

RV_TEST(ranges_are_kept)
{
	for (size_t i = 0; i < RV_CKEYS; i++) {
		const struct rv_schema_row *row = &rv_schema[i];
		char value[64];

		if (!row->built || row->type != RV_CT_INT) {
			continue;
		}
		snprintf(value, sizeof(value), "%lld", (long long)row->max + 1);
		CU_ASSERT_PTR_NULL(parse_key(row, value));
		CU_ASSERT(said_words("is out of range"));
		snprintf(value, sizeof(value), "%lld", (long long)row->min - 1);
		CU_ASSERT_PTR_NULL(parse_key(row, value));
		CU_ASSERT(said_words("is out of range"));
	}
	said_forget();
}

RV_TEST(deep_and_broken_texts_do_no_harm)
{
	char deep[4000];

	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	CU_ASSERT_PTR_NULL(said_parse(deep));
	CU_ASSERT(said_words("1:33 error nested too deeply"));
	CU_ASSERT_PTR_NULL(said_parse("{\"children\":{\"\xff\":1}}"));
	CU_ASSERT(said_words("not JSON"));
	{
		struct rv_conf *conf = NULL;

		rv_buf_reset(&said);
		CU_ASSERT_EQUAL(
		    rv_conf_parse(&conf, "x", "{}\0{}", 5, said_finding, NULL),
		    REEVE_ECONFIG);
		CU_ASSERT(said_words("there is a NUL byte"));
	}
	said_forget();
}

static const struct {
	const char *members;
	const char *words[6];
} commands[] = {
	{ "\"a b  c\"", { "a", "b", "c" } },
	{ "\"a 'b  c' \\\"d e\\\"\"", { "a", "b  c", "d e" } },
	{ "\"a b\\\\ c ''\"", { "a", "b c", "" } },
	{ "\"a 'x;y'\"", { "a", "x;y" } },
	{ "[\"a\", \"b c\"]", { "a", "b c" } },
	{ "\"./a b/c\"", { "/etc/reeve/./a", "b/c" } },
	{ "\"/bin/a %(program_name)s%%\"", { "/bin/a", "w%" } },
	{ "\"a %(process_num)03d %(here)s\"", { "a", "000", "/etc/reeve" } },
};

RV_TEST(commands_become_words)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(commands); i++) {
		char text[512];
		struct rv_conf *conf;
		const char *const *argv;
		size_t n = 0;

		snprintf(text, sizeof(text),
		    "{\"state_dir\":\"/"
		    "s\",\"children\":{\"w\":{\"command\":%s}}"
		    "}",
		    commands[i].members);
		conf = said_parse(text);
		CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
		argv = worker(conf)->program->argv;
		for (; commands[i].words[n] != NULL; n++) {
			CU_ASSERT_PTR_NOT_NULL_FATAL(argv[n]);
			CU_ASSERT_STRING_EQUAL(argv[n], commands[i].words[n]);
		}
		CU_ASSERT_PTR_NULL(argv[n]);
		rv_conf_unref(conf);
	}
	said_forget();
}

RV_TEST(values_become_what_they_mean)
{
	struct rv_conf *conf = parse_worker(
	    "\"startsecs\":\"250ms\",\"start_timeout\":\"never\","
	    "\"stopsignal\":[[\"QUIT\",\"30s\"],[\"TERM\",5]],"
	    "\"exitcodes\":[0,3,255],\"autorestart\":false,\"umask\":\"027\","
	    "\"ready\":{\"fd\":5},\"kill_mode\":\"process\",\"nice\":-5,"
	    "\"heartbeat\":{\"interval\":1.5,\"misses\":2,\"action\":\"abort\"}"
	    ",\"limits\":{\"nofile\":{\"soft\":10},\"as\":\"1GiB\","
	    "\"core\":\"unlimited\"},\"stdout_logfile\":\"NONE\","
	    "\"redirect_stderr\":true,\"oom_score_adj\":-7,"
	    "\"backoff\":{\"factor\":1.5}");
	const struct rv_policy *p;
	const struct rv_program *g;

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	p = worker(conf)->policy;
	g = worker(conf)->program;
	CU_ASSERT_EQUAL(p->startsecs, 250 * RV_MS);
	CU_ASSERT_EQUAL(p->start_timeout, RV_FOREVER);
	CU_ASSERT_EQUAL(p->n_stop, 2);
	CU_ASSERT_EQUAL(p->stop[0].signo, 3);
	CU_ASSERT_EQUAL(p->stop[1].wait, 5 * RV_SEC);
	CU_ASSERT_EQUAL(p->exitcodes[0], 9);
	CU_ASSERT_EQUAL(p->exitcodes[31], 128);
	CU_ASSERT_EQUAL(p->restart, RV_TEMPORARY);
	CU_ASSERT_EQUAL(p->ready, RV_READY_TOLD);
	CU_ASSERT_EQUAL(p->kill_mode, RV_KILL_PROCESS);
	CU_ASSERT_EQUAL(p->hb_interval, 1500 * RV_MS);
	CU_ASSERT_EQUAL(p->hb_misses, 2);
	CU_ASSERT_EQUAL(p->hb_action, RV_HB_ABORT);
	CU_ASSERT_EQUAL(p->backoff.factor_milli, 1500);
	CU_ASSERT_EQUAL(g->umask, 027);
	CU_ASSERT_EQUAL(g->ready, RV_CHANNEL_FD);
	CU_ASSERT_EQUAL(g->ready_fd, 5);
	CU_ASSERT(g->set_nice && g->nice == -5);
	CU_ASSERT(g->set_oom && g->oom_score_adj == -7);
	CU_ASSERT_EQUAL(g->n_limits, 3);
	CU_ASSERT(g->limits[0].has_soft && !g->limits[0].has_hard);
	CU_ASSERT_EQUAL(g->limits[1].soft, 1u << 30);
	CU_ASSERT_EQUAL(g->limits[2].hard, UINT64_MAX);
	CU_ASSERT_EQUAL(g->out.kind, RV_OUT_NONE);
	CU_ASSERT_EQUAL(g->err.kind, RV_OUT_MERGED);
	rv_conf_unref(conf);
	said_forget();
}

RV_TEST(instances_stand_under_a_supervisor_of_their_name)
{
	struct rv_conf *conf =
	    said_parse("{\"state_dir\":\"/"
		       "s\",\"children\":{\"web\":{\"children\":{\"app\":"
		       "{\"command\":\"x %(process_num)02d "
		       "%(group_name)s\",\"numprocs\":2,"
		       "\"numprocs_start\":7,\"autostart\":false},\"f\":{"
		       "\"command\":\"y\","
		       "\"depends_on\":[\"app\"]}}}}}");
	const struct rv_spec *app, *one;

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	app = rv_conf_find(conf, "web/app");
	one = rv_conf_find(conf, "web/app.7");
	CU_ASSERT_PTR_NOT_NULL_FATAL(one);
	CU_ASSERT_PTR_NOT_NULL(rv_conf_find(conf, "web/app.8"));
	CU_ASSERT_PTR_NULL(rv_conf_find(conf, "web/app.9"));
	CU_ASSERT(app->instances && one->parent == app);
	CU_ASSERT_EQUAL(app->policy->kind, RV_SUPERVISOR);
	CU_ASSERT_FALSE(app->policy->autostart);
	CU_ASSERT(one->policy->autostart);
	CU_ASSERT_STRING_EQUAL(one->program->argv[1], "07");
	CU_ASSERT_STRING_EQUAL(one->program->argv[2], "web");
	CU_ASSERT_STRING_EQUAL(
	    one->program->out.path, "/s/logs/web__app.7.stdout.log");
	CU_ASSERT_PTR_EQUAL(rv_conf_find(conf, "web/f")->deps[0], app);
	CU_ASSERT_EQUAL(one->n_deps, 0);
	rv_conf_unref(conf);
	said_forget();
}

RV_TEST(the_nearest_default_counts_and_variables_and_limits_merge)
{
	struct rv_conf *conf = said_parse(
	    "{\"state_dir\":\"/s\",\"defaults\":{\"startsecs\":5,\"nice\":1,"
	    "\"environment\":{\"A\":\"1\",\"B\":\"1\"},\"limits\":{\"core\":1}}"
	    ","
	    "\"children\":{\"s\":{\"defaults\":{\"nice\":2,\"environment\":"
	    "{\"B\":\"2\"},\"limits\":{\"core\":2,\"nofile\":9}},\"children\":{"
	    "\"w\":{\"command\":\"x\",\"environment\":{\"C\":\"3\"}}}}}}");
	const struct rv_spec *w;

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	w = rv_conf_find(conf, "s/w");
	CU_ASSERT_EQUAL(w->policy->startsecs, 5 * RV_SEC);
	CU_ASSERT_EQUAL(w->program->nice, 2);
	CU_ASSERT_STRING_EQUAL(w->program->env_set[0], "A=1");
	CU_ASSERT_STRING_EQUAL(w->program->env_set[1], "B=2");
	CU_ASSERT_STRING_EQUAL(w->program->env_set[2], "C=3");
	CU_ASSERT_PTR_NULL(w->program->env_set[3]);
	CU_ASSERT_EQUAL(w->program->n_limits, 2);
	CU_ASSERT_EQUAL(w->program->limits[0].soft, 2);
	/* not for supervisors */
	CU_ASSERT_EQUAL(rv_conf_find(conf, "s")->policy->restart, RV_PERMANENT);
	rv_conf_unref(conf);
	said_forget();
}

RV_TEST(a_file_of_variables_is_below_the_object)
{
	char path[256], members[512];
	FILE *file;
	struct rv_conf *conf;

	snprintf(path, sizeof(path), "%s/env", rv_test_dir());
	file = fopen(path, "w");
	fprintf(file, "# comment\nA=1\n\nexport B=\"x y\"\nC='z'\n");
	fclose(file);
	snprintf(members, sizeof(members),
	    "\"environment_file\":\"%s\",\"environment\":{\"A\":\"2\"}", path);
	conf = parse_worker(members);
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_STRING_EQUAL(worker(conf)->program->env_set[0], "A=2");
	CU_ASSERT_STRING_EQUAL(worker(conf)->program->env_set[1], "B=x y");
	CU_ASSERT_STRING_EQUAL(worker(conf)->program->env_set[2], "C=z");
	rv_conf_unref(conf);
	CU_ASSERT_PTR_NULL(
	    parse_worker("\"environment_file\":\"/nowhere/env\""));
	CU_ASSERT(said_words("cannot read /nowhere/env: No such file"));
	said_forget();
}

RV_TEST(a_window_that_can_never_fill_is_warned_of)
{
	struct rv_conf *conf = said_parse(
	    "{\"state_dir\":\"/s\",\"intensity\":50,\"period\":\"10s\","
	    "\"children\":{\"w\":{\"command\":\"x\"}}}");

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT(said_words("warning intensity: this window can never fill"));
	rv_conf_unref(conf);
	conf = said_parse(
	    "{\"state_dir\":\"/s\",\"intensity\":3,\"period\":\"10s\","
	    "\"children\":{\"w\":{\"command\":\"x\"}}}");
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), "");
	rv_conf_unref(conf);
	said_forget();
}

static const struct {
	const char *members;
	bool policy, program;
} differences[] = {
	{ "", false, false },
	{ "\"startsecs\":2", true, false },
	{ "\"stopsignal\":\"INT\"", true, false },
	{ "\"autorestart\":true", true, false },
	{ "\"environment\":{\"A\":\"1\"}", false, true },
	{ "\"directory\":\"/tmp\"", false, true },
	{ "\"limits\":{\"core\":0}", false, true },
	{ "\"stdout_logfile\":\"NONE\"", false, true },
	{ "\"umask\":\"077\"", false, true },
};

RV_TEST(digests_differ_where_a_reload_must_act)
{
	struct rv_conf *plain = parse_worker("");

	for (size_t i = 0; i < RV_ARRAY_LEN(differences); i++) {
		struct rv_conf *other = parse_worker(differences[i].members);

		CU_ASSERT_PTR_NOT_NULL_FATAL(other);
		CU_ASSERT_EQUAL(worker(plain)->policy_digest !=
				    worker(other)->policy_digest,
		    differences[i].policy);
		CU_ASSERT_EQUAL(worker(plain)->program_digest !=
				    worker(other)->program_digest,
		    differences[i].program);
		CU_ASSERT_EQUAL(
		    worker(plain)->deps_digest, worker(other)->deps_digest);
		rv_conf_unref(other);
	}
	rv_conf_unref(plain);
	said_forget();
}

RV_TEST(each_key_that_needs_a_new_start_is_noticed_at_a_reload)
{
	static const char *const others[RV_CTYPES] = {
		[RV_CT_NAME] = "\"other\"",
		[RV_CT_PATH] = "\"/other\"",
		[RV_CT_DURATION] = "\"77s\"",
		[RV_CT_SIZE] = "\"1MiB\"",
	};
	struct rv_conf *was = parse_worker("");
	unsigned seen = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(was);
	for (size_t i = 0; i < RV_CKEYS; i++) {
		const struct rv_schema_row *row = &rv_schema[i];
		struct rv_conf *is;
		char words[128];

		if (row->when != RV_CWHEN_REEVE || !row->built ||
		    row->type == RV_CT_OBJECT) {
			continue;
		}
		CU_ASSERT_PTR_NOT_NULL_FATAL(others[row->type]);
		is = parse_key(row, others[row->type]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(is);
		rv_conf_check_fixed(was, is, said_finding, NULL);
		snprintf(words, sizeof(words),
		    "%s: cannot change while the runtime runs (it is \"",
		    row->name);
		CU_ASSERT(said_words(words));
		CU_ASSERT_PTR_EQUAL(strchr(rv_buf_str(&said), '\n'),
		    rv_buf_str(&said) + said.len - 1);
		rv_conf_unref(is);
		seen++;
	}
	CU_ASSERT_EQUAL(seen, 7);
	rv_conf_unref(was);
	said_forget();
}

RV_TEST(what_needs_a_new_start_is_told_with_its_place)
{
	struct rv_conf *was = parse_worker("");
	struct rv_conf *is = said_parse("{\"state_dir\":\"/s\",\n \"journal\": "
					"{\"retain\": \"30d\", \"ring\":\n "
					"\"8MiB\"}, \"children\":{}}");

	CU_ASSERT_PTR_NOT_NULL_FATAL(was);
	CU_ASSERT_PTR_NOT_NULL_FATAL(is);
	rv_conf_check_fixed(was, is, said_finding, NULL);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said),
	    "2:31 error journal.ring: cannot change while the runtime runs (it "
	    "is \"4MiB\"); stop it and start it again\n");
	rv_conf_unref(was);
	rv_conf_unref(is);
	said_forget();
}

RV_TEST(places_follow_from_name_and_user)
{
	char state[256], runtime[256], other[256];
	struct reeve_error err;

	CU_ASSERT_EQUAL(rv_conf_dirs("x", true, state, sizeof(state), runtime,
			    sizeof(runtime), &err),
	    REEVE_OK);
	CU_ASSERT_STRING_EQUAL(state, "/var/lib/reeve/x");
	setenv("XDG_STATE_HOME", "/xdg", 1);
	CU_ASSERT_EQUAL(rv_conf_dirs("x", false, state, sizeof(state), runtime,
			    sizeof(runtime), &err),
	    REEVE_OK);
	CU_ASSERT_STRING_EQUAL(state, "/xdg/reeve/x");
	unsetenv("XDG_STATE_HOME");
	setenv("HOME", "/home/u", 1);
	CU_ASSERT_EQUAL(rv_conf_dirs("x", false, state, sizeof(state), runtime,
			    sizeof(runtime), &err),
	    REEVE_OK);
	CU_ASSERT_STRING_EQUAL(state, "/home/u/.local/state/reeve/x");
	CU_ASSERT_EQUAL(
	    rv_conf_runtime_dir("/a", runtime, sizeof(runtime), &err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(
	    rv_conf_runtime_dir("/b", other, sizeof(other), &err), REEVE_OK);
	CU_ASSERT_STRING_NOT_EQUAL(runtime, other);
	said_forget();
}

RV_TEST(instances_have_a_window_of_their_own_when_it_is_given)
{
	struct rv_conf *conf = parse_worker("\"numprocs\":2");
	const struct rv_policy *whole;

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	whole = rv_conf_find(conf, "w")->policy;
	CU_ASSERT_EQUAL(whole->intensity, RV_UNLIMITED);
	CU_ASSERT_EQUAL(whole->period, 10 * RV_SEC);
	rv_conf_unref(conf);
	conf = parse_worker("\"numprocs\":2,\"intensity\":3,\"period\":\"5m\"");
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), "");
	whole = rv_conf_find(conf, "w")->policy;
	CU_ASSERT_EQUAL(whole->intensity, 3);
	CU_ASSERT_EQUAL(whole->period, 300 * RV_SEC);
	rv_conf_unref(conf);
	conf = parse_worker("\"intensity\":3");
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT(said_words("without numprocs it means nothing"));
	rv_conf_unref(conf);
	said_forget();
}

RV_TEST(thousands_of_units_are_found_by_path)
{
	struct rv_conf *conf = parse_worker("\"numprocs\":5000");
	char path[32];

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_EQUAL(conf->n_specs, 5002);
	for (int i = 0; i < 5000; i++) {
		snprintf(path, sizeof(path), "w.%d", i);
		CU_ASSERT_PTR_NOT_NULL(rv_conf_find(conf, path));
	}
	CU_ASSERT_PTR_NULL(rv_conf_find(conf, "w.5000"));
	rv_conf_unref(conf);
	said_forget();
}

RV_TEST(the_examples_are_good)
{
	static const char *const files[] = { "config/quickstart.json",
		"config/examples/functions.json",
		"config/examples/manager.json", "config/examples/handover.json",
		"config/examples/shop.json" };

	for (size_t i = 0; i < RV_ARRAY_LEN(files); i++) {
		struct rv_conf *conf = NULL;
		char path[512];

		snprintf(
		    path, sizeof(path), "%s/%s", rv_test_srcdir(), files[i]);
		rv_buf_init(&said, 1 << 16);
		CU_ASSERT_EQUAL(
		    rv_conf_load(&conf, path, said_finding, NULL), REEVE_OK);
		CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), "");
		rv_conf_unref(conf);
		said_forget();
	}
}

RV_TEST(every_failing_allocation_is_survived)
{
	said_without_memory("{\"state_dir\":\"/s\",\"children\":{\"s\":{"
			    "\"strategy\":\"one_for_all\",\"children\":{\"a\":"
			    "{\"command\":\"x y\",\"numprocs\":3,\"limits\":"
			    "{\"core\":1},\"environment\":{\"A\":\"%(here)s\"}}"
			    ",\"b\":{\"command\":\"z\",\"depends_on\":[\"a\"]}"
			    "}}}}");
}

RV_SUITE(config, RV_CASE(the_smallest_config_has_every_default),
    RV_CASE(every_key_takes_its_default_and_refuses_what_it_cannot_be),
    RV_CASE(what_is_not_built_yet_is_known_and_said_so),
    RV_CASE(ranges_are_kept), RV_CASE(deep_and_broken_texts_do_no_harm),
    RV_CASE(commands_become_words), RV_CASE(values_become_what_they_mean),
    RV_CASE(instances_stand_under_a_supervisor_of_their_name),
    RV_CASE(the_nearest_default_counts_and_variables_and_limits_merge),
    RV_CASE(a_file_of_variables_is_below_the_object),
    RV_CASE(a_window_that_can_never_fill_is_warned_of),
    RV_CASE(digests_differ_where_a_reload_must_act),
    RV_CASE(each_key_that_needs_a_new_start_is_noticed_at_a_reload),
    RV_CASE(what_needs_a_new_start_is_told_with_its_place),
    RV_CASE(places_follow_from_name_and_user),
    RV_CASE(instances_have_a_window_of_their_own_when_it_is_given),
    RV_CASE(thousands_of_units_are_found_by_path),
    RV_CASE(the_examples_are_good),
    RV_CASE(every_failing_allocation_is_survived))
