/* SPDX-License-Identifier: MIT */
/*
 * What tasks came to, as values and as errors of calls. Called by the methods.
 */
#include "config.h"

#include <string.h>

#include <reeve/sharedpool.h>

#include "sharedpool/shared_priv.h"

/* No value of the protocol is longer. */
#define VALUE_MAX ((size_t)1 << 30)

static const struct {
	const char *name;
	enum reeve_status status;
} outcomes[] = {
	[REEVE_OUTCOME_NONE] = { "none", REEVE_EFAILED },
	[REEVE_OUTCOME_GOOD] = { "good", REEVE_OK },
	[REEVE_OUTCOME_FAILED] = { "failed", REEVE_EFAILED },
	[REEVE_OUTCOME_DIED] = { "died", REEVE_EFAILED },
	[REEVE_OUTCOME_TIMED_OUT] = { "timed-out", REEVE_EFAILED },
	[REEVE_OUTCOME_CANCELLED] = { "cancelled", REEVE_ECANCELED },
	[REEVE_OUTCOME_BROKEN] = { "broken", REEVE_EFAILED },
};

static bool
is_good(const struct reeve_task_result *result)
{
	return result->outcome == REEVE_OUTCOME_GOOD;
}

static struct reeve_datum
value_of(const struct reeve_task_result *result)
{
	if (!is_good(result)) {
		return reeve_null();
	}
	return reeve_datum_of(
	    result->json ? REEVE_DATUM_JSON : REEVE_DATUM_BYTES,
	    result->length > 0 ? result->data : "", result->length);
}

static struct reeve_datum
text_of(const char *text)
{
	return reeve_text(text != NULL ? text : "");
}

static enum reeve_status
too_long(struct reeve_request *r)
{
	return reeve_request_fail(r, REEVE_ETOOBIG, "too-big",
	    "its result is longer than a value may be");
}

enum reeve_status
rv_answer_value(struct reeve_request *r, const struct reeve_task_result *result)
{
	struct reeve_datum value = value_of(result);
	bool has_type = result->type != NULL && result->type[0] != '\0';
	bool has_text = result->message != NULL && result->message[0] != '\0';

	if (!is_good(result)) {
		return reeve_request_fail(r, outcomes[result->outcome].status,
		    has_type ? result->type : outcomes[result->outcome].name,
		    "%s",
		    has_text ? result->message
			     : outcomes[result->outcome].name);
	}
	if (result->length > VALUE_MAX) {
		return too_long(r);
	}
	reeve_request_answer(r, &value);
	return REEVE_OK;
}

void
rv_answer_report(
    struct reeve_request *r, const struct reeve_task_result *result)
{
	struct reeve_datum values[REEVE_REPORT_VALUES] = {
		[REEVE_REPORT_VALUE] = value_of(result),
		[REEVE_REPORT_OUTCOME] =
		    reeve_text(outcomes[result->outcome].name),
		[REEVE_REPORT_TYPE] = text_of(result->type),
		[REEVE_REPORT_MESSAGE] = text_of(result->message),
		[REEVE_REPORT_BACKTRACE] = text_of(result->backtrace),
		[REEVE_REPORT_CODE] = reeve_int(result->code),
		[REEVE_REPORT_SIGNAL] = reeve_int(result->signo),
		[REEVE_REPORT_CORE] = reeve_bool(result->core_dumped),
		[REEVE_REPORT_PID] = reeve_int(result->pid),
		[REEVE_REPORT_WORKER] = text_of(result->worker),
		[REEVE_REPORT_ATTEMPTS] = reeve_int(result->attempts),
		[REEVE_REPORT_TOOK] = reeve_int(result->took),
	};

	for (size_t i = 0; i < REEVE_REPORT_VALUES; i++) {
		reeve_request_answer(r, &values[i]);
	}
}

/* Item i; results of a map are borrowed. */
static struct reeve_task_result
item(const struct reeve_results *results, size_t i)
{
	struct reeve_task_result result = { .size = sizeof(result) };

	if (reeve_results_get(results, i, &result) != REEVE_OK) {
		result.outcome = REEVE_OUTCOME_BROKEN;
	}
	return result;
}

enum reeve_status
rv_answer_map(struct reeve_request *r, const struct reeve_results *results)
{
	size_t n = reeve_results_n(results);
	struct reeve_datum value =
	    reeve_int((int64_t)reeve_results_bad(results));

	for (size_t i = 0; i < n; i++) {
		if (item(results, i).length > VALUE_MAX) {
			return too_long(r);
		}
	}
	reeve_request_answer(r, &value);
	for (size_t i = 0; i < n; i++) {
		struct reeve_task_result result = item(results, i);

		value = value_of(&result);
		reeve_request_answer(r, &value);
	}
	for (size_t i = 0; i < n && reeve_results_bad(results) > 0; i++) {
		struct reeve_task_result result = item(results, i);

		if (!is_good(&result)) {
			value = reeve_int((int64_t)i);
			reeve_request_answer(r, &value);
			rv_answer_report(r, &result);
		}
	}
	return REEVE_OK;
}

enum reeve_status
rv_answer_error(struct reeve_request *r, enum reeve_status status,
    const struct reeve_error *err)
{
	static const struct {
		enum reeve_status status, said;
		const char *type;
	} words[] = {
		{ REEVE_ENOENT, REEVE_ENOENT, "no-function" },
		{ REEVE_EFULL, REEVE_EFULL, "full" },
		{ REEVE_ECLOSED, REEVE_ECLOSED, "closed" },
		{ REEVE_EINVALID, REEVE_EINVALID, "arguments" },
		{ REEVE_ENOMEM, REEVE_ENOMEM, "memory" },
		/* that the manager's connection is broken would be another
		 * thing */
		{ REEVE_EBROKEN, REEVE_EFAILED, "broken" },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(words); i++) {
		if (words[i].status == status) {
			return reeve_request_fail(
			    r, words[i].said, words[i].type, "%s", err->text);
		}
	}
	return reeve_request_fail(r, status, "pool", "%s", err->text);
}
