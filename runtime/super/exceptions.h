/* SPDX-License-Identifier: MIT */
/*
 * What went wrong in workers, as they left it in their pages: told as
 * worker.exception, and what the end of a life is judged by. For this folder.
 */
#ifndef RV_SUPER_EXCEPTIONS_H
#define RV_SUPER_EXCEPTIONS_H

#include "base/buf.h"
#include "child/page.h"
#include "core/core.h"

struct rv_death;
struct rv_node;
struct rv_super;

/* Memory for one exception at a time, taken before any worker runs. */
struct rv_exceptions {
	struct rv_page_trouble *trouble;
	struct rv_page_map *maps; /* of the trouble, read once */
	struct rv_buf backtrace, registers, caused_by, data;
	/* of the life whose end is being told; NULL: of none */
	const struct rv_node *node;
	char reason[RV_PAGE_REASON_BYTES]; /* reeve_exit_reason */
	char start[512];    /* why it could not become its function */
	uint64_t slot_life; /* whose slot this is; 0: nobody's */
	unsigned char slot[RV_PAGE_SLOT_BYTES];
};

bool rv_exceptions_init(struct rv_super *);
void rv_exceptions_finish(struct rv_super *);

/* A worker says that there is something new in its page. */
void rv_exceptions_notified(struct rv_node *, uint64_t life);
/*
 * The process has ended: tell what is untold, take the rest of what the page
 * says into the death and the event, and give the page up.
 */
void rv_exceptions_end(
    struct rv_node *, uint64_t life, struct rv_death *, struct rv_event *);
/* All has been told of that end: nothing more is known of it. */
void rv_exceptions_ended(struct rv_super *);
/* What the page said of this end; "" for nothing. */
const char *rv_exceptions_reason(const struct rv_node *);
const char *rv_exceptions_start(const struct rv_node *);

#endif
