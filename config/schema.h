/* SPDX-License-Identifier: MIT */
/* The table of keys, and what others make of it. Constant data. */
#ifndef RV_CONFIG_SCHEMA_H
#define RV_CONFIG_SCHEMA_H

#include "base/base.h"
#include "base/buf.h"

enum rv_ckey {
#define X(                                                                  \
    id, name, where, type, def, min, max, choices, when, built, since, doc) \
	RV_CKEY_##id,
#include "config/schema.def"
#undef X
	RV_CKEYS
};

enum rv_ctype {
	RV_CT_ANY,
	RV_CT_NAME,
	RV_CT_PATH,
	RV_CT_BOOL,
	RV_CT_INT,
	RV_CT_RATIO,
	RV_CT_DURATION,
	RV_CT_NEVER, /* a duration that may be "never" */
	RV_CT_SIZE,
	RV_CT_ENUM,
	RV_CT_OBJECT,
	RV_CT_CHILDREN,
	RV_CT_DEFAULTS,
	RV_CT_INTENSITY,
	RV_CT_NAMES,
	RV_CT_RESTART,
	RV_CT_COMMAND,
	RV_CT_USER,
	RV_CT_GROUP,
	RV_CT_UMASK,
	RV_CT_ENVIRONMENT,
	RV_CT_LIMITS,
	RV_CT_READY,
	RV_CT_EXITCODES,
	RV_CT_STOPSIGNAL,
	RV_CT_LOGFILE,
	RV_CT_FUNCTION,
	RV_CT_BASE64,
	RV_CT_PRELOAD,
	RV_CT_SIGNALS,
	RV_CT_LISTENERS,
	RV_CT_ADDRESS,
	RV_CT_LISTEN,
	RV_CTYPES
};

enum rv_cwhen { RV_CWHEN_LIVE, RV_CWHEN_UNIT, RV_CWHEN_REEVE };

/* Places where a key may stand; a number >= RV_CIN is RV_CIN + another key. */
enum {
	RV_CROOT = 1,
	RV_CSUPER = 2,
	RV_CWORKER = 4,
	RV_CCHILD = 8,
	RV_CIN = 16,
};

struct rv_schema_row {
	enum rv_ckey key;
	const char *name;
	unsigned where;
	enum rv_ctype type;
	const char *otherwise; /* default, as JSON */
	int64_t min, max;
	const char *choices;
	enum rv_cwhen when;
	bool built;
	const char *since;
	const char *doc;
};

extern const struct rv_schema_row rv_schema[RV_CKEYS];

/* The row of a name at one of these places, or NULL. */
const struct rv_schema_row *rv_schema_find(unsigned where, const char *name);
/* The closest name there, or NULL when none is close. */
const char *rv_schema_nearest(unsigned where, const char *name);
/* Places where keys of this row's object stand. */
bool rv_schema_is_at(const struct rv_schema_row *, unsigned where);

/* The section KEYS of reeve.conf(5), as mdoc. */
void rv_schema_manual(struct rv_buf *);

#endif
