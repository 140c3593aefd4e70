/* SPDX-License-Identifier: MIT */
/*
 * From the names of a request to units: the words of a JSON array, looked up
 * as everywhere.
 */
#include "config.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/error.h"
#include "ctl/ctl_priv.h"

enum reeve_status
rv_ctl_names(struct rv_super *super, const struct rv_json *names,
    struct rv_units *out, struct reeve_error *err)
{
	size_t n = rv_json_count(names);
	enum reeve_status status;
	const char **words;

	if (n > RV_NAMES_MAX) {
		return rv_error(err, REEVE_ETOOBIG,
		    "more than %d names in one request", RV_NAMES_MAX);
	}
	words = rv_alloc(n, sizeof(words[0]));
	if (words == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot look up units");
	}
	for (size_t i = 0; i < n; i++) {
		words[i] = rv_json_str(rv_json_at(names, i));
	}
	status = rv_super_names(super, words, n, out, err);
	rv_free(words);
	return status;
}
