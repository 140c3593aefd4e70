/* SPDX-License-Identifier: MIT */
/* The workers' pipes, held for a clerk that comes, goes, and comes back. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/harness.h"
#include "unit/launcher_rig.h"
#include "wire/output.h"
#include "wire/packet.h"

/* A clerk that holds what it is told of. */
struct clerk {
	struct rig *rig;
	bool greeted;
	unsigned n_open, n_ended;
	unsigned at_caught_up; /* how many were open then */
	struct {
		int fds[RV_OUTPUT_FDS];
		unsigned opened;
		bool ended;
		char path[32], out[32];
		uint32_t streams, uid;
	} lives[64];
};

static void
clerk_init(struct clerk *c, struct rig *rig)
{
	memset(c, 0, sizeof(*c));
	c->rig = rig;
	for (unsigned i = 0; i < 64; i++) {
		for (unsigned k = 0; k < RV_OUTPUT_FDS; k++) {
			c->lives[i].fds[k] = -1;
		}
	}
	CU_ASSERT(rv_start_connect_clerk(rig->start, NULL) == REEVE_OK);
}

static void
clerk_drop(struct clerk *c)
{
	for (unsigned i = 0; i < 64; i++) {
		for (unsigned k = 0; k < RV_OUTPUT_FDS; k++) {
			if (c->lives[i].fds[k] != -1) {
				close(c->lives[i].fds[k]);
				c->lives[i].fds[k] = -1;
			}
		}
	}
}

static void
clerk_take(struct clerk *c, const char *data, struct rv_packet *packet)
{
	struct rv_output_frame f;
	unsigned n = 0;

	CU_ASSERT_FATAL(rv_output_decode(data, packet->len, packet->n_fds, &f));
	if (f.op == RV_OUTPUT_HELLO) {
		c->greeted = true;
	} else if (f.op == RV_OUTPUT_CAUGHT_UP) {
		c->at_caught_up = c->n_open;
	} else if (f.op == RV_OUTPUT_ENDED) {
		CU_ASSERT(!c->lives[f.life].ended);
		CU_ASSERT_EQUAL(c->lives[f.life].opened, 1);
		c->lives[f.life].ended = true;
		c->n_ended++;
	} else {
		uint64_t life = f.output.life;

		CU_ASSERT_FATAL(f.op == RV_OUTPUT_OPEN && life < 64);
		c->lives[life].opened++;
		c->n_open++;
		c->lives[life].streams = f.output.streams;
		c->lives[life].uid = f.output.uid;
		snprintf(c->lives[life].path, 32, "%s", f.output.path);
		snprintf(c->lives[life].out, 32, "%s",
		    f.output.out.path != NULL ? f.output.out.path : "");
		for (unsigned k = 0; k < RV_OUTPUT_FDS; k++) {
			if ((f.output.streams & (1u << k)) != 0) {
				int *fd = &c->lives[life].fds[k];

				if (*fd != -1) {
					close(*fd);
				}
				*fd = packet->fds[n++];
			}
		}
		packet->n_fds = 0;
	}
}

static void
clerk_turn(struct clerk *c)
{
	char data[RV_OUTPUT_FRAME_MAX];
	struct rv_packet packet;

	while (
	    c->rig->clerk_fd != -1 && rv_packet_receive(c->rig->clerk_fd, data,
					  sizeof(data), &packet) == 1) {
		clerk_take(c, data, &packet);
		rv_packet_close_fds(&packet);
	}
}

static struct clerk *clerk;

static bool
has_opened(struct rig *rig, uint64_t n)
{
	(void)rig;
	clerk_turn(clerk);
	return clerk->n_open >= n;
}

static bool
has_ended(struct rig *rig, uint64_t n)
{
	(void)rig;
	clerk_turn(clerk);
	return clerk->n_ended >= n;
}

static bool
has_caught_up(struct rig *rig, uint64_t n)
{
	(void)rig;
	(void)n;
	clerk_turn(clerk);
	return clerk->at_caught_up > 0;
}

static void
worker(struct rig_spec *s, const char *script)
{
	rig_spec(s, "/bin/sh", "-c", script, NULL);
	s->program.out = (struct rv_out){ RV_OUT_FILE, "/logs/o", 9, 1 };
	s->program.err = (struct rv_out){ RV_OUT_FILE, "/logs/e", 9, 1 };
}

static void
expect_text(int fd, const char *text)
{
	char data[64] = "";
	ssize_t n = read(fd, data, sizeof(data) - 1);

	CU_ASSERT_EQUAL(n, (ssize_t)strlen(text));
	CU_ASSERT_STRING_EQUAL(data, text);
}

RV_TEST(a_clerk_gets_both_pipes_and_hears_of_the_end)
{
	struct rig rig;
	struct rig_spec s;
	struct clerk c;
	char frame[64];
	uint64_t life;

	rig_open(&rig, NULL);
	clerk = &c;
	clerk_init(&c, &rig);
	worker(&s, "echo out; echo err >&2");
	life = rig_launch(&rig, &s);
	CU_ASSERT_FATAL(rig_wait(&rig, has_opened, 1));
	CU_ASSERT(c.greeted);
	CU_ASSERT_STRING_EQUAL(c.lives[life].path, "worker");
	CU_ASSERT_STRING_EQUAL(c.lives[life].out, "/logs/o");
	CU_ASSERT_EQUAL(c.lives[life].streams, 3);
	CU_ASSERT_EQUAL(c.lives[life].uid, geteuid());
	CU_ASSERT_FATAL(rig_wait(&rig, has_ended, 1));
	CU_ASSERT(rig_wait(&rig, rig_died, life));
	expect_text(c.lives[life].fds[0], "out\n");
	expect_text(c.lives[life].fds[1], "err\n");
	expect_text(c.lives[life].fds[1], "");
	rv_packet_send(rig.clerk_fd, frame,
	    rv_output_done(frame, sizeof(frame), life, 3), NULL, 0);
	rig_sync(&rig);
	clerk_drop(&c);
	rig_close(&rig);
}

RV_TEST(output_before_there_is_a_clerk_waits_for_it)
{
	struct rig rig;
	struct rig_spec s;
	struct clerk c;
	uint64_t life;

	rig_open(&rig, NULL);
	clerk = &c;
	worker(&s, "echo early");
	life = rig_launch(&rig, &s);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	clerk_init(&c, &rig);
	CU_ASSERT_FATAL(rig_wait(&rig, has_ended, 1));
	expect_text(c.lives[life].fds[0], "early\n");
	clerk_drop(&c);
	rig_close(&rig);
}

RV_TEST(a_new_clerk_is_told_of_all_that_is_open)
{
	enum { N = 20 };
	struct rig rig;
	struct rig_spec s;
	struct clerk c;
	char frame[64];

	rig_open(&rig, NULL);
	clerk = &c;
	clerk_init(&c, &rig);
	rig_spec(&s, "ending", NULL);
	s.program.out = (struct rv_out){ RV_OUT_FILE, "/logs/o", 9, 1 };
	s.program.err = (struct rv_out){ RV_OUT_MERGED, NULL, 0, 0 };
	for (int i = 0; i < N; i++) {
		rig_launch_ready(&rig, &s);
	}
	CU_ASSERT_FATAL(rig_wait(&rig, has_opened, N));
	/* One of them is done before the clerk dies. */
	rv_packet_send(rig.clerk_fd, frame,
	    rv_output_done(frame, sizeof(frame), 3, 1), NULL, 0);
	rig_sync(&rig);
	clerk_drop(&c);
	close(rig.clerk_fd);
	rig.clerk_fd = -1;
	rig_sync(&rig);
	clerk_init(&c, &rig);
	CU_ASSERT_FATAL(rig_wait(&rig, has_opened, N - 1));
	rig_sync(&rig);
	clerk_turn(&c);
	CU_ASSERT_EQUAL(c.n_open, N - 1);
	CU_ASSERT_EQUAL(c.lives[3].opened, 0);
	CU_ASSERT_EQUAL(c.lives[4].opened, 1);
	clerk_drop(&c);
	rig_close(&rig);
}

RV_TEST(a_new_launcher_gets_the_pipes_back_from_the_clerk)
{
	struct rig rig;
	struct rig_spec s;
	struct clerk c;
	struct rv_output have = { .streams = 1, .path = "worker" };
	char frame[512];
	uint64_t life, ended;
	int wstatus;

	rig_open(&rig, NULL);
	clerk = &c;
	clerk_init(&c, &rig);
	rig_spec(&s, "ending", NULL);
	s.program.out = (struct rv_out){ RV_OUT_FILE, "/logs/o", 9, 1 };
	life = rig_launch_ready(&rig, &s);
	ended = rig_launch_ready(&rig, &s);
	CU_ASSERT_FATAL(rig_wait(&rig, has_opened, 2));
	rig.adopt = true;
	rig.spec = &s.spec;
	kill(rig_of(&rig, ended)->pid, SIGKILL);
	CU_ASSERT_FATAL(rig_wait(&rig, has_ended, 1));
	CU_ASSERT(rig_wait(&rig, rig_died, ended));
	kill(rv_start_pid(rig.start), SIGKILL);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_n_back, 1));
	/* The client has made a new socket by itself. */
	have.out.path = "/logs/o";
	for (uint64_t i = life; i <= ended; i++) {
		have.life = i;
		CU_ASSERT_EQUAL(rv_packet_send(rig.clerk_fd, frame,
				    rv_output_encode(frame, sizeof(frame),
					RV_OUTPUT_HAVE, &have),
				    c.lives[i].fds, 1),
		    0);
	}
	c.lives[ended].ended = false;
	CU_ASSERT_FATAL(rig_wait(&rig, has_ended, 2));
	CU_ASSERT(c.lives[ended].ended);
	CU_ASSERT(!c.lives[life].ended);
	clerk_drop(&c);
	/* It is held again: our ends are closed and the worker can write. */
	clerk_init(&c, &rig);
	CU_ASSERT_FATAL(rig_wait(&rig, has_opened, 2));
	CU_ASSERT_EQUAL(c.lives[life].opened, 1);
	rv_start_kill(rig.start, life, RV_KILL_GROUP);
	CU_ASSERT_EQUAL(waitpid(rig_of(&rig, life)->pid, &wstatus, 0),
	    rig_of(&rig, life)->pid);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	clerk_drop(&c);
	rig_close(&rig);
}

/* One that is connected to its socket, and speaks again at each USR1. */
static void
talker(struct rig_spec *s)
{
	rig_spec(s, "notifier", "connect", "say", "READY=1", "await", "say",
	    "STATUS=one", "await", "say", "STATUS=two", "wait", NULL);
	s->program.ready = RV_CHANNEL_NOTIFY;
}

static bool
has_status(struct rig *rig, uint64_t life)
{
	return rig_of(rig, life)->status[0] != '\0';
}

static void
send_have(struct rig *rig, uint64_t life, int fd)
{
	struct rv_output have = {
		.life = life, .streams = RV_OUTPUT_NOTIFY, .path = "worker"
	};
	char frame[512];

	CU_ASSERT_EQUAL(
	    rv_packet_send(rig->clerk_fd, frame,
		rv_output_encode(frame, sizeof(frame), RV_OUTPUT_HAVE, &have),
		&fd, 1),
	    0);
}

RV_TEST(a_connected_worker_is_heard_through_its_socket_from_the_clerk)
{
	struct rig rig;
	struct rig_spec s;
	struct clerk c;
	uint64_t life;

	rig_open(&rig, NULL);
	clerk = &c;
	clerk_init(&c, &rig);
	talker(&s);
	life = rig_launch_ready(&rig, &s);
	CU_ASSERT_FATAL(rig_wait(&rig, has_opened, 1));
	CU_ASSERT_EQUAL(c.lives[life].streams, RV_OUTPUT_NOTIFY);
	rig.adopt = true;
	rig.spec = &s.spec;
	kill(rv_start_pid(rig.start), SIGKILL);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_n_back, 1));
	/* There it waits, in the socket that is ours alone by now. */
	kill(rig_of(&rig, life)->pid, SIGUSR1);
	rig_sync(&rig);
	send_have(&rig, life, c.lives[life].fds[2]);
	CU_ASSERT(rig_wait(&rig, has_status, life));
	CU_ASSERT_STRING_EQUAL(rig_of(&rig, life)->status, "one");
	/* The next clerk is given it again, and without a DONE lets it go. */
	clerk_drop(&c);
	clerk_init(&c, &rig);
	CU_ASSERT_FATAL(rig_wait(&rig, has_opened, 1));
	CU_ASSERT_EQUAL(c.lives[life].streams, RV_OUTPUT_NOTIFY);
	rig_of(&rig, life)->status[0] = '\0';
	kill(rig_of(&rig, life)->pid, SIGUSR1);
	CU_ASSERT(rig_wait(&rig, has_status, life));
	CU_ASSERT_STRING_EQUAL(rig_of(&rig, life)->status, "two");
	rv_start_kill(rig.start, life, RV_KILL_GROUP);
	CU_ASSERT_EQUAL(
	    waitpid(rig_of(&rig, life)->pid, NULL, 0), rig_of(&rig, life)->pid);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT(rig_wait(&rig, has_ended, 1));
	clerk_drop(&c);
	rig_close(&rig);
}

/* As every clerk does, behind all that it has. */
static void
send_had(struct rig *rig)
{
	char frame[16];

	CU_ASSERT_EQUAL(
	    rv_packet_send(rig->clerk_fd, frame,
		rv_output_bare(frame, sizeof(frame), RV_OUTPUT_HAD), NULL, 0),
	    0);
}

static void
hear_through_a_new_socket(bool says_so)
{
	struct rig rig;
	struct rig_spec s, notifier;
	struct clerk c;
	const char *fifo;
	uint64_t life;
	int go;

	rig_open(&rig, NULL);
	clerk = &c;
	clerk_init(&c, &rig);
	fifo = rig_file(&rig, says_so ? "told" : "lost");
	CU_ASSERT_FATAL(mkfifo(fifo, 0600) == 0);
	rig_spec(&notifier, "notifier", NULL);
	rig_spec(&s, "/bin/sh", "-c",
	    "\"$0\" send READY=1; read -r x <\"$1\"; \"$0\" send STATUS=new",
	    notifier.file, fifo, NULL);
	s.program.ready = RV_CHANNEL_NOTIFY;
	life = rig_launch_ready(&rig, &s);
	CU_ASSERT_FATAL(rig_wait(&rig, has_opened, 1));
	rig.adopt = true;
	rig.spec = &s.spec;
	kill(rv_start_pid(rig.start), SIGKILL);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_n_back, 1));
	rig_sync(&rig);
	/* This clerk has lost it, or is lost itself. */
	if (says_so) {
		send_had(&rig);
		CU_ASSERT_FATAL(rig_wait(&rig, has_opened, 2));
		CU_ASSERT_EQUAL(c.lives[life].streams, RV_OUTPUT_NOTIFY);
		clerk_drop(&c);
	} else {
		clerk_drop(&c);
		close(rig.clerk_fd);
		rig.clerk_fd = -1;
		clerk_init(&c, &rig);
		send_had(&rig);
		CU_ASSERT_FATAL(rig_wait(&rig, has_opened, 1));
	}
	go = open(fifo, O_WRONLY | O_CLOEXEC);
	CU_ASSERT_EQUAL(write(go, "\n", 1), 1);
	close(go);
	CU_ASSERT_EQUAL(
	    waitpid(rig_of(&rig, life)->pid, NULL, 0), rig_of(&rig, life)->pid);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, life));
	CU_ASSERT_STRING_EQUAL(rig_of(&rig, life)->status, "new");
	clerk_drop(&c);
	rig_close(&rig);
}

RV_TEST(a_socket_that_the_clerk_has_not_is_bound_anew)
{
	hear_through_a_new_socket(true);
	hear_through_a_new_socket(false);
}

RV_TEST(a_clerk_that_does_not_read_holds_up_nobody)
{
	struct rig rig;
	struct rig_spec s;
	struct clerk c;

	rig_open(&rig, NULL);
	clerk = &c;
	clerk_init(&c, &rig);
	rig_spec(&s, "ending", "exit", "0", NULL);
	s.program.out = (struct rv_out){ RV_OUT_FILE, "/logs/o", 9, 1 };
	for (int i = 0; i < 600; i++) {
		CU_ASSERT_FATAL(rig_wait(&rig, rig_died, rig_launch(&rig, &s)));
	}
	clerk_drop(&c);
	rig_close(&rig);
}

RV_TEST(a_clerk_that_asks_is_told_all_before_it_is_answered)
{
	enum { N = 40 }; /* more than its socket holds */
	struct rig rig;
	struct rig_spec s;
	struct clerk c;
	char frame[16];

	rig_open(&rig, NULL);
	clerk = &c;
	clerk_init(&c, &rig);
	rig_spec(&s, "ending", "exit", "0", NULL);
	s.program.out = (struct rv_out){ RV_OUT_FILE, "/logs/o", 9, 1 };
	for (int i = 0; i < N; i++) {
		CU_ASSERT_FATAL(rig_wait(&rig, rig_died, rig_launch(&rig, &s)));
	}
	CU_ASSERT_EQUAL(
	    rv_packet_send(rig.clerk_fd, frame,
		rv_output_bare(frame, sizeof(frame), RV_OUTPUT_CATCH_UP), NULL,
		0),
	    0);
	CU_ASSERT(rig_wait(&rig, has_caught_up, 0));
	CU_ASSERT_EQUAL(c.at_caught_up, N);
	clerk_drop(&c);
	rig_close(&rig);
}

RV_TEST(a_flood_blocks_its_writer_and_nobody_else)
{
	struct rig rig;
	struct rig_spec s;
	uint64_t flood, other;

	rig_open(&rig, NULL);
	rig_spec(&s, "flood", NULL);
	s.program.out = (struct rv_out){ RV_OUT_FILE, "/logs/o", 9, 1 };
	flood = rig_launch(&rig, &s);
	rig_spec(&s, "ending", "exit", "0", NULL);
	other = rig_launch(&rig, &s);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, other));
	CU_ASSERT(!rig_of(&rig, flood)->died);
	rv_start_kill(rig.start, flood, RV_KILL_GROUP);
	CU_ASSERT_FATAL(rig_wait(&rig, rig_died, flood));
	rig_close(&rig);
}

RV_SUITE(launcher_output, RV_CASE(a_clerk_gets_both_pipes_and_hears_of_the_end),
    RV_CASE(output_before_there_is_a_clerk_waits_for_it),
    RV_CASE(a_new_clerk_is_told_of_all_that_is_open),
    RV_CASE(a_new_launcher_gets_the_pipes_back_from_the_clerk),
    RV_CASE(a_connected_worker_is_heard_through_its_socket_from_the_clerk),
    RV_CASE(a_socket_that_the_clerk_has_not_is_bound_anew),
    RV_CASE(a_clerk_that_does_not_read_holds_up_nobody),
    RV_CASE(a_clerk_that_asks_is_told_all_before_it_is_answered),
    RV_CASE(a_flood_blocks_its_writer_and_nobody_else))
