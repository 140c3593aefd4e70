/* SPDX-License-Identifier: MIT */
/*
 * Opening a client: which places to look at for the socket, in what order, and
 * what to say when nobody listens at any of them.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "config/load.h"
#include "ctl/client_priv.h"
#include "ctl/ctl_address.h"
#include "sys/sys.h"

#define PLACES_MAX 5
#define PATH_SIZE  4096

struct places {
	char *paths[PLACES_MAX];
	size_t n;
	bool no_memory;
	const char *config_file; /* to say how to start one */
};

static void
add_place(struct places *places, const char *dir)
{
	struct rv_buf path;

	rv_buf_init(&path, PATH_SIZE);
	rv_buf_addf(&path, "%s/%s", dir, RV_CONTROL_SOCKET);
	for (size_t i = 0; i < places->n; i++) {
		if (strcmp(places->paths[i], rv_buf_str(&path)) == 0) {
			rv_buf_finish(&path);
			return;
		}
	}
	RV_ASSERT(places->n < PLACES_MAX);
	places->paths[places->n] = rv_buf_steal(&path);
	places->no_memory |= places->paths[places->n] == NULL;
	places->n += places->paths[places->n] != NULL;
}

static void
add_state_dir(struct places *places, const char *state_dir)
{
	char dir[PATH_SIZE];

	if (state_dir[0] == '/' && rv_conf_runtime_dir(state_dir, dir,
				       sizeof(dir), NULL) == REEVE_OK) {
		add_place(places, dir);
	}
	add_place(places, state_dir);
}

/* Both places of a runtime that keeps its state where it does by default. */
static bool
add_default(
    struct places *places, const char *name, bool as_root, const char *only_if)
{
	char state[PATH_SIZE], dir[PATH_SIZE];

	if (rv_conf_dirs(name, as_root, state, sizeof(state), dir, sizeof(dir),
		NULL) != REEVE_OK ||
	    (only_if != NULL && strcmp(only_if, state) != 0)) {
		return false;
	}
	add_place(places, dir);
	add_place(places, state);
	return true;
}

static void
ignore_finding(
    void *ctx, enum rv_finding_level level, const struct reeve_error *finding)
{
	(void)ctx;
	(void)level;
	(void)finding;
}

/* A file that was broken since still names its runtime, by its own name. */
static void
name_of_file(const char *file, char *name, size_t size)
{
	const char *base = strrchr(file, '/');
	char *dot;

	rv_copy(name, size, base != NULL ? base + 1 : file);
	dot = strrchr(name, '.');
	if (dot != NULL && dot != name) {
		*dot = '\0';
	}
}

static void
add_config(struct places *places, const char *file)
{
	/* A resolver that hangs must not hold up who asks for a place. */
	const struct rv_conf_source source = { .file = file, .offline = true };
	struct rv_conf *conf = NULL;
	char name[256];

	places->config_file = file;
	if (rv_conf_load_source(&conf, &source, ignore_finding, NULL) ==
	    REEVE_OK) {
		add_place(places, conf->runtime_dir);
		add_place(places, conf->state_dir);
		if (add_default(
			places, conf->name, geteuid() == 0, conf->state_dir)) {
			add_default(places, conf->name, true, NULL);
		}
		rv_conf_unref(conf);
		return;
	}
	name_of_file(file, name, sizeof(name));
	add_default(places, name, geteuid() == 0, NULL);
	add_default(places, name, true, NULL);
}

static enum reeve_status
find_places(struct places *places, const struct reeve_client_options *options,
    struct reeve_error *err)
{
	if (options == NULL || options->size < sizeof(*options)) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot open a client: reeve_client_options %s; set its "
		    "size to the sizeof its struct",
		    options == NULL ? "is NULL" : "has another size");
	}
	if (options->socket_path != NULL) {
		places->paths[0] = rv_strdup(options->socket_path);
		places->no_memory = places->paths[0] == NULL;
		places->n = !places->no_memory;
	} else if (options->state_dir != NULL) {
		add_state_dir(places, options->state_dir);
	} else if (options->config_file != NULL) {
		add_config(places, options->config_file);
	} else {
		return rv_error(err, REEVE_EINVALID,
		    "cannot open a client: reeve_client_options has none of "
		    "socket_path, state_dir and config_file");
	}
	if (places->no_memory || places->n == 0) {
		return rv_error_sys(err, ENOMEM, "cannot open a client");
	}
	return REEVE_OK;
}

/* A backlog that is full is waited for: for so long, no longer. */
static int
connect_socket(const struct sockaddr_un *address, socklen_t len)
{
	static const struct timeval patience = { .tv_sec = 1 };
	int fd = rv_sys_socket(AF_UNIX, SOCK_STREAM, 0);
	int rc, failure;

	if (fd == -1) {
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	do {
		rc = connect(fd, (const struct sockaddr *)address, len);
	} while (rc == -1 && errno == EINTR);
	if (rc == 0) {
		rc = fcntl(fd, F_SETFL, O_NONBLOCK);
	}
	if (rc == -1) {
		failure = errno;
		close(fd);
		errno = failure;
		return -1;
	}
	return fd;
}

static int
connect_path(const char *path)
{
	struct sockaddr_un address;
	socklen_t len;
	int dir_fd, fd, failure;

	if (!rv_ctl_address(path, &address, &len, &dir_fd)) {
		return -1;
	}
	fd = connect_socket(&address, len);
	failure = errno;
	if (dir_fd >= 0) {
		close(dir_fd);
	}
	errno = failure;
	return fd;
}

static bool
nobody_there(int sys_errno)
{
	return sys_errno == ENOENT || sys_errno == ECONNREFUSED ||
	       sys_errno == ENOTDIR || sys_errno == ENOTSOCK;
}

static enum reeve_status
say_nobody(const struct places *places, bool forbidden, struct reeve_error *err)
{
	char looked[360] = "";
	size_t at = 0;

	for (size_t i = 0; i < places->n; i++) {
		at += rv_format(looked + at, sizeof(looked) - at, "%s%s",
		    i != 0 ? ", " : "", places->paths[i]);
	}
	if (forbidden) {
		return rv_error(err, REEVE_EPERM,
		    "cannot reach a runtime: permission denied; looked for "
		    "%s",
		    looked);
	}
	return rv_error(err, REEVE_ENORUNTIME,
	    "no runtime is listening; looked for %s; start one with: "
	    "reeve run -c %.80s",
	    looked, places->config_file != NULL ? places->config_file : "FILE");
}

static enum reeve_status
connect_any(const struct places *places, int *fd, struct reeve_error *err)
{
	bool forbidden = false;

	for (size_t i = 0; i < places->n; i++) {
		*fd = connect_path(places->paths[i]);
		if (*fd >= 0) {
			return REEVE_OK;
		}
		if (errno == EAGAIN) {
			return rv_error(err, REEVE_ETIMEDOUT,
			    "the runtime at %s does not answer",
			    places->paths[i]);
		}
		if (errno == EACCES || errno == EPERM) {
			forbidden = true;
		} else if (!nobody_there(errno)) {
			return rv_error_sys(err, errno, "cannot connect to %s",
			    places->paths[i]);
		}
	}
	return say_nobody(places, forbidden, err);
}

enum reeve_status
reeve_client_open(struct reeve_client **out,
    const struct reeve_client_options *options, struct reeve_error *err)
{
	struct places places = { .n = 0 };
	struct reeve_client *client;
	enum reeve_status status;
	int fd = -1;

	if (out == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot open a client: no place for it was given");
	}
	status = find_places(&places, options, err);
	if (status == REEVE_OK) {
		status = connect_any(&places, &fd, err);
	}
	for (size_t i = 0; i < places.n; i++) {
		rv_free(places.paths[i]);
	}
	if (status != REEVE_OK) {
		return status;
	}
	client = rv_alloc(1, sizeof(*client));
	if (client == NULL) {
		close(fd);
		return rv_error_sys(err, ENOMEM, "cannot open a client");
	}
	client->magic = RV_CONNECTION_MAGIC;
	client->fd = fd;
	rv_buf_init(&client->in, REEVE_CLIENT_LINE_MAX + RV_CLIENT_READ);
	rv_buf_init(&client->out, RV_CLIENT_OUT_MAX);
	rv_buf_init(&client->kept, RV_CLIENT_KEPT_MAX);
	rv_buf_init(&client->line, REEVE_CLIENT_LINE_MAX);
	*out = client;
	return REEVE_OK;
}

void
reeve_client_close(struct reeve_client *client)
{
	if (client == NULL) {
		return;
	}
	RV_MAGIC_CHECK(client, RV_CONNECTION_MAGIC);
	close(client->fd);
	rv_buf_finish(&client->in);
	rv_buf_finish(&client->out);
	rv_buf_finish(&client->kept);
	rv_buf_finish(&client->line);
	rv_free(client->text);
	rv_free(client->data);
	client->magic = 0;
	rv_free(client);
}
