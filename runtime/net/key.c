/* SPDX-License-Identifier: MIT */
/*
 * Guards of a key. The listener begins:
 *
 *	listener	"rvk1", 32 random bytes
 *	client		32 random bytes, its MAC
 *	listener	'y', its MAC; or 'n' and zeros
 *
 * Each is read to its last byte and not beyond, as one packet or out of a
 * stream. A MAC is of all that both know and of who made it, with the lengths
 * of what has none fixed, so no two different greetings have the same text.
 * Macs, their comparison and random bytes are OpenSSL's.
 */
#include "config.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "net/net_priv.h"

#define KEY_MAX      1024
#define PROTOCOL_MAX 255
#define BINDING_MAX  64

static const char label[] = "reeve greeting by a key, 1";
static const unsigned char magic[4] = { 'r', 'v', 'k', '1' };

struct rv_key_guard {
	struct rv_net_guard base;
	size_t key_length, protocol_length;
	unsigned char key[KEY_MAX];
	char protocol[PROTOCOL_MAX + 1];
};

struct rv_key_greeting {
	struct rv_key_guard *guard;
	const struct rv_transport_ops *ops;
	void *ctx;
	int fd;
	bool is_server;
	unsigned
	    turn; /* 0: the listener's first, 1: the client's, 2: its last */
	bool is_refused;
	size_t at, len; /* of the message of this turn */
	unsigned char message[RV_NONCE_BYTES + RV_MAC_BYTES];
	unsigned char server_nonce[RV_NONCE_BYTES];
	unsigned char client_nonce[RV_NONCE_BYTES];
	unsigned char binding[BINDING_MAX];
	size_t binding_bytes;
};

static const size_t lengths[] = { sizeof(magic) + RV_NONCE_BYTES,
	RV_NONCE_BYTES + RV_MAC_BYTES, 1 + RV_MAC_BYTES };

static void
add(unsigned char **at, const void *data, size_t len)
{
	memcpy(*at, data, len);
	*at += len;
}

/* What the listener, or the client, has to send to prove that it has the key */
static bool
mac_of(const struct rv_key_greeting *g, bool of_server,
    unsigned char mac[RV_MAC_BYTES])
{
	const struct rv_key_guard *guard = g->guard;
	unsigned char text[sizeof(label) + 3 + PROTOCOL_MAX + BINDING_MAX +
			   2 * RV_NONCE_BYTES];
	unsigned char lens[] = { of_server ? 'L' : 'C',
		(unsigned char)guard->protocol_length,
		(unsigned char)g->binding_bytes };
	unsigned char *at = text;
	size_t got = 0;

	add(&at, label, sizeof(label));
	add(&at, lens, sizeof(lens));
	add(&at, guard->protocol, guard->protocol_length);
	add(&at, g->binding, g->binding_bytes);
	add(&at, g->server_nonce, RV_NONCE_BYTES);
	add(&at, g->client_nonce, RV_NONCE_BYTES);
	return EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, guard->key,
		   guard->key_length, text, (size_t)(at - text), mac,
		   RV_MAC_BYTES, &got) != NULL &&
	       got == RV_MAC_BYTES;
}

struct rv_key_greeting *
rv_key_greeting_new(struct rv_key_guard *guard,
    const struct rv_transport_ops *ops, void *ctx, int fd, bool is_server,
    const unsigned char *binding, size_t binding_bytes)
{
	struct rv_key_greeting *g = rv_alloc(1, sizeof(*g));

	RV_ASSERT(binding_bytes <= BINDING_MAX);
	if (g == NULL ||
	    RAND_bytes(is_server ? g->server_nonce : g->client_nonce,
		RV_NONCE_BYTES) != 1) {
		rv_free(g);
		return NULL;
	}
	g->guard = guard;
	g->ops = ops;
	g->ctx = ctx;
	g->fd = fd;
	g->is_server = is_server;
	if (binding != NULL) {
		memcpy(g->binding, binding, binding_bytes);
		g->binding_bytes = binding_bytes;
	}
	return g;
}

void
rv_key_greeting_free(struct rv_key_greeting *g)
{
	rv_free(g);
}

/* Our message of this turn. */
static bool
compose(struct rv_key_greeting *g)
{
	unsigned char *m = g->message;

	memset(m, 0, sizeof(g->message));
	switch (g->turn) {
	case 0:
		memcpy(m, magic, sizeof(magic));
		memcpy(m + sizeof(magic), g->server_nonce, RV_NONCE_BYTES);
		return true;
	case 1:
		memcpy(m, g->client_nonce, RV_NONCE_BYTES);
		return mac_of(g, false, m + RV_NONCE_BYTES);
	default:
		m[0] = g->is_refused ? 'n' : 'y';
		return g->is_refused || mac_of(g, true, m + 1);
	}
}

static bool
is_good_mac(
    const struct rv_key_greeting *g, bool of_server, const unsigned char *mac)
{
	unsigned char want[RV_MAC_BYTES];

	return mac_of(g, of_server, want) &&
	       CRYPTO_memcmp(want, mac, sizeof(want)) == 0;
}

static enum reeve_status
refused(struct reeve_error *err)
{
	return rv_error(err, REEVE_EAUTH,
	    "the other side has another key, or is for another protocol");
}

/* Their message of this turn. */
static enum reeve_status
judge(struct rv_key_greeting *g, struct reeve_error *err)
{
	const unsigned char *m = g->message;

	switch (g->turn) {
	case 0:
		if (memcmp(m, magic, sizeof(magic)) != 0) {
			return rv_error(err, REEVE_EPROTO,
			    "the listener does not ask for a key");
		}
		memcpy(g->server_nonce, m + sizeof(magic), RV_NONCE_BYTES);
		return REEVE_OK;
	case 1:
		memcpy(g->client_nonce, m, RV_NONCE_BYTES);
		g->is_refused = !is_good_mac(g, false, m + RV_NONCE_BYTES);
		return REEVE_OK; /* it is told first */
	default:
		return m[0] == 'y' && is_good_mac(g, true, m + 1)
			   ? REEVE_OK
			   : refused(err);
	}
}

/* REEVE_EAGAIN; or the message has gone, or come, as a whole. */
static enum reeve_status
move(struct rv_key_greeting *g, bool writing, short *events,
    struct reeve_error *err)
{
	while (g->at < g->len) {
		struct iovec part = { g->message + g->at, g->len - g->at };
		ssize_t n;

		n = writing ? g->ops->write(g->ctx, g->fd, &part, 1, events)
			    : g->ops->read(g->ctx, g->fd, part.iov_base,
				  part.iov_len, events);
		if (n < 0 && errno == EAGAIN) {
			return REEVE_EAGAIN;
		}
		if (n < 0) {
			return rv_error(err, REEVE_EBROKEN,
			    "the other side left within the greetings");
		}
		if (n == 0) {
			return rv_error(err, REEVE_EBROKEN,
			    "the other side ended the greetings");
		}
		g->at += (size_t)n;
	}
	if (writing && g->ops->flush(g->ctx, g->fd, events) != 0) {
		return errno == EAGAIN ? REEVE_EAGAIN
				       : rv_error(err, REEVE_EBROKEN,
					     "the other side left within the "
					     "greetings");
	}
	return REEVE_OK;
}

enum reeve_status
rv_key_greeting_step(
    struct rv_key_greeting *g, short *events, struct reeve_error *err)
{
	while (g->turn < RV_ARRAY_LEN(lengths)) {
		bool writing = (g->turn != 1) == g->is_server;
		enum reeve_status status;

		if (g->len == 0) {
			if (writing && !compose(g)) {
				return rv_error(
				    err, REEVE_EFAILED, "cannot make a MAC");
			}
			g->len = lengths[g->turn];
		}
		status = move(g, writing, events, err);
		if (status == REEVE_OK && !writing) {
			status = judge(g, err);
		}
		if (status != REEVE_OK) {
			return status;
		}
		g->turn++;
		g->at = g->len = 0;
	}
	return g->is_refused ? refused(err) : REEVE_OK;
}

static enum reeve_status
suits(struct reeve_guard *guard, bool is_server, bool is_stream,
    const char *host, struct reeve_error *err)
{
	(void)guard;
	(void)is_server;
	(void)is_stream;
	(void)host;
	(void)err;
	return REEVE_OK;
}

static enum reeve_status
begin(struct reeve_guard *guard, int fd, const struct rv_transport_ops *plain,
    bool is_server, const char *host, void **greeting, struct reeve_error *err)
{
	struct rv_key_guard *key = rv_key_guard_of(guard);

	(void)host;
	*greeting =
	    rv_key_greeting_new(key, plain, NULL, fd, is_server, NULL, 0);
	return *greeting != NULL
		   ? REEVE_OK
		   : rv_error(err, REEVE_ENOMEM, "cannot begin to greet");
}

static enum reeve_status
step(void *greeting, short *events, struct reeve_error *err)
{
	return rv_key_greeting_step(greeting, events, err);
}

static void
end(void *greeting, const struct rv_transport_ops **ops, void **ctx)
{
	(void)ops;
	(void)ctx;
	rv_key_greeting_free(greeting);
}

static const struct rv_guard_ops key_ops = { RV_TRANSPORT_VERSION,
	rv_net_guard_ref, rv_net_guard_unref, suits, begin, step, end };

static void
destroy(struct rv_net_guard *base)
{
	struct rv_key_guard *guard =
	    RV_CONTAINER(base, struct rv_key_guard, base);

	OPENSSL_cleanse(guard->key, sizeof(guard->key));
	rv_free(guard);
}

struct rv_key_guard *
rv_key_guard_of(struct reeve_guard *guard)
{
	return guard != NULL && guard->ops == &key_ops
		   ? (struct rv_key_guard *)(void *)guard
		   : NULL;
}

enum reeve_status
reeve_guard_of_key(struct reeve_guard **out,
    const struct reeve_key_options *options, struct reeve_error *err)
{
	struct rv_key_guard *guard;
	const char *protocol;

	if (options != NULL && options->size < sizeof(*options)) {
		return rv_error_size(err, "reeve_key_options", options->size);
	}
	if (out == NULL || options == NULL || options->key == NULL ||
	    options->key_length == 0 || options->key_length > KEY_MAX) {
		return rv_error(
		    err, REEVE_EINVALID, "a key has 1 to %d bytes", KEY_MAX);
	}
	protocol = options->protocol != NULL ? options->protocol : "";
	if (strlen(protocol) > PROTOCOL_MAX) {
		return rv_error(err, REEVE_EINVALID,
		    "the name of a protocol has up to %d bytes", PROTOCOL_MAX);
	}
	guard = rv_alloc(1, sizeof(*guard));
	if (guard == NULL) {
		return rv_error(err, REEVE_ENOMEM, "cannot make a guard");
	}
	rv_net_guard_init(&guard->base, &key_ops, destroy);
	memcpy(guard->key, options->key, options->key_length);
	guard->key_length = options->key_length;
	guard->protocol_length = strlen(protocol);
	memcpy(guard->protocol, protocol, guard->protocol_length);
	*out = &guard->base.guard;
	return REEVE_OK;
}
