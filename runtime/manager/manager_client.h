/* SPDX-License-Identifier: MIT */
/*
 * A manager's client from the inside. One connection for all threads: whoever
 * waits for an answer receives for all, when nobody does so already. `lock`
 * guards everything; it is not held while somebody waits.
 */
#ifndef RV_MANAGER_CLIENT_H
#define RV_MANAGER_CLIENT_H

#include <pthread.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/time.h"
#include "manager/call_wire.h"
#include "sys/sys.h"

#define RV_MANAGER_MAGIC 0x6d616e67U
#define RV_PROXY_MAGIC   0x70726f78U
#define RV_PATIENCE      (10 * RV_SEC)
/* Submitted calls that are gathered, in bytes, before they are sent. */
#define RV_GATHERED ((size_t)16 * 1024)

/* Zero in a child of a fork, where threads of the parent may have held it. */
struct rv_manager_own {
	pthread_mutex_t lock;
	pthread_cond_t turn;
	bool is_ours;
	bool is_polled; /* its descriptor was asked for: calls go at once */
};

/* Who waits for the answers of n calls in a row. */
struct rv_waiter {
	struct rv_list all;
	uint32_t first, n, n_left;
	uint32_t serial; /* of the connection that they were sent by */
	/* under the lock, by whoever received it */
	void (*deliver)(struct rv_waiter *, const struct rv_answer_head *,
	    const unsigned char *values, size_t length);
};

struct reeve_manager {
	uint32_t magic;
	struct rv_manager_own *own;
	char *address;
	struct reeve_guard *guard;
	uint32_t flags;
	uid_t *users;
	size_t n_users;
	rv_time patience;
	struct reeve_conn *conn;
	uint32_t serial; /* of the connection */
	int64_t server_pid;
	uint64_t message_max;
	enum reeve_status broken; /* REEVE_OK while it is not */
	char why[200];
	uint32_t next_id, n_asleep;
	uint32_t n_outside; /* threads that use the connection unlocked */
	bool is_receiving, is_dialing;
	bool is_anew;   /* of another server, perhaps: names are opened again */
	bool is_unsent; /* a part of what was sent is with the connection yet */
	struct rv_list waiters;
	struct rv_buf out; /* calls that are to be sent */
	struct rv_buf releases;
	struct reeve_parcel parcel;
};

struct reeve_proxy {
	uint32_t magic;
	struct reeve_manager *manager;
	uint32_t object, generation;
	uint32_t serial; /* of the connection that has the reference */
	char *name;      /* that it was opened by or published under, or NULL */
	char type[64];
};

/* Lock it, for calls; after a fork, connect anew. Else REEVE_EBROKEN ... */
enum reeve_status rv_manager_enter(
    struct reeve_manager *, struct reeve_error *) RV_MUST_CHECK;
void rv_manager_leave(struct reeve_manager *);

/* Of a call to this proxy; args are put behind it by rv_manager_put. */
void rv_manager_head(const struct reeve_proxy *, uint16_t method,
    uint32_t flags, size_t n_args, rv_time timeout, struct rv_call_head *);
/* A whole call into the buffer; a method without a number by its name. */
void rv_manager_put(struct rv_buf *, struct rv_call_head *, const char *method,
    const struct reeve_datum *args, size_t n_args);

/* REEVE_EINVALID: they are not values. */
enum reeve_status rv_manager_check(const struct reeve_datum *args, size_t n,
    struct reeve_error *) RV_MUST_CHECK;
/* A call to the end of what is to be sent; on failure nothing of it is. */
enum reeve_status rv_manager_add(struct reeve_manager *, struct rv_call_head *,
    const char *method, const struct reeve_datum *args, size_t n_args,
    struct reeve_error *) RV_MUST_CHECK;
/* The numbers of the next n calls; the waiter is told of their answers. */
void rv_manager_expect(struct reeve_manager *, struct rv_waiter *, uint32_t n);
/* Send all. The lock is let go of meanwhile. REEVE_ETIMEDOUT: it is kept. */
enum reeve_status rv_manager_send(
    struct reeve_manager *, rv_time until, struct reeve_error *) RV_MUST_CHECK;
/* The same without a wait. False: not all of it. */
bool rv_manager_try_send(struct reeve_manager *);
/* Send all, until the waiter has all. REEVE_ETIMEDOUT, REEVE_EBROKEN. */
enum reeve_status rv_manager_await(struct reeve_manager *, struct rv_waiter *,
    rv_time until, struct reeve_error *) RV_MUST_CHECK;
static inline rv_time
rv_manager_left(rv_time until)
{
	rv_time now = until != RV_FOREVER ? rv_sys_now() : 0;

	return until == RV_FOREVER ? RV_FOREVER : until > now ? until - now : 0;
}

/* Until another thread has received something, or the time is over. */
void rv_manager_sleep(struct reeve_manager *, rv_time until);
void rv_manager_break(
    struct reeve_manager *, enum reeve_status, const char *why);
/* Nobody waits for these any more: the connection can tell nobody's results. */
void rv_manager_give_up(struct reeve_manager *);
enum reeve_status rv_manager_broken(
    const struct reeve_manager *, struct reeve_error *);

/* manager_connect.c: in a child of a fork. */
enum reeve_status rv_manager_connect_anew(
    struct reeve_manager *, struct reeve_error *) RV_MUST_CHECK;

/* The proxy's reference in this connection. The lock is held. */
enum reeve_status rv_proxy_ready(
    struct reeve_proxy *, struct reeve_error *) RV_MUST_CHECK;

/* Values of an answer, copied. False: no memory, or they are none. */
bool rv_result_fill(struct reeve_result *, struct reeve_manager *,
    const unsigned char *values, size_t length, uint32_t n) RV_MUST_CHECK;
/* What an answer says that is none but REEVE_OK. */
enum reeve_status rv_result_error(struct reeve_error *,
    const struct rv_answer_head *, const unsigned char *values, size_t length);

#endif
