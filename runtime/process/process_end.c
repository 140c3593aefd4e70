/* SPDX-License-Identifier: MIT */
/*
 * The end of a process: how it ended, what it used, what it raised. Its page
 * (child/page.h) is looked at only where something went wrong: most say
 * nothing.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"
#include "child/stage.h"
#include "process/process_priv.h"
#include "wire/death.h"
#include "wire/page_read.h"
#include "wire/trouble_text.h"

/* -------- what it raised -------- */

/* Nobody may shrink it under our eyes: that would be a SIGBUS. */
static void *
map_page(int fd)
{
	const int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	int seals = fcntl(fd, F_GET_SEALS);
	int32_t pid;
	uint32_t beats_at;
	struct stat st;
	void *map;

	if (fstat(fd, &st) == -1 || st.st_size != (off_t)RV_PAGE_BYTES ||
	    seals == -1 || (seals & wanted) != wanted) {
		return NULL;
	}
	map = mmap(NULL, RV_PAGE_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		return NULL;
	}
	if (!rv_page_check(map, &pid, &beats_at)) {
		munmap(map, RV_PAGE_BYTES);
		return NULL;
	}
	return map;
}

static void
show(struct rv_raised *raised, const struct reeve_process *p)
{
	const struct rv_page_trouble *t = &raised->trouble;
	struct rv_buf stacks;

	rv_buf_init(&stacks, RV_TROUBLE_STACKS_MAX);
	rv_trouble_stacks(t, &stacks);
	raised->backtrace = rv_buf_steal(&stacks);
	rv_buf_finish(&stacks);
	rv_copy(raised->message, sizeof(raised->message), t->message);
	if (rv_trouble_is_crash(t)) {
		rv_trouble_say_crash(
		    t, raised->message, sizeof(raised->message));
	}
	raised->exception = (struct reeve_exception){
		.size = sizeof(raised->exception),
		.path = p->name,
		.life = p->life,
		.pid = p->pid,
		.at_us = (int64_t)t->at_us,
		.source = rv_trouble_source(t),
		.type = rv_trouble_type(t, raised->name),
		.message = raised->message,
		.sys_errno = t->sys_errno,
		.signo = t->signo,
		.address = t->address,
		.data = t->data,
		.cause_type = t->cause_type,
		.cause_message = t->cause_message,
		.backtrace = raised->backtrace != NULL ? raised->backtrace : "",
	};
}

static void
read_page(struct reeve_process *p)
{
	void *map = map_page(p->page);
	struct rv_raised *raised;

	if (map == NULL) {
		return;
	}
	raised = rv_alloc(1, sizeof(*raised));
	if (raised != NULL && rv_page_trouble(map, &raised->trouble)) {
		show(raised, p);
		p->raised = raised;
		raised = NULL;
	}
	rv_free(raised);
	munmap(map, RV_PAGE_BYTES);
}

static void
look_at_page(struct reeve_process *p)
{
	if (p->page == -1) {
		return;
	}
	if (p->kind != REEVE_PROCESS_EXITED || p->code != 0 || p->reported) {
		read_page(p);
	}
	close(p->page);
	p->page = -1;
}

/* It is no process of the caller's function that has ended so. */
static void
judge_start(struct reeve_process *p)
{
	const struct rv_raised *raised = p->raised;

	if (raised != NULL && raised->trouble.kind == RV_TROUBLE_START &&
	    p->kind == REEVE_PROCESS_EXITED) {
		p->kind = REEVE_PROCESS_FAILED;
		rv_copy(p->why, sizeof(p->why), raised->message);
	}
}

/* -------- how it ended -------- */

static void
note(struct reeve_process *p, const struct rv_death *death)
{
	const char *what = NULL;

	p->user_us = death->utime_us;
	p->system_us = death->stime_us;
	p->max_rss_kib = death->max_rss_kib;
	p->leftover = death->leftover;
	p->code = death->end.number;
	p->core_dumped = death->end.core_dumped;
	if (death->stage == RV_STAGE_EXEC && p->program.function == NULL) {
		what = p->program.argv[0];
	} else if (death->stage == RV_STAGE_DIRECTORY) {
		what = p->program.directory;
	}
	if (death->stage != 0) {
		p->kind = REEVE_PROCESS_FAILED;
		rv_format(p->why, sizeof(p->why), "%s%s%.100s: %s",
		    rv_stage_text(death->stage), what != NULL ? " " : "",
		    what != NULL ? what : "", strerror(death->sys_errno));
	} else if (death->end.unknown) {
		p->kind = REEVE_PROCESS_LOST;
		rv_copy(p->why, sizeof(p->why), "nobody saw how it ended");
	} else {
		p->kind = death->end.signaled ? REEVE_PROCESS_SIGNALED
					      : REEVE_PROCESS_EXITED;
	}
}

static void
finish(struct reeve_process *p)
{
	uint64_t one = 1;

	look_at_page(p);
	judge_start(p);
	rv_lives_remove(p);
	rv_process_hear_last(p);
	p->phase = RV_PHASE_ENDED;
	if (p->sentinel_is_ours) {
		(void)!write(p->sentinel, &one, sizeof(one));
	}
	p->context->has_gone = p->context->has_gone || p->detached;
	rv_news_ended(p);
}

void
rv_process_ended(struct reeve_process *p, const struct rv_death *death)
{
	note(p, death);
	finish(p);
}

void
rv_process_lost(struct reeve_process *p, const char *why)
{
	p->user_us = p->system_us = p->max_rss_kib = -1;
	p->kind = REEVE_PROCESS_LOST;
	rv_copy(p->why, sizeof(p->why), why);
	finish(p);
}

void
rv_process_free_end(struct reeve_process *p)
{
	if (p->page != -1) {
		close(p->page);
	}
	if (p->sentinel != -1) {
		close(p->sentinel);
	}
	if (p->raised != NULL) {
		rv_free(p->raised->backtrace);
	}
	rv_free(p->raised);
}
