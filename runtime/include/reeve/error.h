/* SPDX-License-Identifier: MIT */
/*
 * What went wrong, in words for a person. The caller owns the struct (usually
 * on the stack) and may pass NULL where it wants none. It is filled once, at
 * the lowest place that knows, and given more context on the way up. Read it
 * only after a function returned something else than REEVE_OK.
 */
#ifndef REEVE_ERROR_H
#define REEVE_ERROR_H

#include <reeve/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_error {
	enum reeve_status status;
	int sys_errno; /* errno of the failing call, 0 where there is none */
	int stage;     /* step of a launch that failed, 0 elsewhere */
	int line;      /* 1-based place in a config file, 0 elsewhere */
	int column;    /* 1-based, in bytes */
	int reserved[4];
	char where[192]; /* file or path of the unit, "" if none */
	char text[576];  /* one line without a full stop: "cannot ..." */
};

#ifdef __cplusplus
}
#endif

#endif
