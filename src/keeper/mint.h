/*
 * mint.h - secrets that we make and somebody else keeps: app passwords, tokens, codes on paper.
 *
 * Each is 16 random bytes with a kind and a checksum, written so that people can type it and
 * scanners for lost secrets can find it:
 *
 *   phr-7zq4-0m2k-…   "ph", the kind's letter, 28 digits of base 32 in sevens of four
 *
 * The last two digits check the others and the kind, so what was mistyped is told from what is
 * wrong. Reading takes either case, leaves out hyphens and blanks, and takes o for 0 and i, l for
 * 1. Only an HMAC under a secret of the keeper's is stored: having the file, nobody has the codes.
 * Pure apart from randomness.
 */
#ifndef KEEPER_MINT_H
#define KEEPER_MINT_H

#include "base/err.h"
#include "base/slice.h"

enum mint_kind {
	MINT_APP = 'a',      /* password of a mail program */
	MINT_RECOVERY = 'r', /* second factor on paper */
	MINT_ACCESS = 't',   /* access token */
	MINT_REFRESH = 'f',
	MINT_GRANT = 'g',  /* authorization code */
	MINT_DEVICE = 'd', /* device code */
	MINT_LINK = 'l',   /* in a link that is sent by mail */
	MINT_COOKIE = 'c', /* of a web session */
};

enum {
	MINT_LEN = 16,       /* bytes of one, read */
	MINT_TEXT = 38 + 1,  /* of one, written, with its NUL */
	MINT_INPUT_MAX = 64, /* longest text that is looked at */
	MINT_KEY_LEN = 32,
	MINT_MAC_LEN = 32,
};

/* mint_make - a new one. */
void mint_make(enum mint_kind kind, char out[MINT_TEXT]);

/* mint_read - false: this is none of that kind; without having asked anybody. */
bool mint_read(enum mint_kind kind, struct slice text, unsigned char out[MINT_LEN]);

/* mint_mac - what is stored, and looked up, instead of it. key is the keeper's. -ERR_DENIED: the
 * text is none of that kind. */
MUST_CHECK int mint_mac(enum mint_kind kind, struct slice text,
	const unsigned char key[MINT_KEY_LEN], unsigned char out[MINT_MAC_LEN], struct err *err);

/* mint_mac_key - the same for what is no secret of ours: the hash of a client's public key. */
enum { MINT_PUBLIC_LEN = 32 };
void mint_mac_key(const unsigned char hash[MINT_PUBLIC_LEN], const unsigned char key[MINT_KEY_LEN],
	unsigned char out[MINT_MAC_LEN]);

#endif
