/* SPDX-License-Identifier: MIT */
/*
 * Every public function by which processes talk, with arguments that cannot
 * be: it says so, in words where it has a place for them, and does nothing.
 * The rows are in misuse_talking.def, and are compared with the headers.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/bell.h>
#include <reeve/blocks.h>
#include <reeve/listener.h>
#include <reeve/memory.h>
#include <reeve/net.h>
#include <reeve/process.h>
#include <reeve/queue.h>
#include <reeve/wait.h>

#include "lib/harness.h"

/* What they are called with; the good ones work. */
static struct reeve_bell *bell, *good_bell;
static struct reeve_blocks *blocks;
static struct reeve_conn *conn, *good_conn, *other_conn;
static struct reeve_listener *listener, *good_listener;
static struct reeve_memory *memory, *good_memory;
static struct reeve_queue *queue, *good_queue;
static struct reeve_context *context, *good_context;
static struct reeve_process *p, *good_process;

static struct reeve_error err;
static struct reeve_handle handle; /* of nothing */
static struct reeve_parcel parcel;
static struct reeve_item queue_item;
static struct reeve_queue_state state;
static struct reeve_list_item item = { .kind = REEVE_LIST_INT };
static struct reeve_lock lock;
static struct reeve_place place;
static struct reeve_semaphore_options semaphore_options = { .size = 4 };
static struct reeve_barrier_options barrier_options = { .size = 4 };
static struct reeve_process_options what = { .size = sizeof(what) };
static struct reeve_process_status status = { .size = 4 };
static struct reeve_self self = { .size = 4 };
static struct reeve_wait_item wait_item = { .fd = -1, .wanted = 1 };
static struct reeve_call call;
#if HAVE_OPENSSL
static struct reeve_guard *guard;
static struct reeve_key_options key = { .size = 4 };
static struct reeve_tls_options tls = { .size = 4 };
#endif
static _Alignas(64) char room[4096];
static void *const zeros = room; /* something that nobody initialised */
static char bytes[8];
static struct iovec part = { bytes, 8 };
static void *at;
static size_t length;
static uint64_t offset;
static uint32_t where;
static int fd, null_fd;
static pid_t pid;
static uid_t uid;
static gid_t gid;

static bool
always(void *ctx)
{
	(void)ctx;
	return true;
}

/* The error says it in one line, of some words. */
static bool
is_refused(enum reeve_status got)
{
	size_t n = strlen(err.text);
	bool good = got == REEVE_EINVALID && err.status == got && n > 10 &&
		    n < sizeof(err.text) - 1 && strchr(err.text, '\n') == NULL;

	if (!good) {
		printf("# %s, \"%s\"\n", reeve_status_name(got), err.text);
	}
	return good;
}
#define REFUSED(call) (memset(&err, 0, sizeof(err)), is_refused(call))

#define X(name, is_so)        \
	static bool ROW(void) \
	{                     \
		return is_so; \
	}
/* A function for each row, by the line it is in. */
#define ROW               ROW_(__LINE__)
#define ROW_(line)        ROW__(line)
#define ROW__(line)       row_##line
#define HERE(name, is_so) X(name, is_so)
#include "host/misuse_talking.def"
#undef X
#undef HERE

struct row {
	const char *function, *text;
	bool (*is_so)(void);
	bool here;
};
static const struct row rows[] = {
#define X(name, is_so)    { #name, #is_so, ROW, false },
#define HERE(name, is_so) { #name, #is_so, ROW, true },
#include "host/misuse_talking.def"
#undef X
#undef HERE
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static void
open_good_ones(void)
{
	static const char *const argv[] = { "true", NULL };
	struct reeve_context_options how = { .size = sizeof(how),
		.libexec_dir = rv_test_builddir() };
	struct reeve_process_options some = { .size = sizeof(some),
		.argv = argv };

	null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CU_ASSERT_EQUAL_FATAL(reeve_bell_new(&good_bell, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_pipe(&good_conn, &other_conn, true, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_conn_listen(&good_listener, "tcp:127.0.0.1:0", NULL, &err),
	    REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_memory_new(&good_memory, 1, NULL, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_queue_new(&good_queue, NULL, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_context_new(&good_context, &how, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_process_new(&good_process, good_context, &some, &err),
	    REEVE_OK);
}

static void
close_good_ones(void)
{
	CU_ASSERT_EQUAL(
	    reeve_process_free(good_process, false, &err), REEVE_OK);
	reeve_context_free(good_context);
	reeve_queue_free(good_queue);
	reeve_memory_free(good_memory);
	reeve_listener_free(good_listener);
	reeve_conn_free(good_conn);
	reeve_conn_free(other_conn);
	reeve_bell_free(good_bell);
	close(null_fd);
}

/* In a process that may die of it. */
static bool
holds(const struct row *row)
{
	pid_t child;
	int how = -1;

	if (row->here) {
		return row->is_so();
	}
	(void)fflush(stdout);
	child = fork();
	if (child == 0) {
		bool good = row->is_so();

		(void)fflush(stdout);
		_exit(good ? 0 : 1);
	}
	if (waitpid(child, &how, 0) != child || WIFSIGNALED(how)) {
		printf("# a crash, of signal %d:\n", WTERMSIG(how));
	}
	return how == 0;
}

RV_TEST(what_cannot_be_is_refused_wherever_processes_talk)
{
	open_good_ones();
	for (size_t i = 0; i < N_ROWS; i++) {
		bool good = holds(&rows[i]);

		if (!good) {
			printf("# not so: %s\n", rows[i].text);
		}
		CU_ASSERT_TRUE(good);
	}
	/* What works has come to no harm. */
	CU_ASSERT_EQUAL(reeve_process_start(good_process, &err), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_process_join(good_process, REEVE_FOREVER, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_conn_send(good_conn, "x", 1, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_put(good_queue, "x", 1, 0, 0), REEVE_OK);
	close_good_ones();
}

/* -------- completeness -------- */

static bool
has_row(const char *name, size_t n)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		if (strlen(rows[i].function) == n &&
		    strncmp(rows[i].function, name, n) == 0) {
			return true;
		}
	}
	return false;
}

/* Names between REEVE_PUBLIC and the parenthesis that have no row. */
static unsigned
without_row(const char *header)
{
	static char text[65536];
	char path[1024];
	unsigned missing = 0, seen = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/runtime/include/reeve/%s",
	    rv_test_srcdir(), header);
	file = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	for (const char *next = text;
	     (next = strstr(next, "\nREEVE_PUBLIC ")) != NULL; seen++) {
		const char *end = strchr(++next, '('), *name = end;

		while (name > next && name[-1] != ' ' && name[-1] != '*') {
			name--;
		}
		if (!has_row(name, (size_t)(end - name))) {
			printf("# %s: %.*s\n", header, (int)(end - name), name);
			missing++;
		}
	}
	CU_ASSERT(seen > 0);
	return missing;
}

RV_TEST(every_function_of_these_headers_has_a_row)
{
	static const char *const headers[] = {
		"bell.h",
		"blocks.h",
		"conn.h",
		"listener.h",
		"lock.h",
		"memory.h",
#if HAVE_OPENSSL
		"net.h",
#endif
		"process.h",
		"queue.h",
		"self.h",
		"wait.h"
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		CU_ASSERT_EQUAL(without_row(headers[i]), 0);
	}
}

RV_SUITE(talking_misuse,
    RV_CASE(what_cannot_be_is_refused_wherever_processes_talk),
    RV_CASE(every_function_of_these_headers_has_a_row))
