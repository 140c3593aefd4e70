/* SPDX-License-Identifier: MIT */
/*
 * One event of the log, as it is read from there (query.h) and as it happens
 * (watch.h). The kinds and what their details hold are in reeve-events(7).
 */
#ifndef REEVE_EVENT_H
#define REEVE_EVENT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Strings are borrowed for the call. */
struct reeve_event {
	uint64_t id;
	uint64_t life;      /* number of the process it is about; 0: of none */
	int64_t at_us;      /* Unix time */
	const char *run;    /* hex id of the run */
	const char *path;   /* of the unit; "/" is the root */
	const char *kind;   /* "worker.exited" */
	const char *detail; /* a JSON object */
};

#ifdef __cplusplus
}
#endif

#endif
