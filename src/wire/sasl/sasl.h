/*
 * sasl.h - what clients say in SASL mechanisms (RFC 4422), decoded from base64 already.
 *
 * Reads EXTERNAL (RFC 4422 appendix A), PLAIN (RFC 4616), OAUTHBEARER (RFC 7628 3.1), XOAUTH2
 * (Google's, which clients use in its place), and of SCRAM (RFC 5802 7) the part before the proof:
 * whose name it is and which channel binding is meant; the proof is the keeper's business. Pure,
 * linear; slices point into the message or, where names are decoded, into the arena. Error:
 * -ERR_SYNTAX, -ERR_TOOBIG.
 */
#ifndef WIRE_SASL_SASL_H
#define WIRE_SASL_SASL_H

#include "base/arena.h"
#include "base/err.h"

enum { SASL_MESSAGE_MAX = 8192, SASL_NAME_MAX = 255 };

struct sasl_claim {
	struct slice act_as; /* the authorization identity; empty: the user's own */
	struct slice user;
	struct slice secret; /* password, or bearer token; empty for SCRAM */
};

/* Of EXTERNAL there is only act_as: who the client is, the channel has shown. */
MUST_CHECK int sasl_external_parse(struct slice message, struct sasl_claim *out, struct err *err);
MUST_CHECK int sasl_plain_parse(struct slice message, struct sasl_claim *out, struct err *err);
/* In OAUTHBEARER the user may be left out (the token says who); user.len is 0 then. */
MUST_CHECK int sasl_oauthbearer_parse(
	struct slice message, struct arena *arena, struct sasl_claim *out, struct err *err);
MUST_CHECK int sasl_xoauth2_parse(struct slice message, struct sasl_claim *out, struct err *err);

/* What client-first-message says of the channel. */
enum sasl_binding {
	SASL_BINDING_NONE, /* "n": the client has none */
	SASL_BINDING_OURS, /* "y": it has, and thinks that we have not */
	SASL_BINDING_USED, /* "p=NAME" */
};

struct sasl_scram_first {
	struct slice act_as, user;
	enum sasl_binding binding;
	struct slice binding_name;
};
MUST_CHECK int sasl_scram_first_parse(
	struct slice message, struct arena *arena, struct sasl_scram_first *out, struct err *err);

#endif
