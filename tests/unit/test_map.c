/* SPDX-License-Identifier: MIT */
/*
 * The parts of reeve map that touch nothing: decisions with a clock that the
 * test turns, rules to halt, order, places for items, words of progress,
 * options; and the input, which touches files alone.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/harness.h"
#include "tools/map/map_input.h"
#include "tools/map/map_order.h"
#include "tools/map/map_plan.h"
#include "tools/map/map_progress.h"
#include "tools/map/map_template.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* -------- halt -------- */

RV_TEST(rules_to_halt_are_read)
{
	static const struct {
		const char *text;
		struct map_halt halt;
	} good[] = {
		{ "never", { MAP_HALT_NEVER, MAP_HALT_FAIL, 0, false } },
		{ "soon,fail=1", { MAP_HALT_SOON, MAP_HALT_FAIL, 1, false } },
		{ "now,fail=20%", { MAP_HALT_NOW, MAP_HALT_FAIL, 20, true } },
		{ "now,success=3",
		    { MAP_HALT_NOW, MAP_HALT_SUCCESS, 3, false } },
		{ "soon,done=100%",
		    { MAP_HALT_SOON, MAP_HALT_DONE, 100, true } },
	};
	static const char *const bad[] = { "", "soon", "soon,", "now,fail",
		"now,fail=", "now,fail=0", "now,fail=101%", "later,fail=1",
		"fail=1", "now,fail=1x", "now,fail=-1", "never,fail=1" };
	struct map_halt halt;

	for (size_t i = 0; i < LENGTH(good); i++) {
		CU_ASSERT(map_halt_parse(&halt, good[i].text));
		CU_ASSERT_EQUAL(halt.when, good[i].halt.when);
		CU_ASSERT_EQUAL(halt.what, good[i].halt.what);
		CU_ASSERT_EQUAL(halt.count, good[i].halt.count);
		CU_ASSERT_EQUAL(halt.percent, good[i].halt.percent);
	}
	for (size_t i = 0; i < LENGTH(bad); i++) {
		CU_ASSERT_FALSE(map_halt_parse(&halt, bad[i]));
	}
}

RV_TEST(rules_to_halt_apply)
{
	static const struct {
		const char *rule;
		unsigned ended, failed;
		bool due;
	} cases[] = {
		{ "never", 0, 1000, false },
		{ "soon,fail=2", 9, 1, false },
		{ "soon,fail=2", 9, 2, true },
		{ "now,success=1", 0, 9, false },
		{ "now,success=1", 1, 0, true },
		{ "now,done=10", 5, 4, false },
		{ "now,done=10", 5, 5, true },
		/* Per cents want three that have ended. */
		{ "now,fail=50%", 0, 2, false },
		{ "now,fail=50%", 1, 2, true },
		{ "now,fail=50%", 3, 2, false },
		{ "now,fail=20%", 4, 1, true },
	};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct map_halt halt;

		CU_ASSERT_FATAL(map_halt_parse(&halt, cases[i].rule));
		CU_ASSERT_EQUAL(
		    map_halt_is_due(&halt, cases[i].ended, cases[i].failed),
		    cases[i].due);
	}
}

/* -------- the plan -------- */

static struct map_plan
plan_of(unsigned jobs, unsigned retries)
{
	return (struct map_plan){ .jobs = jobs,
		.retries = retries,
		.backoff = 100,
		.ahead = 10,
		.again = 10 };
}

RV_TEST(what_is_next)
{
	static const struct {
		struct map_plan plan;
		int64_t again_at;
		enum map_next next;
	} cases[] = {
		{ { .jobs = 2, .ahead = 9, .again = 9 }, MAP_NEVER, MAP_TAKE },
		{ { .jobs = 2, .ahead = 9, .again = 9, .running = 2 },
		    MAP_NEVER, MAP_WAIT },
		{ { .jobs = 2, .ahead = 9, .again = 9, .input_ended = true },
		    MAP_NEVER, MAP_OVER },
		{ { .jobs = 2,
		      .ahead = 9,
		      .again = 9,
		      .input_ended = true,
		      .running = 1 },
		    MAP_NEVER, MAP_WAIT },
		/* An output that is not written keeps it from being over. */
		{ { .jobs = 2,
		      .ahead = 9,
		      .again = 9,
		      .input_ended = true,
		      .held = 1 },
		    MAP_NEVER, MAP_WAIT },
		{ { .jobs = 2,
		      .ahead = 9,
		      .again = 9,
		      .input_ended = true,
		      .waiting = 1 },
		    1001, MAP_WAIT },
		{ { .jobs = 2,
		      .ahead = 9,
		      .again = 9,
		      .input_ended = true,
		      .waiting = 1 },
		    1000, MAP_AGAIN },
		/* One whose time has come goes before a new one. */
		{ { .jobs = 2, .ahead = 9, .again = 9, .waiting = 1 }, 1000,
		    MAP_AGAIN },
		{ { .jobs = 2, .ahead = 9, .again = 9, .waiting = 1 }, 1001,
		    MAP_TAKE },
		{ { .jobs = 2, .ahead = 9, .again = 9, .waiting = 9 }, 1001,
		    MAP_WAIT },
		{ { .jobs = 2, .ahead = 9, .again = 9, .held = 9 }, MAP_NEVER,
		    MAP_WAIT },
		/* Nothing begins that cannot be recorded. */
		{ { .jobs = 2,
		      .ahead = 9,
		      .again = 9,
		      .waiting = 1,
		      .unrecorded = true },
		    0, MAP_WAIT },
		{ { .jobs = 2, .stop = MAP_STOP_DRAIN, .running = 1 },
		    MAP_NEVER, MAP_WAIT },
		{ { .jobs = 2, .stop = MAP_STOP_DRAIN }, MAP_NEVER, MAP_OVER },
		{ { .jobs = 9,
		      .ahead = 9,
		      .again = 9,
		      .running = 3,
		      .lack = 3 },
		    MAP_NEVER, MAP_WAIT },
		{ { .jobs = 9,
		      .ahead = 9,
		      .again = 9,
		      .lack = 1,
		      .lack_at = 1001 },
		    MAP_NEVER, MAP_WAIT },
		{ { .jobs = 9,
		      .ahead = 9,
		      .again = 9,
		      .lack = 1,
		      .lack_at = 1000 },
		    MAP_NEVER, MAP_TAKE },
	};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		enum map_next next =
		    map_plan_next(&cases[i].plan, 1000, cases[i].again_at);

		if (next != cases[i].next) {
			printf("# case %zu: %d\n", i, (int)next);
		}
		CU_ASSERT_EQUAL(next, cases[i].next);
	}
}

RV_TEST(backoff_doubles_with_each_try)
{
	struct map_plan plan = plan_of(1, 3);
	int64_t at = 0;

	for (unsigned attempt = 1; attempt <= 3; attempt++) {
		plan.running = 1;
		CU_ASSERT_EQUAL(
		    map_plan_judge(&plan, attempt, false, false, 1000, &at),
		    MAP_RETRY);
		CU_ASSERT_EQUAL(at, 1000 + (100 << (attempt - 1)));
		CU_ASSERT_EQUAL(plan.waiting, attempt);
	}
	plan.running = 1;
	CU_ASSERT_EQUAL(
	    map_plan_judge(&plan, 4, false, false, 1000, &at), MAP_FAILED);
	CU_ASSERT_EQUAL(plan.failed, 1);
	plan.running = 1;
	CU_ASSERT_EQUAL(
	    map_plan_judge(&plan, 2, true, false, 1000, &at), MAP_ENDED);
	CU_ASSERT_EQUAL(plan.ended, 1);
}

RV_TEST(stopping_only_gets_more_urgent)
{
	struct map_plan plan = plan_of(4, 1);
	int64_t at = 0;

	plan.running = 4;
	plan.waiting = 1;
	map_plan_signal(&plan);
	CU_ASSERT_EQUAL(plan.stop, MAP_STOP_DRAIN);
	/* What fails now and would be tried again is given up; no failure. */
	CU_ASSERT_EQUAL(
	    map_plan_judge(&plan, 1, false, false, 0, &at), MAP_GIVEN_UP);
	/* What has no try left has failed for good. */
	CU_ASSERT_EQUAL(
	    map_plan_judge(&plan, 2, false, false, 0, &at), MAP_FAILED);
	CU_ASSERT_EQUAL(
	    map_plan_judge(&plan, 1, true, false, 0, &at), MAP_ENDED);
	map_plan_drop(&plan);
	CU_ASSERT_EQUAL(plan.given_up, 2);
	map_plan_signal(&plan);
	CU_ASSERT_EQUAL(plan.stop, MAP_STOP_TERM);
	CU_ASSERT_EQUAL(
	    map_plan_judge(&plan, 2, false, true, 0, &at), MAP_GIVEN_UP);
	map_plan_signal(&plan);
	map_plan_signal(&plan);
	CU_ASSERT_EQUAL(plan.stop, MAP_STOP_KILL);
	map_plan_abort(&plan);
	CU_ASSERT_EQUAL(plan.stop, MAP_STOP_KILL);
	CU_ASSERT_EQUAL(map_plan_next(&plan, 0, MAP_NEVER), MAP_OVER);
}

RV_TEST(a_rule_stops_once_it_is_due)
{
	struct map_plan plan = plan_of(2, 0);
	int64_t at = 0;

	CU_ASSERT(map_halt_parse(&plan.halt, "now,fail=2"));
	plan.running = 3;
	map_plan_judge(&plan, 1, false, false, 0, &at);
	CU_ASSERT_EQUAL(plan.stop, MAP_STOP_NOT);
	map_plan_judge(&plan, 1, false, false, 0, &at);
	CU_ASSERT_EQUAL(plan.stop, MAP_STOP_TERM);
	CU_ASSERT(plan.halted);
	plan = plan_of(2, 0);
	CU_ASSERT(map_halt_parse(&plan.halt, "soon,success=1"));
	plan.running = 1;
	map_plan_judge(&plan, 1, true, false, 0, &at);
	CU_ASSERT_EQUAL(plan.stop, MAP_STOP_DRAIN);
}

RV_TEST(a_lack_is_made_up_for_one_by_one)
{
	struct map_plan plan = plan_of(8, 0);
	int64_t at = 0;

	plan.running = 4;
	map_plan_lack(&plan, 0);
	CU_ASSERT_EQUAL(plan.lack, 4);
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT_NOT_EQUAL(plan.lack, 0);
		plan.running = 4;
		map_plan_judge(&plan, 1, true, false, 0, &at);
	}
	CU_ASSERT_EQUAL(plan.lack, 0);
	/* With nothing under way, time alone can bring it. */
	plan.running = 0;
	map_plan_lack(&plan, 1000);
	CU_ASSERT_EQUAL(plan.lack, 1);
	CU_ASSERT(plan.lack_at > 1000);
}

/* Everything is over once, and counted once, whatever happens. */
RV_TEST(every_item_gets_one_verdict)
{
	for (unsigned seed = 1; seed <= 300; seed++) {
		struct map_plan plan = plan_of(1 + seed % 7, seed % 3);
		unsigned tries[200] = { 0 }, running[8] = { 0 };
		unsigned waiting[64], n_waiting = 0, given = 0, n = 0;
		uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15);
		enum map_next next;

		plan.again = 20;
		while ((next = map_plan_next(&plan, 0,
			    n_waiting > 0 ? 0 : MAP_NEVER)) != MAP_OVER) {
			unsigned item;
			int64_t at;

			state = state * 6364136223846793005u + 1;
			if (next == MAP_TAKE && given == 200) {
				plan.input_ended = true;
			} else if (next == MAP_TAKE || next == MAP_AGAIN) {
				item = next == MAP_TAKE ? given++
							: waiting[--n_waiting];
				plan.waiting -= next == MAP_AGAIN;
				tries[item]++;
				running[n++] = item;
				plan.running++;
			} else if (n == 0) {
				CU_ASSERT_NOT_EQUAL(plan.stop, MAP_STOP_NOT);
				CU_ASSERT(n_waiting > 0);
				n_waiting--;
				map_plan_drop(&plan);
			} else {
				item = running[--n];
				if (map_plan_judge(&plan, tries[item],
					(state >> 40) % 3 != 0, false, 0,
					&at) == MAP_RETRY) {
					waiting[n_waiting++] = item;
				}
			}
			if (seed % 5 == 0 && (state >> 33) % 500 == 0) {
				map_plan_signal(&plan);
			}
		}
		CU_ASSERT_EQUAL(
		    plan.ended + plan.failed + plan.given_up, given);
		CU_ASSERT_EQUAL(plan.running + plan.waiting, 0);
	}
}

/* -------- order -------- */

RV_TEST(things_leave_in_order)
{
	static char things[1000];
	struct map_order order = { 0 };
	size_t out = 0;
	void *thing;

	CU_ASSERT_PTR_NULL(map_order_take(&order));
	/* Blocks of 250, each backwards. */
	for (size_t block = 0; block < 1000; block += 250) {
		for (size_t i = 250; i-- > 0;) {
			map_order_put(&order, block + i, &things[block + i]);
			while ((thing = map_order_take(&order)) != NULL) {
				CU_ASSERT_PTR_EQUAL(thing, &things[out]);
				out++;
			}
		}
		CU_ASSERT_EQUAL(out, block + 250);
	}
	map_order_finish(&order);
}

/* -------- places -------- */

static char filled[4096];

/* The words of the command with these items, each in brackets. */
static const char *
fill(struct map_options *o, const char *const *command, size_t n,
    const char *items, unsigned n_items)
{
	const struct map_filling filling = {
		.items = items, .n_items = n_items, .number = 7, .slot = 2
	};
	struct map_template template;
	size_t at = 0;
	char **argv;

	o->command = (const char **)(uintptr_t)command;
	o->n_command = n;
	map_template_init(&template, o);
	argv = map_template_fill(&template, &filling);
	filled[0] = '\0';
	for (size_t i = 0; argv[i] != NULL; i++) {
		at += (size_t)snprintf(
		    filled + at, sizeof(filled) - at, "[%s]", argv[i]);
	}
	free(argv);
	map_template_finish(&template);
	return filled;
}

RV_TEST(places_are_filled)
{
	static const struct {
		const char *word, *item, *wanted;
	} cases[] = {
		{ "x", "a b", "[c][x][a b]" },
		{ "{}", "a b", "[c][a b]" },
		{ "-{}-{}-", "i", "[c][-i-i-]" },
		{ "{.}", "/a.d/b.c", "[c][/a.d/b]" },
		{ "{.}", "/a.d/b", "[c][/a.d/b]" },
		{ "{.}", ".profile", "[c][.profile]" },
		{ "{.}", "a.tar.gz", "[c][a.tar]" },
		{ "{/}", "/a/b.c", "[c][b.c]" },
		{ "{/}", "b.c", "[c][b.c]" },
		{ "{//}", "/a/b.c", "[c][/a]" },
		{ "{//}", "/b", "[c][/]" },
		{ "{//}", "b", "[c][.]" },
		{ "{/.}", "/a.x/b.c", "[c][b]" },
		{ "{#}", "i", "[c][7][i]" },
		{ "{#}:{}", "i", "[c][7:i]" },
		{ "{%}", "i", "[c][3][i]" },
		{ "{x}", "i", "[c][{x}][i]" },
		{ "{", "i", "[c][{][i]" },
		{ "{}", "", "[c][]" },
		{ "{}", "--help", "[c][--help]" },
		{ "{}", "{}", "[c][{}]" },
		{ "{}", "\xff\xfe\n", "[c][\xff\xfe\n]" },
	};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		const char *command[] = { "c", cases[i].word };
		struct map_options o = { 0 };

		CU_ASSERT_STRING_EQUAL(
		    fill(&o, command, 2, cases[i].item, 1), cases[i].wanted);
	}
}

RV_TEST(several_items_of_a_command_are_words_of_their_own)
{
	const char *command[] = { "c", "-x{}", "end" };
	const char *plain[] = { "c" };
	struct map_options o = { 0 };

	CU_ASSERT_STRING_EQUAL(
	    fill(&o, command, 3, "a\0b c\0d", 3), "[c][-xa][-xb c][-xd][end]");
	CU_ASSERT_STRING_EQUAL(
	    fill(&o, plain, 1, "a\0b c\0d", 3), "[c][a][b c][d]");
}

RV_TEST(another_word_may_stand_for_the_item)
{
	const char *command[] = { "c", "<ITEM>" };
	struct map_options o = { .replace = "ITEM" };

	CU_ASSERT_STRING_EQUAL(fill(&o, command, 2, "a b", 1), "[c][<a b>]");
}

RV_TEST(items_are_quoted_for_the_shell)
{
	const char *command[] = { "echo x{} | cat", ">f" };
	const char *plain[] = { "wc", "-l" };
	struct map_options o = { .shell = true };

	CU_ASSERT_STRING_EQUAL(fill(&o, command, 2, "$(a) 'b'", 1),
	    "[/bin/sh][-c][echo x'$(a) '\\''b'\\''' | cat >f]");
	CU_ASSERT_STRING_EQUAL(
	    fill(&o, plain, 2, "a\0b c", 2), "[/bin/sh][-c][wc -l a 'b c']");
	CU_ASSERT_STRING_EQUAL(
	    fill(&o, plain, 2, "", 1), "[/bin/sh][-c][wc -l '']");
}

/* -------- progress -------- */

RV_TEST(progress_is_put_into_words)
{
	static const struct {
		struct map_count count;
		int64_t took_s;
		const char *wanted;
	} cases[] = {
		{ { 0, 0, 2, 0 }, 1, "0 done, 0.0/s" },
		{ { 450, 0, 2, 0 }, 10, "450 done, 45.0/s" },
		{ { 450, 50, 2, 1000 }, 10,
		    "500 of 1000 done, 50 failed, 50.0/s, 10.0 s left" },
		/* An estimate that was too low. */
		{ { 10, 0, 2, 5 }, 10, "10 of 12 done, 1.0/s, 2.0 s left" },
		{ { 10, 0, 0, 10 }, 1, "10 of 10 done, 10.0/s" },
	};
	char words[256];

	for (size_t i = 0; i < LENGTH(cases); i++) {
		map_progress_words(words, sizeof(words), &cases[i].count, 0,
		    cases[i].took_s * MAP_S);
		CU_ASSERT_STRING_EQUAL(words, cases[i].wanted);
	}
	/* What an earlier run did is done, but tells nothing of the rate. */
	map_progress_words(words, sizeof(words),
	    &(struct map_count){ 60, 0, 1, 100 }, 50, 10 * MAP_S);
	CU_ASSERT_STRING_EQUAL(words, "60 of 100 done, 1.0/s, 40.0 s left");
}

RV_TEST(the_bar_fits_its_columns)
{
	const struct map_count half = { 5, 0, 1, 10 };
	char bar[256];

	for (unsigned columns = 1; columns < 200; columns++) {
		map_progress_bar(bar, sizeof(bar), &half, columns, "words");
		CU_ASSERT(strlen(bar) <= columns);
	}
	map_progress_bar(bar, sizeof(bar), &half, 29, "words");
	CU_ASSERT_STRING_EQUAL(bar, "[##########..........] words");
}

/* -------- options -------- */

static int
args_of(struct map_options *o, const char *const *words)
{
	char *argv[16] = { (char *)(uintptr_t) "reeve map" };
	int argc = 1;

	while (words[argc - 1] != NULL) {
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
		argc++;
	}
	optind = 0;
	return map_args(o, argc, argv);
}

RV_TEST(options_end_with_the_command)
{
	struct map_options o;

	CU_ASSERT_EQUAL(args_of(&o, (const char *const[]){ "-j3", "-k",
					"--retries=2", "grep", "-n", "--order",
					":::", "--help", "-j9", NULL }),
	    0);
	CU_ASSERT_EQUAL(o.jobs, 3);
	CU_ASSERT_EQUAL(o.retries, 2);
	CU_ASSERT(o.order && o.listed && !o.help);
	CU_ASSERT_EQUAL(o.n_command, 3);
	CU_ASSERT_STRING_EQUAL(o.command[2], "--order");
	CU_ASSERT_EQUAL(o.items.n, 2);
	CU_ASSERT_STRING_EQUAL(o.items.v[0], "--help");
	free(o.items.v);
}

RV_TEST(what_options_cannot_be_is_refused)
{
	static const char *const bad[][4] = { { NULL }, { "-j0", "c" },
		{ "-jx", "c" }, { "-j", NULL }, { "--jobs=-1", "c" },
		{ "--retries=x", "c" }, { "--timeout=0", "c" },
		{ "--timeout=5y", "c" }, { "--memory=0", "c" },
		{ "--memory=5Q", "c" }, { "--halt=maybe", "c" },
		{ "--name=a/b", "c" }, { "--name=", "c" },
		{ "--resume=maybe", "c" }, { "--nonsense", "c" },
		{ "--json", "--tag", "c" }, { "-n0", "c" },
		{ "-ax", "--files=y", "c" }, { "-ax", "c", ":::" } };
	struct map_options o;

	for (size_t i = 0; i < LENGTH(bad); i++) {
		const char *words[5] = { bad[i][0], bad[i][1], bad[i][2],
			bad[i][3] };

		CU_ASSERT_EQUAL(args_of(&o, words), MAP_USAGE);
		free(o.arg_files.v);
		free(o.globs.v);
	}
}

RV_TEST(times_and_sizes_are_read)
{
	int64_t ns;
	uint64_t bytes;

	CU_ASSERT(map_parse_time("250ms", &ns) && ns == 250 * MAP_MS);
	CU_ASSERT(map_parse_time("1.5", &ns) && ns == 1500 * MAP_MS);
	CU_ASSERT(map_parse_time("2m", &ns) && ns == 120 * MAP_S);
	CU_ASSERT_FALSE(map_parse_time("", &ns));
	CU_ASSERT_FALSE(map_parse_time("-1", &ns));
	CU_ASSERT_FALSE(map_parse_time("1000000d", &ns));
	CU_ASSERT(map_parse_size("64MiB", &bytes) && bytes == 64 << 20);
	CU_ASSERT(map_parse_size("1kB", &bytes) && bytes == 1000);
	CU_ASSERT_FALSE(map_parse_size("lots", &bytes));
}

/* -------- input -------- */

static const char *
file_of(const char *bytes, size_t len)
{
	static char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/input", rv_test_dir());
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	CU_ASSERT_EQUAL_FATAL(write(fd, bytes, len), (ssize_t)len);
	close(fd);
	return path;
}

/* All items, each in brackets; and how it ended. */
static enum map_got
read_all(struct map_options *o, const char *bytes, size_t len)
{
	struct map_input input;
	const char *item;
	size_t n, at = 0;
	enum map_got got;

	map_list_add(&o->arg_files, file_of(bytes, len));
	CU_ASSERT_EQUAL_FATAL(map_input_open(&input, o), 0);
	filled[0] = '\0';
	while ((got = map_input_next(&input, &item, &n)) == MAP_GOT) {
		at += (size_t)snprintf(
		    filled + at, sizeof(filled) - at, "[%.*s]", (int)n, item);
	}
	map_input_close(&input);
	free(o->arg_files.v);
	o->arg_files = (struct map_list){ 0 };
	return got;
}

#define READ(o, text) read_all(&(o), text, sizeof(text) - 1)

RV_TEST(lines_are_items)
{
	struct map_options lines = { 0 }, nulls = { .null = true };

	CU_ASSERT_EQUAL(READ(lines, ""), MAP_GOT_END);
	CU_ASSERT_STRING_EQUAL(filled, "");
	CU_ASSERT_EQUAL(READ(lines, "a\n\n b c \nlast"), MAP_GOT_END);
	CU_ASSERT_STRING_EQUAL(filled, "[a][][ b c ][last]");
	CU_ASSERT_EQUAL(READ(nulls, "a\nb\0c\0"), MAP_GOT_END);
	CU_ASSERT_STRING_EQUAL(filled, "[a\nb][c]");
	/* A NUL in a line would cut the argument. */
	CU_ASSERT_EQUAL(READ(lines, "a\nb\0c\n"), MAP_GOT_ERROR);
	CU_ASSERT_STRING_EQUAL(filled, "[a]");
}

RV_TEST(an_item_that_no_command_can_take_is_an_error)
{
	size_t len = MAP_ITEM_MAX + 2;
	char *line = malloc(len);
	struct map_options o = { 0 };

	memset(line, 'x', len);
	CU_ASSERT_EQUAL(read_all(&o, line, MAP_ITEM_MAX), MAP_GOT_END);
	line[MAP_ITEM_MAX] = '\n';
	CU_ASSERT_EQUAL(read_all(&o, line, MAP_ITEM_MAX + 1), MAP_GOT_END);
	line[MAP_ITEM_MAX] = 'x';
	CU_ASSERT_EQUAL(read_all(&o, line, MAP_ITEM_MAX + 1), MAP_GOT_ERROR);
	CU_ASSERT_EQUAL(read_all(&o, line, len), MAP_GOT_ERROR);
	free(line);
}

RV_TEST(input_that_comes_late_is_waited_for_elsewhere)
{
	struct map_options o = { 0 };
	struct map_input input;
	const char *item;
	char path[64];
	size_t n;
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	map_list_add(&o.arg_files, path);
	CU_ASSERT_EQUAL_FATAL(map_input_open(&input, &o), 0);
	CU_ASSERT_EQUAL(map_input_next(&input, &item, &n), MAP_GOT_NOT_YET);
	CU_ASSERT_EQUAL(write(fds[1], "a\nb", 3), 3);
	CU_ASSERT_EQUAL(map_input_next(&input, &item, &n), MAP_GOT);
	CU_ASSERT_EQUAL(map_input_next(&input, &item, &n), MAP_GOT_NOT_YET);
	CU_ASSERT_EQUAL(write(fds[1], "c\n", 2), 2);
	CU_ASSERT_EQUAL(map_input_next(&input, &item, &n), MAP_GOT);
	CU_ASSERT(n == 2 && memcmp(item, "bc", 2) == 0);
	close(fds[1]);
	CU_ASSERT_EQUAL(map_input_next(&input, &item, &n), MAP_GOT_END);
	close(fds[0]);
	map_input_close(&input);
	free(o.arg_files.v);
}

RV_TEST(json_and_shell_words_are_safe)
{
	struct map_buf buf = { 0 };

	map_add_json(&buf, "a\"\\\n\x01\xff\xc3\xa9\xed\xa0\x80", 11);
	CU_ASSERT_STRING_EQUAL(map_str(&buf),
	    "\"a\\\"\\\\\\n\\u0001\\ufffd\xc3\xa9\\ufffd\\ufffd\\ufffd\"");
	buf.len = 0;
	map_add_quoted(&buf, "a.b/c", 5);
	map_add_quoted(&buf, "", 0);
	map_add_quoted(&buf, "a'b", 3);
	CU_ASSERT_STRING_EQUAL(map_str(&buf), "a.b/c'''a'\\''b'");
	map_buf_free(&buf);
}

RV_SUITE(map, RV_CASE(rules_to_halt_are_read), RV_CASE(rules_to_halt_apply),
    RV_CASE(what_is_next), RV_CASE(backoff_doubles_with_each_try),
    RV_CASE(stopping_only_gets_more_urgent),
    RV_CASE(a_rule_stops_once_it_is_due),
    RV_CASE(a_lack_is_made_up_for_one_by_one),
    RV_CASE(every_item_gets_one_verdict), RV_CASE(things_leave_in_order),
    RV_CASE(places_are_filled),
    RV_CASE(several_items_of_a_command_are_words_of_their_own),
    RV_CASE(another_word_may_stand_for_the_item),
    RV_CASE(items_are_quoted_for_the_shell),
    RV_CASE(progress_is_put_into_words), RV_CASE(the_bar_fits_its_columns),
    RV_CASE(options_end_with_the_command),
    RV_CASE(what_options_cannot_be_is_refused),
    RV_CASE(times_and_sizes_are_read), RV_CASE(lines_are_items),
    RV_CASE(an_item_that_no_command_can_take_is_an_error),
    RV_CASE(input_that_comes_late_is_waited_for_elsewhere),
    RV_CASE(json_and_shell_words_are_safe))
