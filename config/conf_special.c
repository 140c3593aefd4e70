/* SPDX-License-Identifier: MIT */
/*
 * Values that are more than a word or a number: who is restarted, which exit
 * codes are good, how to stop, when it is ready, how much it may use.
 */
#include "config.h"

#include <string.h>
#include <sys/resource.h>

#include "base/text.h"
#include "config/conf_priv.h"

bool
rv_cval_intensity(
    struct rv_loader *l, const struct rv_cnode *node, uint32_t *out)
{
	const char *text = json_string_value(node->value);
	int64_t value;

	if (text != NULL && strcmp(text, "unlimited") == 0) {
		*out = RV_UNLIMITED;
		return true;
	}
	if (!json_is_integer(node->value)) {
		rv_conf_error(
		    l, node, "must be a whole number or \"unlimited\"");
		return false;
	}
	if (!rv_cval_int(l, &rv_schema[RV_CKEY_INTENSITY], node, &value)) {
		return false;
	}
	*out = (uint32_t)value;
	return true;
}

bool
rv_cval_restart(
    struct rv_loader *l, const struct rv_cnode *node, enum rv_restart *out)
{
	static const struct {
		const char *word;
		enum rv_restart restart;
	} words[] = {
		{ "permanent", RV_PERMANENT },
		{ "unexpected", RV_TRANSIENT },
		{ "transient", RV_TRANSIENT },
		{ "temporary", RV_TEMPORARY },
	};
	const char *text = json_string_value(node->value);

	if (json_is_boolean(node->value)) {
		*out = json_is_true(node->value) ? RV_PERMANENT : RV_TEMPORARY;
		return true;
	}
	for (size_t i = 0; text != NULL && i < RV_ARRAY_LEN(words); i++) {
		if (strcmp(text, words[i].word) == 0) {
			*out = words[i].restart;
			return true;
		}
	}
	rv_conf_error(l, node,
	    "must be true (\"permanent\"), \"unexpected\" (\"transient\") or "
	    "false (\"temporary\")");
	return false;
}

bool
rv_cval_umask(struct rv_loader *l, const struct rv_cnode *node, int *out)
{
	const char *text = json_string_value(node->value);
	size_t len = text != NULL ? strlen(text) : 0;
	int value = 0;

	if (len < 1 || len > 4 || strspn(text, "01234567") != len) {
		rv_conf_error(
		    l, node, "must be octal digits as a string, like \"022\"");
		return false;
	}
	for (; *text != '\0'; text++) {
		value = value * 8 + (*text - '0');
	}
	if (value > 0777) {
		rv_conf_error(l, node, "is out of range: at most \"0777\"");
		return false;
	}
	*out = value;
	return true;
}

static bool
add_exitcode(struct rv_loader *l, const struct rv_cnode *node, uint8_t set[32])
{
	int64_t code;

	if (!rv_cval_int(l, &rv_schema[RV_CKEY_EXITCODES], node, &code)) {
		return false;
	}
	set[code / 8] |= (uint8_t)(1u << (code % 8));
	return true;
}

bool
rv_cval_exitcodes(
    struct rv_loader *l, const struct rv_cnode *node, uint8_t set[32])
{
	bool good = true;

	memset(set, 0, 32);
	if (json_is_integer(node->value)) {
		return add_exitcode(l, node, set);
	}
	if (!json_is_array(node->value)) {
		rv_conf_error(
		    l, node, "must be an exit code, or an array of exit codes");
		return false;
	}
	for (const struct rv_cnode *n = node->first; n != NULL; n = n->next) {
		good = add_exitcode(l, n, set) && good;
	}
	return good;
}

static bool
signal_of(struct rv_loader *l, const struct rv_cnode *node, int *signo)
{
	const char *text;

	if (!rv_cval_string(l, node, &text)) {
		return false;
	}
	*signo = rv_signal_number(text);
	if (*signo == 0) {
		rv_conf_error(l, node,
		    "\"%.40s\" is no signal: use a name like \"TERM\"", text);
		return false;
	}
	return true;
}

static bool
step_of(
    struct rv_loader *l, const struct rv_cnode *node, struct rv_stop_step *step)
{
	if (!json_is_array(node->value) || node->first == NULL ||
	    node->first->next == NULL || node->first->next->next != NULL) {
		rv_conf_error(
		    l, node, "must be a step such as [\"QUIT\", \"30s\"]");
		return false;
	}
	return signal_of(l, node->first, &step->signo) &&
	       rv_cval_duration(l, &rv_schema[RV_CKEY_STOPWAITSECS],
		   node->first->next, &step->wait);
}

bool
rv_cval_stop(struct rv_loader *l, const struct rv_cnode *node,
    struct rv_stop_step *steps, unsigned *n, rv_time wait)
{
	bool good = true;

	*n = 0;
	if (json_is_string(node->value)) {
		*n = 1;
		steps[0].wait = wait;
		return signal_of(l, node, &steps[0].signo);
	}
	if (!json_is_array(node->value) || node->first == NULL) {
		rv_conf_error(l, node,
		    "must be a signal, or steps [[\"QUIT\", \"30s\"], "
		    "[\"TERM\", \"5s\"]]");
		return false;
	}
	for (const struct rv_cnode *s = node->first; s != NULL; s = s->next) {
		if (*n == RV_STOP_STEPS_MAX) {
			rv_conf_error(l, s, "too many steps: at most %d",
			    RV_STOP_STEPS_MAX);
			return false;
		}
		good = step_of(l, s, &steps[(*n)++]) && good;
	}
	return good;
}

static bool
ready_object(
    struct rv_loader *l, const struct rv_cnode *node, struct rv_cready *out)
{
	static const struct rv_schema_row range = { .min = 3, .max = 1023 };
	const struct rv_cnode *how = node->first;
	int64_t fd;

	if (how == NULL || how->next != NULL) {
		rv_conf_error(l, node, "must have one member: {\"fd\": N}");
		return false;
	}
	if (strcmp(how->key, "tcp") == 0 || strcmp(how->key, "exec") == 0) {
		rv_conf_error(l, how, "not built yet");
		return false;
	}
	if (strcmp(how->key, "fd") != 0) {
		rv_conf_error(l, how, "unknown; there is \"fd\"");
		return false;
	}
	if (!rv_cval_int(l, &range, how, &fd)) {
		return false;
	}
	out->channel = RV_CHANNEL_FD;
	out->fd = (int)fd;
	return true;
}

bool
rv_cval_ready(
    struct rv_loader *l, const struct rv_cnode *node, struct rv_cready *out)
{
	const char *text = json_string_value(node->value);

	*out = (struct rv_cready){ .channel = RV_CHANNEL_NONE, .fd = -1 };
	if (json_is_object(node->value)) {
		return ready_object(l, node, out);
	}
	if (text != NULL && strcmp(text, "notify") == 0) {
		out->channel = RV_CHANNEL_NOTIFY;
		return true;
	}
	if (text != NULL && strcmp(text, "started") == 0) {
		return true;
	}
	rv_conf_error(
	    l, node, "must be \"started\", \"notify\" or {\"fd\": N}");
	return false;
}

/* -------- limits -------- */

static const struct {
	const char *name;
	int resource;
} limits[] = {
#define X(name, suffix) { name, RLIMIT_##suffix },
#include "config/rlimit.def"
#undef X
};

static bool
limit_value(struct rv_loader *l, const struct rv_cnode *node, uint64_t *out)
{
	static const struct rv_schema_row any = { .max = 0 };
	const char *text = json_string_value(node->value);

	if (text != NULL && strcmp(text, "unlimited") == 0) {
		*out = UINT64_MAX;
		return true;
	}
	return rv_cval_size(l, &any, node, out);
}

static bool
limit_pair(
    struct rv_loader *l, const struct rv_cnode *node, struct rv_limit *out)
{
	bool good = true;

	for (const struct rv_cnode *n = node->first; n != NULL; n = n->next) {
		if (strcmp(n->key, "soft") == 0) {
			out->has_soft = limit_value(l, n, &out->soft);
			good = good && out->has_soft;
		} else if (strcmp(n->key, "hard") == 0) {
			out->has_hard = limit_value(l, n, &out->hard);
			good = good && out->has_hard;
		} else {
			rv_conf_error(
			    l, n, "unknown; there are \"soft\" and \"hard\"");
			good = false;
		}
	}
	if (good && !out->has_soft && !out->has_hard) {
		rv_conf_error(l, node, "must have \"soft\" or \"hard\"");
		good = false;
	}
	if (good && out->has_soft && out->has_hard && out->soft > out->hard) {
		rv_conf_error(l, node, "soft must not be above hard");
		good = false;
	}
	return good;
}

static const char *
nearest_limit(const char *name)
{
	const char *nearest = NULL;
	unsigned best = strlen(name) < 4 ? 2 : 3;

	for (size_t i = 0; i < RV_ARRAY_LEN(limits); i++) {
		unsigned d = rv_distance(limits[i].name, name);

		if (d < best) {
			best = d;
			nearest = limits[i].name;
		}
	}
	return nearest;
}

bool
rv_cval_limit(
    struct rv_loader *l, const struct rv_cnode *node, struct rv_limit *out)
{
	const char *nearest = nearest_limit(node->key);
	size_t i = 0;

	while (i < RV_ARRAY_LEN(limits) &&
	       strcmp(limits[i].name, node->key) != 0) {
		i++;
	}
	if (i == RV_ARRAY_LEN(limits)) {
		if (nearest != NULL) {
			rv_conf_error(l, node,
			    "no such limit; did you mean \"%s\"?", nearest);
		} else {
			rv_conf_error(l, node, "no such limit; there are:"
#define X(name, suffix) " " name
#include "config/rlimit.def"
#undef X
			);
		}
		return false;
	}
	*out = (struct rv_limit){ .resource = limits[i].resource };
	if (json_is_object(node->value)) {
		return limit_pair(l, node, out);
	}
	if (!limit_value(l, node, &out->soft)) {
		return false;
	}
	out->hard = out->soft;
	out->has_soft = out->has_hard = true;
	return true;
}
