/* SPDX-License-Identifier: MIT */
/*
 * Managers: a server that holds dicts, lists, queues, locks and objects of own
 * types for any number of clients, on this machine or others. Part of
 * libreeve-manager. The protocol is in reeve-manager(7), for other languages.
 *
 *	static const struct reeve_manager_setup shop = { .size = sizeof(shop) };
 *	REEVE_MANAGER("shop.manager", shop);
 *
 *	struct reeve_manager_start how = { .size = sizeof(how),
 *		.function = "shop.manager" };
 *	reeve_manager_start(&process, context, &how, address, REEVE_S(5), &err);
 *	reeve_manager_connect(&m, address, NULL, REEVE_S(5), &err);
 *	reeve_proxy_create(&dict, m, "dict", NULL, 0, REEVE_S(5), &err);
 *	reeve_dict_set(dict, reeve_text("a"), reeve_int(5), REEVE_S(5), &err);
 *
 * Values are numbers, bytes, texts, JSON or references to other objects, which
 * a container holds then. What the server has of a client, references, locks,
 * units of semaphores, leased items, goes when its connection ends, however
 * that comes about.
 *
 * Timeouts are of reeve/time.h: how long the server may let a call wait, for a
 * lock or an item. The answer comes at once after that; when it does not, for
 * as long as the client's patience, the server hangs, the call is
 * REEVE_ETIMEDOUT, and the connection is given up.
 */
#ifndef REEVE_MANAGER_H
#define REEVE_MANAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <reeve/child.h>
#include <reeve/conn.h>
#include <reeve/datum.h>
#include <reeve/error.h>
#include <reeve/function.h>
#include <reeve/listener.h>
#include <reeve/process.h>
#include <reeve/self.h>
#include <reeve/time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_manager;
struct reeve_proxy;
struct reeve_batch;
struct reeve_pending;
struct reeve_request;
struct reeve_manager_server;

/* -------- results -------- */

/*
 * What a call answered. Zeroed, it is empty; it may be used for one call after
 * another, and reeve_result_free lets go of its memory and of the references
 * in it that nobody has taken.
 */
struct reeve_result {
	size_t n;
	struct reeve_datum *values;
	/* The library's. */
	struct reeve_manager *manager;
	void *memory;
	size_t capacity;
	uint32_t n_references;
};

REEVE_PUBLIC void reeve_result_free(struct reeve_result *);

/* -------- clients -------- */

struct reeve_manager_connect_options {
	size_t size; /* of this struct */
	uint32_t flags;
	struct reeve_guard *guard; /* net.h; NULL: none */
	const uid_t *users;        /* as in listener.h */
	size_t n_users;
	int64_t patience; /* with the server's answers; 0: ten seconds */
};

/*
 * Connect and greet. All threads of this process may use the manager; after a
 * fork the child's first call makes a connection of its own, which takes new
 * references for the proxies that it has. Options may be NULL. Results are
 * those of reeve_conn_connect, and REEVE_EPROTO: it is no manager that listens
 * there, or one of another version.
 */
REEVE_PUBLIC enum reeve_status reeve_manager_connect(struct reeve_manager **,
    const char *address, const struct reeve_manager_connect_options *,
    int64_t timeout, struct reeve_error *) REEVE_MUST_CHECK;

/*
 * Ends the connection; what was submitted and not sent goes if it can without a
 * wait. Proxies, batches and pending calls are to be freed before, and no other
 * thread may be inside. NULL is fine.
 */
REEVE_PUBLIC void reeve_manager_free(struct reeve_manager *);

/*
 * Once it is broken (REEVE_EBROKEN), because the server has died or was
 * restarted: connect again, as soon as somebody listens there, for at most that
 * long. It is tried again after 1 ms, then after twice as long, up to 100 ms.
 * Where it is not broken, or another thread has got through, it is REEVE_OK.
 *
 * What was under way has failed, and it is not known what of it was done: that
 * is why nobody connects again by himself. Of the server that was, nothing is
 * left here but what its snapshot had: locks, units, leases and calls that
 * waited are gone. Proxies that were opened by a name, or published under one
 * through this proxy, are opened by it again when they are used next; others
 * are good only if the same server still has the object, and are REEVE_ENOENT
 * otherwise. Results are those of reeve_manager_connect for the last attempt.
 */
REEVE_PUBLIC enum reeve_status reeve_manager_reconnect(struct reeve_manager *,
    int64_t timeout, struct reeve_error *) REEVE_MUST_CHECK;

/* There and back. */
REEVE_PUBLIC enum reeve_status reeve_manager_ping(
    struct reeve_manager *, int64_t timeout, struct reeve_error *);

/*
 * The manager's own methods, by name: names, types, methods, info, snapshot,
 * collect; see reeve-manager(7).
 */
REEVE_PUBLIC enum reeve_status reeve_manager_call(struct reeve_manager *,
    const char *method, const struct reeve_datum *args, size_t n_args,
    struct reeve_result *, int64_t timeout, struct reeve_error *);

/* The server's pid, as it says. */
REEVE_PUBLIC int64_t reeve_manager_server_pid(const struct reeve_manager *);

/* A new object of this type ("dict", "queue" ...), with what it begins with. */
REEVE_PUBLIC enum reeve_status reeve_proxy_create(struct reeve_proxy **,
    struct reeve_manager *, const char *type, const struct reeve_datum *args,
    size_t n_args, int64_t timeout, struct reeve_error *) REEVE_MUST_CHECK;

/* The one that was published under a name. REEVE_ENOENT. */
REEVE_PUBLIC enum reeve_status reeve_proxy_open(struct reeve_proxy **,
    struct reeve_manager *, const char *name, int64_t timeout,
    struct reeve_error *) REEVE_MUST_CHECK;

/*
 * Value i of a result, which is a reference; it is taken from the result.
 * REEVE_EINVALID: it is none, or it was taken.
 */
REEVE_PUBLIC enum reeve_status reeve_proxy_take(struct reeve_proxy **,
    struct reeve_result *, size_t i, struct reeve_error *) REEVE_MUST_CHECK;

/*
 * The one that another client has, by what its reeve_proxy_reference said.
 * REEVE_ENOENT: it is gone: nobody has held it in between.
 */
REEVE_PUBLIC enum reeve_status reeve_proxy_attach(struct reeve_proxy **,
    struct reeve_manager *, struct reeve_datum reference, int64_t timeout,
    struct reeve_error *) REEVE_MUST_CHECK;

/* Let go of it; never waits. NULL is fine. */
REEVE_PUBLIC void reeve_proxy_free(struct reeve_proxy *);

/* As a value for calls: to put it into a container, or to publish it. */
REEVE_PUBLIC struct reeve_datum reeve_proxy_reference(
    const struct reeve_proxy *);

REEVE_PUBLIC enum reeve_status reeve_proxy_publish(struct reeve_proxy *,
    const char *name, int64_t timeout, struct reeve_error *);
REEVE_PUBLIC enum reeve_status reeve_manager_unpublish(struct reeve_manager *,
    const char *name, int64_t timeout, struct reeve_error *);

/*
 * Call a method by its name; result may be NULL. What the object's method says
 * is the result, with its type and message in err ("no-key: ..."). From the way
 * there: REEVE_EBROKEN: the server is gone, as all calls are then, at once;
 * what of this call it has done is not known. REEVE_ETIMEDOUT: see above.
 * REEVE_ENOENT: it has no such object or method. REEVE_ETOOBIG: longer than it
 * takes. REEVE_ENOMEM.
 */
REEVE_PUBLIC enum reeve_status reeve_proxy_call(struct reeve_proxy *,
    const char *method, const struct reeve_datum *args, size_t n_args,
    struct reeve_result *, int64_t timeout, struct reeve_error *);

/* By its number in the tables of reeve-manager(7): quicker. */
REEVE_PUBLIC enum reeve_status reeve_proxy_do(struct reeve_proxy *,
    uint16_t method, const struct reeve_datum *args, size_t n_args,
    struct reeve_result *, int64_t timeout, struct reeve_error *);

/* -------- many calls in one message -------- */

/* Calls are done in order; each has a result of its own. */
REEVE_PUBLIC enum reeve_status reeve_batch_new(struct reeve_batch **,
    struct reeve_manager *, struct reeve_error *) REEVE_MUST_CHECK;

enum reeve_batch_flags {
	/* only if the call before it was REEVE_OK; else REEVE_ECANCELED */
	REEVE_BATCH_IF_BEFORE = 1,
};

/*
 * Add a call. None of them waits: what would have to is REEVE_ETIMEDOUT.
 * REEVE_ETOOBIG: the message would be longer than the server takes. A batch is
 * for the connection that its first call was added in: REEVE_EBROKEN when that
 * is gone.
 */
REEVE_PUBLIC enum reeve_status reeve_batch_add(struct reeve_batch *,
    struct reeve_proxy *, const char *method, const struct reeve_datum *args,
    size_t n_args, uint32_t flags, struct reeve_error *) REEVE_MUST_CHECK;
REEVE_PUBLIC enum reeve_status reeve_batch_add_do(struct reeve_batch *,
    struct reeve_proxy *, uint16_t method, const struct reeve_datum *args,
    size_t n_args, uint32_t flags, struct reeve_error *) REEVE_MUST_CHECK;

/* Send them all, wait for all answers. Calls may fail: ask for each. */
REEVE_PUBLIC enum reeve_status reeve_batch_commit(
    struct reeve_batch *, int64_t timeout, struct reeve_error *);

/*
 * What call i (from 0) said, after the commit. REEVE_EINVALID: there is none.
 */
REEVE_PUBLIC enum reeve_status reeve_batch_result(struct reeve_batch *,
    size_t i, struct reeve_result *, struct reeve_error *);

/* Empty, for the next ones. */
REEVE_PUBLIC void reeve_batch_reset(struct reeve_batch *);
REEVE_PUBLIC void reeve_batch_free(struct reeve_batch *);

/* -------- calls that are not waited for -------- */

/*
 * Take it and go on. Calls are gathered and sent together: when 16 KiB are,
 * when any call is waited for, when one of them is freed, by
 * reeve_manager_flush and by reeve_manager_dispatch; at once as soon as
 * somebody has asked for reeve_manager_fd, since who polls for an answer does
 * not know that a call is here yet. They are done in the order of one thread's
 * calls, those that are waited for included.
 *
 * `pending` is the caller's, who frees it, when the call is done or to forget
 * about it: then it is done all the same. REEVE_ETIMEDOUT: 16 KiB were to be
 * sent, and the server has not read for as long as the client's patience.
 */
REEVE_PUBLIC enum reeve_status reeve_proxy_submit(struct reeve_pending **,
    struct reeve_proxy *, const char *method, const struct reeve_datum *args,
    size_t n_args, int64_t timeout, struct reeve_error *) REEVE_MUST_CHECK;

/* Wait for it, at most so long: REEVE_EAGAIN: it is not done. */
REEVE_PUBLIC enum reeve_status reeve_pending_wait(struct reeve_pending *,
    struct reeve_result *, int64_t timeout, struct reeve_error *);
REEVE_PUBLIC bool reeve_pending_is_done(const struct reeve_pending *);
REEVE_PUBLIC void reeve_pending_free(struct reeve_pending *);

/*
 * Send what was submitted. REEVE_ETIMEDOUT: not all yet, the server does not
 * read; the rest goes with the next call.
 */
REEVE_PUBLIC enum reeve_status reeve_manager_flush(
    struct reeve_manager *, int64_t timeout, struct reeve_error *);

/*
 * For event loops: poll for reading, then dispatch, which sends and takes what
 * can be without a wait. -1: broken, or forked. It is another one after
 * reeve_manager_reconnect.
 */
REEVE_PUBLIC int reeve_manager_fd(const struct reeve_manager *);
REEVE_PUBLIC enum reeve_status reeve_manager_dispatch(
    struct reeve_manager *, struct reeve_error *);

/* -------- own types, in the server -------- */

/*
 * A method. Arguments are borrowed for the call. It answers by
 * reeve_request_answer, any number of values, and returns REEVE_OK; or what
 * reeve_request_fail returned; or, where its row says that it may wait,
 * REEVE_EAGAIN without having answered: then it is called again, with the same
 * arguments, when another call of the object was done, and it comes first in
 * its lane. It never blocks: the server has one thread.
 */
typedef enum reeve_status reeve_manager_fn(struct reeve_request *, void *state,
    const struct reeve_datum *args, size_t n_args);

#define REEVE_ANY_ARGS 0xffff

enum reeve_method_flags {
	REEVE_METHOD_WAITS = 1, /* it may say REEVE_EAGAIN */
};

struct reeve_manager_method {
	const char *name; /* with a '_' before it, no client may call it */
	reeve_manager_fn *fn;
	uint16_t min_args, max_args;
	uint16_t flags;
	uint16_t lane; /* 0 to 2: whom it waits behind */
};

/* Methods are numbered from 1, by their place in the table. */
struct reeve_manager_type {
	size_t size; /* of this struct */
	const char *name;
	const struct reeve_manager_method *methods;
	size_t n_methods;
	size_t state_size; /* zeroed memory for each object */
	/* with what a client gave, or with what `save` answered; or NULL */
	reeve_manager_fn *create;
	/* drop what it keeps; or NULL */
	void (*destroy)(struct reeve_request *, void *state);
	/*
	 * answer what its successor is to be created with, the same when it is
	 * asked twice; takes no memory and no locks (see snapshots, below).
	 * NULL: nothing
	 */
	enum reeve_status (*save)(struct reeve_request *, void *state);
	/* a call that waited is no more; its slots say what it was */
	void (*left)(struct reeve_request *, void *state);
	/* the client has gone that a lease was given to */
	void (*lost)(struct reeve_request *, void *state, uint64_t lease);
	/* what reeve_request_watch was given is readable; never blocks */
	void (*ready)(struct reeve_request *, void *state);
};

/* One value more of the answer. */
REEVE_PUBLIC void reeve_request_answer(
    struct reeve_request *, const struct reeve_datum *);
/* A new object as one more; the client and whoever keeps it have it. */
REEVE_PUBLIC enum reeve_status reeve_request_create(struct reeve_request *,
    const char *type, const struct reeve_datum *args, size_t n_args,
    struct reeve_datum *reference) REEVE_MUST_CHECK;
/* The error: a type such as "no-key", a message. Returns the status. */
REEVE_PUBLIC enum reeve_status reeve_request_fail(struct reeve_request *,
    enum reeve_status, const char *type, const char *fmt, ...)
    REEVE_FORMAT(4, 5);

/*
 * Keep a value in the object: a copy, and a reference holds its object. Dropped
 * in `destroy` at the latest. REEVE_EFULL: the server's limit of memory;
 * REEVE_ENOENT: a reference to what is gone; REEVE_ENOMEM.
 */
REEVE_PUBLIC enum reeve_status reeve_request_keep(struct reeve_request *,
    struct reeve_datum *kept, const struct reeve_datum *) REEVE_MUST_CHECK;
REEVE_PUBLIC void reeve_request_drop(
    struct reeve_request *, struct reeve_datum *kept);

/* Two numbers of a call that survive its waiting; zero at first. */
REEVE_PUBLIC uint64_t *reeve_request_slots(struct reeve_request *);
/* Its time is over: answer, fail, or wait on for ever. */
REEVE_PUBLIC bool reeve_request_expired(const struct reeve_request *);
/* Who calls: not 0, and another one for each client and `owner` in it. */
REEVE_PUBLIC uint64_t reeve_request_caller(const struct reeve_request *);
/* Which client: another one for each connection, whichever owner calls; 0: the
 * server itself. */
REEVE_PUBLIC uint64_t reeve_request_client(const struct reeve_request *);
/* Made from a snapshot. */
REEVE_PUBLIC bool reeve_request_is_loading(const struct reeve_request *);
/*
 * Give the client something that it will not keep beyond its end: `lost` is
 * called with this number then. At most once for each number and object.
 */
REEVE_PUBLIC enum reeve_status reeve_request_lease(
    struct reeve_request *, uint64_t lease) REEVE_MUST_CHECK;
REEVE_PUBLIC void reeve_request_unlease(struct reeve_request *, uint64_t lease);

/*
 * Of objects to which something happens between calls. Their methods wait, too;
 * but not in a lane, where the first comes first: each for a number (not 0) of
 * the object's own choice, which is said before REEVE_EAGAIN is returned. The
 * method is called again when `wake` has said that number, or the time is over.
 * REEVE_EBUSY: another call waits for it.
 */
REEVE_PUBLIC enum reeve_status reeve_request_wait_for(
    struct reeve_request *, uint32_t number) REEVE_MUST_CHECK;
/* At the end of this call, or of `ready`. */
REEVE_PUBLIC void reeve_request_wake(struct reeve_request *, uint32_t number);
/*
 * Call `ready` whenever this descriptor is readable, instead of the one before;
 * -1: none. It stays the object's, which closes it after `destroy` was called
 * at the earliest. REEVE_ESYS: it cannot be polled.
 */
REEVE_PUBLIC enum reeve_status reeve_request_watch(
    struct reeve_request *, int fd) REEVE_MUST_CHECK;
/*
 * What takes its time and needs nobody, such as the end of what the object
 * had: in a thread of its own, all signals blocked. The server's end waits for
 * it. Where there can be no thread it is done at once.
 */
REEVE_PUBLIC void reeve_request_later(
    struct reeve_request *, void (*work)(void *arg), void *arg);
/*
 * Memory that the object has besides what it keeps, to be counted: so many
 * bytes more, or fewer; at its end none is. REEVE_EFULL: the server's limit;
 * then it was not counted.
 */
REEVE_PUBLIC enum reeve_status reeve_request_charge(
    struct reeve_request *, int64_t bytes) REEVE_MUST_CHECK;

/*
 * A change that clients ask for by name, of one value, within the server, so
 * that none comes between: `old` is it (null where there was none), what is
 * answered first is the new one, what is answered next the client gets.
 */
struct reeve_manager_update {
	const char *name;
	enum reeve_status (*fn)(struct reeve_request *,
	    const struct reeve_datum *old, const struct reeve_datum *args,
	    size_t n_args);
};

/* -------- servers -------- */

struct reeve_manager_listen {
	const char *address; /* of listener.h */
	struct reeve_guard *guard;
	uint32_t flags; /* of listener.h */
	const uid_t *users;
	size_t n_users;
};

/*
 * Zero is the default throughout. Tables are borrowed, texts copied.
 *
 * Snapshots are written in the background, when it is time or a client asks: by
 * a copy of this process, which has its memory of that moment, none of its
 * descriptors, and sends no SIGCHLD; `save` of own types is called there, and
 * may take neither memory nor locks. It ends when the thread ends that
 * dispatched. One that fails, for want of a process, room, or because it was
 * killed, leaves the one before, is told, and tried again after 0.1 s, then
 * after twice as long, up to a minute.
 */
struct reeve_manager_options {
	size_t size; /* of this struct */
	const struct reeve_manager_listen *listens;
	size_t n_listens; /* at most 4 */
	const struct reeve_manager_type *const *types;
	size_t n_types;
	const struct reeve_manager_update *updates;
	size_t n_updates;
	const char *snapshot;   /* a file; read at the start, if it is there */
	int64_t snapshot_every; /* if something was called; 0: never */
	bool snapshot_at_end;
	/*
	 * What goes wrong where nobody asked for it, and that it goes well
	 * again; from within dispatch. NULL: nobody is told.
	 */
	void (*notice)(void *ctx, const char *text);
	void *notice_ctx;
	uint64_t memory_max;  /* of all values and objects; 0: 1 GiB */
	uint64_t message_max; /* bytes of one; 0: 64 MiB */
	uint64_t output_max;  /* of what a client does not read; 0: 64 MiB */
	uint32_t clients_max; /* 0: 4096 */
	uint32_t objects_max; /* 0: a million */
	uint32_t waiting_max; /* calls of one client that wait; 0: 1024 */
	/*
	 * How long a message may be under way: one of a client's over TCP, from
	 * its first byte to its last, and the answers to one who reads nothing
	 * of them. Then the client is cut off, and told why. 0: a minute.
	 */
	int64_t message_timeout;
	/* called by turns of the server, every so often; NULL: nothing is */
	void (*beat)(void);
	int64_t beat_every;
};

/*
 * Load the snapshot, listen. REEVE_EDAMAGED: the snapshot is, and err says
 * where; nothing was changed. Otherwise as reeve_conn_listen.
 */
REEVE_PUBLIC enum reeve_status reeve_manager_server_new(
    struct reeve_manager_server **, const struct reeve_manager_options *,
    struct reeve_error *) REEVE_MUST_CHECK;

/*
 * Ends: connections are closed, socket files removed, objects destroyed; with
 * snapshot_at_end the snapshot is written first, and what failed of that is the
 * result. NULL is fine.
 */
REEVE_PUBLIC enum reeve_status reeve_manager_server_free(
    struct reeve_manager_server *, struct reeve_error *);

/* Poll for reading, then dispatch, which does what there is and returns. */
REEVE_PUBLIC int reeve_manager_server_fd(const struct reeve_manager_server *);
REEVE_PUBLIC enum reeve_status reeve_manager_server_dispatch(
    struct reeve_manager_server *, struct reeve_error *);

/* Serve until this descriptor is readable (-1: for ever). */
REEVE_PUBLIC enum reeve_status reeve_manager_serve(
    struct reeve_manager_server *, int stop_fd, struct reeve_error *);

/* Where the i-th one listens, with its port; NULL behind the last. */
REEVE_PUBLIC const char *reeve_manager_server_address(
    const struct reeve_manager_server *, size_t i);

/* An object of the server's own, published. */
REEVE_PUBLIC enum reeve_status reeve_manager_server_publish(
    struct reeve_manager_server *, const char *name, const char *type,
    const struct reeve_datum *args, size_t n_args, struct reeve_error *);

/*
 * Write it now; it is on the disk when this returns, and nobody is served
 * before. The one that was being written in the background is given up.
 * REEVE_EINVALID: there is no file for it; REEVE_ESYS.
 */
REEVE_PUBLIC enum reeve_status reeve_manager_server_snapshot(
    struct reeve_manager_server *, struct reeve_error *);

/* -------- servers in a process of their own -------- */

/* What a program's own manager has that cannot be told as a text. */
struct reeve_manager_setup {
	size_t size; /* of this struct */
	const struct reeve_manager_type *const *types;
	size_t n_types;
	const struct reeve_manager_update *updates;
	size_t n_updates;
	/* in the server, before anybody may connect; the status is the end */
	enum reeve_status (*initialize)(struct reeve_manager_server *,
	    const struct reeve_call *, struct reeve_error *);
};

/*
 * What REEVE_MANAGER registers: serve as the arguments say, a JSON object of
 * what reeve-manager(7) lists, until SIGTERM. `starter` hears when it listens,
 * and is freed; it may be NULL, as `ready` and `beat` may, which are child.h's:
 * a worker with a heartbeat beats as long as it serves. The result is the exit
 * code. SIGINT is ignored.
 */
REEVE_PUBLIC int reeve_manager_run(const struct reeve_manager_setup *,
    const struct reeve_call *, struct reeve_conn *starter,
    enum reeve_status (*ready)(void), void (*beat)(void));

#define REEVE_MANAGER(name, setup)                                     \
	static int reeve_manager_##setup(const struct reeve_call *c)   \
	{                                                              \
		struct reeve_conn *starter = 0;                        \
		(void)!reeve_conn_given(&starter, "reeve.manager", 0); \
		return reeve_manager_run(                              \
		    &(setup), c, starter, reeve_ready, reeve_beat);    \
	}                                                              \
	REEVE_FUNCTION(name, reeve_manager_##setup)

#define REEVE_MANAGER_ADDRESS_MAX 256

struct reeve_manager_start {
	size_t size;          /* of this struct */
	const char *function; /* as REEVE_MANAGER named it */
	const char *args;     /* JSON; NULL: a socket in a folder of its own */
	const char *name;     /* of the process */
	const char *const *env;
};

/*
 * Start one as a process of this context, and wait until it listens: at
 * `address`. The process is the caller's; reeve_process_stop ends it in order.
 * On failure there is none, and err has what the server said.
 */
static inline enum reeve_status
reeve_manager_start(struct reeve_process **out, struct reeve_context *context,
    const struct reeve_manager_start *how,
    char address[REEVE_MANAGER_ADDRESS_MAX], int64_t timeout,
    struct reeve_error *err)
{
	struct reeve_conn *mine = 0, *theirs = 0;
	struct reeve_process *process = 0;
	struct reeve_process_options options;
	struct reeve_give give;
	struct reeve_error said;
	char text[1 + sizeof(said.text)];
	size_t length = 0;
	enum reeve_status status = reeve_pipe(&mine, &theirs, true, err);

	if (status != REEVE_OK) {
		return status;
	}
	memset(&options, 0, sizeof(options));
	give = reeve_conn_give("reeve.manager", theirs);
	options.size = sizeof(options);
	options.function = how->function;
	options.args = how->args;
	options.name = how->name;
	options.env = how->env;
	options.gives = &give;
	options.n_gives = 1;
	status = reeve_process_new(&process, context, &options, err);
	if (status == REEVE_OK) {
		status = reeve_process_start(process, err);
	}
	reeve_conn_free(theirs);
	if (status == REEVE_OK) {
		status = reeve_conn_recv_into(
		    mine, text, sizeof(text) - 1, &length, timeout);
		text[status == REEVE_OK ? length : 0] = '\0';
		if (status == REEVE_OK && text[0] == '+' &&
		    length <= REEVE_MANAGER_ADDRESS_MAX) {
			(void)memcpy(address, text + 1, length);
		} else {
			status = status == REEVE_OK ? REEVE_EFAILED : status;
			memset(&said, 0, sizeof(said));
			said.status = status;
			(void)snprintf(said.text, sizeof(said.text), "%s",
			    length > 1 ? text + 1
				       : "cannot start the manager: it has not "
					 "said where it listens");
			if (err != 0) {
				*err = said;
			}
			(void)reeve_process_kill(process, 0);
			(void)reeve_process_join(process, REEVE_S(10), 0);
		}
	}
	reeve_conn_free(mine);
	if (status != REEVE_OK) {
		(void)reeve_process_free(process, false, 0);
		return status;
	}
	*out = process;
	return REEVE_OK;
}

/* -------- the built-in types, typed -------- */

/* Numbers of methods; the tables are in reeve-manager(7). */
enum reeve_manager_methods {
	REEVE_DICT_GET = 1,
	REEVE_DICT_SET = 2,
	REEVE_DICT_POP = 4,
	REEVE_DICT_LEN = 9,
	REEVE_DICT_ADD = 13,
	REEVE_LIST_APPEND = 1,
	REEVE_LIST_GET = 2,
	REEVE_LIST_SET = 3,
	REEVE_LIST_LEN = 10,
	REEVE_VALUE_GET = 1,
	REEVE_VALUE_SET = 2,
	REEVE_VALUE_ADD = 3,
	REEVE_QUEUE_PUT = 1,
	REEVE_QUEUE_GET = 2,
	REEVE_LOCK_ACQUIRE = 1,
	REEVE_LOCK_RELEASE = 2,
	REEVE_EVENT_SET = 1,
	REEVE_EVENT_WAIT = 3,
	REEVE_BARRIER_WAIT = 1,
};

/* REEVE_ENOENT: it has no such key. */
static inline enum reeve_status
reeve_dict_get(struct reeve_proxy *dict, struct reeve_datum key,
    struct reeve_result *result, int64_t timeout, struct reeve_error *err)
{
	return reeve_proxy_do(
	    dict, REEVE_DICT_GET, &key, 1, result, timeout, err);
}

static inline enum reeve_status
reeve_dict_set(struct reeve_proxy *dict, struct reeve_datum key,
    struct reeve_datum value, int64_t timeout, struct reeve_error *err)
{
	struct reeve_datum args[2] = { key, value };

	return reeve_proxy_do(dict, REEVE_DICT_SET, args, 2, 0, timeout, err);
}

/* The number that is under the key, more by this; 0 where there was none. */
static inline enum reeve_status
reeve_dict_add(struct reeve_proxy *dict, struct reeve_datum key,
    struct reeve_datum more, struct reeve_result *sum, int64_t timeout,
    struct reeve_error *err)
{
	struct reeve_datum args[2] = { key, more };

	return reeve_proxy_do(dict, REEVE_DICT_ADD, args, 2, sum, timeout, err);
}

static inline enum reeve_status
reeve_shared_append(struct reeve_proxy *list, struct reeve_datum value,
    int64_t timeout, struct reeve_error *err)
{
	return reeve_proxy_do(
	    list, REEVE_LIST_APPEND, &value, 1, 0, timeout, err);
}

static inline enum reeve_status
reeve_shared_at(struct reeve_proxy *list, int64_t i,
    struct reeve_result *result, int64_t timeout, struct reeve_error *err)
{
	struct reeve_datum at = reeve_int(i);

	return reeve_proxy_do(
	    list, REEVE_LIST_GET, &at, 1, result, timeout, err);
}

/* REEVE_ETIMEDOUT: it was full all the time. */
static inline enum reeve_status
reeve_shared_put(struct reeve_proxy *queue, struct reeve_datum item,
    int64_t timeout, struct reeve_error *err)
{
	return reeve_proxy_do(
	    queue, REEVE_QUEUE_PUT, &item, 1, 0, timeout, err);
}

static inline enum reeve_status
reeve_shared_get(struct reeve_proxy *queue, struct reeve_result *item,
    int64_t timeout, struct reeve_error *err)
{
	return reeve_proxy_do(queue, REEVE_QUEUE_GET, 0, 0, item, timeout, err);
}

/*
 * Locks, rlocks, semaphores, conditions: REEVE_EOWNERDIED: it is held, and who
 * held it last has gone without releasing it. Threads are owners.
 */
static inline enum reeve_status
reeve_shared_acquire(
    struct reeve_proxy *lock, int64_t timeout, struct reeve_error *err)
{
	return reeve_proxy_do(lock, REEVE_LOCK_ACQUIRE, 0, 0, 0, timeout, err);
}

/* REEVE_ENOTHELD: not by this thread. */
static inline enum reeve_status
reeve_shared_release(
    struct reeve_proxy *lock, int64_t timeout, struct reeve_error *err)
{
	return reeve_proxy_do(lock, REEVE_LOCK_RELEASE, 0, 0, 0, timeout, err);
}

#ifdef __cplusplus
}
#endif

#endif
