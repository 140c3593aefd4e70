/* SPDX-License-Identifier: MIT */
/*
 * The fake launcher and clerk, in place of start/ and journal/clerk_link.c:
 * they write down what is asked of them, and decide nothing.
 */
#include "config.h"

#include "unit/super_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "child/stage.h"
#include "lib/harness.h"
#include "sys/sys.h"

#define TEXT (1 << 18)

static struct super_rig *rig_now;

static void
add(char *text, const char *line)
{
	size_t len = strlen(text);

	snprintf(text + len, TEXT - len, "%s\n", line);
}

static const char *
path_of(uint64_t life)
{
	struct rv_node *node = rv_node_by_life(rig_now->super, life);

	return node != NULL ? node->unit->path : "?";
}

/* -------- the launcher that is none -------- */

enum reeve_status
rv_start_open(struct rv_start **start, const struct rv_start_options *options,
    struct reeve_error *err)
{
	(void)options;
	(void)err;
	*start = (struct rv_start *)(void *)rig_now;
	return REEVE_OK;
}

void
rv_start_close(struct rv_start *start)
{
	(void)start;
}

enum reeve_status
rv_start_reserve(struct rv_start *start, size_t n)
{
	(void)start;
	(void)n;
	return REEVE_OK;
}

static void
ask(const char *what, uint64_t life, int number)
{
	char line[256];

	snprintf(line, sizeof(line), "%s %s %d", what, path_of(life), number);
	add(rig_now->asked, line);
}

enum reeve_status
rv_start_launch(struct rv_start *start, uint64_t life,
    const struct rv_spec *spec, struct reeve_error *err)
{
	(void)start;
	(void)spec;
	(void)err;
	ask("launch", life, 0);
	return REEVE_OK;
}

void
rv_start_signal(
    struct rv_start *start, uint64_t life, int signo, bool group, bool cont)
{
	(void)start;
	(void)group;
	(void)cont;
	ask("signal", life, signo);
}

void
rv_start_kill(struct rv_start *start, uint64_t life, enum rv_kill_mode mode)
{
	(void)start;
	ask("kill", life, (int)mode);
}

void
rv_start_cancel(struct rv_start *start, uint64_t life)
{
	(void)start;
	ask("cancel", life, 0);
}

void
rv_start_expect_end(struct rv_start *start, uint64_t life)
{
	(void)start;
	(void)life;
}

/* All facts are in at once: it is we who make them. */
void
rv_start_sync(struct rv_start *start, uint64_t token)
{
	(void)start;
	if (rv_super_signo_of(token) == 0) {
		ask("probe", token, 0);
	}
	rv_super_start_ops.synced(rig_now->super, token);
}

void
rv_start_adopt(struct rv_start *start, uint64_t life, pid_t pid,
    uint64_t start_ticks, const struct rv_spec *spec)
{
	(void)start;
	(void)pid;
	(void)start_ticks;
	(void)spec;
	ask("adopt", life, 0);
}

void
rv_start_kill_stray(
    struct rv_start *start, uint64_t life, pid_t pid, uint64_t start_ticks)
{
	(void)start;
	(void)life;
	(void)pid;
	(void)start_ticks;
}

void
rv_start_listener(struct rv_start *start, const char *name, int fd)
{
	(void)start;
	(void)name;
	(void)fd;
}

void
rv_start_unlisten(struct rv_start *start, const char *name)
{
	(void)start;
	(void)name;
}

enum reeve_status
rv_start_seal(struct rv_start *start, const struct rv_spec *const *specs,
    size_t n, struct reeve_error *err)
{
	(void)start;
	(void)specs;
	(void)n;
	(void)err;
	return REEVE_OK;
}

enum reeve_status
rv_start_connect_clerk(struct rv_start *start, struct reeve_error *err)
{
	(void)start;
	(void)err;
	return REEVE_OK;
}

bool
rv_start_reaped(struct rv_start *start, pid_t pid, int wstatus)
{
	(void)start;
	(void)pid;
	(void)wstatus;
	return false;
}

pid_t
rv_start_pid(const struct rv_start *start)
{
	(void)start;
	return 1;
}

const char *
rv_stage_text(int stage)
{
	switch (stage) {
#define X(symbol, number, who, text) \
	case number:                 \
		return text;
#include "child/stage.def"
#undef X
	default:
		return "an unknown step";
	}
}

/* -------- the clerk that is none -------- */

enum reeve_status
rv_clerk_open(struct rv_clerk_link **link,
    const struct rv_clerk_options *options, struct reeve_error *err)
{
	(void)options;
	(void)err;
	*link = (struct rv_clerk_link *)(void *)rig_now;
	return REEVE_OK;
}

void
rv_clerk_close(struct rv_clerk_link *link, int *pidfd)
{
	(void)link;
	if (pidfd != NULL) {
		*pidfd = -1;
	}
}

void
rv_clerk_give_launcher(struct rv_clerk_link *link, int fd)
{
	(void)link;
	close(fd);
}

void
rv_clerk_sync(struct rv_clerk_link *link, uint64_t token)
{
	(void)link;
	(void)token;
}

pid_t
rv_clerk_pid(const struct rv_clerk_link *link)
{
	(void)link;
	return 1;
}

bool
rv_clerk_reaped(struct rv_clerk_link *link, pid_t pid, int wstatus)
{
	(void)link;
	(void)pid;
	(void)wstatus;
	return false;
}

/* -------- what the runtime tells -------- */

static void
on_event(struct rv_super_sink *sink, const struct rv_record *record)
{
	struct super_rig *rig = sink->ctx;
	struct rv_buf detail;
	size_t len = strlen(rig->said);

	rv_buf_init(&detail, 1 << 18);
	rv_record_detail(record, &detail);
	snprintf(rig->said + len, TEXT - len, "%s %.*s %s\n",
	    rv_kind_name(record->kind), (int)record->path_len, record->path,
	    rv_buf_str(&detail));
	rv_buf_finish(&detail);
}

static void
on_exception(struct rv_super_sink *sink, struct rv_unit *unit, uint64_t life,
    const struct rv_page_trouble *trouble)
{
	struct super_rig *rig = sink->ctx;
	char line[256];

	CU_ASSERT_EQUAL(life, super_rig_life(rig, unit->path));
	snprintf(
	    line, sizeof(line), "exception %s %s", unit->path, trouble->type);
	add(rig->told, line);
}

static enum rv_verdict
on_decide(struct rv_super_sink *sink, struct rv_unit *unit,
    const struct rv_ending *ending, int proposal)
{
	struct super_rig *rig = sink->ctx;
	char line[256];

	snprintf(
	    line, sizeof(line), "decide %s %d", unit->path, ending->end.number);
	add(rig->told, line);
	rig->proposal = proposal;
	if (rig->decides != NULL) {
		rig->decides(rig);
	}
	return rig->verdict;
}

static void
on_group_down(struct rv_super_sink *sink, struct rv_unit *unit)
{
	struct super_rig *rig = sink->ctx;
	char line[256];

	snprintf(line, sizeof(line), "group_down %s", unit->path);
	add(rig->told, line);
	add(rig->asked, line);
}

static void
on_slot_free(struct rv_super_sink *sink, struct rv_unit *unit, uint64_t life)
{
	struct super_rig *rig = sink->ctx;
	char line[256];

	snprintf(line, sizeof(line), "slot_free %s \"%.8s\"", unit->path,
	    (const char *)rv_super_last_slot(rig->super, life));
	add(rig->told, line);
}

/* -------- opening and closing -------- */

static void
ignore_finding(
    void *ctx, enum rv_finding_level level, const struct reeve_error *finding)
{
	(void)ctx;
	if (level == RV_FINDING_ERROR) {
		fprintf(stderr, "# %s\n", finding->text);
	}
}

struct rv_conf *
super_rig_conf(struct super_rig *rig, const char *members)
{
	const char *dir = rv_test_dir();
	char file[256], text[8192];
	struct rv_conf *conf = NULL;

	(void)rig;
	snprintf(file, sizeof(file), "%s/reeve.json", dir);
	snprintf(text, sizeof(text),
	    "{ \"name\": \"t\", \"state_dir\": \"%s/state\", %s }", dir,
	    members);
	CU_ASSERT_EQUAL_FATAL(rv_conf_parse(&conf, file, text, strlen(text),
				  ignore_finding, NULL),
	    REEVE_OK);
	return conf;
}

void
super_rig_open(struct super_rig *rig, const char *members)
{
	struct rv_super_options options = { .libexec_dir = "/nowhere" };
	struct reeve_error err = { 0 };

	*rig = (struct super_rig){ .pids = 1000 };
	rig_now = rig;
	rig->said = rv_alloc(3, TEXT);
	CU_ASSERT_PTR_NOT_NULL_FATAL(rig->said);
	rig->asked = rig->said + TEXT;
	rig->told = rig->asked + TEXT;
	CU_ASSERT_EQUAL_FATAL(rv_loop_create_epoll(&rig->loop, &err), REEVE_OK);
	options.loop = rig->loop;
	options.conf = super_rig_conf(rig, members);
	if (rv_super_create(&rig->super, &options, &err) != REEVE_OK) {
		fprintf(stderr, "# %s\n", err.text);
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(rig->super);
	rv_conf_unref(options.conf);
	rig->sink = (struct rv_super_sink){
		.ctx = rig,
		.event = on_event,
		.exception = on_exception,
		.decide = on_decide,
		.group_down = on_group_down,
		.slot_free = on_slot_free,
	};
	rv_super_listen(rig->super, &rig->sink);
	rv_super_clerk_ops.ready(rig->super, 1, 1, NULL, 0, 0);
	super_rig_turn(rig);
}

static void
remove_place(const char *runtime_dir)
{
	static const char *const names[] = { "/lock", "" };
	char path[512];

	for (size_t i = 0; i < RV_ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s%s", runtime_dir, names[i]);
		remove(path);
	}
}

void
super_rig_close(struct super_rig *rig)
{
	struct rv_conf *conf = rv_conf_ref(rv_super_conf(rig->super));

	rv_journal_remove(rv_super_journal(rig->super));
	rv_super_unlisten(&rig->sink);
	rv_super_destroy(rig->super);
	rv_loop_destroy(rig->loop);
	remove_place(conf->runtime_dir);
	rv_conf_unref(conf);
	rv_free(rig->said);
}

/* -------- units -------- */

struct rv_unit *
super_rig_unit(struct super_rig *rig, const char *path)
{
	struct rv_unit *unit = rv_super_find(rig->super, path);

	CU_ASSERT_PTR_NOT_NULL_FATAL(unit);
	return unit;
}

uint64_t
super_rig_life(struct super_rig *rig, const char *path)
{
	struct rv_unit_info info;

	rv_super_info(rig->super, super_rig_unit(rig, path), &info);
	return info.life;
}

bool
super_rig_is(struct super_rig *rig, const char *path, enum rv_state state)
{
	struct rv_unit *unit = super_rig_unit(rig, path);

	if (unit->state != state) {
		fprintf(stderr, "# %s is %s, not %s\n", path,
		    rv_state_name(unit->state), rv_state_name(state));
	}
	return unit->state == state;
}

/* -------- what a launcher reports -------- */

void
super_rig_up(struct super_rig *rig, const char *path)
{
	super_rig_turn(rig);
	rv_super_start_ops.launched(
	    rig->super, super_rig_life(rig, path), ++rig->pids, 77);
	super_rig_notify(rig, path, RV_NOTIFY_READY);
}

void
super_rig_notify(struct super_rig *rig, const char *path, uint32_t flags)
{
	struct rv_notify notify = { .flags = flags, .status = "" };

	rv_super_start_ops.notified(
	    rig->super, super_rig_life(rig, path), &notify);
	super_rig_turn(rig);
}

static void
ends(struct super_rig *rig, const char *path, bool signaled, int number)
{
	struct rv_death death = {
		.end = { .signaled = signaled, .number = number },
		.utime_us = -1,
		.stime_us = -1,
		.max_rss_kib = -1,
	};

	rv_super_start_ops.died(rig->super, super_rig_life(rig, path), &death);
	super_rig_turn(rig);
}

void
super_rig_exit(struct super_rig *rig, const char *path, int code)
{
	ends(rig, path, false, code);
}

void
super_rig_signaled(struct super_rig *rig, const char *path, int signo)
{
	ends(rig, path, true, signo);
}

/* -------- time -------- */

void
super_rig_turn(struct super_rig *rig)
{
	struct reeve_error err;

	CU_ASSERT_EQUAL(rv_loop_dispatch(rig->loop, 0, &err), REEVE_OK);
}

static bool
has_words(const char *line, size_t len, const char *words)
{
	char copy[512], *save = NULL;
	char *text = rv_strndup(line, len);
	bool all = text != NULL;

	snprintf(copy, sizeof(copy), "%s", words);
	for (char *word = strtok_r(copy, " ", &save); all && word != NULL;
	     word = strtok_r(NULL, " ", &save)) {
		all = strstr(text, word) != NULL;
	}
	rv_free(text);
	return all;
}

static unsigned
count(const char *text, const char *words)
{
	unsigned n = 0;

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		n += has_words(text, len, words);
		text += len + 1;
	}
	return n;
}

unsigned
super_rig_count(struct super_rig *rig, const char *words)
{
	return count(rig->said, words) + count(rig->asked, words) +
	       count(rig->told, words);
}

bool
super_rig_said(struct super_rig *rig, const char *words)
{
	if (super_rig_count(rig, words) > 0) {
		return true;
	}
	fprintf(stderr, "# not found: %s\n# in:\n%s%s%s", words, rig->said,
	    rig->asked, rig->told);
	return false;
}

bool
super_rig_await(struct super_rig *rig, const char *words, int ms)
{
	rv_time until = rv_sys_now() + ms * rv_test_slow() * RV_MS;
	struct reeve_error err;

	while (super_rig_count(rig, words) == 0) {
		if (rv_sys_now() > until) {
			return super_rig_said(rig, words);
		}
		CU_ASSERT_EQUAL(
		    rv_loop_dispatch(rig->loop,
			RV_MIN(until, rv_sys_now() + 5 * RV_MS), &err),
		    REEVE_OK);
	}
	return true;
}

void
super_rig_forget(struct super_rig *rig)
{
	rig->said[0] = rig->asked[0] = rig->told[0] = '\0';
}

/* -------- pages -------- */

unsigned char *
super_rig_page(int *fd)
{
	struct rv_page_head head = {
		.magic = RV_PAGE_MAGIC,
		.version = RV_PAGE_VERSION,
		.pid = 1,
		.beats_at = RV_PAGE_BEATS_FIRST,
	};
	unsigned char *page;

	*fd = memfd_create("page", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	CU_ASSERT_FATAL(*fd >= 0 && ftruncate(*fd, RV_PAGE_BYTES) == 0);
	page = mmap(
	    NULL, RV_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	CU_ASSERT_FATAL(page != MAP_FAILED);
	CU_ASSERT_FATAL(fcntl(*fd, F_ADD_SEALS,
			    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0);
	memcpy(page, &head, sizeof(head));
	return page;
}

void
super_rig_page_free(unsigned char *page)
{
	munmap(page, RV_PAGE_BYTES);
}

unsigned char *
super_rig_paged(struct super_rig *rig, const char *path)
{
	int fd;
	unsigned char *page = super_rig_page(&fd);

	rv_super_start_ops.paged(rig->super, super_rig_life(rig, path), fd);
	return page;
}

uint64_t *
super_rig_beats(unsigned char *page)
{
	return (uint64_t *)(void *)(page + RV_PAGE_BEATS_FIRST);
}

struct rv_page_trouble *
super_rig_trouble(unsigned char *page)
{
	return (struct rv_page_trouble *)(void *)(page + RV_PAGE_TROUBLE_AT);
}
