/* SPDX-License-Identifier: MIT */
/*
 * Notify sockets and readiness pipes of lives: see listen.h. A worker may
 * send what it likes, as fast as it likes: reads are bounded a turn, the
 * sender's user is checked by the kernel's word, and every descriptor that
 * comes is closed. A message leaves its socket, which outlives the launcher,
 * only when the supervisor's has it: one that is on its way is never lost, and
 * at worst told again by the next launcher.
 */
#include "config.h"

#include "launcher/listen.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/text.h"
#include "child/page.h"
#include "launcher/ahead.h"
#include "launcher/launcher.h"
#include "launcher/life.h"
#include "sys/sys.h"
#include "wire/notify.h"
#include "wire/packet.h"

#define READS_A_TURN 64
/* More than any queue of datagrams holds, less than a flood. */
#define READS_A_DRAIN 1024
#define BAD_EVERY     RV_SEC

/* True when every folder of the path lets everybody through. */
static bool
is_open_to_all(const char *path)
{
	char part[RV_LISTEN_NAME_MAX];
	struct stat st;

	if (strlen(path) >= sizeof(part)) {
		return false;
	}
	rv_copy(part, sizeof(part), path);
	for (size_t len = strlen(part); len > 0; len--) {
		if (part[len] != '/' && part[len] != '\0') {
			continue;
		}
		part[len] = '\0';
		if (stat(part, &st) == -1 || (st.st_mode & S_IXOTH) == 0) {
			return false;
		}
	}
	return true;
}

static bool
is_other_user(const struct rv_launcher *l, const struct rv_launch_keep *keep)
{
	return keep->set_user && keep->uid != l->uid && keep->uid != 0;
}

/*
 * A path where that fits and the worker can reach it; else a name without a
 * file, which the run's random id makes unique.
 */
void
rv_listen_name(const struct rv_launcher *l, uint64_t life,
    const struct rv_launch_keep *keep, char name[static RV_LISTEN_NAME_MAX])
{
	char number[24];
	size_t n = rv_format(number, sizeof(number), "%" PRIu64, life);

	if (strlen(l->runtime_dir) + strlen("/notify/") + n <
		RV_LISTEN_NAME_MAX &&
	    (!is_other_user(l, keep) || is_open_to_all(l->runtime_dir))) {
		rv_format(name, RV_LISTEN_NAME_MAX, "%s/notify/%s",
		    l->runtime_dir, number);
	} else {
		rv_format(name, RV_LISTEN_NAME_MAX, "@reeve/%s/%s", l->run_id,
		    number);
	}
}

static socklen_t
make_address(const char *name, struct sockaddr_un *addr)
{
	size_t len = strlen(name);

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(addr->sun_path, name, len);
	if (name[0] == '@') {
		addr->sun_path[0] = '\0';
	}
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* False where that cannot be told. */
static bool
is_stale(const char *name)
{
	struct sockaddr_un addr;
	socklen_t len = make_address(name, &addr);
	int fd = rv_sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	bool stale = false;

	if (fd != -1) {
		stale = connect(fd, (struct sockaddr *)&addr, len) == -1 &&
			errno == ECONNREFUSED;
		close(fd);
	}
	return stale;
}

/* A launcher that was killed leaves names that no life may ever have. */
static void
sweep(const char *path)
{
	DIR *dir = opendir(path);
	char name[RV_LISTEN_NAME_MAX];
	struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		if (e->d_type == DT_SOCK &&
		    rv_format(name, sizeof(name), "%s/%s", path, e->d_name) <
			sizeof(name) - 1 &&
		    is_stale(name)) {
			unlink(name);
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
}

enum reeve_status
rv_listen_prepare(const struct rv_launcher *l, struct reeve_error *err)
{
	char path[4096];

	rv_format(path, sizeof(path), "%s/notify", l->runtime_dir);
	if (mkdir(path, 0711) == -1 && errno != EEXIST) {
		return rv_error_sys(err, errno, "cannot make %s", path);
	}
	/*
	 * The folder of another user: a host has given up its privileges, and
	 * the launcher that had them was killed. What needs it fails and says
	 * so; the lives that are there still have a launcher.
	 */
	if (chmod(path, 0711) == -1 && errno != EPERM) {
		return rv_error_sys(err, errno, "cannot open up %s", path);
	}
	sweep(path);
	return REEVE_OK;
}

static int
bind_name(int fd, const char *name)
{
	struct sockaddr_un addr;
	socklen_t len = make_address(name, &addr);

	/* Seldom is there one of an earlier launcher in the way. */
	if (bind(fd, (struct sockaddr *)&addr, len) == 0) {
		return 0;
	}
	if (errno != EADDRINUSE || name[0] == '@' || unlink(name) == -1) {
		return -1;
	}
	return bind(fd, (struct sockaddr *)&addr, len);
}

int
rv_listen_bind_name(const char *name, const uid_t *owner)
{
	int fd = rv_sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int yes = 1, saved;

	if (fd == -1) {
		return -1;
	}
	/* The file that bind makes gets this mode: nobody else's to write. */
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) == 0 &&
	    fchmod(fd, 0600) == 0 && bind_name(fd, name) == 0 &&
	    (owner == NULL || chown(name, *owner, (gid_t)-1) == 0)) {
		return fd;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int
rv_listen_bind(
    struct rv_launcher *l, uint64_t life, const struct rv_launch_keep *keep)
{
	char name[RV_LISTEN_NAME_MAX];
	bool is_file, is_others = is_other_user(l, keep);
	int fd = -1;

	rv_listen_name(l, life, keep, name);
	is_file = name[0] != '@';
	if (is_file && !is_others) {
		fd = rv_ahead_notify(l, life, name);
	}
	return fd != -1 ? fd
			: rv_listen_bind_name(
			      name, is_file && is_others ? &keep->uid : NULL);
}

static void
send_notify(struct rv_life *life, const struct rv_notify *notify)
{
	struct rv_launch_frame frame = {
		.op = RV_LAUNCH_NOTIFY, .life = life->life, .notify = *notify
	};

	rv_link_send(life->l, &frame);
}

static void
pass_beat(struct rv_listener *lis)
{
	struct rv_notify notify = { .flags = RV_NOTIFY_WATCHDOG };

	if (lis->beat) {
		lis->beat = false;
		send_notify(lis->life, &notify);
	}
}

/* Once in a while: whoever sends nonsense sends much of it. */
static void
refuse(struct rv_listener *lis, const char *why)
{
	struct rv_notify notify = { .flags = RV_NOTIFY_BAD, .status = why };
	rv_time now = rv_loop_now(lis->life->l->loop);

	if (lis->bad_at == 0 || now - lis->bad_at >= BAD_EVERY) {
		lis->bad_at = now;
		send_notify(lis->life, &notify);
	}
}

void
rv_listen_lend(struct rv_life *life, uid_t user)
{
	struct rv_listener *lis = life->listener;
	char name[RV_LISTEN_NAME_MAX];

	if (lis == NULL) {
		return;
	}
	lis->is_lent = true;
	lis->user = user;
	rv_listen_name(life->l, life->life, life->keep, name);
	if (name[0] != '@' && chown(name, user, (gid_t)-1) == -1) {
		rv_launcher_trouble(
		    life->l, errno, "cannot let user %u reach %s", user, name);
	}
}

static bool
is_allowed(const struct rv_listener *lis, const struct rv_packet *packet)
{
	const struct rv_life *life = lis->life;
	const struct rv_launcher *l = life->l;

	return packet->has_cred && packet->pid != 0 &&
	       (packet->uid == l->uid || packet->uid == 0 ||
		   (life->keep->set_user && packet->uid == life->keep->uid) ||
		   (lis->is_lent && packet->uid == lis->user));
}

/*
 * A report holds a pipe open until its page has been read, which is not ours to
 * do: its end goes along with the word.
 */
static void
pass_on(struct rv_life *life, const struct rv_notify *notify,
    const struct rv_packet *packet)
{
	struct rv_launch_frame frame = {
		.op = RV_LAUNCH_NOTIFY, .life = life->life, .notify = *notify
	};
	bool reports =
	    (notify->flags & RV_NOTIFY_TROUBLE) != 0 && packet->n_fds > 0;

	rv_link_send_fds(life->l, &frame, packet->fds, reports);
}

static void
handle_message(struct rv_listener *lis, struct rv_notify_message *m,
    const struct rv_packet *packet)
{
	struct rv_notify *notify = &m->notify;

	if ((notify->flags & RV_NOTIFY_MAINPID) != 0) {
		const char *why = rv_life_set_main(lis->life, notify->mainpid);

		if (why != NULL) {
			notify->flags &= ~(uint32_t)RV_NOTIFY_MAINPID;
			m->bad = why;
		}
	}
	if (notify->flags == RV_NOTIFY_WATCHDOG) {
		lis->beat = true; /* many in a turn are one */
	} else if (notify->flags != 0) {
		pass_beat(lis);
		pass_on(lis->life, notify, packet);
	}
	if (m->bad != NULL) {
		refuse(lis, m->bad);
	}
	if (m->barrier) {
		/* Its descriptor is closed next: what came before is out. */
		pass_beat(lis);
	}
}

bool
rv_listen_is_page(int fd)
{
	const int wanted = F_SEAL_SHRINK | F_SEAL_GROW;
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	return seals != -1 && (seals & wanted) == wanted &&
	       fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_size == RV_PAGE_BYTES;
}

static void
pass_page(struct rv_life *life, int fd)
{
	struct rv_launch_frame frame = { .op = RV_LAUNCH_PAGE,
		.life = life->life };

	rv_link_send_fds(life->l, &frame, &fd, 1);
}

static void
handle_page(struct rv_listener *lis, const struct rv_packet *packet)
{
	struct rv_life *life = lis->life;

	if (life->n_pages == RV_LIFE_PAGES) {
		refuse(lis, "a life has had many pages");
	} else if (packet->pid != life->main->pid) {
		refuse(lis, "a page came from another process");
	} else if (!rv_listen_is_page(packet->fds[0])) {
		refuse(lis, "a page has another size, or is not sealed");
	} else {
		life->n_pages++;
		pass_page(life, packet->fds[0]);
	}
}

/* 1: handled one, 0: nothing there. */
static int
read_message(struct rv_listener *lis)
{
	char data[RV_NOTIFY_MESSAGE_MAX + 1];
	struct rv_notify_message m;
	struct rv_packet packet;

	if (lis->is_passed) {
		rv_packet_skip(lis->notify_fd);
		lis->is_passed = false;
	}
	if (rv_packet_peek(lis->notify_fd, data, sizeof(data), &packet) != 1) {
		return 0;
	}
	(void)RV_FAULT(notify);
	if (is_allowed(lis, &packet)) {
		rv_notify_parse(data, packet.len, packet.n_fds, &m);
		if (m.page) {
			handle_page(lis, &packet);
		}
		handle_message(lis, &m, &packet);
	} else {
		refuse(lis, "a message came from another user");
	}
	rv_packet_close_fds(&packet);
	(void)RV_FAULT(notify);
	lis->is_passed = lis->life->l->link.blocked;
	if (!lis->is_passed) {
		rv_packet_skip(lis->notify_fd);
	}
	return 1;
}

static bool
read_messages(struct rv_listener *lis, unsigned limit)
{
	bool drained = lis->notify_fd == -1;

	for (unsigned i = 0;
	     !drained && i < limit && !lis->life->l->link.blocked; i++) {
		drained = read_message(lis) == 0;
	}
	pass_beat(lis);
	return drained;
}

static void
close_ready(struct rv_listener *lis)
{
	rv_io_stop(&lis->ready_io);
	close(lis->ready_fd);
	lis->ready_fd = -1;
}

/* Bytes behind the newline are nothing, but the pipe stays until its end. */
static bool
read_ready(struct rv_listener *lis, unsigned limit)
{
	struct rv_notify notify = { .flags = RV_NOTIFY_READY };
	char data[256];

	for (unsigned i = 0; lis->ready_fd != -1; i++) {
		ssize_t n;

		if (i == limit || lis->life->l->link.blocked) {
			return false;
		}
		n = rv_sys_read(lis->ready_fd, data, sizeof(data));
		if (n == -1 && errno == EAGAIN) {
			return true;
		}
		if (n > 0 && memchr(data, '\n', (size_t)n) != NULL &&
		    !lis->told) {
			lis->told = true;
			send_notify(lis->life, &notify);
		}
		if (n <= 0) {
			close_ready(lis);
		}
	}
	return true;
}

/* Watched on, a socket that cannot be read would keep the loop spinning. */
static bool
pause_listener(struct rv_listener *lis)
{
	if (!lis->life->l->link.blocked) {
		return false;
	}
	lis->paused = true;
	if (lis->notify_fd != -1) {
		rv_io_events(&lis->notify_io, 0);
	}
	if (lis->ready_fd != -1) {
		rv_io_events(&lis->ready_io, 0);
	}
	return true;
}

static void
on_notify(struct rv_io *io, unsigned events)
{
	struct rv_listener *lis =
	    RV_CONTAINER(io, struct rv_listener, notify_io);

	(void)events;
	if (!pause_listener(lis)) {
		read_messages(lis, READS_A_TURN);
	}
}

static void
on_ready(struct rv_io *io, unsigned events)
{
	struct rv_listener *lis =
	    RV_CONTAINER(io, struct rv_listener, ready_io);

	(void)events;
	if (!pause_listener(lis)) {
		read_ready(lis, READS_A_TURN);
	}
}

static void
free_listener(struct rv_listener *lis)
{
	if (lis->notify_fd != -1) {
		rv_io_stop(&lis->notify_io);
		close(lis->notify_fd);
	}
	if (lis->ready_fd != -1) {
		close_ready(lis);
	}
	if (lis->has_path) {
		char name[RV_LISTEN_NAME_MAX];

		rv_listen_name(
		    lis->life->l, lis->life->life, lis->life->keep, name);
		unlink(name);
	}
	rv_list_remove(&lis->link);
	rv_free(lis);
}

bool
rv_listen_start(struct rv_life *life, int notify_fd, int ready_fd)
{
	struct rv_listener *lis = rv_alloc(1, sizeof(*lis));
	struct rv_loop *loop = life->l->loop;

	if (lis == NULL) {
		if (notify_fd != -1) {
			close(notify_fd);
		}
		if (ready_fd != -1) {
			close(ready_fd);
		}
		return false;
	}
	lis->life = life;
	lis->notify_fd = notify_fd;
	lis->ready_fd = ready_fd;
	lis->notify_io.cb = on_notify;
	lis->ready_io.cb = on_ready;
	rv_list_init(&lis->link);
	if ((notify_fd != -1 && rv_io_start(loop, &lis->notify_io, notify_fd,
				    RV_LOOP_READ, NULL) != REEVE_OK) ||
	    (ready_fd != -1 && rv_io_start(loop, &lis->ready_io, ready_fd,
				   RV_LOOP_READ, NULL) != REEVE_OK)) {
		free_listener(lis);
		return false;
	}
	lis->has_path = notify_fd != -1;
	rv_list_insert(&life->l->listeners, &lis->link);
	life->listener = lis;
	return true;
}

/* Refused or no such file: nobody holds a socket of that name. */
static bool
is_held(const char *name)
{
	struct sockaddr_un addr;
	socklen_t len = make_address(name, &addr);
	int fd = rv_sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	bool held = false;

	if (fd != -1) {
		held = connect(fd, (struct sockaddr *)&addr, len) == 0 ||
		       (errno != ECONNREFUSED && errno != ENOENT);
		close(fd);
	}
	return held;
}

static bool
bind_anew(struct rv_life *life)
{
	int fd = rv_listen_bind(life->l, life->life, life->keep);

	if (fd == -1) {
		return false;
	}
	rv_listen_take(life, fd);
	if (life->listener->notify_fd == -1) {
		errno = ENOMEM;
		return false;
	}
	rv_outputs_notify(&life->l->outputs, life);
	return true;
}

bool
rv_listen_adopt(struct rv_life *life)
{
	char name[RV_LISTEN_NAME_MAX];

	if (!rv_listen_start(life, -1, -1)) {
		errno = ENOMEM;
		return false;
	}
	rv_listen_name(life->l, life->life, life->keep, name);
	life->listener->has_path = true;
	life->listener->awaits = is_held(name);
	return life->listener->awaits || bind_anew(life);
}

bool
rv_listen_awaits(const struct rv_life *life)
{
	return life->listener != NULL && life->listener->awaits;
}

void
rv_listen_take(struct rv_life *life, int notify_fd)
{
	struct rv_listener *lis = life->listener;

	lis->awaits = false;
	if (rv_io_start(life->l->loop, &lis->notify_io, notify_fd, RV_LOOP_READ,
		NULL) != REEVE_OK) {
		close(notify_fd);
		rv_launcher_trouble(life->l, ENOMEM,
		    "cannot hear process %d any more", life->lead.pid);
		return;
	}
	lis->notify_fd = notify_fd;
}

void
rv_listen_renew(struct rv_launcher *l)
{
	RV_LIST_EACH (lis, &l->listeners, struct rv_listener, link) {
		if (!lis->awaits) {
			continue;
		}
		lis->awaits = false;
		if (!bind_anew(lis->life)) {
			rv_launcher_trouble(l, errno,
			    "cannot hear process %d any more",
			    lis->life->lead.pid);
		}
	}
}

void
rv_listen_stop(struct rv_life *life)
{
	if (life->listener != NULL) {
		free_listener(life->listener);
		life->listener = NULL;
	}
}

bool
rv_listen_drain(struct rv_life *life)
{
	struct rv_listener *lis = life->listener;

	if (lis == NULL) {
		return true;
	}
	read_messages(lis, READS_A_DRAIN);
	read_ready(lis, READS_A_DRAIN);
	return !life->l->link.blocked;
}

static void
on_sync(struct rv_defer *defer)
{
	struct rv_launcher *l = defer->ctx;

	RV_LIST_EACH (lis, &l->listeners, struct rv_listener, link) {
		if (!rv_listen_drain(lis->life)) {
			return; /* again from rv_lives_resume */
		}
	}
	for (unsigned i = 0; i < l->n_syncs; i++) {
		struct rv_launch_frame frame = { .op = RV_LAUNCH_SYNCED,
			.life = l->syncs[i] };

		rv_link_send(l, &frame);
	}
	l->n_syncs = 0;
}

/* One pass answers all that asked in this turn. */
void
rv_listen_sync(struct rv_launcher *l, uint64_t token)
{
	RV_ASSERT(l->n_syncs < RV_SYNCS_MAX);
	l->syncs[l->n_syncs++] = token;
	l->sync_soon.cb = on_sync;
	l->sync_soon.ctx = l;
	rv_loop_defer(l->loop, &l->sync_soon);
}

void
rv_listen_resume(struct rv_launcher *l)
{
	RV_LIST_EACH (lis, &l->listeners, struct rv_listener, link) {
		if (!lis->paused) {
			continue;
		}
		lis->paused = false;
		if (lis->notify_fd != -1) {
			rv_io_events(&lis->notify_io, RV_LOOP_READ);
		}
		if (lis->ready_fd != -1) {
			rv_io_events(&lis->ready_io, RV_LOOP_READ);
		}
	}
	if (l->n_syncs > 0) {
		rv_loop_defer(l->loop, &l->sync_soon);
	}
}
