/* SPDX-License-Identifier: MIT */
/* Without libdw: see naming.h. There is nothing to be known, and it is said. */
#include "config.h"

#include "symbols/naming.h"

const char *
rv_names_lack(void)
{
	return "this reeve was built without libdw";
}

bool
rv_names_add(
    struct rv_module *m, uint64_t address, unsigned number, struct rv_buf *out)
{
	(void)m;
	(void)address;
	(void)number;
	(void)out;
	return false;
}
