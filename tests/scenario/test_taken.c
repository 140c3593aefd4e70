/* SPDX-License-Identifier: MIT */
/*
 * A run that finds the address of its workers taken: waited for when it
 * follows one that was killed, an error at once when not.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/harness.h"
#include "lib/live.h"

/* Holds the socket, and nothing but KILL ends it. */
#define HOLDER                                                           \
	"\"web\": { \"command\": [\"/bin/sh\", \"-c\", \"trap '' TERM; " \
	"echo >&9; exec sleep 600\"], \"listen\": [\"http\"], "          \
	"\"ready\": {\"fd\": 9}, \"stopwaitsecs\": %s }"

/* Bound, and listened on if it shall be. */
static int
take(int *port, bool listens)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons((uint16_t)*port);
	CU_ASSERT_FATAL(bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
	CU_ASSERT_FATAL(!listens || listen(fd, 1) == 0);
	CU_ASSERT_FATAL(getsockname(fd, (struct sockaddr *)&in, &len) == 0);
	*port = ntohs(in.sin_port);
	return fd;
}

static bool
may_be_taken(void *ctx)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool may;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons((uint16_t) * (int *)ctx);
	may = bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0;
	close(fd);
	return may;
}

/* The time that TERM is given to end it. */
static void
configure(struct live *live, int port, const char *patience)
{
	char members[600], holder[400];

	snprintf(holder, sizeof(holder), HOLDER, patience);
	snprintf(members, sizeof(members),
	    "\"listen\": {\"http\": \"tcp://127.0.0.1:%d\"}, "
	    "\"children\": { %s }",
	    port, holder);
	live_config(live, members);
}

/* A run with the holder, killed. */
static void
leave_behind(struct live *live, int port, const char *patience)
{
	live_open(live);
	configure(live, port, patience);
	CU_ASSERT_FATAL(live_run(live));
	CU_ASSERT(live_saw(live, "worker.ready", "web"));
	kill(live->pid, SIGKILL);
	live_wait(live, 20000);
}

/* What a run that was killed left is our child now, and ends by itself. */
static void
finish(struct live *live)
{
	live_close(live);
	while (waitpid(-1, NULL, 0) > 0) {
		continue;
	}
}

RV_TEST(an_address_that_lives_of_a_killed_run_hold_is_waited_for)
{
	struct live live;
	int port = 0;

	close(take(&port, false));
	leave_behind(&live, port, "60");
	configure(&live, port, "0.1");
	CU_ASSERT_FATAL(live_run(&live));
	CU_ASSERT(live_said(&live, "Address already in use; pid "));
	CU_ASSERT(live_said(&live, ") holds it; the run before (pid "));
	CU_ASSERT(live_said(&live, "was killed, and its workers"));
	CU_ASSERT(live_said(&live, "are free now; starting"));
	CU_ASSERT(live_saw(&live, "worker.ready", "web"));
	kill(live_pid(&live, "web"), SIGKILL);
	CU_ASSERT(live_saw(&live, "worker.ready", "web"));
	finish(&live);
}

RV_TEST(an_address_that_a_stranger_holds_is_given_up_in_the_end)
{
	struct live live;
	int port = 0, fd;

	close(take(&port, false));
	leave_behind(&live, port, "0.1");
	CU_ASSERT_FATAL(rv_test_wait(may_be_taken, &port, -1, 20000));
	fd = take(&port, true);
	CU_ASSERT_FATAL(live_run(&live));
	CU_ASSERT(live_said(&live, "trying for 10 s"));
	CU_ASSERT_EQUAL(WEXITSTATUS(live_wait(&live, 40000)), 1);
	CU_ASSERT(live_said(&live, "Address already in use"));
	CU_ASSERT(live_said(&live, "holds it; giving up"));
	/* That one ended in order: the next waits for nobody. */
	CU_ASSERT_FALSE(live_run(&live));
	CU_ASSERT_EQUAL(WEXITSTATUS(live.status), 3);
	close(fd);
	finish(&live);
}

RV_SUITE(taken,
    RV_CASE(an_address_that_lives_of_a_killed_run_hold_is_waited_for),
    RV_CASE(an_address_that_a_stranger_holds_is_given_up_in_the_end))
