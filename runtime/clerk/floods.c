/* SPDX-License-Identifier: MIT */
/* Pipes that are read by a timer: see floods.h. Called by pipes.c, origins.c.
 */
#include "config.h"

#include "clerk/floods.h"

#include <sys/epoll.h>

#include "clerk/origins.h"

#define EVERY     (250 * RV_US)
#define IN_A_ROW  8 /* turns with a small read of the same pipe */
#define SMALL     ((size_t)16 * 1024)
#define PAUSE     RV_MS /* without any turn: what came before is forgotten */
#define EMPTY_MAX 2     /* times that it may be found so */

static void
arm(struct rv_pipes *p, rv_time now)
{
	if (p->floods.n > 0 && p->floods.tick.heap_index == 0) {
		rv_tick_arm(p->loop, &p->floods.tick, now + EVERY);
	}
}

static void
take_out(struct rv_floods *floods, unsigned i)
{
	floods->outlets[i]->flood = 0;
	floods->outlets[i] = floods->outlets[--floods->n];
}

/* Where the epoll does not take it back, it goes on as it is. */
static void
give_back(struct rv_pipes *p, unsigned i)
{
	struct rv_outlet *outlet = p->floods.outlets[i];
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = outlet };

	if (epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, outlet->fd, &event) == 0) {
		take_out(&p->floods, i);
	} else {
		outlet->empty = 0;
	}
}

/* Backwards: those that go leave their place to one that was looked at. */
static void
on_tick(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct rv_pipes *p = tick->ctx;
	struct rv_floods *floods = &p->floods;

	(void)late;
	for (unsigned i = floods->n; i-- > 0;) {
		struct rv_outlet *outlet = floods->outlets[i];
		size_t before = p->n_read;
		bool more = rv_pipes_read_outlet(p, outlet);

		if (i >= floods->n || floods->outlets[i] != outlet) {
			continue; /* closed */
		}
		outlet->empty =
		    p->n_read > before ? 0 : (uint8_t)(outlet->empty + 1);
		/* While there is no room the epoll is what is held back. */
		if (!more || outlet->empty >= EMPTY_MAX) {
			give_back(p, i);
		}
	}
	rv_pipes_push_soon(p);
	arm(p, now);
}

void
rv_floods_init(struct rv_pipes *p)
{
	p->floods.tick = (struct rv_tick){ .cb = on_tick, .ctx = p };
}

void
rv_floods_turn(struct rv_pipes *p)
{
	rv_time now = rv_loop_now(p->loop);

	p->floods.turn += now - p->floods.turned_at >= PAUSE ? 2 : 1;
	p->floods.turned_at = now;
}

void
rv_floods_note(struct rv_pipes *p, struct rv_outlet *outlet, size_t n)
{
	struct rv_floods *floods = &p->floods;

	if (n >= SMALL) {
		outlet->flood = 0; /* worth a wake each */
		return;
	}
	outlet->flood =
	    outlet->turn == (uint8_t)(floods->turn - 1) ? outlet->flood + 1 : 1;
	outlet->turn = floods->turn;
	if (outlet->flood <= IN_A_ROW) {
		return;
	}
	if (floods->n == RV_FLOODS_MAX ||
	    epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, outlet->fd, NULL) == -1) {
		outlet->flood = 0;
		return;
	}
	outlet->empty = 0;
	floods->outlets[floods->n++] = outlet;
	arm(p, rv_loop_now(p->loop));
}

void
rv_floods_forget(struct rv_pipes *p, struct rv_outlet *outlet)
{
	for (unsigned i = 0; i < p->floods.n; i++) {
		if (p->floods.outlets[i] == outlet) {
			take_out(&p->floods, i);
			return;
		}
	}
}
