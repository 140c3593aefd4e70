/* SPDX-License-Identifier: MIT */
/*
 * The layout of a control socket and its clients, for the files of this folder
 * and the tests alone. All stimuli (bytes, room to write, a unit that changed,
 * new events) end in rv_ctl_client_turn, the one place where a client's
 * buffers move and where it is destroyed.
 */
#ifndef RV_CTL_PRIV_H
#define RV_CTL_PRIV_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/jsonw.h"
#include "ctl/ctl.h"
#include "super/named.h"
#include "wire/json.h"

#define RV_CTL_MAGIC    0x63746c21u
#define RV_CLIENT_MAGIC 0x636c6e74u

#define RV_CTL_LINE_MAX ((size_t)1024 * 1024)
#define RV_CTL_READ     ((size_t)16 * 1024)
/* With this much unsent, nothing more is read from that client or pumped. */
#define RV_CTL_OUT_STOP ((size_t)256 * 1024)
/* Above it: one whole answer, and small ones of waits and syncs. */
#define RV_CTL_OUT_MAX  (RV_CTL_OUT_STOP + RV_CTL_LINE_MAX + 64 * 1024)
#define RV_CTL_CLIENTS  64
#define RV_CTL_LATER    16 /* waits and syncs of one client */
#define RV_CTL_SYNCS    256
#define RV_CTL_ID_MAX   128 /* bytes of a string that is an id */
#define RV_CTL_REQUESTS 32  /* a turn, of one client */
#define RV_CTL_EVENTS   256 /* a turn, to one client */
#define RV_CTL_WHY      160
#define RV_CTL_HOSTED   64 /* methods of the host's own */

/* JSON-RPC's own codes; all else is RV_RPC_REFUSED with data.status. */
enum rv_rpc_code {
	RV_RPC_PARSE = -32700,
	RV_RPC_INVALID = -32600,
	RV_RPC_METHOD = -32601,
	RV_RPC_PARAMS = -32602,
	RV_RPC_INTERNAL = -32603,
	RV_RPC_REFUSED = -32000,
};

struct rv_ctl {
	unsigned magic;
	struct rv_super *super;
	struct rv_loop *loop;
	struct rv_super_sink sink;
	struct rv_io io;
	int fd;
	char *path;                 /* of the socket, NULL: none */
	struct rv_tick accept_tick; /* until then accepting is paused */
	bool lacking;               /* it cannot accept, and has said so */
	uid_t owner;
	struct rv_list clients;
	unsigned n_clients;
	struct rv_list syncs; /* with those of clients that left */
	unsigned n_syncs;
	uint64_t turns;       /* counts, to tell which client is idle longest */
	struct rv_hash items; /* of waits, by unit */
	struct rv_buf result; /* one answer or event while it is made */
	struct rv_buf id;     /* of the request in hand, as JSON */
	struct rv_list hosted;
	unsigned n_hosted;
	struct rv_hash calls; /* of hosted methods, by number */
	uint64_t last_call;
	bool finished;
};

struct rv_ctl_feed {
	bool active;
	bool from_start; /* no id was known yet: from the first there is */
	uint64_t next;
	char *path, *kind; /* globs or NULL */
};

struct rv_ctl_client {
	unsigned magic;
	struct rv_ctl *ctl;
	struct rv_list link;
	struct rv_io io;
	int fd;
	struct rv_defer turn;
	uid_t uid;
	pid_t pid;
	struct rv_buf in, out;
	size_t scanned;  /* bytes of `in` without a newline */
	bool skipping;   /* the rest of a line that is too long */
	bool eof;        /* it will send nothing more */
	bool dead;       /* to be destroyed by its turn */
	bool more;       /* something is left for the next turn */
	uint64_t active; /* ctl->turns when it last asked something */
	struct rv_list waits, calls;
	unsigned n_later;
	struct rv_ctl_feed feed;
};

/* A request in hand. id: JSON text; NULL for a notification. */
struct rv_ctl_request {
	struct rv_ctl *ctl;
	struct rv_ctl_client *client;
	const struct rv_ctl_method *method; /* NULL: of the host's own */
	const struct rv_json *params;       /* NULL: none */
	const char *line;                   /* all of it, len bytes */
	size_t len;
	const char *id;
	struct rv_buf extra; /* members for error.data: `,"k":v` */
	uint64_t event;      /* id of its control.request, 0: none */
	bool later;          /* the handler will answer by itself */
};

/*
 * Write the result through w. A refusal is answered with the status and the
 * text of err; a handler that sets `later` has kept the id for its answer.
 */
typedef enum reeve_status rv_ctl_handler(
    struct rv_ctl_request *, struct rv_jsonw *, struct reeve_error *);

/* The member `event` of an answer: the id under which the request stands. */
void rv_ctl_write_event(struct rv_jsonw *, uint64_t event);

enum rv_ctl_type {
	RV_PARAM_NONE,
	RV_PARAM_NAMES,
	RV_PARAM_STRING,
	RV_PARAM_BOOL,
	RV_PARAM_COUNT,
	RV_PARAM_SIGNAL,
};

struct rv_ctl_param {
	const char *name;
	enum rv_ctl_type type;
	bool required;
	const char *doc;
};

#define RV_CTL_PARAMS_MAX 4

struct rv_ctl_method {
	unsigned number;
	const char *name;
	rv_ctl_handler *handler;
	bool changes;
	const char *since, *doc;
	struct rv_ctl_param params[RV_CTL_PARAMS_MAX]; /* name NULL ends */
};

#define METHOD(number, name, handler, ...) rv_ctl_handler rv_ctl_on_##handler;
#include "ctl/ctl.def"
#undef METHOD

/* ctl_table.c */
const struct rv_ctl_method *rv_ctl_method_find(const char *name);
const struct rv_ctl_method *rv_ctl_method_at(size_t i); /* NULL at the end */
const char *rv_ctl_type_name(enum rv_ctl_type);

/* ctl_params.c */
enum reeve_status rv_ctl_params_check(const struct rv_ctl_method *,
    const struct rv_json *params, struct reeve_error *) RV_MUST_CHECK;

/* ctl.c: all but listening, for tests and fuzzers */
enum reeve_status rv_ctl_make(
    struct rv_ctl **, struct rv_super *, struct reeve_error *) RV_MUST_CHECK;

/* ctl_listen.c */
enum reeve_status rv_ctl_listen(
    struct rv_ctl *, struct reeve_error *) RV_MUST_CHECK;
void rv_ctl_unlisten(struct rv_ctl *);
bool rv_ctl_may(const struct rv_ctl *, uid_t);

/* ctl_client.c. The descriptor is the client's from then on, in any case. */
enum reeve_status rv_ctl_client_create(
    struct rv_ctl *, int fd, uid_t, pid_t, struct reeve_error *) RV_MUST_CHECK;
void rv_ctl_client_destroy(struct rv_ctl_client *);
void rv_ctl_client_turn(struct rv_ctl_client *); /* may destroy it */
void rv_ctl_client_soon(struct rv_ctl_client *); /* a turn, deferred */
bool rv_ctl_client_busy(const struct rv_ctl_client *);
bool rv_ctl_client_full(const struct rv_ctl_client *);
void rv_ctl_client_flush(struct rv_ctl_client *);

/* ctl_request.c: one line */
void rv_ctl_serve(struct rv_ctl_client *, const char *line, size_t len);
/* Who asks for what, into the journal, before anything is done. */
void rv_ctl_record(struct rv_ctl_request *, const char *method);

/* ctl_host.c */
struct rv_ctl_own;
struct rv_ctl_own *rv_ctl_own_find(const struct rv_ctl *, const char *name);
const struct rv_ctl_hosted *rv_ctl_own_at(const struct rv_ctl *, size_t i);
enum reeve_status rv_ctl_own_ask(struct rv_ctl_request *, struct rv_ctl_own *,
    struct reeve_error *) RV_MUST_CHECK;
void rv_ctl_owns_finish(struct rv_ctl *);

/* ctl_call.c: requests of the host's methods, until they are answered */
struct rv_ctl_call;
enum reeve_status rv_ctl_call_start(struct rv_ctl_request *,
    struct rv_ctl_own *, struct rv_ctl_call **,
    struct reeve_error *) RV_MUST_CHECK;
uint64_t rv_ctl_call_number(const struct rv_ctl_call *);
void rv_ctl_calls_deliver(struct rv_ctl_client *);
void rv_ctl_calls_drop(struct rv_ctl_client *);
/* Those of this method (NULL: all) are refused. */
void rv_ctl_calls_end(struct rv_ctl *, const struct rv_ctl_own *,
    enum reeve_status, const char *text);
/* ctl_host.c: tell its host that this one is gone */
void rv_ctl_own_gone(struct rv_ctl_own *, uint64_t request);

/* ctl_reply.c */
void rv_ctl_reply(struct rv_ctl_client *, const char *id, struct rv_buf *);
void rv_ctl_refuse(struct rv_ctl_client *, const char *id, enum rv_rpc_code,
    enum reeve_status, const char *text, const char *extra);
void rv_ctl_notify(
    struct rv_ctl_client *, const char *method, const struct rv_buf *params);

/* ctl_names.c: as rv_super_names, of a JSON array (or NULL). */
enum reeve_status rv_ctl_names(struct rv_super *, const struct rv_json *names,
    struct rv_units *, struct reeve_error *) RV_MUST_CHECK;

/* ctl_status.c */
void rv_ctl_say_end(const struct rv_unit_info *, char *dst, size_t size);

/* ctl_wait.c */
struct rv_ctl_plan;
void rv_ctl_waits_changed(struct rv_ctl *, struct rv_unit *, bool gone);
void rv_ctl_waits_finished(struct rv_ctl *);
void rv_ctl_waits_deliver(struct rv_ctl_client *);
void rv_ctl_waits_drop(struct rv_ctl_client *);
enum reeve_status rv_ctl_wait_start(struct rv_ctl_request *,
    const struct rv_units *, enum rv_verb, bool no_wait, struct rv_jsonw *,
    struct reeve_error *) RV_MUST_CHECK;

/*
 * The answer to a reload that is done, when all these have come to their end of
 * it. newest: no life that any had before has a higher number. The plan is
 * moved. False, and nothing was done: no memory.
 */
bool rv_ctl_wait_reload(struct rv_ctl_request *, const struct rv_units *,
    uint64_t newest, struct rv_ctl_plan *) RV_MUST_CHECK;
/* May this client wait for one more answer? */
enum reeve_status rv_ctl_may_wait(
    const struct rv_ctl_request *, struct reeve_error *) RV_MUST_CHECK;

/* ctl_reload.c: what a reload did, and what was found on the way */
struct rv_ctl_plan {
	struct rv_reload_plan plan;
	struct rv_buf findings; /* a JSON array */
};
/* Its members, without the braces around them. */
void rv_ctl_plan_write(struct rv_jsonw *, const struct rv_ctl_plan *);
void rv_ctl_plan_finish(struct rv_ctl_plan *);

/* ctl_judge.c: what became of a command */
bool rv_ctl_at_rest(const struct rv_unit *);
enum rv_outcome { RV_PENDING, RV_DONE, RV_FAILED };
enum rv_outcome rv_ctl_judge(struct rv_super *, struct rv_unit *, enum rv_verb,
    uint64_t life_before, char why[static RV_CTL_WHY]);

/* ctl_events.c */
void rv_ctl_feed_pump(struct rv_ctl_client *);
void rv_ctl_feed_end(struct rv_ctl_client *);

/* ctl_sync.c */
void rv_ctl_syncs_leave(struct rv_ctl_client *);
void rv_ctl_syncs_orphan(struct rv_ctl *);

#endif
