/* SPDX-License-Identifier: MIT */
/* Answers that the methods of many types have in common. Keeps nothing. */
#include "config.h"

#include "manager/answers.h"

enum reeve_status
rv_answer_int(struct reeve_request *r, uint64_t n)
{
	struct reeve_datum number = reeve_int((int64_t)n);

	reeve_request_answer(r, &number);
	return REEVE_OK;
}

enum reeve_status
rv_answer_bool(struct reeve_request *r, bool is)
{
	struct reeve_datum truth = reeve_bool(is);

	reeve_request_answer(r, &truth);
	return REEVE_OK;
}

enum reeve_status
rv_answer_new(
    struct reeve_request *r, struct rv_object *object, enum reeve_status status)
{
	struct reeve_datum reference;

	if (status == REEVE_OK) {
		reference = rv_object_reference(object);
		reeve_request_answer(r, &reference);
	}
	if (object != NULL) {
		rv_object_unref(r->hall, object);
	}
	return status;
}
