/* SPDX-License-Identifier: MIT */
/*
 * The public calls of a client: ask and wait, or send and look. Only
 * reeve_client_call waits, on nothing but its own descriptor.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "ctl/client_priv.h"
#include "sys/sys.h"

static enum reeve_status
check(const struct reeve_client *client, const char *what,
    struct reeve_error *err)
{
	if (client == NULL || client->magic != RV_CONNECTION_MAGIC) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot %s: the client is %s", what,
		    client == NULL ? "NULL" : "none (any more)");
	}
	return REEVE_OK;
}

static enum reeve_status
check_asking(const struct reeve_client *client, const char *method,
    struct reeve_error *err)
{
	if (method == NULL) {
		return rv_error(
		    err, REEVE_EINVALID, "cannot ask: the method is NULL");
	}
	return check(client, "ask", err);
}

int
reeve_client_fd(const struct reeve_client *client)
{
	return check(client, "be polled", NULL) == REEVE_OK ? client->fd : -1;
}

short
reeve_client_events(const struct reeve_client *client)
{
	if (check(client, "be polled", NULL) != REEVE_OK) {
		return 0;
	}
	return (short)(POLLIN | (client->out.len != 0 ? POLLOUT : 0));
}

const char *
reeve_client_refusal(const struct reeve_client *client)
{
	return check(client, "refuse", NULL) == REEVE_OK ? client->data : NULL;
}

/* Wait until the descriptor is ready; REEVE_ETIMEDOUT behind the deadline. */
static enum reeve_status
wait_ready(
    struct reeve_client *client, rv_time deadline, struct reeve_error *err)
{
	struct pollfd fd = { client->fd, reeve_client_events(client), 0 };
	int ms = -1;

	if (deadline != RV_FOREVER) {
		rv_time left = deadline - rv_sys_now();

		if (left <= 0) {
			return rv_error(err, REEVE_ETIMEDOUT,
			    "the runtime did not answer in time");
		}
		ms = (int)RV_MIN((left + RV_MS - 1) / RV_MS, (rv_time)INT_MAX);
	}
	if (poll(&fd, 1, ms) == -1 && errno != EINTR) {
		return rv_error_sys(err, errno, "cannot wait for the runtime");
	}
	return REEVE_OK;
}

/* The answer with this id; what else comes is kept, or late and dropped. */
static enum reeve_status
await(struct reeve_client *client, uint64_t id, rv_time deadline,
    struct rv_answer *answer, struct reeve_error *err)
{
	enum reeve_status status = rv_client_flush(client, err);

	while (status == REEVE_OK) {
		status = rv_client_line(client, false, err);
		if (status == REEVE_EAGAIN) {
			status = wait_ready(client, deadline, err);
			if (status == REEVE_OK) {
				status = rv_client_flush(client, err);
			}
			continue;
		}
		if (status == REEVE_OK) {
			status = rv_client_look(client, answer, err);
		}
		if (status != REEVE_OK) {
			break;
		}
		/* A refusal of nobody's request is about the connection. */
		if (answer->message.id == id ||
		    (answer->message.id == 0 &&
			answer->message.method == NULL)) {
			break;
		}
		if (!rv_client_is_call(answer->message.id)) {
			status = rv_client_keep(client, err);
		}
	}
	return status;
}

enum reeve_status
reeve_client_call(struct reeve_client *client, const char *method,
    const char *params, int timeout_ms, char **result, struct reeve_error *err)
{
	rv_time deadline =
	    timeout_ms < 0 ? RV_FOREVER : rv_sys_now() + timeout_ms * RV_MS;
	struct rv_answer answer;
	enum reeve_status status;
	uint64_t id;
	char *copy;

	status = check_asking(client, method, err);
	if (status != REEVE_OK) {
		return status;
	}
	id = 2 * ++client->n_ids + 1;
	status = rv_client_ask(client, id, method, params, err);
	if (status == REEVE_OK) {
		status = await(client, id, deadline, &answer, err);
	}
	if (status != REEVE_OK) {
		return status;
	}
	if (answer.message.status != REEVE_OK) {
		return rv_error(
		    err, answer.message.status, "%s", answer.message.text);
	}
	rv_client_cut(client, &answer);
	if (result != NULL) {
		copy = rv_strndup(answer.message.json, answer.json_len);
		if (copy == NULL) {
			return rv_error_sys(
			    err, ENOMEM, "cannot keep the answer");
		}
		*result = copy;
	}
	return REEVE_OK;
}

enum reeve_status
reeve_client_send(struct reeve_client *client, const char *method,
    const char *params, uint64_t *id, struct reeve_error *err)
{
	uint64_t number;
	enum reeve_status status = check_asking(client, method, err);

	if (status != REEVE_OK) {
		return status;
	}
	number = 2 * ++client->n_ids;
	status = rv_client_ask(client, number, method, params, err);
	if (status != REEVE_OK) {
		return status;
	}
	if (id != NULL) {
		*id = number;
	}
	return rv_client_flush(client, err);
}

enum reeve_status
reeve_client_next(struct reeve_client *client, struct reeve_message *message,
    struct reeve_error *err)
{
	struct rv_answer answer;
	enum reeve_status status = check(client, "read an answer", err);

	if (status == REEVE_OK && message == NULL) {
		status = rv_error(err, REEVE_EINVALID,
		    "cannot read an answer: no place for it was given");
	}
	if (status != REEVE_OK) {
		return status;
	}
	status = rv_client_flush(client, err);
	do {
		if (status == REEVE_OK) {
			status = rv_client_line(client, true, err);
		}
		if (status == REEVE_OK) {
			status = rv_client_look(client, &answer, err);
		}
		if (status != REEVE_OK) {
			return status;
		}
		/* The answer to a call that had given up is thrown away. */
	} while (rv_client_is_call(answer.message.id));
	rv_client_cut(client, &answer);
	*message = answer.message;
	return REEVE_OK;
}
