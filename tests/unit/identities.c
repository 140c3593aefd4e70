/* SPDX-License-Identifier: MIT */
/* Makes the certificates of identities.h, with their keys, as PEM files. */
#include "config.h"

#include "unit/identities.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/harness.h"

static void
extend(X509 *x, X509 *issuer, int what, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, what, value);
	CU_ASSERT_PTR_NOT_NULL_FATAL(extension);
	CU_ASSERT_EQUAL(X509_add_ext(x, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* Signed by this one, or, an authority, by itself. */
static void
make(struct identity *id, const char *name, const char *names,
    const struct identity *by, long lifetime)
{
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);
	FILE *file;

	id->key = EVP_EC_gen("P-256");
	CU_ASSERT_EQUAL(X509_set_version(x, 2), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(x), rand());
	X509_gmtime_adj(X509_getm_notBefore(x), -7200);
	X509_gmtime_adj(X509_getm_notAfter(x), lifetime);
	X509_set_pubkey(x, id->key);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(
	    x, by != NULL ? X509_get_subject_name(by->certificate) : subject);
	extend(x, by != NULL ? by->certificate : x, NID_basic_constraints,
	    by != NULL ? "critical,CA:FALSE" : "critical,CA:TRUE");
	if (names != NULL) {
		extend(x, by->certificate, NID_subject_alt_name, names);
	}
	CU_ASSERT_TRUE(
	    X509_sign(x, by != NULL ? by->key : id->key, EVP_sha256()) > 0);
	id->certificate = x;
	(void)snprintf(id->certificate_file, sizeof(id->certificate_file),
	    "%s/%s.pem", rv_test_dir(), name);
	(void)snprintf(id->key_file, sizeof(id->key_file), "%s/%s.key",
	    rv_test_dir(), name);
	file = fopen(id->certificate_file, "w");
	PEM_write_X509(file, x);
	(void)fclose(file);
	file = fopen(id->key_file, "w");
	PEM_write_PrivateKey(file, id->key, NULL, NULL, 0, NULL, NULL);
	(void)fclose(file);
}

struct identity ours, foreign, server, client, stale, stranger;

void
make_all(void)
{
	make(&ours, "ours", NULL, NULL, 7200);
	make(&foreign, "theirs", NULL, NULL, 7200);
	make(&server, "server", "DNS:localhost,IP:127.0.0.1", &ours, 7200);
	make(&client, "client", "DNS:client", &ours, 7200);
	make(&stale, "stale", "DNS:localhost,IP:127.0.0.1", &ours, -3600);
	make(&stranger, "stranger", "DNS:localhost,IP:127.0.0.1", &foreign,
	    7200);
}

void
forget_all(void)
{
	struct identity *all[] = { &ours, &foreign, &server, &client, &stale,
		&stranger };

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		EVP_PKEY_free(all[i]->key);
		X509_free(all[i]->certificate);
	}
}
