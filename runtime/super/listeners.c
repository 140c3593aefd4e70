/* SPDX-License-Identifier: MIT */
/*
 * Opening, keeping and closing of the workers' sockets: see listeners.h. Waits
 * for nobody: what to do about an address that is taken is taken.c's.
 */
#include "config.h"

#include "super/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "super/holder.h"
#include "sys/sys.h"

const struct rv_listening *
rv_listeners_find(const struct rv_listeners *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++) {
		if (strcmp(set->all[i].name, name) == 0) {
			return &set->all[i];
		}
	}
	return NULL;
}

/* -------- words -------- */

/* What a person can do about it, or "". */
static const char *
remedy_of(int sys_errno, const struct rv_listen *want)
{
	bool is_file = want->kind == RV_LISTEN_UNIX;

	switch (sys_errno) {
	case EACCES:
		return is_file ? "; its directory must let this user write"
			       : "; ports below 1024 need root or "
				 "CAP_NET_BIND_SERVICE";
	case EADDRINUSE:
		return is_file
			   ? "; somebody listens there already"
			   : "; somebody listens there already (`ss -lntup` "
			     "tells who)";
	case EADDRNOTAVAIL:
		return "; no interface of this machine has that address";
	case EAFNOSUPPORT:
		return "; this kernel does not speak that family";
	case ENOENT:
		return "; its directory must be there";
	case EEXIST:
		return "; there is a file of that name that is no socket";
	default:
		return "";
	}
}

static enum reeve_status
cannot(const struct rv_listen *want, int sys_errno, struct reeve_error *err)
{
	rv_error(err, REEVE_EFAILED, "cannot listen on %s for %s: %s%s",
	    want->text, want->name, strerror(sys_errno),
	    remedy_of(sys_errno, want));
	if (err != NULL) {
		err->sys_errno = sys_errno;
	}
	return REEVE_EFAILED;
}

/* -------- one socket -------- */

/* A file with nobody behind it is left of one that did not clean up. */
static bool
make_way(const struct rv_listen *want)
{
	const struct sockaddr_un *un = want->address;
	struct stat st;
	bool stale;
	int fd;

	if (lstat(un->sun_path, &st) == -1) {
		return errno == ENOENT;
	}
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return false;
	}
	fd = rv_sys_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fd == -1) {
		return false;
	}
	stale = connect(fd, want->address, want->address_len) == -1 &&
		errno == ECONNREFUSED;
	close(fd);
	if (!stale) {
		errno = EADDRINUSE;
		return false;
	}
	return unlink(un->sun_path) == 0 || errno == ENOENT;
}

static bool
set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

static bool
set_options(int fd, const struct rv_listen *want)
{
	const struct sockaddr *address = want->address;

	if (want->kind == RV_LISTEN_UNIX) {
		/* No moment at which the file lets in more than it shall. */
		return want->mode == -1 || fchmod(fd, (mode_t)want->mode) == 0;
	}
	return (want->kind != RV_LISTEN_TCP ||
		   set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1)) &&
	       (!want->reuse_port ||
		   set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
	       (address->sa_family != AF_INET6 ||
		   set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, want->v6_only));
}

static bool
bind_and_listen(int fd, const struct rv_listen *want)
{
	const struct sockaddr_un *un = want->address;

	if (bind(fd, want->address, want->address_len) == -1) {
		return false;
	}
	if (want->kind == RV_LISTEN_UNIX && want->mode != -1 &&
	    chmod(un->sun_path, (mode_t)want->mode) == -1) {
		return false;
	}
	return want->kind == RV_LISTEN_UDP || listen(fd, want->backlog) == 0;
}

/* -1 with errno. */
static int
open_one(const struct rv_listen *want)
{
	const struct sockaddr *address = want->address;
	int type = want->kind == RV_LISTEN_UDP ? SOCK_DGRAM : SOCK_STREAM;
	int fd, saved;

	if (want->kind == RV_LISTEN_UNIX && !make_way(want)) {
		return -1;
	}
	fd = rv_sys_socket(address->sa_family, type, 0);
	if (fd != -1 &&
	    (!set_options(fd, want) || !bind_and_listen(fd, want))) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* What may differ in a socket that stays. */
static void
adjust(const struct rv_listening *item)
{
	const struct rv_listen *want = item->listen;

	if (want == NULL) {
		return;
	}
	if (want->kind != RV_LISTEN_UDP) {
		/* Fails for none that listens already. */
		(void)!listen(item->fd, want->backlog);
	}
	if (item->file != NULL && want->mode != -1) {
		(void)!chmod(item->file, (mode_t)want->mode);
	}
}

/* -------- sets -------- */

static bool
is_own_file(const struct rv_listening *item)
{
	struct stat st;

	return item->file != NULL && lstat(item->file, &st) == 0 &&
	       st.st_dev == item->dev && st.st_ino == item->ino;
}

static void
discard(struct rv_listening *item)
{
	if (item->fd != -1 && !item->borrowed && !item->lent) {
		if (is_own_file(item)) {
			unlink(item->file);
		}
		close(item->fd);
	}
	rv_free(item->name);
	rv_free(item->file);
}

void
rv_listeners_close(struct rv_listeners *set)
{
	for (size_t i = 0; i < set->n; i++) {
		discard(&set->all[i]);
	}
	rv_free(set->all);
	rv_free(set->handed);
	*set = (struct rv_listeners){ 0 };
}

/* The one before it of the same address; of the same name if it can be. */
static struct rv_listening *
find_same(struct rv_listeners *now, const struct rv_listen *want)
{
	struct rv_listening *found = NULL;

	for (size_t i = 0; now != NULL && i < now->n; i++) {
		struct rv_listening *item = &now->all[i];

		if (item->listen == NULL || item->lent ||
		    !rv_listen_is_same(item->listen, want)) {
			continue;
		}
		if (strcmp(item->name, want->name) == 0) {
			return item;
		}
		found = found == NULL ? item : found;
	}
	return found;
}

/* A name and an own copy of what is known of the file. */
static bool
describe(struct rv_listening *item, const char *name, const char *file)
{
	item->fd = -1;
	item->name = rv_strdup(name);
	item->file = file != NULL ? rv_strdup(file) : NULL;
	return item->name != NULL && (file == NULL || item->file != NULL);
}

static void
borrow(struct rv_listening *item, struct rv_listening *from)
{
	item->fd = from->fd;
	item->dev = from->dev;
	item->ino = from->ino;
	item->borrowed = from->lent = true;
}

static enum reeve_status
add_of_conf(struct rv_listeners *next, struct rv_listeners *now,
    const struct rv_listen *want, struct reeve_error *err)
{
	const struct sockaddr_un *un = want->address;
	struct rv_listening *item = &next->all[next->n++];
	struct rv_listening *same = find_same(now, want);
	struct stat st;

	if (!describe(item, want->name,
		want->kind == RV_LISTEN_UNIX ? un->sun_path : NULL)) {
		return rv_error_sys(
		    err, ENOMEM, "cannot listen on %s", want->text);
	}
	item->listen = want;
	if (same != NULL) {
		borrow(item, same);
		return REEVE_OK;
	}
	item->fd = open_one(want);
	if (item->fd == -1) {
		next->failed = want;
		return cannot(want, errno, err);
	}
	if (item->file != NULL && lstat(item->file, &st) == 0) {
		item->dev = st.st_dev;
		item->ino = st.st_ino;
	}
	return REEVE_OK;
}

static enum reeve_status
add_of_host(struct rv_listeners *next, struct rv_listening *from,
    struct reeve_error *err)
{
	struct rv_listening *item = &next->all[next->n++];

	if (!describe(item, from->name, NULL)) {
		return rv_error_sys(
		    err, ENOMEM, "cannot keep socket %s", from->name);
	}
	borrow(item, from);
	return REEVE_OK;
}

/* Of what was prepared nothing stays. */
static void
abandon(struct rv_listeners *next, struct rv_listeners *now)
{
	rv_listeners_close(next);
	for (size_t i = 0; now != NULL && i < now->n; i++) {
		now->all[i].lent = false;
	}
}

static bool
list_handed(struct rv_listeners *set)
{
	const char **names = rv_alloc(set->n + 1, sizeof(names[0]));
	size_t n = 0;

	if (names == NULL) {
		return false;
	}
	for (size_t i = 0; i < set->n; i++) {
		if (set->all[i].listen == NULL) {
			names[n++] = set->all[i].name;
		}
	}
	rv_free(set->handed);
	set->handed = names;
	return true;
}

enum reeve_status
rv_listeners_open(struct rv_listeners *next, struct rv_listeners *now,
    const struct rv_conf *conf, struct reeve_error *err)
{
	size_t most = conf->n_listens + (now != NULL ? now->n : 0);
	enum reeve_status status = REEVE_OK;

	*next = (struct rv_listeners){ 0 };
	next->all = rv_alloc(most + 1, sizeof(next->all[0]));
	if (next->all == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot open sockets");
	}
	for (unsigned i = 0; status == REEVE_OK && i < conf->n_listens; i++) {
		status = add_of_conf(next, now, &conf->listens[i], err);
	}
	for (size_t i = 0; now != NULL && status == REEVE_OK && i < now->n;
	     i++) {
		if (now->all[i].listen == NULL) {
			status = add_of_host(next, &now->all[i], err);
		}
	}
	if (status == REEVE_OK && !list_handed(next)) {
		status = rv_error_sys(err, ENOMEM, "cannot open sockets");
	}
	if (status != REEVE_OK) {
		const struct rv_listen *failed = next->failed;

		abandon(next, now);
		next->failed = failed;
	}
	return status;
}

void
rv_listeners_tell_holder(
    const struct rv_listeners *failed, struct reeve_error *err)
{
	const struct rv_listen *want = failed->failed;
	char holder[64];

	if (want != NULL && err->sys_errno == EADDRINUSE &&
	    rv_holder_find(want, holder, sizeof(holder))) {
		rv_error(err, REEVE_EFAILED,
		    "cannot listen on %s for %s: %s; %s holds it", want->text,
		    want->name, strerror(EADDRINUSE), holder);
		err->sys_errno = EADDRINUSE;
	}
}

void
rv_listeners_swap(
    struct rv_listeners *now, struct rv_listeners *next, struct rv_start *start)
{
	struct rv_listeners old = *now;

	*now = *next;
	*next = old;
	for (size_t i = 0; i < now->n; i++) {
		struct rv_listening *item = &now->all[i];
		const struct rv_listening *was =
		    rv_listeners_find(&old, item->name);

		if (item->borrowed) {
			item->borrowed = false;
			adjust(item);
		}
		if (was == NULL || was->fd != item->fd) {
			rv_start_listener(start, item->name, item->fd);
		}
	}
}

void
rv_listeners_part(struct rv_listeners *old, const struct rv_listeners *now,
    struct rv_start *start)
{
	for (size_t i = 0; i < old->n; i++) {
		const char *name = old->all[i].name;

		if (rv_listeners_find(now, name) == NULL) {
			rv_start_unlisten(start, name);
		}
	}
	rv_listeners_close(old);
}

void
rv_listeners_give(const struct rv_listeners *set, struct rv_start *start)
{
	for (size_t i = 0; i < set->n; i++) {
		rv_start_listener(start, set->all[i].name, set->all[i].fd);
	}
}

static struct rv_listening *
make_room(struct rv_listeners *set)
{
	struct rv_listening *all = rv_realloc(
	    set->all, set->n + (set->all != NULL), set->n + 2, sizeof(all[0]));

	if (all != NULL) {
		set->all = all;
	}
	return all != NULL ? &all[set->n] : NULL;
}

/* A name of the conf's stays the conf's. */
static enum reeve_status
find_place(struct rv_listeners *set, const char *name,
    struct rv_listening **item, struct reeve_error *err)
{
	for (size_t i = 0; i < set->n; i++) {
		if (strcmp(set->all[i].name, name) != 0) {
			continue;
		}
		*item = &set->all[i];
		if ((*item)->listen != NULL) {
			return rv_error(err, REEVE_EEXIST,
			    "cannot take socket %s: the config opens one of "
			    "that name",
			    name);
		}
		return REEVE_OK;
	}
	*item = make_room(set);
	if (*item == NULL || !describe(*item, name, NULL)) {
		return rv_error_sys(err, ENOMEM, "cannot take socket %s", name);
	}
	set->n++;
	return REEVE_OK;
}

static void
forget_last(struct rv_listeners *set, struct rv_listening *item)
{
	if (item->fd == -1) {
		discard(item);
		set->n--;
	}
}

enum reeve_status
rv_listeners_hand(struct rv_listeners *set, const char *name, int fd,
    struct rv_start *start, struct reeve_error *err)
{
	struct rv_listening *item;
	enum reeve_status status = find_place(set, name, &item, err);
	int copy;

	if (status != REEVE_OK) {
		return status;
	}
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy == -1) {
		status =
		    rv_error_sys(err, errno, "cannot take socket %s", name);
		forget_last(set, item);
		return status;
	}
	if (item->fd != -1) {
		close(item->fd);
	}
	item->fd = copy;
	if (!list_handed(set)) {
		return rv_error_sys(err, ENOMEM, "cannot take socket %s", name);
	}
	if (start != NULL) {
		rv_start_listener(start, name, copy);
	}
	return REEVE_OK;
}
