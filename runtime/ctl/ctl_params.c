/* SPDX-License-Identifier: MIT */
/*
 * Checks parameters against the table before a handler sees them: unknown
 * ones, missing ones, wrong types, each refused by name. Handlers may rely on
 * it and check ranges alone.
 */
#include "config.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "ctl/ctl_priv.h"

static bool
is_names(const struct rv_json *v)
{
	if (rv_json_type(v) != RV_JSON_ARRAY) {
		return false;
	}
	for (size_t i = 0; i < rv_json_count(v); i++) {
		if (rv_json_type(rv_json_at(v, i)) != RV_JSON_STRING) {
			return false;
		}
	}
	return true;
}

static bool
is_string(const struct rv_json *v)
{
	return rv_json_type(v) == RV_JSON_STRING;
}

static bool
is_bool(const struct rv_json *v)
{
	return rv_json_type(v) == RV_JSON_BOOL;
}

static bool
is_count(const struct rv_json *v)
{
	return rv_json_type(v) == RV_JSON_INT && rv_json_int(v) >= 0;
}

static bool
is_signal(const struct rv_json *v)
{
	return is_string(v) || is_count(v);
}

static bool (*const fits[])(const struct rv_json *) = {
	[RV_PARAM_NAMES] = is_names,
	[RV_PARAM_STRING] = is_string,
	[RV_PARAM_BOOL] = is_bool,
	[RV_PARAM_COUNT] = is_count,
	[RV_PARAM_SIGNAL] = is_signal,
};

static const struct rv_ctl_param *
find_param(const struct rv_ctl_method *method, const char *name)
{
	const struct rv_ctl_param *p = method->params;

	while (p->name != NULL && strcmp(p->name, name) != 0) {
		p++;
	}
	return p->name != NULL ? p : NULL;
}

static enum reeve_status
unknown_param(const struct rv_ctl_method *method, const char *key,
    struct reeve_error *err)
{
	const char *meant = NULL;
	unsigned best = 3;

	for (const struct rv_ctl_param *p = method->params; p->name != NULL;
	     p++) {
		unsigned distance = rv_distance(key, p->name);

		if (distance < best) {
			best = distance;
			meant = p->name;
		}
	}
	return rv_error(err, REEVE_EINVALID,
	    "unknown parameter \"%.64s\" of %s%s%s%s", key, method->name,
	    meant != NULL ? "; did you mean \"" : "",
	    meant != NULL ? meant : "", meant != NULL ? "\"?" : "");
}

enum reeve_status
rv_ctl_params_check(const struct rv_ctl_method *method,
    const struct rv_json *params, struct reeve_error *err)
{
	if (params != NULL && rv_json_type(params) != RV_JSON_OBJECT) {
		return rv_error(err, REEVE_EINVALID,
		    "\"params\" of %s must be an object", method->name);
	}
	for (const char *key = rv_json_key(params, NULL); key != NULL;
	     key = rv_json_key(params, key)) {
		const struct rv_ctl_param *param = find_param(method, key);

		if (param == NULL) {
			return unknown_param(method, key, err);
		}
		if (!fits[param->type](rv_json_get(params, key))) {
			return rv_error(err, REEVE_EINVALID,
			    "parameter \"%s\" of %s must be %s", param->name,
			    method->name, rv_ctl_type_name(param->type));
		}
	}
	for (const struct rv_ctl_param *p = method->params; p->name != NULL;
	     p++) {
		if (p->required && rv_json_get(params, p->name) == NULL) {
			return rv_error(err, REEVE_EINVALID,
			    "%s needs the parameter \"%s\"", method->name,
			    p->name);
		}
	}
	return REEVE_OK;
}
