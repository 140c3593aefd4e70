/* SPDX-License-Identifier: MIT */
/*
 * The lock, the lists and the two eventfds: see desk.h. Nothing here waits for
 * a disk, and the lock is held for a few instructions at a time.
 */
#include "config.h"

#include "clerk/desk.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/sys.h"

void
rv_drop_add(struct rv_drop *drop, uint64_t bytes, int64_t now_us)
{
	if (drop->bytes == 0) {
		drop->first_us = now_us;
	}
	drop->bytes += bytes;
	drop->last_us = now_us;
}

void
rv_drop_merge(struct rv_drop *drop, const struct rv_drop *more)
{
	if (more->bytes == 0) {
		return;
	}
	if (drop->bytes == 0) {
		*drop = *more;
		return;
	}
	drop->bytes += more->bytes;
	drop->first_us = RV_MIN(drop->first_us, more->first_us);
	drop->last_us = RV_MAX(drop->last_us, more->last_us);
}

static struct rv_block *
block_at(struct rv_desk *desk, unsigned i)
{
	return (struct rv_block *)(void *)(desk->memory + i * RV_BLOCK_SIZE);
}

static void
give_block(struct rv_desk *desk, struct rv_block *block)
{
	block->used = block->n_segments = 0;
	block->next = block->written = 0;
	block->job.type = RV_JOB_BLOCK;
	/* The last one back is the first one out: it is still in a cache. */
	rv_list_insert(desk->free.next, &block->job.link);
	desk->n_free++;
}

bool
rv_desk_init(struct rv_desk *desk)
{
	memset(desk, 0, sizeof(*desk));
	rv_list_init(&desk->jobs);
	rv_list_init(&desk->free);
	desk->also_fd = -1;
	desk->to_disk = rv_sys_eventfd(0, EFD_NONBLOCK);
	desk->to_main = rv_sys_eventfd(0, EFD_NONBLOCK);
	desk->memory =
	    mmap(NULL, RV_BLOCKS * RV_BLOCK_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (desk->to_disk == -1 || desk->to_main == -1 ||
	    desk->memory == MAP_FAILED ||
	    pthread_mutex_init(&desk->lock, NULL) != 0) {
		return false;
	}
	/* Huge pages would make idle blocks cost what busy ones do. */
	madvise(desk->memory, RV_BLOCKS * RV_BLOCK_SIZE, MADV_NOHUGEPAGE);
	return true;
}

void
rv_desk_finish(struct rv_desk *desk)
{
	close(desk->to_disk);
	close(desk->to_main);
	munmap(desk->memory, RV_BLOCKS * RV_BLOCK_SIZE);
	pthread_mutex_destroy(&desk->lock);
}

static void
lock(struct rv_desk *desk)
{
	pthread_mutex_lock(&desk->lock);
}

static void
unlock(struct rv_desk *desk)
{
	pthread_mutex_unlock(&desk->lock);
}

static void
signal_fd(int fd)
{
	uint64_t one = 1;

	/* Full means that it is readable, which is all that is wanted. */
	while (write(fd, &one, sizeof(one)) == -1 && errno == EINTR) {
	}
}

static void
clear_fd(int fd)
{
	uint64_t n;

	while (read(fd, &n, sizeof(n)) == -1 && errno == EINTR) {
	}
}

/* Both expect the lock, and give it back. */
static void
unlock_telling_disk(struct rv_desk *desk)
{
	bool wake = desk->disk_sleeps;

	desk->disk_news = true;
	desk->disk_sleeps = false;
	unlock(desk);
	if (wake) {
		signal_fd(desk->to_disk);
	}
}

static void
unlock_telling_main(struct rv_desk *desk)
{
	bool wake = !desk->main_told;

	desk->main_told = true;
	unlock(desk);
	if (wake) {
		signal_fd(desk->to_main);
	}
}

void
rv_desk_push(struct rv_desk *desk, struct rv_job *job)
{
	lock(desk);
	rv_list_insert(&desk->jobs, &job->link);
	desk->n_pushed++;
	unlock_telling_disk(desk);
}

/* Blocks are made as they are first needed: untouched memory costs nothing. */
struct rv_block *
rv_desk_block(struct rv_desk *desk)
{
	struct rv_block *block = NULL;

	lock(desk);
	if (desk->n_free == 0 && desk->n_made < RV_BLOCKS) {
		give_block(desk, block_at(desk, desk->n_made++));
	}
	if (desk->n_free > 0) {
		block = RV_LIST_FIRST(&desk->free, struct rv_block, job.link);
		rv_list_remove(&block->job.link);
		desk->n_free--;
	}
	desk->main_wants_block = block == NULL;
	unlock(desk);
	return block;
}

void
rv_desk_unblock(struct rv_desk *desk, struct rv_block *block)
{
	lock(desk);
	give_block(desk, block);
	unlock(desk);
}

void
rv_desk_sync(struct rv_desk *desk, uint64_t token, uint64_t head)
{
	lock(desk);
	if (desk->n_syncs == RV_SYNCS_MAX) {
		desk->n_syncs--; /* the later one says as much */
	}
	desk->syncs[desk->n_syncs].token = token;
	desk->syncs[desk->n_syncs].after = desk->n_pushed;
	desk->syncs[desk->n_syncs].head = head;
	desk->n_syncs++;
	unlock_telling_disk(desk);
}

void
rv_desk_end(struct rv_desk *desk, enum rv_ending_how how)
{
	lock(desk);
	desk->ending = how;
	unlock_telling_disk(desk);
}

void
rv_desk_main_woken(struct rv_desk *desk)
{
	clear_fd(desk->to_main);
	lock(desk);
	desk->main_told = false;
	unlock(desk);
}

bool
rv_desk_take_note(struct rv_desk *desk, struct rv_note *note)
{
	bool there;

	lock(desk);
	there = desk->n_notes > 0;
	if (there) {
		*note = desk->notes[desk->first_note];
		desk->first_note = (desk->first_note + 1) % RV_NOTES_MAX;
		desk->n_notes--;
	}
	unlock(desk);
	return there;
}

bool
rv_desk_take_ready(struct rv_desk *desk, struct rv_ready *ready)
{
	bool there;

	lock(desk);
	there = desk->ready.told;
	if (there) {
		*ready = desk->ready;
		memset(&desk->ready, 0, sizeof(desk->ready));
	}
	unlock(desk);
	return there;
}

bool
rv_desk_has_ended(struct rv_desk *desk)
{
	bool ended;

	lock(desk);
	ended = desk->ended;
	unlock(desk);
	return ended;
}

struct rv_ask *
rv_desk_asked(struct rv_desk *desk, bool *over)
{
	bool asked;

	lock(desk);
	*over = desk->ask.state == RV_ASK_OVER;
	asked = *over || desk->ask.state == RV_ASK_ASKED;
	unlock(desk);
	return asked ? &desk->ask : NULL;
}

/* It may be over meanwhile: then it was not waited for. */
void
rv_desk_answer(struct rv_desk *desk)
{
	lock(desk);
	if (desk->ask.state == RV_ASK_ASKED) {
		desk->ask.state = RV_ASK_ANSWERED;
	}
	unlock_telling_disk(desk);
}

void
rv_desk_ask_taken(struct rv_desk *desk)
{
	lock(desk);
	desk->ask.state = RV_ASK_NONE;
	desk->ask.n = desk->ask.at = 0;
	unlock_telling_disk(desk);
}

bool
rv_desk_disk_idle(struct rv_desk *desk)
{
	bool idle;

	lock(desk);
	idle = desk->disk_sleeps;
	unlock(desk);
	return idle;
}

struct rv_job *
rv_desk_job(struct rv_desk *desk)
{
	struct rv_job *job = NULL;

	lock(desk);
	if (!rv_list_empty(&desk->jobs)) {
		job = RV_LIST_FIRST(&desk->jobs, struct rv_job, link);
	}
	unlock(desk);
	return job;
}

void
rv_desk_job_done(struct rv_desk *desk, struct rv_job *job)
{
	bool wanted;

	lock(desk);
	rv_list_remove(&job->link);
	desk->n_done++;
	if (job->type == RV_JOB_BLOCK) {
		give_block(desk, RV_CONTAINER(job, struct rv_block, job));
	}
	wanted = desk->main_wants_block;
	if (wanted) {
		unlock_telling_main(desk);
	} else {
		unlock(desk);
	}
}

enum rv_ending_how
rv_desk_ending(struct rv_desk *desk)
{
	enum rv_ending_how how;

	lock(desk);
	how = desk->ending;
	unlock(desk);
	return how;
}

/* Only while nobody needs any: then all that were made are free. */
void
rv_desk_shrink(struct rv_desk *desk)
{
	lock(desk);
	if (desk->n_free == desk->n_made && desk->n_made > 0) {
		rv_list_init(&desk->free);
		desk->n_free = desk->n_made = 0;
		madvise(desk->memory, RV_BLOCKS * RV_BLOCK_SIZE, MADV_DONTNEED);
	}
	unlock(desk);
}

/* With the lock. */
static bool
add_note(struct rv_desk *desk, const struct rv_note *note)
{
	if (desk->n_notes == RV_NOTES_MAX) {
		return false;
	}
	desk->notes[(desk->first_note + desk->n_notes++) % RV_NOTES_MAX] =
	    *note;
	return true;
}

bool
rv_desk_note(struct rv_desk *desk, const struct rv_note *note)
{
	bool added;

	lock(desk);
	added = add_note(desk, note);
	unlock_telling_main(desk);
	return added;
}

/* The place of this outlet, a new one, or the last, which is for the rest. */
static struct rv_note *
place_of(struct rv_desk *desk, const struct rv_note *of)
{
	struct rv_note *note;

	for (unsigned i = 0; i < desk->n_drops; i++) {
		note = &desk->drops[i];
		if (note->life == of->life &&
		    note->is_stderr == of->is_stderr) {
			return note;
		}
	}
	if (desk->n_drops < RV_DROPS_MAX) {
		note = &desk->drops[desk->n_drops++];
		*note = *of;
		note->drop = (struct rv_drop){ 0 };
		return note;
	}
	note = &desk->drops[RV_DROPS_MAX - 1];
	note->life = 0;
	rv_copy(note->path, sizeof(note->path), "*");
	return note;
}

void
rv_desk_return_drop(struct rv_desk *desk, const struct rv_note *note)
{
	lock(desk);
	rv_drop_merge(&place_of(desk, note)->drop, &note->drop);
	unlock(desk);
}

void
rv_desk_drop(
    struct rv_desk *desk, const struct rv_outlet *outlet, struct rv_drop *drop)
{
	const struct rv_origin *origin = outlet->origin;
	struct rv_note note = { .op = RV_CLERK_DROPPED };

	if (drop->bytes == 0) {
		return;
	}
	note.life = origin->by_life.key;
	note.is_stderr = outlet == &origin->outlets[1];
	note.drop = *drop;
	rv_copy(note.path, sizeof(note.path), origin->path);
	*drop = (struct rv_drop){ 0 };
	lock(desk);
	rv_drop_merge(&place_of(desk, &note)->drop, &note.drop);
	unlock_telling_main(desk);
}

bool
rv_desk_take_drop(struct rv_desk *desk, struct rv_note *note)
{
	bool there;

	lock(desk);
	there = desk->n_drops > 0;
	if (there) {
		*note = desk->drops[0];
		desk->n_drops--;
		memmove(&desk->drops[0], &desk->drops[1],
		    desk->n_drops * sizeof(desk->drops[0]));
	}
	unlock(desk);
	return there;
}

bool
rv_desk_drop_at(struct rv_desk *desk, unsigned i, struct rv_note *note)
{
	bool there;

	lock(desk);
	there = i < desk->n_drops;
	if (there) {
		*note = desk->drops[i];
	}
	unlock(desk);
	return there;
}

bool
rv_desk_has_last_drops(struct rv_desk *desk)
{
	bool there;

	lock(desk);
	there = desk->last_drops == RV_LAST_THERE;
	if (desk->last_drops == RV_LAST_NONE) {
		desk->last_drops = RV_LAST_WANTED;
		unlock_telling_main(desk);
	} else {
		unlock(desk);
	}
	return there;
}

bool
rv_desk_wants_last_drops(struct rv_desk *desk)
{
	bool wanted;

	lock(desk);
	wanted = desk->last_drops == RV_LAST_WANTED;
	unlock(desk);
	return wanted;
}

void
rv_desk_last_drops(struct rv_desk *desk)
{
	lock(desk);
	desk->last_drops = RV_LAST_THERE;
	unlock_telling_disk(desk);
}

/* Where notes have no room it is answered another time. */
void
rv_desk_answer_syncs(struct rv_desk *desk, uint64_t committed)
{
	struct rv_note note = { .op = RV_CLERK_SYNCED };
	unsigned n = 0;

	lock(desk);
	while (n < desk->n_syncs && desk->syncs[n].after <= desk->n_done &&
	       desk->syncs[n].head <= committed) {
		note.token = desk->syncs[n].token;
		if (!add_note(desk, &note)) {
			break;
		}
		n++;
	}
	desk->n_syncs -= n;
	memmove(&desk->syncs[0], &desk->syncs[n],
	    desk->n_syncs * sizeof(desk->syncs[0]));
	if (n > 0) {
		unlock_telling_main(desk);
	} else {
		unlock(desk);
	}
}

void
rv_desk_ready(struct rv_desk *desk, const struct rv_ready *ready)
{
	lock(desk);
	desk->ready = *ready;
	desk->ready.told = true;
	unlock_telling_main(desk);
}

void
rv_desk_say_ended(struct rv_desk *desk)
{
	lock(desk);
	desk->ended = true;
	unlock_telling_main(desk);
}

bool
rv_desk_may_ask(struct rv_desk *desk)
{
	bool may;

	lock(desk);
	may = desk->ask.state == RV_ASK_NONE;
	unlock(desk);
	return may;
}

void
rv_desk_ask(struct rv_desk *desk)
{
	lock(desk);
	desk->ask.state = RV_ASK_ASKED;
	unlock_telling_main(desk);
}

bool
rv_desk_answered(struct rv_desk *desk)
{
	bool answered;

	lock(desk);
	answered = desk->ask.state == RV_ASK_ANSWERED;
	unlock(desk);
	return answered;
}

void
rv_desk_ask_over(struct rv_desk *desk, bool committed)
{
	lock(desk);
	desk->ask.state = RV_ASK_OVER;
	desk->ask.committed = committed;
	unlock_telling_main(desk);
}

void
rv_desk_sleep(struct rv_desk *desk, int fd, rv_time until)
{
	struct pollfd fds[3] = { { .fd = desk->to_disk, .events = POLLIN },
		{ .fd = fd, .events = POLLIN },
		{ .fd = desk->also_fd, .events = POLLIN } };
	struct timespec left, *patience = NULL;
	rv_time wait;

	if (until != RV_FOREVER) {
		wait = RV_MAX(until - rv_sys_now(), (rv_time)0);
		left.tv_sec = wait / RV_SEC;
		left.tv_nsec = wait % RV_SEC;
		patience = &left;
	}
	lock(desk);
	if (desk->disk_news) {
		desk->disk_news = false;
		unlock(desk);
		return;
	}
	desk->disk_sleeps = true;
	unlock(desk);
	ppoll(fds, 3, patience, NULL);
	lock(desk);
	desk->disk_sleeps = desk->disk_news = false;
	unlock(desk);
	clear_fd(desk->to_disk);
	if (fd != -1 && (fds[1].revents & POLLIN) != 0) {
		clear_fd(fd);
	}
}
