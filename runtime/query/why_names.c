/* SPDX-License-Identifier: MIT */
/*
 * Which units a name means, and which it could have meant. Paths are found by
 * leaps over an index, so that their number counts and not that of events.
 */
#include "config.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "query/why.h"

#define SHOWN 12 /* names in an error's text */

static const char meant[] =
    "CREATE TEMP TABLE meant(path TEXT PRIMARY KEY) WITHOUT ROWID";

#define LEAPS(from)                                                     \
	"SELECT path FROM (WITH RECURSIVE p(path) AS (SELECT MIN(path)" \
	" FROM " from " UNION ALL SELECT (SELECT MIN(path) FROM " from  \
	" e WHERE e.path > p.path) FROM p WHERE p.path IS NOT NULL)"    \
	" SELECT path FROM p WHERE path IS NOT NULL)"

#define PATHS LEAPS("main.events") " UNION SELECT path FROM temp.ring"

/* Is the last word of the path this name? The commonest abbreviation. */
static bool
ends_with(const char *path, const char *name)
{
	const char *leaf = strrchr(path, '/');
	size_t len = strlen(name);

	leaf = leaf != NULL ? leaf + 1 : path;
	return strncmp(leaf, name, len) == 0 &&
	       (leaf[len] == '\0' || leaf[len] == '.');
}

/* The runtime's own processes are no units; what befell them is in its log. */
static void
add_helper(struct rv_buf *text, const char *name)
{
	if (strcmp(name, "launcher") == 0 || strcmp(name, "clerk") == 0) {
		rv_buf_addf(text,
		    ": it is the runtime's own; see reeve events --kind "
		    "'%s.*'",
		    name);
	}
}

static void
add_nearest(struct rv_buf *text, const char *nearest)
{
	if (nearest[0] != '\0') {
		rv_buf_addf(text, "; did you mean %s?", nearest);
	}
}

/* "there is no unit wbe in the log; did you mean web? There are: ..." */
static enum reeve_status
unknown(struct rv_why *why)
{
	char nearest[256] = "";
	struct rv_buf text, list;
	/* The shorter the word, the less of it may be wrong. */
	unsigned best = 2 + (unsigned)RV_MIN(strlen(why->name) / 4, 2), n = 0;
	struct rv_ask ask;
	enum reeve_status status;

	rv_buf_init(&text, 500);
	rv_buf_init(&list, 300);
	rv_ask(&ask, why, PATHS " ORDER BY 1");
	while (rv_ask_row(&ask, -1)) {
		const char *path = rv_query_text(ask.stmt, 0);
		unsigned d = ends_with(path, why->name)
				 ? 0
				 : rv_distance(why->name, path);

		if (d < best) {
			best = d;
			rv_copy(nearest, sizeof(nearest), path);
		}
		if (n++ < SHOWN && strcmp(path, "/") != 0) {
			rv_buf_addf(
			    &list, "%s%s", list.len > 0 ? ", " : "", path);
		}
	}
	status = rv_ask_end(&ask);
	if (status == REEVE_OK) {
		rv_buf_addf(
		    &text, "there is no unit %.64s in the log", why->name);
		add_helper(&text, why->name);
		add_nearest(&text, nearest);
		if (list.len > 0) {
			rv_buf_addf(&text, "%s there are: %s%s",
			    nearest[0] != '\0' ? "" : ";", rv_buf_str(&list),
			    n > SHOWN ? ", ..." : "");
		}
		status =
		    rv_error(why->err, REEVE_ENOENT, "%s", rv_buf_str(&text));
	}
	rv_buf_finish(&list);
	rv_buf_finish(&text);
	return status;
}

enum reeve_status
rv_why_names(struct rv_why *why)
{
	enum reeve_status status = rv_query_run(why->log, meant, why->err);
	struct rv_ask ask;

	if (status != REEVE_OK) {
		return status;
	}
	rv_ask(&ask, why,
	    "INSERT INTO temp.meant SELECT path FROM (" PATHS
	    ") WHERE unit_means(?1, path)");
	rv_query_bind_text(ask.stmt, 1, why->name);
	while (rv_ask_row(&ask, -1)) {
	}
	status = rv_ask_end(&ask);
	if (status == REEVE_OK && sqlite3_changes(why->log->db) == 0) {
		status = unknown(why);
	}
	return status;
}
