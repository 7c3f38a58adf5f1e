/*
 * mailauth_kit.h - a small DNS for tests: a table of records that answers what a view asks.
 *
 * A text is "TYPE data": "TXT anything", "A 192.0.2.1", "AAAA ::1", "MX 10 host", "PTR host",
 * "FAIL" (the name cannot be looked up), "EMPTY" (it exists). Any other name does not.
 */
#ifndef MAILAUTH_KIT_H
#define MAILAUTH_KIT_H

#include "base/buf.h"
#include "wire/dns/dns.h"

/* The public half of kit_sign()'s key, that of RFC 8463 A.2. */
#define KIT_ED25519 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

struct kit_record {
	const char *name, *text;
};

/* kit_answer - answer all that is pending, from a table that ends in a NULL name. */
void kit_answer(struct dns_view *view, const struct kit_record *zone);

/* kit_sign - what the keeper does with a digest: sign it by Ed25519. */
void kit_sign(const unsigned char *digest, struct buf *out);

#endif
