/* SPDX-License-Identifier: MIT */
/* The shared part of lives: see keeps.h. Called by life.c and launcher.c. */
#include "config.h"

#include "launcher/keeps.h"

#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

static void
release(struct rv_kept *kept)
{
	if (kept != NULL && --kept->refs == 0) {
		rv_free(kept);
	}
}

/* Member by member into zeroed memory, so that bytes can be compared. */
static void
copy(struct rv_launch_keep *dst, const struct rv_launch_keep *src)
{
	memset(dst, 0, sizeof(*dst));
	dst->kill_mode = src->kill_mode;
	dst->n_stop = src->n_stop;
	for (uint32_t i = 0; i < src->n_stop; i++) {
		dst->stop[i].signo = src->stop[i].signo;
		dst->stop[i].wait = src->stop[i].wait;
	}
	dst->stop_group = src->stop_group;
	dst->notify = src->notify;
	dst->hosted = src->hosted;
	dst->set_user = src->set_user;
	dst->uid = src->uid;
}

const struct rv_launch_keep *
rv_keep_take(struct rv_keeps *keeps, const struct rv_launch_keep *keep)
{
	struct rv_launch_keep wanted;
	struct rv_kept **last, *kept;

	copy(&wanted, keep);
	last = &keeps->last[rv_fnv(RV_FNV_INIT, &wanted, sizeof(wanted)) %
			    RV_KEEPS_LAST];
	if (*last == NULL ||
	    memcmp(&(*last)->keep, &wanted, sizeof(wanted)) != 0) {
		kept = rv_alloc(1, sizeof(*kept));
		if (kept == NULL) {
			return NULL;
		}
		memcpy(&kept->keep, &wanted, sizeof(wanted));
		kept->refs = 1;
		release(*last);
		*last = kept;
	}
	(*last)->refs++;
	return &(*last)->keep;
}

void
rv_keep_drop(const struct rv_launch_keep *keep)
{
	if (keep != NULL) {
		release((struct rv_kept *)(uintptr_t)keep);
	}
}

void
rv_keeps_finish(struct rv_keeps *keeps)
{
	for (size_t i = 0; i < RV_KEEPS_LAST; i++) {
		release(keeps->last[i]);
		keeps->last[i] = NULL;
	}
}
