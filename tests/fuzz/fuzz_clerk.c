/* SPDX-License-Identifier: MIT */
/*
 * Frames of the clerk's two sockets, decoded as they come: to and from the
 * supervisor (first byte even) and the launcher (odd). What decodes is encoded
 * again and must come out the same.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "wire/clerk.h"
#include "wire/output.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
supervisor(const uint8_t *data, size_t size, unsigned n_fds)
{
	static struct rv_clerk_stray strays[RV_CLERK_STRAYS_MAX];
	static char again[RV_CLERK_FRAME_MAX];
	struct rv_clerk_frame frame;
	size_t len;

	if (!rv_clerk_decode(data, size, n_fds, &frame)) {
		return;
	}
	for (uint32_t i = 0; i < frame.n_strays; i++) {
		strays[i] = rv_clerk_stray_at(&frame, i);
	}
	len = rv_clerk_encode(again, sizeof(again), &frame, strays);
	if (len != 0 && (len != size || memcmp(again, data, size) != 0)) {
		abort();
	}
}

static void
launcher(const uint8_t *data, size_t size, unsigned n_fds)
{
	static char again[RV_OUTPUT_FRAME_MAX];
	struct rv_output_frame frame;
	size_t len;

	if (!rv_output_decode(data, size, n_fds, &frame)) {
		return;
	}
	if (frame.op == RV_OUTPUT_OPEN || frame.op == RV_OUTPUT_HAVE) {
		len = rv_output_encode(
		    again, sizeof(again), frame.op, &frame.output);
		if (len != 0 &&
		    (len != size || memcmp(again, data, size) != 0)) {
			abort();
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of the very size, so that a byte too far is seen. */
	uint8_t *frame = size > 0 ? malloc(size) : NULL;

	if (frame == NULL) {
		return 0;
	}
	memcpy(frame, data, size);
	if (data[0] % 2 == 0) {
		supervisor(frame + 1, size - 1, data[0] / 2 % 4);
	} else {
		launcher(frame + 1, size - 1, data[0] / 2 % 4);
	}
	free(frame);
	return 0;
}
