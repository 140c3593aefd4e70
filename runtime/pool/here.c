/* SPDX-License-Identifier: MIT */
/*
 * Which process this is: see here.h. A word in a page that the kernel gives
 * zeroed to forks. Called by pools, results and imaps; it belongs to no thread
 * but that of its pool.
 */
#include "config.h"

#include "pool/here.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sys/sys.h"

struct rv_here {
	uint32_t *word; /* not 0 in the process that made it */
	size_t users;
};

struct rv_here *
rv_here_create(void)
{
	struct rv_here *here = rv_alloc(1, sizeof(*here));

	if (here == NULL) {
		return NULL;
	}
	here->word = rv_sys_mmap_own(sizeof(*here->word));
	if (here->word == NULL) {
		rv_free(here);
		return NULL;
	}
	*here->word = 1;
	here->users = 1;
	return here;
}

struct rv_here *
rv_here_ref(struct rv_here *here)
{
	if (here != NULL) {
		here->users++;
	}
	return here;
}

void
rv_here_unref(struct rv_here *here)
{
	if (here != NULL && --here->users == 0) {
		(void)munmap(here->word, sizeof(*here->word));
		rv_free(here);
	}
}

bool
rv_here_is(const struct rv_here *here, pid_t pid)
{
	return here != NULL ? *here->word != 0 : pid == getpid();
}
