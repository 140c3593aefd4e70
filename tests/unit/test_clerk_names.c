/* SPDX-License-Identifier: MIT */
/*
 * Names of functions come to exceptions that are recorded already, and whatever
 * happens to the process that looks for them happens to nobody else.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/harness.h"
#include "sys/sys.h"
#include "unit/clerk_rig.h"

static struct crig rig;
static char self[512];

/* A place to be found again: offset in our own executable. */
static int __attribute__((noinline)) known_function(int n)
{
	return n * 3 + (int)getpid();
}

static uint64_t
offset_of_known(void)
{
	uint64_t at = (uint64_t)(uintptr_t)known_function, from, to, offset;
	FILE *f = fopen("/proc/self/maps", "r");
	char line[1024];

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		unsigned long a, b, c;

		if (sscanf(line, "%lx-%lx %*s %lx", &a, &b, &c) != 3) {
			continue;
		}
		from = a;
		to = b;
		offset = c;
		if (at >= from && at < to) {
			fclose(f);
			return at - from + offset;
		}
	}
	fclose(f);
	CU_FAIL_FATAL("we are not in our own maps");
	return 0;
}

static void
tell_at(const char *path, const char *build_ids)
{
	struct rv_fields fields = { 0 };
	char stacks[2048];

	snprintf(stacks, sizeof(stacks),
	    "{\"modules\":[\"%s\"]%s,\"threads\":[{\"tid\":1,\"exact\":true,"
	    "\"frames\":[[0,%llu],[-1,64]]}]}",
	    path, build_ids, (unsigned long long)offset_of_known());
	rv_fields_str(&fields, RV_KEY_TYPE, "SIGSEGV");
	rv_fields_json(&fields, RV_KEY_BACKTRACE, stacks);
	crig_record(&rig, RV_KIND_WORKER_EXCEPTION, "web", 1, &fields);
}

static bool
all_are_done(struct crig *r)
{
	return crig_number(r, "SELECT COUNT(*) FROM unnamed") == 0;
}

static const char *
newest(void)
{
	return crig_text(
	    &rig, "SELECT backtrace FROM exceptions ORDER BY id DESC LIMIT 1");
}

static void
expect(const char *what)
{
	const char *text;

	crig_sync(&rig);
	CU_ASSERT(crig_wait(&rig, all_are_done));
	text = newest();
	if (strstr(text, what) == NULL) {
		printf("# not in it: %s\n# %s\n", what, text);
		CU_FAIL("not as expected");
	}
}

static void
init_in(const char *name)
{
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	CU_ASSERT_FATAL(n > 0 && known_function(1) != 0);
	self[n] = '\0';
	crig_init_in(&rig, name);
}

static void
init(void)
{
	init_in(NULL);
}

#ifdef RV_LIBDW
#define FOUND "#0 known_function (" /* and the place */
#else
#define FOUND "(no names: this reeve was built without libdw)"
#endif

RV_TEST(names_come_to_what_is_recorded)
{
	init();
	crig_open(&rig, NULL);
	tell_at(self, "");
	expect(FOUND);
	expect("#1 0x40\n");
#ifdef RV_LIBDW
	expect("test_clerk_names.c:");
#endif
	CU_ASSERT_PTR_NOT_NULL(strstr(newest(), "test_clerk_names+0x"));
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT COUNT(*) FROM exceptions"), 1);
	crig_finish(&rig);
}

RV_TEST(what_cannot_be_read_is_said_in_the_line)
{
	char copy[300];

	init();
	crig_open(&rig, NULL);
	tell_at("/nonexistent/prog", "");
	expect("/nonexistent/prog+0x");
	expect(" (cannot be opened)\n");
	tell_at("/srv/app (deleted)", "");
	expect("#0 /srv/app+0x");
	expect(" (removed since it began)\n");
	tell_at("/dev/zero", "");
	expect(" (cannot be opened)\n");
	tell_at("[vdso]", "");
	expect("#0 [vdso]+0x");
	snprintf(copy, sizeof(copy), "%s/x", rig.dir);
	CU_ASSERT(mkfifo(copy, 0600) == 0);
	tell_at(copy, "");
	expect(" (cannot be opened)\n");
	tell_at(self, ",\"build_ids\":[\"00ff\"]");
	expect(" (another build than the one that ran)\n");
	crig_finish(&rig);
}

RV_TEST(a_file_that_changed_is_doubted)
{
	init();
	crig_open(&rig, NULL);
	crig_started(&rig, 1, "web", getpid());
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM lives"), 1);
	/* That life began long before this program was made. */
	crig_text(&rig, "UPDATE lives SET started_at = 1");
	tell_at(self, "");
	expect(" (changed since it began)\n");
	crig_finish(&rig);
}

RV_TEST(a_clerk_that_is_killed_leaves_the_names_to_the_next)
{
	enum { N = 25 };

	init();
	crig_open(&rig, NULL);
	for (unsigned i = 1; i <= N; i++) {
		unsigned lost = rig.n_lost;

		tell_at(self, "");
		crig_sync(&rig);
		/* Before, while and after names are looked for. */
		poll(NULL, 0, (int)i * 3 % 50);
		kill(rv_clerk_pid(rig.link), SIGKILL);
		while (rig.n_lost == lost) {
			crig_turn(&rig);
		}
	}
	expect(FOUND);
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT COUNT(*) FROM exceptions"), N);
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT COUNT(*) FROM exceptions"
			      " WHERE instr(backtrace, '" FOUND "') > 0"),
	    N);
	crig_finish(&rig);
}

RV_TEST(names_are_looked_for_before_the_end)
{
	init();
	crig_open(&rig, NULL);
	tell_at(self, "");
	crig_stopped(&rig);
	CU_ASSERT_EQUAL(crig_end(&rig), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(newest(), FOUND));
	crig_finish(&rig);
}

/* -------- a helper that misbehaves -------- */

static void
copy_file(const char *from, const char *to)
{
	size_t len;
	char *data = crig_slurp(from, &len);
	int fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);

	CU_ASSERT_PTR_NOT_NULL_FATAL(data);
	CU_ASSERT_FATAL(fd != -1);
	CU_ASSERT_FATAL(write(fd, data, len) == (ssize_t)len);
	close(fd);
	free(data);
}

/* A clerk beside which there is this script, or nothing. */
static void
begin_beside(const char *name, const char *script)
{
	char path[256];
	FILE *f;

	init_in(name);
	snprintf(path, sizeof(path), "%s/reeve-clerk", rig.dir);
	copy_file(rig.program, path);
	snprintf(rig.program, sizeof(rig.program), "%s", path);
	if (script != NULL) {
		snprintf(path, sizeof(path), "%s/reeve-symbols", rig.dir);
		f = fopen(path, "w");
		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		fprintf(f, "#!/bin/sh\n%s\n", script);
		fclose(f);
		CU_ASSERT(chmod(path, 0700) == 0);
	}
	crig_open(&rig, NULL);
	tell_at(self, "");
}

RV_TEST(a_helper_that_fails_leaves_what_was_there)
{
	static const struct {
		const char *script, *said;
	} helpers[] = {
		{ NULL, "/reeve-symbols: No such file or directory)" },
		{ "exit 1", "(no names: reading the files went wrong)" },
		{ "echo half >&4; kill -SEGV $$",
		    "(no names: reading the files went wrong)" },
		{ "yes >&4", "(no names: they were more than" },
		{ "exec 4>&-; kill -STOP $$",
		    "(no names: reading the files went wrong)" },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(helpers); i++) {
		char name[8];

		snprintf(name, sizeof(name), "%zu", i);
		begin_beside(name, helpers[i].script);
		expect(helpers[i].said);
		expect("test_clerk_names+0x");
		crig_finish(&rig);
	}
}

RV_TEST(what_a_helper_says_is_made_a_text)
{
	begin_beside(NULL, "printf 'a\\377b\\000c\\n\\000' >&4");
	expect("a\xef\xbf\xbd"
	       "b\xef\xbf\xbd"
	       "c\n");
	crig_finish(&rig);
}

/* Who waits for a helper that hangs does so for 15 s. */
#define HELD_UP (14 * RV_SEC)

RV_TEST(a_helper_that_hangs_holds_up_nothing)
{
	rv_time began = rv_sys_now();

	begin_beside(NULL, "kill -STOP $$");
	for (unsigned i = 0; i < 100; i++) {
		crig_note(&rig, "w");
		crig_sync(&rig);
	}
	CU_ASSERT(rv_sys_now() - began < HELD_UP);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events"), 101);
	expect("(no names: it took too long to read them)");
	/* At the end it is not waited for so long. */
	tell_at(self, "");
	crig_stopped(&rig);
	began = rv_sys_now();
	CU_ASSERT_EQUAL(crig_end(&rig), 0);
	CU_ASSERT(rv_sys_now() - began < HELD_UP);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM unnamed"), 1);
	crig_finish(&rig);
}

RV_SUITE(clerk_names, RV_CASE(names_come_to_what_is_recorded),
    RV_CASE(what_cannot_be_read_is_said_in_the_line),
    RV_CASE(a_file_that_changed_is_doubted),
    RV_CASE(a_clerk_that_is_killed_leaves_the_names_to_the_next),
    RV_CASE(names_are_looked_for_before_the_end),
    RV_CASE(a_helper_that_fails_leaves_what_was_there),
    RV_CASE(what_a_helper_says_is_made_a_text),
    RV_CASE(a_helper_that_hangs_holds_up_nothing))
