/* SPDX-License-Identifier: MIT */
/*
 * A hall from a file that snapshot.c has written. All objects are made before
 * the first value, since values refer to objects that come later. What is
 * damaged is said with its place, and nothing is made of it. Called by
 * server_snapshot.c, when a manager begins.
 */
#include "config.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/crc.h"
#include "base/error.h"
#include "manager/snapshot.h"
#include "sys/sys.h"

struct reading {
	struct rv_hall *hall;
	const char *path;
	struct rv_cursor c;
	const unsigned char *begin;
	struct rv_object **by_old; /* by the number that it had */
	uint32_t n_old;
	struct reeve_error *err;
};

static enum reeve_status
damaged(const struct reading *rd, const char *what)
{
	return rv_error(rd->err, REEVE_EDAMAGED,
	    "cannot read snapshot %s: %s at byte %td", rd->path, what,
	    rd->c.at - rd->begin);
}

static bool
get(struct reading *rd, struct reeve_datum *value, uint32_t type)
{
	return rv_wire_get_value(&rd->c, value) && value->type == type;
}

/* The head of an object: false at the end of them, or at damage (*status). */
static bool
get_head(struct reading *rd, struct reeve_datum *type, uint32_t *old,
    uint32_t *n, enum reeve_status *status)
{
	struct reeve_datum index, count;

	*status = REEVE_OK;
	if (!rv_wire_get_value(&rd->c, type)) {
		*status = damaged(rd, "no value");
		return false;
	}
	if (type->type == REEVE_DATUM_NULL) {
		return false;
	}
	if (type->type != REEVE_DATUM_TEXT ||
	    !get(rd, &index, REEVE_DATUM_INT) ||
	    !get(rd, &count, REEVE_DATUM_INT) || index.is.integer < 1 ||
	    index.is.integer >= (int64_t)rd->n_old || count.is.integer < 0 ||
	    count.is.integer > (int64_t)(rd->c.left / RV_VALUE_BYTES)) {
		*status = damaged(rd, "no object");
		return false;
	}
	*old = (uint32_t)index.is.integer;
	*n = (uint32_t)count.is.integer;
	return true;
}

static enum reeve_status
make_objects(struct reading *rd)
{
	struct reeve_datum type, value;
	enum reeve_status status;
	uint32_t old, n;

	while (get_head(rd, &type, &old, &n, &status)) {
		const struct reeve_manager_type *its =
		    rv_hall_type(rd->hall, type.data, type.length);

		if (its == NULL) {
			return rv_error(rd->err, REEVE_EDAMAGED,
			    "cannot read snapshot %s: this program has no type "
			    "%.60s",
			    rd->path, (const char *)type.data);
		}
		if (rd->by_old[old] != NULL) {
			return damaged(rd, "an object that is there twice");
		}
		rd->by_old[old] = rv_object_place(rd->hall, its);
		if (rd->by_old[old] == NULL) {
			return rv_error(rd->err, REEVE_EFULL,
			    "cannot read snapshot %s: more objects than may be",
			    rd->path);
		}
		for (uint32_t i = 0; i < n; i++) {
			if (!rv_wire_get_value(&rd->c, &value)) {
				return damaged(rd, "no value");
			}
		}
	}
	return status;
}

/* A reference to what it was, as one to what it is. */
static bool
translate(const struct reading *rd, struct reeve_datum *value)
{
	uint32_t old = value->is.reference.object;

	if (value->type != REEVE_DATUM_REFERENCE) {
		return true;
	}
	if (old >= rd->n_old || rd->by_old[old] == NULL) {
		return false;
	}
	*value = rv_object_reference(rd->by_old[old]);
	return true;
}

static enum reeve_status
fill_one(struct reading *rd, struct rv_object *object, uint32_t n)
{
	struct reeve_datum *args = rv_hall_args(rd->hall, &rd->c, n);
	enum reeve_status status = REEVE_OK;
	struct reeve_request r;

	if (args == NULL && n > 0) {
		return rv_error_sys(
		    rd->err, ENOMEM, "cannot read snapshot %s", rd->path);
	}
	for (uint32_t i = 0; i < n; i++) {
		if (!translate(rd, &args[i])) {
			return damaged(rd, "a reference to nothing");
		}
	}
	rv_request_init(&r, rd->hall, NULL, object);
	r.is_loading = true;
	if (object->type->create != NULL) {
		status = object->type->create(&r, object->state, args, n);
	}
	return status == REEVE_OK
		   ? status
		   : rv_error(rd->err, status,
			 "cannot read snapshot %s: an object of type %s: %s",
			 rd->path, object->type->name,
			 r.text[0] != '\0' ? r.text
					   : reeve_status_text(status));
}

static enum reeve_status
fill_objects(struct reading *rd)
{
	enum reeve_status status;
	struct reeve_datum type;
	uint32_t old, n;

	while (get_head(rd, &type, &old, &n, &status)) {
		status = fill_one(rd, rd->by_old[old], n);
		if (status != REEVE_OK) {
			break;
		}
	}
	return status;
}

static enum reeve_status
read_names(struct reading *rd)
{
	struct reeve_datum name, value;

	for (;;) {
		if (!rv_wire_get_value(&rd->c, &name)) {
			return damaged(rd, "no name");
		}
		if (name.type == REEVE_DATUM_NULL) {
			return REEVE_OK;
		}
		if (name.type != REEVE_DATUM_TEXT ||
		    !get(rd, &value, REEVE_DATUM_REFERENCE) ||
		    !translate(rd, &value)) {
			return damaged(rd, "no name");
		}
		if (rv_pairs_put(rd->hall, &rd->hall->names, &name, &value) !=
		    REEVE_OK) {
			return rv_error_sys(rd->err, ENOMEM,
			    "cannot read snapshot %s", rd->path);
		}
	}
}

static enum reeve_status
read_all(struct reading *rd)
{
	struct rv_cursor again = rd->c;
	enum reeve_status status;

	rd->n_old = rd->hall->limits.objects + 1;
	rd->by_old = rv_alloc(rd->n_old, sizeof(*rd->by_old));
	if (rd->by_old == NULL) {
		return rv_error_sys(
		    rd->err, ENOMEM, "cannot read snapshot %s", rd->path);
	}
	status = make_objects(rd);
	if (status == REEVE_OK) {
		rd->c = again;
		status = fill_objects(rd);
	}
	if (status == REEVE_OK) {
		status = read_names(rd);
	}
	for (uint32_t i = 0; i < rd->n_old; i++) {
		if (rd->by_old[i] != NULL) {
			rv_object_unref(rd->hall, rd->by_old[i]);
		}
	}
	rv_free(rd->by_old);
	rv_hall_bury(rd->hall);
	return status;
}

/* The whole file; REEVE_ENOENT: there is none. */
static enum reeve_status
read_file(const char *path, struct rv_buf *in, struct reeve_error *err)
{
	int fd = rv_sys_open(path, O_RDONLY, 0);
	char piece[16384];
	ssize_t n = -1;

	if (fd < 0 && errno == ENOENT) {
		return rv_error(err, REEVE_ENOENT, "there is no %s", path);
	}
	while (fd >= 0 && (n = rv_sys_read(fd, piece, sizeof(piece))) > 0) {
		rv_buf_add(in, piece, (size_t)n);
	}
	if (fd >= 0) {
		int saved = errno;

		(void)close(fd);
		errno = saved;
	}
	if (n < 0 || in->failed) {
		return rv_error_sys(err, n < 0 ? errno : ENOMEM,
		    "cannot read snapshot %s", path);
	}
	return REEVE_OK;
}

enum reeve_status
rv_snapshot_read(
    struct rv_hall *hall, const char *path, struct reeve_error *err)
{
	struct reading rd = { .hall = hall, .path = path, .err = err };
	struct rv_buf in;
	enum reeve_status status;
	uint32_t crc;

	rv_buf_init(&in, SIZE_MAX / 4);
	status = read_file(path, &in, err);
	if (status != REEVE_OK) {
		rv_buf_finish(&in);
		return status;
	}
	rd.begin = rd.c.at = (const unsigned char *)in.data;
	if (in.len < RV_SNAPSHOT_HEAD + RV_SNAPSHOT_TAIL ||
	    memcmp(in.data, RV_SNAPSHOT_MAGIC, RV_SNAPSHOT_HEAD) != 0) {
		status = damaged(&rd, "no beginning");
	} else {
		memcpy(&crc, in.data + in.len - RV_SNAPSHOT_TAIL, sizeof(crc));
		rd.c.at += RV_SNAPSHOT_HEAD;
		rd.c.left = in.len - RV_SNAPSHOT_HEAD - RV_SNAPSHOT_TAIL;
		if (le32toh(crc) !=
		    rv_crc32c(0, in.data, in.len - RV_SNAPSHOT_TAIL)) {
			rd.c.at = rd.begin + in.len - RV_SNAPSHOT_TAIL;
			status = damaged(&rd, "a wrong checksum");
		} else {
			status = read_all(&rd);
		}
	}
	rv_buf_finish(&in);
	return status;
}
