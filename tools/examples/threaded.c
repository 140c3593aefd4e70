/* SPDX-License-Identifier: MIT */
/*
 * A host with threads, threaded [STATE_DIR]: the runtime is the main thread's;
 * another thread has it do things, by reeve_post. Its function worker comes
 * from a fork server, which has no threads to trip over; the same by `fork`
 * is refused, and the event says why.
 */
#include <err.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <reeve/child.h>
#include <reeve/function.h>
#include <reeve/loop_poll.h>
#include <reeve/reeve.h>

static struct reeve *reeve;
static bool ended;

/* A worker: counts what it does in its slot, where the host can read it. */
static int
work(const struct reeve_call *call)
{
	volatile unsigned *done = reeve_slot(NULL);
	struct pollfd stop = { .fd = reeve_stopping_fd(), .events = POLLIN };

	(void)call;
	while (poll(&stop, 1, 10) == 0) {
		++*done;
	}
	return 0;
}
REEVE_FUNCTION("threaded.work", work);

/* -------- in the thread of the runtime -------- */

static void
show(void *arg)
{
	unsigned done = 0;

	(void)arg;
	if (reeve_unit_slot(reeve, "served", &done, sizeof(done), NULL, NULL) ==
	    REEVE_OK) {
		printf("served has done %u\n", done);
		fflush(stdout);
	}
}

static void
stop(void *why)
{
	reeve_shutdown(reeve, why);
}

static void
on_event(void *ctx, const struct reeve_event *event)
{
	(void)ctx;
	printf("%s %s %s\n", event->path, event->kind, event->detail);
	fflush(stdout);
}

static void
on_finished(void *ctx, bool gave_up)
{
	(void)ctx, (void)gave_up;
	ended = true;
}

/* -------- another thread -------- */

static void *
steer(void *arg)
{
	for (int i = 0; i < 5; i++) {
		poll(NULL, 0, 200);
		reeve_post(reeve, show, NULL);
	}
	reeve_post(reeve, stop, arg);
	return NULL;
}

int
main(int argc, char **argv)
{
	reeve_main(&argc, &argv); /* a worker does not come back from it */

	const struct reeve_callbacks callbacks = { .finished = on_finished };
	const struct reeve_options options = { .size = sizeof(options),
		.callbacks = &callbacks,
		.name = "threaded",
		.state_dir = argc > 1 ? argv[1] : NULL,
		.libexec_dir = getenv("REEVE_LIBEXEC") }; /* else installed */
	const struct reeve_watch_options watch = {
		.size = sizeof(watch), .kinds = "worker.*", .event = on_event
	};
	struct reeve_worker_options worker = { .size = sizeof(worker),
		.function = "threaded.work" };
	struct reeve_error error;
	pthread_t thread;

	if (reeve_create(&reeve, &options, &error) != REEVE_OK ||
	    reeve_watch(reeve, &watch, NULL, &error) != REEVE_OK ||
	    reeve_add_worker(reeve, "served", &worker, &error) != REEVE_OK) {
		errx(1, "%s", error.text);
	}
	worker.method = REEVE_METHOD_FORK;
	if (reeve_add_worker(reeve, "forked", &worker, &error) != REEVE_OK ||
	    reeve_commit(reeve, &error) != REEVE_OK) {
		errx(1, "%s", error.text);
	}
	if (pthread_create(&thread, NULL, steer, "the thread is done") != 0) {
		errx(1, "no thread");
	}
	while (!ended) {
		struct pollfd entry;
		int ms = reeve_poll_prepare(reeve, &entry, -1);

		poll(&entry, 1, ms);
		if (reeve_dispatch(reeve, &error) != REEVE_OK) {
			errx(1, "%s", error.text);
		}
	}
	pthread_join(thread, NULL);
	reeve_destroy(reeve);
	return 0;
}
