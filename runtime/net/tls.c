/* SPDX-License-Identifier: MIT */
/*
 * Guards of certificates, and the way of the bytes behind them: OpenSSL's TLS
 * 1.3 over our own calls of send and recv, since its own would raise SIGPIPE.
 *
 * In TLS 1.3 a client is done before the listener has seen its certificate; so
 * that it hears a refusal from its call of connect, not from its first message,
 * the listener says one byte when it is content.
 *
 * An SSL is for one thread at a time, and a connection for two: a lock is held
 * around each of its calls, none of which waits. What was taken to be sent is
 * staged here, because OpenSSL wants the same bytes again after it was blocked.
 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/error.h"
#include "net/net_priv.h"
#include "sys/sys.h"

#define STAGE         ((size_t)16 * 1024)
#define BINDING_BYTES 32
/* Of a host, in a client's first message. */
#define NAME_MAX_BYTES 255

static const char binding_label[] = "EXPORTER-reeve-greeting";

struct tls_guard {
	struct rv_net_guard base;
	BIO_METHOD *bio;
	SSL_CTX *server, *client; /* server: NULL without a certificate */
	char *peer_name;
	struct reeve_guard *then;
};

/* The bytes of one connection. */
struct tls {
	pthread_mutex_t mutex;
	SSL *ssl;
	size_t staged, gone;
	unsigned char stage[STAGE];
};

struct greeting {
	struct tls_guard *guard;
	struct tls *tls;
	int fd;
	bool is_server, has_shaken;
	struct rv_key_greeting *key;
	unsigned char content; /* the byte that says so */
};

static int
bio_write(BIO *bio, const char *data, size_t len, size_t *sent)
{
	struct iovec part = { (void *)(uintptr_t)data, len };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n = rv_sys_sendmsg(
	    (int)(intptr_t)BIO_get_data(bio), &msg, MSG_DONTWAIT);

	BIO_clear_retry_flags(bio);
	if (n < 0 && errno == EAGAIN) {
		BIO_set_retry_write(bio);
	}
	*sent = n > 0 ? (size_t)n : 0;
	return n > 0;
}

static int
bio_read(BIO *bio, char *data, size_t len, size_t *got)
{
	struct iovec part = { data, len };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n = rv_sys_recvmsg(
	    (int)(intptr_t)BIO_get_data(bio), &msg, MSG_DONTWAIT);

	BIO_clear_retry_flags(bio);
	if (n < 0 && errno == EAGAIN) {
		BIO_set_retry_read(bio);
	}
	*got = n > 0 ? (size_t)n : 0;
	return n > 0;
}

static long
bio_ctrl(BIO *bio, int what, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return what == BIO_CTRL_FLUSH ? 1 : 0;
}

/* -1 with errno: what a call of SSL did not do. */
static int
failed(SSL *ssl, int result, short *events)
{
	switch (SSL_get_error(ssl, result)) {
	case SSL_ERROR_WANT_READ:
		*events = POLLIN;
		errno = EAGAIN;
		break;
	case SSL_ERROR_WANT_WRITE:
		*events = POLLOUT;
		errno = EAGAIN;
		break;
	case SSL_ERROR_SYSCALL:
		errno = EPIPE;
		break;
	default:
		errno = ERR_GET_REASON(ERR_peek_error()) ==
				SSL_R_UNEXPECTED_EOF_WHILE_READING
			    ? EPIPE
			    : EPROTO;
		break;
	}
	return -1;
}

static ssize_t
tls_read(void *ctx, int fd, void *buf, size_t len, short *events)
{
	struct tls *tls = ctx;
	ssize_t result;
	size_t got = 0;
	int n;

	(void)fd;
	(void)pthread_mutex_lock(&tls->mutex);
	ERR_clear_error();
	n = SSL_read_ex(tls->ssl, buf, len, &got);
	if (n > 0) {
		result = (ssize_t)got;
	} else if (SSL_get_error(tls->ssl, n) == SSL_ERROR_ZERO_RETURN) {
		result = 0;
	} else {
		result = failed(tls->ssl, n, events);
	}
	(void)pthread_mutex_unlock(&tls->mutex);
	return result;
}

/* What is staged; 0, or -1 with errno. */
static int
push(struct tls *tls, short *events)
{
	while (tls->gone < tls->staged) {
		size_t sent = 0;
		int n;

		ERR_clear_error();
		n = SSL_write_ex(tls->ssl, tls->stage + tls->gone,
		    tls->staged - tls->gone, &sent);
		if (n <= 0) {
			return failed(tls->ssl, n, events);
		}
		tls->gone += sent;
	}
	tls->gone = tls->staged = 0;
	return 0;
}

static ssize_t
tls_write(void *ctx, int fd, const struct iovec *parts, int n, short *events)
{
	struct tls *tls = ctx;
	ssize_t taken = -1;

	(void)fd;
	(void)pthread_mutex_lock(&tls->mutex);
	if (push(tls, events) == 0) {
		for (int i = 0; i < n && tls->staged < STAGE; i++) {
			size_t len =
			    RV_MIN(parts[i].iov_len, STAGE - tls->staged);

			if (len > 0) {
				memcpy(tls->stage + tls->staged,
				    parts[i].iov_base, len);
			}
			tls->staged += len;
		}
		taken = (ssize_t)tls->staged;
		if (push(tls, events) != 0 && errno != EAGAIN) {
			taken = -1;
		}
	}
	(void)pthread_mutex_unlock(&tls->mutex);
	return taken;
}

static int
tls_flush(void *ctx, int fd, short *events)
{
	struct tls *tls = ctx;
	int result;

	(void)fd;
	(void)pthread_mutex_lock(&tls->mutex);
	result = push(tls, events);
	(void)pthread_mutex_unlock(&tls->mutex);
	return result;
}

static bool
tls_is_holding(void *ctx)
{
	struct tls *tls = ctx;
	bool is_holding;

	(void)pthread_mutex_lock(&tls->mutex);
	is_holding = tls->staged > 0;
	(void)pthread_mutex_unlock(&tls->mutex);
	return is_holding;
}

static bool
tls_is_pending(void *ctx)
{
	struct tls *tls = ctx;
	bool is_pending;

	(void)pthread_mutex_lock(&tls->mutex);
	is_pending = SSL_pending(tls->ssl) > 0;
	(void)pthread_mutex_unlock(&tls->mutex);
	return is_pending;
}

static void
tls_close(void *ctx, int fd)
{
	struct tls *tls = ctx;

	(void)fd;
	if (tls->ssl != NULL) {
		ERR_clear_error();
		if (tls->staged == 0 && SSL_is_init_finished(tls->ssl)) {
			(void)SSL_shutdown(tls->ssl); /* the orderly end */
		}
		SSL_free(tls->ssl);
		ERR_clear_error();
	}
	(void)pthread_mutex_destroy(&tls->mutex);
	OPENSSL_cleanse(tls->stage, sizeof(tls->stage));
	rv_free(tls);
}

static const struct rv_transport_ops tls_transport = { RV_TRANSPORT_VERSION,
	tls_read, tls_write, tls_flush, tls_is_holding, tls_is_pending,
	tls_close };

/* Whose certificate a client wants to see. */
static bool
expect_name(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1) {
		return true;
	}
	ERR_clear_error();
	return SSL_set1_host(ssl, name) == 1 &&
	       SSL_set_tlsext_host_name(ssl, name) == 1;
}

static struct tls *
new_tls(struct tls_guard *guard, int fd, bool is_server, const char *name)
{
	struct tls *tls = rv_alloc(1, sizeof(*tls));
	BIO *bio;

	if (tls == NULL) {
		return NULL;
	}
	(void)pthread_mutex_init(&tls->mutex, NULL);
	tls->ssl = SSL_new(is_server ? guard->server : guard->client);
	bio = tls->ssl != NULL ? BIO_new(guard->bio) : NULL;
	if (bio == NULL) {
		tls_close(tls, fd);
		return NULL;
	}
	BIO_set_data(bio, (void *)(intptr_t)fd);
	BIO_set_init(bio, 1);
	SSL_set_bio(tls->ssl, bio, bio);
	if (is_server) {
		SSL_set_accept_state(tls->ssl);
	} else {
		SSL_set_connect_state(tls->ssl);
	}
	if (!is_server && !expect_name(tls->ssl, name)) {
		tls_close(tls, fd);
		return NULL;
	}
	return tls;
}

static enum reeve_status
suits(struct reeve_guard *base, bool is_server, bool is_stream,
    const char *host, struct reeve_error *err)
{
	const struct tls_guard *guard = (struct tls_guard *)(void *)base;

	if (!is_stream) {
		return rv_error(err, REEVE_EINVALID,
		    "certificates are for connections over TCP");
	}
	if (is_server && guard->server == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "a listener needs a certificate of its own: set "
		    "certificate_file and key_file");
	}
	if (!is_server && guard->peer_name == NULL && host[0] == '\0') {
		return rv_error(err, REEVE_EINVALID,
		    "whose certificate to expect is not known: set peer_name");
	}
	return REEVE_OK;
}

static enum reeve_status
begin(struct reeve_guard *base, int fd, const struct rv_transport_ops *plain,
    bool is_server, const char *host, void **out, struct reeve_error *err)
{
	struct tls_guard *guard = (struct tls_guard *)(void *)base;
	const char *name = guard->peer_name != NULL ? guard->peer_name : host;
	struct greeting *g;

	(void)plain;
	g = rv_alloc(1, sizeof(*g));
	if (g != NULL) {
		g->tls = new_tls(guard, fd, is_server, name);
	}
	if (g == NULL || g->tls == NULL) {
		rv_free(g);
		return rv_error(err, REEVE_ENOMEM, "cannot begin to greet");
	}
	g->guard = guard;
	g->fd = fd;
	g->is_server = is_server;
	*out = g;
	return REEVE_OK;
}

/* Why TLS came to nothing. */
static enum reeve_status
no_tls(SSL *ssl, struct reeve_error *err)
{
	unsigned long code = ERR_peek_error();
	int reason = ERR_GET_REASON(code);
	long verdict = SSL_get_verify_result(ssl);
	const char *text = ERR_reason_error_string(code);

	if (verdict != X509_V_OK) {
		return rv_error(err, REEVE_EAUTH,
		    "the certificate of the other side is not good: %s",
		    X509_verify_cert_error_string(verdict));
	}
	if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
		return rv_error(
		    err, REEVE_EAUTH, "the other side has no certificate");
	}
	/* what the other side says is numbered from there on */
	if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET &&
	    reason < SSL_AD_REASON_OFFSET + 256) {
		return rv_error(err, REEVE_EAUTH,
		    "the other side refuses us: %s", text != NULL ? text : "?");
	}
	return rv_error(err, REEVE_EPROTO, "cannot speak TLS with them: %s",
	    text != NULL ? text : "they left");
}

static enum reeve_status
shake(struct greeting *g, short *events, struct reeve_error *err)
{
	int n;

	ERR_clear_error();
	n = SSL_do_handshake(g->tls->ssl);
	if (n == 1) {
		g->has_shaken = true;
		return REEVE_OK;
	}
	if (failed(g->tls->ssl, n, events) != 0 && errno == EAGAIN) {
		return REEVE_EAGAIN;
	}
	if (errno == EPIPE) {
		return rv_error(err, REEVE_EBROKEN,
		    "the other side left within the greetings");
	}
	return no_tls(g->tls->ssl, err);
}

/* The listener says that it is content, the client hears it. */
static enum reeve_status
agree(struct greeting *g, short *events, struct reeve_error *err)
{
	struct iovec part = { &g->content, 1 };
	ssize_t n = 1;

	if (g->is_server && g->content == 0) {
		g->content = 'y';
		n = tls_write(g->tls, g->fd, &part, 1, events);
	} else if (g->is_server) {
		n = tls_flush(g->tls, g->fd, events) == 0 ? 1 : -1;
	} else {
		n = tls_read(g->tls, g->fd, &g->content, 1, events);
	}
	if (n == 1) {
		return g->is_server && tls_is_holding(g->tls) ? REEVE_EAGAIN
							      : REEVE_OK;
	}
	if (n < 0 && errno == EAGAIN) {
		return REEVE_EAGAIN;
	}
	if (n == 0 || errno == EPIPE) {
		return rv_error(err, REEVE_EBROKEN,
		    "the other side left within the greetings");
	}
	return no_tls(g->tls->ssl, err);
}

static enum reeve_status
begin_key(struct greeting *g, struct reeve_error *err)
{
	unsigned char binding[BINDING_BYTES];

	if (SSL_export_keying_material(g->tls->ssl, binding, sizeof(binding),
		binding_label, sizeof(binding_label) - 1, NULL, 0, 0) == 1) {
		g->key = rv_key_greeting_new(rv_key_guard_of(g->guard->then),
		    &tls_transport, g->tls, g->fd, g->is_server, binding,
		    sizeof(binding));
	}
	return g->key != NULL
		   ? REEVE_OK
		   : rv_error(err, REEVE_ENOMEM, "cannot begin to greet");
}

static enum reeve_status
step(void *greeting, short *events, struct reeve_error *err)
{
	struct greeting *g = greeting;
	enum reeve_status status = REEVE_OK;

	if (!g->has_shaken) {
		status = shake(g, events, err);
	}
	if (status == REEVE_OK && g->key == NULL) {
		status = agree(g, events, err);
		if (status == REEVE_OK && g->guard->then != NULL) {
			status = begin_key(g, err);
		}
	}
	if (status == REEVE_OK && g->key != NULL) {
		status = rv_key_greeting_step(g->key, events, err);
	}
	return status;
}

static void
end(void *greeting, const struct rv_transport_ops **ops, void **ctx)
{
	struct greeting *g = greeting;

	rv_key_greeting_free(g->key);
	if (ops != NULL) {
		*ops = &tls_transport;
		*ctx = g->tls;
	} else {
		tls_close(g->tls, g->fd);
	}
	rv_free(g);
}

static const struct rv_guard_ops tls_ops = { RV_TRANSPORT_VERSION,
	rv_net_guard_ref, rv_net_guard_unref, suits, begin, step, end };

static void
destroy(struct rv_net_guard *base)
{
	struct tls_guard *guard = RV_CONTAINER(base, struct tls_guard, base);

	SSL_CTX_free(guard->server);
	SSL_CTX_free(guard->client);
	BIO_meth_free(guard->bio);
	reeve_guard_free(guard->then);
	rv_free(guard->peer_name);
	rv_free(guard);
}

static enum reeve_status
bad_file(struct reeve_error *err, const char *what, const char *file)
{
	unsigned long first = ERR_peek_error();
	const char *text = ERR_SYSTEM_ERROR(first)
			       ? strerror((int)ERR_GET_REASON(first))
			       : ERR_reason_error_string(ERR_peek_last_error());

	return rv_error(err, REEVE_EINVALID, "cannot use %s of \"%s\": %s",
	    what, file, text != NULL ? text : "it says nothing usable");
}

/* Nobody is asked: a key in a file is for the program alone. */
static int
no_password(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

static enum reeve_status
load_own(
    SSL_CTX *ctx, const struct reeve_tls_options *o, struct reeve_error *err)
{
	if (SSL_CTX_use_certificate_chain_file(ctx, o->certificate_file) != 1) {
		return bad_file(err, "the certificate", o->certificate_file);
	}
	/* a key of another kind than the certificate's is not compared yet */
	return SSL_CTX_use_PrivateKey_file(
		   ctx, o->key_file, SSL_FILETYPE_PEM) == 1 &&
		       SSL_CTX_check_private_key(ctx) == 1
		   ? REEVE_OK
		   : bad_file(err, "the key", o->key_file);
}

static enum reeve_status
load(SSL_CTX *ctx, const struct reeve_tls_options *o, struct reeve_error *err)
{
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1) {
		return rv_error(err, REEVE_EFAILED, "there is no TLS 1.3");
	}
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_default_passwd_cb(ctx, no_password);
	if (o->certificate_file != NULL) {
		enum reeve_status status = load_own(ctx, o, err);

		if (status != REEVE_OK) {
			return status;
		}
	}
	if (o->authority_file == NULL) {
		return SSL_CTX_set_default_verify_paths(ctx) == 1
			   ? REEVE_OK
			   : rv_error(err, REEVE_EINVALID,
				 "cannot tell whom the system believes: set "
				 "authority_file");
	}
	return SSL_CTX_load_verify_locations(ctx, o->authority_file, NULL) == 1
		   ? REEVE_OK
		   : bad_file(err, "the authority", o->authority_file);
}

static enum reeve_status
make_contexts(struct tls_guard *guard, const struct reeve_tls_options *o,
    struct reeve_error *err)
{
	enum reeve_status status;

	guard->bio = BIO_meth_new(BIO_TYPE_SOURCE_SINK | 100, "reeve");
	guard->client = SSL_CTX_new(TLS_client_method());
	if (guard->bio == NULL || guard->client == NULL) {
		return rv_error(err, REEVE_ENOMEM, "cannot make a guard");
	}
	(void)BIO_meth_set_write_ex(guard->bio, bio_write);
	(void)BIO_meth_set_read_ex(guard->bio, bio_read);
	(void)BIO_meth_set_ctrl(guard->bio, bio_ctrl);
	SSL_CTX_set_verify(guard->client, SSL_VERIFY_PEER, NULL);
	status = load(guard->client, o, err);
	if (status != REEVE_OK || o->certificate_file == NULL) {
		return status;
	}
	guard->server = SSL_CTX_new(TLS_server_method());
	if (guard->server == NULL) {
		return rv_error(err, REEVE_ENOMEM, "cannot make a guard");
	}
	SSL_CTX_set_verify(guard->server,
	    o->asks_clients ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
			    : SSL_VERIFY_NONE,
	    NULL);
	return load(guard->server, o, err);
}

enum reeve_status
reeve_guard_of_tls(struct reeve_guard **out,
    const struct reeve_tls_options *options, struct reeve_error *err)
{
	struct tls_guard *guard;
	enum reeve_status status;

	if (options != NULL && options->size < sizeof(*options)) {
		return rv_error_size(err, "reeve_tls_options", options->size);
	}
	if (out == NULL || options == NULL ||
	    (options->then != NULL && rv_key_guard_of(options->then) == NULL)) {
		return rv_error(err, REEVE_EINVALID,
		    "behind a guard of certificates may be one of a key");
	}
	if ((options->certificate_file == NULL) !=
	    (options->key_file == NULL)) {
		return rv_error(err, REEVE_EINVALID,
		    "a certificate and its key belong together: "
		    "certificate_file and key_file are set both or neither");
	}
	if (options->peer_name != NULL &&
	    (options->peer_name[0] == '\0' ||
		strlen(options->peer_name) > NAME_MAX_BYTES)) {
		return rv_error(err, REEVE_EINVALID,
		    "peer_name has 1 to %d bytes, or is NULL", NAME_MAX_BYTES);
	}
	guard = rv_alloc(1, sizeof(*guard));
	if (guard == NULL) {
		return rv_error(err, REEVE_ENOMEM, "cannot make a guard");
	}
	rv_net_guard_init(&guard->base, &tls_ops, destroy);
	if (options->then != NULL) {
		guard->then = rv_net_guard_ref(options->then);
	}
	ERR_clear_error();
	status = make_contexts(guard, options, err);
	if (status == REEVE_OK && options->peer_name != NULL) {
		guard->peer_name = rv_strdup(options->peer_name);
		if (guard->peer_name == NULL) {
			status =
			    rv_error(err, REEVE_ENOMEM, "cannot make a guard");
		}
	}
	ERR_clear_error();
	if (status != REEVE_OK) {
		destroy(&guard->base);
		return status;
	}
	*out = &guard->base.guard;
	return REEVE_OK;
}
