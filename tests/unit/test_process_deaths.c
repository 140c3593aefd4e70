/* SPDX-License-Identifier: MIT */
/*
 * Who dies around processes: their creator, the launcher, the fork server; on a
 * kernel without pidfds, too. It is seen, and nothing and nobody stays behind.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "sys/sys.h"
#include "unit/process_rig.h"

/* -------- what processes do -------- */

static int
give_back(const struct reeve_call *call)
{
	return (int)strtol(call->args, NULL, 10);
}
REEVE_FUNCTION("d.give_back", give_back);

/* Until somebody closes the other end. */
static int
await_word(const struct reeve_call *call)
{
	char word;

	(void)call;
	dprintf(process_given("out"), "%d %d\n", (int)getpid(), (int)getppid());
	return read(process_given("in"), &word, 1) != 0;
}
REEVE_FUNCTION("d.await_word", await_word);

static int
mourn(const struct reeve_call *call)
{
	int out = process_given("out");
	struct pollfd parent = { .fd = reeve_parent_fd(), .events = POLLIN };

	(void)call;
	reeve_stopping();
	dprintf(out, "%d %d %s\n", (int)getpid(), reeve_parent_alive(),
	    getenv("NOTIFY_SOCKET"));
	/* By its descriptor, and nothing else: no time, no signal. */
	while (poll(&parent, 1, -1) != 1) {
	}
	if (reeve_parent_wait(0) == REEVE_OK && !reeve_parent_alive()) {
		dprintf(out, "dead %lld\n", (long long)rv_sys_now());
	}
	for (;;) {
		pause();
	}
	return 0;
}
REEVE_FUNCTION("d.mourn", mourn);

/* -------- tests -------- */

/* A creator of its own, which tells nobody and is killed. */
static pid_t
fork_creator(enum reeve_method method, struct process_pipe *pipe)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct reeve_context *context = process_context(method, NULL);
		struct reeve_process *p =
		    process_with_pipe(context, "d.mourn", "", pipe);

		(void)p;
		for (;;) {
			reeve_process_join(p, REEVE_FOREVER, NULL);
		}
	}
	process_pipe_shut(pipe);
	return pid;
}

static bool
is_no_directory(void *path)
{
	struct stat st;

	return stat(path, &st) == -1 && errno == ENOENT;
}

/* One of this parent (0: any) of which that says so. */
static pid_t
find_process(pid_t parent, const char *text,
    bool (*is)(const char *words, size_t n, const char *text))
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	pid_t found = 0;

	while (found == 0 && dir != NULL && (e = readdir(dir)) != NULL) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10), ppid = 0;
		char path[300], words[1024];
		ssize_t n = 0;
		int fd;

		(void)snprintf(
		    path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		if (fd != -1) {
			n = read(fd, words, sizeof(words) - 1);
			close(fd);
		}
		words[n > 0 ? n : 0] = '\0';
		if (n > 0 && is(words, (size_t)n, text) &&
		    (parent == 0 ||
			(rv_sys_proc_stat(pid, &ppid, NULL, NULL, NULL, NULL) &&
			    ppid == parent))) {
			found = pid;
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return found;
}

static bool
begins_with(const char *words, size_t n, const char *text)
{
	(void)n;
	return strncmp(words, text, strlen(text)) == 0;
}

static bool
is_second_word(const char *words, size_t n, const char *text)
{
	size_t first = strlen(words) + 1;

	return first < n && strcmp(words + first, text) == 0;
}

/*
 * The launcher, which would end the process, is held up meanwhile: so what the
 * process sees, it sees by itself.
 */
SCENARIO(scenario_5_155_who_loses_its_creator_sees_it_and_is_ended, BY_ALL)
{
	struct process_pipe pipe;
	char place[256] = "";
	int pid = 0, alive = 0;
	long long at = 0, killed;
	pid_t creator, launcher;

	process_pipe_open(&pipe, "out");
	creator = fork_creator(method, &pipe);
	CU_ASSERT_EQUAL_FATAL(sscanf(process_read_line(&pipe), "%d %d %255s",
				  &pid, &alive, place),
	    3);
	CU_ASSERT_EQUAL(alive, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(strstr(place, "/notify/"));
	*strstr(place, "/notify/") = '\0';
	launcher = find_process(0, place, is_second_word);
	CU_ASSERT_FATAL(launcher > 0);
	kill(launcher, SIGSTOP);
	killed = rv_sys_now();
	kill(creator, SIGKILL);
	CU_ASSERT_EQUAL(waitpid(creator, NULL, 0), creator);
	CU_ASSERT_EQUAL(sscanf(process_read_line(&pipe), "dead %lld", &at), 1);
	printf("# by %s: it saw it after %lld us\n",
	    process_method_name(method), (at - killed) / 1000);
	killed = rv_sys_now();
	kill(launcher, SIGCONT);
	CU_ASSERT_TRUE(process_await_gone(pid, 30000));
	CU_ASSERT_TRUE(process_await_gone(launcher, 30000));
	printf("# by %s: both had ended %lld us after that\n",
	    process_method_name(method), (rv_sys_now() - killed) / 1000);
	CU_ASSERT_EQUAL(find_process(0, place, is_second_word), 0);
	CU_ASSERT_TRUE(rv_test_wait(is_no_directory, place, -1, 30000));
	process_pipe_close(&pipe);
}

SCENARIO(scenario_155_a_killed_creator_leaves_no_process, BY_ALL)
{
	struct process_pipe pipe;
	int pid = 0;
	pid_t creator;

	process_pipe_open(&pipe, "out");
	creator = fork_creator(method, &pipe);
	CU_ASSERT_EQUAL_FATAL(sscanf(process_read_line(&pipe), "%d", &pid), 1);
	kill(creator, SIGKILL);
	CU_ASSERT_EQUAL(waitpid(creator, NULL, 0), creator);
	CU_ASSERT_TRUE(process_await_gone(pid, 30000));
	process_pipe_close(&pipe);
}

/* One that runs until `in` is shut, and its launcher. */
static struct reeve_process *
start_awaiting(struct reeve_context *context, struct process_pipe *out,
    struct process_pipe *in, int *launcher)
{
	struct reeve_give gives[2];
	struct reeve_process_options options = { .size = sizeof(options),
		.function = "d.await_word",
		.gives = gives,
		.n_gives = 2 };
	struct reeve_process *p = NULL;
	int pid = 0;

	process_pipe_open(out, "out");
	process_pipe_open(in, "in");
	gives[0] = out->give;
	gives[1] = reeve_fd_give("in", in->read_end);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_process_new(&p, context, &options, NULL), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(reeve_process_start(p, NULL), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    sscanf(process_read_line(out), "%d %d", &pid, launcher), 2);
	return p;
}

/* By fork the launcher is not its parent. */
SCENARIO(a_killed_launcher_costs_no_process, BY_SPAWN | BY_FORKSERVER)
{
	struct reeve_context *context = process_context(method, NULL);
	struct process_pipe out, in;
	struct reeve_process_status status = { .size = sizeof(status) };
	struct reeve_process *p = NULL;
	int launcher = 0;

	p = start_awaiting(context, &out, &in, &launcher);
	kill(launcher, SIGKILL);
	process_finish(process_started(context, "d.give_back", "0"), 0);
	CU_ASSERT_TRUE(reeve_process_alive(p));
	process_pipe_shut(&in);
	process_join(p);
	CU_ASSERT_EQUAL(reeve_process_status(p, &status, NULL), REEVE_OK);
	/* Known, or said to be unknown: never another's. */
	CU_ASSERT(status.kind == REEVE_PROCESS_LOST ||
		  (status.kind == REEVE_PROCESS_EXITED && status.code == 0));
	CU_ASSERT_EQUAL(reeve_process_free(p, false, NULL), REEVE_OK);
	process_pipe_close(&out);
	process_pipe_close(&in);
	reeve_context_free(context);
}

/*
 * The fork server dies, and before that is told to by SIGINT, which it does not
 * hear. Its processes are the launcher's, and no status is lost.
 */
SCENARIO(scenario_149_a_killed_fork_server_costs_no_process, BY_FORKSERVER)
{
	static const char title[] = "reeve: fork server of ";
	struct reeve_context *context = process_context(method, NULL);
	struct process_pipe out, in;
	struct reeve_process *p = NULL;
	int launcher = 0;
	pid_t server = 0;

	p = start_awaiting(context, &out, &in, &launcher);
	server = find_process(launcher, title, begins_with);
	CU_ASSERT_FATAL(server > 0);
	kill(server, SIGINT);
	process_finish(process_started(context, "d.give_back", "0"), 0);
	CU_ASSERT_FALSE(process_is_gone(server));
	kill(server, SIGKILL);
	process_finish(process_started(context, "d.give_back", "0"), 0);
	process_finish(process_started(context, "d.give_back", "7"), 7);
	CU_ASSERT_TRUE(process_await_gone(server, 30000));
	CU_ASSERT_TRUE(reeve_process_alive(p));
	process_pipe_shut(&in);
	process_finish(p, 0);
	process_pipe_close(&out);
	process_pipe_close(&in);
	reeve_context_free(context);
}

/* Without pidfds: lifelines tell of the creator, the context of the end. */
SCENARIO(a_kernel_without_pidfds_will_do, BY_SPAWN)
{
	struct reeve_context *context;
	struct process_pipe pipe;
	struct reeve_process *p;
	struct pollfd end = { .events = POLLIN };

	CU_ASSERT_TRUE(rv_fault_set("pidfd_open=ENOSYS"));
	context = process_context(method, NULL);
	process_pipe_open(&pipe, "out");
	p = process_with_pipe(context, "d.mourn", "", &pipe);
	CU_ASSERT_PTR_NOT_NULL(strstr(process_read_line(&pipe), " 1 "));
	CU_ASSERT_EQUAL_FATAL(
	    reeve_process_sentinel(p, &end.fd, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(poll(&end, 1, 0), 0);
	CU_ASSERT_EQUAL(reeve_process_kill(p, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_process_join(p, REEVE_FOREVER, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(poll(&end, 1, 0), 1);
	process_finish(p, -SIGKILL);
	process_pipe_close(&pipe);
	reeve_context_free(context);
	CU_ASSERT_TRUE(rv_fault_set(NULL));
}

RV_SUITE(process_deaths,
    RV_CASE(scenario_5_155_who_loses_its_creator_sees_it_and_is_ended),
    RV_CASE(scenario_155_a_killed_creator_leaves_no_process),
    RV_CASE(a_killed_launcher_costs_no_process),
    RV_CASE(scenario_149_a_killed_fork_server_costs_no_process),
    RV_CASE(a_kernel_without_pidfds_will_do))
