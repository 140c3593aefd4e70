/* SPDX-License-Identifier: MIT */
/*
 * What files and the environment say about processors: see cpus.h. None of
 * that is ours, so nothing of it is asserted; what cannot be understood limits
 * nothing, but for the depth of pools, where that would be a fork bomb.
 */
#include "config.h"

#include "pool/cpus.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"

uint32_t
rv_cpus_of_quota(int64_t quota, int64_t period)
{
	int64_t cpus;

	if (quota <= 0 || period <= 0) {
		return 0;
	}
	cpus = quota / period + (quota % period != 0 ? 1 : 0);
	return (uint32_t)RV_MIN(cpus, RV_CPUS_MAX);
}

/* The next word of a text, cut at size - 1; false: there is none. */
static bool
next_word(const char **text, char *word, size_t size)
{
	size_t skip = strspn(*text, " \t\n");
	size_t n = strcspn(*text + skip, " \t\n");

	rv_format(word, size, "%.*s", (int)RV_MIN(n, size - 1), *text + skip);
	*text += skip + n;
	return n > 0;
}

uint32_t
rv_cpus_of_max(const char *text)
{
	char quota[32], period[32];
	int64_t q, p;

	if (!next_word(&text, quota, sizeof(quota)) ||
	    !next_word(&text, period, sizeof(period)) ||
	    !rv_parse_int(quota, 1, INT64_MAX, &q) ||
	    !rv_parse_int(period, 1, INT64_MAX, &p)) {
		return 0;
	}
	return rv_cpus_of_quota(q, p);
}

uint32_t
rv_cpus_least(uint32_t a, uint32_t b)
{
	if (a == 0 || b == 0) {
		return RV_MAX(a, b);
	}
	return RV_MIN(a, b);
}

uint32_t
rv_cpus_of_budget(const char *text)
{
	int64_t n;

	if (text == NULL || !rv_parse_int(text, 1, RV_CPUS_MAX, &n)) {
		return 0;
	}
	return (uint32_t)n;
}

uint32_t
rv_cpus_share(uint32_t cpus, uint32_t workers)
{
	return RV_MAX(cpus / RV_MAX(workers, 1), 1);
}

/* -------- where groups are -------- */

/* One line, cut at size - 1, without its end; false behind the last. */
static bool
next_line(const char **text, char *line, size_t size)
{
	size_t n = strcspn(*text, "\n");

	if (**text == '\0') {
		return false;
	}
	rv_format(line, size, "%.*s", (int)RV_MIN(n, size - 1), *text);
	*text += n + ((*text)[n] == '\n' ? 1 : 0);
	return true;
}

/* Whether "a,b,c" has this one. */
static bool
has(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (; list != NULL; list = strchr(list, ',')) {
		list += *list == ',' ? 1 : 0;
		if (strncmp(list, name, n) == 0 &&
		    (list[n] == ',' || list[n] == '\0')) {
			return true;
		}
	}
	return false;
}

/* "\040" is a space: four characters become one. */
static void
unescape(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' &&
		    text[2] >= '0' && text[2] <= '7' && text[3] >= '0' &&
		    text[3] <= '7') {
			*to++ = (char)((text[1] - '0') * 64 +
				       (text[2] - '0') * 8 + text[3] - '0');
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

/* id parent dev ROOT MOUNT options ... - TYPE source OPTIONS */
static bool
read_mount(const char *line, bool unified, char *root, char *mount)
{
	char word[RV_CPUS_PATH];
	bool ok = true;

	for (unsigned i = 0; i < 3; i++) {
		ok = ok && next_word(&line, word, sizeof(word));
	}
	ok = ok && next_word(&line, root, RV_CPUS_PATH) &&
	     next_word(&line, mount, RV_CPUS_PATH);
	do {
		ok = ok && next_word(&line, word, sizeof(word));
	} while (ok && strcmp(word, "-") != 0);
	ok = ok && next_word(&line, word, sizeof(word)) &&
	     strcmp(word, unified ? "cgroup2" : "cgroup") == 0;
	if (ok && !unified) {
		ok = next_word(&line, word, sizeof(word)) &&
		     next_word(&line, word, sizeof(word)) && has(word, "cpu");
	}
	unescape(root);
	unescape(mount);
	return ok;
}

/* ID:CONTROLLERS:PATH */
static bool
read_group(char *line, bool unified, char *path)
{
	char *controllers = strchr(line, ':');
	char *at = controllers != NULL ? strchr(controllers + 1, ':') : NULL;

	if (at == NULL) {
		return false;
	}
	*at = '\0';
	rv_copy(path, RV_CPUS_PATH, at + 1);
	return unified ? strcmp(line, "0:") == 0 && controllers[1] == '\0'
		       : has(controllers + 1, "cpu");
}

/* Below its root, the rest of the path is below the mount. */
static void
join(struct rv_cpus_place *place, const char *root, const char *group)
{
	size_t n = strcmp(root, "/") == 0 ? 0 : strlen(root);
	const char *below = group;

	if (strncmp(group, root, n) == 0 &&
	    (group[n] == '/' || group[n] == '\0')) {
		below = group + n;
	}
	rv_format(place->path, sizeof(place->path), "%s%s", place->mount,
	    strcmp(below, "/") == 0 ? "" : below);
}

bool
rv_cpus_place(const char *mountinfo, const char *cgroup, bool unified,
    struct rv_cpus_place *place)
{
	char line[3 * RV_CPUS_PATH], root[RV_CPUS_PATH], group[RV_CPUS_PATH];
	bool found = false;

	while (!found && next_line(&mountinfo, line, sizeof(line))) {
		found = read_mount(line, unified, root, place->mount);
	}
	if (!found) {
		return false;
	}
	found = false;
	while (!found && next_line(&cgroup, line, sizeof(line))) {
		found = read_group(line, unified, group);
	}
	if (found) {
		join(place, root, group);
	}
	return found;
}

bool
rv_cpus_above(struct rv_cpus_place *place)
{
	size_t n = strlen(place->mount);
	char *last;

	if (strlen(place->path) <= n) {
		return false;
	}
	last = strrchr(place->path + n, '/');
	if (last == NULL) {
		return false;
	}
	*last = '\0';
	return true;
}

/* -------- pools in pools -------- */

enum reeve_status
rv_pool_depth(const char *text, uint32_t *depth, struct reeve_error *err)
{
	int64_t n = 0;

	if (text != NULL && !rv_parse_int(text, 0, INT32_MAX, &n)) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot make a pool: REEVE_POOL_DEPTH is \"%s\", which is "
		    "no number of pools",
		    text);
	}
	if (n >= RV_POOL_DEPTH) {
		return rv_error(err, REEVE_EFULL,
		    "cannot make a pool inside of %lld others: at most %d can "
		    "be in one another",
		    (long long)n, RV_POOL_DEPTH);
	}
	*depth = (uint32_t)n;
	return REEVE_OK;
}
