/* SPDX-License-Identifier: MIT */
/* The server from the inside: manager_server.c, server_*.c. */
#ifndef RV_MANAGER_SERVER_PRIV_H
#define RV_MANAGER_SERVER_PRIV_H

#include <sys/types.h>

#include "manager/hall.h"
#include "manager/snapshot.h"

#define RV_SERVER_MAGIC   0x6d67736bU
#define RV_SERVER_LISTENS 4

struct rv_client {
	struct rv_session session;
	struct rv_list all;  /* in the server's clients */
	struct rv_list busy; /* in its busy: something is to be done at once */
	struct reeve_conn *conn;
	struct reeve_parcel parcel;
	struct rv_cursor input; /* calls of the parcel that are to be done */
	uint32_t events;        /* that epoll watches */
	bool is_blocked;        /* its answers wait for it to read */
	bool is_starved;        /* ... or for a descriptor of ours */
	bool is_watched;
	bool is_gone;
	struct rv_list stuck; /* in the server's stuck: a message is half-way */
	rv_time stuck_since;
	uint64_t unsent; /* then: what of its answers had not gone */
};

struct rv_door {
	struct reeve_listener *listener;
	bool is_watched;
};

struct reeve_manager_server {
	uint32_t magic;
	pid_t pid;
	struct rv_hall hall;
	int epoll, timer;
	struct rv_door doors[RV_SERVER_LISTENS];
	size_t n_doors;
	struct rv_list clients, busy, gone;
	struct rv_list stuck; /* the longest first */
	rv_time message_timeout;
	uint32_t n_clients, clients_max;
	uint64_t message_max;
	rv_time armed;    /* what the timer is set to */
	rv_time retry_at; /* what could not be for lack of something */
	struct rv_snapshot_file file; /* server_snapshot.c, these too: */
	struct {
		pid_t pid; /* of who is writing; 0: nobody is */
		int pidfd, pipe;
	} writer;
	rv_time snapshot_every, snapshot_at;
	bool snapshot_at_end, is_snapshot_wanted;
	enum reeve_status snapshot_status; /* of the last one */
	unsigned n_failed;                 /* in a row */
	struct reeve_error failure;        /* the last that was said */
	void (*notice)(void *ctx, const char *text);
	void *notice_ctx;
	void (*beat)(void);
	rv_time beat_every, beat_at;
	bool turn_of_timer; /* the timer or the end was there */
	int watches;        /* an epoll of what objects watch; -1: none does */
	struct rv_list later; /* threads: server_later.c */
};

/* server_client.c */
void rv_server_accept(struct reeve_manager_server *, struct rv_door *);
void rv_server_receive(struct reeve_manager_server *, struct rv_client *);
void rv_server_go_on(struct reeve_manager_server *, struct rv_client *);
/* Send what the hall has for its sessions, and end those who are cut off. */
void rv_server_flush(struct reeve_manager_server *);
void rv_server_send(struct reeve_manager_server *, struct rv_client *);
void rv_server_drop(struct reeve_manager_server *, struct rv_client *);
void rv_server_retry_soon(struct reeve_manager_server *);
/* Cut off those who have been stuck for too long; when that is due next. */
void rv_server_unstick(struct reeve_manager_server *);
rv_time rv_server_unstick_at(const struct reeve_manager_server *);

/* server_watch.c: objects that are told of something by a descriptor. */
enum reeve_status rv_server_watch(void *server, struct rv_object *, int fd);
void rv_server_ready(struct reeve_manager_server *);

/* server_later.c: false: there can be no thread. */
bool rv_server_later(void *server, void (*work)(void *arg), void *arg);
/* Wait for all of them. */
void rv_server_join(struct reeve_manager_server *);

/* server_snapshot.c: its file, and what is in it. */
enum reeve_status rv_server_snapshot_load(struct reeve_manager_server *,
    const struct reeve_manager_options *, struct reeve_error *) RV_MUST_CHECK;
/* Begin one, if it is time. */
void rv_server_snapshot_due(struct reeve_manager_server *);
/* Who wrote one is done. */
void rv_server_snapshot_ended(struct reeve_manager_server *);
/* Write it here, and return when it is on the disk. */
enum reeve_status rv_server_snapshot_now(
    struct reeve_manager_server *, struct reeve_error *) RV_MUST_CHECK;
/* The last one, if that is asked for. */
enum reeve_status rv_server_snapshot_end(
    struct reeve_manager_server *, struct reeve_error *) RV_MUST_CHECK;

#endif
