/* SPDX-License-Identifier: MIT */
/*
 * Judges every key where it stands, once, whether or not a worker will use it:
 * known here, built, of the right type and in range. What depends on other
 * keys or on the machine (users, files, dependencies) is judged when specs are
 * made.
 */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "config/conf_priv.h"

#define NAME_LEN_MAX 128

bool
rv_conf_is_name(const char *name)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_.@+-";
	size_t len = strlen(name);

	return len > 0 && len <= NAME_LEN_MAX && strspn(name, good) == len &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static bool
expect(struct rv_loader *l, const struct rv_cnode *node, json_type type,
    const char *what)
{
	if (json_typeof(node->value) == type) {
		return true;
	}
	rv_conf_error(l, node, "must be %s", what);
	return false;
}

static void check_children(struct rv_loader *, const struct rv_cnode *);

bool
rv_conf_check_name(
    struct rv_loader *l, const struct rv_cnode *node, const char *name)
{
	if (rv_conf_is_name(name)) {
		return true;
	}
	rv_conf_error(l, node,
	    "\"%.60s\" is no name: use letters, digits and _.@+-", name);
	return false;
}

static void
check_name(struct rv_loader *l, const struct rv_cnode *node)
{
	const char *text;

	if (rv_cval_string(l, node, &text)) {
		rv_conf_check_name(l, node, text);
	}
}

static void
check_path(struct rv_loader *l, const struct rv_cnode *node)
{
	const char *text;

	if (rv_cval_string(l, node, &text) && text[0] == '\0') {
		rv_conf_error(l, node, "must not be empty");
	}
}

static void
check_strings(struct rv_loader *l, const struct rv_cnode *node)
{
	const char *text;

	if (!expect(l, node, JSON_ARRAY, "an array of strings")) {
		return;
	}
	for (const struct rv_cnode *n = node->first; n != NULL; n = n->next) {
		rv_cval_string(l, n, &text);
	}
}

static void
check_command(struct rv_loader *l, const struct rv_cnode *node)
{
	const char *text;

	if (json_is_string(node->value)) {
		check_path(l, node);
		return;
	}
	if (!json_is_array(node->value) || node->first == NULL) {
		rv_conf_error(l, node,
		    "must be a string, or an array of words with at least "
		    "one");
		return;
	}
	check_strings(l, node);
	if (rv_cval_string(l, node->first, &text) && text[0] == '\0') {
		rv_conf_error(l, node->first, "must name a program");
	}
}

static void
check_id(struct rv_loader *l, const struct rv_cnode *node)
{
	if (json_is_integer(node->value)) {
		json_int_t id = json_integer_value(node->value);

		if (id < 0 || id >= UINT32_MAX) {
			rv_conf_error(l, node, "is out of range");
		}
		return;
	}
	check_path(l, node);
}

static void
check_environment(struct rv_loader *l, const struct rv_cnode *node)
{
	const char *text;

	if (!expect(l, node, JSON_OBJECT, "an object of strings")) {
		return;
	}
	for (const struct rv_cnode *n = node->first; n != NULL; n = n->next) {
		rv_cval_string(l, n, &text);
		if (n->key[0] == '\0' || strchr(n->key, '=') != NULL) {
			rv_conf_error(l, n,
			    "a variable's name has no = and is not empty");
		}
	}
}

static void
check_limits(struct rv_loader *l, const struct rv_cnode *node)
{
	struct rv_limit limit;

	if (!expect(l, node, JSON_OBJECT, "an object of limits")) {
		return;
	}
	for (const struct rv_cnode *n = node->first; n != NULL; n = n->next) {
		rv_cval_limit(l, n, &limit);
	}
}

static void
check_stop(struct rv_loader *l, const struct rv_cnode *node)
{
	struct rv_stop_step steps[RV_STOP_STEPS_MAX];
	unsigned n;

	rv_cval_stop(l, node, steps, &n, 0);
}

/* Those that need the row. */
static void
check_by_row(struct rv_loader *l, const struct rv_schema_row *row,
    const struct rv_cnode *node)
{
	union {
		bool b;
		int64_t i;
		uint32_t u32;
		unsigned u;
		uint64_t u64;
		rv_time t;
		enum rv_restart restart;
		int number;
		uint8_t set[32];
		struct rv_cready ready;
	} v;

	switch (row->type) {
	case RV_CT_BOOL:
		rv_cval_bool(l, node, &v.b);
		break;
	case RV_CT_INT:
		rv_cval_int(l, row, node, &v.i);
		break;
	case RV_CT_RATIO:
		rv_cval_ratio(l, row, node, &v.u32);
		break;
	case RV_CT_DURATION:
	case RV_CT_NEVER:
		rv_cval_duration(l, row, node, &v.t);
		break;
	case RV_CT_SIZE:
		rv_cval_size(l, row, node, &v.u64);
		break;
	case RV_CT_ENUM:
		rv_cval_enum(l, row, node, &v.u);
		break;
	case RV_CT_INTENSITY:
		rv_cval_intensity(l, node, &v.u32);
		break;
	case RV_CT_RESTART:
		rv_cval_restart(l, node, &v.restart);
		break;
	case RV_CT_UMASK:
		rv_cval_umask(l, node, &v.number);
		break;
	case RV_CT_READY:
		rv_cval_ready(l, node, &v.ready);
		break;
	case RV_CT_EXITCODES:
		rv_cval_exitcodes(l, node, v.set);
		break;
	default:
		RV_NEVER("a type of config value without a check");
	}
}

/* What makes a worker the one it is cannot be everybody's. */
static void
check_defaults(struct rv_loader *l, const struct rv_cnode *node)
{
	static const char *const own[] = { "args", "args_base64", "command",
		"depends_on", "function", "numprocs", "pool" };
	const struct rv_cnode *listen;

	if (!expect(l, node, JSON_OBJECT, "an object of worker keys")) {
		return;
	}
	rv_conf_check_object(l, node, RV_CWORKER | RV_CCHILD);
	listen = rv_cnode_get(node, "listen");
	if (rv_cnode_is(listen, JSON_OBJECT)) {
		rv_conf_error(l, listen,
		    "sockets of its own are for a worker: in defaults stand "
		    "names of those at the root");
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(own); i++) {
		const struct rv_cnode *n = rv_cnode_get(node, own[i]);

		if (n != NULL) {
			rv_conf_error(
			    l, n, "is each worker's own, not for defaults");
		}
	}
}

/* With its first member, as an example. */
static const char *
object_like(const struct rv_schema_row *row)
{
	static const struct {
		enum rv_ckey key;
		const char *what;
	} examples[] = {
		{ RV_CKEY_JOURNAL, "an object, such as {\"retain\": \"30d\"}" },
		{ RV_CKEY_BACKOFF, "an object, such as {\"min\": \"1s\"}" },
		{ RV_CKEY_HEARTBEAT,
		    "an object, such as {\"interval\": \"1s\"}" },
		{ RV_CKEY_OVERLAP,
		    "an object, such as {\"max\": 1, \"age\": \"1h\"}" },
		{ RV_CKEY_POOL,
		    "an object, such as {\"function\": \"thumbs.so:resize\"}" },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(examples); i++) {
		if (examples[i].key == row->key) {
			return examples[i].what;
		}
	}
	return "an object";
}

static void
check_value(struct rv_loader *l, const struct rv_schema_row *row,
    const struct rv_cnode *node)
{
	static void (*const checks[RV_CTYPES])(
	    struct rv_loader *, const struct rv_cnode *) = {
		[RV_CT_NAME] = check_name,
		[RV_CT_PATH] = check_path,
		[RV_CT_NAMES] = check_strings,
		[RV_CT_COMMAND] = check_command,
		[RV_CT_USER] = check_id,
		[RV_CT_GROUP] = check_id,
		[RV_CT_ENVIRONMENT] = check_environment,
		[RV_CT_LIMITS] = check_limits,
		[RV_CT_STOPSIGNAL] = check_stop,
		[RV_CT_LOGFILE] = check_path,
		[RV_CT_CHILDREN] = check_children,
		[RV_CT_FUNCTION] = rv_conf_check_function,
		[RV_CT_BASE64] = rv_conf_check_base64,
		[RV_CT_PRELOAD] = rv_conf_check_preload,
		[RV_CT_SIGNALS] = rv_conf_check_signals,
		[RV_CT_LISTENERS] = rv_conf_check_listeners,
		[RV_CT_ADDRESS] = rv_conf_check_address,
		[RV_CT_LISTEN] = rv_conf_check_listen,
	};

	if (row->type == RV_CT_ANY) {
		return;
	}
	if (row->type == RV_CT_OBJECT) {
		if (expect(l, node, JSON_OBJECT, object_like(row))) {
			rv_conf_check_object(
			    l, node, (unsigned)RV_CIN + row->key);
		}
	} else if (row->type == RV_CT_DEFAULTS) {
		check_defaults(l, node);
	} else if (checks[row->type] != NULL) {
		checks[row->type](l, node);
	} else {
		check_by_row(l, row, node);
	}
}

static const char *
elsewhere(const char *key)
{
	static const struct {
		unsigned where;
		const char *what;
	} places[] = {
		{ RV_CROOT, "the root of the file" },
		{ RV_CSUPER, "supervisors (units with children)" },
		{ RV_CWORKER, "workers (units with a command or function)" },
		{ RV_CCHILD, "children, not for the root" },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(places); i++) {
		if (rv_schema_find(places[i].where, key) != NULL) {
			return places[i].what;
		}
	}
	return NULL;
}

static const char *
habit(const char *key)
{
	static const struct {
		const char *theirs, *ours;
	} habits[] = {
#define X(theirs, ours) { theirs, ours },
#include "config/habit.def"
#undef X
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(habits); i++) {
		if (strcmp(habits[i].theirs, key) == 0) {
			return habits[i].ours;
		}
	}
	return NULL;
}

static void
check_unknown(struct rv_loader *l, const struct rv_cnode *node, unsigned where)
{
	const char *nearest =
	    rv_conf_is_full(l) ? NULL : rv_schema_nearest(where, node->key);
	const char *place = where < RV_CIN ? elsewhere(node->key) : NULL;
	const char *hint = where < RV_CIN ? habit(node->key) : NULL;

	if (place == NULL && hint != NULL) {
		rv_conf_error(l, node, "unknown key; here it is %s", hint);
	} else if (place != NULL) {
		rv_conf_error(l, node, "this key is for %s", place);
	} else if (nearest != NULL) {
		rv_conf_error(
		    l, node, "unknown key; did you mean \"%s\"?", nearest);
	} else {
		rv_conf_error(
		    l, node, "unknown key; reeve.conf(5) lists them all");
	}
}

void
rv_conf_check_object(
    struct rv_loader *l, const struct rv_cnode *object, unsigned where)
{
	for (const struct rv_cnode *n = object->first; n != NULL; n = n->next) {
		const struct rv_schema_row *row = rv_schema_find(where, n->key);

		if (row == NULL) {
			check_unknown(l, n, where);
		} else if (!row->built) {
			rv_conf_error(l, n, "not built yet");
		} else {
			check_value(l, row, n);
		}
	}
	if (where == RV_CIN + RV_CKEY_HEARTBEAT &&
	    rv_cnode_get(object, "interval") == NULL) {
		rv_conf_error(l, object, "needs an \"interval\"");
	}
}

/* Is this key there, if only by a slip or by another name? */
static bool
means(const struct rv_cnode *node, const char *key)
{
	const unsigned where = RV_CSUPER | RV_CWORKER | RV_CCHILD;

	for (const struct rv_cnode *n = node->first; n != NULL; n = n->next) {
		const char *meant = n->key;

		if (meant != NULL && rv_schema_find(where, meant) == NULL) {
			meant = habit(n->key);
			if (meant == NULL) {
				meant = rv_schema_nearest(where, n->key);
			}
		}
		if (meant != NULL && strcmp(meant, key) == 0) {
			return true;
		}
	}
	return false;
}

static void
check_unit(struct rv_loader *l, const struct rv_cnode *node)
{
	bool has_children = means(node, "children");
	bool has_pool = rv_cnode_get(node, "pool") != NULL;
	bool has_program =
	    !has_pool && (means(node, "command") || means(node, "function"));
	unsigned where = RV_CCHILD;

	rv_conf_check_name(l, node, node->key);
	if (!expect(
		l, node, JSON_OBJECT, "an object: a worker or a supervisor")) {
		return;
	}
	has_children = has_children && !has_pool;
	if (has_children && has_program) {
		rv_conf_error(l, node,
		    "has children and a command or function: it is a "
		    "supervisor or a worker, not both");
	} else if (!has_children && !has_program && !has_pool) {
		rv_conf_error(l, node,
		    "needs a \"command\" or \"function\" (a worker), or "
		    "\"children\" (a supervisor)");
	}
	where |= has_children ? RV_CSUPER : 0;
	where |= has_program || !has_children ? RV_CWORKER : 0;
	rv_conf_check_object(l, node, where);
	if (has_pool) {
		rv_conf_check_pool(l, node);
	} else {
		rv_conf_check_worker(l, node);
	}
	if (node->stand_in != NULL) {
		check_unit(l, node->stand_in);
	}
}

static void
check_children(struct rv_loader *l, const struct rv_cnode *node)
{
	if (!expect(l, node, JSON_OBJECT, "an object of units by name")) {
		return;
	}
	for (const struct rv_cnode *n = node->first; n != NULL; n = n->next) {
		check_unit(l, n);
	}
}

void
rv_conf_check_root(struct rv_loader *l, const struct rv_cnode *root)
{
	if (!expect(l, root, JSON_OBJECT, "an object")) {
		return;
	}
	if (!means(root, "children")) {
		rv_conf_error(l, root, "needs \"children\"");
	}
	rv_conf_check_object(l, root, RV_CROOT | RV_CSUPER);
}

void
rv_conf_check_declared(
    struct rv_loader *l, const struct rv_cnode *node, bool is_supervisor)
{
	const struct rv_cnode *children = rv_cnode_get(node, "children");
	bool is_root = node->unit != NULL && strcmp(node->unit, "/") == 0;

	if (!expect(l, node, JSON_OBJECT, "an object of its keys")) {
		return;
	}
	if (children != NULL) {
		rv_conf_error(
		    l, children, "units below are declared by their paths");
		return;
	}
	if (is_supervisor) {
		rv_conf_check_object(
		    l, node, RV_CSUPER | (is_root ? RV_CROOT : RV_CCHILD));
		return;
	}
	if (!means(node, "command") && !means(node, "function")) {
		rv_conf_error(l, node,
		    "needs a \"command\" or a \"function\": it is a worker");
	}
	rv_conf_check_object(l, node, RV_CWORKER | RV_CCHILD);
	rv_conf_check_worker(l, node);
	rv_conf_check_pool(l, node);
}
