/* SPDX-License-Identifier: MIT */
/*
 * Subscriptions: events by id, read from the ring as the client's socket takes
 * them, so that a slow one costs a number and not memory. One that falls
 * behind the ring's oldest is told so, and its subscription ends; what it has
 * missed is in the database.
 */
#include "config.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/ctl_priv.h"

void
rv_ctl_feed_end(struct rv_ctl_client *client)
{
	rv_free(client->feed.path);
	rv_free(client->feed.kind);
	client->feed = (struct rv_ctl_feed){ 0 };
}

static bool
copy_glob(char **out, const struct rv_json *glob)
{
	if (glob != NULL) {
		*out = rv_strdup(rv_json_str(glob));
	}
	return glob == NULL || *out != NULL;
}

/* Where to begin; refused when what is asked for is gone already. */
static enum reeve_status
begin_at(struct rv_ctl_request *request, struct rv_ctl_feed *feed,
    struct reeve_error *err)
{
	struct rv_journal *journal = rv_super_journal(request->ctl->super);
	const struct rv_json *from = rv_json_get(request->params, "from");
	uint64_t oldest = rv_journal_oldest(journal);

	feed->next = rv_journal_next(journal);
	feed->from_start = feed->next == 0;
	if (from == NULL || feed->from_start) {
		return REEVE_OK;
	}
	feed->next = (uint64_t)rv_json_int(from);
	if (feed->next < oldest) {
		rv_buf_addf(&request->extra, ",\"oldest\":%" PRIu64, oldest);
		return rv_error(err, REEVE_ETOOOLD,
		    "event %" PRIu64 " is not held any more, the oldest is "
		    "%" PRIu64 "; older ones are in the database",
		    feed->next, oldest);
	}
	return REEVE_OK;
}

enum reeve_status
rv_ctl_on_events_subscribe(
    struct rv_ctl_request *request, struct rv_jsonw *w, struct reeve_error *err)
{
	struct rv_ctl_client *client = request->client;
	struct rv_ctl_feed feed = { .active = true };
	enum reeve_status status = begin_at(request, &feed, err);

	if (status != REEVE_OK) {
		return status;
	}
	if (!copy_glob(&feed.path, rv_json_get(request->params, "path")) ||
	    !copy_glob(&feed.kind, rv_json_get(request->params, "kind"))) {
		rv_free(feed.path);
		return rv_error(
		    err, REEVE_ENOMEM, "cannot subscribe: out of memory");
	}
	rv_ctl_feed_end(client);
	client->feed = feed;
	rv_jsonw_object(w);
	rv_jsonw_key(w, "next");
	rv_jsonw_uint(w, feed.next);
	rv_jsonw_object_end(w);
	return REEVE_OK;
}

enum reeve_status
rv_ctl_on_events_unsubscribe(
    struct rv_ctl_request *request, struct rv_jsonw *w, struct reeve_error *err)
{
	(void)err;
	rv_ctl_feed_end(request->client);
	rv_jsonw_object(w);
	rv_jsonw_object_end(w);
	return REEVE_OK;
}

static const char *
kind_text(const struct rv_record *record, char buf[static 24])
{
	const char *name = rv_kind_name(record->kind);

	if (name == NULL) {
		rv_format(buf, 24, "unknown.%u", record->kind);
		name = buf;
	}
	return name;
}

static bool
is_wanted(const struct rv_ctl_feed *feed, const struct rv_record *record)
{
	char path[1024], kind[24];

	if (feed->kind != NULL &&
	    !rv_glob(feed->kind, kind_text(record, kind))) {
		return false;
	}
	if (feed->path == NULL) {
		return true;
	}
	rv_format(path, sizeof(path), "%.*s",
	    (int)RV_MIN(record->path_len, sizeof(path)), record->path);
	return rv_glob(feed->path, path);
}

/* The event as JSON; without its detail when that alone is too much. */
static void
write_event(
    struct rv_buf *out, const struct rv_record *record, bool with_detail)
{
	struct rv_jsonw w;
	char kind[24];

	rv_buf_reset(out);
	rv_jsonw_init(&w, out);
	rv_jsonw_object(&w);
	rv_jsonw_key(&w, "id");
	rv_jsonw_uint(&w, record->id);
	rv_jsonw_key(&w, "at");
	rv_jsonw_int(&w, record->at_us);
	rv_jsonw_key(&w, "life");
	if (record->life != 0) {
		rv_jsonw_uint(&w, record->life);
	} else {
		rv_jsonw_null(&w);
	}
	rv_jsonw_key(&w, "path");
	rv_jsonw_strn(&w, record->path, record->path_len);
	rv_jsonw_key(&w, "kind");
	rv_jsonw_str(&w, kind_text(record, kind));
	rv_jsonw_key(&w, "detail");
	rv_jsonw_raw(&w, with_detail ? "" : "{\"too_big\":true}");
	if (with_detail) {
		rv_record_detail(record, out);
	}
	rv_jsonw_object_end(&w);
}

static void
send_event(struct rv_ctl_client *client, const struct rv_record *record)
{
	struct rv_buf *out = &client->ctl->result;

	if (!is_wanted(&client->feed, record)) {
		return;
	}
	write_event(out, record, true);
	if (out->failed) {
		write_event(out, record, false);
	}
	if (out->failed) {
		client->dead = true; /* no memory: better no line than half */
		return;
	}
	rv_ctl_notify(client, "event", out);
}

static void
say_too_old(struct rv_ctl_client *client, uint64_t oldest)
{
	struct rv_buf params;

	rv_buf_init(&params, 64);
	rv_buf_addf(&params, "{\"oldest\":%" PRIu64 "}", oldest);
	if (params.failed) {
		client->dead = true;
	} else {
		rv_ctl_notify(client, "events.too_old", &params);
	}
	rv_buf_finish(&params);
	rv_ctl_feed_end(client);
}

/* False when there is nothing to send at present. */
static bool
pump_one(struct rv_ctl_client *client, struct rv_journal *journal)
{
	struct rv_record record;
	struct rv_fields fields;
	enum reeve_status status =
	    rv_journal_read(journal, client->feed.next, &record, &fields);

	if (status == REEVE_OK) {
		record.fields = &fields;
		send_event(client, &record);
		client->feed.next = record.id + 1;
		return true;
	}
	if (status == REEVE_ETOOOLD) {
		say_too_old(client, rv_journal_oldest(journal));
	} else if (status == REEVE_EDAMAGED) {
		client->feed.next++; /* that one is lost; the next may not be */
		return client->feed.next < rv_journal_next(journal);
	}
	return false;
}

void
rv_ctl_feed_pump(struct rv_ctl_client *client)
{
	struct rv_journal *journal = rv_super_journal(client->ctl->super);
	struct rv_ctl_feed *feed = &client->feed;
	bool going = feed->active;

	if (feed->active && feed->from_start) {
		feed->next = rv_journal_oldest(journal);
		feed->from_start = rv_journal_next(journal) == 0;
		going = !feed->from_start;
	}
	for (int i = 0; going && i < RV_CTL_EVENTS; i++) {
		if (client->dead || rv_ctl_client_full(client)) {
			return; /* goes on when the socket has taken this */
		}
		going = pump_one(client, journal) && feed->active;
	}
	client->more |= going;
}
