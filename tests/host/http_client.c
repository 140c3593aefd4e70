/* SPDX-License-Identifier: MIT */
/*
 * A client of tools/examples/httpd.c that counts what fails:
 *
 *	http_client port           prints a port that is free at the moment
 *	http_client PORT PATH      prints the body of one answer; 1: none came
 *	http_client PORT new|keep  asks for / until TERM comes, by a connection
 *	                           for each request, or by one as long as it
 *	                           may; prints what became of them
 *
 * It never tries anything again, so that each failure counts.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in server;
static volatile sig_atomic_t over;
static char answer[4096];

static void
on_term(int signo)
{
	(void)signo;
	over = 1;
}

static int
print_free_port(void)
{
	socklen_t len = sizeof(server);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&server, len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&server, &len) != 0) {
		return 1;
	}
	printf("%d\n", ntohs(server.sin_port));
	return 0;
}

/* -1: refused. */
static int
call_server(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&server, sizeof(server)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Where the body begins, when there is all of it in these bytes. */
static char *
body_of(void)
{
	char *end = strstr(answer, "\r\n\r\n");
	char *length = strstr(answer, "Content-Length: ");

	return end != NULL && length != NULL && length < end &&
		       strlen(end + 4) == strtoul(length + 16, NULL, 10)
		   ? end + 4
		   : NULL;
}

/* One request; the body, or NULL: there was no answer, or half of one. */
static const char *
ask(int fd, const char *path)
{
	char request[300];
	size_t have = 0;
	ssize_t n;
	int len = snprintf(request, sizeof(request),
	    "GET %.200s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);

	if (send(fd, request, (size_t)len, MSG_NOSIGNAL) != len) {
		return NULL;
	}
	do {
		n = recv(fd, answer + have, sizeof(answer) - 1 - have, 0);
		have += n > 0 ? (size_t)n : 0;
		answer[have] = '\0';
	} while (n > 0 && body_of() == NULL);
	return body_of();
}

static void
ask_all_the_time(bool keep)
{
	unsigned long answered = 0, refused = 0, unanswered = 0, calls = 0;
	unsigned long bad = 0;
	int fd = -1;

	while (!over) {
		bool closed;

		if (fd == -1) {
			calls++;
			fd = call_server();
		}
		if (fd == -1) {
			refused++;
			continue;
		}
		if (ask(fd, "/") != NULL) {
			answered++;
			bad += strncmp(answer, "HTTP/1.1 200 ", 13) != 0;
			closed = strstr(answer, "Connection: close") != NULL;
		} else {
			unanswered++;
			closed = true;
		}
		if (closed || !keep) {
			close(fd);
			fd = -1;
		}
	}
	printf("answered %lu refused %lu unanswered %lu bad %lu calls %lu\n",
	    answered, refused, unanswered, bad, calls);
}

int
main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_term,
		.sa_flags = SA_RESTART };
	int fd;

	server.sin_family = AF_INET;
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (argc == 2 && strcmp(argv[1], "port") == 0) {
		return print_free_port();
	}
	if (argc != 3) {
		return 2;
	}
	server.sin_port = htons((in_port_t)strtoul(argv[1], NULL, 10));
	if (argv[2][0] != '/') {
		sigaction(SIGTERM, &action, NULL);
		ask_all_the_time(strcmp(argv[2], "keep") == 0);
		return 0;
	}
	fd = call_server();
	if (fd == -1 || ask(fd, argv[2]) == NULL) {
		return 1;
	}
	fputs(body_of(), stdout);
	return 0;
}
