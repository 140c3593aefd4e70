/* SPDX-License-Identifier: MIT */
/*
 * The one status type. Every function that can fail returns it: REEVE_OK is
 * zero, all others are negative. Results come through out-pointers, which are
 * untouched on failure. The list, with texts and exit codes, is status.def.
 */
#ifndef REEVE_STATUS_H
#define REEVE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#define REEVE_PUBLIC            __attribute__((visibility("default")))
#define REEVE_MUST_CHECK        __attribute__((warn_unused_result))
#define REEVE_FORMAT(fmt, args) __attribute__((format(printf, fmt, args)))

enum reeve_status {
#define X(name, number, exit_code, text) REEVE_##name = number,
#include <reeve/status.def>
#undef X
};

/* What a status means, in a few lower-case words; never NULL, static. */
REEVE_PUBLIC const char *reeve_status_text(enum reeve_status status);

/* "ENOENT" for REEVE_ENOENT; "?" for a number that is none of ours. Static. */
REEVE_PUBLIC const char *reeve_status_name(enum reeve_status status);

/* The exit code with which the command line reports this status. */
REEVE_PUBLIC int reeve_status_exit_code(enum reeve_status status);

#ifdef __cplusplus
}
#endif

#endif
