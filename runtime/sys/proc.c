/* SPDX-License-Identifier: MIT */
/*
 * What /proc tells of a process, and of this boot. Used to recognise a process
 * again (its number may be another's by now, its start time cannot), never to
 * decide what a process is allowed to.
 */
#include "config.h"

#include "sys/sys.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/text.h"

#define THREAD_EXITS 0x4 /* among the kernel's flags of a thread */

/* The file's text, cut at size - 1; "" when it cannot be read. */
static size_t
read_text(const char *path, char *buf, size_t size)
{
	int fd = rv_sys_open(path, O_RDONLY, 0);
	size_t len = 0;
	ssize_t n = 1;

	while (fd != -1 && len < size - 1 && n > 0) {
		n = rv_sys_read(fd, buf + len, size - 1 - len);
		if (n > 0) {
			len += (size_t)n;
		}
	}
	if (fd != -1) {
		close(fd);
	}
	buf[len] = '\0';
	return len;
}

uint64_t
rv_sys_resident(pid_t pid)
{
	char path[48], text[256];
	unsigned long long size, pages = 0;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	read_text(path, text, sizeof(text));
	if (sscanf(text, "%llu %llu", &size, &pages) != 2) {
		return 0;
	}
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

bool
rv_sys_proc_stat(pid_t pid, pid_t *ppid, pid_t *pgrp, pid_t *sid, char *state,
    uint64_t *start_ticks)
{
	char path[48], text[1024], status;
	const char *at;
	int parent, group, session;
	unsigned long long ticks;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	read_text(path, text, sizeof(text));
	/* A program may have ')' and spaces in its name: the last one counts.
	 */
	at = strrchr(text, ')');
	if (at == NULL ||
	    sscanf(at + 1,
		" %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d"
		" %*d %*d %*d %*d %llu",
		&status, &parent, &group, &session, &ticks) != 5) {
		return false;
	}
	if (ppid != NULL) {
		*ppid = parent;
	}
	if (pgrp != NULL) {
		*pgrp = group;
	}
	if (sid != NULL) {
		*sid = session;
	}
	if (state != NULL) {
		*state = status;
	}
	if (start_ticks != NULL) {
		*start_ticks = ticks;
	}
	return true;
}

static bool
is_thread_ending(pid_t pid, const char *tid)
{
	char path[64], text[1024], state;
	const char *at;
	unsigned flags;

	snprintf(path, sizeof(path), "/proc/%d/task/%.20s/stat", (int)pid, tid);
	read_text(path, text, sizeof(text));
	at = strrchr(text, ')');
	/* One that is gone has ended. */
	return at == NULL ||
	       (sscanf(at + 1, " %c %*d %*d %*d %*d %*d %u", &state, &flags) ==
		       2 &&
		   (rv_sys_is_dead(state) || (flags & THREAD_EXITS) != 0));
}

bool
rv_sys_is_ending(pid_t pid)
{
	char path[48];
	const struct dirent *entry;
	bool ending;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	ending = dir != NULL;
	while (ending && (entry = readdir(dir)) != NULL) {
		ending = entry->d_name[0] == '.' ||
			 is_thread_ending(pid, entry->d_name);
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return ending;
}

/* What is nobody's to know but its owner's stands there as 0. */
static bool
may_look(pid_t pid)
{
	char path[48], text[16];

	snprintf(path, sizeof(path), "/proc/%d/io", (int)pid);
	return read_text(path, text, sizeof(text)) > 0;
}

int
rv_sys_zombie_status(pid_t pid, uint64_t start_ticks, int *wstatus)
{
	char path[48], text[1024], state = 0;
	const char *at;
	uint64_t ticks = 0;
	int64_t code;

	if (RV_FAULT(zombie) != 0 ||
	    !rv_sys_proc_stat(pid, NULL, NULL, NULL, &state, &ticks) ||
	    !rv_sys_is_dead(state) || ticks != start_ticks) {
		return 0;
	}
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	read_text(path, text, sizeof(text));
	text[strcspn(text, "\n")] = '\0';
	at = strrchr(text, ' '); /* the last field, since 3.5 */
	if (at == NULL || !rv_parse_int(at + 1, 0, UINT16_MAX, &code) ||
	    (code == 0 && !may_look(pid)) ||
	    rv_sys_start_ticks(pid) != start_ticks) {
		return 0;
	}
	*wstatus = (int)code;
	return 1;
}

uint64_t
rv_sys_start_ticks(pid_t pid)
{
	uint64_t ticks;

	return rv_sys_proc_stat(pid, NULL, NULL, NULL, NULL, &ticks) ? ticks
								     : 0;
}

/* The owner of its folder is another where it may not be looked into. */
bool
rv_sys_proc_uid(pid_t pid, uid_t *uid)
{
	static const char key[] = "\nUid:";
	char path[48], text[1024];
	const char *at;
	unsigned real, effective;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	read_text(path, text, sizeof(text));
	at = strstr(text, key);
	if (at == NULL ||
	    sscanf(at + strlen(key), " %u %u", &real, &effective) != 2) {
		return false;
	}
	*uid = effective;
	return true;
}

void
rv_sys_boot_id(char id[static 40])
{
	read_text("/proc/sys/kernel/random/boot_id", id, 40);
	id[strcspn(id, "\n")] = '\0';
	if (strlen(id) != 36) {
		id[0] = '\0';
	}
}
