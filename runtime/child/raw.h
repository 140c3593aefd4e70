/* SPDX-License-Identifier: MIT */
/*
 * System calls that touch nothing but registers: the result or minus errno,
 * no errno, no thread pointer. A child that shares the launcher's memory
 * shares its errno too, so that libc's wrappers are out of bounds there. For
 * this folder alone.
 */
#ifndef RV_CHILD_RAW_H
#define RV_CHILD_RAW_H

#include <sys/syscall.h>

#if defined(__x86_64__)

#define RV_RAW_CALLS 1

static inline __attribute__((always_inline)) long
raw_call(long number, long a, long b, long c, long d, long e)
{
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;

	__asm__ volatile(
	    "syscall"
	    : "=a"(result)
	    : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
	    : "rcx", "r11", "memory");
	return result;
}

#elif defined(__aarch64__)

#define RV_RAW_CALLS 1

static inline __attribute__((always_inline)) long
raw_call(long number, long a, long b, long c, long d, long e)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
			 : "memory");
	return x0;
}

#else

/* Elsewhere children get memory of their own, and errno with it. */
#define RV_RAW_CALLS 0

#include <errno.h>
#include <unistd.h>

static inline long
raw_call(long number, long a, long b, long c, long d, long e)
{
	long result = syscall(number, a, b, c, d, e);

	return result == -1 ? -errno : result;
}

#endif

/* Each pastes by itself: the name of a call may be a macro of some libc. */
#define RAW(number, a, b, c, d, e) \
	raw_call(                  \
	    (number), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))
#define RAW5(call, a, b, c, d, e) RAW(SYS_##call, a, b, c, d, e)
#define RAW4(call, a, b, c, d)    RAW(SYS_##call, a, b, c, d, 0)
#define RAW3(call, a, b, c)       RAW(SYS_##call, a, b, c, 0, 0)
#define RAW2(call, a, b)          RAW(SYS_##call, a, b, 0, 0, 0)
#define RAW1(call, a)             RAW(SYS_##call, a, 0, 0, 0, 0)
#define RAW0(call)                RAW(SYS_##call, 0, 0, 0, 0, 0)

#endif
