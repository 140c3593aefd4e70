/* SPDX-License-Identifier: MIT */
/*
 * Memory that processes share: blocks, and what lies in them: numbers and
 * arrays, an arena to allocate from, lists of values. A struct of one's own is
 * shared by its sizeof: `struct table *t = reeve_memory_at(block)`; locks of
 * lock.h lie in it. Pointers mean nothing to another process, which has it
 * mapped elsewhere: keep offsets.
 *
 * A block is reached by those it was handed to, and by nobody else; it is gone
 * when the last of them has let go of it, however that ended. It has its size
 * for ever, so that nobody who was given it can cut it off under others.
 *
 * All functions may be called from any thread and process. Those who share a
 * block trust each other with what is in it (lock.h says what a hostile one can
 * do); a block itself is checked when it is opened. Numbers and arrays wait for
 * nobody. Arenas and lists hold a lock of theirs within a call, for as long as
 * it takes to copy an item or to look for a gap: they wait for it without a
 * limit, so one who is stopped (SIGSTOP) within such a call stops the others
 * until it goes on or is killed. Part of libreeve-ipc.
 */
#ifndef REEVE_MEMORY_H
#define REEVE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reeve/error.h>
#include <reeve/lock.h>
#include <reeve/share.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- Blocks ------------------------------------------------------------ */

struct reeve_memory;

#define REEVE_MEMORY_NAME_MAX 63

struct reeve_memory_options {
	size_t size; /* of this struct */
	/*
	 * A name by which processes of this user find it, besides handles: 1 to
	 * REEVE_MEMORY_NAME_MAX letters, digits, dots, dashes, underscores, no
	 * dot first. The process that makes the block owns the name: it is gone
	 * with reeve_memory_free there, or when that process ends in any way;
	 * the memory stays for those who have it open. NULL: it has none.
	 */
	const char *name;
	/* Have all of it now, or REEVE_ESYS; else each page when it is used. */
	bool reserve;
};

/*
 * A new block of zeros; options may be NULL. REEVE_EINVALID: no bytes, or a bad
 * name; REEVE_EEXIST: the name is in use; REEVE_ESYS: no memory, no descriptor;
 * REEVE_ENOMEM; REEVE_EPERM: the folder of names is another user's.
 */
REEVE_PUBLIC enum reeve_status reeve_memory_new(struct reeve_memory **,
    uint64_t bytes, const struct reeve_memory_options *,
    struct reeve_error *) REEVE_MUST_CHECK;

/*
 * One that was handed over. REEVE_EINVALID: it is no handle of a block;
 * REEVE_EDAMAGED: what it leads to is none, or may change its size.
 */
REEVE_PUBLIC enum reeve_status reeve_memory_open(struct reeve_memory **,
    const struct reeve_handle *, struct reeve_error *) REEVE_MUST_CHECK;

/* By its name. REEVE_ENOENT: there is none, or its owner has ended. */
REEVE_PUBLIC enum reeve_status reeve_memory_find(struct reeve_memory **,
    const char *name, struct reeve_error *) REEVE_MUST_CHECK;

/* To hand it over; the handle is the caller's. */
REEVE_PUBLIC enum reeve_status reeve_memory_handle(const struct reeve_memory *,
    struct reeve_handle *, struct reeve_error *) REEVE_MUST_CHECK;

/* In one: reeve_memory_give, reeve_memory_given, see share.h. */
REEVE_GIVING_(memory)

/*
 * From now on whoever opens it may read it and not write: the kernel bars that,
 * for ever and whoever it is. Those who have it open go on as before, as do
 * processes that they fork. REEVE_ENOTBUILT: a kernel before 5.1.
 */
REEVE_PUBLIC enum reeve_status reeve_memory_bar_writing(
    struct reeve_memory *, struct reeve_error *) REEVE_MUST_CHECK;

/* Give up the name now. REEVE_ENOENT: it has none any more. */
REEVE_PUBLIC enum reeve_status reeve_memory_unlink(
    const char *name, struct reeve_error *);

/* Let go of it: no pointer into it is good any more. NULL is fine. */
REEVE_PUBLIC void reeve_memory_free(struct reeve_memory *);

/* Its bytes, from the beginning of a page; as long as it is open. */
REEVE_PUBLIC void *reeve_memory_at(const struct reeve_memory *);
/* As it was asked for, in all processes. */
REEVE_PUBLIC uint64_t reeve_memory_size(const struct reeve_memory *);
REEVE_PUBLIC bool reeve_memory_is_writable(const struct reeve_memory *);
/* "" when it has none. Its own. */
REEVE_PUBLIC const char *reeve_memory_name(const struct reeve_memory *);

/* --- Numbers ----------------------------------------------------------- */

/*
 * Reads and changes that do not tear, and additions of which none is lost, of
 * any number in shared memory, for each type of the list below:
 *
 *	int64_t reeve_i64_get(const int64_t *);
 *	void reeve_i64_set(int64_t *, int64_t value);
 *	int64_t reeve_i64_add(int64_t *, int64_t more);	what it is then
 *	bool reeve_i64_cas(int64_t *, int64_t *old, int64_t new_value);
 *
 * The last one: if it is *old, it becomes new_value, true; else *old becomes
 * what it is, false. Numbers that are compared are equal in their bytes.
 */
/* clang-format off */
#define REEVE_NUMBERS(X) \
	X(i8, int8_t) X(u8, uint8_t) X(i16, int16_t) X(u16, uint16_t) \
	X(i32, int32_t) X(u32, uint32_t) X(i64, int64_t) X(u64, uint64_t) \
	X(f32, float) X(f64, double)
/* clang-format on */

#define REEVE_NUMBER_(name, type)                                            \
	static inline type reeve_##name##_get(const type *at)                \
	{                                                                    \
		type value;                                                  \
		__atomic_load(at, &value, __ATOMIC_SEQ_CST);                 \
		return value;                                                \
	}                                                                    \
	static inline void reeve_##name##_set(type *at, type value)          \
	{                                                                    \
		__atomic_store(at, &value, __ATOMIC_SEQ_CST);                \
	}                                                                    \
	static inline bool reeve_##name##_cas(                               \
	    type *at, type *old, type new_value)                             \
	{                                                                    \
		return __atomic_compare_exchange(at, old, &new_value, false, \
		    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                     \
	}                                                                    \
	static inline type reeve_##name##_add(type *at, type more)           \
	{                                                                    \
		type old = reeve_##name##_get(at), sum;                      \
		do {                                                         \
			sum = (type)(old + more);                            \
		} while (!reeve_##name##_cas(at, &old, sum));                \
		return sum;                                                  \
	}
REEVE_NUMBERS(REEVE_NUMBER_)

/* --- Arrays ------------------------------------------------------------ */

enum reeve_number {
	REEVE_NUMBER_NONE,
#define REEVE_NUMBER_KIND_(name, type) REEVE_NUMBER_##name,
	REEVE_NUMBERS(REEVE_NUMBER_KIND_)
};

/* Numbers of one type, with their count beside them; they follow it. */
struct reeve_array {
	uint32_t magic, kind;
	uint64_t n;
};

/* The bytes of one; 0: too many, or no such kind. */
REEVE_PUBLIC uint64_t reeve_array_size(enum reeve_number, uint64_t n);
/* All zero. REEVE_EINVALID: no room, no such kind, or not at 16 bytes. */
REEVE_PUBLIC enum reeve_status reeve_array_init(struct reeve_array *,
    uint64_t room, enum reeve_number, uint64_t n) REEVE_MUST_CHECK;
/* Where it is; NULL: of another kind, or not that many. */
REEVE_PUBLIC void *reeve_array_at(
    const struct reeve_array *, enum reeve_number, uint64_t i);

/*
 * As with numbers: reeve_array_get_i64(array, i, &value), reeve_array_set_i64,
 * reeve_array_add_i64(array, i, more, &sum), reeve_array_cas_i64(array, i,
 * &old, new_value): REEVE_OK; REEVE_EAGAIN: it was not old; REEVE_EINVALID: of
 * another kind, or not that many.
 */
#define REEVE_ARRAY_(name, type)                                              \
	static inline enum reeve_status reeve_array_get_##name(               \
	    const struct reeve_array *array, uint64_t i, type *value)         \
	{                                                                     \
		type *at =                                                    \
		    (type *)reeve_array_at(array, REEVE_NUMBER_##name, i);    \
		if (at == NULL) {                                             \
			return REEVE_EINVALID;                                \
		}                                                             \
		*value = reeve_##name##_get(at);                              \
		return REEVE_OK;                                              \
	}                                                                     \
	static inline enum reeve_status reeve_array_set_##name(               \
	    struct reeve_array *array, uint64_t i, type value)                \
	{                                                                     \
		type *at =                                                    \
		    (type *)reeve_array_at(array, REEVE_NUMBER_##name, i);    \
		if (at == NULL) {                                             \
			return REEVE_EINVALID;                                \
		}                                                             \
		reeve_##name##_set(at, value);                                \
		return REEVE_OK;                                              \
	}                                                                     \
	static inline enum reeve_status reeve_array_add_##name(               \
	    struct reeve_array *array, uint64_t i, type more, type *sum)      \
	{                                                                     \
		type *at =                                                    \
		    (type *)reeve_array_at(array, REEVE_NUMBER_##name, i);    \
		type is;                                                      \
		if (at == NULL) {                                             \
			return REEVE_EINVALID;                                \
		}                                                             \
		is = reeve_##name##_add(at, more);                            \
		if (sum != NULL) {                                            \
			*sum = is;                                            \
		}                                                             \
		return REEVE_OK;                                              \
	}                                                                     \
	static inline enum reeve_status reeve_array_cas_##name(               \
	    struct reeve_array *array, uint64_t i, type *old, type new_value) \
	{                                                                     \
		type *at =                                                    \
		    (type *)reeve_array_at(array, REEVE_NUMBER_##name, i);    \
		if (at == NULL) {                                             \
			return REEVE_EINVALID;                                \
		}                                                             \
		return reeve_##name##_cas(at, old, new_value) ? REEVE_OK      \
							      : REEVE_EAGAIN; \
	}
REEVE_NUMBERS(REEVE_ARRAY_)

/* --- Arenas ------------------------------------------------------------ */

/*
 * A part of a block from which all who share it allocate. Whoever is killed
 * within leaves it whole; what that one had allocated stays so, since nobody
 * knows who else uses it. Freed neighbours become one.
 */
struct reeve_arena {
	uint32_t magic, spare;
	uint64_t size, rover;
	struct reeve_lock lock;
};

/* Of so many bytes, this struct among them. REEVE_EINVALID: too few, or not at
 * 16 bytes. */
REEVE_PUBLIC enum reeve_status reeve_arena_init(
    struct reeve_arena *, uint64_t size) REEVE_MUST_CHECK;
/*
 * *offset, at 16 bytes, is for reeve_arena_at. REEVE_ENOMEM: there is no gap of
 * that size; REEVE_EINVALID: no bytes; REEVE_EDAMAGED: somebody wrote over it.
 */
REEVE_PUBLIC enum reeve_status reeve_arena_alloc(
    struct reeve_arena *, uint64_t bytes, uint64_t *offset) REEVE_MUST_CHECK;
/* REEVE_EINVALID: nothing is allocated there, or not any more. */
REEVE_PUBLIC enum reeve_status reeve_arena_free(
    struct reeve_arena *, uint64_t offset);
REEVE_PUBLIC void *reeve_arena_at(struct reeve_arena *, uint64_t offset);
/* The most that could be allocated at once now, and all that is free. */
REEVE_PUBLIC uint64_t reeve_arena_largest(struct reeve_arena *);
REEVE_PUBLIC uint64_t reeve_arena_left(struct reeve_arena *);

/* --- Lists ------------------------------------------------------------- */

/*
 * A list of fixed length whose items may be of any of these kinds, and change
 * it. Each has a slot of the same size: what fits is kept byte by byte, with
 * its length. Items change as a whole, though a process dies while it writes.
 */
enum reeve_list_kind {
	REEVE_LIST_NONE,
	REEVE_LIST_BOOL,  /* integer: 0 or 1 */
	REEVE_LIST_INT,   /* integer */
	REEVE_LIST_REAL,  /* real */
	REEVE_LIST_TEXT,  /* bytes, length: NUL bytes too */
	REEVE_LIST_BYTES, /* bytes, length */
};

struct reeve_list_item {
	enum reeve_list_kind kind;
	int64_t integer;
	double real;
	const void *bytes;
	size_t length;
};

struct reeve_list {
	uint32_t magic, n, slot, spare;
	struct reeve_lock lock;
};

/* The bytes of one of n items of at most so many bytes each; 0: too many. */
REEVE_PUBLIC uint64_t reeve_list_size(uint32_t n, uint32_t slot);
/* All REEVE_LIST_NONE. REEVE_EINVALID: no room, or not at 16 bytes. */
REEVE_PUBLIC enum reeve_status reeve_list_init(struct reeve_list *,
    uint64_t room, uint32_t n, uint32_t slot) REEVE_MUST_CHECK;
REEVE_PUBLIC uint32_t reeve_list_length(const struct reeve_list *);
/* REEVE_ETOOBIG: it does not fit, and the item is what it was. */
REEVE_PUBLIC enum reeve_status reeve_list_set(struct reeve_list *, uint32_t i,
    const struct reeve_list_item *) REEVE_MUST_CHECK;
/*
 * Its bytes are copied to the buffer, to which item->bytes then points.
 * REEVE_ETOOSHORT: the buffer is; item->length says how many there are.
 */
REEVE_PUBLIC enum reeve_status reeve_list_get(struct reeve_list *, uint32_t i,
    struct reeve_list_item *, void *buffer, size_t size) REEVE_MUST_CHECK;
/* How many are like this one; the first that is: REEVE_ENOENT, none. */
REEVE_PUBLIC uint32_t reeve_list_count(
    struct reeve_list *, const struct reeve_list_item *);
REEVE_PUBLIC enum reeve_status reeve_list_index(struct reeve_list *,
    const struct reeve_list_item *, uint32_t *i) REEVE_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
