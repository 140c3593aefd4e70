/* SPDX-License-Identifier: MIT */
/*
 * Two queues in a row: one process puts cubes, the next gets them and puts each
 * plus one, and the program prints what comes out. Each reads until nobody is
 * left who could put: there is no last item to agree on.
 */
#include <inttypes.h>

#include <reeve/queue.h>

#include "example.h"

static void
put(struct reeve_queue *queue, int64_t n)
{
	must(reeve_queue_put(queue, &n, sizeof(n), 0, REEVE_FOREVER));
}

/* False: all who could put have ended. */
static bool
get(struct reeve_queue *queue, int64_t *n)
{
	enum reeve_status status = reeve_queue_get_into(
	    queue, n, sizeof(*n), NULL, NULL, REEVE_FOREVER);

	if (status == REEVE_EEND) {
		return false;
	}
	must(status);
	return true;
}

static int
put_cubes(const struct reeve_call *call)
{
	struct reeve_queue *out;

	(void)call;
	must(reeve_queue_given(&out, "cubes", &error));
	for (int64_t i = 0; i < 10; i++) {
		put(out, i * i * i);
	}
	reeve_queue_free(out);
	return 0;
}
REEVE_FUNCTION("cube", put_cubes);

static int
add_one(const struct reeve_call *call)
{
	struct reeve_queue *in, *out;
	int64_t n;

	(void)call;
	must(reeve_queue_given(&in, "cubes", &error));
	must(reeve_queue_given(&out, "results", &error));
	reeve_queue_close(in); /* this process only gets there */
	while (get(in, &n)) {
		put(out, n + 1);
	}
	reeve_queue_free(in);
	reeve_queue_free(out);
	return 0;
}
REEVE_FUNCTION("add_one", add_one);

int
main(int argc, char **argv)
{
	struct reeve_process *cuber, *adder;
	struct reeve_queue *cubes, *results;
	struct reeve_context *context;
	int64_t n;

	reeve_main(&argc, &argv);
	context = new_context(argv);
	must(reeve_queue_new(&cubes, NULL, &error));
	must(reeve_queue_new(&results, NULL, &error));
	cuber = start(context, .function = "cube",
	    REEVE_GIVES(reeve_queue_give("cubes", cubes)));
	adder = start(context, .function = "add_one",
	    REEVE_GIVES(reeve_queue_give("cubes", cubes),
		reeve_queue_give("results", results)));
	reeve_queue_free(cubes); /* or it would be one who may put */
	reeve_queue_close(results);
	while (get(results, &n)) {
		printf("%" PRId64 "\n", n);
	}
	finish(cuber);
	finish(adder);
	reeve_queue_free(results);
	reeve_context_free(context);
	return 0;
}
