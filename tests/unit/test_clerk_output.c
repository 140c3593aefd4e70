/* SPDX-License-Identifier: MIT */
/* What workers write, from their pipes into files. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/harness.h"
#include "sys/sys.h"
#include "unit/clerk_rig.h"

static struct crig rig;

static bool
is_connected(struct crig *r)
{
	return r->out != -1;
}

static void
begin(const char *faults)
{
	crig_open(&rig, faults);
	CU_ASSERT_FATAL(crig_wait(&rig, is_connected));
}

static void
init(void)
{
	crig_init(&rig);
	rig.connects = true;
}

static void
end_writers(int w[2])
{
	for (unsigned i = 0; i < 2; i++) {
		if (w[i] != -1) {
			close(w[i]);
			w[i] = -1;
		}
	}
}

static uint64_t waited_for;
static uint32_t waited_streams;

static bool
is_done(struct crig *r)
{
	return (r->done[waited_for] & waited_streams) == waited_streams;
}

static bool
wait_done(uint64_t life, uint32_t streams)
{
	waited_for = life;
	waited_streams = streams;
	return crig_wait(&rig, is_done);
}

static off_t
size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : -1;
}

/* Write as much as there is while the clerk goes on. */
static void
write_all(int fd, const char *data, size_t len)
{
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n == -1) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };

			CU_ASSERT_FATAL(errno == EAGAIN);
			poll(&p, 1, 10);
			crig_turn(&rig);
			continue;
		}
		data += n;
		len -= (size_t)n;
	}
}

RV_TEST(both_streams_go_into_their_files)
{
	const char *out;
	int w[2];

	init();
	begin(NULL);
	out = crig_file(&rig, "logs/web.stdout.log");
	crig_pipe(&rig, 1, "web", out, crig_file(&rig, "logs/web.stderr.log"),
	    0, 0, w);
	CU_ASSERT(crig_write(w[0], "hello\n"));
	CU_ASSERT(crig_write(w[1], "oops\n"));
	crig_sync(&rig);
	CU_ASSERT(crig_contains(out, "hello\n"));
	CU_ASSERT(
	    crig_contains(crig_file(&rig, "logs/web.stderr.log"), "oops\n"));
	end_writers(w);
	CU_ASSERT(wait_done(1, 3));
	crig_finish(&rig);
}

RV_TEST(the_last_words_of_a_life_are_kept)
{
	const char *text;
	int w[2], v[2];

	init();
	rig.conf.output_tail = 10;
	begin(NULL);
	/* Two lives one after the other into the same files. */
	crig_pipe(&rig, 1, "web", crig_file(&rig, "logs/o"),
	    crig_file(&rig, "logs/e"), 0, 0, w);
	crig_started(&rig, 1, "web", getpid());
	CU_ASSERT(crig_write(w[0], "out of one\n"));
	CU_ASSERT(crig_write(w[1], "this is the end\n"));
	end_writers(w);
	crig_ended(&rig, 1);
	crig_exited(&rig, 1, "web", 1);
	crig_pipe(&rig, 2, "web", crig_file(&rig, "logs/o"),
	    crig_file(&rig, "logs/e"), 0, 0, v);
	crig_started(&rig, 2, "web", getpid());
	CU_ASSERT(crig_write(v[0], "two\n"));
	crig_exited(&rig, 2, "web", 1);
	crig_sync(&rig);
	text = crig_text(&rig, "SELECT output_tail FROM lives WHERE id = 1");
	CU_ASSERT_STRING_EQUAL(text, "s the end\n");
	text = crig_text(&rig, "SELECT output_tail FROM lives WHERE id = 2");
	CU_ASSERT_STRING_EQUAL(text, "two\n");
	end_writers(v);
	CU_ASSERT(wait_done(2, 3));
	crig_finish(&rig);
}

RV_TEST(last_words_are_waited_for_when_the_launcher_is_behind)
{
	enum { N = 30 };
	int w[2];

	init();
	begin(NULL);
	rig.holds = true;
	for (unsigned i = 1; i <= N; i++) {
		crig_pipe(
		    &rig, i, "web", crig_file(&rig, "logs/o"), NULL, 0, 0, w);
		crig_started(&rig, i, "web", getpid());
		CU_ASSERT(crig_write(w[0], "words\n"));
		end_writers(w);
		crig_exited(&rig, i, "web", 1);
	}
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM lives WHERE "
					  "output_tail = 'words\n'"),
	    N);
	/* One that has no output does not make it ask again and again. */
	rig.n_catch_up = 0;
	for (unsigned i = 0; i < 10; i++) {
		crig_started(&rig, N + 1 + i, "mute", getpid());
		crig_exited(&rig, N + 1 + i, "mute", 1);
		crig_sync(&rig);
	}
	CU_ASSERT(rig.n_catch_up <= 1);
	crig_finish(&rig);
}

RV_TEST(a_life_that_said_nothing_has_no_last_words)
{
	int w[2];

	init();
	begin(NULL);
	crig_pipe(&rig, 1, "web", crig_file(&rig, "logs/o"), NULL, 0, 0, w);
	CU_ASSERT(crig_write(w[0], "of another life\n"));
	end_writers(w);
	CU_ASSERT(wait_done(1, 1));
	crig_pipe(&rig, 2, "web", crig_file(&rig, "logs/o"), NULL, 0, 0, w);
	crig_started(&rig, 2, "web", getpid());
	end_writers(w);
	crig_exited(&rig, 2, "web", 1);
	crig_exited(&rig, 3, "web", 1);
	crig_sync(&rig);
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT COUNT(*) FROM lives WHERE output_tail IS"
			      " NULL"),
	    2);
	crig_finish(&rig);
}

RV_TEST(words_that_are_no_text_become_text)
{
	int w[2];

	init();
	begin(NULL);
	crig_pipe(&rig, 1, "web", crig_file(&rig, "logs/o"), NULL, 0, 0, w);
	crig_started(&rig, 1, "web", getpid());
	CU_ASSERT_EQUAL(write(w[0], "a\0b\xff\xc3\xa4\n", 7), 7);
	end_writers(w);
	crig_exited(&rig, 1, "web", 1);
	crig_sync(&rig);
	CU_ASSERT_STRING_EQUAL(crig_text(&rig, "SELECT output_tail FROM lives"),
	    "a\xef\xbf\xbd"
	    "b\xef\xbf\xbd\xc3\xa4\n");
	/* The file has the bytes as they were. */
	CU_ASSERT_EQUAL(size_of(crig_file(&rig, "logs/o")), 7);
	crig_finish(&rig);
}

RV_TEST(files_rotate_between_lines)
{
	char line[16];
	size_t len, sum = 0;
	char *text;
	int w[2];

	init();
	begin(NULL);
	crig_pipe(&rig, 1, "web", crig_file(&rig, "logs/o"), NULL, 1000, 3, w);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(line, sizeof(line), "line %04u\n", i);
		write_all(w[0], line, strlen(line));
	}
	crig_sync(&rig);
	for (unsigned i = 0; i <= 3; i++) {
		char name[32];

		snprintf(name, sizeof(name), i > 0 ? "logs/o.%u" : "logs/o", i);
		text = crig_slurp(crig_file(&rig, name), &len);
		CU_ASSERT_PTR_NOT_NULL_FATAL(text);
		CU_ASSERT(len <= 1000);
		CU_ASSERT(i == 0 || len == 1000);
		CU_ASSERT(len == 0 || memcmp(text, "line ", 5) == 0);
		sum += len;
		free(text);
	}
	CU_ASSERT(sum >= 3000);
	CU_ASSERT(access(crig_file(&rig, "logs/o.4"), F_OK) == -1);
	CU_ASSERT(crig_contains(crig_file(&rig, "logs/o"), "line 0999\n") ||
		  crig_contains(crig_file(&rig, "logs/o.1"), "line 0999\n"));
	end_writers(w);
	CU_ASSERT(wait_done(1, 1));
	crig_finish(&rig);
}

RV_TEST(without_backups_a_file_begins_anew)
{
	int w[2];

	init();
	begin(NULL);
	crig_pipe(&rig, 1, "web", crig_file(&rig, "logs/o"), NULL, 100, 0, w);
	for (unsigned i = 0; i < 100; i++) {
		write_all(w[0], "0123456789\n", 11);
	}
	crig_sync(&rig);
	CU_ASSERT(size_of(crig_file(&rig, "logs/o")) <= 100);
	CU_ASSERT(access(crig_file(&rig, "logs/o.1"), F_OK) == -1);
	end_writers(w);
	CU_ASSERT(wait_done(1, 1));
	crig_finish(&rig);
}

RV_TEST(last_words_are_found_across_a_rotation)
{
	int w[2];

	init();
	rig.conf.output_tail = 60;
	begin(NULL);
	crig_pipe(&rig, 1, "web", crig_file(&rig, "logs/o"), NULL, 44, 2, w);
	crig_started(&rig, 1, "web", getpid());
	for (unsigned i = 0; i < 9; i++) {
		char line[16];

		snprintf(line, sizeof(line), "line %04u\n", i);
		write_all(w[0], line, strlen(line));
	}
	end_writers(w);
	crig_exited(&rig, 1, "web", 1);
	crig_sync(&rig);
	CU_ASSERT_STRING_EQUAL(crig_text(&rig, "SELECT output_tail FROM lives"),
	    "line 0003\nline 0004\nline 0005\nline 0006\nline 0007\nline "
	    "0008\n");
	crig_finish(&rig);
}

RV_TEST(ten_megabytes_without_newline_are_captured)
{
	enum { SIZE = 10 * 1024 * 1024 };
	char *data = malloc(SIZE);
	size_t len;
	char *text;
	int w[2];

	init();
	begin(NULL);
	for (size_t i = 0; i < SIZE; i++) {
		data[i] = (char)(i * 7 % 251 + 1);
		data[i] = data[i] == '\n' ? 'n' : data[i];
	}
	crig_pipe(&rig, 1, "web", crig_file(&rig, "logs/o"), NULL, 0, 0, w);
	write_all(w[0], data, SIZE);
	end_writers(w);
	CU_ASSERT(wait_done(1, 1));
	crig_sync(&rig);
	text = crig_slurp(crig_file(&rig, "logs/o"), &len);
	CU_ASSERT_EQUAL_FATAL(len, SIZE);
	CU_ASSERT(memcmp(text, data, SIZE) == 0);
	free(text);
	free(data);
	crig_finish(&rig);
}

static const char *awaited_file;
static off_t awaited_size;

static bool
is_written(struct crig *r)
{
	(void)r;
	return size_of(awaited_file) >= awaited_size;
}

/* No sync: that would have all pipes read. */
static bool
wait_size(const char *file, off_t size)
{
	awaited_file = file;
	awaited_size = size;
	return crig_wait(&rig, is_written) && size_of(file) == size;
}

#define LINE  100
#define LINES 100000

static void
write_line(int fd, unsigned number)
{
	char line[LINE + 1];

	snprintf(line, sizeof(line), "%0*u\n", LINE - 1, number);
	write_all(fd, line, LINE);
}

static bool
are_in_order(const char *file, unsigned n)
{
	size_t len = 0;
	char *text = crig_slurp(file, &len);
	bool good = len == (size_t)n * LINE;

	for (unsigned i = 0; good && i < n; i++) {
		good = strtoul(text + (size_t)i * LINE, NULL, 10) == i;
	}
	free(text);
	return good;
}

/* Such a pipe is read by a timer: what is written before and after, as well. */
RV_TEST(small_writes_without_a_pause_are_captured_and_so_are_single_ones)
{
	const char *out;
	unsigned n = 0;
	int w[2];

	init();
	begin(NULL);
	out = crig_file(&rig, "logs/web.stdout.log");
	crig_pipe(&rig, 1, "web", out, crig_file(&rig, "logs/web.stderr.log"),
	    0, 0, w);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < LINES / 3; i++) {
			write_line(w[0], n++);
		}
		CU_ASSERT(wait_size(out, (off_t)n * LINE));
		for (unsigned i = 0; i < 20; i++) {
			write_line(w[0], n++);
			CU_ASSERT(wait_size(out, (off_t)n * LINE));
		}
	}
	for (unsigned i = 0; i < 1000; i++) {
		write_line(w[0], n++);
	}
	end_writers(w);
	CU_ASSERT(wait_done(1, 3));
	CU_ASSERT(wait_size(out, (off_t)n * LINE));
	CU_ASSERT(are_in_order(out, n));
	crig_finish(&rig);
}

RV_TEST(a_line_longer_than_a_file_is_cut)
{
	char data[1000];
	int w[2];

	init();
	begin(NULL);
	memset(data, 'x', sizeof(data));
	crig_pipe(&rig, 1, "web", crig_file(&rig, "logs/o"), NULL, 300, 9, w);
	write_all(w[0], data, sizeof(data));
	end_writers(w);
	CU_ASSERT(wait_done(1, 1));
	crig_sync(&rig);
	CU_ASSERT_EQUAL(size_of(crig_file(&rig, "logs/o")), 100);
	CU_ASSERT_EQUAL(size_of(crig_file(&rig, "logs/o.3")), 300);
	crig_finish(&rig);
}

RV_TEST(a_deleted_log_directory_is_made_again)
{
	int w[2];

	init();
	begin(NULL);
	crig_pipe(&rig, 1, "web", crig_file(&rig, "logs/o"), NULL, 0, 0, w);
	write_all(w[0], "before\n", 7);
	crig_sync(&rig);
	CU_ASSERT_EQUAL(unlink(crig_file(&rig, "logs/o")), 0);
	CU_ASSERT_EQUAL(rmdir(crig_file(&rig, "logs")), 0);
	while (access(crig_file(&rig, "logs/o"), F_OK) == -1) {
		write_all(w[0], "after\n", 6);
		crig_sync(&rig);
		poll(NULL, 0, 20);
	}
	CU_ASSERT(crig_contains(crig_file(&rig, "logs/o"), "after\n"));
	CU_ASSERT(!crig_contains(crig_file(&rig, "logs/o"), "before\n"));
	end_writers(w);
	CU_ASSERT(wait_done(1, 1));
	crig_finish(&rig);
}

static bool
disk_is_bad(struct crig *r)
{
	return r->n_disk_bad > 0;
}

static bool
was_dropped(struct crig *r)
{
	return r->dropped > 0;
}

RV_TEST(what_is_no_plain_file_is_refused_and_said)
{
	const char *link;
	int w[2];

	init();
	begin(NULL);
	CU_ASSERT_EQUAL(mkdir(crig_file(&rig, "logs"), 0700), 0);
	link = crig_file(&rig, "logs/o");
	CU_ASSERT_EQUAL(symlink(crig_file(&rig, "target"), link), 0);
	crig_pipe(&rig, 1, "web", link, NULL, 0, 0, w);
	write_all(w[0], "secret\n", 7);
	CU_ASSERT(crig_wait(&rig, disk_is_bad));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.disk, "symbolic link"));
	CU_ASSERT(access(crig_file(&rig, "target"), F_OK) == -1);
	/* What went nowhere is counted. */
	end_writers(w);
	crig_ended(&rig, 1);
	crig_exited(&rig, 1, "web", 0);
	CU_ASSERT(crig_wait(&rig, was_dropped));
	CU_ASSERT_EQUAL(rig.dropped, 7);
	CU_ASSERT_STRING_EQUAL(rig.dropped_path, "web");
	/* Two names. */
	rig.n_disk_bad = 0;
	CU_ASSERT_EQUAL(close(creat(crig_file(&rig, "logs/p"), 0600)), 0);
	CU_ASSERT_EQUAL(rename(link, crig_file(&rig, "logs/q")), 0);
	CU_ASSERT_EQUAL(
	    linkat(AT_FDCWD, crig_file(&rig, "logs/p"), AT_FDCWD, link, 0), 0);
	crig_pipe(&rig, 2, "web", crig_file(&rig, "logs/p"), NULL, 0, 0, w);
	write_all(w[0], "secret\n", 7);
	CU_ASSERT(crig_wait(&rig, disk_is_bad));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.disk, "more than one name"));
	end_writers(w);
	CU_ASSERT(wait_done(2, 1));
	crig_finish(&rig);
}

RV_TEST(an_end_is_the_end_though_somebody_holds_the_pipe)
{
	int w[2];

	init();
	begin(NULL);
	crig_pipe(&rig, 1, "web", crig_file(&rig, "logs/o"), NULL, 0, 0, w);
	write_all(w[0], "last\n", 5);
	crig_ended(&rig, 1);
	CU_ASSERT(wait_done(1, 1));
	crig_sync(&rig);
	CU_ASSERT(crig_contains(crig_file(&rig, "logs/o"), "last\n"));
	end_writers(w);
	crig_finish(&rig);
}

static bool
is_back(struct crig *r)
{
	return r->n_ready > 1 && r->n_want > 1;
}

RV_TEST(a_new_clerk_goes_on_with_the_pipes)
{
	int w[2];

	init();
	begin(NULL);
	crig_pipe(&rig, 1, "web", crig_file(&rig, "logs/o"), NULL, 0, 0, w);
	crig_started(&rig, 1, "web", getpid());
	write_all(w[0], "one\n", 4);
	crig_sync(&rig);
	kill(rv_clerk_pid(rig.link), SIGKILL);
	write_all(w[0], "two\n", 4);
	CU_ASSERT(crig_wait(&rig, is_back));
	write_all(w[0], "three\n", 6);
	end_writers(w);
	crig_exited(&rig, 1, "web", 0);
	crig_sync(&rig);
	CU_ASSERT(
	    crig_contains(crig_file(&rig, "logs/o"), "one\ntwo\nthree\n"));
	CU_ASSERT_STRING_EQUAL(crig_text(&rig, "SELECT output_tail FROM lives"),
	    "one\ntwo\nthree\n");
	crig_finish(&rig);
}

static bool
has_told(struct crig *r)
{
	return r->n_have >= 3;
}

RV_TEST(a_new_launcher_is_told_of_what_is_open)
{
	int w[3][2];

	init();
	begin(NULL);
	for (unsigned i = 0; i < 3; i++) {
		crig_pipe(&rig, i + 1, "web", crig_file(&rig, "logs/o"),
		    crig_file(&rig, "logs/e"), 0, 0, w[i]);
	}
	crig_sync(&rig);
	/* As if it had died, and the next knew nothing. */
	close(rig.out);
	rig.out = -1;
	for (unsigned i = 0; i < 3; i++) {
		close(rig.ends[i + 1][0]);
		close(rig.ends[i + 1][1]);
		rig.ends[i + 1][0] = rig.ends[i + 1][1] = -1;
	}
	crig_connect(&rig);
	CU_ASSERT(crig_wait(&rig, has_told));
	crig_ended(&rig, 2);
	CU_ASSERT(wait_done(2, 3));
	for (unsigned i = 0; i < 3; i++) {
		end_writers(w[i]);
	}
	CU_ASSERT(wait_done(1, 3));
	crig_finish(&rig);
}

enum { MANY = 400 };

static size_t
size_of_many(void)
{
	size_t sum = 0;

	for (unsigned i = 0; i < MANY; i++) {
		char name[32];
		off_t size;

		snprintf(name, sizeof(name), "logs/%u", i);
		size = size_of(crig_file(&rig, name));
		sum += size > 0 ? (size_t)size : 0;
	}
	return sum;
}

static bool
are_written(struct crig *r)
{
	(void)r;
	return size_of_many() == (size_t)MANY * 19 * 11;
}

RV_TEST(many_workers_are_served_at_a_time)
{
	enum { N = MANY };
	static int w[N][2];

	init();
	begin(NULL);
	for (unsigned i = 0; i < N; i++) {
		char name[32];

		snprintf(name, sizeof(name), "logs/%u", i);
		crig_pipe(&rig, i + 1, "web", crig_file(&rig, name), NULL, 0, 0,
		    w[i]);
	}
	for (unsigned round = 0; round < 19; round++) {
		for (unsigned i = 0; i < N; i++) {
			write_all(w[i][0], "0123456789\n", 11);
		}
	}
	/* The last words of those that end together have a second. */
	CU_ASSERT(crig_wait(&rig, are_written));
	for (unsigned i = 0; i < N; i++) {
		write_all(w[i][0], "0123456789\n", 11);
		crig_exited(&rig, i + 1, "web", 0);
		end_writers(w[i]);
		if (i % 50 == 49) {
			crig_sync(&rig);
		}
	}
	CU_ASSERT_EQUAL(size_of_many(), N * 20 * 11);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM lives WHERE"
					  " length(output_tail) = 220"),
	    N);
	crig_finish(&rig);
}

RV_TEST(last_words_are_read_when_the_supervisor_vanishes)
{
	int w[2];
	pid_t pid;

	init();
	begin(NULL);
	crig_pipe(&rig, 1, "web", crig_file(&rig, "logs/o"), NULL, 0, 0, w);
	crig_started(&rig, 1, "web", getpid());
	crig_sync(&rig);
	pid = crig_vanish(&rig);
	/* The launcher goes on for a while. */
	CU_ASSERT(crig_write(w[0], "good bye\n"));
	CU_ASSERT_EQUAL(kill(pid, 0), 0);
	close(rig.out);
	rig.out = -1;
	CU_ASSERT_EQUAL(crig_await(pid), 0);
	CU_ASSERT(crig_contains(crig_file(&rig, "logs/o"), "good bye\n"));
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT end_reason || output_tail FROM lives"),
	    "lostgood bye\n");
	end_writers(w);
	crig_finish(&rig);
}

RV_SUITE(clerk_output, RV_CASE(both_streams_go_into_their_files),
    RV_CASE(the_last_words_of_a_life_are_kept),
    RV_CASE(last_words_are_waited_for_when_the_launcher_is_behind),
    RV_CASE(a_life_that_said_nothing_has_no_last_words),
    RV_CASE(words_that_are_no_text_become_text),
    RV_CASE(files_rotate_between_lines),
    RV_CASE(without_backups_a_file_begins_anew),
    RV_CASE(last_words_are_found_across_a_rotation),
    RV_CASE(ten_megabytes_without_newline_are_captured),
    RV_CASE(small_writes_without_a_pause_are_captured_and_so_are_single_ones),
    RV_CASE(a_line_longer_than_a_file_is_cut),
    RV_CASE(a_deleted_log_directory_is_made_again),
    RV_CASE(what_is_no_plain_file_is_refused_and_said),
    RV_CASE(an_end_is_the_end_though_somebody_holds_the_pipe),
    RV_CASE(a_new_clerk_goes_on_with_the_pipes),
    RV_CASE(a_new_launcher_is_told_of_what_is_open),
    RV_CASE(many_workers_are_served_at_a_time),
    RV_CASE(last_words_are_read_when_the_supervisor_vanishes))
