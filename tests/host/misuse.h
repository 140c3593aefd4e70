/* SPDX-License-Identifier: MIT */
/*
 * What the files of test_misuse share: a runtime that works, the check of a
 * refusal, and the functions of headers other than the runtime's.
 */
#ifndef RV_TESTS_MISUSE_H
#define RV_TESTS_MISUSE_H

#include <stdio.h>
#include <string.h>

#include "host/guest.h"
#include "lib/harness.h"

extern struct guest misused; /* a runtime that works */
extern struct reeve_error misuse_err;

/* The text of misuse_err says what cannot be, in one line. */
bool misuse_is_in_words(void);

/* The call is refused with this, and the text has that in it. */
#define REFUSED(call, wanted, word)                                         \
	do {                                                                \
		enum reeve_status got_;                                     \
		memset(&misuse_err, 0, sizeof(misuse_err));                 \
		got_ = (call);                                              \
		if (got_ != (wanted) || !strstr(misuse_err.text, (word))) { \
			printf("# %s: %s, \"%s\"\n", #call,                 \
			    reeve_status_name(got_), misuse_err.text);      \
		}                                                           \
		CU_ASSERT_EQUAL(got_, (wanted));                            \
		CU_ASSERT_EQUAL(misuse_err.status, (wanted));               \
		CU_ASSERT_PTR_NOT_NULL(strstr(misuse_err.text, (word)));    \
		CU_ASSERT(misuse_is_in_words());                            \
	} while (0)
#define INVALID(call, word) REFUSED(call, REEVE_EINVALID, word)

void misuse_record(void);
void misuse_record_room(void);
void misuse_config_check(void);
void misuse_config_info_finish(void);
void misuse_config_places(void);
void misuse_config_workers(void);
void misuse_config_schema(void);
void misuse_free(void);
void misuse_control_add(void);
void misuse_control_remove(void);
void misuse_control_reply(void);
void misuse_control_fail(void);
void misuse_pool_unit_next(void);
void misuse_pool_unit_watch(void);
void misuse_client_open(void);
void misuse_client_close(void);
void misuse_client_call(void);
void misuse_client_send(void);
void misuse_client_submit(void);
void misuse_client_next(void);
void misuse_client_fd(void);
void misuse_client_events(void);
void misuse_client_refusal(void);
void misuse_client_method(void);
void misuse_log_open(void);
void misuse_log_close(void);
void misuse_log_events(void);
void misuse_log_sql(void);
void misuse_log_why(void);
void misuse_log_free(void);
void misuse_status_text(void);
void misuse_status_name(void);
void misuse_status_exit_code(void);

#endif
