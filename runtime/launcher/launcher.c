/* SPDX-License-Identifier: MIT */
/*
 * reeve-launcher RUNTIME_DIR RUN_ID LAST_RUN [private]: started by the
 * supervisor, with its socket as descriptor 3. Makes, reaps and kills the
 * processes of workers as told, is the parent of them all and the subreaper of
 * what they leave behind. It knows no policy and ends with its last life once
 * the supervisor is gone.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/text.h"
#include "launcher/adopt.h"
#include "launcher/forks.h"
#include "launcher/launcher.h"
#include "launcher/life.h"
#include "launcher/partings.h"
#include "launcher/plan.h"
#include "launcher/sockets.h"
#include "launcher/sweep.h"
#include "sys/sys.h"

#define SUPERVISOR_FD 3
#define LAST_SIGNAL   64

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#define SIGNAL_GROUP (1U << 2) /* PIDFD_SIGNAL_PROCESS_GROUP, 6.9 */

/*
 * Every signal is blocked for good and has its default disposition: what a
 * terminal sends does not concern the launcher, and children need no reset.
 */
static void
settle_signals(void)
{
	const uint64_t all = UINT64_MAX;
	struct sigaction action = { .sa_handler = SIG_DFL };

	for (int signo = 1; signo <= LAST_SIGNAL; signo++) {
		sigaction(signo, &action, NULL);
	}
	/* Children that stop are none of our business. */
	action.sa_flags = SA_NOCLDSTOP;
	sigaction(SIGCHLD, &action, NULL);
	/* Raw, because libc's would leave its own two out. */
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all));
}

/*
 * Before 5.16 a core dump of a child that still shares our memory takes us
 * down with it; memory that may not be dumped has none.
 */
static void
guard_memory(void)
{
	struct utsname name;
	int major = 0, minor = 0;

	if (uname(&name) == 0 &&
	    sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
	    (major < 5 || (major == 5 && minor < 16))) {
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	}
}

static bool
can_signal_groups(void)
{
	int pidfd = rv_sys_pidfd_open(getpid());
	bool can = false;

	if (pidfd != -1) {
		/* EINVAL: no such flag. ESRCH: no such group, which is fine. */
		can = RV_FAULT(pidfd_group) == 0 &&
		      (syscall(SYS_pidfd_send_signal, pidfd, 0, NULL,
			   SIGNAL_GROUP) == 0 ||
			  errno == ESRCH);
		close(pidfd);
	}
	return can;
}

static void
raise_limits(struct rv_launcher *l)
{
	struct rlimit most;

	getrlimit(RLIMIT_NOFILE, &l->nofile);
	most = l->nofile;
	most.rlim_cur = most.rlim_max;
	setrlimit(RLIMIT_NOFILE, &most);
}

static enum reeve_status
open_all(struct rv_launcher *l, struct reeve_error *err)
{
	enum reeve_status status = rv_loop_create_epoll(&l->loop, err);

	if (status != REEVE_OK) {
		return status;
	}
	l->frame = rv_alloc(1, RV_LAUNCH_FRAME_MAX);
	if (l->frame == NULL || !rv_plan_base_environment(l, environ) ||
	    !rv_lives_reserve(l)) {
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	status = rv_listen_prepare(l, err);
	if (status == REEVE_OK) {
		status = rv_slots_init(&l->slots, l->loop, err);
	}
	if (status == REEVE_OK) {
		status = rv_sweep_open(l, err);
	}
	if (status == REEVE_OK) {
		status = rv_link_open(l, SUPERVISOR_FD, err);
	}
	return status;
}

static void
init(struct rv_launcher *l, char **argv)
{
	l->runtime_dir = argv[1];
	l->run_id = argv[2];
	l->pid = getpid();
	l->uid = geteuid();
	l->link.fd = -1;
	l->program_fd = -1;
	l->lent = -1;
	l->ahead = RV_NO_AHEAD;
	rv_seal_init(&l->seal);
	rv_list_init(&l->sockets);
	rv_list_init(&l->forks);
	rv_list_init(&l->templates);
	rv_list_init(&l->partings);
	rv_outputs_init(&l->outputs, l);
	rv_list_init(&l->lives);
	rv_list_init(&l->emptying);
	rv_list_init(&l->listeners);
	rv_list_init(&l->held);
	rv_list_init(&l->hunters);
	rv_list_init(&l->starting);
	rv_list_init(&l->sync_soon.link);
	settle_signals();
	guard_memory();
	raise_limits(l);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	l->group_by_pidfd = can_signal_groups();
}

/* Its sockets went with their lives. */
static void
remove_dir(const struct rv_launcher *l)
{
	char notify[PATH_MAX];

	rv_format(notify, sizeof(notify), "%s/notify", l->runtime_dir);
	rmdir(notify);
	rmdir(l->runtime_dir);
}

static void
finish(struct rv_launcher *l)
{
	struct rv_list *lists[] = { &l->lives, &l->emptying };

	for (size_t i = 0; i < RV_ARRAY_LEN(lists); i++) {
		while (!rv_list_empty(lists[i])) {
			rv_life_destroy(
			    RV_LIST_FIRST(lists[i], struct rv_life, link));
		}
	}
	rv_forks_drop(l);
	rv_partings_finish(l);
	rv_sockets_finish(l);
	rv_seal_finish(&l->seal);
	if (l->program_fd != -1) {
		close(l->program_fd);
	}
	rv_outputs_finish(&l->outputs);
	rv_link_close(l);
	rv_sweep_close(l);
	rv_slots_finish(&l->slots);
	rv_tick_disarm(&l->ending_tick);
	rv_tick_disarm(&l->starting_tick);
	rv_defer_cancel(&l->sync_soon);
	rv_defer_cancel(&l->refill_soon);
	rv_loop_destroy(l->loop);
	rv_keeps_finish(&l->keeps);
	rv_hash_finish(&l->by_life);
	rv_hash_finish(&l->by_pid);
	rv_free(l->environ);
	rv_free(l->frame);
	if (l->owns_dir) {
		remove_dir(l);
	}
}

static int
run(struct rv_launcher *l)
{
	struct rv_launch_frame greeting = { .op = RV_LAUNCH_GREETING,
		.version = RV_LAUNCH_VERSION };
	struct reeve_error err;

	if (open_all(l, &err) != REEVE_OK) {
		fprintf(stderr, "reeve-launcher: %s\n", err.text);
		return 1;
	}
	rv_link_send(l, &greeting);
	while (!l->done) {
		if (rv_loop_dispatch(l->loop, RV_FOREVER, &err) != REEVE_OK) {
			fprintf(stderr, "reeve-launcher: %s\n", err.text);
			return 1;
		}
	}
	finish(l);
	return 0;
}

int
main(int argc, char **argv)
{
	static struct rv_launcher launcher;

	if (argc < 4 || argc > 5 || strlen(argv[2]) > RV_RUN_ID_MAX ||
	    fcntl(SUPERVISOR_FD, F_SETFD, FD_CLOEXEC) == -1) {
		fprintf(stderr,
		    "reeve-launcher is started by a reeve runtime, not by"
		    " hand\n");
		return 2;
	}
	rv_fault_load();
	init(&launcher, argv);
	launcher.owns_dir = argc == 5 && strcmp(argv[4], "private") == 0;
	rv_adopt_kill_marked(&launcher, argv[3]);
	return run(&launcher);
}
