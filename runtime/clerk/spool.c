/* SPDX-License-Identifier: MIT */
/*
 * What is on the desk goes into logs, in order; part of the disk thread. A log
 * that cannot be written holds up those behind it for output_stall at most,
 * then what is for it is counted and let go.
 */
#include "config.h"

#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "clerk/disk.h"

#define BLOCKS_A_STEP 4

/* False: its log must be waited for. */
static bool
write_block(struct rv_disk *disk, struct rv_block *block)
{
	while (block->next < block->n_segments) {
		struct rv_segment *segment = &block->segments[block->next];
		struct rv_outlet *outlet = segment->outlet;
		size_t done;
		bool ok = rv_log_write(&disk->logs, outlet,
		    block->data + segment->at + block->written,
		    segment->len - block->written, disk->now, &done);

		block->written += (uint32_t)done;
		if (done > 0) {
			atomic_fetch_add(&disk->desk->progress, 1);
		}
		if (!ok) {
			disk->output_at = outlet->log->retry_at;
			return false;
		}
		if (outlet->lost.bytes > 0 && !outlet->log->failing) {
			rv_desk_drop(disk->desk, outlet, &outlet->lost);
		}
		block->written = 0;
		block->next++;
	}
	return true;
}

static void
forget(struct rv_disk *disk, struct rv_origin *origin)
{
	for (unsigned i = 0; i < RV_ARRAY_LEN(origin->outlets); i++) {
		struct rv_outlet *outlet = &origin->outlets[i];

		rv_drop_merge(&outlet->lost, &outlet->drop);
		rv_desk_drop(disk->desk, outlet, &outlet->lost);
		if (outlet->log_ends) {
			rv_log_destroy(&disk->logs, outlet->log);
		}
	}
	rv_free(origin);
}

static bool
do_job(struct rv_disk *disk, struct rv_job *job)
{
	if (job->type == RV_JOB_FORGET) {
		/* Off the list first: it is part of what is freed. */
		rv_desk_job_done(disk->desk, job);
		forget(disk, RV_CONTAINER(job, struct rv_origin, job));
		return true;
	}
	if (!write_block(disk, RV_CONTAINER(job, struct rv_block, job))) {
		return false;
	}
	rv_desk_job_done(disk->desk, job);
	return true;
}

bool
rv_disk_write_output(struct rv_disk *disk)
{
	struct rv_job *job = NULL;
	unsigned n = 0;

	disk->output_waits = false;
	while (n < BLOCKS_A_STEP && (job = rv_desk_job(disk->desk)) != NULL) {
		if (!do_job(disk, job)) {
			disk->output_waits = true;
			break;
		}
		n++;
	}
	return n > 0;
}

void
rv_disk_forget_output(struct rv_disk *disk)
{
	struct rv_job *job;

	while ((job = rv_desk_job(disk->desk)) != NULL) {
		rv_desk_job_done(disk->desk, job);
		if (job->type == RV_JOB_FORGET) {
			forget(disk, RV_CONTAINER(job, struct rv_origin, job));
		}
	}
}
