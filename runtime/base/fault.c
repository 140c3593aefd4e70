/* SPDX-License-Identifier: MIT */
/*
 * The plan of injected faults: per point, from which call on, up to which, and
 * with what errno. The one mutable global of the library; nobody writes it but
 * tests, and executables of ours whose environment has a plan.
 */
#include "config.h"

#include "base/fault.h"

#ifdef RV_FAULTS

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define KILLED (-1)

struct rule {
	_Atomic uint64_t calls;
	uint64_t first, last; /* 1-based, inclusive; 0 = none */
	int sys_errno;        /* or KILLED */
};

static struct rule rules[RV_FAULT_COUNT];
_Atomic bool rv_fault_armed;

static const char *const names[RV_FAULT_COUNT] = {
#define X(name, doc) #name,
#include "base/fault.def"
#undef X
};

static const struct {
	const char *name;
	int number;
} errnos[] = {
#define X(name) { #name, name },
#include "base/errno.def"
#undef X
};

int
rv_fault_hit(enum rv_fault_point point)
{
	struct rule *rule = &rules[point];
	uint64_t call = atomic_fetch_add(&rule->calls, 1) + 1;

	if (rule->first == 0 || call < rule->first || call > rule->last) {
		return 0;
	}
	if (rule->sys_errno == KILLED) {
		raise(SIGKILL);
	}
	return rule->sys_errno;
}

uint64_t
rv_fault_calls(enum rv_fault_point point)
{
	return atomic_load(&rules[point].calls);
}

static int
find_errno(const char *name, size_t len)
{
	if (len == strlen("KILL") && strncmp(name, "KILL", len) == 0) {
		return KILLED;
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(errnos); i++) {
		if (strlen(errnos[i].name) == len &&
		    strncmp(errnos[i].name, name, len) == 0) {
			return errnos[i].number;
		}
	}
	return 0;
}

/* One "name[@n[+]]=ERRNO" of len bytes. */
static bool
set_rule(const char *text, size_t len)
{
	const char *equal = memchr(text, '=', len);
	const char *at = memchr(text, '@', len);
	struct rule rule = { .first = 1, .last = UINT64_MAX };
	size_t name_len;
	char *end;

	if (equal == NULL) {
		return false;
	}
	name_len = (size_t)((at != NULL ? at : equal) - text);
	if (at != NULL) {
		rule.first = rule.last = strtoull(at + 1, &end, 10);
		if (*end == '+') {
			rule.last = UINT64_MAX;
			end++;
		}
		if (end != equal || rule.first == 0) {
			return false;
		}
	}
	rule.sys_errno =
	    find_errno(equal + 1, len - (size_t)(equal + 1 - text));
	for (size_t i = 0; i < RV_FAULT_COUNT; i++) {
		if (strlen(names[i]) == name_len &&
		    strncmp(names[i], text, name_len) == 0) {
			rules[i].first = rule.first;
			rules[i].last = rule.last;
			rules[i].sys_errno = rule.sys_errno;
			return rule.sys_errno != 0;
		}
	}
	return false;
}

static bool
add_rules(const char *plan)
{
	while (plan != NULL && *plan != '\0') {
		size_t len = strcspn(plan, ",");

		if (!set_rule(plan, len)) {
			return false;
		}
		plan += len + (plan[len] == ',');
	}
	return true;
}

bool
rv_fault_set(const char *plan)
{
	rv_fault_armed = true;
	memset(rules, 0, sizeof(rules));
	return add_rules(secure_getenv("REEVE_FAULTS_ALWAYS")) &&
	       add_rules(plan);
}

/* A plan in the environment that makes no sense must not look followed. */
static void
set_or_abort(const char *plan)
{
	if (!rv_fault_set(plan)) {
		abort();
	}
}

/* So that what always fails does so in programs that never set a plan. */
__attribute__((constructor)) static void
begin(void)
{
	if (secure_getenv("REEVE_FAULTS_ALWAYS") != NULL) {
		set_or_abort(NULL);
	}
}

void
rv_fault_load(void)
{
	const char *plan = secure_getenv("REEVE_FAULTS");

	if (plan != NULL) {
		set_or_abort(plan);
	}
}

#else

/* ISO C forbids an empty translation unit. */
typedef int rv_fault_none;

#endif
