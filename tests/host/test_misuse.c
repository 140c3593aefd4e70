/* SPDX-License-Identifier: MIT */
/*
 * Every public function with arguments that cannot be: NULL, a size too small,
 * names that are none, the wrong moment, the wrong process. Each returns a
 * status and a text that names the thing, and the runtime goes on. The list of
 * functions is compared with what the headers declare.
 */
#include "config.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/misuse.h"

struct guest misused;
struct reeve_error misuse_err;
static struct reeve *good, *const none;

#define err misuse_err

bool
misuse_is_in_words(void)
{
	static const char *const beginnings[] = { "cannot ", "there is no ",
		"no runtime " };
	const char *text = err.text;
	size_t len = strlen(text);
	bool begins = false;

	for (size_t i = 0; i < 3; i++) {
		begins |=
		    strncmp(text, beginnings[i], strlen(beginnings[i])) == 0;
	}
	begins &= len > 20 && len < sizeof(err.text) - 1 &&
		  strchr(text, '\n') == NULL && text[len - 1] != '.';
	if (!begins) {
		printf("# not in words: %s\n", text);
	}
	return begins;
}

static void
nothing(void *arg)
{
	(void)arg;
}

static void
on_event(void *ctx, const struct reeve_event *event)
{
	(void)ctx;
	(void)event;
}

/* -------- runtime.h -------- */

static void
misuse_create(void)
{
	struct reeve *out = NULL;
	struct reeve_options options = { .size = 4 };
	struct reeve_hooks hooks = { .size = 8 };
	struct {
		struct reeve_options known;
		long unknown;
	} newer = { .unknown = 1 };

	INVALID(reeve_create(&out, NULL, &err), "reeve_options");
	INVALID(reeve_create(&out, &options, &err), "size 4");
	options.size = sizeof(options);
	INVALID(reeve_create(&out, &options, &err), "neither");
	options.name = "x";
	INVALID(reeve_create(NULL, &options, &err), "place");
	options.method = (enum reeve_method)77;
	INVALID(reeve_create(&out, &options, &err), "77");
	options.method = REEVE_METHOD_DEFAULT;
	newer.known.size = sizeof(newer);
	newer.known.name = "x";
	INVALID(reeve_create(&out, &newer.known, &err), "version");
	options.config_file = "/nowhere/at/all.json";
	REFUSED(reeve_create(&out, &options, &err), REEVE_ECONFIG, "nowhere");
	options.config_file = misused.config;
	options.libexec_dir = rv_test_builddir();
	REFUSED(reeve_create(&out, &options, &err), REEVE_EBUSY, "pid");
	options.config_file = NULL;
	options.state_dir = rv_test_dir();
	options.hooks = &hooks;
	INVALID(reeve_create(&out, &options, &err), "reeve_hooks");
	CU_ASSERT_PTR_NULL(out);
}

static void
misuse_destroy(void)
{
	reeve_destroy(NULL);
}

static void
misuse_last_words(void)
{
	CU_ASSERT_EQUAL(reeve_last_words(none), -1);
}

static void
misuse_fd(void)
{
	CU_ASSERT_EQUAL(reeve_fd(none), -1);
}

static void
misuse_deadline(void)
{
	CU_ASSERT_EQUAL(reeve_deadline(none), INT64_MAX);
}

static void
misuse_timeout_ms(void)
{
	CU_ASSERT_EQUAL(reeve_timeout_ms(none), -1);
}

static void
misuse_dispatch(void)
{
	INVALID(reeve_dispatch(none, &err), "dispatch");
}

static void
misuse_post(void)
{
	CU_ASSERT_EQUAL(reeve_post(none, nothing, NULL), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_post(good, NULL, NULL), REEVE_EINVALID);
}

static void
misuse_shutdown(void)
{
	reeve_shutdown(none, NULL);
}

static void
misuse_reload(void)
{
	INVALID(reeve_reload(none, &err), "reload");
}

static void
misuse_note_signal(void)
{
	reeve_note_signal(none, 0);
}

static void
misuse_child_exited(void)
{
	CU_ASSERT_FALSE(reeve_child_exited(none, 1, 0));
	CU_ASSERT_FALSE(reeve_child_exited(good, -1, 0));
}

static void
misuse_version(void)
{
	CU_ASSERT_PTR_NOT_NULL(reeve_version());
}

/* -------- tree.h -------- */

static void
misuse_add_supervisor(void)
{
	struct reeve_supervisor_options options = { .size = 4 };

	INVALID(reeve_add_supervisor(none, "x", NULL, &err), "add");
	INVALID(reeve_add_supervisor(good, NULL, NULL, &err), "NULL");
	INVALID(reeve_add_supervisor(good, "a//b", NULL, &err), "a//b");
	INVALID(reeve_add_supervisor(good, "x", &options, &err), "size 4");
	options.size = sizeof(options);
	options.strategy = (enum reeve_strategy)9;
	INVALID(reeve_add_supervisor(good, "x", &options, &err), "strategy 9");
	options.strategy = REEVE_STRATEGY_DEFAULT;
	options.period_ms = -1;
	INVALID(reeve_add_supervisor(good, "x", &options, &err), "period");
	options.period_ms = 0;
	options.options = "{\"strategie\": 1}";
	REFUSED(reeve_add_supervisor(good, "x", &options, &err), REEVE_ECONFIG,
	    "strategie");
	options.options = "[]";
	INVALID(reeve_add_supervisor(good, "x", &options, &err), "object");
}

static void
misuse_add_worker(void)
{
	const char *const words[] = { "true", NULL }, *const bad[] = { "A",
		NULL };
	struct reeve_worker_options options = { .size = 4 };

	INVALID(reeve_add_worker(none, "x", &options, &err), "add");
	INVALID(
	    reeve_add_worker(good, "x", NULL, &err), "reeve_worker_options");
	INVALID(reeve_add_worker(good, "x", &options, &err), "size 4");
	options.size = sizeof(options);
	options.command = "true";
	INVALID(reeve_add_worker(good, NULL, &options, &err), "NULL");
	INVALID(reeve_add_worker(good, "x y", &options, &err), "x y");
	options.argv = words;
	INVALID(reeve_add_worker(good, "x", &options, &err), "more than one");
	options.argv = NULL;
	options.environment = bad;
	INVALID(reeve_add_worker(good, "x", &options, &err), "KEY=VALUE");
	options.environment = NULL;
	options.method = (enum reeve_method)9;
	INVALID(reeve_add_worker(good, "x", &options, &err), "start_method 9");
	options.method = REEVE_METHOD_DEFAULT;
	options.restart = (enum reeve_autorestart)17;
	INVALID(reeve_add_worker(good, "x", &options, &err),
	    "there is no autorestart 17: use 0 (the default), 1 (permanent), "
	    "2 (transient), 3 (temporary)");
	options.restart = REEVE_RESTART_DEFAULT;
	options.stop_ms = -5;
	INVALID(reeve_add_worker(good, "x", &options, &err), "stopwaitsecs");
	options.stop_ms = 0;
	options.args = "{";
	INVALID(reeve_add_worker(good, "x", &options, &err), "args");
	options.args = NULL;
	options.n_bytes = 3;
	INVALID(reeve_add_worker(good, "x", &options, &err), "bytes");
	options.n_bytes = 0;
	options.options = "{\"command\": \"false\"}";
	REFUSED(reeve_add_worker(good, "x", &options, &err), REEVE_ECONFIG,
	    "command");
	options.options = "nonsense";
	INVALID(reeve_add_worker(good, "x", &options, &err), "options");
}

static void
misuse_remove(void)
{
	INVALID(reeve_remove(none, "x", &err), "remove");
	INVALID(reeve_remove(good, NULL, &err), "NULL");
	REFUSED(reeve_remove(good, "nobody", &err), REEVE_ENOENT,
	    "nobody is not declared");
}

static void
misuse_listen(void)
{
	INVALID(reeve_listen(none, "x", 0, &err), "listener");
	INVALID(reeve_listen(good, NULL, 0, &err), "name");
	INVALID(reeve_listen(good, "x", -1, &err), "-1");
	INVALID(reeve_listen(good, "x", 99999, &err), "99999");
}

static void
misuse_seal(void)
{
	INVALID(reeve_seal(none, &err), "seal");
}

static void
misuse_commit(void)
{
	INVALID(reeve_commit(none, &err), "commit");
}

static void
misuse_discard(void)
{
	INVALID(reeve_discard(none, &err), "discard");
	CU_ASSERT_EQUAL(reeve_discard(good, &err), REEVE_OK);
}

static void
misuse_start(void)
{
	INVALID(reeve_start(none, "w", &err), "start");
	INVALID(reeve_start(good, NULL, &err), "NULL");
	REFUSED(reeve_start(good, "nobody", &err), REEVE_ENOENT, "nobody");
	REFUSED(reeve_start(good, "x*", &err), REEVE_ENOENT, "x*");
}

static void
misuse_stop(void)
{
	INVALID(reeve_stop(none, "w", &err), "stop");
	INVALID(reeve_stop(good, NULL, &err), "NULL");
	REFUSED(reeve_stop(good, "nobody", &err), REEVE_ENOENT, "nobody");
}

static void
misuse_restart(void)
{
	INVALID(reeve_restart(none, "w", &err), "restart");
	INVALID(reeve_restart(good, NULL, &err), "NULL");
	REFUSED(reeve_restart(good, "", &err), REEVE_ENOENT, "\"\"");
}

static void
misuse_signal_unit(void)
{
	INVALID(reeve_signal_unit(none, "w", SIGHUP, &err), "signal");
	INVALID(reeve_signal_unit(good, NULL, SIGHUP, &err), "NULL");
	INVALID(reeve_signal_unit(good, "w", 0, &err), "0");
	INVALID(reeve_signal_unit(good, "w", 65, &err), "65");
	REFUSED(reeve_signal_unit(good, "nobody", SIGHUP, &err), REEVE_ENOENT,
	    "nobody");
}

static void
misuse_scale(void)
{
	INVALID(reeve_scale(none, "w", 1, &err), "scale");
	INVALID(reeve_scale(good, NULL, 1, &err), "NULL");
	INVALID(reeve_scale(good, "w", 0, &err), "w to 0");
	REFUSED(reeve_scale(good, "nobody", 2, &err), REEVE_ENOENT, "nobody");
	INVALID(reeve_scale(good, "w", 2, &err), "w");
}

static void
misuse_signal(void)
{
	INVALID(reeve_signal(none, SIGHUP, &err), "signal");
	INVALID(reeve_signal(good, -1, &err), "-1");
	INVALID(reeve_signal(good, 65, &err), "65");
}

static void
misuse_unit_find(void)
{
	struct reeve_unit_info info = { .size = 4 };

	INVALID(reeve_unit_find(none, "w", &info, &err), "unit");
	INVALID(reeve_unit_find(good, "w", NULL, &err), "reeve_unit_info");
	INVALID(reeve_unit_find(good, "w", &info, &err), "size 4");
	info.size = sizeof(info);
	INVALID(reeve_unit_find(good, NULL, &info, &err), "NULL");
	REFUSED(reeve_unit_find(good, "nobody", &info, &err), REEVE_ENOENT,
	    "nobody");
	REFUSED(reeve_unit_find(good, "ww", &info, &err), REEVE_ENOENT,
	    "did you mean \"w\"?");
	CU_ASSERT_PTR_NULL(info.path);
}

static void
misuse_unit_next(void)
{
	struct reeve_unit_info info = { .size = 4 };

	CU_ASSERT_FALSE(reeve_unit_next(none, &info));
	CU_ASSERT_FALSE(reeve_unit_next(good, NULL));
	CU_ASSERT_FALSE(reeve_unit_next(good, &info));
	info.size = sizeof(info);
	info.path = "nobody";
	CU_ASSERT_FALSE(reeve_unit_next(good, &info));
	CU_ASSERT_PTR_NULL(info.path);
}

static void
misuse_unit_slot(void)
{
	char buf[8];
	size_t got = 99;

	INVALID(reeve_unit_slot(none, "w", buf, 8, &got, &err), "slot");
	INVALID(reeve_unit_slot(good, NULL, buf, 8, &got, &err), "NULL");
	INVALID(reeve_unit_slot(good, "w", NULL, 8, &got, &err), "place");
	REFUSED(reeve_unit_slot(good, "nobody", buf, 8, &got, &err),
	    REEVE_ENOENT, "nobody");
	REFUSED(reeve_unit_slot(good, "/", buf, 8, &got, &err), REEVE_EAGAIN,
	    "page");
	CU_ASSERT_EQUAL(got, 99);
}

/* -------- watch.h -------- */

static void
misuse_watch(void)
{
	struct reeve_watch_options options = { .size = 4 };
	struct reeve_watch *watch = NULL;

	INVALID(reeve_watch(none, &options, &watch, &err), "watch");
	INVALID(reeve_watch(good, NULL, &watch, &err), "reeve_watch_options");
	INVALID(reeve_watch(good, &options, &watch, &err), "size 4");
	options.size = sizeof(options);
	INVALID(reeve_watch(good, &options, &watch, &err), "neither");
	CU_ASSERT_PTR_NULL(watch);
}

static void
misuse_unwatch(void)
{
	struct reeve_watch_options options = {
		.size = sizeof(options),
		.event = on_event,
	};
	struct reeve_watch *watch = NULL;

	CU_ASSERT_EQUAL(reeve_watch(good, &options, &watch, &err), REEVE_OK);
	INVALID(reeve_unwatch(none, watch, &err), "watch");
	CU_ASSERT_EQUAL(reeve_unwatch(good, NULL, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_unwatch(good, watch, &err), REEVE_OK);
	REFUSED(reeve_unwatch(good, watch, &err), REEVE_ENOENT, "watch");
}

#define X(name)                               \
	{                                     \
		"reeve_" #name, misuse_##name \
	}
static const struct {
	const char *name;
	void (*misuse)(void);
} functions[] = {
	X(create),
	X(destroy),
	X(last_words),
	X(fd),
	X(deadline),
	X(timeout_ms),
	X(dispatch),
	X(post),
	X(shutdown),
	X(reload),
	X(note_signal),
	X(child_exited),
	X(version),
	X(add_supervisor),
	X(add_worker),
	X(remove),
	X(listen),
	X(seal),
	X(commit),
	X(discard),
	X(start),
	X(stop),
	X(restart),
	X(signal_unit),
	X(scale),
	X(signal),
	X(unit_find),
	X(unit_next),
	X(unit_slot),
	X(watch),
	X(unwatch),
	X(record),
	X(record_room),
	X(config_check),
	X(config_info_finish),
	X(config_places),
	X(config_workers),
	X(config_schema),
	X(free),
	X(control_add),
	X(control_remove),
	X(control_reply),
	X(control_fail),
	X(pool_unit_next),
	X(pool_unit_watch),
	X(client_open),
	X(client_close),
	X(client_call),
	X(client_send),
	X(client_submit),
	X(client_next),
	X(client_fd),
	X(client_events),
	X(client_refusal),
	X(client_method),
	X(log_open),
	X(log_close),
	X(log_events),
	X(log_sql),
	X(log_why),
	X(log_free),
	X(status_text),
	X(status_name),
	X(status_exit_code),
};
#undef X
#define N_FUNCTIONS (sizeof(functions) / sizeof(functions[0]))

static bool
is_there(struct guest *g)
{
	return g->settled && access(g->config, F_OK) == 0;
}

RV_TEST(what_cannot_be_is_refused_in_words)
{
	char db[300];
	struct reeve_unit_info info = { .size = sizeof(info) };

	misused = (struct guest){ 0 };
	guest_open(&misused, "misuse", "\"w\": " GUEST_WAITER);
	good = misused.reeve;
	CU_ASSERT(guest_until(&misused, is_there));
	snprintf(db, sizeof(db), "%s/events.db", misused.state);
	for (size_t i = 0; i < N_FUNCTIONS; i++) {
		unsigned before = CU_get_number_of_failures();

		functions[i].misuse();
		if (CU_get_number_of_failures() != before) {
			printf("# by %s\n", functions[i].name);
		}
	}
	/* Nothing is torn: what was there is there, and obeys. */
	CU_ASSERT_EQUAL(reeve_commit(good, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_unit_find(good, "w", &info, &err), REEVE_OK);
	CU_ASSERT_EQUAL(info.state, REEVE_RUNNING);
	CU_ASSERT_EQUAL(info.restarts, 0);
	guest_close(&misused);
}

RV_TEST(after_the_end_changes_are_refused)
{
	struct reeve_unit_info info = { .size = sizeof(info) };

	misused = (struct guest){ 0 };
	guest_open(&misused, "after", "\"w\": " GUEST_WAITER);
	good = misused.reeve;
	reeve_shutdown(good, "test");
	reeve_shutdown(good, "again");
	CU_ASSERT(guest_until(&misused, guest_is_finished));
	REFUSED(reeve_commit(good, &err), REEVE_ECLOSED, "commit");
	REFUSED(reeve_reload(good, &err), REEVE_ECLOSED, "reload");
	REFUSED(reeve_start(good, "w", &err), REEVE_ECLOSED, "start");
	REFUSED(reeve_scale(good, "w", 2, &err), REEVE_ECLOSED, "scale");
	REFUSED(reeve_signal(good, SIGHUP, &err), REEVE_ECLOSED, "signal");
	REFUSED(reeve_signal_unit(good, "w", SIGHUP, &err), REEVE_ECLOSED,
	    "signal");
	/* Looking is fine. */
	CU_ASSERT_EQUAL(reeve_unit_find(good, "w", &info, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_dispatch(good, &err), REEVE_OK);
	guest_close(&misused);
}

RV_TEST(a_process_forked_from_the_host_gets_nothing)
{
	struct reeve_unit_info info = { .size = sizeof(info) };
	int status = 0;
	pid_t pid;

	misused = (struct guest){ 0 };
	guest_open(&misused, "forked", "\"w\": " GUEST_WAITER);
	good = misused.reeve;
	CU_ASSERT(guest_until(&misused, guest_is_settled));
	pid = fork();
	if (pid == 0) {
		bool right =
		    reeve_dispatch(good, &err) == REEVE_EINVALID &&
		    strstr(err.text, "forked") != NULL &&
		    reeve_fd(good) == -1 &&
		    reeve_post(good, nothing, NULL) == REEVE_EINVALID &&
		    reeve_commit(good, &err) == REEVE_EINVALID &&
		    reeve_unit_find(good, "w", &info, &err) == REEVE_EINVALID;

		reeve_shutdown(good, "by a child");
		reeve_destroy(good);
		_exit(right ? 0 : 1);
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	/* Its destroy was none of ours. */
	CU_ASSERT_EQUAL(reeve_unit_find(good, "w", &info, &err), REEVE_OK);
	CU_ASSERT_EQUAL(kill(info.pid, 0), 0);
	CU_ASSERT_EQUAL(reeve_dispatch(good, &err), REEVE_OK);
	CU_ASSERT_FALSE(misused.finished);
	guest_close(&misused);
}

/* -------- completeness -------- */

/* Names between REEVE_PUBLIC and the parenthesis, counted. */
static unsigned
look_for_names(const char *text, const char *header)
{
	unsigned missing = 0;

	for (const char *at = text;
	     (at = strstr(at, "\nREEVE_PUBLIC ")) != NULL;) {
		const char *end = strchr(++at, '('), *name = end;
		bool known = false;

		while (name > at && name[-1] != ' ' && name[-1] != '*') {
			name--;
		}
		for (size_t i = 0; i < N_FUNCTIONS; i++) {
			known |=
			    strlen(functions[i].name) == (size_t)(end - name) &&
			    strncmp(functions[i].name, name,
				(size_t)(end - name)) == 0;
		}
		if (!known) {
			printf("# %s: %.*s\n", header, (int)(end - name), name);
			missing++;
		}
	}
	return missing;
}

/* Into text, which is of this size. */
static void
read_header(const char *name, char *text, size_t size)
{
	char path[1024];
	FILE *file;

	snprintf(path, sizeof(path), "%s/runtime/include/reeve/%s",
	    rv_test_srcdir(), name);
	file = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
}

/*
 * Of those that reeve.h takes in, and the adapters. The worker's side,
 * processes without a tree, and what other libraries have, is tested where it
 * lives.
 */
static bool
is_of_a_host(const char *name, const char *reeve_h)
{
	char line[512];

	snprintf(line, sizeof(line), "<reeve/%s>", name);
	return strcmp(name, "child.h") != 0 &&
	       strcmp(name, "function.h") != 0 &&
	       strcmp(name, "process.h") != 0 && strcmp(name, "self.h") != 0 &&
	       strcmp(name, "share.h") != 0 &&
	       (strstr(reeve_h, line) != NULL ||
		   strncmp(name, "loop_", 5) == 0);
}

RV_TEST(every_public_function_is_misused_here)
{
	static char text[256 * 1024], reeve_h[16 * 1024];
	struct dirent *entry;
	unsigned headers = 0;
	char dir[512];
	DIR *d;

	snprintf(
	    dir, sizeof(dir), "%s/runtime/include/reeve", rv_test_srcdir());
	read_header("reeve.h", reeve_h, sizeof(reeve_h));
	d = opendir(dir);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	while ((entry = readdir(d)) != NULL) {
		if (!is_of_a_host(entry->d_name, reeve_h)) {
			continue;
		}
		read_header(entry->d_name, text, sizeof(text));
		CU_ASSERT_EQUAL(look_for_names(text, entry->d_name), 0);
		headers++;
	}
	closedir(d);
	CU_ASSERT(headers >= 10);
}

RV_SUITE(misuse, RV_CASE(what_cannot_be_is_refused_in_words),
    RV_CASE(after_the_end_changes_are_refused),
    RV_CASE(a_process_forked_from_the_host_gets_nothing),
    RV_CASE(every_public_function_is_misused_here))
