/* SPDX-License-Identifier: MIT */
/*
 * Finding who holds an address: see holder.h. The kernel's tables of sockets
 * tell the inode of the one in the way, and the descriptors of processes whose
 * it is. Called where a socket could not be opened; looks at so many of both,
 * as a machine may have any number. Not bounded by time: what an error says is
 * not to depend on how busy the machine is.
 */
#include "config.h"

#include "super/holder.h"

#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

#define LOOKS 20000 /* each a microsecond or so */
#define SEEN_MAX                                                    \
	8 /* sockets in the way, of other addresses of the port too \
	   */

/* An address and a port of either family, as 16 bytes. */
struct place {
	uint32_t words[4]; /* in the order of the network */
	unsigned port;
};

struct search {
	const struct rv_listen *want;
	unsigned looks; /* that are left */
	unsigned long inodes[SEEN_MAX];
	unsigned n;
};

static bool
may_look(struct search *search)
{
	search->looks -= search->looks > 0;
	return search->looks > 0;
}

/* -------- sockets -------- */

static void
map_v4(struct place *place, uint32_t address)
{
	place->words[0] = place->words[1] = 0;
	place->words[2] = htonl(0xffff);
	place->words[3] = address;
}

static struct place
wanted_place(const struct rv_listen *want)
{
	const struct sockaddr *any = want->address;
	struct place place = { 0 };

	if (any->sa_family == AF_INET) {
		const struct sockaddr_in *in = want->address;

		map_v4(&place, in->sin_addr.s_addr);
		place.port = ntohs(in->sin_port);
	} else {
		const struct sockaddr_in6 *in6 = want->address;

		memcpy(place.words, &in6->sin6_addr, sizeof(place.words));
		place.port = ntohs(in6->sin6_port);
	}
	return place;
}

static bool
is_any(const struct place *place)
{
	return place->words[0] == 0 && place->words[1] == 0 &&
	       (place->words[2] == 0 || place->words[2] == htonl(0xffff)) &&
	       place->words[3] == 0;
}

static bool
are_at_odds(const struct place *a, const struct place *b)
{
	return a->port == b->port &&
	       (is_any(a) || is_any(b) ||
		   memcmp(a->words, b->words, sizeof(a->words)) == 0);
}

/* "LOCAL:PORT REMOTE:PORT STATE ... INODE" behind the number of the line. */
static bool
read_inet(const char *line, struct place *place, unsigned long *inode)
{
	const char *at = strchr(line, ':');
	uint32_t *words = place->words;
	char address[40];

	if (at == NULL ||
	    sscanf(at + 1, " %39[0-9A-F]:%x %*s %*x %*s %*s %*x %*u %*u %lu",
		address, &place->port, inode) != 3) {
		return false;
	}
	if (strlen(address) == 8) {
		map_v4(place, (uint32_t)strtoul(address, NULL, 16));
		return true;
	}
	return sscanf(address, "%8x%8x%8x%8x", &words[0], &words[1], &words[2],
		   &words[3]) == 4;
}

static bool
is_inet_in_the_way(
    const struct search *search, const char *line, unsigned long *inode)
{
	struct place want = wanted_place(search->want), there = { 0 };

	return read_inet(line, &there, inode) && are_at_odds(&want, &there);
}

/* "NUMBER: COUNT PROTOCOL FLAGS TYPE STATE INODE PATH" */
static bool
is_unix_in_the_way(
    const struct search *search, const char *line, unsigned long *inode)
{
	const struct sockaddr_un *un = search->want->address;
	char path[sizeof(un->sun_path) + 1];

	return sscanf(line, "%*s %*s %*s %*s %*s %*s %lu %108s", inode, path) ==
		   2 &&
	       strcmp(path, un->sun_path) == 0;
}

static void
read_table(struct search *search, const char *name)
{
	char path[32], line[512];
	unsigned long inode;
	FILE *file;

	rv_format(path, sizeof(path), "/proc/self/net/%s", name);
	file = fopen(path, "re");
	while (file != NULL && search->n < SEEN_MAX && may_look(search) &&
	       fgets(line, sizeof(line), file) != NULL) {
		bool found = search->want->kind == RV_LISTEN_UNIX
				 ? is_unix_in_the_way(search, line, &inode)
				 : is_inet_in_the_way(search, line, &inode);

		if (found && inode != 0) {
			search->inodes[search->n++] = inode;
		}
	}
	if (file != NULL) {
		fclose(file);
	}
}

/* Those that listen come first in the tables of the kernel. */
static void
find_sockets(struct search *search)
{
	switch (search->want->kind) {
	case RV_LISTEN_TCP:
		read_table(search, "tcp");
		read_table(search, "tcp6");
		break;
	case RV_LISTEN_UDP:
		read_table(search, "udp");
		read_table(search, "udp6");
		break;
	case RV_LISTEN_UNIX:
		read_table(search, "unix");
		break;
	}
}

/* -------- processes -------- */

static bool
holds_one(const struct search *search, int dir, const char *fd)
{
	unsigned long inode;
	char text[64];
	ssize_t n = readlinkat(dir, fd, text, sizeof(text) - 1);

	text[RV_MAX(n, (ssize_t)0)] = '\0';
	if (n <= 0 || sscanf(text, "socket:[%lu]", &inode) != 1) {
		return false;
	}
	for (unsigned i = 0; i < search->n; i++) {
		if (search->inodes[i] == inode) {
			return true;
		}
	}
	return false;
}

static bool
is_holder(struct search *search, const char *pid)
{
	const struct dirent *entry;
	bool found = false;
	char path[32];
	DIR *dir;

	rv_format(path, sizeof(path), "/proc/%.10s/fd", pid);
	dir = opendir(path);
	while (dir != NULL && !found && may_look(search) &&
	       (entry = readdir(dir)) != NULL) {
		found = holds_one(search, dirfd(dir), entry->d_name);
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return found;
}

/* What a process is called is its own choice. */
static void
name_holder(const char *pid, char *text, size_t size)
{
	char path[32], name[32] = "";
	FILE *file;

	rv_format(path, sizeof(path), "/proc/%.10s/comm", pid);
	file = fopen(path, "re");
	if (file != NULL) {
		name[fread(name, 1, sizeof(name) - 1, file)] = '\0';
		fclose(file);
	}
	name[strcspn(name, "\n")] = '\0';
	for (char *at = name; *at != '\0'; at++) {
		*at = *at < ' ' || *at > '~' ? '?' : *at;
	}
	rv_format(text, size, "pid %s (%s)", pid, name);
}

bool
rv_holder_find(const struct rv_listen *want, char *text, size_t size)
{
	struct search search = { .want = want, .looks = LOOKS };
	const struct dirent *entry;
	DIR *proc;

	text[0] = '\0';
	find_sockets(&search);
	proc = search.n > 0 ? opendir("/proc") : NULL;
	while (proc != NULL && text[0] == '\0' && may_look(&search) &&
	       (entry = readdir(proc)) != NULL) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    is_holder(&search, entry->d_name)) {
			name_holder(entry->d_name, text, size);
		}
	}
	if (proc != NULL) {
		closedir(proc);
	}
	return text[0] != '\0';
}
