/* SPDX-License-Identifier: MIT */
/*
 * Small text: parsing numbers strictly, bounded copies, UTF-8 checks, globs,
 * names of signals, durations and sizes. Nothing here depends on the locale.
 */
#ifndef RV_TEXT_H
#define RV_TEXT_H

#include "base/base.h"
#include "base/time.h"

/* Copy with truncation; always a NUL (size > 0). Returns strlen(dst). */
size_t rv_copy(char *dst, size_t size, const char *src);

/* snprintf into dst, returning the length that is in dst (not the wanted). */
size_t rv_format(char *dst, size_t size, const char *fmt, ...) RV_PRINTF(3, 4);

/* The whole of s as a decimal number within [min, max]; false otherwise. */
bool rv_parse_int(const char *s, int64_t min, int64_t max, int64_t *out);

/* "250ms" "5s" "2m" "1h" "30d", or a decimal number of seconds "1.5". */
bool rv_parse_duration(const char *s, rv_time *out);

/* "64MiB" (1024), "1GB" (1000), KiB MiB GiB TiB kB KB MB GB TB, or bytes. */
bool rv_parse_size(const char *s, uint64_t *out);

/* "1m30s"-like shortest exact text of a duration: "250ms", "5s", "1h30m". */
size_t rv_format_duration(char *dst, size_t size, rv_time t);

/* TERM, SIGTERM, 15, any case; 0 for none. Realtime: "RTMIN+3", "34". */
int rv_signal_number(const char *name);

/* "SIGTERM"; "SIGRTMIN+3"; "signal 77" outside. In buf unless static. */
const char *rv_signal_name(int signo, char buf[static 24]);

/* "ENOENT" for 2; "E?" when unknown. Static. */
const char *rv_errno_name(int sys_errno);

/* Length of the longest valid UTF-8 prefix of s[0..len). */
size_t rv_utf8_valid(const char *s, size_t len);

/* Shell pattern over a unit's path: * ? [..]; `*` also crosses '/'. */
bool rv_glob(const char *pattern, const char *text);

/* True when the text contains a glob character. */
bool rv_is_glob(const char *pattern);

/* Edit distance (Damerau, capped at 4): for "did you mean". */
unsigned rv_distance(const char *a, const char *b);

#endif
