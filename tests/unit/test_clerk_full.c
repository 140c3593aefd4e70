/* SPDX-License-Identifier: MIT */
/*
 * The clerk as root: a disk that is really full, and log files that belong to
 * whoever writes them. Mounts in a namespace of its own.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/harness.h"
#include "sys/sys.h"
#include "unit/clerk_rig.h"

#define NOBODY 65534

static struct crig rig;

static bool
disk_is_bad(struct crig *r)
{
	return r->n_disk_bad > 0;
}

static bool
disk_is_good(struct crig *r)
{
	return r->n_disk_ok > 0 && r->n_disk_ok == r->n_disk_bad;
}

static bool
is_connected(struct crig *r)
{
	return r->out != -1;
}

/* The state directory is a disk of one MiB. */
static void
init_small(void)
{
	crig_init(&rig);
	rig.connects = true;
	CU_ASSERT_FATAL(unshare(CLONE_NEWNS) == 0);
	/* Where / is a folder (chroot) no mount of it can be made private. */
	CU_ASSERT_FATAL(
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ||
	    errno == EINVAL);
	CU_ASSERT_FATAL(
	    mount("none", rig.state, "tmpfs", 0, "size=1m,mode=0700") == 0);
}

static void
finish_small(void)
{
	crig_finish(&rig);
	CU_ASSERT_EQUAL(umount(rig.state), 0);
}

/* Leave so many bytes free. */
static void
fill(const char *path, size_t left)
{
	char data[4096];
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	off_t end = 0;

	memset(data, 'f', sizeof(data));
	while (write(fd, data, sizeof(data)) == sizeof(data)) {
		end += (off_t)sizeof(data);
	}
	CU_ASSERT_EQUAL(ftruncate(fd, end - (off_t)left), 0);
	close(fd);
}

RV_TEST(a_full_disk_is_said_survived_and_made_up_for)
{
	uint64_t last = 0;

	init_small();
	crig_open(&rig, NULL);
	crig_note(&rig, "a");
	crig_sync(&rig);
	fill(crig_file(&rig, "filler"), 200 * 1024);
	while (rig.n_disk_bad == 0) {
		for (unsigned i = 0; i < 20; i++) {
			last = crig_note(&rig, "a");
		}
		crig_turn(&rig);
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.disk, "full"));
	/* What the ring holds is not lost. */
	for (unsigned i = 0; i < 1000; i++) {
		last = crig_note(&rig, "a");
	}
	for (unsigned i = 0; i < 50; i++) {
		crig_turn(&rig);
	}
	CU_ASSERT_EQUAL(rig.n_lost, 0);
	CU_ASSERT_EQUAL(unlink(crig_file(&rig, "filler")), 0);
	CU_ASSERT(crig_wait(&rig, disk_is_good));
	crig_sync(&rig);
	CU_ASSERT(last > 1000);
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT COUNT(*) FROM events"), (int64_t)last);
	finish_small();
}

/*
 * Small commits write the same pages again and again: the write-ahead log is
 * soon many times what the database is.
 */
RV_TEST(a_small_disk_is_not_filled_by_what_waits_to_be_written_back)
{
	init_small();
	crig_open(&rig, NULL);
	for (unsigned i = 0; i < 200 && rig.n_disk_bad == 0; i++) {
		crig_note(&rig, "a");
		crig_sync(&rig);
	}
	CU_ASSERT_EQUAL_FATAL(rig.n_disk_bad, 0);
	/* Nor after it was full. */
	fill(crig_file(&rig, "filler"), 0);
	while (rig.n_disk_bad == 0) {
		crig_note(&rig, "a");
		crig_turn(&rig);
	}
	CU_ASSERT_EQUAL(unlink(crig_file(&rig, "filler")), 0);
	CU_ASSERT(crig_wait(&rig, disk_is_good));
	for (unsigned i = 0; i < 200 && rig.n_disk_bad == 1; i++) {
		crig_note(&rig, "a");
		crig_sync(&rig);
	}
	CU_ASSERT_EQUAL(rig.n_disk_bad, 1);
	finish_small();
}

RV_TEST(numbers_come_though_the_disk_is_full_from_the_start)
{
	init_small();
	fill(crig_file(&rig, "filler"), 0);
	crig_open(&rig, NULL);
	CU_ASSERT_EQUAL(rig.next_event, 1);
	CU_ASSERT(rig.n_disk_bad > 0);
	CU_ASSERT_EQUAL(crig_note(&rig, "a"), 1);
	CU_ASSERT_EQUAL(unlink(crig_file(&rig, "filler")), 0);
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM events"), 1);
	finish_small();
}

static uint64_t expected;

static bool
was_dropped(struct crig *r)
{
	return r->dropped > 0;
}

RV_TEST(output_beyond_a_full_disk_is_counted)
{
	char line[1001];
	int w[2];

	init_small();
	rig.conf.output_stall = 500 * RV_MS;
	crig_open(&rig, NULL);
	CU_ASSERT(crig_wait(&rig, is_connected));
	crig_pipe(&rig, 1, "w", crig_file(&rig, "logs/o"), NULL, 0, 0, w);
	fcntl(w[0], F_SETFL, O_NONBLOCK);
	memset(line, 'x', sizeof(line));
	line[999] = '\n';
	expected = 0;
	while (expected < 2000 * 1000) {
		ssize_t n = write(w[0], line, 1000);

		expected += n > 0 ? (uint64_t)n : 0;
		crig_turn(&rig);
	}
	CU_ASSERT(crig_wait(&rig, disk_is_bad));
	close(w[0]);
	crig_exited(&rig, 1, "w", 0);
	/* Its last words need no room; but its death does. */
	CU_ASSERT_EQUAL(truncate(crig_file(&rig, "logs/o"), 0), 0);
	crig_sync(&rig);
	CU_ASSERT(crig_wait(&rig, was_dropped));
	CU_ASSERT(rig.dropped < expected);
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT exit_code FROM lives WHERE id = 1"), 0);
	finish_small();
}

RV_TEST(a_log_is_opened_with_the_rights_of_its_worker)
{
	char theirs[160], ours[160], path[256];
	struct stat st;
	int w[2];

	crig_init(&rig);
	rig.connects = true;
	CU_ASSERT_EQUAL(chmod(rig.dir, 0755), 0);
	snprintf(theirs, sizeof(theirs), "%s/theirs", rig.dir);
	snprintf(ours, sizeof(ours), "%s/ours", rig.dir);
	CU_ASSERT_EQUAL(mkdir(theirs, 0700), 0);
	CU_ASSERT_EQUAL(mkdir(ours, 0755), 0);
	CU_ASSERT_EQUAL(chown(theirs, NOBODY, NOBODY), 0);
	crig_open(&rig, NULL);
	CU_ASSERT(crig_wait(&rig, is_connected));
	rig.uid = rig.gid = NOBODY;
	snprintf(path, sizeof(path), "%s/log", theirs);
	crig_pipe(&rig, 1, "w", path, NULL, 20, 2, w);
	for (unsigned i = 0; i < 5; i++) {
		CU_ASSERT(crig_write(w[0], "0123456789\n"));
	}
	crig_sync(&rig);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_uid, NOBODY);
	CU_ASSERT_EQUAL(st.st_gid, NOBODY);
	snprintf(path, sizeof(path), "%s/log.2", theirs);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_uid, NOBODY);
	close(w[0]);
	/* Where the worker may not write, neither do we. */
	snprintf(path, sizeof(path), "%s/log", ours);
	crig_pipe(&rig, 2, "w", path, NULL, 0, 0, w);
	CU_ASSERT(crig_write(w[0], "secret\n"));
	CU_ASSERT(crig_wait(&rig, disk_is_bad));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.disk, "ermission denied"));
	CU_ASSERT_EQUAL(stat(path, &st), -1);
	close(w[0]);
	/* Our own directory is ours. */
	crig_pipe(&rig, 3, "w", crig_file(&rig, "logs/o"), NULL, 0, 0, w);
	CU_ASSERT(crig_write(w[0], "fine\n"));
	crig_sync(&rig);
	CU_ASSERT_EQUAL(stat(crig_file(&rig, "logs/o"), &st), 0);
	CU_ASSERT_EQUAL(st.st_uid, 0);
	close(w[0]);
	crig_finish(&rig);
}

RV_SUITE(clerk_full, RV_CASE(a_full_disk_is_said_survived_and_made_up_for),
    RV_CASE(a_small_disk_is_not_filled_by_what_waits_to_be_written_back),
    RV_CASE(numbers_come_though_the_disk_is_full_from_the_start),
    RV_CASE(output_beyond_a_full_disk_is_counted),
    RV_CASE(a_log_is_opened_with_the_rights_of_its_worker))
