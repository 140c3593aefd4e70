/* SPDX-License-Identifier: MIT */
/*
 * The loop of the disk thread, and what it does when the database fails: see
 * disk.h. Started and joined by main; must never hold the desk while it does.
 */
#include "config.h"

#include "clerk/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "sys/sys.h"

#define LOCK_EVERY     (50 * RV_MS) /* try, while another clerk has it */
#define BUSY_FIRST     (10 * RV_MS)
#define BUSY_LAST      (100 * RV_MS)
#define FAIL_FIRST     (100 * RV_MS)
#define FAIL_LAST      (5 * RV_SEC)
#define BUSY_SAID      RV_SEC       /* locked for so long: said */
#define READY_WITHIN   (3 * RV_SEC) /* the supervisor waits no longer */
#define FIRST_ID_EVERY (10 * RV_MS)
#define CHECK_EVERY    RV_SEC /* that the database is still there */
#define SHRINK_AFTER   RV_SEC
#define NAMES_WITHIN   (2 * RV_SEC) /* of the end */
#define DO_WRITE       "write the event log"

static void
say_log_trouble(
    void *ctx, bool ok, const char *what, const char *path, const char *reason)
{
	rv_disk_say(ctx, ok, what, path, reason);
}

bool
rv_disk_init(struct rv_disk *disk, struct rv_desk *desk, const char *state_dir,
    const char *runtime_dir)
{
	memset(disk, 0, sizeof(*disk));
	disk->desk = desk;
	disk->state_dir = state_dir;
	disk->runtime_dir = runtime_dir;
	disk->wake_fd = disk->lock_fd = disk->numbers.fd = -1;
	rv_list_init(&disk->old);
	if (!rv_store_init(&disk->store, state_dir) ||
	    !rv_logs_init(&disk->logs, state_dir)) {
		return false;
	}
	disk->logs.trouble = say_log_trouble;
	disk->logs.ctx = disk;
	rv_rows_init(&disk->rows, &disk->store);
	rv_namer_init(&disk->namer);
	return true;
}

void
rv_disk_finish(struct rv_disk *disk)
{
	while (!rv_list_empty(&disk->old)) {
		rv_drain_close(
		    RV_LIST_FIRST(&disk->old, struct rv_drain, link));
	}
	rv_namer_finish(&disk->namer);
	rv_store_finish(&disk->store);
	rv_rows_finish(&disk->rows);
	rv_logs_finish(&disk->logs);
	rv_numbers_close(&disk->numbers);
	if (disk->lock_fd != -1) {
		close(disk->lock_fd);
	}
	if (disk->wake_fd != -1) {
		close(disk->wake_fd);
	}
}

void
rv_disk_say(struct rv_disk *disk, bool ok, const char *what, const char *path,
    const char *reason)
{
	struct rv_note note = { .op = RV_CLERK_DISK, .ok = ok, .what = what };

	rv_copy(note.path, sizeof(note.path), path);
	rv_copy(note.reason, sizeof(note.reason), reason);
	/* Without room the supervisor is far behind, and has heard enough. */
	rv_desk_note(disk->desk, &note);
}

/* -------- the database -------- */

/* A new file: whoever was in the old one is told to it again. */
static void
begin_anew(struct rv_disk *disk)
{
	disk->live->placed = false;
	RV_LIST_EACH (drain, &disk->old, struct rv_drain, link) {
		drain->placed = false;
	}
	if (!disk->numbers.known) {
		/* Above whatever was in it. */
		uint64_t now = (uint64_t)rv_sys_wall_us();

		rv_numbers_raise(&disk->numbers, now, now);
	}
}

static enum rv_step_result
move_aside(struct rv_disk *disk, const struct reeve_error *why)
{
	char to[PATH_MAX], reason[256];
	struct reeve_error err;
	enum reeve_status status =
	    rv_store_move_aside(&disk->store, to, sizeof(to), &err);

	if (status != REEVE_OK) {
		rv_error_wrap(&err, "it is damaged (%s)", why->text);
		err.status = REEVE_ESYS;
		return rv_disk_failed(disk, REEVE_ESYS, &err);
	}
	rv_format(reason, sizeof(reason),
	    "it is damaged (%s); moved to %s, a new one is begun", why->text,
	    to);
	rv_disk_say(disk, false, DO_WRITE, disk->store.path, reason);
	begin_anew(disk);
	disk->db.failing = disk->db.said = true;
	disk->db.since = disk->db.retry_at = disk->now;
	disk->db.delay = 0;
	return RV_STEP_DID;
}

static void
try_later(struct rv_disk *disk, bool busy)
{
	rv_time first = busy ? BUSY_FIRST : FAIL_FIRST;
	rv_time last = busy ? BUSY_LAST : FAIL_LAST;

	disk->db.delay = RV_MIN(RV_MAX(disk->db.delay * 2, first), last);
	disk->db.retry_at = rv_sys_now() + disk->db.delay;
}

enum rv_step_result
rv_disk_failed(struct rv_disk *disk, enum reeve_status status,
    const struct reeve_error *err)
{
	bool busy = status == REEVE_EBUSY;

	rv_store_rollback(&disk->store);
	if (status == REEVE_EDAMAGED) {
		return move_aside(disk, err);
	}
	if (status == REEVE_EFULL) {
		rv_store_write_back(&disk->store);
	}
	if (!disk->db.failing) {
		disk->db.failing = true;
		disk->db.since = disk->now;
		disk->db.delay = 0;
	}
	if (!disk->db.said &&
	    (!busy || disk->now - disk->db.since >= BUSY_SAID)) {
		disk->db.said = true;
		rv_disk_say(disk, false, DO_WRITE, disk->store.path, err->text);
	}
	try_later(disk, busy);
	return RV_STEP_WAITS;
}

void
rv_disk_works(struct rv_disk *disk)
{
	if (disk->db.said) {
		rv_disk_say(disk, true, DO_WRITE, disk->store.path, "");
	}
	disk->db.failing = disk->db.said = false;
	disk->db.delay = disk->db.retry_at = 0;
}

static enum rv_step_result
open_store(struct rv_disk *disk)
{
	struct reeve_error err;
	enum reeve_status status = rv_store_open(&disk->store, &err);

	if (status == REEVE_OK) {
		status = rv_disk_ask_numbers(disk, &err);
	}
	if (status != REEVE_OK) {
		rv_store_close(&disk->store);
		return rv_disk_failed(disk, status, &err);
	}
	disk->db.checked_at = disk->now;
	return RV_STEP_DID;
}

/* Somebody removed the file, or put another in its place. */
static bool
is_gone(struct rv_disk *disk)
{
	if (disk->now - disk->db.checked_at < CHECK_EVERY) {
		return false;
	}
	disk->db.checked_at = disk->now;
	return rv_store_is_gone(&disk->store);
}

static enum rv_step_result
replace_gone(struct rv_disk *disk)
{
	rv_disk_say(disk, false, DO_WRITE, disk->store.path,
	    "somebody took it away; a new one is begun");
	disk->db.failing = disk->db.said = true;
	rv_store_close(&disk->store);
	begin_anew(disk);
	return open_store(disk);
}

/* One clerk at a time: an earlier one may still be at its last words. */
static enum rv_step_result
take_lock(struct rv_disk *disk)
{
	char path[PATH_MAX];

	if (disk->lock_fd == -1) {
		rv_format(
		    path, sizeof(path), "%s/clerk.lock", disk->runtime_dir);
		disk->lock_fd =
		    rv_sys_open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	}
	if (disk->lock_fd == -1 ||
	    flock(disk->lock_fd, LOCK_EX | LOCK_NB) == -1) {
		disk->db.retry_at = disk->now + LOCK_EVERY;
		return RV_STEP_WAITS;
	}
	disk->locked = true;
	disk->db.retry_at = 0;
	rv_numbers_close(&disk->numbers);
	rv_numbers_open(&disk->numbers, disk->runtime_dir);
	return RV_STEP_DID;
}

/* The next thing to be done to the database. */
static enum rv_step_result
database_step(struct rv_disk *disk)
{
	enum rv_step_result result;

	if (!disk->locked) {
		return take_lock(disk);
	}
	if (disk->store.db == NULL) {
		return open_store(disk);
	}
	if (is_gone(disk)) {
		return replace_gone(disk);
	}
	if ((result = rv_disk_old_rings(disk)) != RV_STEP_IDLE ||
	    (result = rv_disk_gaps(disk)) != RV_STEP_IDLE) {
		return result;
	}
	if (!disk->ready_told) {
		rv_disk_ready(disk, true);
	}
	return rv_disk_records(disk);
}

/* Records wait for the supervisor to learn its first number. */
static bool
waits_for_first_id(const struct rv_disk *disk)
{
	return disk->live->first_id == 0 && disk->ready_told;
}

/* -------- the loop -------- */

/* At the end too: who asks why it all ended wants to read names. */
static bool
names_to_wait_for(struct rv_disk *disk)
{
	rv_time until;

	if (disk->ended_at == 0) {
		disk->ended_at = disk->now;
	}
	until = disk->ended_at + NAMES_WITHIN;
	if (disk->now >= until || !rv_disk_names_pending(disk)) {
		return false;
	}
	if (rv_disk_name(disk) == RV_STEP_IDLE) {
		if (!rv_disk_names_pending(disk)) {
			return false;
		}
		until = RV_MIN(until, rv_disk_names_at(disk));
		rv_desk_sleep(disk->desk, -1, until);
	}
	return true;
}

/* All is written: this is the moment for what can wait. */
static bool
idle_work(struct rv_disk *disk)
{
	enum rv_ending_how how = rv_desk_ending(disk->desk);

	if (how != RV_GOES_ON && rv_desk_job(disk->desk) == NULL) {
		if (disk->live->first_id != 0 &&
		    rv_disk_records_pending(disk)) {
			return true; /* it came with the word to end */
		}
		if (names_to_wait_for(disk)) {
			return true;
		}
		if (!rv_desk_has_last_drops(disk->desk)) {
			rv_desk_sleep(disk->desk, -1, RV_FOREVER);
			return true;
		}
		if (rv_disk_end(disk, how) == RV_STEP_DID) {
			disk->done = disk->live->finished;
		}
		return true;
	}
	return rv_disk_name(disk) != RV_STEP_IDLE ||
	       rv_disk_prune(disk) != RV_STEP_IDLE;
}

static void
shrink(struct rv_disk *disk)
{
	disk->shrunk = true;
	rv_rows_shrink(&disk->rows);
	rv_store_shrink(&disk->store);
	rv_desk_shrink(disk->desk);
	rv_alloc_trim();
}

static rv_time
next_time(const struct rv_disk *disk, enum rv_step_result result)
{
	rv_time until = RV_FOREVER;

	if (result == RV_STEP_WAITS) {
		until = disk->db.retry_at;
	}
	if (disk->output_waits) {
		until = RV_MIN(until, disk->output_at);
	}
	if (!disk->ready_told) {
		until = RV_MIN(until, disk->began + READY_WITHIN);
	}
	if (waits_for_first_id(disk)) {
		until = RV_MIN(until, disk->now + FIRST_ID_EVERY);
	}
	if (!disk->shrunk) {
		until = RV_MIN(until, disk->busy_at + SHRINK_AFTER);
	}
	until = RV_MIN(until, rv_disk_names_at(disk));
	return RV_MIN(until, disk->prune_at);
}

static void
rest(struct rv_disk *disk, enum rv_step_result result)
{
	rv_time until = next_time(disk, result);

	/* While the database waits there is no use in hearing of more. */
	if (result == RV_STEP_WAITS || disk->live->damaged ||
	    disk->live->first_id == 0) {
		rv_desk_sleep(disk->desk, -1, until);
	} else if (rv_ring_sleep(&disk->live->ring, &disk->live->at)) {
		rv_desk_sleep(disk->desk, disk->wake_fd, until);
		rv_ring_awake(&disk->live->ring);
	}
}

static void
turn(struct rv_disk *disk)
{
	enum rv_step_result result = RV_STEP_WAITS;
	bool busy = false;

	disk->now = rv_sys_now();
	if (!disk->output_waits || disk->now >= disk->output_at) {
		busy = rv_disk_write_output(disk);
	}
	if (disk->now >= disk->db.retry_at) {
		result = database_step(disk);
	}
	rv_desk_answer_syncs(
	    disk->desk, disk->live->damaged ? UINT64_MAX : disk->live->at.pos);
	if (!disk->ready_told && disk->now - disk->began >= READY_WITHIN) {
		rv_disk_ready(disk, false);
	}
	if (busy || result == RV_STEP_DID) {
		disk->busy_at = disk->now;
		disk->shrunk = false;
		return;
	}
	if (result == RV_STEP_IDLE && idle_work(disk)) {
		return;
	}
	if (!disk->shrunk && disk->now - disk->busy_at >= SHRINK_AFTER) {
		shrink(disk);
	}
	rest(disk, result);
}

void *
rv_disk_main(void *arg)
{
	struct rv_disk *disk = arg;

	disk->began = disk->busy_at = rv_sys_now();
	disk->began_us = rv_sys_wall_us();
	disk->prune_at = disk->began;
	disk->logs.stall = disk->conf.output_stall;
	rv_numbers_open(&disk->numbers, disk->runtime_dir);
	while (!disk->done) {
		turn(disk);
	}
	rv_desk_say_ended(disk->desk);
	return NULL;
}
