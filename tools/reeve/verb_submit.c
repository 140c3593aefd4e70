/* SPDX-License-Identifier: MIT */
/*
 * `reeve submit`: items to a pool of the config, and their results, in order.
 * Items go in batches, few of them at a time, so that a million lines fill
 * neither memory nor the socket, nor the pool for others.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/reeve/cli.h"

#define WINDOW     4   /* batches under way */
#define BATCH      256 /* items */
#define BATCH_SIZE (128 * 1024)
#define ITEM_MAX   (900 * 1024)
#define AGAIN_MS   20 /* when the pool is full of others' items */

/* Some items, from when they were read until their results are printed. */
struct batch {
	json_t *items, *results; /* results NULL: not there yet */
	uint64_t id;             /* of the request; 0: to be sent */
	int64_t send_at;
	size_t first; /* number of its first item, from 1 */
};

struct submit {
	struct cli *cli;
	struct reeve_client *client;
	const char *pool;
	/* where items come from */
	int next;   /* of the names */
	bool lines; /* of standard input, in the place of a name */
	bool ended; /* there are no more */
	char *text;
	size_t at, len, room;
	/* batches: a ring, in the order of their items */
	struct batch batches[WINDOW];
	size_t first, n, most; /* most: items of one */
	size_t n_items, n_bad;
	int64_t deadline; /* INT64_MAX: none */
	int code;
};

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
fail(struct submit *s, const struct reeve_error *err)
{
	s->code = cli_fail(err);
}

/* -------- items -------- */

static bool
fill(struct submit *s)
{
	ssize_t n;

	if (s->at > 0) {
		memmove(s->text, s->text + s->at, s->len - s->at);
		s->len -= s->at;
		s->at = 0;
	}
	if (s->len == s->room) {
		char *more = s->room < 2 * (size_t)ITEM_MAX
				 ? realloc(s->text, 2 * s->room + 65536)
				 : NULL;

		if (more == NULL) {
			cli_error("line %zu of standard input is too long: an "
				  "item has %d bytes at most",
			    s->n_items + 1, ITEM_MAX);
			s->code = CLI_FAILED;
			return false;
		}
		s->text = more;
		s->room = 2 * s->room + 65536;
	}
	n = read(STDIN_FILENO, s->text + s->len, s->room - s->len);
	if (n < 0 && errno != EINTR && errno != EAGAIN) {
		cli_error("cannot read standard input: %s", strerror(errno));
		s->code = CLI_FAILED;
	}
	s->len += n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* What was read, as far as it goes; false: nothing at present. */
static bool
take_line(struct submit *s, const char **text, size_t *len, bool eof)
{
	char *from = s->text + s->at;
	char *newline =
	    s->len > s->at ? memchr(from, '\n', s->len - s->at) : NULL;

	if (newline == NULL && (!eof || s->len == s->at)) {
		return false;
	}
	*text = from;
	*len = newline != NULL ? (size_t)(newline - from) : s->len - s->at;
	s->at += *len + (newline != NULL);
	return true;
}

static bool
is_ready(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static bool
next_line(struct submit *s, const char **text, size_t *len)
{
	while (!take_line(s, text, len, false)) {
		if (s->code != CLI_OK || !is_ready()) {
			return false;
		}
		if (!fill(s) && s->code == CLI_OK) {
			s->lines = false;
			return take_line(s, text, len, true);
		}
	}
	return true;
}

/* False: none at present, or none any more (ended). */
static bool
next_item(struct submit *s, const char **text, size_t *len)
{
	for (;;) {
		if (s->lines && next_line(s, text, len)) {
			return true;
		}
		if (s->lines || s->code != CLI_OK) {
			return false;
		}
		if (s->next >= s->cli->n_names) {
			s->ended = true;
			return false;
		}
		*text = s->cli->names[s->next++];
		if (strcmp(*text, "-") != 0) {
			*len = strlen(*text);
			return true;
		}
		s->lines = true;
	}
}

static json_t *
encode_base64(const unsigned char *data, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = malloc(len / 3 * 4 + 8), *to = text;
	json_t *value;

	for (size_t i = 0; text != NULL && i < len; i += 3) {
		size_t have = len - i < 3 ? len - i : 3;
		unsigned bits = (unsigned)data[i] << 16;

		bits |= have > 1 ? (unsigned)data[i + 1] << 8 : 0;
		bits |= have > 2 ? data[i + 2] : 0;
		for (size_t j = 0; j < 4; j++) {
			*to++ =
			    (char)(j <= have ? digits[bits >> (18 - 6 * j) & 63]
					     : '=');
		}
	}
	value = text != NULL ? json_stringn(text, (size_t)(to - text)) : NULL;
	free(text);
	return value;
}

/* NULL: said. */
static json_t *
make_item(struct submit *s, const char *text, size_t len)
{
	json_error_t why;
	json_t *value;

	if (len > ITEM_MAX) {
		cli_error("item %zu has %zu bytes: at most %d go over the "
			  "control socket",
		    s->n_items + 1, len, ITEM_MAX);
		return NULL;
	}
	if (s->cli->has[CLI_OPT_json]) {
		value = json_loadb(text, len, JSON_DECODE_ANY, &why);
		if (value == NULL) {
			cli_error("item %zu is no JSON, at byte %d: %s",
			    s->n_items + 1, why.position, why.text);
		}
		return value != NULL ? json_pack("{s:o}", "json", value) : NULL;
	}
	value =
	    memchr(text, '\0', len) == NULL ? json_stringn(text, len) : NULL;
	return value != NULL
		   ? json_pack("{s:o}", "text", value)
		   : json_pack("{s:o}", "base64",
			 encode_base64((const unsigned char *)text, len));
}

/* The next ones that are there; false: none. */
static bool
make_batch(struct submit *s)
{
	struct batch *b = &s->batches[(s->first + s->n) % WINDOW];
	json_t *items = json_array();
	size_t bytes = 0, len;
	const char *text;

	*b = (struct batch){ .items = items, .first = s->n_items + 1 };
	while (json_array_size(items) < s->most && bytes < BATCH_SIZE &&
	       next_item(s, &text, &len)) {
		json_t *item = make_item(s, text, len);

		if (item == NULL) {
			s->code = CLI_FAILED;
			break;
		}
		json_array_append_new(items, item);
		s->n_items++;
		bytes += len;
	}
	if (json_array_size(items) == 0 || s->code != CLI_OK) {
		json_decref(items);
		return false;
	}
	s->n++;
	return true;
}

/* -------- requests and answers -------- */

static void
send_batch(struct submit *s, struct batch *b)
{
	bool wait = !s->cli->has[CLI_OPT_no_wait];
	json_t *params = json_pack("{s:s, s:O, s:b}", "pool", s->pool, "items",
	    b->items, "wait", wait);
	char *text = json_dumps(params, JSON_COMPACT);
	struct reeve_error err = { 0 };

	if (text == NULL || reeve_client_send(s->client, "pool.submit", text,
				&b->id, &err) != REEVE_OK) {
		fail(s, &err);
	}
	free(text);
	json_decref(params);
}

static void
send_all(struct submit *s)
{
	for (size_t i = 0; i < s->n && s->code == CLI_OK; i++) {
		struct batch *b = &s->batches[(s->first + i) % WINDOW];

		if (b->id == 0 && b->send_at <= now_ms()) {
			send_batch(s, b);
		}
	}
}

static struct batch *
find(struct submit *s, uint64_t id)
{
	for (size_t i = 0; i < s->n; i++) {
		struct batch *b = &s->batches[(s->first + i) % WINDOW];

		if (b->id == id && b->results == NULL) {
			return b;
		}
	}
	return NULL;
}

static void
take_answer(
    struct submit *s, struct batch *b, const struct reeve_message *message)
{
	struct reeve_error err = { .status = message->status };
	const char *key = s->cli->has[CLI_OPT_no_wait] ? "ids" : "results";
	json_t *root;

	if (message->status == REEVE_EFULL) {
		b->id = 0;
		b->send_at = now_ms() + AGAIN_MS;
		return;
	}
	if (message->status != REEVE_OK) {
		snprintf(err.text, sizeof(err.text), "%s", message->text);
		fail(s, &err);
		return;
	}
	root = json_loads(message->json, 0, NULL);
	b->results = json_incref(json_object_get(root, key));
	json_decref(root);
	if (json_array_size(b->results) != json_array_size(b->items)) {
		cli_error("the runtime's answer is not one for each item");
		s->code = CLI_FAILED;
	}
}

static void
hear(struct submit *s)
{
	struct reeve_message message;
	struct reeve_error err;
	enum reeve_status status = REEVE_OK;

	while (s->code == CLI_OK && (status = reeve_client_next(s->client,
					 &message, &err)) == REEVE_OK) {
		struct batch *b =
		    message.method == NULL ? find(s, message.id) : NULL;

		if (b != NULL) {
			take_answer(s, b, &message);
		}
	}
	if (s->code == CLI_OK && status != REEVE_EAGAIN) {
		fail(s, &err);
	}
}

/* One that did not fit into its answer. */
static json_t *
fetch(struct submit *s, const json_t *id)
{
	json_t *answer = NULL, *result;

	s->code = cli_ask(
	    s->client, "pool.result", json_pack("{s:[O]}", "ids", id), &answer);
	result =
	    json_incref(json_array_get(json_object_get(answer, "results"), 0));
	json_decref(answer);
	return result;
}

/* -------- results -------- */

static void
print_bytes(const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, n = 0;

	for (; *text != '\0' && *text != '='; text++) {
		const char *at = strchr(digits, *text);

		bits = bits << 6 | (unsigned)(at != NULL ? at - digits : 0);
		if (++n % 4 != 1) {
			putchar((int)(bits >> (6 - 2 * ((n - 1) % 4)) & 255));
		}
	}
	putchar('\n');
}

static void
print_good(const json_t *result)
{
	const json_t *text = json_object_get(result, "text");
	const json_t *bytes = json_object_get(result, "base64");
	char *json;

	if (json_is_string(text)) {
		fwrite(json_string_value(text), 1, json_string_length(text),
		    stdout);
		putchar('\n');
	} else if (json_is_string(bytes)) {
		print_bytes(json_string_value(bytes));
	} else {
		json = json_dumps(json_object_get(result, "json"),
		    JSON_COMPACT | JSON_ENCODE_ANY);
		printf("%s\n", json != NULL ? json : "null");
		free(json);
	}
}

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

/* "item 3 died: SIGSEGV: ... (thumbs.2, pid 17)". */
static void
say_bad(size_t number, const json_t *result)
{
	const char *type = text_of(result, "type");
	const char *message = text_of(result, "message");
	const char *worker = text_of(result, "worker");
	bool where = worker[0] != '\0' && strstr(message, worker) == NULL;
	json_t *code = json_object_get(result, "code");
	char why[64] = "";

	if (strcmp(text_of(result, "outcome"), "too_big") == 0) {
		cli_error("item %zu: its result is larger than an answer of "
			  "the control socket can be",
		    number);
		return;
	}
	if (type[0] == '\0' && message[0] == '\0' && json_is_integer(code)) {
		snprintf(why, sizeof(why), ": code %d",
		    (int)json_integer_value(code));
	}
	cli_error("item %zu %s%s%s%s%s%s%s%s%s", number,
	    text_of(result, "outcome"), type[0] != '\0' ? ": " : "", type,
	    message[0] != '\0' ? ": " : "", message, why, where ? " (" : "",
	    where ? worker : "", where ? ")" : "");
}

static void
print_result(struct submit *s, size_t number, json_t *result)
{
	bool good = json_is_true(json_object_get(result, "ok"));

	s->n_bad += !good;
	if (s->cli->has[CLI_OPT_json]) {
		cli_print_json(result);
	} else if (good) {
		print_good(result);
	} else {
		fflush(stdout);
		say_bad(number, result);
	}
}

static void
print_batch(struct submit *s, struct batch *b)
{
	json_t *result;
	size_t i;

	json_array_foreach(b->results, i, result)
	{
		json_t *id = json_object_get(result, "id");
		json_t *fetched = NULL;

		if (json_is_integer(result)) {
			printf(s->cli->has[CLI_OPT_json]
				   ? "{\"id\":%" JSON_INTEGER_FORMAT "}\n"
				   : "%" JSON_INTEGER_FORMAT "\n",
			    json_integer_value(result));
			continue;
		}
		if (id != NULL) {
			fetched = fetch(s, id);
			if (s->code != CLI_OK) {
				return;
			}
		}
		print_result(
		    s, b->first + i, fetched != NULL ? fetched : result);
		json_decref(fetched);
	}
}

/* Those at the head that are there. */
static void
print_all(struct submit *s)
{
	while (s->n > 0 && s->code == CLI_OK) {
		struct batch *b = &s->batches[s->first];

		if (b->results == NULL) {
			break;
		}
		print_batch(s, b);
		json_decref(b->items);
		json_decref(b->results);
		s->first = (s->first + 1) % WINDOW;
		s->n--;
	}
	if (fflush(stdout) != 0) {
		s->code = CLI_FAILED; /* nobody reads any more */
	}
}

/* -------- the whole -------- */

static void
sleep_until_news(struct submit *s)
{
	struct pollfd fds[2] = {
		{ .fd = reeve_client_fd(s->client),
		    .events = reeve_client_events(s->client) },
		{ .fd = s->lines && s->n < WINDOW ? STDIN_FILENO : -1,
		    .events = POLLIN },
	};
	int64_t until = s->deadline, left;

	for (size_t i = 0; i < s->n; i++) {
		const struct batch *b = &s->batches[(s->first + i) % WINDOW];

		if (b->id == 0 && b->send_at < until) {
			until = b->send_at;
		}
	}
	left = until == INT64_MAX ? -1 : until - now_ms();
	if (until != INT64_MAX && left < 0) {
		left = 0;
	}
	poll(fds, 2, left > 1000000 ? 1000000 : (int)left);
	if (now_ms() >= s->deadline) {
		cli_error("timed out: %zu item%s had no result yet",
		    s->n_items + 1 - s->batches[s->first].first,
		    s->n_items + 1 - s->batches[s->first].first == 1 ? ""
								     : "s");
		s->code = CLI_FAILED;
	}
}

static void
go(struct submit *s)
{
	while (s->code == CLI_OK) {
		while (s->n < WINDOW && !s->ended && make_batch(s)) {
		}
		if (s->code != CLI_OK || (s->ended && s->n == 0)) {
			break;
		}
		send_all(s);
		hear(s);
		print_all(s);
		if (s->code == CLI_OK && (s->n > 0 || s->lines) &&
		    (s->n == WINDOW || s->ended || s->lines)) {
			sleep_until_news(s);
		}
	}
}

/* Half of what may wait there is for others. */
static int
look_at_pool(struct submit *s)
{
	json_t *answer = NULL, *pool;
	int code = cli_ask(s->client, "pool.stats", NULL, &answer);
	size_t i;

	s->most = BATCH;
	json_array_foreach(json_object_get(answer, "pools"), i, pool)
	{
		json_int_t most =
		    json_integer_value(json_object_get(pool, "max_waiting"));

		if (strcmp(text_of(pool, "pool"), s->pool) == 0 && most > 0 &&
		    (size_t)most < (size_t)2 * WINDOW * BATCH) {
			s->most = (size_t)most / ((size_t)2 * WINDOW) + 1;
		}
	}
	json_decref(answer);
	return code;
}

/* "5", "250ms", "2m"; INT64_MAX when it is none. */
static int64_t
parse_span(const char *text)
{
	static const struct {
		const char *name;
		double ms;
	} units[] = { { "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
		{ "h", 3600000 } };
	char *end;
	double number = strtod(text, &end);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (end != text && number >= 0 && number < 1e9 &&
		    strcmp(end, units[i].name) == 0) {
			return (int64_t)(number * units[i].ms);
		}
	}
	return INT64_MAX;
}

int
cli_verb_submit(struct cli *cli)
{
	struct submit s = { .cli = cli,
		.pool = cli->names[0],
		.next = 1,
		.deadline = INT64_MAX };
	int64_t span;

	if (cli->has[CLI_OPT_timeout]) {
		span = parse_span(cli->arg[CLI_OPT_timeout]);
		if (span == INT64_MAX) {
			cli_error("--timeout \"%s\" is no time: write 5s, "
				  "250ms or 2m",
			    cli->arg[CLI_OPT_timeout]);
			return CLI_USAGE;
		}
		s.deadline = now_ms() + span;
	}
	s.code = cli_connect(cli, &s.client);
	if (s.code == CLI_OK) {
		s.code = look_at_pool(&s);
	}
	if (s.code == CLI_OK) {
		go(&s);
	}
	for (size_t i = 0; i < s.n; i++) {
		struct batch *b = &s.batches[(s.first + i) % WINDOW];

		json_decref(b->items);
		json_decref(b->results);
	}
	free(s.text);
	reeve_client_close(s.client);
	return s.code == CLI_OK && s.n_bad > 0 ? CLI_FAILED : s.code;
}
