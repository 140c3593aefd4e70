/* SPDX-License-Identifier: MIT */
/*
 * Every function of manager.h without what it needs: with nothing, with what is
 * no value, of another process, and behind a server that is gone. The table is
 * complete: it is compared with the header. (reeve_request_* are for methods,
 * which get a request: test_manager_own has them.)
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/harness.h"
#include "unit/served_rig.h"

#define err served_err

/* REEVE_EINVALID with words. */
static bool
refused(enum reeve_status status)
{
	return status == REEVE_EINVALID && err.status == REEVE_EINVALID &&
	       err.text[0] != '\0';
}
#define REFUSED(call) (memset(&err, 0, sizeof(err)), refused(call))

static struct row {
	const char *function;
	bool fine;
} rows[128];
static size_t n_rows;

static void
add(const char *function, bool fine)
{
	rows[n_rows].function = function;
	rows[n_rows++].fine = fine;
	if (!fine) {
		printf("# %s\n", function);
	}
	CU_ASSERT(fine);
}
#define X(function, what) add(#function, (what));

static void
clients(struct served *s)
{
	struct reeve_manager_connect_options small = { .size = 3 };
	struct reeve_manager *m = NULL;
	struct reeve_result result = { 0 };

	X(reeve_result_free, (reeve_result_free(NULL), true))
	X(reeve_result_free, (reeve_result_free(&result), true))
	X(reeve_manager_connect,
	    REFUSED(reeve_manager_connect(&m, NULL, NULL, 0, &err)))
	X(reeve_manager_connect,
	    REFUSED(reeve_manager_connect(NULL, s->address, NULL, 0, &err)))
	X(reeve_manager_connect,
	    REFUSED(reeve_manager_connect(&m, s->address, &small, 0, &err)))
	X(reeve_manager_connect,
	    REFUSED(reeve_manager_connect(&m, "nowhere", NULL, 0, &err)))
	X(reeve_manager_connect, m == NULL)
	X(reeve_manager_free, (reeve_manager_free(NULL), true))
	X(reeve_manager_reconnect,
	    REFUSED(reeve_manager_reconnect(NULL, 0, &err)))
	X(reeve_manager_ping, REFUSED(reeve_manager_ping(NULL, 0, &err)))
	X(reeve_manager_call,
	    REFUSED(reeve_manager_call(NULL, "info", NULL, 0, NULL, 0, &err)))
	X(reeve_manager_call,
	    REFUSED(reeve_manager_call(s->m, NULL, NULL, 0, NULL, 0, &err)))
	X(reeve_manager_call,
	    REFUSED(reeve_manager_call(s->m, "ping", NULL, 1, NULL, 0, &err)))
	X(reeve_manager_server_pid, reeve_manager_server_pid(NULL) == 0)
	X(reeve_manager_unpublish,
	    REFUSED(reeve_manager_unpublish(NULL, "a", 0, &err)))
	X(reeve_manager_unpublish,
	    REFUSED(reeve_manager_unpublish(s->m, NULL, 0, &err)))
	X(reeve_manager_flush, REFUSED(reeve_manager_flush(NULL, 0, &err)))
	X(reeve_manager_fd, reeve_manager_fd(NULL) == -1)
	X(reeve_manager_dispatch, REFUSED(reeve_manager_dispatch(NULL, &err)))
}

static void
proxies(struct served *s, struct reeve_proxy *dict)
{
	struct reeve_datum none = reeve_null();
	struct reeve_datum odd = { 99, 0, NULL, { 0 } };
	struct reeve_datum hollow = { REEVE_DATUM_BYTES, 9, NULL, { 0 } };
	struct reeve_result result = { 0 };
	struct reeve_proxy *p = NULL;

	X(reeve_proxy_create,
	    REFUSED(reeve_proxy_create(NULL, s->m, "dict", NULL, 0, 0, &err)))
	X(reeve_proxy_create,
	    REFUSED(reeve_proxy_create(&p, NULL, "dict", NULL, 0, 0, &err)))
	X(reeve_proxy_create,
	    REFUSED(reeve_proxy_create(&p, s->m, NULL, NULL, 0, 0, &err)))
	X(reeve_proxy_create,
	    REFUSED(reeve_proxy_create(&p, s->m, "dict", NULL, 2, 0, &err)))
	X(reeve_proxy_create,
	    REFUSED(reeve_proxy_create(&p, s->m, "list", &odd, 1, 0, &err)))
	X(reeve_proxy_create,
	    REFUSED(reeve_proxy_create(&p, s->m, "list", &hollow, 1, 0, &err)))
	X(reeve_proxy_open, REFUSED(reeve_proxy_open(&p, NULL, "a", 0, &err)))
	X(reeve_proxy_open, REFUSED(reeve_proxy_open(&p, s->m, NULL, 0, &err)))
	X(reeve_proxy_open, REFUSED(reeve_proxy_open(NULL, s->m, "a", 0, &err)))
	X(reeve_proxy_take, REFUSED(reeve_proxy_take(&p, NULL, 0, &err)))
	X(reeve_proxy_take, REFUSED(reeve_proxy_take(&p, &result, 0, &err)))
	X(reeve_proxy_take, REFUSED(reeve_proxy_take(NULL, &result, 0, &err)))
	X(reeve_proxy_attach,
	    REFUSED(reeve_proxy_attach(&p, s->m, none, 0, &err)))
	X(reeve_proxy_attach, REFUSED(reeve_proxy_attach(NULL, s->m,
				  reeve_proxy_reference(dict), 0, &err)))
	X(reeve_proxy_attach, p == NULL)
	X(reeve_proxy_free, (reeve_proxy_free(NULL), true))
	X(reeve_proxy_reference,
	    reeve_proxy_reference(NULL).type == REEVE_DATUM_NULL)
	X(reeve_proxy_publish, REFUSED(reeve_proxy_publish(NULL, "a", 0, &err)))
	X(reeve_proxy_publish,
	    REFUSED(reeve_proxy_publish(dict, NULL, 0, &err)))
	X(reeve_proxy_call,
	    REFUSED(reeve_proxy_call(NULL, "len", NULL, 0, NULL, 0, &err)))
	X(reeve_proxy_call,
	    REFUSED(reeve_proxy_call(dict, NULL, NULL, 0, NULL, 0, &err)))
	X(reeve_proxy_call,
	    REFUSED(reeve_proxy_call(dict, "get", NULL, 1, NULL, 0, &err)))
	X(reeve_proxy_call,
	    REFUSED(reeve_proxy_call(dict, "get", &odd, 1, NULL, 0, &err)))
	X(reeve_proxy_do,
	    REFUSED(reeve_proxy_do(NULL, 1, NULL, 0, NULL, 0, &err)))
	X(reeve_proxy_do,
	    REFUSED(reeve_proxy_do(dict, 0, NULL, 0, NULL, 0, &err)))
	X(reeve_proxy_do,
	    REFUSED(reeve_proxy_do(dict, 1, &hollow, 1, NULL, 0, &err)))
}

static void
many(struct served *s, struct reeve_proxy *dict)
{
	struct reeve_datum odd = { 99, 0, NULL, { 0 } };
	struct reeve_batch *b = NULL;
	struct reeve_pending *pending = NULL;

	X(reeve_batch_new, REFUSED(reeve_batch_new(&b, NULL, &err)))
	X(reeve_batch_new, REFUSED(reeve_batch_new(NULL, s->m, &err)))
	CU_ASSERT_EQUAL_FATAL(reeve_batch_new(&b, s->m, &err), REEVE_OK);
	X(reeve_batch_add,
	    REFUSED(reeve_batch_add(NULL, dict, "len", NULL, 0, 0, &err)))
	X(reeve_batch_add,
	    REFUSED(reeve_batch_add(b, NULL, "len", NULL, 0, 0, &err)))
	X(reeve_batch_add,
	    REFUSED(reeve_batch_add(b, dict, NULL, NULL, 0, 0, &err)))
	X(reeve_batch_add,
	    REFUSED(reeve_batch_add(b, dict, "len", NULL, 0, 64, &err)))
	X(reeve_batch_add,
	    REFUSED(reeve_batch_add(b, dict, "get", &odd, 1, 0, &err)))
	X(reeve_batch_add_do,
	    REFUSED(reeve_batch_add_do(b, dict, 0, NULL, 0, 0, &err)))
	X(reeve_batch_result, REFUSED(reeve_batch_result(NULL, 0, NULL, &err)))
	X(reeve_batch_result, REFUSED(reeve_batch_result(b, 0, NULL, &err)))
	X(reeve_batch_commit, REFUSED(reeve_batch_commit(NULL, 0, &err)))
	X(reeve_batch_commit, reeve_batch_commit(b, RIG_LONG, &err) == REEVE_OK)
	X(reeve_batch_commit, REFUSED(reeve_batch_commit(b, RIG_LONG, &err)))
	X(reeve_batch_add,
	    REFUSED(reeve_batch_add(b, dict, "len", NULL, 0, 0, &err)))
	X(reeve_batch_reset, (reeve_batch_reset(NULL), true))
	X(reeve_batch_free, (reeve_batch_free(NULL), true))
	reeve_batch_free(b);
	X(reeve_proxy_submit,
	    REFUSED(reeve_proxy_submit(NULL, dict, "len", NULL, 0, 0, &err)))
	X(reeve_proxy_submit, REFUSED(reeve_proxy_submit(
				  &pending, NULL, "len", NULL, 0, 0, &err)))
	X(reeve_proxy_submit,
	    REFUSED(reeve_proxy_submit(&pending, dict, NULL, NULL, 0, 0, &err)))
	X(reeve_proxy_submit, REFUSED(reeve_proxy_submit(
				  &pending, dict, "get", &odd, 1, 0, &err)))
	X(reeve_proxy_submit, pending == NULL)
	X(reeve_pending_wait, REFUSED(reeve_pending_wait(NULL, NULL, 0, &err)))
	X(reeve_pending_is_done, !reeve_pending_is_done(NULL))
	X(reeve_pending_free, (reeve_pending_free(NULL), true))
}

static void
servers(void)
{
	struct reeve_manager_options options = { .size = sizeof(options),
		.n_listens = 1 };
	struct reeve_manager_options small = { .size = 1 };
	struct reeve_manager_server *server = NULL;

	X(reeve_manager_server_new,
	    REFUSED(reeve_manager_server_new(NULL, &options, &err)))
	X(reeve_manager_server_new,
	    REFUSED(reeve_manager_server_new(&server, NULL, &err)))
	X(reeve_manager_server_new,
	    REFUSED(reeve_manager_server_new(&server, &small, &err)))
	X(reeve_manager_server_new,
	    REFUSED(reeve_manager_server_new(&server, &options, &err)))
	X(reeve_manager_server_new, server == NULL)
	options.n_listens = 0;
	CU_ASSERT_EQUAL_FATAL(
	    reeve_manager_server_new(&server, &options, &err), REEVE_OK);
	X(reeve_manager_server_free,
	    reeve_manager_server_free(NULL, NULL) == REEVE_OK)
	X(reeve_manager_server_fd, reeve_manager_server_fd(NULL) == -1)
	X(reeve_manager_server_dispatch,
	    REFUSED(reeve_manager_server_dispatch(NULL, &err)))
	X(reeve_manager_serve, REFUSED(reeve_manager_serve(NULL, -1, &err)))
	X(reeve_manager_server_address,
	    reeve_manager_server_address(NULL, 0) == NULL &&
		reeve_manager_server_address(server, 0) == NULL)
	X(reeve_manager_server_publish, REFUSED(reeve_manager_server_publish(
					    NULL, "a", "dict", NULL, 0, &err)))
	X(reeve_manager_server_publish,
	    REFUSED(reeve_manager_server_publish(
		server, NULL, "dict", NULL, 0, &err)))
	X(reeve_manager_server_publish, REFUSED(reeve_manager_server_publish(
					    server, "a", NULL, NULL, 0, &err)))
	X(reeve_manager_server_publish,
	    REFUSED(reeve_manager_server_publish(
		server, "a", "dict", NULL, 2, &err)))
	X(reeve_manager_server_snapshot,
	    REFUSED(reeve_manager_server_snapshot(NULL, &err)))
	X(reeve_manager_server_snapshot,
	    REFUSED(reeve_manager_server_snapshot(server, &err)))
	X(reeve_manager_run, true) /* of a process of its own */
	CU_ASSERT_EQUAL(reeve_manager_server_free(server, &err), REEVE_OK);
}

static bool
has_row(const char *name, size_t n)
{
	for (size_t i = 0; i < n_rows; i++) {
		if (strlen(rows[i].function) == n &&
		    strncmp(rows[i].function, name, n) == 0) {
			return true;
		}
	}
	return strncmp(name, "reeve_request_", 14) == 0;
}

/* Names between REEVE_PUBLIC and the parenthesis. */
static void
complete(void)
{
	static char text[65536];
	char path[1024];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/runtime/include/reeve/manager.h",
	    rv_test_srcdir());
	file = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	(void)fclose(file);
	for (const char *next = text;
	     (next = strstr(next, "\nREEVE_PUBLIC ")) != NULL;) {
		const char *end = strchr(++next, '('), *name = end;

		while (name > next && name[-1] != ' ' && name[-1] != '*') {
			name--;
		}
		if (!has_row(name, (size_t)(end - name))) {
			printf("# no row: %.*s\n", (int)(end - name), name);
			CU_FAIL("no row");
		}
	}
}

RV_TEST(what_cannot_be_is_refused_in_words)
{
	struct served s = { 0 };
	struct reeve_manager_listen listen;
	struct reeve_manager_options options = served_options(&s, &listen);
	struct reeve_proxy *dict;

	served_begin(&s, &options);
	dict = served_make(&s, "dict", NULL, 0);
	n_rows = 0;
	clients(&s);
	proxies(&s, dict);
	many(&s, dict);
	servers();
	complete();
	/* and it is as good as before */
	CU_ASSERT_EQUAL(
	    reeve_dict_set(dict, reeve_text("a"), reeve_int(1), RIG_LONG, &err),
	    REEVE_OK);
	reeve_proxy_free(dict);
	CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
}

/* In a child: the server is its parent's, and stays that. */
static int
use_in_child(struct reeve_manager_server *server)
{
	return REFUSED(reeve_manager_server_dispatch(server, &err)) &&
		       REFUSED(reeve_manager_server_snapshot(server, &err)) &&
		       REFUSED(reeve_manager_serve(server, -1, &err)) &&
		       REFUSED(reeve_manager_server_free(server, &err))
		   ? 0
		   : 1;
}

RV_TEST(a_server_is_of_the_process_that_made_it)
{
	struct reeve_manager_listen listen;
	struct served s = { 0 };
	struct reeve_manager_options options = served_options(&s, &listen);
	int status = -1;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_manager_server_new(&s.server, &options, &err), REEVE_OK);
	pid = fork();
	if (pid == 0) {
		_exit(use_in_child(s.server));
	}
	(void)waitpid(pid, &status, 0);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_EQUAL(
	    reeve_manager_server_dispatch(s.server, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_manager_server_free(s.server, &err), REEVE_OK);
}

RV_TEST(behind_a_server_that_is_gone_all_calls_say_so)
{
	struct served s = { 0 };
	struct reeve_manager_listen listen;
	struct reeve_manager_options options = served_options(&s, &listen);
	struct reeve_pending *pending = NULL;
	struct reeve_manager *m;
	struct reeve_proxy *dict, *other = NULL;
	struct reeve_batch *b = NULL;

	served_begin(&s, &options);
	dict = served_make(&s, "dict", NULL, 0);
	CU_ASSERT_EQUAL(reeve_batch_new(&b, s.m, &err), REEVE_OK);
	m = s.m;
	s.m = NULL;
	CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_manager_ping(m, RIG_LONG, &err), REEVE_EBROKEN);
	CU_ASSERT_EQUAL(reeve_manager_flush(m, RIG_LONG, &err), REEVE_EBROKEN);
	CU_ASSERT_EQUAL(reeve_manager_dispatch(m, &err), REEVE_EBROKEN);
	CU_ASSERT_EQUAL(reeve_manager_fd(m), -1);
	CU_ASSERT_EQUAL(
	    reeve_proxy_open(&other, m, "a", RIG_LONG, &err), REEVE_EBROKEN);
	CU_ASSERT_EQUAL(
	    reeve_proxy_publish(dict, "a", RIG_LONG, &err), REEVE_EBROKEN);
	CU_ASSERT_EQUAL(
	    reeve_proxy_call(dict, "len", NULL, 0, NULL, RIG_LONG, &err),
	    REEVE_EBROKEN);
	CU_ASSERT_EQUAL(
	    reeve_proxy_submit(&pending, dict, "len", NULL, 0, RIG_LONG, &err),
	    REEVE_EBROKEN);
	CU_ASSERT_EQUAL(
	    reeve_batch_add(b, dict, "len", NULL, 0, 0, &err), REEVE_EBROKEN);
	CU_ASSERT_EQUAL(
	    reeve_manager_reconnect(m, REEVE_MS(5), &err), REEVE_ENOENT);
	reeve_batch_free(b);
	reeve_proxy_free(dict);
	reeve_manager_free(m);
}

RV_SUITE(manager_misuse, RV_CASE(what_cannot_be_is_refused_in_words),
    RV_CASE(a_server_is_of_the_process_that_made_it),
    RV_CASE(behind_a_server_that_is_gone_all_calls_say_so))
