/* SPDX-License-Identifier: MIT */
/*
 * A tree whose state, or a log, is on a disk of one MiB that is really full:
 * the tree goes on and says so, and once there is room again the log has all
 * that the ring could keep, and the counts of what it could not. Needs root,
 * for mounts in a namespace of its own, which end with this process at the
 * latest.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "lib/harness.h"
#include "lib/live.h"
#include "sys/sys.h"

#define WAIT_MS 10000
#define FLOOD   20000000

struct full {
	struct live live;
	struct rv_buf deaths; /* ids that were heard of, with commas */
	size_t n_deaths;
	char births[192]; /* a file on another disk: one byte a life */
	char small[192];  /* where the small disk is */
	char filler[224];
	off_t wanted; /* births to wait for */
};

/* A disk of one MiB, for the state or for a log. */
static void
mount_small(const char *path)
{
	CU_ASSERT_FATAL(unshare(CLONE_NEWNS) == 0);
	/* Where / is a folder (chroot) no mount of it can be made private. */
	CU_ASSERT_FATAL(
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ||
	    errno == EINVAL);
	CU_ASSERT_FATAL(mkdir(path, 0700) == 0);
	CU_ASSERT_FATAL(
	    mount("none", path, "tmpfs", 0, "size=1m,mode=0700") == 0);
}

/* Leave no room at all. */
static void
fill(struct full *f)
{
	static const char data[4096] = "f";
	int fd = open(f->filler, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	CU_ASSERT_NOT_EQUAL(fd, -1);
	while (write(fd, data, sizeof(data)) > 0) {
	}
	CU_ASSERT_EQUAL(errno, ENOSPC);
	close(fd);
}

/* The tree is up on disks with room, and its beginning is in the log. */
static void
begin(struct full *f, const char *small, const char *members)
{
	*f = (struct full){ 0 };
	rv_buf_init(&f->deaths, 1 << 20);
	live_open(&f->live);
	snprintf(f->births, sizeof(f->births), "%s/births", f->live.dir);
	snprintf(f->small, sizeof(f->small), "%s/%s", f->live.dir, small);
	snprintf(f->filler, sizeof(f->filler), "%s/filler", f->small);
	setenv("BIRTHS", f->births, 1);
	live_config(&f->live, members);
	mount_small(f->small);
	CU_ASSERT_FATAL(live_run(&f->live));
	CU_ASSERT(live_saw(&f->live, "worker.ready", "steady"));
	CU_ASSERT(live_number(&f->live, "SELECT count(*) FROM events") > 0);
}

static void
end(struct full *f)
{
	rv_buf_finish(&f->deaths);
	live_close(&f->live);
	CU_ASSERT_EQUAL(umount2(f->small, MNT_DETACH), 0);
}

static void
stop_in_order(struct full *f)
{
	int status = live_stop(&f->live);

	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CU_ASSERT_EQUAL(live_number(&f->live, "SELECT max(id) - min(id) + 1 - "
					      "count(*) FROM events"),
	    0);
	CU_ASSERT_EQUAL(live_number(&f->live,
			    "SELECT count(*) FROM lives WHERE ended_at IS "
			    "NULL"),
	    0);
	CU_ASSERT_STRING_EQUAL(
	    live_text(&f->live, "PRAGMA integrity_check"), "ok");
}

/* The log is told to be failing (or to work again), as an event. */
static bool
saw_disk(struct full *f, const char *state)
{
	json_t *event = live_event(&f->live, "clerk.disk", NULL, WAIT_MS);
	json_t *detail = json_object_get(event, "detail");
	const char *is = json_string_value(json_object_get(detail, "state"));
	bool so = is != NULL && strcmp(is, state) == 0;

	json_decref(event);
	return so;
}

/* A command that has its result at once, or nearly. */
static void
command(struct full *f, const char *args, const char *says)
{
	rv_time begun = rv_sys_now();
	char *out = NULL;

	CU_ASSERT_EQUAL(live_reeve(&f->live, &out, args), 0);
	CU_ASSERT(rv_sys_now() - begun < rv_test_slow() * 10 * RV_SEC);
	if (says != NULL && strstr(out, says) == NULL) {
		printf("# reeve %s: no \"%s\" in: %s\n", args, says, out);
		CU_FAIL("a command did not say it");
	}
	rv_free(out);
}

static void
hear_deaths(struct full *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		json_t *event =
		    live_event(&f->live, "worker.exited", NULL, WAIT_MS);

		CU_ASSERT_PTR_NOT_NULL(event);
		rv_buf_addf(&f->deaths, "%s%lld", f->n_deaths++ > 0 ? "," : "",
		    (long long)json_integer_value(
			json_object_get(event, "id")));
		json_decref(event);
	}
}

static int64_t
deaths_in_log(struct full *f)
{
	struct rv_buf sql;
	int64_t n;

	rv_buf_init(&sql, 1 << 20);
	rv_buf_addf(&sql,
	    "SELECT count(*) FROM events e JOIN lives l ON l.id = e.life_id "
	    "WHERE e.kind = 'worker.exited' AND l.path = e.path AND "
	    "(l.exit_code IS 3 OR l.path = 'steady' AND l.signal IS 15) AND "
	    "e.id IN (%s)",
	    rv_buf_str(&f->deaths));
	n = live_number(&f->live, sql.data);
	rv_buf_finish(&sql);
	return n;
}

RV_TEST(a_full_disk_is_said_and_made_up_for_while_the_tree_goes_on)
{
	struct full f;

	begin(&f, "state",
	    "\"defaults\": { \"startsecs\": 0, \"backoff\": { \"initial\": "
	    "\"50ms\", \"min\": \"50ms\", \"max\": \"100ms\" } }, "
	    "\"children\": "
	    "{ \"steady\": { \"command\": \"%(fixtures)s/ending\" }, "
	    "\"leaver\": { \"command\": \"%(fixtures)s/ending exit 3\", "
	    "\"numprocs\": 2 } }");
	fill(&f);
	CU_ASSERT(saw_disk(&f, "failing"));
	CU_ASSERT(live_said(&f.live, "cannot write the event log"));
	CU_ASSERT(live_said(&f.live, "full"));
	for (int i = 0; i < 5; i++) {
		command(&f, "restart steady", NULL);
		hear_deaths(&f, 4);
	}
	command(&f, "status steady", "RUNNING");
	CU_ASSERT_EQUAL(unlink(f.filler), 0);
	CU_ASSERT(saw_disk(&f, "ok"));
	CU_ASSERT(live_said(&f.live, "can write the event log again"));
	stop_in_order(&f);
	CU_ASSERT_EQUAL(deaths_in_log(&f), (int64_t)f.n_deaths);
	CU_ASSERT_EQUAL(live_number(&f.live, "SELECT count(*) FROM events "
					     "WHERE kind = 'clerk.dropped'"),
	    0);
	CU_ASSERT_EQUAL(
	    live_number(&f.live, "SELECT count(*) FROM events WHERE kind = "
				 "'control.request' AND json_extract(detail, "
				 "'$.method') = 'restart'"),
	    5);
	end(&f);
}

static bool
enough_are_born(void *ctx)
{
	const struct full *f = ctx;
	struct stat st;

	return stat(f->births, &st) == 0 && st.st_size >= f->wanted;
}

RV_TEST(deaths_beyond_the_ring_are_counted_one_by_one)
{
	struct full f;
	int64_t born, died;
	struct stat st;

	begin(&f, "state",
	    "\"journal\": { \"ring\": \"64KiB\" }, \"defaults\": { "
	    "\"startsecs\": 0, \"backoff\": { \"initial\": 0, \"min\": 0, "
	    "\"max\": 0 } }, \"children\": { "
	    "\"steady\": { \"command\": \"%(fixtures)s/ending\" }, "
	    "\"leaver\": { \"command\": \"sh -c 'echo >>$BIRTHS; exit 3'\", "
	    "\"numprocs\": 4 } }");
	fill(&f);
	CU_ASSERT(live_said(&f.live, "cannot write the event log"));
	/* Their deaths alone are more than the ring has room for. */
	CU_ASSERT_EQUAL(stat(f.births, &st), 0);
	f.wanted = st.st_size + 1000;
	CU_ASSERT(rv_test_wait(enough_are_born, &f, -1, 3 * WAIT_MS));
	command(&f, "restart steady", NULL);
	CU_ASSERT_EQUAL(unlink(f.filler), 0);
	CU_ASSERT(live_said(&f.live, "can write the event log again"));
	/* Room for all that is still to be told. */
	json_decref(live_call(&f.live, "stop", "{\"names\": [\"leaver\"]}"));
	stop_in_order(&f);
	CU_ASSERT_EQUAL(stat(f.births, &st), 0);
	born = (int64_t)st.st_size;
	died = live_number(&f.live, "SELECT count(*) FROM events WHERE kind = "
				    "'worker.exited' AND path LIKE 'leaver%'");
	CU_ASSERT(died < born);
	died += live_number(&f.live,
	    "SELECT sum(json_extract(detail, '$.count')) FROM events WHERE "
	    "kind = 'clerk.dropped' AND path LIKE 'leaver%' AND "
	    "json_extract(detail, '$.kind') = 'worker.exited'");
	printf("# %d born, %d died\n", (int)born, (int)died);
	/* The last of each may have been stopped before it could write. */
	CU_ASSERT(died >= born && died <= born + 4);
	end(&f);
}

/* The bytes that were told as dropped of this worker's output. */
static int64_t
dropped_of(struct full *f, const char *path)
{
	char sql[320];

	snprintf(sql, sizeof(sql),
	    "SELECT sum(json_extract(detail, '$.bytes')) FROM events e JOIN "
	    "lives l ON l.id = e.life_id WHERE kind = 'clerk.dropped' AND "
	    "l.path = '%s' AND json_extract(detail, '$.stream') = 'stdout'",
	    path);
	return live_number(&f->live, sql);
}

#define OUTPUTS                                                          \
	"\"journal\": { \"output_stall\": \"200ms\" }, "                 \
	"\"defaults\": { \"startsecs\": 0, \"autorestart\": false, "     \
	"\"autostart\": false, \"stdout_logfile_maxbytes\": 0, "         \
	"\"stdout_logfile\": \"%(here)s/small/log\" }, \"children\": { " \
	"\"steady\": { \"command\": \"%(fixtures)s/ending\", "           \
	"\"autostart\": true }, "                                        \
	"\"flood\": { \"command\": \"%(fixtures)s/flood 20000000\" }, "  \
	"\"brief\": { \"command\": \"echo some words\" }, "              \
	"\"talker\": { \"command\": \"sh -c 'echo some words; exec "     \
	"%(fixtures)s/ending'\" } }"

/* What was read and let go, and what was kept in vain, are told apart. */
static bool
all_is_counted(void *ctx)
{
	struct full *f = ctx;
	char path[256];
	struct stat st = { 0 };

	snprintf(path, sizeof(path), "%s/log", f->small);
	return stat(path, &st) == 0 && st.st_size > 0 &&
	       st.st_size + dropped_of(f, "flood") == FLOOD;
}

RV_TEST(output_beyond_a_full_disk_is_counted_and_said)
{
	struct full f;

	begin(&f, "small", OUTPUTS);
	command(&f, "start flood", NULL);
	/* It is held up for a moment: more than any buffer has went nowhere. */
	CU_ASSERT(live_saw(&f.live, "worker.exited", "flood"));
	CU_ASSERT(live_saw(&f.live, "clerk.dropped", NULL));
	CU_ASSERT(live_said(&f.live, "cannot write the log file"));
	CU_ASSERT(live_said(&f.live, "bytes of stdout were dropped"));
	CU_ASSERT(rv_test_wait(all_is_counted, &f, -1, WAIT_MS));
	stop_in_order(&f);
	CU_ASSERT(all_is_counted(&f));
	CU_ASSERT_EQUAL(live_number(&f.live,
			    "SELECT exit_code FROM lives WHERE path = 'flood'"),
	    0);
	end(&f);
}

/* Its death is in the log before its words are known to be lost. */
RV_TEST(the_few_words_of_a_short_life_are_counted_too)
{
	struct full f;

	begin(&f, "small", OUTPUTS);
	fill(&f);
	command(&f, "start brief", NULL);
	CU_ASSERT(live_saw(&f.live, "worker.exited", "brief"));
	CU_ASSERT(live_saw(&f.live, "clerk.dropped", "brief"));
	CU_ASSERT(live_said(&f.live, "brief: 11 bytes of stdout were dropped"));
	stop_in_order(&f);
	CU_ASSERT_EQUAL(dropped_of(&f, "brief"), 11);
	end(&f);
}

/* Until the end the disk might have taken them. */
RV_TEST(what_the_end_finds_unwritten_is_counted_too)
{
	struct full f;

	begin(&f, "small", OUTPUTS);
	fill(&f);
	command(&f, "start talker", NULL);
	CU_ASSERT(live_said(&f.live, "cannot write the log file"));
	stop_in_order(&f);
	CU_ASSERT_EQUAL(dropped_of(&f, "talker"), 11);
	end(&f);
}

RV_SUITE(full_disk,
    RV_CASE(a_full_disk_is_said_and_made_up_for_while_the_tree_goes_on),
    RV_CASE(deaths_beyond_the_ring_are_counted_one_by_one),
    RV_CASE(output_beyond_a_full_disk_is_counted_and_said),
    RV_CASE(the_few_words_of_a_short_life_are_counted_too),
    RV_CASE(what_the_end_finds_unwritten_is_counted_too))
