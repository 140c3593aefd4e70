/* SPDX-License-Identifier: MIT */
/*
 * The clocks and the source of randomness. All of the library reads time
 * here; the core must not (its time comes inside of its events).
 */
#include "config.h"

#include "sys/sys.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

rv_time
rv_sys_now(void)
{
	struct timespec ts;

	/* Cannot fail: the clock exists and the pointer is good. */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * RV_SEC + ts.tv_nsec;
}

int64_t
rv_sys_wall_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void
rv_sys_random_hex(char hex[static 33])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[16];
	ssize_t n;

	do {
		/* Up to 256 bytes come whole or not at all. */
		n = getrandom(bytes, sizeof(bytes), 0);
	} while (n == -1 && errno == EINTR);
	RV_ASSERT(n == sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[32] = '\0';
}
