/* SPDX-License-Identifier: MIT */
/*
 * Blocks of shared memory: sizes, handles, what may write, names and their
 * owners; and what only looks like a block.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <reeve/memory.h>

#include "base/fault.h"
#include "lib/crew.h"
#include "lib/harness.h"
#include "sys/sys.h"

static struct reeve_memory *
new_block(uint64_t bytes, const char *name)
{
	struct reeve_memory_options options = { .size = sizeof(options),
		.name = name };
	struct reeve_memory *m = NULL;
	struct reeve_error err;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_memory_new(&m, bytes, &options, &err), REEVE_OK);
	return m;
}

static struct reeve_memory *
open_again(const struct reeve_memory *m)
{
	struct reeve_memory *other = NULL;
	struct reeve_handle handle;
	struct reeve_error err;

	CU_ASSERT_EQUAL_FATAL(reeve_memory_handle(m, &handle, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_memory_open(&other, &handle, &err), REEVE_OK);
	reeve_handle_close(&handle);
	return other;
}

/* A name that no other run of this test has. */
static const char *
own_name(void)
{
	static char name[REEVE_MEMORY_NAME_MAX + 1];

	(void)snprintf(name, sizeof(name), "test-%d.a_b", getpid());
	return name;
}

RV_TEST(a_block_has_the_size_that_was_asked_for_and_zeros)
{
	struct reeve_memory *m = NULL, *other;
	struct reeve_error err;

	CU_ASSERT_EQUAL(reeve_memory_new(&m, 0, NULL, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(
	    reeve_memory_new(&m, (uint64_t)-5, NULL, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_memory_new(NULL, 5, NULL, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_memory_new(&m, 5, NULL, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_memory_size(m), 5);
	CU_ASSERT_TRUE(reeve_memory_is_writable(m));
	CU_ASSERT_STRING_EQUAL(reeve_memory_name(m), "");
	CU_ASSERT_EQUAL(memcmp(reeve_memory_at(m), "\0\0\0\0\0", 5), 0);
	other = open_again(m);
	CU_ASSERT_EQUAL(reeve_memory_size(other), 5);
	memcpy(reeve_memory_at(m), "five!", 5);
	CU_ASSERT_EQUAL(memcmp(reeve_memory_at(other), "five!", 5), 0);
	reeve_memory_free(m);
	/* the memory is there as long as one has it */
	CU_ASSERT_EQUAL(memcmp(reeve_memory_at(other), "five!", 5), 0);
	reeve_memory_free(other);
	reeve_memory_free(NULL);
}

struct share {
	struct reeve_handle handle;
	const char *name;
};

static int
write_both_ways(void *ctx)
{
	const struct share *share = ctx;
	struct reeve_memory *m = NULL, *named = NULL;

	if (reeve_memory_open(&m, &share->handle, NULL) != REEVE_OK ||
	    reeve_memory_find(&named, share->name, NULL) != REEVE_OK) {
		return 1;
	}
	memcpy(reeve_memory_at(m), "hello", 5);
	memcpy((char *)reeve_memory_at(named) + 5, "again", 5);
	reeve_memory_free(named);
	reeve_memory_free(m);
	return 0;
}

RV_TEST(a_child_writes_by_handle_and_by_name_and_takes_nothing_away)
{
	struct reeve_memory *m = new_block(10, own_name()), *other = NULL;
	struct share share = { .name = own_name() };
	struct reeve_error err;

	CU_ASSERT_EQUAL(reeve_memory_handle(m, &share.handle, &err), REEVE_OK);
	CU_ASSERT_EQUAL(crew_end(crew_start(write_both_ways, &share)), 0);
	CU_ASSERT_EQUAL(memcmp(reeve_memory_at(m), "helloagain", 10), 0);
	/* it ended, and the name is still the owner's */
	CU_ASSERT_EQUAL(reeve_memory_find(&other, own_name(), &err), REEVE_OK);
	CU_ASSERT_STRING_EQUAL(reeve_memory_name(other), own_name());
	reeve_memory_free(other);
	reeve_handle_close(&share.handle);
	reeve_memory_free(m);
}

RV_TEST(a_name_is_used_once_and_gone_with_its_block)
{
	struct reeve_memory_options options = { .size = sizeof(options),
		.name = own_name() };
	struct reeve_memory *m = new_block(8, own_name()), *other = NULL;
	struct reeve_error err;

	CU_ASSERT_EQUAL(
	    reeve_memory_new(&other, 8, &options, &err), REEVE_EEXIST);
	CU_ASSERT_EQUAL(reeve_memory_unlink(own_name(), &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_memory_unlink(own_name(), &err), REEVE_ENOENT);
	CU_ASSERT_EQUAL(
	    reeve_memory_find(&other, own_name(), &err), REEVE_ENOENT);
	/* handed over after that, it is the same memory */
	other = open_again(m);
	reeve_memory_free(other);
	other = new_block(9, own_name());
	/* the first one's end does not take the second one's name */
	reeve_memory_free(m);
	m = NULL;
	CU_ASSERT_EQUAL(reeve_memory_find(&m, own_name(), &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_memory_size(m), 9);
	reeve_memory_free(m);
	reeve_memory_free(other);
	CU_ASSERT_EQUAL(reeve_memory_find(&m, own_name(), &err), REEVE_ENOENT);
}

static int
name_and_die(void *ctx)
{
	struct reeve_memory *m = new_block(8, ctx);

	(void)m;
	return (int)kill(getpid(), SIGKILL);
}

RV_TEST(the_name_of_a_killed_owner_leads_nowhere_and_is_free)
{
	struct reeve_memory *m = NULL;
	struct reeve_error err;
	char name[64];

	(void)snprintf(name, sizeof(name), "%s", own_name());
	CU_ASSERT_EQUAL(crew_end(crew_start(name_and_die, name)), -SIGKILL);
	CU_ASSERT_EQUAL(reeve_memory_find(&m, name, &err), REEVE_ENOENT);
	CU_ASSERT_EQUAL(crew_end(crew_start(name_and_die, name)), -SIGKILL);
	m = new_block(8, name);
	reeve_memory_free(m);
}

RV_TEST(bad_names_are_refused)
{
	static const char *const bad[] = { "", ".", ".x", "a/b", "a b", "a\n",
		"0123456789012345678901234567890123456789"
		"012345678901234567890123" };
	struct reeve_memory *m = NULL;
	struct reeve_error err;

	for (size_t i = 0; i < RV_ARRAY_LEN(bad); i++) {
		struct reeve_memory_options options = { .size = sizeof(options),
			.name = bad[i] };

		CU_ASSERT_EQUAL(
		    reeve_memory_new(&m, 8, &options, &err), REEVE_EINVALID);
		CU_ASSERT_EQUAL(
		    reeve_memory_find(&m, bad[i], &err), REEVE_EINVALID);
		CU_ASSERT_EQUAL(
		    reeve_memory_unlink(bad[i], &err), REEVE_EINVALID);
	}
	CU_ASSERT_EQUAL(reeve_memory_find(&m, NULL, &err), REEVE_EINVALID);
	CU_ASSERT_PTR_NULL(m);
}

/* By the descriptor that it was given, root or not: all ways to write. */
static void
try_to_write(const struct reeve_handle *handle)
{
	char path[64];
	int fd;

	CU_ASSERT_EQUAL(pwrite(handle->fds[0], "x", 1, 4096), -1);
	CU_ASSERT_PTR_EQUAL(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
				handle->fds[0], 0),
	    MAP_FAILED);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", handle->fds[0]);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		CU_ASSERT_EQUAL(pwrite(fd, "x", 1, 4096), -1);
		CU_ASSERT_PTR_EQUAL(
		    mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0),
		    MAP_FAILED);
		(void)close(fd);
	}
}

RV_TEST(who_comes_after_writing_was_barred_reads_only)
{
	struct reeve_memory *m = new_block(8, NULL), *reader;
	struct reeve_handle handle;
	struct reeve_error err;

	CU_ASSERT_EQUAL(reeve_memory_bar_writing(m, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_memory_bar_writing(m, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_memory_bar_writing(NULL, &err), REEVE_EINVALID);
	reader = open_again(m);
	CU_ASSERT_TRUE(reeve_memory_is_writable(m));
	CU_ASSERT_FALSE(reeve_memory_is_writable(reader));
	memcpy(reeve_memory_at(m), "written", 8);
	CU_ASSERT_STRING_EQUAL(reeve_memory_at(reader), "written");
	CU_ASSERT_EQUAL(mprotect((char *)reeve_memory_at(reader), 4096,
			    PROT_READ | PROT_WRITE),
	    -1);
	CU_ASSERT_EQUAL(reeve_memory_handle(m, &handle, &err), REEVE_OK);
	try_to_write(&handle);
	CU_ASSERT_STRING_EQUAL(reeve_memory_at(m), "written");
	reeve_handle_close(&handle);
	reeve_memory_free(reader);
	reeve_memory_free(m);
}

RV_TEST(nobody_can_change_the_size_of_a_block)
{
	struct reeve_memory *m = new_block(8, NULL);
	struct reeve_handle handle;
	struct reeve_error err;

	CU_ASSERT_EQUAL(reeve_memory_handle(m, &handle, &err), REEVE_OK);
	CU_ASSERT_EQUAL(ftruncate(handle.fds[0], 0), -1);
	CU_ASSERT_EQUAL(ftruncate(handle.fds[0], 1 << 20), -1);
	reeve_handle_close(&handle);
	reeve_memory_free(m);
}

static enum reeve_status
open_fd(int fd, enum reeve_share_kind kind)
{
	struct reeve_handle handle = { kind, 1, { fd } };
	struct reeve_memory *m = NULL;
	enum reeve_status status = reeve_memory_open(&m, &handle, NULL);

	CU_ASSERT_PTR_NULL(m);
	return status;
}

RV_TEST(what_is_no_block_is_refused)
{
	struct reeve_memory *m = new_block(8, NULL);
	struct reeve_handle handle;
	struct reeve_error err;
	int fd = rv_sys_memfd("garbage"), null = open("/dev/null", O_RDONLY);
	uint64_t wrong = 7;

	CU_ASSERT_EQUAL(open_fd(fd, REEVE_SHARE_DESCRIPTOR), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_memory_open(&m, NULL, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(open_fd(-1, REEVE_SHARE_MEMORY), REEVE_ESYS);
	CU_ASSERT_EQUAL(open_fd(null, REEVE_SHARE_MEMORY), REEVE_EDAMAGED);
	CU_ASSERT_EQUAL(open_fd(fd, REEVE_SHARE_MEMORY), REEVE_EDAMAGED);
	CU_ASSERT_EQUAL(ftruncate(fd, 8192), 0);
	CU_ASSERT_EQUAL(open_fd(fd, REEVE_SHARE_MEMORY), REEVE_EDAMAGED);
	CU_ASSERT_EQUAL(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	CU_ASSERT_EQUAL(open_fd(fd, REEVE_SHARE_MEMORY), REEVE_EDAMAGED);
	(void)close(fd);
	/* a block whose head was overwritten by one who may write */
	CU_ASSERT_EQUAL(reeve_memory_handle(m, &handle, &err), REEVE_OK);
	CU_ASSERT_EQUAL(
	    pwrite(handle.fds[0], &wrong, sizeof(wrong), 16), sizeof(wrong));
	CU_ASSERT_EQUAL(
	    open_fd(handle.fds[0], REEVE_SHARE_MEMORY), REEVE_EDAMAGED);
	reeve_handle_close(&handle);
	(void)close(null);
	reeve_memory_free(m);
}

RV_TEST(each_failure_of_the_system_is_said_and_leaves_nothing)
{
	static const char *const plans[] = { "memfd_create=EMFILE",
		"alloc=ENOMEM", "mmap=ENOMEM", "write=ENOSPC",
		"fallocate=ENOSPC" };
	struct reeve_memory_options options = { .size = sizeof(options),
		.reserve = true };
	struct reeve_memory *m = NULL;
	struct reeve_error err;

	for (size_t i = 0; i < RV_ARRAY_LEN(plans); i++) {
		enum reeve_status status;

		CU_ASSERT_TRUE(rv_fault_set(plans[i]));
		status = reeve_memory_new(&m, 8, &options, &err);
		CU_ASSERT_TRUE(status == REEVE_ESYS || status == REEVE_ENOMEM);
		CU_ASSERT_PTR_NULL(m);
	}
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	CU_ASSERT_EQUAL(reeve_memory_new(&m, 8, &options, &err), REEVE_OK);
	reeve_memory_free(m);
	m = NULL;
	/* more than there is: said before the machine has none left */
	CU_ASSERT_EQUAL(reeve_memory_new(&m, (uint64_t)1 << 60, &options, &err),
	    REEVE_ENOMEM);
	CU_ASSERT_PTR_NULL(m);
}

RV_SUITE(memory, RV_CASE(a_block_has_the_size_that_was_asked_for_and_zeros),
    RV_CASE(a_child_writes_by_handle_and_by_name_and_takes_nothing_away),
    RV_CASE(a_name_is_used_once_and_gone_with_its_block),
    RV_CASE(the_name_of_a_killed_owner_leads_nowhere_and_is_free),
    RV_CASE(bad_names_are_refused),
    RV_CASE(who_comes_after_writing_was_barred_reads_only),
    RV_CASE(nobody_can_change_the_size_of_a_block),
    RV_CASE(what_is_no_block_is_refused),
    RV_CASE(each_failure_of_the_system_is_said_and_leaves_nothing))
