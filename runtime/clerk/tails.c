/* SPDX-License-Identifier: MIT */
/*
 * The last words of lives; part of the disk thread. Before a death is inserted
 * the main thread reads that life's pipes to their end, and what came is
 * written; then the end of its log is read back. All of that is bounded: a
 * death is recorded without its last words rather than late.
 */
#include "config.h"

#include <string.h>

#include "base/text.h"
#include "clerk/disk.h"
#include "sys/sys.h"

#define PATIENCE RV_SEC

/* Write until the desk is empty, a log is stuck, or patience is at its end. */
static void
write_all(struct rv_disk *disk, rv_time until)
{
	while (rv_disk_write_output(disk) && !disk->output_waits) {
		disk->now = rv_sys_now();
		if (disk->now >= until) {
			return;
		}
	}
}

static bool
ask(struct rv_disk *disk)
{
	rv_time until = disk->now + PATIENCE;

	disk->asking = true;
	rv_desk_ask(disk->desk);
	while (!rv_desk_answered(disk->desk)) {
		write_all(disk, until);
		disk->now = rv_sys_now();
		if (disk->now >= until || disk->output_waits) {
			return false; /* without their last words */
		}
		rv_desk_sleep(disk->desk, -1, until);
	}
	write_all(disk, until);
	disk->tails = true;
	disk->tail_at = 0;
	return true;
}

/* The main thread may not have put the last one away yet. */
static bool
may_ask(struct rv_disk *disk)
{
	rv_time until = disk->now + PATIENCE;

	while (!rv_desk_may_ask(disk->desk)) {
		disk->now = rv_sys_now();
		if (disk->now >= until) {
			return false;
		}
		rv_desk_sleep(disk->desk, -1, until);
	}
	return true;
}

bool
rv_disk_gather_lives(struct rv_disk *disk, const uint64_t *lives, unsigned n)
{
	struct rv_ask *to_ask = &disk->desk->ask;

	disk->tails = false;
	if (n == 0 || disk->conf.output_tail == 0 || !may_ask(disk)) {
		return false;
	}
	to_ask->n = RV_MIN(n, (unsigned)RV_ASK_MAX);
	memcpy(to_ask->lives, lives, to_ask->n * sizeof(lives[0]));
	return ask(disk);
}

unsigned
rv_disk_gather_tails(struct rv_disk *disk, const struct rv_ring_cursor *from)
{
	struct rv_ring_cursor at = *from;
	struct rv_fields fields;
	struct rv_record record;
	uint64_t lives[RV_BATCH_MAX];
	const void *payload;
	unsigned n = 0, n_lives = 0;
	size_t len;

	while (n < RV_BATCH_MAX &&
	       rv_ring_next(&disk->live->ring, &at, &payload, &len) == 1) {
		n++;
		if (rv_record_decode(&record, &fields, payload, len) ==
			REEVE_OK &&
		    record.kind == RV_KIND_WORKER_EXITED && record.life != 0) {
			lives[n_lives++] = record.life;
		}
	}
	rv_disk_gather_lives(disk, lives, n_lives);
	return n;
}

/* They come in the order in which they were asked for. */
static struct rv_origin *
find(struct rv_disk *disk, uint64_t life)
{
	const struct rv_ask *asked = &disk->desk->ask;

	for (unsigned i = 0; i < asked->n; i++) {
		unsigned at = (disk->tail_at + i) % asked->n;

		if (asked->lives[at] == life) {
			disk->tail_at = at + 1;
			return asked->origins[at];
		}
	}
	return NULL;
}

/* As text: what is no UTF-8, and what SQLite would end at, is replaced. */
void
rv_disk_add_text(const char *data, size_t len, struct rv_buf *out)
{
	size_t at = 0;

	/* The first character may have lost its beginning. */
	while (at < len && at < 3 && (data[at] & 0xc0) == 0x80) {
		at++;
	}
	while (at < len) {
		size_t n = rv_utf8_valid(data + at, len - at);
		const char *nul = memchr(data + at, '\0', n);

		if (nul != NULL) {
			n = (size_t)(nul - (data + at));
		}
		rv_buf_add(out, data + at, n);
		at += n;
		if (at < len) {
			rv_buf_adds(out, "\xef\xbf\xbd");
			at++;
		}
	}
}

void
rv_disk_tail(
    void *ctx, uint64_t life, int64_t started_at_us, struct rv_buf *out)
{
	struct rv_disk *disk = ctx;
	struct rv_origin *origin = disk->tails ? find(disk, life) : NULL;
	/* Begun under another clerk: nobody knows where in the log. */
	bool older = started_at_us != 0 && started_at_us < disk->began_us;
	struct rv_buf raw;

	if (origin == NULL) {
		return;
	}
	rv_buf_init(&raw, (size_t)disk->conf.output_tail);
	for (int i = 1; i >= 0 && raw.len == 0; i--) {
		if (origin->outlets[i].log != NULL) {
			rv_log_tail(&disk->logs, &origin->outlets[i],
			    disk->conf.output_tail, older, &raw);
		}
	}
	rv_disk_add_text(raw.data, raw.len, out);
	rv_buf_finish(&raw);
}

void
rv_disk_tails_over(struct rv_disk *disk, bool committed)
{
	disk->tails = false;
	if (disk->asking) {
		disk->asking = false;
		rv_desk_ask_over(disk->desk, committed);
	}
}
