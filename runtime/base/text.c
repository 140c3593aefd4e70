/* SPDX-License-Identifier: MIT */
/* Small text: see text.h. Strict parsers, none of which knows the locale. */
#include "config.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t
rv_copy(char *dst, size_t size, const char *src)
{
	size_t len = strlen(src);

	RV_ASSERT(size > 0);
	len = RV_MIN(len, size - 1);
	memcpy(dst, src, len);
	dst[len] = '\0';
	return len;
}

size_t
rv_format(char *dst, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	RV_ASSERT(size > 0);
	va_start(args, fmt);
	n = vsnprintf(dst, size, fmt, args);
	va_end(args);
	return n < 0 ? 0 : RV_MIN((size_t)n, size - 1);
}

bool
rv_parse_int(const char *s, int64_t min, int64_t max, int64_t *out)
{
	long long v;
	char *end;

	if (!(s[0] >= '0' && s[0] <= '9') &&
	    !(s[0] == '-' && s[1] >= '0' && s[1] <= '9')) {
		return false;
	}
	errno = 0;
	v = strtoll(s, &end, 10);
	if (*end != '\0' || errno != 0 || v < min || v > max) {
		return false;
	}
	*out = v;
	return true;
}

/*
 * "12" or "1.5" at *s as a whole number of units; moves *s behind it. Nine
 * digits after the point are kept, more are cut.
 */
static bool
parse_scaled(const char **s, uint64_t unit, uint64_t *out)
{
	uint64_t whole = 0, part = 0, scale = 1, product;
	const char *p = *s;

	if (*p < '0' || *p > '9') {
		return false;
	}
	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(whole, (uint64_t)10, &whole) ||
		    __builtin_add_overflow(
			whole, (uint64_t)(*p - '0'), &whole)) {
			return false;
		}
	}
	if (*p == '.') {
		/* There is no half a byte. */
		if (unit == 1 || p[1] < '0' || p[1] > '9') {
			return false;
		}
		for (p++; *p >= '0' && *p <= '9'; p++) {
			if (scale < 1000000000) {
				part = part * 10 + (uint64_t)(*p - '0');
				scale *= 10;
			}
		}
	}
	if (__builtin_mul_overflow(whole, unit, &product) ||
	    __builtin_add_overflow(product,
		(uint64_t)((double)part / (double)scale * (double)unit + 0.5),
		out)) {
		return false;
	}
	*s = p;
	return true;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* A number and one of these units (or none: the first). */
static bool
parse_with_unit(
    const char *s, const struct unit *units, size_t n, uint64_t *out)
{
	const char *number = s;
	const char *name = s + strspn(s, "0123456789.");

	for (size_t i = 0; i < n; i++) {
		if (strcmp(name, units[i].name) == 0) {
			return parse_scaled(&number, units[i].factor, out) &&
			       number == name;
		}
	}
	return false;
}

bool
rv_parse_duration(const char *s, rv_time *out)
{
	static const struct unit units[] = {
		{ "", RV_SEC },
		{ "ms", RV_MS },
		{ "s", RV_SEC },
		{ "m", RV_MINUTE },
		{ "h", RV_HOUR },
		{ "d", RV_DAY },
	};
	uint64_t v;

	if (!parse_with_unit(s, units, RV_ARRAY_LEN(units), &v) ||
	    v > INT64_MAX) {
		return false;
	}
	*out = (rv_time)v;
	return true;
}

bool
rv_parse_size(const char *s, uint64_t *out)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "B", 1 },
		{ "KiB", UINT64_C(1) << 10 },
		{ "MiB", UINT64_C(1) << 20 },
		{ "GiB", UINT64_C(1) << 30 },
		{ "TiB", UINT64_C(1) << 40 },
		{ "kB", UINT64_C(1000) },
		{ "KB", UINT64_C(1000) },
		{ "MB", UINT64_C(1000000) },
		{ "GB", UINT64_C(1000000000) },
		{ "TB", UINT64_C(1000000000000) },
	};

	return parse_with_unit(s, units, RV_ARRAY_LEN(units), out);
}

size_t
rv_format_duration(char *dst, size_t size, rv_time t)
{
	static const struct unit units[] = {
		{ "d", RV_DAY },
		{ "h", RV_HOUR },
		{ "m", RV_MINUTE },
		{ "s", RV_SEC },
		{ "ms", RV_MS },
	};
	size_t len = 0;

	if (t == RV_FOREVER) {
		return rv_copy(dst, size, "forever");
	}
	t = t / RV_MS * RV_MS;
	if (t <= 0) {
		return rv_copy(dst, size, "0s");
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(units); i++) {
		uint64_t n = (uint64_t)t / units[i].factor;

		if (n != 0 && len < size) {
			len += rv_format(dst + len, size - len, "%llu%s",
			    (unsigned long long)n, units[i].name);
			t -= (rv_time)(n * units[i].factor);
		}
	}
	return len;
}

/* Length of one valid UTF-8 sequence at s (Unicode 15, table 3-7), or 0. */
static size_t
utf8_one(const unsigned char *s, size_t len)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t n;

	if (s[0] < 0x80) {
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		n = 2;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		n = 3;
		lo = s[0] == 0xe0 ? 0xa0 : 0x80;
		hi = s[0] == 0xed ? 0x9f : 0xbf;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		n = 4;
		lo = s[0] == 0xf0 ? 0x90 : 0x80;
		hi = s[0] == 0xf4 ? 0x8f : 0xbf;
	} else {
		return 0;
	}
	if (len < n || s[1] < lo || s[1] > hi) {
		return 0;
	}
	for (size_t i = 2; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	return n;
}

size_t
rv_utf8_valid(const char *s, size_t len)
{
	size_t at = 0, n;

	while (at < len) {
		n = utf8_one((const unsigned char *)s + at, len - at);
		if (n == 0) {
			break;
		}
		at += n;
	}
	return at;
}

/* Match c against the set at *p ("[a-z]"), moving *p behind it. */
static bool
glob_set(const char **p, char c)
{
	const char *s = *p + 1;
	bool negate = *s == '!' || *s == '^', hit = false;

	s += negate;
	for (bool first = true; *s != '\0' && (*s != ']' || first);
	     first = false) {
		char lo = *s, hi = *s;

		if (s[1] == '-' && s[2] != ']' && s[2] != '\0') {
			hi = s[2];
			s += 2;
		}
		hit = hit || (c >= lo && c <= hi);
		s++;
	}
	if (*s != ']') {
		return false;
	}
	*p = s + 1;
	return hit != negate;
}

bool
rv_glob(const char *pattern, const char *text)
{
	const char *p = pattern, *t = text;
	const char *star = NULL, *star_text = NULL;

	for (;;) {
		const char *next = p;

		if (*p == '*') {
			star = ++p;
			star_text = t;
			continue;
		}
		if (*t == '\0') {
			return *p == '\0';
		}
		if (*p == '?' || (*p == *t && *p != '[')) {
			p++;
			t++;
			continue;
		}
		if (*p == '[' && glob_set(&next, *t)) {
			p = next;
			t++;
			continue;
		}
		if (star == NULL) {
			return false;
		}
		p = star;
		t = ++star_text;
	}
}

bool
rv_is_glob(const char *pattern)
{
	return strpbrk(pattern, "*?[") != NULL;
}

unsigned
rv_distance(const char *a, const char *b)
{
	enum { MAX = 48 };
	size_t la = strlen(a), lb = strlen(b);
	unsigned rows[3][MAX + 1];

	if (la > MAX || lb > MAX) {
		return 4;
	}
	for (size_t j = 0; j <= lb; j++) {
		rows[0][j] = (unsigned)j;
	}
	for (size_t i = 1; i <= la; i++) {
		unsigned *row = rows[i % 3], *prev = rows[(i - 1) % 3];
		unsigned *prev2 = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned best = prev[j - 1] + (a[i - 1] != b[j - 1]);

			best = RV_MIN(best, prev[j] + 1);
			best = RV_MIN(best, row[j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1]) {
				best = RV_MIN(best, prev2[j - 2] + 1);
			}
			row[j] = best;
		}
	}
	return RV_MIN(rows[la % 3][lb], 4u);
}
