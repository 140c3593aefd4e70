/* SPDX-License-Identifier: MIT */
/* The table of methods as programs see it; strings made by the compiler. */
#include "config.h"

#include <reeve/client.h>

#include "base/base.h"

#define REQUIRED(name) " " name
#define OPTIONAL(name) " [" name "]"

#define PARAM(name, type, need, doc) need(#name)
#define METHOD(number, name, handler, changes, since, doc, params) \
	{ name, "" params, doc },

/* clang-format off */
static const struct {
	const char *name, *params, *doc;
} methods[] = {
#include "ctl/ctl.def"
};
/* clang-format on */

bool
reeve_client_method(unsigned i, struct reeve_method_info *info)
{
	if (i >= RV_ARRAY_LEN(methods) || info == NULL ||
	    info->size < sizeof(*info)) {
		return false;
	}
	info->name = methods[i].name;
	info->params = methods[i].params + (methods[i].params[0] == ' ');
	info->doc = methods[i].doc;
	return true;
}
