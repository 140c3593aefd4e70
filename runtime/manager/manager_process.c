/* SPDX-License-Identifier: MIT */
/*
 * A manager in a process of its own: its settings, its guards, where it listens
 * when nobody says, its signals, its end. This is the whole program of that
 * process, so here signals are ours. Called through REEVE_MANAGER.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <reeve/manager.h>
#include <reeve/net.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "manager/settings.h"
#include "sys/nest.h"
#include "sys/sys.h"

/* There when the program has libreeve-net, which others need not have. */
#pragma weak reeve_guard_of_key
#pragma weak reeve_guard_of_tls
#pragma weak reeve_guard_free

struct life {
	struct rv_settings settings;
	struct reeve_guard *key, *tls;
	struct reeve_manager_server *server;
	struct rv_nest nest; /* of the socket, if nobody said where */
	char address[96];
	int stop;
	void (*beat)(void);
};

/* TERM is a descriptor from now on, INT is nothing. */
static enum reeve_status
own_signals(struct life *life, struct reeve_error *err)
{
	sigset_t term;

	(void)sigemptyset(&term);
	(void)sigaddset(&term, SIGTERM);
	if (signal(SIGINT, SIG_IGN) == SIG_ERR ||
	    signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
	    sigprocmask(SIG_BLOCK, &term, NULL) != 0) {
		return rv_error_sys(err, errno, "cannot set signals");
	}
	life->stop = rv_sys_signalfd(&term);
	return life->stop >= 0 ? REEVE_OK
			       : rv_error_sys(err, errno, "cannot set signals");
}

static enum reeve_status
make_key(struct life *life, struct reeve_error *err)
{
	struct reeve_key_options options = { .size = sizeof(options),
		.protocol = "reeve-manager" };
	char key[1025];
	ssize_t n;
	int fd;

	if (reeve_guard_of_key == NULL) {
		return rv_error(err, REEVE_ENOTBUILT,
		    "cannot use a key: the program is not linked with "
		    "libreeve-net");
	}
	fd = rv_sys_open(life->settings.key_file, O_RDONLY, 0);
	n = fd >= 0 ? rv_sys_read(fd, key, sizeof(key)) : -1;
	if (n < 0) {
		(void)rv_error_sys(err, errno, "cannot read the key in %s",
		    life->settings.key_file);
	}
	if (fd >= 0) {
		(void)close(fd);
	}
	if (n < 0) {
		return REEVE_ESYS;
	}
	options.key = key;
	options.key_length = (size_t)n;
	return reeve_guard_of_key(&life->key, &options, err);
}

static enum reeve_status
make_tls(struct life *life, struct reeve_error *err)
{
	struct reeve_tls_options options = { .size = sizeof(options),
		.certificate_file = life->settings.certificate_file,
		.key_file = life->settings.private_key_file,
		.authority_file = life->settings.authority_file,
		.asks_clients = life->settings.authority_file != NULL,
		.then = life->key };

	if (reeve_guard_of_tls == NULL) {
		return rv_error(err, REEVE_ENOTBUILT,
		    "cannot use a certificate: the program is not linked with "
		    "libreeve-net");
	}
	return reeve_guard_of_tls(&life->tls, &options, err);
}

/* A folder that nobody else may enter, with the socket in it. */
static enum reeve_status
own_folder(struct life *life, struct reeve_error *err)
{
	static const struct rv_nest_kind kind = { "reeve-manager-", NULL };
	const char *base = secure_getenv("XDG_RUNTIME_DIR");

	if (base == NULL || base[0] != '/' || strlen(base) > 30) {
		base = "/tmp";
	}
	if (!rv_nest_make(&life->nest, &kind, base)) {
		return rv_error_sys(
		    err, errno, "cannot make a folder in %s", base);
	}
	(void)snprintf(life->address, sizeof(life->address), "unix:%s/socket",
	    life->nest.path);
	return REEVE_OK;
}

static void
add_listen(struct life *life, const char *address,
    struct reeve_manager_options *options, struct reeve_manager_listen *listens)
{
	struct reeve_manager_listen *listen = &listens[options->n_listens++];

	memset(listen, 0, sizeof(*listen));
	listen->address = address;
	listen->flags =
	    life->settings.any_user ? (uint32_t)REEVE_ADDRESS_ANY_USER : 0;
	listen->guard = life->tls != NULL && strncmp(address, "tcp:", 4) == 0
			    ? life->tls
			    : life->key;
}

/* Twice within the time in which the supervisor wants one; 0: it wants none. */
static int64_t
beat_interval(void)
{
	const char *text = getenv("WATCHDOG_USEC");
	int64_t us;

	return text != NULL && rv_parse_int(text, 1, INT64_MAX / RV_US, &us)
		   ? us * RV_US / 2
		   : 0;
}

/* To whoever reads what this process says. */
static void
say(void *ctx, const char *text)
{
	(void)ctx;
	(void)!rv_sys_write(STDERR_FILENO, text, strlen(text));
	(void)!rv_sys_write(STDERR_FILENO, "\n", 1);
}

static enum reeve_status
open_server(struct life *life, const struct reeve_manager_setup *setup,
    struct reeve_error *err)
{
	const struct rv_settings *s = &life->settings;
	struct reeve_manager_listen listens[2];
	struct reeve_manager_options options = { .size = sizeof(options),
		.listens = listens,
		.types = setup->types,
		.n_types = setup->n_types,
		.updates = setup->updates,
		.n_updates = setup->n_updates,
		.snapshot = s->snapshot,
		.snapshot_every = s->snapshot_every,
		.snapshot_at_end = s->snapshot_at_end,
		.notice = say,
		.message_timeout = s->message_timeout,
		.beat = life->beat,
		.beat_every = beat_interval(),
		.memory_max = s->memory_max,
		.message_max = s->message_max,
		.output_max = s->output_max,
		.clients_max = (uint32_t)s->clients_max,
		.objects_max = (uint32_t)s->objects_max,
		.waiting_max = (uint32_t)s->waiting_max };
	enum reeve_status status = REEVE_OK;

	if (s->key_file != NULL) {
		status = make_key(life, err);
	}
	if (status == REEVE_OK && s->certificate_file != NULL) {
		status = make_tls(life, err);
	}
	if (status == REEVE_OK && s->address == NULL) {
		status = own_folder(life, err);
	}
	if (status != REEVE_OK) {
		return status;
	}
	add_listen(life, s->address != NULL ? s->address : life->address,
	    &options, listens);
	if (s->second_address != NULL) {
		add_listen(life, s->second_address, &options, listens);
	}
	status = reeve_manager_server_new(&life->server, &options, err);
	if (status == REEVE_EBUSY) {
		/* the one before is just ending */
		status = reeve_manager_server_new(&life->server, &options, err);
	}
	return status;
}

static enum reeve_status
begin(struct life *life, const struct reeve_manager_setup *setup,
    const struct reeve_call *call, struct reeve_error *err)
{
	enum reeve_status status;

	if (setup == NULL || setup->size != sizeof(*setup)) {
		return rv_error_size(err, "struct reeve_manager_setup",
		    setup != NULL ? setup->size : 0);
	}
	status =
	    rv_settings_read(&life->settings, call->args, call->args_len, err);
	if (status == REEVE_OK) {
		status = own_signals(life, err);
	}
	if (status == REEVE_OK) {
		status = open_server(life, setup, err);
	}
	if (status == REEVE_OK && setup->initialize != NULL) {
		status = setup->initialize(life->server, call, err);
	}
	return status;
}

static void
tell(struct reeve_conn *starter, char sign, const char *text)
{
	char message[700];
	size_t length = rv_format(message, sizeof(message), "%c%s", sign, text);

	if (starter != NULL) {
		(void)!reeve_conn_send(starter, message, length, REEVE_S(1));
		reeve_conn_free(starter);
	} else if (sign == '-') {
		say(NULL, message + 1);
	}
}

static void
end(struct life *life)
{
	if (reeve_guard_free != NULL) {
		reeve_guard_free(life->tls);
		reeve_guard_free(life->key);
	}
	if (life->stop >= 0) {
		(void)close(life->stop);
	}
	rv_nest_remove(&life->nest);
	rv_settings_finish(&life->settings);
}

int
reeve_manager_run(const struct reeve_manager_setup *setup,
    const struct reeve_call *call, struct reeve_conn *starter,
    enum reeve_status (*ready)(void), void (*beat)(void))
{
	struct life life = { .nest = { .fd = -1 }, .stop = -1, .beat = beat };
	struct reeve_error err = { 0 };
	enum reeve_status status = begin(&life, setup, call, &err), at_end;
	bool began = status == REEVE_OK;

	if (began) {
		if (ready != NULL) {
			(void)ready();
		}
		tell(
		    starter, '+', reeve_manager_server_address(life.server, 0));
		status = reeve_manager_serve(life.server, life.stop, &err);
		at_end = reeve_manager_server_free(
		    life.server, status == REEVE_OK ? &err : NULL);
		status = status == REEVE_OK ? at_end : status;
		starter = NULL;
	} else {
		if (err.text[0] == '\0') {
			(void)rv_error(&err, status,
			    "cannot start the manager: its initializer failed: "
			    "%s",
			    reeve_status_text(status));
		}
		/* nothing was done, so nothing is to be written */
		(void)reeve_manager_server_free(life.server, NULL);
	}
	if (status != REEVE_OK) {
		tell(starter, '-', err.text);
	}
	end(&life);
	return status == REEVE_OK ? 0 : 1;
}
