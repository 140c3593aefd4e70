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
#include <sys/resource.h>
#include <unistd.h>

#include <reeve/memory.h>

#include "base/fault.h"
#include "sys/sys.h"
#include "unit/crew_rig.h"

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

/* The block that was given; by its handle. */
static struct reeve_memory *
open_given(void)
{
	struct reeve_handle handle = crew_given("block");
	struct reeve_memory *m = NULL;

	CREW_EXPECT(reeve_memory_open(&m, &handle, NULL) == REEVE_OK);
	reeve_handle_close(&handle);
	return m;
}

static void
give_block(const struct reeve_memory *m)
{
	struct reeve_handle handle;

	CU_ASSERT_EQUAL_FATAL(reeve_memory_handle(m, &handle, NULL), REEVE_OK);
	crew_give("block", handle);
}

static int
look_at_its_size(void *ctx)
{
	struct reeve_memory *m = open_given();

	(void)ctx;
	CREW_EXPECT(reeve_memory_size(m) == 5);
	CREW_EXPECT(reeve_memory_is_writable(m));
	CREW_EXPECT(memcmp(reeve_memory_at(m), "five!", 5) == 0);
	reeve_memory_free(m);
	return 0;
}

/* Nobody says a size who opens it, so none can be wrong. */
CREW_SCENARIO(scenario_67_a_block_has_its_size_wherever_it_is_opened)
{
	struct reeve_memory *m = new_block(5, NULL);

	memcpy(reeve_memory_at(m), "five!", 5);
	give_block(m);
	CU_ASSERT_EQUAL(crew_end(crew_start(look_at_its_size, NULL)), 0);
	reeve_memory_free(m);
}

/* What members are to find it by, and how they are to end. */
struct named {
	char name[REEVE_MEMORY_NAME_MAX + 1];
	int signo;
};

static struct named *
share_name(void)
{
	struct named *named = crew_share(sizeof(*named));

	(void)snprintf(named->name, sizeof(named->name), "%s", own_name());
	return named;
}

static int
write_both_ways(void *ctx)
{
	struct reeve_memory *m = open_given(), *by_name = NULL;
	const char *name = ((struct named *)ctx)->name;

	CREW_EXPECT(reeve_memory_find(&by_name, name, NULL) == REEVE_OK);
	memcpy(reeve_memory_at(m), "hello", 5);
	memcpy((char *)reeve_memory_at(by_name) + 5, "again", 5);
	reeve_memory_free(by_name);
	reeve_memory_free(m);
	return 0;
}

CREW_SCENARIO(scenario_71_73_a_child_writes_both_ways_and_takes_nothing_away)
{
	struct reeve_memory *m = new_block(10, own_name()), *other = NULL;
	struct reeve_error err;

	give_block(m);
	CU_ASSERT_EQUAL(crew_end(crew_start(write_both_ways, share_name())), 0);
	CU_ASSERT_EQUAL(memcmp(reeve_memory_at(m), "helloagain", 10), 0);
	/* it ended, and the name is still the owner's */
	CU_ASSERT_EQUAL(reeve_memory_find(&other, own_name(), &err), REEVE_OK);
	CU_ASSERT_STRING_EQUAL(reeve_memory_name(other), own_name());
	reeve_memory_free(other);
	reeve_memory_free(m);
}

/* In a member: of one that lives, and when it is unlinked. */
static int
meet_the_name(void *ctx)
{
	const char *name = ((struct named *)ctx)->name;
	struct reeve_memory_options options = { .size = sizeof(options),
		.name = name };
	struct reeve_memory *m = NULL;

	CREW_EXPECT(reeve_memory_new(&m, 8, &options, NULL) == REEVE_EEXIST);
	CREW_EXPECT(reeve_memory_find(&m, "test-none", NULL) == REEVE_ENOENT);
	CREW_EXPECT(reeve_memory_find(&m, "a/b", NULL) == REEVE_EINVALID);
	CREW_EXPECT(reeve_memory_unlink(name, NULL) == REEVE_OK);
	CREW_EXPECT(reeve_memory_unlink(name, NULL) == REEVE_ENOENT);
	return 0;
}

CREW_SCENARIO(scenario_68_a_name_is_used_once_and_unlinked_once)
{
	struct reeve_memory *m = new_block(8, own_name()), *other = NULL;

	CU_ASSERT_EQUAL(crew_end(crew_start(meet_the_name, share_name())), 0);
	CU_ASSERT_EQUAL(
	    reeve_memory_find(&other, own_name(), NULL), REEVE_ENOENT);
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

/* Two names, of which it gives up one; the other one it has when it ends. */
static int
name_and_die(void *ctx)
{
	const struct named *named = ctx;
	struct reeve_memory_options options = { .size = sizeof(options),
		.name = named->name };
	struct reeve_memory *m = NULL, *other = NULL;
	char second[REEVE_MEMORY_NAME_MAX + 4];

	CREW_EXPECT(reeve_memory_new(&m, 8, &options, NULL) == REEVE_OK);
	(void)snprintf(second, sizeof(second), "%s.2", named->name);
	options.name = second;
	CREW_EXPECT(reeve_memory_new(&other, 8, &options, NULL) == REEVE_OK);
	CREW_EXPECT(reeve_memory_unlink(second, NULL) == REEVE_OK);
	return (int)kill(getpid(), named->signo);
}

/* Nobody tracks, and there is nothing to count: a name ends with its owner. */
CREW_SCENARIO(scenario_151_152_names_of_the_dead_lead_nowhere_and_are_free)
{
	struct named *named = share_name();
	char second[REEVE_MEMORY_NAME_MAX + 4];
	struct reeve_memory *m = NULL;
	struct reeve_error err;

	(void)snprintf(second, sizeof(second), "%s.2", named->name);
	for (int i = 0; i < 2; i++) {
		named->signo = i == 0 ? SIGTERM : SIGKILL;
		CU_ASSERT_EQUAL(
		    crew_end(crew_start(name_and_die, named)), -named->signo);
		CU_ASSERT_EQUAL(
		    reeve_memory_find(&m, named->name, &err), REEVE_ENOENT);
		CU_ASSERT_EQUAL(
		    reeve_memory_find(&m, second, &err), REEVE_ENOENT);
	}
	m = new_block(8, named->name);
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

/* Arenas, arrays and lists lie in blocks. */
RV_TEST(a_limit_on_files_is_an_error_and_no_signal)
{
	struct reeve_memory_options reserved = { .size = sizeof(reserved),
		.reserve = true };
	struct reeve_memory *m = NULL;
	struct rlimit before, low;
	struct reeve_error err = { 0 };

	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &before), 0);
	low = before;
	low.rlim_cur = 1 << 16;
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &low), 0);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(reeve_memory_new(&m, 1 << 16,
				    i == 0 ? NULL : &reserved, &err),
		    REEVE_ESYS);
		CU_ASSERT_EQUAL(err.sys_errno, EFBIG);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "RLIMIT_FSIZE"));
	}
	CU_ASSERT_EQUAL(reeve_memory_new(&m, 1 << 15, NULL, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &before), 0);
	memset(reeve_memory_at(m), 1, 1 << 15);
	reeve_memory_free(m);
}

RV_SUITE(memory, RV_CASE(a_block_has_the_size_that_was_asked_for_and_zeros),
    RV_CASE(scenario_67_a_block_has_its_size_wherever_it_is_opened),
    RV_CASE(scenario_71_73_a_child_writes_both_ways_and_takes_nothing_away),
    RV_CASE(scenario_68_a_name_is_used_once_and_unlinked_once),
    RV_CASE(a_name_is_used_once_and_gone_with_its_block),
    RV_CASE(scenario_151_152_names_of_the_dead_lead_nowhere_and_are_free),
    RV_CASE(bad_names_are_refused),
    RV_CASE(who_comes_after_writing_was_barred_reads_only),
    RV_CASE(nobody_can_change_the_size_of_a_block),
    RV_CASE(what_is_no_block_is_refused),
    RV_CASE(each_failure_of_the_system_is_said_and_leaves_nothing),
    RV_CASE(a_limit_on_files_is_an_error_and_no_signal))
