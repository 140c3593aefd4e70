/* SPDX-License-Identifier: MIT */
/*
 * CRC-32C by the processor's instruction where there is one (SSE 4.2), else by
 * a table of 256 words that is made at compile time by the macros below.
 */
#include "config.h"

#include "base/crc.h"

#include <string.h>

#define POLY   UINT32_C(0x82f63b78)
#define S1(x)  (((x) >> 1) ^ (((x)&1u) != 0 ? POLY : 0u))
#define S2(x)  S1(S1(x))
#define S4(x)  S2(S2(x))
#define S8(x)  S4(S4((uint32_t)(x)))
#define R4(n)  S8(n), S8((n) + 1), S8((n) + 2), S8((n) + 3)
#define R16(n) R4(n), R4((n) + 4), R4((n) + 8), R4((n) + 12)
#define R64(n) R16(n), R16((n) + 16), R16((n) + 32), R16((n) + 48)
static const uint32_t table[256] = { R64(0), R64(64), R64(128), R64(192) };

static uint32_t
crc_table(uint32_t crc, const unsigned char *p, size_t len)
{
	while (len-- > 0) {
		crc = (crc >> 8) ^ table[(crc ^ *p++) & 0xff];
	}
	return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
crc_sse42(uint32_t crc, const unsigned char *p, size_t len)
{
	uint64_t wide = crc, word;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		wide = __builtin_ia32_crc32di(wide, word);
	}
	crc = (uint32_t)wide;
	while (len-- > 0) {
		crc = __builtin_ia32_crc32qi(crc, *p++);
	}
	return crc;
}
#endif

uint32_t
rv_crc32c(uint32_t crc, const void *data, size_t len)
{
	const unsigned char *p = data;

	crc = ~crc;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2")) {
		return ~crc_sse42(crc, p, len);
	}
#endif
	return ~crc_table(crc, p, len);
}
