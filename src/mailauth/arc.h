/*
 * arc.h - the chain of those who passed a message on: is it whole? And: add our link to it.
 *
 * Reads:  RFC 8617. The steps are those of dkim.h.
 * Does:   the result is none, pass or fail; whatever goes wrong is "fail" (RFC 8617 5.2.1). The
 * newest message signature and all seals are verified, older message signatures are not. Bounds:
 * ARC_SETS_MAX.
 */
#ifndef MAILAUTH_ARC_H
#define MAILAUTH_ARC_H

#include "mailauth/dkim.h"

enum {
	ARC_SETS_MAX = 50, /* RFC 8617 4.2.1 */
	ARC_CHAIN_MAX = 1 << 20,
};

struct arc_set {
	const struct mime_field *results, *message, *seal;
	struct signature seal_sig;
};

struct arc {
	struct arc_set *sets; /* n of them; number i stands at i - 1 */
	size_t n, room;
	struct signature message_sig; /* of the newest set */
	struct signature_body body;
	size_t hash;
	enum auth_result result;
	const char *reason;
	bool is_sealed_as_failed; /* the newest seal says so: nobody goes on with the chain */
};

void arc_read(struct arc *arc, struct fields *fields, struct bodies *bodies, struct arena *arena);

/* arc_verify - after the whole body; false: the view has questions. */
bool arc_verify(struct arc *arc, const struct bodies *bodies, struct dns_view *view);

/* Our own set, in the making: two signatures are needed, one after the other. */
struct arc_seal {
	size_t instance;
	struct buf results, message, seal; /* the three fields */
};

/* arc_seal_begin - for a chain whose result is known. results: the text of an
 * Authentication-Results field behind its colon, our name first; body: relaxed and whole. The
 * digest is what the first signature is for. -ERR_CONFLICT: the chain cannot be continued.
 * arc_seal_done() gives the memory back, also after an error. */
MUST_CHECK int arc_seal_begin(struct arc_seal *seal, const struct dkim_signer *signer,
	const struct arc *arc, struct fields *fields, struct slice results,
	const struct body_hash *body, unsigned char digest_out[SHA256_LEN], struct err *err);

/* arc_seal_chain - with the first signature; the digest is what the second one is for. */
MUST_CHECK int arc_seal_chain(struct arc_seal *seal, const struct dkim_signer *signer,
	const struct arc *arc, struct slice signature, unsigned char digest_out[SHA256_LEN],
	struct err *err);

/* arc_seal_end - with the second signature: the three fields, to be put on top of the message. */
void arc_seal_end(struct arc_seal *seal, struct slice signature, struct buf *out);
void arc_seal_done(struct arc_seal *seal);

#endif
