/* SPDX-License-Identifier: MIT */
/* Words for tests of processes: see process_rig.h. */
#include "config.h"

#include "unit/process_rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "sys/sys.h"

void
process_keep_faults(void)
{
	const char *always = getenv("REEVE_FAULTS_ALWAYS");
	const char *kept = getenv("RV_TEST_FAULTS");

	if (always != NULL) {
		setenv("RV_TEST_FAULTS", always, 1);
	} else if (kept != NULL) {
		setenv("REEVE_FAULTS_ALWAYS", kept, 1);
		rv_fault_set(NULL);
	}
}

/* As the first statement of main would be; constructors run in order. */
__attribute__((constructor)) static void
guard(void)
{
	process_keep_faults();
	reeve_main(NULL, NULL);
}

const char *
process_method_name(enum reeve_method method)
{
	static const char *const names[] = { "default", "spawn", "fork",
		"forkserver" };

	return names[method];
}

void
process_each(
    const char *name, unsigned methods, void (*scenario)(enum reeve_method))
{
	static const enum reeve_method all[] = { REEVE_METHOD_SPAWN,
		REEVE_METHOD_FORK, REEVE_METHOD_FORKSERVER };

	for (unsigned i = 0; i < 3; i++) {
		unsigned before = CU_get_number_of_failures();

		if ((methods & (1u << all[i])) == 0) {
			continue;
		}
		scenario(all[i]);
		if (CU_get_number_of_failures() != before) {
			printf(
			    "# %s: by %s\n", name, process_method_name(all[i]));
		}
	}
}

struct reeve_context *
process_context(
    enum reeve_method method, const struct reeve_context_options *more)
{
	struct reeve_context_options options = { 0 };
	struct reeve_context *context = NULL;
	struct reeve_error err;
	enum reeve_status status;

	if (more != NULL) {
		options = *more;
	}
	options.size = sizeof(options);
	options.method = method;
	options.libexec_dir = rv_test_builddir();
	status = reeve_context_new(&context, &options, &err);
	if (status != REEVE_OK) {
		printf("# %s\n", err.text);
	}
	CU_ASSERT_EQUAL_FATAL(status, REEVE_OK);
	return context;
}

static struct reeve_process *
make(struct reeve_context *context, const char *function, const char *text,
    const struct reeve_give *give)
{
	struct reeve_process_options options = { .size = sizeof(options),
		.function = function,
		.bytes = text,
		.n_bytes = strlen(text),
		.gives = give,
		.n_gives = give != NULL };
	struct reeve_process *p = NULL;
	struct reeve_error err;
	enum reeve_status status =
	    reeve_process_new(&p, context, &options, &err);

	if (status != REEVE_OK) {
		printf("# %s\n", err.text);
	}
	CU_ASSERT_EQUAL_FATAL(status, REEVE_OK);
	return p;
}

static void
start(struct reeve_process *p)
{
	struct reeve_error err;
	enum reeve_status status = reeve_process_start(p, &err);

	if (status != REEVE_OK) {
		printf("# %s\n", err.text);
	}
	CU_ASSERT_EQUAL_FATAL(status, REEVE_OK);
}

struct reeve_process *
process_of(
    struct reeve_context *context, const char *function, const char *text)
{
	return make(context, function, text, NULL);
}

struct reeve_process *
process_started(
    struct reeve_context *context, const char *function, const char *text)
{
	struct reeve_process *p = process_of(context, function, text);

	start(p);
	return p;
}

void
process_join(struct reeve_process *p)
{
	CU_ASSERT_EQUAL(reeve_process_join(p, REEVE_FOREVER, NULL), REEVE_OK);
}

void
process_finish(struct reeve_process *p, int exitcode)
{
	int is;

	process_join(p);
	is = reeve_process_exitcode(p);
	if (is != exitcode) {
		struct reeve_process_status status = { .size = sizeof(status) };

		reeve_process_status(p, &status, NULL);
		printf("# %s: exit code %d, not %d: %s\n",
		    reeve_process_name(p), is, exitcode,
		    status.exception != NULL ? status.exception->message
					     : status.why);
	}
	CU_ASSERT_EQUAL(is, exitcode);
	CU_ASSERT_EQUAL(reeve_process_free(p, false, NULL), REEVE_OK);
}

void
process_pipe_open(struct process_pipe *pipe, const char *name)
{
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
	pipe->read_end = fds[0];
	pipe->write_end = fds[1];
	pipe->give = reeve_fd_give(name, pipe->write_end);
}

void
process_pipe_shut(struct process_pipe *pipe)
{
	if (pipe->write_end != -1) {
		close(pipe->write_end);
	}
	pipe->write_end = -1;
}

void
process_pipe_close(struct process_pipe *pipe)
{
	process_pipe_shut(pipe);
	close(pipe->read_end);
}

struct reeve_process *
process_with_pipe(struct reeve_context *context, const char *function,
    const char *text, struct process_pipe *pipe)
{
	struct reeve_process *p = make(context, function, text, &pipe->give);

	start(p);
	process_pipe_shut(pipe);
	return p;
}

const char *
process_read_all(struct process_pipe *pipe)
{
	static char text[65536];
	size_t n = 0;
	ssize_t got;

	while (
	    (got = read(pipe->read_end, text + n, sizeof(text) - 1 - n)) > 0 ||
	    (got == -1 && errno == EINTR)) {
		n += got > 0 ? (size_t)got : 0;
	}
	text[n] = '\0';
	return text;
}

const char *
process_read_line(struct process_pipe *pipe)
{
	static char text[4096];
	size_t n = 0;

	while (n < sizeof(text) - 1 && read(pipe->read_end, text + n, 1) == 1 &&
	       text[n] != '\n') {
		n++;
	}
	text[n] = '\0';
	return text;
}

int
process_given(const char *name)
{
	struct reeve_handle handle;

	if (reeve_given(name, &handle) != REEVE_OK ||
	    handle.kind != REEVE_SHARE_DESCRIPTOR || handle.n_fds != 1) {
		_exit(99);
	}
	return handle.fds[0];
}

bool
process_is_gone(pid_t pid)
{
	char state = 'X';

	return !rv_sys_proc_stat(pid, NULL, NULL, NULL, &state, NULL) ||
	       rv_sys_is_dead(state);
}

static bool
is_gone(void *ctx)
{
	return process_is_gone(*(pid_t *)ctx);
}

bool
process_await_gone(pid_t pid, int ms)
{
	return rv_test_wait(is_gone, &pid, -1, ms);
}

static unsigned
places_in(const char *path)
{
	DIR *dir = path != NULL ? opendir(path) : NULL;
	struct dirent *e;
	unsigned n = 0;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		n += strncmp(e->d_name, "reeve-context-", 14) == 0;
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return n;
}

unsigned
process_places(void)
{
	return places_in("/run") + places_in("/dev/shm") + places_in("/tmp") +
	       places_in(secure_getenv("XDG_RUNTIME_DIR"));
}
