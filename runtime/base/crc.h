/* SPDX-License-Identifier: MIT */
/* CRC-32C (Castagnoli, reflected 0x82f63b78), as iSCSI and ext4 use it. */
#ifndef RV_CRC_H
#define RV_CRC_H

#include "base/base.h"

/* Continue from `crc` (0 to begin). Pure; the table is constant data. */
uint32_t rv_crc32c(uint32_t crc, const void *data, size_t len);

#endif
