/* SPDX-License-Identifier: MIT */
/*
 * The registry of pages. A beat is a store into a page: nobody is told. While
 * there are workers that must beat and have a page, one timer walks over all
 * their counters; what it saw is told to the core only when the core is about
 * to judge the worker. Never writes to a page, trusts nothing in one.
 */
#include "config.h"

#include "super/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "super/super_priv.h"
#include "wire/page_read.h"

#define PERIOD_MIN (10 * RV_MS)

/* -------- scanning -------- */

static void
look(struct rv_page_watch *watch, rv_time now)
{
	uint64_t beats = __atomic_load_n(watch->beats, __ATOMIC_RELAXED);

	if (beats != watch->seen) {
		watch->seen = beats;
		watch->changed_at = now;
	}
}

static rv_time
scan(struct rv_pages *pages, rv_time now)
{
	rv_time least = RV_FOREVER;

	for (size_t i = 0; i < pages->n; i++) {
		look(&pages->watches[i], now);
		least = RV_MIN(least, pages->watches[i].interval);
	}
	return least;
}

static void
post_beat(struct rv_node *node, rv_time at)
{
	struct rv_event event = {
		.type = RV_EV_BEAT,
		.unit = node->unit,
		.life = node->life - node->super->life_base,
		.now = at,
	};

	rv_super_post(node->super, &event);
}

/* Those that were given up as silent, and beat again. */
static void
wake_silent(struct rv_super *super, rv_time now)
{
	struct rv_pages *pages = &super->pages;

	pages->silent = false;
	for (size_t i = pages->n; i-- > 0;) {
		/* A post may take some of them away. */
		if (i >= pages->n ||
		    !rv_unit_is_silent(pages->owners[i]->unit)) {
			continue;
		}
		if (pages->watches[i].changed_at == now) {
			post_beat(pages->owners[i], now);
		} else {
			pages->silent = true;
		}
	}
}

static rv_time
period_for(rv_time interval)
{
	return RV_MAX(interval / 2, PERIOD_MIN);
}

static void
arm(struct rv_super *super)
{
	rv_tick_arm(super->loop, &super->pages.tick,
	    rv_time_add(rv_loop_now(super->loop), super->pages.period));
}

static void
on_tick(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct rv_super *super = tick->ctx;
	struct rv_pages *pages = &super->pages;

	RV_MAGIC_CHECK(super, RV_SUPER_MAGIC);
	(void)late;
	pages->period = period_for(scan(pages, now));
	if (pages->silent) {
		wake_silent(super, now);
	}
	if (pages->n > 0) {
		arm(super);
	}
}

/* -------- who is watched -------- */

static void
unwatch(struct rv_node *node)
{
	struct rv_pages *pages = &node->super->pages;
	size_t i = node->page.watch - 1, last = pages->n - 1;

	if (node->page.watch == 0) {
		return;
	}
	RV_ASSERT(i < pages->n && pages->owners[i] == node);
	pages->watches[i] = pages->watches[last];
	pages->owners[i] = pages->owners[last];
	pages->owners[i]->page.watch = (uint32_t)i + 1;
	node->page.watch = 0;
	if (--pages->n == 0) {
		rv_tick_disarm(&pages->tick);
	}
}

static void
watch(struct rv_node *node, rv_time interval)
{
	struct rv_super *super = node->super;
	struct rv_pages *pages = &super->pages;
	const char *map = node->page.map;
	rv_time period = period_for(interval);

	if (node->page.watch == 0) {
		RV_ASSERT(pages->n < pages->room);
		pages->owners[pages->n] = node;
		pages->watches[pages->n++] = (struct rv_page_watch){
			.beats = (const uint64_t *)(const void
				*)(map + node->page.beats_at),
		};
		node->page.watch = (uint32_t)pages->n;
	}
	pages->watches[node->page.watch - 1].interval = interval;
	if (pages->n == 1 || period < pages->period) {
		pages->period = period;
		arm(super);
	}
}

void
rv_pages_rest(const struct rv_node *node)
{
	size_t from = node->page.watch != 0 ? RV_PAGE_TROUBLE_AT : 0;
	int saved = errno;

	if (node->page.map != NULL) {
		madvise((char *)(uintptr_t)node->page.map + from,
		    RV_PAGE_BYTES - from, MADV_DONTNEED);
	}
	errno = saved;
}

void
rv_pages_watch(struct rv_node *node)
{
	rv_time interval = rv_beat_interval(node->unit);

	if (node->page.map != NULL && interval > 0) {
		watch(node, interval);
	} else {
		unwatch(node);
		rv_pages_rest(node);
	}
}

rv_time
rv_pages_last_beat(const struct rv_node *node)
{
	return node->page.watch != 0
		   ? node->super->pages.watches[node->page.watch - 1].changed_at
		   : 0;
}

void
rv_pages_tell_beat(struct rv_node *node)
{
	if (node->page.watch == 0) {
		return;
	}
	look(&node->super->pages.watches[node->page.watch - 1],
	    rv_loop_now(node->super->loop));
	if (rv_pages_last_beat(node) > node->unit->last_beat) {
		post_beat(node, rv_pages_last_beat(node));
	}
}

void
rv_pages_swap(struct rv_node *a, struct rv_node *b)
{
	struct rv_node_page hold = a->page;

	a->page = b->page;
	b->page = hold;
	if (a->page.watch != 0) {
		a->super->pages.owners[a->page.watch - 1] = a;
	}
	if (b->page.watch != 0) {
		b->super->pages.owners[b->page.watch - 1] = b;
	}
	rv_pages_watch(a);
	rv_pages_watch(b);
}

/* -------- coming and going -------- */

/* Nobody may shrink it under our eyes: that would be a SIGBUS. */
static const char *
refusal(int fd, const struct stat *st)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

	if (!S_ISREG(st->st_mode) || st->st_size != (off_t)RV_PAGE_BYTES) {
		return "its page has another size";
	}
	if ((fcntl(fd, F_GET_SEALS) & seals) != seals ||
	    fcntl(fd, F_GET_SEALS) == -1) {
		return "its page is not sealed";
	}
	return NULL;
}

/*
 * Of several the last counts: a process that executes another program has the
 * one no more, and that one may make its own.
 */
static const char *
map_page(struct rv_node *node, int fd, const struct stat *st)
{
	const char *why = refusal(fd, st);
	uint32_t beats_at;
	int32_t pid;
	void *map;

	if (why != NULL) {
		return why;
	}
	map = mmap(NULL, RV_PAGE_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		return "its page cannot be mapped";
	}
	/* What the host forks shall not see it. */
	madvise(map, RV_PAGE_BYTES, MADV_DONTFORK);
	if (!rv_page_check(map, &pid, &beats_at)) {
		munmap(map, RV_PAGE_BYTES);
		return "its page is none of ours";
	}
	rv_pages_tell_beat(node);
	rv_pages_drop(node);
	node->page.beats_at = beats_at;
	node->page.map = map;
	node->page.dev = st->st_dev;
	node->page.ino = st->st_ino;
	return NULL;
}

/* A launcher that died had passed it on, and the next one did so again. */
static const char *
take(struct rv_node *node, int fd)
{
	struct stat st = { 0 };

	if (fstat(fd, &st) != 0) {
		return "its page cannot be looked at";
	}
	return node->page.map != NULL && st.st_dev == node->page.dev &&
		       st.st_ino == node->page.ino
		   ? NULL
		   : map_page(node, fd, &st);
}

void
rv_pages_take(void *ctx, uint64_t life, int fd)
{
	struct rv_super *super = ctx;
	struct rv_node *node = rv_node_by_life(super, life);
	struct rv_fields fields = { 0 };
	const char *why = NULL;

	if (node != NULL) {
		why = take(node, fd);
	}
	close(fd);
	if (why != NULL) {
		rv_fields_str(&fields, RV_KEY_MESSAGE, why);
		rv_super_record(
		    super, RV_KIND_PROTOCOL_VIOLATION, node, life, &fields);
	} else if (node != NULL) {
		rv_pages_watch(node);
	}
}

void
rv_pages_drop(struct rv_node *node)
{
	unwatch(node);
	if (node->page.map != NULL) {
		munmap((void *)(uintptr_t)node->page.map, RV_PAGE_BYTES);
	}
	node->page = (struct rv_node_page){ 0 };
}

bool
rv_pages_make_room(struct rv_super *super, size_t units)
{
	struct rv_pages *pages = &super->pages;
	void *watches, *owners;

	if (units <= pages->room) {
		return true;
	}
	watches = rv_realloc(
	    pages->watches, pages->room, units, sizeof(pages->watches[0]));
	if (watches == NULL) {
		return false;
	}
	pages->watches = watches;
	owners = rv_realloc(
	    pages->owners, pages->room, units, sizeof(pages->owners[0]));
	if (owners == NULL) {
		return false; /* more watches than room says: no harm */
	}
	pages->owners = owners;
	pages->room = units;
	return true;
}

void
rv_pages_init(struct rv_super *super)
{
	super->pages.tick.cb = on_tick;
	super->pages.tick.ctx = super;
}

/* After all nodes are gone. */
void
rv_pages_finish(struct rv_super *super)
{
	rv_tick_disarm(&super->pages.tick);
	rv_free(super->pages.watches);
	rv_free(super->pages.owners);
}
