/* SPDX-License-Identifier: MIT */
/*
 * What the rings of a runtime directory hold and no clerk has freed: copied
 * while their writers go on. An entry that is overwritten under our hands has
 * been committed before, so beginning anew at the tail loses nothing.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "query/query_priv.h"
#include "sys/sys.h"
#include "wire/record.h"
#include "wire/ring.h"

#define DETAIL_MAX ((size_t)1024 * 1024)
#define TRIES      64

struct gather {
	struct reeve_log *log;
	sqlite3_stmt *insert;
	char *entry; /* RV_RECORD_MAX bytes */
	struct rv_buf detail;
	struct reeve_error *err;
};

static bool
is_ring(const char *name)
{
	return strncmp(name, "ring-", 5) == 0;
}

static enum reeve_status
insert(struct gather *g, const struct rv_ring *ring,
    const struct rv_record *record, uint64_t id)
{
	sqlite3_stmt *to = g->insert;
	const char *kind = rv_kind_name(record->kind);
	char number[32];
	bool row;
	enum reeve_status status;

	if (kind == NULL) {
		rv_format(number, sizeof(number), "kind.%u", record->kind);
		kind = number;
	}
	rv_buf_reset(&g->detail);
	rv_record_detail(record, &g->detail);
	if (g->detail.failed) {
		return rv_error_sys(g->err, ENOMEM, "cannot read a ring");
	}
	sqlite3_bind_int64(to, 1, (sqlite3_int64)id);
	rv_query_bind_text(to, 2, ring->header->run_id);
	if (record->life != 0) {
		sqlite3_bind_int64(to, 3, (sqlite3_int64)record->life);
	} else {
		sqlite3_bind_null(to, 3);
	}
	sqlite3_bind_int64(to, 4, record->at_us);
	sqlite3_bind_text(
	    to, 5, record->path, (int)record->path_len, SQLITE_STATIC);
	rv_query_bind_text(to, 6, kind);
	sqlite3_bind_text(
	    to, 7, rv_buf_str(&g->detail), (int)g->detail.len, SQLITE_STATIC);
	status = rv_query_step(g->log, to, &row, g->err);
	sqlite3_reset(to);
	return status;
}

static uint64_t
tail_of(const struct rv_ring *ring)
{
	return __atomic_load_n(&ring->header->tail, __ATOMIC_ACQUIRE);
}

/* Up to the first entry that is not there; -1: damaged, or overwritten. */
static int
copy_some(struct gather *g, const struct rv_ring *ring, uint64_t first_id,
    struct rv_ring_cursor *at, enum reeve_status *status)
{
	struct rv_record record;
	struct rv_fields fields;
	size_t len;
	int got;

	*status = REEVE_OK;
	while ((got = rv_ring_copy(ring, at, g->entry, RV_RECORD_MAX, &len)) ==
	       1) {
		uint64_t id = first_id + at->seq - 2;

		/* What cannot be read is passed over; its id stays free. */
		if (rv_record_decode(&record, &fields, g->entry, len) ==
			REEVE_OK &&
		    id <= INT64_MAX) {
			record.fields = &fields;
			*status = insert(g, ring, &record, id);
		}
		if (*status != REEVE_OK) {
			return 0;
		}
	}
	return got;
}

static enum reeve_status
copy_ring(struct gather *g, const struct rv_ring *ring)
{
	uint64_t first_id = rv_ring_first_id(ring);
	enum reeve_status status = REEVE_OK;

	/* Before the clerk has said where ids begin there are none. */
	for (int i = 0; first_id != 0 && i < TRIES; i++) {
		struct rv_ring_cursor at;
		uint64_t tail = tail_of(ring);

		if (!rv_ring_begin(ring, &at)) {
			break;
		}
		copy_some(g, ring, first_id, &at, &status);
		/* Freed under our hands: the rest is behind the new tail. */
		if (status != REEVE_OK ||
		    (tail_of(ring) == tail || tail_of(ring) <= at.pos)) {
			break;
		}
	}
	return status;
}

static enum reeve_status
take_ring(struct gather *g, const char *path)
{
	int fd = rv_sys_open(path, O_RDONLY | O_NOFOLLOW, 0);
	enum reeve_status status = REEVE_OK;
	struct rv_ring ring;
	struct stat st;
	void *map = NULL;

	if (fd == -1) {
		return REEVE_OK; /* it was drained meanwhile */
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		map = rv_sys_mmap_shared(fd, (size_t)st.st_size, false);
	}
	close(fd);
	if (map == NULL) {
		return REEVE_OK;
	}
	/* One that is damaged has nothing to tell; the clerk says so. */
	if (rv_ring_attach(&ring, map, (size_t)st.st_size, NULL) == REEVE_OK) {
		status = copy_ring(g, &ring);
	}
	munmap(map, (size_t)st.st_size);
	return status;
}

static enum reeve_status
take_all(struct gather *g)
{
	enum reeve_status status = REEVE_OK;
	DIR *dir = opendir(g->log->runtime_dir);
	struct dirent *entry;
	char path[PATH_MAX];

	while (status == REEVE_OK && dir != NULL &&
	       (entry = readdir(dir)) != NULL) {
		if (is_ring(entry->d_name)) {
			rv_format(path, sizeof(path), "%s/%s",
			    g->log->runtime_dir, entry->d_name);
			status = take_ring(g, path);
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return status;
}

enum reeve_status
rv_query_rings(struct reeve_log *log, struct reeve_error *err)
{
	struct gather g = { .log = log, .err = err };
	enum reeve_status status;

	if (log->runtime_dir == NULL) {
		return REEVE_OK;
	}
	rv_buf_init(&g.detail, DETAIL_MAX);
	g.entry = rv_alloc(1, RV_RECORD_MAX);
	if (g.entry == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot read a ring");
	}
	status = rv_query_prepare(log,
	    "INSERT OR IGNORE INTO temp.ring VALUES(?1, ?2, ?3, ?4, ?5, ?6,"
	    " ?7)",
	    &g.insert, err);
	if (status == REEVE_OK) {
		status = take_all(&g);
	}
	sqlite3_finalize(g.insert);
	rv_buf_finish(&g.detail);
	rv_free(g.entry);
	return status;
}

bool
rv_query_has_ring(const char *runtime_dir)
{
	DIR *dir = runtime_dir != NULL ? opendir(runtime_dir) : NULL;
	struct dirent *entry;
	bool has = false;

	while (dir != NULL && !has && (entry = readdir(dir)) != NULL) {
		has = is_ring(entry->d_name);
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return has;
}
