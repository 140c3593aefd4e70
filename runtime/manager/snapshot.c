/* SPDX-License-Identifier: MIT */
/*
 * A hall as a file: its objects, each with the values that its `save` answers,
 * then its names; in the bytes of the protocol, with a checksum behind. It is
 * written beside the former one and takes its place when it is on the disk;
 * the former one is kept as FILE~. Reading makes all objects before the first
 * value, since values refer to objects that come later. Called by
 * manager_server.c.
 */
#include "config.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/crc.h"
#include "base/error.h"
#include "base/text.h"
#include "manager/server_priv.h"
#include "sys/sys.h"

#define MAGIC       "reeve manager snapshot 1"
#define MAGIC_BYTES 24 /* a multiple of eight, without the NUL */
#define TAIL_BYTES  8  /* the checksum, and zeros */

/* -------- writing -------- */

static void
put_object(struct rv_hall *hall, struct rv_object *object, struct rv_buf *out)
{
	struct reeve_datum type = reeve_text(object->type->name);
	struct reeve_datum index = reeve_int(object->index);
	struct reeve_request r;
	struct rv_buf values;
	struct reeve_datum value;

	rv_wire_put_value(out, &type);
	rv_wire_put_value(out, &index);
	rv_request_init(&r, hall, NULL, object);
	rv_buf_init(&values, out->max);
	r.out = &values;
	if (object->type->save != NULL) {
		(void)object->type->save(&r, object->state);
	}
	value = reeve_int(r.n_answers);
	rv_wire_put_value(out, &value);
	if (values.len > 0) {
		rv_buf_add(out, values.data, values.len);
	}
	out->failed = out->failed || values.failed;
	rv_buf_finish(&values);
}

/* All of it; NULL: no memory. */
static bool
put_all(struct rv_hall *hall, struct rv_buf *out)
{
	struct reeve_datum end = reeve_null();
	unsigned char tail[TAIL_BYTES] = { 0 };
	struct rv_pair *pair;
	uint32_t crc;
	size_t at = 0;

	rv_buf_add(out, MAGIC, MAGIC_BYTES);
	for (uint32_t i = 1; i < hall->n_slots; i++) {
		if (hall->objects[i] != NULL) {
			put_object(hall, hall->objects[i], out);
		}
	}
	rv_wire_put_value(out, &end);
	while ((pair = rv_pairs_next(&hall->names, &at)) != NULL) {
		rv_wire_put_value(out, &pair->key);
		rv_wire_put_value(out, &pair->value);
	}
	rv_wire_put_value(out, &end);
	if (out->failed) {
		return false;
	}
	crc = htole32(rv_crc32c(0, out->data, out->len));
	memcpy(tail, &crc, sizeof(crc));
	rv_buf_add(out, tail, sizeof(tail));
	return !out->failed;
}

static bool
write_file(const char *path, const struct rv_buf *out)
{
	int fd = rv_sys_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	size_t done = 0;
	bool good = fd >= 0;

	while (good && done < out->len) {
		ssize_t n = rv_sys_write(fd, out->data + done, out->len - done);

		good = n > 0;
		done += good ? (size_t)n : 0;
	}
	good = good && fsync(fd) == 0;
	if (fd >= 0) {
		int saved = errno;

		good = close(fd) == 0 && good;
		errno = saved != 0 ? saved : errno;
	}
	return good;
}

static bool
sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL
			   ? rv_strdup(".")
			   : rv_strndup(path, (size_t)(slash - path) + 1);
	int fd = folder != NULL ? rv_sys_open(folder, O_RDONLY | O_DIRECTORY, 0)
				: -1;
	bool good = fd >= 0 && fsync(fd) == 0;

	rv_free(folder);
	if (fd >= 0) {
		(void)close(fd);
	}
	return good;
}

/* The former one as FILE~; what cannot be linked is not kept, no more. */
static void
keep_former(const char *path, const char *old_path)
{
	char *link_path = rv_alloc(strlen(path) + 8, 1);

	if (link_path == NULL) {
		return;
	}
	(void)snprintf(link_path, strlen(path) + 8, "%s~new", path);
	(void)unlink(link_path);
	if (link(path, link_path) == 0) {
		(void)rename(link_path, old_path);
	}
	rv_free(link_path);
}

static enum reeve_status
replace(const char *path, const struct rv_buf *out, struct reeve_error *err)
{
	size_t size = strlen(path) + 8;
	char *new_path = rv_alloc(size, 1), *old_path = rv_alloc(size, 1);
	enum reeve_status status = REEVE_OK;

	if (new_path == NULL || old_path == NULL) {
		status =
		    rv_error_sys(err, ENOMEM, "cannot write snapshot %s", path);
	} else {
		(void)snprintf(new_path, size, "%s.new", path);
		(void)snprintf(old_path, size, "%s~", path);
		if (!write_file(new_path, out)) {
			status = rv_error_sys(
			    err, errno, "cannot write snapshot %s", new_path);
			(void)unlink(new_path);
		}
	}
	if (status == REEVE_OK) {
		keep_former(path, old_path);
		if (rv_sys_rename(new_path, path) != 0) {
			status = rv_error_sys(err, errno,
			    "cannot put snapshot %s in place", path);
			(void)unlink(new_path);
		} else if (!sync_folder(path)) {
			status = rv_error_sys(err, errno,
			    "cannot write the folder of snapshot %s", path);
		}
	}
	rv_free(new_path);
	rv_free(old_path);
	return status;
}

enum reeve_status
rv_snapshot_write(
    struct rv_hall *hall, const char *path, struct reeve_error *err)
{
	struct rv_buf out;
	enum reeve_status status;

	(void)rv_hall_collect(hall);
	rv_buf_init(&out, SIZE_MAX / 4);
	status = put_all(hall, &out) ? replace(path, &out, err)
				     : rv_error_sys(err, ENOMEM,
					   "cannot write snapshot %s", path);
	rv_buf_finish(&out);
	return status;
}

/* -------- reading -------- */

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
	if (in.len < MAGIC_BYTES + TAIL_BYTES ||
	    memcmp(in.data, MAGIC, MAGIC_BYTES) != 0) {
		status = damaged(&rd, "no beginning");
	} else {
		memcpy(&crc, in.data + in.len - TAIL_BYTES, sizeof(crc));
		rd.c.at += MAGIC_BYTES;
		rd.c.left = in.len - MAGIC_BYTES - TAIL_BYTES;
		if (le32toh(crc) !=
		    rv_crc32c(0, in.data, in.len - TAIL_BYTES)) {
			rd.c.at = rd.begin + in.len - TAIL_BYTES;
			status = damaged(&rd, "a wrong checksum");
		} else {
			status = read_all(&rd);
		}
	}
	rv_buf_finish(&in);
	return status;
}
