/* SPDX-License-Identifier: MIT */
/*
 * The writer of the ring. What is in the shared pages is written for others;
 * all that the writer relies on itself is private, but for the tail, which is
 * checked whenever it is read. See README.md for the protocol.
 */
#include "config.h"

#include "journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/crc.h"
#include "base/error.h"
#include "base/text.h"
#include "sys/sys.h"
#include "wire/ring.h"

#define JOURNAL_MAGIC 0x6a6f7572u
#define MARK_EVERY    128 /* records between two marks of the index */
#define RECORD_LEAST  64  /* bytes; smaller ones are rare */
#define REST_EVERY    ((uint64_t)128 * 1024) /* bytes, and no more often: */
#define REST_EVERY_US 1000000

struct rv_journal {
	unsigned magic;
	struct rv_ring ring;
	size_t map_size;
	char path[PATH_MAX];
	int ring_fd, wake_fd;
	uint64_t head, seq;    /* of the next entry */
	uint64_t tail, oldest; /* positions; oldest: not overwritten yet */
	uint64_t oldest_seq;
	uint64_t first_id;
	uint64_t rested; /* position up to which it left our memory */
	int64_t rested_at_us;
	uint64_t woken_seq; /* the clerk was woken for all before */
	/* where every MARK_EVERY-th record is */
	uint64_t *marks;
	size_t n_marks;
	struct rv_ring_cursor last; /* of the last read: the next to come */
	bool dropping;              /* some counts wait to be recorded */
};

/* -------- creating -------- */

static enum reeve_status
make_file(struct rv_journal *j, const struct rv_journal_options *o,
    struct reeve_error *err)
{
	const char *path = j->path;

	rv_format(j->path, sizeof(j->path), "%s/ring-%s", o->dir, o->run_id);
	j->ring_fd =
	    rv_sys_open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (j->ring_fd < 0) {
		return rv_error_sys(err, errno, "cannot make ring %s", path);
	}
	if (rv_sys_fallocate(j->ring_fd, (off_t)j->map_size) != 0) {
		int failure = errno;

		unlink(path);
		return rv_error_sys(err, failure,
		    "cannot allocate %zu bytes for ring %s", j->map_size, path);
	}
	j->ring.header = rv_sys_mmap_shared(j->ring_fd, j->map_size, true);
	if (j->ring.header == NULL) {
		int failure = errno;

		unlink(path);
		return rv_error_sys(err, failure, "cannot map ring %s", path);
	}
	return REEVE_OK;
}

static enum reeve_status
fill_header(struct rv_journal *j, const struct rv_journal_options *o,
    const struct rv_ring_header *layout, struct reeve_error *err)
{
	struct rv_ring_header *h = j->ring.header;
	char *base = (char *)h;

	*h = *layout;
	h->version = RV_RING_VERSION;
	h->pid = (int32_t)getpid();
	h->start_ticks = rv_sys_start_ticks(getpid());
	h->started_at_us = o->started_at_us;
	rv_copy(h->run_id, sizeof(h->run_id), o->run_id);
	rv_copy(h->boot_id, sizeof(h->boot_id), o->boot_id);
	rv_copy(h->hostname, sizeof(h->hostname), o->hostname);
	rv_copy(h->reeve, sizeof(h->reeve), o->version);
	rv_copy(h->digest, sizeof(h->digest), o->config_digest);
	memcpy(base + h->config_offset, o->config_text, h->config_len);
	/* Last: what has no magic is not taken for a ring by anybody. */
	__atomic_store_n(&h->magic, RV_RING_MAGIC, __ATOMIC_RELEASE);
	return rv_ring_attach(&j->ring, base, j->map_size, err);
}

static enum reeve_status
open_all(struct rv_journal *j, const struct rv_journal_options *o,
    struct reeve_error *err)
{
	struct rv_ring_header layout = { 0 };
	enum reeve_status status;

	j->map_size = rv_ring_layout(
	    &layout, o->size, o->max_units + 1, strlen(o->config_text));
	j->n_marks = o->size / RECORD_LEAST / MARK_EVERY + 2;
	j->marks = rv_alloc(j->n_marks, sizeof(j->marks[0]));
	if (j->marks == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot make the journal");
	}
	status = make_file(j, o, err);
	if (status == REEVE_OK) {
		status = fill_header(j, o, &layout, err);
	}
	if (status != REEVE_OK) {
		return status;
	}
	j->wake_fd = rv_sys_eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (j->wake_fd < 0) {
		return rv_error_sys(err, errno, "cannot make the journal");
	}
	return REEVE_OK;
}

enum reeve_status
rv_journal_create(struct rv_journal **out, const struct rv_journal_options *o,
    struct reeve_error *err)
{
	struct rv_journal *j = rv_alloc(1, sizeof(*j));
	enum reeve_status status;

	if (j == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot make the journal");
	}
	j->magic = JOURNAL_MAGIC;
	j->ring_fd = j->wake_fd = -1;
	j->seq = j->oldest_seq = j->woken_seq = 1;
	status = open_all(j, o, err);
	if (status != REEVE_OK) {
		rv_journal_close(j);
		return status;
	}
	*out = j;
	return REEVE_OK;
}

void
rv_journal_hide(struct rv_journal *j)
{
	RV_MAGIC_CHECK(j, JOURNAL_MAGIC);
	madvise(j->ring.header, j->map_size, MADV_DONTFORK);
}

void
rv_journal_close(struct rv_journal *j)
{
	if (j == NULL) {
		return;
	}
	RV_MAGIC_CHECK(j, JOURNAL_MAGIC);
	if (j->ring.header != NULL) {
		/* We may live on, but this ring has no writer any more. */
		__atomic_store_n(
		    &j->ring.header->start_ticks, 0, __ATOMIC_RELEASE);
		munmap(j->ring.header, j->map_size);
	}
	if (j->ring_fd >= 0) {
		close(j->ring_fd);
	}
	if (j->wake_fd >= 0) {
		close(j->wake_fd);
	}
	rv_free(j->marks);
	j->magic = 0;
	rv_free(j);
}

bool
rv_journal_is_gone(const struct rv_journal *j)
{
	struct stat st;

	return j == NULL || (fstat(j->ring_fd, &st) == 0 && st.st_nlink == 0);
}

void
rv_journal_remove(struct rv_journal *j)
{
	if (j != NULL) {
		unlink(j->path);
	}
}

void
rv_journal_set_first_id(struct rv_journal *j, uint64_t first_id)
{
	j->first_id = first_id;
	__atomic_store_n(&j->ring.header->first_id, first_id, __ATOMIC_RELEASE);
}

/* -------- room -------- */

/* The clerk's word is checked: a tail that cannot be is no progress. */
static uint64_t
free_bytes(struct rv_journal *j)
{
	uint64_t tail =
	    __atomic_load_n(&j->ring.header->tail, __ATOMIC_ACQUIRE);

	if (tail >= j->tail && tail <= j->head && tail % RV_RING_ALIGN == 0) {
		j->tail = tail;
	}
	return j->ring.capacity - (j->head - j->tail);
}

/* How much must stay free behind a record, by how dear it is. */
static uint64_t
reserve_for(const struct rv_journal *j, enum rv_keep keep)
{
	switch (keep) {
	case RV_KEEP_CHATTER:
		return j->ring.capacity / 4;
	case RV_KEEP_NORMAL:
		return j->ring.capacity / 8;
	default:
		return 0;
	}
}

static uint64_t
entry_size(size_t len)
{
	return (sizeof(struct rv_ring_entry) + len + RV_RING_ALIGN - 1) &
	       ~(uint64_t)(RV_RING_ALIGN - 1);
}

static uint64_t
lap_left(const struct rv_journal *j)
{
	return j->ring.capacity - j->head % j->ring.capacity;
}

/* With the marker where it must wrap, and the zeroed field behind it. */
static uint64_t
needed(const struct rv_journal *j, size_t len)
{
	uint64_t size = entry_size(len);
	uint64_t left = lap_left(j);

	if (size > left) {
		size += left;
	}
	return size + 2 * sizeof(struct rv_ring_entry);
}

/* -------- writing -------- */

static struct rv_ring_entry *
entry_at(struct rv_journal *j, uint64_t pos)
{
	return (struct rv_ring_entry *)(void *)(j->ring.data +
						pos % j->ring.capacity);
}

/* History gives way to what is written from head on. */
static void
forget_before(struct rv_journal *j, uint64_t end)
{
	while (end > j->oldest + j->ring.capacity && j->oldest < j->head) {
		const struct rv_ring_entry *entry = entry_at(j, j->oldest);

		if ((entry->seq & RV_RING_WRAP) != 0) {
			j->oldest +=
			    j->ring.capacity - j->oldest % j->ring.capacity;
		} else {
			j->oldest += entry_size(entry->len);
			j->oldest_seq++;
		}
	}
}

static void
store_seq(struct rv_journal *j, uint64_t pos, uint64_t seq)
{
	__atomic_store_n(&entry_at(j, pos)->seq, seq, __ATOMIC_RELEASE);
}

static void
wrap(struct rv_journal *j)
{
	uint64_t begin = j->head + lap_left(j);

	store_seq(j, begin, 0);
	store_seq(j, j->head, j->seq | RV_RING_WRAP);
	j->head = begin;
}

/*
 * A host is not to grow by the whole ring because it runs for long: what was
 * written, or read for somebody, leaves its memory again and stays in the file.
 * Not while it writes much, which the faults would slow down.
 */
static void
rest(struct rv_journal *j, int64_t now_us)
{
	int64_t since_us = now_us - j->rested_at_us;
	int saved = errno;

	if (j->head - j->rested < REST_EVERY ||
	    (since_us >= 0 && since_us < REST_EVERY_US)) {
		return;
	}
	j->rested = j->head;
	j->rested_at_us = now_us;
	madvise(j->ring.header, j->map_size, MADV_DONTNEED);
	errno = saved;
}

static void
append(struct rv_journal *j, const struct rv_record *record, size_t len)
{
	uint64_t size = entry_size(len), end;
	struct rv_ring_entry *entry;
	uint32_t crc;

	forget_before(j, j->head + needed(j, len));
	if (size > lap_left(j)) {
		wrap(j);
	}
	entry = entry_at(j, j->head);
	end = j->head + size;
	rv_record_encode(record, entry + 1);
	crc = rv_crc32c(0, &j->seq, sizeof(j->seq));
	entry->len = (uint32_t)len;
	entry->crc = rv_crc32c(crc, entry + 1, len);
	store_seq(j, end, 0);
	if (j->seq % MARK_EVERY == 0) {
		j->marks[j->seq / MARK_EVERY % j->n_marks] = j->head;
	}
	store_seq(j, j->head, j->seq);
	j->head = end;
	j->seq++;
	__atomic_store_n(&j->ring.header->head, end, __ATOMIC_RELEASE);
	rest(j, record->at_us);
}

static bool
fits(struct rv_journal *j, size_t len, enum rv_keep keep)
{
	return len <= RV_RECORD_MAX && len < j->ring.capacity / 4 &&
	       needed(j, len) + reserve_for(j, keep) <= free_bytes(j);
}

static bool
try_record(struct rv_journal *j, const struct rv_record *record)
{
	size_t len = rv_record_size(record);

	if (record->path_len > UINT16_MAX ||
	    !fits(j, len, rv_kind_keep(record->kind))) {
		return false;
	}
	append(j, record, len);
	return true;
}

/* -------- drops -------- */

static void
count(struct rv_ring_drop *drop, const struct rv_record *record)
{
	if (drop->count == 0) {
		drop->first_us = record->at_us;
	}
	drop->last_us = record->at_us;
	drop->kind = record->kind;
	drop->count++;
}

/* The unit's own place, or the last one, which all others share. */
static struct rv_ring_drop *
fold_of(struct rv_journal *j, const struct rv_record *record, uint32_t unit)
{
	struct rv_ring_drop *drop;
	size_t len = RV_MIN(record->path_len, (size_t)RV_RING_PATH_MAX - 1);

	if (unit >= j->ring.n_folds) {
		unit = j->ring.n_folds - 1;
	}
	drop = &j->ring.folds[unit];
	if (drop->count > 0 && (strncmp(drop->path, record->path, len) != 0 ||
				   drop->path[len] != '\0')) {
		drop = &j->ring.folds[j->ring.n_folds - 1];
		rv_copy(drop->path, sizeof(drop->path), "*");
	} else {
		memcpy(drop->path, record->path, len);
		drop->path[len] = '\0';
	}
	return drop;
}

static void
drop(struct rv_journal *j, const struct rv_record *record, uint32_t unit)
{
	unsigned kind = RV_MIN(record->kind, RV_RING_KINDS - 1u);

	j->dropping = true;
	if (rv_kind_keep(record->kind) == RV_KEEP_DEATH) {
		count(fold_of(j, record, unit), record);
	} else {
		count(&j->ring.header->drops[kind], record);
	}
}

/* True when it was recorded, and the count is zero again. */
static bool
record_drop(struct rv_journal *j, struct rv_ring_drop *drop, unsigned kind,
    const char *path, int64_t now_us)
{
	struct rv_fields fields = { 0 };
	struct rv_record record = {
		.kind = RV_KIND_CLERK_DROPPED,
		.at_us = now_us,
		.path = path,
		.path_len = strlen(path),
		.fields = &fields,
	};

	rv_fields_int(&fields, RV_KEY_COUNT, (int64_t)drop->count);
	rv_fields_int(&fields, RV_KEY_FIRST, drop->first_us);
	rv_fields_int(&fields, RV_KEY_LAST, drop->last_us);
	rv_fields_str(&fields, RV_KEY_KIND, rv_kind_name(kind));
	if (!try_record(j, &record)) {
		return false;
	}
	drop->count = 0;
	return true;
}

/* There was a lack of room; is there enough again to tell of it? */
static void
record_drops(struct rv_journal *j, int64_t now_us)
{
	bool all = true;

	if (free_bytes(j) < j->ring.capacity / 2) {
		return;
	}
	for (unsigned i = 0; i < RV_RING_KINDS; i++) {
		struct rv_ring_drop *drop = &j->ring.header->drops[i];

		if (drop->count > 0) {
			all = record_drop(j, drop, i, "/", now_us) && all;
		}
	}
	for (uint32_t i = 0; i < j->ring.n_folds; i++) {
		struct rv_ring_drop *drop = &j->ring.folds[i];

		if (drop->count > 0) {
			all = record_drop(
				  j, drop, drop->kind, drop->path, now_us) &&
			      all;
		}
	}
	j->dropping = !all;
}

bool
rv_journal_try(struct rv_journal *j, struct rv_record *record)
{
	record->at_us = rv_sys_wall_us();
	record->id = 0;
	if (j->dropping) {
		record_drops(j, record->at_us);
	}
	if (!try_record(j, record)) {
		return false;
	}
	if (j->first_id != 0) {
		record->id = j->first_id + j->seq - 2;
	}
	return true;
}

uint64_t
rv_journal_record(struct rv_journal *j, struct rv_record *record, uint32_t unit)
{
	if (!rv_journal_try(j, record)) {
		drop(j, record, unit);
	}
	return record->id;
}

void
rv_journal_wake(struct rv_journal *j)
{
	uint64_t one = 1;

	if (j->woken_seq == j->seq) {
		return;
	}
	j->woken_seq = j->seq;
	if (__atomic_exchange_n(
		&j->ring.header->sleeping, 0, __ATOMIC_SEQ_CST) != 0 &&
	    rv_sys_write(j->wake_fd, &one, sizeof(one)) < 0) {
		/* EAGAIN: it has not taken note of the last one yet. */
		RV_ASSERT(errno == EAGAIN);
	}
}

/* -------- what readers ask -------- */

int
rv_journal_ring_fd(const struct rv_journal *j)
{
	return j->ring_fd;
}

int
rv_journal_wake_fd(const struct rv_journal *j)
{
	return j->wake_fd;
}

uint64_t
rv_journal_oldest(const struct rv_journal *j)
{
	return j->first_id == 0 ? 0 : j->first_id + j->oldest_seq - 1;
}

uint64_t
rv_journal_next(const struct rv_journal *j)
{
	return j->first_id == 0 ? 0 : j->first_id + j->seq - 1;
}

uint64_t
rv_journal_committed(const struct rv_journal *j)
{
	uint64_t drained =
	    __atomic_load_n(&j->ring.header->drained, __ATOMIC_ACQUIRE);

	return j->first_id == 0 ? 0 : j->first_id + RV_MIN(drained, j->seq - 1);
}

bool
rv_journal_pressed(const struct rv_journal *j)
{
	return j->head - j->tail > j->ring.capacity / 2;
}

/* Begin near seq: at the last read, a mark, or the oldest. */
static struct rv_ring_cursor
near(const struct rv_journal *j, uint64_t seq)
{
	struct rv_ring_cursor at = { j->oldest, j->oldest_seq };
	uint64_t marked = seq / MARK_EVERY * MARK_EVERY;

	if (marked >= j->oldest_seq && marked > 0) {
		at.seq = marked;
		at.pos = j->marks[marked / MARK_EVERY % j->n_marks];
	}
	if (j->last.seq <= seq && j->last.seq > at.seq &&
	    j->last.pos >= j->oldest) {
		at = j->last;
	}
	return at;
}

enum reeve_status
rv_journal_read(struct rv_journal *j, uint64_t id, struct rv_record *record,
    struct rv_fields *fields)
{
	struct rv_ring_cursor at;
	const void *payload = NULL;
	size_t len = 0;
	uint64_t seq;
	enum reeve_status status;

	if (j->first_id == 0 || id >= rv_journal_next(j)) {
		return REEVE_EAGAIN;
	}
	if (id < rv_journal_oldest(j)) {
		return REEVE_ETOOOLD;
	}
	seq = id - j->first_id + 1;
	at = near(j, seq);
	while (at.seq <= seq) {
		/* We wrote it all: that it is whole needs no proof. */
		RV_ASSERT(rv_ring_next(&j->ring, &at, &payload, &len) == 1);
	}
	j->last = at;
	status = rv_record_decode(record, fields, payload, len);
	RV_ASSERT(status == REEVE_OK);
	record->id = id;
	return REEVE_OK;
}
