/* SPDX-License-Identifier: MIT */
/*
 * The desk at which troubles are written: see trouble.h.
 */
#include "config.h"

#include "child/trouble.h"

#include <poll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define DESK_MS 200

static bool
take_desk(struct rv_page_desk *desk, bool steal)
{
	uint32_t me = (uint32_t)syscall(SYS_gettid), nobody = 0;

	for (int i = 0; i < DESK_MS; i++, nobody = 0) {
		/* Its own: it crashed while it wrote. */
		if (__atomic_compare_exchange_n(&desk->writer, &nobody, me,
			false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED) ||
		    nobody == me) {
			return true;
		}
		poll(NULL, 0, 1);
	}
	if (steal) {
		__atomic_store_n(&desk->writer, me, __ATOMIC_RELEASE);
	}
	return steal;
}

static uint64_t
wall_us(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

struct rv_page_trouble *
rv_trouble_begin(unsigned char *page, enum rv_trouble_kind kind, bool steal)
{
	struct rv_page_trouble *t = rv_agent_trouble(page);

	if (!take_desk(rv_agent_desk(page), steal)) {
		return NULL;
	}
	__atomic_store_n(&t->state, RV_TROUBLE_WRITING, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	t->number++;
	t->kind = kind;
	t->signo = 0;
	t->code = 0;
	t->sys_errno = 0;
	t->stage = 0;
	t->address = 0;
	t->n_registers = 0;
	t->n_maps = 0;
	t->type[0] = '\0';
	t->message[0] = '\0';
	t->data[0] = '\0';
	t->cause_type[0] = '\0';
	t->cause_message[0] = '\0';
	t->at_us = wall_us();
	t->n_threads = 0;
	return t;
}

void
rv_trouble_end(unsigned char *page)
{
	__atomic_store_n(
	    &rv_agent_trouble(page)->state, RV_TROUBLE_DONE, __ATOMIC_RELEASE);
	__atomic_store_n(&rv_agent_desk(page)->writer, 0, __ATOMIC_RELEASE);
}
