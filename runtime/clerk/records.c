/* SPDX-License-Identifier: MIT */
/*
 * The live ring into rows, a batch a transaction, and the end of the run; part
 * of the disk thread.
 */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "clerk/disk.h"
#include "sys/sys.h"

bool
rv_disk_records_pending(struct rv_disk *disk)
{
	struct rv_ring_cursor at = disk->live->at;
	const void *payload;
	size_t len;
	int got;

	if (disk->live->damaged) {
		return false;
	}
	got = rv_ring_next(&disk->live->ring, &at, &payload, &len);
	if (got == -1) {
		disk->live->damaged = true;
		rv_disk_say(disk, false, "read the ring", disk->live->path,
		    "it is damaged; what is behind that place is lost");
	}
	return got == 1;
}

static void
after_commit(struct rv_disk *disk, const struct rv_ring_cursor *at)
{
	rv_drain_committed(disk->live, at);
	rv_numbers_raise(
	    &disk->numbers, rv_drain_next_id(disk->live), disk->rows.next_life);
	rv_disk_works(disk);
}

/* In a transaction that the caller ends. */
static enum reeve_status
add_batch(struct rv_disk *disk, struct rv_ring_cursor *at, unsigned *n,
    struct reeve_error *err)
{
	struct rv_drain *live = disk->live;
	enum reeve_status status =
	    rv_drain_place(live, &disk->rows, disk->numbers.next_event, err);
	unsigned max;

	if (status != REEVE_OK) {
		return status;
	}
	*at = live->at;
	/* Not one more: its last words would not have been asked for. */
	max = rv_disk_gather_tails(disk, at);
	disk->rows.tail = rv_disk_tail;
	disk->rows.ctx = disk;
	status = rv_drain_add(live, &disk->rows, at, max, n, err);
	disk->rows.tail = NULL;
	if (disk->rows.n_clashes > 0) {
		disk->rows.n_clashes = 0;
		rv_disk_say(disk, false, "number the events of", live->path,
		    "their numbers are taken; those events are left out");
	}
	if (status == REEVE_OK) {
		status = rv_drain_mark(live, &disk->rows, at, false, err);
	}
	return status;
}

enum rv_step_result
rv_disk_records(struct rv_disk *disk)
{
	struct rv_drain *live = disk->live;
	struct rv_ring_cursor at;
	struct reeve_error err;
	enum reeve_status status;
	unsigned n = 0;

	if (live->first_id == 0) {
		live->first_id = rv_ring_first_id(&live->ring);
	}
	if (live->first_id == 0 ||
	    (live->placed && !rv_disk_records_pending(disk))) {
		return RV_STEP_IDLE;
	}
	status = rv_store_begin(&disk->store, &err);
	if (status == REEVE_OK) {
		status = add_batch(disk, &at, &n, &err);
	}
	if (status == REEVE_OK) {
		status = rv_store_commit(&disk->store, &err);
	}
	rv_disk_tails_over(disk, status == REEVE_OK);
	if (status != REEVE_OK) {
		return rv_disk_failed(disk, status, &err);
	}
	after_commit(disk, &at);
	return RV_STEP_DID;
}

/* Nobody told how these lives ended, but what they said last is here. */
static enum reeve_status
add_lost_tails(struct rv_disk *disk, struct reeve_error *err)
{
	struct rv_store *store = &disk->store;
	uint64_t lives[RV_ASK_MAX];
	unsigned n = 0;
	enum reeve_status status = REEVE_OK;
	bool row = true;

	rv_store_str(store, RV_SQL_LIVES_OPEN, 1, disk->live->run_id);
	while (n < RV_ASK_MAX) {
		status = rv_store_row(store, RV_SQL_LIVES_OPEN, &row, err);
		if (status != REEVE_OK || !row) {
			break;
		}
		lives[n++] = (uint64_t)sqlite3_column_int64(
		    store->sql[RV_SQL_LIVES_OPEN], 0);
	}
	rv_store_reset(store, RV_SQL_LIVES_OPEN);
	if (status != REEVE_OK || !rv_disk_gather_lives(disk, lives, n)) {
		return status;
	}
	for (unsigned i = 0; i < n && status == REEVE_OK; i++) {
		struct rv_buf *text = &disk->rows.text;

		rv_buf_reset(text);
		rv_disk_tail(disk, lives[i], 0, text);
		if (text->len == 0 || text->failed) {
			continue;
		}
		rv_store_int(store, RV_SQL_LIFE_TAIL, 1, (int64_t)lives[i]);
		rv_store_text(
		    store, RV_SQL_LIFE_TAIL, 2, text->data, text->len);
		status = rv_store_run(store, RV_SQL_LIFE_TAIL, err);
	}
	return status;
}

/* Output that went nowhere, of which no supervisor has heard. */
static enum reeve_status
add_drops(struct rv_disk *disk, struct rv_ring_cursor *at, int64_t now_us,
    struct reeve_error *err)
{
	enum reeve_status status = REEVE_OK;
	struct rv_note note;

	disk->rows.run_id = disk->live->run_id;
	for (unsigned i = 0;
	     status == REEVE_OK && rv_desk_drop_at(disk->desk, i, &note); i++) {
		struct rv_fields fields = { 0 };
		struct rv_record record = { .kind = RV_KIND_CLERK_DROPPED,
			.at_us = now_us,
			.life = note.life,
			.path = note.path,
			.path_len = strlen(note.path),
			.fields = &fields };

		rv_fields_str(&fields, RV_KEY_STREAM,
		    note.is_stderr ? "stderr" : "stdout");
		rv_fields_int(&fields, RV_KEY_BYTES, (int64_t)note.drop.bytes);
		rv_fields_int(&fields, RV_KEY_FIRST, note.drop.first_us);
		rv_fields_int(&fields, RV_KEY_LAST, note.drop.last_us);
		status = rv_rows_add(&disk->rows, &record,
		    disk->live->first_id + at->seq++ - 1, err);
	}
	return status;
}

static enum reeve_status
add_end(struct rv_disk *disk, enum rv_ending_how how, struct rv_ring_cursor *at,
    struct reeve_error *err)
{
	struct rv_drain *live = disk->live;
	int64_t now_us = rv_sys_wall_us();
	enum reeve_status status =
	    rv_drain_place(live, &disk->rows, disk->numbers.next_event, err);

	if (status == REEVE_OK && how == RV_ENDS_LOST) {
		status = add_lost_tails(disk, err);
	}
	if (status != REEVE_OK) {
		return status;
	}
	if (live->first_id == 0) {
		/* It ended before it was told where to begin. */
		live->first_id = disk->numbers.next_event;
	}
	live->ends_well = how == RV_ENDS_CLOSED;
	*at = live->at;
	status = add_drops(disk, at, now_us, err);
	return status == REEVE_OK
		   ? rv_drain_end(live, &disk->rows, at, now_us, err)
		   : status;
}

enum rv_step_result
rv_disk_end(struct rv_disk *disk, enum rv_ending_how how)
{
	struct rv_drain *live = disk->live;
	struct rv_ring_cursor at;
	struct reeve_error err;
	enum reeve_status status;

	if (live->first_id == 0 && rv_disk_records_pending(disk)) {
		/* They were written before ids were known; now they are. */
		live->first_id = disk->numbers.next_event;
		return RV_STEP_DID;
	}
	status = rv_store_begin(&disk->store, &err);
	if (status == REEVE_OK) {
		status = add_end(disk, how, &at, &err);
	}
	if (status == REEVE_OK) {
		status = rv_store_commit(&disk->store, &err);
	}
	rv_disk_tails_over(disk, status == REEVE_OK);
	if (status != REEVE_OK) {
		return rv_disk_failed(disk, status, &err);
	}
	after_commit(disk, &at);
	live->finished = true;
	unlink(live->path);
	return RV_STEP_DID;
}
