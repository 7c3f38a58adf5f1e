/*
 * signature.h - one signature over header fields: what DKIM-Signature, ARC-Message-Signature and
 * ARC-Seal have in common, and the keys in the DNS that verify them. For this room only.
 *
 * Reads:  RFC 6376 3.5, 3.6 and 6.1, RFC 8463 (Ed25519), RFC 8301 (no SHA-1, no RSA key below 1,024
 *         bits). A signature that cannot be accepted has its result and reason at once.
 */
#ifndef MAILAUTH_SIGNATURE_H
#define MAILAUTH_SIGNATURE_H

#include "mailauth/canon.h"
#include "mailauth/fields.h"
#include "mailauth/result.h"
#include "mailauth/tags.h"
#include "wire/dns/dns.h"

enum {
	SIGNATURE_BYTES_MAX = 1024,    /* of an RSA key of 8,192 bits */
	SIGNATURE_KEY_MAX = 2048,      /* bytes of a public key */
	SIGNATURE_KEY_BITS_MIN = 1024, /* RFC 8301 3.2 */
	SIGNATURE_KEY_BITS_MAX = 8192,
	SIGNATURE_CLOCK_SKEW = 3600, /* so much may a clock be ahead of ours */
};

enum signature_algorithm { SIGNATURE_RSA, SIGNATURE_ED25519 };

struct signature {
	const struct mime_field *field;
	struct tags tags;
	enum signature_algorithm algorithm;
	struct slice domain, selector;
	struct slice bytes;                /* b */
	unsigned char digest[SHA256_LEN];  /* of what is signed in the header */
	unsigned key_bits;                 /* once the key is known */
	bool is_testing, is_strict_domain; /* flags y and s of the key */
	enum auth_result result;           /* AUTH_PENDING until it is decided */
	const char *reason;                /* for people; NULL: none */
};

/* signature_read - the tags that all three have: a, b, d, s. */
void signature_read(struct signature *sig, const struct mime_field *field, struct arena *arena);

/* signature_decide - decide it, once. */
void signature_decide(struct signature *sig, enum auth_result result, const char *reason);

/* signature_hash_fields - of those that the list h names, then of the signature's own field. */
void signature_hash_fields(
	struct signature *sig, struct fields *fields, struct slice names, enum canon canon);

/* signature_verify - look for the key and verify; the result is AUTH_PENDING as long as the DNS was
 * not asked. */
void signature_verify(struct signature *sig, struct dns_view *view);

/* The body's part, for DKIM-Signature and ARC-Message-Signature: c, bh, l. */
struct signature_body {
	enum canon header_canon, body_canon;
	struct slice expected; /* bh */
	uint64_t limit;        /* l, or BODY_HASH_ALL */
};

void signature_read_body(struct signature *sig, struct signature_body *out, struct arena *arena);

/* signature_check_body - is the body the one that was signed? */
void signature_check_body(
	struct signature *sig, const struct signature_body *body, const struct body_hash *hash);

#endif
