/*
 * cbor.h - the outermost of CBOR (RFC 8949), enough to cut an attestation into its parts.
 *
 * libfido2 reads the parts, and its library reserves memory for as many items as the bytes claim to
 * have. So bytes from outside are first walked here, where a claim costs nothing: definite lengths
 * only (CTAP 2's canonical form has no others), no more items than bytes, CBOR_DEPTH_MAX deep.
 *
 * Pure and linear; slices point into the input.
 */
#ifndef KEEPER_CBOR_H
#define KEEPER_CBOR_H

#include "base/slice.h"

enum { CBOR_DEPTH_MAX = 8 };

enum cbor_type {
	CBOR_UNSIGNED,
	CBOR_NEGATIVE,
	CBOR_BYTES,
	CBOR_TEXT,
	CBOR_ARRAY,
	CBOR_MAP,
	CBOR_TAG,
	CBOR_SIMPLE,
};

struct cbor_head {
	enum cbor_type type;
	uint64_t n; /* the number; or bytes, items, pairs that follow */
};

/* cbor_take_head - from the front of *in. cbor_take_string - of that type, with its bytes.
 * cbor_skip - one whole item, given out. False (and *in untouched) for what is none. */
bool cbor_take_head(struct slice *in, struct cbor_head *out);
bool cbor_take_string(struct slice *in, enum cbor_type type, struct slice *out);
bool cbor_skip(struct slice *in, struct slice *item_out);

#endif
