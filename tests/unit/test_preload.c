/* SPDX-License-Identifier: MIT */
/*
 * libreeve-crash.so before programs that link nothing of ours: their crashes
 * are told, and they do not notice it otherwise.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/harness.h"
#include "unit/agent_rig.h"

static struct agent_rig rig;
static const char *word;    /* for the program */
static const char *preload; /* what is before it; NULL: only ours */
static int output[2];

static const char *
library(void)
{
	static char path[4096];
	char *real;

	snprintf(
	    path, sizeof(path), "%s/libreeve-crash.so", rv_test_builddir());
	real = realpath(path, NULL);
	snprintf(path, sizeof(path), "%s", real != NULL ? real : "");
	free(real);
	return path;
}

static void
prepare(void)
{
	setenv("LD_PRELOAD", preload != NULL ? preload : library(), 1);
	/* There the agent is before the sanitizer, and shall be. */
	setenv("ASAN_OPTIONS",
	    "verify_asan_link_order=0:handle_segv=0:handle_abort=0:"
	    "use_sigaltstack=0:detect_leaks=0",
	    1);
	dup2(output[1], 1);
}

static int
execute(void)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/tests/fixtures/children/crasher",
	    rv_test_builddir());
	prepare();
	execl(path, "crasher", word, (char *)NULL);
	return 90;
}

static int
execute_without_runtime(void)
{
	unsetenv("REEVE_LIFE");
	return execute();
}

static void
begin(const char *with)
{
	word = with;
	preload = NULL;
	agent_rig_open(&rig, false);
	CU_ASSERT_FATAL(pipe2(output, O_CLOEXEC) == 0);
}

static void
end(void)
{
	agent_rig_close(&rig);
	close(output[0]);
	close(output[1]);
}

static bool
is_program(uint64_t address)
{
	static const char name[] = "/crasher";
	const char *path;
	size_t len, n = sizeof(name) - 1;
	uint64_t offset;

	return rv_page_resolve(&rig.trouble, address, &path, &len, &offset) &&
	       len > n && memcmp(path + len - n, name, n) == 0;
}

RV_TEST(programs_that_know_nothing_of_us_leave_a_report)
{
	static const struct {
		const char *word;
		int signo;
		bool frame_0; /* is the program's */
	} cases[] = {
		{ "null", SIGSEGV, true },
		{ "abort", SIGABRT, false },
		{ "overflow", SIGSEGV, true },
		{ "thread_null", SIGSEGV, true },
		{ "thread_overflow", SIGSEGV, true },
		{ "close_all", SIGSEGV, true },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(cases); i++) {
		begin(cases[i].word);
		CU_ASSERT_TRUE(agent_rig_trouble(&rig, execute));
		CU_ASSERT_EQUAL(agent_rig_signal(&rig), cases[i].signo);
		CU_ASSERT_EQUAL(rig.trouble.signo, cases[i].signo);
		CU_ASSERT_EQUAL(rig.trouble.state, RV_TROUBLE_DONE);
		CU_ASSERT_EQUAL(rig.trouble.kind, RV_TROUBLE_CRASHED);
		CU_ASSERT(rig.trouble.threads[0].n_frames > 1);
		CU_ASSERT(!cases[i].frame_0 ||
			  is_program(rig.trouble.threads[0].frames[0]));
		CU_ASSERT_TRUE(agent_rig_is_silent(&rig));
		end();
	}
}

/* The page of what was executed is the second. */
static bool
crashes_after_exec(int (*how)(void))
{
	bool came;

	agent_rig_child(&rig, how);
	CU_ASSERT_TRUE(agent_rig_page(&rig));
	munmap(rig.map, RV_PAGE_BYTES);
	came = agent_rig_page(&rig);
	CU_ASSERT_TRUE(came);
	agent_rig_end(&rig);
	CU_ASSERT_EQUAL(agent_rig_signal(&rig), SIGSEGV);
	return came && rv_page_trouble(rig.map, &rig.trouble) &&
	       rig.trouble.signo == SIGSEGV &&
	       is_program(rig.trouble.threads[0].frames[0]);
}

RV_TEST(what_a_program_executes_in_its_own_place_leaves_a_report)
{
	static const char *const words[] = { "execve", "execv", "execvp",
		"execvpe", "fexecve", "execveat", "execl", "execlp", "execle" };

	for (size_t i = 0; i < RV_ARRAY_LEN(words); i++) {
		begin(words[i]);
		CU_ASSERT_TRUE(crashes_after_exec(execute));
		CU_ASSERT_TRUE(agent_rig_is_silent(&rig));
		end();
	}
}

static int
execute_shell(void)
{
	char command[4200];

	snprintf(command, sizeof(command),
	    "exec %s/tests/fixtures/children/crasher null", rv_test_builddir());
	prepare();
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	return 90;
}

RV_TEST(what_a_shell_executes_in_its_own_place_leaves_a_report)
{
	begin(NULL);
	CU_ASSERT_TRUE(crashes_after_exec(execute_shell));
	end();
}

RV_TEST(one_that_is_not_told_of_the_runtime_leaves_none)
{
	begin("exec_bare");
	CU_ASSERT_FALSE(agent_rig_trouble(&rig, execute));
	CU_ASSERT_EQUAL(agent_rig_signal(&rig), SIGSEGV);
	CU_ASSERT_TRUE(agent_rig_is_silent(&rig));
	end();
}

RV_TEST(programs_are_not_disturbed_otherwise)
{
	static const struct {
		const char *word;
		int code;
	} cases[] = { { "threads", 0 }, { "own_handler", 44 },
		{ "child_crashes", 0 } };

	for (size_t i = 0; i < RV_ARRAY_LEN(cases); i++) {
		begin(cases[i].word);
		CU_ASSERT_FALSE(agent_rig_trouble(&rig, execute));
		CU_ASSERT_EQUAL(agent_rig_code(&rig), cases[i].code);
		end();
	}
}

static void
check_said(
    const char *with, const char *list, const char *wanted, int (*how)(void))
{
	char text[16384] = "";
	ssize_t n;

	begin(with);
	preload = list;
	agent_rig_child(&rig, how);
	agent_rig_end(&rig);
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 0);
	n = read(output[0], text, sizeof(text) - 1);
	text[n > 0 ? n - 1 : 0] = '\0';
	CU_ASSERT_STRING_EQUAL(text, wanted);
	end();
}

static void
check_left(const char *list, const char *wanted, int (*how)(void))
{
	check_said("say_preload", list, wanted, how);
}

RV_TEST(what_a_program_starts_otherwise_is_left_alone)
{
	check_said("child_execs", NULL, "none", execute);
	check_said("exec_fails", NULL, "none", execute);
}

RV_TEST(it_takes_itself_out_of_the_environment)
{
	const char *ours = library();
	char list[12000];

	check_left(ours, "none", execute);
	snprintf(list, sizeof(list), "libm.so.6:%s", ours);
	check_left(list, "libm.so.6", execute);
	snprintf(list, sizeof(list), "%s libm.so.6", ours);
	check_left(list, "libm.so.6", execute);
	snprintf(list, sizeof(list), ":libm.so.6: %s :libdl.so.2:", ours);
	check_left(list, "libm.so.6:libdl.so.2", execute);
}

RV_TEST(where_no_runtime_is_it_does_nothing)
{
	check_left(library(), library(), execute_without_runtime);
	begin("null");
	agent_rig_child(&rig, execute_without_runtime);
	agent_rig_end(&rig);
	CU_ASSERT_EQUAL(agent_rig_signal(&rig), SIGSEGV);
	CU_ASSERT_TRUE(agent_rig_is_silent(&rig));
	end();
}

RV_SUITE(preload, RV_CASE(programs_that_know_nothing_of_us_leave_a_report),
    RV_CASE(what_a_program_executes_in_its_own_place_leaves_a_report),
    RV_CASE(what_a_shell_executes_in_its_own_place_leaves_a_report),
    RV_CASE(one_that_is_not_told_of_the_runtime_leaves_none),
    RV_CASE(programs_are_not_disturbed_otherwise),
    RV_CASE(what_a_program_starts_otherwise_is_left_alone),
    RV_CASE(it_takes_itself_out_of_the_environment),
    RV_CASE(where_no_runtime_is_it_does_nothing))
