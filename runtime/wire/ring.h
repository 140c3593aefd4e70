/* SPDX-License-Identifier: MIT */
/*
 * The ring in shared memory, as its writer (journal/) and its readers (clerk,
 * query) both see it: the layout, the checks before anything in it is believed,
 * and reading. Pure: whoever calls has mapped the file.
 *
 * The data area is a sequence of entries, each on a multiple of 8:
 *
 *	{seq u64, len u32, crc u32, payload ... padding}
 *
 * Positions count bytes from the beginning of the run and never fall; the place
 * is position % capacity. An entry does not wrap: where it would, a marker (seq
 * with RV_RING_WRAP, no payload) ends the lap. seq counts 1, 2, 3 ... and is
 * stored last, with release order; before that the writer has zeroed the seq
 * field behind the entry. So whatever an earlier lap left there (workers' texts
 * among it), the chain ends at the first entry that is not complete.
 *
 * Only the writer moves the head, only the clerk the tail. The clerk frees what
 * it has committed; a new one resumes from what the database says.
 */
#ifndef RV_WIRE_RING_H
#define RV_WIRE_RING_H

#include <sys/types.h>

#include <reeve/error.h>

#include "base/base.h"

#define RV_RING_MAGIC    UINT64_C(0x31676e6972657672) /* "rvering1" */
#define RV_RING_VERSION  1u
#define RV_RING_WRAP     (UINT64_C(1) << 63)
#define RV_RING_ALIGN    8u
#define RV_RING_KINDS    64 /* room for drop counts, by kind of event */
#define RV_RING_PATH_MAX 80 /* bytes of a folded unit's path, with the NUL */
#define RV_RING_HEAD     sizeof(struct rv_ring_entry)

struct rv_ring_entry {
	uint64_t seq;
	uint32_t len; /* of the payload */
	uint32_t crc; /* CRC-32C of seq, then the payload */
};

/* What did not fit, counted. path is "" in the table by kind. */
struct rv_ring_drop {
	uint64_t count;
	int64_t first_us, last_us;
	uint32_t kind; /* of folded ones: of the last */
	char path[RV_RING_PATH_MAX];
};

/* At the beginning of the file. Offsets are from there. */
struct rv_ring_header {
	uint64_t magic;
	uint32_t version;
	int32_t pid;          /* the writer's */
	uint64_t start_ticks; /* of pid; 0: it has closed the ring */
	int64_t started_at_us;
	char run_id[40], boot_id[40], hostname[128], reeve[32], digest[24];
	uint64_t config_offset, config_len;
	uint64_t folds_offset;
	uint32_t n_folds;
	uint32_t data_offset;
	uint64_t capacity; /* of the data area */
	/* event id = first_id + seq - 1; 0: not known yet */
	uint64_t first_id;
	struct rv_ring_drop drops[RV_RING_KINDS];
	/* each writer on a line of its own */
	uint64_t head __attribute__((aligned(64)));
	uint64_t tail __attribute__((aligned(64)));
	uint64_t drained; /* seq of the last one freed */
	uint32_t sleeping __attribute__((aligned(64)));
};

/* A ring that was mapped and found good; sizes are of the check, not later. */
struct rv_ring {
	struct rv_ring_header *header;
	char *data;
	uint64_t capacity;
	struct rv_ring_drop *folds;
	uint32_t n_folds;
	const char *config; /* not NUL-terminated */
	size_t config_len;
};

/* Where a reader stands: before the entry `seq` at `pos`. */
struct rv_ring_cursor {
	uint64_t pos, seq;
};

/* Bytes of a whole file; and where its parts are, written into the header. */
size_t rv_ring_layout(struct rv_ring_header *, size_t data_size,
    uint32_t n_folds, size_t config_len);

/* Check everything that is relied upon; REEVE_EDAMAGED says what is wrong. */
enum reeve_status rv_ring_attach(struct rv_ring *, void *map, size_t size,
    struct reeve_error *) RV_MUST_CHECK;

/* The oldest entry that is not freed. False when the ring is damaged there. */
bool rv_ring_begin(const struct rv_ring *, struct rv_ring_cursor *);

/*
 * The entry at the cursor, which then moves behind it. 1: there was one; 0: no
 * complete one yet; -1: damaged. The payload stays where it is until freed: for
 * the clerk, and for rings of dead writers.
 */
int rv_ring_next(const struct rv_ring *, struct rv_ring_cursor *,
    const void **payload, size_t *len);

/*
 * The same for a ring that its writer goes on with: a checked copy. -1 also
 * when it was overwritten meanwhile, or is larger than size.
 */
int rv_ring_copy(const struct rv_ring *, struct rv_ring_cursor *, void *dst,
    size_t size, size_t *len);

/* -------- the clerk's -------- */

/* Free all before the cursor. */
void rv_ring_release(struct rv_ring *, const struct rv_ring_cursor *);
/*
 * Announce sleep; true when nothing came in between: then wait for the eventfd.
 */
bool rv_ring_sleep(struct rv_ring *, const struct rv_ring_cursor *);
void rv_ring_awake(struct rv_ring *);

/* -------- facts, bounded whatever the file holds -------- */

uint64_t rv_ring_first_id(const struct rv_ring *);
/* The i-th count of drops, by kind and then by unit; false behind the last. */
bool rv_ring_drop(const struct rv_ring *, unsigned i, struct rv_ring_drop *);

#endif
