/* SPDX-License-Identifier: MIT */
/* Prints every flaw that the worker's table can have, for tools/dev/mutate. */
#include "config.h"

#include "lib/rig.h"

int
main(void)
{
	rig_list_flaws();
	return 0;
}
