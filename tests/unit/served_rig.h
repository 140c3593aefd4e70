/* SPDX-License-Identifier: MIT */
/*
 * For tests of managers: a server in this process, served by a thread, and a
 * client of it.
 */
#ifndef RV_TESTS_SERVED_RIG_H
#define RV_TESTS_SERVED_RIG_H

#include <pthread.h>

#include <reeve/manager.h>

#define RIG_LONG REEVE_S(60)

extern struct reeve_error served_err;

struct served {
	struct reeve_manager_server *server;
	struct reeve_manager *m;
	pthread_t thread;
	int stop[2];
	char address[300];
	bool by_loop; /* as a host's loop would, not by reeve_manager_serve */
};

/* At a socket of this case, unless the listen says another address. */
struct reeve_manager_options served_options(
    struct served *, struct reeve_manager_listen *);
/* Failures end the case. */
void served_begin(struct served *, const struct reeve_manager_options *);
/* The same without a client. */
void served_begin_alone(struct served *, const struct reeve_manager_options *);
/* What freeing the server says. */
enum reeve_status served_finish(struct served *);

struct reeve_proxy *served_make(struct served *, const char *type,
    const struct reeve_datum *args, size_t n);
struct reeve_manager *served_connect(const struct served *);
/* The number behind this word in the manager's info. */
long served_info(struct reeve_manager *, const char *what);

#endif
