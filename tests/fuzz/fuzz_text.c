/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target over the small text of base: every parser, and the JSON writer,
 * whose output must be one string of valid UTF-8 whatever goes in.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_parsers(const char *text)
{
	char buf[64], name[24];
	rv_time t;
	uint64_t bytes;
	int64_t n;
	int signo = rv_signal_number(text);

	if (rv_parse_duration(text, &t)) {
		RV_ASSERT(t >= 0);
		RV_ASSERT(rv_format_duration(buf, sizeof(buf), t) > 0);
	}
	if (rv_parse_int(text, -7, 7, &n)) {
		RV_ASSERT(n >= -7 && n <= 7);
	}
	(void)rv_parse_size(text, &bytes);
	if (signo != 0 && signo != 32 && signo != 33) {
		RV_ASSERT(
		    rv_signal_number(rv_signal_name(signo, name)) == signo);
	}
	RV_ASSERT(rv_distance(text, text) == 0 || strlen(text) > 48);
}

/* The first byte says where the pattern ends and the text begins. */
static void
check_glob(char *text, size_t size)
{
	size_t at = size > 1 ? (unsigned char)text[0] % size : 0;

	if (size > 1 && size < 256) {
		text[at] = '\0';
		(void)rv_glob(text + (at > 0), text + at + 1);
		RV_ASSERT(rv_glob("*", text + at + 1));
	}
}

static void
check_json(const char *data, size_t size)
{
	struct rv_buf buf;
	struct rv_jsonw w;
	const char *json;

	rv_buf_init(&buf, 1 << 20);
	rv_jsonw_init(&w, &buf);
	rv_jsonw_strn(&w, data, size);
	json = rv_buf_str(&buf);
	if (!buf.failed) {
		RV_ASSERT(rv_utf8_valid(json, buf.len) == buf.len);
		RV_ASSERT(json[0] == '"' && json[buf.len - 1] == '"');
		for (size_t i = 1; i + 1 < buf.len; i++) {
			RV_ASSERT((unsigned char)json[i] >= 0x20);
			RV_ASSERT(json[i] != '"');
			/* Behind a backslash stands one byte at least. */
			i += json[i] == '\\';
			RV_ASSERT(i + 1 < buf.len);
		}
	}
	rv_buf_finish(&buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL) {
		abort();
	}
	if (size != 0) {
		memcpy(text, data, size);
	}
	text[size] = '\0';
	check_json(text, size);
	check_parsers(text);
	check_glob(text, size);
	free(text);
	return 0;
}
