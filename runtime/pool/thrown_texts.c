/* SPDX-License-Identifier: MIT */
/*
 * What a worker died of, kept until the task that it ran ends with it: texts of
 * its exception, and what wait says of the process.
 */
#include "config.h"

#include <sys/wait.h>

#include "base/alloc.h"
#include "pool/pool_priv.h"

void
rv_thrown_free(struct rv_thrown_texts *texts)
{
	rv_free(texts->type);
	rv_free(texts->message);
	rv_free(texts->backtrace);
	*texts = (struct rv_thrown_texts){ 0 };
}

/* The last one is what it ended of. Without memory there are fewer texts. */
void
rv_thrown_take(
    struct rv_thrown_texts *texts, const struct reeve_exception *exception)
{
	rv_thrown_free(texts);
	texts->type = rv_strdup(exception->type);
	texts->message = rv_strdup(exception->message);
	texts->backtrace = rv_strdup(exception->backtrace);
}

void
rv_death_status(struct rv_grave *grave, int wstatus)
{
	if (WIFSIGNALED(wstatus)) {
		grave->signo = WTERMSIG(wstatus);
		grave->core = WCOREDUMP(wstatus);
	} else if (WIFEXITED(wstatus)) {
		grave->code = WEXITSTATUS(wstatus);
	}
}
