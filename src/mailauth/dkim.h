/*
 * dkim.h - are the signatures of a message good? And: sign one.
 *
 * Reads:  RFC 6376, 8463, 8301, 8616.
 * Does:   verification in three steps: dkim_read() the header, the body streams by, and
 *         dkim_verify() with the DNS, as often as it has questions.
 *         A signature that covers only the front of the body (tag l) is "policy" if there is more
 *         of it: whoever appended that wrote what one reads.
 * Bounds: DKIM_SIGNATURES_MAX; further ones are not looked at.
 */
#ifndef MAILAUTH_DKIM_H
#define MAILAUTH_DKIM_H

#include "mailauth/bodies.h"
#include "mailauth/signature.h"

enum { DKIM_SIGNATURES_MAX = 10 };

struct dkim_signature {
	struct signature sig; /* with its result */
	struct signature_body body;
	size_t hash;           /* of struct bodies */
	struct slice identity; /* i as it was written, or empty */
	struct slice identity_domain;
};

struct dkim {
	struct dkim_signature list[DKIM_SIGNATURES_MAX]; /* from the top of the header */
	size_t n;
	bool is_body_checked;
};

/* dkim_read - the signatures of a header; now: for what has expired. Nothing fails: what is no
 * good has its result. */
void dkim_read(struct dkim *dkim, struct fields *fields, struct bodies *bodies, int64_t now,
	struct arena *arena);

/* dkim_verify - after the whole body; false: the view has questions. */
bool dkim_verify(struct dkim *dkim, const struct bodies *bodies, struct dns_view *view);

struct dkim_signer {
	struct slice domain, selector;
	enum signature_algorithm algorithm;
	int64_t now;
};

/* dkim_sign_begin - the field with everything but its signature, in canonical forms relaxed and
 * relaxed, and the digest that must be signed: by RSA with PKCS #1 v1.5 padding for SHA-256, by
 * Ed25519 as a message of 32 bytes. body: relaxed and whole, finished. */
MUST_CHECK int dkim_sign_begin(const struct dkim_signer *signer, struct fields *fields,
	const struct body_hash *body, struct buf *field_out, unsigned char digest_out[SHA256_LEN],
	struct err *err);

/* sign_end - put the signature at the end of a field that was begun; of ARC too. */
void sign_end(struct buf *field, struct slice signature);

#endif
