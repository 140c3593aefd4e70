/* SPDX-License-Identifier: MIT */
/*
 * Which warnings about the config a host has heard: each is said once, until a
 * load that goes through has it no more or in other words. A commit loads all
 * of the tree, and would say the same again each time. Errors are answers to
 * what was asked just now, and do not come here.
 */
#include "config.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "face/face_config.h"

#define FIRST_MARKS 16
#define MOST_MARKS  4096 /* what is beyond is said each time */

static uint64_t
hash_of(const struct reeve_error *finding)
{
	const int place[] = { finding->line, finding->column };
	uint64_t hash = rv_fnv(RV_FNV_INIT, place, sizeof(place));

	return rv_fnv_str(rv_fnv_str(hash, finding->where), finding->text);
}

static bool
has_room(struct rv_face_said *said)
{
	size_t max = RV_MAX(2 * said->max, (size_t)FIRST_MARKS);
	struct rv_face_mark *marks;

	if (said->n < said->max) {
		return true;
	}
	if (max > MOST_MARKS) {
		return false;
	}
	marks = rv_realloc(said->marks, said->max, max, sizeof(*marks));
	if (marks == NULL) {
		return false; /* better twice than never */
	}
	said->marks = marks;
	said->max = max;
	return true;
}

bool
rv_face_said_before(
    struct rv_face_said *said, const struct reeve_error *finding)
{
	uint64_t hash = hash_of(finding);

	for (size_t i = 0; i < said->n; i++) {
		if (said->marks[i].hash == hash) {
			said->marks[i].load = said->load;
			return true;
		}
	}
	if (has_room(said)) {
		said->marks[said->n++] =
		    (struct rv_face_mark){ hash, said->load };
	}
	return false;
}

void
rv_face_said_end(struct rv_face_said *said, bool went_through)
{
	size_t n = 0;

	for (size_t i = 0; i < said->n; i++) {
		if (!went_through || said->marks[i].load == said->load) {
			said->marks[n++] = said->marks[i];
		}
	}
	said->n = n;
	said->load++;
}

void
rv_face_said_finish(struct rv_face_said *said)
{
	rv_free(said->marks);
	*said = (struct rv_face_said){ 0 };
}
