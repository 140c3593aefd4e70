/* SPDX-License-Identifier: MIT */
/*
 * Rings into rows: see drain.h. What makes it exactly once is the row in
 * `rings`, written in the transaction of the records themselves: the ring's
 * own tail only says what its writer may overwrite.
 */
#include "config.h"

#include "clerk/drain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "sys/sys.h"

static enum reeve_status
map_ring(struct rv_drain *drain, int fd, struct reeve_error *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1) {
		return rv_error_sys(err, errno, "cannot look at the ring");
	}
	if (!S_ISREG(st.st_mode) || st.st_size < 4096) {
		return rv_error(err, REEVE_EDAMAGED, "it is no ring");
	}
	drain->size = (size_t)st.st_size;
	drain->map = rv_sys_mmap_shared(fd, drain->size, true);
	if (drain->map == NULL) {
		return rv_error_sys(err, errno, "cannot map the ring");
	}
	return rv_ring_attach(&drain->ring, drain->map, drain->size, err);
}

/*
 * A clerk that was killed while it freed entries has stored how many there
 * were, and not yet where they end: then the entry at the tail still stands.
 */
static bool
begin(const struct rv_ring *ring, struct rv_ring_cursor *at)
{
	const struct rv_ring_entry *entry;
	uint64_t seq;

	if (!rv_ring_begin(ring, at)) {
		return false;
	}
	entry =
	    (const struct rv_ring_entry *)(const void *)(ring->data +
							 at->pos %
							     ring->capacity);
	seq = __atomic_load_n(&entry->seq, __ATOMIC_ACQUIRE) & ~RV_RING_WRAP;
	if (seq != 0 && seq < at->seq) {
		at->seq = seq;
	}
	return true;
}

enum reeve_status
rv_drain_open(struct rv_drain **out, int fd, const char *dir, bool live,
    struct reeve_error *err)
{
	struct rv_drain *drain = rv_alloc(1, sizeof(*drain));
	enum reeve_status status = REEVE_ENOMEM;
	char path[4096];

	if (drain == NULL) {
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	rv_list_init(&drain->link);
	drain->live = live;
	status = map_ring(drain, fd, err);
	if (status != REEVE_OK) {
		goto out;
	}
	rv_format(
	    path, sizeof(path), "%s/ring-%s", dir, drain->ring.header->run_id);
	drain->path = rv_strdup(path);
	if (drain->path == NULL) {
		status = rv_error(err, REEVE_ENOMEM, "out of memory");
		goto out;
	}
	rv_copy(
	    drain->run_id, sizeof(drain->run_id), drain->ring.header->run_id);
	rv_copy(drain->boot_id, sizeof(drain->boot_id),
	    drain->ring.header->boot_id);
	drain->damaged = !begin(&drain->ring, &drain->at);
	drain->first_id = rv_ring_first_id(&drain->ring);
	*out = drain;
	drain = NULL;
out:
	rv_drain_close(drain);
	return status;
}

void
rv_drain_close(struct rv_drain *drain)
{
	if (drain == NULL) {
		return;
	}
	rv_list_remove(&drain->link);
	if (drain->map != NULL) {
		munmap(drain->map, drain->size);
	}
	rv_free(drain->path);
	rv_free(drain);
}

static bool
writer_lives(const struct rv_drain *drain)
{
	const struct rv_ring_header *h = drain->ring.header;
	uint64_t ticks = __atomic_load_n(&h->start_ticks, __ATOMIC_ACQUIRE);
	char boot_id[40];

	rv_sys_boot_id(boot_id);
	return strcmp(boot_id, drain->boot_id) == 0 && h->pid > 0 &&
	       ticks != 0 && rv_sys_start_ticks(h->pid) == ticks;
}

/* Out of the way, but not away: nobody knows what is in it. */
static void
move_aside(const char *dir, const char *name)
{
	char from[4096], to[4096];

	rv_format(from, sizeof(from), "%s/%s", dir, name);
	rv_format(to, sizeof(to), "%s/damaged-%s", dir, name);
	rename(from, to);
}

static void
insert_by_age(struct rv_list *list, struct rv_drain *drain)
{
	int64_t age = drain->ring.header->started_at_us;

	RV_LIST_EACH (other, list, struct rv_drain, link) {
		if (other->ring.header->started_at_us > age) {
			rv_list_insert(&other->link, &drain->link);
			return;
		}
	}
	rv_list_insert(list, &drain->link);
}

void
rv_drain_find(const char *dir, const struct rv_drain *except,
    struct rv_list *found,
    void (*bad)(void *ctx, const char *path, const char *reason), void *ctx)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	struct reeve_error err;
	char path[4096];

	while (d != NULL && (entry = readdir(d)) != NULL) {
		struct rv_drain *drain = NULL;
		enum reeve_status status;
		int fd;

		if (strncmp(entry->d_name, "ring-", 5) != 0) {
			continue;
		}
		rv_format(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (except != NULL && strcmp(path, except->path) == 0) {
			continue;
		}
		fd = rv_sys_open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0);
		if (fd == -1) {
			bad(ctx, path, rv_errno_name(errno));
			continue;
		}
		status = rv_drain_open(&drain, fd, dir, false, &err);
		close(fd);
		if (status == REEVE_EDAMAGED) {
			bad(ctx, path, err.text);
			move_aside(dir, entry->d_name);
		} else if (status != REEVE_OK) {
			bad(ctx, path, err.text);
		} else if (strcmp(path, drain->path) != 0) {
			bad(ctx, path, "it is the ring of another run");
			rv_drain_close(drain);
			move_aside(dir, entry->d_name);
		} else if (writer_lives(drain)) {
			rv_drain_close(drain);
		} else {
			insert_by_age(found, drain);
		}
	}
	if (d != NULL) {
		closedir(d);
	}
}

uint64_t
rv_drain_next_id(const struct rv_drain *drain)
{
	return drain->first_id != 0 ? drain->first_id + drain->at.seq - 1 : 0;
}

static unsigned
count_drops(const struct rv_drain *drain)
{
	struct rv_ring_drop drop;
	unsigned n = 0;

	for (unsigned i = 0; rv_ring_drop(&drain->ring, i, &drop); i++) {
		n += drop.count > 0;
	}
	return n;
}

uint64_t
rv_drain_reserve(
    const struct rv_drain *drain, uint64_t first, uint64_t *next_life)
{
	struct rv_ring_cursor at = drain->at;
	struct rv_fields fields;
	struct rv_record record;
	const void *payload;
	size_t len;

	while (!drain->damaged &&
	       rv_ring_next(&drain->ring, &at, &payload, &len) == 1) {
		if (rv_record_decode(&record, &fields, payload, len) ==
			REEVE_OK &&
		    record.life >= *next_life && record.life < INT64_MAX) {
			*next_life = record.life + 1;
		}
	}
	/* One more for runtime.lost. */
	return first + at.seq - 1 + count_drops(drain) + 1;
}

static enum reeve_status
add_run(struct rv_drain *drain, struct rv_rows *rows, struct reeve_error *err)
{
	const struct rv_ring_header *h = drain->ring.header;
	struct rv_store *store = rows->store;

	rv_store_str(store, RV_SQL_RUN, 1, drain->run_id);
	rv_store_int(store, RV_SQL_RUN, 2, h->started_at_us);
	rv_store_str(store, RV_SQL_RUN, 3, h->hostname);
	rv_store_str(store, RV_SQL_RUN, 4, drain->boot_id);
	rv_store_int(store, RV_SQL_RUN, 5, h->pid);
	rv_store_str(store, RV_SQL_RUN, 6, h->reeve);
	rv_store_str(store, RV_SQL_RUN, 7, h->digest);
	if (drain->ring.config_len > 0) {
		rv_store_text(store, RV_SQL_RUN, 8, drain->ring.config,
		    strnlen(drain->ring.config, drain->ring.config_len));
	} else {
		rv_store_null(store, RV_SQL_RUN, 8);
	}
	return rv_store_run(store, RV_SQL_RUN, err);
}

/* Move over what the database has already. */
static void
skip_to(struct rv_drain *drain, uint64_t committed)
{
	const void *payload;
	size_t len;

	while (!drain->damaged && drain->at.seq <= committed) {
		int got =
		    rv_ring_next(&drain->ring, &drain->at, &payload, &len);

		if (got == 0) {
			/* Freed, and told so: the place is right. */
			drain->at.seq = committed + 1;
		}
		drain->damaged = got == -1;
	}
}

enum reeve_status
rv_drain_place(struct rv_drain *drain, struct rv_rows *rows, uint64_t floor,
    struct reeve_error *err)
{
	struct rv_store *store = rows->store;
	uint64_t committed = 0;
	enum reeve_status status;
	bool row;

	if (drain->placed) {
		return REEVE_OK;
	}
	status = add_run(drain, rows, err);
	if (status != REEVE_OK) {
		return status;
	}
	rv_store_str(store, RV_SQL_RING, 1, drain->run_id);
	status = rv_store_row(store, RV_SQL_RING, &row, err);
	if (status != REEVE_OK) {
		return status;
	}
	if (drain->first_id == 0) {
		drain->first_id = rv_ring_first_id(&drain->ring);
	}
	if (row) {
		sqlite3_stmt *stmt = store->sql[RV_SQL_RING];

		drain->first_id = (uint64_t)sqlite3_column_int64(stmt, 0);
		committed = (uint64_t)sqlite3_column_int64(stmt, 1);
		drain->finished = sqlite3_column_int(stmt, 2) != 0;
		rv_store_reset(store, RV_SQL_RING);
	} else if (drain->first_id == 0 && !drain->live) {
		/* It died before it knew where to begin. */
		drain->first_id = floor;
	}
	skip_to(drain, committed);
	return REEVE_OK;
}

/* A record that says nothing still takes its number. */
static enum reeve_status
add_unreadable(
    struct rv_rows *rows, uint64_t id, int64_t at_us, struct reeve_error *err)
{
	struct rv_fields fields = { 0 };
	struct rv_record record = { .kind = RV_KIND_CLERK_DROPPED,
		.at_us = at_us,
		.path = "/",
		.path_len = 1,
		.fields = &fields };

	rv_fields_int(&fields, RV_KEY_COUNT, 1);
	rv_fields_str(&fields, RV_KEY_MESSAGE, "a record could not be read");
	return rv_rows_add(rows, &record, id, err);
}

enum reeve_status
rv_drain_add(struct rv_drain *drain, struct rv_rows *rows,
    struct rv_ring_cursor *at, unsigned max, unsigned *n,
    struct reeve_error *err)
{
	enum reeve_status status = REEVE_OK;
	struct rv_fields fields;
	struct rv_record record;
	const void *payload;
	size_t len;

	rows->run_id = drain->run_id;
	for (*n = 0; *n < max && status == REEVE_OK && !drain->damaged;) {
		uint64_t id = drain->first_id + at->seq - 1;
		int got = rv_ring_next(&drain->ring, at, &payload, &len);

		if (got != 1) {
			drain->damaged = got == -1;
			break;
		}
		++*n;
		if (rv_record_decode(&record, &fields, payload, len) ==
		    REEVE_OK) {
			status = rv_rows_add(rows, &record, id, err);
		} else {
			status =
			    add_unreadable(rows, id, rv_sys_wall_us(), err);
		}
	}
	return status;
}

enum reeve_status
rv_drain_mark(struct rv_drain *drain, struct rv_rows *rows,
    const struct rv_ring_cursor *at, bool finished, struct reeve_error *err)
{
	struct rv_store *store = rows->store;

	rv_store_str(store, RV_SQL_RING_AT, 1, drain->run_id);
	rv_store_int(store, RV_SQL_RING_AT, 2, (int64_t)drain->first_id);
	rv_store_int(store, RV_SQL_RING_AT, 3, (int64_t)(at->seq - 1));
	rv_store_int(store, RV_SQL_RING_AT, 4, finished);
	return rv_store_run(store, RV_SQL_RING_AT, err);
}

static enum reeve_status
add_drop(struct rv_drain *drain, struct rv_rows *rows,
    struct rv_ring_cursor *at, const struct rv_ring_drop *drop, int64_t now_us,
    struct reeve_error *err)
{
	struct rv_fields fields = { 0 };
	const char *path = drop->path[0] != '\0' ? drop->path : "/";
	struct rv_record record = { .kind = RV_KIND_CLERK_DROPPED,
		.at_us = now_us,
		.path = path,
		.path_len = strlen(path),
		.fields = &fields };

	rv_fields_str(&fields, RV_KEY_KIND, rv_kind_name(drop->kind));
	rv_fields_int(&fields, RV_KEY_COUNT, (int64_t)drop->count);
	rv_fields_int(&fields, RV_KEY_FIRST, drop->first_us);
	rv_fields_int(&fields, RV_KEY_LAST, drop->last_us);
	return rv_rows_add(rows, &record, drain->first_id + at->seq++ - 1, err);
}

/* The run's lives end here; how many were open. */
static enum reeve_status
end_lives(struct rv_rows *rows, const char *reason, int64_t now_us, int64_t *n,
    struct reeve_error *err)
{
	struct rv_store *store = rows->store;
	enum reeve_status status;

	rv_store_str(store, RV_SQL_LIVES_END, 1, rows->run_id);
	rv_store_int(store, RV_SQL_LIVES_END, 2, now_us);
	rv_store_str(store, RV_SQL_LIVES_END, 3, reason);
	status = rv_store_run(store, RV_SQL_LIVES_END, err);
	if (status == REEVE_OK) {
		*n = rv_store_changes(store);
	}
	return status;
}

static enum reeve_status
end_run(struct rv_rows *rows, const char *reason, int64_t now_us,
    struct reeve_error *err)
{
	rv_store_str(rows->store, RV_SQL_RUN_ENDED, 1, rows->run_id);
	rv_store_int(rows->store, RV_SQL_RUN_ENDED, 2, now_us);
	rv_store_str(rows->store, RV_SQL_RUN_ENDED, 3, reason);
	return rv_store_run(rows->store, RV_SQL_RUN_ENDED, err);
}

static enum reeve_status
add_lost(struct rv_drain *drain, struct rv_rows *rows,
    struct rv_ring_cursor *at, int64_t lives, int64_t now_us,
    struct reeve_error *err)
{
	struct rv_fields fields = { 0 };
	struct rv_record record = { .kind = RV_KIND_RUNTIME_LOST,
		.at_us = now_us,
		.path = "/",
		.path_len = 1,
		.fields = &fields };

	rv_fields_int(&fields, RV_KEY_PID, drain->ring.header->pid);
	rv_fields_int(&fields, RV_KEY_LIVES, lives);
	rv_fields_str(&fields, RV_KEY_BOOT_ID, drain->boot_id);
	return rv_rows_add(rows, &record, drain->first_id + at->seq++ - 1, err);
}

enum reeve_status
rv_drain_end(struct rv_drain *drain, struct rv_rows *rows,
    struct rv_ring_cursor *at, int64_t now_us, struct reeve_error *err)
{
	enum reeve_status status = REEVE_OK;
	struct rv_ring_drop drop;
	bool closed = drain->ends_well, ended = false;
	int64_t lives = 0;

	rows->run_id = drain->run_id;
	for (unsigned i = 0;
	     status == REEVE_OK && rv_ring_drop(&drain->ring, i, &drop); i++) {
		if (drop.count > 0) {
			status = add_drop(drain, rows, at, &drop, now_us, err);
		}
	}
	if (status == REEVE_OK) {
		rv_store_str(
		    rows->store, RV_SQL_RUN_HAS_ENDED, 1, drain->run_id);
		status = rv_store_row(
		    rows->store, RV_SQL_RUN_HAS_ENDED, &ended, err);
		rv_store_reset(rows->store, RV_SQL_RUN_HAS_ENDED);
	}
	/* A run that ended in order has said so in its last record. */
	closed = closed || ended;
	if (status == REEVE_OK) {
		status = end_lives(
		    rows, closed ? "unknown" : "lost", now_us, &lives, err);
	}
	if (status == REEVE_OK && !closed) {
		status = add_lost(drain, rows, at, lives, now_us, err);
		drain->lost = true;
	}
	if (status == REEVE_OK) {
		status =
		    end_run(rows, closed ? "stopped" : "lost", now_us, err);
	}
	return status == REEVE_OK ? rv_drain_mark(drain, rows, at, true, err)
				  : status;
}

void
rv_drain_committed(struct rv_drain *drain, const struct rv_ring_cursor *at)
{
	drain->at = *at;
	drain->placed = true;
	if (drain->live && !drain->damaged) {
		rv_ring_release(&drain->ring, at);
	}
}
