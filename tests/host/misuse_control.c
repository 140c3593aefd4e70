/* SPDX-License-Identifier: MIT */
/* Misuse of methods and pools of a host's own. See test_misuse.c. */
#include "config.h"

#include "host/misuse.h"

#define err  misuse_err
#define good misused.reeve

static void
on_nothing(void *ctx, const struct reeve_control_request *request)
{
	(void)ctx;
	(void)request;
}

void
misuse_control_add(void)
{
	struct reeve_control_options options = { .size = 4 };

	INVALID(reeve_control_add(NULL, "a.b", NULL, on_nothing, NULL, &err),
	    "method");
	INVALID(reeve_control_add(good, "a.b", NULL, NULL, NULL, &err), "NULL");
	INVALID(reeve_control_add(good, NULL, NULL, on_nothing, NULL, &err),
	    "no name");
	INVALID(reeve_control_add(good, "ab", NULL, on_nothing, NULL, &err),
	    "no name");
	INVALID(
	    reeve_control_add(good, "a.b", &options, on_nothing, NULL, &err),
	    "size 4");
	REFUSED(reeve_control_add(
		    good, "events.subscribe", NULL, on_nothing, NULL, &err),
	    REEVE_EEXIST, "every runtime");
}

void
misuse_control_remove(void)
{
	INVALID(reeve_control_remove(NULL, "a.b", &err), "method");
	REFUSED(reeve_control_remove(good, NULL, &err), REEVE_ENOENT, "added");
	REFUSED(reeve_control_remove(good, "a.b", &err), REEVE_ENOENT, "a.b");
}

void
misuse_control_reply(void)
{
	INVALID(reeve_control_reply(NULL, 1, "1", &err), "request");
	REFUSED(reeve_control_reply(good, 1, "1", &err), REEVE_ENOENT, "waits");
	REFUSED(reeve_control_reply(good, 0, NULL, &err), REEVE_ENOENT, "0");
}

void
misuse_control_fail(void)
{
	INVALID(reeve_control_fail(NULL, 1, REEVE_EFULL, NULL, &err), "refuse");
	INVALID(reeve_control_fail(good, 1, REEVE_OK, NULL, &err), "status 0");
	INVALID(
	    reeve_control_fail(good, 1, (enum reeve_status) - 99, "x", &err),
	    "status -99");
	REFUSED(reeve_control_fail(good, 1, REEVE_EFULL, "x", &err),
	    REEVE_ENOENT, "waits");
}

/* -------- pool_unit.h -------- */

static void
on_changed(void *ctx)
{
	(void)ctx;
}

void
misuse_pool_unit_next(void)
{
	struct reeve_pool_unit unit = { .size = 4 };

	CU_ASSERT_FALSE(reeve_pool_unit_next(NULL, &unit));
	CU_ASSERT_FALSE(reeve_pool_unit_next(good, NULL));
	CU_ASSERT_FALSE(reeve_pool_unit_next(good, &unit));
	unit.size = sizeof(unit);
	unit.path = "nobody";
	CU_ASSERT_FALSE(reeve_pool_unit_next(good, &unit));
}

void
misuse_pool_unit_watch(void)
{
	INVALID(reeve_pool_unit_watch(NULL, on_changed, NULL, &err), "pools");
	INVALID(reeve_pool_unit_watch(good, on_changed, NULL, &err),
	    "without pools");
	CU_ASSERT_EQUAL(
	    reeve_pool_unit_watch(good, NULL, NULL, &err), REEVE_OK);
}
