/*
 * encode.h - bytes as text and numbers as bytes: base64 (RFC 4648 4 and 5), hex, big-endian,
 * varint, SHA-256. Pure functions.
 */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include "base/buf.h"

void base64_encode(struct buf *out, struct slice in); /* with padding, in one line */
/* base64_decode - strict: padding demanded, no white space, no bits left over. -ERR_SYNTAX. */
MUST_CHECK int base64_decode(struct buf *out, struct slice in, struct err *err);

/* The alphabet of RFC 4648 5 and no padding, as in URLs and web tokens; as strict. */
void base64url_encode(struct buf *out, struct slice in);
MUST_CHECK int base64url_decode(struct buf *out, struct slice in, struct err *err);

void hex_encode(struct buf *out, struct slice in); /* lower case */
/* hex_decode - exactly n bytes from 2n digits of either case; false if s is anything else. */
bool hex_decode(struct slice s, void *out, size_t n);

/* Unsigned LEB128: 7 bits a byte, lowest first, at most 10 bytes. */
void varint_put(struct buf *out, uint64_t n);
/* varint_take - one number from the front of *in; false (and *in untouched) if it is cut short
 * or longer than 64 bits. */
bool varint_take(struct slice *in, uint64_t *out);

void be32_put(unsigned char *p, uint32_t n);
uint32_t be32_get(const unsigned char *p);
void be64_put(unsigned char *p, uint64_t n);
uint64_t be64_get(const unsigned char *p);

enum { SHA256_LEN = 32 };
void sha256(struct slice in, unsigned char out[SHA256_LEN]);

#endif
