/* SPDX-License-Identifier: MIT */
/*
 * What the callbacks of a context are to be told, in the order in which it
 * happened: kept during a turn of the loop, told at its end without the lock,
 * by the thread that ran the turn.
 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "process/process_priv.h"

static struct rv_news *
add(struct reeve_context *context, enum rv_news_kind kind,
    struct reeve_process *process, size_t n_text)
{
	struct rv_news *news = rv_alloc(1, sizeof(*news) + n_text);

	if (news != NULL) {
		news->kind = kind;
		news->process = process;
		rv_list_insert(&context->news, &news->link);
	}
	return news;
}

static void
drop(struct rv_news *news)
{
	rv_list_remove(&news->link);
	rv_free(news);
}

void
rv_news_said(struct reeve_process *process, const struct rv_say_head *head,
    const char *task, const char *text)
{
	struct rv_news *news;

	if (process->context->said == NULL) {
		return;
	}
	news = add(process->context, RV_NEWS_SAID, process,
	    (size_t)head->n_task + head->n_text + 2);
	if (news == NULL) {
		return;
	}
	memcpy(news->text, task, head->n_task);
	memcpy(news->text + head->n_task + 1, text, head->n_text);
	news->said = (struct reeve_said){ .size = sizeof(news->said),
		.process = process,
		.name = process->name,
		.pid = head->pid,
		.level = head->level,
		.at_us = head->at_us,
		.task = news->text,
		.text = news->text + head->n_task + 1 };
}

void
rv_news_ended(struct reeve_process *process)
{
	if (process->context->ended != NULL) {
		add(process->context, RV_NEWS_ENDED, process, 0);
	}
}

void
rv_news_trouble(struct reeve_context *context, const struct reeve_error *error)
{
	struct rv_news *news = context->trouble != NULL
				   ? add(context, RV_NEWS_TROUBLE, NULL, 0)
				   : NULL;

	if (news != NULL) {
		news->error = *error;
	}
}

static void
tell(struct reeve_context *context, struct rv_news *news)
{
	switch (news->kind) {
	case RV_NEWS_SAID:
		context->said(context->ctx, &news->said);
		break;
	case RV_NEWS_ENDED:
		context->ended(context->ctx, news->process);
		break;
	case RV_NEWS_TROUBLE:
		context->trouble(context->ctx, &news->error);
		break;
	}
}

/* Those that nobody holds: after what they said last was told. */
static void
destroy_gone(struct reeve_context *context)
{
	context->has_gone = false;
	RV_LIST_EACH_SAFE (
	    process, &context->processes, struct reeve_process, link) {
		if (process->detached && process->phase == RV_PHASE_ENDED) {
			rv_process_destroy(process);
		}
	}
}

void
rv_news_tell(struct reeve_context *context)
{
	while (!rv_list_empty(&context->news)) {
		struct rv_news *news =
		    RV_LIST_FIRST(&context->news, struct rv_news, link);

		rv_list_remove(&news->link);
		context->telling = news->process;
		pthread_mutex_unlock(&context->mutex);
		tell(context, news);
		pthread_mutex_lock(&context->mutex);
		context->telling = NULL;
		rv_free(news);
		pthread_cond_broadcast(&context->turned);
	}
	if (context->has_gone) {
		destroy_gone(context);
	}
}

void
rv_news_forget(
    struct reeve_context *context, const struct reeve_process *process)
{
	RV_LIST_EACH_SAFE (news, &context->news, struct rv_news, link) {
		if (process == NULL || news->process == process) {
			drop(news);
		}
	}
}
