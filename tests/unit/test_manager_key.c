/* SPDX-License-Identifier: MIT */
/*
 * Managers with a key, at a socket of this machine and over TCP, and their
 * client in Python, which needs nothing but its standard library.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/net.h>

#include "unit/manager_rig.h"

static struct reeve_error err;
static const char key[] = "0123456789abcdef0123456789abcdef";

static const struct reeve_manager_setup setup = { .size = sizeof(setup) };
REEVE_MANAGER("test.manager", setup);

static enum reeve_status
try(const char *address, const char *its_key, struct reeve_manager **m)
{
	struct reeve_key_options options = { .size = sizeof(options),
		.key = its_key,
		.key_length = strlen(its_key),
		.protocol = "reeve-manager" };
	struct reeve_manager_connect_options how = { .size = sizeof(how) };
	enum reeve_status status;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_guard_of_key(&how.guard, &options, &err), REEVE_OK);
	status = reeve_manager_connect(m, address, &how, RIG_LONG, &err);
	reeve_guard_free(how.guard);
	return status;
}

static struct reeve_context *context;
static struct reeve_process *process;

/* A manager with the key; where it listens. */
static const char *
start(enum reeve_method method, const char *at)
{
	static char address[REEVE_MANAGER_ADDRESS_MAX];
	struct reeve_manager_start how = { .size = sizeof(how),
		.function = "test.manager" };
	char args[700], path[300];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/key", rv_test_dir());
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CU_ASSERT_EQUAL(write(fd, key, strlen(key)), (ssize_t)strlen(key));
	(void)close(fd);
	(void)snprintf(args, sizeof(args), "{\"key_file\": \"%s\"%s%s%s}", path,
	    at != NULL ? ", \"address\": \"" : "", at != NULL ? at : "",
	    at != NULL ? "\"" : "");
	how.args = args;
	context = process_context(method, NULL);
	CU_ASSERT_EQUAL_FATAL(reeve_manager_start(&process, context, &how,
				  address, RIG_LONG, &err),
	    REEVE_OK);
	return address;
}

static void
finish(void)
{
	(void)reeve_process_stop(process, RIG_LONG, NULL);
	CU_ASSERT_EQUAL(reeve_process_exitcode(process), 0);
	(void)reeve_process_free(process, false, NULL);
	reeve_context_free(context);
}

SCENARIO(scenario_124_a_wrong_key_is_refused_and_the_server_goes_on, BY_ALL)
{
	static const char *const addresses[] = { NULL, "tcp:127.0.0.1:0" };

	for (unsigned i = 0; i < 2; i++) {
		const char *address = start(method, addresses[i]);
		struct reeve_manager *m = NULL;
		struct reeve_proxy *p;

		CU_ASSERT_EQUAL(try(address, "another key", &m), REEVE_EAUTH);
		CU_ASSERT_NOT_EQUAL(reeve_manager_connect(
					&m, address, NULL, REEVE_MS(300), &err),
		    REEVE_OK);
		CU_ASSERT_EQUAL_FATAL(try(address, key, &m), REEVE_OK);
		p = managed_new(m, "dict");
		SAYS(managed_call(p, "set", "ss", "a", "b"), "");
		SAYS(managed_call(p, "get", "s", "a"), "b");
		reeve_proxy_free(p);
		reeve_manager_free(m);
		finish();
	}
}

SCENARIO(a_client_in_python_says_the_same, BY_SPAWN)
{
	static const char *const addresses[] = { NULL, "tcp:127.0.0.1:0" };
	char path[300];

	for (unsigned i = 0; i < 2; i++) {
		const char *address = start(method, addresses[i]);

		(void)snprintf(path, sizeof(path), "%s/key", rv_test_dir());
		managed_python(address, path, NULL, "");
		finish();
	}
}

RV_SUITE(manager_key, RV_CASE(a_client_in_python_says_the_same),
    RV_CASE(scenario_124_a_wrong_key_is_refused_and_the_server_goes_on))
