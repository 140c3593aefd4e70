/* SPDX-License-Identifier: MIT */
/*
 * Scripts for the rig: a scenario is a few lines of text, commands and what is
 * expected of them (rig.h tells the words). Each word is one line of a table.
 */
#include "config.h"

#include "lib/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef bool word_fn(struct rig *, const char *name, const char *rest);

static rv_time
ms(const char *text)
{
	return (rv_time)(strtod(text, NULL) * (double)RV_MS);
}

static bool
play_boot(struct rig *rig, const char *name, const char *rest)
{
	(void)name;
	(void)rest;
	rig_boot(rig);
	return true;
}

static bool
play_up(struct rig *rig, const char *name, const char *rest)
{
	(void)rest;
	rig_up(rig, name);
	return true;
}

static bool
play_exit(struct rig *rig, const char *name, const char *rest)
{
	rig_exit(rig, name, (int)strtol(rest, NULL, 10));
	return true;
}

static bool
play_sig(struct rig *rig, const char *name, const char *rest)
{
	rig_signaled(rig, name, (int)strtol(rest, NULL, 10));
	return true;
}

static bool
play_fails(struct rig *rig, const char *name, const char *rest)
{
	rig_fails(rig, name, (int)strtol(rest, NULL, 10));
	return true;
}

static bool
play_unknown(struct rig *rig, const char *name, const char *rest)
{
	(void)rest;
	rig_post(rig, name,
	    (struct rv_event){
		.type = RV_EV_DIED,
		.end = { .unknown = true },
	    });
	return true;
}

static bool
play_raised(struct rig *rig, const char *name, const char *rest)
{
	rig_post(rig, name,
	    (struct rv_event){
		.type = RV_EV_DIED,
		.end = { .number = (int)strtol(rest, NULL, 10) },
		.raised = true,
	    });
	return true;
}

static bool
play_verdict(struct rig *rig, const char *name, const char *rest)
{
	static const char *const verdicts[] = { "none", "restart", "rest",
		"escalate" };

	(void)rest;
	for (size_t i = 0; i < RV_ARRAY_LEN(verdicts); i++) {
		if (strcmp(name, verdicts[i]) == 0) {
			rig->verdict = (enum rv_verdict)i;
			return true;
		}
	}
	return false;
}

static bool
play_swap(struct rig *rig, const char *name, const char *rest)
{
	return rig_swap(rig, rig_unit(rig, name), rig_unit(rig, rest));
}

static bool
play_noswap(struct rig *rig, const char *name, const char *rest)
{
	return !play_swap(rig, name, rest);
}

static bool
play_extend(struct rig *rig, const char *name, const char *rest)
{
	rig_post(rig, name,
	    (struct rv_event){ .type = RV_EV_EXTEND, .span = ms(rest) });
	return true;
}

static bool
play_interval(struct rig *rig, const char *name, const char *rest)
{
	rig_post(rig, name,
	    (struct rv_event){
		.type = RV_EV_BEAT_INTERVAL,
		.span = ms(rest),
	    });
	return true;
}

/* A timer that nobody armed, or that comes too early. */
static bool
play_timer(struct rig *rig, const char *name, const char *rest)
{
	rig_post(rig, name,
	    (struct rv_event){
		.type = RV_EV_TIMER,
		.timer =
		    strcmp(rest, "beat") == 0 ? RV_TIMER_BEAT : RV_TIMER_STATE,
	    });
	return true;
}

static bool
play_add(struct rig *rig, const char *name, const char *rest)
{
	char parent[24], after[24];

	if (sscanf(rest, "%23s %23s", parent, after) != 2) {
		return false;
	}
	rig_add(rig, name, parent, after[0] == '-' ? NULL : after);
	return true;
}

static bool
play_replace(struct rig *rig, const char *name, const char *rest)
{
	rig_replace(rig, name, rest, false);
	return true;
}

static bool
play_change(struct rig *rig, const char *name, const char *rest)
{
	rig_replace(rig, name, rest, true);
	return true;
}

static bool
play_pass(struct rig *rig, const char *name, const char *rest)
{
	(void)rest;
	rig_pass(rig, ms(name));
	return true;
}

static bool
play_late(struct rig *rig, const char *name, const char *rest)
{
	(void)rest;
	rig->late = ms(name);
	return true;
}

static bool
play_jitter(struct rig *rig, const char *name, const char *rest)
{
	(void)rest;
	rig->jitter = (uint32_t)(int)strtol(name, NULL, 10);
	return true;
}

static bool
play_settle(struct rig *rig, const char *name, const char *rest)
{
	(void)name;
	(void)rest;
	rig_settle_up(rig);
	return true;
}

static bool
play_down(struct rig *rig, const char *name, const char *rest)
{
	(void)name;
	(void)rest;
	rig_settle_down(rig);
	return true;
}

static bool
play_forget(struct rig *rig, const char *name, const char *rest)
{
	(void)name;
	(void)rest;
	rig_forget(rig);
	return true;
}

static const char *
joined(const char *name, const char *rest)
{
	static char text[512];

	snprintf(text, sizeof(text), "%s %s", name, rest);
	return text;
}

static bool
play_is(struct rig *rig, const char *name, const char *rest)
{
	return rig_is(rig, joined(name, rest));
}

static bool
play_said(struct rig *rig, const char *name, const char *rest)
{
	return rig_said(rig, joined(name, rest));
}

static bool
play_silent(struct rig *rig, const char *name, const char *rest)
{
	const char *words = rest[0] != '\0' ? joined(name, rest) : name;

	if (strstr(rig->said, words) != NULL) {
		fprintf(stderr, "# said: %s\n", rig->said);
		return false;
	}
	return true;
}

static bool
play_showed(struct rig *rig, const char *name, const char *rest)
{
	return rig_showed(rig, joined(name, rest));
}

static bool
play_armed(struct rig *rig, const char *name, const char *rest)
{
	return rig_armed(rig, joined(name, rest));
}

static bool
play_once(struct rig *rig, const char *name, const char *rest)
{
	unsigned n = rig_count(rig, joined(name, rest));

	if (n != 1) {
		fprintf(stderr, "# said %u times: %s %s\n", n, name, rest);
	}
	return n == 1;
}

static bool
play_calm(struct rig *rig, const char *name, const char *rest)
{
	(void)name;
	(void)rest;
	if (rig->said[0] == '\0' && rig->timers[0] == '\0' &&
	    rig->deeds[0] == '\0') {
		return true;
	}
	fprintf(stderr, "# not calm: %s\n%s\n%s\n", rig->deeds, rig->said,
	    rig->timers);
	return false;
}

static bool
play_path(struct rig *rig, const char *name, const char *rest)
{
	char is[512] = "";
	size_t len = strlen(name);

	for (const char *at = rig->path; *at != '\0';) {
		size_t line = strcspn(at, "\n"), used = strlen(is);

		if (strncmp(at, name, len) == 0 && at[len] == ' ') {
			snprintf(is + used, sizeof(is) - used, "%s%.*s",
			    used > 0 ? " " : "", (int)(line - len - 1),
			    at + len + 1);
		}
		at += line + 1;
	}
	if (strcmp(is, rest) != 0) {
		fprintf(stderr, "# path of %s: %s\n", name, is);
		return false;
	}
	return true;
}

static bool
equal(const char *what, unsigned long is, unsigned long shall)
{
	if (is != shall) {
		fprintf(stderr, "# %s: %lu, not %lu\n", what, is, shall);
	}
	return is == shall;
}

static bool
play_unsettled(struct rig *rig, const char *name, const char *rest)
{
	(void)rest;
	return equal(
	    "unsettled", rv_core_unsettled(rig->core), strtoul(name, NULL, 10));
}

static bool
play_restarts(struct rig *rig, const char *name, const char *rest)
{
	return equal(
	    "restarts", rig_unit(rig, name)->restarts, strtoul(rest, NULL, 10));
}

static bool
play_failures(struct rig *rig, const char *name, const char *rest)
{
	return equal("failures", rig_unit(rig, name)->start_failures,
	    strtoul(rest, NULL, 10));
}

static bool
play_reason(struct rig *rig, const char *name, const char *rest)
{
	const char *is = rv_reason_text(rig_unit(rig, name)->last_reason);

	if (strcmp(is, rest) != 0) {
		fprintf(stderr, "# reason: %s, not %s\n", is, rest);
		return false;
	}
	return true;
}

/* Either a function, or the event that the word posts. */
static const struct {
	const char *word;
	word_fn *play;
	enum rv_event_type type;
	bool root;
} words[] = {
	{ "boot", play_boot, 0, false },
	{ "up", play_up, 0, false },
	{ "exists", NULL, RV_EV_LAUNCHED, false },
	{ "ready", NULL, RV_EV_READY, false },
	{ "exit", play_exit, 0, false },
	{ "sig", play_sig, 0, false },
	{ "fails", play_fails, 0, false },
	{ "lost", NULL, RV_EV_LAUNCH_LOST, false },
	{ "unknown", play_unknown, 0, false },
	{ "raised", play_raised, 0, false },
	{ "verdict", play_verdict, 0, false },
	{ "swap", play_swap, 0, false },
	{ "noswap", play_noswap, 0, false },
	{ "beat", NULL, RV_EV_BEAT, false },
	{ "extend", play_extend, 0, false },
	{ "trigger", NULL, RV_EV_TRIGGER, false },
	{ "interval", play_interval, 0, false },
	{ "probed", NULL, RV_EV_PROBED, false },
	{ "start", NULL, RV_EV_START, false },
	{ "stop", NULL, RV_EV_STOP, false },
	{ "restart", NULL, RV_EV_RESTART, false },
	{ "retire", NULL, RV_EV_RETIRE, false },
	{ "shutdown", NULL, RV_EV_SHUTDOWN, true },
	{ "hasten", NULL, RV_EV_HASTEN, true },
	{ "killall", NULL, RV_EV_KILL_ALL, true },
	{ "kill", NULL, RV_EV_KILL, false },
	{ "timer", play_timer, 0, false },
	{ "add", play_add, 0, false },
	{ "replace", play_replace, 0, false },
	{ "change", play_change, 0, false },
	{ "pass", play_pass, 0, false },
	{ "late", play_late, 0, false },
	{ "jitter", play_jitter, 0, false },
	{ "settle", play_settle, 0, false },
	{ "down", play_down, 0, false },
	{ "forget", play_forget, 0, false },
	{ "is", play_is, 0, false },
	{ "said", play_said, 0, false },
	{ "silent", play_silent, 0, false },
	{ "showed", play_showed, 0, false },
	{ "armed", play_armed, 0, false },
	{ "once", play_once, 0, false },
	{ "calm", play_calm, 0, false },
	{ "path", play_path, 0, false },
	{ "unsettled", play_unsettled, 0, false },
	{ "restarts", play_restarts, 0, false },
	{ "failures", play_failures, 0, false },
	{ "reason", play_reason, 0, false },
};

static bool
play_one(struct rig *rig, const char *text)
{
	char word[16] = "", name[64] = "";
	int used = 0;

	if (sscanf(text, " %15s %63s %n", word, name, &used) < 1) {
		return true;
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(words); i++) {
		if (strcmp(words[i].word, word) != 0) {
			continue;
		}
		if (words[i].play != NULL) {
			return words[i].play(
			    rig, name, used > 0 ? text + used : "");
		}
		rig_do(rig,
		    words[i].root ? rig_node_of(rig->core->root)->name : name,
		    words[i].type);
		return true;
	}
	fprintf(stderr, "# what is %s?\n", word);
	return false;
}

static void
trim(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && text[len - 1] == ' ') {
		text[--len] = '\0';
	}
}

static bool
play_line(struct rig *rig, char *line)
{
	char *arrow = strstr(line, "=>"), *save = NULL;

	if (arrow != NULL) {
		*arrow = '\0';
		arrow += 2 + strspn(arrow + 2, " ");
		trim(arrow);
	}
	for (char *one = strtok_r(line, ";", &save); one != NULL;
	     one = strtok_r(NULL, ";", &save)) {
		trim(one);
		if (!play_one(rig, one)) {
			return false;
		}
	}
	return arrow == NULL ||
	       rig_did(rig, strcmp(arrow, "-") == 0 ? "" : arrow);
}

bool
rig_play(const char *tree, const char *script)
{
	struct rig *rig = rig_open(tree);
	bool good = rig != NULL;
	int number = 0;

	while (good && *script != '\0') {
		char line[512];
		size_t len = strcspn(script, "\n");

		number++;
		RV_ASSERT(len < sizeof(line));
		memcpy(line, script, len);
		line[len] = '\0';
		good = play_line(rig, line);
		if (!good) {
			fprintf(stderr, "# in %s, line %d: %.*s\n", tree,
			    number, (int)len, script);
		}
		script += len + (script[len] == '\n');
	}
	rig_close(rig);
	return good;
}
