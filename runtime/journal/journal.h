/* SPDX-License-Identifier: MIT */
/*
 * The journal: events go into a ring in shared memory that outlives every
 * process of the runtime and is drained by the clerk. The writer belongs to
 * the supervisor's thread; recording makes no system call but, at most once a
 * turn, the wake of a sleeping clerk. See journal/README.md for the protocol.
 */
#ifndef RV_JOURNAL_H
#define RV_JOURNAL_H

#include "wire/record.h"

struct rv_journal;

struct rv_journal_options {
	const char *dir;    /* of the ring file: the runtime directory */
	const char *run_id; /* hex, names the file: ring-RUNID */
	size_t size;        /* bytes, allocated in full */
	unsigned max_units; /* for folded deaths */
	/* facts for the row in `runs`, kept in the ring's header */
	const char *version, *config_digest, *config_text, *hostname, *boot_id;
	int64_t started_at_us;
};

/* Processes that the host forks shall not have the ring in their memory. */
void rv_journal_hide(struct rv_journal *);

enum reeve_status rv_journal_create(struct rv_journal **,
    const struct rv_journal_options *, struct reeve_error *) RV_MUST_CHECK;
/* The ring stays for the clerk, which removes it when all is committed. */
void rv_journal_close(struct rv_journal *);

/* True once the clerk has committed all and removed the ring. NULL: true. */
bool rv_journal_is_gone(const struct rv_journal *);
/* Remove the ring: nothing in it matters. */
void rv_journal_remove(struct rv_journal *);

/* Ids count from here; before it is set records wait in the ring as well. */
void rv_journal_set_first_id(struct rv_journal *, uint64_t first_id);

/*
 * Record one event; at_us and id are set here. unit is a small number (index)
 * under which deaths are folded when even they do not fit, UINT32_MAX for
 * none. Returns the id, or 0 when it was dropped (and counted).
 */
uint64_t rv_journal_record(
    struct rv_journal *, struct rv_record *, uint32_t unit);
/* The same, but without room nothing happens: false. Its id is set. */
bool rv_journal_try(struct rv_journal *, struct rv_record *) RV_MUST_CHECK;

/* Wake the clerk if it sleeps and something is new. At the end of a turn. */
void rv_journal_wake(struct rv_journal *);

/* Descriptors for the clerk: the ring file and the eventfd that wakes it. */
int rv_journal_ring_fd(const struct rv_journal *);
int rv_journal_wake_fd(const struct rv_journal *);

/* Ids that are still in memory: [oldest, next). */
uint64_t rv_journal_oldest(const struct rv_journal *);
uint64_t rv_journal_next(const struct rv_journal *);
/* Committed by the clerk up to and excluding this id. */
uint64_t rv_journal_committed(const struct rv_journal *);
/* True while the clerk is behind by more than half of the ring. */
bool rv_journal_pressed(const struct rv_journal *);

/*
 * Read the record with this id, or the next one there is (ids of drops are
 * skipped). REEVE_ETOOOLD below the oldest, REEVE_EAGAIN at the end. Borrowed
 * until the next rv_journal_record.
 */
enum reeve_status rv_journal_read(struct rv_journal *, uint64_t id,
    struct rv_record *, struct rv_fields *) RV_MUST_CHECK;

#endif
