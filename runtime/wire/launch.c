/* SPDX-License-Identifier: MIT */
/*
 * Encoding and decoding of the frames between supervisor and launcher: see
 * launch.h. Each operation names its members once, in a function that both
 * packs and unpacks ("walks") them, so that the two cannot differ. Pure.
 */
#include "config.h"

#include "wire/launch.h"

#include <string.h>

/* One direction or the other: exactly one of the two is set. */
struct walk {
	struct rv_pack *pack;
	struct rv_unpack *unpack;
	bool bad; /* a value out of its range came */
};

static void
walk_u32(struct walk *w, uint32_t *n)
{
	if (w->pack != NULL) {
		rv_pack_u32(w->pack, *n);
	} else {
		*n = rv_unpack_u32(w->unpack);
	}
}

static void
walk_i32(struct walk *w, int32_t *n)
{
	if (w->pack != NULL) {
		rv_pack_i32(w->pack, *n);
	} else {
		*n = rv_unpack_i32(w->unpack);
	}
}

static void
walk_u64(struct walk *w, uint64_t *n)
{
	if (w->pack != NULL) {
		rv_pack_u64(w->pack, *n);
	} else {
		*n = rv_unpack_u64(w->unpack);
	}
}

static void
walk_i64(struct walk *w, int64_t *n)
{
	if (w->pack != NULL) {
		rv_pack_i64(w->pack, *n);
	} else {
		*n = rv_unpack_i64(w->unpack);
	}
}

static void
walk_bool(struct walk *w, bool *b)
{
	uint32_t n = *b;

	walk_u32(w, &n);
	w->bad = w->bad || n > 1;
	*b = n != 0;
}

static void
walk_str(struct walk *w, const char **s)
{
	if (w->pack != NULL) {
		rv_pack_str(w->pack, *s);
	} else {
		*s = rv_unpack_str(w->unpack);
	}
}

static void
walk_text(struct walk *w, const char **s)
{
	walk_str(w, s);
	w->bad = w->bad || *s == NULL;
}

static void
walk_strings(struct walk *w, struct rv_strings *list)
{
	if (w->pack != NULL) {
		rv_pack_strings(w->pack, list);
	} else {
		rv_unpack_strings(w->unpack, list);
	}
}

/* A count that must not pass max; 0 once it has. */
static void
walk_count(struct walk *w, uint32_t *n, uint32_t max)
{
	walk_u32(w, n);
	if (*n > max) {
		w->bad = true;
		*n = 0;
	}
}

static void
walk_magic(struct walk *w, uint32_t *version)
{
	uint32_t magic = RV_LAUNCH_MAGIC;

	walk_u32(w, &magic);
	w->bad = w->bad || magic != RV_LAUNCH_MAGIC;
	walk_u32(w, version);
}

static void
walk_keep(struct walk *w, struct rv_launch_keep *keep)
{
	walk_u32(w, &keep->kill_mode);
	w->bad = w->bad || keep->kill_mode > RV_KILL_CGROUP;
	walk_count(w, &keep->n_stop, RV_STOP_STEPS_MAX);
	for (uint32_t i = 0; i < keep->n_stop; i++) {
		walk_i32(w, &keep->stop[i].signo);
		walk_i64(w, &keep->stop[i].wait);
	}
	walk_bool(w, &keep->stop_group);
	walk_bool(w, &keep->notify);
	walk_bool(w, &keep->hosted);
	walk_bool(w, &keep->set_user);
	walk_u32(w, &keep->uid);
}

static void
walk_out(struct walk *w, struct rv_launch_out *out)
{
	walk_u32(w, &out->kind);
	walk_str(w, &out->path);
	walk_u64(w, &out->max_bytes);
	walk_u32(w, &out->backups);
	w->bad = w->bad || out->kind > RV_LAUNCH_OUT_MERGED ||
		 (out->kind == RV_LAUNCH_OUT_FILE && out->path == NULL);
}

/* So many things of this size; as they stand, perhaps not aligned. */
static void
walk_items(struct walk *w, const void **items, uint32_t *n, size_t size)
{
	walk_u32(w, n);
	if (w->pack != NULL) {
		rv_pack_bytes(w->pack, *items, *n * size);
		return;
	}
	*items = w->unpack->at;
	if (*n > (size_t)(w->unpack->end - w->unpack->at) / size) {
		w->bad = true;
		*n = 0;
	}
	w->unpack->at += *n * size;
}

static void
walk_function(struct walk *w, struct rv_launch *l)
{
	walk_u32(w, &l->method);
	walk_str(w, &l->function);
	walk_items(w, &l->args, &l->n_args, 1);
	walk_bool(w, &l->args_are_json);
	walk_strings(w, &l->preload);
	/* Only what is a function can be forked. */
	w->bad = w->bad || l->method > RV_LAUNCH_BY_FORKSERVER ||
		 (l->method != RV_LAUNCH_BY_SPAWN && l->function == NULL);
}

static void
walk_limits(struct walk *w, struct rv_launch *l)
{
	walk_count(w, &l->n_limits, RV_LAUNCH_LIMITS_MAX);
	for (uint32_t i = 0; i < l->n_limits; i++) {
		walk_i32(w, &l->limits[i].resource);
		walk_bool(w, &l->limits[i].has_soft);
		walk_bool(w, &l->limits[i].has_hard);
		walk_u64(w, &l->limits[i].soft);
		walk_u64(w, &l->limits[i].hard);
	}
}

static void
walk_launch(struct walk *w, struct rv_launch *l)
{
	walk_u64(w, &l->life);
	walk_keep(w, &l->keep);
	walk_text(w, &l->path);
	walk_strings(w, &l->argv);
	w->bad = w->bad || l->argv.count == 0;
	walk_strings(w, &l->env);
	walk_bool(w, &l->clear_env);
	walk_str(w, &l->directory);
	walk_bool(w, &l->set_group);
	walk_u32(w, &l->gid);
	walk_items(w, &l->groups, &l->n_groups, sizeof(gid_t));
	walk_i32(w, &l->umask);
	walk_bool(w, &l->set_nice);
	walk_i32(w, &l->nice);
	walk_bool(w, &l->set_oom);
	walk_i32(w, &l->oom_score_adj);
	walk_limits(w, l);
	walk_out(w, &l->out);
	walk_out(w, &l->err);
	w->bad = w->bad || l->out.kind == RV_LAUNCH_OUT_MERGED;
	walk_i32(w, &l->ready_fd);
	walk_u64(w, &l->watchdog_usec);
	walk_function(w, l);
	walk_strings(w, &l->listen);
	w->bad = w->bad || l->listen.count > RV_LAUNCH_LISTEN_MAX;
	walk_str(w, &l->crash_library);
	walk_i32(w, &l->stop_signal);
}

static void
walk_death(struct walk *w, struct rv_death *d)
{
	int32_t number = d->end.number, stage = d->stage, no = d->sys_errno;

	walk_bool(w, &d->end.unknown);
	walk_bool(w, &d->end.signaled);
	walk_i32(w, &number);
	walk_bool(w, &d->end.core_dumped);
	walk_i32(w, &stage);
	walk_i32(w, &no);
	walk_i64(w, &d->utime_us);
	walk_i64(w, &d->stime_us);
	walk_i64(w, &d->max_rss_kib);
	walk_u32(w, &d->leftover);
	walk_bool(w, &d->survivors);
	d->end.number = number;
	d->stage = stage;
	d->sys_errno = no;
}

static void
walk_notify(struct walk *w, struct rv_notify *n)
{
	walk_u32(w, &n->flags);
	walk_i32(w, &n->mainpid);
	walk_i32(w, &n->sys_errno);
	walk_i32(w, &n->exit_status);
	walk_u64(w, &n->watchdog_usec);
	walk_u64(w, &n->extend_usec);
	walk_str(w, &n->status);
	w->bad =
	    w->bad || ((n->flags & (RV_NOTIFY_STATUS | RV_NOTIFY_BAD)) != 0 &&
			  n->status == NULL);
}

static void
walk_nothing(struct walk *w, struct rv_launch_frame *f)
{
	(void)w;
	(void)f;
}

static void
walk_HELLO(struct walk *w, struct rv_launch_frame *f)
{
	walk_magic(w, &f->version);
}

static void
walk_life(struct walk *w, struct rv_launch_frame *f)
{
	walk_u64(w, &f->life);
}

static void
walk_SIGNAL(struct walk *w, struct rv_launch_frame *f)
{
	walk_u64(w, &f->life);
	walk_i32(w, &f->signo);
	walk_bool(w, &f->group);
	walk_bool(w, &f->cont_follows);
	w->bad = w->bad || f->signo < 1 || f->signo > 64;
}

static void
walk_KILL(struct walk *w, struct rv_launch_frame *f)
{
	walk_u64(w, &f->life);
	walk_u32(w, &f->kill_mode);
	w->bad = w->bad || f->kill_mode > RV_KILL_CGROUP;
}

static void
walk_LAUNCHED(struct walk *w, struct rv_launch_frame *f)
{
	walk_u64(w, &f->life);
	walk_i32(w, &f->pid);
	walk_u64(w, &f->start_ticks);
	w->bad = w->bad || f->pid <= 0;
}

static void
walk_ADOPT(struct walk *w, struct rv_launch_frame *f)
{
	walk_LAUNCHED(w, f);
	walk_keep(w, &f->keep);
}

static void
walk_FAILED(struct walk *w, struct rv_launch_frame *f)
{
	walk_u64(w, &f->life);
	walk_i32(w, &f->stage);
	walk_i32(w, &f->sys_errno);
}

static void
walk_NOTIFY(struct walk *w, struct rv_launch_frame *f)
{
	walk_u64(w, &f->life);
	walk_notify(w, &f->notify);
}

static void
walk_DIED(struct walk *w, struct rv_launch_frame *f)
{
	walk_u64(w, &f->life);
	walk_death(w, &f->death);
}

static void
walk_TROUBLE(struct walk *w, struct rv_launch_frame *f)
{
	walk_i32(w, &f->sys_errno);
	walk_text(w, &f->text);
}

static void
walk_PROGRAM(struct walk *w, struct rv_launch_frame *f)
{
	walk_text(w, &f->text);
}

static void
walk_FORKED(struct walk *w, struct rv_launch_frame *f)
{
	walk_FAILED(w, f);
	walk_i32(w, &f->pid);
	w->bad = w->bad || f->pid < 0 || (f->pid == 0) != (f->stage != 0);
}

#define walk_LISTENER walk_PROGRAM
#define walk_UNLISTEN walk_PROGRAM
#define walk_SEAL     walk_nothing
#define walk_REAPED   walk_DIED
#define walk_PAGE     walk_life
#define walk_FORK     walk_life
#define walk_REAP     walk_LAUNCHED
#define walk_EXPECT   walk_life
#define walk_CANCEL   walk_life
#define walk_SYNC     walk_life
#define walk_SYNCED   walk_life
#define walk_STRAY    walk_LAUNCHED
#define walk_CLERK    walk_nothing
#define walk_CLOSE    walk_nothing
#define walk_GREETING walk_HELLO
#define walk_LAUNCH   NULL /* has a struct of its own */

static const struct operation {
	const char *name;
	void (*walk)(struct walk *, struct rv_launch_frame *);
} operations[] = {
#define X(symbol, number, name, from, doc) [number] = { name, walk_##symbol },
#include "wire/launch.def"
#undef X
};

static const struct operation *
find(unsigned op)
{
	return op < RV_ARRAY_LEN(operations) && operations[op].name != NULL
		   ? &operations[op]
		   : NULL;
}

size_t
rv_launch_encode(void *frame, size_t size, const struct rv_launch *launch)
{
	struct rv_pack pack;
	struct walk w = { .pack = &pack };
	struct rv_launch copy = *launch;

	rv_pack_init(&pack, frame, size);
	rv_pack_u32(&pack, RV_LAUNCH_LAUNCH);
	walk_launch(&w, &copy);
	return pack.failed ? 0 : pack.len;
}

size_t
rv_launch_encode_frame(
    void *frame, size_t size, const struct rv_launch_frame *f)
{
	const struct operation *operation = find(f->op);
	struct rv_pack pack;
	struct walk w = { .pack = &pack };
	struct rv_launch_frame copy = *f;

	RV_ASSERT(operation != NULL && operation->walk != NULL);
	rv_pack_init(&pack, frame, size);
	rv_pack_u32(&pack, f->op);
	operation->walk(&w, &copy);
	return pack.failed ? 0 : pack.len;
}

uint32_t
rv_launch_op(const void *frame, size_t len)
{
	struct rv_unpack unpack;

	rv_unpack_init(&unpack, frame, len);
	return rv_unpack_u32(&unpack);
}

bool
rv_launch_decode(const void *frame, size_t len, struct rv_launch *launch)
{
	struct rv_unpack unpack;
	struct walk w = { .unpack = &unpack };

	*launch = (struct rv_launch){ 0 };
	rv_unpack_init(&unpack, frame, len);
	if (rv_unpack_u32(&unpack) != RV_LAUNCH_LAUNCH) {
		return false;
	}
	walk_launch(&w, launch);
	return !w.bad && rv_unpack_done(&unpack);
}

bool
rv_launch_decode_frame(const void *frame, size_t len, struct rv_launch_frame *f)
{
	const struct operation *operation;
	struct rv_unpack unpack;
	struct walk w = { .unpack = &unpack };

	*f = (struct rv_launch_frame){ 0 };
	rv_unpack_init(&unpack, frame, len);
	f->op = (enum rv_launch_op)rv_unpack_u32(&unpack);
	operation = find(f->op);
	if (operation == NULL || operation->walk == NULL) {
		return false;
	}
	operation->walk(&w, f);
	return !w.bad && rv_unpack_done(&unpack);
}

const char *
rv_launch_op_name(unsigned op)
{
	const struct operation *operation = find(op);

	return operation != NULL ? operation->name : NULL;
}
