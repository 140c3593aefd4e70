/* SPDX-License-Identifier: MIT */
/*
 * A pool whose arguments spill to a disk of one MiB, to a folder that is not
 * there, and to a file that somebody cuts: what cannot be kept is refused, or
 * ends saying so, and all else is done. Needs root, for a mount in a namespace
 * of its own, which ends with this process at the latest.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "unit/pool_gate.h"

#define LARGE ((size_t)100 * 1024)

static char large[LARGE];

/* A disk of one MiB, where this process has its temporary files. */
static void
mount_small(char *path, size_t size)
{
	(void)snprintf(path, size, "%s/small", rv_test_dir());
	CU_ASSERT_FATAL(unshare(CLONE_NEWNS) == 0);
	/* Where / is a folder (chroot) no mount of it can be made private. */
	CU_ASSERT_FATAL(
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ||
	    errno == EINVAL);
	CU_ASSERT_FATAL(mkdir(path, 0700) == 0);
	CU_ASSERT_FATAL(
	    mount("none", path, "tmpfs", 0, "size=1m,mode=0700") == 0);
	CU_ASSERT_EQUAL(setenv("TMPDIR", path, 1), 0);
}

/* All behind a task that is held spill but one. */
static struct reeve_future *
hold(struct gate *gate)
{
	struct reeve_pool_options options = { .max_waiting = 1,
		.full = REEVE_POOL_SPILL };
	struct reeve_future *held;

	if (gate->pool == NULL) {
		gate->pool = pool_make(1, &options);
	}
	held = pool_submit(gate->pool, "test.gate", gate->args);
	gate_await(gate, gate->n_begun + 1);
	return held;
}

static void
let_go(struct gate *gate, struct reeve_future *held)
{
	struct reeve_task_result result;

	gate_let(gate, 1);
	result = pool_result(held, 60);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	reeve_task_result_free(&result);
}

static enum reeve_status
submit_large(struct reeve_pool *pool, char letter, struct reeve_future **future,
    struct reeve_error *err)
{
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.echo",
		.data = large,
		.length = sizeof(large) };

	memset(large, letter, sizeof(large));
	return reeve_pool_submit(pool, &task, future, err);
}

static bool
is_echo(const struct reeve_task_result *result, char letter)
{
	memset(large, letter, sizeof(large));
	return result->outcome == REEVE_OUTCOME_GOOD && result->attempts == 1 &&
	       result->length == sizeof(large) &&
	       memcmp(result->data, large, sizeof(large)) == 0;
}

static void
check_echo(struct reeve_future *future, char letter)
{
	struct reeve_task_result result = pool_result(future, 60);

	CU_ASSERT_TRUE(is_echo(&result, letter));
	reeve_task_result_free(&result);
}

static uint64_t
submitted(struct reeve_pool *pool)
{
	struct reeve_pool_stats stats = { .size = sizeof(stats) };

	CU_ASSERT_EQUAL(reeve_pool_stats(pool, &stats, NULL), REEVE_OK);
	return stats.submitted;
}

/* Until the disk takes no more; how many it took, and one that did not need
 * it. */
static int
submit_many(struct gate *gate, struct reeve_future **futures, const char *where)
{
	enum reeve_status status = REEVE_OK;
	struct reeve_error err = { .text = "" };
	uint64_t before = submitted(gate->pool);
	int n = 0;

	while (n < 26) {
		status = submit_large(
		    gate->pool, (char)('a' + n), &futures[n], &err);
		if (status != REEVE_OK) {
			break;
		}
		n++;
	}
	CU_ASSERT_EQUAL(status, REEVE_ESYS);
	CU_ASSERT_EQUAL(err.sys_errno, ENOSPC);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "102400 bytes"));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, where));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "TMPDIR"));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "No space left on device"));
	CU_ASSERT_EQUAL(submitted(gate->pool), before + (uint64_t)n);
	return n;
}

RV_TEST(a_full_disk_refuses_what_it_cannot_keep_and_loses_nothing)
{
	struct reeve_future *futures[26] = { NULL }, *held, *small;
	struct reeve_task_result result;
	struct statvfs disk;
	struct gate gate;
	char where[256];
	int n;

	mount_small(where, sizeof(where));
	gate_make(&gate, "full");
	for (int round = 0; round < 3; round++) {
		held = hold(&gate);
		n = submit_many(&gate, futures, where);
		CU_ASSERT(n >= 8);
		/* What was put of the last one is not in the way. */
		CU_ASSERT_EQUAL(statvfs(where, &disk), 0);
		CU_ASSERT(disk.f_bavail > 0);
		small = pool_submit(gate.pool, "test.echo", "small");
		let_go(&gate, held);
		for (int i = 0; i < n; i++) {
			check_echo(futures[i], (char)('a' + i));
		}
		result = pool_result(small, 60);
		CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
		reeve_task_result_free(&result);
	}
	reeve_pool_free(gate.pool);
	gate_remove(&gate);
	CU_ASSERT_EQUAL(umount(where), 0);
	CU_ASSERT_EQUAL(unsetenv("TMPDIR"), 0);
}

RV_TEST(a_folder_that_is_not_there_is_named_and_may_come)
{
	struct reeve_future *future, *held, *first;
	struct reeve_error err = { .text = "" };
	struct gate gate;
	char where[256];

	(void)snprintf(where, sizeof(where), "%s/missing", rv_test_dir());
	CU_ASSERT_EQUAL(setenv("TMPDIR", where, 1), 0);
	gate_make(&gate, "missing");
	held = hold(&gate);
	CU_ASSERT_EQUAL(submit_large(gate.pool, 'a', &first, &err), REEVE_OK);
	CU_ASSERT_EQUAL(
	    submit_large(gate.pool, 'b', &future, &err), REEVE_ESYS);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, where));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "No such file or directory"));
	CU_ASSERT_EQUAL(mkdir(where, 0700), 0);
	CU_ASSERT_EQUAL_FATAL(
	    submit_large(gate.pool, 'b', &future, &err), REEVE_OK);
	/* Nobody finds it there. */
	CU_ASSERT_EQUAL(rmdir(where), 0);
	let_go(&gate, held);
	check_echo(first, 'a');
	check_echo(future, 'b');
	reeve_pool_free(gate.pool);
	gate_remove(&gate);
	CU_ASSERT_EQUAL(unsetenv("TMPDIR"), 0);
}

static void
cut_spilled(off_t length)
{
	char path[64], target[256];

	for (int fd = 3; fd < 256; fd++) {
		ssize_t n;

		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (strstr(target, "/reeve-spill-") != NULL) {
			CU_ASSERT_EQUAL(ftruncate(fd, length), 0);
		}
	}
}

/* In the midst of the third that is in it. */
RV_TEST(of_a_file_that_is_cut_what_is_there_is_done_and_the_rest_says_so)
{
	struct reeve_future *futures[6], *held;
	struct reeve_task_result result;
	struct gate gate;

	gate_make(&gate, "cut");
	held = hold(&gate);
	for (int i = 0; i < 6; i++) {
		CU_ASSERT_EQUAL_FATAL(
		    submit_large(gate.pool, (char)('a' + i), &futures[i], NULL),
		    REEVE_OK);
	}
	cut_spilled((off_t)(2 * LARGE + LARGE / 2));
	let_go(&gate, held);
	for (int i = 0; i < 6; i++) {
		result = pool_result(futures[i], 60);
		if (i < 3) {
			CU_ASSERT_TRUE(is_echo(&result, (char)('a' + i)));
		} else {
			CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_FAILED);
			CU_ASSERT_STRING_EQUAL(result.type, "reeve.Arguments");
			CU_ASSERT_STRING_EQUAL(result.message,
			    "its arguments (102400 bytes) cannot be read "
			    "back: No data available");
			CU_ASSERT_EQUAL(result.attempts, 0);
		}
		reeve_task_result_free(&result);
	}
	/* The next ones begin it anew. */
	held = hold(&gate);
	for (int i = 0; i < 6; i++) {
		CU_ASSERT_EQUAL_FATAL(
		    submit_large(gate.pool, (char)('a' + i), &futures[i], NULL),
		    REEVE_OK);
	}
	let_go(&gate, held);
	for (int i = 0; i < 6; i++) {
		check_echo(futures[i], (char)('a' + i));
	}
	reeve_pool_free(gate.pool);
	gate_remove(&gate);
}

RV_SUITE(pool_spill,
    RV_CASE(a_full_disk_refuses_what_it_cannot_keep_and_loses_nothing),
    RV_CASE(a_folder_that_is_not_there_is_named_and_may_come),
    RV_CASE(of_a_file_that_is_cut_what_is_there_is_done_and_the_rest_says_so))
