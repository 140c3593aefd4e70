/* SPDX-License-Identifier: MIT */
/* Records on their way into the database, whoever dies in between. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/harness.h"
#include "sys/sys.h"
#include "unit/clerk_rig.h"

static struct crig rig;

/* The ring of this run is still there. */
static bool
has_ring(const char *run_id)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/ring-%s", rig.run, run_id);
	return access(path, F_OK) == 0;
}

RV_TEST(what_is_recorded_stands_in_the_database)
{
	crig_init(&rig);
	crig_open(&rig, NULL);
	CU_ASSERT_EQUAL(rig.next_event, 1);
	CU_ASSERT_EQUAL(rig.next_life, 1);
	CU_ASSERT_EQUAL(rig.n_strays, 0);
	CU_ASSERT_EQUAL(rig.rings_drained, 0);
	CU_ASSERT_EQUAL(crig_note(&rig, "web/a"), 1);
	CU_ASSERT_EQUAL(crig_note(&rig, "web/b"), 2);
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events"), 2);
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT path FROM events WHERE id = 2"), "web/b");
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT kind FROM events WHERE id = 1"),
	    "signal.received");
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT detail FROM events WHERE id = 1"),
	    "{\"signal\":1}");
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT run_id FROM events WHERE id = 1"),
	    rig.run_id);
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT life_id FROM events WHERE id = 1"), -1);
	CU_ASSERT(crig_number(&rig, "SELECT at FROM events WHERE id = 1") >
		  INT64_C(1500000000000000));
	CU_ASSERT_EQUAL(crig_end(&rig), 0);
	crig_finish(&rig);
}

RV_TEST(a_run_has_a_row_and_an_end)
{
	char run_id[33];

	crig_init(&rig);
	crig_open(&rig, NULL);
	crig_note(&rig, "/");
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT ended_at FROM runs"), -1);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT pid FROM runs"), getpid());
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT hostname || version || config_digest ||"
			    " config FROM runs"),
	    "host0.10123456789abcdef{\"children\":{}}");
	snprintf(run_id, sizeof(run_id), "%s", rig.run_id);
	CU_ASSERT(has_ring(run_id));
	crig_stopped(&rig);
	CU_ASSERT_EQUAL(crig_end(&rig), 0);
	CU_ASSERT(!has_ring(run_id));
	CU_ASSERT(crig_number(&rig, "SELECT ended_at FROM runs") > 0);
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT end_reason FROM runs"), "asked");
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events"), 2);
	crig_finish(&rig);
}

RV_SUITE(clerk, RV_CASE(what_is_recorded_stands_in_the_database),
    RV_CASE(a_run_has_a_row_and_an_end))
