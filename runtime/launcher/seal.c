/* SPDX-License-Identifier: MIT */
/*
 * Declared launches: see seal.h. Whole requests are kept and compared, since a
 * supervisor that has been taken over would find two with the same digest.
 */
#include "config.h"

#include "launcher/seal.h"

#include <string.h>

#include "base/alloc.h"

/* The operation and the number of the life stand before what matters. */
#define BEHIND_LIFE (sizeof(uint32_t) + sizeof(uint64_t))

struct declared {
	struct rv_list link;
	size_t len;
	char bytes[];
};

void
rv_seal_init(struct rv_seal *seal)
{
	*seal = (struct rv_seal){ 0 };
	rv_list_init(&seal->declared);
}

void
rv_seal_finish(struct rv_seal *seal)
{
	RV_LIST_EACH_SAFE (d, &seal->declared, struct declared, link) {
		rv_list_remove(&d->link);
		rv_free(d);
	}
}

static bool
is_declared(const struct rv_seal *seal, const char *frame, size_t len)
{
	RV_LIST_EACH (d, &seal->declared, struct declared, link) {
		if (d->len == len && memcmp(d->bytes, frame, len) == 0) {
			return true;
		}
	}
	return false;
}

bool
rv_seal_declare(struct rv_seal *seal, const char *frame, size_t len)
{
	struct declared *d;

	if (seal->closed || len < BEHIND_LIFE ||
	    is_declared(seal, frame + BEHIND_LIFE, len - BEHIND_LIFE)) {
		return true;
	}
	d = rv_alloc(1, sizeof(*d) + len - BEHIND_LIFE);
	if (d == NULL) {
		return false;
	}
	d->len = len - BEHIND_LIFE;
	memcpy(d->bytes, frame + BEHIND_LIFE, d->len);
	rv_list_insert(&seal->declared, &d->link);
	return true;
}

bool
rv_seal_allows(const struct rv_seal *seal, const char *frame, size_t len)
{
	return !seal->closed ||
	       (len > BEHIND_LIFE &&
		   is_declared(seal, frame + BEHIND_LIFE, len - BEHIND_LIFE));
}
