/* SPDX-License-Identifier: MIT */
/* The supervisor and launcher of clerk tests: see clerk_rig.h. */
#include "config.h"

#include "unit/clerk_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "lib/harness.h"
#include "sys/sys.h"
#include "wire/packet.h"

#define WAIT_MS 20000

/* -------- what the link tells -------- */

static void
on_ready(void *ctx, uint64_t next_event, uint64_t next_life,
    const struct rv_stray *strays, size_t n_strays, unsigned rings_drained)
{
	struct crig *rig = ctx;

	if (rig->n_ready++ == 0) {
		rig->next_event = next_event;
		rig->next_life = next_life;
		rig->rings_drained = rings_drained;
		rig->n_strays = n_strays < 16 ? n_strays : 16;
		if (rig->n_strays > 0) {
			memcpy(rig->strays, strays,
			    rig->n_strays * sizeof(strays[0]));
		}
		rv_journal_set_first_id(rig->journal, next_event);
	}
	if (rig->token > rig->synced) {
		rv_clerk_sync(rig->link, rig->token);
	}
}

static void
on_disk(
    void *ctx, bool ok, const char *what, const char *path, const char *reason)
{
	struct crig *rig = ctx;

	rig->n_disk_ok += ok;
	rig->n_disk_bad += !ok;
	if (!ok) {
		snprintf(rig->disk, sizeof(rig->disk), "cannot %s %s: %s", what,
		    path, reason);
	}
}

static void
on_dropped(void *ctx, uint64_t life, const char *path, bool is_stderr,
    uint64_t bytes, int64_t first_us, int64_t last_us)
{
	struct crig *rig = ctx;

	(void)life;
	(void)is_stderr;
	CU_ASSERT(first_us > 0 && last_us >= first_us);
	snprintf(rig->dropped_path, sizeof(rig->dropped_path), "%s", path);
	rig->dropped += bytes;
	rig->n_dropped++;
}

static void
on_synced(void *ctx, uint64_t token)
{
	struct crig *rig = ctx;

	CU_ASSERT(token >= rig->synced);
	rig->synced = token;
}

static void
on_lost(void *ctx, int wstatus)
{
	struct crig *rig = ctx;

	(void)wstatus;
	rig->n_lost++;
}

static void
on_trouble(void *ctx, const struct reeve_error *err)
{
	struct crig *rig = ctx;

	rig->n_trouble++;
	snprintf(rig->trouble, sizeof(rig->trouble), "%s", err->text);
}

void
crig_connect(struct crig *rig)
{
	int fds[2];
	char hello[64];

	CU_ASSERT_FATAL(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
	if (rig->out != -1) {
		close(rig->out);
	}
	rig->out = fds[0];
	rv_clerk_give_launcher(rig->link, fds[1]);
	rv_packet_send(
	    rig->out, hello, rv_output_hello(hello, sizeof(hello)), NULL, 0);
}

static void
tell_open(struct crig *rig, uint64_t life)
{
	static char frame[RV_OUTPUT_FRAME_MAX];
	struct rv_output output = rig->outputs[life];
	int fds[2];
	unsigned n = 0;
	size_t len;

	output.streams = 0;
	for (unsigned i = 0; i < 2; i++) {
		if (rig->ends[life][i] != -1) {
			output.streams |= 1u << i;
			fds[n++] = rig->ends[life][i];
		}
	}
	if (n > 0) {
		len = rv_output_encode(
		    frame, sizeof(frame), RV_OUTPUT_OPEN, &output);
		CU_ASSERT_FATAL(len > 0);
		while (rv_packet_send(rig->out, frame, len, fds, n) == -1 &&
		       errno == EAGAIN) {
			struct pollfd p = { .fd = rig->out, .events = POLLOUT };

			poll(&p, 1, 1000);
		}
	}
}

static void
on_want_launcher(void *ctx)
{
	struct crig *rig = ctx;

	rig->n_want++;
	if (rig->connects) {
		crig_connect(rig);
		for (uint64_t i = 0; i < CRIG_LIVES; i++) {
			tell_open(rig, i);
		}
	}
}

static const struct rv_clerk_ops ops = {
	.ready = on_ready,
	.disk = on_disk,
	.dropped = on_dropped,
	.synced = on_synced,
	.lost = on_lost,
	.trouble = on_trouble,
	.want_launcher = on_want_launcher,
};

/* -------- what the clerk tells the launcher -------- */

static void
close_end(struct crig *rig, uint64_t life, unsigned i)
{
	if (rig->ends[life][i] != -1) {
		close(rig->ends[life][i]);
		rig->ends[life][i] = -1;
	}
}

/* Tell what was held back, and that this was all. */
static void
catch_up(struct crig *rig)
{
	char frame[16];

	rig->n_catch_up++;
	for (; rig->held > 0; rig->held--) {
		tell_open(rig, rig->held);
	}
	rv_packet_send(rig->out, frame,
	    rv_output_bare(frame, sizeof(frame), RV_OUTPUT_CAUGHT_UP), NULL, 0);
}

static void
read_launcher(struct crig *rig)
{
	static char data[RV_OUTPUT_FRAME_MAX];
	struct rv_output_frame frame;
	struct rv_packet packet;
	int got;

	while (rig->out != -1 && (got = rv_packet_receive(rig->out, data,
				      sizeof(data), &packet)) != -1) {
		if (got == 0) {
			close(rig->out);
			rig->out = -1;
			break;
		}
		CU_ASSERT_FATAL(
		    rv_output_decode(data, packet.len, packet.n_fds, &frame));
		if (frame.op == RV_OUTPUT_DONE) {
			CU_ASSERT_FATAL(frame.life < CRIG_LIVES);
			rig->done[frame.life] |= frame.streams;
			rig->n_done++;
			for (unsigned i = 0; i < 2; i++) {
				if ((frame.streams & (1u << i)) != 0) {
					close_end(rig, frame.life, i);
				}
			}
		}
		rig->n_have += frame.op == RV_OUTPUT_HAVE;
		if (frame.op == RV_OUTPUT_CATCH_UP) {
			catch_up(rig);
		}
		rv_packet_close_fds(&packet);
	}
}

/* -------- runs -------- */

void
crig_init(struct crig *rig)
{
	crig_init_in(rig, NULL);
}

void
crig_init_in(struct crig *rig, const char *name)
{
	memset(rig, 0, sizeof(*rig));
	rig->out = -1;
	rig->uid = geteuid();
	rig->gid = getegid();
	memset(rig->ends, 0xff, sizeof(rig->ends));
	snprintf(rig->dir, sizeof(rig->dir), "%s%s%s", rv_test_dir(),
	    name != NULL ? "/" : "", name != NULL ? name : "");
	if (name != NULL) {
		CU_ASSERT_FATAL(mkdir(rig->dir, 0700) == 0);
	}
	snprintf(rig->state, sizeof(rig->state), "%s/state", rig->dir);
	snprintf(rig->run, sizeof(rig->run), "%s/run", rig->dir);
	snprintf(rig->program, sizeof(rig->program), "%s/reeve-clerk",
	    rv_test_builddir());
	CU_ASSERT_FATAL(mkdir(rig->state, 0700) == 0);
	CU_ASSERT_FATAL(mkdir(rig->run, 0700) == 0);
	rig->conf = (struct rv_journal_conf){ .retain = 30 * RV_DAY,
		.max_size = (uint64_t)1 << 30,
		.output_tail = 8192,
		.ring = 1024 * 1024,
		.output_stall = 5 * RV_SEC };
}

void
crig_start(struct crig *rig, const char *faults)
{
	char boot_id[40];
	struct rv_journal_options journal = { .dir = rig->run,
		.run_id = rig->run_id,
		.size = rig->conf.ring,
		.max_units = 64,
		.version = "0.1",
		.config_digest = "0123456789abcdef",
		.config_text = "{\"children\":{}}",
		.hostname = "host",
		.boot_id = boot_id,
		.started_at_us = rv_sys_wall_us() };
	struct rv_clerk_options options = { .program = rig->program,
		.state_dir = rig->state,
		.runtime_dir = rig->run,
		.conf = &rig->conf,
		.ops = &ops,
		.ctx = rig };
	struct reeve_error err = { 0 };

	rig->n_ready = 0;
	rv_sys_boot_id(boot_id);
	rv_sys_random_hex(rig->run_id);
	CU_ASSERT_FATAL(rv_loop_create_epoll(&rig->loop, &err) == REEVE_OK);
	CU_ASSERT_FATAL(
	    rv_journal_create(&rig->journal, &journal, &err) == REEVE_OK);
	options.loop = rig->loop;
	options.journal = rig->journal;
	if (faults != NULL) {
		setenv("REEVE_FAULTS", faults, 1);
	}
	if (rv_clerk_open(&rig->link, &options, &err) != REEVE_OK) {
		printf("# %s\n", err.text);
		CU_FAIL_FATAL("the clerk did not start");
	}
	unsetenv("REEVE_FAULTS");
}

void
crig_open(struct crig *rig, const char *faults)
{
	crig_start(rig, faults);
	CU_ASSERT_FATAL(crig_wait(rig, crig_is_ready));
}

static void
close_db(struct crig *rig)
{
	sqlite3_close(rig->db);
	rig->db = NULL;
}

int
crig_await(pid_t pid)
{
	rv_time until = rv_sys_now() + rv_test_slow() * 30 * RV_SEC;
	int wstatus = -1;

	while (waitpid(pid, &wstatus, WNOHANG) == 0) {
		if (rv_sys_now() >= until) {
			kill(pid, SIGKILL);
		}
		poll(NULL, 0, 1);
	}
	return wstatus;
}

static void
close_run(struct crig *rig)
{
	close_db(rig);
	rv_journal_close(rig->journal);
	rig->journal = NULL;
	rv_loop_destroy(rig->loop);
	rig->loop = NULL;
	rig->link = NULL;
}

pid_t
crig_end_soon(struct crig *rig)
{
	pid_t pid = rv_clerk_pid(rig->link);
	int pidfd;

	close_db(rig);
	rv_journal_wake(rig->journal);
	rv_clerk_close(rig->link, &pidfd);
	if (pidfd != -1) {
		close(pidfd);
	}
	close_run(rig);
	return pid;
}

int
crig_end(struct crig *rig)
{
	pid_t pid = crig_end_soon(rig);

	return pid > 0 ? crig_await(pid) : -1;
}

/*
 * What a death does to others: the descriptors are closed, and nothing is
 * said. CLOSE cannot be said once the socket cannot be written.
 */
pid_t
crig_vanish(struct crig *rig)
{
	pid_t pid = rv_clerk_pid(rig->link);
	int pidfd;

	close_db(rig);
	rv_journal_wake(rig->journal);
	rv_fault_set("send=EPIPE");
	rv_clerk_close(rig->link, &pidfd);
	rv_fault_set(NULL);
	if (pidfd != -1) {
		close(pidfd);
	}
	close_run(rig);
	return pid;
}

void
crig_finish(struct crig *rig)
{
	if (rig->link != NULL) {
		crig_end(rig);
	}
	close_db(rig);
	if (rig->out != -1) {
		close(rig->out);
	}
	for (uint64_t i = 0; i < CRIG_LIVES; i++) {
		close_end(rig, i, 0);
		close_end(rig, i, 1);
	}
}

/* -------- records -------- */

uint64_t
crig_record(struct crig *rig, enum rv_kind_of_event kind, const char *path,
    uint64_t life, const struct rv_fields *fields)
{
	static const struct rv_fields none;
	struct rv_record record = { .kind = kind,
		.life = life,
		.path = path,
		.path_len = strlen(path),
		.fields = fields != NULL ? fields : &none };

	return rv_journal_record(rig->journal, &record, 0);
}

uint64_t
crig_note(struct crig *rig, const char *path)
{
	struct rv_fields fields = { 0 };

	rv_fields_int(&fields, RV_KEY_SIGNAL, 1);
	return crig_record(rig, RV_KIND_SIGNAL_RECEIVED, path, 0, &fields);
}

void
crig_started(struct crig *rig, uint64_t life, const char *path, pid_t pid)
{
	struct rv_fields fields = { 0 };

	rv_fields_int(&fields, RV_KEY_PID, pid);
	rv_fields_int(
	    &fields, RV_KEY_START_TICKS, (int64_t)rv_sys_start_ticks(pid));
	rv_fields_str(&fields, RV_KEY_METHOD, "spawn");
	rv_fields_int(&fields, RV_KEY_RESTARTS, 0);
	crig_record(rig, RV_KIND_WORKER_STARTED, path, life, &fields);
}

void
crig_exited(struct crig *rig, uint64_t life, const char *path, int code)
{
	struct rv_fields fields = { 0 };

	rv_fields_str(&fields, RV_KEY_REASON, "exited");
	rv_fields_int(&fields, RV_KEY_EXIT_CODE, code);
	rv_fields_int(&fields, RV_KEY_PID, 77);
	rv_fields_int(&fields, RV_KEY_UTIME_US, 1000);
	rv_fields_int(&fields, RV_KEY_STIME_US, 2000);
	rv_fields_int(&fields, RV_KEY_MAX_RSS_KIB, 3000);
	crig_record(rig, RV_KIND_WORKER_EXITED, path, life, &fields);
}

void
crig_stopped(struct crig *rig)
{
	struct rv_fields fields = { 0 };

	rv_fields_str(&fields, RV_KEY_REASON, "asked");
	rv_fields_int(&fields, RV_KEY_EXIT_CODE, 0);
	crig_record(rig, RV_KIND_RUNTIME_STOPPED, "/", 0, &fields);
}

/* -------- waiting -------- */

void
crig_turn(struct crig *rig)
{
	struct reeve_error err;

	rv_journal_wake(rig->journal);
	CU_ASSERT_FATAL(rv_loop_dispatch(rig->loop, rv_sys_now() + 5 * RV_MS,
			    &err) == REEVE_OK);
	read_launcher(rig);
}

bool
crig_wait(struct crig *rig, bool (*is_so)(struct crig *))
{
	rv_time until = rv_sys_now() + rv_test_slow() * WAIT_MS * RV_MS;

	while (!is_so(rig)) {
		if (rv_sys_now() >= until) {
			return false;
		}
		crig_turn(rig);
	}
	return true;
}

bool
crig_is_ready(struct crig *rig)
{
	return rig->n_ready > 0;
}

static bool
is_synced(struct crig *rig)
{
	return rig->synced >= rig->token;
}

void
crig_sync(struct crig *rig)
{
	rv_journal_wake(rig->journal);
	rv_clerk_sync(rig->link, ++rig->token);
	CU_ASSERT(crig_wait(rig, is_synced));
}

/* -------- what is there -------- */

static sqlite3_stmt *
query(struct crig *rig, const char *fmt, va_list args)
{
	sqlite3_stmt *stmt = NULL;
	char path[160], sql[1024];

	vsnprintf(sql, sizeof(sql), fmt, args);
	snprintf(path, sizeof(path), "%s/events.db", rig->state);
	if (rig->db == NULL && sqlite3_open_v2(path, &rig->db,
				   SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
		close_db(rig);
		return NULL;
	}
	sqlite3_busy_timeout(rig->db, 5000);
	if (sqlite3_prepare_v2(rig->db, sql, -1, &stmt, NULL) != SQLITE_OK) {
		printf("# %s: %s\n", sql, sqlite3_errmsg(rig->db));
		return NULL;
	}
	return stmt;
}

int64_t
crig_number(struct crig *rig, const char *fmt, ...)
{
	sqlite3_stmt *stmt;
	int64_t number = -1;
	va_list args;

	va_start(args, fmt);
	stmt = query(rig, fmt, args);
	va_end(args);
	if (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW &&
	    sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
		number = sqlite3_column_int64(stmt, 0);
	}
	sqlite3_finalize(stmt);
	return number;
}

const char *
crig_text(struct crig *rig, const char *fmt, ...)
{
	static char text[65536];
	sqlite3_stmt *stmt;
	va_list args;

	va_start(args, fmt);
	stmt = query(rig, fmt, args);
	va_end(args);
	text[0] = '\0';
	if (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW &&
	    sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
		snprintf(text, sizeof(text), "%s",
		    (const char *)sqlite3_column_text(stmt, 0));
	}
	sqlite3_finalize(stmt);
	return text;
}

const char *
crig_file(struct crig *rig, const char *name)
{
	static char paths[8][256];
	static unsigned at;
	char *path = paths[at++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", rig->state, name);
	return path;
}

char *
crig_slurp(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	struct stat st;
	char *text;

	if (f == NULL || fstat(fileno(f), &st) == -1) {
		if (f != NULL) {
			fclose(f);
		}
		return NULL;
	}
	text = malloc((size_t)st.st_size + 1);
	*len = fread(text, 1, (size_t)st.st_size, f);
	text[*len] = '\0';
	fclose(f);
	return text;
}

bool
crig_contains(const char *path, const char *text)
{
	size_t len;
	char *all = crig_slurp(path, &len);
	bool yes = all != NULL && strstr(all, text) != NULL;

	free(all);
	return yes;
}

/* -------- the launcher -------- */

void
crig_pipe(struct crig *rig, uint64_t life, const char *path, const char *out,
    const char *err, uint64_t max_bytes, unsigned backups, int writers[2])
{
	const char *files[2] = { out, err };
	struct rv_output *output = &rig->outputs[life];
	struct rv_output_log *logs[2] = { &output->out, &output->err };

	*output = (struct rv_output){ .life = life,
		.pid = 1,
		.path = path,
		.uid = rig->uid,
		.gid = rig->gid };
	for (unsigned i = 0; i < 2; i++) {
		int fds[2];

		writers[i] = -1;
		if (files[i] == NULL) {
			continue;
		}
		CU_ASSERT_FATAL(pipe2(fds, O_CLOEXEC) == 0);
		rig->ends[life][i] = fds[0];
		writers[i] = fds[1];
		snprintf(rig->paths[life][i], sizeof(rig->paths[life][i]), "%s",
		    files[i]);
		*logs[i] = (struct rv_output_log){ rig->paths[life][i],
			max_bytes, backups };
	}
	if (rig->holds) {
		rig->held = life;
	} else if (rig->out != -1) {
		tell_open(rig, life);
	}
}

void
crig_ended(struct crig *rig, uint64_t life)
{
	char frame[64];
	size_t len = rv_output_ended(frame, sizeof(frame), life);

	CU_ASSERT(rv_packet_send(rig->out, frame, len, NULL, 0) == 0);
}

bool
crig_write(int fd, const char *text)
{
	size_t len = strlen(text);

	return write(fd, text, len) == (ssize_t)len;
}
