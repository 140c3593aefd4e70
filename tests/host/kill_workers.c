/* SPDX-License-Identifier: MIT */
/*
 * Kills workers of a program until it ends, and says how many:
 *
 *	kill_workers PID MS MOST PREFIX PROGRAM
 *
 * Every MS milliseconds one process that runs PROGRAM (its path) and whose name
 * begins with PREFIX ("pool.") gets KILL, until there were MOST: on a busy
 * machine workers may be killed faster than they begin. With MOST 0 it kills
 * nobody, and prints how many there are now. Tests of tools/examples use it,
 * each with programs in a folder of its own.
 */
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VICTIMS 1024

static pid_t victims[VICTIMS];
static size_t n_victims;

static bool
read_exe(const char *pid, char *exe, size_t size)
{
	char path[300];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	n = readlink(path, exe, size - 1);
	exe[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static bool
has_name(const char *pid, const char *prefix)
{
	char path[300], name[32] = "";
	FILE *file;
	bool has;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	file = fopen(path, "re");
	if (file == NULL) {
		return false;
	}
	has = fgets(name, sizeof(name), file) != NULL &&
	      strncmp(name, prefix, strlen(prefix)) == 0;
	fclose(file);
	return has;
}

static void
find_victims(const char *exe, const char *prefix)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	char other[4096];

	n_victims = 0;
	while (proc != NULL && n_victims < VICTIMS &&
	       (entry = readdir(proc)) != NULL) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    has_name(entry->d_name, prefix) &&
		    read_exe(entry->d_name, other, sizeof(other)) &&
		    strcmp(other, exe) == 0) {
			victims[n_victims++] =
			    (pid_t)strtol(entry->d_name, NULL, 10);
		}
	}
	if (proc != NULL) {
		closedir(proc);
	}
}

int
main(int argc, char **argv)
{
	struct pollfd end = { .events = POLLIN };
	unsigned long most, killed = 0;
	int ms;

	if (argc != 6) {
		return 2;
	}
	end.fd =
	    (int)syscall(SYS_pidfd_open, (pid_t)strtol(argv[1], NULL, 10), 0);
	ms = (int)strtol(argv[2], NULL, 10);
	most = strtoul(argv[3], NULL, 10);
	if (end.fd >= 0 && most == 0) {
		find_victims(argv[5], argv[4]);
		printf("%zu\n", n_victims);
		return 0;
	}
	while (end.fd >= 0 && poll(&end, 1, killed < most ? ms : -1) == 0) {
		find_victims(argv[5], argv[4]);
		if (n_victims > 0) {
			pid_t victim = victims[(size_t)random() % n_victims];

			killed += kill(victim, SIGKILL) == 0;
		}
	}
	printf("%lu\n", killed);
	return 0;
}
