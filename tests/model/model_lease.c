/* SPDX-License-Identifier: MIT */
/*
 * Models of runtime/ipc/queue_lease.c: what is on lease is acknowledged once or
 * comes back, whoever dies at whichever step of taking, acknowledging and
 * giving back; whoever waits for it, or for all to be done, or for the end,
 * hears of it; and large items leave no memory behind.
 */
#include "config.h"

#include <string.h>

#include "ipc/wait.h"
#include "model/models.h"
#include "model/queue_scene.h"

/* Items 0 .. n - 1 are in the queue. */
static void
start_with(uint32_t n, uint32_t leases, uint32_t large)
{
	scene_start(2, leases, large);
	for (uint32_t i = 0; i < n; i++) {
		scene_put(SCENE_NOBODY, i);
	}
}

static void
start_one(void)
{
	start_with(1, 2, SCENE_LEN);
}

static void
start_impatient(void)
{
	start_one();
	scene.impatient = 1;
}

static void
start_two(void)
{
	start_with(2, 2, SCENE_LEN);
}

static void
start_one_large(void)
{
	start_with(1, 2, SCENE_LEN / 2);
}

/* The status; *tag and *lease of the item. */
static enum reeve_status
lease(unsigned self, int64_t timeout, uint32_t *tag, uint64_t *key)
{
	unsigned char bytes[SCENE_LEN];
	struct reeve_item item = { .data = bytes, .capacity = sizeof(bytes) };
	enum reeve_status status =
	    reeve_queue_get_leased(&scene.queue[self], &item, timeout);

	if (status == REEVE_OK) {
		*tag = scene_check(bytes, item.length, item.tag);
		*key = item.lease;
		model_check(scene.acked[*tag] == 0, "done, and got again");
		model_check(item.deliveries > 0, "never delivered");
	}
	return status;
}

/* Whatever may be asked again: a putter might have been stopped meanwhile. */
static void
until_done(unsigned self, uint64_t key,
    enum reeve_status (*ask)(struct reeve_queue *, uint64_t, int64_t))
{
	enum reeve_status status;

	do {
		status = ask(&scene.queue[self], key, 0);
	} while (status == REEVE_ETIMEDOUT);
	model_check(status == REEVE_OK, "not done with it");
}

static void
acknowledge(unsigned self, uint32_t tag, uint64_t key)
{
	scene.acking[tag]++;
	until_done(self, key, reeve_queue_ack);
	scene.acked[tag]++;
	scene.acking[tag]--;
}

static void
finish(unsigned self)
{
	scene.finished[self] = 1;
}

static void
lease_and_ack(unsigned self)
{
	uint32_t tag = 0;
	uint64_t key = 0;

	model_live(&scene.alive[self]);
	model_check(lease(self, REEVE_FOREVER, &tag, &key) == REEVE_OK,
	    "a lease that failed");
	acknowledge(self, tag, key);
	finish(self);
}

static void
lease_and_return(unsigned self)
{
	uint32_t tag = 0;
	uint64_t key = 0;

	model_live(&scene.alive[self]);
	model_check(lease(self, REEVE_FOREVER, &tag, &key) == REEVE_OK,
	    "a lease that failed");
	until_done(self, key, reeve_queue_give_back);
	finish(self);
}

/* It is there afterwards: nobody is told of its end. */
static void
return_and_stay(unsigned self)
{
	lease_and_return(self);
	(void)rv_wait_word((_Atomic uint32_t *)&scene.never, 0, RV_FOREVER);
}

/* Ends with what it holds, or is too late: all are out, or the end was there.
 */
static void
lease_and_end(unsigned self)
{
	uint32_t tag = 0;
	uint64_t key = 0;
	enum reeve_status status;

	model_live(&scene.alive[self]);
	status = lease(self, REEVE_FOREVER, &tag, &key);
	model_check(status == REEVE_OK || status == REEVE_EBUSY ||
			status == REEVE_ECLOSED,
	    "a lease that failed");
	finish(self);
}

static void
get(unsigned self)
{
	unsigned char bytes[SCENE_LEN];
	size_t len = 0;
	uint32_t tag = 99;

	model_live(&scene.alive[self]);
	scene.getting[self] = 1;
	model_check(reeve_queue_get_into(&scene.queue[self], bytes,
			sizeof(bytes), &len, &tag, REEVE_FOREVER) == REEVE_OK,
	    "a get that failed");
	tag = scene_check(bytes, len, tag);
	model_check(scene.acked[tag] == 0, "done, and got again");
	scene.got[tag]++;
	scene.getting[self] = 0;
	finish(self);
}

static void
put(unsigned self)
{
	scene_put(self, 1);
}

/* Whoever waits does so for want of items, not of one's who died. */
static bool
stuck(void)
{
	return scene_items() == 0 && scene_returned() == 0 &&
	       !scene_has_orphan();
}

/*
 * Each item that was put was done or got, once; but for what one was killed at
 * who acknowledged it, or got it for good.
 */
static void
end(void)
{
	uint32_t unsure = 0, getting = 0;

	scene_drain();
	for (uint32_t i = 0; i < SCENE_ITEMS; i++) {
		uint32_t n = scene.got[i] + scene.acked[i];

		model_check(n <= 1, "done twice");
		unsure += scene.put[i] != 0 && n == 0 && scene.acking[i] == 0;
	}
	for (unsigned i = 0; i < MODEL_PROCESSES; i++) {
		getting += scene.getting[i];
	}
	model_check(unsure <= getting, "lost");
}

static void
end_of_leases(void)
{
	scene_check_done();
	end();
}

const struct model model_lease_holder = { .name = "lease_holder",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_impatient,
	.run = { lease_and_ack, lease_and_ack },
	.end = end_of_leases,
	.stuck = stuck,
	.crashes = 2 };

/* What was never acknowledged nor got for good is never lost. */
static void
end_with_all(void)
{
	scene_drain();
	for (uint32_t i = 0; i < SCENE_ITEMS; i++) {
		model_check(scene.got[i] == scene.put[i], "lost or doubled");
	}
}

const struct model model_lease_return = { .name = "lease_return",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_one,
	.run = { lease_and_return, lease_and_return, put },
	.end = end_with_all,
	.crashes = 1,
	.mortal = 1 | 2 };

static bool
stuck_getting(void)
{
	return !model_is_blocked(1) || stuck();
}

/* Who sleeps hears of what is given back, or of the end of who did not. */
const struct model model_lease_back = { .name = "lease_back",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_one,
	.run = { return_and_stay, get },
	.end = end,
	.stuck = stuck_getting,
	.crashes = 1 };

const struct model model_lease_end = { .name = "lease_end",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_two,
	.run = { lease_and_end, lease_and_ack, get },
	.end = end,
	.stuck = stuck,
	.crashes = 1,
	.mortal = 2 };

/* Who would give it back may find that a putter is stopped, and then killed. */
const struct model model_lease_stopped = { .name = "lease_stopped",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_impatient,
	.run = { lease_and_end, get, put },
	.end = end,
	.stuck = stuck,
	.crashes = 1,
	.mortal = 4 };

const struct model model_lease_large = { .name = "lease_large",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_one_large,
	.run = { lease_and_return, lease_and_ack },
	.end = end_of_leases,
	.stuck = stuck,
	.crashes = 2 };

/* --- all done --------------------------------------------------------------
 */

static void
join(unsigned self)
{
	model_live(&scene.alive[self]);
	model_check(
	    reeve_queue_join(&scene.queue[self], REEVE_FOREVER) == REEVE_OK,
	    "a join that failed");
	model_check(scene.acked[0] == 1 || scene.acking[0] != 0,
	    "joined before all was done");
	finish(self);
}

/* Who joins waits for what is not done, who leases for what there is not. */
static bool
stuck_joining(void)
{
	bool leases = model_is_blocked(0) || model_is_blocked(1);

	return (!leases || stuck()) &&
	       (!model_is_blocked(2) ||
		   scene.shared.done != rv_queue_items(scene.shared.tail.word));
}

const struct model model_lease_join = { .name = "lease_join",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_one,
	.run = { lease_and_ack, lease_and_ack, join },
	.end = end_of_leases,
	.stuck = stuck_joining,
	.crashes = 1,
	.mortal = 1 | 2 };

/* One item done twice is not both of them. */
static void
join_both(unsigned self)
{
	model_live(&scene.alive[self]);
	model_check(
	    reeve_queue_join(&scene.queue[self], REEVE_FOREVER) == REEVE_OK,
	    "a join that failed");
	for (uint32_t i = 0; i < 2; i++) {
		model_check(scene.acked[i] == 1 || scene.acking[i] != 0,
		    "joined before all was done");
	}
	finish(self);
}

const struct model model_lease_both = { .name = "lease_both",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_two,
	.run = { lease_and_ack, lease_and_ack, join_both },
	.end = end_of_leases,
	.stuck = stuck_joining,
	.crashes = 1,
	.mortal = 1 };

/* --- the end of a queue ------------------------------------------------------
 */

static void
start_shut(void)
{
	start_one();
	scene.shared.shut = 1;
}

/* Get what comes until it is over. */
static void
get_to_the_end(unsigned self)
{
	uint32_t tag = 0;
	uint64_t key = 0;
	enum reeve_status status;

	model_live(&scene.alive[self]);
	while ((status = lease(self, REEVE_FOREVER, &tag, &key)) == REEVE_OK) {
		acknowledge(self, tag, key);
	}
	model_check(
	    status == (scene.shared.shut != 0 ? REEVE_ECLOSED : REEVE_EEND),
	    "another end");
	model_check(scene_items() == 0, "ended before its end");
	finish(self);
}

const struct model model_lease_shut = { .name = "lease_shut",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_shut,
	.run = { get_to_the_end, get_to_the_end },
	.end = end_of_leases,
	.crashes = 1 };

static void
start_ended(void)
{
	start_one();
	scene.no_putters = 1;
}

const struct model model_lease_ended = { .name = "lease_ended",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_ended,
	.run = { get_to_the_end, get_to_the_end },
	.end = end_of_leases,
	.crashes = 1 };

/* --- loops -------------------------------------------------------------------
 */

/*
 * Get what comes, to the end, asleep on the descriptor in between: never for
 * ever, and never awake for nothing as long as nothing changes.
 */
static void
poll_to_the_end(unsigned self)
{
	struct reeve_queue *q = &scene.queue[self];
	uint32_t tag = 0;
	uint64_t key = 0;
	enum reeve_status status;

	model_live(&scene.alive[self]);
	while (reeve_queue_fd(q) < 0) {
	}
	do {
		scene_poll(self);
		status = lease(self, 0, &tag, &key);
		if (status == REEVE_OK) {
			acknowledge(self, tag, key);
		}
	} while (status == REEVE_OK || status == REEVE_EEMPTY ||
		 status == REEVE_ETIMEDOUT);
	model_check(
	    status == REEVE_ECLOSED || status == REEVE_EEND, "another end");
	model_check(scene_items() == 0, "ended before its end");
	model_check(scene_is_readable(self), "an end that is not told");
	finish(self);
}

const struct model model_lease_polled = { .name = "lease_polled",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_ended,
	.run = { poll_to_the_end, poll_to_the_end },
	.end = end_of_leases,
	.crashes = 1 };

const struct model model_lease_mixed = { .name = "lease_mixed",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_shut,
	.run = { poll_to_the_end, get_to_the_end },
	.end = end_of_leases,
	.crashes = 1 };

/* --- no lease left -----------------------------------------------------------
 */

static void
start_narrow(void)
{
	start_with(2, 1, SCENE_LEN);
	scene.impatient = 1;
}

/* All are out, of one who lived when asked. */
static void
lease_at_once(unsigned self)
{
	uint32_t tag = 0;
	uint64_t key = 0;
	bool orphan;
	enum reeve_status status;

	model_live(&scene.alive[self]);
	model_pause();
	orphan = scene_has_orphan();
	do {
		status = lease(self, 0, &tag, &key);
	} while (status == REEVE_ETIMEDOUT);
	model_check(status == REEVE_OK || status == REEVE_EBUSY, "an odd one");
	model_check(!orphan || status == REEVE_OK, "a dead one's lease is out");
	if (status == REEVE_OK) {
		acknowledge(self, tag, key);
	}
	finish(self);
}

const struct model model_lease_last = { .name = "lease_last",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_narrow,
	.run = { lease_and_end, lease_at_once },
	.end = end_of_leases,
	.crashes = 1 };

/* --- larger ones, of models_long.def --- */

const struct model model_lease_holder_long = { .name = "lease_holder_long",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_two,
	.run = { lease_and_ack, lease_and_ack, lease_and_ack },
	.end = end_of_leases,
	.stuck = stuck,
	.crashes = 2 };

const struct model model_lease_return_long = { .name = "lease_return_long",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_impatient,
	.run = { lease_and_return, lease_and_ack, get },
	.end = end,
	.stuck = stuck,
	.crashes = 2 };

const struct model model_lease_large_long = { .name = "lease_large_long",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_one_large,
	.run = { lease_and_return, lease_and_ack, put },
	.end = end_of_leases,
	.stuck = stuck,
	.crashes = 2 };

const struct model model_lease_join_long = { .name = "lease_join_long",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_one,
	.run = { lease_and_ack, lease_and_ack, join },
	.end = end_of_leases,
	.stuck = stuck_joining,
	.crashes = 3 };

const struct model model_lease_shut_long = { .name = "lease_shut_long",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_shut,
	.run = { get_to_the_end, get_to_the_end, lease_and_end },
	.end = end_of_leases,
	.crashes = 2,
	.mortal = 1 | 2 };
