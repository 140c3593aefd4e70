/* SPDX-License-Identifier: MIT */
/*
 * The table of methods in memory, and the answer to `help`, which is that
 * table. Grown from ctl.def; nothing else lists methods.
 */
#include "config.h"

#include <string.h>

#include "ctl/ctl_priv.h"

#define REQUIRED                     true
#define OPTIONAL                     false
#define CHANGES                      true
#define READS                        false
#define PARAM(name, type, need, doc) { #name, RV_PARAM_##type, need, doc },
#define METHOD(number, name, handler, changes, since, doc, params) \
	{ number, name, rv_ctl_on_##handler, changes, since, doc,  \
		{ params{ NULL, RV_PARAM_NONE, false, NULL } } },

/* clang-format off */
static const struct rv_ctl_method methods[] = {
#include "ctl/ctl.def"
};
/* clang-format on */

const struct rv_ctl_method *
rv_ctl_method_find(const char *name)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(methods); i++) {
		if (strcmp(methods[i].name, name) == 0) {
			return &methods[i];
		}
	}
	return NULL;
}

const struct rv_ctl_method *
rv_ctl_method_at(size_t i)
{
	return i < RV_ARRAY_LEN(methods) ? &methods[i] : NULL;
}

const char *
rv_ctl_type_name(enum rv_ctl_type type)
{
	static const char *const names[] = {
		[RV_PARAM_NONE] = "nothing",
		[RV_PARAM_NAMES] = "an array of strings",
		[RV_PARAM_STRING] = "a string",
		[RV_PARAM_BOOL] = "true or false",
		[RV_PARAM_COUNT] = "a whole number, not negative",
		[RV_PARAM_SIGNAL] = "the name or number of a signal",
	};

	return names[type];
}

static void
write_param(struct rv_jsonw *w, const struct rv_ctl_param *param)
{
	rv_jsonw_object(w);
	rv_jsonw_key(w, "name");
	rv_jsonw_str(w, param->name);
	rv_jsonw_key(w, "type");
	rv_jsonw_str(w, rv_ctl_type_name(param->type));
	rv_jsonw_key(w, "required");
	rv_jsonw_bool(w, param->required);
	rv_jsonw_key(w, "doc");
	rv_jsonw_str(w, param->doc);
	rv_jsonw_object_end(w);
}

static void
write_method(struct rv_jsonw *w, const struct rv_ctl_method *method)
{
	rv_jsonw_object(w);
	rv_jsonw_key(w, "number");
	rv_jsonw_uint(w, method->number);
	rv_jsonw_key(w, "name");
	rv_jsonw_str(w, method->name);
	rv_jsonw_key(w, "doc");
	rv_jsonw_str(w, method->doc);
	rv_jsonw_key(w, "changes");
	rv_jsonw_bool(w, method->changes);
	rv_jsonw_key(w, "since");
	rv_jsonw_str(w, method->since);
	rv_jsonw_key(w, "params");
	rv_jsonw_array(w);
	for (const struct rv_ctl_param *p = method->params; p->name != NULL;
	     p++) {
		write_param(w, p);
	}
	rv_jsonw_array_end(w);
	rv_jsonw_object_end(w);
}

/* Of the host's own: what it says of its parameters is for people. */
static void
write_own(struct rv_jsonw *w, const struct rv_ctl_hosted *own)
{
	rv_jsonw_object(w);
	rv_jsonw_key(w, "number");
	rv_jsonw_null(w);
	rv_jsonw_key(w, "name");
	rv_jsonw_str(w, own->name);
	rv_jsonw_key(w, "doc");
	rv_jsonw_str(w, own->doc);
	rv_jsonw_key(w, "changes");
	rv_jsonw_bool(w, own->changes);
	rv_jsonw_key(w, "since");
	rv_jsonw_null(w);
	rv_jsonw_key(w, "params");
	rv_jsonw_array(w);
	rv_jsonw_array_end(w);
	rv_jsonw_key(w, "usage");
	rv_jsonw_str(w, own->params);
	rv_jsonw_object_end(w);
}

enum reeve_status
rv_ctl_on_help(
    struct rv_ctl_request *request, struct rv_jsonw *w, struct reeve_error *err)
{
	const struct rv_ctl_hosted *own;

	(void)err;
	rv_jsonw_object(w);
	rv_jsonw_key(w, "methods");
	rv_jsonw_array(w);
	for (size_t i = 0; i < RV_ARRAY_LEN(methods); i++) {
		write_method(w, &methods[i]);
	}
	for (size_t i = 0; (own = rv_ctl_own_at(request->ctl, i)) != NULL;
	     i++) {
		write_own(w, own);
	}
	rv_jsonw_array_end(w);
	rv_jsonw_object_end(w);
	return REEVE_OK;
}
