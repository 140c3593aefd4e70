/* SPDX-License-Identifier: MIT */
/*
 * Small versions of all images in a folder and the folders in it: thumbs FROM
 * TO makes TO/a/b.jpg of FROM/a/b.jpg, in the same format, by libgd. Those that
 * are there already and newer than their image are left alone, so that it may
 * be run again and again.
 *
 * Images come from anywhere, and libraries that read them have had their holes:
 * each is read in a worker, with a limit of memory and of time. One that
 * crashes its worker is tried again (`retries`), and given up with the signal
 * and the place; all others are made. A small version has its name when it is
 * whole and never before: it is written beside it and renamed.
 *
 * libgd knows no EXIF: photographs that were taken upright may lie on the side.
 */
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <gd.h>

#include "program.h"

static uint64_t size = 128, quality = 80, memory_mib = 1024, timeout_s = 60;
static const struct option_row rows[] = {
	{ 's', "size", "PIXELS", "of the longer side [128]", &size, NULL, 1,
	    10000 },
	{ 'Q', "quality", "N", "of JPEG and WebP [80]", &quality, NULL, 1,
	    100 },
	{ 'M', "memory", "MIB", "that a worker may have [1024]", &memory_mib,
	    NULL, 64, 1048576 },
	{ 't', "timeout", "S", "that one image may take [60]", &timeout_s, NULL,
	    1, 86400 },
	{ 0 },
};

/* ---- in a worker ---- */

struct manner {
	uint64_t size, quality, memory;
};

static struct manner manner;
static char gd_said[256]; /* the last that libgd complained of */

static void
note_complaint(int priority, const char *format, va_list args)
{
	(void)priority;
	vsnprintf(gd_said, sizeof(gd_said), format, args);
	gd_said[strcspn(gd_said, "\r\n")] = '\0';
}

/* The pool's initializer. */
static int
begin_worker(const struct reeve_call *call)
{
	memcpy(&manner, call->args, sizeof(manner));
	gdSetErrorMethod(note_complaint);
/* Sanitizers need terabytes, of addresses only. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	/* An image that says it has a million times a million pixels is one
	 * that there is no memory for: libgd says so then. */
	setrlimit(RLIMIT_AS, &(struct rlimit){ manner.memory, manner.memory });
#endif
	return 0;
}
REEVE_FUNCTION("begin", begin_worker);

static void
write_jpeg(gdImagePtr image, FILE *file)
{
	gdImageJpeg(image, file, (int)manner.quality);
}

static void
write_webp(gdImagePtr image, FILE *file)
{
	gdImageWebpEx(image, file, (int)manner.quality);
}

/* What a file is, is told by its first bytes and not by its name. */
static const struct format {
	size_t at, length;
	const char *magic;
	gdImagePtr (*read)(int size, void *bytes);
	void (*write)(gdImagePtr, FILE *);
} formats[] = {
	{ 0, 3, "\xff\xd8\xff", gdImageCreateFromJpegPtr, write_jpeg },
	{ 0, 8, "\x89PNG\r\n\x1a\n", gdImageCreateFromPngPtr, gdImagePng },
	{ 0, 4, "GIF8", gdImageCreateFromGifPtr, gdImageGif },
	{ 8, 4, "WEBP", gdImageCreateFromWebpPtr, write_webp },
};

static const struct format *
format_of(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		const struct format *format = &formats[i];

		if (length >= format->at + format->length &&
		    memcmp(bytes + format->at, format->magic, format->length) ==
			0) {
			return format;
		}
	}
	return NULL;
}

/* As large as was asked for, by its longer side, and never larger than it is.
 * NULL: no memory. */
static gdImagePtr
shrink(gdImagePtr image)
{
	int width = gdImageSX(image), height = gdImageSY(image);
	int longer = width > height ? width : height;
	int small = longer < (int)manner.size ? longer : (int)manner.size;
	int w = (int)((int64_t)width * small / longer);
	int h = (int)((int64_t)height * small / longer);
	gdImagePtr result;

	w = w > 0 ? w : 1;
	h = h > 0 ? h : 1;
	result = gdImageCreateTrueColor(w, h);
	if (result != NULL) {
		gdImageAlphaBlending(result, 0); /* keep what shines through */
		gdImageSaveAlpha(result, 1);
		gdImageCopyResampled(
		    result, image, 0, 0, 0, 0, w, h, width, height);
	}
	return result;
}

/* Written beside its place, and then put there: whole, or not at all. */
static int
put(const struct reeve_call *call, const struct format *format,
    gdImagePtr image, const char *to)
{
	char part[PATH_MAX];
	FILE *file;
	int bad;

	snprintf(part, sizeof(part), "%s.part", to);
	file = fopen(part, "we");
	if (file == NULL) {
		return reeve_fail(
		    call, "thumbs.Write", "%s: %s", part, strerror(errno));
	}
	format->write(image, file);
	bad = ferror(file);
	bad |= fclose(file);
	if (bad || rename(part, to) != 0) {
		bad = reeve_fail(
		    call, "thumbs.Write", "%s: %s", part, strerror(errno));
		unlink(part);
	}
	return bad;
}

static int
make_small(
    const struct reeve_call *call, void *bytes, size_t length, const char *to)
{
	const struct format *format = format_of(bytes, length);
	gdImagePtr image, result;
	int failed;

	if (format == NULL) {
		return reeve_fail(call, "thumbs.Format",
		    "this is neither JPEG, PNG, GIF nor WebP");
	}
	gd_said[0] = '\0';
	image = format->read((int)length, bytes);
	if (image == NULL) {
		return reeve_fail(call, "thumbs.Damaged",
		    "it cannot be read%s%s", gd_said[0] != '\0' ? ": " : "",
		    gd_said);
	}
	result = shrink(image);
	gdImageDestroy(image);
	if (result == NULL) {
		return reeve_fail(call, "thumbs.Memory", "no memory");
	}
	failed = put(call, format, result, to);
	gdImageDestroy(result);
	return failed;
}

/* The task. Its arguments are two paths: "FROM" NUL "TO". */
static int
thumb(const struct reeve_call *call)
{
	const char *from = call->args, *to = from + strlen(from) + 1;
	struct stat status;
	void *bytes = MAP_FAILED;
	int fd = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK), failed;

	if (fd < 0 || fstat(fd, &status) != 0) {
		failed = reeve_fail(call, "thumbs.Read", "%s", strerror(errno));
	} else if (status.st_size == 0 || status.st_size > INT32_MAX) {
		failed = reeve_fail(call, "thumbs.Size",
		    status.st_size == 0 ? "it is empty" : "it is too large");
	} else {
		bytes = mmap(NULL, (size_t)status.st_size,
		    PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
		failed =
		    bytes == MAP_FAILED
			? reeve_fail(call, "thumbs.Read", "%s", strerror(errno))
			: make_small(call, bytes, (size_t)status.st_size, to);
	}
	if (bytes != MAP_FAILED) {
		munmap(bytes, (size_t)status.st_size);
	}
	if (fd >= 0) {
		close(fd);
	}
	return failed;
}
REEVE_FUNCTION("thumb", thumb);

/* ---- in the program ---- */

/* All that is to be made. */
struct work {
	struct iovec *items; /* "FROM" NUL "TO" */
	size_t n, room;
	uint64_t fresh; /* there already, and newer */
	uint64_t bad;   /* folders that cannot be read, or be made */
};

static bool
is_image(const char *name)
{
	static const char *const ends[] = { ".jpg", ".jpeg", ".png", ".gif",
		".webp" };
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot != NULL && i < sizeof(ends) / sizeof(*ends);
	     i++) {
		if (strcasecmp(dot, ends[i]) == 0) {
			return true;
		}
	}
	return false;
}

static bool
is_newer(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec != b->st_mtim.tv_sec
		   ? a->st_mtim.tv_sec > b->st_mtim.tv_sec
		   : a->st_mtim.tv_nsec > b->st_mtim.tv_nsec;
}

static void
add(struct work *work, const char *from, const char *to)
{
	size_t from_length = strlen(from) + 1, to_length = strlen(to) + 1;
	char *item = malloc(from_length + to_length);

	if (work->n == work->room) {
		work->room = 2 * work->room + 64;
		work->items =
		    realloc(work->items, work->room * sizeof(*work->items));
	}
	if (item == NULL || work->items == NULL) {
		err(1, "no memory");
	}
	memcpy(item, from, from_length);
	memcpy(item + from_length, to, to_length);
	work->items[work->n].iov_base = item;
	work->items[work->n].iov_len = from_length + to_length;
	work->n++;
}

/* One thing that the walk found; `to` is where it would be. */
static void
look_at(struct work *work, FTSENT *found, const char *to)
{
	struct stat there;

	switch (found->fts_info) {
	case FTS_D:
		if (mkdir(to, 0777) != 0 && errno != EEXIST) {
			err(1, "%s", to);
		}
		break;
	case FTS_F:
		if (!is_image(found->fts_name)) {
			break;
		}
		if (stat(to, &there) == 0 &&
		    is_newer(&there, found->fts_statp)) {
			work->fresh++;
		} else {
			add(work, found->fts_path, to);
		}
		break;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		warnx("%s: %s", found->fts_path, strerror(found->fts_errno));
		work->bad++;
		break;
	default:
		break;
	}
}

/* Symbolic links are not followed: they might lead round in circles. */
static void
find_work(struct work *work, char *from, const char *to)
{
	char *const roots[] = { from, NULL };
	size_t prefix = strlen(from);
	char target[PATH_MAX - sizeof(".part")];
	struct stat status, inside;
	FTSENT *found;
	FTS *walk;

	if (stat(from, &status) != 0) {
		err(1, "%s", from);
	}
	if (!S_ISDIR(status.st_mode)) {
		errx(1, "%s: it is no folder", from);
	}
	if (mkdir(to, 0777) != 0 && errno != EEXIST) {
		err(1, "%s", to);
	}
	if (stat(to, &inside) != 0) {
		err(1, "%s", to);
	}
	walk =
	    fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	if (walk == NULL) {
		err(1, "%s", from);
	}
	while ((found = fts_read(walk)) != NULL) {
		if (found->fts_info == FTS_D &&
		    found->fts_statp->st_dev == inside.st_dev &&
		    found->fts_statp->st_ino == inside.st_ino) {
			/* What was made is not to be made smaller. */
			fts_set(walk, found, FTS_SKIP);
		} else if (snprintf(target, sizeof(target), "%s%s", to,
			       found->fts_path + prefix) >=
			   (int)sizeof(target)) {
			warnx("%s: the path is too long", found->fts_path);
			work->bad++;
		} else {
			look_at(work, found, target);
		}
	}
	fts_close(walk);
}

static void
free_work(struct work *work)
{
	for (size_t i = 0; i < work->n; i++) {
		free(work->items[i].iov_base);
	}
	free(work->items);
}

/* What a worker may have left that was killed for good. */
static void
remove_part(const struct iovec *item)
{
	const char *to = strchr(item->iov_base, '\0') + 1;
	char part[PATH_MAX];

	snprintf(part, sizeof(part), "%s.part", to);
	unlink(part);
}

/* How many were made. */
static uint64_t
do_work(struct reeve_pool *pool, const struct work *work, bool *made)
{
	struct progress bar = {
		.what = "thumbs", .total = work->n, .quiet = quiet
	};
	struct reeve_map map = { .size = sizeof(map),
		.function = "thumb",
		.vector = work->items,
		.n = work->n,
		.chunk = 1,
		.hard_limit = REEVE_S(timeout_s),
		.unordered = true };
	struct reeve_task_result result = { .size = sizeof(result) };
	struct reeve_imap *imap;
	uint64_t good = 0;
	size_t i;

	must(reeve_pool_imap(pool, &map, &imap, &error));
	progress_begin(&bar);
	while (program_next(imap, &bar, &result, &i)) {
		made[i] = result.outcome == REEVE_OUTCOME_GOOD;
		good += made[i];
		if (!made[i]) {
			program_complain(work->items[i].iov_base, &result);
		}
		reeve_task_result_free(&result);
	}
	progress_end(&bar);
	reeve_imap_free(imap);
	return good;
}

int
main(int argc, char **argv)
{
	struct work work = { 0 };
	struct reeve_pool *pool;
	uint64_t good;
	bool *made;
	char *from;
	int code;

	reeve_main(&argc, &argv);
	program_begin(" FROM TO", rows, argc, argv);
	program_arguments(argc, 2, "two folders, FROM and TO");
	from = argv[optind];
	while (strlen(from) > 1 && from[strlen(from) - 1] == '/') {
		from[strlen(from) - 1] = '\0';
	}
	find_work(&work, from, argv[optind + 1]);
	made = calloc(work.n + 1, sizeof(*made));
	if (made == NULL) {
		err(1, "no memory");
	}
	manner = (struct manner){ size, quality, memory_mib << 20 };
	pool = program_pool(.initializer = "begin", .init_args = &manner,
	    .init_args_length = sizeof(manner));
	good = do_work(pool, &work, made);
	(void)reeve_pool_terminate(pool, 0, NULL);
	for (size_t i = 0; i < work.n; i++) {
		if (!made[i]) {
			remove_part(&work.items[i]);
		}
	}
	free_work(&work);
	free(made);
	code = program_end(pool, good, work.n);
	if (!stopped) {
		printf("%" PRIu64 " made, %" PRIu64 " there already, %" PRIu64
		       " failed\n",
		    good, work.fresh, work.n - good + work.bad);
	}
	return code == 0 && work.bad != 0 ? 1 : code;
}
