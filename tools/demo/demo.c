/* SPDX-License-Identifier: MIT */
/*
 * The workers of config/quickstart.json: one program that behaves as its first
 * argument says. Uses nothing of reeve: readiness and heartbeats go to the
 * socket in NOTIFY_SOCKET, as any program for systemd does it.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void
notify(const char *message)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (path == NULL || strlen(path) >= sizeof(to.sun_path)) {
		return;
	}
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1) {
		return;
	}
	if (to.sun_path[0] == '@') {
		to.sun_path[0] = '\0';
	}
	if (sendto(fd, message, strlen(message), 0, (struct sockaddr *)&to,
		sizeof(to)) == -1) {
		perror("demo: cannot notify");
	}
	close(fd);
}

/* Time passes in which there is nothing to do. */
static void
idle(int ms)
{
	poll(NULL, 0, ms);
}

static void
serve(int seconds)
{
	for (int i = 0; i != seconds; i++) {
		notify("WATCHDOG=1");
		idle(1000);
	}
}

/* Works for ever. */
static void
steady(void)
{
	puts("steady: serving");
	notify("READY=1\nSTATUS=serving");
	serve(-1);
}

/* Follows a pointer to nowhere after a while. */
static void
crash(void)
{
	volatile int *volatile nowhere = NULL;

	puts("crash: started, all is well");
	notify("READY=1\nSTATUS=all is well, for now");
	serve(5);
	fputs("crash: order 4711 has no customer\n", stderr);
	*nowhere = 4711;
}

/* Stays alive and stops answering. */
static void
hang(void)
{
	puts("hang: started");
	notify("READY=1");
	serve(6);
	puts("hang: waiting for a lock that nobody will give back");
	for (;;) {
		pause();
	}
}

/* Says much more than anybody reads. */
static void
flood(void)
{
	notify("READY=1");
	for (unsigned long n = 0;; n++) {
		printf("flood: line %lu of a very talkative program\n", n);
		if (n % 5000 == 4999) {
			notify("WATCHDOG=1");
			idle(250);
		}
	}
}

/* Ends with an error now and then, and takes its group along. */
static void
flaky(void)
{
	puts("flaky: connected");
	notify("READY=1");
	serve(9);
	fputs("flaky: lost the connection, giving up\n", stderr);
	exit(3);
}

static const struct {
	const char *name;
	void (*run)(void);
} modes[] = {
	{ "steady", steady },
	{ "crash", crash },
	{ "hang", hang },
	{ "flood", flood },
	{ "flaky", flaky },
};

int
main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (argc == 2 && strcmp(argv[1], modes[i].name) == 0) {
			modes[i].run();
			return 0;
		}
	}
	fputs("usage: demo steady|crash|hang|flood|flaky\n", stderr);
	return 2;
}
