/* SPDX-License-Identifier: MIT */
/*
 * A host that has pools of its own for those of its config file: told of them,
 * it declares workers at their places, through reloads that change them, take
 * them away, or put something else there.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "host/guest.h"
#include "lib/harness.h"

static struct guest guest;
static unsigned changes;
static struct reeve_error err;

#define POOL(max)                                                              \
	"\"thumbs\": {\"pool\": {\"function\": \"a.so:f\", \"max\": " #max "}" \
	"}"

static void
on_changed(void *ctx)
{
	CU_ASSERT_PTR_EQUAL(ctx, &guest);
	changes++;
}

static void
begin(const char *name, const char *children)
{
	guest = (struct guest){ .pools = true };
	changes = 0;
	guest_open(&guest, name, children);
	CU_ASSERT_EQUAL(
	    reeve_pool_unit_watch(guest.reeve, on_changed, &guest, &err),
	    REEVE_OK);
}

/* Workers at this place. */
static void
declare(const char *path, uint32_t n)
{
	char command[600];
	struct reeve_worker_options options = {
		.size = sizeof(options),
		.command = command,
		.instances = n,
		.options = "{\"ready\": {\"fd\": 3}}",
	};

	snprintf(command, sizeof(command),
	    "%s/tests/fixtures/children/notifier ready wait",
	    rv_test_builddir());
	CU_ASSERT_EQUAL(
	    reeve_add_worker(guest.reeve, path, &options, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_commit(guest.reeve, &err), REEVE_OK);
}

static enum reeve_unit_state
state_of(const char *path)
{
	struct reeve_unit_info info = { .size = sizeof(info) };

	return reeve_unit_find(guest.reeve, path, &info, &err) == REEVE_OK
		   ? info.state
		   : (enum reeve_unit_state) - 1;
}

static bool
is_changed(struct guest *g)
{
	(void)g;
	return changes == 1;
}

static bool
is_up(struct guest *g)
{
	(void)g;
	return state_of("thumbs.1") == REEVE_RUNNING &&
	       state_of("w") == REEVE_RUNNING;
}

static bool
is_down(struct guest *g)
{
	(void)g;
	return (int)state_of("thumbs.1") == -1;
}

static void
reload(const char *name, const char *children)
{
	guest_rewrite(&guest, name, children);
	changes = 0;
	CU_ASSERT_EQUAL(reeve_reload(guest.reeve, &err), REEVE_OK);
}

RV_TEST(a_host_fills_the_places_of_pools_and_follows_the_file)
{
	struct reeve_pool_unit unit = { .size = sizeof(unit) };
	uint64_t digest;

	begin("pools", POOL(2) ", \"w\": " GUEST_WAITER);
	CU_ASSERT(reeve_pool_unit_next(guest.reeve, &unit));
	CU_ASSERT_STRING_EQUAL(unit.path, "thumbs");
	CU_ASSERT_PTR_NOT_NULL(strstr(unit.function, "/a.so:f"));
	CU_ASSERT_EQUAL(unit.max, 2);
	CU_ASSERT_EQUAL(unit.max_waiting, 10000);
	CU_ASSERT_STRING_EQUAL(unit.worker, "{}");
	digest = unit.digest;
	CU_ASSERT_FALSE(reeve_pool_unit_next(guest.reeve, &unit));
	CU_ASSERT_PTR_NULL(unit.path);
	declare("thumbs", 2);
	CU_ASSERT(guest_until(&guest, is_up));
	CU_ASSERT_EQUAL(changes, 0);
	/* Another number of workers: the same pool. */
	reload("pools", POOL(3) ", \"w\": " GUEST_WAITER);
	CU_ASSERT(guest_until(&guest, is_changed));
	CU_ASSERT(reeve_pool_unit_next(guest.reeve, &unit));
	CU_ASSERT_EQUAL(unit.max, 3);
	CU_ASSERT_EQUAL(unit.digest, digest);
	CU_ASSERT_EQUAL(state_of("thumbs.1"), REEVE_RUNNING);
	/* Gone from the file: its workers are the host's to remove. */
	reload("pools", "\"w\": " GUEST_WAITER);
	CU_ASSERT(guest_until(&guest, is_changed));
	unit.path = NULL;
	CU_ASSERT_FALSE(reeve_pool_unit_next(guest.reeve, &unit));
	CU_ASSERT_EQUAL(state_of("thumbs.1"), REEVE_RUNNING);
	CU_ASSERT_EQUAL(reeve_remove(guest.reeve, "thumbs", &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_commit(guest.reeve, &err), REEVE_OK);
	CU_ASSERT(guest_until(&guest, is_down));
	guest_close(&guest);
}

RV_TEST(what_the_file_puts_in_the_place_of_a_pool_takes_it)
{
	begin("taken", POOL(2) ", \"w\": " GUEST_WAITER);
	declare("thumbs", 2);
	CU_ASSERT(guest_until(&guest, is_up));
	reload("taken", "\"thumbs\": " GUEST_WAITER ", \"w\": " GUEST_WAITER);
	CU_ASSERT(guest_until(&guest, is_changed));
	CU_ASSERT(guest_until(&guest, is_down));
	CU_ASSERT_EQUAL(guest.findings, 0);
	CU_ASSERT_EQUAL(reeve_remove(guest.reeve, "thumbs", &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_commit(guest.reeve, &err), REEVE_OK);
	guest_close(&guest);
}

RV_TEST(a_supervisor_goes_with_the_pool_below_it)
{
	begin("above",
	    "\"w\": " GUEST_WAITER ", \"s\": {\"children\": {" POOL(2) "}}");
	declare("s/thumbs", 2);
	CU_ASSERT_EQUAL(
	    reeve_scale(guest.reeve, "s/thumbs", 3, &err), REEVE_OK);
	reload("above", "\"w\": " GUEST_WAITER);
	CU_ASSERT(guest_until(&guest, is_changed));
	CU_ASSERT_EQUAL(guest.findings, 0);
	CU_ASSERT_EQUAL(guest.warnings, 0);
	CU_ASSERT_EQUAL((int)state_of("s"), -1);
	guest_close(&guest);
}

RV_TEST(others_wait_for_the_workers_of_a_pool)
{
	begin("after", POOL(2) ", \"w\": {\"depends_on\": [\"thumbs\"], "
			       "\"command\": [\"%(fixtures)s/notifier\", "
			       "\"ready\", \"wait\"], \"ready\": {\"fd\": 3}}");
	declare("thumbs", 2);
	CU_ASSERT(guest_until(&guest, is_up));
	guest_close(&guest);
}

RV_TEST(without_a_host_that_fills_it_a_place_stands_empty)
{
	begin("empty", POOL(2) ", \"w\": " GUEST_WAITER);
	CU_ASSERT(guest_until(&guest, guest_is_settled));
	CU_ASSERT_EQUAL(state_of("thumbs"), REEVE_RUNNING);
	guest_close(&guest);
}

RV_SUITE(pool_unit,
    RV_CASE(a_host_fills_the_places_of_pools_and_follows_the_file),
    RV_CASE(what_the_file_puts_in_the_place_of_a_pool_takes_it),
    RV_CASE(a_supervisor_goes_with_the_pool_below_it),
    RV_CASE(others_wait_for_the_workers_of_a_pool),
    RV_CASE(without_a_host_that_fills_it_a_place_stands_empty))
