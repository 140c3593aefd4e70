/* SPDX-License-Identifier: MIT */
/*
 * Attaching: the page of this worker is made, sealed and sent, once. All that
 * happens up to that is system calls on memory of our own, so that the first
 * reeve_beat may come from a signal handler; the crash handlers are installed
 * by the first call of any other function. Must never wait for the runtime
 * longer than a second, nor keep a descriptor that a worker could trip over.
 */
#include "config.h"

#include "child/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REEVE_BEAT_IS_A_CALL /* it is defined here */
#include <reeve/child.h>

#include "child/altstack.h"
#include "child/crash.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define CACHE_LINE 64u
#define BUSY_MS    1000

/* What is to be known of the one process that this is. */
enum { FRESH, BUSY, ATTACHED, NOWHERE };

static struct {
	uint32_t state;
	uint32_t caught; /* the handlers were thought of */
	bool forked;
	bool is_prepared;     /* crashes are caught already */
	unsigned char *ahead; /* the page, where it was sent before */
	bool
	    is_lent; /* the page is the preload library's, and so are crashes */
	pid_t pid;   /* 0: nothing was tried yet */
	unsigned char *page;
	uint32_t beats_at;
	struct sockaddr_un to;
	socklen_t to_len; /* 0: there is no socket */
} agent;

static uint64_t nowhere; /* where beats go that nobody counts */
uint64_t *reeve_beat_at; /* NULL: nothing was tried yet */

static bool
read_socket(void)
{
	const char *name = secure_getenv("NOTIFY_SOCKET");
	size_t len = name != NULL ? strlen(name) : 0;

	agent.to_len = 0;
	if (len < 2 || len > sizeof(agent.to.sun_path) ||
	    (name[0] != '/' && name[0] != '@')) {
		return false;
	}
	agent.to.sun_family = AF_UNIX;
	memcpy(agent.to.sun_path, name, len);
	if (name[0] == '@') {
		agent.to.sun_path[0] = '\0';
	}
	agent.to_len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return true;
}

static void
add_descriptor(struct msghdr *msg, int fd)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

/* A socket for each message: one that is kept could be closed by anybody. */
enum reeve_status
rv_agent_send(const char *text, size_t len, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)text,
		.iov_len = len };
	struct msghdr msg = { .msg_name = &agent.to,
		.msg_namelen = agent.to_len,
		.msg_iov = &iov,
		.msg_iovlen = 1 };
	struct timeval patience = { .tv_sec = 1 };
	enum reeve_status status = REEVE_OK;
	int sock, saved;
	ssize_t n;

	if (agent.to_len == 0 || !rv_agent_is_mine()) {
		return REEVE_ENORUNTIME;
	}
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock == -1) {
		return REEVE_ESYS;
	}
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (fd != -1) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		add_descriptor(&msg, fd);
	}
	do {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	saved = errno;
	if (n == -1) {
		status = saved == EAGAIN ? REEVE_EAGAIN : REEVE_ESYS;
	}
	close(sock);
	errno = saved;
	return status;
}

static int
make_memory(void)
{
	int fd = memfd_create(
	    "reeve-page", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd == -1 && errno == EINVAL) {
		fd =
		    memfd_create("reeve-page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	}
	return fd;
}

/*
 * A limit on the size of files is one on this memory too, and would be told by
 * SIGXFSZ; where the process may, it is lifted for the moment.
 */
static bool
set_size(int fd)
{
	struct rlimit was, now;
	bool lifted = false, done;

	if (getrlimit(RLIMIT_FSIZE, &was) == 0 &&
	    was.rlim_cur < RV_PAGE_BYTES) {
		now = was;
		now.rlim_cur = now.rlim_max;
		lifted = true;
		if (was.rlim_max < RV_PAGE_BYTES ||
		    setrlimit(RLIMIT_FSIZE, &now) == -1) {
			errno = EFBIG;
			return false;
		}
	}
	done = ftruncate(fd, RV_PAGE_BYTES) == 0;
	if (lifted) {
		int saved = errno;

		setrlimit(RLIMIT_FSIZE, &was);
		errno = saved;
	}
	return done;
}

static void
write_head(unsigned char *page)
{
	struct rv_page_head head = { .magic = RV_PAGE_MAGIC,
		.version = RV_PAGE_VERSION,
		.pid = (int32_t)agent.pid };
	uint32_t colours =
	    (RV_PAGE_BEATS_END - RV_PAGE_BEATS_FIRST) / CACHE_LINE;

	head.beats_at =
	    RV_PAGE_BEATS_FIRST + (uint32_t)agent.pid % colours * CACHE_LINE;
	memcpy(page, &head, sizeof(head));
}

/* NULL: errno. */
static unsigned char *
map_memory(int fd)
{
	void *page;

	if (!set_size(fd) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ==
		-1) {
		return NULL;
	}
	page = mmap(
	    NULL, RV_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		return NULL;
	}
	write_head(page);
	return page;
}

static enum reeve_status
send_memory(int fd)
{
	static const char text[] = "REEVE_PAGE=1";
	unsigned char *page = map_memory(fd);
	enum reeve_status status;

	if (page == NULL) {
		return REEVE_ESYS;
	}
	status = rv_agent_send(text, sizeof(text) - 1, fd);
	if (status != REEVE_OK) {
		int saved = errno;

		munmap(page, RV_PAGE_BYTES);
		errno = saved;
		return REEVE_ESYS;
	}
	agent.page = page;
	return REEVE_OK;
}

static unsigned char *
preloaded_page(void)
{
	return rv_crash_page != NULL && &rv_agent_is_preload == NULL
		   ? rv_crash_page(agent.pid)
		   : NULL;
}

static enum reeve_status
make_page(void)
{
	enum reeve_status status;
	int fd, saved;

	agent.page = preloaded_page();
	if (agent.page != NULL) {
		agent.is_lent = true;
		return REEVE_OK;
	}
	if (agent.ahead != NULL) {
		agent.page = agent.ahead;
		agent.ahead = NULL;
		return REEVE_OK;
	}
	fd = make_memory();
	if (fd == -1) {
		return REEVE_ESYS;
	}
	status = send_memory(fd);
	saved = errno;
	close(fd);
	errno = saved;
	return status;
}

static enum reeve_status
attach(void)
{
	agent.pid = getpid();
	return read_socket() && secure_getenv("REEVE_LIFE") != NULL
		   ? make_page()
		   : REEVE_ENORUNTIME;
}

static void
count_at(uint64_t *at)
{
	__atomic_store_n(&reeve_beat_at, at, __ATOMIC_RELEASE);
}

/* The thread that was first attaches; it may be the one that we interrupt. */
static enum reeve_status
try_attach(uint32_t from)
{
	enum reeve_status status;
	struct rv_page_head head;

	if (!__atomic_compare_exchange_n(&agent.state, &from, BUSY, false,
		__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		return REEVE_EAGAIN;
	}
	status = attach();
	if (status == REEVE_OK) {
		memcpy(&head, agent.page, sizeof(head));
		count_at((uint64_t *)(void *)(agent.page + head.beats_at));
	} else {
		count_at(&nowhere);
	}
	__atomic_store_n(&agent.state, status == REEVE_OK ? ATTACHED : NOWHERE,
	    __ATOMIC_RELEASE);
	return status;
}

/* Also from handlers, so: nothing but system calls. */
void
reeve_beat_first(void)
{
	int saved = errno;
	uint64_t *at;

	try_attach(FRESH);
	errno = saved;
	at = __atomic_load_n(&reeve_beat_at, __ATOMIC_ACQUIRE);
	if (at != NULL) { /* else attaching is under way */
		__atomic_store_n(at, __atomic_load_n(at, __ATOMIC_RELAXED) + 1,
		    __ATOMIC_RELAXED);
	}
}

/* For who cannot inline it: other languages, and compilers in a hurry. */
void
reeve_beat(void)
{
	uint64_t *at = __atomic_load_n(&reeve_beat_at, __ATOMIC_ACQUIRE);

	if (at != NULL) {
		__atomic_store_n(at, __atomic_load_n(at, __ATOMIC_RELAXED) + 1,
		    __ATOMIC_RELAXED);
	} else {
		reeve_beat_first();
	}
}

static uint32_t
settled_state(void)
{
	uint32_t state = __atomic_load_n(&agent.state, __ATOMIC_ACQUIRE);

	for (int i = 0; state == BUSY && i < BUSY_MS; i++) {
		poll(NULL, 0, 1);
		state = __atomic_load_n(&agent.state, __ATOMIC_ACQUIRE);
	}
	return state;
}

static void
catch_crashes(void)
{
	const char *wanted;

	if (agent.is_lent ||
	    __atomic_exchange_n(&agent.caught, 1, __ATOMIC_ACQ_REL) != 0) {
		return;
	}
	wanted = secure_getenv("REEVE_CRASH_REPORT");
	if (wanted != NULL && strcmp(wanted, "0") == 0) {
		rv_crash_remove();
	} else if (!agent.is_prepared) {
		rv_crash_install();
	}
}

static enum reeve_status
use(bool again)
{
	uint32_t state = settled_state();
	enum reeve_status status = REEVE_OK;

	if (state == FRESH ||
	    (state == NOWHERE && again && rv_agent_is_mine())) {
		status = try_attach(state);
		state = settled_state();
	}
	if (status != REEVE_OK && status != REEVE_EAGAIN) {
		return status;
	}
	if (state != ATTACHED || !rv_agent_is_mine()) {
		return REEVE_ENORUNTIME;
	}
	catch_crashes();
	if (rv_crash_is_installed()) {
		rv_altstack_give();
	}
	return REEVE_OK;
}

enum reeve_status
rv_agent_use(void)
{
	int saved = errno;
	enum reeve_status status = use(false);

	errno = saved;
	return status;
}

enum reeve_status
reeve_attach(void)
{
	return use(true);
}

int
rv_agent_start(void)
{
	return use(true) == REEVE_OK ? 0 : -1;
}

bool
rv_agent_is_mine(void)
{
	return agent.pid == getpid();
}

bool
rv_agent_is_forked(void)
{
	return agent.forked;
}

unsigned char *
rv_agent_page(void)
{
	return __atomic_load_n(&agent.state, __ATOMIC_ACQUIRE) == ATTACHED &&
		       rv_agent_is_mine()
		   ? agent.page
		   : NULL;
}

void
rv_agent_after_fork(void)
{
	rv_stop_after_fork();
	rv_trouble_after_fork();
	if (agent.page != NULL && !agent.is_lent) {
		munmap(agent.page, RV_PAGE_BYTES);
	}
	memset(&agent, 0, sizeof(agent));
	agent.forked = true;
	count_at(NULL);
}

int
rv_agent_prepare(void)
{
	int fd;

	/* What is preloaded does it, where it is. */
	if (rv_crash_page != NULL && &rv_agent_is_preload == NULL) {
		return -1;
	}
	rv_crash_install();
	rv_altstack_give();
	agent.is_prepared = true;
	agent.pid = getpid();
	fd = make_memory();
	if (fd != -1) {
		agent.ahead = map_memory(fd);
	}
	if (fd != -1 && agent.ahead == NULL) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* A child of the worker is no worker: its beats are nobody's. */
static void
in_forked_child(void)
{
	if (__atomic_load_n(&reeve_beat_at, __ATOMIC_RELAXED) != NULL) {
		count_at(&nowhere);
	}
}

__attribute__((constructor)) static void
watch_forks(void)
{
	pthread_atfork(NULL, NULL, in_forked_child);
}
