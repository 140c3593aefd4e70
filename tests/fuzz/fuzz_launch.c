/* SPDX-License-Identifier: MIT */
/*
 * Frames between supervisor, launcher and clerk's pipes, and the text of notify
 * sockets: what is decoded at all can be walked, and encodes to the same.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "wire/launch.h"
#include "wire/notify.h"
#include "wire/output.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
walk(const struct rv_strings *strings)
{
	const char *s = strings->packed;
	size_t len = 0;

	for (uint32_t i = 0; i < strings->count; i++) {
		len += strlen(s) + 1;
		s = rv_strings_next(s);
	}
	if (len > strings->bytes) {
		abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rv_launch launch;
	static struct rv_launch_frame frame;
	static struct rv_output_frame output;
	static struct rv_notify_message message;

	if (rv_launch_decode(data, size, &launch)) {
		walk(&launch.argv);
		walk(&launch.env);
		if (launch.path == NULL ||
		    launch.n_limits > RV_LAUNCH_LIMITS_MAX ||
		    launch.keep.n_stop > RV_STOP_STEPS_MAX) {
			abort();
		}
	}
	if (rv_launch_decode_frame(data, size, &frame) &&
	    rv_launch_op_name(frame.op) == NULL) {
		abort();
	}
	for (unsigned n = 0; n <= RV_PACKET_FDS; n++) {
		if (rv_output_decode(data, size, n, &output) &&
		    rv_output_op_name(output.op) == NULL) {
			abort();
		}
		rv_notify_parse((const char *)data, size, n, &message);
		if (memchr(message.status, '\0', sizeof(message.status)) ==
		    NULL) {
			abort();
		}
	}
	return 0;
}
