/* SPDX-License-Identifier: MIT */
/*
 * Files that frames lie in: an input is such a file. What is read of its head
 * keeps to its bounds, twice the same. Names of functions are not looked for
 * here: that is libdw's, behind a jail.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "symbols/module.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect(bool good)
{
	if (!good) {
		abort();
	}
}

static void
look_at_segments(const struct rv_module *m)
{
	uint64_t address;

	expect(m->n_segments <= RV_MODULE_SEGMENTS);
	for (unsigned i = 0; i < m->n_segments; i++) {
		const struct rv_module_segment *s = &m->segments[i];
		uint64_t last = s->offset + s->filesz - 1;

		/* The first that has it says where it is. */
		if (s->filesz > 0 && last >= s->offset) {
			expect(rv_module_address(m, s->offset, &address));
			expect(rv_module_address(m, last, &address));
		}
		if (i == 0 && s->filesz > 0) {
			expect(rv_module_address(m, s->offset, &address) &&
			       address == s->vaddr);
		}
	}
	(void)rv_module_address(m, 0, &address);
	(void)rv_module_address(m, UINT64_MAX, &address);
}

static void
look_at(const struct rv_module *m)
{
	size_t len = strnlen(m->build_id, sizeof(m->build_id));

	expect(m->why != NULL || (m->fd != -1 && m->n_segments > 0));
	expect(m->doubt == NULL);
	expect(len < sizeof(m->build_id) && len % 2 == 0 &&
	       strspn(m->build_id, "0123456789abcdef") == len);
	look_at_segments(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rv_module m, again;
	char path[64], id[sizeof(m.build_id)];
	int fd = memfd_create("module", MFD_CLOEXEC);

	expect(fd != -1 && write(fd, data, size) == (ssize_t)size);
	rv_format(path, sizeof(path), "/proc/self/fd/%d", fd);
	rv_module_open(&m, path, NULL, 0);
	look_at(&m);
	rv_copy(id, sizeof(id), m.build_id);
	/* It is the build that it says it is, and no other. */
	rv_module_open(&again, path, id, 1);
	expect((again.why == NULL) == (m.why == NULL));
	rv_module_close(&again);
	rv_module_open(&again, path, "another", 1);
	expect(again.why != NULL);
	rv_module_close(&again);
	rv_module_close(&m);
	close(fd);
	return 0;
}
