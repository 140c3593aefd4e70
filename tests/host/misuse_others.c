/* SPDX-License-Identifier: MIT */
/*
 * Misuse of records, and of what needs no runtime in the process: configs,
 * clients, the log, statuses. See test_misuse.c.
 */
#include "config.h"

#include <stdlib.h>

#include "host/misuse.h"

#define err misuse_err

/* -------- record.h -------- */

void
misuse_record(void)
{
	struct reeve_record record = { .size = sizeof(record),
		.kind = REEVE_TASK_ENDED,
		.path = "map/1" };

	INVALID(reeve_record(NULL, &record, &err), "record");
	INVALID(reeve_record(misused.reeve, NULL, &err), "NULL");
	record.path = NULL;
	INVALID(reeve_record(misused.reeve, &record, &err), "path");
	record.path = "w/1";
	REFUSED(reeve_record(misused.reeve, &record, &err), REEVE_EEXIST, "w");
	record.path = "map/1";
	record.kind = (enum reeve_record_kind)9;
	INVALID(reeve_record(misused.reeve, &record, &err), "kind");
	record.size = 4;
	INVALID(reeve_record(misused.reeve, &record, &err), "size 4");
}

void
misuse_record_room(void)
{
	INVALID(reeve_record_room(NULL, NULL, NULL, &err), "room");
	CU_ASSERT_EQUAL(
	    reeve_record_room(misused.reeve, NULL, NULL, &err), REEVE_OK);
}

/* -------- config.h -------- */

static void
on_worker(void *ctx, const struct reeve_config_worker *worker)
{
	(void)ctx;
	(void)worker;
}

void
misuse_config_check(void)
{
	struct reeve_config_info info = { .size = 4 };

	INVALID(reeve_config_check(NULL, NULL, NULL, NULL, &err), "NULL");
	INVALID(reeve_config_check("x", NULL, NULL, &info, &err), "size 4");
	CU_ASSERT_NOT_EQUAL(
	    reeve_config_check("/nowhere", NULL, NULL, NULL, &err), REEVE_OK);
	CU_ASSERT_PTR_NULL(info.name);
}

void
misuse_config_info_finish(void)
{
	struct reeve_config_info info = { .size = sizeof(info) };

	reeve_config_info_finish(NULL);
	reeve_config_info_finish(&info);
	reeve_config_info_finish(&info);
}

void
misuse_config_places(void)
{
	struct reeve_config_info info = { .size = 4 };

	INVALID(reeve_config_places(NULL, false, NULL, &err), "NULL");
	INVALID(reeve_config_places("x", false, NULL, &err), "info");
	INVALID(reeve_config_places("x", false, &info, &err), "size 4");
	info.size = sizeof(info);
	INVALID(reeve_config_places(NULL, false, &info, &err), "name");
}

void
misuse_config_workers(void)
{
	INVALID(reeve_config_workers(NULL, on_worker, NULL, &err), "NULL");
	INVALID(reeve_config_workers("x", NULL, NULL, &err), "NULL");
	CU_ASSERT_NOT_EQUAL(
	    reeve_config_workers("/nowhere", on_worker, NULL, &err), REEVE_OK);
}

void
misuse_config_schema(void)
{
	char *text = reeve_config_schema();

	CU_ASSERT_PTR_NOT_NULL(text);
	reeve_free(text);
}

void
misuse_free(void)
{
	reeve_free(NULL);
}

/* -------- client.h -------- */

void
misuse_client_open(void)
{
	struct reeve_client *client = NULL;
	struct reeve_client_options options = { .size = 4 };

	INVALID(reeve_client_open(&client, NULL, &err),
	    "reeve_client_options is NULL");
	INVALID(reeve_client_open(&client, &options, &err), "size");
	options.size = sizeof(options);
	INVALID(reeve_client_open(&client, &options, &err), "state_dir");
	options.socket_path = "/nowhere";
	INVALID(reeve_client_open(NULL, &options, &err), "place");
	REFUSED(reeve_client_open(&client, &options, &err), REEVE_ENORUNTIME,
	    "/nowhere");
	CU_ASSERT_PTR_NULL(client);
}

void
misuse_client_close(void)
{
	reeve_client_close(NULL);
}

static struct reeve_client *
open_client(void)
{
	struct reeve_client_options options = {
		.size = sizeof(options),
		.state_dir = misused.state,
	};
	struct reeve_client *client = NULL;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_client_open(&client, &options, &err), REEVE_OK);
	return client;
}

void
misuse_client_call(void)
{
	struct reeve_client *client = open_client();
	char *result = NULL;

	INVALID(
	    reeve_client_call(NULL, "ping", NULL, 0, &result, &err), "client");
	INVALID(
	    reeve_client_call(client, NULL, NULL, 0, &result, &err), "method");
	CU_ASSERT_NOT_EQUAL(
	    reeve_client_call(client, "ping", "{", 0, &result, &err), REEVE_OK);
	CU_ASSERT_PTR_NULL(result);
	reeve_client_close(client);
}

void
misuse_client_submit(void)
{
	const struct reeve_client_item item = { .length = 3 };
	char *results = NULL;

	INVALID(reeve_client_submit(NULL, "p", &item, 1, 0, &results, &err),
	    "NULL");
	INVALID(reeve_client_submit(NULL, NULL, NULL, 0, 0, &results, &err),
	    "NULL");
	CU_ASSERT_PTR_NULL(results);
}

void
misuse_client_send(void)
{
	struct reeve_client *client = open_client();
	uint64_t id = 5;

	INVALID(reeve_client_send(NULL, "ping", NULL, &id, &err), "client");
	INVALID(reeve_client_send(client, NULL, NULL, &id, &err), "method");
	CU_ASSERT_EQUAL(id, 5);
	reeve_client_close(client);
}

void
misuse_client_next(void)
{
	struct reeve_client *client = open_client();
	struct reeve_message message;

	INVALID(reeve_client_next(NULL, &message, &err), "client");
	INVALID(reeve_client_next(client, NULL, &err), "place");
	reeve_client_close(client);
}

void
misuse_client_fd(void)
{
	CU_ASSERT_EQUAL(reeve_client_fd(NULL), -1);
}

void
misuse_client_events(void)
{
	CU_ASSERT_EQUAL(reeve_client_events(NULL), 0);
}

void
misuse_client_refusal(void)
{
	CU_ASSERT_PTR_NULL(reeve_client_refusal(NULL));
}

void
misuse_client_method(void)
{
	struct reeve_method_info info = { .size = 4 };

	CU_ASSERT_FALSE(reeve_client_method(0, NULL));
	CU_ASSERT_FALSE(reeve_client_method(0, &info));
	info.size = sizeof(info);
	CU_ASSERT_FALSE(reeve_client_method(100000, &info));
}

/* -------- query.h -------- */

static bool
on_row(void *ctx, const struct reeve_value *values, unsigned n)
{
	(void)ctx;
	(void)values;
	(void)n;
	return true;
}

static bool
on_log_event(void *ctx, const struct reeve_event *event)
{
	(void)ctx;
	(void)event;
	return true;
}

static struct reeve_log *
open_log(void)
{
	struct reeve_log_options options = {
		.size = sizeof(options),
		.state_dir = misused.state,
	};
	struct reeve_log *log = NULL;

	CU_ASSERT_EQUAL_FATAL(reeve_log_open(&log, &options, &err), REEVE_OK);
	return log;
}

void
misuse_log_open(void)
{
	struct reeve_log_options options = { .size = 4 };
	struct reeve_log *log = NULL;

	INVALID(reeve_log_open(&log, NULL, &err), "reeve_log_options is NULL");
	INVALID(reeve_log_open(&log, &options, &err), "size 4");
	options.size = sizeof(options);
	INVALID(reeve_log_open(&log, &options, &err), "state_dir");
	options.state_dir = "/nowhere";
	REFUSED(reeve_log_open(&log, &options, &err), REEVE_ENOENT, "/nowhere");
	INVALID(reeve_log_open(NULL, &options, &err), "place");
	CU_ASSERT_PTR_NULL(log);
}

void
misuse_log_close(void)
{
	reeve_log_close(NULL);
}

void
misuse_log_events(void)
{
	struct reeve_event_filter filter = { .size = 4 };
	struct reeve_log *log = open_log();

	INVALID(
	    reeve_log_events(NULL, NULL, on_log_event, NULL, &err), "the log");
	INVALID(reeve_log_events(log, NULL, NULL, NULL, &err), "callback");
	INVALID(
	    reeve_log_events(log, &filter, on_log_event, NULL, &err), "size 4");
	reeve_log_close(log);
}

void
misuse_log_sql(void)
{
	struct reeve_log *log = open_log();

	INVALID(reeve_log_sql(NULL, "SELECT 1", on_row, NULL, &err), "the log");
	INVALID(reeve_log_sql(log, NULL, on_row, NULL, &err), "statement");
	INVALID(reeve_log_sql(log, "SELECT 1", NULL, NULL, &err), "callback");
	INVALID(reeve_log_sql(log, "SELEKT 1", on_row, NULL, &err), "SELEKT");
	reeve_log_close(log);
}

void
misuse_log_why(void)
{
	struct reeve_log *log = open_log();
	char *text = NULL;

	INVALID(reeve_log_why(NULL, "w", 1, false, &text, &err), "the log");
	INVALID(reeve_log_why(log, NULL, 1, false, &text, &err), "the name");
	INVALID(reeve_log_why(log, "w", 1, false, NULL, &err), "place");
	REFUSED(reeve_log_why(log, "nobody", 1, false, &text, &err),
	    REEVE_ENOENT, "nobody");
	CU_ASSERT_PTR_NULL(text);
	reeve_log_close(log);
}

void
misuse_log_free(void)
{
	reeve_log_free(NULL);
}

/* -------- status.h -------- */

void
misuse_status_text(void)
{
	CU_ASSERT_PTR_NOT_NULL(reeve_status_text((enum reeve_status)12345));
}

void
misuse_status_name(void)
{
	CU_ASSERT_STRING_EQUAL(
	    reeve_status_name((enum reeve_status)12345), "?");
}

void
misuse_status_exit_code(void)
{
	CU_ASSERT(reeve_status_exit_code((enum reeve_status)12345) > 0);
}
