/* SPDX-License-Identifier: MIT */
/*
 * Processes that a fork server forks ahead, on the real launcher: the next
 * start is one of them; whoever kills one, or the launcher that made things
 * ahead, disturbs nobody. This test is the host: its own program is what
 * workers run, so the guard comes before its main.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/child.h>
#include <reeve/function.h>

#include "lib/harness.h"
#include "sys/sys.h"
#include "unit/launcher_rig.h"

#define WAIT_MS  30000
#define ATTEMPTS 200

static int
give_back(const struct reeve_call *call)
{
	return (int)strtol(call->args, NULL, 10);
}
REEVE_FUNCTION("t.give_back", give_back);

/* What ps shows of this process. */
static const char *
own_title(void)
{
	static char title[512];
	FILE *file = fopen("/proc/self/cmdline", "r");
	size_t n = file != NULL ? fread(title, 1, sizeof(title) - 1, file) : 0;

	title[n] = '\0';
	if (file != NULL) {
		fclose(file);
	}
	return title;
}

/* Its session is its own, and it can say that it is ready. */
static int
tell(const struct reeve_call *call)
{
	FILE *out = fopen(call->args, "w");

	if (out == NULL) {
		return 1;
	}
	fprintf(out, "session %d\nextra %s\nsocket %s\ntitle %s\n",
	    (int)getsid(0), getenv("EXTRA") != NULL ? getenv("EXTRA") : "",
	    getenv("NOTIFY_SOCKET"), own_title());
	fclose(out);
	return reeve_ready() == REEVE_OK ? 0 : 2;
}
REEVE_FUNCTION("t.tell", tell);

/* Only there are constructors given what main is. */
#ifdef __GLIBC__
#define HAS_TITLE 1
#else
#define HAS_TITLE 0
#endif

__attribute__((constructor)) static void
guard(int argc, char **argv)
{
	reeve_main(HAS_TITLE ? &argc : NULL, HAS_TITLE ? &argv : NULL);
}

/* Of /proc/PID/stat: its name and its state. */
static bool
is_in_state(pid_t pid, const char *name, const char *states)
{
	char path[48], text[512], *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd == -1 ? -1 : read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	end = strrchr(text, ')');
	return end != NULL && strstr(text, name) != NULL && end[1] == ' ' &&
	       strchr(states, end[2]) != NULL;
}

struct search {
	struct rig *rig;
	pid_t pid; /* that was found */
};

/* A child of the launcher that waits for its call. */
static bool
has_spare(void *ctx)
{
	struct search *search = ctx;
	int launcher = (int)rv_start_pid(search->rig->start);
	char path[64];
	FILE *file;
	int pid;

	search->pid = 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", launcher,
	    launcher);
	file = fopen(path, "re");
	while (file != NULL && fscanf(file, "%d", &pid) == 1) {
		if (is_in_state(pid, "((spare))", "S")) {
			search->pid = pid;
		}
	}
	if (file != NULL) {
		fclose(file);
	}
	return search->pid != 0;
}

static pid_t
await_spare(struct rig *rig)
{
	struct search search = { .rig = rig };

	CU_ASSERT_FATAL(rv_test_wait(has_spare, &search, -1, WAIT_MS));
	return search.pid;
}

/* The launcher may not have met it when it is needed: in the end it has. */
RV_TEST(the_next_start_is_the_process_that_was_forked_ahead)
{
	struct rig rig;
	struct rig_spec s;
	const char *file;
	unsigned n = 0;
	pid_t spare;

	rig_open(&rig, NULL);
	file = rig_file(&rig, "told");
	rig_function(&s, RV_METHOD_FORKSERVER, "t.give_back", "5");
	CU_ASSERT_EQUAL(rig_run(&rig, &s)->death.end.number, 5);
	rig_function(&s, RV_METHOD_FORKSERVER, "t.tell", file);
	s.program.ready = RV_CHANNEL_NOTIFY;
	s.env[0] = "EXTRA=yes";
	s.spec.path = "a/longer/path/than/was/shown/before";
	do {
		struct rig_life *l;
		char session[16];

		spare = await_spare(&rig);
		l = rig_run(&rig, &s);
		CU_ASSERT_EQUAL(l->death.end.number, 0);
		CU_ASSERT_EQUAL(l->ready, 1);
		CU_ASSERT(l->paged);
		snprintf(session, sizeof(session), "%d", (int)l->pid);
		CU_ASSERT_STRING_EQUAL(rig_line(file, "session "), session);
		CU_ASSERT_STRING_EQUAL(rig_line(file, "extra "), "yes");
		CU_ASSERT(
		    !HAS_TITLE ||
		    strcmp(rig_line(file, "title "),
			"reeve: a/longer/path/than/was/shown/before") == 0);
		if (l->pid == spare) {
			break;
		}
	} while (++n < ATTEMPTS);
	CU_ASSERT(n < ATTEMPTS);
	rig_close(&rig);
}

static bool
has_ended(void *ctx)
{
	const pid_t *pid = ctx;

	return rig_is_gone(*pid) || is_in_state(*pid, "(", "ZX");
}

RV_TEST(one_that_was_killed_is_missed_by_nobody)
{
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	rig_function(&s, RV_METHOD_FORKSERVER, "t.give_back", "6");
	rig_run(&rig, &s);
	for (unsigned i = 0; i < 5; i++) {
		pid_t spare = await_spare(&rig);
		struct rig_life *l;

		kill(spare, SIGKILL);
		CU_ASSERT_FATAL(rv_test_wait(has_ended, &spare, -1, WAIT_MS));
		l = rig_run(&rig, &s);
		CU_ASSERT_EQUAL(l->death.end.number, 6);
		CU_ASSERT_NOT_EQUAL(l->pid, spare);
		CU_ASSERT(!l->failed && l->death.stage == 0);
	}
	CU_ASSERT_EQUAL(rig.n_troubles, 0);
	rig_close(&rig);
}

/* Killed while it is called: it has ended, or is one to be tried again. */
RV_TEST(one_that_is_killed_while_it_is_called_is_nobody_unknown)
{
	struct rig rig;
	struct rig_spec s;

	rig_open(&rig, NULL);
	rig_function(&s, RV_METHOD_FORKSERVER, "t.give_back", "7");
	for (unsigned i = 0; i < 50; i++) {
		struct rig_life *l;
		uint64_t life;
		pid_t spare;

		/* One that was killed is replaced by the next start. */
		rig_run(&rig, &s);
		spare = await_spare(&rig);
		life = rig_launch(&rig, &s);
		kill(spare, SIGKILL);
		CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
		l = rig_of(&rig, life);
		CU_ASSERT(rig_is_gone(l->pid));
		if (l->death.stage != 0) {
			CU_ASSERT_EQUAL(l->death.sys_errno, EAGAIN);
		} else if (l->death.end.signaled) {
			CU_ASSERT_EQUAL(l->death.end.number, SIGKILL);
		} else {
			CU_ASSERT_EQUAL(l->death.end.number, 7);
		}
	}
	rig_close(&rig);
}

/* Sockets in the folder of the notify sockets. */
static unsigned
count_sockets(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned n = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		n += e->d_type == DT_SOCK;
	}
	closedir(d);
	return n;
}

RV_TEST(what_a_killed_launcher_made_ahead_is_taken_away)
{
	struct rig rig;
	struct rig_spec s;
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *file;

	rig_open(&rig, NULL);
	file = rig_file(&rig, "told");
	rig_function(&s, RV_METHOD_FORKSERVER, "t.tell", file);
	s.program.ready = RV_CHANNEL_NOTIFY;
	CU_ASSERT_EQUAL(rig_run(&rig, &s)->death.end.number, 0);
	snprintf(dir, sizeof(dir), "%s", rig_line(file, "socket "));
	CU_ASSERT_PTR_NOT_NULL_FATAL(strrchr(dir, '/'));
	*strrchr(dir, '/') = '\0';
	await_spare(&rig);
	rig_sync(&rig); /* that of the first is away */
	CU_ASSERT_EQUAL(count_sockets(dir), 1);
	kill(rv_start_pid(rig.start), SIGKILL);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_n_back, 1));
	/* The first thing that it does, before it takes a launch. */
	rig_sync(&rig);
	CU_ASSERT_EQUAL(count_sockets(dir), 0);
	CU_ASSERT_EQUAL(rig_run(&rig, &s)->death.end.number, 0);
	rig_close(&rig);
	/* What was the first one's ends with it, the spare too. */
	while (waitpid(-1, NULL, 0) > 0) {
		continue;
	}
}

/* What cannot be made ahead is made when it is needed. */
RV_TEST(without_descriptors_to_spare_starts_are_as_good)
{
	static const char *const plans[] = { "socket@2+=EMFILE",
		"pipe2@3+=EMFILE", "socketpair@3+=EMFILE" };

	for (size_t p = 0; p < RV_ARRAY_LEN(plans); p++) {
		struct rig rig;
		struct rig_spec s;

		rig_open(&rig, plans[p]);
		rig_function(&s, RV_METHOD_FORKSERVER, "t.give_back", "8");
		for (unsigned i = 0; i < 3; i++) {
			uint64_t life = rig_launch(&rig, &s);

			CU_ASSERT_FATAL(rig_wait(&rig, rig_is_over, life));
			if (rig_of(&rig, life)->failed) {
				CU_ASSERT_EQUAL(
				    rig_of(&rig, life)->sys_errno, EMFILE);
			} else {
				CU_ASSERT_EQUAL(
				    rig_of(&rig, life)->death.end.number, 8);
			}
		}
		rig_close(&rig);
	}
}

struct nth {
	const char *point, *error;
	int sys_errno;
	unsigned most; /* calls of it until the last start has ended */
};

/* One that went down with its launcher, before it was asked, is made again. */
static uint64_t
run_to_end(struct rig *rig, const struct rig_spec *s)
{
	/* Not the minute after which a fork server is given up. */
	rv_time until = rv_sys_now() + WAIT_MS * RV_MS;
	uint64_t life;
	unsigned lost;

	do {
		lost = rig->n_back;
		life = rig_launch(rig, s);
		while (!rig_is_over(rig, life) && rig->n_back == lost) {
			CU_ASSERT_FATAL(rv_sys_now() < until);
			CU_ASSERT_FATAL(rv_loop_dispatch(rig->loop, until,
					    NULL) == REEVE_OK);
		}
	} while (!rig_is_over(rig, life));
	return life;
}

/* That one call fails, and whoever needed it: at most one start of all. */
static void
fail_nth(const struct nth *c, unsigned n)
{
	struct rig rig;
	struct search search = { .rig = &rig };
	struct rig_spec s;
	unsigned flawed = 0, i;
	char plan[64];

	snprintf(plan, sizeof(plan), "%s@%u=%s", c->point, n, c->error);
	rig_open(&rig, plan);
	rig_function(&s, RV_METHOD_FORKSERVER, "t.give_back", "8");
	s.program.ready = RV_CHANNEL_NOTIFY;
	s.program.out = (struct rv_out){ RV_OUT_FILE, "/o", 0, 0 };
	for (i = 0; i < ATTEMPTS; i++) {
		struct rig_life *l = rig_of(&rig, run_to_end(&rig, &s));
		int sys_errno = l->failed ? l->sys_errno : l->death.sys_errno;

		if (l->failed || l->death.stage != 0) {
			flawed++;
			CU_ASSERT(
			    sys_errno == c->sys_errno || sys_errno == EAGAIN);
		} else {
			CU_ASSERT_EQUAL(l->death.end.number, 8);
		}
		/* Once it is over there is one ahead again. */
		if (i >= 3 && rv_test_wait(has_spare, &search, -1, 500)) {
			break;
		}
	}
	CU_ASSERT(i < ATTEMPTS);
	if (flawed > 1) {
		printf("# %s: %u starts failed\n", plan, flawed);
	}
	CU_ASSERT(flawed <= 1);
	rig_close(&rig);
}

RV_TEST(whatever_fails_once_costs_one_start_at_most)
{
	static const struct nth all[] = {
		{ "alloc", "ENOMEM", ENOMEM, 60 },
		{ "socketpair", "EMFILE", EMFILE, 6 },
		{ "socket", "EMFILE", EMFILE, 6 },
		{ "pipe2", "EMFILE", EMFILE, 8 },
		{ "memfd_create", "EMFILE", EMFILE, 4 },
		{ "mmap", "ENOMEM", ENOMEM, 6 },
		{ "clone", "EAGAIN", EAGAIN, 2 },
		{ "pidfd_open", "EMFILE", EMFILE, 8 },
		{ "send", "ENOBUFS", ENOBUFS, 24 },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(all); i++) {
		for (unsigned n = 1; n <= all[i].most; n++) {
			fail_nth(&all[i], n);
		}
	}
}

RV_SUITE(spares, RV_CASE(the_next_start_is_the_process_that_was_forked_ahead),
    RV_CASE(one_that_was_killed_is_missed_by_nobody),
    RV_CASE(one_that_is_killed_while_it_is_called_is_nobody_unknown),
    RV_CASE(what_a_killed_launcher_made_ahead_is_taken_away),
    RV_CASE(without_descriptors_to_spare_starts_are_as_good),
    RV_CASE(whatever_fails_once_costs_one_start_at_most))
