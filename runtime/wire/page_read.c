/* SPDX-License-Identifier: MIT */
/*
 * Reading the page of a life: see page_read.h. Called by the supervisor; must
 * take any bytes, and bytes that change under its hands.
 */
#include "config.h"

#include "wire/page_read.h"

#include <string.h>

#include "base/text.h"

#define CACHE_LINE 64

static const unsigned char *
at(const void *map, uint32_t offset)
{
	return (const unsigned char *)map + offset;
}

bool
rv_page_check(const void *map, int32_t *pid, uint32_t *beats_at)
{
	struct rv_page_head head;

	memcpy(&head, map, sizeof(head));
	if (head.magic != RV_PAGE_MAGIC || head.version != RV_PAGE_VERSION ||
	    head.pid <= 0 || head.beats_at % CACHE_LINE != 0 ||
	    head.beats_at < RV_PAGE_BEATS_FIRST ||
	    head.beats_at >= RV_PAGE_BEATS_END) {
		return false;
	}
	*pid = head.pid;
	*beats_at = head.beats_at;
	return true;
}

void
rv_page_slot(const void *map, void *dst)
{
	memcpy(dst, at(map, RV_PAGE_SLOT_AT), RV_PAGE_SLOT_BYTES);
}

static bool
is_control(char c, const char *but)
{
	return ((unsigned char)c < ' ' && strchr(but, c) == NULL) || c == 0x7f;
}

/* What is no UTF-8 becomes '?', what would upset a terminal a space. */
static void
mend(char *text, size_t len, const char *keep)
{
	for (size_t i = 0; i < len;) {
		size_t good = rv_utf8_valid(text + i, len - i);

		for (; good > 0; good--, i++) {
			if (text[i] == '\0' || is_control(text[i], keep)) {
				text[i] = ' ';
			}
		}
		if (i < len) {
			text[i++] = '?';
		}
	}
}

/* Nothing of what the writer left behind the end stays. */
static void
mend_text(char *text, size_t size, const char *keep)
{
	size_t len = strnlen(text, size - 1);

	/* A cut through a character is the writer's right. */
	if (len == size - 1) {
		size_t good = rv_utf8_valid(text, len);

		len = len - good < 4 ? good : len;
	}
	memset(text + len, 0, size - len);
	mend(text, len, keep);
}

void
rv_page_reason(const void *map, char out[static RV_PAGE_REASON_BYTES])
{
	memcpy(out, at(map, RV_PAGE_REASON_AT), RV_PAGE_REASON_BYTES);
	mend_text(out, RV_PAGE_REASON_BYTES, "");
}

static void
mend_thread(struct rv_page_thread *t)
{
	t->n_frames = RV_MIN(t->n_frames, (uint32_t)RV_PAGE_FRAMES);
	t->exact = t->exact == 1;
	t->reserved = 0;
	t->tid = RV_MAX(t->tid, 0);
	mend_text(t->name, sizeof(t->name), "");
	memset(&t->frames[t->n_frames], 0,
	    (RV_PAGE_FRAMES - t->n_frames) * sizeof(t->frames[0]));
}

static void
mend_trouble(struct rv_page_trouble *t)
{
	t->n_threads = RV_MIN(t->n_threads, (uint32_t)RV_PAGE_THREADS);
	t->n_registers = RV_MIN(t->n_registers, (uint32_t)RV_PAGE_REGISTERS);
	t->n_maps = RV_MIN(t->n_maps, (uint32_t)RV_PAGE_MAPS);
	t->sys_errno =
	    t->sys_errno > 0 && t->sys_errno < 4096 ? t->sys_errno : 0;
	mend_text(t->type, sizeof(t->type), "");
	mend_text(t->message, sizeof(t->message), "\n\t");
	mend_text(t->data, sizeof(t->data), "\n\t\r");
	mend_text(t->cause_type, sizeof(t->cause_type), "");
	mend_text(t->cause_message, sizeof(t->cause_message), "\n\t");
	memset(&t->registers[t->n_registers], 0,
	    (RV_PAGE_REGISTERS - t->n_registers) * sizeof(t->registers[0]));
	memset(t->maps + t->n_maps, 0, RV_PAGE_MAPS - t->n_maps);
	mend(t->maps, t->n_maps, "\n");
	for (uint32_t i = 0; i < t->n_threads; i++) {
		mend_thread(&t->threads[i]);
	}
	memset(&t->threads[t->n_threads], 0,
	    (RV_PAGE_THREADS - t->n_threads) * sizeof(t->threads[0]));
}

bool
rv_page_trouble(const void *map, struct rv_page_trouble *out)
{
	const void *from = at(map, RV_PAGE_TROUBLE_AT);
	uint32_t state =
	    __atomic_load_n((const uint32_t *)from, __ATOMIC_ACQUIRE);

	if (state != RV_TROUBLE_WRITING && state != RV_TROUBLE_DONE) {
		return false;
	}
	memcpy(out, from, sizeof(*out));
	out->state = state;
	if (out->kind < RV_TROUBLE_RAISED || out->kind > RV_TROUBLE_START) {
		return false;
	}
	mend_trouble(out);
	return true;
}

struct reading {
	const char *p, *end;
};

/* A number in hexadecimal of at most 16 digits, then this character. */
static bool
read_hex(struct reading *r, char then, uint64_t *out)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t n = 0;
	const char *digit;
	int count = 0;

	for (; r->p < r->end && *r->p != '\0' &&
	       (digit = strchr(digits, *r->p)) != NULL && count < 16;
	     r->p++, count++) {
		n = n << 4 | (uint64_t)(digit - digits);
	}
	if (count == 0 || r->p == r->end || *r->p != then) {
		return false;
	}
	r->p++;
	*out = n;
	return true;
}

/* The next line that is one; false at the end, or where a line was cut. */
static bool
read_map(struct reading *r, struct rv_page_map *map)
{
	while (r->p < r->end) {
		const char *eol = memchr(r->p, '\n', (size_t)(r->end - r->p));
		bool good;

		/* A line that was cut would name another file. */
		if (eol == NULL) {
			return false;
		}
		good = read_hex(r, '-', &map->start) &&
		       read_hex(r, ' ', &map->stop) &&
		       read_hex(r, ' ', &map->offset) && r->p < eol;
		map->path = r->p;
		map->path_len = (size_t)(eol - RV_MIN(r->p, eol));
		r->p = eol + 1;
		if (good) {
			return true;
		}
	}
	return false;
}

static struct reading
begin_maps(const struct rv_page_trouble *t)
{
	return (struct reading){ t->maps,
		t->maps + RV_MIN(t->n_maps, (uint32_t)RV_PAGE_MAPS) };
}

size_t
rv_page_maps(
    const struct rv_page_trouble *t, struct rv_page_map *maps, size_t max)
{
	struct reading r = begin_maps(t);
	size_t n = 0;

	while (n < max && read_map(&r, &maps[n])) {
		n++;
	}
	return n;
}

bool
rv_page_resolve(const struct rv_page_trouble *t, uint64_t address,
    const char **path, size_t *path_len, uint64_t *offset)
{
	struct reading r = begin_maps(t);
	struct rv_page_map map;

	while (read_map(&r, &map)) {
		if (map.start <= address && address < map.stop) {
			*path = map.path;
			*path_len = map.path_len;
			*offset = address - map.start + map.offset;
			return true;
		}
	}
	return false;
}
