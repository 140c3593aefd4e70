/* SPDX-License-Identifier: MIT */
/*
 * A manager that holds a dict and a list, and several processes that fill them:
 * the dict with cubes by their numbers, the list with the numbers in the order
 * in which they came.
 *
 * A process that is killed is started again, and has its share to do. What of
 * it had been done before is not done twice: a second dict has the numbers that
 * are left, and taking one out of it, its cube and the list's new item are one
 * batch, which goes on only if the number was there. The server has a batch as
 * a whole or has nothing of it, whenever its sender was killed.
 */
#include <poll.h>

#include <reeve/manager.h>

#include "usage.h"

static uint64_t numbers = 100, pause_ms;
static const struct option_row rows[] = {
	{ 'n', "numbers", "N", "cubes of 0 to N - 1 [100]", &numbers, NULL, 1,
	    1000000 },
	{ 'p', "pause", "MS", "let each take so long [0]", &pause_ms, NULL, 0,
	    10000 },
	{ 0 },
};

#define PATIENCE REEVE_S(30)

static const struct reeve_manager_setup setup = { .size = sizeof(setup) };
REEVE_MANAGER("shared.manager", setup);

/* What is shared, as each process has it. */
struct shared {
	struct reeve_manager *manager;
	struct reeve_proxy *left, *cubes, *order;
};

/* ---- in a process ---- */

struct share {
	uint64_t first, step, numbers, pause_ms; /* first, first + step ... */
	char address[REEVE_MANAGER_ADDRESS_MAX];
};

static void
open_shared(struct shared *shared, const char *address)
{
	must(reeve_manager_connect(
	    &shared->manager, address, NULL, PATIENCE, &error));
	must(reeve_proxy_open(
	    &shared->left, shared->manager, "left", PATIENCE, &error));
	must(reeve_proxy_open(
	    &shared->cubes, shared->manager, "cubes", PATIENCE, &error));
	must(reeve_proxy_open(
	    &shared->order, shared->manager, "order", PATIENCE, &error));
}

static void
close_shared(struct shared *shared)
{
	reeve_proxy_free(shared->left);
	reeve_proxy_free(shared->cubes);
	reeve_proxy_free(shared->order);
	reeve_manager_free(shared->manager);
}

/* Whether nobody has done it: not the one either that was killed before. */
static bool
is_left(const struct shared *shared, int64_t n)
{
	struct reeve_datum number = reeve_int(n);
	struct reeve_result result = { 0 };
	bool left;

	must(reeve_proxy_call(
	    shared->left, "contains", &number, 1, &result, PATIENCE, &error));
	left = result.values[0].is.integer != 0;
	reeve_result_free(&result);
	return left;
}

static void
add_cube(const struct shared *shared, struct reeve_batch *batch, int64_t n)
{
	struct reeve_datum number = reeve_int(n);
	struct reeve_datum cube[] = { number, reeve_int(n * n * n) };
	enum reeve_status status;

	reeve_batch_reset(batch);
	must(
	    reeve_batch_add(batch, shared->left, "del", &number, 1, 0, &error));
	must(reeve_batch_add(batch, shared->cubes, "set", cube, 2,
	    REEVE_BATCH_IF_BEFORE, &error));
	must(reeve_batch_add(batch, shared->order, "append", &number, 1,
	    REEVE_BATCH_IF_BEFORE, &error));
	must(reeve_batch_commit(batch, PATIENCE, &error));
	status = reeve_batch_result(batch, 0, NULL, &error);
	if (status != REEVE_ENOENT) { /* which says that it is done */
		must(status);
		must(reeve_batch_result(batch, 1, NULL, &error));
		must(reeve_batch_result(batch, 2, NULL, &error));
	}
}

static int
fill(const struct reeve_call *call)
{
	struct reeve_batch *batch;
	struct shared shared;
	struct share share;

	memcpy(&share, call->args, sizeof(share));
	open_shared(&shared, share.address);
	must(reeve_batch_new(&batch, shared.manager, &error));
	for (uint64_t n = share.first; n < share.numbers; n += share.step) {
		struct timespec rest = { (time_t)(share.pause_ms / 1000),
			(long)(share.pause_ms % 1000) * 1000000 };

		if (is_left(&shared, (int64_t)n)) {
			clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL);
			add_cube(&shared, batch, (int64_t)n);
		}
	}
	reeve_batch_free(batch);
	close_shared(&shared);
	return 0;
}
REEVE_FUNCTION("fill", fill);

/* ---- in the program ---- */

static struct reeve_context *context;
static char address[REEVE_MANAGER_ADDRESS_MAX];

static struct reeve_proxy *
publish(struct reeve_manager *manager, const char *type, const char *name)
{
	struct reeve_proxy *proxy;

	must(reeve_proxy_create(
	    &proxy, manager, type, NULL, 0, PATIENCE, &error));
	must(reeve_proxy_publish(proxy, name, PATIENCE, &error));
	return proxy;
}

/* The manager, and what the processes are to find in it. */
static struct reeve_process *
start_manager(struct shared *shared)
{
	struct reeve_manager_start how = { .size = sizeof(how),
		.function = "shared.manager",
		.name = "manager" };
	struct reeve_process *process;

	must(reeve_manager_start(
	    &process, context, &how, address, PATIENCE, &error));
	must(reeve_manager_connect(
	    &shared->manager, address, NULL, PATIENCE, &error));
	shared->left = publish(shared->manager, "dict", "left");
	shared->cubes = publish(shared->manager, "dict", "cubes");
	shared->order = publish(shared->manager, "list", "order");
	for (uint64_t n = 0; n < numbers; n++) {
		must(reeve_dict_set(shared->left, reeve_int((int64_t)n),
		    reeve_null(), PATIENCE, &error));
	}
	return process;
}

static struct reeve_process *
start_filler(uint64_t i)
{
	struct share share = { i, workers, numbers, pause_ms, "" };
	struct reeve_process_options options = { .size = sizeof(options),
		.function = "fill",
		.bytes = &share,
		.n_bytes = sizeof(share) };
	struct reeve_process *process;
	char name[32];

	memcpy(share.address, address, sizeof(address));
	snprintf(name, sizeof(name), "fill.%" PRIu64, i);
	options.name = name;
	must(reeve_process_new(&process, context, &options, &error));
	must(reeve_process_start(process, &error));
	return process;
}

static uint64_t
count(struct reeve_proxy *proxy)
{
	struct reeve_result result = { 0 };
	uint64_t n;

	must(
	    reeve_proxy_call(proxy, "len", NULL, 0, &result, PATIENCE, &error));
	n = (uint64_t)result.values[0].is.integer;
	reeve_result_free(&result);
	return n;
}

/* One has ended: NULL when its share is done, or who goes on with it. */
static struct reeve_process *
succeed(struct reeve_process *filler, uint64_t i)
{
	static uint64_t deaths;
	int code = reeve_process_exitcode(filler);

	if (code > 0 || (code < 0 && deaths++ == retries)) {
		errx(1, "%s: exit code %d", reeve_process_name(filler), code);
	}
	must(reeve_process_free(filler, false, &error));
	return code == 0 ? NULL : start_filler(i);
}

/* Until each has done its share: those that are killed are started again. */
static void
fill_all(const struct shared *shared)
{
	struct reeve_process **fillers = calloc(workers, sizeof(*fillers));
	struct pollfd fd = { reeve_context_fd(context), POLLIN, 0 };
	struct progress bar = {
		.what = "cubes", .total = numbers, .quiet = quiet
	};
	uint64_t running = workers;

	if (fillers == NULL) {
		err(1, "no memory");
	}
	for (uint64_t i = 0; i < workers; i++) {
		fillers[i] = start_filler(i);
	}
	progress_begin(&bar);
	while (running > 0 && !stopped) {
		(void)poll(&fd, 1, A_WHILE / REEVE_MS(1));
		must(reeve_context_dispatch(context, &error));
		for (uint64_t i = 0; i < workers; i++) {
			if (fillers[i] != NULL &&
			    !reeve_process_alive(fillers[i])) {
				fillers[i] = succeed(fillers[i], i);
				running -= fillers[i] == NULL;
			}
		}
		progress_show(&bar, count(shared->cubes));
	}
	progress_end(&bar);
	for (uint64_t i = 0; i < workers; i++) {
		if (fillers[i] != NULL) {
			must(reeve_process_kill(fillers[i], &error));
			must(reeve_process_join(fillers[i], PATIENCE, &error));
			must(reeve_process_free(fillers[i], false, &error));
		}
	}
	free(fillers);
}

/* The cubes by their numbers, and how many the list has of how many. */
static void
print_shared(const struct shared *shared)
{
	struct reeve_result result = { 0 };

	for (uint64_t n = 0; n < numbers; n++) {
		must(reeve_dict_get(shared->cubes, reeve_int((int64_t)n),
		    &result, PATIENCE, &error));
		printf("%" PRIu64 " cubed is %" PRId64 "\n", n,
		    result.values[0].is.integer);
	}
	reeve_result_free(&result);
	printf("%" PRIu64 " cubes, %" PRIu64 " in the list\n",
	    count(shared->cubes), count(shared->order));
}

int
main(int argc, char **argv)
{
	struct reeve_context_options options = { .size = sizeof(options) };
	struct reeve_process *manager;
	struct shared shared;

	reeve_main(&argc, &argv);
	program_begin("", rows, argc, argv);
	program_arguments(argc, 0, "no arguments");
	workers = workers != 0 ? workers : 4;
	options.method = program_method();
	options.libexec_dir = getenv("REEVE_LIBEXEC"); /* else installed */
	must(reeve_context_new(&context, &options, &error));
	manager = start_manager(&shared);
	fill_all(&shared);
	if (!stopped) {
		print_shared(&shared);
	}
	close_shared(&shared);
	must(reeve_process_stop(manager, REEVE_MS(500), &error));
	must(reeve_process_free(manager, false, &error));
	reeve_context_free(context);
	if (stopped) {
		warnx("stopped by %s", strsignal(stopped));
		return 128 + stopped;
	}
	return 0;
}
