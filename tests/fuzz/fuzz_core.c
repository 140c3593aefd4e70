/* SPDX-License-Identifier: MIT */
/*
 * The stream of events into the core: the bytes choose a tree, then events,
 * one after the other, by the random driver of the rig, which checks after
 * each whether all is as it must be. At the end the tree must come to its end.
 */
#include "config.h"

#include "lib/rig_chaos.h"

#define STEPS_MAX 2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rig_source source = {
		.data = data,
		.left = size,
		.bytes = true,
	};
	struct rig *rig = rig_chaos_open(&source);

	for (unsigned i = 0;
	     i < STEPS_MAX && !rig_dry(&source) && !rig->finished; i++) {
		rig_chaos_step(rig, &source);
	}
	rig_chaos_end(rig, &source);
	rig_close(rig);
	return 0;
}
