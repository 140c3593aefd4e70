/* SPDX-License-Identifier: MIT */
/*
 * Letting go of what is older than `retain`, or more than `max_size`, in small
 * steps while there is nothing else to do; part of the disk thread. The file
 * keeps its size and fills its free pages first.
 */
#include "config.h"

#include "base/error.h"
#include "clerk/disk.h"
#include "sys/sys.h"

#define EVERY        RV_HOUR
#define EVERY_EVENTS 10000 /* or when so many came */
#define EVENTS_STEP  500
#define LIVES_STEP   100

static const enum rv_sql steps[] = { RV_SQL_PRUNE_EVENTS,
	RV_SQL_PRUNE_EXCEPTIONS, RV_SQL_PRUNE_LIVES, RV_SQL_PRUNE_RUNS };

/* How much is in use, and how old the oldest is; false: nothing is there. */
static bool
measure(struct rv_disk *disk, uint64_t *used, int64_t *oldest_us)
{
	struct rv_store *store = &disk->store;
	sqlite3_stmt *stmt = store->sql[RV_SQL_PAGES];
	bool row;

	if (rv_store_row(store, RV_SQL_PAGES, &row, NULL) != REEVE_OK || !row) {
		return false;
	}
	*used = (uint64_t)(sqlite3_column_int64(stmt, 0) -
			   sqlite3_column_int64(stmt, 1));
	rv_store_reset(store, RV_SQL_PAGES);
	*oldest_us = 0;
	return rv_store_number(store, RV_SQL_OLDEST_EVENT, oldest_us, NULL) ==
		   REEVE_OK &&
	       *oldest_us > 0;
}

static enum reeve_status
remove_some(struct rv_disk *disk, int64_t before_us, int64_t *n,
    struct reeve_error *err)
{
	struct rv_store *store = &disk->store;
	enum reeve_status status = rv_store_begin(store, err);

	rv_store_int(store, RV_SQL_PRUNE_EVENTS, 1, EVENTS_STEP);
	rv_store_int(store, RV_SQL_PRUNE_EVENTS, 2, before_us);
	rv_store_int(store, RV_SQL_PRUNE_LIVES, 1, LIVES_STEP);
	for (size_t i = 0; i < RV_ARRAY_LEN(steps) && status == REEVE_OK; i++) {
		status = rv_store_run(store, steps[i], err);
		if (status == REEVE_OK) {
			*n += rv_store_changes(store);
		}
	}
	return status == REEVE_OK ? rv_store_commit(store, err) : status;
}

/* One small transaction; *n counts what it removed. */
static enum reeve_status
prune(struct rv_disk *disk, int64_t *n, struct reeve_error *err)
{
	int64_t oldest, before = rv_sys_wall_us();
	uint64_t used;

	*n = 0;
	if (!measure(disk, &used, &oldest)) {
		return REEVE_OK;
	}
	before -= disk->conf.retain / RV_US;
	if (disk->conf.max_size > 0 && used > disk->conf.max_size) {
		return remove_some(disk, INT64_MAX, n, err);
	}
	if (disk->conf.retain > 0 && oldest < before) {
		return remove_some(disk, before, n, err);
	}
	return REEVE_OK;
}

enum rv_step_result
rv_disk_prune(struct rv_disk *disk)
{
	struct reeve_error err;
	enum reeve_status status;
	int64_t n;

	if (!disk->pruning && disk->now < disk->prune_at &&
	    disk->numbers.next_event < disk->pruned_at_event + EVERY_EVENTS) {
		return RV_STEP_IDLE;
	}
	disk->prune_at = disk->now + EVERY;
	disk->pruned_at_event = disk->numbers.next_event;
	status = prune(disk, &n, &err);
	disk->pruning = status != REEVE_OK || n > 0;
	if (status != REEVE_OK) {
		return rv_disk_failed(disk, status, &err);
	}
	if (n > 0) {
		rv_disk_works(disk);
	}
	return n > 0 ? RV_STEP_DID : RV_STEP_IDLE;
}
