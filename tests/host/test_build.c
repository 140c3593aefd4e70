/* SPDX-License-Identifier: MIT */
/*
 * A tree built from C: added, committed, refused, steered, scaled, watched,
 * judged by hooks, taken down; alone and beside a config file.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/guest.h"
#include "lib/harness.h"

static struct reeve_error err;

#define OK(call)                                               \
	do {                                                   \
		enum reeve_status got_ = (call);               \
		if (got_ != REEVE_OK) {                        \
			printf("# %s: %s\n", #call, err.text); \
		}                                              \
		CU_ASSERT_EQUAL(got_, REEVE_OK);               \
	} while (0)

static struct reeve_unit_info
unit_at(struct guest *guest, const char *path)
{
	struct reeve_unit_info info = { .size = sizeof(info) };

	if (reeve_unit_find(guest->reeve, path, &info, &err) != REEVE_OK) {
		info.state = REEVE_STOPPED;
		info.path = NULL;
	}
	return info;
}

static const char *wanted_path;
static enum reeve_unit_state wanted_state;

static bool
has_state(struct guest *guest)
{
	struct reeve_unit_info info = unit_at(guest, wanted_path);

	return info.path != NULL && info.state == wanted_state;
}

static bool
await(struct guest *guest, const char *path, enum reeve_unit_state state)
{
	wanted_path = path;
	wanted_state = state;
	return guest_until(guest, has_state);
}

static bool
is_gone(struct guest *guest)
{
	return unit_at(guest, wanted_path).path == NULL;
}

static pid_t wanted_pid;

/* Another process than that, and ready. */
static bool
is_another(struct guest *guest)
{
	struct reeve_unit_info info = unit_at(guest, wanted_path);

	return info.state == REEVE_RUNNING && info.pid != wanted_pid;
}

static void
add_waiter(struct guest *guest, const char *path, uint32_t instances)
{
	static char program[256];
	const char *const argv[] = { program, "ready", "wait", NULL };
	struct reeve_worker_options options = {
		.size = sizeof(options),
		.argv = argv,
		.instances = instances,
		.options = "{\"ready\": {\"fd\": 3}}",
	};

	snprintf(program, sizeof(program),
	    "%s/tests/fixtures/children/notifier", rv_test_builddir());
	OK(reeve_add_worker(guest->reeve, path, &options, &err));
}

RV_TEST(a_tree_is_built_from_c_alone)
{
	struct guest guest = { 0 };
	struct reeve_supervisor_options web = {
		.size = sizeof(web),
		.strategy = REEVE_ONE_FOR_ALL,
		.intensity = 3,
		.period_ms = 5000,
	};
	struct reeve_unit_info info = { .size = sizeof(info) };
	char seen[256] = "";

	guest_open(&guest, "alone", NULL);
	OK(reeve_add_supervisor(guest.reeve, "web", &web, &err));
	add_waiter(&guest, "web/app", 2);
	add_waiter(&guest, "solo", 0);
	/* Noted only. */
	CU_ASSERT_PTR_NULL(unit_at(&guest, "web").path);
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT(await(&guest, "web/app.1", REEVE_RUNNING));
	CU_ASSERT(await(&guest, "solo", REEVE_RUNNING));
	CU_ASSERT(await(&guest, "web", REEVE_RUNNING));
	CU_ASSERT_EQUAL(unit_at(&guest, "web").kind, REEVE_SUPERVISOR);
	CU_ASSERT(unit_at(&guest, "/solo").pid > 0);
	while (reeve_unit_next(guest.reeve, &info)) {
		strncat(seen, info.path, sizeof(seen) - strlen(seen) - 1);
		strncat(seen, " ", sizeof(seen) - strlen(seen) - 1);
	}
	CU_ASSERT_STRING_EQUAL(seen, "/ web web/app web/app.0 web/app.1 solo ");
	CU_ASSERT_PTR_NULL(info.path);
	/* Goes again, and its neighbour does not notice. */
	OK(reeve_remove(guest.reeve, "web", &err));
	OK(reeve_commit(guest.reeve, &err));
	wanted_path = "web";
	CU_ASSERT(guest_until(&guest, is_gone));
	CU_ASSERT_EQUAL(unit_at(&guest, "solo").restarts, 0);
	CU_ASSERT_EQUAL(unit_at(&guest, "solo").state, REEVE_RUNNING);
	guest_close(&guest);
}

RV_TEST(units_from_c_stand_beside_those_of_a_file)
{
	struct guest guest = { 0 };
	pid_t before;

	guest_open(&guest, "both", "\"file\": " GUEST_WAITER);
	add_waiter(&guest, "mine", 0);
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT(await(&guest, "file", REEVE_RUNNING));
	CU_ASSERT(await(&guest, "mine", REEVE_RUNNING));
	before = unit_at(&guest, "mine").pid;
	/* A reload of the file keeps what was committed. */
	OK(reeve_reload(guest.reeve, &err));
	CU_ASSERT_EQUAL(unit_at(&guest, "mine").pid, before);
	CU_ASSERT_EQUAL(reeve_remove(guest.reeve, "file", &err), REEVE_ENOENT);
	guest_close(&guest);
}

static void
keep_detail(void *ctx, const struct reeve_event *event)
{
	if (((char *)ctx)[0] == '\0') {
		snprintf(ctx, 128, "%s", event->detail);
	}
}

RV_TEST(what_comes_after_a_shutdown_is_refused)
{
	struct guest guest = { 0 };
	char asked[128] = "";
	struct reeve_watch_options watch = {
		.size = sizeof(watch),
		.kinds = "control.request",
		.event = keep_detail,
		.ctx = asked,
	};

	guest_open(&guest, "late", "\"w\": " GUEST_WAITER);
	CU_ASSERT(await(&guest, "w", REEVE_RUNNING));
	OK(reeve_watch(guest.reeve, &watch, NULL, &err));
	reeve_shutdown(guest.reeve, "late in the day");
	CU_ASSERT_EQUAL(reeve_start(guest.reeve, "w", &err), REEVE_EBUSY);
	CU_ASSERT_EQUAL(reeve_stop(guest.reeve, "w", &err), REEVE_EBUSY);
	CU_ASSERT_EQUAL(reeve_restart(guest.reeve, "w", &err), REEVE_EBUSY);
	CU_ASSERT_STRING_EQUAL(
	    err.text, "cannot restart w: the runtime is shutting down");
	CU_ASSERT_EQUAL(reeve_commit(guest.reeve, &err), REEVE_EBUSY);
	CU_ASSERT_STRING_EQUAL(
	    err.text, "cannot commit the tree: the runtime is shutting down");
	guest_close(&guest);
	CU_ASSERT_STRING_EQUAL(
	    asked, "{\"method\":\"shutdown\",\"reason\":\"late in the day\"}");
}

RV_TEST(a_socket_that_is_nowhere_is_asked_for_in_words)
{
	struct guest guest = { 0 };
	const char *const listen[] = { "web", NULL };
	struct reeve_worker_options options = {
		.size = sizeof(options),
		.command = "/bin/true",
		.listen = listen,
	};

	guest_open(&guest, "nowhere", NULL);
	OK(reeve_add_worker(guest.reeve, "w", &options, &err));
	CU_ASSERT_EQUAL(reeve_commit(guest.reeve, &err), REEVE_ECONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "reeve_listen"));
	guest_close(&guest);
}

RV_TEST(a_commit_is_all_or_nothing)
{
	struct guest guest = { 0 };
	struct reeve_worker_options bad = {
		.size = sizeof(bad),
		.command = "/bin/true",
		.options = "{\"depends_on\": [\"nobody\"]}",
	};

	guest_open(&guest, "whole", NULL);
	add_waiter(&guest, "good", 0);
	OK(reeve_add_worker(guest.reeve, "bad", &bad, &err));
	CU_ASSERT_EQUAL(reeve_commit(guest.reeve, &err), REEVE_ECONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "nobody"));
	CU_ASSERT(guest.findings > 0);
	CU_ASSERT_PTR_NULL(unit_at(&guest, "good").path);
	/* Corrected, what was noted counts. */
	OK(reeve_remove(guest.reeve, "bad", &err));
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(guest.notice, "tree committed: 1 added"));
	CU_ASSERT(await(&guest, "good", REEVE_RUNNING));
	/* And forgotten, it does not. */
	OK(reeve_add_worker(guest.reeve, "bad", &bad, &err));
	OK(reeve_discard(guest.reeve, &err));
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT_PTR_NULL(unit_at(&guest, "bad").path);
	guest_close(&guest);
}

static void
add_group(struct guest *guest, const char *path, unsigned intensity)
{
	struct reeve_supervisor_options group = {
		.size = sizeof(group),
		.intensity = intensity,
		/* So short that the window can never fill. */
		.period_ms = 1,
	};

	OK(reeve_add_supervisor(guest->reeve, path, &group, &err));
}

RV_TEST(a_warning_is_said_once_until_it_changes)
{
	struct guest guest = { 0 };

	guest_open(&guest, "warned", NULL);
	add_group(&guest, "g", 9);
	add_waiter(&guest, "g/w", 0);
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT_EQUAL(guest.warnings, 1);
	OK(reeve_commit(guest.reeve, &err));
	add_waiter(&guest, "g/v", 0);
	OK(reeve_commit(guest.reeve, &err));
	OK(reeve_reload(guest.reeve, &err));
	CU_ASSERT_EQUAL(guest.warnings, 2); /* of two children, another text */
	/* One more of them, and the first is not said again. */
	add_group(&guest, "h", 9);
	add_waiter(&guest, "h/w", 0);
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT_EQUAL(guest.warnings, 3);
	/* Gone and back again it is news. */
	OK(reeve_remove(guest.reeve, "h", &err));
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT_EQUAL(guest.warnings, 3);
	add_group(&guest, "h", 9);
	add_waiter(&guest, "h/w", 0);
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT_EQUAL(guest.warnings, 4);
	guest_close(&guest);
}

/* An error is the answer to this commit, though the last one had it, too. */
RV_TEST(an_error_is_said_each_time)
{
	struct guest guest = { 0 };
	struct reeve_worker_options bad = {
		.size = sizeof(bad),
		.command = "/bin/true",
		.options = "{\"depends_on\": [\"nobody\"]}",
	};

	guest_open(&guest, "erring", NULL);
	add_group(&guest, "g", 9);
	add_waiter(&guest, "g/w", 0);
	OK(reeve_commit(guest.reeve, &err));
	OK(reeve_add_worker(guest.reeve, "bad", &bad, &err));
	for (unsigned n = 1; n <= 3; n++) {
		CU_ASSERT_EQUAL(reeve_commit(guest.reeve, &err), REEVE_ECONFIG);
		CU_ASSERT_EQUAL(guest.findings, n);
	}
	OK(reeve_discard(guest.reeve, &err));
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT_EQUAL(guest.warnings, 1);
	guest_close(&guest);
}

RV_TEST(units_are_stopped_started_scaled_and_signalled)
{
	struct guest guest = { 0 };
	pid_t before;

	guest_open(&guest, "steer", NULL);
	add_waiter(&guest, "app", 2);
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT(await(&guest, "app", REEVE_RUNNING));
	OK(reeve_stop(guest.reeve, "app.0", &err));
	CU_ASSERT(await(&guest, "app.0", REEVE_STOPPED));
	CU_ASSERT(unit_at(&guest, "app.0").held);
	CU_ASSERT_EQUAL(reeve_signal_unit(guest.reeve, "app.0", SIGUSR1, &err),
	    REEVE_EFAILED);
	OK(reeve_start(guest.reeve, "app*", &err));
	CU_ASSERT(await(&guest, "app.0", REEVE_RUNNING));
	before = unit_at(&guest, "app.1").pid;
	OK(reeve_restart(guest.reeve, "app.1", &err));
	CU_ASSERT(await(&guest, "app.1", REEVE_STOPPING));
	CU_ASSERT(await(&guest, "app.1", REEVE_RUNNING));
	CU_ASSERT_NOT_EQUAL(unit_at(&guest, "app.1").pid, before);
	OK(reeve_scale(guest.reeve, "app", 3, &err));
	CU_ASSERT(await(&guest, "app.2", REEVE_RUNNING));
	OK(reeve_scale(guest.reeve, "app", 1, &err));
	wanted_path = "app.1";
	CU_ASSERT(guest_until(&guest, is_gone));
	wanted_path = "app.0";
	wanted_pid = unit_at(&guest, wanted_path).pid;
	OK(reeve_signal_unit(guest.reeve, "app", SIGKILL, &err));
	CU_ASSERT(guest_until(&guest, is_another));
	CU_ASSERT_EQUAL(reeve_stop(guest.reeve, "ap", &err), REEVE_ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "did you mean \"app\"?"));
	guest_close(&guest);
}

/* -------- watching -------- */

struct seen {
	struct guest *guest;
	struct reeve_watch *watch;
	unsigned n, exits, others, dropped;
	char path[64], kind[64], detail[512];
	bool end_after_first;
};

static void
on_event(void *ctx, const struct reeve_event *event)
{
	struct seen *seen = ctx;

	seen->n++;
	seen->exits += strcmp(event->kind, "worker.exited") == 0;
	seen->others += strcmp(event->path, "a") != 0;
	snprintf(seen->path, sizeof(seen->path), "%s", event->path);
	snprintf(seen->kind, sizeof(seen->kind), "%s", event->kind);
	snprintf(seen->detail, sizeof(seen->detail), "%s", event->detail);
	CU_ASSERT(strlen(event->run) == 32);
	if (seen->end_after_first) {
		/* All may be asked in here; ending it, too. */
		OK(reeve_stop(seen->guest->reeve, "a", &err));
		OK(reeve_unwatch(seen->guest->reeve, seen->watch, &err));
		CU_ASSERT_EQUAL(
		    reeve_unwatch(seen->guest->reeve, seen->watch, &err),
		    REEVE_ENOENT);
	}
}

static void
on_dropped(void *ctx, uint64_t n)
{
	((struct seen *)ctx)->dropped += (unsigned)n;
}

static struct seen *awaited;

static bool
saw_an_exit(struct guest *guest)
{
	(void)guest;
	return awaited->exits > 0;
}

RV_TEST(events_are_told_by_unit_and_kind)
{
	struct guest guest = { 0 };
	struct seen all = { 0 }, once = { .guest = &guest }, tight = { 0 };
	struct reeve_watch_options options = {
		.size = sizeof(options),
		.units = "a",
		.kinds = "worker.*",
		.event = on_event,
		.ctx = &all,
	};

	once.end_after_first = true;
	guest_open(
	    &guest, "watch", "\"a\": " GUEST_WAITER ", \"b\": " GUEST_WAITER);
	OK(reeve_watch(guest.reeve, &options, &all.watch, &err));
	CU_ASSERT(guest_until(&guest, guest_is_settled));
	CU_ASSERT(await(&guest, "a", REEVE_RUNNING));
	options.ctx = &once;
	OK(reeve_watch(guest.reeve, &options, &once.watch, &err));
	/* So small that nothing fits. */
	options.max_bytes = 1;
	options.dropped = on_dropped;
	options.ctx = &tight;
	OK(reeve_watch(guest.reeve, &options, NULL, &err));
	kill(unit_at(&guest, "a").pid, SIGKILL);
	kill(unit_at(&guest, "b").pid, SIGKILL);
	awaited = &all;
	CU_ASSERT(guest_until(&guest, saw_an_exit));
	CU_ASSERT(await(&guest, "a", REEVE_STOPPED));
	CU_ASSERT_EQUAL(all.others, 0);
	CU_ASSERT_EQUAL(once.n, 1);
	CU_ASSERT_STRING_EQUAL(once.kind, "worker.exited");
	CU_ASSERT_PTR_NOT_NULL(strstr(once.detail, "\"signal\":9"));
	CU_ASSERT_EQUAL(tight.n, 0);
	CU_ASSERT(tight.dropped > 0);
	guest_close(&guest);
}

/* -------- members and keys -------- */

RV_TEST(a_key_that_a_member_says_too_is_named_with_it)
{
	static const struct {
		int64_t heartbeat_ms;
		bool overlap;
		enum reeve_unheard unheard;
		const char *options, *first, *second;
	} cases[] = {
		{ 500, false, 0, "{\"heartbeat\": {\"misses\": 5}}",
		    "member heartbeat_ms ", "key \"heartbeat\"" },
		{ 0, true, 0, "{\"overlap\": {\"max\": 2}}", "member overlap ",
		    "key \"overlap\"" },
		{ 0, false, REEVE_UNHEARD_ABORT,
		    "{\"heartbeat\": {\"interval\": \"1s\"}}", "unheard is set",
		    "heartbeat_ms is not" },
		{ 500, false, 9, NULL, "there is no action 9", "" },
	};
	struct guest guest = { 0 };

	guest_open(&guest, "clash", NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reeve_worker_options options = {
			.size = sizeof(options),
			.command = "/bin/true",
			.heartbeat_ms = cases[i].heartbeat_ms,
			.overlap = cases[i].overlap,
			.unheard = cases[i].unheard,
			.options = cases[i].options,
		};

		CU_ASSERT_EQUAL(
		    reeve_add_worker(guest.reeve, "w", &options, &err),
		    i < 2 ? REEVE_ECONFIG : REEVE_EINVALID);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].first));
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].second));
	}
	guest_close(&guest);
}

static unsigned kinds_seen[3];

static void
on_kind(void *ctx, const struct reeve_event *event)
{
	static const char *const kinds[] = { "supervisor.gave_up",
		"worker.replaced", "worker.unresponsive" };

	(void)ctx;
	for (unsigned i = 0; i < 3; i++) {
		kinds_seen[i] += strcmp(event->kind, kinds[i]) == 0;
	}
}

static bool
has_seen(struct guest *guest)
{
	return kinds_seen[*(unsigned *)guest->ctx] > 0;
}

static bool
await_kind(struct guest *guest, unsigned i)
{
	guest->ctx = &i;
	return guest_until(guest, has_seen);
}

static void
add_with(struct guest *guest, struct reeve_worker_options options)
{
	static char program[256];
	const char *const argv[] = { program, "ready", "wait", NULL };

	snprintf(program, sizeof(program),
	    "%s/tests/fixtures/children/notifier", rv_test_builddir());
	options.size = sizeof(options);
	options.argv = argv;
	options.options = "{\"ready\": {\"fd\": 3}}";
	OK(reeve_add_worker(guest->reeve, "w", &options, &err));
	OK(reeve_commit(guest->reeve, &err));
}

RV_TEST(instances_that_die_too_often_fail_as_a_whole)
{
	struct guest guest = { 0 };
	struct reeve_watch_options watch = {
		.size = sizeof(watch), .units = "w", .event = on_kind
	};
	pid_t pid;

	memset(kinds_seen, 0, sizeof(kinds_seen));
	guest_open(&guest, "window", NULL);
	OK(reeve_watch(guest.reeve, &watch, NULL, &err));
	add_with(
	    &guest, (struct reeve_worker_options){
			.instances = 2, .intensity = 1, .period_ms = 600000 });
	CU_ASSERT(await(&guest, "w", REEVE_RUNNING));
	pid = unit_at(&guest, "w.0").pid;
	kill(pid, SIGKILL);
	wanted_path = "w.0";
	wanted_pid = pid;
	CU_ASSERT(guest_until(&guest, is_another));
	CU_ASSERT_EQUAL(kinds_seen[0], 0);
	kill(unit_at(&guest, "w.0").pid, SIGKILL);
	CU_ASSERT(await_kind(&guest, 0));
	/* Its own supervisor bears that, and all of them come again. */
	CU_ASSERT(await(&guest, "w", REEVE_RUNNING));
	guest_close(&guest);
}

RV_TEST(who_is_not_heard_is_reported_and_who_is_replaced_overlaps)
{
	struct guest guest = { 0 };
	struct reeve_watch_options watch = {
		.size = sizeof(watch), .units = "w", .event = on_kind
	};
	pid_t pid;

	memset(kinds_seen, 0, sizeof(kinds_seen));
	guest_open(&guest, "unheard", NULL);
	OK(reeve_watch(guest.reeve, &watch, NULL, &err));
	add_with(&guest, (struct reeve_worker_options){ .heartbeat_ms = 20,
			     .unheard = REEVE_UNHEARD_REPORT,
			     .overlap = true });
	CU_ASSERT(await(&guest, "w", REEVE_RUNNING));
	pid = unit_at(&guest, "w").pid;
	CU_ASSERT(await_kind(&guest, 2));
	CU_ASSERT_EQUAL(unit_at(&guest, "w").pid, pid);
	CU_ASSERT_EQUAL(unit_at(&guest, "w").state, REEVE_RUNNING);
	OK(reeve_restart(guest.reeve, "w", &err));
	CU_ASSERT(await_kind(&guest, 1));
	CU_ASSERT_NOT_EQUAL(unit_at(&guest, "w").pid, pid);
	guest_close(&guest);
}

/* -------- hooks -------- */

static struct {
	struct guest *guest;
	unsigned ready, exited, decided, group_down;
	int signo;
	char down[64];
} told;

static enum reeve_verdict
on_decide(void *ctx, const struct reeve_end *end, enum reeve_verdict proposed)
{
	(void)ctx;
	told.decided++;
	CU_ASSERT_EQUAL(proposed, REEVE_VERDICT_RESTART);
	CU_ASSERT_EQUAL(reeve_commit(told.guest->reeve, &err), REEVE_EBUSY);
	CU_ASSERT_PTR_NOT_NULL(unit_at(told.guest, end->path).path);
	return strcmp(end->path, "rest") == 0 ? REEVE_VERDICT_REST : proposed;
}

static void
on_ready(void *ctx, const struct reeve_unit_info *info)
{
	(void)ctx;
	CU_ASSERT(info->ready);
	told.ready++;
}

static void
on_exited(void *ctx, const struct reeve_end *end)
{
	(void)ctx;
	told.exited++;
	told.signo = end->signo;
	/* Everything may be called. */
	OK(reeve_discard(told.guest->reeve, &err));
}

static void
on_group_down(void *ctx, const char *path)
{
	(void)ctx;
	told.group_down++;
	snprintf(told.down, sizeof(told.down), "%s", path);
	/* All is down, nothing is up again. */
	CU_ASSERT_EQUAL(unit_at(told.guest, "g/x").pid, 0);
	CU_ASSERT_EQUAL(unit_at(told.guest, "g/y").pid, 0);
}

static bool
group_went_down(struct guest *guest)
{
	(void)guest;
	return told.group_down > 0;
}

RV_TEST(hooks_hear_of_ends_and_change_what_follows)
{
	static const struct reeve_hooks hooks = {
		.size = sizeof(hooks),
		.decide = on_decide,
		.group_down = on_group_down,
		.ready = on_ready,
		.exited = on_exited,
	};
	struct guest guest = { .hooks = &hooks };
	struct reeve_supervisor_options group = {
		.size = sizeof(group),
		.strategy = REEVE_ONE_FOR_ALL,
	};

	memset(&told, 0, sizeof(told));
	told.guest = &guest;
	guest_open(&guest, "hooks", NULL);
	add_waiter(&guest, "rest", 0);
	OK(reeve_add_supervisor(guest.reeve, "g", &group, &err));
	add_waiter(&guest, "g/x", 0);
	add_waiter(&guest, "g/y", 0);
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT(await(&guest, "g", REEVE_RUNNING));
	CU_ASSERT(await(&guest, "rest", REEVE_RUNNING));
	CU_ASSERT_EQUAL(told.ready, 3);
	/* Due for a restart, and left down. */
	kill(unit_at(&guest, "rest").pid, SIGKILL);
	CU_ASSERT(await(&guest, "rest", REEVE_EXITED));
	CU_ASSERT_EQUAL(told.exited, 1);
	CU_ASSERT_EQUAL(told.signo, SIGKILL);
	kill(unit_at(&guest, "g/x").pid, SIGKILL);
	CU_ASSERT(guest_until(&guest, group_went_down));
	CU_ASSERT_STRING_EQUAL(told.down, "g");
	CU_ASSERT(await(&guest, "g", REEVE_RUNNING));
	CU_ASSERT_EQUAL(told.decided, 2);
	guest_close(&guest);
}

RV_SUITE(build, RV_CASE(a_key_that_a_member_says_too_is_named_with_it),
    RV_CASE(what_comes_after_a_shutdown_is_refused),
    RV_CASE(a_socket_that_is_nowhere_is_asked_for_in_words),
    RV_CASE(instances_that_die_too_often_fail_as_a_whole),
    RV_CASE(who_is_not_heard_is_reported_and_who_is_replaced_overlaps),
    RV_CASE(a_tree_is_built_from_c_alone),
    RV_CASE(units_from_c_stand_beside_those_of_a_file),
    RV_CASE(a_commit_is_all_or_nothing),
    RV_CASE(a_warning_is_said_once_until_it_changes),
    RV_CASE(an_error_is_said_each_time),
    RV_CASE(units_are_stopped_started_scaled_and_signalled),
    RV_CASE(events_are_told_by_unit_and_kind),
    RV_CASE(hooks_hear_of_ends_and_change_what_follows))
