/* SPDX-License-Identifier: MIT */
/* See guest.h: the runtime that tests of hosts put up. */
#include "config.h"

#include "host/guest.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/harness.h"

static void
on_notice(void *ctx, enum reeve_level level, const char *text)
{
	struct guest *guest = ctx;

	(void)level;
	guest->notices++;
	guest->noticed |=
	    guest->wanted != NULL && strstr(text, guest->wanted) != NULL;
	guest->kills += strstr(text, "SIGKILL") != NULL;
	snprintf(guest->notice, sizeof(guest->notice), "%s", text);
}

static void
on_settled(void *ctx)
{
	((struct guest *)ctx)->settled = true;
}

static void
on_finished(void *ctx, bool gave_up)
{
	struct guest *guest = ctx;

	guest->finished = true;
	guest->gave_up = gave_up;
	if (guest->on_finished != NULL) {
		guest->on_finished(guest);
	}
}

static void
on_bug(void *ctx, const char *file, int line, const char *what)
{
	printf("# %s:%d: %s\n", file, line, what);
	((struct guest *)ctx)->bugs++;
}

static void
on_finding(void *ctx, bool is_warning, const struct reeve_error *finding)
{
	struct guest *guest = ctx;

	guest->warnings += is_warning;
	if (!is_warning) {
		guest->findings++;
		snprintf(guest->finding, sizeof(guest->finding), "%s",
		    finding->text);
	}
}

void
guest_rewrite(struct guest *guest, const char *name, const char *children)
{
	static const char mark[] = "%(fixtures)s";
	FILE *file = fopen(guest->config, "w");
	const char *at;

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fprintf(file,
	    "{\"name\": \"%s\", \"state_dir\": \"%s\", \"children\": {", name,
	    guest->state);
	while ((at = strstr(children, mark)) != NULL) {
		fprintf(file, "%.*s%s/tests/fixtures/children",
		    (int)(at - children), children, rv_test_builddir());
		children = at + sizeof(mark) - 1;
	}
	fprintf(file, "%s}}", children);
	fclose(file);
}

void
guest_open(struct guest *guest, const char *name, const char *children)
{
	static const struct reeve_callbacks callbacks = {
		.notice = on_notice,
		.settled = on_settled,
		.finished = on_finished,
		.bug = on_bug,
	};
	struct reeve_options options = {
		.size = sizeof(options),
		.config_file = children != NULL ? guest->config : NULL,
		.name = name,
		.state_dir = guest->state,
		.loop = guest->loop,
		.libexec_dir = guest->libexec != NULL ? guest->libexec
						      : rv_test_builddir(),
		.callbacks = &callbacks,
		.ctx = guest,
		.finding = on_finding,
		.hooks = guest->hooks,
		.pools = guest->pools,
	};
	struct reeve_error err;
	enum reeve_status status;

	snprintf(guest->config, sizeof(guest->config), "%s/%s.json",
	    rv_test_dir(), name);
	snprintf(guest->state, sizeof(guest->state), "%s/%s-state",
	    rv_test_dir(), name);
	if (children != NULL) {
		guest_rewrite(guest, name, children);
	}
	status = reeve_create(&guest->reeve, &options, &err);
	if (status != REEVE_OK) {
		printf("# %s %s\n", err.text, guest->finding);
	}
	CU_ASSERT_EQUAL_FATAL(status, REEVE_OK);
}

static void
poll_once(struct guest *guest)
{
	struct pollfd p = { .fd = reeve_fd(guest->reeve), .events = POLLIN };
	struct reeve_error err = { 0 };
	int ms = reeve_timeout_ms(guest->reeve);

	poll(&p, 1, ms < 0 || ms > 1000 ? 1000 : ms);
	if (reeve_dispatch(guest->reeve, &err) != REEVE_OK) {
		CU_FAIL("cannot dispatch");
		printf("# %s\n", err.text);
	}
}

bool
guest_until(struct guest *guest, bool (*is_so)(struct guest *))
{
	time_t until = time(NULL) + 20 * rv_test_slow();

	while (!is_so(guest) && time(NULL) < until) {
		if (guest->turn != NULL) {
			guest->turn(guest);
		} else {
			poll_once(guest);
		}
	}
	return is_so(guest);
}

bool
guest_is_settled(struct guest *guest)
{
	return guest->settled;
}

bool
guest_is_finished(struct guest *guest)
{
	return guest->finished;
}

void
guest_clean(struct guest *guest)
{
	static const char *const names[] = { "/lock", "/clerk.lock",
		"/next-ids", "/control.sock", "", ".pub/notify", ".pub" };
	struct reeve_config_info info = { .size = sizeof(info) };
	char path[512];

	if (access(guest->config, F_OK) != 0) {
		guest_rewrite(guest, "none", "");
	}
	CU_ASSERT_EQUAL_FATAL(
	    reeve_config_check(guest->config, NULL, NULL, &info, NULL),
	    REEVE_OK);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(
		    path, sizeof(path), "%s%s", info.runtime_dir, names[i]);
		remove(path);
	}
	reeve_config_info_finish(&info);
}

void
guest_close(struct guest *guest)
{
	struct pollfd p = { .events = POLLIN };

	if (!guest->finished) {
		reeve_shutdown(guest->reeve, "test");
		CU_ASSERT(guest_until(guest, guest_is_finished));
	}
	while ((p.fd = reeve_last_words(guest->reeve)) != -1) {
		CU_ASSERT_EQUAL(poll(&p, 1, 20000 * rv_test_slow()), 1);
		close(p.fd);
	}
	reeve_destroy(guest->reeve);
	guest->reeve = NULL;
	CU_ASSERT_EQUAL(guest->bugs, 0);
	guest_clean(guest);
	while (waitpid(-1, NULL, WNOHANG) > 0) {
	}
}

pid_t
guest_pid(struct guest *guest, const char *path)
{
	struct reeve_client_options options = {
		.size = sizeof(options),
		.state_dir = guest->state,
	};
	struct reeve_client *client = NULL;
	struct reeve_message message = { 0 };
	struct reeve_error err;
	char key[128];
	uint64_t id = 0;
	pid_t pid = 0;
	const char *at;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_client_open(&client, &options, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_client_send(client, "status", NULL, &id, &err), REEVE_OK);
	while (reeve_client_next(client, &message, &err) == REEVE_EAGAIN) {
		if (guest->turn != NULL) {
			guest->turn(guest);
		} else {
			poll_once(guest);
		}
	}
	snprintf(key, sizeof(key), "\"path\":\"%s\"", path);
	at = message.json != NULL ? strstr(message.json, key) : NULL;
	at = at != NULL ? strstr(at, "\"pid\":") : NULL;
	if (at != NULL) {
		sscanf(at, "\"pid\":%d", &pid);
	}
	reeve_client_close(client);
	return pid;
}
