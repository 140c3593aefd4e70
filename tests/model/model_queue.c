/* SPDX-License-Identifier: MIT */
/*
 * Models of runtime/ipc/queue_*.c: putters and getters, of whom any may be
 * killed before any step: what was put is got once and in order, what one was
 * killed at is there entirely or not at all, nobody sleeps while there is
 * something for him, and no memory of large items is lost. Leases: see
 * model_lease.c.
 */
#include "config.h"

#include "model/models.h"
#include "model/queue_scene.h"

#define WAITER 1

static void
start(void)
{
	scene_start(1, 0, SCENE_LEN);
}

static void
start_large(void)
{
	scene_start(1, 0, SCENE_LEN / 2);
}

/* Items of process p are 2 * p and the one after it. */
static void
put_two(unsigned self)
{
	scene_put(self, 2 * self);
	scene_put(self, 2 * self + 1);
}

static void
put_three(unsigned self)
{
	put_two(self);
	scene_put(self, 2 * self + 2);
}

static void
put_one(unsigned self)
{
	scene_put(self, 2 * self);
}

static void
get_one(unsigned self)
{
	unsigned char bytes[SCENE_LEN];
	size_t len = 0;
	uint32_t tag = 99;

	scene.n_getting++;
	model_check(reeve_queue_get_into(&scene.queue[self], bytes,
			sizeof(bytes), &len, &tag, REEVE_FOREVER) == REEVE_OK,
	    "a get that failed");
	tag = scene_check(bytes, len, tag);
	model_check(scene.got[tag] == 0, "got twice");
	model_check(
	    tag % 2 == 0 || scene.got[tag - 1] == 1 || scene.n_getting > 1,
	    "out of order");
	scene.got[tag] = 1;
	scene.n_getting--;
}

static void
get_two(unsigned self)
{
	get_one(self);
	get_one(self);
}

/*
 * Those who wait may do so for ever: getters for want of items, putters for
 * want of room. Putters are the processes below GETTERS.
 */
#define GETTERS 1
static bool
stuck(void)
{
	bool fine = true;

	for (unsigned i = 0; i < 3; i++) {
		if (model_is_blocked(i)) {
			fine = fine && (i < GETTERS ? scene_items() >= 1
						    : scene_items() == 0);
		}
	}
	return fine;
}

/* Every item that was put was got, is there, or went with one getter. */
static void
end(void)
{
	uint32_t put = 0, got = 0, gone = 0;

	scene_drain();
	for (unsigned i = 0; i < SCENE_ITEMS; i++) {
		put += scene.put[i];
		got += scene.got[i];
		model_check(scene.got[i] < 2, "got twice");
	}
	for (unsigned i = 0; i < MODEL_PROCESSES; i++) {
		gone += model_is_dead(i);
	}
	model_check(got + gone >= put, "lost");
}

const struct model model_queue_room = { .name = "queue_room",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start,
	.run = { put_two, get_one, get_one },
	.end = end,
	.stuck = stuck,
	.crashes = 1 };

const struct model model_queue_pair = { .name = "queue_pair",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start,
	.run = { put_two, get_two },
	.end = end,
	.stuck = stuck,
	.crashes = 1 };

static bool
stuck_two(void)
{
	return (!model_is_blocked(2) || scene_items() == 0) &&
	       ((!model_is_blocked(0) && !model_is_blocked(1)) ||
		   scene_items() == 1);
}

const struct model model_queue_putters = { .name = "queue_putters",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start,
	.run = { put_one, put_one, get_two },
	.end = end,
	.stuck = stuck_two,
	.crashes = 1 };

/* --- who is hungry ----------------------------------------------------------
 */

/* One who is overtaken once is hungry. */
static void
start_hungry(void)
{
	start();
	rv_model_overtaken = 1;
}

static void
start_impatient(void)
{
	start_hungry();
	scene.impatient = 1;
}

/* From when it is hungry until it is fed: whether another one was quicker. */
static void
wait_hungrily(unsigned self)
{
	get_one(self);
	scene.fed = 1;
}

static bool
waits_hungrily(void)
{
	return scene.shared.get.hungry != 0 && scene.fed == 0 &&
	       !model_is_dead(WAITER);
}

static void
snatch(unsigned self)
{
	unsigned char bytes[SCENE_LEN];
	size_t len;
	uint32_t tag;

	for (int i = 0; i < 2; i++) {
		enum reeve_status status;
		bool before;

		model_pause();
		before = waits_hungrily();
		status = reeve_queue_get_into(
		    &scene.queue[self], bytes, sizeof(bytes), &len, &tag, 0);

		model_check(status == REEVE_OK || status == REEVE_EEMPTY ||
				status == REEVE_ETIMEDOUT,
		    "an odd status");
		if (status == REEVE_OK) {
			model_check(!before || !waits_hungrily(),
			    "a hungry one was overtaken");
			scene.got[scene_check(bytes, len, tag)]++;
		}
	}
}

static bool
stuck_hungry(void)
{
	return scene_items() == 0 || !model_is_blocked(WAITER);
}

/* Nobody is, once it has got its item. */
static void
end_fed(void)
{
	model_check(
	    scene.fed == 0 || scene.shared.get.hungry == 0, "hungry for ever");
	end();
}

const struct model model_queue_hungry = { .name = "queue_hungry",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_hungry,
	.run = { put_two, wait_hungrily, snatch },
	.end = end_fed,
	.stuck = stuck_hungry,
	.crashes = 1,
	.mortal = 1 << WAITER };

const struct model model_queue_large = { .name = "queue_large",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_large,
	.run = { put_two, get_two },
	.end = end,
	.stuck = stuck,
	.crashes = 2 };

const struct model model_queue_large_long = { .name = "queue_large_long",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_large,
	.run = { put_two, get_one, get_one },
	.end = end,
	.stuck = stuck,
	.crashes = 2 };

const struct model model_queue_long = { .name = "queue_long",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start,
	.run = { put_two, get_one, get_one },
	.end = end,
	.stuck = stuck,
	.crashes = 2 };

const struct model model_queue_hungry_long = { .name = "queue_hungry_long",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_hungry,
	.run = { put_three, wait_hungrily, snatch },
	.end = end_fed,
	.stuck = stuck_hungry,
	.crashes = 1,
	.mortal = 1 << WAITER };

const struct model model_queue_impatient_long = { .name =
						      "queue_impatient_long",
	.shared = &scene,
	.size = sizeof(scene),
	.start = start_impatient,
	.run = { put_two, get_one, get_one },
	.end = end,
	.stuck = stuck,
	.crashes = 1 };
