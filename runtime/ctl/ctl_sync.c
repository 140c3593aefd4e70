/* SPDX-License-Identifier: MIT */
/*
 * `sync`: answered when the clerk has everything up to now on the disk. The
 * runtime cannot take a callback back, so what waits for one is a small thing
 * of its own that outlives its client; how many of them there are is bounded.
 */
#include "config.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/error.h"
#include "ctl/ctl_priv.h"

struct rv_ctl_sync {
	struct rv_list link;          /* in ctl->syncs */
	struct rv_ctl_client *client; /* NULL: it has left */
	struct rv_ctl *ctl;           /* NULL: closed */
	char *id;
};

static void
destroy(struct rv_ctl_sync *sync)
{
	if (sync->client != NULL) {
		sync->client->n_later--;
	}
	if (sync->ctl != NULL) {
		sync->ctl->n_syncs--;
	}
	rv_list_remove(&sync->link);
	rv_free(sync->id);
	rv_free(sync);
}

static void
on_synced(void *ctx, bool ok)
{
	struct rv_ctl_sync *sync = ctx;
	struct rv_ctl_client *client = sync->client;
	char done[] = "{}";
	struct rv_buf result = { .data = done, .len = 2 };

	if (client != NULL) {
		if (ok) {
			rv_ctl_reply(client, sync->id, &result);
		} else {
			rv_ctl_refuse(client, sync->id, RV_RPC_REFUSED,
			    REEVE_EFAILED,
			    "cannot tell: the clerk ended before it answered",
			    "");
		}
		rv_ctl_client_soon(client);
	}
	destroy(sync);
}

static struct rv_ctl_sync *
create(struct rv_ctl_request *request)
{
	struct rv_ctl_sync *sync = rv_alloc(1, sizeof(*sync));

	if (sync == NULL) {
		return NULL;
	}
	sync->id = request->id != NULL ? rv_strdup(request->id) : NULL;
	if (request->id != NULL && sync->id == NULL) {
		rv_free(sync);
		return NULL;
	}
	sync->client = request->client;
	sync->ctl = request->ctl;
	sync->client->n_later++;
	sync->ctl->n_syncs++;
	rv_list_init(&sync->link);
	rv_list_insert(&sync->ctl->syncs, &sync->link);
	return sync;
}

enum reeve_status
rv_ctl_on_sync(
    struct rv_ctl_request *request, struct rv_jsonw *w, struct reeve_error *err)
{
	struct rv_ctl_client *client = request->client;
	struct rv_ctl *ctl = request->ctl;
	struct rv_ctl_sync *sync;
	enum reeve_status status;

	(void)w;
	if (client->n_later >= RV_CTL_LATER || ctl->n_syncs >= RV_CTL_SYNCS) {
		return rv_error(
		    err, REEVE_EBUSY, "too many requests wait already");
	}
	sync = create(request);
	if (sync == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot wait for the disk");
	}
	request->later = true;
	status = rv_super_sync(ctl->super, on_synced, sync);
	if (status != REEVE_OK) {
		destroy(sync);
		return rv_error(err, status,
		    "cannot wait for the disk: the clerk does not run");
	}
	return REEVE_OK;
}

void
rv_ctl_syncs_leave(struct rv_ctl_client *client)
{
	RV_LIST_EACH (sync, &client->ctl->syncs, struct rv_ctl_sync, link) {
		if (sync->client == client) {
			sync->client = NULL;
		}
	}
}

/* What is left is freed when the runtime calls back, which it always does. */
void
rv_ctl_syncs_orphan(struct rv_ctl *ctl)
{
	RV_LIST_EACH_SAFE (sync, &ctl->syncs, struct rv_ctl_sync, link) {
		sync->ctl = NULL;
		rv_list_remove(&sync->link);
	}
}
