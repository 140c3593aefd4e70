/* SPDX-License-Identifier: MIT */
/*
 * A manager's dict: get and set one by one, beside a bare stream socket on
 * which as many bytes go there and back; and in batches and one after another
 * without waiting, beside what a call of Python's manager takes. Medians of
 * rounds, in turns; Python's of the same run.
 */
#include "config.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/manager.h>

#include "bench/bench.h"

#define ROUNDS_MAX 101
#define CALLS      2000
#define BATCH      64
/* What a call of dict.get with a short key takes, and its answer. */
#define GET_THERE 104
#define GET_BACK  64

static struct reeve_error err;
static cpu_set_t anywhere; /* for Python */

static void
must(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "bench_manager: %s: %s\n", what, err.text);
		exit(2);
	}
}

/* -------- the bare one -------- */

static void
transfer(int fd, char *data, size_t n, bool sends)
{
	while (n > 0) {
		ssize_t done =
		    sends ? send(fd, data, n, 0) : recv(fd, data, n, 0);

		if (done <= 0) {
			_exit(0);
		}
		n -= (size_t)done;
		data += done;
	}
}

/*
 * Servers on one processor, who calls them on another: where the kernel puts
 * them by itself may be one processor for the one and two for the other, and
 * to wake an idle one may take as long as ten calls.
 */
static void
stay(bool serves)
{
	cpu_set_t may, one;
	int n = 0, at = serves ? 1 : 0;

	must(sched_getaffinity(0, sizeof(may), &may) == 0, "affinity");
	at = CPU_COUNT(&may) > at ? at : 0;
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &may) && n++ == at) {
			CPU_SET(i, &one);
		}
	}
	must(sched_setaffinity(0, sizeof(one), &one) == 0, "affinity");
}

static pid_t
start_bare(int *fd)
{
	char data[GET_THERE];
	int fds[2];
	pid_t pid;

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0,
	    "socketpair");
	pid = fork();
	if (pid == 0) {
		(void)close(fds[0]);
		stay(true);
		for (;;) {
			transfer(fds[1], data, GET_THERE, false);
			transfer(fds[1], data, GET_BACK, true);
		}
	}
	(void)close(fds[1]);
	*fd = fds[0];
	return pid;
}

static double
bare_round(int fd)
{
	char data[GET_THERE] = { 0 };
	int64_t begun = bench_now();

	for (unsigned i = 0; i < CALLS; i++) {
		transfer(fd, data, GET_THERE, true);
		transfer(fd, data, GET_BACK, false);
	}
	return (double)(bench_now() - begun) / CALLS / 1000;
}

/* -------- the manager -------- */

static pid_t
start_manager(char address[256])
{
	struct reeve_manager_listen listens[1] = { { .address = address } };
	struct reeve_manager_options options = {
		.size = sizeof(options), .listens = listens, .n_listens = 1
	};
	struct reeve_manager_server *server = NULL;
	pid_t pid;

	snprintf(address, 256, "unix:%s/manager", bench_dir());
	pid = fork();
	if (pid == 0) {
		stay(true);
		must(reeve_manager_server_new(&server, &options, &err) ==
			 REEVE_OK,
		    "the server");
		(void)!reeve_manager_serve(server, -1, &err);
		_exit(0);
	}
	return pid;
}

static double
get_round(struct reeve_proxy *dict, struct reeve_result *result)
{
	int64_t begun = bench_now();

	for (unsigned i = 0; i < CALLS; i++) {
		must(reeve_dict_get(dict, reeve_text("key 1234"), result,
			 REEVE_S(5), &err) == REEVE_OK,
		    "get");
	}
	return (double)(bench_now() - begun) / CALLS / 1000;
}

static double
set_round(struct reeve_proxy *dict)
{
	int64_t begun = bench_now();

	for (unsigned i = 0; i < CALLS; i++) {
		must(reeve_dict_set(dict, reeve_text("key 1234"), reeve_int(i),
			 REEVE_S(5), &err) == REEVE_OK,
		    "set");
	}
	return (double)(bench_now() - begun) / CALLS / 1000;
}

static double
batch_round(struct reeve_batch *batch, struct reeve_proxy *dict,
    struct reeve_result *result)
{
	struct reeve_datum key = reeve_text("key 1234");
	int64_t begun = bench_now();

	for (unsigned i = 0; i < 10 * CALLS / BATCH; i++) {
		reeve_batch_reset(batch);
		for (unsigned k = 0; k < BATCH; k++) {
			must(reeve_batch_add_do(batch, dict, REEVE_DICT_GET,
				 &key, 1, 0, &err) == REEVE_OK,
			    "add");
		}
		must(reeve_batch_commit(batch, REEVE_S(5), &err) == REEVE_OK,
		    "commit");
		for (unsigned k = 0; k < BATCH; k++) {
			must(reeve_batch_result(batch, k, result, &err) ==
				 REEVE_OK,
			    "result");
		}
	}
	return (double)(bench_now() - begun) / (10 * CALLS / BATCH * BATCH) /
	       1000;
}

/* So many under way at a time, submitted one by one. */
static double
submit_round(struct reeve_proxy *dict, struct reeve_result *result)
{
	struct reeve_pending *pending[BATCH] = { NULL };
	struct reeve_datum key = reeve_text("key 1234");
	int64_t begun = bench_now();

	for (unsigned i = 0; i < CALLS + BATCH; i++) {
		struct reeve_pending **p = &pending[i % BATCH];

		if (*p != NULL) {
			must(reeve_pending_wait(*p, result, REEVE_S(5), &err) ==
				 REEVE_OK,
			    "wait");
			reeve_pending_free(*p);
			*p = NULL;
		}
		if (i < CALLS) {
			must(reeve_proxy_submit(p, dict, "get", &key, 1,
				 REEVE_S(5), &err) == REEVE_OK,
			    "submit");
		}
	}
	return (double)(bench_now() - begun) / CALLS / 1000;
}

/* Microseconds of a get by Python's manager; 0: there is no Python. */
static double
python_round(void)
{
	const char *sources = getenv("REEVE_BENCH_SOURCES");
	char script[512], text[64] = "";
	size_t n = 0;
	int fds[2];
	pid_t pid;

	snprintf(script, sizeof(script), "%s/bench_manager.py",
	    sources != NULL ? sources : "tests/bench");
	must(pipe2(fds, O_CLOEXEC) == 0, "pipe");
	pid = fork();
	if (pid == 0) {
		(void)sched_setaffinity(0, sizeof(anywhere), &anywhere);
		dup2(fds[1], 1);
		execlp("python3", "python3", script, (char *)NULL);
		_exit(127);
	}
	(void)close(fds[1]);
	while (n < sizeof(text) - 1) {
		ssize_t got = read(fds[0], text + n, sizeof(text) - 1 - n);

		if (got <= 0) {
			break;
		}
		n += (size_t)got;
	}
	(void)close(fds[0]);
	(void)waitpid(pid, NULL, 0);
	return strtod(text, NULL);
}

int
main(void)
{
	double bare[ROUNDS_MAX], get[ROUNDS_MAX], set[ROUNDS_MAX],
	    batch[ROUNDS_MAX], submit[ROUNDS_MAX], python[ROUNDS_MAX], each;
	unsigned rounds = bench_rounds(9);
	struct reeve_manager *m = NULL;
	struct reeve_proxy *dict = NULL;
	struct reeve_batch *b = NULL;
	struct reeve_result result = { 0 };
	char address[256];
	int fd = -1;
	pid_t bare_pid = start_bare(&fd), pid = start_manager(address);

	rounds = rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
	must(
	    sched_getaffinity(0, sizeof(anywhere), &anywhere) == 0, "affinity");
	stay(false);
	while (reeve_manager_connect(&m, address, NULL, REEVE_S(5), &err) !=
	       REEVE_OK) {
		must(err.status == REEVE_ENOENT, "connect");
	}
	must(reeve_proxy_create(&dict, m, "dict", NULL, 0, REEVE_S(5), &err) ==
		     REEVE_OK &&
		 reeve_batch_new(&b, m, &err) == REEVE_OK,
	    "a dict");
	(void)set_round(dict);
	for (unsigned i = 0; i < rounds; i++) {
		bare[i] = bare_round(fd);
		get[i] = get_round(dict, &result);
		set[i] = set_round(dict);
		batch[i] = batch_round(b, dict, &result);
		submit[i] = submit_round(dict, &result);
		if (i < 3) {
			python[i] = python_round();
		}
	}
	each = bench_median(bare, rounds);
	bench_ratio("dict.get, unix", bench_median(get, rounds), each, "us",
	    1.5, false);
	bench_ratio("dict.set, unix", bench_median(set, rounds), each, "us",
	    1.5, false);
	each = bench_median(python, rounds < 3 ? rounds : 3);
	printf("%-34s       %10.3f us\n", "python's manager, dict.get", each);
	bench_ratio("dict.get in batches, to python",
	    1000 / bench_median(batch, rounds), 1000 / each, "/ms", 20, true);
	bench_ratio("dict.get submitted, to python",
	    1000 / bench_median(submit, rounds), 1000 / each, "/ms", 20, true);
	reeve_result_free(&result);
	reeve_batch_free(b);
	reeve_proxy_free(dict);
	reeve_manager_free(m);
	(void)kill(pid, SIGKILL);
	(void)kill(bare_pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)waitpid(bare_pid, NULL, 0);
	bench_end();
	return bench_verdict();
}
