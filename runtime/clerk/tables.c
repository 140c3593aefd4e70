/* SPDX-License-Identifier: MIT */
/*
 * From the table of tables to SQL: see tables.h. Owns nothing; the words are
 * those that the manual page shows.
 */
#include "config.h"

#include "clerk/tables.h"

enum kind { END, TABLE, COLUMN, INDEX, VIEW };

static const struct {
	enum kind kind;
	const char *name, *sql;
} items[] = {
#define TABLE(name, doc)       { TABLE, #name, NULL },
#define COLUMN(name, sql, doc) { COLUMN, #name, sql },
#define INDEX(name, sql, doc)  { INDEX, #name, sql },
#define VIEW(name, doc, sql)   { VIEW, #name, sql },
#define VIEW_COLUMN(name, doc)
#include "clerk/tables.def"
	{ END, NULL, NULL },
};

void
rv_tables_sql(struct rv_buf *out)
{
	for (size_t i = 0; items[i].kind != END; i++) {
		const char *name = items[i].name, *sql = items[i].sql;

		switch (items[i].kind) {
		case TABLE:
			rv_buf_addf(out, "CREATE TABLE %s(", name);
			break;
		case COLUMN:
			rv_buf_addf(out, "%s %s%s", name, sql,
			    items[i + 1].kind == COLUMN ? ", " : ");");
			break;
		case INDEX:
			rv_buf_addf(out, "CREATE INDEX %s ON %s;", name, sql);
			break;
		case VIEW:
			rv_buf_addf(out, "CREATE VIEW %s AS %s;", name, sql);
			break;
		case END:
			break;
		}
	}
}
