/* SPDX-License-Identifier: MIT */
/* See map_log.h: the job's runtime, and records into its ring. */
#include "config.h"

#include "tools/map/map_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#define SETTLE_MS 10000
#define WORDS_MS  10000 /* for the last of it to be written */
#define ROOM_MS   2000  /* for the end of an item, on a disk that fails */

/* -------- which job -------- */

static uint64_t
add_word(uint64_t hash, const char *word)
{
	return map_hash(hash, word, strlen(word) + 1);
}

uint64_t
map_job_key(const struct map_options *o)
{
	const unsigned how[] = { o->chunk, o->shell, o->null };
	uint64_t hash = map_hash(MAP_HASH_INIT, how, sizeof(how));

	for (size_t i = 0; i < o->n_command; i++) {
		hash = add_word(hash, o->command[i]);
	}
	if (o->function != NULL) {
		hash = add_word(add_word(hash, "--function"), o->function);
	}
	return hash & MAP_KEY_MASK;
}

/* By the command, where its items come from, and the folder. */
static void
default_name(char *dst, size_t size, const struct map_options *o)
{
	const struct map_list *lists[] = { &o->items, &o->arg_files,
		&o->globs };
	uint64_t hash = map_job_key(o);
	char cwd[PATH_MAX];

	for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
		hash = add_word(hash, l == 0 ? "items" : "files");
		for (size_t i = 0; i < lists[l]->n; i++) {
			hash = add_word(hash, lists[l]->v[i]);
		}
	}
	hash = add_word(hash, getcwd(cwd, sizeof(cwd)) != NULL ? cwd : "?");
	snprintf(dst, size, "map-%016llx", (unsigned long long)hash);
}

/* A name of a runtime for a folder of its own. */
static int
find_place(struct map_log *log, const struct map_options *o)
{
	struct reeve_config_info info = { .size = sizeof(info) };
	struct reeve_error err;

	log->named = o->name != NULL || o->state_dir != NULL;
	if (o->name != NULL) {
		snprintf(log->name, sizeof(log->name), "map-%s", o->name);
	} else {
		default_name(log->name, sizeof(log->name), o);
	}
	if (reeve_config_places(log->name, geteuid() == 0, &info, &err) !=
	    REEVE_OK) {
		map_say("%s", err.text);
		return MAP_COULD_NOT;
	}
	snprintf(log->state_dir, sizeof(log->state_dir), "%s",
	    o->state_dir != NULL ? o->state_dir : info.state_dir);
	reeve_config_info_finish(&info);
	return 0;
}

/* -------- the runtime -------- */

static void
on_settled(void *ctx)
{
	((struct map_log *)ctx)->settled = true;
}

static void
on_finished(void *ctx, bool gave_up)
{
	(void)gave_up;
	((struct map_log *)ctx)->finished = true;
}

static bool
fails(const struct map_log *log)
{
	return log->failure[0] != '\0';
}

/* Turn until it is so, or the time is over, or (where that needs the disk) the
 * disk fails. */
static bool
turn_until(struct map_log *log, const bool *so, bool by_disk, int64_t ms)
{
	int64_t until = map_now() + ms * MAP_MS;

	while (!*so && map_now() < until && !(by_disk && fails(log))) {
		struct pollfd p = { .fd = reeve_fd(log->reeve),
			.events = POLLIN };

		poll(&p, 1, 100);
		map_log_turn(log);
	}
	return *so;
}

/* Where the socket is, the ring is, too. */
static void
find_runtime_dir(struct map_log *log)
{
	char link[PATH_MAX + 16];
	ssize_t n;
	char *slash;

	snprintf(link, sizeof(link), "%s/control.sock", log->state_dir);
	n = readlink(link, log->runtime_dir, sizeof(log->runtime_dir) - 1);
	log->runtime_dir[n > 0 ? n : 0] = '\0';
	slash = strrchr(log->runtime_dir, '/');
	if (slash != NULL) {
		*slash = '\0';
	}
}

static int
cannot_open(const struct map_log *log, const struct reeve_error *err)
{
	if (err->status == REEVE_EBUSY) {
		map_say("this job is running already: %s", err->text);
		map_say("--name gives another job a log of its own");
	} else {
		map_say("%s", err->text);
	}
	(void)log;
	return MAP_COULD_NOT;
}

/* Its disk, which other files of the runtime are on, too. */
static void
on_disk(void *ctx, const struct reeve_event *event)
{
	struct map_log *log = ctx;
	json_t *detail = json_loads(event->detail, 0, NULL);
	const char *state = json_string_value(json_object_get(detail, "state"));
	const char *what = json_string_value(json_object_get(detail, "action"));
	const char *why = json_string_value(json_object_get(detail, "message"));

	if (state == NULL || what == NULL ||
	    strstr(what, "event log") == NULL) {
		json_decref(detail);
		return;
	}
	if (strcmp(state, "ok") == 0) {
		map_say("the event log in %s is written again", log->state_dir);
		log->failure[0] = '\0';
	} else if (!fails(log)) {
		snprintf(log->failure, sizeof(log->failure), "%s",
		    why != NULL && why[0] != '\0' ? why : "its disk fails");
		map_say("cannot write the event log in %s: %s; what happens is "
			"kept in memory as long as there is room",
		    log->state_dir, log->failure);
	}
	json_decref(detail);
}

static void
on_room(void *arg)
{
	((struct map_log *)arg)->full = false;
}

static bool
follow(struct map_log *log)
{
	const struct reeve_watch_options options = { .size = sizeof(options),
		.kinds = "clerk.disk",
		.event = on_disk,
		.ctx = log };
	struct reeve_error err;

	if (reeve_watch(log->reeve, &options, NULL, &err) != REEVE_OK ||
	    reeve_record_room(log->reeve, on_room, log, &err) != REEVE_OK) {
		map_say("%s", err.text);
		return false;
	}
	return true;
}

int
map_log_open(struct map_log *log, const struct map_options *o)
{
	static const struct reeve_callbacks callbacks = {
		.settled = on_settled,
		.finished = on_finished,
	};
	const char *libexec = getenv("REEVE_LIBEXEC");
	struct reeve_options options = { .size = sizeof(options),
		.libexec_dir = libexec,
		.callbacks = &callbacks,
		.ctx = log };
	struct reeve_error err;
	char db[PATH_MAX + 16];
	int code;

	*log = (struct map_log){ .signals = -1 };
	code = find_place(log, o);
	if (code != 0) {
		return code;
	}
	options.name = log->name;
	options.state_dir = log->state_dir;
	snprintf(db, sizeof(db), "%s/events.db", log->state_dir);
	log->existed = access(db, F_OK) == 0;
	if (reeve_create(&log->reeve, &options, &err) != REEVE_OK) {
		return cannot_open(log, &err);
	}
	find_runtime_dir(log);
	if (!follow(log)) {
		return MAP_COULD_NOT;
	}
	/* What a killed run left in its ring is known after that. */
	if ((log->existed || o->resume != MAP_ANEW) &&
	    !turn_until(log, &log->settled, true, SETTLE_MS)) {
		map_say("the event log in %s cannot be read: %s",
		    log->state_dir,
		    fails(log) ? log->failure : "its disk does not answer");
		return MAP_COULD_NOT;
	}
	return 0;
}

int
map_log_fd(const struct map_log *log)
{
	return reeve_fd(log->reeve);
}

void
map_log_turn(struct map_log *log)
{
	struct reeve_error err;

	if (reeve_dispatch(log->reeve, &err) != REEVE_OK) {
		map_say("%s", err.text);
	}
}

enum map_recorded
map_log_try(struct map_log *log, const struct reeve_record *record)
{
	struct reeve_error err;
	enum reeve_status status = reeve_record(log->reeve, record, &err);

	if (status == REEVE_EFULL) {
		log->full = true;
		return MAP_NO_ROOM;
	}
	if (status != REEVE_OK) {
		map_say("%s", err.text);
		return MAP_NOT_RECORDED;
	}
	return MAP_RECORDED;
}

/* False: a signal came, or there is no hope. */
static bool
wait_for_room(struct map_log *log, int64_t until)
{
	struct pollfd p[] = {
		{ .fd = reeve_fd(log->reeve), .events = POLLIN },
		{ .fd = log->signals, .events = POLLIN },
	};

	poll(p, 2, ROOM_MS);
	map_log_turn(log);
	return (p[1].revents & POLLIN) == 0 &&
	       (!fails(log) || map_now() < until);
}

enum map_recorded
map_log_record(struct map_log *log, const struct reeve_record *record)
{
	int64_t until = map_now() + ROOM_MS * MAP_MS;
	enum map_recorded recorded = map_log_try(log, record);

	while (recorded == MAP_NO_ROOM && wait_for_room(log, until)) {
		recorded = map_log_try(log, record);
	}
	return recorded;
}

/* -------- the end -------- */

/* With what is in it, to this depth: no runtime has more. */
static void
remove_dir(int parent, const char *path, unsigned depth)
{
	int fd = openat(
	    parent, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0 &&
		    unlinkat(fd, entry->d_name, 0) != 0 && depth > 0) {
			remove_dir(fd, entry->d_name, depth - 1);
		}
	}
	if (dir != NULL) {
		closedir(dir);
	} else if (fd >= 0) {
		close(fd);
	}
	unlinkat(parent, path, AT_REMOVEDIR);
}

static void
remove_place(const struct map_log *log)
{
	char path[PATH_MAX + 16];

	if (log->runtime_dir[0] != '\0') {
		snprintf(path, sizeof(path), "%s.pub", log->runtime_dir);
		remove_dir(AT_FDCWD, path, 1);
		remove_dir(AT_FDCWD, log->runtime_dir, 1);
	}
	remove_dir(AT_FDCWD, log->state_dir, 1);
}

static void
say_unwritten(const struct map_log *log)
{
	map_say("the event log in %s lacks what was recorded last: %s; it is "
		"kept in %s, and the next run with this log writes it, unless "
		"the machine is rebooted before",
	    log->state_dir, fails(log) ? log->failure : "its disk is slow",
	    log->runtime_dir[0] != '\0' ? log->runtime_dir : "memory");
}

void
map_log_close(struct map_log *log, bool remove)
{
	struct pollfd p = { .events = POLLIN };
	bool written = true;

	if (log->reeve == NULL) {
		return;
	}
	reeve_shutdown(log->reeve, "asked");
	turn_until(log, &log->finished, false, WORDS_MS);
	while (written && (p.fd = reeve_last_words(log->reeve)) != -1) {
		written = poll(&p, 1, fails(log) ? ROOM_MS : WORDS_MS) > 0;
		close(p.fd);
	}
	reeve_destroy(log->reeve);
	log->reeve = NULL;
	if (!written) {
		say_unwritten(log);
	} else if (remove) {
		remove_place(log);
	}
}
