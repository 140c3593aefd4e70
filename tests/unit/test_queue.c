/* SPDX-License-Identifier: MIT */
/*
 * Queues, within one process: bounds, ends, sizes, tasks, what is refused, and
 * machines without memory or descriptors.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <reeve/queue.h>

#include "base/fault.h"
#include "lib/harness.h"

static struct reeve_queue *
new_queue(uint32_t items, uint64_t bytes, uint32_t large)
{
	struct reeve_queue_options options = { .size = sizeof(options),
		.max_items = items,
		.max_bytes = bytes,
		.large = large };
	struct reeve_queue *q = NULL;
	struct reeve_error err;

	CU_ASSERT_EQUAL_FATAL(reeve_queue_new(&q, &options, &err), REEVE_OK);
	return q;
}

static enum reeve_status
put_int(struct reeve_queue *q, int n, int64_t timeout)
{
	return reeve_queue_put(q, &n, sizeof(n), 7, timeout);
}

static int
get_int(struct reeve_queue *q, int64_t timeout)
{
	size_t len = 0;
	uint32_t tag = 0;
	int n = -1;
	enum reeve_status st =
	    reeve_queue_get_into(q, &n, sizeof(n), &len, &tag, timeout);

	return st != REEVE_OK                 ? (int)st
	       : len == sizeof(n) && tag == 7 ? n
					      : -1000;
}

static struct reeve_queue_state
look(struct reeve_queue *q)
{
	struct reeve_queue_state state;

	reeve_queue_look(q, &state);
	return state;
}

static bool
is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

RV_TEST(bytes_bound_a_queue_too_and_empty_items_are_items)
{
	struct reeve_queue *q = new_queue(10, 100, 0);
	char bytes[101] = { 0 };
	struct reeve_item item = { 0 };

	CU_ASSERT_EQUAL(reeve_queue_put(q, bytes, 101, 0, 0), REEVE_ETOOBIG);
	CU_ASSERT_EQUAL(reeve_queue_put(q, bytes, 60, 0, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_put(q, bytes, 41, 0, 0), REEVE_EFULL);
	CU_ASSERT_EQUAL(reeve_queue_put(q, bytes, 40, 0, 0), REEVE_OK);
	CU_ASSERT_TRUE(look(q).is_full);
	CU_ASSERT_EQUAL(look(q).bytes, 100);
	CU_ASSERT_EQUAL(reeve_queue_put(q, NULL, 0, 3, 0), REEVE_OK);
	CU_ASSERT_EQUAL(look(q).items, 3);
	CU_ASSERT_EQUAL(reeve_queue_get(q, &item, 0), REEVE_OK);
	CU_ASSERT_EQUAL(item.length, 60);
	CU_ASSERT_EQUAL(reeve_queue_get(q, &item, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_get(q, &item, 0), REEVE_OK);
	CU_ASSERT_EQUAL(item.length, 0);
	CU_ASSERT_EQUAL(item.tag, 3);
	CU_ASSERT_EQUAL(item.deliveries, 1);
	CU_ASSERT_EQUAL(look(q).bytes, 0);
	reeve_item_free(&item);
	reeve_queue_free(q);
}

RV_TEST(items_of_every_length_come_out_as_they_went_in)
{
	struct reeve_queue *q = new_queue(5, 0, 100);
	unsigned char in[400], out[400];
	struct iovec parts[3];
	size_t len;

	for (size_t i = 0; i < sizeof(in); i++) {
		in[i] = (unsigned char)(i * 7 + 1);
	}
	for (size_t round = 0; round < 3; round++) {
		for (size_t n = 0; n < sizeof(in); n++) {
			parts[0] = (struct iovec){ in, n / 3 };
			parts[1] = (struct iovec){ NULL, 0 };
			parts[2] = (struct iovec){ in + n / 3, n - n / 3 };
			CU_ASSERT_EQUAL(
			    reeve_queue_putv(q, parts, 3, 0, 0), REEVE_OK);
			memset(out, 0, sizeof(out));
			CU_ASSERT_EQUAL(reeve_queue_get_into(
					    q, out, sizeof(out), &len, NULL, 0),
			    REEVE_OK);
			CU_ASSERT_EQUAL(len, n);
			CU_ASSERT_EQUAL(memcmp(in, out, n), 0);
		}
	}
	reeve_queue_free(q);
}

RV_TEST(a_buffer_that_is_too_small_leaves_the_item)
{
	struct reeve_queue *q = new_queue(0, 0, 0);
	char out[8];
	size_t len = 0;
	uint32_t tag = 0;

	CU_ASSERT_EQUAL(reeve_queue_put(q, "abcdefghi", 9, 5, 0), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_queue_get_into(q, out, 8, &len, &tag, 0), REEVE_ETOOSHORT);
	CU_ASSERT_EQUAL(len, 9);
	CU_ASSERT_EQUAL(look(q).items, 1);
	reeve_queue_free(q);
}

static uint64_t
blocks_of(const struct reeve_queue *q)
{
	struct reeve_handle handle;
	struct reeve_error err;
	struct stat st;

	CU_ASSERT_EQUAL_FATAL(reeve_queue_handle(q, &handle, &err), REEVE_OK);
	CU_ASSERT_EQUAL(fstat(handle.fds[0], &st), 0);
	reeve_handle_close(&handle);
	return (uint64_t)st.st_blocks;
}

RV_TEST(memory_of_a_large_item_is_given_back)
{
	static char in[3 << 20];
	struct reeve_queue *q = new_queue(0, 0, 0);
	struct reeve_item item = { 0 };
	uint64_t before = blocks_of(q);

	memset(in, 'x', sizeof(in));
	for (int i = 0; i < 5; i++) {
		in[12345] = (char)i;
		CU_ASSERT_EQUAL(
		    reeve_queue_put(q, in, sizeof(in), 0, 0), REEVE_OK);
	}
	CU_ASSERT_EQUAL(look(q).bytes, 5 * sizeof(in));
	CU_ASSERT(blocks_of(q) >= before + 5 * sizeof(in) / 512);
	for (int i = 0; i < 5; i++) {
		in[12345] = (char)i;
		CU_ASSERT_EQUAL(reeve_queue_get(q, &item, 0), REEVE_OK);
		CU_ASSERT_EQUAL(item.length, sizeof(in));
		CU_ASSERT_EQUAL(memcmp(item.data, in, sizeof(in)), 0);
	}
	CU_ASSERT_EQUAL(blocks_of(q), before);
	reeve_item_free(&item);
	reeve_queue_free(q);
}

RV_TEST(who_closed_puts_no_more_and_the_end_comes_after_the_last_item)
{
	struct reeve_queue *q = new_queue(0, 0, 0);
	int fd = reeve_queue_fd(q);

	CU_ASSERT_EQUAL(put_int(q, 1, 0), REEVE_OK);
	reeve_queue_close(q);
	reeve_queue_close(q);
	CU_ASSERT_EQUAL(put_int(q, 2, 0), REEVE_ECLOSED);
	CU_ASSERT_TRUE(is_readable(fd));
	CU_ASSERT_EQUAL(get_int(q, REEVE_FOREVER), 1);
	CU_ASSERT_EQUAL(get_int(q, 0), REEVE_EEND);
	CU_ASSERT_EQUAL(get_int(q, REEVE_FOREVER), REEVE_EEND);
	CU_ASSERT_TRUE(is_readable(fd));
	reeve_queue_free(q);
	q = new_queue(0, 0, 0);
	reeve_queue_close(q);
	reeve_queue_free(q);
}

RV_TEST(what_is_shut_is_emptied_and_then_closed)
{
	struct reeve_queue *q = new_queue(0, 0, 0);

	CU_ASSERT_EQUAL(put_int(q, 1, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_shutdown(q, REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_EQUAL(put_int(q, 2, REEVE_FOREVER), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(get_int(q, 0), 1);
	CU_ASSERT_EQUAL(get_int(q, REEVE_FOREVER), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(get_int(q, 0), REEVE_ECLOSED);
	reeve_queue_free(q);
}

RV_TEST(tasks_are_done_as_often_as_there_were_items)
{
	struct reeve_queue *q = new_queue(0, 0, 0);

	CU_ASSERT_EQUAL(reeve_queue_join(q, 0), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_queue_task_done(q, REEVE_FOREVER), REEVE_EINVALID);
	CU_ASSERT_EQUAL(put_int(q, 1, 0), REEVE_OK);
	CU_ASSERT_EQUAL(get_int(q, 0), 1);
	CU_ASSERT_EQUAL(look(q).unfinished, 1);
	CU_ASSERT_EQUAL(reeve_queue_join(q, 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_queue_join(q, REEVE_MS(5)), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_queue_task_done(q, REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_join(q, REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_queue_task_done(q, REEVE_FOREVER), REEVE_EINVALID);
	reeve_queue_free(q);
}

RV_TEST(a_lease_is_held_until_it_is_acknowledged_or_given_back)
{
	struct reeve_queue *q = new_queue(0, 0, 10);
	struct reeve_item item = { 0 };
	uint64_t first;

	CU_ASSERT_EQUAL(reeve_queue_put(q, "small", 5, 1, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_put(q, "rather large", 12, 2, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_get_leased(q, &item, 0), REEVE_OK);
	CU_ASSERT_EQUAL(item.deliveries, 1);
	CU_ASSERT_EQUAL(item.length, 5);
	first = item.lease;
	CU_ASSERT_EQUAL(look(q).leased, 1);
	CU_ASSERT_EQUAL(look(q).items, 1);
	CU_ASSERT_EQUAL(
	    reeve_queue_give_back(q, first, REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_queue_give_back(q, first, REEVE_FOREVER), REEVE_ENOTHELD);
	CU_ASSERT_EQUAL(look(q).items, 2);
	CU_ASSERT_EQUAL(look(q).bytes, 17);
	CU_ASSERT_EQUAL(reeve_queue_get_leased(q, &item, 0), REEVE_OK);
	CU_ASSERT_EQUAL(item.deliveries, 2);
	CU_ASSERT_EQUAL(memcmp(item.data, "small", 5), 0);
	CU_ASSERT_EQUAL(
	    reeve_queue_ack(q, first, REEVE_FOREVER), REEVE_ENOTHELD);
	CU_ASSERT_EQUAL(
	    reeve_queue_ack(q, item.lease, REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_queue_ack(q, item.lease, REEVE_FOREVER), REEVE_ENOTHELD);
	CU_ASSERT_EQUAL(reeve_queue_ack(q, 0, REEVE_FOREVER), REEVE_ENOTHELD);
	CU_ASSERT_EQUAL(
	    reeve_queue_ack(q, UINT64_MAX, REEVE_FOREVER), REEVE_ENOTHELD);
	for (uint32_t n = 1; n < 4; n++) {
		CU_ASSERT_EQUAL(reeve_queue_get_leased(q, &item, 0), REEVE_OK);
		CU_ASSERT_EQUAL(item.deliveries, n);
		CU_ASSERT_EQUAL(item.length, 12);
		CU_ASSERT_EQUAL(memcmp(item.data, "rather large", 12), 0);
		CU_ASSERT_EQUAL(
		    reeve_queue_give_back(q, item.lease, REEVE_FOREVER),
		    REEVE_OK);
	}
	CU_ASSERT_EQUAL(reeve_queue_get(q, &item, REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_EQUAL(item.deliveries, 4);
	CU_ASSERT_EQUAL(look(q).leased, 0);
	CU_ASSERT_EQUAL(reeve_queue_task_done(q, REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_join(q, 0), REEVE_OK);
	reeve_item_free(&item);
	reeve_queue_free(q);
}

RV_TEST(more_leases_than_were_asked_for_are_refused)
{
	struct reeve_queue_options options = { .size = sizeof(options),
		.max_leases = 2 };
	struct reeve_queue *q = NULL;
	struct reeve_item items[3] = { { 0 } };

	CU_ASSERT_EQUAL_FATAL(reeve_queue_new(&q, &options, NULL), REEVE_OK);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(put_int(q, i, 0), REEVE_OK);
	}
	CU_ASSERT_EQUAL(reeve_queue_get_leased(q, &items[0], 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_get_leased(q, &items[1], 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_get_leased(q, &items[2], 0), REEVE_EBUSY);
	CU_ASSERT_EQUAL(look(q).items, 1);
	CU_ASSERT_EQUAL(
	    reeve_queue_ack(q, items[0].lease, REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_get_leased(q, &items[2], 0), REEVE_OK);
	for (int i = 0; i < 3; i++) {
		reeve_item_free(&items[i]);
	}
	reeve_queue_free(q);
}

RV_TEST(its_descriptors_are_readable_while_there_is_something)
{
	struct reeve_queue *q = new_queue(2, 0, 0);
	int in, out;

	CU_ASSERT_EQUAL(put_int(q, 1, 0), REEVE_OK);
	in = reeve_queue_fd(q);
	out = reeve_queue_room_fd(q);
	CU_ASSERT_EQUAL(reeve_queue_fd(q), in);
	CU_ASSERT_TRUE(is_readable(in));
	CU_ASSERT_TRUE(is_readable(out));
	CU_ASSERT_EQUAL(put_int(q, 2, 0), REEVE_OK);
	CU_ASSERT_FALSE(is_readable(out));
	CU_ASSERT_EQUAL(put_int(q, 3, 0), REEVE_EFULL);
	CU_ASSERT_FALSE(is_readable(out));
	CU_ASSERT_EQUAL(get_int(q, 0), 1);
	CU_ASSERT_TRUE(is_readable(out));
	CU_ASSERT_TRUE(is_readable(in));
	CU_ASSERT_EQUAL(get_int(q, 0), 2);
	CU_ASSERT_FALSE(is_readable(in));
	CU_ASSERT_EQUAL(get_int(q, 0), REEVE_EEMPTY);
	CU_ASSERT_EQUAL(put_int(q, 4, 0), REEVE_OK);
	CU_ASSERT_TRUE(is_readable(in));
	CU_ASSERT_EQUAL(get_int(q, 0), 4);
	CU_ASSERT_FALSE(is_readable(in));
	CU_ASSERT_EQUAL(reeve_queue_shutdown(q, REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_TRUE(is_readable(in));
	CU_ASSERT_TRUE(is_readable(out));
	reeve_queue_free(q);
}

static void *
put_a_thousand(void *ctx)
{
	for (int i = 0; i < 1000; i++) {
		if (put_int(ctx, i, REEVE_FOREVER) != REEVE_OK) {
			return NULL;
		}
	}
	return ctx;
}

static void *
get_a_thousand(void *ctx)
{
	intptr_t sum = 0;

	for (int i = 0; i < 1000; i++) {
		int n = get_int(ctx, REEVE_FOREVER);

		if (n < 0) {
			return NULL;
		}
		sum += n;
	}
	return (void *)sum;
}

RV_TEST(threads_put_and_get_as_processes_do)
{
	struct reeve_queue *q = new_queue(3, 0, 0);
	pthread_t put[4], get[4];
	intptr_t sum = 0;
	void *result;

	for (int i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL_FATAL(
		    pthread_create(&put[i], NULL, put_a_thousand, q), 0);
		CU_ASSERT_EQUAL_FATAL(
		    pthread_create(&get[i], NULL, get_a_thousand, q), 0);
	}
	for (int i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(pthread_join(put[i], &result), 0);
		CU_ASSERT_PTR_EQUAL(result, q);
		CU_ASSERT_EQUAL(pthread_join(get[i], &result), 0);
		sum += (intptr_t)result;
	}
	CU_ASSERT_EQUAL(sum, 4 * 999 * 1000 / 2);
	CU_ASSERT_TRUE(look(q).is_empty);
	reeve_queue_free(q);
}

RV_TEST(bounds_that_cannot_be_are_refused)
{
	struct reeve_queue_options options = { .size = sizeof(options) };
	struct reeve_queue *q = NULL;
	struct reeve_error err;

	options.max_items = UINT32_MAX;
	CU_ASSERT_EQUAL(reeve_queue_new(&q, &options, &err), REEVE_EINVALID);
	options.max_items = 0;
	options.max_bytes = UINT64_MAX;
	CU_ASSERT_EQUAL(reeve_queue_new(&q, &options, &err), REEVE_EINVALID);
	options.max_bytes = 0;
	options.large = UINT32_MAX;
	CU_ASSERT_EQUAL(reeve_queue_new(&q, &options, &err), REEVE_EINVALID);
	options = (struct reeve_queue_options){ .max_items = 5 };
	CU_ASSERT_EQUAL(reeve_queue_new(&q, &options, &err), REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "sizeof"));
	CU_ASSERT_EQUAL(reeve_queue_new(NULL, NULL, NULL), REEVE_EINVALID);
	CU_ASSERT_EQUAL(put_int(NULL, 1, 0), REEVE_EINVALID);
	CU_ASSERT_EQUAL(get_int(NULL, 0), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_queue_fd(NULL), -1);
	CU_ASSERT_PTR_NULL(q);
}

RV_TEST(a_machine_without_room_says_so_and_the_queue_goes_on)
{
	static const char *const lacks[] = { "memfd_create=EMFILE",
		"mmap=ENOMEM", "fallocate=ENOSPC", "socketpair=EMFILE",
		"eventfd=EMFILE", "alloc@1=ENOMEM", "alloc@2=ENOMEM" };
	static char large[5000];
	struct reeve_queue *q = NULL;
	struct reeve_item item = { 0 };
	struct reeve_error err;

	for (size_t i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++) {
		CU_ASSERT_TRUE(rv_fault_set(lacks[i]));
		CU_ASSERT_NOT_EQUAL(reeve_queue_new(&q, NULL, &err), REEVE_OK);
		CU_ASSERT_PTR_NULL(q);
	}
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	q = new_queue(1, 0, 0);
	CU_ASSERT_TRUE(rv_fault_set("fallocate=ENOSPC"));
	CU_ASSERT_EQUAL(
	    reeve_queue_put(q, large, sizeof(large), 0, 0), REEVE_ENOMEM);
	CU_ASSERT_TRUE(rv_fault_set("mmap=ENOMEM"));
	CU_ASSERT_EQUAL(
	    reeve_queue_put(q, large, sizeof(large), 0, 0), REEVE_ENOMEM);
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	CU_ASSERT_EQUAL(
	    reeve_queue_put(q, large, sizeof(large), 0, 0), REEVE_OK);
	CU_ASSERT_TRUE(rv_fault_set("mmap=ENOMEM"));
	CU_ASSERT_EQUAL(reeve_queue_get(q, &item, 0), REEVE_ENOMEM);
	CU_ASSERT_TRUE(rv_fault_set("alloc=ENOMEM"));
	reeve_item_free(&item);
	CU_ASSERT_EQUAL(reeve_queue_get(q, &item, 0), REEVE_ENOMEM);
	CU_ASSERT_TRUE(rv_fault_set("epoll_create1=EMFILE"));
	CU_ASSERT_EQUAL(reeve_queue_fd(q), -1);
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	CU_ASSERT_EQUAL(reeve_queue_get(q, &item, 0), REEVE_OK);
	CU_ASSERT_EQUAL(item.length, sizeof(large));
	reeve_item_free(&item);
	reeve_queue_free(q);
}

RV_TEST(a_limit_on_files_is_an_error_and_no_signal)
{
	struct reeve_queue *q = NULL;
	struct rlimit before, low;
	struct reeve_error err = { 0 };

	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &before), 0);
	low = before;
	low.rlim_cur = 1 << 20;
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &low), 0);
	CU_ASSERT_EQUAL(reeve_queue_new(&q, NULL, &err), REEVE_ESYS);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &before), 0);
	CU_ASSERT_EQUAL(err.sys_errno, EFBIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "RLIMIT_FSIZE"));
	/* one that is there already goes on, with large items too */
	q = new_queue(0, 0, 0);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &low), 0);
	{
		static char large[3 << 20];
		struct reeve_item item = { 0 };

		CU_ASSERT_EQUAL(
		    reeve_queue_put(q, large, sizeof(large), 0, 0), REEVE_OK);
		CU_ASSERT_EQUAL(reeve_queue_get(q, &item, 0), REEVE_OK);
		CU_ASSERT_EQUAL(item.length, sizeof(large));
		reeve_item_free(&item);
	}
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &before), 0);
	reeve_queue_free(q);
}

RV_SUITE(queue,

    RV_CASE(bytes_bound_a_queue_too_and_empty_items_are_items),
    RV_CASE(items_of_every_length_come_out_as_they_went_in),
    RV_CASE(a_buffer_that_is_too_small_leaves_the_item),
    RV_CASE(memory_of_a_large_item_is_given_back),
    RV_CASE(who_closed_puts_no_more_and_the_end_comes_after_the_last_item),
    RV_CASE(what_is_shut_is_emptied_and_then_closed),
    RV_CASE(tasks_are_done_as_often_as_there_were_items),
    RV_CASE(a_lease_is_held_until_it_is_acknowledged_or_given_back),
    RV_CASE(more_leases_than_were_asked_for_are_refused),
    RV_CASE(its_descriptors_are_readable_while_there_is_something),
    RV_CASE(threads_put_and_get_as_processes_do),
    RV_CASE(bounds_that_cannot_be_are_refused),
    RV_CASE(a_machine_without_room_says_so_and_the_queue_goes_on),
    RV_CASE(a_limit_on_files_is_an_error_and_no_signal))
