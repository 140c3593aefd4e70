/* SPDX-License-Identifier: MIT */
/* The functions of served_rig.h: a server, its thread, its client. */
#include "config.h"

#include "unit/served_rig.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/harness.h"

struct reeve_error served_err;

static void
loop(struct served *s)
{
	struct pollfd fds[2] = { { s->stop[0], POLLIN, 0 },
		{ reeve_manager_server_fd(s->server), POLLIN, 0 } };

	while (poll(fds, 2, -1) > 0 && fds[0].revents == 0) {
		if (reeve_manager_server_dispatch(s->server, NULL) !=
		    REEVE_OK) {
			abort();
		}
	}
}

static void *
serve(void *ctx)
{
	struct served *s = ctx;

	if (s->by_loop) {
		loop(s);
	} else if (reeve_manager_serve(s->server, s->stop[0], NULL) !=
		   REEVE_OK) {
		abort();
	}
	return NULL;
}

struct reeve_manager_options
served_options(struct served *s, struct reeve_manager_listen *listen)
{
	struct reeve_manager_options options = {
		.size = sizeof(options), .listens = listen, .n_listens = 1
	};

	memset(listen, 0, sizeof(*listen));
	(void)snprintf(
	    s->address, sizeof(s->address), "unix:%s/m", rv_test_dir());
	listen->address = s->address;
	return options;
}

void
served_begin_alone(
    struct served *s, const struct reeve_manager_options *options)
{
	enum reeve_status status =
	    reeve_manager_server_new(&s->server, options, &served_err);

	if (status != REEVE_OK) {
		printf("# %s\n", served_err.text);
	}
	CU_ASSERT_EQUAL_FATAL(status, REEVE_OK);
	if (options->n_listens > 0) {
		(void)snprintf(s->address, sizeof(s->address), "%s",
		    reeve_manager_server_address(s->server, 0));
	}
	CU_ASSERT_EQUAL_FATAL(pipe(s->stop), 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&s->thread, NULL, serve, s), 0);
}

struct reeve_manager *
served_connect(const struct served *s)
{
	struct reeve_manager *m = NULL;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_manager_connect(&m, s->address, NULL, RIG_LONG, &served_err),
	    REEVE_OK);
	return m;
}

void
served_begin(struct served *s, const struct reeve_manager_options *options)
{
	served_begin_alone(s, options);
	s->m = served_connect(s);
}

enum reeve_status
served_finish(struct served *s)
{
	enum reeve_status status;

	reeve_manager_free(s->m);
	(void)close(s->stop[1]);
	(void)pthread_join(s->thread, NULL);
	(void)close(s->stop[0]);
	status = reeve_manager_server_free(s->server, &served_err);
	memset(s, 0, sizeof(*s));
	return status;
}

struct reeve_proxy *
served_make(struct served *s, const char *type, const struct reeve_datum *args,
    size_t n)
{
	struct reeve_proxy *p = NULL;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_proxy_create(&p, s->m, type, args, n, RIG_LONG, &served_err),
	    REEVE_OK);
	return p;
}

long
served_info(struct reeve_manager *m, const char *what)
{
	struct reeve_result result = { 0 };
	const char *found;
	long n;

	CU_ASSERT_EQUAL_FATAL(reeve_manager_call(m, "info", NULL, 0, &result,
				  RIG_LONG, &served_err),
	    REEVE_OK);
	found = strstr(result.values[0].data, what);
	CU_ASSERT_PTR_NOT_NULL_FATAL(found);
	n = strtol(found + strlen(what), NULL, 10);
	reeve_result_free(&result);
	return n;
}
