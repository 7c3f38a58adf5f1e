/* arc_seal.c - our own link of the chain; see arc.h. RFC 8617 5.1. */
#include "mailauth/arc.h"
#include "mailauth/sign.h"

/* As for DKIM, but what relays change on their way is left out, and never our own results. */
static const char *const always_sealed[] = {"from", "subject", "date", "message-id", NULL};
static const char *const present_sealed[] = {"to", "cc", "reply-to", "sender", "in-reply-to",
	"references", "mime-version", "content-type", "content-transfer-encoding", "list-id",
	"list-unsubscribe", "list-unsubscribe-post", "list-post", "dkim-signature", NULL};

static int put_message(struct arc_seal *seal, const struct dkim_signer *signer,
	struct fields *fields, const struct body_hash *body, unsigned char *digest_out,
	struct err *err)
{
	struct sign_text text = sign_text_begin(&seal->message, "ARC-Message-Signature");
	int rc;

	sign_number(&text, "i", seal->instance);
	sign_tag(&text, "a", slice_str(sign_algorithm(signer->algorithm)));
	sign_tag(&text, "c", slice_lit("relaxed/relaxed"));
	sign_tag(&text, "d", signer->domain);
	sign_tag(&text, "s", signer->selector);
	sign_number(&text, "t", (uint64_t)signer->now);
	sign_names(&text, fields, always_sealed, present_sealed);
	sign_base64(&text, "bh", (struct slice){(const char *)body->sum, SHA256_LEN});
	buf_byte(text.out, ';');
	sign_base64(&text, "b", slice_lit(""));
	rc = buf_check(&seal->message, "a signature", err);
	return rc == 0 ? sign_digest(fields, buf_slice(&seal->message), digest_out, err) : rc;
}

int arc_seal_begin(struct arc_seal *seal, const struct dkim_signer *signer, const struct arc *arc,
	struct fields *fields, struct slice results, const struct body_hash *body,
	unsigned char digest_out[SHA256_LEN], struct err *err)
{
	*seal = (struct arc_seal){.instance = arc->n + 1};
	buf_init(&seal->results, SIGN_FIELD_MAX);
	buf_init(&seal->message, SIGN_FIELD_MAX);
	buf_init(&seal->seal, SIGN_FIELD_MAX);
	if (arc->is_sealed_as_failed || arc->n == ARC_SETS_MAX)
		return err_set(err, ERR_CONFLICT, "the chain cannot be continued");
	buf_printf(&seal->results, "ARC-Authentication-Results: i=%zu; ", seal->instance);
	buf_append(&seal->results, slice_trim(results));
	buf_lit(&seal->results, "\r\n");
	return put_message(seal, signer, fields, body, digest_out, err);
}

static void put_canonical(struct slice written, struct buf *out)
{
	struct mime_field field;

	if (mime_header_next(&written, &field))
		canon_field(CANON_RELAXED, &field, out);
}

int arc_seal_chain(struct arc_seal *seal, const struct dkim_signer *signer, const struct arc *arc,
	struct slice signature, unsigned char digest_out[SHA256_LEN], struct err *err)
{
	const char *status = arc->n == 0 ? "none" : arc->result == AUTH_PASS ? "pass" : "fail";
	struct sign_text text = sign_text_begin(&seal->seal, "ARC-Seal");
	struct buf chain AUTO(buf_done);
	struct slice written;
	struct mime_field field;

	buf_init(&chain, ARC_CHAIN_MAX);
	sign_end(&seal->message, signature);
	sign_number(&text, "i", seal->instance);
	sign_tag(&text, "a", slice_str(sign_algorithm(signer->algorithm)));
	sign_number(&text, "t", (uint64_t)signer->now);
	sign_tag(&text, "cv", slice_str(status));
	sign_tag(&text, "d", signer->domain);
	sign_tag(&text, "s", signer->selector);
	sign_base64(&text, "b", slice_lit(""));
	/* RFC 8617 5.1.2: over a broken chain only our own set is sealed. */
	for (size_t i = 0; arc->result == AUTH_PASS && i < arc->n; i++) {
		canon_field(CANON_RELAXED, arc->sets[i].results, &chain);
		canon_field(CANON_RELAXED, arc->sets[i].message, &chain);
		canon_field(CANON_RELAXED, arc->sets[i].seal, &chain);
	}
	put_canonical(buf_slice(&seal->results), &chain);
	put_canonical(buf_slice(&seal->message), &chain);
	written = buf_slice(&seal->seal);
	if (mime_header_next(&written, &field))
		canon_without_b(CANON_RELAXED, &field, &chain);
	if (seal->results.failed || seal->message.failed || seal->seal.failed || chain.failed)
		return err_set(err, ERR_TOOBIG, "the chain is too long");
	sha256(buf_slice(&chain), digest_out);
	return 0;
}

void arc_seal_end(struct arc_seal *seal, struct slice signature, struct buf *out)
{
	sign_end(&seal->seal, signature);
	buf_append(out, buf_slice(&seal->seal));
	buf_append(out, buf_slice(&seal->message));
	buf_append(out, buf_slice(&seal->results));
}

void arc_seal_done(struct arc_seal *seal)
{
	buf_done(&seal->results);
	buf_done(&seal->message);
	buf_done(&seal->seal);
}
