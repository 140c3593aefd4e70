/* SPDX-License-Identifier: MIT */
/*
 * Arrays and lists in shared memory. A slot of a list has room for two items,
 * and says which of them it is: the other one is written, and then it is that
 * one, by one store. So who is killed while it writes has changed nothing, and
 * the lock keeps those who read from those who write. Lengths are stored, and
 * checked when they are read. Owns nothing.
 */
#include "config.h"

#include <reeve/memory.h>

#include <string.h>

#include "base/base.h"
#include "ipc/step.h"

#define ARRAY_MAGIC 0x79617672U /* "rvay" */
#define LIST_MAGIC  0x746c7672U /* "rvlt" */

/* --- Arrays ------------------------------------------------------------ */

static uint64_t
number_size(uint32_t kind)
{
	static const uint8_t sizes[] = { 0,
#define X(name, type) sizeof(type),
		REEVE_NUMBERS(X)
#undef X
	};

	return kind < RV_ARRAY_LEN(sizes) ? sizes[kind] : 0;
}

uint64_t
reeve_array_size(enum reeve_number kind, uint64_t n)
{
	uint64_t each = number_size((uint32_t)kind);

	return each == 0 || n > (uint64_t)INT64_MAX / each - 16
		   ? 0
		   : sizeof(struct reeve_array) + n * each;
}

enum reeve_status
reeve_array_init(struct reeve_array *array, uint64_t room,
    enum reeve_number kind, uint64_t n)
{
	uint64_t size = reeve_array_size(kind, n);

	if (array == NULL || size == 0 || n == 0 || size > room ||
	    (uintptr_t)array % 16 != 0) {
		return REEVE_EINVALID;
	}
	memset(array, 0, size);
	array->kind = (uint32_t)kind;
	array->n = n;
	rv_store(&array->magic, ARRAY_MAGIC);
	return REEVE_OK;
}

void *
reeve_array_at(
    const struct reeve_array *array, enum reeve_number kind, uint64_t i)
{
	if (array == NULL || RV_READ(array->magic) != ARRAY_MAGIC ||
	    array->kind != (uint32_t)kind || i >= array->n) {
		return NULL;
	}
	return (char *)(uintptr_t)(array + 1) + i * number_size((uint32_t)kind);
}

/* --- Lists ------------------------------------------------------------- */

struct half {
	uint32_t kind, length;
	uint64_t number;
	/* and the slot's bytes */
};

/* Before the two halves of each slot. */
struct slot {
	uint32_t which, spare[3];
};

static uint64_t
half_size(uint32_t slot)
{
	return sizeof(struct half) + (((uint64_t)slot + 15) & ~15ULL);
}

static uint64_t
slot_size(uint32_t slot)
{
	return sizeof(struct slot) + 2 * half_size(slot);
}

#define HEAD (((uint64_t)sizeof(struct reeve_list) + 15) & ~15ULL)

uint64_t
reeve_list_size(uint32_t n, uint32_t slot)
{
	return n > (uint64_t)INT64_MAX / slot_size(slot) - 1
		   ? 0
		   : HEAD + n * slot_size(slot);
}

static struct slot *
slot_at(struct reeve_list *list, uint32_t i)
{
	return (struct slot *)(void *)((char *)list + HEAD +
				       i * slot_size(list->slot));
}

static struct half *
half_at(struct reeve_list *list, uint32_t i, uint32_t which)
{
	return (struct half *)(void *)((char *)(slot_at(list, i) + 1) +
				       (which & 1) * half_size(list->slot));
}

enum reeve_status
reeve_list_init(
    struct reeve_list *list, uint64_t room, uint32_t n, uint32_t slot)
{
	uint64_t size = reeve_list_size(n, slot);

	if (list == NULL || n == 0 || size == 0 || size > room ||
	    (uintptr_t)list % 16 != 0) {
		return REEVE_EINVALID;
	}
	memset(list, 0, size);
	list->n = n;
	list->slot = slot;
	reeve_lock_init(&list->lock);
	rv_store(&list->magic, LIST_MAGIC);
	return REEVE_OK;
}

static bool
enter(struct reeve_list *list)
{
	enum reeve_status status;

	if (list == NULL || RV_READ(list->magic) != LIST_MAGIC) {
		return false;
	}
	status = reeve_lock_acquire(&list->lock, REEVE_FOREVER);
	return status == REEVE_OK || status == REEVE_EOWNERDIED;
}

static void
leave(struct reeve_list *list)
{
	(void)reeve_lock_release(&list->lock);
}

static bool
has_bytes(uint32_t kind)
{
	return kind == REEVE_LIST_TEXT || kind == REEVE_LIST_BYTES;
}

static uint64_t
number_of(const struct reeve_list_item *item)
{
	uint64_t number = (uint64_t)item->integer;

	if (item->kind == REEVE_LIST_REAL) {
		memcpy(&number, &item->real, sizeof(number));
	}
	return item->kind == REEVE_LIST_BOOL ? item->integer != 0 : number;
}

static bool
is_item(const struct reeve_list_item *item)
{
	return item != NULL && item->kind >= REEVE_LIST_NONE &&
	       item->kind <= REEVE_LIST_BYTES &&
	       (!has_bytes(item->kind) || item->length == 0 ||
		   item->bytes != NULL);
}

uint32_t
reeve_list_length(const struct reeve_list *list)
{
	return list != NULL && RV_READ(list->magic) == LIST_MAGIC ? list->n : 0;
}

enum reeve_status
reeve_list_set(
    struct reeve_list *list, uint32_t i, const struct reeve_list_item *item)
{
	struct half *half;
	uint32_t other;

	if (!is_item(item) || i >= reeve_list_length(list)) {
		return REEVE_EINVALID;
	}
	if (has_bytes(item->kind) && item->length > list->slot) {
		return REEVE_ETOOBIG;
	}
	if (!enter(list)) {
		return REEVE_EINVALID;
	}
	other = (RV_READ(slot_at(list, i)->which) & 1) ^ 1;
	half = half_at(list, i, other);
	half->kind = (uint32_t)item->kind;
	half->number = item->kind == REEVE_LIST_NONE || has_bytes(item->kind)
			   ? 0
			   : number_of(item);
	half->length = has_bytes(item->kind) ? (uint32_t)item->length : 0;
	if (half->length > 0) {
		memcpy(half + 1, item->bytes, half->length);
	}
	rv_store(&slot_at(list, i)->which, other);
	leave(list);
	return REEVE_OK;
}

/* The lock is held. Bytes are within what the slot has. */
static const struct half *
item_at(struct reeve_list *list, uint32_t i)
{
	const struct half *half =
	    half_at(list, i, RV_READ(slot_at(list, i)->which));

	return half->length <= list->slot && half->kind <= REEVE_LIST_BYTES
		   ? half
		   : NULL;
}

static enum reeve_status
read_item(const struct half *half, struct reeve_list_item *item, void *buffer,
    size_t size)
{
	if (half == NULL) {
		return REEVE_EDAMAGED;
	}
	*item =
	    (struct reeve_list_item){ .kind = (enum reeve_list_kind)half->kind,
		    .length = half->length };
	if (half->length > size || (half->length > 0 && buffer == NULL)) {
		return REEVE_ETOOSHORT;
	}
	if (has_bytes(half->kind)) {
		if (half->length > 0) {
			memcpy(buffer, half + 1, half->length);
		}
		item->bytes = buffer;
	} else if (half->kind == REEVE_LIST_REAL) {
		memcpy(&item->real, &half->number, sizeof(item->real));
	} else {
		item->integer = (int64_t)half->number;
	}
	return REEVE_OK;
}

enum reeve_status
reeve_list_get(struct reeve_list *list, uint32_t i,
    struct reeve_list_item *item, void *buffer, size_t size)
{
	enum reeve_status status;

	if (item == NULL || i >= reeve_list_length(list) || !enter(list)) {
		return REEVE_EINVALID;
	}
	status = read_item(item_at(list, i), item, buffer, size);
	leave(list);
	return status;
}

static bool
is_like(const struct half *half, const struct reeve_list_item *item)
{
	if (half == NULL || half->kind != (uint32_t)item->kind) {
		return false;
	}
	if (has_bytes(half->kind)) {
		return half->length == item->length &&
		       (half->length == 0 ||
			   memcmp(half + 1, item->bytes, half->length) == 0);
	}
	return half->kind == REEVE_LIST_NONE || half->number == number_of(item);
}

/* How many are like it; the place of the first. */
static uint32_t
look_for(struct reeve_list *list, const struct reeve_list_item *item,
    uint32_t *first)
{
	uint32_t n = 0;

	if (!is_item(item) || !enter(list)) {
		return 0;
	}
	for (uint32_t i = list->n; i-- > 0;) {
		if (is_like(item_at(list, i), item)) {
			n++;
			*first = i;
		}
	}
	leave(list);
	return n;
}

uint32_t
reeve_list_count(struct reeve_list *list, const struct reeve_list_item *item)
{
	uint32_t first;

	return look_for(list, item, &first);
}

enum reeve_status
reeve_list_index(
    struct reeve_list *list, const struct reeve_list_item *item, uint32_t *i)
{
	uint32_t first = 0;

	if (i == NULL || reeve_list_length(list) == 0 || !is_item(item)) {
		return REEVE_EINVALID;
	}
	if (look_for(list, item, &first) == 0) {
		return REEVE_ENOENT;
	}
	*i = first;
	return REEVE_OK;
}
