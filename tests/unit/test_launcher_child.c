/* SPDX-License-Identifier: MIT */
/* What a worker finds of itself when the launcher has started it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/harness.h"
#include "unit/launcher_rig.h"
#include "wire/launch.h"

static const char *
tell(struct rig *rig, struct rig_spec *s)
{
	static unsigned n;
	char name[32];
	const char *file;
	uint64_t life;

	snprintf(name, sizeof(name), "told%u", n++);
	file = rig_file(rig, name);
	s->argv[1] = file;
	life = rig_launch(rig, s);
	CU_ASSERT_FATAL(rig_wait(rig, rig_died, life));
	if (rig_of(rig, life)->death.stage != 0) {
		printf("# %s: %s\n",
		    rv_stage_text(rig_of(rig, life)->death.stage),
		    strerror(rig_of(rig, life)->death.sys_errno));
	}
	CU_ASSERT_EQUAL(rig_of(rig, life)->death.end.number, 0);
	CU_ASSERT(!rig_of(rig, life)->death.end.signaled);
	return file;
}

static void
expect(const char *file, const char *beginning, const char *rest)
{
	const char *found = rig_line(file, beginning);

	if (strcmp(found, rest) != 0) {
		printf(
		    "# \"%s\": \"%s\", not \"%s\"\n", beginning, found, rest);
	}
	CU_ASSERT_STRING_EQUAL(found, rest);
}

RV_TEST(only_declared_descriptors_are_open)
{
	struct rig rig;
	struct rig_spec s;
	const char *file;
	int stray = open("/dev/null", O_RDONLY); /* not close-on-exec */

	rig_open(&rig, NULL);
	rig_spec(&s, "tell", NULL);
	file = tell(&rig, &s);
	expect(file, "fd0 ", "/dev/nul");
	expect(file, "fd1 ", "/dev/nul");
	expect(file, "fd2 ", "/dev/nul");
	for (int fd = 3; fd < 40; fd++) {
		char name[16];

		snprintf(name, sizeof(name), "fd%d ", fd);
		expect(file, name, "");
	}
	rig_close(&rig);
	close(stray);
}

RV_TEST(outputs_and_the_ready_descriptor_are_where_declared)
{
	struct rig rig;
	struct rig_spec s;
	const char *file;

	rig_open(&rig, NULL);
	rig_spec(&s, "tell", NULL);
	s.program.out = (struct rv_out){ RV_OUT_FILE, "/o", 0, 0 };
	s.program.err = (struct rv_out){ RV_OUT_FILE, "/e", 0, 0 };
	s.program.ready = RV_CHANNEL_FD;
	for (int fd = 3; fd < 40; fd += 6) {
		char name[16];

		s.program.ready_fd = fd;
		snprintf(name, sizeof(name), "fd%d ", fd);
		file = tell(&rig, &s);
		CU_ASSERT(strncmp(rig_line(file, "fd1 "), "pipe:", 5) == 0);
		CU_ASSERT(strncmp(rig_line(file, "fd2 "), "pipe:", 5) == 0);
		CU_ASSERT(strncmp(rig_line(file, name), "pipe:", 5) == 0);
		expect(file, fd == 3 ? "fd4 " : "fd3 ", "");
	}
	rig_close(&rig);
}

RV_TEST(merged_and_inherited_outputs_share_one_file)
{
	struct rig rig;
	struct rig_spec s;
	const char *file;
	char out[32];

	rig_open(&rig, NULL);
	rig_spec(&s, "tell", NULL);
	s.program.out = (struct rv_out){ RV_OUT_FILE, "/o", 0, 0 };
	s.program.err = (struct rv_out){ RV_OUT_MERGED, NULL, 0, 0 };
	file = tell(&rig, &s);
	snprintf(out, sizeof(out), "%s", rig_line(file, "fd1 "));
	expect(file, "fd2 ", out);
	CU_ASSERT(strncmp(out, "pipe:", 5) == 0);
	s.program.out = (struct rv_out){ RV_OUT_INHERIT, NULL, 0, 0 };
	file = tell(&rig, &s);
	snprintf(out, sizeof(out), "%s", rig_line(file, "fd1 "));
	expect(file, "fd2 ", out);
	CU_ASSERT(out[0] != '\0');
	rig_close(&rig);
}

RV_TEST(signals_are_as_at_birth_whatever_the_host_did)
{
	struct rig rig;
	struct rig_spec s;
	const char *file;
	sigset_t all, before;

	signal(SIGUSR1, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	rig_open(&rig, NULL);
	rig_spec(&s, "tell", NULL);
	file = tell(&rig, &s);
	expect(file, "status:SigBlk:\t", "0000000000000000");
	expect(file, "status:SigIgn:\t", "0000000000000000");
	expect(file, "pdeathsig ", "0");
	rig_close(&rig);
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
}

RV_TEST(it_leads_a_session_of_its_own)
{
	struct rig rig;
	struct rig_spec s;
	const char *file;
	char pid[32];

	rig_open(&rig, NULL);
	rig_spec(&s, "tell", NULL);
	file = tell(&rig, &s);
	snprintf(pid, sizeof(pid), "%s", rig_line(file, "pid "));
	expect(file, "sid ", pid);
	expect(file, "pgid ", pid);
	rig_close(&rig);
}

/* The kernel's word: valgrind keeps some descriptors for itself. */
static void
limit_of_files(char *text, size_t size)
{
	char line[256];
	long soft = -1, hard = -1;
	FILE *file = fopen("/proc/self/limits", "r");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	while (fgets(line, sizeof(line), file) != NULL &&
	       sscanf(line, "Max open files %ld %ld", &soft, &hard) != 2) {
	}
	fclose(file);
	snprintf(text, size, "%ld %ld", soft, hard);
}

RV_TEST(limits_are_the_original_ones_or_those_declared)
{
	static const struct rv_limit limits[] = {
		{ RLIMIT_CORE, 0, 0, true, true },
		{ RLIMIT_CPU, 1000, 0, true, false },
		{ RLIMIT_FSIZE, 0, 1 << 20, false, true },
		{ RLIMIT_RSS, 1 << 22, UINT64_MAX, true, true },
	};
	struct rig rig;
	struct rig_spec s;
	const char *file;
	char text[64], name[16];

	rig_open(&rig, NULL);
	rig_spec(&s, "tell", NULL);
	file = tell(&rig, &s);
	snprintf(name, sizeof(name), "limit%d ", RLIMIT_NOFILE);
	limit_of_files(text, sizeof(text));
	expect(file, name, text);
	s.program.limits = limits;
	s.program.n_limits = 4;
	file = tell(&rig, &s);
	snprintf(name, sizeof(name), "limit%d ", RLIMIT_CORE);
	expect(file, name, "0 0");
	snprintf(name, sizeof(name), "limit%d ", RLIMIT_CPU);
	CU_ASSERT(strncmp(rig_line(file, name), "1000 ", 5) == 0);
	snprintf(name, sizeof(name), "limit%d ", RLIMIT_FSIZE);
	expect(file, name, "1048576 1048576");
	snprintf(name, sizeof(name), "limit%d ", RLIMIT_RSS);
	expect(file, name, "4194304 -1");
	rig_close(&rig);
}

/* Under valgrind nobody may change it, which must be told as any refusal. */
RV_TEST(the_limit_of_descriptors_is_set_or_its_refusal_told)
{
	static const struct rv_limit limit = { RLIMIT_NOFILE, 40, 50, true,
		true };
	struct rig rig;
	struct rig_spec s;
	char name[16];
	uint64_t life;

	rig_open(&rig, NULL);
	rig_spec(&s, "tell", NULL);
	s.program.limits = &limit;
	s.program.n_limits = 1;
	if (getenv("REEVE_VALGRIND") == NULL) {
		snprintf(name, sizeof(name), "limit%d ", RLIMIT_NOFILE);
		expect(tell(&rig, &s), name, "40 50");
	} else {
		life = rig_launch(&rig, &s);
		CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
		CU_ASSERT_EQUAL(
		    rig_of(&rig, life)->death.stage, RV_STAGE_LIMITS);
		CU_ASSERT_EQUAL(rig_of(&rig, life)->death.sys_errno, EPERM);
	}
	rig_close(&rig);
}

RV_TEST(directory_umask_and_nice_are_set)
{
	struct rig rig;
	struct rig_spec s;
	const char *file;

	rig_open(&rig, NULL);
	rig_spec(&s, "tell", NULL);
	s.program.directory = "/usr";
	s.program.umask = 027;
	s.program.set_nice = true;
	s.program.nice = 5;
	file = tell(&rig, &s);
	expect(file, "cwd ", "/usr");
	expect(file, "umask ", "27");
	expect(file, "nice ", "5");
	rig_close(&rig);
}

RV_TEST(oom_score_adj_is_the_childs_alone)
{
	struct rig rig;
	struct rig_spec s;
	const char *file;
	char path[64], mine[32];

	rig_open(&rig, NULL);
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj",
	    (int)rv_start_pid(rig.start));
	snprintf(mine, sizeof(mine), "%s", rig_line(path, ""));
	rig_spec(&s, "tell", NULL);
	s.program.set_oom = true;
	s.program.oom_score_adj = 555;
	file = tell(&rig, &s);
	expect(file, "oom ", "555");
	expect(path, "", mine);
	s.program.set_oom = false;
	file = tell(&rig, &s);
	expect(file, "oom ", mine);
	rig_close(&rig);
}

RV_TEST(identity_and_stdout_are_the_users)
{
	static const gid_t groups[] = { 20, 30 };
	struct rig rig;
	struct rig_spec s;
	const char *file;
	bool root = geteuid() == 0;
	char text[64];

	rig_open(&rig, NULL);
	CU_ASSERT_EQUAL(chmod(rig.dir, 0777), 0);
	file = rig_file(&rig, "who");
	rig_spec(&s, "/bin/sh", "-c",
	    "exec 3>\"$0\"; id -u >&3; id -g >&3; id -G >&3;"
	    " : >/dev/stdout && echo opened >&3",
	    file, NULL);
	s.program.set_user = s.program.set_group = true;
	s.program.uid = root ? 65534 : getuid();
	s.program.gid = root ? 65533 : getgid();
	s.program.groups = groups;
	s.program.n_groups = root ? 2 : 0;
	s.program.out = (struct rv_out){ RV_OUT_FILE, "/o", 0, 0 };
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, rig_launch(&rig, &s)));
	snprintf(text, sizeof(text), "%d", (int)s.program.uid);
	expect(file, "", text);
	/* Programs open it by name, as whoever they are. */
	expect(file, "open", "ed");
	if (root) {
		expect(file, "65533 ", "20 30");
	}
	rig_close(&rig);
}

RV_TEST(the_environment_is_inherited_less_what_is_private)
{
	struct rig rig;
	struct rig_spec s;
	const char *file;

	setenv("RIG_KEPT", "yes", 1);
	setenv("RIG_CHANGED", "old", 1);
	setenv("NOTIFY_SOCKET", "/host", 1);
	setenv("WATCHDOG_USEC", "1", 1);
	setenv("WATCHDOG_PID", "1", 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_PID", "1", 1);
	setenv("LISTEN_FDNAMES", "x", 1);
	rig_open(&rig, NULL);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	rig_spec(&s, "tell", NULL);
	s.env[0] = "RIG_CHANGED=new";
	s.env[1] = "RIG_MORE=a=b";
	file = tell(&rig, &s);
	expect(file, "env:RIG_KEPT=", "yes");
	expect(file, "env:RIG_CHANGED=", "new");
	expect(file, "env:RIG_MORE=", "a=b");
	expect(file, "env:NOTIFY_SOCKET=", "");
	expect(file, "env:WATCHDOG_", "");
	expect(file, "env:LISTEN_", "");
	CU_ASSERT(rig_line(file, "env:REEVE_LIFE=")[32] == '/');
	s.program.clear_env = true;
	file = tell(&rig, &s);
	expect(file, "env:RIG_KEPT=", "");
	expect(file, "env:RIG_CHANGED=", "new");
	expect(file, "env:PATH=", "");
	rig_close(&rig);
}

RV_TEST(a_watchdog_is_told_by_pid_and_interval)
{
	struct rig rig;
	struct rig_spec s;
	const char *file;
	char pid[32];

	rig_open(&rig, NULL);
	rig_spec(&s, "tell", NULL);
	s.policy.hb_interval = 2500 * RV_MS;
	file = tell(&rig, &s);
	expect(file, "env:WATCHDOG_USEC=", "2500000");
	snprintf(pid, sizeof(pid), "%s", rig_line(file, "pid "));
	expect(file, "env:WATCHDOG_PID=", pid);
	CU_ASSERT(rig_line(file, "env:NOTIFY_SOCKET=")[0] == '/');
	rig_close(&rig);
}

static void
tell_all(const char *faults)
{
	static const struct rv_limit limit = { RLIMIT_FSIZE, 1 << 20, 1 << 20,
		true, true };
	struct rig rig;
	struct rig_spec s;
	const char *file;

	rig_open(&rig, faults);
	rig_spec(&s, "tell", NULL);
	s.program.directory = "/usr";
	s.program.limits = &limit;
	s.program.n_limits = 1;
	s.program.out = (struct rv_out){ RV_OUT_FILE, "/o", 0, 0 };
	s.program.ready = RV_CHANNEL_FD;
	s.program.ready_fd = 7;
	file = tell(&rig, &s);
	expect(file, "cwd ", "/usr");
	expect(file, "fd3 ", "");
	expect(file, "fd8 ", "");
	CU_ASSERT(strncmp(rig_line(file, "fd7 "), "pipe:", 5) == 0);
	expect(file, "status:SigBlk:\t", "0000000000000000");
	rig_close(&rig);
}

RV_TEST(all_is_so_on_each_fallback)
{
	tell_all("clone_vm=ENOSYS");
	tell_all("close_range=ENOSYS");
	tell_all("clone_pidfd=EINVAL");
	tell_all("clone_pidfd=EINVAL,pidfd_open=ENOSYS");
	tell_all("clone_vm=ENOSYS,close_range=ENOSYS,clone_pidfd=EINVAL,"
		 "pidfd_open=ENOSYS");
}

RV_SUITE(launcher_child, RV_CASE(only_declared_descriptors_are_open),
    RV_CASE(outputs_and_the_ready_descriptor_are_where_declared),
    RV_CASE(merged_and_inherited_outputs_share_one_file),
    RV_CASE(signals_are_as_at_birth_whatever_the_host_did),
    RV_CASE(it_leads_a_session_of_its_own),
    RV_CASE(limits_are_the_original_ones_or_those_declared),
    RV_CASE(the_limit_of_descriptors_is_set_or_its_refusal_told),
    RV_CASE(directory_umask_and_nice_are_set),
    RV_CASE(oom_score_adj_is_the_childs_alone),
    RV_CASE(identity_and_stdout_are_the_users),
    RV_CASE(the_environment_is_inherited_less_what_is_private),
    RV_CASE(a_watchdog_is_told_by_pid_and_interval),
    RV_CASE(all_is_so_on_each_fallback))
