/* SPDX-License-Identifier: MIT */
/*
 * What the core needs to know of one unit: plain numbers, frozen once a config
 * is loaded. Defaults and ranges are in config/schema.def; rules are in
 * core/README.md. Times are rv_time (nanoseconds).
 */
#ifndef RV_CORE_POLICY_H
#define RV_CORE_POLICY_H

#include "base/base.h"
#include "base/time.h"

enum rv_unit_kind { RV_WORKER, RV_SUPERVISOR };
enum rv_strategy { RV_ONE_FOR_ONE, RV_ONE_FOR_ALL, RV_REST_FOR_ONE };
/* permanent = true, transient = "unexpected", temporary = false */
enum rv_restart { RV_PERMANENT, RV_TRANSIENT, RV_TEMPORARY };
enum rv_on_fatal { RV_FATAL_STAY, RV_FATAL_ESCALATE };
enum rv_auto_shutdown { RV_SHUTDOWN_NEVER, RV_SHUTDOWN_ANY, RV_SHUTDOWN_ALL };
/* STARTED: startsecs have passed; TOLD: an RV_EV_READY event says so */
enum rv_ready_how { RV_READY_STARTED, RV_READY_TOLD };
enum rv_kill_mode { RV_KILL_GROUP, RV_KILL_PROCESS, RV_KILL_CGROUP };
enum rv_hb_action { RV_HB_RESTART, RV_HB_ABORT, RV_HB_REPORT };

#define RV_UNLIMITED      UINT32_MAX /* intensity */
#define RV_STOP_STEPS_MAX 8

struct rv_stop_step {
	int signo;
	rv_time wait; /* until the next step, or KILL; RV_FOREVER allowed */
};

struct rv_backoff {
	rv_time initial;       /* delay of the first restart, usually 0 */
	rv_time min, max;      /* of the second, and the cap */
	uint32_t factor_milli; /* 2000 = doubles */
	uint32_t jitter_milli; /* 100 = up to +10 % */
	rv_time reset_after;   /* up this long: starts again at initial */
};

struct rv_policy {
	enum rv_unit_kind kind;

	/* as a child */
	enum rv_restart restart;
	bool autostart;
	bool significant;
	bool aside; /* one beside another: its supervisor does not mind it;
		       not under a group strategy */
	enum rv_on_fatal on_fatal;
	struct rv_backoff backoff;

	/* a worker */
	rv_time startsecs;
	rv_time start_timeout; /* RV_FOREVER: none */
	uint32_t startretries;
	enum rv_ready_how ready;
	uint8_t exitcodes[32]; /* bit set of expected exit codes */
	struct rv_stop_step stop[RV_STOP_STEPS_MAX];
	unsigned n_stop;
	bool stop_group;
	enum rv_kill_mode kill_mode;
	rv_time hb_interval; /* 0: no heartbeat */
	uint32_t hb_misses;
	enum rv_hb_action hb_action;

	/* a supervisor */
	enum rv_strategy strategy;
	uint32_t intensity;
	rv_time period;
	enum rv_auto_shutdown auto_shutdown;
};

#endif
