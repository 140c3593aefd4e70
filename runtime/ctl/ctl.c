/* SPDX-License-Identifier: MIT */
/*
 * The control socket as a whole: made, listening to the runtime's events,
 * closed. What the runtime reports is passed on to waits and subscriptions,
 * which only mark their clients; those act in turns of their own.
 */
#include "config.h"

#include "ctl/ctl.h"

#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "ctl/ctl_priv.h"

static struct rv_ctl *
of_sink(struct rv_super_sink *sink)
{
	struct rv_ctl *ctl = sink->ctx;

	RV_MAGIC_CHECK(ctl, RV_CTL_MAGIC);
	return ctl;
}

static void
on_recorded(struct rv_super_sink *sink, uint64_t next_id)
{
	struct rv_ctl *ctl = of_sink(sink);

	(void)next_id;
	RV_LIST_EACH (client, &ctl->clients, struct rv_ctl_client, link) {
		if (client->feed.active) {
			rv_ctl_client_soon(client);
		}
	}
}

static void
on_changed(struct rv_super_sink *sink, struct rv_unit *unit)
{
	rv_ctl_waits_changed(of_sink(sink), unit, false);
}

static void
on_gone(struct rv_super_sink *sink, struct rv_unit *unit)
{
	rv_ctl_waits_changed(of_sink(sink), unit, true);
}

static void
on_finished(struct rv_super_sink *sink, bool gave_up)
{
	struct rv_ctl *ctl = of_sink(sink);

	(void)gave_up;
	ctl->finished = true;
	rv_ctl_waits_finished(ctl);
	rv_ctl_calls_end(ctl, NULL, REEVE_ECLOSED, "the runtime has ended");
}

enum reeve_status
rv_ctl_make(
    struct rv_ctl **out, struct rv_super *super, struct reeve_error *err)
{
	struct rv_ctl *ctl = rv_alloc(1, sizeof(*ctl));

	if (ctl == NULL) {
		return rv_error_sys(
		    err, ENOMEM, "cannot open the control socket");
	}
	ctl->magic = RV_CTL_MAGIC;
	ctl->super = super;
	ctl->loop = rv_super_loop(super);
	ctl->fd = -1;
	ctl->owner = geteuid();
	rv_list_init(&ctl->clients);
	rv_list_init(&ctl->syncs);
	rv_list_init(&ctl->hosted);
	rv_buf_init(&ctl->result, RV_CTL_LINE_MAX - 2048);
	rv_buf_init(&ctl->id, 8 * RV_CTL_ID_MAX);
	ctl->sink.ctx = ctl;
	ctl->sink.recorded = on_recorded;
	ctl->sink.changed = on_changed;
	ctl->sink.gone = on_gone;
	ctl->sink.finished = on_finished;
	rv_super_listen(super, &ctl->sink);
	*out = ctl;
	return REEVE_OK;
}

enum reeve_status
rv_ctl_open(
    struct rv_ctl **out, struct rv_super *super, struct reeve_error *err)
{
	struct rv_ctl *ctl;
	enum reeve_status status = rv_ctl_make(&ctl, super, err);

	if (status != REEVE_OK) {
		return status;
	}
	status = rv_ctl_listen(ctl, err);
	if (status != REEVE_OK) {
		rv_ctl_close(ctl);
		return status;
	}
	*out = ctl;
	return REEVE_OK;
}

/* As much as the socket takes without waiting. */
static void
say_farewell(struct rv_ctl_client *client)
{
	do {
		client->more = false;
		rv_ctl_waits_deliver(client);
		rv_ctl_calls_deliver(client);
		rv_ctl_feed_pump(client);
		rv_ctl_client_flush(client);
	} while (client->more && !client->dead && client->out.len == 0);
}

void
rv_ctl_close(struct rv_ctl *ctl)
{
	if (ctl == NULL) {
		return;
	}
	RV_MAGIC_CHECK(ctl, RV_CTL_MAGIC);
	rv_super_unlisten(&ctl->sink);
	rv_ctl_unlisten(ctl);
	rv_ctl_waits_finished(ctl);
	rv_ctl_calls_end(ctl, NULL, REEVE_ECLOSED, "the runtime has ended");
	RV_LIST_EACH_SAFE (client, &ctl->clients, struct rv_ctl_client, link) {
		say_farewell(client);
		rv_ctl_client_destroy(client);
	}
	rv_ctl_syncs_orphan(ctl);
	rv_ctl_owns_finish(ctl);
	rv_hash_finish(&ctl->items);
	rv_hash_finish(&ctl->calls);
	rv_buf_finish(&ctl->result);
	rv_buf_finish(&ctl->id);
	ctl->magic = 0;
	rv_free(ctl);
}
