/* SPDX-License-Identifier: MIT */
/*
 * From the options of a unit to the object that a config file would have for
 * it: names are put on numbers, nothing is judged but what would be lost on
 * the way. What the keys mean is the config's business.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/jsonw.h"
#include "base/text.h"
#include "face/face_tree.h"
#include "wire/json.h"

#define TEXT_MAX (1024 * 1024) /* of one unit */

static const char *const strategies[] = {
	[REEVE_ONE_FOR_ONE] = "one_for_one",
	[REEVE_ONE_FOR_ALL] = "one_for_all",
	[REEVE_REST_FOR_ONE] = "rest_for_one",
};

static const char *const restarts[] = {
	[REEVE_RESTART_ALWAYS] = "permanent",
	[REEVE_RESTART_UNEXPECTED] = "transient",
	[REEVE_RESTART_NEVER] = "temporary",
};

static const char *const unheards[] = {
	[REEVE_UNHEARD_RESTART] = "restart",
	[REEVE_UNHEARD_ABORT] = "abort",
	[REEVE_UNHEARD_REPORT] = "report",
};

static const char *const methods[] = {
	[REEVE_METHOD_SPAWN] = "spawn",
	[REEVE_METHOD_FORK] = "fork",
	[REEVE_METHOD_FORKSERVER] = "forkserver",
};

/* One of an options struct, the key that it is, and whether it is set. */
struct member {
	const char *name, *key;
	bool set;
};

struct writer {
	struct rv_buf text;
	struct rv_jsonw w;
	struct reeve_error *err;
	enum reeve_status status; /* the first trouble */
};

static void
begin(struct writer *writer, struct reeve_error *err)
{
	*writer = (struct writer){ .err = err };
	rv_buf_init(&writer->text, TEXT_MAX);
	rv_jsonw_init(&writer->w, &writer->text);
	rv_jsonw_object(&writer->w);
}

static void
refuse(struct writer *writer, const char *text)
{
	if (writer->status == REEVE_OK) {
		writer->status =
		    rv_error(writer->err, REEVE_EINVALID, "%s", text);
	}
}

static void
put_str(struct writer *writer, const char *key, const char *value)
{
	if (value != NULL) {
		rv_jsonw_key(&writer->w, key);
		rv_jsonw_str(&writer->w, value);
	}
}

static void
put_word(struct writer *writer, const char *key, const char *const *words,
    size_t n, unsigned value)
{
	char text[200];

	if (value >= n) {
		size_t len = rv_format(
		    text, sizeof(text), "there is no %s %u: use", key, value);

		for (size_t i = 0; i < n; i++) {
			len += rv_format(text + len, sizeof(text) - len,
			    "%s %zu%s%s%s", i > 0 ? "," : "", i,
			    words[i] != NULL ? " (" : " (the default",
			    words[i] != NULL ? words[i] : "", ")");
		}
		refuse(writer, text);
	} else if (value != 0) {
		put_str(writer, key, words[value]);
	}
}

static void
put_list(struct writer *writer, const char *key, const char *const *list)
{
	if (list == NULL) {
		return;
	}
	rv_jsonw_key(&writer->w, key);
	rv_jsonw_array(&writer->w);
	for (; *list != NULL; list++) {
		rv_jsonw_str(&writer->w, *list);
	}
	rv_jsonw_array_end(&writer->w);
}

static void
put_ms(struct writer *writer, const char *key, int64_t ms)
{
	char text[96];

	if (ms < 0) {
		rv_format(text, sizeof(text),
		    "the time for \"%s\" is negative: %" PRId64 " ms", key, ms);
		refuse(writer, text);
	} else if (ms != 0) {
		rv_format(text, sizeof(text), "%" PRId64 "ms", ms);
		put_str(writer, key, text);
	}
}

static void
put_json(struct writer *writer, const char *key, const char *json)
{
	struct rv_json *value = NULL;
	struct reeve_error why;

	if (json == NULL) {
		return;
	}
	if (rv_json_parse(&value, json, strlen(json), &why) != REEVE_OK) {
		if (writer->status == REEVE_OK) {
			writer->status = rv_error(writer->err, REEVE_EINVALID,
			    "%s is no JSON: %.200s", key, why.text);
		}
		return;
	}
	rv_json_free(value);
	rv_jsonw_key(&writer->w, key);
	rv_jsonw_raw(&writer->w, json);
}

/* The members of an object, as they are: without its braces. */
static void
put_members(struct writer *writer, const char *object)
{
	size_t from, to;

	from = 1 + (size_t)(strchr(object, '{') - object);
	to = (size_t)(strrchr(object, '}') - object);
	if (writer->w.comma[writer->w.depth]) {
		rv_buf_addc(&writer->text, ',');
	}
	rv_buf_add(&writer->text, object + from, to - from);
	writer->w.comma[writer->w.depth] = true;
}

/*
 * A key is in options and a member has set it, too. The config would say so,
 * but of a text that the host has never seen.
 */
static void
check_clashes(struct writer *writer, const struct rv_json *options,
    const struct member *members, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (members[i].set && writer->status == REEVE_OK &&
		    rv_json_get(options, members[i].key) != NULL) {
			writer->status = rv_error(writer->err, REEVE_ECONFIG,
			    "the member %s is set, and so is the key \"%s\" in "
			    "options: have one of them",
			    members[i].name, members[i].key);
		}
	}
}

static void
put_options(struct writer *writer, const char *options,
    const struct member *members, size_t n)
{
	struct rv_json *value = NULL;
	struct reeve_error why;

	if (options == NULL) {
		return;
	}
	if (rv_json_parse(&value, options, strlen(options), &why) != REEVE_OK) {
		if (writer->status == REEVE_OK) {
			writer->status = rv_error(writer->err, REEVE_EINVALID,
			    "options is no JSON: %.200s", why.text);
		}
		return;
	}
	if (rv_json_type(value) != RV_JSON_OBJECT) {
		refuse(writer, "options is no JSON object");
	} else if (rv_json_count(value) != 0) {
		check_clashes(writer, value, members, n);
		put_members(writer, options);
	}
	rv_json_free(value);
}

static enum reeve_status
end(struct writer *writer, char **out)
{
	rv_jsonw_object_end(&writer->w);
	if (writer->status == REEVE_OK && writer->text.failed) {
		writer->status = rv_error(writer->err, REEVE_ETOOBIG,
		    "its options are larger than %d bytes", TEXT_MAX);
	}
	if (writer->status == REEVE_OK) {
		*out = rv_buf_steal(&writer->text);
	}
	rv_buf_finish(&writer->text);
	return writer->status;
}

static void
put_window(struct writer *writer, uint32_t intensity, int64_t period_ms)
{
	if (intensity == REEVE_UNLIMITED) {
		put_str(writer, "intensity", "unlimited");
	} else if (intensity != 0) {
		rv_jsonw_key(&writer->w, "intensity");
		rv_jsonw_uint(&writer->w, intensity);
	}
	put_ms(writer, "period", period_ms);
}

enum reeve_status
rv_face_supervisor_json(char **out, const struct reeve_supervisor_options *o,
    struct reeve_error *err)
{
	const struct member members[] = {
		{ "strategy", "strategy", o->strategy != 0 },
		{ "restart", "autorestart", o->restart != 0 },
		{ "intensity", "intensity", o->intensity != 0 },
		{ "period_ms", "period", o->period_ms != 0 },
		{ "depends_on", "depends_on", o->depends_on != NULL },
	};
	struct writer writer;

	begin(&writer, err);
	put_word(&writer, "strategy", strategies, RV_ARRAY_LEN(strategies),
	    o->strategy);
	put_word(&writer, "autorestart", restarts, RV_ARRAY_LEN(restarts),
	    o->restart);
	put_window(&writer, o->intensity, o->period_ms);
	put_list(&writer, "depends_on", o->depends_on);
	put_options(&writer, o->options, members, RV_ARRAY_LEN(members));
	return end(&writer, out);
}

/* Bytes go through the config as base64. */
static void
put_bytes(struct writer *writer, const char *key, const void *bytes, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *at = bytes;

	if (bytes == NULL) {
		return;
	}
	rv_jsonw_key(&writer->w, key);
	rv_jsonw_raw(&writer->w, "\"");
	for (size_t i = 0; i < n; i += 3) {
		uint32_t three = (uint32_t)at[i] << 16;
		char four[4];

		three |= i + 1 < n ? (uint32_t)at[i + 1] << 8 : 0;
		three |= i + 2 < n ? (uint32_t)at[i + 2] : 0;
		four[0] = digits[three >> 18];
		four[1] = digits[three >> 12 & 63];
		four[2] = i + 1 < n ? digits[three >> 6 & 63] : '=';
		four[3] = i + 2 < n ? digits[three & 63] : '=';
		rv_buf_add(&writer->text, four, sizeof(four));
	}
	rv_buf_addc(&writer->text, '"');
}

static void
put_program(struct writer *writer, const struct reeve_worker_options *o)
{
	unsigned ways =
	    (o->command != NULL) + (o->argv != NULL) + (o->function != NULL);

	if (ways > 1) {
		refuse(writer,
		    "it has more than one of command, argv and function");
	}
	if (o->args != NULL && o->bytes != NULL) {
		refuse(writer, "it has both args and bytes");
	}
	if (o->bytes == NULL && o->n_bytes != 0) {
		refuse(writer, "bytes is NULL and n_bytes is not 0");
	}
	put_str(writer, "command", o->command);
	put_list(writer, "command", o->argv);
	put_str(writer, "function", o->function);
	put_json(writer, "args", o->args);
	put_bytes(writer, "args_base64", o->bytes, o->n_bytes);
}

static void
put_environment(struct writer *writer, const char *const *list)
{
	if (list == NULL) {
		return;
	}
	rv_jsonw_key(&writer->w, "environment");
	rv_jsonw_object(&writer->w);
	for (; *list != NULL; list++) {
		const char *eq = strchr(*list, '=');
		char name[256];

		if (eq == NULL || (size_t)(eq - *list) >= sizeof(name)) {
			refuse(writer, "environment has what is no KEY=VALUE");
			break;
		}
		memcpy(name, *list, (size_t)(eq - *list));
		name[eq - *list] = '\0';
		put_str(writer, name, eq + 1);
	}
	rv_jsonw_object_end(&writer->w);
}

static void
put_heartbeat(struct writer *writer, const struct reeve_worker_options *o)
{
	if (o->heartbeat_ms == 0) {
		if (o->unheard != REEVE_UNHEARD_DEFAULT) {
			refuse(writer,
			    "unheard is set and heartbeat_ms is not: a "
			    "heartbeat in options has its action there");
		}
		return;
	}
	rv_jsonw_key(&writer->w, "heartbeat");
	rv_jsonw_object(&writer->w);
	put_ms(writer, "interval", o->heartbeat_ms);
	put_word(
	    writer, "action", unheards, RV_ARRAY_LEN(unheards), o->unheard);
	rv_jsonw_object_end(&writer->w);
}

enum reeve_status
rv_face_worker_json(
    char **out, const struct reeve_worker_options *o, struct reeve_error *err)
{
	const struct member members[] = {
		{ "command", "command", o->command != NULL },
		{ "argv", "command", o->argv != NULL },
		{ "function", "function", o->function != NULL },
		{ "args", "args", o->args != NULL },
		{ "bytes", "args_base64", o->bytes != NULL },
		{ "method", "start_method", o->method != 0 },
		{ "restart", "autorestart", o->restart != 0 },
		{ "instances", "numprocs", o->instances != 0 },
		{ "ready_notify", "ready", o->ready_notify },
		{ "manual", "autostart", o->manual },
		{ "heartbeat_ms", "heartbeat", o->heartbeat_ms != 0 },
		{ "stop_ms", "stopwaitsecs", o->stop_ms != 0 },
		{ "directory", "directory", o->directory != NULL },
		{ "environment", "environment", o->environment != NULL },
		{ "listen", "listen", o->listen != NULL },
		{ "depends_on", "depends_on", o->depends_on != NULL },
		{ "overlap", "overlap", o->overlap },
		{ "intensity", "intensity", o->intensity != 0 },
		{ "period_ms", "period", o->period_ms != 0 },
	};
	struct writer writer;

	begin(&writer, err);
	put_program(&writer, o);
	put_word(
	    &writer, "start_method", methods, RV_ARRAY_LEN(methods), o->method);
	put_word(&writer, "autorestart", restarts, RV_ARRAY_LEN(restarts),
	    o->restart);
	if (o->instances != 0) {
		rv_jsonw_key(&writer.w, "numprocs");
		rv_jsonw_uint(&writer.w, o->instances);
	}
	put_str(&writer, "ready", o->ready_notify ? "notify" : NULL);
	if (o->manual) {
		rv_jsonw_key(&writer.w, "autostart");
		rv_jsonw_bool(&writer.w, false);
	}
	put_heartbeat(&writer, o);
	if (o->overlap) {
		rv_jsonw_key(&writer.w, "overlap");
		rv_jsonw_object(&writer.w);
		rv_jsonw_object_end(&writer.w);
	}
	put_window(&writer, o->intensity, o->period_ms);
	put_ms(&writer, "stopwaitsecs", o->stop_ms);
	put_str(&writer, "directory", o->directory);
	put_environment(&writer, o->environment);
	put_list(&writer, "listen", o->listen);
	put_list(&writer, "depends_on", o->depends_on);
	put_options(&writer, o->options, members, RV_ARRAY_LEN(members));
	return end(&writer, out);
}
