/* SPDX-License-Identifier: MIT */
/* The text that makes the tables of tables.def; for the store. */
#ifndef RV_CLERK_TABLES_H
#define RV_CLERK_TABLES_H

#include "base/buf.h"

/* Append CREATE statements for all tables, indexes and views. */
void rv_tables_sql(struct rv_buf *);

#endif
