/* SPDX-License-Identifier: MIT */
/* Certificates for tests of TLS, of two authorities, made anew for each case.
 */
#ifndef RV_TESTS_IDENTITIES_H
#define RV_TESTS_IDENTITIES_H

#include <openssl/evp.h>
#include <openssl/x509.h>

struct identity {
	EVP_PKEY *key;
	X509 *certificate;
	char key_file[160], certificate_file[160];
};

/*
 * Two authorities; of ours a server (localhost), a client and a server whose
 * time is over; of the other one that has the server's names.
 */
extern struct identity ours, foreign, server, client, stale, stranger;

/* Into files of the case's folder. */
void make_all(void);
void forget_all(void);

#endif
