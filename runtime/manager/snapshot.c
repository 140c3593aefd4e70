/* SPDX-License-Identifier: MIT */
/*
 * Writes a hall into a file, value by value: beside the former one, whose place
 * it takes when it is on the disk; the former one is kept as FILE~. Called by
 * server_snapshot.c in a copy of the process, where other threads' locks are
 * held by nobody: so all memory is on the stack, and texts are made elsewhere.
 */
#include "config.h"

#include "manager/snapshot.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/crc.h"
#include "base/error.h"
#include "base/text.h"
#include "sys/sys.h"

/* What a value takes besides its data, at most; types have short names. */
#define VALUE_ROOM 128
#define ROOM       16384

struct sink {
	struct rv_buf buf; /* what is not written yet */
	int fd;
	int sys_errno; /* of the first thing that went wrong, or 0 */
	uint32_t crc;
	uint64_t n_values; /* of an object: counted before they are written */
	char room[ROOM];
};

/* -------- bytes -------- */

static void
write_out(struct sink *sink, const void *data, size_t length)
{
	const char *at = data;

	while (length > 0 && sink->sys_errno == 0) {
		ssize_t n = rv_sys_write(sink->fd, at, length);

		if (n <= 0) {
			sink->sys_errno = n < 0 && errno != 0 ? errno : EIO;
			return;
		}
		sink->crc = rv_crc32c(sink->crc, at, (size_t)n);
		at += n;
		length -= (size_t)n;
	}
}

static void
empty(struct sink *sink)
{
	write_out(sink, sink->buf.data, sink->buf.len);
	rv_buf_reset(&sink->buf);
}

static void
put_value(struct sink *sink, const struct reeve_datum *value)
{
	if (sink->buf.len + value->length + VALUE_ROOM > ROOM) {
		empty(sink);
	}
	if (value->length + VALUE_ROOM <= ROOM) {
		rv_wire_put_value(&sink->buf, value);
		return;
	}
	rv_wire_put_before(&sink->buf, value);
	empty(sink);
	write_out(sink, value->data, value->length);
	rv_wire_put_behind(&sink->buf, value);
}

/* -------- the hall -------- */

static void
count(struct reeve_request *r, const struct reeve_datum *value)
{
	struct sink *sink = r->visit_ctx;

	(void)value;
	sink->n_values++;
}

static void
put_counted(struct reeve_request *r, const struct reeve_datum *value)
{
	struct sink *sink = r->visit_ctx;

	if (sink->n_values-- > 0) {
		put_value(sink, value);
	}
}

static void
visit(struct rv_hall *hall, struct rv_object *object, struct sink *sink,
    void (*each)(struct reeve_request *, const struct reeve_datum *))
{
	struct reeve_request r;

	rv_request_init(&r, hall, NULL, object);
	r.visit = each;
	r.visit_ctx = sink;
	if (object->type->save != NULL) {
		(void)object->type->save(&r, object->state);
	}
}

static void
put_object(struct rv_hall *hall, struct rv_object *object, struct sink *sink)
{
	struct reeve_datum type = reeve_text(object->type->name);
	struct reeve_datum index = reeve_int(object->index);
	struct reeve_datum n;

	sink->n_values = 0;
	visit(hall, object, sink, count);
	n = reeve_int((int64_t)sink->n_values);
	put_value(sink, &type);
	put_value(sink, &index);
	put_value(sink, &n);
	visit(hall, object, sink, put_counted);
	if (sink->n_values != 0 && sink->sys_errno == 0) {
		sink->sys_errno = EILSEQ; /* its `save` says this and that */
	}
}

static void
put_all(struct rv_hall *hall, struct sink *sink)
{
	struct reeve_datum end = reeve_null();
	unsigned char tail[RV_SNAPSHOT_TAIL] = { 0 };
	struct rv_pair *pair;
	uint32_t crc;
	size_t at = 0;

	rv_buf_add(&sink->buf, RV_SNAPSHOT_MAGIC, RV_SNAPSHOT_HEAD);
	for (uint32_t i = 1; i < hall->n_slots && sink->sys_errno == 0; i++) {
		if (hall->objects[i] != NULL) {
			put_object(hall, hall->objects[i], sink);
		}
	}
	put_value(sink, &end);
	while ((pair = rv_pairs_next(&hall->names, &at)) != NULL) {
		put_value(sink, &pair->key);
		put_value(sink, &pair->value);
	}
	put_value(sink, &end);
	empty(sink);
	crc = htole32(sink->crc);
	memcpy(tail, &crc, sizeof(crc));
	write_out(sink, tail, sizeof(tail));
}

/* -------- the file -------- */

static int
write_file(struct rv_hall *hall, const char *path)
{
	struct sink sink;

	sink.fd = rv_sys_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (sink.fd < 0) {
		return errno;
	}
	sink.sys_errno = 0;
	sink.crc = 0;
	rv_buf_init_in(&sink.buf, sink.room, sizeof(sink.room));
	put_all(hall, &sink);
	if (sink.sys_errno == 0 && fsync(sink.fd) != 0) {
		sink.sys_errno = errno;
	}
	if (close(sink.fd) != 0 && sink.sys_errno == 0) {
		sink.sys_errno = errno;
	}
	return sink.sys_errno;
}

static int
sync_folder(const char *path)
{
	int fd = rv_sys_open(path, O_RDONLY | O_DIRECTORY, 0);
	int sys_errno = fd < 0 || fsync(fd) != 0 ? errno : 0;

	if (fd >= 0) {
		(void)close(fd);
	}
	return sys_errno;
}

struct rv_snapshot_end
rv_snapshot_write(struct rv_hall *hall, const struct rv_snapshot_file *file)
{
	struct rv_snapshot_end end = { RV_SNAPSHOT_WRITING, 0 };

	end.sys_errno = write_file(hall, file->new_path);
	if (end.sys_errno == 0) {
		end.stage = RV_SNAPSHOT_PLACING;
		/* what cannot be linked is not kept, no more */
		(void)unlink(file->link_path);
		if (link(file->path, file->link_path) == 0) {
			(void)rename(file->link_path, file->old_path);
		}
		end.sys_errno =
		    rv_sys_rename(file->new_path, file->path) != 0 ? errno : 0;
	}
	if (end.sys_errno != 0) {
		(void)unlink(file->new_path);
		return end;
	}
	end.sys_errno = sync_folder(file->folder);
	end.stage = end.sys_errno != 0 ? RV_SNAPSHOT_SYNCING : RV_SNAPSHOT_DONE;
	return end;
}

enum reeve_status
rv_snapshot_status(const struct rv_snapshot_file *file,
    struct rv_snapshot_end end, struct reeve_error *err)
{
	/* whatever came through the pipe */
	switch ((enum rv_snapshot_stage)end.stage) {
	case RV_SNAPSHOT_DONE:
		return REEVE_OK;
	case RV_SNAPSHOT_PLACING:
		return rv_error_sys(err, end.sys_errno,
		    "cannot put snapshot %s in its place", file->path);
	case RV_SNAPSHOT_SYNCING:
		return rv_error_sys(err, end.sys_errno,
		    "cannot write the folder of snapshot %s", file->path);
	case RV_SNAPSHOT_WRITING:
	default:
		return rv_error_sys(err, end.sys_errno,
		    "cannot write snapshot %s", file->new_path);
	}
}

enum reeve_status
rv_snapshot_file_init(struct rv_snapshot_file *file, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t size = strlen(path) + 8;

	file->path = rv_strdup(path);
	file->new_path = rv_alloc(size, 1);
	file->old_path = rv_alloc(size, 1);
	file->link_path = rv_alloc(size, 1);
	file->folder = slash == NULL
			   ? rv_strdup(".")
			   : rv_strndup(path, (size_t)(slash - path) + 1);
	if (file->path == NULL || file->new_path == NULL ||
	    file->old_path == NULL || file->link_path == NULL ||
	    file->folder == NULL) {
		return REEVE_ENOMEM;
	}
	(void)snprintf(file->new_path, size, "%s.new", path);
	(void)snprintf(file->old_path, size, "%s~", path);
	(void)snprintf(file->link_path, size, "%s~new", path);
	return REEVE_OK;
}

void
rv_snapshot_file_finish(struct rv_snapshot_file *file)
{
	rv_free(file->path);
	rv_free(file->new_path);
	rv_free(file->old_path);
	rv_free(file->link_path);
	rv_free(file->folder);
	memset(file, 0, sizeof(*file));
}
