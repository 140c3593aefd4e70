/* SPDX-License-Identifier: MIT */
/* The functions of manager_rig.h: managers, and calls of them as words. */
#include "config.h"

#include "unit/manager_rig.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

#define ARGS_MAX 16

static struct reeve_error err;

/* Says what went wrong; as a member or as the test. */
static void
must(enum reeve_status status)
{
	if (status != REEVE_OK) {
		printf("# %d: %s\n", status, err.text);
		(void)fflush(stdout);
	}
	CREW_EXPECT(status == REEVE_OK);
}

struct reeve_manager *
managed_connect(const char *address)
{
	struct reeve_manager *m = NULL;

	must(reeve_manager_connect(&m, address, NULL, RIG_LONG, &err));
	return m;
}

void
managed_start(
    struct managed *managed, enum reeve_method method, const char *args)
{
	struct reeve_manager_start how = {
		.size = sizeof(how), .function = "test.manager", .args = args
	};

	memset(managed, 0, sizeof(*managed));
	managed->context = process_context(method, NULL);
	must(reeve_manager_start(&managed->process, managed->context, &how,
	    managed->address, RIG_LONG, &err));
	managed->m = managed_connect(managed->address);
}

const char *
managed_folder(const struct managed *managed, char *path, size_t size)
{
	static const char kind[] = "unix:", socket[] = "/socket";

	(void)snprintf(path, size, "%.*s",
	    (int)(strlen(managed->address) - strlen(kind) - strlen(socket)),
	    managed->address + strlen(kind));
	return path;
}

/* What a killed one has left, if no other was made since. */
static void
remove_folder(const struct managed *managed)
{
	char path[PATH_MAX];

	(void)managed_folder(managed, path, sizeof(path));
	if (strstr(path, "/reeve-manager-") != NULL) {
		(void)unlink(managed->address + strlen("unix:"));
		(void)rmdir(path);
	}
}

int
managed_stop(struct managed *managed)
{
	int code;

	reeve_manager_free(managed->m);
	(void)reeve_process_stop(managed->process, RIG_LONG, NULL);
	code = reeve_process_exitcode(managed->process);
	(void)reeve_process_free(managed->process, false, NULL);
	reeve_context_free(managed->context);
	remove_folder(managed);
	return code;
}

void
managed_kill(struct managed *managed)
{
	CU_ASSERT_EQUAL(reeve_process_kill(managed->process, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_process_join(managed->process, RIG_LONG, NULL), REEVE_OK);
}

struct reeve_proxy *
managed_new(struct reeve_manager *m, const char *type)
{
	struct reeve_proxy *p = NULL;

	must(reeve_proxy_create(&p, m, type, NULL, 0, RIG_LONG, &err));
	return p;
}

struct reeve_proxy *
managed_open(struct reeve_manager *m, const char *name)
{
	struct reeve_proxy *p = NULL;

	must(reeve_proxy_open(&p, m, name, RIG_LONG, &err));
	return p;
}

static size_t
read_args(const char *format, va_list list, struct reeve_datum *args)
{
	size_t n = 0;

	for (const char *at = format; *at != '\0'; at++) {
		CREW_EXPECT(n < ARGS_MAX);
		switch (*at) {
		case 'i':
			args[n++] = reeve_int(va_arg(list, int64_t));
			break;
		case 's':
			args[n++] = reeve_text(va_arg(list, const char *));
			break;
		case 'd':
			args[n++] = reeve_double(va_arg(list, double));
			break;
		case 'p':
			args[n++] = reeve_proxy_reference(
			    va_arg(list, struct reeve_proxy *));
			break;
		default:
			args[n++] = reeve_null();
			break;
		}
	}
	return n;
}

static void
word_of(struct rv_buf *out, const struct reeve_datum *value)
{
	switch (value->type) {
	case REEVE_DATUM_NULL:
		rv_buf_adds(out, "null");
		break;
	case REEVE_DATUM_BOOL:
		rv_buf_adds(out, value->is.integer ? "true" : "false");
		break;
	case REEVE_DATUM_INT:
		rv_buf_addf(out, "%" PRId64, value->is.integer);
		break;
	case REEVE_DATUM_DOUBLE:
		rv_buf_addf(out, "%g", value->is.real);
		break;
	case REEVE_DATUM_REFERENCE:
		rv_buf_addf(out, "<%s>", (const char *)value->data);
		break;
	default:
		rv_buf_addf(out, "%s", (const char *)value->data);
		break;
	}
}

static const char *
words_of(enum reeve_status status, const struct reeve_result *result)
{
	static struct rv_buf out;
	static char room[4096];

	room[0] = '\0';
	rv_buf_init_in(&out, room, sizeof(room));
	if (status != REEVE_OK) {
		rv_buf_addf(&out, "!%s",
		    err.where[0] != '\0' ? err.where
					 : reeve_status_text(status));
		return rv_buf_str(&out);
	}
	for (size_t i = 0; i < result->n; i++) {
		rv_buf_adds(&out, i > 0 ? " " : "");
		word_of(&out, &result->values[i]);
	}
	return rv_buf_str(&out);
}

const char *
managed_wait(struct reeve_proxy *p, int64_t timeout, const char *method,
    const char *format, ...)
{
	struct reeve_datum args[ARGS_MAX];
	struct reeve_result result = { 0 };
	enum reeve_status status;
	const char *words;
	va_list list;
	size_t n;

	va_start(list, format);
	n = read_args(format, list, args);
	va_end(list);
	memset(&err, 0, sizeof(err));
	status = reeve_proxy_call(p, method, args, n, &result, timeout, &err);
	words = words_of(status, &result);
	reeve_result_free(&result);
	return words;
}

const char *
managed_call(struct reeve_proxy *p, const char *method, const char *format, ...)
{
	struct reeve_datum args[ARGS_MAX];
	struct reeve_result result = { 0 };
	enum reeve_status status;
	const char *words;
	va_list list;
	size_t n;

	va_start(list, format);
	n = read_args(format, list, args);
	va_end(list);
	memset(&err, 0, sizeof(err));
	status = reeve_proxy_call(p, method, args, n, &result, 0, &err);
	words = words_of(status, &result);
	reeve_result_free(&result);
	return words;
}

struct reeve_proxy *
managed_sub(struct reeve_proxy *p, const char *method, const char *format, ...)
{
	struct reeve_datum args[ARGS_MAX];
	struct reeve_result result = { 0 };
	struct reeve_proxy *sub = NULL;
	va_list list;
	size_t n;

	va_start(list, format);
	n = read_args(format, list, args);
	va_end(list);
	must(reeve_proxy_call(p, method, args, n, &result, RIG_LONG, &err));
	must(reeve_proxy_take(&sub, &result, 0, &err));
	reeve_result_free(&result);
	return sub;
}

void
managed_python(const char *address, const char *key_file, const char *function,
    const char *more)
{
	static const char first[] =
	    "dict: ['name', 'bob', 5, 2.5]\n"
	    "sum: 41 42\n"
	    "list in dict: [None, True, b'\\x00\\xff']\n"
	    "error: no-key: there is no such key\n"
	    "in one message: [(0, []), (0, []), (0, []), (0, [0])]\n"
	    "after a while: -12\n"
	    "large: True\n";
	char path[400], said[1000] = "", wanted[1000];
	size_t n = 0;
	ssize_t got;
	int fds[2], status = -1;
	pid_t pid;

	(void)snprintf(wanted, sizeof(wanted), "%s%s", first, more);
	(void)snprintf(path, sizeof(path),
	    "%.300s/tools/examples/multiprocessing/manager_client.py",
	    rv_test_srcdir());
	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(fds[1], 1);
		execlp("python3", "python3", path, address, key_file, function,
		    NULL);
		_exit(127);
	}
	(void)close(fds[1]);
	while (n < sizeof(said) - 1 &&
	       (got = read(fds[0], said + n, sizeof(said) - 1 - n)) > 0) {
		n += (size_t)got;
	}
	(void)close(fds[0]);
	(void)waitpid(pid, &status, 0);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_STRING_EQUAL(said, wanted);
}

void
managed_says(const char *file, int line, const char *what, const char *said,
    const char *words)
{
	if (strcmp(said, words) != 0) {
		printf("# %s:%d: %s says %s, not %s: %s\n", file, line, what,
		    said, words, err.text);
		(void)fflush(stdout);
	}
	CU_assertImplementation(
	    strcmp(said, words) == 0, (unsigned)line, what, file, "", CU_FALSE);
}
