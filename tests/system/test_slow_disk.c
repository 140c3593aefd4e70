/* SPDX-License-Identifier: MIT */
/*
 * A disk that stands still for ten seconds, which a clerk stopped by SIGSTOP
 * does to perfection: the tree goes on dying and restarting, operators are
 * answered at once, and afterwards everything is in the log that would be there
 * without it, and what the dead had said is in their logs.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/time.h"
#include "lib/harness.h"
#include "lib/live.h"
#include "sys/sys.h"

#define STILL    (10 * RV_SEC)
#define PROMPT   (3 * RV_SEC)
#define FEWEST   100  /* deaths that there have to be meanwhile, at least */
#define DEATH_MS 5000 /* within which some worker dies */
#define FLOOD    3000000

static const char workers[] =
    "\"defaults\": { \"startsecs\": 0, \"autorestart\": true, \"backoff\":"
    " { \"initial\": \"100ms\", \"min\": \"100ms\", \"max\": \"200ms\" } },"
    "\"children\": {"
    "  \"steady\": { \"command\": \"%(fixtures)s/ending\" },"
    "  \"crasher\": { \"command\": \"%(fixtures)s/ending signal 15\","
    "    \"numprocs\": 3 },"
    "  \"leaver\": { \"command\": \"sh -c 'echo born $$; exit 3'\","
    "    \"numprocs\": 3 },"
    "  \"flood\": { \"command\": \"%(fixtures)s/flood 3000000\","
    "    \"autostart\": false, \"autorestart\": false }"
    "}";

/* What was heard and answered while the clerk stood still, and until the end.
 */
struct account {
	struct live live;
	pid_t clerk;
	struct rv_buf deaths, acks; /* ids, with commas */
	size_t n_deaths, n_acks, n_rounds;
};

static void
note(struct rv_buf *ids, size_t *n, json_int_t id)
{
	CU_ASSERT(id > 0);
	rv_buf_addf(ids, "%s%lld", *n > 0 ? "," : "", (long long)id);
	(*n)++;
}

static bool
stands_still(void *ctx)
{
	const struct account *a = ctx;
	char state = '?';

	return rv_sys_proc_stat(a->clerk, NULL, NULL, NULL, &state, NULL) &&
	       state == 'T';
}

/* Take note of all deaths until this unit's next. */
static void
hear(struct account *a, const char *path)
{
	rv_time until = rv_sys_now() + rv_test_slow() * 20 * RV_SEC;
	json_t *event;
	bool found = false;

	while (!found && rv_sys_now() < until) {
		event = live_event(&a->live, "worker.exited", NULL, DEATH_MS);
		CU_ASSERT_PTR_NOT_NULL_FATAL(event);
		note(&a->deaths, &a->n_deaths,
		    json_integer_value(json_object_get(event, "id")));
		found =
		    strcmp(json_string_value(json_object_get(event, "path")),
			path) == 0;
		json_decref(event);
	}
}

/* A command that has its result long before the clerk goes on. */
static void
command(struct account *a, const char *args)
{
	rv_time begun = rv_sys_now();
	char *out = NULL;

	if (live_reeve(&a->live, &out, args) != 0) {
		printf("# reeve %s: %s\n", args, out);
		CU_FAIL("a command failed");
	}
	rv_free(out);
	if (rv_sys_now() - begun >= rv_test_slow() * PROMPT) {
		printf("# reeve %s: %d ms\n", args,
		    (int)((rv_sys_now() - begun) / RV_MS));
		CU_FAIL("a command waited");
	}
}

static void
steer(struct account *a)
{
	json_t *result;

	command(a, "restart steady");
	command(a, "stop steady");
	command(a, "start steady");
	command(a, "status");
	result = live_call(&a->live, "signal",
	    "{\"names\": [\"steady\"], \"signal\": \"CONT\"}");
	note(&a->acks, &a->n_acks,
	    json_integer_value(json_object_get(result, "event")));
	json_decref(result);
	a->n_rounds++;
}

/* The newest death, which only the ring can have. */
static void
check_events_of_the_ring(struct account *a, json_int_t committed)
{
	char *out = NULL;
	json_t *event;

	CU_ASSERT_EQUAL(live_reeve(&a->live, &out,
			    "--json events --kind worker.exited --limit 1"),
	    0);
	event = json_loads(out, JSON_DISABLE_EOF_CHECK, NULL);
	CU_ASSERT(
	    json_integer_value(json_object_get(event, "id")) >= committed);
	json_decref(event);
	rv_free(out);
}

static void
stand_still(struct account *a)
{
	rv_time until = rv_sys_now() + STILL;
	json_int_t committed;

	kill(a->clerk, SIGSTOP);
	CU_ASSERT_FATAL(rv_test_wait(stands_still, a, -1, 5000));
	committed = live_info(&a->live, "committed_event");
	command(a, "start --no-wait flood");
	while (rv_sys_now() < until || a->n_deaths <= FEWEST) {
		steer(a);
		hear(a, "leaver.0");
	}
	/* It wrote nothing; the others got on with it, but for who is full. */
	CU_ASSERT(stands_still(a));
	CU_ASSERT_EQUAL(live_info(&a->live, "committed_event"), committed);
	CU_ASSERT(live_is(&a->live, "flood", "RUNNING"));
	check_events_of_the_ring(a, committed);
	kill(a->clerk, SIGCONT);
}

static int64_t
count(struct account *a, const char *what, const struct rv_buf *ids)
{
	struct rv_buf sql;
	int64_t n;

	rv_buf_init(&sql, 1 << 20);
	rv_buf_addf(&sql, "SELECT count(*) FROM %s", what);
	if (ids != NULL) {
		rv_buf_addf(&sql, " AND e.id IN (%s)", ids->data);
	}
	n = live_number(&a->live, sql.data);
	rv_buf_finish(&sql);
	return n;
}

/* Each death that was heard of, with its life and how that ended. */
#define DEATHS                                                               \
	"events e JOIN lives l ON l.id = e.life_id WHERE e.kind = "          \
	"'worker.exited' AND l.path = e.path AND CASE substr(l.path, 1, 6) " \
	"WHEN 'leaver' THEN l.exit_code IS 3 WHEN 'flood' THEN l.exit_code " \
	"IS 0 ELSE l.signal IS 15 END"
#define ACKS "events e WHERE e.kind = 'control.request'"
#define ASKED(method)                                                       \
	"events WHERE kind = 'control.request' AND json_extract(detail, "   \
	"'$.method') = '" method "' AND json_extract(detail, '$.names[0]')" \
	" = 'steady'"
#define LEAVERS "lives WHERE path LIKE 'leaver%'"
#define LEFT    LEAVERS " AND exit_code = 3"
#define UNENDED "lives WHERE ended_at IS NULL"

/* Lines in the logs of all leavers. */
static int64_t
count_words(struct account *a)
{
	char path[256], line[64];
	int64_t n = 0;

	for (int i = 0; i < 3; i++) {
		FILE *file;

		snprintf(path, sizeof(path), "%s/logs/leaver.%d.stdout.log",
		    a->live.state, i);
		file = fopen(path, "r");
		CU_ASSERT_PTR_NOT_NULL(file);
		while (file != NULL && fgets(line, sizeof(line), file)) {
			n += strncmp(line, "born ", 5) == 0;
		}
		if (file != NULL) {
			fclose(file);
		}
	}
	return n;
}

/*
 * Whoever left had said so, though nobody listened at the time; the very last
 * may have been stopped before, or after that.
 */
static void
check_words(struct account *a)
{
	int64_t n = count_words(a);

	CU_ASSERT(n >= count(a, LEFT, NULL));
	CU_ASSERT(n <= count(a, LEAVERS, NULL));
}

static void
check_log(struct account *a)
{
	CU_ASSERT_EQUAL(
	    live_number(&a->live,
		"SELECT max(id) - min(id) + 1 - count(*) FROM events"),
	    0);
	CU_ASSERT_EQUAL(count(a, DEATHS, &a->deaths), (int64_t)a->n_deaths);
	CU_ASSERT_EQUAL(count(a, ACKS, &a->acks), (int64_t)a->n_acks);
	CU_ASSERT_EQUAL(count(a, ASKED("restart"), NULL), (int64_t)a->n_rounds);
	CU_ASSERT_EQUAL(count(a, ASKED("stop"), NULL), (int64_t)a->n_rounds);
	CU_ASSERT_EQUAL(count(a, ASKED("start"), NULL), (int64_t)a->n_rounds);
	check_words(a);
	CU_ASSERT_EQUAL(count(a, UNENDED, NULL), 0);
	CU_ASSERT_EQUAL(
	    count(a, "events WHERE kind IN ('clerk.dropped', 'clerk.lost')",
		NULL),
	    0);
	printf(
	    "# %zu deaths, %zu rounds of commands\n", a->n_deaths, a->n_rounds);
}

static void
check_flood(struct account *a)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/logs/flood.stdout.log", a->live.state);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_size, FLOOD);
}

RV_TEST(a_clerk_that_stands_still_holds_nobody_up_and_makes_up_for_all)
{
	struct account a = { 0 };
	int status;

	rv_buf_init(&a.deaths, 1 << 20);
	rv_buf_init(&a.acks, 1 << 20);
	live_open(&a.live);
	live_config(&a.live, workers);
	CU_ASSERT_FATAL(live_run(&a.live));
	CU_ASSERT(live_saw(&a.live, "worker.ready", "steady"));
	a.clerk = (pid_t)live_info(&a.live, "clerk_pid");
	CU_ASSERT_FATAL(a.clerk > 1);
	stand_still(&a);
	hear(&a, "flood");
	status = live_stop(&a.live);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	check_log(&a);
	check_flood(&a);
	rv_buf_finish(&a.deaths);
	rv_buf_finish(&a.acks);
	live_close(&a.live);
}

RV_SUITE(slow_disk,
    RV_CASE(a_clerk_that_stands_still_holds_nobody_up_and_makes_up_for_all))
