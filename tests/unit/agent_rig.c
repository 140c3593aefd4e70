/* SPDX-License-Identifier: MIT */
/* The launcher as the agent of a worker sees it: see the header. */
#include "config.h"

#include "unit/agent_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/harness.h"
#include "wire/packet.h"

#define PATIENCE_MS 10000

/* The signals are the agent's here, not the sanitizer's. */
#define OPTIONS                                                          \
	"handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:" \
	"handle_abort=0:use_sigaltstack=0"

__attribute__((visibility("default"))) const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__tsan_default_options(void);

const char *
__asan_default_options(void)
{
	return OPTIONS ":verify_asan_link_order=0";
}

const char *
__tsan_default_options(void)
{
	return OPTIONS;
}

void
agent_rig_open(struct agent_rig *rig, bool abstract)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len;
	int yes = 1;

	*rig = (struct agent_rig){ .fd = -1 };
	snprintf(rig->name, sizeof(rig->name),
	    abstract ? "@reeve-agent%s/notify" : "%s/notify", rv_test_dir());
	memcpy(addr.sun_path, rig->name, strlen(rig->name));
	unlink(rig->name);
	if (abstract) {
		addr.sun_path[0] = '\0';
	}
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			  strlen(rig->name));
	rig->sock =
	    socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CU_ASSERT_FATAL(rig->sock != -1);
	setsockopt(rig->sock, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes));
	CU_ASSERT_FATAL(bind(rig->sock, (struct sockaddr *)&addr, len) == 0);
}

void
agent_rig_close(struct agent_rig *rig)
{
	if (rig->pid != 0) {
		kill(rig->pid, SIGKILL);
		agent_rig_end(rig);
	}
	if (rig->map != NULL) {
		munmap(rig->map, RV_PAGE_BYTES);
	}
	if (rig->fd != -1) {
		close(rig->fd);
	}
	close(rig->sock);
}

void
agent_rig_environment(const struct agent_rig *rig)
{
	setenv("NOTIFY_SOCKET", rig->name, 1);
	setenv("REEVE_LIFE", "run/7", 1);
}

void
agent_rig_child(struct agent_rig *rig, int (*run)(void))
{
	fflush(NULL);
	rig->pid = fork();
	if (rig->pid == 0) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		agent_rig_environment(rig);
		_exit(run());
	}
	CU_ASSERT_FATAL(rig->pid > 0);
}

bool
agent_rig_message(struct agent_rig *rig)
{
	struct pollfd p = { .fd = rig->sock, .events = POLLIN };
	struct rv_packet packet;

	if (poll(&p, 1, PATIENCE_MS * rv_test_slow()) != 1 ||
	    rv_packet_receive(
		rig->sock, rig->text, sizeof(rig->text) - 1, &packet) != 1) {
		return false;
	}
	rig->text[packet.len] = '\0';
	if (rig->fd != -1) {
		close(rig->fd);
		rig->fd = -1;
	}
	if (packet.n_fds > 0) {
		rig->fd = packet.fds[0];
		packet.fds[0] = -1;
	}
	rv_packet_close_fds(&packet);
	return packet.n_fds <= 1;
}

bool
agent_rig_says(struct agent_rig *rig, const char *text)
{
	return agent_rig_message(rig) && strcmp(rig->text, text) == 0;
}

bool
agent_rig_page(struct agent_rig *rig)
{
	if (!agent_rig_says(rig, "REEVE_PAGE=1") || rig->fd == -1) {
		return false;
	}
	rig->seals = fcntl(rig->fd, F_GET_SEALS);
	rig->size = lseek(rig->fd, 0, SEEK_END);
	rig->map = mmap(NULL, RV_PAGE_BYTES, PROT_READ, MAP_SHARED, rig->fd, 0);
	close(rig->fd);
	rig->fd = -1;
	return rig->map != MAP_FAILED;
}

bool
agent_rig_is_silent(struct agent_rig *rig)
{
	struct pollfd p = { .fd = rig->sock, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

static bool
has_ended(void *ctx)
{
	struct agent_rig *rig = ctx;

	return waitpid(rig->pid, &rig->status, WNOHANG) != 0;
}

void
agent_rig_end(struct agent_rig *rig)
{
	if (!rv_test_wait(has_ended, rig, -1, PATIENCE_MS)) {
		CU_FAIL("the child does not end");
		kill(rig->pid, SIGKILL);
		waitpid(rig->pid, &rig->status, 0);
	}
	rig->pid = 0;
}

bool
agent_rig_trouble(struct agent_rig *rig, int (*run)(void))
{
	agent_rig_child(rig, run);
	if (!agent_rig_page(rig)) {
		CU_FAIL("no page came");
		agent_rig_end(rig);
		return false;
	}
	agent_rig_end(rig);
	return rv_page_trouble(rig->map, &rig->trouble);
}

int
agent_rig_signal(const struct agent_rig *rig)
{
	return WIFSIGNALED(rig->status) ? WTERMSIG(rig->status) : 0;
}

int
agent_rig_code(const struct agent_rig *rig)
{
	return WIFEXITED(rig->status) ? WEXITSTATUS(rig->status) : -1;
}

int
agent_rig_run(struct agent_rig *rig, int (*run)(void))
{
	agent_rig_child(rig, run);
	agent_rig_end(rig);
	return agent_rig_code(rig);
}
