/* SPDX-License-Identifier: MIT */
/*
 * What a new clerk finds: rings of supervisors that are dead, runs whose ring
 * is gone with the machine's memory, processes that outlived theirs, and the
 * numbers that are free behind all that. Part of the disk thread.
 */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "clerk/disk.h"
#include "sys/sys.h"

#define STRAYS_MAX 65536

static void
bad_ring(void *ctx, const char *path, const char *reason)
{
	rv_disk_say(ctx, false, "read the ring", path, reason);
}

static enum reeve_status
drain_batch(struct rv_disk *disk, struct rv_drain *drain,
    struct rv_ring_cursor *at, bool *ended, struct reeve_error *err)
{
	struct rv_rows *rows = &disk->rows;
	enum reeve_status status =
	    rv_drain_place(drain, rows, disk->numbers.next_event, err);
	unsigned n;

	*at = drain->at;
	*ended = drain->finished;
	if (status != REEVE_OK || drain->finished) {
		return status;
	}
	status = rv_drain_add(drain, rows, at, RV_BATCH_MAX, &n, err);
	if (status != REEVE_OK) {
		return status;
	}
	*ended = n < RV_BATCH_MAX;
	if (!*ended) {
		return rv_drain_mark(drain, rows, at, false, err);
	}
	return rv_drain_end(drain, rows, at, rv_sys_wall_us(), err);
}

static enum rv_step_result
drain_old(struct rv_disk *disk, struct rv_drain *drain)
{
	struct rv_ring_cursor at;
	struct reeve_error err;
	enum reeve_status status = rv_store_begin(&disk->store, &err);
	bool ended;

	if (status == REEVE_OK) {
		status = drain_batch(disk, drain, &at, &ended, &err);
	}
	if (status == REEVE_OK) {
		status = rv_store_commit(&disk->store, &err);
	}
	if (status != REEVE_OK) {
		return rv_disk_failed(disk, status, &err);
	}
	rv_drain_committed(drain, &at);
	rv_numbers_raise(
	    &disk->numbers, rv_drain_next_id(drain), disk->rows.next_life);
	rv_disk_works(disk);
	if (ended) {
		disk->n_lost += drain->lost;
		unlink(drain->path);
		rv_drain_close(drain);
	}
	return RV_STEP_DID;
}

enum rv_step_result
rv_disk_old_rings(struct rv_disk *disk)
{
	if (!disk->old_found) {
		disk->old_found = true;
		rv_drain_find(
		    disk->runtime_dir, disk->live, &disk->old, bad_ring, disk);
	}
	if (rv_list_empty(&disk->old)) {
		return RV_STEP_IDLE;
	}
	return drain_old(
	    disk, RV_LIST_FIRST(&disk->old, struct rv_drain, link));
}

struct gap {
	char run_id[40];
	int64_t pid, last_us;
};

/* A run without an end and without a ring: its machine went down. */
static enum reeve_status
find_gap(
    struct rv_disk *disk, struct gap *gap, bool *found, struct reeve_error *err)
{
	struct rv_store *store = &disk->store;
	sqlite3_stmt *stmt = store->sql[RV_SQL_RUNS_OPEN];
	enum reeve_status status;
	bool row;

	*found = false;
	do {
		status = rv_store_row(store, RV_SQL_RUNS_OPEN, &row, err);
		if (status != REEVE_OK || !row) {
			return status;
		}
		rv_copy(gap->run_id, sizeof(gap->run_id),
		    (const char *)sqlite3_column_text(stmt, 0));
		gap->pid = sqlite3_column_int64(stmt, 1);
		gap->last_us = sqlite3_column_int64(stmt, 2);
		*found = strcmp(gap->run_id, disk->live->run_id) != 0;
	} while (!*found);
	rv_store_reset(store, RV_SQL_RUNS_OPEN);
	return REEVE_OK;
}

static enum reeve_status
add_gap_event(struct rv_disk *disk, const struct gap *gap, int64_t lives,
    struct reeve_error *err)
{
	struct rv_fields fields = { 0 };
	struct rv_record record = { .kind = RV_KIND_RUNTIME_LOST,
		.at_us = rv_sys_wall_us(),
		.path = "/",
		.path_len = 1,
		.fields = &fields };
	uint64_t id = disk->numbers.next_event;

	if (disk->ceiling != 0 && id >= disk->ceiling) {
		/* That number is the live run's: the tables have to do. */
		return REEVE_OK;
	}
	rv_fields_int(&fields, RV_KEY_PID, gap->pid);
	rv_fields_int(&fields, RV_KEY_LIVES, lives);
	rv_fields_int(&fields, RV_KEY_UNTIL, gap->last_us);
	disk->rows.run_id = gap->run_id;
	return rv_rows_add(&disk->rows, &record, id, err);
}

static enum reeve_status
close_gap(struct rv_disk *disk, const struct gap *gap, struct reeve_error *err)
{
	struct rv_store *store = &disk->store;
	enum reeve_status status;

	rv_store_str(store, RV_SQL_LIVES_END, 1, gap->run_id);
	rv_store_int(store, RV_SQL_LIVES_END, 2, gap->last_us);
	rv_store_str(store, RV_SQL_LIVES_END, 3, "lost");
	status = rv_store_run(store, RV_SQL_LIVES_END, err);
	if (status == REEVE_OK) {
		status = add_gap_event(disk, gap, rv_store_changes(store), err);
	}
	if (status == REEVE_OK) {
		rv_store_str(store, RV_SQL_RUN_ENDED, 1, gap->run_id);
		rv_store_int(store, RV_SQL_RUN_ENDED, 2, gap->last_us);
		rv_store_str(store, RV_SQL_RUN_ENDED, 3, "lost");
		status = rv_store_run(store, RV_SQL_RUN_ENDED, err);
	}
	return status;
}

static enum reeve_status
forget_rings(struct rv_disk *disk, struct reeve_error *err)
{
	rv_store_str(&disk->store, RV_SQL_RINGS_FORGET, 1, disk->live->run_id);
	return rv_store_run(&disk->store, RV_SQL_RINGS_FORGET, err);
}

enum rv_step_result
rv_disk_gaps(struct rv_disk *disk)
{
	struct reeve_error err;
	enum reeve_status status;
	struct gap gap;
	bool found = false;

	if (disk->gaps_closed) {
		return RV_STEP_IDLE;
	}
	status = rv_store_begin(&disk->store, &err);
	if (status == REEVE_OK) {
		status = find_gap(disk, &gap, &found, &err);
	}
	if (status == REEVE_OK) {
		status = found ? close_gap(disk, &gap, &err)
			       : forget_rings(disk, &err);
	}
	if (status == REEVE_OK) {
		status = rv_store_commit(&disk->store, &err);
	}
	if (status != REEVE_OK) {
		return rv_disk_failed(disk, status, &err);
	}
	rv_disk_works(disk);
	if (found) {
		disk->n_lost++;
		rv_numbers_raise(&disk->numbers, disk->numbers.next_event + 1,
		    disk->numbers.next_life);
	}
	disk->gaps_closed = !found;
	return RV_STEP_DID;
}

/* The number behind "start_ticks": in an event's detail; 0: none. */
static uint64_t
ticks_of(const char *detail)
{
	static const char key[] = "\"start_ticks\":";
	const char *at = detail != NULL ? strstr(detail, key) : NULL;
	uint64_t ticks = 0;

	if (at == NULL) {
		return 0;
	}
	for (at += sizeof(key) - 1; *at >= '0' && *at <= '9'; at++) {
		ticks = ticks * 10 + (uint64_t)(*at - '0');
	}
	return ticks;
}

static void
add_stray(struct rv_ready *ready, sqlite3_stmt *stmt)
{
	struct rv_clerk_stray stray = {
		.life = (uint64_t)sqlite3_column_int64(stmt, 0),
		.pid = sqlite3_column_int(stmt, 1),
		.start_ticks =
		    ticks_of((const char *)sqlite3_column_text(stmt, 2)),
	};
	struct rv_clerk_stray *more;

	if (stray.pid <= 0 || stray.start_ticks == 0 ||
	    rv_sys_start_ticks(stray.pid) != stray.start_ticks) {
		return;
	}
	more = rv_realloc(ready->strays, ready->n_strays,
	    (size_t)ready->n_strays + 1, sizeof(*more));
	if (more != NULL) {
		more[ready->n_strays++] = stray;
		ready->strays = more;
	}
}

/* Processes of lost runs that are still there. Best effort: it may fail. */
static void
find_strays(struct rv_disk *disk, struct rv_ready *ready)
{
	struct rv_store *store = &disk->store;
	char boot_id[40];
	bool row = true;

	rv_sys_boot_id(boot_id);
	rv_store_str(store, RV_SQL_STRAYS, 1, boot_id);
	rv_store_str(store, RV_SQL_STRAYS, 2, disk->live->run_id);
	while (row && ready->n_strays < STRAYS_MAX) {
		if (rv_store_row(store, RV_SQL_STRAYS, &row, NULL) !=
		    REEVE_OK) {
			break;
		}
		if (row) {
			add_stray(ready, store->sql[RV_SQL_STRAYS]);
		}
	}
	rv_store_reset(store, RV_SQL_STRAYS);
}

enum reeve_status
rv_disk_ask_numbers(struct rv_disk *disk, struct reeve_error *err)
{
	int64_t event = 0, life = 0;
	enum reeve_status status =
	    rv_store_number(&disk->store, RV_SQL_NEXT_EVENT, &event, err);

	if (status == REEVE_OK) {
		status =
		    rv_store_number(&disk->store, RV_SQL_NEXT_LIFE, &life, err);
	}
	if (status == REEVE_OK) {
		rv_numbers_raise(
		    &disk->numbers, (uint64_t)event, (uint64_t)life);
	}
	return status;
}

/* Leave room for what old rings will still need, in the order of draining. */
static void
reserve(struct rv_disk *disk, uint64_t *next_event, uint64_t *next_life)
{
	int64_t n = 0;

	RV_LIST_EACH (drain, &disk->old, struct rv_drain, link) {
		uint64_t first =
		    drain->first_id != 0 ? drain->first_id : *next_event;
		uint64_t end = rv_drain_reserve(drain, first, next_life);

		if (!disk->locked) {
			/* Another clerk may be about to end that run. */
			end += RV_DROPS_MAX;
		}

		*next_event = RV_MAX(*next_event, end);
	}
	if (!disk->gaps_closed && disk->store.db != NULL &&
	    rv_store_number(&disk->store, RV_SQL_RUNS_OPEN_COUNT, &n, NULL) ==
		REEVE_OK) {
		*next_event += (uint64_t)n;
	}
}

/*
 * in_full: everything old is in the database. Otherwise the supervisor does
 * not have to wait any longer: it gets numbers that nobody else will use.
 */
void
rv_disk_ready(struct rv_disk *disk, bool in_full)
{
	struct rv_ready ready = { .rings_drained = disk->n_lost };

	if (disk->store.db == NULL) {
		/* For a look: another clerk may still be writing. */
		if (!disk->locked) {
			rv_numbers_close(&disk->numbers);
			rv_numbers_open(&disk->numbers, disk->runtime_dir);
		}
		if (rv_store_open(&disk->store, NULL) == REEVE_OK &&
		    rv_disk_ask_numbers(disk, NULL) != REEVE_OK) {
			rv_store_close(&disk->store);
		}
	}
	if (!disk->old_found) {
		disk->old_found = true;
		rv_drain_find(
		    disk->runtime_dir, disk->live, &disk->old, bad_ring, disk);
	}
	if (!disk->numbers.known && rv_store_has_some(&disk->store)) {
		/* There were some; the clock is above whatever they were. */
		ready.next_event = ready.next_life = (uint64_t)rv_sys_wall_us();
	} else {
		ready.next_event = disk->numbers.next_event;
		ready.next_life = disk->numbers.next_life;
	}
	if (!in_full) {
		reserve(disk, &ready.next_event, &ready.next_life);
	}
	if (disk->store.db != NULL) {
		find_strays(disk, &ready);
	}
	disk->ceiling = ready.next_event;
	disk->ready_told = true;
	rv_desk_ready(disk->desk, &ready);
}
