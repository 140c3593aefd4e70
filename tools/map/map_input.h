/* SPDX-License-Identifier: MIT */
/*
 * Where items come from: lines (or NUL-separated) of files or standard input,
 * words, files that fit a glob. Read as they are needed, never all at once.
 */
#ifndef REEVE_MAP_INPUT_H
#define REEVE_MAP_INPUT_H

#include "tools/map/map.h"

enum map_got {
	MAP_GOT,
	MAP_GOT_NOT_YET, /* the descriptor has nothing: wait for it */
	MAP_GOT_END,
	MAP_GOT_ERROR, /* said */
};

struct map_input {
	const struct map_options *o;
	struct map_list words; /* of ::: or globs */
	bool listed, globbed;
	size_t next;   /* word, or file */
	int fd;        /* -1: none is open */
	bool waits;    /* it may have nothing to read for a while */
	bool file_end; /* nothing more to read from it */
	struct map_buf buf;
	size_t at;                   /* what of buf is taken */
	size_t scanned;              /* from `at`: there is no separator */
	uint64_t items;              /* taken so far */
	uint64_t bytes, total_bytes; /* of regular files; 0: not known */
	const char *name;
};

/* 0, or the exit status: said. */
int map_input_open(struct map_input *, const struct map_options *);
void map_input_close(struct map_input *);
/* The next item; borrowed until the next call. */
enum map_got map_input_next(struct map_input *, const char **item, size_t *len);
/* How many items there are, or will be about; 0: not known. */
uint64_t map_input_total(const struct map_input *);
/* It is known, and not only about. */
bool map_input_is_counted(const struct map_input *);

#endif
