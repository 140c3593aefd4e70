/* SPDX-License-Identifier: MIT */
/* The JSON writer: commas, escapes, and U+FFFD for what is not UTF-8. */
#include "config.h"

#include "base/jsonw.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void
rv_jsonw_init(struct rv_jsonw *w, struct rv_buf *out)
{
	*w = (struct rv_jsonw){ .out = out };
}

static void
before_value(struct rv_jsonw *w)
{
	if (w->after_key) {
		w->after_key = false;
		return;
	}
	if (w->comma[w->depth]) {
		rv_buf_addc(w->out, ',');
	}
	w->comma[w->depth] = true;
}

static void
open_level(struct rv_jsonw *w, char bracket)
{
	before_value(w);
	rv_buf_addc(w->out, bracket);
	RV_ASSERT(w->depth + 1 < RV_JSONW_DEPTH);
	w->comma[++w->depth] = false;
}

static void
close_level(struct rv_jsonw *w, char bracket)
{
	RV_ASSERT(w->depth > 0 && !w->after_key);
	w->depth--;
	rv_buf_addc(w->out, bracket);
}

void
rv_jsonw_object(struct rv_jsonw *w)
{
	open_level(w, '{');
}

void
rv_jsonw_object_end(struct rv_jsonw *w)
{
	close_level(w, '}');
}

void
rv_jsonw_array(struct rv_jsonw *w)
{
	open_level(w, '[');
}

void
rv_jsonw_array_end(struct rv_jsonw *w)
{
	close_level(w, ']');
}

void
rv_jsonw_key(struct rv_jsonw *w, const char *key)
{
	rv_jsonw_str(w, key);
	rv_buf_addc(w->out, ':');
	w->after_key = true;
}

/* Length of the run of printable ASCII at s that needs no escape. */
static size_t
plain_run(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len) {
		unsigned char c = (unsigned char)s[n];

		if (c < 0x20 || c == '"' || c == '\\' || c >= 0x7f) {
			break;
		}
		n++;
	}
	return n;
}

static void
escape(struct rv_buf *out, unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *hit = c != 0 ? strchr(from, c) : NULL;

	if (hit != NULL) {
		rv_buf_addc(out, '\\');
		rv_buf_addc(out, to[hit - from]);
	} else {
		rv_buf_addf(out, "\\u%04x", c);
	}
}

/* Length of the one valid UTF-8 sequence at s (a lead byte), or 0. */
static size_t
sequence(const char *s, size_t len)
{
	unsigned char lead = (unsigned char)*s;
	size_t want = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

	return rv_utf8_valid(s, RV_MIN(len, want));
}

void
rv_jsonw_strn(struct rv_jsonw *w, const char *s, size_t len)
{
	before_value(w);
	rv_buf_addc(w->out, '"');
	while (len > 0) {
		bool ascii = (unsigned char)*s < 0x80;
		size_t n = ascii ? plain_run(s, len) : sequence(s, len);

		if (n != 0) {
			rv_buf_add(w->out, s, n);
		} else if (ascii) {
			escape(w->out, (unsigned char)*s);
		} else {
			rv_buf_adds(w->out, "\xef\xbf\xbd");
		}
		n = RV_MAX(n, (size_t)1);
		s += n;
		len -= n;
	}
	rv_buf_addc(w->out, '"');
}

void
rv_jsonw_str(struct rv_jsonw *w, const char *s)
{
	if (s == NULL) {
		rv_jsonw_null(w);
	} else {
		rv_jsonw_strn(w, s, strlen(s));
	}
}

void
rv_jsonw_int(struct rv_jsonw *w, int64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, v);
	rv_jsonw_raw(w, text);
}

void
rv_jsonw_uint(struct rv_jsonw *w, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	rv_jsonw_raw(w, text);
}

/* A host may have set a locale whose decimal point is none, of any length. */
static void
mend_point(char *text)
{
	char *from, *to = text;
	bool seen = false;

	for (from = text; *from != '\0'; from++) {
		if (strchr("0123456789+-e", *from) != NULL) {
			*to++ = *from;
		} else if (!seen) {
			*to++ = '.';
			seen = true;
		}
	}
	*to = '\0';
}

void
rv_jsonw_double(struct rv_jsonw *w, double v)
{
	char text[40];

	if (!isfinite(v)) {
		rv_jsonw_null(w);
		return;
	}
	/* The shortest that reads back as the same number. */
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v) {
			break;
		}
	}
	mend_point(text);
	rv_jsonw_raw(w, text);
}

void
rv_jsonw_bool(struct rv_jsonw *w, bool v)
{
	rv_jsonw_raw(w, v ? "true" : "false");
}

void
rv_jsonw_null(struct rv_jsonw *w)
{
	rv_jsonw_raw(w, "null");
}

void
rv_jsonw_raw(struct rv_jsonw *w, const char *json)
{
	before_value(w);
	rv_buf_adds(w->out, json);
}
