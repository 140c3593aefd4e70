/* SPDX-License-Identifier: MIT */
/*
 * From the page of a worker to worker.exception. Takes one copy, made sane by
 * wire/page_read.c, and never looks at the page again; tells each trouble once,
 * and not more of them than anybody could read. Allocates nothing but what
 * parsing a worker's JSON takes.
 */
#include "config.h"

#include "super/exceptions.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/room.h"
#include "base/text.h"
#include "super/super_priv.h"
#include "wire/json.h"
#include "wire/launch.h"
#include "wire/page_read.h"
#include "wire/trouble_text.h"

/* Reports of a worker that goes on: so many at once, then one a second. */
#define TOKENS_MAX    16
#define TOKEN_EACH    RV_SEC
#define FRAMES_MAX    1000
#define MODULES_MAX   256
#define MAPS_MAX      512
#define BACKTRACE_MAX (120 * 1024)
#define REGISTERS_MAX (4 * 1024)
#define CAUSED_BY_MAX (16 * 1024)
#define DATA_MAX      (32 * 1024)

/* -------- backtraces -------- */

struct backtrace {
	const struct rv_page_map *maps;
	size_t n_maps;
	struct rv_jsonw json;
	const struct rv_page_map *paths[MODULES_MAX]; /* of the modules */
	unsigned n_modules, n_frames;
	bool cut;
};

static const struct rv_page_map *
find_map(const struct backtrace *b, uint64_t address)
{
	for (size_t i = 0; i < b->n_maps; i++) {
		if (b->maps[i].start <= address && address < b->maps[i].stop) {
			return &b->maps[i];
		}
	}
	return NULL;
}

/* The module of a map; -1 when there is no room for one more. */
static int
module_of(struct backtrace *b, const struct rv_page_map *map)
{
	for (unsigned i = 0; i < b->n_modules; i++) {
		const struct rv_page_map *other = b->paths[i];

		if (other == map ||
		    (other->path_len == map->path_len &&
			memcmp(other->path, map->path, map->path_len) == 0)) {
			return (int)i;
		}
	}
	if (b->n_modules == MODULES_MAX) {
		return -1;
	}
	b->paths[b->n_modules] = map;
	return (int)b->n_modules++;
}

static void
write_frame(struct backtrace *b, uint64_t address)
{
	const struct rv_page_map *map = find_map(b, address);
	int module = map != NULL ? module_of(b, map) : -1;

	if (module >= 0) {
		address = address - map->start + map->offset;
	}
	rv_jsonw_array(&b->json);
	rv_jsonw_int(&b->json, module);
	/* The same bits, as readers' integers have them: any may stand here. */
	rv_jsonw_int(&b->json, (int64_t)address);
	rv_jsonw_array_end(&b->json);
}

static void
write_thread(struct backtrace *b, const struct rv_page_thread *thread)
{
	rv_jsonw_object(&b->json);
	rv_jsonw_key(&b->json, "tid");
	rv_jsonw_int(&b->json, thread->tid);
	rv_jsonw_key(&b->json, "name");
	rv_jsonw_strn(&b->json, thread->name,
	    strnlen(thread->name, sizeof(thread->name)));
	rv_jsonw_key(&b->json, "exact");
	rv_jsonw_bool(&b->json, thread->exact != 0);
	rv_jsonw_key(&b->json, "frames");
	rv_jsonw_array(&b->json);
	for (uint32_t i = 0; i < thread->n_frames; i++) {
		if (b->n_frames == FRAMES_MAX) {
			b->cut = true;
			break;
		}
		b->n_frames++;
		write_frame(b, thread->frames[i]);
	}
	rv_jsonw_array_end(&b->json);
	rv_jsonw_object_end(&b->json);
}

static void
write_backtrace(struct rv_exceptions *e)
{
	struct backtrace b = { .maps = e->maps };

	rv_buf_reset(&e->backtrace);
	if (e->trouble->n_threads == 0) {
		return;
	}
	b.n_maps = rv_page_maps(e->trouble, e->maps, MAPS_MAX);
	rv_jsonw_init(&b.json, &e->backtrace);
	rv_jsonw_object(&b.json);
	rv_jsonw_key(&b.json, "threads");
	rv_jsonw_array(&b.json);
	for (uint32_t i = 0; i < e->trouble->n_threads; i++) {
		write_thread(&b, &e->trouble->threads[i]);
	}
	rv_jsonw_array_end(&b.json);
	rv_jsonw_key(&b.json, "modules");
	rv_jsonw_array(&b.json);
	for (unsigned i = 0; i < b.n_modules; i++) {
		rv_jsonw_strn(&b.json, b.paths[i]->path, b.paths[i]->path_len);
	}
	rv_jsonw_array_end(&b.json);
	if (b.cut) {
		rv_jsonw_key(&b.json, "cut");
		rv_jsonw_bool(&b.json, true);
	}
	rv_jsonw_object_end(&b.json);
}

/* -------- other fields -------- */

static const char *const registers[] = {
#define X(name, expression) #name,
#include "child/regs.def"
#undef X
	NULL,
};

static void
write_registers(struct rv_exceptions *e)
{
	struct rv_jsonw json;

	rv_buf_reset(&e->registers);
	if (e->trouble->n_registers == 0) {
		return;
	}
	rv_jsonw_init(&json, &e->registers);
	rv_jsonw_object(&json);
	for (uint32_t i = 0;
	     i < e->trouble->n_registers && registers[i] != NULL; i++) {
		char text[24];

		rv_format(
		    text, sizeof(text), "0x%" PRIx64, e->trouble->registers[i]);
		rv_jsonw_key(&json, registers[i]);
		rv_jsonw_str(&json, text);
	}
	rv_jsonw_object_end(&json);
}

static void
write_caused_by(struct rv_exceptions *e)
{
	struct rv_jsonw json;

	rv_buf_reset(&e->caused_by);
	if (e->trouble->cause_type[0] == '\0' &&
	    e->trouble->cause_message[0] == '\0') {
		return;
	}
	rv_jsonw_init(&json, &e->caused_by);
	rv_jsonw_object(&json);
	rv_jsonw_key(&json, "type");
	rv_jsonw_str(&json, e->trouble->cause_type);
	rv_jsonw_key(&json, "message");
	rv_jsonw_str(&json, e->trouble->cause_message);
	rv_jsonw_object_end(&json);
}

/* What is no JSON becomes a string of it: somebody meant to tell something. */
static void
write_data(struct rv_exceptions *e)
{
	const char *data = e->trouble->data;
	struct rv_json *parsed = NULL;
	struct rv_jsonw json;

	rv_buf_reset(&e->data);
	if (data[0] == '\0') {
		return;
	}
	if (rv_json_parse(&parsed, data, strlen(data), NULL) == REEVE_OK) {
		rv_buf_adds(&e->data, data);
	} else {
		rv_jsonw_init(&json, &e->data);
		rv_jsonw_str(&json, data);
	}
	rv_json_free(parsed);
}

/* -------- telling -------- */

static void
add_json(struct rv_fields *fields, enum rv_key key, const struct rv_buf *buf)
{
	if (buf->len > 0 && !buf->failed) {
		rv_fields_json(fields, key, rv_buf_str(buf));
	}
}

static void
add_crash(struct rv_fields *fields, const struct rv_page_trouble *t,
    char *address, size_t size)
{
	rv_fields_int(fields, RV_KEY_SIGNAL, t->signo);
	if (t->code > 0 && t->kind == RV_TROUBLE_CRASHED) {
		rv_format(address, size, "0x%" PRIx64, t->address);
		rv_fields_str(fields, RV_KEY_ADDRESS, address);
	}
}

static void
record(struct rv_super *super, struct rv_node *node, uint64_t life)
{
	struct rv_exceptions *e = &super->exceptions;
	struct rv_page_trouble *t = e->trouble;
	char name[24], message[RV_PAGE_MESSAGE + 128], address[24];
	struct rv_fields fields = { 0 };
	bool crash = rv_trouble_is_crash(t);

	write_backtrace(e);
	write_registers(e);
	write_caused_by(e);
	write_data(e);
	if (crash) {
		rv_trouble_say_crash(t, message, sizeof(message));
	}
	rv_fields_str(&fields, RV_KEY_TYPE, rv_trouble_type(t, name));
	rv_fields_str(&fields, RV_KEY_MESSAGE, crash ? message : t->message);
	rv_fields_str(&fields, RV_KEY_SOURCE, rv_trouble_source(t));
	if (t->sys_errno != 0) {
		rv_fields_str(
		    &fields, RV_KEY_ERRNO, rv_errno_name(t->sys_errno));
	}
	if (crash) {
		add_crash(&fields, t, address, sizeof(address));
	}
	add_json(&fields, RV_KEY_DATA, &e->data);
	add_json(&fields, RV_KEY_CAUSED_BY, &e->caused_by);
	add_json(&fields, RV_KEY_REGISTERS, &e->registers);
	add_json(&fields, RV_KEY_BACKTRACE, &e->backtrace);
	rv_super_record(super, RV_KIND_WORKER_EXCEPTION, node, life, &fields);
}

static void
tell(struct rv_node *node, uint64_t life)
{
	struct rv_super *super = node->super;

	node->page.told = super->exceptions.trouble->number;
	record(super, node, life);
	RV_LIST_EACH_SAFE (sink, &super->sinks, struct rv_super_sink, link) {
		if (sink->exception != NULL) {
			sink->exception(
			    sink, node->unit, life, super->exceptions.trouble);
		}
	}
}

/* Those that were too many for anybody to read are counted. */
static void
tell_untold(struct rv_node *node, uint64_t life)
{
	struct rv_fields fields = { 0 };

	if (node->page.untold == 0) {
		return;
	}
	rv_fields_int(&fields, RV_KEY_COUNT, node->page.untold);
	rv_fields_str(
	    &fields, RV_KEY_KIND, rv_kind_name(RV_KIND_WORKER_EXCEPTION));
	node->page.untold = 0;
	rv_super_record(
	    node->super, RV_KIND_CLERK_DROPPED, node, life, &fields);
}

static void
clear_buf(struct rv_buf *buf, size_t size)
{
	rv_buf_reset(buf);
	rv_room_clear(buf->data, size);
}

/* Told: a host that has seen a crash is not to be larger for ever. */
static void
clear(struct rv_exceptions *e)
{
	rv_room_clear(e->trouble, sizeof(*e->trouble));
	rv_room_clear(e->maps, MAPS_MAX * sizeof(e->maps[0]));
	clear_buf(&e->backtrace, BACKTRACE_MAX);
	clear_buf(&e->registers, REGISTERS_MAX);
	clear_buf(&e->caused_by, CAUSED_BY_MAX);
	clear_buf(&e->data, DATA_MAX);
}

/* -------- a worker that goes on -------- */

static bool
may_tell(struct rv_node *node)
{
	struct rv_node_page *page = &node->page;
	rv_time now = rv_loop_now(node->super->loop);

	if (page->filled_at == 0) {
		page->tokens = TOKENS_MAX;
		page->filled_at = now;
	}
	while (
	    page->tokens < TOKENS_MAX && now - page->filled_at >= TOKEN_EACH) {
		page->tokens++;
		page->filled_at += TOKEN_EACH;
	}
	if (page->tokens == TOKENS_MAX) {
		page->filled_at = now;
	}
	if (page->tokens == 0) {
		page->untold++;
		return false;
	}
	page->tokens--;
	return true;
}

void
rv_exceptions_notified(struct rv_node *node, uint64_t life)
{
	struct rv_exceptions *e = &node->super->exceptions;

	if (node->page.map == NULL || !may_tell(node)) {
		return;
	}
	/* What is only half there is complete, or all that there is, later. */
	if (rv_page_trouble(node->page.map, e->trouble) &&
	    e->trouble->state == RV_TROUBLE_DONE &&
	    e->trouble->number != node->page.told) {
		tell_untold(node, life);
		tell(node, life);
	}
	clear(e);
	rv_pages_rest(node);
}

/* -------- the end of one -------- */

/* A step of ours that a new process takes; else the page is not to be believed.
 */
static bool
is_step(int stage)
{
	return stage >= RV_STAGE_PDEATHSIG &&
	       strcmp(rv_stage_text(stage), rv_stage_text(-1)) != 0;
}

static void
judge(struct rv_exceptions *e, struct rv_death *death, struct rv_event *event)
{
	const struct rv_page_trouble *t = e->trouble;

	if (death->stage != 0 || death->end.signaled) {
		return;
	}
	event->raised = t->kind == RV_TROUBLE_RAISED;
	if (t->kind == RV_TROUBLE_START && is_step(t->stage)) {
		/* Its errno is told, but decides nothing: it is the worker's.
		 */
		death->stage = t->stage;
		death->sys_errno =
		    t->sys_errno > 0 && t->sys_errno < 4096 ? t->sys_errno : 0;
		event->type = RV_EV_LAUNCH_FAILED;
		event->stage = t->stage;
		rv_copy(e->start, sizeof(e->start), t->message);
	}
}

void
rv_exceptions_end(struct rv_node *node, uint64_t life, struct rv_death *death,
    struct rv_event *event)
{
	struct rv_super *super = node->super;
	struct rv_exceptions *e = &super->exceptions;

	e->node = NULL;
	if (node->page.map == NULL) {
		return;
	}
	e->start[0] = '\0';
	rv_page_slot(node->page.map, e->slot);
	e->slot_life = life;
	rv_page_reason(node->page.map, e->reason);
	if (rv_page_trouble(node->page.map, e->trouble)) {
		judge(e, death, event);
		if (e->trouble->number != node->page.told) {
			tell_untold(node, life);
			tell(node, life);
		}
		clear(e);
	}
	tell_untold(node, life);
	rv_pages_drop(node);
	e->node = node;
	RV_LIST_EACH_SAFE (sink, &super->sinks, struct rv_super_sink, link) {
		if (sink->slot_free != NULL) {
			sink->slot_free(sink, node->unit, life);
		}
	}
}

void
rv_exceptions_ended(struct rv_super *super)
{
	super->exceptions.node = NULL;
	super->exceptions.slot_life = 0;
}

const char *
rv_exceptions_reason(const struct rv_node *node)
{
	const struct rv_exceptions *e = &node->super->exceptions;

	return e->node == node ? e->reason : "";
}

const char *
rv_exceptions_start(const struct rv_node *node)
{
	const struct rv_exceptions *e = &node->super->exceptions;

	return e->node == node ? e->start : "";
}

/* -------- memory -------- */

static bool
make_buf(struct rv_buf *buf, size_t size)
{
	void *room = rv_room_create(size);

	if (room != NULL) {
		rv_buf_init_in(buf, room, size);
	}
	return room != NULL;
}

static void
free_buf(struct rv_buf *buf, size_t size)
{
	rv_room_destroy(buf->data, size);
	*buf = (struct rv_buf){ 0 };
}

bool
rv_exceptions_init(struct rv_super *super)
{
	struct rv_exceptions *e = &super->exceptions;

	e->trouble = rv_room_create(sizeof(*e->trouble));
	e->maps = rv_room_create(MAPS_MAX * sizeof(e->maps[0]));
	return e->trouble != NULL && e->maps != NULL &&
	       make_buf(&e->backtrace, BACKTRACE_MAX) &&
	       make_buf(&e->registers, REGISTERS_MAX) &&
	       make_buf(&e->caused_by, CAUSED_BY_MAX) &&
	       make_buf(&e->data, DATA_MAX);
}

void
rv_exceptions_finish(struct rv_super *super)
{
	struct rv_exceptions *e = &super->exceptions;

	rv_room_destroy(e->trouble, sizeof(*e->trouble));
	rv_room_destroy(e->maps, MAPS_MAX * sizeof(e->maps[0]));
	free_buf(&e->backtrace, BACKTRACE_MAX);
	free_buf(&e->registers, REGISTERS_MAX);
	free_buf(&e->caused_by, CAUSED_BY_MAX);
	free_buf(&e->data, DATA_MAX);
}
