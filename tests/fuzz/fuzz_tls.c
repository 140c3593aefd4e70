/* SPDX-License-Identifier: MIT */
/*
 * Greetings by certificates, and by a key behind them, with a stranger. The
 * first byte of an input chooses, the second one how many bytes come at once:
 *
 *	bit 0	the side that is ours: a listener, or a client
 *	bit 1	a genuine peer is at the other side, and a stranger sits on the
 *		wire: the input is his edits, of three bytes each: the
 *		direction (the highest bit) and the place, and what is
 *		changed there, or 0: it ends there
 *	bit 2	and that peer has another key
 *	bit 3	clients need no certificate
 *
 * Without bit 1 the rest is what the stranger says. Nobody is let in who has
 * not the key, whoever sits on the wire; who has it is let in if nobody does;
 * all ends when the other side leaves, and nothing stays open.
 */
#include "config.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <reeve/net.h>

#include "conn/transport.h"
#include "fuzz/fuzz_fds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IS_CLIENT = 1, IN_THE_MIDDLE = 2, OTHER_KEY = 4, ANY_CLIENT = 8 };

/* --- guards ----------------------------------------------------------------
 */

/* A file without a name; its path is good in this process. */
static FILE *
new_file(char *path, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	expect(fd >= 0);
	(void)snprintf(path, size, "/proc/self/fd/%d", fd);
	return fdopen(fd, "w");
}

static void
extend(X509 *x, int what, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, what, value);

	expect(e != NULL && X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
}

/* One that is its own authority, and both sides'. */
static void
write_certificate(FILE *certificate, FILE *key_file)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *name = X509_NAME_new();

	expect(key != NULL && x != NULL && name != NULL);
	expect(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		   (const unsigned char *)"fuzz", -1, -1, 0) == 1);
	expect(X509_set_version(x, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL &&
	       X509_gmtime_adj(X509_getm_notAfter(x), 86400) != NULL &&
	       X509_set_subject_name(x, name) == 1 &&
	       X509_set_issuer_name(x, name) == 1 &&
	       X509_set_pubkey(x, key) == 1);
	extend(x, NID_basic_constraints, "critical,CA:TRUE");
	extend(x, NID_subject_alt_name, "DNS:fuzz");
	expect(X509_sign(x, key, EVP_sha256()) > 0);
	expect(PEM_write_X509(certificate, x) == 1 &&
	       PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL) ==
		   1);
	expect(fflush(certificate) == 0 && fflush(key_file) == 0);
	X509_NAME_free(name);
	X509_free(x);
	EVP_PKEY_free(key);
}

static struct reeve_guard *
new_guard(
    const char *key, bool asks, const char *certificate, const char *key_file)
{
	struct reeve_key_options by_key = { .size = sizeof(by_key),
		.key = key,
		.key_length = 1,
		.protocol = "fuzz" };
	struct reeve_tls_options by_tls = { .size = sizeof(by_tls),
		.certificate_file = certificate,
		.key_file = key_file,
		.authority_file = certificate,
		.peer_name = "fuzz",
		.asks_clients = asks };
	struct reeve_guard *guard = NULL;

	expect(reeve_guard_of_key(&by_tls.then, &by_key, NULL) == REEVE_OK);
	expect(reeve_guard_of_tls(&guard, &by_tls, NULL) == REEVE_OK);
	reeve_guard_free(by_tls.then);
	return guard;
}

/* By key (0 or 1), and by whether clients are asked. Kept to the end. */
static struct reeve_guard *guards[2][2];

static void
make_guards(void)
{
	char certificate[64], key_file[64];
	FILE *files[2];

	files[0] = new_file(certificate, sizeof(certificate));
	files[1] = new_file(key_file, sizeof(key_file));
	write_certificate(files[0], files[1]);
	for (int i = 0; i < 4; i++) {
		guards[i & 1][i >> 1] = new_guard((i & 1) != 0 ? "a" : "b",
		    i >> 1 != 0, certificate, key_file);
	}
	(void)fclose(files[0]);
	(void)fclose(files[1]);
}

/* --- one side ----------------------------------------------------------------
 */

struct side {
	struct reeve_guard *guard;
	void *greeting;
	int fd, wire;             /* its end, and the stranger's */
	enum reeve_status status; /* REEVE_EAGAIN: it goes on */
};

static void
go_on(struct side *side)
{
	struct reeve_error err;
	short events = 0;

	if (side->status == REEVE_EAGAIN) {
		side->status =
		    side->guard->ops->step(side->greeting, &events, &err);
		expect(side->status != REEVE_EAGAIN || events != 0);
	}
}

static struct side
begin(bool is_server, bool other_key, bool asks)
{
	struct side side = { .guard = guards[other_key][asks],
		.status = REEVE_EAGAIN };
	int fds[2];

	expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	side.fd = fds[0];
	side.wire = fds[1];
	expect(side.guard->ops->begin(side.guard, fds[0], &rv_transport_plain,
		   is_server, "fuzz", &side.greeting, NULL) == REEVE_OK);
	go_on(&side);
	return side;
}

/* The other one leaves: then it is over. */
static void
finish(struct side *side)
{
	(void)shutdown(side->wire, SHUT_WR);
	go_on(side);
	expect(side->status != REEVE_EAGAIN);
	side->guard->ops->end(side->greeting, NULL, NULL);
	(void)close(side->fd);
	(void)close(side->wire);
}

static void
say(int wire, const uint8_t *data, size_t size)
{
	/* who has left does not hear it */
	(void)!send(wire, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* --- a stranger -------------------------------------------------------------
 */

static void
talk_alone(uint8_t how, const uint8_t *data, size_t size, size_t piece)
{
	struct side side =
	    begin((how & IS_CLIENT) == 0, false, (how & ANY_CLIENT) == 0);

	while (side.status == REEVE_EAGAIN && size > 0) {
		size_t n = size < piece ? size : piece;

		say(side.wire, data, n);
		data += n;
		size -= n;
		go_on(&side);
	}
	finish(&side);
	expect(side.status != REEVE_OK);
}

/* --- and one on the wire ----------------------------------------------------
 */

struct edits {
	const uint8_t *at;
	size_t n;
	size_t gone[2]; /* bytes of each direction */
	bool is_cut[2];
};

/* What becomes of these bytes; how many are left of them. */
static size_t
edit(struct edits *edits, unsigned direction, uint8_t *bytes, size_t n)
{
	size_t from = edits->gone[direction];

	edits->gone[direction] += n;
	for (size_t i = 0; i < edits->n; i++) {
		const uint8_t *e = edits->at + i * 3;
		size_t place = (size_t)(e[0] & 0x7f) << 8 | e[1];

		if (e[0] >> 7 != direction || place < from ||
		    place - from >= n) {
			continue;
		}
		if (e[2] == 0) {
			edits->is_cut[direction] = true;
			n = place - from;
		} else {
			bytes[place - from] ^= e[2];
		}
	}
	return n;
}

/* False: nothing came. */
static bool
pass_on(struct side *from, struct side *to, struct edits *edits,
    unsigned direction, size_t piece)
{
	uint8_t bytes[256 * 16];
	ssize_t n = recv(from->wire, bytes, piece * 16, MSG_DONTWAIT);

	if (n <= 0) {
		return false;
	}
	if (!edits->is_cut[direction]) {
		say(to->wire, bytes, edit(edits, direction, bytes, (size_t)n));
	}
	go_on(to);
	return true;
}

static void
talk_in_the_middle(uint8_t how, const uint8_t *data, size_t size, size_t piece)
{
	bool asks = (how & ANY_CLIENT) == 0;
	struct side server = begin(true, false, asks),
		    client = begin(false, (how & OTHER_KEY) != 0, asks);
	struct edits edits = { .at = data, .n = size / 3 };
	bool went_on = true;

	while (went_on) {
		went_on = pass_on(&client, &server, &edits, 0, piece);
		went_on =
		    pass_on(&server, &client, &edits, 1, piece) || went_on;
	}
	finish(&client);
	finish(&server);
	if ((how & OTHER_KEY) != 0) {
		expect(server.status != REEVE_OK && client.status != REEVE_OK);
	} else if (edits.n == 0) {
		expect(server.status == REEVE_OK && client.status == REEVE_OK);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int before;

	if (guards[0][0] == NULL) {
		make_guards();
	}
	before = lowest();
	if (size >= 2 && (data[0] & IN_THE_MIDDLE) != 0) {
		talk_in_the_middle(data[0], data + 2, size - 2, data[1] + 1U);
	} else if (size >= 2) {
		talk_alone(data[0], data + 2, size - 2, data[1] + 1U);
	}
	expect(lowest() == before);
	return 0;
}
